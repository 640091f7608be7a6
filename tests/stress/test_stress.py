"""The stress run itself: what it takes for a difference, and that nothing of it is left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.stress.__main__ import differences, is_bad
from tests.stress.hogs import hogs
from tests.waiting import until

ROOT = Path(__file__).parents[2]


PARENT = """
import signal
from tests.stress.hogs import hogs
with hogs(2) as running:
    print(*running, flush=True)
    signal.pause()
"""


def result(case, verdict, message="", known=None):
    return {"rig": "r", "case": case, "verdict": verdict, "message": message, "known": known}


def test_a_verdict_that_differs_and_one_that_could_not_be_told():
    quiet = [result("a", "pass"), result("b", "fail", known="old"), result("c", "pass"), result("d", "pass")]
    busy = [
        result("a", "fail", "late"),
        result("b", "fail", known="other"),
        result("c", "inconclusive", "machine too slow: other work held the rig up for 9.0 of 9.5 s"),
    ]
    differ, slow, raced = differences(quiet, busy, {("r", "old"), ("r", "other")})
    assert not raced
    assert list(differ) == ["[r] a", "[r] b", "[r] d"]
    assert differ["[r] a"] == "pass -> fail: late"
    assert list(slow) == ["[r] c"]


def test_another_reason_is_a_difference():
    busy = [result("a", "inconclusive", "no control is answered")]
    differ, slow, _ = differences([result("a", "pass")], busy)
    assert list(differ) == ["[r] a"]
    assert not slow


def test_what_a_race_in_the_dut_decides_is_told_apart():
    quiet = [result("a", "pass"), result("b", "fail", known="race"), result("c", "pass"), result("d", "pass")]
    busy = [
        result("a", "fail", known="race"),
        result("b", "pass"),
        result("c", "fail", known="old"),
        result("d", "fail"),
    ]
    differ, _, raced = differences(quiet, busy, {("r", "race")})
    assert list(raced) == ["[r] a", "[r] b"]
    assert list(differ) == ["[r] c", "[r] d"]


def test_one_in_a_hundred_may_be_too_slow():
    found = {"different": {}, "tests_failed": [], "too_slow": {"a": "machine too slow"}}
    assert not is_bad(found, 100)
    assert is_bad(found, 99)
    assert is_bad({"different": {}, "tests_failed": ["FAILED x"], "too_slow": {}}, 100)


def test_hogs_end_with_the_context():
    with hogs(2) as running:
        assert all(psutil.pid_exists(pid) for pid in running)
    assert not any(psutil.pid_exists(pid) for pid in running)


def test_hogs_do_not_outlive_whoever_is_killed():
    code = PARENT
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        running = [int(pid) for pid in parent.stdout.readline().split()]
        os.kill(parent.pid, signal.SIGKILL)
    until(lambda: not any(_works(pid) for pid in running), "a hog outlived its parent")


def _works(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
