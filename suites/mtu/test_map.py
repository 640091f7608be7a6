"""Which sizes go through: the field report's "only a 1280 MTU works". Holes are named by what they have in common."""

from collections.abc import Callable

import pytest

from fixtures.api import ECHO_REPLY, ECHO_REQUEST, FULL, Case, Unsupported, advice, needs, requirement
from reports.statistics import cause, runs
from sixlowpan import ipv6
from suites.performance.stream import expect

#: Echoes under way at a time, where the whole map is drawn.
AT_ONCE = 4
#: Holes that are looked at closely, where the medium loses frames.
SOUGHT = 16
Tried = Callable[[Case, list[int]], set[int]]
IDS = ("RFC6282-2-04", "RFC7668-2.4-01", "RFC7668-3.2-04", "RFC4944-5.3-02", "RFC4944-5.3-16")


def shape(case: Case, size: int) -> tuple[int, int]:
    """(frames that carry an echo with so many octets of data, octets of payload in the last one)."""
    source, there = case.tester.identity.address, case.tester.dut_address
    packet = ipv6.echo_request(source, there, 1, 1, bytes(size))
    payloads = case.tester.payloads(packet)
    if case.tester.kind == "ble":  # K-frames of the channel, the first with the length of the SDU
        mps = getattr(getattr(case.rig.link, "channel", None), "peer", None)
        octets = len(payloads[0]) + 2
        room = mps.mps if mps is not None else 247
        return -(-octets // room), octets % room or room
    return len(payloads), len(payloads[-1])


def boundaries(case: Case) -> list[int]:
    """The least and the greatest size of each number of frames, and their neighbours."""
    frames = {size: shape(case, size)[0] for size in range(FULL + 1)}
    edges = {size for size in range(1, FULL + 1) if frames[size] != frames[size - 1]}
    return sorted({0, FULL} | edges | {size - 1 for size in edges})


def answered(case: Case, sizes: list[int]) -> set[int]:
    """The sizes of the echoes that the DUT answered with the same data, a few of them under way at a time."""
    tester, good = case.tester, set()
    for start in range(0, len(sizes), AT_ONCE):
        waiting = {}
        for size in sizes[start : start + AT_ONCE]:
            request = tester.echo(size)
            waiting[request[44:48]] = (size, request)
            tester.send_packet(request)
        end = tester.now() + case.timeout
        while waiting and (seen := tester.hear(end)) is not None:
            size, request = waiting.get(seen.upper[4:8], (0, b""))
            if seen.icmp_type == ECHO_REPLY and request and seen.upper[4:] == request[44:]:
                good.add(size)
                del waiting[seen.upper[4:8]]
    return good


def originated(case: Case, sizes: list[int]) -> set[int]:
    """The sizes of the echoes that came when the DUT was told to send them, a few of them at a time."""
    tester, node, good = case.tester, case.rig.node, set()
    there = tester.identity.address
    for start in range(0, len(sizes), AT_ONCE):
        waiting = set()
        for size in sizes[start : start + AT_ONCE]:
            try:
                node.ping(there, size, tester.next_identifier(), 1)
                waiting.add(size)
            except Unsupported:  # some shells have a smallest or a largest size
                good.add(size)
        end = tester.now() + case.timeout
        while waiting and (seen := tester.hear(end)) is not None:
            if seen.icmp_type == ECHO_REQUEST and seen.view is not None and seen.view.dst == there:
                good |= waiting & {len(seen.upper) - 8}
                waiting -= {len(seen.upper) - 8}
    return good


def confirmed(case: Case, tried: Tried, hole: int, good: list[int]) -> bool:
    """Where the medium loses frames: whether the nearest size that works goes through each time, and this one never."""
    near = min(good, key=lambda size: abs(size - hole), default=None)
    carried, rounds, attempts = 0, 0, case.rig.file.attempts
    while near is not None and carried < 2 * attempts and rounds < 16 * attempts:
        rounds += 1
        carried += bool(tried(case, [near]))
        if tried(case, [hole]):
            return False
    return near is not None and carried >= 2 * attempts


def drawn(case: Case, first: str, sizes: list[int]) -> None:
    """Draw the map of these sizes, each hole tried again as often as the medium may lose it; name the holes.

    A hole is one when it is tried alone: of several at a time a DUT that resolves us anew may drop some: it holds "a
    small queue of packets" while it waits (RFC 4861 §7.2.2).
    """
    tried = answered if first == "tester" else originated
    attempts = case.rig.file.attempts
    holes, before, again = sorted(set(sizes) - tried(case, sizes)), None, 2 * attempts - 1
    while holes and (again > 0 or holes != before):
        before, again = holes, again - 1
        holes = sorted(set(holes) - tried(case, holes))
    if holes and attempts > 1:
        good = sorted(set(sizes) - set(holes))
        holes = [size for size in holes[:SOUGHT] if confirmed(case, tried, size, good)]
    elif holes:
        holes = [size for size in holes[:SOUGHT] if not tried(case, [size])] + holes[SOUGHT:]
    why = cause(holes, {size: shape(case, size) for size in sizes})
    case.measure(
        "size that does not work", "B", [float(size) for size in holes], figure=None,
        method="ICMPv6 echoes of every size that is named", first=first, tried=len(sizes),
        holes=[f"{low}-{high}" for low, high in runs(holes)][:64], cause=why,
    )  # fmt: skip
    way = "from the tester are answered" if first == "tester" else "of the DUT come"
    with advice(case):  # an IPv6 packet may be lost (RFC 8200); one size always is for a reason
        expect(case, not holes, "lost_by_size", f"echoes {way} in all {len(sizes)} sizes", f"not {why}")


@requirement(*IDS)
def test_boundaries_tester_first(case: Case):
    """Echoes on either side of each boundary of frames are answered: where a map has holes, it has them there."""
    drawn(case, "tester", boundaries(case))


@needs("ping")
@requirement(*IDS)
def test_boundaries_node_first(case: Case):
    """Echoes that the DUT originates, on either side of each boundary of frames, come whole."""
    drawn(case, "node", boundaries(case))


@pytest.mark.soak
@requirement(*IDS)
def test_all_sizes_tester_first(case: Case):
    """Every size from 0 to 1232 octets, sent by the tester."""
    drawn(case, "tester", list(range(FULL + 1)))


@pytest.mark.soak
@needs("ping")
@requirement(*IDS)
def test_all_sizes_node_first(case: Case):
    """Every size from 0 to 1232 octets, sent by the DUT."""
    drawn(case, "node", list(range(FULL + 1)))
