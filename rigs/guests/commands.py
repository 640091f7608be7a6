"""Inside the guest: shell commands that run while the agent's loop goes on, and the network namespace they run in."""

from __future__ import annotations

import os
import select
import struct
import time

from rigs.guests import wire

TYPE_CHECKING = False  # the guest has neither typing nor collections.abc
if TYPE_CHECKING:
    from collections.abc import Callable

_CLONE_NEWNET = 0x40000000
#: Octets of a command's output that are kept.
_KEPT = 512 << 10


class Inside:
    """Within a network namespace (a name under /run/netns; "" is the root one) while the block lasts."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._home = -1

    def __enter__(self) -> None:
        if self._namespace:
            self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
            there = -1
            try:
                there = os.open(f"/run/netns/{self._namespace}", os.O_RDONLY)
                _switch(there)
            except OSError:
                os.close(self._home)
                raise
            finally:
                if there >= 0:
                    os.close(there)

    def __exit__(self, *_: object) -> None:
        if self._namespace:
            _switch(self._home)
            os.close(self._home)


def _switch(fd: int) -> None:
    import ctypes  # os.setns is there from Python 3.12 on

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, _CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


class Command:
    """A shell command that runs while the loop goes on."""

    def __init__(self, number: int, pid: int, pipe: int, limit: float) -> None:
        """`limit` is the monotonic time at which it is killed."""
        self.number, self.pid, self.pipe, self.limit = number, pid, pipe, limit
        self.pidfd = os.pidfd_open(pid)
        self.output = bytearray()
        self.late = self.hung_up = False

    def read(self) -> None:
        """Keep what it printed, up to 512 KiB."""
        while True:
            try:
                data = os.read(self.pipe, 65536)
            except BlockingIOError:
                return
            if not data:
                return
            self.output += data[: max(0, _KEPT - len(self.output))]


class Commands:
    """All that run. `tell` sends a message to the host."""

    def __init__(self, poll: select.poll, tell: Callable[[int, int, bytes], None]) -> None:
        self._poll, self._tell = poll, tell
        self._by_fd: dict[int, Command] = {}  # by pipe and by pidfd

    def __len__(self) -> int:
        return len(self._by_fd)

    def __contains__(self, fd: int) -> bool:
        return fd in self._by_fd

    def run(self, body: bytes, number: int) -> None:
        """Timeout in ms (4 octets), namespace, command (the rest). Reply: exit status (-N: signal N), late, output."""
        (limit,) = struct.unpack_from("!I", body)
        namespace, command = wire.take_text(body[4:])
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writer, 1),
            (os.POSIX_SPAWN_DUP2, writer, 2),
        ]
        try:
            with Inside(namespace):
                arguments = ["sh", "-c", command.decode("utf-8", "surrogateescape")]
                pid = os.posix_spawn("/bin/sh", arguments, os.environ, file_actions=actions, setpgroup=0)
        finally:
            os.close(writer)
        started = Command(number, pid, reader, time.monotonic() + limit / 1000)
        for fd in (reader, started.pidfd):
            self._by_fd[fd] = started
            self._poll.register(fd, select.POLLIN)

    def cancel(self, number: int) -> None:
        """Kill the command of this request now; its own reply says that it was late."""
        for command in set(self._by_fd.values()):
            if command.number == number:
                self._end(command)

    def seconds_left(self) -> float | None:
        """Until the first of them is late; None where none runs."""
        limits = [command.limit for command in self._by_fd.values()]
        return max(0.0, min(limits) - time.monotonic()) if limits else None

    def end_late_ones(self) -> None:
        """Kill what has run longer than it may."""
        for command in set(self._by_fd.values()):
            if time.monotonic() >= command.limit:
                self._end(command)

    @staticmethod
    def _end(command: Command) -> None:
        if not command.late:
            command.late, command.limit = True, time.monotonic() + 3600
            os.killpg(command.pid, 9)

    def ready(self, fd: int) -> None:
        """Something came of a command: its output, or its end."""
        command = self._by_fd[fd]
        command.read()
        if fd == command.pipe and not _hung_up(fd):
            return
        if fd == command.pipe:  # all writers are gone; the end itself is told by the pidfd
            self._poll.unregister(fd)
            command.hung_up = True
            return
        status = os.waitstatus_to_exitcode(os.waitpid(command.pid, 0)[1])
        command.read()
        for each in (command.pipe, command.pidfd):
            del self._by_fd[each]
            if each != command.pipe or not command.hung_up:
                self._poll.unregister(each)
            os.close(each)
        self._tell(wire.REPLY, command.number, struct.pack("!i?", status, command.late) + command.output)


def _hung_up(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, 0)
    return bool(poll.poll(0))
