"""What the judge of a capture remembers of headers and checksums makes it quicker, and changes nothing."""

from __future__ import annotations

import random

import pytest

from sixlowpan import (
    Linter,
    MacHeader,
    capture,
    data_frame,
    encode,
    ipv6,
    mac,
    nd,
)
from sixlowpan.capture import sift
from tests.sixlowpan.captures import pcap
from tests.sixlowpan.samples import EUI_A, EUI_B, LONG, udp_packet
from tests.sixlowpan.test_capture_senders import (
    DST,
    EUI_C,
    OTHER,
    PAN,
    SIX,
    SRC,
    STATEFUL,
    advertise,
    frames,
    judged,
    pieces,
    rows,
    version_2,
)


def mixed(count=400):
    """Frames of many forms, right and wrong, between several senders, many of them with headers seen before."""
    noise = random.Random(5)
    payloads = [encode(udp_packet(SRC, DST, data=bytes(n)), LONG) for n in range(3)]
    payloads += [encode(ipv6.echo_request(SRC, DST, 1, n, b"x" * n), LONG) for n in range(3)]
    payloads += [
        bytes.fromhex(each)
        for each in ("7a343a", "7a333a8000", "7e33f01633163312", "7a3311" + "00" * 8, "f17a333a")
    ]
    payloads += [STATEFUL, *pieces(3)]
    given = []
    for number in range(count):
        payload = bytearray(noise.choice(payloads))
        if noise.random() < 0.3:
            payload[noise.randrange(len(payload))] ^= 1 << noise.randrange(8)
        ends = noise.choice(
            ((EUI_A, EUI_B), (EUI_A, EUI_B), (EUI_C, EUI_B), (b"\0\1", b"\0\2"), (EUI_A, b"\xff\xff"))
        )
        given.append(data_frame(*ends, noise.choice((PAN, PAN, OTHER)), number & 0xFF, bytes(payload)))
    given[count // 2 : count // 2] = [advertise(nd.ContextOption(SIX, 64, True, 2, 5)), version_2(STATEFUL)]
    return given


def test_ies_behind_a_header_that_was_seen_without(tmp_path):
    """IE Present, and none there; then a frame with the same addresses and an IE."""
    bare = MacHeader(version=2, sequence=1, dst_pan=PAN, dst=b"\0\2", src=b"\0\1", pan_compression=True)
    front = mac.build(bare, b"")
    front = front[:1] + bytes((front[1] | 2,)) + front[2:]
    given = [front, front[:2] + b"\x02" + front[3:] + b"\x80\x3f" + bytes.fromhex("7a333a8000")]
    judgement = judged(tmp_path, given)
    assert (judgement.judged, judgement.skipped) == (1, {"no payload": 1})
    assert [row[:2] for row in rows(judgement)] == []


def test_what_is_remembered_changes_nothing(tmp_path, monkeypatch):
    """Headers and forms that were seen before take a shorter way: to the same answer."""
    path = pcap(tmp_path / "f", 230, mixed())

    def answer():
        judgement = capture.judge(path)
        senders = {
            name: (did.judged, did.fails, did.advice, did.coverage.seen)
            for name, did in judgement.senders.items()
        }
        groups = [(each.sender, each.finding, each.count, each.frames) for each in judgement.groups]
        return groups, senders, judgement.skipped, judgement.judged

    short = answer()
    monkeypatch.setattr(sift.Sieve, "_keep", lambda *_: None)
    monkeypatch.setattr(sift.Sieve, "_known", lambda *_: None)
    monkeypatch.setattr(Linter, "_form", lambda *_: None)
    assert answer() == short


def spoilt():
    """One link's packets of each upper layer, their headers seen before, then with octets wrong, gone or too many."""
    packets = []
    for size in range(5):
        data = bytes(range(1, 1 + size))
        packets.append(ipv6.echo_request(SRC, DST, 7, size, data))
        packets.append(
            ipv6.build(SRC, DST, 58, ipv6.icmpv6(135, 0, bytes(4) + DST + data, SRC, DST), hop_limit=255)
        )
        for ports in ((0xF0B1, 0xF0B2), (0xF012, 5683), (5683, 0xF012), (5683, 5684)):
            packet = ipv6.build(SRC, DST, 17, ipv6.udp(*ports, data, SRC, DST))
            packets += [packet, packet[:46] + b"\0\0" + packet[48:]]
    payloads = []
    for payload in (encode(packet, LONG) for packet in packets):
        wrong = payload[:-1] + bytes((payload[-1] ^ 1,))
        payloads += [payload, wrong, payload[:-1], payload[:-2], payload[:-3], payload + b"\0", payload]
    return frames(payloads)


@pytest.mark.parametrize("link_type", [195, 230])
def test_what_is_remembered_of_a_checksum_changes_nothing(tmp_path, monkeypatch, link_type):
    """Right, wrong, cut, and too long: the sum by what is remembered says what the packet says."""
    ends = (lambda frame: frame + mac.fcs(frame)) if link_type == 195 else (lambda frame: frame)
    given = [ends(frame) for frame in spoilt()]
    given[7] = given[7][:-1] + bytes((given[7][-1] ^ 1,))  # a wrong FCS, where there is one
    path = pcap(tmp_path / "f", link_type, given)

    def answer():
        judgement = capture.judge(path)
        return rows(judgement), judgement.skipped, judgement.judged, judgement.senders[PAN, EUI_A].advice

    short = answer()
    assert short[3]["checksum"] > 50
    monkeypatch.setattr(sift.Sieve, "_keep", lambda *_: None)
    monkeypatch.setattr(sift.Sieve, "_known", lambda *_: None)
    monkeypatch.setattr(Linter, "_form", lambda *_: None)
    assert answer() == short
