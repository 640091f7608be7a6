"""Lease a board of a labgrid farm: labgrid's queue, labgrid's books, and the id of the run in them.

Strategy: a reservation is made first, so that its token is known whatever happens then; it waits in the coordinator's
queue, and the place that it is given is acquired. labgrid's leases have no time limit of their own, and a killed
client leaves both behind. So each lease has a name (LG_USERNAME) made of run and rig; what a run has left is found by
that name, and freed (`python -m rigs release RUN`). A lease that is interrupted in the middle of a call frees itself
the same way.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Final

from rigs.configuration.models import RigFile
from rigs.leases.flock import FlockLease
from rigs.leases.labgrid_client import Client, Held, LostError, Reservation
from rigs.leases.model import Lease, LeaseError, name_of

#: Holders that a message names.
_SHOWN: Final = 4


class LabgridLease(Lease):
    """One reserved and acquired place."""

    def __init__(self, rig: RigFile, run: str) -> None:
        self._rig, self._run, self._lease = rig.name, run, rig.lease
        name = name_of(run, rig.name)
        self._client = Client(rig.name, name, rig.lease.coordinator)
        self._alive = FlockLease(rig.name, [name], 0, once=True)
        self._token = self._place = ""

    def check(self) -> None:
        _ = self._client.path

    def acquire(self) -> None:
        self._alive.acquire()
        try:
            reservation = self._client.reserve(self._lease.match)
            self._token = reservation.token
            place = self._allocated(reservation)
            self._client.call("-p", place, "acquire")
            self._place = place
            self.facts = self._client.facts(place)
        except LeaseError:
            with contextlib.suppress(LeaseError):  # what went wrong first is what is told
                self.release()
            raise
        except BaseException:  # in the middle of a call: what it has done is not known
            with contextlib.suppress(LeaseError):
                free(self._client, self._run, self._rig)
                self._place = self._token = ""  # there is nothing more to give back
            self._alive.release()
            raise

    def release(self) -> None:
        place, token = self._place, self._token
        self._place = self._token = ""
        self.facts = {}
        try:
            if place:
                self._client.call("-p", place, "release")
            if token:
                self._client.call("cancel-reservation", token)
        except LeaseError as error:
            if token and place and not isinstance(error, LostError):
                with contextlib.suppress(LeaseError):  # the place was not given back: the queue still is
                    self._client.call("cancel-reservation", token)
            raise LeaseError(
                f"{error} What this run has is given back by `.venv/bin/python -m rigs release {self._run}`."
            ) from error
        finally:
            self._alive.release()

    def _allocated(self, reservation: Reservation) -> str:
        """Wait for the place of a reservation. Raises `LeaseError`."""
        found: Reservation | None = reservation
        if reservation.state == "waiting":
            found = self._client.wait(reservation.token, self._lease.wait)
        if found is not None and found.place:
            return found.place
        wanted = " ".join(self._lease.match)
        if found is not None:
            raise LeaseError(f"{self._rig}: the reservation of a place with {wanted} is {found.state}")
        raise LeaseError(
            f"{self._rig}: no place with {wanted} became free within {self._lease.wait:g} s"
            f"{self._holders()}. Raise [lease] wait, or correct [lease] match."
        )

    def _holders(self) -> str:
        held = self._client.held()
        told = [f"{each.place} by {each.owner}" for each in held[:_SHOWN]]
        more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
        return f"; held are {', '.join(told)}{more}" if held else "; none of all places is held"


def free(
    client: Client, run: str, rig: str = "", dead: Callable[[str], None] = lambda _name: None
) -> list[str]:
    """Give back what a run has (of one rig, or of all), found by its name; a line for each. Raises `LeaseError`.

    `dead` is asked first of each name, and may raise.
    """
    name = re.compile(re.escape(name_of(run, rig or "")) + ("" if rig else ".*"))

    def of_the_run(each: Reservation | Held) -> bool:
        user = each.owner.partition("/")[2]
        if name.fullmatch(user) is None:
            return False
        dead(user)
        return True

    told: list[str] = []
    kept: list[LeaseError] = []  # what could not be given back keeps nothing else
    for reservation in filter(of_the_run, client.reservations()):
        try:
            client.call("cancel-reservation", reservation.token)
            told.append(f"reservation {reservation.token} of {reservation.owner}: cancelled")
        except LeaseError as error:
            kept.append(error)
    for held in filter(of_the_run, client.held()):  # asked after: a place may have been got meanwhile
        try:
            client.call("-p", held.place, "release-from", held.owner)
            told.append(f"place {held.place} of {held.owner}: released")
        except LeaseError as error:
            kept.append(error)
    if kept:
        raise kept[0]
    return told
