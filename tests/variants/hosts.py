"""Conforming IPv6 hosts: other hop limits, neighbour caches, times of answering, and much that nobody asked for."""

from __future__ import annotations

import random

from sixlowpan import ipv6, link_local
from sixlowpan.addresses import (
    ALL_NODES,
    ALL_ROUTERS,
    UNSPECIFIED,
    is_link_local,
    is_multicast,
    solicited_node,
)
from tests.variants import ANY, ReferenceNode, variant
from tests.variants.timers import Periodic

ALL_RPL_NODES = bytes.fromhex("ff02000000000000000000000000001a")
MDNS = bytes.fromhex("ff0200000000000000000000000000fb")
MLD_ROUTERS = bytes.fromhex("ff020000000000000000000000000016")


def with_hop_limit(limit: int, by_what_right: str):
    """Register a node that sends with this hop limit."""

    @variant(f"hop-limit-{limit}", rigs=ANY)
    class Limited(ReferenceNode):
        __doc__ = f"Sends with hop limit {limit}{by_what_right}"

        def boot(self):
            super().boot()
            self.hop_limit = limit


with_hop_limit(255, ": RFC 8200 §3 leaves the value to the source.")
with_hop_limit(1, ", enough for one link: RFC 8200 §3.")
with_hop_limit(128, ", which has no short form in RFC 6282 §3.1.1.")


@variant("flow-labels", rigs=ANY)
class FlowLabels(ReferenceNode):
    """Labels its flows: RFC 6437 §3, "source nodes SHOULD assign each unrelated transport connection ... a label"."""

    def output(self, packet):
        label = (sum(packet[24:40]) * 0x9E37 & 0xFFFFF or 1).to_bytes(3)
        super().output(packet[:1] + bytes((packet[1] & 0xF0 | label[0],)) + label[1:] + packet[4:])


@variant("any-destination", rigs=ANY)
class AnyDestination(ReferenceNode):
    """Answers whoever the packet is for: a host should not, but no text of 6LoWPAN says so."""

    def for_us(self, destination):
        return True


@variant("nd-class-cs6", rigs=ANY)
class ControlClass(ReferenceNode):
    """Sends Neighbor Discovery and errors in class CS6, and marks ECT(0) in all else (RFC 2474, RFC 3168 §5)."""

    def output(self, packet):
        traffic_class = 2 if packet[6] != ipv6.ICMPV6 or packet[40] in {128, 129} else 0xC0
        head = (6 << 12 | traffic_class << 4 | packet[1] & 15).to_bytes(2)
        super().output(head + packet[2:])


@variant("class-of-the-request", rigs=ANY)
class ClassOfTheRequest(ReferenceNode):
    """Answers with the traffic class and flow label of what it answers, as many stacks do."""

    asked = bytes(4)

    def input(self, packet):
        self.asked = packet[:4]
        super().input(packet)
        self.asked = b"\x60\0\0\0"

    def output(self, packet):
        super().output(self.asked + packet[4:] if any(self.asked) else packet)


@variant("resolves-each-time")
class ResolvesEachTime(ReferenceNode):
    """Forgets a neighbour with the packet: RFC 4861 §5.3, "implementations may purge entries" as they like."""

    def transmit(self, packet, neighbour):
        super().transmit(packet, neighbour)
        if packet[24] != 0xFF:
            self.neighbours.pop(packet[24:40], None)


def with_neighbours(most: int):
    class Few(ReferenceNode):
        def learn(self, address, link):
            super().learn(address, link)
            while len(self.neighbours) > most:
                del self.neighbours[next(iter(self.neighbours))]

    return Few


@variant("one-neighbour")
class OneNeighbour(with_neighbours(1)):
    """A neighbour cache of one entry; the newest takes it (RFC 4861 §5.3)."""


@variant("two-neighbours", parameters={"neighbours": 2})
class TwoNeighbours(with_neighbours(2)):
    """A neighbour cache of two entries, and the profile says so."""


@variant("unicast-probes")
class UnicastProbes(ReferenceNode):
    """Probes a neighbour by unicast behind every packet to it (RFC 4861 §7.3.3, with a DELAY of nothing)."""

    def transmit(self, packet, neighbour):
        super().transmit(packet, neighbour)
        if neighbour and not (packet[6] == ipv6.ICMPV6 and packet[40] in {135, 136}):
            self.send_nd(
                self.source_for(packet[24:40]),
                packet[24:40],
                135,
                bytes(4) + packet[24:40] + self.link_option(1),
            )


@variant("solicits-from-global")
class SolicitsFromAnother(ReferenceNode):
    """Solicits from its last address: RFC 4861 §7.2.2 only recommends the source of the packet that waits."""

    def solicit(self, target, source):
        super().solicit(target, self.own[-1] if len(self.own) > 2 and not is_link_local(target) else source)


@variant("no-resolution-of-link-local")
class NoResolution(ReferenceNode):
    """Takes the link address of a link-local neighbour from its IID: RFC 6775 §5.6, no resolution for such."""

    def output(self, packet):
        destination = packet[24:40]
        if is_link_local(destination):
            iid = destination[8:]
            short = iid[:6] == bytes.fromhex("000000fffe00")
            found = iid[6:] if short else bytes((iid[0] ^ 2,)) + iid[1:]
            self.neighbours.setdefault(destination, found)
        super().output(packet)


@variant("no-multicast-echo", rigs=ANY, strict=False)
class NoMulticastEcho(ReferenceNode):
    """Answers no echo to a group: RFC 4443 §4.2, "SHOULD be sent"."""

    def echo(self, view, message):
        if not is_multicast(view.dst):
            super().echo(view, message)


#: What the profile of a slow node promises.
SLOW = {"round_trip": "1s"}


class Late(ReferenceNode):
    """What it says leaves some time later, in order; link-layer acknowledgements at once."""

    delays: tuple[float, ...] = (0.04,)

    def boot(self):
        super().boot()
        self.held: list[tuple[float, tuple[bytes, bytes]]] = []
        self.count = 0

    def leaves_at(self):
        """When the next frame leaves."""
        self.count += 1
        due = self.now + self.delays[self.count % len(self.delays)]
        return max(due, self.held[-1][0] if self.held else 0.0)

    def _taken(self):
        ready = []
        for to, frame in super()._taken():
            if self.kind == "ieee802154" and frame[0] & 7 == 2:
                ready.append((to, frame))
            else:
                self.held.append((self.leaves_at(), (to, frame)))
        while self.held and self.held[0][0] <= self.now:
            ready.append(self.held.pop(0)[1])
        return ready

    def next_timer(self):
        due = super().next_timer()
        return due if not self.held or due == self.now else min(self.held[0][0], due or self.held[0][0])


@variant("late-40ms", rigs=ANY)
class Late40(Late):
    """Answers 40 ms late, which is within the 50 ms that the rig file allows."""


@variant("late-at-random", rigs=ANY)
class LateAtRandom(Late):
    """Each frame leaves 0 to 45 ms late, as CSMA and a busy node have it."""

    delays = tuple(random.Random(1).uniform(0, 0.045) for _ in range(97))


@variant("late-400ms", rigs=ANY, rig={"settle": "500ms"}, parameters=SLOW)
class Late400(Late):
    """Sleeps between polls, and answers 400 ms late; the rig file says settle = "500ms"."""

    delays = (0.4,)


@variant("late-400ms-undeclared", rigs=ANY, parameters=SLOW)
class Late400Undeclared(Late):
    """Answers 400 ms late; what the rig file allows is 50 ms, and its controls show that it takes longer."""

    delays = (0.4,)


@variant("late-50-to-400ms", rigs=ANY, parameters=SLOW)
class Late50To400(Late):
    """Takes 50 to 400 ms for each output, in order: an answer behind a resolution is later than one to a neighbour."""

    delays = tuple(random.Random(2).uniform(0.05, 0.4) for _ in range(97))


class Chatter(ReferenceNode):
    """Says something of its own around whatever it has to say."""

    before, behind = True, False

    def boot(self):
        super().boot()
        self.talking = False
        self.said = 0

    def transmit(self, packet, neighbour):
        if self.before:
            self.say(packet)
        super().transmit(packet, neighbour)
        if self.behind:
            self.say(packet)

    def say(self, packet):
        if self.talking:
            return
        self.talking = True
        self.said += 1
        self.chatter(packet)
        self.talking = False

    def chatter(self, packet):
        """Say it."""

    def multicast(self, protocol, group, message, *, source=None, hop_limit=255):
        source = self.own[0] if source is None else source
        self.output(ipv6.build(source, group, protocol, message, hop_limit=hop_limit))

    def icmp_to(self, group, kind, body, *, source=None, hop_limit=255):
        source = self.own[0] if source is None else source
        message = ipv6.icmpv6(kind, 0, body, source, group)
        self.multicast(ipv6.ICMPV6, group, message, source=source, hop_limit=hop_limit)

    def udp_to(self, group, port, data):
        self.multicast(ipv6.UDP, group, ipv6.udp(port, port, data, self.own[0], group))


class NeighborTalk(Chatter):
    def chatter(self, packet):
        match self.said % 6:
            case 0:
                self.icmp_to(ALL_ROUTERS, 133, bytes(4) + self.link_option(1))
            case 1:
                tentative = link_local(b"\x02\0\0\0\0\0\0" + bytes([self.said & 0xFF]))
                self.icmp_to(solicited_node(tentative), 135, bytes(4) + tentative, source=UNSPECIFIED)
            case 2:
                self.icmp_to(ALL_NODES, 136, b"\x20\0\0\0" + self.own[0] + self.link_option(2))
            case 3:
                alert = bytes((ipv6.ICMPV6, 0, 5, 2, 0, 0, 1, 0))
                body = b"\0\0\0\x01\x04\0\0\0" + solicited_node(self.own[0])
                report = ipv6.icmpv6(143, 0, body, UNSPECIFIED, MLD_ROUTERS)
                self.multicast(0, MLD_ROUTERS, alert + report, source=UNSPECIFIED, hop_limit=1)
            case 4:
                self.icmp_to(ALL_RPL_NODES, 155, b"\0\0")
            case _:
                self.icmp_to(ALL_NODES, 134, bytes((64, 0, 0, 0)) + bytes(8))


@variant("neighbor-talk-before", rigs=ANY)
class NeighborTalkBefore(NeighborTalk):
    """Router Solicitations, DAD, unsolicited NA, MLD, RPL DIS, RA before its answers: RFC 4861, 4862, 3810, 6550."""


@variant("neighbor-talk-behind", rigs=ANY)
class NeighborTalkBehind(NeighborTalk):
    """The same behind its answers."""

    before, behind = False, True


class UdpTalk(Chatter):
    def chatter(self, packet):
        self.udp_to(MDNS if self.said % 2 else ALL_NODES, 5353 if self.said % 2 else 19788, bytes(range(24)))


@variant("udp-talk-before", rigs=ANY)
class UdpTalkBefore(UdpTalk):
    """mDNS and MLE by multicast before its answers (RFC 6762, RFC 768)."""


@variant("udp-talk-behind", rigs=ANY)
class UdpTalkBehind(UdpTalk):
    """The same behind its answers."""

    before, behind = False, True


@variant("udp-to-the-asker", rigs=ANY)
class UdpToTheAsker(Chatter):
    """An application of it sends UDP to whoever speaks to it, before each answer."""

    def chatter(self, packet):
        source, to = packet[8:24], packet[24:40]
        if to[0] != 0xFF and source[0] != 0xFF:
            super().output(ipv6.build(source, to, ipv6.UDP, ipv6.udp(5683, 5683, b"\x40\x01", source, to)))


@variant("pings-the-asker", rigs=ANY)
class PingsTheAsker(Chatter):
    """Pings whoever speaks to it, before each answer, to see whether it is there."""

    def chatter(self, packet):
        source, to = packet[8:24], packet[24:40]
        if to[0] != 0xFF and source[0] != 0xFF:
            super().output(ipv6.echo_request(source, to, 0x4242, self.said & 0xFFFF, bytes(8)))


@variant("long-udp-talk", rigs=ANY)
class LongUdpTalk(Chatter):
    """Multicasts 300 octets of UDP before its answers: fragments of its own on IEEE 802.15.4."""

    def chatter(self, packet):
        self.udp_to(ALL_NODES, 5683, bytes(range(250)))


class Unasked(Periodic, Chatter):
    """Speaks of itself every so often, asked or not."""

    before = False
    period = 0.03

    def each_period(self):
        self.said += 1
        self.chatter(b"")


@variant("neighbor-talk-unasked", rigs=ANY)
class NeighborTalkUnasked(Unasked, NeighborTalk):
    """Neighbor Discovery, MLD and RPL every 30 ms, whatever happens."""


@variant("udp-talk-unasked", rigs=ANY)
class UdpTalkUnasked(Unasked, UdpTalk):
    """UDP by multicast every 30 ms, whatever happens."""


@variant("udp-talk-each-second", rigs=ANY)
class UdpTalkEachSecond(Unasked, UdpTalk):
    """UDP by multicast every 0.7 s, whatever happens."""

    period = 0.7
