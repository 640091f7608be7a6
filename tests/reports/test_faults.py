"""Faults as whoever decides about a node counts them, and shares that never claim more than was tried."""

import json
from collections import Counter

import pytest

from reports import markdown
from reports.causes import Cause, causes
from reports.compact import skim
from reports.compare import compare
from reports.coverage import Part, paint, share, together
from reports.faults import Faults, breaks_a_must, fit
from reports.html import render
from reports.record import Finding, read
from reports.verdict import Line, ban, verdict
from reports.view import Case, Rig, view
from tests.reports.markup import Page
from tests.reports.sample import result, write_record
from vectors.codes import BREAKS

SURVIVAL = BREAKS["dut_lost"]


def cause(code, requirement="RFC6282-2-04", level="MUST", kind="fail", name=""):
    finding = {"code": code, "requirement": requirement, "level": level, "known": None}
    if kind in ("known", "unconfirmed"):
        finding[kind] = name = name or code
    shown = [(Rig("one"), Case("a/b", "", []), {"findings": [finding]})]
    return Cause(kind, name or f"{code} {requirement}", code, shown)


@pytest.mark.parametrize(
    ("requirement", "level", "breaks"),
    [
        ("RFC6282-2-04", "MUST", True),
        ("RFC6282-3.2.2-03", "MUST NOT", True),
        ("RFC6282-3.1.1-01", "FORMAT", False),
        ("LIMIT-01", "MUST", False),  # of whoever runs the rig, and of no RFC
        (SURVIVAL, "MUST", False),  # ours
        ("RFC0000-1-01", "MUST", True),  # a row of another version: what the record says of it
        ("RFC0000-1-01", "SHOULD", False),
    ],
)
def test_what_breaks_a_must(requirement, level, breaks):
    assert breaks_a_must(cause("dropped", requirement, level)) is breaks
    assert not breaks_a_must(cause("dropped", requirement, level, "advice"))


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        ([("dut_lost", "known")], "no"),
        ([("dut_lost", "fail")], "no"),
        ([("too_large", "known")], "not as it is"),
        ([("dropped", "known")], "with limits"),
        ([("dropped", "known"), ("traffic_class", "fail")], "not as it is"),  # nobody has looked at it yet
        ([("dropped", "unconfirmed")], "not as it is"),
        ([("traffic_class", "known")] * 9, "with limits"),
        (
            [("dut_lost", "advice"), ("dut_lost", "error")],
            "nothing found against it in the 99 % that was tried",
        ),
    ],
)
def test_fit_to_ship_by_the_worst_effect_and_what_is_new(found, answer):
    faults = Faults.among(cause(code, kind=kind, name=f"{n}") for n, (code, kind) in enumerate(found))
    assert fit(faults, "99 %") == answer


def test_a_node_without_a_fault():
    none = Faults.among([])
    assert fit(none, "100 %") == "nothing found against it"
    assert fit(none, "0 %") == "cannot be told"
    assert (none.words, none.worst, none.effects) == ("", None, [])


def test_the_worst_effect_comes_first_and_all_are_counted():
    faults = Faults.among(
        [
            cause("dropped"),
            cause("dut_lost", SURVIVAL, kind="known"),
            cause("order-0132", "RFC4944-5.3-19", "FORMAT"),
        ]
    )
    assert faults.worst.title == "dut_lost"
    assert [(effect.name, count) for effect, count in faults.effects] == [
        ("crash", 1),
        ("some forms lost", 2),
    ]
    words = "3 distinct faults, 1 of them breaks a MUST of an RFC, 1 takes the node out of service"
    assert faults.words == f"{words}; 1 declared, 2 not"


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(0, 7, "0 %"), (7, 7, "100 %"), (1, 1000, "1 %"), (999, 1000, "99 %"), (1, 2, "50 %"), (0, 0, "0 %")],
)
def test_a_share_says_all_and_none_only_of_all_and_none(part, whole, words):
    assert share(part, whole) == words


@pytest.mark.parametrize(
    ("counts", "painted"),
    [
        ({"pass": 1, "unsupported": 1}, "pass"),
        ({"pass": 1, "unsupported": 2}, "thin"),
        ({"pass": 1, "harmless": 2}, "thin"),
        ({"harmless": 3}, "harmless"),
        ({"unsupported": 3}, "unsupported"),
        ({"pass": 1, "unsupported": 9, "known": 1}, "known"),
        ({"pass": 1, "unsupported": 9, "inconclusive": 1}, "inconclusive"),
    ],
)
def test_green_is_what_is_known_to_be_right(counts, painted):
    assert paint(counts) == painted


def test_parts_of_several_rigs_add_up():
    parts = together([[Part("RFC 6282", 4, 1)], [Part("RFC 6282", 4, 4), Part("RFC 6775", 2, 0)]])
    assert [(part.document, part.share) for part in parts] == [("RFC 6282", "62 %"), ("RFC 6775", "0 %")]


def test_one_death_alone_is_told_as_what_it_is():
    assert Faults.among([cause("dut_lost", SURVIVAL)]).words == (
        "1 distinct fault: it takes the node out of service, and is not declared in the profile"
    )


def test_what_several_nodes_share_is_said():
    faults = Faults.among([cause("dut_lost"), cause("dropped", kind="known")])
    assert faults.told(3).startswith("2 distinct faults (3 counted by node: some are shared), ")
    assert faults.told(2) == faults.told(0) == faults.words
    one = Faults.among([cause("dut_lost")])
    assert one.told(2).startswith("1 distinct fault (shared by 2 nodes): ")


def test_the_nodes_that_must_not_be_shipped_are_named():
    assert ban([]) == ""
    assert ban(["a"]) == "Do not ship: a. "
    assert ban([str(n) for n in range(9)]) == "Do not ship: 0, 1, 2, 3, 4, 5 and 3 more. "


@pytest.mark.parametrize(
    ("code", "kind", "state", "colour"),
    [
        ("dut_lost", "known", "known", "fail"),
        ("too_large", "known", "known", "fail"),
        ("dropped", "known", "known", "known"),
        ("traffic_class", "fail", "fail", "fail"),
        ("dut_lost", "known", "inconclusive", "fail"),
    ],
)
def test_a_declared_crash_looks_no_better_than_a_new_small_failure(code, kind, state, colour):
    found = cause(code, kind=kind)
    line = Line(Rig("one"), state, "", [], found, [], Counter(), Faults.among([found]), [])
    assert line.colour == colour


def test_deviations_of_one_root_are_one_fault(tmp_path):
    """Both are named, and what either covers is the cause's; a root that the profile lacks is none."""
    path = write_record(tmp_path / "run", [shown("one", "a/b"), shown("two", "a/c"), shown("three", "a/d")])
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    declared = [{"id": "one"}, {"id": "two", "root": "one", "why": "as one"}, {"id": "three", "root": "gone"}]
    next(row for row in rows if row.get("rig") == "lwip-802154")["deviations"] = declared
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = {cause.name: cause for cause in causes(view(read(path))) if cause.shown}
    assert {name: [case.name for case in cause.cases] for name, cause in found.items()} == {
        "one": ["a/b", "a/c"],
        "three": ["a/d"],
    }
    assert (len(found["one"].findings), found["one"].sentence) == (2, "one (with two)")
    assert len(Faults.among(found.values()).causes) == 2
    text = Page(render(read(path))).text
    assert "From the same root, two : as one" in text
    rows = [
        row for row in markdown.render(read(path)).splitlines() if row.startswith("- `one`") or "`two`" in row
    ]
    assert "(1 result; one fault with `one`): as one" in rows[-1]


def shown(name, case):
    finding = Finding("dropped", "RFC6282-2-04", "MUST", "this", "that", known=name)
    return result(case, "lwip-802154", "fail", ["RFC6282-2-04"], findings=[finding], known=name)


OVERFLOW = {
    **{"id": "overflow", "case": "a/loaded*", "finding": "dut_lost", "requirement": SURVIVAL},
    "why": 'It ends with status 1, "slip_send overflow": the answers to five echoes are too many.',
}


def died(case, said, known=""):
    lost = Finding("dut_lost", SURVIVAL, "MUST", "it lives", f"the DUT was lost: {said}", known=known or None)
    return result(case, "lwip-802154", "fail", [SURVIVAL], findings=[lost], known=known or None)


def with_overflow(folder, *lines):
    path = write_record(folder, lines)
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    rows[1]["deviations"] = [OVERFLOW, OVERFLOW | {"id": "other", "finding": "[ad]*", "why": "It answers."}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("reads", [read, skim])
def test_a_death_with_the_words_of_a_declared_one_is_that_fault_and_still_a_failure(tmp_path, reads):
    words = "> app: slip_send overflow: Resource temporarily unavailable"
    loaded, seen = died("a/loaded", words, "overflow"), died("a/lies", words, "other")
    path = with_overflow(tmp_path / "run", loaded, seen, died("b/c", f"{words}; it dies of 9 frames"))
    judged = verdict(view(reads(path)))
    names = {(cause.kind, cause.name): len(cause.cases) for cause in judged.causes if cause.shown}
    told = "ended with the words of overflow (declared for other cases)"
    assert names == {("known", "overflow"): 2, ("fail", told): 1}  # `other`: no death is its own
    assert judged.state == "fail"
    assert judged.faults.words == (
        "1 distinct fault: it takes the node out of service, and is declared in the profile (known, not accepted); "
        "overflow shows in 1 case for which it is not declared"
    )
    before = read(with_overflow(tmp_path / "before", loaded, seen, result("b/c", "lwip-802154", "pass", [])))
    (change,) = compare(before, reads(path)).new_failures
    assert str(change).startswith(f"lwip-802154  b/c  pass -> fail: critical: crash, {told}")


def test_a_death_with_other_words_is_a_new_one(tmp_path):
    lines = died("a/loaded", "slip_send overflow", "overflow"), died("b/c", "panic: stack overflow")
    judged = verdict(view(read(with_overflow(tmp_path, *lines))))
    assert (judged.faults.deaths, judged.faults.new) == (2, 1)
