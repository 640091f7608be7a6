"""The first thing that a reader wants to know: is it good? One line for each rig, and one for the whole run.

Strategy: the words are made here once, for the page, the summary and the badge, so that they cannot disagree. A
line says what is new, then what is known and how grave the worst of it is, then what is not known: inconclusive and
not tried. "Good" is never said of a run that was interrupted, that tried nothing, or of which a part was chosen,
without saying so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reports.causes import KINDS, Cause, causes
from reports.record import REASONS
from reports.severity import SEVERITIES, place_of
from reports.view import Rig, View, partial

#: States of a rig and of a run, worst first.
ORDER: Final = ("fail", "error", "unconfirmed", "inconclusive", "known", "pass")


@dataclass(frozen=True, slots=True)
class NotTried:
    """Cases of a rig that were not tried: how many, and why in words.

    `reason` is a key of `REASONS`, or another word.
    """

    count: int
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """The verdict on one rig. `state` is that of its colour and sign, a key of `reports.view.SIGNS`."""

    rig: Rig
    state: str
    words: str
    #: Counts of causes and cases: "2 new failures in 14 cases".
    told: list[str]
    worst: Cause | None
    not_tried: list[NotTried]
    counts: Counter[str]

    @property
    def tried(self) -> int:
        return sum(count for name, count in self.counts.items() if name != "unsupported")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a run."""

    state: str
    words: str
    lines: list[Line]
    causes: list[Cause]
    #: What limits it: interrupted, a part of the cases, ...
    limits: list[str]
    #: The gravest fault of any node; advice is none.
    worst: Cause | None = None


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
    words = _words(state, lines, found, interrupted=page.record.interrupted)
    faults = (line.worst for line in lines if line.worst and line.worst.kind != "advice")
    return Verdict(state, words, lines, found, limits, gravest(faults))


def _line(page: View, rig: Rig, mine: list[Cause]) -> Line:
    counts = page.counts(rig.name)
    told = []
    for kind, name in KINDS.items():
        of_kind = [cause for cause in mine if cause.kind == kind]
        if not of_kind:
            continue
        cases: set[str] = set().union(*(cause.cases_by_rig[rig.name] for cause in of_kind))
        told.append(f"{plural(len(of_kind), name)} in {plural(len(cases), 'case')}")
    tried = sum(count for name, count in counts.items() if name not in ("unsupported", "inconclusive"))
    state = next((name for name in ORDER if counts[name]), "pass") if tried else "inconclusive"
    words = {
        "fail": "Not good: it fails in ways that its profile does not declare",
        "error": "Not judged in full: the suite itself failed",
        "unconfirmed": "Not good: it fails in ways that its profile declares for other versions only",
        "inconclusive": "Not judged in full: the rig or the medium failed in "
        f"{counts['inconclusive']} of {plural(tried + counts['inconclusive'], 'case')}"
        + ("; faulty, as declared, in the others" if counts["known"] else ""),
        "known": "Faulty, as declared: it fails in ways that its profile declares, and in no other",
        "pass": "Good: no failure in what was tried",
    }[state]
    if not tried:
        words = "Not judged: no case was tried"
    if counts["inconclusive"]:
        told.append(f"{plural(counts['inconclusive'], 'case')} inconclusive")
    harmful = [cause for cause in mine if cause.kind != "error"]
    return Line(rig, state, words, told, gravest(harmful), _not_tried(page, rig), counts)


def badness(line: Line) -> tuple[int, int]:
    """Key that puts the worst state first, and of one state the worst effect."""
    return ORDER.index(line.state), line.worst.rank if line.worst else place_of(None)


def gravest(found: Iterable[Cause]) -> Cause | None:
    """The first of the causes with the worst effect; None of none."""
    return min(found, key=lambda cause: cause.rank, default=None)


def _not_tried(page: View, rig: Rig) -> list[NotTried]:
    listed = [
        NotTried(count, reason, REASONS.get(reason, "the record does not say why"))
        for reason, count in sorted(page.reasons(rig.name).items(), key=lambda item: (-item[1], item[0]))
    ]
    if rig.not_chosen:
        chosen = page.chosen()
        by = f"left out by the command line ({chosen})" if chosen else "left out by the command line"
        listed.append(NotTried(rig.not_chosen, "not_chosen", by))
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
    said += [f"{rig.name}: {note}" for rig in page.rigs for note in rig.notes]
    return said


def _words(state: str, lines: list[Line], found: list[Cause], *, interrupted: bool) -> str:
    if not lines:
        return "Nothing is known: the record has no results."
    news = [cause for cause in found if cause.kind in ("fail", "unconfirmed")]
    rigs = {rig.name for cause in news for rig in cause.rigs}
    if state in ("fail", "unconfirmed"):
        return f"Not good: {plural(len(news), 'new failure')} on {plural(len(rigs), 'rig')} of {len(lines)}."
    told = _known(found)
    known = f"; faulty as declared: {told}" if told else ""
    if state == "error":
        return f"Not judged in full: the suite itself failed; no new failure of a node{known}."
    if interrupted:
        return f"Not judged in full: the run was interrupted; no new failure so far{known}."
    if state == "inconclusive":
        unsure = sum(line.counts["inconclusive"] for line in lines)
        tried = f"{unsure} of {sum(line.tried for line in lines)} results are inconclusive"
        return f"Not judged in full: {tried if unsure else 'nothing was tried'}; no new failure{known}."
    if state == "known":
        return f"Faulty as declared: no new failure; {told}."
    return "Good: no failure in what was tried."


def _known(found: list[Cause]) -> str:
    """How many faults are known, and how grave they are; empty for none."""
    known = [cause for cause in found if cause.kind == "known" and cause.shown]
    if not known:
        return ""
    grave = Counter(cause.severity for cause in known)
    told = ", ".join(f"{grave[name]} {name}" for name in SEVERITIES if grave[name])
    return plural(len(known), "known deviation") + (f" ({told})" if told else "")


def plural(count: int, word: str) -> str:
    """A count with its word: "1 case", "3 new failures", "2 errors of the suite"."""
    if count == 1:
        return f"1 {word}"
    if word == "advice not followed":
        return f"{count} pieces of {word}"
    if word == "stack and version":
        return f"{count} stacks and versions"
    head, of, rest = word.partition(" of ")
    return f"{count} {head}s{of}{rest}"
