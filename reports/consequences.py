"""Causes that follow from another one: said where the record proves it, and nowhere else.

Strategy: a node that lost its room for reassembly breaks every case that needs some, and a reader takes that for
as many faults. What follows from what is a table of codes that have a resource in common. The record proves it on
one rig when the order of its results says so (all that follows came behind the source), when the resource was
there before (a case of the functions of either was right in front of it) and never again (none was right between
the source and the last that follows, so no restart gave it back), and when the node was alive: that is in the code
itself, which counts only where a control was answered. Of a pool each rig is looked at by itself. A rig name under
which several boards or guests worked proves nothing, for their results are mixed. Nothing is hidden by it: what
follows stays a cause, with all its cases, behind what does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from reports.compact import whole
from reports.record import GOOD, Record, state
from reports.view import View

if TYPE_CHECKING:
    from reports.causes import Cause

#: What is used up, the codes that say that it is gone for good, and those that say that something did without.
LINKS: Final = (
    (
        "room for reassembly",
        ("not_released",),
        ("too_large", "no_room_for_two", "size-*", "fragments-of-*", "echo-*"),
    ),
)


@dataclass(frozen=True, slots=True)
class Follows:
    """That what a cause shows on one rig follows from another cause: how many of its results there, and the proof."""

    source: Cause
    rig: str
    resource: str
    count: int
    of: int
    #: The case that showed the source first, and when it began.
    first: str
    since: str
    #: Cases of the functions of source and consequence that were right in front of it.
    before: int

    def __str__(self) -> str:
        of = (
            f"{self.count} of its {self.of} results"
            if self.count < self.of
            else f"all {self.of} of its results"
        )
        cases = "case that tries it was" if self.before == 1 else "cases that try it were"
        which = of if self.of > 1 else "its result"
        return (
            f"follows from {self.source.title} on {self.rig}: {which} came behind {self.first} "
            f"({self.since or 'no time in the record'}), which used up the {self.resource}; {self.before} {cases} "
            "right in front of that, none between, and a control was answered each time"
        )


def join(page: View, causes: Iterable[Cause]) -> None:
    """Fill in `follows` of the causes that follow from another one."""
    found = [cause for cause in causes if cause.shown and cause.kind not in ("advice", "error")]
    for resource, of_source, of_effect in LINKS:
        sources = [cause for cause in found if _has(cause, of_source)]
        effects = [cause for cause in found if _has(cause, of_effect)]
        rigs = {str(result["rig"]) for cause in sources for _, _, result in cause.shown}
        if not rigs.intersection(result["rig"] for cause in effects for _, _, result in cause.shown):
            continue
        for rig, order in _orders(page.record, rigs).items():
            for effect in effects:
                made = [
                    told
                    for source in sources
                    if source is not effect
                    and (told := _proved(order, rig, resource, source, effect, of_effect))
                ]
                effect.follows += sorted(made, key=lambda told: -told.count)[:1]


def _has(cause: Cause, codes: tuple[str, ...]) -> bool:
    return any(fnmatchcase(found["code"], code) for found in cause.findings for code in codes)


def _orders(record: Record, rigs: set[str]) -> dict[str, list[Mapping[str, Any]]]:
    """The results of some rigs in the order in which they came; of one board each, under its name."""
    leased = [line["rig"] for line in record.rigs if line.get("event") == "leased"]
    asked = {rig for rig in rigs if leased.count(rig) < 2}
    found: dict[str, list[Mapping[str, Any]]] = {}
    for result in record.results:
        if result["rig"] in asked:
            found.setdefault(result["rig"], []).append(result)
    return found


def _proved(
    order: list[Mapping[str, Any]],
    rig: str,
    resource: str,
    source: Cause,
    effect: Cause,
    codes: tuple[str, ...],
) -> Follows | None:
    """What the results of one rig prove; None where they do not."""
    shows_source, shows_effect = (
        {case.name for _, case, result in cause.shown if result["rig"] == rig} for cause in (source, effect)
    )
    places = {result["case"]: place for place, result in enumerate(order)}
    first = min((places[case] for case in shows_source), default=None)
    if first is None:
        return None
    behind = [
        case for case in shows_effect if places[case] > first and _only(order[places[case]], effect, codes)
    ]
    if not behind:
        return None
    last = max(places[case] for case in behind)
    # what shows the source tries the resource as well as what follows from it
    functions = {case.partition("[")[0] for case in shows_effect | shows_source}
    alike = [result for result in order if result["case"].partition("[")[0] in functions]
    right = [places[result["case"]] for result in alike if state(result) in GOOD]
    before = sum(place < first for place in right)
    if not before or any(first < place < last for place in right):
        return None
    began = whole(order[first])
    return Follows(
        *(source, rig, resource, len(behind), len(shows_effect)),
        *(str(began["case"]), str(began.get("t", "")), before),
    )


def _only(result: Mapping[str, Any], effect: Cause, codes: tuple[str, ...]) -> bool:
    """Whether all that a result shows of a cause is what follows."""
    mine = [found for found in result["findings"] if effect.owns(found)]
    return bool(mine) and all(any(fnmatchcase(found["code"], code) for code in codes) for found in mine)
