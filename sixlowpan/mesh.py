"""The mesh addressing header and the broadcast header (RFC 4944 sections 5.2 and 11.1).

Both stand in front of the datagram and tell the codec nothing but which link-layer addresses count: "the
corresponding link-layer address is that found in the Mesh Addressing field" (RFC 4944 section 10.1).
"""

from __future__ import annotations

from typing import NamedTuple

from sixlowpan import dispatch
from sixlowpan.errors import MALFORMED, UNSUPPORTED, DecodeError, truncated
from sixlowpan.link import BLE, LinkInfo


class MeshHeader(NamedTuple):
    """RFC 4944 Figure 3; addresses have 2 or 8 octets."""

    hops_left: int
    deep: bool  # Hops Left is 0xF and an octet of its own follows
    originator: bytes
    final: bytes
    end: int  # offset of the first octet behind it

    def build(self) -> bytes:
        """The octets of this header (`end` plays no part)."""
        first = 0x80 | (len(self.originator) == 2) << 5 | (len(self.final) == 2) << 4
        hops = bytes((first | 15, self.hops_left)) if self.deep else bytes((first | self.hops_left,))
        return hops + self.originator + self.final


def mesh_header(originator: bytes, final: bytes, hops_left: int) -> bytes:
    """The octets of a mesh header; more than 14 hops take the 8-bit Deep Hops Left field."""
    return MeshHeader(hops_left, hops_left > 14, originator, final, 0).build()


def parse(data: bytes, at: int) -> MeshHeader:
    """Read the mesh header at `data[at]`, a mesh dispatch; DecodeError if it is cut short."""
    first = data[at]
    # "V: SHALL be zero if the Originator Address is an IEEE extended 64-bit address, or 1 if it is a
    # short"; F alike
    v, f = (2 if first & 0x20 else 8), (2 if first & 0x10 else 8)
    # "The value 0xF is reserved and signifies an 8-bit Deep Hops Left field immediately following"
    deep = first & 15 == 15
    begin = at + 1 + deep
    if len(data) < begin + v + f:
        raise truncated(
            len(data), "RFC4944-5.2-06" if len(data) >= begin else "RFC4944-5.2-05", "the mesh header"
        )
    hops_left = data[at + 1] if deep else first & 15
    return MeshHeader(
        hops_left, deep, data[begin : begin + v], data[begin + v : begin + v + f], begin + v + f
    )


def unwrap(data: bytes, link: LinkInfo) -> tuple[int, LinkInfo]:
    """(offset behind mesh and broadcast headers, the link with the addresses that count)."""
    at = 0
    if data and dispatch.KIND[data[0]] == dispatch.MESH:
        _not_on_ble(link, 0, dispatch.MESH)
        header = parse(data, 0)
        at, link = header.end, link.between(header.originator, header.final)
    if at < len(data) and data[at] == 0x50:
        _not_on_ble(link, at, dispatch.BC0)
        if at + 2 > len(data):
            raise truncated(len(data), "RFC4944-11.1-01", "the LOWPAN_BC0 header")
        at += 2
    if at >= len(data):
        raise truncated(len(data), "RFC4944-5-03", "the header stack: a dispatch octet must follow")
    if at and dispatch.KIND[data[at]] in {dispatch.MESH, dispatch.BC0}:
        # RFC 4944 5: "they MUST appear in the following order: Mesh Addressing, Broadcast, Fragmentation"
        raise DecodeError(MALFORMED, at, "RFC4944-5-02", f"{dispatch.KIND[data[at]]} is out of order here")
    return at, link


def _not_on_ble(link: LinkInfo, at: int, name: str) -> None:
    if link.kind == BLE:
        raise DecodeError(UNSUPPORTED, at, "RFC7668-3.2-03", f"{name} has no meaning on Bluetooth LE")
