"""Mutants that take an elided UDP checksum in some company only, though no integrity check was in place.

RFC 6282 §4.3.2: "If the decompressor cannot unambiguously determine the presence of an integrity check ..., the
decompressor MUST drop the packet", wherever the UDP header stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import mesh
from tests.mutants import ANY, IEEE802154, mutant
from tests.mutants.chains import nhcs, within
from tests.mutants.wire import Iphc, iphc


def takes(id: str, what: str, holds: Callable[[Iphc, int], object], kinds=ANY) -> None:
    """Register a node that takes C=1 where holds(IPHC header, octets of the mesh header in front of it)."""

    class Taking(ReferenceNode):
        def understand(self, payload, info):
            meshed = payload[:1] and payload[0] >> 6 == 0b10
            at = mesh.unwrap(payload, info)[0] if meshed and info.kind == "ieee802154" else 0
            header = iphc(payload[at:])
            if header is not None and holds(header, at):
                info = replace(info, integrity=True)
            return super().understand(payload, info)

    mutant(id, requirement="RFC6282-4.3.2-12", kinds=kinds, what=f"Takes C=1 {what}.")(Taking)


takes("udp-c-behind-an-inner-header", "behind an inner IPv6 header", lambda h, at: within(h) is not None)
takes("udp-c-behind-options", "behind a compressed extension header", lambda h, at: any(nhcs(h)))
takes("udp-c-with-short-ports", "beside ports of 4 bits", lambda h, at: h.nhc == 0xF7)
takes("udp-c-under-a-context", "from an address under a context", lambda h, at: h.sac and h.sam)
takes("udp-c-to-a-group", "to a group", lambda h, at: h.m)
takes("udp-c-behind-mesh", "behind a mesh header", lambda h, at: at, IEEE802154)
