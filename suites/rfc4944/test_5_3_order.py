"""RFC 4944 §5.3, the order of fragments: any order, duplicates, and what else comes in between.

A link-layer that retransmits may swap and double frames. Each fragment says its own place by datagram_offset, and
one that "differs in" neither size nor offset from another is no overlap. Every packet is compared octet by octet.
"""

from collections.abc import Iterator
from itertools import permutations

import pytest

from fixtures.case import Case, Make
from fixtures.marks import on_link, requirement
from fixtures.stimuli import link_info, raw, stimulus
from fixtures.sweep import understood_all
from rigs.tester import Stimulus
from suites.adversary import FULL, balanced, patched, pieces, the_rest

pytestmark = on_link("ieee802154")


def in_order(case: Case, order: tuple[int, ...], size: int = 200, step: int = 64) -> Make:
    """A stimulus of one fragmented echo whose fragments come in this order (an index may come twice)."""

    def make() -> Stimulus:
        packet, parts = pieces(case, size, step)
        return raw(case, [parts[i] for i in order], packet, f"fragments in the order {order}")

    return make


@requirement("RFC4944-5.3-19", "RFC4944-5.3-16", "RFC4944-5.3-07", "RFC4944-5.3-17")
def test_every_order_of_four(case: Case):
    """All 24 orders of four fragments: one finding for each that is not put together."""
    understood_all(
        case, ((f"order-{''.join(map(str, o))}", in_order(case, o)) for o in permutations(range(4)))
    )


@requirement("RFC4944-5.3-19", "RFC4944-5.3-16")
@pytest.mark.parametrize("shuffle", range(3), ids=lambda n: f"shuffle{n}")
def test_random_order_of_many(case: Case, shuffle: int):
    """A packet that fills the MTU in 16 fragments or more, in an order that the seed chooses."""
    del shuffle

    def make() -> Stimulus:
        packet, parts = pieces(case, FULL, 80)
        case.tester.random.shuffle(parts)
        return raw(case, parts, packet, "all fragments of a full-size echo, shuffled")

    case.understood(make)


@requirement("RFC4944-5.3-19")
def test_reversed_full_size(case: Case):
    """A packet that fills the MTU, its last fragment first and its first last."""

    def make() -> Stimulus:
        packet, parts = pieces(case, FULL, 96)
        return raw(case, parts[::-1], packet, "all fragments of a full-size echo, from the last to the first")

    case.understood(make)


@requirement("RFC4944-5.3-24")
def test_duplicates_everywhere(case: Case):
    """An exact duplicate of any fragment at any later place spoils nothing: 9 places, and every fragment twice."""

    def makes() -> Iterator[tuple[str, Make]]:
        for which in range(3):
            for behind in range(which, 3):
                order = [0, 1, 2, 3]
                order.insert(behind + 1, which)
                yield f"duplicate-{which}-after-{behind}", in_order(case, tuple(order))
        yield "all-twice", in_order(case, (0, 0, 1, 1, 2, 2, 3))
        yield "thrice", in_order(case, (0, 1, 1, 1, 2, 3))
        yield "run-twice", in_order(case, (0, 1, 2, 0, 1, 2, 3))

    understood_all(case, makes())


@requirement("RFC4944-5.3-24", "RFC4944-5.3-20")
@pytest.mark.parametrize("which", [1, 2], ids=["second", "third"])
def test_late_duplicates(case: Case, which: int):
    """A duplicate that comes when the datagram is complete is no datagram, and the next one is not disturbed."""

    def make() -> Stimulus:
        packet, parts = pieces(case, 200)
        return raw(
            case, [*parts, parts[which], parts[0], parts[-1]], packet, "duplicates behind the last fragment"
        )

    for _ in range(4):
        case.understood(make)
        case.outwait_fragments()  # a late FRAG1 looks like a new datagram's, and a place is held for that by right
    case.understood(lambda: stimulus(case, case.tester.echo(300)))


@requirement("RFC4944-5.3-24")
@pytest.mark.parametrize("which", [1, 2, 3], ids=["second", "third", "last"])
def test_duplicate_with_other_octets(case: Case, which: int):
    """Same size and offset, other octets: no text says which counts, but never a mixture of the two."""
    packet, parts = pieces(case, 200, data=balanced(case, 200))
    changed = parts[which][:5] + bytes(octet ^ 0xFF for octet in parts[which][5:])
    place = parts[which][4] * 8
    other = packet[:place] + changed[5:] + packet[place + len(changed) - 5 :]
    sent = [*parts[:which], changed, *parts[which:]]
    observation = case.survives(lambda: raw(case, sent, packet, "a duplicate with other octets"))
    for got in patched(case, observation, packet, other):
        case.finding(
            "mixed_octets", "the octets of one of the two duplicates", got, frame=observation.frames[which]
        )


@requirement("RFC4944-5.3-18", "RFC4944-5.3-05")
@pytest.mark.parametrize("gap", [1, 2, 3], ids=["after-frag1", "after-second", "before-last"])
@pytest.mark.parametrize("count", [1, 5], ids=["one", "five"])
def test_small_packets_in_the_gap(case: Case, gap: int, count: int):
    """Unfragmented echoes in a gap of a fragmented one: all are understood (§5.3 forbids none of it)."""
    tester = case.tester
    case.room_for(200)
    packet, parts = pieces(case, 200)
    tester.send(parts[:gap], link_info(case, packet))
    for _ in range(count):
        case.understood(lambda: stimulus(case, tester.echo(8)))
    case.understood(the_rest(case, packet, parts, gap))


@requirement("RFC4944-5.3-05", "RFC4944-5.3-08", "RFC4944-5.3-10")
@pytest.mark.parametrize("size", [8, 40, 56], ids=str)
def test_datagram_in_one_fragment(case: Case, size: int):
    """A whole datagram in one FRAG1: needless (a sender "should not", §5.3), complete all the same."""

    def make() -> Stimulus:
        made = stimulus(case, case.tester.echo(size))
        assert made.packet is not None
        tag = case.tester.next_tag()
        header = (0xC000 | len(made.packet)).to_bytes(2) + tag.to_bytes(2)
        made.payloads = [header + made.payloads[0]]
        return made

    case.understood(make)
