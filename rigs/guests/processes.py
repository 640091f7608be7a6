"""Child processes that never outlive us, and the reaping of those that did.

Strategy, two nets. First, PDEATHSIG: the kernel kills the child when its parent dies, however it dies. The signal
fires at the death of the parent *thread*, so all children of this module are started by one thread that lives as
long as the process; and it must be asked for by the child itself, so a few lines of Python do that and then become
the program. Second, a note `guests/<token>.json` in the cache: who was started, when, by whom. The next start reads
the notes and ends what a lost parent left behind, but only a process proven to be ours: same pid, same start time,
and the token on its command line.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

#: Undo what Python did to SIGPIPE and SIGXFSZ, ask for SIGKILL at the parent's death (PR_SET_PDEATHSIG = 1), make sure
#: that it has not died already, go on.
_TRAMPOLINE = (
    "import _signal, ctypes, os, sys\n"
    "for ignored in 13, 25: _signal.signal(ignored, 0)\n"
    "ctypes.CDLL(None).prctl(1, 9)\n"
    "os.getppid() == int(sys.argv[1]) or os._exit(127)\n"
    "try: os.execvp(sys.argv[2], sys.argv[2:])\n"
    "except OSError as error: sys.exit(f'{sys.argv[2]} cannot be run: {error.strerror}')\n"
)

_Result = tuple[subprocess.Popen[bytes] | None, OSError | None]
_jobs: queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], queue.SimpleQueue[_Result]]] = (
    queue.SimpleQueue()
)
_starter: list[
    tuple[int, threading.Thread]
] = []  # (our pid, its thread): a fork has no threads but the caller's
_lock = threading.Lock()


def start(
    command: Sequence[str],
    stderr: IO[bytes] | int,
    pass_fds: Sequence[int] = (),
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start `command` so that it dies with this process. Its standard output goes where `stderr` goes.

    It leads a session, and so a process group, of its own.
    """

    def job() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-S", "-E", "-s", "-c", _TRAMPOLINE, str(os.getpid()), *command],
            stdin=stdin,
            stdout=stderr,
            stderr=stderr,
            pass_fds=pass_fds,
            start_new_session=True,  # a Ctrl-C at the terminal is ours to handle, not the guest's
        )

    with _lock:
        if not _starter or _starter[0][0] != os.getpid():
            thread = threading.Thread(target=_serve, name="guest-starter", daemon=True)
            thread.start()
            _starter[:] = [(os.getpid(), thread)]
    answer: queue.SimpleQueue[_Result] = queue.SimpleQueue()
    try:
        _jobs.put((job, answer))
        process, error = answer.get()
    except BaseException:  # a Ctrl-C in the middle: nobody knows of the child, which must not go on by itself
        process, _ = answer.get()
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise
    if error is not None:
        raise error
    assert process is not None
    return process


def _serve() -> None:
    while True:
        job, answer = _jobs.get()
        try:
            answer.put((job(), None))
        except OSError as error:
            answer.put((None, error))


def start_time(pid: int) -> int | None:
    """Clock ticks from the host's boot to the start of `pid`; None when there is no such process (proc(5))."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def token() -> str:
    """A fresh name for one child, to stand on its command line."""
    return f"keyhole-{secrets.token_hex(8)}"


def note(folder: Path, name: str, pid: int, run_dir: Path) -> Path:
    """Write down that child `pid`, which carries `name` on its command line, is ours; return the note's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    content = {
        "token": name,
        "pid": pid,
        "start": start_time(pid),
        "parent": os.getpid(),
        "parent_start": start_time(os.getpid()),
        "run_dir": str(run_dir),
    }
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(path)
    return path


def reap(folder: Path) -> list[int]:
    """End the children of parents that are gone, remove their notes and run folders; return the pids ended."""
    ended = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        try:
            entry: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            parent, parent_start = int(entry["parent"]), entry["parent_start"]
            pid, started, name = int(entry["pid"]), entry["start"], str(entry["token"])
            run_dir = Path(entry["run_dir"])
        except FileNotFoundError:
            continue  # its owner was quicker
        except (OSError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            continue
        if parent_start is not None and start_time(parent) == parent_start:
            continue
        if _end_if_ours(pid, started, name):
            ended.append(pid)
        if run_dir.name == name:  # never remove a folder that does not carry the token
            shutil.rmtree(run_dir, ignore_errors=True)
        path.unlink(missing_ok=True)
    return ended


def _end_if_ours(pid: int, started: int | None, name: str) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:  # from here on `handle` means one process, whatever becomes of the number
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if started is None or start_time(pid) != started or name.encode() not in command:
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], 5)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
