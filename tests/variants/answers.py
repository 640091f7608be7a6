"""Conforming hosts whose answers look different each time: headers, options, errors, source addresses."""

from __future__ import annotations

from sixlowpan import ipv6
from sixlowpan.addresses import is_link_local
from tests.variants import ANY, ReferenceNode, variant
from tests.variants.manners import in_front
from tests.variants.sending import AnyForm
from tests.variants.timers import PutsOff

ERRORS = {1, 2, 3, 4}
ND = {133, 134, 135, 136}


def kind_of(packet: bytes) -> int:
    """The ICMPv6 type of a packet without extension headers; -1 for another."""
    return packet[40] if packet[6] == ipv6.ICMPV6 and len(packet) > 40 else -1


class HeaderEachTime(ReferenceNode):
    """Another traffic class, flow label and hop limit in each packet but those of ND."""

    turn = 0

    def output(self, packet):
        self.turn += 1
        label, traffic_class = self.turn * 0x1D3F7 & 0xFFFFF, (0, 2, 0xB8, 1, 0x2A, 0xC0)[self.turn % 6]
        label = 0 if self.turn % 4 == 0 else label
        limit = packet[7] if kind_of(packet) in ND or packet[7] == 1 else (64, 1, 255, 17)[self.turn % 4]
        head = (6 << 28 | traffic_class << 20 | label).to_bytes(4)
        super().output(head + packet[4:7] + bytes((limit,)) + packet[8:])


@variant("header-each-time", rigs=ANY)
class HeaderEach(HeaderEachTime):
    """Another traffic class, flow label and hop limit each time: RFC 8200 §3, §7 leave them to the source."""


@variant("header-each-time-any-form", rigs=ANY)
class HeaderAnyForm(HeaderEachTime, AnyForm):
    """The same, and each time another legal form of it, by lot."""


@variant("options-of-every-kind-in-front", rigs=ANY)
class EveryOption(in_front(60, bytes.fromhex("1e0100000100"))):
    """An unknown option of the kind to "skip over" (RFC 8200 §4.2), Pad1 and PadN in front of answers."""


@variant("used-up-source-route-in-front", rigs=ANY)
class UsedUp(ReferenceNode):
    """A Routing header with Segments Left 0 in front of answers: RFC 8200 §4.4, "must ignore the Routing header"."""

    def output(self, packet):
        if kind_of(packet) == 129 and len(packet) + 24 <= 1280:
            route = bytes((packet[6], 2, 3, 0, 0, 0, 0, 0)) + packet[8:24]
            packet = ipv6.build(packet[8:24], packet[24:40], 43, route + packet[40:], hop_limit=packet[7])
        super().output(packet)


@variant("two-headers-in-front", rigs=ANY)
class TwoInFront(ReferenceNode):
    """Hop-by-Hop and Destination Options in front of answers, the second of 16 octets: RFC 8200 §4.1."""

    def output(self, packet):
        if kind_of(packet) == 129 and len(packet) + 24 <= 1280:
            chain = bytes((60, 0)) + bytes.fromhex("23041e000100")
            chain += bytes((packet[6], 1)) + bytes.fromhex("1e04a1b2c3d4") + bytes.fromhex("0106") + bytes(6)
            packet = ipv6.build(packet[8:24], packet[24:40], 0, chain + packet[40:], hop_limit=packet[7])
        super().output(packet)


@variant("prohibits-closed-ports", rigs=ANY, strict=False)
class Prohibits(ReferenceNode):
    """Has a firewall that answers closed ports with code 1 (RFC 4443 §3.1, "administratively prohibited")."""

    def error(self, packet, view, kind, code, word):
        super().error(packet, view, kind, 1 if (kind, code) == (1, 4) else code, word)


@variant("prohibits-closed-ports-no-tap", without=["ip_tap"], strict=False)
class ProhibitsNoTap(Prohibits):
    """The same, without a tap."""


class LateErrors(PutsOff):
    """Sends errors by a task of low priority, and all else at once."""

    seconds = 0.25

    def output(self, packet):
        if kind_of(packet) in ERRORS:
            self.later(self.seconds, super().output, packet)
        else:
            super().output(packet)


@variant("errors-late", rigs=ANY, rig={"settle": "400ms"})
class ErrorsLate(LateErrors):
    """Sends errors 250 ms late, and all else at once; the rig file says settle = "400ms"."""


@variant("errors-late-no-tap", without=["ip_tap"], rig={"settle": "400ms"})
class ErrorsLateNoTap(LateErrors):
    """The same, without a tap."""


@variant("an-error-for-each-neighbour-no-tap", without=["ip_tap"])
class ErrorEach(ReferenceNode):
    """One error in ten seconds for each source address: RFC 4443 §2.4 (f) leaves the way to limit them open."""

    def boot(self):
        super().boot()
        self.told: dict[bytes, float] = {}

    def error(self, packet, view, kind, code, word):
        if self.now >= self.told.get(view.src, 0.0):
            self.told[view.src] = self.now + 10.0
            super().error(packet, view, kind, code, word)


@variant("every-other-error-no-tap", without=["ip_tap"])
class EveryOther(ReferenceNode):
    """Sends every other error: RFC 4443 §2.4 (f), a share of what would be sent."""

    turn = 0

    def error(self, packet, view, kind, code, word):
        self.turn += 1
        if self.turn % 2:
            super().error(packet, view, kind, code, word)


@variant("last-address-of-the-scope", rigs=ANY)
class LastOfScope(ReferenceNode):
    """Takes the youngest address of the scope for a source, where RFC 6724 §5 has a tie: answers to groups, pings."""

    def source_for(self, destination):
        before, self.own = self.own, self.own[::-1]
        try:
            return super().source_for(destination)
        finally:
            self.own = before


@variant("sources-in-turn")
class SourcesInTurn(ReferenceNode):
    """Speaks of itself from its link-local addresses in turn, also from that of the short address: RFC 6724 §5."""

    turn = 0

    def source_for(self, destination):
        self.turn += 1
        usual = super().source_for(destination)
        fitting = [address for address in self.own if is_link_local(address) == is_link_local(usual)]
        same = [a for a in fitting if a[:8] == destination[:8]] or fitting
        return same[self.turn % len(same)]
