"""Numbers about measurements: pure functions, values in, values out.

Strategy: report distributions, not averages. A mean hides the tail that a user feels, a loss without
interval hides how few frames it rests on. Each function names its definition, so that two reports of the
same values agree with each other and with the tools that people know (`ping`'s mdev, R's and numpy's
default quantile).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile (0..1) with linear interpolation between order statistics (Hyndman and Fan's type 7).

    Raises ValueError for no values or a q outside 0..1.
    """
    if not values:
        raise ValueError("no values: a quantile of nothing is not a number")
    if not 0.0 <= q <= 1.0:
        raise ValueError(f"quantile {q} is outside 0..1")
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@dataclass(frozen=True, slots=True)
class Spread:
    """What `ping` prints about its round trips, in the unit of the values."""

    count: int
    minimum: float
    average: float
    maximum: float
    mdev: float

    def __str__(self) -> str:
        return f"{self.minimum:.3f}/{self.average:.3f}/{self.maximum:.3f}/{self.mdev:.3f}"


def spread(values: Sequence[float]) -> Spread:
    """min/avg/max/mdev as iputils' ping prints them: mdev is the population standard deviation."""
    if not values:
        raise ValueError("no values: nothing answered, report the loss instead")
    average = math.fsum(values) / len(values)
    variance = math.fsum((value - average) ** 2 for value in values) / len(values)
    return Spread(len(values), min(values), average, max(values), math.sqrt(variance))


def wilson(successes: int, trials: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """The Wilson score interval of a proportion (95 % by default), which stays honest at 0 and 1.

    Raises ValueError unless 0 <= successes <= trials and trials > 0.
    """
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is not a proportion")
    share = successes / trials
    weight = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / weight
    half = z / weight * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == trials else min(1.0, middle + half)
    return low, high


def datagram_loss(frame_loss: float, fragments: int) -> float:
    """Expected loss of a datagram of n fragments at independent frame loss p: 1 - (1 - p)^n.

    More than this points at reassembly, not at the radio.
    """
    if not 0.0 <= frame_loss <= 1.0:
        raise ValueError(f"frame loss {frame_loss} is outside 0..1")
    if fragments < 1:
        raise ValueError(f"a datagram has at least one frame, not {fragments}")
    return 1.0 - (1.0 - frame_loss) ** fragments


def slope(values: Sequence[tuple[float, float]], z: float = 1.959963984540054) -> tuple[float, float, float]:
    """Least-squares slope of (x, y) pairs with its interval: (slope, low, high).

    Normal quantile, so meant for tens of points or more (goodput second by second). Raises ValueError for
    fewer than three points or for a single x.
    """
    if len(values) < 3:
        raise ValueError("a slope with an interval needs three points")
    mean_x = math.fsum(x for x, _ in values) / len(values)
    mean_y = math.fsum(y for _, y in values) / len(values)
    spread_x = math.fsum((x - mean_x) ** 2 for x, _ in values)
    if spread_x == 0.0:
        raise ValueError("all x are the same: no slope")
    estimate = math.fsum((x - mean_x) * (y - mean_y) for x, y in values) / spread_x
    residual = math.fsum((y - mean_y - estimate * (x - mean_x)) ** 2 for x, y in values)
    half = z * math.sqrt(residual / (len(values) - 2) / spread_x)
    return estimate, estimate - half, estimate + half


# -- the connection interval of Bluetooth LE -------------------------------------------------------------
#
# Data moves at connection events only, and these come every I (a multiple of 1.25 ms, 7.5 ms to 4 s: Bluetooth Core
# Vol 6 Part B §4.5.1). A request waits for the next event, its answer goes at the one behind that, so whatever the time
# of sending, *answers arrive on the grid of events*: (sent + round trip) mod I is the same for all. The interval whose
# grid the arrivals fit best is the answer. Every divisor of I has a grid that fits as well; they are told apart by the
# round trips, which lie between I and 2 I.

STEP = 0.00125
_SHORTEST, _LONGEST = 0.0075, 4.0
#: How far a round trip may lie outside [I, 2 I], as a share of I: processing time, and the clock of the sender.
_SLACK = 0.1
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
    least = max(_SHORTEST, max(round_trips) / (2 + _SLACK))
    most = min(_LONGEST, min(round_trips) / (1 - _SLACK))
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
