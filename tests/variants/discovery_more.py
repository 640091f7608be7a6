"""Conforming nodes of RFC 6775 and RFC 8505: probes, other choices of routers and sources, and talk beside."""

from __future__ import annotations

from rigs.nodes.reference.host import RETRANSMIT
from sixlowpan import ipv6, nd
from sixlowpan.addresses import ALL_NODES, ALL_ROUTERS, is_link_local, is_multicast
from tests.variants import ReferenceNode, variant
from tests.variants.timers import Periodic, Timed

HOST = ("reference-nd-6ln",)
HOSTS = ("reference-nd-6ln", "reference-nd-6ln-8505")
SIX_LRS = ("reference-nd-6lr", "reference-nd-6lr-8505")
SIX_LBRS = ("reference-nd-6lbr", "reference-nd-6lbr-8505")
EXTENDED = ("reference-nd-6lr-8505", "reference-nd-6lbr-8505")
ROUTERS = (*SIX_LRS, *SIX_LBRS)
DELAY = 5.0  # RFC 4861 §10: DELAY_FIRST_PROBE_TIME
PROBES = 3  # MAX_UNICAST_SOLICIT


@variant("nd-drops-a-router-that-answers-no-probe", rigs=HOSTS)
class DropsUnreachable(Timed):
    """Probes the router that it sends by, and drops it when it answers no probe: RFC 6775 §5.5, RFC 4861 §7.3.3."""

    probed = b""
    probes = 0

    def boot(self):
        super().boot()
        self.at, self.probed, self.probes = None, b"", 0

    def next_hop(self, destination):
        link = super().next_hop(destination)
        if not is_link_local(destination) and self.routers and self.at is None:
            self.probed, self.probes, self.at = next(iter(self.routers)), 0, self.now + DELAY
        return link

    def fires(self):
        if self.probed not in self.routers:
            return
        if self.probes == PROBES:
            self.lose_router(self.probed)
            return
        self.probes, self.at = self.probes + 1, self.now + RETRANSMIT
        self.send_nd(self.own[0], self.probed, nd.NS, bytes(4) + self.probed + self.link_option(1))

    def advertised_neighbour(self, message):
        if message.target == self.probed and message.solicited and self.probes:
            self.at = None
        super().advertised_neighbour(message)


@variant("nd-two-routers-at-most", rigs=HOSTS)
class TwoRouters(ReferenceNode):
    """Keeps two routers: RFC 4861 §6.3.4, "a host MUST retain at least two router addresses"."""

    def takes_advertisement(self, message):
        return (self.sender in self.routers or len(self.routers) < 2) and super().takes_advertisement(message)


@variant("nd-shares-its-load", rigs=HOSTS)
class SharesLoad(ReferenceNode):
    """Sends to each destination by another of its routers: RFC 4311 §3, "SHOULD load share"."""

    def next_hop(self, destination):
        if self.routers and not is_link_local(destination):
            links = [router.link for router in self.routers.values()]
            return links[sum(destination) % len(links)]
        return super().next_hop(destination)


@variant("nd-announces-its-addresses", rigs=(*HOSTS, *SIX_LRS))
class Announces(ReferenceNode):
    """Advertises each new address to all routers and nodes, unasked: RFC 9131 §4, RFC 4861 §7.2.6 (MAY)."""

    def register(self, address, *arguments):
        new = address not in self.tids
        super().register(address, *arguments)
        for group in (ALL_ROUTERS, ALL_NODES) if new else ():
            body = bytes((0x20 | self.flag(), 0, 0, 0)) + address + self.link_option(2)
            self.send_nd(self.own[0], group, nd.NA, body)

    def flag(self):
        return 0


@variant("nd-renews-all-together", rigs=HOSTS)
class AllTogether(ReferenceNode):
    """Renews all its addresses when one is due: RFC 8505 §4.1, "one or more registrations" at once."""

    renewing = False

    def registration_due(self, address):
        super().registration_due(address)
        if self.tries.get(address) == 1 and not self.renewing:
            self.renewing = True
            for other in [a for a in self.own if a != address and self.registrable(a)]:
                if other in self.lifetimes and not self.pending.get(other):
                    self.register(other)
            self.renewing = False


@variant("nd-lossy-3", rigs=(*HOSTS, *ROUTERS), rig={"attempts": 4, "air": {"loss": 0.03, "seed": 7}})
class NdLossy3(ReferenceNode):
    """A medium that loses 3 % of the frames; the rig file says attempts = 4."""


@variant("nd-mdns-and-mle-at-times", rigs=(*HOSTS, *ROUTERS))
class TalksAtTimes(Periodic):
    """Sends mDNS queries, MLE and CoAP multicast each 7 s: RFC 6762, RFC 7252 §8; none of it is about the tester."""

    first, period = 2, 7

    def each_period(self):
        for last, port in ((0xFB, 5353), (0x02, 19788), (0xFD, 5683)):
            group = bytes.fromhex("ff02") + bytes(13) + bytes([last])
            message = ipv6.udp(port, port, bytes(range(30)), self.own[0], group)
            self.output(ipv6.build(self.own[0], group, ipv6.UDP, message, hop_limit=255))


@variant("nd-pings-its-router", rigs=HOSTS)
class PingsRouter(Periodic):
    """Pings its router each 9 s: RFC 4443 §4.1 lets anybody ask, and RFC 4861 §7.3.1 takes the answer as a hint."""

    first, period = 4, 9

    def each_period(self):
        for router in list(self.routers)[:1]:
            self.output(ipv6.echo_request(self.own[0], router, 0x7777, 1, b"router?"))


@variant("nd-refreshes-on-each-context", rigs=HOSTS)
class AsksBehindContext(ReferenceNode):
    """Solicits its router by unicast when an address is confirmed: RFC 6775 §5.4.3 bounds it on the other side only."""

    def registration_answered(self, address, option):
        before = (self.sender, address) in self.confirmed
        super().registration_answered(address, option)
        if not before and (self.sender, address) in self.confirmed:
            body = bytes(4) + self.link_option(1) + self.capabilities()
            self.send_nd(self.own[0], self.sender, nd.RS, body)


# -- routers ----------------------------------------------------------------------------------------------------


@variant("6lr-proxies-for-its-hosts", rigs=ROUTERS)
class Proxies(ReferenceNode):
    """Answers solicitations for registered addresses, O=0: RFC 4861 §7.2.8, RFC 8505 §5.1 (proxy services)."""

    def registration(self, view, message):
        if super().registration(view, message):
            return True
        if message.target in self.bindings and not is_multicast(view.src) and view.src != message.target:
            body = b"\xc0\0\0\0" + message.target + self.link_option(2)
            if any(view.src[:8]):
                self.send_nd(self.own[0], view.src, nd.NA, body)
        return False


@variant("6lr-plain-solicitations-update", rigs=ROUTERS)
class PlainUpdates(ReferenceNode):
    """Takes the SLLAO of a plain NS for a registered address: RFC 4861 §7.2.3, "should be replaced"."""

    def registration(self, view, message):
        if super().registration(view, message):
            return True
        held = self.bindings.get(view.src)
        found = [o for o in message.options if isinstance(o, nd.LinkLayerAddress) and o.type == nd.SLLAO]
        if held is not None and found and message.target in self.own:
            held.link = self.source_link(found[0])
        return False


@variant("6lr-tids-far-apart-as-written", rigs=EXTENDED)
class AsWritten(ReferenceNode):
    """Takes "the absolute magnitude of difference" as it is written: 120 and 5 cannot be compared (RFC 8505 §5.2.1)."""

    def is_older(self, held, tid):
        if None not in (held, tid) and (held < 128) == (tid < 128) and abs(held - tid) > nd.tid.WINDOW:
            return False
        return super().is_older(held, tid)


@variant("6lr-refuses-what-waits", rigs=SIX_LRS, strict=False)
class RefusesWhatWaits(ReferenceNode):
    """Says "duplicate" of an address that waits for the 6LBR: §8.2, to be silent is a SHOULD."""

    def accept(self, asked):
        other = self.waiting.get(asked.address)
        if other is not None and other.asked.option.rovr != asked.option.rovr:
            self.reply(asked, 1)
            return
        super().accept(asked)


@variant("6lbr-table-for-five", rigs=SIX_LBRS)
class TableForFive(ReferenceNode):
    """Holds five addresses in its DAD table: no text has a least number."""

    table_size = 5


@variant("6lbr-confirms-from-its-youngest", rigs=SIX_LBRS)
class FromYoungest(ReferenceNode):
    """Sends DACs from the last of its global addresses: RFC 6775 §4.4, "a non-link-local address"."""

    def send_duplicate(self, message, source, destination):
        routable = [address for address in self.own if not is_link_local(address)]
        super().send_duplicate(message, routable[-1], destination)


@variant("6lr-checks-link-local-too", rigs=("reference-nd-6lr-8505",))
class ChecksLinkLocal(ReferenceNode):
    """Reports link-local addresses that it has confirmed: RFC 8505 §5.6, it "does not need to take place"."""

    def accept(self, asked):
        super().accept(asked)
        if is_link_local(asked.address):
            self.send_request(asked.address, asked.option)
