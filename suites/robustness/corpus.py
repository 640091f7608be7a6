"""One payload of every valid shape that the suites know: what the truncation sweep cuts.

Traffic classes are such that ECN and DSCP in either order give the same octet, and every checksum holds, so that no
prefix of a payload can be answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fixtures.api import UDP, Case, Stimulus, forms, link_info, pieces, stimulus
from sixlowpan import ipv6, mesh_header

SOLICITED = bytes.fromhex("ff02 0000 0000 0000 0000 0001 ff12 3456")
OPTIONS = "1e04a1a2a3a4"
FULL: dict[str, Any] = {"traffic_class": 0xAA, "flow_label": 0xABCDE, "hop_limit": 33}
Build = Callable[[Case], Stimulus]


def datagram(case: Case, source_port: int, destination_port: int, **header: int) -> bytes:
    """A UDP packet from the tester to the DUT."""
    source, destination = case.tester.identity.address, case.tester.dut_address
    message = ipv6.udp(source_port, destination_port, case.tester.pattern(7), source, destination)
    return ipv6.build(source, destination, UDP, message, **header)


def plain(**fields: Any) -> Build:
    """An echo in a form with these fields."""
    return lambda case: stimulus(case, case.tester.echo(), **fields)


def most(case: Case) -> Stimulus:
    """An echo with as much in-line as the link allows (on BLE addresses are elided, RFC 7668 §3.2.4)."""
    addresses: dict[str, Any] = {} if case.tester.kind == "ble" else {"SAM": 0, "DAM": 0}
    return stimulus(case, case.tester.echo(**FULL), TF=0, HLIM=0, **addresses)


def udp(p: int, source_port: int, destination_port: int) -> Build:
    """A UDP datagram in one of the four port forms."""
    return lambda case: stimulus(case, datagram(case, source_port, destination_port, **FULL), NH=1, P=p)


def by_hand(head: str) -> Build:
    """Header octets, and an Echo Request's octets behind them."""
    return lambda case: Stimulus([bytes.fromhex(head) + case.tester.echo()[40:]], None, case.tester.info())


def meshed(head: str, *, deep: bool = False) -> Build:
    """The same behind a mesh header to the DUT."""

    def build(case: Case) -> Stimulus:
        header = mesh_header(case.tester.identity.link, case.tester.dut_link, 3)
        header = b"\x8f\x05" + header[1:] if deep else header
        return Stimulus([header + by_hand(head)(case).payloads[0]], None, case.tester.info())

    return build


def fragment_of(which: int, *, mesh: bool = False) -> Build:
    """One fragment of an echo."""

    def build(case: Case) -> Stimulus:
        _, parts = pieces(case, 120, 64)
        header = mesh_header(case.tester.identity.link, case.tester.dut_link, 3) if mesh else b""
        return Stimulus([header + parts[which]], None, case.tester.info())

    return build


def with_cid(case: Case) -> Stimulus:
    """An echo with a context identifier octet that means nothing."""
    packet = case.tester.echo()
    info = link_info(case, packet)
    payload = min(forms(packet, info, case.tester.contexts, CID=0, SAC=0, DAC=0), key=len)
    return Stimulus([bytes([payload[0], payload[1] | 0x80, 0x00]) + payload[2:]], packet, info)


#: Name -> how to build it.
SHAPES: dict[str, Build] = {
    "ipv6": lambda case: stimulus(case, case.tester.echo(), dispatch=0x41),
    "iphc-least": plain(),
    "iphc-most": most,
    "iphc-multicast": lambda case: stimulus(case, case.tester.echo(destination=SOLICITED), M=1, DAM=1),
    "iphc-cid": with_cid,
    "udp-00": udp(0, 0x1234, 0x5678),
    "udp-01": udp(1, 0x1234, 0xF0CD),
    "udp-10": udp(2, 0xF0AB, 0x5678),
    "udp-11": udp(3, 0xF0B1, 0xF0B2),
    "extension-headers": by_hand(f"7e33 e106{OPTIONS} e63a06{OPTIONS}"),
    "extension-header-then-udp": by_hand(f"7e33 e706{OPTIONS} f0123456780000"),
    "ipv6-in-ipv6": by_hand("7e33 ee 7a33 3a"),
    "ghc": by_hand("7e33 df 5f"),
    "page-1": by_hand("f1 7a33 3a"),
    "esc": by_hand("40 20 7a33 3a"),
    "hc1": by_hand("42 fb 40"),
}
#: The same for IEEE 802.15.4 only.
SHAPES_802154: dict[str, Build] = {
    "mesh": meshed("7a33 3a"),
    "mesh-deep": meshed("7a33 3a", deep=True),
    "bc0": by_hand("5001 7a33 3a"),
    "frag1": fragment_of(0),
    "fragn": fragment_of(1),
    "mesh-frag1": fragment_of(0, mesh=True),
    "rfrag": by_hand("e800 1234 0038 7a33 3a"),
}

_PORTS = "1234 5678 abcd"
#: Headers that a decoder has to go through before it knows that they are whole; no checksum behind them holds. First
#: those that every decoder refuses when they are cut: what is kept as it is may take a place for reassembly.
CHAINS: dict[str, str] = {
    "iphc": "6000 00 ab cdef 3a 21" + "fe80 0000 0000 0000 a1a2 a3a4 a5a6 a7a8" * 2,
    "iphc-cid": "7ef7 00 f0 1234 5678 abcd",
    "udp-00": f"7e33 f0 {_PORTS}",
    "udp-01": "7e33 f1 1234 cd abcd",
    "udp-10": "7e33 f2 ab 5678 abcd",
    "udp-11": "7e33 f3 12 abcd",
    "options": f"7e33 e0 3a 06 {OPTIONS}",
    "options-udp": f"7e33 e7 06 {OPTIONS} f0 {_PORTS}",
    "options-options": f"7e33 e1 06 {OPTIONS} e6 3a 06 {OPTIONS}",
    "fragment-header": "7e33 e4 3a 06 0000 1234 5678",
    "ipv6-in-ipv6": "7e33 ee 6000 00 ab cdef 3a 21" + "fe80 0000 0000 0000 a1a2 a3a4 a5a6 a7a8" * 2,
    "ipv6-in-ipv6-udp": f"7e33 ee 7e33 f0 {_PORTS}",
    "options-ipv6": f"7e33 e7 06 {OPTIONS} ee 7a33 3a",
    "ghc-icmpv6": "7e33 df 08 8000 1234 5678 9abc 87 c0",
    "ghc-udp": f"7e33 d0 {_PORTS} 05 0102030405 87 c0",
    "ghc-options": f"7e33 b0 3a 06 {OPTIONS} 90",
    "page-1": f"f1 7e33 f0 {_PORTS}",
    "ipv6": "41 6aaa bcde 0008 3a21" + "fe80 0000 0000 0000 a1a2 a3a4 a5a6 a7a8" * 2,
}
#: The same for IEEE 802.15.4 only.
CHAINS_802154: dict[str, str] = {
    "hc1": "42 00 21" + "fe80 0000 0000 0000 a1a2 a3a4 a5a6 a7a8" * 2 + "aabcde 3a",
    "hc1-hc-udp": "42 fb 00 40 1234 5678 0014 abcd",
    "bc0-iphc": "50 01 7e33 f0 1234",
}
