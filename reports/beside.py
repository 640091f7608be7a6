"""What stands beside the sentence of a cause: what else it does, and which declared one has the same sentence.

Strategy: the heading of a known deviation is its profile's, and the sentence for users is of its worst effect; where
its cases show more effects than that, all are listed with the declaration that each is by. Two causes of one sentence
are told apart by what the declaration does not name, and by what the packets carry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from reports.proof import octets_of, read_by_oracle
from reports.severity import Effect, effect_of, place_of

if TYPE_CHECKING:
    from reports.causes import Cause

#: Next Header -> what the packet carries; the tree of a compressed UDP header has none.
_CARRIED: Final[Mapping[str, str]] = {"6": "TCP", "17": "UDP", "58": "ICMPv6"}
_NEXT: Final = re.compile(r"\bNext Header = (\d+)")
_UDP: Final = re.compile(r"\bNHC\b.*\bUDP\b")
#: Cases that a sentence names.
_NAMED: Final = 3


def effects(cause: Cause) -> str:
    """All effects that the cases of a cause show, worst first, each with its declaration; empty for one."""
    found: dict[Effect, tuple[set[str], dict[str, None]]] = {}
    for _, case, result in cause.shown:
        for finding in filter(cause.owns, result["findings"]):
            cases, names = found.setdefault(effect_of(finding), (set(), {}))
            cases.add(case.name)
            names.update(dict.fromkeys(filter(None, str(finding.get("known") or "").split(","))))
    if len(found) < 2:
        return ""
    told = []
    for effect in sorted(found, key=place_of):
        cases, names = found[effect]
        by = f" ({', '.join(names)})" if cause.parts and names else ""
        told.append(f"{effect.name} in {len(cases)} case{'s' * (len(cases) > 1)}{by}")
    return f"Its cases show more than one effect: {'; '.join(told)}."


def tell_apart(causes: Iterable[Cause]) -> None:
    """Fill in `namesake`, `packets` of what is not declared, with the effect and packets of what is, on one rig."""
    shown = [cause for cause in causes if cause.findings]
    declared = [cause for cause in shown if cause.kind == "known"]
    for cause in shown:
        if cause.kind != "fail":
            continue
        for other in declared:
            if _alike(cause, other):
                cause.namesake, cause.packets = _apart(cause, other), _packets(cause, other)
                break


def _alike(cause: Cause, other: Cause) -> bool:
    return (
        not cause.cases_by_rig.keys().isdisjoint(other.cases_by_rig)
        and cause.effect is other.effect
        and cause.subject == other.subject
        and cause.scope.words == other.scope.words
    )


def _apart(cause: Cause, other: Cause) -> str:
    names = [case.name for case in cause.cases]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"The same effect is declared as {other.title}, and that declaration does not cover "
        f"{', '.join(names[:_NAMED])}{more}: so this one is counted by itself."
    )


def _packets(cause: Cause, other: Cause) -> str:
    here, there = carried(cause), carried(other)
    return f"The packet shown here carries {here}, the one there {there}." if here and there != here else ""


def carried(cause: Cause) -> str:
    """What the packet of the example carries, by its name; empty where its frame does not tell."""
    sample = cause.example()
    findings = sample[2]["findings"] if sample else []
    octets = octets_of(str(findings[0].get("frame") or "")) if findings else None
    tree = read_by_oracle(octets, cause.link) if octets else ""
    if found := _NEXT.search(tree):
        return _CARRIED.get(found[1], "")
    return "UDP" if _UDP.search(tree) else ""
