"""Mutants that send mesh and broadcast headers wrongly (RFC 4944 §5, §5.2, §11): the sender of the variants."""

from __future__ import annotations

from sixlowpan import mesh
from sixlowpan.addresses import BROADCAST
from tests.mutants import IEEE802154, mutant
from tests.variants.manners import in_mesh


def mesh_sender(id: str, requirement: str):
    """function(node, payload, header, info) -> the payload in the place of one that begins with a mesh header."""

    def register(function):
        class Node(in_mesh(True)):
            def fragment_packet(self, packet, info):
                payloads = super().fragment_packet(packet, info)
                return [function(self, payload, mesh.parse(payload, 0), info) for payload in payloads]

        mutant(id, requirement=requirement, kinds=IEEE802154, what=function.__doc__ or "")(Node)
        return function

    return register


@mesh_sender("send-mesh-final-first", "RFC4944-5.2-06")
def _(node, payload, header, info):
    """Sends the final destination in front of the originator, both extended."""
    if len(header.originator) != len(header.final):
        return payload
    return payload[:1] + header.final + header.originator + payload[header.end :]


@mesh_sender("send-mesh-no-originator", "RFC4944-11-01")
def _(node, payload, header, info):
    """Sends its neighbour as the originator."""
    if info.dst == BROADCAST or len(header.originator) != len(header.final):
        return payload
    return payload[:1] + header.final * 2 + payload[header.end :]


@mesh_sender("send-bc0-constant", "RFC4944-11.1-02")
def _(node, payload, header, info):
    """Sends each broadcast header with one sequence number."""
    at = header.end
    return payload[: at + 1] + b"\7" + payload[at + 2 :] if payload[at] == 0x50 else payload


@mesh_sender("send-mesh-no-hops", "RFC4944-5.2-03")
def _(node, payload, header, info):
    """Sends no octet of Deep Hops Left where Hops Left is 15."""
    return bytes((payload[0] | 15,)) + payload[1:]
