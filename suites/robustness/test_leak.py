"""What error paths keep: room for reassembly that is never given back, and octets of an earlier packet.

The recipe: a full-size echo; a shape that ought to be refused, 1, 2, 4, ... 64 times, each with a fresh tag; a small
echo (the control behind it), a full-size echo, which may fail while the shape is held by right; and one at the
first try when every timer has run out. One malformed frame shows nothing; one more than there are slots does.
"""

from dataclasses import replace

import pytest

from fixtures.api import (
    FULL,
    Case,
    Stimulus,
    about,
    forms,
    head,
    link_info,
    needs,
    on_link,
    outcome,
    piece,
    pieces,
    raw,
    recovers,
    requirement,
    stimulus,
    understood_all,
)
from sixlowpan import fragment, fragment_header_1, fragment_header_n, ipv6, mesh_header
from sixlowpan.addresses import ALL_NODES

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
    """Malformed fragments in growing numbers: a full-size echo is answered behind, at once or after the timers."""
    case.ready_for(FULL)
    for count in COUNTS:
        outcome(case, [shape(case, name) for _ in range(count)])
        recovers(case)


#: More than any DUT has places for reassembly.
MANY = 24


def refused(case: Case) -> dict[str, list[bytes]]:
    """Fragments that a receiver cannot make anything of, each with a fresh tag."""
    tester = case.tester
    packet, parts = pieces(case, 200)
    size, tag = head(parts[0])
    iphc = bytes.fromhex("7a333a") + packet[40 : 40 + 61]
    unknown = tester.contexts.table.index(None) if None in tester.contexts.table else 15
    first = {
        "iphc-cut": iphc[:1],
        "iphc-fields-cut": bytes.fromhex("7800 3a40 fe80"),
        "ipv6-cut": b"\x41" + packet[:30],
        "version-4": b"\x41\x45" + packet[1:64],
        "ipv6-of-another-size": b"\x41" + packet[:4] + b"\x00\x50" + packet[6:64],
        "hc1-cut": b"\x42",
        "esc": b"\x40\x7e" + iphc,
        "reserved": b"\x44" + iphc,
        "bc0": b"\x50\x01" + iphc,
        "page": b"\xff" + iphc,
        "mesh": mesh_header(tester.identity.link, tester.dut_link, 3) + iphc,
        "frag1": fragment_header_1(size, tag) + iphc,
        "fragn": fragment_header_n(size, tag, 8) + iphc,
        "unknown-nhc": bytes.fromhex("7e33 c0") + iphc[3:],
        "unknown-context": bytes([0x7A, 0xF3, unknown << 4, 0x3A]) + iphc[3:],
        "nothing-behind-nh": bytes.fromhex("7e33"),
        "udp-cut": bytes.fromhex("7e33 f0 1234"),
        "extension-cut": bytes.fromhex("7e33 e0 3a 20 0102"),
        "odd-length": iphc[:-3],
        "ghc-cut": bytes.fromhex("7e33 df 5f0102"),
    }
    others = {
        "offset-0": [piece(parts[0], 0, bytes(64))],
        "odd-fragn": [parts[0], piece(parts[0], parts[1][4], bytes(61))],
        "above-the-mtu": [fragment_header_1(1288, tag) + iphc, fragment_header_n(1288, tag, 160) + bytes(8)],
        "largest-size": [fragment_header_1(2047, tag) + iphc, fragment_header_n(2047, tag, 255) + bytes(7)],
    }
    others["elided-checksum"] = checksum_elided(case)
    return {name: [fragment_header_1(size, tag) + inner] for name, inner in first.items()} | others


def checksum_elided(case: Case) -> list[bytes]:
    """A whole datagram with C=1, which nothing authorises here: "MUST drop the packet" (RFC 6282 §4.3.2)."""
    packet = case.tester.datagram(200)
    info = replace(case.tester.info(), integrity=True)  # only so that the form may be built at all
    payload = min(forms(packet, info, case.tester.contexts, NH=1, C=1), key=len)
    return fragment(packet, info, case.tester.contexts, mtu=69, tag=case.tester.next_tag(), payload=payload)


REFUSED = [
    "iphc-cut",
    "iphc-fields-cut",
    "ipv6-cut",
    "ipv6-of-another-size",
    "hc1-cut",
    "esc",
    "reserved",
    "bc0",
]
REFUSED += [
    "page",
    "mesh",
    "frag1",
    "fragn",
    "unknown-nhc",
    "unknown-context",
    "nothing-behind-nh",
    "udp-cut",
]
REFUSED += ["extension-cut", "odd-length", "offset-0", "odd-fragn", "above-the-mtu", "largest-size"]
REFUSED += ["elided-checksum", "version-4", "ghc-cut"]


@requirement("RFC4944-5.3-28", "RFC4944-5.3-20", "RFC4944-5.3-05")
@pytest.mark.parametrize("name", REFUSED)
def test_refused_fragments_hold_no_room(case: Case, name: str):
    """Two dozen fragments that nothing can be made of; then a full-size echo, at once or when every timer is out.

    Then the same with a FRAGN of the same tag behind each: what is kept of a refused one by mistake is used for sure.
    """
    case.ready_for(FULL)
    outcome(case, [Stimulus(refused(case)[name], None, case.tester.info(), name) for _ in range(MANY)])
    recovers(case)
    outcome(case, [Stimulus(followed(case, name), None, case.tester.info(), name) for _ in range(MANY)])
    recovers(case)


def followed(case: Case, name: str) -> list[bytes]:
    """Fragments that are refused, and a middle and a last one with their tag."""
    first = refused(case)[name]
    size, tag = head(first[0])
    offsets = (8, max(8, (size - 8) // 8))
    return [*first, *(fragment_header_n(size, tag, at) + case.tester.pattern(8) for at in offsets)]


def whole_packet(case: Case, name: str) -> bytes:
    """A packet that needs fragments, and whose end is not an answer to it."""
    tester = case.tester
    source, destination, data = tester.identity.address, tester.dut_address, tester.pattern(200)
    stranger = destination[:-1] + bytes([destination[-1] ^ 0x55])
    if name in {"for-another", "to-a-group"}:
        return tester.echo(200, destination=stranger if name == "for-another" else ALL_NODES)
    if name == "bad-checksum":
        echo = tester.echo(200)
        return echo[:42] + bytes([echo[42] ^ 0x5A]) + echo[43:]
    protocol, upper = {
        "unknown-protocol": (253, data),
        "no-next-header": (59, data),
        "unknown-option": (60, bytes([ipv6.ICMPV6, 0, 0x5E, 4, 1, 2, 3, 4]) + tester.echo(200)[40:]),
        "closed-port": (ipv6.UDP, ipv6.udp(0x1234, 0x5678, data, source, destination)),
        "udp-length": (ipv6.UDP, ipv6.udp(0x1234, 0x5678, data, source, destination)[:4] + bytes(4) + data),
    }[name]
    return ipv6.build(source, destination, protocol, upper)


FATES = ["for-another", "to-a-group", "bad-checksum", "unknown-protocol", "no-next-header", "unknown-option"]
FATES += ["closed-port", "udp-length"]


@requirement("RFC4944-5.3-28", "RFC4944-5.3-20", "RFC4944-4-02")
@pytest.mark.parametrize("fate", FATES)
def test_whatever_becomes_of_the_packet(case: Case, fate: str):
    """Two dozen whole datagrams that the IPv6 layer throws away, answers or refuses: their room is free again."""
    case.ready_for(FULL)
    stimuli = []
    for _ in range(MANY):
        packet = whole_packet(case, fate)
        info = link_info(case, packet)
        made = stimulus(case, packet, info=info, note=fate, NH=0)  # no text wants NHC of all of these
        made.packet = None
        stimuli.append(made)
    for start in range(0, MANY, 2):  # few at a time: some are answered at length
        outcome(case, stimuli[start : start + 2])
    recovers(case)


@requirement("RFC4944-5.3-28", "RFC4944-5.3-20", "RFC4944-4-02")
@pytest.mark.parametrize("way", ["alone-in-frag1", pytest.param("behind-mesh", marks=about("mesh"))])
def test_whatever_way_they_come(case: Case, way: str):
    """Two dozen whole datagrams, each alone in its FRAG1, or behind mesh headers: their room is free again."""
    tester = case.tester
    case.ready_for(FULL)
    for _ in range(MANY // 2):
        stimuli = []
        for _ in range(2):
            packet, parts = pieces(case, 8 if way == "alone-in-frag1" else 200)
            if way == "alone-in-frag1":
                parts = [fragment_header_1(len(packet), tester.next_tag()) + parts[0]]
            else:
                parts = [mesh_header(tester.identity.link, tester.dut_link, 3) + part for part in parts]
            stimuli.append(Stimulus(parts, None, link_info(case, packet), way))
        outcome(case, stimuli)
    recovers(case)


@needs("udp")
@requirement("RFC4944-5.3-28", "RFC4944-5.3-20", "RFC4944-4-02")
def test_datagrams_that_are_taken(case: Case):
    """Two dozen whole datagrams for an open UDP port: each is handed on, and leaves its room."""
    case.ready_for(FULL)
    tester, port = case.tester, 0x5679
    case.rig.node.udp_open(port)
    for _ in range(MANY):
        source, destination = tester.identity.address, tester.dut_address
        upper = ipv6.udp(0x1234, port, tester.pattern(200), source, destination)
        tester.send_packet(ipv6.build(source, destination, ipv6.UDP, upper))
        case.rig.node.udp_receive(port, tester.now() + case.timeout)
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
