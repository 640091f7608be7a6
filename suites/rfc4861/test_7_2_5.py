"""RFC 4861 §7.2.5, Neighbor Advertisements of routers: who says R=0 is none any more."""

import pytest

from fixtures.api import Case, needs, requirement
from sixlowpan import nd
from suites.rfc6775.attaching import attached, beside
from suites.rfc6775.parties import A_HOST, SOON
from suites.rfc6775.test_5_4_again import expect_by

pytestmark = [A_HOST, needs("reset", "ping")]


@requirement("RFC4861-7.2.5-03")
@pytest.mark.parametrize("link", [True, False], ids=["overrides", "without-link-address"])
def test_router_becomes_a_host(case: Case, link: bool):
    """Where "the IsRouter flag changes from TRUE to FALSE ... the node MUST remove that router": another is used."""
    with attached(case) as (first, _), beside(case, first) as (second, _):
        case.tester.listen(SOON)
        first.advertises = False
        options = (nd.LinkLayerAddress(nd.TLLAO, first.link),) if link else ()
        first.say(nd.NeighborAdvertisement(first.address, solicited=False, options=options))
        case.tester.listen(SOON)
        expect_by(case, second.link, "the other router")
