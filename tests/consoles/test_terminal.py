"""Octets become the text that a person would read, whatever pieces they come in."""

import pytest

from rigs.consoles.terminal import KEPT, LONGEST, Terminal

CASES = {
    "plain": (b"a\nb\n", "a\nb\n"),
    "crlf": (b"a\r\nb\r\r\n", "a\nb\n"),
    "colours": (b"\x1b[1;31mred\x1b[0m\n", "red\n"),
    "8-bit CSI": ("\x9b31mred\n".encode(), "red\n"),
    "title": (b"\x1b]0;title\x07a\x1b]2;x\x1b\\b\n", "ab\n"),
    "title without end": (b"\x1b]0;ab\ncd\n", "]0;ab\ncd\n"),
    "modes": (b"\x1b[?25l\x1b(Ba\x1b=\x1b[6nb\n", "ab\n"),
    "backspace": (b"abc\b\bX\n", "aXc\n"),
    "carriage return": (b"progress 1\rprogress 2\n", "progress 2\n"),
    "erased line": (b"uart:~$ pi\r\x1b[2Klog\r\nuart:~$ pi", "log\nuart:~$ pi"),
    "cursor left and erased": (b"uart:~$ pi\x1b[10D\x1b[Jlog\r\nuart:~$ pi", "log\nuart:~$ pi"),
    "cursor right": (b"abc\r\x1b[2CX\x1b[99CY\n", "abXY\n"),
    "column": (b"abc\x1b[2GX\n", "aXc\n"),
    "erased to the left": (b"abc\x1b[D\x1b[1Kd\n", "  d\n"),
    "bells and zeros": (b"\0\x07a\x7f\0b\n", "ab\n"),
    "utf-8": ("α\x1b[1mβ\n".encode(), "αβ\n"),
    "noise": (b"\xff\xfea\n", "\ufffd\ufffda\n"),
    "tab": (b"a\tb\n", "a\tb\n"),
    "lone escape": (b"a\x1b\nb\n", "a\nb\n"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_text(name, size):
    data, text = CASES[name]
    terminal = Terminal()
    for start in range(0, len(data), size):
        terminal.feed(data[start : start + size])
    assert terminal.after(0) == text


def test_positions_stay_when_text_is_dropped():
    terminal = Terminal()
    terminal.feed(b"first\nsec")
    assert (terminal.position, terminal.end) == (6, 9)
    assert terminal.after(2) == "rst\nsec"
    assert terminal.after(8) == "c"
    terminal.feed(b"ond\n" + b"x" * 99 + b"\n")
    terminal.feed((b"y" * 99 + b"\n") * 1000)
    assert terminal.position == 13 + 100 + 100_000
    assert len(terminal.text) == KEPT
    assert terminal.dropped == terminal.position - KEPT
    assert terminal.after(terminal.position - 100) == "y" * 99 + "\n"
    assert terminal.after(0) == terminal.text  # as far as it is kept


def test_a_line_without_end_is_bounded():
    terminal = Terminal()
    for _ in range(100):
        terminal.feed(b"z" * 10_000)
        terminal.feed(b"\x1b]" + b"q" * 10_000)  # a control sequence without end, too
    assert len(terminal.line) <= LONGEST
    assert len(terminal.text) <= KEPT
    assert len(terminal._half) < 1000
