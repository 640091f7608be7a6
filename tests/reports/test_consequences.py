"""Causes that follow from another one: said where the record proves it, and nowhere else."""

import json

import pytest

from reports import markdown, show
from reports.causes import causes
from reports.compact import skim
from reports.html import render
from reports.record import Finding, read
from reports.view import view
from tests.reports.sample import result, write_record

RIG = "lwip-802154"
SIZES = (94, 400, 800, 1232)


def echo(size, verdict):
    found = Finding("too_large", "RFC4944-4-01", "MUST", "an echo is answered", "none is", "7b")
    case = f"rfc4944/5.3/echo_of_every_size[{size}]"
    findings = [] if verdict == "pass" else [found]
    return result(case, RIG, verdict, ["RFC4944-4-01"], findings=findings)


def leak(known=None, which="cut", verdict="fail"):
    found = Finding("not_released", "RFC4944-5.3-28", "MUST", "a full-size echo", "none", "7b", known=known)
    case, findings = f"robustness/leak/room[{which}]", [found] if verdict == "fail" else []
    when = "2026-11-21T10:05:00.000Z"
    return result(case, RIG, verdict, ["RFC4944-5.3-28"], findings=findings, known=known, t=when)


def told(folder, lines, *, boards=1, kept=False):
    """Causes of a record of these results, by the code of their first finding."""
    path = write_record(folder, lines)
    rows = path.read_text().splitlines()
    leased = json.dumps({"type": "rig", "rig": RIG, "event": "leased", "t": ""})
    path.write_text("\n".join([rows[0], *[leased] * boards, *rows[1:]]) + "\n")
    found = causes(view(skim(path) if kept else read(path)))
    return {cause.findings[0]["code"]: cause for cause in found if cause.shown}


@pytest.mark.parametrize("kept", [False, True])
def test_what_came_behind_a_leak_follows_from_it(tmp_path, kept):
    lines = [echo(94, "pass"), echo(400, "pass"), leak(), echo(800, "fail"), echo(1232, "fail")]
    found = told(tmp_path / "run", lines, kept=kept)
    (follows,) = found["too_large"].follows
    assert follows.source is found["not_released"]
    assert (follows.count, follows.of, follows.before, follows.rig) == (2, 2, 2, RIG)
    assert str(follows) == (
        "follows from No datagram of full size is taken when all reassembly timers have run out (RFC4944-5.3-28) on "
        "lwip-802154: all 2 of its results came behind robustness/leak/room[cut] (2026-11-21T10:05:00.000Z), which "
        "used up the room for reassembly; 2 cases that try it were right in front of that, none between, and a control "
        "was answered each time"
    )
    assert found["too_large"].consequence
    assert not found["not_released"].follows


@pytest.mark.parametrize(
    ("why", "order", "boards"),
    [
        ("it came in front", ["fail 94", "pass 400", "leak"], 1),
        ("nothing shows that it worked before", ["leak", "fail 94", "fail 400"], 1),
        ("it worked again, so that the leak was over", ["pass 94", "leak", "pass 400", "fail 800"], 1),
        ("two boards under one name", ["pass 94", "leak", "fail 400"], 2),
    ],
)
def test_what_the_record_does_not_prove_is_not_said(tmp_path, why, order, boards):
    made = [leak() if one == "leak" else echo(int(one[5:]), one[:4]) for one in order]
    found = told(tmp_path / "run", made, boards=boards)
    assert found["too_large"].follows == [], why
    assert not found["too_large"].consequence


@pytest.mark.parametrize(("order", "count"), [("before", 1), ("between", 0)])
def test_what_shows_the_leak_tries_the_room_as_well(tmp_path, order, count):
    """Whether a full-size echo is answered is what the cases of the leak end with: right ones say that it is."""
    right = leak(which="sound", verdict="pass")
    lines = [leak(), echo(94, "fail")]
    lines.insert(0 if order == "before" else 1, right)
    assert len(told(tmp_path / "run", lines)["too_large"].follows) == count


def test_a_part_that_came_in_front_is_no_consequence(tmp_path):
    lines = [echo(94, "pass"), echo(400, "fail"), leak(), echo(800, "fail"), echo(1232, "fail")]
    cause = told(tmp_path / "run", lines)["too_large"]
    (follows,) = cause.follows
    assert (follows.count, follows.of) == (2, 3)
    assert "2 of its 3 results came behind" in str(follows)
    assert not cause.consequence, "one was there before"


def test_a_consequence_of_a_known_deviation_is_news_all_the_same(tmp_path):
    lines = [echo(94, "pass"), leak(known="leaky"), *(echo(size, "fail") for size in SIZES[1:])]
    path = write_record(tmp_path / "run", lines)
    page = view(read(path))
    found = [cause for cause in causes(page) if cause.shown]
    assert [(cause.kind, cause.consequence) for cause in found] == [("fail", True), ("known", False)]
    summary = markdown.render(page)
    assert "1 undeclared failure on 1 rig" in summary
    assert (
        "2 distinct faults, 1 of them breaks a MUST of an RFC; 1 declared, 1 not; 1 of them follows from another"
        in summary
    )
    assert "on lwip-802154, 3 cases; a consequence of leaky" in summary
    assert "A consequence:" in render(page)
    printed = "\n".join(show.lines(page, show.Asked()))
    assert "follows from leaky on lwip-802154: all 3 of its results came behind" in printed


def test_what_follows_stands_behind_what_does_not(tmp_path):
    other = result(
        "rfc6282/4.2/chain", RIG, "fail", ["RFC6282-4.2-10"],
        findings=[Finding("dropped", "RFC6282-4.2-10", "MUST", "x", "nothing", "7b")],
    )  # fmt: skip
    lines = [echo(94, "pass"), leak(), *(echo(size, "fail") for size in SIZES[1:]), other]
    found = told(tmp_path / "run", lines)
    assert list(found) == ["not_released", "dropped", "too_large"]
