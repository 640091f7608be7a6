"""The reference node's TCP: ports that accept connections, each one end of `rigs.tcp`.

Strategy: the host holds it, hands it segments whose checksum was right, and sends what it makes. Of the host it needs
what `Sender` says.
"""

from __future__ import annotations

from typing import Protocol

from rigs.nodes.reference.times import soonest
from rigs.tcp import ACK, PROTOCOL, RST, SYN, Tcp, checked
from sixlowpan import ipv6

Ends = tuple[bytes, int, bytes, int]  # own address and port, the peer's


class Sender(Protocol):
    """What TCP needs of the host below."""

    now: float

    def source_for(self, destination: bytes) -> bytes:
        """The address that a packet to this one comes from."""

    def output(self, packet: bytes) -> None:
        """Send an IPv6 packet."""


class TcpPorts:
    """The TCP of one host. `end` is the class of one end of a connection."""

    def __init__(self, host: Sender, end: type[Tcp] = Tcp) -> None:
        self._host, self._end = host, end
        self.streams: dict[Ends, Tcp] = {}
        #: port -> the connection that was accepted last, None before there is one.
        self.listening: dict[int, Tcp | None] = {}
        #: What is to be sent on the first connection to a port.
        self.early: dict[int, bytes] = {}

    def segment(self, view: ipv6.Packet, message: bytes) -> None:
        """One segment for one of our ports; one for no connection is refused (RFC 9293 §3.10.7.1)."""
        ends = view.dst, int.from_bytes(message[2:4]), view.src, int.from_bytes(message[:2])
        stream = self.streams.get(ends)
        if stream is None and ends[1] in self.listening and message[13] & (SYN | ACK) == SYN:
            stream = self.streams[ends] = self.listening[ends[1]] = self._stream(ends)
            stream.listen()
            stream.send(self.early.pop(ends[1], b""), self._host.now)
        if stream is not None:
            stream.hear(message, self._host.now)
        elif not message[13] & RST:
            answer = Tcp(ends[1], ends[3], lambda out: self._send(ends, out))
            answer.refuse(message)

    def _stream(self, ends: Ends) -> Tcp:
        return self._end(ends[1], ends[3], lambda out: self._send(ends, out), start=0x1000)

    def _send(self, ends: Ends, segment: bytes) -> None:
        total = ipv6.checksum(ends[0], ends[2], PROTOCOL, segment)
        self._host.output(ipv6.build(ends[0], ends[2], PROTOCOL, checked(segment, total)))

    def due(self) -> float | None:
        """When `tick` has something to do."""
        return soonest(*(stream.due() for stream in self.streams.values()))

    def tick(self) -> None:
        """Send again what nobody acknowledged."""
        for stream in self.streams.values():
            stream.tick(self._host.now)

    # -- the node's own side ----------------------------------------------------------------------------------

    def listen(self, port: int) -> None:
        """Accept connections to this port."""
        self.listening.setdefault(port, None)

    def connect(self, destination: bytes, port: int) -> None:
        """Open a connection; `send` and `receive` then mean it by this port."""
        ends = self._host.source_for(destination), 0xC000 | port & 0x3FFF, destination, port
        stream = self.streams[ends] = self.listening[port] = self._stream(ends)
        stream.open(self._host.now)

    def close(self, port: int) -> None:
        """Reset the connection, and accept no other."""
        stream = self.listening.pop(port, None)
        if stream is not None:
            stream.abort()
            self.streams = {ends: one for ends, one in self.streams.items() if one is not stream}

    def send(self, port: int, data: bytes) -> None:
        """Send on the latest connection, or on the first one that comes."""
        stream = self.listening[port]
        if stream is None:
            self.early[port] = self.early.get(port, b"") + data
        else:
            stream.send(data, self._host.now)

    def receive(self, port: int) -> bytes | None:
        """What has come; None: nothing."""
        stream = self.listening.get(port)
        if stream is None or not stream.received:
            return None
        data = bytes(stream.received)
        stream.received.clear()
        return data
