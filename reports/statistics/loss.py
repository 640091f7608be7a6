"""Loss: how sure a share of lost frames is, whether a datagram is lost more often than its frames, and in what bursts.

Strategy: a loss without its interval hides how few frames it rests on. Frames that are lost one by one lose a datagram
of n fragments with 1 - (1 - p)^n, so only what is worse than this speaks against the node. Losses that come in bursts
break that law without any fault of the node, so bursts are looked at as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import NormalDist

from reports.statistics.probability import CONFIDENCE, Estimate, normal


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The Wilson score interval of a proportion, which stays honest at 0 and 1.

    Raises ValueError unless 0 <= successes <= trials and trials > 0.
    """
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is not a proportion")
    z = normal(confidence)
    share = successes / trials
    weight = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / weight
    half = z / weight * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == trials else min(1.0, middle + half)
    return low, high


def proportion(successes: int, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """A share with its Wilson interval. Raises ValueError as `wilson` does."""
    low, high = wilson(successes, trials, confidence)
    return Estimate(successes / trials, low, high)


def trials_for(share: float, precision: float, confidence: float = CONFIDENCE) -> int:
    """The least number of trials whose Wilson interval is at most `precision` to either side, at about this share.

    Raises ValueError for a share outside 0..1 or a precision that is not above 0.
    """
    if not 0.0 <= share <= 1.0 or not precision > 0.0:
        raise ValueError(f"share {share}, precision {precision}: the one is in 0..1, the other above 0")

    def enough(trials: int) -> bool:
        z = normal(confidence)
        variance = share * (1 - share) / trials + z * z / (4 * trials * trials)
        return z / (1 + z * z / trials) * math.sqrt(variance) <= precision

    most = 1
    while not enough(most):
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return most


def datagram_loss(frame_loss: float, fragments: int) -> float:
    """Expected loss of a datagram of n fragments at independent frame loss p: 1 - (1 - p)^n.

    More than this points at reassembly, not at the radio.
    """
    if not 0.0 <= frame_loss <= 1.0:
        raise ValueError(f"frame loss {frame_loss} is outside 0..1")
    if fragments < 1:
        raise ValueError(f"a datagram has at least one frame, not {fragments}")
    return 1.0 - (1.0 - frame_loss) ** fragments


@dataclass(frozen=True, slots=True)
class Law:
    """Datagram loss held against `datagram_loss` of the frame loss that was measured beside it.

    `expected` is the law at the measured frame loss, `measured` the datagrams' own share. `chance` is how often a node
    that keeps to the law would look at least so bad (one-sided).
    """

    expected: float
    measured: Estimate
    chance: float

    def worse(self, confidence: float = CONFIDENCE) -> bool:
        """Whether datagrams are lost more often than the law says."""
        return self.chance < 1 - confidence


def against_law(lost: int, datagrams: int, fragments: int, frames_lost: int, frames: int) -> Law:
    """Hold `lost` of `datagrams` with n fragments each against `frames_lost` of other `frames` on the same medium.

    A signed likelihood ratio test of two binomials, under the law that ties them (Cox and Hinkley, Theoretical
    Statistics, §9.3). The frames counted must be others than those of the datagrams, sent among them. Holds for
    independent losses: look at `bursts` first. Raises ValueError for counts that are no proportions, or no fragments.
    """
    measured, single = proportion(lost, datagrams), proportion(frames_lost, frames)
    expected = datagram_loss(single.value, fragments)
    if measured.value <= expected:
        return Law(expected, measured, 1.0 - _chance(lost, datagrams, fragments, frames_lost, frames))
    return Law(expected, measured, _chance(lost, datagrams, fragments, frames_lost, frames))


def _chance(lost: int, datagrams: int, fragments: int, frames_lost: int, frames: int) -> float:
    def likelihood(p: float) -> float:
        return _log(lost, datagrams, datagram_loss(p, fragments)) + _log(frames_lost, frames, p)

    low, high = 0.0, 1.0  # the likelihood has one maximum: thirds of the interval close in on it
    while high - low > 1e-9:
        third = (high - low) / 3
        if likelihood(low + third) < likelihood(high - third):
            low += third
        else:
            high -= third
    free = _log(lost, datagrams, lost / datagrams) + _log(frames_lost, frames, frames_lost / frames)
    return NormalDist().cdf(-math.sqrt(max(0.0, 2 * (free - likelihood((low + high) / 2)))))


def _log(successes: int, trials: int, share: float) -> float:
    """Logarithm of the binomial likelihood, without its constant."""
    failures = trials - successes
    if (successes and share <= 0.0) or (failures and share >= 1.0):
        return -math.inf
    return (successes * math.log(share) if successes else 0.0) + (
        failures * math.log1p(-share) if failures else 0.0
    )


@dataclass(frozen=True, slots=True)
class Bursts:
    """How losses stand together: lengths of the runs of losses, and the chain of two states that makes such runs.

    `enter` is the probability that a loss follows what arrived, `leave` that what arrives follows a loss (Gilbert's
    chain, 1960: all is lost in the bad state, nothing in the good one); None where there was no such pair.
    """

    lengths: tuple[int, ...]
    share: float
    enter: Estimate | None
    leave: Estimate | None

    @property
    def mean(self) -> float:
        """Mean length of a run of losses; 0 without any."""
        return sum(self.lengths) / len(self.lengths) if self.lengths else 0.0

    @property
    def independent_mean(self) -> float:
        """Mean length of runs if each loss were for itself: 1 / (1 - share)."""
        return 1 / (1 - self.share) if self.share < 1 else math.inf

    @property
    def bursty(self) -> bool:
        """Whether losses follow each other more often than single losses at the same share would."""
        return self.leave is not None and self.leave.high < 1 - self.share


def bursts(lost: Sequence[bool], confidence: float = CONFIDENCE) -> Bursts:
    """Look at fates in the order of sending, True where lost. Raises ValueError for none."""
    if not lost:
        raise ValueError("no fates: nothing was sent")
    lengths = tuple(len(list(run)) for is_lost, run in groupby(lost) if is_lost)
    after_good = [after for before, after in pairwise(lost) if not before]
    after_bad = [not after for before, after in pairwise(lost) if before]
    return Bursts(
        lengths,
        sum(lost) / len(lost),
        proportion(sum(after_good), len(after_good), confidence) if after_good else None,
        proportion(sum(after_bad), len(after_bad), confidence) if after_bad else None,
    )
