"""RFC 6775 §5, a host behind events: two prefixes, two addresses that wait, what has ended and is told again.

Strategy: as in `test_6_5_events`, one thing happens first, and then the case looks at what it must not have changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fixtures.api import (
    ALL_ROUTERS,
    Case,
    RouterParty,
    Seen,
    advice,
    let_pass,
    needs,
    registered_by,
    registers,
    registration_of,
    requirement,
    serving,
)
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from suites.rfc6775.attaching import (
    answers_at,
    attach,
    attached,
    expect_made,
    offered,
    once_more,
    registers_of,
    registration_behind_ra,
)
from suites.rfc6775.parties import (
    A_HOST,
    SOON,
    STARTED,
    abro,
    all_heard,
    heard,
    is_rs,
    pio,
    spread,
    tells_link,
    to,
)
from suites.rfc6775.roles import HOST
from suites.rfc6775.test_5_4_again import expect_by

pytestmark = HOST


def both_attached(case: Case, party: RouterParty, prefix: bytes, *options: nd.Option) -> tuple[bytes, bytes]:
    """The addresses that the DUT makes of the router's prefix and of a second one; `options` are told in one RA."""
    party.options = list(options)
    second = next(o.prefix for o in options if isinstance(o, nd.PrefixInformation) and o.prefix != prefix)
    attach(case, party, prefix)
    all_heard(case, SOON)
    found = {
        registered_by(s)[:8]: registered_by(s) for s in case.tester.heard if registered_by(s) is not None
    }
    if second[:8] not in found:
        case.unsupported(
            "the DUT makes an address of one prefix only: see 5.4.again/two_prefixes", "not_observable"
        )
    return found[prefix[:8]], found[second[:8]]


#: What a valid address that is gone, and one that has ended and is there, break.
VALID, ENDED = "RFC4862-5.5.4-03", "RFC4862-5.5.4-02"


def expect_answer(
    case: Case,
    party: RouterParty,
    address: bytes,
    there: bool,
    what: str,
    frame: bytes = b"",
    *,
    row: str | None = None,
) -> None:
    """The DUT answers at one of its addresses, or does not; `row` is what it breaks else (None: the case's own)."""
    seen = answers_at(case, party, address)
    code = "nd_dropped_address" if there else "nd_used"
    wanted, got = ("an answer", "none") if there else ("no answer", "one")
    case.expect(
        (seen is not None) == there, code, f"{what}: {wanted} at {address.hex()}", got, frame=frame,
        requirement=row,
    )  # fmt: skip


# -- prefixes ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@requirement("RFC4862-5.5.4-02", "RFC4862-5.5.4-03")
@pytest.mark.parametrize("ends", ["first", "second"])
def test_one_of_two_prefixes_ends(case: Case, ends: str):
    """Two prefixes in one RA, one valid for 40 s: its address ends then, and the other one stays."""
    with offered(case) as (party, prefix):
        second = spread(case)
        short = {"valid_lifetime": 40, "preferred_lifetime": 20}
        options = [
            pio(prefix, **(short if ends == "first" else {})),
            pio(second, **(short if ends == "second" else {})),
        ]
        addresses = both_attached(case, party, prefix, *options, abro())
        party.advertises = False
        gone, stays = addresses if ends == "first" else addresses[::-1]
        expect_made(case, party, *addresses)
        let_pass(case, 60.0)
        expect_answer(case, party, stays, True, "its prefix is valid", row=VALID)
        expect_answer(case, party, gone, False, "its prefix has ended", row=ENDED)
        again = all_heard(case, 400.0, lambda s: registers(s) and registered_by(s) == gone)
        case.expect(
            not again, "nd_used", "no registration from an address that has ended", f"{len(again)}",
            frame=again[0] if again else None,
        )  # fmt: skip


#: How an address stays -> what a DUT breaks whose address does not.
STAYS = {"told-again": "RFC4862-5.5.3-02", "deprecated": "RFC4862-5.5.4-01", "not-told-again": VALID}


@pytest.mark.slow
@requirement("RFC4862-5.5.3-02", "RFC4862-5.5.4-01", "RFC4862-5.5.4-03")
@pytest.mark.parametrize("how", STAYS)
def test_prefix_stays(case: Case, how: str):
    """An address stays while its prefix is valid: told again it lasts from then on; its preferred lifetime may end.

    "IP and higher layers MUST continue to accept and process datagrams destined to a deprecated address as normal"
    (RFC 4862 §5.5.4). In the other two it is preferred all the time.
    """
    valid = 60 if how == "told-again" else 600
    with offered(case) as (party, prefix):
        party.options = [
            pio(prefix, valid_lifetime=valid, preferred_lifetime=30 if how == "deprecated" else valid),
            abro(),
        ]
        address = attach(case, party, prefix)
        expect_made(case, party, address)
        let_pass(case, 40.0)
        party.advertises = False
        other = (pio(spread(case)),)
        frame = party.advertise(*(other if how == "not-told-again" else party.options))
        let_pass(case, 45.0)
        expect_answer(case, party, address, True, "its prefix is valid", frame, row=STAYS[how])


@pytest.mark.slow
@requirement("RFC4862-5.5.3-03", "RFC6775-5.4.1-02")
def test_prefix_comes_back(case: Case):
    """A prefix has ended, and is advertised again: an address of it is made, registered and used as at first."""
    with offered(case) as (party, prefix):
        party.options = [pio(prefix, valid_lifetime=30, preferred_lifetime=30), abro()]
        before = attach(case, party, prefix)
        party.advertises = False
        let_pass(case, 45.0)
        party.options = [pio(prefix), abro()]
        frame = party.advertise()
        seen = heard(case, registers_of(prefix), STARTED)
        if seen is None:  # it is made and not registered where it answers
            made = answers_at(case, party, before) is not None
            case.finding("not_registered", "an address of the prefix is registered", "none", frame=frame,
                         requirement="RFC6775-5.4.1-02" if made else "RFC4862-5.5.3-03")  # fmt: skip
            return
        case.tester.listen(SOON)
        expect_answer(case, party, registered_by(seen), True, "its prefix is there again", frame)


@pytest.mark.slow
@requirement("RFC4862-5.5.3-01", "RFC6775-5.2-01")
def test_link_local_prefix(case: Case):
    """A PIO of fe80::/64: "silently ignore" it (RFC 4862 §5.5.3 b); the link-local address does not end with it."""
    with attached(case) as (party, _):
        own = case.tester.dut_address
        party.advertises = False
        frame = party.advertise(
            pio(own[:8] + bytes(8), valid_lifetime=20, preferred_lifetime=20), *party.options
        )
        let_pass(case, 40.0)
        expect_answer(case, party, own, True, "the link-local address", frame)


@requirement("RFC4862-5.5.3-01")
def test_bits_behind_the_prefix(case: Case):
    """Bits behind the Prefix Length MUST be "ignored by the receiver" (RFC 4861 §4.6.2): the address is the same."""
    with offered(case) as (party, prefix):
        party.options = [pio(prefix[:8] + bytes.fromhex("a5a5a5a5a5a5a5a5")), abro()]
        address = attach(case, party, prefix)
        frame = party.advertise(pio(prefix), abro(2))
        found = [registered_by(s) for s in all_heard(case, SOON, registers_of(prefix))]
        more = [one for one in found if one != address]
        case.expect(not more, "nd_taken", f"{address.hex()} only", more[0].hex() if more else "", frame=frame)


# -- routers ----------------------------------------------------------------------------------------------------


@A_HOST
@needs("ping")
@requirement("RFC6775-5.6-02", "RFC4862-5.5.4-03", "RFC6775-5.5-01", "RFC6775-5.3-08")
@pytest.mark.parametrize("leaves", ["first", "second"])
def test_one_of_two_routers_retires(case: Case, leaves: str):
    """One of two routers retires: the address stays, the other carries packets, and its registration is renewed."""
    with attached(case) as (first, address):
        second = once_more(case, first, minutes=2)
        first.minutes = 2
        expect_made(case, first, address)
        with serving(case.tester, second):
            second.advertise()
            case.tester.listen(SOON)
            goes, stays = (first, second) if leaves == "first" else (second, first)
            goes.advertises = False
            frame = goes.advertise(abro(), router_lifetime=0)
            case.tester.listen(SOON)
            expect_answer(case, stays, address, True, "a router is there", frame, row=VALID)
            expect_by(case, stays.link, "the other router")
            again = all_heard(case, 600.0, lambda s: to(stays)(s) and registered_by(s) == address)
            case.expect(
                bool(again),
                "nd_renewal",
                "its registration with the other is renewed",
                "never in 10 minutes",
                requirement="RFC6775-5.5-01",
            )


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.3-02", "RFC6775-5.3-01", "RFC6775-5.3-03", "RFC8505-6.1-01")
def test_solicitations_again_are_whole(case: Case):
    """The only router retires, and solicitations begin again, as at first: a link-local source, an SLLAO."""
    with attached(case) as (party, _):
        party.advertises = False
        party.advertise(abro(), router_lifetime=0)
        seen = heard(case, is_rs, 60.0)
        if seen is None:
            case.unsupported("no solicitation begins again: see 5.3/starts_again", "not_observable")
        frame, options = seen.frames[0], nd.options(seen.upper, 8)
        case.expect(tells_link(case, options), "nd_sllao", "an SLLAO", seen.upper[8:].hex(), frame=frame)
        source, there = seen.view.src, seen.view.dst
        case.expect(is_link_local(source), "nd_source", "from a link-local address", source.hex(), frame=frame,
                    requirement="RFC6775-5.3-01")  # fmt: skip
        case.expect(there == ALL_ROUTERS, "nd_destination", "to ff02::2: no router is known", there.hex(),
                    requirement="RFC6775-5.3-01", frame=frame)  # fmt: skip
        indicates = any(isinstance(option, nd.CapabilityIndication) for option in options)
        case.expect(indicates or not case.declares("nd_extended"), "nd_option", "a 6CIO", "none", frame=frame,
                    requirement="RFC8505-6.1-01")  # fmt: skip


@requirement("RFC4861-6.3.4-01")
def test_hop_limit_told_again(case: Case):
    """A Cur Hop Limit of 33, then 0, which leaves it as it is, then 44: the hop limit of what the DUT sends: advice."""
    with attached(case) as (party, address):
        party.advertises = False
        for told_limit, wanted in ((33, 33), (0, 33), (44, 44)):
            frame = party.advertise(hop_limit=told_limit)
            case.tester.listen(0.5)
            seen = answers_at(case, party, address)
            got = seen.view.hop_limit if seen is not None else None
            case.expect(
                got == wanted, "hop_limit", f"hop limit {wanted} behind {told_limit}", str(got), frame=frame
            )


# -- registrations ----------------------------------------------------------------------------------------------


@contextmanager
def two_asked(case: Case) -> Iterator[tuple[RouterParty, list[Seen]]]:
    """A fresh DUT that registers an address of each of two prefixes, unanswered: the router, and the two NSs."""
    with offered(case, status=None) as (party, prefix):
        second = spread(case)
        party.options, party.advertises = [pio(prefix), pio(second), abro()], False
        party.advertise()
        found: dict[bytes, Seen] = {}
        while len(found) < 2 and (seen := heard(case, to(party), STARTED)) is not None:
            address = registered_by(seen)
            if address[:8] in {prefix[:8], second[:8]}:
                found.setdefault(address, seen)
            else:
                party.confirm(seen)
        if len(found) < 2:
            case.unsupported(
                "the DUT makes an address of one prefix only: see 5.4.again/two_prefixes", "not_observable"
            )
        yield party, list(found.values())


@requirement("RFC6775-5.5-01", "RFC6775-5.5.2-03")
@pytest.mark.parametrize("confirmed", [0, 1], ids=["first", "second"])
def test_two_addresses_wait(case: Case, confirmed: int):
    """Two addresses are registered, and one is confirmed: the other is tried again."""
    with two_asked(case) as (party, asked):
        frame = party.confirm(asked[confirmed])
        other = registered_by(asked[1 - confirmed])
        case.tester.listen(0.5)  # what was under way
        again = heard(case, lambda s: to(party)(s) and registered_by(s) == other, 20.0)
        case.expect(
            again is not None,
            "nd_no_retry",
            "the other one again: nobody answered",
            "never in 20 s",
            frame=frame,
        )


@pytest.mark.slow
@requirement("RFC6775-5.5.2-03", "RFC6775-5.5-01")
def test_each_address_has_its_lifetime(case: Case):
    """Ten minutes are granted for the address that is registered first, one for the other: that is renewed in time."""
    with two_asked(case) as (party, asked):
        for seen, minutes in zip(asked, (10, 1), strict=True):
            party.confirm(seen, lifetime=minutes)
        short = registered_by(asked[1])
        party.status = 0
        again = heard(case, lambda s: to(party)(s) and registered_by(s) == short, 62.0)
        case.expect(again is not None, "nd_renewal", "renewed within the minute that was granted", "not so")


@pytest.mark.slow
@requirement("RFC6775-4.1-04")
def test_tried_again_behind_a_failure(case: Case):
    """A registration fails by a status that nobody assigned; whenever it is tried again, it is with Status 0."""
    with offered(case, status=177) as (party, prefix):
        registration_behind_ra(case, party, prefix)
        later = all_heard(case, 300.0, registers)
        for seen in later:
            status = registration_of(seen).status
            case.expect(status == 0, "nd_status", "Status 0", str(status), frame=seen)


@pytest.mark.slow
@requirement("RFC6775-5.5.3-01")
def test_renewal_refused(case: Case):
    """A registration that was confirmed is refused when it is renewed, status 1: the address is not used any more."""
    with attached(case, minutes=1) as (party, address):
        party.status = None
        seen = heard(case, lambda s: to(party)(s) and registered_by(s) == address, 70.0)
        if seen is None:
            case.unsupported("no registration is renewed: see 5.5/renewal", "not_observable")
        frame = party.confirm(seen, 1)
        party.status = 0
        case.tester.listen(SOON)
        expect_answer(case, party, address, False, "somebody else's", frame)


@requirement("RFC6775-5.5-01")
def test_answer_to_a_later_try(case: Case):
    """The second try is answered: that is an answer like any other, and there is no third."""
    with offered(case, status=None) as (party, prefix):
        first = registration_behind_ra(case, party, prefix)
        address = registered_by(first) if first is not None else None  # it may have others of this prefix
        second = heard(case, lambda s: registers(s) and registered_by(s) == address, STARTED)
        if address is None or second is None:
            case.unsupported("there is no second try: see 5.5/retries", "not_observable")
        frame = party.confirm(second)
        party.advertises = False
        left = case.tester.left(frame)  # a third may be on its way where other work holds the tester up
        more = all_heard(
            case, 8.0, lambda s: registers(s) and registered_by(s) == address and s.began >= left
        )
        case.expect(not more, "nd_unasked", "no third try", f"{len(more)} more", frame=frame)


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.5.3-03")
def test_router_that_was_full(case: Case):
    """A router was full, and advertises itself later: the host registers with it then: advice."""
    with offered(case, status=2) as (party, prefix):
        registration_behind_ra(case, party, prefix)
        party.advertises = False
        let_pass(case, 120.0)
        party.status, party.advertises = 0, True
        before = len(party.registered)
        registration_behind_ra(case, party, prefix)
        with advice(case):
            case.expect(
                len(party.registered) > before, "not_registered", "a registration: there is room now", "none"
            )


@pytest.mark.slow
@requirement("RFC6775-5.5.2-03", "RFC6775-5.5-01")
def test_granted_less_later(case: Case):
    """Ten minutes are granted, and at the renewal one: from then on it is renewed within each minute."""
    with attached(case, minutes=10) as (party, address):
        party.minutes = 1
        seen = heard(case, lambda s: to(party)(s) and registered_by(s) == address, 610.0)
        if seen is None:
            case.unsupported("no registration is renewed: see 5.5/renewal", "not_observable")
        again = heard(case, lambda s: to(party)(s) and registered_by(s) == address, 62.0)
        case.expect(again is not None, "nd_renewal", "renewed within the minute that was granted", "not so")
