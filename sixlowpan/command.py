"""How each command ends where its streams fail or the user ends it: with a sentence and a status, never a traceback.

The status is the command's own; 130 behind Ctrl-C; 0 when the reader of the output (`| head`) has seen enough; 2 when
the output cannot be written, or a file cannot be had. A stream that was closed is an empty one, and what its encoding
lacks is escaped.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

from sixlowpan import files

INTERRUPTED = 130
#: Errors of a write, which name no file, and what they are about.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_UNNAMED = "the output, or a temporary file (set TMPDIR to a folder with room), cannot be written: "


def printable(text: object) -> str:
    """The text with all that a terminal would obey made visible."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(text))


def run(
    name: str,
    command: Callable[[], int],
    *,
    refused: tuple[type[Exception], ...] = (),
    show: Callable[[object], str] = printable,
) -> int:
    """Run a command; its status. Of what is `refused`, as of an `OSError`, the text is told, as `show` returns it."""
    for stream, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, stream) is None:
            setattr(sys, stream, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as we run
    for each in (sys.stdout, sys.stderr):
        if isinstance(each, io.TextIOWrapper):
            each.reconfigure(errors="backslashreplace")
    try:
        try:
            return command()
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _silence()
        return 0
    except OSError as error:
        if error.filename is None:
            _silence()
            where, why = _UNNAMED if error.errno in FULL else "", error.strerror
        else:
            where, why = f"{error.filename}: ", files.why(error)
        _say(f"{name}: {show(f'{where}{why}' if error.strerror else error)}")
        return 2
    except refused as error:
        _say(f"{name}: {show(error)}")
        return 2


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")


def _silence() -> None:
    """Python must not flush into the output again when it ends."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
