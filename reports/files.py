"""Putting files in their place: whole or not at all, and never through a link that stands there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from reports.record import RecordError


def judge(path: Path) -> None:
    """Raise `RecordError` for a place at which `put` writes nothing, before what is written there is made."""
    if path.is_dir():
        raise RecordError(f"{path}: is a folder: name a file in it")
    if path.exists() and not (path.is_symlink() or path.is_file()):
        raise RecordError(f"{path}: is no regular file, and would be replaced by one: name another")
    if not path.parent.is_dir():
        raise RecordError(f"{path}: there is no folder {path.parent}: make it first")


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
