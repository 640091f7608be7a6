"""RFC 6775 §6.5, processing a Neighbor Solicitation: which are ignored, refused, kept, and for how long."""

from functools import partial

import pytest

from fixtures.api import Case, HostParty, Seen, advice, let_pass, on_link, registration_of, requirement
from sixlowpan import link_local, nd
from sixlowpan.addresses import solicited_node
from suites.rfc6775.parties import answered, expect_of_the_link, host, is_na, readable
from suites.rfc6775.roles import ROUTER
from suites.rfc6775.routing import (
    another,
    arrives,
    global_of,
    kept,
    own_address_stays_its_own,
    registered,
    registered_host,
    routing,
)

pytestmark = ROUTER
DUPLICATE, FULL = 1, 2
#: Seconds in which a 6LR may ask its 6LBR (RFC 6775 §8.2.6: three tries, RETRANS_TIMER apart).
ASKED = 8.0
#: Hosts that a router may have room for at most, for this suite.
MOST = 256


@requirement(
    "RFC6775-6.5.3-01", "RFC6775-6.5.3-02", "RFC6775-4.1-08", "RFC6775-4.1-03", "RFC6775-4.1-05", "RFC6775-8.2-01",
)  # fmt: skip
def test_registration(case: Case):
    """An address of the prefix: NA with the ARO and status 0, to that address; and its packets reach the host."""
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        option = party.aro(7)
        status, seen = registered(case, party, address, option)
        if seen is None:
            case.finding("not_confirmed", "NA with an ARO", "none")
            return
        frame, found = seen.frames[0], registration_of(seen)
        case.expect(
            status == 0, "nd_status", "status 0", str(status), requirement="RFC6775-4.1-08", frame=frame
        )
        case.expect(
            seen.view.dst == address,
            "nd_destination",
            f"to {address.hex()}",
            seen.view.dst.hex(),
            frame=frame,
        )
        case.expect(
            seen.info.dst == party.link,
            "neighbour_address",
            f"to {party.link.hex()}",
            seen.info.dst.hex(),
            frame=frame,
        )
        copied = (found.lifetime, found.rovr) == (option.lifetime, option.rovr)
        case.expect(
            copied, "nd_option", f"the ARO as it was sent, {option.build().hex()}", found.build().hex(),
            requirement="RFC6775-6.5.3-02", frame=frame,
        )  # fmt: skip
        clean = case.declares("nd_extended") or not (
            found.opaque or found.i or found.r or found.t or found.tid
        )
        case.expect(
            clean and not found.opaque, "nd_reserved", "reserved octets 0", found.build().hex(),
            requirement="RFC6775-4.1-05", frame=frame,
        )  # fmt: skip
        case.expect(
            arrives(case, above, address, party.link) is not None, "not_forwarded",
            f"a packet for it at {party.link.hex()}",
            "none", frame=frame,
        )  # fmt: skip


@requirement("RFC6775-6.5.1-01", "RFC6775-4.1-09", "RFC6775-6.5.2-01", "RFC4861-7.1.2-01")
def test_duplicate(case: Case):
    """Another EUI-64 for a registered address: status 1, to the link-local address of it; the first one stays."""
    with registered_host(case) as (above, first, address):
        second = host(case)
        status, seen = registered(case, second, address)
        case.tester.also(address)
        case.expect(
            status == DUPLICATE,
            "duplicate",
            "status 1",
            str(status),
            requirement="RFC6775-4.1-09",
            frame=seen,
        )
        if seen is not None:
            there = link_local(second.link)
            case.expect(
                seen.view.dst == there, "nd_destination", f"to {there.hex()}", seen.view.dst.hex(),
                requirement="RFC6775-6.5.2-01", frame=seen,
            )  # fmt: skip
            case.expect(
                seen.info.dst == second.link, "neighbour_address", f"to {second.link.hex()}", seen.info.dst.hex(),
                requirement="RFC6775-6.5.2-01", frame=seen,
            )  # fmt: skip
            expect_of_the_link(case, seen, "RFC4861-7.1.2-01")
            found = registration_of(seen)
            case.expect(
                found.rovr == second.eui64, "eui64", "the ARO of the NS", found.rovr.hex(),
                requirement="RFC6775-6.5.2-01", frame=seen,
            )  # fmt: skip
            case.expect(
                found.lifetime == second.aro().lifetime, "nd_lifetime", "the lifetime of the NS", str(found.lifetime),
                requirement="RFC6775-6.5.2-01", frame=seen,
            )  # fmt: skip
        status, seen = registered(case, second, address)
        case.expect(
            status == DUPLICATE, "duplicate", "status 1 once more", str(status), requirement="RFC6775-6.5.1-01",
            frame=seen.frames[0] if seen is not None else b"",
        )  # fmt: skip
        case.expect(
            arrives(case, above, address, first.link) is not None, "nd_lost", "packets still go to the first", "not so",
            frame=seen,
        )  # fmt: skip


def moves(case: Case, party: HostParty, address: bytes, size: int = 8) -> tuple[Seen | None, bytes, bytes]:
    """A host registers from another link-layer address of that size: the answer, the frame, and that address.

    It is another one for each try: what is told again is no move any more.
    """
    told: list[bytes] = []

    def once() -> bytes:
        told.append((bytes([2, 0, 0x5E, 0xAA]) + case.tester.pattern(4))[-size:])
        return party.say(party.solicitation(party.aro(), link=told[-1]), source=address)

    seen, frame = answered(case, once, is_registered, "an answer to a move", ASKED)
    return seen, frame, told[-1]


def is_registered(seen: Seen) -> bool:
    """Whether it is an NA with an ARO."""
    return is_na(seen) and registration_of(seen) is not None


@on_link("ieee802154")
@requirement("RFC6775-6.5.1-01", "RFC6775-6.5.3-01")
@pytest.mark.parametrize("size", [8, 2], ids="octets-{}".format)
def test_same_owner_elsewhere(case: Case, size: int):
    """The same EUI-64 from another link-layer address is no duplicate: the entry is updated, and packets go there."""
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        kept(case, party, address)
        seen, frame, moved = moves(case, party, address, size)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == 0, "duplicate", "status 0 for its own address", str(status), frame=frame)
        there = seen.info.dst if seen is not None else moved
        case.expect(
            there == moved, "neighbour_moved", f"the answer goes to {moved.hex()}", there.hex(),
            requirement="RFC6775-6.5.3-01", frame=frame,
        )  # fmt: skip
        case.expect(
            arrives(case, above, address, moved) is not None, "neighbour_moved", f"packets go to {moved.hex()}",
            "not so",
            requirement="RFC6775-6.5.3-01", frame=frame,
        )  # fmt: skip


def expect_free(case: Case, other: HostParty, address: bytes) -> None:
    """Nobody has the address any more: another host may register it."""
    status, seen = registered(case, other, address)
    case.expect(status == 0, "nd_kept", "another host may have the address", f"status {status}", frame=seen)


@requirement("RFC6775-6.5.3-03", "RFC6775-6.5.1-01", "RFC8505-4.1-06", "RFC6775-6.5.3-02")
@pytest.mark.parametrize("how", ["known", "unknown", "other-eui64"])
def test_removed(case: Case, how: str):
    """Lifetime 0: "any existing NCE ... MUST be deleted and an NA sent as above"; of another EUI-64: a duplicate."""
    with routing(case) as (above, prefix):
        party, other = host(case), host(case)
        address = global_of(party, prefix)
        if how != "unknown":
            kept(case, party, address)
        who = other if how == "other-eui64" else party
        status, seen = registered(case, who, address, who.aro(0))
        frame = seen.frames[0] if seen is not None else b""
        wanted = {"known": (0,), "unknown": (0, None), "other-eui64": (DUPLICATE,)}[how]
        row = "RFC6775-6.5.1-01" if how == "other-eui64" else "RFC6775-6.5.3-03"
        case.expect(
            status in wanted, "nd_status", f"status {wanted[0]}", "no NA" if seen is None else f"status {status}",
            requirement=row, frame=frame,
        )  # fmt: skip
        told = registration_of(seen).lifetime if status == 0 else 0
        case.expect(
            told == 0, "nd_lifetime", "a copy of the ARO: lifetime 0", str(told),
            requirement="RFC6775-6.5.3-02", frame=frame,
        )  # fmt: skip
        there = arrives(case, above, address, party.link)
        if how == "other-eui64":
            case.expect(
                there is not None, "nd_lost", "the entry stays", "it is gone", requirement=row, frame=frame
            )
            return
        case.expect(
            there is None, "nd_kept", "the entry is deleted", "packets still reach the host", frame=frame
        )
        if how == "known":
            expect_free(case, other, address)


@pytest.mark.slow
@requirement("RFC6775-6.5.3-04", "RFC6775-4.1-07")
def test_expired(case: Case):
    """A lifetime of 1 is 60 s: before its end the address is taken, behind it the entry is deleted."""
    with registered_host(case, lifetime=1) as (above, party, address):
        other = host(case)
        began = case.tester.stamp()
        let_pass(case, 45.0)
        status, seen = registered(case, other, address)
        case.expect(
            status == DUPLICATE, "nd_lost", "status 1 before the end", f"status {status}", requirement="RFC6775-4.1-07",
            frame=seen,
        )  # fmt: skip
        let_pass(case, 66.0, began)
        there = arrives(case, above, address, party.link)
        case.expect(there is None, "nd_kept", "deleted behind its end", "packets still go there")
        expect_free(case, other, address)


@pytest.mark.slow
@requirement("RFC6775-6.5.3-01", "RFC6775-6.5.3-04")
def test_renewed(case: Case):
    """A registration that is renewed lasts from then on: the entry is updated."""
    with registered_host(case, lifetime=1) as (above, party, address):
        let_pass(case, 40.0)
        kept(case, party, address, lifetime=2)
        let_pass(case, 60.0)
        there = arrives(case, above, address, party.link)
        case.expect(there is not None, "nd_lost", "kept for two minutes more", "it is gone")


@pytest.mark.slow
@requirement("RFC6775-6-01")
def test_silent_host_stays(case: Case):
    """ "If NUD ... determines that the host is UNREACHABLE ..., the NCE SHOULD NOT be deleted": advice."""
    with registered_host(case, lifetime=10) as (above, party, address):
        other = host(case)
        for _ in range(8):  # traffic makes a router look whether the host is there; nobody answers that
            arrives(case, above, address, party.link)
            let_pass(case, 30.0)
        status, seen = registered(case, other, address)
        case.expect(
            status == DUPLICATE, "nd_lost", "still the silent host's: status 1", f"status {status}",
            frame=seen,
        )  # fmt: skip


@requirement("RFC6775-4.1-10", "RFC6775-6.5.3-01", "RFC6775-6.5.2-01", "RFC8505-5.7-01", "RFC8505-7-01")
def test_until_full(case: Case):
    """More and more registrations: status 2 in the end and never silence, and whoever was kept before still is.

    A router of RFC 8505 keeps at least 3 addresses of one node (§7 there).
    """
    with routing(case) as (above, prefix):
        held: list[tuple[HostParty, bytes]] = []
        for number in range(MOST):
            party, address = another(case, prefix, held[0][0] if held else None)
            if number < 3 and held:
                party, address = held[0][0], prefix[:8] + case.tester.pattern(7) + b"\x01"
            status, seen = registered(case, party, address)
            if status == 0:
                held.append((party, address))
                continue
            case.expect(
                number >= 3 or not case.declares("nd_extended"), "no_room_for_two", "3 addresses of one node",
                str(number),
                requirement="RFC8505-7-01",
            )  # fmt: skip
            case.expect(
                status in {FULL, 9}, "nd_status", "status 2 from a full router",
                "no NA" if seen is None else f"{status}",
                requirement="RFC6775-4.1-10", frame=seen,
            )  # fmt: skip
            if seen is not None and status == FULL:
                case.expect(
                    seen.view.dst == link_local(party.link), "nd_destination", "to the link-local address",
                    seen.view.dst.hex(), requirement="RFC6775-6.5.2-01", frame=seen,
                )  # fmt: skip
            break
        else:
            case.note(f"the DUT kept all of {MOST} registrations")
        for party, address in (held[0], held[len(held) // 2], held[-1]) if held else ():
            case.expect(
                arrives(case, above, address, party.link) is not None, "nd_lost", "those kept before still are",
                "one is lost",
                requirement="RFC6775-6.5.3-01",
            )  # fmt: skip


@requirement("RFC6775-6.5.5-01", "RFC4861-7.2.4-03")
def test_multicast_solicitation(case: Case):
    """ "Routers MUST respond to multicast NSs", and join their solicited-node groups."""
    with routing(case):
        party = host(case)
        target = case.tester.dut_address
        message = nd.NeighborSolicitation(target, (party.source_option(),))
        asks = partial(party.say, message, solicited_node(target))
        seen, frame = answered(case, asks, lambda s: is_na(s) and s.upper[8:24] == target, "an NA")
        if case.expect(seen is not None, "nd_unanswered", "a Neighbor Advertisement", "none", frame=frame):
            options = readable(case, seen).options
            told = [o for o in options if isinstance(o, nd.LinkLayerAddress) and o.type == nd.TLLAO]
            case.expect(
                bool(told), "nd_option", "a TLLAO: the solicitation was multicast", "none",
                requirement="RFC4861-7.2.4-03", frame=seen,
            )  # fmt: skip


@requirement("RFC6775-6.5.2-01")
def test_own_address(case: Case):
    """An address of the router's own is nobody else's: another EUI-64 for it gets no status 0: advice."""
    with routing(case) as (_, prefix):
        own_address_stays_its_own(case, host(case), prefix)


@requirement("RFC6775-6.5.3-01")
def test_link_local(case: Case):
    """A host may register its link-local address as well: an NA with status 0, and the ARO in it (SHOULD): advice."""
    with routing(case):
        party = host(case)
        status, seen = registered(case, party, party.address)
        with advice(case):
            case.expect(
                status == 0, "not_confirmed", "NA with ARO status 0 for a link-local address", f"status {status}",
                frame=seen,
            )  # fmt: skip
