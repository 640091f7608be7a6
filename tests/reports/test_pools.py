"""Records of rigs that shared their cases (`--pool`), held against each other: the pool is one node."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from reports import allure, junit, markdown
from reports.__main__ import main
from reports.history import store, trends
from reports.html import render
from reports.pools import nodes, pools_of
from reports.record import Finding, Writer, read

POOL = {"arguments": ["suites", "--pool"], "chosen": {"--pool": "among equal rigs"}}
CASES = [f"a/{number}" for number in range(6)]
RIGS = ("n-1", "n-2", "n-3")


@pytest.fixture
def made(sample, tmp_path):
    """A function that writes a record: `ran` is case -> rig, `bad` is case -> verdict where it did not pass."""

    def write(name, ran, bad=None, *, asked=POOL, version="4.8", footer=True, rtt=(), more=()):
        folder = tmp_path / name
        writer = Writer(
            folder, run_id=name, seed=7, suite={"version": "1"}, host={"system": "Linux"}, asked=asked
        )
        for rig in sorted({*ran.values(), *more}):
            dut = {"stack": "Node", "version": version}
            writer.rig(rig, "ready", kind="node", link="ieee802154", profile="node", dut=dut)
        for case, rig in ran.items():
            verdict = (bad or {}).get(case, "pass")
            found = [Finding("lost", "RFC6282-2-04", "MUST", "an answer", "silence")]
            writer.write(
                sample.result(case, rig, verdict, [], findings=found if verdict == "fail" else []).to_json()
            )
        for rig, values in rtt:
            line = {"case": "p/rtt", "rig": rig, "name": "octets", "unit": "B", "parameters": {}}
            writer.write({"type": "measurement", **line, "values": list(values), "clock": ""})
        if footer:
            writer.close()
        return str(folder)

    return write


def dealt(shift=0, cases=CASES):
    """Every case by one of three rigs; another `shift`, another rig."""
    return {case: RIGS[(place + shift) % 3] for place, case in enumerate(cases)}


def compared(capsys, *arguments):
    status = main(["compare", *arguments])
    return status, capsys.readouterr().out


def test_cases_that_moved_to_another_member_are_the_same(made, capsys):
    status, said = compared(capsys, made("a", dealt()), made("b", dealt(1)))
    assert status == 0, said
    assert "6 of 6 results in both runs unchanged" in said
    assert "node (pool of n-1, n-2, n-3): Node 4.8" in said
    assert "choice" not in said
    assert "partial run" not in said


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_failure_on_whichever_member_is_a_regression(made, capsys, shift):
    status, said = compared(capsys, made("a", dealt()), made("b", dealt(shift), {"a/0": "fail"}))
    assert status == 1, said
    ran = RIGS[shift]
    assert f"node ({f'n-1 -> {ran}' if shift else ran})  a/0  pass -> fail" in said
    assert f"--rig {ran}" in said, "the way to its proof names the rig that has it"


def test_an_old_failure_that_moved_is_no_news_and_another_finding_of_it_is(made, capsys):
    before, after = made("a", dealt(), {"a/0": "fail"}), made("b", dealt(1), {"a/0": "fail"})
    assert compared(capsys, before, after)[0] == 0
    status, said = compared(capsys, before, made("c", dealt(1)))
    assert status == 0
    assert "node (n-1 -> n-2)  a/0  fail -> pass" in said


def test_a_case_that_no_member_ran_is_gone(made, capsys):
    before = made("a", dealt(), {"a/0": "fail"})
    status, said = compared(capsys, before, made("b", dealt(1, CASES[1:])))
    assert status == 3, said
    assert "node (n-1)  a/0  fail -> absent" in said


def test_equal_failures_on_several_members_are_one_row(made, capsys):
    status, said = compared(capsys, made("a", dealt()), made("b", dealt(), dict.fromkeys(CASES, "fail")))
    assert status == 1
    (row,) = (row for row in said.splitlines() if "pass -> fail" in row)
    assert row.startswith("  node (n-1, n-2, n-3)  6 cases")


def test_what_an_interrupted_run_did_not_reach_was_not_left_out_by_choice(made, capsys):
    after = made("b", dealt(1, CASES[:4]), footer=False)
    status, said = compared(capsys, made("a", dealt()), after)
    assert status == 3
    assert "Not reached, run interrupted (2)" in said
    assert "Left out by choice" not in said
    chosen = made("c", dealt(1, CASES[:4]), footer=False, asked={"chosen": {**POOL["chosen"], "-k": "a"}})
    status, said = compared(capsys, made("d", dealt()), chosen)
    assert status == 3
    assert "Not reached, run interrupted, or left out by choice (2)" in said


@pytest.mark.parametrize("way", ["to a rig", "to a pool"])
def test_a_pool_and_one_rig_of_its_kind(made, capsys, way):
    alone = dict.fromkeys(CASES, "desk")
    sides = [(dealt(), POOL), (alone, {})]
    (old, asked), (new, then) = sides if way == "to a rig" else sides[::-1]
    before = made("a", old, asked=asked)
    status, said = compared(capsys, before, made("b", new, asked=then, version="5.0"))
    assert status == 0, said
    assert "6 of 6 results in both runs unchanged" in said
    status, said = compared(capsys, before, made("c", new, {"a/3": "fail"}, asked=then, version="5.0"))
    assert status == 1
    assert "a/3  pass -> fail" in said
    assert "(the node changed)" in said


def test_a_rig_with_another_name_and_profile_is_matched_by_any_member(made, capsys):
    before, after = made("a", dealt()), made("b", dict.fromkeys(CASES, "desk"), asked={})
    path = Path(after) / "run.jsonl"
    path.write_text(path.read_text().replace('"profile":"node"', '"profile":"other"'))
    assert compared(capsys, before, after)[0] == 3
    status, said = compared(capsys, before, after, "--match", "n-2=desk")
    assert status == 0, said


def test_rigs_that_share_nothing_are_compared_by_their_own_names(made, capsys):
    before, after = (made(name, dealt(), asked={}) for name in "ab")
    assert not pools_of(read(Path(before)))
    status, said = compared(capsys, before, after)
    assert status == 0
    assert "n-1: Node 4.8" in said


def test_rigs_that_ran_the_same_case_are_no_pool(made, sample):
    path = Path(made("a", dealt())) / "run.jsonl"
    rows = path.read_text().splitlines()
    rows.insert(-1, json.dumps(sample.result("a/0", "n-3", "pass", []).to_json()))
    path.write_text("\n".join(rows) + "\n")
    assert not pools_of(read(path))


def test_a_header_that_lists_its_pools_keeps_other_rigs_of_the_kind_out(made):
    listed = read(Path(made("a", dealt(), asked=POOL | {"pools": [["n-1", "n-2"]]})))
    assert [pool.members for pool in pools_of(listed)] == [("n-1", "n-2")]
    assert [pool.members for pool in pools_of(read(Path(made("b", dealt()))))] == [RIGS]


@pytest.mark.parametrize("chosen", [{"--pool": 1, "-k": 5}, {"one": ["--pool"]}, {"one": {"--pool": {}}}])
def test_a_header_of_a_stranger_is_read(made, chosen):
    before, after = (made(name, dealt(), asked={"chosen": chosen}) for name in "ab")
    assert main(["compare", before, after]) == 0


def test_measurements_of_a_pool_are_compared_by_it(made, capsys):
    before, after = (
        made(name, dealt(), rtt=[(rig, [octets])])
        for name, rig, octets in (("a", "n-1", 19.0), ("b", "n-3", 25.0))
    )
    status, said = compared(capsys, before, after)
    assert status == 0
    assert "node (n-1 -> n-3)  p/rtt  octets, median: 19 B -> 25 B" in said


@pytest.mark.parametrize("line", ["a/*", "n-2 a/0", "node a/0"])
def test_what_is_required_is_owed_by_the_pool(made, capsys, tmp_path, line):
    wanted = tmp_path / "required.txt"
    wanted.write_text(line)
    before = made("a", dealt())
    assert compared(capsys, before, made("b", dealt(1)), "--require", str(wanted))[0] == 0
    status, said = compared(
        capsys, before, made("c", dealt(1), {"a/0": "inconclusive"}), "--require", str(wanted)
    )
    assert status == 3
    assert "node (" in said


def test_a_pool_is_one_node_of_page_and_summary(made):
    record = read(Path(made("a", dealt(), {"a/0": "unsupported", "a/4": "fail"})))
    text = render(record)
    assert "5 of 6 cases tried (83 %)" in text
    assert "3 rigs as 1 node (the rigs of a pool are one)" in text
    assert text.count('<article class="rig') == 1
    assert 'id="rig:node"' in text
    assert '<th scope="col">node<small>Node 4.8, pool of n-1, n-2, n-3</small></th>' in text
    assert "</span> fail</span> on node (n-2)</h4>" in text, "the rig that has it is named"
    assert "Partial run" not in text
    summary = markdown.render(record)
    assert "| ✗ node | Node 4.8, pool of n-1, n-2, n-3 | not as it is |" in summary
    assert "on 1 rig of 1" not in summary
    assert "on node (n-2)" in summary


def test_a_pool_is_one_suite_of_junit_and_one_rig_of_allure(made, tmp_path):
    record = read(Path(made("a", dealt(), {"a/4": "fail"})))
    (suite,) = ET.fromstring(junit.render(record).split("?>", 1)[1])
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("node", "6", "1")
    ran = {
        case.get("name"): case.find("properties/property[@name='ran_on']").get("value") for case in suite[1:]
    }
    assert ran == dealt()
    assert {case.get("classname") for case in suite[1:]} == {"node.a"}
    assert allure.export(record, tmp_path / "allure") == 6
    results = [json.loads(path.read_text()) for path in (tmp_path / "allure").glob("*-result.json")]
    told = {one["name"]: {p["name"]: p["value"] for p in one["parameters"]} for one in results}
    assert {(one["rig"], one["ran on"]) for one in told.values()} == {("node", rig) for rig in RIGS}
    moved = read(Path(made("b", dealt(1))))
    allure.export(moved, tmp_path / "moved")
    again = [json.loads(path.read_text()) for path in (tmp_path / "moved").glob("*-result.json")]
    assert {one["historyId"] for one in again} == {one["historyId"] for one in results}, (
        "one history of a case"
    )


def test_results_of_one_rig_of_a_pool_are_shown(made, capsys):
    folder = made("a", dealt(), {"a/4": "fail", "a/5": "fail"})
    for rig, bad, every in (("node", 2, 6), ("n-2", 1, 2), ("n-1", 0, 2)):
        assert main(["show", folder, "--rig", rig, "--state", "fail"]) == 0
        said = capsys.readouterr().out
        assert (f"{every} results: " in said, said.count("✗")) == (True, 2 * bool(bad) or 0), said
    assert main(["show", folder, "--case", "a/4", "--rig", "n-2"]) == 0
    assert "node (n-2)  a/4" in capsys.readouterr().out


def test_events_of_a_pool_name_the_rig(made):
    path = Path(made("a", dealt())) / "run.jsonl"
    rows = path.read_text().splitlines()
    for number, (rig, event) in enumerate((("n-3", "lost"), ("n-3", "recovered"), ("n-1", "lost"))):
        line = {"type": "rig", "rig": rig, "event": event, "t": f"2026-11-21T10:00:0{number}.000Z"}
        rows.insert(-1, json.dumps(line))
    path.write_text("\n".join(rows) + "\n")
    (node,) = nodes(read(path)).rigs
    assert [(event, rig) for _, event, rig in node.events] == [
        ("lost", "n-3"),
        ("recovered, as the suite started it anew", "n-3"),
        ("lost", "n-1"),
    ]
    assert "lost (n-3)" in render(read(path))


@pytest.fixture
def history(made, tmp_path):
    """A function that makes a history of runs of a pool, each (shift, bad): its path."""

    def make(*runs, **last):
        path = str(tmp_path / "history.sqlite")
        for number, (shift, bad) in enumerate(runs):
            more = last if number == len(runs) - 1 else {}
            folder = made(f"run-{number}", dealt(shift, more.pop("cases", CASES)), bad, **more)
            assert main(["history", "add", path, folder]) == 0
        return path

    return make


def test_a_history_knows_since_when_a_case_of_a_pool_is_bad(history, capsys):
    path = history((0, {}), (1, {"a/0": "fail"}), (2, {"a/0": "fail"}))
    capsys.readouterr()
    assert main(["history", "bisect", path, "--case", "a/0"]) == 0
    said = capsys.readouterr().out
    assert "node  a/0" in said
    assert "1 of 1 cases are bad in their last run" in said
    assert "run-1" in said
    assert main(["history", "show", path, "--rig", "node"]) == 0
    assert "✗1  ✓5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("second", "status", "said"),
    [
        ({}, 0, "gate: pass"),
        ({"a/0": "fail"}, 1, "failed: node  a/0"),
        ({"a/0": "inconclusive"}, 3, "node  a/0  is required, and nothing is known of it"),
    ],
)
def test_a_gate_holds_the_pool_to_what_is_required(history, tmp_path, capsys, second, status, said):
    path = history((0, {}), (1, second))
    policy = tmp_path / "policy.toml"
    policy.write_text('required = ["a/0", "node a/*"]\ninconclusive = 0.5\n')
    assert main(["history", "gate", path, "--policy", str(policy)]) == status
    assert said in capsys.readouterr().out


def test_a_gate_misses_a_required_case_that_no_member_ran(history, tmp_path, capsys):
    path = history((0, {}), (1, {}), cases=CASES[1:])
    policy = tmp_path / "policy.toml"
    policy.write_text('required = ["a/0"]\n')
    assert main(["history", "gate", path, "--policy", str(policy)]) == 3
    assert "node  a/0  is required, and nothing is known of it" in capsys.readouterr().out


@pytest.mark.parametrize("order", ["rig-first", "pool-first"])
def test_a_rig_that_later_is_in_a_pool_has_one_history_with_it(made, tmp_path, capsys, order):
    path = str(tmp_path / "history.sqlite")
    folders = [
        made("run-0", dict.fromkeys(CASES, "desk"), asked={}),
        made("run-1", dealt(), {"a/0": "fail"}, version="5.0"),
    ]
    for folder in folders if order == "rig-first" else folders[::-1]:
        assert main(["history", "add", path, folder]) == 0
    with store.opened(Path(path)) as opened:
        started = "UPDATE runs SET started = '2026-11-2' || substr(run_id, 5) || 'T10:00:00Z'"
        opened.execute(started)
    capsys.readouterr()
    for rig in ("node", "desk"):
        assert main(["history", "bisect", path, "--case", "a/0", "--rig", rig]) == 0
        said = capsys.readouterr().out
        assert "DUT Node 4.8 -> Node 5.0" in said
        assert "the node changed, the suite did not" in said
    assert main(["history", "show", path]) == 0
    assert "✓✗  node  a/0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rule", "status", "said"),
    [
        (
            'required = ["n-2 a/*"]',
            1,
            "note: required 'n-2 a/*': n-2 is in the pool 'node'; all of it is meant",
        ),
        (
            'required = ["n-* a/*"]',
            1,
            "(required by 'node a/*', and allowed does not excuse what is required)",
        ),
        ('required = ["desk a/*"]', 1, "note: required 'desk a/*': desk is in the pool 'node'; all of it is"),
        ('required = ["m-2 a/*"]', 3, "required 'm-2 a/*': the history has no rig 'm-2'; there is node"),
        ("", 0, "excused: node  a/0"),
    ],
)
def test_a_policy_that_names_a_rig_of_a_pool_means_the_pool(made, tmp_path, capsys, rule, status, said):
    """It reached nothing, and its line said that the history has no such rig, which every record of it had."""
    path, policy = str(tmp_path / "history.sqlite"), tmp_path / "policy.toml"
    for folder in (
        made("run-0", dict.fromkeys(CASES, "desk"), asked={}),
        made("run-1", dealt(), {"a/0": "fail"}, version="5.0"),
    ):
        assert main(["history", "add", path, folder]) == 0
    policy.write_text(f'allowed = ["*"]\n{rule}\n')
    assert main(["history", "gate", path, "--policy", str(policy), "--run", "run-1"]) == status
    assert said in capsys.readouterr().out


def test_a_quarantine_of_a_rig_of_a_pool_is_of_the_pool(history, tmp_path, capsys):
    path, policy = history((0, {"a/0": "fail"})), tmp_path / "policy.toml"
    policy.write_text('[[quarantine]]\ncase = "a/0"\nrig = "n-3"\nuntil = 2099-12-31\nwhy = "its antenna"\n')
    assert main(["history", "gate", path, "--policy", str(policy)]) == 0
    text = capsys.readouterr().out
    assert "excused: node  a/0" in text
    assert "note: the quarantine of a/0 on n-3: n-3 is in the pool 'node'; all of it is meant" in text
    policy.write_text(policy.read_text().replace("n-3", "n-*"))
    assert main(["history", "gate", path, "--policy", str(policy)]) == 0
    assert "note" not in capsys.readouterr().out, "the glob is of all of its rigs"
    assert main(["history", "show", path, "--rig", "n-3"]) == 0
    assert "node" in capsys.readouterr().out


def test_of_two_rigs_of_a_kind_neither_is_joined_with_a_pool(made, tmp_path, capsys):
    path = str(tmp_path / "history.sqlite")
    two = {case: ("desk", "shelf")[place % 2] for place, case in enumerate(CASES)}
    for folder in (made("run-0", two, asked={}), made("run-1", dealt())):
        assert main(["history", "add", path, folder]) == 0
    with store.opened(Path(path)) as opened:
        assert trends.rigs_of(opened) == ["desk", "node", "shelf"]


def test_a_policy_that_names_a_rig_with_runs_of_its_own_means_its_pool_as_well(made, tmp_path, capsys):
    path, policy = str(tmp_path / "history.sqlite"), tmp_path / "policy.toml"
    alone = {case: RIGS[place % 2] for place, case in enumerate(CASES)}
    for folder in (made("run-0", alone, asked={}), made("run-1", dealt(), {"a/0": "fail"})):
        assert main(["history", "add", path, folder]) == 0
    policy.write_text('allowed = ["*"]\nrequired = ["n-1 a/*"]\n')
    assert main(["history", "gate", path, "--policy", str(policy), "--run", "run-1"]) == 1
    assert "failed: node  a/0" in capsys.readouterr().out
    assert main(["history", "bisect", path, "--rig", "n-1", "--case", "*"]) == 0
    assert "0 of 3 cases are bad" in capsys.readouterr().out, "the runs that it has of its own"
