"""RFC 4944 §5.3, what the DUT fragments that is no answer to an echo: datagrams, errors, multicast, large offsets."""

from itertools import pairwise

import pytest

from fixtures.api import (
    BROADCAST,
    DESTINATION_UNREACHABLE,
    ECHO_REPLY,
    ECHO_REQUEST,
    UDP,
    Case,
    Seen,
    breaches,
    expected_reply,
    link_info,
    needs,
    on_link,
    pause,
    pieces,
    requirement,
    well_sent,
)
from sixlowpan.addresses import ALL_NODES
from sixlowpan.ipv6 import FRAGMENT

pytestmark = on_link("ieee802154")
#: Where the datagrams of the DUT go to.
PORT = 0x5678


def strays(case: Case, since: float) -> None:
    """What the DUT began and did not complete, on a medium that loses nothing: why it came to nothing.

    It is not on its way any more: a control behind it was answered.
    """
    if case.rig.file.attempts == 1 and case.control():
        for breach in breaches(case.tester.incomplete(since), case.tester.contexts):
            case.breached(breach)


def undecodable(case: Case, heard: list[Seen]) -> None:
    for seen in heard:
        if seen.error is not None and (seen.info.dst == BROADCAST or case.tester.owns(seen.info.dst)):
            well_sent(case, seen)


@needs("udp")
@requirement(
    "RFC4944-5.3-02",
    "RFC4944-5.3-08",
    "RFC4944-5.3-10",
    "RFC4944-5.3-16",
    "RFC6282-4.3.3-08",
    "RFC6282-2-06",
    "RFC4944-5.3-03",
)
@pytest.mark.parametrize("size", [120, 301, 1016, 1232], ids=str)
def test_own_datagram(case: Case, size: int):
    """A datagram of the DUT that needs fragments: size and places are those of the packet, its octets come whole."""
    tester = case.tester
    data, since, before = tester.pattern(size), tester.stamp(), len(tester.heard)
    case.rig.node.udp_send(tester.identity.address, 0, PORT, data)
    deadline = tester.now() + case.timeout
    came = None
    while (seen := tester.hear(deadline)) is not None:
        if seen.view is not None and seen.view.dst == tester.identity.address and seen.protocol == UDP:
            came = came or seen
            if seen.upper[2:4] == PORT.to_bytes(2):
                came = seen  # and not what another application of the DUT says meanwhile
                break
    strays(case, since)
    undecodable(case, tester.heard[before:])
    if came is None:
        case.expect(
            bool(case.result.findings) or case.rig.file.attempts > 1,
            "not_sent",
            f"a datagram with {size} octets of data",
            "none, and no fragment of one",
        )
        return
    well_sent(case, came)
    case.expect(
        came.upper[8:] == data,
        "sent_payload",
        "the data that it was given",
        "other data",
        frame=came,
    )


@needs("port_unreachable")
@requirement("RFC4944-5.3-13", "RFC4944-5.3-12", "RFC4944-5.3-10", "RFC4944-5.3-02", "RFC6282-2-07")
def test_own_errors(case: Case):
    """ICMPv6 errors that need fragments: each has a tag of its own, as the answers between them have."""
    tester, tags = case.tester, []
    frame = b""
    for size in (300, 500, 301, 900, 302):
        before, since = len(tester.heard), tester.stamp()
        for request in (tester.datagram(size), tester.echo(size)):
            tester.send_packet(request)
        pause(case, case.rig.file.settle)
        strays(case, since)
        for seen in tester.heard[before:]:
            if seen.icmp_type in {DESTINATION_UNREACHABLE, ECHO_REPLY} and len(seen.payloads) > 1:
                well_sent(case, seen)
                tags.append(int.from_bytes(seen.behind_mesh[0][2:4]))
                frame = seen.frames[0]
        undecodable(case, tester.heard[before:])
    if len(tags) < 4 and not case.result.findings:
        case.unsupported("the DUT sends too few errors and answers that need fragments")
    increase(case, tags, frame)


@requirement("RFC4944-5.3-13", "RFC4944-5.3-12")
def test_tags_are_its_own(case: Case):
    """Requests whose tags fall: those of the answers increase, for a tag is the sender's and not the request's."""
    tester, tags, frame = case.tester, [], b""
    for tag in (0x9000, 0x8FF8, 0x4321, 0x0100, 0x00FF):
        request, parts = pieces(case, 200, tag=tag)
        tester.send(parts, link_info(case, request))
        seen = tester.reply_to(request, tester.now() + case.timeout)
        if (
            seen is not None
            and len(seen.payloads) > 1
            and well_sent(case, seen, expected_reply(request, seen))
        ):
            tags.append(int.from_bytes(seen.behind_mesh[0][2:4]))
            frame = seen.frames[0]
    if len(tags) < 3 and not case.result.findings:
        case.unsupported("the DUT answers too few echoes in fragments", "not_observable")
    increase(case, tags, frame)


def increase(case: Case, tags: list[int], frame: bytes) -> None:
    """§5.3: "The sender SHALL increment datagram_tag for successive, fragmented datagrams"."""
    wrong = next(((a, b) for a, b in pairwise(tags) if not 0 < (b - a) & 0xFFFF < 0x8000), None)
    case.expect(
        wrong is None,
        "tag_not_incremented",
        "tags that increase, and wrap from 65535 to 0",
        f"{wrong[1]:04x} behind {wrong[0]:04x}" if wrong else "",
        requirement="RFC4944-5.3-13",
        frame=frame,
    )


@needs("ping")
@requirement("RFC4944-5.3-02", "RFC4944-5.3-13", "RFC4944-3-02", "RFC4944-5.3-16")
def test_own_multicast(case: Case):
    """Pings of the DUT to all nodes that need fragments: all fragments are sent, and each datagram has its own tag."""
    tester, tags = case.tester, []
    frame = b""
    for size in (150, 300, 151, 301):
        before, since = len(tester.heard), tester.stamp()
        case.rig.node.ping(ALL_NODES, size, tester.next_identifier(), 1)
        pause(case, case.rig.file.settle)
        strays(case, since)
        for seen in tester.heard[before:]:
            asked = seen.icmp_type == ECHO_REQUEST and len(seen.upper) > size  # it may flood what others ask
            if asked and seen.view is not None and seen.view.dst == ALL_NODES:
                well_sent(case, seen)
                tags.append(int.from_bytes(seen.behind_mesh[0][2:4]))
                frame = seen.frames[0]
        undecodable(case, tester.heard[before:])
    if not tags and not case.result.findings:
        case.unsupported("the DUT's ping sends nothing to a group")
    increase(case, tags, frame)


@needs("ping")
@requirement("RFC4944-5.3-13", "RFC4944-5.3-08", "RFC4944-5.3-10")
def test_own_ipv6_fragments(case: Case):
    """A ping of the DUT beyond the MTU: each IPv6 fragment is a datagram ("after IP layer fragmentation")."""
    tester, tags = case.tester, []
    before, since = len(tester.heard), tester.stamp()
    case.rig.node.ping(tester.identity.address, 1700, tester.next_identifier(), 1)
    pause(case, 4 * case.rig.file.settle)
    strays(case, since)
    sent = [
        seen for seen in tester.heard[before:] if seen.view is not None and seen.view.next_header == FRAGMENT
    ]
    for seen in sent:
        well_sent(case, seen)
        tags += [int.from_bytes(seen.behind_mesh[0][2:4])] if len(seen.payloads) > 1 else []
    undecodable(case, tester.heard[before:])
    if len(tags) < 2 and not case.result.findings:
        case.unsupported("the DUT sends no ping beyond the MTU", "not_observable")
    increase(case, tags, sent[-1].frames[0] if sent else b"")


@requirement("RFC4944-5.3-16", "RFC4944-5.3-02", "RFC4944-5.3-07")
@pytest.mark.parametrize("size", [1016, 1100, 1232], ids=str)
def test_large_offsets(case: Case, size: int):
    """Answers with offsets above 127 units: datagram_offset has 8 bits (§5.3)."""
    tester = case.tester
    since, request = tester.stamp(), tester.echo(size)
    tester.send_packet(request)
    seen = tester.reply_to(request, tester.now() + case.timeout)
    if seen is not None:
        well_sent(case, seen)
        return
    strays(case, since)
    if not case.result.findings:
        case.unsupported("the DUT answers no echo of this size: that is for 2/mtu")
