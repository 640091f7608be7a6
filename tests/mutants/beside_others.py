"""Mutants that are wrong only beside something else: another sender, address, PAN, tag or header.

What each of them gets wrong there, they get right alone.
"""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, mac, mesh
from sixlowpan.addresses import BROADCAST, link_local
from tests.mutants import ANY, IEEE802154, mutant, reads, starts_with
from tests.mutants.fragment_values import leaks
from tests.mutants.fragments import reassembly
from tests.mutants.wire import Reassembly, iphc

# -- of what came before ------------------------------------------------------------------------------------------


@mutant("elided-source-of-the-open-datagram", requirement="RFC6282-3.1.1-18", kinds=IEEE802154)
class OpenDatagram(ReferenceNode):
    """While a datagram is incomplete, an elided source in a whole packet is that of the fragments' sender."""

    fragments_of = b""

    def reassemble(self, payload, info):
        if payload[0] >= 0xC0:
            self.fragments_of = info.src
        return super().reassemble(payload, info)

    def decode_payload(self, payload, info):
        if self.reassembler.pending and self.fragments_of:
            info = replace(info, src=self.fragments_of)
        return super().decode_payload(payload, info)


@starts_with(last={})
@mutant("elided-destination-of-the-frame-before", requirement="RFC6282-3.1.1-32", kinds=IEEE802154)
class DestinationBefore(ReferenceNode):
    """Behind a frame to its other address it takes that for an elided destination, once."""

    def decode_payload(self, payload, info):
        before, self.last[info.src] = self.last.get(info.src, info.dst), info.dst
        if BROADCAST not in {before, info.dst} and len(before) != len(info.dst):
            info = replace(info, dst=before)
        return super().decode_payload(payload, info)


@mutant("hop-limit-of-a-refused-packet", requirement="RFC6282-3.1.1-07", kinds=ANY)
class RefusedHopLimit(ReferenceNode):
    """HLIM=00 behind a packet that was refused has the hop limit of that one."""

    left: int | None = None

    def understand(self, payload, info):
        header = iphc(payload)
        in_line = header is not None and header.hlim == 0 and header.hlim_at < len(payload)
        try:
            packet = super().understand(payload, info)
        except DecodeError:
            self.left = payload[header.hlim_at] if header is not None and in_line else self.left
            raise
        if packet is not None and in_line and self.left is not None:
            packet, self.left = packet[:7] + bytes((self.left,)) + packet[8:], None
        return packet


@mutant("deaf-behind-foreign-fragments", requirement="RFC4944-5.3-18", kinds=IEEE802154)
class ForeignFragments(ReferenceNode):
    """Counts fragments that are for others, and puts nothing together behind eight of them."""

    others = 0

    def receive_frame(self, frame):
        header, payload = self.parse_mac(frame)
        fragment = payload[:1] >= b"\xc0"
        self.others += fragment and not self.accepts(header)
        if self.others < 8 or not fragment:
            super().receive_frame(frame)


# -- of fragments -------------------------------------------------------------------------------------------------


@reassembly("frag-tag-0-beside-65535-dropped", "RFC4944-5.3-14")
class AfterWrap(Reassembly):
    """Takes tag 0 for an older one than 65535, and drops it while that one is incomplete."""

    def open(self, key, size, first, now):
        if key[-1] == 0 and any(other[0] == key[0] and other[-1] == 0xFFFF for other in self.datagrams):
            return None
        return super().open(key, size, first, now)


@mutant("frag-to-a-given-address-dropped", requirement="RFC4944-4-02", kinds=IEEE802154)
class GivenAddress(ReferenceNode):
    """Drops a fragmented datagram for an IPv6 address that it was given later."""

    def reassemble(self, payload, info):
        packet = super().reassemble(payload, info)
        given = packet is not None and payload[0] >= 0xC0 and packet[24:40] in self.own[2:]
        return None if given else packet


@mutant("frag-of-any-pan", requirement="RFC4944-3-03", kinds=IEEE802154)
class FragmentsOfAnyPan(ReferenceNode):
    """Does not look at the PAN id of a frame with a later fragment."""

    later = False

    def parse_mac(self, frame):
        header, payload = super().parse_mac(frame)
        self.later = bool(payload) and payload[0] >> 3 == 0b11100
        return header, payload

    def accepts(self, header):
        if self.later and header.type == mac.DATA:
            header = replace(header, dst_pan=self.link.pan)
        return super().accepts(header)


@leaks("frag-leak-version")
def _(node, payload, packet, error):
    """Loses the place of an uncompressed FRAG1 whose version is not 6."""
    return error is not None and error.requirement == "RFC4944-5.1-05"


@leaks("frag-leak-ghc")
def _(node, payload, packet, error):
    """Loses the place of a FRAG1 whose GHC cannot be read."""
    return error is not None and (error.requirement or "").startswith("RFC7400")


@leaks("frag-leak-alone-in-frag1")
def _(node, payload, packet, error):
    """Loses the place of a datagram that is whole in its FRAG1."""
    whole = packet is not None and int.from_bytes(payload[:2]) & 0x7FF == len(packet)
    return whole and payload[0] >> 3 == 0b11000 and len(packet) < 100


@leaks("frag-leak-behind-mesh")
def _(node, payload, packet, error):
    """Loses the place of each datagram that came behind mesh headers."""
    return packet is not None and payload[0] >> 6 == 0b10


# -- behind a mesh header -----------------------------------------------------------------------------------------


class MeshedFirst(Reassembly):
    """Knows the frame in which a fragment came."""

    def receive(self, payload, info, contexts, now):
        self.frame, self.info = payload, info
        return super().receive(payload, info, contexts, now)


@reassembly("frag1-behind-mesh-context-elided-mac", "RFC6282-3.1.1-22")
class ContextElidedMac(MeshedFirst):
    """SAC=1 SAM=11 in a FRAG1 behind a mesh header takes the MAC source in place of the originator."""

    def take(self, key, size, begin, octets, first, now):
        at, _ = mesh.unwrap(self.frame, self.info)
        header = iphc(self.frame[at + 4 :]) if first and at else None
        if header is not None and header.sac and header.sam == 3:
            octets = octets[:16] + link_local(self.info.src)[8:] + octets[24:]
        return super().take(key, size, begin, octets, first, now)


@reads("ghc-in-frag1-behind-mesh-dropped", requirement="RFC7400-3.1-02", kinds=IEEE802154)
def _(node, payload, header, info):
    """Drops a FRAG1 with ICMPv6 by GHC behind a mesh header."""
    at, _ = mesh.unwrap(payload, info)
    inner = iphc(payload[at + 4 :]) if at and payload[at] >> 3 == 0b11000 else None
    return None if inner is not None and inner.nhc == 0xDF else payload


@starts_with(packed=set())
@mutant("fragn-of-ghc-is-ghc", requirement="RFC6282-2-06", kinds=IEEE802154)
class FragnOfGhc(ReferenceNode):
    """Behind a FRAG1 by GHC it takes the other fragments for bytecode: they come out as zeros."""

    def reassemble(self, payload, info):
        key = payload[0] & 7, payload[1:4], info.src
        header = iphc(payload[4:])
        if payload[0] >> 3 == 0b11000 and header is not None and header.nhc in {0xD0, 0xDF}:
            self.packed.add(key)
        elif payload[0] >> 3 == 0b11100 and key in self.packed:
            payload = payload[:5] + bytes(len(payload) - 5)
        return super().reassemble(payload, info)


# -- its own output -----------------------------------------------------------------------------------------------


@mutant("own-broadcast-asks-ack", requirement="RFC4944-2-02", kinds=IEEE802154)
class BroadcastAsks(ReferenceNode):
    """Asks for acknowledgements of its broadcasts, which nobody may give (IEEE 802.15.4)."""

    def mac_frame(self, payload, info):
        return mac.data_frame(info.src, info.dst, self.link.pan, self.sequence, payload, True)
