"""Every figure that the suites print says what it is: by which method, over what, and of how many values."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from fixtures.judging.measuring import key
from reports.record import read
from tests.waiting import completed

#: Figures of other values than those that are recorded.
DERIVED = {"knee", "expected loss", "connection interval"}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["reference", "reference-ble"])
def figures(request, tmp_path_factory):
    """Of a whole run of the suites that measure."""
    out = tmp_path_factory.mktemp("out")
    command = [sys.executable, "-m", "pytest", "suites/performance", "suites/mtu", "--rig", request.param]
    completed([*command, "-n0", "-q", "--seed=5", "--record-dir", str(out)], cwd=ROOT, env=os.environ)
    found = read(out / "latest").measurements
    assert len(found) > 40
    return found


@pytest.mark.slow
def test_each_says_how_it_was_got_and_over_what(figures):
    for line in figures:
        assert line["method"], line
        assert line["medium"].startswith("memory"), line


@pytest.mark.slow
def test_no_two_have_one_name(figures):
    assert not [name for name, times in Counter(map(key, figures)).items() if times > 1]


@pytest.mark.slow
def test_each_figure_is_of_its_values(figures):
    """A median lies among the values; a share is of as many trials as there are values; an interval holds it."""
    for line in figures:
        there = [value for value in line["values"] if value is not None]
        if line["unit"] == "share":
            assert all(0 <= value <= 1 for value in there), line
        if (figure := line["figure"]) is None:
            continue
        low, high = (figure[end] if figure[end] is not None else figure["value"] for end in ("low", "high"))
        assert low <= figure["value"] <= high, line
        assert figure["n"] == len(there) or "slope" in line["name"] or line["name"] in DERIVED, line
        if figure["what"] == "median":
            assert min(there) <= figure["value"] <= max(there), line
        if line["unit"] == "share":
            assert figure["value"] == pytest.approx(sum(there) / len(there)), line


@pytest.mark.slow
def test_a_budget_changes_how_many_values_there_are_and_not_of_what(tmp_path):
    """Only the first echo of a stranger is one: on a virtual clock each of these takes longer than any other."""
    found = {}
    for budget in ("3s", "60s"):
        out = tmp_path / budget
        command = [
            sys.executable,
            "-m",
            "pytest",
            "suites/performance/test_latency.py",
            "--rig",
            "reference",
            "-n0",
        ]
        options = ["-k", "first_packet", "--seed=5", f"--budget={budget}", "--record-dir", str(out)]
        completed([*command, *options], cwd=ROOT, env=os.environ)
        values = {line["name"]: line["values"] for line in read(out / "latest").measurements}
        assert min(values["first round trip"]) > max(values["round trip"])
        found[budget] = {name: len(there) for name, there in values.items()}
    assert all(found["3s"][name] < found["60s"][name] for name in found["3s"])
