"""A node in memory on the real clock, so that it can share an air with guests and boards.

Strategy: the node's own link has a clock that stands wherever it is told; here it is told true time. Whoever waits for
a frame wakes up for the node's next timer, and for a frame that was sent to it meanwhile.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from rigs import clock
from rigs.links.memory.link import MemoryLink
from rigs.model import Link, Received

#: Seconds between two looks for a node that is still to be attached.
_LOOK = 0.05


class LiveLink(Link):
    """A `MemoryLink` that runs with true time; it may be used by several threads."""

    def __init__(self, memory: MemoryLink) -> None:
        self._memory = memory
        self.kind, self.mtu, self.pan = memory.kind, memory.mtu, memory.pan
        self.tester, self.dut, self.dut_short = memory.tester, memory.dut, memory.dut_short
        self.any_source, self.auto_ack = memory.any_source, memory.auto_ack
        self._changed = threading.Condition()

    @property
    def medium(self) -> str:
        """Memory: the time of frames is the air's to give."""
        return self._memory.medium

    def send(self, frame: bytes) -> None:
        with self._changed:
            self._catch_up()
            self._memory.send(frame)
            self._changed.notify_all()

    def receive(self, deadline: float) -> Received | None:
        with self._changed:
            while not self._memory.attached:
                if deadline <= clock.now():
                    return None
                self._changed.wait(min(_LOOK, max(0.0, deadline - clock.now())))
            while True:
                self._catch_up()
                if (got := self._memory.receive(self._memory.now())) is not None:
                    return Received(got.frame, time.monotonic(), self.clock)
                left = deadline - clock.now()
                if left <= 0:
                    return None
                due = self._memory.due()
                if due is not None:
                    left = min(left, max(0.0, due - time.monotonic()))
                self._changed.wait(left)

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Let nothing reach the node while something is done to it from its own side; then see what it says."""
        with self._changed:
            self._catch_up()
            yield
            self._changed.notify_all()

    def close(self) -> None:
        self._memory.close()

    def _catch_up(self) -> None:
        """Move the node's clock to now: whatever is due happens."""
        self._memory.advance(time.monotonic())
