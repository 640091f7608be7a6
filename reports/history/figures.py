"""A figure over the runs of a history: its change points, and what there is to say of them.

Strategy: the medians of the runs are the series; a change is told with the levels before and behind (`changes.Step`).
What may be on its way back is told as well, for a level counts from its third run on only. Of many figures that
changed at once the largest stand for all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Any, Final

from reports.history.changes import SHORTEST, Step, steps
from reports.history.store import unit_of
from reports.history.trends import Value, figures
from reports.statistics.units import amount
from reports.verdict import plural

_CHART: Final = (720, 200)
#: Of figures that changed at once, how many are named.
_LARGEST: Final = 3
#: Values of a figure in one line.
_VALUES: Final = 20


def about_figure(values: list[Value], unit: str) -> tuple[list[Value], list[Step], list[str]]:
    """(the runs that have a value, change points of the median, what there is to say)."""
    there = [value for value in values if value.p50 is not None]
    medians = [value.p50 for value in there if value.p50 is not None]
    found = steps(medians)
    said = [
        f"changed{_by(step, unit)} at {there[step.at].run.started} ({there[step.at].run.run_id}, "
        f"{there[step.at].dut}): {amount(step.before, unit)} -> {amount(step.after, unit)}"
        for step in found
    ]
    if found and (back := _back(medians, found[-1])):
        since = there[-back]
        said.append(
            f"then {amount(since.p50 or 0.0, unit)} again at {since.run.started} ({since.run.run_id}, {since.dut}): "
            "a level counts from its third run on"
        )
    return there, found, said


def _by(step: Step, unit: str) -> str:
    """By how much a figure changed: a share in points, for it has a whole of its own; nothing has no percentage."""
    if unit == "share":
        return f" {100 * (step.after - step.before):+.3g} points"
    return f" {step.relative:+.1%}" if step.before else ""


def _back(values: Sequence[float], step: Step) -> int:
    """How many of the last runs, too few to be a level, are nearer to what was before the last change."""
    last = takewhile(lambda value: abs(value - step.before) < abs(value - step.after), reversed(values))
    count = len(list(last))
    return count if count < SHORTEST else 0


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure over the runs that have it, with its change points and what there is to say."""

    rig: str
    case: str
    name: str
    there: list[Value]
    found: list[Step]
    said: list[str]

    @property
    def unit(self) -> str:
        return unit_of(self.name)


def measured_in(
    history: sqlite3.Connection, case: str | None, figure: str | None, rig: str | None
) -> Iterator[Measured]:
    """The figures that are asked for, with what there is to say."""
    for on, name, what, values in figures(history, figure or "*", rig) if figure or not case else ():
        yield Measured(on, name, what, *about_figure(values, unit_of(what)))


def moved(figures: Iterable[Measured]) -> Iterator[str]:
    """Figures that changed, a line for each rig and run with how many did and the largest changes, newest first."""
    since: dict[tuple[str, str, str, str], list[tuple[Step, Measured]]] = {}
    for one in figures:
        for step in one.found:
            at = one.there[step.at]
            since.setdefault((at.run.started, at.run.run_id, one.rig, at.dut), []).append((step, one))
    for (started, run_id, rig, dut), changes in sorted(since.items(), key=lambda one: one[0], reverse=True):
        largest = sorted(changes, key=lambda pair: -abs(pair[0].relative))[:_LARGEST]
        words = "; ".join(
            f"{one.case} {one.name}{_by(step, one.unit)} ({amount(step.before, one.unit)} -> "
            f"{amount(step.after, one.unit)})"
            for step, one in largest
        )
        head = f"changed at {started} ({run_id}), {rig}, DUT {dut}: {plural(len(changes), 'figure')}"
        yield f"{head}, the largest: {words}; --figure PART lists them"


def in_runs(values: Sequence[str]) -> str:
    """Values in their order, equal ones that follow each other once with a count; of many the last ones."""
    groups = [(value, len(list(group))) for value, group in groupby(values)]
    left = sum(count for _, count in groups[:-_VALUES])
    told = ", ".join(f"{value} x {count}" if count > 1 else value for value, count in groups[-_VALUES:])
    return (f"({left} before) " if left else "") + told


def chart_of(values: Sequence[Value], found: Sequence[Step]) -> Mapping[str, Any]:
    """Places of p50 and p95 over the runs, with a line at each change."""
    width, height = _CHART
    most = max([*(value.p95 or 0.0 for value in values), *(value.p50 or 0.0 for value in values)]) or 1.0

    def at(place: int, value: float | None) -> tuple[int, int]:
        x = 10 + round((width - 20) * place / max(1, len(values) - 1))
        return x, height - 10 - round((height - 20) * max(0.0, value or 0.0) / most)

    lines = {
        name: [at(place, getattr(value, name)) for place, value in enumerate(values)]
        for name in ("p50", "p95")
    }
    return {
        "width": width,
        "height": height,
        "most": most,
        "lines": {name: " ".join(f"{x},{y}" for x, y in points) for name, points in lines.items()},
        "changes": [at(step.at, None)[0] for step in found],
    }
