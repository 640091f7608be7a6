"""A history in words and as pages: the runs, what changed, one case, one figure.

Strategy: text for a terminal and pages for a browser are made of the same rows. A page is made for what was asked
for only: a history of a million results has pages by the thousand, and nobody reads them all.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from reports.files import made_folder
from reports.history.figures import about_figure, chart_of, in_runs, measured_in, moved
from reports.history.store import unit_of
from reports.history.trends import (
    TOLD,
    Point,
    Run,
    always_bad,
    changed,
    ended_bad,
    figures,
    first_bad,
    flakes,
    newly_declared,
    once,
    runs,
    series,
    untold,
)
from reports.html.environment import page
from reports.sections import folded
from reports.severity import effect_of, place_of
from reports.statistics.units import amount
from reports.verdict import plural
from reports.view import SIGNS, STATES
from vectors.catalogue import CATALOGUE

#: Cases that are named of those that broke at once, and lines of what is good again.
_NAMED: Final = 5
_MENDED: Final = 10
#: Figures that changed beyond which they are told by rig and run.
_FIGURES: Final = 6
#: Inputs and DUTs with which a case is flaky that are told, the latest ones.
_FLAKES: Final = 3
LEGEND: Final = ", ".join(f"{SIGNS[name]} {name}" for name in STATES) + ", · no result"
#: DUTs of one run that are named in the list of runs.
_DUTS: Final = 4
#: Rig, case, points in order of time.
Case = tuple[str, str, list[Point]]
#: Case, the last run that was good, the first bad one.
_Break = tuple[str, Point, Point]


def runs_in_words(history: sqlite3.Connection, rig: str | None = None) -> Iterator[str]:
    """One line a run: number, time, id, suite, lab, counts of states, the DUTs with their versions."""
    duts: dict[int, dict[str, None]] = {}
    asked = "SELECT run, dut FROM duts JOIN names ON rig = id WHERE ? IN ('', text) ORDER BY run, text"
    for run, dut in history.execute(asked, (rig or "",)):
        duts.setdefault(run, {})[dut or "unnamed"] = None
    counts: dict[int, Counter[str]] = {}
    asked = "SELECT run, state, total FROM counts JOIN names ON rig = id WHERE ? IN ('', text)"
    for run, state, count in history.execute(asked, (rig or "",)):
        counts.setdefault(run, Counter())[STATES[state]] += count
    for place, run in enumerate(runs(history), 1):
        found = counts.get(run.number, Counter())
        tally = "  ".join(f"{SIGNS[name]}{found[name]}" for name in STATES if found[name])
        notes = "".join(
            [" (interrupted)" * (not run.whole), f" (chosen by {run.chosen})" if run.chosen else ""]
        )
        there = list(duts.get(run.number, {}))
        more = f"; and {len(there) - _DUTS} more" if len(there) > _DUTS else ""
        told = f"  DUT: {'; '.join(there[:_DUTS])}{more}" if there else ""
        yield f"{place:>3}  {run.started}  {run.run_id}{notes}  {run.suite}  {run.lab}  {tally}{told}".rstrip()


def cells(points: Sequence[Point], every: Sequence[Run]) -> str:
    """One sign a run; a dot where the case has no result."""
    by_run = {point.run.number: SIGNS[point.state] for point in points}
    return "".join(by_run.get(run.number, "·") for run in every)


def about_case(points: list[Point]) -> list[str]:
    """What there is to say of a case: since when it is bad, whether it is flaky."""
    said = [*_mended(points)]
    if pair := newly_declared(points):
        said.append(_declared(*pair))
    if pair := untold(points):
        said.append(_silent(*pair))
    return [*said, *_broken(points), *_flaky(points)]


def _mended(points: list[Point]) -> Iterator[str]:
    """Each time that it was bad and is not any more."""
    for streak, after in ended_bad(points):
        first, last = streak[0], streak[-1]
        yield (
            f"bad from {first.run.started} ({first.run.run_id}, DUT {first.dut or 'unknown'}) "
            f"in {plural(len(streak), 'run')}: {first.breach}; "
            f"{'declared' if after.state == 'known' else 'good again'} since {_when(after)}; "
            f"DUT {_from(last.dut, after.dut)}; {_blame(last, after)}"
        )


def _declared(fine: Point, newly: Point) -> str:
    """That it was good, and is a known deviation now."""
    return (
        f"newly seen, declared, since {_when(newly)}: {newly.breach}; last good: {_when(fine)}; "
        f"DUT {_from(fine.dut, newly.dut)}; {_blame(fine, newly)}"
    )


def _silent(told: Point, since: Point) -> str:
    """That it told something, and tells nothing now."""
    return (
        f"tells nothing since {_when(since)}: {since.state}, and before {told.state}; "
        f"DUT {_from(told.dut, since.dut)}"
    )


def _broken(points: list[Point]) -> Iterator[str]:
    """Since when it is bad, and what differs from the last run in which it was not."""
    bad = first_bad(points)
    if bad is None:
        return
    good, first = bad
    yield f"bad since {_when(first)}: {first.breach}"
    if always_bad(points):
        yield f"bad in {'all ' * (len(points) > 1)}{plural(len(points), 'run')} that have it"
    elif good is None:
        yield "no run before it was good"
    else:
        yield f"{'declared until' if good.state == 'known' else 'last good:'} {_when(good)}"
        yield f"between them: suite {_from(good.run.suite, first.run.suite)}; DUT {_from(good.dut, first.dut)}"
        yield _blame(good, first)
    if again := once(points):
        yield (
            f"whether it is flaky cannot be told: no other run has suite {again.run.suite}, seed "
            f"{again.run.seed} and DUT {again.dut or 'unknown'} (--seed {again.run.seed} repeats it)"
        )


def _flaky(points: list[Point]) -> Iterator[str]:
    """The inputs with which it had more than one verdict."""
    odd = flakes(points)
    for one in odd[-_FLAKES:]:
        yield (
            f"flaky: {one.odd} of {one.trials} runs with suite {one.suite}, seed {one.seed} and DUT "
            f"{one.dut or 'unknown'} had another verdict "
            f"({one.rate.value:.0%}, {one.rate.low:.0%} to {one.rate.high:.0%})"
        )
    if len(odd) > _FLAKES:
        yield f"flaky with {len(odd) - _FLAKES} more of suite, seed and DUT before"


def _when(point: Point) -> str:
    """When and in which run it was."""
    return f"{point.run.started} ({point.run.run_id})"


def _blame(good: Point, first: Point) -> str:
    """Whose change it can be that lies between the last good run and the first bad one."""
    suite, dut = good.run.suite != first.run.suite, good.dut != first.dut
    if suite and dut:
        return "suite and node changed"
    if suite:
        return "the suite changed, the node did not"
    if dut:
        return "the node changed, the suite did not"
    if good.run.seed != first.run.seed:
        return "neither changed, the seed did: it depends on the octets that are sent, or is flaky"
    return "neither changed: flaky, or the rig"


def broken(cases: Iterable[Case]) -> list[str]:
    """What broke and is bad still: a line for each first bad run, rig and breach, newest first, then gravest."""
    since: dict[tuple[str, int, str], list[_Break]] = {}
    for on, name, points in cases:
        bad = first_bad(points)
        if bad is not None and bad[0] is not None:
            since.setdefault((on, bad[1].run.number, bad[1].breach), []).append((name, bad[0], bad[1]))
    return _breaks(since)


def mended(cases: Iterable[Case]) -> list[str]:
    """What broke and is good again, or declared, with the run and the DUT since which it is; the latest of them."""
    since: dict[tuple[str, int, str, str], list[_Break]] = {}
    for on, name, points in cases:
        ended = ended_bad(points) if first_bad(points) is None else []
        if ended and (good := _before(points, ended[-1][0][0])) is not None:
            (first, *_), after = ended[-1]
            now = "declared" if after.state == "known" else "good again"
            words = f"; {now} since {after.run.started} ({after.run.run_id}), DUT {after.dut or 'unknown'}"
            since.setdefault((on, first.run.number, first.breach, words), []).append((name, good, first))
    told = _breaks(since)
    left = len(told) - _MENDED
    return [*told[:_MENDED], *([f"and {left} more"] if left > 0 else [])]


def _before(points: Sequence[Point], first: Point) -> Point | None:
    """The last run in front of a streak of bad ones that was good or known."""
    told = [point for point in points[: points.index(first)] if point.state in TOLD]
    return told[-1] if told else None


def _breaks(since: Mapping[Any, list[_Break]]) -> list[str]:
    """Lines of what broke. `since`: (rig, number of the first bad run, breach, what else there is to say)."""
    told = []
    for (on, number, breach, *more), found in since.items():
        _, good, first = found[0]
        row, _, code = breach.partition(" ")
        effect = (
            effect_of({"code": code, "requirement": row, "level": ""}) if code and row in CATALOGUE else None
        )
        grave = f"{effect.severity}, {effect.name}: " if effect else ""
        about = f" ({grave}{breach})" if breach else ""
        names = folded((name for name, _, _ in found), _NAMED)
        run = f"{first.run.started} ({first.run.run_id})"
        words = (
            f"{run}, {on}: {plural(len(found), 'case')} broke{about}: {names}; "
            f"DUT {_from(good.dut, first.dut)}; {_blame(good, first)}{''.join(more)}"
        )
        told.append(((run, number), place_of(effect), words))
    told.sort(key=lambda one: one[1:])
    return [words for _, _, words in sorted(told, key=lambda one: one[0], reverse=True)]


def _from(before: str, after: str) -> str:
    return f"{before} -> {after}" if before != after else f"{after or 'unknown'}, the same"


def show(
    history: sqlite3.Connection, case: str | None, figure: str | None, rig: str | None, *, every: bool
) -> Iterator[str]:
    """The lines of `history show`: the runs, what broke when, then case by case and figure by figure."""
    yield "number, begun, run, suite, lab, results"
    yield from runs_in_words(history, rig)
    all_runs, cases = runs(history), list(_asked(history, case, figure, rig, every=every))
    measured = list(measured_in(history, case, figure, rig))
    yield from (f"broke at {row}" for row in broken(cases))
    shown = [one for one in measured if figure or every or one.said]
    folds = not (figure or every) and len(shown) > _FIGURES
    if folds:
        yield from moved(shown)
    if not any(changed(points) for _, _, points in cases) and not case and not figure:
        yield "no case has changed"
    if cases:
        yield f"one sign a run, oldest first: {LEGEND}"
    told: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for on, name, points in sorted(
        cases, key=lambda one: not changed(one[2])
    ):  # what changed in front of what did not
        if case or every or _telling(points):
            rows = tuple(about_case(points)) if case or _telling(points) else ()
            told.setdefault((cells(points, all_runs), on, rows), []).append(name)
    # what happened at once, with the same finding, is told once
    for (signs, on, rows), names in told.items():
        if every or len(names) == 1:
            yield from (f"{signs}  {on}  {name}" for name in names)
        else:
            yield f"{signs}  {on}  {plural(len(names), 'case')}: {folded(names)}"
        yield from (f"    {row}" for row in rows)
    for one in shown if not folds else ():
        medians = [amount(value.p50, one.unit) for value in one.there if value.p50 is not None]
        yield f"{one.rig}  {one.case}  {one.name}: {in_runs(medians)}"
        yield from (f"    {row}" for row in one.said)


def _asked(
    history: sqlite3.Connection, case: str | None, figure: str | None, rig: str | None, *, every: bool = False
) -> Iterator[Case]:
    if figure is None:
        yield from series(history, case or "*", rig, telling_only=not case and not every)


def _telling(points: list[Point]) -> bool:
    """Whether a reader is told of a case that he did not ask for."""
    return changed(points) or always_bad(points)


def pages(
    history: sqlite3.Connection, case: str | None, figure: str | None, rig: str | None
) -> Iterator[tuple[str, str]]:
    """(file name, page): an index, and a page for each case and figure asked for (else: what `_telling` names)."""
    all_runs, cases = runs(history), list(_asked(history, case, figure, rig))
    links: list[tuple[str, str, str]] = []
    same: list[tuple[str, str, str]] = []
    for on, name, points in cases:
        if case or _telling(points):
            file = f"case-{len(links) + len(same)}-{_plain(on, name)}.html"
            where = links if changed(points) else same
            where.append((file, f"{on}: {name}", cells(points, all_runs)))
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
        there, found, said = about_figure(values, unit_of(what))
        if there and (figure or found):
            file = f"figure-{len(links) + len(same)}-{_plain(on, what)}.html"
            links.append((file, f"{on}: {name}: {what}", "; ".join(said)))
            chart = chart_of(there, found)
            yield (
                file,
                page(
                    "trend.html.j2",
                    f"{what} of {name} on {on}",
                    said=said,
                    points=(),
                    chart=chart,
                    values=there,
                    unit=unit_of(what),
                ),
            )
    rows = list(runs_in_words(history, rig))
    yield (
        "index.html",
        page(
            "history.html.j2",
            "Keyhole history",
            broken=broken(cases),
            mended=mended(cases),
            legend=LEGEND,
            links=links,
            same=same,
            rows=rows,
        ),
    )


def _plain(*names: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(names)).strip("-.")[:80]


def write(folder: Path, made: Iterator[tuple[str, str]], put: Any) -> list[Path]:
    """Write pages into `folder` by `put(path, text)`, and return where they are."""
    made_folder(folder, "name another folder with --html")
    written = []
    for name, text in made:
        put(folder / name, text)
        written.append(folder / name)
    return written
