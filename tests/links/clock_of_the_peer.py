"""A plugin of pytest for a run whose DUT and dongle are threads of the process that started it.

The clock of a run sees its own threads and those of its descendants. Nobody would see that these peers wait for a CPU,
and two seconds without an answer would be theirs: with this, the clock sees the process that started the run as well.
"""

import contextlib
import os
from pathlib import Path

from rigs import clock


class Peer(clock.Tree):
    """The threads of whoever started this run, and of what they started, but not of other runs beside it."""

    def _descendants(self, process):
        if process not in {self._root, os.getpid()} and _is_a_run(process):
            return []
        return super()._descendants(process)


def _is_a_run(process):
    with contextlib.suppress(OSError):
        return b"\0-m\0pytest\0" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def pytest_configure():
    """Before anything looks at the clock."""
    peer = Peer(os.getppid())  # the run is one of its descendants
    clock._clocks[os.getpid()] = clock.Clock(delays=peer.delays)
