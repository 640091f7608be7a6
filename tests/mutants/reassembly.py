"""Mutants whose reassembly is wrong in a corner: a part of the key, what moves the timer, what flushes, what is kept.

Each was missed as long as the suite tried the plain case of the same rule only.
"""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError
from sixlowpan.addresses import BROADCAST
from tests.mutants import IEEE802154, mutant, reads
from tests.mutants.fragments import keyed, reassembly
from tests.mutants.wire import Datagram, Reassembly, iphc

# -- the key ----------------------------------------------------------------------------------------------------


@reassembly("frag-destination-kind-in-key", "RFC4944-5.3-18")
class DestinationKind(keyed(lambda i, size, tag: (i.src, i.dst == BROADCAST, size, tag))):
    """Of the destination only whether it is the broadcast address is in the key."""


@reassembly("frag-short-sources-alike", "RFC4944-5.3-18")
class ShortSourcesAlike(keyed(lambda i, size, tag: (i.src if len(i.src) == 8 else b"", i.dst, size, tag))):
    """All 16-bit sources are one in the key."""


@reassembly("frag-size-low-octet-in-key", "RFC4944-5.3-18")
class SizeLowOctet(keyed(lambda i, size, tag: (i.src, i.dst, size & 0xFF, tag))):
    """Keeps eight bits of datagram_size in the key."""


@reassembly("frag-forwarder-in-key", "RFC4944-5.3-18")
class ForwarderInKey(Reassembly):
    """The MAC source is in the key, also behind a mesh header."""

    def receive(self, payload, info, contexts, now):
        self.mac = info
        return super().receive(payload, info, contexts, now)

    def key(self, info, size, tag):
        return self.mac.src, info.dst, size, tag


# -- the timer --------------------------------------------------------------------------------------------------


@reassembly("frag-timer-anew-by-duplicate", "RFC4944-5.3-27")
class AnewByDuplicate(Reassembly):
    """A duplicate starts the timer anew."""

    def take(self, key, size, begin, octets, first, now):
        datagram = self.datagrams.get(key)
        if datagram is not None and self.duplicate(datagram, begin, begin + len(octets)):
            datagram.started = now
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag-timer-anew-by-frag1", "RFC4944-5.3-27")
class AnewByFrag1(Reassembly):
    """FRAG1 starts the timer anew."""

    def take(self, key, size, begin, octets, first, now):
        if first and key in self.datagrams:
            self.datagrams[key].started = now
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag-timer-from-frag1", "RFC4944-5.3-28")
class TimerFromFrag1(Reassembly):
    """Without a FRAG1 no timer runs."""

    def expire(self, now):
        for key in [k for k, d in self.datagrams.items() if d.begun and now - d.started >= self.timeout]:
            del self.datagrams[key]


@reassembly("frag-timer-when-full", "RFC4944-5.3-28")
class TimerWhenFull(Reassembly):
    """Looks at its timers only when there is no place left."""

    def expire(self, now):
        if len(self.datagrams) >= self.max_datagrams:
            super().expire(now)


# -- lengths and holes ------------------------------------------------------------------------------------------


@reassembly("frag-shorter-than-16-dropped", "RFC4944-5.3-07")
class ShortDropped(Reassembly):
    """Drops fragments of 8 octets that are not the last."""

    def acceptable(self, begin, octets, size, first):
        return (len(octets) > 8 or begin + len(octets) == size) and super().acceptable(
            begin, octets, size, first
        )


@reassembly("frag-hole-of-8", "RFC4944-5.3-19")
class HoleOf8(Reassembly):
    """Takes a datagram that lacks eight octets for complete."""

    def complete(self, datagram):
        return datagram.begun and sum(e - b for b, e in datagram.pieces.items()) >= datagram.size - 8


# -- what comes in between --------------------------------------------------------------------------------------


@mutant("frag-another-sender-resets", requirement="RFC4944-5.3-19", kinds=IEEE802154)
class AnotherSenderResets(ReferenceNode):
    """An unfragmented packet of another sender discards what was accumulated."""

    def understand(self, payload, info):
        if payload[:1] < b"\x80" and any(key[0] != info.src for key in self.reassembler.keys):
            self.reassembler.clear()
        return super().understand(payload, info)


@mutant("frag-refused-frame-resets", requirement="RFC4944-5.3-19", kinds=IEEE802154)
class RefusedFrameResets(ReferenceNode):
    """Whatever it does not decode discards what was accumulated."""

    def understand(self, payload, info):
        try:
            return super().understand(payload, info)
        except DecodeError:
            self.reassembler.clear()
            raise


@mutant("frag-foreign-frame-resets", requirement="RFC4944-5.3-19", kinds=IEEE802154)
class ForeignFrameResets(ReferenceNode):
    """A frame that is not for it discards what was accumulated."""

    def accepts(self, header):
        accepted = super().accepts(header)
        if not accepted:
            self.reassembler.clear()
        return accepted


@mutant("frag-own-fragments-reset", requirement="RFC4944-5.3-19", kinds=IEEE802154)
class OwnFragmentsReset(ReferenceNode):
    """Cuts its own packets in the buffer that it reassembles in."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        if len(payloads) > 1:
            self.reassembler.clear()
        return payloads


# -- what is kept -----------------------------------------------------------------------------------------------


class Leaking(Reassembly):
    """Loses a place each time that `leaked` is raised."""

    leaked = 0

    @property
    def pending(self):
        return min(self.max_datagrams, len(self.datagrams) + self.leaked)

    def open(self, key, size, first, now):
        free = self.max_datagrams - self.leaked
        if free <= 0:
            return None
        while len(self.datagrams) >= free:
            del self.datagrams[next(iter(self.datagrams))]
        datagram = self.datagrams[key] = Datagram(size, now, self.buffer(size))
        return datagram


@reassembly("frag-leak-on-cut-header", "RFC4944-5.3-28", "RIOT-10852")
class LeakOnCutHeader(Leaking):
    """Keeps the place of a FRAG1 that ends inside its compressed header."""

    def receive(self, payload, info, contexts, now):
        header = iphc(payload[4:])
        if payload[:1] and payload[0] & 0xF8 == 0xC0 and header is not None and header.end > len(payload) - 4:
            self.leaked += 1
        return super().receive(payload, info, contexts, now)


@mutant(
    "frag-leak-with-the-packet",
    requirement="RFC4944-5.3-28",
    defect="RIOT-10672/10679/10680",
    kinds=IEEE802154,
)
class LeakWithThePacket(ReferenceNode):
    """Keeps the place of a whole datagram whose checksum is wrong."""

    def make_reassembler(self):
        return Leaking()

    def upper(self, packet, view, protocol, at):
        if len(packet) > 128 and not self.checksum_holds(view, protocol, packet[at:]):
            self.reassembler.leaked += 1
        super().upper(packet, view, protocol, at)


# -- dispatch values --------------------------------------------------------------------------------------------


@reads("nalp-as-ipv6", requirement="RFC4944-5.1-03", kinds=IEEE802154)
def _(node, payload, h, info):
    """Does not look at the first two bits of a dispatch: 0x01 is IPv6."""
    return b"\x41" + payload[1:] if payload[:1] == b"\x01" else payload
