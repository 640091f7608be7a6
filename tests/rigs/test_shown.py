"""When a DUT need not be asked whether its IP tap has more to show: only where it cannot have."""

from types import SimpleNamespace

import pytest

from rigs.tester.shown import Shown

REQUEST, OTHER = b"the request of a control", b"another packet"


@pytest.fixture
def air():
    return SimpleNamespace(sent=3)


def test_the_request_of_a_control_tells_that_all_before_it_is_there(air):
    shown = Shown(air)
    shown.answered(REQUEST)
    assert not shown.all_with([OTHER]), "what came before the request may still be on the way"
    assert shown.all_with([OTHER, REQUEST])
    assert shown.all_with([]), "nothing was sent since"


def test_what_is_sent_behind_a_control_is_asked_for(air):
    shown = Shown(air)
    shown.answered(REQUEST)
    air.sent += 1
    assert not shown.all_with([REQUEST])
    shown.answered(OTHER)
    assert shown.all_with([OTHER])
    air.sent += 1
    assert not shown.all_with([])


def test_an_empty_tap_tells_nothing_before_the_dut_was_heard(air):
    shown = Shown(air)
    shown.nothing_more()
    assert not shown.all_with([]), "what was sent may still be on its way to the DUT"
    shown.heard()
    assert not shown.all_with([]), "the tap was not looked at since"
    shown.nothing_more()
    assert shown.all_with([])
    air.sent += 1
    assert not shown.all_with([])
