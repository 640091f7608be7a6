"""RFC 6282 §4.2: extension headers by LOWPAN_NHC, their lengths, chains and elided padding.

In the packet the length counts units of 8 octets without the first, in the payload it counts octets behind
itself. Each vector writes both by hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import ICMPV6, NO_NEXT, UDP, addr, echo, iphc, ipv6, link_local, udp
from vectors.model import EUI_A, EUI_B, RECEIVE_ONLY, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
HEAD = iphc(nh=1, sam=3, dam=3)
ECHO, DATAGRAM = echo(A, B), udp(A, B, 5683, 5683)
UDP_NHC = b"\xf0" + DATAGRAM[:4] + DATAGRAM[6:]
RPL = bytes.fromhex("630400000100")
#: protocol number by EID
EIDS = {0: 0, 1: 43, 2: 44, 3: 60, 4: 135}


def nhc(eid: int, nh: int) -> int:
    """The octet 1110 EID NH."""
    return 0b1110 << 4 | eid << 1 | nh


@family(6282, "4.2", "ext-header")
def each_kind() -> Iterator[Vector]:
    """Each EID, with the next header in-line and with NHC behind it."""
    bodies = {
        0: RPL,
        1: bytes.fromhex("0000deadbeef"),
        2: bytes.fromhex("000112345678"),
        3: bytes.fromhex("1e04aabbccdd"),
        4: bytes.fromhex("00001234cafe"),
    }
    for eid, body in bodies.items():
        # the Fragment header has a Reserved octet where the others have a length: it is carried unmodified
        length = 0 if eid == 2 else len(body)
        rows = [f"RFC6282-4.2-{3 + eid:02}", "RFC6282-4.2-02", "RFC6282-4.2-20"]
        packet = ipv6(bytes((ICMPV6, 0)) + body + ECHO, EIDS[eid], A, B)
        payload = HEAD + bytes((nhc(eid, 0), ICMPV6, length)) + body + ECHO
        yield vector(f"{eid}-nh0", payload, packet, requirements=[*rows, "RFC6282-4.2-11"])
        packet = ipv6(bytes((UDP, 0)) + body + DATAGRAM, EIDS[eid], A, B)
        payload = HEAD + bytes((nhc(eid, 1), length)) + body + UDP_NHC
        extra = ["RFC6282-4.3.3-09"] if eid == 2 else ["RFC6282-4.2-12"]
        flags = [RECEIVE_ONLY] if eid == 2 else []
        note = (
            "UDP length inferred from one IPv6 fragment: no sender should compress UDP here"
            if eid == 2
            else ""
        )
        yield vector(f"{eid}-nh1", payload, packet, requirements=[*rows, *extra], flags=flags, note=note)


@family(6282, "4.2", "ext-header", RECEIVE_ONLY)
def fragment_header_with_length() -> Iterator[Vector]:
    """A Fragment header whose Reserved octet was replaced by a length of 6, as some compressors do: RFC 6282
    does not say, RFC 8200 wants Reserved zero, so both readings lead to one packet.
    """
    body = bytes.fromhex("000112345678")
    packet = ipv6(bytes((ICMPV6, 0)) + body + ECHO, 44, A, B)
    payload = HEAD + bytes((nhc(2, 0), ICMPV6, 6)) + body + ECHO
    yield vector("6", payload, packet, requirements=["RFC6282-4.2-05"])


@family(6282, "4.2", "ext-header")
def length_in_octets() -> Iterator[Vector]:
    """Options headers of 8 to 256 octets without padding: the length counts octets in the payload and units
    of 8 in the packet.
    """
    for eid in (0, 3):
        for total in (8, 16, 24, 64, 256):
            option = bytes((0x1E, total - 4)) + bytes(number % 255 + 1 for number in range(total - 4))
            body = option
            packet = ipv6(bytes((ICMPV6, total // 8 - 1)) + body + ECHO, EIDS[eid], A, B)
            payload = HEAD + bytes((nhc(eid, 0), ICMPV6, len(body))) + body + ECHO
            rows = ["RFC6282-4.2-13", "RFC6282-4.2-20"]
            yield vector(f"{eid}-{total}", payload, packet, requirements=rows)


@family(6282, "4.2", "ext-header")
def padding_restored() -> Iterator[Vector]:
    """One trailing Pad1 or PadN of up to 7 octets elided: the receiver puts it back, Pad1 for one octet, PadN
    with zeros for more, and the packet is what it was.
    """
    for eid in (0, 3):
        for missing in range(1, 8):
            option = bytes((0x1E, 14 - missing - 2)) + bytes(range(1, 14 - missing - 1))
            pad = b"\0" if missing == 1 else bytes((1, missing - 2)) + bytes(missing - 2)
            packet = ipv6(bytes((UDP, 1)) + option + pad + DATAGRAM, EIDS[eid], A, B)
            payload = HEAD + bytes((nhc(eid, 1), len(option))) + option + UDP_NHC
            rows = ["RFC6282-4.2-15", "RFC6282-4.2-14"]
            yield vector(f"{eid}-{missing}", payload, packet, requirements=rows)


@family(6282, "4.2", "ext-header")
def padding_carried() -> Iterator[Vector]:
    """Padding that stays: in the middle, more than one at the end, trailing but not elided; all bit-exact."""
    for key, body in (
        ("middle-pad1", "001e03aabbcc"),
        ("middle-padn", "01021234" + "1e00" + "1e04aabbccdd" + "1e00"),
        ("two-trailing-pad1", "1e02aabb0000"),
        ("trailing-padn-kept", "1e00" + "01020000"),
        ("nothing-but-padn", "010400000000"),
        ("padn-with-octets", "1e00" + "0102dead"),
    ):
        octets = bytes.fromhex(body)
        packet = ipv6(bytes((ICMPV6, (len(octets) + 2) // 8 - 1)) + octets + ECHO, 60, A, B)
        payload = HEAD + bytes((nhc(3, 0), ICMPV6, len(octets))) + octets + ECHO
        yield vector(key, payload, packet, requirements=["RFC6282-4.2-16", "RFC6282-4.2-20"])


@family(6282, "4.2", "ext-header", RECEIVE_ONLY)
def empty_options() -> Iterator[Vector]:
    """A length of 0: no options at all, and 6 octets of padding to restore (a PadN that was the whole header)."""
    for eid in (0, 3):
        packet = ipv6(bytes((ICMPV6, 0)) + bytes.fromhex("010400000000") + ECHO, EIDS[eid], A, B)
        payload = HEAD + bytes((nhc(eid, 0), ICMPV6, 0)) + ECHO
        yield vector(str(eid), payload, packet, requirements=["RFC6282-4.2-15"])


@family(6282, "4.2", "ext-header")
def longest() -> Iterator[Vector]:
    """255 octets behind the length field: legal only because 7 octets of padding were elided from 264."""
    option = bytes((0x1E, 253)) + bytes(number % 255 for number in range(253))
    pad = bytes.fromhex("01050000000000")
    packet = ipv6(bytes((UDP, 32)) + option + pad + DATAGRAM, 60, A, B)
    payload = HEAD + bytes((nhc(3, 1), 255)) + option + UDP_NHC
    yield vector("255", payload, packet, requirements=["RFC6282-4.2-17", "RFC6282-4.2-15"])


@family(6282, "4.2", "ext-header")
def chains() -> Iterator[Vector]:
    """Two to six headers in one chain, the last next header in-line or by NHC, and a chain that ends in 59."""
    for count in range(2, 7):
        eids = [(0, 3, 1, 3, 4, 3)[number] for number in range(count)]
        protocols = [*(EIDS[eid] for eid in eids), UDP]
        headers = payload = b""
        for place, eid in enumerate(eids):
            body = (
                bytes.fromhex("1e04") + bytes((place,)) * 4
                if eid in (0, 3)
                else bytes((0, 0, place, 1, 2, 3))
            )
            headers += bytes((protocols[place + 1], 0)) + body
            payload += bytes((nhc(eid, 1), 6)) + body
        rows = ["RFC6282-4.2-12", "RFC6282-4.2-01"]
        packet = ipv6(headers + DATAGRAM, protocols[0], A, B)
        yield vector(f"{count}-udp", HEAD + payload + UDP_NHC, packet, requirements=rows)
    body = bytes.fromhex("1e04aabbccdd")
    packet = ipv6(bytes((NO_NEXT, 0)) + body, 60, A, B)
    payload = HEAD + bytes((nhc(3, 0), NO_NEXT, 6)) + body
    yield vector("no-next-header", payload, packet, requirements=["RFC6282-4.2-11"])
    inner = bytes((ICMPV6, 0)) + body
    packet = ipv6(bytes((60, 0)) + RPL + inner + ECHO, 0, A, B)
    payload = HEAD + bytes((nhc(0, 0), 60, 6)) + RPL + inner + ECHO
    rows = ["RFC6282-4.2-11", "RFC6282-4.2-01"]
    yield vector("second-uncompressed", payload, packet, requirements=rows)


@family(6282, "4.2", "ext-header")
def ip_in_ip() -> Iterator[Vector]:
    """EID 7: an IPHC encoding follows, with NHC of its own; both payload lengths are restored."""
    source, target = addr("2001:db8::1"), addr("2001:db8::2")
    inner_udp = udp(source, target, 5683, 5684)
    packet = ipv6(ipv6(inner_udp, UDP, source, target), 41, A, B)
    ports = b"\xf0" + inner_udp[:4] + inner_udp[6:]
    payload = HEAD + b"\xee" + iphc(source + target, nh=1) + ports
    rows = ["RFC6282-4.2-10", "RFC6282-4.2-18", "RFC6282-4.2-19"]
    yield vector("udp", payload, packet, requirements=rows)
    data = echo(source, target)
    inner = ipv6(data, ICMPV6, source, target)
    packet = ipv6(bytes((41, 0)) + RPL + inner, 0, A, B)
    payload = HEAD + bytes((nhc(0, 1), 6)) + RPL + b"\xee" + iphc(b"\x3a" + source + target) + data
    yield vector("behind-hop-by-hop", payload, packet, requirements=rows)


@family(6282, "4.2", "ext-header", "truncation")
def impossible() -> Iterator[Vector]:
    """Lengths that run past the end, headers without padding that do not end on 8 octets, EID 7 without IPHC."""
    body = bytes.fromhex("1e04aabbccdd")
    for key, tail, rows in (
        ("length-past-the-end", bytes((nhc(0, 0), ICMPV6, 200)) + body, ["RFC6282-4.2-13"]),
        ("routing-7", bytes((nhc(1, 0), ICMPV6, 7)) + body + b"\0", ["RFC6282-4.2-13"]),
        ("mobility-0", bytes((nhc(4, 0), ICMPV6, 0)) + ECHO, ["RFC6282-4.2-13"]),
        ("inner-uncompressed", b"\xee\x41" + ipv6(ECHO, ICMPV6, A, B), ["RFC6282-4.2-19"]),
        ("inner-missing", b"\xee", ["RFC6282-4.2-19"]),
        ("nothing-behind-nh1", bytes((nhc(0, 1), 6)) + body, ["RFC6282-4.2-12"]),
        ("nothing-behind-iphc", b"", ["RFC6282-3.1.1-06"]),
    ):
        yield vector(key, HEAD + tail, refused="malformed", requirements=rows)


@family(6282, "4.2", "reserved-mode")
def reserved_eid() -> Iterator[Vector]:
    """EID 5 and 6 are reserved: a codec cannot know what they stand for."""
    body = bytes.fromhex("1e04aabbccdd")
    for eid in (5, 6):
        for nh in (0, 1):
            tail = (
                bytes((nhc(eid, nh), *((ICMPV6,) if not nh else ()), 6))
                + body
                + (ECHO if not nh else UDP_NHC)
            )
            yield vector(
                f"{eid}-nh{nh}", HEAD + tail, refused="reserved", requirements=[f"RFC6282-4.2-{eid + 3:02}"]
            )


@family(6282, "4.2", "nhc-unknown")
def unassigned_nhc() -> Iterator[Vector]:
    """NHC octets that no RFC assigns."""
    for octet in (0x00, 0x01, 0x7F, 0x80, 0xA0, 0xAF, 0xC0, 0xCF, 0xD8, 0xDE):
        yield vector(
            f"{octet:02x}",
            HEAD + bytes((octet,)) + ECHO,
            refused="unsupported",
            requirements=["RFC6282-5-02"],
        )
    for octet in range(0xB8, 0xC0):
        need = ["RFC7400-4-01", "RFC6282-5-02"]
        yield vector(
            f"{octet:02x}-ghc-eid", HEAD + bytes((octet,)) + ECHO, refused="unsupported", requirements=need
        )
    for octet in (0xF8, 0xFE, 0xFF):
        yield vector(
            f"{octet:02x}",
            HEAD + bytes((octet,)) + ECHO,
            refused="unsupported",
            requirements=["RFC6282-5-03"],
        )
