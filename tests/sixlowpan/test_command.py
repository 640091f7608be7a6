"""How commands end where their streams fail: a status and one line, for each of them alike."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sixlowpan import command

ROOT = Path(__file__).parents[2]
COMMANDS = [
    ["sixlowpan", "budget"],
    ["reports", "validate", "--schema"],
    ["rigs", "list", "--kinds"],
    ["vectors", "requirement", "RFC6282-3.1.1-01"],
]


def shell(words, more):
    line = f"{sys.executable} -m {' '.join(words)} {more}"
    return subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_an_output_that_is_full_is_one_line_and_one_that_is_closed_is_none(words):
    full = shell(words, "> /dev/full")
    assert full.returncode == 2
    assert ": the output, or " in full.stderr
    assert full.stderr.endswith("cannot be written: No space left on device\n")
    assert full.stderr.count("\n") == 1
    closed = shell(words, ">&- 2>/dev/null; echo $?")
    assert closed.stdout == "0\n"


def test_an_input_that_is_closed_is_an_empty_one():
    assert shell(["sixlowpan", "decode", "--jsonl"], "<&-").returncode == 0
    assert "the file is empty" in shell(["sixlowpan", "judge", "-"], "<&-").stderr


def test_what_an_encoding_lacks_is_escaped():
    words = [sys.executable, "-m", "vectors", "requirement", "RFC6282-3.1.1-01"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, env=ascii_only)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "\\xa7" in ran.stdout


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(errno.EACCES, "Permission denied", "x\x1b.toml"), 2, "me: x\\x1b.toml: Permission denied\n"),
        (OSError(errno.ECONNREFUSED, "Connection refused"), 2, "me: Connection refused\n"),
        (ValueError("no\nsuch"), 2, "me: no\\nsuch\n"),
    ],
)
def test_the_end_of_a_command(capsys, monkeypatch, error, status, said):
    monkeypatch.setattr(command, "_silence", lambda: None)  # the output of pytest is still needed

    def fails():
        raise error

    assert command.run("me", fails, refused=(ValueError,)) == status
    assert capsys.readouterr().err == said
