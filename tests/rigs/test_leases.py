"""Leases: one device serves one run, whoever names it and however that run ended."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rigs import leases, registry
from rigs.configuration.models import ConfigError
from rigs.leases import LeaseError, flock, labgrid_client
from rigs.leases.left import known, release

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYHOLE_LEASES", str(tmp_path / "leases"))
    return tmp_path / "leases"


def test_a_leased_rig_is_refused_and_the_holder_named(make):
    with leases.of(make().rig), pytest.raises(LeaseError) as caught:
        leases.of(make().rig).acquire()
    told = str(caught.value)
    assert f"in use: held by process {os.getpid()} of " in told
    assert "(rig r) since 20" in told
    with leases.of(make().rig):
        pass


def test_two_rig_files_that_name_one_device_exclude_each_other(make, tmp_path):
    (tmp_path / "ttyACM0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyACM0")
    one = make(f"dut.console=serial:{tmp_path}/ttyACM0?baud=115200", "tester.link=a:1").rig
    two = make(f"dut.console=serial:{tmp_path}/by-id", "tester.link=b:2", name="other").rig
    three = make("dut.console=serial:/dev/zero", "tester.link=c:3", name="third").rig
    with leases.of(one):
        with pytest.raises(LeaseError, match=r"other: .*ttyACM0 is in use"):
            leases.of(two).acquire()
        with leases.of(three):
            pass
    lease = leases.of(two)
    lease.acquire()
    lease.release()
    lease.release()


def test_two_rigs_of_one_run_on_one_port_are_told_how_to_take_turns(make):
    one = make("tester.link=zep:[::1]:27754", "dut.console=process:x").rig
    two = make("tester.link=zep:[::1]:27754", "dut.console=process:y", name="other").rig
    with leases.of(one), pytest.raises(LeaseError) as caught:
        leases.of(two).acquire()
    told = str(caught.value)
    assert "other: zep:[::1]:27754 is in use: held by process " in told
    assert told.endswith("two rigs of one run that share it take turns with -n0.")


def test_a_port_is_another_one_in_another_network_namespace(make, monkeypatch):
    rig = make("tester.link=ot_sim:", "dut.console=process:x").rig
    board = make("tester.link=hci:usb:0", "dut.console=process:x", name="board").rig
    here, there = flock.devices(rig), flock.devices(board)
    assert f"ot_sim: in network namespace {Path('/proc/self/ns/net').stat().st_ino}" in here, (
        "whoever process 1 is"
    )
    monkeypatch.setattr(flock, "_namespace", lambda: " in network namespace 7")
    assert "ot_sim: in network namespace 7" in flock.devices(rig)
    assert not set(flock.devices(rig)) & {*here} - {"process:x"}
    assert flock.devices(board) == there, "a radio is the same in all of them"


def test_a_refused_lease_keeps_nothing(make):
    pair = make('lease.devices=["a", "z"]').rig
    last = make('lease.devices=["z"]', name="last").rig
    first = make('lease.devices=["a"]', name="first").rig
    with leases.of(last):
        with pytest.raises(LeaseError):
            leases.of(pair).acquire()
        with leases.of(first):
            pass


def test_a_lease_dies_with_its_process(make, tmp_path):
    make()
    path = str(tmp_path / "r.toml")
    code = (
        "import sys; from rigs import leases; from rigs.configuration.loading import load\n"
        f"lease = leases.of(load({path!r}).rig); lease.acquire(); print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout.readline() == "held\n"
    with pytest.raises(LeaseError, match=f"held by process {child.pid} of"):
        leases.of(make().rig).acquire()
    child.kill()
    child.communicate()
    with leases.of(make().rig):
        pass


def test_the_folder_is_private(monkeypatch, tmp_path):
    monkeypatch.delenv("KEYHOLE_LEASES")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = flock.folder()
    assert folder.is_relative_to(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_rigs_that_nobody_else_can_have_need_no_lease(make, folder):
    with leases.of(make("lease.kind=none").rig), leases.of(make("lease.kind=none").rig):
        assert not folder.exists()


def test_a_lab_without_its_program_is_told_with_the_remedy(make, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(labgrid_client, "OURS", tmp_path)
    with pytest.raises(LeaseError, match=r"labgrid-client is missing. `make labgrid` installs it"):
        leases.of(make("lease.kind=labgrid", 'lease.match=["board=nrf"]').rig).acquire()
    with pytest.raises(LeaseError, match=r"\[lease\] acquire `take it`: there is no such program"):
        leases.of(make(*TAKEN, "lease.acquire=take it").rig).acquire()


def test_what_a_kind_of_lease_needs_is_told_of_the_file(make):
    with pytest.raises(ConfigError, match="labgrid needs `match`: what to reserve"):
        make("lease.kind=labgrid")
    with pytest.raises(ConfigError, match="command needs `acquire` and `release`, a program each"):
        make("lease.kind=command", "lease.acquire=/bin/true")


#: A lease by programs: each notes who asked, and the first tells of the board.
TAKEN = (
    "lease.kind=command",
    "lease.wait=60s",  # a program that ends: on a busy machine later
    """lease.acquire=sh -c 'echo take $KEYHOLE_RUN $KEYHOLE_RIG >>notes; echo serial=serial:/dev/null; echo Taken.'""",
    "lease.release=sh -c 'echo give $KEYHOLE_RUN $KEYHOLE_RIG >>notes'",
)


def test_a_program_takes_the_rig_and_tells_of_it_and_another_gives_it_back(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = make(*TAKEN, "dut.console=${lease.serial}", "tester.channel=${lease.channel}")
    assert loaded.awaited == ("tester.channel", "dut.console")
    assert loaded.rig.dut.console is None
    with leases.of(loaded.rig, "run1") as lease:
        assert lease.facts == {"serial": "serial:/dev/null"}
        rig = registry.leased(loaded, {**lease.facts, "channel": "15"}).rig
        assert (rig.dut.console, rig.tester.channel) == ("serial:/dev/null", 15)
        with pytest.raises(ConfigError) as caught:
            registry.leased(loaded, lease.facts)
        assert caught.value.mistakes[0].endswith(
            "tester.channel: the lease tells no 'channel' of this board; it tells: serial"
        )
        told, whole = release(known("run1"), [loaded], [])
        assert not whole
        assert "keyhole.run1.r is in use: held by process" in told[0]
    assert (tmp_path / "notes").read_text() == "take run1 r\ngive run1 r\n"
    assert release(known("run1"), [loaded], []) == (
        ["r: given back by `sh -c 'echo give $KEYHOLE_RUN $KEYHOLE_RIG >>notes'`"],
        True,
    )
    assert not list(flock.folder().iterdir())  # a name of one run leaves nothing


@pytest.mark.parametrize(
    ("acquire", "wait", "told"),
    [
        ("sh -c 'echo nrf is with Ann >&2; exit 3'", "60s", "exit status 3: nrf is with Ann"),
        ("sleep 1000", "100ms", "did not end within 0.1 s; it said: nothing"),
    ],
)
def test_a_program_that_does_not_get_the_rig_is_told_and_the_other_run(
    make, tmp_path, monkeypatch, acquire, wait, told
):
    monkeypatch.chdir(tmp_path)
    loaded = make(*TAKEN, f"lease.acquire={acquire}", f"lease.wait={wait}")
    with pytest.raises(LeaseError) as caught:
        leases.of(loaded.rig, "run2").acquire()
    assert str(caught.value) == f"r: [lease] acquire `{acquire}`: {told}"
    assert (tmp_path / "notes").read_text() == "give run2 r\n"


def test_only_a_lease_that_tells_of_its_board_can_be_waited_for(make):
    with pytest.raises(ConfigError, match=r"dut.console: a lease of kind 'flock' tells nothing of a board"):
        make("dut.console=${lease.serial}")
    with pytest.raises(
        ConfigError, match=r"profile: .* is known behind the lease only: \[tester\] and \[dut\]"
    ):
        make(*TAKEN, "profile=${lease.profile}")


def test_what_a_run_had_is_read_from_its_record(make, tmp_path, monkeypatch):
    from reports.record import Writer

    monkeypatch.chdir(tmp_path)

    loaded = make(*TAKEN)
    farm = make("lease.kind=labgrid", 'lease.match=["x=y"]', name="farm").rig
    text = '[lease]\nkind = "labgrid"\ncoordinator = "lab:20408"\n'
    files = {"r": {"file": {"text": '[lease]\nkind = "command"\n'}}, farm.name: {"file": {"text": text}}}
    writer = Writer(tmp_path / "run7", run_id="run7", seed=1, suite={}, host={}, rigs=files)
    writer.close()
    left = known(str(tmp_path / "run7"))
    assert (left.run, left.coordinators, left.by_programs) == ("run7", ["lab:20408"], ["r"])
    left.coordinators.clear()
    told, done = release(left, [], [])
    assert (told, done) == (
        ["r: was taken by a program: name its rig file, --rig r, and its `release` is run"],
        False,
    )
    assert release(left, [loaded], [])[1]
    with pytest.raises(ConfigError, match=r"expected the id of a run, such as"):
        known("no.run")
