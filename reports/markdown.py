"""A record as a Markdown summary: what a pull request or a job log shows.

Strategy: the first 30 lines say all: the verdict, one row for each rig, the worst causes. The rest is folded, and
is cut where a comment of GitHub ends (65,536 characters), block by block, with a word about what is missing.
Whoever needs the octets opens the HTML page or the evidence. What the record says goes through `text` or `code`:
only plain words stand as they are, because a site makes links, mentions and pictures of the rest; in a code span
nothing is alive.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from reports import pairs
from reports.causes import KINDS, Cause
from reports.compact import whole
from reports.coverage import share
from reports.faults import breaks_a_must
from reports.fleet import Fleet, Group, fleet, lines_of_groups
from reports.pools import described, nodes, on_rig
from reports.record import Record
from reports.text import one_line
from reports.verdict import ORDER, Line, Verdict, ban, plural, verdict
from reports.view import SIGNS, STATES, Rig, View, known_of, natural, requirement, several, unconfirmed_of

#: Characters of one text of the record that are shown; the rest is in the page and in the record.
LONGEST: Final = 1000
#: Characters of the whole: the longest comment that GitHub takes.
LARGEST: Final = 65_536
#: Rows of rigs and of causes in front of what is folded: with them the beginning has 30 lines.
_RIGS: Final = 9
_CAUSES: Final = 6
#: Documents of which nothing was tried that are named there.
_DOCUMENTS: Final = 6
#: Nothing in it is Markdown, HTML or a reference (@user, #12, !12, ~label, www.) to GitHub or GitLab.
_PLAIN: Final = re.compile(r"[A-Za-z0-9 §%.,;:()+/=-]*")
_LIVE: Final = re.compile(r"//|www\.|\bGH-\d", re.IGNORECASE)


def render(record: Record | View) -> str:
    """The summary, as text that ends with a newline and has at most `LARGEST` characters.

    Of many rigs it has a row for each stack and version.
    """
    page = rigs = nodes(record)
    judged = verdict(page)
    found = fleet(page) if page.wide else None
    if found:
        page, judged = found.folded, replace(judged, lines=[one[1] for one in lines_of_groups(found, judged)])
    parts = [
        ("Pairs", _pairs(rigs)),
        ("Matrix", _matrix(page)),
        *_wrong(page),
        ("Known deviations", _known(fleet(rigs), judged.causes)),
        ("What was not tried, and why", _untried(judged)),
    ]
    return _within([*_beginning(page, judged, found)], [(title, rows) for title, rows in parts if rows])


def _beginning(page: View, judged: Verdict, found: Fleet | None) -> list[str]:
    """At most 30 lines that say all."""
    header, footer = page.record.header, page.record.footer
    suite = header.get("suite", {})
    ended = (
        f"ended {text(footer.get('ended', ''))}." if footer else "**interrupted: the record has no footer.**"
    )
    made = f"Suite {text(suite.get('version', 'unknown'))} ({text(suite.get('commit', 'no commit'))}), "
    made += f"seed {text(header.get('seed', ''))}, started {text(header.get('started', ''))}"
    total = sum((page.counts(rig.name) for rig in page.rigs), Counter[str]())
    limits = " ".join(f"**{text(limit)}**" for limit in judged.limits[:3])
    worst_first = sorted(judged.lines, key=lambda line: ORDER.index(line.state))
    about = {group.name: group.words for group in found.groups} if found else {}
    words = " ".join(text(one.strip()) for one in (ban(judged.unfit), judged.words) if one)
    head = "Stack and version | Rigs" if found else "Rig | DUT"
    lines = [
        f"# Keyhole run {text(header.get('run_id', ''))}" + (" (interrupted)" * page.record.interrupted),
        "",
        f"**{judged.sign} {words}**{_worst(judged.worst, found.where if found else several)}",
        *([limits] if limits else []),
        "",
        *([f"| {head} | Fit to ship? | Verdict | Worst |", "|---|---|---|---|---|"] if judged.lines else []),
        *[_row(line, about.get(line.rig.name, described(line.rig))) for line in worst_first[:_RIGS]],
    ]
    if len(judged.lines) > _RIGS:
        more = "stacks and versions" if found else "rigs"
        lines.append(f"| and {len(judged.lines) - _RIGS} more {more} | | | | |")
    shown = [cause for cause in judged.causes if cause.shown and cause.kind != "advice"]
    lines += ["", *[_item(cause, found.where if found else several) for cause in shown[:_CAUSES]]]
    if left := shown[_CAUSES:]:
        counts = Counter(cause.severity or KINDS[cause.kind] for cause in left)
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        lines.append(f"- and {plural(len(left), 'more cause')} below: {told}")
    if untried := _in_short(judged):
        lines.append(f"- not tried: {untried}")
    return [
        *lines,
        "",
        ", ".join(f"{SIGNS[name]} {total[name]} {name}" for name in STATES if total[name]) or "No results.",
        f"{made}, {ended} {ours(judged.radio)}",
        "",
    ]


def _worst(cause: Cause | None, where: Callable[[list[Rig]], str]) -> str:
    """The gravest fault with what a user notices of it, for the line of the verdict."""
    if cause is None:
        return ""
    effect = cause.effect
    noticed = f"{text(cause.notice[:300].rstrip('.'))} ({effect.severity}: {effect.name}). " if effect else ""
    rigs = text(where(cause.rigs)[:300])
    return f" Worst fault: {noticed}On {rigs}: {text(cause.sentence[:300])}."


def _row(line: Line, about: str) -> str:
    unsure = [line.words] if line.state not in ("known", "pass") or not line.tried else []
    pair = f"of the two nodes: {line.pair}" if line.pair else ""
    told = "; ".join(filter(None, [pair, *unsure, line.faults.words, f"{line.share} tried", *line.told]))
    effect = line.worst.effect if line.worst else None
    grave = f"{effect.severity}: {effect.name}" if effect else line.worst.kind if line.worst else ""
    worst = f"{grave}; {line.worst.title}" if line.worst else "nothing"
    cells = (line.rig.name, about or "an unnamed DUT", line.fit, told, worst)
    name, dut, fit, said, grave = (cell(one[:300]) for one in cells)
    return f"| {line.sign} {name} | {dut} | {fit} | {said} | {grave} |"


def _item(cause: Cause, where: Callable[[list[Rig]], str]) -> str:
    rigs = where(cause.rigs)
    effect = f", {cause.severity}: {cause.effect.name}" if cause.effect else ""
    must = ", breaks a MUST" if breaks_a_must(cause) else ""
    count = plural(len(cause.cases), "case")
    follows = f"; a consequence of {text(cause.follows[0].source.title[:100])}" if cause.follows else ""
    said = f"{text(cause.sentence[:300])} on {text(rigs[:300])}, {count}{follows}"
    noticed = f"{text(cause.notice[:300])} " if cause.notice else ""
    return f"- {noticed}{KINDS[cause.kind]}{effect}{must}. {said}"


def _in_short(judged: Verdict) -> str:
    """The share of the cases that were not tried on any rig, and the documents of which nothing was, in one line."""
    every = sum(line.counts.total() for line in judged.lines)
    left = every - sum(line.tried for line in judged.lines)
    if not left:
        return ""
    parts = [{part.document for _, parts in line.untouched for part in parts} for line in judged.lines]
    nothing = sorted(set.intersection(*parts), key=natural)
    of = f"; nothing of {', '.join(nothing[:_DOCUMENTS])}" if nothing else ""
    more = f" and {len(nothing) - _DOCUMENTS} more" if len(nothing) > _DOCUMENTS else ""
    return f"{share(left, every)} of the cases ({left} of {every} results){text(of)}{more}"


def _untried(judged: Verdict) -> list[str]:
    return [
        f"- {text(line.rig.name)}: "
        + "; ".join(f"{one.count} because {text(one.words)}" for one in line.not_tried)
        + "".join(
            f"; nothing of {part.document} ({plural(part.total, 'case')})"
            for _, parts in line.untouched
            for part in parts
        )
        for line in judged.lines
        if line.not_tried
    ]


def _within(beginning: list[str], parts: list[tuple[str, list[str]]]) -> str:
    """All of it, folded part by part, as far as there is room; what is left out is counted."""
    room = LARGEST - 200
    made = "\n".join(beginning).rstrip("\n") + "\n"
    made = made if len(made) <= room else made[:room].rpartition("\n")[0] + "\n"
    left = 0
    for title, rows in parts:
        head = f"\n<details><summary>{title}</summary>\n\n## {title}\n\n"
        foot = "\n</details>\n"
        body = ""
        for row in rows:
            if left or len(made) + len(head) + len(body) + len(row) + len(foot) + 1 > room:
                left += 1
            else:
                body += row + "\n"
        if body:
            made += head + body + foot
    if left:
        made += f"\n{left} lines are left out, for a comment has room for {LARGEST} characters; index.html has all.\n"
    return made


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


def _matrix(page: View) -> list[str]:
    if not page.rigs:
        return []
    lines = ["| Section | " + " | ".join(cell(rig.name) for rig in page.rigs) + " |"]
    lines.append("|---" * (len(page.rigs) + 1) + "|")
    for section in page.sections:
        cells = [_cell(section.counts(rig.name)) for rig in page.rigs]
        lines.append(f"| {cell(section.title)} | " + " | ".join(cells) + " |")
    lines.append("| **all** | " + " | ".join(_cell(page.counts(rig.name)) for rig in page.rigs) + " |")
    return [*lines, "", " · ".join(f"{SIGNS[name]} {name}" for name in STATES)]


def _cell(counts: Counter[str]) -> str:
    return " ".join(f"{SIGNS[name]}{counts[name]}" for name in STATES if counts[name]) or "·"


def _wrong(page: View) -> list[tuple[str, list[str]]]:
    parts: list[tuple[str, list[str]]] = []
    for wanted, title in (
        ("fail", "Failures"),
        ("unconfirmed", "Unconfirmed: the profile declares them for other versions"),
        ("error", "Errors of the suite"),
        ("inconclusive", "Inconclusive"),
    ):
        rows = [
            f"- {_cases([case.name for case, _ in found])} on {text(on_rig(rig, found[0][1]))}{_why(found[0][1])}"
            + (f"\n  - Repeat: {code(again)}" if (again := whole(found[0][1])["repeat"]) else "")
            for rig, found in page.groups(wanted)
        ]
        parts.append((title, rows))
    return parts


def _cases(names: list[str]) -> str:
    """The cases of a group: one by name, of several a few."""
    shown = ", ".join(map(code, names[:3]))
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _why(result: Mapping[str, Any]) -> str:
    result = whole(result)
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


def _pairs(page: View) -> list[str]:
    found = pairs.few(page)
    return [pairs.TOO_MANY] if found is None else pairs.as_markdown(found, code)


def _known(found: Fleet, causes: Sequence[Cause]) -> list[str]:
    """A line for each known deviation of each rig or stack, worst first: those that this run has seen, then the others.

    What a profile says of one is said once, where several profiles say the same.
    """
    owner = {rig.name: group for group in found.groups for rig in group.rigs}
    over: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in found.page.record.deviations:
        if line["rig"] in owner:
            over.setdefault((owner[line["rig"]].name, line["id"]), []).append(line)
    about = {
        name: (place, cause)
        for place, cause in enumerate(causes)
        if cause.kind in ("known", "unconfirmed")
        for name in (cause.name, *cause.parts)
    }
    rows: list[tuple[bool, int, str, str, str, str]] = []
    for group in found.groups:
        buckets = [bucket for groups in found.spread.values() for bucket in groups.get(group.name, [])]
        seen, unsure = Counter[str](), Counter[str]()
        for bucket in buckets:
            seen.update(dict.fromkeys(known_of(bucket.sample), bucket.count))
            unsure.update(dict.fromkeys(unconfirmed_of(bucket.sample), bucket.count))
        deviations = group.rig.deviations
        for name in sorted({*deviations, *seen}):
            place, cause = about.get(name, (len(causes), None))
            times = plural(seen[name], "result") if seen[name] else "not seen in this run"
            if unsure[name]:
                versions = deviations.get(name, {}).get("versions", "")
                times = f"{plural(unsure[name], 'result')}, unconfirmed: known for {code(versions)}"
            times += _fixed(over.get((group.name, name), []), group)
            grave = (
                f", {cause.severity} ({cause.effect.name})" if cause and cause.effect and seen[name] else ""
            )
            why = str(deviations.get(name, {}).get("why", ""))
            root = cause.name if cause else name
            one = f"; one fault with {code(root)}" if root != name else ""
            row = f"- {code(name)}{grave} on {text(group.name)} ({times}{one})"
            # parts of one fault stand behind it
            rows.append((not (seen[name] or unsure[name]), place, name if one else "", name, row, why))
    told: list[str] = []
    before = ("", "")
    for *_, name, row, why in sorted(rows, key=lambda one: one[:4]):
        told.append(row + ("" if not why else ": as above" if (name, why) == before else f": {text(why)}"))
        before = name, why
    return told


def _fixed(lines: list[Mapping[str, Any]], group: Group) -> str:
    """What the record says of a deviation that is over, in whole or in part, on rigs of a group."""
    if not lines:
        return ""
    rigs = len({line["rig"] for line in lines})
    where = f" on {rigs} of {group.words}" if len(group.rigs) > 1 else ""
    cases = dict.fromkeys(case for line in lines for case in line["cases"])
    if cases:
        return f"; fixed in {', '.join(map(code, cases))}{where}"
    return f"; fixed{where}" + (": remove it" if rigs == len(group.rigs) else "")
