"""RFC 6775 §5.4, a second advertisement: prefixes that make no address, routers that retire, come back, or move."""

import pytest

from fixtures.api import ALL_ROUTERS, Case, advice, let_pass, needs, registered_by, requirement, serving
from sixlowpan import nd
from suites.rfc6775.attaching import (
    answers_at,
    attach,
    attached,
    beside,
    expect_made,
    none_of,
    offered,
    once_more,
    pinged,
)
from suites.rfc6775.parties import (
    A_HOST,
    SOON,
    STARTED,
    abro,
    all_heard,
    expect_of_the_link,
    heard,
    is_rs,
    pio,
    router,
    spread,
    tried,
)
from suites.rfc6775.roles import HOST
from suites.rfc6775.test_4_2 import CID, REMOTE, compresses, six, told

pytestmark = HOST
#: Where nobody is known, and no context is.
ELSEWHERE = bytes.fromhex("20010db8ee550001")

NOT_FOR_ADDRESSES = {
    "a-0": {"autonomous": False},
    "48-bits": {"length": 48},
    "80-bits": {"length": 80},
    "0-bits": {"length": 0},
    "preferred-beyond-valid": {"valid_lifetime": 600, "preferred_lifetime": 1200},
}


@requirement("RFC4862-5.5.3-01")
@pytest.mark.parametrize("how", NOT_FOR_ADDRESSES)
def test_prefix_not_for_addresses(case: Case, how: str):
    """ "Address configuration follows [RFC4862]": a PIO that §5.5.3 there ignores makes no address; the other one does.

    Without the A flag, of another length than 64 bits with a 64-bit identifier, or preferred for longer than valid.
    """
    bad = spread(case)
    with offered(case, pio(bad, **NOT_FOR_ADDRESSES[how]), first=True) as (party, prefix):
        party.advertise()
        wanted = {prefix[:6], bad[:6]}
        first = heard(case, lambda s: (registered_by(s) or b"")[:6] in wanted, STARTED)
        found = [s for s in case.tester.heard if (registered_by(s) or b"")[:6] == bad[:6]]
        found += all_heard(case, SOON, lambda s: (registered_by(s) or b"")[:6] == bad[:6])
        right = none_of(case, bad[:6], found, "no address of that prefix")
        if right and first is None:
            attach(case, party, prefix)


@requirement("RFC6775-5.4.1-02", "RFC4861-7.1.1-01")
def test_two_prefixes(case: Case):
    """Two prefixes in one advertisement: an address of each is registered. For how many there is room is advice."""
    with offered(case) as (party, prefix):
        second = spread(case)
        party.options = [pio(prefix), pio(second), abro()]
        attach(case, party, prefix)
        found = [s for s in case.tester.heard if (registered_by(s) or b"")[:8] == second[:8]]
        found += all_heard(case, SOON, lambda s: (registered_by(s) or b"")[:8] == second[:8])
        with advice(case):
            case.expect(bool(found), "not_registered", "an address of the second prefix, too", "none")
        for seen in found:
            expect_of_the_link(case, seen, "RFC4861-7.1.1-01")


@requirement("RFC6775-5.4.1-02")
@pytest.mark.parametrize("lifetime", [0x7FFFFFFF, 0x80000000, 0xFFFFFFFF], ids="{:#x}".format)
def test_long_lifetime(case: Case, lifetime: int):
    """Lifetimes of a prefix have 32 bits, and 0xffffffff "represents infinity" (RFC 4861 §4.6.2): it is taken."""
    with offered(case) as (party, prefix):
        party.options = [pio(prefix, valid_lifetime=lifetime, preferred_lifetime=lifetime), abro()]
        attach(case, party, prefix)


@requirement("RFC4862-5.5.3-03", "RFC4862-5.5.4-01", "RFC6775-5.4.1-02")
def test_deprecated_prefix(case: Case):
    """A prefix that is valid, and preferred no more: an address of it is made (RFC 4862 §5.5.3 d), registered and used.

    A DUT that registers an address of another prefix, which is preferred, makes none of one that is deprecated.
    """
    with offered(case) as (party, prefix):
        party.options = [pio(prefix, valid_lifetime=7200, preferred_lifetime=0), abro()]
        frame = party.advertise()
        seen = heard(case, lambda s: (registered_by(s) or b"")[:8] == prefix[:8], STARTED)
        if seen is None:
            preferred = spread(case)
            party.options = [pio(preferred), abro(2)]
            attach(case, party, preferred)
            case.failed("not_registered", "an address of the deprecated prefix", "one of a preferred prefix only",
                        requirement="RFC4862-5.5.3-03", frame=frame)  # fmt: skip
        case.tester.listen(SOON)
        if answers_at(case, party, registered_by(seen)) is None:
            preferred = spread(case)
            party.advertise(pio(preferred), abro(2))
            other = heard(case, lambda s: (registered_by(s) or b"")[:8] == preferred[:8], STARTED)
            if other is not None:  # one that is silent there, too, answers at no address that it registers
                case.tester.listen(SOON)
                expect_made(case, party, registered_by(other))
            case.finding("nd_dropped_address", "an answer at a deprecated address", "none",
                         requirement="RFC4862-5.5.4-01", frame=frame)  # fmt: skip


@pytest.mark.slow
@requirement("RFC4862-5.5.3-02", "RFC4862-5.5.4-01")
@pytest.mark.parametrize("told_for", [20, 0], ids="valid-{}".format)
def test_shorter_lifetime(case: Case, told_for: int):
    """A shorter lifetime, which may be forged, leaves an address two hours (RFC 4862 §5.5.3 e): and no more than these.

    Told once more an hour later, when less than two are left, it changes nothing. What is told has a preferred
    lifetime of 0, which is told alone first: an address that is silent then has not ended.
    """
    with attached(case, lifetime=0xFFFF) as (party, address):
        prefix = party.options[0].prefix
        expect_made(case, party, address)
        frame = party.advertise(pio(prefix, preferred_lifetime=0), abro(2, 0))
        case.tester.listen(SOON)
        if not case.expect(
            answers_at(case, party, address) is not None, "nd_dropped_address", "an answer at a deprecated address",
            "none", requirement="RFC4862-5.5.4-01", frame=frame,
        ):  # fmt: skip
            return
        short = pio(prefix, valid_lifetime=told_for, preferred_lifetime=0)
        party.options = [abro(2, 0)]
        frame = party.advertise(short, abro(2, 0))
        let_pass(case, 45.0)
        there = answers_at(case, party, address) is not None
        case.expect(there, "nd_dropped_address", "it is there for two hours", "it is gone", frame=frame)
        if case.rig.link.clock != "virtual" or not there:
            return  # the rest takes two hours
        let_pass(case, 3600.0)
        party.advertise(short, abro(2, 0))
        let_pass(case, 3620.0)
        there = answers_at(case, party, address) is not None
        case.expect(not there, "nd_used", "gone behind two hours", "an answer", frame=frame)


# -- routers ----------------------------------------------------------------------------------------------------


@A_HOST
@needs("ping")
@requirement("RFC6775-5.4.2-01", "RFC6775-5.4.3-01")
@pytest.mark.parametrize("how", ["keeps-contexts", "tells-of-contexts"])
def test_retired_router(case: Case, how: str):
    """A Router Lifetime of 0 "does not apply to information contained in other ... options" (RFC 4861 §4.2).

    A context has a lifetime of its own: it stays when its router retires, and one that is told then is taken. Another
    router is there to send to.
    """
    with attached(case) as (first, _):
        with beside(case, first) as (second, _):
            case.tester.listen(SOON)
            told(case, first, six())
            second.options = [first.options[0], abro(2)]
            if compresses(case, REMOTE) is not True:
                case.unsupported("the DUT does not use contexts: see 4.2/context")
            option = six(cid=CID + 1, prefix=bytes.fromhex("20010db8beef00020000000000000077"))
            more = [option] if how == "tells-of-contexts" else []
            for each in more:
                case.tester.contexts = case.tester.contexts.with_context(each.cid, each.context())
            frame = first.advertise(abro(2), *more, router_lifetime=0)
            case.tester.listen(SOON)
            where, cid = (REMOTE, CID) if not more else (option.prefix[:15] + b"\x77", CID + 1)
            used = compresses(case, where, cid)
        case.expect(used is True, "context_lost", f"context {cid} in use", "it is not", frame=frame)


def expect_by(case: Case, link: bytes, what: str) -> None:
    """A packet to somewhere else leaves for this link-layer address."""
    sent = tried(case, lambda: pinged(case, ELSEWHERE + case.tester.pattern(8))[0], "a packet of the DUT's")
    there = sent.info.dst.hex() if sent is not None else "nothing sent"
    good = sent is not None and sent.info.dst == link
    case.expect(good, "neighbour_address", f"{what}: packets by {link.hex()}", there, frame=sent)


@A_HOST
@needs("ping")
@requirement("RFC6775-5.6-02", "RFC6775-5.4.1-02")
@pytest.mark.parametrize("how", ["comes-back", "leaves-another"])
def test_router_retires(case: Case, how: str):
    """A router that retired carries packets again once it advertises a lifetime again; else another one does."""
    with attached(case) as (first, _):
        second = once_more(case, first)
        with serving(case.tester, *([second] if how == "leaves-another" else [])):
            if how == "leaves-another":
                second.advertise()
                case.tester.listen(SOON)
            first.advertises = False
            first.advertise(abro(), router_lifetime=0)
            case.tester.listen(SOON)
            if how == "comes-back":
                first.advertises = True
                first.advertise()
            case.tester.listen(15.0)  # it may have to look for one
            what = "the router that is there again" if how == "comes-back" else "the other router"
            expect_by(case, first.link if how == "comes-back" else second.link, what)


@A_HOST
@needs("ping")
@requirement("RFC6775-5.6-02")
@pytest.mark.parametrize("where", ["in-front", "behind"])
def test_router_with_another_link_address(case: Case, where: str):
    """A router tells another link-layer address: it "SHOULD be recorded" (RFC 4861 §6.3.4), and used: advice.

    RFC 8505 §5.6 has two routers in mind that claim one address, and one of them kept: not of such a DUT.
    """
    if case.declares("nd_extended"):
        case.unsupported("a 6LN of RFC 8505 keeps to one of two routers with one address: see rfc8505/5")
    with attached(case) as (party, _):
        twin = router(case, *party.options)
        option = nd.LinkLayerAddress(nd.SLLAO, twin.link)
        party.advertises = False
        options = (option, *party.options) if where == "in-front" else (*party.options, option)
        twin.say(nd.RouterAdvertisement(options=options), source=party.address)
        case.tester.listen(SOON)
        with advice(case):
            expect_by(case, twin.link, "the address that was told last")


@A_HOST
@pytest.mark.slow
@requirement("RFC6775-5.4.3-02")
def test_refresh_unanswered(case: Case):
    """The host SHOULD ask by unicast, "and then switch to multicast RS messages if there is no response": advice.

    Within five minutes of its first try, hours before the lifetime of its router ends.
    """
    if case.rig.link.clock != "virtual":
        case.unsupported("this takes hours on a clock that cannot be moved", "not_on_this_rig")
    with attached(case, lifetime=0xFFFF) as (party, _):
        party.options, party.advertises = [pio(party.options[0].prefix), abro(2, 0)], False
        party.advertise()
        first = heard(case, is_rs, 65535.0)
        if first is None or first.view.dst == ALL_ROUTERS:
            return
        again = heard(case, lambda s: is_rs(s) and s.view.dst == ALL_ROUTERS, 300.0)
        case.expect(again is not None, "no_rs", "an RS by multicast when unicast draws nothing", "none in 300 s",
                    frame=first)  # fmt: skip
