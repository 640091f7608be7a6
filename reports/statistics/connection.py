"""The connection interval of Bluetooth LE, found from the round trips of pings.

Data moves at connection events only, and these come every I (a multiple of 1.25 ms, 7.5 ms to 4 s: Bluetooth Core
Vol 6 Part B §4.5.1). A request waits for the next event, its answer goes at the one behind that, so whatever the time
of sending, *answers arrive on the grid of events*: (sent + round trip) mod I is the same for all. The interval whose
grid the arrivals fit best is the answer. Every divisor of I has a grid that fits as well; they are told apart by the
round trips, which lie between I and 2 I, and the time that the two ends take themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

STEP = 0.00125
_SHORTEST, _LONGEST = 0.0075, 4.0
#: How far a round trip may lie below I, and above 2 I, as a share of I: the clock of the sender; and what the ends take
#: (two guests 4 ms), which is far from the 0.5 I at which round trips of I would be those of two thirds of it.
_BELOW, _ABOVE = 0.1, 0.25
#: The best grid must fit to this share of I; arrivals without any grid are off by I / sqrt(12), 0.29 I.
_FIT = 0.1


@dataclass(frozen=True, slots=True)
class Interval:
    """A connection interval in seconds, how far it may be wrong, and how far arrivals are off its grid (rms)."""

    seconds: float
    error: float
    rms: float


def interval_of(sent: Sequence[float], round_trips: Sequence[float]) -> Interval | None:
    """The interval that explains these pings best (all in seconds); None when none does.

    Raises ValueError for fewer than four pings: any three fit something.
    """
    if len(sent) != len(round_trips) or len(sent) < 4:
        raise ValueError(
            f"{len(sent)} times of sending and {len(round_trips)} round trips: at least four of each"
        )
    arrivals = [at + trip for at, trip in zip(sent, round_trips, strict=True)]
    least = max(_SHORTEST, max(round_trips) / (2 + _ABOVE))
    most = min(_LONGEST, min(round_trips) / (1 - _BELOW))
    steps = range(math.ceil(least / STEP), math.floor(most / STEP) + 1)
    fits = sorted((off_grid(arrivals, n * STEP) / (n * STEP), n * STEP) for n in steps)
    if not fits or fits[0][0] > _FIT:
        return None
    share, seconds = fits[0]
    return Interval(seconds, STEP, share * seconds)


def off_grid(times: Sequence[float], interval: float) -> float:
    """Rms distance of `times` from the best grid of this spacing, in the unit of both."""
    phases = sorted(time % interval for time in times)
    # The phases lie on a circle: cut it where it is emptiest, and they lie on a line.
    gaps = [after - before for before, after in pairwise(phases)] + [phases[0] + interval - phases[-1]]
    cut = gaps.index(max(gaps)) + 1
    line = phases[cut:] + [phase + interval for phase in phases[:cut]]
    mean = sum(line) / len(line)
    return math.sqrt(sum((phase - mean) ** 2 for phase in line) / len(line))
