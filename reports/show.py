"""A run on a terminal: what went wrong by cause, or results in full.

Strategy: a run of four rigs has four hundred results that went wrong, of some forty causes, and a reader wants the
causes: what no profile declares with its proof, what is known in a few lines, advice in one. What he then asks for
(`--case`, `--all`) is printed whole. A name that fits nothing is a mistake of his, and is told with the nearest one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from reports.causes import KINDS, Cause
from reports.compact import whole
from reports.coverage import explained
from reports.frames import Frame, frame_of
from reports.pools import on_rig
from reports.proof import link_of, sent_words, without_frame
from reports.record import GOOD, REASONS, RecordError, state
from reports.sections import fits, folded, nearest
from reports.severity import place_of, worst_effect
from reports.statistics.units import amount
from reports.text import in_general, indented, one_line
from reports.verdict import plural, verdict
from reports.view import (
    SIGNS,
    STATES,
    Case,
    Rig,
    View,
    known_of,
    natural,
    requirement,
    several,
    unconfirmed_of,
)

#: What is shown where nobody asks for states: all but what is green and untried. `advice` stands beside a green result.
WRONG: Final = ("fail", "error", "unconfirmed", "known", "inconclusive")
_INDENT: Final = " " * 17
#: Cases of one cause that are named.
_NAMED: Final = 4
#: Findings of one result that are told one by one.
_FINDINGS: Final = 6
#: Causes that are shown with their proof.
_NEWS: Final = ("fail", "error", "unconfirmed")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asks for: states, a rig (or a pool, or a rig of one), a part or a glob of case ids, all in full."""

    states: tuple[str, ...] = ()
    rig: str | None = None
    case: str = ""
    every: bool = False

    def of(self, rig: Rig, result: Mapping[str, Any]) -> bool:
        """Whether a result is of the rig that is asked for."""
        return self.rig in (None, rig.name, result["rig"])


def lines(page: View, asked: Asked) -> Iterator[str]:
    """What `show` prints. Raises `RecordError` for a rig or a case that the record has not."""
    _check(page, asked)
    if asked.case or asked.every:
        yield from _results(page, asked)
        return
    shown = list(_causes(page, asked))
    heading = ""
    for cause in shown:
        if (told := _heading(cause)) != heading:
            heading = told
            yield told
        yield from _cause(cause)
    for name in asked.states or WRONG:
        if name not in ("fail", "error", "unconfirmed", "known"):
            yield from _untold(page, name, asked)
    counts = Counter(cause.kind for cause in shown)
    told = ", ".join(plural(counts[kind], KINDS[kind]) for kind in KINDS if counts[kind])
    totals = Counter(state(result) for _, _, result in _asked(page, asked))
    wrong = "all that went wrong in full: --all, " if any(totals[name] for name in WRONG) else ""
    yield f"{told or 'nothing of that kind'}; {wrong}one case in full: --case ID"
    states = ", ".join(f"{SIGNS[name]} {totals[name]} {name}" for name in STATES if totals[name])
    yield f"{totals.total()} results: {states or 'none'}" + (" (interrupted run)" * page.record.interrupted)


def _check(page: View, asked: Asked) -> None:
    rigs = [name for rig in page.rigs for name in (rig.name, *rig.members)]
    cases = [case.name for section in page.sections for case in section.cases]
    for what, name, there, known in (
        ("rig", asked.rig, rigs, asked.rig in rigs),
        ("case", asked.case, cases, any(_means(asked.case, one) for one in cases)),
    ):
        if name and not known:
            raise RecordError(
                f"{page.record.path}: no {what} {name!r}; there is {nearest(name, sorted(there, key=natural))}"
            )


def _means(asked: str, case: str) -> bool:
    """Whether a case is asked for, by a part of its id or by a glob of it."""
    return asked in case or fits(case, asked)


def _asked(page: View, asked: Asked) -> Iterator[tuple[Rig, Case, Mapping[str, Any]]]:
    """The results of the rig that is asked for, in the order of cases."""
    for section in page.sections:
        for case in section.cases:
            for rig in page.rigs:
                result = case.results.get(rig.name)
                if result is not None and asked.of(rig, result):
                    yield rig, case, result


# -- by cause


def _causes(page: View, asked: Asked) -> Iterator[Cause]:
    """The causes that are asked for, each with what one rig shows of it where a rig is named."""
    green = not asked.states or {*GOOD} & {*asked.states}
    kinds = {*(asked.states or WRONG), *(["advice"] if green else [])}
    for cause in verdict(page).causes:
        if cause.kind not in kinds:
            continue
        mine = [one for one in cause.shown if asked.of(one[0], one[2])]
        if mine:
            yield cause if asked.rig is None else replace(cause, shown=mine)


def _heading(cause: Cause) -> str:
    """What causes beneath it have in common: their kind, and what they do."""
    if cause.effect is None or cause.kind == "advice":
        return f"{KINDS[cause.kind]}"
    return f"{KINDS[cause.kind]}, {cause.severity} ({cause.effect.name}): {cause.notice}"


def _cause(cause: Cause) -> Iterator[str]:
    sign = SIGNS["pass" if cause.kind == "advice" else cause.kind]
    cases = folded([case.name for case in cause.cases], _NAMED)
    yield f"  {sign} {one_line(cause.sentence)}"
    yield f"    on {several(cause.rigs)}, {plural(len(cause.cases), 'case')}: {cases}"
    for told in cause.follows:
        yield f"    {told}"
    sample = cause.example() if cause.kind != "advice" else None
    if sample is None:
        return
    rig, case, result = sample
    if cause.kind not in _NEWS:
        yield f"    in full: --case '{one_line(case.name)}' --rig {one_line(rig.name)}"
        return
    for name in cause.demanded():
        yield f"    Requirement  {_demand(name)}"
    yield f"    For example  {one_line(case.name)} on {one_line(on_rig(rig, result))}"
    yield from _exchange(result, rig)


def _untold(page: View, wanted: str, asked: Asked) -> Iterator[str]:
    """Results without findings: what they say, and how many cases say it."""
    found: dict[tuple[str, str], list[str]] = {}
    for rig, case, result in _asked(page, asked):
        if state(result) != wanted:
            continue
        reason = REASONS.get(result["reason"], "") if wanted == "unsupported" else ""
        message = (
            explained(in_general(str(result["message"]))) if wanted in ("unsupported", "inconclusive") else ""
        )
        said = ": ".join(filter(None, (reason, message)))
        found.setdefault((rig.name, said), []).append(case.name)
    for (name, said), names in sorted(found.items(), key=lambda one: -len(one[1])):
        about = f": {one_line(said)}" if said else ""
        yield f"{wanted} on {one_line(name)}{about}"
        yield f"  {SIGNS[wanted]} {plural(len(names), 'case')}: {folded(names, _NAMED)}"


# -- in full


def _results(page: View, asked: Asked) -> Iterator[str]:
    wanted = asked.states or (STATES if asked.case else WRONG)
    noticed: dict[tuple[str, str], str] = {}  # what the page says, of the gravest cause that a result shows
    for cause in sorted(verdict(page).causes, key=lambda cause: cause.rank):
        for on, case, _ in cause.shown:
            noticed.setdefault((on.name, case.name), cause.notice)
    shown = [
        (STATES.index(found), place_of(worst_effect(line["findings"])), rig, case, line)
        for rig, case, line in _asked(page, asked)
        if _means(asked.case, case.name) and (found := state(line)) in wanted
    ]
    for place, _, rig, case, line in sorted(shown, key=lambda one: one[:2]):  # of a kind as they stand
        yield from _result(whole(line), rig, case, STATES[place], noticed.get((rig.name, case.name), ""))
        for measured in page.record.measurements if asked.case else ():
            if (measured["case"], measured["rig"]) == (case.name, rig.name):
                yield f"    Measured     {_measured(measured)}"
    yield f"{len(shown)} of {len(page.record.results)} results" + (
        " (interrupted run)" * page.record.interrupted
    )


def _result(line: Mapping[str, Any], rig: Rig, case: Case, found: str, noticed: str = "") -> Iterator[str]:
    effect = worst_effect(line["findings"])
    words = f"{found} {effect.severity}" if effect else found
    yield f"{SIGNS[found]} {words:<21} {on_rig(rig, line)}  {case.name}"
    for label, deviations in (("Known as", known_of(line)), ("Unconfirmed", unconfirmed_of(line))):
        for name in deviations:
            why = rig.deviations.get(name, {}).get("why", "")
            said = f": {indented(why.strip(), _INDENT)}" if why else ""
            yield f"    {label:<12} {one_line(name)}{said}"
    if effect:
        yield f"    A user sees  {noticed or effect.notice}"
    broken = list(dict.fromkeys(one["requirement"] for one in line["findings"]))
    tried = [name for name in line["requirements"] if name not in broken]
    for name in broken or tried:
        yield f"    Requirement  {_demand(name)}"
    if broken and tried:
        yield f"    Tried, too   {', '.join(map(one_line, tried))}"
    yield from _exchange(line, rig)


def _demand(name: str) -> str:
    row = requirement(name)
    return one_line(name) + (f" ({row.level}, {row.title}): {row.text}" if row else "")


def _exchange(line: Mapping[str, Any], rig: Rig) -> Iterator[str]:
    """What was sent, had to come and came, the frame, and where the rest is."""
    for label, text in (
        ("Stimulus", sent_words(line)),
        ("Expected", line["expected"]),
        ("Actual", line["actual"]),
    ):
        if text:
            yield f"    {label:<12} {indented(text, _INDENT)}"
    more = Counter(f"{one['code']} ({one['requirement']})" for one in line["findings"][1:])
    if more:
        few = [f"{count} x {what}" if count > 1 else what for what, count in more.most_common(_FINDINGS)]
        rest = f" and {len(more) - _FINDINGS} more" if len(more) > _FINDINGS else ""
        yield f"    And found    {one_line(', '.join(few))}{rest}"
    told = line["expected"] and line["actual"]
    again = told and line["expected"] in line["message"] and line["actual"] in line["message"]
    if line["message"] and not again:
        yield f"    Message      {indented(line['message'], _INDENT)}"
    yield from _frame(frame_of(line, link_of(rig)), line)
    for label, key in (("Evidence", "evidence"), ("Repeat", "repeat")):
        if line[key]:
            yield f"    {label:<12} {indented(line[key], _INDENT)}"


def _frame(frame: Frame | None, line: Mapping[str, Any]) -> Iterator[str]:
    if frame is None:
        if line["findings"]:
            yield f"    Frame        {without_frame(line['findings'][0], line)}"
        return
    yield f"    Frame        {frame.said}"
    octets = "".join(f"[{run}]" if marked else f" {run} " for run, marked in frame.runs).strip()
    if octets:
        yield f"{_INDENT}{octets}"
    for row in filter(lambda row: row.text.strip(), frame.rows):
        yield f"    {'>' if row.wrong else ' '} {one_line(row.text)}".rstrip()


def _measured(line: Mapping[str, Any]) -> str:
    """Name, parameters, figure (without one, the least and the greatest value) and method of a measurement."""
    there = [value for value in line["values"] if value is not None]
    conditions = (line.get("parameters") or {}).items()
    of = ", ".join(f"{key} {value}" for key, value in conditions if value not in ("", []))
    figure = line.get("figure") or {}
    value, low, high = (figure.get(key) for key in ("value", "low", "high"))
    if value is None:
        low, high = (min(there), max(there)) if there else (None, None)
    ends: Sequence[str] = [
        amount(end, line["unit"]) if end is not None else "unbounded" for end in (low, high)
    ]
    said = "" if value is None else f"{figure.get('what') or ''} {amount(value, line['unit'])}, ".lstrip()
    if value is not None:
        said += "no interval, " if (low, high) == (None, None) else f"95 % interval {' to '.join(ends)}, "
    elif there:
        said += f"{' to '.join(dict.fromkeys(ends))}, "
    said += f"{len(there)} of {len(line['values'])} values"
    if (n := figure.get("n", len(there))) != len(there):
        said += f", of n = {n}"
    said += "".join(f"; {name}: {line[name]}" for name in ("method", "medium") if line.get(name))
    return one_line(f"{line['name']}{f' ({of})' if of else ''}: {said}")
