"""Putting files in their place: whole or not at all, and never through a link that stands there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from reports.record import RecordError


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all; a link in its place is replaced, a device or pipe is not.

    Raises `RecordError`.
    """
    if path.exists() and not (path.is_symlink() or path.is_file() or path.is_dir()):
        raise RecordError(f"{path}: is no regular file, and would be replaced by one: name another")
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
