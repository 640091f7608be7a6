"""RFC 4944 §5.3, the reassembly timer: "The reassembly timeout MUST be set to a maximum of 60 seconds".

Strategy: cases share waits of 64 s on the link's clock, in which nothing else runs on the rig. Whoever comes first
begins as many datagrams as the DUT has places for, and waits; on a virtual clock that costs nothing. On a real one
`-m "not slow"` leaves the waits out. Shorter timeouts conform, so that only the profile's own figure is held
against a DUT that gives up early.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import pytest

from fixtures.judging.case import Case
from fixtures.plugin.marks import on_link, requirement
from fixtures.stimuli.packets import link_info, stimulus
from rigs.model import Link
from rigs.tester.packets import Identity, Stimulus
from suites.adversary import full_size, loses_nothing, nothing_of, pause, pieces

pytestmark = on_link("ieee802154")

#: 60 s, and as much as an operating system may be late with a timer of that length.
LIMIT = 64.0


#: Which of a datagram's four fragments are sent at once, half way through the wait, and behind it.
PLANS = {
    "still": ([0, 1, 2], [], [3]),
    "again": ([0, 1, 2], [], []),
    "trickled": ([0, 1], [2], [3]),
    "doubled": ([0, 1, 2], [2], [3]),
    "first-late": ([1, 2], [0], [3]),
    "first-last": ([1, 2, 3], [], [0]),
    "younger": ([], [0, 1, 2], [3]),
    "older": ([0, 1, 2], [], [3]),
}


@dataclass
class Begun:
    """A datagram that is not complete: who sent it, and its four fragments."""

    who: Identity
    packet: bytes
    parts: list[bytes]


_waited: weakref.WeakKeyDictionary[Link, dict[str, Begun]] = weakref.WeakKeyDictionary()


def begin(case: Case, which: list[int]) -> Begun:
    """Send some of four fragments as somebody whom the DUT has not met."""
    who = case.tester.fresh()
    packet, parts = pieces(case, 200)
    case.tester.send([parts[i] for i in which], link_info(case, packet))
    return Begun(who, packet, parts)


def together(case: Case, name: str) -> list[str]:
    """The plans that share a wait: as many as the DUT has places; on a virtual clock each has one of its own."""
    names = list(PLANS)
    if case.rig.link.clock == "virtual":
        return {"younger": ["again", name], "older": [name, "younger"]}.get(name, [name])
    slots = case.rig.profile.parameters.reassembly_slots or len(names)
    first = names.index(name) // slots * slots
    return names[first : first + slots]


def waited(case: Case, name: str) -> Begun:
    """The datagram of a plan, 64 s after its first fragment: the wait is done by the case that comes first."""
    if not case.rig.profile.parameters.reassembly_timer:
        case.unsupported("the rig does not run the DUT's reassembly timer (its profile says so)")
    done = _waited.setdefault(case.rig.link, {})
    if name not in done:
        case.room_for(200)
        if case.rig.link.clock == "virtual":
            pause(
                case, LIMIT
            )  # whatever other cases left: a DUT may look at its timers when its table is full
            full_size(case)
        begun = {each: begin(case, PLANS[each][0]) for each in together(case, name)}
        pause(case, LIMIT / 2)
        for each, datagram in begun.items():
            with case.tester.acting_as(datagram.who):
                case.tester.send([datagram.parts[i] for i in PLANS[each][1]])
        pause(case, LIMIT / 2)
        done |= begun
    return done[name]


def the_rest(case: Case, name: str) -> None:
    """The fragments that are still missing, 64 s after the first: nothing comes of them."""
    begun = waited(case, name)
    parts = [begun.parts[i] for i in PLANS[name][2]]
    with case.tester.acting_as(begun.who):
        last = Stimulus(parts, None, case.tester.info(), f"the rest ({name}), 64 s after the first fragment")
    nothing_of(case, [last], code="timeout_too_long")


@pytest.mark.slow
@requirement("RFC4944-5.3-29", "RFC4944-5.3-28")
def test_at_most_60_seconds(case: Case):
    """The last fragment 64 s after the others: the datagram was dropped at 60 s at the latest."""
    the_rest(case, "still")


@pytest.mark.slow
@requirement("RFC4944-5.3-27", "RFC4944-5.3-18")
def test_each_its_own(case: Case):
    """A datagram that began half way through the wait is complete behind it: what timed out was another's."""
    parameters = case.rig.profile.parameters
    if (parameters.reassembly_timeout or 0) < LIMIT - 8 or (parameters.reassembly_slots or 2) < 2:
        case.unsupported("the profile does not declare a reassembly_timeout of about 60 s, and room for two")
    loses_nothing(case)
    begun = waited(case, "younger")
    with case.tester.acting_as(begun.who):
        info = case.tester.info()
        case.understood(
            lambda: Stimulus(begun.parts[3:], begun.packet, info, "the rest, after half a minute")
        )


@pytest.mark.slow
@requirement("RFC4944-5.3-27", "RFC4944-5.3-29")
def test_counted_from_the_first_fragment(case: Case):
    """The timer starts with "the first link fragment"; one that comes half way does not start it anew."""
    the_rest(case, "trickled")


@pytest.mark.slow
@requirement("RFC4944-5.3-28", "RFC4944-5.3-27", "RFC4944-5.3-29")
def test_not_kept_by_another(case: Case):
    """A datagram that began later does not keep an older one: each has a timer of its own."""
    the_rest(case, "older")


@pytest.mark.slow
@requirement("RFC4944-5.3-27", "RFC4944-5.3-29")
@pytest.mark.parametrize("plan", ["doubled", "first-late"])
def test_nothing_starts_it_anew(case: Case, plan: str):
    """It starts "when a node first receives a fragment with a given datagram_tag": not by a duplicate, nor by FRAG1."""
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
        case.understood(lambda: Stimulus(parts, packet, info, "the tag of a datagram that timed out"))


@requirement("RFC4944-5.3-27")
def test_as_long_as_declared(case: Case):
    """A datagram whose fragments take half of the declared timeout (on a real clock half a second) is complete."""
    declared = case.rig.profile.parameters.reassembly_timeout
    if declared is None:
        case.unsupported("the profile declares no reassembly_timeout, and any up to 60 s conforms")
    loses_nothing(case)
    case.room_for(200)
    begun = begin(case, [0, 1])
    pause(case, declared / 2 if case.rig.link.clock == "virtual" else min(0.5, declared / 2))
    info = link_info(case, begun.packet)
    case.understood(
        lambda: Stimulus(begun.parts[2:], begun.packet, info, "the rest, within the declared timeout")
    )


@pytest.mark.slow
@requirement("RFC4944-5.3-28", "RFC4944-5.3-20")
def test_room_again(case: Case):
    """After the wait there is room for a full-size datagram at the first try, whatever timed out before."""
    waited(case, "still")
    case.understood(lambda: stimulus(case, case.tester.echo(1232)))
