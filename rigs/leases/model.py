"""What a lease is, and the one of a rig that nobody else can have: an in-memory or virtual one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType

from rigs.model import RigError


class LeaseError(RigError):
    """Somebody else has the rig, or the lab cannot be asked: says who or what, and the remedy."""


class Lease(ABC):
    """The right to use one rig."""

    @abstractmethod
    def acquire(self) -> None:
        """Get the rig, waiting as long as the rig file says. Raises `LeaseError`."""

    @abstractmethod
    def release(self) -> None:
        """Give the rig back. May be called twice, and without `acquire`."""

    def __enter__(self) -> Lease:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class NoLease(Lease):
    """For rigs that every run makes for itself."""

    def acquire(self) -> None:
        return

    def release(self) -> None:
        return
