"""Mutants that send wrongly what waited for an address, what answers fragments, and what comes from an odd address."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import encode
from sixlowpan.addresses import SHORT_IID_PREFIX, is_link_local
from tests.mutants import mutant


@mutant("own-tag-of-the-request", requirement="RFC4944-5.3-13")
class TagOfTheRequest(ReferenceNode):
    """Gives its answer to a fragmented request the tag of the request: it has one buffer for both."""

    came: int | None = None

    def reassemble(self, payload, info):
        self.came = int.from_bytes(payload[2:4])
        return super().reassemble(payload, info)

    def next_tag(self):
        came, self.came = self.came, None
        return super().next_tag() if came is None else came


class Waiting(ReferenceNode):
    """Knows of each packet whether it waited for the link-layer address of its destination."""

    waited = False

    def learn(self, address, link):
        self.waited = True
        super().learn(address, link)
        self.waited = False


@mutant("waiting-output-loses-its-end", requirement="RFC4944-5.3-02")
class LosesItsEnd(Waiting):
    """Sends all but the last fragment of a packet that waited for an address."""

    def fragment_packet(self, packet, info):
        found = super().fragment_packet(packet, info)
        return found[:-1] if self.waited and len(found) > 1 else found


@mutant("waiting-output-elided-too-early", requirement="RFC6282-3.2.2-06")
class ElidedTooEarly(Waiting):
    """Compresses a packet before the link-layer address is there: by the one that its destination would have."""

    def encode_packet(self, packet, info):
        if not self.waited or not is_link_local(packet[24:40]) or len(info.dst) != 8:
            return super().encode_packet(packet, info)
        expected = bytes((packet[32] ^ 2,)) + packet[33:40]
        return encode(packet, replace(info, dst=expected), self.contexts)


@mutant("own-16-bits-under-a-context-elided", requirement="RFC6282-3.2.2-06")
class SixteenBitsElided(ReferenceNode):
    """Elides a source 0000:00ff:fe00:XXXX under a context, whatever address its frame has."""

    def encode_packet(self, packet, info):
        short = packet[16:22] == SHORT_IID_PREFIX and not is_link_local(packet[8:24])
        return super().encode_packet(packet, replace(info, src=packet[22:24]) if short else info)
