"""RFC 6775 §5.5.3, recovering from failures: duplicates, full routers, other statuses, and answers of strangers."""

import pytest

from fixtures.api import Case, advice, needs, registered_by, registers, registration_of, requirement, serving
from suites.rfc6775.attaching import answers_at, attached, awaiting, beside, once_more, only, pinged
from suites.rfc6775.parties import A_HOST, SOON, STARTED, all_heard, heard, is_rs, pio, router, spread, to
from suites.rfc6775.roles import HOST

pytestmark = HOST


@requirement("RFC6775-5.5.3-01")
def test_duplicate(case: Case):
    """Status 1: "The host MUST NOT use the address it tried to register": no answer from it, nothing else either."""
    with awaiting(case) as (party, seen, address):
        frame = party.confirm(seen, 1)
        case.tester.listen(SOON)
        answer = answers_at(case, party, address)
        case.expect(answer is None, "nd_used", "no packet from a duplicate address", "an answer", frame=frame)
        used = all_heard(
            case,
            20.0,
            lambda s: s.view.src == address and (registration_of(s) is None or not registers(s)),
        )
        case.expect(not used, "nd_used", "nothing from it", "a packet", frame=used[0] if used else None)
        frame = party.advertise()  # its prefix once more
        case.tester.listen(SOON)
        answer = answers_at(case, party, address)
        case.expect(answer is None, "nd_used", "not made anew by the next RA", "an answer", frame=frame)


@requirement("RFC6775-5.5.3-02")
def test_duplicate_at_one_of_two(case: Case):
    """What other routers keep of a duplicate "MUST be removed by registering with each using a zero ARO lifetime"."""
    with attached(case) as (first, address):
        with beside(case, first, status=None) as (second, _):
            seen = heard(case, lambda s: only(second, s, address), STARTED)
            if seen is None:
                case.unsupported("the DUT registers with one router only: see 5.5/two_routers")
            heard(case, lambda s: only(second, s, address) and False, 0.3)
            frame = second.confirm(seen, 1)
            gone = heard(
                case,
                lambda s: to(first)(s) and registered_by(s) == address and registration_of(s).lifetime == 0,
                SOON,
            )
        case.expect(
            gone is not None, "nd_kept", "an NS with lifetime 0 to the other router", "none", frame=frame
        )


@A_HOST
@requirement("RFC6775-5.5.3-03")
def test_full_router(case: Case):
    """Status 2 of the only router: the host "SHOULD remove this router", and then solicits: advice."""
    with awaiting(case) as (party, seen, _):
        frame = party.confirm(seen, 2)
        found = heard(case, is_rs, 70.0)
        case.expect(found is not None, "no_rs", "a Router Solicitation", "none within 70 s", frame=frame)


@A_HOST
@requirement("RFC6775-5.5.3-03")
def test_full_router_of_two(case: Case):
    """Status 2 of one of two routers: the host registers with the other: advice."""
    with awaiting(case) as (first, seen, address):
        second = once_more(case, first)
        with serving(case.tester, second):
            frame = first.confirm(seen, 2)
            second.advertise()
            case.tester.listen(12.0)
            kept = [where for where, _ in second.registered if where == address]
        case.expect(bool(kept), "not_registered", "the address at the other router", "not there", frame=frame)


@A_HOST
@requirement("RFC6775-4.1-11", "RFC8505-4.1-09", "RFC8505-4.1-10", "RFC8505-4.1-15")
@pytest.mark.parametrize("status", [3, 4, 9, 11, 12, 255], ids=str)
def test_other_status(case: Case, status: int):
    """ "If the Status field is not equal to zero, the address registration has failed": any other is no success.

    A host that took it for one would be content until the lifetime nears its end. What it does otherwise no text
    says, so that this is advice: it asks again, looks for a router, or gives the address up.
    """
    with awaiting(case) as (party, seen, address):
        frame = party.confirm(seen, status, lifetime=600)
        case.tester.listen(0.3)
        tried = heard(case, lambda s: is_rs(s) or registered_by(s) == address, 90.0)
        given_up = tried is None and answers_at(case, party, address) is None
        with advice(case):
            case.expect(
                tried is not None or given_up, "nd_taken", f"status {status} is a failure",
                "nothing in 90 s, as if it were a success", frame=frame,
            )  # fmt: skip


@requirement("RFC6775-5.5.2-03")
@pytest.mark.parametrize("status", [0, 1, 2], ids="status-{}".format)
def test_from_a_stranger(case: Case, status: int):
    """An NA with the DUT's EUI-64 from a neighbour that is none of its routers: it lives on, and all stays.

    That all stays is advice: an advertisement of whom one has no entry of "SHOULD be silently discarded" (RFC 4861
    §7.2.5).
    """
    with attached(case) as (party, address):
        stranger = router(case, advertises=False)
        seen = next(s for s in case.tester.heard if registered_by(s) == address)
        frame = stranger.confirm(seen, status)
        case.tester.listen(SOON)
        found = [s for s in all_heard(case, 14.0) if is_rs(s)]
        with advice(case):
            case.expect(not found, "nd_unasked", "no RS: the router is still there", "one", frame=frame)
            kept = answers_at(case, party, address) is not None
            case.expect(kept, "nd_dropped_address", "the address is kept", "no answer", frame=frame)


@A_HOST
@needs("ping")
@requirement("RFC6775-5.5.3-03")
def test_full_router_beside_another(case: Case):
    """Status 2 is about "this router": the one that has registered the address stays, and carries packets: advice."""
    with attached(case) as (first, address):
        with beside(case, first, status=None) as (second, _):
            seen = heard(case, to(second), STARTED)
            if seen is None:
                case.unsupported("the DUT registers with one router only: see 5.5/two_routers")
            frame = second.confirm(seen, 2)
            case.tester.listen(SOON)
            sent, _ = pinged(case, bytes.fromhex("20010db8c0de0001") + address[8:])
        there = sent.info.dst.hex() if sent is not None else "nothing sent"
        good = sent is not None and sent.info.dst == first.link
        case.expect(good, "neighbour_address", f"packets by {first.link.hex()}", there, frame=frame)


@requirement("RFC6775-5.5.3-01", "RFC4862-5.5.4-03")
def test_duplicate_beside_another(case: Case):
    """One of two addresses is a duplicate, and is not used; the other, which was confirmed before, is."""
    with attached(case) as (party, address):
        other, party.status = spread(case), None
        party.options = [*party.options, pio(other)]
        party.advertise()
        seen = heard(case, lambda s: only(party, s, other[:8]), STARTED)
        if seen is None:
            case.unsupported("the DUT makes an address of one prefix only: see 5.4.again/two_prefixes")
        heard(case, lambda s: only(party, s, other[:8]) and False, 0.3)
        frame = party.confirm(seen, 1)
        party.status = 0
        case.tester.listen(SOON)
        used = answers_at(case, party, registered_by(seen))
        case.expect(used is None, "nd_used", "no answer at the duplicate", "one", frame=frame)
        there = answers_at(case, party, address)
        case.expect(
            there is not None, "nd_dropped_address", "an answer at the other address", "none",
            requirement="RFC4862-5.5.4-03", frame=frame,
        )  # fmt: skip
