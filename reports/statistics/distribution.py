"""Values and their spread: quantiles with intervals that assume no distribution, and what `ping` prints.

Strategy: report distributions, not averages: a mean hides the tail that a user feels. Each function names its
definition, so that two reports of the same values agree with each other and with the tools that people know (`ping`'s
mdev, R's and numpy's default quantile).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.statistics.probability import CONFIDENCE, Estimate, binomial, checked


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


def quantile_estimate(values: Sequence[float], q: float, confidence: float = CONFIDENCE) -> Estimate:
    """The q-quantile with the interval between two of the values that holds it, whatever the distribution.

    The number of values below the true quantile is binomial, so two ranks bound it (David and Nagaraja, Order
    Statistics, §7.1). An end is infinite where there are too few values for one (`values_for`). Values must be
    independent; equal ones make the interval hold the truth more often, never less. Raises ValueError for no values or
    a q that is not between 0 and 1.
    """
    value = quantile(values, q)
    if not 0.0 < q < 1.0:
        raise ValueError(f"quantile {q}: the least and the greatest value have no interval")
    lower, upper = ranks(len(values), q, confidence)
    ordered = [-math.inf, *sorted(values), math.inf]
    return Estimate(value, ordered[lower], ordered[upper])


def ranks(count: int, q: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The ranks (1..count) of the two order statistics that bound the q-quantile; 0 or count + 1 for an open end.

    Each end misses with at most half of what the confidence leaves.
    """
    rest = (1 - checked(confidence)) / 2
    at_most = binomial(count, q)
    # the lower end misses when fewer values than its rank lie below the truth, the upper one when its rank or more do
    lower = bisect.bisect_right(at_most, rest)
    upper = bisect.bisect_left(at_most, 1 - rest) + 1
    return lower, upper


def values_for(q: float, confidence: float = CONFIDENCE) -> int:
    """The least number of values with which the interval of the q-quantile is bounded: 6 for 0.5, 368 for 0.99."""
    if not 0.0 < q < 1.0:
        raise ValueError(f"quantile {q} is not between 0 and 1")
    rest = (1 - checked(confidence)) / 2
    return math.ceil(math.log(rest) / math.log(max(q, 1 - q)))
