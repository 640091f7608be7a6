"""Lease a rig by two programs of the lab's own: one takes it, one gives it back.

Strategy: the lab keeps the books; we say who asks. Both programs run without a shell and with KEYHOLE_RUN and
KEYHOLE_RIG in their environment, under which the lab keeps the board. The one that gives back is run whatever became of
the other, also by `python -m rigs release RUN` after a run that was killed: so there may be nothing to give back. Lines
KEY=VALUE that the first one prints are what the rig file may use as `${lease.KEY}`.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil

from rigs.configuration.models import RigFile
from rigs.leases import program
from rigs.leases.flock import FlockLease
from rigs.leases.model import Lease, LeaseError, name_of

#: Seconds that giving back may take.
_RELEASE = 60.0


class CommandLease(Lease):
    """What the programs `acquire` and `release` of [lease] do."""

    def __init__(self, rig: RigFile, run: str) -> None:
        self._rig, self._lease = rig.name, rig.lease
        self._environment = {"KEYHOLE_RUN": run, "KEYHOLE_RIG": rig.name}
        self._alive = FlockLease(rig.name, [name_of(run, rig.name)], 0, once=True)
        self._begun = False

    def check(self) -> None:
        for key, line in (("acquire", self._lease.acquire), ("release", self._lease.release)):
            self._words(key, line)

    def acquire(self) -> None:
        self._alive.acquire()
        self._begun = True
        try:
            said = self._run("acquire", self._lease.acquire, self._lease.wait)
        except BaseException:
            with contextlib.suppress(LeaseError):  # what went wrong first is what is told
                self.release()
            raise
        self.facts = dict(re.findall(r"^([A-Za-z][A-Za-z0-9_.-]*)=(.*?)\s*$", said, re.MULTILINE))

    def release(self) -> None:
        begun, self._begun, self.facts = self._begun, False, {}
        try:
            if begun:
                self.give_back()
        finally:
            self._alive.release()

    def give_back(self) -> None:
        """Run the program that gives the rig back, whoever took it. Raises `LeaseError`."""
        self._run("release", self._lease.release, _RELEASE)

    def _run(self, key: str, line: str, seconds: float) -> str:
        words, where = self._words(key, line), f"{self._rig}: [lease] {key} `{line}`"
        try:
            ended = program.run(words, self._environment, seconds)
        except OSError as error:
            raise LeaseError(f"{where}: cannot be run: {error.strerror}") from error
        if ended.status is None:
            raise LeaseError(f"{where}: did not end within {seconds:g} s; it said: {ended.said}")
        if ended.status:
            raise LeaseError(f"{where}: exit status {ended.status}: {ended.said}")
        return ended.out

    def _words(self, key: str, line: str) -> list[str]:
        where = f"{self._rig}: [lease] {key} `{line}`"
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise LeaseError(f"{where}: {error}: quote it as a shell wants it") from error
        path = shutil.which(words[0]) if words else None
        if path is None:
            raise LeaseError(f"{where}: there is no such program: put it on PATH, or name its path")
        return [path, *words[1:]]
