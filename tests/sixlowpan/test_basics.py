"""Addresses, links, contexts, IPv6, MAC header, frames."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixlowpan import (
    Context,
    Contexts,
    DecodeError,
    EncodeError,
    LinkInfo,
    MacHeader,
    Packet,
    checksum,
    data_frame,
    echo_request,
    fcs,
    frame,
    icmpv6,
    iid,
    ipv6,
    link_local,
    mac,
    modified_eui64,
    multicast_link_address,
    solicited_node,
    udp,
)
from sixlowpan.addresses import is_link_local, is_multicast
from tests.sixlowpan import samples
from tests.sixlowpan.samples import BD_A, BD_B, DST, EUI_A, EUI_B, SHORT_A, SHORT_B, SRC, address


def test_iids():
    assert iid(bytes.fromhex("00124b0001020304")).hex() == "02124b0001020304"
    assert iid(b"\x12\x34").hex() == "000000fffe001234"
    assert iid(b"\x12\x34", b"\xab\xcd").hex() == "a9cd00fffe001234"
    assert iid(bytes.fromhex("c01122334455")).hex() == "c01122fffe334455"
    assert modified_eui64(bytes.fromhex("c01122334455")).hex() == "c21122fffe334455"
    assert link_local(b"\x12\x34") == address("fe80::ff:fe00:1234")
    for bad in (b"", b"abc", b"123456789"):
        with pytest.raises(ValueError, match="octets"):
            iid(bad)
    with pytest.raises(ValueError, match="PAN id"):
        iid(b"\x12\x34", b"\xab")
    with pytest.raises(ValueError, match="6 octets"):
        modified_eui64(b"ab")


def test_multicast_addresses():
    assert multicast_link_address(address("ff02::1:ff12:3456")).hex() == "9456"
    assert solicited_node(address("fe80::12:3456")) == address("ff02::1:ff12:3456")
    for bad in (address("fe80::1"), b"\xff"):
        with pytest.raises(ValueError, match="multicast"):
            multicast_link_address(bad)
    assert is_multicast(address("ff02::1"))
    assert is_link_local(address("fe80:1::1"))
    assert not is_link_local(address("fec0::1"))


def test_links():
    link = LinkInfo("ble", BD_A, BD_B, integrity=True, role="6LN", registered=(address("2001:db8::1"),))
    back = link.reversed()
    assert (back.src, back.dst, back.role, back.registered) == (BD_B, BD_A, "6LBR", link.registered)
    assert back.reversed() == link
    assert samples.LONG.reversed().role is None
    for bad in (
        {"kind": "wifi"},
        {"kind": "ble", "src": b"\0\1"},
        {"kind": "ieee802154", "dst": b"\0"},
        {"kind": "ieee802154", "pan": b"\0"},
        {"kind": "ieee802154", "role": "6LN"},
        {"kind": "ble", "role": "router"},
        {"kind": "ble", "registered": (b"x",)},
    ):
        with pytest.raises(ValueError, match=r".+"):
            LinkInfo(**bad)


def test_contexts():
    contexts = Contexts.parse({"0": "2001:db8::/64", "3": {"prefix": "fd00::/8", "compress": False}})
    assert list(contexts) == [0, 3]
    assert len(contexts) == 2
    assert contexts[0] == Context.parse("2001:db8::/64")
    assert not contexts[3].compress
    assert "2001:db8::/64" in repr(contexts)
    more = contexts.with_context(15, Context.parse("::/0"))
    assert 15 in more
    assert 15 not in contexts
    assert list(more.without(0).without(0)) == [3, 15]
    assert contexts == Contexts.parse({"0": "2001:db8::1/64", "3": {"prefix": "fd00::/8", "compress": False}})
    for bad in ({"16": "::/0"}, {"x": "::/0"}, {"0": 5}, {"0": {"prefix": 5}}, {"0": "nonsense"}):
        with pytest.raises(ValueError, match=r".+"):
            Contexts.parse(bad)
    for prefix, length in ((b"", 0), (bytes(16), 129), (b"\1" * 16, 8)):
        with pytest.raises(ValueError, match="prefix"):
            Context(prefix, length)


@given(st.binary(min_size=16, max_size=16), st.integers(0, 128), st.binary(min_size=8, max_size=8))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_context_bits_win(prefix, length, low):
    mask = (1 << 128) - (1 << 128 - length)
    context = Context((int.from_bytes(prefix, "big") & mask).to_bytes(16, "big"), length)
    made = int.from_bytes(context.address(low), "big")
    assert made & mask == context.value
    assert context.covers(context.address(low))
    assert made & ~mask & (1 << 64) - 1 == int.from_bytes(low, "big") & ~mask
    assert made & ~mask >> 64 << 64 == 0


def slow_checksum(src, dst, next_header, data):
    pseudo = src + dst + len(data).to_bytes(4, "big") + bytes(3) + bytes((next_header,)) + data
    pseudo += bytes(len(pseudo) % 2)
    total = sum(int.from_bytes(pseudo[i : i + 2], "big") for i in range(0, len(pseudo), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


@given(st.binary(min_size=16, max_size=16), st.binary(max_size=70), st.sampled_from([17, 58, 6]))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_checksum(src, data, next_header):
    expected = slow_checksum(src, SRC, next_header, data)
    assert checksum(src, SRC, next_header, data) == (
        0xFFFF if next_header == 17 and not expected else expected
    )


def test_checksum_of_zero():
    for next_header, zero in ((17, 0xFFFF), (58, 0)):
        value = slow_checksum(SRC, DST, next_header, b"\0\0")
        assert checksum(SRC, DST, next_header, value.to_bytes(2, "big")) == zero


def test_ipv6():
    packet = echo_request(SRC, DST, 1, 2, b"abc", hop_limit=255, traffic_class=0xB9, flow_label=0xABCDE)
    view = Packet.parse(packet)
    assert (view.traffic_class, view.dscp, view.ecn, view.flow_label) == (0xB9, 0x2E, 1, 0xABCDE)
    assert (view.src, view.dst, view.hop_limit, view.next_header) == (SRC, DST, 255, 58)
    assert view.upper() == (58, 40, packet[40:])
    assert ipv6.checksum_holds(SRC, DST, 58, packet[40:])
    datagram = udp(1, 2, b"abc", SRC, DST)
    assert ipv6.checksum_holds(SRC, DST, 17, datagram)
    assert not ipv6.checksum_holds(SRC, DST, 17, datagram[:6] + b"\0\0" + datagram[8:])
    assert icmpv6(128, 0, b"\0\1\0\2abc", SRC, DST) == echo_request(SRC, DST, 1, 2, b"abc")[40:]
    for bad in (
        {"src": b""},
        {"payload": bytes(65536)},
        {"flow_label": 1 << 20},
        {"hop_limit": 256},
    ):
        arguments = {"src": SRC, "dst": DST, "next_header": 59, "payload": b"", **bad}
        with pytest.raises(EncodeError):
            ipv6.build(**arguments)


def test_upper_skips_extension_headers():
    datagram = udp(1, 2, b"abc", SRC, DST)

    def upper(next_header, data):
        return Packet.parse(ipv6.build(SRC, DST, next_header, data)).upper()

    chain = (
        bytes.fromhex("3c000104000000002c000104000000003300000000000000") + bytes.fromhex("1104") + bytes(22)
    )
    assert upper(0, chain + datagram) == (17, 40 + 48, datagram)
    assert upper(44, bytes.fromhex("1100000800000000") + b"middle of it")[0] == 44
    assert upper(0, b"\x11\xff" + bytes(6)) == (0, 40, b"\x11\xff" + bytes(6))
    assert upper(59, b"") == (59, 40, b"")


@given(
    st.integers(0, 2),
    st.sampled_from([b"", SHORT_A, EUI_A]),
    st.sampled_from([b"", SHORT_B, EUI_B]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 7),
    st.integers(0, 3),
    st.booleans(),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_mac_round_trip(version, src, dst, compression, same_pan, suppressed, level, key_mode, ies):
    has_dst_pan, has_src_pan = mac._pans(version, compression, len(dst), len(src))
    header = MacHeader(
        type=mac.DATA,
        security=level > 0,
        pending=same_pan,
        ack_request=not same_pan,
        pan_compression=compression,
        version=version,
        sequence=None if suppressed and version == 2 else 77,
        dst_pan=b"\xab\xcd" if has_dst_pan else None,
        dst=dst,
        src_pan=b"\x12\x34" if has_src_pan else None,
        src=src,
        security_control=level | key_mode << 3 if level else 0,
        frame_counter=5 if level else None,
        key_id=bytes((0, 1, 5, 9)[key_mode]) if level else b"",
        header_ies=bytes.fromhex("8200aabb803f") if ies and version == 2 else b"",
        mic=bytes((0, 4, 8, 16)[level & 3]),
    )
    psdu = mac.build(header, b"payload")
    assert mac.parse(psdu) == (header, b"payload")
    for length in range(len(psdu) - len(header.mic) - 7):
        error = samples.refusal(mac.parse, psdu[:length])
        assert error is None or error.kind == "malformed"


def test_mac_details():
    plain = data_frame(EUI_A, EUI_B, b"\xab\xcd", 300, b"xyz", ack_request=True)
    header, payload = mac.parse(plain)
    assert (header.src, header.dst, header.pan, header.sequence, payload) == (
        EUI_A,
        EUI_B,
        b"\xab\xcd",
        44,
        b"xyz",
    )
    assert header.ack_request
    assert data_frame(b"", SHORT_B, b"\xab\xcd", 1, b"")[:2].hex() == "0108"
    assert mac.parse(data_frame(SHORT_A, b"", b"\xab\xcd", 1, b""))[0].pan == b"\xab\xcd"
    assert mac.ack(7).hex() == "020007"
    assert fcs(b"123456789").hex() == "8921"
    # header IEs up to HT1, then payload IEs, then the payload
    ies = bytes.fromhex("003f028801ff00f8")
    built = mac.build(MacHeader(version=2, header_ies=ies), b"p")
    assert mac.parse(built)[1] == b"p"
    # an IE list that just ends
    assert mac.parse(mac.build(MacHeader(version=2, header_ies=bytes.fromhex("0000")), b""))[1] == b""
    assert mac.parse(mac.build(MacHeader(version=2, header_ies=bytes.fromhex("003f0088")), b""))[1] == b""
    for wire, kind in (
        ("", "malformed"),
        ("0130", "reserved"),
        ("0500", "reserved"),
        ("0104", "reserved"),
        ("0922", "malformed"),
    ):
        with pytest.raises(DecodeError) as caught:
            mac.parse(bytes.fromhex(wire))
        assert caught.value.kind == kind
    with pytest.raises(DecodeError, match="payload IE stands"):
        mac.parse(mac.build(MacHeader(version=2, header_ies=bytes.fromhex("0080")), b""))
    with pytest.raises(DecodeError, match="integrity code"):
        mac.parse(mac.build(MacHeader(security=True, security_control=3, frame_counter=1), b"short"))
    # frame counter suppressed
    header = MacHeader(version=2, security=True, security_control=0x20)
    assert mac.parse(mac.build(header, b"p"))[0].frame_counter is None
    for bad in (
        MacHeader(src=b"abc"),
        MacHeader(sequence=None),
        MacHeader(dst=SHORT_B),
        MacHeader(dst=SHORT_B, dst_pan=b"a"),
    ):
        with pytest.raises(EncodeError):
            mac.build(bad, b"")


def test_long_header_ies():
    """The length of a header IE has 7 bits: one of 64 octets and more is passed whole."""
    for length in (63, 64, 100, 127):
        # whoever takes a part of it only finds a payload IE there (octets of zero would be empty IEs, an end as well)
        # whoever takes a part of it only finds a payload IE there; octets of zero would be empty IEs
        ies = (length | 0x1E << 7).to_bytes(2, "little") + b"\xff" * length + b"\x80\x3f"
        header, payload = mac.parse(mac.build(MacHeader(version=2, header_ies=ies), b"\x7a\x33\x3b"))
        assert (header.header_ies, payload) == (ies, b"\x7a\x33\x3b")


def test_payload_ies_of_an_enciphered_frame_stay_in_it():
    """They are enciphered with the payload, so behind Header Termination 1 nothing is read."""
    ies = b"\x00\x3f"
    header = MacHeader(
        security=True, version=2, security_control=5, frame_counter=1, header_ies=ies, mic=bytes(4)
    )
    assert mac.parse(mac.build(header, b"\xff\xff\xff"))[1] == b"\xff\xff\xff"
    plain = MacHeader(security=True, version=2, security_control=1, frame_counter=1, mic=bytes(4))
    built = mac.build(replace(plain, header_ies=ies + b"\x02\x98ab\x00\xf8"), b"\x7a")
    assert mac.parse(built)[1] == b"\x7a"


def test_frames():
    payload, link = frame.parse(data_frame(SHORT_A, SHORT_B, b"\xab\xcd", 1, b"abc"))
    assert (payload, link) == (b"abc", LinkInfo("ieee802154", SHORT_A, SHORT_B))
    assert (
        frame.parse(data_frame(SHORT_A, SHORT_B, b"\xab\xcd", 1, b"abc"), pan_iids=True)[1].pan == b"\xab\xcd"
    )
    signed = MacHeader(security=True, security_control=1, frame_counter=1, mic=bytes(4), version=2)
    assert frame.parse(mac.build(signed, b"p"))[1].integrity
    with pytest.raises(DecodeError, match="carries no 6LoWPAN"):
        frame.parse(mac.ack(1))
    secret = MacHeader(security=True, security_control=5, frame_counter=1, mic=bytes(4), version=2)
    with pytest.raises(DecodeError, match="encrypted"):
        frame.parse(mac.build(secret, b"p"))


def test_errors_read_well():
    error = DecodeError("malformed", 3, "RFC6282-3-01", "too short")
    assert str(error) == "malformed at octet 3: too short (RFC6282-3-01)"
    assert str(DecodeError("reserved", 0, None, "x")) == "reserved at octet 0: x"
    assert samples.BLE.kind == "ble"
    assert len(samples.CONTEXTS) == 9


def test_pan_ids_of_version_2():
    """IEEE 802.15.4-2015 table 7-2: (compression, destination, source) -> which PAN ids are there."""
    table = {
        (0, 0, 0): (False, False),
        (1, 0, 0): (True, False),
        (0, 2, 0): (True, False),
        (1, 8, 0): (False, False),
        (0, 0, 2): (False, True),
        (1, 0, 8): (False, False),
        (0, 8, 8): (True, False),
        (1, 8, 8): (False, False),
        (0, 2, 2): (True, True),
        (1, 2, 2): (True, False),
        (0, 2, 8): (True, True),
        (1, 8, 2): (True, False),
    }
    for (compression, dst, src), present in table.items():
        assert mac._pans(2, bool(compression), dst, src) == present
