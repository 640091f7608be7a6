"""RFC 8505 §4 to §6, a router with extended registrations: forms, TIDs, statuses, capabilities, and old hosts."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fixtures.api import Case, HostParty, RouterParty, Seen, advice, message_of, registration_of, requirement
from sixlowpan import link_local, nd
from suites.rfc6775.parties import SOON, all_heard, heard, host, is_na, readable
from suites.rfc6775.roles import EXTENDED_ROUTER
from suites.rfc6775.routing import advertisement, arrives, global_of, registered, routing

pytestmark = EXTENDED_ROUTER
MOVED, DUPLICATE_SOURCE, INVALID_SOURCE, INCORRECT = 3, 6, 7, 8


def attached_host(case: Case, more: bytes = b"") -> HostParty:
    """A host of the tester's whose link-local address is registered, as §5.6 wants it before any other.

    Its ROVR is its EUI-64, and `more` behind that.
    """
    party = host(case)
    status, seen = registered(case, party, party.address, party.earo(rovr=party.eui64 + more))
    if status != 0:
        case.failed(
            "not_confirmed", "status 0 for a link-local address", "no NA" if seen is None else f"status {status}",
            requirement="RFC8505-4.1-01" if more else "RFC8505-5.6-05",
        )  # fmt: skip
    return party


@contextmanager
def routed_host(case: Case) -> Iterator[tuple[RouterParty | HostParty, HostParty, bytes]]:
    """A DUT that is a router (`routing`), and a host that it knows: who sends through it, the host, a global address.

    That address is the host's to register.
    """
    with routing(case) as (above, prefix):
        party = attached_host(case)
        yield above, party, global_of(party, prefix)


def expect_taken(
    case: Case,
    above: RouterParty | HostParty,
    address: bytes,
    party: HostParty,
    code: str = "nd_not_taken",
    **where: str | bytes,
) -> None:
    """The registration is there: packets for its address reach the host."""
    there = arrives(case, above, address, party.link)
    case.expect(there is not None, code, "registered", "no packet reaches it", **where)


def expect_status(
    case: Case, found: tuple[int | None, Seen | None], wanted: int, what: str, row: str
) -> None:
    status, seen = found
    said = "no NA(EARO)" if seen is None else f"status {status}"
    case.expect(status == wanted, "nd_status", f"{what}: status {wanted}", said, requirement=row, frame=seen)


@requirement("RFC8505-4.1-01", "RFC8505-5.1-01", "RFC8505-6-02")
@pytest.mark.parametrize("bits", [64, 128, 192, 256], ids="rovr-{}".format)
def test_registration(case: Case, bits: int):
    """An EARO with a ROVR of 64 to 256 bits: NA(EARO) with it, status 0, the same TID; the target is registered."""
    with routing(case) as (above, prefix):
        more = case.tester.pattern(bits // 8 - 8)
        party = attached_host(case, more)
        address, rovr = global_of(party, prefix), party.eui64 + more
        option = party.earo(rovr=rovr, tid=party.tid)
        status, seen = registered(case, party, address, option)
        expect_status(case, (status, seen), 0, f"a ROVR of {bits} bits", "RFC8505-4.1-01")
        if seen is not None:
            found = registration_of(seen)
            same = (found.rovr, found.t, found.tid, found.lifetime) == (
                rovr,
                True,
                option.tid,
                option.lifetime,
            )
            case.expect(same, "nd_option", f"the EARO as it was sent, {option.build().hex()}", found.build().hex(),
                        requirement="RFC8505-6-02", frame=seen)  # fmt: skip
            case.expect(seen.upper[8:24] == address, "target", address.hex(), seen.upper[8:24].hex(),
                        requirement="RFC8505-5.1-01", frame=seen)  # fmt: skip
        expect_taken(case, above, address, party, requirement="RFC8505-5.1-01")


@requirement("RFC8505-5.3-01", "RFC8505-7-01")
def test_two_addresses_of_one_rovr(case: Case):
    """The ROVR "MUST NOT be used to correlate registrations of different addresses": several of one ROVR are kept.

    They are three with the link-local one: a router need not have room for more (§7).
    """
    with routing(case) as (above, prefix):
        party = attached_host(case)
        addresses = [prefix[:8] + bytes([0x53, number]) + case.tester.pattern(6) for number in range(2)]
        for address in addresses:
            expect_status(
                case, registered(case, party, address, party.earo()), 0, "one more address", "RFC8505-7-01"
            )
        for address in addresses:
            there = arrives(case, above, address, party.link)
            case.expect(there is not None, "nd_lost", "all are kept", "one is lost")


@requirement("RFC8505-4.1-03")
def test_reserved_bits(case: Case):
    """Reserved bits and Opaque of an EARO "MUST be ignored by the receiver": kept, and R clear as well."""
    with routed_host(case) as (above, party, address):
        octets = bytearray(party.earo(r=False).build())
        octets[4] |= 0xC0
        message = party.solicitation(nd.UnknownOption(octets[0], bytes(octets[2:])), target=address)
        frame = party.say(message)
        seen = heard(case, lambda s: is_na(s) and registration_of(s) is not None, 8.0)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == 0, "nd_not_taken", "status 0", str(status), frame=frame)
        expect_taken(case, above, address, party, frame=frame)


@requirement("RFC8505-5.5-01")
def test_no_registration_without_sllao(case: Case):
    """ "An NS message with an EARO is a registration if and only if it also carries an SLLA Option"."""
    with routed_host(case) as (above, party, address):
        frame = party.say(party.solicitation(party.earo(), target=address, sllao=False))
        case.tester.listen(SOON)
        there = arrives(case, above, address, party.link)
        case.expect(there is None, "nd_taken", "nothing is registered", "it is", frame=frame)


@requirement("RFC8505-5.6-05")
def test_link_local_is_not_reported(case: Case):
    """For link-local addresses an exchange with the 6LBR "does not need to take place": answered at once."""
    with routing(case) as (above, _):
        above.checked = None
        before = case.tester.now()
        party = attached_host(case)
        took = case.tester.now() - before
        found = [
            s for s in case.tester.heard if s.icmp_type == nd.DAR and message_of(s).address == party.address
        ]
        case.expect(
            took < 1 or not found, "nd_request", "no EDAR for a link-local address", "one",
            frame=found[0] if found else None,
        )  # fmt: skip


@requirement("RFC8505-4.1-05")
def test_tid_without_t(case: Case):
    """The TID "MUST be ignored if the T flag is not set": registrations with older ones are taken."""
    with routing(case) as (_, prefix):
        party = host(case)
        address = global_of(party, prefix)
        for tid in (240, 100, 239, 0):
            option = party.aro(tid=tid)
            expect_status(
                case, registered(case, party, address, option), 0, f"T=0, TID {tid}", "RFC8505-4.1-05"
            )


#: (TID that is kept, TID that comes) -> whether it is more recent; None: they cannot be compared, either is right.
#: "The absolute magnitude of difference" of 0 and 127 is 127 as it is written, and 1 in a circle (§5.2.1, rule 3.2).
TIDS = {
    (240, 241): True, (240, 240): True, (241, 240): False, (240, 5): False, (250, 5): True, (255, 0): True,
    (127, 0): True, (0, 127): None, (100, 90): False, (90, 100): True, (5, 240): True, (60, 100): None,
    (240, 0): True, (240, 1): False, (10, 26): True, (26, 10): False, (10, 27): None,
    (239, 255): True, (255, 239): False, (255, 238): None,
}  # fmt: skip


@requirement("RFC8505-4.1-09", "RFC8505-5.2.1-03")
@pytest.mark.parametrize(("held", "tid"), TIDS, ids=str)
def test_newer(case: Case, held: int, tid: int):
    """A second registration from elsewhere: a newer TID moves the address there, an older one gets status 3, Moved."""
    with routed_host(case) as (above, party, address):
        case.tester.also(address)
        expect_status(
            case, registered(case, party, address, party.earo(tid=held)), 0, f"TID {held}", "RFC8505-4.1-01"
        )
        moved = bytes([2, 0, 0x5E, 0xBB]) + case.tester.pattern(4)
        option = party.earo(tid=tid)
        frame = party.say(party.solicitation(option, target=address, link=moved))
        seen = heard(
            case, lambda s: is_na(s) and registration_of(s) is not None and s.upper[8:24] == address, 8.0
        )
        status = registration_of(seen).status if seen is not None else None
        newer = TIDS[held, tid]
        if newer is None:
            case.expect(status in {0, MOVED}, "nd_tid", "status 0 or 3", str(status), frame=frame)
            return
        wanted = 0 if newer else MOVED
        case.expect(
            status == wanted, "nd_tid", f"status {wanted} for TID {tid} behind {held}", str(status),
            requirement="RFC8505-5.2.1-03", frame=frame,
        )  # fmt: skip
        where = moved if newer else party.link
        there = arrives(case, above, address, where)
        case.expect(there is not None, "neighbour_moved", f"packets at {where.hex()}", "not there", frame=frame,
                    requirement="RFC8505-5.2.1-03")  # fmt: skip


@requirement("RFC8505-5.2.1-03", "RFC8505-4.1-09")
def test_older_behind_a_wrap(case: Case):
    """0 behind 255 is newer, and is what counts from then on: 255 is older than it, and gets status 3, Moved."""
    with routed_host(case) as (_, party, address):
        for tid, wanted in ((255, 0), (0, 0), (255, MOVED), (1, 0)):
            came = registered(case, party, address, party.earo(tid=tid))
            expect_status(case, came, wanted, f"TID {tid}", "RFC8505-5.2.1-03")


@requirement("RFC8505-5.7-04", "RFC8505-4.1-06")
def test_deregistration(case: Case):
    """Lifetime 0 with the newest TID removes the registration; with an older one it stays (§5.7): status 0, and 3."""
    with routed_host(case) as (above, party, address):
        expect_status(
            case, registered(case, party, address, party.earo(tid=245)), 0, "TID 245", "RFC8505-4.1-01"
        )
        option = party.earo(0, tid=243)
        expect_status(
            case, registered(case, party, address, option), MOVED, "lifetime 0, TID 243", "RFC8505-5.7-04"
        )
        there = arrives(case, above, address, party.link)
        case.expect(there is not None, "nd_lost", "the entry stays", "it is gone")
        option = party.earo(0, tid=246)
        expect_status(
            case, registered(case, party, address, option), 0, "lifetime 0, TID 246", "RFC8505-4.1-06"
        )
        there = arrives(case, above, address, party.link)
        case.expect(there is None, "nd_kept", "the entry is gone", "it stays", requirement="RFC8505-4.1-06")


@requirement("RFC8505-4.1-12", "RFC8505-4.1-17")
def test_duplicate_source(case: Case):
    """A source that another one has registered: status 6, "Duplicate Source Address", and not 1."""
    with routing(case) as (_, prefix):
        first, second = attached_host(case), host(case)
        address = global_of(second, prefix)
        case.tester.also(address)
        frame = second.say(second.solicitation(second.earo(), target=address), source=first.address)
        seen = heard(case, lambda s: is_na(s) and (registration_of(s) or second.aro()).rovr == second.eui64
                     and registration_of(s) is not None, 8.0)  # fmt: skip
        status = registration_of(seen).status if seen is not None else None
        row = "RFC8505-4.1-17" if status == 1 else "RFC8505-4.1-12"
        case.expect(
            status == DUPLICATE_SOURCE, "nd_status", "status 6", str(status), requirement=row, frame=frame
        )


@requirement("RFC8505-4.1-13", "RFC8505-5.6-02")
def test_global_source(case: Case):
    """A source that "is not a Link-Local Address": status 7."""
    with routing(case) as (_, prefix):
        party = attached_host(case)
        source, address = global_of(party, prefix), prefix[:8] + b"\x54" + case.tester.pattern(7)
        case.tester.also(source)
        frame = party.say(party.solicitation(party.earo(), target=address), source=source)
        seen = heard(case, lambda s: is_na(s) and registration_of(s) is not None, 8.0)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == INVALID_SOURCE, "nd_status", "status 7", str(status), frame=frame)


@requirement("RFC8505-4.1-14")
def test_foreign_prefix(case: Case):
    """An address that "is not usable on this link": status 8."""
    with routing(case) as (_, _prefix):
        party = attached_host(case)
        address = bytes.fromhex("20010db8dead0001") + case.tester.pattern(8)
        expect_status(
            case,
            registered(case, party, address, party.earo()),
            INCORRECT,
            "a foreign prefix",
            "RFC8505-4.1-14",
        )


@requirement("RFC8505-4.3-01", "RFC8505-4.3-02", "RFC8505-6.1-01", "RFC8505-6.1-02")
@pytest.mark.parametrize("asked", [True, False], ids=["rs-with-6cio", "rs-without"])
def test_capabilities(case: Case, asked: bool):
    """A 6CIO "MUST be placed in an RA message that is sent in response to an RS with a 6CIO", with E, and L or B."""
    with routing(case):
        options = (nd.CapabilityIndication(frozenset()),) if asked else ()
        seen = advertisement(case, host(case), *options)
        if seen is None:
            case.failed("no_ra", "a Router Advertisement", "none", requirement="RFC6775-6.3-05")
        found = [o for o in readable(case, seen).options if isinstance(o, nd.CapabilityIndication)]
        row = "RFC8505-6.1-02" if asked else "RFC8505-6.1-01"
        if not case.expect(bool(found), "nd_option", "a 6CIO", "none", requirement=row, frame=seen):
            return
        flags = found[0].flags
        case.expect(
            nd.FLAG_E in flags,
            "nd_flags",
            "E",
            str(sorted(flags)),
            requirement="RFC8505-4.3-02",
            frame=seen,
        )
        role = nd.FLAG_L if case.rig.profile.parameters.role == "6LR" else nd.FLAG_B
        good = role in flags and not [f for f in flags if f < nd.FLAG_D]
        case.expect(good, "nd_flags", f"flag {role}, and none below 10", str(sorted(flags)),
        requirement="RFC8505-4.3-01",
                    frame=seen)  # fmt: skip
        # the 6LBR beyond a 6LR of ours said nothing of D; and what a node does besides, no text says
        wanted = (
            {nd.FLAG_D, nd.FLAG_B}
            if role == nd.FLAG_B and case.declares("multihop_dad")
            else {role} - {nd.FLAG_L}
        )
        with advice(case):
            case.expect(
                flags & {nd.FLAG_D, nd.FLAG_B} == wanted, "nd_flags", f"of B and D: {sorted(wanted)}",
                str(sorted(flags)), requirement="RFC8505-4.3-01", frame=seen,
            )  # fmt: skip


@requirement("RFC8505-6-02", "RFC8505-6.2-01", "RFC8505-5.6-04")
def test_old_host(case: Case):
    """A registration of RFC 6775, from the registered address and without T, is kept and answered by NA(EARO)."""
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        expect_status(case, registered(case, party, address, party.aro()), 0, "an ARO", "RFC8505-6.2-01")
        expect_taken(case, above, address, party, requirement="RFC8505-6.2-01")


@requirement("RFC8505-4.1-10", "RFC8505-5.7-03")
def test_duplicate_of_extended(case: Case):
    """Another ROVR for a registered address: status 1, "applies to the Registered Address"; the entry stays."""
    with routed_host(case) as (above, first, address):
        second = attached_host(case)
        expect_status(
            case, registered(case, first, address, first.earo()), 0, "a new address", "RFC8505-4.1-01"
        )
        expect_status(
            case, registered(case, second, address, second.earo()), 1, "another ROVR", "RFC6775-4.1-09"
        )
        there = arrives(case, above, address, first.link)
        case.expect(there is not None, "nd_lost", "the first stays", "it is gone")
        found = all_heard(case, 1.0, lambda s: is_na(s) and s.view.dst == link_local(b"\0" * 8))
        case.expect(not found, "nd_destination", "no NA to nobody", "one")


@requirement("RFC8505-5.2.1-03", "RFC8505-4.1-09")
def test_latest_counts(case: Case):
    """The TID of the latest registration is what the next one is compared with: 245 behind 240, and then 242 is old."""
    with routed_host(case) as (_, party, address):
        for tid, wanted in ((240, 0), (245, 0), (242, MOVED), (244, MOVED), (246, 0)):
            found = registered(case, party, address, party.earo(tid=tid))
            expect_status(case, found, wanted, f"TID {tid}", "RFC8505-5.2.1-03")


@requirement("RFC6775-6.5.1-01")
def test_deregistration_by_another(case: Case):
    """Lifetime 0 with another ROVR, and a newer TID: status 1, and the entry stays."""
    with routed_host(case) as (above, first, address):
        second = attached_host(case)
        found = registered(case, first, address, first.earo(tid=245))
        expect_status(case, found, 0, "TID 245", "RFC8505-4.1-01")
        found = registered(case, second, address, second.earo(0, tid=247))
        expect_status(case, found, 1, "lifetime 0 of another ROVR", "RFC6775-6.5.1-01")
        there = arrives(case, above, address, first.link)
        case.expect(there is not None, "nd_lost", "the entry stays", "it is gone")
