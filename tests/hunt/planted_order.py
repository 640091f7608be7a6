"""Planted defects of reassembly: order, places, tags, sizes and what is left of a datagram."""

from tests.hunt.planted import Deaf, Dying, Leaking, Spoiling, Swallowing, planted


def of_key(new, past):
    """Those fragments before this one that have its key."""
    return [came for came in past if came.fragment and came.key == new.key]


@planted("hole-behind-a-short-first", frames=2, known=True)
class HoleBehindAShortFirst(Dying):
    """Dies of a FRAGN of 16 octets or more, two places or more behind a FRAG1 of less than 8."""

    def wrong(self, new, past):
        return new.next and new.offset >= 2 and len(new.octets) >= 16 and any(
            came.first and len(came.octets) < 8 for came in of_key(new, past)
        )  # fmt: skip


@planted("far-fragment-of-the-largest", frames=2, known=True)
class FarFragmentOfTheLargest(Dying):
    """Writes beyond its buffer: a FRAGN at 127 or further, when it keeps another one of a datagram of 2047 octets."""

    def wrong(self, new, past):
        return new.next and new.size == 2047 and new.offset >= 127 and bool(of_key(new, past))


@planted("grows-at-one-place", frames=2, known=True)
class GrowsAtOnePlace(Dying):
    """Dies of a second FRAGN at a place when the first one there was of less than 8 octets, and it is longer."""

    def wrong(self, new, past):
        return new.next and len(new.octets) > 8 and any(
            came.next and came.offset == new.offset >= 2 and 0 < len(came.octets) < 8 for came in of_key(new, past)
        )  # fmt: skip


@planted("same-tag-two-senders-two-sizes", frames=2)
class SameTagTwoSendersTwoSizes(Dying):
    """Dies of a FRAG1 whose tag another sender uses for a datagram of another size."""

    def wrong(self, new, past):
        return new.first and any(
            came.first and came.tag == new.tag and came.src != new.src and came.size != new.size
            for came in past
        )


@planted("tag-zero-behind-ffff", frames=2, known=True)
class TagZeroBehindFfff(Deaf):
    """Takes tag 0 for older than ffff, and clears its table for good."""

    def wrong(self, new, past):
        return new.fragment and new.tag == 0 and any(came.fragment and came.tag == 0xFFFF for came in past)


@planted("tag-is-the-size", frames=2)
class TagIsTheSize(Dying):
    """Dies of a second fragment when the tag is the size: the table is keyed by their difference."""

    def wrong(self, new, past):
        return new.fragment and new.size == new.tag and bool(of_key(new, past))


@planted("ends-where-it-begins", frames=4, known=True)
class EndsWhereItBegins(Leaking):
    """Loses a place for each FRAGN that begins where the datagram ends, and has 8 octets."""

    def wrong(self, new, past):
        return new.next and new.size >= 40 and new.offset * 8 == new.size and len(new.octets) == 8


@planted("resized-tag", frames=5, known=True)
class ResizedTag(Leaking):
    """Loses a place for each fragment that has the tag of the one before it, and a size twice as large."""

    def wrong(self, new, past):
        return new.fragment and bool(past) and past[-1].fragment and past[-1].tag == new.tag and (
            new.size >= 2 * past[-1].size > 0
        )  # fmt: skip


@planted("first-behind-three-nexts", frames=4)
class FirstBehindThreeNexts(Dying):
    """Dies of a FRAG1 behind three FRAGNs of its datagram in falling order."""

    def wrong(self, new, past):
        places = [came.offset for came in of_key(new, past) if came.next]
        return (
            new.first and len(places) >= 3 and places[-3] > places[-2] > places[-1] and len(new.octets) < 16
        )


@planted("next-behind-the-timer", frames=2, known=True)
class NextBehindTheTimer(Dying):
    """Keeps a pointer to a FRAGN whose datagram ran out of time, and follows it at a FRAG1 of the same key."""

    def wrong(self, new, past):
        return new.first and any(came.next and new.time - came.time > 60 for came in of_key(new, past))


@planted("first-of-40-octets", frames=2)
class FirstOf40Octets(Swallowing):
    """Hands a FRAG1 that is all of its datagram to the wrong queue when a FRAGN came right before it."""

    def wrong(self, new, past):
        return new.first and new.size == 40 and bool(past) and past[-1].next


@planted("refused-first-then-next", frames=2, known=True)
class RefusedFirstThenNext(Swallowing):
    """Loses the packet behind a FRAGN whose FRAG1 it refused for its dispatch."""

    def wrong(self, new, past):
        return new.next and any(
            came.first and came.octets[:1] in {b"\0", b"\x40", b"\x42"} for came in of_key(new, past)
        )


@planted("one-octet-late", frames=3, known=True)
class OneOctetLate(Dying):
    """Dies of a FRAGN of one octet behind two fragments of 8 octets or more of its datagram."""

    def wrong(self, new, past):
        return (
            new.next
            and len(new.octets) == 1
            and sum(len(came.octets) >= 8 for came in of_key(new, past)) >= 2
        )


@planted("sandwich", frames=3, known=True)
class Sandwich(Dying):
    """Dies when the FRAGNs of one datagram are parted by a FRAG1 of another with the tag behind it."""

    def wrong(self, new, past):
        return (
            len(past) >= 2 and new.next and past[-1].first and past[-2].next and past[-2].key == new.key
            and past[-1].tag == (new.tag + 1) & 0xFFFF
        )  # fmt: skip


@planted("meshed-and-not", frames=2)
class MeshedAndNot(Dying):
    """Dies of a fragment behind a mesh header right behind one without, or the other way round."""

    def wrong(self, new, past):
        meshed = 0x80 <= (new.payload or b"\0")[0] < 0xC0 and any(
            new.payload[at : at + 1] and new.payload[at] & 0xD8 == 0xC0 for at in (5, 11, 17)
        )
        return meshed and bool(past) and past[-1].fragment and len(past[-1].octets) < 24


@planted("old-octets-in-the-hole", frames=2, known=True)
class OldOctetsInTheHole(Spoiling):
    """Fills the end of the next echo from a datagram that was cut short by one of another size with its tag."""

    def wrong(self, new, past):
        return new.first and any(
            came.first and came.tag == new.tag and came.size > new.size >= 40 for came in past
        )

    def fits(self, packet):
        return packet[6] == 58 and len(packet) >= 56


@planted("first-twice-then-udp", frames=3)
class FirstTwiceThenUdp(Dying):
    """Dies of a UDP header right behind a FRAG1 that came twice."""

    def wrong(self, new, past):
        return (
            new.nhc >> 3 == 0b11110 and len(past) >= 2 and past[-1].first and past[-2].payload == past[-1].payload
        )  # fmt: skip


@planted("free-by-its-end", frames=3, known=True)
class FreeByItsEnd(Dying):
    """As RIOT: takes a piece that ends with octet 0 for a free one, links the next to itself, and searches for ever."""

    def wrong(self, new, past):
        pieces = []
        for came in [*of_key(new, past), new] if new.fragment else []:
            begin, end = came.offset * 8, came.offset * 8 + len(came.octets)
            if (begin, end) in pieces:
                continue
            if any(begin < other_end and other < end for other, other_end in pieces):
                pieces = []  # begins anew
            if begin == end or end > came.size or (came.first and came.octets[0] >> 5 == 3):
                pieces = []  # it is refused, and its datagram with it
            else:
                pieces.append((begin, end))
        return len(pieces) == 3 and pieces[0] == (0, 1)
