"""RFC 6282 §3.1.1, the base format: TF, NH, HLIM and the stateless address forms.

Each family fixes everything but one field, so that a vector that fails names its field. The stateful forms
are in `rfc6282_3_1_1_contexts`, reserved ones in `rfc6282_reserved`.
"""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import ICMPV6, NO_NEXT, TCP, UDP, addr, echo, iphc, ipv6, link_local, short_iid, udp
from vectors.model import EUI_A, EUI_B, SHORT_A, SHORT_B, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
ECHO = echo(A, B)
FE80 = bytes.fromhex("fe80000000000000")


def of_traffic(key: str, tf: int, inline: str, rows: list[str], **fields: int) -> Vector:
    """An echo with this TF and what is in-line for it; `fields` are those of the IPv6 header."""
    payload = iphc(bytes.fromhex(inline) + b"\x3a", tf=tf, sam=3, dam=3) + ECHO
    return vector(key, payload, ipv6(ECHO, ICMPV6, A, B, **fields), requirements=rows)


@family(6282, "3.1.1", "tc-rotation")
def tf() -> Iterator[Vector]:
    """Each TF form with values that tell ECN from DSCP and every nibble of the flow label: the traffic class
    is in-line as ECN then DSCP, the packet carries DSCP then ECN, and what is elided is zero.
    """
    for name, tc, flow, inline in (
        ("ef", 0xB8, 0xABCDE, "2e0abcde"),
        ("ef-ect", 0xBB, 0xABCDE, "ee0abcde"),
        ("ecn-1", 0x01, 0xFFFFF, "400fffff"),
        ("all-ones", 0xFF, 0xFFFFF, "ff0fffff"),
        ("flow-low-octet", 0x00, 0x000FF, "000000ff"),
    ):
        yield of_traffic(f"00-{name}", 0, inline, ["RFC6282-3.1.1-01", "RFC6282-3.2.1-02"], tc=tc, flow=flow)
    for name, tc, flow, inline in (
        ("ecn-0", 0x00, 0xABCDE, "0abcde"),
        ("ecn-1", 0x01, 0xABCDE, "4abcde"),
        ("ecn-2", 0x02, 0x00001, "800001"),
        ("ecn-3", 0x03, 0xF0000, "cf0000"),
    ):
        yield of_traffic(f"01-{name}", 1, inline, ["RFC6282-3.1.1-02", "RFC6282-3.2.1-03"], tc=tc, flow=flow)
    for tc, octet in ((0xB8, 0x2E), (0x03, 0xC0), (0x01, 0x40), (0xFC, 0x3F), (0xFF, 0xFF), (0x00, 0x00)):
        inline = f"{octet:02x}"
        yield of_traffic(f"10-{tc:02x}", 2, inline, ["RFC6282-3.1.1-03", "RFC6282-3.2.1-01"], tc=tc)
    payload = iphc(b"\x3a", sam=3, dam=3) + ECHO
    yield vector("11", payload, ipv6(ECHO, ICMPV6, A, B), requirements=["RFC6282-3.1.1-04"])


@family(6282, "3.1.1", "hop-limit-table")
def hop_limit() -> Iterator[Vector]:
    """The hop limit in-line and in its three elided forms. 1, 64 and 255 in-line are legal, only longer."""
    for value in (0, 1, 2, 63, 64, 65, 128, 254, 255):
        payload = iphc(bytes((0x3A, value)), hlim=0, sam=3, dam=3) + ECHO
        packet = ipv6(ECHO, ICMPV6, A, B, hop_limit=value)
        yield vector(f"inline-{value}", payload, packet, requirements=["RFC6282-3.1.1-07"])
    for hlim, value, row in ((1, 1, "08"), (2, 64, "09"), (3, 255, "10")):
        payload = iphc(b"\x3a", hlim=hlim, sam=3, dam=3) + ECHO
        packet = ipv6(ECHO, ICMPV6, A, B, hop_limit=value)
        yield vector(f"elided-{value}", payload, packet, requirements=[f"RFC6282-3.1.1-{row}"])


@family(6282, "3.1.1")
def next_header() -> Iterator[Vector]:
    """NH=0 carries any next header in-line, UDP included; NH=1 takes it from the NHC octet."""
    body = bytes(range(24))
    for name, value in (
        ("icmpv6", ICMPV6),
        ("udp", UDP),
        ("tcp", TCP),
        ("unassigned", 200),
        ("none", NO_NEXT),
    ):
        data = {ICMPV6: ECHO, UDP: udp(A, B, 5683, 5683), NO_NEXT: b""}.get(value, body)
        payload = iphc(bytes((value,)), sam=3, dam=3) + data
        yield vector(f"inline-{name}", payload, ipv6(data, value, A, B), requirements=["RFC6282-3.1.1-05"])
    options = bytes((ICMPV6, 0)) + bytes.fromhex("630400000100") + ECHO
    payload = iphc(b"\0", sam=3, dam=3) + options
    note = "next header 0, Hop-by-Hop Options, in-line and its header as it is"
    rows = ["RFC6282-3.1.1-05"]
    yield vector("inline-hop-by-hop", payload, ipv6(options, 0, A, B), requirements=rows, note=note)
    data = udp(A, B, 5683, 5683)
    payload = iphc(nh=1, sam=3, dam=3) + b"\xf0" + data[:4] + data[6:]
    rows = ["RFC6282-3.1.1-06", "RFC6282-4-01", "RFC6282-4-02"]
    yield vector("nhc-udp", payload, ipv6(data, UDP, A, B), requirements=rows)


@family(6282, "3.1.1", "address-mode")
def stateless_source() -> Iterator[Vector]:
    """SAC=0 with all four SAM: 128, 64 and 16 bits in-line, and nothing, from every kind of link address."""
    foreign = addr("2001:db8::1")
    for key, source, sam, inline, src, row in (
        ("128-global", foreign, 0, foreign, EUI_A, "15"),
        ("128-link-local", A, 0, A, EUI_A, "15"),
        ("64", FE80 + bytes.fromhex("1122334455667788"), 1, bytes.fromhex("1122334455667788"), EUI_A, "16"),
        (
            "64-from-short",
            FE80 + bytes.fromhex("1122334455667788"),
            1,
            bytes.fromhex("1122334455667788"),
            SHORT_A,
            "16",
        ),
        ("16", FE80 + short_iid(0xBEEF), 2, b"\xbe\xef", EUI_A, "17"),
        ("16-u-bit", FE80 + short_iid(0x0200), 2, b"\x02\x00", SHORT_A, "17"),
        ("16-zero", FE80 + short_iid(0), 2, b"\0\0", EUI_A, "17"),
        ("0-extended", A, 3, b"", EUI_A, "18"),
        ("0-extended-local-bit", link_local("02124b0001020304"), 3, b"", "02124b0001020304", "18"),
        ("0-short", link_local(SHORT_A), 3, b"", SHORT_A, "18"),
    ):
        data = echo(source, B)
        payload = iphc(b"\x3a" + inline, sam=sam, dam=3) + data
        rows = ["RFC6282-3.1.1-13", f"RFC6282-3.1.1-{row}"]
        yield vector(key, payload, ipv6(data, ICMPV6, source, B), src=src, requirements=rows)


@family(6282, "3.1.1", "address-mode")
def stateless_destination() -> Iterator[Vector]:
    """M=0 DAC=0 with all four DAM, the mirror of the source forms."""
    foreign = addr("2001:db8::1")
    for key, target, dam, inline, dst, row in (
        ("128-global", foreign, 0, foreign, EUI_B, "29"),
        ("128-link-local", B, 0, B, EUI_B, "29"),
        ("64", FE80 + bytes.fromhex("8877665544332211"), 1, bytes.fromhex("8877665544332211"), EUI_B, "30"),
        ("16", FE80 + short_iid(0xBEEF), 2, b"\xbe\xef", EUI_B, "31"),
        ("16-u-bit", FE80 + short_iid(0x0200), 2, b"\x02\x00", SHORT_B, "31"),
        ("0-extended", B, 3, b"", EUI_B, "32"),
        ("0-short", link_local(SHORT_B), 3, b"", SHORT_B, "32"),
    ):
        data = echo(A, target)
        payload = iphc(b"\x3a" + inline, sam=3, dam=dam) + data
        rows = ["RFC6282-3.1.1-25", "RFC6282-3.1.1-27", f"RFC6282-3.1.1-{row}"]
        yield vector(key, payload, ipv6(data, ICMPV6, A, target), dst=dst, requirements=rows)


@family(6282, "3.1.1")
def every_stateless_pair() -> Iterator[Vector]:
    """All 64 pairs of TF, HLIM and stateless address widths in one packet: fields follow each other in header
    order (§3.2), whatever is elided between them.
    """
    wide = bytes.fromhex("1122334455667788")
    sources = ((0, addr("2001:db8::a")), (1, FE80 + wide), (2, FE80 + short_iid(0x0A0A)), (3, A))
    targets = ((0, addr("2001:db8::b")), (1, FE80 + wide[::-1]), (2, FE80 + short_iid(0x0B0B)), (3, B))
    widths = {0: 0, 1: 8, 2: 14, 3: 16}
    for tf, traffic, tc, flow in (
        (0, "2e0abcde", 0xB8, 0xABCDE),
        (1, "4abcde", 1, 0xABCDE),
        (2, "2e", 0xB8, 0),
        (3, "", 0, 0),
    ):
        for sam, source in sources:
            for dam, target in targets:
                data = echo(source, target)
                inline = bytes.fromhex(traffic) + b"\x3a\x21" + source[widths[sam] :] + target[widths[dam] :]
                payload = iphc(inline, tf=tf, hlim=0, sam=sam, dam=dam) + data
                packet = ipv6(data, ICMPV6, source, target, hop_limit=0x21, tc=tc, flow=flow)
                rows = ["RFC6282-3.2-01", "RFC6282-3-01", "RFC6282-3-02", "RFC6282-2-04"]
                yield vector(f"tf{tf}-sam{sam}-dam{dam}", payload, packet, requirements=rows)
