"""Mutants of reassembly that one order, one length or one neighbour in the buffer tells (RFC 4944 §5.3)."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, mesh
from tests.mutants import IEEE802154, mutant
from tests.mutants.fragments import NotBeyond, keyed, reassembly
from tests.mutants.wire import Reassembly, iphc


@reassembly("frag-counts-pieces", "RFC4944-5.3-20")
class CountsPieces(Reassembly):
    """Believes a datagram to be complete when it has as many fragments as its longest one asks for."""

    def complete(self, datagram):
        longest = max(end - begin for begin, end in datagram.pieces.items())
        return datagram.begun and len(datagram.pieces) >= -(-datagram.size // longest)


@reassembly("frag-length-of-the-first", "RFC4944-5.3-16")
class LengthOfTheFirst(Reassembly):
    """Takes all fragments but the last for as long as the first one that came, and has no room for longer ones."""

    def take(self, key, size, begin, octets, first, now):
        datagram = self.datagrams.get(key)
        if datagram is not None and begin + len(octets) < size and not first:
            before = next((b for b in datagram.pieces if b), None)
            if before is not None and len(octets) > datagram.pieces[before] - before:
                return None
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag-overlapping-frag1-ignored", "RFC4944-5.3-21", advice=True)
class OverlappingFirstIgnored(Reassembly):
    """Ignores a second FRAG1 of another length."""

    def duplicate(self, datagram, begin, end):
        return (begin == 0 and 0 in datagram.pieces) or super().duplicate(datagram, begin, end)


@reassembly("frag-overlapping-last-ignored", "RFC4944-5.3-21", advice=True)
class OverlappingLastIgnored(Reassembly):
    """Ignores a second last fragment of another length."""

    def duplicate(self, datagram, begin, end):
        return (end == datagram.size and end in datagram.pieces.values()) or super().duplicate(
            datagram, begin, end
        )


@reassembly("frag-other-overlap-left-out", "RFC4944-5.3-21")
class OtherOverlapLeftOut(Reassembly):
    """Leaves a fragment out that overlaps others with other octets, and keeps what it has."""

    def take(self, key, size, begin, octets, first, now):
        datagram = self.datagrams.get(key)
        for b, e in datagram.pieces.items() if datagram else ():
            low, high = max(b, begin), min(e, begin + len(octets))
            if low < high and datagram.buffer[low:high] != octets[low - begin : high - begin]:
                return None
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag-contained-ignored", "RFC4944-5.3-21", advice=True)
class ContainedIgnored(Reassembly):
    """Ignores a fragment that lies within one that it has."""

    def duplicate(self, datagram, begin, end):
        return any(b <= begin and end <= e for b, e in datagram.pieces.items())


@reassembly("frag-containing-merged", "RFC4944-5.3-21", advice=True)
class ContainingMerged(Reassembly):
    """Puts a fragment that covers one that it has in the place of that."""

    def overlaps(self, datagram, begin, end):
        for b, e in list(datagram.pieces.items()):
            if begin <= b and e <= end:
                del datagram.pieces[b]
        return super().overlaps(datagram, begin, end)


@reassembly("frag-tag-upper-octet", "RFC4944-5.3-18")
class TagUpperOctet(keyed(lambda i, size, tag: (i.src, i.dst, size, tag >> 8))):
    """Keeps the upper eight bits of the tag."""


@reassembly("frag-tag-15-bits", "RFC4944-5.3-18")
class Tag15Bits(keyed(lambda i, size, tag: (i.src, i.dst, size, tag & 0x7FFF))):
    """Keeps fifteen bits of the tag."""


@reassembly("frag-tag-signed-dropped", "RFC4944-5.3-14")
class TagSigned(Reassembly):
    """Takes tags from 0x8000 on for negative, and drops their fragments."""

    def take(self, key, size, begin, octets, first, now):
        return None if key[-1] > 0x7FFF else super().take(key, size, begin, octets, first, now)


@reassembly("frag-size-in-units", "RFC4944-5.3-18")
class SizeInUnits(keyed(lambda i, size, tag: (i.src, i.dst, -(-size // 8), tag), NotBeyond)):
    """Keeps datagram_size in units of eight octets in the key."""


@reassembly("frag-timer-looked-at-by-frag1", "RFC4944-5.3-28")
class TimerByFrag1(Reassembly):
    """Looks at its timers when a FRAG1 comes, and at no other time."""

    def receive(self, payload, info, contexts, now):
        self.first = payload[:1] and payload[0] & 0xF8 == 0xC0
        return super().receive(payload, info, contexts, now)

    def expire(self, now):
        if self.first:
            super().expire(now)

    first = False


@reassembly("frag-timer-start-unset", "RFC4944-5.3-19")
class StartUnset(Reassembly):
    """Sets the start of its timer in a FRAG1 only: where a FRAGN comes first it is 0, the moment of the last reset."""

    def open(self, key, size, first, now):
        datagram = super().open(key, size, first, now)
        datagram.started = now if first else 0.0
        return datagram


@reassembly("frag-timer-shorter-without-frag1", "RFC4944-5.3-27")
class ShorterWithout(Reassembly):
    """Keeps a datagram whose FRAG1 has not come for ten seconds, and others as it says."""

    def expire(self, now):
        super().expire(now)
        for key in [k for k, d in self.datagrams.items() if not d.begun and now - d.started >= 10.0]:
            del self.datagrams[key]


@reassembly("frag-expired-octets-come-back", "RFC4944-5.3-28")
class ExpiredKeepsPieces(Reassembly):
    """Forgets a datagram that timed out, and keeps its octets for the next with the same tag."""

    def __init__(self):
        super().__init__()
        self.old = {}

    def expire(self, now):
        for key, datagram in self.datagrams.items():
            if now - datagram.started >= self.timeout:
                self.old[key] = datagram
        super().expire(now)

    def open(self, key, size, first, now):
        datagram = super().open(key, size, first, now)
        old = self.old.pop(key, None)
        if datagram is not None and old is not None:
            datagram.buffer[:] = old.buffer
            datagram.pieces, datagram.begun = dict(old.pieces), old.begun
        return datagram


@reassembly("frag-originator-not-in-key", "RFC4944-5.3-18")
class OriginatorNotInKey(Reassembly):
    """Behind a mesh header it tells datagrams apart by the forwarder, and not by the originator."""

    def receive(self, payload, info, contexts, now):
        self.forwarder = info.src if payload[:1] and 0x80 <= payload[0] < 0xC0 else b""
        return super().receive(payload, info, contexts, now)

    def key(self, info, size, tag):
        return self.forwarder or info.src, info.dst, size, tag

    forwarder = b""


@reassembly("frag-mesh-and-direct-alike", "RFC4944-5.3-18")
class MeshFirst(Reassembly):
    """Drops a fragment without a mesh header of a datagram whose first one had one."""

    def receive(self, payload, info, contexts, now):
        self.meshed = bool(payload) and 0x80 <= payload[0] < 0xC0
        return super().receive(payload, info, contexts, now)

    def key(self, info, size, tag):
        return info.src, info.dst, size, tag, self.meshed

    meshed = False


@reassembly("frag-256-datagrams", "RFC4944-5.3-18")
class Counted(Reassembly):
    """Counts datagrams in eight bits, and stops at 255."""

    count = 0

    def open(self, key, size, first, now):
        self.count += 1
        return None if self.count > 255 else super().open(key, size, first, now)


@reassembly("frag-last-of-one-octet-dropped", "RFC4944-5.3-19")
class LastOfOne(Reassembly):
    """Drops a last fragment of one octet."""

    def take(self, key, size, begin, octets, first, now):
        if begin and begin + len(octets) == size and len(octets) == 1:
            return None
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag-last-in-the-middle", "RFC4944-5.3-19")
class LastSecond(Reassembly):
    """Drops a last fragment that comes before the one in front of it, when FRAG1 is there."""

    def take(self, key, size, begin, octets, first, now):
        known = self.datagrams.get(key)
        last = known is not None and known.begun and begin > 0 and begin + len(octets) == size
        if last and begin not in known.pieces and begin not in known.pieces.values():
            return None
        return super().take(key, size, begin, octets, first, now)


@mutant("frag1-link-stays", requirement="RFC4944-5.3-18", kinds=IEEE802154)
class FirstLinkStays(ReferenceNode):
    """Takes an elided source for that of the datagram under way, while there is one."""

    def decode_payload(self, payload, info):
        keys = list(self.reassembler.keys)
        header = iphc(payload)
        if keys and header and not header.sac and header.sam == 3:
            info = replace(info, src=keys[-1][0])
        return super().decode_payload(payload, info)


@mutant("frag1-mesh-elided-dropped", requirement="RFC6282-3.1.1-32", kinds=IEEE802154)
class MeshElidedDropped(ReferenceNode):
    """Drops a FRAG1 behind a mesh header where both addresses are elided."""

    def reassemble(self, payload, info):
        if payload[:1] and 0x80 <= payload[0] < 0xC0:
            at, _ = mesh.unwrap(payload, info)
            if payload[at : at + 1] and payload[at] >> 3 == 0x18:
                header = iphc(payload[at + 4 :])
                if header and not header.sac and header.sam == 3 and header.dam == 3 and not header.m:
                    raise DecodeError("unsupported", at, None, "elided in a mesh")
        return super().reassemble(payload, info)
