"""A root shell on a Linux host, with a prompt of our own, and an agent beside it for what a shell cannot do.

Strategy: whatever shell the console leads to, it is replaced by `sh -i` with a prompt that nothing else prints; every
command tells its exit status. Sockets belong to a small Python program there (`agent.py`), sent through the
same console: it takes its orders from a pipe and answers on the terminal, so nothing else need be reachable, and it
ends with the shell. Kernel messages (on a serial console) are log lines, and some of them the end of the kernel.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import zlib
from collections import deque
from pathlib import Path
from typing import Final

from rigs.consoles.model import Console
from rigs.consoles.shell import Shell
from rigs.model import LinkClosed, RigError, Unsupported

PROMPT: Final = "keyhole> "
#: Printed by a kernel that is about to end, has ended, or begins anew.
SIGNATURES: Final = (
    r"Kernel panic - not syncing",
    r"^(?>.*?\bOops\b).*\[#\d",  # atomic: one try a line, or a flood costs its square
    r"\bBUG: ",
    r"Unable to handle kernel",
    r"general protection fault",
    r"Internal error: ",
    r"\bLinux version \d",
)
#: Lines of the kernel's log, and those that the agent tells of itself.
LOGS: Final = r"(?:<\d+>)?\[ *\d+\.\d{6}\] |keyhole(?:-udp)? \d+ "
BOOT: Final = 120.0
COMMAND: Final = 20.0
_STATUS: Final = re.compile(r"^keyhole-status=(\d+)$")
#: What the agent prints of a datagram, and how long that may be.
_DATAGRAM: Final = re.compile(rb"keyhole-udp (\d+) ([0-9a-f:.]+) (\d+) ([0-9a-f]*)\r?\n")
_LINE: Final = 1 << 14
_AGENT: Final = Path(__file__).with_name("agent.py")


class HostShell:
    """The shell of one host."""

    def __init__(self, console: Console, *, login: str = "", password: str = "", boot: float = BOOT) -> None:
        """Log in when asked to, and make the shell ready. Raises `RigError`."""
        self.shell = Shell(console, PROMPT, logs=LOGS, signatures=SIGNATURES)
        self.where = console.address
        self._login, self._password = login, password
        self._boot = boot
        self._orders = 0
        self._datagrams: dict[int, deque[tuple[bytes, int, bytes]]] = {}
        self._read_to = 0  # in the stream of the console
        self._half = b""
        self._agent = ""  # the interface that it was started for
        self.begin()

    def begin(self) -> None:
        """Come from whatever the console shows to our own prompt."""
        if self._login:
            self.shell.send("")
            seen = self.shell.expect(r"login: *\Z|[#$>] *\Z", self._boot)
            if "login" in seen[0]:
                self.shell.send(self._login)
                if self._password:
                    self.shell.expect(r"[Pp]assword: *\Z", COMMAND)
                    self.shell.send(self._password)
                seen = self.shell.expect(r"incorrect|[#$>] *\Z", COMMAND)
                if seen[0] == "incorrect":
                    raise RigError(
                        f"{self.where}: the login {self._login!r} is not taken: correct dut.login, dut.password"
                    )
        # One line, because the old shell may have read ahead; the prompt in two parts, because the line may be echoed.
        self.shell.send("stty -echo cols 4000 2>/dev/null; ENV='' PS1='key''hole> ' exec sh -i 2>&1")
        try:
            self.shell.ready(COMMAND)
            # A slow host may still owe a prompt for each newline that asked for one: this comes behind all of them.
            self.shell.send("printf 'keyhole-%s\\n' begins")
            self.shell.expect(rf"keyhole-begins\s+{PROMPT}", COMMAND)
        except LinkClosed:
            raise
        except RigError as error:
            hint = "" if self._login else "; if it asks for a login, set dut.login and dut.password"
            raise RigError(f"{error}{hint}") from error
        self.shell.watch()
        self._agent = ""

    def run(self, command: str, timeout: float = COMMAND) -> tuple[int, list[str]]:
        """Run a command; return its exit status and what it printed. Raises `RigError`, `LinkClosed`."""
        lines = self.shell.command(
            f"{{ {command}; }} </dev/null 2>&1; printf '\\nkeyhole-status=%d\\n' $?", timeout
        )
        status = _STATUS.match(lines[-1]) if lines else None
        if status is None:
            raise RigError(
                f"{self.where}: `{command}` told no exit status; it said: {' '.join(lines) or 'nothing'}"
            )
        return int(status[1]), lines[:-1]

    def check(self, command: str, timeout: float = COMMAND) -> list[str]:
        """Run a command that must succeed; return what it printed. Raises `RigError`, `LinkClosed`."""
        status, lines = self.run(command, timeout)
        if status:
            said = " ".join(lines) or "nothing"
            raise RigError(f"{self.where}: `{command}` failed with status {status}; it said: {said}")
        return lines

    def works(self, command: str) -> bool:
        """Whether a command succeeds."""
        return self.run(command)[0] == 0

    def becomes(self, command: str, seconds: float) -> bool:
        """Whether a command succeeds within so many seconds; the waiting is done there, in tenths of a second."""
        loop = f"for i in $(seq {max(1, int(seconds * 10))}); do {command} && exit 0; sleep 0.1; done; exit 1"
        return self.run(f"({loop})", seconds * 2 + COMMAND)[0] == 0

    def order(self, interface: str, ability: str, text: str) -> None:
        """Have the agent do something on an interface. Raises `Unsupported` where there is no Python, `RigError`."""
        if self._agent != interface:
            self._start_agent(interface, ability)
        self._orders += 1
        mark = self.shell.mark()
        self.check(f"echo {self._orders} {text} >&9")
        answer = self.shell.expect(rf"keyhole {self._orders} (ok|error)(.*)\n", COMMAND, mark)
        if answer[1] == "error":
            raise RigError(f"{self.where}: {text[:80]}:{answer[2]}")

    def datagram(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        """The next datagram to an open port: (source, source port, data); None at `deadline`. Raises `LinkClosed`."""
        queue = self._datagrams.setdefault(port, deque())
        while not queue:
            data, self._read_to = self.shell.console.after(self._read_to, deadline)
            if not data:
                return None
            self._half += data
            last = 0
            for line in _DATAGRAM.finditer(self._half):
                source = ipaddress.IPv6Address(line[2].decode()).packed
                there = self._datagrams.setdefault(int(line[1]), deque())
                there.append((source, int(line[3]), bytes.fromhex(line[4].decode())))
                last = line.end()
            self._half = self._half[last:][-_LINE:]
        return queue.popleft()

    def python(self, program: Path, arguments: str, timeout: float) -> tuple[int, list[str]]:
        """Run a program of the standard library and of what the host has; as `run`."""
        return self.run(f"{_python(program)} {arguments}", timeout)

    def _start_agent(self, interface: str, ability: str) -> None:
        if not self.works("command -v python3"):
            raise Unsupported(
                f"{ability}: the host has no python3, which opens its sockets: install python3 there"
            )
        self.end_agent()
        pipe = "${TMPDIR:-/tmp}/keyhole-$$"
        self.check(f'rm -f "{pipe}"; mkfifo "{pipe}"')
        # Not by `run`: the agent keeps the terminal as its output, and the shell keeps the pipe as its ninth file.
        self.shell.command(f'({_python(_AGENT)} {interface} <"{pipe}" &)', COMMAND)
        self.shell.command(f'exec 9>"{pipe}"; rm "{pipe}"', COMMAND)
        self._agent = interface

    def end_agent(self) -> None:
        """Close its sockets: ports, groups."""
        if self._agent:
            self.shell.command("exec 9>&-")
            self._agent = ""
            self._datagrams.clear()
            self._read_to, self._half = self.shell.console.mark(), b""


def _python(program: Path) -> str:
    """The command line that runs the text of a program of ours on the host, which has no file of it."""
    code = base64.b64encode(zlib.compress(program.read_bytes(), 9)).decode()
    return f"python3 -c \"import base64,zlib;exec(zlib.decompress(base64.b64decode('{code}')))\""
