"""Mutants whose own output is wrong in company only: in fragments with an unusual header, or while it waits.

The same field is right in a frame of its own, which is where it is looked at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import mac
from sixlowpan.addresses import BROADCAST
from tests.mutants import ANY, Node, mutant, sends, step
from tests.mutants.wire import iphc, under

FRAGMENTS = ("ieee802154",)


@partial(step, kinds=FRAGMENTS)
def first_fragment(function: Callable) -> Node:
    """function(payload: bytearray, header) changes a first fragment; `header` counts from its fifth octet."""

    def sending(node, payloads, packet, info):
        header = iphc(payloads[0][4:]) if len(payloads) > 1 else None
        if header is not None:
            octets = bytearray(payloads[0])
            function(octets, header)
            payloads[0] = bytes(octets)
        return payloads

    return sends.make(sending)


def ports(header):
    """The ports' form where a UDP header is compressed, else -1."""
    return header.nhc & 3 if header.nhc >> 3 == 0b11110 else -1


@first_fragment("own-frag1-short-with-hop-limit", "RFC4944-5.3-03")
def _(octets, header):
    """Where the hop limit is in-line, the first fragment lacks its last octet."""
    if header.hlim == 0:
        del octets[-1]


@first_fragment("own-frag1-short-with-ports", "RFC4944-5.3-03")
def _(octets, header):
    """Where both ports have 4 bits, the first fragment lacks its last octet."""
    if ports(header) == 3:
        del octets[-1]


@first_fragment("own-frag1-hop-limit-255", "RFC6282-3.1.1-10")
def _(octets, header):
    """Says 64 for a hop limit of 255 in a first fragment."""
    if header.hlim == 3:
        octets[4] &= 0xFE


@first_fragment("own-frag1-hop-limit-left-over", "RFC6282-3.1.1-07")
def _(octets, header):
    """The in-line hop limit of a first fragment is always 64."""
    if header.hlim == 0:
        octets[4 + header.hlim_at] = 64


@first_fragment("own-frag1-ports-swapped", "RFC6282-4.3.3-06")
def _(octets, header):
    """Swaps the two ports of 4 bits in a first fragment."""
    if ports(header) == 3:
        both = octets[4 + header.end + 1]
        octets[4 + header.end + 1] = both >> 4 | (both & 15) << 4


@first_fragment("own-frag1-p01-is-p10", "RFC6282-4.3.3-04")
def _(octets, header):
    """Says P=10 for P=01 in a first fragment."""
    if ports(header) == 1:
        octets[4 + header.end] ^= 3


@sends("own-multicast-offsets", kinds=FRAGMENTS, requirement="RFC4944-5.3-16")
def _(node, payloads, packet, info):
    """The offsets in fragments of a multicast are one too large."""
    if len(payloads) > 1 and info.dst == BROADCAST:
        payloads[1:] = [part[:4] + bytes((part[4] + 1,)) + part[5:] for part in payloads[1:]]
    return payloads


@mutant("own-ipv6-fragments-share-a-tag", requirement="RFC4944-5.3-13")
class SharedTag(ReferenceNode):
    """The IPv6 fragments of one packet have one datagram_tag."""

    held: int | None = None
    many = False

    def output(self, packet):
        self.held, self.many = None, len(packet) > self.ipv6_mtu
        super().output(packet)
        self.many = False

    def next_tag(self):
        if not self.many or self.held is None:
            self.held = super().next_tag()
        return self.held


@mutant("own-fragments-under-any-context", requirement="RFC6775-4.2-04")
class AnyContext(ReferenceNode):
    """Compresses what needs fragments with contexts that are for decompression only."""

    def fragment_packet(self, packet, info):
        contexts = self.contexts
        if len(packet) > 150:
            contexts = type(contexts)({i: replace(one, compress=True) for i, one in contexts.items()})
        with under(self, contexts):
            return super().fragment_packet(packet, info)


@mutant("own-frames-to-all-pans", requirement="RFC4944-3-04")
class AllPans(ReferenceNode):
    """Behind a frame to PAN ffff it sends to PAN ffff, until it hears one to its own."""

    heard = None

    def accepts(self, header):
        taken = super().accepts(header)
        if taken:
            self.heard = header.pan
        return taken

    def mac_frame(self, payload, info):
        pan, ask = self.heard or self.link.pan, info.dst != BROADCAST
        return mac.data_frame(info.src, info.dst, pan, self.sequence, payload, ask)


@mutant("own-waiting-answers-share-octets", requirement="RFC4443-4.2-02")
class SharedOctets(ReferenceNode):
    """Packets of one size that wait for an address are in one buffer: what leaves is the last of them, each time."""

    def learn(self, address, link):
        resolution = self.resolving.get(address)
        if resolution and len({len(packet) for packet in resolution.packets}) == 1:
            resolution.packets.extend([resolution.packets[-1]] * len(resolution.packets))
        super().learn(address, link)


@mutant("icmp-checksum-0-is-missing", requirement="RFC4443-2.3-01", kinds=ANY)
class ZeroIsMissing(ReferenceNode):
    """Takes an ICMPv6 checksum of 0 for a missing one, as UDP has it over IPv4, and drops the message."""

    def upper(self, packet, view, protocol, at):
        if protocol != 58 or packet[at + 2 : at + 4] != b"\0\0":
            super().upper(packet, view, protocol, at)


@mutant("udp-checksum-ones-refused", requirement="RFC8200-8.1-01", kinds=ANY)
class OnesRefused(ReferenceNode):
    """Drops a UDP datagram with the checksum ffff, since it computes 0."""

    def upper(self, packet, view, protocol, at):
        if protocol != 17 or packet[at + 6 : at + 8] != b"\xff\xff":
            super().upper(packet, view, protocol, at)
