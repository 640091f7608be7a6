"""The reference node's TCP: ports that accept connections, each one end of `rigs.tcp`."""

from __future__ import annotations

from abc import abstractmethod

from rigs.nodes.reference.host import Host
from rigs.tcp import ACK, PROTOCOL, RST, SYN, Tcp, checked
from sixlowpan import ipv6

Ends = tuple[bytes, int, bytes, int]  # own address and port, the peer's


class TcpHost(Host):
    """A host with TCP."""

    protocols = Host.protocols | {PROTOCOL}

    def boot(self) -> None:
        super().boot()
        self.streams: dict[Ends, Tcp] = {}
        #: port -> the connection that was accepted last, None before there is one.
        self.listening: dict[int, Tcp | None] = {}
        #: What is to be sent on the first connection to a port.
        self.early: dict[int, bytes] = {}

    def upper(self, packet: bytes, view: ipv6.Packet, protocol: int, at: int) -> None:
        if protocol != PROTOCOL:
            super().upper(packet, view, protocol, at)
        elif len(packet) >= at + 20 and self.checksum_holds(view, protocol, packet[at:]):
            self.segment(view, packet[at:])

    def segment(self, view: ipv6.Packet, message: bytes) -> None:
        """One segment for one of our ports; one for no connection is refused (RFC 9293 §3.10.7.1)."""
        ends = view.dst, int.from_bytes(message[2:4]), view.src, int.from_bytes(message[:2])
        stream = self.streams.get(ends)
        if stream is None and ends[1] in self.listening and message[13] & (SYN | ACK) == SYN:
            stream = self.streams[ends] = self.listening[ends[1]] = self.make_stream(ends)
            stream.listen()
            stream.send(self.early.pop(ends[1], b""), self.now)
        if stream is not None:
            stream.hear(message, self.now)
        elif not message[13] & RST:
            answer = Tcp(ends[1], ends[3], lambda out: self.send_segment(ends, out))
            answer.refuse(message)

    def make_stream(self, ends: Ends) -> Tcp:
        return Tcp(ends[1], ends[3], lambda out: self.send_segment(ends, out), start=0x1000)

    def send_segment(self, ends: Ends, segment: bytes) -> None:
        total = ipv6.checksum(ends[0], ends[2], PROTOCOL, segment)
        self.output(ipv6.build(ends[0], ends[2], PROTOCOL, checked(segment, total)))

    def due(self) -> float | None:
        timers = (super().due(), *(stream.due() for stream in self.streams.values()))
        return min((at for at in timers if at is not None), default=None)

    def tick(self) -> None:
        super().tick()
        for stream in self.streams.values():
            stream.tick(self.now)

    @abstractmethod
    def clock(self) -> float:
        """The time now, on the clock of the link."""

    # -- the node's own side ----------------------------------------------------------------------------------

    def tcp_listen(self, port: int) -> None:
        self.listening.setdefault(port, None)

    def tcp_connect(self, destination: bytes, port: int) -> None:
        self.now = self.clock()
        ends = self.source_for(destination), 0xC000 | port & 0x3FFF, destination, port
        stream = self.streams[ends] = self.listening[port] = self.make_stream(ends)
        stream.open(self.now)

    def tcp_close(self, port: int) -> None:
        self.now = self.clock()
        stream = self.listening.pop(port, None)
        if stream is not None:
            stream.abort()
            self.streams = {ends: one for ends, one in self.streams.items() if one is not stream}

    def tcp_send(self, port: int, data: bytes) -> None:
        self.now = self.clock()
        stream = self.listening[port]
        if stream is None:
            self.early[port] = self.early.get(port, b"") + data
        else:
            stream.send(data, self.now)

    def tcp_receive(self, port: int, deadline: float) -> bytes | None:
        del deadline  # what a frame causes has happened when it was sent
        stream = self.listening.get(port)
        if stream is None or not stream.received:
            return None
        data = bytes(stream.received)
        stream.received.clear()
        return data
