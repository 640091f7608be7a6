"""LOWPAN_HC1 and HC_UDP (RFC 4944 section 10), decoder only.

RFC 6282 section 2: "New implementations MAY implement decompression according to Section 10 of [RFC4944]
but SHOULD NOT send". After the encoding octet(s) comes the Hop Limit, then what is left in-line as one
string of bits (the flow label has 20, a short port 4), padded with zero bits once, at its end (section 10).
"""

from __future__ import annotations

from typing import Final

from sixlowpan.addresses import LINK_LOCAL_PREFIX
from sixlowpan.errors import MALFORMED, UNSUPPORTED, DecodeError, truncated
from sixlowpan.link import LinkInfo
from sixlowpan.nhc import Expanded

NEXT_HEADERS: Final = (-1, 17, 58, 6)  # bits 5 and 6: in-line, UDP, ICMP, TCP
SHORT_PORT: Final = 0xF0B0  # "The value of P is the number 61616 (0xF0B0)"
_LONGEST: Final = 40 + 0xFFFF


class _Bits:
    """Takes bit fields one after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at * 8

    def take(self, count: int) -> int:
        end = self.at + count
        if end > len(self.data) * 8:
            raise truncated(len(self.data), "RFC4944-10.3.1-02", "the fields that HC1 leaves in-line")
        first, last = self.at // 8, -(-end // 8)
        self.at = end
        return int.from_bytes(self.data[first:last], "big") >> (last * 8 - end) & (1 << count) - 1

    def octets(self, count: int) -> bytes:
        return self.take(count * 8).to_bytes(count, "big")

    def align(self) -> int:
        """The offset of the next whole octet: "zero bits SHOULD be added as appropriate to align"."""
        self.at = -(-self.at // 8) * 8
        return self.at // 8


def expand(data: bytes, at: int, link: LinkInfo, size: int = 0) -> Expanded:
    """The packet of the HC1 datagram whose HC1 octet is `data[at]`; `size` as in `nhc.expand`."""
    if at >= len(data):
        raise truncated(at, "RFC4944-5.1-06", "the HC1 encoding")
    hc1, encoding_at = data[at], at
    next_header = NEXT_HEADERS[hc1 >> 1 & 3]
    hc_udp = None
    at += 1
    if hc1 & 1:
        if next_header != 17:
            # RFC 4944 10.2: HC_UDP "only applies if bits 5 and 6 in HC1 indicate that the protocol that
            # follows the IPv6 header is UDP"; no other HC2 encoding is defined
            raise DecodeError(
                UNSUPPORTED, encoding_at, "RFC4944-10.2-05", "HC2 for something that is not UDP"
            )
        if at >= len(data):
            raise truncated(at, "RFC4944-10.1-05", "the HC_UDP encoding")
        hc_udp = data[at]
        at += 1
    bits = _Bits(data, at)
    # RFC 4944 10.3.1: "The non-compressed IPv6 field that MUST be always present is the Hop Limit"
    hop_limit = bits.take(8)
    src = _address(bits, hc1 >> 6, link.src_iid, encoding_at)
    dst = _address(bits, hc1 >> 4 & 3, link.dst_iid, encoding_at)
    traffic = 0 if hc1 & 8 else bits.take(28)  # Traffic Class (8 bits), Flow Label (20 bits)
    if next_header < 0:
        next_header = bits.take(8)
    udp = b"" if hc_udp is None else _udp(bits, hc_udp)
    consumed = bits.align()
    headers = 40 + len(udp)
    total = size or headers + len(data) - consumed
    octets = headers + len(data) - consumed
    if octets > total or total > _LONGEST:
        message = f"{octets} octets come out, {total} is the size of the datagram"
        raise DecodeError(MALFORMED, consumed, "RFC4944-10.1-06", message)
    if udp:
        length = total - 40
        if hc_udp is not None and hc_udp & 0x20:
            # "The value of the UDP length field is equal to the Payload Length from the IPv6 header, minus
            # the length of any extension headers"; there are none between
            udp = udp[:4] + length.to_bytes(2, "big") + udp[6:]
    word = (6 << 28 | traffic).to_bytes(4, "big")
    header = word + (total - 40).to_bytes(2, "big") + bytes((next_header, hop_limit)) + src + dst
    return Expanded(header + udp + data[consumed:], headers, consumed, 0, (src, dst))


def _address(bits: _Bits, form: int, iid: bytes, encoding_at: int) -> bytes:
    """00: PI, II; 01: PI, IC; 10: PC, II; 11: PC, IC (section 10.1)."""
    prefix = LINK_LOCAL_PREFIX if form & 2 else bits.octets(8)
    if not form & 1:
        return prefix + bits.octets(8)
    if not iid:
        raise DecodeError(
            MALFORMED, encoding_at, "RFC4944-10.1-02", "the IID is elided, but the frame has no address"
        )
    return prefix + iid


def _udp(bits: _Bits, hc_udp: int) -> bytes:
    """The UDP header, its length zero if it is compressed. The checksum "is therefore carried in full"."""
    source = SHORT_PORT + bits.take(4) if hc_udp & 0x80 else bits.take(16)
    destination = SHORT_PORT + bits.take(4) if hc_udp & 0x40 else bits.take(16)
    length = 0 if hc_udp & 0x20 else bits.take(16)
    checksum = bits.take(16)
    return b"".join(value.to_bytes(2, "big") for value in (source, destination, length, checksum))
