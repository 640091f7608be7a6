"""Holes in a map of sizes, named by what they have in common.

Strategy: a list of sizes that do not work says nothing to a reader; that all of them go in four fragments, or have one
octet in the last one, says where to look. The most special cause that explains all holes and no size that works is
told; where there is none, the holes are told as runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import groupby
from typing import Final

#: Runs of sizes that are told, where nothing explains them.
_TOLD: Final = 8
#: A remainder explains holes when there are so many of them at least.
_REMAINDER: Final = 4


def runs(sizes: Collection[int]) -> list[tuple[int, int]]:
    """Sizes as (first, last) of the runs that they form."""
    ordered = sorted(sizes)
    found = []
    for _, group in groupby(enumerate(ordered), lambda pair: pair[1] - pair[0]):
        run = [size for _, size in group]
        found.append((run[0], run[-1]))
    return found


def cause(holes: Collection[int], frames: Mapping[int, tuple[int, int]]) -> str:
    """What the holes have in common and the sizes that work have not; empty where there are no holes.

    `frames`: each size that was tried -> (number of frames that carry it, octets of payload in the last of them).
    """
    bad = set(holes)
    if not bad:
        return ""
    good = frames.keys() - bad
    if not good:
        return "no size works"
    if len(bad) == 1:
        (size,) = bad
        return f"{size} octets alone ({_frames(frames[size][0])})"
    if min(bad) > max(good):
        first = min(bad)
        grows = frames[first][0] > max(frames[size][0] for size in good)
        where = f", which go {_frames(frames[first][0])} or more" if grows else ""
        return f"every size from {first} octets on{where}"
    if max(bad) < min(good):
        return f"every size up to {max(bad)} octets"
    for what, told in ((0, _frames), (1, _last)):
        values = {frames[size][what] for size in bad}
        if not values & {frames[size][what] for size in good}:
            return "every size " + " or ".join(told(value) for value in sorted(values))
    for modulus in (2, 4, 8, 16, 32, 64, 128, 256):
        rests = {size % modulus for size in bad}
        if len(rests) == 1 and len(bad) >= _REMAINDER and rests.isdisjoint(size % modulus for size in good):
            return f"every size that leaves {rests.pop()} when divided by {modulus}"
    told_runs = [f"{first}" if first == last else f"{first} to {last}" for first, last in runs(bad)]
    more = f" and {len(told_runs) - _TOLD} more runs" if len(told_runs) > _TOLD else ""
    return f"{len(bad)} sizes: {', '.join(told_runs[:_TOLD])}{more}"


def _frames(number: int) -> str:
    return "in one frame" if number == 1 else f"in {number} frames"


def _last(octets: int) -> str:
    return f"with {octets} octets in the last frame"
