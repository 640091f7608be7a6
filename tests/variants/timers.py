"""Nodes that do something later than they could, or every so often: what variants in this are made of."""

from __future__ import annotations

from rigs.nodes.reference.times import soonest
from tests.variants import ReferenceNode


class PutsOff(ReferenceNode):
    """A node that puts things off: `later(seconds, step, ...)` has that step taken when so much time has passed."""

    def boot(self):
        self.put_off: list[tuple] = []
        super().boot()

    def later(self, seconds, step, *arguments):
        self.put_off.append((self.now + seconds, step, arguments))

    def due(self):
        return soonest(super().due(), *(at for at, _, _ in self.put_off))

    def tick(self):
        super().tick()
        ready = [entry for entry in self.put_off if entry[0] <= self.now]
        self.put_off = [entry for entry in self.put_off if entry[0] > self.now]
        for _, step, arguments in ready:
            step(*arguments)


class Timed(ReferenceNode):
    """A node with one more timer: `fires` is called when it is `at`, which is None while nothing is to be done."""

    at: float | None = None

    def fires(self):
        raise NotImplementedError

    def due(self):
        return soonest(super().due(), self.at)

    def tick(self):
        super().tick()
        if self.at is not None and self.at <= self.now:
            self.at = None
            self.fires()


class Periodic(PutsOff):
    """A node that does something of itself each `period` seconds, for the first time when `first` have passed."""

    period = 1.0
    #: None: one period.
    first: float | None = None

    def each_period(self):
        raise NotImplementedError

    def boot(self):
        super().boot()
        self.later(self.period if self.first is None else self.first, self._period)

    def _period(self):
        self.later(self.period, self._period)
        self.each_period()
