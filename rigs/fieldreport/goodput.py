"""Goodput between two nodes, from packets that a tap at the receiver saw come: one clock, that of its kernel. Pure.

Strategy: time begins with the first packet that is as long as any, and its own octets are not counted: what is measured
is the rate at which the ones behind it came, whatever start (iperf3 says first who it is) and end of the programs cost.
Octets that came twice count once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rigs.fieldreport.air import TCP, UDP
from sixlowpan import DecodeError, ipv6


@dataclass(frozen=True, slots=True)
class Goodput:
    """Octets of data that came behind the first packet, and the seconds until the last one."""

    octets: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Octets a second; 0 where fewer than two packets came."""
        return self.octets / self.seconds if self.seconds > 0 else 0.0


def goodput(packets: Iterable[tuple[int, bytes]], port: int) -> Goodput:
    """Of (time in ns, IPv6 packet), those of UDP or TCP to this port, of the flow that carried most."""
    flows: dict[bytes, list[tuple[int, list[tuple[bytes, int]]]]] = {}
    for at, packet in packets:
        flow, places = _data(packet, port)
        if places:
            flows.setdefault(flow, []).append((at, places))
    return max((_of_flow(came) for came in flows.values()), key=lambda one: one.octets, default=Goodput())


def _of_flow(came: list[tuple[int, list[tuple[bytes, int]]]]) -> Goodput:
    longest = max(len(places) for _, places in came)
    begin = next(number for number, (_, places) in enumerate(came) if len(places) == longest)
    first, known = came[begin][0], set(came[begin][1])
    octets, last = 0, first
    for at, places in came[begin + 1 :]:
        if fresh := set(places) - known:
            known |= fresh
            octets, last = octets + len(fresh), at
    return Goodput(octets, (last - first) / 1e9)


def _data(packet: bytes, port: int) -> tuple[bytes, list[tuple[bytes, int]]]:
    """(source port, the name of each octet of data): which datagram and its place there; of TCP the sequence number."""
    try:
        protocol, _, message = ipv6.Packet.parse(packet).upper()
    except DecodeError:
        return b"", []
    if protocol not in (TCP, UDP) or int.from_bytes(message[2:4]) != port:
        return b"", []
    if protocol == UDP:  # ours begin with a number; iperf3's with the time and a number
        return message[:2], [(message[8:20], place) for place in range(len(message) - 8)]
    start, head = int.from_bytes(message[4:8]), (message[12] >> 4) * 4
    return message[:2], [(b"", (start + place) & 0xFFFFFFFF) for place in range(len(message) - head)]
