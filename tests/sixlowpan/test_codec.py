"""decode, encode, encodings: printed and derived examples, round trips, refusals."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sixlowpan import (
    NO_CONTEXTS,
    Contexts,
    DecodeError,
    EncodeError,
    LinkInfo,
    codec,
    decode,
    dispatch,
    encode,
    encodings,
    ipv6,
    link_local,
)
from tests.sixlowpan import samples
from tests.sixlowpan.samples import BLE, CONTEXTS, DST, EUI_A, EUI_B, LONG, SHORT, SRC, address, udp_packet

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


# one table drives both directions: what is encoded must be these octets, and these octets must decode to it
FORMS = [
    ("both elided", SRC, DST, {}, "7b33"),
    ("hop limit 64", SRC, DST, {"hop_limit": 64}, "7a33"),
    ("hop limit 1", SRC, DST, {"hop_limit": 1}, "7933"),
    ("hop limit 63", SRC, DST, {"hop_limit": 63}, "7833|3f"),
    ("tc b8", SRC, DST, {"traffic_class": 0xB8}, "7333|2e|"),
    ("ecn 3", SRC, DST, {"traffic_class": 3}, "7333|c0|"),
    ("tc b9 flow abcde", SRC, DST, {"traffic_class": 0xB9, "flow_label": 0xABCDE}, "6333|6e0abcde|"),
    ("tc 1 flow abcde", SRC, DST, {"traffic_class": 1, "flow_label": 0xABCDE}, "6b33|4abcde|"),
    ("unspecified", bytes(16), "ff02::1", {}, "7b4b||01"),
    ("source iid", "fe80::1", DST, {}, "7b13||0000000000000001"),
    ("source short", "fe80::ff:fe00:1234", DST, {}, "7b23||1234"),
    ("ff02::1a", SRC, "ff02::1a", {}, "7b3b||1a"),
    ("ff05::1:3", SRC, "ff05::1:3", {}, "7b3a||05010003"),
    ("ff02::1:ff12:3456", SRC, "ff02::1:ff12:3456", {}, "7b39||0201ff123456"),
    ("ff0e::12:3456:789a", SRC, "ff0e::12:3456:789a", {}, "7b39||0e123456789a"),
    ("ff0e:1::1", SRC, "ff0e:1::1", {}, "7b38||ff0e0001000000000000000000000001"),
    ("global in-line", "2001:db8:ffff::1", DST, {}, "7b03||20010db8ffff00000000000000000001"),
    ("context 0", "2001:db8::1", DST, {}, "7b53||0000000000000001"),
    ("context 0 short", "2001:db8::ff:fe00:42", DST, {}, "7b63||0042"),
    ("context 1", "2001:db8:1::1", DST, {}, "7bd310||0000000000000001"),
    ("context 4 whole", "2001:db8:4::1", DST, {}, "7bf340||"),
    ("context 3 is /112", "2001:db8:3::ff:fe00:9", DST, {}, "7be330||0009"),
    (
        "context 5 is for decompression only",
        "2001:db8:5::1",
        DST,
        {},
        "7b03||20010db8000500000000000000000001",
    ),
    ("destination 15", SRC, "fd00::ff:fe00:1", {}, "7bb60f||0001"),
    ("fe80:0:0:1:: is not fe80::/64", "fe80:0:0:1::1", DST, {}, "7b03||fe800000000000010000000000000001"),
    ("group of context 1", SRC, "ff3e:30:2001:db8:1::1234", {}, "7bbc01||3e0000001234"),
]


@pytest.mark.parametrize(
    ("src", "dst", "fields", "wire"), [form[1:] for form in FORMS], ids=[f[0] for f in FORMS]
)
def test_header_forms(src, dst, fields, wire):
    src = address(src) if isinstance(src, str) else src
    dst = address(dst) if isinstance(dst, str) else dst
    packet = ipv6.build(src, dst, 59, b"abc", **{"hop_limit": 255, **fields})
    # "octets|traffic and hop limit|addresses"; next header 59 stands between traffic and hop limit
    start, middle, addresses = (wire + "||").split("|")[:3]
    traffic, hop = (middle, "") if wire.count("|") == 2 else ("", middle)
    payload = bytes.fromhex(start + traffic + "3b" + hop + addresses) + b"abc"
    assert encode(packet, LONG, CONTEXTS).hex() == payload.hex()
    assert decode(payload, LONG, CONTEXTS) == packet


@pytest.mark.parametrize(
    ("sport", "dport", "wire"),
    [
        (0xF0B1, 0xF0B2, "f312"),
        (0x1633, 0xF042, "f1163342"),
        (0xF042, 0x1633, "f2421633"),
        (5683, 5683, "f016331633"),
        (0xF0B0, 0xF0BF, "f30f"),
        (0xF0AF, 0xF0B0, "f1f0afb0"),
        (0xF0C0, 0xF100, "f2c0f100"),
        (0xEFFF, 0xF000, "f1efff00"),
        (0xF100, 0xEFFF, "f0f100efff"),
    ],
)
def test_udp_ports(sport, dport, wire):
    packet = udp_packet(SRC, DST, sport, dport)
    payload = encode(packet, LONG)
    assert payload[:2].hex() == "7e33"
    assert payload[2 : 2 + len(wire) // 2].hex() == wire
    assert decode(payload, LONG) == packet


def test_context_bits_win_over_the_link():
    contexts = Contexts.parse({"0": "2001:db8::aa00:0:0:0/72"})
    # SAM=11: the first 72 bits are the context's, the rest is the link's
    packet = decode(bytes.fromhex("7b733b"), LONG, contexts)
    assert packet[8:24] == address("2001:db8::aa12:4b00:102:304")
    # in-line octets under the context do not count
    packet = decode(bytes.fromhex("7b533b") + bytes.fromhex("ff00000000000001"), LONG, contexts)
    assert packet[8:24] == address("2001:db8::aa00:0:0:1")


def test_bits_between_prefix_and_iid_are_zero():
    contexts = Contexts.parse({"0": "2001:db8::/32"})
    packet = decode(bytes.fromhex("7b733b"), LONG, contexts)
    assert packet[8:24] == bytes.fromhex("20010db800000000") + LONG.src_iid


def test_other_contexts_are_weighed_against_the_cid_octet():
    contexts = Contexts.parse({"0": "2001:db8::/64", "1": "2001:db8::1/128"})
    # context 1 saves 8 octets for the price of one
    packet = ipv6.build(address("2001:db8::1"), DST, 59, b"")
    assert encode(packet, LONG, contexts).hex() == "7af3103b"
    # here it would save two octets on one side
    contexts = Contexts.parse({"0": "2001:db8::/64", "1": "2001:db8::ff:fe00:1/128"})
    packet = ipv6.build(address("2001:db8::ff:fe00:1"), DST, 59, b"")
    assert encode(packet, LONG, contexts).hex() == "7af3103b"
    # and here nothing: the prefix is elided without a context, too
    contexts = Contexts.parse({"1": "fe80::/64"})
    packet = ipv6.build(address("fe80::1"), DST, 59, b"")
    assert encode(packet, LONG, contexts).hex() == "7a133b0000000000000001"
    contexts = Contexts.parse({"1": "ff3e::/64", "0": "::/0"})
    packet = ipv6.build(address("fe80::ff:fe00:7"), address("2001:db8::1"), 59, b"")
    assert len(encode(packet, LONG, contexts)) == 2 + 1 + 2 + 16


SOME = Contexts({identifier: context for identifier, context in CONTEXTS.items() if context.length <= 64})
context_sets = st.sampled_from([CONTEXTS, SOME, SOME.without(0), NO_CONTEXTS])


@given(samples.packets(), samples.links, context_sets)
@QUICK
def test_encode_decode_round_trip(packet, link, contexts):
    payload = encode(packet, link, contexts)
    assert decode(payload, link, contexts) == packet
    assert len(payload) <= len(packet)


def _few(packet, link, contexts, authorised):
    forms = []
    for form in encodings(packet, link, contexts, authorised=authorised):
        forms.append(form)
        if len(forms) == 4000:
            return forms, False
    return forms, True


@given(samples.packets(depth=1), samples.links, context_sets, st.booleans())
@settings(QUICK, max_examples=100)
def test_each_encoding_decodes_and_none_comes_twice(packet, link, contexts, authorised):
    forms, all_of_them = _few(packet, link, contexts, authorised)
    assert len(forms) == len(set(forms))
    for form in forms:
        assert decode(form, link, contexts) == packet
    smallest = encode(packet, link, contexts)
    if all_of_them and not authorised:
        assert smallest in forms
        assert len(smallest) == min(map(len, forms))


def test_encodings_count_by_hand():
    packet = ipv6.build(SRC, DST, 59, b"", hop_limit=255)
    # 0x41; TF 4 forms x HLIM 2 x source 3 x destination 3 x CID 2
    assert len(list(encodings(packet, LONG))) == 1 + 4 * 2 * 3 * 3 * 2
    # on BLE a device-based link-local address is always elided, and 0x41 is none of RFC 6282's formats
    packet = ipv6.build(link_local(BLE.src), link_local(BLE.dst), 59, b"", hop_limit=255)
    assert len(list(encodings(packet, BLE))) == 4 * 2 * 2
    assert not any(form[0] == 0x41 for form in encodings(packet, BLE))


def test_elided_checksum_needs_leave_and_a_check():
    packet = udp_packet(SRC, DST)
    with_c = [
        form for form in encodings(packet, LONG, authorised=True) if len(form) < len(encode(packet, LONG))
    ]
    assert with_c
    assert min(with_c, key=len)[2] & 4
    unprotected = LinkInfo("ieee802154", EUI_A, EUI_B)
    assert all(
        len(form) >= len(encode(packet, LONG)) for form in encodings(packet, unprotected, authorised=True)
    )
    with pytest.raises(DecodeError, match="no integrity check is known") as caught:
        decode(with_c[0], unprotected)
    assert (caught.value.kind, caught.value.requirement) == ("unsupported", "RFC6282-4.3.2-12")
    wrong = packet[:46] + b"\x12\x34" + packet[48:]
    assert all(decode(form, LONG) == wrong for form in encodings(wrong, LONG, authorised=True))


def test_a_zero_sum_becomes_ffff():
    src, dst = SRC, DST
    data = bytes(2)
    value = ipv6.checksum(src, dst, 17, bytes.fromhex("16331633000a0000") + data)
    packet = udp_packet(src, dst, 5683, 5683, value.to_bytes(2, "big"))
    assert packet[46:48] == b"\xff\xff"
    elided = bytes.fromhex("7e33f416331633") + packet[48:]
    assert decode(elided, LONG) == packet


REFUSED = [
    ("", "malformed", 0, "RFC4944-5-03"),
    ("00", "unsupported", 0, "RFC4944-5.1-03"),
    ("3f33", "unsupported", 0, "RFC4944-5.1-03"),
    ("40", "unsupported", 0, "RFC8066-3.1-01"),
    ("4003aa", "unsupported", 0, "RFC8066-3.1-01"),
    ("41", "malformed", 1, "RFC4944-5.1-05"),
    ("4160000000", "malformed", 5, "RFC4944-5.1-05"),
    ("43", "unsupported", 0, "RFC4944-5.1-07"),
    ("44", "unsupported", 0, "RFC4944-5.1-08"),  # SCHC, by a draft
    ("46", "reserved", 0, "RFC4944-5.1-08"),
    ("51", "reserved", 0, "RFC4944-5.1-10"),
    ("50", "malformed", 1, "RFC4944-11.1-01"),
    ("5001", "malformed", 2, "RFC4944-5-03"),
    ("50015001", "malformed", 2, "RFC4944-5-02"),
    ("500100", "reserved", 2, "RFC8066-3.4-01"),
    ("5001b012341234", "malformed", 2, "RFC4944-5-02"),
    ("7b", "malformed", 1, "RFC6282-3-01"),
    ("7b33", "malformed", 2, "RFC6282-3-02"),
    ("7b34" + "00" * 20, "reserved", 1, "RFC6282-3.1.1-33"),
    ("7b3d" + "00" * 20, "reserved", 1, "RFC6282-3.1.1-42"),
    ("7b3e" + "00" * 20, "reserved", 1, "RFC6282-3.1.1-43"),
    ("7b3f" + "00" * 20, "reserved", 1, "RFC6282-3.1.1-44"),
    ("7bd3b03b" + "00" * 8, "unsupported", 2, "RFC6282-3.1.2-06"),
    ("7bb50b3b" + "00" * 8, "unsupported", 2, "RFC6282-3.1.2-06"),
    ("7f33", "malformed", 2, "RFC6282-4-02"),
    ("7f3300", "unsupported", 2, "RFC6282-5-02"),
    ("7f33f8", "unsupported", 2, "RFC6282-5-03"),
    ("7f33ff", "unsupported", 2, "RFC6282-5-03"),
    ("7f33ea3b00", "reserved", 2, "RFC6282-4.2-08"),
    ("7f33ec3b00", "reserved", 2, "RFC6282-4.2-09"),
    ("7f33f0163316", "malformed", 6, "RFC6282-4.3.3-07"),
    ("7f33f7", "malformed", 3, "RFC6282-4.3.3-07"),
    ("7f33e0", "malformed", 3, "RFC6282-4.2-13"),
    ("7f33e03b", "malformed", 4, "RFC6282-4.2-13"),
    ("7f33e03b06aa", "malformed", 6, "RFC6282-4.2-13"),
    ("7f33e23b05aabbccddee", "malformed", 4, "RFC6282-4.2-13"),
    ("7f33e43b06aa", "malformed", 6, "RFC6282-4.2-05"),
    ("7f33ee", "malformed", 3, "RFC6282-4.2-19"),
    ("7f33ee41", "malformed", 3, "RFC6282-4.2-19"),
    ("c0280001" + "7b333b", "unsupported", 0, None),
    ("e028000105aa", "unsupported", 0, None),
    ("e8", "unsupported", 0, "RFC8931-5.1-01"),
    ("ea", "unsupported", 0, "RFC8931-5.2-01"),
    ("ec", "reserved", 0, "RFC4944-5.1-18"),
    ("c8", "reserved", 0, "RFC4944-5.1-16"),
    ("f1", "malformed", 1, "RFC4944-5-03"),
    ("f141", "unsupported", 1, "RFC8025-3-04"),
    ("f182", "unsupported", 1, "RFC8138-4.2-01"),
    ("f27b333b", "unsupported", 1, "RFC8025-3-04"),
    ("f0c0280001", "malformed", 1, "RFC8025-4-02"),
    ("a0", "malformed", 1, "RFC4944-5.2-06"),
    ("af", "malformed", 1, "RFC4944-5.2-05"),
    ("bf10123412", "malformed", 5, "RFC4944-5.2-06"),
    ("b112341234", "malformed", 5, "RFC4944-5-03"),
]


@pytest.mark.parametrize(
    ("wire", "kind", "offset", "requirement"), REFUSED, ids=[row[0][:12] or "empty" for row in REFUSED]
)
def test_refusals(wire, kind, offset, requirement):
    with pytest.raises(DecodeError) as caught:
        decode(bytes.fromhex(wire), LONG, CONTEXTS)
    error = caught.value
    assert (error.kind, error.offset, error.requirement) == (kind, offset, requirement)
    assert kind in str(error)


def test_paging():
    # RFC 8025 4: IPHC means the same in page 1; page 0 can be named again
    packet = ipv6.build(SRC, DST, 59, b"")
    payload = encode(packet, LONG)
    assert decode(b"\xf1" + payload, LONG) == packet
    assert decode(b"\xf3\xf0" + payload, LONG) == packet
    assert decode(b"\xf0\x41" + packet, LONG) == packet


def test_uncompressed():
    packet = ipv6.build(SRC, DST, 59, b"abc")
    assert decode(b"\x41" + packet, LONG) == packet
    assert decode(b"\x41" + packet + b"\0", LONG) == packet, "no text refuses what stands behind it"
    for bad in (packet[:-1], b"\x40" + packet[1:]):
        with pytest.raises(DecodeError):
            decode(b"\x41" + bad, LONG)


def test_0x7f_is_iphc_and_no_escape():
    packet = decode(bytes.fromhex("7f33f30112340000"), LONG)
    assert packet[6] == 17
    assert packet[7] == 255


def test_no_address_no_elision():
    for payload in ("7b333b", "7b433b", "7b733b", "7b373b"):
        with pytest.raises(DecodeError) as caught:
            decode(bytes.fromhex(payload), LinkInfo("ieee802154"), Contexts.parse({"0": "2001:db8::/64"}))
        assert caught.value.requirement == "RFC4944-2-04"
    whole = Contexts.parse({"0": "2001:db8::1/128"})
    packet = decode(bytes.fromhex("7b773b"), LinkInfo("ieee802154"), whole)
    assert packet[8:24] == packet[24:40] == address("2001:db8::1")


def test_pan_form_of_the_iid():
    packet = decode(bytes.fromhex("7b333b"), samples.PAN)
    assert packet[8:24] == address("fe80::a9cd:ff:fe00:1234")
    assert decode(bytes.fromhex("7b333b"), SHORT)[8:24] == address("fe80::ff:fe00:1234")


def test_rsv_bits_are_not_looked_at():
    assert decode(bytes.fromhex("633300f000013b"), LONG) == decode(bytes.fromhex("6333000000013b"), LONG)
    assert decode(bytes.fromhex("6b333000013b"), LONG) == decode(bytes.fromhex("6b330000013b"), LONG)


def test_too_long_for_ipv6():
    for start in ("7b333b", "7f33f3015555", "7f33e13a00", "7f33e03b00"):
        with pytest.raises(DecodeError) as caught:
            decode(bytes.fromhex(start) + bytes(65536), LONG)
        assert caught.value.kind in {"malformed", "unsupported"}
    with pytest.raises(DecodeError, match="headers alone exceed"):
        decode(bytes.fromhex("7f33") + bytes.fromhex("ee7e33") * 20000, LONG)


@pytest.mark.parametrize(
    "packet", [b"", bytes(40), ipv6.build(SRC, DST, 59, b"") + b"x", b"\x60" + bytes(38)]
)
def test_encode_refuses_what_is_no_packet(packet):
    with pytest.raises(EncodeError):
        encode(packet, LONG)
    with pytest.raises(EncodeError):
        list(encodings(packet, LONG))


def test_encode_of_a_deep_chain_does_not_recurse():
    packet = ipv6.build(SRC, DST, 0, bytes.fromhex("0000010400000000") * 5000)
    assert decode(encode(packet, LONG), LONG) == packet


def test_no_contexts_is_the_default():
    packet = ipv6.build(address("2001:db8::1"), DST, 59, b"")
    assert encode(packet, LONG) == encode(packet, LONG, NO_CONTEXTS)


def test_names_of_what_is_refused():
    for wire, name in (
        ("4000", "reserved"),
        ("4001", "G.9903"),
        ("4020", "unassigned"),
        ("40ff", "reserved"),
        ("f180", "critical 6LoRH"),
        ("f1a0", "elective 6LoRH"),
        ("f1c0", "unassigned"),
        ("fe00", "NDN"),
        ("fe80", "unassigned"),
        ("ff00", "experimental"),
    ):
        with pytest.raises(DecodeError, match=name):
            decode(bytes.fromhex(wire), LONG)
    assert dispatch.page_name(1, 0x7A) == "LOWPAN_IPHC"
    assert dispatch.page_name(3, 0xF1) == "page switch"


def test_the_whole_and_the_first_part_agree():
    """`first_part` with size 0 is the talkative twin of `decode`."""
    for packet in (udp_packet(SRC, DST), ipv6.build(SRC, DST, 59, b"abc")):
        for payload in encodings(packet, LONG):
            assert codec.first_part(payload, 0, LONG, NO_CONTEXTS).octets == packet
    with pytest.raises(DecodeError, match="more than an IPv6 packet"):
        codec.first_part(bytes.fromhex("7b333b") + bytes(65536), 0, LONG, NO_CONTEXTS)
