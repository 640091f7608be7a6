"""The encoder: the smallest IPHC and NHC form of a packet (RFC 6282 sections 3 and 4).

Strategy: each field is made as small as it goes, independently. The CID octet is shared by both addresses but needs no
weighing: a context that makes an address smaller saves at least two octets, as in-line unicast forms have 16, 8, 2 or 0
and a group that a context fits goes from 16 to 6. An address form is (context identifier or -1, mode, in-line octets)
with mode SAC SAM 0..7 or M DAC DAM 0..15 as in `iphc`. The NHC chain is compressed as far as it goes without a gap:
"all headers encoded using the 6LoWPAN encoding format ... must be contiguous" (section 4.2); no NHC form is ever larger
than the plain header. For a receiver that reads GHC (RFC 7400), each extension header and the payload of UDP or ICMPv6
takes its GHC form if this is smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from sixlowpan import ghc, nhc
from sixlowpan import rfc7668 as ble
from sixlowpan.addresses import LINK_LOCAL_PREFIX, SHORT_IID_PREFIX, UNSPECIFIED
from sixlowpan.contexts import Context, Contexts
from sixlowpan.ipv6 import DESTINATION, FRAGMENT, HOP_BY_HOP, ICMPV6, IPV6, ROUTING, UDP
from sixlowpan.link import LinkInfo

CHAINED: Final = {UDP, IPV6, *nhc.EXTENSIONS}
#: RFC 7400 3.2 has EIDs 0 to 3. The Fragment header (2) stays with NHC: it has no Length field that GHC could
#: elide, and the text does not say what becomes of the octet at that place.
GHC_EXTENSIONS: Final = {HOP_BY_HOP, ROUTING, DESTINATION}
HLIM: Final = {1: 1, 64: 2, 255: 3}
_NO_TF: Final = b"\x60\0\0\0"
# RFC 6282 3.2.1: ECN first, so the traffic class is rotated right by two bits
ROTATED: Final = tuple(octet >> 2 | (octet & 3) << 6 for octet in range(256))
_ONE: Final = tuple(bytes((octet,)) for octet in range(256))
_LL_MULTICAST: Final = b"\xff\x02" + bytes(13)
_ZERO9, _ZERO11 = bytes(9), bytes(11)

Form = tuple[int, int, bytes]


def header(
    packet: bytes,
    at: int,
    link: LinkInfo,
    contexts: Contexts,
    outer: tuple[bytes, bytes] | None,
    compressed: bool,
) -> bytes:
    """The smallest IPHC encoding of the IPv6 header at `packet[at]`; `compressed`: an NHC octet will follow."""
    src, dst = packet[at + 8 : at + 24], packet[at + 24 : at + 40]
    if outer is None:
        src_iid, dst_iid = link.src_iid, link.dst_iid
    else:
        src_iid, dst_iid = outer[0][8:], outer[1][8:]
    registered = link if outer is None and link.role is not None else None

    if src[:8] == LINK_LOCAL_PREFIX and src[8:] == src_iid:
        source: Form = (-1, 3, b"")
    else:
        source = _source(src, src_iid, contexts, registered)
    if dst[:8] == LINK_LOCAL_PREFIX and dst[8:] == dst_iid:
        destination: Form = (-1, 3, b"")
    else:
        destination = _destination(dst, dst_iid, contexts, registered)
    cid = b""
    second = source[1] << 4 | destination[1]
    if source[0] > 0 or destination[0] > 0:
        second |= 0x80
        cid = _ONE[max(source[0], 0) << 4 | max(destination[0], 0)]

    word = packet[at : at + 4]
    next_header, hop_limit = packet[at + 6], packet[at + 7]
    first = 0x60 | HLIM.get(hop_limit, 0)
    inline = b"" if compressed else _ONE[next_header]
    if first & 3 == 0:
        inline += _ONE[hop_limit]
    if compressed:
        first |= 4
    if word == _NO_TF:
        return b"".join((_ONE[first | 0x18], _ONE[second], cid, inline, source[2], destination[2]))
    tf, octets = traffic(word)
    return b"".join((_ONE[first | tf << 3], _ONE[second], cid, octets, inline, source[2], destination[2]))


def traffic(word: bytes) -> tuple[int, bytes]:
    """(TF, in-line octets) for the first word of an IPv6 header, as small as it goes."""
    traffic_class = (word[0] & 15) << 4 | word[1] >> 4
    flow = bytes((word[1] & 15,)) + word[2:4]
    if flow == b"\0\0\0":
        return (2, _ONE[ROTATED[traffic_class]]) if traffic_class else (3, b"")
    if traffic_class < 4:  # DSCP is zero
        return 1, bytes((traffic_class << 6 | flow[0],)) + flow[1:]
    return 0, _ONE[ROTATED[traffic_class]] + flow


def unicast(address: bytes) -> tuple[int, bytes]:
    """The smallest stateless (mode, in-line octets), SAC=0 or M=0 DAC=0, of an address that cannot be elided."""
    if address[:8] != LINK_LOCAL_PREFIX:
        return 0, address
    low = address[8:]
    return (2, low[6:]) if low[:6] == SHORT_IID_PREFIX else (1, low)


def multicast(address: bytes) -> tuple[int, bytes]:
    """The smallest stateless (mode, in-line octets), M=1 DAC=0 (RFC 6282 section 3.2.3)."""
    if address[2:13] == _ZERO11:
        if address[:15] == _LL_MULTICAST:
            return 11, address[15:]
        return 10, address[1:2] + address[13:]
    return (9, address[1:2] + address[11:]) if address[2:11] == _ZERO9 else (8, address)


def stateful(
    address: bytes, iid: bytes, contexts: Contexts, link: LinkInfo | None
) -> Iterator[tuple[int, int, bytes]]:
    """Every (context, mode 1..3, in-line octets) for a unicast address, smallest first within one context.

    `link` is given where the modes are relative to registered addresses (RFC 7668 section 3.2.4). In-line
    bits that the context covers carry the address's own bits.
    """
    for identifier, context in contexts.usable():
        if not context.covers(address):
            continue
        registered = ble.latest(link, context) if link is not None and context.length < 128 else None
        if registered is not None:
            if registered == address:
                yield identifier, 3, b""
            if registered[:14] == address[:14]:
                yield identifier, 2, address[14:]
        elif link is None or context.length == 128:
            # RFC 6282 3.2.2: "MAY be elided if they match the link-layer address mapping and MUST NOT be
            # elided if they do not."
            if context.length == 128 or (iid and context.address(iid) == address):
                yield identifier, 3, b""
            if context.address(SHORT_IID_PREFIX + address[14:]) == address:
                yield identifier, 2, address[14:]
        if context.address(address[8:]) == address:
            yield identifier, 1, address[8:]


def group_prefix(address: bytes, context: Context) -> bool:
    """True if prefix length and prefix of a unicast-prefix-based group are those of the context (section 3.2.4).

    RFC 3306 section 4 has 64 bits for the prefix, so a longer context makes no such group: the decoder takes its
    length as it is, decoders differ there, and the encoder keeps out of it.
    """
    return address[3] == context.length <= 64 and address[4:12] == context.head


def _smaller(
    best: Form, address: bytes, iid: bytes, contexts: Contexts, link: LinkInfo | None, flag: int
) -> Form:
    """`best` or a smaller stateful form; context 0 before others of the same size."""
    if link is None and not contexts.long:
        # no registrations, no context beyond 64 bits: the first 8 octets decide
        identifier = contexts.heads.get(address[:8], -1)
        if identifier < 0:
            return best
        low = address[8:]
        if low == iid:
            return identifier, flag | 3, b""
        if low[:6] == SHORT_IID_PREFIX:
            return best if len(best[2]) <= 2 else (identifier, flag | 2, low[6:])
        return best if len(best[2]) <= 8 else (identifier, flag | 1, low)
    for identifier, mode, inline in stateful(address, iid, contexts, link):
        if len(inline) < len(best[2]):
            best = identifier, flag | mode, inline
    return best


def _source(address: bytes, iid: bytes, contexts: Contexts, link: LinkInfo | None) -> Form:
    if address == UNSPECIFIED:
        return -1, 4, b""  # SAC=1 SAM=00: "The UNSPECIFIED address, ::"
    return _unicast(address, iid, contexts, link if link is not None and link.role == "6LN" else None)


def _unicast(address: bytes, iid: bytes, contexts: Contexts, link: LinkInfo | None) -> Form:
    """`link` where this end of it may have registered the address (RFC 7668 section 3.2.4)."""
    mode, inline = unicast(address)
    if not contexts:
        return -1, mode, inline
    return _smaller((-1, mode, inline), address, iid, contexts, link, 4)


def _destination(address: bytes, iid: bytes, contexts: Contexts, link: LinkInfo | None) -> Form:
    if address[0] == 0xFF:
        mode, inline = multicast(address)
        if mode == 8:
            for identifier, context in contexts.usable():
                if group_prefix(address, context):
                    return identifier, 12, address[1:3] + address[12:]
        return -1, mode, inline
    return _unicast(address, iid, contexts, link if link is not None and link.role == "6LBR" else None)


def udp(packet: bytes, at: int) -> bytes:
    """NHC octet and ports of the UDP header at `packet[at]`, as small as it goes; the checksum follows as it is."""
    if packet[at + 2] == 0xF0:
        if packet[at] == 0xF0 and packet[at + 1] >> 4 == 0xB and packet[at + 3] >> 4 == 0xB:
            return bytes((0xF3, (packet[at + 1] & 15) << 4 | packet[at + 3] & 15))
        return b"\xf1" + packet[at : at + 2] + packet[at + 3 : at + 4]
    if packet[at] == 0xF0:
        return b"\xf2" + packet[at + 1 : at + 4]
    return b"\xf0" + packet[at : at + 4]


def segments(packet: bytes, *, icmpv6: bool = False) -> list[tuple[int, int, int]]:
    """The headers behind the IPv6 header that have an NHC form: (protocol, begin, end), up to the first without.

    With `icmpv6` the chain may end in (58, begin, begin): an ICMPv6 message, whose NHC form has GHC behind it.
    """
    found: list[tuple[int, int, int]] = []
    protocol, at, size = packet[6], 40, len(packet)
    whole = True  # False behind the header of an IPv6 fragment with more to come
    while protocol in CHAINED:
        if protocol == UDP:
            # the length is inferred, so it must be what will be inferred
            if whole and size - at >= 8 and packet[at + 4] << 8 | packet[at + 5] == size - at:
                found.append((UDP, at, at + 8))
            break
        if protocol == IPV6:
            if (
                size - at < 40
                or packet[at] >> 4 != 6
                or packet[at + 4] << 8 | packet[at + 5] != size - at - 40
            ):
                break
            end, following = at + 40, packet[at + 6]
        else:
            if size - at < 8:
                break
            end, following = at + 8, packet[at]
            if protocol == FRAGMENT:
                if packet[at + 1] == 6:  # would be read as a length: see nhc
                    break
            else:
                end += 8 * packet[at + 1]
                # RFC 6282 4.2: "MUST NOT be used to encode IPv6 Extension Headers that have more than 255
                # octets following the Length field after compression"
                if end > size or end - at - 2 - elidable(packet[at:end], protocol) > 255:
                    break
        found.append((protocol, at, end))
        if protocol == FRAGMENT:
            if int.from_bytes(packet[at + 2 : at + 4], "big") >> 3:  # what follows is no header
                break
            whole = whole and not packet[at + 3] & 1
        protocol, at = following, end
    if icmpv6 and protocol == ICMPV6:
        found.append((ICMPV6, at, at))
    return found


def elidable(octets: bytes, protocol: int) -> int:
    """How many trailing octets of a hop-by-hop or destination options header are a pad that may be elided.

    RFC 6282 4.2: "When there is a single trailing Pad1 or PadN option of 7 octets or less and the
    containing header is a multiple of 8 octets, the trailing Pad1 or PadN option MAY be elided"; only if
    the pad is what would be restored.
    """
    if protocol not in nhc.PADDED:
        return 0
    at, last, previous = 2, -1, -1
    while at < len(octets):
        previous, last = last, at
        if octets[at] == 0:
            at += 1
        elif at + 1 < len(octets):
            at += 2 + octets[at + 1]
        else:
            return 0
    size = len(octets) - last
    single = previous < 0 or octets[previous] > 1
    return size if at == len(octets) and size <= 7 and single and octets[last:] == nhc.PADS[size] else 0


def extension(packet: bytes, begin: int, end: int, protocol: int, last: bool, elide: int) -> bytes:
    """The NHC form of one extension header; `last`: the next header has no NHC form and is named in-line."""
    octet = 0xE0 | nhc.EID_OF[protocol] << 1
    start = bytes((octet, packet[begin])) if last else _ONE[octet | 1]
    length = packet[begin + 1] if protocol == FRAGMENT else end - begin - 2 - elide
    return start + _ONE[length] + packet[begin + 2 : end - elide]


def packed_extension(
    packet: bytes, begin: int, end: int, protocol: int, last: bool, addresses: bytes
) -> bytes:
    """The GHC form of one extension header (RFC 7400 section 3.2); `last` as in `extension`.

    The padding stays: the text gives a receiver of GHC no padding to restore.
    """
    octet = 0xB0 | nhc.EID_OF[protocol] << 1
    start = bytes((octet, packet[begin])) if last else _ONE[octet | 1]
    return start + ghc.compress(packet[begin + 2 : end], addresses) + ghc.STOP


def chain(
    packet: bytes, link: LinkInfo, contexts: Contexts, limit: int | None = None, *, packed: bool = False
) -> bytes:
    """The smallest form of a packet whose next header may have an NHC form; `limit` bounds how many NHC headers.

    `packed`: the receiver reads GHC.
    """
    parts, behind, payload = _chain(packet, link, contexts, limit, packed)
    return b"".join(parts) + (packet[behind:] if payload is None else payload.octets(len(packet) - behind))


def packed_prefix(packet: bytes, link: LinkInfo, contexts: Contexts, room: int) -> tuple[bytes, int] | None:
    """(octets of a first fragment with room for `room`, octets of the datagram they stand for), by GHC; or None.

    RFC 7400 section 2 packs "a header or payload within an L2 packet (= fragment)": a prefix of the payload, which
    ends on a multiple of 8 octets of the datagram; the fragments behind it carry the rest as it is. None if GHC gains
    nothing for the payload as a whole, or if no such prefix fits.
    """
    parts, behind, payload = _chain(packet, link, contexts, None, True)
    if payload is None:
        return None
    start = b"".join(parts)
    for covered in range((len(packet) - 1) // 8 * 8, behind, -8):
        if len(start) + payload.size(covered - behind) <= room:
            return start + payload.octets(covered - behind), covered
    return None


class Weighed(NamedTuple):
    """A header, or the payload behind them all, that has a GHC form: its octets by RFC 6282 alone and by GHC.

    Of a payload `plain` is what stands there as it is. The NHC octets of either form are counted.
    """

    protocol: int
    payload: bool
    plain: int
    packed: int

    @property
    def by_ghc(self) -> bool:
        """Whether `encode` with `ghc` takes the GHC form: where it saves an octet at least."""
        return self.packed < self.plain


def weighed(packet: bytes) -> Iterator[Weighed]:
    """What of a packet could go by GHC, with the size of both forms: why `chain` takes the one or the other."""
    found = segments(packet, icmpv6=True)
    addresses = packet[8:40]
    for index, (protocol, begin, end) in enumerate(found):
        if protocol == IPV6:
            addresses = packet[begin + 8 : begin + 40]
        elif protocol in GHC_EXTENSIONS:
            last = index == len(found) - 1
            form = extension(packet, begin, end, protocol, last, elidable(packet[begin:end], protocol))
            packed = packed_extension(packet, begin, end, protocol, last, addresses)
            yield Weighed(protocol, False, len(form), len(packed))
    if found and found[-1][0] in {UDP, ICMPV6}:
        data = packet[found[-1][2] :]
        yield Weighed(found[-1][0], True, len(data), len(ghc.compress(data, addresses)))


def _chain(
    packet: bytes, link: LinkInfo, contexts: Contexts, limit: int | None, packed: bool
) -> tuple[list[bytes], int, ghc.Packing | None]:
    """The compressed headers, where the payload behind them begins, and its GHC form if that is smaller."""
    found = segments(packet, icmpv6=packed)[:limit]
    behind = found[-1][2] if found else 40
    payload = None
    if packed and found and found[-1][0] in {UDP, ICMPV6}:
        inner = next((begin for protocol, begin, _ in reversed(found) if protocol == IPV6), 0)
        payload = ghc.Packing(packet[behind:], packet[inner + 8 : inner + 40])
        if payload.size(len(packet) - behind) >= len(packet) - behind:
            payload = None
            if found[-1][0] == ICMPV6:
                found.pop()
    parts = [header(packet, 0, link, contexts, None, bool(found))]
    outer = packet[8:24], packet[24:40]
    for index, (protocol, begin, end) in enumerate(found):
        last = index == len(found) - 1
        if protocol == UDP:
            form = udp(packet, begin) + packet[begin + 6 : end]
            # 11110CPP and 11010CPP: "analogous" (RFC 7400 section 3.1)
            parts.append(form if payload is None else _ONE[form[0] & ~0x20] + form[1:])
        elif protocol == ICMPV6:
            parts.append(b"\xdf")
        elif protocol == IPV6:
            parts.append(b"\xee" + header(packet, begin, link, contexts, outer, not last))
            outer = packet[begin + 8 : begin + 24], packet[begin + 24 : begin + 40]
        else:
            form = extension(packet, begin, end, protocol, last, elidable(packet[begin:end], protocol))
            if packed and protocol in GHC_EXTENSIONS:
                form = min(
                    form, packed_extension(packet, begin, end, protocol, last, b"".join(outer)), key=len
                )
            parts.append(form)
    return parts, behind, payload
