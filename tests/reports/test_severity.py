"""What a breach does, and how grave that is: every code has an effect, and the worst comes first."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from reports.causes import Cause
from reports.severity import ADVICE, EFFECTS, NOTED, SEVERITIES, effect_of, named, place_of, worst_effect
from reports.view import Case, Rig
from vectors.codes import ALWAYS, CODES, DEATHS


def finding(code, requirement="RFC6282-2-04", level="MUST"):
    return {"code": code, "requirement": requirement, "level": level}


def test_every_code_has_an_effect():
    """A code that nobody placed would be told as a lapse of form, whatever it does."""
    assert [code for code in CODES if named(code) is None] == []


def test_every_glob_of_an_effect_means_a_code():
    """A glob that fits nothing, or nothing that an effect before it does not take, says what nobody can see."""
    found = {code: named(code) for code in CODES}
    rules = {}
    for effect in EFFECTS:
        for glob in effect.codes:
            code, _, requirement = glob.partition(" ")
            rules[effect.name, glob] = (
                named(code, requirement) is effect
                if requirement
                else any(found[one] is effect for one in CODES if fnmatchcase(one, glob))
            )
    assert [rule for rule, means in rules.items() if not means] == []


def test_effects_stand_by_their_severity():
    places = [SEVERITIES.index(effect.severity) for effect in EFFECTS]
    assert places == sorted(places)
    assert len({effect.name for effect in EFFECTS}) == len(EFFECTS)


def test_the_page_of_documentation_has_the_scale():
    text = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()
    rows = [
        row.split("|")[1:3]
        for row in text.splitlines()
        if row.startswith(tuple(f"| {s} |" for s in SEVERITIES))
    ]
    assert [tuple(cell.strip() for cell in row) for row in rows] == [(e.severity, e.name) for e in EFFECTS]


@pytest.mark.parametrize(
    ("code", "requirement", "name"),
    [
        ("dut_lost", "RFC4944-5.3-28", "crash"),
        ("not_released", "RFC4944-5.3-28", "outage"),
        ("mixed_destinations", "RFC4944-5.3-18", "accepts what it must ignore"),
        ("mixed", "RFC4944-5.3-18", "wrong data"),  # of one sender
        ("accepted", "RFC4944-5.3-18", "leak of data"),  # of two
        ("quote_trailer", "RFC4443-3.1-01", "leak of data"),
        ("neighbour_moved", "RFC4944-8-01", "lost after a change"),
        ("nd_taken", "RFC4861-8.1-01", "hijack"),
        ("too_large", "RFC4944-4-01", "traffic lost"),
        ("dropped", "RFC6282-4.2-10", "some forms lost"),
        ("dropped", "RFC4944-3-01", "traffic lost"),  # whoever has a 16-bit address, in any form
        ("zero_checksum", "RFC6282-4.3.3-01", "accepts what it must ignore"),
        ("answered_twice", "RFC6282-2-04", "does it twice"),  # of good requests: nothing was to be ignored
        ("delivered_twice", "RFC6282-2-04", "does it twice"),
        ("not_registered", "RFC7668-3.2.2-14", "role not fulfilled"),
        ("traffic_class", "RFC6282-3.1.1-01", "marks changed"),
        ("accepted", "RFC6282-3.1.2-06", "advice"),  # the row binds nobody
        ("acme.led_dark", "RFC6282-2-04", "wrong format"),
    ],
)
def test_effect(code, requirement, name):
    assert effect_of(finding(code, requirement)).name == name


@pytest.mark.parametrize(
    ("actual", "name"),
    [
        ("1 missing: an answer; octets 96 to 98, of which 3 never came: 00 3a f1", "leak of data"),
        ("1 missing: an answer; octets 96 to 98, of which 3 never came: 00 00 00", "wrong data"),
        ("1 missing: an answer", "wrong data"),
    ],
)
def test_a_hole_that_is_filled_with_memory_is_a_leak(actual, name):
    assert effect_of(finding("hole", "RFC4944-5.3-20") | {"actual": actual}).name == name
    assert effect_of(finding("dropped") | {"actual": actual}).name == "some forms lost"


def test_a_should_is_advice():
    assert effect_of(finding("accepted", "RFC6282-3.1.2-06", level="SHOULD")) is ADVICE


def test_advice_under_a_must_is_not_what_a_text_advises():
    """It read "the text advises against it, and binds nobody" beside the MUST."""
    assert effect_of(finding("accepted", level="SHOULD")) is NOTED


@pytest.mark.parametrize("code", sorted(DEATHS))
@pytest.mark.parametrize("breach", [{"level": "SHOULD"}, {"requirement": "RFC6282-3.1.2-06"}])
def test_a_death_is_critical_whatever_it_breaks(code, breach):
    """The verdict counts it, so the page may not call it advice."""
    effect = effect_of(finding(code, **breach))
    assert (effect.severity, effect.name) == ("critical", "crash")


def test_what_a_verdict_always_counts_is_no_advice():
    found = {code: effect_of(finding(code, "RFC6282-3.1.2-06", "SHOULD")) for code in ALWAYS}
    assert ADVICE not in found.values()


def test_the_worst_of_several():
    codes = ("traffic_class", "dropped", "checksum", "dut_lost", "dropped")
    assert worst_effect(map(finding, codes)).name == "crash"
    assert worst_effect(map(finding, codes[:3])).name == "sends bad packets"
    assert worst_effect([]) is None
    assert place_of(None) > place_of(ADVICE)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "lost",
            "Some traffic does not get through. The requirement binds, and this is not charged to the node: a packet",
        ),
        ("accepted", "and this is not charged to the node: whether it covers this case is read in two ways"),
    ],
)
def test_advice_under_a_must_says_why_it_is_not_charged(code, said):
    found = finding(code, level="SHOULD") | {"frame": "", "expected": "", "actual": ""}
    shown = [(Rig("one"), Case("rfc6282/2/a", "", ""), {"rig": "one", "findings": [found], "stimulus": ""})]
    assert said in Cause("advice", "x", "x", shown).notice
