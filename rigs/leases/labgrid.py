"""Lease a board of a labgrid farm through the `labgrid-client` program.

Strategy: labgrid is never imported (its fork of pyserial replaces ours); its client is run from its own
environment. A reservation waits in the coordinator's queue, then the place is acquired. labgrid's leases
have no time limit of their own, so release and cancel are tried whatever happened before, each under its
own name (LG_USERNAME) so that a left-over can be told apart and reaped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from rigs.configuration.models import RigFile
from rigs.leases.model import Lease, LeaseError

#: Seconds that any single call but the waiting one may take.
_CALL = 30.0


class LabgridLease(Lease):
    """One reserved and acquired place."""

    def __init__(self, rig: RigFile) -> None:
        self._rig = rig.name
        self._lease = rig.lease
        self._token = ""
        self._acquired = False
        self._environment = dict(os.environ, LG_USERNAME=f"keyhole-{os.getpid()}-{rig.name}")
        if rig.lease.coordinator:
            self._environment["LG_COORDINATOR"] = rig.lease.coordinator

    def acquire(self) -> None:
        if not self._lease.match:
            raise LeaseError(
                f'{self._rig}: [lease] match is empty: say what to reserve, such as ["board=nrf52840dk"]'
            )
        try:
            said = self._run("reserve", "--wait", "--shell", *self._lease.match, seconds=self._lease.wait)
            found = re.search(r"LG_TOKEN=(\S+)", said)
            if found is None:
                raise LeaseError(
                    f"{self._rig}: labgrid-client reserve gave no token; it said: {said.strip()!r}"
                )
            self._token = found[1]
            self._run("-p", "+", "acquire", seconds=_CALL)
            self._acquired = True
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        acquired, token = self._acquired, self._token
        try:
            if acquired:
                self._run("-p", "+", "release", seconds=_CALL)
        finally:
            self._acquired, self._token = False, ""
            if token:
                self._run("cancel-reservation", token, seconds=_CALL)

    def _run(self, *arguments: str, seconds: float) -> str:
        program = shutil.which("labgrid-client")
        if program is None:
            raise LeaseError(
                f"{self._rig}: the program labgrid-client is missing. Install labgrid in an environment "
                "of its own (pipx install labgrid; not in this one) and put it on PATH."
            )
        environment = dict(self._environment, LG_TOKEN=self._token) if self._token else self._environment
        what = "labgrid-client " + " ".join(arguments)
        try:
            done = subprocess.run(
                [program, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            raise LeaseError(
                f"{self._rig}: `{what}` did not end within {seconds:g} s: no place is free"
            ) from error
        if done.returncode:
            raise LeaseError(f"{self._rig}: `{what}` failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout
