"""What changes: a slope over time with its interval, and the load from which on more is not carried.

Strategy: "gets worse the longer it runs" is a slope whose interval lies below 0. Figures taken one behind the other
stick together (TCP needs seconds to forget a loss), which makes a plain interval too narrow; so it is widened by how
much neighbouring residuals resemble each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from reports.statistics.probability import CONFIDENCE, Estimate, student

#: Places tried for a knee between the least and the greatest load.
_STEPS: Final = 200
#: Residuals that are more alike than this leave too few independent values to tell.
_MOST_ALIKE: Final = 0.95


def slope(values: Sequence[tuple[float, float]], confidence: float = CONFIDENCE) -> Estimate:
    """Least-squares slope of (x, y) pairs, at even steps in the order of x, with its interval by Student's t.

    The interval counts correlated values as fewer: n (1 - r) / (1 + r), with r the correlation of each residual with
    the next (Santer et al. 2000, doi:10.1029/1999JD901105), made up for what so few values underestimate it. Up to
    r = 0.8 it holds the truth 9 times of 10 from 30 values on; below that, only values without correlation may be
    trusted. Raises ValueError for fewer than three points or for a single x.
    """
    if len(values) < 3:
        raise ValueError("a slope with an interval needs three points")
    count = len(values)
    mean_x = math.fsum(x for x, _ in values) / count
    mean_y = math.fsum(y for _, y in values) / count
    spread_x = math.fsum((x - mean_x) ** 2 for x, _ in values)
    if spread_x == 0.0:
        raise ValueError("all x are the same: no slope")
    estimate = math.fsum((x - mean_x) * (y - mean_y) for x, y in values) / spread_x
    residuals = [y - mean_y - estimate * (x - mean_x) for x, y in values]
    squares = math.fsum(residual * residual for residual in residuals)
    freedom = max(1.0, count * _kept(residuals, squares) - 2)
    half = student(confidence, round(freedom)) * math.sqrt(squares / freedom / spread_x)
    return Estimate(estimate, estimate - half, estimate + half)


def mean(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """The mean of values in the order of time, with its interval; correlated ones count as fewer, as for `slope`.

    Of goodput by period it is what the median is not: the octets of all periods over their time. Raises ValueError for
    none; of one value there is no interval.
    """
    if not values:
        raise ValueError("no values: there is no mean")
    count, middle = len(values), math.fsum(values) / len(values)
    if count == 1:
        return Estimate(middle, -math.inf, math.inf)
    residuals = [value - middle for value in values]
    squares = math.fsum(residual * residual for residual in residuals)
    freedom = max(1.0, count * _kept(residuals, squares) - 1)
    half = student(confidence, round(freedom)) * math.sqrt(squares / (count - 1) / (freedom + 1))
    return Estimate(middle, middle - half, middle + half)


def _kept(residuals: Sequence[float], squares: float) -> float:
    """The share of values that count as independent ones."""
    if squares == 0.0:
        return 1.0
    found = math.fsum(before * after for before, after in pairwise(residuals)) / squares
    # a line that was fitted makes neighbours look less alike: by about (1 + 3 r) / n
    likeness = min(_MOST_ALIKE, max(0.0, found + (1 + 3 * found) / len(residuals)))
    return (1 - likeness) / (1 + likeness)


@dataclass(frozen=True, slots=True)
class Knee:
    """Where goodput stops to follow the offered load, in the unit of the loads.

    `carried` is goodput per offered load below the knee (1: all arrives), `beyond` the same above it: 0 is a plateau,
    less than 0 a collapse.
    """

    load: Estimate
    carried: float
    beyond: float


def knee(points: Sequence[tuple[float, float]], confidence: float = CONFIDENCE) -> Knee | None:
    """The bend of the broken line through 0 that fits (offered load, goodput) best; None where there is no bend.

    The interval has all bends whose fit is not significantly worse (profile of the squares). There is none when a
    straight line fits as well, or when the line bends upwards. Raises ValueError for fewer than five points or for a
    load that is not above 0.
    """
    if len(points) < 5 or min(load for load, _ in points) <= 0.0:
        raise ValueError(f"{len(points)} loads: a knee needs five, all above 0")
    loads = [load for load, _ in points]
    least, most = min(loads), max(loads)
    if least == most:
        raise ValueError("all loads are the same: no knee")
    straight = sum(x * y for x, y in points) / sum(x * x for x in loads)
    step = (most - least) / _STEPS
    tried = [_broken(points, least + step * number) for number in range(1, _STEPS)]
    squares, load, carried, beyond = min(tried)
    freedom = len(points) - 3
    # a fit that is perfect but for rounding leaves no room: squares of the smallest figure that floats tell apart
    noise = max(squares / freedom, 1e-18 * sum(y * y for _, y in points))
    allowed = squares + student(confidence, freedom) ** 2 * noise
    # two more parameters than the straight line has: twice the room
    if beyond >= carried or sum((y - straight * x) ** 2 for x, y in points) <= 2 * allowed - squares:
        return None
    near = [at for error, at, _, _ in tried if error <= allowed]
    return Knee(Estimate(load, min(near) - step, max(near) + step), carried, beyond)


def _broken(points: Sequence[tuple[float, float]], bend: float) -> tuple[float, float, float, float]:
    """(sum of squares, bend, slope below, slope above) of the best line through 0 with this bend."""
    below = [min(x, bend) for x, _ in points]
    above = [max(0.0, x - bend) for x, _ in points]
    ys = [y for _, y in points]
    aa, ab, bb = (
        sum(p * q for p, q in zip(one, two, strict=True))
        for one, two in ((below, below), (below, above), (above, above))
    )
    ay, by = (sum(p * y for p, y in zip(part, ys, strict=True)) for part in (below, above))
    determinant = aa * bb - ab * ab
    carried, beyond = (ay * bb - by * ab) / determinant, (by * aa - ay * ab) / determinant
    errors = (y - carried * low - beyond * high for y, low, high in zip(ys, below, above, strict=True))
    return math.fsum(e * e for e in errors), bend, carried, beyond
