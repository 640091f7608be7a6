"""A serial port that nobody holds until it is opened, with a device behind it: two descriptors."""

import os
import pty
import threading

_LOOK = 0.02


class SerialLine:
    """`path` is the port's; what the device says from `said` comes out of it, and what is written goes to `told`."""

    def __init__(self, said, told):
        self._said, self._told = said, told
        self._master, port = pty.openpty()
        self.path = os.ttyname(port)
        os.close(port)
        self._spoken_to, self._ended = threading.Event(), threading.Event()
        for work in (self._listen, self._speak):
            threading.Thread(target=work, daemon=True).start()

    def close(self):
        self._ended.set()

    def _listen(self):
        while not self._ended.is_set():
            try:
                octets = os.read(self._master, 4096)
            except OSError:  # nobody has it open (any more)
                self._ended.wait(_LOOK)
                continue
            os.write(self._told, octets)
            self._spoken_to.set()

    def _speak(self):
        """Not before it is spoken to: until its owner has set it up, the port would echo."""
        self._spoken_to.wait()
        while octets := os.read(self._said, 4096):
            os.write(self._master, octets)
