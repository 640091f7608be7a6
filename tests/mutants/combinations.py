"""Mutants that need two things at once: a value beside a field, a form in a fragment, an order, a second datagram."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import LinkInfo, mac
from sixlowpan.addresses import BROADCAST
from tests.mutants import ANY, IEEE802154, mutant, reads, rewrites
from tests.mutants.fragment_corners import in_first_fragments
from tests.mutants.fragments import NotBeyond, keyed, reassembly
from tests.mutants.wire import Reassembly, iphc, set_traffic_class, traffic_class

# -- headers ----------------------------------------------------------------------------------------------------


@rewrites("tf01-ecn-beside-hlim", requirement="RFC6282-3.1.1-02")
def _(node, packet, header, info):
    "TF=01 with the hop limit in-line: ECN 10 and 01 change places."
    ecn = traffic_class(packet) & 3
    if header.tf == 1 and header.hlim == 0 and ecn in {1, 2}:
        set_traffic_class(packet, 3 - ecn)


@rewrites("hlim-7-bits-beside-cid", requirement="RFC6282-3.1.1-07")
def _(node, packet, header, info):
    "An in-line hop limit keeps seven bits where there is a context octet."
    if header.hlim == 0 and header.cid:
        packet[7] &= 0x7F


@rewrites("group-48-beside-nhc", requirement="RFC6282-3.1.1-38")
def _(node, packet, header, info):
    "The 48-bit form of a group beside an NHC octet loses an octet."
    if header.m and not header.dac and header.dam == 1 and header.nh:
        packet[35] = 0


@rewrites("p10-swapped-beside-cid", requirement="RFC6282-4.3.3-05")
def _(node, packet, header, info):
    "P=10 behind a context octet: the ports change places."
    if header.nhc == 0xF2 and header.cid:
        packet[40:44] = packet[42:44] + packet[40:42]


@reads("nothing-behind-the-header", requirement="RFC6282-3.2-03")
def _(node, payload, header, info):
    "Drops a packet with a Payload Length of 0."
    return None if header and not header.nh and len(payload) == header.end else payload


@reads("inner-context-of-outer", requirement="RFC6282-3.1.2-02")
def _(node, payload, header, info):
    "An inner IPv6 header uses the contexts that the outer one names, where both name some."
    if header and header.nhc == 0xEE and header.cid:
        inner = iphc(payload[header.end + 1 :])
        if inner and inner.cid:
            at = header.end + 3
            return payload[:at] + payload[2:3] + payload[at + 1 :]
    return payload


@in_first_fragments("frag1-ecn-as-it-stands", "RFC6282-3.1.1-03")
def _(node, octets, header):
    "TF=10 in a FRAG1: the octet is the traffic class as it stands."
    if header.tf == 2:
        set_traffic_class(octets, header.payload[header.tf_at])


@in_first_fragments("frag1-group-hlim-01", "RFC6282-3.1.1-08")
def _(node, octets, header):
    "HLIM=01 to a group in a FRAG1 is 64."
    if header.hlim == 1 and header.m:
        octets[7] = 64


@mutant("context-high-not-replaced", requirement="RFC6282-3.1.2-01", kinds=ANY)
class HighContextStays(ReferenceNode):
    """A context above 7 cannot be replaced while it is there."""

    def set_context(self, identifier, prefix, length, *, compress=True):
        if identifier > 7 and length and self.contexts.table[identifier]:
            return
        super().set_context(identifier, prefix, length, compress=compress)


# -- fragments --------------------------------------------------------------------------------------------------


@reassembly("frag-duplicate-frag1-late-kills", "RFC4944-5.3-24")
class DuplicateFirstLate(Reassembly):
    """A duplicate of FRAG1 behind the last fragment begins anew."""

    def duplicate(self, datagram, begin, end):
        ended = datagram.size in datagram.pieces.values()
        return not (begin == 0 and ended) and super().duplicate(datagram, begin, end)


@reassembly("frag-tag-plus-size-in-key", "RFC4944-5.3-18")
class TagPlusSize(keyed(lambda i, size, tag: (i.src, i.dst, tag + size), NotBeyond)):
    """Keeps tag and size in the key as one number, their sum."""


@reassembly("frag-timer-of-the-newest", "RFC4944-5.3-28")
class TimerOfTheNewest(Reassembly):
    """Has one timer, that of the newest datagram, which keeps the older ones."""

    def expire(self, now):
        started = [datagram.started for datagram in self.datagrams.values()]
        if started and now - max(started) >= self.timeout:
            self.datagrams.clear()


@reassembly("frag1-late-udp-length", "RFC6282-4.3.3-08")
class LateUdpLength(Reassembly):
    """A FRAG1 that comes behind another fragment has the UDP length of what is in it."""

    def take(self, key, size, begin, octets, first, now):
        if first and key in self.datagrams and octets[6] == 17 and 48 <= len(octets) < size:
            octets = octets[:44] + (len(octets) - 40).to_bytes(2, "big") + octets[46:]
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag1-of-udp-headers-dropped", "RFC4944-5.3-05")
class HeadersAlone(Reassembly):
    """Drops a FRAG1 that holds the IPv6 and UDP headers and no data."""

    def take(self, key, size, begin, octets, first, now):
        if first and len(octets) == 48 and octets[6] == 17:
            return None
        return super().take(key, size, begin, octets, first, now)


# -- what is sent -----------------------------------------------------------------------------------------------


@mutant("send-rest-of-multicast-unicast", requirement="RFC4944-3-02", kinds=IEEE802154)
class RestUnicast(ReferenceNode):
    """The later fragments of a multicast go to one neighbour."""

    def mac_frame(self, payload, info):
        if payload and payload[0] >> 3 == 0b11100 and info.dst == BROADCAST:
            info = LinkInfo(info.kind, info.src, self.link.tester)
        return super().mac_frame(payload, info)


@mutant("send-fragments-of-multicast-to-any-pan", requirement="RFC4944-3-04", kinds=IEEE802154)
class FragmentsToAnyPan(ReferenceNode):
    """Fragments of a multicast go to PAN 0xffff."""

    def mac_frame(self, payload, info):
        if payload and payload[0] & 0xD8 == 0xC0 and info.dst == BROADCAST:
            return mac.data_frame(info.src, info.dst, b"\xff\xff", self.sequence, payload, False)
        return super().mac_frame(payload, info)


@mutant("send-tag-again-behind-a-small-one", requirement="RFC4944-5.3-13", kinds=IEEE802154)
class TagAgain(ReferenceNode):
    """A packet that needs no fragments takes back the last increment of the tag."""

    behind_fragments = False

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        if len(payloads) == 1 and self.behind_fragments:
            self.tag -= 1
        self.behind_fragments = len(payloads) > 1
        return payloads
