"""Capture files: every link type, contexts learnt on the way, damage survived."""

from __future__ import annotations

import random
import struct

import pytest

from sixlowpan import (
    Contexts,
    MacHeader,
    __main__,
    capture,
    data_frame,
    encode,
    fragment,
    hci,
    ipv6,
    link_local,
    mac,
    nd,
)
from tests.sixlowpan.captures import WRAPPERS, pcap, pcapng
from tests.sixlowpan.samples import BD_A, BD_B, DST, EUI_A, EUI_B, LONG, PAN_ID, SRC, address, udp_packet

GOOD = data_frame(EUI_A, EUI_B, PAN_ID, 1, encode(udp_packet(SRC, DST), LONG))
BAD = data_frame(EUI_A, EUI_B, PAN_ID, 2, bytes.fromhex("7b34") + bytes(20))


@pytest.mark.parametrize("name", WRAPPERS)
def test_link_types(tmp_path, name):
    link_type, wrap = WRAPPERS[name]
    path = pcapng(tmp_path / "f", [(link_type, wrap(GOOD)), (link_type, wrap(BAD))])
    judgement = capture.judge(path)
    assert [(f.code, f.frame) for f in judgement.findings] == [("reserved", 2)]
    assert (judgement.read, judgement.judged, judgement.skipped) == (2, 2, {})
    payloads = list(capture.payloads(path))
    assert payloads[0].link.src == EUI_A
    assert payloads[0].pan == PAN_ID


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap(tmp_path, order, nano):
    path = pcap(tmp_path / "f", 230, [GOOD, BAD], order, nano)
    records = list(capture.records(path))
    assert [record.number for record in records] == [1, 2]
    assert records[1].time == pytest.approx(1 + 5e-9 if nano else 1 + 5e-6)
    assert len(capture.judge(path).findings) == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_time(tmp_path, order):
    for options, unit in (
        (struct.pack(order + "HHB", 9, 1, 3) + bytes(3), 1e-3),
        (struct.pack(order + "HHB", 9, 1, 0x8A) + bytes(3), 2**-10),
        (struct.pack(order + "HH", 1, 4) + b"abcd" + bytes(4), 1e-6),
    ):
        path = pcapng(tmp_path / "f", [(230, GOOD), (230, BAD)], order, options)
        assert list(capture.records(path))[1].time == pytest.approx(unit)


def test_contexts_are_learnt(tmp_path):
    router = link_local(EUI_B)
    everyone = address("ff02::1")

    def advertise(*options):
        packet = ipv6.build(
            router,
            everyone,
            58,
            nd.RouterAdvertisement(options=(nd.LinkLayerAddress(1, EUI_B), *options)).build(router, everyone),
            hop_limit=255,
        )
        return data_frame(EUI_B, b"\xff\xff", PAN_ID, 3, encode(packet, LONG.between(EUI_B, b"\xff\xff")))

    contexts = Contexts.parse({"2": "2001:db8:2::/64"})
    packet = udp_packet(address("2001:db8:2::1"), address("2001:db8:2::2"))
    stateful = data_frame(EUI_A, EUI_B, PAN_ID, 4, encode(packet, LONG, contexts))
    add = advertise(nd.ContextOption(address("2001:db8:2::"), 64, True, 2, 5), nd.CapabilityIndication())
    remove = advertise(nd.ContextOption(address("2001:db8:2::"), 64, True, 2, 0))
    sent = (stateful, add, stateful, remove, stateful)
    again = [frame[:2] + bytes((20 + n,)) + frame[3:] for n, frame in enumerate(sent)]
    path = pcapng(tmp_path / "f", [(230, f) for f in again])
    (group,) = capture.judge(path).groups
    assert (group.finding.code, group.frames, group.count) == ("unsupported", [1, 5], 2)
    assert capture.judge(path, contexts).findings[0].frame == 5
    # and what was learnt of one PAN_ID too many is forgotten
    many = [add[:3] + n.to_bytes(2, "little") + add[5:] for n in range(300)]
    assert capture.judge(pcapng(tmp_path / "g", [(230, f) for f in many])).findings == []
    # what is no Router Advertisement teaches nothing
    for message in (b"", b"\x86\0\0\0" + bytes(12) + b"\x22\0", b"\x80\0\0\0"):
        packet = ipv6.build(router, everyone, 58, message, hop_limit=255)
        assert capture.learn(packet, contexts) is contexts
    # and a damaged one neither
    option = nd.ContextOption(address("2001:db8:3::"), 64, True, 3, 5)
    message = nd.RouterAdvertisement(options=(option,)).build(router, everyone)
    assert capture.learn(ipv6.build(router, everyone, 58, message, hop_limit=255), contexts) is not contexts
    damaged = ipv6.build(router, everyone, 58, message[:-1] + b"\x01", hop_limit=255)
    assert capture.learn(damaged, contexts) is contexts


def test_broken_and_foreign_frames(tmp_path):
    no_source = data_frame(b"", EUI_B, PAN_ID, 1, b"\x7a\x03\x3b" + SRC)
    frames = [
        (230, b"\x01\x00"),
        (230, mac.ack(3)),
        (230, data_frame(EUI_A, EUI_B, PAN_ID, 1, b"")),
        (
            230,
            mac.build(MacHeader(security=True, security_control=5, frame_counter=1, mic=bytes(4)), b"secret"),
        ),
        (230, no_source),
        (230, data_frame(EUI_A, b"", PAN_ID, 1, b"\x7a\x30\x3b" + SRC)),
        (195, GOOD + b"\0\0"),
        (283, b"\0"),
        (283, bytes.fromhex("0000ffff") + b"\0\0\1"),
        (147, b"what"),
        (101, b""),
        (101, b"\x45" + bytes(30)),
        (101, bytes((0x45, 0)) + bytes(7) + b"\x11" + bytes(40)),
        (101, ipv6.build(bytes(16), bytes(16), 17, struct.pack(">HH", 1, 17754) + bytes(40))),
        (101, ipv6.build(bytes(16), bytes(16), 59, b"")),
        (
            101,
            ipv6.build(
                bytes(16), bytes(16), 17, struct.pack(">HH", 1, 17754) + bytes(4) + b"EX\x02\x02" + bytes(28)
            ),
        ),
    ]
    found = capture.judge(pcapng(tmp_path / "f", frames)).findings
    assert {(f.code, f.requirement) for f in found} == {
        ("mac_addresses", "RFC4944-2-04"),
        ("not_minimal", None),
    }


def damage(path) -> str:
    """What judge says of a file that it cannot read, or nothing."""
    try:
        capture.judge(path)
    except ValueError as error:
        return str(error)
    return ""


def test_pieces_of_files(tmp_path):
    whole = pcapng(tmp_path / "w", [(230, GOOD), (230, BAD)]).read_bytes()
    old = pcap(tmp_path / "w", 230, [GOOD, BAD]).read_bytes()
    path = tmp_path / "f"
    for data in (whole, old):
        for length in range(len(data)):
            path.write_bytes(data[:length])
            assert not damage(path) or length < 24
    noise = random.Random(1)
    for data in (whole, old):
        for _ in range(150):
            changed = bytearray(data)
            for _ in range(3):
                changed[noise.randrange(len(changed))] = noise.randrange(256)
            path.write_bytes(changed)
            assert damage(path) is not None


def acl(handle, cid, data, sent, mtu=27):
    """HCI ACL packets with pseudo-header for one L2CAP frame."""
    frame = struct.pack("<HH", len(data), cid) + data
    for at in range(0, len(frame), mtu):
        piece = frame[at : at + mtu]
        word = handle | (0x1000 if at else 0)
        yield (
            201,
            bytes((0, 0, 0, 0 if sent else 1)) + b"\x02" + struct.pack("<HH", word, len(piece)) + piece,
        )


def k_frames(sdu, mps=60):
    data = struct.pack("<H", len(sdu)) + sdu
    return [data[at : at + mps] for at in range(0, len(data), mps)]


def test_bluetooth(tmp_path):
    own = b"\x04\x0e\x0a\x01\x09\x10\x00" + BD_A[::-1]
    connected = b"\x04\x3e\x13\x01\x00" + struct.pack("<H", 64) + b"\x00\x00" + BD_B[::-1] + bytes(7)
    request = struct.pack("<BBHHHHHH", 0x14, 5, 10, 0x23, 0x40, 1280, 247, 10)
    response = struct.pack("<BBHHHHHH", 0x15, 5, 10, 0x41, 1280, 247, 10, 0)
    from sixlowpan import LinkInfo

    link = LinkInfo("ble", BD_A, BD_B)
    packet = udp_packet(link_local(BD_A), link_local(BD_B), data=bytes(300))
    back = udp_packet(link_local(BD_B), link_local(BD_A), data=bytes(30))
    frames = [(201, bytes((0, 0, 0, 1)) + event) for event in (own, connected)]
    frames += acl(64, 5, request, True)
    frames += acl(64, 5, response, False)
    for frame in k_frames(encode(packet, link)):
        frames += acl(64, 0x41, frame, True)
    for frame in k_frames(encode(back, link.reversed())):
        frames += acl(64, 0x40, frame, False)
    frames += acl(64, 0x99, b"another channel", False)
    frames += acl(64, 0x40, b"\x01", False)
    frames += acl(64, 5, b"\x01", False)
    frames += acl(65, 0x40, b"\x01\x00\x7a", False)
    frames.append((201, b"\0\0\0\0\x01\x03\x0c\x00"))
    frames.append((201, b"\0\0\0\0"))
    path = pcapng(tmp_path / "f", frames)
    payloads = list(capture.payloads(path))
    assert [payload.payload for payload in payloads] == [encode(packet, link), encode(back, link.reversed())]
    assert [(payload.link.src, payload.link.dst) for payload in payloads] == [(BD_A, BD_B), (BD_B, BD_A)]
    assert capture.judge(path).findings == []
    closed = (201, bytes((0, 0, 0, 1)) + b"\x04\x05\x04\x00\x40\x00\x13")
    after = list(acl(64, 0x41, k_frames(b"\x00")[0], True))
    assert len(list(capture.payloads(pcapng(path, [*frames, closed, *after])))) == 2


def test_bluetooth_tables_are_bounded():
    trace = hci.Trace()
    for handle in range(200):
        event = (
            b"\x04\x3e\x1f\x0a\x00"
            + struct.pack("<H", handle)
            + b"\x00\x00"
            + BD_B[::-1]
            + BD_A[::-1]
            + bytes(20)
        )
        trace.add(event, False)
        trace.add(b"\x02" + struct.pack("<HH", handle + 500, 4) + bytes(4), True)
    assert trace.own == BD_A
    assert len(trace._connections) == 64
    noise = random.Random(7)
    for _ in range(20000):
        trace.add(bytes((noise.choice([2, 4]),)) + noise.randbytes(noise.randrange(40)), noise.random() < 0.5)
    assert len(trace._connections) <= 64


def test_judge_of_a_file(tmp_path, capsys):
    path = pcapng(tmp_path / "f.pcapng", [(230, GOOD), (230, BAD)])
    assert __main__.main(["judge", str(path)]) == 1
    assert "frame 2 octet 1: reserved" in capsys.readouterr().out
    pieces = fragment(ipv6.echo_request(SRC, DST, 1, 1, bytes(200)), LONG, mtu=80, tag=1)
    good = pcapng(
        tmp_path / "g.pcapng", [(230, data_frame(EUI_A, EUI_B, PAN_ID, 1, piece)) for piece in pieces]
    )
    assert __main__.main(["judge", str(good)]) == 0
    (tmp_path / "h").write_bytes(b"nothing of the kind")
    assert __main__.main(["judge", str(tmp_path / "h")]) == 2


def test_channels_that_are_not_opened():
    trace = hci.Trace()

    def signal(data, sent):
        for _, packet in acl(64, 5, data, sent):
            trace.add(packet[4:], sent)

    request = struct.pack("<BBHHHHHH", 0x14, 1, 10, 0x23, 0x40, 1280, 247, 10)
    other = struct.pack("<BBHHHHHH", 0x14, 2, 10, 0x25, 0x42, 1280, 247, 10)
    refused = struct.pack("<BBHHHHHH", 0x15, 1, 10, 0x41, 1280, 247, 10, 4)
    unasked = struct.pack("<BBHHHHHH", 0x15, 9, 10, 0x41, 1280, 247, 10, 0)
    for data, sent in (
        (request, True),
        (refused, False),
        (unasked, False),
        (other, True),
        (b"\x01\1\0\0", True),
    ):
        signal(data, sent)
    for identifier in range(100):
        signal(bytes((0x14, identifier)) + request[2:], True)
    (connection,) = trace._connections.values()
    assert connection.channels == {}
    assert len(connection.requests) == 64
    # an L2CAP frame that never ends is not kept for ever
    for _ in range(300):
        trace.add(b"\x02" + struct.pack("<HH", 64 | 0x1000, 1000) + b"\xff" * 1000, True)
    assert len(connection.pieces.get(True, b"")) < 65539
