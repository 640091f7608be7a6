"""Fragments of one sender by themselves: repetitions, tags, sizes, restarts."""

from __future__ import annotations

from sixlowpan import fragment, fragment_header_1, fragment_header_n, link_local, lint
from sixlowpan.dispatch import FRAG1, FRAGN
from sixlowpan.findings import ADVICE
from sixlowpan.lint_fragments import FragmentLint, remember
from tests.sixlowpan.samples import LONG, SHORT, udp_packet

START = 1000.0


class Fragments:
    """A judge that keeps what it says, and a clock."""

    def __init__(self):
        self.said, self.now, self.frame = [], START, 0
        self.lint = FragmentLint(lambda *each: self.said.append(each))

    def send(self, payload, after=0.0, at=0, link=LONG):
        """(repeated, what was given up), and what was said into `said`."""
        self.now += after
        self.frame += 1
        self.said.clear()
        if self.lint.repeated(payload, at, link, self.now):
            return True, None
        kind = FRAG1 if payload[at] < 0xE0 else FRAGN
        return False, self.lint.fragment(payload, at, kind, link, self.frame, self.now)

    def codes(self):
        return [
            (code, level, offset, expected, actual)
            for code, _, level, offset, expected, actual, _ in self.said
        ]


def first(tag, size=300, data=b"abcdefgh"):
    return fragment_header_1(size, tag) + data


def later(tag, size=300, offset=5, data=b"abcdefgh"):
    return fragment_header_n(size, tag, offset) + data


def test_a_repetition():
    sender = Fragments()
    assert sender.send(first(7)) == (False, None)
    assert sender.send(first(7), 59.9) == (True, None)
    assert sender.send(later(7), 0.0) == (False, None)
    assert sender.send(first(7), 59.9)[0] is True
    assert sender.send(first(7), 0.1, link=SHORT)[0] is False
    assert sender.send(later(7, offset=6))[0] is False
    # a repetition does not count as a sign of life
    assert sender.send(later(7), 60.0)[0] is False


def test_the_shortest():
    sender = Fragments()
    assert sender.send(first(7, data=b"")) == (False, None)
    assert sender.lint.cuts == {}
    assert sender.send(first(7, data=b"")) == (False, None)
    assert sender.send(first(7, data=b"a")) == (False, None)
    assert sender.send(first(7, data=b"a")) == (True, None)
    assert sender.send(b"\0\0" + later(8, data=b""), at=2) == (False, None)
    (cut, other) = sender.lint.cuts.values()
    assert (cut.size, cut.frame, cut.octets, other.octets) == (300, 3, 1, 0)


def test_too_short_for_a_header():
    sender = Fragments()
    for length in range(1, 4):
        assert sender.send(later(7)[:length]) == (False, None)
    assert sender.lint.cuts == {}


def test_requirements():
    sender = Fragments()
    sender.send(first(7, 300))
    sender.send(later(7, 308))
    assert sender.said[0][1] == "RFC4944-5.3-09"
    sender.send(first(7, 300, b"another "))
    assert sender.said[0][1] == "RFC4944-5.3-13"
    sender.send(first(0x1000, 1281))
    assert [each[1] for each in sender.said] == ["RFC4944-5.3-13", "RFC4944-4-01"]


def test_a_datagram_that_begins_anew_is_the_youngest():
    sender = Fragments()
    for tag in (1, 2):
        sender.send(first(tag))
    sender.send(first(1, data=b"another "))
    assert [tag for _, _, tag in sender.lint.cuts] == [2, 1]


def test_another_first_fragment_behind_later_ones():
    sender = Fragments()
    sender.send(first(7))
    sender.send(later(7))
    assert sender.send(first(7, data=b"another "))[1] is not None


def test_sizes_of_one_tag():
    sender = Fragments()
    sender.send(first(7, 300))
    sender.send(later(7, 308), 1.0)
    assert sender.codes() == [("datagram_size", "fail", 0, 300, 308)]
    sender.send(later(7, 316), 1.5)
    assert sender.codes() == [("datagram_size", "advice", 0, 300, 316)]
    (cut,) = sender.lint.cuts.values()
    assert cut.octets == 24
    sender.send(later(9, 1280))
    assert sender.codes() == []
    sender.send(b"\x50\1" + later(10, 1281), at=2)
    assert sender.codes() == [("datagram_size", "advice", 2, "up to 1280", 1281)]


def test_a_tag_that_comes_again():
    for size, given_up in ((300, 1), (400, 1)):
        sender = Fragments()
        sender.send(first(7))
        again = sender.send(first(7, size, b"another "), 1.0)
        assert again[1].frame == given_up
        assert sender.codes() == [("datagram_tag", "fail", 2, 8, 7)]
        sender.send(first(7, size, b"a third "), 1.1)
        assert sender.codes() == [("datagram_tag", "advice", 2, 8, 7)]
    # behind a whole datagram every new fragment is another datagram, the later ones, too
    for again in (later(7, 300, 9), later(7, 400), first(7, 300, b"another ")):
        sender = Fragments()
        sender.send(first(7))
        assert sender.lint.done(first(7), 0, LONG).whole
        assert sender.send(again) == (False, None)
        assert sender.codes() == [("datagram_tag", "fail", 2, 8, 7)]


def test_a_first_fragment_that_comes_late():
    sender = Fragments()
    sender.send(later(7))
    assert sender.send(first(7)) == (False, None)
    assert sender.codes() == []


def test_time_counts_from_the_last_fragment():
    sender = Fragments()
    sender.send(first(7))
    sender.send(later(7), 5.0)
    sender.lint.done(later(7), 0, LONG)
    sender.send(first(7, data=b"another "), 1.0)
    assert sender.codes() == [("datagram_tag", "fail", 2, 8, 7)]
    # a fragment of an earlier tag does not count
    sender = Fragments()
    sender.send(first(7))
    sender.send(first(8))
    sender.send(later(7), 5.0)
    sender.send(first(8, data=b"another "), 1.0)
    assert sender.codes() == [("datagram_tag", "advice", 2, 9, 8)]


def test_counters():
    for before, tag, said in ((0xFFFF, 0, 0), (5, 0x105, 0), (5, 0x106, 1), (5, 4, 1), (0xFFFF, 0xFFFF, 1)):
        sender = Fragments()
        sender.send(first(before))
        sender.send(first(tag, data=b"another "))
        assert len(sender.codes()) == said, (before, tag)
        if said:
            level = "fail" if before == tag else "advice"
            assert sender.codes() == [("datagram_tag", level, 2, before + 1 & 0xFFFF, tag)]


def test_what_is_left():
    sender = Fragments()
    for tag in (1, 2, 3):
        sender.send(first(tag))
    sender.lint.done(first(2), 0, LONG)
    assert sender.lint.done(first(9), 0, LONG) is None
    keys = [(LONG.src, LONG.dst, tag) for tag in (1, 2, 3, 9)]
    assert sender.lint.expired(keys[0], 301) is None
    assert sender.lint.expired(keys[0], 300).frame == 1
    assert sender.lint.expired(keys[0], 300) is None
    assert sender.lint.expired(keys[1], 300) is None
    assert sender.lint.expired(keys[3], 300) is None
    assert [key for key, _ in sender.lint.left()] == [keys[2]]
    assert sender.lint.left() == []


def test_memory():
    memory = {}
    for number in range(1030):
        remember(memory, number, number)
    remember(memory, 1029, "again")
    assert len(memory) == 1024
    assert next(iter(memory)) == 6
    assert memory[1029] == "again"


def test_fragments_that_overlap_are_named():
    """One of the two offsets is wrong, or the sender started anew: advice, at the fragment that overlaps."""
    packet = udp_packet(link_local(LONG.src), link_local(LONG.dst), data=bytes(200))
    pieces = fragment(packet, LONG, mtu=80, tag=1)
    moved = pieces[1][:4] + bytes((pieces[1][4] + 1,)) + pieces[1][5:]
    found = lint([pieces[0], pieces[1], moved, *pieces[2:]], LONG)
    overlap = next(one for one in found if one.requirement == "RFC4944-5.3-16")
    assert (overlap.code, overlap.level, overlap.frame) == ("incomplete", ADVICE, 2)
    assert not [one for one in lint([*pieces, *pieces], LONG) if one.requirement == "RFC4944-5.3-16"]
