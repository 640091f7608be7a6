"""Goodput between two nodes, from packets that a tap at the receiver saw come: one clock, that of its kernel. Pure.

Strategy: time begins with the first packet that carries data, so its own octets are not counted: what is measured is
the rate at which the ones behind it came, whatever start and end of the programs cost. Octets that came twice count
once.
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
    """Of (time in ns, IPv6 packet), those of UDP or TCP to this port."""
    came: set[tuple[int, int]] = set()
    octets, first, last = 0, None, 0
    for at, packet in packets:
        for place in _data(packet, port):
            if place in came:
                continue
            came.add(place)
            if first is None or at == first:
                first = at
            else:
                octets, last = octets + 1, at
    return Goodput(octets, (last - first) / 1e9) if first is not None and octets else Goodput()


def _data(packet: bytes, port: int) -> Iterable[tuple[int, int]]:
    """The name of each octet of data: (which datagram, place), or (0, sequence number) of TCP."""
    try:
        protocol, _, message = ipv6.Packet.parse(packet).upper()
    except DecodeError:
        return
    if protocol not in (TCP, UDP) or int.from_bytes(message[2:4]) != port:
        return
    if protocol == UDP:
        number = int.from_bytes(message[8:12])
        yield from ((1 + number, place) for place in range(len(message) - 8))
        return
    start = int.from_bytes(message[4:8])
    head = (message[12] >> 4) * 4
    yield from ((0, (start + place) & 0xFFFFFFFF) for place in range(len(message) - head))
