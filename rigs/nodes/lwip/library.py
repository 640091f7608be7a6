"""Which liblwip a rig runs: the one that is installed, or another Debian's, unpacked in a folder.

The layout of `struct netif` is the same in Debian's 2.1.3 and 2.2.1; `child` checks it before the node is ready.
"""

from __future__ import annotations

import ctypes
import gzip
import re
import subprocess
from pathlib import Path
from typing import Final

INSTALLED: Final = "liblwip.so.0"
REMEDY: Final = "apt-get install liblwip0"
#: What the option `package` of an lwIP DUT is for.
PACKAGE: Final = (
    "a folder in which another Debian's liblwip0 was unpacked (dpkg-deb -x): the library under test, in place of the "
    "installed one"
)


def library(folder: str) -> str:
    """What `dlopen` is given: the library in `folder`, or the installed one where that is empty."""
    found = sorted(Path(folder).glob("usr/lib/*/liblwip.so.*")) if folder else []
    return str(found[-1]) if found else INSTALLED


def trouble(folder: str) -> str:
    """Why the library cannot be loaded here; empty when it can."""
    name = library(folder)
    if folder and name == INSTALLED:
        return f"{folder} has no usr/lib/*/liblwip.so.*"
    try:
        ctypes.CDLL(name)
    except OSError as error:
        return str(error) if folder else INSTALLED
    return ""


def installed() -> bool:
    """Whether the installed library can be loaded here."""
    return not trouble("")


def remedy(folder: str) -> str:
    """What to do about it."""
    return "unpack the package there: dpkg-deb -x liblwip0*.deb FOLDER" if folder else REMEDY


def version(folder: str) -> str:
    """The version of its Debian package, where somebody knows it; else the library's name."""
    if folder:
        return _changelog(folder) or f"{Path(library(folder)).resolve().name} (version unknown)"
    try:
        done = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", "liblwip0"],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,  # a bound for what hangs, on a busy machine as well
        )
    except (OSError, subprocess.SubprocessError):
        return f"{INSTALLED} (version unknown)"
    return done.stdout.strip()


def _changelog(folder: str) -> str:
    """The version in the first line of the package's changelog: `lwip (2.2.1+dfsg1-1) unstable; urgency=medium`."""
    for path in sorted(Path(folder).glob("usr/share/doc/liblwip*/changelog.Debian*gz")):
        try:
            with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
                head = re.match(r"lwip \((\S+)\)", file.readline(4096))
        except (OSError, EOFError):
            continue
        if head:
            return head[1]
    return ""
