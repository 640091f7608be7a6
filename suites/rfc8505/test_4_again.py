"""RFC 8505 §4 to §6, a router's registrations again: whole ROVRs, TIDs of each address, old registrations renewed."""

import pytest

from fixtures.api import Case, HostParty, advice, registration_of, requirement
from sixlowpan import nd
from suites.rfc6775.parties import host, readable
from suites.rfc6775.roles import EXTENDED_ROUTER
from suites.rfc6775.routing import advertisement, arrives, global_of, registered, routing
from suites.rfc8505.test_4 import attached_host, expect_status, expect_taken, routed_host

pytestmark = EXTENDED_ROUTER


def of_rovr(case: Case, rovr: bytes) -> HostParty:
    """A host whose link-local address is registered with this ROVR."""
    party = host(case)
    found = registered(case, party, party.address, party.earo(rovr=rovr))
    expect_status(case, found, 0, "a link-local address", "RFC8505-5.6-05")
    return party


@requirement("RFC8505-4.1-01", "RFC6775-6.5.1-01")
@pytest.mark.parametrize("bits", [64, 128, 192, 256], ids="rovr-{}".format)
def test_whole_rovr(case: Case, bits: int):
    """ROVRs that differ in the last octet only are two: status 1 for the second, and the first one's entry stays."""
    with routing(case) as (above, prefix):
        rovr = case.tester.pattern(bits // 8)
        near = rovr[:-1] + bytes([rovr[-1] ^ 1])
        first, second = of_rovr(case, rovr), of_rovr(case, near)
        address = global_of(first, prefix)
        found = registered(case, first, address, first.earo(rovr=rovr))
        expect_status(case, found, 0, "a new address", "RFC8505-4.1-01")
        found = registered(case, second, address, second.earo(rovr=near, tid=241))
        expect_status(case, found, 1, "another ROVR", "RFC8505-4.1-01")
        there = arrives(case, above, address, first.link)
        case.expect(there is not None, "nd_lost", "packets still go to the first", "not so")


@requirement("RFC8505-4.1-01")
def test_longer_rovr(case: Case):
    """A ROVR of 128 bits that begins with another of 64 bits is another one. No text says so: advice."""
    with routing(case) as (_, prefix):
        rovr = case.tester.pattern(16)
        first, second = of_rovr(case, rovr[:8]), of_rovr(case, rovr)
        address = global_of(first, prefix)
        found = registered(case, first, address, first.earo(rovr=rovr[:8]))
        expect_status(case, found, 0, "a new address", "RFC8505-4.1-01")
        status, seen = registered(case, second, address, second.earo(rovr=rovr, tid=241))
        with advice(case):
            case.expect(status != 0, "nd_status", "no status 0 for a longer ROVR", "status 0", frame=seen)


@requirement("RFC6775-6.5.1-01")
def test_link_local_of_another(case: Case):
    """A link-local address of another ROVR, for which no 6LBR is asked: status 1, and it stays the owner's."""
    with routing(case):
        first, second = attached_host(case), attached_host(case)
        found = registered(case, second, first.address, second.earo(tid=241))
        expect_status(case, found, 1, "a link-local address of another", "RFC6775-6.5.1-01")
        found = registered(case, first, first.address, first.earo(tid=242))
        expect_status(case, found, 0, "the owner's own", "RFC6775-6.5.1-01")


@requirement("RFC8505-4.1-05", "RFC8505-6.2-01")
@pytest.mark.parametrize("tid", [240, 0, 127], ids=str)
def test_extended_behind_plain(case: Case, tid: int):
    """A registration without T has no TID: an EARO of the same host renews it, whatever its TID is."""
    with routed_host(case) as (above, party, address):
        expect_status(case, registered(case, party, address, party.aro()), 0, "an ARO", "RFC8505-6.2-01")
        found = registered(case, party, address, party.earo(tid=tid))
        expect_status(case, found, 0, f"an EARO with TID {tid} behind it", "RFC8505-4.1-05")
        expect_taken(case, above, address, party, "nd_lost", requirement="RFC8505-4.1-05")


@requirement("RFC8505-4.1-01", "RFC8505-6-02")
def test_tid_of_each_answer(case: Case):
    """The EARO of an answer is a copy: also when a registration is renewed it has the TID that was sent."""
    with routed_host(case) as (_, party, address):
        for tid in (240, 241, 245):
            _, seen = registered(case, party, address, party.earo(tid=tid))
            found = registration_of(seen).tid if seen is not None else None
            case.expect(found == tid, "nd_tid", f"TID {tid}", str(found),
                        frame=seen)  # fmt: skip


@requirement("RFC8505-5.3-01")
def test_tids_of_two_addresses(case: Case):
    """The ROVR "MUST NOT be used to correlate registrations of different addresses": each has a TID of its own."""
    with routing(case) as (_, prefix):
        party = attached_host(case)
        first, second = global_of(party, prefix), prefix[:8] + b"\x59" + case.tester.pattern(7)
        for address, tid in ((first, 250), (second, 240), (second, 241), (first, 251), (second, 242)):
            name = "first" if address == first else "second"
            found = registered(case, party, address, party.earo(tid=tid))
            expect_status(case, found, 0, f"TID {tid} of the {name} address", "RFC8505-5.3-01")


@requirement("RFC8505-6.1-02")
def test_capabilities_each_time(case: Case):
    """ "In any case, a 6CIO MUST be placed in an RA ... in response to an RS with a 6CIO": each time."""
    with routing(case):
        party = host(case)
        for number in range(1, 4):
            seen = advertisement(case, party, nd.CapabilityIndication(frozenset()))
            if seen is None:
                case.failed("no_ra", f"an RA for solicitation {number}", "none", requirement="RFC6775-6.3-05")
            found = any(isinstance(o, nd.CapabilityIndication) for o in readable(case, seen).options)
            case.expect(found, "nd_option", f"a 6CIO in RA {number}", "none", frame=seen)
