"""RFC 4944 §3 and §4: PANs, broadcast, prefixes from routers, and the room in a frame."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

import pytest

from fixtures.api import (
    ECHO_REPLY,
    FULL,
    NEIGHBOR_SOLICITATION,
    UNSPECIFIED,
    Case,
    Stimulus,
    advice,
    heeded,
    interrupted,
    link_info,
    nothing_of,
    on_link,
    outcome,
    requirement,
    router_advertisement,
    stimulus,
    whole,
)
from sixlowpan import fragment, mac
from sixlowpan.addresses import ALL_NODES
from suites.rfc4944.test_5_3_own import in_broadcasts

pytestmark = on_link("ieee802154")

BROADCAST = b"\xff\xff"


def frame(case: Case, payload: bytes, **header: object) -> bytes:
    """A data frame from the tester to the DUT with some fields of its MAC header replaced."""
    link, tester = case.rig.link, case.tester
    plain = mac.MacHeader(
        pan_compression=True,
        version=0,
        sequence=tester.air.next_sequence(),
        dst_pan=link.pan,
        dst=tester.dut_link,
        src_pan=link.pan,
        src=tester.identity.link,
    )
    return mac.build(replace(plain, **header), payload)  # type: ignore[arg-type]


@requirement("RFC4944-3-03", "RFC4944-3-04")
def test_another_pan(case: Case):
    """§3: broadcasts "are to be heeded only by devices within the specific PAN of the link in question"."""

    def broadcast(pan: bytes) -> Stimulus:
        payload = stimulus(case, case.tester.echo(destination=ALL_NODES), SAM=0).payloads[0]
        return whole(
            case, frame(case, payload, dst_pan=pan, dst=BROADCAST), note=f"broadcast in PAN {pan.hex()}"
        )

    if not case.dut.has_tap and not outcome(case, [broadcast(case.rig.link.pan)])[1]:
        case.unseen("the DUT answers no echo to all nodes in its own PAN either, and there is no IP tap")
    ours = case.rig.link.pan
    near = [bytes([ours[0] ^ 0x01, ours[1]]), bytes([ours[0], ours[1] ^ 0x80]), ours[::-1]]
    others = [b"\xab\xce", b"\x00\x01", b"\xcd\xab", *near]
    nothing_of(case, [broadcast(pan) for pan in dict.fromkeys(others) if pan != ours], code="another_pan")


@requirement("RFC4944-3-03", "RFC4944-5.3-18")
def test_a_fragment_of_another_pan(case: Case):
    """§3: a datagram to all nodes whose last fragment is a broadcast of another PAN is not complete."""
    tester, ours = case.tester, case.rig.link.pan

    def make(pan: bytes) -> Stimulus:
        packet = tester.echo(120, destination=ALL_NODES)
        info = link_info(case, packet)
        parts = fragment(packet, info, tester.contexts, mtu=69, tag=tester.next_tag())
        begun = Stimulus(
            parts[:-1], packet if pan == ours else None, info, f"the last fragment in PAN {pan.hex()}"
        )
        return interrupted(case, begun, len(parts) - 1, frame(case, parts[-1], dst_pan=pan, dst=BROADCAST))

    if not case.takes(lambda: make(ours)):
        case.unsupported("the DUT shows no fragmented packet to all nodes", "not_observable")
    near = bytes([ours[0] ^ 0x01, ours[1]]), bytes([ours[0], ours[1] ^ 0x80])
    nothing_of(case, [make(pan) for pan in near], code="another_pan")


@requirement("RFC4944-2-04", "RFC4944-2-05")
@pytest.mark.parametrize("version", [0, 1], ids=["2003", "2006"])
@pytest.mark.parametrize("pans", ["one", "both"])
def test_pan_ids(case: Case, version: int, pans: str):
    """§2: "source and destination PAN ID fields may also be included": a frame with both, or with one, is taken."""

    def make() -> Stimulus:
        packet = case.tester.echo()
        sent = frame(case, stimulus(case, packet).payloads[0], version=version, pan_compression=pans == "one")
        return whole(case, sent, packet=packet, note=f"frame version {version}, {pans} PAN id")

    # of the editions of IEEE 802.15.4, RFC 4944 knows that of 2003
    with advice(case) if version else nullcontext():
        heeded(case, [("RFC4944-2-04", make)])


@requirement("RFC4944-12-04", "RFC4944-3-02", "RFC4944-3-05")
def test_broadcast_is_heard(case: Case):
    """0xffff is the broadcast address (§12): a multicast packet in such a frame is taken."""
    unicast = case.tester.info()  # who answers there, too, would answer in a broadcast
    if not case.shows(lambda: stimulus(case, case.tester.echo(destination=ALL_NODES), info=unicast)):
        case.unsupported("the DUT answers no echo to all nodes, and no IP tap shows it", "not_observable")
    case.understood(lambda: stimulus(case, case.tester.echo(destination=ALL_NODES)))


@requirement("RFC4944-3-01", "RFC4944-3-02")
def test_broadcast_from_a_short_source(case: Case):
    """§3: a multicast packet in a broadcast frame from a 16-bit address is taken: both kinds of address are sources."""
    case.short_sender()
    case.understood(lambda: stimulus(case, case.tester.echo(destination=ALL_NODES)))


@requirement("RFC4944-4-03", "RFC4944-5.3-02")
def test_no_frame_is_too_long(case: Case):
    """§4: 127 octets with the FCS; a reply that fills the MTU comes in frames that fit."""
    seen = case.answered(lambda: stimulus(case, case.tester.echo(FULL)))
    for sent in seen.frames if seen else []:
        room = 125  # without the FCS; `link.mtu` may be less, where the tester secures its frames
        case.expect(
            len(sent) <= room, "frame_too_long", f"at most {room} octets", f"{len(sent)} octets", frame=sent
        )


@requirement("RFC4944-4-03", "RFC4944-3-01", "RFC4944-5.3-02")
def test_no_frame_to_a_short_address_is_too_long(case: Case):
    """§4, to a 16-bit address: replies of every size about that of a frame, and one that fills the MTU."""
    case.short_sender()
    with case.aside():  # that it is not answered is for other cases of §3 and §8 to say
        small = case.answered(lambda: stimulus(case, case.tester.echo()))
    if small is None:
        case.unsupported("the DUT answers no echo from a 16-bit address", "not_observable")
    room = 125  # without the FCS
    for size in (*range(72, 117), FULL):
        row = "RFC4944-5.3-02" if size == FULL else "RFC4944-3-01"
        seen = case.answered(lambda size=size: stimulus(case, case.tester.echo(size)), requirement=row)
        if seen is None:
            break
        for sent in seen.frames:
            told = f"{len(sent)} octets"
            case.expect(len(sent) <= room, "frame_too_long", f"at most {room} octets", told, frame=sent)


def advertisement(case: Case, prefix: bytes, length: int, *, lifetime: int = 60) -> Stimulus:
    """A Router Advertisement with one Prefix Information option (RFC 4861 §4.6.2) for address configuration."""
    option = bytes([3, 4, length, 0x40]) + lifetime.to_bytes(4) * 2 + bytes(4) + prefix
    return router_advertisement(case, options=option, note=f"Router Advertisement, prefix of {length} bits")


def taken(case: Case, prefixes: Mapping[int, bytes]) -> set[int]:
    """By the lengths of prefixes: those at whose addresses the DUT answers after Router Advertisements with them."""
    tester, found = case.tester, set[int]()
    for length, prefix in prefixes.items():
        outcome(case, [advertisement(case, prefix, length)])
    deadline = tester.now() + 2.5  # RFC 4862 §5.4: duplicate address detection comes first
    while len(found) < len(prefixes) and tester.now() < deadline:
        asked = dict[bytes, int]()
        for length in sorted(prefixes.keys() - found):
            request = tester.echo(destination=prefixes[length][:8] + tester.dut_address[8:])
            tester.send(stimulus(case, request).payloads)
            asked[request[44:48]] = length
        end = min(deadline, tester.now() + 0.5)
        while len(found) < len(prefixes) and (seen := tester.hear(end)) is not None:
            if seen.icmp_type == ECHO_REPLY and seen.upper[4:8] in asked:
                found.add(asked[seen.upper[4:8]])
    for length in sorted(found):
        outcome(case, [advertisement(case, prefixes[length], length, lifetime=0)])
    return found


@requirement("RFC4944-6-08", "RFC4944-3-07")
def test_prefixes_of_routers(case: Case):
    """§6: a prefix for autoconfiguration "MUST have a length of 64 bits"; hosts learn theirs from routers (§3)."""
    tester = case.tester
    prefix = bytes.fromhex("20010db800e04944") + bytes(8)
    never = tester.echo(destination=bytes.fromhex("20010db800e0ffff") + tester.dut_address[8:])
    tester.send(stimulus(case, never).payloads)
    if tester.reply_to(never, tester.now() + case.timeout) is not None:
        case.unsupported("the DUT answers at addresses that nobody gave it")
    learnt = bool(taken(case, {64: prefix}))
    # RFC 4862 §1: autoconfiguration "applies only to hosts and not routers"
    if not learnt and not (case.declares("nd") and case.rig.profile.parameters.role in {"host", "6LN"}):
        case.unsupported(
            "the DUT makes no address from a good Router Advertisement, and does not declare nd as a host",
            "not_declared",
        )
    case.expect(
        learnt, "no_address", "an address from a prefix of 64 bits", "none", requirement="RFC4944-3-07"
    )
    start = bytes.fromhex("20010db800e050")
    wrong = {length: start + bytes([length]) + bytes(8) for length in (63, 65, 48)}
    took = taken(case, wrong)
    for length in wrong:
        case.expect(
            length not in took,
            "prefix_length",
            f"no address from a prefix of {length} bits",
            "the DUT answers at such an address",
        )


@requirement("RFC4944-12-04")
@pytest.mark.parametrize("source", ["fffe", "ffff", "0000", "8001"])
def test_no_unicast_source(case: Case, source: str):
    """A MAC source that is no unicast short address (§12): no text says what to do with it; the DUT lives on."""
    if not case.rig.link.any_source:
        case.unsupported("the link cannot send from a short address", "not_on_this_link")
    packet = case.tester.echo(source=UNSPECIFIED, destination=ALL_NODES)
    payload = stimulus(case, packet).payloads[0]
    outcome(case, [whole(case, frame(case, payload, src=bytes.fromhex(source)), note=f"MAC source {source}")])


@requirement("RFC4944-3-04", "RFC4944-3-05")
def test_its_broadcast_behind_one_to_all_pans(case: Case):
    """What the DUT says to resolve the sender of a frame to PAN ffff: "it MUST match the PAN ID of the link" (§3)."""
    tester = case.tester
    tester.fresh()
    packet, before = tester.echo(8), len(tester.heard)
    tester.ordinary.add(packet)
    sent = frame(case, stimulus(case, packet).payloads[0], dst_pan=BROADCAST)
    case.survives(lambda: whole(case, sent, note="an echo in a frame to PAN ffff"))
    heard = tester.heard[before:]  # what it says of itself by the way, such as RPL, shows nothing of the kind
    frames = [s.frames for s in heard if s.info.dst == BROADCAST and s.icmp_type == NEIGHBOR_SOLICITATION]
    if not frames:
        case.unsupported("the DUT sends no broadcast to resolve an address", "not_observable")
    for each in frames:
        in_broadcasts(case, each)
