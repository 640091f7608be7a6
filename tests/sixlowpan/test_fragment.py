"""Fragmentation and reassembly (RFC 4944 section 5.3)."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixlowpan import (
    DecodeError,
    EncodeError,
    LinkInfo,
    Reassembler,
    decode,
    encode,
    encodings,
    fragment,
    fragment_header_1,
    fragment_header_n,
    ipv6,
    link_local,
    mesh_header,
)
from tests.sixlowpan import samples
from tests.sixlowpan.samples import BLE, CONTEXTS, DST, EUI_A, EUI_B, LONG, SRC, udp_packet

PACKET = ipv6.echo_request(SRC, DST, 1, 2, bytes(range(256)) + bytes(range(64)))
PIECES = fragment(PACKET, LONG, mtu=102, tag=7)


def receive_all(reassembler, payloads, link=LONG, contexts=CONTEXTS, now=0.0):
    return [reassembler.receive(payload, link, contexts, now) for payload in payloads]


def test_headers():
    assert fragment_header_1(1280, 0x0102).hex() == "c5000102"
    assert fragment_header_n(1280, 0x0102, 12).hex() == "e50001020c"
    for bad in (
        lambda: fragment_header_1(2048, 0),
        lambda: fragment_header_n(40, 0, 256),
        lambda: fragment_header_1(40, -1),
    ):
        with pytest.raises(EncodeError):
            bad()


def test_every_order():
    assert len(PIECES) == 4
    for order in itertools.permutations(PIECES):
        reassembler = Reassembler()
        packets = receive_all(reassembler, order)
        assert packets[:-1] == [None] * 3
        assert packets[-1] == PACKET
        assert reassembler.pending == 0


@given(
    st.integers(0, 1232),
    st.integers(30, 130),
    st.randoms(use_true_random=False),
    st.sampled_from([LONG, samples.SHORT]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_size_any_mtu(size, mtu, shuffle, link):
    packet = udp_packet(link_local(link.src), link_local(link.dst), data=random.Random(size).randbytes(size))
    pieces = fragment(packet, link, CONTEXTS, mtu=mtu, tag=size)
    assert all(len(piece) <= mtu for piece in pieces)
    shuffle.shuffle(pieces)
    assert receive_all(Reassembler(), pieces, link)[-1] == packet


@given(samples.packets(), samples.links.filter(lambda link: link.kind != "ble"), st.integers(60, 110))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_headers_that_do_not_fit_are_not_compressed(packet, link, mtu):
    pieces = fragment(packet, link, CONTEXTS, mtu=mtu, tag=1)
    assert receive_all(Reassembler(), pieces, link)[-1] == packet


def test_a_large_extension_header_goes_uncompressed():
    header = bytes((17, 30)) + bytes((0x1E, 244)) + bytes(244)
    packet = ipv6.build(SRC, DST, 60, header + ipv6.udp(1, 2, b"", SRC, DST))
    pieces = fragment(packet, LONG, mtu=102, tag=1)
    assert pieces[0][4] & 0x04 == 0, (
        "IPHC alone: the destination options header does not fit the first fragment"
    )
    assert receive_all(Reassembler(), pieces)[-1] == packet


def test_each_form_can_be_fragmented():
    packet = udp_packet(SRC, DST, data=bytes(100))
    for form in encodings(packet, LONG, CONTEXTS, authorised=True):
        pieces = fragment(packet, LONG, CONTEXTS, mtu=81, tag=1, payload=form)
        assert receive_all(Reassembler(), reversed(pieces))[-1] == packet


def test_what_fits_goes_alone():
    packet = udp_packet(SRC, DST, data=bytes(20))
    payload = encode(packet, LONG)
    assert fragment(packet, LONG, mtu=len(payload), tag=1) == [payload]
    assert len(fragment(packet, LONG, mtu=len(payload) - 1, tag=1)) > 1


def test_fragment_refuses():
    big = ipv6.build(SRC, DST, 59, bytes(2020))
    with pytest.raises(EncodeError, match="11 bits"):
        fragment(big, LONG, mtu=100, tag=1)
    with pytest.raises(EncodeError, match="Bluetooth"):
        fragment(PACKET, BLE, mtu=100, tag=1)
    with pytest.raises(EncodeError, match="do not fit"):
        fragment(PACKET, LONG, mtu=12, tag=1)
    with pytest.raises(EncodeError, match="do not fit"):
        fragment(PACKET, LONG, mtu=20, tag=1, payload=b"\x78\x00" + PACKET[6:])
    with pytest.raises(EncodeError, match="does not decode"):
        fragment(PACKET, LONG, mtu=100, tag=1, payload=bytes(200))
    with pytest.raises(EncodeError, match="stands for"):
        fragment(PACKET, LONG, mtu=10, tag=1, payload=encode(udp_packet(SRC, DST), LONG))
    assert len(fragment(ipv6.build(SRC, DST, 59, bytes(2007)), LONG, mtu=100, tag=1)) > 20


def test_duplicates_do_no_harm():
    doubled = [piece for piece in PIECES for _ in range(2)]
    packets = receive_all(Reassembler(), doubled[:-1])
    assert packets[-1] == PACKET
    assert packets.count(None) == 6


def test_key_of_four():
    reassembler = Reassembler()
    links = [
        LONG,
        LinkInfo("ieee802154", samples.SHORT_A, EUI_B),
        LinkInfo("ieee802154", EUI_A, samples.SHORT_B),
    ]
    other_tag = [piece[:2] + b"\xff\xff" + piece[4:] for piece in PIECES]
    longer = ipv6.echo_request(SRC, DST, 1, 2, bytes(range(256)) + bytes(72))
    flows = [(LONG, PIECES), (LONG, other_tag), (LONG, fragment(longer, LONG, mtu=102, tag=7))]
    flows += [(link, fragment(PACKET, link, mtu=102, tag=7)) for link in links[1:]]
    done = []
    for step in range(5):
        for link, pieces in flows:
            if step < len(pieces):
                packet = reassembler.receive(pieces[step], link, CONTEXTS, 0.0)
                if packet is not None:
                    done.append(packet)
    assert reassembler.pending == 0
    assert done.count(PACKET) == 4
    assert longer in done


def test_a_first_fragment_without_octets_of_the_datagram_changes_nothing():
    """`41` alone behind FRAG1 fills no place: what fills it already must not be forgotten."""
    empty = fragment_header_1(len(PACKET), 7) + b"\x41"
    first, second, third, fourth = PIECES
    reassembler = Reassembler()
    assert receive_all(reassembler, [first, second]) == [None] * 2
    with pytest.raises(DecodeError, match="no octet of the datagram"):
        reassembler.receive(empty, LONG, CONTEXTS)
    assert receive_all(reassembler, [third, fourth])[-1] == PACKET
    receive_all(reassembler, [first])
    with pytest.raises(DecodeError):
        reassembler.receive(empty, LONG, CONTEXTS)
    over = fragment_header_n(len(PACKET), 7, 1) + bytes(len(PACKET) - 8)
    assert receive_all(reassembler, [over]) == [None]  # it overlaps the first, which is discarded


def test_overlap_discards_and_starts_fresh():
    first, second, third, fourth = PIECES
    at = second[4]
    shifted = second[:4] + bytes((at + 1,)) + second[5:]
    reassembler = Reassembler()
    assert receive_all(reassembler, [first, second, shifted]) == [None] * 3
    assert reassembler.pending == 1
    # what was accumulated is gone and the shifted one is there; the third overlaps it and starts afresh again
    assert receive_all(reassembler, [third, fourth, first, second])[-1] == PACKET
    assert receive_all(reassembler, [shifted, second, first, third, fourth])[-1] == PACKET
    assert receive_all(reassembler, [first, shifted, second, third, fourth])[-1] is None
    reassembler.clear()
    shorter = second[:-8]
    assert receive_all(reassembler, [first, second, shorter, third, fourth])[-1] is None


def test_timeout_runs_from_the_first_fragment():
    reassembler = Reassembler()
    assert reassembler.receive(PIECES[0], LONG, CONTEXTS, 0.0) is None
    assert reassembler.receive(PIECES[1], LONG, CONTEXTS, 59.0) is None
    assert reassembler.keys == [(EUI_A, EUI_B, len(PACKET), 7)]
    assert reassembler.receive(PIECES[2], LONG, CONTEXTS, 59.9) is None
    assert reassembler.expire(59.99) == []
    assert reassembler.expire(60.0) == [(EUI_A, EUI_B, len(PACKET), 7)]
    assert reassembler.receive(PIECES[3], LONG, CONTEXTS, 60.1) is None
    assert reassembler.pending == 1


def test_memory_is_bounded():
    reassembler = Reassembler(max_datagrams=4)
    for tag in range(100):
        reassembler.receive(fragment_header_n(2047, tag, 5) + bytes(8), LONG, CONTEXTS, float(tag) / 100)
    assert reassembler.pending == 4
    assert receive_all(reassembler, PIECES, now=1.0)[-1] == PACKET


def test_mesh_addresses_are_the_key():
    reassembler = Reassembler()
    header = mesh_header(EUI_A, EUI_B, 5)
    hops = [LinkInfo("ieee802154", bytes((0, 9 + i)), b"\0\1") for i in range(4)]
    packets = [
        reassembler.receive(header + b"\x50" + bytes((i,)) + piece, hop, CONTEXTS, 0.0)
        for i, (piece, hop) in enumerate(zip(PIECES, hops, strict=True))
    ]
    assert packets[-1] == PACKET


def test_elided_checksum_across_fragments():
    packet = udp_packet(SRC, DST, data=bytes(range(200)))
    form = min(encodings(packet, LONG, authorised=True), key=len)
    pieces = fragment(packet, LONG, mtu=80, tag=1, payload=form)
    for order in itertools.permutations(pieces):
        assert receive_all(Reassembler(), order)[-1] == packet
    unprotected = LinkInfo("ieee802154", EUI_A, EUI_B)
    with pytest.raises(DecodeError):
        Reassembler().receive(pieces[0], unprotected)
    # one unprotected fragment spoils it, and the blame names the first fragment
    reassembler = Reassembler()
    for index, piece in enumerate(pieces[:-1]):
        reassembler.receive(piece, LONG, CONTEXTS, 0.0, index)
    with pytest.raises(DecodeError) as caught:
        reassembler.receive(pieces[-1], unprotected, CONTEXTS, 0.0, len(pieces) - 1)
    assert caught.value.frame == 0
    assert caught.value.requirement == "RFC6282-4.3.2-12"


BAD = [
    ("c0", "malformed", 1, "RFC4944-5.3-05"),
    ("c0280001", "malformed", 4, "RFC4944-5.3-05"),
    ("e028000101", "malformed", 5, "RFC4944-5.3-07"),
    ("c0270001" + "41" + "60" * 39, "malformed", 0, "RFC4944-5.3-10"),
    ("e038000100" + "00" * 8, "malformed", 4, "RFC4944-5.3-04"),
    ("e028000105aa", "malformed", 0, "RFC4944-5.3-20"),
    ("e03800010500000000000000", "malformed", 0, "RFC4944-5.3-03"),
    ("c0380001c0380001", "malformed", 4, "RFC4944-5-02"),
    ("c038000100", "reserved", 4, "RFC8066-3.4-01"),
    ("c0380001" + "7b", "malformed", 5, "RFC6282-3-01"),
    ("c0380001" + "7f33f3", "malformed", 7, "RFC6282-4.3.3-07"),
    ("c0280001" + "7b333b" + "00", "malformed", 7, "RFC4944-5.3-20"),
    ("c0280001" + "7f33f3121234", "malformed", 10, "RFC4944-5.3-10"),
    ("c0380001" + "4150", "malformed", 5, "RFC4944-5.1-05"),
    ("c0380001" + "41600000000011", "malformed", 9, "RFC4944-5.3-10"),
    ("c0280001" + "41600000000000" + "00" * 40, "malformed", 5, "RFC4944-5.3-20"),
]


@pytest.mark.parametrize(("wire", "kind", "offset", "requirement"), BAD, ids=[row[0][:16] for row in BAD])
def test_bad_fragments(wire, kind, offset, requirement):
    reassembler = Reassembler()
    reassembler.receive(PIECES[0], LONG)
    with pytest.raises(DecodeError) as caught:
        reassembler.receive(bytes.fromhex(wire), LONG)
    error = caught.value
    assert (error.kind, error.offset, error.requirement) == (kind, offset, requirement)
    assert reassembler.pending == 1, "a bad fragment changes nothing"


def test_no_fragments_on_ble():
    with pytest.raises(DecodeError) as caught:
        Reassembler().receive(PIECES[0], BLE)
    assert caught.value.requirement == "RFC7668-3-01"
    with pytest.raises(DecodeError) as caught:
        decode(PIECES[0], BLE)
    assert caught.value.requirement == "RFC7668-3-01"
    for stack in (mesh_header(samples.SHORT_A, samples.SHORT_B, 3), b"\x50\x01"):
        with pytest.raises(DecodeError, match="no meaning on Bluetooth"):
            Reassembler().receive(stack + b"\x7a\x33\x3b", BLE)


def test_payload_length_is_checked_even_when_it_comes_late():
    # a first fragment of 0x41 that ends before the Payload Length cannot exist: 8 octets at least
    wrong = ipv6.build(SRC, DST, 59, bytes(40))
    header = fragment_header_1(80, 9)
    with pytest.raises(DecodeError) as caught:
        Reassembler().receive(header + b"\x41" + wrong[:4] + b"\0\x27" + wrong[6:16], LONG)
    assert caught.value.requirement == "RFC4944-5.3-10"


def test_unfragmented_payloads_pass_by():
    reassembler = Reassembler()
    reassembler.receive(PIECES[0], LONG)
    packet = udp_packet(SRC, DST)
    assert reassembler.receive(encode(packet, LONG), LONG) == packet
    assert reassembler.receive(b"\x41" + packet, LONG) == packet
    assert reassembler.pending == 1


def test_hc1_in_a_first_fragment():
    """RFC 4944 section 10.1: HC1 "may be preceded by a fragmentation header"."""
    packet = ipv6.build(SRC, DST, 58, bytes(range(100)))
    payload = bytes.fromhex("42fc40") + packet[40:]
    pieces = fragment(packet, LONG, mtu=60, tag=1, payload=payload)
    assert pieces[0][4:7].hex() == "42fc40"
    assert receive_all(Reassembler(), reversed(pieces))[-1] == packet
