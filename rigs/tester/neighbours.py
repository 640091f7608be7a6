"""The tester's part of Neighbor Discovery (RFC 4861): its answers, its solicitations, and whom the DUT has met.

Strategy: the tester answers for its own addresses and hides nothing. Where the DUT has room for few neighbours, each
new one makes room by making the oldest stale, so that no case finds the cache full of those before. What the DUT asked
for before the tester had that address is answered once it has: until then the DUT keeps its answers to that address
back, and asks again only after RetransTimer (RFC 4861 §7.2.2), so that a case would take the wait for silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rigs.tester.packets import ICMPV6, NEIGHBOR_ADVERTISEMENT, UNSPECIFIED, Identity, Seen
from sixlowpan import ipv6, nd

if TYPE_CHECKING:
    from rigs.tester.host import Tester


#: Solicitations for addresses of nobody that are kept, the latest ones.
_ASKED_FOR_IN_VAIN = 1024


def link_option(kind: int, link: bytes) -> bytes:
    """A Source (1) or Target (2) Link-Layer Address option; RFC 4944 §8, RFC 7668 §3.2 for the lengths."""
    return nd.LinkLayerAddress(kind, link).build()


class Neighbours:
    """What the tester says to its neighbour, the DUT."""

    def __init__(self, tester: Tester, most: int | None) -> None:
        """`most`: how many neighbours the DUT has room for, if that is few; half of them are kept reachable."""
        self._tester, self._most = tester, most
        #: Who is in the DUT's neighbour cache for all we know, the latest last.
        self._met: dict[bytes, Identity] = {}
        #: Solicitations for addresses that were nobody's when they came, by their target.
        self._in_vain: dict[bytes, Seen] = {}

    def advertise(self, seen: Seen) -> None:
        """Answer a Neighbor Solicitation for one of our addresses (RFC 4861 §4.4, §7.2.4)."""
        target = seen.upper[8:24]
        identity = self._tester.known(target)
        if seen.view is None or seen.view.src == UNSPECIFIED:
            return  # somebody's DAD probe for our address: nothing of ours to say in a test
        if identity is None:
            self._in_vain.pop(target, None)
            self._in_vain[target] = seen
            if len(self._in_vain) > _ASKED_FOR_IN_VAIN:
                del self._in_vain[next(iter(self._in_vain))]
            return
        said = nd.NeighborAdvertisement(target, options=(nd.LinkLayerAddress(nd.TLLAO, identity.link),))
        self._say(said, target, seen.view.src, identity.link, seen.info.src)
        self.meet(identity)

    def owned(self, address: bytes) -> None:
        """The tester has this address from now on: answer who asked for it before."""
        if (seen := self._in_vain.pop(address, None)) is not None:
            self.advertise(seen)

    def meet(self, identity: Identity) -> None:
        """The DUT knows this one now. A small cache full of reachable neighbours has no place for the next: make room.

        RFC 4861 §7.2.5: an advertisement with another link-layer address and neither Solicited nor Override makes the
        entry STALE and changes nothing else in it; a stale entry can be given up.
        """
        self._met.pop(identity.address, None)
        self._met[identity.address] = identity
        while self._most is not None and len(self._met) > max(1, self._most // 2):
            who = self._met.pop(next(iter(self._met)))
            elsewhere = nd.LinkLayerAddress(nd.TLLAO, who.link[:-1] + bytes([who.link[-1] ^ 0x80]))
            said = nd.NeighborAdvertisement(
                who.address, solicited=False, override=False, options=(elsewhere,)
            )
            self._say(said, who.address, self._tester.dut_address, who.link)

    def solicit(self) -> None:
        """Send a Neighbor Solicitation for the DUT with our link address: it need not ask for ours then."""
        identity, target = self._tester.identity, self._tester.dut_address
        said = nd.NeighborSolicitation(target, (nd.LinkLayerAddress(nd.SLLAO, identity.link),))
        self._say(said, identity.address, target, identity.link)
        self.meet(identity)

    def introduce(self, identity: Identity, deadline: float) -> None:
        """Make the DUT know the link-layer address behind one of our addresses, unless it does."""
        if identity.address in self._met:
            return
        with self._tester.acting_as(identity):
            self.solicit()
        while (seen := self._tester.hear(deadline)) is not None and seen.icmp_type != NEIGHBOR_ADVERTISEMENT:
            pass

    def _say(
        self,
        message: nd.NeighborSolicitation | nd.NeighborAdvertisement,
        source: bytes,
        destination: bytes,
        link: bytes,
        to: bytes | None = None,
    ) -> None:
        """Send a message from one of our addresses, with the link-layer address behind that."""
        packet = ipv6.build(source, destination, ICMPV6, message.build(source, destination), hop_limit=255)
        self._tester.send_packet(packet, self._tester.info(link, to))
