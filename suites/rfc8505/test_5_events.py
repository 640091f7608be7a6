"""RFC 8505 §5, a 6LN's registrations behind events: renewals, a router that is lost, or silent for a while."""

from itertools import pairwise

import pytest

from fixtures.api import Case, advice, let_pass, message_of, registered_by, registration_of, requirement
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from suites.rfc6775.attaching import attached, beside, offered, only
from suites.rfc6775.parties import SOON, STARTED, abro, all_heard, heard, tells_link, to
from suites.rfc6775.roles import EXTENDED_HOST
from suites.rfc8505.test_5 import UPDATED, tids

pytestmark = EXTENDED_HOST


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


@pytest.mark.slow
@requirement("RFC8505-6-01")
def test_router_that_was_updated(case: Case):
    """A router that said nothing of RFC 8505 says E later: from then on it is registered with as that RFC has it.

    "if the 6LR is found to support this specification, then the 6LN MUST": no text says when it looks again, so advice.
    """
    with attached(case, minutes=1) as (party, address), advice(case):
        party.options = [*party.options, UPDATED]
        frame = party.advertise()
        seen = heard(
            case,
            lambda s: to(party)(s) and registered_by(s) == address and is_link_local(s.view.src),
            70.0,
        )
        case.expect(
            seen is not None,
            "nd_source",
            "registered from the link-local address",
            "never in 70 s",
            frame=frame,
        )


@requirement("RFC8505-5.6-02")
def test_source_that_was_refused(case: Case):
    """The source is "either an address that is already registered", or that one itself: not one that was refused."""
    with offered(case, UPDATED, status=None) as (party, _):
        party.advertise()
        first = heard(case, to(party), STARTED)
        if first is None or not is_link_local(registered_by(first)):
            case.unsupported("the DUT registers no link-local address first: see 5/registration")
        own = registered_by(first)
        frame = party.confirm(first, 1)
        found = all_heard(
            case, 20.0, lambda s: to(party)(s) and s.view.src == own and registered_by(s) != own
        )
        case.expect(not found, "nd_source", "nothing is registered from it", "another address", frame=frame)


@requirement("RFC8505-5.6-02", "RFC8505-5.1-02", "RFC8505-5.1-01")
def test_removal_is_whole(case: Case):
    """An address is given back as it was registered: by an EARO with T, from a link-local source, for the target."""
    with attached(case, UPDATED) as (first, address):
        with beside(case, first, status=None) as (second, _):
            seen = heard(case, lambda s: only(second, s, address), STARTED)
            if seen is None:
                case.unsupported("the DUT registers with one router only: see rfc6775/5.5/two_routers")
            second.confirm(seen, 1)
            gone = heard(case, lambda s: to(first)(s) and registration_of(s).lifetime == 0, SOON)
        if gone is None:
            case.unsupported("the DUT gives nothing back: see rfc6775/5.5.3/duplicate_at_one_of_two")
        option, frame = registration_of(gone), gone.frames[0]
        for good, code, wanted, row in (
            (option.t, "nd_flags", "T=1", "RFC8505-5.1-02"),
            (is_link_local(gone.view.src), "nd_source", "from a link-local address", "RFC8505-5.6-02"),
            (gone.upper[8:24] == address, "target", f"target {address.hex()}", "RFC8505-5.1-01"),
        ):
            case.expect(good, code, wanted, gone.upper[8:].hex(), requirement=row, frame=frame)
