"""A capture that comes through a pipe, as a file: what follows its frames is looked for, so it is read twice.

It is kept in a temporary file until it ends. What goes wrong on the way is said of the pipe, and not of that file.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from sixlowpan import command, files

#: What stands for standard input on a command line.
STDIN: Final = Path("-")


def named(path: Path) -> str:
    """How messages name it."""
    return "stdin" if path == STDIN else str(path)


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A capture as a file that can be read twice: what comes through a pipe is kept in a temporary one meanwhile."""
    if path != STDIN and not path.is_fifo():
        yield path
        return
    if path == STDIN and sys.stdin.isatty():
        raise ValueError("stdin is a terminal: send a capture into it, as in `judge - < capture.pcap`")
    name = named(path)
    with _kept() as copy:
        with (
            copy.open("wb") as out,
            nullcontext(sys.stdin.buffer) if path == STDIN else _awaited(path) as pipe,
        ):
            try:
                _pour(pipe, out)
                out.flush()
            except OSError as error:
                if error.errno not in command.FULL:
                    raise ValueError(f"{name}: cannot be read: {files.why(error)}") from error
                why = f"cannot be kept in {copy.parent} until it ends ({error.strerror})"
                raise ValueError(f"{name}: {why}: set TMPDIR to a folder with room") from error
        try:
            yield copy
        except ValueError as error:
            raise ValueError(str(error).replace(str(copy), name)) from error


@contextlib.contextmanager
def _kept() -> Iterator[Path]:
    """A temporary file."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="sixlowpan-")
    except OSError as error:
        raise ValueError(f"{error.strerror}: set TMPDIR to a folder that can be written") from error
    with folder as name:
        yield Path(name) / "capture"


def _awaited(path: Path) -> BinaryIO:
    """A pipe with a name, open for reading; who waits for what is to come through it is told so."""
    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    if not waiting.poll(0):
        sys.stderr.write(
            f"{command.printable(path)}: waiting for a capture to come through this pipe (Ctrl-C ends)\n"
        )
        sys.stderr.flush()
        waiting.poll()
    os.set_blocking(pipe, True)
    return os.fdopen(pipe, "rb")


def _pour(pipe: BinaryIO, out: BinaryIO) -> None:
    """Copy to the end. The first Ctrl-C is left to whoever captures, whose last packets are still to come."""
    before = signal.signal(signal.SIGINT, lambda *_: signal.signal(signal.SIGINT, before))
    try:
        shutil.copyfileobj(pipe, out)
    finally:
        signal.signal(signal.SIGINT, before)
