"""What a history knows: the runs in order, how a case or a figure went, since when it is bad, and whether it is flaky.

Strategy: flaky means that one input, on one DUT, had several verdicts: the same suite, seed and DUT version.
Verdicts that differ between seeds or versions are a finding, not a flake. A rate of flakes has its interval, for a
few runs say little.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from reports.record import GOOD, RecordError
from reports.sections import fits, globs, nearest, rig_and_case
from reports.statistics import Estimate, proportion
from reports.view import STATES, natural

BAD: Final = ("fail", "error", "unconfirmed")
#: States in which something is learnt of the DUT.
TOLD: Final = (*GOOD, *BAD, "known")


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the history knows it."""

    number: int
    run_id: str
    started: str
    seed: int
    suite: str
    whole: bool
    chosen: str
    lab: str


@dataclass(frozen=True, slots=True)
class Point:
    """What became of a case on a rig in one run."""

    run: Run
    dut: str
    state: str
    breach: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A breach of a case on a rig, and the last run that had it."""

    run: Run
    rig: str
    case: str
    breach: str


@dataclass(frozen=True, slots=True)
class Value:
    """What a figure was in one run; quantiles are None where all was lost."""

    run: Run
    dut: str
    total: int
    lost: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Flake:
    """How often a case had another verdict than the most frequent one, in `trials` runs of one input on one DUT."""

    suite: str
    seed: int
    dut: str
    odd: int
    trials: int
    rate: Estimate


def runs(history: sqlite3.Connection) -> list[Run]:
    """All runs, oldest first."""
    rows = history.execute(
        "SELECT id, run_id, started, seed, suite, whole, chosen, lab FROM runs ORDER BY started, run_id"
    )
    return [
        Run(number, run_id, started, seed, suite, bool(whole), chosen, lab)
        for number, run_id, started, seed, suite, whole, chosen, lab in rows
    ]


def latest(history: sqlite3.Connection, run_id: str | None = None) -> Run:
    """The run of that id, else the last one. Raises `RecordError` where there is none."""
    every = runs(history)
    if not every:
        raise RecordError("the history has no runs")
    found = [run for run in every if run_id in (None, run.run_id)]
    if not found:
        there = nearest(str(run_id), (run.run_id for run in reversed(every)))
        raise RecordError(f"the history has no run {run_id!r}; there is {there}")
    return found[-1]


def rigs_of(history: sqlite3.Connection) -> list[str]:
    """Every rig that a run had, in order."""
    asked = "SELECT DISTINCT text FROM duts JOIN names ON rig = id"
    return sorted((text for (text,) in history.execute(asked)), key=natural)


def node_of(history: sqlite3.Connection, rig: str | None) -> str | None:
    """Under which name the history has a rig: its own where that has results, else that of its one pool."""
    if rig in rigs_of(history):
        return rig
    found = [pool for pool, members in pools_of(history).items() if rig in members]
    return found[0] if len(found) == 1 else rig


def pools_of(history: sqlite3.Connection) -> dict[str, set[str]]:
    """Pool -> the rigs that were in it, and those that are joined with it."""
    asked = (
        "SELECT node.text, own.text FROM members JOIN names AS node ON pool = node.id "
        "JOIN names AS own ON rig = own.id"
    )
    found: dict[str, set[str]] = {}
    for pool, rig in history.execute(asked):
        found.setdefault(pool, set()).add(rig)
    return found


def series(
    history: sqlite3.Connection, case: str = "*", rig: str | None = None, *, telling_only: bool = False
) -> Iterator[tuple[str, str, list[Point]]]:
    """(rig, case, points in order of time) of every case that the glob or id names, in order.

    `telling_only`: those that changed, or were bad in every run.
    """
    names = dict(history.execute("SELECT id, text FROM names"))
    known = {run.number: run for run in runs(history)}
    order = {number: place for place, number in enumerate(known)}
    duts = {(run, on): dut for run, on, dut in history.execute("SELECT run, rig, dut FROM duts")}
    pairs = _pairs(history, names, case, telling_only=telling_only)
    wanted = [(on, kase) for on, kase in pairs if rig in (None, names[on])]
    for on, kase in sorted(wanted, key=lambda pair: (natural(names[pair[0]]), natural(names[pair[1]]))):
        asked = "SELECT run, state, breach FROM results WHERE rig = ? AND kase = ?"
        rows = sorted(history.execute(asked, (on, kase)), key=lambda row: order[row[0]])
        points = [
            Point(known[run], duts.get((run, on), ""), STATES[number], names.get(breach, ""))
            for run, number, breach in rows
        ]
        yield names[on], names[kase], points


def _pairs(
    history: sqlite3.Connection, names: dict[int, str], case: str, *, telling_only: bool
) -> list[tuple[int, int]]:
    """(rig, case) of every case that is meant; one that is named is looked up, not searched for."""
    bad = ", ".join(str(STATES.index(name)) for name in BAD)
    having = (
        f" GROUP BY rig, kase HAVING min(state) < max(state) OR min(state) IN ({bad})" if telling_only else ""
    )
    if case == "*":
        return list(history.execute(f"SELECT DISTINCT rig, kase FROM results{having}"))  # noqa: S608 -- our words
    rigs = [rig for (rig,) in history.execute("SELECT DISTINCT rig FROM duts")]
    asked = f"SELECT DISTINCT rig, kase FROM results WHERE rig = ? AND kase = ?{having}"  # noqa: S608 -- our words
    meant = [number for number, text in names.items() if fits(text, case)]
    return [pair for kase in meant for rig in rigs for pair in history.execute(asked, (rig, kase))]


def of_run(history: sqlite3.Connection, run: Run) -> list[tuple[str, str, Point]]:
    """(rig, case, point) of every result of one run."""
    names = dict(history.execute("SELECT id, text FROM names"))
    duts = dict(history.execute("SELECT rig, dut FROM duts WHERE run = ?", (run.number,)))
    rows = history.execute("SELECT rig, kase, state, breach FROM results WHERE run = ?", (run.number,))
    return [
        (names[on], names[kase], Point(run, duts.get(on, ""), STATES[number], names.get(breach, "")))
        for on, kase, number, breach in rows
    ]


def breaches(history: sqlite3.Connection, last: Run) -> list[Seen]:
    """The breaches of a run and of those before it, that of the oldest run first."""
    names = dict(history.execute("SELECT id, text FROM names"))
    known = {run.number: run for run in runs(history)}
    order = {number: place for place, number in enumerate(known)}
    asked = (  # of a group the columns are those of the row that has the greatest
        "SELECT results.rig, kase, breach, run, max(started || ' ' || run_id) FROM results JOIN runs ON run = id "
        "WHERE breach IS NOT NULL AND (started, run_id) <= (?, ?) GROUP BY results.rig, kase, breach"
    )
    rows = sorted(history.execute(asked, (last.started, last.run_id)), key=lambda row: order[row[3]])
    return [Seen(known[run], names[on], names[kase], names[breach]) for on, kase, breach, run, _ in rows]


def owed(history: sqlite3.Connection, run: Run, required: Iterable[str]) -> dict[str, set[str]]:
    """What is required -> the rigs of a run that ever had such a case: these, and no others, owe it."""
    names = dict(history.execute("SELECT id, text FROM names"))
    rigs = [rig for (rig,) in history.execute("SELECT rig FROM duts WHERE run = ?", (run.number,))]
    found: dict[str, set[str]] = {}
    for line in required:
        of_rig, glob = rig_and_case(line)
        meant = [number for number, text in names.items() if fits(text, glob)]
        asked = "SELECT 1 FROM results WHERE rig = ? AND kase = ? LIMIT 1"
        found[line] = {
            names[rig]
            for rig in rigs
            if fits(names[rig], of_rig)
            and any(history.execute(asked, (rig, kase)).fetchone() for kase in meant)
        }
    return found


def figures(
    history: sqlite3.Connection, name: str = "*", rig: str | None = None
) -> Iterator[tuple[str, str, str, list[Value]]]:
    """(rig, case, figure, values in order of time) of every figure whose "case: name" the glob names, in order."""
    names = dict(history.execute("SELECT id, text FROM names"))
    known = {run.number: run for run in runs(history)}
    order = {number: place for place, number in enumerate(known)}
    duts = {(run, on): dut for run, on, dut in history.execute("SELECT run, rig, dut FROM duts")}
    found: dict[tuple[int, int, int], list[tuple[int, Value]]] = defaultdict(list)
    for on, kase, what, run, *numbers in history.execute("SELECT * FROM figures"):
        value = Value(known[run], duts.get((run, on), ""), *numbers)
        found[on, kase, what].append((order[run], value))
    for (on, kase, what), values in sorted(
        found.items(), key=lambda one: [natural(names[key]) for key in one[0]]
    ):
        label = f"{names[kase]}: {names[what]}"
        if rig in (None, names[on]) and meant(label, name):
            yield (
                names[on],
                names[kase],
                names[what],
                [value for _, value in sorted(values, key=lambda pair: pair[0])],
            )


def changed(points: list[Point]) -> bool:
    """Whether a case had several states."""
    return len({point.state for point in points}) > 1


def always_bad(points: list[Point]) -> bool:
    """Whether a case was bad in every run that has it: nothing changed, and it is to be known all the same."""
    return all(point.state in BAD for point in points)


def flakes(points: list[Point]) -> list[Flake]:
    """One for each input (suite and seed) on one DUT that had several verdicts, the oldest first.

    Runs of another input, or of another version of the DUT, are no trials of it, and are not counted in.
    """
    groups: dict[tuple[str, int, str], Counter[str]] = defaultdict(Counter)
    for point in points:
        if point.state != "inconclusive":
            groups[point.run.suite, point.run.seed, point.dut][point.state] += 1
    found = []
    for of, states in groups.items():
        trials = states.total()
        if odd := trials - max(states.values()):
            found.append(Flake(*of, odd, trials, proportion(odd, trials)))
    return found


def once(points: list[Point]) -> Point | None:
    """The last point, where it is the only one of its input and DUT, and not every one of several runs was bad.

    One run tells nothing of how often a case fails. None elsewhere.
    """
    last = points[-1]
    alike = [
        point
        for point in points
        if (point.run.suite, point.run.seed, point.dut) == (last.run.suite, last.run.seed, last.dut)
        and point.state != "inconclusive"
    ]
    return last if len(alike) == 1 and not (len(points) > 1 and always_bad(points)) else None


def ended_bad(points: list[Point]) -> list[tuple[list[Point], Point]]:
    """The streaks of bad runs that have ended, oldest first: (the bad runs, the first one behind them).

    What ends a streak is good, or bad as before and declared (`known`).
    """
    ended: list[tuple[list[Point], Point]] = []
    streak: list[Point] = []
    for point in points:
        if point.state in BAD:
            streak.append(point)
        elif streak and point.state in (*GOOD, "known"):
            ended.append((streak, point))
            streak = []
    return ended


def newly_declared(points: list[Point]) -> tuple[Point, Point] | None:
    """(the last good run, the first known one right behind it), where the case is known up to its last run.

    A failure that is seen for the first time, and that the profile declares. None elsewhere.
    """
    told = [point for point in points if point.state in TOLD]
    known = [place for place, point in enumerate(told) if point.state != "known"]
    start = known[-1] + 1 if known else 0
    if start in (0, len(told)) or told[start - 1].state not in GOOD:
        return None
    return told[start - 1], told[start]


def untold(points: list[Point]) -> tuple[Point, Point] | None:
    """(the last run that told something, the first one behind it); None where the last run of all tells something."""
    told = [place for place, point in enumerate(points) if point.state in TOLD]
    if not told or told[-1] == len(points) - 1:
        return None
    return points[told[-1]], points[told[-1] + 1]


def unknown(history: sqlite3.Connection, case: str | None, rig: str | None, figure: str | None = None) -> str:
    """What a name or a glob that fits nothing in the history should have been, in words; empty where all fit something.

    Cases and figures are those of `rig`, where it is named.
    """
    rigs = rigs_of(history)
    if rig is not None and rig not in rigs:
        return f"no rig {rig!r}; there is {nearest(rig, rigs)}"
    of = f" on {rig}" if rig else ""
    if case is not None:
        asked = "SELECT DISTINCT kase FROM results WHERE ? IN ('', (SELECT text FROM names WHERE id = rig))"
        cases = _texts(history, asked, rig)
        if not any(fits(text, case) for text in cases):
            there = sorted(globs(cases) if "*" in case else cases, key=natural)
            return f"no case {case!r}{of}; there is {nearest(case, there)}"
    if figure is not None:
        asked = (
            "SELECT DISTINCT kase, name FROM figures WHERE ? IN ('', (SELECT text FROM names WHERE id = rig))"
        )
        labels = [label.partition(": ") for label in _texts(history, asked, rig)]
        if not any(meant("".join(label), figure) for label in labels):
            near = {part for kase, _, name in labels for part in (kase, name, name.partition(" (")[0])}
            return (
                f"no figure {figure!r}{of}; there is {nearest(figure.strip('*'), sorted(near, key=natural))}"
            )
    return ""


def _texts(history: sqlite3.Connection, asked: str, rig: str | None) -> list[str]:
    """The names that rows of numbers stand for; of several columns "one: other"."""
    names = dict(history.execute("SELECT id, text FROM names"))
    return [": ".join(names[number] for number in row) for row in history.execute(asked, (rig or "",))]


def meant(label: str, figure: str) -> bool:
    """Whether a figure, "case: name", is one that is asked for: by a part of it, or by a glob."""
    return fits(label, figure) or figure in label


def first_bad(points: list[Point]) -> tuple[Point | None, Point] | None:
    """(the last run before it that was good or known, the first bad one) of the present streak of bad runs.

    None where the last run is not bad. Runs that tell nothing (inconclusive,
    unsupported) neither begin nor end a streak.
    """
    told = [point for point in points if point.state in TOLD]
    if not told or told[-1].state not in BAD:
        return None
    start = len(told) - 1
    while start and told[start - 1].state in BAD:
        start -= 1
    return (told[start - 1] if start else None), told[start]
