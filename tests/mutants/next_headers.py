"""Mutants that get LOWPAN_NHC wrong: extension headers, IPv6 in IPv6, UDP."""

from __future__ import annotations

from collections.abc import Callable

from sixlowpan import ipv6
from tests.mutants import BLE, Node, reads, rewrites, step

UDP = 17


def chain(packet):
    """(protocol, offset) of each extension header of a packet, and of what follows them."""
    protocol, at = packet[6], 40
    while protocol in {0, 43, 44, 60, 135} and at + 8 <= len(packet):
        yield protocol, at
        size = 8 if protocol == 44 else 8 * (packet[at + 1] + 1)
        protocol, at = packet[at], at + size
    yield protocol, at


def upper(packet, protocol):
    """Offset of the first header of a protocol, None if the packet has none."""
    return next((at for found, at in chain(packet) if found == protocol), None)


# -- extension headers ------------------------------------------------------------------------------------------


@reads("nhc-extension-dropped", requirement="RFC6282-4.2-02", defect="LWIP-LIMITS")
def _(node, payload, h, info):
    """Knows no NHC extension header."""
    return None if h and h.nhc >> 4 == 0xE and h.nhc != 0xEE else payload


@reads("nhc-destination-is-hop-by-hop", requirement="RFC6282-4.2-06")
def _(node, payload, h, info):
    """Takes EID 3 for Hop-by-Hop Options."""
    if h and h.nhc & 0xFE == 0xE6:
        return payload[: h.end] + bytes((h.nhc & 0xF1,)) + payload[h.end + 1 :]
    return payload


@reads("nhc-routing-dropped", requirement="RFC6282-4.2-04")
def _(node, payload, h, info):
    """Knows no EID 1."""
    return None if h and h.nhc & 0xFE == 0xE2 else payload


@reads("nhc-mobility-dropped", requirement="RFC6282-4.2-07")
def _(node, payload, h, info):
    """Knows no EID 4."""
    return None if h and h.nhc & 0xFE == 0xE8 else payload


@reads("nhc-fragment-dropped", requirement="RFC6282-4.2-05")
def _(node, payload, h, info):
    """Knows no EID 2."""
    return None if h and h.nhc & 0xFE == 0xE4 else payload


@rewrites("nhc-length-kept", requirement="RFC6282-4.2-13", defect="SMOLTCP-842")
def _(node, packet, h, info):
    """Leaves the NHC length, in octets, where IPv6 counts units of eight."""
    for protocol, at in list(chain(packet)):
        if protocol in {0, 60} and h.nhc >> 4 == 0xE and at + 1 < len(packet):
            packet[at + 1] = 8 * (packet[at + 1] + 1) - 2 & 0xFF


def padding(h) -> tuple[int, int]:
    """Where in the packet a padding was elided from the options header in front, and how many octets it has."""
    if h.nhc & 0xFE not in {0xE0, 0xE6}:
        return 0, 0
    length = h.payload[h.end + (1 if h.nhc & 1 else 2)]
    return 42 + length, -(length + 2) % 8


@rewrites("nhc-padding-lost", requirement="RFC6282-4.2-15")
def _(node, packet, h, info):
    """Fills an elided padding with octets 0xff."""
    at, missing = padding(h)
    packet[at : at + missing] = b"\xff" * missing


@rewrites("nhc-padding-all-pad1", requirement="RFC6282-4.2-15")
def _(node, packet, h, info):
    """Cuts the padding's PadN short by one and its length with it."""
    at, missing = padding(h)
    if missing > 2:
        packet[at + 1] -= 1


@reads("nhc-unaligned-dropped", requirement="RFC6282-4.2-15", defect="CNG-3135")
def _(node, payload, h, info):
    """Drops an options header whose padding was elided."""
    if h and h.nhc & 0xFE in {0xE0, 0xE6}:
        at = h.end + (1 if h.nhc & 1 else 2)
        return None if at < len(payload) and (payload[at] + 2) % 8 else payload
    return payload


@reads("nhc-elided-nh-dropped", requirement="RFC6282-4.2-12")
def _(node, payload, h, info):
    """Knows no second NHC header behind an extension header."""
    return None if h and h.nhc >> 4 == 0xE and h.nhc & 1 and h.nhc != 0xEE else payload


@rewrites("nhc-next-header-is-udp", requirement="RFC6282-4.2-11", defect="SMOLTCP-842")
def _(node, packet, h, info):
    """Takes UDP for what follows an extension header, whatever its in-line next header says."""
    if h.nhc >> 4 == 0xE and not h.nhc & 1 and h.nhc & 0xE != 0xE:
        packet[40] = UDP


@rewrites("nhc-fragment-reserved", requirement="RFC6282-4.2-05")
def _(node, packet, h, info):
    """Puts a length into the Reserved octet of a fragment header."""
    if h.nhc & 0xFE == 0xE4:
        packet[41] = 6


@reads("nhc-reserved-5-accepted", requirement="RFC6282-4.2-08")
def _(node, payload, h, info):
    """Takes the reserved EID 5 for Destination Options."""
    if h and h.nhc & 0xFE == 0xEA:
        return payload[: h.end] + bytes((0xE6 | h.nhc & 1,)) + payload[h.end + 1 :]
    return payload


@reads("nhc-unknown-is-udp", requirement="RFC6282-5-03")
def _(node, payload, h, info):
    """Takes the unassigned NHC ids 11111xxx for UDP."""
    if h and h.nhc >> 3 == 0x1F:
        return payload[: h.end] + bytes((h.nhc & 0xF7,)) + payload[h.end + 1 :]
    return payload


@reads("nhc-low-ids-are-udp", requirement="RFC6282-5-02")
def _(node, payload, h, info):
    """Looks only at the last three bits of an NHC octet."""
    if h and 0 <= h.nhc < 0xD0:
        return payload[: h.end] + bytes((0xF0 | h.nhc & 3,)) + payload[h.end + 1 :]
    return payload


def left_over(id, skipped):
    """A node that stops at an unassigned NHC octet, and keeps the next header of the packet before."""

    def wrong(node, payload, h, info):
        if h is None or payload[0] >> 2 != 0x1F:  # TF=11, NH=1
            node.left = payload[2] if h and payload[0] >> 2 == 0x1E else getattr(node, "left", 0)
            return payload
        if h.nhc < 0xD0 or h.nhc >> 3 == 0x1F:
            return (
                bytes((payload[0] & 0xFB, payload[1], node.left))
                + payload[2 : h.end]
                + payload[h.end + skipped :]
            )
        node.left = UDP if h.nhc >> 3 == 0x1E else node.left
        return payload

    where = "begins with" if skipped == 0 else "is behind"
    wrong.__doc__ = f"Takes the next header of the packet before for what {where} an unassigned NHC octet."
    reads(id, requirement="RFC6282-5-02")(wrong)


left_over("nhc-unknown-begins-what-was-left", 0)
left_over("nhc-unknown-in-front-of-what-was-left", 1)


@rewrites("ipv6-in-ipv6-frame-addresses", requirement="RFC6282-3.2.2-01", defect="OT-1908")
def _(node, packet, h, info):
    """Takes elided addresses of an inner IPv6 header from the frame, not from the outer header."""
    if h.nhc == 0xEE and len(packet) >= 80:
        inner = h.payload[h.end + 1 :]
        if inner[1:2] and inner[1] >> 4 & 7 == 3:
            packet[56:64] = b"\x02" * 8
        if inner[1:2] and inner[1] & 15 == 3:
            packet[72:80] = b"\x02" * 8


@reads("ipv6-in-ipv6-dropped", requirement="RFC6282-4.2-10")
def _(node, payload, h, info):
    """Knows no EID 7."""
    return None if h and h.nhc == 0xEE else payload


@rewrites("ipv6-in-ipv6-length", requirement="RFC6282-3.2-03", defect="OT-1908")
def _(node, packet, h, info):
    """Forgets the Payload Length of an inner header."""
    if h.nhc == 0xEE and len(packet) >= 80:
        packet[44:46] = b"\0\0"


# -- UDP --------------------------------------------------------------------------------------------------------


@step
def udp_mutant(function: Callable) -> Node:
    """A node that changes the UDP header of NHC datagrams: function(packet, at, P, header)."""

    def wrong(node, packet, h, info):
        at = upper(packet, UDP)
        if at is not None and h.nhc >> 3 == 0x1E and len(packet) >= at + 8:
            function(packet, at, h.nhc & 3, h)

    return rewrites.make(wrong)


def ports_swapped(form: int) -> Callable:
    """The change that takes the ports for each other where P is `form`."""

    def change(packet, at, p, _h):
        if p == form:
            packet[at : at + 4] = packet[at + 2 : at + 4] + packet[at : at + 2]

    return change


udp_mutant(
    "udp-p11-nibbles",
    "RFC6282-4.3.3-06",
    "OPENWSN-337",
    what="P=11: takes the lower nibble for the source port.",
)(ports_swapped(3))
udp_mutant("udp-p01-source", "RFC6282-4.3.3-04", what="P=01: takes the short port for the source's.")(
    ports_swapped(1)
)
udp_mutant(
    "udp-p10-destination", "RFC6282-4.3.3-05", what="P=10: takes the short port for the destination's."
)(ports_swapped(2))


@udp_mutant("udp-p11-is-f0", "RFC6282-4.3.3-06")
def _(packet, at, p, h):
    """P=11: makes ports 0xf00X."""
    if p == 3:
        packet[at + 1] &= 0x0F
        packet[at + 3] &= 0x0F


@udp_mutant("udp-p01-is-f0b", "RFC6282-4.3.3-04", "OT-268")
def _(packet, at, p, h):
    """P=01: makes the destination port 0xf0bX."""
    if p == 1:
        packet[at + 3] = 0xB0 | packet[at + 3] & 0x0F


@udp_mutant("udp-ports-little-endian", "RFC6282-4.3.3-03")
def _(packet, at, p, h):
    """P=00: swaps the octets of ports."""
    if p == 0:
        packet[at : at + 4] = (
            packet[at + 1 : at + 2] + packet[at : at + 1] + packet[at + 3 : at + 4] + packet[at + 2 : at + 3]
        )


@udp_mutant("udp-length-zero", "RFC6282-4.3.3-08", "RIOT-12627")
def _(packet, at, p, h):
    """Does not restore the UDP length."""
    packet[at + 4 : at + 6] = b"\0\0"


@udp_mutant("udp-length-without-header", "RFC6282-4.3.3-08", "RIOT-12627")
def _(packet, at, p, h):
    """Leaves the header out of the UDP length."""
    packet[at + 4 : at + 6] = (len(packet) - at - 8).to_bytes(2, "big")


@rewrites("udp-length-8-bits", requirement="RFC6282-4.3.3-08", kinds=BLE)
def _(node, packet, h, info):
    """Restores the UDP length in eight bits, where one SDU holds the whole datagram."""
    if h.nhc >> 3 == 0x1E:
        packet[44] = 0


@udp_mutant("udp-checksum-zero", "RFC6282-4.3.3-01")
def _(packet, at, p, h):
    """Puts zero where the checksum was in-line."""
    packet[at + 6 : at + 8] = b"\0\0"


@udp_mutant("udp-checksum-made-up", "RFC6282-4.3.3-01")
def _(packet, at, p, h):
    """Puts a right checksum where a wrong one was in-line."""
    packet[at + 6 : at + 8] = b"\0\0"
    value = ipv6.checksum(bytes(packet[8:24]), bytes(packet[24:40]), UDP, bytes(packet[at:]))
    packet[at + 6 : at + 8] = value.to_bytes(2, "big")


@udp_mutant("udp-payload-lost", "RFC6282-4-02", "RIOT-5044")
def _(packet, at, p, h):
    """Moves the UDP payload by an octet."""
    if len(packet) > at + 9:
        packet[at + 8 :] = packet[at + 9 :] + packet[at + 8 : at + 9]


@reads("udp-nhc-dropped", requirement="RFC6282-4.3-01")
def _(node, payload, h, info):
    """Knows no NHC for UDP."""
    return None if h and h.nhc >> 3 == 0x1E else payload


@reads("udp-p00-dropped", requirement="RFC6282-4.3.3-03")
def _(node, payload, h, info):
    """Knows no P=00."""
    return None if h and h.nhc >> 2 == 0x3C and h.nhc & 3 == 0 else payload


@reads("udp-elided-checksum-accepted", requirement="RFC6282-4.3.2-12", defect="RIOT-647c87c9a5")
def _(node, payload, h, info):
    """Restores an elided checksum though no integrity check was in place."""
    if h and h.nhc >> 2 == 0x3D:
        at = h.end + 1 + (4, 3, 3, 1)[h.nhc & 3]
        clear = payload[: h.end] + bytes((h.nhc & 0xFB,)) + payload[h.end + 1 : at]
        packet = bytearray(node.decode_payload(clear + b"\0\0" + payload[at:], info))
        value = ipv6.checksum(bytes(packet[8:24]), bytes(packet[24:40]), UDP, bytes(packet[40:]))
        return clear + value.to_bytes(2, "big") + payload[at:]
    return payload


@reads("udp-empty-dropped", requirement="RFC6282-4.3-01", defect="RIOT-11164")
def _(node, payload, h, info):
    """Drops a UDP datagram without data."""
    if h and h.nhc >> 3 == 0x1E and len(payload) == h.end + 1 + (4, 3, 3, 1)[h.nhc & 3] + 2:
        return None
    return payload
