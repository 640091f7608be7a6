"""Conforming nodes on Bluetooth LE: other terms of the channel, other timing, other habits of a 6LN and a 6LBR."""

from __future__ import annotations

from rigs.links.ipsp.channel import Terms
from rigs.nodes.reference.ble import NodeChannel
from sixlowpan import link_local, nd
from sixlowpan.addresses import ALL_NODES
from tests.variants import BLE, ROLES, ReferenceNode, variant
from tests.variants.sending import the
from tests.variants.timers import Periodic

EVERY = (*BLE, *ROLES)


def with_terms(**given):
    class OnTerms(ReferenceNode):
        terms = Terms(**given)

    return OnTerms


@variant("one-credit", rigs=EVERY)
class OneCredit(with_terms(mps=64, credits=1)):
    """Gives one credit at a time (Core Vol 3 Part A §10.1 sets no least number)."""


@variant("least-mps", rigs=EVERY)
class LeastMps(with_terms(mps=23, credits=4)):
    """Takes K-frames of 23 octets, the least MPS (§4.22)."""


@variant("large-mtu", rigs=EVERY, strict=False)
class LargeMtu(with_terms(mtu=2047, mps=1024, credits=100)):
    """Announces an MTU of 2047: RFC 7668 §2.4, "1280 octets or higher"; §3.2 RECOMMENDs 1280."""


@variant("all-credits", rigs=BLE, strict=False)
class AllCredits(with_terms(mtu=65535, mps=65533, credits=65535)):
    """Announces the most of everything."""


class FineChannel(NodeChannel):
    def send(self, sdu):
        self.segment = 27
        super().send(sdu)


@variant("finer-than-it-must", rigs=EVERY)
class Finer(ReferenceNode):
    """Cuts its SDUs into K-frames of 27 octets: §3.4.3, up to the MPS."""

    channel_class = FineChannel


class Hoarding(NodeChannel):
    """Gives credits back only when all are used."""

    def _heard_k_frame(self, pdu):
        self.generous = False
        super()._heard_k_frame(pdu)
        if self.state == "open" and self.given <= 0:
            self.grant(self.terms.credits)


@variant("credits-when-none-is-left", rigs=EVERY)
class LateCredits(ReferenceNode):
    """Gives credits when the last one is used (§10.1: when is the receiver's business)."""

    channel_class = Hoarding


@variant("public-address", rigs=EVERY, strict=False)
class PublicAddress(ReferenceNode):
    """Keeps one device address: RFC 7668 §3.2.2, private ones are RECOMMENDED."""

    def device_address(self):
        return bytes.fromhex("c4bd01020304")


@variant("registers-often", rigs=("reference-6ln",))
class RegistersOften(ReferenceNode):
    """Registers each of its addresses again every 6 s: RFC 6775 §5.5, before the lifetime ends."""

    def register(self, address, lifetime=10):
        super().register(address, lifetime)
        if address in self.refreshes:
            self.refreshes[address] = self.now + 6.0


@variant("solicits-eagerly", rigs=("reference-6ln",))
class SolicitsEagerly(ReferenceNode):
    """Asks its router for news at a third of the shortest lifetime: RFC 6775 §5.4.3, "well before" its end."""

    def next_refresh(self, message):
        at = super().next_refresh(message)
        return None if at is None else self.now + (at - self.now) * 4 / 9


@variant("advertises-unasked", rigs=("reference-6lbr",))
class AdvertisesUnasked(Periodic):
    """A 6LBR that advertises every 5 s, too: RFC 6775 §5.3 needs no periodic RA and forbids none."""

    period = 5.0

    def each_period(self):
        if self.peers:
            self.advertise(ALL_NODES)


@variant("no-prefix", rigs=("reference-6lbr",), without=["address"])
class NoPrefix(ReferenceNode):
    """A 6LBR without a prefix: a star of its own (RFC 7668 §3.3), link-local addresses only."""


@variant("tells-that-it-is-there", rigs=("reference-6ln",))
class Probing(ReferenceNode):
    """A 6LN that solicits its router behind every packet, to see whether it is there (RFC 4861 §7.3)."""

    def output(self, packet):
        super().output(packet)
        if packet[40:41] != bytes([nd.NS]) and self.peers:
            router = link_local(self.peer)
            self.send_nd(self.own[0], router, nd.NS, bytes(4) + router + self.link_option(1))


@variant("short-form-on-ble", rigs=EVERY)
class ShortFormOnBle(the(lambda form, first, second: (not second & 0x80, not first & 0x18, -len(form)))):
    """Traffic class in-line, no CID octet: what RFC 7668 §3.2.4 leaves open of RFC 6282."""
