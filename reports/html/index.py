"""What the main page shows: verdicts, matrix, causes, what was not tried, and every case.

Strategy: what is not green is shown in full, what is green in one row, so that a run of thousands of results stays
a page of a few megabytes. A long list is cut and says by how much; the record has all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from reports.causes import Cause
from reports.html.environment import anchor
from reports.record import state
from reports.text import in_general
from reports.verdict import Verdict, badness
from reports.view import STATES, Case, Rig, View, known_of, several

#: Findings of one result that are listed, cases of one cause that are named.
FINDINGS: Final = 40
NAMED: Final = 12
#: States whose results are told in one row.
GREEN: Final = ("pass", "harmless", "unsupported")


def index(page: View, judged: Verdict) -> dict[str, Any]:
    """The context of the template."""
    found = [cause for cause in judged.causes if cause.shown]
    return {
        "page": page,
        "verdict": judged,
        "lines": sorted(judged.lines, key=badness),
        "causes": found,
        "unseen": [cause for cause in judged.causes if not cause.shown],
        "columns": "Rigs",
        "about": Rig.describe,
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
        "has_advice": has_advice,
        "deviations_of": deviations_of(found),
        "untried": _untried(page),
        "grouped": grouped(page),
    }


def has_advice(result: Mapping[str, Any]) -> bool:
    """Whether a green result carries findings all the same: advice that the DUT did not follow."""
    return state(result) in GREEN and bool(result["findings"])


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
    known = {cause.name: cause for cause in found if cause.kind == "known"}
    return lambda result: [known[name] for name in known_of(result) if name in known]


def _untried(page: View) -> dict[str, dict[str, list[tuple[str, list[Case]]]]]:
    """Rig -> reason, or "inconclusive" -> (what the results say, the cases that say so), the most frequent first."""
    untried: dict[str, dict[str, dict[str, list[Case]]]] = {}
    for section in page.sections:
        for case in section.cases:
            for rig in page.rigs:
                result = case.results.get(rig.name)
                if result is None or (found := state(result)) not in ("unsupported", "inconclusive"):
                    continue
                reason = found if found == "inconclusive" else result["reason"] or "unsaid"
                said = untried.setdefault(rig.name, {}).setdefault(reason, {})
                said.setdefault(in_general(str(result["message"])), []).append(case)
    return {
        rig: {reason: sorted(said.items(), key=lambda one: -len(one[1])) for reason, said in reasons.items()}
        for rig, reasons in untried.items()
    }


def grouped(page: View) -> list[tuple[str, list[Any]]]:
    """Sections by document: (name of the document, its sections)."""
    documents: dict[str, list[Any]] = {}
    for section in page.sections:
        head = (
            section.title.split(" §")[0].split(",")[0] if section.key.startswith("rfc") else "Beside the RFCs"
        )
        documents.setdefault(head, []).append(section)
    return list(documents.items())
