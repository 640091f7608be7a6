"""RFC 7668 §3 and §3.2.1, the star when something happens: a 6LN leaves, comes back, takes nothing; large packets."""

from fixtures.api import Case, needs, on_link, requirement
from sixlowpan import nd
from suites.rfc7668.channel import live
from suites.rfc7668.star import SixLn, arrives, forwardable, one_more, sixln, two
from suites.rfc7668.test_3_2_6lbr import answered
from suites.rfc7668.test_3_star import own_addresses

pytestmark = [on_link("ble"), needs("connect")]
FORWARDING = "RFC7668-3.2.1-03"
GROUP = bytes.fromhex("ff1500000000000000000000000a11ce")
#: Octets of UDP data: packets of 56 to 1280 octets.
SIZES = (8, 464, 465, 600, 976, 1231, 1232)
_DEVICES = (bytes.fromhex("c00000000004"), bytes.fromhex("c00000000005"))


def comes(
    case: Case, sender: SixLn, packet: bytes, receiver: SixLn, what: str, *, row: str | None = None
) -> None:
    """The packet arrives at the other 6LN as it is, but for the hop limit."""
    found = arrives(sender, packet, receiver)
    case.expect(
        found is not None, "not_forwarded", f"{what} at the other 6LN, as it was sent", "not that",
        requirement=row,
    )  # fmt: skip


def both_ways(case: Case, first: SixLn, second: SixLn, here: bytes, there: bytes, what: str) -> None:
    comes(case, first, first.datagram(here, there), second, f"{what}, one way")
    comes(case, second, second.datagram(there, here), first, f"{what}, the other way")


def starved(
    case: Case, first: SixLn, second: SixLn, here: bytes, there: bytes, *, closely: bool = False
) -> None:
    """The first 6LN gives no credits while the second sends it twenty large packets, and then gives some again.

    The second must be answered meanwhile (`closely`: behind each packet), and the first afterwards.
    """
    link = live(case)
    link.starve()
    for number in range(20):
        second.send(second.datagram(there, here, size=1000))
        if closely or number == 19:
            case.expect(second.alive(), "blocked", "an answer to who gives credits", "none")
    if closely:
        first.tester.listen(case.settle)
    link.starve(False)
    first.tester.listen(case.settle)
    case.expect(first.alive(), "blocked", "an answer once there are credits again", "none")


@requirement(FORWARDING, "RFC7668-2.4-01")
def test_large_packets_are_forwarded(case: Case):
    """Packets of every size up to 1280 octets go from one 6LN to the other, octet by octet the same."""
    with two(case) as (first, second):
        here, there = own_addresses(case, first, second)
        for size in SIZES:
            comes(case, first, first.datagram(here, there, size=size), second, f"{size + 48} octets")
            comes(case, second, second.datagram(there, here, size=size), first, f"{size + 48} octets back")


@requirement(FORWARDING)
def test_what_is_forwarded_stays_as_it_is(case: Case):
    """Any protocol, header in front, class, flow label, hop limit and size: a router changes the hop limit only."""
    with two(case) as (first, second):
        here, there = own_addresses(case, first, second)
        for what, packet in forwardable(first.tester, here, there).items():
            comes(case, first, packet, second, what)


@requirement(FORWARDING)
def test_from_and_to_each_of_several_addresses(case: Case):
    """A 6LN with two addresses is reached, and sends, by either."""
    with two(case) as (first, second):
        (here, there) = own_addresses(case, first, second)
        other = here[:15] + b"\x0a"
        if first.register(other) != 0:
            case.unsupported("the DUT confirms no second registration")
        for mine in (here, other):
            both_ways(case, first, second, mine, there, "a packet of either address")


@requirement(FORWARDING, "RFC7668-3.2.4-15", "RFC7668-3.2.5-02", "RFC7668-3.2.4-03")
def test_one_leaves(case: Case):
    """Of two 6LNs one leaves: the other keeps its registration, its groups and its router, and a third reaches it."""
    with sixln(case) as left:
        with one_more(case) as leaving:
            here, there = own_addresses(case, left, leaving)
            left.listen(GROUP)
            both_ways(case, left, leaving, here, there, "a packet while both are there")
        if not case.expect(
            left.alive(), "no_answer", "an answer to who stayed", "none", requirement=FORWARDING
        ):
            return
        answered(case, left, here, 7, "RFC7668-3.2.4-15")
        found = left.advertisement()
        known = any(isinstance(o, nd.ContextOption) for o in found[0].options) if found else False
        case.expect(
            known, "no_6co", "the prefix and its 6CO, as before", "none", requirement="RFC7668-3.2.4-03"
        )
        with one_more(case) as back:
            again = here[:15] + b"\x09"
            status = back.register(again)
            case.expect(status == 0, "not_confirmed", "status 0", f"status {status}", requirement=FORWARDING)
            both_ways(case, left, back, here, again, "a packet when it is back")
            group = back.datagram(again, GROUP)
            comes(case, back, group, left, "multicast", row="RFC7668-3.2.5-02")


@requirement(FORWARDING)
def test_three_at_once(case: Case):
    """Three 6LNs, each of which reaches each other."""
    with sixln(case) as first, one_more(case, _DEVICES[0]) as second, one_more(case, _DEVICES[1]) as third:
        members = (first, second, third)
        addresses = own_addresses(case, *members)
        for a in range(3):
            for b in range(3):
                if a != b:
                    packet = members[a].datagram(addresses[a], addresses[b])
                    comes(case, members[a], packet, members[b], f"a packet from 6LN {a + 1} to {b + 1}")


@requirement(FORWARDING, "RFC7668-3.2-03")
def test_one_takes_nothing(case: Case):
    """While one 6LN gives no credits the other is served; when it gives some again, it is forwarded to again."""
    with two(case) as (first, second):
        here, there = own_addresses(case, first, second)
        starved(case, first, second, here, there)
        both_ways(case, first, second, here, there, "a packet behind that")


@requirement("RFC7668-3.2.5-02")
def test_large_multicast_is_forwarded(case: Case):
    """Multicast packets of any size are forwarded to a 6LN that listens to their group."""
    with two(case) as (first, second):
        here, _ = own_addresses(case, first, second)
        second.listen(GROUP)
        for size in SIZES:
            comes(
                case,
                first,
                first.datagram(here, GROUP, size=size),
                second,
                f"{size + 48} octets of multicast",
            )


@requirement("RFC7668-3.2.5-02", FORWARDING)
def test_multicast_stays_as_it_is(case: Case):
    """And so do those to a group: any protocol, header in front, class, flow label and hop limit."""
    with two(case) as (first, second):
        here, _ = own_addresses(case, first, second)
        second.listen(GROUP)
        for what, packet in forwardable(first.tester, here, GROUP).items():
            comes(case, first, packet, second, f"{what}, to a group")


@requirement("RFC7668-3.2.4-03")
def test_solicited_again(case: Case):
    """Every Router Solicitation of a connection is answered (RFC 6775 §6.3), with a 6CO for each prefix in it.

    The 6LBR "MUST include a 6LoWPAN Context Option (6CO) [RFC6775] matching each address prefix advertised via a
    Prefix Information Option (PIO)"; in a star of its own (§3.3) there may be none.
    """
    with sixln(case) as member:
        for number in range(1, 4):
            found = member.advertisement()
            options = found[0].options if found else ()
            contexts = {o.context().prefix[:8] for o in options if isinstance(o, nd.ContextOption)}
            known = all(
                o.prefix[:8] in contexts
                for o in options
                if isinstance(o, nd.PrefixInformation) and o.autonomous
            )
            case.expect(
                found is not None and known,
                "no_ra",
                f"advertisement {number} with a 6CO for each prefix",
                "none" if not found else "no 6CO for a prefix",
            )
