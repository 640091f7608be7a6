"""The packet mix that the benchmark decodes and encodes: what a small mesh really carries, and nothing exotic.

50 packets on IEEE 802.15.4, all unfragmented, all within what lwIP and scapy can do too (no traffic class, contexts of
64 bits, no extension headers), so that the same packets go through every codec:

* 20 ICMPv6 echoes between link-local addresses, all elided, 8 to 64 octets of data;
* 15 UDP datagrams between link-local addresses: CoAP's port, 0xf0bX ports, ephemeral ports;
* 10 UDP datagrams between global addresses under context 0 with the IIDs of the link addresses;
*  5 multicast UDP datagrams to ff02::1.
"""

from __future__ import annotations

from sixlowpan import Context, Contexts, LinkInfo, encode, ipv6
from sixlowpan.addresses import iid, link_local

SOURCE, DESTINATION = bytes.fromhex("02005e0000000001"), bytes.fromhex("02005e0000000002")
LINK = LinkInfo("ieee802154", src=SOURCE, dst=DESTINATION)
PREFIX = bytes.fromhex("20010db800000000")
CONTEXTS = Contexts({0: Context.parse("2001:db8::/64")})
ALL_NODES = bytes.fromhex("ff02") + bytes(13) + b"\x01"


def _udp(source: bytes, destination: bytes, ports: tuple[int, int], size: int) -> bytes:
    message = ipv6.udp(*ports, bytes(i * 7 & 0xFF for i in range(size)), source, destination)
    return ipv6.build(source, destination, 17, message)


def packets() -> list[bytes]:
    """The mix, always the same octets in the same order."""
    a, b = link_local(SOURCE), link_local(DESTINATION)
    ga, gb = PREFIX + iid(SOURCE), PREFIX + iid(DESTINATION)
    ports = [(5683, 5683), (0xF0B1, 0xF0B2), (49152, 5683), (0xF012, 0x1234), (0x1234, 0xF0FE)]
    mix = [ipv6.echo_request(a, b, 0x1234, n, bytes(range(8 + 3 * (n % 19)))) for n in range(20)]
    mix += [_udp(a, b, ports[n % 5], 10 + n) for n in range(15)]
    mix += [_udp(ga, gb, ports[n % 5], 20 + n) for n in range(10)]
    mix += [_udp(a, ALL_NODES, ports[n % 5], 12 + n) for n in range(5)]
    return mix


def payloads() -> list[bytes]:
    """The mix in its smallest forms."""
    return [encode(packet, LINK, CONTEXTS) for packet in packets()]
