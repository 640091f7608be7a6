"""Putting files in their place: whole or not at all, and never through a link that stands there.

`-` is standard output, as elsewhere: it takes one file of text, and no folder and no database.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

from reports.record import RecordError
from sixlowpan import files

STDOUT: Final = Path("-")


def made_folder(path: Path, remedy: str) -> Path:
    """The folder, made if there is none, in which files can be put. Raises `RecordError`, which ends with `remedy`."""
    if path == STDOUT:
        raise RecordError(f"-: several files are made, which standard output cannot take: {remedy}")
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise RecordError(f"{path}: nothing can be written there: {files.why(error)}; {remedy}") from error
    return path


def judge(path: Path) -> None:
    """Raise `RecordError` for a place at which `put` writes nothing, before what is written there is made."""
    try:
        if path.is_dir():
            raise RecordError(f"{path}: is a folder: name a file in it")
        if path.exists() and not (path.is_symlink() or path.is_file()):
            raise RecordError(f"{path}: is no regular file, and would be replaced by one: name another")
        if not path.parent.is_dir():
            raise RecordError(f"{path}: there is no folder {path.parent}: make it first")
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {files.why(error)}: name another") from error


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all; a link in its place is replaced, a device or pipe is not.

    Raises `RecordError`.
    """
    judge(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.unlink(missing_ok=True)
        with fresh.open("x", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise RecordError(f"{path}: cannot be written: {error.strerror}") from error
