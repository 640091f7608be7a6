"""One direction of the air: which frame is lost, held back, doubled, and how long each is under way.

Strategy: every effect draws from a source of its own, so that switching one on changes nothing of the others, and the
same seed loses the same frames. Loss is Gilbert's chain with Elliott's second figure (Elliott 1963): in the good state
nothing is lost, in the bad one a share of all; how often it turns bad follows from the mean loss that is asked for.
"""

from __future__ import annotations

import random

from rigs.air.settings import Impairment


class Way:
    """The draws of one direction, in the order of sending."""

    def __init__(self, impairment: Impairment, seed: str) -> None:
        self.impairment = impairment
        self._draw = {
            name: random.Random(f"{seed}/{name}") for name in ("loss", "jitter", "duplication", "reordering")
        }
        burst, share = impairment.burst, impairment.loss / impairment.bad
        self._leave = 1.0 if burst is None else 1 / burst
        self._enter = 0.0 if burst is None else self._leave * share / (1 - share)
        #: The chain begins as it goes on: bad with the share of time that it is bad.
        self._bad = burst is not None and self._draw["loss"].random() < share

    def loses(self) -> bool:
        """Whether this transmission is lost."""
        source, how = self._draw["loss"], self.impairment
        if how.burst is None:
            return source.random() < how.loss
        lost = self._bad and source.random() < how.bad
        self._bad = source.random() < (1 - self._leave if self._bad else self._enter)
        return lost

    def takes(self) -> float:
        """Seconds that this frame is longer under way than on a good medium."""
        return self.impairment.delay + self.impairment.jitter * self._draw["jitter"].random()

    def copies(self) -> int:
        """How often this frame arrives: once or twice."""
        return 1 + (self._draw["duplication"].random() < self.impairment.duplication)

    def overtaken(self) -> bool:
        """Whether the next frame overtakes this one."""
        return self._draw["reordering"].random() < self.impairment.reordering
