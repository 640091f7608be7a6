"""RFC 6775 §6.5.3, registrations again: renewed for less, prolonged by nothing else, and the room of those that end."""

from functools import partial

import pytest

from fixtures.api import Case, HostParty, let_pass, on_link, registration_of, requirement
from sixlowpan import nd
from suites.rfc6775.parties import answered, expect_of_the_link, host, is_na, readable
from suites.rfc6775.roles import ROUTER
from suites.rfc6775.routing import another, arrives, global_of, kept, registered, registered_host, routing
from suites.rfc6775.test_6_5 import ASKED, DUPLICATE, FULL, MOST, moves
from suites.rfc6775.test_6_5_3 import expect_there, two_addresses

pytestmark = ROUTER
ALL_ROUTERS = bytes.fromhex("ff020000000000000000000000000002")
#: A minute that has passed, whatever a timer's coarseness.
MINUTE = 66.0


@pytest.mark.slow
@requirement("RFC6775-6.5.3-04", "RFC6775-6.5.3-01")
@pytest.mark.parametrize(("first", "behind"), [(10, 0.0), (1, 30.0)], ids=["for-less", "for-as-long"])
def test_renewed(case: Case, first: int, behind: float):
    """The Registration Lifetime of a renewal is "recorded in the NCE": it ends that long behind the renewal."""
    with registered_host(case, lifetime=first) as (above, party, address):
        let_pass(case, behind)
        kept(case, party, address, lifetime=1)
        began = case.tester.stamp()
        let_pass(case, 45.0, began)
        expect_there(case, above, party, address, "before its end")
        let_pass(case, MINUTE, began)
        there = arrives(case, above, address, party.link)
        case.expect(there is None, "nd_kept", "deleted a minute behind the renewal", "packets still go there")


@pytest.mark.slow
@requirement("RFC6775-6.5.3-04", "RFC6775-6.3-02")
@pytest.mark.parametrize("how", ["solicitation", "plain-ns", "traffic", "other-address"])
def test_prolonged_by_nothing_else(case: Case, how: str):
    """ "Should the Registration Lifetime in an NCE expire, then the router MUST delete the cache entry".

    Neither a Router Solicitation nor an NS without an ARO, nor packets to it, nor another address of the same host
    that is renewed, are a renewal.
    """
    with two_addresses(case, lifetime=1) as (above, party, first, second):
        began = case.tester.stamp()
        for seconds in (20.0, 40.0):
            let_pass(case, seconds, began)
            if how == "solicitation":
                for source in (party.address, first):
                    party.say(nd.RouterSolicitation((party.source_option(),)), ALL_ROUTERS, source=source)
            elif how == "plain-ns":
                party.say(
                    nd.NeighborSolicitation(case.tester.dut_address, (party.source_option(),)), source=first
                )
            elif how == "traffic":
                expect_there(case, above, party, first, "before its end")
            else:
                kept(case, party, second, lifetime=20)
            case.tester.listen(1.0)
        let_pass(case, MINUTE, began)
        there = arrives(case, above, first, party.link)
        case.expect(there is None, "nd_kept", f"deleted behind its end ({how})", "packets still go there")
        expect_there(case, above, party, second, "registered for longer")


@on_link("ieee802154")
@requirement("RFC6775-6.5.3-01")
def test_one_of_two_moves(case: Case):
    """The SLLAO of a registration is for "the IPv6 source address of the NS": the other address stays where it was."""
    with two_addresses(case) as (above, party, first, second):
        _, frame, moved = moves(case, party, second)
        there = arrives(case, above, second, moved)
        case.expect(there is not None, "neighbour_moved", f"the one at {moved.hex()}", "not so", frame=frame)
        expect_there(case, above, party, first, "the other one where it was")


@pytest.mark.slow
@requirement("RFC6775-4.1-07", "RFC6775-6-01")
def test_kept_for_hours(case: Case):
    """A lifetime of 0xffff is 45 days: the address is there eighteen hours later."""
    if case.rig.link.clock != "virtual":
        case.unsupported("this takes hours on a clock that cannot be moved", "not_on_this_rig")
    with registered_host(case, lifetime=0xFFFF) as (above, party, address):
        let_pass(case, 18.0 * 3600)
        expect_there(case, above, party, address, "kept for 45 days")


@pytest.mark.slow
@requirement("RFC6775-6.5.3-01", "RFC6775-6.5.3-04", "RFC6775-4.1-10")
def test_room_of_what_has_ended(case: Case):
    """A full router takes nothing of what it refuses; when registrations have expired there is room again."""
    with routing(case) as (above, prefix):
        party = None
        for _ in range(MOST):
            party, address = another(case, prefix, party)
            status, seen = registered(case, party, address, party.aro(1))
            if status != 0:
                break
        if status != FULL:
            case.unsupported("the DUT does not say that it is full: see 6.5/until_full")
        there = arrives(case, above, address, party.link)
        case.expect(there is None, "nd_taken", "nothing of what was refused", "packets go there", frame=seen)
        let_pass(case, MINUTE)
        status, seen = registered(case, party, address)
        case.expect(
            status == 0, "nd_kept", "room when the others have expired", f"status {status}", frame=seen
        )


@on_link("ieee802154")
@requirement("RFC6775-6.5.2-01")
def test_error_to_the_eui64(case: Case):
    """ "If the ARO was from and for a short address, the L2 destination ... will be the 64-bit unique address"."""
    with registered_host(case) as (_, _, address):
        second = host(case)
        message = second.solicitation(second.aro(), link=b"\x4a\x51")
        asks = partial(second.say, message, source=address)
        seen, frame = answered(case, asks, lambda s: _refuses(s, second), "an NA with status 1", ASKED)
        said = seen.info.dst.hex() if seen is not None else "no NA"
        good = seen is not None and seen.info.dst == second.link
        case.expect(good, "neighbour_address", f"status 1 at {second.link.hex()}", said, frame=frame)


def _refuses(seen, party: HostParty) -> bool:  # noqa: ANN001 - a packet as it was seen
    option = registration_of(seen) if is_na(seen) else None
    return option is not None and option.status == DUPLICATE and option.rovr == party.eui64


@requirement("RFC6775-6.5.3-01", "RFC4861-7.1.2-01")
def test_form_of_an_answer(case: Case):
    """An answer is about the target that was solicited, says so (S=1, RFC 4861 §7.2.4), and has hop limit 255."""
    with routing(case) as (_, prefix):
        party = host(case)
        _, seen = registered(case, party, global_of(party, prefix))
        if seen is None:
            case.failed("not_confirmed", "an NA with an ARO", "none")
        message, frame = readable(case, seen), seen.frames[0]
        there = case.tester.dut_address
        case.expect(message.target == there, "target", there.hex(), message.target.hex(), frame=frame)
        case.expect(message.solicited, "nd_flags", "S=1", "S=0", frame=frame)
        expect_of_the_link(case, seen, "RFC4861-7.1.2-01")
