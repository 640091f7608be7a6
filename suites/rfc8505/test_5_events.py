"""RFC 8505 §5, a 6LN's registrations behind events: renewals, a router that is lost, or silent for a while."""

from itertools import pairwise

import pytest

from fixtures.api import (
    Case,
    binds,
    let_pass,
    message_of,
    needs,
    on_link,
    registered_by,
    registration_of,
    requirement,
)
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from suites.rfc6775.attaching import attached, beside
from suites.rfc6775.parties import SOON, STARTED, abro, heard, tells_link, to
from suites.rfc8505.test_5 import UPDATED, tids

pytestmark = [on_link("ieee802154"), binds("6LN|6LR", "nd", "nd_extended"), needs("reset")]


@pytest.mark.slow
@requirement(
    "RFC8505-5.1-02", "RFC8505-5.1-03", "RFC8505-5.6-02", "RFC8505-5.1-01", "RFC8505-4.1-02", "RFC6775-4.1-01"
)
def test_renewal_is_whole(case: Case):
    """A registration is renewed with all that it had: T, R of a host, a link-local source, the target, an SLLAO."""
    host = case.rig.profile.parameters.role == "6LN"
    with attached(case, UPDATED, minutes=1) as (party, address):
        case.tester.listen(SOON)
        seen = heard(case, lambda s: to(party)(s) and registered_by(s) == address, 62.0)
        if seen is None:
            case.unsupported("no registration is renewed: see rfc6775/5.5/renewal", "not_observable")
        option, frame = registration_of(seen), seen.frames[0]
        for good, code, wanted, row in (
            (option.t, "nd_flags", "T=1", "RFC8505-5.1-02"),
            (option.r == host, "nd_flags", f"R={host:d}", "RFC8505-5.1-03"),
            (option.i == 0, "nd_flags", "I=0", "RFC8505-4.1-04"),
            (option.status == 0, "nd_status", "Status 0", "RFC8505-4.1-02"),
            (is_link_local(seen.view.src), "nd_source", "from a link-local address", "RFC8505-5.6-02"),
            (seen.upper[8:24] == address, "target", f"target {address.hex()}", "RFC8505-5.1-01"),
            (tells_link(case, message_of(seen).options), "nd_sllao", "an SLLAO", "RFC6775-4.1-01"),
        ):
            said = f"{option.build().hex()} from {seen.view.src.hex()}"
            case.expect(good, code, wanted, said, requirement=row, frame=frame)


@pytest.mark.slow
@requirement("RFC8505-5.2-01", "RFC8505-5.2.1-02")
@pytest.mark.parametrize("how", ["lost", "silent-once"])
def test_tid_behind_events(case: Case, how: str):
    """One of two routers retires, or is silent to the first try: what the other one gets are newer and newer TIDs."""
    with attached(case, UPDATED, minutes=1) as (party, address):
        with beside(case, party, minutes=1) as (other, _):
            heard(case, lambda s: to(other)(s) and registered_by(s) == address, STARTED)
            let_pass(case, 100.0)
            other.advertises, known = False, len(tids(other, address))
            if how == "lost":
                other.advertise(abro(), router_lifetime=0)
            else:
                other.status = None
                for _ in range(2):
                    heard(case, lambda s: to(other)(s) and registered_by(s) == address, 62.0)
                other.status = 0
            let_pass(case, 120.0)
        for name, found in (("first", tids(party, address)), ("second", tids(other, address))):
            older = [pair for pair in pairwise(found) if nd.tid.newer(*pair) is False]
            case.expect(not older, "nd_tid", f"newer and newer TIDs at the {name} router", str(found))
        alone = set(tids(other, address)[known:]) - set(tids(party, address))
        case.expect(
            not alone
            or how != "lost",  # each try may be a transaction of its own (§4.1), which one of them misses
            "nd_tid",
            "no TID at one router that the other did not get",
            f"{alone}",
            requirement="RFC8505-5.2-01",
        )
