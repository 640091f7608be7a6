"""RFC 8505 §5, the extended registration of a 6LN: flags, TID, ROVR, the target address, and the order of addresses."""

from dataclasses import replace
from itertools import pairwise

import pytest

from fixtures.api import (
    Case,
    RouterParty,
    Seen,
    advice,
    let_pass,
    message_of,
    registered_by,
    registers,
    registration_of,
    requirement,
    serving,
)
from sixlowpan import link_local, nd
from sixlowpan.addresses import is_link_local
from suites.rfc6775.attaching import answers_at, attached, beside, once_more
from suites.rfc6775.parties import SOON, STARTED, all_heard, fresh, heard, is_rs, router, tells_link, to
from suites.rfc6775.roles import EXTENDED_HOST

pytestmark = EXTENDED_HOST
#: What a 6LR of RFC 8505 says of itself (§4.3).
UPDATED = nd.CapabilityIndication(frozenset({nd.FLAG_L, nd.FLAG_E, nd.FLAG_D}))


def tids(party: RouterParty, address: bytes | None = None) -> list[int]:
    """The TIDs with which an address, or any, was registered at this router, retries left out."""
    found: list[int] = []
    for where, option in party.registered:
        if address in {where, None} and option.tid not in found[-1:]:
            found.append(option.tid)
    return found


def out_of_turn(found: list[int]) -> list[tuple[int, int]]:
    """Pairs of which the second is not the one behind the first."""
    return [(first, second) for first, second in pairwise(found) if second != nd.tid.following(first)]


@requirement("RFC8505-6.1-01", "RFC8505-4.3-01")
def test_capabilities_in_solicitation(case: Case):
    """ "The 6CIO MUST be present in both RS and RA messages": in the first RS of a DUT that has just started."""
    with fresh(case):
        seen = heard(case, is_rs, STARTED)
        if seen is None:
            case.failed("no_rs", "a Router Solicitation", "none", requirement="RFC6775-5.3-01")
        found = [o for o in message_of(seen).options if isinstance(o, nd.CapabilityIndication)]
        case.expect(bool(found), "nd_option", "a 6CIO", "none", frame=seen)
        wrong = [flag for option in found for flag in option.flags if flag < nd.FLAG_D]
        case.expect(
            not wrong,
            "nd_flags",
            "no flag but D L B P E G",
            str(wrong),
            requirement="RFC8505-4.3-01",
            frame=seen,
        )


@requirement(
    "RFC8505-5.1-01", "RFC8505-5.1-02", "RFC8505-5.1-03", "RFC8505-5.1-04", "RFC8505-5.6-01", "RFC8505-5.6-02",
    "RFC8505-5.6-03", "RFC8505-4.1-01", "RFC8505-4.1-02", "RFC8505-4.1-03", "RFC8505-4.1-04", "RFC8505-4.1-07",
    "RFC8505-4.1-08", "RFC8505-5.2.1-01", "RFC8505-5.3-02", "RFC6775-4.1-01",
)  # fmt: skip
def test_registration(case: Case):
    """To a router that says E: an EARO with T, a TID, R of a host, I=0, 64 bits of ROVR; link-local address first."""
    with attached(case, UPDATED) as (party, address):
        sent = [s for s in case.tester.heard if registers(s) and s.view.dst == party.address]
        own = link_local(case.rig.link.dut)
        first = registered_by(sent[0])
        case.expect(
            is_link_local(first) and sent[0].view.src == first, "nd_order", "the link-local address first, from itself",
            f"{first.hex()} from {sent[0].view.src.hex()}", requirement="RFC8505-5.6-03", frame=sent[0],
        )  # fmt: skip
        for seen in sent:
            _fields(case, seen, own)
        mine = next(s for s in sent if registered_by(s) == address)
        early = [s for s in sent[: sent.index(mine)] if registered_by(s) == mine.view.src]
        case.expect(
            bool(early), "nd_order", "the source is registered before it registers another", "it is not",
            requirement="RFC8505-5.6-01", frame=mine,
        )  # fmt: skip
        case.expect(
            mine.upper[8:24] == address, "target", f"target {address.hex()}", mine.upper[8:24].hex(),
            requirement="RFC8505-5.1-01", frame=mine,
        )  # fmt: skip


def _fields(case: Case, seen: Seen, own: bytes) -> None:
    option, frame = registration_of(seen), seen.frames[0]
    flags = next(each.octets[4] for each in nd.walk(seen.upper, 24) if each.type == nd.ARO)
    host = case.rig.profile.parameters.role == "6LN"
    lowest = 240 if case.declares("nd_extended") else 128
    for good, code, expected, actual, row in (
        (option.t, "nd_flags", "T=1", "T=0", "RFC8505-5.1-02"),
        (option.r or not host, "nd_flags", "R=1 of a host", "R=0", "RFC8505-5.1-03"),
        (not option.r or host, "nd_flags", "R=0 of a router", "R=1", "RFC8505-5.1-04"),
        (option.i == 0, "nd_flags", "I=0", f"I={option.i}", "RFC8505-4.1-04"),
        (flags & 0xF0 == 0, "nd_reserved", "reserved bits 0", f"{flags:02x}", "RFC8505-4.1-03"),
        (
            tells_link(case, message_of(seen).options),
            "nd_sllao",
            "an SLLAO",
            seen.upper[24:].hex(),
            "RFC6775-4.1-01",
        ),
        (option.status == 0, "nd_status", "Status 0", str(option.status), "RFC8505-4.1-02"),
        (len(option.rovr) == 8, "nd_rovr", "64 bits of ROVR", f"{8 * len(option.rovr)}", "RFC8505-4.1-07"),
        (
            is_link_local(seen.view.src),
            "nd_source",
            "a link-local source",
            seen.view.src.hex(),
            "RFC8505-5.6-02",
        ),
        (
            option.tid >= lowest - 112,
            "nd_tid",
            "a TID of 128 or more at first",
            str(option.tid),
            "RFC8505-5.2.1-01",
        ),
    ):
        case.expect(good, code, expected, actual, requirement=row, frame=frame)
    with advice(case):  # "It MUST be set to 0 when not used", and whether it is used, no frame tells
        told = str(option.opaque)
        case.expect(told == "0", "nd_reserved", "Opaque 0", told, requirement="RFC8505-4.1-03", frame=frame)
    target = registered_by(seen)
    eui64 = case.rig.link.dut
    if option.rovr[:8] != eui64:
        iid = option.rovr[:8]
        bad = target[8:] in {iid, bytes([iid[0] ^ 2]) + iid[1:]}
        case.expect(not bad, "nd_rovr", "no identifier from a ROVR that is no EUI-64", target.hex(), frame=frame,
                    requirement="RFC8505-5.3-02")  # fmt: skip
    del own


@pytest.mark.slow
@requirement("RFC8505-5.2.1-02", "RFC8505-5.2.1-01")
def test_tid_counts(case: Case):
    """Each renewal has the next TID, and behind 255 comes 0: registrations of a minute, over the wrap.

    A node may count for each address, or once for all: "maintained by the node and incremented with each transaction
    of one or more registrations" (§4.1).
    """
    if case.rig.link.clock != "virtual":
        case.unsupported(
            "this takes more than ten minutes on a clock that cannot be moved", "not_on_this_rig"
        )
    with attached(case, UPDATED, minutes=1) as (party, address):
        case.tester.listen(60.0 * 160)
        by_address, by_node = tids(party, address), tids(party)
        found = by_node if not out_of_turn(by_node) else by_address
        said = " ".join(map(str, found[:40]))
        wrong = out_of_turn(found)
        case.expect(len(found) > 20, "nd_renewal", "renewals", said)
        case.expect(not wrong, "nd_tid", "each TID the one behind the last", f"{wrong[:3]} in {said}")
        wraps = (255, 0) in pairwise(found)
        case.expect(wraps, "nd_tid", "0 behind 255", said)
        if len(found) > 150:
            case.expect((127, 0) in pairwise(found), "nd_tid", "0 behind 127", said)


@requirement("RFC8505-5.2-01")
def test_tid_at_two_routers(case: Case):
    """ "When a Registered Node is registered with multiple 6LRs in parallel, the same TID MUST be used"."""
    with attached(case, UPDATED, minutes=2) as (party, address):
        other = once_more(case, party, minutes=2)
        with serving(case.tester, other):
            alone = tids(party, address)
            other.advertise()
            heard(case, lambda s: to(other)(s) and registered_by(s) == address, STARTED)
            let_pass(case, 100.0)
            first, second = tids(party, address), tids(other, address)
        if not second or (first == alone and first[-1] != second[-1]):  # it has moved to the other one
            case.unsupported("the DUT registers with one router only: see rfc6775/5.5/two_routers")
        case.expect(first[-1] == second[-1], "nd_tid", "one TID at both routers", f"{first} and {second}")


@pytest.mark.slow
@requirement("RFC8505-5.2.1-02", "RFC8505-5.2-01")
def test_tid_at_a_later_router(case: Case):
    """A router that comes later begins no count of its own: no router gets an older TID than it had before."""
    with attached(case, UPDATED, minutes=1) as (party, address):
        let_pass(case, 100.0)
        with beside(case, party, minutes=1) as (other, frame):
            heard(case, lambda s: to(other)(s) and registered_by(s) == address, STARTED)
            let_pass(case, 60.0)
        for name, found in (("first", tids(party, address)), ("second", tids(other, address))):
            older = [pair for pair in pairwise(found) if nd.tid.newer(*pair) is False]
            case.expect(
                not older, "nd_tid", f"newer and newer TIDs at the {name} router", str(found), frame=frame
            )


@requirement("RFC8505-5.3-03")
def test_rovr_outlives_a_restart(case: Case):
    """The ROVR SHOULD be in persistent memory: after a restart it is the same: advice."""
    found = []
    for _ in range(2):
        with attached(case, UPDATED) as (party, address):
            found.append(next(option.rovr for where, option in party.registered if where == address))
    case.expect(found[0] == found[1], "nd_rovr", found[0].hex(), found[1].hex())


@requirement("RFC8505-6.3-01", "RFC8505-6-01")
def test_old_router(case: Case):
    """No 6CIO: the router is of RFC 6775 only. An EARO all the same (T=1), 64 bits, from the registered address."""
    with attached(case) as (party, address):
        seen = next(
            s for s in case.tester.heard if registered_by(s) == address and s.view.dst == party.address
        )
        option, frame = registration_of(seen), seen.frames[0]
        case.expect(option.t, "nd_flags", "T=1", "T=0", frame=frame)
        case.expect(
            len(option.rovr) == 8, "nd_rovr", "64 bits of ROVR", f"{8 * len(option.rovr)}", frame=frame
        )
        case.expect(
            seen.view.src == address, "nd_source", f"from {address.hex()}, as RFC 6775 has it", seen.view.src.hex(),
            requirement="RFC8505-6-01", frame=frame,
        )  # fmt: skip


@requirement("RFC8505-5-01")
def test_prefers_the_new_router(case: Case):
    """ "A Registering Node SHOULD register to a 6LR that supports this specification if one is found": advice."""
    with attached(case) as (old, address):
        new = router(case, *old.options, UPDATED)
        with serving(case.tester, new):
            frame = new.advertise()
            case.tester.listen(10.0)
            kept = [where for where, option in new.registered if where == address and option.lifetime]
        case.expect(
            bool(kept),
            "not_registered",
            "registered at the router that says E",
            "at the other only",
            frame=frame,
        )


@requirement("RFC8505-5.6-04")
def test_two_routers_of_one_address(case: Case):
    """Two routers with one link-local address: a 6LN "MUST only interact with at most one of the 6LRs"."""
    with attached(case, UPDATED) as (party, _):
        twin = router(case, advertises=False)
        option = nd.LinkLayerAddress(nd.SLLAO, twin.link)
        message = nd.RouterAdvertisement(router_lifetime=1800, options=(option, *party.options))
        frame = twin.say(message, source=party.address)
        found = all_heard(case, 400.0, registers)
        used = {seen.info.dst for seen in found}
        case.expect(len(used) <= 1, "nd_mixed", "one of the two", "both", frame=frame)


@requirement("RFC8505-4.1-10", "RFC8505-4.1-11", "RFC8505-4.1-16", "RFC8505-5.7-02", "RFC8505-5.7-03")
@pytest.mark.parametrize("status", [3, 4, 5, 10], ids=str)
def test_asynchronous_status(case: Case, status: int):
    """An NA(EARO) that nobody asked for, with Moved, Removed, Validation Requested or Failed: the DUT lives on."""
    with attached(case, UPDATED) as (party, address):
        option = next(option for where, option in reversed(party.registered) if where == address)
        answer = nd.NeighborAdvertisement(address, router=True, options=(replace(option, status=status),))
        party.say(answer)
        case.tester.listen(SOON)
        case.note(
            "answers still" if answers_at(case, party, address) is not None else "the address is given up"
        )
        with advice(case):
            case.expect(True, "nd_taken", "alive", "")


@requirement("RFC8505-6-01", "RFC8505-6.3-01")
def test_old_router_beside_a_new_one(case: Case):
    """What a router says in its 6CIO is about itself: one without is registered with as RFC 6775 has it.

    By an EARO all the same (T=1), with 64 bits of ROVR, and from the address that is registered.
    """
    with attached(case, UPDATED) as (new, address):
        old = router(case, *(option for option in new.options if option is not UPDATED))
        with serving(case.tester, old):
            old.advertise()
            seen = heard(case, lambda s: to(old)(s) and s.view.src == address, STARTED)
            other = [
                s
                for s in case.tester.heard
                if to(old)(s) and registered_by(s) == address and s.view.src != address
            ]
        if seen is None and not other:
            case.unsupported(
                "the DUT registers with one of the two routers only: see 5/prefers_the_new_router"
            )
        sent = seen or other[0]
        option, frame = registration_of(sent), sent.frames[0]
        case.expect(
            seen is not None, "nd_source", f"from {address.hex()}, as RFC 6775 has it", sent.view.src.hex(),
            frame=frame,
        )  # fmt: skip
        good = option.t and len(option.rovr) == 8
        case.expect(
            good, "nd_option", "T=1, 64 bits of ROVR", f"T={option.t:d}, {8 * len(option.rovr)} bits",
            requirement="RFC8505-6.3-01", frame=frame,
        )  # fmt: skip


@pytest.mark.slow
@requirement("RFC8505-5.6-01")
def test_source_is_renewed(case: Case):
    """The source of registrations is "an address that is already registered": it is renewed as the others are."""
    with attached(case, UPDATED, minutes=1) as (party, address):
        source = next(s.view.src for s in reversed(case.tester.heard) if registered_by(s) == address)
        before = len(party.registered)
        case.tester.listen(150.0)
        again = [where for where, _ in party.registered[before:]]
        if address not in again:
            case.unsupported("the DUT renews nothing: see rfc6775/5.5/renewal")
        case.expect(
            source in again, "nd_renewal", f"{source.hex()} is renewed", "only what it is the source of"
        )
