"""What proves a finding: the frame as the oracle reads it, which of its octets are in question, and what is claimed."""

from fnmatch import fnmatchcase

import pytest

from reports import proof
from reports.causes import Cause, causes
from reports.frames import frame_of, proof_of
from reports.proof import claim, in_short, read_by_oracle, sent_words, without_frame
from reports.record import Finding, read
from reports.view import Case, Rig, view
from sixlowpan import LinkInfo, fragment, ipv6, link_local
from tests.reports.sample import result, write_record
from vectors.codes import CODES
from vectors.silence import UNHEARD

ECHO = bytes.fromhex("41c8fecdab0100cf3cc247075e000272332e3a8000230fe17f000137b0bd9be457c2e5")
FRAG1 = bytes.fromhex("c0a860ff72335a3a8000641200010203")
FRAGN = bytes.fromhex("e0a860ff1194ace8b270231234")


def finding(code, frame=ECHO, **rest):
    return {"code": code, "requirement": "RFC6282-2-04", "frame": frame.hex(), "offset": None, **rest}


def shown(found, **rest):
    annotated = read_by_oracle(bytes.fromhex(found["frame"]), "ieee802154")
    return frame_of({"findings": [found], "annotated": annotated, "stimulus": "", **rest})


def test_a_good_frame_that_was_dropped_has_no_wrong_octet():
    frame = shown(finding("dropped"))
    assert frame.said == "Nothing in this frame is wrong: the node must heed it, and did not."
    assert not any(wrong for _, wrong in frame.runs)
    assert not any(row.wrong for row in frame.rows)
    assert shown(finding("no_answer")).said.endswith("the node must answer it, and did not.")


def test_a_mark_of_an_old_record_in_a_good_frame_is_not_shown():
    tree = read_by_oracle(ECHO, "ieee802154").splitlines()
    tree.insert(3, "            ^^^ expected understood as 60; actual nothing came out")
    frame = frame_of(
        {"findings": [finding("dropped")], "annotated": "\n".join([*tree, "", "   0  72 33", "      ^^"])}
    )
    assert not any(row.wrong or row.note for row in frame.rows)
    assert (
        frame.rows[-1].text.strip().startswith("4 ")
    )  # what the oracle prints behind its tree is not a field


def test_a_field_that_was_misread_is_marked_and_called_right():
    frame = shown(finding("traffic_class", field="traffic_class"))
    assert [octets for octets, wrong in frame.runs if wrong] == ["2e"]
    assert "the node misreads the traffic class" in frame.said
    elided = shown(finding("8-11-source", field="source"))
    assert [octets for octets, wrong in elided.runs if wrong] == ["33"], "the mode bits stand for it"


@pytest.mark.parametrize(
    ("payload", "field", "octets"),
    [
        ("7e33 f3 f0 f2f5 59", "udp_source_port", "f0"),
        ("7e33 f3 f0 f2f5 59", "udp_destination_port", "f0"),
        ("7e33 f2 83 0012 f2f5 59", "udp_source_port", "83"),
        ("7e33 f2 83 0012 f2f5 59", "udp_destination_port", "00 12"),
        ("7e33 f1 1234 56 f2f5 59", "udp_source_port", "12 34"),
        ("7e33 f1 1234 56 f2f5 59", "udp_destination_port", "56"),
        ("7e33 f0 1234 5678 f2f5 59", "udp_destination_port", "56 78"),
        ("c040 0001 7e33 f0 1234 5678 f2f5 59", "udp_source_port", "12 34"),
        ("7e33 f3 f0 f2f5 59", "udp_checksum", "f2 f5"),
        ("7e33 f7 f0 59", "udp_checksum", "f7"),
        ("7e33 f3 f0 f2f5 59", "next_header", "f3"),
        ("7e33 e6 11 06 1e0401020304 1234567800090000 59", "next_header", "e6"),
        ("7e33 e6 11 06 1e0401020304 1234567800090000 59", "payload_length", "06"),
        ("7a33 3a 80004124", "next_header", "3a"),
        ("6233 aa0abcde 3a 80004124", "traffic_class", "aa"),
        ("6233 aa0abcde 3a 80004124", "flow_label", "0a bc de"),
        ("6a33 8abcde 3a 80004124", "flow_label", "8a bc de"),
        ("7233 39 3a 80004124", "traffic_class", "39"),
        ("7233 39 3a 80004124", "flow_label", "72"),
        ("7b33 3a 80004124", "hop_limit", "7b"),
        ("c040 0001 7a33 3a 80004124", "version", "7a"),
    ],
)
def test_the_octets_that_say_a_field_are_those_and_no_others(payload, field, octets):
    head = bytes.fromhex("41cc98cdab010000feff5e0002416b5e8a1b5e0002")
    frame = shown(finding(field, head + bytes.fromhex(payload), field=field))
    assert " ".join(words for words, wrong in frame.runs if wrong) == octets
    assert "The octets that say it are marked" in frame.said


def test_a_context_that_the_oracle_lacks_is_no_fault_of_the_frame():
    octets = bytes.fromhex("41c8fecdab0100cf3cc247075e00027af3603a800041c4f2ee0001")
    frame = shown(finding("8-11-source", octets, field="source"))
    assert not any(row.wrong for row in frame.rows)
    assert "context 6 held when this was sent" in " ".join(row.text for row in frame.rows)
    sent = shown(finding("context_used", octets))
    assert not any(row.wrong for row in sent.rows)


def test_octets_that_came_are_held_against_those_that_must():
    sent = bytes.fromhex("418855cdabffff01007b393a0201ff73ba0b87005ae10000000001010001 5a5a5a5a")
    words = {"expected": "01 01 00 01 00 00 00 00 or longer", "actual": "01 01 00 01 5a 5a 5a 5a (from 0001)"}
    frame = shown(finding("address_option", sent, **words))
    assert [octets for octets, wrong in frame.runs if wrong] == ["5a 5a 5a 5a"]
    assert "The node sent this frame." in frame.said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("dut_lost", "The node is lost behind this frame."),
        ("another_pan", "The node must ignore this frame, and acted on it."),
        ("mixed_tags", "What the node made of this frame is wrong: see what was expected, and what came."),
        ("not_registered", "Nothing in this frame is wrong: what the node must send behind it did not come."),
        ("retransmission_lost", "The node sent this frame once, and must send it again."),
        ("advertised", "The node sent this frame, and must not."),
        ("not_minimal", "The node sent this frame."),
        ("limit", ""),
        # the frame of a leak is the one that leaks, often a wrong one; in neighbor discovery it may be either side's
        ("not_released", ""),
        ("nd_unanswered", ""),
    ],
)
def test_claims(code, said):
    assert claim(finding(code)) == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("it dies of one frame (bc0): 41", "The node died of this frame each time that it was sent."),
        (
            "it dies of 26 frames: 41",
            "died each time that 26 frames were sent in a row; this is the last of them.",
        ),
        (
            "24 frames (a) killed it again, and not each time that it was sent again: 41",
            (
                "This is the last frame that was sent before the node was lost. 24 frames, sent again, killed it once "
                "more, and not each time."
            ),
        ),
        (
            "none of 48 stimuli kills it when it is sent again to the DUT",
            "Sent again, none of 48 stimuli killed it: ",
        ),
        (
            "one stimulus does not kill it when it is sent again to the DUT",
            "Sent again, it did not kill the node: ",
        ),
        ("it dies without any frame as well", "behind ordinary echoes alone as well."),
    ],
)
def test_the_frame_of_a_death_is_said_to_kill_only_where_it_killed_again(words, said):
    assert said in claim(finding("dut_lost", actual=f"the DUT was lost (crashed): reset; {words}"))


def test_what_the_code_does_not_tell_is_neither_said_nor_marked():
    frame = shown(finding("not_released", offset=3))
    assert not any(wrong for _, wrong in frame.runs)
    assert frame.said.startswith("No octet of it is wrong by itself")


@pytest.mark.parametrize("cut", [0, 20])
def test_octets_of_memory_behind_a_quote_are_marked_as_far_as_the_frame_has_them(cut):
    memory = bytes.fromhex("d0160000fe000001c0160000080000000000ffff")
    octets = ECHO + memory + bytes(16)
    octets = octets[: len(octets) - cut]
    more = f"36 octets more behind it: {memory.hex(' ')}..."
    frame = shown(finding("quote_trailer", octets, actual=more))
    assert [(bytes.fromhex(words), wrong) for words, wrong in frame.runs][-1] == (octets[len(ECHO) :], True)
    assert "The node sent this frame, and what it quotes goes on behind the end" in frame.said


def test_the_frame_of_an_answer_with_other_data_is_the_nodes():
    frame = shown(finding("payload", expected="Echo Reply with the data of the request", actual="the end"))
    assert frame.said == "The node sent this frame, and its data are not those of the request."
    assert (
        "the node misreads the payload" in shown(finding("payload", expected="payload 01", actual="02")).said
    )


def test_every_glob_of_silence_means_a_code():
    assert [glob for glob in UNHEARD if not any(fnmatchcase(code, glob) for code in CODES)] == []
    named = (*proof._ANSWERS, *proof._DUE, *proof._OPEN, *proof._SAID)
    assert [code for code in named if code not in CODES] == []


def test_a_sequence_is_shown_as_one():
    stimulus = f"the last first\n{FRAGN.hex(' ')}\n{FRAG1.hex(' ')}\n... and 2 more payloads"
    found = finding("dropped", bytes.fromhex("41c8fecdab0100cf3cc247075e0002") + FRAGN)
    one = {"stimulus": stimulus, "findings": [found], "annotated": ""}
    assert sent_words(one).splitlines() == [
        "the last first",
        f"1. FRAGN, octets from 136 of 168, tag 24831: {FRAGN.hex(' ')}",
        f"2. FRAG1, octets from 0 of 168, tag 24831: {FRAG1.hex(' ')}",
        "... and 2 more payloads",
    ]
    assert frame_of(one).said == "Nothing in these frames is wrong: the node must heed them, and did not."
    alone = {"stimulus": f"alone\n{FRAG1.hex(' ')}", "findings": []}
    assert sent_words(alone) == alone["stimulus"]


def test_a_sequence_names_the_fragment_that_lies_wrongly_and_the_one_that_kills():
    whole = ipv6.echo_request(link_local(bytes(8)), link_local(bytes(7) + b"\1"), 7, 1, bytes(152))
    first, second, third = fragment(whole, LinkInfo("ieee802154", bytes(8), bytes(7) + b"\1"), mtu=80, tag=9)[
        :3
    ]
    beyond = third[:4] + bytes([len(whole) // 8]) + third[5:]
    rows = [one.hex(" ") for one in (first, second, beyond)]
    result = {"stimulus": "\n".join(["moved", *rows]), "findings": [finding("beyond", ECHO[:15] + first)]}
    said = sent_words(result).splitlines()
    assert ["refused by the oracle" in row for row in said] == [False, False, False, True]
    assert "ends beyond datagram_size 200): e0" in said[3]
    assert all(row in words for row, words in zip(rows, said[1:], strict=True)), "all frames, in full"
    result["findings"] = [finding("dut_lost", ECHO[:15] + second)]
    deadly = sent_words(result).splitlines()
    assert ["(the last before the node was lost)" in row for row in deadly] == [False, False, True, False]
    result["findings"][0]["actual"] = "the DUT was lost; it dies of 3 frames: 41"
    deadly = sent_words(result).splitlines()
    assert ["the node is lost behind this one" in row for row in deadly] == [False, False, True, False]


def test_whole_frames_are_told_from_payloads():
    head = bytes.fromhex("41c801cdab0100939fa700075e0002")
    frames = [head + FRAG1, head + FRAGN]
    stimulus = "\n".join(one.hex(" ") for one in frames)
    rows = sent_words({"stimulus": stimulus, "findings": [finding("dut_lost", frames[1])]}).splitlines()
    assert [row.partition(",")[0] for row in rows] == ["1. frame with FRAG1", "2. frame with FRAGN"]


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("", "nothing"),
        ("7a33", "IPHC"),
        ("4160", "IPv6"),
        ("00", "NALP"),
        ("c0", "FRAG1"),
        ("e0a860ff", "FRAGN"),
        ("b1 0001 0002 5007 7a33", "mesh header, broadcast header, IPHC"),
        ("81 0001020304050607 08090a0b0c0d0e0f 4160", "mesh header, IPv6"),
    ],
)
def test_payloads_in_short(payload, words):
    assert in_short(bytes.fromhex(payload)) == words


def test_what_stands_in_the_place_of_a_missing_frame():
    waited = {"code": "not_sent", "actual": "nothing within 3 s"}
    assert without_frame(waited, {"controls": "2/2"}) == "no answer came within 3 s; controls answered: 2/2"
    assert without_frame({"code": "dropped", "actual": "x"}, {}) == "no answer came"
    stream = without_frame({"code": "nothing_came", "actual": "none"}, {"controls": "2/2"})
    assert stream == "no frame: nothing reached the application on the node"
    assert (
        without_frame({"code": "embedded", "actual": "fe80"}, {"observed_by": "tap"})
        == "no frame; told by the IP tap"
    )


def test_the_proof_of_a_profile_is_decoded():
    frame = proof_of(ECHO.hex(), "traffic_class", "RFC6282-3.1.1-03", "ieee802154")
    assert [octets for octets, wrong in frame.runs if wrong] == ["2e"]
    assert any("Next Header = 58" in row.text for row in frame.rows)
    alone = proof_of("7e33f0123434570000", "zero_checksum", "RFC6282-4.3.3-01", "ieee802154")
    assert alone.rows, "a payload without its MAC header is read as well"
    signalling = proof_of("150a0a0000000000000000000200", "refused", "RFC7668-2-01", "ble")
    assert signalling.rows == []
    assert signalling.said == "The node refuses with this frame."
    assert proof_of("", "dropped", "RFC6282-2-04", "ble") is None


def two_findings():
    """A result whose first finding is a known deviation, and whose second one is news, about another frame."""
    known = Finding("dropped", "RFC6282-2-04", "MUST", "understood", "nothing", ECHO.hex(), known="order")
    frame = bytes.fromhex("41c8fecdab0100cf3cc247075e0002") + FRAGN
    news = Finding("unresolved", "RFC6282-2-04", "MUST", "an answer", "none", frame.hex())
    return result(
        "rfc6282/2.fragments/last", "lwip-802154", "fail", ["RFC6282-2-04", "RFC6282-3-01"],
        findings=[known, news], known="order", stimulus=ECHO[15:].hex(" "), expected="understood", actual="nothing",
        annotated=read_by_oracle(ECHO, "ieee802154"),
    )  # fmt: skip


def test_an_example_is_of_its_cause_and_of_no_other(tmp_path):
    """A case may show news beside a known deviation: what is shown of the one must not be the proof of the other."""
    line = two_findings()
    line.known = None
    page = view(read(write_record(tmp_path / "run", [line])))
    found = {(cause.kind, cause.name): cause for cause in causes(page) if cause.shown}
    _, _, news = found["fail", "RFC6282-2-04 unresolved"].example()
    assert [one["code"] for one in news["findings"]] == ["unresolved"]
    assert (news["expected"], news["actual"]) == ("an answer", "none")
    assert FRAGN.hex(" ") in news["stimulus"]
    assert frame_of(news).said == "Nothing in this frame is wrong: the node must answer it, and did not."
    _, _, known = found["known", "order"].example()
    assert [one["code"] for one in known["findings"]] == ["dropped"]
    assert known["stimulus"] == ECHO[15:].hex(" "), "the first finding has the stimulus of the record"


def test_requirements_of_a_cause_are_those_that_are_broken():
    rig, case = Rig("r"), Case("c", "", [])
    rows = ["RFC6282-4.2-10", "RFC6282-4.2-13", "RFC6282-4.2-13"]
    findings = [{**finding("dropped"), "requirement": row, "known": "d"} for row in rows]
    cause = Cause("known", "d", "d", [(rig, case, {"findings": findings, "requirements": ["RFC6282-3-01"]})])
    assert cause.demanded() == ["RFC6282-4.2-13", "RFC6282-4.2-10"], (
        "most first, and nothing that was only tried"
    )
    unseen = Cause("known", "d", "d", deviation={"requirement": "RFC6282-4.2-*"})
    assert unseen.demanded() == [], "which row of a pattern is broken is not known"
    unseen.deviation["requirement"] = "RFC6282-4.2-10"
    assert unseen.demanded() == ["RFC6282-4.2-10"]


def test_the_example_of_a_fault_of_sequences_is_a_sequence(tmp_path):
    head = bytes.fromhex("41c8fecdab0100cf3cc247075e0002")
    one = Finding("dropped", "RFC4944-5.3-19", "FORMAT", "x", "nothing", (head + FRAG1).hex(), known="order")
    lines = [
        result(
            f"rfc4944/5.3/order[{name}]", "lwip-802154", "fail", ["RFC4944-5.3-19"], known="order", findings=[one],
            stimulus=stimulus, annotated=read_by_oracle(head + FRAG1, "ieee802154"),
        )
        for name, stimulus in (("one", FRAG1.hex(" ")), ("two", f"{FRAGN.hex(' ')}\n{FRAG1.hex(' ')}"))
    ]  # fmt: skip
    (cause,) = (
        one for one in causes(view(read(write_record(tmp_path / "run", lines)))) if one.name == "order"
    )
    cause.deviation = {"finding": "dropped", "requirement": "RFC4944-5.3-19", "frame": (head + FRAG1).hex()}
    assert cause.example()[1].name == "rfc4944/5.3/order[two]"
    assert "one of a sequence" in cause.proof().said


def test_in_the_last_frame_of_a_death_by_load_nothing_is_marked():
    """One frame that kills alone keeps its mark; of many none is the one that is wrong."""
    tree = "frame   61 00\n  0  payload = 2 octets\n  0  dispatch\n     ^^^ reserved"
    lost = {"code": "dut_lost", "requirement": "SURVIVAL-01", "frame": "6100", "offset": 1}
    for actual, marked in (
        ("it dies of 24 frames: 61", False),
        ("lost", False),
        ("it dies of one frame", True),
    ):
        shown = frame_of({"annotated": tree, "findings": [lost | {"actual": actual}]})
        assert any(wrong for _, wrong in shown.runs) is marked
        assert ("marked" in shown.said) is marked


def test_under_a_frame_that_did_not_kill_alone_no_caret_stands():
    """The carets stayed where the oracle read something odd, with no word of why."""
    octets = bytes.fromhex("7b333a8700894a00000000fe80000000000000")
    tree = f"{read_by_oracle(octets, 'ieee802154')}\n\n   0  {octets[:16].hex(' ')}\n               ^^\n"
    lines = tree.splitlines()
    lines.insert(4, "            ^^^ the payload ends too early")
    lost = {
        "code": "dut_lost",
        "requirement": "SURVIVAL-01",
        "frame": octets.hex(),
        "actual": "lost; none of 4",
    }
    rows = frame_of({"annotated": "\n".join(lines), "findings": [lost]}).rows
    assert not any("^" in row.text for row in rows)


@pytest.mark.parametrize("control", ["2101", "4108", "c1c8", "41cd", "45cc", "ffff"])
def test_a_whole_frame_with_a_strange_mac_header_shows_that_and_no_field_of_a_payload(control):
    """By a header without addresses the payload began within an address: that was marked as a reserved dispatch."""
    octets = bytes.fromhex(f"{control} 02cdab010000feff5e0002442b4d442e5e00027a003a80008183")
    died = finding("dut_lost", octets, actual="it dies of one frame: ...")
    frame = shown(died, stimulus=f"frame control {control}\n{octets.hex(' ')}")
    assert [words for words, wrong in frame.runs if wrong] == [bytes.fromhex(control).hex(" ")]
    assert "frame control is marked" in frame.said
    assert frame.rows == []
    good = shown(finding("dropped", octets), stimulus=octets.hex(" "))
    assert not any(wrong for _, wrong in good.runs)


def test_of_a_death_no_field_is_called_wrong():
    """What the text does not know in a frame need not be what the node died of."""
    octets = bytes.fromhex("41cc02cdab010000feff5e0002442b4d442e5e0002cd7a003a80008183")
    died = finding("dut_lost", octets, actual="it dies of one frame: ...")
    tree = f"frame   {octets.hex(' ')}\n  0  payload = 8 octets\n  0  dispatch = 205\n     ^^^ reserved\n  1  octets"
    frame = shown(died, annotated=tree, stimulus=octets.hex(" "))
    assert [words for words, wrong in frame.runs if wrong] == ["cd"]
    assert "wrong" not in frame.said
    assert "The octets at which the text stops reading are marked." in frame.said


def test_what_was_sent_and_the_frame_below_are_of_one_stimulus():
    """The record has the first of several stimuli: beside it stood the frame of the second."""
    sent = {"stimulus": "the rest (doubled)\ne0 f8 71 44 1c 7b\n... and 1 stimuli behind it"}
    late = finding("timeout_too_long", ECHO)
    told = sent_words({"findings": [late], **sent})
    assert told == f"one of 2 stimuli, as a frame; the capture has all\n{ECHO.hex(' ')}"
    first = finding("timeout_too_long", ECHO[:15] + bytes.fromhex("e0f871441c7b"))
    assert "(doubled)" in sent_words({"findings": [first], **sent})
    answer = finding("answered_twice", ECHO)  # the node sent that frame
    assert "(doubled)" in sent_words({"findings": [answer], **sent})
