"""Runs inside the guest: the host's hands and eyes there, over one virtio-serial port.

Strategy: one process, one poll loop, no thread. It imports only what starts fast under plain emulation (the C
`_socket`, not `socket`), and of the project only what the image puts beside it. A handle is one open socket: a tap
(`AF_PACKET`), UDP, raw ICMPv6, a TCP port that accepts, or a group membership that is merely held. Sockets live in a
network namespace (`commands.Inside`). Taps (`frames`) have large buffers and are emptied before anything else is
looked at; what the kernel dropped all the same is told by STATISTICS. A frame's time is the kernel's own stamp. A tap
sends on a second socket, so that it sees what it sends as well ("outgoing"): both ends of a trip are of one clock.

What goes wrong in a request goes back as REFUSED with the reason. What goes wrong for good ends the process
with a traceback on the console, and process 1 then says so and powers off: the host never mistakes it for the DUT.
"""

from __future__ import annotations

import _socket
import os
import select
import struct
import time

from rigs.guests import wire
from rigs.guests.commands import Commands, Inside
from rigs.guests.files import Files
from rigs.guests.frames import MOST, Frames, statistics
from rigs.guests.hci import Hci
from rigs.guests.opens import Open, endpoint
from rigs.guests.ports import find_port
from rigs.guests.series import ORDER, Series
from rigs.guests.turns import Turns

_ETH_P_ALL, _SOL_PACKET, _PACKET_IGNORE_OUTGOING = 3, 263, 23
_SO_TIMESTAMPNS, _SO_RCVBUFFORCE, _SO_SNDBUF, _SO_SNDTIMEO, _SO_LINGER = 35, 33, 7, 21, 13
_ICMPV6_FILTER = 1
_ENETDOWN = 100
_IN_PROGRESS = 115
_RECEIVE_BUFFER = 16 << 20
_AT_ONCE = 32 << 10  # octets told that are not kept back any longer
_SEND_SECONDS = 2  # a radio that takes nothing more must not take the agent with it
_SEND_BUFFER = 64 << 10  # less than a device queue holds: send() waits instead of losing frames


class Agent:
    """The loop. `port` is a file descriptor open for reading and writing."""

    def __init__(self, port: int) -> None:
        """Nothing is opened yet but the namespace we came from."""
        self._port = port
        self._splitter = wire.Splitter()
        self._telling = bytearray()
        self._poll = select.poll()
        self._opens: dict[int, Open] = {}  # by file descriptor, which is the handle
        self._commands = Commands(self._poll, self._tell)
        self._files = Files(self._tell)
        self._hci = Hci(self._poll, self._tell)
        self._turns = Turns()
        self._series: list[Series] = []
        # Nobody sets the guest's clock, so this difference is constant.
        self._epoch = time.time_ns() - time.monotonic_ns()
        self._frames = Frames(self._epoch)
        self._orders = {wire.SEND: self._send, wire.GO: self._turns.go}
        self._requests = {
            wire.RUN: self._commands.run,
            wire.TAP: self._tap,
            wire.UDP: self._udp,
            wire.ICMP: self._icmp,
            wire.TCP_LISTEN: self._tcp_listen,
            wire.JOIN: self._join,
            wire.CLOSE: self._close,
            wire.STATISTICS: self._statistics,
            wire.CLOCK: self._clock,
            wire.CANCEL: self._cancel,
            wire.SERIES: self._begin_series,
            wire.CONNECT: self._connect,
            wire.READ: self._files.read,
            wire.WRITE: self._files.write,
            wire.AWAIT: self._files.wait,
            wire.HCI: self._hci.command,
            wire.TURNS: self._turns.begin,
        }

    def serve(self) -> None:
        """Say READY and work until the port closes."""
        self._poll.register(self._port, select.POLLIN)
        self._tell(wire.READY, wire.VERSION, wire.STAMP.pack(time.monotonic_ns(), time.time_ns()))
        while True:
            self._flush()
            if self._turns.over():
                self._tell(wire.HELD, 0, self._clock(b"", 0))
                self._flush()
                self._turns.be_held()
            wait = self._seconds_left()
            ordered, others = False, []
            for fd, _ in self._poll.poll(None if wait is None else wait * 1000):
                if fd in self._opens:  # incoming frames before new orders
                    self._receive(fd)
                elif fd == self._port:
                    ordered = True
                else:
                    others.append(fd)
            for fd in others:
                for asked in (self._commands, self._hci):
                    if fd in asked:
                        asked.ready(fd)
            if ordered:
                self._flush()  # what was heard is told, even if the kernel dies of the next order
                data = os.read(self._port, 65536)
                if not data:
                    return
                for kind, number, body in self._splitter.feed(data):
                    self._obey(kind, number, body)
            if wait is None:
                continue
            self._commands.end_late_ones()
            self._files.look()
            for series in self._series[:]:
                if (report := series.step()) is not None:
                    self._series.remove(series)
                    self._tell(wire.REPLY, series.request, report)

    def _seconds_left(self) -> float | None:
        """Until something is due; None where nothing is, as most of the time."""
        if not (self._series or self._commands or self._files or self._turns.begun):
            return None
        lefts: list[float | None] = [series.seconds_left() for series in self._series]
        lefts += [self._commands.seconds_left(), self._files.seconds_left(), self._turns.seconds_left()]
        return min((left for left in lefts if left is not None), default=None)

    def _tell(self, kind: int, number: int, body: bytes = b"") -> None:
        self._turns.told = True
        self._telling += wire.message(kind, number, body)
        if len(self._telling) >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        """Write what was told; one write for many, as each takes the whole way to the host and back."""
        while self._telling:
            del self._telling[: os.write(self._port, self._telling)]

    def _obey(self, kind: int, number: int, body: bytes) -> None:
        if kind in self._orders:
            self._orders[kind](number, body)
            return
        try:
            reply = self._requests[kind](body, number)
        except (OSError, KeyError, struct.error, wire.ProtocolError) as error:
            self._tell(wire.REFUSED, number, (str(error) or repr(error)).encode())
        else:
            if reply is not None:
                self._tell(wire.REPLY, number, reply)

    def _socket(self, namespace: str, family: int, kind: int, protocol: int) -> _socket.socket:
        with Inside(namespace):
            sock = _socket.socket(family, kind, protocol)
        sock.setblocking(False)
        sock.setsockopt(_socket.SOL_SOCKET, _SO_SNDTIMEO, struct.pack("@qq", _SEND_SECONDS, 0))
        try:
            sock.setsockopt(_socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:  # only when the unit tests run it without being root
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, _RECEIVE_BUFFER)
        return sock

    def _index(self, namespace: str, interface: str) -> int:
        with Inside(namespace):
            return _socket.if_nametoindex(interface) if interface else 0

    def _keep(self, opened: Open) -> bytes:
        fd = opened.sock.fileno()
        self._opens[fd] = opened
        self._poll.register(fd, select.POLLIN)
        return struct.pack("!I", fd)

    # -- sockets -------------------------------------------------------------------------------------------

    def _tap(self, body: bytes, _number: int) -> bytes:
        """Namespace, interface, 1 octet (bit 0: without link header, bit 1: not what is sent). Reply: handle."""
        namespace, rest = wire.take_text(body)
        interface, rest = wire.take_text(rest)
        kind = _socket.SOCK_DGRAM if rest[0] & 1 else _socket.SOCK_RAW
        sock = self._socket(namespace, _socket.AF_PACKET, kind, 0)  # protocol 0: silent until bound
        sender = self._socket(namespace, _socket.AF_PACKET, kind, 0)  # and this one for ever
        sock.setsockopt(_socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, rest[0] >> 1)
        sender.setsockopt(_socket.SOL_SOCKET, _SO_SNDBUF, _SEND_BUFFER)
        sender.setblocking(True)  # for as long as _SO_SNDTIMEO says
        sender.bind((interface, 0))
        sock.bind((interface, _ETH_P_ALL))
        opened = Open(sock, wire.TAP)
        opened.sender = sender
        return self._keep(opened)

    def _udp(self, body: bytes, _number: int) -> bytes:
        """Namespace, interface (may be ""), port (2 octets), echo (1). Reply: handle, port."""
        namespace, rest = wire.take_text(body)
        interface, rest = wire.take_text(rest)
        port, echo = struct.unpack("!H?", rest)
        sock = self._socket(namespace, _socket.AF_INET6, _socket.SOCK_DGRAM, 0)
        sock.setsockopt(_socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.bind(("::", port))
        handle = self._keep(Open(sock, wire.UDP, self._index(namespace, interface), echo=echo))
        return handle + struct.pack("!H", sock.getsockname()[1])

    def _icmp(self, body: bytes, _number: int) -> bytes:
        """Namespace, interface, then the ICMPv6 types to be told of (1 octet each). Reply: handle."""
        namespace, rest = wire.take_text(body)
        interface, types = wire.take_text(rest)
        sock = self._socket(namespace, _socket.AF_INET6, _socket.SOCK_RAW, _socket.IPPROTO_ICMPV6)
        blocked = bytearray(b"\xff" * 32)  # struct icmp6_filter: one bit a type, 32-bit words in host order
        for kind in types:
            word = kind >> 5
            (bits,) = struct.unpack_from("=I", blocked, 4 * word)
            struct.pack_into("=I", blocked, 4 * word, bits & ~(1 << (kind & 31)))
        sock.setsockopt(_socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, blocked)
        sock.setsockopt(_socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        return self._keep(Open(sock, wire.ICMP, self._index(namespace, interface)))

    def _tcp_listen(self, body: bytes, _number: int) -> bytes:
        """Namespace, port (2 octets): accept connections; SEND and STREAM mean the latest. Reply: handle."""
        namespace, rest = wire.take_text(body)
        sock = self._socket(namespace, _socket.AF_INET6, _socket.SOCK_STREAM, 0)
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        sock.bind(("::", struct.unpack("!H", rest)[0]))
        sock.listen(16)
        return self._keep(Open(sock, wire.TCP_LISTEN))

    def _connect(self, body: bytes, _number: int) -> bytes:
        """Namespace, interface (may be ""), address, port: connect to a TCP port. Reply: handle, at once."""
        namespace, rest = wire.take_text(body)
        interface, rest = wire.take_text(rest)
        sock = self._socket(namespace, _socket.AF_INET6, _socket.SOCK_STREAM, 0)
        index = self._index(namespace, interface)
        if (code := sock.connect_ex(endpoint(rest, index))) not in (0, _IN_PROGRESS):
            raise OSError(code, f"connect: {os.strerror(code)}")
        opened = Open(sock, 0)
        opened.port = sock.fileno()  # what comes is told under its own handle
        return self._keep(opened)

    def _begin_series(self, body: bytes, number: int) -> None:
        """`series.ORDER`, address, port: datagrams from an open UDP port. Reply, when all are sent: the report."""
        handle, size, count, gap = ORDER.unpack_from(body)
        opened = self._opens[handle]
        to = endpoint(body[ORDER.size :], opened.interface)
        self._series.append(Series(number, opened.sock, to, (size, count, gap)))

    def _join(self, body: bytes, _number: int) -> bytes:
        """Namespace, interface, group (16 octets): be a member until CLOSE. Reply: handle."""
        namespace, rest = wire.take_text(body)
        interface, group = wire.take_text(rest)
        sock = self._socket(namespace, _socket.AF_INET6, _socket.SOCK_DGRAM, 0)
        index = self._index(namespace, interface)
        sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_JOIN_GROUP, group + struct.pack("@I", index))
        return self._keep(Open(sock, wire.JOIN))

    def _close(self, body: bytes, _number: int) -> bytes:
        """Handle. Reply: nothing."""
        fd = struct.unpack("!I", body)[0]
        # a connection is reset, and what a port accepted goes with it: nothing is sent again for minutes
        for handle in [n for n, o in self._opens.items() if o.kind == 0 and fd in {n, o.port}]:
            self._opens[handle].sock.setsockopt(_socket.SOL_SOCKET, _SO_LINGER, struct.pack("@ii", 1, 0))
            self._drop(handle)
        self._drop(fd)
        return b""

    def _drop(self, fd: int) -> None:
        if opened := self._opens.pop(fd, None):
            self._poll.unregister(fd)
            self._series = [series for series in self._series if series.sock is not opened.sock]
            opened.sock.close()
            opened.sender.close()

    def _statistics(self, body: bytes, _number: int) -> bytes:
        """Handle of a tap. Reply: frames seen and frames dropped since the last question (4 octets each)."""
        return statistics(self._opens[struct.unpack("!I", body)[0]].sock)

    def _cancel(self, body: bytes, _number: int) -> bytes:
        """Number of a RUN or AWAIT: end it now; its own reply says so. Reply: nothing."""
        (number,) = struct.unpack("!I", body)
        self._commands.cancel(number)
        self._files.cancel(number)
        return b""

    def _clock(self, _body: bytes, _number: int) -> bytes:
        """Reply: monotonic and real time in ns (8 octets each)."""
        return wire.STAMP.pack(time.monotonic_ns(), time.time_ns())

    def _send(self, handle: int, body: bytes) -> None:
        """A tap: the frame. TCP: octets. UDP and ICMPv6: address, port (0), data. No reply; a failure is a FAULT."""
        opened = self._opens.get(handle)
        try:
            if opened is None:
                raise OSError(9, "no such handle")
            if opened.kind == 0:
                opened.waiting += body
                self._pass_on(handle)
                return
            if opened.kind == wire.TCP_LISTEN:
                accepted = self._opens.get(opened.latest, opened)
                accepted.waiting += body
                if accepted is not opened:  # else it waits for the first connection
                    self._pass_on(opened.latest)
                return
            if opened.kind == wire.TAP:
                opened.sender.send(body)
                return
            opened.sock.setblocking(True)
            try:
                opened.sock.sendto(body[wire.ENDPOINT.size :], endpoint(body, opened.interface))
            finally:
                opened.sock.setblocking(False)
        except OSError as error:
            self._tell(wire.FAULT, handle, f"send: {error}".encode())

    def _receive(self, fd: int) -> None:
        opened = self._opens[fd]
        if opened.kind == wire.TCP_LISTEN:
            self._accept(fd)
            return
        if opened.kind == wire.TAP:
            self._hear(fd)
            return
        if opened.waiting:
            self._pass_on(fd)
        for _ in range(256):  # then the others get their turn
            try:
                data, ancillary, _flags, source = opened.sock.recvmsg(65536, 64)
            except BlockingIOError:
                return
            except OSError as error:
                self._tell(wire.FAULT, fd, f"receive: {error}".encode())
                return
            if opened.kind == 0:  # a TCP connection
                if not data:
                    self._drop(fd)
                    return
                self._tell(wire.STREAM, opened.port, data)
                continue
            if opened.echo:
                self._echo(fd, data, source)
            address = _socket.inet_pton(_socket.AF_INET6, source[0].partition("%")[0])
            self._tell(
                wire.DATAGRAM,
                fd,
                struct.pack("!q", self._stamp(ancillary)) + wire.ENDPOINT.pack(address, source[1]) + data,
            )

    def _hear(self, tap: int) -> None:
        for _ in range(256 // MOST):  # then the others get their turn
            try:
                count, news = self._frames.tell(tap, self._telling)
            except OSError as error:
                if error.errno != _ENETDOWN:  # told once; the tap goes on when the interface is up (again)
                    self._tell(wire.FAULT, tap, f"receive: {error}".encode())
                    return
                continue
            self._turns.told |= news  # what we sent ourselves is none
            if len(self._telling) >= _AT_ONCE:
                self._flush()
            if count < MOST:
                return

    def _echo(self, fd: int, data: bytes, to: tuple[str, int, int, int]) -> None:
        try:
            self._opens[fd].sock.sendto(data, to)
        except OSError as error:
            self._tell(wire.FAULT, fd, f"echo: {error}".encode())

    def _stamp(self, ancillary: list[tuple[int, int, bytes]]) -> int:
        for level, kind, data in ancillary:
            if level == _socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("=qq", data)
                return int(seconds) * 1_000_000_000 + int(nanoseconds) - self._epoch
        return time.monotonic_ns()

    def _accept(self, port: int) -> None:
        fd, _peer = self._opens[port].sock._accept()  # type: ignore[attr-defined]  # typeshed leaves it out
        sock = _socket.socket(fileno=fd)
        sock.setblocking(False)
        self._keep(Open(sock, 0))
        listening, accepted = self._opens[port], self._opens[fd]
        accepted.port, listening.latest = port, fd
        accepted.waiting, listening.waiting = listening.waiting, bytearray()
        if accepted.waiting:
            self._pass_on(fd)

    def _pass_on(self, fd: int) -> None:
        """Give a TCP connection what it takes of what waits for it."""
        opened = self._opens[fd]
        try:
            del opened.waiting[: opened.sock.send(opened.waiting)]
        except BlockingIOError:
            pass
        except OSError as error:
            opened.waiting.clear()
            self._tell(wire.FAULT, opened.port, f"tcp: {error}".encode())
        self._poll.modify(fd, select.POLLIN | (select.POLLOUT if opened.waiting else 0))


def main() -> None:
    """Serve the host until it closes the port."""
    Agent(os.open(find_port(10), os.O_RDWR)).serve()
