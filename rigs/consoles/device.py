"""A terminal device of this host, named by its path: what keeps us from opening it, and who else has it open.

Strategy: all is told by the file system and /proc, without opening the device. Where a pseudo-terminal is a board's,
the program that plays the board may keep our end of it open beside its own: it is no rival, and neither are the
programs that it has started, which have what it had open (socat's EXEC).
"""

from __future__ import annotations

import contextlib
import grp
import os
import re
import stat
from pathlib import Path
from typing import Final

#: Groups that mean more than access to devices of one kind.
_POWERFUL: Final = {"root", "0", "wheel", "sudo", "adm", "disk", "kmem", "shadow", "docker", "lxd", "staff"}
#: Linux, Documentation/admin-guide/devices.txt: the majors of pseudo-terminals' slaves, 256 of them each.
_SLAVES: Final = range(136, 144)


def lacking(path: str, what: str, remedy: str) -> tuple[str, str] | None:
    """What keeps us from opening the device at `path`, and what to do about it; None where nothing does.

    `what` is the kind of device that is wanted, `remedy` what to do where there is none.
    """
    try:
        mode = Path(path).stat().st_mode
    except PermissionError:
        return (
            f"{path}: a folder on the way to it may not be entered by you",
            "name a device that you may open",
        )
    except (OSError, ValueError):
        return f"there is no {what} {path}{_leads(path)}", remedy
    if not stat.S_ISCHR(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a file"
        return f"{path} is {kind}, and no {what}", remedy
    if (kind := _kind(path)) not in {"", "tty"}:
        return f"{path} is a device of the kind {kind!r}, and no {what}", remedy
    if not os.access(path, os.R_OK | os.W_OK):
        return f"{path} may not be opened by you", permission(path)
    return None


def _kind(path: str) -> str:
    """What the kernel calls devices of this kind; empty where it does not tell, as of pseudo-terminals."""
    device = Path(path).stat().st_rdev
    try:
        return Path(f"/sys/dev/char/{os.major(device)}:{os.minor(device)}/subsystem").readlink().name
    except OSError:
        return ""


def permission(path: str) -> str:
    """How whoever runs us gets access to the device."""
    about = Path(path).stat()
    try:
        group = grp.getgrgid(about.st_gid).gr_name
    except KeyError:
        group = str(about.st_gid)
    shared = about.st_mode & 0o060 == 0o060
    if not shared or group in _POWERFUL:  # who joins these gets far more than a port
        return (
            f"it is of {group} with mode {about.st_mode & 0o777:o}; give it a group of its own by a udev rule, as "
            'SUBSYSTEM=="tty", GROUP="dialout", MODE="0660", then join that group and log in again'
        )
    return (
        f"join its group ({group}, usually dialout) with `usermod -aG {group} USER` as root, and log in again"
    )


def users(path: str) -> str:
    """Other processes that have the device open, as far as we may know."""
    try:
        device = Path(path).stat().st_rdev
    except OSError:
        return ""
    if os.major(device) in {0, 1}:  # no device at all, or /dev/null and its kin: everybody has that open
        return ""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = int(process.name) != os.getpid() and any(
                file.exists() and file.stat().st_rdev == device for file in (process / "fd").iterdir()
            )
            if opened and not _is_the_board(process, device):
                found.append(f"process {process.name} ({(process / 'comm').read_text().strip()})")
        except OSError:  # it has ended, or is somebody else's
            continue
    return ", ".join(found)


def _is_the_board(process: Path, device: int) -> bool:
    """Whether a process, or one that it descends from, has the other end of the pseudo-terminal, its master."""
    if os.major(device) not in _SLAVES:
        return False
    index = (os.major(device) - _SLAVES[0]) * 256 + os.minor(device)
    while int(process.name) not in {0, 1, os.getpid()}:
        with contextlib.suppress(PermissionError):  # another user's: then it is not told
            if any(
                re.search(rf"^tty-index:\s*{index}$", about.read_text(), re.MULTILINE)
                for about in (process / "fdinfo").iterdir()
            ):
                return True
        parent = re.search(r"^PPid:\s*(\d+)$", (process / "status").read_text(), re.MULTILINE)
        if parent is None:
            return False
        process = process.parent / parent[1]
    return False


def _leads(path: str) -> str:
    """Where a link leads whose device is gone."""
    try:
        return f": it is a link to {Path(path).readlink()}, which is not there"
    except (OSError, ValueError):
        return ""
