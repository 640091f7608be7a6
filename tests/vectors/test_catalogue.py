"""The catalogue: complete, well-formed, and loud about a mistyped id."""

import pytest

from vectors.catalogue import BINDINGS, CATALOGUE, CHECKS, ID, LEVELS, UnknownRequirement
from vectors.codes import BREAKS


def test_every_row_is_well_formed():
    assert sum(row.rfc is not None for row in CATALOGUE.values()) >= 607
    for row in CATALOGUE.values():
        assert ID.fullmatch(row.id), row.id
        assert row.id.startswith(f"RFC{row.rfc}-{row.section}-" if row.rfc else ("LIMIT-", "SURVIVAL-"))
        assert row.level in LEVELS
        assert row.binding in BINDINGS
        assert row.testable in ("yes", "partly", "no")
        assert row.link in ("any", "ieee802154", "ble")
        assert set(row.check) <= set(CHECKS)
        assert row.text
        assert row.text.rstrip()[-1] in ".!?)", row.id


def test_what_cannot_be_tested_names_no_way_to_test_it():
    for row in CATALOGUE.values():
        assert bool(row.check) == (row.testable != "no"), row.id


def test_a_breach_of_a_should_or_may_is_never_a_failure():
    for row in CATALOGUE.values():
        if row.level in ("SHOULD", "SHOULD NOT", "MAY"):
            assert row.binding != "fail", row.id


def test_a_duty_that_is_not_binding_says_why():
    for row in CATALOGUE.values():
        if row.level in ("MUST", "MUST NOT", "FORMAT") and row.binding != "fail":
            assert row.note, row.id


def test_a_typo_names_the_closest_ids():
    with pytest.raises(UnknownRequirement) as caught:
        CATALOGUE["RFC6282-3.1.1-4"]
    assert isinstance(caught.value, KeyError)
    assert "RFC6282-3.1.1-04" in str(caught.value)
    assert "RFC6282-3.1.1-4" not in CATALOGUE
    assert CATALOGUE.get("RFC1-1-01") is None


def test_a_row_reads_as_the_rfc_is_cited():
    row = CATALOGUE["RFC6282-3.1.1-01"]
    assert row.title == "RFC 6282 §3.1.1"
    assert row.level == "FORMAT"
    assert row.check == ("codec", "sender", "receiver")


def test_a_limit_is_a_row_of_its_own_behind_those_of_the_rfcs():
    rows = list(CATALOGUE.values())[-2:]
    assert [(row.id, row.title, row.binding) for row in rows] == [
        ("LIMIT-01", "[[limit]] of the rig file", "fail"),
        ("LIMIT-02", "--baseline", "fail"),
    ]
    assert {row.document for row in rows} == {"Limits of the rig"}


def test_that_a_node_survives_is_a_row_of_our_own_and_says_so():
    row = CATALOGUE[BREAKS["dut_lost"]]
    assert (row.rfc, row.document, row.binding) == (None, "Keyhole's own", "fail")
    assert "Not of an RFC: ours" in row.note
    assert {CATALOGUE[name].binding for name in BREAKS.values()} == {"fail"}
