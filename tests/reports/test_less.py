"""What tells less than before is no good news; what was left out is said; equal findings are said once."""

import pytest

from reports import html, markdown
from reports.__main__ import main
from reports.compare import compare
from reports.merge import merge
from reports.record import Finding, Result, Writer, read


def all_inconclusive(results):
    for one in results:
        one.verdict, one.known, one.findings = "inconclusive", None, []


def all_unsupported(results):
    for one in results:
        one.verdict, one.known, one.findings = "unsupported", None, []


def one_case_lost(results):
    results.pop(1)


def failed_anew(results):
    results.append(Result("rfc4944/6/new", "linux-ble", ["RFC4944-6-01"], "fail"))


def one_rig_lost_all(results):
    results[:] = [one for one in results if one.rig != "linux-ble"]


@pytest.mark.parametrize(
    ("change", "footer", "told", "status"),
    [
        (lambda _results: None, False, "run.jsonl is an interrupted run", 3),
        (all_inconclusive, True, "Nothing is known any more", 3),
        (all_unsupported, True, "Not tried any more", 3),
        (failed_anew, True, "absent -> fail", 1),
        (one_rig_lost_all, True, "all cases of linux-ble are gone", 3),
        (one_case_lost, True, "Gone (1)", 3),
        (list.clear, True, "all cases of lwip-802154 are gone", 3),
    ],
)
def test_what_tells_less_is_no_good_news(sample, run, tmp_path, capsys, change, footer, told, status):
    results = list(sample.sample_results())
    change(results)
    sample.write_record(tmp_path / "b", results, footer=footer)
    assert main(["compare", str(run), str(tmp_path / "b")]) == status
    assert told in capsys.readouterr().out


def test_a_breach_that_another_version_has_as_well_is_no_regression(sample, run, tmp_path):
    results = list(sample.sample_results())
    results[0].known, results[0].unconfirmed = None, "lwip-ecn-order"
    results[0].findings[0].known, results[0].findings[0].unconfirmed = None, "lwip-ecn-order"
    sample.write_record(tmp_path / "b", results, dut_version="2.2.0")
    found = compare(read(run), read(tmp_path / "b"))
    assert [str(change) for change in found.changed] == [
        "lwip-802154  rfc6282/3.1.1/tf[00]  known -> unconfirmed (the node changed)"
    ]
    assert not found.bad
    text = markdown.render(read(tmp_path / "b"))
    assert "## Unconfirmed: the profile declares them for other versions" in text
    assert "`lwip-ecn-order` on lwip-802154 (1 result, unconfirmed: known for `==2.1.3`)" in text
    results[0].case = "rfc6282/3.1.1/tf[new]"
    sample.write_record(tmp_path / "c", results)
    assert compare(read(run), read(tmp_path / "c")).bad


@pytest.mark.parametrize("match", ["nobody=linux-ble", "linux-ble=nobody"])
def test_a_rig_that_nobody_has_cannot_be_matched(run, capsys, match):
    assert main(["compare", str(run), str(run), "--match", match]) == 2
    assert "has no rig 'nobody'; there are: " in capsys.readouterr().err


def test_equal_findings_are_one_line_of_the_summary(sample, tmp_path):
    wrong = Finding("tf", "RFC6282-3.1.1-09", "FORMAT", "hop limit 64", "hop limit 63", field="hop_limit")
    many = [
        sample.result(f"rfc4944/6/new[{n}]", "linux-ble", "fail", ["RFC4944-6-01"], findings=[wrong])
        for n in range(30)
    ]
    sample.write_record(tmp_path / "run", many)
    text = markdown.render(read(tmp_path / "run"))
    assert text.count("hop limit 63") == 1
    assert "`rfc4944/6/new[0]`, `rfc4944/6/new[1]`, `rfc4944/6/new[2]` and 27 more on linux-ble" in text


def test_the_summary_names_the_dut_and_what_was_left_out(sample, tmp_path):
    asked = {"chosen": {"-k": "hlim"}}
    writer = Writer(tmp_path / "run", run_id="r", seed=1, suite={"version": "1"}, host={}, asked=asked)
    writer.rig(
        *("one", "ready"),
        dut={"stack": "RIOT", "version": "2026.07"},
        profile="riot-802154",
        taken=1,
        left_out={"another_link": 9, "not_chosen": 41},
        notes=["the DUT is old"],
    )
    writer.write(sample.result("a/b", "one", "unsupported", [], reason="not_declared").to_json())
    writer.write({"type": "deviation", "rig": "one", "id": "d", "state": "partly_fixed", "cases": ["a/*"]})
    writer.close()
    text = markdown.render(read(tmp_path / "run"))
    assert (
        "**Partial run: 1 of 42 cases (2.4%), chosen by -k hlim.** **one: the DUT is old. The failures below"
        in text
    )
    assert (
        "| ? one | RIOT 2026.07 | cannot be told | Not judged: no case was tried; 0 % tried | nothing |"
        in text
    )
    assert "- one: 1 because the profile does not declare it; 41 because left out by the command line" in text


def test_a_merge_keeps_what_was_asked_and_which_deviations_are_fixed(run, tmp_path):
    asked, files = {"chosen": {"-k": "hlim"}}, {"one": {"file": {"name": "one", "text": "x"}}}
    suite = {"version": "0.1.0"}
    writer = Writer(tmp_path / "b", run_id="b", seed=1, suite=suite, host={}, asked=asked, rigs=files)
    writer.write({"type": "deviation", "rig": "one", "id": "d", "state": "fixed"})
    writer.close()
    merged = read(merge([run, tmp_path / "b"], tmp_path / "all"))
    assert [(line["rig"], line["id"], line["state"]) for line in merged.deviations] == [("one", "d", "fixed")]
    assert merged.header["asked"]["chosen"] == {"b": {"-k": "hlim"}}
    assert merged.header["rigs"]["one"]["file"]["text"] == "x"


def test_measurements_as_ping_tells_them_and_none_of_nothing(sample, tmp_path):
    writer = Writer(tmp_path / "run", run_id="r", seed=1, suite={"version": "1"}, host={})
    about = {
        "type": "measurement",
        "case": "a/b",
        "rig": "one",
        "unit": "ms",
        "parameters": {},
        "clock": "tap",
    }
    writer.write(about | {"name": "round trip", "values": [1.0, 2.0, 4.0, None]})
    writer.write(about | {"name": "interval that nobody found", "values": [None]})
    writer.close()
    page = html.pages(read(tmp_path / "run"))["measurements.html"]
    assert (
        "<td>3</td><td>1</td><td>1 ms</td><td>2.333 ms</td><td>4 ms</td><td>1.247 ms</td><td>2 ms</td>"
        in page
    )
    assert "interval that nobody found" not in page
