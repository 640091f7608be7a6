"""All legal forms of a packet (`encodings`), for stimuli: whatever a sender may send, a receiver must understand.

Strategy: the parts of a payload are chosen independently (TF, HLIM, CID with both addresses, each NHC
header), so the forms are the product of what each part allows, and no two products have the same octets:
each choice shows in header bits or in length. Reserved bits and the half of a CID octet that no address
uses are zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from sixlowpan import compress, routing
from sixlowpan import rfc7668 as ble
from sixlowpan.addresses import LINK_LOCAL_PREFIX, SHORT_IID_PREFIX, UNSPECIFIED
from sixlowpan.codec import check_packet
from sixlowpan.compress import Form
from sixlowpan.contexts import NO_CONTEXTS, Contexts
from sixlowpan.ipv6 import IPV6, ROUTING, UDP, checksum_holds
from sixlowpan.link import BLE, LinkInfo

Outer = tuple[bytes, bytes] | None


def encodings(
    packet: bytes, link: LinkInfo, contexts: Contexts = NO_CONTEXTS, *, authorised: bool = False
) -> Iterator[bytes]:
    """Every legal dispatch, IPHC and NHC form of a packet with these contexts, none twice; each decodes to `packet`.

    No HC1, mesh, ESC or GHC. The UDP checksum is elided only if `authorised` by the upper layer, if the
    link has an integrity check, and if the checksum is right (RFC 6282 section 4.3.2). On Bluetooth LE only
    the forms that RFC 7668 section 3.2.4 allows: "All headers MUST be compressed". EncodeError if it is not
    one whole packet.
    """
    check_packet(packet)
    if link.kind != BLE:
        yield b"\x41" + packet
    found = compress.segments(packet)
    elide = authorised and link.integrity
    shortest = len(found) if link.kind == BLE else 0
    for count in range(shortest, len(found) + 1):
        chain = found[:count]
        behind = 40
        tails: list[list[bytes]] = []
        outer = packet[8:24], packet[24:40]
        routes: list[int] = []
        for index, (protocol, begin, end) in enumerate(chain):
            last = index == count - 1
            behind = end
            if protocol == UDP:
                final = routing.final_destination(packet, routes, outer[1])
                tails.append(_udp(packet, begin, outer[0], final, elide))
            elif protocol == IPV6:
                tails.append(
                    [b"\xee" + form for form in _headers(packet, begin, link, contexts, outer, not last)]
                )
                outer = packet[begin + 8 : begin + 24], packet[begin + 24 : begin + 40]
                routes = []
            else:
                if protocol == ROUTING:
                    routes.append(begin)
                tails.append(_extension(packet, begin, end, protocol, last))
        rest = packet[behind:]
        for start in _headers(packet, 0, link, contexts, None, count > 0):
            for tail in product(*tails):
                yield start + b"".join(tail) + rest


def fallbacks(packet: bytes, link: LinkInfo, contexts: Contexts) -> Iterator[bytes]:
    """Ever less compressed forms, for a first fragment too small for all headers: fewer NHC headers, none, no IPHC."""
    for count in range(len(compress.segments(packet)) - 1, -1, -1):
        yield compress.chain(packet, link, contexts, limit=count)
    yield b"\x41" + packet


def _headers(
    packet: bytes, at: int, link: LinkInfo, contexts: Contexts, outer: Outer, compressed: bool
) -> Iterator[bytes]:
    """Every IPHC form of the IPv6 header at `packet[at]`."""
    next_header, hop_limit = packet[at + 6], packet[at + 7]
    inline = b"" if compressed else bytes((next_header,))
    hop_limits = [(0, inline + bytes((hop_limit,)))]
    if hop_limit in compress.HLIM:
        hop_limits.append((compress.HLIM[hop_limit], inline))
    firsts = [
        (0x60 | tf << 3 | compressed << 2 | hlim, traffic + hop)
        for (tf, traffic), (hlim, hop) in product(_traffic(packet[at : at + 4]), hop_limits)
    ]
    src, dst = packet[at + 8 : at + 24], packet[at + 24 : at + 40]
    sources = _addresses(src, link, contexts, outer[0][8:] if outer else link.src_iid, outer is None, True)
    destinations = _addresses(
        dst, link, contexts, outer[1][8:] if outer else link.dst_iid, outer is None, False
    )
    for source, destination in product(sources, destinations):
        second = source[1] << 4 | destination[1]
        identifiers = bytes((max(source[0], 0) << 4 | max(destination[0], 0),))
        addresses = source[2] + destination[2]
        for first, fields in firsts:
            if source[0] <= 0 and destination[0] <= 0:
                yield bytes((first, second)) + fields + addresses
            yield bytes((first, second | 0x80)) + identifiers + fields + addresses


def _traffic(word: bytes) -> Iterator[tuple[int, bytes]]:
    """(TF, in-line octets): 00 always, 01 without DSCP, 10 without flow label, 11 without either."""
    traffic_class = (word[0] & 15) << 4 | word[1] >> 4
    flow = bytes((word[1] & 15,)) + word[2:4]
    rotated = bytes((compress.ROTATED[traffic_class],))
    yield 0, rotated + flow
    if traffic_class < 4:
        yield 1, bytes((rotated[0] | flow[0],)) + flow[1:]
    if not any(flow):
        yield 2, rotated
        if not traffic_class:
            yield 3, b""


def _addresses(
    address: bytes, link: LinkInfo, contexts: Contexts, iid: bytes, outermost: bool, source: bool
) -> list[Form]:
    """Every form of one address."""
    if address[0] == 0xFF and not source:
        return list(_groups(address, contexts))
    forms: list[Form] = [(-1, 0, address)]
    if address == UNSPECIFIED and source:
        forms.append((-1, 4, b""))
    if address[:8] == LINK_LOCAL_PREFIX:
        forms.append((-1, 1, address[8:]))
        if address[8:14] == SHORT_IID_PREFIX:
            forms.append((-1, 2, address[14:]))
        if address[8:] == iid:
            forms.append((-1, 3, b""))
    registrar = link if outermost and ble.registered_end(link, source) else None
    for identifier, mode, inline in compress.stateful(address, iid, contexts, registrar):
        forms.append((identifier, 4 | mode, inline))
    return (
        ble.allowed(forms, address, link, registrar is not None) if link.kind == BLE and outermost else forms
    )


def _groups(address: bytes, contexts: Contexts) -> Iterator[Form]:
    """Every form of a multicast destination (RFC 6282 sections 3.2.3 and 3.2.4)."""
    yield -1, 8, address
    if not any(address[2:11]):
        yield -1, 9, address[1:2] + address[11:]
    if not any(address[2:13]):
        yield -1, 10, address[1:2] + address[13:]
        if address[1] == 2 and not any(address[13:15]):
            yield -1, 11, address[15:]
    for identifier, context in contexts.usable():
        if compress.group_prefix(address, context):
            yield identifier, 12, address[1:3] + address[12:]


def _udp(packet: bytes, at: int, source: bytes, final: bytes | None, elide: bool) -> list[bytes]:
    """Every NHC form of the UDP header at `packet[at]`, with its checksum; `final` is where the packet is going."""
    ports = [b"\xf0" + packet[at : at + 4]]
    if packet[at + 2] == 0xF0:
        ports.append(b"\xf1" + packet[at : at + 2] + packet[at + 3 : at + 4])
    if packet[at] == 0xF0:
        ports.append(b"\xf2" + packet[at + 1 : at + 4])
    if compress.udp(packet, at)[0] == 0xF3:
        ports.append(compress.udp(packet, at))
    forms = [form + packet[at + 6 : at + 8] for form in ports]
    # RFC 6282 4.3.2: "A compressor MUST verify the UDP Checksum before it is elided"
    if elide and final is not None and checksum_holds(source, final, UDP, packet[at:]):
        forms += [bytes((form[0] | 4,)) + form[1:] for form in ports]
    return forms


def _extension(packet: bytes, begin: int, end: int, protocol: int, last: bool) -> list[bytes]:
    """The NHC forms of an extension header: its trailing pad elided, or not."""
    elidable = compress.elidable(packet[begin:end], protocol)
    forms = [compress.extension(packet, begin, end, protocol, last, elidable)]
    if elidable and end - begin - 2 <= 255:
        forms.append(compress.extension(packet, begin, end, protocol, last, 0))
    return forms
