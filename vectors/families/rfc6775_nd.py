"""RFC 6775 §4, RFC 8505 §4, RFC 7400 §3.3 and RFC 4944 §8: Neighbor Discovery messages, octet by octet.

To the header codec they are payload like any other; to whatever reads the message inside they are the formats
of the figures, written out by hand here, with reserved bits zero. A sender may build them, except where the
family says otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from vectors.build import ICMPV6, addr, checksum, iid, iphc, ipv6, link_local
from vectors.model import EUI_A, EUI_B, RECEIVE_ONLY, SHORT_A, Vector, family, vector

A, B = link_local(EUI_A), link_local(EUI_B)
GLOBAL_A = addr("2001:db8::")[:8] + iid(EUI_A)
BORDER = addr("2001:db8::1")
SLLAO = bytes.fromhex("0102" + EUI_A + "000000000000")
SLLAO_B = bytes.fromhex("0102" + EUI_B + "000000000000")
ARO = bytes.fromhex("2102" + "00000000" + "003c" + EUI_A)


def message(kind: int, code: int, body: bytes, src: bytes, dst: bytes) -> bytes:
    """An ICMPv6 message with its checksum (RFC 4443 §2.1)."""
    head = bytes((kind, code, 0, 0))
    return head[:2] + struct.pack("!H", checksum(src, dst, ICMPV6, head + body)) + body


def one(
    key: str, kind: int, body: bytes, src: bytes, dst: bytes, *rows: str, code: int = 0, hops: int = 255
) -> Vector:
    """A message in a packet whose addresses are in-line, at the hop limit that its RFC asks for."""
    data = message(kind, code, body, src, dst)
    hlim = {255: 3, 64: 2}[hops]
    payload = iphc(b"\x3a" + src + dst, hlim=hlim, m=int(dst[0] == 0xFF)) + data
    packet = ipv6(data, ICMPV6, src, dst, hop_limit=hops)
    return vector(key, payload, packet, requirements=rows)


@family(4944, "8")
def link_layer_address_option() -> Iterator[Vector]:
    """SLLAO and TLLAO: 2 units with an EUI-64, 1 unit with a short address, zeros behind."""
    routers = addr("ff02::2")
    yield one("sllao-64", 133, bytes(4) + SLLAO, A, routers, "RFC4944-8-02")
    short = bytes.fromhex("0101" + SHORT_A + "00000000")
    yield one("sllao-16", 133, bytes(4) + short, link_local(SHORT_A), routers, "RFC4944-8-03")
    target = bytes.fromhex("0202" + EUI_B + "000000000000")
    yield one("tllao-64", 136, bytes.fromhex("60000000") + B + target, B, A, "RFC4944-8-02")
    target = bytes.fromhex("0201" + SHORT_A + "00000000")
    yield one("tllao-16", 136, bytes.fromhex("60000000") + B + target, B, A, "RFC4944-8-03")


@family(6775, "4.1")
def address_registration() -> Iterator[Vector]:
    """NS with ARO and SLLAO from the address being registered, and the NA with each status."""
    rows = [f"RFC6775-4.1-{number}" for number in ("01", "02", "03", "04", "06")]
    yield one("ns", 135, bytes(4) + B + SLLAO + ARO, GLOBAL_A, B, *rows)
    zero = ARO[:6] + b"\0\0" + ARO[8:]
    yield one("ns-lifetime-0", 135, bytes(4) + B + SLLAO + zero, GLOBAL_A, B, *rows)
    for status in (0, 1, 2):
        option = ARO[:2] + bytes((status,)) + ARO[3:]
        body = bytes.fromhex("c0000000") + B + option
        # §6.5.2: a refusal goes to the link-local address "derived from the EUI-64 field of the ARO"
        yield one(f"na-{status}", 136, body, B, A if status else GLOBAL_A, "RFC6775-4.1-03")


@family(6775, "4.1", RECEIVE_ONLY)
def reserved_bits_of_registration() -> Iterator[Vector]:
    """The reserved octets of an ARO set: a receiver MUST ignore them."""
    option = ARO[:3] + b"\xff\xf0\x00" + ARO[6:]
    body = bytes.fromhex("c0000000") + B + option
    yield one("na", 136, body, B, GLOBAL_A, "RFC6775-4.1-05")


@family(6775, "4.2")
def context_option() -> Iterator[Vector]:
    """6CO in an RA: 2 units up to 64 bits of context, 3 above, C set or clear, any CID, lifetime 0 to remove."""
    nodes = addr("ff02::1")
    start = bytes.fromhex("40000708" + "00000000" + "00000000")
    for key, length, flags, lifetime, prefix, octets in (
        ("64", 64, 0x10, 60, "2001:db8::", 8),
        ("48", 48, 0x13, 60, "2001:db8:5::", 8),
        ("0", 0, 0x1F, 60, "::", 8),
        ("96", 96, 0x15, 60, "2001:db8::1:2:0:0", 16),
        ("128", 128, 0x15, 60, "2001:db8::77", 16),
        ("c-0", 64, 0x00, 60, "2001:db8::", 8),
        ("lifetime-0", 64, 0x10, 0, "2001:db8::", 8),
    ):
        units = 2 if octets == 8 else 3
        option = struct.pack("!BBBBHH", 34, units, length, flags, 0, lifetime) + addr(prefix)[:octets]
        rows = ["RFC6775-4.2-01", "RFC6775-4.2-07"] + (["RFC6775-4.2-02"] if length > 64 else [])
        yield one(key, 134, start + SLLAO_B + option, B, nodes, *rows)


@family(6775, "4.3")
def border_router_option() -> Iterator[Vector]:
    """ABRO: the version goes low half first; a lifetime of 0 stands for 10,000."""
    nodes = addr("ff02::1")
    start = bytes.fromhex("40000708" + "00000000" + "00000000")
    for key, low, high, lifetime in (("1", 1, 0, 60), ("carry", 0, 1, 60), ("default", 0xFFFF, 0x1234, 0)):
        option = struct.pack("!BBHHH", 35, 3, low, high, lifetime) + BORDER
        yield one(key, 134, start + SLLAO_B + option, B, nodes, "RFC6775-4.3-02")


@family(6775, "4.4")
def duplicate_address_messages() -> Iterator[Vector]:
    """DAR and DAC between routable addresses at hop limit 64."""
    router = addr("2001:db8::2")
    rows = ["RFC6775-4.4-01", "RFC6775-4.4-02", "RFC6775-4.4-04"]
    body = bytes.fromhex("0000" + "003c" + EUI_A) + GLOBAL_A
    yield one("dar", 157, body, router, BORDER, *rows, hops=64)
    for status in (0, 1):
        answer = bytes((status,)) + body[1:]
        yield one(f"dac-{status}", 158, answer, BORDER, router, *rows[:2], hops=64)


@family(8505, "4.1")
def extended_registration() -> Iterator[Vector]:
    """EARO: T and R set, a TID, and a ROVR of 64 to 256 bits; the address registered is the target, or the source."""
    rows = [f"RFC8505-4.1-{number}" for number in ("01", "02", "03", "04")]
    for units in (1, 2, 3, 4):
        rovr = bytes(range(1, 8 * units + 1))
        option = struct.pack("!BBBBBBH", 33, 1 + units, 0, 0, 0x03, 240, 60) + rovr
        yield one(f"ns-{64 * units}", 135, bytes(4) + GLOBAL_A + SLLAO + option, A, B, *rows)
    earo = struct.pack("!BBBBBBH", 33, 2, 0, 0, 0x03, 240, 60) + bytes.fromhex(EUI_A)
    # to a router of RFC 6775 only, which takes the source for what is registered
    yield one(
        "ns-to-old-router", 135, bytes(4) + B + SLLAO + earo, GLOBAL_A, B, "RFC8505-6-01", "RFC8505-6.3-01"
    )
    option = struct.pack("!BBBBBBH", 33, 2, 3, 0, 0x01, 241, 60) + bytes.fromhex(EUI_A)
    yield one("na-moved", 136, bytes.fromhex("c0000000") + GLOBAL_A + option, B, A, *rows[:1])


@family(8505, "4.2")
def extended_duplicate_address() -> Iterator[Vector]:
    """EDAR and EDAC: the code suffix says how long the ROVR is, the reserved octet is the TID."""
    router = addr("2001:db8::2")
    for suffix in (1, 2, 4):
        body = struct.pack("!BBH", 0, 240, 60) + bytes(range(8 * suffix)) + GLOBAL_A
        yield one(f"edar-{suffix}", 157, body, router, BORDER, "RFC8505-4.2-01", code=suffix, hops=64)


@family(8505, "4.3")
def capabilities() -> Iterator[Vector]:
    """6CIO in an RS: one flag at a time, D L B P E G, and none."""
    routers = addr("ff02::2")
    for key, flags in (
        ("d", 0x20),
        ("l", 0x10),
        ("b", 0x08),
        ("p", 0x04),
        ("e", 0x02),
        ("g", 0x01),
        ("none", 0),
    ):
        option = struct.pack("!BBHI", 36, 1, flags, 0)
        rows = ["RFC7400-3.3-03"] if key == "g" else ["RFC8505-4.3-01"]
        yield one(key, 133, bytes(4) + SLLAO + option, A, routers, *rows)
