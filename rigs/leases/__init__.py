"""Leases: one rig serves one run at a time, and is given back whatever happens.

Strategy: a lease is taken before a rig is opened and released after it is closed, by the one process that
leads the run. Each kind is one module here; `of` picks the one that the rig file names.
"""

from __future__ import annotations

from rigs.configuration.models import RigFile
from rigs.leases.command import CommandLease
from rigs.leases.flock import FlockLease, devices
from rigs.leases.labgrid import LabgridLease
from rigs.leases.model import Lease, LeaseError, LeaseHeldError, NoLease, of_this_process

__all__ = ["Lease", "LeaseError", "LeaseHeldError", "of"]


def of(rig: RigFile, run: str = "") -> Lease:
    """The lease that `rig` asks for, not yet acquired. `run` is the id of the run, which a lab's books name."""
    run = run or of_this_process()
    match rig.lease.kind:
        case "flock":
            return FlockLease(rig.name, devices(rig), rig.lease.wait)
        case "labgrid":
            return LabgridLease(rig, run)
        case "command":
            return CommandLease(rig, run)
        case "none":
            return NoLease()
