"""Routing headers: where a packet is going in the end, which is what an upper-layer checksum covers.

RFC 8200 section 8.1: "If the IPv6 packet contains a Routing header, the Destination Address used in the pseudo-header
is that of the final destination. At the originating node, that address will be in the last element of the Routing
header; at the recipient(s), that address will be in the Destination Address field of the IPv6 header." In between it is
still in the Routing header: Segments Left tells the cases apart.
"""

from __future__ import annotations

from collections.abc import Iterable

SOURCE_ROUTE, MOBILE, RPL = (
    0,
    2,
    3,
)  # Routing Types: RFC 2460 (deprecated by RFC 5095), RFC 6275 6.4, RFC 6554 3


def final_destination(packet: bytes | bytearray, routes: Iterable[int], destination: bytes) -> bytes | None:
    """The final destination of a packet with Routing headers at the offsets `routes`; None if one is not understood.

    `destination` (16 octets) is the Destination Address of the IPv6 header. A Routing header without segments left
    says nothing more.
    """
    for at in routes:
        if packet[at + 3]:
            found = _last(bytes(packet[at : at + 8 * (packet[at + 1] + 1)]), destination)
            if found is None:
                return None
            destination = found
    return destination


def _last(header: bytes, destination: bytes) -> bytes | None:
    """The last address of one Routing header."""
    if header[2] in {SOURCE_ROUTE, MOBILE}:
        return header[-16:] if len(header) >= 24 else None
    if header[2] == RPL:
        # RFC 6554 3: CmprE is the "Number of prefix octets from the last segment (i.e., segment n) that are
        # elided", Pad the "Number of octets that are used for padding after Address[n]"
        elided, end = header[4] & 15, len(header) - (header[5] >> 4)
        begin = end - (16 - elided)
        return destination[:elided] + header[begin:end] if begin >= 8 else None
    return None
