"""RFC 6775 §5.5, registrations that are tried again or renewed: as whole as the first, and with each router."""

import pytest

from fixtures.api import Case, Seen, advice, let_pass, message_of, registered_by, registration_of, requirement
from sixlowpan import nd
from suites.rfc6775.attaching import attached, awaiting, beside
from suites.rfc6775.parties import A_HOST, STARTED, all_heard, expect_apart, heard, to
from suites.rfc6775.roles import HOST

pytestmark = HOST


def expect_whole(case: Case, found: list[Seen]) -> None:
    """Each of these has an SLLAO and the EUI-64 of the first, and none a breach of its form."""
    eui64 = registration_of(found[0]).rovr
    for seen in found:
        told = registration_of(seen).rovr
        case.expect(
            told == eui64,
            "eui64",
            eui64.hex(),
            told.hex(),
            requirement="RFC6775-4.1-06",
            frame=seen.frames[0],
        )
        options = message_of(seen).options
        source = any(isinstance(o, nd.LinkLayerAddress) and o.type == nd.SLLAO for o in options)
        case.expect(source, "nd_sllao", "an SLLAO", seen.upper[24:].hex(), frame=seen)
        for breach in nd.breaches(seen.packet):
            if breach.level == "fail":
                case.finding(breach.code, breach.expected, breach.actual, requirement=breach.requirement,
                             frame=seen)  # fmt: skip


@requirement("RFC6775-4.1-01", "RFC6775-4.1-06")
def test_retry_is_whole(case: Case):
    """ "Such an NS MUST include an SLLAO": what is sent again because nobody answered has one as well."""
    with awaiting(case) as (_, seen, address):
        expect_whole(case, [seen, *all_heard(case, 15.0, lambda s: registered_by(s) == address)])


@pytest.mark.slow
@requirement("RFC6775-4.1-01", "RFC6775-4.1-06")
def test_renewal_is_whole(case: Case):
    """ "Such an NS MUST include an SLLAO": also "well before the Registration Lifetime expires"."""
    with attached(case, minutes=1) as (party, address):
        found = all_heard(case, 150.0, lambda s: to(party)(s) and registered_by(s) == address)
        if not found:
            case.unsupported("the DUT renews nothing: see 5.5/renewal")
        expect_whole(case, found)


@A_HOST
@requirement("RFC6775-5.5-01")
def test_silent_second_router(case: Case):
    """What one router has confirmed no other has: to one that is silent the NS is sent again, two or three times."""
    with attached(case) as (first, address):
        with beside(case, first, status=None) as (second, _):
            seen = heard(case, lambda s: to(second)(s) and registered_by(s) == address, STARTED)
            if seen is None:
                case.unsupported("the DUT registers with one router only: see 5.5/two_routers")
            again = all_heard(case, 25.0, lambda s: to(second)(s) and registered_by(s) == address)
        times, frame = [seen.time, *(s.time for s in again)], seen.frames[0]
        case.expect(len(times) >= 2, "nd_no_retry", "the NS is sent again", "it was sent once", frame=frame)
        expect_apart(case, times, frame)


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.5-02", "RFC6775-5.5-01", "RFC6775-5.5.2-03")
@pytest.mark.parametrize("minutes", [1, 10], ids="granted-{}-and-1".format)
def test_renewed_at_both_routers(case: Case, minutes: int):
    """Registered with two routers, an address is renewed with both, in time for what each has granted: advice."""
    with attached(case, minutes=minutes) as (first, address):
        with beside(case, first, minutes=1) as (second, _):
            if heard(case, lambda s: to(second)(s) and registered_by(s) == address, STARTED) is None:
                case.unsupported("the DUT registers with one router only: see 5.5/two_routers")
            case.tester.listen(5.0)
            before = [len(party.registered) for party in (first, second)]
            let_pass(case, 150.0)
        with advice(case):
            for party, number, name in zip((first, second), before, ("first", "second"), strict=True):
                if party is first and minutes > 1:
                    continue
                again = [
                    where
                    for where, option in party.registered[number:]
                    if where == address and option.lifetime
                ]
                case.expect(bool(again), "nd_renewal", f"renewed with the {name} router", "it is not")


@requirement("RFC6775-5.5.2-03", "RFC4861-7.1.2-02")
@pytest.mark.parametrize("how", ["link-address-in-front", "unknown-in-front", "unknown-behind"])
def test_answer_with_other_options(case: Case, how: str):
    """The ARO of an answer counts wherever it stands; options that nobody knows are ignored (RFC 4861 §7.1.2)."""
    with awaiting(case) as (party, seen, address):
        other = nd.UnknownOption(253, bytes(range(14)))
        if how == "link-address-in-front":
            other = nd.LinkLayerAddress(nd.TLLAO, party.link)
        options = (
            (registration_of(seen), other) if how == "unknown-behind" else (other, registration_of(seen))
        )
        answer = nd.NeighborAdvertisement(message_of(seen).target, router=True, options=options)
        frame = party.say(answer, seen.view.src)
        case.tester.listen(0.5)  # what was under way
        again = heard(case, lambda s: registered_by(s) == address, 6.0)
        row = "RFC4861-7.1.2-02" if how.startswith("unknown") else "RFC6775-5.5.2-03"
        case.expect(again is None, "nd_not_taken", "the registration is confirmed", "it was sent again",
                    requirement=row, frame=frame)  # fmt: skip
