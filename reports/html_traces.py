"""What stands behind the cases: the mutants that show a requirement is really tried, and the public plug tests.

Strategy: a mutant is shown only where `make mutants` ran and caught it (`vectors.traceability`); a plug test is
shown with the cases of this run that cover it, or with the reason why nothing does.
"""

from __future__ import annotations

from collections import Counter

from reports.html_parts import anchor, h
from reports.record import state
from reports.view import SIGNS, Case, View, worst
from vectors.traceability import PlugTest, plugtests

#: Mutant -> {"requirement", "case"}.
Kills = dict[str, dict[str, str]]


def mutants_of(name: str, kills: Kills) -> str:
    """The mutants that broke this requirement on purpose and were caught, folded away."""
    caught = {mutant: kill["case"] for mutant, kill in kills.items() if kill["requirement"] == name}
    if not caught:
        return ""
    listed = "<br>".join(f"{h(mutant)}: by {h(case)}" for mutant, case in caught.items())
    return f'<details><summary class="soft">{len(caught)} mutants caught</summary>{listed}</details>'


def plug_tests(page: View) -> str:
    """The table of the public plug-test descriptions."""
    cases: dict[str, list[Case]] = {}
    for section in page.sections:
        for case in section.cases:
            cases.setdefault(case.name.partition("[")[0], []).append(case)
    tests = plugtests()
    if not any(name in cases for test in tests for name in test.cases):
        return ""
    heads = "".join(f'<th scope="col">{h(rig.name)}</th>' for rig in page.rigs)
    rows = "".join(_row(page, test, cases) for test in tests)
    covered = sum(bool(test.cases) for test in tests)
    return (
        '<h2 id="plug-tests">Plug tests</h2>\n'
        f"<p>{covered} of {len(tests)} public test descriptions are covered by cases; "
        "the others say why they are out of scope.</p>\n"
        f'<details><summary>All {len(tests)}</summary><div class="scroll"><table><thead><tr><th>Description</th>'
        f"{heads}<th>Covered by</th></tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _row(page: View, test: PlugTest, cases: dict[str, list[Case]]) -> str:
    tried = [case for name in test.cases for case in cases.get(name, [])]
    cells = []
    for rig in page.rigs:
        counts = Counter(state(case.results[rig.name]) for case in tried if rig.name in case.results)
        cells.append(
            f'<td class="{worst(counts)}">{SIGNS[worst(counts)]}</td>'
            if counts
            else '<td class="soft">·</td>'
        )
    shown = test.out_of_scope and f'<span class="soft">out of scope: {h(test.out_of_scope)}</span>'
    shown = shown or "<br>".join(
        f'<a href="{anchor("case", cases[name][0].name)}">{h(name)}</a>' if name in cases else h(name)
        for name in test.cases
    )
    return (
        f'<tr><td class="wide"><code>{h(test.id)}</code><br>{h(test.what)}</td>{"".join(cells)}'
        f"<td>{shown}</td></tr>"
    )
