"""Files that a user names, opened if they are files: a pipe without a writer or a device would be read for ever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

#: Octets of a file of text that somebody wrote; a profile with a hundred deviations has fifty thousand.
LARGEST: Final = 1 << 20
#: Where the words of the system do not say what to do.
_WHY: Final = {
    errno.EEXIST: "something that is no folder stands there",
    errno.EISDIR: "it is a folder: name a file in it",
    errno.ELOOP: "it is a link that leads to itself",
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file: a part of its path is no folder",
    errno.ENXIO: "it is a socket, or a device that is not there",
}


def why(error: Exception) -> str:
    """What is said of an error behind the name of its file."""
    number = error.errno if isinstance(error, OSError) else None
    return _WHY.get(number or 0) or getattr(error, "strerror", None) or str(error)


def opened(path: Path, *, follow: bool = True) -> BinaryIO:
    """A file, open for reading; OSError (ELOOP: a link that is not to be followed), ValueError for what is no file."""
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    file = open(path, "rb", opener=lambda name, _: os.open(name, flags))  # noqa: SIM115 - it is the caller's
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("it is a pipe or a device and no file: write what comes of it into a file first")
    return file


def text(path: Path, largest: int = LARGEST) -> str:
    """What a file of text says; OSError, and ValueError for what is none: no file, too large, not UTF-8."""
    with opened(path) as file:
        octets = file.read(largest + 1)
    if len(octets) > largest:
        raise ValueError(f"no such file has more than {largest} octets")
    try:
        return octets.decode("utf-8-sig")  # some editors put a mark of the encoding in front
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        what = f"octet 0x{octets[error.start]:02x} in line {line}"
        raise ValueError(f"not UTF-8 ({what}): save the file as UTF-8") from error
