"""Mutants of 6LBR and 6LN behind an event (a 6LN leaves, a second advertisement) or with large packets."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import is_multicast
from tests.mutants import BLE, ble_6lbr, ble_6ln, mutant, starts_with
from tests.mutants.ble_channel import CHANNEL

FORWARDING = "RFC7668-3.2.1-03"
wrong_6lbr, wrong_6ln = ble_6lbr.wrong, ble_6ln.wrong


# -- one 6LN of several leaves ----------------------------------------------------------------------------------


class Leaving(ReferenceNode):
    """A 6LBR that loses something of the others when one of several leaves."""

    def disconnected(self, peer):
        several = len(self.peers) > 1
        super().disconnected(peer)
        if several:
            self.left()

    def left(self):
        raise NotImplementedError


@wrong_6lbr("6lbr-leaving-takes-registrations", FORWARDING)
class TakesRegistrations(Leaving):
    """Forgets the registrations of all when one of several leaves."""

    def left(self):
        self.bindings.clear()


@wrong_6lbr("6lbr-leaving-takes-compression", "RFC7668-3.2.4-15")
class TakesCompression(Leaving):
    """Forgets which address is each one's latest when one of several leaves."""

    def left(self):
        for known in self.peers.values():
            known.registered = ()


@wrong_6lbr("6lbr-leaving-takes-listeners", "RFC7668-3.2.5-02")
class TakesListeners(Leaving):
    """Forgets all listeners when one of several leaves."""

    def left(self):
        for known in self.peers.values():
            known.groups.clear()


@wrong_6lbr("6lbr-leaving-takes-prefix", "RFC7668-3.2.4-03")
class TakesPrefix(Leaving):
    """Advertises no prefix any more when one of several has left."""

    def left(self):
        self.own = self.own[:1]


@wrong_6lbr("6lbr-leaving-takes-all-connections", FORWARDING)
class TakesPeers(Leaving):
    """Ends its work for all when one of several leaves."""

    gone = False

    def left(self):
        self.gone = True

    def receive_frame(self, frame):
        if not self.gone:
            super().receive_frame(frame)

    def connected(self, peer, now):
        self.gone = False
        super().connected(peer, now)


@wrong_6lbr("6lbr-returning-6ln-lost", FORWARDING)
@starts_with(came={})
class ReturningLost(ReferenceNode):
    """Forwards nothing to a 6LN that was there before, left, and came again."""

    def connected(self, peer, now):
        self.came[peer] = self.came.get(peer, 0) + 1 if self.peers else 1
        super().connected(peer, now)

    def pass_on(self, packet, peer):
        if self.came.get(peer, 0) < 2:
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-third-6ln-lost", FORWARDING)
class ThirdLost(ReferenceNode):
    """Forwards to two 6LNs only."""

    def pass_on(self, packet, peer):
        if peer in list(self.peers)[:2]:
            super().pass_on(packet, peer)


# -- what it forwards --------------------------------------------------------------------------------------------


@wrong_6lbr("6lbr-forwards-up-to-512", FORWARDING)
class UpTo512(ReferenceNode):
    """Loses what it should forward if that has more than 512 octets."""

    def pass_on(self, packet, peer):
        if len(packet) <= 512:
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-forwards-up-to-1279", FORWARDING)
class UpTo1279(ReferenceNode):
    """Loses a packet of 1280 octets that it should forward."""

    def pass_on(self, packet, peer):
        if len(packet) < 1280:
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-forwards-large-cut", FORWARDING)
class LargeCut(ReferenceNode):
    """Forwards the first 1024 octets of what is larger."""

    def pass_on(self, packet, peer):
        super().pass_on(packet[:4] + (len(packet[:1024]) - 40).to_bytes(2) + packet[6:1024], peer)


@wrong_6lbr("6lbr-forwards-large-garbled", FORWARDING)
class LargeGarbled(ReferenceNode):
    """Swaps two words in the middle of large packets that it forwards: the checksum holds."""

    def pass_on(self, packet, peer):
        if len(packet) > 600:
            packet = packet[:500] + packet[502:504] + packet[500:502] + packet[504:]
        super().pass_on(packet, peer)


@wrong_6lbr("6lbr-forwards-no-hop-limit-2", FORWARDING)
class NoHopLimitTwo(ReferenceNode):
    """Does not forward a packet with hop limit 2, which becomes 1 (RFC 8200 §3)."""

    def pass_on(self, packet, peer):
        if packet[7] > 2:
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-forwards-without-class", FORWARDING)
class WithoutClass(ReferenceNode):
    """Forwards with traffic class and flow label 0."""

    def pass_on(self, packet, peer):
        super().pass_on(b"\x60\0\0\0" + packet[4:], peer)


@wrong_6lbr("6lbr-forwards-udp-only", FORWARDING)
class UdpOnly(ReferenceNode):
    """Forwards UDP only."""

    def pass_on(self, packet, peer):
        if packet[6] == 17:
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-forwards-its-echoes", FORWARDING)
class AnswersForOthers(ReferenceNode):
    """Takes in what it should forward if it comes from a 6LN that registered more than one address."""

    def pass_on(self, packet, peer):
        if len(self.peers[self.peer].registered) < 2:
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-multicast-up-to-512", "RFC7668-3.2.5-02")
class MulticastUpTo512(ReferenceNode):
    """Forwards multicast of 512 octets at most."""

    def pass_on(self, packet, peer):
        if len(packet) <= 512 or not is_multicast(packet[24:40]):
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-forwards-none-after-starving", FORWARDING)
class NoneAfterStarving(ReferenceNode):
    """Forwards no more to a 6LN that once had packets waiting for credits."""

    def boot(self):
        super().boot()
        self.slow: set[bytes] = set()
        self.ends = getattr(self, "ends", {})

    def make_channel(self, peer, send):
        self.ends[peer] = super().make_channel(peer, send)
        self.slow.discard(peer)
        return self.ends[peer]

    def pass_on(self, packet, peer):
        if self.ends[peer].waiting:
            self.slow.add(peer)
        if peer not in self.slow:
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-starved-6ln-blocks", FORWARDING)
class StarvedBlocks(NoneAfterStarving):
    """Answers and forwards nothing while one 6LN gives it no credits."""

    def receive_frame(self, frame):
        if not any(end.waiting for end in self.ends.values()):
            super().receive_frame(frame)

    def pass_on(self, packet, peer):
        super(NoneAfterStarving, self).pass_on(packet, peer)


@wrong_6lbr("6lbr-second-solicitation-unanswered", "RFC7668-3.2.4-03")
class SecondUnanswered(ReferenceNode):
    """Answers the first Router Solicitation of a connection only."""

    def connected(self, peer, now):
        super().connected(peer, now)
        self.told = getattr(self, "told", set()) - {peer}

    def advertise(self, destination):
        if self.peer not in self.told:
            self.told.add(self.peer)
            super().advertise(destination)


# -- a 6LN -------------------------------------------------------------------------------------------------------


@wrong_6ln("6ln-registers-once", "RFC7668-3.2.3-02")
@starts_with(once=set())
class RegistersOnce(ReferenceNode):
    """Registers an address on the first connection on which it makes it, and never again."""

    def register(self, address, lifetime=10):
        if address in self.once:
            self.refreshes.pop(address, None)
            return
        super().register(address, lifetime)
        self.once.add(address)


@wrong_6ln("6ln-first-prefix-only", "RFC7668-3.2.3-02")
class FirstPrefix(ReferenceNode):
    """Registers the address that it makes of the first prefix only."""

    def registrable(self, address):
        first = next((own for own in self.own if own in self.made), address)
        return super().registrable(address) and (address == first or address not in self.made)


@wrong_6ln("6ln-second-context-replaces", "RFC7668-3.2.3-05")
class SecondReplaces(ReferenceNode):
    """Forgets its contexts when a Router Advertisement brings another one."""

    def take_context(self, option):
        if option.cid not in dict(self.contexts.items()):
            self.contexts = self.given
        super().take_context(option)


@wrong_6ln("6ln-context-for-decompression-only-used", "RFC7668-3.2.3-05")
class IgnoresC(ReferenceNode):
    """Compresses with a context whose C flag is 0: RFC 6775 §4.2, for decompression only."""

    def take_context(self, option):
        super().take_context(nd.ContextOption(option.prefix, option.length, cid=option.cid, valid_lifetime=1))


@wrong_6ln("6ln-context-outlives-its-end", "RFC7668-3.2.3-05")
class Outlives(ReferenceNode):
    """Keeps a context whose lifetime is told to be 0."""

    def take_context(self, option):
        if option.valid_lifetime:
            super().take_context(option)


@wrong_6ln("6ln-confirmed-for-another", "RFC7668-3.2.4-09")
class ForAnother(ReferenceNode):
    """Takes an NA with the EUI-64 of another for its own confirmation."""

    def registration_answered(self, address, option):
        known = self.peers.get(self.peer)
        if known is not None and option.status == 0:
            known.registered = self.latest_last(known.registered, address)


@mutant("ble-third-large-answer-lost", requirement=CHANNEL, kinds=BLE)
class ThirdLost2(ReferenceNode):
    """Loses every third packet of more than 1000 octets that it sends: it has two large buffers."""

    count = 0

    def transmit(self, packet, neighbour):
        self.count += len(packet) > 1000
        if len(packet) <= 1000 or self.count % 3:
            super().transmit(packet, neighbour)
