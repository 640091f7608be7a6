"""What tests of several folders share."""

import contextlib
import io
import os
import sys

import pytest
from hypothesis import HealthCheck, settings

from fixtures.plugin.options import SETTINGS
from rigs.bench import Bench

# how long an example takes, or its making, says how busy the machine is; `python -m tests.mutation` has its own profile
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if settings.get_current_profile_name() == "default":
    settings.load_profile("busy")


@pytest.fixture
def bench():
    """A bench that closes what was opened on it."""
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def gone_reader(monkeypatch):
    """Makes standard output one whose reader has gone, on descriptor 987; gives the descriptors that are replaced then.

    In the test itself: pytest puts its own output in place between the phases.
    """

    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def fileno(self):
            return 987

    @contextlib.contextmanager
    def gone():
        copies = []
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", Closed())
            patched.setattr(os, "dup2", lambda old, new: copies.append(new))
            yield copies

    return gone


def pytest_collection_modifyitems(config, items):
    """What measures for minutes runs when it is asked for: `--slow`, or `-m soak`."""
    if not config.stash[SETTINGS].slow:
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip("measures for minutes: --slow"))
