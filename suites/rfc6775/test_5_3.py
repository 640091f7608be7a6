"""RFC 6775 §5.3, sending a Router Solicitation: its form, how often it is sent, when it stops, when it starts again."""

from itertools import pairwise

import pytest

from fixtures.api import ALL_ROUTERS, UNSPECIFIED, Case, Seen, requirement, serving
from sixlowpan import link_local, nd
from suites.rfc6775.attaching import attached, invalid
from suites.rfc6775.parties import (
    A_HOST,
    EARLY,
    STARTED,
    abro,
    all_heard,
    expect_of_the_link,
    expect_sllao,
    expect_spaced,
    fresh,
    heard,
    is_rs,
    pio,
    router,
    spread,
)
from suites.rfc6775.roles import HOST

pytestmark = HOST


def solicitation(case: Case, seconds: float = STARTED) -> Seen:
    """The next RS; without one the case ends."""
    seen = heard(case, is_rs, seconds)
    if seen is None:
        case.failed(
            "no_rs", f"a Router Solicitation within {seconds:g} s", "none", requirement="RFC6775-5.3-01"
        )
    return seen


@requirement(
    "RFC6775-5.3-01",
    "RFC6775-5.3-02",
    "RFC6775-5.3-03",
    "RFC6775-5.2-01",
    "RFC6775-5.3-04",
    "RFC6775-3.4-01",
    "RFC4861-6.1.1-01",
)
def test_solicitation(case: Case):
    """A DUT that starts solicits routers: from its link-local address, with its SLLAO, to ff02::2, hop limit 255."""
    with fresh(case):
        seen = solicitation(case)
        own = link_local(case.rig.link.dut)
        case.expect(
            seen.view.dst == ALL_ROUTERS, "nd_destination", "to ff02::2", seen.view.dst.hex(), frame=seen
        )
        case.expect(
            seen.view.src != UNSPECIFIED, "nd_source", "a source that is not ::", "::",
            requirement="RFC6775-5.3-03", frame=seen,
        )  # fmt: skip
        opaque = case.declares("nd_extended")  # RFC 8505 §8 "discourages using EUI-64" in it
        case.expect(
            seen.view.src == own or opaque, "link_local", f"from {own.hex()}, the EUI-64 with U/L inverted",
            seen.view.src.hex(), requirement="RFC6775-5.2-01", frame=seen,
        )  # fmt: skip
        expect_of_the_link(case, seen, "RFC4861-6.1.1-01")
        case.expect(
            seen.upper[4:8] == bytes(4), "nd_reserved", "Reserved 0", seen.upper[4:8].hex(), frame=seen
        )
        expect_sllao(case, seen, 8, "RFC6775-5.3-02")


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.3-05", "RFC6775-5.3-06", "RFC6775-9-01")
def test_backoff(case: Case):
    """No router: up to 3 solicitations at least 10 s apart, then ever fewer, and never more than 60 s apart: advice."""
    with fresh(case):
        held = case.rig.link.held_up()
        found = [solicitation(case), *all_heard(case, 290.0, is_rs)]
        times = [seen.began for seen in found]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        said = ", ".join(f"{gap:.1f}" for gap in gaps) or "one solicitation only"
        expect_spaced(case, found, 10 - EARLY, "solicitations at least 10 s apart", held, "RFC6775-5.3-05")
        slower = all(later >= earlier - 2 for earlier, later in pairwise(gaps))
        doubled = len(gaps) < 4 or gaps[3] >= 1.5 * gaps[0] or gaps[3] >= 59
        case.expect(
            slower and doubled,
            "nd_backoff",
            "gaps that double from the third on",
            said,
            requirement="RFC6775-5.3-06",
        )
        short = bool(gaps) and max(gaps) <= 66 and times[-1] >= times[0] + 200
        case.expect(
            short, "nd_interval", "solicitations go on, 60 s apart at most", said, requirement="RFC6775-9-01"
        )


@pytest.mark.slow
@requirement("RFC6775-5.3-07")
def test_stops(case: Case):
    """ "In all cases, the RS retransmissions are terminated when an RA is received": 100 s of silence behind one."""
    with attached(case):
        found = all_heard(case, 100.0, is_rs)
        case.expect(
            not found,
            "nd_unasked",
            "no RS behind the RA",
            f"{len(found)}",
            frame=found[0] if found else None,
        )


@requirement("RFC4861-6.1.2-01", "RFC6775-5.3-07")
@pytest.mark.parametrize("how", ["hop-limit-64", "short"])
def test_not_stopped_by_what_is_discarded(case: Case, how: str):
    """An RA that fails a check of RFC 4861 §6.1.2 is silently discarded: it ends no solicitations, either."""
    with fresh(case):
        solicitation(case)
        party, there = router(case, pio(spread(case)), abro()), case.tester.dut_address
        message = party.advertisement().build(party.address, there)
        frame = party.send(invalid(message, party.address, there, how))
        again = heard(case, is_rs, 66.0)
        case.expect(again is not None, "no_rs", "solicitations go on", "none in 66 s", frame=frame)


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.3-08")
@pytest.mark.parametrize("how", ["lifetime-0", "unreachable", "expired"])
def test_starts_again(case: Case, how: str):
    """Solicitations begin again when the only router retires, says nothing any more, or has come to its end."""
    lifetime = 30 if how == "expired" else 1800
    with attached(case, lifetime=lifetime, minutes=1) as (party, _):
        party.advertises = False
        if how == "lifetime-0":
            party.advertise(abro(), router_lifetime=0)
        else:
            party.status = None  # it answers no registration from now on
        wait = 40.0 if how == "lifetime-0" else 110.0
        seen = heard(case, is_rs, wait)
        case.expect(seen is not None, "no_rs", f"a Router Solicitation within {wait:g} s", "none")


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.4.3-02", "RFC6775-5.3-02", "RFC4861-6.1.1-01")
@pytest.mark.parametrize("short", ["router", "prefix", "context"])
def test_refresh(case: Case, short: str):
    """Well before the shortest lifetime ends a host SHOULD solicit its router by unicast: advice."""
    with fresh(case):
        prefix = spread(case)
        options = [pio(prefix, valid_lifetime=60 if short == "prefix" else 86400, preferred_lifetime=60)]
        minutes = 1 if short == "context" else 600
        options += [abro(), nd.ContextOption(prefix, 64, True, 3, minutes)]
        party = router(case, *options, lifetime=60 if short == "router" else 9000, minutes=600)
        with serving(case.tester, party):
            # the DUT may use the context at once, and what is not read is not answered
            case.tester.contexts = case.tester.contexts.with_context(3, options[2].context())
            party.advertise()
            before = heard(case, lambda s: not is_rs(s), 2.0)
            all_heard(case, 1.0)
            found = all_heard(case, 62.0, lambda s: is_rs(s) and s.view.dst == party.address)
        case.expect(
            bool(found), "no_rs", "a unicast RS within the 60 s of the shortest lifetime", "none",
            frame=before, requirement="RFC6775-5.4.3-02",
        )  # fmt: skip
        for seen in found[:1]:
            expect_of_the_link(case, seen, "RFC4861-6.1.1-01")
            expect_sllao(case, seen, 8, "RFC6775-5.3-02")
