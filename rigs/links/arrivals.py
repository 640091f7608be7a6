"""What a reading thread took in, until it is received: nothing is lost between two calls of `receive`.

Strategy: one condition for the frames and for all else that a link waits for (a connection, an address, its end), so
that whoever waits wakes when anything happens. Waiting is done on the clock of deadlines.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from rigs import clock
from rigs.model import Received


class Arrivals:
    """Frames in the order in which they came."""

    def __init__(self, check: Callable[[], None], kept: int | None = None) -> None:
        """`check` raises `LinkClosed` where no more can come. `kept`: of those that nobody asks for, the oldest go."""
        self._check = check
        self._frames: deque[Received] = deque(maxlen=kept)
        #: Held while what `check` and `until` look at changes, and notified then.
        self.changed = threading.Condition()

    def put(self, received: Received) -> None:
        """Take a frame in."""
        with self.changed:
            self._frames.append(received)
            self.changed.notify_all()

    def take(self, deadline: float) -> Received | None:
        """Return the oldest frame; None at the deadline. What came before the end is still had behind it."""
        with self.changed:
            return self._frames.popleft() if self.until(lambda: bool(self._frames), deadline) else None

    def until(self, holds: Callable[[], bool], deadline: float) -> bool:
        """Wait until `holds()`; False at the deadline. Raises what `check` raises."""
        return clock.wait_until(self.changed, holds, deadline, self._check)

    def forget(self) -> None:
        """Throw away what nobody received."""
        with self.changed:
            self._frames.clear()

    def __len__(self) -> int:
        return len(self._frames)
