"""RFC 6775 §7, the 6LBR: what it says of itself, versions, and the life cycle of contexts (§7.2)."""

import pytest

from fixtures.api import Case, Seen, binds, let_pass, needs, on_link, prepare, requirement
from sixlowpan import nd
from suites.rfc6775.parties import host, readable, spread
from suites.rfc6775.routing import advertisement, routing

pytestmark = [on_link("ieee802154"), binds("6LBR", "nd|nd_advertising"), needs("reset")]
#: Of rules about what a 6LBR changes by itself: who is told by hand when to change it has no part in them.
MANAGES = binds("6LBR", "nd")
CID = 7
#: MIN_CONTEXT_CHANGE_DELAY.
DELAY = 300.0
FIRST, SECOND, THIRD = (bytes.fromhex(f"20010db8c0de000{n}0000000000000000") for n in (1, 2, 3))


def told(case: Case) -> nd.RouterAdvertisement:
    """What the 6LBR advertises now; without an answer the case ends."""
    return readable(case, advertised(case))


def advertised(case: Case) -> Seen:
    """The packet of it."""
    seen = advertisement(case, host(case))
    if seen is None:
        case.failed("no_ra", "a Router Advertisement", "none", requirement="RFC6775-6.3-05")
    return seen


def abro_of(case: Case, message: nd.RouterAdvertisement) -> nd.AuthoritativeBorderRouter:
    found = [o for o in message.options if isinstance(o, nd.AuthoritativeBorderRouter)]
    if not found:
        row = "RFC6775-8.1.1-01" if case.declares("multihop") else "RFC6775-7-01"
        case.failed("nd_option", "an ABRO", "none", requirement=row)
    return found[0]


def holds(case: Case, cid: int) -> None:
    """A DUT that has no context of this number cannot be asked to tell of it."""
    if cid >= case.rig.profile.parameters.contexts:
        case.unsupported(f"the DUT does not hold context {cid}", "not_declared")


def context(message: nd.RouterAdvertisement, cid: int = CID) -> nd.ContextOption | None:
    return next((o for o in message.options if isinstance(o, nd.ContextOption) and o.cid == cid), None)


@requirement("RFC6775-7-01", "RFC6775-8.1.1-01", "RFC6775-4.3-02")
def test_advertises_itself(case: Case):
    """An ABRO in each RA, "listing itself as the 6LBR address"."""
    with routing(case):
        for _ in range(2):
            option = abro_of(case, told(case))
            own = case.rig.node.addresses()
            case.expect(
                option.address in own, "nd_option", "an ABRO with an address of its own", option.address.hex()
            )


@requirement("RFC6775-3.2-01")
def test_prefix_of_an_isolated_network(case: Case):
    """Without an uplink a 6LBR SHOULD generate a ULA prefix; one that was given another shows nothing: advice."""
    with routing(case) as (_, prefix):
        given = case.tester.contexts[0].prefix[:8] if 0 in case.tester.contexts else b""
        good = prefix[0] & 0xFE == 0xFC or prefix[0] & 0xE0 == 0x20 or prefix[:8] == given
        case.expect(good, "nd_option", "a ULA prefix, or the global one that it was given", prefix.hex())


@MANAGES
@needs("address")
@requirement("RFC6775-4.3-04", "RFC6775-4.3-02", "RFC6775-7-02", "RFC6775-8.1.1-01")
def test_version(case: Case):
    """The version stays while nothing changes, goes up by one for each change, and is not lower after a restart."""
    with routing(case):
        first = abro_of(case, told(case)).version
        second = abro_of(case, told(case)).version
        case.expect(first == second, "nd_version", f"{first} again: nothing changed", str(second))
        if case.can("context") and case.rig.profile.parameters.contexts > CID:
            case.rig.node.set_context(CID, FIRST, 64)
            third = abro_of(case, told(case)).version
            case.expect(
                third == first + 1, "nd_version", f"{first + 1} behind one change", str(third),
                requirement="RFC6775-8.1.1-01",
            )  # fmt: skip
        else:
            third = second
        case.rig.restart()
        prepare(case.rig, case.tester)
        case.tester.answer_ns = False
        fourth = abro_of(case, told(case)).version
        case.expect(
            fourth >= third,
            "nd_version",
            f"{third} or more after a restart",
            str(fourth),
            requirement="RFC6775-7-02",
        )


@needs("context")
@requirement("RFC6775-7.2-04", "RFC6775-4.2-03")
def test_option_for_each_context(case: Case):
    """ "RAs include one 6CO for each context" (§7.2): of three that it was given, each is told, once."""
    holds(case, CID + 2)
    with routing(case):
        given = {CID: FIRST, CID + 1: SECOND, CID + 2: THIRD}
        for cid, prefix in given.items():
            case.rig.node.set_context(cid, prefix, 64)
        seen = advertised(case)
        options = readable(case, seen).options
        for cid in given:
            found = [o for o in options if isinstance(o, nd.ContextOption) and o.cid == cid]
            wanted = f"one 6CO for context {cid}"
            case.expect(len(found) == 1, "no_6co", wanted, f"{len(found)}", frame=seen)


@MANAGES
@pytest.mark.slow
@needs("context")
@requirement("RFC6775-7.2-02", "RFC6775-4.2-01", "RFC6775-4.3-04")
def test_new_context(case: Case):
    """ "New context information SHOULD be introduced into the LoWPAN with C=0", and with C=1 later: advice."""
    holds(case, CID)
    with routing(case):
        case.rig.node.set_context(CID, FIRST, 64)
        message = told(case)
        first, version = context(message), abro_of(case, message).version
        if first is None:
            case.failed("no_6co", f"a 6CO for context {CID}", "none", requirement="RFC6775-4.2-01")
        good = (first.length, first.context().prefix) == (64, FIRST)
        case.expect(good, "no_6co", "the context as it was given", str(first), requirement="RFC6775-4.2-01")
        case.expect(not first.compress, "nd_flags", "C=0 at first", "C=1")
        for _ in range(8):
            let_pass(case, 150.0)
            message = told(case)
            later = context(message)
            if later is not None and later.compress:
                expect_newer(case, version, message, "C=1")
                return
        case.finding("nd_flags", "C=1 within twenty minutes", "C=0 still")


@MANAGES
@pytest.mark.slow
@needs("context")
@requirement("RFC6775-7.2-03", "RFC6775-9-02", "RFC6775-4.3-04")
@pytest.mark.parametrize("how", ["changed", "removed"])
def test_changed_context(case: Case, how: str):
    """Before a context changes or goes, "its dissemination SHOULD continue for at least" 300 s "with C=0": advice."""
    holds(case, CID)
    with routing(case):
        case.rig.node.set_context(CID, FIRST, 64)
        told(case)
        let_pass(case, 1200.0)
        before = context(told(case))
        if before is None or not before.compress:
            case.unsupported("the DUT never advertises the context with C=1: see 7/new_context")
        case.rig.node.set_context(CID, SECOND if how == "changed" else b"", 64 if how == "changed" else 0)
        began = case.tester.stamp()
        while case.tester.stamp() - began < DELAY - 10:
            option = context(told(case))
            good = option is not None and option.context().prefix == FIRST and not option.compress
            said = "no 6CO" if option is None else f"{option.prefix.hex()} with C={int(option.compress)}"
            when = f"{case.tester.stamp() - began:.0f} s later"
            if not case.expect(good, "nd_flags", f"the old context with C=0 {when}", said):
                return
            version = abro_of(case, told(case)).version
            let_pass(case, 90.0)
        let_pass(case, 40.0)
        message = told(case)
        option = context(message)
        if option is None:
            expect_newer(case, version, message, "a context less")
        fresh = option is None if how == "removed" else option is not None and option.prefix[:8] == SECOND[:8]
        old = option is not None and option.context().prefix == FIRST and not option.compress
        case.expect(fresh or old, "nd_flags", "the new state, or the old context with C=0", str(option))
        if fresh and option is not None:
            case.expect(not option.compress, "nd_flags", "the new context begins with C=0", "C=1")


@MANAGES
@needs("address")
@requirement("RFC6775-7.2-01", "RFC6775-4.3-04")
def test_prefix_changes(case: Case):
    """A prefix that is added raises the version; that two 6LBRs have the same contexts is configuration."""
    with routing(case):
        before = told(case)
        first = abro_of(case, before).version
        case.rig.node.add_address(spread(case)[:8] + case.tester.pattern(8))
        after = told(case)
        second = abro_of(case, after).version
        case.expect(
            second > first or prefixes(before) == prefixes(after), "nd_version",
            "a higher version for another set of prefixes",
            str(second),
            requirement="RFC6775-4.3-04",
        )  # fmt: skip


def expect_newer(case: Case, version: int, message: nd.RouterAdvertisement, what: str) -> None:
    """§8.1.1: "Each time any information in the set of PIOs or 6COs changes, the ABRO version is increased"."""
    later = abro_of(case, message).version
    case.expect(
        later > version,
        "nd_version",
        f"more than {version} with {what}",
        str(later),
        requirement="RFC6775-4.3-04",
    )


def prefixes(message: nd.RouterAdvertisement) -> set[bytes]:
    return {o.prefix for o in message.options if isinstance(o, nd.PrefixInformation)}
