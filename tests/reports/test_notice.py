"""What a user would notice of a cause: no more than its frames prove, and who is meant by what they have in common."""

import pytest

from reports.causes import causes
from reports.record import Finding, read
from reports.view import view
from tests.reports.sample import result, write_record

RIG = "lwip-802154"
FROM_SHORT = "418845cdab010032247a333a80000aa36f77000150a017ce4abb333b"
FROM_EUI64 = "41c8fdcdab0100e616eb4c365e00027a333a80002af679f200013904e3a1302acff0"
ROW = "RFC4944-5.3-19"
#: The four fragments of a datagram: 96, 72, 72 and 8 octets of 248.
PIECES = [
    "c0f80001" + "7a333a" + "80" * 56,
    "e0f800010c" + "a1" * 72,
    "e0f8000115" + "b2" * 72,
    "e0f800011e" + "c3" * 8,
]


def bad(code, frame="", *, case="rfc4944/a/b", order="", actual="nothing", rig=RIG, row=ROW, **rest):
    found = Finding(code, row, "MUST", rest.pop("expected", "it comes out"), actual, frame)
    return result(case, rig, "fail", [row], findings=[found], stimulus=sent(order), **rest)


def right(case, order, **rest):
    return result(case, RIG, "pass", [ROW], stimulus=sent(order), observed_by=rest.pop("by", "tap"), **rest)


def sent(order):
    return "\n".join(bytes.fromhex(PIECES[int(place)]).hex(" ") for place in order)


def told(folder, *lines):
    """What is noticed of each cause of a record of these results, by the code of its findings."""
    write_record(folder, lines)
    found = causes(view(read(folder)))
    return {cause.findings[0]["code"]: cause.notice for cause in found if cause.shown}


def test_who_is_meant_is_what_all_frames_have_in_common(tmp_path):
    two = [bad("dropped", FROM_SHORT), bad("dropped", FROM_SHORT, case="rfc4944/a/c")]
    assert told(tmp_path / "all", *two)["dropped"] == "Packets from a 16-bit link-layer address never arrive."
    two.append(bad("dropped", FROM_EUI64, case="rfc4944/a/d"))
    some = "Some packets never arrive."
    assert told(tmp_path / "some", *two)["dropped"] == some


def test_a_right_result_of_the_same_form_makes_it_some(tmp_path):
    swapped = bad("dropped", order="0213", case="rfc4944/5.3/order_of_arrival[middle]")
    words = "packets whose fragments arrive in another order than they are sent never arrive."
    assert told(tmp_path / "all", swapped)["dropped"] == f"P{words[1:]}"
    also = right("rfc4944/5.3/order_of_arrival[last]", "0132")
    assert told(tmp_path / "some", swapped, also)["dropped"] == (
        f"Some {words} Others of this kind arrive (as in the case rfc4944/5.3/order_of_arrival[last]). "
        "Of 2 cases of this kind 1 failed and 1 passed."
    )
    ignored = right("rfc4944/5.3/holes", "0132", attempts="0/1")  # nothing came of it, as must be
    assert told(tmp_path / "no", swapped, ignored)["dropped"] == f"P{words[1:]}"


def test_one_fragment_of_several_does_not_say_that_fragments_are_lost(tmp_path):
    """In order they arrive; the frame of a finding that is none of the first shows no order."""
    frame = "41c8fdcdab0100e616eb4c365e0002" + PIECES[2]
    assert (
        told(tmp_path / "one", bad("dropped", frame))["dropped"] == "Some packets in fragments never arrive."
    )
    line = bad("dropped", order="0213")
    line.findings.append(Finding("dropped", ROW, "MUST", "it comes out", "nothing", frame))
    assert "whose fragments arrive in another order" in told(tmp_path / "both", line)["dropped"]


@pytest.mark.parametrize(
    ("order", "trait"),
    [("0123", "in fragments"), ("00123", "a fragment comes twice"), ("1023", "in another order")],
)
def test_how_fragments_follow_each_other(tmp_path, order, trait):
    assert trait in told(tmp_path / order, bad("dropped", order=order))["dropped"]


@pytest.mark.parametrize(
    ("actual", "rig", "words"),
    [
        (
            "the DUT was lost (crashed): SIGSEGV; it dies of one frame (bc0): 41",
            RIG,
            (
                "Whoever is in radio range can stop the node by one frame: it is off the "
                "network until it is started again."
            ),
        ),
        (
            "the DUT was lost (alive): 6 controls in a row were not answered; it dies of 3 frames: 41, then 42",
            RIG,
            (
                "Whoever is in radio range can stop the node by 3 frames: it answers nothing any "
                "more until somebody restarts it."
            ),
        ),
        (
            "the DUT was lost (crashed): SIGSEGV; none of 32 stimuli kills it when it is sent again",
            "linux-ble",
            (
                "Whoever connects to it can stop the node by what one case sent, of which it is not "
                "known which frames did it: it is off the network until it is started again. Sent once "
                "more, the same frames did not do it."
            ),
        ),
        (
            "the DUT was lost (crashed): reset; one stimulus does not kill it when it is sent again",
            RIG,
            (
                "Whoever is in radio range can stop the node by what one case sent, of which it is "
                "not known which frames did it: it is off the network until it is started again. Sent once "
                "more, the same frames did not do it."
            ),
        ),
        (
            "the DUT was lost (crashed): reset; it dies without any frame as well",
            RIG,
            (
                "The node stops by itself, whatever it is sent: it does so behind ordinary echoes as well, and is off "
                "the network until it is started again."
            ),
        ),
    ],
)
def test_a_death_says_what_it_takes_and_what_is_left(tmp_path, actual, rig, words):
    assert told(tmp_path / "run", bad("dut_lost", actual=actual, rig=rig))["dut_lost"] == words


#: What a death says of the frames that were sent again.
LOST = "the DUT was lost (crashed): SIGSEGV; "
EACH, SOME = (
    f"{LOST}it dies of 26 frames: 41, then 42",
    f"{LOST}24 frames (too-long) killed it again, and not each time",
)
NEVER = f"{LOST}none of 48 stimuli kills it when it is sent again to the DUT brought back"


def test_it_is_said_in_how_many_cases_a_death_was_brought_about_again(tmp_path):
    said = [NEVER, EACH, SOME, NEVER, EACH]
    lines = [
        bad("dut_lost", FROM_SHORT, case=f"rfc4944/a/{number}", actual=actual, annotated="frame")
        for number, actual in enumerate(said)
    ]
    words = told(tmp_path / "run", *lines)["dut_lost"]
    assert words.endswith(
        " The frames of all 5 cases were sent again: those of 2 killed it each time, those of 1 killed it again, but "
        "not each time, those of 2 did not kill it again."
    )


@pytest.mark.parametrize(("best", "actual"), [("rfc4944/a/1", EACH), ("rfc4944/a/1", SOME)])
def test_the_example_of_a_death_is_one_that_was_brought_about_again(tmp_path, best, actual):
    """The page showed the shortest stimulus, of a case that said itself that its frames do not kill."""
    lines = [
        bad(
            "dut_lost",
            FROM_SHORT,
            case=f"rfc4944/a/{number}",
            actual=one,
            annotated="frame",
            order="0" * number,
        )
        for number, one in enumerate((NEVER, actual, NEVER))
    ]
    write_record(tmp_path / "run", lines)
    (cause,) = (one for one in causes(view(read(tmp_path / "run"))) if one.shown)
    assert cause.example()[1].name == best


def test_the_sentence_the_title_and_the_example_are_of_one_finding(tmp_path):
    """The sentence had the octets of one case, the title was of a form that was lost, the example of a third case."""
    forms = Finding("form-6400", "RFC6282-4.3.3-06", "FORMAT", "udp source port f0b1", "udp source port f0b2")
    forms.field, forms.frame = "udp_source_port", FROM_EUI64
    noted = "udp source port f0b1 (UDP NHC, P=11, f0b0 to f0b1)"
    found = [
        [forms],
        [Finding("udp_source_port", forms.requirement, "FORMAT", "udp source port f0b0", noted, FROM_EUI64)],
        [Finding("udp_source_port", forms.requirement, "FORMAT", forms.expected, forms.actual, FROM_EUI64)],
    ]
    lines = [
        result(
            *(f"rfc6282/4/{number}", RIG, "fail", [forms.requirement]),
            findings=findings, stimulus="7e 33" * (3 - number), annotated="frame",
        )
        for number, findings in enumerate(found)
    ]  # fmt: skip
    write_record(tmp_path / "run", lines)
    (cause,) = (one for one in causes(view(read(tmp_path / "run"))) if one.shown)
    assert cause.notice == "Some packets come out with another UDP source port: f0b2 in the place of f0b1."
    assert cause.effect.name == "wrong data", "a form that comes out with another field is not lost"
    assert cause.title.startswith("The packet that came out has another udp source port")
    assert cause.example()[1].name == "rfc6282/4/2"


def test_the_death_that_takes_fewer_frames_comes_first(tmp_path):
    lines = [
        bad("dut_lost", actual="it dies of 40 frames", case="rfc4944/a/b"),
        bad("dut_lost", actual="it dies of one frame", case="rfc4944/a/c"),
    ]
    for line, name in zip(lines, ("many", "one"), strict=True):
        line.known = line.findings[0].known = name
    write_record(tmp_path / "run", lines)
    found = causes(view(read(tmp_path / "run")))
    assert [cause.name for cause in found if cause.shown] == ["one", "many"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            bad("neighbour_address", expected="the reply goes to 5d32", actual="it goes to 02005e65e7622d30"),
            (
                "What the node sends to a neighbour with a 16-bit link-layer address goes to another link-layer "
                "address: that neighbour gets nothing of it."
            ),
        ),
        (
            bad("quote_trailer", actual="40 octets more behind it: 02 25"),
            (
                "Whoever is in radio range and sends a packet that draws an ICMPv6 error gets 40 octets of the node's "
                "memory with it, which are none of that packet's."
            ),
        ),
        (
            bad("payload", expected="data: c5 4c (of 93 octets)", actual="the end (of 80 octets)"),
            ("Some packets come out with other data: they end behind octet 80 of 93."),
        ),
        (
            bad("hole", actual="an answer; octets 96 to 98, of which 3 never came: 3a f1 00"),
            (
                "A datagram of which octets never came is handed on as whole, with octets of the node's memory in "
                "their place."
            ),
        ),
        (
            bad("refused", what="A node that connected still serves who connects. More."),
            (
                "The node refuses a connection that it must serve. What does not hold here: A node that connected "
                "still serves who connects."
            ),
        ),
        (
            bad("too_large", case="rfc4944/5.3/echo[800]"),
            "Echoes of 800 octets are not answered, and smaller ones are.",
        ),
        (
            bad("one_way", what="As many are lost one way as the other."),
            (
                "Some traffic does not get through. What does not hold here: As many are "
                "lost one way as the other."
            ),
        ),
    ],
)
def test_sentences(tmp_path, line, words):
    assert told(tmp_path / "run", line)[line.findings[0].code] == words


def test_of_several_the_sentence_is_about_the_gravest(tmp_path):
    line = bad("dropped", FROM_SHORT)
    line.findings.append(Finding("hole", "RFC4944-5.3-20", "MUST", "nothing", "a packet"))
    line.known = "one"
    for found in line.findings:
        found.known = "one"
    assert told(tmp_path / "run", line)["dropped"].startswith(
        "A datagram of which octets never came is handed on"
    )


def test_never_is_not_said_of_what_some_results_have_right(tmp_path):
    lines = [bad("dropped", FROM_SHORT, case="rfc4944/a/b[one]")]
    lines.append(result("rfc4944/a/b[two]", RIG, "pass", [ROW]))
    assert told(tmp_path, *lines)["dropped"] == (
        "Packets from a 16-bit link-layer address do not arrive in 1 of 2 cases of this kind "
        "(passed: rfc4944/a/b[two])."
    )


def test_a_packet_that_is_right_but_for_its_checksum_is_not_another_packet(tmp_path):
    row = "RFC6282-4.3.2-09"
    only = result(
        *("rfc6282/4.3.2/a", RIG, "fail", [row]),
        findings=[
            Finding("misread", row, "MUST", "00 14", "00 00", FROM_EUI64, field="udp_checksum"),
        ],
    )
    assert told(tmp_path / "only", only)["misread"].endswith(
        " come out with a wrong UDP checksum; the data is as sent."
    )
    other = bad("misread", FROM_EUI64, row=row)
    assert told(tmp_path / "other", other)["misread"].endswith(" come out as another packet.")


def test_padding_in_the_place_of_data_is_wrong_data_and_two_sizes_of_one_tag_are_said(tmp_path):
    padding = bad(
        "payload_length",
        FROM_EUI64,
        row="RFC6282-4.2-15",
        expected="payload length 32",
        actual="payload length 24",
    )
    write_record(tmp_path / "a", [padding])
    (cause,) = (one for one in causes(view(read(tmp_path / "a"))) if one.shown)
    assert (cause.effect.name, "octets of their data" in cause.notice) == ("wrong data", True)
    row = "RFC4944-5.3-18"
    codes = ["mixed", "mixed", "size_mismatch"]  # what says less is not the subject, however often it is seen
    seen = [Finding(code, row, "MUST", "two", "one", FROM_EUI64) for code in codes]
    write_record(tmp_path / "c", [result("rfc4944/a/c", RIG, "fail", [row], findings=seen)])
    (cause,) = (one for one in causes(view(read(tmp_path / "c"))) if one.shown)
    assert "name two sizes of datagram under one tag" in cause.notice


def test_of_equal_effects_what_more_cases_show_comes_first(tmp_path):
    narrow = [bad("dropped", FROM_SHORT, case=f"rfc4944/a/{n}", row="RFC4944-5.3-24") for n in range(2)]
    write_record(tmp_path, [bad("dropped", FROM_EUI64, case="rfc4944/b/c"), *narrow])
    first, second = (len(one.cases) for one in causes(view(read(tmp_path))) if one.shown)
    assert (first, second) == (2, 1)
