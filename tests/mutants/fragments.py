"""Mutants that put fragments together wrongly (RFC 4944 §5.3, as a receiver)."""

from __future__ import annotations

from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError
from tests.mutants import IEEE802154, Node, reads, step
from tests.mutants.wire import Reassembly


@partial(step, kinds=IEEE802154)
def reassembly(reassembler: type[Reassembly]) -> Node:
    """The node whose reassembler is the decorated `Reassembly`."""

    class Reassembling(ReferenceNode):
        def make_reassembler(self):
            return reassembler()

    return Reassembling


def keyed(key, base=Reassembly):
    """A `Reassembly` of this kind that tells datagrams apart by key(info, size, tag)."""

    class Keyed(base):
        def key(self, info, size, tag):
            return key(info, size, tag)

    return Keyed


class NotBeyond(Reassembly):
    """Drops fragments that go beyond the end of the datagram which they are taken for a part of."""

    def take(self, key, size, begin, octets, first, now):
        known = self.datagrams.get(key)
        if known is not None and begin + len(octets) > known.size:
            return None
        return super().take(key, size, begin, octets, first, now)


class CountsDuplicates(Reassembly):
    """Believes a datagram to be complete by the count of its octets, in which some duplicates are."""

    def is_counted(self, datagram, end):
        """Whether the octets of a duplicate that ends there count once more."""
        raise NotImplementedError

    def duplicate(self, datagram, begin, end):
        found = super().duplicate(datagram, begin, end)
        if found and self.is_counted(datagram, end):
            datagram.counted += end - begin
        return found

    def complete(self, datagram):
        return datagram.begun and datagram.counted >= datagram.size


class CountsOverlaps(Reassembly):
    """Counts the overlaps that have discarded a datagram."""

    overlapped = 0

    def overlaps(self, datagram, begin, end):
        found = super().overlaps(datagram, begin, end)
        self.overlapped += found
        return found


@reassembly("frag-tag-not-in-key", "RFC4944-5.3-18")
class TagNotInKey(keyed(lambda i, size, tag: (i.src, i.dst, size))):
    """Tells datagrams apart without their tag."""


@reassembly("frag-source-not-in-key", "RFC4944-5.3-18")
class SourceNotInKey(keyed(lambda i, size, tag: (i.dst, size, tag))):
    """Tells datagrams apart without their source."""


@reassembly("frag-size-not-in-key", "RFC4944-5.3-18")
class SizeNotInKey(keyed(lambda i, size, tag: (i.src, i.dst, tag))):
    """Tells datagrams apart without their size."""


@reassembly("frag-tag-8-bits", "RFC4944-5.3-18")
class Tag8Bits(keyed(lambda i, size, tag: (i.src, i.dst, size, tag & 0xFF))):
    """Keeps eight bits of the tag."""


@reassembly("frag-size-10-bits", "RFC4944-5.3-11")
class Size10Bits(Reassembly):
    """Keeps ten bits of datagram_size."""

    def receive(self, payload, info, contexts, now):
        if payload[:1] and payload[0] & 0xD8 == 0xC0 and payload[0] & 4:
            payload = bytes((payload[0] & 0xFB,)) + payload[1:]
        return super().receive(payload, info, contexts, now)


@reassembly("frag-overlap-merged", "RFC4944-5.3-21", "SMOLTCP-f298ac6d")
class OverlapMerged(Reassembly):
    """Merges overlapping fragments."""

    def overlaps(self, datagram, begin, end):
        return False


@reassembly("frag-duplicate-counted", "RFC4944-5.3-24", "RIOT-01370511df")
class DuplicateCounted(CountsDuplicates):
    """Counts a duplicate twice and believes the datagram to be complete."""

    def is_counted(self, datagram, end):
        return True


@reassembly("frag-duplicate-kills", "RFC4944-5.3-24", "OT-10350")
class DuplicateKills(Reassembly):
    """Takes a duplicate for an overlap and begins anew."""

    def duplicate(self, datagram, begin, end):
        return False


@reassembly("frag-duplicate-frag1-kills", "RFC4944-5.3-24", "RIOT-f638d68ebb")
class DuplicateFrag1Kills(Reassembly):
    """Begins anew at a second FRAG1."""

    def duplicate(self, datagram, begin, end):
        return begin > 0 and super().duplicate(datagram, begin, end)


@reassembly("frag-arrival-order", "RFC4944-5.3-19", "CONTIKI-1b5001b22")
class ArrivalOrder(Reassembly):
    """Puts fragments together as they arrive."""

    def packet(self, datagram):
        first = [octets for octets in datagram.arrived if octets[:1] and octets[0] >> 4 == 6][:1]
        rest = [octets for octets in datagram.arrived if octets not in first]
        return b"".join(first + rest)


@reassembly("frag-in-order-only", "RFC4944-5.3-19", "LWIP-LIMITS")
class InOrderOnly(Reassembly):
    """Drops a fragment that does not follow on the one before."""

    def take(self, key, size, begin, octets, first, now):
        datagram = self.datagrams.get(key)
        expected = max(datagram.pieces.values()) if datagram else 0
        if begin != expected and not (datagram and begin in datagram.pieces):
            return None
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag-first-must-come-first", "RFC4944-5.3-19", "CONTIKI-307")
class FirstMustComeFirst(Reassembly):
    """Drops a FRAGN of a datagram whose FRAG1 it has not seen."""

    def open(self, key, size, first, now):
        return super().open(key, size, first, now) if first else None


@reassembly("frag-last-completes", "RFC4944-5.3-20", "CNG-3135")
class LastCompletes(Reassembly):
    """Believes a datagram to be complete when its last octet is there."""

    def complete(self, datagram):
        return datagram.begun and datagram.size in datagram.pieces.values()


@reassembly("frag-stale-octets", "RFC4944-5.3-20", "CNG-4379a2eb3")
class StaleOctets(Reassembly):
    """Fills holes from the datagram before, and delivers at the last fragment."""

    stale = bytes(2048)

    def buffer(self, size):
        return bytearray(self.stale[:size])

    def complete(self, datagram):
        return datagram.begun and datagram.size in datagram.pieces.values()

    def packet(self, datagram):
        StaleOctets.stale = bytes(datagram.buffer) + self.stale[len(datagram.buffer) :]
        return super().packet(datagram)


@reassembly("frag-offset-in-octets", "RFC4944-5.3-16")
class OffsetInOctets(Reassembly):
    """Takes datagram_offset for a number of octets."""

    def offset(self, payload):
        return payload[4]


@reassembly("frag-offset-7-bits", "RFC4944-5.3-16")
class Offset7Bits(Reassembly):
    """Keeps seven bits of datagram_offset."""

    def offset(self, payload):
        return (payload[4] & 0x7F) * 8


@reassembly("frag-one-at-a-time", "RFC4944-5.3-18", "CONTIKI-1258")
class OneAtATime(Reassembly):
    """Has room for one datagram and drops it for the next, though more room is declared."""

    max_datagrams = 1


@reassembly("frag-one-a-sender", "RFC4944-5.3-18", "LWIP-LIMITS")
class OneASender(Reassembly):
    """Drops a sender's datagram at the FRAG1 of another."""

    def open(self, key, size, first, now):
        for other in [k for k in self.datagrams if k[0] == key[0]]:
            del self.datagrams[other]
        return super().open(key, size, first, now)


class Leaking(Reassembly):
    """Never frees some of its slots: as many as `leaked` says."""

    leaked = 0

    def open(self, key, size, first, now):
        return None if self.leaked >= self.max_datagrams else super().open(key, size, first, now)


@reassembly("frag-slot-leak-on-overlap", "RFC4944-5.3-28", "RIOT-10852")
class LeakOnOverlap(CountsOverlaps, Leaking):
    """Never frees the slot of a datagram that met an overlap."""

    @property
    def leaked(self):
        return self.overlapped


@reassembly("frag-slot-leak-on-malformed", "RFC4944-5.3-28", "RIOT-10672/10679/10680")
class LeakOnMalformed(Leaking):
    """Never frees the slot that a fragment beyond datagram_size took."""

    def acceptable(self, begin, octets, size, first):
        good = super().acceptable(begin, octets, size, first)
        self.leaked += not good
        return good


@reassembly("frag-no-timeout", "RFC4944-5.3-28", "RIOT-5858")
class NoTimeout(Reassembly):
    """Never gives an incomplete datagram up, and takes no new one when its slots are full."""

    timeout = 1e9

    def open(self, key, size, first, now):
        full = len(self.datagrams) >= self.max_datagrams
        return None if full and key not in self.datagrams else super().open(key, size, first, now)


@reassembly("frag-timeout-120-s", "RFC4944-5.3-29")
class Timeout120(Reassembly):
    """Waits for 120 s."""

    timeout = 120.0


@reassembly("frag-timeout-each-fragment", "RFC4944-5.3-27")
class TimeoutEachFragment(Reassembly):
    """Starts the reassembly timer anew with each fragment."""

    def take(self, key, size, begin, octets, first, now):
        if key in self.datagrams:
            self.datagrams[key].started = now
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag-timeout-10-ms", "RFC4944-5.3-27", "CONTIKI-766")
class Timeout10Ms(Reassembly):
    """Gives up after 10 ms."""

    timeout = 0.01


@reassembly("frag-late-duplicate-opens", "RFC4944-5.3-19", "RIOT-12593")
class LateDuplicateOpens(Reassembly):
    """Keeps a completed datagram's slot, and takes no new datagram when four are full."""

    def __init__(self):
        super().__init__()
        self.done = 0

    def close(self, key):
        super().close(key)
        self.done += 1

    def open(self, key, size, first, now):
        return None if self.done >= 8 and not first else super().open(key, size, first, now)


@reassembly("frag-beyond-size-accepted", "RFC4944-5.3-20", "CVE-2019-8359")
class BeyondSize(Reassembly):
    """Cuts a fragment that lies beyond datagram_size and takes the rest."""

    def acceptable(self, begin, octets, size, first):
        return True

    def take(self, key, size, begin, octets, first, now):
        return super().take(key, size, begin, octets[: max(0, size - begin)], first, now)


@reassembly("frag-middle-not-8", "RFC4944-5.3-19")
class NotLastZero(Reassembly):
    """Rounds the end of a last fragment down to a multiple of eight."""

    def place(self, datagram, begin, octets):
        super().place(datagram, begin, octets)
        if begin and begin + len(octets) == datagram.size and len(octets) % 8:
            end = datagram.size // 8 * 8
            datagram.buffer[end:] = bytes(datagram.size - end)


@reassembly("frag-uncompressed-first-dropped", "RFC4944-5.3-05")
class UncompressedFirstDropped(Reassembly):
    """Knows no 0x41 in a FRAG1."""

    def receive(self, payload, info, contexts, now):
        if payload[:1] and payload[0] >> 3 == 0x18 and payload[4:5] == b"\x41":
            raise DecodeError("unsupported", 4, None, "0x41 in a first fragment")
        return super().receive(payload, info, contexts, now)


@reassembly("frag-single-never-delivered", "RFC4944-5.3-05", "CNG-2419")
class SingleNeverDelivered(Reassembly):
    """Never delivers a datagram that is in its FRAG1 as a whole."""

    def complete(self, datagram):
        return len(datagram.pieces) > 1 and super().complete(datagram)


@reads("frag-small-packet-resets", requirement="RFC4944-5.3-18", defect="OT-9588/9590", kinds=IEEE802154)
def _(node, payload, h, info):
    """Drops what is being reassembled when a packet without fragment header comes."""
    if h:
        node.reassembler.clear()
    return payload


@reads("frag-large-dropped", requirement="RFC4944-4-01", defect="6LBR-322", kinds=IEEE802154)
def _(node, payload, h, info):
    """Has no room for datagrams of more than 1,000 octets."""
    large = payload[:1] and payload[0] & 0xD8 == 0xC0 and int.from_bytes(payload[:2], "big") & 0x7FF > 1000
    return None if large else payload


@reads(
    "frag-payload-length-from-fragment", requirement="RFC6282-3.2-03", defect="RIOT-3588", kinds=IEEE802154
)
def _(node, payload, h, info):
    """Takes datagram_size for the size of the compressed datagram."""
    if payload[:1] and payload[0] >> 3 == 0x18 and len(payload) > 5 and payload[4] >> 5 == 3:
        size = (int.from_bytes(payload[:2], "big") & 0x7FF) + 8
        return (0xC000 | size & 0x7FF).to_bytes(2, "big") + payload[2:]
    return payload
