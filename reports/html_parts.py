"""The pieces of the page that show one thing: a requirement, a result, a deviation.

Strategy: each function takes what it shows and gives finished HTML; every foreign text goes through `h`,
every reference inside the page through `anchor`, every path through `evidence_link`. A field that the
record lacks is left out instead of shown empty.
"""

from __future__ import annotations

import html
import re
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from reports.record import state
from reports.view import MEANINGS, SIGNS, Case, Rig, known_of, requirement
from vectors.catalogue import CATALOGUE

OCTETS = re.compile(r"[0-9a-f]{2}(\s[0-9a-f]{2})*")


def h(text: object) -> str:
    """Escape for text and attribute values alike."""
    return html.escape(str(text), quote=True)


def attribute(kind: str, key: str) -> str:
    """The id attribute that `anchor` refers to."""
    return f'id="{h(f"{kind}:{key}")}"'


def anchor(kind: str, key: str) -> str:
    """A reference inside the page."""
    return "#" + quote(f"{kind}:{key}", safe=":/.-_~")


def badge(name: str, text: str) -> str:
    """A state as sign and words, coloured, and explained when pointed at."""
    return f'<span class="badge {name}" title="{h(MEANINGS[name])}">{SIGNS[name]} {h(text)}</span>'


def requirement_block(name: str, *, linked: bool = False) -> str:
    """A requirement in full: id, level, what a breach counts, section, text."""
    row = requirement(name)
    if row is None:
        return f'<div class="requirement"><code>{h(name)}</code> (not in this catalogue)</div>'
    label = f'<a href="{anchor("requirement", name)}">{h(name)}</a>' if linked else h(name)
    breach = (
        ""
        if row.binding == "fail"
        else f", a breach is {'advice' if row.binding == 'advice' else 'no fault'}"
    )
    when = f", binds nodes that declare {row.when}" if row.when else ""
    note = f'<br><span class="soft">{h(row.note)}</span>' if row.note else ""
    return (
        f'<div class="requirement"><code>{label}</code> <strong>{h(row.level)}</strong>'
        f' <span class="soft">({h(row.title)}{h(breach)}{h(when)})</span><br>{h(row.text)}{note}</div>'
    )


def evidence_link(path: str) -> str:
    """A link that works from the run's folder; anything but a relative path is shown, not linked."""
    if not path or path.startswith("/") or ".." in path.split("/") or "\\" in path:
        return h(path)
    return f'<a href="{h(quote(path, safe="/._-~"))}">{h(path)}</a>'


def exchange(result: dict[str, Any]) -> str:
    """What was sent, what had to come, what came."""
    names = (("stimulus", "Sent"), ("expected", "Expected"), ("actual", "Came back"), ("message", "Message"))
    shown = {key: str(result.get(key) or "").strip() for key, _ in names}
    if shown["actual"] and shown["expected"] in shown["message"] and shown["actual"] in shown["message"]:
        shown["message"] = ""  # the failure in one line: all of it stands above
    rows = "".join(f"<dt>{label}</dt><dd>{_text(shown[key])}</dd>" for key, label in names if shown[key])
    return f'<dl class="exchange">{rows}</dl>' if rows else ""


def _text(text: str) -> str:
    """Words as they are, octets in columns."""
    return f"<code>{h(text)}</code>" if OCTETS.fullmatch(text) else h(text)


def case_details(case: Case, rigs: list[Rig]) -> str:
    """One case, closed: its results on every rig inside."""
    order = [rig for rig in rigs if rig.name in case.results]
    badges = "".join(badge(state(case.results[rig.name]), rig.name) for rig in order)
    blocks = [requirement_block(name, linked=True) for name in case.requirements]
    demands = "".join(blocks)
    if len(blocks) > 6:
        demands = f"<details><summary>{len(blocks)} requirements</summary>{demands}</details>"
    results = "".join(_result(case.results[rig.name], rig) for rig in order)
    what = f"<p>{h(case.what)}</p>" if case.what else ""
    return (
        f'<details class="case" {attribute("case", case.name)}><summary><code>{h(case.name)}</code> {badges}'
        f"</summary><div>{what}{demands}{results}</div></details>"
    )


def _result(result: dict[str, Any], rig: Rig) -> str:
    found = state(result)
    annotated = result.get("annotated") or ""
    said = f"{found}: {result['reason'].replace('_', ' ')}" if result.get("reason") else found
    parts = [
        f"<h4>{badge(found, said)} on {h(rig.name)}</h4>",
        exchange(result),
        f"<pre>{h(annotated)}</pre>" if annotated.strip() else "",
        _findings(result.get("findings", [])),
        "".join(_known(rig, name) for name in known_of(result)),
        _facts(result),
        _repeat(result.get("repeat") or ""),
    ]
    return (
        f'<div class="result {found}" data-state="{found}" data-rig="{h(rig.name)}">'
        + "".join(part for part in parts if part)
        + "</div>"
    )


def _findings(findings: list[dict[str, Any]]) -> str:
    if not findings:
        return ""
    rows = "".join(map(_finding, findings))
    heads = ("Finding", "Requirement", "Expected", "Actual", "Offset", "Frame", "Known as")
    head = "".join(f"<th>{name}</th>" for name in heads)
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    if len(findings) > 12:
        return f"<details><summary>{len(findings)} findings</summary>{table}</details>"
    return table


def _finding(finding: dict[str, Any]) -> str:
    offset = "" if finding.get("offset") is None else h(finding["offset"])
    return (
        f'<tr><td class="code"><code>{h(finding["code"])}</code></td>'
        f'<td class="code"><code>{h(finding["requirement"])}</code> {h(finding["level"])}</td>'
        f"<td>{h(finding['expected'])}</td><td>{h(finding['actual'])}</td><td>{offset}</td>"
        f"<td><code>{h(finding.get('frame') or '')}</code></td><td>{h(finding.get('known') or '')}</td></tr>"
    )


def _known(rig: Rig, name: str) -> str:
    deviation = rig.deviations.get(name)
    if deviation is None:
        unknown = f"Known deviation <code>{h(name)}</code> (the record holds no more of it)"
        return f'<div class="deviation">{unknown}</div>'
    return (
        f'<div class="deviation">Known deviation <a href="{anchor("deviation", f"{rig.name}/{name}")}">'
        f"<code>{h(name)}</code></a>: {h(deviation.get('why', ''))}{_proof(deviation)}</div>"
    )


def _proof(deviation: dict[str, Any]) -> str:
    frame = str(deviation.get("frame") or "")
    return f"<p>Frame that proves it: <code>{h(frame)}</code></p>" if frame else ""


def _facts(result: dict[str, Any]) -> str:
    shown = []
    for key, label in (("attempts", "attempts"), ("controls", "controls"), ("observed_by", "seen by")):
        if result.get(key):
            shown.append(f"{label} {h(result[key])}")
    if result.get("seconds"):
        shown.append(f"{float(result['seconds']):.3f} s")
    if result.get("t"):
        shown.append(h(result["t"]))
    if result.get("evidence"):
        shown.append(f"evidence {evidence_link(str(result['evidence']))}")
    return f'<p class="soft">{" · ".join(shown)}</p>' if shown else ""


def _repeat(line: str) -> str:
    return f'<p class="soft">Repeat exactly this:</p><pre>{h(line)}</pre>' if line.strip() else ""


def deviation_card(rig: Rig, name: str, cases: list[Case]) -> str:
    """A declared deviation with all that a stranger needs, or the news that it was not seen."""
    deviation = rig.deviations.get(name, {})
    versions = f" (versions {h(deviation['versions'])})" if deviation.get("versions") else ""
    why = f"<p>{h(deviation['why'])}</p>" if deviation.get("why") else ""
    demanded = _demanded(rig, name, deviation, cases)
    tried = {requirement for case in cases for requirement in case.requirements}
    demands = "".join(requirement_block(demand, linked=demand in tried) for demand in demanded)
    seen = '<p class="soft">Not seen in this run.</p>'
    if cases:
        result = cases[0].results[rig.name]
        links = " ".join(
            f'<a href="{anchor("case", case.name)}"><code>{h(case.name)}</code></a>' for case in cases[:8]
        )
        more = f" and {len(cases) - 8} more" if len(cases) > 8 else ""
        annotated = str(result.get("annotated") or "")
        frame = f"<pre>{h(annotated)}</pre>" if annotated.strip() else ""
        seen = f"{exchange(result)}{frame}<p>Seen in {links}{more}</p>"
    return (
        f'<div class="card deviation" {attribute("deviation", f"{rig.name}/{name}")}>'
        f"<h4>{badge('known', name)} on {h(rig.name)}{versions}</h4>{why}"
        f"{demands}{_proof(deviation)}{seen}</div>"
    )


def _demanded(rig: Rig, name: str, deviation: dict[str, Any], cases: list[Case], limit: int = 4) -> list[str]:
    """What the RFC demands where a deviation shows: of the findings it covers, else of the rows it names.

    A profile may name rows by pattern (`RFC6282-4.2-*`).
    """
    findings = (finding for case in cases for finding in case.results[rig.name].get("findings", []))
    broken = [finding["requirement"] for finding in findings if finding.get("known") == name]
    pattern = str(deviation.get("requirement") or "")
    named = [row for row in CATALOGUE if fnmatchcase(row, pattern)] or [pattern][: bool(pattern)]
    return list(dict.fromkeys(broken or named))[:limit]
