"""Goodput between two nodes, from packets that a tap at the receiver saw come: one clock, that of its kernel. Pure.

Strategy: time begins with the first packet that is as long as any, and its own octets are not in the rate: what is
measured is the rate at which the ones behind it came, whatever start (iperf3 says first who it is) and end of the
programs cost. What came twice counts once. Octets of TCP count when all before them are there as well: behind a segment
that is lost for good, an application gets nothing of what a tap still sees come.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from rigs.fieldreport.air import TCP, UDP
from sixlowpan import DecodeError, ipv6


@dataclass(frozen=True, slots=True)
class Goodput:
    """Octets of data that came behind the first packet, and the seconds until the last of them were there."""

    octets: int = 0
    seconds: float = 0.0
    #: (seconds since the first packet, octets that were new) of each that brought something, the first one included.
    came: tuple[tuple[float, int], ...] = field(default=(), repr=False)

    @property
    def rate(self) -> float:
        """Octets a second; 0 where fewer than two packets came."""
        return self.octets / self.seconds if self.seconds > 0 else 0.0

    @property
    def packets(self) -> int:
        """Packets that brought something new, the first one included: of UDP, the datagrams that came."""
        return len(self.came)

    @property
    def whole(self) -> int:
        """Octets of all of them, the first packet's included."""
        return sum(octets for _, octets in self.came)

    def by_second(self, seconds: int) -> list[int]:
        """Octets that came in each of so many seconds, the first of which begins with the first packet."""
        found = [0] * seconds
        for at, octets in self.came:
            if at < seconds:
                found[int(at)] += octets
        return found


@dataclass(frozen=True, slots=True)
class _Part:
    """A packet with data: when it came (ns), which datagram it is or where in the stream (modulo 2^32), its octets."""

    at: int
    datagram: bytes
    start: int
    octets: int


def goodput(packets: Iterable[tuple[int, bytes]], port: int) -> Goodput:
    """Of (time in ns, IPv6 packet), those of UDP or TCP to this port or from it, of the flow that carried most."""
    flows: dict[tuple[int, bytes], list[_Part]] = {}
    for at, packet in packets:
        found = _data(at, packet, port)
        if found is not None:
            flows.setdefault(found[0], []).append(found[1])
    every = (_of_flow(parts, flow[0]) for flow, parts in flows.items())
    return max(every, key=lambda one: one.octets, default=Goodput())


def _of_flow(parts: list[_Part], protocol: int) -> Goodput:
    longest = max(part.octets for part in parts)
    begin = next(number for number, part in enumerate(parts) if part.octets == longest)
    new = _in_order(parts) if protocol == TCP else _once(parts)
    came = tuple(
        ((part.at - parts[begin].at) / 1e9, octets)
        for part, octets in list(zip(parts, new, strict=True))[begin:]
        if octets or part is parts[begin]
    )
    return Goodput(sum(octets for _, octets in came[1:]), came[-1][0], came)


def _once(parts: list[_Part]) -> list[int]:
    """Octets that each datagram brought: none where it had come before."""
    known, found = set[bytes](), []
    for part in parts:
        found.append(0 if part.datagram in known else part.octets)
        known.add(part.datagram)
    return found


def _in_order(parts: list[_Part]) -> list[int]:
    """Octets of the stream to which each segment closed the gap, if it did."""
    # nearer than half the space of numbers, in either direction (RFC 9293 §3.4)
    starts = [((part.start - parts[0].start + (1 << 31)) & 0xFFFFFFFF) - (1 << 31) for part in parts]
    edge, waiting, found = min(starts), list[tuple[int, int]](), []
    for start, part in zip(starts, parts, strict=True):
        heapq.heappush(waiting, (start, start + part.octets))
        before = edge
        while waiting and waiting[0][0] <= edge:
            edge = max(edge, heapq.heappop(waiting)[1])
        found.append(edge - before)
    return found


def _data(at: int, packet: bytes, port: int) -> tuple[tuple[int, bytes], _Part] | None:
    """((protocol, ports), what it brings); None of a packet without data, or of others."""
    try:
        protocol, _, message = ipv6.Packet.parse(packet).upper()
    except DecodeError:
        return None
    if protocol not in (TCP, UDP) or port.to_bytes(2) not in (message[:2], message[2:4]):
        return None
    head = 8 if protocol == UDP else (message[12] >> 4) * 4
    if len(message) <= head:
        return None
    # datagrams of ours begin with a number; iperf3's with the time and a number
    part = _Part(at, message[8:20], int.from_bytes(message[4:8]), len(message) - head)
    return (protocol, message[:4]), part
