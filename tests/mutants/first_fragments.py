"""Mutants that misread a form in a FRAG1 only, or a FRAG1 in another company: uncompressed, mesh, chains, order.

RFC 6282 §2: a FRAG1 has the same compressed headers as a whole payload. RFC 4944 §5.1: or an uncompressed packet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, ipv6
from sixlowpan.addresses import BROADCAST
from tests.mutants import IEEE802154, mutant, reads
from tests.mutants.chains import in_line, nhcs
from tests.mutants.fragment_corners import in_first_fragments
from tests.mutants.fragments import reassembly
from tests.mutants.wire import Reassembly, hop_limit, iphc, set_traffic_class

# -- forms in-line ----------------------------------------------------------------------------------------------


@in_first_fragments("frag1-tf00-dscp-lost", "RFC6282-3.1.1-01")
def _(node, octets, header):
    "TF=00 in a FRAG1 loses DSCP."
    if header.tf == 0:
        set_traffic_class(octets, header.payload[header.tf_at] >> 6)


@in_first_fragments("frag1-tf00-flow-label", "RFC6282-3.2.1-02")
def _(node, octets, header):
    "TF=00 in a FRAG1 keeps 16 bits of the flow label."
    if header.tf == 0:
        octets[1] &= 0xF0


@in_first_fragments("frag1-tf01-flow-label", "RFC6282-3.1.1-02")
def _(node, octets, header):
    "TF=01 in a FRAG1 loses the last octet of the flow label."
    if header.tf == 1:
        octets[3] = 0


@in_first_fragments("frag1-tf01-ecn-as-it-stands", "RFC6282-3.2.1-03")
def _(node, octets, header):
    "TF=01 in a FRAG1: ECN stays in the upper two bits."
    if header.tf == 1:
        set_traffic_class(octets, header.payload[header.tf_at] & 0xC0)


in_first_fragments("frag1-hlim-11-is-64", "RFC6282-3.1.1-10", what="HLIM=11 in a FRAG1 is 64.")(
    hop_limit(3, 64)
)
in_first_fragments("frag1-hlim-01-is-64", "RFC6282-3.1.1-08", what="HLIM=01 in a FRAG1 is 64.")(
    hop_limit(1, 64)
)


@in_first_fragments("frag1-sam00-last-octet", "RFC6282-3.1.1-15")
def _(node, octets, header):
    "A source that is in-line in full loses its second octet's lower half in a FRAG1."
    if not header.sac and header.sam == 0:
        octets[9] &= 0xF0
        octets[23] ^= 1


@in_first_fragments("frag1-sam01-flips", "RFC6282-3.1.1-16")
def _(node, octets, header):
    "Flips the U/L bit of an in-line source IID in a FRAG1."
    if not header.sac and header.sam == 1:
        octets[16] ^= 2


@in_first_fragments("frag1-sam10-swapped", "RFC6282-3.1.1-17")
def _(node, octets, header):
    "Swaps the 16 bits of a source in a FRAG1."
    if not header.sac and header.sam == 2:
        octets[22], octets[23] = octets[23], octets[22]


@in_first_fragments("frag1-unspecified-is-link-local", "RFC6282-3.1.1-19")
def _(node, octets, header):
    "SAC=1 SAM=00 in a FRAG1 is a link-local address."
    if header.sac and not header.sam:
        octets[8:10] = b"\xfe\x80"


@in_first_fragments("frag1-dam00-first-octet", "RFC6282-3.1.1-29")
def _(node, octets, header):
    "A destination that is in-line in full has its scope bits cleared in a FRAG1."
    if not header.m and not header.dac and header.dam == 0:
        octets[25] &= 0x3F


@in_first_fragments("frag1-dam01-flips", "RFC6282-3.1.1-30")
def _(node, octets, header):
    "Flips the U/L bit of an in-line destination IID in a FRAG1."
    if not header.m and not header.dac and header.dam == 1:
        octets[32] ^= 2


@in_first_fragments("frag1-dam10-swapped", "RFC6282-3.1.1-31")
def _(node, octets, header):
    "Swaps the 16 bits of a destination in a FRAG1."
    if not header.m and not header.dac and header.dam == 2:
        octets[38], octets[39] = octets[39], octets[38]


@in_first_fragments("frag1-sac10-no-fffe", "RFC6282-3.1.1-21")
def _(node, octets, header):
    "SAC=1 SAM=10 in a FRAG1 without 00ff:fe00."
    if header.sac and header.sam == 2:
        octets[16:22] = bytes(6)


@in_first_fragments("frag1-dac10-no-fffe", "RFC6282-3.1.1-35")
def _(node, octets, header):
    "DAC=1 DAM=10 in a FRAG1 without 00ff:fe00."
    if header.dac and not header.m and header.dam == 2:
        octets[32:38] = bytes(6)


@in_first_fragments("frag1-dac01-link", "RFC6282-3.1.1-34")
def _(node, octets, header):
    "DAC=1 DAM=01 in a FRAG1 takes the link-local prefix."
    if header.dac and not header.m and header.dam == 1:
        octets[24:32] = b"\xfe\x80" + bytes(6)


def group(dam: int, at: int, value: int) -> Callable:
    """The change that puts this octet into a group whose form is DAM=`dam`."""

    def change(_node, octets, header):
        if header.m and not header.dac and header.dam == dam:
            octets[at] = value

    return change


in_first_fragments(
    "frag1-group-128-scope",
    "RFC6282-3.1.1-37",
    what="A group that is in-line in full has scope 2 in a FRAG1.",
)(group(0, 25, 2))
in_first_fragments(
    "frag1-group-48-short",
    "RFC6282-3.1.1-38",
    what="The 48-bit form of a group loses its first octet of the group id in a FRAG1.",
)(group(1, 35, 0))
in_first_fragments(
    "frag1-group-32-scope",
    "RFC6282-3.1.1-39",
    what="The 32-bit form of a group has scope 2 in a FRAG1.",
)(group(2, 25, 2))


@in_first_fragments("frag1-group-prefix-lost", "RFC6282-3.1.1-41")
def _(node, octets, header):
    "M=1 DAC=1 in a FRAG1: does not take the prefix out of the context."
    if header.m and header.dac:
        octets[28:36] = bytes(8)


@in_first_fragments("frag1-p00-swapped", "RFC6282-4.3.3-03")
def _(node, octets, header):
    "P=00 in a FRAG1: the ports change places."
    if header.nhc & 0xFB == 0xF0:
        octets[40:44] = octets[42:44] + octets[40:42]


@in_first_fragments("frag1-p11-as-8-bits", "RFC6282-4.3.3-06")
def _(node, octets, header):
    "P=11 in a FRAG1: ports of 0xf00X."
    if header.nhc & 0xFB == 0xF3:
        octets[41] &= 0x0F
        octets[43] &= 0x0F


@in_first_fragments("frag1-second-extension-in-octets", "RFC6282-4.2-13")
def _(node, octets, header):
    "The length of a second compressed extension header in a FRAG1 counts octets."
    found = list(nhcs(header))
    at = 40 + 8 * (octets[41] + 1) if len(found) > 1 and found[0][0] & 0xFE != 0xE4 else 48
    if len(found) > 1 and found[1][0] & 0xFE != 0xE4 and len(octets) > at + 1:
        octets[at + 1] = 8 * octets[at + 1] + 6


@in_first_fragments("frag1-plain-udp-length", "RFC6282-4.2-11")
def _(node, octets, header):
    "UDP that stands as it is behind a compressed extension header in a FRAG1 gets the length of what is there."
    protocol, behind = in_line(header)
    at = len(octets) - (len(header.payload) - behind)
    if protocol == 17 and len(octets) >= at + 8:
        octets[at + 4 : at + 6] = (len(octets) - at).to_bytes(2, "big")


# -- an elided checksum -----------------------------------------------------------------------------------------


class ElidedInFirst(ReferenceNode):
    """A node that takes C=1 from everybody, and restores the checksum of a datagram in fragments in its own way."""

    def link_info(self, header):
        return replace(super().link_info(header), integrity=True)

    def reassemble(self, payload, info):
        self.heads = getattr(self, "heads", {})
        if payload[0] & 0xF8 == 0xC0:
            self.heads[payload[:4]] = payload
        packet = super().reassemble(payload, info)
        head = self.heads.get(bytes((payload[0] & 0xC7,)) + payload[1:4], b"")
        header = iphc(head[4:])
        if packet is None or header is None or header.nhc >> 2 != 0b111101 or len(packet) < 48:
            return packet
        return packet[:46] + self.restored(packet, len(head) - 5 - header.end) + packet[48:]

    def restored(self, packet: bytes, here: int) -> bytes:
        return packet[46:48]


@mutant("frag1-elided-checksum-of-frag1", requirement="RFC6282-4.3.2-09", kinds=IEEE802154)
class ElidedOfFirst(ElidedInFirst):
    """Restores an elided UDP checksum in a FRAG1 over what is there."""

    def restored(self, packet, here):
        message = packet[40:46] + b"\0\0" + packet[48 : 40 + here // 8 * 8]
        return ipv6.checksum(packet[8:24], packet[24:40], 17, message).to_bytes(2, "big")


@mutant("frag1-elided-checksum-zero", requirement="RFC6282-4.3.2-09", kinds=IEEE802154)
class ElidedZero(ElidedInFirst):
    """Leaves an elided UDP checksum zero where it was elided in a FRAG1."""

    def restored(self, packet, here):
        return b"\0\0"


# -- uncompressed in a FRAG1 ------------------------------------------------------------------------------------


def uncompressed_first(payload: bytes) -> bytes | None:
    """What an uncompressed FRAG1 has of the packet; None for any other payload."""
    return payload[5:] if payload[:1] and payload[0] >> 3 == 0x18 and payload[4:5] == b"\x41" else None


@reassembly("frag1-uncompressed-late-dropped", "RFC4944-5.3-19")
class UncompressedLateDropped(Reassembly):
    """Drops an uncompressed FRAG1 that comes behind another fragment."""

    def receive(self, payload, info, contexts, now):
        if uncompressed_first(payload) is not None and self.datagrams:
            raise DecodeError("unsupported", 4, None, "too late")
        return super().receive(payload, info, contexts, now)


@reads("frag1-uncompressed-options-dropped", requirement="RFC4944-5.1-05", kinds=IEEE802154)
def _(node, payload, header, info):
    "Drops an uncompressed FRAG1 with a Hop-by-Hop header."
    octets = uncompressed_first(payload)
    return None if octets is not None and octets[6:7] == b"\0" else payload


@reads("frag1-uncompressed-part-dropped", requirement="RFC4944-5.3-19", kinds=IEEE802154)
def _(node, payload, header, info):
    "Drops an uncompressed FRAG1 with a part of the IPv6 header."
    octets = uncompressed_first(payload)
    return None if octets is not None and len(octets) < 40 else payload


@mutant("frag1-uncompressed-part-crash", requirement="RFC4944-5.3-19", kinds=IEEE802154)
class UncompressedPartCrash(ReferenceNode):
    """Crashes on an uncompressed FRAG1 with a part of the IPv6 header."""

    def understand(self, payload, info):
        octets = uncompressed_first(payload)
        if octets is not None and len(octets) < 40:
            raise IndexError("beyond the fragment")
        return super().understand(payload, info)


@reassembly("frag1-uncompressed-traffic-lost", "RFC4944-5.1-05")
class UncompressedTrafficLost(Reassembly):
    """Clears the traffic class of an uncompressed packet in fragments."""

    def receive(self, payload, info, contexts, now):
        octets = uncompressed_first(payload)
        if octets is not None and len(octets) > 1:
            payload = payload[:5] + bytes((octets[0] & 0xF0, octets[1] & 0x0F)) + octets[2:]
        return super().receive(payload, info, contexts, now)


# -- company and order ------------------------------------------------------------------------------------------


@reassembly("frag-multicast-dropped", "RFC4944-5.3-18")
class MulticastDropped(Reassembly):
    """Puts no datagrams together that come in broadcasts."""

    def receive(self, payload, info, contexts, now):
        if payload[:1] and payload[0] & 0xD8 == 0xC0 and info.dst == BROADCAST:
            raise DecodeError("unsupported", 0, None, "a fragment in a broadcast")
        return super().receive(payload, info, contexts, now)


@reassembly("frag-tag-zero-dropped", "RFC4944-5.3-14")
class TagZeroDropped(Reassembly):
    """Takes tag 0 for a place that is free."""

    def take(self, key, size, begin, octets, first, now):
        return None if key[3] == 0 else super().take(key, size, begin, octets, first, now)


@reassembly("frag-tag-ffff-dropped", "RFC4944-5.3-14")
class TagLastDropped(Reassembly):
    """Takes tag 65535 for one that is not valid."""

    def take(self, key, size, begin, octets, first, now):
        return None if key[3] == 0xFFFF else super().take(key, size, begin, octets, first, now)


@reassembly("frag-no-timer-behind-an-overlap", "RFC4944-5.3-28")
class NoTimerBehindOverlap(Reassembly):
    """Has no timer for what begins anew behind an overlap."""

    overlapped = False

    def overlaps(self, datagram, begin, end):
        self.overlapped = super().overlaps(datagram, begin, end)
        return self.overlapped

    def open(self, key, size, first, now):
        datagram = super().open(key, size, first, now + 1e6 if self.overlapped else now)
        self.overlapped = False
        return datagram


@reassembly("frag-timer-added-behind-an-overlap", "RFC4944-5.3-29")
class TimerAddedBehindOverlap(Reassembly):
    """Adds a minute to the timer at an overlap: what begins anew at 50 s ends 110 s after the overlap."""

    overlapped = 0.0

    def overlaps(self, datagram, begin, end):
        found = super().overlaps(datagram, begin, end)
        self.overlapped = datagram.started + self.timeout if found else 0.0
        return found

    def open(self, key, size, first, now):
        started = max(now, self.overlapped)
        self.overlapped = 0.0
        return super().open(key, size, first, started)


@mutant("frag1-uncompressed-broadcast-dropped", requirement="RFC4944-5.1-05")
class UncompressedBroadcast(ReferenceNode):
    """Drops an uncompressed FRAG1 in a broadcast."""

    def reassemble(self, payload, info):
        if payload[0] >> 3 == 0x18 and payload[4:5] == b"\x41" and info.dst == BROADCAST:
            raise DecodeError("unsupported", 4, None, "an uncompressed first fragment to all")
        return super().reassemble(payload, info)
