"""The page: whole, escaped, self-contained, and enough for a stranger."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from reports.frames import differing, frame_of
from reports.html import pages, render
from reports.html.again import Again
from reports.html.environment import environment, evidence_path
from reports.record import Finding, RecordError, read
from reports.view import view
from tests.reports.markup import Page

TEMPLATES = Path(__file__).parents[2] / "reports" / "html" / "templates"


@pytest.fixture
def page(run):
    return Page(render(read(run)))


def test_ids_are_unique_and_every_inner_reference_leads_somewhere(page):
    assert len(page.ids) == len(set(page.ids))
    inner = [unquote(r[1:]) for r in page.references if r.startswith("#")]
    assert inner
    assert set(inner) <= set(page.ids)


def test_pages_lead_to_each_other_and_to_ids_that_are_there(run):
    made = {name: Page(text) for name, text in pages(read(run)).items()}
    for name, one in made.items():
        assert len(one.ids) == len(set(one.ids)), name
        for reference in one.references:
            target, _, place = reference.partition("#")
            if target.endswith(".html"):
                assert target in made
                assert not place or unquote(place) in made[target].ids, reference


def test_nothing_is_fetched(run):
    for name, text in pages(read(run)).items():
        allowed = ("#", "data:,", "./evidence/", "index.html", "requirements.html", "measurements.html")
        allowed += ("interoperability.html", "environment.html")
        assert [r for r in Page(text).references if not r.startswith(allowed)] == [], name
        assert not re.search(r"https?://|@import|url\(", text), name


def test_no_template_switches_escaping_off():
    for path in TEMPLATES.iterdir():
        assert not re.search(r"\|\s*safe|autoescape|Markup", path.read_text()), path
        assert "style=" not in path.read_text(), f"{path}: the policy forbids styles of elements"


def test_the_same_record_gives_the_same_bytes_in_any_order(run, sample, tmp_path):
    shuffled = tmp_path / "other"
    sample.write_record(shuffled, list(sample.sample_results())[::-1])
    assert render(read(run)) == render(read(run))
    body = lambda folder: render(read(folder)).split("<h2", 1)[1]  # noqa: E731
    assert body(run) == body(shuffled)


def test_foreign_text_is_escaped(run, page):
    text = render(read(run))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in text
    assert "<b>not bold</b>" not in text
    assert "<script>alert('x')</script> one reply" in page.text


def test_a_stranger_sees_demand_stimulus_and_answer_of_a_deviation(page):
    card = page.text.split("K known minor", 1)[-1] if "K known minor" in page.text else page.text
    card = card.split(
        "lwip-ecn-order : ECN and DSCP are swapped: 6eeabcde comes out, 6bbabcde must (RFC 6282 3.1.1) "
        "on lwip-802154; 1 case",
        1,
    )[1].split("lwip-multicast-32")[0]
    for told in (
        "What a user would notice: ",
        "RFC6282-3.2.1-01 FORMAT (RFC 6282 §3.2.1)",
        "The traffic class is rotated right by two bits so that ECN comes first",
        "UDP to closed port 5000 with TF=00",
        "quoted IPv6 header starts with 6eeabcde",
        "quoted IPv6 header starts with 6bbabcde",
        "The frame that the profile gives as its proof. Nothing in this frame is wrong",
        "63 33 ee 0a bc de 3a",
        "0000 63 33 ee 0a bc de",
    ):
        assert told in card
    unseen = page.text.split("1 known deviation declared and not seen in this run", 1)[1].split("Cases", 1)[0]
    assert "lwip-multicast-32 on lwip-802154: not seen in this run" in unseen
    # which of the rows that a pattern fits is broken nobody knows while no finding shows it
    assert "Declared for breaches of RFC6282-3.2.3-0? ." in unseen
    assert "RFC6282-3.2.3-01 FORMAT" not in unseen


def test_the_first_screen_says_for_each_node_whether_it_is_fit_to_ship(page):
    head, _, nodes = page.text.partition("Node by node")
    nodes = nodes.partition("Matrix")[0]
    assert "Do not ship: lwip-802154. Not good: 2 undeclared failures on 2 rigs of 3." in head
    told = "3 distinct faults, 1 of them breaks a MUST of an RFC, 1 takes the node out of service"
    assert f"{told}; 1 declared, 2 not." in head
    assert "Fit to ship? No : lwip-802154; Not as it is : linux-802154;" in head
    assert "1 crash (critical) 1 wrong data (serious) 1 marks changed (minor)" in head
    for told in (
        "Fit to ship? No Whoever is in radio range",
        "Fit to ship? Nothing found against it in the 83 % that was tried",
        "2 distinct faults, 1 takes the node out of service; 1 declared, 1 not",
        "Not tried at all: RFC 4944 (IPv6 over IEEE 802.15.4",
        "7 of 7 cases tried (100 %). 1 case inconclusive.",
        "1 loss of this DUT and what became of it (2 events)",
    ):
        assert told in nodes


def test_a_node_whose_faults_are_all_declared_is_not_called_good(sample, tmp_path):
    """A declared fault is no news, and breaks its MUST all the same."""
    broken = Finding("dropped", "RFC6282-2-04", "MUST", "an answer", "silence", "7b", 1, "lwip-ecn-order")
    results = [
        sample.result(
            "rfc6282/2/x", "lwip-802154", "fail", ["RFC6282-2-04"], known="lwip-ecn-order", findings=[broken]
        )
    ]
    alone = Page(render(read(sample.write_record(tmp_path / "alone", results)))).text
    assert "Not judged in full: nothing was tried on 2 of 3 rigs; 1 distinct fault: it breaks" in alone
    results += [sample.result("rfc6282/2/x", rig, "pass", []) for rig in ("linux-802154", "linux-ble")]
    text = Page(render(read(sample.write_record(tmp_path / "run", results)))).text
    assert (
        "Faulty: 1 distinct fault: it breaks a MUST of an RFC, and is declared in the profile (known, not accepted)."
        in text
    )
    assert "Fit to ship? With limits" in text
    assert "K known moderate: some forms lost breaks a MUST lwip-ecn-order" in text


def test_a_cell_is_green_only_when_most_of_it_is_known_to_be_right(sample, tmp_path):
    cases = [("pass", "")] + [("unsupported", "not_declared")] * 2
    results = [
        sample.result(f"rfc6282/4.2/x[{n}]", "linux-ble", verdict, ["RFC6282-4.2-01"], reason=reason)
        for n, (verdict, reason) in enumerate(cases)
    ]
    results += [sample.result("rfc6282/4.3/y", "linux-ble", "pass", ["RFC6282-4.3-01"])]
    text = render(read(sample.write_record(tmp_path / "run", results)))
    cells = dict(re.findall(r'<td class="(\w+)"><a href="#section:rfc6282/(4.[23])"', text))
    assert cells == {"thin": "4.2", "pass": "4.3"}
    assert "33 % tried" in text


def test_reasons_that_differ_in_a_number_are_told_once(sample, tmp_path):
    results = [
        sample.result(
            f"rfc6282/3.1.2/x[{n}]",
            "linux-ble",
            "unsupported",
            [],
            message=f"the DUT does not hold context {n}",
        )
        for n in (2, 3, 4)
    ]
    text = Page(render(read(sample.write_record(tmp_path / "run", results)))).text
    assert (
        "3: the DUT does not hold context 2 (and others that differ in a number) rfc6282/3.1.2/x[2]" in text
    )
    assert "does not hold context 3" not in text.partition("Cases ")[0]


def test_what_was_left_out_before_it_began_is_counted_beside_the_rest(sample, tmp_path):
    path = sample.write_record(tmp_path / "run")
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    for row in rows:
        if row["type"] == "rig" and row["rig"] == "linux-ble":
            row["left_out"] = {"another_link": 871, "two_nodes": 60, "somebodys_reason": 1}
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    text = Page(render(read(path))).text
    assert (
        "871 cases, for they are about another kind of link than this rig has; 60 cases, for they need"
        in text
    )
    assert "1 case, for somebodys reason." in text
    assert "The suite has" not in text, "how many cases there are depends on the link and on what was asked"


def test_the_line_that_repeats_a_case_names_what_it_needs(page):
    needed = (
        "# needs Keyhole 0.1.0 at commit 0123456789abcdef; DUT: lwIP 2.1.3 pytest --rig lwip-802154 --seed 7"
    )
    assert needed in page.text


def test_wrong_octets_are_marked_in_the_frame():
    tree = (
        "frame   41 c8 7a 33 3a\n   0      payload = 3 octets\n   0.3+2      TF = 3\n"
        "   2          Next Header = 58\n              ^^^ expected 59\n   3        data"
    )
    shown = frame_of({"annotated": tree, "findings": [{"code": "sent_next_header", "offset": None}]})
    assert shown.runs == [("41 c8 7a 33", False), ("3a", True)]
    assert [row.wrong for row in shown.rows] == [False, False, True, False, False]
    bits = frame_of(
        {
            "annotated": tree.replace("0.3+2      TF = 3\n", "0.3+2      TF = 3\n   ^^^ x\n"),
            "findings": [{"code": "x"}],
        }
    )
    assert bits.runs[1] == ("7a 33", True)  # up to where the next field begins
    unmarked = tree.replace("              ^^^ expected 59\n", "")
    by_offset = frame_of({"annotated": unmarked, "findings": [{"code": "x", "offset": 1}]})
    assert by_offset.runs[1] == ("c8", True)
    mac = "frame   41 88 81 cd ab 01 00 1a 40 7a 33 3a 80\n   0      payload = 4 octets\n   0        LOWPAN_IPHC"
    destination = frame_of({"annotated": mac, "findings": [{"code": "another_address", "offset": None}]})
    assert destination.runs == [("41 88 81 cd ab", False), ("01 00", True), ("1a 40 7a 33 3a 80", False)]
    whole = frame_of({"annotated": mac, "findings": [{"code": "dropped", "requirement": "RFC6282-2-04"}]})
    assert not any(wrong for _, wrong in whole.runs)
    assert "Nothing in this frame is wrong" in whole.said
    assert frame_of({"annotated": "", "findings": [{"code": "x", "frame": "zz"}]}) is None
    assert frame_of({"annotated": "", "findings": []}) is None


def test_carets_behind_the_tree_are_under_the_marked_octets_and_no_others():
    """A frame to another address: the oracle stops at the dispatch, and the finding is about the MAC header."""
    payload = bytes.fromhex("7a34") + bytes(18)
    tree = (
        f"frame   {payload.hex(' ')}\n   0      payload = 20 octets\n   1.6+2      DAM = 0: reserved\n"
        "              ^^^ reserved\n   2          Next Header = 0\n   3          Destination Address = elided\n"
        f"              ^^^ expected nothing\n\n   0  {payload[:16].hex(' ')}\n         ^^    ^^\n  16  00 00 00 00"
    )
    shown = frame_of({"annotated": tree, "findings": [{"code": "accepted"}]})
    assert [words for words, wrong in shown.runs if wrong] == ["34"]
    assert [row.text for row in shown.rows[-3:]] == [
        f"   0  {payload[:16].hex(' ')}",
        "         ^^",
        "  16  00 00 00 00",
    ]
    last = frame_of(
        {
            "annotated": "frame   7a 34" + " 00" * 18 + "\n   0      payload = 20 octets\n"
            "   3        data\n   3          octets = 00\n            ^^^ others\n"
            f"\n   0  {payload[:16].hex(' ')}\n  16  00 00 00 00\n      ^^",
            "findings": [{"code": "sent_payload"}],
        }
    )
    assert last.runs == [("7a 34 00", False), (" ".join(["00"] * 17), True)]
    assert last.rows[-1].text == "      ^^ ^^ ^^ ^^"


def test_an_entry_of_a_cause_has_the_line_that_repeats_its_example_and_the_capture(page):
    part = page.text.split("What is wrong", 2)[-1].split("What was not tried, and why")[0]
    assert "pytest --rig lwip-802154 --seed 7" in part
    assert "python -m rigs replay reports/out/20261121-100000-7/evidence/lwip-802154/" in part
    assert "capture of the case (pcapng)" in part


def test_a_sequence_is_shown_in_full_and_called_one():
    row = "e0 f8 00 09 0c" + " 00" * 96
    body = environment().from_string('{% from "macros.html.j2" import exchange %}{{ exchange(result, 60) }}')
    told = {"stimulus": "\n".join([row] * 9), "expected": "", "actual": "", "message": "", "findings": []}
    said = body.render(result=told)
    assert said.count(row) == 9
    assert "<dt>Frames sent, in order</dt>" in said


def test_a_mark_keeps_the_spaces_between_octets():
    runs = [("02", False), ("e0 58", True), ("18", False)]
    figure = environment().from_string('{% from "macros.html.j2" import octets %}{{ octets(runs) }}')
    assert figure.render(runs=runs) == "02 <mark>e0 58</mark> 18"


def test_octets_that_differ_are_marked_in_what_was_expected_and_what_came():
    expected, actual = "understood as 60 00 00 00 00 10 3a 40 fe 80", "came 60 00 00 00 00 10 3b 40 fe"
    one, other = differing(expected, actual)
    assert "".join(words for words, _ in one) == expected
    assert "".join(words for words, _ in other) == actual
    assert [words.strip() for words, wrong in one if wrong] == ["3a", "80"]
    assert [words.strip() for words, wrong in other if wrong] == ["3b"]
    assert differing("words", actual) == ([("words", False)], [(actual, False)])


def test_a_green_result_with_advice_does_not_look_plain_green(sample, tmp_path):
    results = list(sample.sample_results())
    results[1].findings = results[0].findings
    results[1].findings[0].known = None
    sample.write_record(tmp_path / "run", results)
    text = Page(render(read(tmp_path / "run"))).text
    assert "linux-802154 (advice)" in text
    assert "with advice that was not followed" in text


def test_facts_of_run_and_rigs(page):
    for fact in ("0123456789abcdef", "seed 7", "lwIP", "6.12.57", "lost", "recovered"):
        assert fact in page.text, fact
    assert "interrupted" not in page.text


def test_an_interrupted_run_is_said_to_be_one(sample, tmp_path):
    path = sample.write_record(tmp_path / "run", footer=False)
    with path.open("a") as file:
        file.write('{"type":"result","ca')
    text = Page(render(read(path))).text
    assert "This run was interrupted" in text
    assert "last line is cut" in text


def test_the_head_has_the_worst_fault_in_words_and_what_a_user_notices(page):
    head = page.text.split("Node by node")[0]
    assert (
        "Worst fault: Whoever is in radio range can stop the node by what one case sent, of which it is "
        "not known which frames did it" in head
    )
    assert (
        "critical: crash (not declared, on lwip-802154: The DUT crashed, restarted or fell silent until it was"
        in head
    )


def test_what_was_not_tried_or_told_is_grouped_by_what_the_results_say(page):
    part = page.text.split("What was not tried, and why", 2)[-1].split("Requirements that no case")[0]
    assert "1 case tried without a verdict , because the rig or the medium failed." in part
    assert "RFC 4944 IPv6 over IEEE 802.15.4: frames, fragments, mesh headers none of 1" in part
    assert "1: the tester heard none of its own controls: radio deaf since 10:00:02" in part
    assert "1: needs fragmentation: RFC 7668 §3 does not use it" in part


def test_states_are_readable_without_colour(page):
    assert "K 1 known ✓ 4 pass" in page.text
    for words in ("✗ fail", "K known", "? inconclusive", "– unsupported", "! error", "✓ pass"):
        assert words in page.text


def test_requirements_name_their_cases_and_what_was_not_tried(run):
    part = Page(pages(read(run))["requirements.html"]).text
    assert "RFC 6282: " in part
    assert "not tried: this run has no case for them" in part
    assert "RFC0000-1-01" in part


def test_a_requirement_whose_cases_no_rig_could_try_was_not_tried(sample, tmp_path):
    """It counted as tried, beside a first page that said of the whole document that it was not."""
    cases = [
        sample.result(
            f"rfc8505/5/{verdict}", "desk", verdict, [row], reason="not_declared" * (verdict != "pass")
        )
        for verdict, row in (("unsupported", "RFC8505-5.1-01"), ("pass", "RFC8505-5.3-01"))
    ]
    text = Page(pages(read(sample.write_record(tmp_path / "run", cases)))["requirements.html"]).text
    assert re.search(r"RFC 8505: 1 of \d+ testable requirements tried", text)
    assert "1 not tried: no rig of this run could try their cases RFC8505-5.1-01" in text


def test_a_limit_is_no_requirement_of_an_rfc(sample, tmp_path):
    slow = Finding("limit", "LIMIT-01", "MUST", "round trip of 20 ms at most", "round trip: 31 ms")
    found = sample.result(
        "performance/latency/round_trip[8]", "linux-ble", "fail", ["LIMIT-01"], findings=[slow]
    )
    made = pages(read(sample.write_record(tmp_path / "limit", [found])))
    text = Page(made["requirements.html"]).text
    assert "Limits of the rig: 1 of 2 testable requirements tried" in text
    assert "RFC" not in text.partition("Limits of the rig")[2].partition("LIMIT-01")[0]
    assert "A figure is worse than whoever runs the rig allows" in Page(made["index.html"]).text


def test_evidence_outside_the_run_is_never_linked(sample, tmp_path):
    for path in ("/etc/passwd", "javascript:alert(1)", "../../x.pcapng", "evidence/../../x", "."):
        results = list(sample.sample_results())
        results[0].evidence = path
        sample.write_record(tmp_path / "run", results)
        with pytest.raises(RecordError, match=r"run.jsonl:7: evidence: it .*; found"):
            read(tmp_path / "run")
        (tmp_path / "run" / "run.jsonl").unlink()
        assert evidence_path(path) in ("", "./javascript%3Aalert%281%29")  # a file of that name, no script


def test_an_empty_record_is_a_page_too(sample, tmp_path):
    sample.write_record(tmp_path / "run", [])
    assert "no results" in Page(render(read(tmp_path / "run"))).text


def test_mutants_stand_beside_the_requirement_that_they_broke(run):
    name = next(row for line in read(run).results for row in line["requirements"])
    kills = {"send-tf-order": {"requirement": name, "case": "rfc6282/3.2/x<y"}}
    text = pages(read(run), kills)["requirements.html"]
    assert "send-tf-order: by rfc6282/3.2/x&lt;y" in text
    assert "1 mutant caught" in text
    assert "mutant caught" not in pages(read(run))["requirements.html"]


def test_the_line_that_sends_frames_again_has_folder_rig_and_settings_as_the_run_had_them(run):
    record = read(run)
    record.header["asked"] = {"arguments": ["suites", "--record-dir", "/kept/here"]}
    again = Again(view(record))
    repeat = "../python -m pytest suites/a.py::b --rig '/rigs/my own.toml' --seed 7 --set dut.hop=3"
    line = again.replay({"evidence": "evidence/one/a.pcapng", "repeat": repeat}, "one")
    assert line == (
        ".venv/bin/python -m rigs replay /kept/here/20261121-100000-7/evidence/one/a.pcapng "
        "--rig '/rigs/my own.toml' --set dut.hop=3"
    )
    assert again.replay({"evidence": "../a.pcapng", "repeat": repeat}, "one") == ""
    assert "--rig one" in again.replay({"evidence": "a.pcapng", "repeat": "it's"}, "one")
