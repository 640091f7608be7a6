"""What stands where a report is to be written."""

import os

import pytest

from reports.files import put
from reports.record import RecordError


def test_a_pipe_is_not_replaced_by_a_file(tmp_path):
    """A device node such as /dev/null would be lost in the same way, to root."""
    pipe = tmp_path / "junit.xml"
    os.mkfifo(pipe)
    with pytest.raises(RecordError, match=r"junit\.xml: is no regular file"):
        put(pipe, "<testsuites/>")
    assert pipe.is_fifo()


def test_a_link_is_replaced_and_not_followed(tmp_path):
    there = tmp_path / "elsewhere"
    there.write_text("theirs")
    (tmp_path / "page.html").symlink_to(there)
    put(tmp_path / "page.html", "ours")
    assert (there.read_text(), (tmp_path / "page.html").read_text()) == ("theirs", "ours")
