"""A command line on a console: commands in, the lines of their answers out.

Strategy: everything is decided on the text that a person would read (`rigs.consoles.terminal`). An answer begins behind
the echo of the command, when the console echoes, and ends where the prompt stands on a line of its own start, with
nothing behind it. A prompt with something behind or before it may as well be a part of the answer: it is believed only
when the console has been quiet for a moment, or at the deadline. Log lines are taken out before that, also where
one cuts a line in two. What the device says is never waited for without a deadline, and every error shows what was
seen last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rigs import clock
from rigs.consoles.model import Console
from rigs.consoles.terminal import KEPT, Terminal
from rigs.model import Health, LinkClosed, RigError, overdue

#: Seconds without a new octet after which a console has nothing more to say for now.
QUIET: Final = 0.2
#: Seconds between two newlines that ask for the prompt.
NUDGE: Final = 0.5
#: What a program prints that was built with sanitizers, whatever the stack; what stacks print stands in their adapters.
SANITIZERS: Final = (r"ERROR: AddressSanitizer.*", r"runtime error: .*")
#: Characters of what was seen last that an error shows.
_SHOWN: Final = 300
#: Characters behind a command that no answer is as long as.
_FLOOD: Final = KEPT // 4


class Shell:
    """A console with a prompt.

    `prompt` is a regex: what stands where the next command can be typed. `newline` ends a command. `logs` is a regex of
    whole log lines (or, of their beginning), which are no part of any answer. `signatures` are regexes of what the
    device prints when it crashes or boots. A regex sees one line at a time. `echoes`: it is known to show what is
    typed, so that no prompt of before is taken for the end of its first answer, however slow it is.
    """

    def __init__(
        self,
        console: Console,
        prompt: str,
        *,
        newline: bytes = b"\n",
        logs: str = "",
        signatures: Sequence[str] = (),
        echoes: bool = False,
    ) -> None:
        self.console = console
        self._prompt = prompt
        self._newline = newline
        self._ends = re.compile(rf"^(?:{prompt})[ \t]*\Z", re.MULTILINE)
        self._may_end = re.compile(rf"^(?:{prompt})|(?:{prompt})[ \t]*\Z", re.MULTILINE)
        self._logs = re.compile(rf"(?:{logs})[^\n]*\n?", re.MULTILINE) if logs else None
        self._signatures = (
            re.compile("|".join(f"(?:{s})" for s in signatures), re.MULTILINE) if signatures else None
        )
        self._terminal = Terminal()
        self._position = 0  # in the stream of the console
        self._sent = 0  # where the text stood when something was sent last
        self._watched = 0  # crash signatures were looked for up to here
        self._crash = ""
        self._watches = False  # until `watch` is called first, a boot is a wanted one
        self._echoes = echoes
        self._heard = False  # an echo, so that it is not only said to echo
        self._behind = False  # an answer was given up, and may still come

    def ready(self, timeout: float) -> None:
        """Ask for the prompt until it is there and the console is quiet.

        Raises `RigError` with what was seen last when it does not come within `timeout` seconds, `LinkClosed`.
        """
        deadline, start = clock.now() + timeout, self.mark()
        while True:
            self.send("")
            nudged = clock.now()
            prompt = self._find(self._may_end, self._sent, min(deadline, nudged + NUDGE))
            if prompt:
                break
            if clock.now() >= deadline:
                silent = "; it has said nothing since" if self.mark() == start > 0 else ""
                why = f"no prompt {self._prompt!r} within {timeout:g} s{silent}"
                raise overdue(RigError(f"{self._complaint(why)}{self._another_prompt()}"))
        # Every newline brings a prompt; the ones still on their way must not end the first answer.
        deadline = min(deadline, clock.now() + 5 * QUIET)
        while self._more(min(deadline, clock.now() + QUIET)) and clock.now() < deadline:
            pass
        self._behind = False

    def command(self, text: str, timeout: float = 5.0) -> list[str]:
        """Run a command and return the lines of its answer that have text.

        They come without the echo of the command, prompt, colours, log lines and trailing blanks. Raises `RigError`
        with what was seen last when the prompt does not come back within `timeout` seconds, `LinkClosed`.
        """
        if self._behind:
            self.ready(timeout)
        self.send(text)
        # A shell may erase the half line that stands now to print a log line in its place: lines are taken whole.
        start, half = self._terminal.position, self._terminal.line
        deadline = clock.now() + timeout
        while True:
            late = clock.now() >= deadline
            came = self._more(min(deadline, clock.now() + QUIET))
            seen = self._terminal.after(start).removeprefix(half)
            end = self._ends if came and not late else self._may_end
            # So much may have come that the echo is no longer kept.
            unheard = self._echoes and not late and len(seen) < KEPT // 2
            answer = self._answer(text, seen, end, unheard=unheard)
            if answer is not None:
                return answer
            if late:
                self._behind = True
                raise overdue(RigError(self._complaint(f"{text!r} was not answered within {timeout:g} s")))

    def expect(self, pattern: str, timeout: float, mark: int | None = None) -> re.Match[str]:
        """Wait for a regex in the text behind `mark`, or behind what was sent last. Raises `RigError`, `LinkClosed`."""
        start = self._sent if mark is None else mark
        found = self._find(re.compile(pattern, re.MULTILINE), start, clock.now() + timeout)
        if found is None:
            raise overdue(RigError(self._complaint(f"nothing that matches {pattern!r} within {timeout:g} s")))
        return found

    def boots(self, banner: str, timeout: float, mark: int | None = None) -> re.Match[str]:
        """Wait, as `expect` does, for the banner of a boot that is wanted: a crash printed behind it counts already."""
        start = self._sent if mark is None else mark
        found = self.expect(banner, timeout, mark)
        self._watched, self._crash = max(start, self._terminal.dropped) + found.end(), ""
        self._look_for_a_crash()
        return found

    def send(self, text: str) -> None:
        """Type a line; what comes back is for `expect`. Raises `LinkClosed`."""
        self._sent = self.mark()
        try:
            self.console.write(text.encode() + self._newline)
        except LinkClosed as error:
            raise self._closed(error) from error

    def mark(self) -> int:
        """The present position in the text, for `expect`."""
        self._catch_up()
        return self._terminal.end

    def text(self) -> str:
        """The text so far, its last 64 KiB."""
        self._catch_up()
        return self._terminal.after(0)

    def health(self) -> Health:
        """How the console fares; "crashed" when a signature was printed since `watch` was called last."""
        health = self.console.health()
        self._catch_up()
        return Health("crashed", self._crash) if self._crash else health

    def watch(self) -> None:
        """Look for crash signatures from here on: what was printed so far belongs to a wanted boot."""
        self._watched, self._crash, self._watches = self.mark(), "", True

    def close(self) -> None:
        """Give the console back. May be called twice."""
        self.console.close()

    def _answer(self, command: str, text: str, end: re.Pattern[str], *, unheard: bool) -> list[str] | None:
        """The lines between the echo of `command` and the prompt; None when there is no prompt yet.

        `unheard`: nor when there is no echo yet, because then the prompt is one from before.
        """
        if self._logs is not None:
            text = self._logs.sub("", text)
        if command:
            echo = r"\n*".join(
                map(re.escape, command)
            )  # a line editor breaks it at the width of its terminal
            before = r"^[^\n]*?" if self._echoes else rf"(?:\A\s*|^(?:{self._prompt}))"
            found = re.search(rf"{before}{echo}[ \t]*$", text, re.MULTILINE)
            if found is not None:
                self._echoes = self._heard = True
                text = text[found.end() :].removeprefix("\n")
            elif unheard:
                return None
        prompt = end.search(text)
        if prompt is None:
            return None
        lines = [line.rstrip() for line in text[: prompt.start()].split("\n") if line.strip()]
        if command and found is None and len(text) < KEPT // 2:
            if self._heard and not lines:
                return None  # a prompt of before: the echo is still to come, however late
            self._echoes = False  # it was waited for
        return lines

    # -- the text ------------------------------------------------------------------------------------------

    def _find(self, regex: re.Pattern[str], start: int, deadline: float) -> re.Match[str] | None:
        """Look for a regex behind `start` whenever text comes; None at the deadline. Raises `LinkClosed`."""
        while True:
            found = regex.search(self._terminal.after(start))
            if found is not None or clock.now() >= deadline:
                return found
            self._more(deadline)

    def _more(self, deadline: float) -> bool:
        """Wait for text; False when none came. Raises `LinkClosed`, with what was seen last."""
        try:
            return self._take(deadline)
        except LinkClosed as error:
            raise self._closed(error) from error

    def _catch_up(self) -> None:
        """Take all text that is there."""
        deadline = clock.now() + QUIET  # a console that floods has never said everything
        try:
            while self._take(0) and clock.now() < deadline:
                pass
        except LinkClosed:
            return  # so this is all; whoever waits for more is told

    def _take(self, deadline: float) -> bool:
        data, self._position = self.console.after(self._position, deadline)
        self._terminal.feed(data)
        if data:
            self._look_for_a_crash()
        return bool(data)

    def _look_for_a_crash(self) -> None:
        if self._signatures is not None and not self._crash:
            text = self._terminal.after(self._watched)
            found = self._signatures.search(text)
            if found is not None:
                line = text[text.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0]
                self._crash = line.strip() or found[0].strip()
            self._watched = max(
                self._watched, self._terminal.position
            )  # the unfinished line is looked at again

    def _closed(self, error: LinkClosed) -> LinkClosed:
        return LinkClosed(self._complaint(str(error).removeprefix(f"{self.console.address}: ")))

    def _another_prompt(self) -> str:
        """What to do where the console shows a prompt that nobody expects."""
        last = self.text().rstrip().rpartition("\n")[2][-_SHOWN:].strip()
        if not last.isprintable() or not last.endswith((">", "$", "#", "%", ":~")):
            return ""
        return f"; to do: if {last!r} is its prompt, set dut.prompt, if the node has it, or name another dut.node"

    def _complaint(self, what: str) -> str:
        shown = self.text()[-_SHOWN:].strip()
        odd = sum(not (c.isprintable() or c.isspace()) or c == "\ufffd" for c in shown)
        said = (
            f"last seen: {shown!r}"
            if shown
            else "nothing was seen at all: is the board on, and this its console?"
        )
        if odd * 4 > len(shown):
            said += " (unreadable: is the baud rate right? It stands behind the port, as in ?baud=115200)"
        if self._terminal.position - self._sent > _FLOOD:
            said += f"; more than {_FLOOD >> 10} KiB came since: if it logs without end, lower its log level"
        health = self.health()
        state = (
            f" ({'it has booted or crashed' if self._crash and not self._watches else health.state}: {health.detail})"
            if health.state != "alive" and health.detail not in what
            else ""
        )
        return f"{self.console.address}: {what}{state}; {said}"
