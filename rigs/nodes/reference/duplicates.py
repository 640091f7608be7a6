"""What a 6LR and a 6LBR have of multihop duplicate address detection: its messages, and how they go (RFC 6775 §8.2).

Strategy: a message that RFC 6775 §8.2.1 lets through goes to `heard_duplicate`: a 6LR waits for DACs (`sixlr`), a 6LBR
answers DARs (`sixlbr`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from rigs.nodes.reference.routing import Routing
from sixlowpan import ipv6, nd
from sixlowpan.addresses import UNSPECIFIED, is_multicast

MULTIHOP: Final = 64  # RFC 6775 §9: MULTIHOP_HOPLIMIT


class MultihopDetection(Routing):
    """The messages between a 6LR and a 6LBR."""

    def icmp(self, view: ipv6.Packet, message: bytes) -> None:
        if message[0] not in {nd.DAR, nd.DAC}:
            super().icmp(view, message)
            return
        parsed = self.parsed(message)
        if isinstance(parsed, nd.DuplicateAddress) and self.valid_duplicate(view, parsed):
            self.heard_duplicate(view, parsed)

    def valid_duplicate(self, view: ipv6.Packet, message: nd.DuplicateAddress) -> bool:
        """§8.2.1, but for the Code, which §4.4 says is ignored; RFC 8505 §4.2 gives its lower half a meaning."""
        if view.src == UNSPECIFIED or is_multicast(view.src) or is_multicast(message.address):
            return False
        return self.extended or not message.code & 15

    @abstractmethod
    def heard_duplicate(self, view: ipv6.Packet, message: nd.DuplicateAddress) -> None:
        """Handle a DAR or a DAC."""

    def send_duplicate(self, message: nd.DuplicateAddress, source: bytes, destination: bytes) -> None:
        """§4.4: "Hop Limit: Set to MULTIHOP_HOPLIMIT on transmit"."""
        octets = message.build(source, destination)
        self.output(ipv6.build(source, destination, ipv6.ICMPV6, octets, hop_limit=MULTIHOP))
