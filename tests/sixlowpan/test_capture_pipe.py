"""A capture that comes through a pipe: nothing is lost, whatever ends it."""

import array
import fcntl
import os
import shlex
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.sixlowpan.captures import gzipped, pcap
from tests.waiting import completed

ROOT = Path(__file__).parents[2]
GOOD = bytes.fromhex("41dc01cdab0807060504030201" + "1817161514131211") + bytes.fromhex("7a333a8000")
JUDGE = [sys.executable, "-m", "sixlowpan", "judge"]


def judge(name, **how):
    return subprocess.run([*JUDGE, name], cwd=ROOT, capture_output=True, check=False, **how)


def test_no_room_for_what_comes():
    """A limit on the size of files stands for a full disk: the system refuses what is written."""
    limited = f"ulimit -f 8; head -c 1000000 /dev/zero | {shlex.join([*JUDGE, '-'])}"
    done = completed(["bash", "-c", limited], cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sixlowpan: stdin: cannot be kept in ")
    assert done.stderr.endswith("(File too large): set TMPDIR to a folder with room\n")


def test_no_folder_for_what_comes(tmp_path):
    """Root may write everywhere but in /proc."""
    start = "import sys, tempfile; tempfile._candidate_tempdir_list = lambda: ['/proc']; "
    start += "from sixlowpan.__main__ import main; sys.exit(main(['judge', '-']))"
    done = completed([sys.executable, "-c", start], cwd=ROOT, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (2, "")
    assert "set TMPDIR to a folder that can be written" in done.stderr


def test_a_stdin_that_is_for_writing(tmp_path):
    """It is not said of the temporary file."""
    output = os.open(tmp_path / "f", os.O_WRONLY | os.O_CREAT)
    done = judge("-", stdin=output)
    os.close(output)
    assert done.stderr.decode() == "sixlowpan: stdin: cannot be read: Bad file descriptor\n"
    assert done.returncode == 2


def test_a_terminal_is_not_waited_for():
    """A serial port says nothing for ever, and a sniffer behind one needs its own program."""
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    done = judge(name)
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, done.stdout) == (2, b"")
    assert (
        f"{name}: it is a pipe or a device and no file: write what comes of it into a file first"
        in done.stderr.decode()
    )


def test_a_pipe_with_a_name_may_be_there_before_its_capture(tmp_path):
    path, pipe = pcap(tmp_path / "f", 230, [GOOD]), tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [*JUDGE, pipe], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as judging:
        assert judging.stderr.readline().decode() == (
            f"{pipe}: waiting for a capture to come through this pipe (Ctrl-C ends)\n"
        )
        pipe.write_bytes(path.read_bytes())
        assert judging.stdout.read().decode().splitlines()[-1] == "1 frame read, 1 judged, 0 skipped"
        assert (judging.wait(), judging.stderr.read()) == (0, b"")


@pytest.mark.parametrize("packed", [False, True])
def test_stdin(tmp_path, packed):
    path = pcap(
        tmp_path / "f", 195, [GOOD + b"\1\2"] * 2
    )  # what follows the frames is looked for: a second reading
    if packed:
        gzipped(path)
    piped = judge("-", input=path.read_bytes())
    assert (piped.stdout, piped.returncode) == ((named := judge(str(path))).stdout, named.returncode)
    with path.open("rb") as file:
        assert judge("-", stdin=file).stdout == named.stdout
    read, write = os.pipe()
    os.write(write, path.read_bytes())
    os.close(write)
    assert judge(f"/dev/fd/{read}", pass_fds=[read]).stdout == named.stdout
    os.close(read)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "sixlowpan: stdin: the file is empty: not even the header of a capture is there\n"),
        (
            b"octets",
            (
                "sixlowpan: stdin: this is no capture: pcap, pcapng or btsnoop, also in gzip, is expected; many others "
                "become one by Wireshark's `editcap FILE NEW.pcapng`\n"
            ),
        ),
    ],
)
def test_stdin_is_named_in_messages(octets, said):
    done = judge("-", input=octets)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", said)


def test_stdin_is_named_where_it_is_damaged(tmp_path):
    path = gzipped(pcap(tmp_path / "f", 230, [GOOD, GOOD]))
    said = judge("-", input=path.read_bytes()[:-9]).stdout.decode()
    assert "hint: the rest of the file was not read: stdin: " in said or said == ""
    assert str(tmp_path) not in said


def test_ctrl_c_ends_a_live_capture_and_what_came_is_judged(tmp_path):
    """The terminal sends SIGINT to both; what the sniffer had in its buffer comes behind it."""
    whole = pcap(tmp_path / "f", 230, [GOOD, GOOD[:2] + b"\2" + GOOD[3:]]).read_bytes()
    half = len(whole) - 30
    with subprocess.Popen([*JUDGE, "-"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as judging:
        judging.stdin.write(whole[:half])
        judging.stdin.flush()
        while _unread(judging.stdin):  # until the judge has them, and so listens for the signal
            os.sched_yield()
        judging.send_signal(signal.SIGINT)
        judging.stdin.write(whole[half:])
        judging.stdin.close()
        assert judging.stdout.read().decode().splitlines()[-1] == "2 frames read, 2 judged, 0 skipped"
        assert judging.wait() == 0


def _unread(pipe):
    """How many octets the reader of `pipe` has not taken yet."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]
