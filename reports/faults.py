"""The distinct faults of a node, counted as whoever decides about it asks: how many, which break a MUST, declared?

Strategy: a fault is one cause (`reports.causes`) that breaks something which binds; advice and errors of the suite are
none. Whether it breaks a MUST is asked of the catalogue: a row without a key word is a format that the text defines,
which binds as well. Whether a node is fit to ship follows from the worst effect alone (`FIT`), so that no sum of small
faults outweighs a crash, and from whether anything new is among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from reports.causes import Cause
from reports.severity import EFFECTS, Effect
from vectors.catalogue import CATALOGUE
from vectors.codes import DEATHS

#: Kinds of causes that are faults, and whether they are news: declared neither for this version nor for any.
_FAULTS: Final = {"fail": True, "unconfirmed": True, "known": False}
_MUST: Final = frozenset({"MUST", "MUST NOT"})
#: Severity of the worst fault -> whether the node is fit to ship; the page and docs/reports.md say what each means.
FIT: Final = {
    "critical": "no",
    "serious": "not as it is",
    "moderate": "with limits",
    "minor": "with limits",
}


#: The answers of `fit`, worst first, by how they begin.
ANSWERS: Final = ("no", "not as it is", "with limits", "cannot be told", "nothing found")


def order_of(answer: str) -> int:
    """The place of an answer of `fit` among all, worst first."""
    return max((place for place, begin in enumerate(ANSWERS) if answer.startswith(begin)), default=0)


def is_fault(cause: Cause) -> bool:
    """Whether a cause is a fault of the node that this run has seen."""
    return cause.kind in _FAULTS and bool(cause.shown)


def breaks_a_must(cause: Cause) -> bool:
    """Whether one of its findings breaks a MUST or MUST NOT of an RFC; a limit of whoever runs the rig is none."""
    return cause.kind in _FAULTS and any(map(_of_a_must, cause.findings))


def _of_a_must(finding: Mapping[str, Any]) -> bool:
    row = CATALOGUE.get(finding["requirement"])
    if row is None:  # of another version of the suite
        return finding["level"] in _MUST
    return row.rfc is not None and row.level in _MUST


@dataclass(frozen=True)
class Faults:
    """The faults of one node or of several; `causes` with the worst effect first."""

    causes: tuple[Cause, ...]
    #: Those that are one of `causes` in cases that its declaration does not name (`Cause.again`).
    beyond: tuple[Cause, ...] = ()

    @classmethod
    def among(cls, found: Iterable[Cause]) -> Faults:
        """Those of the causes that are faults."""
        faults = sorted(filter(is_fault, found), key=lambda cause: cause.rank)
        known = {name for one in faults if one.kind == "known" for name in (one.name, *one.parts)}
        return cls(
            tuple(one for one in faults if one.again not in known),
            tuple(one for one in faults if one.again),
        )

    @cached_property
    def news(self) -> list[Cause]:
        """Those that no profile declares for the version that was tried."""
        return [cause for cause in self.causes if _FAULTS[cause.kind] and not cause.again]

    @property
    def new(self) -> int:
        """How many of them are declared nowhere."""
        return len(self.news)

    @property
    def news_beside(self) -> list[Cause]:
        """Those, where the worst of all is none of them."""
        return [] if self.news[:1] and self.news[0] is self.worst else self.news

    @cached_property
    def musts(self) -> int:
        """How many break a MUST of an RFC."""
        return sum(map(breaks_a_must, self.causes))

    @cached_property
    def deaths(self) -> int:
        """How many are deaths of the node: no RFC says MUST there, and this project does (`vectors.codes.BREAKS`)."""
        return sum(any(found["code"] in DEATHS for found in cause.findings) for cause in self.causes)

    @property
    def worst(self) -> Cause | None:
        """The one with the worst effect."""
        return self.causes[0] if self.causes else None

    @cached_property
    def effects(self) -> list[tuple[Effect, int]]:
        """How many have which effect, worst first."""
        counts = Counter(cause.effect for cause in self.causes)
        return [(effect, counts[effect]) for effect in EFFECTS if counts[effect]]

    @property
    def words(self) -> str:
        """How many, how many of them break a MUST, and how many are declared; empty for none."""
        return self.told(0)

    def told(self, by_node: int) -> str:
        """The same; where `by_node`, the sum of the counts of all nodes, is another figure, it says why."""
        count, musts, deaths, new = len(self.causes), self.musts, self.deaths, self.new
        if not count:
            return ""
        if count == 1:
            must = "it breaks a MUST of an RFC" if musts else "it breaks no MUST of an RFC"
            must = "it takes the node out of service" if deaths else must
            shared = f" (shared by {by_node} nodes)" if by_node > count else ""
            news = "not declared in the profile" if new else "declared in the profile (known, not accepted)"
            return f"1 distinct fault{shared}: {must}, and is {news}{self._beyond}"
        of = [f"{musts} of them {'breaks' if musts == 1 else 'break'} a MUST of an RFC"] if musts else []
        of += [f"{deaths} {'takes' if deaths == 1 else 'take'} the node out of service"] if deaths else []
        most = ", ".join(of)
        news = f"{count - new} declared, {new} not"
        news = (
            "none is declared" if new == count else news if new else "all are declared (known, not accepted)"
        )
        follow = sum(cause.consequence for cause in self.causes)
        told = f"; {follow} of them {'follows' if follow == 1 else 'follow'} from another" if follow else ""
        shared = f" ({by_node} counted by node: some are shared)" if by_node > count else ""
        return f"{count} distinct faults{shared}, {most or 'none of them breaks a MUST'}; {news}{self._beyond}{told}"

    @property
    def _beyond(self) -> str:
        names = ", ".join(dict.fromkeys(one.again for one in self.beyond))
        cases = sum(len(one.cases) for one in self.beyond)
        more = "1 case" if cases == 1 else f"{cases} cases"
        return f"; {names} shows in {more} for which it is not declared" * bool(names)


def fit(faults: Faults, share: str) -> str:
    """Whether a node is fit to ship, in few words. `share` is what was tried of it ("0 %": nothing)."""
    if faults.worst is not None:
        found = FIT.get(faults.worst.severity, "no")
        return "not as it is" if faults.new and found == "with limits" else found
    if share == "0 %":
        return "cannot be told"
    return "nothing found against it" + ("" if share == "100 %" else f" in the {share} that was tried")
