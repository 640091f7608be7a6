"""Rows of RFC 4944 that this suite cannot try, each with the reason: `unsupported` in a report, not missing."""

import pytest

from fixtures.api import Case, on_link, requirement

pytestmark = on_link("ieee802154")

REASONS = {
    "RFC4944-2-03": "beacons are the business of the MAC, below the link that a tester has",
    "RFC4944-5.3-25": "no ability makes the DUT lose its association between two fragments",
    "RFC4944-5.3-26": "no ability makes the DUT lose its association while it sends",
    "RFC4944-6-06": "no ability gives the DUT an all-zero link-layer address",
    "RFC4944-6-07": "no ability gives the DUT another link-layer address",
    "RFC4944-11-01": "no ability tells the DUT to use a mesh forwarder",
    "RFC4944-11-02": "no ability tells the DUT to use a mesh forwarder",
}


@pytest.mark.parametrize("row", [pytest.param(r, id=r, marks=requirement(r)) for r in REASONS])
def test_out_of_reach(case: Case, row: str):
    """Not tried; the reason is in the record."""
    case.unsupported(REASONS[row])
