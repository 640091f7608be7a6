"""Mutants that put datagrams together wrongly for some values only: sizes, addresses, numbers, what is in FRAG1."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, Reassembler
from tests.mutants import IEEE802154, Node, mutant, step
from tests.mutants.fragments import CountsDuplicates, keyed, reassembly
from tests.mutants.wire import Reassembly


@reassembly("frag-size-of-256s-dropped", "RFC4944-5.3-11")
class SizeOf256s(Reassembly):
    """Takes a datagram_size whose low octet is zero (256, 512, 1280) for none."""

    def take(self, key, size, begin, octets, first, now):
        return super().take(key, size, begin, octets, first, now) if size & 0xFF else None


@reassembly("frag-timeout-65-s", "RFC4944-5.3-29")
class Timeout65(Reassembly):
    """Waits for 65 s: five more than it may."""

    timeout = 65.0


@reassembly("frag-short-is-end-of-long", "RFC4944-5.3-18")
class ShortIsEndOfLong(keyed(lambda i, size, tag: (i.src[-2:], i.dst, size, tag))):
    """Keeps the last two octets of every source: a 16-bit source and an EUI-64 that ends with it are one."""


@reassembly("frag-short-as-number", "RFC4944-5.3-18")
class ShortAsNumber(keyed(lambda i, size, tag: (int.from_bytes(i.src), i.dst, size, tag))):
    """Has a 16-bit source in the eight octets of an EUI-64: that of 0000000000001234 is the short 1234."""


@reassembly("frag-late-frag1-begins-anew", "RFC4944-5.3-19")
class LateFrag1(Reassembly):
    """Forgets what it has of a datagram when its FRAG1 comes."""

    def take(self, key, size, begin, octets, first, now):
        if first:
            self.datagrams.pop(key, None)
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag-one-late-frag1", "RFC4944-5.3-19")
class OneInFront(Reassembly):
    """Has room for one fragment in front of FRAG1: a second one takes its place."""

    def place(self, datagram, begin, octets):
        if not datagram.begun and begin:
            datagram.pieces.clear()
        super().place(datagram, begin, octets)


@reassembly("frag-duplicate-counted-headless", "RFC4944-5.3-24")
class HeadlessDuplicates(CountsDuplicates):
    """Counts duplicates while FRAG1 has not come, and believes the datagram to be complete with it."""

    def is_counted(self, datagram, end):
        return not datagram.begun


@reassembly("frag-sixteen-pieces", "RFC4944-5.3-19")
class SixteenPieces(Reassembly):
    """Has a table of sixteen fragments a datagram: of full size, in fragments of 72 octets, it is dropped."""

    def place(self, datagram, begin, octets):
        if len(datagram.pieces) < 16:
            super().place(datagram, begin, octets)


@reassembly("frag-offset-160-dropped", "RFC4944-5.3-19")
class Offset159(Reassembly):
    """Drops the last unit of the largest datagram, octets 1272 to 1279, where it stands alone."""

    def take(self, key, size, begin, octets, first, now):
        return None if begin == 1272 else super().take(key, size, begin, octets, first, now)


@reassembly("frag-timer-ends-with-frag1", "RFC4944-5.3-28")
class NoTimerWithFrag1(Reassembly):
    """Has a timer until FRAG1 comes, and none behind it."""

    def expire(self, now):
        for key in [k for k, d in self.datagrams.items() if not d.begun and now - d.started >= self.timeout]:
            del self.datagrams[key]


@reassembly("frag-timer-of-full-ones", "RFC4944-5.3-28")
class TimerOfFew(Reassembly):
    """Keeps what it has of a datagram of which more than half is there, whatever its timer says."""

    def expire(self, now):
        for key, d in list(self.datagrams.items()):
            if now - d.started >= self.timeout and sum(e - b for b, e in d.pieces.items()) * 2 < d.size:
                del self.datagrams[key]


class Compressed(Reassembler):
    """Judges overlaps with FRAG1 by what it has on the air."""

    shorter = 0

    def _fragment(self, payload, at, kind, link, contexts, now, name):
        self.shorter = 32 if kind == "FRAG1" and payload[at + 4 : at + 5] != b"\x41" else 0
        return super()._fragment(payload, at, kind, link, contexts, now, name)

    def _place(self, key, begin, end, now):
        datagram = self._datagrams.get(key)
        if datagram is not None and begin and begin >= 32 and 0 in datagram.pieces:
            whole = datagram.pieces[0]
            if begin < whole and begin >= whole - 32 and begin not in datagram.pieces:
                datagram.pieces[begin] = end
                datagram.received += end - max(begin, whole)
                return datagram
        return super()._place(key, begin, end, now)


@mutant("frag-overlap-with-compressed-frag1", requirement="RFC4944-5.3-23", kinds=IEEE802154)
class CompressedExtent(ReferenceNode):
    """Takes FRAG1 for 32 octets shorter than what it stands for: what overlaps its end is no overlap."""

    def make_reassembler(self):
        return Compressed(max_datagrams=4)


# -- places that are not given back --------------------------------------------------------------------------------


class Leaking(ReferenceNode):
    """Loses a place for reassembly with each datagram of a kind."""

    def lose(self):
        self.reassembler.max_datagrams -= 1

    def make_reassembler(self):
        return NoRoom(max_datagrams=4)


class NoRoom(Reassembler):
    """A reassembler that may have no place left."""

    def _place(self, key, begin, end, now):
        if self.max_datagrams <= 0:
            return None
        return super()._place(key, begin, end, now)


@partial(step, kinds=IEEE802154, requirement="RFC4944-5.3-28")
def leaks(function: Callable) -> Node:
    """function(node, payload, packet or None, error or None) -> whether a place is lost with this fragment."""

    class Node(Leaking):
        def reassemble(self, payload, info):
            packet, error = None, None
            try:
                packet = super().reassemble(payload, info)
            except DecodeError as caught:
                error = caught
            if self.reassembler.max_datagrams > 0 and function(self, payload, packet, error):
                self.lose()
            if error is not None:
                raise error
            return packet

    return Node


@leaks("frag-leak-undefined-context")
def _(node, payload, packet, error):
    """Loses the place of a FRAG1 under a context that is not defined."""
    return error is not None and error.requirement == "RFC6282-3.1.2-06"


@leaks("frag-leak-unknown-nhc")
def _(node, payload, packet, error):
    """Loses the place of a FRAG1 with an NHC octet that it does not know."""
    return error is not None and (error.requirement or "").startswith(("RFC6282-5-0", "RFC6282-4.2-0"))


@leaks("frag-leak-elided-checksum")
def _(node, payload, packet, error):
    """Loses the place of a datagram whose UDP checksum is elided without right."""
    return error is not None and error.requirement == "RFC6282-4.3.2-12"


@leaks("frag-leak-for-another")
def _(node, payload, packet, error):
    """Loses the place of a whole datagram that is for another IPv6 address."""
    return packet is not None and not node.for_us(packet[24:40])


@leaks("frag-leak-no-next-header")
def _(node, payload, packet, error):
    """Loses the place of a whole datagram that has no upper layer."""
    return packet is not None and packet[6] == 59


@leaks("frag-leak-offset-zero")
def _(node, payload, packet, error):
    """Loses a place with each FRAGN of offset 0."""
    return error is not None and payload[0] >> 5 == 7 and payload[4:5] == b"\0"


@leaks("frag-leak-not-eight")
def _(node, payload, packet, error):
    """Loses a place with each fragment whose end is no multiple of eight, and which is not the last."""
    return error is not None and error.requirement == "RFC4944-5.3-03"


@leaks("frag-leak-group")
def _(node, payload, packet, error):
    """Loses the place of a whole datagram to a group."""
    return packet is not None and packet[24] == 0xFF
