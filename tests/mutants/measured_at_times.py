"""More nodes that work, and badly, behind silence, in a burst, for one size, or now and then."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6
from tests.mutants import ANY, mutant
from tests.mutants.measured import FROM, Later, Losing


def altered(packet: bytes) -> bytes:
    """An Echo Reply with another octet of data, and a checksum that holds."""
    body = bytearray(packet[44:])
    body[-1] ^= 0x20
    source, there = packet[8:24], packet[24:40]
    return ipv6.build(source, there, 58, ipv6.icmpv6(129, 0, bytes(body), source, there), hop_limit=packet[7])


@mutant("corrupts-one-in-ninety", requirement=FROM, kinds=ANY, advice=True)
class CorruptsOneInNinety(ReferenceNode):
    """Alters an octet of the data of every ninetieth Echo Reply, with a checksum that holds."""

    replies = 0

    def output(self, packet):
        if packet[6] == 58 and packet[40] == 129 and len(packet) > 50:
            self.replies += 1
            packet = altered(packet) if self.replies % 90 == 0 else packet
        super().output(packet)


@mutant("corrupts-one-size", requirement=FROM, kinds=ANY)
class CorruptsOneSize(ReferenceNode):
    """Alters an octet of the data of Echo Replies of 901 octets, with a checksum that holds."""

    def output(self, packet):
        super().output(
            altered(packet) if packet[6] == 58 and packet[40] == 129 and len(packet) == 901 else packet
        )


@mutant("loses-behind-half-a-second", requirement=FROM, kinds=ANY, advice=True)
class LosesBehindSilence(ReferenceNode):
    """Loses the first frame behind 0.4 s of silence."""

    heard_at = -1.0

    def hear_from(self, peer, frame, now):
        quiet, self.heard_at = 0.4 < now - self.heard_at < 5, now
        return [] if quiet else super().hear_from(peer, frame, now)


@mutant("stalls-each-thirty-second", requirement=FROM, kinds=ANY, advice=True)
class StallsEach32(Later):
    """Takes a second for every thirty-second frame."""

    count = 0

    def wait(self, frame):
        self.count += 1
        return 1.0 if self.count % 32 == 0 else 0.0


@mutant("loses-own-datagrams", requirement=FROM, kinds=ANY, advice=True)
class LosesOwn(ReferenceNode):
    """Sends two of three UDP datagrams that it is told to send."""

    count = 0

    def udp_send(self, destination, source_port, destination_port, data):
        self.count += 1
        if self.count % 3:
            super().udp_send(destination, source_port, destination_port, data)


@mutant("loses-two-in-a-row", requirement=FROM, kinds=ANY, advice=True)
class LosesTwoInARow(Losing):
    """Loses two packets in a row, of every twenty-four."""

    seen = 0

    def loses(self, packet, fragmented):
        self.seen += 1
        return self.seen % 24 in {22, 23}


@mutant("answers-large-twice", requirement=FROM, kinds=ANY, advice=True)
class AnswersLargeTwice(ReferenceNode):
    """Sends every seventh packet of more than 300 octets twice."""

    large = 0

    def fragment_packet(self, packet, info):
        self.large += len(packet) > 300
        twice = len(packet) > 300 and self.large % 7 == 0
        return super().fragment_packet(packet, info) * (2 if twice else 1)
