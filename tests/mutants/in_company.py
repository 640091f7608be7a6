"""Mutants that go wrong in company: another sender, own output or a change in between does something to a packet."""

from __future__ import annotations

from collections.abc import Callable

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import Reassembler
from sixlowpan.addresses import is_multicast
from sixlowpan.ipv6 import ICMPV6, UDP
from tests.mutants import Node, mutant, step
from tests.mutants.wire import under


class Forgetting(Reassembler):
    """Can lose all that it has."""

    def receive(self, payload, link, contexts, now=0.0, name=None):
        first = payload[:1] and payload[0] & 0xF8 == 0xC0
        if first and len(payload) > 1 and int.from_bytes(payload[:2], "big") & 0x7FF > 1280:
            self.clear()
            return None
        return super().receive(payload, link, contexts, now, name)


@mutant("frag-above-the-mtu-evicts", requirement="RFC4944-5.3-20")
class AboveTheMtu(ReferenceNode):
    """A first fragment of more than 1,280 octets makes room: all other datagrams are lost."""

    def make_reassembler(self):
        return Forgetting(max_datagrams=4)


@mutant("frag-lost-by-own-solicitation", requirement="RFC4944-5.3-19")
class LostBySolicitation(ReferenceNode):
    """Builds its Neighbor Solicitations in the buffers of reassembly: what was begun is lost."""

    def solicit(self, target, source):
        self.reassembler.clear()
        super().solicit(target, source)


@mutant("sequence-number-of-a-look-alike", requirement="RFC6282-2-04")
class LookAlike(ReferenceNode):
    """Knows copies of frames by sequence number and the last two octets of the source, in the last 8 frames."""

    latest: tuple = ()

    def accepts(self, header):
        if not super().accepts(header):
            return False
        key = header.sequence, header.src[-2:]
        copy = any(other == key and src != header.src for other, src in self.latest)
        self.latest = (*self.latest[-7:], (key, header.src))
        return not copy


@mutant("own-contexts-one-packet-late", requirement="RFC6282-3.1.2-01")
class OnePacketLate(ReferenceNode):
    """Compresses with the contexts as they were when it sent the packet before."""

    before = None

    def encode_packet(self, packet, info):
        before, self.before = self.before or self.contexts, self.contexts
        with under(self, before):
            return super().encode_packet(packet, info)


@mutant("frag1-contexts-of-the-last-whole", requirement="RFC6282-3.1.2-01")
class LastWhole(ReferenceNode):
    """Decompresses first fragments with the contexts as they were at the last packet in one frame."""

    before = None

    def decode_payload(self, payload, info):
        self.before = self.contexts
        return super().decode_payload(payload, info)

    def reassemble(self, payload, info):
        with under(self, self.before or self.contexts):
            return super().reassemble(payload, info)


@mutant("neighbour-short-is-kept", requirement="RFC4944-8-02")
class ShortIsKept(ReferenceNode):
    """Does not put an EUI-64 in the place of a neighbour's short address."""

    def learn(self, address, link):
        known = self.neighbours.get(address, b"")
        super().learn(address, known if len(known) == 2 and len(link) == 8 else link)


@mutant("waiting-for-two-goes-to-one", requirement="RFC4944-8-01")
class GoesToOne(ReferenceNode):
    """What waits for another address goes to the neighbour that is resolved first."""

    def learn(self, address, link):
        for other in [other for other in self.resolving if other != address]:
            for packet in self.resolving.pop(other).packets:
                self.transmit(packet, link)
        super().learn(address, link)


@mutant("own-waiting-cut-to-the-first", requirement="RFC4443-4.2-02")
class CutToTheFirst(ReferenceNode):
    """Packets that wait for an address have the room of the first: those that are longer are cut."""

    def learn(self, address, link):
        resolution = self.resolving.get(address)
        packets = list(resolution.packets) if resolution else []
        for at, packet in enumerate(packets):
            size = min(len(packet), len(packets[0]))
            resolution.packets[at] = packet[:4] + (size - 40).to_bytes(2, "big") + packet[6:size]
        super().learn(address, link)


@step
def unverified(function: Callable) -> Node:
    """function(view, protocol, message) -> whether the checksum of this message is not looked at."""

    class Node(ReferenceNode):
        def checksum_holds(self, view, protocol, message):
            return function(view, protocol, message) or super().checksum_holds(view, protocol, message)

    return Node


def longer(protocol: int, octets: int) -> Callable:
    return lambda _view, found, message: found == protocol and len(message) > octets


def behind_a_header(protocol: int) -> Callable:
    return lambda view, found, _message: found == protocol and view.next_header != protocol


for _id, _row, _what, _which in (
    ("udp-checksum-of-large", "RFC8200-8.1-01", "a UDP datagram of more than 128 octets", longer(UDP, 128)),
    ("udp-checksum-behind-header", "RFC8200-8.1-01", "a UDP datagram behind a header", behind_a_header(UDP)),
    ("icmp-checksum-of-large", "RFC4443-2.3-01", "an ICMPv6 message above 256 octets", longer(ICMPV6, 256)),
    ("icmp-checksum-behind-header", "RFC4443-2.3-01", "an ICMPv6 message behind a header", behind_a_header(ICMPV6)),
):  # fmt: skip
    unverified(f"{_id}-unverified", _row, what=f"Does not verify the checksum of {_what}.")(_which)


@unverified("icmp-checksum-to-group-unverified", "RFC4443-2.3-01")
def _(view, protocol, message):
    """Does not verify the checksum of an Echo Request to a group."""
    return protocol == ICMPV6 and is_multicast(view.dst) and message[0] == 128
