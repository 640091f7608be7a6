"""How much of a change of a figure the host explains on which it was measured: an upper bound by arithmetic, no guess.

Strategy: beside each figure stands how the host was meanwhile (`load`: for how long other work held the rig up, the
pace, seconds for a fixed piece of work, how many workers of the run shared it, and for which share of the time
something on it waited for a CPU). To move a quantile q, waits must have delayed a share 1 - q of the values by the
whole change, so the most that they can move it by is the time that was lost, spread over these, wherever the waits of
the quick side fell. A slower pace lengthens every time by its ratio. More workers, or a longer queue, share caches and
cores with a rig that does not wait itself, and count by their ratio, too. A change beyond the bound is the node's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from reports.statistics.units import SECONDS, amount

#: A rig that is held up for this share of the time loses datagrams that it would not lose else; of no verdict is more
#: asked (`fixtures.judging.session.Session.too_slow`).
SLOW: Final = 0.25
#: The load of a host that was not noted: what it explains is none of its own.
_IDLE: Final = {"lasted": 0.0, "held_up": 0.0, "pace": 0.0}
#: A measurement as the record has it (`reports.lines.Measurement`).
Line = Mapping[str, Any]


def explain(was: Line, now: Line, values: tuple[float, float], q: float | None, way: int) -> str:
    """Why the change from `values[0]` to `values[1]` may be the host's, in words; empty where it cannot be.

    `q`: which quantile of the values it is of, None for a share of lost ones. `way`: 1 where more is worse, -1 where
    less is. Empty as well where the line of the slow side does not say how the host was; where only the other one does
    not, that host counts as idle.
    """
    if is_virtual(was, now):
        return ""
    off = was.get("clock_error", 0.0) + now.get("clock_error", 0.0)
    change = abs(values[1] - values[0])
    if q is not None and change * SECONDS.get(now["unit"], math.inf) <= off:
        return f"the clocks may be off by as much ({amount(off, 's')})"
    return _of_the_load(was, now, values, q, way)


def is_virtual(was: Line, now: Line) -> bool:
    """Whether both were measured on a virtual clock, which knows no host."""
    return bool(was.get("clock") == now.get("clock") == "virtual")


def _of_the_load(was: Line, now: Line, values: tuple[float, float], q: float | None, way: int) -> str:
    """What the load explains. The slow side is the one with the longer times, the lower rates, the more losses."""
    fast, slow = (was, now) if (values[1] > values[0]) == (way > 0) else (now, was)
    if not slow.get("load"):
        return ""
    least, most = sorted(values)
    held = [_share(line) for line in (fast, slow)]
    pace, crowd = _ratio(fast, slow), _crowd(fast, slow)

    def explains(crowd: float) -> bool:
        if way < 0:  # a rate
            return least >= most * (1 - held[1]) / pace / crowd
        if q is not None and now["unit"] in SECONDS:
            waits = _each(slow) / (1 - q) / SECONDS[now["unit"]]
            return (pace * crowd - 1) * abs(least) + waits >= most - least
        return held[1] >= SLOW and (held[0] < SLOW or crowd > 1)

    if explains(1.0):
        if held[1] > held[0] or pace == 1.0:
            told = [_held_up(line) for line in (was, now)]
            return f"the host explains as much: other work held the rig up for {told[0]} before and {told[1]} after"
        paces = [amount(line["load"]["pace"], "s") for line in (was, now)]
        return f"the host explains as much: it took {paces[0]} for a fixed piece of work before and {paces[1]} after"
    if explains(crowd):
        told = [_crowd_in_words(line) for line in (was, now)]
        return f"the host explains as much: {told[0]} before and {told[1]} after"
    return ""


def _crowd(fast: Line, slow: Line) -> float:
    """By how much more the slow side shared its host, with workers of its run or with others; 1 for no more."""
    loads = [line.get("load") or _IDLE for line in (fast, slow)]
    workers = [float(load.get("workers") or 0) for load in loads]
    queued = [load.get("queued") for load in loads]
    more = [1.0]
    if min(workers) > 0:
        more.append(workers[1] / workers[0])
    if queued[0] is not None and queued[1] is not None:
        more.append((1 + queued[1]) / (1 + queued[0]))
    return max(more)


def _crowd_in_words(line: Line) -> str:
    load = line.get("load") or _IDLE
    count, queued = load.get("workers") or 0, load.get("queued")
    told = [f"{count} {'worker' if count == 1 else 'workers'} at once"] if count else []
    told += [f"a queue for {queued:.0%} of the time"] if queued is not None else []
    return " and ".join(told) or "nobody knows what beside it"


def in_words(was: Line, now: Line) -> str:
    """How the host was on either side, for who has to judge a change; empty where it is not known."""
    if is_virtual(was, now) or not (was.get("load") or now.get("load")):
        return ""
    sides = [f"held up for {_held_up(line)}, {_crowd_in_words(line)}" for line in (was, now)]
    return f"the host: {sides[0]} before; {sides[1]} after"


def _held_up(line: Line) -> str:
    """For how long other work held the rig up, in words."""
    load = line.get("load")
    return (
        f"{amount(load['held_up'], 's')} of {amount(load['lasted'], 's')}"
        if load
        else "nobody knows how long"
    )


def _share(line: Line) -> float:
    """The share of the time for which other work held the rig up; below 1."""
    load = line.get("load") or _IDLE
    return min(0.99, max(0.0, load["held_up"]) / load["lasted"]) if load["lasted"] > 0 else 0.0


def _each(line: Line) -> float:
    """Seconds for which the rig was held up, for each value."""
    count = len(line["values"]) or 1
    if line.get("figure") and count == 1:
        count = max(1, line["figure"].get("n") or 1)
    return max(0.0, float((line.get("load") or _IDLE)["held_up"])) / count


def _ratio(fast: Line, slow: Line) -> float:
    """By how much the host of the slow side is slower; 1 where it is not, or where nobody knows."""
    paces = [float((line.get("load") or _IDLE).get("pace") or 0.0) for line in (fast, slow)]
    return max(1.0, paces[1] / paces[0]) if min(paces) > 0 else 1.0
