"""Holes in a map of sizes are named by what they have in common."""

import pytest

from reports.statistics import cause, runs

#: Thirteen sizes to a frame, as many octets in the last as there are.
FRAMES = {size: (size // 13 + 1, size % 13 + 1) for size in range(130)}


@pytest.mark.parametrize(
    ("holes", "told"),
    [
        (set(), ""),
        ({77}, "77 octets alone (in 6 frames)"),
        (set(FRAMES), "no size works"),
        (set(range(100, 130)), "every size from 100 octets on"),
        (set(range(104, 130)), "every size from 104 octets on, which go in 9 frames or more"),
        (set(range(20)), "every size up to 19 octets"),
        (set(range(26, 39)), "every size in 3 frames"),
        (set(range(0, 130, 13)), "every size with 1 octets in the last frame"),
        (set(range(3, 130, 16)), "every size that leaves 3 when divided by 16"),
        ({5, 6, 40}, "3 sizes: 5 to 6, 40"),
    ],
)
def test_causes(holes, told):
    assert cause(holes, FRAMES) == told


def test_runs():
    assert runs({1, 2, 3, 7, 9, 10}) == [(1, 3), (7, 7), (9, 10)]
