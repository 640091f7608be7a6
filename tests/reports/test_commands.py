"""The command line and what stands behind it: summary, comparison, merge, history."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reports import markdown
from reports.__main__ import main
from reports.compare import compare, report
from reports.record import Finding, RecordError, read
from reports.view import known_of, natural, state, view

ROOT = Path(__file__).parents[2]


def changed(sample, change):
    results = list(sample.sample_results())
    return change(results) or results


def test_summary_says_what_a_pull_request_needs(run):
    text = markdown.render(read(run))
    assert text == markdown.render(read(run))
    assert "| RFC 6282 §3.1.1 | ✓5 | ✓5 | K1 ✓4 |" in text
    assert "## Failures" in text
    assert "RFC4944-5.3-18 (MUST): Fragments belong together" in text
    assert "`lwip-ecn-order`, minor (marks changed) on lwip-802154 (1 result)" in text
    assert "not seen in this run" in text
    assert "`the scope octet is shifted <once> too often & lost`" in text


def test_summary_of_an_interrupted_run(sample, tmp_path):
    sample.write_record(tmp_path / "run", footer=False)
    assert "**interrupted" in markdown.render(read(tmp_path / "run"))


def test_a_failure_is_known_if_the_run_judged_it_so():
    assert state({"verdict": "fail", "known": "d,e", "findings": []}) == "known"
    assert state({"verdict": "fail", "known": None, "findings": [{"known": "d"}]}) == "fail"
    assert state({"verdict": "error", "known": "d", "findings": []}) == "error"
    assert state({"verdict": "pass", "known": None, "findings": []}) == "pass"
    assert state({"verdict": "nonsense", "known": None, "findings": []}) == "error"
    assert known_of({"known": "d,e", "findings": [{"known": "e"}, {"known": None}]}) == ["d", "e"]


def test_names_with_numbers_are_in_the_order_of_numbers():
    assert sorted(["s[10]", "s[9]", "s/5.10", "s/5.9"], key=natural) == ["s/5.9", "s/5.10", "s[9]", "s[10]"]
    assert sorted(["r[4f]", "r[5f]", "r[43]"], key=natural) == ["r[43]", "r[4f]", "r[5f]"]


def test_sections_stand_in_the_order_of_the_documents(run):
    keys = [section.key for section in view(read(run)).sections]
    assert keys == ["rfc4944/5.3", "rfc4944/5.10", "rfc6282/3.1.1", "robustness"]


def test_compare_tells_regressions_from_the_rest(sample, run, tmp_path):
    results = list(sample.sample_results())
    results[1].verdict = "fail"  # tf[00] on linux-802154 was pass
    results[1].findings = [Finding("traffic_class", "RFC6282-3.2.1-01", "FORMAT", "a", "b")]
    results[0].verdict, results[0].known, results[0].findings = "pass", None, []  # the deviation is gone
    dropped = results.pop(3)
    results[-1].findings.append(Finding("echoed", "RFC6282-2-04", "MUST", "silence", "an echo"))
    results.append(sample.result("rfc4944/6/new", "linux-ble", "fail", ["RFC4944-6-01"]))
    sample.write_record(tmp_path / "b", results)
    found = compare(read(run), read(tmp_path / "b"))
    assert [c.case for c in found.new_failures] == ["rfc6282/3.1.1/tf[00]", "rfc4944/6/new"]
    assert [c.case for c in found.new_findings] == ["robustness/truncation"]
    assert [c.rig for c in found.fixed] == ["lwip-802154"]
    assert [c.case for c in found.gone] == [dropped.case]
    text = report(found)
    assert "New failures (2)" in text
    assert "known -> pass" in text
    assert "3 cases got worse" in text


def test_compare_names_both_firmwares_and_counts_long_lists(sample, run, tmp_path, capsys):
    many = [sample.result(f"rfc4944/6/new[{n}]", "linux-ble", "pass", ["RFC4944-6-01"]) for n in range(30)]
    sample.write_record(tmp_path / "b", [*sample.sample_results(), *many], dut_version="2.2.0")
    assert main(["compare", str(run), str(tmp_path / "b")]) == 0
    out = capsys.readouterr().out
    assert "lwip-802154: lwIP 2.1.3 -> lwIP 2.2.0" in out
    assert "linux-ble  30 cases absent -> pass" in out
    assert main(["compare", str(run), str(tmp_path / "b"), "--all"]) == 0
    assert "new[29]" in capsys.readouterr().out


def test_compare_exit_codes(sample, run, tmp_path, capsys):
    assert main(["compare", str(run), str(run)]) == 0
    results = [r for r in sample.sample_results() if r.rig != "linux-ble"]
    for one in results:
        one.rig = "renamed" if one.rig == "linux-802154" else one.rig
        one.verdict = "fail" if one.verdict == "pass" else one.verdict
    sample.write_record(tmp_path / "b", results, footer=False)
    assert main(["compare", str(run), str(tmp_path / "b"), "--match", "linux-802154=renamed"]) == 1
    out = capsys.readouterr().out
    assert "New failures (9)" in out
    assert "lwip-802154: lwIP 2.1.3\n" in out
    assert "interrupted run" in out
    assert main(["compare", str(run), str(run), "--match", "oops"]) == 2
    assert main(["compare", str(tmp_path / "nothing"), str(run)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_render_writes_both_files(run, tmp_path, capsys):
    assert main(["render", str(run)]) == 0
    assert (run / "index.html").read_text().startswith("<!doctype html>")
    assert (run / "summary.md").read_text().startswith("# Keyhole run")
    assert main(["render", str(run / "run.jsonl"), "--out", str(tmp_path / "elsewhere")]) == 0
    assert (tmp_path / "elsewhere" / "index.html").exists()
    assert main(["render", str(tmp_path)]) == 2
    assert "python -m reports: " in capsys.readouterr().err


def test_show_prints_requirement_stimulus_expected_actual(run, capsys):
    assert main(["show", str(run), "--all"]) == 0
    out = capsys.readouterr().out
    assert "K known" in out
    assert "hop_limit" not in out
    for word in (
        *("Requirement  RFC6282-3.2.1-01 (FORMAT, RFC 6282 §3.2.1)", "Tried, too   RFC6282-3.1.1-01"),
        *("Stimulus", "Expected", "Actual", "Repeat"),
        "Frame        Nothing in this frame is wrong: the node misreads",
    ):
        assert word in out
    assert main(["show", str(run), "--case", "hop_limit[64]", "--rig", "linux-ble"]) == 0
    assert "1 of 20 results" in capsys.readouterr().out


def test_show_of_a_green_run_advises_nothing_that_shows_nothing(sample, tmp_path, capsys):
    run = sample.write_record(
        tmp_path / "green", [sample.result("rfc4944/6/x", "reference", "pass", [])]
    ).parent
    assert main(["show", str(run)]) == 0
    assert capsys.readouterr().out.splitlines()[-2] == "nothing of that kind; one case in full: --case ID"


def test_show_tells_causes_and_not_results(sample, tmp_path, capsys):
    line = next(iter(sample.sample_results()))
    many = [replace(line, case=f"rfc6282/3.1.1/tf[{number}]") for number in range(300)]
    run = sample.write_record(tmp_path / "many", [*many, *list(sample.sample_results())[1:]]).parent
    assert main(["show", str(run)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) < 60
    place = out.index(
        "  K lwip-ecn-order: ECN and DSCP are swapped: 6eeabcde comes out, 6bbabcde must (RFC 6282 3.1.1)"
    )
    assert out[place - 1].startswith("known deviation, minor (marks changed): The data arrives, ")
    assert out[place + 1].startswith(
        "    on lwip-802154, 300 cases: rfc6282/3.1.1/tf[0, 1, 2, 3, 4, 5 and 294 more]"
    )
    assert out[place + 2] == "    in full: --case 'rfc6282/3.1.1/tf[0]' --rig lwip-802154"
    assert out[-2].startswith(
        "2 undeclared failures, 1 error of the suite, 1 known deviation; all that went wrong in full: --all, "
    )
    assert out[-1].startswith("319 results: ✗ 2 fail, ! 1 error, K 300 known, ? 1 inconclusive, ✓ 14 pass")
    news = out[: out.index("error of the suite")]
    for word in ("Requirement  RFC4944-5.3-18", "Expected", "Actual", "Repeat", "For example", "Frame"):
        assert any(word in row for row in news), "what is new is shown with its proof"
    assert main(["show", str(run), "--all"]) == 0
    assert capsys.readouterr().out.count("K known") == 300


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--case", "3.1.1/hop_limt[64]"], "no case '3.1.1/hop_limt[64]'; there is rfc6282/3.1.1/hop_limit[64]"),
        (["--rig", "lwip-80215"], "no rig 'lwip-80215'; there is lwip-802154"),
        (["--case", "nothing of the kind"], "no case 'nothing of the kind'; there is rfc4944/5.3/two_senders_same_tag"),
    ],
)  # fmt: skip
def test_show_of_a_name_that_fits_nothing(run, capsys, asked, said):
    assert main(["show", str(run), *asked]) == 2
    assert said in capsys.readouterr().err


def test_show_of_states_and_one_rig(run, capsys):
    assert main(["show", str(run), "--rig", "linux-802154"]) == 0
    out = capsys.readouterr().out
    assert "two_senders_same_tag" in out
    assert "lwip-ecn-order" not in out
    assert "7 results: ✗ 1 fail, ! 1 error, ✓ 5 pass" in out
    assert main(["show", str(run), "--state", "unsupported"]) == 0
    out = capsys.readouterr().out
    assert "unsupported on linux-ble: needs fragmentation" in out
    assert "undeclared failure" not in out
    assert main(["show", str(run), "--state", "known", "--rig", "linux-ble"]) == 0
    assert "nothing of that kind" in capsys.readouterr().out


def test_show_of_a_glob_has_what_fits_it(run, capsys):
    for asked, count in (("rfc6282/3.1.1/hop_limit[*", 12), ("*truncation", 1), ("hop_limit[0", 3)):
        assert main(["show", str(run), "--case", asked]) == 0
        assert f"\n{count} of " in capsys.readouterr().out
    assert main(["show", str(run), "--case", "rfc6282/9/*"]) == 2


def test_show_of_a_case_has_its_figures(run, capsys):
    figure = {"what": "median", "value": 3.5, "low": 1, "high": None, "n": 4}
    line = {"type": "measurement", "rig": "linux-ble", "case": "rfc6282/3.1.1/hlim", "clock": "tap"}
    file = run / "run.jsonl"
    results = [json.loads(row) for row in file.read_text().splitlines()]
    case = next(row["case"] for row in results if row["type"] == "result" and row["rig"] == "linux-ble")
    told = [
        {
            "name": "round trip",
            "unit": "ms",
            "values": [1, 2, 5, None],
            "figure": figure,
            "parameters": {"size": 8},
        },
        {"name": "answers", "unit": "B", "values": [8, 56], "parameters": {}},
    ]
    rows = [json.dumps(line | {"case": case} | one) for one in told]
    first, *rest = file.read_text().splitlines(keepends=True)
    file.write_text(first + "\n".join(rows) + "\n" + "".join(rest))
    assert main(["show", str(run), "--case", case, "--rig", "linux-ble"]) == 0
    out = capsys.readouterr().out
    assert (
        "Measured     round trip (size 8): median 3.5 ms, 95 % interval 1 ms to unbounded, 3 of 4 values"
        in out
    )
    assert "Measured     answers: 8 B to 56 B, 2 of 2 values" in out
    assert main(["show", str(run), "--all"]) == 0
    assert "Measured" not in capsys.readouterr().out


def test_show_has_the_gravest_first_and_names_deviations(run, capsys):
    assert main(["show", str(run), "--all"]) == 0
    out = capsys.readouterr().out
    heads = [row.split()[:3] for row in out.splitlines() if row[:1] in "✗!kK?"]
    assert heads == [
        ["✗", "fail", "critical"],
        ["✗", "fail", "serious"],
        ["!", "error", "linux-802154"],
        ["K", "known", "minor"],
        ["?", "inconclusive", "lwip-802154"],
    ]
    assert "Known as     lwip-ecn-order: ECN and DSCP are swapped" in out
    assert "A user sees  Whoever is in radio range" in out
    assert main(["show", str(run)]) == 0
    said = [row for row in capsys.readouterr().out.splitlines() if row[:1] != " "]
    assert [row.partition(":")[0] for row in said[:5]] == [
        "undeclared failure, critical (crash)",
        "undeclared failure, serious (wrong data)",
        "error of the suite",
        "known deviation, minor (marks changed)",
        "inconclusive on lwip-802154",
    ]


def test_merge_joins_rigs_and_copies_evidence(sample, tmp_path, capsys):
    results = list(sample.sample_results())
    first = [r for r in results if r.rig == "linux-ble"]
    second = [r for r in results if r.rig != "linux-ble"]
    sample.write_record(tmp_path / "a", first, run_id="a")
    sample.write_record(tmp_path / "b", second, run_id="b")
    capture = tmp_path / "a" / first[0].evidence
    capture.parent.mkdir(parents=True)
    capture.write_bytes(b"pcapng")
    assert main(["merge", str(tmp_path / "m"), str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    merged = read(tmp_path / "m")
    assert len(merged.results) == len(results)
    assert merged.header["run_id"] == "a+b"
    assert not merged.interrupted
    moved = [r["evidence"] for r in merged.results if r["evidence"].startswith("evidence/a/")]
    assert (tmp_path / "m" / moved[0]).read_bytes() == b"pcapng"
    assert main(["merge", str(tmp_path / "m"), str(tmp_path / "a")]) == 2
    assert main(["merge", str(tmp_path / "n"), str(tmp_path / "a"), str(tmp_path / "m")]) == 2
    assert "which of the two counts" in capsys.readouterr().err


def test_merge_refuses_what_does_not_belong_together(sample, tmp_path, capsys):
    half = [r for r in sample.sample_results() if r.rig == "lwip-802154"]
    sample.write_record(tmp_path / "a", half, run_id="a")
    sample.write_record(tmp_path / "b", [], run_id="b", dut_version="2.2.0")
    path = sample.write_record(tmp_path / "c", [], run_id="c")
    path.write_text(path.read_text().replace("0123456789abcdef", "fedcba"))
    for other, told in (
        ("b", "lwip-802154 has the DUT version 2.1.3 in "),
        ("c", "records of different suite commits (0123456789abcdef, fedcba) are not one run"),
        ("a", "is named twice: name each run once"),
    ):
        assert main(["merge", str(tmp_path / "m"), str(tmp_path / "a"), str(tmp_path / other)]) == 2
        assert told in capsys.readouterr().err
        assert not (tmp_path / "m").exists()


def test_merge_of_an_interrupted_run_stays_interrupted(sample, tmp_path):
    sample.write_record(tmp_path / "a", footer=False)
    assert main(["merge", str(tmp_path / "m"), str(tmp_path / "a")]) == 0
    assert read(tmp_path / "m").interrupted


def test_a_bad_record_is_named_with_file_and_line(run, capsys):
    path = run / "run.jsonl"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([rows[0], "not json", *rows[1:]]) + "\n")
    assert main(["show", str(run)]) == 2
    assert f"{path}:2" in capsys.readouterr().err
    path.write_text(json.dumps(json.loads(rows[0]) | {"schema": 99}) + "\n")
    with pytest.raises(RecordError, match="schema 99"):
        read(run)


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["render"],
        ["show"],
        ["compare"],
        ["merge"],
        ["export"],
        ["history"],
        ["history", "add"],
        ["history", "gate"],
    ],
)
def test_help_of_every_command(command):
    done = subprocess.run(
        [sys.executable, "-m", "reports", *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "usage: python -m reports" in done.stdout


@pytest.mark.parametrize("form", ["text", "markdown", "json", "html"])
def test_the_two_runs_are_named_first(sample, run, tmp_path, capsys, form):
    path = sample.write_record(tmp_path / "b", run_id="20261122-110000-8")
    path.write_text(path.read_text().replace("2026-11-21T10:00:00.000Z", "2026-11-22T11:00:00.000Z", 1))
    assert main(["compare", str(run), str(tmp_path / "b"), "--format", form]) == 0
    said = capsys.readouterr().out
    lines = [
        "before: run 20261121-100000-7, 2026-11-21T10:00:00.000Z, suite 0.1.0 (0123456789abcdef)",
        "after: run 20261122-110000-8, 2026-11-22T11:00:00.000Z, suite 0.1.0 (0123456789abcdef)",
    ]
    assert said.splitlines()[:3] == ["Keyhole compare: same or better", *lines] or form != "text"
    places = [said.index(line) for line in [*lines, "suite: "]]
    assert places == sorted(places)


def test_show_says_of_a_result_what_the_page_says(run, capsys):
    assert main(["show", str(run), "--case", "robustness/truncation"]) == 0
    said = capsys.readouterr().out
    assert "A user sees  Whoever is in radio range can stop the node by what one case sent" in said
