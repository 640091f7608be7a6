"""Leases of a labgrid farm, against a real coordinator and exporter on loopback."""

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rigs import __main__ as command
from rigs import leases, power, registry
from rigs.configuration.models import ConfigError
from rigs.leases import LeaseError
from rigs.leases.left import known, release
from tests.rigs.farm import BOARDS, PROMPT, Farm, farm, free_port, of_this_machine, program  # noqa: F401
from tests.waiting import hears_interrupts, until

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not program("labgrid-coordinator"), reason="labgrid is not here: make labgrid"),
]
BOARD = """
schema = 1
profile = "./p.toml"
[tester]
link = "tests.rigs.fakes:${lease.address}"
[dut]
node = "tests.rigs.fakes"
console = "${lease.serial}"
power = "${lease.power}"
address = "${lease.tag.eui}"
[lease]
kind = "labgrid"
match = ["board=nrf"]
wait = "60s"
"""
#: Takes a lease, says so, and holds it until it is told to end.
HOLDER = """
import sys
sys.path.insert(0, {root!r})
from rigs import leases
from rigs.configuration.loading import load
with leases.of(load({path!r}, {overrides!r}).rig, {run!r}):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYHOLE_LEASES", str(tmp_path / "leases"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def board(make, farm):  # noqa: F811
    def of(*overrides):
        return make(f"lease.coordinator={farm.address}", *overrides, text=BOARD)

    return of


def holder(loaded, run):
    code = HOLDER.format(root=str(ROOT), path=str(loaded.rig.path), overrides=loaded.overrides, run=run)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hears_interrupts,  # noqa: PLW1509 - nothing of ours runs in threads there
    )


def test_one_rig_file_serves_the_board_that_the_lease_got(board, farm, bench):  # noqa: F811
    loaded = board('lease.match=["only=nrf-2"]')
    assert loaded.awaited == ("tester.link", "dut.console", "dut.power", "dut.address")
    with leases.of(loaded.rig, "run1") as lease:
        assert farm.client.held()[0].owner == of_this_machine("run1")
        rig = registry.leased(loaded, lease.facts).rig
        assert lease.facts["place"] == "nrf-2"
        assert rig.dut.address == bytes.fromhex(BOARDS["nrf-2"])
        assert rig.tester.link == "tests.rigs.fakes:192.0.2.7"
        port = farm.consoles[1].getsockname()[1]
        assert rig.dut.console == f"socket://127.0.0.1:{port}"
        console = registry.open_console(bench, rig.dut.console, rig)
        console.write(b"\n")
        until(lambda: PROMPT in console.kept())
        power.cycle(rig.dut.power)  # whoever has the place has its power, too: labgrid switches it
        assert farm.switched == [("/nrf-2", b"0"), ("/nrf-2", b"1")]
    assert farm.books == []


def test_what_the_lease_does_not_tell_is_a_mistake_that_names_what_it_tells(board):
    loaded = board("tester.channel=${lease.tag.channel}")
    with leases.of(loaded.rig, "run2") as lease, pytest.raises(ConfigError) as caught:
        registry.leased(loaded, lease.facts)
    assert "tester.channel: the lease tells no 'tag.channel' of this board; it tells: " in str(caught.value)
    assert "NetworkSerialPort.port, " in str(caught.value)
    assert "serial, tag.board, tag.eui" in str(caught.value)


def test_who_comes_second_waits_in_the_queue_of_the_farm(board, farm):  # noqa: F811
    loaded, only = board(), 'lease.match=["only=nrf-1"]'
    first, second = (leases.of(board(only).rig, run) for run in ("run3", "run4"))
    other = leases.of(loaded.rig, "run5")
    first.acquire()
    waiting = threading.Thread(target=second.acquire, daemon=True)
    waiting.start()
    until(lambda: "waiting" in {each.state for each in farm.client.reservations()})
    with other:  # a board of this kind is left
        assert other.facts["place"] == "nrf-2"
    first.release()
    waiting.join()
    assert second.facts["place"] == "nrf-1"
    second.release()
    assert farm.books == []


def test_a_farm_without_a_free_board_says_who_has_them(board, farm):  # noqa: F811
    """The time that counts begins with the coordinator's first answer: the start of a program is no waiting."""
    only = 'lease.match=["only=nrf-1"]'
    with leases.of(board(only).rig, "run6"), pytest.raises(LeaseError) as caught:
        leases.of(board(only, "lease.wait=1ms").rig, "run7").acquire()
    assert (
        f"no place with only=nrf-1 became free within 0.001 s; held are nrf-1 by {of_this_machine('run6')}. "
        in str(caught.value)
    )
    assert farm.books == []


def test_what_a_killed_run_has_left_is_freed_by_its_name(board, farm, capsys):  # noqa: F811
    loaded = board()
    killed, alive = holder(loaded, "killed"), holder(loaded, "killed-not")
    assert [each.stdout.readline() for each in (killed, alive)] == ["held\n"] * 2
    arguments = ["release", "killed", "--coordinator", farm.address]
    assert command.main(arguments) == command.LACKING
    assert f"keyhole.killed.r is in use: held by process {killed.pid} of" in capsys.readouterr().out
    killed.kill()
    killed.wait()
    assert of_this_machine("killed") in {held.owner for held in farm.client.held()}, "it has no time limit"
    assert command.main(arguments) == command.DONE
    said = capsys.readouterr().out
    assert f"of {of_this_machine('killed')}: cancelled" in said
    assert f"of {of_this_machine('killed')}: released" in said
    assert {held.owner for held in farm.client.held()} == {of_this_machine("killed-not")}
    alive.communicate("")
    assert farm.books == []
    assert command.main(arguments) == command.DONE
    assert "nothing of run killed is there" in capsys.readouterr().out


@pytest.mark.parametrize("times", [3, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_of_who_was_ended_at_a_random_moment(board, farm, how, times):  # noqa: F811
    chance, loaded = random.Random(18), board()
    for number in range(times):
        before, run = len(farm.log), f"random{number}"
        one = holder(loaded, run)
        told = before + chance.choice([1, 200, 400, 800, 1600, 3200, 6400])
        held = threading.Event()
        threading.Thread(target=lambda p=one, e=held: (p.stdout.readline(), e.set()), daemon=True).start()
        until(lambda t=told, e=held: e.is_set() or len(farm.log) >= t)
        one.send_signal(how)
        one.wait()
        if how == signal.SIGKILL:
            told, whole = release(known(run), [], [farm.address])
            assert whole, told
    assert farm.books == []


def test_a_coordinator_that_is_lost_is_told_in_one_sentence(make, tmp_path):
    (tmp_path / "own").mkdir()
    own = Farm(tmp_path / "own")
    loaded = make(f"lease.coordinator={own.address}", text=BOARD)
    lease = leases.of(loaded.rig, "run8")
    lease.acquire()
    place = lease.facts["place"]
    own.close()
    with pytest.raises(LeaseError) as caught:
        lease.release()
    assert str(caught.value) == (
        f"r: the labgrid coordinator {own.address} does not answer `labgrid-client -p {place} release`. "
        "Start it, or correct [lease] coordinator (without it LG_COORDINATOR, else 127.0.0.1:20408). What this run "
        "has is given back by `.venv/bin/python -m rigs release run8`."
    )


def test_a_coordinator_that_is_not_there_is_told_in_one_sentence(make):
    address = f"127.0.0.1:{free_port()}"
    loaded = make(f"lease.coordinator={address}", "lease.kind=labgrid", 'lease.match=["board=nrf"]')
    with pytest.raises(LeaseError) as caught:
        leases.of(loaded.rig).acquire()
    assert str(caught.value).startswith(
        f"r: the labgrid coordinator {address} does not answer `labgrid-client reserve board=nrf`. Start it, or"
    )
    assert "\n" not in str(caught.value)
