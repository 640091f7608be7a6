"""Conforming nodes on Bluetooth LE with RFC 8505, other link-layer address options, and several liberties at once."""

from __future__ import annotations

from dataclasses import replace

from rigs.links.ipsp.channel import Terms
from rigs.nodes.reference.ble import NodeChannel
from sixlowpan import ipv6, nd
from sixlowpan.addresses import modified_eui64
from tests.variants import ReferenceNode, variant

SIX_LN, SIX_LBR = ("reference-6ln",), ("reference-6lbr",)


@variant("ble-sllao-of-eight-octets", rigs=(*SIX_LN, *SIX_LBR))
class Sllao8(ReferenceNode):
    """Tells its EUI-64 in link-layer address options, as Linux does: RFC 7668 gives them no format."""

    def link_option(self, kind):
        return nd.LinkLayerAddress(kind, modified_eui64(self.link.dut)).build()


class CreditsBehind(NodeChannel):
    def _heard_request(self, identifier, words):
        own, self.terms = self.terms, replace(self.terms, credits=0)
        super()._heard_request(identifier, words)
        self.terms = own
        if self.state == "open":
            self.grant(own.credits)


@variant("credits-behind-the-channel", rigs=("reference-ble", *SIX_LN, *SIX_LBR))
class FirstCreditsLater(ReferenceNode):
    """Gives its first credits by a packet behind its answer: Core Vol 3 Part A §4.23, initial credits from 0 on."""

    channel_class = CreditsBehind


#: How rig file and profile of a node of RFC 8505 differ.
EXTENDED = {"rig": {"dut": {"extended": True}}, "parameters": {"features": ["nd", "nd_extended"]}}


@variant("6ln-of-rfc-8505", rigs=SIX_LN, **EXTENDED)
class Extended(ReferenceNode):
    """A 6LN of RFC 8505 on Bluetooth LE: §6, it "MUST always use an EARO", T set, also towards an old router."""


@variant("6lbr-of-rfc-8505", rigs=SIX_LBR, **EXTENDED)
class ExtendedBorder(ReferenceNode):
    """A 6LBR of RFC 8505 on Bluetooth LE: a 6CIO in its advertisements; it answers registrations without T as ever."""


@variant("6ln-registers-after-a-second", rigs=SIX_LN)
class Later(ReferenceNode):
    """Begins to register 0.9 s after it made an address: RFC 4862 §5.4.2, a random delay of up to a second."""

    def register(self, address, lifetime=10):
        if address in self.refreshes or not self.registrable(address):
            super().register(address, lifetime)
        else:
            self.refreshes[address] = self.now + 0.9


@variant("6ln-two-addresses", rigs=SIX_LN)
class TwoAddresses(ReferenceNode):
    """Makes a temporary address of each prefix beside the stable one (RFC 8981), and registers both."""

    def take_prefix(self, option):
        super().take_prefix(option)
        other = option.prefix[:8] + bytes.fromhex("31d5e08a7762c90f")
        if not option.on_link and option.valid_lifetime and other not in {*self.own, *self.refused}:
            self.own.append(other)
            self.made.add(other)
            self.register(other)
        if other in self.made:
            endless = option.valid_lifetime == 0xFFFFFFFF
            self.prefix_ends[other] = float("inf") if endless else self.now + option.valid_lifetime


@variant("ble-many-liberties", rigs=("reference-ble", *SIX_LN, *SIX_LBR), strict=False)
class Many(ReferenceNode):
    """Several at once: the least MPS, one credit at a time, an MTU of 2000, and K-frames of 25 octets."""

    terms = Terms(mtu=2000, mps=23, credits=1)

    def make_channel(self, peer, send):
        end = super().make_channel(peer, send)
        whole = end.send

        def finer(sdu):
            end.segment = 25
            whole(sdu)

        end.send = finer
        return end


@variant("6lbr-two-prefixes-on-ble", rigs=SIX_LBR)
class TwoPrefixes(ReferenceNode):
    """Advertises a second prefix, not for autoconfiguration, and without a context: §3.2.4 asks for none then."""

    def send_advertisement(self, destination, options):
        prefix = bytes.fromhex("fd00b10b00000001") + bytes(8)
        more = nd.PrefixInformation(prefix, autonomous=False, valid_lifetime=86400, preferred_lifetime=3600)
        super().send_advertisement(destination, [*options, more] if options else options)


@variant("6lbr-announces-more", rigs=SIX_LBR)
class AnnouncesMore(ReferenceNode):
    """Has an ABRO and an option that nobody knows in its advertisements: RFC 6775 §7, RFC 4861 §4.2."""

    def send_advertisement(self, destination, options):
        mine = nd.AuthoritativeBorderRouter(self.own[-1], 1, 0)
        super().send_advertisement(destination, [nd.UnknownOption(253, bytes(6)), mine, *options])


@variant("6lbr-listeners-without-sources", rigs=SIX_LBR, strict=False)
class ListenersWithoutSources(ReferenceNode):
    """Passes over records that name sources: RFC 7668 §3.2.5 has listeners of groups, by no protocol that it names."""

    def track(self, view):
        protocol, _, message = view.upper()
        if protocol == ipv6.ICMPV6 and message and message[0] == 143 and any(message[8 + 2 : 8 + 4]):
            return
        super().track(view)
