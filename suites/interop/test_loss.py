"""Two nodes on an air that loses frames: what the medium lost is nobody's fault, and the rest must work."""

import pytest

from fixtures.api import PairCase, requirement
from suites.interop.ways import each_way

SMALL, LARGE = 12, 600
ROUNDS = 15


@pytest.mark.parametrize("percent", [0, 1, 5])
@each_way
@requirement("RFC4944-5.3-20", "RFC6282-2-04", "RFC7668-3.2-03")
def test_echoes(pair: PairCase, way: str, percent: int):
    """Small and large echoes by turns while so many percent of the frames are lost; none is lost otherwise."""
    asker, other = pair.way(way, asker="ping")
    pair.impair(percent / 100)
    for size in pair.each((SMALL, LARGE) * ROUNDS):
        pair.echo(asker, other, size)
