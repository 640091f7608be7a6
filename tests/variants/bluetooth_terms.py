"""Conforming nodes on Bluetooth LE: policies of credits, K-frames and queues, and of routers and registrations."""

from __future__ import annotations

import random

from rigs.nodes.reference.ble import NodeChannel
from tests.variants import BLE, ReferenceNode, variant
from tests.variants.bluetooth import EVERY, with_terms


def end(make):
    """A node whose end of the channel is this class."""

    class Node(ReferenceNode):
        channel_class = make

    return Node


@variant("three-hundred-credits", rigs=BLE)
class ThreeHundred(with_terms(mps=64, credits=300)):
    """Gives 300 credits: Core Vol 3 Part A §10.1, up to 65535."""


@variant("most-credits-of-small-k-frames", rigs=BLE)
class MostOfSmall(with_terms(mps=23, credits=65535)):
    """Gives 65535 credits for K-frames of 23 octets."""


@variant("an-sdu-in-one-k-frame", rigs=EVERY)
class OneKFrame(with_terms(mps=1282, credits=3)):
    """Takes an SDU of 1280 octets in one K-frame."""


class OneByOne(NodeChannel):
    """Gives a credit back behind each K-frame."""

    def _heard_k_frame(self, pdu):
        self.generous = False
        super()._heard_k_frame(pdu)
        if self.state == "open":
            self.grant(1)


@variant("a-credit-for-each-k-frame", rigs=EVERY)
class CreditForEach(end(OneByOne)):
    """Gives a credit back for each K-frame, in a packet of its own."""


class AnySize(NodeChannel):
    def send(self, sdu):
        self.segment = random.Random(len(sdu)).randrange(23, 200)
        super().send(sdu)


@variant("k-frames-of-any-size", rigs=BLE)
class KFramesOfAnySize(end(AnySize)):
    """Cuts each SDU another way: §3.4.3, K-frames up to the MPS."""


class LenientToLong(NodeChannel):
    def _heard_k_frame(self, pdu):
        before = len(self.breaches)
        whole = []
        deliver, self.on_sdu = self.on_sdu, whole.append
        super(NodeChannel, self)._heard_k_frame(pdu)
        self.on_sdu = deliver
        self.breaches[before:] = [b for b in self.breaches[before:] if "where the MPS" not in b[0]]
        if self.breaches:
            self.leave()
            return
        for sdu in whole:
            deliver(sdu)


@variant("takes-long-k-frames", rigs=BLE)
class TakesLong(end(LenientToLong)):
    """Takes K-frames beyond its MPS: the text has it end the channel, and that is no business of IPv6's."""


class DropsBeyond(NodeChannel):
    """Drops what breaks the terms, and goes on."""

    def _heard_k_frame(self, pdu):
        whole = []
        deliver, self.on_sdu = self.on_sdu, whole.append
        long = self._wanted > self.terms.mtu if self._coming is not None else False
        super(NodeChannel, self)._heard_k_frame(pdu)
        self.on_sdu = deliver
        bad, _ = bool(self.breaches), self.breaches.clear()
        for sdu in whole:
            if not bad and not long and len(sdu) <= self.terms.mtu:
                deliver(sdu)


@variant("drops-what-breaks-the-terms", rigs=BLE)
class Drops(end(DropsBeyond)):
    """Drops an SDU that breaks the terms, and keeps the channel."""


class OnePlace(NodeChannel):
    def send(self, sdu):
        if not self._queue:
            super().send(sdu)


# not as a 6LN: what it says of itself on a connection needs three, and one of its registrations would never leave
@variant("two-places-for-output", rigs=("reference-ble", "reference-6lbr"))
class TwoPlaces(end(OnePlace)):
    """One packet that is being sent and one that waits: IPv6 obliges nobody to queue more (RFC 8200, best effort)."""


class NoPlace(NodeChannel):
    def send(self, sdu):
        if not self.waiting:
            super().send(sdu)


@variant("one-place-for-output", rigs=BLE)
class OnePlaceOnly(end(NoPlace)):
    """One packet that is being sent, and none that waits."""


@variant("solicits-after-a-second", rigs=("reference-6ln",))
class SolicitsLater(ReferenceNode):
    """Solicits a router a second after the connection: RFC 4861 §6.3.7, a random delay of up to 1 s."""

    def solicit_router(self):
        if self.solicitations == 0 and not getattr(self, "waited", False):
            self.waited = True
            self.solicited_at = self.now + 0.9
            return
        self.waited = False
        super().solicit_router()


@variant("registers-for-a-minute", rigs=("reference-6ln",))
class ForAMinute(ReferenceNode):
    """Registers its addresses for one minute, and again after half of it (RFC 6775 §5.5)."""

    def register(self, address, lifetime=10):
        super().register(address, 1)


@variant("bindings-outlive-the-connection", rigs=("reference-6lbr",))
class Outlive(ReferenceNode):
    """Keeps the registrations of a 6LN that has left until their lifetime ends (RFC 6775 §6.5 sets no other end)."""

    def disconnected(self, peer):
        kept = dict(self.bindings)
        super().disconnected(peer)
        self.bindings = kept

    def pass_on(self, packet, peer):
        if peer in self.peers:
            super().pass_on(packet, peer)


@variant("6lbr-hop-limit-255", rigs=("reference-6lbr",))
class SixLbrHopLimit(ReferenceNode):
    """A 6LBR that sends its own packets with hop limit 255: RFC 8200 §3 leaves it to the source."""

    def boot(self):
        super().boot()
        self.hop_limit = 255


@variant("largest-mtu-and-mps", rigs=BLE)
class LargestTerms(with_terms(mtu=65535, mps=65533, credits=3)):
    """The largest MTU and MPS that there are, and three credits: Core Vol 3 Part A §4.22."""


@variant("mps-23-one-credit", rigs=BLE)
class LeastTerms(with_terms(mps=23, credits=1)):
    """The smallest MPS, and one credit at a time: Core Vol 3 Part A §4.22."""


class LikeTheOther(NodeChannel):
    """Has its identifiers of the range that the other end has."""

    cids = range(0x0050, 0x0060)


@variant("identifier-like-the-other-end", rigs=BLE)
class LikeTheOtherEnd(end(LikeTheOther)):
    """Its end of the channel may have the identifier of the other one: each gives its own (Core Vol 3 Part A §2.1)."""
