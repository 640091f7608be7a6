"""Commands to OpenThread's CLI, and their answers, whichever way the console echoes and prompts.

Strategy: every command ends with "Done" or "Error N: text"; what stands between the echo of a command and that line
is its answer. Prompts and lines of the log are taken out.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rigs import clock
from rigs.consoles.shell import QUIET, SANITIZERS, Shell
from rigs.model import LinkClosed, RigError

if TYPE_CHECKING:
    from rigs.consoles.model import Console

PROMPT: Final = r"(?<!> )(?:> )+|uart:~\$ "
#: Seconds in which a node that was started or reset must answer.
BOOT: Final = 20.0
#: What the log prints by itself, whichever way it is configured.
LOGS: Final = r"^(?:> )?(?:\[?\d[:.\d]*\]? ?)?\[(?:CRIT|WARN|NOTE|INFO|DEBG|[CWNID-])\]"
SIGNATURES: Final = (
    r"^(?>.*?[Aa]ssertion ).*failed",  # atomic: one try a line, or a flood costs its square
    r"ASSERT(?:ION)? ?(?:FAIL|at|@)",
    r"^(?>.*?\[(?:CRIT|C)\]).*(?:assert|crash|fault)",
    r"(?:HARD|MPU|BUS|USAGE) ?FAULT|>>> ZEPHYR FATAL ERROR",
    r"[Ss]egmentation fault|stack smashing detected",
    *SANITIZERS,
)

_END: Final = r"(?P<end>Done|Error (?P<code>\d+): ?(?P<text>[^\n]*))[ \t]*$"


def shell_of(console: Console, prompt: str) -> Shell:
    """The command line on a console; what a crash prints is told by its `health`."""
    return Shell(console, prompt, logs=LOGS, signatures=SIGNATURES)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed, and how it ended: `code` 0 is Done, else OpenThread's error number."""

    lines: list[str]
    code: int
    text: str


class Cli:
    """Commands and answers; knows whether the console echoes what is typed."""

    def __init__(self, shell: Shell, prompt: str, prefix: str = "") -> None:
        self._shell, self._prompt, self._prefix = shell, prompt, prefix
        self._prefixes = [prefix] if prefix else ["", "ot "]
        self._echoes = True

    def ready(self, timeout: float) -> None:
        """Ask for the version until the node answers, with and without "ot " in front, as in Zephyr's shell.

        Raises `RigError` with what was seen last.
        """
        deadline = clock.now() + timeout
        prefixes = itertools.cycle(sorted(self._prefixes, key=lambda one: one != self._prefix))
        self._shell.send("")  # ends what was left half typed
        answers = refused = 0
        while answers < 2:  # without an echo the first may belong to something from before
            self._prefix = next(prefixes) if not answers else self._prefix
            mark = self._shell.mark()
            self._shell.send(self._prefix + "version")
            left = deadline - clock.now()
            try:
                seen = self._shell.expect(rf"^(?:{self._prompt})?{_END}", min(1.0, max(left, 0.1)), mark)
            except LinkClosed:
                raise
            except RigError:
                if left <= 0:
                    raise
                continue
            refused = refused + 1 if seen["code"] else 0
            echo = re.search(rf"(?<!ot ){re.escape(self._prefix)}version[ \t]*$", seen.string, re.MULTILINE)
            if refused == 2 or (echo is not None and seen.start() < echo.start()):
                # the answer ended in front of the echo, so it is one from before; or this prefix is refused after all
                answers = refused = 0
                self._let_pass()
                continue
            if refused:  # "ot version" where there is no "ot", or what belongs to something from before
                continue
            answers += 1
            self._echoes = echo is not None
            if self._echoes:
                return
        self._hear_out()

    def _let_pass(self) -> None:
        """Take what the console still says of what was asked before, until it is quiet. Raises `LinkClosed`."""
        while True:
            mark = self._shell.mark()
            try:
                self._shell.expect(r"[\s\S]", QUIET, mark)
            except LinkClosed:
                raise
            except RigError:
                return

    def _hear_out(self) -> None:
        """Let all that was asked be answered: without an echo a late answer would be taken for the next command's.

        What was typed while the node started may be lost, so that answers cannot be counted: behind the answer to a
        question that is not like any before, which it is awake for, none is left. Raises `RigError`, `LinkClosed`.
        """
        mark = self._shell.mark()
        self._shell.send(f"{self._prefix}panid")
        self._shell.expect(
            rf"^(?:{self._prompt})?0x[0-9a-fA-F]{{1,4}}[ \t]*\n(?:{self._prompt})?Done", BOOT, mark
        )

    def ask(self, command: str, timeout: float = 5.0) -> Answer:
        """Run a command; an error is part of the answer. Raises `RigError` when there is none, `LinkClosed`."""
        text = self._prefix + command
        mark = self._shell.mark()
        self._shell.send(text)
        # what ended before the echo belongs to a command from before (a ping that was waiting for its answer)
        start = rf"{re.escape(text)}[ \t]*\n" if self._echoes else r"\A"
        seen = self._shell.expect(
            rf"{start}(?P<lines>(?:[^\n]*\n)*?)(?:{self._prompt})?{_END}", timeout, mark
        )
        lines = [line for line in seen["lines"].splitlines() if line.strip() and not re.match(LOGS, line)]
        return Answer(
            [re.sub(rf"^(?:{self._prompt})", "", line) for line in lines],
            int(seen["code"] or 0),
            seen["text"] or "",
        )

    def do(self, *commands: str) -> list[str]:
        """Run the first of several spellings of a command that the node takes; its lines. Raises `RigError`."""
        said = []
        for command in commands:
            answer = self.ask(command)
            if not answer.code:
                return answer.lines
            said.append(f"{command!r}: Error {answer.code}: {answer.text}")
        raise RigError(f"openthread: {'; '.join(said)}")

    def tell(self, command: str) -> None:
        """Type a command that has no answer, or whose answer nobody waits for."""
        self._shell.send(self._prefix + command)
