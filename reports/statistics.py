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
