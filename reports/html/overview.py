"""What stands above the figures: is the radio real, what came out on each rig, what stands out, which limits hold.

Strategy: whoever reads figures asks first what they are worth, and which of hundreds matters. So the benches come
first, then one row a figure with the range of it on each rig, then the findings of the cases that measured. A range
is of equal things: of a figure that was measured at several sizes, or both ways, each has a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reports.bench import Bench, radios
from reports.causes import Cause
from reports.coverage import share
from reports.statistics import quantile
from reports.statistics.units import amount
from reports.view import View, natural

Line = Mapping[str, Any]

#: Rigs that have a column of their own; of more the range is over all of them.
COLUMNS: Final = 8
#: Parameters of which each value has a row, and how it is said.
_APART: Final = {
    "direction": "{}",
    "size": "{} octets",
    "octets": "{} octets",
    "burst": "{} at once",
    "set": "set to {}",
    "interval": "at a connection interval of {} ms",
}
#: Values of one such parameter that have a row each; of more, numbers from one power of two to the next share a row.
_ROWS: Final = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: on each rig the range of what its cases came to, and of how many measurements.

    `of`: with which parameters, in words; empty where they are of no account.
    """

    name: str
    of: str
    unit: str
    cells: list[tuple[str, int, bool]]


def value_of(line: Line) -> float | None:
    """What a measurement comes to: its figure, else the median of its values; None where it has none."""
    if line["figure"]:
        return float(line["figure"]["value"])
    values = [float(value) for value in line["values"] if value is not None]
    return quantile(values, 0.5) if values else None


def _come_to(line: Line) -> list[float]:
    """What a measurement adds to the range of its row. Sizes that were found have no middle: each of them counts."""
    if not line["figure"] and line["unit"] == "B" and "size" in line["name"].split():
        return [float(value) for value in line["values"] if value is not None]
    value = value_of(line)
    return [] if value is None else [value]


def overview(
    page: View,
    groups: Sequence[tuple[str, str, Sequence[Line]]],
    benches: Mapping[str, Bench],
    found: Sequence[Cause],
) -> dict[str, Any]:
    """The context of this part. `groups`: (name, unit, lines) of each figure; `found`: the causes of the run."""
    names = [rig.name for rig in page.rigs]
    columns = names if len(names) <= COLUMNS else []
    rows = [
        _row(name, of, unit, mine, columns, benches)
        for name, unit, lines in groups
        for of, mine in apart(lines)
    ]
    measuring = {line["case"] for line in page.record.measurements}
    limits = sum(bool(bench.limits) for bench in benches.values())
    return {
        "columns": columns or ["All rigs"],
        "rows": rows,
        "benches": [(name, benches[name], _held_up(page.record.measurements, name)) for name in names],
        "simulated": radios(benches.values()),
        "limits": limits,
        "telling": [
            cause
            for cause in found
            if cause.shown and measuring.intersection(case.name for case in cause.cases)
        ],
    }


def apart(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """The measurements of one figure by what was measured: (size, direction, ... in words, the lines), in order."""
    values: dict[str, set[Any]] = {}
    for line in lines:
        for key in _APART.keys() & line["parameters"].keys():
            values.setdefault(key, set()).add(str(line["parameters"][key]))
    found: dict[str, list[Line]] = {}
    for line in lines:
        told = [
            words.format(_spoken(line["parameters"][key], many=len(values[key]) > _ROWS))
            for key, words in _APART.items()
            if key in line["parameters"]
        ]
        found.setdefault(", ".join(told), []).append(line)
    return sorted(found.items(), key=lambda item: natural(item[0]))


def _spoken(value: Any, *, many: bool) -> str:
    """A value of a parameter in words; a number as a range of those that are like it, where there are many."""
    if many and isinstance(value, (int, float)) and value >= 1:
        low = 1 << (int(value).bit_length() - 1)
        return f"{low} to {2 * low - 1}" if low > 1 else "1"
    return str(value).replace("-the-dut", " the DUT")


def _row(
    name: str,
    of: str,
    unit: str,
    lines: Sequence[Line],
    columns: Sequence[str],
    benches: Mapping[str, Bench],
) -> Row:
    cells = []
    for column in columns or [""]:
        mine = [line for line in lines if not column or line["rig"] == column]
        values = [value for line in mine for value in _come_to(line)]
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
    return Row(name, of, unit, cells)


def _held_up(lines: Iterable[Line], rig: str) -> str:
    """For what share of the time other work held the rig up while it measured; empty where that is not recorded."""
    loads = [line["load"] for line in lines if line["rig"] == rig and line["load"]]
    lasted = sum(load["lasted"] for load in loads)
    held_up = min(lasted, sum(load["held_up"] for load in loads))
    return share(round(1000 * held_up), round(1000 * lasted)) if lasted else ""
