"""Defects of decompression that show only for some values, lengths or company: every one got past a few good examples.

A field is read rightly in most packets, and wrongly for one value of it, at the edge of a context, in fragments only,
behind an inner header, or for what came before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from tests.mutants import IEEE802154, Iphc, Node, mutant, reads, rewrites, step
from tests.mutants.wire import changed, hop_limit, iphc, set_traffic_class, traffic_class


def contexts_of(node, header: Iphc):
    """The contexts of source and destination that a header names."""
    pair = header.payload[2] if header.cid and len(header.payload) > 2 else 0
    return node.contexts.table[pair >> 4], node.contexts.table[pair & 15]


def inner(header: Iphc) -> Iphc | None:
    """The header behind NHC EID 7."""
    return iphc(header.payload[header.end + 1 :]) if header.nhc & 0xFE == 0xEE else None


@partial(step, kinds=IEEE802154)
def in_fragments(function: Callable) -> Node:
    """As `rewrites`, for packets whose header came in a FRAG1."""

    class Fragmented(ReferenceNode):
        def reassemble(self, payload, info):
            self.heads = getattr(self, "heads", {})
            if payload[0] & 0xF8 == 0xC0:
                self.heads[payload[2:4]] = payload[4:]
            packet = super().reassemble(payload, info)
            header = iphc(self.heads.get(payload[2:4], b""))
            return changed(packet, header, function, self, info)

    return Fragmented


# -- one value of a field -------------------------------------------------------------------------------------


@rewrites("hlim-zero-is-default", requirement="RFC6282-3.1.1-07")
def _(node, packet, header, info):
    "Takes an in-line hop limit of 0 for the default."
    if header.hlim == 0 and packet[7] == 0:
        packet[7] = 64


@reads("nh-inline-fragment-dropped", requirement="RFC6282-3.1.1-05")
def _(node, payload, header, info):
    "Knows the Fragment header as NHC only, and drops it when it is in-line."
    return (
        None if header and not header.nh and payload[header.nh_at : header.nh_at + 1] == b"\x2c" else payload
    )


@reads("sam10-multicast-range-dropped", requirement="RFC6282-3.1.1-17")
def _(node, payload, header, info):
    "Takes the 16 bits of SAM=10 for a link address, and drops those that would be a group's or reserved."
    short = header is not None and header.sam == 2 and not header.sac
    return None if short and payload[header.src_at] & 0x80 else payload


@rewrites("rfc3306-riid-low-nibble", requirement="RFC6282-3.2.4-02")
def _(node, packet, header, info):
    "M=1 DAC=1: keeps four bits of the reserved octet, as if all of them were a RIID."
    if header.m and header.dac:
        packet[26] &= 0x0F


@rewrites("udp-checksum-ones-cleared", requirement="RFC6282-4.3.3-01")
def _(node, packet, header, info):
    "Takes the two zeros of one's complement for the same, and makes 0000 of an in-line checksum ffff."
    if header.nhc >> 3 == 0b11110 and packet[46:48] == b"\xff\xff":
        packet[46:48] = b"\0\0"


@rewrites("iid-source-u-l-cleared", requirement="RFC6282-3.2.2-04", kinds=IEEE802154)
def _(node, packet, header, info):
    "Clears the U/L bit of an elided source where it should invert it: the same for a local EUI-64."
    if header.sam == 3 and not header.sac and len(info.src) == 8:
        packet[16] &= 0xFD


@rewrites("dam11-context-short-u-l-set", requirement="RFC6282-3.2.2-06", kinds=IEEE802154)
def _(node, packet, header, info):
    "Sets the U/L bit in what a context leaves of a destination elided against a short address."
    if header.dac and not header.m and header.dam == 3 and len(info.dst) == 2:
        packet[32] |= 0x02


@mutant("uncompressed-flow-label-lost", requirement="RFC4944-5.1-05")
class _UncompressedFlowLabelLost(ReferenceNode):
    """Clears the flow label of uncompressed packets."""

    def decode_payload(self, payload, info):
        packet = super().decode_payload(payload, info)
        return packet[:1] + bytes((packet[1] & 0xF0, 0, 0)) + packet[4:] if payload[:1] == b"\x41" else packet


# -- contexts ---------------------------------------------------------------------------------------------------


@rewrites("context-whole-octets", requirement="RFC6282-3.1.1-23")
def _(node, packet, header, info):
    "SAM=01: of a context beyond 64 bits only the whole octets win over those in-line."
    context = contexts_of(node, header)[0]
    if header.sac and header.sam == 1 and context and context.length > 64:
        whole = context.length // 8
        packet[8 + whole : 24] = header.payload[header.src_at + whole - 8 : header.src_at + 8]


@rewrites("context-gap-not-cleared", requirement="RFC6282-3.1.1-24")
def _(node, packet, header, info):
    "Leaves what context 0 has between the end of a shorter one and the IID."
    context, zero = contexts_of(node, header)[0], node.contexts.table[0]
    if header.sac and header.sam and context and zero and context.length < 64:
        begin = (context.length + 7) // 8
        packet[8 + begin : 16] = zero.prefix[begin:8]


@reads("context-c-flag-for-both", requirement="RFC6775-4.2-05")
def _(node, payload, header, info):
    "Uses a context with C=0 for nothing at all."
    if header is None:
        return payload
    source, destination = contexts_of(node, header)
    unused = header.sac and header.sam and source and not source.compress
    return None if unused or (header.dac and destination and not destination.compress) else payload


# -- inner headers ------------------------------------------------------------------------------------------------


@rewrites("ipv6-in-ipv6-outer-hop-limit", requirement="RFC6282-4.2-19")
def _(node, packet, header, info):
    "Gives an inner header the hop limit of the outer."
    if inner(header):
        packet[47] = packet[7]


@rewrites("ipv6-in-ipv6-link-destination", requirement="RFC6282-3.2.2-01")
def _(node, packet, header, info):
    "Takes an elided inner destination from the frame, which names the same as an outer header that is elided."
    within = inner(header)
    if within and not within.m and not within.dac and within.dam == 3:
        packet[72:80] = info.dst_iid


# -- fragments ----------------------------------------------------------------------------------------------------


in_fragments(
    "frag-hlim-inline-ignored", "RFC6282-3.1.1-07", what="In a FRAG1, takes an in-line hop limit for 64."
)(hop_limit(0, 64))


@in_fragments("frag-cid-swapped", requirement="RFC6282-3.1.2-02")
def _(node, packet, header, info):
    "In a FRAG1, takes the CID octet for DCI|SCI."
    source, destination = contexts_of(node, header)
    if header.sac and header.sam and header.dac and not header.m and source and destination:
        packet[8:16], packet[24:32] = destination.head, source.head


@in_fragments("frag-padding-length", requirement="RFC6282-4.2-15")
def _(node, packet, header, info):
    "In a FRAG1, restores a PadN that counts its own two octets."
    at = header.end + (1 if header.nhc & 1 else 2)
    if header.nhc >> 4 == 0xE and packet[6] in {0, 60}:
        size = header.payload[at]
        if (missing := -(2 + size) % 8) > 1:
            packet[43 + size] = missing


# -- what came before ---------------------------------------------------------------------------------------------


@rewrites("tf10-flow-label-stays", requirement="RFC6282-3.1.1-03")
def _(node, packet, header, info):
    "TF=10: leaves the flow label of the packet before in its place."
    if header.tf == 2:
        packet[1:4] = (
            bytes((packet[1] & 0xF0 | node.label[0],)) + node.label[1:]
            if hasattr(node, "label")
            else packet[1:4]
        )
    node.label = bytes((packet[1] & 0x0F,)) + bytes(packet[2:4])


@mutant("traffic-class-behind-a-bad-header", requirement="RFC6282-2-04")
class _TrafficClassBehindABadHeader(ReferenceNode):
    """Loses the traffic class of a packet behind one whose header it could not decode."""

    failed = False

    def decode_payload(self, payload, info):
        failed, self.failed = self.failed, True
        packet = bytearray(super().decode_payload(payload, info))
        self.failed = False
        if failed and traffic_class(packet):
            set_traffic_class(packet, 0)
        return bytes(packet)
