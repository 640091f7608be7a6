"""RFC 6775 §8, a 6LR behind events: two hosts that wait at a time, 6LBRs that end and come back, sets told again.

Each case needs two of something (hosts that wait, 6LBRs, versions), since with one alone nothing can be mixed up.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fixtures.api import (
    Case,
    HostParty,
    RouterParty,
    Seen,
    binds,
    let_pass,
    message_of,
    registration_of,
    requirement,
    serving,
)
from sixlowpan import nd
from suites.rfc6775.parties import BORDER, SOON, abro, heard, host, is_ra, pio, router, spread
from suites.rfc6775.roles import MULTIHOP
from suites.rfc6775.routing import arrives, registered, routing
from suites.rfc6775.test_6_5 import is_registered
from suites.rfc6775.test_7 import holds
from suites.rfc6775.test_8_1 import OTHER, another_border, of, prefixes, told, version
from suites.rfc6775.test_8_1_again import contexts, lives
from suites.rfc6775.test_8_2 import answer, is_dar

pytestmark = MULTIHOP
DETECTS = binds("6LR", "nd", "multihop_dad")
NOT_PASSED_ON = "the DUT does not pass on what a second 6LBR told: see 8.1/two_borders"


def tells_both(case: Case, prefix: bytes, other: bytes) -> None:
    """The DUT tells of both 6LBRs, each with its prefix: for how many it has room is not said."""
    found = told(case, host(case))
    if prefix not in prefixes(of(found, BORDER)) or other not in prefixes(of(found, OTHER)):
        case.unsupported(NOT_PASSED_ON)


@contextmanager
def two_borders(
    case: Case, minutes: int = 60, *more: nd.Option
) -> Iterator[tuple[RouterParty, RouterParty, bytes, bytes]]:
    """A 6LR that was told of two 6LBRs, the second for `minutes`: the routers above, and the prefix of each."""
    with routing(case) as (above, prefix):
        other = spread(case)
        with another_border(case, other, 7, minutes, *more) as (second, _):
            tells_both(case, prefix, other)
            above.advertises = second.advertises = False
            yield above, second, prefix, other


# -- hosts that wait --------------------------------------------------------------------------------------------


def asks(case: Case, party: HostParty, prefix: bytes, lifetime: int) -> tuple[bytes, Seen]:
    """A host registers an address whose identifier is no EUI-64's: the address, and the DAR for it."""
    address = case.tester.also(prefix[:8] + b"\x50" + case.tester.pattern(7))
    party.send(party.registration(address, party.aro(lifetime)))
    seen = heard(case, lambda s: is_dar(s) and message_of(s).address == address)
    if seen is None:
        case.failed("nd_request", f"a DAR for {address.hex()}", "none", requirement="RFC6775-8.2-01")
    return address, seen


def expect_status(case: Case, party: HostParty, status: int | None, frame: bytes) -> None:
    seen = answer(case, party)
    got = registration_of(seen).status if seen is not None else None
    case.expect(
        got == status, "nd_status", f"status {status} for {party.eui64.hex()}", f"status {got}", frame=frame
    )


@DETECTS
@requirement("RFC6775-8.2-01", "RFC6775-8.2.3-01", "RFC6775-8.2.5-01")
@pytest.mark.parametrize("answered", ["first-at-first", "second-at-first"])
def test_two_wait(case: Case, answered: str):
    """Two hosts register an address each, and wait; the first is confirmed, the second refused: each gets its own."""
    with routing(case) as (above, prefix):
        above.checked = None
        first, second = host(case), host(case)
        mine, request = asks(case, first, prefix, 10)
        its, later = asks(case, second, prefix, 20)
        for party, seen, minutes in ((first, request, 10), (second, later, 20)):
            message = message_of(seen)
            got, wanted = (message.rovr, message.lifetime), (party.eui64, minutes)
            case.expect(
                got == wanted, "nd_request", f"EUI-64 and lifetime {wanted}", f"{got}",
                requirement="RFC6775-8.2.3-01", frame=seen,
            )  # fmt: skip
        both = [(first, request, 0), (second, later, 1)]
        for party, seen, status in both if answered == "first-at-first" else both[::-1]:
            frame = above.confirm_duplicate(seen, status)
            expect_status(case, party, status, frame)
        there = arrives(case, above, mine, first.link)
        case.expect(there is not None, "nd_lost", "the first is registered", "it is not", frame=frame)
        there = arrives(case, above, its, second.link)
        case.expect(there is None, "nd_kept", "the second is not", "packets go there", frame=frame)


@DETECTS
@requirement("RFC6775-8.2-01", "RFC6775-6.5.3-03")
def test_removal_by_another_while_it_waits(case: Case):
    """While a host waits, another EUI-64 gives its address back: the one that waits is confirmed all the same."""
    with routing(case) as (above, prefix):
        above.checked = None
        party, other = host(case), host(case)
        address, request = asks(case, party, prefix, 10)
        other.send(other.registration(address, other.aro(0)))
        case.tester.listen(0.5)
        frame = above.confirm_duplicate(request, 0)
        expect_status(case, party, 0, frame)
        there = arrives(case, above, address, party.link)
        case.expect(there is not None, "nd_lost", "it is registered", "it is not", frame=frame)


@pytest.mark.slow
@DETECTS
@requirement("RFC6775-8.2-01", "RFC6775-6.5.3-01", "RFC6775-8.2.6-01")
def test_silent_once(case: Case):
    """The 6LBR was silent, and the host got status 0: for as long as it asked. It is asked for the next address."""
    with routing(case) as (above, prefix):
        above.checked = None
        party, other = host(case), host(case)
        address = case.tester.also(prefix[:8] + b"\x50" + case.tester.pattern(7))
        status, _ = registered(case, party, address, party.aro(3))
        if status != 0:
            case.unsupported("no status 0 behind a silent 6LBR: see 8.2/no_confirmation")
        asks(case, other, prefix, 10)
        let_pass(case, 120.0)
        there = arrives(case, above, address, party.link)
        case.expect(there is not None, "nd_lost", "kept for 3 minutes", "it is gone behind two",
                    requirement="RFC6775-6.5.3-01")  # fmt: skip


@pytest.mark.slow
@DETECTS
@requirement("RFC6775-8.2-01")
def test_asked_again_behind_an_end(case: Case):
    """A registration was confirmed, and has ended: the host's next one is a new one, which the 6LBR is asked about."""
    with routing(case) as (above, prefix):
        party = host(case)
        address, _ = asks(case, party, prefix, 1)
        expect_status(case, party, 0, b"")
        let_pass(case, 66.0)
        above.checked = None
        frame = party.send(party.registration(address))
        seen = heard(case, lambda s: is_registered(s) or (is_dar(s) and message_of(s).address == address))
        good = seen is not None and is_dar(seen)
        case.expect(good, "nd_request", f"a DAR for {address.hex()}", "none first", frame=frame)


@pytest.mark.slow
@DETECTS
@requirement("RFC6775-6.3-01", "RFC6775-8.2.3-01")
def test_request_behind_a_border_that_ended(case: Case):
    """Of two 6LBRs one ends: what is registered then is asked of the other one, and not of it alone."""
    with routing(case, abro(1, 1)) as (above, prefix), another_border(case, prefix) as (second, _):
        if of(told(case, host(case)), OTHER) is None:
            case.unsupported(NOT_PASSED_ON)
        above.advertises = second.advertises = False
        above.checked = second.checked = None
        let_pass(case, 66.0)
        _, seen = asks(case, host(case), prefix, 10)
        case.expect(
            seen.view.dst == OTHER, "nd_destination", f"to {OTHER.hex()}", seen.view.dst.hex(), frame=seen
        )


# -- what 6LBRs told --------------------------------------------------------------------------------------------


@requirement("RFC6775-6.3-04", "RFC6775-6.3-05", "RFC8505-6.1-02")
@pytest.mark.parametrize("to", ["all-routers", "its-address"])
def test_each_advertisement_is_whole(case: Case, to: str):
    """Of two 6LBRs each has its RA, and each RA an SLLAO, also where the solicitation went to the router's address."""
    with two_borders(case):
        party = host(case)
        extended = case.declares("nd_extended")
        more = (nd.CapabilityIndication(frozenset()),) if extended else ()
        message = nd.RouterSolicitation((party.source_option(), *more))
        party.say(message, case.tester.dut_address) if to == "its-address" else party.solicit(*more)
        found = 0
        while (seen := heard(case, is_ra, SOON)) is not None:
            found += 1
            options = message_of(seen).options
            told_link = any(isinstance(o, nd.LinkLayerAddress) and o.type == nd.SLLAO for o in options)
            case.expect(told_link, "nd_sllao", "an SLLAO in each RA", "none", frame=seen)
            indicates = any(isinstance(o, nd.CapabilityIndication) for o in options)
            case.expect(indicates or not extended, "nd_flags", "a 6CIO in each RA, as in the RS", "none",
                        requirement="RFC8505-6.1-02", frame=seen)  # fmt: skip
        case.expect(found > 0, "no_ra", "an RA for each 6LBR", "none", requirement="RFC6775-6.3-05")


@pytest.mark.slow
@requirement("RFC6775-8.1.4-01", "RFC6775-8.1.4-02")
@pytest.mark.parametrize("again", ["same-version", "older-version", "other-border", "solicited"])
def test_lifetimes_behind_another_advertisement(case: Case, again: str):
    """A lifetime counts from when its own 6LBR told it last: an older version or another 6LBR's RA renews nothing."""
    context = nd.ContextOption(bytes.fromhex("20010db8c0de00e0") + bytes(8), 64, True, 0, 60)
    holds(case, 0)
    with two_borders(case, 60, context) as (above, second, _, other):
        began = case.tester.stamp()
        let_pass(case, 125.0)
        if again == "same-version":
            second.advertise()
        elif again == "older-version":
            second.advertise(pio(other), context, abro(6, border=OTHER))
        elif again == "other-border":
            above.advertise()
        else:
            told(case, host(case))
        case.tester.listen(1.0)
        renewed = case.tester.stamp() - began
        let_pass(case, 185.0, began)
        messages = told(case, host(case))
        held = case.tester.stamp() - began - (renewed if again == "same-version" else 0)
        left = lives(of(messages, OTHER), other)
        if left is None:
            case.failed("nd_lost", "the second prefix", "it is gone", requirement="RFC6775-8.1.4-02")
        near = abs(left[0] - (86400 - held)) <= 15
        case.expect(near, "nd_lifetime", f"a valid lifetime of {86400 - held:.0f} s", str(left))
        minutes = contexts(messages).get(0)
        if minutes is None:
            case.failed("nd_lost", "the context of the second", "it is gone", requirement="RFC6775-8.1.4-02")
        near = abs(minutes - (60 - held / 60)) <= 1.2  # whole minutes, rounded either way
        case.expect(near, "nd_lifetime", f"{60 - held / 60:.1f} minutes of context", str(minutes))


@requirement("RFC6775-8.1.5-01", "RFC6775-4.3-02")
def test_prefix_of_two_borders(case: Case):
    """Two 6LBRs tell a prefix: "they still need to be associated with the 6LBRs that advertised them": in both RAs."""
    with routing(case, abro(5)) as (_, prefix):
        second = router(case, pio(prefix), abro(9, border=OTHER))
        with serving(case.tester, second):
            frame = second.advertise()
            case.tester.listen(1.0)
            found = told(case, host(case))
        if of(found, OTHER) is None or of(found, BORDER) is None:
            case.unsupported(NOT_PASSED_ON)
        for border, number in ((BORDER, 5), (OTHER, 9)):
            message = of(found, border)
            case.expect(
                prefix in prefixes(message),
                "nd_option",
                f"the prefix beside {border.hex()}",
                "none",
                frame=frame,
            )
            case.expect(
                version(message) == number, "nd_version", f"version {number} of {border.hex()}", str(version(message)),
                requirement="RFC6775-4.3-02", frame=frame,
            )  # fmt: skip


@pytest.mark.slow
@requirement("RFC6775-6.3-01", "RFC6775-8.1.5-01")
def test_shared_prefix_outlives_a_border(case: Case):
    """Two 6LBRs tell one prefix and one context; one ends: the other's stay, and hosts register addresses of it."""
    context = nd.ContextOption(bytes.fromhex("20010db8c0de00e1") + bytes(8), 64, True, 0, 60)
    holds(case, 0)
    with (
        routing(case, context, abro(1, 1)) as (above, prefix),
        another_border(case, prefix, 9, 60, context) as (second, _),
    ):
        before = told(case, host(case))
        if of(before, OTHER) is None:
            case.unsupported(NOT_PASSED_ON)
        if 0 not in contexts(before):
            case.unsupported("the DUT does not pass contexts on: see 8.1.again/whole_set")
        above.advertises = second.advertises = False
        let_pass(case, 66.0)
        found = told(case, host(case))
        stays = prefix in prefixes(of(found, OTHER)) and 0 in contexts(found)
        case.expect(stays, "nd_lost", "the prefix and the context of the other 6LBR", "not both")
        party = host(case)
        address = prefix[:8] + b"\x50" + case.tester.pattern(7)
        status, _ = registered(case, party, address)
        case.expect(status == 0, "nd_lost", "an address of the prefix is registered", f"status {status}")
        dars = [s for s in case.tester.heard if is_dar(s) and message_of(s).address == address]
        asked = {s.view.dst.hex() for s in dars}
        if case.declares("multihop_dad"):
            case.expect(
                asked == {OTHER.hex()},
                "nd_request",
                f"the 6LBR {OTHER.hex()} is asked",
                ", ".join(sorted(asked)) or "no DAR",
                requirement="RFC6775-8.2-01",
            )


@pytest.mark.slow
@requirement("RFC6775-8.1.3-02", "RFC6775-6.3-01")
def test_border_comes_back(case: Case):
    """A 6LBR that had ended, "all information related to" it removed, is told of with a lower version: it is new."""
    with two_borders(case, 1) as (_, second, _, other):
        let_pass(case, 66.0)
        if of(told(case, host(case)), OTHER) is not None:
            case.unsupported("what the second 6LBR told did not end: see 8.1/border_ends")
        frame = second.advertise(pio(other), abro(3, 60, border=OTHER))
        case.tester.listen(1.0)
        found = of(told(case, host(case)), OTHER)
        case.expect(
            other in prefixes(found), "nd_version", "told anew with version 3", "it is not", frame=frame
        )


@pytest.mark.slow
@requirement("RFC6775-6.3-01", "RFC6775-4.3-01")
def test_last_border_ends(case: Case):
    """The only 6LBR ends: no RA tells of it or its prefix, and none is without an ABRO."""
    with routing(case, abro(1, 1)) as (above, prefix):
        above.advertises = False
        let_pass(case, 70.0)
        for message in told(case, host(case)):
            kinds = {type(option) for option in message.options}
            case.expect(prefix not in prefixes(message), "nd_kept", "its prefix is told no more", "it is")
            case.expect(
                nd.AuthoritativeBorderRouter in kinds, "nd_option", "an ABRO in each RA, or no RA", "an RA without one",
                requirement="RFC6775-4.3-01",
            )  # fmt: skip


@pytest.mark.slow
@requirement("RFC6775-4.3-03", "RFC6775-8.1.3-02")
def test_told_for_longer(case: Case):
    """A 6LBR that was told for a minute is told again with a lifetime of 0, which is 10,000 minutes: it lasts."""
    with routing(case, abro(1, 1)) as (above, prefix):
        above.options = [pio(prefix), abro(1, 0)]
        frame = above.advertise()
        above.advertises = False
        let_pass(case, 75.0)
        stays = prefix in prefixes(of(told(case, host(case)), BORDER))
        case.expect(stays, "nd_lost", "its prefix", "it is gone behind a minute", frame=frame)
