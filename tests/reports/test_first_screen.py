"""What a stranger reads first: no word twice, nothing that only an insider knows, and what the verdict rests on."""

import json

import pytest

from reports import markdown
from reports.bench import radio
from reports.html import pages, render
from reports.record import Finding, read
from tests.reports.markup import Page
from tests.reports.sample import DEVIATION, result, write_record

FRAME = "41cc98cdab010000feff5e0002416b5e8a1b5e00027e33f3f0f2f55919f7c9614f8069dedc6c28"
ROW = "RFC6282-4.3.3-06"


def failed(code, frame=FRAME, *, known="", **rest):
    words = {"expected": rest.pop("expected", "x"), "actual": rest.pop("actual", "y")}
    found = Finding(code, ROW, "FORMAT", frame=frame, known=known or None, **words)
    case = rest.pop("case", "rfc6282/4.3/a")
    return result(case, "lwip-802154", "fail", [ROW], findings=[found], known=known or None, **words, **rest)


def head(folder, *lines):
    return Page(render(read(write_record(folder, lines)))).text.partition("Matrix What the signs")[0]


def test_the_octets_of_the_worst_fault_stand_beside_what_had_to_come(tmp_path):
    ports = {"expected": "udp source port f0bf", "actual": "udp source port f0b0"}
    text = head(tmp_path, failed("udp_source_port", stimulus=FRAME[42:], annotated="frame", **ports))
    octets = bytes.fromhex(FRAME).hex(" ")
    assert (
        f"of the frame {octets} was expected: udp source port f0bf. What came: udp source port f0b0." in text
    )


def test_of_a_death_the_first_screen_blames_no_single_frame(tmp_path):
    lost = failed("dut_lost", actual="the DUT was lost; none of 48 stimuli kills it when it is sent again")
    assert "of the frame" not in head(tmp_path, lost).partition("Node by node")[0]


def test_a_node_that_must_not_be_shipped_has_the_sign_of_a_failure(tmp_path):
    """It was a question mark where some results were inconclusive, under "Do not ship"."""
    unsure = result("rfc6282/4.3/b", "lwip-802154", "inconclusive", [ROW], message="the medium")
    lines = [failed("dut_lost", known=DEVIATION["id"]), unsure]
    text = head(tmp_path, *lines)
    assert "Do not ship: lwip-802154. Not judged in full" in text
    assert "✗ lwip-802154 lwIP 2.1.3" in text
    assert "1 of 2 cases; of the others 1 failed, as its profile declares." in text
    assert "| ✗ lwip-802154 |" in markdown.render(read(tmp_path))


def test_that_a_fault_is_declared_is_not_said_twice_and_does_not_read_as_accepted(tmp_path):
    text = head(tmp_path, failed("dropped", known=DEVIATION["id"]))
    assert "undeclared" not in text.partition("Node by node")[0]
    assert "is declared in the profile (known, not accepted)" in text
    assert "(declared, which means known and not accepted, on lwip-802154" in text


def header(**links):
    text = '[tester]\nlink = "{}"\n'
    return {"rigs": {rig: {"file": {"text": text.format(link)}} for rig, link in links.items()}}


@pytest.mark.parametrize(
    ("links", "words"),
    [
        (
            {"a": "slip_radio:127.0.0.1:1"},
            "No real radio: the frames went by SLIP over TCP in the place of a radio.",
        ),
        (
            {"a": "lwip:", "b": "spinel:/dev/ttyACM0"},
            "Some rigs have no real radio (the frames went by a pipe to",
        ),
        ({"a": "spinel:/dev/ttyACM0"}, "A real radio, as far as the rig file tells: "),
        ({"a": "acme:"}, "The record does not say whether a radio was in use."),
    ],
)
def test_whether_there_was_a_radio_is_said_beside_the_verdict(tmp_path, links, words):
    told = header(**links)
    assert radio(told, links).startswith(words)
    path = write_record(tmp_path, [failed("dropped")])
    first, *rest = path.read_text().splitlines()
    rigs = {"lwip-802154": told["rigs"]["a"]}
    path.write_text("\n".join([json.dumps(json.loads(first) | {"rigs": rigs}), *rest]) + "\n")
    record = read(path)
    said = radio(record.header, ["lwip-802154", "linux-802154", "linux-ble"])
    assert said in Page(render(record)).text.partition("Node by node")[0]
    assert said in markdown.render(record)


def test_a_profile_that_does_not_fit_says_what_still_holds(tmp_path):
    path = write_record(tmp_path, [failed("dropped")])
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    ready = next(row for row in rows if row["type"] == "rig" and row["event"] == "ready")
    ready["notes"] = ["the DUT is x, and the profile p is of y: name another profile"]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    assert "name another profile. The failures below stand all the same" in Page(render(read(path))).text


def test_a_column_that_no_finding_fills_is_left_out(tmp_path):
    case = "What was not tried, and why"
    without = Page(render(read(write_record(tmp_path / "a", [failed("dropped")])))).text.partition(case)[2]
    assert "Actual Frame" in without
    placed = failed("dropped")
    placed.findings[0].offset = 3
    assert "Actual Octet Frame" in Page(render(read(write_record(tmp_path / "b", [placed])))).text


def test_the_words_of_an_insider_are_explained_on_the_page(tmp_path):
    text = pages(read(write_record(tmp_path, [failed("dropped")])))["index.html"]
    for word in ("DUT", "rig", "profile", "control", "stimulus", "oracle", "MUST, FORMAT", "seed"):
        assert f"<dt>{word}</dt>" in text
    assert '<a href="#words">' in text


def test_a_deviation_that_was_not_seen_says_what_its_cases_came_out_as(tmp_path):
    """A reader took the example of a crash for what another deviation declares of the same case."""
    lines = [failed("dropped", case="rfc6282/3.2.3/a", known=DEVIATION["id"])]
    lines.append(result("rfc6282/3.2.3/b", "lwip-802154", "pass", [ROW]))
    text = Page(render(read(write_record(tmp_path, lines)))).text
    assert (
        "not seen in this run. The cases that it is declared for came out here as: 1 known (lwip-ecn-order), 1 pass"
        in text
    )


def test_a_fault_that_shows_in_some_runs_only_says_why(tmp_path):
    path = write_record(tmp_path, [failed("dropped", known=DEVIATION["id"])])
    text = path.read_text().replace(
        '"id":"lwip-ecn-order"', '"id":"lwip-ecn-order","sporadic":"answers race with the line"'
    )
    path.write_text(text)
    assert "Shows in some runs only: answers race with the line." in Page(render(read(path))).text


def test_what_is_not_charged_to_a_node_is_no_advice_that_it_did_not_follow(tmp_path):
    """Both are of level SHOULD and green; one requirement binds, the other advises."""
    lines = [
        result(
            f"rfc6282/{name}",
            "lwip-802154",
            "pass",
            [row],
            findings=[Finding("lost", row, "SHOULD", "x", "y")],
        )
        for name, row in (("2/a", "RFC6282-2-04"), ("2/b", "RFC6282-2-04"), ("3.1.2/c", "RFC6282-3.1.2-06"))
    ]
    text = head(tmp_path, *lines)
    assert "1 breach not charged to it in 2 cases" in text
    assert "1 advice not followed in 1 case" in text
