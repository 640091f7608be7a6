"""explain and lint."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixlowpan import (
    Contexts,
    LinkInfo,
    Reassembler,
    encode,
    encodings,
    explain,
    fragment,
    fragment_header_n,
    ipv6,
    link_local,
    lint,
    mesh_header,
    render,
)
from sixlowpan.explain import Field
from tests.sixlowpan import samples
from tests.sixlowpan.samples import (
    BLE,
    CONTEXTS,
    DST,
    EUI_A,
    EUI_B,
    LONG,
    SHORT,
    SRC,
    address,
    refusal,
    udp_packet,
)

PACKET = udp_packet(SRC, DST)


def leaves(node: Field):
    if not node.children:
        yield node
    for child in node.children:
        yield from leaves(child)


def tile(tree: Field) -> None:
    """Every bit of the payload belongs to exactly one leaf."""
    seen = [0] * (8 * len(tree.raw))
    for leaf in leaves(tree):
        for bit in range(8 * leaf.offset + leaf.bit_offset, 8 * leaf.offset + leaf.bit_offset + leaf.bits):
            seen[bit] += 1
    assert set(seen) <= {1}, render(tree)


@given(samples.packets(), samples.links, st.integers(0, 5))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_explain_tiles_every_form(packet, link, pick):
    for index, form in enumerate(encodings(packet, link, CONTEXTS)):
        if index > pick * 50:
            break
        if index == pick * 50 or index == 0:
            tree = explain(form, link, CONTEXTS)
            assert not tree.has_error
            tile(tree)


@given(st.binary(max_size=60), samples.links)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_explain_and_decode_agree(payload, link):
    tree = explain(payload, link, CONTEXTS)
    error = refusal(Reassembler().receive, payload, link, CONTEXTS)
    assert tree.has_error == (error is not None)
    assert error is None or error.message in render(tree)


def names(tree: Field) -> list[str]:
    return [child.name for child in tree.children]


def test_explain_the_whole_stack():
    packet = ipv6.build(SRC, DST, 0, bytes.fromhex("3b00010400000000") + bytes(100))
    pieces = fragment(packet, LONG, mtu=60, tag=9)
    tree = explain(mesh_header(EUI_A, EUI_B, 20) + b"\x50\x07" + pieces[0], SHORT)
    assert names(tree) == [
        "MESH",
        "LOWPAN_BC0",
        "FRAG1",
        "LOWPAN_IPHC",
        "LOWPAN_NHC extension header",
        "data",
    ]
    tile(tree)
    text = render(tree)
    for expected in (
        "Deep Hops Left = 20",
        "datagram_size = 148",
        "fe80::212:4b00:102:304",
        "6 octets of padding",
    ):
        assert expected in text
    tree = explain(pieces[1], LONG)
    assert names(tree) == ["FRAGN", "fragment data"]
    tile(tree)
    tunnel = ipv6.build(SRC, DST, 41, PACKET)
    tree = explain(b"\xf1" + encode(tunnel, LONG), LONG)
    assert names(tree)[0] == "page switch"
    assert names(tree).count("LOWPAN_IPHC") == 2
    tile(tree)
    tile(explain(b"\x41" + PACKET, LONG))
    tile(explain(bytes.fromhex("42fa40"), LONG))


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        ("7b34" + "00" * 20, "DAM"),
        ("7b", "LOWPAN_IPHC"),
        ("7b333b"[:4], "missing"),
        ("7fb70b", "DCI"),
        ("7f33ea3b00", "NHC"),
        ("c0270001" + "41" * 9, "datagram_size"),
        ("e038000100" + "00" * 8, "datagram_offset"),
        ("4160", "missing"),
        ("7f33ee", "missing"),
        ("7f33ee41", "octets"),
        ("00", "dispatch"),
        ("", "missing"),
    ],
)
def test_explain_marks_the_wrong_field(wire, field):
    tree = explain(bytes.fromhex(wire), LONG, CONTEXTS)

    def wrong(node):
        found = [node.name] if node.error else []
        return found + [name for child in node.children for name in wrong(child)]

    assert wrong(tree) == [field] or field == "LOWPAN_IPHC", render(tree)
    assert tree.has_error
    assert "^^" in render(tree)


def codes(payloads, link=LONG, contexts=CONTEXTS, **kw):
    return [(f.code, f.requirement, f.level, f.frame) for f in lint(payloads, link, contexts, **kw)]


@given(samples.packets(), samples.links)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_lint_is_quiet_about_our_own_encoder(packet, link):
    found = lint([encode(packet, link, CONTEXTS)], link, CONTEXTS)
    assert {finding.code for finding in found} <= {"checksum", "link_broadcast"}, found


def test_lint_of_good_fragments_is_quiet():
    packet = ipv6.echo_request(SRC, DST, 1, 2, bytes(500))
    first, second = fragment(packet, LONG, mtu=102, tag=0xFFFF), fragment(packet, LONG, mtu=102, tag=0)
    assert codes(first + second, mtu=102) == []
    assert codes(first + second, [LONG] * 12, mtu=102, times=range(12)) == []


LINTS = [
    ("7b34" + "00" * 20, "reserved", "RFC6282-3.1.1-33", "fail"),
    ("7b", "malformed", "RFC6282-3-01", "fail"),
    ("00", "unsupported", "RFC4944-5.1-03", "advice"),
    ("7b383b" + "00" * 16, "multicast_bit", "RFC6282-3.1.1-26", "fail"),
    ("7b303b" + "ff02" + "00" * 13 + "01", "multicast_bit", "RFC6282-3.1.1-25", "fail"),
    (("633300f000013b"), "reserved_bits", "RFC6282-3.2.1-02", "advice"),
    (("6b333000013b"), "reserved_bits", "RFC6282-3.2.1-03", "advice"),
    ("7bd3503b" + "0000000000000001", "context", "RFC6775-4.2-04", "fail"),
    ("7bb7053b", "context", "RFC6775-4.2-04", "fail"),
    ("7f33ef7b333b", "nhc_nh_bit", "RFC6282-4.2-18", "fail"),
    ("7f33f71241", "udp_checksum", "RFC6282-4.3.2-02", "advice"),
    ("42fa40", "hc1", "RFC6282-2-03", "advice"),
    ("41" + PACKET.hex(), "not_minimal", None, "advice"),
    ("7bb3003b", "not_minimal", None, "advice"),
    ("f17b333b", "not_minimal", None, "advice"),
    ("50017b333b", "broadcast_header", "RFC4944-11.1-01", "advice"),
    ("7b3b3b01", "link_broadcast", "RFC4944-3-05", "fail"),
    ("7f33f3120000", "checksum", None, "advice"),
]


@pytest.mark.parametrize(
    ("wire", "code", "requirement", "level"), LINTS, ids=[row[1] + row[0][:6] for row in LINTS]
)
def test_lint(wire, code, requirement, level):
    assert (code, requirement, level, 0) in codes([bytes.fromhex(wire)])


def test_lint_mesh():
    header = mesh_header(EUI_A, b"\xff\xff", 0)
    one, two = header + b"\x50\x07\x7b\x3b\x3b\x01", header + b"\x50\x07\x7a\x3b\x3b\x01"
    assert codes([one, two], SHORT) == [
        ("hops_left", "RFC4944-5.2-04", "advice", 0),
        ("hops_left", "RFC4944-5.2-04", "advice", 1),
        ("sequence_number", "RFC4944-11.1-02", "fail", 1),
    ]
    assert codes([mesh_header(EUI_A, EUI_B, 3) + b"\x7b\x33\x3b"], SHORT) == []


@pytest.mark.parametrize(("tag", "found"), [(5, []), (6, ["sequence_number"])], ids=["its-own", "another"])
def test_a_first_fragment_behind_the_others_begins_no_broadcast(tag, found):
    """RFC 4944 §5.3 asks for no order, and all fragments of a datagram have the number of one broadcast."""
    first, *rest = fragment(ipv6.echo_request(SRC, DST, 1, 2, bytes(200)), LONG, mtu=60, tag=5)
    sent = [b"\x50\x07" + one for one in (*rest[::-1], first[:3] + bytes((tag,)) + first[4:])]
    assert [row[0] for row in codes(sent) if row[0] == "sequence_number"] == found


def test_lint_fragments():
    packet = ipv6.echo_request(SRC, DST, 1, 2, bytes(200))
    pieces = fragment(packet, LONG, mtu=60, tag=5)
    longer = fragment(ipv6.echo_request(SRC, DST, 1, 2, bytes(208)), LONG, mtu=60, tag=5)
    assert codes(pieces, mtu=300) == [("needless_fragments", "RFC4944-5.3-01", "advice", len(pieces) - 1)]
    assert codes(pieces, mtu=50)[0] == ("too_long", "RFC4944-4-03", "fail", 0)
    other = fragment(ipv6.echo_request(SRC, DST, 1, 3, bytes(200)), LONG, mtu=60, tag=5)
    assert codes(pieces + other) == [("datagram_tag", "RFC4944-5.3-13", "fail", len(pieces))]
    assert codes(pieces + pieces) == [], "captured twice"
    jump = fragment(packet, LONG, mtu=60, tag=0x4000)
    assert codes(pieces + jump) == [("datagram_tag", "RFC4944-5.3-13", "advice", len(pieces))]
    assert ("datagram_size", "RFC4944-5.3-09", "fail", 1) in codes([pieces[0], longer[1]])
    assert codes(pieces[:1]) == [("incomplete", None, "advice", 0)]
    assert ("datagram_size", "RFC4944-4-01", "advice", 0) in codes([fragment_header_n(1281, 1, 5) + bytes(8)])
    assert codes(pieces[:2] + pieces, times=[0.0] * 2 + [100.0] * len(pieces)) == [
        ("incomplete", None, "advice", 0),
        ("datagram_tag", "RFC4944-5.3-13", "advice", 2),
    ], "it may have started anew in between"
    assert codes([piece for piece in pieces for _ in range(3)]) == [], "repeated by the MAC"
    two_sizes = codes([pieces[0], longer[1], bytes.fromhex("7a333b")], times=[0, 0, 100])
    assert [row[0] for row in two_sizes].count("incomplete") == 1
    assert codes([b"\xc0"]) == [("malformed", "RFC4944-5.3-05", "fail", 0)]


def test_tags_wrap():
    one, two = (
        fragment(ipv6.echo_request(SRC, DST, 1, tag, bytes(200)), LONG, mtu=60, tag=tag)
        for tag in (0xFFFF, 0)
    )
    assert codes(one + two) == [], "0000 follows ffff"
    assert codes(two + one) == [("datagram_tag", "RFC4944-5.3-13", "advice", len(two))]
    jump = fragment(ipv6.echo_request(SRC, DST, 1, 5, bytes(200)), LONG, mtu=60, tag=0x100)
    assert codes(two + jump) == [], "a counter that serves others, too"
    jump = fragment(ipv6.echo_request(SRC, DST, 1, 5, bytes(200)), LONG, mtu=60, tag=0x101)
    assert codes(two + jump) == [("datagram_tag", "RFC4944-5.3-13", "advice", len(two))]


def test_needless_fragments_behind_a_mesh_header():
    """What counts is the room that the mesh header leaves."""
    front = mesh_header(EUI_A, EUI_B, 5)
    packet = ipv6.echo_request(SRC, DST, 1, 2, bytes(80))
    whole = len(front) + len(encode(packet, LONG))
    pieces = [front + each for each in fragment(packet, LONG, mtu=60, tag=1)]
    assert codes(pieces, mtu=whole) == [("needless_fragments", "RFC4944-5.3-01", "advice", len(pieces) - 1)]
    assert codes(pieces, mtu=whole - 1) == []


def test_fragments_of_one_tag_in_time():
    pieces = fragment(ipv6.echo_request(SRC, DST, 1, 2, bytes(200)), LONG, mtu=60, tag=5)
    other = fragment(ipv6.echo_request(SRC, DST, 1, 3, bytes(208)), LONG, mtu=60, tag=5)
    sizes = ("datagram_size", "RFC4944-5.3-09")
    assert (*sizes, "fail", 1) in codes([pieces[0], other[1]], times=[0.0, 1.0])
    assert (*sizes, "advice", 1) in codes([pieces[0], other[1]], times=[0.0, 1.1])
    # another first fragment is another datagram; the one before is given up
    anew = codes([pieces[0], *other], times=[0.0] + [0.5] * len(other))
    assert anew == [("incomplete", None, "advice", 0), ("datagram_tag", "RFC4944-5.3-13", "fail", 1)]
    same_size = fragment(ipv6.echo_request(SRC, DST, 1, 3, bytes(200)), LONG, mtu=60, tag=5)
    assert [row[0] for row in codes([pieces[0], *same_size])] == ["incomplete", "datagram_tag"]
    # a first fragment that comes behind others of its datagram is no other datagram
    assert codes([pieces[1], pieces[0], *pieces[2:]]) == []
    # sent again 60 seconds later it is no repetition: receivers have forgotten it
    late = codes(pieces + pieces, times=[0.0] * len(pieces) + [60.0] * len(pieces))
    assert late == [("datagram_tag", "RFC4944-5.3-13", "advice", len(pieces))]
    assert codes(pieces + pieces, times=[0.0] * len(pieces) + [59.0] * len(pieces)) == []


def test_broadcasts_in_time():
    first, second = b"\x50\x07\x7a\x33\x3b", b"\x50\x07\x7a\x33\x3b\1"
    number = ("sequence_number", "RFC4944-11.1-02")
    assert (*number, "fail", 1) in codes([first, second], times=[0.0, 1.0])
    assert (*number, "advice", 1) in codes([first, second], times=[0.0, 1.5])


def test_behind_a_compressed_fragment_header():
    """EID 2 has no length octet: what follows begins 8 octets behind its NHC octet."""
    known = LinkInfo("ieee802154", EUI_A, EUI_B, integrity=True)
    payload = bytes.fromhex("7e33" + "e5" + "00" + "000000000001" + "f4" + "16331633" + "00")
    assert [row[0] for row in codes([payload], known)] == ["udp_checksum"]


def test_the_unspecified_source_uses_no_context():
    """SAC=1 SAM=00 is "::": context 0 plays no part, whatever its C flag says."""
    contexts = Contexts.parse({"0": {"prefix": "2001:db8::/64", "compress": False}})
    found = lint([bytes.fromhex("7b4b3b01")], LONG, contexts)
    assert "context" not in [each.code for each in found]
    found = lint([bytes.fromhex("7b533b" + "0000000000000001")], LONG, contexts)
    assert "context" in [each.code for each in found]


def test_octets_behind_an_uncompressed_packet():
    (minimal, trailing) = lint([b"\x41" + PACKET + bytes(3)], LONG)
    assert (minimal.code, trailing.code) == ("not_minimal", "trailing_octets")
    end = 1 + len(PACKET)
    assert (trailing.level, trailing.offset, trailing.expected) == ("advice", end, f"{end} octets")
    assert [each.code for each in lint([b"\x41" + PACKET], LONG)] == ["not_minimal"]


def test_explain_elided_addresses_behind_a_mesh_header():
    text = render(explain(mesh_header(EUI_A, EUI_B, 5) + bytes.fromhex("7a333b"), SHORT))
    for name, whole in (("Source", SRC), ("Destination", DST)):
        assert f"{name} Address = elided: {ipaddress.IPv6Address(whole)}" in text


def test_explain_packets_in_packets_without_end():
    payload = bytes.fromhex("7e33" + "ee7e33" * 600 + "f3001234")
    for link in (LONG, BLE):
        tree = explain(payload, link)
        assert len(tree.children) > 1200
        tile(tree)
        assert "LOWPAN_NHC IPv6 header" in render(tree)


def test_lint_names_the_first_fragment():
    form = min(encodings(udp_packet(SRC, DST, data=bytes(100)), LONG, authorised=True), key=len)
    pieces = fragment(udp_packet(SRC, DST, data=bytes(100)), LONG, mtu=60, tag=1, payload=form)
    links = [LONG] * (len(pieces) - 1) + [LinkInfo("ieee802154", EUI_A, EUI_B)]
    found = lint(pieces, links)
    assert ("unsupported", 0) in [(finding.code, finding.frame) for finding in found]


def test_lint_ble():
    first, second = address("2001:db8::1111:2222:3333:4444"), address("2001:db8::1111:2222:3333:5555")
    contexts = Contexts.parse({"0": "2001:db8::/64", "1": "2001:db8:1::/64"})
    other = Contexts.parse({"0": "2001:db8:1::/64", "1": "2001:db8::/64"})
    node = LinkInfo("ble", BLE.src, BLE.dst, role="6LN", registered=(address("2001:db8::7"), first, second))
    router = node.reversed()
    mine, yours = link_local(BLE.src)[8:].hex(), link_local(BLE.dst)[8:].hex()

    def requirement(wire, link):
        return [f.requirement for f in lint([bytes.fromhex(wire)], link, contexts) if f.code == "elision"]

    assert requirement("7a133b" + mine, node) == ["RFC7668-3.2.4-04"]
    assert requirement("7a313b" + yours, node) == ["RFC7668-3.2.4-10"]
    assert requirement("7a133b" + yours, router) == ["RFC7668-3.2.4-12"]
    assert requirement("7a313b" + mine, router) == ["RFC7668-3.2.4-14"]
    assert requirement("7a533b" + second[8:].hex(), node) == ["RFC7668-3.2.4-05"]
    assert requirement("7a533b" + first[8:].hex(), node) == ["RFC7668-3.2.4-06"]
    assert requirement("7a353b" + second[8:].hex(), router) == ["RFC7668-3.2.4-15"]
    assert requirement("7a353b" + first[8:].hex(), router) == ["RFC7668-3.2.4-16"]
    assert requirement("7a533b" + "0000000000000007", node) == []
    assert requirement("7a733b", node) == []
    assert requirement("7a033b" + second.hex(), node) == ["RFC7668-3.2.4-05"]
    assert [f.code for f in lint([bytes.fromhex("7a033b") + second], node, other)] == [
        "not_minimal",
        "elision",
    ]
    assert lint([bytes.fromhex("7a033b") + second], node) == [], "without a context nothing can be elided"
    assert codes([b"\x41" + PACKET], BLE)[0] == ("uncompressed", "RFC7668-3.2.4-01", "advice", 0)
    assert codes([fragment_header_n(80, 1, 5) + bytes(8)], BLE) == [
        ("unsupported", "RFC7668-3-01", "fail", 0)
    ]
    assert codes([bytes.fromhex("7a3b3b01")], BLE) == []


def test_findings_read_well():
    finding = lint([bytes.fromhex("7f33ef7b333b")], LONG)[0]
    assert str(finding).startswith("fail: frame 0 octet 2: nhc_nh_bit: ")
    assert str(finding).endswith("(RFC6282-4.2-18)")
    assert "(RFC" not in str(lint([bytes.fromhex("f17b333b")], LONG)[0])


def test_lint_is_bounded():
    links = [LinkInfo("ieee802154", n.to_bytes(2, "big"), b"\0\1") for n in range(1, 1100)]
    found = lint([fragment_header_n(80, 1, 5) + bytes(8)] * len(links), links)
    assert len(found) == 1024, "the oldest of those left incomplete are forgotten"


def test_explain_ports_cut_short():
    tree = explain(bytes.fromhex("7f33f01633"), LONG)
    assert tree.has_error
    assert "ports = 1633: cut short" in render(tree)
