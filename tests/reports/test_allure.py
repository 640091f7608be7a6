"""The Allure export: what a result file holds, and whether Allure's own generator takes it without a warning."""

import json
import shutil
import subprocess

import pytest

from reports.__main__ import main


@pytest.fixture
def exported(run, tmp_path):
    capture = run / "evidence" / "lwip-802154" / "rfc6282_3.1.1_tf[00].pcapng"
    capture.parent.mkdir(parents=True)
    capture.write_bytes(b"pcapng")
    assert main(["export", str(run), "--allure", str(tmp_path / "results")]) == 0
    return tmp_path / "results"


def results(folder):
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*-result.json"))]


def test_a_result_has_suite_requirement_rig_and_evidence(exported):
    known = next(one for one in results(exported) if one["statusDetails"]["known"])
    assert (known["name"], known["status"]) == ("rfc6282/3.1.1/tf[00]", "failed")
    labels = {(label["name"], label["value"]) for label in known["labels"]}
    assert {("suite", "RFC 6282 §3.1.1"), ("parentSuite", "RFC 6282"), ("tag", "lwip-ecn-order")} <= labels
    assert known["links"][0]["name"] == "RFC6282-3.1.1-01"
    assert {"name": "rig", "value": "lwip-802154"} in known["parameters"]
    for attachment in known["attachments"]:
        assert (exported / attachment["source"]).is_file()
    assert {one["name"] for one in known["attachments"]} == {"frame, field by field", "capture"}


def test_a_death_stands_under_the_name_of_what_it_breaks(exported):
    (dead,) = [one for one in results(exported) if one["name"] == "robustness/truncation"]
    assert {"name": "tag", "value": "SURVIVAL-01"} in dead["labels"]


def test_the_same_case_of_two_rigs_is_two_results(exported):
    same = [one for one in results(exported) if one["name"] == "rfc6282/3.1.1/tf[00]"]
    assert len(same) == len({one["historyId"] for one in same}) == len({one["uuid"] for one in same}) == 3
    assert len({one["testCaseId"] for one in same}) == 1


@pytest.mark.slow
def test_allures_own_generator_takes_it_without_a_warning(exported, tmp_path):
    program = shutil.which("allure")
    if program is None:
        pytest.skip("no Allure on this machine (npm install -g allure@3.18.0)")
    done = subprocess.run(
        [program, "generate", str(exported), "-o", str(tmp_path / "report")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "warn" not in (done.stdout + done.stderr).lower()
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert summary["stats"]["total"] == 20
    assert summary["stats"]["resolutions"] == {"accepted": 1}
