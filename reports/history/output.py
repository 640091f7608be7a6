"""A history in words and as pages: the runs, what changed, one case, one figure.

Strategy: text for a terminal and pages for a browser are made of the same rows. A page is made for what was asked
for only: a history of a million results has pages by the thousand, and nobody reads them all.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from reports.history.changes import MISSING, Step, available, steps
from reports.history.trends import Point, Run, Value, changed, figures, first_bad, flake, runs, series
from reports.html.environment import page
from reports.view import SIGNS, STATES

_CHART: Final = (720, 200)


def runs_in_words(history: sqlite3.Connection, rig: str | None = None) -> Iterator[str]:
    """One line a run: number, time, id, suite, lab, counts of states."""
    counts: dict[int, Counter[str]] = {}
    asked = "SELECT run, state, count(*) FROM results JOIN names ON rig = id WHERE ? IN ('', text) GROUP BY run, state"
    for run, state, count in history.execute(asked, (rig or "",)):
        counts.setdefault(run, Counter())[STATES[state]] = count
    for place, run in enumerate(runs(history), 1):
        found = counts.get(run.number, Counter())
        tally = "  ".join(f"{SIGNS[name]}{found[name]}" for name in STATES if found[name])
        notes = "".join(
            [" (interrupted)" * (not run.whole), f" (chosen by {run.chosen})" if run.chosen else ""]
        )
        yield f"{place:>3}  {run.started}  {run.run_id}{notes}  {run.suite}  {run.lab}  {tally}".rstrip()


def cells(points: Sequence[Point], every: Sequence[Run]) -> str:
    """One sign a run; a dot where the case has no result."""
    by_run = {point.run.number: SIGNS[point.state] for point in points}
    return "".join(by_run.get(run.number, "·") for run in every)


def about_case(points: list[Point]) -> list[str]:
    """What there is to say of a case: since when it is bad, whether it is flaky."""
    said = []
    bad = first_bad(points)
    if bad is not None:
        good, first = bad
        said.append(f"bad since {first.run.started} ({first.run.run_id}): {first.breach}")
        if good is None:
            said.append("no run before it was good")
        else:
            said.append(f"last good: {good.run.started} ({good.run.run_id})")
            suite, dut = good.run.suite != first.run.suite, good.dut != first.dut
            said.append(
                f"between them: suite {_from(good.run.suite, first.run.suite)}; DUT {_from(good.dut, first.dut)}"
            )
            blame = {
                (True, True): "suite and node changed",
                (True, False): "the suite changed, the node did not",
            }
            blame |= {
                (False, True): "the node changed, the suite did not",
                (False, False): "neither changed: flaky, or the rig",
            }
            said.append(blame[suite, dut])
    odd = flake(points)
    if odd is not None:
        rate = odd.rate
        said.append(
            f"flaky: {odd.odd} of {odd.trials} runs with one suite, seed and DUT had another verdict "
            f"({rate.value:.0%}, {rate.low:.0%} to {rate.high:.0%})"
        )
    return said


def _from(before: str, after: str) -> str:
    return f"{before} -> {after}" if before != after else f"{after or 'unknown'}, the same"


def about_figure(values: list[Value]) -> tuple[list[Value], list[Step], list[str]]:
    """(the runs that have a value, change points of the median, what there is to say)."""
    there = [value for value in values if value.p50 is not None]
    medians = [value.p50 for value in there if value.p50 is not None]
    found = steps(medians)
    said = [
        f"changed {step.relative:+.1%} at {there[step.at].run.started} ({there[step.at].run.run_id}, "
        f"{there[step.at].dut}): {step.before:.4g} -> {step.after:.4g}"
        for step in found
    ]
    if not available():
        said.append(MISSING)
    return there, found, said


def show(
    history: sqlite3.Connection, case: str | None, figure: str | None, rig: str | None, *, every: bool
) -> Iterator[str]:
    """The lines of `history show`."""
    yield from runs_in_words(history, rig)
    all_runs = runs(history)
    for on, name, points in _asked(history, case, figure, rig, every=every):
        if case or every or changed(points):
            yield f"{cells(points, all_runs)}  {on}  {name}"
            if case or changed(points):
                yield from (f"    {row}" for row in about_case(points))
    if figure is None and case:
        return
    for on, name, what, values in figures(history, figure or "*", rig):
        there, _, said = about_figure(values)
        if figure or every or (said and available()):
            yield f"{on}  {name}  {what}: " + " ".join(f"{value.p50:.4g}" for value in there)
            yield from (f"    {row}" for row in said)


def _asked(
    history: sqlite3.Connection, case: str | None, figure: str | None, rig: str | None, *, every: bool = False
) -> Iterator[tuple[str, str, list[Point]]]:
    if figure is None:
        yield from series(history, case or "*", rig, changed_only=not case and not every)


def pages(
    history: sqlite3.Connection, case: str | None, figure: str | None, rig: str | None
) -> Iterator[tuple[str, str]]:
    """(file name, page): an index, and a trend page for each case and figure asked for (else: those that changed)."""
    all_runs = runs(history)
    links: list[tuple[str, str, str]] = []
    for on, name, points in _asked(history, case, figure, rig):
        if case or changed(points):
            file = f"case-{len(links)}-{_plain(on, name)}.html"
            links.append((file, f"{on}: {name}", cells(points, all_runs)))
            yield (
                file,
                page(
                    "trend.html.j2",
                    f"{name} on {on}",
                    said=about_case(points),
                    points=points,
                    chart=None,
                    values=(),
                ),
            )
    for on, name, what, values in figures(history, figure or "*", rig) if not case or figure else ():
        there, found, said = about_figure(values)
        if there and (figure or found):
            file = f"figure-{len(links)}-{_plain(on, what)}.html"
            links.append((file, f"{on}: {name}: {what}", "; ".join(said)))
            chart = _chart(there, found)
            yield (
                file,
                page(
                    "trend.html.j2",
                    f"{what} of {name} on {on}",
                    said=said,
                    points=(),
                    chart=chart,
                    values=there,
                ),
            )
    rows = list(runs_in_words(history, rig))
    yield "index.html", page("history.html.j2", "Keyhole history", links=links, rows=rows)


def _plain(*names: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(names)).strip("-.")[:80]


def _chart(values: Sequence[Value], found: Sequence[Step]) -> Mapping[str, Any]:
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


def write(folder: Path, made: Iterator[tuple[str, str]], put: Any) -> list[Path]:
    """Write pages into `folder` by `put(path, text)`, and return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in made:
        put(folder / name, text)
        written.append(folder / name)
    return written
