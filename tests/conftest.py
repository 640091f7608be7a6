"""What tests of several folders share."""

import pytest

from rigs.bench import Bench


@pytest.fixture
def bench():
    """A bench that closes what was opened on it."""
    made = Bench()
    yield made
    made.close()
