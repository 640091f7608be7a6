"""The host's part of a guest whose time stands still while we think (`turns` is the guest's): the gate, and turns."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Sequence

from rigs import clock
from rigs.guests import turns, wire

#: Nanoseconds of an instruction are 2 to this power: about what plain emulation makes on an idle host.
_SHIFT = 3
#: Seconds of progress within which a guest comes to rest; one that computes for longer is not told from a dead one.
_REST = 60.0
#: Orders after which the guest gets a turn for them alone: the stream to it holds no more than some hundred.
_MOST = 50


class Gate:
    """A socket pair in which QEMU finds no room for an octet until we read one."""

    def __init__(self) -> None:
        """`theirs` is for QEMU to inherit, and to be closed here then."""
        self.ours, self.theirs = socket.socketpair()
        self.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        self.theirs.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.theirs.send(b".")

    @property
    def arguments(self) -> Sequence[str]:
        """Of QEMU: time by instructions, and the port of the gate."""
        return (
            *("-icount", f"shift={_SHIFT},sleep=off"),
            *("-chardev", f"socket,id=gate,fd={self.theirs.fileno()}"),
            *("-device", f"isa-debugcon,iobase={turns.GATE:#x},chardev=gate"),
        )

    def close(self) -> None:
        """May be called twice."""
        self.ours.close()
        self.theirs.close()

    def open(self) -> None:
        """Let the guest go on. Raises `OSError`."""
        if not self.ours.recv(1):
            raise OSError("the guest has ended")


class Held:
    """The guest's clock, which stands between two turns."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.taken = 0  #: turns
        self.at_ns = 0  #: the guest's time
        self.orders = 0  #: sent since the last turn

    def rests(self, body: bytes) -> None:
        """HELD has come."""
        self.at_ns = wire.STAMP.unpack(body)[0]
        self.taken += 1

    @property
    def is_full(self) -> bool:
        """Whether no more orders should be sent before the next turn."""
        return self.orders >= _MOST

    def turn(self, until_ns: float, send: Callable[[bytes], None], wait: Callable[[float], object]) -> bool:
        """Let the guest work until it has something to tell, or until a time of its own; False when it does not rest.

        `wait` is for up to so many seconds, and raises where the guest is gone. Raises `OSError`.
        """
        taken, end = self.taken, clock.now() + _REST
        self.orders = 0
        send(wire.message(wire.GO, 0, struct.pack("!q", int(min(max(0, until_ns), 1 << 62)))))
        self._gate.open()
        while self.taken == taken:
            wait(1.0)
            if clock.now() > end:
                return False
        return True

    def offset_ns(self) -> int:
        """The guest's clock minus this host's, now."""
        return self.at_ns - time.monotonic_ns()
