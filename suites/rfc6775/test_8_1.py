"""RFC 6775 §8.1, multihop distribution: which advertisements a 6LR takes, and what it tells of what it took."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fixtures.api import Case, HostParty, RouterParty, advice, let_pass, requirement, serving
from sixlowpan import nd
from suites.rfc6775.parties import (
    SOON,
    STARTED,
    abro,
    all_heard,
    expect_spaced,
    fresh,
    heard,
    host,
    is_ra,
    is_rs,
    pio,
    readable,
    router,
    spread,
)
from suites.rfc6775.roles import MULTIHOP
from suites.rfc6775.routing import routing
from suites.rfc6775.test_7 import holds

pytestmark = MULTIHOP
OTHER = bytes.fromhex("20010db8000000000000000000000b0e")


def told(case: Case, party: HostParty) -> list[nd.RouterAdvertisement]:
    """All RAs that answer one solicitation: one for each 6LBR."""
    party.solicit()
    return [readable(case, seen) for seen in all_heard(case, SOON, is_ra)]


def of(messages: list[nd.RouterAdvertisement], border: bytes) -> nd.RouterAdvertisement | None:
    """The last RA with that 6LBR's ABRO."""
    found = [m for m in messages if any(_is(o, border) for o in m.options)]
    return found[-1] if found else None


def _is(option: nd.Option, border: bytes) -> bool:
    return isinstance(option, nd.AuthoritativeBorderRouter) and option.address == border


def prefixes(message: nd.RouterAdvertisement | None) -> list[bytes]:
    return [o.prefix for o in message.options if isinstance(o, nd.PrefixInformation)] if message else []


def version(message: nd.RouterAdvertisement | None) -> int | None:
    options = message.options if message else ()
    return next((o.version for o in options if isinstance(o, nd.AuthoritativeBorderRouter)), None)


@contextmanager
def another_border(
    case: Case, prefix: bytes, version: int = 7, minutes: int = 60, *more: nd.Option
) -> Iterator[tuple[RouterParty, bytes]]:
    """One more router above a 6LR, which has told it of a second 6LBR, `OTHER`, and this prefix: it, and the frame."""
    second = router(case, pio(prefix), *more, abro(version, minutes, border=OTHER))
    with serving(case.tester, second):
        frame = second.advertise()
        case.tester.listen(1.0)
        yield second, frame


@requirement("RFC6775-8.1.3-01", "RFC6775-3.4-01")
def test_no_abro(case: Case):
    """ "If a received RA does not contain an ABRO, then the RA MUST be silently ignored": the DUT stays no router."""
    with fresh(case):
        party = router(case, pio(spread(case)), advertises=False)
        seen = heard(case, is_rs, STARTED)
        case.expect(
            seen is not None, "no_rs", "a 6LR begins as a host: an RS", "none", requirement="RFC6775-3.4-01"
        )
        with serving(case.tester, party):
            frame = party.advertise()
            case.tester.listen(1.0)
            found = told(case, host(case))
        case.expect(not found, "nd_taken", "no RA: it is no router yet", f"{len(found)}", frame=frame)


VERSIONS = {"older": (5, 4, False), "same": (5, 5, True), "newer": (5, 6, True), "high": (0xFFFF, 0x10000, True),
            "low": (0x10000, 0xFFFF, False), "top": (0x7FFFFFFF, 0x80000000, True),
            "below-top": (0x80000000, 0x7FFFFFFF, False)}  # fmt: skip


@requirement("RFC6775-8.1.3-02", "RFC6775-4.3-02")
@pytest.mark.parametrize("how", VERSIONS)
def test_versions(case: Case, how: str):
    """An RA whose ABRO version is "less than the stored version number" is ignored; else the DUT's own RAs follow.

    The version number is Version High and Version Low together, the low half first (§4.3).
    """
    first, second, taken = VERSIONS[how]
    with routing(case, abro(first)) as (above, _):
        party, other = host(case), spread(case)
        before = of(told(case, party), abro().address)
        case.expect(
            version(before) == first, "nd_version", f"version {first} passed on", str(version(before)),
            requirement="RFC6775-4.3-02",
        )  # fmt: skip
        above.options = [pio(other), abro(second)]
        frame = above.advertise()
        case.tester.listen(1.0)
        after = of(told(case, party), abro().address)
        new = other in prefixes(after)
        wanted = "the new prefix is passed on" if taken else "it is ignored"
        case.expect(new == taken, "nd_version", wanted, "it is" if new else "it is not", frame=frame)
        number = second if taken else first
        case.expect(
            version(after) == number, "nd_version", f"version {number}", str(version(after)), frame=frame
        )


@requirement("RFC6775-8.1.3-02", "RFC6775-8.1.4-02")
def test_versions_of_two_borders(case: Case):
    """A version is compared with "the recorded version number for that 6LBR": another one's may be lower."""
    with routing(case, abro(9)) as (_, prefix):
        other = spread(case)
        with another_border(case, other, 4) as (second, frame):
            found = told(case, host(case))
        if of(found, OTHER) is None and of(found, abro().address) is not None:
            second.options = [pio(other), abro(9, border=OTHER)]
            with serving(case.tester, second):
                second.advertise()
                case.tester.listen(1.0)
                again = told(case, host(case))
            if of(again, OTHER) is None:
                case.unsupported("the DUT does not pass on what a second 6LBR told: see 8.1/two_borders")
        taken = other in prefixes(of(found, OTHER))
        case.expect(taken, "nd_version", "version 4 of another 6LBR is taken", "it is ignored", frame=frame)
        if taken and of(found, abro().address) is None:
            case.unsupported("the DUT does not keep what the first 6LBR told: see 8.1/two_borders")
        stays = prefix in prefixes(of(found, abro().address))
        case.expect(stays, "nd_lost", "version 9 of the first 6LBR stays", "it is gone", frame=frame,
                    requirement="RFC6775-8.1.4-02")  # fmt: skip


@requirement("RFC6775-8.1.3-02")
def test_set_is_replaced(case: Case):
    """Of a newer version "the recorded information and version number are updated": what it lacks is told no more.

    §4.3 has versions "in order to be able to reliably add and remove prefixes", but §8.1.4 times prefixes out "based on
    the Valid Lifetime in the PIO": that the old prefix is gone at once is advice.
    """
    with routing(case, abro(5)) as (above, prefix):
        other = spread(case)
        above.options = [pio(other), abro(6)]
        frame = above.advertise()
        case.tester.listen(1.0)
        found = prefixes(of(told(case, host(case)), abro().address))
        case.expect(other in found, "nd_version", "the new prefix", "it is not passed on", frame=frame)
        with advice(case):
            case.expect(
                prefix not in found, "nd_kept", "the old prefix is told no more", "it is", frame=frame
            )


@requirement("RFC6775-8.1.4-02", "RFC6775-4.2-01")
@pytest.mark.parametrize("compress", [False, True], ids=["c-0", "c-1"])
def test_context_is_passed_on(case: Case, compress: bool):
    """A 6CO is passed on as it came: its CID, its Context Length, and the C flag, by which the 6LBR steers its use."""
    prefix = bytes.fromhex("20010db8c0de00c0aabb000000000000")
    option = nd.ContextOption(prefix, 80, compress, 6, 60)
    holds(case, option.cid)
    with routing(case, option, abro()):
        message = of(told(case, host(case)), abro().address)
        options = message.options if message else ()
        found = [o for o in options if isinstance(o, nd.ContextOption) and o.cid == option.cid]
        if not found:
            case.failed("nd_option", "the 6CO, passed on", "none")
        same = (found[0].prefix, found[0].length) == (option.prefix, option.length)
        case.expect(same, "nd_context", option.build().hex(), found[0].build().hex())
        said = f"C={int(found[0].compress)}"
        case.expect(found[0].compress == compress, "nd_context", f"C={int(compress)}", said)


@requirement("RFC6775-8.1.3-02")
def test_version_wraps(case: Case):
    """Behind 0xffffffff comes 0, which no text tells from an older version: either reading, and the DUT lives on."""
    with routing(case, abro(0xFFFFFFFF)) as (above, prefix):
        above.options = [pio(prefix), abro(0)]
        above.advertise()
        case.tester.listen(1.0)
        after = of(told(case, host(case)), abro().address)
        case.expect(
            version(after) in {0, 0xFFFFFFFF}, "nd_version", "one of the two versions", str(version(after)),
        )  # fmt: skip


@requirement("RFC6775-4.3-02", "RFC6775-4.3-03", "RFC6775-4.3-01")
@pytest.mark.parametrize("minutes", [0, 1, 60, 0xFFFF], ids="minutes-{}".format)
def test_abro_is_passed_on(case: Case, minutes: int):
    """The DUT "will include that option unmodified in the RA messages it sends"; a lifetime of 0 stands for 10,000."""
    with routing(case) as (above, prefix):
        above.options = [pio(prefix), abro(0x00010002, minutes)]
        frame = above.advertise()
        case.tester.listen(1.0)
        found = told(case, host(case))
        row = "RFC6775-4.3-02" if minutes else "RFC6775-4.3-03"
        case.expect(bool(found), "nd_lost", "an RA: the 6LBR is there", "none", requirement=row, frame=frame)
        options = [o for m in found for o in m.options]
        options = [o for o in options if isinstance(o, nd.AuthoritativeBorderRouter)]
        if not options:
            case.failed("nd_option", "an ABRO with the 6LBR's address", "none", requirement="RFC6775-4.3-01")
        option = options[-1]
        case.expect(
            option.version == 0x10002, "nd_version", "version 0x00010002", f"{option.version:#010x}",
            requirement="RFC6775-4.3-02",
        )  # fmt: skip
        lifetimes = {0, 10_000, 9_999} if minutes == 0 else {minutes, minutes - 1}
        case.expect(
            option.valid_lifetime in lifetimes, "nd_lifetime", f"{minutes} minutes as they were",
            str(option.valid_lifetime),
            requirement="RFC6775-4.3-03",
        )  # fmt: skip


@pytest.mark.slow
@requirement("RFC6775-8.1.4-01", "RFC6775-8.1.4-02", "RFC6775-6.1-02")
def test_lifetimes_shrink(case: Case):
    """ "Their valid and preferred lifetimes are decremented as time passes": two minutes less, of each context."""
    prefix = spread(case)
    told_minutes = {4: 60, 5: 90}
    contexts = [nd.ContextOption(spread(case), 64, True, cid, span) for cid, span in told_minutes.items()]
    holds(case, max(told_minutes))
    with routing(case, pio(prefix, valid_lifetime=7200, preferred_lifetime=3600), *contexts, abro()) as (
        above,
        _,
    ):
        above.advertises = False
        began = case.tester.stamp()
        let_pass(case, 125.0)
        message = of(told(case, host(case)), abro().address)
        held = case.tester.stamp() - began
        for option in message.options if message else ():
            if isinstance(option, nd.PrefixInformation) and option.prefix == prefix:
                case.expect(not option.on_link, "nd_flags", "L=0 still", "L=1", requirement="RFC6775-6.1-02")
                good = 7200 - held - 10 <= option.valid_lifetime <= 7200 - 120
                case.expect(
                    good,
                    "nd_lifetime",
                    f"a valid lifetime of {7200 - held:.0f} s",
                    str(option.valid_lifetime),
                )
                good = 3600 - held - 10 <= option.preferred_lifetime <= 3600 - 120
                said = str(option.preferred_lifetime)
                case.expect(good, "nd_lifetime", f"a preferred lifetime of {3600 - held:.0f} s", said)
            elif isinstance(option, nd.ContextOption) and option.cid in told_minutes:
                left = told_minutes[option.cid] - 2
                case.expect(
                    option.valid_lifetime in {left - 1, left},
                    "nd_lifetime",
                    f"{left} minutes of context {option.cid}",
                    str(option.valid_lifetime),
                )
        kinds = {type(o) for o in (message.options if message else ())}
        whole = {nd.PrefixInformation, nd.ContextOption} <= kinds
        case.expect(whole, "nd_option", "the prefix and the context, passed on", "not both",
                    requirement="RFC6775-8.1.4-02")  # fmt: skip


@requirement("RFC6775-8.1.5-01", "RFC6775-8.1.4-02")
def test_two_borders(case: Case):
    """What two 6LBRs told "MUST NOT" stand in one RA: one RA for each, each with its own prefix.

    That both are passed on is advice: no text says for how many 6LBRs a router has room.
    """
    with routing(case) as (above, prefix):
        other = spread(case)
        with another_border(case, other) as (_, frame):
            found = told(case, host(case))
        for border, mine, others in ((abro().address, prefix, other), (OTHER, other, prefix)):
            message = of(found, border)
            with advice(case):
                wanted = f"an RA for the 6LBR {border.hex()} with its prefix"
                case.expect(mine in prefixes(message), "nd_option", wanted, "none", frame=frame,
                            requirement="RFC6775-8.1.4-02")  # fmt: skip
            case.expect(
                others not in prefixes(message), "nd_mixed", "no prefix of the other", "one", frame=frame
            )
        del above


@pytest.mark.slow
@requirement("RFC6775-6.3-01", "RFC6775-4.3-03")
def test_border_ends(case: Case):
    """ "When the ABRO Valid Lifetime associated with a 6LBR times out, all information related to that 6LBR MUST be
    removed": its prefix is advertised no more, while the other 6LBR's is.
    """
    with routing(case, abro(1, 0)) as (above, prefix):
        other = spread(case)
        with another_border(case, other, minutes=1) as (second, _):
            before = told(case, host(case))
            if other not in prefixes(of(before, OTHER)) or prefix not in prefixes(of(before, abro().address)):
                case.unsupported("the DUT does not pass on what two 6LBRs told: see 8.1/two_borders")
            above.advertises = second.advertises = False
            let_pass(case, 66.0)
            found = told(case, host(case))
        gone = other not in [p for m in found for p in prefixes(m)] and of(found, OTHER) is None
        case.expect(gone, "nd_kept", "nothing of the 6LBR that has ended", "its prefix, or its ABRO")
        stays = prefix in prefixes(of(found, abro().address))
        case.expect(stays, "nd_lost", "what the other 6LBR told (its lifetime of 0 is 10,000 minutes)", "it is gone",
                    requirement="RFC6775-4.3-03")  # fmt: skip


@requirement("RFC6775-7.2-01", "RFC6775-9-02")
def test_periodic_advertisements_are_rare(case: Case):
    """Advertisements that the DUT sends to all nodes come MIN_DELAY_BETWEEN_RAS (10 s) apart at least: advice."""
    with routing(case):
        held = case.rig.link.held_up()
        found = all_heard(case, 60.0, lambda s: is_ra(s) and s.view.dst[0] == 0xFF)
        with advice(case):
            expect_spaced(case, found, 2.5, "RAs to all nodes some seconds apart", held, "RFC6775-9-02")
