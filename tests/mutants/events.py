"""Mutants that are right once: answers sent twice, packets handed on twice, and what is lost behind an event."""

from __future__ import annotations

from collections.abc import Callable

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError
from sixlowpan.addresses import BROADCAST
from tests.mutants import ANY, IEEE802154, Node, mutant, rewrites, starts_with, step
from tests.mutants.fragments import reassembly
from tests.mutants.wire import Reassembly, iphc

# -- twice ------------------------------------------------------------------------------------------------------


@mutant("answers-twice", requirement="RFC6282-2-04", kinds=ANY)
class AnswersTwice(ReferenceNode):
    """Sends every packet twice."""

    def fragment_packet(self, packet, info):
        return super().fragment_packet(packet, info) * 2


@mutant("answers-fiftieth-twice", requirement="RFC6282-2-04", kinds=ANY)
class AnswersFiftiethTwice(ReferenceNode):
    """Sends every fiftieth packet twice."""

    sent = 0

    def fragment_packet(self, packet, info):
        self.sent += 1
        return super().fragment_packet(packet, info) * (2 if self.sent % 50 == 0 else 1)


@mutant("delivers-twice", requirement="RFC6282-2-04", kinds=ANY)
class DeliversTwice(ReferenceNode):
    """Hands every packet of more than 60 octets on twice."""

    def deliver(self, packet, info):
        super().deliver(packet, info)
        if len(packet) > 60:
            super().deliver(packet, info)


@mutant("delivers-broadcasts-twice", requirement="RFC6282-2-04", kinds=IEEE802154)
class DeliversBroadcastsTwice(ReferenceNode):
    """Hands on twice what came as a broadcast."""

    def deliver(self, packet, info):
        super().deliver(packet, info)
        if info.dst == BROADCAST:
            super().deliver(packet, info)


@mutant("sends-fragments-twice", requirement="RFC4944-5.3-13", kinds=IEEE802154)
class FragmentsTwice(ReferenceNode):
    """Sends each fragmented datagram twice, with the same tag."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        return payloads * 2 if len(payloads) > 1 else payloads


class Keeping(Reassembly):
    """Keeps what it completed."""

    def __init__(self):
        super().__init__()
        self.done = {}

    def redelivered(self, packet, begin, end, first):
        return False

    def take(self, key, size, begin, octets, first, now):
        packet = self.done.get(key)
        if packet is not None and packet[begin : begin + len(octets)] == octets:
            return packet if self.redelivered(packet, begin, begin + len(octets), first) else None
        found = super().take(key, size, begin, octets, first, now)
        if found is not None:
            self.done[key] = found
        return found


@reassembly("frag-late-last-redelivers", "RFC4944-5.3-24")
class LateLastRedelivers(Keeping):
    """Hands a datagram on once more at a late duplicate of its last fragment."""

    def redelivered(self, packet, begin, end, first):
        return end == len(packet)


@reassembly("frag-late-frag1-redelivers", "RFC4944-5.3-24")
class LateFirstRedelivers(Keeping):
    """Hands a datagram on once more at a late duplicate of its FRAG1."""

    def redelivered(self, packet, begin, end, first):
        return first


@reassembly("frag-late-middle-redelivers", "RFC4944-5.3-24")
class LateMiddleRedelivers(Keeping):
    """Hands a datagram on once more at a late duplicate of a fragment between its first and its last."""

    def redelivered(self, packet, begin, end, first):
        return not first and end < len(packet)


# -- behind an event --------------------------------------------------------------------------------------------


class Deaf(ReferenceNode):
    """Loses one payload where it is `deaf`."""

    deaf = False

    def understand(self, payload, info):
        if self.deaf:
            self.deaf = False
            return None
        return super().understand(payload, info)


@step
def deaf_behind(function: Callable) -> Node:
    """function(node, payload) -> whether a payload that is refused makes the node deaf for the next one."""

    class DeafBehind(Deaf):
        def understand(self, payload, info):
            try:
                return super().understand(payload, info)
            except DecodeError:
                self.deaf = bool(function(self, payload))
                raise

    return DeafBehind


@deaf_behind("lost-behind-a-refused-one", "RFC6282-2-04")
def _(node, payload):
    "Loses the packet behind one that it refuses."
    return True


@deaf_behind("lost-behind-a-cut-header", "RFC6282-2-04")
def _(node, payload):
    "Loses the packet behind one whose IPHC header is cut."
    header = iphc(payload)
    return header is not None and len(payload) < header.end


@deaf_behind("lost-behind-a-reserved-dispatch", "RFC4944-5.1-03", kinds=IEEE802154)
def _(node, payload):
    "Loses the packet behind one with a NALP dispatch."
    return payload[:1] < b"\x40"


@deaf_behind("lost-behind-a-bad-fragment", "RFC4944-5.3-19", kinds=IEEE802154)
def _(node, payload):
    "Loses the packet behind a fragment that it refuses."
    return bool(payload) and payload[0] & 0xD8 == 0xC0


@mutant("lost-behind-a-foreign-frame", requirement="RFC6282-2-04", kinds=IEEE802154)
class LostBehindAForeignFrame(ReferenceNode):
    """Loses the frame behind one that is for another node."""

    deaf = False

    def accepts(self, header):
        ours = super().accepts(header)
        lost = ours and self.deaf
        self.deaf = not ours
        return ours and not lost


@mutant("lost-behind-a-broadcast", requirement="RFC6282-2-04", kinds=IEEE802154)
class LostBehindABroadcast(ReferenceNode):
    """Loses the unicast frame behind a broadcast."""

    deaf = False

    def accepts(self, header):
        broadcast = header.dst == BROADCAST
        lost = self.deaf and not broadcast
        self.deaf = broadcast
        return not lost and super().accepts(header)


@mutant("lost-behind-a-bad-checksum", requirement="RFC6282-2-04", kinds=ANY)
class LostBehindABadChecksum(ReferenceNode):
    """Loses the packet behind one whose checksum is wrong."""

    deaf = False

    def checksum_holds(self, view, protocol, message):
        holds = super().checksum_holds(view, protocol, message)
        lost, self.deaf = self.deaf, not holds
        return holds and not lost


# -- what the packet before leaves ------------------------------------------------------------------------------


@rewrites("cid-stays", requirement="RFC6282-3.1.1-11")
def _(node, packet, header, info):
    "CID=0: the context of the packet before in place of context 0."
    before, node.pair = getattr(node, "pair", 0), header.payload[2] if header.cid else 0
    if header.cid or not before:
        return
    for used, identifier, at in (
        (header.sac and header.sam, before >> 4, 8),
        (header.dac and not header.m, before & 15, 24),
    ):
        context = node.contexts.get(identifier)
        if used and context is not None and context.length <= 64:
            packet[at : at + 8] = context.prefix[:8]


@rewrites("tf11-stays", requirement="RFC6282-3.1.1-04")
def _(node, packet, header, info):
    "TF=11: the traffic class of the packet before."
    if header.tf == 3:
        packet[0], packet[1] = getattr(node, "before", (packet[0], packet[1]))
    node.before = packet[0], packet[1] & 0xF0


@rewrites("unspecified-stays", requirement="RFC6282-3.1.1-19")
def _(node, packet, header, info):
    "SAC=1 SAM=00: the source of the packet before."
    if header.sac and not header.sam:
        packet[8:24] = getattr(node, "source", bytes(packet[8:24]))
    node.source = bytes(packet[8:24])


@rewrites("ports-stay", requirement="RFC6282-4.3.3-06")
def _(node, packet, header, info):
    "P=11: the first octets of the ports of the packet before."
    if header.nhc == 0xF3:
        packet[40], packet[42] = getattr(node, "ports_before", (packet[40], packet[42]))
    if header.nhc >> 3 == 0b11110:
        node.ports_before = packet[40], packet[42]


@rewrites("group-stays", requirement="RFC6282-3.1.1-40")
def _(node, packet, header, info):
    "M=1 DAM=11: the scope of the group before."
    if header.m and not header.dac:
        if header.dam == 3:
            packet[25] = getattr(node, "scope", packet[25])
        node.scope = packet[25]


@mutant("page-stays", requirement="RFC8025-3-02", kinds=IEEE802154)
class PageStays(ReferenceNode):
    """Page 1 stays active for the packet behind: an uncompressed one is dropped."""

    page = 0

    def understand(self, payload, info):
        if payload[:1] >= b"\xf0":
            self.page = payload[0] & 15
        elif payload[:1] == b"\x41" and self.page == 1:
            self.page = 0
            return None
        return super().understand(payload, info)


@mutant("page-1-uncompressed", requirement="RFC8025-3-04", kinds=IEEE802154)
class Page1Uncompressed(ReferenceNode):
    """Takes 0x41 behind a switch to page 1 for an uncompressed packet."""

    def understand(self, payload, info):
        return super().understand(payload[1:] if payload[:2] == b"\xf1\x41" else payload, info)


# -- late, and now and then not at all ----------------------------------------------------------------------------


@starts_with(later=[])
class Late(ReferenceNode):
    """A node whose frames leave a while later than they should; `delay` in seconds."""

    def delay(self, frame):
        return 0.0

    def _taken(self):
        self.later += [(self.now + self.delay(frame), to, frame) for to, frame in super()._taken()]
        due = [(to, frame) for when, to, frame in self.later if when <= self.now]
        self.later = [entry for entry in self.later if entry[0] > self.now]
        return due

    def next_timer(self):
        times = [when for when, _, _ in self.later]
        other = super().next_timer()
        return min(times + ([] if other is None else [other]), default=None)


@mutant("late-by-200-ms", requirement="RFC6282-2-04", kinds=ANY)
class LateAlways(Late):
    """Sends everything 200 ms late."""

    def delay(self, frame):
        return 0.2


@mutant("late-when-long", requirement="RFC6282-2-04", kinds=ANY)
class LateWhenLong(Late):
    """Sends frames of more than 80 octets 100 ms late, and with them what follows."""

    def delay(self, frame):
        self.until = getattr(self, "until", 0.0)
        if len(frame) > 80:
            self.until = self.now + 0.1
        return max(0.0, self.until - self.now)


@mutant("answers-49-of-50", requirement="RFC6282-2-04", kinds=ANY, advice=True)
class LosesOneInFifty(ReferenceNode):
    """Sends no packet every fiftieth time."""

    sent = 0

    def fragment_packet(self, packet, info):
        self.sent += 1
        return [] if self.sent % 50 == 0 else super().fragment_packet(packet, info)
