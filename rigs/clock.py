"""The clock by which this host waits: it stands still while the rig is held up by other work on the machine.

Strategy: on a busy machine the tester and a DUT in a child process (a guest, a simulator) wait for a CPU most of the
time, so that two seconds of wall time may be a tenth of a second of theirs. The kernel counts for each thread how long
it was ready to run and did not (`run_delay` in /proc/PID/task/TID/schedstat). `Clock.now` is the time that passed less
what the threads of this process and of all its descendants waited in that way. So every deadline leaves the DUT the
time that it has on an idle machine, and what spins without an answer is still told: its own CPU time passes.

Frames are stamped with true time (`Link.stamp`): only waiting is done by this clock. Where the kernel does not count
(no schedstat), both are the same.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Callable
from typing import Final

#: Seconds between two readings of the counters at least, and between two looks for new descendants.
_PERIOD: Final = 0.02
_SEARCH: Final = 0.25
#: This share of the time that passes always counts: several threads that wait at once stop no clock.
LEAST: Final = 0.05
#: The fixed piece of work of `pace` (a tenth of a millisecond or so), and how often it is done.
_WORK: Final = 4000
_TRIES: Final = 5


class Clock:
    """Seconds that the rig could use. Threads may share it."""

    def __init__(
        self,
        true: Callable[[], float] = time.monotonic,
        delays: Callable[[], dict[int, int]] | None = None,
        own: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        """`true` tells seconds; `delays` the nanoseconds that each thread has waited for a CPU so far.

        `own` tells the thread that calls, and the same of it alone.
        """
        self._true = true
        self._delays = delays or Tree().delays
        self._own = own or own_delay
        self._lock = threading.RLock()  # a signal handler of the same thread may ask as well
        self._read = true()
        self._before = self._delays()
        self._held = 0.0
        self._now = self._read

    def now(self) -> float:
        """Seconds; never goes back, and is never ahead of true time."""
        with self._lock:
            self._now = max(self._now, self._look() - self._held)
            return self._now

    def held_up(self) -> float:
        """Seconds for which the rig has been held up since this clock was made."""
        with self._lock:
            self._look()
            return self._held

    def _look(self) -> float:
        """True time; the counters are read when they were not for a while."""
        true = self._true()
        if true - self._read >= _PERIOD:
            delays, true = self._reading()
            waited = sum(max(0, ns - self._before.get(thread, 0)) for thread, ns in delays.items()) / 1e9
            self._held += min(waited, (1 - LEAST) * (true - self._read))
            self._before, self._read = delays, true
        return true

    def _reading(self) -> tuple[dict[int, int], float]:
        """The counters, and the true time at which they were so.

        This thread may wait for a CPU in the midst of the reading, for seconds: then time and counters are not of one
        moment, and what it waited would be taken for time that passed. Its own counter, read again, tells.
        """
        delays = self._delays()
        thread, waited = self._own()
        while True:
            delays[thread], true = waited, self._true()
            if (again := self._own()[1]) == waited:
                return delays, true
            waited = again


def queued() -> float | None:
    """Seconds so far in which something on this machine waited for a CPU; None where the kernel does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        some = _read("/proc/pressure/cpu").splitlines()[
            0
        ]  # some avg10=... avg60=... avg300=... total=MICROSECONDS
        return int(some.rpartition(b"total=")[2]) / 1e6
    return None


class Tree:
    """The threads of this process and of all its descendants."""

    def __init__(self, root: int | None = None) -> None:
        self._root = os.getpid() if root is None else root
        self._processes: list[int] = []
        self._searched = float("-inf")

    def delays(self) -> dict[int, int]:
        """Thread id to nanoseconds of waiting for a CPU; empty where the kernel does not count."""
        if time.monotonic() - self._searched >= _SEARCH:
            self._processes, self._searched = list(self._descendants(self._root)), time.monotonic()
        found = {}
        for process in self._processes:
            for thread in _threads(process):
                if (waited := _delay(process, thread)) is not None:
                    found[thread] = waited
        return found

    def _descendants(self, process: int) -> list[int]:
        found = [process]
        for thread in _threads(process):
            with contextlib.suppress(OSError):
                for child in _read(f"/proc/{process}/task/{thread}/children").split():
                    found += self._descendants(int(child))
        return found


def own_delay() -> tuple[int, int]:
    """(thread id, nanoseconds that it has waited for a CPU) of the thread that calls; 0 where nothing is counted."""
    thread = threading.get_native_id()
    return thread, _delay(os.getpid(), thread) or 0


def _delay(process: int, thread: int) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):  # it ended meanwhile
        return int(_read(f"/proc/{process}/task/{thread}/schedstat").split()[1])
    return None


def _read(path: str) -> bytes:
    """The whole of a small file of the kernel, at the least cost: this is done fifty times a second."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 1 << 16)
    finally:
        os.close(file)


def _threads(process: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{process}/task")]  # noqa: PTH208 - Path makes objects of them
    except OSError:
        return []


_clocks: dict[int, Clock] = {}


def of_this_process() -> Clock:
    """The one clock of this process; a forked child gets its own."""
    clock = _clocks.get(os.getpid())
    if clock is None:
        clock = _clocks.setdefault(os.getpid(), Clock())
    return clock


def now() -> float:
    """Seconds on the clock of this process: what deadlines on real links and consoles are told by."""
    return of_this_process().now()


def wait_until(
    changed: threading.Condition,
    holds: Callable[[], bool],
    deadline: float,
    check: Callable[[], None] = lambda: None,
) -> bool:
    """Wait until `holds()`; False at `deadline` (`now`). What both look at changes with `changed` held, and notified.

    `check` raises where nothing can come any more; what `holds` already is had all the same.
    """
    with changed:
        while not holds():
            check()
            left = deadline - now()
            if left <= 0:
                return False
            changed.wait(left)
        return True


def pace() -> float:
    """Seconds of true time that this host takes now for a fixed piece of work: how fast its CPUs are.

    The least of several tries: waiting for a CPU is in `held_up`, and not in it.
    """
    least = math.inf
    for _ in range(_TRIES):
        began = time.perf_counter()
        sum(range(_WORK))
        least = min(least, time.perf_counter() - began)
    return least


def held_up() -> float:
    """Seconds for which this process and its children have been held up so far."""
    return of_this_process().held_up()
