"""What the main page shows: verdicts, matrix, causes, what was not tried, and every case.

Strategy: what is not green is shown in full, what is green in one row, so that a run of thousands of results stays
a page of a few megabytes. A long list is cut and says by how much; the record has all of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from reports.beside import effects
from reports.causes import Cause
from reports.coverage import Part, explained
from reports.faults import breaks_a_must, order_of
from reports.html.again import Again
from reports.html.environment import anchor
from reports.pools import described
from reports.record import GREEN, state
from reports.sections import fits
from reports.severity import NOTED, effect_of
from reports.text import in_general
from reports.verdict import Line, Verdict, badness
from reports.view import STATES, Case, Rig, Section, View, known_of, several

#: Findings of one result that are listed, cases of one cause that are named.
FINDINGS: Final = 40
NAMED: Final = 12


def index(page: View, judged: Verdict) -> dict[str, Any]:
    """The context of the template."""
    found = [cause for cause in judged.causes if cause.shown]
    return {
        "page": page,
        "verdict": judged,
        "lines": sorted(judged.lines, key=lambda line: (order_of(line.fit), *badness(line))),
        "causes": found,
        "unseen": [cause for cause in judged.causes if not cause.shown],
        "columns": "Rigs",
        "about": described,
        "answers": [(answer, [line.rig.name for line in lines]) for answer, lines in judged.fit],
        "part_of": part_of((line.rig.name, line) for line in judged.lines),
        "needs": Again(page),
        "places": {rig.name: place for place, rig in enumerate(page.rigs)},
        "breaks_a_must": breaks_a_must,
        "all_effects": effects,
        "where": several,
        "column": "rig",
        "case_at": lambda name: anchor("case", name),
        "cause_at": lambda key: anchor("cause", key),
        "most_causes": len(found),
        "totals": totals(page),
        "named": NAMED,
        "most_findings": FINDINGS,
        "full": _full,
        "plain": _plain,
        "advice_of": advice_of,
        "met": met(page),
        "deviations_of": deviations_of(found),
        "untried": _untried(page),
        "members": _members(page),
        "grouped": grouped(page),
        "calm": calm_in(page),
    }


def met(page: View) -> Callable[[Cause], str]:
    """A function: a deviation that no case shows -> what its cases came out as: "2 pass, 1 known (overflow)"."""
    names = {case.name: case for section in page.sections for case in section.cases}

    def said(cause: Cause) -> str:
        places = [cause.deviation, *(cause.deviation.get("cases") or ())]
        globs = {str(one.get("case") or "") for one in places if isinstance(one, Mapping)} - {""}
        found: Counter[str] = Counter()
        for name, case in names.items():
            if any(fits(name, glob) for glob in globs):
                for rig in cause.unseen:
                    if result := case.results.get(rig.name):
                        known = ", ".join(known_of(result))
                        found[state(result) + (f" ({known})" if known else "")] += 1
        return ", ".join(f"{count} {words}" for words, count in found.most_common())

    return said


def advice_of(result: Mapping[str, Any]) -> str:
    """What a green result has findings of all the same, in words: advice, or what is not charged; empty without."""
    if state(result) not in GREEN or not result["findings"]:
        return ""
    if all(effect_of(finding) is NOTED for finding in result["findings"]):
        return "with a breach that is not charged to the node"
    return "with advice that was not followed"


def _full(result: Mapping[str, Any]) -> bool:
    return state(result) not in GREEN or bool(result["findings"])


def _plain(case: Case, rigs: list[Rig]) -> list[tuple[Rig, Mapping[str, Any]]]:
    """The results of a case that are told in one row."""
    results = [(rig, case.results[rig.name]) for rig in rigs if rig.name in case.results]
    return [(rig, result) for rig, result in results if not _full(result)]


def totals(page: View) -> list[tuple[str, int]]:
    """Results of all rigs by state, worst first."""
    whole: Counter[str] = Counter()
    for rig in page.rigs:
        whole.update(page.counts(rig.name))
    return [(name, whole[name]) for name in STATES if whole[name]]


def deviations_of(found: list[Cause]) -> Callable[[Mapping[str, Any]], list[Cause]]:
    """A function: a result -> the known deviations that it shows."""
    known = {name: cause for cause in found if cause.kind == "known" for name in (cause.name, *cause.parts)}
    return lambda result: list(
        {known[name].key: known[name] for name in known_of(result) if name in known}.values()
    )


def part_of(lines: Iterable[tuple[str, Line]]) -> Callable[[str, str], Part | None]:
    """A function: column, document -> what was tried of it. `lines`: (column, its line)."""
    parts = {(name, part.document): part for name, line in lines for part in line.parts}
    return lambda name, document: parts.get((name, document))


def _untried(page: View) -> dict[str, dict[Any, list[tuple[str, list[Case]]]]]:
    """Rig -> (document, reason), or "inconclusive" -> (what the results say, the cases that say so), most cases first.

    What differs in a number alone is told once, as the first of them says it, and says that there are others.
    """
    untried: dict[str, dict[Any, dict[str, dict[str, list[Case]]]]] = {}
    for section in page.sections:
        for case in section.cases:
            for rig in page.rigs:
                result = case.results.get(rig.name)
                if result is None or (found := state(result)) not in ("unsupported", "inconclusive"):
                    continue
                key = found if found == "inconclusive" else (section.document, result["reason"] or "unsaid")
                said = explained(in_general(str(result["message"])))
                alike = re.sub(r"\d+", "0", said)
                told = untried.setdefault(rig.name, {}).setdefault(key, {}).setdefault(alike, {})
                told.setdefault(said, []).append(case)
    return {
        rig: {
            key: sorted(map(_together, told.values()), key=lambda one: -len(one[1]))
            for key, told in keys.items()
        }
        for rig, keys in untried.items()
    }


def _members(page: View) -> dict[str, list[tuple[str, Counter[str], int]]]:
    """Pool -> its rigs: (name, results by state, how often it was lost), so that one bad board stands out."""
    counts: dict[str, Counter[str]] = {}
    for section in page.sections:
        for case in section.cases:
            for result in case.results.values():
                counts.setdefault(str(result["rig"]), Counter())[state(result)] += 1
    return {
        rig.name: [
            (
                name,
                counts.get(name, Counter()),
                sum((event, of) == ("lost", name) for _, event, of in rig.events),
            )
            for name in rig.members
        ]
        for rig in page.rigs
        if rig.members
    }


def _together(told: Mapping[str, list[Case]]) -> tuple[str, list[Case]]:
    others = " (and others that differ in a number)" if len(told) > 1 else ""
    return next(iter(told)) + others, [case for cases in told.values() for case in cases]


def calm_in(page: View) -> Callable[[Section], bool]:
    """A function: whether all of a section is green on every rig. A print leaves it out."""
    return lambda section: all(
        name in GREEN or not count for rig in page.rigs for name, count in section.counts(rig.name).items()
    )


def grouped(page: View) -> list[tuple[str, list[Any]]]:
    """Sections by document: (name of the document, its sections)."""
    documents: dict[str, list[Any]] = {}
    for section in page.sections:
        documents.setdefault(section.document, []).append(section)
    return list(documents.items())
