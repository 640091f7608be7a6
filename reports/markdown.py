"""A record as a Markdown summary: what a pull request or a job log shows.

Strategy: short and flat. The matrix, then everything that went wrong with the requirement beside it, then
the known deviations by name. Whoever needs the octets opens the HTML page or the evidence. What the record says goes
through `text` or `code`: only plain words stand as they are, because a site makes links, mentions and pictures of the
rest; in a code span nothing is alive.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from reports.record import Record
from reports.text import one_line
from reports.view import SIGNS, STATES, View, known_of, requirement, unconfirmed_of, view

#: Characters of one text of the record that are shown; the rest is in the page and in the record.
LONGEST: Final = 1000
#: Nothing in it is Markdown, HTML or a reference (@user, #12, !12, ~label, www.) to GitHub or GitLab.
_PLAIN: Final = re.compile(r"[A-Za-z0-9 §.,;:()+/=-]*")
_LIVE: Final = re.compile(r"//|www\.|\bGH-\d", re.IGNORECASE)


def render(record: Record) -> str:
    """The summary, as text that ends with a newline."""
    page = view(record)
    header, footer = record.header, record.footer
    suite = header.get("suite", {})
    total = sum((page.counts(rig.name) for rig in page.rigs), Counter[str]())
    lines = [
        f"# Keyhole run {text(header.get('run_id', ''))}",
        "",
        f"Suite {text(suite.get('version', 'unknown'))} ({text(suite.get('commit', 'no commit'))}), "
        f"seed {text(header.get('seed', ''))}, started {text(header.get('started', ''))}, "
        + (
            f"ended {text(footer.get('ended', ''))}."
            if footer
            else "**interrupted: the record has no footer.**"
        ),
        "",
        ", ".join(f"{SIGNS[name]} {total[name]} {name}" for name in STATES if total[name]) or "No results.",
        "",
        *_rigs(page),
        *_matrix(page),
        *_wrong(page),
        *_known(page),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def text(value: object) -> str:
    """A few words of the record on one line: as they are when they are plain, else as a code span."""
    flat = _flat(value)
    return flat if _PLAIN.fullmatch(flat) and not _LIVE.search(flat) else code(flat)


def code(value: object) -> str:
    """Text that stays as it is, even with backquotes in it: its fence is longer than any of them."""
    flat = _flat(value)
    if not flat:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    return f"{fence} {flat} {fence}" if "`" in flat else f"{fence}{flat}{fence}"


def cell(value: object) -> str:
    """`text` in a table, where a bar would end the cell, even behind a backslash and in a code span."""
    return text(str(value).replace("|", "¦"))


def ours(sentence: str) -> str:
    """A sentence of the catalogue, with what Markdown or HTML would take as their own escaped."""
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", " ".join(sentence.split()))


def _flat(value: object) -> str:
    words = one_line(" ".join(str(value).split()))
    return (
        words if len(words) <= LONGEST else f"{words[:LONGEST]} ... ({len(words) - LONGEST} more characters)"
    )


def _rigs(page: View) -> list[str]:
    """What was tested, and what of the suites was left out: without that a green says nothing."""
    lines = []
    chosen = page.chosen()
    if chosen or any(rig.not_chosen for rig in page.rigs):
        lines += [f"**Partial run**: chosen by {code(chosen)}." if chosen else "**Partial run.**", ""]
    for rig in page.rigs:
        dut = rig.describe() or "an unnamed DUT"
        parts = [f"{text(rig.name)}: {text(dut)}" + (f", profile {text(rig.profile)}" if rig.profile else "")]
        parts += [f"**{text(rig.part())}**"] if rig.not_chosen else []
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(page.reasons(rig.name).items()))
        parts += [f"unsupported: {text(why)}"] if why else []
        parts += [f"**{text(note)}**" for note in rig.notes]
        lines.append("- " + "; ".join(parts))
    return [*lines, ""] if lines else []


def _matrix(page: View) -> list[str]:
    if not page.rigs:
        return []
    lines = ["| Section | " + " | ".join(cell(rig.name) for rig in page.rigs) + " |"]
    lines.append("|---" * (len(page.rigs) + 1) + "|")
    for section in page.sections:
        cells = [_cell(section.counts(rig.name)) for rig in page.rigs]
        lines.append(f"| {cell(section.title)} | " + " | ".join(cells) + " |")
    lines.append("| **all** | " + " | ".join(_cell(page.counts(rig.name)) for rig in page.rigs) + " |")
    return [*lines, "", " · ".join(f"{SIGNS[name]} {name}" for name in STATES), ""]


def _cell(counts: Counter[str]) -> str:
    return " ".join(f"{SIGNS[name]}{counts[name]}" for name in STATES if counts[name]) or "·"


def _wrong(page: View) -> list[str]:
    lines: list[str] = []
    for wanted, title in (
        ("fail", "Failures"),
        ("unconfirmed", "Unconfirmed: the profile declares them for other versions"),
        ("error", "Errors of the suite"),
        ("inconclusive", "Inconclusive"),
    ):
        rows = [
            f"- {_cases([case.name for case, _ in found])} on {text(rig.name)}{_why(found[0][1])}"
            for rig, found in page.groups(wanted)
        ]
        if rows:
            lines += [f"## {title}", "", *rows, ""]
    return lines


def _cases(names: list[str]) -> str:
    """The cases of a group: one by name, of several a few."""
    shown = ", ".join(map(code, names[:3]))
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _why(result: dict[str, Any]) -> str:
    findings = [finding for finding in result.get("findings", []) if not finding.get("known")]
    if not findings:
        return f": {text(result['message'])}" if result.get("message") else ""
    lines = []
    for finding in findings[:5]:
        row = requirement(finding["requirement"])
        said = f": {ours(row.text)}" if row else ""
        lines.append(
            f"\n  - {code(finding['code'])}, {text(finding['requirement'])} ({text(finding['level'])}){said}"
            f" Expected {text(finding['expected'])}; actual {text(finding['actual'])}."
        )
    if len(findings) > 5:
        lines.append(f"\n  - and {len(findings) - 5} more")
    return "".join(lines)


def _known(page: View) -> list[str]:
    rows = []
    over = {
        (line["rig"], line["id"]): f"; fixed in {', '.join(map(code, line['cases']))}"
        if line["cases"]
        else "; fixed: remove it"
        for line in page.record.deviations
    }
    for rig in page.rigs:
        results = [c.results[rig.name] for s in page.sections for c in s.cases if rig.name in c.results]
        seen = Counter(name for result in results for name in known_of(result))
        unsure = Counter(name for result in results for name in unconfirmed_of(result))
        for name in sorted({*rig.deviations, *seen}):
            why = rig.deviations.get(name, {}).get("why", "")
            times = f"{seen[name]} results" if seen[name] else "not seen in this run"
            if unsure[name]:
                versions = rig.deviations.get(name, {}).get("versions", "")
                times = f"{unsure[name]} results, unconfirmed: known for {code(versions)}"
            times += over.get((rig.name, name), "")
            rows.append(f"- {code(name)} on {text(rig.name)} ({times}){f': {text(why)}' if why else ''}")
    return ["## Known deviations", "", *rows, ""] if rows else []
