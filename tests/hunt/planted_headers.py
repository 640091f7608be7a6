"""Planted defects of headers: what one frame leaves for the next, and frames that must not follow each other."""

from tests.hunt.planted import Dying, Forgetful, Groupless, Spoiling, Swallowing, planted

#: First octets of a mesh header (RFC 4944 §5.2).
MESH = [bytes([octet]) for octet in range(0x80, 0xC0)]


def last(past):
    return past[-1] if past else None


def is_datagram(packet):
    """Whether it is UDP, with a whole header."""
    return packet[6] == 17 and len(packet) >= 48


def is_message(packet, types):
    """Whether it is an ICMPv6 message of one of these types, with a whole header."""
    return packet[6] == 58 and len(packet) >= 48 and packet[40] in types


def with_checksum(packet):
    """The packet with the UDP or ICMPv6 checksum that holds."""
    from sixlowpan import checksum

    at = {17: 46, 58: 42}[packet[6]]
    bare = packet[:at] + b"\0\0" + packet[at + 2 :]
    return (
        packet[:at]
        + checksum(packet[8:24], packet[24:40], packet[6], bare[40:]).to_bytes(2)
        + packet[at + 2 :]
    )


class SpoilingDatagrams(Spoiling):
    """It inverts one bit of the UDP datagram behind, and makes its checksum right. `bit`: octet and mask."""

    bit = (41, 1)

    def fits(self, packet):
        return is_datagram(packet)

    def spoilt(self, packet):
        at, mask = self.bit
        return with_checksum(packet[:at] + bytes([packet[at] ^ mask]) + packet[at + 1 :])


@planted("elided-checksum-behind-a-fragment", frames=2)
class ElidedChecksumBehindAFragment(Dying):
    """Dies of an elided UDP checksum right behind a fragment: both use one descriptor."""

    def wrong(self, new, past):
        return new.nhc in {0xF4, 0xF5, 0xF6, 0xF7} and bool(past) and past[-1].fragment


@planted("cut-context-octet", frames=2, known=True)
class CutContextOctet(SpoilingDatagrams):
    """Reads the next NHC header one bit off when a payload ended in front of its context octet."""

    def wrong(self, new, past):
        return len(new.payload) == 2 and new.iphc and new.payload[1] & 0x80 != 0


@planted("broadcast-behind-the-last-hop", frames=2)
class BroadcastBehindTheLastHop(Dying):
    """Dies of a broadcast header behind a mesh header with no hops left."""

    def wrong(self, new, past):
        dead = any(
            came.payload[:1] and came.payload[0] >> 6 == 2 and came.payload[0] & 15 == 0 for came in past[-3:]
        )
        return new.payload[:1] == b"\x50" and dead


@planted("sequence-wraps", frames=2)
class SequenceWraps(Groupless):
    """Takes broadcast sequence number 0 or 1 behind 255 for an old one, and hears no group any more."""

    def wrong(self, new, past):
        numbers = [came.payload[1] for came in past if came.payload[:1] == b"\x50" and len(came.payload) > 1]
        return new.payload[:1] == b"\x50" and len(new.payload) > 1 and new.payload[1] < 2 and 255 in numbers


@planted("page-sticks", frames=2, known=True)
class PageSticks(SpoilingDatagrams):
    """Stays in page 1 when nothing comes behind the switch: the next datagram gets one port of another page."""

    bit = (42, 0x10)

    def wrong(self, new, past):
        return len(new.payload) == 1 and new.payload[0] == 0xF1


@planted("escape-eats-a-dispatch", frames=2)
class EscapeEatsADispatch(Dying):
    """Dies of an uncompressed packet right behind an ESC dispatch without octets, or with one."""

    def wrong(self, new, past):
        before = past[-1].payload if past else b""
        return new.payload[:1] == b"\x41" and before[:1] == b"\x40" and len(before) < 9


@planted("hc1-clears-contexts", frames=2)
class Hc1ClearsContexts(Forgetful):
    """Forgets its contexts at an HC1 dispatch right behind a context octet."""

    def wrong(self, new, past):
        before = last(past)
        return (
            new.payload[:1] == b"\x42"
            and before is not None
            and before.iphc
            and before.payload[1] & 0x80 != 0
        )


@planted("flow-label-stays", frames=2)
class FlowLabelStays(Spoiling):
    """Leaves the flow label of an uncompressed datagram in the header of the next IPHC datagram."""

    def wrong(self, new, past):
        payload = new.payload
        return payload[:1] == b"\x41" and len(payload) > 48 and payload[7] == 17 and any(payload[3:5])

    def fits(self, packet):
        return is_datagram(packet) and not packet[2] and not packet[3]

    def spoilt(self, packet):
        return packet[:2] + b"\x12\x34" + packet[4:]


@planted("hop-limit-stays", frames=2, known=True)
class HopLimitStays(Spoiling):
    """Keeps a hop limit of 254 for the next datagram whose hop limit is compressed to 255."""

    def wrong(self, new, past):
        return new.iphc and new.payload[0] & 3 == 0 and b"\xfe" in new.payload[2:5]

    def fits(self, packet):
        return packet[7] == 255

    def spoilt(self, packet):
        return packet[:7] + b"\xfe" + packet[8:]


@planted("option-list-loops", frames=2, known=True)
class OptionListLoops(Dying):
    """Dies of a second Neighbor Discovery message behind one with an option of 255 units."""

    def handed(self, packet):
        if self.long and is_message(packet, {135, 136}):
            return True
        self.long |= is_message(packet, {135}) and len(packet) > 66 and packet[65] == 255
        return False


@planted("error-about-an-error", frames=2)
class ErrorAboutAnError(Dying):
    """Dies of a datagram to a closed port behind an ICMPv6 error that quotes less than a header."""

    def handed(self, packet):
        if self.quoted and is_datagram(packet):
            return True
        self.quoted = is_message(packet, {1, 3, 4}) and len(packet) < 88
        return False


@planted("tunnel-then-option", frames=2)
class TunnelThenOption(Dying):
    """Dies of a compressed extension header right behind an inner IPv6 header that is cut."""

    def wrong(self, new, past):
        before = last(past)
        return new.iphc and before is not None and before.nhc & 0xFE == 0xEE and (
            new.nhc & 0xF0 == 0xE0 and new.nhc & 0xFE != 0xEE
        )  # fmt: skip


@planted("empty-then-first", frames=2)
class EmptyThenFirst(Dying):
    """Dies of a FRAG1 right behind a frame without payload."""

    def wrong(self, new, past):
        before = last(past)
        return new.first and before is not None and not before.payload


@planted("multicast-form-behind-reserved", frames=2)
class MulticastFormBehindReserved(Swallowing):
    """Loses the echo behind a reserved multicast mode that comes right behind a group's packet."""

    def wrong(self, new, past):
        before = last(past)
        reserved = new.iphc and new.payload[1] & 0x0F in {0x0D, 0x0E, 0x0F}
        return reserved and before is not None and before.iphc and before.payload[1] & 0x08 != 0


@planted("two-bad-checksums", frames=2, known=True)
class TwoBadChecksums(Spoiling):
    """Skips the checksum of the echo behind two packets whose checksums were wrong, and its last octet with it."""

    def handed(self, packet):
        from sixlowpan import ipv6

        if not is_datagram(packet) and not is_message(packet, range(256)):
            return False
        view = ipv6.Packet.parse(packet)
        good = ipv6.checksum_holds(view.src, view.dst, packet[6], packet[40:])
        self.bad = 0 if good else self.bad + 1
        return self.bad == 2

    def fits(self, packet):
        return packet[6] == 58 and len(packet) > 56


@planted("short-sender-then-group", frames=2, known=True)
class ShortSenderThenGroup(Dying):
    """Dies of a packet to a group right behind one from a 16-bit address that elides its source under a context."""

    def wrong(self, new, past):
        before = last(past)
        return (
            new.iphc and new.payload[1] & 0x08 != 0 and before is not None and len(before.src) == 2
            and before.iphc and before.payload[1] & 0x40 != 0
        )  # fmt: skip


@planted("escape-then-next", frames=2)
class EscapeThenNext(Dying):
    """Dies of a FRAGN right behind an ESC dispatch."""

    def wrong(self, new, past):
        before = last(past)
        return new.next and before is not None and before.payload[:1] == b"\x40"


@planted("cut-mesh-then-next", frames=2)
class CutMeshThenNext(Dying):
    """Dies of a FRAGN right behind a mesh header that ends in front of its final address."""

    def wrong(self, new, past):
        before = last(past)
        return new.next and before is not None and before.payload[:1] in MESH and len(before.payload) < 5


@planted("shortest-ports-then-cut-header", frames=2)
class ShortestPortsThenCutHeader(Dying):
    """Dies of an uncompressed header that is cut right behind a UDP header with both ports in one octet."""

    def wrong(self, new, past):
        before = last(past)
        return (
            new.payload[:1] == b"\x41" and len(new.payload) < 41 and before is not None and before.nhc == 0xF3
        )


@planted("empty-behind-all", frames=2)
class EmptyBehindAll(Dying):
    """Dies of a frame without payload right behind one to everybody."""

    def wrong(self, new, past):
        before = last(past)
        return not new.payload and before is not None and before.dst == b"\xff\xff"


@planted("tunnel-then-first", frames=2)
class TunnelThenFirst(Dying):
    """Dies of a FRAG1 right behind a compressed inner IPv6 header."""

    def wrong(self, new, past):
        before = last(past)
        return new.first and before is not None and before.nhc & 0xFE == 0xEE


@planted("reserved-group-then-next", frames=2)
class ReservedGroupThenNext(Dying):
    """Dies of a FRAGN right behind a reserved multicast mode."""

    def wrong(self, new, past):
        before = last(past)
        return (
            new.next and before is not None and before.iphc and before.payload[1] & 0x0F in {0x0D, 0x0E, 0x0F}
        )


@planted("not-ours-then-mesh", frames=2)
class NotOursThenMesh(Dying):
    """Dies of a mesh header right behind a frame that is no LoWPAN frame."""

    def wrong(self, new, past):
        before = last(past)
        return new.payload[:1] in MESH and before is not None and b"" < before.payload[:1] < b"\x40"
