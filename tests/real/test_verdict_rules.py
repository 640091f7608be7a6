"""The verdict rules on real stacks: whose fault a death is, and that the run and its record survive it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from reports.record import read
from rigs.nodes.lwip.library import installed
from tests.waiting import completed

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.real
lwip = pytest.mark.skipif(not installed(), reason="liblwip0 is not installed (apt-get install liblwip0)")
qemu = pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="QEMU is not installed")


def run(tmp_path, rig, death, *options):
    command = [sys.executable, "-m", "pytest", "tests/real/deadly_cases.py", "--rig", rig, "-q"]
    command += ["--record-dir", str(tmp_path), *options]
    env = {**os.environ, "KEYHOLE_TEST_DEATH": death}
    done = completed(command, cwd=ROOT, env=env)
    (folder,) = (path.parent for path in tmp_path.glob("*/run.jsonl") if not path.parent.is_symlink())
    record = read(folder)
    return done, record, {r["case"].rpartition("/")[2]: r for r in record.results}


def guests_of(death):
    """QEMU processes that a run of this module started."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if "qemu-system" in process.name() and process.environ().get("KEYHOLE_TEST_DEATH") == death:
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@lwip
@pytest.mark.parametrize("rig", ["lwip-802154", "lwip-ble"])
def test_abort_of_the_dut_fails_the_case_in_flight(tmp_path, rig):
    done, record, results = run(tmp_path, rig, "abort")
    assert results["2_deadly"]["verdict"] == "fail", done.stdout
    assert results["2_deadly"]["findings"][0]["code"] == "dut_lost"
    assert results["1_before"]["verdict"] == results["3_after"]["verdict"] == "pass"
    assert done.returncode == 1
    assert not record.interrupted


@lwip
def test_a_death_between_two_cases_is_told_by_the_next(tmp_path):
    done, _, results = run(tmp_path, "lwip-802154", "later")
    assert [results[f"{n}"]["verdict"] for n in ("4_dies_between", "5_next", "6_last")] == [
        "pass",
        "fail",
        "pass",
    ], done.stdout
    finding = results["5_next"]["findings"][0]
    assert finding["code"] == "dut_lost"
    assert "4_dies_between" in finding["actual"]


@lwip
def test_kill_from_outside_is_inconclusive(tmp_path):
    done, record, results = run(tmp_path, "lwip-802154", "kill-child")
    assert results["2_deadly"]["verdict"] == "inconclusive", done.stdout
    assert results["3_after"]["verdict"] == "pass"
    assert done.returncode == 1
    assert {"lost", "recovered", "released"} <= {line["event"] for line in record.rigs}


@qemu
def test_oops_of_the_guest_fails_the_case_in_flight(tmp_path):
    done, _, results = run(tmp_path, "linux-802154", "oops")
    assert results["2_deadly"]["verdict"] == "fail", done.stdout
    finding = results["2_deadly"]["findings"][0]
    assert finding["code"] == "dut_lost"
    assert "sysrq" in finding["actual"].lower() or "panic" in finding["actual"].lower()
    assert results["3_after"]["verdict"] == "pass"


@qemu
def test_kill_of_the_guest_is_inconclusive(tmp_path):
    done, _, results = run(tmp_path, "linux-802154", "kill-guest")
    assert results["2_deadly"]["verdict"] == "inconclusive", done.stdout
    assert results["3_after"]["verdict"] == "pass"


@qemu
def test_kill_of_the_harness_leaves_a_readable_record_and_no_guest(tmp_path):
    done, record, results = run(tmp_path, "linux-802154", "kill-harness")
    assert done.returncode < 0
    assert record.interrupted
    assert results["1_before"]["verdict"] == "pass"
    if guests_of("kill-harness"):  # those that outlived their parent are ended by the next start
        run(tmp_path, "linux-802154", "none", "-k", "1_before")
    assert not guests_of("kill-harness")
    shown = subprocess.run(
        [sys.executable, "-m", "reports", "render", str(record.path.parent)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "interrupted" in (shown.stdout + (record.path.parent / "index.html").read_text()).lower()
