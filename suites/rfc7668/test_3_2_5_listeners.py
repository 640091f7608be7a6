"""RFC 7668 §3.2.5, listeners behind events: several groups in a report, reports again, another 6LN that leaves.

The 6LBR "MUST keep track of multicast listeners at Bluetooth LE link-level granularity", and "MUST NOT forward
multicast packets to 6LNs that have not registered as listeners"; a listener reports by MLD (RFC 3810).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from fixtures.api import Case, advice, needs, on_link, requirement
from suites.rfc7668.star import EXCLUDE, INCLUDE, SixLn, arrives, one_more, two
from suites.rfc7668.test_3_2_5 import GROUP

pytestmark = [on_link("ble"), needs("connect")]
ANOTHER = GROUP[:15] + b"\xcf"
ANOTHER_SOURCE = bytes.fromhex("20010db8ffff0000000000000000beef")
UNASKED = "RFC7668-3.2.5-03"
#: Of a third 6LN, and of one that comes back.
_DEVICE = bytes.fromhex("c00000000004")


@contextmanager
def sender_and_listener(case: Case) -> Iterator[tuple[SixLn, SixLn, bytes]]:
    """Two 6LNs, and the registered address of the first, from which it sends."""
    with two(case) as (first, second):
        source = first.prefix()[:8] + bytes.fromhex("5eed000000000001")
        first.register(source)
        yield first, second, source


def expect_one(case: Case, sender: SixLn, source: bytes, to: SixLn, what: str, group: bytes = GROUP) -> None:
    """A packet to the group comes to a 6LN that listens to it."""
    found = arrives(sender, sender.datagram(source, group), to)
    case.expect(found is not None, "listener_lost", f"{what}: the packet, to a listener", "nothing",
                requirement="RFC7668-3.2.5-02")  # fmt: skip


def expect_none(case: Case, sender: SixLn, packet: bytes, to: SixLn, what: str, row: str = UNASKED) -> None:
    """No copy of a packet comes to a 6LN."""
    case.expect(
        arrives(sender, packet, to) is None, "unasked", f"{what}: nothing", "it comes", requirement=row
    )


@requirement("RFC7668-3.2.5-02", UNASKED)
def test_two_groups_in_one_report(case: Case):
    """A report of two groups, and later of the end of both: from each record the group of it (RFC 3810 §5.2)."""
    with sender_and_listener(case) as (first, second, source):
        second.listen(GROUP, ANOTHER)
        for group in (GROUP, ANOTHER):
            expect_one(case, first, source, second, "both in one report", group)
        second.listen(GROUP, ANOTHER, kind=INCLUDE)
        for group in (GROUP, ANOTHER):
            expect_none(case, first, first.datagram(source, group), second, "both left")


#: Multicast Address Records (RFC 3810 §5.2.12) by which a 6LN listens, at least to one source: type, auxiliary data in
#: words, number of sources.
RECORDS = {
    "to include a source": (INCLUDE, 0, 1),
    "to exclude none, with auxiliary data": (EXCLUDE, 2, 0),
    "to exclude two": (EXCLUDE, 0, 2),
    "now includes a source": (1, 0, 1),
    "now excludes none": (2, 0, 0),
    "one source more": (5, 1, 1),
    "to exclude none": (EXCLUDE, 0, 0),
}


@requirement("RFC7668-3.2.5-02")
def test_records_of_each_kind(case: Case):
    """A report whose records have sources and auxiliary data: each is read where it begins (RFC 3810 §5.2): advice.

    Who includes a source listens to what that one sends (§5.2.12), and "MUST ignore" auxiliary data (§5.2.11). RFC 7668
    has listeners register, and does not say by which protocol, or that sources count.
    """
    with sender_and_listener(case) as (first, second, source), advice(case):
        groups = {GROUP[:15] + bytes([0xD0 + n]): record for n, record in enumerate(RECORDS)}
        records = []
        for group, record in groups.items():
            kind, words, count = RECORDS[record]
            sources = b"".join((source if kind in {INCLUDE, 1, 5} else ANOTHER_SOURCE) for _ in range(count))
            records.append(bytes([kind, words, 0, count]) + group + sources + bytes(4 * words))
        second.report(*records)
        for group, record in groups.items():
            expect_one(case, first, source, second, record, group)


@requirement("RFC7668-3.2.5-02")
def test_reported_by_mldv1(case: Case):
    """An MLDv1 Report: a router of MLDv2 "MUST" understand it (RFC 3810 §8.3.2), but no text asks for MLDv2: advice."""
    with sender_and_listener(case) as (first, second, source), advice(case):
        second.report_once(GROUP)
        expect_one(case, first, source, second, "reported by MLDv1")


@requirement("RFC7668-3.2.5-02", UNASKED)
def test_reported_again(case: Case):
    """A listener reports several times, as RFC 3810 §6.1 has it, and leaves once: nothing is forwarded to it then."""
    with sender_and_listener(case) as (first, second, source):
        for _ in range(3):
            second.listen(GROUP, kind=EXCLUDE)
        expect_one(case, first, source, second, "reported three times")
        second.listen(GROUP, kind=INCLUDE)
        expect_none(case, first, first.datagram(source, GROUP), second, "left once")


@requirement("RFC7668-3.2.5-02", UNASKED)
def test_one_of_two_listeners_leaves(case: Case):
    """Two 6LNs listen, and one leaves the group: the other goes on to get what is for it."""
    with sender_and_listener(case) as (first, second, source), one_more(case, _DEVICE) as third:
        second.listen(GROUP)
        third.listen(GROUP)
        third.listen(GROUP, kind=INCLUDE)
        packet = first.datagram(source, GROUP)
        expect_one(case, first, source, second, "another one left")
        expect_none(case, first, packet, third, "it left")


@requirement("RFC7668-3.2.5-02", UNASKED)
def test_listener_comes_back(case: Case):
    """A listener ends its connection, and comes back without a report: its link is a new one, and has none: advice."""
    with sender_and_listener(case) as (first, _, source):
        with one_more(case, _DEVICE) as third:
            third.listen(GROUP)
            expect_one(case, first, source, third, "it listens")
        with one_more(case, _DEVICE) as back, advice(case):
            expect_none(case, first, first.datagram(source, GROUP), back, "back, without a report")


@requirement("RFC7668-3.2.1-03")
def test_hop_limit_of_multicast(case: Case):
    """What is forwarded has one less of its hop limit, and nothing goes on whose hop limit becomes 0 (RFC 8200 §3)."""
    with sender_and_listener(case) as (first, second, source):
        second.listen(GROUP)
        for hop_limit in (64, 2):
            found = arrives(first, first.datagram(source, GROUP, hop_limit=hop_limit), second)
            got = found[0][7] if found is not None else None
            case.expect(got == hop_limit - 1, "hop_limit", f"hop limit {hop_limit - 1}", str(got))
        packet = first.datagram(source, GROUP, hop_limit=1)
        expect_none(case, first, packet, second, "a hop limit of 1", "RFC7668-3.2.1-03")


@requirement("RFC7668-3.2.1-01")
def test_interface_local(case: Case):
    """ "Interface-Local scope spans only a single interface" (RFC 4291 §2.7): such a packet leaves no link."""
    group = b"\xff\x11" + GROUP[2:]
    with sender_and_listener(case) as (first, second, source):
        second.listen(group)
        expect_none(case, first, first.datagram(source, group), second, "ff11::/16", "RFC7668-3.2.1-01")


@requirement("RFC7668-3.2.5-01")
def test_not_back_to_its_sender(case: Case):
    """A 6LN sends to a group that it listens to: the packet goes to the others. No text says so: advice."""
    with sender_and_listener(case) as (first, second, source):
        first.listen(GROUP)
        second.listen(GROUP)
        packet = first.datagram(source, GROUP)
        found = arrives(first, packet, second)
        case.expect(found is not None, "listener_lost", "the packet, to the other one", "nothing")
        back = [seen for seen in first.tester.heard if (first.read(seen) or b"")[40:] == packet[40:]]
        with advice(case):
            case.expect(not back, "unasked", "nothing back to its sender", "its own packet")
