"""Rigs that shared their cases (`--pool`): for whoever holds one run against another they are one node.

Strategy: which rig of a pool runs a case is chance, and another one in each run. What is compared over runs is
therefore keyed by the pool, which has the name of its profile. Its members are, in a run with `--pool`, the rigs with
one profile, one kind of node, one link and one version of the DUT, of which no two ran the same case: so it is known
of records whose header does not list the pools, and where it lists them (`asked.pools`), they must agree. A rig that
was never ready says nothing of its DUT, and belongs to the one pool of its profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.record import Record
from reports.view import Rig, natural, rigs_of

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
            groups.setdefault((listed.get(rig.name), *_kind(rig), rig.kind, rig.describe()), []).append(
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
            alone = [rig.name for rig in rigs_of(other).values() if not rig.peer and _kind(rig) == pool.kind]
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


def _beside(rig: str, names: Mapping[str, str]) -> list[str]:
    """The rig and those that share its pool."""
    return [one for one, name in names.items() if rig in names and name == names[rig]] or [rig]


def _kind(rig: Rig) -> Kind:
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
