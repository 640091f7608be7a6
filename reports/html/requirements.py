"""Which requirement is tried by which cases, with what result, and which wrong nodes show that it is really tried.

Strategy: a requirement is judged by what the findings name: a case that broke another one says nothing about this
one. A mutant is shown only where `make mutants` ran and caught it (`vectors.traceability`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from reports.coverage import tried
from reports.record import state
from reports.view import Case, View, requirement
from vectors.catalogue import CATALOGUE

#: Mutant -> {"requirement", "case"}.
Kills = dict[str, dict[str, str]]


def requirements(page: View, kills: Kills) -> dict[str, Any]:
    """The context of the template."""
    named = page.requirements()
    caught: dict[str, list[tuple[str, str]]] = {}
    for mutant, kill in kills.items():
        caught.setdefault(kill["requirement"], []).append((mutant, kill["case"]))
    documents = []
    for document in dict.fromkeys(row.document for name in named if (row := requirement(name))):
        testable = [row for row in CATALOGUE.values() if row.document == document and row.testable != "no"]
        rows = [
            (row, cases, _judged(page, name, cases))
            for name, cases in named.items()
            if (row := requirement(name)) and row.document == document
        ]
        met = {row.id for row, _, judged in rows if any(map(tried, judged))}
        # a case that no rig could try says nothing about what it is about
        without = [row for row in testable if row.id not in named]
        unmet = [row for row in testable if row.id in named and row.id not in met]
        documents.append((document, rows, without, unmet, len(testable)))
    unknown = [name for name in named if requirement(name) is None]
    return {"page": page, "documents": documents, "unknown": unknown, "caught": caught}


def _judged(page: View, name: str, cases: list[Case]) -> list[Counter[str]]:
    """What the cases say about a requirement, rig by rig."""
    return [
        Counter(said for case in cases if (said := _said(name, case.results.get(rig.name))) is not None)
        for rig in page.rigs
    ]


def _said(name: str, result: Mapping[str, Any] | None) -> str | None:
    if result is None:
        return None
    found = state(result)
    if found in ("fail", "known") and result["findings"]:
        return found if name in {finding["requirement"] for finding in result["findings"]} else None
    return found
