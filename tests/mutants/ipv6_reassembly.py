"""A right node that takes IPv6 fragments, for mutants and a variant of it: the reference leaves them alone."""

from __future__ import annotations

from fixtures.stimuli.ipv6_fragments import complete, joined
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6
from sixlowpan.ipv6 import FRAGMENT


class ReassemblesIpv6(ReferenceNode):
    """A node that takes IPv6 fragments, as RFC 8200 §5 asks: "as large as 1500 octets" and more."""

    def boot(self):
        self.parts = {}
        super().boot()

    def input(self, packet):
        if packet[6] != FRAGMENT or not int.from_bytes(packet[42:44]) & 0xFFF9:
            super().input(packet)
            return
        mine = self.parts.setdefault((packet[8:24], packet[44:48]), [])
        mine.append(packet)
        if complete(mine):
            del self.parts[packet[8:24], packet[44:48]]
            whole = joined(mine)
            super().input(ipv6.build(packet[8:24], packet[24:40], packet[40], whole, hop_limit=packet[7]))
