"""Measurements of two records: which figures changed, by how much, and which changes are worse.

Strategy: a measurement is the same one when case, rig, name, unit and parameters are. Of many values the whole (by
ranks) and the quantiles p50, p95, p99 are compared, each where there are enough values for it; of lost and answered
ones the share; of a figure of which only the interval is known, the interval. All tests of a comparison share one
false discovery rate. A change is a regression when it is no chance, at least as large as `least`, and in the
direction that is worse.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from reports.record import Record
from reports.statistics.comparison import (
    discoveries,
    estimate_change,
    mann_whitney,
    quantile_change,
    share_change,
)
from reports.statistics.distribution import quantile, values_for
from reports.statistics.probability import Estimate
from reports.view import natural

#: Values on each side that a test of ranks or of a quantile takes at least.
FEWEST: Final = 20
QUANTILES: Final = (0.5, 0.95, 0.99)
_LESS_IS_WORSE: Final = ("goodput", "throughput", "rate", "delivered")
_MORE_IS_WORSE: Final = ("s", "ms", "us", "ns")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one measurement: `change` is after - before, `chance` the p-value of no change."""

    case: str
    rig: str
    name: str
    unit: str
    parameters: str
    what: str
    before: float
    after: float
    change: Estimate
    chance: float
    #: 1: more is worse, -1: less is worse, 0: neither is.
    direction: int
    real: bool = False

    @property
    def relative(self) -> float:
        """The change as a share of what was before; infinite from nothing."""
        return (
            self.change.value / abs(self.before)
            if self.before
            else math.copysign(math.inf, self.change.value)
        )

    def __str__(self) -> str:
        about = f"{self.case}{f' ({self.parameters})' if self.parameters else ''}"
        share = f", {self.relative:+.1%}" if math.isfinite(self.relative) else ""
        return (
            f"{self.rig}  {about}  {self.name}, {self.what}: {self.before:.4g} -> {self.after:.4g} {self.unit}"
            f" ({self.change.low:+.3g} to {self.change.high:+.3g}{share}; p {self.chance:.2g})"
        )


@dataclass(slots=True)
class Figures:
    """What became of the measurements of two records."""

    worse: list[Cell] = field(default_factory=list)
    better: list[Cell] = field(default_factory=list)
    changed: list[Cell] = field(default_factory=list)
    #: Tests that were made, measurements of which nothing could be said, and those on one side only.
    tested: int = 0
    untested: int = 0
    gone: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)


def figures(
    before: Record,
    after: Record,
    match: Mapping[str, str] | None = None,
    *,
    least: float = 0.05,
    seed: int = 0,
) -> Figures:
    """Compare what was measured. `least`: the smallest relative change that matters; `seed`: of the bootstrap."""
    old, new = _lines(before, match or {}), _lines(after, {})
    random = Random(seed)
    found, cells = Figures(), []
    for key in sorted(old.keys() & new.keys(), key=lambda k: natural(" ".join(k))):
        tests = list(_tests(key, old[key], new[key], random))
        cells += tests
        found.untested += not tests
    found.gone = [" ".join(key) for key in sorted(old.keys() - new.keys())]
    found.added = [" ".join(key) for key in sorted(new.keys() - old.keys())]
    found.tested = len(cells)
    for cell, real in zip(cells, discoveries([cell.chance for cell in cells]), strict=True):
        if not real or abs(cell.relative) < least:
            continue
        said = replace(cell, real=True)
        if cell.direction == 0:
            found.changed.append(said)
        elif (cell.change.value > 0) == (cell.direction > 0):
            found.worse.append(said)
        else:
            found.better.append(said)
    return found


Key = tuple[str, str, str, str, str]


def _lines(record: Record, match: Mapping[str, str]) -> dict[Key, Mapping[str, Any]]:
    found: dict[Key, Mapping[str, Any]] = {}
    for line in record.measurements:
        rig = match.get(line["rig"], line["rig"])
        parameters = json.dumps(line["parameters"], sort_keys=True, ensure_ascii=False)
        found[line["case"], rig, line["name"], line["unit"], parameters.strip("{}")] = line
    return found


def direction_of(name: str, unit: str) -> int:
    """Which way is worse: 1 up, -1 down, 0 nobody says."""
    words = name.lower()
    if any(word in words for word in _LESS_IS_WORSE) or unit.endswith("/s"):
        return -1
    if unit in _MORE_IS_WORSE or ("loss" in words and unit == "share"):
        return 1
    return 0


def _tests(key: Key, was: Mapping[str, Any], now: Mapping[str, Any], random: Random) -> Iterator[Cell]:
    case, rig, name, unit, parameters = key
    direction = direction_of(name, unit)

    def cell(what: str, before: float, after: float, change: Estimate, chance: float, way: int) -> Cell:
        return Cell(case, rig, name, unit, parameters, what, before, after, change, chance, way)

    old, new = _values(was), _values(now)
    lost = [
        (len(line["values"]) - len(values), len(line["values"])) for line, values in ((was, old), (now, new))
    ]
    if all(total >= FEWEST for _, total in lost) and any(gone for gone, _ in lost):
        change, chance = share_change(lost[0], lost[1])
        yield cell("loss (share)", lost[0][0] / lost[0][1], lost[1][0] / lost[1][1], change, chance, 1)
    if min(len(old), len(new)) >= FEWEST:
        middle, _ = quantile_change(old, new, 0.5, random)
        _, chance = mann_whitney(old, new)
        yield cell("shift", quantile(old, 0.5), quantile(new, 0.5), middle, chance, direction)
        for q in QUANTILES:
            if min(len(old), len(new)) >= values_for(q):
                change, chance = quantile_change(old, new, q, random)
                yield cell(f"p{q * 100:.0f}", quantile(old, q), quantile(new, q), change, chance, direction)
        return
    yield from _of_figures(was.get("figure"), now.get("figure"), unit, direction, cell)


def _of_figures(was: Any, now: Any, unit: str, direction: int, cell: Any) -> Iterator[Cell]:
    """Of measurements with few values: what the record says they come to."""
    if not was or not now:
        return
    counts = [(round(one["value"] * one.get("n", 0)), one.get("n", 0)) for one in (was, now)]
    if unit == "share" and all(n >= FEWEST and 0 <= x <= n for x, n in counts):
        change, chance = share_change(counts[0], counts[1])
        yield cell("share", was["value"], now["value"], change, chance, direction)
        return
    ends = [(one.get("low"), one.get("high")) for one in (was, now)]
    if all(isinstance(end, (int, float)) for pair in ends for end in pair):
        one, other = (Estimate(figure["value"], figure["low"], figure["high"]) for figure in (was, now))
        change, chance = estimate_change(one, other)
        yield cell(now.get("what") or "figure", one.value, other.value, change, chance, direction)


def _values(line: Mapping[str, Any]) -> list[float]:
    return [float(value) for value in line["values"] if value is not None]
