"""RFC 4944 §5.3, fragments that contradict each other: overlaps, holes, and fragments beyond the datagram.

"If a link fragment that overlaps another fragment is received ... and differs in either the size or datagram_offset
of the overlapped fragment, the fragment(s) already accumulated in the reassembly buffer SHALL be discarded." Where
the overlapping octets are equal RFC 8930 §7 takes them ("acceptable as long as they contain the same payload"): such a
breach is advice. Where they differ both texts discard the datagram: octets of both must never end up in one packet, and
the packet as it was sent does not come out either, for what is left behind the discarded fragments is not whole ("A
fresh reassembly may be commenced with the most recently received link fragment"). What was never sent must never be
delivered.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from fixtures.api import (
    FULL,
    Case,
    Stimulus,
    advice,
    balanced,
    behind,
    forerunner,
    head,
    link_info,
    nothing_of,
    of_two_sizes,
    on_link,
    patched,
    piece,
    pieces,
    raw,
    recovers,
    requirement,
    shortened,
    silent_each_time,
    stimulus,
)
from sixlowpan import fragment

pytestmark = on_link("ieee802154")

#: Offset in units of 8 octets, and length, of a fragment that overlaps those of `pieces` (at 0, 8, 16 and 24 or so).
KINDS = {
    "head": (1, 64),  # begins 8 octets behind the second fragment's begin
    "tail": (-1, 64),  # ends inside it
    "inside": (2, 16),
    "around": (-1, 88),
    "longer": (0, 72),
    "shorter": (0, 32),
    "two": (4, 64),  # covers parts of the second and of the third
    "both": (0, 80),  # covers the second and the third, and nothing else
    "first": (
        -1,
        8,
    ),  # the last octets of the first one's packet, far behind the end of its compressed octets
}
#: Octets of a fragment where others than 64 are needed: what covers two must fit one frame.
PIECES = {"both": 40}


def overlap(case: Case, kind: str, *, equal: bool) -> tuple[bytes, list[bytes], bytes]:
    """(packet, its fragments, one more that overlaps the second and perhaps the third, or only the first)."""
    packet, parts = pieces(case, 200, PIECES.get(kind, 64), data=balanced(case, 200))
    shift, length = KINDS[kind]
    offset = parts[1][4] + shift
    octets = packet[offset * 8 : offset * 8 + length]
    if not equal:  # in data that is balanced these are, too
        octets = bytes(octet ^ 0xFF for octet in octets)
    return packet, parts, piece(parts[1], offset, octets)


@requirement("RFC4944-5.3-21", "RFC4944-5.3-23", "RFC4944-5.3-22")
@pytest.mark.parametrize("kind", KINDS)
def test_equal_octets(case: Case, kind: str):
    """An overlap whose octets are the same discards what was accumulated, so that nothing is delivered: advice."""

    def make() -> Stimulus:
        packet, parts, extra = overlap(case, kind, equal=True)
        return Stimulus([*parts[:3], extra, *parts[3:]], None, link_info(case, packet), f"overlap: {kind}")

    with advice(case):
        silent_each_time(case, make)


@requirement("RFC4944-5.3-21", "RFC4944-5.3-23", "RFC4944-5.3-22")
@pytest.mark.parametrize("which", ["first", "last", "half"])
def test_equal_octets_of_another_length(case: Case, which: str):
    """A second FRAG1, a second last fragment, or one that half of was there, of another length: advice, as above."""

    def make() -> Stimulus:
        packet, parts = pieces(case, 200, 64, data=balanced(case, 200))
        first, second, third, last = parts
        if which == "first":
            sent = [first, pieces_again(case, packet, first), second, third, last]
        elif which == "last":  # from 8 octets before its begin, before those come
            begin = last[4] - 1
            sent = [first, second, last, piece(second, begin, packet[begin * 8 :]), third]
        else:
            sent = [first, piece(second, second[4], second[5:][:32]), second, third, last]
        return Stimulus(sent, None, link_info(case, packet), f"another length: {which}")

    with advice(case):
        silent_each_time(case, make)


def by_one_unit(case: Case, side: str, *, equal: bool) -> Stimulus:
    """A datagram whose third fragment begins in the second, or whose second, which comes last, ends in the third."""
    packet, parts = pieces(case, 200, data=balanced(case, 200))
    at, end = parts[2][4] * 8, parts[3][4] * 8
    order: list[bytes | tuple[int, bytes]]
    if side == "in-the-one-before":
        octets, shared = packet[at - 8 : end], slice(0, 8)
        order = [parts[0], parts[1], (at // 8 - 1, octets), parts[3]]
    else:
        octets, shared = packet[parts[1][4] * 8 : at + 8], slice(-8, None)
        order = [parts[0], parts[2], (parts[1][4], octets), parts[3]]
    if not equal:
        changed = bytearray(octets)
        changed[shared] = bytes(octet ^ 0xFF for octet in octets[shared])
        octets = bytes(changed)
    sent = [piece(parts[1], entry[0], octets) if isinstance(entry, tuple) else entry for entry in order]
    return Stimulus(sent, packet, link_info(case, packet), f"8 octets of a fragment are {side} as well")


def contradicted(case: Case, make: Callable[[], Stimulus], at: int) -> None:
    """Nothing comes of fragments of which one contradicts another with other octets; `at`: its place.

    What is patched from both is a breach whenever it comes. The packet as it was sent is right where the medium lost
    that fragment: on one that loses frames it is a breach only as often as it is tried.
    """
    for _ in range(case.rig.file.attempts):
        observation = case.survives(make)
        frame = observation.frames[at]
        for got in patched(case, observation, observation.stimulus.packet or b""):
            case.finding(
                "patched", "nothing: it is discarded", f"a packet with octets of both: {got}", frame=frame
            )
            return
        if not observation.tapped and not observation.others:
            return
    case.finding(
        "accepted", "nothing: what was accumulated is discarded", "the packet as it was sent", frame=frame
    )


SIDES = pytest.mark.parametrize("side", ["in-the-one-before", "in-the-one-behind"])


@requirement("RFC4944-5.3-21", "RFC4944-5.3-23", "RFC4944-5.3-22")
@SIDES
def test_equal_octets_in_one_unit(case: Case, side: str):
    """Two fragments share eight octets, which are equal: §5.3 has the datagram discarded: advice."""

    def make() -> Stimulus:
        made = by_one_unit(case, side, equal=True)
        made.packet = None
        return made

    with advice(case):
        silent_each_time(case, make)


@requirement("RFC4944-5.3-21", "RFC4944-5.3-23")
@SIDES
def test_other_octets_in_one_unit(case: Case, side: str):
    """Two fragments share eight octets, which differ: what was accumulated is discarded, and nothing comes out."""
    contradicted(case, lambda: by_one_unit(case, side, equal=False), 2)


@requirement("RFC4944-5.3-21", "RFC4944-5.3-23")
@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_other_octets(case: Case, kind: str, place: str):
    """An overlap with other octets discards what was accumulated: no packet patched from both, nor that as sent."""

    def make() -> Stimulus:
        packet, parts, extra = overlap(case, kind, equal=False)
        sent = [*parts[:3], extra, *parts[3:]] if place == "after" else [parts[0], extra, *parts[1:]]
        return raw(case, sent, packet, f"overlap with other octets: {kind}")

    contradicted(case, make, 3 if place == "after" else 1)


@requirement("RFC4944-5.3-21", "RFC4944-5.3-23")
def test_two_first_fragments(case: Case):
    """A second FRAG1 that stands for another number of octets overlaps the first: nothing patched comes out."""
    packet, parts = pieces(case, 200, 64, data=balanced(case, 200))
    again = pieces_again(case, packet, parts[0])
    made = raw(case, [parts[0], again, *parts[1:]], packet, "FRAG1 twice")
    observation = case.survives(lambda: replace(made, before=forerunner(case, made)))
    for got in patched(case, observation, packet):
        case.finding("patched", "the packet as sent, or none", got, frame=observation.frames[1])


def pieces_again(case: Case, packet: bytes, first: bytes) -> bytes:
    """A FRAG1 of the same datagram that stands for more of it."""
    return fragment(packet, link_info(case, packet), case.tester.contexts, mtu=93, tag=head(first)[1])[0]


@requirement("RFC4944-5.3-18", "RFC4944-5.3-21", "RFC4944-5.3-22")
def test_afresh_after_an_overlap(case: Case):
    """After an overlap the same datagram, sent again whole with another tag, is understood.

    "A fresh reassembly may be commenced with the most recently received link fragment" (§5.3), and takes a place.
    """

    def overlapping() -> None:
        packet, parts, extra = overlap(case, "head", equal=False)
        case.tester.send([*parts[:2], extra], link_info(case, packet))

    case.understood(behind(overlapping, lambda: stimulus(case, case.tester.echo(200))))


@requirement("RFC4944-5.3-19", "RFC4944-5.3-20")
def test_every_hole(case: Case):
    """A full-size echo of many fragments that lacks any one of them is never delivered."""
    stimuli = []
    _, sample = pieces(case, FULL, 96)
    for missing in range(len(sample)):
        packet, parts = pieces(case, FULL, 96, data=balanced(case, FULL))
        del parts[missing]
        stimuli.append(Stimulus(parts, None, link_info(case, packet), f"fragment {missing + 1} is not sent"))
    nothing_of(case, stimuli, code="hole")
    recovers(case)


@requirement("RFC4944-5.3-19", "RFC4944-5.3-20")
def test_smallest_hole(case: Case):
    """A datagram that lacks one unit of 8 octets, or a last fragment of 1 to 8 octets, is never delivered."""
    stimuli = []
    for missing in range(1, 5):
        packet, parts = pieces(case, 32, 8)
        del parts[missing]
        stimuli.append(Stimulus(parts, None, link_info(case, packet), f"8 octets of fragment {missing + 1}"))
    for last in range(1, 9):
        tries = (pieces(case, size) for size in range(176 + last, 240 + last, 8))
        # what the first fragment holds depends on how the DUT's address goes
        packet, parts = next((p, parts) for p, parts in tries if len(parts[-1]) == 5 + last)
        stimuli.append(Stimulus(parts[:-1], None, link_info(case, packet), f"the last {last} octets"))
    nothing_of(case, stimuli, code="hole")
    recovers(case)


@requirement("RFC4944-5.3-19", "RFC4944-5.3-24")
@pytest.mark.parametrize("times", [2, 4], ids=str)
def test_hole_made_up_by_duplicates(case: Case, times: int):
    """A hole, and as many octets again as duplicates: complete is what is covered, not what was counted."""
    stimuli = []
    for missing in range(4):
        packet, parts = pieces(case, 200, data=balanced(case, 200))
        twice = parts[(missing + 1) % 4]
        del parts[missing]
        stimuli.append(
            Stimulus([*parts, *[twice] * times], None, link_info(case, packet), f"{missing} missing")
        )
        packet, parts = pieces(case, 200, data=balanced(case, 200))
        twice = parts[(missing + 1) % 4]
        del parts[missing]
        note = f"{missing} missing, the duplicates in front"
        stimuli.append(Stimulus([*[twice] * times, *parts], None, link_info(case, packet), note))
    nothing_of(case, stimuli, code="hole")


@requirement("RFC4944-5.3-19", "RFC4944-5.3-24")
def test_hole_of_octets_that_are_there_already(case: Case):
    """One fragment is missing, and another with the same octets comes twice: nothing may come out."""
    packet = case.tester.echo(data=case.tester.pattern(8) * 25)
    info = link_info(case, packet)
    parts = fragment(packet, info, case.tester.contexts, mtu=64 + 5, tag=case.tester.next_tag())
    assert parts[1][5:] == parts[2][5:], "a wrong frame of ours"
    sent = [parts[0], parts[1], parts[1], *parts[3:]]
    case.silent(lambda: Stimulus(sent, None, info, "fragment 2 twice, fragment 3 not at all"), code="hole")


@requirement("RFC4944-5.3-19", "RFC4944-5.3-23")
def test_hole_made_up_over_a_first_fragment(case: Case):
    """A hole, and as many octets over the end of what the first fragment stands for: nothing may come out.

    Its header is compressed, so that it covers more octets of the datagram than its frame has (found by the hunter).
    """
    stimuli = []
    for place in (1, 2, 3):
        packet, parts = pieces(case, 200, data=balanced(case, 200))
        offset = parts[1][4] - 2
        octets = bytes(octet ^ 0xFF for octet in packet[offset * 8 : offset * 8 + 16])
        sent = [*parts[:2], parts[2][:-16], parts[3]]
        sent.insert(place, piece(parts[1], offset, octets))
        note = f"16 octets over the first fragment, in place {place + 1}; the third fragment is as many short"
        stimuli.append(Stimulus(sent, None, link_info(case, packet), note))
    nothing_of(case, stimuli, code="hole")


@requirement("RFC4944-5.3-20", "RFC4944-5.3-23", "RFC4944-5.3-19")
def test_beyond(case: Case):
    """Fragments at and beyond the end of the datagram, in the place of its last one: nothing comes of any."""
    stimuli = []
    for offset, length in [
        (31, 8),
        (31, 96),
        (32, 8),
        (64, 80),
        (255, 8),
        (255, 96),
        (30, 96),
        (0, 96),
        (0, 8),
    ]:
        packet, parts = pieces(case, 200, data=balanced(case, 200))
        wrong = piece(parts[1], offset, bytes(length))
        note = f"{length} octets at {offset * 8} of {len(packet)}"
        stimuli.append(Stimulus([*parts[:-1], wrong], None, link_info(case, packet), note))
    nothing_of(case, stimuli, code="beyond")
    recovers(case)


@requirement("RFC4944-5.3-20", "RFC4944-5.3-19")
def test_hole_made_up_beyond_the_end(case: Case):
    """A middle fragment stands at or beyond the end, and the last one in its place: octets are missing, nothing comes.

    The "datagram_offset field" determines "the location of the individual fragments" (§5.3): a node that joins them in
    the order of their offsets has as many octets as it needs, and a checksum that holds (found by the hunter on Linux).
    """
    stimuli = []
    for which in (1, 2):
        for offset, place in ((31, which), (136, which), (255, which), (31, 3), (255, 3)):
            packet, parts = pieces(case, 200, data=balanced(case, 200))
            moved = piece(parts[which], offset, parts.pop(which)[5:])
            sent = [*parts[:place], moved, *parts[place:]]
            note = f"fragment {which + 1} at octet {offset * 8} of {len(packet)}, sent in place {place + 1}"
            stimuli.append(Stimulus(sent, None, link_info(case, packet), note))
    nothing_of(case, stimuli, code="beyond")
    recovers(case)


@requirement("RFC4944-5.3-18", "RFC4944-5.3-09")
def test_size_mismatch(case: Case):
    """One fragment that says another datagram_size belongs to another datagram: whichever it is, none is complete."""
    stimuli = [
        made for which in range(4) for change in (-8, 8, 100) for made in of_two_sizes(case, which, change)
    ]
    stimuli += [shortened(case, by) for by in (8, 16)]
    nothing_of(case, stimuli, code="size_mismatch")
    recovers(case)


@requirement("RFC4944-5.3-03", "RFC4944-5.3-19")
def test_middle_fragment_of_odd_length(case: Case):
    """A middle fragment whose length is no multiple of eight (§5.3 forbids it to senders): no hole is delivered."""
    stimuli = []
    for cut in (1, 4, 7):
        data, (_, sample) = balanced(case, 200), pieces(case, 200)
        end = sample[1][4] * 8 + len(sample[1]) - 5 - 48  # of the second, whose last octets are zero
        packet, parts = pieces(case, 200, data=data[: end - 8] + bytes(8) + data[end:])
        parts[1] = parts[1][:-cut]
        stimuli.append(Stimulus(parts, None, link_info(case, packet), f"the second is {cut} octets short"))
    nothing_of(case, stimuli, code="hole")


@requirement("RFC4944-5.3-07", "RFC4944-5.3-20")
def test_empty_fragments(case: Case):
    """FRAGN without an octet behind its header, in the place of another: what it leaves open is never delivered."""
    stimuli = []
    for offset in (0, 1, 8, 255):
        packet, parts = pieces(case, 200, data=balanced(case, 200))
        empty = piece(parts[1], offset, b"")
        note = f"an empty FRAGN at {offset * 8} in the place of the third fragment"
        stimuli.append(Stimulus([*parts[:2], empty, parts[3]], None, link_info(case, packet), note))
    nothing_of(case, stimuli, code="hole")
    recovers(case)
