"""A child process that is a whole node: one sequenced-packet socket carries its frames, packets and commands.

Strategy: `AF_UNIX`/`SOCK_SEQPACKET` keeps message boundaries, so a message is one kind octet, an 8-octet clock
stamp and a body, and nothing has to be framed or escaped. A reader thread files everything by kind the moment it
arrives (nothing is lost between two calls, and the child never waits for us); stamps are taken by the child at
its tap on CLOCK_MONOTONIC, which both processes share. The child's text (stdout and stderr, so assertions too)
is kept to its last 64 KiB. How the child ended tells whose fault it was: a signal that a program raises by its
own doing is a crash, one that others send is a kill.
"""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from rigs import clock
from rigs.links.forked import Forked
from rigs.model import Health, IpTap, Link, LinkClosed, LinkKind, Received, RigError, overdue

#: Kinds of messages that every child speaks; the rest of the kinds are its own. To the child: FRAME, commands.
FRAME: Final = 0x01
PACKET: Final = 0x02
REPLY: Final = 0x03
READY: Final = 0x04

_STAMP: Final = struct.Struct("=Bd")
_MESSAGE: Final = 1 << 17
_KEPT: Final = 1 << 16
_LINGERS: Final = 30.0  # seconds between the end of its socket and its own, on a busy machine
_RAISED: Final = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP}


class ChildProcess:
    """One run of a child program."""

    clock = "monotonic"

    def __init__(self, fork: Callable[[socket.socket], Forked], name: str, start: float = 10.0) -> None:
        """`fork` starts the child with its end of the socket."""
        self.name = name
        self._arrived = threading.Condition()
        self._filed: dict[int, deque[Received]] = {}
        self._ended = False
        self._text = bytearray()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self._socket = ours
        with theirs:
            self._process = fork(theirs)
        self._threads = [
            threading.Thread(target=work, name=f"{name}-{work.__name__}", daemon=True)
            for work in (self._read_messages, self._read_text)
        ]
        for thread in self._threads:
            thread.start()
        ready = self.take(READY, clock.now() + start)
        if ready is None:
            text = self.text().strip() or "nothing was printed"
            self.close()
            raise overdue(RigError(f"{name}: the child process did not get ready within {start:g} s: {text}"))
        #: What the child said of itself when it was ready.
        self.greeting = ready.frame

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, kind: int, body: bytes) -> None:
        """Send one message. Raises `LinkClosed`."""
        try:
            self._socket.send(bytes((kind,)) + body)
        except OSError as error:
            self._ended = True  # the reader may not have seen it yet, and whose fault it is hangs on the end
            raise LinkClosed(f"{self.name}: {self._obituary()}") from error

    def take(self, kind: int, deadline: float) -> Received | None:
        """Return the oldest message of a kind; None at the deadline. Raises `LinkClosed` at the child's end."""
        with self._arrived:
            queue = self._filed.setdefault(kind, deque())
            clock.wait_until(self._arrived, lambda: bool(queue) or self._ended, deadline)
            if queue:
                return queue.popleft()
            if self._ended and kind != READY:
                raise LinkClosed(f"{self.name}: {self._obituary()}")
            return None

    def command(self, kind: int, body: bytes, timeout: float = 5.0) -> bytes:
        """Send a command and return the body of its reply, which also proves that all before it was handled."""
        self.send(kind, body)
        reply = self.take(REPLY, clock.now() + timeout)
        if reply is None:
            raise overdue(
                LinkClosed(f"{self.name}: command {kind:#04x} was not answered within {timeout:g} s")
            )
        return reply.frame

    def text(self) -> str:
        """What the child printed, its last 64 KiB."""
        return bytes(self._text).decode("utf-8", "replace")

    def health(self) -> Health:
        """How the child fares, and if it ended: whether of itself or by somebody's hand."""
        status = self._process.poll()
        if status is None and self._ended and self._socket.fileno() >= 0:
            # its end of the socket is closed: it is on its way out
            try:
                status = self._process.wait(_LINGERS)
            except subprocess.TimeoutExpired:
                return Health("unreachable", "the child process closed its socket and lingers")
        if self._socket.fileno() < 0:
            return Health("unreachable", "closed")
        if status is None:
            return Health("alive")
        self._threads[1].join(_LINGERS)
        text = self.text().strip()
        if status < 0:
            number = -status
            name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
            detail = f"{name}: {text}" if text else name
            return Health("crashed" if number in _RAISED else "killed", detail)
        return Health("crashed", f"it ended with status {status}: {text}")

    def close(self) -> None:
        """End the child and everything here. May be called twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(5.0)
        self._socket.close()
        self._process.stdout.close()

    def _obituary(self) -> str:
        health = self.health()
        return f"the child process is {health.state}" + (f": {health.detail}" if health.detail else "")

    def _read_messages(self) -> None:
        while True:
            try:
                message = self._socket.recv(_MESSAGE)
            except OSError:
                message = b""
            if not message:
                break
            kind, stamp = _STAMP.unpack_from(message)
            with self._arrived:
                queue = self._filed.setdefault(kind, deque())
                queue.append(Received(message[_STAMP.size :], stamp, self.clock))
                if len(queue) > _KEPT:  # nobody asks for them: the oldest go
                    queue.popleft()
                self._arrived.notify_all()
        with self._arrived:
            self._ended = True
            self._arrived.notify_all()

    def _read_text(self) -> None:
        while chunk := self._process.stdout.read1(4096):  # type: ignore[attr-defined]
            self._text += chunk
            del self._text[:-_KEPT]


class ChildLink(Link):
    """The medium between the tester and a child process: what one sends, the other hears."""

    medium = "a socket to a child process in the place of a radio, without airtime"

    def __init__(self, child: ChildProcess, kind: LinkKind, tester: bytes, dut: bytes) -> None:
        self.child = child
        self.kind = kind
        self.clock = child.clock
        self.tester = tester
        self.dut = dut
        self.auto_ack = False

    def send(self, frame: bytes) -> None:
        self.child.send(FRAME, frame)

    def receive(self, deadline: float) -> Received | None:
        return self.child.take(FRAME, deadline)

    def close(self) -> None:
        """Nothing of its own to release: the child process is the node's."""


class ChildTap(IpTap):
    """The packets that a child process shows."""

    def __init__(self, child: ChildProcess) -> None:
        self.child = child

    def receive(self, deadline: float) -> Received | None:
        return self.child.take(PACKET, deadline)
