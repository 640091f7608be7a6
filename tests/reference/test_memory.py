"""The in-memory link: a clock nobody waits for, and a medium that loses, doubles and swaps the same way each time."""

from rigs.links.memory.link import Medium, MemoryLink


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


def link(node, **media):
    made = MemoryLink("ieee802154", **media)
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


def arrived(**model):
    node = Parrot()
    made = link(node, there=Medium(7, **model))
    for i in range(1000):
        made.send(i.to_bytes(2, "big"))
    made.receive(made.now())
    return [int.from_bytes(frame, "big") for frame in node.heard]


def test_loss_is_seeded():
    found = arrived(loss=0.2)
    assert 750 < len(found) < 850
    assert found == arrived(loss=0.2)
    assert found == sorted(found)


def test_duplication():
    found = arrived(duplication=0.1)
    assert 1050 < len(found) < 1150
    assert sorted(set(found)) == list(range(1000))


def test_reordering_loses_nothing():
    found = arrived(reordering=0.1)
    assert found != sorted(found)
    assert sorted(found) == list(range(1000))
