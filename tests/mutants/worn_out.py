"""Mutants that are right until something has been done to them often, and that nothing but a count tells.

RFC 4944 §5.3, RFC 4861 and RFC 6282 §2 set no number of datagrams, neighbours or errors behind which less is due.
"""

from __future__ import annotations

from collections.abc import Callable

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, ipv6, mac, mesh
from sixlowpan.addresses import BROADCAST
from tests.mutants import ANY, IEEE802154, mutant, reads, sends, starts_with
from tests.mutants.fragments import CountsOverlaps, reassembly
from tests.mutants.wire import Reassembly


@reassembly("frag-dead-behind-twenty-overlaps", "RFC4944-5.3-28")
class TwentyOverlaps(CountsOverlaps):
    """Puts nothing together any more when 20 overlaps have discarded a datagram."""

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


@sends("send-hop-limit-form-by-turns", requirement="RFC6282-3.1.1-09", advice=True)
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


# -- what it refuses once too often -----------------------------------------------------------------------------


def worn_by(id: str, times: int, requirement: str = "RFC6282-2-04", kinds=ANY):
    """function(node, payload, info, packet or None, error or None) -> whether this one counts; deaf behind `times`."""

    def register(function: Callable) -> Callable:
        @starts_with(count=0)
        class Worn(ReferenceNode):
            def understand(self, payload, info):
                if self.count >= times:
                    return None
                packet, error = None, None
                try:
                    packet = super().understand(payload, info)
                except DecodeError as caught:
                    error = caught
                self.count += bool(function(self, payload, info, packet, error))
                if error is not None:
                    raise error
                return packet

        mutant(id, requirement=requirement, kinds=kinds, what=function.__doc__ or "")(Worn)
        return function

    return register


@worn_by("deaf-behind-unknown-nhc", 32, "RFC6282-5-03")
def _(node, payload, info, packet, error):
    """Keeps a buffer of each packet with an NHC octet that it does not know, and has 32."""
    return error is not None and (error.requirement or "").startswith("RFC6282-5-0")


@worn_by("deaf-behind-undefined-contexts", 32, "RFC6282-3.1.2-06")
def _(node, payload, info, packet, error):
    """Keeps a buffer of each packet under a context that is not defined, and has 32."""
    return error is not None and error.requirement == "RFC6282-3.1.2-06"


@worn_by("deaf-behind-reserved-modes", 32, "RFC6282-3.1.1-42")
def _(node, payload, info, packet, error):
    """Keeps a buffer of each packet with a reserved address mode, and has 32."""
    return error is not None and (error.requirement or "").startswith("RFC6282-3.1.1")


@worn_by("deaf-behind-nalp", 32, "RFC4944-5.1-03", IEEE802154)
def _(node, payload, info, packet, error):
    """Keeps a buffer of each NALP frame, and has 32."""
    return payload[:1] != b"" and payload[0] < 0x40


@worn_by("deaf-behind-mesh-for-others", 32, "RFC4944-11-03", IEEE802154)
def _(node, payload, info, packet, error):
    """Keeps a buffer of each mesh frame that is for another node, and has 32."""
    meshed = b"\x80" <= payload[:1] < b"\xc0" and error is None
    return meshed and packet is None and not node.in_mesh_for_us(payload, info)


@worn_by("deaf-behind-packets-for-others", 32)
def _(node, payload, info, packet, error):
    """Keeps a buffer of each packet that is for another IPv6 address, and has 32."""
    return packet is not None and not node.for_us(packet[24:40])


@worn_by("deaf-behind-bad-checksums", 48)
def _(node, payload, info, packet, error):
    """Keeps a buffer of each ICMPv6 message whose checksum is wrong, and has 48."""
    if packet is None or packet[6] != 58:
        return False
    return not ipv6.checksum_holds(packet[8:24], packet[24:40], 58, packet[40:])


@worn_by("deaf-behind-no-upper-layer", 48)
def _(node, payload, info, packet, error):
    """Keeps a buffer of each packet without an upper layer (next header 59), and has 48."""
    return packet is not None and packet[6] == 59


@starts_with(count=0)
class WornByFrames(ReferenceNode):
    """Deaf behind so many frames that count."""

    most = 0

    def accepts(self, header):
        self.count += self.counts(header)
        return self.count < self.most and super().accepts(header)


@mutant("deaf-behind-foreign-frame-types", requirement="RFC4944-2-01", kinds=IEEE802154)
class WornByTypes(WornByFrames):
    """Keeps a buffer of each beacon, acknowledgement and command frame, and has 48."""

    most = 48

    def counts(self, header):
        return header.type != mac.DATA


@mutant("deaf-behind-foreign-pans", requirement="RFC4944-3-03", kinds=IEEE802154)
class WornByPans(WornByFrames):
    """Keeps a buffer of each frame of another PAN, and has 48."""

    most = 48

    def counts(self, header):
        return header.pan not in {self.link.pan, BROADCAST}


@mutant("deaf-behind-frames-for-others", requirement="RFC6282-2-04", kinds=IEEE802154)
class WornByOthers(WornByFrames):
    """Keeps a buffer of each frame that is for another link address, and has 48."""

    most = 48

    def counts(self, header):
        return header.dst not in {self.link.dut, self.link.dut_short, BROADCAST}


@mutant("deaf-behind-secured-frames", requirement="RFC4944-2-01", kinds=IEEE802154)
class WornBySecured(WornByFrames):
    """Keeps a buffer of each secured frame, and has 16."""

    most = 16

    def counts(self, header):
        return header.security
