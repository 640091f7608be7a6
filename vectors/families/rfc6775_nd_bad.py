"""RFC 6775 §4, RFC 8505 §4: messages that nobody may send. A receiver drops some whole, ignores others in part.

Two flags tell them apart: `nd-malformed` cannot be read (a length that lies, or none at all), `nd-breach` can, and
breaks the first requirement that the vector names. The 6LoWPAN payload around them is in order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from vectors.build import addr
from vectors.families.rfc6775_nd import ARO, BORDER, GLOBAL_A, SLLAO, SLLAO_B, A, B, one
from vectors.model import EUI_A, RECEIVE_ONLY, Vector, family

NODES, ROUTERS = addr("ff02::1"), addr("ff02::2")
RA_HEAD = bytes.fromhex("40000708" + "00000000" + "00000000")
NS_HEAD = bytes(4) + B
NA_HEAD = bytes.fromhex("c0000000") + B
UNSPECIFIED = bytes(16)
ROUTER = addr("2001:db8::2")


def malformed(key: str, kind: int, body: bytes, src: bytes, dst: bytes, *rows: str, **more: int) -> Vector:
    """A message that cannot be read."""
    made = one(key, kind, body, src, dst, *rows, **more)
    return replace(made, flags=(RECEIVE_ONLY, "nd-malformed"))


def breach(key: str, kind: int, body: bytes, src: bytes, dst: bytes, *rows: str, **more: int) -> Vector:
    """A message that can be read, and breaks the first of `rows`."""
    made = one(key, kind, body, src, dst, *rows, **more)
    return replace(made, flags=(RECEIVE_ONLY, "nd-breach"))


def patched(octets: bytes, at: int, value: int) -> bytes:
    """The octets with one other."""
    return octets[:at] + bytes((value,)) + octets[at + 1 :]


@family(6775, "4.1")
def registration_that_cannot_be_read() -> Iterator[Vector]:
    """An ARO whose Length is 0, 1, more than there is, or that ends within its header; also behind good options."""
    row = "RFC6775-6.5-01"
    for key, option in (
        ("length-0", patched(ARO, 1, 0)),
        ("length-1", patched(ARO, 1, 1)[:8]),
        ("length-3-cut", patched(ARO, 1, 3)),
        ("length-31", patched(ARO, 1, 31)),
        ("length-255", patched(ARO, 1, 255)),
        ("type-only", ARO[:1]),
        ("header-only", ARO[:2]),
        ("half", ARO[:8]),
        ("cut-by-one", ARO[:-1]),
    ):
        yield malformed(f"ns-{key}", 135, NS_HEAD + SLLAO + option, GLOBAL_A, B, row, "RFC4861-7.1.1-01")
        yield malformed(f"na-{key}", 136, NA_HEAD + option, B, GLOBAL_A, "RFC4861-7.1.2-01")


@family(6775, "4.1")
def registration_that_must_not_be_sent() -> Iterator[Vector]:
    """An ARO without T: a Status, no SLLAO, no source, a group as destination, reserved octets, a Length of 3 and 6."""
    yield breach("status-1", 135, NS_HEAD + SLLAO + patched(ARO, 2, 1), GLOBAL_A, B, "RFC6775-4.1-04")
    yield breach("status-255", 135, NS_HEAD + SLLAO + patched(ARO, 2, 255), GLOBAL_A, B, "RFC6775-4.1-04")
    yield breach("no-sllao", 135, NS_HEAD + ARO, GLOBAL_A, B, "RFC6775-4.1-01")
    yield breach("unspecified", 135, NS_HEAD + SLLAO + ARO, UNSPECIFIED, B, "RFC6775-5.5.1-02")
    group = addr("ff02::1:ff06:708")
    yield breach("multicast", 135, NS_HEAD + SLLAO + ARO, GLOBAL_A, group, "RFC6775-5.4.1-02")
    for at, value in ((3, 1), (3, 0x80), (4, 0x10), (4, 0x80), (5, 1), (5, 0xFF)):
        key = f"reserved-{at}-{value:02x}"
        yield breach(key, 135, NS_HEAD + SLLAO + patched(ARO, at, value), GLOBAL_A, B, "RFC6775-4.1-05")
    for units in (6, 7):
        option = patched(ARO, 1, units) + bytes(8 * units - 16)
        yield breach(f"length-{units}", 135, NS_HEAD + SLLAO + option, GLOBAL_A, B, "RFC8505-4.1-01")
    yield breach("na-status-12", 136, NA_HEAD + patched(ARO, 2, 12), B, GLOBAL_A, "RFC6775-4.1-11")
    yield breach("na-status-255", 136, NA_HEAD + patched(ARO, 2, 255), B, GLOBAL_A, "RFC6775-4.1-11")


def context(
    units: int, length: int, flags: int, prefix: bytes, reserved: int = 0, lifetime: int = 60
) -> bytes:
    """A 6CO, its Length and its octets as given."""
    return struct.pack("!BBBBHH", 34, units, length, flags, reserved, lifetime) + prefix


PREFIX = addr("2001:db8::")


@family(6775, "4.2")
def context_that_cannot_be_read() -> Iterator[Vector]:
    """A Context Length that the option cannot hold, or that no address has; Lengths of 0, 1 and beyond the message."""
    row = "RFC6775-4.2-02"
    for units, length, octets in (
        (2, 65, 8),
        (2, 96, 8),
        (2, 128, 8),
        (2, 129, 8),
        (3, 129, 16),
        (3, 255, 16),
    ):
        option = context(units, length, 0x10, PREFIX[:octets])
        yield malformed(f"{length}-in-{units}", 134, RA_HEAD + SLLAO_B + option, B, NODES, row)
    for key, option in (
        ("length-0", context(0, 64, 0x10, PREFIX[:8])),
        ("length-1", context(1, 64, 0x10, b"")),
        ("length-3-cut", context(3, 64, 0x10, PREFIX[:8])),
        ("length-255", context(255, 64, 0x10, PREFIX[:8])),
        ("cut-by-one", context(2, 64, 0x10, PREFIX[:7])),
    ):
        yield malformed(key, 134, RA_HEAD + SLLAO_B + option, B, NODES, "RFC6775-4.2-01", "RFC4861-6.1.2-01")


@family(6775, "4.2")
def context_that_must_not_be_sent() -> Iterator[Vector]:
    """Reserved bits, a Length of 4, octets behind the prefix that are not zero, seventeen options, no SLLAO."""
    good = context(2, 64, 0x10, PREFIX[:8])
    for key, option, row in (
        ("res-20", context(2, 64, 0x30, PREFIX[:8]), "RFC6775-4.2-07"),
        ("res-80", context(2, 64, 0x90, PREFIX[:8]), "RFC6775-4.2-07"),
        ("reserved", context(2, 64, 0x10, PREFIX[:8], 1), "RFC6775-4.2-07"),
        ("reserved-high", context(2, 64, 0x10, PREFIX[:8], 0x8000), "RFC6775-4.2-07"),
        ("length-4", context(4, 64, 0x10, PREFIX + bytes(8)), "RFC6775-4.2-01"),
        ("padding-48", context(2, 48, 0x10, addr("2001:db8:5:1::")[:8]), "RFC6775-4.2-01"),
        ("padding-96", context(3, 96, 0x10, addr("2001:db8::1")), "RFC6775-4.2-01"),
        ("seventeen", 17 * good, "RFC6775-4.2-03"),
    ):
        yield breach(key, 134, RA_HEAD + SLLAO_B + option, B, NODES, row)
    yield breach("no-sllao", 134, RA_HEAD + good, B, NODES, "RFC6775-6.3-04")
    on_link = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 600, 600, 0) + PREFIX
    yield breach("on-link", 134, RA_HEAD + SLLAO_B + on_link + good, B, NODES, "RFC6775-6.1-02")
    preference = patched(RA_HEAD, 1, 0x10)
    yield breach("preference-10", 134, preference + SLLAO_B + good, B, NODES, "RFC6775-6-02")


@family(6775, "4.3")
def border_router_option_gone_wrong() -> Iterator[Vector]:
    """An ABRO of Length 0, 1, 2, cut short; and one of Length 4, and two of them, which can be read."""
    good = struct.pack("!BBHHH", 35, 3, 1, 0, 60) + BORDER
    for key, option in (
        ("length-0", patched(good, 1, 0)),
        ("length-1", patched(good, 1, 1)[:8]),
        ("length-2", patched(good, 1, 2)[:16]),
        ("length-4-cut", patched(good, 1, 4)),
        ("cut-by-one", good[:-1]),
    ):
        yield malformed(key, 134, RA_HEAD + SLLAO_B + option, B, NODES, "RFC6775-4.3-02", "RFC4861-6.1.2-01")
    long = patched(good, 1, 4) + bytes(8)
    yield breach("length-4", 134, RA_HEAD + SLLAO_B + long, B, NODES, "RFC6775-4.3-02")
    yield breach("two", 134, RA_HEAD + SLLAO_B + good + good, B, NODES, "RFC6775-8.1.5-01")
    yield breach("no-sllao", 134, RA_HEAD + good, B, NODES, "RFC6775-6.3-04")


@family(6775, "4.4")
def duplicate_address_messages_gone_wrong() -> Iterator[Vector]:
    """DAR and DAC: cut short, options that lie; a Status in a DAR, Reserved, hop limit 255, link-local ends, groups."""
    body = bytes.fromhex("0000" + "003c" + EUI_A) + GLOBAL_A
    row = "RFC6775-8.2.1-01"
    for key, cut in (("empty", 0), ("no-address", 12), ("cut-by-one", len(body) - 1)):
        for kind, name in ((157, "dar"), (158, "dac")):
            yield malformed(f"{name}-{key}", kind, body[:cut], ROUTER, BORDER, row, hops=64)
    for key, option in (("option-0", "fd00000000000000"), ("option-cut", "fd02000000000000")):
        yield malformed(f"dar-{key}", 157, body + bytes.fromhex(option), ROUTER, BORDER, row, hops=64)
    status = patched(body, 0, 1)
    yield breach("dar-status", 157, status, ROUTER, BORDER, "RFC6775-4.4-04", hops=64)
    yield breach("dar-reserved", 157, patched(body, 1, 1), ROUTER, BORDER, "RFC6775-4.4-01", hops=64)
    yield breach("dac-reserved", 158, patched(body, 1, 0xF0), BORDER, ROUTER, "RFC6775-4.4-01", hops=64)
    yield breach("dar-255", 157, body, ROUTER, BORDER, "RFC6775-4.4-02")
    yield breach("dar-link-local", 157, body, A, BORDER, "RFC6775-4.4-02", hops=64)
    yield breach("dac-to-link-local", 158, body, BORDER, A, "RFC6775-4.4-02", hops=64)
    yield breach("dar-unspecified", 157, body, UNSPECIFIED, BORDER, "RFC6775-4.4-02", hops=64)
    yield breach("dar-group", 157, body[:12] + NODES, ROUTER, BORDER, row, hops=64)


@family(6775, "5.3")
def solicitation_that_must_not_be_sent() -> Iterator[Vector]:
    """An RS of a node that shows itself as 6LoWPAN's by a 6CIO: without SLLAO, and from the unspecified address."""
    option = struct.pack("!BBHI", 36, 1, 2, 0)
    yield breach("no-sllao", 133, bytes(4) + option, A, ROUTERS, "RFC6775-5.3-02")
    yield breach("unspecified", 133, bytes(4) + option, UNSPECIFIED, ROUTERS, "RFC6775-5.3-03")


@family(8505, "4.1")
def extended_registration_that_must_not_be_sent() -> Iterator[Vector]:
    """An EARO: a Status in an NS, a global source, reserved bits, I, a ROVR of 320 bits, Lengths that lie."""
    earo = struct.pack("!BBBBBBH", 33, 2, 0, 0, 0x03, 240, 60) + bytes.fromhex(EUI_A)
    head = bytes(4) + GLOBAL_A
    for key, at, value, row in (
        ("status", 2, 3, "RFC8505-4.1-02"),
        ("reserved-80", 4, 0x83, "RFC8505-4.1-03"),
        ("reserved-10", 4, 0x13, "RFC8505-4.1-03"),
        ("i-1", 4, 0x07, "RFC8505-4.1-04"),
        ("i-3", 4, 0x0F, "RFC8505-4.1-04"),
    ):
        yield breach(key, 135, head + SLLAO + patched(earo, at, value), A, B, row)
    yield breach("global-source", 135, head + SLLAO + earo, GLOBAL_A, B, "RFC8505-5.6-02")
    long = patched(earo, 1, 6) + bytes(32)
    yield breach("rovr-320", 135, head + SLLAO + long, A, B, "RFC8505-4.1-01")
    row = "RFC8505-4.1-01"
    for units, octets in ((0, 8), (1, 0), (3, 8), (4, 16), (5, 24), (255, 8)):
        option = patched(earo, 1, units)[:8] + bytes(octets)
        yield malformed(f"length-{units}", 135, head + SLLAO + option, A, B, row, "RFC4861-7.1.1-01")


@family(8505, "4.2")
def extended_duplicate_address_gone_wrong() -> Iterator[Vector]:
    """EDAR: suffixes that are not assigned, a ROVR shorter than its suffix says, a Code Prefix, a Status."""
    for suffix in (5, 6, 15):
        body = struct.pack("!BBH", 0, 240, 60) + bytes(8 * suffix) + GLOBAL_A
        yield malformed(f"suffix-{suffix}", 157, body, ROUTER, BORDER, "RFC8505-4.2-01", code=suffix, hops=64)
    for suffix in (2, 3, 4):
        body = struct.pack("!BBH", 0, 240, 60) + bytes(8 * suffix - 8) + GLOBAL_A
        yield malformed(f"short-{suffix}", 157, body, ROUTER, BORDER, "RFC8505-4.2-01", code=suffix, hops=64)
    body = struct.pack("!BBH", 0, 240, 60) + bytes(8) + GLOBAL_A
    yield breach("prefix", 157, body, ROUTER, BORDER, "RFC8505-4.2-02", code=0x11, hops=64)
    yield breach("status", 157, patched(body, 0, 9), ROUTER, BORDER, "RFC6775-4.4-04", code=1, hops=64)


@family(8505, "4.3")
def capabilities_that_must_not_be_sent() -> Iterator[Vector]:
    """A 6CIO of Length 2, with flags for experiments, with flags that nobody assigned; and one that cannot be read."""
    for key, option, row in (
        ("length-2", struct.pack("!BBHIQ", 36, 2, 2, 0, 0), "RFC7400-3.3-03"),
        ("experimental", struct.pack("!BBHI", 36, 1, 0x8002, 0), "RFC7400-3.4-04"),
        ("unassigned", struct.pack("!BBHI", 36, 1, 2, 1), "RFC7400-3.4-02"),
    ):
        yield breach(key, 133, bytes(4) + SLLAO + option, A, ROUTERS, row)
    for key, octets in (("length-0", "2400000200000000"), ("cut", "240100020000")):
        option = bytes.fromhex(octets)
        yield malformed(key, 133, bytes(4) + SLLAO + option, A, ROUTERS, "RFC7400-3.3-03", "RFC4861-6.1.1-01")
