"""Planted defects of values: what one frame says stands in another, or follows on it, and nobody thought of that."""

from tests.hunt.planted import Dying, Swallowing, planted
from tests.hunt.planted_headers import SpoilingDatagrams, is_datagram, last
from tests.hunt.planted_order import of_key


@planted("port-is-the-tag", frames=2)
class PortIsTheTag(Dying):
    """Dies of a UDP datagram to a port that is the tag of a fragment: both are kept in one table."""

    def handed(self, packet):
        return is_datagram(packet) and any(
            came.fragment and came.tag == int.from_bytes(packet[42:44]) for came in self.past
        )


@planted("offset-is-the-tag", frames=2)
class OffsetIsTheTag(Dying):
    """Dies of a FRAGN behind its FRAG1 when each octet of the tag is the offset."""

    def wrong(self, new, past):
        return new.next and new.tag == 0x0101 * new.offset and any(came.first for came in of_key(new, past))


@planted("size-is-a-tag", frames=2)
class SizeIsATag(Dying):
    """Dies of a fragment whose size is the tag of another datagram: the table is searched by either."""

    def wrong(self, new, past):
        return new.fragment and any(
            came.fragment and came.tag == new.size and came.tag not in {came.size, new.tag} for came in past
        )


@planted("tags-swapped", frames=2)
class TagsSwapped(Dying):
    """Dies of a fragment whose tag is that of the one before with its octets swapped."""

    def wrong(self, new, past):
        before = last(past)
        if before is None or not (new.fragment and before.fragment) or new.tag == before.tag:
            return False
        return new.tag == int.from_bytes(before.tag.to_bytes(2), "little")


@planted("broadcast-number-is-the-tag", frames=2)
class BroadcastNumberIsTheTag(Dying):
    """Dies of a fragment whose tag is the number of a broadcast in front: one list is for both."""

    def wrong(self, new, past):
        return new.fragment and any(
            came.payload[:1] == b"\x50" and len(came.payload) > 1 and came.payload[1] == new.tag
            for came in past[-6:]
        )


@planted("flow-label-wraps", frames=2)
class FlowLabelWraps(Swallowing):
    """Takes flow label 1 right behind fffff for an old one, and loses the packet behind."""

    def begin(self):
        super().begin()
        self.label = 0

    def handed(self, packet):
        before, self.label = self.label, int.from_bytes(packet[1:4]) & 0xFFFFF
        return (before, self.label) == (0xFFFFF, 1)


@planted("contexts-of-the-one-before", frames=2)
class ContextsOfTheOneBefore(Dying):
    """Dies of two contexts alike, of which it has none, right behind a context for the source only."""

    def wrong(self, new, past):
        before = last(past)
        named = [
            came.payload[2]
            for came in (before, new)
            if came is not None and came.iphc and came.payload[1] & 0x80 and len(came.payload) > 2
        ]
        return named in ([0x10, 0x77], [0x10, 0xFF])


@planted("octets-of-another-datagram", frames=2, known=True)
class OctetsOfAnotherDatagram(Dying):
    """Dies of a fragment with the octets of the one before it and another tag: they have one checksum."""

    def wrong(self, new, past):
        before = last(past)
        return (
            before is not None and new.first and before.first and new.tag != before.tag
            and len(new.octets) >= 16 and any(new.octets) and new.octets == before.octets
        )  # fmt: skip


@planted("short-destination-then-all", frames=2, known=True)
class ShortDestinationThenAll(Dying):
    """Dies of a frame to everybody right behind a fragment to its 16-bit address."""

    def wrong(self, new, past):
        before = last(past)
        return (
            new.dst == b"\xff\xff" and before is not None and before.fragment
            and len(before.dst) == 2 and before.dst != new.dst
        )  # fmt: skip


@planted("page-then-first", frames=2)
class PageThenFirst(Dying):
    """Dies of a FRAG1 right behind a page switch with nothing in its page."""

    def wrong(self, new, past):
        before = last(past)
        return new.first and before is not None and before.payload in {b"\xf1", b"\xf2"}


@planted("reserved-header-then-udp", frames=2)
class ReservedHeaderThenUdp(SpoilingDatagrams):
    """Reads a port of the UDP datagram right behind a reserved extension header one bit off."""

    def wrong(self, new, past):
        before = last(past)
        return new.nhc >> 3 == 0b11110 and before is not None and before.nhc & 0xFE in {0xEA, 0xEC}


@planted("two-begun-at-their-end", frames=3)
class TwoBegunAtTheirEnd(Dying):
    """Dies of the FRAG1 of the first of two datagrams that began with a FRAGN each."""

    def wrong(self, new, past):
        return (
            len(past) >= 2 and new.first and past[-2].next and past[-1].next and past[-2].key == new.key
            and past[-1].tag != new.tag and not any(came.first for came in past[:-2] if came.key == past[-1].key)
        )  # fmt: skip
