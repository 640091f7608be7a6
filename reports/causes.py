"""What went wrong, grouped by cause: one entry for one fault of a DUT, however many cases and rigs show it.

Strategy: a known deviation is one cause, whatever number of places its profile gives; an undeclared failure is one
cause with equal ones (`reports.record.group_of`). The same cause on several rigs is one entry that names them. Advice
that a case recorded beside a pass is a cause of its own kind, so that no green hides it. Worst first: news before
what is known, what follows from another cause (`reports.consequences`) behind what does not, then by what it does
(`reports.severity`), then by how many cases show that, then by how much it takes or is about
(`reports.notice.breadth`).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import islice
from typing import Any, Final

from reports.beside import tell_apart
from reports.compact import calm, framed, whole
from reports.consequences import Follows, join
from reports.deaths import PROOFS, died_again, dies_of, last_words, spelled, spoken, told
from reports.frames import Frame, proof_of
from reports.notice import about, breadth, notice, subject
from reports.proof import link_of, octets_of, payloads_of, read_by_oracle
from reports.record import GOOD, group_of, state
from reports.scope import Scope, right_of, right_too, scope_of
from reports.severity import Effect, code_of, effect_of, place_of, worst_effect
from reports.view import Case, Rig, View, known_of, natural
from vectors.catalogue import CATALOGUE
from vectors.codes import CODES, DEATHS

#: Kinds of causes, worst first, and what each is called where several are counted.
KINDS: Final = {
    "fail": "undeclared failure",
    "error": "error of the suite",
    "unconfirmed": "unconfirmed deviation",
    "known": "known deviation",
    "advice": "advice not followed",
}


#: Characters of the sentence that stands for a deviation.
_IN_SHORT: Final = 220
#: Results among which an example is chosen.
_LOOKED_AT: Final = 30


@dataclass
class Cause:
    """One fault: `shown` are the cases and results that show it, with the rig of each; all before anything is asked."""

    kind: str
    name: str
    title: str
    shown: list[tuple[Rig, Case, Mapping[str, Any]]] = field(default_factory=list)
    #: Of a known deviation: what the profile says of it. Rigs that declare it and do not show it are in `unseen`.
    deviation: dict[str, Any] = field(default_factory=dict)
    #: Deviations that name this one as their root, by id: they have the same cause, and are told with it.
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    unseen: list[Rig] = field(default_factory=list)
    #: Rigs in whose record the deviation is said to be over, in whole or in part.
    fixed: list[str] = field(default_factory=list)
    #: From which other cause it follows on which rig, as far as the record proves it.
    follows: list[Follows] = field(default_factory=list)
    #: Results of the same case functions on its rigs: how many are right, and of how many.
    alike: tuple[int, int] = (0, 0)
    #: The names of those that are right.
    alike_right: list[str] = field(default_factory=list)
    #: Of what no profile declares: which declared cause has its sentence; beside its frame: what the packets carry.
    namesake: str = ""
    packets: str = ""
    #: A case that was right with all that `scope` says; empty for none.
    right_too: str = ""
    #: Of deaths that end with the words of a deviation that names other cases: that one (`reports.deaths`).
    again: str = ""
    #: What nodes print as they end -> the deviation that says so.
    words: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"

    def said(self, name: str) -> str:
        """What the profile says of a deviation: `why`, `versions`, `frame`; empty where it says nothing."""
        return str(self.deviation.get(name) or "")

    @property
    def in_short(self) -> str:
        """The first sentence of what the profile says of a deviation, without its stop; cut at a word."""
        why = " ".join(self.said("why").split())
        first = re.split(r"(?<=\.) (?=[A-Z§\"])", why, maxsplit=1)[0].rstrip(".:;")
        return first if len(first) <= _IN_SHORT else f"{first[:_IN_SHORT].rpartition(' ')[0]} ..."

    @property
    def sentence(self) -> str:
        """What it is, in words: of a known deviation its id with what the profile says of it."""
        also = f" (with {', '.join(self.parts)})" if self.parts else ""
        return f"{self.title}{also}: {self.in_short}" if self.said("why") else f"{self.title}{also}"

    @cached_property
    def rigs(self) -> list[Rig]:
        return list({rig.name: rig for rig, _, _ in self.shown}.values())

    @cached_property
    def cases_by_rig(self) -> dict[str, set[str]]:
        """The cases that show it, rig by rig."""
        found: dict[str, set[str]] = {}
        for rig, case, _ in self.shown:
            found.setdefault(rig.name, set()).add(case.name)
        return found

    @cached_property
    def cases(self) -> list[Case]:
        return list({case.name: case for _, case, _ in self.shown}.values())

    @cached_property
    def findings(self) -> list[Mapping[str, Any]]:
        """The findings of the results that are this cause's."""
        return [found for _, _, result in self.shown for found in result["findings"] if self.owns(found)]

    def owns(self, finding: Mapping[str, Any]) -> bool:
        """Whether a finding of a result that shows the cause is this cause's."""
        if ended := spoken(finding, self.words):
            known = bool(finding.get("known") or finding.get("unconfirmed"))
            return self.again == ended if not known else ended in {self.name, *self.parts}
        if self.kind in ("known", "unconfirmed"):
            return not {self.name, *self.parts}.isdisjoint(str(finding.get(self.kind) or "").split(","))
        return not finding.get("known")

    @property
    def consequence(self) -> bool:
        """Whether all that it shows follows from other causes."""
        told = {one.rig: one for one in self.follows}
        where = (result["rig"] for _, _, result in self.shown)
        return bool(told) and all(rig in told and told[rig].count == told[rig].of for rig in where)

    @cached_property
    def effect(self) -> Effect | None:
        return worst_effect(self.findings)

    @cached_property
    def scope(self) -> Scope:
        """Whom and what it is about, as far as its frames show it."""
        return scope_of(self.shown, lambda finding: about(self, finding), self.link)

    @cached_property
    def subject(self) -> str:
        """Which of its findings `notice` is about: what most of its gravest have in common."""
        return subject(self)

    @cached_property
    def notice(self) -> str:
        """What a user of the node would notice, from what the record proves of it."""
        return f"{notice(self, self.scope)} {self.namesake}".strip()

    @property
    def severity(self) -> str:
        effect = self.effect
        return effect.severity if effect else ""

    @property
    def rank(self) -> int:
        """The place of its effect, worst first; behind all of them without one."""
        return place_of(self.effect)

    def demanded(self, limit: int = 4) -> list[str]:
        """Requirements that it breaks: of its findings, those that most of them break first.

        Of a deviation that no finding shows, the one row that its profile names; a pattern of several names none, for
        which of them is broken is not known then.
        """
        broken = Counter(found["requirement"] for found in self.findings)
        if broken:
            return [name for name, _ in broken.most_common(limit)]
        pattern = str(self.deviation.get("requirement") or "")
        named = [row for row in CATALOGUE if fnmatchcase(row, pattern)] or [pattern]
        return named if len(named) == 1 and pattern else []

    def example(self) -> tuple[Rig, Case, dict[str, Any]] | None:
        """The result that shows it best, with nothing in it but what is this cause's.

        The gravest finding, an annotated frame, of a deviation the finding that its profile names, a sequence where its
        frame is one of a sequence, of a death what killed again, and as little as it takes to send.
        """
        return self._example

    @cached_property
    def _example(self) -> tuple[Rig, Case, dict[str, Any]] | None:
        marked = [one for one in self.shown if framed(one[2])]
        grave_ones = (
            one for one in marked if worst_effect(filter(self.owns, one[2]["findings"])) is self.effect
        )
        best = list(islice(grave_ones, _LOOKED_AT)) or (marked or self.shown)[:1]
        read = [(rig, case, self._narrowed(rig, whole(result))) for rig, case, result in best]
        return min(read, key=lambda one: self._unlike(one[2]), default=None)

    def _unlike(self, result: Mapping[str, Any]) -> tuple[bool, int, bool, int, float]:
        """How badly a result shows what the profile says of a deviation; of equals the shortest stimulus is best."""
        found: Mapping[str, Any] = next(iter(result["findings"]), {})
        code, row = (str(self.deviation.get(key) or "*") for key in ("finding", "requirement"))
        named = fnmatchcase(str(found.get("code")), code) and fnmatchcase(str(found.get("requirement")), row)
        alone = self._of_a_sequence and len(payloads_of(result)) < 2
        # octets of memory that are all zero do not look like what they are
        empty = str(found.get("actual")).split().count("00") if found.get("code") == "quote_trailer" else 0
        proof = PROOFS.index(died_again(found)) if found.get("code") in DEATHS else 0
        size = dies_of([found]) if found.get("code") in DEATHS else len(result["stimulus"].strip())
        return not named, proof, alone, empty, size or math.inf

    @cached_property
    def _of_a_sequence(self) -> bool:
        """Whether the frame that the profile gives is a fragment: then one frame alone does not show it."""
        tree = read_by_oracle(octets_of(self.said("frame")) or b"", self.link)
        return " FRAG" in tree

    @property
    def link(self) -> str:
        """The kind of link of its rigs: "ble" or "ieee802154"."""
        return link_of((self.rigs or self.unseen or [Rig("")])[0])

    def proof(self) -> Frame | None:
        """The frame that the profile gives as its proof, as the oracle reads it; None where it gives none."""
        octets, code, row = (
            str(self.deviation.get(key) or "") for key in ("frame", "finding", "requirement")
        )
        shown = proof_of(octets, code, row, self.link)
        if shown and self.shown and code in DEATHS:
            above = "; what it took in this run stands above" if self.example() else ""
            shown.said = f"The node was lost behind this frame when the profile was written{above}."
        if shown and self._of_a_sequence:
            shown.said += " It is one of a sequence, of which the profile keeps this one."
        return shown

    def _narrowed(self, rig: Rig, result: Mapping[str, Any]) -> dict[str, Any]:
        """A result with the findings of this cause alone, the gravest first, and what it says of that one."""
        mine = sorted(filter(self.owns, result["findings"]), key=lambda found: place_of(effect_of(found)))
        if not mine or mine[0] is result["findings"][0]:
            return {**result, "findings": mine or result["findings"]}
        first = mine[0]
        octets = octets_of(str(first.get("frame") or ""))
        return {
            **result,
            **{"findings": mine, "expected": first["expected"], "actual": first["actual"], "message": ""},
            "annotated": read_by_oracle(octets, link_of(rig)) if octets else "",
            # the record has the stimulus of the first finding only
            "stimulus": "" if octets is None else f"one frame of it; the capture has all\n{octets.hex(' ')}",
        }


_NONE: Final = Cause("", "", "")


def causes(page: View) -> list[Cause]:
    """All causes of a record, worst first."""
    found: dict[tuple[str, str], Cause] = {}
    words = {rig.name: last_words(rig) for rig in page.rigs}
    for section in page.sections:
        for case in section.cases:
            for rig in page.rigs:
                result = case.results.get(rig.name)
                if result is None or calm(result):
                    continue
                result = spelled(result, words[rig.name])
                for kind, name, title, again in dict.fromkeys(_of(result, rig, words[rig.name])):
                    cause = found.setdefault((kind, name), Cause(kind, name, title, again=again))
                    cause.shown.append((rig, case, result))
                    cause.words |= words[rig.name]
    for rig in page.rigs:
        for declared, deviation in rig.deviations.items():
            name = _root(rig, declared)
            known = found.setdefault(("known", name), Cause("known", name, name))
            unsure = found.get(("unconfirmed", name), _NONE)
            for cause in (known, unsure):
                if cause is not _NONE and name == declared:
                    cause.deviation = cause.deviation or deviation
                elif cause is not _NONE:
                    cause.parts.setdefault(declared, deviation)
            if rig in known.unseen:
                continue
            if rig.name not in known.cases_by_rig and rig.name not in unsure.cases_by_rig:
                known.unseen.append(rig)
    roots = {(rig.name, part): _root(rig, part) for rig in page.rigs for part in rig.deviations}
    for line in page.record.deviations:
        over = roots.get((line["rig"], line["id"]), str(line["id"]))
        if ("known", over) in found:
            where = f" in {', '.join(line['cases'])}" if line["cases"] else ""
            part = f" ({line['id']})" if over != line["id"] else ""
            found["known", over].fixed.append(f"{line['rig']}{where}{part}")
    for cause in found.values():
        if cause.kind == "fail" and not cause.again:
            cause.title = _told_by_most(cause)
    join(page, found.values())
    _count_alike(page, [cause for cause in found.values() if cause.shown])
    tell_apart(found.values())
    return sorted(found.values(), key=_order)


def _count_alike(page: View, found: list[Cause]) -> None:
    """Fill in `alike` of the causes; of a farm for some of its rigs."""
    functions: dict[str, list[Case]] = {}
    for section in page.sections:
        for case in section.cases:
            functions.setdefault(case.name.partition("[")[0], []).append(case)
    for cause in found:
        names = {rig.name for rig in cause.rigs[:_LOOKED_AT]}
        mine = {case.name.partition("[")[0] for case in cause.cases}
        said = [
            (case.name, state(result))
            for name in mine
            for case in functions[name]
            for rig in names
            if (result := case.results.get(rig)) is not None
        ]
        told = [one for one in said if one[1] not in ("unsupported", "inconclusive", "error")]
        right = page.once(right_of)
        if right and cause.kind != "advice":
            cause.right_too = right_too(cause.scope, names, right, answered=cause.subject == "no_answer")
        good = [name for name, one in told if one in GOOD]
        cause.alike, cause.alike_right = (len(good), len(told)), list(dict.fromkeys(good))


def _root(rig: Rig, name: str) -> str:
    """The deviation that a rig's profile names as the root of another one; itself where it names none that is there."""
    root = str(rig.deviations.get(name, {}).get("root") or name)
    return root if root in rig.deviations else name


def _of(result: Mapping[str, Any], rig: Rig, words: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """(kind, name, title, `Cause.again`) of each cause that a result shows."""
    found = state(result)
    ended = {spoken(one, words): one for one in result["findings"] if spoken(one, words)}
    for name in _declared(result, words) if ended else known_of(result):
        yield "known", _root(rig, name), _root(rig, name), ""
    if found == "fail":
        news = [one for one in result["findings"] if not one.get("known")]
        others = [one for one in news if not spoken(one, words)]
        for name in dict.fromkeys(spoken(one, words) for one in news):
            if name:
                yield "fail", told(name), f"The DUT {told(name)}", name
        if others or not news:
            mine = {**result, "findings": others} if ended else result
            yield "fail", group_of(mine), _title(mine), ""
    elif found == "error":
        name = str(result.get("message", "")).partition("\n")[0] or "no message"
        yield "error", name, name, ""
    elif found == "unconfirmed":
        for name in filter(None, str(result.get("unconfirmed") or "").split(",")):
            yield "unconfirmed", _root(rig, name), _root(rig, name), ""
    elif found in GOOD and any(not f.get("known") for f in result["findings"]):
        yield "advice", group_of(result), _title(result), ""


def _declared(result: Mapping[str, Any], words: Mapping[str, str]) -> list[str]:
    """The deviations that a result shows, where some of its deaths are another's by their last words."""
    known = [one for one in result["findings"] if one.get("known")]
    names = [name for one in known for name in (spoken(one, words) or str(one["known"])).split(",")]
    return list(dict.fromkeys(names))


def _title(result: Mapping[str, Any]) -> str:
    """The first news of a result in words: what its code means, and the requirement."""
    news = next((finding for finding in result["findings"] if not finding.get("known")), None)
    if news is None:
        return str(result.get("message", "")).partition("\n")[0]
    return _words_of(news)


def _words_of(finding: Mapping[str, Any]) -> str:
    code = code_of(finding)
    words = CODES.get(code, code.replace("_", " ")).rstrip(".")
    return f"{words} ({finding['requirement']})"


def _told_by_most(cause: Cause) -> str:
    """What most results of a failure say that its sentence is about: the first of them may say something else."""
    said: Counter[str] = Counter()
    for _, _, result in cause.shown:
        mine = (found for found in result["findings"] if about(cause, found))
        said.update(list(dict.fromkeys(map(_words_of, mine))))  # in order: the same words each time
    return said.most_common(1)[0][0] if said else cause.title


def _order(cause: Cause) -> tuple[int, bool, int, int, int, list[tuple[int, int, str]]]:
    kind = list(KINDS).index(cause.kind)
    wide = breadth(cause) if cause.shown and cause.kind != "advice" else 0
    return kind, cause.consequence, cause.rank, -_behind(cause), wide, natural(cause.name)


def _behind(cause: Cause) -> int:
    """How many cases show its worst effect."""
    grave = {
        case.name
        for _, case, result in cause.shown
        if any(cause.owns(found) and effect_of(found) is cause.effect for found in result["findings"])
    }
    return len(grave) if cause.kind != "advice" else len(cause.shown)
