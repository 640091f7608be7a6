"""Conforming routers of RFC 6775, RFC 8505 and RFC 7668: advertisements, answers, tables, errors and forwarding."""

from __future__ import annotations

from dataclasses import replace

from sixlowpan import ipv6, nd
from sixlowpan.addresses import ALL_NODES, is_link_local, is_multicast
from tests.variants import ReferenceNode, variant
from tests.variants.answers import LastOfScope
from tests.variants.discovery_liberties import ROUTERS, SIX_LRS
from tests.variants.discovery_routers import AdvertisesUnasked, room_for
from tests.variants.timers import PutsOff

ON_802154 = ROUTERS[:-1]
SIX_LBRS = ("reference-nd-6lbr", "reference-nd-6lbr-8505", "reference-6lbr")
EXTENDED = ("reference-nd-6lr-8505", "reference-nd-6lbr-8505")


@variant("6lr-advertises-each-3-s", rigs=ON_802154)
class Often(AdvertisesUnasked):
    """Advertises to all nodes each 3 s: RFC 6775 §6.4, "configurable MinRtrAdvInterval", 3 s at the least."""

    period = 3.0


@variant("6lr-tells-all-it-knows", rigs=ROUTERS)
class TellsAll(ReferenceNode):
    """M and O set, with MTU, RDNSS, DNSSL, route, captive portal and unknown options in front of the others."""

    def send_nd(self, source, destination, kind, body):
        if kind == nd.RA:
            server = bytes.fromhex("20010db8000000000000000000000053")
            more = [
                nd.UnknownOption(5, bytes(2) + (1280).to_bytes(4)),
                nd.UnknownOption(25, bytes(2) + (3600).to_bytes(4) + server),
                nd.UnknownOption(31, bytes(2) + (3600).to_bytes(4) + b"\x04home\0\0\0"),
                nd.UnknownOption(
                    24, bytes((48, 0x08)) + (1800).to_bytes(4) + bytes.fromhex("20010db8000a0000")
                ),
                nd.UnknownOption(37, b"https:"),
                nd.UnknownOption(253, bytes(range(14))),
            ]
            octets = b"".join(option.build() for option in more)
            body = body[:1] + bytes((body[1] | 0xC0,)) + body[2:12] + octets + body[12:]
        super().send_nd(source, destination, kind, body)


@variant("6lr-values-each-time", rigs=ROUTERS)
class Values(ReferenceNode):
    """Another hop limit, lifetime, Reachable Time and Retrans Timer each time: RFC 4861 §6.2.1 bounds them only."""

    turn = 0

    def send_nd(self, source, destination, kind, body):
        if kind == nd.RA:
            self.turn += 1
            limit, life = (64, 255, 0, 1)[self.turn % 4], (1800, 9000, 600, 0xFFFF)[self.turn % 4]
            reachable, retrans = (0, 30_000, 3_600_000)[self.turn % 3], (1_000, 0, 5_000)[self.turn % 3]
            times = reachable.to_bytes(4) + retrans.to_bytes(4)
            body = bytes((limit, body[1])) + life.to_bytes(2) + times + body[12:]
        super().send_nd(source, destination, kind, body)


@variant("6lr-long-options", rigs=ROUTERS)
class LongOptions(ReferenceNode):
    """Has 480 octets of an unknown option in its advertisements, which leave in fragments: RFC 4861 §4.6."""

    def send_advertisement(self, destination, options):
        super().send_advertisement(destination, [nd.UnknownOption(254, bytes(478)), *options])


@variant("6lr-room-for-three", rigs=ROUTERS)
class RoomForThree(room_for(3)):
    """Has room for three registrations: RFC 6775 §6.5.2 has a status for it, and no text a least number."""


@variant("6lr-probes-those-who-register", rigs=ROUTERS)
class Probes(ReferenceNode):
    """Solicits a host by unicast right behind the answer to its registration (RFC 4861 §7.3)."""

    def reply(self, asked, status):
        super().reply(asked, status)
        if not status and asked.option.lifetime and asked.address in self.bindings:
            there = asked.address
            self.send_nd(self.own[0], there, nd.NS, bytes(4) + there + self.link_option(1))


@variant("6lr-answers-from-where-it-was-asked", rigs=ROUTERS)
class FromThere(ReferenceNode):
    """Answers from the address that the solicitation went to: RFC 4861 §4.4, "an address assigned"."""

    def answer_registration(self, target, destination, option):
        at = self.view.dst if self.view is not None else b""
        before = self.own
        if at in before:
            self.own = [at, *(a for a in before if a != at)]
        super().answer_registration(target, destination, option)
        self.own = before


class Complaining(ReferenceNode):
    """Sends the errors of a router."""

    def route(self, packet, view):
        if not self.is_router or is_multicast(view.dst) or view.dst in self.own:
            return super().route(packet, view)
        if is_link_local(view.dst) or is_link_local(view.src):
            if is_link_local(view.src) and not is_link_local(view.dst) and self.peer:
                self.error(packet, view, 1, 2, 0)
            return super().route(packet, view)
        if packet[7] <= 1:
            self.error(packet, view, 3, 0, 0)
            return True
        if view.dst not in self.bindings and view.dst[:8] in {p[:8] for p in self.prefixes()}:
            self.error(packet, view, 1, 3, 0)
            return True
        return super().route(packet, view)


@variant("6lr-errors-of-a-router", rigs=ROUTERS)
class Complains(Complaining):
    """Sends Time Exceeded, "beyond scope" and "address unreachable" for what it drops: RFC 4443 §3.1, §3.3."""


@variant("6lr-forwards-in-the-longest-form", rigs=ON_802154)
class ForwardsLong(ReferenceNode):
    """Forwards behind 0x41, whatever the form of what came: RFC 6282 §3 compresses on each link for itself."""

    forwarding = False

    def pass_on(self, packet, peer):
        self.forwarding = True
        super().pass_on(packet, peer)
        self.forwarding = False

    def encode_packet(self, packet, info):
        return b"\x41" + packet if self.forwarding else super().encode_packet(packet, info)


@variant("6lr-forwards-late", rigs=ON_802154, rig={"settle": "200ms"})
class ForwardsLate(PutsOff):
    """Forwards 100 ms late, and answers for itself at once: no text bounds the time of a hop."""

    def pass_on(self, packet, peer):
        self.later(0.1, super().pass_on, packet, peer)


@variant("6lr-redirects", rigs=("reference-nd-6lr",), strict=False)
class Redirects(ReferenceNode):
    """Sends a Redirect beside what it forwards: RFC 6775 §6, "SHOULD NOT send Redirect messages"."""

    def pass_on(self, packet, peer):
        super().pass_on(packet, peer)
        source = packet[8:24]
        if source in self.bindings and packet[24:40] in self.bindings:
            self.send_nd(self.own[0], source, 137, bytes(4) + packet[24:40] + packet[24:40])


@variant("6lr-requests-from-the-youngest-address", rigs=SIX_LRS)
class YoungestSource(LastOfScope):
    """Sends DARs from the last of its addresses of that scope: RFC 6775 §4.4, "an address of" the 6LR."""


@variant("6lr-oldest-of-a-host-goes", rigs=EXTENDED)
class OldestGoes(ReferenceNode):
    """Keeps ten addresses of one ROVR, and drops its oldest for a new one: RFC 8505 §7, "(LRU) algorithm"."""

    capacity = 100

    def keep(self, address, option, link):
        held = [a for a, b in self.bindings.items() if b.rovr == option.rovr and a != address]
        if len(held) >= 10:
            oldest = min(held, key=lambda a: (is_link_local(a), self.bindings[a].ends))
            del self.bindings[oldest]
        super().keep(address, option, link)


@variant("6lbr-asynchronous-statuses", rigs=("reference-nd-6lbr-8505",))
class Asynchronous(ReferenceNode):
    """Tells a host whose lifetime has ended by an NA with status 4: RFC 8505 §4.1, "MAY place this Status in" one."""

    def expire(self, address):
        held = self.bindings[address]
        option = nd.AddressRegistration(held.rovr, status=4, lifetime=0, t=held.tid is not None)
        if held.tid is not None:
            option = replace(option, tid=held.tid)
            self.hint = (address, held.link)
            self.send_nd(self.own[0], address, nd.NA, b"\xa0\0\0\0" + address + option.build())
            self.hint = (b"", b"")
        super().expire(address)


@variant("6lr-queries-groups", rigs=ROUTERS)
class Queries(ReferenceNode):
    """Is an MLD querier, and queries before each advertisement (RFC 3810 §7.1); sends a RPL DIO as well (RFC 6550)."""

    def send_advertisement(self, destination, options):
        source = self.own[0]
        query = ipv6.icmpv6(
            130, 0, bytes.fromhex("27100000") + bytes(16) + bytes.fromhex("027d0000"), source, ALL_NODES
        )
        alert = bytes((ipv6.ICMPV6, 0, 5, 2, 0, 0, 1, 0))
        self.output(ipv6.build(source, ALL_NODES, 0, alert + query, hop_limit=1))
        nodes = bytes.fromhex("ff02000000000000000000000000001a")
        body = bytes.fromhex("1ef0010088000000") + bytes.fromhex("20010db8000000000000000000000001")
        dio = ipv6.icmpv6(155, 1, body + bytes.fromhex("040e00080c0a008000010000001e003c"), source, nodes)
        self.output(ipv6.build(source, nodes, ipv6.ICMPV6, dio, hop_limit=255))
        super().send_advertisement(destination, options)


@variant("6lr-two-more-prefixes", rigs=SIX_LBRS)
class TwoMore(ReferenceNode):
    """Advertises two more prefixes, one of 48 bits, neither for autoconfiguration (RFC 4861 §4.6.2)."""

    def send_advertisement(self, destination, options):
        if any(isinstance(option, nd.PrefixInformation) for option in options):
            ula, short = (
                bytes.fromhex("fd00b10b00000001") + bytes(8),
                bytes.fromhex("fd00b10b0002") + bytes(10),
            )
            lives = {"autonomous": False, "valid_lifetime": 86400, "preferred_lifetime": 3600}
            more = [nd.PrefixInformation(ula, **lives), nd.PrefixInformation(short, length=48, **lives)]
            options = [*more, *options]
        super().send_advertisement(destination, options)


@variant("6lbr-prefix-of-short-lives", rigs=SIX_LBRS)
class ShortLives(ReferenceNode):
    """Advertises its prefix for 20 minutes, preferred for 10: RFC 4861 §6.2.1 leaves both to who manages it."""

    def prefix_option(self, prefix):
        return nd.PrefixInformation(prefix, valid_lifetime=1200, preferred_lifetime=600)


@variant("6lbr-prefix-for-ever", rigs=SIX_LBRS)
class ForEver(ReferenceNode):
    """Advertises its prefix with infinite lifetimes (RFC 4861 §4.6.2: all one bits)."""

    def prefix_option(self, prefix):
        return nd.PrefixInformation(prefix, valid_lifetime=0xFFFFFFFF, preferred_lifetime=0xFFFFFFFF)


@variant("6lr-many-liberties-more", rigs=ROUTERS)
class ManyMore(TellsAll, Probes, Complaining, FromThere):
    """All options, errors of a router, probes behind registrations, answers from where it was asked."""


@variant("6lr-small-and-talkative", rigs=ON_802154)
class SmallAndTalkative(Queries, Often, Values, RoomForThree):
    """Room for three, queries and DIOs before advertisements, which go to all each 3 s, with other values each time."""
