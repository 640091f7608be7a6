"""Leases: one rig serves one run at a time, and is given back whatever happens.

Strategy: a lease is taken before a rig is opened and released after it is closed, by the one process that
leads the run. Each kind is one module here; `of` picks the one that the rig file names.
"""

from __future__ import annotations

from rigs.configuration.models import RigFile
from rigs.leases.flock import FlockLease
from rigs.leases.labgrid import LabgridLease
from rigs.leases.model import Lease, LeaseError, NoLease

__all__ = ["Lease", "LeaseError", "of"]


def of(rig: RigFile) -> Lease:
    """The lease that `rig` asks for, not yet acquired."""
    if rig.lease.kind == "flock":
        return FlockLease(rig)
    if rig.lease.kind == "labgrid":
        return LabgridLease(rig)
    return NoLease()
