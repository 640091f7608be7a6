"""RFC 6775 §5, routers that are lost: one of two that says nothing, renewals that are not answered, what others say."""

import pytest

from fixtures.api import Case, let_pass, needs, on_link, registered_by, registration_of, requirement, serving
from suites.rfc6775.attaching import answers_at, attached, beside, expect_made, pinged, registers_of
from suites.rfc6775.parties import (
    A_HOST,
    EARLY,
    SOON,
    STARTED,
    abro,
    all_heard,
    expect_spaced,
    heard,
    is_rs,
    pio,
    router,
    spread,
    to,
)
from suites.rfc6775.roles import HOST
from suites.rfc6775.test_4_2 import CID, REMOTE, compresses, six, told
from suites.rfc6775.test_5_4_again import ELSEWHERE, expect_by

pytestmark = HOST


@A_HOST
@needs("ping")
@requirement("RFC6775-5.6-02", "RFC6775-5.3-08")
def test_retirement_of_a_stranger(case: Case):
    """A Router Lifetime of 0 is about who sends it: from a neighbour that is no router of the DUT's it ends none."""
    with attached(case) as (party, _):
        stranger = router(case, advertises=False)
        party.advertises = False
        stranger.advertise(abro(2), router_lifetime=0)
        case.tester.listen(SOON)
        expect_by(case, party.link, "the router is still there")


@A_HOST
@pytest.mark.slow
@needs("ping")
@requirement("RFC6775-5.6-02", "RFC4862-5.5.4-03", "RFC6775-5.4.2-01", "RFC6775-5.3-08")
def test_silent_router_of_two(case: Case):
    """One of two routers answers no registration any more: "the entry for that router will be removed" (§5.5.3).

    The other one, the address and the context stay, each of which has a lifetime of its own.
    """
    with attached(case, minutes=1) as (first, address), beside(case, first, minutes=1) as (second, _):
        case.tester.listen(SOON)
        expect_made(case, first, address)
        told(case, second, six())
        used = compresses(case, REMOTE) is True
        first.status, first.advertises = None, False
        let_pass(case, 100.0)
        expect_by(case, second.link, "the other router")
        there = answers_at(case, second, address) is not None
        case.expect(
            there, "nd_dropped_address", "its prefix is valid: an answer", "none",
            requirement="RFC4862-5.5.4-03",
        )  # fmt: skip
        case.expect(
            not used or compresses(case, REMOTE) is True, "context_lost", f"context {CID} in use still",
            "it is not", requirement="RFC6775-5.4.2-01",
        )  # fmt: skip


@A_HOST
@pytest.mark.slow
@needs("ping")
@requirement("RFC6775-5.6-02", "RFC6775-5.3-08")
def test_silent_router_comes_back(case: Case):
    """The only router answered no registration, was given up, and advertises again: packets go by it again."""
    with attached(case, minutes=1) as (party, _):
        party.status, party.advertises = None, False
        if heard(case, is_rs, 110.0) is None:
            case.unsupported("the DUT gives no router up: see 5.3/starts_again", "not_observable")
        party.status, party.advertises = 0, True
        party.advertise()
        case.tester.listen(SOON)
        expect_by(case, party.link, "the router that is there again")


@pytest.mark.slow
@requirement("RFC6775-5.5-01")
def test_unanswered_behind_many_renewals(case: Case):
    """Each renewal has tries of its own, whatever the earlier ones took: one that is not answered is sent again."""
    with attached(case, minutes=1) as (party, address):
        let_pass(case, 240.0)
        party.status = None
        first = heard(case, lambda s: to(party)(s) and registered_by(s) == address, 65.0)
        if first is None:
            case.unsupported("no registration is renewed: see 5.5/renewal", "not_observable")
        again = heard(case, lambda s: to(party)(s) and registered_by(s) == address, 9.0)
        case.expect(
            again is not None,
            "nd_no_retry",
            "the NS is sent again",
            "it was sent once",
            frame=first,
        )


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.4.3-02")
def test_refresh_of_what_another_told(case: Case):
    """The shortest lifetime counts "across all the prefixes and all the contexts", not in the latest RA only: advice.

    A prefix is told for a minute; then an advertisement of another router comes that does not speak of it.
    """
    with attached(case) as (party, _):
        prefix, other = party.options[0].prefix, spread(case)
        party.options = [pio(prefix), pio(other, valid_lifetime=60, preferred_lifetime=60), abro(2)]
        party.advertise()
        case.tester.listen(SOON)
        second = router(case, pio(prefix), abro(2))
        with serving(case.tester, second):
            frame = second.advertise()
            asked = {party.address, second.address}
            found = heard(case, lambda s: is_rs(s) and s.view.dst in asked, 60.0)
        case.expect(found is not None, "no_rs", "a unicast RS before the prefix ends", "none", frame=frame)


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.3-05", "RFC6775-5.3-08")
def test_solicitations_again_are_apart(case: Case):
    """The only router retires: the solicitations that begin again are "separated by at least 10 seconds": advice."""
    with attached(case) as (party, _):
        party.advertises = False
        held = case.rig.link.held_up()
        party.advertise(abro(2), router_lifetime=0)
        first = heard(case, is_rs, 60.0)
        if first is None:
            case.unsupported("no solicitation begins again: see 5.3/starts_again", "not_observable")
        found = [first, *all_heard(case, 11.0, is_rs)]
        expect_spaced(case, found, 10 - EARLY, "solicitations at least 10 s apart", held)


@A_HOST
@on_link("ieee802154")
@pytest.mark.slow
@needs("ping")
@requirement("RFC4861-6.3.5-01")
def test_router_at_its_end(case: Case):
    """ "Whenever the Lifetime of an entry in the Default Router List expires, that entry is discarded" (RFC 4861)."""
    with attached(case, lifetime=30) as (party, _):
        expect_by(case, party.link, "the router while it lasts")
        party.advertises = False
        let_pass(case, 45.0)
        seen, _ = pinged(case, ELSEWHERE + case.tester.pattern(8))
        case.expect(
            seen is None or seen.info.dst != party.link, "nd_used", "no packet by a router that has ended",
            "one", frame=seen.frames[0] if seen is not None else b"",
        )  # fmt: skip


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.5-01")
def test_registered_when_its_router_is_back(case: Case):
    """A router that retired is back: what it keeps ends with the lifetime that it granted, and is renewed before."""
    with attached(case, minutes=2) as (party, address):
        party.advertises = False
        party.advertise(abro(), router_lifetime=0)
        case.tester.listen(SOON)
        party.advertises = True
        frame = party.advertise()
        seen = heard(
            case,
            lambda s: to(party)(s) and registered_by(s) == address and registration_of(s).lifetime,
            120.0,
        )
        case.expect(seen is not None, "nd_renewal", "an NS before the two minutes end", "none", frame=frame)


@A_HOST
@requirement("RFC4862-5.5.3-03")
def test_prefix_of_a_router_that_retires(case: Case):
    """A Router Lifetime of 0 "does not apply to information contained in other ... options" (RFC 4861 §4.2): a PIO."""
    with attached(case) as (first, _), beside(case, first) as (second, _):
        case.tester.listen(SOON)
        first.advertises, other = False, spread(case)
        frame = first.advertise(pio(other), abro(2), router_lifetime=0)
        if heard(case, registers_of(other), STARTED) is not None:
            return
        second.advertise(pio(other), abro(3))
        if heard(case, registers_of(other), STARTED) is None:
            case.unsupported("the DUT makes an address of one prefix only: see 5.4.again/two_prefixes")
        case.finding("not_registered", "an address of its prefix, at the other router", "none", frame=frame)
