"""Where a figure changed for good: change points of a series of runs.

Strategy: of all ways to cut a series into segments, the one whose means fit best is found exactly, at a penalty for
each cut that grows with the noise (optimal partitioning: Jackson et al. 2005, "An algorithm for optimal partitioning of
data on an interval"). The noise is taken from the differences between neighbours, which a step hardly touches. A
segment has three runs at least, so that one odd run is no change, and a level counts from its third run on.
That says how many changes there are. Where each is, is estimated anew between its neighbours: not the place of the best
fit, which one odd run beside the step moves far, but the place near which the change most probably is.
Why by our own code: docs/adr/0021.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean, median
from typing import Final

#: Runs of a segment at least, and how many times the least information a change must bring.
SHORTEST: Final = 3
_PENALTY: Final = 2.5
#: What an estimate is worth that is off by none, one and two runs; one that is further off is worth nothing.
_WORTH: Final = (1.0, 0.9, 0.8)
#: The last runs that are looked at: the work grows with the square of their number.
_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """A change for good: `at` is the place of the first run behind it, with the levels before and behind.

    A level is the median of its runs, so that one odd run is no part of it; the mean where the medians are equal.
    """

    at: int
    before: float
    after: float

    @property
    def relative(self) -> float:
        """The change as a share of what was before; infinite from nothing."""
        change = self.after - self.before
        return change / abs(self.before) if self.before else math.copysign(math.inf, change)


def steps(values: Sequence[float]) -> list[Step]:
    """The change points of a series (of its last thousand values), in order; none for fewer than twice `SHORTEST`."""
    left_out = max(0, len(values) - _LONGEST)
    series, most = values[left_out:], max(map(abs, values), default=0.0)
    if len(series) < 2 * SHORTEST or not most:
        return []
    scaled = [value / most for value in series]  # sums of squares stay small, whatever the unit
    squares = [(after - before) ** 2 for before, after in pairwise(scaled)]
    noise = math.fsum(squares) / len(squares) / 2
    # a series that is constant but for its steps has no noise; any penalty above 0 finds these
    penalty = max(_PENALTY * noise * math.log(len(scaled)), 1e-12)
    ends = [0, *_cuts(scaled, penalty), len(scaled)]
    ends = [0, *(at for at in ends[1:-1] if _settled(scaled, ends, at)), len(scaled)]
    for place in range(1, len(ends) - 1):
        ends[place] = _place(scaled, ends[place - 1], ends[place + 1])
    parts = [scaled[start:end] for start, end in pairwise(ends)]
    return [
        Step(left_out + at, *(most * level for level in _levels(before, behind)))
        for at, (before, behind) in zip(ends[1:-1], pairwise(parts), strict=True)
    ]


def _levels(before: Sequence[float], behind: Sequence[float]) -> tuple[float, float]:
    levels = median(before), median(behind)
    return levels if levels[0] != levels[1] else (fmean(before), fmean(behind))


def _settled(values: Sequence[float], ends: Sequence[int], at: int) -> bool:
    """Whether the runs on both sides of a cut belong there; a level of one or two runs is cut with a third one.

    Such a level is not told yet: it may be odd runs, and the cut would blame the run in front of it.
    """
    place = ends.index(at)
    before, behind = values[ends[place - 1] : at], values[at : ends[place + 1]]
    for short, edge, other in ((behind, behind[0], before), (before[::-1], before[-1], behind)):
        rest = short[1:]
        if (
            len(short) == SHORTEST
            and abs(edge - sum(other) / len(other)) < abs(edge - sum(rest) / len(rest)) / 2
        ):
            return False
    return True


def _place(values: Sequence[float], start: int, end: int) -> int:
    """The place of the one change in values[start:end]: the estimate that is worth the most on the average (`_WORTH`).

    The probability of each place is that of a step of unknown height in normal noise of unknown size: the sum of
    squares that it leaves, to the power of minus half the degrees of freedom.
    """
    part = values[start:end]
    middle = math.fsum(part) / len(part)
    sums = [0.0, *accumulate(value - middle for value in part)]
    total = math.fsum((value - middle) ** 2 for value in part)
    places = range(SHORTEST, len(part) - SHORTEST + 1)
    left = [total - sums[at] ** 2 * (1 / at + 1 / (len(part) - at)) for at in places]
    least = (
        max(min(left), 1e-12 * total) or 1.0
    )  # what rounding leaves of nothing; of equal values all are as good
    chances = [(least / max(rest, least)) ** ((len(part) - 2) / 2) for rest in left]
    worth = [
        sum(
            _WORTH[abs(at - other)] * chances[other]
            for other in range(max(0, at - len(_WORTH) + 1), min(len(chances), at + len(_WORTH)))
        )
        for at in range(len(chances))
    ]
    return start + places[max(range(len(worth)), key=worth.__getitem__)]


def _cuts(values: Sequence[float], penalty: float) -> list[int]:
    """Where the best segments begin, but for the first: the least sum of squares about their means and of penalties."""
    middle = math.fsum(values) / len(values)
    sums = [0.0, *accumulate(value - middle for value in values)]
    # least[end]: what the best segments of values[:end] cost, but for the squares, which all ways to cut share
    least, cut = [-penalty] + [math.inf] * len(values), [0] * (len(values) + 1)
    for end in range(SHORTEST, len(values) + 1):
        total = sums[end]
        starts = [0, *range(SHORTEST, end - SHORTEST + 1)]
        costs = [least[start] - (total - sums[start]) ** 2 / (end - start) for start in starts]
        best = min(range(len(costs)), key=costs.__getitem__)
        least[end], cut[end] = costs[best] + penalty, starts[best]
    found, end = [], len(values)
    while cut[end]:
        end = cut[end]
        found.append(end)
    return found[::-1]
