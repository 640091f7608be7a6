"""What a lease is, and the one of a rig that nobody else can have: an in-memory or virtual one."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final

from rigs.model import RigError

#: What a run's id may be.
RUN: Final = r"[A-Za-z0-9_-]+"


class LeaseError(RigError):
    """Somebody else has the rig, or the lab cannot be asked: says who or what, and the remedy."""


class LeaseHeldError(LeaseError):
    """Somebody else has the rig at this moment."""


class Lease(ABC):
    """The right to use one rig."""

    #: What the lab knows of the board that was got, for `${lease.KEY}` of the rig file. Empty before `acquire`.
    facts: Mapping[str, str] = {}

    def check(self) -> None:
        """Raises `LeaseError` when this machine lacks what it takes to ask for the rig, or knows who has it."""
        return

    @abstractmethod
    def acquire(self) -> None:
        """Get the rig, waiting as long as the rig file says. Raises `LeaseError`; then nothing is kept."""

    @abstractmethod
    def release(self) -> None:
        """Give the rig back. May be called twice, and without `acquire`. Raises `LeaseError`."""

    def __enter__(self) -> Lease:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class NoLease(Lease):
    """For rigs that every run makes for itself."""

    def acquire(self) -> None:
        return

    def release(self) -> None:
        return


def name_of(run: str, rig: str) -> str:
    """The name in which a run has a rig in a lab's books; a dot ends the id of the run (`RUN`)."""
    return f"keyhole.{run}.{rig}"


def of_this_process() -> str:
    """What stands for the id of a run in a lab's books where there is no run: a check or a replay."""
    return f"process-{os.getpid()}"
