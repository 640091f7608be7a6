"""`ssh:USER@HOST`: a shell on another machine through the system's `ssh` program; or `ssh:USER@HOST COMMAND ...`.

Strategy: a process console whose program is ssh, with the user's own configuration and keys. It never asks anything:
a missing key, an unknown host or a dead network end it, and what it printed then becomes one message with its remedy.
The words behind "ssh:" are ssh's own, so options go there as well: `ssh:-p 2222 root@lab1`, and `ssh:-tt root@lab1
picocom /dev/ttyACM0` for a program that wants a terminal.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from rigs.consoles.model import rests
from rigs.consoles.process.console import ProcessConsole, words
from rigs.model import Health
from rigs.registry import Missing

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

PROGRAM: Final = "ssh"
_NEVER_ASK: Final = ("-T", *("-o", "BatchMode=yes"))
#: These stand behind the options of the rig file, because ssh takes the first value of an option. With a LogLevel below
#: INFO ssh would not say why it ends, such as that the host does not answer.
DEFAULTS: Final = (
    *("-o", "ConnectTimeout=10"),
    *("-o", "ServerAliveInterval=5"),
    *("-o", "ServerAliveCountMax=3"),
    *("-o", "LogLevel=INFO"),
)
#: ssh(1): the options that have a word of their own behind them.
_TAKE_A_WORD: Final = "BbcDEeFIiJLlmOopQRSWw"
#: ssh(1): the options with which it runs no command there, reads nothing of ours, or answers a question and ends.
_NO_SHELL: Final = "fGNnOQsVW"
#: ssh(1), EXIT STATUS: "255 if an error occurred"; every other status is the remote command's.
_FAILED: Final = "status 255"
#: What says that ssh got in.
_IN: Final = "keyhole-is-in"
#: What ssh prints, and what to do about it.
_REMEDIES: Final = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "if you know why its key is another one now, remove the old one as `ssh {login}` says (ssh-keygen -R)",
    ),
    (
        r"Host key verification failed|No .* host key is known",
        "run `ssh {login}` once by hand and accept its key",
    ),
    (r"Identity file .* not accessible", "name a key that there is (-i), or leave -i out"),
    (
        r"Permissions .* are too open",
        "take the others' rights to that key away (chmod 600), or name another (-i)",
    ),
    (r"Can't open user config file|bad configuration options$", "correct the file behind -F"),
    (
        r"unknown option|requires an argument",
        "correct the options behind ssh:, which are those of the program: `man ssh`",
    ),
    (r"Bad port", "correct the port (-p)"),
    (r"^command-line|^Unknown \w+ type|^Bad \w+ forwarding", "correct that option behind ssh:"),
    (
        r"^(bind|getifaddrs|BindInterface|BindAddress)\b",
        "correct the address behind -b, or the interface behind -B",
    ),
    (
        r"no matching .* found",
        "allow one of those that it offers: -o HostKeyAlgorithms=..., KexAlgorithms, Ciphers or MACs",
    ),
    (
        r"kex_exchange_identification|closed by UNKNOWN",
        "correct host, port (-p) or ProxyCommand: no ssh server answers there, or it turns us away",
    ),
    (
        r"Permission denied",
        "put your public key there (`ssh-copy-id {login}`), correct the user, or start ssh-agent",
    ),
    (
        r"Could not resolve hostname [^\s:]+:\d+:",
        "ssh: is no URL: name the port by -p in front of the host",
    ),
    (
        r"Could not resolve hostname \[",
        "leave the brackets of the IPv6 address away, and name the port by -p",
    ),
    (r"Could not resolve|Name or service not known", "correct the host's name"),
    (r"timed out|No route to host|unreachable", "switch the host on, or mend the network"),
    (r"Connection refused", "start its ssh server, or correct the port (-p)"),
)


class SshConsole(ProcessConsole):
    """One run of ssh."""

    restarts = False  # another ssh finds the same node

    def __init__(self, address: str, words: list[str]) -> None:
        """`words` are ssh's destination, own options and command. Raises `RigError`."""
        self._login = _login(words)
        super().__init__(address, _command(words))

    def _ending(self) -> str:
        return super()._ending().replace("the process", "ssh")

    def health(self) -> Health:
        """Nothing that becomes of ssh itself is the DUT's doing."""
        health = super().health()
        if health.state != "crashed":
            return health
        if _FAILED not in health.detail:
            return Health("unreachable", health.detail.replace("the process", "the remote shell"))
        said, remedy = _explained(self.kept().decode(errors="replace"), self._login)
        return Health("unreachable", f"ssh: {said}; {remedy}")


def open_console(bench: Bench, rest: str, rig: RigFile) -> SshConsole:
    """Start ssh. Raises `RigError`; whether the host lets us in is seen at the first use."""
    del bench, rig
    return SshConsole(f"ssh:{rest}", words(rest, _wrong("the console", rest)))


def check(rig: RigFile) -> Iterable[Missing]:
    """Whether there is an ssh program and a host that lets us in."""
    for key, rest in rests(rig, "ssh"):
        wrong = _wrong(key, rest) or refused(key, shlex.split(rest))
        if wrong is not None:
            yield wrong


def refused(key: str, words: list[str]) -> Missing | None:
    """What keeps us from logging in as `words` (of ssh's command line) say; None where ssh gets in.

    The command among the words is not run: ssh is told to run none (-N), and says by a local command that it is in.
    """
    told = ["-o", "ControlPath=none", "-o", "PermitLocalCommand=yes", "-o", f"LocalCommand=echo {_IN}"]
    quiet = [word for word in words if word not in {"-t", "-tt"}]
    process = subprocess.Popen(
        _command(quiet, *told, "-N"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    lines: list[str] = []
    with process:
        for line in process.stdout:  # ends with ssh, which gives up by itself (ConnectTimeout, BatchMode)
            if line.strip() == _IN:
                process.terminate()
                return None
            lines.append(line)
    said, remedy = _explained("".join(lines), _login(words))
    return Missing(f"{key}: ssh:{_login(words)}: no login: {said}", remedy)


def _command(words: list[str], *more: str) -> list[str]:
    """The command line for the words behind "ssh:"."""
    behind = options(words)[1] + 1
    rest = [*words[behind:], "--"]
    behind += options(rest[: rest.index("--")])[1]  # ssh takes options behind its destination as well
    return [PROGRAM, *_NEVER_ASK, *more, *words[:behind], *DEFAULTS, *words[behind:]]


def _explained(text: str, login: str) -> tuple[str, str]:
    """The line of what ssh said that tells why, and what to do about it."""
    lines = text.strip().splitlines()
    if not lines:
        return "it said nothing", "leave -q, -E and LogLevel away, so that ssh says why"
    for seen, remedy in _REMEDIES:
        if telling := [line for line in lines if re.search(seen, line)]:
            return telling[-1].strip(" @\r"), remedy.format(login=login)
    return lines[-1].strip(), f"try `ssh {login}` by hand"


def options(words: list[str]) -> tuple[str, int]:
    """Of ssh's words: the options in front of the destination, a letter each, and where the destination stands."""
    found, at = "", 0
    while at < len(words) and words[at].startswith("-"):
        letters = words[at][1:]
        takes = next((n for n, letter in enumerate(letters, 1) if letter in _TAKE_A_WORD), 0)
        found += letters[: takes or None]
        at += 1 + (takes == len(letters) > 0)
    return found, at


def _login(words: list[str]) -> str:
    """Of ssh's words those that say where, as a shell takes them: options and destination, without the command."""
    return shlex.join(word for word in words[: options(words)[1] + 1] if word not in {"-t", "-tt", "-T"})


def misread(rest: str) -> str:
    """What is wrong with what stands behind "ssh:"; empty where nothing is."""
    try:
        words = shlex.split(rest)
    except ValueError as error:
        return f"{error}: quote it as a shell wants it"
    letters, at = options(words)
    if at >= len(words):
        return "names no host: expected such as ssh:root@lab1"
    if none := [letter for letter in letters if letter in _NO_SHELL]:
        return f"with -{none[0]} there is no shell or command that we could talk to: leave it away"
    if words[at].startswith("@") or words[at].endswith("@"):
        return f"{words[at]} is half a destination: expected such as ssh:root@lab1"
    if words[at].startswith("//"):
        user, at_sign, host = words[at].strip("/").rpartition("@")
        host, _, port = host.partition(":")
        option = f"-p {port} " if port else ""
        return f"{words[at]} is no destination: write it as ssh:{option}{user}{at_sign}{host}"
    return ""


def _wrong(key: str, rest: str) -> Missing | None:
    if wrong := misread(rest):
        return Missing(f"{key}: ssh", wrong)
    if shutil.which(PROGRAM) is None:
        return Missing(f"{key}: the program ssh is not on PATH", "apt-get install openssh-client")
    return None
