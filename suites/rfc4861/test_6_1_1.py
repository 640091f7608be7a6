"""RFC 4861 §6.1.1, Router Solicitations that a host hears: they are for routers."""

from fixtures.api import Case, binds, needs, requirement
from sixlowpan import nd
from suites.rfc6775.attaching import attached
from suites.rfc6775.parties import SOON, all_heard, host, is_ra
from suites.rfc6775.test_5_4_again import expect_by

pytestmark = [binds("6LN", "nd"), needs("reset", "ping")]


@requirement("RFC4861-6.1.1-02")
def test_host(case: Case):
    """ "Hosts MUST silently discard any received Router Solicitation Messages": no RA, and its router stays another."""
    with attached(case) as (party, _):
        other = host(case)
        frame = other.say(nd.RouterSolicitation((other.source_option(),)))
        found = all_heard(case, SOON, is_ra)
        case.expect(not found, "nd_answered", "no RA of a host", "one", frame=frame)
        expect_by(case, party.link, "its router")
