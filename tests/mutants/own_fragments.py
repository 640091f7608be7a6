"""Mutants that fragment wrongly what is no plain answer: IPv6 fragments, multicast, errors, UDP; and the last tag."""

from __future__ import annotations

from collections.abc import Callable

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan.addresses import BROADCAST
from tests.mutants import ANY, IEEE802154, mutant, starts_with
from tests.mutants.sending_fragments import fragmented, with_offset, with_size, with_tag
from tests.mutants.wire import Iphc, iphc

# -- IPv6 fragments ---------------------------------------------------------------------------------------------


def wrong_fragment_header(id: str, requirement: str = "RFC6282-4.2-05"):
    """function(payload, header) -> the payload of an IPv6 fragment in the place of the right one."""

    def register(function: Callable) -> Callable:
        class Node(ReferenceNode):
            def encode_packet(self, packet, info):
                payload = super().encode_packet(packet, info)
                header = iphc(payload)
                compressed = header is not None and header.nhc & 0xFE == 0xE4
                return function(payload, header) if compressed else payload

        mutant(id, requirement=requirement, kinds=ANY, what=function.__doc__ or "")(Node)
        return function

    return register


def reserved_at(header: Iphc) -> int:
    return header.end + (1 if header.nhc & 1 else 2)


@wrong_fragment_header("send-fragment-reserved-6")
def _(payload, header):
    "Sends 6, a length, in the Reserved octet of a compressed Fragment header."
    at = reserved_at(header)
    return payload[:at] + b"\x06" + payload[at + 1 :]


@wrong_fragment_header("send-fragment-reserved-1")
def _(payload, header):
    "Sends 1 in the Reserved octet of a compressed Fragment header."
    at = reserved_at(header)
    return payload[:at] + b"\x01" + payload[at + 1 :]


@wrong_fragment_header("send-fragment-without-reserved", "RFC6282-4.2-20")
def _(payload, header):
    "Leaves the Reserved octet of a compressed Fragment header out."
    at = reserved_at(header)
    return payload[:at] + payload[at + 1 :]


@wrong_fragment_header("send-fragment-as-routing", "RFC6282-4.2-05")
def _(payload, header):
    "Sends a Fragment header with EID 1."
    return payload[: header.end] + bytes((header.nhc & 0xF1 | 2,)) + payload[header.end + 1 :]


@mutant("send-no-ipv6-fragments", requirement="RFC4944-4-01", kinds=IEEE802154)
class NoIpv6Fragments(ReferenceNode):
    """Sends packets of more than 1280 octets, the MTU, in one piece."""

    def pieces(self, packet):
        return [packet]


@mutant("send-ipv6-fragments-1288", requirement="RFC4944-4-01", kinds=IEEE802154)
class Ipv6FragmentsTooLong(ReferenceNode):
    """Makes IPv6 fragments of 1288 octets, eight more than the MTU."""

    ipv6_mtu = 1288


@mutant("send-ipv6-fragment-size-of-all", requirement="RFC4944-5.3-08", kinds=IEEE802154)
class SizeOfAll(ReferenceNode):
    """Sends the size of the packet before IPv6 fragmentation as datagram_size of an IPv6 fragment."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        if packet[6] == 44 and len(payloads) > 1:
            return [with_size(payload, len(packet) + 200) for payload in payloads]
        return payloads


# -- fragments --------------------------------------------------------------------------------------------------


@fragmented("send-multicast-frag1-only", "RFC4944-5.3-02")
def _(node, payloads, packet, info):
    """Of its multicast datagrams sends FRAG1 only."""
    return payloads[:1] if info.dst == BROADCAST else payloads


@fragmented("send-multicast-tag-constant", "RFC4944-5.3-13")
def _(node, payloads, packet, info):
    """Sends its multicast datagrams with one tag."""
    return [with_tag(payload, 7) for payload in payloads] if info.dst == BROADCAST else payloads


@fragmented("send-error-tag-constant", "RFC4944-5.3-13")
def _(node, payloads, packet, info):
    """Sends fragmented ICMPv6 errors with one tag."""
    error = packet[6] == 58 and packet[40] < 128
    return [with_tag(payload, 0x0100) for payload in payloads] if error else payloads


@fragmented("send-error-tags-differ", "RFC4944-5.3-12")
def _(node, payloads, packet, info):
    """Counts the tag up within a fragmented ICMPv6 error."""
    if packet[6] != 58 or packet[40] >= 128:
        return payloads
    return [with_tag(payload, int.from_bytes(payload[2:4], "big") + i) for i, payload in enumerate(payloads)]


@fragmented("send-error-size-compressed", "RFC4944-5.3-10")
def _(node, payloads, packet, info):
    """Sends fragmented ICMPv6 errors with a datagram_size without the IPv6 header."""
    error = packet[6] == 58 and packet[40] < 128
    return [with_size(payload, len(packet) - 40) for payload in payloads] if error else payloads


@fragmented("send-udp-size-8-small", "RFC4944-5.3-10")
def _(node, payloads, packet, info):
    """Leaves the UDP header out of datagram_size."""
    return [with_size(payload, len(packet) - 8) for payload in payloads] if packet[6] == 17 else payloads


@fragmented("send-udp-offset-compressed", "RFC4944-5.3-16")
def _(node, payloads, packet, info):
    """Counts the offsets of UDP datagrams without the UDP header."""
    if packet[6] != 17:
        return payloads
    return [payloads[0], *(with_offset(payload, payload[4] - 1) for payload in payloads[1:])]


@fragmented("send-offset-7-bits", "RFC4944-5.3-16")
def _(node, payloads, packet, info):
    """Sends seven bits of datagram_offset."""
    return [payloads[0], *(with_offset(payload, payload[4] & 0x7F) for payload in payloads[1:])]


@fragmented("send-udp-last-cut", "RFC4944-5.3-02")
def _(node, payloads, packet, info):
    """Cuts the last octet of fragmented UDP datagrams."""
    return [*payloads[:-1], payloads[-1][:-1]] if packet[6] == 17 else payloads


@mutant("send-tag-zero-skipped", requirement="RFC4944-5.3-14", kinds=IEEE802154)
@starts_with(tag=0xFF80)  # so far from it that no case in front of the one with many datagrams wraps
class TagZeroSkipped(ReferenceNode):
    """Sends tag 1 behind 65535; begins near it."""

    def next_tag(self):
        self.tag = self.tag % 0xFFFF + 1
        return self.tag


@mutant("send-frag1-with-elided-length", requirement="RFC6282-2-06", kinds=IEEE802154)
class RestCompressed(ReferenceNode):
    """Compresses a UDP header for each fragment: later ones begin with an NHC octet."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        if len(payloads) < 2 or packet[6] != 17:
            return payloads
        return [payloads[0], *(payload[:5] + b"\xf0" + payload[6:] for payload in payloads[1:])]


@mutant("send-fragments-uncompressed", requirement="RFC6282-2-07", kinds=IEEE802154)
class LargeErrorsHalfCompressed(ReferenceNode):
    """Fills FRAG1 of an ICMPv6 error with the size of its compressed header for the uncompressed one."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        if len(payloads) < 2 or packet[6] != 58 or packet[40] >= 128:
            return payloads
        return [payloads[0] + packet[len(packet) // 8 * 8 - 8 : len(packet) // 8 * 8], *payloads[1:]]


@mutant("send-udp-large-lost", requirement="RFC4944-5.3-02", kinds=IEEE802154)
class UdpLargeLost(ReferenceNode):
    """Sends no UDP datagram that needs more than three fragments."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        return [] if packet[6] == 17 and len(payloads) > 3 else payloads
