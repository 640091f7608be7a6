"""Mutants whose own output is wrong for some receivers or in some circumstances only: who waited, who is short."""

from __future__ import annotations

from collections.abc import Callable

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import EncodeError, fragment
from sixlowpan.addresses import BROADCAST, is_link_local, is_multicast
from tests.mutants import ANY, IEEE802154, Node, mutant, starts_with, step
from tests.mutants.sending_fragments import fragmented, with_offset, with_size, with_tag
from tests.mutants.wire import iphc

# -- tags -------------------------------------------------------------------------------------------------------


@mutant("send-tag-of-those-that-waited", requirement="RFC4944-5.3-13", kinds=IEEE802154)
class WaitedTag(ReferenceNode):
    """Packets that waited for one address leave with one tag."""

    held = False

    def learn(self, address, link):
        before, self.held = self.tag, False
        resolution = self.resolving.get(address)
        if resolution is not None and len(resolution.packets) > 1:
            self.held = True
            self.tag = before = (before + 1) & 0xFFFF
        super().learn(address, link)
        self.held = False

    def next_tag(self):
        return self.tag if self.held else super().next_tag()


@mutant("send-tag-little-endian", requirement="RFC4944-5.3-13", kinds=IEEE802154)
class TagLittleEndian(ReferenceNode):
    """Sends its tags with the low octet first: they go up by 256."""

    def next_tag(self):
        return int.from_bytes(super().next_tag().to_bytes(2, "big"), "little")


@mutant("send-tag-15-bits", requirement="RFC4944-5.3-14", kinds=IEEE802154)
@starts_with(tag=0x7F40)
class Tag15Bits(ReferenceNode):
    """Its tags wrap behind 32767, near which it begins."""

    def next_tag(self):
        return super().next_tag() & 0x7FFF


@mutant("send-tag-anew-behind-silence", requirement="RFC4944-5.3-13", kinds=IEEE802154)
class TagAnew(ReferenceNode):
    """Begins with the same tag again when it has sent no fragments for three seconds."""

    silence = 3.0
    sent_at = 0.0

    def next_tag(self):
        if self.now - self.sent_at > self.silence:
            self.tag = 0x1000
        self.sent_at = self.now
        return super().next_tag()


@mutant("send-tag-anew-behind-half-a-minute", requirement="RFC4944-5.3-13", kinds=IEEE802154)
class TagAnewLater(TagAnew):
    """Begins with the same tag again when it has sent no fragments for half a minute."""

    silence = 30.0


# -- while others' datagrams come: one descriptor, or one buffer, for both directions ---------------------------------


def while_receiving(id: str, requirement: str, least: int = 1):
    """function(node, payloads) of its own fragments, while so many datagrams are not complete."""

    def register(function):
        def wrong(node, payloads, packet, info):
            return function(node, payloads) if node.reassembler.pending >= least else payloads

        wrong.__doc__ = function.__doc__
        fragmented(id, requirement)(wrong)
        return function

    return register


@while_receiving("send-size-of-what-comes", "RFC4944-5.3-09")
def _(node, payloads):
    """Its FRAGNs have the size of the datagram that is coming, if one is."""
    return [payloads[0], *(with_size(payload, node.reassembler.keys[-1][2]) for payload in payloads[1:])]


@while_receiving("send-tag-of-what-comes", "RFC4944-5.3-12")
def _(node, payloads):
    """Its FRAGNs have the tag of the datagram that is coming, if one is."""
    return [payloads[0], *(with_tag(payload, node.reassembler.keys[-1][3]) for payload in payloads[1:])]


@while_receiving("send-last-lost-while-receiving", "RFC4944-5.3-02", least=2)
def _(node, payloads):
    """Has no buffer for its own last fragment while two datagrams are coming."""
    return payloads[:-1]


# -- to a short address, from a short address, beyond the link ------------------------------------------------------


def to(id: str, requirement: str, whom: Callable):
    """function(payloads, packet) of a fragmented datagram where whom(packet, info) holds."""

    def register(function):
        def wrong(node, payloads, packet, info):
            return function(payloads, packet) if whom(packet, info) else payloads

        wrong.__doc__ = function.__doc__
        fragmented(id, requirement)(wrong)
        return function

    return register


def to_short(packet, info) -> bool:
    return len(info.dst) == 2 and info.dst != BROADCAST


def from_short(packet, info) -> bool:
    return len(info.src) == 2


def to_global(packet, info) -> bool:
    return not is_link_local(packet[24:40]) and not is_multicast(packet[24:40])


@to("send-short-offset-late", "RFC4944-5.3-16", to_short)
def _(payloads, packet):
    """To a neighbour with a short address sends offsets one unit too large from the third fragment on."""
    return [*payloads[:2], *(with_offset(payload, payload[4] + 1) for payload in payloads[2:])]


@to("send-short-tag-constant", "RFC4944-5.3-13", to_short)
def _(payloads, packet):
    """To a neighbour with a short address sends one tag."""
    return [with_tag(payload, 3) for payload in payloads]


@to("send-from-short-size", "RFC4944-5.3-10", from_short)
def _(payloads, packet):
    """From its short address sends a datagram_size of the payload."""
    return [with_size(payload, len(packet) - 40) for payload in payloads]


@to("send-from-short-last-cut", "RFC4944-5.3-02", from_short)
def _(payloads, packet):
    """From its short address cuts the last octet of the last fragment."""
    return [*payloads[:-1], payloads[-1][:-1]]


@to("send-global-size-of-compressed", "RFC4944-5.3-08", to_global)
def _(payloads, packet):
    """To a global address sends a datagram_size without the octets that contexts saved."""
    return [with_size(payload, len(packet) - 16) for payload in payloads]


@to("send-global-tag-each-fragment", "RFC4944-5.3-12", to_global)
def _(payloads, packet):
    """To a global address counts the tag up with each fragment."""
    return [with_tag(payload, int.from_bytes(payload[2:4], "big") + i) for i, payload in enumerate(payloads)]


@to("send-global-last-twice-as-frag1", "RFC4944-5.3-06", to_global)
def _(payloads, packet):
    """To a global address the last fragment has the header of the first."""
    return [*payloads[:-1], bytes((payloads[-1][0] & 0xDF,)) + payloads[-1][1:4] + payloads[-1][5:]]


@mutant("send-room-of-short-addresses", requirement="RFC4944-4-03", kinds=IEEE802154)
class RoomOfShort(ReferenceNode):
    """Counts two octets for each address of a frame, whatever it has: fragments to an EUI-64 are too long."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        if len(payloads) == 1:
            return payloads
        room = self.link.mtu - 9
        tag = int.from_bytes(payloads[0][2:4])
        try:
            return fragment(packet, info, self.contexts, mtu=room, tag=tag)
        except EncodeError:
            return payloads


@mutant("send-third-fragment-to-all", requirement="RFC4944-5.3-18", kinds=IEEE802154)
class ThirdToAll(ReferenceNode):
    """Sends each third fragment of a unicast datagram to the broadcast address."""

    def transmit(self, packet, neighbour):
        info = self.sent_info(packet, neighbour)
        for i, payload in enumerate(self.fragment_packet(packet, info)):
            there = info if i % 3 != 2 else self.sent_info(packet, BROADCAST)
            self._out.append((neighbour, self.frame(payload, there)))


@mutant("send-fragments-from-both-addresses", requirement="RFC4944-5.3-18", kinds=IEEE802154)
class FromBoth(ReferenceNode):
    """Sends the first fragment from its EUI-64 and the others from its short address."""

    def transmit(self, packet, neighbour):
        info = self.sent_info(packet, neighbour)
        payloads = self.fragment_packet(packet, info)
        short = info.between(self.link.dut_short, info.dst)
        for i, payload in enumerate(payloads):
            self._out.append((neighbour, self.frame(payload, short if i else info)))


# -- contexts and groups, as a sender ---------------------------------------------------------------------------------


@mutant("sends-cid-for-destinations-only", requirement="RFC6282-3.1.2-02", kinds=ANY)
class CidByDestination(ReferenceNode):
    """Sends no CID octet where the destination's context is 0 or none, whatever the source's is."""

    def encode_packet(self, packet, info):
        payload = super().encode_packet(packet, info)
        if payload[0] >> 5 == 3 and payload[1] & 0x80 and not payload[2] & 15:
            return payload[:1] + bytes((payload[1] & 0x7F,)) + payload[3:]
        return payload


@step
def sends_group(function: Callable) -> Node:
    """function(group) -> (DAM, octets) of the form that is sent for a group, None for the right one."""

    class Node(ReferenceNode):
        def encode_packet(self, packet, info):
            group = packet[24:40]
            found = function(group) if is_multicast(group) else None
            if found is None:
                return super().encode_packet(packet, info)
            other = b"\xff\x02" + bytes(13) + b"\x01"  # one octet in-line, at the end of the header
            payload = super().encode_packet(packet[:24] + other + packet[40:], info)
            dam, octets = found
            header = iphc(payload)
            assert header is not None
            second = payload[1] & 0xF0 | 8 | dam
            return (
                payload[:1] + bytes((second,)) + payload[2 : header.dst_at] + octets + payload[header.end :]
            )

    return Node


@sends_group("sends-group-8-bits-of-16", "RFC6282-3.2.3-04")
def _(group):
    """Sends the 8-bit form of any group ff02::XXXX, whose upper octet is lost."""
    if group[:14] == b"\xff\x02" + bytes(12) and group[14]:
        return 3, group[15:]
    return None


@sends_group("sends-group-48-bits-of-more", "RFC6282-3.2.3-01")
def _(group):
    """Sends the 48-bit form of any group, whatever stands in its middle."""
    if any(group[2:11]):
        return 1, group[1:2] + group[11:]
    return None


@sends_group("sends-group-32-bits-scope-2", "RFC6282-3.2.3-01")
def _(group):
    """Sends flags and scope of the 32-bit form as 02, whatever they are."""
    if group[2:13] == bytes(11) and group[13:15] != b"\0\0" and group[1] != 2:
        return 2, b"\x02" + group[13:]
    return None


@sends_group("sends-group-48-bits-flags-lost", "RFC6282-3.2.3-01")
def _(group):
    """Sends the scope of the 48-bit form without the flags."""
    if group[2:11] == bytes(9) and any(group[11:13]) and group[1] & 0xF0:
        return 1, bytes((group[1] & 15,)) + group[11:]
    return None


@mutant("send-frame-one-too-long-to-short", requirement="RFC4944-4-03", kinds=IEEE802154)
class OneTooLong(ReferenceNode):
    """Takes the room in frames to short addresses for one octet more than there is."""

    def room(self, info):
        return super().room(info) + (len(info.dst) == 2 and info.dst != BROADCAST)
