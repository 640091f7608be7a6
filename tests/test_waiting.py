"""How the tests wait, where that has gone wrong before."""

import sys

from tests import waiting
from tests.waiting import completed

#: More than a pipe holds, so that it is not written before the program reads.
LARGE = b"x" * (1 << 22)


def test_what_a_slow_program_reads_is_written_to_its_end(monkeypatch):
    """The program begins to read behind several looks at it: the first of them once ended the writing."""
    monkeypatch.setattr(waiting, "_LEAST", 0.0001)
    monkeypatch.setattr(waiting, "_MOST", 0.0001)
    program = "import sys; print(len(sys.stdin.buffer.read()))"
    done = completed([sys.executable, "-c", program], input=LARGE, text=False, check=True)
    assert int(done.stdout) == len(LARGE)


def test_a_program_that_reads_nothing_ends_as_well():
    assert completed([sys.executable, "-c", ""], input=LARGE, text=False).returncode == 0
