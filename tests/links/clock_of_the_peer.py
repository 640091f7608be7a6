"""A plugin of pytest for a run whose DUT and dongle are threads of the process that started it.

The clock of a run sees its own threads and those of its descendants. Nobody would see that these peers wait for a CPU,
and two seconds without an answer would be theirs: with this, the clock sees the process that started the run as well.
"""

import os

from rigs import clock


def pytest_configure():
    """Before anything looks at the clock."""
    peer = clock.Tree(os.getppid())  # the run is one of its descendants
    clock._clocks[os.getpid()] = clock.Clock(delays=peer.delays)
