"""What a change of a figure may owe to the host, and not to the node: then nothing is known of the node.

Strategy: a record says which host it was made on, and beside each figure how that host was meanwhile (`load`: for how
long other work held the rig up, and the pace, a fixed piece of work that the host does now and then). What these can
explain is an upper bound by arithmetic, never a guess: to move a quantile q, waits must have delayed a share 1 - q of
the values by the whole change, so the most they can move it by is the time that was lost, spread over these; a slower
pace lengthens every time by its ratio. A change beyond the bound is the node's. Two rigs with nodes of different make
that moved by as much, one of which is the same node as before, have the host or the suite in common.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from reports.record import TOO_SLOW, Record
from reports.statistics.units import SECONDS, amount
from reports.view import rigs_of

#: A rig that is held up for this share of the time loses datagrams that it would not lose else; of no verdict is more
#: asked (`fixtures.judging.session.Session.too_slow`).
SLOW: Final = 0.25
Line = Mapping[str, Any]


class Hosts:
    """The hosts of two records, before and after."""

    def __init__(self, before: Record, after: Record, match: Mapping[str, str]) -> None:
        self.differ = _differences(before, after)
        self._sides: list[tuple[Record, Mapping[str, str]]] = [(before, match), (after, {})]
        self._rigs = [
            {match.get(rig.name, rig.name): rig for rig in rigs_of(before).values()},
            {rig.name: rig for rig in rigs_of(after).values()},
        ]

    def unchanged(self, rig: str) -> bool:
        """Whether the rig has the node that it had, by what both records say."""
        old, new = (rigs.get(rig) for rigs in self._rigs)
        return bool(old and new and old.dut and old.dut == new.dut)

    def another_make(self, rig: str, other: str) -> bool:
        """Whether the nodes of two rigs are of different stacks, by what the second record says."""
        makes = [self._rigs[1][name].dut.get("stack") for name in (rig, other) if name in self._rigs[1]]
        return len(makes) == 2 and all(makes) and makes[0] != makes[1]

    def explain(self, was: Line, now: Line, values: tuple[float, float], q: float | None, way: int) -> str:
        """Why the change from `values[0]` to `values[1]` may be the host's, in words; empty where it cannot be.

        `q`: which quantile of the values it is of, None for a share of lost ones. `way`: 1 where more is worse,
        -1 where less is; a figure of which neither is has nothing that a host could spoil, nor has a virtual clock.
        """
        virtual = was.get("clock") == now.get("clock") == "virtual"
        if not way or virtual or values[0] == values[1]:
            return ""
        if self.differ:
            return self.differ
        off = was.get("clock_error", 0.0) + now.get("clock_error", 0.0)
        change = abs(values[1] - values[0])
        if q is not None and change * SECONDS.get(now["unit"], math.inf) <= off:
            return f"the clocks may be off by as much ({amount(off, 's')})"
        if was.get("load") and now.get("load"):
            return _of_the_load(was, now, values, q, way)
        return self._told_slow(now)

    def _told_slow(self, now: Line) -> str:
        """Of records that do not say how loaded the host was: what became of the case itself."""
        key = now["rig"], now["case"]
        sides = [side for side, slow in zip(("before", "after"), self._slow, strict=True) if key in slow]
        return f"the machine was too slow for this case {sides[0]}" if len(sides) == 1 else ""

    @cached_property
    def _slow(self) -> list[set[tuple[str, str]]]:
        """(rig, case) of the results of either side that could not be told because the machine was too slow."""
        return [
            {
                (match.get(one["rig"], one["rig"]), one["case"])
                for one in record.results
                if one["verdict"] == "inconclusive" and TOO_SLOW in str(one["message"])
            }
            for record, match in self._sides
        ]


def _of_the_load(was: Line, now: Line, values: tuple[float, float], q: float | None, way: int) -> str:
    """What the load explains. The slow side is the one with the longer times, the lower rates, the more losses."""
    fast, slow = (was, now) if (values[1] > values[0]) == (way > 0) else (now, was)
    least, most = sorted(values)
    held = [_share(line) for line in (fast, slow)]
    pace = _ratio(fast, slow)
    if way < 0:  # a rate
        explained = least >= most * (1 - held[1]) / (1 - held[0]) / pace
    elif q is not None and now["unit"] in SECONDS:
        waits = max(0.0, _each(slow) - _each(fast)) / (1 - q) / SECONDS[now["unit"]]
        explained = (pace - 1) * abs(least) + waits >= most - least
    else:
        explained = held[1] >= SLOW > held[0]
    if not explained:
        return ""
    if held[1] > held[0] or pace == 1.0:
        told = [
            " of ".join(amount(line["load"][name], "s") for name in ("held_up", "lasted"))
            for line in (was, now)
        ]
        return (
            f"the host explains as much: other work held the rig up for {told[0]} before and {told[1]} after"
        )
    paces = [amount(line["load"]["pace"], "s") for line in (was, now)]
    return (
        f"the host explains as much: it took {paces[0]} for a fixed piece of work before and {paces[1]} after"
    )


def _share(line: Line) -> float:
    """The share of the time for which other work held the rig up; below 1."""
    load = line["load"]
    return min(0.99, max(0.0, load["held_up"]) / load["lasted"]) if load["lasted"] > 0 else 0.0


def _each(line: Line) -> float:
    """Seconds for which the rig was held up, for each value."""
    count = len(line["values"]) or 1
    if line.get("figure") and count == 1:
        count = max(1, line["figure"].get("n") or 1)
    return max(0.0, float(line["load"]["held_up"])) / count


def _ratio(fast: Line, slow: Line) -> float:
    """By how much the host of the slow side is slower; 1 where it is not, or where nobody knows."""
    paces = [float(line["load"].get("pace") or 0.0) for line in (fast, slow)]
    return max(1.0, paces[1] / paces[0]) if min(paces) > 0 else 1.0


def _differences(before: Record, after: Record) -> str:
    """What the headers say of the hosts, where that differs; empty where it is the same or not known."""
    old, new = (record.header.get("host") or {} for record in (before, after))
    if "merged" in old or "merged" in new:  # of many hosts; what each figure says of its own counts
        return ""
    told = [
        f"{name} {_word(old[name])} before and {_word(new[name])} after"
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    ]
    return f"the hosts differ: {', '.join(told)}" if told else ""


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
