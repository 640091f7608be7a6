"""Verdicts of two records, case by case: what got worse, what got better, what is no longer or newly tried.

Strategy: verdicts are compared, case by case and rig by rig, never counts: ten cases fixed do not pay for one that
broke. A breach that is new is a regression. A case that told something and tells nothing any more (inconclusive,
unsupported, missing) is none, but then the two cannot be compared enough. Each change says whose it can be: when
the case itself is another one, or only the suite's version differs, the suite changed; when only the DUT's differs,
the node.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from reports.compact import Kept, Shape
from reports.compare.figures import Figures
from reports.deaths import last_words, spelled, spoken, told
from reports.pools import Keys, keys_of, with_rig
from reports.record import REASONS, Record, RecordError, state
from reports.sections import breaches, fits, folded, rig_and_case
from reports.severity import EFFECTS, Effect, worst_effect
from reports.text import one_line
from reports.verdict import plural
from reports.view import Rig, left_out_by, natural, rigs_of
from sixlowpan import files

#: Effects as a change names them, worst first.
_PLACES: Final = {f"{effect.severity}: {effect.name}": place for place, effect in enumerate(EFFECTS)}
BAD: Final = ("fail", "error", "unconfirmed")
#: States in which something is known about the DUT.
_TOLD: Final = ("pass", "harmless", "known", "unconfirmed", "fail")
#: Whose change it can be.
BECAUSE: Final = {
    "suite": "the suite changed",
    "node": "the node changed",
    "either": "suite and node changed",
    "input": "neither suite nor node changed, the seed did: it depends on the octets that are sent, or is flaky",
    "neither": "neither suite nor node changed: the case is flaky, or the rig is",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One case on one rig: the state before and after; None where it has no result. `because` is a key of `BECAUSE`."""

    case: str
    rig: str
    before: str | None
    after: str | None
    detail: str = ""
    because: str = ""
    #: What the worst of a new failure does: "critical: crash" (`reports.severity`).
    effect: str = ""
    #: Of a pool: the rigs of it that ran the case, before and after.
    ran: str = ""

    def __str__(self) -> str:
        said = breaches(self.detail)
        detail = f": {', '.join(filter(None, (self.effect, said)))}" if said else ""
        because = f" ({BECAUSE[self.because]})" if self.because else ""
        went = f"{self.before or 'absent'} -> {self.after or 'absent'}"
        return f"{with_rig(self.rig, self.ran)}  {self.case}  {went}{detail}{because}"


@dataclass(slots=True)
class Comparison:
    """All changes, by what they mean."""

    new_failures: list[Change] = field(default_factory=list)
    new_findings: list[Change] = field(default_factory=list)
    unclear: list[Change] = field(default_factory=list)
    untried: list[Change] = field(default_factory=list)
    fixed: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    gone: list[Change] = field(default_factory=list)
    added: list[Change] = field(default_factory=list)
    same: int = 0
    #: Results that are bad in both runs.
    still: int = 0
    #: Results that both runs have.
    common: int = 0
    #: What keeps the two from being compared: an interrupted run, a rig without any case.
    troubles: list[str] = field(default_factory=list)
    #: Required cases that failed, and those of which nothing is known.
    required_failed: list[Change] = field(default_factory=list)
    required_missing: list[Change] = field(default_factory=list)
    #: What is to be known beside that: required cases that were never tried.
    notes: list[str] = field(default_factory=list)
    #: Whether the second run was told to leave cases out: then what is gone was meant to be.
    chosen: bool = False
    #: Whether the second run was interrupted: then what is gone was not reached, or was left out by choice.
    interrupted: bool = False
    figures: Figures = field(default_factory=Figures)

    @property
    def regressions(self) -> list[Change]:
        """New failures, and new breaches in cases that failed before."""
        return [*self.new_failures, *self.new_findings, *self.required_failed]

    @property
    def missing(self) -> list[Change]:
        """What told something before and tells nothing now."""
        gone = (
            [] if self.chosen and not self.interrupted else [one for one in self.gone if one.before in _TOLD]
        )
        return [*self.unclear, *self.untried, *self.required_missing, *gone]

    @property
    def status(self) -> int:
        """The exit status: 0 same or better, 1 a regression, 3 not comparable enough."""
        if self.regressions or self.figures.worse:
            return 1
        unclear = self.missing or self.troubles or self.figures.lost or self.figures.methods
        return 3 if unclear else 0

    @property
    def bad(self) -> bool:
        """Whether the comparison fails."""
        return self.status != 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a comparison needs of a result."""

    state: str
    news: frozenset[str]
    case: tuple[str, frozenset[str]]
    #: Why it is unsupported: that alone is no change.
    reason: str = field(default="", compare=False)
    #: What the worst of its news does.
    effect: Effect | None = field(default=None, compare=False)


#: Rig -> case -> what is seen there.
Results = dict[str, dict[str, _Seen]]


def compare(
    before: Record, after: Record, match: Mapping[str, str] | None = None, required: Sequence[str] = ()
) -> Comparison:
    """Compare two records. `match` maps a rig name of the first to the name it has in the second.

    `required` are lines of `read_required`: what must be known and right in the second. Raises `RecordError` for a
    name in `match` that no rig has.
    """
    _check(before, after, match or {})
    keys = keys_of(before, after, match or {})
    old, new = _results(before, keys.before), _results(after, keys.after)
    made = [_makers(record, names, keys) for record, names in ((before, keys.before), (after, keys.after))]
    whose = _whose(before, after, keys)
    chosen = bool(left_out_by(after.header.get("asked", {})))
    found = Comparison(chosen=chosen, interrupted=after.interrupted)
    for case, rig in _keys(old, new):
        was, now = old.get(rig, {}).get(case), new.get(rig, {}).get(case)
        found.common += was is not None and now is not None
        found.still += bool(was and now and was.state in BAD and now.state in BAD)
        if was == now:
            found.same += 1
            continue
        ran = keys.ran(rig, *(makers.get((rig, case), "") for makers in made))
        change = Change(case, rig, was.state if was else None, now.state if now else None, ran=ran)
        if change.before != change.after or (was and now and was.news != now.news):
            another = bool(was and now and was.case != now.case)
            change = replace(change, because="suite" if another else whose(rig, was, now))
        if now and now.state == "unsupported":
            change = replace(change, detail=REASONS.get(now.reason, now.reason))
        if now and now.state in BAD and now.effect:
            change = replace(change, effect=f"{now.effect.severity}: {now.effect.name}")
        _file(found, change, was.news if was else frozenset(), now.news if now else frozenset())
    for changes in (found.new_failures, found.new_findings):
        changes.sort(key=lambda one: _PLACES.get(one.effect, len(_PLACES)))
    found.troubles = _troubles(before, after, old, new, keys)
    _require(found, required, old, new, keys)
    return found


def _keys(old: Results, new: Results) -> Iterator[tuple[str, str]]:
    """Every (case, rig) of both, rig by rig, in natural order."""
    cases = {case for results in (old, new) for on in results.values() for case in on}
    ranks = {case: place for place, case in enumerate(sorted(cases, key=natural))}
    for rig in sorted(old.keys() | new.keys(), key=natural):
        for case in sorted(old.get(rig, {}).keys() | new.get(rig, {}).keys(), key=ranks.__getitem__):
            yield case, rig


def read_required(path: Path) -> list[str]:
    """What must be known and right, one a line: `CASE`, or `RIG CASE`, each an id or a glob; `#` begins a comment.

    Raises `RecordError` for a file that names nothing.
    """
    try:
        rows = files.text(path).splitlines()
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: cannot be read: {files.why(error)}") from error
    found = [glob for row in rows if (glob := row.partition("#")[0].strip())]
    if not found:
        raise RecordError(f"{path}: no case is named in it: write one id or glob a line, such as rfc6282/*")
    return found


def _require(found: Comparison, required: Sequence[str], old: Results, new: Results, keys: Keys) -> None:
    """Hold the second run against what is required: of each rig that has such cases in either run."""
    every = {case for results in (old, new) for on in results.values() for case in on}
    for line in required:
        of_rig, glob = rig_and_case(line)
        meant = {case for case in every if fits(case, glob)}
        rigs = sorted(old.keys() | new.keys(), key=natural)
        rigs = [rig for rig in rigs if any(fits(name, of_rig) for name in keys.called(rig))]
        rigs = [rig for rig in rigs if any(not meant.isdisjoint(on.get(rig, {})) for on in (old, new))]
        if not rigs:
            why = "it is required, and no rig of either run has it"
            found.required_missing.append(
                Change(glob, of_rig if of_rig != "*" else "any rig", None, None, why)
            )
        for rig in rigs:
            _require_of(found, rig, glob, meant, (old.get(rig, {}), new.get(rig, {})))


def _require_of(
    found: Comparison, rig: str, glob: str, meant: set[str], sides: tuple[dict[str, _Seen], dict[str, _Seen]]
) -> None:
    """Hold one rig against one line. A case that is named by its id must be tried; under a glob some may not be."""
    was, now = ({case: seen.state for case, seen in on.items() if case in meant} for on in sides)
    untold = [
        Change(name, rig, was.get(name), now.get(name), "it is required")
        for name in sorted(was.keys() | now.keys(), key=natural)
        if now.get(name) not in (*_TOLD, *BAD)
    ]
    failed = [name for name in now if now[name] in BAD]
    found.required_failed += [
        Change(name, rig, was.get(name), now[name], "it is required") for name in failed
    ]
    if not failed and not any(state in _TOLD for state in now.values()):
        (before, after), _ = Counter((one.before, one.after) for one in untold).most_common(1)[0]
        why = f"it is required, and nothing is known of its {plural(len(untold), 'case')}"
        found.required_missing.append(Change(glob, rig, before, after, why))
        return
    never = [one for one in untold if one.after == "unsupported" and one.before in (None, "unsupported")]
    found.required_missing += [one for one in untold if one not in never or one.case == glob]
    if left := [one.case for one in never if one.case != glob]:
        of = plural(len(was.keys() | now.keys()), "case")
        found.notes.append(
            f"{rig}  {glob}: required, and {len(left)} of its {of} cannot be tried there: {folded(left, 5)}"
        )


def _whose(before: Record, after: Record, keys: Keys) -> Any:
    """A function that says of a change on a rig whether suite or node changed."""
    old, new = nodes_of(before, keys.before), nodes_of(after, keys.after)
    suite = before.header["suite"] != after.header["suite"]
    same = "neither" if before.header["seed"] == after.header["seed"] else "input"

    def whose(rig: str, was: _Seen | None, now: _Seen | None) -> str:
        known = rig in old and rig in new
        node = known and old[rig].dut != new[rig].dut
        if was is None or now is None:
            return "suite" if suite and known else ""
        return {(True, True): "either", (True, False): "suite", (False, True): "node"}.get(
            (suite, node), same
        )

    return whose


def _check(before: Record, after: Record, match: Mapping[str, str]) -> None:
    for record, names in ((before, match.keys()), (after, match.values())):
        rigs = {rig.name for rig in rigs_of(record).values()}
        for name in names:
            if name not in rigs:
                there = ", ".join(sorted(rigs, key=natural)) or "none"
                raise RecordError(f"--match: {record.path} has no rig {name!r}; there are: {there}")


def _troubles(before: Record, after: Record, old: Results, new: Results, keys: Keys) -> list[str]:
    """What keeps two records from being compared."""
    told = [
        f"{one_line(record.path)} is an interrupted run" for record in (before, after) if record.interrupted
    ]
    rigs = old.keys()
    common = rigs & nodes_of(after, keys.after).keys()
    if rigs and not common:
        told.append(f"no rig of {one_line(before.path)} has a result in {one_line(after.path)}")
    told += [
        f"all cases of {rig} are gone"
        for rig in sorted(common, key=natural)
        if old[rig].keys().isdisjoint(new.get(rig, {}))
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
        found.new_failures.append(replace(change, detail=", ".join(sorted(now))))
    elif change.after in BAD and now - was:
        found.new_findings.append(replace(change, detail=", ".join(sorted(now - was))))
    elif change.after == "inconclusive" and change.before in _TOLD:
        found.unclear.append(change)
    elif change.after == "unsupported" and change.before in _TOLD:
        found.untried.append(change)
    elif change.before in (*BAD, "known") and change.after == "pass":
        found.fixed.append(change)
    elif change.before != change.after:
        found.changed.append(change)
    else:
        found.same += 1


def nodes_of(record: Record, names: Mapping[str, str]) -> dict[str, Rig]:
    """The rigs by the name under which they are compared: of a pool one that told of its DUT, all are equal."""
    found: dict[str, Rig] = {}
    for rig in rigs_of(record).values():
        name = names.get(rig.name, rig.name)
        if name not in found or rig.dut:
            found[name] = rig
    return found


def _makers(record: Record, names: Mapping[str, str], keys: Keys) -> dict[tuple[str, str], str]:
    """(pool, case) -> the rig that ran it; of rigs that share nothing no word is needed."""
    members = {rig: name for rig, name in names.items() if name in keys.pools}
    if not members:
        return {}
    lines = ((line["rig"], line["case"]) for line in record.results if line["rig"] in members)
    return {(members[rig], case): rig for rig, case in lines}


def _results(record: Record, names: Mapping[str, str]) -> Results:
    found: Results = {}
    shapes: dict[Shape, _Seen] = {}
    words = {rig.name: last_words(rig) for rig in rigs_of(record).values()}
    for line in record.results:
        on = found.setdefault(names.get(line["rig"], line["rig"]), {})
        line = spelled(line, words[line["rig"]])
        if not isinstance(line, Kept):
            on[line["case"]] = _seen(line, words[line["rig"]])
            continue
        seen = shapes.get(line.shape)
        if seen is None:
            seen = shapes[line.shape] = _seen(line.shape.fields, {})
        on[line.shape.fields["case"]] = seen
    return found


def _seen(line: Mapping[str, Any], words: Mapping[str, str]) -> _Seen:
    found = [f for f in line.get("findings", []) if not f.get("known")]
    news = frozenset(
        told(name) if (name := spoken(f, words)) else f"{f['code']} ({f['requirement']})" for f in found
    )
    about = line.get("what", ""), frozenset(line.get("requirements", []))
    return _Seen(state(line), news, about, str(line.get("reason") or ""), worst_effect(found))
