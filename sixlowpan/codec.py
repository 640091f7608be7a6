"""decode and encode: one unfragmented payload to a packet and back.

Strategy: the hot path (IPHC, and UDP by NHC straight behind it) is written out here, on tables made once;
everything else (other NHC chains, HC1, headers in front) goes to the module of its document part. Nothing
is kept between calls.
"""

from __future__ import annotations

from sixlowpan import compress, dispatch, hc1, iphc, ipv6, mesh, nhc
from sixlowpan.contexts import NO_CONTEXTS, Contexts
from sixlowpan.errors import MALFORMED, UNSUPPORTED, DecodeError, EncodeError, truncated
from sixlowpan.link import BLE, LinkInfo
from sixlowpan.nhc import Expanded

_MAX_PAYLOAD = 0xFFFF
_UDP_HEADER = tuple(bytes((ipv6.UDP, hop_limit)) for hop_limit in range(256))


def decode(payload: bytes, link: LinkInfo, contexts: Contexts = NO_CONTEXTS) -> bytes:
    """The IPv6 packet that one unfragmented payload stands for; DecodeError if it stands for none.

    Mesh and broadcast headers in front are passed, and the mesh addresses take the place of the link's.
    Fragments are refused: they go through a Reassembler.
    """
    if payload and payload[0] >> 5 == 3:
        return _iphc(payload, 0, link, contexts)
    at, link = mesh.unwrap(payload, link)
    if dispatch.KIND[payload[at]] in {dispatch.FRAG1, dispatch.FRAGN}:
        raise fragment_refusal(at, link)
    return datagram(payload, at, link, contexts)


def fragment_refusal(at: int, link: LinkInfo) -> DecodeError:
    """The error for a fragment where a whole datagram must stand."""
    if link.kind == BLE:
        # RFC 7668 3: "Fragmentation features from 6LoWPAN standards are not used"
        return DecodeError(UNSUPPORTED, at, "RFC7668-3-01", "RFC 4944 fragments are not used on Bluetooth LE")
    return DecodeError(
        UNSUPPORTED, at, None, "a fragment is no whole datagram: it goes through a Reassembler"
    )


def datagram(data: bytes, at: int, link: LinkInfo, contexts: Contexts) -> bytes:
    """The packet of the datagram whose dispatch octet is `data[at]`, to the end of `data`."""
    at = _past_paging(data, at)
    octet = data[at]
    if octet >> 5 == 3:
        return _iphc(data, at, link, contexts)
    if octet == 0x41:
        return _uncompressed(data, at + 1)
    if octet == 0x42:
        return hc1.expand(data, at + 1, link).octets
    raise dispatch.refusal(data, at, at == 0)


def first_part(data: bytes, at: int, link: LinkInfo, contexts: Contexts, size: int = 0) -> Expanded:
    """What the datagram at `data[at]` comes to, where it may be only the first part of `size` octets (FRAG1).

    With size 0 it is the whole datagram. This is the slow and talkative twin of `datagram`.
    """
    at = _past_paging(data, at)
    octet = data[at]
    if octet >> 5 == 3:
        header = iphc.expand(data, at, link, contexts)
        if header[1] < 0:
            return nhc.expand(header, data, link, contexts, size)
        word, next_header, hop_limit, src, dst, behind = header
        total = size or 40 + len(data) - behind
        if 40 + len(data) - behind > total or total > _MAX_PAYLOAD + 40:
            raise _too_long(behind, 40 + len(data) - behind, total, size)
        octets = (
            word
            + (total - 40).to_bytes(2, "big")
            + bytes((next_header, hop_limit))
            + src
            + dst
            + data[behind:]
        )
        return Expanded(octets, 40, behind, 0, (src, dst))
    if octet == 0x41:
        packet = data[at + 1 :]
        if not size:
            packet = _uncompressed(data, at + 1)
        else:
            _check_first_part(packet, at + 1, size)
        return Expanded(packet, 0, at + 1, 0, (packet[8:24], packet[24:40]))
    if octet == 0x42:
        return hc1.expand(data, at + 1, link, size)
    raise dispatch.refusal(data, at, at == 0)


def encode(packet: bytes, link: LinkInfo, contexts: Contexts = NO_CONTEXTS, *, ghc: bool = False) -> bytes:
    """The smallest legal payload for a packet: always IPHC, NHC wherever it exists; the UDP checksum stays.

    `ghc`: the receiver is known to read GHC, by its 6CIO, by GHC received from it, or by administration (RFC 7400
    section 3.3); what is smaller by GHC goes by GHC. EncodeError if `packet` is not one whole IPv6 packet.
    """
    check_packet(packet)
    if ghc:
        return compress.chain(packet, link, contexts, packed=True)
    next_header = packet[6]
    if next_header == ipv6.UDP and len(packet) >= 48 and packet[44:46] == packet[4:6]:
        return compress.header(packet, 0, link, contexts, None, True) + compress.udp(packet, 40) + packet[46:]
    if next_header in compress.CHAINED:
        return compress.chain(packet, link, contexts)
    return compress.header(packet, 0, link, contexts, None, False) + packet[40:]


def check_packet(packet: bytes) -> None:
    """EncodeError unless `packet` is one whole IPv6 packet."""
    size = len(packet)
    if size < 40 or packet[0] >> 4 != 6 or packet[4] << 8 | packet[5] != size - 40:
        # RFC 6282 3.2: "The Version field is always elided"; Payload Length "MUST always be elided and
        # inferred"
        raise EncodeError(
            "not one whole IPv6 packet: 40 octets, version 6 and a Payload Length that fits are needed"
        )


def _iphc(data: bytes, at: int, link: LinkInfo, contexts: Contexts) -> bytes:
    """The packet of a whole IPHC datagram."""
    header = iphc.expand(data, at, link, contexts)
    word, next_header, hop_limit, src, dst, behind = header
    if next_header >= 0:
        rest = data[behind:]
        if len(rest) > _MAX_PAYLOAD:
            raise _too_long(behind, 40 + len(rest), 40 + len(rest), 0)
        return b"".join((word, len(rest).to_bytes(2, "big"), bytes((next_header, hop_limit)), src, dst, rest))
    if behind >= len(data) or data[behind] >> 3 != 0b11110 or data[behind] & 4:
        return nhc.expand(header, data, link, contexts).octets
    p = data[behind] & 3
    tail_at = behind + 1 + nhc.PORT_OCTETS[p]
    tail = data[tail_at:]  # checksum and UDP data
    if len(tail) < 2:
        raise truncated(len(data), "RFC6282-4.3.3-07", "the UDP fields that NHC leaves in-line")
    if len(tail) + 6 > _MAX_PAYLOAD:
        raise _too_long(behind, 46 + len(tail), 46 + len(tail), 0)
    length = (len(tail) + 6).to_bytes(2, "big")
    ports = nhc.ports(data, behind + 1, p)
    return b"".join((word, length, _UDP_HEADER[hop_limit], src, dst, ports, length, tail))


def _past_paging(data: bytes, at: int) -> int:
    """The offset of the dispatch octet behind page switches (RFC 8025); only IPHC is known outside page 0."""
    page = 0
    start = at
    while at < len(data) and data[at] >= 0xF0:  # 1111xxxx: "valid in every page"
        page = data[at] & 15
        at += 1
    if at >= len(data):
        raise truncated(at, "RFC4944-5-03", "the header stack: a dispatch octet must follow")
    value = data[at]
    if page == 0 or (page == 1 and value >> 5 == 3):
        if at > start and dispatch.KIND[value] in {
            dispatch.MESH,
            dispatch.FRAG1,
            dispatch.FRAGN,
            dispatch.BC0,
        }:
            raise DecodeError(
                MALFORMED, at, "RFC8025-4-02", f"{dispatch.KIND[value]} comes behind a page switch"
            )
        return at
    raise dispatch.page_refusal(page, value, at)


def _uncompressed(data: bytes, at: int) -> bytes:
    """The packet behind the dispatch octet 0x41; octets behind its end are no part of it, and no text refuses them."""
    packet = data[at:]
    if len(packet) >= ipv6.HEADER:
        packet = packet[: ipv6.HEADER + (packet[4] << 8 | packet[5])]
    ipv6.check(packet, at)
    return packet


def _check_first_part(packet: bytes, offset: int, size: int) -> None:
    """An uncompressed packet that begins in a first fragment: what of its header is there must fit `size`."""
    if packet and packet[0] >> 4 != 6:
        raise DecodeError(MALFORMED, offset, "RFC4944-5.1-05", f"IP version is {packet[0] >> 4}, not 6")
    if len(packet) >= 6 and packet[4] << 8 | packet[5] != size - 40:
        # RFC 4944 5.3: datagram_size "SHALL be 40 octets ... more than the value of Payload Length"
        message = f"Payload Length is {packet[4] << 8 | packet[5]}, datagram_size {size}"
        raise DecodeError(MALFORMED, offset + 4, "RFC4944-5.3-10", message)
    if len(packet) > size:
        raise _too_long(offset, len(packet), size, size)


def _too_long(offset: int, octets: int, total: int, size: int) -> DecodeError:
    if size:
        message = f"{octets} octets come out of a first fragment, datagram_size is {total}"
        return DecodeError(MALFORMED, offset, "RFC4944-5.3-20", message)
    return DecodeError(
        MALFORMED, offset, "RFC6282-3.2-03", f"{octets} octets are more than an IPv6 packet can have"
    )
