"""A small builder of packets and frames: fields packed by hand, as the figures of the RFCs draw them.

Strategy: vectors judge the oracle, so nothing here may come from it. Each function lays out one header with
`struct` and knows nothing of compression choices: a family says every bit (`iphc(sac=1, sam=2, ...)`), and
the in-line octets are its own affair. What is computed (checksums, addresses from contexts and link addresses)
is written out once more from the RFC text.
"""

from __future__ import annotations

import ipaddress
import struct

ICMPV6, UDP, TCP, NO_NEXT = 58, 17, 6, 59


def addr(text: str) -> bytes:
    """16 octets of an IPv6 address."""
    return ipaddress.IPv6Address(text).packed


def checksum(src: bytes, dst: bytes, protocol: int, data: bytes) -> int:
    """The Internet checksum over the IPv6 pseudo-header (RFC 8200 §8.1)."""
    total = src + dst + struct.pack("!IxxxB", len(data), protocol) + data
    if len(total) % 2:
        total += b"\0"
    value: int = sum(struct.unpack(f"!{len(total) // 2}H", total))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return value ^ 0xFFFF


def ipv6(
    payload: bytes, protocol: int, src: bytes, dst: bytes, *, hop_limit: int = 64, tc: int = 0, flow: int = 0
) -> bytes:
    """An IPv6 packet (RFC 8200 §3); `payload` includes extension headers, if any."""
    first = 6 << 28 | tc << 20 | flow
    return struct.pack("!IHBB", first, len(payload), protocol, hop_limit) + src + dst + payload


def echo(
    src: bytes, dst: bytes, data: bytes = b"keyhole!", *, identifier: int = 0x4B48, sequence: int = 1
) -> bytes:
    """An ICMPv6 echo request with its checksum (RFC 4443 §4.1)."""
    head = struct.pack("!BBHHH", 128, 0, 0, identifier, sequence)
    value = checksum(src, dst, ICMPV6, head + data)
    return head[:2] + struct.pack("!H", value) + head[4:] + data


def udp(src: bytes, dst: bytes, sport: int, dport: int, data: bytes = b"keyhole!") -> bytes:
    """A UDP datagram with its checksum; a computed 0 is sent as ffff (RFC 768, RFC 8200 §8.1)."""
    head = struct.pack("!HHH", sport, dport, 8 + len(data))
    value = checksum(src, dst, UDP, head + b"\0\0" + data) or 0xFFFF
    return head + struct.pack("!H", value) + data


def iphc(
    inline: bytes = b"",
    *,
    tf: int = 3,
    nh: int = 0,
    hlim: int = 2,
    cid: int | None = None,
    sac: int = 0,
    sam: int = 0,
    m: int = 0,
    dac: int = 0,
    dam: int = 0,
) -> bytes:
    """LOWPAN_IPHC (RFC 6282 Figure 2), with the context octet if `cid` is given, and the in-line fields."""
    first = 0b011 << 5 | tf << 3 | nh << 2 | hlim
    second = (cid is not None) << 7 | sac << 6 | sam << 4 | m << 3 | dac << 2 | dam
    return bytes((first, second, *(() if cid is None else (cid,)))) + inline


def to_group(group: str, dam: int, inline: str, source: bytes) -> tuple[bytes, bytes]:
    """An echo to a group: the payload with this DAM and these octets (hex) in-line, and the packet that it means."""
    target = addr(group)
    data = echo(source, target)
    payload = iphc(bytes((ICMPV6,)) + bytes.fromhex(inline), sam=3, m=1, dam=dam) + data
    return payload, ipv6(data, ICMPV6, source, target)


def iid(link_address: str) -> bytes:
    """IID of a link address (RFC 6282 §3.2.2; for the 6 octets of a Bluetooth device, RFC 7668 §3.2.2)."""
    octets = bytes.fromhex(link_address)
    if len(octets) == 8:
        return bytes((octets[0] ^ 0x02,)) + octets[1:]
    if len(octets) == 2:
        return bytes.fromhex("000000fffe00") + octets
    return octets[:3] + bytes.fromhex("fffe") + octets[3:]


def link_local(link_address: str) -> bytes:
    """fe80::/64 and the IID of a link address."""
    return bytes.fromhex("fe80000000000000") + iid(link_address)


def with_context(prefix: str, low: bytes) -> bytes:
    """A stateful unicast address: context bits always, IID bits not covered from `low`, the rest zero."""
    network = ipaddress.IPv6Network(prefix)
    covered = int(network.netmask)
    return (int(network.network_address) | int.from_bytes(low, "big") & ~covered & (2**128 - 1)).to_bytes(
        16, "big"
    )


def short_iid(low: int) -> bytes:
    """The 16-bit to IID mapping 0000:00ff:fe00:XXXX."""
    return bytes.fromhex("000000fffe00") + struct.pack("!H", low)


def frag1(size: int, tag: int, data: bytes) -> bytes:
    """A first fragment (RFC 4944 Figure 4)."""
    return struct.pack("!HH", 0b11000 << 11 | size, tag) + data


def fragn(size: int, tag: int, units: int, data: bytes) -> bytes:
    """A subsequent fragment (RFC 4944 Figure 5); `units` of 8 octets."""
    return struct.pack("!HHB", 0b11100 << 11 | size, tag, units) + data


def mesh(origin: str, final: str, hops: int = 5, *, deep: int | None = None) -> bytes:
    """A mesh addressing header (RFC 4944 Figure 3); `deep` is the Deep Hops Left octet."""
    v, f = len(origin) == 4, len(final) == 4
    left = 0xF if deep is not None else hops
    more = b"" if deep is None else bytes((deep,))
    return bytes((0b10 << 6 | v << 5 | f << 4 | left,)) + more + bytes.fromhex(origin + final)
