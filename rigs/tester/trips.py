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
        #: By the number of bits of the size: fragments take longer, and large controls may be rare.
        self._last: dict[int, deque[float]] = {}
        self._here = 0.0  # the slowest of this case

    def another_case(self) -> None:
        """From here on controls are those of another case."""
        self._here = 0.0

    def took(self, seconds: float, size: int) -> None:
        """A control with `size` octets of data was answered."""
        self._last.setdefault(size.bit_length(), deque(maxlen=_KEPT)).append(seconds)
        self._here = max(self._here, seconds)

    @property
    def slowest(self) -> float:
        """What the slowest of this case took, and of those before all but a few; 0 before the first."""
        usual = (sorted(last)[len(last) - len(last) // _RARE - 1] for last in self._last.values())
        return max(self._here, *usual, 0.0)
