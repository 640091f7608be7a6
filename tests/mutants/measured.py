"""Nodes that work, and badly: only figures tell. The code of a finding names each, or the cause of its holes does."""

from __future__ import annotations

import random
from collections import Counter

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, ipv6, mac
from tests.mutants import ANY, IEEE802154, mutant
from tests.mutants.ipv6_reassembly import ReassemblesIpv6

FROM = "RFC6282-2-04"


class Losing(ReferenceNode):
    """Loses packets that it has decompressed, as `loses` says."""

    def loses(self, packet: bytes, fragmented: bool) -> bool:
        raise NotImplementedError

    def understand(self, payload, info):
        packet = super().understand(payload, info)
        if packet is not None and self.loses(packet, payload[:1] >= b"\xc0"):
            raise DecodeError("malformed", 0, "", "lost on purpose")
        return packet


@mutant("loses-datagrams", requirement=FROM, advice=True)
class LosesDatagrams(Losing):
    """Loses one of five datagrams that came in fragments, and no other."""

    draw = random.Random(3)

    def loses(self, packet, fragmented):
        return fragmented and self.draw.random() < 0.2


@mutant("loses-one-size", requirement=FROM, kinds=ANY, advice=True)
class LosesOneSize(Losing):
    """Loses packets of 777 octets."""

    def loses(self, packet, fragmented):
        return len(packet) == 777


@mutant("loses-one-size-as-sender", requirement=FROM, kinds=ANY, advice=True)
class LosesOneSizeAsSender(ReferenceNode):
    """Sends no Echo Request of 777 octets of its own, and answers those of others."""

    def output(self, packet):
        if not (len(packet) == 777 and packet[6] == 58 and packet[40] == 128):
            super().output(packet)


@mutant("loses-three-fragments", requirement=FROM, advice=True)
class LosesThreeFragments(ReferenceNode):
    """Sends no packet that needs three fragments."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        return [] if len(payloads) == 3 else payloads


@mutant("loses-every-eleventh", requirement=FROM, kinds=ANY, advice=True)
class LosesEveryEleventh(Losing):
    """Loses every eleventh packet."""

    seen = 0

    def loses(self, packet, fragmented):
        self.seen += 1
        return self.seen % 11 == 0


@mutant("loses-what-comes-by-udp", requirement=FROM, kinds=ANY, advice=True)
class LosesUdp(Losing):
    """Loses four of five UDP datagrams that come, and none that it sends."""

    draw = random.Random(5)

    def loses(self, packet, fragmented):
        return packet[6] == 17 and self.draw.random() < 0.8


class Later(ReferenceNode):
    """Answers `wait` seconds late."""

    def wait(self, frame: bytes) -> float:
        raise NotImplementedError

    def boot(self):
        self.later = []
        super().boot()

    def hear_from(self, peer, frame, now):
        out = super().hear_from(peer, frame, now)
        if out:
            self.later.append((now + self.wait(frame), out))
        return []

    def wake_up(self, now):
        out = super().wake_up(now)
        while self.later and self.later[0][0] <= now:
            out += self.later.pop(0)[1]
        return out

    def next_timer(self):
        own = super().next_timer()
        due = self.later[0][0] if self.later else None
        return min((at for at in (own, due) if at is not None), default=None)


@mutant("answers-200-ms-late", requirement=FROM, kinds=IEEE802154)
class AnswersLate(Later):
    """Takes 200 ms to answer."""

    def wait(self, frame):
        return 0.2


@mutant("answers-later-and-later", requirement=FROM, kinds=IEEE802154, advice=True)
class AnswersLaterAndLater(Later):
    """Takes a tenth of a millisecond longer for each frame of the same neighbour."""

    def boot(self):
        self.frames = Counter()
        super().boot()

    def wait(self, frame):
        sender = mac.parse(frame)[0].src
        self.frames[sender] += 1
        return 0.0001 * self.frames[sender]


@mutant("answers-hundredth-twice", requirement=FROM, kinds=ANY, advice=True)
class AnswersHundredthTwice(ReferenceNode):
    """Sends every hundredth packet twice."""

    sent = 0

    def fragment_packet(self, packet, info):
        self.sent += 1
        return super().fragment_packet(packet, info) * (2 if self.sent % 100 == 0 else 1)


@mutant("answers-1232-octets-at-most", requirement=FROM, kinds=ANY)
class AnswersTheFirst(ReassemblesIpv6):
    """Answers an echo of more than 1232 octets of data with the first 1232."""

    def output(self, packet):
        if packet[6] == 58 and packet[40:41] == b"\x81" and len(packet) > 1280:
            source, there = packet[8:24], packet[24:40]
            packet = ipv6.build(source, there, 58, ipv6.icmpv6(129, 0, packet[44:1280], source, there))
        super().output(packet)


@mutant("answers-beyond-the-mtu", requirement="RFC4944-4-01", kinds=IEEE802154)
class AnswersBeyondTheMtu(ReassemblesIpv6):
    """Answers what came in IPv6 fragments in one packet, however long."""

    def pieces(self, packet):
        return [packet]
