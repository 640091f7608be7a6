"""Fragments at their edges: fields, sizes, what touches, what is complete, what is kept and for how long."""

from __future__ import annotations

import pytest

from sixlowpan import DecodeError, EncodeError, LinkInfo, Reassembler, decode, encode, fragment, ipv6
from sixlowpan.fragment import fragment_header_1, fragment_header_n
from tests.sixlowpan.samples import DST, EUI_A, EUI_B, LONG, SRC, address

START = bytes.fromhex("7f33")  # TF=11 NH=1 HLIM=11, both addresses elided


def test_a_fragmented_elided_checksum_covers_the_final_destination():
    final = address("2001:db8::99")
    route = bytes((3, 1, 0, 0, 0, 0)) + final
    datagram = ipv6.udp(5683, 5684, bytes(range(40)), SRC, final)
    packet = ipv6.build(SRC, DST, 43, bytes((17, 2)) + route + datagram, hop_limit=255)
    size = len(packet)
    first = START + bytes((0xE3, 22)) + route + b"\xf4" + datagram[:4] + datagram[8:16]  # up to octet 80
    one = (0xC000 | size).to_bytes(2, "big") + b"\0\1" + first
    rest = (0xE000 | size).to_bytes(2, "big") + b"\0\1" + bytes((10,)) + packet[80:]
    reassembler = Reassembler()
    assert reassembler.receive(one, LONG) is None
    assert reassembler.receive(rest, LONG) == packet


@pytest.mark.parametrize(
    ("size", "tag", "units", "right"),
    [
        (0, 0, 0, True), (2047, 0xFFFF, 255, True), (2048, 0, 0, False), (-1, 0, 0, False), (0, 0x10000, 0, False),
        (0, -1, 0, False), (40, 1, 256, False), (40, 1, -1, False),
    ],
)  # fmt: skip
def test_fragment_header_fields(size, tag, units, right):
    """11, 16 and 8 bits (RFC 4944 section 5.3)."""
    if right:
        start = bytes((size >> 8, size & 255)) + tag.to_bytes(2, "big")
        assert fragment_header_n(size, tag, units) == bytes((0xE0 | start[0],)) + start[1:] + bytes((units,))
        assert fragment_header_1(size, tag) == bytes((0xC0 | start[0],)) + start[1:]
        return
    with pytest.raises(EncodeError):
        fragment_header_n(size, tag, units)
    if 0 <= units <= 255:
        with pytest.raises(EncodeError):
            fragment_header_1(size, tag)


def test_fragments_are_as_full_as_they_can_be():
    """No fragment but the last has room for another 8 octets, and none is too long, whatever the MTU."""
    packet = ipv6.echo_request(SRC, DST, 1, 1, bytes(range(256)) * 2)
    for mtu in range(20, 130):
        first, *others, _ = fragment(packet, LONG, mtu=mtu, tag=1)
        for piece in (first, *others):
            assert mtu - 8 < len(piece) <= mtu
    # the smallest first fragment: 4 octets of header, and IPHC with what makes its 40 octets and 8 more
    payload = encode(packet, LONG)
    least = 4 + len(payload) - (len(packet) - 40)
    assert len(fragment(packet, LONG, mtu=least + 8, tag=1)[0]) <= least + 8
    smallest = fragment(packet, LONG, mtu=13, tag=1)
    assert {len(piece) for piece in smallest[1:-1]} == {13}, "5 octets of header and 8 of the datagram"
    with pytest.raises(EncodeError, match="first fragment of 12 octets"):
        fragment(packet, LONG, mtu=12, tag=1)


def test_the_first_form_whose_headers_fit_is_taken():
    """RFC 6282 section 2: what does not fit is not compressed; what does fit still is."""
    options = bytes((59, 9)) + bytes((0x1E, 76)) + bytes(76)
    packet = ipv6.build(SRC, DST, 0, options + bytes(40))
    first = fragment(packet, LONG, mtu=60, tag=1)[0]
    assert first[4] >> 5 == 3, "IPHC, with the extension header as it is"
    assert first[4] & 4 == 0


def test_reassembly_defaults_and_limits():
    reassembler = Reassembler()
    assert (reassembler.timeout, reassembler.max_datagrams) == (60.0, 64)
    piece = bytes.fromhex("e1000000") + b"\1" + bytes(8)
    for tag in range(65):
        assert reassembler.receive(piece[:2] + tag.to_bytes(2, "big") + piece[4:], LONG, now=0.0) is None
    assert [key[3] for key in reassembler.keys] == list(range(1, 65)), "the oldest went"
    assert reassembler.expire(59.999) == []
    assert len(reassembler.expire(60.0)) == 64
    assert reassembler.pending == 0
    # the smallest datagram_size is that of an IPv6 header; the last fragment may end anywhere
    whole = bytes.fromhex("c0280001") + b"\x41" + ipv6.build(SRC, DST, 59, b"")
    assert reassembler.receive(whole, LONG) == ipv6.build(SRC, DST, 59, b"")
    # the largest, in two parts, the second of which ends with the datagram at no multiple of 8
    packet = ipv6.build(SRC, DST, 59, bytes(2047 - 40))
    one, two = b"\xc7\xff\0\1\x41" + packet[:1024], b"\xe7\xff\0\1\x80" + packet[1024:]
    assert reassembler.receive(two, LONG) is None
    assert reassembler.receive(one, LONG) == packet


def test_pieces_that_touch_do_not_overlap():
    packet = ipv6.build(SRC, DST, 59, bytes(range(80)))
    pieces = fragment(packet, LONG, mtu=45, tag=3, payload=b"\x41" + packet)
    assert len(pieces) > 2
    for order in (pieces, pieces[::-1], pieces[1:] + pieces[:1]):
        reassembler = Reassembler()
        found = [reassembler.receive(piece, LONG) for piece in order]
        assert found[:-1] == [None] * (len(pieces) - 1)
        assert found[-1] == packet
    # one octet run that reaches 8 octets into its neighbour, from either side
    second = pieces[1]
    longer = second + packet[second[4] * 8 + len(second) - 5 :][:8]
    for order in ((longer, pieces[2]), (pieces[2], longer)):
        reassembler = Reassembler()
        assert [reassembler.receive(piece, LONG) for piece in order] == [None, None]
        assert reassembler.pending == 1
        assert reassembler.receive(pieces[0], LONG) is None, "what was there before the overlap is gone"


def test_ghc_in_a_first_fragment_stops_at_the_size_of_the_datagram():
    """RFC 7400 section 5: what a decompressor puts out is bounded, here by datagram_size."""
    wire = bytes.fromhex("c0300001") + START + bytes.fromhex("df048000000086") + b"\x8f" * 4
    with pytest.raises(DecodeError) as caught:
        Reassembler().receive(wire, LONG)
    assert (caught.value.kind, caught.value.offset, caught.value.requirement) == (
        "malformed",
        12,
        "RFC7400-5-01",
    )


def test_a_first_fragment_may_be_the_whole_datagram():
    """Needless but clear: the elided checksum is then restored once, at once."""
    packet = ipv6.build(SRC, DST, 17, ipv6.udp(5683, 5684, bytes(range(16)), SRC, DST), hop_limit=255)
    payload = START + b"\xf4" + packet[40:44] + packet[48:]
    assert decode(payload, LONG) == packet
    assert (
        Reassembler().receive((0xC000 | len(packet)).to_bytes(2, "big") + b"\0\1" + payload, LONG) == packet
    )


def test_a_first_fragment_may_hold_headers_only_or_8_octets_only():
    packet = ipv6.build(address("fe80::1:2:3:4"), DST, 59, bytes(40))
    first, second, *_ = fragment(packet, LONG, mtu=4 + 11, tag=1)
    assert len(first) == 4 + 11
    assert second[4] == 5, "octet 40"
    first, second, *_ = fragment(packet, LONG, mtu=4 + 1 + 8, tag=1, payload=b"\x41" + packet)
    assert (len(first), second[4]) == (13, 1)


def test_the_key_is_read_as_it_is_written():
    reassembler = Reassembler()
    reassembler.receive(bytes.fromhex("e5671234") + b"\1" + bytes(8), LONG)
    assert reassembler.keys == [(EUI_A, EUI_B, 0x567, 0x1234)]


@pytest.mark.parametrize("protected", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("backwards", [False, True])
def test_every_fragment_needs_its_integrity_check(protected, backwards):
    """RFC 6282 section 4.3.2, for an elided checksum that covers octets of both fragments."""
    packet = ipv6.build(SRC, DST, 17, ipv6.udp(5683, 5684, bytes(range(32)), SRC, DST), hop_limit=255)
    size = len(packet)
    first = (0xC000 | size).to_bytes(2, "big") + b"\0\1" + START + b"\xf4" + packet[40:44] + packet[48:64]
    second = (0xE000 | size).to_bytes(2, "big") + b"\0\1\x08" + packet[64:]
    links = [LinkInfo("ieee802154", EUI_A, EUI_B, integrity=each) for each in protected]
    pieces = list(zip((first, second), links, strict=True))[:: -1 if backwards else 1]
    reassembler = Reassembler()
    if all(protected):
        assert [reassembler.receive(*each) for each in pieces] == [None, packet]
        return
    with pytest.raises(DecodeError) as caught:
        [reassembler.receive(*each) for each in pieces]
    assert caught.value.requirement == "RFC6282-4.3.2-12"


def test_a_fresh_reassembly_is_the_youngest():
    """After an overlap the timeout runs from the fragment that began the fresh one."""
    reassembler = Reassembler()
    for tag, offset, now in ((1, 1, 0.0), (2, 1, 10.0)):
        piece = bytes.fromhex("e100") + tag.to_bytes(2, "big") + bytes((offset,)) + bytes(16)
        reassembler.receive(piece, LONG, now=now)
    reassembler.receive(bytes.fromhex("e1000001") + b"\2" + bytes(16), LONG, now=20.0)
    assert [key[3] for key in reassembler.keys] == [2, 1]
    assert [key[3] for key in reassembler.expire(70.0)] == [2]
    assert [key[3] for key in reassembler.expire(80.0)] == [1]


def test_one_octet_missing_is_missing():
    packet = ipv6.build(SRC, DST, 59, bytes(9))
    head, last = bytes.fromhex("c0310001") + b"\x41" + packet[:48], bytes.fromhex("e031000106") + packet[48:]
    for order in ((head, last), (last, head)):
        reassembler = Reassembler()
        assert [reassembler.receive(piece, LONG) for piece in order] == [None, packet]


def test_clear_forgets_everything():
    reassembler = Reassembler()
    reassembler.receive(bytes.fromhex("e1000001") + b"\1" + bytes(8), LONG)
    assert reassembler.pending == 1
    reassembler.clear()
    assert reassembler.pending == 0
