"""Conforming nodes as one meets them: several habits of one kind of product, or one policy of memory."""

from __future__ import annotations

import random

from rigs.links.memory.link import DUT_SHORT
from sixlowpan import Reassembler, encode, ipv6
from sixlowpan.addresses import ALL_ROUTERS, UNSPECIFIED, solicited_node
from sixlowpan.contexts import NO_CONTEXTS
from tests.variants import ANY, ReferenceNode, variant
from tests.variants.answers import ErrorEach, HeaderEachTime, LastOfScope, LateErrors, in_front
from tests.variants.broadcasts import BroadcastsOnce
from tests.variants.cutting import FragmentsByLot
from tests.variants.hosts import ALL_RPL_NODES, SLOW, Unasked
from tests.variants.identifiers import OPAQUE
from tests.variants.manners import in_mesh
from tests.variants.more_than_hosts import CopiesDropped, OneWaits
from tests.variants.radios import Associates, HeadersInTurn, NullData, ShortFrames
from tests.variants.receiving import RefusingReassembler, Touchy, WholeDiscard, reassembling
from tests.variants.sending import lawful
from tests.variants.sleepers import DataRequests, NewestFirst, Polls, PollsOne

NO_TAP = ("ip_tap",)

# -- policies of memory ------------------------------------------------------------------------------------------------


class ForEachSender(Reassembler):
    """One place for each sender, which its newest datagram takes."""

    def _place(self, key, begin, end, now):
        if key not in self._datagrams:
            for other in [k for k in self._datagrams if k[0] == key[0]]:
                del self._datagrams[other]
        return super()._place(key, begin, end, now)


@variant("one-place-for-each-sender", parameters={"reassembly_slots": 1})
class OneForEach(reassembling(lambda: ForEachSender(max_datagrams=8))):
    """One place for each sender, which its newest datagram takes: RFC 4944 §5.3 asks for no number."""


class KeptForEach(Reassembler):
    """One place for each sender, which its oldest datagram keeps."""

    def _place(self, key, begin, end, now):
        if key not in self._datagrams and any(k[0] == key[0] for k in self._datagrams):
            return None
        return super()._place(key, begin, end, now)


@variant("one-place-for-each-sender-kept-3s", parameters={"reassembly_slots": 1, "reassembly_timeout": "3s"})
class OneForEachKept(reassembling(lambda: KeptForEach(3.0, 8))):
    """One place for each sender, which its oldest datagram keeps for 3 s at the most."""


class Anew(Reassembler):
    """Its timer begins anew with each fragment, and ends after 60 s in any case."""

    def _place(self, key, begin, end, now):
        datagram = super()._place(key, begin, end, now)
        if datagram is not None:
            self.heard[key] = now
        return datagram

    heard: dict = {}  # noqa: RUF012 - made anew in `boot` of the node

    def expire(self, now):
        for key in [k for k in self._datagrams if now - self.heard.get(k, now) >= 10.0]:
            del self._datagrams[key]
        return super().expire(now)


def anew():
    made = Anew(max_datagrams=4)
    made.heard = {}
    return made


@variant("timer-anew-with-each-fragment", parameters={"reassembly_timeout": "60s"})
class TimerAnew(reassembling(anew)):
    """Gives up 10 s behind the last fragment, and 60 s behind the first: RFC 4944 §5.3, "a maximum of 60 seconds"."""


@variant("timer-300ms", parameters={"reassembly_timeout": "300ms"})
class Timer300ms(reassembling(lambda: Reassembler(0.3, 4))):
    """Gives up a reassembly after 300 ms: a fast radio needs no more, and §5.3 sets only a maximum."""


class Largest(Reassembler):
    """The largest datagram goes for a new one."""

    def _place(self, key, begin, end, now):
        if key not in self._datagrams and len(self._datagrams) >= self.max_datagrams:
            del self._datagrams[max(self._datagrams, key=lambda k: k[2])]
        return super()._place(key, begin, end, now)


@variant("two-places-the-largest-goes", parameters={"reassembly_slots": 2})
class LargestGoes(reassembling(lambda: Largest(max_datagrams=2))):
    """Two places; the largest datagram goes for a new one: no text says which."""


# -- products ----------------------------------------------------------------------------------------------------------


@variant("like-a-thread-child", rig={"settle": "400ms"}, parameters={**SLOW, "reassembly_slots": 1})
class ThreadChild(DataRequests, in_mesh(False), HeaderEachTime):
    """A sleepy child: polls by data requests, short source, unicast behind mesh headers, one place for reassembly."""

    def make_reassembler(self):
        return Reassembler(10.0, 1)

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        return info.between(DUT_SHORT, info.dst)


@variant("like-a-rpl-router", strict=False)
class RplRouter(Unasked, in_front(0, bytes.fromhex("230400001e00")), ShortFrames):
    """A RPL router: a RPL option in front of answers, short frames, DIOs and DAOs each 0.5 s, no contexts."""

    period = 0.5

    def chatter(self, packet):
        self.icmp_to(ALL_RPL_NODES, 155, bytes.fromhex("1ef0010088000000") + self.own[0])
        there = bytes.fromhex("fe8000000000000002124b00aabbccdd")
        dao = ipv6.icmpv6(155, 2, bytes.fromhex("1e400001") + bytes(36), self.own[0], there)
        packet = ipv6.build(self.own[0], there, ipv6.ICMPV6, dao, hop_limit=255)
        self.transmit(packet, bytes.fromhex("00124b00aabbccdd"))

    def encode_packet(self, packet, info):
        return encode(packet, info, NO_CONTEXTS)


@variant("like-a-linux-host", rigs=ANY)
class LinuxHost(Unasked):
    """A large host: DAD and MLDv2 for each address, router solicitations, flow labels, probes, many places."""

    period = 1.7

    def make_reassembler(self):
        return Reassembler(60.0, 64)

    def output(self, packet):
        label = (sum(packet[8:40]) * 0x9E37 & 0xFFFFF or 1).to_bytes(3)
        super().output(packet[:1] + bytes((packet[1] & 0xF0 | label[0],)) + label[1:] + packet[4:])

    def chatter(self, packet):
        turn = self.said % 3
        if turn == 0:
            self.icmp_to(ALL_ROUTERS, 133, bytes(4) + self.link_option(1))
        elif turn == 1:
            self.send_report(solicited_node(self.own[-1]))
        elif not self.point_to_point:
            for address in list(self.neighbours)[-2:]:
                body = bytes(4) + address + self.link_option(1)
                self.send_nd(self.source_for(address), address, 135, body)

    def add_address(self, address, prefix_length=64):
        self.now = self.link.now()
        if address not in self.own:
            self.send_nd(UNSPECIFIED, solicited_node(address), 135, bytes(4) + address)
        super().add_address(address, prefix_length)


class Strict(Touchy, WholeDiscard, RefusingReassembler):
    """All three at once."""


@variant(
    "like-a-sensor-of-8-kib",
    without=["ip_tap", "context", "address", "join"],
    rig={"settle": "300ms"},
    parameters={**SLOW, "reassembly_slots": 1, "reassembly_timeout": "2s"},
)
class Sensor(Polls, CopiesDropped, BroadcastsOnce, OneWaits):
    """A small sensor: polls, one neighbour, a strict place for 2 s, one packet waits, an error in 3 s, no context."""

    error_at = 0.0

    def make_reassembler(self):
        return Strict(2.0, 1)

    def learn(self, address, link):
        super().learn(address, link)
        while len(self.neighbours) > 1:
            del self.neighbours[next(iter(self.neighbours))]

    def error(self, packet, view, kind, code, word):
        if self.now >= self.error_at:
            self.error_at = self.now + 3.0
            super().error(packet, view, kind, code, word)


@variant("like-a-coordinator")
class Coordinator(Associates, HeadersInTurn, NullData):
    """A coordinator: beacons, associations, null frames to its children, MAC headers in turn, headers of any form."""

    def boot(self):
        super().boot()
        self.lot = random.Random(3)

    def frames_beside(self):
        return [*super().frames_beside(), *NullData.frames_beside(self)]

    def encode_packet(self, packet, info):
        return self.lot.choice(list(lawful(packet, info, self.contexts)))


@variant("sleepy-forgetful-by-lot", rig={"settle": "400ms"}, parameters=SLOW)
class SleepyForgetful(Polls, FragmentsByLot):
    """Polls, forgets each neighbour with the packet, fragments by lot, an opaque link-local address."""

    def first_addresses(self):
        return (OPAQUE,)

    def transmit(self, packet, neighbour):
        super().transmit(packet, neighbour)
        if packet[24] != 0xFF:
            self.neighbours.pop(packet[24:40], None)


@variant(
    "polls-one-error-each-one-place-no-tap",
    without=NO_TAP,
    rig={"settle": "700ms"},
    parameters={"round_trip": "3s", "reassembly_slots": 1, "reassembly_timeout": "20s"},
)
class PollsOneErrorEach(PollsOne, ErrorEach):
    """One frame each 60 ms, one error in ten seconds for each neighbour, one place kept for 20 s, no tap."""

    def make_reassembler(self):
        return RefusingReassembler(20.0, 1)


@variant("newest-first-errors-late-uncompressed", rig={"settle": "400ms"}, parameters={"reassembly_slots": 1})
class NewestUncompressed(NewestFirst, LateErrors, HeaderEachTime):
    """The newest first, errors late, headers each time anew, every other packet behind 0x41, one place."""

    count = 0

    def make_reassembler(self):
        return ForEachSender(max_datagrams=8)

    def encode_packet(self, packet, info):
        self.count += 1
        return b"\x41" + packet if self.count % 2 else super().encode_packet(packet, info)


@variant("answers-with-each-liberty", rigs=ANY)
class EachLiberty(LastOfScope, HeaderEachTime, in_front(60, bytes.fromhex("1e0100000100"))):
    """Headers each time anew, an unknown option in front, the youngest source, ND from its youngest address."""


@variant("pings-with-the-askers-numbers", rigs=ANY)
class AskersNumbers(ReferenceNode):
    """Pings whoever pinged it, with the same identifier and number: RFC 4443 §4.1 leaves both to the sender."""

    def echo(self, view, message):
        super().echo(view, message)
        if any(view.src) and view.dst[0] != 0xFF:
            self.output(
                ipv6.echo_request(
                    view.dst, view.src, int.from_bytes(message[4:6]), int.from_bytes(message[6:8]), b"back"
                )
            )


@variant("sends-udp-to-the-port-that-was-asked", rigs=ANY)
class SamePorts(ReferenceNode):
    """Sends a datagram of its own, from the port that it is closed at, to whoever found it closed (RFC 768)."""

    def error(self, packet, view, kind, code, word):
        super().error(packet, view, kind, code, word)
        if (kind, code) == (1, 4) and packet[6] == ipv6.UDP and view.dst[0] != 0xFF:
            there, port = view.src, int.from_bytes(packet[40:42])
            data = ipv6.udp(int.from_bytes(packet[42:44]), port, b"and now", view.dst, there)
            self.output(ipv6.build(view.dst, there, ipv6.UDP, data))
