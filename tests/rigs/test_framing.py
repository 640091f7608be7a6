"""What is heard on an IEEE 802.15.4 link: a frame that is sent again for want of an acknowledgement is heard once."""

from collections import deque

import pytest

from rigs.model import Received
from rigs.tester.framing import Air
from sixlowpan import mac

DUT, TESTER, PAN = bytes.fromhex("02005efffe000001"), bytes.fromhex("02005efffe000002"), b"\xab\xcd"


class Played:
    """A link on which these frames come, each at its time."""

    kind, pan, mtu, auto_ack = "ieee802154", PAN, 125, False

    def __init__(self, frames):
        self.frames = deque(Received(frame, at, "virtual") for at, frame in frames)

    def receive(self, deadline):
        return self.frames.popleft() if self.frames else None


def frame(sequence=7, ask=True, octets=b"\x7a\x33\x3a"):
    return mac.data_frame(DUT, TESTER, PAN, sequence, octets, ask)


@pytest.mark.parametrize(
    ("second", "at", "heard"),
    [
        (frame(), 0.004, 1),
        (frame(sequence=8), 0.004, 2),
        (frame(octets=b"\x7a\x33\x11"), 0.004, 2),
        (frame(), 1.0, 2),  # whose sequence number stands still says the same again: no MAC waits so long
    ],
    ids=["repetition", "another-number", "other-octets", "later"],
)
def test_a_repetition_is_heard_once(second, at, heard):
    sunk = []
    air = Air(Played([(0.0, frame()), (at, second)]), lambda *told: sunk.append(told))
    found = [got for _ in range(2) if (got := air.hear(9.0)) is not None]
    assert (len(found), len(sunk)) == (heard, 2), "all of them are evidence"


def test_nobody_repeats_what_asks_for_no_acknowledgement():
    air = Air(Played([(0.0, frame(ask=False)), (0.0, frame(ask=False))]))
    assert air.hear(9.0)
    assert air.hear(9.0)


def test_a_frame_of_another_sender_between_them_changes_nothing():
    other = mac.data_frame(TESTER, DUT, PAN, 7, b"\x7a", True)
    air = Air(Played([(0.0, frame()), (0.001, other), (0.002, frame())]))
    assert [air.hear(9.0).frame, air.hear(9.0).frame, air.hear(9.0)] == [frame(), other, None]


class Tapped(Played):
    """Its tap saw an equal frame at 1 s, and sees what is sent `late`, or not yet (None)."""

    clock, clock_error = "monotonic", 0.0002

    def __init__(self, late):
        super().__init__([])
        self.taps, self.late = [Received(frame(), 1.0, "monotonic")], late

    def stamp(self):
        return 7.0

    def send(self, octets):
        if self.late is not None:
            self.taps.append(Received(octets, 7.0 + self.late, "monotonic"))

    def outgoing(self):
        return self.taps


@pytest.mark.parametrize(("late", "left"), [(0.002, 7.002), (-0.0001, 6.9999), (None, 7.0)])
def test_when_a_frame_left_is_never_when_an_equal_one_did(late, left):
    """By the tap, whose clock may be off by its error; what it has not seen yet left no earlier than it was sent."""
    air = Air(Tapped(late))
    air.send_frame(frame())
    assert air.left(frame()) == left


def test_a_data_frame_without_a_payload_is_none_of_6lowpan():
    """IEEE 802.15.4-2006 §7.5.6.3: a coordinator sends it where nothing is pending."""
    air = Air(Played([(0.0, frame(sequence=6, octets=b"")), (0.0, frame())]))
    heard = air.hear(9.0)
    assert heard is not None
    assert heard.frame == frame()
