"""How long the DUT takes to answer controls, and so how late any answer of its may be.

Strategy: the slowest of many says it, but a few that were much slower than all others had a cause in their own cases (a
new connection, a longer interval of it), and would make each wait for silence of the next twenty cases as long.
"""

from __future__ import annotations

from collections import deque

#: So many of the last controls are looked at; of those of other cases one in `_RARE` may have been slower.
_KEPT = 64
_RARE = 32


class Trips:
    """Round trips of controls, in seconds on the clock of deadlines."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_KEPT)
        self._here = 0.0  # the slowest of this case

    def another_case(self) -> None:
        """From here on controls are those of another case."""
        self._here = 0.0

    def took(self, seconds: float) -> None:
        """A control was answered."""
        self._last.append(seconds)
        self._here = max(self._here, seconds)

    @property
    def slowest(self) -> float:
        """What the slowest of this case took, and of those before all but a few; 0 before the first."""
        usual = sorted(self._last)[: len(self._last) - len(self._last) // _RARE]
        return max(self._here, usual[-1] if usual else 0.0)
