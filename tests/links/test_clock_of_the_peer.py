"""Whose waits the clock of a run counts that its peers' process started."""

import contextlib
import os
import subprocess
import sys
import threading

from tests.links.clock_of_the_peer import Peer


@contextlib.contextmanager
def child(*words):
    """A process with these words on its command line that lives as long as the block."""
    command = [sys.executable, "-c", "print(flush=True); input()", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def test_a_guest_counts_and_a_run_beside_it_does_not():
    with child() as guest, child("-m", "pytest", "suites") as other_run:
        counted = Peer().delays()
    assert {guest, threading.get_native_id()} <= counted.keys()
    assert other_run not in counted
    assert os.getpid() in counted
