r"""Text of strangers made inert: what a DUT said or a file holds, fit for a terminal, a page and a record.

Strategy: one function at every way in and out. A character that a terminal, a browser or an editor would obey instead
of showing it (controls, bidirectional marks, lone surrogates, invisible tags) becomes visible as Python writes it
(`\x1b`); everything else stays as it is. Length is bounded, and what was left
out is counted. What Markdown and HTML take as their own is the business of `reports.markdown` and `reports.html_parts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: Characters of one text that are kept: as many as `rigs.consoles.model` keeps of a console.
LONGEST: Final = 1 << 18

#: Octets of a line of JSON that need no look: printable ASCII, and what stands between tokens.
_ORDINARY: Final = bytes([9, 10, *range(32, 127)])
#: Escapes of JSON that may stand for a character that is obeyed.
_ESCAPES: Final = re.compile(rb"\\[bfru]")
#: C0 but tab and newline, DEL, C1; soft hyphen; Arabic letter mark; Hangul fillers; zero-width and bidirectional marks;
#: line and paragraph separators; interlinear annotation; lone surrogates; noncharacters; tags and their like.
_OBEYED: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff"
    "\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)


def inert(text: str) -> str:
    """The text with nothing in it that is obeyed instead of shown; lines and tabs stay."""
    if (
        text.isascii() and text.isprintable() and len(text) <= LONGEST
    ):  # most texts, and nothing in them to look for
        return text
    shown = _OBEYED.sub(_shown, text[:LONGEST].replace("\r\n", "\n"))
    if len(text) > LONGEST or len(shown) > LONGEST:
        cut = f" ... (cut here: {len(text)} characters)"
        shown = shown[: LONGEST - len(cut)] + cut
    return shown


def plain(row: bytes) -> bool:
    """Whether a line of JSON has nothing that `inert` would change, and no word for a number that JSON has not.

    False where that would take a closer look. Raises `UnicodeDecodeError` for what is no UTF-8.
    """
    escapes = b"\\" in row and _ESCAPES.search(row)  # most lines have no escape at all
    if escapes or len(row) > LONGEST or b"NaN" in row or b"Infinity" in row:
        return False
    rest = row.translate(None, _ORDINARY)
    return not rest or _OBEYED.search(rest.decode()) is None


def one_line(value: object) -> str:
    """`inert`, and ends of lines are shown as well: for a name, a table, a line that no text may imitate."""
    if type(value) is str and value.isascii() and value.isprintable() and len(value) <= LONGEST:
        return value
    return inert(str(value)).replace("\n", "\\n").replace("\t", "\\t")


def indented(value: object, by: str) -> str:
    """`inert`, and every line but the first begins with `by`, so that none can be taken for a line of ours."""
    return inert(str(value)).replace("\n", "\n" + by)


def in_few(value: Any, most: int = 3, longest: int = 200) -> str:
    """A value, or the first of a list with a count of the others, in `longest` characters at most."""
    words = list(map(str, value)) if isinstance(value, list) else [str(value)]
    shown = " ".join(words[:most])
    shown = shown if len(shown) <= longest else f"{shown[:longest]} ..."
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


def in_general(message: str) -> str:
    """The first line of a message without the seconds that differ from case to case."""
    return re.sub(r" for [0-9.]+ of [0-9.]+ s\b", "", message.partition("\n")[0]) or "no more is said"


def all_inert(value: Any) -> Any:
    """Every text in a value of JSON, keys included, as `inert` returns it."""
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, Mapping):
        return {inert(key) if isinstance(key, str) else key: all_inert(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [all_inert(item) for item in value]
    return value


def _shown(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
