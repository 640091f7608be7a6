"""What error paths keep: room for reassembly that is never given back, and octets of an earlier packet.

The recipe: a full-size echo; a shape that ought to be refused, 1, 2, 4, ... 64 times, each with a fresh tag; a small
echo (the control behind it), a full-size echo, which may fail while the shape is held by right; and one at the
first try when every timer has run out. One malformed frame shows nothing; one more than there are slots does.
"""

import pytest

from fixtures.case import Case
from fixtures.marks import on_link, requirement
from fixtures.stimuli import link_info, raw, stimulus
from fixtures.sweep import understood_all
from rigs.tester import Stimulus
from sixlowpan import fragment, fragment_header_1, fragment_header_n
from suites.adversary import FULL, head, outcome, piece, pieces, recovers

pytestmark = on_link("ieee802154")

COUNTS = (1, 2, 4, 8, 16, 64)
#: Patterns that add nothing to the Internet checksum (`suites.adversary.balanced`): it holds with A in a hole of B.
A, B = bytes.fromhex("4141bebe") * 50, bytes.fromhex("4242bdbd") * 50


def shape(case: Case, name: str) -> Stimulus:
    """One instance of a shape, with a fresh tag."""
    packet, parts = pieces(case, 200)
    size, tag = head(parts[0])
    message = case.tester.echo()[40:]
    sent = {
        "frag1-only": parts[:1],
        "no-frag1": parts[1:],
        "hole": [parts[0], parts[2], parts[3]],
        "overlap": [*parts[:2], piece(parts[0], parts[1][4] + 1, bytes(64)), parts[3]],
        "frag1-twice": [parts[0], fragment_header_1(size, tag) + parts[0][4:-8]],
        "beyond": [parts[0], piece(parts[0], 255, bytes(96))],
        "too-long": [*parts[:3], parts[3] + bytes(40)],
        "size-0": [fragment_header_1(0, tag) + parts[0][4:]],
        "size-of-a-header": [fragment_header_1(40, tag) + bytes.fromhex("7a333a") + message],
        "undecodable": [fragment_header_1(size, tag) + bytes.fromhex("7a34 3a") + message, *parts[1:]],
        "nalp": [fragment_header_1(size, tag) + b"\x00" + parts[0][4:], *parts[1:]],
        "late-duplicate": [*parts, parts[2]],
        "empty": [fragment_header_1(size, tag), fragment_header_n(size, tag, 1)],
    }[name]
    return Stimulus(sent, None, link_info(case, packet), name)


SHAPES = ["frag1-only", "no-frag1", "hole", "overlap", "frag1-twice", "beyond", "too-long", "size-0"]
SHAPES += ["size-of-a-header", "undecodable", "nalp", "late-duplicate", "empty"]


@requirement("RFC4944-5.3-28", "RFC4944-5.3-20", "RFC4944-5.3-05")
@pytest.mark.parametrize("name", SHAPES)
def test_room_is_given_back(case: Case, name: str):
    """The shape in growing numbers; a full-size echo behind each number, at once or when every timer has run out."""
    case.ready_for(FULL)
    for count in COUNTS:
        outcome(case, [shape(case, name) for _ in range(count)])
        recovers(case)


@requirement("RFC4944-5.3-20", "RFC4944-5.3-19")
@pytest.mark.parametrize("missing", [1, 2, 3], ids=["second", "third", "last"])
def test_no_octets_of_another_packet(case: Case, missing: int):
    """A packet full of pattern A, then one of pattern B with a hole: nothing comes of it, and never A in the hole."""
    tester = case.tester
    for _ in range(4):
        case.understood(lambda: stimulus(case, tester.echo(data=A)))
    observation = case.silent(lambda: _with_hole(case, missing), code="hole")
    for got in [*observation.tapped, *(seen.packet for seen in observation.others)]:
        case.expect(A[:8] not in got, "leak", "no octets of an earlier packet", got.hex(" "))


def _with_hole(case: Case, missing: int) -> Stimulus:
    packet = case.tester.echo(data=B)
    parts = fragment(
        packet, link_info(case, packet), case.tester.contexts, mtu=69, tag=case.tester.next_tag()
    )
    del parts[missing]
    return raw(case, parts, note="pattern B with a hole")


@requirement("RFC4944-5.3-20", "RFC4944-5.3-24")
def test_no_early_completion(case: Case):
    """As many octets as datagram_size says, but not all of them: what is not covered is never filled in."""
    tester = case.tester
    for _ in range(2):
        case.understood(lambda: stimulus(case, tester.echo(data=A)))
    for extra in (1, 2):

        def make(extra: int = extra) -> Stimulus:
            made = _with_hole(case, 3)
            made.payloads = [*made.payloads, made.payloads[extra], made.payloads[extra]]
            return made

        case.silent(make, code="hole")


@requirement("RFC4944-4-01", "RFC4944-4-02")
def test_small_after_large(case: Case):
    """A field complaint, "dead after a large ping": small, five large, five small echoes, every one answered."""
    for size in (16, *[1000] * 5, *[16] * 5, FULL, 16):
        case.understood(lambda size=size: stimulus(case, case.tester.echo(size)))


@requirement("RFC4944-5.3-05", "RFC4944-5.3-13")
def test_a_hundred_in_a_row(case: Case):
    """A hundred fragmented echoes, one behind the other without a gap: each is understood."""
    understood_all(case, ((f"echo-{n}", lambda: stimulus(case, case.tester.echo(300))) for n in range(100)))
