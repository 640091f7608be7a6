"""The messages of Neighbor Discovery for 6LoWPAN (RFC 4861, RFC 6775, RFC 8505): read and built.

One dataclass for each, with the RFC's field names and a `build`; `parse` reads an ICMPv6 message. Reserved bits are
ignored when read and zero when built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sixlowpan.errors import UNSUPPORTED, DecodeError, truncated
from sixlowpan.ipv6 import icmpv6
from sixlowpan.nd.options import Option, options

RS, RA, NS, NA, DAR, DAC = 133, 134, 135, 136, 157, 158


def _join(given: Iterable[Option]) -> bytes:
    return b"".join(option.build() for option in given)


@dataclass(frozen=True, slots=True)
class RouterSolicitation:
    """RFC 4861 section 4.1."""

    options: tuple[Option, ...] = ()

    def build(self, src: bytes, dst: bytes) -> bytes:
        """The ICMPv6 message with its checksum."""
        return icmpv6(RS, 0, bytes(4) + _join(self.options), src, dst)


@dataclass(frozen=True, slots=True)
class RouterAdvertisement:
    """RFC 4861 section 4.2."""

    hop_limit: int = 64
    managed: bool = False
    other: bool = False
    router_lifetime: int = 1800
    reachable_time: int = 0
    retrans_timer: int = 0
    options: tuple[Option, ...] = ()

    def build(self, src: bytes, dst: bytes) -> bytes:
        """The ICMPv6 message with its checksum."""
        start = bytes((self.hop_limit, self.managed << 7 | self.other << 6)) + self.router_lifetime.to_bytes(
            2, "big"
        )
        timers = self.reachable_time.to_bytes(4, "big") + self.retrans_timer.to_bytes(4, "big")
        return icmpv6(RA, 0, start + timers + _join(self.options), src, dst)


@dataclass(frozen=True, slots=True)
class NeighborSolicitation:
    """RFC 4861 section 4.3."""

    target: bytes
    options: tuple[Option, ...] = ()

    def build(self, src: bytes, dst: bytes) -> bytes:
        """The ICMPv6 message with its checksum."""
        return icmpv6(NS, 0, bytes(4) + self.target + _join(self.options), src, dst)


@dataclass(frozen=True, slots=True)
class NeighborAdvertisement:
    """RFC 4861 section 4.4."""

    target: bytes
    router: bool = False
    solicited: bool = True
    override: bool = True
    options: tuple[Option, ...] = ()

    def build(self, src: bytes, dst: bytes) -> bytes:
        """The ICMPv6 message with its checksum."""
        flags = self.router << 7 | self.solicited << 6 | self.override << 5
        return icmpv6(NA, 0, bytes((flags, 0, 0, 0)) + self.target + _join(self.options), src, dst)


@dataclass(frozen=True, slots=True)
class DuplicateAddress:
    """DAR (157) or DAC (158), RFC 6775 section 4.4; EDAR or EDAC with a code (RFC 8505 section 4.2)."""

    type: int
    address: bytes
    rovr: bytes
    lifetime: int = 0
    status: int = 0
    tid: int = 0
    code: int = 0

    def build(self, src: bytes, dst: bytes) -> bytes:
        """The ICMPv6 message with its checksum."""
        body = bytes((self.status, self.tid)) + self.lifetime.to_bytes(2, "big") + self.rovr + self.address
        return icmpv6(self.type, self.code, body, src, dst)


Message = (
    RouterSolicitation | RouterAdvertisement | NeighborSolicitation | NeighborAdvertisement | DuplicateAddress
)


def _router_solicitation(data: bytes) -> Message:
    return RouterSolicitation(tuple(options(data, 8)))


def _router_advertisement(data: bytes) -> Message:
    lifetime, reachable = int.from_bytes(data[6:8], "big"), int.from_bytes(data[8:12], "big")
    flags, retrans = data[5], int.from_bytes(data[12:16], "big")
    found = tuple(options(data, 16))
    return RouterAdvertisement(
        data[4], bool(flags & 0x80), bool(flags & 0x40), lifetime, reachable, retrans, found
    )


def _neighbor_solicitation(data: bytes) -> Message:
    return NeighborSolicitation(data[8:24], tuple(options(data, 24)))


def _neighbor_advertisement(data: bytes) -> Message:
    flags = data[4]
    found = tuple(options(data, 24))
    return NeighborAdvertisement(
        data[8:24], bool(flags & 0x80), bool(flags & 0x40), bool(flags & 0x20), found
    )


def _duplicate_address(data: bytes) -> Message:
    # RFC 8505 4.2: the code suffix 1..4 gives a ROVR of 64..256 bits; a DAR of RFC 6775 has code 0
    suffix = max(data[1] & 15, 1)
    size = 8 * suffix
    if suffix > 4:
        raise DecodeError(UNSUPPORTED, 1, "RFC8505-4.2-01", f"code suffix {suffix} is not assigned")
    if len(data) < 8 + size + 16:
        raise truncated(len(data), "RFC8505-4.2-01", "the message")
    # RFC 6775 8.2.1: "All included options have a length that is greater than zero"; none has a meaning here
    options(data, 24 + size)
    lifetime = int.from_bytes(data[6:8], "big")
    rovr, address = data[8 : 8 + size], data[8 + size : 24 + size]
    return DuplicateAddress(data[0], address, rovr, lifetime, data[4], data[5], data[1])


_PARSERS: Final[dict[int, tuple[int, Callable[[bytes], Message]]]] = {
    RS: (8, _router_solicitation),
    RA: (16, _router_advertisement),
    NS: (24, _neighbor_solicitation),
    NA: (24, _neighbor_advertisement),
    DAR: (32, _duplicate_address),
    DAC: (32, _duplicate_address),
}


def parse(data: bytes) -> Message:
    """The message in the octets of an ICMPv6 message; DecodeError "unsupported" if it is none of ND's."""
    if len(data) < 4:
        raise truncated(len(data), None, "the ICMPv6 header")
    if data[0] not in _PARSERS:
        raise DecodeError(
            UNSUPPORTED, 0, None, f"ICMPv6 type {data[0]} is no message of Neighbor Discovery here"
        )
    least, parser = _PARSERS[data[0]]
    if len(data) < least:
        raise truncated(len(data), None, "the message")
    return parser(data)
