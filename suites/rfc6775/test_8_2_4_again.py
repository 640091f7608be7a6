"""RFC 6775 §8.2.4, a 6LBR's table again: two 6LRs ask, a lifetime is long or gets shorter, one of two is given back."""

import pytest

from fixtures.api import Case, advice, let_pass, message_of, requirement
from suites.rfc6775.roles import DETECTING_BORDER
from suites.rfc6775.routing import routing
from suites.rfc6775.test_8_2_4 import OTHER, Asker, expect_status

pytestmark = DETECTING_BORDER


@requirement("RFC6775-8.2.4-01")
def test_two_routers_ask(case: Case):
    """A host that moves to another 6LR keeps its address: the same EUI-64 has status 0, told to the 6LR that asked."""
    with routing(case) as (_, prefix):
        first, second = Asker(case, prefix), Asker(case, prefix)
        expect_status(case, first, first.request(rovr=OTHER), 0, "a new address")
        message = second.request(rovr=OTHER, address=first.address)
        seen = second.ask(message)
        if seen is None:
            case.failed("nd_confirmation", "a DAC for the second 6LR", "none", frame=second.frame)
        said, there = f"status {seen.upper[4]}", seen.view.dst
        case.expect(
            seen.upper[4] == 0, "nd_confirmation", "the same EUI-64: status 0", said, frame=second.frame
        )
        case.expect(
            there == second.source, "nd_destination", f"to {second.source.hex()}", there.hex(), frame=seen
        )
        expect_status(case, second, second.request(address=first.address), 1, "another EUI-64")
        expect_status(case, first, first.request(rovr=OTHER), 0, "the first 6LR again")


@requirement("RFC6775-4.1-07", "RFC6775-8.2.4-01")
@pytest.mark.parametrize("minutes", [256, 0x8000, 0xFFFF], ids=str)
def test_long_lifetime(case: Case, minutes: int):
    """The Registration Lifetime has 16 bits: the entry is there behind the DAC."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(minutes), 0, "a new address")
        case.tester.listen(2.0)
        expect_status(
            case, asker, asker.request(rovr=OTHER), 1, "another EUI-64", requirement="RFC6775-4.1-07"
        )


@pytest.mark.slow
@requirement("RFC6775-8.2.4-01")
def test_renewed_for_less(case: Case):
    """A DAR of the owner "updates the lifetime": for a minute, where it was ten. Not of a DUT with a DELAY state."""
    if case.declares("nd_extended"):
        case.unsupported("a 6LBR of RFC 8505 may hold an entry in a DELAY state behind its end (§5.7)")
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(10), 0, "a new address")
        expect_status(case, asker, asker.request(1), 0, "for one minute")
        let_pass(case, 70.0)
        expect_status(case, asker, asker.request(rovr=OTHER), 0, "another EUI-64 behind it")


@requirement("RFC6775-8.2.4-01", "RFC6775-4.4-04")
def test_one_of_two_deleted(case: Case):
    """A lifetime of 0 deletes the entry of its address: what else the EUI-64 has stays."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        other = asker.address[:15] + bytes([asker.address[15] ^ 1])
        for address in (asker.address, other):
            expect_status(case, asker, asker.request(address=address), 0, "a new address")
        expect_status(case, asker, asker.request(0), 0, "lifetime 0 of one")
        expect_status(case, asker, asker.request(address=other, rovr=OTHER), 1, "the other is kept")


@requirement("RFC6775-8.2.4-01", "RFC6775-4.4-01")
def test_refusal_is_a_copy(case: Case):
    """A DAC has "the information copied from the DAR", also where it refuses: not what is kept of the owner."""
    with routing(case) as (_, prefix):
        owner, other = Asker(case, prefix), Asker(case, prefix)
        expect_status(case, owner, owner.request(10), 0, "a new address")
        message = other.request(25, rovr=OTHER, address=owner.address)
        seen = other.ask(message)
        if seen is None:
            case.failed("nd_confirmation", "a DAC", "none", frame=other.frame)
        found = message_of(seen)
        got, wanted = (found.status, found.rovr, found.lifetime), (1, OTHER, 25)
        case.expect(got == wanted, "nd_confirmation", f"{wanted}", f"{got}", frame=seen)


@requirement("RFC6775-8.2.4-01", "RFC6775-4.4-01")
@pytest.mark.parametrize("status", [1, 255], ids="status-{}".format)
def test_status_of_a_request(case: Case, status: int):
    """ "The Status field is only meaningful in the DAC" (§4.4): a DAR with one is answered (advice) by Status 0."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        found = asker.status(asker.request(status=status))
        case.expect(
            found in {0, None},
            "nd_status",
            "Status 0",
            str(found),
            requirement="RFC6775-8.2.4-01",
            frame=asker.frame,
        )
        with advice(case):
            case.expect(
                found is not None,
                "nd_unanswered",
                "a DAC",
                "none",
                requirement="RFC6775-4.4-01",
                frame=asker.frame,
            )
