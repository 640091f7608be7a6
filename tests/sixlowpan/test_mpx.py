"""The MPX IE octet by octet (IEEE 802.15.9 section 5): whole frames, pieces, and what is cut short."""

from __future__ import annotations

import pytest

from sixlowpan import mpx
from sixlowpan.mpx import Pieces

A, B, PAN = b"\xaa" * 8, b"\xbb" * 8, b"\xab\xcd"
FIRST = bytes.fromhex("1a00" + "0600" + "eda0" + "0102")  # transaction 3, 6 octets of a0ed, of which two
MIDDLE = bytes.fromhex("1a01" + "0304")
LAST = bytes.fromhex("1c02" + "0506")


@pytest.mark.parametrize(
    ("octets", "transfer"),
    [
        ("00eda07a33", (mpx.FULL, 0, b"\x7a\x33", 0xA0ED, 0, None)),
        ("08eda0", (mpx.FULL, 1, b"", 0xA0ED, 0, None)),
        ("00ed", None),
        ("00", None),
        ("297a33", (mpx.FULL_SMALL_ID, 0, b"\x7a\x33", 5, 0, None)),
        ("29", (mpx.FULL_SMALL_ID, 0, b"", 5, 0, None)),
        (FIRST.hex(), (mpx.PIECE, 3, b"\x01\x02", 0xA0ED, 0, 6)),
        (MIDDLE.hex(), (mpx.PIECE, 3, b"\x03\x04", None, 1, None)),
        (LAST.hex(), (mpx.LAST_PIECE, 3, b"\x05\x06", None, 2, None)),
        ("1a00" + "0600" + "eda0", (mpx.PIECE, 3, b"", 0xA0ED, 0, 6)),
        ("1a00" + "0600" + "ed", None),
        ("1a01", (mpx.PIECE, 3, b"", None, 1, None)),
        ("1a", None),
        ("1c", None),
        ("1e", (mpx.ABORT, 3, b"", None, 0, None)),
        ("1e0600", (mpx.ABORT, 3, b"", None, 0, None)),
        ("03eda07a33", None),
        ("05eda07a33", None),
        ("07eda07a33", None),
        ("", None),
    ],
)
def test_parse(octets, transfer):
    assert mpx.parse(bytes.fromhex(octets)) == transfer


def whole(*contents, kept=None):
    """What comes of the last of these contents, all of one sender."""
    pieces, made = kept or Pieces(), None
    for content in contents:
        made = pieces.add(PAN, A, B, mpx.parse(content))
    return made


def test_pieces_are_put_together():
    assert whole(FIRST, MIDDLE, LAST) == (0xA0ED, bytes(range(1, 7)))
    assert whole(bytes.fromhex("1c000200eda00102")) == (0xA0ED, b"\1\2")  # one piece, which is the last
    assert whole(FIRST, FIRST, MIDDLE, LAST) == (0xA0ED, bytes(range(1, 7)))


def test_pieces_that_do_not_follow_each_other_are_no_frame():
    last = bytes.fromhex("1c01" + "0506")
    middle = bytes.fromhex("1a02" + "0304")
    assert whole(FIRST, middle, last) is None
    assert whole(FIRST, MIDDLE, MIDDLE, LAST) is None
    assert whole(MIDDLE, LAST) is None
    assert whole(FIRST, bytes.fromhex("1e"), MIDDLE, LAST) is None


def test_senders_networks_and_transactions_are_told_apart():
    kept = Pieces()
    assert whole(FIRST, kept=kept) is None
    for pan, src, dst, change in ((b"\0\0", A, B, 0), (PAN, B, B, 0), (PAN, A, A, 0), (PAN, A, B, 8)):
        assert kept.add(pan, src, dst, mpx.parse(bytes((MIDDLE[0] ^ change,)) + MIDDLE[1:])) is None
    assert whole(MIDDLE, LAST, kept=kept) == (0xA0ED, bytes(range(1, 7)))


def test_what_is_kept_is_bounded():
    kept = Pieces()
    for number in range(65):
        kept.add(PAN, A, bytes((number,)), mpx.parse(FIRST))
    whole_one = (0xA0ED, bytes(range(1, 7)))
    for number, made in ((0, None), (1, whole_one), (64, whole_one)):
        kept.add(PAN, A, bytes((number,)), mpx.parse(MIDDLE))
        assert kept.add(PAN, A, bytes((number,)), mpx.parse(LAST)) == made
    assert whole(FIRST, MIDDLE, MIDDLE[:1] + b"\2" + bytes(9), kept=kept) is None
    assert (PAN, A, B, 3) not in kept._partial  # more octets than the first told
