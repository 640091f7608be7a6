"""Echoes one behind the other, and what became of each: the ground of the cases about loss and latency."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from fixtures.api import ECHO_REPLY, Case

METHOD = "Echo Requests one after the other, from where a tap saw each leave to where its answer came"
#: Chance at which a difference is told as one: a case that runs on many rigs must not cry for chance.
SURE = 0.999


@dataclass(frozen=True, slots=True)
class Fate:
    """One echo: when it was sent on the clock of the link, and its round trip in seconds (None: no answer came)."""

    sent: float
    trip: float | None
    frames: int


def sent_one_by_one(
    case: Case, size: int, count: int, *, wait: float = 0.0, pause: float = 0.0, part: float = 0.0
) -> list[Fate]:
    """So many echoes; each waits for its answer, `wait` seconds at most.

    `part`: they are a series that has this part of the case's budget, and as many as that has room for; 0: `count`,
    whatever the budget is, because of more of them the later ones would be something else.
    """
    tester, fates = case.tester, []
    for _ in case.rounds(count, part) if part else range(count):
        tester.listen(pause)
        request, at = tester.echo(size), tester.now()
        frames = tester.send_packet(request)
        seen = tester.reply_to(request, tester.now() + (wait or case.timeout))
        trip = None if seen is None else seen.time - tester.left(frames[0])
        fates.append(Fate(at, trip, len(frames)))
    return fates


def answered(fates: list[Fate]) -> list[float]:
    """Round trips in ms of those that were answered."""
    return [1000 * fate.trip for fate in fates if fate.trip is not None]


def answers_twice(case: Case, since: int) -> int:
    """How many Echo Replies came that had come before, among what was heard since (an index of `Tester.heard`)."""
    told = [seen.upper[4:8] for seen in case.tester.heard[since:] if seen.icmp_type == ECHO_REPLY]
    return len(told) - len(set(told))


def regular(lost: list[bool]) -> int:
    """N where of every N a loss begins, alone or with those right behind it, five times at least; else 0."""
    starts = [place for place, is_lost in enumerate(lost) if is_lost and not (place and lost[place - 1])]
    gaps = {after - before for before, after in pairwise(starts)}
    return gaps.pop() if len(starts) >= 5 and len(gaps) == 1 and min(gaps) > 1 else 0
