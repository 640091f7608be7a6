"""Goodput between two nodes, from packets that a tap at the receiver saw come: one clock, that of its kernel. Pure.

Strategy: time begins with the first packet that is as long as any, and its own octets are not counted: what is measured
is the rate at which the ones behind it came, whatever start (iperf3 says first who it is) and end of the programs cost.
Octets that came twice count once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rigs.fieldreport.air import TCP, UDP
from sixlowpan import DecodeError, ipv6


@dataclass(frozen=True, slots=True)
class Goodput:
    """Octets of data that came behind the first packet, and the seconds until the last one."""

    octets: int = 0
    seconds: float = 0.0
    #: Packets that brought something new, the first one included: of UDP, the datagrams that came.
    packets: int = 0
    #: (seconds since the first packet, octets that were new) of each, the first one left out.
    came: tuple[tuple[float, int], ...] = field(default=(), repr=False)

    @property
    def rate(self) -> float:
        """Octets a second; 0 where fewer than two packets came."""
        return self.octets / self.seconds if self.seconds > 0 else 0.0

    def by_second(self, seconds: int) -> list[int]:
        """Octets that came in each of so many seconds, the first of which begins with the first packet."""
        found = [0] * seconds
        for at, octets in self.came:
            if at < seconds:
                found[int(at)] += octets
        return found


def goodput(packets: Iterable[tuple[int, bytes]], port: int) -> Goodput:
    """Of (time in ns, IPv6 packet), those of UDP or TCP to this port or from it, of the flow that carried most."""
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
    fresh_ones: list[tuple[float, int]] = []
    for at, places in came[begin + 1 :]:
        if fresh := set(places) - known:
            known |= fresh
            fresh_ones.append(((at - first) / 1e9, len(fresh)))
    last = fresh_ones[-1][0] if fresh_ones else 0.0
    octets = sum(octets for _, octets in fresh_ones)
    return Goodput(octets, last, 1 + len(fresh_ones), tuple(fresh_ones))


def _data(packet: bytes, port: int) -> tuple[bytes, list[tuple[bytes, int]]]:
    """(ports, the name of each octet of data): which datagram and its place there; of TCP the sequence number."""
    try:
        protocol, _, message = ipv6.Packet.parse(packet).upper()
    except DecodeError:
        return b"", []
    if protocol not in (TCP, UDP) or port.to_bytes(2) not in (message[:2], message[2:4]):
        return b"", []
    if protocol == UDP:  # ours begin with a number; iperf3's with the time and a number
        return message[:4], [(message[8:20], place) for place in range(len(message) - 8)]
    start, head = int.from_bytes(message[4:8]), (message[12] >> 4) * 4
    return message[:4], [(b"", (start + place) & 0xFFFFFFFF) for place in range(len(message) - head)]
