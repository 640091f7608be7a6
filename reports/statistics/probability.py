"""The three distributions that intervals rest on, and the shape of a figure with its interval.

Strategy: closed forms and exact sums from `math` and `statistics`, no tables and no approximations that fail for few
values. Why not scipy: docs/adr/0010.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist
from typing import Final, NamedTuple

#: The share of intervals that hold the truth.
CONFIDENCE: Final = 0.95
#: From so many degrees of freedom on Student's quantile is the normal one to four digits.
_NORMAL_FROM: Final = 20_000


class Estimate(NamedTuple):
    """A figure and the interval in which the truth lies; an end is infinite where the values do not bound it."""

    value: float
    low: float
    high: float

    def holds(self, truth: float) -> bool:
        """Whether the interval holds `truth`."""
        return self.low <= truth <= self.high

    @property
    def half_width(self) -> float:
        """Half the length of the interval: the precision."""
        return (self.high - self.low) / 2


def checked(confidence: float) -> float:
    """The confidence itself. Raises ValueError unless it lies between 0 and 1."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1, such as 0.95")
    return confidence


@lru_cache(maxsize=64)
def normal(confidence: float) -> float:
    """How many standard deviations hold this share of a normal distribution, around its mean: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + checked(confidence)) / 2)


@lru_cache(maxsize=256)
def student(confidence: float, freedom: int) -> float:
    """The two-sided quantile of Student's t: 2.228 for 0.95 and 10 degrees of freedom."""
    if freedom < 1:
        raise ValueError(f"{freedom} degrees of freedom: there must be one at least")
    least = normal(confidence)
    if freedom >= _NORMAL_FROM:
        return least
    low, high = least, 2 * least
    while _within(high, freedom) < confidence:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """The share of Student's distribution in -t..t (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    cos, sin = math.cos(angle), math.sin(angle)
    odd = freedom % 2
    term, total = (cos if odd else 1.0), 0.0
    for n in range(1 + odd, freedom, 2):
        total += term
        term *= n / (n + 1) * cos * cos
    return 2 / math.pi * (angle + sin * total) if odd else sin * total


@lru_cache(maxsize=256)
def binomial(trials: int, share: float) -> tuple[float, ...]:
    """P(at most k successes) for k = 0..trials, each trial a success with probability `share` (0 < share < 1)."""
    log, log_not = math.log(share), math.log1p(-share)
    whole = math.lgamma(trials + 1)
    logs = (
        whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * log + (trials - k) * log_not
        for k in range(trials + 1)
    )
    return tuple(min(1.0, total) for total in accumulate(map(math.exp, logs)))
