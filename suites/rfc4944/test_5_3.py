"""RFC 4944 §5.3, fragmentation type and header: "If an entire payload datagram fits within a single ... frame"."""

from itertools import pairwise

import pytest

from fixtures.api import (
    Case,
    Stimulus,
    advice,
    balanced,
    behind,
    from_two,
    link_info,
    nothing_of,
    on_link,
    pieces,
    raw,
    recovers,
    requirement,
    silent_each_time,
    stimulus,
    the_rest,
    well_answered,
)
from sixlowpan import fragment_header_1, fragment_header_n

pytestmark = on_link("ieee802154")

#: Echo data sizes on either side of every boundary where one more fragment, or one more octet in it, begins.
BOUNDARIES = [
    0,
    1,
    47,
    48,
    55,
    56,
    63,
    64,
    65,
    72,
    79,
    80,
    81,
    87,
    88,
    89,
    90,
    91,
    92,
    93,
    94,
    95,
    96,
    97,
    100,
    111,
    112,
    113,
    160,
    207,
]
BOUNDARIES += [208, 209, 300, 303, 304, 305, 464, 511, 512, 513, 800, 976, 1023, 1024, 1025, 1231, 1232]


@requirement(
    "RFC4944-5.3-05",
    "RFC4944-5.3-07",
    "RFC4944-5.3-17",
    "RFC4944-5.1-15",
    "RFC4944-5.1-17",
    "RFC4944-4-02",
    "RFC4944-5.3-02",
    "RFC4944-4-03",
    "RFC4944-4-01",
    "RFC4944-5.3-10",
    "RFC4944-5.3-08",
)
@pytest.mark.parametrize("size", BOUNDARIES, ids=str)
def test_echo_of_every_size(case: Case, size: int):
    """An echo of this size is understood and answered, octet for octet, however many fragments it takes."""
    if case.understood(lambda: stimulus(case, case.tester.echo(size))) is not None:
        well_answered(case, lambda: case.tester.echo(size), requirement="RFC4944-5.3-08")


@requirement("RFC4944-5.1-05", "RFC4944-5.3-05", "RFC4944-5-04")
@pytest.mark.parametrize("size", [80, 300, 1232], ids=str)
def test_uncompressed_in_fragments(case: Case, size: int):
    """FRAG1 carrying 0x41 and the whole IPv6 header: "fragmentation header, IPv6 dispatch, IPv6 header" (§5)."""
    case.understood(lambda: stimulus(case, case.tester.echo(size), dispatch=0x41))


@requirement("RFC4944-5.1-15", "RFC4944-5.1-17", "RFC4944-5.3-05")
def test_nothing_beside_its_two_patterns(case: Case):
    """§5.1: what differs in one bit from FRAG1 (11000xxx) or FRAGN (11100xxx) is no fragment of a datagram."""
    stimuli = []
    for first, others in (
        (0x08, 0),
        (0x10, 0),
        (0x18, 0),
        (0, 0x08),
        (0, 0x10),
        (0, 0x18),
        (8, 8),
        (0x10, 0x10),
    ):
        packet, parts = pieces(case, 200)
        masks = [first, *[others] * (len(parts) - 1)]
        sent = [bytes([part[0] | mask]) + part[1:] for part, mask in zip(parts, masks, strict=True)]
        note = f"fragments of {sent[0][0]:02x} and {sent[1][0]:02x}"
        stimuli.append(Stimulus(sent, None, link_info(case, packet), note))
    nothing_of(case, stimuli)
    recovers(case)


ORDERS = {
    "last-two-swapped": [0, 1, 3, 2],
    "middle-swapped": [0, 2, 1, 3],
    "reversed": [3, 2, 1, 0],
    "first-last": [1, 2, 3, 0],
    "first-second": [1, 0, 2, 3],
}


@requirement("RFC4944-5.3-19")
@pytest.mark.parametrize("order", ORDERS)
def test_order_of_arrival(case: Case, order: str):
    """Four fragments in another order: each is placed by its datagram_offset (§5.3)."""

    def make() -> Stimulus:
        packet, parts = pieces(case, 200)
        return raw(case, [parts[i] for i in ORDERS[order]], packet)

    case.understood(make)


@requirement("RFC4944-5.3-24")
@pytest.mark.parametrize("which", [0, 1, 2, 3], ids=["frag1", "second", "third", "last"])
def test_exact_duplicate(case: Case, which: int):
    """A fragment that comes twice, same size and offset, "differs in" neither and spoils nothing (§5.3)."""

    def make() -> Stimulus:
        packet, parts = pieces(case, 200)
        parts.insert(which + 1, parts[which])
        return raw(case, parts, packet)

    case.understood(make)


@requirement("RFC4944-5.3-18")
@pytest.mark.parametrize("key", ["tag", "size"])
def test_key_of_four(case: Case, key: str):
    """Fragments of two datagrams that differ in tag or size alone are never put together (§5.3)."""

    def make() -> Stimulus:
        tester = case.tester
        packet, parts = pieces(case, 200)
        size, tag = int.from_bytes(parts[0][:2]) & 0x7FF, int.from_bytes(parts[0][2:4])
        other = fragment_header_n(size, tester.next_tag(), parts[-1][4])
        if key == "size":
            other = fragment_header_n(size + 8, tag, parts[-1][4])
        return Stimulus([*parts[:-1], other + parts[-1][5:]], None, link_info(case, packet))

    case.silent(make)


@requirement("RFC4944-5.3-18")
def test_two_senders_with_one_tag(case: Case):
    """The link-layer source is part of the key: half a datagram from each of two senders is no datagram."""
    case.several_senders()
    tester = case.tester
    me = tester.identity
    other = tester.info(tester.fresh().link)
    tester.identity = me
    nothing_of(case, list(from_two(case, tester.info(), other, "the last fragment from another sender")))


@requirement("RFC4944-5.3-19", "RFC4944-5.3-20")
@pytest.mark.parametrize("missing", [0, 1, 2, 3], ids=["frag1", "second", "third", "last"])
def test_hole(case: Case, missing: int):
    """A datagram that lacks one fragment is never delivered, and does not stop the next one."""

    def make() -> Stimulus:
        packet, parts = pieces(case, 200, data=balanced(case, 200))
        del parts[missing]
        return Stimulus(parts, None, link_info(case, packet), f"fragment {missing + 1} of 4 is not sent")

    def left() -> None:
        case.tester.send(make())
        if case.rig.profile.parameters.reassembly_slots == 1:
            case.outwait_fragments()  # its only place is taken, by right; a longer timer is waited for on silence
        case.tester.fresh()

    case.silent(make)
    case.understood(behind(left, lambda: stimulus(case, case.tester.echo(300))))


@requirement("RFC4944-5.3-21")
def test_overlap_discards(case: Case):
    """A fragment that overlaps another and differs in size or offset discards what was accumulated (§5.3).

    The overlapping octets are equal, so that RFC 8930 §7 would take them: a breach is advice.
    """

    def make() -> Stimulus:
        packet, parts = pieces(case, 200)
        size, tag = int.from_bytes(parts[0][:2]) & 0x7FF, int.from_bytes(parts[0][2:4])
        offset = parts[1][4]
        overlap = fragment_header_n(size, tag, offset + 1) + packet[(offset + 1) * 8 : (offset + 1) * 8 + 32]
        return Stimulus(
            [*parts[:2], overlap, *parts[2:]], None, link_info(case, packet), "overlap after fragment 2"
        )

    with advice(case):
        silent_each_time(case, make)


@requirement("RFC4944-5.3-20", "RFC4944-5.3-05")
@pytest.mark.parametrize("shape", ["beyond", "far-beyond", "long-last", "last-moved", "last-moved-far"])
def test_beyond_the_size(case: Case, shape: str):
    """A fragment that reaches beyond datagram_size never becomes part of a packet, and does no harm."""

    def make() -> Stimulus:
        packet, parts = pieces(case, 200, data=balanced(case, 200))
        size, tag = int.from_bytes(parts[0][:2]) & 0x7FF, int.from_bytes(parts[0][2:4])
        wrong = {
            "beyond": fragment_header_n(size, tag, size // 8) + bytes(16),
            "far-beyond": fragment_header_n(size, tag, 255) + bytes(32),
            "long-last": parts[-1] + bytes(16),
            # the very octets that are missing, elsewhere: a node that only counts octets has a good packet
            "last-moved": fragment_header_n(size, tag, -(-size // 8)) + parts[-1][5:],
            "last-moved-far": fragment_header_n(size, tag, 255) + parts[-1][5:],
        }[shape]
        return Stimulus([*parts[:-1], wrong], None, link_info(case, packet), shape)

    case.silent(make)


@requirement("RFC4944-5.3-20", "RFC4944-5.3-05")
@pytest.mark.parametrize("size", [0, 1, 8, 39, 40], ids=str)
def test_tiny_datagram_size(case: Case, size: int):
    """datagram_size smaller than what FRAG1 holds: nothing can come of it, and the node lives on."""

    def make() -> Stimulus:
        inner = stimulus(case, case.tester.echo()).payloads[0]
        return raw(
            case, [fragment_header_1(size, case.tester.next_tag()) + inner], note=f"datagram_size {size}"
        )

    case.silent(make)


@requirement("RFC4944-5.3-18", "RFC4944-5.3-05")
def test_small_packet_in_between(case: Case):
    """An unfragmented echo in the middle of a fragmented one: both are understood (§5.3 forbids neither)."""
    tester = case.tester
    case.room_for(200)
    packet, parts = pieces(case, 200)
    info = link_info(case, packet)
    tester.send(parts[:2], info)
    case.understood(lambda: stimulus(case, tester.echo(8)))
    case.understood(the_rest(case, packet, parts, 2))


@requirement(
    "RFC4944-5.3-03", "RFC4944-5.3-02", "RFC4944-5.3-04", "RFC4944-5.3-06", "RFC4944-5.3-09", "RFC4944-5.3-10"
)
@pytest.mark.parametrize("size", [200, 301, 1232], ids=str)
def test_fragments_that_it_sends(case: Case, size: int):
    """The DUT's fragments: FRAG1 then FRAGN, one size (payload length + 40), offsets in order, lengths of 8n."""
    seen = well_answered(case, lambda: case.tester.echo(size))
    if seen is None:
        return
    sizes = {int.from_bytes(p[:2]) & 0x7FF for p in seen.behind_mesh}
    case.expect(
        sizes == {len(seen.packet)},
        "datagram_size",
        f"datagram_size {len(seen.packet)} in every fragment",
        f"{sorted(sizes)}",
        requirement="RFC4944-5.3-10",
        frame=seen,
    )


@requirement("RFC4944-5.3-13", "RFC4944-5.3-12", "RFC4944-5.3-14")
def test_tags_that_it_sends(case: Case):
    """ "The sender SHALL increment datagram_tag for successive, fragmented datagrams" (§5.3; the step is not said)."""
    tags = []
    for _ in range(3):
        case.answered(lambda: stimulus(case, case.tester.echo(8)))  # what is not fragmented has none
        seen = case.answered(lambda: stimulus(case, case.tester.echo(300)))
        if seen is None:
            return
        own = {int.from_bytes(p[2:4]) for p in seen.behind_mesh}
        case.expect(
            len(own) == 1,
            "tag_differs",
            "one tag in all fragments of a datagram",
            str(sorted(own)),
            requirement="RFC4944-5.3-12",
            frame=seen.frames[-1],
        )
        tags.append(own.pop())
    steps = [(b - a) & 0xFFFF for a, b in pairwise(tags)]
    case.expect(
        all(0 < step < 0x8000 for step in steps), "tag_not_incremented", "tags that increase", f"tags {tags}"
    )


@requirement("RFC4944-5.3-01")
def test_no_fragment_header_without_need(case: Case):
    """ "If an entire payload ... fits within a single frame ... no fragmentation header" (§5.3)."""
    seen = case.answered(lambda: stimulus(case, case.tester.echo(8)))
    if seen is not None:
        first = seen.behind_mesh[0][0]
        case.expect(
            first & 0xD8 != 0xC0,
            "needless_fragment",
            "no fragment header",
            f"0x{first:02x}",
            frame=seen,
        )


@requirement("RFC4944-5.3-11")
@pytest.mark.parametrize("size", [1281, 2047], ids=str)
def test_larger_than_the_mtu(case: Case, size: int):
    """datagram_size can say up to 2047; what a receiver does above 1280 is not stated: it lives on."""
    case.survives(
        lambda: raw(
            case, [fragment_header_1(size, case.tester.next_tag()) + bytes.fromhex("7a333a") + bytes(61)]
        )
    )
