"""Defects of compression: an address, a group or a port is taken for what it resembles, and another packet sent."""

from __future__ import annotations

from collections.abc import Callable

from rigs.nodes.reference.node import ReferenceNode
from tests.mutants import IEEE802154, Iphc, Node, step
from tests.mutants.wire import iphc


@step
def encodes(function: Callable) -> Node:
    """function(node, payload, header, packet, info) -> the payload in the place of the right one, before it is cut."""

    class Encoding(ReferenceNode):
        def encode_packet(self, packet, info):
            payload = super().encode_packet(packet, info)
            header = iphc(payload)
            return payload if header is None else function(self, payload, header, packet, info)

    return Encoding


def to(header: Iphc, mode: int, octets: bytes, context: int = 0) -> bytes:
    """The payload with another destination: M DAC DAM, in-line octets, and DCI where that is not 0."""
    payload = header.payload
    pair = (payload[2] if header.cid else 0) & 0xF0 | context
    cid = bytes((pair,)) if header.cid or context else b""
    second = payload[1] & 0x70 | mode | (0x80 if cid else 0)
    front = payload[header.tf_at : header.dst_at]
    return payload[:1] + bytes((second,)) + cid + front + octets + payload[header.end :]


@encodes("sends-link-local-by-ten-bits", requirement="RFC6282-3.1.1-30")
def _(node, payload, header, packet, info):
    "Sends any address of fe80::/10 as one of fe80::/64."
    local = packet[24] == 0xFE and packet[25] >> 6 == 2
    return to(header, 1, packet[32:40]) if local and not header.dac and header.dam == 0 else payload


@encodes("sends-16-bits-for-any-fffe", requirement="RFC6282-3.1.1-31")
def _(node, payload, header, packet, info):
    "Sends 16 bits of every IID with ff:fe00 in its middle, whatever stands before it."
    unicast = not header.m and not header.dac and header.dam == 1
    return to(header, 2, packet[38:40]) if unicast and packet[35:38] == b"\xff\xfe\0" else payload


@encodes("sends-elided-to-a-short-neighbour", requirement="RFC6282-3.2.2-03", kinds=IEEE802154)
def _(node, payload, header, packet, info):
    "Elides every link-local destination IID when the neighbour has a short address."
    other = not header.m and not header.dac and header.dam in {1, 2}
    return to(header, 3, b"") if other and len(info.dst) == 2 else payload


@encodes("sends-8-bits-for-any-scope", requirement="RFC6282-3.2.3-04")
def _(node, payload, header, packet, info):
    "Sends the 8-bit form of a group of any scope."
    return to(header, 11, packet[39:40]) if packet[24] == 0xFF and not any(packet[26:39]) else payload


@encodes("sends-rfc3306-of-any-length", requirement="RFC6282-3.2.4-01")
def _(node, payload, header, packet, info):
    "Sends a group of a context's prefix without a look at the prefix length in it."
    whole = header.m and not header.dac and header.dam == 0
    for identifier, context in node.contexts.usable() if whole else ():
        if context.head == packet[28:36]:
            return to(header, 12, packet[25:27] + packet[36:40], identifier)
    return payload


@encodes("sends-f0c0-in-4-bits", requirement="RFC6282-4.3.3-06")
def _(node, payload, header, packet, info):
    "Takes f0c0 for the last port of the 4-bit range."
    short = packet[40] == packet[42] == 0xF0 and all(
        0xB0 <= port <= 0xC0 for port in (packet[41], packet[43])
    )
    if header.nhc not in {0xF1, 0xF2} or not short:
        return payload
    ports = bytes((0xF3, (packet[41] & 15) << 4 | packet[43] & 15))
    return payload[: header.end] + ports + payload[header.end + 4 :]


@encodes("sends-context-by-64-bits", requirement="RFC6282-3.1.1-23")
def _(node, payload, header, packet, info):
    "Compares 64 bits of a longer context with a destination."
    for identifier, context in (
        node.contexts.usable() if not header.m and not header.dac and not header.dam else ()
    ):
        if context.length > 64 and context.head == packet[24:32]:
            return to(header, 5, packet[32:40], identifier)
    return payload
