"""LOWPAN_NHC (RFC 6282 section 4): the headers behind the IPv6 header, decoder side.

Strategy: UDP straight behind IPHC, by far the commonest, has its own path in `codec` with the tables given
here. Any other chain (extension headers, IPv6 in IPv6, GHC) is written into one growing buffer; each step
fills in the next header field that the step before left open, and the lengths of all IPv6 headers are
filled in at the end, when the size of the whole is known (from the frame, or from datagram_size in a first
fragment).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sixlowpan import ghc, iphc, routing
from sixlowpan.contexts import Contexts
from sixlowpan.errors import MALFORMED, RESERVED, UNSUPPORTED, DecodeError, truncated
from sixlowpan.ipv6 import DESTINATION, FRAGMENT, HOP_BY_HOP, ICMPV6, MOBILITY, ROUTING, UDP, checksum
from sixlowpan.ipv6 import IPV6 as PROTOCOL_IPV6
from sixlowpan.link import LinkInfo

# RFC 6282 4.2: EID -> protocol number; 5 and 6 are reserved, 7 is an IPv6 header
EXTENSIONS: Final = (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION, MOBILITY)
EID_OF: Final = {protocol: eid for eid, protocol in enumerate(EXTENSIONS)}
EID_REQUIREMENT: Final = tuple(f"RFC6282-4.2-{3 + eid:02}" for eid in range(8))
PADDED: Final = {HOP_BY_HOP, DESTINATION}  # those that have Pad1 and PadN
EXT: Final = "extension header"
INNER: Final = "IPv6 header"
UDP_NHC: Final = "UDP"
EXT_GHC: Final = "extension header GHC"
UDP_GHC: Final = "UDP GHC"
ICMPV6_GHC: Final = "ICMPv6 GHC"
UNKNOWN: Final = "unassigned"
EID_RESERVED: Final = "reserved EID"


def _kind(octet: int) -> str:
    if octet >> 4 == 0b1110:  # 1110 EID NH
        eid = octet >> 1 & 7
        return EXT if eid < 5 else INNER if eid == 7 else EID_RESERVED
    if octet >> 3 == 0b11110:  # 11110 C P
        return UDP_NHC
    if octet >> 3 == 0b10110:  # RFC 7400 4: 10110EEN
        return EXT_GHC
    if octet >> 3 == 0b11010:  # RFC 7400 3.1: 11010 C P
        return UDP_GHC
    return ICMPV6_GHC if octet == 0b11011111 else UNKNOWN


KIND: Final = tuple(_kind(octet) for octet in range(256))
PORT_OCTETS: Final = (4, 3, 3, 1)  # RFC 6282 4.3.3, by P
# octets in-line by the low three bits of the NHC octet (C, P)
UDP_OCTETS: Final = tuple(PORT_OCTETS[low & 3] + (0 if low & 4 else 2) for low in range(8))
# P=11: "First 12 bits of both Source Port and Destination Port are 0xf0b and elided"
SHORT_PORTS: Final = tuple(bytes((0xF0, 0xB0 | octet >> 4, 0xF0, 0xB0 | octet & 15)) for octet in range(256))
MAX_SIZE: Final = 0xFFFF + 40
PADS: Final = (b"", b"\0", *(bytes((1, size - 2)) + bytes(size - 2) for size in range(2, 8)))  # Pad1, PadN


class Expanded(NamedTuple):
    """A decompressed datagram, or its first part, and what can only be filled in when all of it is there."""

    octets: bytes
    headers: int  # how many of the octets came out of compressed headers
    consumed: int  # offset in the payload of the first octet behind the compressed headers
    checksum_at: int  # offset of an elided UDP checksum still to be computed, or 0
    addresses: tuple[bytes, bytes]  # the source and the final destination that this checksum covers


def ports(data: bytes, at: int, p: int) -> bytes:
    """The four octets of both UDP ports from their in-line form P at `data[at]`."""
    if p == 0:
        return data[at : at + 4]
    if p == 3:
        return SHORT_PORTS[data[at]]
    if p == 1:
        return data[at : at + 2] + b"\xf0" + data[at + 2 : at + 3]
    return b"\xf0" + data[at : at + 3]


def elided_checksum(link: LinkInfo, at: int) -> None:
    """DecodeError unless an integrity check is known to have been in place."""
    if not link.integrity:
        # RFC 6282 4.3.2: "If the decompressor cannot unambiguously determine the presence of an integrity
        # check or verification fails, the decompressor MUST drop the packet."
        message = "the UDP checksum is elided, and no integrity check is known"
        raise DecodeError(UNSUPPORTED, at, "RFC6282-4.3.2-12", message)


def expand(header: iphc.Header, data: bytes, link: LinkInfo, contexts: Contexts, size: int = 0) -> Expanded:
    """Decompress what follows an IPHC header with NH=1, and join it all.

    `size` is datagram_size when `data` holds a first fragment, 0 when it holds the whole datagram.
    """
    word, _, hop_limit, src, dst, at = header
    out = bytearray(word + b"\0\0\0" + bytes((hop_limit,)) + src + dst)
    next_header_at = 6
    starts = [0]  # of the IPv6 headers
    udp_at = checksum_at = 0
    routes: list[int] = []  # offsets of the Routing headers behind the innermost IPv6 header
    covered: tuple[bytes, bytes] | None = None  # what the pseudo-header of an elided checksum has
    packed = False  # GHC runs to the end of the payload
    while next_header_at:
        if at >= len(data):
            raise truncated(at, "RFC6282-4-02", "the header chain: an NHC octet must follow")
        if len(out) > MAX_SIZE:
            raise DecodeError(
                MALFORMED, at, "RFC6282-3.2-03", "the headers alone exceed the largest IPv6 packet"
            )
        octet = data[at]
        kind = KIND[octet]
        if kind in {EXT, EXT_GHC}:
            protocol = EXTENSIONS[octet >> 1 & (7 if kind == EXT else 3)]
            out[next_header_at] = protocol
            next_header_at = 0 if not octet & 1 else len(out)
            if protocol == ROUTING:
                routes.append(len(out))
            if kind == EXT:
                at = _extension(out, data, at, protocol)
            else:
                at = _extension_ghc(out, data, at, protocol, src + dst)
        elif kind == INNER:
            # RFC 6282 4.2: "The following bytes MUST be encoded using LOWPAN_IPHC". The NH bit "is unused".
            out[next_header_at] = PROTOCOL_IPV6
            if at + 1 >= len(data):
                raise truncated(at + 1, "RFC6282-4.2-19", "the header chain: an IPHC encoding must follow")
            if data[at + 1] >> 5 != 3:
                raise DecodeError(
                    MALFORMED, at + 1, "RFC6282-4.2-19", f"{data[at + 1]:#04x} is no IPHC encoding"
                )
            word, protocol, hop_limit, src, dst, at = iphc.expand(data, at + 1, link, contexts, (src, dst))
            next_header_at = 0 if protocol >= 0 else len(out) + 6
            starts.append(len(out))
            routes.clear()
            out += word + b"\0\0" + bytes((max(protocol, 0), hop_limit)) + src + dst
        elif kind in {UDP_NHC, UDP_GHC}:
            out[next_header_at] = UDP
            if len(data) < at + 1 + UDP_OCTETS[octet & 7]:
                raise truncated(len(data), "RFC6282-4.3.3-07", "the UDP fields that NHC leaves in-line")
            udp_at = len(out)
            out += ports(data, at + 1, octet & 3) + b"\0\0"
            end = at + 1 + UDP_OCTETS[octet & 7]
            if octet & 4:
                elided_checksum(link, at)
                checksum_at = len(out)
                final = routing.final_destination(out, routes, dst)
                if final is None:
                    message = "the UDP checksum is elided behind a Routing header whose final destination is unknown"
                    raise DecodeError(UNSUPPORTED, at, "RFC6282-4.3.2-09", message)
                out += b"\0\0"
                covered = src, final
            else:
                out += data[end - 2 : end]
            at, next_header_at, packed = end, 0, kind == UDP_GHC
        elif kind == ICMPV6_GHC:
            out[next_header_at] = ICMPV6
            at, next_header_at, packed = at + 1, 0, True
        elif kind == EID_RESERVED:
            message = f"NHC EID {octet >> 1 & 7} is reserved"
            raise DecodeError(RESERVED, at, EID_REQUIREMENT[octet >> 1 & 7], message)
        else:
            requirement = "RFC6282-5-02" if octet < 0xE0 else "RFC6282-5-03"
            raise DecodeError(UNSUPPORTED, at, requirement, f"NHC {octet:#04x} is unassigned")

    headers, consumed = len(out), at
    if packed:
        ghc.expand(data, at, src + dst, out, limit=size or MAX_SIZE)
        consumed = len(data)
    else:
        out += data[at:]
    return _fill_in(
        out, starts, udp_at, checksum_at, size, Expanded(b"", headers, consumed, 0, covered or (src, dst))
    )


def _fill_in(
    out: bytearray, starts: list[int], udp_at: int, checksum_at: int, size: int, found: Expanded
) -> Expanded:
    """Lengths and an elided checksum, now that the size of the whole is known."""
    total = size or len(out)
    if len(out) > total or total > MAX_SIZE:
        message = f"{len(out)} octets come out, {total} is the size of the datagram"
        raise DecodeError(MALFORMED, found.consumed, "RFC4944-5.3-10" if size else "RFC6282-3.2-03", message)
    for start in starts:
        out[start + 4 : start + 6] = (total - start - 40).to_bytes(2, "big")
    if udp_at:
        # RFC 6282 4.3.3: "The UDP Length field MUST always be elided and is inferred from lower layers"
        out[udp_at + 4 : udp_at + 6] = (total - udp_at).to_bytes(2, "big")
    if checksum_at and len(out) == total:
        src, dst = found.addresses
        out[checksum_at : checksum_at + 2] = checksum(src, dst, UDP, bytes(out[udp_at:])).to_bytes(2, "big")
        checksum_at = 0
    return found._replace(octets=bytes(out), checksum_at=checksum_at)


def _extension(out: bytearray, data: bytes, at: int, protocol: int) -> int:
    """Append the extension header whose NHC octet is `data[at]`; return the offset behind it."""
    octet = data[at]
    at += 1
    fixed = 1 if octet & 1 else 2  # [Next Header,] Length
    if len(data) < at + fixed:
        raise truncated(len(data), "RFC6282-4.2-13", "the extension header")
    next_header = 0 if octet & 1 else data[at]
    length_at = at + fixed - 1
    length, begin = data[length_at], at + fixed
    if protocol == FRAGMENT:
        # RFC 8200 4.5: this header has no length, a Reserved octet stands there. RFC 6282 4.2 changes the
        # "Length field" only, so the octet is the Reserved one, "carried unmodified". Some compressors
        # write a length of 6; as Reserved is "initialized to zero for transmission" that can be told apart
        # and is read as 0.
        reserved, length, requirement = 0 if length == 6 else length, 6, EID_REQUIREMENT[2]
    else:
        reserved, requirement = 0, "RFC6282-4.2-13"
    if len(data) < begin + length:
        raise truncated(len(data), requirement, "the extension header")
    missing = -(2 + length) % 8
    if missing and protocol not in PADDED:
        message = f"{length} octets behind the Length field do not end on a multiple of 8, and no padding exists here"
        raise DecodeError(MALFORMED, length_at, requirement, message)
    hdr_ext_len = reserved if protocol == FRAGMENT else (2 + length + missing) // 8 - 1
    # RFC 6282 4.2: "A decompressor MUST ensure that the containing header is padded out to a multiple of 8
    # octets in length, using a Pad1 or PadN option if necessary."
    out += bytes((next_header, hdr_ext_len)) + data[begin : begin + length] + PADS[missing]
    return begin + length


def _extension_ghc(out: bytearray, data: bytes, at: int, protocol: int, addresses: bytes) -> int:
    """Append the GHC-compressed extension header whose NHC octet is `data[at]` (RFC 7400 section 3.2)."""
    octet = data[at]
    if not octet & 1 and at + 1 >= len(data):
        raise truncated(at + 1, "RFC7400-3.2-01", "the extension header")
    next_header = 0 if octet & 1 else data[at + 1]
    start, begin = len(out), at + (1 if octet & 1 else 2)
    out += bytes((next_header, 0))
    end = ghc.expand(data, begin, addresses, out, limit=start + 2 + 2048, stop=True)
    length = len(out) - start - 2
    missing = -(2 + length) % 8
    if missing and protocol not in PADDED:
        raise DecodeError(MALFORMED, at, "RFC7400-3.2-01", "the extension header is no multiple of 8 octets")
    out += PADS[missing]
    if len(out) - start > 2048 or (protocol == FRAGMENT and len(out) - start != 8):
        raise DecodeError(MALFORMED, at, "RFC7400-3.2-01", "the extension header has an impossible size")
    # "completely elide the Length field ... and reconstruct it only on decompression"
    out[start + 1] = 0 if protocol == FRAGMENT else (len(out) - start) // 8 - 1
    return end
