"""Other work for the machine: processes that want a CPU all the time, and that end with whoever started them.

Strategy: each hog asks the kernel to be killed with its parent (PR_SET_PDEATHSIG), so that nothing is left behind
whatever happens to us; a hog whose parent is gone already ends at once.
"""

import contextlib
import os
import subprocess
import sys

_HOG = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
if os.getppid() != int(sys.argv[1]):
    sys.exit()
while True:
    pass
"""


@contextlib.contextmanager
def hogs(number):
    """So many hogs for as long as the context lasts; yields their process ids."""
    running = []
    try:
        command = [sys.executable, "-S", "-E", "-c", _HOG, str(os.getpid())]
        running.extend(subprocess.Popen(command) for _ in range(number))
        yield [hog.pid for hog in running]
    finally:
        for hog in running:
            hog.kill()
        for hog in running:
            hog.wait()
