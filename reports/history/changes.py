"""Where a figure changed for good: change points of a series of runs.

Strategy: ruptures (docs/adr/0013) finds the segments whose means fit best, at a penalty for each that grows with
the noise. The noise is taken from the differences between neighbours, which a step hardly touches. A segment has
three runs at least, so that one odd run is no change. Without ruptures installed there are no change points, and
that is said.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

#: Runs of a segment at least, and how many times the least information a change must bring.
SHORTEST: Final = 3
_PENALTY: Final = 2.5
#: What to say where ruptures is not installed.
MISSING: Final = "change points are not looked for: install ruptures (pip install -e '.[history]')"


@dataclass(frozen=True, slots=True)
class Step:
    """A change for good: `at` is the place of the first run behind it, with the means before and behind."""

    at: int
    before: float
    after: float

    @property
    def relative(self) -> float:
        """The change as a share of what was before; infinite from nothing."""
        change = self.after - self.before
        return change / abs(self.before) if self.before else math.copysign(math.inf, change)


def available() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("ruptures") is not None


def steps(values: Sequence[float]) -> list[Step]:
    """The change points of a series, in order; none for fewer than twice `SHORTEST` values or without the library."""
    if len(values) < 2 * SHORTEST or not available():
        return []
    import numpy as np
    import ruptures

    squares = [(after - before) ** 2 for before, after in pairwise(values)]
    noise = math.fsum(squares) / len(squares) / 2
    # a series that is constant but for its steps has no noise; any penalty above 0 finds these
    penalty = max(_PENALTY * noise * math.log(len(values)), 1e-12 * max(map(abs, values)) ** 2, 1e-300)
    search = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST).fit(np.asarray(values, dtype=float))
    ends = [0, *(int(end) for end in search.predict(pen=penalty))]
    means = [math.fsum(values[start:end]) / (end - start) for start, end in pairwise(ends)]
    return [Step(at, before, after) for at, (before, after) in zip(ends[1:-1], pairwise(means), strict=True)]
