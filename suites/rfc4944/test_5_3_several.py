"""RFC 4944 §5.3, datagrams one behind the other and several at a time: what is kept of one is never another's.

"The recipient of link fragments SHALL use (1) the sender's 802.15.4 source address ..., (2) the destination's
802.15.4 address ..., (3) datagram_size, and (4) datagram_tag to identify all the link fragments that belong to a given
datagram."
"""

import pytest

from fixtures.api import (
    ALL_NODES,
    Case,
    Stimulus,
    behind,
    head,
    link_info,
    loses_nothing,
    needs,
    on_link,
    pieces,
    raw,
    requirement,
    stimulus,
)
from sixlowpan import fragment
from suites.rfc4944.test_5_3_key import has_room_for_two, interleaved, missing, tries
from suites.rfc4944.test_5_3_order import ordinary

pytestmark = on_link("ieee802154")

#: Octets of echo data in the datagram that was completed, and in one that differs from it.
SIZE = 200
SIZES = {"larger": SIZE + 8, "smaller": SIZE - 8}


def another(case: Case, which: str, tag: int) -> Stimulus:
    """A datagram with this tag that is another than one of `SIZE`, by its size, its destination or its source alone."""
    tester = case.tester
    if which == "source":
        tester.fresh()
    group = ALL_NODES if which == "destination" else None
    packet = tester.echo(SIZES.get(which, SIZE), destination=group)
    info = link_info(case, packet)
    parts = fragment(packet, info, tester.contexts, mtu=69, tag=tag)
    return Stimulus(parts, packet, info, f"the tag of the datagram before it, another {which}")


@requirement("RFC4944-5.3-18")
@pytest.mark.parametrize("which", [*SIZES, "destination", "source"])
def test_behind_a_complete_one(case: Case, which: str):
    """A datagram that shares all but one of the four with the one completed right before it: it is no copy of that."""
    loses_nothing(case)
    if which == "source":
        case.several_senders()
    if not case.takes(lambda: another(case, which, case.tester.next_tag())):
        case.unsupported("the DUT does not take such a datagram with a fresh tag, which other cases judge")

    def make() -> (
        Stimulus
    ):  # each try has one of its own in front: another datagram in between would hide the fault
        packet, parts = pieces(case, SIZE)
        whole = raw(case, parts, packet)
        case.takes(lambda: whole)
        return another(case, which, head(parts[0])[1])

    case.understood(make)


def room_for_two(case: Case) -> None:
    """Only on a DUT that has room for two datagrams of one sender."""
    if not has_room_for_two(case, case.tester.identity, case.tester.identity):
        case.unsupported("the DUT does not declare room for two datagrams, and shows none", "not_observable")


@requirement("RFC4944-5.3-18", "RFC4944-5.3-19")
@pytest.mark.parametrize("gap", [1, 3], ids=["after-frag1", "before-last"])
def test_whole_in_the_gap(case: Case, gap: int):
    """A datagram that is begun and completed between two fragments of an older one takes nothing of that with it."""
    room_for_two(case)

    def make() -> Stimulus:
        packet, parts = pieces(case, SIZE)
        other, others = pieces(case, SIZE + 8)
        ordinary(case, other)
        sent = [*parts[:gap], *others, *parts[gap:]]
        return raw(case, sent, packet, "fragments of an older datagram around a whole one")

    case.understood(make)


@requirement("RFC4944-5.3-20", "RFC4944-5.3-18")
@pytest.mark.parametrize("size", [60, 1000], ids=["small", "large"])
def test_two_at_a_time(case: Case, size: int):
    """Two small or two large datagrams fragment by fragment: one may find no room, but their octets are never mixed."""
    room_for_two(case)
    me = case.tester.identity
    if len(missing(case, me, me, (size, size))) == 2 and not case.result.findings:
        case.unsupported("neither of two datagrams of this size comes out", "not_observable")


@requirement("RFC4944-5.3-14", "RFC4944-5.3-18")
def test_wrap_in_the_gap(case: Case):
    """The datagram with tag 0 begins between two fragments of the one with tag 65535: both are complete (§5.3)."""
    room_for_two(case)
    me = case.tester.identity
    lost: list[bytes] = []
    for apart in tries(case):
        lost = interleaved(case, (me, 0xFFFF, SIZE), (me, 0, SIZE + 8), apart=apart)
        if not lost or case.result.findings:
            return
    case.finding("lost", "both: tags wrap from 65535 to 0", f"{len(lost)} of the two did not come out")


@requirement("RFC6282-3.1.1-18", "RFC4944-5.3-18")
def test_another_sender_in_the_gap(case: Case):
    """A packet of another sender, its source elided, between two fragments: that is made from its own frame."""
    case.several_senders()
    tester = case.tester
    one, two = tester.fresh(), tester.fresh()

    def begun() -> None:
        with tester.acting_as(one):
            packet, parts = pieces(case, SIZE)
            tester.send(parts[:2], link_info(case, packet))

    tester.identity = two
    case.understood(behind(begun, lambda: stimulus(case, tester.echo())))


@needs("address")
@requirement("RFC4944-4-02", "RFC4944-5.3-18")
def test_to_an_address_that_it_was_given(case: Case):
    """A fragmented datagram to another IPv6 address of the DUT: the key has link-layer addresses only (§5.3)."""
    own = bytes.fromhex("fe80 000000000000 0123456789abcdef")
    case.give_address(own)
    case.understood(lambda: stimulus(case, case.tester.echo(SIZE, destination=own)))
