"""Conforming nodes that a bench seldom has: filters, options in front of answers, mesh headers, few routes."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.ble import NodeChannel
from sixlowpan import EncodeError, Reassembler, fragment, ipv6
from sixlowpan.addresses import BROADCAST, is_link_local, is_multicast
from tests.mutants.ble_frames import FrameByFrame
from tests.mutants.measured import Later
from tests.variants import ANY, ReferenceNode, variant
from tests.variants.receiving import reassembling


@variant("rejects-repeated-frames")
class RejectsRepeated(ReferenceNode):
    """Drops a frame with the sequence number of its sender's last one, as MAC layers do with what is sent again."""

    def boot(self):
        super().boot()
        self.last = {}

    def accepts(self, header):
        if not super().accepts(header):
            return False
        again = header.sequence is not None and self.last.get(header.src) == header.sequence
        self.last[header.src] = header.sequence
        return not again


@variant("hop-limit-of-the-request", rigs=ANY)
class HopLimitOfTheRequest(ReferenceNode):
    """Answers with the hop limit of what it answers: RFC 8200 §3 leaves the value to the source."""

    def input(self, packet):
        before, self.hop_limit = self.hop_limit, packet[7] or self.hop_limit
        super().input(packet)
        self.hop_limit = before


def in_front(header: int, options: bytes):
    """A node that puts an options header in front of its Echo Replies and datagrams."""

    class InFront(ReferenceNode):
        def output(self, packet):
            plain = packet[6] == ipv6.UDP or (packet[6] == ipv6.ICMPV6 and packet[40] in {128, 129})
            if plain and len(packet) + 8 <= 1280:
                body = bytes((packet[6], 0)) + options + packet[40:]
                packet = ipv6.build(packet[8:24], packet[24:40], header, body, hop_limit=packet[7])
            super().output(packet)

    return InFront


@variant("rpl-option-in-front", rigs=ANY)
class RplOption(in_front(0, bytes.fromhex("230400001e00"))):
    """A RPL Option in front of what it sends, as routers of RFC 6553 and RFC 9008 have it (type 0x23)."""


@variant("padding-in-front", rigs=ANY)
class PaddingInFront(in_front(60, bytes.fromhex("010400000000"))):
    """A Destination Options header with nothing but a PadN in front of what it sends: RFC 8200 §4.6."""


@variant("nonce-in-solicitations")
class Nonce(ReferenceNode):
    """A Nonce option in its solicitations (RFC 3971 §5.3.2, RFC 7527), which receivers ignore (RFC 4861 §4.3)."""

    def link_option(self, kind):
        return super().link_option(kind) + (bytes.fromhex("0e01a1a2a3a4a5a6") if kind == 1 else b"")


@variant("headers-alone-in-first-fragment")
class HeadersAlone(ReferenceNode):
    """As little as goes in its first fragment, as much as goes in the others: RFC 4944 §5.3 sets no least size."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        if len(payloads) == 1:
            return payloads
        room, tag = self.room(info), int.from_bytes(payloads[0][2:4])
        for mtu in range(16, room):
            try:
                first = fragment(packet, info, self.contexts, mtu=mtu, tag=tag)
            except EncodeError:
                continue
            begin = first[1][4] * 8
            step = (room - 5) // 8 * 8
            rest = range(begin, len(packet), step)
            head = first[1][:4]
            return [first[0], *(head + bytes((at // 8,)) + packet[at : at + step] for at in rest)]
        return payloads


class Remembering(Reassembler):
    """Drops late fragments of what it completed within the last ten seconds."""

    def __init__(self):
        super().__init__(max_datagrams=4)
        self.done = {}

    def _place(self, key, begin, end, now):
        self.done = {k: at for k, at in self.done.items() if now - at < 10.0}
        self.time = now
        return None if key in self.done else super()._place(key, begin, end, now)

    def _complete(self, key, datagram, at):
        packet = super()._complete(key, datagram, at)
        if packet is not None:
            self.done[key] = self.time
        return packet


@variant("remembers-what-it-completed", strict=False)
class Remembers(reassembling(Remembering)):
    """Ignores fragments of what it completed less than 10 s ago: a sender counts its tags (RFC 4944 §5.3)."""


class Ticking(Reassembler):
    """Looks at its timers each five seconds, so that a datagram ends after 50 to 55 s."""

    def __init__(self):
        super().__init__(50.0, 4)
        self.tick = 0

    def expire(self, now):
        if int(now // 5) == self.tick:
            return []
        self.tick = int(now // 5)
        return super().expire(now)


@variant("timer-of-ticks")
class Ticks(reassembling(Ticking)):
    """Its reassembly timer ticks each five seconds, and ends a datagram after 50 to 55 s: "a maximum of 60 seconds"."""


class SharedRoom(Reassembler):
    """Room for 1500 octets in all; the oldest datagram goes for a new one."""

    def _place(self, key, begin, end, now):
        if key not in self._datagrams:
            while self._datagrams and sum(k[2] for k in self._datagrams) + key[2] > 1500:
                del self._datagrams[next(iter(self._datagrams))]
        return super()._place(key, begin, end, now)


@variant("room-for-1500-octets", parameters={"reassembly_slots": 1})
class Room1500(reassembling(SharedRoom)):
    """Room for 1500 octets of datagrams under way, and so for one of full size: RFC 4944 §5.3 asks for no number."""


@variant("speaks-another-protocol-too")
class AnotherProtocol(ReferenceNode):
    """Speaks a protocol of its own beside 6LoWPAN, behind 00xxxxxx as RFC 4944 §5.1 has it for such."""

    def transmit(self, packet, neighbour):
        info = self.sent_info(packet, neighbour)
        self._out.append((b"", self.frame(b"\x2a" + bytes(range(20)), replace(info, dst=BROADCAST))))
        super().transmit(packet, neighbour)


@variant("talks-to-its-parent")
class TalksToItsParent(ReferenceNode):
    """Reports to a parent of its own, by unicast, before each answer: RPL DAOs (RFC 6550 §6.4), also in fragments."""

    parent = bytes.fromhex("00124b00aabbccdd")
    count = 0

    def transmit(self, packet, neighbour):
        if packet[24] != 0xFF:
            self.count += 1
            there = bytes.fromhex("fe80000000000000 02124b00aabbccdd")
            body = bytes.fromhex("1e400001") + bytes(160 if self.count % 3 == 0 else 20)
            dao = ipv6.icmpv6(155, 2, body, self.own[0], there)
            super().transmit(ipv6.build(self.own[0], there, ipv6.ICMPV6, dao, hop_limit=255), self.parent)
        super().transmit(packet, neighbour)


@variant("hop-limit-0-dropped-no-tap", without=["ip_tap"], strict=False)
class HopLimit0(ReferenceNode):
    """Its IPv6 layer drops what has a hop limit of 0: against a SHOULD of RFC 8200 §3 only. It has no tap."""

    def input(self, packet):
        if packet[7]:
            super().input(packet)


@variant("no-route")
class NoRoute(ReferenceNode):
    """Answers to link-local addresses and to prefixes that it has an address of: no router, no other route."""

    def output_piece(self, packet):
        there = packet[24:40]
        known = is_link_local(there) or is_multicast(there) or any(own[:8] == there[:8] for own in self.own)
        if known:
            super().output_piece(packet)


@variant("slow-behind-silence", rigs=ANY, rig={"settle": "350ms"})
class SlowBehindSilence(Later):
    """Takes 300 ms for the first frame behind 0.4 s of silence, for it sleeps, and none for others."""

    heard_at = -1.0
    quiet = True

    def wait(self, frame):
        return 0.3 if self.quiet else 0.0

    def hear_from(self, peer, frame, now):
        self.quiet, self.heard_at = now - self.heard_at > 0.4, now
        return super().hear_from(peer, frame, now)


def in_mesh(broadcast: bool):
    """A node that puts a mesh addressing header in front of what it sends, and a broadcast header where it may."""

    class InMesh(ReferenceNode):
        bc0 = 0

        def room(self, info):
            return super().room(info) - 21

        def fragment_packet(self, packet, info):
            payloads = super().fragment_packet(packet, info)
            to_all = info.dst == BROADCAST
            if to_all and not broadcast:
                return payloads
            octets = (
                bytes((0x80 | (len(info.src) == 2) << 5 | (len(info.dst) == 2) << 4 | 5,))
                + info.src
                + info.dst
            )
            if to_all:
                self.bc0 = (self.bc0 + 1) & 0xFF
                octets += bytes((0x50, self.bc0))
            return [octets + payload for payload in payloads]

    return InMesh


@variant("unicast-in-mesh")
class UnicastInMesh(in_mesh(False)):
    """A mesh addressing header in front of unicast: RFC 4944 §11, its originator is itself."""


@variant("all-in-mesh")
class AllInMesh(in_mesh(True)):
    """Mesh addressing in front of all that it sends, and a broadcast header behind it: RFC 4944 §11.1."""


class LengthAlone(FrameByFrame, NodeChannel):
    """An end whose first K-frame has the SDU length and nothing else."""

    def cut(self, sdu):
        whole = len(sdu).to_bytes(2, "little")
        return [whole, *(sdu[at : at + self.peer.mps] for at in range(0, len(sdu), self.peer.mps))]


@variant("sdu-length-alone", rigs=("reference-ble",))
class SduLengthAlone(ReferenceNode):
    """Its first K-frame has the SDU length alone: Core Vol 3 Part A §3.4.3 sets no least number of octets behind it."""

    channel_class = LengthAlone
