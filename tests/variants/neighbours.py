"""Conforming hosts: other ways with neighbours, groups and routers."""

from __future__ import annotations

from rigs.links.memory.link import DUT_SHORT
from sixlowpan import ipv6
from sixlowpan.addresses import ALL_NODES, ALL_ROUTERS, UNSPECIFIED, solicited_node
from tests.variants import ANY, ReferenceNode, variant
from tests.variants.hosts import Chatter, Unasked

MLD_ROUTERS = bytes.fromhex("ff020000000000000000000000000016")


@variant("purges-every-second")
class PurgesEverySecond(ReferenceNode):
    """Forgets all neighbours each second (RFC 4861 §5.3, "may purge")."""

    def boot(self):
        super().boot()
        self.purged = 0.0

    def output(self, packet):
        if self.now - self.purged > 1:
            self.purged = self.now
            self.neighbours.clear()
        super().output(packet)


@variant("learns-from-any-packet", strict=False)
class LearnsFromAny(ReferenceNode):
    """Learns the link address of whoever sends it a packet, as many small stacks do: no resolution is seen."""

    def deliver(self, packet, info):
        if info.src and packet[8] != 0xFF and any(packet[8:24]):
            self.neighbours.setdefault(packet[8:24], info.src)
        super().deliver(packet, info)


@variant("solicits-three-times")
class SolicitsThrice(ReferenceNode):
    """Solicits thrice at once: RFC 4861 §7.2.2 would have a second between, and copies are the medium's right."""

    def solicit(self, target, source):
        for _ in range(3):
            super().solicit(target, source)


@variant("probes-reachability")
class Probes(Unasked):
    """Probes each neighbour that it knows by unicast each 1.3 s (RFC 4861 §7.3.3)."""

    period = 1.3

    def chatter(self, packet):
        for address in list(self.neighbours)[-3:]:
            body = bytes(4) + address + self.link_option(1)
            self.send_nd(self.source_for(address), address, 135, body)


@variant("dad-for-each-address")
class Dad(ReferenceNode):
    """Tries each new address by duplicate address detection: RFC 4862 §5.4."""

    def add_address(self, address, prefix_length=64):
        self.now = self.link.now()
        if address not in self.own:
            self.send_nd(UNSPECIFIED, solicited_node(address), 135, bytes(4) + address)
        super().add_address(address, prefix_length)


@variant("mld-chatter")
class MldChatter(Unasked):
    """Reports each of its groups every 0.9 s (RFC 3810 §6)."""

    period = 0.9

    def chatter(self, packet):
        for group in sorted(self.groups)[:4]:
            self.send_report(group)


@variant("mldv1-reports")
class Mldv1(ReferenceNode):
    """Reports groups by MLDv1 (RFC 2710 §3)."""

    def send_report(self, group):
        source = self.source_for(MLD_ROUTERS)
        body = bytes(4) + group
        message = ipv6.icmpv6(131, 0, body, source, group)
        alert = bytes((ipv6.ICMPV6, 0, 5, 2, 0, 0, 1, 0))
        self.output(ipv6.build(source, group, ipv6.HOP_BY_HOP, alert + message, hop_limit=1))


@variant("no-reports")
class NoReports(ReferenceNode):
    """Reports no group: RFC 6282 and RFC 4944 ask for none."""

    def send_report(self, group):
        return


@variant("router-solicitations-for-ever")
class RouterSolicitations(Unasked):
    """Solicits routers every 4 s as nobody answers (RFC 7559 allows it for ever)."""

    period = 4.0

    def chatter(self, packet):
        self.icmp_to(ALL_ROUTERS, 133, bytes(4) + self.link_option(1))


@variant("unsolicited-advertisements")
class Unsolicited(Chatter):
    """Advertises itself to all nodes before each packet (RFC 4861 §7.2.6)."""

    def chatter(self, packet):
        self.icmp_to(ALL_NODES, 136, b"\x20\0\0\0" + self.own[0] + self.link_option(2))


@variant("advertises-each-address-at-times")
class AdvertisesEach(Unasked):
    """Tells all nodes of one of its addresses after the other each 0.13 s, unasked: RFC 4861 §7.2.6, RFC 9131 §4.1."""

    period = 0.13

    def chatter(self, packet):
        address = self.own[self.said % len(self.own)]
        self.icmp_to(ALL_NODES, 136, b"\x20\0\0\0" + address + self.link_option(2), source=address)


@variant("options-with-short-address")
class ShortOptions(ReferenceNode):
    """Gives its short address in link-layer address options: RFC 4944 §8, length 1; its frames have the EUI-64."""

    def link_option(self, kind):
        return bytes((kind, 1)) + DUT_SHORT + bytes(4)


@variant("router-flag", rigs=ANY)
class RouterFlag(ReferenceNode):
    """Is a router, and says so in its advertisements (RFC 4861 §4.4: R)."""

    def send_nd(self, source, destination, kind, body):
        if kind == 136:
            body = bytes([body[0] | 0x80]) + body[1:]
        super().send_nd(source, destination, kind, body)


@variant("terse-advertisements")
class TerseAdvertisements(ReferenceNode):
    """Leaves the target link-layer address out of a unicast answer: RFC 4861 §7.2.4, "MAY be omitted"."""

    def input(self, packet):
        self.unicast = packet[24] != 0xFF
        super().input(packet)

    def send_nd(self, source, destination, kind, body):
        if kind == 136 and getattr(self, "unicast", False):
            body = body[:20]
        super().send_nd(source, destination, kind, body)
