"""Child processes that a server forks (`forking` is its program): what each of them needs was loaded once.

Strategy: Python, ctypes and a library cost 50 ms of CPU for each process, and a DUT in a child process is started anew
for many cases. A fork has all that, is as new as the server's memory was before any work, and costs a tenth of it. Its
parent is the server, so the server tells how it ended. There is one server for each program of this process; it ends
with this process.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO

from rigs.links import forking
from rigs.model import RigError

#: Seconds for a fork, on a busy machine as well; a server that takes longer hangs.
_LONGEST = 60.0


class Forked:
    """One fork, as far as it is used like a `subprocess.Popen`: `pid`, `stdout`, `poll`, `wait`, `kill`."""

    def __init__(self, server: ForkServer, pid: int, output: int) -> None:
        """Made by `ForkServer.fork` only."""
        self._server, self.pid = server, pid
        self._status: int | None = None
        self.stdout: IO[bytes] = os.fdopen(output, "rb")

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        if self._status is None:
            self._status = self._server.status(self.pid, 0)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """The same, once it has ended. Raises `subprocess.TimeoutExpired`."""
        if self._status is None:
            self._status = self._server.status(self.pid, timeout)
        if self._status is None:
            raise subprocess.TimeoutExpired("fork", timeout or 0)
        return self._status

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._server.kill(self.pid)


class ForkServer:
    """A server of one program. Threads may share it."""

    def __init__(self, program: str, words: Sequence[str], environment: Mapping[str, str]) -> None:
        """`words`: for `prepare` of the program."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control, self._lock = ours, threading.RLock()
        self._forked: list[int] = []
        self._ended: dict[int, int] = {}  # the status of each fork that has ended
        self._gone = False
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-S", "-E", "-s", forking.__file__),
                    *(program, str(theirs.fileno()), *words),
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **environment},
                start_new_session=True,  # a Ctrl-C at the terminal is ours to handle
            )
        atexit.register(self.close)

    @property
    def alive(self) -> bool:
        """Whether it can fork."""
        return not self._gone and self._process.poll() is None

    def fork(self, words: Sequence[str], sock: socket.socket) -> Forked:
        """Fork the program, with `words` and its end of a socket. Raises `RigError`."""
        output, theirs = os.pipe()
        try:
            with self._lock:
                message = b"F" + "\0".join(words).encode()
                socket.send_fds(self._control, [message], [sock.fileno(), theirs])
                while not self._forked:
                    if not self._hear(_LONGEST) or self._gone:
                        raise OSError("it does not answer")
                return Forked(self, self._forked.pop(), output)
        except OSError as error:
            os.close(output)
            self.close()
            raise RigError(f"the process that forks others failed: {error}") from error
        finally:
            os.close(theirs)

    def kill(self, pid: int) -> None:
        """Kill a fork, if it has not ended."""
        with self._lock:
            if self.status(pid, 0) is None:
                self._control.send(b"K%d" % pid)

    def status(self, pid: int, timeout: float | None) -> int | None:
        """The exit status of a fork, waited for as long as `timeout` says (None: for ever); None while it runs."""
        with self._lock:
            while self._hear(0):
                pass
            while pid not in self._ended and not self._gone:
                if not self._hear(timeout):
                    return None
            return self._ended.get(pid, -signal.SIGKILL)  # forks do not outlive the server

    def close(self) -> None:
        """End it, and with it all its forks. May be called twice."""
        atexit.unregister(self.close)
        self._gone = True
        self._process.kill()
        self._process.wait()
        self._control.close()

    def _hear(self, timeout: float | None) -> bool:
        """Take in the next word of the server's; False when none comes in time, or ever."""
        if self._gone or not select.select([self._control], [], [], timeout)[0]:
            return False
        message = self._control.recv(forking.FORKED.size)
        if not message:
            self._gone = True
            return False
        kind, pid, status = forking.FORKED.unpack(message)
        if kind == b"F":
            self._forked.append(pid)
            self._ended.pop(pid, None)  # another one had this id
        else:
            self._ended[pid] = status
        return True


_servers: dict[tuple[int, str, tuple[str, ...], tuple[tuple[str, str], ...]], ForkServer] = {}


def server_of(program: str, words: Sequence[str], environment: Mapping[str, str]) -> ForkServer:
    """The server of a program in this process, started at the first call."""
    key = os.getpid(), program, tuple(words), tuple(environment.items())
    if key not in _servers or not _servers[key].alive:
        _servers[key] = ForkServer(program, words, environment)
    return _servers[key]
