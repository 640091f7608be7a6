"""Conforming nodes that take several liberties at once: each is rightful alone, and so are they together."""

from __future__ import annotations

from rigs.links.memory.link import DUT_SHORT
from sixlowpan import Reassembler
from tests.variants import ReferenceNode, variant
from tests.variants.broadcasts import BroadcastsOnce
from tests.variants.hosts import Late
from tests.variants.identifiers import OPAQUE
from tests.variants.more_than_hosts import CopiesDropped, OneWaits
from tests.variants.receiving import RefusingReassembler, Touchy, WholeDiscard
from tests.variants.sending import with_header


class ShortSource(ReferenceNode):
    """Sends from its short address."""

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        return info.between(DUT_SHORT, info.dst)


class Reversed(ReferenceNode):
    """Sends the last fragment first."""

    def fragment_packet(self, packet, info):
        return super().fragment_packet(packet, info)[::-1]


class Unacknowledged(with_header(version=1, pan_compression=False, ack_request=False)):
    """Frame version 1, both PAN ids, no acknowledgement asked for."""


class Forgetful(ReferenceNode):
    """Forgets a neighbour with each packet."""

    def transmit(self, packet, neighbour):
        super().transmit(packet, neighbour)
        if packet[24] != 0xFF:
            self.neighbours.pop(packet[24:40], None)


class HopLimit(ReferenceNode):
    """Another hop limit, and a flow label."""

    def boot(self):
        super().boot()
        self.hop_limit = 77


@variant("short-reversed-version-1", strict=False)
class ShortReversed(ShortSource, Reversed, Unacknowledged, HopLimit):
    """Short source, last fragment first, version 1 with both PAN ids, no acknowledgement (§2: advice), hop limit 77."""


@variant("late-forgetful-one-waits", rig={"settle": "300ms"})
class LateForgetful(Forgetful, OneWaits, Late):
    """Takes 60 ms for each frame, forgets each neighbour with the packet, and one packet waits for an address."""

    delays = (0.06,)


@variant(
    "small-and-strict", parameters={"reassembly_slots": 1, "reassembly_timeout": "2s"}, without=["ip_tap"]
)
class SmallAndStrict(CopiesDropped, HopLimit):
    """One place, kept for 2 s, which a bad fragment or an overlap ends; copies of frames are dropped; no tap."""

    def make_reassembler(self):
        return Strict(2.0, 1)


class Strict(Touchy, WholeDiscard, RefusingReassembler):
    """All three at once."""


@variant("opaque-short-uncompressed")
class OpaqueShortUncompressed(ShortSource, HopLimit):
    """An opaque link-local address, frames from the short one, and every packet behind 0x41, in fragments as well."""

    def first_addresses(self):
        return (OPAQUE,)

    def encode_packet(self, packet, info):
        return b"\x41" + packet


@variant("opaque-forgetful-one-place", parameters={"reassembly_slots": 1, "reassembly_timeout": "5s"})
class OpaqueForgetful(Forgetful, OneWaits):
    """An opaque address, no neighbour kept, one packet waits, one place for reassembly kept for 5 s."""

    def first_addresses(self):
        return (OPAQUE,)

    def make_reassembler(self):
        return RefusingReassembler(5.0, 1)


@variant("fragments-15-ms-apart", rig={"settle": "350ms"})
class Apart(Late):
    """Its frames leave 15 ms apart: RFC 4944 §5.3 sets no time for a datagram's fragments but the 60 s of the timer."""

    def _taken(self):
        before = len(self.held)
        ready = super()._taken()
        left = self.now
        for n, (_, frame) in enumerate(self.held):
            left = max(self.held[n][0], left) if n < before else left + 0.015
            self.held[n] = left, frame
        return ready


@variant("twice-over-the-air")
class TwiceOverTheAir(CopiesDropped, BroadcastsOnce, Reversed):
    """Sends every frame twice with one sequence number, drops such copies itself, and the last fragment goes first."""

    def transmit(self, packet, neighbour):
        begin = len(self._out)
        super().transmit(packet, neighbour)
        self._out[begin:] = [one for one in self._out[begin:] for _ in range(2)]


@variant("four-places-1s", parameters={"reassembly_timeout": "1s"}, rig={"settle": "120ms"})
class FourPlaces1s(Late):
    """Four places kept for a second, and 40 ms for each frame that it sends."""

    def make_reassembler(self):
        return Reassembler(1.0, 4)
