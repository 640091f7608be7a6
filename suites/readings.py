"""Reserved and unassigned forms, each followed by what a wrong reading of it needs to make a good packet.

Strategy: a decoder that does not refuse a value takes it for something: it passes it over, reads it as its neighbour in
the table, or takes what stands there for the next thing. Behind the value comes what each of these needs, checksum and
all, so that it draws an answer. In front stands a poison with the same addresses and ports, for
what such a decoder leaves as it was (`fixtures.stimuli.predecessors`).
"""

from __future__ import annotations

from collections.abc import Iterator

from fixtures.judging.case import Case
from fixtures.stimuli.predecessors import poison
from rigs.tester.framing import BROADCAST
from rigs.tester.packets import ICMPV6, UDP, Stimulus
from sixlowpan import ipv6
from sixlowpan.addresses import ALL_NODES

HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
#: Octets behind the Next Header of an extension header of 8 octets: an option that pads, and zeros, which pad as well,
#: and are a Routing header without segments (RFC 8200 §4.4) or a Fragment header of all that there is (§4.5).
PADDING = (bytes.fromhex("00 0104 00000000"), bytes(7))
#: An option that is passed over (RFC 8200 §4.2), as the data of an NHC extension header, and zeros in its place.
DATA = (bytes.fromhex("1e04 a1a2a3a4"), bytes(6))


def forged(case: Case, payload: bytes, packet: bytes, note: str, *, broadcast: bool = False) -> Stimulus:
    """A payload that nothing may come of, and that a wrong reading takes for `packet`."""
    tester = case.tester
    info = tester.info(destination=BROADCAST) if broadcast and tester.kind != "ble" else tester.info()
    return Stimulus([payload], None, info, note, before=poison(tester, packet))


def echo(case: Case) -> tuple[bytes, bytes]:
    """An Echo Request: the packet, and its message."""
    packet = case.tester.echo()
    return packet, packet[40:]


def datagram(case: Case) -> tuple[bytes, bytes]:
    """A datagram to a closed port, which draws an ICMPv6 error: the packet, and its message."""
    packet = case.tester.datagram(source_port=0xF0B1, destination_port=0xF0B2)
    return packet, packet[40:]


def of_protocol(case: Case, protocol: int) -> Iterator[tuple[bytes, bytes]]:
    """(packet, octets) of messages with this next header that a node answers, extension headers in front or not."""
    if protocol == UDP:
        yield datagram(case)
    elif protocol == ICMPV6:
        yield echo(case)
    elif protocol in {HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION}:
        for padding in PADDING:
            packet, message = echo(case)
            yield packet, bytes([ICMPV6]) + padding + message
    elif protocol == ipv6.IPV6:
        packet, _ = echo(case)
        yield packet, packet


def next_headers(case: Case, octet: int) -> Iterator[Stimulus]:
    """An octet in the place of the NHC octet (RFC 6282 §4), and what each reading of it needs behind it."""
    head = bytes.fromhex("7e33") + bytes([octet])
    packet, message = echo(case)
    yield forged(case, head + message, packet, "as if it were not there")
    packet, message = echo(case)
    yield forged(case, head + bytes([ICMPV6]) + message, packet, "as if it were not there, and NH were 0")
    packet, udp = datagram(case)
    ports = (udp[:4], udp[:2] + udp[3:4], udp[1:4], b"\x12")[octet & 3]
    yield forged(case, head + ports + (b"" if octet & 4 else udp[6:8]) + udp[8:], packet, "as if UDP")
    for data in DATA:
        packet, message = echo(case)
        extension = bytes([ICMPV6, len(data)]) + data
        yield forged(case, head + extension + message, packet, "as if an extension header")
        packet, udp = datagram(case)
        compressed = b"\xf0" + udp[:4] + udp[6:]
        payload = head + bytes([len(data)]) + data + compressed
        yield forged(case, payload, packet, "as if an extension header, UDP NHC behind it")
    packet, message = echo(case)
    yield forged(case, head + bytes.fromhex("7a333a") + message, packet, "as if an IPv6 header")
    for packet, octets in of_protocol(case, octet):
        yield forged(case, head + octets, packet, "as if it were the next header")
    for padding in PADDING:
        for packet, octets in of_protocol(case, octet):
            note = "as if it began an extension header that is not compressed"
            yield forged(case, head + padding + octets, packet, note)


def destinations(case: Case, low: int) -> Iterator[Stimulus]:
    """A reserved destination mode, M, DAC and DAM being `low` (RFC 6282 §3.1.1), and what each reading needs."""
    tester = case.tester
    ours, group = tester.dut_address, ALL_NODES
    wanted = [(b"", ours), (ours, ours), (ours[8:], ours), (ours[14:], ours)]
    wanted += [(group, group), (bytes.fromhex("020000000001"), group), (bytes.fromhex("02000001"), group)]
    wanted += [(b"\x01", group)]
    if 0 in tester.contexts:
        under = tester.contexts[0].prefix[:8] + ours[8:]
        wanted += [(b"", under), (under[8:], under), (under, under)]
    for octets, destination in wanted:
        packet = tester.echo(destination=destination)
        payload = bytes([0x7A, 0x30 | low, ICMPV6]) + octets + packet[40:]
        note = f"7a {0x30 | low:02x} with {len(octets)} octets for {'all nodes' if destination == group else 'itself'}"
        yield forged(case, payload, packet, note, broadcast=destination == group)
