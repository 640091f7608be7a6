"""A program as a console: how it is found, how it ends, and that nothing of it stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rigs.bench import Bench
from rigs.consoles.process import console as process
from rigs.consoles.process.console import ProcessConsole
from rigs.consoles.shell import Shell
from rigs.model import LinkClosed, RigError
from tests.consoles.conftest import command_line

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run():
    consoles = []

    def start(*command):
        consoles.append(ProcessConsole("process:test", command))
        return consoles[-1]

    yield start
    for console in consoles:
        console.close()


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    ("script", "state", "detail"),
    [
        pytest.param("exit 3", "crashed", "ended with status 3", id="3"),
        pytest.param("exit 0", "crashed", "ended with status 0", id="0"),
        pytest.param("kill -ABRT $$", "crashed", "was ended by SIGABRT", id="abrt"),
        pytest.param("kill -SEGV $$", "crashed", "was ended by SIGSEGV", id="segv"),
        pytest.param("kill -KILL $$", "killed", "was ended by SIGKILL", id="kill"),
        pytest.param("kill -40 $$", "killed", "was ended by signal 40", id="realtime"),
    ],
)
def test_how_it_ended(run, until, script, state, detail):
    console = run("sh", "-c", script)
    health = until(lambda: console.health().state != "alive" and console.health())
    assert (health.state, health.detail) == (state, f"the process {detail}")
    console.close()
    assert console.health().state == "unreachable"
    console.close()


def test_one_that_closes_its_output_and_lives_is_unreachable(run, until, monkeypatch):
    monkeypatch.setattr(process, "_LINGER", 0.1)
    console = run("sh", "-c", "exec >&- 2>&-; sleep 1000")
    assert "lingers" in until(lambda: console.health().detail)
    assert console.health().state == "unreachable"


def test_its_helpers_are_ended_too(run, until):
    console = run("sh", "-c", 'trap "" TERM INT; (trap "" TERM; sleep 1000) & echo $!; wait')
    helper = int(until(lambda: console.kept().strip()))
    assert not gone(helper)
    console.close()
    until(lambda: gone(helper))


def test_helpers_of_one_that_died_are_ended_too(run, until):
    console = run("sh", "-c", "sleep 1000 >&- 2>&- & echo $!; exit 1")
    helper = int(until(lambda: console.kept().strip()))
    until(lambda: console.health().state == "crashed")
    console.close()
    until(lambda: gone(helper))


PARENT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell began us in the background
from rigs.consoles.process.console import ProcessConsole
console = ProcessConsole("process:test", ["sleep", "1000"])
print(console.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_it_dies_with_us(how, until):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.send_signal(how)
        until(lambda: parent.poll() is not None)
        until(lambda: gone(pid))
    finally:
        parent.kill()
        parent.communicate()


def test_one_that_is_started_anew_goes_on_in_the_same_stream(run, until):
    console = run("sh", "-c", "echo $$; cat; sleep 1000")
    first = int(until(lambda: console.kept().strip()))
    mark = console.mark()
    console.restart()
    second = until(lambda: int(console.after(mark, 0)[0] or b"0"))
    assert (gone(first), console.pid, console.health().state) == (True, second, "alive")
    assert console.kept() == b"%d\n%d\n" % (first, second)
    console.write(b"heard\n")
    until(lambda: console.kept().endswith(b"heard\n"))
    console.close()
    until(lambda: gone(second))


def test_one_that_died_is_started_anew(run, until):
    console = run("sh", "-c", "read word; exit 3")
    console.write(b"\n")
    until(lambda: console.health().state == "crashed")
    console.restart()
    assert console.health().state == "alive"


def test_one_that_cannot_be_started_anew_stays_closed(run, monkeypatch):
    console = run("sleep", "1000")

    def fails(*_command, **_options):
        raise OSError("no more processes")

    with monkeypatch.context() as patch:
        patch.setattr(process.processes, "start", fails)
        with pytest.raises(RigError, match="process:test: cannot be started: no more processes"):
            console.restart()
    assert console.health().state == "unreachable"
    console.close()


def test_one_that_takes_no_input_does_not_hold_us(run, monkeypatch):
    from rigs.consoles import model

    monkeypatch.setattr(model, "WRITE_TIMEOUT", 0.2)
    console = run("sleep", "1000")
    with pytest.raises(
        LinkClosed, match=r"process:test: cannot be written to: nobody took \d+ octets within 0.2 s"
    ):
        console.write(bytes(1 << 20))


def test_signals_are_as_a_shell_would_leave_them(run):
    shell = Shell(run("sh", "-i"), r"[#$] ")
    shell.ready(10)
    (line,) = shell.command("grep SigIgn /proc/self/status")
    ignored = int(line.split()[1], 16)  # whoever started us may ignore others: those are not ours to mend
    assert [s.name for s in (signal.SIGPIPE, signal.SIGXFSZ) if ignored >> (s - 1) & 1] == []


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("", "the console: process: names no program: expected a program and its arguments"),
        ("no-such-program -x", "the program no-such-program is not on PATH: install it, or give its path"),
        ("./no/such.elf", "there is no file ./no/such.elf: build the firmware, or give the path"),
        (str(ROOT / "README.md"), "README.md is not executable: chmod"),
        (str(ROOT / "docs"), "docs is a folder: build the firmware, or give the path of the executable"),
        ("'half", "No closing quotation: quote it as a shell wants it"),
    ],
    ids=["empty", "path", "file", "mode", "folder", "quotes"],
)
def test_mistakes(rest, message):
    with pytest.raises(RigError, match=message):
        process.open_console(Bench(), rest, None)


def test_what_is_no_program_for_this_machine(tmp_path):
    (tmp_path / "node.elf").write_bytes(b"\x7fELF\x01\x01\x01" + bytes(99))
    (tmp_path / "node.elf").chmod(0o755)
    shell = Shell(process.open_console(Bench(), str(tmp_path / "node.elf"), None), "> ")
    with pytest.raises(LinkClosed, match=r"ended with status 1.*node.elf cannot be run: Exec format error"):
        shell.ready(10)
    shell.close()


def test_a_command_line_is_split_as_a_shell_would(until):
    console = process.open_console(Bench(), "printf '%s|' 'a b' c\\ d $HOME", None)
    assert until(lambda: console.kept().count(b"|") == 3 and console.kept()) == b"a b|c d|$HOME|"
    console.close()


def test_everything_is_kept_between_two_calls(run, until):
    console = run(*command_line("--flood", "200000"))
    until(lambda: console.mark() >= 200_000 // 64_000 * 64_000)
    data, mark = console.after(0, 0)
    assert data.startswith(b"xxx")
    assert console.after(mark, 0)[1] >= mark
