"""RFC 4944 §5.1 and §5.3, uncompressed packets in fragments: 0x41 in a FRAG1, in any order, its headers cut.

The dispatch octet is no part of the datagram (§5.3 counts from the IPv6 header), and no text asks for a whole header in
the first fragment where it is not compressed (RFC 6282 §2 does where it is).
"""

from collections.abc import Callable
from typing import Any

import pytest

from fixtures.api import ALL_NODES, Case, Stimulus, link_info, on_link, requirement, shown, stimulus
from sixlowpan import fragment_header_1, fragment_header_n, ipv6
from suites.rfc6282.test_4_2 import UNKNOWN

pytestmark = on_link("ieee802154")

ORDERS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "in-order": lambda parts: parts,
    "first-second": lambda parts: [parts[1], parts[0], *parts[2:]],
    "first-last": lambda parts: [*parts[1:], parts[0]],
    "first-twice": lambda parts: [parts[0], *parts[:-1], parts[0], parts[-1]],
}


def cut(case: Case, packet: bytes, first: int, step: int = 48) -> list[bytes]:
    """Fragments of the packet as it is: `first` octets of it behind 0x41 in FRAG1."""
    tag = case.tester.next_tag()
    parts = [fragment_header_1(len(packet), tag) + b"\x41" + packet[:first]]
    return parts + [
        fragment_header_n(len(packet), tag, at // 8) + packet[at : at + step]
        for at in range(first, len(packet), step)
    ]


def taken(case: Case, make: Callable[[], bytes], first: int, order: str, note: str) -> None:
    def fragments() -> Stimulus:
        packet = make()
        parts = ORDERS[order](cut(case, packet, first))
        return Stimulus(parts, packet, case.tester.info(), f"{note}, {first} octets in FRAG1, {order}")

    case.understood(fragments)


@requirement("RFC4944-5.1-05", "RFC4944-5.3-19", "RFC4944-5.3-05", "RFC4944-5.3-17")
@pytest.mark.parametrize("order", ORDERS)
def test_uncompressed(case: Case, order: str):
    """An uncompressed echo in fragments, its FRAG1 first, behind another, last, and twice."""
    if order.startswith("first-") and order != "first-twice" and not _any_order(case):
        case.unsupported(
            "the DUT takes no fragments that are out of order, whether the packet is compressed or not"
        )
    taken(case, lambda: case.tester.echo(120), 56, order, "an echo")


def _any_order(case: Case) -> bool:
    """Whether a compressed echo is taken whose FRAG1 comes last."""

    def backwards() -> Stimulus:
        packet = case.tester.echo(120)
        return Stimulus(case.tester.payloads(packet)[::-1], packet, case.tester.info(), "FRAG1 last")

    return case.takes(backwards)


@requirement("RFC4944-5.1-05", "RFC4944-5.3-17", "RFC4443-2.4-01", "RFC4443-3.1-01")
def test_uncompressed_traffic(case: Case):
    """Traffic class and flow label of an uncompressed packet in fragments are what they were."""

    def make() -> bytes:
        return shown(case, traffic_class=0xB9, flow_label=0xABCDE)

    def large() -> bytes:
        view = ipv6.Packet.parse(make())
        data = case.tester.pattern(120)
        message = ipv6.udp(0x1234, 0x5678, data, view.src, view.dst)
        header: dict[str, Any] = {"traffic_class": view.traffic_class, "flow_label": view.flow_label}
        if view.next_header != ipv6.UDP and not case.dut.has_tap:
            return case.tester.echo(120, **header)
        return ipv6.build(view.src, view.dst, ipv6.UDP, message, **header)

    taken(case, large, 56, "in-order", "traffic class b9, flow label abcde")


@requirement("RFC4944-5.1-05", "RFC4944-5.3-05")
@pytest.mark.parametrize("first", [40, 48, 56], ids=str)
def test_uncompressed_options(case: Case, first: int):
    """A Hop-by-Hop Options header in an uncompressed packet in fragments, in FRAG1 or behind it."""

    def make() -> bytes:
        view = ipv6.Packet.parse(case.tester.echo(120))
        header = bytes([view.next_header, 0]) + UNKNOWN
        return ipv6.build(view.src, view.dst, 0, header + view.payload)

    def whole() -> Stimulus:
        view = ipv6.Packet.parse(case.tester.echo(8))
        packet = ipv6.build(view.src, view.dst, 0, bytes([view.next_header, 0]) + UNKNOWN + view.payload)
        return Stimulus([b"\x41" + packet], packet, case.tester.info(), "the same in one frame")

    if not case.shows(whole):
        case.unsupported("the DUT answers nothing behind a Hop-by-Hop Options header, and there is no IP tap")
    case.understood(whole)
    taken(case, make, first, "in-order", "a Hop-by-Hop Options header")


@requirement("RFC4944-5.3-19", "RFC4944-5.1-05", "RFC4944-5.3-03")
@pytest.mark.parametrize("first", [8, 16, 24, 32], ids=str)
def test_part_of_a_header(case: Case, first: int):
    """A FRAG1 with a part of the uncompressed IPv6 header, the rest in the next one: placed like any octets."""
    if not case.takes(lambda: stimulus(case, case.tester.echo(), dispatch=0x41)):
        case.unsupported("the DUT understands no uncompressed packet, which another case is about")
    taken(case, lambda: case.tester.echo(120), first, "in-order", "a part of the IPv6 header")


@requirement("RFC4944-5.1-05", "RFC4944-3-05", "RFC4944-5.3-05")
def test_uncompressed_multicast(case: Case):
    """An uncompressed packet to all nodes in fragments, each of them in a link-layer broadcast."""

    def compressed() -> Stimulus:
        return stimulus(case, case.tester.echo(120, destination=ALL_NODES))

    def make() -> Stimulus:
        packet = case.tester.echo(120, destination=ALL_NODES)
        return Stimulus(
            cut(case, packet, 56), packet, link_info(case, packet), "to all nodes, 56 octets in FRAG1"
        )

    if not case.shows(compressed):
        case.unsupported("the DUT shows no multicast in fragments, compressed or not", "not_observable")
    case.understood(make)
