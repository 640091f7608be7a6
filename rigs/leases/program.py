"""Run a program of the lab for a lease: it dies with this process, and its deadline does not count its start.

Strategy: a lab is asked by programs (`labgrid-client`, one of the user's own). Each runs in a session of its own, so
that a Ctrl-C at the terminal ends neither a call in the middle nor the one that gives the board back, and is killed
by the kernel when this process is (`rigs.guests.processes`). Its time is told by `rigs.clock`, which other work on the
machine does not hurry.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rigs import clock
from rigs.guests import processes

#: Seconds between two looks whether a program has ended whose output somebody else still holds open.
_LOOK: Final = 0.1
#: Seconds that a program may take to start, where its deadline counts from its first words on.
_START: Final = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit status (None: it was ended at its deadline), and what it said."""

    status: int | None
    out: str
    err: str

    @property
    def said(self) -> str:
        """Its last words, for a message: one line."""
        return " ".join((self.err.strip() or self.out.strip() or "nothing").split())[-300:]


def run(words: Sequence[str], environment: Mapping[str, str], seconds: float, first: bytes = b"") -> Ended:
    """Run `words` (the first is a program's path) with `environment` beside our own, for `seconds` at most.

    The time counts from when `first` was read in its output; from its start where that is empty. Raises `OSError`.
    """
    command = ["env", *(f"{key}={value}" for key, value in environment.items()), *words]
    out, err, waits_for_first, status = bytearray(), bytearray(), bool(first), None
    process = processes.start(command, subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        pipes = {process.stdout.fileno(): out, process.stderr.fileno(): err}
        deadline = clock.now() + (_START if first else seconds)
        while clock.now() < deadline:
            ended = process.poll() is not None  # asked first: what it wrote is then in the pipes
            ready, _, _ = select.select(list(pipes), [], [], 0 if ended else _LOOK)
            for pipe in ready:
                if chunk := os.read(pipe, 1 << 16):
                    pipes[pipe] += chunk
                else:
                    del pipes[pipe]
            if waits_for_first and first in out:
                waits_for_first, deadline = False, clock.now() + seconds
            if ended and not ready:
                status = process.returncode
                break
    finally:
        if status is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in filter(None, (process.stdout, process.stderr)):
            stream.close()
    return Ended(status, out.decode(errors="replace"), err.decode(errors="replace"))
