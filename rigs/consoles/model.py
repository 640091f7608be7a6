"""The shape of a console: octets out, octets in, everything kept from the moment it is opened.

Strategy: a console is a stream. A reader thread (one for every kind, here) files what arrives the moment it arrives,
so nothing is lost between two calls or while a node reboots; whoever reads has a *position* in the stream (`mark`) and
asks for what came behind it (`after`). Memory is bounded: the last `KEPT` octets stay. Time is bounded as well: a
reader that waits is woken by `close`, and a write that nobody takes ends with an error. What a prompt is, or a
command, is the business of `rigs.consoles.shell`.
"""

from __future__ import annotations

import os
import select
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final

from rigs import clock
from rigs.model import Health, LinkClosed, Unsupported

if TYPE_CHECKING:
    from rigs.configuration.models import RigFile

#: Octets of a stream that are kept for readers who come late.
KEPT: Final = 1 << 18
#: Octets that are read at a time.
CHUNK: Final = 1 << 16
#: Seconds after which a write that the other side does not take has failed.
WRITE_TIMEOUT: Final = 5.0
#: Seconds in which the reader learns why a write failed.
_WHY: Final = 1.0


class Console(ABC):
    """One open console. A kind of console implements `_read`, `_write` and `_release`, and calls `_start` when open."""

    #: Whether `restart` starts what is behind it anew.
    restarts: ClassVar[bool] = False
    #: Whether what comes is for people; not where a link speaks a protocol over it.
    is_text = True

    def __init__(self, address: str) -> None:
        #: As the rig file has it, such as "serial:/dev/ttyACM0".
        self.address = address
        self._arrived = threading.Condition()
        self._kept = bytearray()
        self._dropped = 0  # octets that were kept once and are no more
        self._closed = ""  # why nothing comes any more
        #: Why the stream ended of itself; empty while it goes on.
        self.ended = ""
        self._closing = threading.Event()
        self._released = False
        self._waker = os.eventfd(0)
        self._reader = self._new_reader()

    @abstractmethod
    def _read(self) -> bytes:
        """Wait for octets (`_await`) and return them; empty at the end. Raises `OSError` when the stream broke."""

    def _ending(self) -> str:
        """Why `_read` came to the end, as far as the transport can tell."""
        return "the stream ended"

    @abstractmethod
    def _write(self, data: bytes) -> None:
        """Send octets within `WRITE_TIMEOUT`. Raises `OSError`."""

    @abstractmethod
    def _release(self) -> None:
        """Give the device or process back. Called once, when nobody reads any more."""

    def health(self) -> Health:
        """What the transport tells: alive, or (a process) crashed or killed, or unreachable."""
        return Health("unreachable", self._closed) if self._closed else Health("alive")

    def restart(self) -> None:
        """Start what is behind the console anew, as a power cycle does; the stream goes on behind what was kept.

        Raises `Unsupported` where nothing can, `RigError`.
        """
        raise Unsupported(f"reset: {self.address}: what is behind this console cannot be started anew")

    def write(self, data: bytes) -> None:
        """Send octets to the node. Raises `LinkClosed`."""
        if self._closing.is_set():
            raise LinkClosed(f"{self.address}: closed")
        try:
            self._write(data)
        except OSError as error:
            why = f"cannot be written to: {error}"
            if isinstance(error, BrokenPipeError):  # the reader is about to learn how the process ended
                clock.wait_until(self._arrived, lambda: bool(self._closed), clock.now() + _WHY)
                why = self._closed or why
            raise LinkClosed(f"{self.address}: {why}") from error

    def mark(self) -> int:
        """The present position: how many octets have come since the console was opened."""
        with self._arrived:
            return self._position

    @property
    def _position(self) -> int:
        return self._dropped + len(self._kept)

    def after(self, mark: int, deadline: float) -> tuple[bytes, int]:
        """Wait for octets behind `mark`; return them, as far as they are kept, and the position behind them.

        Nothing but `mark` itself comes back when `deadline` (monotonic) passes. Raises `LinkClosed` when the
        stream has ended and everything of it was read.
        """
        with self._arrived:
            clock.wait_until(self._arrived, lambda: self._position > mark or bool(self._closed), deadline)
            if self._position > mark:
                return bytes(self._kept[max(0, mark - self._dropped) :]), self._position
            if self._closed:
                raise LinkClosed(f"{self.address}: {self._closed}")
            return b"", mark

    def kept(self) -> bytes:
        """What came last, as far as it is kept."""
        with self._arrived:
            return bytes(self._kept)

    def close(self) -> None:
        """Give the console back. May be called twice."""
        if self._released:
            return
        self._released = True
        self._stop()
        self._release()
        os.close(self._waker)

    def _start(self) -> None:
        self._reader.start()

    def _stop(self) -> None:
        """Read no more."""
        self._closing.set()
        os.eventfd_write(self._waker, 1)
        if self._reader.is_alive():
            self._reader.join(10)

    def _start_anew(self) -> None:
        """Read again behind `_stop`, what comes from now on."""
        os.eventfd_read(self._waker)
        self._closing.clear()
        self._closed = self.ended = ""
        self._reader = self._new_reader()
        self._reader.start()

    def _new_reader(self) -> threading.Thread:
        return threading.Thread(target=self._run, name=f"console {self.address}", daemon=True)

    def _await(self, descriptor: int) -> bool:
        """Wait until there is something to read from a file descriptor; False when the console is being closed."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(self._waker, select.POLLIN)
        poll.poll()
        return not self._closing.is_set()

    @staticmethod
    def _push(descriptor: int, data: bytes) -> None:
        """Write all octets to a non-blocking descriptor. Raises `OSError`, also when nobody takes them in time."""
        deadline = clock.now() + WRITE_TIMEOUT
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                left = deadline - clock.now()
                if left <= 0 or not poll.poll(left * 1000):
                    raise TimeoutError(f"nobody took {len(rest)} octets within {WRITE_TIMEOUT:g} s") from None

    def _run(self) -> None:
        while True:
            try:
                data = self._read()
                why = "" if data or self._closing.is_set() else self._ending()
            except OSError as error:
                data, why = b"", str(error)
            with self._arrived:
                if data:
                    self._kept += data
                    excess = len(self._kept) - KEPT
                    if excess > 0:
                        del self._kept[:excess]
                        self._dropped += excess
                elif self._closing.is_set():
                    self._closed = "closed"
                else:
                    self._closed = self.ended = why
                self._arrived.notify_all()
            if not data:
                return


def rests(rig: RigFile, scheme: str) -> list[tuple[str, str]]:
    """The consoles of one scheme that a rig names: (key, what stands behind "scheme:")."""
    named = [("dut.console", rig.dut.console), ("peer.console", rig.peer.console if rig.peer else None)]
    split = [(key, *address.partition(":")) for key, address in named if address]
    return [(key, rest) for key, kind, _, rest in split if kind == scheme]
