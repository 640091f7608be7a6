"""Mutants that get header chains wrong which are compressed in part, or long, or in another company than usual.

RFC 6282 §4.2: a header without NHC form ends the compressed part, and what follows stands as it is: extension headers
with their lengths in units of 8, UDP with all of its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6
from tests.mutants import IEEE802154, Iphc, Node, crashes, mutant, reads, rewrites, step
from tests.mutants.next_headers import chain, upper
from tests.mutants.wire import iphc

EXTENSIONS = (0, 43, 44, 60, 135)


def nhcs(header: Iphc | None) -> Iterator[tuple[int, int, int]]:
    """(NHC octet, its offset, the offset behind it) of the extension headers that a payload begins with."""
    if header is None or not header.nh:
        return
    payload, at = header.payload, header.end
    while at < len(payload) and payload[at] >> 4 == 0xE and payload[at] >> 1 & 7 < 5:
        octet = payload[at]
        length_at = at + (1 if octet & 1 else 2)
        if length_at >= len(payload):
            return
        behind = length_at + 1 + (6 if octet >> 1 & 7 == 2 else payload[length_at])
        yield octet, at, behind
        if not octet & 1:
            return
        at = behind


def in_line(header: Iphc | None) -> tuple[int, int]:
    """(the next header that the last NHC extension header names in-line, offset of what follows); (-1, 0): none."""
    for octet, at, behind in nhcs(header):
        if not octet & 1 and header is not None:
            return header.payload[at + 1], behind
    return -1, 0


@step
def behind_chain(function: Callable) -> Node:
    """function(node, packet, at, protocol) changes a packet whose chain ends in an in-line next header.

    `at` is the offset in the packet of what follows the compressed part.
    """

    def wrong(node, packet, header, info):
        protocol, behind = in_line(header)
        if protocol >= 0:
            function(node, packet, len(packet) - (len(header.payload) - behind), protocol)

    return rewrites.make(wrong)


# -- compressed in part -----------------------------------------------------------------------------------------


@reads("chain-plain-udp-dropped", requirement="RFC6282-4.2-11")
def _(node, payload, header, info):
    "Drops UDP that stands as it is behind a compressed extension header."
    return None if in_line(header)[0] == 17 else payload


@behind_chain("chain-plain-udp-length", requirement="RFC6282-4.2-11")
def _(node, packet, at, protocol):
    "Restores the length of UDP that stands as it is behind a compressed extension header, two octets too short."
    if protocol == 17 and len(packet) >= at + 6:
        packet[at + 4 : at + 6] = (len(packet) - at - 2).to_bytes(2, "big")


@behind_chain("chain-plain-udp-ports", requirement="RFC6282-4.2-11")
def _(node, packet, at, protocol):
    "Expands the ports of UDP that stands as it is behind a compressed extension header."
    if protocol == 17 and len(packet) >= at + 4:
        packet[at], packet[at + 2] = 0xF0, 0xF0


@reads("chain-plain-extension-dropped", requirement="RFC6282-4.2-11")
def _(node, payload, header, info):
    "Drops an extension header that stands as it is behind a compressed one."
    return None if in_line(header)[0] in EXTENSIONS else payload


@behind_chain("chain-plain-extension-length", requirement="RFC6282-4.2-13")
def _(node, packet, at, protocol):
    "Takes the length of an extension header that stands as it is for a number of octets, too."
    if protocol in {43, 60} and at + 1 < len(packet):
        packet[at + 1] = packet[at + 1] // 8


@behind_chain("chain-plain-padding", requirement="RFC6282-4.2-16")
def _(node, packet, at, protocol):
    "Takes the padding out of an options header that stands as it is behind a compressed one."
    if protocol in {0, 60} and at + 4 <= len(packet) and packet[at + 2] == 1:
        packet[at + 2] = 0


@reads("iphc-plain-options-dropped", requirement="RFC6282-3.1.1-05")
def _(node, payload, header, info):
    "Drops an options header that stands as it is right behind IPHC."
    plain = (
        header is not None and not header.nh and payload[header.nh_at : header.nh_at + 1] in {b"\0", b"\x3c"}
    )
    return None if plain else payload


@reads("iphc-plain-routing-dropped", requirement="RFC6282-3.1.1-05")
def _(node, payload, header, info):
    "Drops a Routing header that stands as it is right behind IPHC."
    plain = header is not None and not header.nh and payload[header.nh_at : header.nh_at + 1] == b"\x2b"
    return None if plain else payload


@rewrites("iphc-plain-options-in-octets", requirement="RFC6282-3.2-03")
def _(node, packet, header, info):
    "Takes the length of an options header right behind IPHC for a number of octets."
    if not header.nh and packet[6] in {0, 60} and len(packet) > 41:
        packet[41] //= 8


@reads("uncompressed-options-dropped", requirement="RFC4944-5.1-05", kinds=IEEE802154)
def _(node, payload, header, info):
    "Drops an uncompressed packet that has an options header."
    return None if payload[:1] == b"\x41" and payload[7:8] in {b"\0", b"\x3c"} else payload


# -- long, and in another company -------------------------------------------------------------------------------


@reads("chain-three-at-most", requirement="RFC6282-4.2-12")
def _(node, payload, header, info):
    "Drops a chain of more than three compressed extension headers."
    return None if len(list(nhcs(header))) > 3 else payload


@reads("chain-one-of-a-kind", requirement="RFC6282-4.2-12")
def _(node, payload, header, info):
    "Drops a chain with two compressed Destination Options headers."
    return None if sum(octet & 0xFE == 0xE6 for octet, _, _ in nhcs(header)) > 1 else payload


@reads("chain-hop-by-hop-alone", requirement="RFC6282-4.2-03")
def _(node, payload, header, info):
    "Knows EID 0 only where nothing compressed follows."
    return None if header is not None and header.nhc == 0xE1 else payload


@reads("chain-udp-behind-two-dropped", requirement="RFC6282-4.3-01")
def _(node, payload, header, info):
    "Drops compressed UDP behind two compressed extension headers."
    found = list(nhcs(header))
    at = found[-1][2] if len(found) > 1 else len(payload)
    return None if payload[at : at + 1] and payload[at] >> 3 == 0b11110 else payload


@rewrites("chain-second-length-kept", requirement="RFC6282-4.2-13")
def _(node, packet, header, info):
    "Counts the length of a second compressed extension header without the two octets in front of it."
    found = list(nhcs(header))
    second = list(chain(packet))[1:2]
    if len(found) > 1 and second and second[0][0] in {43, 60, 135} and packet[second[0][1] + 1]:
        packet[second[0][1] + 1] -= 1


@rewrites("chain-second-padding-lost", requirement="RFC6282-4.2-15")
def _(node, packet, header, info):
    "Fills the elided padding of a second compressed extension header with zeros."
    found = list(nhcs(header))
    if len(found) < 2 or found[1][0] & 0xFE != 0xE6:
        return
    octet, at, _ = found[1]
    length = header.payload[at + (1 if octet & 1 else 2)]
    missing = -(length + 2) % 8
    start = list(chain(packet))[1][1] + 2 + length
    if missing > 1:
        packet[start : start + missing] = bytes(missing)


@rewrites("chain-udp-length-of-all", requirement="RFC6282-4.3.3-08")
def _(node, packet, header, info):
    "Counts compressed extension headers into the UDP length."
    at = upper(packet, 17)
    compressed = any(True for _ in nhcs(header)) and in_line(header)[0] < 0
    if compressed and at is not None and len(packet) >= at + 8:
        packet[at + 4 : at + 6] = packet[4:6]


@rewrites("chain-padding-of-one", requirement="RFC6282-4.2-15")
def _(node, packet, header, info):
    "Restores an elided padding of one octet as 1, the type of PadN, not as Pad1."
    for octet, at, _ in list(nhcs(header))[:1]:
        length = header.payload[at + (1 if octet & 1 else 2)]
        if octet & 0xFE in {0xE0, 0xE6} and (length + 2) % 8 == 7:
            packet[42 + length] = 1


@reads("chain-length-7-bits", requirement="RFC6282-4.2-13")
def _(node, payload, header, info):
    "Drops a compressed extension header of more than 127 octets."
    long = any(behind - at > 130 for _, at, behind in nhcs(header))
    return None if long else payload


@rewrites("chain-length-beyond-64", requirement="RFC6282-4.2-13")
def _(node, packet, header, info):
    "Keeps three bits of the length that it restores for a compressed extension header."
    for octet, _, _ in list(nhcs(header))[:1]:
        if octet & 0xFE != 0xE4 and len(packet) > 41:
            packet[41] &= 7


@rewrites("chain-later-fragment-is-udp", requirement="RFC6282-4.2-05")
def _(node, packet, header, info):
    "Takes what follows the Fragment header of a later fragment for a UDP header, and restores its length."
    later = header.nhc & 0xFE == 0xE4 and int.from_bytes(packet[42:44], "big") >> 3
    if later and packet[40] == 17 and len(packet) >= 56:
        packet[52:54] = (len(packet) - 48).to_bytes(2, "big")


@reads("chain-later-fragment-dropped", requirement="RFC6282-4.2-05")
def _(node, payload, header, info):
    "Drops the compressed Fragment header of a later fragment."
    if header is not None and header.nhc & 0xFE == 0xE4:
        at = header.end + (2 if header.nhc & 1 else 3)
        return None if int.from_bytes(payload[at : at + 2], "big") >> 3 else payload
    return payload


@crashes("chain-plain-behind-plain-crash", requirement="RFC6282-4.2-11")
def _(node, payload, header):
    "Crashes on two extension headers that stand as they are behind a compressed one."
    protocol, at = in_line(header)
    return protocol in EXTENSIONS and at < len(payload) and payload[at] in EXTENSIONS


# -- IPv6 in IPv6 -----------------------------------------------------------------------------------------------


def within(header: Iphc | None) -> Iphc | None:
    """The IPHC header behind EID 7, first in the chain or behind extension headers."""
    if header is None or not header.nh:
        return None
    at = header.end
    for octet, _, behind in nhcs(header):
        at = behind if octet & 1 else len(header.payload)
    tunnelled = at < len(header.payload) and header.payload[at] & 0xFE == 0xEE
    return iphc(header.payload[at + 1 :]) if tunnelled else None


@reads("inner-chain-dropped", requirement="RFC6282-4.2-19")
def _(node, payload, header, info):
    "Drops an inner IPv6 header that an NHC header follows."
    inner = within(header)
    return None if inner is not None and inner.nh else payload


@reads("inner-behind-options-dropped", requirement="RFC6282-4.2-10")
def _(node, payload, header, info):
    "Drops EID 7 behind a compressed extension header."
    return None if within(header) is not None and any(True for _ in nhcs(header)) else payload


@reads("inner-group-dropped", requirement="RFC6282-4.2-19")
def _(node, payload, header, info):
    "Drops an inner IPv6 header to a group."
    inner = within(header)
    return None if inner is not None and inner.m else payload


def inner_options(header: Iphc | None) -> int:
    """The length octet of options that are compressed behind an inner IPHC header; -1 where there are none."""
    inner = within(header)
    if inner is None or inner.nhc & 0xFE not in {0xE0, 0xE6}:
        return -1
    at = inner.end + (1 if inner.nhc & 1 else 2)
    return inner.payload[at] if at < len(inner.payload) else -1


@reads("inner-options-dropped", requirement="RFC6282-4.2-12")
def _(node, payload, header, info):
    "Knows UDP behind an inner IPv6 header, and drops compressed options there."
    return None if inner_options(header) >= 0 else payload


@rewrites("inner-options-pad-uncounted", requirement="RFC6282-4.2-15")
def _(node, packet, header, info):
    "Restores the padding of options behind an inner IPv6 header, and does not count it in the outer Payload Length."
    if (octets := inner_options(header)) >= 0:
        packet[4:6] = (int.from_bytes(packet[4:6], "big") - (-(2 + octets) % 8)).to_bytes(2, "big")


@rewrites("inner-options-pad-uncounted-inside", requirement="RFC6282-4.2-15")
def _(node, packet, header, info):
    "Restores the padding of options behind an inner IPv6 header, and does not count it in the inner Payload Length."
    at = upper(packet, 41)
    if (octets := inner_options(header)) >= 0 and at is not None:
        length = int.from_bytes(packet[at + 4 : at + 6], "big") - (-(2 + octets) % 8)
        packet[at + 4 : at + 6] = length.to_bytes(2, "big")


@rewrites("inner-traffic-of-outer", requirement="RFC6282-4.2-19")
def _(node, packet, header, info):
    "Gives an inner header the traffic class and flow label of the outer."
    at = upper(packet, 41)
    if within(header) is not None and at is not None:
        packet[at : at + 4] = packet[:4]


@rewrites("inner-nh-bit-heeded", requirement="RFC6282-4.2-18")
def _(node, packet, header, info):
    "Takes the NH bit of EID 7, which is unused, for one that is not: loses the inner hop limit."
    at = upper(packet, 41)
    if header.nhc == 0xEF and at is not None and len(packet) >= at + 8:
        packet[at + 7] = 0


@mutant("inner-udp-checksum-of-outer", requirement="RFC6282-4.3.2-09", kinds=IEEE802154)
class InnerChecksumOfOuter(ReferenceNode):
    """Takes C=1, and restores the checksum behind an inner IPv6 header with the addresses of the outer one."""

    def link_info(self, header):
        return replace(super().link_info(header), integrity=True)

    def decode_payload(self, payload, info):
        packet = super().decode_payload(payload, info)
        inner = within(iphc(payload))
        at = upper(packet, 41)
        elided = inner is not None and inner.nhc >> 2 == 0b111101
        if not elided or at is None or len(packet) < at + 48:
            return packet
        message = packet[at + 40 : at + 46] + b"\0\0" + packet[at + 48 :]
        value = ipv6.checksum(packet[8:24], packet[24:40], 17, message)
        return packet[: at + 46] + value.to_bytes(2, "big") + packet[at + 48 :]
