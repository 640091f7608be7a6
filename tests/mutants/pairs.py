"""Nodes that get on badly with a right one: what the cases about two nodes must catch, each by one case at least."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6
from sixlowpan.addresses import is_multicast
from tests.mutants import PAIR, mutant, starts_with
from tests.mutants.wire import iphc


@mutant("pair-neighbour-by-two-octets", requirement="RFC4944-8-01", rig=PAIR)
class NeighbourByTwoOctets(ReferenceNode):
    """Keeps the first two octets of a neighbour's EUI-64 as its short address, as lwIP does."""

    def option_address(self, octets):
        return octets[:2]


@mutant("pair-full-frames-cut", requirement="RFC4944-5.3-02", rig=PAIR)
class FullFramesCut(ReferenceNode):
    """Cuts the last octet of a frame that is as long as a frame can be."""

    def hear(self, frame, now):
        return super().hear(frame[:-1] if len(frame) == 125 else frame, now)


@mutant("pair-1200-at-most", requirement="RFC4944-4-01", rig=PAIR)
class AtMost1200(ReferenceNode):
    """Has room for datagrams of 1200 octets."""

    def reassemble(self, payload, info):
        size = int.from_bytes(payload[:2], "big") & 0x7FF
        return None if size > 1200 else super().reassemble(payload, info)


@mutant("pair-ports-swapped", requirement="RFC6282-4.3.3-03", rig=PAIR)
class PortsSwapped(ReferenceNode):
    """Takes source and destination port of P=00 for each other."""

    def decode_payload(self, payload, info):
        packet, header = bytearray(super().decode_payload(payload, info)), iphc(payload)
        if header is not None and header.nhc >= 0 and header.nhc & 0xFB == 0xF0 and packet[6] == 17:
            packet[40:44] = packet[42:44] + packet[40:42]
        return bytes(packet)


@mutant("pair-group-to-one", requirement="RFC4944-3-02", rig=PAIR)
class GroupToOne(ReferenceNode):
    """Sends multicast datagrams to the one EUI-64 that it was told of when it was made."""

    def sent_info(self, packet, neighbour):
        to_one = is_multicast(packet[24:40]) and packet[6] == 17
        return super().sent_info(packet, self.link.tester if to_one else neighbour)


@mutant("pair-group-48", requirement="RFC6282-3.1.1-38", rig=PAIR)
class Group48(ReferenceNode):
    """Reads a group of 48 bits with its scope from the third octet."""

    def decode_payload(self, payload, info):
        packet, header = bytearray(super().decode_payload(payload, info)), iphc(payload)
        if header is not None and header.m and not header.dac and header.dam == 1:
            packet[25] = packet[35]
        return bytes(packet)


@mutant("pair-hop-limit-1", requirement="RFC6282-3.1.1-08", rig=PAIR)
class HopLimitOne(ReferenceNode):
    """Takes HLIM=01 for 64."""

    def decode_payload(self, payload, info):
        packet, header = bytearray(super().decode_payload(payload, info)), iphc(payload)
        if header is not None and header.hlim == 1:
            packet[7] = 64
        return bytes(packet)


@mutant("pair-context-ignored", requirement="RFC6282-3.1.1-14", rig=PAIR)
class ContextIgnored(ReferenceNode):
    """Puts fe80::/64 in place of a context."""

    def decode_payload(self, payload, info):
        packet, header = bytearray(super().decode_payload(payload, info)), iphc(payload)
        if header is not None and header.sac and header.sam:
            packet[8:16] = b"\xfe\x80" + bytes(6)
        return bytes(packet)


@mutant("pair-tags-once", requirement="RFC4944-5.3-18", rig=PAIR)
@starts_with(done=set())
class TagsOnce(ReferenceNode):
    """Takes no datagram with a tag that its sender had used before, so that who restarts is not understood."""

    def reassemble(self, payload, info):
        key = (info.src, payload[2:4])
        if key in self.done:
            return None
        packet = super().reassemble(payload, info)
        if packet is not None:
            self.done.add(key)
        return packet


@mutant("pair-deaf-behind-silence", requirement="RFC6282-2-04", rig=PAIR)
class DeafBehindSilence(ReferenceNode):
    """Hears nothing any more when nobody spoke for 40 seconds."""

    def boot(self):
        super().boot()
        self.heard = self.now

    def hear(self, frame, now):
        if now - self.heard > 40:
            return []
        self.heard = now
        return super().hear(frame, now)


@mutant("pair-holes-filled", requirement="RFC4944-5.3-20", rig=PAIR)
class HolesFilled(ReferenceNode):
    """Takes a datagram for whole when its last octet is there, whatever the medium lost in between."""

    def reassemble(self, payload, info):
        packet = super().reassemble(payload, info)
        if packet is None and payload[0] & 0x20:
            size, at = int.from_bytes(payload[:2], "big") & 0x7FF, payload[4] * 8
            open_ones = self.reassembler._datagrams
            key = next((key for key in open_ones if key[2] == size), None)
            if at + len(payload) - 5 == size and key is not None and open_ones[key].first is not None:
                return bytes(open_ones.pop(key).buffer)
        return packet


@mutant("pair-no-answer-above-600", requirement="RFC4443-4.2-01", rig=PAIR)
class NoAnswerAbove600(ReferenceNode):
    """Takes echoes of more than 600 octets, and answers none of them."""

    def echo(self, view, message):
        if len(message) <= 608:
            super().echo(view, message)


@mutant("pair-answer-of-1000", requirement="RFC4443-4.2-02", rig=PAIR)
class AnswerOf1000(ReferenceNode):
    """Returns 1000 octets of an echo's data at most, with a right checksum."""

    def echo_body(self, message):
        return super().echo_body(message)[:1004]


@mutant("pair-one-buffer-sent", requirement="RFC4443-2.3-01", rig=PAIR)
class OneBufferSent(ReferenceNode):
    """Sends 128 octets of a packet that fits one frame, as Zephyr does where it lies in two buffers."""

    def fragment_packet(self, packet, info):
        found = super().fragment_packet(packet, info)
        return found if len(found) > 1 else [found[0][: len(found[0]) - max(0, len(packet) - 128)]]


@mutant("pair-udp-checksum-of-255", requirement="RFC8200-8.1-01", rig=PAIR)
class UdpChecksumOf255(ReferenceNode):
    """Makes the checksum of a UDP datagram of its first 255 octets."""

    def udp_send(self, destination, source_port, destination_port, data):
        self.now = self.link.now()
        source = self.source_for(destination)
        message = bytearray(ipv6.udp(source_port, destination_port, data, source, destination))
        message[6:8] = ipv6.udp(source_port, destination_port, data[:247], source, destination)[6:8]
        self.output(ipv6.build(source, destination, ipv6.UDP, bytes(message)))


@mutant("pair-first-neighbour", requirement="RFC4944-8-01", rig=PAIR)
class FirstNeighbour(ReferenceNode):
    """Sends all that is unicast to the first neighbour whose link-layer address it was told."""

    first = b""

    def learn(self, address, link):
        self.first = self.first or link
        super().learn(address, self.first)


@mutant("pair-fragments-of-anybody", requirement="RFC4944-5.3-18", rig=PAIR)
class FragmentsOfAnybody(ReferenceNode):
    """Gives up a datagram when another sender's fragment of its tag comes."""

    def reassemble(self, payload, info):
        open_ones = self.reassembler._datagrams
        tag = int.from_bytes(payload[2:4])
        for key in [key for key in open_ones if key[3] == tag and key[0] != info.src]:
            del open_ones[key]
        return super().reassemble(payload, info)


@mutant("pair-fragments-of-one-length", requirement="RFC4944-5.3-16", rig=PAIR)
@starts_with(steps={})
class FragmentsOfOneLength(ReferenceNode):
    """Takes each further fragment for as long as the first of them, and puts the others where they then belong."""

    def reassemble(self, payload, info):
        if payload[0] & 0x20:
            at, length = payload[4] * 8, len(payload) - 5
            begin, step = self.steps.setdefault(info.src + payload[2:4], (at, length))
            at = begin + (at - begin + step - 1) // step * step
            payload = payload[:4] + bytes((at // 8 & 0xFF,)) + payload[5:]
        return super().reassemble(payload, info)
