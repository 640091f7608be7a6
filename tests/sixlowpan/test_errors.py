"""The last value that is right and the first that is wrong, and the requirement that a refusal names.

Most of these were written for a mutant (see tests/mutation) that nothing else noticed.
"""

from __future__ import annotations

import pytest

from sixlowpan import (
    Contexts,
    DecodeError,
    LinkInfo,
    addresses,
    decode,
    encodings,
    iphc,
    ipv6,
    link_local,
    nhc,
    routing,
)
from tests.sixlowpan.samples import BD_A, BD_B, CONTEXTS, DST, EUI_A, EUI_B, LONG, SRC, address

START = bytes.fromhex("7f33")  # TF=11 NH=1 HLIM=11, both addresses elided


def refused(wire: str | bytes, link: LinkInfo = LONG) -> tuple[str, int, str | None]:
    with pytest.raises(DecodeError) as caught:
        decode(bytes.fromhex(wire) if isinstance(wire, str) else wire, link, CONTEXTS)
    return caught.value.kind, caught.value.offset, caught.value.requirement


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (iphc.FIRST, 256), (iphc.SECOND, 256), (iphc.TRAFFIC_CLASS, 256), (nhc.KIND, 256), (nhc.SHORT_PORTS, 256),
        (nhc.UDP_OCTETS, 8), (nhc.EID_REQUIREMENT, 8), (nhc.PADS, 8),
    ],
)  # fmt: skip
def test_tables_have_one_row_for_each_value(table, rows):
    assert len(table) == rows


def test_the_largest_packet():
    """Payload Length has 16 bits (RFC 8200 section 3): 65,535 octets behind the IPv6 header, and not one more."""
    hop_by_hop = bytes.fromhex("e106630400000100")  # comes to 8 octets
    for nhc_octets, before in ((b"", 0), (hop_by_hop, 8)):
        largest = START + nhc_octets + bytes.fromhex("f3120000") + bytes(65535 - 8 - before)
        packet = decode(largest, LONG)
        assert len(packet) == 65535 + 40
        assert packet[4:6] == b"\xff\xff"
        kind, _, requirement = refused(largest + b"\0")
        assert (kind, requirement) == ("malformed", "RFC6282-3.2-03")
    in_line = bytes.fromhex("7b333b")
    assert len(decode(in_line + bytes(65535), LONG)) == 65575
    assert refused(in_line + bytes(65536)) == ("malformed", 3, "RFC6282-3.2-03")


def test_headers_alone_can_be_too_much():
    extension = b"\xe7\xff" + bytes((0x1E, 253)) + bytes(253)
    payload = START + extension * 250
    assert refused(payload)[0::2] == ("malformed", "RFC6282-3.2-03")


@pytest.mark.parametrize(
    ("wire", "answer"),
    [
        ("ee", ("malformed", 3, "RFC6282-4.2-19")),
        ("ee7b", ("malformed", 4, "RFC6282-3-01")),
        ("ee41", ("malformed", 3, "RFC6282-4.2-19")),
        ("ee9b33", ("malformed", 3, "RFC6282-4.2-19")),
        ("e1", ("malformed", 3, "RFC6282-4.2-13")),
        ("e03b", ("malformed", 4, "RFC6282-4.2-13")),
        ("e106", ("malformed", 4, "RFC6282-4.2-13")),
        ("e1066304000001", ("malformed", 9, "RFC6282-4.2-13")),
        ("e106630400000100", ("malformed", 10, "RFC6282-4-02")),
        ("", ("malformed", 2, "RFC6282-4-02")),
        ("e305030000000000f3120000", ("malformed", 3, "RFC6282-4.2-13")),
        ("e907000000000000000000", ("malformed", 3, "RFC6282-4.2-13")),
        ("e500000012345600", ("malformed", 10, "RFC6282-4-02")),
        ("e5000000123456", ("malformed", 9, "RFC6282-4.2-05")),
        ("ea", ("reserved", 2, "RFC6282-4.2-08")),
        ("eb", ("reserved", 2, "RFC6282-4.2-08")),
        ("ec", ("reserved", 2, "RFC6282-4.2-09")),
        ("00", ("unsupported", 2, "RFC6282-5-02")),
        ("d8", ("unsupported", 2, "RFC6282-5-02")),
        ("f8", ("unsupported", 2, "RFC6282-5-03")),
        ("ff", ("unsupported", 2, "RFC6282-5-03")),
        ("f01633163400", ("malformed", 8, "RFC6282-4.3.3-07")),
    ],
)
def test_nhc_refusals_say_where_and_why(wire, answer):
    assert refused(START.hex() + wire) == answer


@pytest.mark.parametrize("p", range(4))
@pytest.mark.parametrize("elided", [0, 4])
def test_udp_fields_may_end_the_payload_but_not_sooner(p, elided):
    """The same limit on the hot path and behind another header."""
    octet = bytes((0xF0 | elided | p,))
    for before in (b"", bytes.fromhex("e106630400000100")):
        fields = bytes(nhc.UDP_OCTETS[elided | p])
        packet = decode(START + before + octet + fields, LONG)
        assert packet[-4:-2] == b"\0\x08", "the UDP Length of an empty datagram"
        for short in range(len(fields)):
            kind, offset, row = refused(START + before + octet + fields[:short])
            assert (kind, offset, row) == ("malformed", 3 + len(before) + short, "RFC6282-4.3.3-07")


def test_the_final_destination_behind_routing_headers():
    final, other = address("2001:db8::99"), address("2001:db8::88")

    def header(kind: int, left: int, rest: bytes) -> bytes:
        return bytes((17, (4 + len(rest)) // 8 - 1, kind, left)) + rest

    last = routing.final_destination
    assert last(b"", [], DST) == DST
    for kind in (routing.SOURCE_ROUTE, routing.MOBILE, routing.RPL):
        assert last(header(kind, 1, bytes(4) + final), [0], DST) == final
        assert last(header(kind, 0, bytes(4) + final), [0], DST) == DST
        assert last(header(kind, 1, bytes(4)), [0], DST) is None, "no address in it"
    assert last(header(4, 1, bytes(4) + final), [0], DST) is None
    two = header(3, 1, bytes(4) + other) + header(3, 1, b"\x0f\x70\0\0" + b"\x99" + bytes(7))
    assert last(two, [0, 24], DST) == other[:15] + b"\x99", "the second one shares its prefix with the first"
    assert last(header(4, 1, bytes(4) + final) + header(3, 1, bytes(4) + final), [0, 24], DST) is None


def test_an_elided_checksum_behind_an_unknown_route_cannot_be_restored():
    wire = START + bytes.fromhex("e316 0401 0000 0000") + address("2001:db8::99") + bytes.fromhex("f712")
    assert refused(wire) == ("unsupported", 2 + 2 + 22, "RFC6282-4.3.2-09")


def test_an_elided_checksum_is_a_form_where_the_final_destination_makes_it_right():
    final = address("2001:db8::99")
    route = bytes((17, 2, 3, 1, 0, 0, 0, 0)) + final
    right = ipv6.build(SRC, DST, 43, route + ipv6.udp(1, 2, b"x", SRC, final))
    wrong = ipv6.build(SRC, DST, 43, route + ipv6.udp(1, 2, b"x", SRC, DST))
    unknown = ipv6.build(SRC, DST, 43, route[:2] + b"\4" + route[3:] + ipv6.udp(1, 2, b"x", SRC, final))
    for packet, forms in ((right, 2), (wrong, 1), (unknown, 1)):
        found = [
            form for form in encodings(packet, LONG, authorised=True) if form.startswith(b"\x7e\x33\xe3")
        ]
        assert len(found) == forms
        assert all(decode(form, LONG) == packet for form in found)
    inner = ipv6.build(SRC, DST, 17, ipv6.udp(1, 2, b"x", SRC, DST))
    tunnel = ipv6.build(SRC, DST, 43, b"\x29" + route[1:] + inner)
    elided = [form for form in encodings(tunnel, LONG, authorised=True) if b"\xf4\0\1\0\2" in form]
    assert elided, "the route of the outer packet is not that of the inner one"


def test_addresses():
    assert addresses.BROADCAST == b"\xff\xff"
    # the U/L bit is inverted, set or not (RFC 7668 section 3.2.4)
    assert addresses.modified_eui64(b"\x00" + BD_A[1:])[0] == 2
    assert addresses.modified_eui64(b"\x02" + BD_A[1:])[0] == 0
    for second, local in (
        (0x80, True),
        (0x81, True),
        (0xBF, True),
        (0xC0, False),
        (0x7F, False),
        (0x00, False),
    ):
        assert addresses.is_link_local(bytes((0xFE, second)) + bytes(14)) is local
        assert not addresses.is_link_local(bytes((0xFD, second)) + bytes(14))
    for fifteenth, expected in ((0xFF, 0x9F), (0x01, 0x81), (0x10, 0x90), (0xE0, 0x80)):
        group = b"\xff" + bytes(13) + bytes((fifteenth, 0x55))
        assert addresses.multicast_link_address(group) == bytes((expected, 0x55))


NO_SOURCE, NO_DESTINATION = LinkInfo("ieee802154", b"", EUI_B), LinkInfo("ieee802154", EUI_A, b"")
LN, LBR = LinkInfo("ble", BD_A, BD_B, role="6LN"), LinkInfo("ble", BD_A, BD_B, role="6LBR")


@pytest.mark.parametrize("before", ["", "f1", "f2f1"])
@pytest.mark.parametrize(
    ("wire", "link", "kind", "requirement"),
    [
        ("7a333b", NO_SOURCE, "malformed", "RFC4944-2-04"),
        ("7a333b", NO_DESTINATION, "malformed", "RFC4944-2-04"),
        ("7a733b", NO_SOURCE, "malformed", "RFC4944-2-04"),
        ("7a373b", NO_DESTINATION, "malformed", "RFC4944-2-04"),
        ("7a733b", LN, "unsupported", "RFC7668-3.2.4-08"),
        ("7a633b1234", LN, "unsupported", "RFC7668-3.2.4-08"),
        ("7a373b", LBR, "unsupported", "RFC7668-3.2.4-08"),
        ("7a363b1234", LBR, "unsupported", "RFC7668-3.2.4-08"),
        ("7a343b", LONG, "reserved", "RFC6282-3.1.1-33"),
    ],
)
def test_an_address_mode_is_blamed_on_its_octet(before, wire, link, kind, requirement):
    """The second IPHC octet, wherever the IPHC header begins."""
    assert refused(before + wire, link) == (kind, len(before) // 2 + 1, requirement)


@pytest.mark.parametrize("before", ["", "f1", "f2f1"])
@pytest.mark.parametrize(
    ("wire", "offset"),
    [("7af3b03b", 2), ("7ab70b3b", 2), ("7abc0b3b000000000000", 2)],
)
def test_an_undefined_context_is_blamed_on_the_identifiers(before, wire, offset):
    assert refused(before + wire) == ("unsupported", len(before) // 2 + offset, "RFC6282-3.1.2-06")


@pytest.mark.parametrize("wire", ["7a733b", "7a373b"])
def test_an_undefined_context_0_is_blamed_on_the_address_mode(wire):
    with pytest.raises(DecodeError) as caught:
        decode(bytes.fromhex(wire), LONG)
    assert (caught.value.offset, caught.value.requirement) == (1, "RFC6282-3.1.2-06")


def test_registrations_say_nothing_of_inner_headers():
    """RFC 7668 section 3.2.4 is about the addresses of the link's ends; inside, RFC 6282 section 3.2.2 holds."""
    registered = (address("2001:db8::5"),)
    source, target = link_local(BD_A), link_local(BD_B)
    prefix = address("2001:db8::")[:8]
    for role, wire, at, iid in (("6LN", "7f33ee7b733b", 8, source), ("6LBR", "7f33ee7b373b", 24, target)):
        link = LinkInfo("ble", BD_A, BD_B, role=role, registered=registered)
        inner = decode(bytes.fromhex(wire), link, CONTEXTS)[40:]
        assert inner[at : at + 16] == prefix + iid[8:]
        outer = decode(bytes.fromhex(wire[4:].replace("ee", "")), link, CONTEXTS)
        assert outer[at : at + 16] == registered[0]


def test_a_context_of_128_bits_needs_nothing_more():
    """No IID, no registration: RFC 6282 section 3.1.1, "Bits covered by context information are always used"."""
    whole = Contexts.parse({"0": "2001:db8:4::1/128", "1": "2001:db8::/127"})
    for link in (NO_SOURCE, LinkInfo("ble", BD_A, BD_B, role="6LN"), LONG):
        for wire in ("7a703b" + DST.hex(), "7a603b1234" + DST.hex(), "7a503b0123456789abcdef" + DST.hex()):
            assert decode(bytes.fromhex(wire), link, whole)[8:24] == address("2001:db8:4::1")
    assert decode(bytes.fromhex("7a073b" + SRC.hex()), NO_DESTINATION, whole)[24:40] == address(
        "2001:db8:4::1"
    )
    with pytest.raises(DecodeError):
        decode(bytes.fromhex("7af0103b" + DST.hex()), NO_SOURCE, whole)
    with pytest.raises(DecodeError):
        decode(bytes.fromhex("7af0103b" + DST.hex()), LN, whole)


def test_the_largest_ghc_extension_header():
    """Hdr Ext Len has 8 bits (RFC 8200 section 4.6): 2,048 octets, of which 2,046 come out of the bytecode."""
    zeros = b"\xb6\x3b" + b"\x8f" * 120  # destination options, next header in-line, 2,040 octets of zero
    packet = decode(START + zeros + b"\x84\x90", LONG)
    assert len(packet) == 40 + 2048
    assert packet[40:42] == b"\x3b\xff"
    seven = decode(START + b"\xb6\x3b" + b"\x8f" * 3 + b"\x81\x90", LONG)
    assert (len(seven), seven[41]) == (40 + 56, 6)
    for more in range(1, 6):  # 2,047 octets and more, padded to 2,056
        kind, _, requirement = refused(START + zeros + b"\x84" + bytes((more,)) + bytes(more) + b"\x90")
        assert kind == "malformed"
        assert requirement == ("RFC7400-3.2-01" if more <= 2 else "RFC7400-5-01")


def test_ghc_extension_headers_begin_behind_their_next_header():
    assert refused(START + b"\xb6") == ("malformed", 3, "RFC7400-3.2-01")
    assert refused(START + b"\xb6\x3b") == ("malformed", 4, "RFC7400-3.2-01")
    assert refused(START + b"\xb7") == ("malformed", 3, "RFC7400-3.2-01")
    # seven octets, and the same seven by a backreference, with the next header elided and in-line
    twice = b"\x07" + bytes.fromhex("1e0c0102030405") + b"\xe8\x90"
    expected = bytes.fromhex("1e0c0102030405") * 2
    assert decode(START + b"\xb7" + twice + b"\xf3\x12\0\0", LONG)[40:56] == b"\x11\x01" + expected
    assert decode(START + b"\xb6\x3b" + twice, LONG)[40:] == b"\x3b\x01" + expected
