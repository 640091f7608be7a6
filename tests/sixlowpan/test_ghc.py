"""GHC as a sender (RFC 7400): the printed figures both ways, the smallest bytecode, whole packets and fragments."""

from __future__ import annotations

import random

import pytest

from sixlowpan import (
    DecodeError,
    Reassembler,
    compress,
    decode,
    encode,
    explain,
    fragment,
    ghc,
    ipv6,
    render,
)
from tests.sixlowpan.samples import DST, LONG, SRC
from vectors.examples import examples

ADDRESSES = SRC + DST


def expanded(code: bytes, addresses: bytes = ADDRESSES) -> bytes:
    out = bytearray()
    assert ghc.expand(code, 0, addresses, out, limit=5000) == len(code)
    return bytes(out)


@pytest.mark.parametrize("number", range(8, 18))
def test_the_printed_figures_are_met(number):
    """RFC 7400 figures 8 to 17: every one is met in size and none can be beaten, so they are the smallest."""
    example = examples()[f"RFC7400-fig{number}"]
    addresses = bytes.fromhex(example["in"]["ipv6_header"])[8:40]
    printed, data = bytes.fromhex(example["in"]["compressed"]), bytes.fromhex(example["out"]["payload"])
    assert expanded(printed, addresses) == data
    packed = ghc.compress(data, addresses)
    assert expanded(packed, addresses) == data
    assert len(packed) == len(printed)


def smallest(data: bytes) -> int:
    """The size of the smallest bytecode, by trying every code at every place."""
    buffer = ADDRESSES + ghc.STATIC_DICTIONARY + data
    sizes = [0, *[10**6] * len(data)]
    for at in range(len(data)):
        here = at + 48
        for count in range(1, len(data) - at + 1):
            offers = [1 + count] if count < 96 else []
            offers += [1] if 2 <= count <= 17 and not any(data[at : at + count]) else []
            for back in range(count, here + 1) if count >= 2 else ():
                if buffer[here - back : here - back + count] == buffer[here : here + count]:
                    na, sa, extra = (count - 2) // 8, (back - count) // 8, 0
                    while na > 0 or sa > 0:
                        na, sa, extra = na - 1, sa - 15, extra + 1
                    offers.append(1 + extra)
            for size in offers:
                sizes[at + count] = min(sizes[at + count], sizes[at] + size)
    return sizes[-1]


def noise(draw: random.Random, most: int) -> bytes:
    """Octets with runs of zeros, repeats and parts of the dictionary in them, as headers have."""
    data = b""
    while len(data) < most:
        buffer = ADDRESSES + ghc.STATIC_DICTIONARY + data
        begin, count = draw.randrange(len(buffer)), draw.randrange(1, 24)
        data += draw.choice((bytes(count), draw.randbytes(count), buffer[begin : begin + count]))
    return data[: draw.randrange(most + 1)]


def test_no_bytecode_is_smaller():
    draw = random.Random(7400)
    for _ in range(25):
        data = noise(draw, 60)
        packed = ghc.compress(data, ADDRESSES)
        assert expanded(packed) == data
        assert len(packed) == smallest(data), data.hex()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", ""),
        ("aa", "01aa"),
        ("aa0000", "01aa80"),
        ("aa" + "00" * 17, "01aa8f"),
        ("16fe", "a1c6"),
        ("fd17fefd0001", "a1e0"),
        (SRC.hex(), "b4f0"),
        (DST.hex(), "b2f0"),
    ],
)
def test_codes_by_hand(data, code):
    assert expanded(bytes.fromhex(code)).hex() == data
    assert len(ghc.compress(bytes.fromhex(data), ADDRESSES)) <= len(code) // 2


def test_literals_of_more_than_95_octets_take_a_second_code():
    data = random.Random(1).randbytes(96)
    assert len(ghc.compress(data[:95], bytes(32))) == 96
    assert len(ghc.compress(data, bytes(32))) == 98
    longer = random.Random(1).randbytes(ghc.MAX_SEARCHED + 1)
    assert expanded(ghc.compress(longer, bytes(32)), bytes(32)) == longer


def test_10000_packets():
    """Compressed and decompressed it is the packet, and never longer than by NHC without GHC."""
    draw = random.Random(6282)
    shorter = 0
    for _ in range(10_000):
        data, protocol = noise(draw, draw.choice((0, 8, 24, 48))), draw.choice((6, 17, 17, 58, 58))
        if protocol == 17:
            data = ipv6.udp(5683, draw.choice((5683, 61617)), data, SRC, DST)
        for header in draw.choices((0, 43, 44, 60, 135, 41), k=draw.randrange(3)):
            if header == 41:
                data = ipv6.build(SRC, DST, protocol, data)
            else:
                options = bytes((protocol, 0)) + bytes((1, 4, 0, 0, 0, 0))
                data = draw.choice((options, options[:2] + draw.randbytes(6))) + data
            protocol = header
        packet = ipv6.build(SRC, DST, protocol, data)
        plain, packed = encode(packet, LONG), encode(packet, LONG, ghc=True)
        assert len(packed) <= len(plain)
        assert decode(packed, LONG) == packet
        shorter += len(packed) < len(plain)
    assert shorter > 2000


def test_the_forms_of_a_packet():
    options = bytes.fromhex("3a00" + "010400000000")
    message = b"\x80\0\x12\x34" + bytes(12)
    packet = ipv6.build(SRC, DST, 60, options + message, hop_limit=255)
    assert encode(packet, LONG, ghc=True).hex() == "7f33" + "e700" + "df" + "04800012348a"
    datagram = bytes.fromhex("f0b1f0b200181234") + bytes(16)
    packet = ipv6.build(SRC, DST, 17, datagram, hop_limit=255)
    assert encode(packet, LONG, ghc=True).hex() == "7f33" + "d3121234" + "8e"
    routing = bytes.fromhex("3b02000000000000") + SRC
    packet = ipv6.build(SRC, DST, 43, routing, hop_limit=255)
    assert encode(packet, LONG, ghc=True).hex() == "7f33" + "b23b" + "84" + "b4f6" + "90"
    incompressible = ipv6.build(SRC, DST, 58, b"\x80\x7b\x12\x34", hop_limit=255)
    assert encode(incompressible, LONG, ghc=True) == encode(incompressible, LONG)


def test_explain_says_what_each_code_does():
    packet = ipv6.build(SRC, DST, 58, b"\x87\x01\xaa\xbb" + bytes(4) + DST, hop_limit=255)
    text = render(explain(encode(packet, LONG, ghc=True), LONG))
    assert "GHC: 24 octets from 8" in text
    assert "append 4 octets as they are" in text
    assert "append 4 zeros" in text
    assert "octet 0 of the destination address" in text
    wrong = render(explain(bytes.fromhex("7f33df0280aa60"), LONG))
    assert "^^^ reserved: GHC code 0x60 is reserved (RFC7400-2-07)" in wrong


def test_explain_says_where_a_sender_might_have_packed_more():
    good = ghc.compress(DST, ADDRESSES)
    wasteful = bytes((8,)) + DST[:8] + bytes((8,)) + DST[8:]
    for code, said in ((good, "GHC: 16 octets from 2"), (wasteful, "GHC: 16 octets from 18, where 2 do")):
        lines = render(explain(b"\x7f\x33\xdf" + code, LONG)).splitlines()
        assert any(line.endswith(f"{said}  [RFC7400-2-01]") for line in lines)


def test_the_choices_are_those_of_the_encoder():
    """What `--why` says adds up to what is sent, in packets of every kind."""
    draw = random.Random(7401)
    for _ in range(300):
        data, protocol = noise(draw, 40), draw.choice((17, 58, 58, 6))
        if protocol == 17:
            data = ipv6.udp(5683, 5683, data, SRC, DST)
        for header in draw.choices((0, 43, 60, 41), k=draw.randrange(3)):
            if header == 41:
                data = ipv6.build(SRC, DST, protocol, data)
            else:
                data = bytes((protocol, 0)) + draw.choice((bytes(6), draw.randbytes(6))) + data
            protocol = header
        packet = ipv6.build(SRC, DST, protocol, data)
        parts = list(compress.weighed(packet))
        # the NHC octet of a message of ICMPv6 stands in the place of the Next Header octet
        saved = sum(part.plain - part.packed for part in parts if part.by_ghc)
        assert len(encode(packet, LONG)) - saved == len(encode(packet, LONG, ghc=True))


def test_the_first_fragment_carries_a_prefix_by_ghc():
    packet = ipv6.build(SRC, DST, 58, b"\x80\0\0\0" + bytes(300) + bytes(range(200)), hop_limit=255)
    packed = fragment(packet, LONG, mtu=81, tag=1, ghc=True)
    assert len(packed) < len(fragment(packet, LONG, mtu=81, tag=1))
    assert packed[0][4:7].hex() == "7f33df"
    assert all(len(each) <= 81 for each in packed)
    reassembler = Reassembler()
    assert [reassembler.receive(each, LONG) for each in packed][-1] == packet
    incompressible = ipv6.build(SRC, DST, 58, bytes(range(200)), hop_limit=255)
    assert fragment(incompressible, LONG, mtu=81, tag=1, ghc=True) == fragment(
        incompressible, LONG, mtu=81, tag=1
    )


def test_the_room_for_what_comes_out_is_counted_with_what_is_there():
    for limit, fits in ((7, True), (6, False)):
        out = bytearray(b"head")
        if fits:
            ghc.expand(b"\x81", 0, ADDRESSES, out, limit=limit)
            assert out == b"head\0\0\0"
        else:
            with pytest.raises(DecodeError, match="exceeds"):
                ghc.expand(b"\x81", 0, ADDRESSES, out, limit=limit)
    # 0xbf, the last of its kind: sa = 120, na = 8; 10 octets from 130 to the left
    assert (
        expanded(b"\x5f" + bytes(range(95)) + b"\xbf\xc0")[95:]
        == (ADDRESSES + ghc.STATIC_DICTIONARY + bytes(range(95)))[13:23]
    )
