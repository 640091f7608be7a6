"""RFC 4944 §5.3, the reassembly timer: "The reassembly timeout MUST be set to a maximum of 60 seconds".

Strategy: all cases here share one wait, of 64 s on the link's clock, in which nothing else runs on the rig. Whoever
comes first begins the datagrams of all and waits; on a virtual clock that costs nothing. On a real one
`-m "not slow"` leaves the wait out. Shorter timeouts conform, so that only the profile's own figure is held
against a DUT that gives up early.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import pytest

from fixtures.case import Case
from fixtures.marks import on_link, requirement
from fixtures.stimuli import link_info, stimulus
from rigs.model import Link
from rigs.tester import Identity, Stimulus
from suites.adversary import nothing_of, pause, pieces

pytestmark = on_link("ieee802154")

#: 60 s, and as much as an operating system may be late with a timer of that length.
LIMIT = 64.0


@dataclass
class Begun:
    """A datagram that lacks its last fragment: who sent it, the packet, and that fragment."""

    who: Identity
    packet: bytes
    parts: list[bytes]


@dataclass
class Waited:
    """What was begun before the wait on one link.

    `still` and `again` got three fragments at once; `trickled` two, and one half way, which starts no timer anew.
    """

    still: Begun
    again: Begun
    trickled: Begun


_waited: weakref.WeakKeyDictionary[Link, Waited] = weakref.WeakKeyDictionary()


def begin(case: Case, count: int) -> Begun:
    """Send the first `count` of four fragments as somebody whom the DUT has not met."""
    who = case.tester.fresh()
    packet, parts = pieces(case, 200)
    case.tester.send(parts[:count], link_info(case, packet))
    return Begun(who, packet, parts)


def waited(case: Case) -> Waited:
    """The shared wait: done once for each link, by the case that comes first."""
    if not case.rig.profile.parameters.reassembly_timer:
        case.unsupported("the rig does not run the DUT's reassembly timer (its profile says so)")
    found = _waited.get(case.rig.link)
    if found is None:
        case.room_for(200)
        found = Waited(begin(case, 3), begin(case, 3), begin(case, 2))
        pause(case, LIMIT / 2)
        with case.tester.acting_as(found.trickled.who):
            case.tester.send(found.trickled.parts[2:3])
        pause(case, LIMIT / 2)
        _waited[case.rig.link] = found
    return found


def the_rest(case: Case, begun: Begun) -> None:
    """The last fragment, 64 s after the first: nothing comes of it."""
    with case.tester.acting_as(begun.who):
        last = Stimulus(begun.parts[3:], None, case.tester.info(), "the last fragment, 64 s after the first")
    nothing_of(case, [last], code="timeout_too_long")


@pytest.mark.slow
@requirement("RFC4944-5.3-29", "RFC4944-5.3-28")
def test_at_most_60_seconds(case: Case):
    """The last fragment 64 s after the others: the datagram was dropped at 60 s at the latest."""
    the_rest(case, waited(case).still)


@pytest.mark.slow
@requirement("RFC4944-5.3-27", "RFC4944-5.3-29")
def test_counted_from_the_first_fragment(case: Case):
    """The timer starts with "the first link fragment"; one that comes half way does not start it anew."""
    the_rest(case, waited(case).trickled)


@pytest.mark.slow
@requirement("RFC4944-5.3-28", "RFC4944-5.3-18")
def test_flushed(case: Case):
    """ "the reassembly state MUST be flushed": the same sender and tag, from the first fragment, is a new datagram."""
    begun = waited(case).again
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
    case.room_for(200)
    begun = begin(case, 2)
    pause(case, declared / 2 if case.rig.link.clock == "virtual" else min(0.5, declared / 2))
    info = link_info(case, begun.packet)
    case.understood(
        lambda: Stimulus(begun.parts[2:], begun.packet, info, "the rest, within the declared timeout")
    )


@pytest.mark.slow
@requirement("RFC4944-5.3-28", "RFC4944-5.3-20")
def test_room_again(case: Case):
    """After the wait there is room for a full-size datagram at the first try, whatever timed out before."""
    waited(case)
    case.understood(lambda: stimulus(case, case.tester.echo(1232)))
