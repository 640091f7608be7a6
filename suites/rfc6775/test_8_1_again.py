"""RFC 6775 §8.1, multihop distribution as time passes: what has ended, what is infinite, and what is told again."""

import pytest

from fixtures.api import Case, advice, let_pass, requirement, serving
from sixlowpan import nd
from suites.rfc6775.parties import SOON, abro, all_heard, host, is_ra, pio, readable, router, spread
from suites.rfc6775.roles import MULTIHOP
from suites.rfc6775.routing import routing
from suites.rfc6775.test_7 import holds
from suites.rfc6775.test_8_1 import of, prefixes, told

pytestmark = MULTIHOP
CONTEXT = bytes.fromhex("20010db8c0de00c1") + bytes(8)


def lives(message: nd.RouterAdvertisement | None, prefix: bytes) -> tuple[int, int] | None:
    """(valid, preferred) lifetime of a prefix in an RA."""
    options = message.options if message else ()
    found = (o for o in options if isinstance(o, nd.PrefixInformation) and o.prefix == prefix)
    return next(((o.valid_lifetime, o.preferred_lifetime) for o in found), None)


def passed_on(case: Case, prefix: bytes) -> tuple[int, int]:
    """(valid, preferred) lifetime with which a 6LR tells a new host of this prefix; the case ends where it does not."""
    found = lives(of(told(case, host(case)), abro().address), prefix)
    if found is None:
        case.failed("nd_option", "the prefix, passed on", "it is not", requirement="RFC6775-8.1.4-02")
    return found


def contexts(messages: list[nd.RouterAdvertisement]) -> dict[int, int]:
    """CID -> valid lifetime of what is told."""
    options = [o for m in messages for o in m.options if isinstance(o, nd.ContextOption)]
    return {o.cid: o.valid_lifetime for o in options}


@requirement("RFC6775-8.1.4-01", "RFC6775-8.1.4-02")
def test_infinite_lifetime(case: Case):
    """0xffffffff "represents infinity" (RFC 4861 §4.6.2), which time takes nothing from: advice."""
    with routing(case) as (above, _):
        other = spread(case)
        above.options = [*above.options, pio(other, valid_lifetime=0xFFFFFFFF, preferred_lifetime=0xFFFFFFFF)]
        above.advertise()
        above.advertises = False
        let_pass(case, 5.0)
        found = passed_on(case, other)
        with advice(case):
            case.expect(found == (0xFFFFFFFF, 0xFFFFFFFF), "nd_lifetime", "infinity", str(found))


@pytest.mark.slow
@requirement("RFC6775-8.1.4-01", "RFC6775-8.1.4-02")
def test_preferred_lifetime_ends_first(case: Case):
    """A preferred lifetime that has ended is 0, while the valid one goes on."""
    with routing(case) as (above, prefix):
        above.options = [pio(prefix, valid_lifetime=7200, preferred_lifetime=30), abro()]
        above.advertise()
        above.advertises = False
        let_pass(case, 60.0)
        found = passed_on(case, prefix)
        good = found[1] == 0 and 7000 <= found[0] <= 7145
        case.expect(good, "nd_lifetime", "valid for 7140 s, preferred for 0", str(found))


@pytest.mark.slow
@requirement("RFC6775-8.1.4-01", "RFC6775-8.1.4-02")
def test_what_has_ended(case: Case):
    """ "The prefixes are timed out", and so are contexts: behind their end none is told, or with a lifetime of 0."""
    holds(case, 0)
    with routing(case) as (above, prefix):
        other = spread(case)
        context = nd.ContextOption(CONTEXT, 64, True, 0, 1)
        longer = nd.ContextOption(CONTEXT[:7] + b"\xc7" + bytes(8), 64, True, 1, 60)
        above.options = [
            *above.options,
            pio(other, valid_lifetime=60, preferred_lifetime=60),
            context,
            longer,
        ]
        above.advertise()
        above.advertises = False
        let_pass(case, 2.0)
        before = told(case, host(case))
        if other not in prefixes(of(before, abro().address)) or 0 not in contexts(before):
            case.failed("nd_option", "the prefix and the context, passed on", "not both",
                        requirement="RFC6775-8.1.4-02")  # fmt: skip
        let_pass(case, 70.0)
        after = told(case, host(case))
        found = lives(of(after, abro().address), other)
        case.expect(not (found or (0, 0))[0], "nd_kept", "the prefix has ended", f"{found}")
        minutes = contexts(after).get(0, 0)
        case.expect(minutes == 0, "nd_kept", "the context has ended", f"{minutes} minutes")
        stays = prefix in prefixes(of(after, abro().address))
        case.expect(stays, "nd_lost", "the other prefix", "it is gone", requirement="RFC6775-8.1.4-02")
        # it may have room for one only
        stays = 1 not in contexts(before) or contexts(after).get(1, 0) > 0
        case.expect(stays, "nd_lost", "the other context", "it is gone", requirement="RFC6775-8.1.4-02")


@requirement("RFC6775-8.1.4-02", "RFC6775-4.2-03")
def test_whole_set(case: Case):
    """A router keeps "the complete set of PIOs and 6COs" (§8.1.4), and passes all of them on: as many as it holds."""
    count = case.rig.profile.parameters.contexts or 16
    with routing(case) as (above, prefix):
        second = spread(case)
        six = [
            nd.ContextOption(CONTEXT[:7] + bytes([cid]) + bytes(8), 64, True, cid, 60) for cid in range(count)
        ]
        above.options = [*above.options, pio(second), *six]
        frame = above.advertise()
        case.tester.listen(1.0)
        found = told(case, host(case))
        missing = [cid for cid in range(count) if cid not in contexts(found)]
        case.expect(not missing, "no_6co", f"{count} contexts", f"without {missing}", frame=frame)
        both = {prefix, second} <= {p for m in found for p in prefixes(m)}
        case.expect(both, "nd_option", "both prefixes", "one of them at most", frame=frame)


@pytest.mark.slow
@requirement("RFC6775-8.1.3-02", "RFC6775-6.3-01", "RFC6775-4.3-02")
def test_told_again(case: Case):
    """The same version again: "the recorded information" is updated, its lifetime as well: it lasts from then on."""
    with routing(case, abro(1, 1)) as (above, prefix):
        above.advertises = False
        let_pass(case, 40.0)
        there = prefix in prefixes(of(told(case, host(case)), abro().address))
        case.expect(there, "nd_lost", "told on: its lifetime is a minute", "it has ended",
                    requirement="RFC6775-4.3-02")  # fmt: skip
        frame = above.advertise()
        let_pass(case, 40.0)
        stays = prefix in prefixes(of(told(case, host(case)), abro().address))
        case.expect(stays, "nd_lost", "told on: a minute from the second time", "it has ended", frame=frame)


@requirement("RFC6775-8.1.3-02")
def test_version_is_recorded(case: Case):
    """ "The recorded information and version number are updated": behind versions 5 and 7 version 6 is ignored."""
    with routing(case, abro(5)) as (above, prefix):
        other = spread(case)
        above.advertise(pio(prefix), abro(7))
        case.tester.listen(1.0)
        frame = above.advertise(pio(prefix), pio(other), abro(6))
        above.advertises = False
        case.tester.listen(1.0)
        after = of(told(case, host(case)), abro().address)
        case.expect(
            other not in prefixes(after), "nd_version", "version 6 is ignored", "it is taken", frame=frame
        )
        case.expect(prefix in prefixes(after), "nd_lost", "version 7 stays", "it is gone", frame=frame)


@requirement("RFC6775-8.1.3-02")
def test_border_of_two_routers(case: Case):
    """ "The router uses the 6LBR Address field in the ABRO", not who told it: an older version of another is older."""
    with routing(case, abro(5)) as (above, prefix):
        above.advertises = False
        second = router(case, pio(spread(case)), abro(4), advertises=False)
        frame = second.advertise()
        case.tester.listen(1.0)
        found = told(case, host(case))
        old = [m for m in found if second.options[0].prefix in prefixes(m)]
        case.expect(not old, "nd_version", "version 4 of that 6LBR is ignored", "it is taken", frame=frame)
        stays = prefix in prefixes(of(found, abro().address))
        case.expect(stays, "nd_lost", "version 5 stays", "it is gone", frame=frame)


@requirement("RFC6775-8.1.3-02", "RFC6775-6.3-05")
def test_borders_that_look_alike(case: Case):
    """Two 6LBRs whose addresses have one interface identifier: each is told of, by unicast to who solicits: advice."""
    with routing(case, abro(5)) as (_, prefix):
        near, other = bytes.fromhex("20010db8000000ff") + abro().address[8:], spread(case)
        second = router(case, pio(other), abro(5, border=near))
        with serving(case.tester, second):
            frame = second.advertise()
            case.tester.listen(1.0)
            party = host(case)
            party.solicit()
            seen = all_heard(case, SOON, is_ra)
        found = [(one.view.dst, readable(case, one)) for one in seen]
        alone = [m for there, m in found if there == party.address]
        for border, mine in ((abro().address, prefix), (near, other)):
            with advice(case):
                there = mine in prefixes(of([m for _, m in found], border))
                if case.expect(there, "nd_option", f"an RA of {border.hex()}", "none", frame=frame):
                    case.expect(
                        mine in prefixes(of(alone, border)), "nd_destination", f"that of {border.hex()} by unicast",
                        "to all nodes", requirement="RFC6775-6.3-05", frame=frame,
                    )  # fmt: skip


@requirement("RFC6775-8.1.4-02")
@pytest.mark.parametrize(
    "changes", [{"autonomous": False}, {"length": 48}], ids=["not-autonomous", "48-bits"]
)
def test_prefix_is_passed_on(case: Case, changes: dict[str, object]):
    """A PIO is passed on as it came: whether addresses are made of it, and how long it is, is the 6LBR's to say."""
    with routing(case) as (above, _):
        given = pio(spread(case)[:6] + bytes(10), **changes)
        above.options = [*above.options, given]
        frame = above.advertise()
        case.tester.listen(1.0)
        options = [
            o for m in told(case, host(case)) for o in m.options if isinstance(o, nd.PrefixInformation)
        ]
        found = [o for o in options if o.prefix[:6] == given.prefix[:6]]
        if not found:
            case.failed("nd_option", "the prefix, passed on", "it is not", frame=frame)
        fields = (found[0].length, found[0].autonomous)
        wanted = (given.length, given.autonomous)
        case.expect(fields == wanted, "nd_option", f"length, A: {wanted}", f"{fields}", frame=frame)
