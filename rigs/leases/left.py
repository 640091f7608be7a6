"""What a run that was killed has left in a lab's books, and giving it back: `python -m rigs release RUN`.

Strategy: a lease of a lab has the id of its run in its name. Which coordinators to ask is told by the run's record
(the rig files stand in its header), by the rigs that are named, or by the environment. A program of a record is never
run: for a lease by programs the rig file itself must be named. A run that is still going on keeps what it has.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports import record
from rigs.configuration.loading import Loaded, resolved
from rigs.configuration.models import ConfigError
from rigs.leases import labgrid
from rigs.leases.command import CommandLease
from rigs.leases.flock import FlockLease
from rigs.leases.labgrid_client import DEFAULT, Client
from rigs.leases.model import RUN, LeaseError, name_of


@dataclass(slots=True)
class Left:
    """What is known of a run: its id, the coordinators that it asked, and the rigs that it had by programs."""

    run: str
    coordinators: list[str | None] = field(default_factory=list)
    by_programs: list[str] = field(default_factory=list)


def known(run: str) -> Left:
    """Read `run`, an id or the folder of a record. Raises `ConfigError`, `reports.record.RecordError`."""
    folder = resolved(Path(), run)
    left = Left(folder.name if folder is not None and folder.is_dir() else run)
    if re.fullmatch(RUN, left.run) is None:
        raise ConfigError(
            [f"{run}: expected the id of a run, such as 20261129T162233-8e9f, or the folder of its record"]
        )
    if folder is not None and (folder / "run.jsonl").is_file():
        for name, files in record.read(folder).header.get("rigs", {}).items():
            lease = _lease(files)
            if lease.get("kind") == "labgrid":
                left.coordinators.append(_text(lease.get("coordinator")))
            elif lease.get("kind") == "command":
                left.by_programs.append(name)
    return left


def release(left: Left, rigs: Sequence[Loaded], coordinators: Iterable[str]) -> tuple[list[str], bool]:
    """Give back what a run has left; a line for each thing, and whether all was done."""
    told: list[str] = []
    whole = True
    asked = [*coordinators, *left.coordinators]
    asked += [each.rig.lease.coordinator for each in rigs if each.rig.lease.kind == "labgrid"]
    programs = [each.rig for each in rigs if each.rig.lease.kind == "command"]
    for coordinator in dict.fromkeys(asked if asked or programs or left.by_programs else [None]):
        where = coordinator or os.environ.get("LG_COORDINATOR", DEFAULT)
        client = Client("release", name_of(left.run, "release"), coordinator)
        try:
            freed = labgrid.free(client, left.run, dead=_dead)
        except LeaseError as error:  # what the others have is given back nevertheless
            freed, whole = [str(error)], False
        told += [f"{where}: {line}" for line in freed or [f"nothing of run {left.run} is there"]]
    for rig in programs:
        try:
            _dead(name_of(left.run, rig.name))
            CommandLease(rig, left.run).give_back()
            told.append(f"{rig.name}: given back by `{rig.lease.release}`")
        except LeaseError as error:
            told, whole = [*told, f"{rig.name}: {error}"], False
    lacking = [name for name in left.by_programs if name not in {rig.name for rig in programs}]
    told += [
        f"{name}: was taken by a program: name its rig file, --rig {name}, and its `release` is run"
        for name in lacking
    ]
    return told, whole and not lacking


def _dead(name: str) -> None:
    """Raises `LeaseError` while a process of this machine has a rig in this name."""
    with FlockLease("release", [name], 0, once=True):
        pass


def _lease(files: Any) -> dict[str, Any]:
    """The [lease] table of a rig file that stands in a record."""
    try:
        lease = tomllib.loads(files["file"]["text"]).get("lease", {})
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    return lease if isinstance(lease, dict) else {}


def _text(coordinator: object) -> str | None:
    """A coordinator as the run had it; None where its text is no address."""
    expanded = os.path.expandvars(coordinator) if isinstance(coordinator, str) else ""
    return expanded if re.fullmatch(r"[A-Za-z0-9.:_\[\]-]+", expanded) else None
