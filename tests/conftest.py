"""What tests of several folders share."""

import pytest

from fixtures.plugin.options import SETTINGS
from rigs.bench import Bench


@pytest.fixture
def bench():
    """A bench that closes what was opened on it."""
    made = Bench()
    yield made
    made.close()


def pytest_collection_modifyitems(config, items):
    """What measures for minutes runs when it is asked for: `--slow`, or `-m soak`."""
    if not config.stash[SETTINGS].slow:
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip("measures for minutes: --slow"))
