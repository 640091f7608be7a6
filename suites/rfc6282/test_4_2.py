"""RFC 6282 §4.2, IPv6 extension header compression: "1 1 1 0 | EID | NH"."""

from functools import partial

import pytest

from fixtures.api import (
    Case,
    Make,
    Observation,
    Stimulus,
    link_info,
    needs,
    next_headers,
    nothing_of,
    requirement,
    shown,
)
from sixlowpan import ipv6

HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION, MOBILITY = 0, 43, 44, 60, 135
EID = {HOP_BY_HOP: 0, ROUTING: 1, FRAGMENT: 2, DESTINATION: 3, MOBILITY: 4}
#: Options of an unknown type whose high bits say "skip over this option" (RFC 8200 §4.2).
UNKNOWN = bytes.fromhex("1e04 a1a2a3a4")


def packet_with(case: Case, header: int, body: bytes, inner: bytes | None = None) -> bytes:
    """A packet that is shown, behind one extension header; `body` is all behind its next-header octet, length first."""
    behind = ipv6.Packet.parse(shown(case) if inner is None else inner)
    return ipv6.build(behind.src, behind.dst, header, bytes([behind.next_header]) + body + behind.payload)


def compressed(case: Case, header: int, wire: bytes, packet: bytes) -> Stimulus:
    """IPHC (all elided, NH=1), the NHC octet with its next header in-line, the header's octets, what is behind it."""
    info = link_info(case, packet)
    rest = packet[40 + (8 if header == FRAGMENT else (packet[41] + 1) * 8) :]
    nhc = bytes([0xE0 | EID[header] << 1, packet[40], len(wire)]) + wire
    return Stimulus([bytes.fromhex("7e33") + nhc + rest], packet, info, f"NHC octet {nhc[0]:02x}")


def shows_behind(case: Case, make: Make) -> None:
    """End the case where nothing could show that what stands behind these headers is understood.

    Without an IP tap it is its answer that does, and that says something only of a DUT that answers the same packet
    with its headers in-line (NH=0).
    """

    def plain() -> Stimulus:
        made = make()
        assert made.packet is not None
        payload = bytes.fromhex("7a33") + made.packet[6:7] + made.packet[40:]
        return Stimulus([payload], made.packet, made.info, "the same with its headers in-line")

    if not case.shows(plain):
        case.unsupported(
            "the DUT answers nothing behind this header, and no IP tap shows the packet", "not_observable"
        )


def understood_behind(case: Case, make: Make) -> Observation | None:
    """What stands behind the compressed headers is understood; an echo says nothing of the octets of these headers."""
    shows_behind(case, make)
    if not case.dut.has_tap and not case.can("port_unreachable"):
        case.unseen("an echo does not show the headers in front of it: ip_tap or port_unreachable would")
    return case.understood(make)


@needs("ip_tap|echo")
@pytest.mark.parametrize(
    ("header", "wire"),
    [
        pytest.param(HOP_BY_HOP, UNKNOWN, id="hop-by-hop", marks=requirement("RFC6282-4.2-03")),
        pytest.param(
            ROUTING, bytes.fromhex("0000 00000000"), id="routing", marks=requirement("RFC6282-4.2-04")
        ),
        pytest.param(DESTINATION, UNKNOWN, id="destination", marks=requirement("RFC6282-4.2-06")),
        pytest.param(
            MOBILITY, bytes.fromhex("0000 0000 0000"), id="mobility", marks=requirement("RFC6282-4.2-07")
        ),
    ],
)
@requirement("RFC6282-4.2-02", "RFC6282-4.2-11", "RFC6282-4.2-13", "RFC6282-4.2-20")
def test_extension_header(case: Case, header: int, wire: bytes):
    """Each extension header comes out with its length in 8-octet units again, and its octets unchanged."""

    def make(inner: bytes) -> Stimulus:
        packet = packet_with(case, header, bytes([(len(wire) + 2) // 8 - 1]) + wire, inner)
        return compressed(case, header, wire, packet)

    understood_behind(case, lambda: make(shown(case)))
    if not case.dut.has_tap and header != MOBILITY:  # another next header; behind Mobility none is looked at
        understood_behind(case, lambda: make(case.tester.echo()))


@needs("ip_tap|echo")
@requirement("RFC6282-4.2-05")
def test_fragment_header(case: Case):
    """EID 2: an atomic fragment (offset 0, M=0). What its "length" octet holds, RFC 6282 does not say.

    Both readings are tried: the octet as a length of 6, and as the Fragment header's own Reserved octet. A DUT that
    understands either is right.
    """
    body = bytes.fromhex("0000 12345678")

    def make(reading: int) -> Stimulus:
        packet = packet_with(case, FRAGMENT, bytes([0]) + body)
        payload = bytes.fromhex("7e33") + bytes([0xE4, packet[40], reading]) + body + packet[48:]
        return Stimulus([payload], packet, link_info(case, packet), f"Fragment NHC, third octet {reading}")

    with case.aside() as found:
        if any(understood_behind(case, partial(make, reading)) is not None for reading in (6, 0)):
            return
    case.take_over(found)


@needs("ip_tap|echo")
@requirement("RFC6282-4.2-15", "RFC6282-4.2-14", "RFC6282-4.2-16")
@pytest.mark.parametrize("header", [HOP_BY_HOP, DESTINATION], ids=["hop-by-hop", "destination"])
@pytest.mark.parametrize("missing", range(1, 8), ids=lambda n: f"pad{n}")
def test_elided_padding(case: Case, header: int, missing: int):
    """The trailing Pad1 or PadN left out by the sender is put back: "the decompressor MUST ensure ... 8 octets"."""
    option = bytes([0x1E, 12 - missing]) + bytes(range(1, 13 - missing))
    pad = b"\0" if missing == 1 else bytes([1, missing - 2]) + bytes(missing - 2)

    def make() -> Stimulus:
        packet = packet_with(case, header, bytes([1]) + option + pad)
        return compressed(case, header, option, packet)

    understood_behind(case, make)


@needs("ip_tap|echo")
@requirement("RFC6282-4.2-15", "RFC6282-4.2-14", "RFC6282-4.2-16")
@pytest.mark.parametrize("header", [HOP_BY_HOP, DESTINATION], ids=["hop-by-hop", "destination"])
@pytest.mark.parametrize("padding", [1, 2, 4, 7], ids=lambda n: f"pad{n}")
def test_padding_in_line(case: Case, header: int, padding: int):
    """The trailing Pad1 or PadN "MAY be elided by the compressor": one that is in-line stays as it is."""
    option = bytes([0x1E, 12 - padding]) + bytes(range(1, 13 - padding))
    pad = b"\0" if padding == 1 else bytes([1, padding - 2]) + bytes(padding - 2)

    def make() -> Stimulus:
        packet = packet_with(case, header, bytes([1]) + option + pad)
        return compressed(case, header, option + pad, packet)

    understood_behind(case, make)


@needs("ip_tap|echo")
@requirement("RFC6282-4.2-15", "RFC6282-4.2-13")
@pytest.mark.parametrize("header", [HOP_BY_HOP, DESTINATION], ids=["hop-by-hop", "destination"])
def test_nothing_but_padding(case: Case, header: int):
    """A header of one PadN of 6 octets, which the sender left out: its length octet is 0, and 8 octets come out."""

    def make() -> Stimulus:
        packet = packet_with(case, header, bytes.fromhex("00 0104 00000000"))
        return compressed(case, header, b"", packet)

    understood_behind(case, make)


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.2-12", "RFC6282-4.3.3-07")
@pytest.mark.parametrize(
    ("ports", "inline"),
    [
        pytest.param("12345678", "12345678", id="00", marks=requirement("RFC6282-4.3.3-03")),
        pytest.param("1234f0c5", "1234c5", id="01", marks=requirement("RFC6282-4.3.3-04")),
        pytest.param("f0a65678", "a65678", id="10", marks=requirement("RFC6282-4.3.3-05")),
        pytest.param("f0b7f0b9", "79", id="11", marks=requirement("RFC6282-4.3.3-06")),
    ],
)
def test_ports_behind_an_extension_header(case: Case, ports: str, inline: str):
    """UDP NHC behind a compressed header: its ports stand in-line as they do behind IPHC, in all four forms."""
    tester = case.tester
    source_port, port = int(ports[:4], 16), int(ports[4:], 16)
    form = {8: 0, 2: 3}.get(len(inline), 1 if inline.startswith("1234") else 2)

    def make() -> Stimulus:
        source, destination = tester.identity.address, tester.dut_address
        udp = ipv6.udp(source_port, port, tester.pattern(7), source, destination)
        packet = ipv6.build(source, destination, DESTINATION, bytes([17, 0]) + UNKNOWN + udp)
        payload = (
            bytes.fromhex("7e33 e7 06") + UNKNOWN + bytes([0xF0 | form]) + bytes.fromhex(inline) + udp[6:]
        )
        return Stimulus(
            [payload], packet, link_info(case, packet), f"P={form:02b} behind Destination Options"
        )

    understood_behind(case, make)


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.2-12", "RFC6282-4.2-02")
def test_chain(case: Case):
    """NH=1 in an NHC octet: a hop-by-hop header, a destination options header and UDP, all compressed."""
    tester = case.tester

    def make() -> Stimulus:
        source, destination = tester.identity.address, tester.dut_address
        data = tester.pattern(9)
        udp = ipv6.udp(0x1234, 0x5678, data, source, destination)
        inner = bytes([17, 0]) + UNKNOWN + udp
        packet = ipv6.build(source, destination, HOP_BY_HOP, bytes([DESTINATION, 0]) + UNKNOWN + inner)
        payload = bytes.fromhex("7e33 e1 06") + UNKNOWN + bytes.fromhex("e7 06") + UNKNOWN
        payload += b"\xf0" + udp[:4] + udp[6:8] + data
        return Stimulus(
            [payload], packet, link_info(case, packet), "hop-by-hop NHC, destination NHC, UDP NHC"
        )

    understood_behind(case, make)


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.2-10", "RFC6282-3.2.2-01", "RFC6282-4.2-19")
def test_ipv6_in_ipv6(case: Case):
    """EID 7: an inner IPHC header, whose elided addresses are copied from the outer IPv6 header (§3.2.2)."""

    def make() -> Stimulus:
        inner = case.tester.echo()
        source, destination = case.tester.identity.address, case.tester.dut_address
        packet = ipv6.build(source, destination, 41, inner)
        payload = bytes.fromhex("7e33 ee 7a33 3a") + inner[40:]
        return Stimulus([payload], packet, link_info(case, packet), "IPHC, IPv6 NHC, IPHC")

    understood_behind(case, make)


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.2-10", "RFC6282-4.2-19", "RFC6282-3.2.2-01", "RFC6282-3.2-03")
def test_ipv6_in_ipv6_in_ipv6(case: Case):
    """EID 7 behind EID 7: each header takes what it elides from the one around it (§3.2.2)."""

    def make() -> Stimulus:
        source, destination = case.tester.identity.address, case.tester.dut_address
        innermost = case.tester.echo()
        inner = ipv6.build(source, destination, 41, innermost)
        packet = ipv6.build(source, destination, 41, inner)
        payload = bytes.fromhex("7e33 ee 7e33 ee 7a33 3a") + innermost[40:]
        return Stimulus([payload], packet, link_info(case, packet), "IPHC, IPv6 NHC, IPHC, IPv6 NHC, IPHC")

    understood_behind(case, make)


@pytest.mark.parametrize(
    "octet",
    [
        pytest.param(0xEA, id="eid5", marks=requirement("RFC6282-4.2-08")),
        pytest.param(0xEC, id="eid6", marks=requirement("RFC6282-4.2-09")),
    ],
)
def test_reserved_eid(case: Case, octet: int):
    """EID 5 and 6 are reserved and never sent; that a receiver drops them is expected, but no text says so."""
    nothing_of(case, [*next_headers(case, octet), *next_headers(case, octet | 1)])
