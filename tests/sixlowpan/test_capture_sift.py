"""What is no 6LoWPAN of a sender's is counted, with the reason; keys open what is secured."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import pytest

from sixlowpan import MacHeader, capture, data_frame, encode, mac, security
from sixlowpan.capture import Options
from tests.sixlowpan.captures import (
    enhanced,
    ethernet,
    exported,
    interface,
    ipv4,
    obsolete,
    pcap,
    right,
    section,
    simple,
    udp,
    zep,
)
from tests.sixlowpan.samples import DST, EUI_A, EUI_B, LONG, PAN_ID, SHORT, SRC, udp_packet

PAYLOAD = encode(udp_packet(SRC, DST), LONG)
GOOD = data_frame(EUI_A, EUI_B, PAN_ID, 1, PAYLOAD)
KEY = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
HEADER = MacHeader(
    security=True, pan_compression=True, version=1, sequence=9, dst_pan=PAN_ID, dst=EUI_B, src=EUI_A,
    security_control=5 | 1 << 3, frame_counter=77, key_id=b"\x01",
)  # fmt: skip


def judged(tmp_path, link_type, frames, **said):
    judgement = capture.judge(pcap(tmp_path / "f", link_type, frames), options=Options(**said))
    assert judgement.read == judgement.judged + sum(judgement.skipped.values())
    return judgement.judged, dict(judgement.skipped)


NOT_OURS = [
    (230, mac.ack(3), "not a data frame"),
    (230, bytes.fromhex("0700000102030405"), "not a data frame"),
    (230, bytes.fromhex("4130") + GOOD[2:], "other protocol (frame version 3)"),
    (230, data_frame(EUI_A, EUI_B, PAN_ID, 1, b""), "no payload"),
    (230, data_frame(b"\0\1", b"\0\2", PAN_ID, 1, bytes.fromhex("4802000034121e30")), "other protocol (Zigbee NWK)"),
    (230, data_frame(b"\0\1", b"\0\2", PAN_ID, 1, bytes.fromhex("0802000034121e30")), "other protocol (Zigbee NWK)"),
    (230, data_frame(b"\0\1", b"\0\2", PAN_ID, 1, bytes.fromhex("4401a5c0ffee")), "other protocol (SCHC)"),
    (230, data_frame(b"\0\1", b"\0\2", PAN_ID, 1, bytes.fromhex("452001a5c0ffee")), "other protocol (SCHC)"),
    (230, data_frame(b"\0\1", b"\0\2", PAN_ID, 1, bytes.fromhex("f14401a5c0ffee")), "other protocol (SCHC)"),
    (230, bytes.fromhex("010801ffffffff0c34120000e0"), "other protocol (Zigbee Green Power)"),
    (230, bytes.fromhex("010801ffffffff8c34120000e0"), "other protocol (Zigbee Green Power)"),
    (230, data_frame(EUI_A, EUI_B, PAN_ID, 1, b"\x3f\1\2"), "no 6LoWPAN (NALP)"),
    (230, mac.build(HEADER, b"secret" + bytes(4)), "secured, no key"),
    (147, b"what", "unknown link type 147 (private use)"),
    (283, b"\0", "damaged TAP header"),
    (283, bytes.fromhex("0000ffff") + b"\0\0\1", "damaged TAP header"),
    (283, bytes.fromhex("00000c000000010003000000") + GOOD, "unknown FCS type 3 in the TAP header"),
    (192, b"\0\0\0", "damaged PPI header"),
    (258, b"\0\0\0", "damaged PKTAP header"),
    (258, bytes(120), "damaged PKTAP header"),
    (258, struct.pack("<III", 12, 1, 258) * 9, "wrapped too deep"),
    (192, struct.pack("<BBHI", 0, 0, 8, 192) * 9, "wrapped too deep"),
    (101, b"", "no octets in it"),
    (230, b"\1", "too short for a MAC header"),
    (101, b"\x45" + bytes(30), "plain IP, no ZEP in it"),
    (101, ipv4(udp(b"EX\2\1", 53)), "plain IP, no ZEP in it"),
    (101, ipv4(udp(b"else")), "no ZEP on its port"),
    (101, ipv4(udp(b"EX\2\1")), "a ZEP header cut short"),
    (101, ipv4(udp(zep(GOOD, kind=2))), "a ZEP acknowledgement"),
    (101, ipv4(udp(b"EX\x09\1" + bytes(40))), "ZEP version 9"),
    (101, ipv4(udp(zep(GOOD)))[:6] + b"\0\1" + ipv4(udp(zep(GOOD)))[8:], "a fragment of IPv4"),
    (101, ipv4(udp(zep(GOOD)[:-9])), "cut by the capture"),
    (215, bytes(5) + b"\x40" + GOOD, "cut by the capture"),
    (1, ethernet(0x0806, bytes(28)), "no 802.15.4 in it (ethertype 0806)"),
    (1, ethernet(0xA0ED, b""), "no payload"),
    (252, exported("6lowpan", GOOD[21:]), "an exported PDU that is no 802.15.4 frame"),
    (252, exported("\x1b[31m", GOOD), "an exported PDU that is no 802.15.4 frame"),
    (252, exported("wpan", GOOD)[:-len(GOOD) - 4], "damaged header of an exported PDU"),
    (252, b"\0\x0c\xff\xff", "damaged header of an exported PDU"),
    (1, ethernet(0x0800, ipv4(udp(zep(GOOD)[:-1], 1000))), "plain IP, no ZEP in it"),
    (1, ethernet(0x0800, ipv4(udp(b"EX\2\2" + bytes(28), 1000))), "plain IP, no ZEP in it"),
    (201, b"\0\0\0\0\x01\x03\x0c\x00", "Bluetooth without the end of an IPSP packet"),
]  # fmt: skip


@pytest.mark.parametrize(("link_type", "octets", "reason"), NOT_OURS)
def test_not_judged(tmp_path, link_type, octets, reason):
    assert judged(tmp_path, link_type, [octets]) == (0, {reason: 1})


def test_a_6lowpan_frame_is_no_zigbee(tmp_path):
    """0x48 and 0x4c are reserved; between EUI-64s, or with another version, nothing speaks for Zigbee."""
    for link, payload in ((LONG, "48020000341 21e30"), (SHORT, "4c02000034121e30"), (SHORT, "4802")):
        frame = data_frame(link.src, link.dst, PAN_ID, 1, bytes.fromhex(payload.replace(" ", "")))
        assert judged(tmp_path, 230, [frame]) == (1, {})


def test_breaches_of_the_frame(tmp_path):
    no_source = data_frame(b"", EUI_B, PAN_ID, 1, b"\x7a\x03\x3b" + SRC)
    no_destination = data_frame(EUI_A, b"", PAN_ID, 1, b"\x7a\x30\x3b" + SRC)
    frames = [right(each) for each in (b"\x41\x88\x01", no_source, no_destination)]
    judgement = capture.judge(pcap(tmp_path / "f", 195, frames))
    assert [(f.code, f.requirement, f.frame) for f in judgement.findings if f.level == "fail"] == [
        ("mac_header", None, 1),
        ("mac_addresses", "RFC4944-2-04", 2),
        ("mac_addresses", "RFC4944-2-04", 3),
    ]
    assert judgement.judged == 3


def test_without_a_right_fcs_a_header_that_cannot_be_is_noise(tmp_path):
    """Nobody is known to have sent it: no sniffer that leaves the FCS out says that it was right."""
    assert judged(tmp_path, 230, [b"\x41\x88", b"\x41\x88\x01", GOOD]) == (1, {"damaged MAC header": 2})


def test_one_pan_only(tmp_path):
    other = data_frame(EUI_A, EUI_B, b"\x12\x34", 1, PAYLOAD)
    assert judged(tmp_path, 230, [GOOD, other, b"\x41\x88\x01"], pan=PAN_ID) == (1, {"other network": 2})


def test_ethernet_payloads(tmp_path):
    """RFC 7973: the payload behind ethertype a0ed; IIDs come from the Ethernet addresses."""
    path = pcap(tmp_path / "f", 1, [ethernet(0xA0ED, bytes.fromhex("7a333b"))])
    (payload,) = capture.payloads(path)
    assert payload.link.src == bytes.fromhex("020000fffe000001")
    assert payload.link.dst == bytes.fromhex("020000fffe000002")
    group = b"\x33\x33\0\0\0\1" + ethernet(0xA0ED, bytes.fromhex("7a333b"))[6:]
    (payload,) = capture.payloads(pcap(tmp_path / "f", 1, [group]))
    assert payload.link.dst == b"\xff\xff"


def mpx(identifier=0xA0ED, transfer=0, payload=PAYLOAD, extra=b""):
    return mpx_frame(bytes((transfer,)) + identifier.to_bytes(2, "little") + payload, extra)


def mpx_frame(content, extra=b"", sequence=0):
    ie = (len(content) | 3 << 11 | 0x8000).to_bytes(2, "little") + content
    header = replace(HEADER, security=False, security_control=0, frame_counter=None, key_id=b"", version=2)
    ies = (0x7E << 7).to_bytes(2, "little") + extra + ie + (15 << 11 | 0x8000).to_bytes(2, "little")
    return mac.build(replace(header, pan_compression=False, header_ies=ies, sequence=sequence), b"")


def pieces(payload=PAYLOAD, transaction=3, cut=10, identifier=0xA0ED, size=None):
    """The frames of a payload in three pieces: transfer type 2 in the low bits, 4 for the last."""
    parts = [payload[:cut], payload[cut : 2 * cut], payload[2 * cut :]]
    whole = len(payload) if size is None else size
    first = whole.to_bytes(2, "little") + identifier.to_bytes(2, "little")
    return [
        mpx_frame(
            bytes((transaction << 3 | (4 if number == 2 else 2), number)) + (b"" if number else first) + part,
            sequence=number,
        )
        for number, part in enumerate(parts)
    ]


def test_wi_sun(tmp_path):
    """The payload in an MPX IE (IEEE 802.15.9), as FAN profiles send it."""
    (payload,) = capture.payloads(pcap(tmp_path / "f", 230, [mpx(extra=bytes.fromhex("0488") + b"wisn")]))
    assert payload.payload == PAYLOAD
    assert judged(tmp_path, 230, [mpx(1)]) == (0, {"other protocol (multiplex id 0001)": 1})
    assert judged(tmp_path, 230, [mpx(transfer=3)]) == (0, {"damaged MPX IE": 1})
    small = mpx_frame(bytes((1 | 5 << 3,)) + PAYLOAD)  # the multiplex id 5 in the place of the transaction id
    assert judged(tmp_path, 230, [small]) == (0, {"other protocol (multiplex id 0005)": 1})


WAITS = "MPX without the end of a frame"


def test_pieces_of_wi_sun(tmp_path):
    """IEEE 802.15.9 section 5: what is too long for one frame comes in pieces."""
    found = list(capture.payloads(pcap(tmp_path / "f", 230, pieces())))
    assert [(each.number, each.payload) for each in found] == [(3, PAYLOAD)]
    assert judged(tmp_path, 230, pieces()) == (1, {WAITS: 2})
    other = pieces(transaction=4, payload=PAYLOAD + b"x")
    between = [frame for pair in zip(pieces(), other, strict=True) for frame in pair]
    assert judged(tmp_path, 230, between) == (2, {WAITS: 4})
    assert judged(tmp_path, 230, pieces(identifier=1)) == (
        0,
        {WAITS: 2, "other protocol (multiplex id 0001)": 1},
    )


@pytest.mark.parametrize(
    "frames",
    [
        pieces()[:2],
        pieces()[1:],
        [pieces()[0], pieces()[2]],
        pieces(size=len(PAYLOAD) + 1),
        pieces(size=len(PAYLOAD) - 1),
        [pieces()[0], mpx_frame(bytes((3 << 3 | 6,))), *pieces()[1:]],
        [pieces()[0], pieces()[0][:-12] + b"\0" * 12, *pieces()[2:]],
    ],
    ids=["no last", "no first", "one missing", "too short", "too long", "given up", "begun anew"],
)
def test_pieces_that_are_no_frame(tmp_path, frames):
    assert judged(tmp_path, 230, frames)[0] == 0


# --- security ---------------------------------------------------------------------------------------------------

pytest.importorskip("cryptography", reason="the extra `openthread` is not installed")


def secured(key=KEY, header=HEADER, address=EUI_A):
    return security.protect(header, PAYLOAD, key, address)


@pytest.mark.parametrize("level", [5, 6, 7])
def test_opened_by_a_mac_key(tmp_path, level):
    frame = secured(header=replace(HEADER, security_control=level | 1 << 3))
    (payload,) = capture.payloads(pcap(tmp_path / "f", 230, [frame]), Options(keys=(bytes(16), KEY)))
    assert payload.payload == PAYLOAD
    assert payload.link.integrity


def test_opened_by_a_network_key(tmp_path):
    for sequence in (0, 1, 127, 128, 300):
        header = replace(HEADER, key_id=bytes((sequence % 128 + 1,)))
        frame = secured(security.thread_mac_key(KEY, sequence), header)
        assert judged(tmp_path, 230, [frame], keys=(KEY,)) == (1, {})
    known = replace(HEADER, security_control=5 | 2 << 3, key_id=security.KNOWN_KEY_ID)
    frame = secured(security.KNOWN_KEY, known, security.KNOWN_ADDRESS)
    assert judged(tmp_path, 230, [frame], keys=(bytes(16),)) == (1, {})


def test_a_short_source_and_its_nonce(tmp_path):
    """The EUI-64 of the nonce is one that the capture has shown."""
    short = replace(HEADER, src=b"\x12\x34", dst=b"\x56\x78")
    frames = [secured(header=short), GOOD, secured(header=replace(short, frame_counter=78))]
    assert judged(tmp_path, 230, frames, keys=(KEY,)) == (
        2,
        {"secured, and not opened: the EUI-64 of the sender is not known": 1},
    )


def test_not_opened(tmp_path):
    wrong = {"secured, and not opened: the integrity code does not hold under this key": 1}
    assert judged(tmp_path, 230, [secured()], keys=(bytes(16),)) == (0, wrong)
    assert judged(tmp_path, 230, [secured()[:-1] + b"\0"], keys=(KEY,)) == (0, wrong)
    bare = mac.build(replace(HEADER, security_control=4 | 1 << 3), b"secret")
    assert judged(tmp_path, 230, [bare], keys=(KEY,)) == (
        0,
        {"secured, and not opened: security level 4: without an integrity code no key can be checked": 1},
    )
    assert judged(tmp_path, 230, [slotted(5)], keys=(KEY,)) == (
        0,
        {
            "secured, and not opened: its nonce has the slot number of TSCH, "
            "which only a TAP capture (link type 283) may carry": 1
        },
    )


SLOT = 0x0102030405


def slotted(level, slot=SLOT, counter=None):
    """A frame of TSCH: its nonce has the slot number in the place of the frame counter."""
    # bit 5: no frame counter; bit 6: the slot number is in the nonce though there is one
    control = level | 1 << 3 | (0x20 if counter is None else 0x40)
    header = replace(
        HEADER, version=2, pan_compression=False, security_control=control, frame_counter=counter
    )
    clear = mac.build(header, b"")
    nonce = EUI_A + slot.to_bytes(5, "big")
    return clear + security._encrypt(KEY, nonce, PAYLOAD, clear, security.MIC_OCTETS[level & 3])


def slot_tap(psdu, slot=SLOT):
    return struct.pack("<BBHHHIHHQ", 0, 0, 24, 0, 4, 0, 7, 8, slot) + psdu


@pytest.mark.parametrize("counter", [None, 9])
@pytest.mark.parametrize("level", [5, 6, 7])
def test_a_slot_of_tsch_in_the_nonce(tmp_path, level, counter):
    """IEEE 802.15.4-2015 section 9.3.2.2; the TAP header (link type 283) says in which slot a frame was sent."""
    frames = [slot_tap(slotted(level, counter=counter))]
    assert judged(tmp_path, 283, frames, keys=(KEY,)) == (1, {})
    assert judged(tmp_path, 283, [slot_tap(slotted(level, SLOT + 1))], keys=(KEY,))[0] == 0


def test_integrity_only(tmp_path):
    """Level 1 to 3: the payload is in plain, and read without a key."""
    header = replace(HEADER, security_control=2 | 1 << 3)
    assert judged(tmp_path, 230, [mac.build(header, PAYLOAD + bytes(8))]) == (1, {})


# --- containers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_packet_block(tmp_path, order):
    path = tmp_path / "f.pcapng"
    other = "<" if order == ">" else ">"
    offset = struct.pack(order + "HHq", 14, 8, 1000)
    path.write_bytes(
        section(order)
        + interface(230, order, offset, snaplen=300)
        + interface(195, order)
        + enhanced(0, GOOD, order, 5_000_000)
        + obsolete(1, GOOD + b"\1\2", order, 7)
        + simple(GOOD, order)
        + simple(GOOD + bytes(300 - len(GOOD)), order, 400)
        + enhanced(7, GOOD, order)
        + section(other)
        + interface(283, other)
        + enhanced(0, b"\0\0\4\0" + GOOD, other)
    )
    found = list(capture.records(path))
    assert [each.number for each in found] == [1, 2, 3, 4, 5, 6]
    assert [each.link_type for each in found] == [230, 195, 230, 230, -1, 283]
    assert [each.length - len(each.data) for each in found] == [0, 0, 0, 100, 0, 0]
    assert [each.time for each in found[:2]] == [1005.0, pytest.approx(7e-6)]
    assert math.isnan(found[2].time)
    assert [each.interface for each in found] == [0, 1, 0, 0, 7, 2]
    assert "of an interface that the file does not describe" in capture.judge(path).skipped


def test_a_simple_packet_block_without_interface(tmp_path):
    (tmp_path / "f").write_bytes(section() + simple(GOOD))
    assert capture.judge(tmp_path / "f").judged == 0


@pytest.mark.parametrize(
    "blocks",
    [
        (simple(GOOD), enhanced(0, GOOD, stamp=5_000_000)),
        (enhanced(0, GOOD, stamp=5_000_000), simple(GOOD)),
        (simple(GOOD), simple(GOOD)),
    ],
    ids=["then-timed", "timed-first", "none-timed"],
)
def test_a_frame_without_time_was_seen_a_moment_ago(tmp_path, blocks):
    (tmp_path / "f").write_bytes(section() + interface(230) + b"".join(blocks))
    found = capture.judge(tmp_path / "f")
    assert (found.judged, sum(found.skipped.values())) == (1, 1)


def test_packed(tmp_path):
    from tests.sixlowpan.captures import gzipped

    path = gzipped(pcap(tmp_path / "f.gz", 230, [GOOD]))
    assert capture.judge(path).judged == 1
    whole = path.read_bytes()
    for wrong in (whole[:20], whole[:-6], whole[:30] + b"\0\0" + whole[32:], b"\x1f\x8b"):
        path.write_bytes(wrong)
        assert outcome(path)


def outcome(path):
    """What judge says of a damaged file: a sentence that names it, or that nothing is missing."""
    try:
        judgement = capture.judge(path)
    except ValueError as error:
        return str(path) in str(error)
    return str(path) in judgement.damage or judgement.judged == 1


def test_damage_keeps_what_came_before(tmp_path):
    path = pcap(tmp_path / "f", 230, [GOOD])
    path.write_bytes(path.read_bytes() + b"\xff" * 16)
    judgement = capture.judge(path)
    assert judgement.judged == 1
    assert "16 MiB" in judgement.damage
