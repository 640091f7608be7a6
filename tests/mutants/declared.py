"""Mutants that get wrong what the reference node declares beyond RFC 6282: mesh, broadcast, HC1, GHC, paging."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sixlowpan import mesh
from tests.mutants import ANY, IEEE802154, Node, always, mutant, reads, step


def is_mesh(payload: bytes) -> bool:
    return payload[:1] >= b"\x80" and payload[:1] < b"\xc0"


# -- RFC 4944 §5.2, §11 -------------------------------------------------------------------------------------------


@mutant("mesh-for-another-consumed", requirement="RFC4944-11-03", kinds=IEEE802154)
class ForAnother(always(in_mesh_for_us=True)):
    """Consumes mesh frames whose final destination is another node."""


@reads("mesh-dropped", requirement="RFC4944-5.1-14", kinds=IEEE802154)
def _(node, payload, h, info):
    """Drops every mesh frame."""
    return None if is_mesh(payload) else payload


@reads("mesh-originator-unread", requirement="RFC4944-10.1-02", kinds=IEEE802154)
def _(node, payload, h, info):
    """Takes the MAC source for the originator."""
    return payload[mesh.parse(payload, 0).end :] if is_mesh(payload) else payload


@reads("mesh-deep-hops-unread", requirement="RFC4944-5.2-05", kinds=IEEE802154)
def _(node, payload, h, info):
    """Knows no Deep Hops Left octet."""
    if is_mesh(payload) and payload[0] & 15 == 15:
        return bytes((payload[0] & 0xFE,)) + payload[1:]
    return payload


@reads("mesh-sizes-swapped", requirement="RFC4944-5.2-01", kinds=IEEE802154)
def _(node, payload, h, info):
    """Takes F for the size of the originator's address, and V for that of the final destination's."""
    if is_mesh(payload) and payload[0] & 0x30 in {0x10, 0x20}:
        return bytes((payload[0] ^ 0x30,)) + payload[1:]
    return payload


@reads("bc0-dropped", requirement="RFC4944-5.1-09", kinds=IEEE802154)
def _(node, payload, h, info):
    """Drops what has a broadcast header."""
    at = mesh.parse(payload, 0).end if is_mesh(payload) else 0
    return None if payload[at : at + 1] == b"\x50" else payload


@reads("bc0-one-octet", requirement="RFC4944-11.1-01", kinds=IEEE802154)
def _(node, payload, h, info):
    """Takes the sequence number of a broadcast header for the next dispatch."""
    at = mesh.parse(payload, 0).end if is_mesh(payload) else 0
    return payload[:at] + payload[at + 1 :] if payload[at : at + 1] == b"\x50" else payload


# -- RFC 4944 §10 -------------------------------------------------------------------------------------------------


@partial(step, kinds=IEEE802154)
def hc1(function: Callable) -> Node:
    """A mutant that changes the HC1 encoding octet: function(octet) -> octet."""

    def change(node, payload, h, info):
        if payload[:1] != b"\x42" or len(payload) < 3:
            return payload
        return payload[:1] + bytes((function(payload[1]),)) + payload[2:]

    return reads.make(change)


@hc1("hc1-next-headers-swapped", "RFC4944-10.1-04")
def _(octet):
    """Takes 01 for ICMP and 10 for UDP."""
    return octet ^ 6 if octet & 6 in {2, 4} else octet


@hc1("hc1-addresses-swapped", "RFC4944-10.1-01")
def _(octet):
    """Has the destination's bits in front of the source's."""
    return (octet & 0x0F) | octet << 2 & 0xC0 | octet >> 2 & 0x30


@hc1("hc1-traffic-class-elided", "RFC4944-10.1-03")
def _(octet):
    """Takes traffic class and flow label for elided whatever bit 4 says."""
    return octet | 0x08


@reads("hc1-dropped", requirement="RFC4944-5.1-06", kinds=IEEE802154)
def _(node, payload, h, info):
    """Drops HC1."""
    return None if payload[:1] == b"\x42" else payload


@reads("hc2-ports-swapped", requirement="RFC4944-10.2-01", kinds=IEEE802154)
def _(node, payload, h, info):
    """Has the bit of the destination port in front of the source port's."""
    if payload[:1] == b"\x42" and len(payload) > 3 and payload[1] & 7 == 3 and payload[2] >> 6 in {1, 2}:
        return payload[:2] + bytes((payload[2] ^ 0xC0,)) + payload[3:]
    return payload


# -- RFC 7400 -----------------------------------------------------------------------------------------------------


@step
def ghc(function: Callable) -> Node:
    """A mutant that takes GHC codes for others: function(code octet) -> the octets in its place."""

    def change(node, payload, h, info):
        at = h.end if h is not None else len(payload)
        if payload[at : at + 1] != b"\xdf":
            return payload
        out, at = payload[: at + 1], at + 1
        while at < len(payload):
            code = payload[at]
            behind = at + 1 + (code if code < 0x60 else 0)
            out += function(code) + payload[at + 1 : behind]
            at = behind
        return out

    return reads.make(change)


@reads("ghc-dropped", requirement="RFC7400-3.1-02", kinds=ANY)
def _(node, payload, h, info):
    """Declares GHC and drops it."""
    return None if h is not None and payload[h.end : h.end + 1] == b"\xdf" else payload


@ghc("ghc-zeros-as-many-as-said", "RFC7400-2-03")
def _(code):
    """Puts out n+1 zeros, not n+2."""
    return (
        b"\x01\x00" + (bytes((code - 2,)) if code > 0x81 else b"") if 0x80 <= code < 0x90 else bytes((code,))
    )


@ghc("ghc-backreference-one-off", "RFC7400-2-06")
def _(code):
    """Counts the place of a backreference from one octet further."""
    return bytes((code ^ 1,)) if code >= 0xC0 else bytes((code,))


@ghc("ghc-shift-ignored", "RFC7400-2-05")
def _(code):
    """Ignores the shift of sa and na."""
    return b"" if 0xA0 <= code < 0xC0 else bytes((code,))


@ghc("ghc-stop-unknown", "RFC7400-2-04")
def _(code):
    """Refuses what has a stop code."""
    return b"\x60" if code == 0x90 else bytes((code,))


# -- RFC 8025 -----------------------------------------------------------------------------------------------------


@reads("paging-dropped", requirement="RFC8025-4-01", kinds=ANY)
def _(node, payload, h, info):
    """Declares pages and drops IPHC in page 1."""
    return None if payload[:1] == b"\xf1" else payload


@reads("paging-unknown-page", requirement="RFC8025-3-04", kinds=ANY)
def _(node, payload, h, info):
    """Takes every page for page 0."""
    return payload.lstrip(bytes(range(0xF0, 0x100))) or payload


@reads("paging-once", requirement="RFC8025-3-03", kinds=ANY)
def _(node, payload, h, info):
    """Takes a paging dispatch in page 0 only."""
    return None if payload[:1] >= b"\xf1" and payload[1:2] >= b"\xf0" else payload
