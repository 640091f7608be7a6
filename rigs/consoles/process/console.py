"""`process:COMMAND ...`: a program's standard input and output as the console of a node, such as native firmware.

Strategy: the command line is split as a shell would, but no shell runs it. The program leads a session of its own,
dies with this process (`rigs.guests.processes`), and is ended with all of its group by SIGKILL, because such
firmware has helpers that ignore anything milder. How it ended tells whose fault it was: a signal that a program raises
by its own doing is a crash, and so is an end of itself; a signal that others send is a kill. `restart` ends the program
and starts it anew, which is this console's power cycle: a native node that is told to reboot may die of it (RIOT, of a
signal that comes meanwhile) or does not come back (Contiki-NG).
"""

from __future__ import annotations

import os
import select
import shlex
import shutil
import signal
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rigs.consoles.model import CHUNK, Console, rests
from rigs.guests import processes
from rigs.model import Health, RigError
from rigs.registry import Missing

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

WHAT: Final = "a program and its arguments, such as process:./node.elf -E"
_RAISED: Final = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP}
#: Seconds for a process whose output ended to end itself.
_LINGER: Final = 2.0
_LINGERS: Final = "the process closed its output and lingers"


class ProcessConsole(Console):
    """One run of a program, or one after the other."""

    restarts = True

    def __init__(self, address: str, command: Sequence[str]) -> None:
        """`command` is the program and its arguments. Raises `RigError`."""
        super().__init__(address)
        self._command = tuple(command)
        self._begin()
        self._start()

    def _begin(self) -> None:
        """Start the program. Raises `RigError`."""
        self._output_ended = False
        self._output, theirs = os.pipe()
        stdin, self._input = os.pipe()
        try:
            self._process = processes.start(self._command, theirs, stdin=stdin)
        except OSError as error:
            raise RigError(f"{self.address}: cannot be started: {error}") from error
        finally:
            os.close(theirs)
            os.close(stdin)
        self._pidfd = os.pidfd_open(self._process.pid)
        os.set_blocking(self._input, False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def restart(self) -> None:
        self._stop()
        self._released = True  # until it is there again
        self._release()
        self._begin()
        self._released = False
        self._start_anew()

    def health(self) -> Health:
        """How the process fares, and if it ended: of itself, or by somebody's hand."""
        if self._released:
            return Health("unreachable", "closed")
        ended = self._ended(_LINGER if self._output_ended else 0)  # then it is on its way out
        if ended is None:
            return Health("unreachable", _LINGERS) if self._output_ended else Health("alive")
        self._reader.join(_LINGER)  # its last words, unless a helper holds its output open
        return ended

    def _ended(self, seconds: float) -> Health | None:
        """How the process ended, if it does so in time.

        It stays a zombie, so that its number and its group's remain its own until they were killed.
        """
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        poll.register(self._waker, select.POLLIN)
        if self._pidfd not in dict(poll.poll(seconds * 1000)):
            return None
        ended = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        if ended.si_code == os.CLD_EXITED:
            return Health("crashed", f"the process ended with status {ended.si_status}")
        number = ended.si_status
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        return Health("crashed" if number in _RAISED else "killed", f"the process was ended by {name}")

    def _ending(self) -> str:
        self._output_ended = True
        ended = self._ended(_LINGER)
        return _LINGERS if ended is None else ended.detail

    def _read(self) -> bytes:
        return os.read(self._output, CHUNK) if self._await(self._output) else b""

    def _write(self, data: bytes) -> None:
        try:
            self._push(self._input, data)
        except BrokenPipeError:
            self._reader.join(_LINGER)  # its last words
            raise

    def _release(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for descriptor in (self._pidfd, self._input, self._output):
            os.close(descriptor)


def open_console(bench: Bench, rest: str, rig: RigFile) -> ProcessConsole:
    """Start the program of `process:...`. Raises `RigError`."""
    del bench, rig
    return ProcessConsole(f"process:{rest}", words(rest, _wrong("the console", rest)))


def words(rest: str, wrong: Missing | None) -> list[str]:
    """The words of a command line, unless something is wrong with it. Raises `RigError`."""
    if wrong is not None:
        raise RigError(f"{wrong.what}: {wrong.remedy}")
    return shlex.split(rest)


def check(rig: RigFile) -> Iterable[Missing]:
    """Whether the program is there and can be run."""
    return [wrong for key, rest in rests(rig, "process") if (wrong := _wrong(key, rest)) is not None]


def misread(rest: str) -> str:
    """What is wrong with what stands behind "process:"; empty where nothing is."""
    try:
        words = shlex.split(rest)
    except ValueError as error:
        return f"{error}: quote it as a shell wants it"
    return "" if words else f"names no program: expected {WHAT}"


def _wrong(key: str, rest: str) -> Missing | None:
    if wrong := misread(rest):
        return Missing(f"{key}: process", wrong)
    program = shlex.split(rest)[0]
    if shutil.which(program) is not None:
        return None
    if "/" not in program:
        return Missing(f"{key}: the program {program} is not on PATH", "install it, or give its path")
    remedy = "build the firmware, or give the path of the executable"
    try:
        mode = Path(program).stat().st_mode
    except PermissionError:
        return Missing(f"{key}: {program}: a folder on the way to it may not be entered by you", remedy)
    except (OSError, ValueError):
        return Missing(f"{key}: there is no file {program}", remedy)
    if not stat.S_ISREG(mode):
        return Missing(f"{key}: {program} is {'a folder' if stat.S_ISDIR(mode) else 'no file'}", remedy)
    return Missing(f"{key}: {program} is not executable", f"chmod +x {program}")
