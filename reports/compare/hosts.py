"""What changes of figures two records may owe to their hosts, and not to the nodes: of these nothing is said.

Strategy: a record says which host it was made on, and beside each figure how that host was meanwhile
(`reports.statistics.host`). Hosts that differ explain any change of a time, a rate or a loss. So does a rig with a node
of another make that moved by as much, where one of the two nodes is the same as before: they have the host or the suite
in common.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from reports.pools import Keys
from reports.record import TOO_SLOW, Record
from reports.statistics import host
from reports.view import rigs_of

Line = Mapping[str, Any]


class Hosts:
    """The hosts of two records, before and after."""

    def __init__(self, before: Record, after: Record, keys: Keys) -> None:
        self.differ = _differences(before, after)
        self._sides: list[tuple[Record, Mapping[str, str]]] = [(before, keys.before), (after, keys.after)]
        self._workers = [_workers(record) for record in (before, after)]
        self._rigs = [
            {names.get(rig.name, rig.name): rig for rig in rigs_of(record).values()}
            for record, names in self._sides
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

        The arguments are those of `reports.statistics.host.explain`.
        """
        if not way or host.is_virtual(was, now) or values[0] == values[1]:
            return ""
        was, now = (_told(line, workers) for line, workers in zip((was, now), self._workers, strict=True))
        untold = not (was.get("load") and now.get("load"))
        return (
            self.differ or host.explain(was, now, values, q, way) or (self._told_slow(now) if untold else "")
        )

    def in_words(self, was: Line, now: Line) -> str:
        """How the hosts of two measurements were, in words."""
        return host.in_words(*(_told(line, n) for line, n in zip((was, now), self._workers, strict=True)))

    def _told_slow(self, now: Line) -> str:
        """Of records that do not say how loaded the host was: what became of the case itself."""
        key = self._sides[1][1].get(now["rig"], now["rig"]), now["case"]
        sides = [side for side, slow in zip(("before", "after"), self._slow, strict=True) if key in slow]
        return f"the machine was too slow for this case {sides[0]}" if len(sides) == 1 else ""

    @cached_property
    def _slow(self) -> list[set[tuple[str, str]]]:
        """(rig, case) of the results of either side that could not be told because the machine was too slow."""
        return [
            {
                (names.get(one["rig"], one["rig"]), one["case"])
                for one in record.results
                if one["verdict"] == "inconclusive" and TOO_SLOW in str(one["message"])
            }
            for record, names in self._sides
        ]


def _workers(record: Record) -> int:
    """How many workers a run had, by its command line: one for each rig that it names; 0 where it names none."""
    return list((record.header.get("asked") or {}).get("arguments") or ()).count("--rig")


def _told(line: Line, workers: int) -> Line:
    """A measurement whose load says how many workers there were, as far as its record tells."""
    load = line.get("load")
    return {**line, "load": {**load, "workers": workers}} if load and not load.get("workers") else line


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
