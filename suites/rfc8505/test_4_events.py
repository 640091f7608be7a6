"""RFC 8505 §4 and §5, TIDs behind events: what ended has none, what was refused changes none; and what is reported."""

import pytest

from fixtures.api import Case, binds, let_pass, message_of, registration_of, requirement
from suites.rfc6775.parties import heard, host, is_na, pio, spread
from suites.rfc6775.roles import EXTENDED_ROUTER
from suites.rfc6775.routing import arrives, global_of, own_address_stays_its_own, registered, routing
from suites.rfc6775.test_8_1 import another_border, prefixes, told
from suites.rfc6775.test_8_2 import is_dar
from suites.rfc8505.test_4 import MOVED, attached_host, expect_status, expect_taken, routed_host

pytestmark = EXTENDED_ROUTER
A_ROUTER = binds("6LR", "nd", "nd_extended")
DUPLICATE_SOURCE, INCORRECT = 6, 8


@pytest.mark.slow
@A_ROUTER
@requirement("RFC8505-4.1-06", "RFC6775-6.5.3-04")
@pytest.mark.parametrize("end", ["removed", "expired"])
def test_new_registration_has_any_tid(case: Case, end: str):
    """Lifetime 0: "the associated state MUST be removed", and what expired is deleted: an older TID is then as good."""
    with routed_host(case) as (above, party, address):
        expect_status(
            case, registered(case, party, address, party.earo(1, tid=250)), 0, "TID 250", "RFC8505-4.1-01"
        )
        if end == "removed":
            registered(case, party, address, party.earo(0, tid=251))
        else:
            let_pass(case, 66.0)
        party = (
            attached_host(case) if end == "expired" else party
        )  # its link-local address may have ended as well
        result = registered(case, party, address, party.earo(tid=245))
        expect_status(case, result, 0, "TID 245, there being no registration", "RFC8505-4.1-06")
        expect_taken(case, above, address, party)


@pytest.mark.slow
@requirement("RFC8505-4.1-09", "RFC8505-5.2.1-03", "RFC6775-6.5.2-01")
def test_refused_changes_nothing(case: Case):
    """An older TID is refused: neither the TID nor the end of what is kept becomes another.

    The answer has "a copy of the ARO from the NS" (RFC 6775 §6.5.2), or the TID of what is kept: a more recent one is
    "indicated by the same ROVR and a more recent TID" (RFC 8505 §4.1), in the option or in the state.
    """
    with routed_host(case) as (above, party, address):
        expect_status(
            case, registered(case, party, address, party.earo(2, tid=250)), 0, "TID 250", "RFC8505-4.1-01"
        )
        began = case.tester.stamp()
        for tid in (245, 248):
            status, seen = registered(case, party, address, party.earo(10, tid=tid))
            case.expect(
                status == MOVED,
                "nd_tid",
                f"status 3 for TID {tid} behind 250",
                f"status {status}",
                frame=seen,
            )
            found = registration_of(seen) if seen is not None else None
            if found is not None:
                case.expect(
                    found.tid in {tid, 250}, "nd_tid", f"TID {tid} as it was sent, or the more recent one, 250",
                    f"TID {found.tid}", frame=seen, requirement="RFC6775-6.5.2-01",
                )  # fmt: skip
        let_pass(case, 126.0, began)
        there = arrives(case, above, address, party.link)
        case.expect(
            there is None, "nd_kept", "it ends 2 minutes from its registration", "packets still go there"
        )


@requirement("RFC8505-4.1-12", "RFC8505-4.1-17")
def test_renewal_from_an_address_of_another(case: Case):
    """A registration is renewed from a link-local address that is registered to another host: status 6, as at first."""
    with routed_host(case) as (_, party, address):
        other = attached_host(case)
        expect_status(
            case, registered(case, party, address, party.earo(tid=240)), 0, "TID 240", "RFC8505-4.1-01"
        )
        option = party.earo(tid=241)
        frame = party.say(party.solicitation(option, target=address), source=other.address)
        seen = heard(
            case, lambda s: is_na(s) and registration_of(s) is not None and s.upper[8:24] == address, 8.0
        )
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == DUPLICATE_SOURCE, "nd_status", "status 6", f"status {status}", frame=frame)


@A_ROUTER
@requirement("RFC8505-5.7-05", "RFC8505-5.7-06")
def test_renewal_is_reported_as_it_is(case: Case):
    """ "The 6LR MUST report the new registration to the 6LBR": with the lifetime of the renewal, and at last of 0."""
    with routing(case) as (_, prefix):
        party = attached_host(case)
        address = prefix[:8] + b"\x50" + case.tester.pattern(7)
        for tid, minutes in ((240, 10), (241, 25), (242, 5), (243, 0)):
            expect_status(
                case,
                registered(case, party, address, party.earo(minutes, tid=tid)),
                0,
                f"TID {tid}",
                "RFC8505-5.7-05",
            )
            case.tester.listen(1.0)
            asked = [
                message_of(s) for s in case.tester.heard if is_dar(s) and message_of(s).address == address
            ]
            if not asked:
                case.failed(
                    "nd_request", "a DAR or EDAR for the registration", "none", requirement="RFC8505-5.7-05"
                )
            found = asked[-1].lifetime
            case.expect(found == minutes, "nd_lifetime", f"{minutes} minutes reported", f"{found}")


@pytest.mark.slow
@A_ROUTER
@requirement("RFC8505-4.1-14", "RFC6775-6.3-01")
def test_prefix_of_a_border_that_ended(case: Case):
    """The prefix of a 6LBR that has ended is none of the link's any more: an address of it gets status 8."""
    with routing(case) as (above, prefix):
        other = spread(case)
        with another_border(case, other, minutes=1) as (second, _):
            if prefix not in [p for m in told(case, host(case)) for p in prefixes(m)]:
                case.unsupported(
                    "the DUT does not keep what the first 6LBR told: see rfc6775/8.1/two_borders"
                )
            party = attached_host(case)
            address = global_of(party, other)
            status, _ = registered(case, party, address, party.earo(1))
            if status != 0:
                case.unsupported("the DUT registers no address of a second 6LBR's prefix", "not_observable")
            above.advertises = second.advertises = False
            let_pass(case, 70.0)
            party = attached_host(case)
            result = registered(case, party, global_of(party, other), party.earo())
            expect_status(case, result, INCORRECT, "an address of a prefix that has ended", "RFC8505-4.1-14")


@A_ROUTER
@requirement("RFC8505-4.1-14")
def test_each_prefix(case: Case):
    """Status 8 is for an address that is "not usable on this link": one of any prefix that is advertised is."""
    with routing(case) as (above, prefix):
        other = spread(case)
        above.options = [*above.options, pio(other)]
        above.advertise()
        case.tester.listen(1.0)
        party = attached_host(case)
        for each in (prefix, other):
            result = registered(case, party, global_of(party, each), party.earo())
            expect_status(case, result, 0, f"an address of {each[:8].hex()}", "RFC8505-4.1-14")


@requirement("RFC6775-6.5.1-01")
def test_own_address(case: Case):
    """An address of the router's own as the target: another ROVR gets no status 0 for it: advice."""
    with routing(case) as (_, prefix):
        party = attached_host(case)
        own_address_stays_its_own(case, party, prefix, party.earo())
