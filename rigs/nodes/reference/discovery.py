"""What each node of RFC 6775 has of neighbor discovery, whatever its role: messages, capabilities, next hops.

Strategy: a role (`sixln`, `sixlr`, `sixlbr`) overrides the steps that it changes, and `super()` is what stands behind
it: another role that it includes, this, and last the host of RFC 4861. Every timer is a number that `due` tells and
`tick` looks at.
"""

from __future__ import annotations

from typing import Final

from rigs.nodes.reference.adaptation import Adaptation
from rigs.nodes.reference.registration import reverse
from sixlowpan import DecodeError, ipv6, nd
from sixlowpan.addresses import is_link_local, is_multicast

NEIGHBOR_DISCOVERY: Final = frozenset({nd.RS, nd.RA, nd.NS, nd.NA})


class Discovery(Adaptation):
    """Neighbor discovery of RFC 6775, without a role."""

    #: Whether it knows RFC 8505.
    extended: bool = False

    def boot(self) -> None:
        super().boot()
        #: Who is taken for a router where none advertises: told by hand.
        self.fallback = b""
        #: The packet that is being handled.
        self.view: ipv6.Packet | None = None

    @property
    def sender(self) -> bytes:
        """Who sent the packet that is being handled."""
        return self.view.src if self.view is not None else b""

    def capabilities(self) -> bytes:
        """RFC 8505 §6.1: "The 6CIO MUST be present in both RS and RA messages"."""
        return nd.CapabilityIndication(self.flags()).build() if self.extended else b""

    def flags(self) -> frozenset[int]:
        """Of our 6CIO: a 6LN is no registrar, and has none."""
        return frozenset()

    # -- messages ---------------------------------------------------------------------------------------------

    def icmp(self, view: ipv6.Packet, message: bytes) -> None:
        """Neighbor Discovery as RFC 6775 changes it, else the host's."""
        if message[0] not in NEIGHBOR_DISCOVERY or view.hop_limit != 255 or message[1]:
            super().icmp(view, message)
            return
        parsed = self.parsed(message)
        if parsed is None:
            return
        self.view = view
        if not self.discovery(view, parsed):
            super().icmp(view, message)
        self.view = None

    @staticmethod
    def parsed(message: bytes) -> nd.Message | None:
        """A message of Neighbor Discovery; RFC 4861 §7.1: one that cannot be is "silently discarded"."""
        try:
            return nd.parse(message)
        except DecodeError:
            return None

    def discovery(self, view: ipv6.Packet, message: nd.Message) -> bool:
        """Whether a message of Neighbor Discovery was handled here; RFC 4861 §6.2.6: hosts discard an RS."""
        del view
        return isinstance(message, nd.RouterSolicitation)

    # -- next hops --------------------------------------------------------------------------------------------

    def use_router(self, address: bytes | None) -> None:
        """What no router was heard for goes there (`rigs.model.Node.use_router`)."""
        self.fallback = address or b""

    def output_piece(self, packet: bytes) -> None:
        """§5.6: no address is resolved."""
        destination = packet[24:40]
        if self.point_to_point or is_multicast(destination):
            super().output_piece(packet)
            return
        link = self.next_hop(destination)
        if link:
            self.transmit(packet, link)

    def next_hop(self, destination: bytes) -> bytes:
        """The link-layer address that a packet goes to; empty: there is none.

        §5.6: link-local ones "by reversing the procedure in Appendix A of RFC 4291", all others to a default router.
        """
        if is_link_local(destination):
            return reverse(destination)
        return reverse(self.fallback) if self.fallback else b""
