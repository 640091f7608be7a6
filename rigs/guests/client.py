"""The host's side of the agent: requests and replies, taps and sockets, over one stream socket.

Strategy: a background thread reads the socket from the first moment and sorts everything into queues, one a handle,
so that nothing is lost between two calls and no caller ever reads the socket itself. All waiting is on one
condition with a deadline on the clock that stands still while the rig is held up (`rigs.clock`). When the stream ends,
every waiter gets `TransportClosed`; what had come before can still be taken from the queues.

    client = AgentClient(sock); client.wait_ready(deadline)
    code, text = client.run("ip -br link", timeout=5, netns="dut")
    tap = client.open_tap("wpan0"); tap.send(frame); got = tap.receive(clock.now() + 1)

A frame's `time_ns` is on the guest's monotonic clock; `client.host_seconds(time_ns)` tells it on this host's.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TypeVar

from rigs import clock
from rigs.guests import hci, wire
from rigs.guests.handles import (
    AgentError,
    Connection,
    DatagramSocket,
    Handle,
    Listener,
    Tap,
    TransportClosed,
)
from rigs.guests.held import Gate, Held
from rigs.model import overdue

_H = TypeVar("_H", bound="Handle")
#: Of so many requests the quickest tells the guest's clock: one alone was off by up to 23 ms.
CLOCK_REQUESTS = 100
#: Seconds in which a command that was killed has ended.
_KILLED = 30.0


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ran in the guest: exit status (-N: ended by signal N), what it printed, whether it was late."""

    status: int
    text: str
    late: bool


class AgentClient:
    """Talks to one wire. Threads may share it. `close` ends it; it closes the socket it was given."""

    def __init__(self, sock: socket.socket) -> None:
        """Start reading `sock`, a connected stream socket, at once."""
        self._socket = sock
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._replies: dict[int, tuple[int, bytes]] = {}
        self._waiting: set[int] = set()
        self._handles: dict[int, Handle] = {}
        self._early: dict[int, list[tuple[int, bytes]]] = {}
        self._last_request = 0
        self._closed: str | None = None
        self._ready = False
        self.faults: list[str] = []
        #: The guest's clock, if that stands still while we think.
        self._held: Held | None = None
        self._resting: Held | None = None  # the same, from the moment on at which it was asked for
        #: Guest's monotonic clock minus this host's, in ns, and how far that may be off when it was measured.
        self.offset_ns, self.offset_error_ns = 0, 0
        self._reader = threading.Thread(target=self._read, name="guest-agent", daemon=True)
        self._reader.start()

    # -- time -------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds on the clock of deadlines: the guest's, as told on this host's, if that stands while we think."""
        return clock.now() if self._held is None else self.host_seconds(self._held.at_ns)

    @property
    def takes_turns(self) -> bool:
        """Whether the guest's time stands still while we think."""
        return self._held is not None

    def take_turns(self, gate: Gate) -> None:
        """From here on the guest's time passes only while somebody waits for it. Raises `AgentError`."""
        held = Held(gate)
        with self._changed:
            self._resting = held
            self.request(wire.TURNS)
            while not held.taken:
                self._check()
                self._changed.wait(1.0)
            self.offset_ns, self.offset_error_ns = held.offset_ns(), 0
            self._held = held

    def _wait(self, deadline: float) -> bool:
        """Wait for whatever comes, with the lock held; False at the deadline."""
        self._check()
        if self._held is None:
            return self._changed.wait(max(0.0, deadline - clock.now())) or clock.now() < deadline
        if self.now() >= deadline:
            return False
        self._turn(deadline * 1e9 + self.offset_ns + 1)
        return True

    def _turn(self, until_ns: float) -> None:
        def wait(seconds: float) -> None:
            self._check()
            self._changed.wait(seconds)

        assert self._held is not None
        try:
            if not self._held.turn(until_ns, self._socket.sendall, wait):
                raise overdue(AgentError("the guest does not come to rest"))
        except OSError as error:
            self._end(str(error))
            self._check()

    # -- requests ------------------------------------------------------------------------------------------

    def wait_ready(self, deadline: float) -> bool:
        """Wait for the agent's first word; False at `deadline`. Raises `TransportClosed`."""
        with self._changed:
            while not self._ready:
                if not self._wait(deadline):
                    return False
        self.measure_offset()
        return True

    def measure_offset(self, requests: int = CLOCK_REQUESTS) -> None:
        """Compare the clocks by the quickest of many requests: half its round trip is how far that can be off."""
        best = None
        for _ in range(requests):
            before = time.monotonic_ns()
            guest, _ = wire.STAMP.unpack(self.request(wire.CLOCK))
            after = time.monotonic_ns()
            if best is None or after - before < best:
                best = after - before
                self.offset_ns, self.offset_error_ns = guest - (before + after) // 2, best // 2

    def host_seconds(self, time_ns: int) -> float:
        """Tell a guest time stamp on this host's monotonic clock, in seconds."""
        return (time_ns - self.offset_ns) / 1e9

    def request(self, kind: int, body: bytes = b"", timeout: float = 30.0) -> bytes:
        """Send one request and return the body of its reply. Raises `AgentError`, `TransportClosed`."""
        number = self._ask(kind, body)
        try:
            reply = self._reply(number, timeout)
        finally:
            self._waiting.discard(number)
        if reply is None:
            raise overdue(AgentError(f"the guest's agent did not answer within {timeout:g} s"))
        return reply

    def _ask(self, kind: int, body: bytes) -> int:
        with self._changed:
            self._check()
            self._last_request += 1
            number = self._last_request
            self._waiting.add(number)
        self.post(wire.message(kind, number, body))
        return number

    def _reply(self, number: int, timeout: float) -> bytes | None:
        """The body of the reply to a request; None when there is none in time. Raises `AgentError`."""
        deadline = self.now() + timeout
        with self._changed:
            while number not in self._replies:
                if not self._wait(deadline):
                    return None
            kind, body = self._replies.pop(number)
        if kind == wire.REFUSED:
            raise AgentError(body.decode("utf-8", "replace"))
        return body

    def run(self, command: str, timeout: float = 10.0, netns: str = "") -> tuple[int, str]:
        """Run a shell command in the guest: (exit status, what it printed). It is killed after `timeout` seconds."""
        done = self.run_completed(command, timeout, netns)
        return done.status, done.text

    def run_completed(self, command: str, timeout: float = 10.0, netns: str = "") -> Completed:
        """The same, and tell whether it was killed for being late: by our clock, which stands still when held up."""
        longest = int(timeout * 1000 / clock.LEAST)  # by the guest's, lest it outlive us
        body = struct.pack("!I", longest) + wire.text(netns) + command.encode()
        number = self._ask(wire.RUN, body)
        try:
            reply = self._reply(number, timeout)
            if reply is None:
                self.request(wire.CANCEL, struct.pack("!I", number))
                reply = self._reply(number, _KILLED)
        finally:
            self._waiting.discard(number)
        if reply is None:
            raise overdue(
                AgentError(f"`{command}` in the guest was killed after {timeout:g} s and did not end")
            )
        status, late = struct.unpack_from("!i?", reply)
        return Completed(status, reply[5:].decode("utf-8", "replace"), late)

    def check(self, command: str, timeout: float = 10.0, netns: str = "") -> str:
        """Run a command that must succeed; return what it printed. Raises `AgentError` with what it said."""
        done = self.run_completed(command, timeout, netns)
        if done.status:
            failed = AgentError(
                f"`{command}` in the guest ended with {done.status}: {done.text.strip()[-400:]}"
            )
            raise overdue(failed) if done.late else failed
        return done.text

    def read(self, path: str, netns: str = "") -> str:
        """What is in a file of the guest's. Raises `AgentError`."""
        return self.request(wire.READ, wire.text(netns, path)).decode()

    def write(self, path: str, text: str) -> None:
        """Write to a file of the guest's that there is. Raises `AgentError`."""
        self.request(wire.WRITE, wire.text(path, text))

    def hci(self, opcode: int, parameters: bytes = b"", device: int = 0) -> bytes:
        """Have a Bluetooth controller of the guest do a command; its return parameters, of which the first is a status.

        Raises `AgentError`.
        """
        return self.request(wire.HCI, hci.ORDER.pack(device, opcode) + parameters)

    def await_line(
        self, path: str, *words: str, gone: bool = False, timeout: float = 10.0, netns: str = ""
    ) -> str | None:
        """Wait until a line of a file has all of these words, or (`gone`) none has; what is in the file then.

        None after `timeout` seconds. A word may end in the newline. Raises `AgentError` where there is no such file.
        """
        number = self._ask(wire.AWAIT, wire.text(netns, path, "gone" if gone else "there", *words))
        try:
            reply = self._reply(number, timeout)
            if reply is None:
                self.request(wire.CANCEL, struct.pack("!I", number))
                with contextlib.suppress(AgentError):  # unless it became so just now
                    reply = self._reply(number, _KILLED)
        finally:
            self._waiting.discard(number)
        return None if reply is None else reply.decode()

    # -- handles -------------------------------------------------------------------------------------------

    def open_tap(
        self, interface: str, netns: str = "", *, cooked: bool = False, outgoing: bool = True
    ) -> Tap:
        """Open a tap; `cooked` leaves out the link header (what an IP tap wants), not `outgoing` what is sent."""
        body = wire.text(netns, interface) + bytes([cooked | (not outgoing) << 1])
        return self._adopt(Tap(self, self._number(self.request(wire.TAP, body))))

    def open_udp(
        self, port: int = 0, netns: str = "", interface: str = "", *, echo: bool = False
    ) -> DatagramSocket:
        """Open a UDP port (0: any) on all addresses; `interface` scopes link-local destinations."""
        reply = self.request(wire.UDP, wire.text(netns, interface) + struct.pack("!H?", port, echo))
        opened = DatagramSocket(self, self._number(reply))
        (opened.port,) = struct.unpack_from("!H", reply, 4)
        return self._adopt(opened)

    def open_icmp(
        self, netns: str = "", interface: str = "", types: bytes = bytes([1, 2, 3, 4, 129])
    ) -> DatagramSocket:
        """Open a raw ICMPv6 socket that is told of messages of `types` only."""
        return self._adopt(
            DatagramSocket(self, self._number(self.request(wire.ICMP, wire.text(netns, interface) + types)))
        )

    def open_tcp(self, port: int, netns: str = "") -> Listener:
        """Accept TCP connections on `port`."""
        reply = self.request(wire.TCP_LISTEN, wire.text(netns) + struct.pack("!H", port))
        return self._adopt(Listener(self, self._number(reply)))

    def connect_tcp(self, address: bytes, port: int, netns: str = "", interface: str = "") -> Connection:
        """Connect to a TCP port of another node; `interface` scopes link-local addresses. A failure is a fault."""
        body = wire.text(netns, interface) + wire.ENDPOINT.pack(address, port)
        return self._adopt(Connection(self, self._number(self.request(wire.CONNECT, body))))

    def join(self, group: bytes, interface: str, netns: str = "") -> Handle:
        """Be a member of a multicast group until the handle is closed."""
        return self._adopt(
            Handle(self, self._number(self.request(wire.JOIN, wire.text(netns, interface) + group)))
        )

    def close(self) -> None:
        """Close the socket; every waiter gets `TransportClosed`. May be called twice."""
        with contextlib.suppress(OSError):  # it is closed already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self._socket.close()

    @staticmethod
    def _number(reply: bytes) -> int:
        return int.from_bytes(reply[:4])

    def _adopt(self, handle: _H) -> _H:
        """Give the handle what came for it before its reply was read, and all that comes from now on."""
        with self._changed:
            handle._queue.extend(self._early.pop(handle.number, []))
            self._handles[handle.number] = handle
        return handle

    def forget(self, number: int) -> None:
        """The guest closed this handle: its number may be given out again."""
        with self._changed:
            self._handles.pop(number, None)
            self._early.pop(number, None)

    # -- the stream ----------------------------------------------------------------------------------------

    def post(self, data: bytes) -> None:
        """Send octets. Raises `TransportClosed`."""
        try:
            with self._sending:
                self._socket.sendall(data)
            if self._held is not None:
                self._held.orders += 1
                if self._held.is_full:
                    with self._changed:
                        self._turn(0)
        except OSError as error:
            self._end(str(error))
            self._check()

    def take(self, queue: deque[tuple[int, bytes]], deadline: float) -> tuple[int, bytes] | None:
        """Return the oldest entry of a handle's queue; None at `deadline`. `TransportClosed` once it is empty."""
        with self._changed:
            while not queue:
                if not self._wait(deadline):
                    return None
            return queue.popleft()

    def _check(self) -> None:
        if self._closed is not None:
            raise TransportClosed(f"the port to the guest is closed: {self._closed}")

    def _end(self, why: str) -> None:
        with self._changed:
            if self._closed is None:
                self._closed = why
            self._changed.notify_all()

    def _read(self) -> None:
        splitter = wire.Splitter()
        why = "end of stream"
        try:
            while data := self._socket.recv(1 << 16):
                messages = splitter.feed(data)
                with self._changed:
                    for kind, number, body in messages:
                        self._sort(kind, number, body)
                    self._changed.notify_all()
        except (OSError, wire.ProtocolError) as error:
            why = str(error)
        self._end(why)

    def _sort(self, kind: int, number: int, body: bytes) -> None:
        if kind in {wire.REPLY, wire.REFUSED}:
            if number in self._waiting:
                self._replies[number] = (kind, body)
        elif kind == wire.HELD:
            if self._resting is not None:
                self._resting.rests(body)
        elif kind == wire.READY:
            if number != wire.VERSION:
                raise wire.ProtocolError(f"the agent speaks version {number}, not {wire.VERSION}")
            self._ready = True
        elif kind == wire.FAULT:
            faults = self._handles[number].faults if number in self._handles else self.faults
            faults.append(body.decode("utf-8", "replace"))
        elif number in self._handles:
            self._handles[number]._queue.append((kind, body))
        else:
            self._early.setdefault(number, []).append((kind, body))
