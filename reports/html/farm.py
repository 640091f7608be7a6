"""The pages of a farm: stacks and versions on the first, a page of cases for each section, all of them offline.

Strategy: the first page says all that is asked of every rig, and is of a size that depends on versions and cases, not
on rigs. What was sent and what came back stands on pages beside it, one for each section, which a browser opens when
somebody follows a link: nothing has to be fetched, so they work from a disk. Only what is not green is shown there,
and results that are alike once, read from the record when the page is made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any, Final

from reports.beside import effects
from reports.compact import calm, whole
from reports.faults import breaks_a_must, order_of
from reports.fleet import Bucket, Fleet, lines_of_groups
from reports.html.again import Again
from reports.html.environment import anchor, page
from reports.html.index import FINDINGS, NAMED, advice_of, calm_in, deviations_of, grouped, part_of, totals
from reports.verdict import Verdict
from reports.view import WIDE, Case, Section, several

#: Causes on the first page, ways of one case on a stack that are shown in full, and rigs of one way that are named.
CAUSES: Final = 300
WAYS: Final = 12
RIGS: Final = 100
#: Rows of cases by stack on the first page, beyond which a case has one row a state.
ROWS: Final = 30_000
#: What stands in such a row in the place of a group.
_ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Shown:
    """One way in which a case went on the rigs of a group, ready to be written."""

    state: str
    count: int
    sample: Mapping[str, Any]
    shown: list[Mapping[str, Any]]
    advice: str


def farm(found: Fleet, judged: Verdict, run: str) -> Iterator[tuple[str, str]]:
    """(file name, page) of the first page and of those of the sections."""
    files = file_names(found.folded.sections)
    home = {case.name: files[s.key] for s in found.folded.sections for case in s.cases}
    causes = [cause for cause in judged.causes if cause.shown]
    common = {
        "causes": causes,
        "deviations_of": deviations_of(causes),
        "most_findings": FINDINGS,
        "tallies": _tallies(found),
        "files": files,
        "case_at": lambda name: f"{home[name]}{anchor('case', name)}" if name in home else "#cases",
        "column": "stack and version" if len(found.page.rigs) > WIDE else "rig",
        "needs": Again(found.page),
        "places": {_ALL: "-"} | {group.name: place for place, group in enumerate(found.groups)},
        "breaks_a_must": breaks_a_must,
        "all_effects": effects,
        "where": found.where if len(found.page.rigs) > WIDE else several,
        "sizes": {group.name: len(group.rigs) for group in found.groups},
    }
    yield "index.html", page("farm.html.j2", f"Keyhole run {run}", **common, **_index(found, judged))
    for section in found.folded.sections:
        shown = replace(found.folded, sections=[section])
        yield (
            files[section.key],
            page(
                "cases.html.j2",
                f"{section.title} in run {run}",
                page=shown,
                totals=totals(shown),
                calm=calm_in(shown),
                cause_at=lambda key: f"index.html{anchor('cause', key)}",
                full_of=partial(_full_of, found),
                green_of=partial(_green_of, found),
                left_out=partial(_left_out, found),
                **common,
            ),
        )


def file_names(sections: list[Section]) -> dict[str, str]:
    """A file for each section: like its key, safe whatever that is, and each only once."""
    made: dict[str, str] = {}
    for section in sections:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", section.key).strip(".-")[:80] or "section"
        names = (f"cases-{plain}{f'-{number}' if number > 1 else ''}.html" for number in count(1))
        taken = {name.lower() for name in made.values()}
        made[section.key] = next(name for name in names if name.lower() not in taken)
    return made


def _index(found: Fleet, judged: Verdict) -> dict[str, Any]:
    shown, many = found.folded, len(found.page.rigs) > WIDE
    by_stack = "One line for each stack and version, worst first; its rigs are inside."
    intro = by_stack if many else "One line for each rig, worst first."
    words = {group.name: group.words for group in found.groups}
    groups = lines_of_groups(found, judged)
    answers: dict[str, list[str]] = {}
    for group, line, _, _ in groups:
        answers.setdefault(line.fit, []).append(group.name)
    return {
        "page": shown,
        "verdict": judged,
        "groups": groups,
        "answers": sorted(answers.items(), key=lambda item: order_of(item[0])),
        "part_of": part_of((group.name, line) for group, line, _, _ in groups),
        "intro": intro,
        "columns": "Stacks and versions" if many else "Rigs",
        "about": lambda rig: rig.describe() if not many else words[rig.name],
        "bad": ("fail", "error", "unconfirmed", "inconclusive"),
        "met": lambda cause: "",  # of a farm the matrix tells: some rigs have met it, and some have not
        "totals": totals(shown),
        "grouped": grouped(shown),
        "unseen": [cause for cause in judged.causes if not cause.shown],
        "named": NAMED,
        "most_causes": CAUSES,
        "untried": _untried(found),
        "rows_of": _rows_of(found),
    }


def _tallies(found: Fleet) -> dict[str, Counter[str]]:
    made: dict[str, Counter[str]] = {}
    for name, groups in found.spread.items():
        tally = made[name] = Counter()
        for buckets in groups.values():
            for bucket in buckets:
                tally[bucket.state] += bucket.count
    return made


def _untried(found: Fleet) -> dict[str, dict[str, list[tuple[Case, int]]]]:
    """Group -> reason -> (case, rigs on which it was not tried)."""
    made: dict[str, dict[str, list[tuple[Case, int]]]] = {}
    for case, name, bucket in _buckets(found):
        if bucket.state == "unsupported":
            reasons = made.setdefault(name, {})
            reasons.setdefault(bucket.sample["reason"] or "unsaid", []).append((case, bucket.count))
    return made


def _buckets(found: Fleet) -> Iterator[tuple[Case, str, Bucket]]:
    for section in found.folded.sections:
        for case in section.cases:
            for group in found.groups:
                for bucket in found.spread[case.name].get(group.name, []):
                    yield case, group.name, bucket


def _rows_of(found: Fleet) -> Callable[[Case], list[tuple[str, Bucket]]]:
    """What the first page says of a case: states by group, or states alone where those would be too many rows."""
    by_group = sum(len(groups) for groups in found.spread.values()) <= ROWS

    def rows(case: Case) -> list[tuple[str, Bucket]]:
        made: dict[tuple[str, str], Bucket] = {}
        for group in found.groups:
            for bucket in found.spread[case.name].get(group.name, []):
                name = group.name if by_group else _ALL
                row = made.setdefault((name, bucket.state), Bucket(bucket.state, bucket.sample))
                row.count += bucket.count
        return [(name, row) for (name, _), row in made.items()]

    return rows


def _ways(found: Fleet, case: Case, *, green: bool) -> Iterator[tuple[str, Bucket]]:
    for group in found.groups:
        for bucket in found.spread[case.name].get(group.name, []):
            if calm(bucket.sample) == green:
                yield group.name, bucket


def _full_of(found: Fleet, case: Case) -> Iterator[tuple[str, Shown]]:
    seen: Counter[str] = Counter()
    for name, bucket in _ways(found, case, green=False):
        seen[name] += 1
        if seen[name] <= WAYS:
            shown = [whole(result) for result in bucket.shown[:RIGS]]
            yield name, Shown(bucket.state, bucket.count, shown[0], shown, advice_of(bucket.sample))


def _left_out(found: Fleet, case: Case) -> int:
    seen = Counter(name for name, _ in _ways(found, case, green=False))
    return sum(max(0, number - WAYS) for number in seen.values())


def _green_of(found: Fleet, case: Case) -> list[tuple[str, Bucket]]:
    return list(_ways(found, case, green=True))
