"""Mutants that cut a datagram into fragments wrongly (RFC 4944 §5.3, as a sender)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import fragment
from tests.mutants import IEEE802154, Node, mutant, sends, step

# -- fragments --------------------------------------------------------------------------------------------------


@partial(step, kinds=IEEE802154)
def fragmented(function: Callable) -> Node:
    """Register a change to the payloads of a fragmented datagram: function(node, payloads, packet, info)."""

    def wrong(node, payloads, packet, info):
        return function(node, payloads, packet, info) if len(payloads) > 1 else payloads

    return sends.make(wrong)


def with_size(payload, size):
    return (int.from_bytes(payload[:2], "big") & 0xF800 | size & 0x7FF).to_bytes(2, "big") + payload[2:]


def with_tag(payload, tag):
    return payload[:2] + (tag & 0xFFFF).to_bytes(2, "big") + payload[4:]


def with_offset(payload, offset):
    return payload[:4] + bytes((offset & 0xFF,)) + payload[5:]


@fragmented("send-tag-constant", "RFC4944-5.3-13")
def _(node, payloads, packet, info):
    """Sends the same tag always."""
    return [with_tag(payload, 0x1234) for payload in payloads]


@fragmented("send-tag-each-fragment", "RFC4944-5.3-12")
def _(node, payloads, packet, info):
    """Counts the tag up with each fragment."""
    return [with_tag(payload, int.from_bytes(payload[2:4], "big") + i) for i, payload in enumerate(payloads)]


@fragmented("send-tag-down", "RFC4944-5.3-13")
def _(node, payloads, packet, info):
    """Counts the tag down."""
    return [with_tag(payload, -int.from_bytes(payload[2:4], "big")) for payload in payloads]


@mutant("send-tag-stops", requirement="RFC4944-5.3-14", kinds=IEEE802154)
class SendTagStops(ReferenceNode):
    """Stays at tag 65535, near which it begins."""

    def next_tag(self):
        self.tag = min(0xFFFF, max(self.tag, 0xFFFE) + 1)
        return self.tag


@fragmented("send-size-compressed", "RFC4944-5.3-08", "LWIP-47291")
def _(node, payloads, packet, info):
    """Sends the compressed size as datagram_size."""
    size = sum(len(payload) - 5 for payload in payloads) + 1
    return [with_size(payload, size) for payload in payloads]


@fragmented("send-size-payload", "RFC4944-5.3-10")
def _(node, payloads, packet, info):
    """Leaves the 40 octets of the IPv6 header out of datagram_size."""
    return [with_size(payload, len(packet) - 40) for payload in payloads]


@fragmented("send-size-last", "RFC4944-5.3-09")
def _(node, payloads, packet, info):
    """Sends another datagram_size in the last fragment."""
    return [*payloads[:-1], with_size(payloads[-1], len(packet) + 8)]


@fragmented("send-offset-octets", "RFC4944-5.3-16")
def _(node, payloads, packet, info):
    """Sends datagram_offset in octets."""
    return [payloads[0], *(with_offset(payload, payload[4] * 8) for payload in payloads[1:])]


@fragmented("send-offset-compressed", "RFC4944-5.3-16", "ZEPHYR-13437")
def _(node, payloads, packet, info):
    """Counts offsets on the compressed datagram."""
    return [payloads[0], *(with_offset(payload, payload[4] - 4) for payload in payloads[1:])]


@fragmented("send-all-frag1", "RFC4944-5.3-06")
def _(node, payloads, packet, info):
    """Sends every fragment with the header of the first."""
    return [bytes((payload[0] & 0xDF,)) + payload[1:] for payload in payloads]


@fragmented("send-frag1-with-offset", "RFC4944-5.3-04")
def _(node, payloads, packet, info):
    """Sends the first fragment with the header of the others."""
    return [bytes((payloads[0][0] | 0x20,)) + payloads[0][1:4] + b"\0" + payloads[0][4:], *payloads[1:]]


@fragmented("send-not-8", "RFC4944-5.3-03")
def _(node, payloads, packet, info):
    """Moves an octet from the first fragment to the second."""
    return [payloads[0][:-1], payloads[1][:5] + payloads[0][-1:] + payloads[1][5:], *payloads[2:]]


@fragmented("send-last-missing", "RFC4944-5.3-02")
def _(node, payloads, packet, info):
    """Never sends the last fragment."""
    return payloads[:-1]


@fragmented("send-last-cut", "RFC4944-5.3-02", "RIOT-10995")
def _(node, payloads, packet, info):
    """Cuts the last fragment short by an octet."""
    return [*payloads[:-1], payloads[-1][:-1]]


@fragmented("send-overlap", "RFC4944-5.3-16")
def _(node, payloads, packet, info):
    """Repeats eight octets of a fragment in the next one."""
    found = payloads[:1]
    for payload in payloads[1:]:
        begin = payload[4] * 8 - 8
        found.append(with_offset(payload[:5], payload[4] - 1) + packet[begin : begin + len(payload) + 3])
    return found


@mutant("send-boundary-lost", requirement="RFC4944-5.3-02", defect="ZEPHYR-54506", kinds=IEEE802154)
class SendBoundaryLost(ReferenceNode):
    """Sends nothing where only the uncompressed packet is too large for a frame."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        return [] if len(payloads) == 1 and len(packet) + 1 > self.room(info) else payloads


@mutant("send-header-estimate", requirement="RFC4944-5.3-02", defect="ZEPHYR-12154", kinds=IEEE802154)
class SendHeaderEstimate(ReferenceNode):
    """Believes that a frame has two octets more than it has, and cuts them off."""

    def fragment_packet(self, packet, info):
        room = self.room(info)
        payload = self.encode_packet(packet, info)
        if room < len(payload) <= room + 2:
            return [payload[:room]]
        return super().fragment_packet(packet, info)


# -- what is seen over a long time, or at one size ---------------------------------------------------------------


@mutant("send-tag-8-bits", requirement="RFC4944-5.3-14", kinds=IEEE802154)
class Tag8Bits(ReferenceNode):
    """Its tags wrap behind 255."""

    def next_tag(self):
        return super().next_tag() & 0xFF


@fragmented("send-empty-last", "RFC4944-5.3-06")
def _(node, payloads, packet, info):
    """Sends an empty fragment behind the last one where that has a multiple of eight octets."""
    end = bytes((len(packet) // 8,))
    return (
        payloads if len(packet) % 8 else [*payloads, bytes((payloads[0][0] | 0x20,)) + payloads[0][1:4] + end]
    )


@mutant("send-fit-before-compression", requirement="RFC4944-5.3-01", kinds=IEEE802154)
class FitBeforeCompression(ReferenceNode):
    """Fragments what does not fit a frame before it is compressed."""

    def fragment_packet(self, packet, info):
        room = self.room(info)
        payload = self.encode_packet(packet, info)
        if len(payload) <= room < len(packet):
            return fragment(
                packet, info, self.contexts, mtu=len(payload) - 1, tag=self.next_tag(), payload=payload
            )
        return super().fragment_packet(packet, info)


@mutant("send-fcs-forgotten", requirement="RFC4944-4-03", kinds=IEEE802154)
class FcsForgotten(ReferenceNode):
    """Has no room for the FCS: frames of 127 octets without it."""

    def room(self, info):
        return super().room(info) + 2


@mutant("send-fragments-unacknowledged", requirement="RFC4944-2-02", kinds=IEEE802154)
class FragmentsUnacknowledged(ReferenceNode):
    """Asks for no acknowledgement of fragments."""

    def frame(self, payload, info):
        frame = super().frame(payload, info)
        return bytes((frame[0] & 0xDF,)) + frame[1:] if payload[0] >= 0xC0 else frame
