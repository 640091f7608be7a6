"""Mutants of a 6LBR of RFC 7668: whom it connects with, what it advertises, compresses and forwards."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import link_local, nd
from sixlowpan.addresses import UNSPECIFIED, is_link_local, is_multicast, solicited_node
from tests.mutants import BLE, always, mutant
from tests.mutants.wire import iphc


def wrong(id, requirement, defect=None, *, advice=False):
    """Register a 6LBR."""
    return mutant(id, requirement=requirement, defect=defect, kinds=BLE, rig="reference-6lbr", advice=advice)


# -- connections ------------------------------------------------------------------------------------------------


@wrong("6lbr-own-address-connected", "RFC7668-3-02")
class OwnAddress(ReferenceNode):
    """Connects with a device that has its own device address."""

    def meets(self, peer):
        return peer not in self.peers


@wrong("6lbr-two-connections", "RFC7668-3-03")
class TwoConnections(ReferenceNode):
    """Connects with a device address twice at a time."""

    def meets(self, peer):
        return peer != self.link.dut


@wrong("6lbr-same-device-address", "RFC7668-3.2.2-04")
class SameDeviceAddress(always(device_address=bytes.fromhex("5a107e110000"))):
    """Never changes its device address."""


@wrong("6lbr-dad-on-connecting", "RFC7668-3.2.2-16")
class Dad(ReferenceNode):
    """Sends a packet of duplicate address detection for its link-local address."""

    def connected(self, peer, now):
        super().connected(peer, now)
        own = self.own[0]
        self.send_nd(UNSPECIFIED, solicited_node(own), nd.NS, bytes(4) + own)


@wrong("6lbr-second-peer-kills-the-first", "RFC7668-3.2.1-03", "ZEPHYR-30026")
class SecondKills(ReferenceNode):
    """Answers only the 6LN that connected last."""

    def receive_frame(self, frame):
        if self.peer == list(self.peers)[-1]:
            super().receive_frame(frame)


@wrong("6lbr-leaving-peer-takes-all", "RFC7668-3.2.1-03")
class LeavingTakesAll(ReferenceNode):
    """Forgets everything when a second 6LN leaves."""

    gone = False

    def disconnected(self, peer):
        self.gone = self.gone or len(self.peers) > 1
        super().disconnected(peer)

    def receive_frame(self, frame):
        if not self.gone:
            super().receive_frame(frame)


# -- what it advertises -----------------------------------------------------------------------------------------


@wrong("6lbr-no-advertisement", "RFC7668-3.2.4-03")
class NoAdvertisement(always(advertise=None)):
    """Answers no Router Solicitation."""


@wrong("6lbr-prefix-on-link", "RFC7668-3.2.2-15")
class OnLink(ReferenceNode):
    """Advertises its prefix with L=1."""

    def prefix_option(self, prefix):
        return replace(super().prefix_option(prefix), on_link=True)


@wrong("6lbr-no-context", "RFC7668-3.2.4-03")
class NoContext(ReferenceNode):
    """Advertises no 6CO."""

    def context_options(self, prefix):
        return []


@wrong("6lbr-context-of-another", "RFC7668-3.2.4-03")
class ContextOfAnother(ReferenceNode):
    """Advertises a 6CO for another prefix than its PIO has."""

    def context_options(self, prefix):
        return super().context_options(prefix[:5] + bytes([prefix[5] ^ 1]) + prefix[6:]) or [
            nd.ContextOption(bytes.fromhex("20010db8ffff") + bytes(10), cid=6)
        ]


@wrong("6lbr-short-context", "RFC7668-3.2.4-03")
class LongerContext(ReferenceNode):
    """Advertises a context that is longer than the prefix."""

    def context_options(self, prefix):
        return [nd.ContextOption(prefix, length=128, cid=6)]


# -- registrations ----------------------------------------------------------------------------------------------


@wrong("6lbr-registrations-unanswered", "RFC7668-3.2.1-03")
class Unanswered(ReferenceNode):
    """Keeps registrations, and confirms none."""

    def send_nd(self, source, destination, kind, body):
        if kind != nd.NA:
            super().send_nd(source, destination, kind, body)


@wrong("6lbr-duplicates-confirmed", "RFC7668-3.2.1-03")
class Duplicates(ReferenceNode):
    """Confirms an address that another 6LN has."""

    def registration(self, view, message):
        self.bindings.pop(view.src, None)
        return super().registration(view, message)


# -- compression ------------------------------------------------------------------------------------------------


class Known(ReferenceNode):
    """A 6LBR whose idea of what a 6LN has registered is wrong."""

    def known(self, registered, destination):
        raise NotImplementedError

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        return replace(info, registered=self.known(info.registered, packet[24:40]))


@wrong("6lbr-latest-with-64", "RFC7668-3.2.4-15")
class LatestWith64(Known):
    """Sends the latest registered address with 64 bits."""

    def known(self, registered, destination):
        return () if destination in registered[-1:] else registered


@wrong("6lbr-earlier-with-64", "RFC7668-3.2.4-16")
class EarlierWith64(Known):
    """Sends every earlier address with 64 bits."""

    def known(self, registered, destination):
        earlier = destination in registered[:-1]
        return tuple(a for a in registered if not earlier or a[:14] != destination[:14])


@wrong("6lbr-earlier-elided", "RFC7668-3.2.4-16")
class EarlierElided(Known):
    """Elides every registered address."""

    def known(self, registered, destination):
        return (*registered, destination) if destination in registered else registered


@wrong("6lbr-earlier-with-16", "RFC7668-3.2.4-16")
class EarlierWith16(Known):
    """Sends every earlier address with 16 bits, whatever its first 48 are."""

    def known(self, registered, destination):
        return (*registered, destination[:14] + bytes(2)) if destination in registered[:-1] else registered


@wrong("6lbr-expiry-counts", "RFC7668-3.2.4.2-02")
class ExpiryCounts(ReferenceNode):
    """Elides the address before when the latest is given back."""

    def registration(self, view, message):
        done = super().registration(view, message)
        if any(isinstance(o, nd.AddressRegistration) and not o.lifetime for o in message.options):
            known = self.peers[self.peer]
            known.registered = tuple(a for a in known.registered if a != view.src)
        return done


@wrong("6lbr-again-is-not-latest", "RFC7668-3.2.4.2-02")
class AgainNotLatest(ReferenceNode):
    """Keeps the order of first registration when an address is registered again."""

    def latest_last(self, known, address):
        return known if address in known else (*known, address)


@wrong("6lbr-source-by-device-address", "RFC7668-3.2.4-17")
class ByDeviceAddress(ReferenceNode):
    """Takes SAC=1 SAM=11 of a 6LN for the prefix and its device address."""

    def ble_info(self, peer, *, sent):
        info = super().ble_info(peer, sent=sent)
        return info if sent else replace(info, role=None)


@wrong("6lbr-link-local-source-64", "RFC7668-3.2.4-12")
class Source64(ReferenceNode):
    """Sends its link-local source with 64 bits."""

    def encode_packet(self, packet, info):
        other = replace(info, src=bytes(6)) if is_link_local(packet[8:24]) else info
        return super().encode_packet(packet, other)


@wrong("6lbr-link-local-destination-64", "RFC7668-3.2.4-14")
class Destination64(ReferenceNode):
    """Sends the link-local address of a 6LN with 64 bits."""

    def encode_packet(self, packet, info):
        other = replace(info, dst=bytes(6)) if is_link_local(packet[24:40]) else info
        return super().encode_packet(packet, other)


@wrong("6lbr-forwarded-source-128", "RFC7668-3.2.4-13")
class ForwardedSource(ReferenceNode):
    """Uses no context for the source of what it forwards."""

    def encode_packet(self, packet, info):
        payload = super().encode_packet(packet, info)
        if packet[8:24] in self.own or is_link_local(packet[8:24]):
            return payload
        h = iphc(payload)
        return (
            bytes([payload[0], payload[1] & 0x8F])
            + payload[2 : h.src_at]
            + packet[8:24]
            + payload[h.dst_at :]
        )


# -- forwarding -------------------------------------------------------------------------------------------------


@wrong("6lbr-no-forwarding", "RFC7668-3.2.1-03")
class NoForwarding(always(pass_on=None)):
    """Forwards nothing between 6LNs."""


@wrong("6lbr-hop-limit-kept", "RFC7668-3.2.1-03")
class HopLimitKept(ReferenceNode):
    """Forwards without taking one from the hop limit."""

    def pass_on(self, packet, peer):
        self.transmit(packet, peer)


@wrong("6lbr-hop-limit-0-forwarded", "RFC7668-3.2.1-03")
class HopLimitZero(ReferenceNode):
    """Forwards a packet whose hop limit becomes 0."""

    def pass_on(self, packet, peer):
        self.transmit(packet[:7] + bytes([packet[7] - 1]) + packet[8:], peer)


@wrong("6lbr-link-local-forwarded", "RFC7668-3.2.1-02")
class LinkLocalForwarded(ReferenceNode):
    """Forwards between link-local addresses."""

    def route(self, packet, view):
        there = next((p for p in self.peers if link_local(p) == view.dst), None)
        if there is not None:
            self.pass_on(packet, there)
        return super().route(packet, view)


@wrong("6lbr-link-local-multicast-forwarded", "RFC7668-3.2.1-01")
class MulticastForwarded(ReferenceNode):
    """Forwards link-local multicast to the other 6LNs."""

    def route(self, packet, view):
        if is_multicast(view.dst):
            for peer in self.peers:
                if peer != self.peer:
                    self.transmit(packet, peer)
        return super().route(packet, view)


@wrong("6lbr-multicast-to-one", "RFC7668-3.2.5-01")
class MulticastToOne(ReferenceNode):
    """Sends its own multicast to the 6LN that connected last only."""

    def receivers(self, packet, neighbour):
        found = super().receivers(packet, neighbour)
        return found[-1:] if is_multicast(packet[24:40]) else found


@wrong("6lbr-multicast-to-all", "RFC7668-3.2.5-03")
class MulticastToAll(always(listens=True)):
    """Forwards multicast to 6LNs that listen to nothing."""


@wrong("6lbr-listeners-ignored", "RFC7668-3.2.5-02")
class ListenersIgnored(always(track=None)):
    """Keeps track of no listeners, and forwards no multicast."""


@wrong("6lbr-listeners-of-all-links", "RFC7668-3.2.5-02")
class ListenersOfAll(ReferenceNode):
    """Keeps one list of listeners for all links."""

    def listens(self, known, group):
        return any(group in peer.groups for peer in self.peers.values() if peer is not known)


@wrong("6lbr-leaving-ignored", "RFC7668-3.2.5-03")
class LeavingIgnored(ReferenceNode):
    """Keeps a listener that has left the group."""

    def track(self, view):
        before = {peer: set(known.groups) for peer, known in self.peers.items()}
        super().track(view)
        for peer, known in self.peers.items():
            known.groups |= before[peer]


@wrong("6lbr-6co-lifetime-0", "RFC7668-3.2.4-03")
class ContextLifetime0(ReferenceNode):
    """Advertises its 6CO with the lifetime 0, which has the context removed."""

    def context_options(self, prefix):
        return [replace(option, valid_lifetime=0) for option in super().context_options(prefix)]
