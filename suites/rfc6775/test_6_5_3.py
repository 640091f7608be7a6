"""RFC 6775 §6.5.3, updating the Neighbor Cache: each address of a host by itself, long lifetimes, options in any order.

Strategy: a host with two addresses shows what a router does to the one that a message is not about.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from fixtures.api import Case, HostParty, RouterParty, let_pass, registration_of, requirement
from sixlowpan import ipv6, nd
from suites.rfc6775.parties import SOON, answered, host
from suites.rfc6775.roles import ROUTER
from suites.rfc6775.routing import another, arrives, global_of, kept, registered, registered_host, routing
from suites.rfc6775.test_6_5 import ASKED, FULL, MOST, is_registered

pytestmark = ROUTER


@contextmanager
def two_addresses(case: Case, **fields: object) -> Iterator[tuple[RouterParty, HostParty, bytes, bytes]]:
    """A router, and a host that registered two addresses, of which the first has other `fields` in its ARO."""
    with routing(case) as (above, prefix):
        party = host(case)
        first, second = global_of(party, prefix), prefix[:8] + b"\x57" + case.tester.pattern(7)
        kept(case, party, first, **fields)
        kept(case, party, second)
        yield above, party, first, second


def expect_there(case: Case, above: RouterParty, party: HostParty, address: bytes, what: str) -> None:
    there = arrives(case, above, address, party.link)
    case.expect(there is not None, "nd_lost", f"{what}: {address.hex()} is kept", "no packet reaches it")


@requirement("RFC6775-6.5.3-03")
def test_one_of_two_removed(case: Case):
    """Lifetime 0 deletes "any existing NCE for the IPv6 source address": the host's other address stays."""
    with two_addresses(case) as (above, party, first, second):
        status, _ = registered(case, party, first, party.aro(0))
        case.expect(status == 0, "nd_status", "status 0", f"status {status}")
        expect_there(case, above, party, second, "the other one")


@pytest.mark.slow
@requirement("RFC6775-6.5.3-04")
def test_one_of_two_ends(case: Case):
    """A registration that expires is deleted by itself: the host's other address, registered for longer, stays."""
    with two_addresses(case, lifetime=1) as (above, party, first, second):
        let_pass(case, 66.0)
        there = arrives(case, above, first, party.link)
        case.expect(there is None, "nd_kept", "deleted behind its end", "packets still go there")
        expect_there(case, above, party, second, "the other one")


@requirement("RFC6775-4.1-07", "RFC6775-6.5.3-01")
@pytest.mark.parametrize("minutes", [256, 0xFFFF], ids=str)
def test_long_lifetime(case: Case, minutes: int):
    """The Registration Lifetime has 16 bits: those that do not fit in one octet are kept like others."""
    with registered_host(case, lifetime=minutes) as (above, party, address):
        there = arrives(case, above, address, party.link)
        case.expect(
            there is not None, "nd_lost", f"kept for {minutes} minutes", "no packet reaches it",
            requirement="RFC6775-4.1-07",
        )  # fmt: skip


@requirement("RFC6775-6.5.3-01", "RFC4861-7.1.1-02")
@pytest.mark.parametrize("how", ["aro-first", "unknown-between", "unknown-first"])
def test_options_in_any_order(case: Case, how: str):
    """RFC 4861 §9: options "can appear in any order", and those that nobody knows are ignored: a registration so."""
    with routing(case) as (above, prefix):
        party = host(case)
        address, there = case.tester.also(global_of(party, prefix)), case.tester.dut_address
        sllao, aro = party.source_option().build(), party.aro().build()
        unknown = nd.UnknownOption(253, bytes(6)).build()
        octets = {
            "aro-first": aro + sllao, "unknown-between": sllao + unknown + aro, "unknown-first": unknown + sllao + aro,
        }[how]  # fmt: skip
        message = ipv6.icmpv6(nd.NS, 0, bytes(4) + there + octets, address, there)
        packet = ipv6.build(address, there, 58, message, hop_limit=255)
        seen, frame = answered(case, partial(party.send, packet), is_registered, "an NA with an ARO", ASKED)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == 0, "nd_not_taken", "status 0", f"status {status}", frame=frame)
        expect_there(case, above, party, address, "registered")


@requirement("RFC6775-6.5.3-01", "RFC6775-6-01")
def test_plain_solicitation_changes_nothing(case: Case):
    """An NS without an ARO, by which a host sees whether its router is there: the registration stays."""
    with registered_host(case) as (above, party, address):
        message = nd.NeighborSolicitation(case.tester.dut_address, (party.source_option(),))
        party.say(message, source=address)
        case.tester.listen(SOON)
        expect_there(case, above, party, address, "registered")


@requirement("RFC6775-6.5.3-01", "RFC6775-6.5.3-03")
def test_full_and_known(case: Case):
    """A full router says so where "a new entry needs to be created": what it has is renewed, and deleted, all the same.

    In the place of what was deleted there is room for another one.
    """
    with routing(case) as (_, prefix):
        held: list[tuple[HostParty, bytes]] = []
        for _ in range(MOST):
            party, address = another(case, prefix, held[0][0] if held else None)
            status, _ = registered(case, party, address)
            if status != 0:
                break
            held.append((party, address))
        else:
            case.unsupported(f"the DUT kept all of {MOST} registrations")
        if status != FULL or not held:
            case.unsupported("the DUT does not say that it is full: see 6.5/until_full")
        status, seen = registered(case, party, address, party.aro(0))
        case.expect(status in {0, None}, "nd_status", "no error where a lifetime of 0 ends nothing", f"{status}",
                    requirement="RFC6775-6.5.3-03", frame=seen.frames[0] if seen is not None else b"")  # fmt: skip
        mine, known = held[0]
        status, seen = registered(case, mine, known, mine.aro(20))
        case.expect(status == 0, "nd_status", "status 0 for a renewal", f"status {status}",
                    frame=seen)  # fmt: skip
        status, seen = registered(case, mine, known, mine.aro(0))
        frame = seen.frames[0] if seen is not None else b""
        case.expect(
            status == 0, "nd_status", "status 0 for a lifetime of 0", f"status {status}",
            requirement="RFC6775-6.5.3-03", frame=frame,
        )  # fmt: skip
        status, seen = registered(case, party, address)
        case.expect(status == 0, "nd_kept", "room for another one", f"status {status}",
                    requirement="RFC6775-6.5.3-03", frame=frame)  # fmt: skip
