"""Lease the physical devices of a local rig with `flock` on files named after them.

Strategy: what must not be shared is the device, not the rig file: two rig files may name one board. So each
device id (a serial port, a radio) gets a lock file in a private folder of the user; all of a rig's devices
are locked in one order, so that two runs cannot wait for each other. The kernel drops an flock with the
process that holds it, so nothing stale can ever block: what is written *in* the file only says who holds
it.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import TextIO

from reports.record import now
from rigs.configuration.models import RigFile
from rigs.leases.model import Lease, LeaseError, LeaseHeldError

#: Seconds between two looks at a lock that somebody else holds (flock has no timeout of its own).
_POLL = 0.1
#: Schemes that name a port or an interface, of which each network namespace has its own.
_NETWORK = frozenset({"ot_sim", "zep", "packet", "slip_radio", "uart_pipe", "socket"})
_IN = " in network namespace "
#: Links that go over another one, or over a console, which is the device.
_WITHIN = frozenset({"spinel", "ot_security"})


class FlockLease(Lease):
    """Holds one lock file for each device of a rig."""

    def __init__(self, rig: str, names: list[str], wait: float, *, once: bool = False) -> None:
        """`names` are the devices' ids; `wait` is in seconds.

        `once`: nobody waits for these names, nor uses them again, so that nothing of them stays.
        """
        self._rig, self._devices, self._wait, self._once = rig, names, wait, once
        self._files: list[TextIO] = []

    def acquire(self) -> None:
        deadline = time.monotonic() + self._wait
        try:
            for device in self._devices:
                self._files.append(self._lock(device, deadline))
        except OSError as error:
            self.release()
            raise LeaseError(
                f"{self._rig}: no lock can be had in {error.filename}: {error.strerror}"
            ) from error
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        while self._files:
            file = self._files.pop()
            if self._once:
                Path(file.name).unlink(missing_ok=True)
            file.close()

    def check(self) -> None:
        for device in self._devices:
            try:
                with _lock_file(device).open(encoding="utf-8") as file:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except FileNotFoundError:  # nobody ever had it
                continue
            except BlockingIOError:
                raise LeaseHeldError(
                    f"{_shown(device)} is in use: held by {_who(_lock_file(device).read_text())}"
                ) from None
            except OSError as error:
                raise LeaseError(
                    f"{self._rig}: no lock can be had in {error.filename}: {error.strerror}"
                ) from error

    def _lock(self, device: str, deadline: float) -> TextIO:
        path = _lock_file(device)
        # "a+" keeps the holder's text; a device's file is never unlinked, or two runs could lock two
        file = path.open("a+", encoding="utf-8")
        pause = threading.Event()
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    file.seek(0)
                    holder = file.read()
                    file.close()
                    raise LeaseError(
                        f"{self._rig}: {_shown(device)} is in use: held by {_who(holder)}; waited {self._wait:g} s. "
                        "End that run, or raise [lease] wait; two rigs of one run that share it take turns with -n0."
                    ) from None
                pause.wait(_POLL)
                continue
            except BaseException:
                file.close()
                raise
            file.truncate(0)
            json.dump(
                {
                    "device": device,
                    "rig": self._rig,
                    "pid": os.getpid(),
                    "user": getpass.getuser(),
                    "since": now(),
                },
                file,
            )
            file.flush()
            return file


def devices(rig: RigFile) -> list[str]:
    """The ids of the physical things of `rig`, sorted: what [lease] devices names, else link and consoles."""
    named = rig.lease.devices or [
        rig.tester.link,
        rig.dut.console or "",
        *((rig.peer.link or "", rig.peer.console or "") if rig.peer else ()),
    ]
    return sorted({_id(address) for address in named if address})


def folder() -> Path:
    """The folder of the lock files: KEYHOLE_LEASES, or a private one of this user."""
    if named := os.environ.get("KEYHOLE_LEASES"):
        path = Path(named)
    elif runtime := os.environ.get("XDG_RUNTIME_DIR"):
        path = Path(runtime) / "keyhole" / "leases"
    else:
        path = Path(tempfile.gettempdir()) / f"keyhole-{os.getuid()}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not named and path.stat().st_uid != os.getuid():
        raise LeaseError(
            f"{path} belongs to somebody else: set XDG_RUNTIME_DIR or KEYHOLE_LEASES to a folder of yours"
        )
    return path


def _lock_file(device: str) -> Path:
    return folder() / f"{hashlib.sha256(device.encode()).hexdigest()[:24]}.lock"


def _id(address: str) -> str:
    """One id for one device: a device node is known by what it is, not by which link in /dev names it."""
    scheme, _, rest = address.partition(":")
    if scheme in _WITHIN and ":" in rest:
        return _id(rest.partition("#")[0])
    rest = rest.partition("?")[0]
    path = Path(rest)
    if path.is_absolute() and path.exists():
        return str(path.resolve())
    return f"{scheme}:{rest}{_namespace()}" if scheme in _NETWORK and "@" not in rest else f"{scheme}:{rest}"


def _namespace() -> str:
    """The network namespace that we are in: the same port is another one in another namespace."""
    try:
        ours = Path("/proc/self/ns/net").stat()
    except OSError:  # a kernel without namespaces has one
        return ""
    return f"{_IN}{ours.st_ino}"


def _shown(device: str) -> str:
    """A device's id as its rig file names it."""
    return device.partition(_IN)[0]


def _who(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['pid']} of {holder['user']} (rig {holder['rig']}) since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that did not say who it is"
