"""Mutants that read single fields of HC1 and HC_UDP wrongly (RFC 4944 §10)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, mesh
from tests.mutants import IEEE802154, Node, mutant, reads, step


@partial(step, kinds=IEEE802154)
def hc1_packet(function: Callable) -> Node:
    """function(node, packet, payload, info) changes what was made of an HC1 payload."""

    class Node(ReferenceNode):
        def decode_payload(self, payload, info):
            packet = bytearray(super().decode_payload(payload, info))
            if payload[:1] == b"\x42":
                function(self, packet, payload, info)
            return bytes(packet)

    return Node


@hc1_packet("hc1-traffic-octet-lost", "RFC4944-10.1-03")
def _(node, packet, payload, info):
    """Loses the traffic class where it is in-line, and keeps the flow label."""
    packet[0], packet[1] = 0x60, packet[1] & 15


@hc1_packet("hc1-flow-label-16-bits", "RFC4944-10.1-03")
def _(node, packet, payload, info):
    """Keeps 16 bits of an in-line flow label."""
    packet[1] &= 0xF0


@hc1_packet("hc1-hop-limit-64", "RFC4944-10.3.1-01")
def _(node, packet, payload, info):
    """Puts 64 where the hop limit was in-line."""
    packet[7] = 64


@hc1_packet("hc1-source-prefix-lost", "RFC4944-10.1-01")
def _(node, packet, payload, info):
    """Form 01 of the source, prefix in-line and identifier elided, gets the link-local prefix."""
    if payload[1] >> 6 == 1:
        packet[8:16] = b"\xfe\x80" + bytes(6)


@hc1_packet("hc1-destination-prefix-lost", "RFC4944-10.1-01")
def _(node, packet, payload, info):
    """Form 01 of the destination, prefix in-line and identifier elided, gets the link-local prefix."""
    if payload[1] >> 4 & 3 == 1:
        packet[24:32] = b"\xfe\x80" + bytes(6)


@hc1_packet("hc1-short-source-with-pan", "RFC4944-10.1-02")
def _(node, packet, payload, info):
    """Takes an elided source identifier of a 16-bit address from the last six octets of its own EUI-64."""
    if payload[1] & 0x40 and len(info.src) == 2:
        packet[18:24] = node.link.dut[2:8]


@reads("hc1-tcp-dropped", requirement="RFC4944-10.1-04", kinds=IEEE802154)
def _(node, payload, h, info):
    """Knows no next header 11, TCP."""
    return None if payload[:1] == b"\x42" and len(payload) > 1 and payload[1] & 6 == 6 else payload


@reads("hc2-unread", requirement="RFC4944-10.1-05", kinds=IEEE802154)
def _(node, payload, h, info):
    """Drops HC1 that an HC2 octet follows."""
    return None if payload[:1] == b"\x42" and len(payload) > 1 and payload[1] & 1 else payload


@reads("hc2-length-always-elided", requirement="RFC4944-10.2-03", kinds=IEEE802154)
def _(node, payload, h, info):
    """Takes the UDP length for elided whatever bit 2 of HC_UDP says."""
    if payload[:1] == b"\x42" and len(payload) > 2 and payload[1] & 7 == 3:
        return payload[:2] + bytes((payload[2] | 0x20,)) + payload[3:]
    return payload


@hc1_packet("hc2-one-short-port", "RFC4944-10.3.2-01")
def _(node, packet, payload, info):
    """Begins a full destination port on an octet where the source port has four bits."""
    if payload[1] & 7 == 3 and payload[2] >> 6 == 2 and len(packet) >= 48:
        packet[42:44] = bytes(((packet[42] << 4 | packet[43] >> 4) & 0xFF, packet[43] & 15))


@hc1_packet("hc2-short-port-base", "RFC4944-10.2-02")
def _(node, packet, payload, info):
    """Adds the four bits of a destination port to 0xf0a0."""
    if payload[1] & 7 == 3 and payload[2] & 0x40:
        packet[43] -= 16


@mutant("hc1-frag1-dropped", requirement="RFC4944-10.1-06", kinds=IEEE802154)
class FirstFragments(ReferenceNode):
    """Knows HC1 in whole packets only, and drops a FRAG1 with it."""

    def reassemble(self, payload, info):
        if payload[0] >> 3 == 0x18 and payload[4:5] == b"\x42":
            raise DecodeError("unsupported", 4, None, "HC1 in a first fragment")
        return super().reassemble(payload, info)


@mutant("hc1-mesh-from-mac", requirement="RFC4944-10.1-02", kinds=IEEE802154)
class MeshFromMac(ReferenceNode):
    """Takes elided identifiers of HC1 behind a mesh header from the MAC header."""

    def reassemble(self, payload, info):
        if 0x80 <= payload[0] < 0xC0:
            at = mesh.parse(payload, 0).end
            if payload[at : at + 1] == b"\x42":
                return self.decode_payload(payload[at:], info)
        return super().reassemble(payload, info)
