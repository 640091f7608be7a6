"""NHC chains, GHC, HC1, mesh: the parts that the hot path hands on."""

from __future__ import annotations

import pytest

from sixlowpan import (
    Contexts,
    DecodeError,
    LinkInfo,
    decode,
    encode,
    encodings,
    ghc,
    hc1,
    ipv6,
    link_local,
    mesh,
    nhc,
)
from tests.sixlowpan import samples
from tests.sixlowpan.samples import CONTEXTS, DST, LONG, SRC, address

START = "7f33"  # TF=11 NH=1 HLIM=11, both addresses elided


def upper(packet: bytes) -> str:
    assert packet[4] << 8 | packet[5] == len(packet) - 40
    return packet[6:7].hex() + " " + packet[40:].hex()


@pytest.mark.parametrize(
    ("wire", "restored"),
    [
        (("e03b06630400000100"), "00 3b00630400000100"),
        (("e106630400000100f3120000"), "00 1100630400000100 f0b1f0b200080000"),
        (("e63b051e03aabbcc"), "3c 3b001e03aabbcc00"),
        (("e63b041e02aabb"), "3c 3b001e02aabb0100"),
        (("e63b031e01aa"), "3c 3b001e01aa010100"),
        (("e63b021e00"), "3c 3b001e0001020000"),
        (("e63b0100"), "3c 3b00000103000000"),
        ("e63b00", "3c 3b00010400000000"),
        (("e63b071e050102030405"), "3c 3b011e050102030405010500000000 00"),
        (("e23b06000000000000"), "2b 3b00000000000000"),
        ("e83b0e" + "ab" * 14, "87 3b01" + "ab" * 14),
        (("e43b00000112345678"), "2c 3b00000112345678"),
        (("e43b06000112345678"), "2c 3b00000112345678"),
        (("e43b09000112345678"), "2c 3b09000112345678"),
        (("e500000012345678f3120000"), "2c 1100000012345678 f0b1f0b200080000"),
        (("ee7b333baabb"), "29 6000000000023bff" + SRC.hex() + DST.hex() + "aabb"),
        (("ef7b333baabb"), "29 6000000000023bff" + SRC.hex() + DST.hex() + "aabb"),
        (
            ("e106630400000100ee7f33f312000041"),
            "00 290063040000010060000000000911ff" + SRC.hex() + DST.hex() + "f0b1f0b20009000041",
        ),
    ],
)
def test_chains(wire, restored):
    assert upper(decode(bytes.fromhex(START + wire), LONG)) == restored.split()[0] + " " + "".join(
        restored.split()[1:]
    )


def test_inner_addresses_come_from_the_outer_header():
    contexts = Contexts.parse({"0": "2001:db8::/64"})
    packet = decode(bytes.fromhex("7e5100000000000000aa00000000000000bbee7a733b"), LONG, contexts)
    assert packet[8:24] == address("2001:db8::aa")
    assert packet[48:64] == address("2001:db8::aa"), "SAC=1 SAM=11: the IID of the outer source"
    assert packet[64:80] == address("fe80::bb"), "DAC=0 DAM=11: the IID of the outer destination"
    assert encode(packet, LONG, contexts).hex().endswith("ee7a733b")


def test_padding_is_elided_only_when_it_comes_back_the_same():
    def nhc_octets(options: str) -> str:
        header = bytes((59, (2 + len(options) // 2) // 8 - 1)) + bytes.fromhex(options)
        packet = ipv6.build(SRC, DST, 0, header, hop_limit=255)
        for form in encodings(packet, LONG):
            assert decode(form, LONG) == packet
        return encode(packet, LONG).hex()[4:]

    assert nhc_octets("1e03aabbcc00") == "e03b051e03aabbcc"
    assert nhc_octets("1e02aabb0100") == "e03b041e02aabb"
    assert nhc_octets("010400000000") == "e03b00"
    assert nhc_octets("010400000001") == "e03b06010400000001"
    assert nhc_octets("1e0200000000") == "e03b061e0200000000", "two Pad1: not a single trailing option"
    assert nhc_octets("1e03aabbcc05") == "e03b061e03aabbcc05", "an option cut short"
    assert nhc_octets("1e05aabbcc00") == "e03b061e05aabbcc00", "an option beyond the end"
    assert nhc_octets("010c" + "00" * 12) == "e03b0e010c" + "00" * 12, "a pad of more than 7 octets"


def test_the_255_octet_limit():
    def first_nhc(count: int, options: bytes) -> bytes:
        packet = ipv6.build(SRC, DST, 60, bytes((59, count)) + options)
        payload = encode(packet, LONG)
        assert decode(payload, LONG) == packet
        return payload

    # 256 octets: 254 follow the length; 264: 262, or 255 without a pad of 7
    assert first_nhc(31, bytes((0x1E, 252)) + bytes(252))[0] & 4
    assert first_nhc(32, bytes((0x1E, 253)) + bytes(253) + bytes((1, 5)) + bytes(5))[0] & 4
    assert not first_nhc(32, bytes((0x1E, 254)) + bytes(254) + bytes((1, 4)) + bytes(4))[0] & 4


def test_what_stays_uncompressed():
    fragment_of_udp = bytes((17, 0, 0, 1)) + bytes(4) + ipv6.udp(1, 2, b"abcd", SRC, DST)
    later_fragment = bytes((17, 0, 0, 8)) + bytes(4) + ipv6.udp(1, 2, b"abcd", SRC, DST)
    for data in (fragment_of_udp, later_fragment):
        packet = ipv6.build(SRC, DST, 44, data)
        assert encode(packet, LONG)[2:4].hex() == "e411", "the fragment header, and UDP as it is"
    reserved_six = ipv6.build(SRC, DST, 44, bytes((59, 6)) + bytes(6))
    assert encode(reserved_six, LONG)[2] == 44
    wrong_length = ipv6.build(SRC, DST, 17, bytes(8))
    assert encode(wrong_length, LONG)[2] == 17
    cut = ipv6.build(SRC, DST, 0, bytes(4))
    assert encode(cut, LONG)[2] == 0
    longer_than_the_packet = ipv6.build(SRC, DST, 0, bytes((59, 9)) + bytes(6))
    assert encode(longer_than_the_packet, LONG)[2] == 0
    not_ipv6 = ipv6.build(SRC, DST, 41, bytes(40))
    assert encode(not_ipv6, LONG)[2] == 41
    for packet in (reserved_six, wrong_length, cut, longer_than_the_packet, not_ipv6):
        assert decode(encode(packet, LONG), LONG) == packet


@pytest.mark.parametrize(
    ("addresses", "compressed", "payload"),
    [
        (
            "fe80000000000000021cdafffe002024ff02000000000000000000000000001a",
            "049b006bde82",
            "9b006bde00000000",
        ),
        (
            "fe80000000000000021cdafffe003023ff02000000000000000000000000001a",
            "069b017a5f00f0c70188810420020db885a7c908face040e001409ffa4da8306081e8020ffffc0d082b4f003030e40c7a3c9a2f0",
            (
                "9b017a5f00f001008800000020020db800000000000000fffe00face040e001409ff00000100000000000000081e8020"
                "ffffffffffffffff0000000020020db800000000000000fffe00face030e4000ffffffff20020db800000000"
            ),
        ),
        (
            "20020db800000000000000fffe00334420020db800000000000000fffe001122",
            "0c9b02587d018000f105120080b5f40806140080f100fe8087a7dd",
            "9b02587d018000f10512008020020db800000000000000fffe00334406140080f100fe80000000000000000000fffe001122",
        ),
    ],
)
def test_ghc_examples(addresses, compressed, payload):
    """RFC 7400 Figures 8 to 10; the rest is in the vectors."""
    addresses = bytes.fromhex(addresses)
    out = bytearray()
    assert ghc.expand(bytes.fromhex(compressed), 0, addresses, out, limit=1280) == len(compressed) // 2
    assert out.hex() == payload
    # and inside a packet: NHC 0xdf behind an IPHC header with full addresses
    start = b"\x7c\x00" if addresses[16] != 0xFF else b"\x7c\x08"
    packet = decode(start + b"\xff" + addresses + b"\xdf" + bytes.fromhex(compressed), LONG)
    assert packet[6] == 58
    assert packet[40:].hex() == payload


def test_ghc_for_udp_and_extension_headers():
    packet = decode(bytes.fromhex(START + "d3121234" + "0341424382"), LONG)
    assert upper(packet) == "11 f0b1f0b2000f123441424300000000"
    # C=1: the checksum is computed over the expanded payload
    packet = decode(bytes.fromhex(START + "d712" + "0341424382"), LONG)
    assert ipv6.checksum_holds(SRC, DST, 17, packet[40:])
    # an extension header: no length, a stop code at its end; then UDP
    packet = decode(bytes.fromhex(START + "b1" + "0663040000010090" + "f3120000"), LONG)
    assert upper(packet) == "00 1100630400000100f0b1f0b200080000"
    packet = decode(bytes.fromhex(START + "b63b" + "051e03aabbcc90"), LONG)
    assert upper(packet) == "3c 3b001e03aabbcc00"
    packet = decode(bytes.fromhex(START + "b43b" + "0600011234567890"), LONG)
    assert upper(packet) == "2c 3b00000112345678"


@pytest.mark.parametrize(
    ("wire", "kind", "requirement"),
    [
        (START + "df60", "reserved", "RFC7400-2-07"),
        (START + "df7f", "reserved", "RFC7400-2-07"),
        (START + "df91", "reserved", "RFC7400-2-07"),
        (START + "df0341", "malformed", "RFC7400-2-02"),
        (START + "df9000", "malformed", "RFC7400-2-04"),
        (START + "dfafafafc0", "malformed", "RFC7400-5-01"),
        (START + "b10241", "malformed", "RFC7400-2-02"),
        (START + "b1024142", "malformed", "RFC7400-3.2-01"),
        (START + "b0", "malformed", "RFC7400-3.2-01"),
        (START + "b23b0241429000", "malformed", "RFC7400-3.2-01"),
        (START + "b43b0e" + "00" * 14 + "90", "malformed", "RFC7400-3.2-01"),
        (START + "b63b" + "8f" * 130 + "90", "malformed", "RFC7400-5-01"),
        ("42", "malformed", "RFC4944-5.1-06"),
        ("42fb", "malformed", "RFC4944-10.1-05"),
        ("42fd00", "unsupported", "RFC4944-10.2-05"),
        ("42fa", "malformed", "RFC4944-10.3.1-02"),
        ("420c40", "malformed", "RFC4944-10.3.1-02"),
    ],
)
def test_refusals_of_ghc_and_hc1(wire, kind, requirement):
    with pytest.raises(DecodeError) as caught:
        decode(bytes.fromhex(wire), LONG)
    assert (caught.value.kind, caught.value.requirement) == (kind, requirement)


def test_ghc_stop_at_the_end_of_a_payload():
    packet = decode(bytes.fromhex(START + "df048000414290"), LONG)
    assert packet[40:].hex() == "80004142"


def test_ghc_expansion_is_bounded():
    with pytest.raises(DecodeError, match="exceeds"):
        decode(bytes.fromhex(START + "df") + b"\x8f" * 5000, LONG)


HC1 = [
    # HC1 octet, in-line fields, resulting word / nh / hlim / src / dst / rest
    (("fa40"), "60000000", 17, "fe80::212:4b00:102:304", "fe80::12:4b00:aabb:ccdd"),
    (("f8403b"), "60000000", 59, "fe80::212:4b00:102:304", "fe80::12:4b00:aabb:ccdd"),
    (("fc40"), "60000000", 58, "fe80::212:4b00:102:304", "fe80::12:4b00:aabb:ccdd"),
    (("fe40"), "60000000", 6, "fe80::212:4b00:102:304", "fe80::12:4b00:aabb:ccdd"),
    (("f240b9abcde0"), "6b9abcde", 17, "fe80::212:4b00:102:304", "fe80::12:4b00:aabb:ccdd"),
    (("f040b9abcde3b0"), "6b9abcde", 59, "fe80::212:4b00:102:304", "fe80::12:4b00:aabb:ccdd"),
    (("9c40000000000000000120010db800000000"), "60000000", 58, "fe80::1", "2001:db8::12:4b00:aabb:ccdd"),
    (
        ("0c4020010db800000000000000000000000120010db8000000000000000000000002"),
        "60000000",
        58,
        "2001:db8::1",
        "2001:db8::2",
    ),
]


@pytest.mark.parametrize(("wire", "word", "next_header", "src", "dst"), HC1, ids=[row[0][:2] for row in HC1])
def test_hc1(wire, word, next_header, src, dst):
    packet = decode(b"\x42" + bytes.fromhex(wire) + b"data", LONG)
    assert packet[:4].hex() == word
    assert packet[4:8] == bytes((0, 4, next_header, 0x40))
    assert packet[8:24] == address(src)
    assert packet[24:40] == address(dst)
    assert packet[40:] == b"data"


@pytest.mark.parametrize(
    ("hc_udp", "fields", "udp"),
    [
        ("e0", ("12abcd"), "f0b1f0b2000cabcd"),
        ("00", ("16331634000cabcd"), "16331634000cabcd"),
        ("20", ("16331634abcd"), "16331634000cabcd"),
        ("a0", "11634abcd0", "f0b11634000cabcd"),
        ("60", "16332abcd0", "1633f0b2000cabcd"),
        ("c0", ("12000cabcd"), "f0b1f0b2000cabcd"),
        ("ff", ("12abcd"), "f0b1f0b2000cabcd"),
    ],
)
def test_hc_udp(hc_udp, fields, udp):
    packet = decode(bytes.fromhex("42fb" + hc_udp + "40" + fields) + b"data", LONG)
    assert packet[40:] == bytes.fromhex(udp) + b"data"


def test_hc1_needs_addresses_and_room():
    with pytest.raises(DecodeError, match="no address"):
        decode(bytes.fromhex("42fa40"), LinkInfo("ieee802154"))
    with pytest.raises(DecodeError, match="is the size"):
        decode(bytes.fromhex("42fa40") + bytes(70000), LONG)
    assert hc1.expand(bytes.fromhex("fa40") + bytes(8), 0, LONG, 80).octets[4:6] == b"\0\x28"


@pytest.mark.parametrize("hops", [1, 14, 15, 32, 255])
@pytest.mark.parametrize("originator", [samples.EUI_A, samples.SHORT_A])
@pytest.mark.parametrize("final", [samples.EUI_B, samples.SHORT_B])
def test_mesh(hops, originator, final):
    header = mesh.mesh_header(originator, final, hops)
    assert header[0] & 15 == min(hops, 15)
    parsed = mesh.parse(header + b"x", 0)
    assert (parsed.hops_left, parsed.originator, parsed.final, parsed.end) == (
        hops,
        originator,
        final,
        len(header),
    )
    assert parsed.build() == header
    # the codec takes the addresses of the mesh header, not of the hop
    hop = LinkInfo("ieee802154", b"\x00\x77", b"\x00\x88")
    packet = ipv6.build(link_local(originator), link_local(final), 59, b"")
    assert decode(header + b"\x7a\x33\x3b", hop) == packet
    assert decode(header + b"\x50\x07\x7a\x33\x3b", hop) == packet
    assert decode(header + b"\x41" + packet, hop) == packet
    for length in range(len(header)):
        with pytest.raises(DecodeError):
            decode(header[:length], hop)


def test_deep_hops_written_the_long_way():
    parsed = mesh.parse(bytes.fromhex("bf0112340001"), 0)
    assert parsed.deep
    assert parsed.hops_left == 1
    assert parsed.build().hex() == "bf0112340001"


def test_every_truncation_is_refused_or_shorter():
    packet = samples.udp_packet(SRC, address("2001:db8:ffff::1"), data=b"0123456789")
    payload = encode(packet, LONG, CONTEXTS)
    headers = len(payload) - 10
    for length in range(headers):
        with pytest.raises(DecodeError):
            decode(payload[:length], LONG, CONTEXTS)
    for length in range(headers, len(payload)):
        assert decode(payload[:length], LONG, CONTEXTS)[:4] == packet[:4]


def test_nhc_table_covers_every_octet():
    kinds = [nhc.KIND[octet] for octet in range(256)]
    assert kinds.count(nhc.EXT) == 10
    assert kinds.count(nhc.INNER) == 2
    assert kinds.count(nhc.EID_RESERVED) == 4
    assert kinds.count(nhc.UDP_NHC) == kinds.count(nhc.UDP_GHC) == kinds.count(nhc.EXT_GHC) == 8
    assert kinds.count(nhc.ICMPV6_GHC) == 1
    expected = {nhc.EID_RESERVED: {"reserved"}, nhc.UNKNOWN: {"unsupported"}}
    for octet in range(256):
        try:
            decode(bytes.fromhex(START) + bytes((octet,)) + bytes(40), LONG)
            kind = "none"
        except DecodeError as error:
            kind = error.kind
        assert kind in expected.get(kinds[octet], {"none", "malformed", "unsupported"}), octet
