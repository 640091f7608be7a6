"""Mutants that misread one value, or one field beside another one, and are right about all else (RFC 6282 §3, §4)."""

from __future__ import annotations

from collections.abc import Callable

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError
from sixlowpan.contexts import Context
from tests.mutants import ANY, IEEE802154, mutant, reads, rewrites
from tests.mutants.chains import nhcs
from tests.mutants.wire import iphc, set_traffic_class, traffic_class


def context_of(node, header, *, source: bool) -> Context | None:
    """The context that an address of this header is made with; None where it has none."""
    stateful = header.sac and header.sam if source else header.dac and not header.m
    if not stateful:
        return None
    pair = header.payload[2] if header.cid else 0
    return node.contexts.get(pair >> 4 if source else pair & 15)


# -- traffic class, flow label, hop limit -----------------------------------------------------------------------


@rewrites("tf00-label-beside-ecn", requirement="RFC6282-3.2.1-02")
def _(node, packet, header, info):
    "TF=00: loses the first four bits of a flow label where ECN is not zero."
    if header.tf == 0 and traffic_class(packet) & 3:
        packet[1] &= 0xF0


@rewrites("tf01-ecn-without-label", requirement="RFC6282-3.1.1-02")
def _(node, packet, header, info):
    "TF=01: loses ECN where the flow label is zero."
    if header.tf == 1 and not (packet[1] & 15 or packet[2] or packet[3]):
        set_traffic_class(packet, 0)


@rewrites("tf10-beside-nhc", requirement="RFC6282-3.1.1-03")
def _(node, packet, header, info):
    "TF=10 in front of an NHC octet: loses ECN."
    if header.tf == 2 and header.nh:
        set_traffic_class(packet, traffic_class(packet) & 0xFC)


@rewrites("tf01-beside-group", requirement="RFC6282-3.1.1-02")
def _(node, packet, header, info):
    "TF=01 in a packet to a group: loses the flow label."
    if header.tf == 1 and header.m:
        packet[1:4] = bytes((packet[1] & 0xF0, 0, 0))


@rewrites("hlim-01-beside-stateful-source", requirement="RFC6282-3.1.1-08")
def _(node, packet, header, info):
    "HLIM=01 with a source under a context gives 64."
    if header.hlim == 1 and header.sac and header.sam:
        packet[7] = 64


@rewrites("hlim-11-beside-unspecified", requirement="RFC6282-3.1.1-10")
def _(node, packet, header, info):
    "HLIM=11 with the unspecified source gives 64."
    if header.hlim == 3 and header.sac and not header.sam:
        packet[7] = 64


@rewrites("hlim-inline-255-signed", requirement="RFC6282-3.1.1-07")
def _(node, packet, header, info):
    "Takes an in-line hop limit of 128 and more for a negative one, and puts 1."
    if header.hlim == 0 and packet[7] > 127:
        packet[7] = 1


# -- addresses --------------------------------------------------------------------------------------------------


@rewrites("group-8-signed", requirement="RFC6282-3.1.1-40")
def _(node, packet, header, info):
    "M=1 DAM=11: extends the sign of a group octet from 0x80 on."
    if header.m and not header.dac and header.dam == 3 and packet[39] > 0x7F:
        packet[38] = 0xFF


@rewrites("group-32-flags-lost", requirement="RFC6282-3.1.1-39")
def _(node, packet, header, info):
    "M=1 DAM=10: keeps the scope, and loses the flags."
    if header.m and not header.dac and header.dam == 2:
        packet[25] &= 0x0F


@rewrites("group-48-flags-lost", requirement="RFC6282-3.1.1-38")
def _(node, packet, header, info):
    "M=1 DAM=01: keeps the scope, and loses the flags."
    if header.m and not header.dac and header.dam == 1:
        packet[25] &= 0x0F


@rewrites("sci-beside-group", requirement="RFC6282-3.1.2-05")
def _(node, packet, header, info):
    "Takes context 0 for a source beside a group, whatever SCI says."
    found, zero = context_of(node, header, source=True), node.contexts.get(0)
    if header.m and header.cid and found and zero and found.length <= 64:
        packet[8:16] = zero.prefix[:8]


@rewrites("dci-beside-stateless-source", requirement="RFC6282-3.1.2-02")
def _(node, packet, header, info):
    "Takes context 0 for a destination beside a stateless source, whatever DCI says."
    found, zero = context_of(node, header, source=False), node.contexts.get(0)
    if header.cid and not header.sac and found and zero and found.length <= 64:
        packet[24:32] = zero.prefix[:8]


@rewrites("dci-beside-unspecified", requirement="RFC6282-3.1.2-02")
def _(node, packet, header, info):
    "Takes SCI for the destination's context beside the unspecified source."
    if header.cid and header.sac and not header.sam and header.dac and not header.m:
        found = node.contexts.get(header.payload[2] >> 4)
        if found is None:
            raise DecodeError("unsupported", 2, None, "an undefined context")
        packet[24:32] = found.prefix[:8]


@rewrites("rfc3306-context-of-the-source", requirement="RFC6282-3.1.1-41")
def _(node, packet, header, info):
    "M=1 DAC=1: takes the source's context where the source has one."
    found = context_of(node, header, source=True)
    if header.m and header.dac and found is not None:
        packet[27] = min(found.length, 64)
        packet[28:36] = found.prefix[:8]


@rewrites("context-of-part-octets-dam", requirement="RFC6282-3.1.1-23")
def _(node, packet, header, info):
    "DAM=10: of a context beyond 64 bits only the whole octets win over 0000:00ff:fe00:XXXX."
    found = context_of(node, header, source=False)
    if found is not None and header.dam == 2 and found.length > 64 and found.length % 8:
        packet[24 + found.length // 8] = (
            bytes.fromhex("000000fffe00") + header.payload[header.dst_at :][:2]
        )[found.length // 8 - 8]


def gap(field: str, mode: int, at: int, left: int) -> Callable:
    """The change that leaves this in octet `at`, behind a context shorter than 64 bits, where `field` is `mode`."""

    def change(node, packet, header, _info):
        found = context_of(node, header, source=field == "sam")
        if found is not None and getattr(header, field) == mode and found.length <= 56:
            packet[at] = left

    return change


rewrites(
    "context-gap-of-elided",
    "RFC6282-3.1.1-24",
    what="SAM=11: does not clear what a context shorter than 64 bits leaves of the prefix.",
)(gap("sam", 3, 15, 1))
rewrites(
    "context-gap-of-16-bits",
    "RFC6282-3.1.1-24",
    what="DAM=10: does not clear what a context shorter than 64 bits leaves of the prefix.",
)(gap("dam", 2, 31, 0x40))


@mutant("context-15-is-none", requirement="RFC6282-3.1.2-01", kinds=ANY)
class FifteenIsNone(ReferenceNode):
    """Takes the identifier 15 for "no context"."""

    def decode_payload(self, payload, info):
        header = iphc(payload)
        if header and header.cid and len(payload) > 2:
            pair = payload[2]
            if (header.sac and header.sam and pair >> 4 == 15) or (header.dac and pair & 15 == 15):
                raise DecodeError("unsupported", 2, None, "no context 15")
        return super().decode_payload(payload, info)


# -- next headers -----------------------------------------------------------------------------------------------


def udp_behind(header) -> int:
    """Where the NHC octet of UDP stands behind compressed extension headers; -1 where there is none."""
    found = list(nhcs(header))
    behind = found[-1][2] if found and found[-1][0] & 1 else -1
    there = header.payload[behind : behind + 1] if behind >= 0 else b""
    return behind if there and there[0] >> 3 == 0b11110 else -1


def ports_behind(id: str, p: int, requirement: str) -> None:
    """A mutant that is wrong about P behind an extension header only."""

    def wrong(node, packet, header, info):
        nhc = udp_behind(header)
        if nhc < 0 or header.payload[nhc] & 7 != p:
            return
        at = len(packet) - (len(header.payload) - nhc - 1 - (6, 5, 5, 3)[p]) - 8
        packet[at : at + 4] = packet[at + 2 : at + 4] + packet[at : at + 2]

    wrong.__doc__ = f"P={p:02b} behind a compressed extension header: the ports change places."
    rewrites(id, requirement=requirement)(wrong)


ports_behind("p01-behind-options-swapped", 1, "RFC6282-4.3.3-04")
ports_behind("p10-behind-options-swapped", 2, "RFC6282-4.3.3-05")
ports_behind("p11-behind-options-swapped", 3, "RFC6282-4.3.3-06")


def option_lengths(payload: bytes, header) -> list[int]:
    """The compressed lengths of the options headers in a chain, as they stand in the payload."""
    lengths = []
    for octet, at, *_ in nhcs(header):
        if octet >> 4 == 0b1110 and octet >> 1 & 7 in {0, 3}:
            length_at = at + (1 if octet & 1 else 2)
            lengths += payload[length_at : length_at + 1]
    return lengths


@reads("options-empty-dropped", requirement="RFC6282-4.2-15", kinds=ANY)
def _(node, payload, header, info):
    """Drops a compressed options header with nothing but an elided padding in it."""
    return None if header and 0 in option_lengths(payload, header) else payload


@reads("options-of-255-dropped", requirement="RFC6282-4.2-13", kinds=ANY)
def _(node, payload, header, info):
    """Has no room for a compressed options header of 255 octets, the most that its length can say."""
    return None if header and 255 in option_lengths(payload, header) else payload


@reads("options-above-248-dropped", requirement="RFC6282-4.2-13", kinds=ANY)
def _(node, payload, header, info):
    """Adds the two octets in front to a compressed length in 8 bits: from 254 on it comes out too small."""
    return None if header and any(length > 253 for length in option_lengths(payload, header)) else payload


@reads("inner-inner-crash", requirement="RFC6282-4.2-10", kinds=ANY)
def _(node, payload, header, info):
    """Crashes on a compressed IPv6 header within another that is within a third."""
    if header and header.nhc & 0xFE == 0xEE:
        inner = iphc(payload[header.end + 1 :])
        if inner and inner.nhc & 0xFE == 0xEE:
            raise IndexError("the third header")
    return payload


@rewrites("inner-context-identifier-from-frame", requirement="RFC6282-3.2.2-01")
def _(node, packet, header, info):
    "Under a context, takes the elided identifier of an inner source from the frame."
    if header.nhc & 0xFE != 0xEE:
        return
    inner = iphc(header.payload[header.end + 1 :])
    if inner and inner.sac and inner.sam == 3:
        packet[56:64] = info.src_iid


@mutant("uncompressed-class-rotated", requirement="RFC4944-5.1-05", kinds=IEEE802154)
class Rotated(ReferenceNode):
    """Rotates the traffic class of uncompressed packets, too."""

    def understand(self, payload, info):
        if payload[:1] == b"\x41" and len(payload) > 3:
            value = traffic_class(payload[1:])
            head = bytearray(payload[1:3])
            set_traffic_class(head, (value << 6 | value >> 2) & 0xFF)
            payload = b"\x41" + bytes(head) + payload[3:]
        return super().understand(payload, info)
