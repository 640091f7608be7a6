"""What a person at a terminal would have read: octets of a console made lines of plain text.

Strategy: one pass, piece by piece as octets arrive, whatever they are cut into. Colours vanish; what a shell does to
redraw its line (carriage return, backspace, cursor left, erase) is done to the line, because that is how shells put a
log line in place of the half-typed command. Only the last line can change; finished lines never do. Memory is bounded:
the last `KEPT` characters stay, and a line that does not end is cut into pieces.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

#: Characters of finished lines that are kept.
KEPT: Final = 1 << 16
#: A longer line is nobody's; it is ended here.
LONGEST: Final = 1 << 13

#: Control sequences of ECMA-48 §5.4: CSI, parameters, final octet; OSC and the like up to their end; ESC and a letter.
_TOKEN: Final = re.compile(
    r"(?P<text>[^\x00-\x08\x0a-\x1f\x7f\x9b]+)"
    r"|(?:\x1b\[|\x9b)(?P<parameters>[0-?]{0,64})[ -/]{0,8}(?P<final>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b\n]{0,8192}(?:\x07|\x1b\\)"
    r"|\x1b[ -/]{0,8}[0-OQ-WYZ\\`-~]"
    r"|(?P<control>[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f])"
    r"|(?P<stray>[\x1b\x9b])"
)
#: Controls that do nothing to a line: taken out first, so that they do not cut its text into pieces.
_IGNORED: Final = dict.fromkeys([*range(7), *range(0x0B, 0x0D), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])
#: The beginning of a control sequence whose end has not come yet.
_HALF: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}\Z|\x1b[\]PX^_][^\x07\x1b\n]{0,256}\x1b?\Z|\x1b[ -/]{0,8}\Z"
)


class Terminal:
    """The text of one console. `text` has the finished lines, `line` the one that is still being written."""

    def __init__(self) -> None:
        self.text = ""
        self.line = ""
        #: Characters of finished lines that were kept once and are no more.
        self.dropped = 0
        self._column = 0
        self._half = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def position(self) -> int:
        """Where the present line begins, counted in characters since the console was opened."""
        return self.dropped + len(self.text)

    @property
    def end(self) -> int:
        """Where the next character goes, if no shell redraws the present line."""
        return self.position + len(self.line)

    def after(self, position: int) -> str:
        """The text behind `position`, the unfinished line included."""
        if position >= self.position:
            return self.line[position - self.position :]
        return self.text[max(0, position - self.dropped) :] + self.line

    def feed(self, data: bytes) -> None:
        """Take the next octets of the stream."""
        text = self._half + self._decoder.decode(data).translate(_IGNORED)
        half = _HALF.search(text)
        text, self._half = (text[: half.start()], half[0]) if half else (text, "")
        finished: list[str] = []
        for token in _TOKEN.finditer(text):
            if token["text"]:
                self._type(token["text"], finished)
            elif token["control"]:
                self._control(token["control"], finished)
            elif token["final"]:
                self._sequence(token["parameters"], token["final"])
        self.text += "".join(finished)
        excess = len(self.text) - KEPT
        if excess > 0:
            self.text = self.text[excess:]
            self.dropped += excess

    def _type(self, text: str, finished: list[str]) -> None:
        self.line = self.line[: self._column] + text + self.line[self._column + len(text) :]
        self._column += len(text)
        while len(self.line) > LONGEST:
            finished.append(self.line[:LONGEST] + "\n")
            self.line = self.line[LONGEST:]
            self._column = max(0, self._column - LONGEST)

    def _control(self, control: str, finished: list[str]) -> None:
        if control == "\n":
            finished.append(self.line + "\n")
            self.line, self._column = "", 0
        elif control == "\r":
            self._column = 0
        elif control == "\b":
            self._column = max(0, self._column - 1)

    def _sequence(self, parameters: str, final: str) -> None:
        number = int(parameters) if parameters.isdecimal() else 0  # at most 64 digits
        if final == "D":  # cursor left
            self._column = max(0, self._column - max(1, number))
        elif final == "C":  # cursor right, but not beyond what is written
            self._column = min(len(self.line), self._column + max(1, number))
        elif final == "G":  # to a column
            self._column = min(len(self.line), max(1, number) - 1)
        elif final in "KJ":  # erase in line, in display: of the display only this line is left to change
            if number == 0:
                self.line = self.line[: self._column]
            elif number == 1:
                self.line = " " * self._column + self.line[self._column :]
            else:
                self.line, self._column = "", 0
