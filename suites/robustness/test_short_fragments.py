"""Shape S9, very short fragments of one datagram: what is kept of them is a list, and lists go round in circles.

A node that keeps intervals, or chains buffers, has most of its special cases where a fragment holds less than 8 octets.
So all lengths from 0 to 8 are tried, of FRAG1 and FRAGN together, two and three of one datagram_tag. No text lets any
datagram come of them: it says 248 octets. They leave many at a time with controls behind; where the DUT dies, the batch
is halved behind the recovery, and the finding names the frames that it takes (`fixtures.judging.culprit`).
"""

from collections.abc import Iterator
from itertools import product

import pytest

from fixtures.api import Case, Stimulus, nothing_of, on_link, recovers, requirement
from sixlowpan import fragment_header_1, fragment_header_n

pytestmark = on_link("ieee802154")

LENGTHS = range(9)
SIZE = 248
#: What the first octets of FRAG1 are: none of a known dispatch, an IPHC header that is cut, 0x41 and a part of IPv6.
CONTENTS = (bytes(8), bytes.fromhex("7a333a80 00000000"), bytes.fromhex("4160 0000 0000 3a40"))
#: A FRAGN is `n` and its datagram_offset; FRAG1 is `1`.
PAIRS = {
    "first-next": "1 n1",
    "next-first": "n1 1",
    "first-first": "1 1",
    "next-next": "n1 n2",
    "gap": "1 n3",
}
TRIPLES = {
    "first-next-gap": "1 n1 n3",
    "first-gap-next": "1 n3 n1",
    "next-first-gap": "n1 1 n3",
    "next-gap-first": "n1 n3 1",
    "first-first-next": "1 1 n1",
    "next-next-next": "n1 n2 n3",
}
#: Where there is more room for datagrams than for their octets, these jam a DUT until its timers run out.
JAMMING = {"next-first-gap", "next-gap-first", "next-next-next"}
SHAPES = [
    pytest.param(shape, marks=pytest.mark.slow) if shape in JAMMING else shape for shape in PAIRS | TRIPLES
]
#: With a place that is taken by right for some seconds, no more is tried than this, evenly spread.
FEW = 12


def fragments(case: Case, shape: str) -> Iterator[Stimulus]:
    """A datagram for every choice of lengths: octets behind the header of each fragment."""
    kinds = shape.split()
    for number, lengths in enumerate(product(LENGTHS, repeat=len(kinds))):
        tag, content = case.tester.next_tag(), CONTENTS[number % len(CONTENTS)]
        sent = [
            fragment_header_1(SIZE, tag) + content[:length]
            if kind == "1"
            else fragment_header_n(SIZE, tag, int(kind[1:])) + bytes(length)
            for kind, length in zip(kinds, lengths, strict=True)
        ]
        note = f"{shape} with {', '.join(map(str, lengths))} octets"
        yield Stimulus(sent, None, case.tester.info(), note)


@requirement("RFC4944-5.3-20", "RFC4944-5.3-05", "RFC4944-5.3-07", "RFC4944-5.3-28")
@pytest.mark.parametrize("shape", SHAPES)
def test_every_length(case: Case, shape: str):
    """Fragments of 0 to 8 octets, all combinations in this order: nothing comes of them, and the DUT lives on."""
    stimuli = list(fragments(case, (PAIRS | TRIPLES)[shape]))
    parameters = case.rig.profile.parameters
    if parameters.reassembly_slots == 1 and parameters.reassembly_timer:
        nothing_of(case, stimuli[:: len(stimuli) // FEW])  # one by one, each behind a wait
    nothing_of(case, stimuli, at_once=True)
    recovers(case)
