"""Many rigs as a reader can take them in: by stack and version, with the rigs inside.

Strategy: what a farm asks is "which version is wrong, and on how many rigs". So rigs with the same DUT are one
`Group`; what its rigs have in one case is sorted into `Bucket`s, one for each way in which it went, with one
result that stands for all of it. `fold` makes a `View` of the groups, in which a case has for each group the result
of the rig where it went worst: what writes pages of rigs writes pages of groups.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reports.compact import alike, calm
from reports.coverage import together
from reports.faults import Faults
from reports.record import state
from reports.verdict import ORDER, Line, NotTried, Verdict, badness, gravest, plural
from reports.view import STATES, WIDE, Case, Rig, Section, View, natural

_RANK: Final = {name: place for place, name in enumerate(STATES)}


@dataclass(slots=True)
class Group:
    """Rigs with the same DUT: `rig` is what stands for all of them, under the group's name."""

    rig: Rig
    rigs: list[Rig] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.rig.name

    @property
    def words(self) -> str:
        return plural(len(self.rigs), "rig")


@dataclass(slots=True)
class Bucket:
    """Results of a group in one case that are alike: how many, and which when they are not green."""

    state: str
    sample: Mapping[str, Any]
    count: int = 0
    shown: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Fleet:
    """The groups of a view, and what each has in each case: case -> group -> buckets, worst first."""

    page: View
    groups: list[Group]
    spread: dict[str, dict[str, list[Bucket]]]
    folded: View

    def where(self, rigs: Sequence[Rig]) -> str:
        """Rigs by stack and version: "lwip 2.2.0 (80 of 84 rigs), ..."."""
        there = {rig.name for rig in rigs}
        told = []
        for group in self.groups:
            number = sum(rig.name in there for rig in group.rigs)
            if number:
                told.append(f"{group.name} ({number} of {group.words})")
        return ", ".join(told[:WIDE]) + (f" and {len(told) - WIDE} more" if len(told) > WIDE else "")


def fleet(page: View) -> Fleet:
    """Group the rigs of a view; once for each view."""
    return page.once(_fleet)


def _fleet(page: View) -> Fleet:
    groups = _groups(page)
    owner = {rig.name: group.name for group in groups for rig in group.rigs}
    spread = {case.name: _spread(case, owner) for section in page.sections for case in section.cases}
    return Fleet(page, groups, spread, _fold(page, groups, owner, spread))


def _groups(page: View) -> list[Group]:
    many = len(page.rigs) > WIDE
    found: dict[Hashable, Group] = {}
    for rig in page.rigs:
        told = rig.describe() if many else ""  # what is not known to be the same DUT is not put with others
        key: Hashable = (told, rig.profile) if told else rig.name
        if key not in found:
            stands = replace(rig, name=told or rig.name)
            stands.deviations, stands.events, stands.notes = dict(rig.deviations), [], []
            stands.taken, stands.left_out = None, Counter()
            found[key] = Group(stands)
        group = found[key]
        group.rigs.append(rig)
        group.rig.deviations.update(rig.deviations)
        group.rig.left_out.update(rig.left_out)
    times = Counter(group.name for group in found.values())
    for group in found.values():
        if times[group.name] > 1:  # one stack under several profiles
            group.rig.name = f"{group.name} ({group.rig.profile or 'no profile'})"
    return sorted(found.values(), key=lambda group: natural(group.name))


def _spread(case: Case, owner: Mapping[str, str]) -> dict[str, list[Bucket]]:
    found: dict[str, dict[Hashable, Bucket]] = {}
    for rig, result in case.results.items():
        buckets = found.setdefault(owner[rig], {})
        key = alike(result)
        bucket = buckets.get(key)
        if bucket is None:
            bucket = buckets[key] = Bucket(state(result), result)
        bucket.count += 1
        if not calm(result):
            bucket.shown.append(result)
    return {
        group: sorted(buckets.values(), key=lambda one: (_RANK[one.state], -one.count))
        for group, buckets in found.items()
    }


def _fold(
    page: View, groups: list[Group], owner: Mapping[str, str], spread: Mapping[str, dict[str, list[Bucket]]]
) -> View:
    sections = []
    for section in page.sections:
        cases = []
        for case in section.cases:
            results = {name: buckets[0].sample for name, buckets in spread[case.name].items()}
            cases.append(replace(case, results=results))
        counts: dict[str, Counter[str]] = {}
        for case in cases:
            for name, buckets in spread[case.name].items():
                for bucket in buckets:
                    counts.setdefault(name, Counter())[bucket.state] += bucket.count
        sections.append(Section(section.key, section.title, cases, counts))
    measured = _pooled(page.record.measurements, owner)
    record = replace(page.record, measurements=measured)
    return View(record, [group.rig for group in groups], sections)


def _pooled(lines: list[dict[str, Any]], owner: Mapping[str, str]) -> list[dict[str, Any]]:
    """One measurement for all rigs of a group, with the values of all.

    What is no sample of values (a series over time, a map of sizes, a figure of its own) stays that of its rig.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    alone: list[dict[str, Any]] = []
    for line in lines:
        parameters = line["parameters"]
        series = "period" in parameters or "tried" in parameters or line["name"].endswith("minute")
        if series or line["figure"] or line["rig"] not in owner:
            alone.append(line)
            continue
        told = json.dumps(parameters, sort_keys=True, default=str)
        key = owner[line["rig"]], line["case"], line["name"], line["unit"], told
        if key not in found:
            found[key] = {**line, "rig": key[0], "values": []}
        found[key]["values"] += line["values"]
    return [*found.values(), *alone]


def lines_of_groups(found: Fleet, judged: Verdict) -> list[tuple[Group, Line, Counter[str], list[Line]]]:
    """(group, its line, rigs by state, the lines of its rigs with the worst first) for each group, worst first."""
    by_rig = {line.rig.name: line for line in judged.lines}
    made = []
    for group in found.groups:
        lines = sorted((by_rig[rig.name] for rig in group.rigs), key=badness)
        states = Counter(line.state for line in lines)
        counts: Counter[str] = Counter()
        untried: dict[tuple[str, str, bool], int] = {}
        for line in lines:
            counts.update(line.counts)
            for one in line.not_tried:
                key = one.reason, one.words, one.before
                untried[key] = untried.get(key, 0) + one.count
        worst = lines[0]
        told = [
            f"{plural(count, 'rig')} of {len(lines)}: {_STATES[name]}" for name, count in _ordered(states)
        ]
        not_tried = [NotTried(count, *key) for key, count in untried.items()]
        grave = gravest(line.worst for line in lines if line.worst)
        faults = Faults.among({id(c): c for line in lines for c in line.faults.causes}.values())
        parts = together(line.parts for line in lines)
        line = Line(group.rig, worst.state, worst.words, told, grave, not_tried, counts, faults, parts)
        made.append((group, line, states, lines))
    return sorted(made, key=lambda one: badness(one[1]))


_STATES: Final = {
    "fail": "undeclared failures",
    "error": "errors of the suite",
    "unconfirmed": "failures declared for other versions",
    "inconclusive": "not judged in full",
    "known": "faulty as declared",
    "pass": "good",
}


def _ordered(states: Counter[str]) -> list[tuple[str, int]]:
    return [(name, states[name]) for name in ORDER if states[name]]
