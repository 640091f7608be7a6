"""The ZEP radio: which frames are acknowledged, repeated, and dropped as repetitions."""

import os
import queue
import subprocess
import threading
import time

import pytest

from rigs.links import acknowledgement
from rigs.links.acknowledgement import Acknowledger
from sixlowpan import mac
from tests.links.zep.peer import DUT, PAN, all_received, data, out
from tests.waiting import PATIENCE


def test_a_frame_is_sent_once_and_its_ack_is_no_frame(link, known):
    thread, heard = known.acknowledge(2)
    link.send(out(1))
    link.send(out(2))
    thread.join(5)
    known.say(data(9, ask=False))
    assert heard == [out(1), out(2)]
    assert all_received(link, 1) == [data(9, ask=False)]
    assert (link.radio.repeated, link.radio.unacknowledged) == (0, 0)


def test_the_next_frame_waits_for_the_ack(link, known):
    sent = threading.Thread(target=lambda: [link.send(out(1)), link.send(out(2))], daemon=True)
    sent.start()
    assert known.hear()[1] == out(1)
    known.say(bytes([2, 0, 77]))  # an ACK of something else
    assert known.hear()[1] == out(1)  # so it is repeated
    known.say(bytes([2, 0, 1]))
    assert known.hear()[1] == out(2)
    known.say(bytes([2, 0, 2]))
    sent.join(5)
    assert not sent.is_alive()


def test_a_frame_without_an_ack_is_sent_four_times(link, known):
    """macMaxFrameRetries is 3; and that nobody acknowledges is no error, a case sees silence."""
    link.send(out(1))
    assert [known.hear()[1] for _ in range(4)] == [out(1)] * 4
    link.send(out(2, ask=False))
    assert known.hear()[1] == out(2, ask=False)
    assert (link.radio.repeated, link.radio.unacknowledged) == (3, 1)


def test_a_deaf_node_is_not_given_four_tries_for_ever(link, known):
    for n in range(5):
        link.send(out(n))
    heard = [known.hear()[1] for _ in range(14)]
    assert [heard.count(out(n)) for n in range(5)] == [4, 4, 4, 1, 1]
    thread, _ = known.acknowledge(1)
    link.send(out(5))
    thread.join(5)
    link.send(out(6))  # it was heard again, so it gets four
    assert [known.hear()[1] for _ in range(4)] == [out(6)] * 4


def test_nothing_is_sent_to_a_node_that_is_busy():
    """RIOT 2026.07 ends in an assertion when a frame comes before it is done with the one before."""
    looks, sent = iter([True, True, False]), []
    radio = Acknowledger(lambda frame: sent.append(next(looks, "sleeps")), busy=lambda: next(looks))
    radio.send(data(1), awaits=False)
    assert sent == ["sleeps"]


def test_a_frame_that_nobody_acknowledges_waits_until_the_node_is_silent():
    """RIOT loses what comes while it sends, and it sends a datagram of many frames with pauses between them."""
    looks = []

    def busy():
        looks.append(time.monotonic())
        if len(looks) == 1:
            radio.heard(data(7, ask=False))  # the next frame of its datagram
        return len(looks) == 1

    radio = Acknowledger(lambda _frame: None, around=0.05, busy=busy)
    radio.send(data(1), awaits=False)
    assert len(looks) == 2
    assert looks[1] - looks[0] >= 0.05


def test_a_node_that_hangs_is_waited_for_once(monkeypatch):
    """Else each of a thousand frames costs a second of its time, which on a busy machine is many."""
    monkeypatch.setattr(acknowledgement, "_BUSY", 0.05)
    rests = iter([False])
    looks = []

    def busy():
        looks.append(len(sent))
        return next(rests, True) if len(sent) > 3 else True

    sent = []
    radio = Acknowledger(sent.append, busy=busy)
    for n in range(3):
        radio.send(data(n), awaits=False)
    assert (looks.count(0) > 1, looks.count(1), looks.count(2)) == (True, 1, 1)
    radio.send(data(3), awaits=False)
    radio.send(data(4), awaits=False)  # it rested
    radio.send(data(5), awaits=False)
    assert looks.count(5) > 1


def test_a_process_that_runs_is_busy(link):
    link.process = os.getpid
    assert link._node_is_busy()
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        link.process = lambda: sleeper.pid
        while link._node_is_busy():
            pass
        sleeper.kill()
    assert not link._node_is_busy()  # it is no more


def test_a_node_that_was_sending_itself_has_not_heard_us():
    """So its frame ends the wait for its ACK, long before that runs out."""
    sent = queue.SimpleQueue()
    radio = Acknowledger(sent.put, wait=600)
    sending = threading.Thread(target=radio.send, args=(out(1),), kwargs={"awaits": True}, daemon=True)
    sending.start()
    assert sent.get(timeout=PATIENCE) == out(1)
    assert radio.heard(data(7))
    assert sorted([sent.get(timeout=PATIENCE), sent.get(timeout=PATIENCE)]) == sorted([mac.ack(7), out(1)])
    assert not radio.heard(mac.ack(1))
    sending.join(5)
    assert not sending.is_alive()


@pytest.mark.parametrize(
    "frame",
    [
        out(1, dst=b"\xff\xff"),
        out(1, pan=b"\xab\xcd"),
        out(1, dst=DUT[:7] + b"\x02"),
        out(1, ask=False),
        mac.ack(1),
        b"\x21",
        b"\x61\xcc\x01",
        b"\x23\x08\x01" + PAN + b"\x01\x00",
    ],
    ids=["broadcast", "another-pan", "somebody-else", "unasked", "ack", "one-octet", "cut", "command"],
)
def test_what_is_not_for_the_dut_is_sent_once(link, known, frame):
    link.send(frame)
    link.send(out(2, ask=False))
    assert [known.hear()[1], known.hear()[1]] == [frame, out(2, ask=False)]


def test_what_the_dut_asks_for_is_acknowledged(link, known):
    known.say(data(200))
    assert known.hear()[1] == bytes([2, 0, 200])
    known.say(data(201, ask=False))
    known.say(data(202, dst=b"\xff\xff"))
    known.say(data(203, dst=b"\x12\x34"))
    assert known.hear()[1] == bytes([2, 0, 203])
    assert all_received(link, 4) == [
        data(200),
        data(201, ask=False),
        data(202, dst=b"\xff\xff"),
        data(203, dst=b"\x12\x34"),
    ]


def test_repetitions_are_dropped_and_acknowledged_again(link, known):
    other = DUT[:7] + b"\x09"
    for frame in (
        data(1),
        data(1),
        data(1, src=other),
        data(1),  # still the last of its source
        data(1, b"\x7a\x33\x11"),  # the same number on other octets: to be seen
        data(2),
        data(1),  # no repetition of the frame before
    ):
        known.say(frame)
        assert known.hear()[1] == bytes([2, 0, frame[2]])
    assert all_received(link, 5) == [data(1), data(1, src=other), data(1, b"\x7a\x33\x11"), data(2), data(1)]


def test_what_asks_for_no_ack_is_never_a_repetition(link, known):
    for _ in range(2):
        known.say(data(1, ask=False))
    assert all_received(link, 2) == [data(1, ask=False)] * 2


def test_frames_that_are_no_frames_are_handed_on(link, known):
    """What the DUT sent is for a case to judge, whatever it is."""
    for octets in (b"", b"\x61", b"\x07\xcc\x01", b"\x61\xcc\x01\x23"):
        known.say(octets)
    assert all_received(link, 4) == [b"", b"\x61", b"\x07\xcc\x01", b"\x61\xcc\x01\x23"]
