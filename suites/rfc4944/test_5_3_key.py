"""RFC 4944 §5.3, which fragments belong together: source, destination, datagram_size and datagram_tag."""

from collections.abc import Iterator
from itertools import permutations

import pytest

from fixtures.api import (
    IN_LINE,
    READINGS,
    Case,
    Identity,
    Stimulus,
    advice,
    balanced,
    from_two,
    head,
    link_info,
    loses_nothing,
    needs,
    nothing_of,
    on_link,
    outcome,
    pieces,
    raw,
    recovers,
    requirement,
)
from sixlowpan import fragment, fragment_header_n
from suites.rfc4944.test_5_3_overlap import overlap

pytestmark = on_link("ieee802154")


@requirement("RFC4944-5.3-15", "RFC4944-5.3-14", "RFC4944-5.3-05")
@pytest.mark.parametrize("tag", [0, 1, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF], ids="{:04x}".format)
def test_any_tag(case: Case, tag: int):
    """The initial tag "is not defined" (§5.3): every value serves."""
    packet, parts = pieces(case, 200, tag=tag)
    made = raw(case, parts, packet, f"datagram_tag {tag:04x}")
    case.understood(lambda: made)  # tried again it is the same datagram: another one would need another tag


@requirement("RFC4944-5.3-14", "RFC4944-5.3-18")
def test_tag_wraps(case: Case):
    """Successive datagrams with tags 65534, 65535, 0, 1: "shall ... wrap from 65535 back to 0", all understood."""
    for tag in (0xFFFE, 0xFFFF, 0, 1):
        packet, parts = pieces(case, 200, tag=tag)
        made = raw(case, parts, packet, f"datagram_tag {tag:04x}")
        case.understood(lambda made=made: made)


@requirement("RFC4944-5.3-18", "RFC4944-5.3-24")
def test_tag_used_again(case: Case):
    """The tag of a datagram that is complete, at once for another of the same size: that it is taken is advice.

    A sender "SHALL increment datagram_tag for successive, fragmented datagrams" (§5.3), so that no receiver has to
    expect it; one that remembers what it completed, lest a late duplicate open it again, takes it for such.
    """
    loses_nothing(case)
    tag = case.tester.next_tag()
    for _ in range(4):
        packet, parts = pieces(case, 200, tag=tag)
        made = raw(case, parts, packet, "a tag that was just used")
        with advice(case):
            case.understood(lambda made=made: made)
        if case.unanswered and not case.result.findings:
            case.unsupported(
                "an attempt was lost, and its remaining fragments have the same key as the next datagram",
                "not_on_this_rig",
            )


@requirement("RFC4944-5.3-18")
def test_tag_used_again_after_a_hole(case: Case):
    """The tag of a datagram that was never completed, for one of another size: no old octets get into that."""
    if case.rig.profile.parameters.reassembly_slots == 1:
        case.unsupported(
            "the DUT can hold one incomplete datagram, and may keep the one that was begun first",
            "not_declared",
        )
    loses_nothing(case)
    tags: list[int] = []

    def make() -> Stimulus:
        if tags:  # tried again: a hole of its own, where those of before hold no room any more
            case.outwait_all()
        packet, parts = pieces(case, 200)
        tags.append(head(parts[0])[1])
        case.tester.send(parts[:-1], link_info(case, packet))
        other, fresh = pieces(case, 240, tag=tags[-1])
        return raw(case, fresh, other, "the tag of a datagram with a hole")

    case.understood(make)


@requirement("RFC4944-5.3-18")
def test_every_bit_of_the_tag(case: Case):
    """The last fragment with a tag that differs in one bit, for each of its 16 bits: no datagram is complete."""
    stimuli = []
    for bit in range(16):
        packet, parts = pieces(
            case, 200 + 8 * bit
        )  # a size of its own: no tag can hit another of these datagrams
        last = parts[-1]
        other = (int.from_bytes(last[2:4]) ^ 1 << bit).to_bytes(2)
        sent = [*parts[:-1], last[:2] + other + last[4:]]
        stimuli.append(Stimulus(sent, None, link_info(case, packet), f"tag differs in bit {bit}"))
    packet, parts = pieces(case, 360)
    size, tag = head(parts[-1])
    other = fragment_header_n(size + 8, tag - 8 & 0xFFFF, parts[-1][4]) + parts[-1][5:]
    note = "the last says 8 octets more, and a tag that is 8 less"
    stimuli.append(Stimulus([*parts[:-1], other], None, link_info(case, packet), note))
    packet, parts = pieces(case, 368)
    size, tag = head(parts[-1])
    # the same sum and parity of both octets, as with addresses below: no hash tells them apart
    other = fragment_header_n(size, tag ^ 0x0101, parts[-1][4]) + parts[-1][5:]
    note = "tag differs in the lowest bit of both octets"
    stimuli.append(Stimulus([*parts[:-1], other], None, link_info(case, packet), note))
    nothing_of(case, stimuli, code="mixed_tags")
    recovers(case)


@requirement("RFC4944-5.3-18")
def test_every_octet_of_the_source(case: Case):
    """Half a datagram from each of two senders whose addresses differ in one octet: no datagram is complete."""
    case.several_senders()
    tester = case.tester
    me = tester.identity.link
    stimuli: list[Stimulus] = []
    for at in range(8):
        other = me[:at] + bytes([me[at] ^ 0x10]) + me[at + 1 :]
        note = f"the last fragment from another, octet {at} of the source differs"
        readings = READINGS if at in {0, 7} else (IN_LINE,)
        stimuli += from_two(case, tester.info(me), tester.info(other), note, readings)
    one = tester.fresh().link
    if one[-1] == one[-2]:
        one = tester.fresh().link
    # the same sum and parity: no hash of the octets tells them apart
    other = one[:-2] + bytes([one[-1], one[-2]])
    note = "the last fragment from another, two octets of the source change places"
    stimuli += from_two(case, tester.info(one), tester.info(other), note)
    nothing_of(case, stimuli, code="mixed_senders")
    recovers(case)


@requirement("RFC4944-5.3-18", "RFC4944-3-01")
def test_short_sources(case: Case):
    """Short addresses that differ in one octet or in their order, or are part of an EUI-64: senders of their own."""
    case.several_senders()
    tester = case.tester
    me = tester.fresh()
    short = tester.fresh_short().link
    tester.identity = me  # a DUT that cannot speak to a short address answers the echo behind it all the same
    high, low = short
    others = {
        "another low octet": bytes([high, low ^ 0x10]),
        "another high octet": bytes([high ^ 0x10, low]),
        "its octets swapped": bytes([low & 0x7F, high]),
        "an EUI-64 that ends in it": me.link[:6] + short,
        "an EUI-64 that begins with it": short + me.link[2:],
        "an EUI-64 of zeros that ends in it": bytes(6) + short,
        "an EUI-64 of zeros that begins with it": short + bytes(6),
        "an EUI-64 with the same IID (RFC 6282 §3.2.2)": bytes.fromhex("020000fffe00") + short,
    }
    stimuli: list[Stimulus] = []
    for note, other in others.items():
        if other != short:
            said = f"the last fragment from {note}"
            stimuli += from_two(case, tester.info(short), tester.info(other), said)
    nothing_of(case, stimuli, code="mixed_senders")
    recovers(case)


@requirement("RFC4944-5.3-18", "RFC4944-5.3-09")
def test_every_bit_of_the_size(case: Case):
    """The second fragment with a datagram_size that differs in one bit, for each of its 11: no datagram is complete."""
    stimuli = []
    for bit in range(11):
        packet, parts = pieces(case, 195)  # 243 octets: three of the changes make as many units of 8 octets
        other = (int.from_bytes(parts[1][:2]) ^ 1 << bit).to_bytes(2)
        sent = [parts[0], other + parts[1][2:], *parts[2:]]
        stimuli.append(Stimulus(sent, None, link_info(case, packet), f"size differs in bit {bit}"))
    nothing_of(case, stimuli, code="mixed_sizes")
    recovers(case)


@requirement("RFC4944-5.3-18", "RFC4944-3-01")
def test_destination_is_in_the_key(case: Case):
    """A datagram begun to one address of the DUT and ended to another, or to the broadcast address."""
    tester, link = case.tester, case.rig.link
    addresses = {tester.dut_link, link.dut, link.dut_short or link.dut, b"\xff\xff"}
    stimuli: list[Stimulus] = []
    for begun, ended in permutations(sorted(addresses), 2):
        note = f"begun to {begun.hex()}, ended to {ended.hex()}"
        stimuli += from_two(case, tester.info(destination=begun), tester.info(destination=ended), note)
    nothing_of(case, stimuli, code="mixed_destinations")
    recovers(case)


def interleaved(case: Case, *datagrams: tuple[Identity, int, int], apart: float = 0.0) -> list[bytes]:
    """Fragmented echoes, each of (sender, tag, size), fragment by fragment; the packets that did not come out.

    `apart`: seconds for the answer to one, before the last fragment of all completes another.
    """
    tester = case.tester
    sent, fragments = [], []
    for who, tag, size in datagrams:
        with tester.acting_as(who):
            packet, parts = pieces(case, size, tag=tag, data=balanced(case, size))
            sent.append(packet)
            fragments.append([Stimulus([part], None, tester.info(), "interleaved") for part in parts])
    stimuli = [stimulus for one_of_each in zip(*fragments, strict=True) for stimulus in one_of_each]
    packets, answers = outcome(case, stimuli, apart=apart)
    right, came = sent, packets
    if not case.dut.has_tap:  # identifier, sequence number and data
        right, came = [packet[44:] for packet in sent], [seen.upper[4:] for seen in answers]
    for stranger in came:
        if stranger not in right:
            case.finding("mixed", "the two packets as they were sent", stranger.hex(" "))
    return [packet for packet, octets in zip(sent, right, strict=True) if octets not in came]


def tries(case: Case) -> Iterator[float]:
    """Once more where the DUT's room was perhaps taken, or frames were lost: of a dozen none may be lost.

    Yields the time for an answer between the ends of two: where answers are all that is seen of a DUT that asks for
    our address, one may wait meanwhile, the newest (RFC 4861 §7.2.2).
    """
    attempts = case.rig.file.attempts
    for again in range(2 if attempts == 1 else 3 * attempts):
        if again and (case.rig.profile.parameters.reassembly_slots or 1) > 1:
            case.outwait_all()
        yield case.settle if again and not case.dut.has_tap else 0.0


def missing(
    case: Case, one: Identity, two: Identity, sizes: tuple[int, int], *, one_tag: bool = False
) -> list[bytes]:
    """As `interleaved`, with fresh tags, and again where the DUT's room was perhaps taken, or frames were lost."""
    tester = case.tester
    lost: list[bytes] = []
    for apart in tries(case):
        tag = tester.next_tag()
        tags = tag, tag if one_tag else tester.next_tag()
        lost = interleaved(case, (one, tags[0], sizes[0]), (two, tags[1], sizes[1]), apart=apart)
        if not lost:
            break
    return lost


def has_room_for_two(case: Case, one: Identity, two: Identity) -> bool:
    """No text asks for two reassemblies at a time: a DUT that declares them must have them, another shows them."""
    if not missing(case, one, two, (200, 208)):
        return True
    slots = case.rig.profile.parameters.reassembly_slots or 1
    case.expect(
        slots < 2,
        "no_room_for_two",
        f"two datagrams at a time: the profile declares reassembly_slots = {slots}",
        "at least one of two interleaved datagrams was lost",
    )
    return False


@requirement("RFC4944-5.3-18")
def test_two_datagrams_of_one_sender(case: Case):
    """Two datagrams of one sender, fragment by fragment: both are complete, where the DUT has room for two."""
    me = case.tester.identity
    if not has_room_for_two(case, me, me) and not case.result.findings:
        case.unsupported(
            "the DUT does not declare room for two datagrams of one sender, and shows none", "not_observable"
        )


@requirement("RFC4944-5.3-18")
@pytest.mark.parametrize("count", [3, 4, 6], ids=["three", "four", "six"])
def test_many_datagrams_of_one_sender(case: Case, count: int):
    """More datagrams of one size than a DUT has to have room for, fragment by fragment: lost perhaps, never mixed."""
    me, tester = case.tester.identity, case.tester
    lost = interleaved(case, *((me, tester.next_tag(), 200) for _ in range(count)))
    if len(lost) == count and not case.result.findings:
        case.outwait_all()
        if interleaved(case, (me, tester.next_tag(), 200)):
            case.unsupported("a datagram that comes alone does not come out, either", "not_observable")


@requirement("RFC4944-5.3-18")
def test_two_senders_fully_interleaved(case: Case):
    """Two senders with one tag and one size, fragment by fragment: both packets, and never a mixture."""
    case.several_senders()
    tester = case.tester
    one, two = tester.fresh(), tester.fresh()
    room = has_room_for_two(case, one, two)
    lost = missing(case, one, two, (200, 200), one_tag=True)
    if room and lost:
        case.finding(
            "lost", "both packets: the DUT has room for two", f"{len(lost)} of the two did not come out"
        )
    elif not room and not case.result.findings:
        case.unsupported(
            "the DUT does not declare room for two datagrams, and shows none; nothing was mixed",
            "not_observable",
        )


@needs("ip_tap")
@requirement("RFC4944-5.3-18", "RFC6282-2-04")
def test_header_fields_of_two_senders(case: Case):
    """Interleaved, with other traffic classes, flow labels and hop limits: neither packet has any of the other's."""
    case.several_senders()
    tester = case.tester
    both = tester.fresh(), tester.fresh()
    if not has_room_for_two(case, *both):
        case.unsupported("the DUT does not declare room for two datagrams, and shows none", "not_observable")
    fields = ((0x48, 0x12345, 77), (0xB4, 0xEDCBA, 33))
    for _ in tries(case):
        sent, fragments = [], []
        for who, (traffic_class, flow_label, hop_limit) in zip(both, fields, strict=True):
            with tester.acting_as(who):
                packet = tester.echo(
                    200, traffic_class=traffic_class, flow_label=flow_label, hop_limit=hop_limit
                )
                parts = fragment(packet, tester.info(), tester.contexts, mtu=64 + 5, tag=tester.next_tag())
                sent.append(packet)
                fragments.append([Stimulus([part], None, tester.info(), "interleaved") for part in parts])
        packets, _ = outcome(case, [each for pair in zip(*fragments, strict=True) for each in pair])
        came = {packet: [found for found in packets if found[40:] == packet[40:]] for packet in sent}
        for packet, other in (sent, sent[::-1]):
            for found in came[packet]:
                mixed = found[:4] == other[:4] or found[7] == other[7]
                case.expect(not mixed, "mixed", packet[:8].hex(), f"{found[:8].hex()}, of the other packet")
        if all(came.values()) or case.result.findings:
            return
    case.finding("lost", "both packets: the DUT has room for two", "one did not come out")


@requirement("RFC4944-5.3-18")
def test_same_tag_other_size(case: Case):
    """Two datagrams of one sender with one tag and two sizes: two keys, never put together."""
    me = case.tester.identity
    room = has_room_for_two(case, me, me)
    lost = missing(case, me, me, (200, 208), one_tag=True)
    if room and lost:
        case.finding(
            "lost", "both packets: the DUT has room for two", f"{len(lost)} of the two did not come out"
        )


@requirement("RFC4944-5.3-20", "RFC4944-5.3-28")
@pytest.mark.parametrize("senders", ["one", "many"])
def test_exhaustion(case: Case, senders: str):
    """More datagrams are begun than a node has room for: it lives on, and has room again after 60 s at the latest."""
    if senders == "many" and not case.rig.link.any_source:
        case.unsupported("the link has one sender only", "not_on_this_link")
    tester = case.tester
    stimuli = []
    for _ in range(40):
        if senders == "many":
            tester.fresh()
        _, parts = pieces(case, 200, data=balanced(case, 200))
        stimuli.append(Stimulus(parts[:-1], None, tester.info(), "a datagram that is never completed"))
    nothing_of(case, stimuli, code="hole", at_once=True)
    recovers(case)


@requirement("RFC4944-5.3-24", "RFC4944-5.3-28")
def test_late_duplicates_do_not_jam(case: Case):
    """Late duplicates of 40 complete datagrams: the DUT still has room, or has it after its timeout."""
    stimuli = []
    for _ in range(40):
        packet, parts = pieces(case, 200)
        stimuli.append(Stimulus([*parts, parts[1]], packet, link_info(case, packet), "with a late duplicate"))
    packets, _ = outcome(case, stimuli)
    sent = [stimulus.packet for stimulus in stimuli]
    for packet in packets:
        case.expect(packet in sent, "misread", "the packets as they were sent", packet.hex(" "))
    recovers(case)


@requirement("RFC4944-5.3-18", "RFC4944-5.3-21")
@pytest.mark.parametrize("gap", [1, 2], ids=["after-frag1", "after-second"])
def test_overlap_of_another_in_the_gap(case: Case, gap: int):
    """An overlap discards its own datagram only: one with another tag, begun before it, can still be completed."""
    me = case.tester.identity
    if not has_room_for_two(case, me, me):
        case.unsupported(
            "the DUT does not declare room for two datagrams of one sender, and shows none", "not_observable"
        )

    def make() -> Stimulus:
        packet, parts = pieces(case, 200)
        _, others, extra = overlap(case, "head", equal=False)
        sent = [*parts[:gap], *others[:2], extra, *parts[gap:]]
        return Stimulus(
            sent, packet, link_info(case, packet), "another datagram's fragments overlap in its midst"
        )

    case.understood(make)
