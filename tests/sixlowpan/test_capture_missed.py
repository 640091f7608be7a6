"""Bluetooth on the air with packets that the sniffer missed: what they were a part of is not read, all else is."""

from __future__ import annotations

import itertools
import struct

import pytest

from sixlowpan import capture
from sixlowpan.l2cap import IPSP, Connection
from tests.sixlowpan.bluetooth import ACCESS, air, phdr
from tests.sixlowpan.captures import pcap
from tests.sixlowpan.samples import BD_A, BD_B

CID, MPS, MTU = 0x40, 20, 200
SDUS = [bytes((0x7A, number)) * size for number, size in enumerate((5, 27, 9, 40, 3, 12))]


def frame(cid, data):
    return struct.pack("<HH", len(data), cid) + data


def opened():
    """A connection with a channel to the peer, whose K-frames go to CID."""
    connection = Connection(BD_A, BD_B)
    asked = struct.pack("<BBHHHHHH", 0x14, 1, 10, IPSP, 0x41, MTU, MPS, 9)
    connection.add(frame(5, asked), True, start=True)
    connection.add(frame(5, struct.pack("<BBHHHHHH", 0x15, 1, 10, CID, MTU, MPS, 9, 0)), False, start=True)
    return connection


def k_frames(sdu):
    data = struct.pack("<H", len(sdu)) + sdu
    return [frame(CID, data[at : at + MPS]) for at in range(0, len(data), MPS)]


def read(pieces):
    connection = opened()
    return [sdu.payload for start, piece in pieces for sdu in connection.add(piece, True, start=start)]


ALL = [k_frame for sdu in SDUS for k_frame in k_frames(sdu)]


def test_nothing_is_missed():
    assert read((True, each) for each in ALL) == SDUS


@pytest.mark.parametrize("missed", [1, 2, 3])
def test_k_frames_that_were_missed(missed):
    """Wherever it is: what comes out was sent, and what was sent soon comes out again."""
    for at in range(len(ALL) - missed):
        found = read((True, each) for number, each in enumerate(ALL) if not at <= number < at + missed)
        assert set(found) <= set(SDUS)
        assert len(found) >= len(SDUS) - missed - 2


@pytest.mark.parametrize("missed", [1, 2])
def test_pieces_of_k_frames_that_were_missed(missed):
    pieces = [(not at, each[at : at + 7]) for each in ALL for at in range(0, len(each), 7)]
    for at in range(len(pieces) - missed):
        found = read(each for number, each in enumerate(pieces) if not at <= number < at + missed)
        assert set(found) <= set(SDUS)
        assert len(found) >= len(SDUS) - 4


def test_an_sdu_larger_than_the_channel_takes_is_none():
    sdus = [bytes(MTU + 1), b"abc", b"def"]
    assert read((True, k_frame) for sdu in sdus for k_frame in k_frames(sdu)) == [b"abc", b"def"]


def test_the_sequence_number_shows_what_was_missed(tmp_path):
    """Two packets in a row with one number: those between were missed."""
    packets = list(air())
    data = [at for at, (_, packet) in enumerate(packets) if packet[:4] == ACCESS]
    whole = {
        each.payload
        for each in capture.payloads(pcap(tmp_path / "f", 256, [phdr(*each) for each in packets]))
    }
    for first, last in itertools.pairwise(data):
        heard = [phdr(*each) for at, each in enumerate(packets) if at not in {first, last}]
        assert {each.payload for each in capture.payloads(pcap(tmp_path / "f", 256, heard))} <= whole


def test_equal_data_with_an_empty_packet_between_is_no_repetition(tmp_path):
    """The sequence number went on by two."""

    def packet(number, data):
        return phdr(True, ACCESS + bytes((number << 3 | (2 if data else 1), len(data))) + data + bytes(3))

    opening = [phdr(*each) for each in air()]
    (payload, *_) = capture.payloads(pcap(tmp_path / "f", 256, opening))
    cid = next(each[16 + 2 : 16 + 4] for each in opening if payload.payload[:4] in each)
    sdu = struct.pack("<H", 2) + b"\x7a\x33"
    again = struct.pack("<H", len(sdu)) + cid + sdu
    more = [packet(number & 1, again if number & 1 else b"") for number in range(8)]
    found = list(capture.payloads(pcap(tmp_path / "f", 256, [*opening, *more])))
    assert [each.payload for each in found[-4:]] == [b"\x7a\x33"] * 4
