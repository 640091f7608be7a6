"""What mutants need of the wire: where the fields of an IPHC payload stand, and a reassembler that can be spoilt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sixlowpan import Contexts, DecodeError, LinkInfo, codec, decode, mesh
from sixlowpan.iphc import TF_OCTETS

_ADDRESS = (16, 8, 2, 0)
_GROUP = (16, 6, 4, 1)


@dataclass(slots=True)
class Iphc:
    """The fields of an IPHC base header, and the offset of each in-line field (RFC 6282 §3.1.1)."""

    payload: bytes
    tf: int = 0
    nh: int = 0
    hlim: int = 0
    cid: int = 0
    sac: int = 0
    sam: int = 0
    m: int = 0
    dac: int = 0
    dam: int = 0
    tf_at: int = 0
    nh_at: int = 0
    hlim_at: int = 0
    src_at: int = 0
    dst_at: int = 0
    #: Behind the in-line fields: the NHC octet if nh, else the upper layer.
    end: int = 0

    @property
    def nhc(self) -> int:
        """The NHC octet, -1 where there is none."""
        return self.payload[self.end] if self.nh and self.end < len(self.payload) else -1


def iphc(payload: bytes) -> Iphc | None:
    """The header of a payload that begins with LOWPAN_IPHC; its fields may lie beyond the end of the payload."""
    if len(payload) < 2 or payload[0] >> 5 != 0b011:
        return None
    a, b = payload[0], payload[1]
    h = Iphc(
        payload, a >> 3 & 3, a >> 2 & 1, a & 3, b >> 7, b >> 6 & 1, b >> 4 & 3, b >> 3 & 1, b >> 2 & 1, b & 3
    )
    h.tf_at = 2 + h.cid
    h.nh_at = h.tf_at + TF_OCTETS[h.tf]
    h.hlim_at = h.nh_at + (not h.nh)
    h.src_at = h.hlim_at + (h.hlim == 0)
    h.dst_at = h.src_at + (0 if h.sac and not h.sam else _ADDRESS[h.sam])
    size = (6 if h.dac else _GROUP[h.dam]) if h.m else _ADDRESS[h.dam]
    h.end = h.dst_at + size
    return h


def changed(
    packet: bytes | None, header: Iphc | None, change: Callable, node: object, info: LinkInfo
) -> bytes | None:
    """The packet as change(node, bytearray, header, info) leaves it; as it is where there is no header or packet."""
    if packet is None or header is None:
        return packet
    octets = bytearray(packet)
    change(node, octets, header, info)
    return bytes(octets)


@contextmanager
def under(node, contexts: Contexts) -> Iterator[None]:
    """The node has these contexts meanwhile."""
    kept, node.contexts = node.contexts, contexts
    try:
        yield
    finally:
        node.contexts = kept


def hop_limit(hlim: int, value: int) -> Callable:
    """The change, for a decorator such as `rewrites`, that takes HLIM=`hlim` for this hop limit."""

    def change(_node, packet: bytearray, header: Iphc, *_info) -> None:
        if header.hlim == hlim:
            packet[7] = value

    return change


def set_traffic_class(packet: bytearray, value: int) -> None:
    packet[0] = 0x60 | value >> 4
    packet[1] = (value & 15) << 4 | packet[1] & 15


def traffic_class(packet: bytes) -> int:
    return (packet[0] & 15) << 4 | packet[1] >> 4


@dataclass(slots=True)
class Datagram:
    """What is there of one datagram."""

    size: int
    started: float
    buffer: bytearray
    pieces: dict[int, int] = field(default_factory=dict)
    arrived: list[bytes] = field(default_factory=list)
    counted: int = 0
    begun: bool = False


class Reassembly:
    """RFC 4944 §5.3 once more, right as it stands, in steps that a mutant can take wrongly."""

    timeout = 60.0
    max_datagrams = 4

    def __init__(self) -> None:
        self.datagrams: dict[tuple, Datagram] = {}

    @property
    def pending(self) -> int:
        return len(self.datagrams)

    def expire(self, now: float) -> None:
        for key in [k for k, d in self.datagrams.items() if now - d.started >= self.timeout]:
            del self.datagrams[key]

    def key(self, info, size: int, tag: int) -> tuple:
        return info.src, info.dst, size, tag

    def receive(self, payload: bytes, info, contexts, now: float) -> bytes | None:
        self.expire(now)
        behind, info = mesh.unwrap(payload, info)
        payload = payload[behind:]
        if not payload or payload[0] & 0xD8 != 0xC0:
            return decode(payload, info, contexts)
        first = payload[0] & 0xF8 == 0xC0
        at = 4 if first else 5
        size, tag = int.from_bytes(payload[:2], "big") & 0x7FF, int.from_bytes(payload[2:4], "big")
        if len(payload) <= at or size < 40:
            raise DecodeError("malformed", 0, None, "no fragment")
        begin = 0 if first else self.offset(payload)
        octets = codec.first_part(payload, 4, info, contexts, size).octets if first else payload[at:]
        if not self.acceptable(begin, octets, size, first):
            raise DecodeError("malformed", 0, None, "no fragment of this datagram")
        return self.take(self.key(info, size, tag), size, begin, octets, first, now)

    def offset(self, payload: bytes) -> int:
        return payload[4] * 8

    def acceptable(self, begin: int, octets: bytes, size: int, first: bool) -> bool:
        end = begin + len(octets)
        return end <= size and (first or begin > 0) and (end % 8 == 0 or end == size)

    def take(self, key, size: int, begin: int, octets: bytes, first: bool, now: float) -> bytes | None:
        datagram = self.datagrams.get(key)
        end = begin + len(octets)
        if datagram is not None:
            if self.duplicate(datagram, begin, end):
                return None
            if self.overlaps(datagram, begin, end):
                datagram = None
        if datagram is None:
            datagram = self.open(key, size, first, now)
        if datagram is None:
            return None
        self.place(datagram, begin, octets)
        datagram.begun |= first
        if not self.complete(datagram):
            return None
        self.close(key)
        return self.packet(datagram)

    def open(self, key, size: int, first: bool, now: float) -> Datagram | None:
        self.datagrams.pop(key, None)
        while len(self.datagrams) >= self.max_datagrams:
            del self.datagrams[next(iter(self.datagrams))]
        datagram = self.datagrams[key] = Datagram(size, now, self.buffer(size))
        return datagram

    def buffer(self, size: int) -> bytearray:
        return bytearray(size)

    def duplicate(self, datagram: Datagram, begin: int, end: int) -> bool:
        return datagram.pieces.get(begin) == end

    def overlaps(self, datagram: Datagram, begin: int, end: int) -> bool:
        return any(begin < e and b < end for b, e in datagram.pieces.items())

    def place(self, datagram: Datagram, begin: int, octets: bytes) -> None:
        datagram.pieces[begin] = begin + len(octets)
        datagram.buffer[begin : begin + len(octets)] = octets
        datagram.arrived.append(octets)
        datagram.counted += len(octets)

    def complete(self, datagram: Datagram) -> bool:
        return datagram.begun and sum(e - b for b, e in datagram.pieces.items()) >= datagram.size

    def close(self, key) -> None:
        del self.datagrams[key]

    def packet(self, datagram: Datagram) -> bytes:
        return bytes(datagram.buffer)
