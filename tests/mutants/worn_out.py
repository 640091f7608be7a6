"""Mutants that are right until something has been done to them often, and that nothing but a count tells.

RFC 4944 §5.3, RFC 4861 and RFC 6282 §2 set no number of datagrams, neighbours or errors behind which less is due.
"""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import mesh
from tests.mutants import ANY, IEEE802154, mutant, reads, sends
from tests.mutants.fragments import reassembly
from tests.mutants.wire import Reassembly


@reassembly("frag-dead-behind-twenty-overlaps", "RFC4944-5.3-28")
class TwentyOverlaps(Reassembly):
    """Puts nothing together any more when 20 overlaps have discarded a datagram."""

    overlapped = 0

    def overlaps(self, datagram, begin, end):
        found = super().overlaps(datagram, begin, end)
        self.overlapped += found
        return found

    def open(self, key, size, first, now):
        return None if self.overlapped >= 20 else super().open(key, size, first, now)


@reassembly("frag-tag-comes-again-refused", "RFC4944-5.3-18")
class TagAgain(Reassembly):
    """Takes no datagram whose tag it has had from anybody before."""

    def __init__(self):
        super().__init__()
        self.had = {}

    def open(self, key, size, first, now):
        tag = key[-1]
        if self.had.setdefault(tag, key) != key:
            return None
        return super().open(key, size, first, now)


@reassembly("frag-sizes-above-1272-dropped", "RFC4944-4-01")
class Above1272(Reassembly):
    """Has room for 1272 octets, and for exactly 1280."""

    def open(self, key, size, first, now):
        return None if 1272 < size < 1280 else super().open(key, size, first, now)


@reassembly("frag-size-of-whole-units-only", "RFC4944-5.3-10")
class WholeUnits(Reassembly):
    """Takes no datagram whose last fragment has 7 octets more than whole units of eight."""

    def open(self, key, size, first, now):
        return None if size % 8 == 7 else super().open(key, size, first, now)


@mutant("nd-seventeenth-neighbour-lost", requirement="RFC4944-8-01", kinds=IEEE802154, advice=True)
class SixteenNeighbours(ReferenceNode):
    """Keeps sixteen neighbours for good, and learns no other."""

    def learn(self, address, link):
        if address in self.neighbours or len(self.neighbours) < 16:
            super().learn(address, link)


@mutant("lost-behind-own-fragments", requirement="RFC6282-2-04", kinds=IEEE802154)
class BehindOwnFragments(ReferenceNode):
    """Loses the frame that comes right behind a datagram that it sent in fragments."""

    deaf = False

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        self.deaf = self.deaf or len(payloads) > 1
        return payloads

    def receive_frame(self, frame):
        if self.deaf:
            self.deaf = False
            return
        super().receive_frame(frame)


@mutant("send-tag-of-the-request", requirement="RFC4944-5.3-13", kinds=IEEE802154)
class TagOfTheRequest(ReferenceNode):
    """Answers in fragments with the tag of the request, and counts none of its own."""

    asked = 0

    def reassemble(self, payload, info):
        if payload[:1] >= b"\xc0" and len(payload) >= 4:
            self.asked = int.from_bytes(payload[2:4], "big")
        return super().reassemble(payload, info)

    def next_tag(self):
        return self.asked


@mutant("mesh-one-hop-left-dropped", requirement="RFC4944-11-03", kinds=IEEE802154)
class OneHopLeft(ReferenceNode):
    """Counts a hop down before it looks whether it is the final destination: what has one hop left is thrown away."""

    def in_mesh_for_us(self, payload, info):
        if b"\x80" <= payload[:1] < b"\xc0" and mesh.parse(payload, 0).hops_left <= 1:
            return False
        return super().in_mesh_for_us(payload, info)


@mutant("errors-end-behind-twelve", requirement="RFC6282-4.3-01", kinds=ANY)
class TwelveErrors(ReferenceNode):
    """Its UDP takes no datagram any more when it sent twelve errors."""

    sent = 0

    def error(self, packet, view, kind, code, word):
        self.sent += 1
        super().error(packet, view, kind, code, word)

    def understand(self, payload, info):
        packet = super().understand(payload, info)
        return None if packet is not None and packet[6] == 17 and self.sent >= 12 else packet


@reads("udp-p11-behind-three-of-p00", requirement="RFC6282-4.3-01")
def _(node, payload, header, info):
    """Drops P=11 behind three datagrams of P=00 in one uptime."""
    if header is None or header.nhc >> 3 != 0b11110:
        return payload
    node.whole = getattr(node, "whole", 0) + (header.nhc & 3 == 0)
    return None if header.nhc & 3 == 3 and node.whole >= 3 else payload


@sends("send-hop-limit-form-by-turns", requirement="RFC6282-3.1.1-09")
def _(node, payloads, packet, info):
    """Sends each fourth packet with HLIM one too large."""
    node.turn = getattr(node, "turn", 0) + 1
    first = payloads[0]
    if node.turn % 4 == 0 and len(payloads) == 1 and first[0] >> 5 == 3 and first[0] & 3 == 2:
        return [bytes([first[0] | 1]) + first[1:]]
    return payloads


@reassembly("frag-third-datagram-of-a-sender-lost", "RFC4944-5.3-13")
class ThirdOfASender(Reassembly):
    """Loses the third datagram of each sender that follows two others without another sender in between."""

    def __init__(self):
        super().__init__()
        self.before, self.row = b"", 0

    def open(self, key, size, first, now):
        self.row = self.row + 1 if key[0] == self.before else 1
        self.before = key[0]
        return None if self.row == 3 else super().open(key, size, first, now)
