"""Nodes that work badly are named by what is wrong with them, and a right node by nothing."""

import os
import sys
from pathlib import Path

import pytest

from reports.record import read
from tests.waiting import completed

ROOT = Path(__file__).parents[2]
LOSS, MAP = "suites/performance/test_loss.py", "suites/mtu/test_map.py"


def findings(tmp_path, *options):
    command = [
        sys.executable,
        "-m",
        "pytest",
        *options,
        "--rig",
        "reference",
        "-n0",
        "-q",
        "--seed=5",
        "--strict",
    ]
    completed([*command, "--record-dir", str(tmp_path / "out")], cwd=ROOT, env=os.environ)
    record = read(tmp_path / "out" / "latest")
    assert {result["verdict"] for result in record.results} <= {"pass", "fail"}
    return {(f["code"], f["actual"]) for result in record.results for f in result["findings"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mutant", "cases", "code", "told"),
    [
        ("loses-datagrams", (LOSS,), "worse_than_its_frames", "reassembly loses what the medium did not"),
        ("loses-every-eleventh", (LOSS, "-k", "over_time"), "lost_regularly", "one of 11 a loss begins"),
        ("answers-later-and-later", (LOSS, "-k", "over_time"), "slows_down", "ms in the last"),
        ("loses-what-comes-by-udp", (LOSS, "-k", "direction"), "one_way", "to the DUT, 0 % from it"),
        ("answers-hundredth-twice", (LOSS, "-k", "datagrams"), "second_answer", "came again"),
        ("answers-200-ms-late", ("suites/performance/test_latency.py",), "round_trip", "ms at least"),
        ("loses-one-size", (MAP, "--slow"), "lost_by_size", "729 octets alone"),
        ("loses-three-fragments", (MAP,), "lost_by_size", "every size in 3 frames"),
    ],
)
def test_a_node_that_works_badly_is_named(tmp_path, mutant, cases, code, told):
    found = findings(tmp_path, *cases, "--mutant", mutant)
    assert any(code == seen and told in actual for seen, actual in found), found


@pytest.mark.slow
def test_a_size_that_is_lost_as_sender_only_is_lost_nowhere_else(tmp_path):
    """Both maps are drawn, and only that of the sender has a hole."""
    codes = {}
    for way in ("tester_first", "node_first"):
        options = (MAP, "--slow", "-k", f"all_sizes_{way}", "--mutant", "loses-one-size-as-sender")
        codes[way] = {code for code, _ in findings(tmp_path / way, *options)}
    assert codes == {"tester_first": set(), "node_first": {"lost_by_size"}}


@pytest.mark.slow
def test_a_right_node_is_blamed_for_nothing_on_a_bad_air(tmp_path):
    for options in (
        ("air.loss=0.05",),
        ("air.loss=0.05", "air.burst=4.0"),
        ("air.model='802154'", "air.loss=0.01"),
    ):
        told = [f"--set={option}" for option in (*options, "attempts=6", "air.seed=3")]
        assert findings(tmp_path, LOSS, *told) == set(), options
