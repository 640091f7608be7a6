"""The variants: each says what it does and by what right, and starts; a few are tried on a few files of the suites."""

import json
import subprocess
import sys
import tomllib

import pytest

from rigs.configuration import loading
from tests.variants import load, write

VARIANTS = load()
#: A few that see much of the suites' rules of belief, on a few files.
CHEAP = ("no-tap", "hop-limit-each-time", "udp-talk-before", "one-place-kept-60s", "crowded-channel")
SUITES = ("suites/rfc4944/test_5_3.py", "suites/rfc4944/test_5_1.py")


def test_there_are_many():
    assert len(VARIANTS) >= 160


def test_each_says_what_it_does():
    for variant in VARIANTS.values():
        assert variant.what.endswith("."), variant.id
        assert variant.rigs, variant.id


def test_each_has_a_rig_file_and_a_profile(tmp_path):
    for variant in VARIANTS.values():
        for rig in variant.rigs:
            loaded = loading.load(str(write(variant, rig, tmp_path)))
            assert loaded.rig.dut.options["variant"] == variant.id
            assert not variant.without & set(loaded.profile.abilities)


def test_what_is_written_is_toml(tmp_path):
    path = write(VARIANTS["lossy-2"], "reference", tmp_path)
    written = tomllib.loads(path.read_text())
    assert written["attempts"] == 5
    assert written["tester"] == {"link": "memory:802154", "pan": 0xABCD}
    assert written["air"] == {"loss": 0.02, "seed": 4}


@pytest.mark.slow
def test_the_runner(tmp_path):
    out = tmp_path / "variants.json"
    command = [
        sys.executable,
        "-m",
        "tests.variants",
        *CHEAP,
        "--rig",
        "reference",
        "-j",
        "1",
        "--out",
        str(out),
    ]
    command += [word for suite in SUITES for word in ("--suites", suite)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(out.read_text())
    assert report["false_alarms"] == 0
    assert [run["variant"] for run in report["runs"]] == sorted(CHEAP)
    assert all(run["passed"] > 50 for run in report["runs"])


@pytest.mark.slow
@pytest.mark.parametrize(("ids", "runs"), [(("no-nhc", "one-credit"), 1), (("one-credit",), 0)])
def test_files_about_another_link_are_no_false_alarm(tmp_path, ids, runs):
    """A run that tried nothing on any rig is no proof either."""
    out = tmp_path / "variants.json"
    command = [sys.executable, "-m", "tests.variants", *ids, "--suites", "suites/rfc4944/test_8.py"]
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, check=False)
    assert "no case for this rig" in done.stdout
    report = json.loads(out.read_text())
    assert (report["false_alarms"], len(report["runs"])) == (0, runs)
    assert done.returncode == (0 if runs else 1)
