"""What stands above the figures: is the radio real, what came out on each rig, what stands out, which limits hold.

Strategy: whoever reads figures asks first what they are worth, and which of hundreds matters. So the benches come
first, then one row a figure with the range of it on each rig, then the findings of the cases that measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reports.bench import Bench
from reports.causes import Cause
from reports.coverage import share
from reports.statistics import quantile
from reports.statistics.units import amount
from reports.view import View

Line = Mapping[str, Any]

#: Rigs that have a column of their own; of more the range is over all of them.
COLUMNS: Final = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: on each rig the range of what its cases came to, and of how many measurements."""

    name: str
    unit: str
    cells: list[tuple[str, int, bool]]


def value_of(line: Line) -> float | None:
    """What a measurement comes to: its figure, else the median of its values; None where it has none."""
    if line["figure"]:
        return float(line["figure"]["value"])
    values = [float(value) for value in line["values"] if value is not None]
    return quantile(values, 0.5) if values else None


def overview(
    page: View,
    groups: Sequence[tuple[str, str, Sequence[Line]]],
    benches: Mapping[str, Bench],
    found: Sequence[Cause],
) -> dict[str, Any]:
    """The context of this part. `groups`: (name, unit, lines) of each figure; `found`: the causes of the run."""
    names = [rig.name for rig in page.rigs]
    columns = names if len(names) <= COLUMNS else []
    rows = [_row(*group, columns, benches) for group in groups]
    measuring = {line["case"] for line in page.record.measurements}
    limits = sum(bool(bench.limits) for bench in benches.values())
    return {
        "columns": columns or ["All rigs"],
        "rows": rows,
        "benches": [(name, benches[name], _held_up(page.record.measurements, name)) for name in names],
        "simulated": _simulated(benches.values()),
        "limits": limits,
        "telling": [
            cause
            for cause in found
            if cause.shown and measuring.intersection(case.name for case in cause.cases)
        ],
    }


def _simulated(benches: Iterable[Bench]) -> str:
    """How many of the radios are simulated: "all", "some", "none", or "unknown" of all."""
    kinds = {bench.simulated for bench in benches}
    if not kinds or kinds == {None}:
        return "unknown"
    return "all" if kinds == {True} else "some" if True in kinds else "none"


def _row(
    name: str, unit: str, lines: Sequence[Line], columns: Sequence[str], benches: Mapping[str, Bench]
) -> Row:
    cells = []
    for column in columns or [""]:
        mine = [line for line in lines if not column or line["rig"] == column]
        values = [value for line in mine if (value := value_of(line)) is not None]
        broken = any(
            limit.broken(line)
            for line in mine
            if line["figure"]
            for limit in benches[line["rig"]].limits
            if limit.concerns(line)
        )
        if values:
            low, high = amount(min(values), unit), amount(max(values), unit)
            cells.append((low if low == high else f"{low} to {high}", len(mine), broken))
        else:
            lost = any(line["values"] for line in mine)
            cells.append(("all lost" if lost else "none" if mine else "", len(mine), broken))
    return Row(name, unit, cells)


def _held_up(lines: Iterable[Line], rig: str) -> str:
    """For what share of the time other work held the rig up while it measured; empty where that is not recorded."""
    loads = [line["load"] for line in lines if line["rig"] == rig and line["load"]]
    lasted = sum(load["lasted"] for load in loads)
    held_up = min(lasted, sum(load["held_up"] for load in loads))
    return share(round(1000 * held_up), round(1000 * lasted)) if lasted else ""
