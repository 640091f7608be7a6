"""The header tree of a Neighbor Discovery message: its fields and options, and what its sender did wrong.

Strategy: a table of fields for each message and option; `judge` hangs its findings on the fields that hold their
offsets, so that there is one truth about what is wrong.
"""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Final

from sixlowpan import nd
from sixlowpan.tree import CutShort, Field, Walk

_NAMES: Final = {
    nd.RS: "Router Solicitation",
    nd.RA: "Router Advertisement",
    nd.NS: "Neighbor Solicitation",
    nd.NA: "Neighbor Advertisement",
    nd.DAR: "Duplicate Address Request",
    nd.DAC: "Duplicate Address Confirmation",
}
_ROWS: Final = {nd.DAR: "RFC6775-4.4-01", nd.DAC: "RFC6775-4.4-01"}
#: Message -> fields behind the checksum: name, octets.
_FIELDS: Final = {
    nd.RS: (("Reserved", 4),),
    nd.RA: (
        ("Cur Hop Limit", 1),
        ("M, O, H, Prf, P", 1),
        ("Router Lifetime", 2),
        ("Reachable Time", 4),
        ("Retrans Timer", 4),
    ),
    nd.NS: (("Reserved", 4), ("Target Address", 16)),
    nd.NA: (("R, S, O", 1), ("Reserved", 3), ("Target Address", 16)),
}  # fmt: skip
_OPTIONS: Final = {
    nd.SLLAO: ("Source Link-Layer Address", "RFC4944-8-01"),
    nd.TLLAO: ("Target Link-Layer Address", "RFC4944-8-01"),
    nd.PIO: ("Prefix Information", "RFC6775-6.1-02"),
    nd.ARO: ("Address Registration", "RFC6775-4.1-03"),
    nd.SIXCO: ("6LoWPAN Context", "RFC6775-4.2-01"),
    nd.ABRO: ("Authoritative Border Router", "RFC6775-4.3-02"),
    nd.SIXCIO: ("Capability Indication", "RFC7400-3.3-03"),
}
_FLAGS: Final = {10: "D", 11: "L", 12: "B", 13: "P", 14: "E", 15: "G"}


def message(walk: Walk, at: int, packet: bytes) -> None:
    """Add the tree of the message whose ICMPv6 type stands at `at`; `packet` is the whole packet that it is in."""
    kind, start = walk.data[at], len(walk.root.children)
    with contextlib.suppress(CutShort):
        _message(walk, at, kind)
    for breach in nd.breaches(packet):
        _mark(walk.root.children[start:], at + breach.offset, f"{breach.message}: {breach.expected} expected, "
              f"{breach.actual} sent ({breach.requirement})")  # fmt: skip


def _mark(headers: list[Field], offset: int, text: str) -> None:
    header = next((h for h in headers if h.holds(offset)), headers[0])
    field = next((f for f in header.children if f.holds(offset)), header)
    field.error = f"{field.error}; {text}" if field.error else text


def _message(walk: Walk, at: int, kind: int) -> None:
    walk.header(_NAMES[kind], at, _ROWS.get(kind))
    at = walk.octets("Type", at, 1, _NAMES[kind])
    suffix = walk.octet(at) & 15
    extended = kind in {nd.DAR, nd.DAC} and bool(suffix)
    at = walk.octets("Code", at, 1, f"a ROVR of {64 * suffix} bits" if extended else "",
                     "RFC8505-4.2-01" if extended else None)  # fmt: skip
    at = walk.octets("Checksum", at, 2, data=True)
    if kind in {nd.DAR, nd.DAC}:
        at = walk.octets("Status", at, 1, _status(walk.octet(at)), "RFC6775-4.4-04")
        at = walk.octets("TID" if extended else "Reserved", at, 1)
        at = walk.octets("Registration Lifetime", at, 2, "minutes", "RFC6775-4.1-07")
        at = walk.octets("ROVR" if extended else "EUI-64", at, 8 * max(suffix, 1))
        at = walk.octets("Registered Address", at, 16, _address(walk.data[at : at + 16]))
    for name, size in _FIELDS.get(kind, ()):
        meaning = (
            _address(walk.data[at : at + 16])
            if size == 16
            else "seconds"
            if name == "Router Lifetime"
            else ""
        )
        at = walk.octets(name, at, size, meaning)
    while at < len(walk.data):
        at = _option(walk, at)


def _option(walk: Walk, at: int) -> int:
    kind = walk.octet(at)
    name, row = _OPTIONS.get(kind, (f"option {kind}", ""))
    walk.header(f"{name} option", at, row or None)
    at = walk.octets("Type", at, 1)
    units = walk.octet(at)
    at, end = walk.octets("Length", at, 1, f"{8 * units} octets"), at - 1 + 8 * units
    if not units:
        raise CutShort
    if kind in {nd.SLLAO, nd.TLLAO}:
        return walk.octets("address and padding", at, end - at)
    if kind == nd.ARO:
        at = walk.octets("Status", at, 1, _status(walk.octet(at)), "RFC6775-4.1-04")
        at = walk.octets("Opaque", at, 1, "reserved in RFC 6775")
        walk.bits("Rsvd", at, 0, 4, "reserved", "RFC8505-4.1-03")
        walk.bits("I", at, 4, 2, "", "RFC8505-4.1-04")
        walk.bits("R", at, 6, 1, "asks for reachability", "RFC8505-5.1-03")
        walk.bits("T", at, 7, 1, "a TID follows: an EARO", "RFC8505-5.1-02")
        at = walk.octets("TID", at + 1, 1, "", "RFC8505-5.1-02")
        at = walk.octets("Registration Lifetime", at, 2, "minutes", "RFC6775-4.1-07")
        return walk.octets("EUI-64 or ROVR", at, end - at)
    if kind == nd.SIXCO:
        at = walk.octets("Context Length", at, 1, "bits", "RFC6775-4.2-02")
        walk.bits("Res", at, 0, 3, "reserved", "RFC6775-4.2-07")
        walk.bits("C", at, 3, 1, "may be used to compress", "RFC6775-4.2-04")
        walk.bits("CID", at, 4, 4)
        at = walk.octets("Reserved", at + 1, 2, "", "RFC6775-4.2-07")
        at = walk.octets("Valid Lifetime", at, 2, "minutes", "RFC6775-4.2-06")
        return walk.octets("Context Prefix", at, end - at, _address((walk.data[at:end] + bytes(16))[:16]))
    if kind == nd.ABRO:
        at = walk.octets("Version Low", at, 2, "the least significant 16 bits", "RFC6775-4.3-02")
        at = walk.octets("Version High", at, 2, "", "RFC6775-4.3-02")
        at = walk.octets("Valid Lifetime", at, 2, "minutes; 0 stands for 10000", "RFC6775-4.3-03")
        return walk.octets("6LBR Address", at, end - at, _address(walk.data[at : at + 16]))
    if kind == nd.PIO:
        at = walk.octets("Prefix Length", at, 1, "bits")
        walk.bits("L", at, 0, 1, "on-link", "RFC6775-6.1-02")
        walk.bits("A", at, 1, 1, "autonomous")
        at = walk.octets("flags", at, 1)
        at = walk.octets("Valid Lifetime", at, 4, "seconds")
        at = walk.octets("Preferred Lifetime", at, 4, "seconds")
        at = walk.octets("Reserved2", at, 4)
        return walk.octets("Prefix", at, end - at, _address(walk.data[at : at + 16]))
    if kind == nd.SIXCIO:
        value = int.from_bytes(walk.data[at : at + 6], "big")
        flags = [name for flag, name in _FLAGS.items() if value >> 47 - flag & 1]
        return walk.octets("flags", at, end - at, " ".join(flags) or "none", "RFC8505-4.3-01")
    return walk.octets("octets", at, end - at, data=True)


def _status(value: int) -> str:
    return nd.STATUS[value] if value < len(nd.STATUS) else "unassigned"


def _address(octets: bytes) -> str:
    return str(ipaddress.IPv6Address(octets)) if len(octets) == 16 else ""
