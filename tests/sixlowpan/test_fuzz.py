"""Noise and damage: whatever comes in, only DecodeError comes out, and nothing grows without bound."""

from __future__ import annotations

import random

import pytest

from sixlowpan import Reassembler, encode, explain, fragment, frame, ipv6, lint, mac, render
from tests.sixlowpan.samples import CONTEXTS, DST, EUI_A, EUI_B, LINKS, LONG, SRC, refusal, udp_packet

OPTIONS = bytes.fromhex("3c000104000000001100010400000000") + ipv6.udp(1, 2, b"abc", SRC, DST)
PACKETS = [
    udp_packet(SRC, DST, data=bytes(range(200))),
    ipv6.build(SRC, DST, 0, OPTIONS),
    ipv6.build(SRC, DST, 41, ipv6.build(SRC, DST, 0, OPTIONS)),
]
SEEDS = [encode(packet, LONG, CONTEXTS) for packet in PACKETS]
SEEDS += [piece for packet in PACKETS for piece in fragment(packet, LONG, mtu=70, tag=1)]
SEEDS += [
    bytes.fromhex(wire)
    for wire in (
        "7f33b10663040000010090f3120000",
        "7f33df049b006bde82",
        "42fbe04012abcd",
        "bf20123400015007c0280001",
        "4160",
        "f17b333b",
    )
]


def payloads(seed: int, count: int):
    """Noise, noise behind an IPHC dispatch, and damaged good payloads, the same on each run."""
    noise = random.Random(seed)
    for number in range(count):
        if number % 4 == 0:
            yield noise.randbytes(noise.randrange(60))
        elif number % 4 == 1:
            yield bytes((noise.randrange(0x60, 0x80),)) + noise.randbytes(noise.randrange(60))
        else:
            octets = bytearray(noise.choice(SEEDS))
            for _ in range(noise.randrange(4)):
                octets[noise.randrange(len(octets))] = noise.randrange(256)
            yield bytes(octets[: noise.randrange(len(octets) + 1)] if noise.random() < 0.3 else octets)


@pytest.mark.parametrize("name", LINKS)
def test_decoder(name):
    reassembler = Reassembler(max_datagrams=16)
    kinds = set()
    for number, payload in enumerate(payloads(len(name), 8000)):
        error = refusal(reassembler.receive, payload, LINKS[name], CONTEXTS, number / 100)
        if error is not None:
            kinds.add(error.kind)
            assert 0 <= error.offset <= len(payload), payload.hex()
        assert reassembler.pending <= 16
    assert kinds == {"malformed", "reserved", "unsupported"}


@pytest.mark.parametrize("name", LINKS)
def test_judges(name):
    noise = list(payloads(7, 600))
    for payload in noise:
        render(explain(payload, LINKS[name], CONTEXTS))
    assert lint(noise, LINKS[name], CONTEXTS, times=range(600), mtu=90)


def test_link_frames():
    noise = random.Random(802154)
    good = mac.data_frame(EUI_A, EUI_B, b"\xab\xcd", 1, SEEDS[0])
    for number in range(10000):
        octets = bytearray(noise.randbytes(noise.randrange(40)) if number % 2 else good)
        for _ in range(3):
            if octets:
                octets[noise.randrange(min(len(octets), 12))] = noise.randrange(256)
        refusal(frame.parse, bytes(octets))
    assert frame.parse(good)[0] == SEEDS[0]


def test_decoded_packets_can_be_encoded():
    """Whatever decodes to a packet has a smallest form that decodes to the same."""
    done = 0
    for payload in payloads(11, 4000):
        reassembler = Reassembler()
        error = refusal(reassembler.receive, payload, LONG, CONTEXTS)
        packet = None if error else reassembler.receive(payload, LONG, CONTEXTS)
        if packet is not None:
            again = refusal(Reassembler().receive, encode(packet, LONG, CONTEXTS), LONG, CONTEXTS)
            assert again is None
            assert Reassembler().receive(encode(packet, LONG, CONTEXTS), LONG, CONTEXTS) == packet
            done += 1
    assert done > 200
