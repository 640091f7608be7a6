"""A record as people look at it: rigs, sections, cells and states, ready for a page of any format.

Strategy: one place decides what a reader sees (what counts as known, which section a case belongs to, in
which order things stand), and the writers of HTML, Markdown and comparisons only write. Everything is
ordered by content, never by time of arrival, so that the same record gives the same bytes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from reports.compact import Kept, Shape
from reports.record import LARGEST, SEARCH, Record, RecordError, chosen_by, group_of, state
from reports.sections import document_of, section_of
from reports.statistics.units import amount
from vectors.catalogue import CATALOGUE, Requirement

#: Cells of a matrix: a hundred sections are usual.
LARGEST_MATRIX: Final = 100_000
#: Rigs beyond which the columns of a matrix are stacks and versions, and results beyond which one page is too much
#: (as it is of a record that is too large to be read whole, `reports.record.LARGEST`).
WIDE: Final = 20
MOST_RESULTS: Final = 20_000
#: What a cell can say, worst first. `known` is a failure that the rig's profile declares, with proof; `unconfirmed`
#: one that it declares for other versions.
STATES = ("fail", "error", "unconfirmed", "known", "inconclusive", "pass", "harmless", "unsupported")
#: Readable without colour: every state has a sign of its own.
SIGNS = {
    "pass": "✓",
    "harmless": "○",
    "fail": "✗",
    "unconfirmed": "k",
    "known": "K",
    "inconclusive": "?",
    "unsupported": "–",
    "error": "!",
}
MEANINGS = {
    "pass": "tried, and the node did what the requirement says",
    "harmless": "sent, and by right ignored: no harm was done, and nothing was understood",
    "fail": "the node broke a requirement",
    "unconfirmed": "the node broke a requirement in a way that its profile declares for other versions",
    "known": "the node broke a requirement in a way that its profile declares, with proof",
    "inconclusive": "the rig or the medium failed, nothing is said about the node",
    "unsupported": "not tried: the node lacks it, or it cannot be reached or seen here (the result says which)",
    "error": "the suite itself failed",
}


T = TypeVar("T")


@dataclass(slots=True)
class Rig:
    """One bench as the record tells of it."""

    name: str
    kind: str = ""
    profile: str = ""
    dut: dict[str, str] = field(default_factory=dict)
    #: Of a pair: the other node.
    peer: dict[str, str] = field(default_factory=dict)
    deviations: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: What happened to it after it was ready: lost and recovered, in order: (time, event, rig).
    events: list[tuple[str, str, str]] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    #: What does not fit between profile and DUT.
    notes: list[str] = field(default_factory=list)
    #: Cases that were taken and that were left out by choice; None: the record does not say.
    taken: int | None = None
    #: Reason -> cases that were left out before they began (`reports.coverage.LEFT_OUT`).
    left_out: Counter[str] = field(default_factory=Counter)
    #: Of a pool (`reports.pools.nodes`): its rigs, in natural order.
    members: tuple[str, ...] = ()

    def describe(self) -> str:
        """The DUT in a few words: stack and versions; of a pair both."""
        beside = " ".join(filter(None, (self.peer.get("stack"), self.peer.get("version"))))
        return self.describe_dut() + (f", beside {beside}" if beside else "")

    def describe_dut(self) -> str:
        """Stack and versions of the DUT alone."""
        return " ".join(
            self.dut[key] for key in ("stack", "version", "kernel", "firmware") if self.dut.get(key)
        )


@dataclass(slots=True)
class Case:
    """One case and its result on each rig."""

    name: str
    what: str
    requirements: list[str]
    #: Rig -> line, or what stands for it (`reports.compact`).
    results: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Section:
    """A section of an RFC, or a group of cases that belongs to none."""

    key: str
    title: str
    cases: list[Case] = field(default_factory=list)
    _counts: dict[str, Counter[str]] | None = None

    @property
    def document(self) -> str:
        """The RFC that it belongs to, or a word for all that belongs to none."""
        return document_of(self.key, self.title)

    def counts(self, rig: str) -> Counter[str]:
        """Results of a rig by state."""
        return self.counted.get(rig, Counter())

    @property
    def counted(self) -> Mapping[str, Counter[str]]:
        """Rig -> results by state, of all rigs that have any. All are counted when the first is asked for."""
        if self._counts is None:
            made: defaultdict[str, Counter[str]] = defaultdict(Counter)
            for case in self.cases:
                for name, result in case.results.items():
                    made[name][state(result)] += 1
            self._counts = dict(made)
        return self._counts


@dataclass(slots=True)
class View:
    """The whole record, grouped."""

    record: Record
    rigs: list[Rig]
    sections: list[Section]
    # what was made of this view, and not of another one that `dataclasses.replace` made of it
    _made: dict[Callable[[View], Any], Any] = field(init=False, default_factory=dict)
    _reasons: dict[str, dict[str, Counter[str]]] | None = field(init=False, default=None)

    def once(self, make: Callable[[View], T]) -> T:
        """What `make` makes of the view, which is asked for again and again: verdict, fleet."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    def counts(self, rig: str) -> Counter[str]:
        """Results of a rig by state."""
        return self.once(_counted).get(rig, Counter())

    def reasons(self, rig: str) -> Mapping[str, Counter[str]]:
        """Document -> why its cases were not tried (`reports.record.REASONS`), and how many."""
        if self._reasons is None:
            self._reasons = {}
            for document, name, result in self._unsupported():
                reasons = self._reasons.setdefault(name, {}).setdefault(document, Counter())
                reasons[result["reason"] or "unsaid"] += 1
        return self._reasons.get(rig, {})

    def _unsupported(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for section in self.sections:
            document = section.document
            for case in section.cases:
                yield from (
                    (document, n, r) for n, r in case.results.items() if r["verdict"] == "unsupported"
                )

    @property
    def wide(self) -> bool:
        """Whether rigs are shown by stack and version, and cases on pages of their own (`reports.fleet`)."""
        few = len(self.rigs) <= WIDE and len(self.record.results) <= MOST_RESULTS
        return not few or self.record.octets > LARGEST

    def chosen(self) -> str:
        """By which options cases were left out; empty for a whole run, or where the record does not say."""
        return left_out_by(self.record.header.get("asked", {}))

    def groups(self, wanted: str) -> list[tuple[Rig, list[tuple[Case, Mapping[str, Any]]]]]:
        """Results of a state, equal findings of a rig together (`reports.record.group_of`), in the order of cases."""
        found: dict[tuple[str, str], tuple[Rig, list[tuple[Case, Mapping[str, Any]]]]] = {}
        for section in self.sections:
            for case in section.cases:
                for rig in self.rigs:
                    result = case.results.get(rig.name)
                    if result is not None and state(result) == wanted:
                        key = rig.name, group_of(result)
                        found.setdefault(key, (rig, []))[1].append((case, result))
        return list(found.values())

    def requirements(self) -> dict[str, list[Case]]:
        """Which cases tried which requirement, in the order of the catalogue; unknown ids come last."""
        tried: dict[str, list[Case]] = {}
        for section in self.sections:
            for case in section.cases:
                for requirement in case.requirements:
                    tried.setdefault(requirement, []).append(case)
        order = {name: place for place, name in enumerate(CATALOGUE)}
        return dict(sorted(tried.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))


def _counted(page: View) -> dict[str, Counter[str]]:
    whole: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for section in page.sections:
        for rig, counts in section.counted.items():
            of_rig = whole[rig]
            for name, count in counts.items():
                of_rig[name] += count
    return dict(whole)


def view(record: Record | View) -> View:
    """Group a record for reading. Raises `RecordError` for one whose matrix nobody could look at."""
    if isinstance(record, View):
        return record
    rigs = rigs_of(record)
    cases: dict[str, Case] = {}
    tried: dict[str, dict[str, None]] = {}
    told: set[Shape] = set()
    for line in record.results:
        name = line["case"]
        case = cases.get(name)
        if case is None:
            case, tried[name] = cases.setdefault(name, Case(name, "", [])), {}
        case.results[line["rig"]] = line
        if isinstance(line, Kept):  # what equal results have in common is read once
            if line.shape in told:
                continue
            told.add(line.shape)
        case.what = case.what or line.get("what", "")
        named = [*line.get("requirements", []), *(f["requirement"] for f in line.get("findings", []))]
        tried[name].update(dict.fromkeys(named))
    sections: dict[str, Section] = {}
    for name in sorted(cases, key=natural):
        cases[name].requirements = list(tried[name])
        key, title = section_of(name)
        sections.setdefault(key, Section(key, title)).cases.append(cases[name])
    made = View(
        record,
        [rigs[name] for name in sorted(rigs, key=natural)],
        [sections[key] for key in sorted(sections, key=_section_order)],
    )
    columns = len({rig.describe() or rig.name for rig in made.rigs}) if len(rigs) > WIDE else len(rigs)
    if columns * len(sections) > LARGEST_MATRIX:
        raise RecordError(
            f"{record.path}: {columns} rigs by {len(sections)} sections are more than a page can show"
        )
    return made


def several(rigs: Sequence[Rig]) -> str:
    """The names of some rigs, and how many more there are."""
    names = ", ".join(rig.name for rig in rigs[:WIDE])
    return f"{names} and {len(rigs) - WIDE} more" if len(rigs) > WIDE else names


def left_out_by(asked: Mapping[str, Any]) -> str:
    """By which options cases were left out of the run as a whole, in words; empty for a whole run.

    `--pool` leaves nothing out: what one rig does not run, another one does. (A merged record has choices by run.)
    """
    chosen = asked.get("chosen", {}).items()
    kept = {
        k: v for k, v in chosen if k != "--pool" and not (isinstance(v, Mapping) and set(v) == {"--pool"})
    }
    return chosen_by({"chosen": kept})


def partial(chosen: str, rigs: Iterable[Rig]) -> str:
    """What part of the cases a run took, and by which choice; empty for a whole run.

    `chosen`: the options that chose (`left_out_by`).
    """
    every = list(rigs)
    left_out, taken = sum(rig.left_out["not_chosen"] for rig in every), [rig.taken for rig in every]
    if not chosen and not left_out:
        return ""
    by = f"chosen by {chosen}" if chosen else "some cases were not chosen"
    if not left_out or None in taken:
        return f"{by}; the record does not say of how many"
    tried = sum(one or 0 for one in taken)
    whole = tried + left_out
    where = f" on {len(every)} rigs" if len(every) > 1 else ""
    return f"{tried} of {whole} cases ({tried / whole:.1%}){where}, {by}"


def worst(counts: Iterable[str]) -> str:
    """The state that a cell of several results shows."""
    present = set(counts)
    return next((name for name in STATES if name in present), "unsupported")


def known_of(result: Mapping[str, Any]) -> list[str]:
    """The deviations that a result shows, each once; a result that shows several has them with commas."""
    names = [result.get("known"), *(f.get("known") for f in result.get("findings", []))]
    return list(dict.fromkeys(name for text in names if text for name in str(text).split(",")))


def unconfirmed_of(result: Mapping[str, Any]) -> list[str]:
    """The deviations that a result would show, were they declared for this version; each once."""
    names = [result.get("unconfirmed"), *(f.get("unconfirmed") for f in result.get("findings", []))]
    return list(dict.fromkeys(name for text in names if text for name in str(text).split(",")))


def broken_of(result: Mapping[str, Any]) -> list[str]:
    """The requirements that the findings of a result are breaches of, each once: they need not be those of the case."""
    return list(dict.fromkeys(str(finding["requirement"]) for finding in result["findings"]))


def requirement(name: str) -> Requirement | None:
    """The catalogue's row, or None for a record of another version of the suite."""
    return CATALOGUE.get(name)


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key that puts 5.10 behind 5.9 and `size[96]` before `size[128]`, and leaves hexadecimal as it is."""
    pieces = re.split(r"(?<![0-9A-Za-z])([0-9]{1,18})(?![0-9A-Za-z])", text)
    return [(0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in pieces if piece]


def _section_order(key: str) -> tuple[int, list[tuple[int, int, str]]]:
    return (0 if key.startswith("rfc") else 1, natural(key))


def _fact(value: Any) -> str:
    """A fact of a rig in words; of its clock (`{"name", "error"}`) how far that may be off."""
    if not isinstance(value, Mapping):
        return str(value)
    name, error = value.get("name"), value.get("error")
    if len(value) == 2 and isinstance(name, str) and isinstance(error, (int, float)):
        return f"{name}, off by {amount(error, 's')} at most" if error else name
    return ", ".join(f"{key} {one}" for key, one in value.items())


#: What happened to a rig, where the word of the record lets one think that the node did it by itself.
_EVENTS: Final = {"recovered": "recovered, as the suite started it anew"}


def _event(line: Mapping[str, Any]) -> str:
    """What happened to a rig: a loss that the suite caused in its search for a cause is none of the node's."""
    if str(line.get("message") or "").endswith(SEARCH):
        return "restarted by the suite, which looks for the frame that killed it"
    return _EVENTS.get(str(line["event"]), str(line["event"]))


def rigs_of(record: Record) -> dict[str, Rig]:
    """The rigs that a record tells of, by name."""
    rigs: dict[str, Rig] = {}
    for line in record.rigs:
        rig = rigs.setdefault(line["rig"], Rig(line["rig"]))
        rig.kind = line.get("kind") or rig.kind
        rig.profile = line.get("profile") or rig.profile
        rig.dut.update({k: str(v) for k, v in (line.get("dut") or {}).items() if v not in (None, "")})
        rig.peer.update({k: str(v) for k, v in (line.get("peer") or {}).items() if v not in (None, "")})
        rig.deviations.update({d["id"]: d for d in line.get("deviations") or []})
        if line.get("event") not in ("leased", "ready", "released", None):
            rig.events.append((line.get("t", ""), _event(line), line["rig"]))
        rig.notes = line.get("notes") or rig.notes
        rig.taken = line.get("taken") if line.get("taken") is not None else rig.taken
        rig.left_out = Counter(line.get("left_out") or rig.left_out)
        shown = (
            "type",
            "rig",
            "event",
            "t",
            "kind",
            "profile",
            "dut",
            "peer",
            "deviations",
            "notes",
            "taken",
            "left_out",
        )
        rig.facts.update({k: _fact(v) for k, v in line.items() if k not in shown and v not in (None, "")})
    for line in record.results:
        if line["rig"] not in rigs:
            rigs[line["rig"]] = Rig(line["rig"])
    return rigs
