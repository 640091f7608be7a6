"""A console that floods: endless lines and what makes expressions slow cost time in proportion to their length."""

import importlib
import re
import time

import pytest

from rigs.consoles import terminal
from rigs.consoles.terminal import KEPT, LONGEST, Terminal
from tests.consoles.nodes import NODES

#: Pieces that begin what an expression looks for and do not end it.
PIECES = [
    *(
        "assert ",
        "Assertion ",
        "[C]",
        "[CRIT] ",
        "*** ",
        "Oops ",
        "*** Booting ",
        "[A: ",
        "[A",
        "> ",
        "#0000.",
        "0000",
    ),
    *(
        "[00:",
        "<0",
        "[ 0.",
        "keyhole ",
        "uart:~$ ",
        " ",
        "a@b:",
        "fatal error ",
        "***** ",
        "root@",
        "[",
        "\n",
    ),
]


def expressions():
    for name in NODES:
        module = importlib.import_module(f"rigs.nodes.{name}")
        for what in ("LOGS", "PROMPT"):
            if hasattr(module, what):
                pattern = getattr(module, what)
                yield f"{name} {what}", rf"(?:{pattern})[^\n]*\n?"
                yield f"{name} {what} end", rf"^(?:{pattern})|(?:{pattern})[ \t]*\Z"
        yield f"{name} SIGNATURES", "|".join(f"(?:{s})" for s in module.SIGNATURES)


#: Seconds: a few milliseconds where it is linear, a second and more where it is not.
BOUND = 0.2


def seconds(expression, text):
    """CPU time of one search, the least of three where one is long; the load of the machine is not in it."""
    least = None
    for _ in range(3):
        start = time.process_time()
        expression.search(text)
        spent = time.process_time() - start
        least = spent if least is None else min(least, spent)
        if least < BOUND:
            break
    return least


@pytest.mark.parametrize(
    ("name", "pattern"), list(expressions()), ids=lambda value: value if " " in value else ""
)
def test_no_expression_costs_the_square_of_a_line(name, pattern):
    expression = re.compile(pattern, re.MULTILINE)
    for piece in PIECES:
        text = piece * (32_000 // len(piece))
        assert seconds(expression, text) < BOUND, (name, piece)


@pytest.mark.parametrize(
    "flood",
    [
        b"x",
        b"a\x00",
        b"\x1b[",
        b"\x1b[0",
        b"\x1b]",
        b"\x9b",
        b"\xff",
        b"\x1b",
        b"\x1b ",
        b"\b",
        b"\r",
        b"\n",
        b"\t",
    ],
)
def test_memory_of_a_terminal_is_bounded_whatever_comes(flood):
    shown = Terminal()
    for _ in range(40):
        shown.feed(flood * (65_536 // len(flood)))
        assert len(shown.text) <= KEPT
        assert len(shown.line) <= LONGEST
        assert len(shown._half) <= 300


@pytest.mark.parametrize("parameters", ["0" * 5000, "9" * 5000, "9" * 64, ";" * 5000])
@pytest.mark.parametrize("final", "DCGKJm")
def test_a_sequence_with_thousands_of_digits_is_no_number(parameters, final):
    shown = Terminal()
    shown.feed(f"abc\x1b[{parameters}{final}def\n".encode())
    assert "def" in shown.text
    assert len(shown.text) <= LONGEST + 10
    assert terminal._HALF.search("\x1b[" + "0" * 5000) is None


def test_a_crash_is_seen_behind_anything_on_its_line():
    black_box = importlib.import_module("rigs.nodes.black_box.node")
    expression = re.compile("|".join(f"(?:{s})" for s in black_box.SIGNATURES), re.MULTILINE)
    for line in (
        "x.c:3: Assertion `a' failed.",
        "boot\nassert (1 == 2) failed at x.c:7\nmore",
        "assert assert x failed",
    ):
        assert expression.search(line), line
    for line in ("failed assert", "assert\nfailed", "asserted: failed"):
        assert not expression.search(line), line
