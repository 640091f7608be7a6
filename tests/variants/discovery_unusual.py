"""Conforming nodes of RFC 6775 and RFC 8505 that are slow, talk beside, or make unusual addresses and identities."""

from __future__ import annotations

from dataclasses import replace

from rigs.links.memory.link import DUT_SHORT
from rigs.nodes.reference.host import ALL_MLD_ROUTERS
from sixlowpan import ipv6, link_local, nd
from sixlowpan.addresses import ALL_NODES, is_link_local
from tests.variants import ReferenceNode, variant
from tests.variants.discovery_liberties import HOSTS, ROUTERS, SIX_LRS
from tests.variants.timers import PutsOff, Timed

HOST = ("reference-nd-6ln",)
SIX_LBRS = ("reference-nd-6lbr", "reference-nd-6lbr-8505")
EXTENDED = ("reference-nd-6ln-8505",)


def says_late(kind, seconds=0.8):
    """A node whose ICMPv6 messages of this kind leave later."""

    class Late(PutsOff):
        def output(self, packet):
            if packet[6] == ipv6.ICMPV6 and packet[40] == kind:
                self.later(seconds, self.output_late, packet, self.hint)
            else:
                super().output(packet)

        def output_late(self, packet, hint):
            self.hint = hint
            super().output(packet)
            self.hint = (b"", b"")

    return Late


@variant("6lr-advertises-after-2-s", rigs=ROUTERS)
class AdvertisesLate(says_late(nd.RA, 1.9)):
    """Waits almost 2 s before it answers a solicitation: RFC 6775 §9, MAX_RA_DELAY_TIME (RFC 4861 §6.2.6)."""


@variant("6lr-answers-registrations-late", rigs=ROUTERS)
class AnswersLate(says_late(nd.NA)):
    """Answers registrations after 0.8 s: §3.3, "might not be immediate"."""


@variant("6lbr-confirms-late", rigs=SIX_LBRS)
class ConfirmsLate(says_late(nd.DAC)):
    """Answers a DAR after 0.8 s, sooner than it would be sent again (§8.2.6)."""


@variant("6lr-reports-after-half-a-second", rigs=SIX_LRS)
class ReportsLate(says_late(nd.DAR, 0.5)):
    """Sends DARs half a second later: no text says how soon."""


@variant("nd-registers-after-a-second", rigs=HOSTS)
class RegistersLate(ReferenceNode):
    """Registers a second after it was advertised to: RFC 4862 §5.4.2 lets a node wait before it tries an address."""

    def register(self, address, lifetime=10):
        if address in self.refreshes or not self.registrars() or not self.registrable(address):
            super().register(address, lifetime)
        else:
            self.refreshes[address] = self.now + 0.9


@variant("nd-talks-beside", rigs=(*HOSTS, *ROUTERS))
class TalksBeside(ReferenceNode):
    """Sends a MLD report and a RPL DIS by multicast in front of each message of Neighbor Discovery of its own."""

    def send_nd(self, source, destination, kind, body):
        local = self.own[0]
        report = ipv6.icmpv6(
            143, 0, b"\0\0\0\x01\x04\0\0\0" + ALL_NODES[:15] + b"\x1a", local, ALL_MLD_ROUTERS
        )
        self.output(ipv6.build(local, ALL_MLD_ROUTERS, ipv6.ICMPV6, report, hop_limit=1))
        nodes = ALL_NODES[:15] + b"\x1a"
        dis = ipv6.icmpv6(155, 0, bytes(2), local, nodes)
        self.output(ipv6.build(local, nodes, ipv6.ICMPV6, dis, hop_limit=255))
        super().send_nd(source, destination, kind, body)


# -- 6LN --------------------------------------------------------------------------------------------------------


@variant("nd-one-router-after-the-other", rigs=HOSTS)
class OneAfterTheOther(ReferenceNode):
    """Registers an address with its next router when the one before has answered: §5.5 asks for no moment."""

    def may_register(self, address, router):
        return router in sorted(self.pending[address])[:1] and super().may_register(address, router)

    def lose_router(self, router):
        super().lose_router(router)
        self.tries |= {address: 0 for address, waiting in self.pending.items() if waiting}

    def registration_answered(self, address, option):
        before = set(self.pending.get(address, ()))
        super().registration_answered(address, option)
        left = self.pending.get(address)
        if left and left < before:
            self.tries[address] = 0
            self.try_registration(address)


@variant("nd-uses-its-latest-router", rigs=HOSTS)
class LatestRouter(ReferenceNode):
    """Sends to the router that it heard of last: RFC 4861 §6.3.6 leaves the choice among reachable ones."""

    def next_hop(self, destination):
        if self.routers and not is_link_local(destination):
            return list(self.routers.values())[-1].link
        return super().next_hop(destination)


@variant("nd-probes-its-router", rigs=HOSTS)
class Probes(Timed):
    """Solicits its router by unicast, without an ARO, each half minute: §5.5, "also to do NUD"."""

    def keep_router(self, message):
        new = super().keep_router(message)
        self.at = self.now + 30 if self.routers else None
        return new

    def fires(self):
        self.at = self.now + 30 if self.routers else None
        for router in self.routers:
            self.send_nd(self.own[0], router, nd.NS, bytes(4) + router + self.link_option(1))


@variant("nd-short-address", rigs=HOST)
class ShortAddress(ReferenceNode):
    """Makes global addresses of its short address, and registers them with it as the SLLAO: RFC 6775 §10.2.1, GP16."""

    def interface_identifier(self, prefix):
        return link_local(DUT_SHORT)[8:]

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        if packet[8:24] in self.made:
            return info.between(DUT_SHORT, info.dst)
        return info

    def send_registration(self, address, router, lifetime):
        self.short = address in self.made
        super().send_registration(address, router, lifetime)
        self.short = False

    short = False

    def link_option(self, kind):
        return nd.LinkLayerAddress(kind, DUT_SHORT).build() if self.short else super().link_option(kind)


@variant("nd-gives-ended-addresses-back", rigs=HOSTS)
class GivesBack(ReferenceNode):
    """De-registers an address whose prefix has ended: RFC 8505 §5.7, "a node that ceases to use an address"."""

    def drop_address(self, address):
        if address in self.made and address not in self.refused:
            for router in [r for r, which in self.confirmed if which == address and r in self.routers]:
                self.send_registration(address, router, 0)
        super().drop_address(address)


@variant("nd-hop-limit-of-its-own", rigs=HOSTS, strict=False)
class HopLimit(ReferenceNode):
    """Keeps a hop limit of its own whatever is advertised: RFC 4861 §6.3.4 is a SHOULD."""

    def icmp(self, view, message):
        before = self.hop_limit
        super().icmp(view, message)
        self.hop_limit = before


@variant("earo-new-tid-for-each-try", rigs=EXTENDED)
class NewTid(ReferenceNode):
    """Counts each try as a transaction of its own: RFC 8505 §4.1, "incremented with each transaction"."""

    def try_registration(self, address):
        if self.tries[address]:
            self.tids[address] = self.next_tid(self.tids[address])
        super().try_registration(address)


@variant("earo-capabilities-shared-once", rigs=EXTENDED)
class SharedOnce(ReferenceNode):
    """Has no 6CIO in solicitations to a router that knows it: §6.1, "unless ... already shared"."""

    def capabilities(self):
        return b"" if any(router.extended for router in self.routers.values()) else super().capabilities()


@variant("earo-token-for-a-rovr", rigs=EXTENDED)
class Token(ReferenceNode):
    """Has a token of 64 bits for a ROVR: §5.3, "not required to be derived from a MAC address" (§5.1)."""

    def eui64(self):
        return bytes.fromhex("9d41c2077be05a36")


@variant("earo-opaque-link-local", rigs=EXTENDED)
class OpaqueLinkLocal(ReferenceNode):
    """Has an opaque link-local address: §8 "discourages using EUI-64" in it; it registers that with its router."""

    def first_addresses(self):
        opaque = bytes.fromhex("fe800000000000001c5f93a0e6d27b48")
        return (opaque, *super().first_addresses()[1:])

    def interface_identifier(self, prefix):
        return bytes((0x5E + 7 * octet + place) & 0xFF for place, octet in enumerate(prefix[:8]))


# -- routers ----------------------------------------------------------------------------------------------------


@variant("6lr-tentative-takes-room", rigs=ROUTERS, strict=False)
class TentativeTakesRoom(ReferenceNode):
    """Has room for eight entries, Tentative ones of solicitations too: RFC 6775 §6.3, "MAY create a Tentative NCE"."""

    capacity = 8

    def boot(self):
        super().boot()
        self.tentative = {}

    def advertise(self, destination):
        self.tentative[destination] = self.now + 20
        super().advertise(destination)

    def refusal(self, asked):
        self.tentative = {
            a: at for a, at in self.tentative.items() if at > self.now and a not in self.bindings
        }
        self.tentative.pop(asked.address, None)
        self.capacity = 8 - min(4, len(self.tentative))
        return super().refusal(asked)


@variant("6lr-asks-once-while-tentative", rigs=SIX_LRS)
class AsksOnce(ReferenceNode):
    """Sends no DAR for a registration that is repeated while the 6LBR is being asked."""

    def accept(self, asked):
        other = self.waiting.get(asked.address)
        if other is None or not asked.option.lifetime or other.asked.option.rovr != asked.option.rovr:
            super().accept(asked)
        else:
            other.asked = asked


@variant("6lr-renewal-asks-first", rigs=SIX_LRS)
class RenewalAsks(ReferenceNode):
    """Answers a renewal when the 6LBR has answered: §8.2, it "can be done asynchronously", and need not."""

    def accept(self, asked):
        held = self.bindings.get(asked.address)
        if held is None or not asked.option.lifetime or not self.is_checked(asked.address):
            super().accept(asked)
            return
        del self.bindings[asked.address]
        super().accept(asked)
        self.bindings[asked.address] = held


@variant("6lr-hop-limit-unspecified", rigs=ROUTERS)
class Unspecified(ReferenceNode):
    """Advertises no hop limit, and a Reachable Time and Retrans Timer of its own (RFC 4861 §4.2)."""

    def send_nd(self, source, destination, kind, body):
        if kind == nd.RA:
            body = b"\0" + body[1:4] + (30_000).to_bytes(4) + (1_000).to_bytes(4) + body[12:]
        super().send_nd(source, destination, kind, body)


@variant("6lr-na-without-override", rigs=ROUTERS)
class WithoutOverride(ReferenceNode):
    """Answers with O=0, and an option that nobody knows behind the ARO (RFC 4861 §4.4)."""

    def send_nd(self, source, destination, kind, body):
        if kind == nd.NA:
            body = bytes([body[0] & ~0x20]) + body[1:] + nd.UnknownOption(253, bytes(6)).build()
        super().send_nd(source, destination, kind, body)


@variant("6lr-answers-aro-with-t", rigs=("reference-nd-6lr-8505", "reference-nd-6lbr-8505"))
class AnswersWithT(ReferenceNode):
    """Answers an ARO with T set and a TID: RFC 8505 §6, "with an NA(EARO)", and §5.1, which has T in an EARO."""

    def answer_registration(self, target, destination, option):
        if not option.t:
            option = replace(option, t=True, tid=240)
        super().answer_registration(target, destination, option)


@variant("6lbr-moved-with-its-tid", rigs=("reference-nd-6lbr-8505",))
class MovedWithItsTid(ReferenceNode):
    """Has the TID that it knows in the EDAC that says "Moved": no text says which of the two it is."""

    def send_duplicate(self, message, source, destination):
        entry = self.table.get(message.address)
        if message.status == 3 and entry is not None and entry.tid is not None:
            message = replace(message, tid=entry.tid)
        super().send_duplicate(message, source, destination)


@variant("earo-difference-as-written", rigs=("reference-nd-6lr-8505", "reference-nd-6lbr-8505"))
class AsWritten(ReferenceNode):
    """Takes "the absolute magnitude of difference" of 127 and 0 for 127: not comparable, so that the later one counts
    (RFC 8505 §5.2.1, rules 3.2.2 and 4).
    """

    def is_older(self, held, tid):
        apart = held is not None and tid is not None and (held < 128) == (tid < 128) and abs(held - tid) > 16
        return not apart and super().is_older(held, tid)


@variant("6lbr-little-table", rigs=SIX_LBRS)
class LittleTable(ReferenceNode):
    """Has room for five addresses in its DAD table."""

    table_size = 5


@variant("6lbr-two-prefixes", rigs=SIX_LBRS)
class TwoPrefixes(ReferenceNode):
    """Advertises a second prefix that is not for autoconfiguration."""

    def own_options(self):
        found = super().own_options()
        if any(isinstance(option, nd.PrefixInformation) for option in found):
            prefix = bytes.fromhex("fd00b10b00000001") + bytes(8)
            found.append(
                nd.PrefixInformation(prefix, autonomous=False, valid_lifetime=86400, preferred_lifetime=3600)
            )
        return found


@variant("6lr-many-liberties", rigs=ROUTERS)
class Many(AdvertisesLate):
    """Several liberties at once: late advertisements, five places, other order of options, an option behind the ARO."""

    capacity = 6

    def send_nd(self, source, destination, kind, body):
        if kind == nd.NA:
            body += nd.UnknownOption(253, bytes(6)).build()
        super().send_nd(source, destination, kind, body)

    def send_advertisement(self, destination, options):
        super().send_advertisement(destination, [nd.UnknownOption(25, bytes(22)), *reversed(options)])


@variant("nd-many-liberties", rigs=HOST)
class ManyOfAHost(RegistersLate):
    """Several liberties at once: late registrations of two minutes, opaque identifiers, a Nonce in front."""

    def interface_identifier(self, prefix):
        return bytes((0x5E + 7 * octet + place) & 0xFF for place, octet in enumerate(prefix[:8]))

    def register(self, address, lifetime=2):
        super().register(address, min(lifetime, 2))

    def send_nd(self, source, destination, kind, body):
        at = {nd.NS: 20, nd.RS: 4}.get(kind, len(body))
        nonce = nd.UnknownOption(14, b"\x01\x02\x03\x04\x05\x06").build() if at < len(body) else b""
        super().send_nd(source, destination, kind, body[:at] + nonce + body[at:])
