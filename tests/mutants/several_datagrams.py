"""Mutants that take one datagram for another that came before it or comes beside it (RFC 4944 §5.3).

What they remember of a datagram lacks one of the four parts of its key, or is kept for too long; or what they have for
one datagram is used for another: a buffer, a timer, a place.
"""

from __future__ import annotations

from tests.mutants.fragments import keyed, reassembly
from tests.mutants.wire import Reassembly


class Remembering(Reassembly):
    """Knows the key of the datagram that was completed last, and refuses what `copies` says are copies of it."""

    done: tuple | None = None

    def close(self, key):
        self.done = key
        super().close(key)

    def open(self, key, size, first, now):
        copy = self.done is not None and key != self.done and self.copies(self.done, key)
        return None if copy else super().open(key, size, first, now)

    def copies(self, done, key):
        raise NotImplementedError


@reassembly("frag-done-any-size", "RFC4944-5.3-18")
class DoneAnySize(Remembering):
    """Takes a fragment for a copy of the complete datagram of its source, destination and tag, whatever its size."""

    def copies(self, done, key):
        return (*done[:2], done[3]) == (*key[:2], key[3])


@reassembly("frag-done-any-destination", "RFC4944-5.3-18")
class DoneAnyDestination(Remembering):
    """Takes a fragment for a copy of the complete datagram of its source, size and tag, whatever its destination."""

    def copies(self, done, key):
        return (done[0], *done[2:]) == (key[0], *key[2:])


@reassembly("frag-done-any-source", "RFC4944-5.3-18")
class DoneAnySource(Remembering):
    """Takes a fragment for a copy of the complete datagram of its destination, size and tag, whatever its source."""

    def copies(self, done, key):
        return done[1:] == key[1:]


@reassembly("frag-done-for-ever", "RFC4944-5.3-18")
class DoneForEver(Reassembly):
    """Remembers the last eight datagrams that were complete, for ever, and refuses a new one with the key of one."""

    def __init__(self):
        super().__init__()
        self.done: list[tuple] = []

    def close(self, key):
        self.done = [*self.done, key][-8:]
        super().close(key)

    def open(self, key, size, first, now):
        return None if key in self.done else super().open(key, size, first, now)


@reassembly("frag-complete-flushes-older", "RFC4944-5.3-18")
class CompleteFlushesOlder(Reassembly):
    """A complete datagram takes those with it that its sender began before."""

    def close(self, key):
        started = self.datagrams[key].started
        for other in [k for k, d in self.datagrams.items() if k[0] == key[0] and d.started <= started]:
            del self.datagrams[other]


@reassembly("frag-source-by-iid", "RFC4944-5.3-18")
class SourceByIid(keyed(lambda i, size, tag: (i.src_iid, i.dst, size, tag))):
    """Tells senders apart by their IIDs, so that a short address and the EUI-64 with its IID are one."""


@reassembly("frag-tag-folded", "RFC4944-5.3-18")
class TagFolded(keyed(lambda i, size, tag: (i.src, i.dst, size, tag >> 8 ^ tag & 0xFF))):
    """Compares the two octets of a tag folded into one."""


class Few(Reassembly):
    """Takes so many fragments of a datagram, and no more."""

    most = 0

    def take(self, key, size, begin, octets, first, now):
        datagram = self.datagrams.get(key)
        full = datagram is not None and len(datagram.pieces) >= self.most
        return None if full else super().take(key, size, begin, octets, first, now)


@reassembly("frag-at-most-32", "RFC4944-5.3-19")
class AtMost32(Few):
    """Has room for 32 fragments of a datagram."""

    most = 32


@reassembly("frag-at-most-128", "RFC4944-5.3-19")
class AtMost128(Few):
    """Has a signed octet for the number of fragments of a datagram."""

    most = 128


@reassembly("frag-one-expires", "RFC4944-5.3-28")
class OneExpires(Reassembly):
    """With each frame it discards but the oldest of the datagrams that have timed out."""

    def expire(self, now):
        for key in [k for k, d in self.datagrams.items() if now - d.started >= self.timeout][:1]:
            del self.datagrams[key]


@reassembly("frag-complete-restarts-timers", "RFC4944-5.3-27")
class CompleteRestartsTimers(Reassembly):
    """A complete datagram starts the timers of the others anew."""

    def take(self, key, size, begin, octets, first, now):
        packet = super().take(key, size, begin, octets, first, now)
        for other in self.datagrams.values() if packet is not None else ():
            other.started = now
        return packet


class Shared(Reassembly):
    """Has one buffer for all datagrams that `in_it` says."""

    def __init__(self):
        super().__init__()
        self.shared = bytearray(2048)

    def in_it(self, size):
        raise NotImplementedError

    def place(self, datagram, begin, octets):
        super().place(datagram, begin, octets)
        if self.in_it(datagram.size):
            self.shared[begin : begin + len(octets)] = octets

    def packet(self, datagram):
        return bytes(self.shared[: datagram.size]) if self.in_it(datagram.size) else super().packet(datagram)


@reassembly("frag-one-small-buffer", "RFC4944-5.3-20")
class OneSmallBuffer(Shared):
    """Has one buffer for all datagrams of less than 128 octets."""

    def in_it(self, size):
        return size < 128


@reassembly("frag-one-large-buffer", "RFC4944-5.3-20")
class OneLargeBuffer(Shared):
    """Has one buffer for all datagrams of more than 640 octets."""

    def in_it(self, size):
        return size > 640


@reassembly("frag-fourth-has-the-first-buffer", "RFC4944-5.3-18")
class FourthHasTheFirstBuffer(Reassembly):
    """Its fourth place has the buffer of the first."""

    def open(self, key, size, first, now):
        datagram = super().open(key, size, first, now)
        if len(self.datagrams) == 4:
            oldest = next(iter(self.datagrams.values()))
            oldest.buffer.extend(bytes(max(0, size - len(oldest.buffer))))
            datagram.buffer = oldest.buffer
        return datagram

    def packet(self, datagram):
        return bytes(datagram.buffer[: datagram.size])


@reassembly("frag-fields-of-the-last-frag1", "RFC4944-5.3-18")
class FieldsOfTheLast(Reassembly):
    """Has one place for traffic class, flow label and hop limit: a datagram gets those of the FRAG1 that came last."""

    word, hop_limit = b"", b""

    def place(self, datagram, begin, octets):
        super().place(datagram, begin, octets)
        if not begin and len(octets) >= 40:
            self.word, self.hop_limit = octets[:4], octets[7:8]

    def packet(self, datagram):
        found = super().packet(datagram)
        return self.word + found[4:7] + self.hop_limit + found[8:] if self.word else found


@reassembly("frag-one-ends-all-end", "RFC4944-5.3-28")
class OneEndsAllEnd(Reassembly):
    """Discards every datagram when the timer of one ends."""

    def expire(self, now):
        if any(now - datagram.started >= self.timeout for datagram in self.datagrams.values()):
            self.datagrams.clear()


@reassembly("frag-overlap-of-whole-fragments", "RFC4944-5.3-21")
class OverlapOfWholeFragments(Reassembly):
    """Takes no fragment for an overlap that covers others from their begin to their end."""

    def overlaps(self, datagram, begin, end):
        return any(
            begin < e and b < end and not (begin <= b and e <= end) for b, e in datagram.pieces.items()
        )


@reassembly("frag-timer-anew-by-another-of-the-sender", "RFC4944-5.3-27")
class AnewByAnother(Reassembly):
    """Has one timer for a sender: a fragment of another datagram of the same sender starts it anew."""

    def take(self, key, size, begin, octets, first, now):
        for other, datagram in self.datagrams.items():
            if other[0] == key[0]:
                datagram.started = now if other != key else datagram.started
        return super().take(key, size, begin, octets, first, now)
