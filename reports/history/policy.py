"""The gate: whether a run may pass, by a policy file. One exit status for CI.

Strategy: a case fails the gate when it is bad and nothing allows it: not the policy's `allowed`, not a quarantine
whose end has not come, not `others = "ignore"` where nothing requires it. None of them excuses what is required, for a
wide glob in the one would undo the other unseen. A
quarantine has an end and a reason, so that nothing is forgotten in it. A required case of which nothing is known
fails to be told (status 3), and never counts as good.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reports.history.trends import BAD, TOLD, Point, Seen
from reports.record import RecordError
from reports.sections import fits, folded, nearest, rig_and_case
from reports.text import one_line
from sixlowpan import files


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Quarantine(_Table):
    """Cases whose failures do not count until a day, and why."""

    case: str = Field(min_length=1)
    rig: str = "*"
    #: A glob on requirement and finding, such as "RFC4944-4-01 too_large": another breach of the same case counts.
    breach: str = "*"
    #: The day from which on runs are searched for the breach; None: all runs.
    since: date | None = None
    until: date
    why: str = Field(min_length=1)


class Policy(_Table):
    """What a gate asks for: globs of case ids."""

    #: Each a case, or a rig and a case (`reports.sections.rig_and_case`).
    required: list[str] = []
    allowed: list[str] = []
    quarantine: list[Quarantine] = []
    #: The largest share of cases that may be inconclusive.
    inconclusive: float = Field(default=0.0, ge=0, le=1)
    #: What counts of cases that no line names: all of them, or nothing.
    others: Literal["count", "ignore"] = "count"


@dataclass(slots=True)
class Gate:
    """What a policy says of a run."""

    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """0 pass, 1 fail, 3 cannot be told."""
        return 1 if self.failed else 3 if self.unknown else 0


_HELP: Final = (
    'keys: required, allowed (lists of globs), inconclusive (a share), others ("count" or "ignore"), '
    "[[quarantine]] case, rig, breach, since, until, why"
)


def _about(rule: Quarantine, rig: str, case: str) -> bool:
    """Whether a quarantine is about this case on this rig."""
    return fits(case, rule.case) and fits(rig, rule.rig)


def _covers(rule: Quarantine, rig: str, case: str, point: Point) -> bool:
    """Whether a quarantine is about this breach of this case on this rig."""
    return _about(rule, rig, case) and fnmatchcase(point.breach, rule.breach)


def read_policy(path: Path) -> Policy:
    """The policy in a TOML file. Raises `RecordError` with file, key and remedy."""
    try:
        said = files.text(path)
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: cannot be read: {files.why(error)}") from error
    try:
        return Policy.model_validate(tomllib.loads(said))
    except ValidationError as error:
        raise RecordError(f"{path}: {_mistake(error)}; {_HELP}") from error
    except RecursionError as error:
        raise RecordError(f"{path}: not TOML of ours: it is nested too deep") from error
    except ValueError as error:  # dates and numbers that Python does not have
        raise RecordError(f"{path}: not TOML: {error}") from error


def _mistake(error: ValidationError) -> str:
    """The mistake that explains the others: a key that is none, with the nearest, before one that is missing."""
    found = error.errors(include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    key = one_line(".".join(str(part) for part in first["loc"]))
    if first["type"] != "extra_forbidden":
        return f"{key}: {first['msg']}"
    table: type[_Table] = Policy if len(first["loc"]) == 1 else Quarantine
    return f"{key}: there is no such key; there is {nearest(str(first['loc'][-1]), table.model_fields, 1)}"


def by_pool(
    policy: Policy, pools: Mapping[str, Collection[str]], rigs: Collection[str]
) -> tuple[Policy, list[str]]:
    """The policy with the names of pools where it names rigs that are in them, and what is to be told of that.

    `pools`: pool -> the rigs that are in it; `rigs`: all that the history has, a pool as one.
    """
    notes: list[str] = []

    def named(glob: str, where: str) -> list[str]:
        found = [glob] if any(fits(rig, glob) for rig in rigs) else []
        for pool, members in sorted(pools.items()):
            meant = [rig for rig in members if fits(rig, glob)]
            if meant and not fits(pool, glob):
                found.append(pool)
                if len(meant) < len(members):
                    is_in = f"{folded(sorted(meant), 5)} {'is' if len(meant) == 1 else 'are'} in the pool {pool!r}"
                    notes.append(
                        f"{where}: {is_in}; all of it is meant, for which of its rigs runs a case is chance"
                    )
        return found or [glob]

    required: list[str] = []
    for line in policy.required:
        rig, glob = rig_and_case(line)
        required += [line if name == rig else f"{name} {glob}" for name in named(rig, f"required {line!r}")]
    quarantine = [
        rule.model_copy(update={"rig": name})
        for rule in policy.quarantine
        for name in named(rule.rig, f"the quarantine of {rule.case} on {rule.rig}")
    ]
    return policy.model_copy(
        update={"required": list(dict.fromkeys(required)), "quarantine": quarantine}
    ), notes


def gate(
    points: Iterable[tuple[str, str, Point]],
    policy: Policy,
    today: date,
    owed: Mapping[str, set[str]] | None = None,
    rigs: Iterable[str] = (),
    seen: Sequence[Seen] = (),
) -> Gate:
    """Hold one run against a policy. `points` has (rig, case, point) of every result of the run.

    `owed`: what is required -> the rigs of which it is (`trends.owed`); else those of the run that have such a case.
    `rigs`: all that the history has; what a policy says of another one is told. `seen`: the breaches of this run and of
    those before it, oldest first; a quarantine of a breach that none of them has since its begin is told.
    """
    found = Gate()
    rows = list(points)
    for rule in policy.quarantine:
        if rule.until < today:
            found.notes.append(f"the quarantine of {rule.case} ended on {rule.until}: {rule.why}")
    active = [rule for rule in policy.quarantine if rule.until >= today]
    asked = [row for row in rows if _asked(policy, *row[:2])]
    unclear = sum(point.state == "inconclusive" for _, _, point in asked)
    used = _breaches(found, rows, policy, active)
    known = sorted({*rigs, *(rig for rig, _, _ in rows)})
    for rule in active:
        if id(rule) not in used:
            why = _no_rig(rule.rig, known) or f"{rule.why}{_last_seen(rule, seen)}"
            found.notes.append(f"the quarantine of {rule.case} excuses nothing in this run: {why}")
    for line in policy.required:
        if why := _no_rig(rig_and_case(line)[0], known):
            found.unknown.append(f"required {line!r}: {why}")
        else:
            _require(found, line, rows, (owed or {}).get(line))
    if asked and unclear / len(asked) > policy.inconclusive:
        found.unknown.append(
            f"{unclear} of {len(asked)} results are inconclusive; the policy allows {policy.inconclusive:.1%}"
        )
    if not rows:
        found.unknown.append("the run has no results")
    return found


def _asked(policy: Policy, rig: str, case: str) -> bool:
    """Whether the result of this case counts."""
    return policy.others == "count" or bool(_required_by(policy, rig, case))


def _breaches(
    found: Gate, rows: Sequence[tuple[str, str, Point]], policy: Policy, active: Sequence[Quarantine]
) -> set[int]:
    """Sort breaches by whether the policy excuses them; the ids of the quarantines that did."""
    used = set[int]()
    #: What is said of a breach on a rig, and why it is excused -> its cases.
    alike: dict[tuple[str, str, str], list[str]] = {}
    for rig, case, point in rows:
        if point.state not in BAD:
            continue
        why = demand = ""
        quarantined = next((one for one in active if _covers(one, rig, case, point)), None)
        if quarantined is not None:
            why = f" (quarantined until {quarantined.until}: {quarantined.why})"
        elif any(fits(case, glob) for glob in policy.allowed):
            why = " (allowed)"
        elif not _asked(policy, rig, case):
            why = " (not required, and the policy ignores others)"
        if why and (required := _required_by(policy, rig, case)):
            by = "the quarantine" if quarantined is not None else "allowed"
            why, demand = "", f" (required by {required!r}, and {by} does not excuse what is required)"
        elif quarantined is not None:
            used.add(id(quarantined))
        alike.setdefault((rig, f"{point.state}: {point.breach}{demand}", why), []).append(case)
    for (rig, breach, why), cases in alike.items():
        about = cases[0] if len(cases) == 1 else f"{len(cases)} cases"
        which = "" if len(cases) == 1 else f": {folded(cases, 5)}"
        (found.excused if why else found.failed).append(f"{rig}  {about}  {breach}{why}{which}")
    return used


def _no_rig(glob: str, known: Sequence[str]) -> str:
    """That no rig is meant by a glob, with those that are like it; empty where one is."""
    if not known or any(fits(rig, glob) for rig in known):
        return ""
    return f"the history has no rig {glob!r}; there is {nearest(glob, known)}"


def _last_seen(rule: Quarantine, seen: Sequence[Seen]) -> str:
    """In which run since its begin the breach of a quarantine was seen last; where in none, those that are like it."""
    if rule.breach == "*":
        return ""
    since = str(rule.since or "")
    there = [one for one in seen if one.run.started[:10] >= since and _about(rule, one.rig, one.case)]
    found = [one for one in there if fnmatchcase(one.breach, rule.breach)]
    if found:
        return f" (its breach was seen last in run {found[-1].run.run_id} of {found[-1].run.started})"
    other = sorted({one.breach for one in there})
    instead = f"there is {nearest(rule.breach, other)}" if other else "they have none"
    return (
        f" (no run{f' since {since}' if since else ''} has breach {rule.breach!r} of these cases; {instead})"
    )


def _required_by(policy: Policy, rig: str, case: str) -> str:
    """The first line of `required` that means this case on this rig; empty where none does."""
    for line in policy.required:
        of_rig, glob = rig_and_case(line)
        if fits(rig, of_rig) and fits(case, glob):
            return line
    return ""


def _require(found: Gate, line: str, rows: Sequence[tuple[str, str, Point]], owing: set[str] | None) -> None:
    """Hold a run against one required glob, of each rig that owes it."""
    of_rig, glob = rig_and_case(line)
    states: dict[str, dict[str, str]] = {}
    for rig, case, point in rows:
        if fits(rig, of_rig) and fits(case, glob):
            states.setdefault(rig, {})[case] = point.state
    rigs = sorted(states.keys() | (owing or set()))
    if not rigs:
        found.unknown.append(
            f"{'any rig' if of_rig == '*' else of_rig}  {glob}  is required, and nothing is known of it"
        )
    for rig in rigs:
        mine = states.get(rig, {})
        untold = [case for case, state in mine.items() if state not in TOLD]
        if len(untold) == len(mine) or glob in untold:
            found.unknown.append(f"{rig}  {glob}  is required, and nothing is known of it")
        elif untold:
            found.notes.append(
                f"{rig}  {glob}  is required, and of {len(untold)} of its {len(mine)} cases nothing is known: "
                f"{folded(untold, 5)}"
            )
