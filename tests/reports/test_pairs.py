"""The matrix of pairs: a cell says whether a pair works and who is to blame, a node whether it is its own matter."""

import json

from reports.pairs import as_json, as_markdown, as_text, matrix
from reports.record import Finding, Record
from reports.verdict import verdict
from reports.view import view


def record(*pairs):
    rigs, results = [], []
    for name, said, side in pairs:
        stacks = name.split("--")
        rigs.append(
            {
                "type": "rig",
                "rig": name,
                "event": "ready",
                "dut": {"stack": stacks[0].upper(), "version": "1"},
                "peer": {"stack": stacks[1].upper(), "version": "2"},
            }
        )
        finding = {"code": "dropped", "requirement": "RFC6282-2-04", "side": side}
        findings = [finding] if said == "fail" else []
        results.append(
            {"case": "interop/echo/x", "rig": name, "verdict": said, "findings": findings, "message": ""}
        )
    return Record(None, {"run_id": "1"}, rigs, results, [], None)


def test_a_node_that_fails_with_every_peer_and_one_that_fails_with_one():
    found = matrix(
        record(
            ("a--b", "fail", "dut"), ("a--c", "fail", "dut"), ("b--c", "fail", "peer"), ("b--d", "pass", "")
        )
    )
    assert {c.rig: c.words for c in found.cells} == {
        "a--b": "a to blame",
        "a--c": "a to blame",
        "b--c": "c to blame",
        "b--d": "works",
    }
    assert found.nodes["a"].words == "to blame with every peer"
    assert found.nodes["b"].words == "to blame with no peer"
    assert found.nodes["c"].words == "to blame with b only"


def test_two_that_do_not_fit_are_called_so():
    found = matrix(record(("a--b", "fail", "")))
    assert found.cells[0].words == "does not fit"
    assert found.nodes["a"].fails == found.nodes["b"].fails == []


def test_a_node_beside_another_of_its_kind():
    found = matrix(record(("a--a", "fail", "peer")))
    assert found.cells[0].words == "a to blame"
    assert list(found.nodes) == ["a"]


def test_what_it_says_in_each_form():
    found = matrix(record(("a--b", "fail", "dut"), ("a--c", "inconclusive", "")))
    assert "a to blame (1 fail)" in as_text(found)
    assert "cannot be told" in as_text(found)
    assert json.loads(as_json(found))["pairs"][0]["blamed"] == {"a": {"RFC6282-2-04 dropped": 1}}
    assert "| `a` |  | ✗ `a to blame` | ? `cannot be told` |" in as_markdown(found)
    assert as_markdown(matrix(record())) == []


def test_the_verdict_of_a_pair_says_which_node_is_to_blame(sample):
    """The line is called by the DUT, and the fault may be its peer's."""
    found = Finding("dropped", "RFC6282-2-04", "MUST", "an answer", "silence", side="peer")
    made = record(("a--b", "pass", ""))
    made.results[:] = [sample.result("interop/echo/x", "a--b", "fail", [], findings=[found]).to_json()]
    (line,) = verdict(view(made)).lines
    assert line.pair == "b to blame"
    assert verdict(view(record())).lines == []
