"""Two sets of values, before and after: whether they differ, by how much, and how sure that is.

Strategy: no distribution is assumed. A shift as a whole is found by ranks (Mann-Whitney), a change of one quantile
by the bootstrap, a change of a share by its score test. The bootstrap of a quantile needs no resampling: the rank
that a resample puts at a quantile follows the order statistics of uniform values, which are Beta distributed (Efron
and Tibshirani, An Introduction to the Bootstrap, §5), so one draw costs two Beta variates, however many values
there are. Many tests at once are held against a false discovery rate (Benjamini and Hochberg 1995). Values must be
independent.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from random import Random
from statistics import fmean
from typing import Final

from reports.statistics.distribution import quantile
from reports.statistics.loss import wilson
from reports.statistics.probability import CONFIDENCE, Estimate, normal

#: Draws of a bootstrap: an end of a 95 % interval is then known to about a tenth of its standard error.
DRAWS: Final = 1000


def two_sided(z: float) -> float:
    """How often chance alone is at least so many standard errors away."""
    return math.erfc(abs(z) / math.sqrt(2)) if not math.isnan(z) else 1.0


def mann_whitney(before: Sequence[float], after: Sequence[float]) -> tuple[float, float]:
    """(share of pairs in which `after` is the greater, p-value, two-sided); ties count half.

    By the normal approximation with its correction for ties; raises ValueError for fewer than 8 values on a side, where
    that is too coarse.
    """
    n, m = len(before), len(after)
    if min(n, m) < 8:
        raise ValueError(f"{n} and {m} values: the rank test needs 8 on each side")
    ranked = sorted([(value, 0) for value in before] + [(value, 1) for value in after])
    rank, ranks_after, ties = 0, 0.0, 0.0
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        sides = [side for _, side in group]
        size = len(sides)
        ranks_after += sum(sides) * (rank + (size + 1) / 2)
        ties += size**3 - size
        rank += size
    wins = ranks_after - m * (m + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 0.5, 1.0
    return wins / (n * m), two_sided((wins - n * m / 2) / math.sqrt(variance))


@lru_cache(maxsize=64)
def _places(count: int, q: float, seed: str, draws: int) -> tuple[array[int], array[int]]:
    """Of each draw, the places of the two values next to the q-quantile of a resample, in the ordered sample.

    They depend on nothing but the number of values, so figures with as many values as each other share them: of a
    thousand rigs that took half of the time of a comparison.
    """
    random = Random(f"{count} {q} {seed} {draws}")
    place = q * (count - 1)
    rank = math.floor(place) + 1
    below, above = array("I"), array("I")
    for _ in range(draws):
        share = random.betavariate(rank, count - rank + 1)
        below.append(min(count - 1, int(count * share)))
        if rank < count:
            share += (1 - share) * random.betavariate(1, count - rank)
        above.append(min(count - 1, int(count * share)))
    return below, above


def quantile_draws(values: Sequence[float], q: float, seed: str, draws: int = DRAWS) -> list[float]:
    """What resamples of `values` have as their q-quantile (type 7), drawn exactly. Raises ValueError for no values.

    Samples of one size and `seed` get the same draws: two samples that are compared need a seed each.
    """
    quantile(values, q)
    ordered = sorted(values)
    place = q * (len(values) - 1)
    part = place - math.floor(place)
    return [
        ordered[low] + part * (ordered[high] - ordered[low])
        for low, high in zip(*_places(len(values), q, seed, draws), strict=True)
    ]


def quantile_change(
    before: Sequence[float],
    after: Sequence[float],
    q: float,
    seed: int,
    confidence: float = CONFIDENCE,
) -> tuple[Estimate, float]:
    """(after - before) of a quantile with its bootstrap interval, and the p-value of no change (two-sided)."""
    value = quantile(after, q) - quantile(before, q)
    one, other = quantile_draws(before, q, f"before {seed}"), quantile_draws(after, q, f"after {seed}")
    changes = sorted(b - a for a, b in zip(one, other, strict=True))
    middle = fmean(changes)
    error = math.sqrt(fmean((change - middle) ** 2 for change in changes))
    rest = (1 - confidence) / 2
    found = Estimate(value, quantile(changes, rest), quantile(changes, 1 - rest))
    if error == 0.0:
        return found, 1.0 if value == 0.0 else 0.0
    return found, two_sided(value / error)


def share_change(
    before: tuple[int, int], after: tuple[int, int], confidence: float = CONFIDENCE
) -> tuple[Estimate, float]:
    """(after - before) of two shares, each (successes, trials), with Newcombe's interval (1998, method 10), and p.

    Raises ValueError for what is no share.
    """
    (x, n), (y, m) = before, after
    (low_a, high_a), (low_b, high_b) = wilson(x, n, confidence), wilson(y, m, confidence)
    a, b = x / n, y / m
    low = b - a - math.sqrt((b - low_b) ** 2 + (high_a - a) ** 2)
    high = b - a + math.sqrt((high_b - b) ** 2 + (a - low_a) ** 2)
    pooled = (x + y) / (n + m)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return Estimate(b - a, low, high), two_sided((b - a) / error) if error else 1.0


def estimate_change(before: Estimate, after: Estimate) -> tuple[Estimate, float]:
    """(after - before) of two figures of which only 95 % intervals are known, taken as normal, and p."""
    z = normal(CONFIDENCE)
    error = math.hypot(before.half_width / z, after.half_width / z)
    value = after.value - before.value
    if error == 0.0:
        return Estimate(value, value, value), 1.0 if value == 0.0 else 0.0
    return Estimate(value, value - z * error, value + z * error), two_sided(value / error)


def discoveries(chances: Sequence[float], rate: float = 1 - CONFIDENCE) -> list[bool]:
    """Which p-values may be called changes, so that of those at most `rate` are expected to be none."""
    ranked = sorted(range(len(chances)), key=lambda place: chances[place])
    accepted = 0
    for number, place in enumerate(ranked, 1):
        if chances[place] <= rate * number / len(chances):
            accepted = number
    found = set(ranked[:accepted])
    return [place in found for place in range(len(chances))]
