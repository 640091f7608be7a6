"""The first thing that a reader wants to know: is it good? One line for each rig, and one for the whole run.

Strategy: the words are made here once, for the page, the summary and the badge, so that they cannot disagree. Two
questions are answered apart: whether a node is fit to ship, which its faults decide however long they are known
(`reports.faults`), and whether anything is new, which CI asks. Then comes what is not known: inconclusive and not
tried. "Good" is never said of a run that was interrupted, that tried nothing, or of which a part was chosen, without
saying so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reports import coverage
from reports.bench import radio
from reports.causes import KINDS, Cause, causes
from reports.faults import Faults, fit, order_of
from reports.pairs import cell_of
from reports.severity import NOTED, place_of
from reports.view import SIGNS, Rig, View, partial

#: Nodes that the first line names.
_BANNED: Final = 6
#: What holds where a profile does not fit the DUT.
_STANDS: Final = (
    "The failures below stand all the same: they are what the node did. Which cases were tried, and which failures "
    "count as declared, is by that profile."
)
#: What is counted beside faults, where the requirement binds.
_UNCHARGED: Final = "breach not charged to it"
#: States of a rig and of a run, worst first.
ORDER: Final = ("fail", "error", "unconfirmed", "inconclusive", "known", "pass")


@dataclass(frozen=True, slots=True)
class NotTried:
    """Cases of a rig that were not tried: how many, and why in words.

    `reason` is a key of `REASONS` or of `reports.coverage.LEFT_OUT`, or another word; `before` says that they were left
    out before they began, and count nowhere else.
    """

    count: int
    reason: str
    words: str
    before: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """The verdict on one rig. `state` is that of its colour and sign, a key of `reports.view.SIGNS`."""

    rig: Rig
    state: str
    words: str
    #: What there is beside faults: "2 pieces of advice not followed in 14 cases", "1 breach not charged to it ...".
    told: list[str]
    worst: Cause | None
    not_tried: list[NotTried]
    counts: Counter[str]
    faults: Faults
    #: What was tried of each document.
    parts: list[coverage.Part]
    #: Of a pair: which of the two nodes is to blame, in words.
    pair: str = ""

    @property
    def tried(self) -> int:
        """Cases that were tried, whatever came of it."""
        return coverage.tried(self.counts)

    @property
    def share(self) -> str:
        """The share of the cases that fit this rig which was tried."""
        return coverage.share(self.tried, self.counts.total())

    @property
    def fit(self) -> str:
        """Whether the node is fit to ship, in few words."""
        return fit(self.faults, self.share)

    @property
    def colour(self) -> str:
        """The state by which it is coloured: what must not be shipped looks as bad as what is newly broken."""
        return "fail" if self.fit in ("no", "not as it is") else self.state

    @property
    def sign(self) -> str:
        """The sign of its state: that of a failure where the node must not be shipped, whatever else is open."""
        return SIGNS["fail" if self.fit == "no" else self.state]

    @property
    def untouched(self) -> list[tuple[str, list[coverage.Part]]]:
        """Documents of which nothing at all was tried, by the reason in words."""
        found: dict[str, list[coverage.Part]] = {}
        for part in self.parts:
            if not part.tried:
                found.setdefault(part.why, []).append(part)
        return list(found.items())


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a run."""

    state: str
    words: str
    lines: list[Line]
    causes: list[Cause]
    #: What limits it: interrupted, a part of the cases, ...
    limits: list[str]
    #: The faults of all nodes, each once.
    faults: Faults
    #: A sentence on whether there was a radio.
    radio: str = ""

    @property
    def worst(self) -> Cause | None:
        """The gravest fault of any node; advice is none."""
        return self.faults.worst

    @property
    def rigs(self) -> str:
        """How many rigs there are, and how many nodes they are where some share their cases."""
        count = sum(len(line.rig.members) or 1 for line in self.lines)
        pools = any(line.rig.members for line in self.lines)
        return (
            plural(count, "rig")
            + f" as {plural(len(self.lines), 'node')} (the rigs of a pool are one)" * pools
        )

    @property
    def sign(self) -> str:
        """The sign of its first line: that of a failure where a node must not be shipped."""
        return SIGNS["fail" if self.unfit else self.state]

    @property
    def unfit(self) -> list[str]:
        """The nodes that must not be shipped."""
        return [line.rig.name for line in sorted(self.lines, key=badness) if line.fit == "no"]

    @property
    def fit(self) -> list[tuple[str, list[Line]]]:
        """Whether the nodes are fit to ship: (answer, the lines of those that have it), worst first."""
        found: dict[str, list[Line]] = {}
        for line in sorted(self.lines, key=badness):
            found.setdefault(line.fit, []).append(line)
        return sorted(found.items(), key=lambda item: order_of(item[0]))


def verdict(page: View) -> Verdict:
    """Say of a record whether it is good, rig by rig and as a whole; once for each view."""
    return page.once(_verdict)


def _verdict(page: View) -> Verdict:
    found = causes(page)
    mine: dict[str, list[Cause]] = {}
    for cause in found:
        for name in cause.cases_by_rig:
            mine.setdefault(name, []).append(cause)
    lines = [_line(page, rig, mine.get(rig.name, [])) for rig in page.rigs]
    limits = _limits(page)
    state = min((line.state for line in lines), key=ORDER.index, default="inconclusive")
    if page.record.interrupted and state in ("pass", "known"):
        state = "inconclusive"
    faults = Faults.among(found)
    words = _words(state, lines, faults, interrupted=page.record.interrupted)
    names = [name for rig in page.rigs for name in rig.members or (rig.name,)]
    return Verdict(state, words, lines, found, limits, faults, radio(page.record.header, names))


def _line(page: View, rig: Rig, mine: list[Cause]) -> Line:
    counts = page.counts(rig.name)
    told = []
    beside: dict[str, list[Cause]] = {KINDS["error"]: [], KINDS["advice"]: [], _UNCHARGED: []}
    for cause in mine:
        if cause.kind in ("error", "advice"):
            beside[_UNCHARGED if cause.effect is NOTED else KINDS[cause.kind]].append(cause)
    for what, those in beside.items():
        if those:
            cases: set[str] = set().union(*(cause.cases_by_rig[rig.name] for cause in those))
            told.append(f"{plural(len(those), what)} in {plural(len(cases), 'case')}")
    judged = sum(count for name, count in counts.items() if name not in ("unsupported", "inconclusive"))
    state = next((name for name in ORDER if counts[name]), "pass") if judged else "inconclusive"
    words = {
        "fail": "Not good: it fails in ways that its profile does not declare",
        "error": "Not judged in full: the suite itself failed",
        "unconfirmed": "Not good: it fails in ways that its profile declares for other versions only",
        "inconclusive": "Not judged in full: the rig or the medium failed in "
        f"{counts['inconclusive']} of {plural(judged + counts['inconclusive'], 'case')}"
        + (f"; of the others {counts['known']} failed, as its profile declares" if counts["known"] else ""),
        "known": "Faulty: it fails in ways that its profile declares, and in no other",
        "pass": "Good: no failure in what was tried",
    }[state]
    if not judged:
        words = "Not judged: no case was tried"
    if counts["inconclusive"]:
        told.append(f"{plural(counts['inconclusive'], 'case')} inconclusive")
    harmful = [cause for cause in mine if cause.kind != "error"]
    listed = _not_tried(page, rig)
    made = coverage.parts(page, rig.name)
    pair = cell_of(page, rig).words if rig.peer else ""
    return Line(rig, state, words, told, gravest(harmful), listed, counts, Faults.among(mine), made, pair)


def ban(names: Sequence[str]) -> str:
    """What the first line says of the nodes that are not fit to ship, by their names; empty for none."""
    more = f" and {len(names) - _BANNED} more" if len(names) > _BANNED else ""
    return f"Do not ship: {', '.join(names[:_BANNED])}{more}. " if names else ""


def badness(line: Line) -> tuple[int, int]:
    """Key that puts the worst state first, and of one state the worst effect."""
    return ORDER.index(line.state), line.worst.rank if line.worst else place_of(None)


def gravest(found: Iterable[Cause]) -> Cause | None:
    """The first of the causes with the worst effect; None of none."""
    return min(found, key=lambda cause: cause.rank, default=None)


def _not_tried(page: View, rig: Rig) -> list[NotTried]:
    reasons = sum(page.reasons(rig.name).values(), Counter[str]())
    inside = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    listed = [NotTried(count, reason, coverage.why(reason)) for reason, count in inside]
    for reason, count, words in coverage.left_out(rig, page.chosen()):
        listed.append(NotTried(count, reason, words, before=True))
    return listed


def _limits(page: View) -> list[str]:
    said = []
    if page.record.interrupted:
        torn = " Its last line is cut in the middle." if page.record.torn else ""
        said.append(
            f"This run was interrupted: its record has no footer.{torn} What is missing was not tried."
        )
    if part := partial(page.chosen(), page.rigs):
        said.append(f"Partial run: {part}.")
    notes = [f"{rig.name}: {note}" for rig in page.rigs for note in rig.notes]
    said += [f"{note}. {_STANDS}" for note in notes]
    return said


def _words(state: str, lines: list[Line], faults: Faults, *, interrupted: bool) -> str:
    if not lines:
        return "Nothing is known: the record has no results."
    all_told = faults.told(sum(len(line.faults.causes) for line in lines))
    if state in ("fail", "unconfirmed"):
        of = faults.news or faults.beyond
        rigs = {rig.name for cause in of for rig in cause.rigs}
        what = (
            plural(faults.new, "undeclared failure")
            if faults.new
            else "it died in a known way where its profile does not declare that,"
        )
        news = what + f" on {plural(len(rigs), 'rig')} of {len(lines)}" * (len(lines) > 1)
        news = news.rstrip(",")
        return f"Not good: {news}. {all_told[:1].upper()}{all_told[1:]}."
    # of faults that are all declared nothing is said to be undeclared: once is enough, and twice reads as praise
    known = all_told or "no undeclared failure"
    if state == "error":
        return f"Not judged in full: the suite itself failed; {known}{' of a node' * (not all_told)}."
    if interrupted:
        return f"Not judged in full: the run was interrupted; {known}{' so far' * (not all_told)}."
    if state == "inconclusive":
        unsure = sum(line.counts["inconclusive"] for line in lines)
        told = f"{unsure} of {sum(line.tried for line in lines)} results are inconclusive"
        idle = sum(not line.tried for line in lines)
        nothing = "nothing was tried" + (f" on {idle} of {len(lines)} rigs" if idle < len(lines) else "")
        return f"Not judged in full: {told if unsure else nothing}; {known}."
    if state == "known":
        return f"Faulty: {all_told}."
    return "Good: no failure in what was tried."


def plural(count: int, word: str) -> str:
    """A count with its word: "1 case", "3 undeclared failures", "2 errors of the suite"."""
    if count == 1:
        return f"1 {word}"
    if word == "advice not followed":
        return f"{count} pieces of {word}"
    if word == "stack and version":
        return f"{count} stacks and versions"
    if word == _UNCHARGED:
        return f"{count} breaches not charged to it"
    head, of, rest = word.partition(" of ")
    return f"{count} {head}s{of}{rest}"
