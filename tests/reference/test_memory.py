"""The in-memory link: a clock nobody waits for, and a medium on which nothing is lost."""

import pytest

from rigs.links.memory.link import MemoryLink, open_link
from rigs.model import RigError
from rigs.registry import load


class Parrot:
    """Says every frame back, and speaks by itself at `due`."""

    def __init__(self, due=None):
        self.due, self.heard = due, []

    def hear(self, frame, now):
        self.heard.append(frame)
        return [frame]

    def wake(self, now):
        self.due = None
        return [b"timer"]

    def next_timer(self):
        return self.due


def link(node):
    made = MemoryLink("ieee802154")
    made.attach(node)
    return made


def test_an_idle_link_jumps_to_the_deadline():
    made = link(Parrot())
    assert made.receive(3600.0) is None
    assert made.now() == 3600.0


def test_timers_come_due_in_between():
    made = link(Parrot(due=60.0))
    assert made.receive(59.0) is None
    received = made.receive(100.0)
    assert received.frame == b"timer"
    assert 60.0 <= received.time < 60.01
    assert made.now() < 61


def test_frames_take_their_air_time():
    made = link(Parrot())
    made.send(bytes(125))
    first = made.receive(1.0)
    assert first.frame == bytes(125)
    assert 0.008 < first.time < 0.009  # there and back, 4 ms each


def test_a_deadline_in_the_past_gives_what_is_here():
    made = link(Parrot())
    made.send(b"x")
    assert made.receive(-1.0).frame == b"x"
    now = made.now()
    assert made.receive(-1.0) is None
    assert made.now() == now


@pytest.mark.parametrize("address", ["802154?loss=0.1&seed=7", "802154?", "ethernet"])
def test_what_is_done_to_frames_is_the_airs(bench, address):
    with pytest.raises(RigError, match=r"memory:802154 and memory:ble") as caught:
        open_link(bench, address, load("reference").rig)
    assert ("[air], such as loss = 0.1" in str(caught.value)) == ("?" in address)
