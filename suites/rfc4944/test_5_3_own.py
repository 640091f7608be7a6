"""RFC 4944 §5.3, what the DUT fragments itself: tags over a long time, when it fragments, and what else it sends."""

from itertools import pairwise

import pytest

from fixtures.api import (
    ECHO_REQUEST,
    Case,
    Seen,
    breaches,
    needs,
    on_link,
    pause,
    requirement,
    stimulus,
    well_answered,
    well_sent,
)
from sixlowpan import mac
from sixlowpan.addresses import ALL_NODES

pytestmark = on_link("ieee802154")

#: More datagrams than a tag of 8 bits has values.
MANY = 260
#: For as many octets of data as make the last fragment of a reply as long as the one before it.
FILLS = 0


def fragmented(seen: Seen) -> bool:
    return seen.behind_mesh[0][0] & 0xD8 == 0xC0


@requirement("RFC4944-5.3-13", "RFC4944-5.3-14")
def test_tags_of_many_datagrams(case: Case):
    """§5.3: over many datagrams the DUT's tags increase, and none of them comes twice."""
    tester, tags, last = case.tester, [], None
    for _ in range(MANY):
        request = tester.echo(160)
        tester.send_packet(request)
        seen = tester.reply_to(request, tester.now() + case.timeout)
        if seen is not None and fragmented(seen):
            tags.append(int.from_bytes(seen.behind_mesh[0][2:4]))
            last = seen
    if len(tags) < MANY // 2:
        case.answered(lambda: stimulus(case, tester.echo(160)))
        case.unsupported("the DUT answers too few echoes that need fragments", "not_observable")
    steps = [(b - a) & 0xFFFF for a, b in pairwise(tags)]
    case.expect(
        all(0 < step < 0x8000 for step in steps),
        "tag_not_incremented",
        "tags that increase, and wrap from 65535 to 0",
        next((f"{b:04x} behind {a:04x}" for a, b in pairwise(tags) if not 0 < (b - a) & 0xFFFF < 0x8000), ""),
        frame=last,
    )
    case.expect(
        sum(step & 0xFF == 0 for step in steps) < len(steps) // 2,
        "tag_byte_order",
        "tags in network byte order, which are incremented",
        f"tags that grow by {next((step for step in steps if step & 0xFF == 0), 0)}: their low octet is sent first",
        frame=last,
    )
    again = next((tag for tag in tags if tags.count(tag) > 1), None)
    case.expect(
        again is None,
        "tag_used_again",
        f"{len(tags)} tags for {len(tags)} successive datagrams",
        f"{len(set(tags))}; {again or 0:04x} came more than once",
        frame=last,
    )
    wrapped = next((b for a, b in pairwise(tags) if a == 0xFFFF), 0)
    case.expect(
        wrapped == 0 or steps.count(1) < len(steps) - 1,
        "tag_wraps_wrongly",
        "0 behind 65535",
        f"{wrapped}",
        requirement="RFC4944-5.3-14",
        frame=last,
    )


@requirement("RFC4944-5.3-01")
def test_no_fragments_without_need(case: Case):
    """A reply of any size that fits a frame comes in one: "should not contain a fragmentation header" (§5.3)."""
    tester = case.tester
    for size in range(112):
        request = tester.echo(size)
        tester.send_packet(request)
        seen = tester.reply_to(request, tester.now() + case.timeout)
        if seen is None or not fragmented(seen):
            continue
        around = case.rig.link.size_on_air(seen.frames[0]) - len(seen.payloads[0])
        room = case.rig.profile.parameters.longest_frame - around
        whole = (
            sum(len(payload) - 5 for payload in seen.payloads) + 1
        )  # without FRAG1's four octets, FRAGN's five
        if not case.expect(
            whole > room,
            "needless_fragments",
            f"one frame: it has room for {room} octets",
            f"{len(seen.payloads)} fragments of a payload of {whole} octets",
            frame=seen,
        ):
            break


@requirement("RFC4944-5.3-06", "RFC4944-5.3-03", "RFC4944-5.3-16")
@pytest.mark.parametrize(
    "size", [8, 200, 301, 1016, 1232, FILLS], ids=lambda size: str(size or "fills-the-last")
)
def test_nothing_but_the_datagram(case: Case, size: int):
    """The fragments of a reply are all that comes: none is empty, and none comes behind the last."""
    tester = case.tester
    if size == FILLS:
        sample = well_answered(case, lambda: tester.echo(300))
        if sample is None or len(sample.payloads) < 3:
            case.unsupported("the DUT answers an echo with 300 octets of data in less than three fragments")
        second = sample.behind_mesh[1]
        step = len(second) - 5
        size = second[4] * 8 + 2 * step - 48
    before = len(tester.heard)
    seen = well_answered(case, lambda: tester.echo(size))
    if seen is None:
        return
    pause(case, case.settle)
    for late in tester.heard[before:]:
        if late.error is not None and late.info.dst == seen.info.dst:
            case.finding(
                "undecodable", "payloads that can be decoded", str(late.error), frame=late.frames[-1]
            )
    # the MAC may send a frame again for want of an acknowledgement
    strays = [heard for heard in tester.incomplete(seen.time) if heard.payload not in seen.payloads]
    for breach in breaches(strays, tester.contexts):
        case.finding("stray_fragment", "the fragments of one datagram", breach.actual, frame=breach.frame)


def in_broadcasts(case: Case, frames: list[bytes]) -> None:
    """§3: multicast "MUST be carried as link-layer broadcast frames", with the PAN id of the link: every fragment."""
    for frame in frames:
        header, _ = mac.parse(frame)
        where = f"{header.dst.hex()} in PAN {(header.dst_pan or b'').hex()}"
        wanted = f"ffff in PAN {case.rig.link.pan.hex()}"
        case.expect(where == wanted, "not_broadcast", wanted, where, frame=frame)


@needs("ping")
@requirement("RFC4944-3-02", "RFC4944-3-04", "RFC4944-3-05", "RFC4944-4-03", "RFC4944-5.3-02")
def test_its_multicast_of_many_sizes(case: Case):
    """Echo Requests of the DUT to all nodes, about as long as a frame and longer: broadcasts, none too long."""
    tester, came = case.tester, 0
    for size in [*range(84, 112, 3), 300]:
        before = len(tester.heard)
        case.rig.node.ping(ALL_NODES, size, tester.next_identifier(), 1)
        since = tester.stamp()
        pause(case, case.settle)
        for seen in tester.heard[before:]:
            if seen.icmp_type == ECHO_REQUEST and seen.view is not None and seen.view.dst == ALL_NODES:
                well_sent(case, seen)
                came += 1
                in_broadcasts(case, seen.frames)
        for heard in tester.incomplete(since) if case.rig.file.attempts == 1 else ():
            came += 1
            in_broadcasts(case, [heard.frame])
    if not came:
        case.unsupported("the DUT's ping sends nothing to a group")
