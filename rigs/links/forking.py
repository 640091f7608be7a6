"""Runs as a process of its own, of the standard library alone: forks a program that it has loaded once, for each order.

    python forking.py PROGRAM CONTROL WORD...

PROGRAM is a Python file with `prepare(WORD...)`, which is called once, and `work(prepared, socket, word...)`, which is
called in each fork. CONTROL is the number of a sequenced-packet socket. To this process: `F` and the words of a fork,
with its socket and the file for its output beside it; `K` and a process id: kill that one. From it: `F` and the
process id of a fork; `E`, the process id of one that has ended, and its exit status, negative for a signal. Forks are
killed from here, where it is certain that the id is not another process's by now. The end of CONTROL ends this process;
forks end with their own sockets, or when this process is killed (prctl).
"""

import ctypes
import importlib.util
import os
import select
import signal
import socket
import struct
import sys
from typing import Any

FORKED = struct.Struct("=cii")


def _program(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("program", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _die_with_parent() -> None:
    """PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _work(program: Any, prepared: Any, files: list[int], words: list[str]) -> None:
    """In the fork: as the process of a program that was started by itself; it does not come back."""
    status = 1
    try:
        _die_with_parent()
        os.setsid()
        for number in (1, 2):
            os.dup2(files[1], number)
        os.close(files[1])
        program.work(prepared, socket.socket(fileno=files[0]), *words)
        status = 0
    except SystemExit as end:
        sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 - the interpreter would print it as well
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Serve until the end of the control socket."""
    path, number, *words = sys.argv[1:]
    program = _program(path)
    prepared = program.prepare(*words)
    _die_with_parent()
    control = socket.socket(fileno=int(number))
    poll = select.poll()
    poll.register(control, select.POLLIN)
    forks: dict[int, int] = {}  # by the pipe that ends with it
    while True:
        for ready, _ in poll.poll():
            if ready in forks:
                process = forks.pop(ready)
                poll.unregister(ready)
                os.close(ready)
                status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
                control.send(FORKED.pack(b"E", process, status))
                continue
            message, files, _, _ = socket.recv_fds(control, 1 << 16, 2)
            if not message:
                return
            if message[:1] == b"K":
                process = int(message[1:])
                if process in forks.values():
                    os.kill(process, signal.SIGKILL)
                continue
            ended, lives = os.pipe()
            process = os.fork()
            if not process:
                for other in (control.detach(), ended, *forks):
                    os.close(other)
                _work(program, prepared, files, message[1:].decode().split("\0"))
            forks[ended] = process
            poll.register(ended, select.POLLIN)
            for theirs in (lives, *files):
                os.close(theirs)
            control.send(FORKED.pack(b"F", process, 0))


if __name__ == "__main__":
    main()
