"""RFC 7668 §3 and §3.2.1, the star: whom a 6LBR connects with, and what it carries between its 6LNs."""

from contextlib import suppress

from fixtures.api import Case, RigError, needs, on_link, requirement
from sixlowpan import link_local
from sixlowpan.addresses import ALL_NODES
from suites.rfc7668.channel import as_6lbr, live
from suites.rfc7668.star import SixLn, arrives, sixln, two

pytestmark = [on_link("ble"), needs("connect")]


def own_addresses(case: Case, *members: SixLn) -> list[bytes]:
    """Register an address of the DUT's prefix for each; a registration that is not confirmed is a finding."""
    prefix = members[0].prefix()
    made = []
    # new ones in each case: a 6LBR may keep a registration beyond the connection (RFC 6775 §6.5)
    start = prefix[:8] + b"\x5e\xed" + case.tester.pattern(5)
    for number, member in enumerate(members):
        address = start + bytes([number + 1])
        status = member.register(address)
        case.expect(
            status == 0,
            "not_confirmed",
            "an NA with ARO status 0",
            f"status {status}",
            requirement="RFC7668-3.2.1-03",
        )
        made.append(address)
    return made


def no_channel(case: Case, device: bytes, expected: str) -> None:
    """One more 6LN with this device address gets no IPSP channel."""
    with suppress(RigError), live(case).another(device):
        case.finding("connected", expected, "an IPSP channel")


@requirement("RFC7668-3-02")
def test_own_device_address_is_ignored(case: Case):
    """A 6LN with the 6LBR's own device address: the 6LBR ignores it."""
    as_6lbr(case)
    no_channel(case, live(case).dut, "no connection with its own device address")


@requirement("RFC7668-3-03")
def test_one_connection_for_a_device_address(case: Case):
    """There "MUST NOT" be a second connection of a device address that is connected: the 6LBR refuses it."""
    as_6lbr(case)
    no_channel(case, live(case).tester, "no second connection of a device address")


@requirement("RFC7668-3.2.1-01")
def test_link_local_multicast_stays(case: Case):
    """Link-local multicast "must not" leave the connection that it came by: the other 6LN sees nothing of it."""
    with two(case) as (first, second):
        packet = first.datagram(first.address, ALL_NODES, hop_limit=255)
        found = arrives(first, packet, second)
        case.expect(found is None, "carried", "no link-local multicast of another connection", "it comes")


@requirement("RFC7668-3.2.1-02")
def test_link_local_between_6lns(case: Case):
    """Two 6LNs cannot use link-local addresses to each other: what is for the other's is not carried."""
    with two(case) as (first, second):
        found = arrives(first, first.datagram(first.address, link_local(second.info().src)), second)
        case.expect(found is None, "carried", "nothing with link-local addresses", "the packet")


@requirement("RFC7668-3.2.1-03")
def test_forwarding_between_6lns(case: Case):
    """By the shared prefix each 6LN reaches the other, through the 6LBR, which takes one from the hop limit."""
    with two(case) as (first, second):
        here, there = own_addresses(case, first, second)
        for sender, source, receiver, destination in (
            (first, here, second, there),
            (second, there, first, here),
        ):
            packet = sender.datagram(source, destination)
            found = arrives(sender, packet, receiver)
            case.expect(found is not None, "not_forwarded", "the packet at the other 6LN", "nothing")
            if found is not None:
                case.expect(
                    found[0][7] == packet[7] - 1, "hop_limit", str(packet[7] - 1), str(found[0][7]),
                    frame=found[1],
                )  # fmt: skip


@requirement("RFC7668-3.2.1-03")
def test_hop_limit_of_one(case: Case):
    """A packet whose hop limit would become 0 is not forwarded (RFC 8200 §3)."""
    with two(case) as (first, second):
        here, there = own_addresses(case, first, second)
        found = arrives(first, first.datagram(here, there, hop_limit=1), second)
        case.expect(found is None, "forwarded", "nothing with hop limit 0", "the packet")


@requirement("RFC7668-3.2.1-03")
def test_duplicate_address(case: Case):
    """The 6LBR avoids address collisions: a second 6LN that registers one gets status 1 (RFC 6775 §4.1)."""
    with two(case) as (first, second):
        address = own_addresses(case, first)[0]
        status = second.register(address)
        case.expect(
            status == 1, "duplicate", "an NA with ARO status 1 (Duplicate Address)", f"status {status}"
        )


@requirement("RFC7668-3.2.1-03")
def test_two_peers(case: Case):
    """A field complaint: a second peer kills the first. Both echo in turn, and one goes while the other stays."""
    with two(case) as (first, second):
        for member in (first, second) * 5:
            case.expect(member.alive(), "no_answer", "an answer to each of two 6LNs", "none to one of them")
    with sixln(case) as left:
        case.expect(left.alive(), "no_answer", "an answer when the other is gone", "none")
