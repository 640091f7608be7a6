"""RFC 4944 §5.3, the reassembly timer: "The reassembly timeout MUST be set to a maximum of 60 seconds".

Strategy: cases share waits of 64 s on the link's clock, in which nothing else runs on the rig. Whoever comes first
begins as many datagrams as the DUT has places for, and waits: on a virtual clock for nothing, and `-m "not slow"`
leaves it out. Shorter timeouts conform: only the profile's own figure is held against a DUT that gives up early.

A timer that fragments start anew shows only if they come before it runs out, and so they trickle all the while, at half
of the timeout that the profile declares, or else of the longest gap that the DUT was seen to bear. The DUT's timer
runs in true time, and so gaps are measured in it: where one came too late on a busy machine, all is done again.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from fixtures.api import (
    FULL,
    Case,
    Identity,
    Inconclusive,
    Link,
    Stimulus,
    full_size,
    let_pass,
    link_info,
    loses_nothing,
    on_link,
    outcome,
    pause,
    piece,
    pieces,
    requirement,
    stimulus,
)

pytestmark = on_link("ieee802154")

#: 60 s, and as much as an operating system may be late with a timer of that length.
LIMIT = 64.0
#: Fragments of eight octets that a datagram can have, FRAG1 and what leaves room for it set aside.
MOST = (FULL - 80) // 8
#: Gaps between fragments that are tried where the profile declares no timeout.
GAPS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
#: So often the wait is done where fragments came too late to keep any timer going.
WAITS = 3

#: Which of a datagram's four fragments are sent at once, at each beat of the wait, and behind it.
PLANS = {
    "still": ([0, 1, 2], [], [3]),
    "again": ([0, 1, 2], [], []),
    "trickled": ([0], [], []),  # of many fragments: one at each beat, the last behind the wait
    "doubled": ([0, 1, 2], [2], [3]),
    "first-late": ([1, 2], [0], [3]),
    "first-last": ([1, 2, 3], [], [0]),
    "younger": ([], [], [3]),  # the others half way through the wait
    "older": ([0, 1, 2], [], [3]),
    "whole": ([0, 1, 2, 3], [], []),  # takes no place
}
#: Why there is no second try.
REST = "it is the rest of a datagram that was begun before"
BEHIND = "it comes behind a datagram that was begun a minute ago"
#: The plans that nothing may come of.
OVER = ("still", "trickled", "doubled", "first-late", "first-last", "older")
#: The plans whose fragments keep a timer going that each of them starts anew.
TRICKLE = ("trickled", "doubled", "first-late")


@dataclass
class Begun:
    """A datagram that is not complete: who sent it, its fragments, and those that are still missing."""

    who: Identity
    packet: bytes
    parts: list[bytes]
    last: Stimulus | None = None
    #: What came of it behind the wait, though it must not.
    came: str = ""
    #: When its latest fragment was sent (`stamp`), and the most seconds between two.
    sent: float = 0.0
    gap: float = 0.0

    def beats(self, stamp: float) -> None:
        """A fragment is sent now."""
        self.gap, self.sent = max(self.gap, stamp - self.sent), stamp


_waited: weakref.WeakKeyDictionary[Link, dict[str, Begun]] = weakref.WeakKeyDictionary()
_borne: weakref.WeakKeyDictionary[Link, float] = weakref.WeakKeyDictionary()


def begin(case: Case, which: Sequence[int], count: int = 4) -> Begun:
    """Send some of a datagram's fragments as somebody whom the DUT has not met."""
    who = case.tester.fresh()
    packet, parts = pieces(case, 200) if count == 4 else pieces(case, 8 * count, 16)
    if count != 4:  # FRAG1 with 8 octets behind its headers, then as many of 8 octets
        behind = range(48, len(packet), 8)
        parts = [parts[0], *(piece(parts[0], at // 8, packet[at : at + 8]) for at in behind)]
    case.tester.send([parts[i] for i in which], link_info(case, packet))
    return Begun(who, packet, parts, sent=case.tester.stamp())


def borne(case: Case) -> float:
    """Seconds between two fragments that a DUT bears: its timeout, as declared or as it was seen."""
    declared = case.rig.profile.parameters.reassembly_timeout
    found = declared or _borne.get(case.rig.link)
    if found is None:
        found = _borne[case.rig.link] = _measured(case)
    return found


def beat(case: Case, plan: str = "trickled") -> float:
    """Seconds between two fragments of a plan: half of what the DUT bears, as far as its datagram has so many."""
    return max(borne(case) / 2, LIMIT / MOST if plan == "trickled" else 0.0)


def _measured(case: Case) -> float:
    """The longest of some gaps behind which a datagram was still completed."""
    case.room_for(200)
    longest = GAPS[0]
    for gap in GAPS:
        begun = begin(case, [0, 1, 2])
        pause(case, gap)
        last = Stimulus(
            begun.parts[3:], begun.packet, link_info(case, begun.packet), f"the rest, {gap:g} s later"
        )
        if not any(outcome(case, [last])):
            break
        longest = gap
    return longest


def together(case: Case, name: str) -> list[str]:
    """The plans that share a wait: as many as the DUT has places; on a virtual clock each has one of its own."""
    names = list(PLANS)
    if case.rig.link.clock == "virtual":
        company = {"younger": ["again"], "first-last": ["still"], "older": ["younger"]}
        return [*company.get(name, []), name]
    names.remove("whole")
    slots = case.rig.profile.parameters.reassembly_slots or len(names)
    first = 0 if name == "whole" else names.index(name) // slots * slots
    return ["whole", *names[first : first + slots]]


def runs(case: Case) -> None:
    """For cases that wait: only where the rig runs the timer that is waited for."""
    if not case.rig.profile.parameters.reassembly_timer:
        case.unsupported(
            "the rig does not run the DUT's reassembly timer (its profile says so)", "not_on_this_rig"
        )


def waited(case: Case, name: str) -> Begun:
    """The datagram of a plan, 64 s after its first fragment: the wait is done by the case that comes first."""
    runs(case)
    done = _waited.setdefault(case.rig.link, {})
    if name not in done:
        borne(case)  # measuring it takes as long as a wait, and may leave a datagram begun
        case.room_for(200)
        if case.rig.link.clock == "virtual":
            # whatever other cases left: a DUT may look at its timers when its table is full
            pause(case, LIMIT)
            full_size(case)
        names = together(case, name)
        done |= _wait(case, names)
        _complete(case, {each: done[each] for each in names if each in OVER})
        if "younger" not in names:  # what came too late begins datagrams anew, which hold places by right
            case.room_for(200)
    return done[name]


def _wait(case: Case, names: list[str]) -> dict[str, Begun]:
    """Begin a datagram for each plan and send its fragments as they are due, for 64 s.

    Where that leaves a place free, another datagram of the older one's sender is completed half way through its wait.
    """
    tester = case.tester
    begun: dict[str, Begun] = {}
    due: list[tuple[float, str, list[int]]] = []
    start = tester.stamp()
    for each in names:
        at_once, each_beat, behind = PLANS[each]
        interval = beat(case, each)
        beats = [interval * n for n in range(1, math.ceil(LIMIT / interval))]
        begun[each] = begin(case, at_once, 2 + len(beats) if each == "trickled" else 4)
        if each == "trickled":
            due += [(at, each, [number]) for number, at in enumerate(beats, 1)]
            behind = [*range(1 + len(beats), len(begun[each].parts))]
        elif each == "younger":
            due.append((LIMIT / 2, each, [0, 1, 2]))
        else:
            due += [(at, each, each_beat) for at in beats if each_beat]
        info = tester.info(begun[each].who.link)
        note = f"the rest ({each}), 64 s after the first fragment, {interval:.2g} s after the latest"
        begun[each].last = Stimulus([begun[each].parts[i] for i in behind], None, info, note)
    free = (case.rig.profile.parameters.reassembly_slots or 0) - len(set(names) - {"whole"})
    if "older" in names and free > 0:
        due.append((LIMIT / 2, "", [0, 1, 2, 3]))
    for at, each, which in sorted(due, key=lambda entry: entry[0]):
        let_pass(case, at, start)
        if not each:
            with tester.acting_as(begun["older"].who):
                packet, parts = pieces(case, 200)
                tester.send([parts[i] for i in which], link_info(case, packet))
            continue
        tester.send([begun[each].parts[i] for i in which], tester.info(begun[each].who.link))
        begun[each].beats(tester.stamp())
    let_pass(case, LIMIT, start)
    return begun


def _complete(case: Case, over: dict[str, Begun]) -> None:
    """Send what is missing of all at once, before a timer that was started anew runs out, and note what comes of it.

    The youngest comes first, for a DUT that discards but the oldest of those that it finds too old.
    """
    rest = [begun.last for begun in reversed(over.values()) if begun.last is not None]
    for begun in over.values():
        begun.beats(case.tester.stamp())
    packets, answers = outcome(case, rest)
    for begun in over.values():
        if begun.packet in packets or any(begun.packet.startswith(p) for p in packets if len(p) > 48):
            begun.came = "the packet"
        elif any(seen.upper[4:8] == begun.packet[44:48] for seen in answers):
            begun.came = "an Echo Reply"


def the_rest(case: Case, name: str) -> None:
    """The fragments that are still missing, 64 s after the first: nothing comes of them.

    Those that trickle came too late where other work held the rig up: then the DUT's timer has run out by right.
    """
    for _ in range(WAITS):
        begun = waited(case, name)
        assert begun.last is not None, "every plan has a rest"
        case.result.stimulus = begun.last.note
        if begun.packet in case.tapped():
            begun.came = "the packet, late"
        if begun.came:
            frame = case.evidence.frame_of(begun.last.payloads[0])
            case.finding(
                "timeout_too_long", "nothing comes of it", f"{begun.last.note}: {begun.came}", frame=frame
            )
        if begun.came or name not in TRICKLE or begun.gap < borne(case):
            return
        _waited[case.rig.link].pop(name)  # whoever asks again waits again
    late = f"two of its fragments left {begun.gap:.2g} s apart, {beat(case, name):.2g} s was meant"
    raise Inconclusive(f"machine too slow: {late}")


@pytest.mark.slow
@requirement("RFC4944-5.3-29", "RFC4944-5.3-28")
def test_at_most_60_seconds(case: Case):
    """The last fragment 64 s after the others: the datagram was dropped at 60 s at the latest."""
    the_rest(case, "still")


@pytest.mark.slow
@requirement("RFC4944-5.3-27", "RFC4944-5.3-18", "RFC4944-5.3-28")
def test_each_its_own(case: Case):
    """A datagram that began half way through another's timeout can still be completed when that has run out."""
    parameters = case.rig.profile.parameters
    if (parameters.reassembly_timeout or 0) < LIMIT - 8 or (parameters.reassembly_slots or 2) < 2:
        case.unsupported(
            "the profile does not declare a reassembly_timeout of about 60 s, and room for two",
            "not_declared",
        )
    loses_nothing(case)
    begun = waited(case, "younger")
    with case.tester.acting_as(begun.who):
        info = case.tester.info()
        case.understood(
            lambda: Stimulus(begun.parts[3:], begun.packet, info, "the rest, after half a minute"), once=REST
        )


@pytest.mark.slow
@requirement("RFC4944-5.3-27", "RFC4944-5.3-29")
def test_counted_from_the_first_fragment(case: Case):
    """The timer starts with "the first link fragment"; those that trickle in behind it do not start it anew."""
    runs(case)
    if not _takes_so_many(case):
        case.unseen("one that trickles for 64 s has more fragments than a datagram that the DUT takes")
    the_rest(case, "trickled")


def _takes_so_many(case: Case) -> bool:
    """Whether a datagram of as many fragments is complete when they come ten times as fast as they can trickle."""
    interval = beat(case)
    if interval >= borne(case):
        return False
    count = 1 + math.ceil(LIMIT / interval)
    begun = begin(case, [0], count)
    for part in begun.parts[1:-1]:
        case.tester.send([part])
        pause(case, min(interval / 10, 1.5 * interval / count))
    note = f"the last of {len(begun.parts)} fragments that came fast"
    return any(outcome(case, [Stimulus(begun.parts[-1:], begun.packet, case.tester.info(), note)]))


@pytest.mark.slow
@requirement("RFC4944-5.3-28", "RFC4944-5.3-27", "RFC4944-5.3-29")
def test_not_kept_by_another(case: Case):
    """A datagram that began later does not keep an older one: each has a timer of its own."""
    the_rest(case, "older")


@pytest.mark.slow
@requirement("RFC4944-5.3-27", "RFC4944-5.3-29")
@pytest.mark.parametrize("plan", ["doubled", "first-late"])
def test_nothing_starts_it_anew(case: Case, plan: str):
    """The timer starts "when a node first receives a fragment with a given datagram_tag": no later one restarts it."""
    the_rest(case, plan)


@pytest.mark.slow
@requirement("RFC4944-5.3-28", "RFC4944-5.3-27")
def test_without_a_first_fragment(case: Case):
    """Fragments whose FRAG1 does not come for 64 s: they were discarded as any others."""
    the_rest(case, "first-last")


@pytest.mark.slow
@requirement("RFC4944-5.3-28", "RFC4944-5.3-18")
def test_flushed(case: Case):
    """ "the reassembly state MUST be flushed": the same sender and tag, from the first fragment, is a new datagram."""
    begun = waited(case, "again")
    tag = int.from_bytes(begun.parts[0][2:4])
    with case.tester.acting_as(begun.who):
        packet, parts = pieces(case, 200, tag=tag)
        info = link_info(case, packet)
        make = Stimulus(parts, packet, info, "the tag of a datagram that timed out")
        case.understood(lambda: make, once=BEHIND)


@pytest.mark.slow
@requirement("RFC4944-5.3-18", "RFC4944-5.3-28")
def test_tag_of_a_complete_one(case: Case):
    """The tag of a datagram that was completed a minute ago, at the same size: a new datagram.

    So sends a node that restarted: the "initial value is not defined" (§5.3). No fragment of the old one is kept for
    more than 60 s.
    """
    begun = waited(case, "whole")
    with case.tester.acting_as(begun.who):
        packet, parts = pieces(case, 200, tag=int.from_bytes(begun.parts[0][2:4]))
        info = link_info(case, packet)
        make = Stimulus(parts, packet, info, "the tag of a datagram that was complete a minute ago")
        case.understood(lambda: make, once=BEHIND)


def within_the_timeout(case: Case) -> float:
    """Seconds that are half of the timeout which the profile declares, at most half a second of a real clock."""
    declared = case.rig.profile.parameters.reassembly_timeout
    if declared is None:
        case.unsupported("the profile declares no reassembly_timeout: up to 60 s conforms", "not_declared")
    loses_nothing(case)
    case.room_for(200)
    return declared / 2 if case.rig.link.clock == "virtual" else min(0.5, declared / 2)


def apart(case: Case, before: Sequence[int], behind: Sequence[int], gap: float) -> Stimulus:
    """The fragments `behind` of a datagram whose others, `before`, were sent so many seconds ago."""
    begun = begin(case, before)
    pause(case, gap)
    rest, info = [begun.parts[number] for number in behind], link_info(case, begun.packet)
    return Stimulus(rest, begun.packet, info, f"the rest of a datagram, {gap:g} s later")


@requirement("RFC4944-5.3-27")
def test_as_long_as_declared(case: Case):
    """A datagram whose fragments take half of the declared timeout (on a real clock half a second) is complete."""
    gap = within_the_timeout(case)
    case.understood(lambda: apart(case, [0, 1], [2, 3], gap))


@pytest.mark.slow
@requirement("RFC4944-5.3-28", "RFC4944-5.3-20")
def test_room_again(case: Case):
    """After the wait there is room for a full-size datagram at the first try, whatever timed out before."""
    waited(case, "still")
    case.understood(lambda: stimulus(case, case.tester.echo(1232)), once=BEHIND)


@requirement("RFC4944-5.3-27", "RFC4944-5.3-19")
def test_as_long_as_declared_without_a_first_fragment(case: Case):
    """The first fragment comes last, within the declared timeout: no other timer runs while it is missing."""
    gap = within_the_timeout(case)
    for before, behind in ([3, 2], [1, 0]), ([1, 2], [3, 0]):  # some take FRAGNs as they come: 5.3.order
        at_once = case.survives(lambda before=before, behind=behind: apart(case, before, behind, 0.0))
        if at_once.stimulus.packet in at_once.tapped or any(map(case.tester.asked_by, at_once.others)):
            break
        case.room_for(200)
    else:
        case.unsupported("the DUT takes no fragments in that order: that is for 5.3.order", "not_observable")
    case.understood(lambda: apart(case, before, behind, gap))
