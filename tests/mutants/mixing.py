"""Mutants that mix two datagrams, and whose packets are good only if the stimulus was made for what they rebuild.

RFC 4944 §5.3 has four parts in the key; a node that leaves one out takes the addresses and the size of some fragment.
The timers here are short ones, so that a fragment that comes half a minute later proves nothing about them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import codec, mac
from sixlowpan.addresses import BROADCAST
from tests.mutants import IEEE802154, NO_TAP, ONE_PLACE, THREE_SECONDS, TIMEOUT_UNDECLARED, mutant
from tests.mutants.fragments import keyed, reassembly
from tests.mutants.wire import Reassembly

#: On a rig of its own.
mixing = partial(reassembly, rig=NO_TAP)


class Latest(Reassembly):
    """Expands the headers of FRAG1 when the datagram is complete, with the addresses of the frame that completed it."""

    def receive(self, payload, info, contexts, now):
        self.info, self.contexts = info, contexts
        self.heads = getattr(self, "heads", {})
        if payload[:1] and payload[0] & 0xF8 == 0xC0 and len(payload) > 4:
            size, tag = int.from_bytes(payload[:2], "big") & 0x7FF, int.from_bytes(payload[2:4], "big")
            self.heads[self.key(info, size, tag)] = payload
        return super().receive(payload, info, contexts, now)

    def close(self, key):
        self.head = self.heads.pop(key)
        super().close(key)

    def packet(self, datagram):
        first = codec.first_part(self.head, 4, self.info, self.contexts, datagram.size).octets
        return bytes(first + datagram.buffer[len(first) :])


@mixing("frag-latest-addresses-any-source", "RFC4944-5.3-18")
class LatestAnySource(keyed(lambda i, size, tag: (i.dst, size, tag), Latest)):
    """Tells datagrams apart without their source, and gives them the addresses of the last frame."""


@mixing("frag-latest-addresses-any-destination", "RFC4944-5.3-18")
class LatestAnyDestination(keyed(lambda i, size, tag: (i.src, size, tag), Latest)):
    """Tells datagrams apart without their destination, and gives them the addresses of the last frame."""


@mixing("frag-latest-addresses-short-sources", "RFC4944-5.3-18")
class LatestShortSources(
    keyed(lambda i, size, tag: (i.src if len(i.src) == 8 else i.src[1:], i.dst, size, tag), Latest)
):
    """Keeps the low octet of a 16-bit source in the key, and gives datagrams the addresses of the last frame."""


@mixing("frag-latest-addresses-half-the-source", "RFC4944-5.3-18")
class LatestHalfTheSource(keyed(lambda i, size, tag: (i.src[:7], i.dst, size, tag), Latest)):
    """Keeps seven octets of an EUI-64 in the key, and gives datagrams the addresses of the last frame."""


@mixing("frag-broadcast-completes-unicast", "RFC4944-5.3-18")
class BroadcastCompletes(Reassembly):
    """Takes a broadcast fragment for one of the unicast datagram of its source, size and tag."""

    def key(self, info, size, tag):
        pending = (key for key in self.datagrams if (key[0], *key[2:]) == (info.src, size, tag))
        return (
            next(pending, (info.src, info.dst, size, tag))
            if info.dst == BROADCAST
            else (info.src, info.dst, size, tag)
        )


@mixing("frag-in-line-from-anybody", "RFC4944-5.3-18")
class InLineFromAnybody(Reassembly):
    """Takes the source of a datagram from its packet: fragments of one whose addresses are in-line are anybody's."""

    def receive(self, payload, info, contexts, now):
        if payload[:1] and payload[0] & 0xF8 == 0xC0 and payload[4:6] == b"\x78\x00":
            self.anybody = getattr(self, "anybody", set()) | {payload[1:4]}
        return super().receive(payload, info, contexts, now)

    def key(self, info, size, tag):
        mark = bytes((size & 0xFF,)) + tag.to_bytes(2, "big")
        return (b"" if mark in getattr(self, "anybody", ()) else info.src), info.dst, size, tag


class OnePlace(Reassembly):
    """One place, kept by whoever has it for 5 s."""

    timeout, max_datagrams = 5.0, 1

    def open(self, key, size, first, now):
        full = len(self.datagrams) >= self.max_datagrams
        return None if full and key not in self.datagrams else super().open(key, size, first, now)


@mixing("one-place-size-and-tag", "RFC4944-5.3-18", rig=ONE_PLACE)
class OnePlaceSizeAndTag(keyed(lambda i, size, tag: (size, tag), OnePlace)):
    """Has one place, and tells datagrams apart by size and tag alone."""


@mixing("one-place-any-destination", "RFC4944-5.3-18", rig=ONE_PLACE)
class OnePlaceAnyDestination(keyed(lambda i, size, tag: (i.src, size, tag), OnePlace)):
    """Has one place, and does not look at the destination of what is in it."""


@mixing("one-place-any-short-source", "RFC4944-5.3-18", rig=ONE_PLACE)
class OnePlaceShort(
    keyed(lambda i, size, tag: (i.src if len(i.src) == 8 else b"", i.dst, size, tag), OnePlace)
):
    """Has one place, and all 16-bit sources are one."""


class LatestSize(Reassembly):
    """A datagram has the size that its latest fragment says."""

    def key(self, info, size, tag):
        return info.src, info.dst, tag

    def take(self, key, size, begin, octets, first, now):
        datagram = self.datagrams.get(key)
        if datagram is not None and datagram.size != size:
            datagram.buffer = (datagram.buffer + bytes(size))[: max(size, len(datagram.buffer))]
            datagram.size = size
        return super().take(key, size, begin, octets, first, now)

    def packet(self, datagram):
        packet = bytes(datagram.buffer[: datagram.size])
        return packet[:4] + (datagram.size - 40).to_bytes(2, "big") + packet[6:]


@mixing("frag-latest-size", "RFC4944-5.3-18")
class TakesLatestSize(LatestSize):
    """Tells datagrams apart without their size, and takes the size of the last fragment."""


@mixing("frag-least-size", "RFC4944-5.3-18")
class TakesLeastSize(LatestSize):
    """Tells datagrams apart without their size, and takes the least that is said."""

    def take(self, key, size, begin, octets, first, now):
        datagram = self.datagrams.get(key)
        return super().take(key, min(size, datagram.size) if datagram else size, begin, octets, first, now)


# -- what filters duplicates --------------------------------------------------------------------------------------


class OnceOnly(ReferenceNode):
    """Drops a frame that it heard before (IEEE 802.15.4: a retransmission has the sequence number of the first)."""

    def receive_frame(self, frame):
        heard, self.heard_frames = (
            frame in getattr(self, "heard_frames", ()),
            getattr(self, "heard_frames", set()),
        )
        self.heard_frames.add(frame)
        if not heard:
            super().receive_frame(frame)


@mutant("another-pan-heard-once", requirement="RFC4944-3-03", kinds=IEEE802154, rig=NO_TAP)
class AnotherPanOnce(OnceOnly):
    """Heeds broadcasts of any PAN, and drops a frame that it heard before."""

    def accepts(self, header):
        return super().accepts(replace(header, dst_pan=self.link.pan) if header.dst == BROADCAST else header)


@mutant("no-source-heard-once", requirement="RFC4944-2-04", kinds=IEEE802154, rig=NO_TAP)
class NoSourceOnce(OnceOnly):
    """Takes a frame without a source for one of the sender before, and drops a frame that it heard before."""

    before = b""

    def parse_mac(self, frame):
        header, payload = mac.parse(frame)
        if header.src:
            self.before = header.src
        elif self.before:
            header = replace(header, src=self.before, src_pan=self.link.pan)
        return header, payload


# -- timers of 3 s -----------------------------------------------------------------------------------------------


class ThreeSeconds(Reassembly):
    timeout = 3.0


@mixing("frag-3s-anew-by-each-fragment", "RFC4944-5.3-27", rig=THREE_SECONDS)
class AnewByEach(ThreeSeconds):
    """Has a timer of 3 s, which each fragment starts anew."""

    def take(self, key, size, begin, octets, first, now):
        if key in self.datagrams:
            self.datagrams[key].started = now
        return super().take(key, size, begin, octets, first, now)


@mixing("frag-3s-anew-by-new-fragments", "RFC4944-5.3-27", rig=THREE_SECONDS)
class AnewByNew(ThreeSeconds):
    """Has a timer of 3 s, which each fragment but a duplicate starts anew."""

    def place(self, datagram, begin, octets):
        datagram.started = self.now
        super().place(datagram, begin, octets)

    def expire(self, now):
        self.now = now
        super().expire(now)


@mixing("frag-3s-anew-by-duplicates", "RFC4944-5.3-27", rig=THREE_SECONDS)
class AnewByDuplicates(ThreeSeconds):
    """Has a timer of 3 s, which a duplicate starts anew."""

    def duplicate(self, datagram, begin, end):
        found = super().duplicate(datagram, begin, end)
        if found:
            datagram.started = self.now
        return found

    def expire(self, now):
        self.now = now
        super().expire(now)


@mixing("frag-3s-anew-by-frag1", "RFC4944-5.3-27", rig=THREE_SECONDS)
class AnewByFrag1(ThreeSeconds):
    """Has a timer of 3 s, which FRAG1 starts anew, and a second FRAG1 again."""

    def take(self, key, size, begin, octets, first, now):
        if first and key in self.datagrams:
            self.datagrams[key].started = now
        return super().take(key, size, begin, octets, first, now)


@mixing("frag-3s-one-timer", "RFC4944-5.3-27", rig=THREE_SECONDS)
class OneTimer(ThreeSeconds):
    """Has one timer of 3 s for all datagrams of a sender, which any fragment of it starts anew."""

    def take(self, key, size, begin, octets, first, now):
        for other, datagram in self.datagrams.items():
            if other[0] == key[0]:
                datagram.started = now
        return super().take(key, size, begin, octets, first, now)


@mixing("frag-undeclared-anew-by-each-fragment", "RFC4944-5.3-27", rig=TIMEOUT_UNDECLARED)
class UndeclaredByEach(AnewByEach):
    """The same as `frag-3s-anew-by-each-fragment`, and no profile says how long the timer is."""


@mixing("frag-undeclared-anew-by-duplicates", "RFC4944-5.3-27", rig=TIMEOUT_UNDECLARED)
class UndeclaredByDuplicates(AnewByDuplicates):
    """The same as `frag-3s-anew-by-duplicates`, and no profile says how long the timer is."""
