"""Commands and their answers on a device that misbehaves."""

import os
import re
import signal
from pathlib import Path

import pytest

from rigs.consoles.terminal import KEPT
from rigs.model import LinkClosed, RigError
from tests.consoles.conftest import LOGS

BOTH = pytest.mark.parametrize("echo", [(), ("--echo",)], ids=["silently", "echoing"])


@BOTH
@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("say hello", ["hello"]),
        ("nothing", []),
        ("lines 3", ["line 0", "line 1", "line 2"]),
        ("colours", ["green and red", "  indented"]),
        ("pieces", ["α β"]),
        ("log", ["first", "second"]),
        ("cut", ["first"]),
        ("half", ["half"]),
        ("say dev:~$ is my prompt", ["dev:~$ is my prompt"]),
        ("say say hello", ["say hello"]),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_answers(device, echo, command, answer):
    shell = device(*echo)
    shell.ready(10)
    assert shell.command(command) == answer
    assert shell.command("say again") == ["again"]


def test_a_prompt_that_is_drawn_again_below_a_log_line(device):
    shell = device("--echo")  # a shell that redraws its line also echoes
    shell.ready(10)
    for _ in range(3):
        assert shell.command("redraw") == ["answer"]
    assert shell.command("say again") == ["again"]


@BOTH
def test_what_is_said_behind_the_prompt_does_not_hide_it(device, echo):
    shell = device(*echo)
    shell.ready(10)
    assert shell.command("late") == ["answer"]


def test_an_echo_that_is_broken_by_a_line_editor(device):
    shell = device("--echo", "--width", "20")
    shell.ready(10)
    for _ in range(2):
        assert shell.command("say a long line that does not fit") == ["a long line that does not fit"]


def test_a_prompt_from_before_ends_no_answer(device):
    """On an echoing console the echo is waited for; on a silent one `ready` leaves no prompt behind."""
    shell = device("--echo")
    shell.ready(10)
    shell.command("say a")
    shell.console.write(b"\n\n\n")  # three prompts on their way
    assert shell.command("say b") == ["b"]


def test_a_shell_that_is_known_to_echo_is_waited_for_with_its_first_command(device):
    shell = device("--echo", echoes=True)
    shell.ready(10)
    shell.console.write(b"\n\n\n")  # three prompts on their way
    assert shell.command("say a") == ["a"]
    silent = device(echoes=True)
    silent.ready(10)
    assert silent.command("say a", 1.0) == ["a"]  # when the echo did not come in time
    assert silent.command("say b", 30.0) == ["b"]  # which is not waited for any more


def test_a_prompt_from_before_is_no_empty_answer_of_a_shell_whose_echo_is_late(device, monkeypatch):
    """RIOT's `ifconfig` seemed to show no interface, on a busy machine: all that had come in time was a prompt."""
    shell = device("--echo")
    shell.ready(10)
    assert shell.command("say a") == ["a"]
    monkeypatch.setattr(shell, "_take", lambda _deadline: shell._terminal.feed(b"\r\ndev:~$ "))
    with pytest.raises(RigError, match="'say b' was not answered within 0 s"):
        shell.command("say b", 0.0)
    monkeypatch.undo()
    assert shell.command("say c") == ["c"]


def test_expect_looks_behind_what_was_sent_or_behind_a_mark(device):
    shell = device()
    shell.ready(10)
    mark = shell.mark()
    shell.send("say number 17")
    assert shell.expect(r"number (\d+)", 10)[1] == "17"
    shell.send("say word")
    shell.expect("word", 10)
    with pytest.raises(RigError, match=r"nothing that matches 'number' within 0.1 s; last seen: '.*word"):
        shell.expect("number", 0.1)
    assert shell.expect("number", 0, mark)
    assert "number 17\ndev:~$ word\n" in shell.text()


def test_a_wrong_prompt_is_told_with_what_was_seen(device):
    shell = device(prompt="> $")
    with pytest.raises(
        RigError,
        match=r"device.py: no prompt '> \$' within 0.6 s; last seen: 'dev:~\$ dev:~\$.*' is its prompt, set dut.prompt",
    ):
        shell.ready(0.6)


@BOTH
def test_a_silent_device(device, echo):
    shell = device("--silent", *echo)
    with pytest.raises(RigError, match=r"no prompt .* within 0.3 s; nothing was seen at all"):
        device("--silent").ready(0.3)
    shell.send("say x")
    assert shell.health().state == "alive"


def test_an_answer_that_never_ends(device):
    shell = device()
    shell.ready(10)
    with pytest.raises(RigError, match=r"'silent' was not answered within 0.3 s; last seen: 'dev:~\$"):
        shell.command("silent", 0.3)


def test_octets_that_nobody_can_read_make_one_think_of_the_baud_rate(device):
    shell = device()
    shell.ready(10)
    with pytest.raises(RigError, match="is the baud rate right"):
        shell.command("bits", 0.3)


def test_after_an_answer_that_was_given_up_the_next_one_is_its_own(device):
    shell = device()
    shell.ready(10)
    os.kill(shell.console.pid, signal.SIGSTOP)
    with pytest.raises(RigError, match="'lines 2' was not answered"):
        shell.command("lines 2", timeout=0.1)  # it comes all the same, later
    os.kill(shell.console.pid, signal.SIGCONT)
    assert shell.command("say mine") == ["mine"]


def test_crash_signatures_count_from_the_last_watch_on(device):
    shell = device(signatures=[r"FATAL ERROR \d", r"\*\*\* Booting"])
    shell.ready(10)
    assert shell.health().state == "alive"
    assert shell.command("crash") == ["text", ">>> ZEPHYR FATAL ERROR 0: bad news", "more"]
    assert (shell.health().state, shell.health().detail) == ("crashed", ">>> ZEPHYR FATAL ERROR 0: bad news")
    shell.watch()
    assert shell.health().state == "alive"
    shell.command("say *** Booting Zephyr ***")
    assert shell.health().detail == "*** Booting Zephyr ***"


@pytest.mark.parametrize("watched", [False, True])
def test_a_boot_in_front_of_the_first_watch_is_not_called_a_crash(device, watched):
    """A board that starts with its rig prints a banner, which is a crash only later."""
    shell = device(signatures=[r"FATAL ERROR \d"])
    shell.ready(10)
    if watched:
        shell.watch()
    shell.command("crash")
    called = "crashed" if watched else "it has booted or crashed"
    with pytest.raises(RigError, match=rf"within 0.3 s \({called}: >>> ZEPHYR FATAL"):
        shell.command("silent", 0.3)


def test_a_crash_is_seen_without_being_asked_for(device, until):
    shell = device(signatures=["FATAL"])
    shell.ready(10)
    shell.send("crash")
    health = until(lambda: shell.health().state == "crashed" and shell.health())
    assert "FATAL" in health.detail


def test_a_device_that_dies_in_an_answer(device):
    shell = device()
    shell.ready(10)
    with pytest.raises(LinkClosed, match=r"the process was ended by SIGSEGV; last seen: 'dev"):
        shell.command(f"raise {int(signal.SIGSEGV)}")
    with pytest.raises(LinkClosed, match="SIGSEGV"):
        shell.command("say x")
    with pytest.raises(LinkClosed):
        shell.ready(1)
    assert shell.health().state == "crashed"


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.slow
@BOTH
def test_a_flood_of_100_mb_in_an_answer(device, echo):
    shell = device(*echo, signatures=["FATAL"])
    shell.ready(10)
    before = resident()
    lines = shell.command("flood 100000000", timeout=120)
    assert lines[-1] == "x" * 79
    assert sum(len(line) + 1 for line in lines) <= KEPT
    assert resident() - before < 64 << 20
    assert shell.command("say still here") == ["still here"]
    assert shell.health().state == "alive"


def test_a_flood_without_end_is_given_up_at_the_deadline(device):
    shell = device("--flood", str(10**15), signatures=["FATAL"])
    before = resident()
    with pytest.raises(RigError, match=r"no prompt .* within 1 s; last seen: '.*xxxx"):
        shell.ready(1)
    with pytest.raises((RigError, LinkClosed)):
        shell.command("say x", 1)
    assert shell.health().state == "alive"
    assert len(shell.text()) <= KEPT + (1 << 13)
    assert resident() - before < 64 << 20
    shell.close()


def test_log_lines_are_a_matter_of_the_stack(device):
    assert re.match(LOGS, "[00:00:01.000,000] <inf> net: link up")
    shell = device(logs="")
    shell.ready(10)
    assert shell.command("log")[1].startswith("[00:00:01")
