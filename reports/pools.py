"""Rigs that shared their cases (`--pool`): for whoever reads a run, or holds it against another, they are one node.

Strategy: which rig of a pool runs a case is chance, and another one in each run. What is shown and compared is
therefore keyed by the pool, which has the name of its profile; each result keeps the name of the rig that ran it.
Its members are, in a run with `--pool`, the rigs with one profile, one kind of node, one link and one version of
the DUT, of which no two ran the same case: so it is known of records whose header does not list the pools, and
where it lists them (`asked.pools`), they must agree. A rig that was never ready says nothing of its DUT, and
belongs to the one pool of its profile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reports.record import Record
from reports.view import Rig, Section, View, natural, rigs_of, view

#: Profile, stack, link: what does not change when a DUT gets another version.
Kind = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Pool:
    """Some rigs of one record, in natural order."""

    name: str
    kind: Kind
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """Under which name each rig of two records is compared; a rig that is in neither goes by its own."""

    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    #: Pool -> the names of its rigs in either record.
    pools: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def ran(self, key: str, before: str, after: str) -> str:
        """Which rigs of a pool a line is of, in words; empty for what is no pool."""
        if key not in self.pools:
            return ""
        there = [rig for rig in (before, after) if rig]
        return " -> ".join(dict.fromkeys(there))

    def called(self, key: str) -> frozenset[str]:
        """All names by which a user may mean it."""
        return self.pools.get(key, frozenset()) | {key}


def with_rig(rig: str, ran: str) -> str:
    """A rig, or a pool with the members that ran it."""
    return f"{rig} ({ran})" if ran else rig


def on_rig(rig: Rig, result: Mapping[str, Any]) -> str:
    """Where a result was made: the rig, or the pool with the member that ran the case."""
    return with_rig(rig.name, str(result["rig"]) if rig.members else "")


def described(rig: Rig) -> str:
    """The DUT in a few words, of a pool with its rigs; empty where the record names no DUT."""
    pool = f"pool of {members_in_words(rig.members)}" if rig.members else ""
    return ", ".join(filter(None, (rig.describe(), pool)))


def nodes(record: Record | View) -> View:
    """The record with one rig for each pool, under its name; what shows results by node shows this one.

    Results keep the rig that ran them; measurements and deviations that are over are the pool's.
    """
    page = view(record)
    return page if any(rig.members for rig in page.rigs) else page.once(_folded)


def _folded(page: View) -> View:
    pools = pools_of(page.record)
    if not pools:
        return page
    rigs = {rig.name: rig for rig in page.rigs}
    names = {rig: pool.name for pool in pools for rig in pool.members}
    shown = [rig for rig in page.rigs if rig.name not in names]
    shown += [_as_one(pool, [rigs[name] for name in pool.members]) for pool in pools]
    sections = [
        Section(
            section.key,
            section.title,
            [
                replace(case, results={names.get(rig, rig): line for rig, line in case.results.items()})
                for case in section.cases
            ],
        )
        for section in page.sections
    ]
    over = {
        (names.get(line["rig"], line["rig"]), line["id"], *line["cases"]): line
        for line in page.record.deviations
    }
    record = replace(
        page.record,
        measurements=[
            {**line, "rig": names.get(line["rig"], line["rig"])} for line in page.record.measurements
        ],
        deviations=[{**line, "rig": key[0]} for key, line in over.items()],
    )
    return View(record, sorted(shown, key=lambda rig: natural(rig.name)), sections)


def _as_one(pool: Pool, members: list[Rig]) -> Rig:
    """The rig that stands for a pool. Each member took the cases of all of them, as its `ready` line says."""
    told = next((rig for rig in members if rig.dut), members[0])
    counted = next((rig for rig in members if rig.taken is not None), told)
    return replace(
        told,
        name=pool.name,
        members=pool.members,
        deviations={name: one for rig in members for name, one in rig.deviations.items()},
        events=sorted((event for rig in members for event in rig.events), key=lambda event: event[0]),
        notes=list(dict.fromkeys(note for rig in members for note in rig.notes)),
        taken=counted.taken,
        left_out=Counter(counted.left_out),
    )


def shared(asked: Mapping[str, Any]) -> bool:
    """Whether rigs shared their cases, by `asked` of a header; of a merged record in one of its runs."""
    chosen = asked.get("chosen", {})
    parts = [chosen, *(part for part in chosen.values() if isinstance(part, Mapping))]
    return "--pool" in asked.get("arguments", ()) or any("--pool" in part for part in parts)


def pools_of(record: Record) -> list[Pool]:
    """The pools of two rigs or more of a record."""
    if not shared(record.header.get("asked", {})):
        return []
    rigs = rigs_of(record)
    listed = {
        rig: place
        for place, members in enumerate(record.header.get("asked", {}).get("pools", ()))
        for rig in members
    }
    groups: dict[tuple[Any, ...], list[str]] = {}
    mute = []
    for rig in rigs.values():
        if rig.peer or (listed and rig.name not in listed):
            continue
        if rig.dut:
            groups.setdefault((listed.get(rig.name), *kind_of(rig), rig.kind, rig.describe()), []).append(
                rig.name
            )
        else:
            mute.append(rig.name)
    for name in mute:
        of = str(_profile(record, name))
        fit = [key for key in groups if of and key[1] == of and key[0] == listed.get(name)]
        if len(fit) == 1:
            groups[fit[0]].append(name)
    several = {key: members for key, members in groups.items() if len(members) > 1}
    several = _without_overlap(record, several)
    profiles = [key[1] for key in several]
    made: list[Pool] = []
    for key, members in several.items():
        name = "-".join(str(key[1] or key[2] or "pool").split())
        if profiles.count(key[1]) > 1:
            name += "@" + "-".join(str(key[-1]).split())
        while (name in rigs and name not in members) or any(name == one.name for one in made):
            name += "-pool"
        made.append(Pool(name, key[1:4], tuple(sorted(members, key=natural))))
    return made


def names_of(record: Record) -> dict[str, str]:
    """Rig -> the pool that it is in, of the rigs that are in one."""
    return {rig: pool.name for pool in pools_of(record) for rig in pool.members}


def keys_of(before: Record, after: Record, match: Mapping[str, str]) -> Keys:
    """How the rigs of two records are named for a comparison.

    `match`: a rig of the first -> its name in the second; a member of a pool stands for its pool. A rig that is the
    only one of its profile, stack and link is held against the other record's pool of such rigs.
    """
    old, new = pools_of(before), pools_of(after)
    if not old and not new:
        return Keys(dict(match))
    first, second = ({rig: pool.name for pool in pools for rig in pool.members} for pools in (old, new))
    for pools, other, names in ((old, after, second), (new, before, first)):
        for pool in pools:
            alone = [
                rig.name for rig in rigs_of(other).values() if not rig.peer and kind_of(rig) == pool.kind
            ]
            if len(alone) == 1 and pool.name not in names.values():
                names.setdefault(alone[0], pool.name)
    for rig, name in match.items():
        for member in _beside(rig, first):
            first[member] = second.get(name, name)
    members: dict[str, frozenset[str]] = {}
    for names in (first, second):
        for rig, name in names.items():
            members[name] = members.get(name, frozenset()) | {rig}
    whole = {second.get(rig, first.get(rig)) for pool in (*old, *new) for rig in pool.members}
    return Keys(first, second, {name: rigs for name, rigs in members.items() if name in whole})


def labels(before: Record, after: Record, keys: Keys) -> dict[str, str]:
    """The name under which a pool is compared -> that name with the rigs of it, in words."""
    members: dict[str, set[str]] = {}
    for record, names in ((before, keys.before), (after, keys.after)):
        for rig in names_of(record):
            members.setdefault(names[rig], set()).add(rig)
    return {name: f"{name} (pool of {members_in_words(rigs)})" for name, rigs in members.items()}


def _beside(rig: str, names: Mapping[str, str]) -> list[str]:
    """The rig and those that share its pool."""
    return [one for one, name in names.items() if rig in names and name == names[rig]] or [rig]


def kind_of(rig: Rig) -> Kind:
    """What rigs have in common that stand for each other in another run."""
    return rig.profile, rig.dut.get("stack", ""), rig.facts.get("link", "")


def _profile(record: Record, rig: str) -> str:
    """The name of a rig's profile by the header, for a rig that was never ready."""
    return str(record.header.get("rigs", {}).get(rig, {}).get("profile", {}).get("name", ""))


def _without_overlap(record: Record, groups: Mapping[Any, list[str]]) -> dict[Any, list[str]]:
    """The groups of which no two rigs ran the same case."""
    of = {rig: key for key, members in groups.items() for rig in members}
    seen: dict[tuple[Any, str], str] = {}
    twice = set()
    for line in record.results:
        rig = line["rig"]
        if rig in of and seen.setdefault((of[rig], line["case"]), rig) != rig:
            twice.add(of[rig])
    return {key: members for key, members in groups.items() if key not in twice}


def members_in_words(rigs: Iterable[str]) -> str:
    """The rigs of a pool, the first ones by name."""
    every = sorted(rigs, key=natural)
    return ", ".join(every[:6]) + (f" and {len(every) - 6} more" if len(every) > 6 else "")
