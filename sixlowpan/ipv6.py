"""IPv6 itself, as much of it as a judge of 6LoWPAN needs: build a packet, read a packet, checksum.

Building is strict and minimal; reading (`Packet`) is a view that never fails on strange extension headers:
it stops at the first header that it cannot pass. All addresses are 16 octets; RFC 8200, RFC 4443 and RFC
768 are the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sixlowpan.errors import MALFORMED, DecodeError, EncodeError

HEADER: Final = 40
HOP_BY_HOP: Final = 0
TCP: Final = 6
UDP: Final = 17
IPV6: Final = 41
ROUTING: Final = 43
FRAGMENT: Final = 44
ICMPV6: Final = 58
NO_NEXT_HEADER: Final = 59
DESTINATION: Final = 60
MOBILITY: Final = 135
_LENGTH_IN_8_OCTETS = {HOP_BY_HOP, ROUTING, DESTINATION, MOBILITY, 139, 140}  # 139 HIP, 140 Shim6 (RFC 7045)


def _sum(src: bytes, dst: bytes, next_header: int, data: bytes) -> int:
    """The one's complement sum of pseudo-header and data, as a number modulo 65535."""
    padded = data + b"\0" if len(data) & 1 else data
    # RFC 8200 8.1: pseudo-header = source, destination, 32-bit length, zero, next header. A sum of 16-bit
    # words with end-around carry is the value of the whole as one number, modulo 2^16 - 1.
    words = src + dst + padded
    return (int.from_bytes(words, "big") + len(data) + next_header) % 0xFFFF


def checksum(src: bytes, dst: bytes, next_header: int, data: bytes) -> int:
    """The upper-layer checksum (RFC 8200 section 8.1) over `data`, in which the checksum field is zero.

    For UDP a result of zero becomes 0xffff: "if that computation yields a result of zero, it must be
    changed to hex FFFF".
    """
    value = 0xFFFF - _sum(src, dst, next_header, data)
    if value == 0xFFFF:  # the sum was 0xffff (it cannot be zero: next_header is not): its complement is zero
        return 0xFFFF if next_header == UDP else 0
    return value


def checksum_holds(src: bytes, dst: bytes, next_header: int, data: bytes) -> bool:
    """True if `data`, with its checksum in place, sums up (and, for UDP, has a checksum at all)."""
    if next_header == UDP and data[6:8] == b"\0\0":
        return False
    return _sum(src, dst, next_header, data) == 0


def build(
    src: bytes,
    dst: bytes,
    next_header: int,
    payload: bytes,
    *,
    hop_limit: int = 64,
    traffic_class: int = 0,
    flow_label: int = 0,
) -> bytes:
    """An IPv6 packet; EncodeError if a field does not fit."""
    if len(src) != 16 or len(dst) != 16:
        raise EncodeError("an IPv6 address has 16 octets")
    if len(payload) > 0xFFFF or not 0 <= flow_label <= 0xFFFFF:
        raise EncodeError("payload up to 65535 octets, flow label up to 20 bits")
    if not all(0 <= octet <= 0xFF for octet in (next_header, hop_limit, traffic_class)):
        raise EncodeError("next header, hop limit and traffic class are octets")
    word = 6 << 28 | traffic_class << 20 | flow_label
    length = len(payload).to_bytes(2, "big")
    return word.to_bytes(4, "big") + length + bytes((next_header, hop_limit)) + src + dst + payload


def icmpv6(type_: int, code: int, body: bytes, src: bytes, dst: bytes) -> bytes:
    """An ICMPv6 message with its checksum: `body` is all that follows the checksum (RFC 4443 section 2.1)."""
    zeroed = bytes((type_, code, 0, 0)) + body
    return zeroed[:2] + checksum(src, dst, ICMPV6, zeroed).to_bytes(2, "big") + body


def echo_request(
    src: bytes,
    dst: bytes,
    identifier: int,
    sequence: int,
    data: bytes,
    *,
    hop_limit: int = 64,
    traffic_class: int = 0,
    flow_label: int = 0,
) -> bytes:
    """A whole packet with an ICMPv6 Echo Request (RFC 4443 section 4.1)."""
    body = identifier.to_bytes(2, "big") + sequence.to_bytes(2, "big") + data
    message = icmpv6(128, 0, body, src, dst)
    return build(
        src,
        dst,
        ICMPV6,
        message,
        hop_limit=hop_limit,
        traffic_class=traffic_class,
        flow_label=flow_label,
    )


def udp(src_port: int, dst_port: int, data: bytes, src: bytes, dst: bytes) -> bytes:
    """A UDP datagram (header and data) with its checksum (RFC 768)."""
    ports = src_port.to_bytes(2, "big") + dst_port.to_bytes(2, "big")
    length = (8 + len(data)).to_bytes(2, "big")
    value = checksum(src, dst, UDP, ports + length + b"\0\0" + data)
    return ports + length + value.to_bytes(2, "big") + data


def check(packet: bytes, offset: int = 0) -> None:
    """DecodeError unless `packet` is one whole IPv6 packet; `offset` is where it begins in its payload."""
    if len(packet) < HEADER:
        raise DecodeError(MALFORMED, offset + len(packet), "RFC4944-5.1-05", "an IPv6 header has 40 octets")
    if packet[0] >> 4 != 6:
        raise DecodeError(MALFORMED, offset, "RFC4944-5.1-05", f"IP version is {packet[0] >> 4}, not 6")
    length = packet[4] << 8 | packet[5]
    if length != len(packet) - HEADER:
        message = f"Payload Length says {length}, {len(packet) - HEADER} octets follow the header"
        raise DecodeError(MALFORMED, offset + 4, "RFC4944-5.1-05", message)


@dataclass(frozen=True, slots=True)
class Packet:
    """The fields of one IPv6 packet (RFC 8200 section 3)."""

    traffic_class: int
    flow_label: int
    next_header: int
    hop_limit: int
    src: bytes
    dst: bytes
    payload: bytes

    @classmethod
    def parse(cls, packet: bytes) -> Packet:
        """Read a whole packet; DecodeError if it is none."""
        check(packet)
        word = int.from_bytes(packet[:4], "big")
        return cls(
            word >> 20 & 0xFF, word & 0xFFFFF, packet[6], packet[7], packet[8:24], packet[24:40], packet[40:]
        )

    @property
    def dscp(self) -> int:
        """The upper six bits of the traffic class (RFC 2474)."""
        return self.traffic_class >> 2

    @property
    def ecn(self) -> int:
        """The lower two bits of the traffic class (RFC 3168)."""
        return self.traffic_class & 3

    def upper(self) -> tuple[int, int, bytes]:
        """(protocol, its offset in the packet, its octets) behind the extension headers.

        Stops at a fragment that is not the first (its octets are a middle part of something), at a truncated
        extension header, and at anything unknown: then the protocol is that header's own number.
        """
        protocol, at, data = self.next_header, 0, self.payload
        while at + 8 <= len(data):
            if protocol in _LENGTH_IN_8_OCTETS:
                size = 8 * (data[at + 1] + 1)
            elif protocol == FRAGMENT and int.from_bytes(data[at + 2 : at + 4], "big") >> 3 == 0:
                size = 8
            elif protocol == 51:  # AH counts in 4-octet units, minus 2 (RFC 4302 section 2.2)
                size = 4 * (data[at + 1] + 2)
            else:
                break
            if at + size > len(data):
                break
            protocol, at = data[at], at + size
        return protocol, HEADER + at, data[at:]
