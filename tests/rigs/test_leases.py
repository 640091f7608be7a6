"""Leases: one device serves one run, whoever names it and however that run ended."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rigs import leases
from rigs.leases import LeaseError, flock

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


CLIENT = """#!/bin/sh
echo "$LG_USERNAME $LG_COORDINATOR ${LG_TOKEN:--} $*" >> "$0.log"
case "$*" in
    *reserve*) %s ;;
    *acquire*) %s ;;
esac
"""


@pytest.fixture
def client(tmp_path, monkeypatch):
    def write(reserve="echo export LG_TOKEN=ABC", acquire="true"):
        path = tmp_path / "bin" / "labgrid-client"
        path.parent.mkdir(exist_ok=True)
        path.write_text(CLIENT % (reserve, acquire))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
        log = path.with_name("labgrid-client.log")
        return lambda: [line.split(" ", 2) for line in log.read_text().splitlines()]

    return write


FARM = ("lease.kind=labgrid", 'lease.match=["board=nrf"]', 'lease.coordinator="lab:20408"')


def test_a_place_of_a_farm_is_reserved_acquired_and_given_back(make, client):
    calls = client()
    with leases.of(make(*FARM).rig):
        pass
    assert [rest for _, _, rest in calls()] == [
        "- reserve --wait --shell board=nrf",
        "ABC -p + acquire",
        "ABC -p + release",
        "- cancel-reservation ABC",
    ]
    assert {(user, where) for user, where, _ in calls()} == {(f"keyhole-{os.getpid()}-r", "lab:20408")}


def test_a_place_that_cannot_be_acquired_is_not_kept_reserved(make, client):
    calls = client(acquire="echo place is broken >&2; exit 1")
    with pytest.raises(LeaseError, match=r"`labgrid-client -p \+ acquire` failed: place is broken"):
        leases.of(make(*FARM).rig).acquire()
    assert calls()[-1][2] == "- cancel-reservation ABC"


def test_a_farm_without_a_free_place_is_not_waited_for_for_ever(make, client):
    client(reserve="exec sleep 20")
    with pytest.raises(LeaseError, match=r"did not end within 0.1 s: no place is free"):
        leases.of(make(*FARM).rig).acquire()


def test_a_missing_program_is_told_with_its_remedy(make, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        LeaseError, match=r"labgrid-client is missing. Install labgrid in an environment of its own"
    ):
        leases.of(make(*FARM).rig).acquire()
    with pytest.raises(LeaseError, match="match is empty"):
        leases.of(make("lease.kind=labgrid").rig).acquire()
