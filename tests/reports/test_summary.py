"""The summary, the badge and the exports: what a pull request, a README and a CI system show."""

import json
from xml.etree import ElementTree as ET

import pytest

from reports import badge, junit, markdown
from reports.__main__ import main
from reports.record import Finding, read


def huge(sample, folder, rigs=30, cases=60):
    wrong = [Finding("tf", f"RFC6282-3.1.1-{n:02}", "FORMAT", "x" * 300, "y" * 300) for n in range(1, 10)]
    results = [
        sample.result(
            f"rfc4944/6/case[{n}]",
            f"rig{m}",
            "fail",
            ["RFC4944-6-01"],
            findings=wrong[n % 9 :],
            message="m" * 500,
        )
        for n in range(cases)
        for m in range(rigs)
    ]
    sample.write_record(folder, results)
    return read(folder)


def test_a_summary_fits_a_comment_and_its_beginning_says_all(sample, tmp_path):
    text = markdown.render(huge(sample, tmp_path / "run"))
    assert len(text) <= markdown.LARGEST == 65_536
    first = text.splitlines()[:30]
    assert any("Not good: 9 undeclared failures on 30 rigs of 33." in row for row in first)
    assert any("and 23 more stacks and versions" in row for row in first)
    assert any("and 3 more causes below: 3 moderate" in row for row in first)
    assert any(row.startswith("Suite ") for row in first)
    assert "lines are left out" in text
    assert text.count("<details>") == text.count("</details>")


def test_the_beginning_of_a_usual_summary_says_all(run):
    first = markdown.render(read(run)).split("<details>")[0].splitlines()
    assert len(first) <= 30
    words = "\n".join(first)
    assert (
        "**✗ Do not ship: lwip-802154. Not good: 2 undeclared failures on 2 rigs of 3. 3 distinct faults, 1 of them "
        "breaks a MUST of an RFC, 1 takes the node out of service;" in words
    )
    assert (
        "Worst fault: Whoever is in radio range can stop the node by what one case sent, of which it is "
        "not known which frames did it" in words
    )
    assert "(critical: crash). On lwip-802154: The DUT crashed" in words
    assert "| ✗ lwip-802154 | lwIP 2.1.3 | no | " in words
    assert "undeclared failure, critical: crash. The DUT crashed" in words
    assert "- Whoever is in radio range can stop the node by" in words
    assert "1 inconclusive" in words
    again = "  - Repeat: `pytest --rig lwip-802154 --seed 7 -k 'robustness/truncation'`"
    assert again in markdown.render(read(run))


@pytest.mark.parametrize(
    ("verdicts", "footer", "words", "colour"),
    [
        (["pass"], True, "Good: no failure in what was tried", "brightgreen"),
        (["pass", "fail"], True, "Not good: 1 undeclared failure on 1 rig of 3", "red"),
        (
            ["pass", "error"],
            True,
            "Not judged in full: the suite itself failed; no undeclared failure of a node",
            "orange",
        ),
        (
            ["pass", "inconclusive"],
            True,
            "Not judged in full: 3 of 6 results are inconclusive; no undeclared failure",
            "lightgrey",
        ),
        (
            ["pass"],
            False,
            "Not judged in full: the run was interrupted; no undeclared failure so far",
            "lightgrey",
        ),
        (
            ["unsupported"],
            True,
            "Not judged in full: nothing was tried; no undeclared failure",
            "lightgrey",
        ),
    ],
)
def test_a_badge_says_what_the_page_says(sample, tmp_path, verdicts, footer, words, colour):
    results = [
        sample.result(f"a/b[{n}]", rig, verdict, [])
        for n, verdict in enumerate(verdicts)
        for rig in ("lwip-802154", "linux-802154", "linux-ble")
        if verdict != "fail" or rig == "linux-ble"
    ]
    sample.write_record(tmp_path / "run", results, footer=footer)
    found = json.loads(badge.render(read(tmp_path / "run")))
    assert (found["schemaVersion"], found["message"], found["color"]) == (1, words, colour)
    assert words in markdown.render(read(tmp_path / "run"))


def test_the_summary_goes_where_github_and_gitlab_look(run, tmp_path, monkeypatch):
    step = tmp_path / "step.md"
    step.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    monkeypatch.setenv("GITLAB_CI", "true")
    assert main(["render", str(run)]) == 0
    assert step.read_text() == "before\n" + (run / "summary.md").read_text()
    rows = (run / "metrics.txt").read_text().splitlines()
    assert 'keyhole_results{rig="lwip-802154",state="known"} 1' in rows
    assert rows[-1] == "# EOF"


def test_junit_has_rig_requirements_and_evidence(run, tmp_path):
    assert main(["export", str(run), "--junit", str(tmp_path / "junit.xml")]) == 0
    root = ET.parse(tmp_path / "junit.xml").getroot()
    assert {suite.get("name") for suite in root} == {"lwip-802154", "linux-802154", "linux-ble"}
    one = next(case for case in root.iter("testcase") if case.get("name") == "robustness/truncation")
    properties = [(p.get("name"), p.get("value")) for p in one.iter("property")]
    assert ("rig", "lwip-802154") in properties
    assert ("dut", "lwIP 2.1.3") in properties
    assert ("requirement", "RFC6282-2-04") in properties
    assert ("breaks", "SURVIVAL-01") in properties
    assert one.find("failure").text.startswith("breaks: SURVIVAL-01\n")
    assert dict(properties)["evidence"].endswith(".pcapng")
    assert dict(properties)["repeat"].startswith("pytest --rig")
    assert one.find("failure").get("type") == "dut_lost"
    suites = {s.get("name"): (s.get("failures"), s.get("errors"), s.get("skipped")) for s in root}
    assert suites["lwip-802154"] == (
        "1",
        "0",
        "2",
    )  # the known deviation and the inconclusive one are skipped
    assert suites["linux-802154"] == ("1", "1", "0")
    assert suites["linux-ble"] == ("0", "0", "1")
    seeds = {p.get("value") for p in root.iter("property") if p.get("name") == "seed"}
    assert seeds == {"7"}


def test_junit_is_well_formed_whatever_a_record_holds(sample, tmp_path):
    results = list(sample.sample_results())
    for one in results:
        one.message = one.case = one.stimulus = "]]> <x> & \x00 \x1b \ud800 \ufffe"
    sample.write_record(tmp_path / "run", results)
    ET.fromstring(junit.render(read(tmp_path / "run")).encode())


def test_an_export_of_nothing_and_into_a_full_folder_is_told(run, tmp_path, capsys):
    assert main(["export", str(run)]) == 2
    assert "name what to write" in capsys.readouterr().err
    (tmp_path / "allure").mkdir()
    (tmp_path / "allure" / "x").write_text("")
    assert main(["export", str(run), "--allure", str(tmp_path / "allure")]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["export", str(run), "--junit", str(tmp_path / "no" / "x.xml")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_the_first_line_says_interrupted_and_one_line_what_was_not_tried(sample, tmp_path):
    lines = [
        sample.result("rfc6282/3.1.1/a", "linux-ble", "pass", []),
        sample.result("rfc6775/4.2/b", "linux-ble", "unsupported", [], reason="not_declared"),
    ]
    sample.write_record(tmp_path / "cut", lines, footer=False)
    first = markdown.render(read(tmp_path / "cut")).splitlines()[:30]
    assert first[0].endswith(" (interrupted)")
    (told,) = (row for row in first if row.startswith("- not tried: "))
    assert told.startswith("- not tried: 50 % of the cases (1 of 2 results)")
    sample.write_record(tmp_path / "whole", lines[:1])
    whole = markdown.render(read(tmp_path / "whole")).split("<details>")[0]
    assert "interrupted" not in whole
    assert "not tried" not in whole
