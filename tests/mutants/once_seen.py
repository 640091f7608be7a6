"""Mutants that keep what they should forget, or forget what they should keep, when one thing has happened to them.

And senders and hosts that take one neighbour, one prefix or one size for another.
"""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.ble import NodeChannel
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError
from sixlowpan.addresses import is_link_local, is_multicast
from tests.mutants import ANY, BLE, IEEE802154, mutant, starts_with
from tests.mutants.ble_channel import channel
from tests.mutants.events import Deaf
from tests.mutants.fragments import reassembly
from tests.mutants.sending_misses import encodes
from tests.mutants.wire import Reassembly, iphc

# -- contexts ---------------------------------------------------------------------------------------------------


@mutant("context-undefined-remembered", requirement="RFC6282-3.1.2-01", kinds=ANY)
@starts_with(missed=set())
class UndefinedRemembered(ReferenceNode):
    """Remembers that a context was undefined when a packet asked for it, and knows it no more when it is defined."""

    def decode_payload(self, payload, info):
        header = iphc(payload)
        if header is not None and len(payload) > 2:
            pair = payload[2] if header.cid else 0
            used = {pair >> 4} if header.sac and header.sam else set()
            used |= {pair & 15} if header.dac else set()
            self.missed |= {n for n in used if self.contexts.get(n) is None}
            if used & self.missed:
                raise DecodeError("unsupported", 2, None, "an undefined context")
        return super().decode_payload(payload, info)


@mutant("sends-by-a-removed-context", requirement="RFC6775-4.2-06", kinds=ANY)
class ByARemovedContext(ReferenceNode):
    """Goes on compressing with a context that was removed, and reads with it no more."""

    def encode_packet(self, packet, info):
        held, self.contexts = self.contexts, getattr(self, "first", self.contexts)
        try:
            return super().encode_packet(packet, info)
        finally:
            self.contexts = held

    def set_context(self, identifier, prefix, length, *, compress=True):
        super().set_context(identifier, prefix, length, compress=compress)
        if length:
            self.first = self.contexts


@reassembly("context-of-frag1-at-the-end", "RFC6282-3.1.2-02")
class ContextAtTheEnd(Reassembly):
    """Reads a FRAG1 that comes behind another fragment with context 0 whatever SCI says."""

    def receive(self, payload, info, contexts, now):
        header = iphc(payload[4:]) if payload[:1] and payload[0] & 0xF8 == 0xC0 else None
        if header is not None and header.cid and header.sac and header.sam and self.datagrams:
            payload = payload[:6] + bytes((payload[6] & 15,)) + payload[7:]
        return super().receive(payload, info, contexts, now)


# -- neighbours -------------------------------------------------------------------------------------------------


class ByPart(dict):
    """Neighbours by a part of their address, as `part` takes it."""

    def part(self, address):
        raise NotImplementedError

    def __contains__(self, address):
        return super().__contains__(self.part(address))

    def __getitem__(self, address):
        return super().__getitem__(self.part(address))

    def __setitem__(self, address, link):
        super().__setitem__(self.part(address), link)


class ByLastTwo(ByPart):
    def part(self, address):
        return address[-2:]


class ByIdentifier(ByPart):
    def part(self, address):
        return address[8:]


class ByPrefixAndLastThree(ByPart):
    def part(self, address):
        return address[:8] + address[-3:]


def neighbours_by(id, table, what):
    class Node(ReferenceNode):
        def boot(self):
            super().boot()
            self.neighbours = table()

    mutant(id, requirement="RFC4944-8-01", kinds=IEEE802154, what=what)(Node)


neighbours_by(
    "nd-neighbours-by-two-octets",
    ByLastTwo,
    "Tells neighbours apart by two octets.",
)
neighbours_by("nd-neighbours-by-identifier", ByIdentifier, "Tells neighbours apart by the identifier.")
neighbours_by(
    "nd-neighbours-by-group",
    ByPrefixAndLastThree,
    "Tells neighbours of a prefix apart by three octets.",
)


@mutant("short-source-stays", requirement="RFC6282-2-04", kinds=IEEE802154)
class ShortSourceStays(ReferenceNode):
    """Takes the source of a frame behind one from a short address for that short address."""

    before = b""

    def link_info(self, header):
        info = super().link_info(header)
        stale, self.before = self.before, info.src if len(info.src) == 2 else b""
        return replace(info, src=stale) if stale and len(info.src) == 8 else info


@mutant("broadcast-destination-stays", requirement="RFC6282-2-04", kinds=IEEE802154)
class BroadcastStays(ReferenceNode):
    """Loses an elided destination in the frame behind a broadcast."""

    broadcast = False

    def link_info(self, header):
        info = super().link_info(header)
        self.stale, self.broadcast = self.broadcast, info.dst == b"\xff\xff"
        return info

    def decode_payload(self, payload, info):
        header = iphc(payload)
        if self.stale and header and not header.m and header.dam == 3:
            raise DecodeError("malformed", 1, None, "the address of the frame before")
        return super().decode_payload(payload, info)

    stale = False


@mutant("lost-behind-a-large-one", requirement="RFC6282-2-04", kinds=ANY)
class LostBehindLarge(Deaf):
    """Loses the frame behind a packet of more than 1000 octets."""

    def understand(self, payload, info):
        packet = super().understand(payload, info)
        self.deaf = packet is not None and len(packet) > 1000
        return packet


@mutant("lost-behind-an-error", requirement="RFC6282-2-04", kinds=ANY)
class LostBehindError(Deaf):
    """Loses the packet behind one that it answered with an ICMPv6 error."""

    def error(self, packet, view, kind, code, word):
        self.deaf = True
        super().error(packet, view, kind, code, word)


@mutant("lost-behind-silence", requirement="RFC4944-4-02", kinds=IEEE802154)
class LostBehindSilence(ReferenceNode):
    """Loses the first frame behind 30 s of silence: its radio sleeps."""

    heard_at = 0.0

    def hear_from(self, peer, frame, now):
        quiet, self.heard_at = now - self.heard_at > 30, now
        return [] if quiet else super().hear_from(peer, frame, now)


@mutant("frag-dead-behind-a-bad-checksum", requirement="RFC4944-5.3-19", kinds=IEEE802154)
class DeadBehindBadChecksum(ReferenceNode):
    """Puts nothing together any more when a datagram of more than 500 octets had a wrong checksum."""

    dead = False

    def checksum_holds(self, view, protocol, message):
        holds = super().checksum_holds(view, protocol, message)
        self.dead |= not holds and len(message) > 460
        return holds

    def reassemble(self, payload, info):
        if self.dead and payload[:1] >= b"\xc0":
            raise DecodeError("malformed", 0, None, "no room")
        return super().reassemble(payload, info)


# -- what is sent -----------------------------------------------------------------------------------------------


@mutant("send-tag-for-a-size", requirement="RFC4944-5.3-13", kinds=IEEE802154)
class TagForASize(ReferenceNode):
    """Counts its tag up only when the size of a datagram is not that of the one before."""

    size = 0

    def fragment_packet(self, packet, info):
        same, self.size = len(packet) == self.size, len(packet)
        if same:
            self.tag = (self.tag - 1) & 0xFFFF
        return super().fragment_packet(packet, info)


@mutant("send-tag-behind-errors", requirement="RFC4944-5.3-13", kinds=IEEE802154)
class TagBehindErrors(ReferenceNode):
    """Does not count the tag up for the datagram behind an ICMPv6 error."""

    erred = False

    def next_tag(self):
        erred, self.erred = self.erred, False
        return self.tag if erred else super().next_tag()

    def error(self, packet, view, kind, code, word):
        super().error(packet, view, kind, code, word)
        self.erred = True


@encodes("sends-f1-as-f0", requirement="RFC6282-4.3.3-04")
def _(node, payload, header, packet, info):
    "Sends P=01 for destination ports of 0xf1XX, too."
    if header.nhc == 0xF0 and packet[42] == 0xF1:
        return payload[: header.end] + b"\xf1" + packet[40:42] + packet[43:44] + payload[header.end + 5 :]
    return payload


@encodes("sends-f0-source-in-4-bits", requirement="RFC6282-4.3.3-06")
def _(node, payload, header, packet, info):
    "Sends P=11 for a source port of 0xf0bX and any destination port of 0xf0XX."
    if header.nhc in {0xF1, 0xF2} and packet[40] == packet[42] == 0xF0 and packet[41] >> 4 == 0xB:
        ports = bytes((0xF3, (packet[41] & 15) << 4 | packet[43] & 15))
        return payload[: header.end] + ports + payload[header.end + 4 :]
    return payload


@mutant("send-second-to-the-one-before", requirement="RFC4944-8-01", kinds=IEEE802154)
class ToTheOneBefore(ReferenceNode):
    """Sends the packets that waited for an address, but the first, to the neighbour that it spoke to before."""

    last = b""

    def learn(self, address, link):
        waiting = self.resolving.get(address)
        packets = list(waiting.packets) if waiting else []
        before = self.last
        if len(packets) > 1 and before:
            waiting.packets.clear()
            waiting.packets.append(packets[0])
            super().learn(address, link)
            for packet in packets[1:]:
                self.transmit(packet, before)
        else:
            super().learn(address, link)

    def transmit(self, packet, neighbour):
        self.last = neighbour or self.last
        super().transmit(packet, neighbour)


# -- Bluetooth LE -----------------------------------------------------------------------------------------------


@channel("ble-full-last-k-frame-waits")
class FullLastWaits(NodeChannel):
    """Waits for another K-frame behind one that is as long as its MPS, though the SDU is whole."""

    held = b""

    def _heard_k_frame(self, pdu):
        whole = []
        deliver, self.on_sdu = self.on_sdu, whole.append
        super()._heard_k_frame(pdu)
        self.on_sdu = deliver
        if whole and len(pdu) == self.terms.mps:
            return
        for sdu in whole:
            deliver(sdu)


@channel("ble-k-frames-of-the-first-length")
class OfTheFirstLength(NodeChannel):
    """Takes the length of an SDU's first K-frame for that of all: it has no room for a longer one behind."""

    first = 0

    def _heard_k_frame(self, pdu):
        if self._coming is None:
            self.first = len(pdu)
        elif len(pdu) > self.first:
            self._coming = None
            self.given -= 1
            return
        super()._heard_k_frame(pdu)


@channel("ble-second-sdu-in-a-row-lost")
class SecondInARow(NodeChannel):
    """Loses a second SDU of more than one K-frame that follows right behind another."""

    many = False
    frames = 0

    def _heard_k_frame(self, pdu):
        self.frames += 1
        whole = []
        deliver, self.on_sdu = self.on_sdu, whole.append
        super()._heard_k_frame(pdu)
        self.on_sdu = deliver
        for sdu in whole:
            lost, self.many = self.many and self.frames > 1, self.frames > 1
            self.frames = 0
            if not lost:
                deliver(sdu)
            else:
                self.many = False


def ble_encodes(id, requirement, which, what):
    """Sends the link-local source (SAM=01) in place of SAM=11 in packets that `which` picks."""

    def change(node, payload, header, packet, info):
        if header.sac or header.sam != 3 or not is_link_local(packet[8:24]) or not which(packet):
            return payload
        second = payload[1] & 0xCF | 0x10
        return (
            payload[:1]
            + bytes((second,))
            + payload[2 : header.src_at]
            + packet[16:24]
            + payload[header.src_at :]
        )

    change.__doc__ = what
    encodes(id, requirement=requirement, kinds=BLE)(change)


ble_encodes(
    "ble-source-64-to-groups", "RFC7668-3.2.4-04", lambda packet: is_multicast(packet[24:40]),
    "Sends its link-local source with 64 bits in packets to groups.",
)  # fmt: skip
ble_encodes(
    "ble-source-64-in-udp", "RFC7668-3.2.4-04", lambda packet: packet[6] == 17,
    "Sends its link-local source with 64 bits in UDP datagrams.",
)  # fmt: skip
ble_encodes(
    "ble-source-64-when-large", "RFC7668-3.2.4-04", lambda packet: len(packet) > 600,
    "Sends its link-local source with 64 bits in packets of more than 600 octets.",
)  # fmt: skip
