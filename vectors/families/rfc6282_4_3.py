"""RFC 6282 §4.3: UDP ports at the edges of their ranges, the checksum in-line and elided, the length inferred."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.build import UDP, addr, iphc, ipv6, link_local, udp, with_context
from vectors.model import EUI_A, EUI_B, RECEIVE_ONLY, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
HEAD = iphc(nh=1, sam=3, dam=3)


def compressed(datagram: bytes, p: int, *, elide: bool = False) -> bytes:
    """LOWPAN_NHC for a UDP datagram: 11110 C P, ports, checksum, payload."""
    source, target = datagram[:2], datagram[2:4]
    ports = {
        0: source + target,
        1: source + target[1:],
        2: source[1:] + target,
        3: bytes(((source[1] & 15) << 4 | target[1] & 15,)),
    }[p]
    return bytes((0b11110 << 3 | elide << 2 | p,)) + ports + (b"" if elide else datagram[6:8]) + datagram[8:]


@family(6282, "4.3", "udp-ports")
def ports() -> Iterator[Vector]:
    """Every port at an edge of a range, both ways, in every form that can carry it: 0xf0XX for 8 bits, and
    0xf0bX on both sides for 4. A longer form than needed is legal.
    """
    edges = (
        0x0000,
        0x0001,
        0x1633,
        0xEFFF,
        0xF000,
        0xF0AF,
        0xF0B0,
        0xF0B7,
        0xF0BF,
        0xF0C0,
        0xF0FF,
        0xF100,
        0xFFFF,
    )
    for sport in edges:
        for dport in edges:
            datagram = udp(A, B, sport, dport)
            for p in range(4):
                if p == 3 and not (sport >> 4 == dport >> 4 == 0xF0B):
                    continue
                if (p == 1 and dport >> 8 != 0xF0) or (p == 2 and sport >> 8 != 0xF0):
                    continue
                rows = [f"RFC6282-4.3.3-{3 + p:02}", "RFC6282-4.3-01", "RFC6282-4.3.3-07"]
                rows += ["RFC6282-4.3.1-01"] if p == 3 else []
                packet = ipv6(datagram, UDP, A, B)
                yield vector(
                    f"{sport:04x}-{dport:04x}-p{p}", HEAD + compressed(datagram, p), packet, requirements=rows
                )


@family(6282, "4.3", "payload-length")
def length() -> Iterator[Vector]:
    """The UDP length is inferred from what remains, from an empty datagram to the largest."""
    for size in (0, 1, 2, 7, 8, 63, 64, 1232):
        datagram = udp(A, B, 5683, 61616, bytes(number % 253 for number in range(size)))
        packet = ipv6(datagram, UDP, A, B)
        rows = ["RFC6282-4.3.3-08", "RFC6282-4.3.3-01"]
        yield vector(str(size), HEAD + compressed(datagram, 1), packet, requirements=rows)


@family(6282, "4.3", "udp-checksum")
def checksum_in_line() -> Iterator[Vector]:
    """C=0: the checksum is carried as it stands, right, wrong or zero; judging it is not the codec's business."""
    for key, value in (("right", None), ("wrong", "dead"), ("zero", "0000"), ("ffff", "ffff")):
        datagram = udp(A, B, 0xF0B1, 0xF0B2)
        if value is not None:
            datagram = datagram[:6] + bytes.fromhex(value) + datagram[8:]
        packet = ipv6(datagram, UDP, A, B)
        yield vector(key, HEAD + compressed(datagram, 3), packet, requirements=["RFC6282-4.3.3-01"])


@family(6282, "4.3", "udp-checksum", RECEIVE_ONLY)
def checksum_elided_with_integrity() -> Iterator[Vector]:
    """C=1 where an integrity check covers the frame: the checksum is computed, and a computed 0 becomes ffff.
    (Sending it takes the authorisation of the upper layer, hence receive-only.)
    """
    rows = ["RFC6282-4.3.2-09", "RFC6282-4.3.3-02"]
    for p, (sport, dport) in enumerate(((5683, 5684), (5683, 0xF042), (0xF042, 5683), (0xF0B1, 0xF0B2))):
        for data in (b"", b"a", b"keyhole!"):
            datagram = udp(A, B, sport, dport, data)
            payload = HEAD + compressed(datagram, p, elide=True)
            packet = ipv6(datagram, UDP, A, B)
            yield vector(f"p{p}-{len(data)}", payload, packet, requirements=rows, integrity=True)
    source, target = with_context("2001:db8::/64", A[8:]), addr("ff02::1")
    datagram = udp(source, target, 5683, 5683, b"abc")
    payload = iphc(b"\x01", nh=1, sac=1, sam=3, m=1, dam=3) + compressed(datagram, 0, elide=True)
    packet = ipv6(datagram, UDP, source, target)
    contexts = {"0": "2001:db8::/64"}
    yield vector("context-multicast", payload, packet, contexts=contexts, requirements=rows, integrity=True)
    # data chosen so that the sum over pseudo-header and datagram is ffff and the checksum 0, which is sent as ffff
    plain = udp(A, B, 5683, 5684, b"\0\0")
    datagram = udp(A, B, 5683, 5684, plain[6:8])
    packet = ipv6(datagram, UDP, A, B)
    note = f"computed 0, sent as {datagram[6:8].hex()}"
    yield vector(
        "zero",
        HEAD + compressed(datagram, 0, elide=True),
        packet,
        requirements=rows,
        note=note,
        integrity=True,
    )


@family(6282, "4.3", "udp-checksum", RECEIVE_ONLY)
def checksum_elided_behind_routing_header() -> Iterator[Vector]:
    """C=1 behind a source routing header (type 3, RFC 6554): while segments are left, the pseudo-header takes
    the final destination, which is the last address of the routing header (RFC 8200 §8.1); at the end of the
    route it takes that of the IPv6 header.
    """
    rows = ["RFC6282-4.3.2-09", "RFC6282-4.2-04"]
    final = addr("2001:db8::99")
    near = B[:9] + final[9:]  # shares 9 octets with the Destination Address
    routes = {
        # type, segments left, CmprI CmprE, Pad, 2 reserved octets, addresses
        "segments-left-0": (bytes((3, 0, 0, 0, 0, 0)) + final, B),
        "segments-left-1": (bytes((3, 1, 0, 0, 0, 0)) + final, final),
        "two-segments-left": (bytes((3, 2, 0, 0, 0, 0)) + addr("2001:db8::88") + final, final),
        "last-address-without-8-octets": (bytes((3, 1, 0x88, 0, 0, 0)) + final[8:], B[:8] + final[8:]),
        "last-address-without-9-octets-and-a-pad": (bytes((3, 1, 0x99, 0x10, 0, 0)) + near[9:] + b"\0", near),
        "addresses-of-two-sizes": (
            bytes((3, 2, 0xF7, 0x60, 0, 0)) + b"\x88" + B[7:8] + final[8:] + bytes(6),
            None,
        ),
        "home-address": (bytes((2, 1, 0, 0, 0, 0)) + final, final),
    }
    for name, (routing, covered) in routes.items():
        if covered is None:  # CmprI 15, CmprE 7: one octet, then nine, then six of padding
            covered = B[:7] + routing[7:16]
        datagram = udp(A, covered, 5683, 5684)
        packet = ipv6(bytes((UDP, (2 + len(routing)) // 8 - 1)) + routing + datagram, 43, A, B)
        payload = HEAD + bytes((0xE3, len(routing))) + routing + compressed(datagram, 0, elide=True)
        yield vector(name, payload, packet, requirements=rows, integrity=True)
    # behind an inner IPv6 header the route of the outer one does not count
    inner = udp(A, B, 5683, 5684)
    routing = routes["segments-left-1"][0]
    packet = ipv6(bytes((41, 2)) + routing + ipv6(inner, UDP, A, B), 43, A, B)
    payload = HEAD + bytes((0xE3, len(routing))) + routing + b"\xee" + HEAD + compressed(inner, 0, elide=True)
    yield vector("of-an-outer-header", payload, packet, requirements=rows, integrity=True)


@family(6282, "4.3", "udp-checksum")
def checksum_elided_without_integrity() -> Iterator[Vector]:
    """C=1 where no integrity check is known: the decompressor MUST drop the packet."""
    for p, (sport, dport) in enumerate(((5683, 5684), (5683, 0xF042), (0xF042, 5683), (0xF0B1, 0xF0B2))):
        payload = HEAD + compressed(udp(A, B, sport, dport), p, elide=True)
        rows = ["RFC6282-4.3.2-12", "RFC6282-4.3.2-10"]
        yield vector(f"p{p}", payload, refused="unsupported", requirements=rows)


@family(6282, "4.3")
def udp_not_compressed() -> Iterator[Vector]:
    """UDP with its next header in-line and its header whole: legal, only longer, and the length is the sender's."""
    datagram = udp(A, B, 0xF0B1, 0xF0B2)
    payload = iphc(bytes((UDP,)), sam=3, dam=3) + datagram
    yield vector("plain", payload, ipv6(datagram, UDP, A, B), requirements=["RFC6282-3.1.1-05"])
    odd = datagram[:4] + b"\0\x04" + datagram[6:]
    payload = iphc(bytes((UDP,)), sam=3, dam=3) + odd
    note = "a UDP length that does not fit has to be carried: eliding it would change it"
    rows = ["RFC6282-4.3.3-08"]
    yield vector("odd-length", payload, ipv6(odd, UDP, A, B), requirements=rows, note=note)
