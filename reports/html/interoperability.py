"""Nodes with each other and with hosts: the cases of `interop/`, and the public plug tests with what covers them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reports.pairs import TOO_MANY, Matrix
from reports.record import state
from reports.view import Case, View
from vectors.traceability import PlugTest, plugtests


def interoperability(page: View, pairs: Matrix | None) -> dict[str, Any]:
    """The context of the template. `pairs` are those of the rigs; None: they are too many (`reports.pairs.few`)."""
    sections = [section for section in page.sections if section.key.split("/")[0] == "interop"]
    by_name: dict[str, list[Case]] = {}
    for section in page.sections:
        for case in section.cases:
            by_name.setdefault(case.name.partition("[")[0], []).append(case)
    tests = plugtests()
    rows = [(test, _counts(page, test, by_name)) for test in tests]
    return {
        "page": page,
        "sections": sections,
        "rows": rows,
        "pairs": pairs,
        "too_many": TOO_MANY,
        "covered": sum(bool(test.cases) for test in tests),
        "by_name": by_name,
    }


def _counts(page: View, test: PlugTest, by_name: dict[str, list[Case]]) -> list[Counter[str]]:
    tried = [case for name in test.cases for case in by_name.get(name, [])]
    return [
        Counter(state(case.results[rig.name]) for case in tried if rig.name in case.results)
        for rig in page.rigs
    ]
