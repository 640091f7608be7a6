"""RFC 4944 §5.3, the order of fragments: any order, duplicates, and what else comes in between.

A link-layer that retransmits may swap and double frames. Each fragment says its own place by datagram_offset, and
one that "differs in" neither size nor offset from another is no overlap. Every packet is compared octet by octet.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, pairwise, permutations

import pytest

from fixtures.api import (
    FULL,
    Case,
    Make,
    Stimulus,
    balanced,
    behind,
    interrupted,
    link_info,
    loses_nothing,
    on_link,
    outcome,
    patched,
    pause,
    piece,
    pieces,
    raw,
    requirement,
    stimulus,
    the_rest,
    understood_all,
)
from sixlowpan import encode, fragment_header_1, fragment_header_n, mac, mesh_header
from sixlowpan.addresses import ALL_NODES
from suites.rfc4944.test_3 import frame
from suites.rfc4944.test_5_3_key import has_room_for_two
from suites.rfc4944.test_5_3_timer import LIMIT

pytestmark = on_link("ieee802154")

#: Seconds that a frame of 40 octets takes, with its acknowledgement, at the 250 kbit/s of IEEE 802.15.4.
ON_AIR = 0.0026


def in_order(case: Case, order: tuple[int, ...], size: int = 200, step: int = 64) -> Make:
    """A stimulus of one fragmented echo whose fragments come in this order (an index may come twice)."""

    def make() -> Stimulus:
        packet, parts = pieces(case, size, step)
        return raw(case, [parts[i] for i in order], packet, f"fragments in the order {order}")

    return make


def last_first(case: Case, size: int) -> Stimulus:
    """One fragmented echo whose last fragment comes before all others."""
    packet, parts = pieces(case, size)
    return raw(
        case, [parts[-1], *parts[:-1]], packet, f"a last fragment of {len(parts[-1]) - 5} octets first"
    )


@requirement("RFC4944-5.3-19", "RFC4944-5.3-16", "RFC4944-5.3-07", "RFC4944-5.3-17")
def test_every_order_of_four(case: Case):
    """All 24 orders of four fragments, and a last one of 1 to 8 octets in front: a finding for each not put together.

    The DUT has run for more than a minute: one that never sets when a datagram began counts from when it started.
    """
    if case.rig.link.clock == "virtual":
        pause(case, LIMIT)
    orders = ((f"order-{''.join(map(str, o))}", in_order(case, o)) for o in permutations(range(4)))
    short = (("order-3012", partial(last_first, case, 176 + octets)) for octets in range(1, 9))
    understood_all(case, chain(orders, short))


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


#: Octets of a datagram in one fragment where "only 81 octets [are] available" (§4), less the fragmentation header.
LEAST = 72


@requirement("RFC4944-5.3-19", "RFC4944-4-03", "RFC4944-4-01", "RFC4944-5.3-16")
@pytest.mark.parametrize("last", [LEAST, 8, 1], ids="last-of-{}".format)
def test_full_size_in_secured_frames(case: Case, last: int):
    """The MTU in 18 fragments and more, as few as link-layer security leaves room for (§4), the last short or long."""
    if not case.takes(lambda: stimulus(case, case.tester.echo(FULL))):
        case.unsupported("the DUT takes no datagram of 1280 octets: 2/mtu has it", "not_observable")

    def make() -> Stimulus:
        packet, parts = pieces(case, FULL if last > 1 else FULL - 7, LEAST)
        size, begin = len(packet), 8 * parts[1][4]
        end = (size - min(last, LEAST)) // 8 * 8
        cuts = [*range(begin, end, LEAST), end, size]
        sent = [parts[0], *(piece(parts[0], a // 8, packet[a:b]) for a, b in pairwise(cuts))]
        return raw(case, sent, packet, f"{len(sent)} fragments, the last of {size - end} octets")

    case.understood(make)


@requirement("RFC4944-5.3-24")
def test_duplicates_everywhere(case: Case):
    """An exact duplicate of any fragment at any later place spoils nothing: 9 places, and every fragment twice."""

    def makes() -> Iterator[tuple[str, Make]]:
        for which in range(3):
            for at in range(which, 3):
                order = [0, 1, 2, 3]
                order.insert(at + 1, which)
                yield f"duplicate-{which}-after-{at}", in_order(case, tuple(order))
        yield "all-twice", in_order(case, (0, 0, 1, 1, 2, 2, 3))
        yield "thrice", in_order(case, (0, 1, 1, 1, 2, 3))
        yield "run-twice", in_order(case, (0, 1, 2, 0, 1, 2, 3))

    understood_all(case, makes())


@requirement("RFC4944-5.3-24", "RFC4944-5.3-19")
def test_duplicates_out_of_order(case: Case):
    """Duplicates spoil nothing in another order either, if the DUT accepts that order."""
    orders = ((0, 1, 3, 3, 2), (0, 1, 3, 0, 2), (3, 0, 3, 1, 2), (3, 3, 2, 2, 1, 1, 0), (2, 0, 2, 0, 1, 3))
    taken = [order for order in orders if case.takes(in_order(case, tuple(dict.fromkeys(order))))]
    if not taken:
        case.unsupported("the DUT takes no fragments that are out of order, with or without duplicates")
    understood_all(case, ((f"order-{''.join(map(str, order))}", in_order(case, order)) for order in taken))


@requirement("RFC4944-5.3-24", "RFC4944-5.3-20")
@pytest.mark.parametrize("which", [1, 2, 3], ids=["second", "third", "last"])
def test_late_duplicates(case: Case, which: int):
    """A duplicate that comes when the datagram is complete is no datagram, and the next one is not disturbed."""

    def make() -> Stimulus:
        packet, parts = pieces(case, 200)
        return raw(
            case, [*parts, parts[which], parts[0], parts[-1]], packet, "duplicates behind the last fragment"
        )

    def duplicates() -> None:
        case.understood(make)
        case.outwait_fragments()  # a late FRAG1 looks like a new datagram's, and a place is held for that by right

    for _ in range(3):
        duplicates()
    case.understood(behind(duplicates, lambda: stimulus(case, case.tester.echo(300))))


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


def cut(case: Case, first: int, step: int) -> Stimulus:
    """An echo whose FRAG1 stands for `first` octets, with fragments of `step` octets and one of 1 behind it."""
    packet = case.tester.echo(first - 48 + 3 * step + 1)
    payload = encode(packet, case.tester.info(), case.tester.contexts)
    header = payload[: len(payload) - (len(packet) - first)]  # what it stands for in octets, and no more
    sent = [fragment_header_1(len(packet), case.tester.next_tag()) + header]
    sent += [piece(sent[0], at // 8, packet[at : at + step]) for at in range(first, len(packet), step)]
    return raw(case, sent, packet, f"{first} octets in FRAG1, fragments of {step} behind it")


@requirement("RFC4944-5.3-19", "RFC4944-5.3-03", "RFC4944-5.3-07", "RFC4944-5.3-20")
def test_fragments_of_every_length(case: Case):
    """Fragments of 8, 16, 24 ... octets, as many as a frame holds, and a last one of 1: all lengths serve."""
    room = case.tester.air.room(case.tester.info()) - 5
    makes = ((f"fragments-of-{step}", partial(cut, case, 48, step)) for step in range(8, room + 1, 8))
    understood_all(case, makes)


@requirement("RFC4944-5.3-19", "RFC4944-5.3-03", "RFC4944-5.3-16")
@pytest.mark.parametrize("count", [40, 140], ids=["more-than-32", "more-than-128"])
def test_many_small_fragments(case: Case, count: int):
    """A datagram in many fragments of 8 octets: no text sets a least length, or a largest number, of fragments."""
    loses_nothing(case)

    def make() -> Stimulus:
        packet, parts = pieces(case, 8 * count, 48)
        begin = 8 * parts[1][4]
        behind = [piece(parts[0], at // 8, packet[at : at + 8]) for at in range(begin, len(packet), 8)]
        return raw(case, [parts[0], *behind], packet, f"{1 + len(behind)} fragments of 8 octets")

    def paced() -> Stimulus:
        made = make()
        for part in made.payloads[:-1]:
            case.tester.send([part], made.info)
            pause(case, ON_AIR)
        return replace(made, payloads=made.payloads[-1:])

    with case.aside() as found:
        case.understood(make)
    if found:  # a DUT may lose what comes faster than any radio carries it
        case.understood(paced)


@requirement("RFC4944-5.3-05", "RFC4944-5.3-03", "RFC6282-2-04", "RFC6282-2-06", "RFC4944-5.3-19")
def test_headers_alone_in_the_first_fragment(case: Case):
    """FRAG1 with the compressed header and no octet behind it: 40 octets of the datagram, "multiples of eight"."""
    case.understood(lambda: cut(case, 40, 16))


@requirement("RFC4944-3-01", "RFC4944-5.3-18", "RFC4944-5.3-05", "RFC4944-5.3-07", "RFC4944-5.3-19")
@pytest.mark.parametrize("destination", ["extended", "short", "broadcast"], ids="to-{}".format)
@pytest.mark.parametrize("source", ["extended", "short"], ids="from-{}".format)
def test_fragments_between_addresses(case: Case, source: str, destination: str):
    """Fragments between addresses of either kind, and multicast in fragments (§3: 64-bit and 16-bit are supported)."""
    tester, link = case.tester, case.rig.link
    if source == "short":
        case.short_sender()
    to = {"extended": link.dut, "short": link.dut_short, "broadcast": b"\xff\xff"}[destination]
    if not to:
        case.unsupported("the DUT has no short address", "not_declared")

    def make(size: int) -> Stimulus:
        group = ALL_NODES if destination == "broadcast" else None
        return stimulus(case, tester.echo(size, destination=group), info=tester.info(destination=to))

    packets, answers = outcome(case, [make(8)])
    if not packets and not answers:
        case.unsupported(
            "an unfragmented echo between such addresses is not answered, which other cases judge"
        )
    case.understood(lambda: make(300))


@requirement("RFC4944-5.3-18", "RFC4944-5.3-05")
@pytest.mark.parametrize("gap", [1, 2, 3], ids=["after-frag1", "after-second", "before-last"])
@pytest.mark.parametrize("count", [1, 5], ids=["one", "five"])
def test_small_packets_in_the_gap(case: Case, gap: int, count: int):
    """Unfragmented echoes between the fragments of another one: all are understood (§5.3 forbids none of it)."""
    tester = case.tester
    case.room_for(200)
    packet, parts = pieces(case, 200)
    tester.send(parts[:gap], link_info(case, packet))
    for _ in range(count):
        case.understood(lambda: stimulus(case, tester.echo(8)))
    case.understood(the_rest(case, packet, parts, gap))


@requirement("RFC4944-5.3-05", "RFC4944-5.3-08", "RFC4944-5.3-10", "RFC4944-5.3-20", "RFC6282-2-04")
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


def ordinary(case: Case, *echoes: bytes) -> None:
    """Echo Requests that are not what a case is about, nor are the answers to them."""
    case.tester.ordinary |= set(echoes)
    case.tester.control_ids |= {echo[44:48] for echo in echoes}


def strange_frames(case: Case) -> dict[str, tuple[bytes, dict[str, object]]]:
    """What may come between two fragments and has nothing to do with them: payload, and fields of its MAC header."""
    tester, link = case.tester, case.rig.link
    me = tester.identity.link
    unicast, group = tester.echo(), tester.echo(destination=ALL_NODES)
    ordinary(case, unicast, group)
    echo, multicast = stimulus(case, unicast).payloads[0], stimulus(case, group).payloads[0]
    size, tag = 200, tester.next_tag()
    stranger = bytes([*link.dut[:-1], link.dut[-1] ^ 0x55])
    return {
        "uncompressed": (b"\x41" + unicast, {}),
        "multicast": (multicast, {"dst": b"\xff\xff"}),
        "nalp": (b"\x00" + echo, {}),
        "reserved": (b"\x44" + echo, {}),
        "empty": (b"", {}),
        "undecodable": (bytes.fromhex("7a34 3a") + bytes(8), {}),
        "fragment-cut": (fragment_header_1(size, tag)[:3], {}),
        "fragment-beyond": (fragment_header_n(size, tag, 255) + bytes(16), {}),
        "fragment-above-the-mtu": (fragment_header_1(1400, tag) + bytes.fromhex("7a333a") + bytes(56), {}),
        "mesh-for-another": (mesh_header(me, stranger, 1) + echo, {}),
        "for-another": (echo, {"dst": stranger}),
        "another-pan": (echo, {"dst_pan": bytes([link.pan[0] ^ 0x55, link.pan[1]])}),
        "beacon": (echo, {"type": mac.BEACON}),
        "command": (echo, {"type": mac.COMMAND}),
    }


STRANGE = ["uncompressed", "multicast", "nalp", "reserved", "empty", "undecodable", "fragment-cut"]
STRANGE += [
    "fragment-beyond",
    "fragment-above-the-mtu",
    "mesh-for-another",
    "for-another",
    "another-pan",
    "beacon",
    "command",
]


@requirement("RFC4944-5.3-19", "RFC4944-5.3-18", "RFC4944-5.3-28", "RFC4944-5.3-20")
@pytest.mark.parametrize("name", STRANGE)
def test_strange_frames_in_the_gap(case: Case, name: str):
    """A frame that has nothing to do with a datagram, in its midst: time and overlaps alone discard it (§5.3)."""
    slots, me = case.rig.profile.parameters.reassembly_slots, case.tester.identity
    if name.startswith("fragment-") and (
        slots == 1 or (slots is None and not has_room_for_two(case, me, me))
    ):
        case.unsupported(
            "the DUT can hold one incomplete datagram, and a later one may take its place", "not_declared"
        )

    def make() -> Stimulus:
        packet, parts = pieces(case, 200)
        strange, fields = strange_frames(case)[name]
        made = raw(case, parts, packet, f"{name} between the second and the third")
        return interrupted(case, made, 2, frame(case, strange, **fields))

    case.understood(make)


@requirement("RFC4944-5.3-18", "RFC4944-5.3-19")
@pytest.mark.parametrize("size", [8, 200], ids=["small", "fragmented"])
def test_another_sender_in_the_gap(case: Case, size: int):
    """A whole echo of another sender in the midst of a datagram, and the answer to it: no fragment is lost by it."""
    case.several_senders()
    tester = case.tester
    if size > 8 and (case.rig.profile.parameters.reassembly_slots or 1) < 2:
        case.unsupported("the DUT does not declare room for two datagrams", "not_declared")
    me, other = tester.identity, tester.fresh()
    case.understood(lambda: stimulus(case, tester.echo(8)))  # so that the answer need not wait for an address
    tester.identity = me

    def make() -> Stimulus:
        packet, parts = pieces(case, 200)
        with tester.acting_as(other):
            whole, fragments = pieces(case, size)
            ordinary(case, whole)
            between = [frame(case, part) for part in fragments]
        made = raw(case, parts, packet, "another sender's echo in the midst")
        return interrupted(case, made, 2, *between)

    case.understood(make)


@requirement("RFC4944-5.3-19", "RFC4944-5.3-18")
def test_an_unknown_sender_in_the_gap(case: Case):
    """A small echo of a sender whose address the DUT must ask for first: its own solicitation costs no fragment."""
    case.several_senders()
    tester = case.tester
    me = tester.identity

    def make() -> Stimulus:
        other, tester.identity = tester.fresh(), me  # tried again it is another one
        packet, parts = pieces(case, 200)
        with tester.acting_as(other):
            small = tester.echo(8)
            ordinary(case, small)
            between = frame(case, stimulus(case, small).payloads[0])
        return interrupted(
            case, raw(case, parts, packet, "an unknown sender's echo in the midst"), 2, between
        )

    case.understood(make)
