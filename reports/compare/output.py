"""A comparison as text, Markdown, JSON or a page: worst first, and with the exit status in words.

Strategy: one list of parts (`_parts`) feeds all four, so that none of them can leave out what another says.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from reports.compare.figures import Another, Cell
from reports.compare.verdicts import Change, Comparison
from reports.html.environment import page
from reports.markdown import code
from reports.sections import folded
from reports.verdict import plural
from vectors.catalogue import CATALOGUE

WORDS: Final = {
    0: "same or better",
    1: "regression",
    3: "not comparable enough: results are missing or inconclusive",
}
#: Of status 3 where nothing but that is the matter.
OF_HOSTS: Final = "not comparable enough: measurements got worse as far as their hosts explain it"
OF_METHODS: Final = "not comparable enough: measurements were made by another method"
#: What is gone of an interrupted run, by whether it was a chosen part as well: a record does not say which cases were.
_NOT_REACHED: Final = {
    False: "Not reached, run interrupted",
    True: "Not reached, run interrupted, or left out by choice",
}
#: Parts of which equal rows are one.
_ALIKE: Final = ("New failures", "New findings in cases that failed before")
#: Requirements whose texts are shown.
_DEMANDS: Final = 8
#: What a part lists.
Row = Change | Cell | Another


def words(found: Comparison) -> str:
    """The exit status in words."""
    if found.status != 3 or found.missing or found.troubles:
        return WORDS[found.status]
    return OF_HOSTS if found.figures.lost else OF_METHODS


def _parts(found: Comparison, *, every: bool = False) -> list[tuple[str, Sequence[Row], bool]]:
    """(title, what, whether it is bad news), worst first, empty ones left out.

    `every`: with the measurements that did not change.
    """
    left_out = found.gone if found.chosen and not found.interrupted else []
    parts: list[tuple[str, Sequence[Row], bool]] = [
        ("New failures", found.new_failures, True),
        ("New findings in cases that failed before", found.new_findings, True),
        ("Required and failing", found.required_failed, True),
        ("Measurements that got worse", found.figures.worse, True),
        ("Measurements that are not comparable", found.figures.unclear, bool(found.figures.lost)),
        ("Measurements by another method", found.figures.methods, True),
        ("Required and not known", found.required_missing, True),
        ("Nothing is known any more", found.unclear, True),
        ("Not tried any more", found.untried, True),
        ("Gone", [] if found.chosen or found.interrupted else found.gone, True),
        (_NOT_REACHED[found.chosen], found.gone if found.interrupted else [], True),
        ("Fixed", found.fixed, False),
        ("Measurements that got better", found.figures.better, False),
        ("Changed", found.changed, False),
        ("Measurements that changed", found.figures.changed, False),
        ("Measurements of few values that differ", found.figures.few, False),
        ("Added", found.added, False),
        ("Left out by choice in the second run", left_out, False),
        ("Measurements that did not change", found.figures.same if every else [], False),
    ]
    return [part for part in parts if part[1]]


def _closing(found: Comparison) -> list[str]:
    figures = found.figures
    worse = plural(len(found.regressions), "case")
    if figures.worse:
        worse += f" and {plural(len(figures.worse), 'measurement')}"
    lines = [*found.notes]
    if figures.tested or figures.untested:
        beside = f"; beside them {plural(figures.untested, 'measurement')} of too few values for a test"
        beside += f", {len(figures.few)} of which differ" if figures.few else ""
        told = {cell.key for cell in figures.worse + figures.better + figures.changed + figures.unclear}
        found_one = (
            f", {figures.tested - len(figures.same)} found one, in {plural(len(told), 'measurement')}"
            if told
            else ""
        )
        lines.append(
            f"{plural(figures.tested, 'test')} of figures (whole, quantiles and loss), false discovery rate 5 %: "
            f"{len(figures.same)} found no change (--all lists them){found_one}{beside * bool(figures.untested)}"
        )
    lines.append(
        f"{worse} got worse; {found.same} of {plural(found.common, 'result')} in both runs unchanged"
    )
    if found.still:
        lines.append(f"{plural(found.still, 'result')} failed in both runs: `show` of either says how")
    if figures.unclear:
        count = plural(len(figures.unclear), "change")
        lines.append(
            f"{count} of figures may be the host's as well as the node's: nothing is said of the node"
        )
    if figures.doubt:
        lines.append(figures.doubt)
    part = (
        f", in the {plural(found.common, 'result')} that both runs have"
        if found.gone and not found.status
        else ""
    )
    return [*lines, f"result: {words(found)}{part}"]


def report(found: Comparison, limit: int | None = 20) -> str:
    """The comparison in words, worst first.

    Beyond `limit`, regressions with the same finding are one row, and other long lists are counted by rig.
    """
    lines: list[str] = []
    for title, changes, _ in _parts(found, every=limit is None):
        lines.append(f"{title} ({len(changes)})")
        lines += [f"  {row}" for row in _rows(found, changes, limit)]
        lines.append("")
    if demands := _demands(found):
        lines += ["Requirements that the new failures break", *(f"  {row}" for row in demands), ""]
    return "\n".join([*lines, *found.troubles, *_closing(found)])


def _demands(found: Comparison) -> list[str]:
    """The texts of the first requirements that the regressions break, in the order of these."""
    told = " ".join(one.detail for one in (*found.new_failures, *found.new_findings))
    rows = [
        CATALOGUE[name] for name in dict.fromkeys(re.findall(r"\(([A-Z0-9.-]+)\)", told)) if name in CATALOGUE
    ]
    more = [f"and {len(rows) - _DEMANDS} more"] if len(rows) > _DEMANDS else []
    return [*(f"{row.id} ({row.level}): {row.text}" for row in rows[:_DEMANDS]), *more]


def _rows(found: Comparison, changes: Sequence[Row], limit: int | None) -> list[str]:
    verdicts = [change for change in changes if isinstance(change, Change)]
    if limit is not None and verdicts and verdicts[0] in (*found.new_failures, *found.new_findings):
        return _alike(verdicts)
    if limit is None or len(changes) <= limit:
        return [str(change) for change in changes]
    if not verdicts:
        if changes[0] in found.figures.worse:
            return [str(change) for change in changes]
        return [*(str(change) for change in changes[:limit]), f"and {len(changes) - limit} more"]
    if verdicts[0] in found.regressions:
        return _alike(verdicts)
    counts = Counter((one.rig, one.before or "absent", one.after or "absent") for one in verdicts)
    return [f"{rig}  {count} cases {was} -> {now}" for (rig, was, now), count in counts.items()]


def _alike(changes: Sequence[Change]) -> list[str]:
    """One row for the cases of one rig in which the same was found; worst first, then the most cases."""
    groups: dict[Change, list[str]] = {}
    ran: dict[Change, dict[str, None]] = {}
    for change in changes:
        kind = replace(change, case="", ran="")
        groups.setdefault(kind, []).append(change.case)
        ran.setdefault(kind, {})[change.ran] = None
    rows = []
    order = {effect: place for place, effect in enumerate(dict.fromkeys(one.effect for one in changes))}
    for kind, cases in sorted(groups.items(), key=lambda group: (order[group[0].effect], -len(group[1]))):
        by = ", ".join(filter(None, ran[kind]))
        if len(cases) == 1:
            rows.append(str(replace(kind, case=cases[0], ran=by)))
        else:
            rows.append(f"{replace(kind, case=plural(len(cases), 'case'), ran=by)}: {folded(cases)}")
    return rows


def as_markdown(found: Comparison, heads: Sequence[str], limit: int | None = 20) -> str:
    """The comparison for a pull request; what is no bad news is folded."""
    lines = [f"# Keyhole compare: {words(found)}", "", *[f"- {code(head)}" for head in heads], ""]
    lines += [f"**{code(trouble)}**" for trouble in found.troubles]
    for title, changes, bad in _parts(found, every=limit is None):
        rows = [f"- {code(row)}" for row in _rows(found, changes, limit)]
        if bad:
            lines += [f"## {title} ({len(changes)})", "", *rows, ""]
        else:
            summary = f"<details><summary>{title} ({len(changes)})</summary>"
            lines += [summary, "", *rows, "", "</details>", ""]
    if demands := _demands(found):
        lines += [
            "## Requirements that the new failures break",
            "",
            *(f"- {code(row)}" for row in demands),
            "",
        ]
    return "\n".join([*lines, *_closing(found)]) + "\n"


def as_json(found: Comparison, heads: Sequence[str], *, every: bool = False) -> str:
    """The comparison for programs: every change with its fields, and the exit status.

    `every`: with the measurements that did not change, too.
    """
    whole: dict[str, Any] = {"status": found.status, "result": words(found), "sides": list(heads)}
    whole |= {
        "troubles": found.troubles,
        "notes": found.notes,
        "unchanged": found.same,
        "in_both": found.common,
    }
    whole |= {"figures_compared": found.figures.tested, "figures_unchanged": len(found.figures.same)}
    for title, changes, _ in _parts(found, every=every):
        whole[title.lower().replace(" ", "_")] = [_flat(change) for change in changes]
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _flat(change: Row) -> dict[str, Any]:
    flat = asdict(change)
    if isinstance(change, Cell):
        flat["change"] = {"value": change.change.value, "low": change.change.low, "high": change.change.high}
    return flat


def as_html(found: Comparison, heads: Sequence[str], *, every: bool = False) -> str:
    """The comparison as a page of its own."""
    shown = _parts(found, every=every)
    limit = None if every else len(found.new_failures) + len(found.new_findings)
    parts = [
        (title, len(changes), _rows(found, changes, limit if title in _ALIKE else None), bad)
        for title, changes, bad in shown
    ]
    if demands := _demands(found):
        parts.append(("Requirements that the new failures break", len(demands), demands, False))
    return page(
        "compare.html.j2",
        f"Keyhole compare: {words(found)}",
        state={0: "pass", 1: "fail", 3: "inconclusive"}[found.status],
        words=words(found),
        heads=list(heads),
        parts=parts,
        troubles=found.troubles,
        # the banner has the result
        closing=sorted(_closing(found)[:-1], key=lambda row: " got worse; " not in row),
    )
