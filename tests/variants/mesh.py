"""Conforming senders of mesh addressing headers: other hops, other sizes of addresses (RFC 4944 §5.2, §11)."""

from __future__ import annotations

from sixlowpan.addresses import BROADCAST
from sixlowpan.mesh import mesh_header
from tests.variants import ReferenceNode, variant


def meshed(hops: int, *, short: bool = False):
    """A node whose unicast goes behind a mesh header with so many hops; `short`: by its short address there."""

    class Meshed(ReferenceNode):
        def room(self, info):
            return super().room(info) - 20

        def fragment_packet(self, packet, info):
            if info.dst == BROADCAST:
                return super().fragment_packet(packet, info)
            originator = self.link.dut_short if short else info.src
            payloads = super().fragment_packet(packet, info.between(originator, info.dst))
            return [mesh_header(originator, info.dst, hops) + payload for payload in payloads]

    return Meshed


@variant("deep-hops-in-mesh")
class DeepHops(meshed(200)):
    """Unicast behind a mesh header with 200 hops left, which takes the octet of Deep Hops Left (RFC 4944 §5.2)."""


@variant("short-originator-in-mesh")
class ShortOriginator(meshed(14, short=True)):
    """Its short address in the mesh header and its EUI-64 in the MAC header: RFC 4944 §5.2, V is its own bit."""


@variant("hops-each-time-in-mesh")
class HopsEachTime(meshed(3)):
    """Another number of hops in front of each fragment: each frame is forwarded for itself (RFC 4944 §11)."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        if info.dst == BROADCAST:
            return payloads
        behind = len(mesh_header(info.src, info.dst, 3))
        return [
            mesh_header(info.src, info.dst, (3, 14, 15, 255, 1)[at % 5]) + payload[behind:]
            for at, payload in enumerate(payloads)
        ]
