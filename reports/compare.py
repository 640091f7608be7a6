"""Two records side by side: what got worse, what got better, what is no longer or newly tried.

Strategy: verdicts are compared, case by case and rig by rig, never counts: ten cases fixed do not pay for
one that broke. A result that exists on one side only is `gone` or `added`. What is gone is no regression by itself,
but that of a rig nothing is left is; so is a case that is added and fails, and one of which nothing is known any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from reports.record import Record, RecordError, state
from reports.text import one_line
from reports.view import natural, view

BAD = ("fail", "error", "unconfirmed")
#: States in which something is known about the DUT.
_TOLD = ("pass", "harmless", "known", "unconfirmed", "fail")


@dataclass(frozen=True, slots=True)
class Change:
    """One case on one rig: the state before and after; None where it has no result."""

    case: str
    rig: str
    before: str | None
    after: str | None
    detail: str = ""

    def __str__(self) -> str:
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.rig}  {self.case}  {self.before or 'absent'} -> {self.after or 'absent'}{detail}"


@dataclass(slots=True)
class Comparison:
    """All changes, by what they mean."""

    new_failures: list[Change] = field(default_factory=list)
    new_findings: list[Change] = field(default_factory=list)
    unclear: list[Change] = field(default_factory=list)
    fixed: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    gone: list[Change] = field(default_factory=list)
    added: list[Change] = field(default_factory=list)
    same: int = 0
    #: What keeps the two from being compared: an interrupted run, a rig without any case.
    troubles: list[str] = field(default_factory=list)

    @property
    def regressions(self) -> list[Change]:
        """New failures, new breaches in cases that failed before, and cases that tell nothing any more."""
        return [*self.new_failures, *self.new_findings, *self.unclear]

    @property
    def bad(self) -> bool:
        """Whether the comparison fails."""
        return bool(self.regressions or self.troubles)


Key = tuple[str, str]


def compare(before: Record, after: Record, match: Mapping[str, str] | None = None) -> Comparison:
    """Compare two records. `match` maps a rig name of the first to the name it has in the second.

    Raises `RecordError` for a name in `match` that no rig has.
    """
    _check(before, after, match or {})
    old = _results(before, match or {})
    new = _results(after, {})
    found = Comparison()
    for key in sorted({*old, *new}, key=lambda k: (natural(k[1]), natural(k[0]))):
        was, now = old.get(key), new.get(key)
        change = Change(*key, was[0] if was else None, now[0] if now else None)
        _file(found, change, was[1] if was else frozenset(), now[1] if now else frozenset())
    found.troubles = _troubles(before, after, old, new)
    return found


def _check(before: Record, after: Record, match: Mapping[str, str]) -> None:
    for record, names in ((before, match.keys()), (after, match.values())):
        rigs = {rig.name for rig in view(record).rigs}
        for name in names:
            if name not in rigs:
                there = ", ".join(sorted(rigs, key=natural)) or "none"
                raise RecordError(f"--match: {record.path} has no rig {name!r}; there are: {there}")


def _troubles(
    before: Record, after: Record, old: Mapping[Key, object], new: Mapping[Key, object]
) -> list[str]:
    """What keeps two records from being compared."""
    told = [
        f"{one_line(record.path)} is an interrupted run" for record in (before, after) if record.interrupted
    ]
    rigs = {rig for _, rig in old}
    common = rigs & ({rig for _, rig in new} | {rig.name for rig in view(after).rigs})
    if rigs and not common:
        told.append(f"no rig of {one_line(before.path)} has a result in {one_line(after.path)}")
    told += [
        f"all cases of {rig} are gone"
        for rig in sorted(common, key=natural)
        if not any(key in new for key in old if key[1] == rig)
    ]
    return told


def _file(found: Comparison, change: Change, was: frozenset[str], now: frozenset[str]) -> None:
    if change.after is None:
        found.gone.append(change)
    elif change.before is None and change.after not in BAD:
        found.added.append(change)
    elif change.after == "unconfirmed" and change.before == "known":
        found.changed.append(change)  # the same breach, in another version of the DUT
    elif change.after in BAD and change.before not in BAD:
        detail = ", ".join(sorted(now))
        found.new_failures.append(Change(change.case, change.rig, change.before, change.after, detail))
    elif change.after in BAD and now - was:
        detail = ", ".join(sorted(now - was))
        found.new_findings.append(Change(change.case, change.rig, change.before, change.after, detail))
    elif change.after == "inconclusive" and change.before in _TOLD:
        found.unclear.append(change)
    elif change.before in (*BAD, "known") and change.after == "pass":
        found.fixed.append(change)
    elif change.before != change.after:
        found.changed.append(change)
    else:
        found.same += 1


def _results(record: Record, match: Mapping[str, str]) -> dict[Key, tuple[str, frozenset[str]]]:
    return {
        (line["case"], match.get(line["rig"], line["rig"])): (
            state(line),
            frozenset(
                f"{f['code']} ({f['requirement']})" for f in line.get("findings", []) if not f.get("known")
            ),
        )
        for line in record.results
    }


def report(found: Comparison, limit: int | None = 20) -> str:
    """The comparison in words, worst first; long lists that are no regressions are counted by rig beyond `limit`."""
    titles = (
        ("New failures", found.new_failures),
        ("New findings in cases that failed before", found.new_findings),
        ("Nothing is known any more", found.unclear),
        ("Fixed", found.fixed),
        ("Changed", found.changed),
        ("Gone", found.gone),
        ("Added", found.added),
    )
    lines: list[str] = []
    for title, changes in titles:
        if not changes:
            continue
        lines.append(f"{title} ({len(changes)})")
        if limit is None or len(changes) <= limit or changes[0] in found.regressions:
            lines += [f"  {change}" for change in changes]
        else:
            counts = Counter(
                (change.rig, change.before or "absent", change.after or "absent") for change in changes
            )
            lines += [f"  {rig}  {count} cases {was} -> {now}" for (rig, was, now), count in counts.items()]
        lines.append("")
    lines += found.troubles
    lines.append(f"{found.same} unchanged, {len(found.regressions)} regressions")
    return "\n".join(lines)


def duts(before: Record, after: Record, match: Mapping[str, str] | None = None) -> list[str]:
    """One line for each rig of both records: which DUT it had, before and after."""
    old = {(match or {}).get(rig.name, rig.name): rig for rig in view(before).rigs}
    new = {rig.name: rig for rig in view(after).rigs}
    lines = []
    for name in sorted(old.keys() & new.keys(), key=natural):
        was, now = old[name].describe(), new[name].describe()
        lines.append(f"{name}: {was} -> {now}" if was != now else f"{name}: {now}")
    return lines
