"""The fuzz at a small size; `make fuzz` runs the whole."""

import pytest

from tests.fuzz.__main__ import fuzz
from tests.fuzz.kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_stranger_does_harm(kind):
    statuses, faults = fuzz(kind, 60, seed=7)
    assert not faults
    assert sum(statuses.values()) == 60


def test_memory_stays_small():
    _, faults = fuzz("records", 10, seed=8, memory=True)
    assert not faults
