"""RFC 6775 §6.5, registrations behind events: refused ones, ended ones, those of another host, and what forwards.

Strategy: what a router does wrongly with one registration it may do right with the first one that it sees. So each case
has one thing happen first, of another host or of an earlier owner, and then looks at all that it must not have changed.
"""

from functools import partial

import pytest

from fixtures.api import UDP, Case, HostParty, RouterParty, Seen, let_pass, registration_of, requirement
from sixlowpan import ipv6, nd
from suites.rfc6775.parties import answered, heard, host, is_na, tried
from suites.rfc6775.roles import RADIO, ROUTER
from suites.rfc6775.routing import arrives, global_of, kept, registered, registered_host, routing
from suites.rfc6775.test_6_5 import DUPLICATE

#: ICMPv6 (RFC 4443 §3.3).
TIME_EXCEEDED = 3

pytestmark = [RADIO, *ROUTER]


def expect_at(case: Case, above: RouterParty | HostParty, address: bytes, link: bytes, what: str) -> None:
    """What is for this address goes to this link-layer address, and nothing of it to another one."""
    there = arrives(case, above, address, link)
    case.expect(there is not None, "nd_lost", f"{what}: packets go to {link.hex()}", "they do not")


@pytest.mark.slow
@requirement("RFC6775-6.5.3-01", "RFC6775-6.5.3-03", "RFC6775-6.5.3-04")
@pytest.mark.parametrize("end", ["removed", "expired"])
def test_next_owner(case: Case, end: str):
    """An address that was given back, or has ended, is registered by another host: its packets go to that one."""
    with registered_host(case, lifetime=1) as (above, first, address):
        second = host(case)
        expect_at(case, above, address, first.link, "the first owner")
        if end == "removed":
            registered(case, first, address, first.aro(0))
        else:
            let_pass(case, 66.0)
        kept(case, second, address)
        expect_at(case, above, address, second.link, "the next owner")


@pytest.mark.slow
@requirement("RFC6775-6.5.1-01")
@pytest.mark.parametrize("minutes", [1, 10], ids=["shorter", "longer"])
def test_duplicate_changes_no_lifetime(case: Case, minutes: int):
    """A duplicate, "there is no modification to the Neighbor Cache": the owner's entry ends as it would have."""
    with registered_host(case, lifetime=2) as (above, owner, address):
        other = host(case)
        began = case.tester.stamp()
        let_pass(case, 20.0)
        status, _ = registered(case, other, address, other.aro(minutes))
        case.expect(status == DUPLICATE, "duplicate", "status 1", f"status {status}")
        let_pass(case, 100.0, began)
        expect_at(case, above, address, owner.link, "20 s before its end")
        let_pass(case, 126.0, began)
        there = arrives(case, above, address, owner.link)
        case.expect(there is None, "nd_kept", "deleted behind its end", "packets still go there")


@requirement("RFC6775-6.5.1-01", "RFC6775-6.5.3-01")
def test_owner_moves_behind_a_duplicate(case: Case):
    """Somebody else was refused, then the owner comes from another link address: status 0, and packets go there."""
    with routing(case) as (above, prefix):
        owner, other = host(case), host(case)
        address, moved = global_of(owner, prefix), bytes([2, 0, 0x5E, 0xAA]) + case.tester.pattern(4)
        kept(case, owner, address)
        registered(case, other, address)
        frame = owner.say(owner.solicitation(owner.aro(), link=moved), source=address)
        seen = heard(case, lambda s: is_na(s) and registration_of(s) is not None)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == 0, "duplicate", "status 0 for its own address", f"status {status}", frame=frame)
        expect_at(case, above, address, moved, "where the owner is")


@requirement("RFC6775-6.5.3-03")
def test_given_back_behind_a_move(case: Case):
    """An address that had two link-layer addresses, one after the other, is given back: packets go to neither."""
    with routing(case) as (above, prefix):
        party = host(case)
        address, moved = global_of(party, prefix), bytes([2, 0, 0x5E, 0xAB]) + case.tester.pattern(4)
        kept(case, party, address)
        for lifetime in (10, 0):
            party.say(party.solicitation(party.aro(lifetime), link=moved), source=address)
            heard(case, lambda s: is_na(s) and registration_of(s) is not None)
        for link in (party.link, moved):
            there = arrives(case, above, address, link)
            case.expect(there is None, "nd_kept", "the entry is deleted", f"packets go to {link.hex()}")


@requirement("RFC6775-6.5.3-02")
def test_answer_to_a_renewal(case: Case):
    """A registration is renewed for another time: the answer has "a copy of the ARO", not what was kept before."""
    with routing(case) as (_, prefix):
        party = host(case)
        address = global_of(party, prefix)
        for minutes in (10, 20, 5):
            status, seen = registered(case, party, address, party.aro(minutes))
            found = registration_of(seen) if seen is not None else None
            said = f"status {status}, {found.lifetime if found else None} minutes"
            case.expect(
                found is not None and found.lifetime == minutes, "nd_lifetime", f"{minutes} minutes", said
            )


@requirement("RFC6775-4.1-03")
def test_plain_answer(case: Case):
    """The ARO "is always host initiated": an NS without one, behind a registration, is answered without one."""
    with registered_host(case) as (_, party, address):
        message = nd.NeighborSolicitation(case.tester.dut_address, (party.source_option(),))
        frame = party.say(message, source=address)
        seen = heard(case, lambda s: is_na(s) and s.view.dst == address)
        if seen is None:
            case.unsupported("the DUT does not answer an NS without an ARO", "not_observable")
        case.expect(
            registration_of(seen) is None, "nd_option", "an NA without an ARO", "one with an ARO", frame=frame
        )


@requirement("RFC4291-2.5.6-01")
def test_link_local_source_stays(case: Case):
    """A packet from a link-local address for a registered one: routers "must not forward" it (RFC 4291 §2.5.6)."""
    with registered_host(case) as (above, party, address):
        other = host(case)
        expect_at(case, above, address, party.link, "registered")
        data = case.tester.pattern(12)
        message = ipv6.udp(0xF0B5, 0xF0B6, data, other.address, address)
        frame = other.send(ipv6.build(other.address, address, UDP, message))
        seen = heard(
            case, lambda s: s.view.dst == address and s.info.dst == party.link and s.upper[8:] == data
        )
        case.expect(seen is None, "forwarded", "it stays on its link", "it is forwarded", frame=frame)


@requirement("RFC8200-3-01", "RFC6775-6.5.4-02")
@pytest.mark.parametrize("way", ["to-a-host", "to-its-router"])
def test_hop_limit_of_what_is_forwarded(case: Case, way: str):
    """A router takes one from the hop limit, and forwards nothing whose hop limit becomes 0, or was (RFC 8200 §3)."""
    if way == "to-its-router" and case.rig.profile.parameters.role == "6LBR":
        case.unsupported("a 6LBR's way out is another link", "not_on_this_link")
    with registered_host(case) as (above, party, address):
        outside = bytes.fromhex("20010db8ffff0000") + case.tester.pattern(8)
        sender, source, there = above, outside, address
        if way == "to-its-router":
            sender, source, there = party, address, outside
        for hop_limit in (64, 2, 1, 0):
            through = partial(_through, case, sender, source, there, hop_limit)
            if hop_limit < 2:
                said = f"nothing comes with hop limit {hop_limit}"
                case.expect(through() is None, "hop_limit", said, "it is forwarded")
                continue
            seen = tried(case, through, f"what had hop limit {hop_limit}")
            if case.expect(
                seen is not None, "not_forwarded", f"a packet with hop limit {hop_limit - 1}", "none",
                requirement="RFC6775-6.5.4-02" if hop_limit > 2 else "RFC8200-3-01",
            ):  # fmt: skip
                got = seen.view.hop_limit
                case.expect(got == hop_limit - 1, "hop_limit", f"hop limit {hop_limit - 1}", str(got))


@requirement("RFC4443-3.3-01")
@pytest.mark.parametrize("hop_limit", [1, 0], ids="hop-limit-{}".format)
def test_time_exceeded(case: Case, hop_limit: int):
    """What has no hop left a router "MUST discard ... and originate an ICMPv6 Time Exceeded message with Code 0"."""
    with registered_host(case) as (_, first, address):
        second = host(case)
        source = global_of(second, address)
        kept(case, second, source)
        message = ipv6.udp(0xF0B5, 0xF0B6, case.tester.pattern(12), source, address)
        packet = ipv6.build(source, address, UDP, message, hop_limit=hop_limit)
        tells = partial(_exceeds, packet)
        seen, frame = answered(case, partial(second.send, packet), tells, "Time Exceeded")
        if seen is None:  # RFC 4443 §2.4 (f): a node "MUST limit the rate", and may have sent one just before
            let_pass(case, 10.0)
            seen, frame = answered(case, partial(second.send, packet), tells, "Time Exceeded")
        there = (seen.upper[1], seen.view.dst, seen.info.dst) if seen is not None else None
        said = "code {}, to {} at {}".format(there[0], *map(bytes.hex, there[1:])) if there else "none"
        case.expect(
            there == (0, source, second.link), "no_error",
            f"Time Exceeded: code 0, to {source.hex()} at {second.link.hex()}", said, frame=frame,
        )  # fmt: skip
        case.expect(arrives(case, second, address, first.link) is not None, "nd_lost", "one with more gets through",
                    "it does not", requirement="RFC6775-6.5.4-02")  # fmt: skip


def _exceeds(packet: bytes, seen: Seen) -> bool:
    """A Time Exceeded that quotes this packet, from its header on; its hop limit may be what is left."""
    quoted = seen.upper[8:]
    return seen.icmp_type == TIME_EXCEEDED and quoted[:7] == packet[:7] and quoted[8:60] == packet[8:60]


def _through(
    case: Case, sender: RouterParty | HostParty, source: bytes, there: bytes, hop_limit: int
) -> Seen | None:
    data = case.tester.pattern(12)
    message = ipv6.udp(0xF0B5, 0xF0B6, data, source, there)
    sender.send(ipv6.build(source, there, UDP, message, hop_limit=hop_limit))
    return heard(case, lambda s: s.view.dst == there and s.upper[8:] == data)


@pytest.mark.slow
@requirement("RFC6775-4.1-07", "RFC6775-6.5.3-01")
def test_registered_for_a_day(case: Case):
    """1093 minutes are 65580 seconds, which do not fit in 16 bits: the registration is there a minute later."""
    with registered_host(case, lifetime=1093) as (above, party, address):
        let_pass(case, 60.0)
        expect_at(case, above, address, party.link, "registered for 18 hours")
