"""Conforming nodes whose radio sends much beside their answers: other frames, for others, of later texts."""

from __future__ import annotations

import random
from dataclasses import replace

from sixlowpan import Context, Contexts, encode, fragment, ipv6, mac
from sixlowpan.addresses import ALL_NODES, BROADCAST
from tests.variants import ReferenceNode, variant
from tests.variants.sending import with_header

PARENT = bytes.fromhex("00124b00aabbccdd")
CHILD = bytes.fromhex("00124b0011223344")
PARENT_ADDRESS = bytes.fromhex("fe8000000000000002124b00aabbccdd")


class Beside(ReferenceNode):
    """Sends frames of its own beside each packet; `behind` says on which side."""

    behind = False
    said = 0

    def transmit(self, packet, neighbour):
        if not self.behind:
            self.say()
        super().transmit(packet, neighbour)
        if self.behind:
            self.say()

    def say(self):
        self.said += 1
        self._out += [(b"", frame) for frame in self.frames_beside()]

    def frames_beside(self):
        """The frames."""
        raise NotImplementedError

    def header(self, **fields):
        self.sequence = (self.sequence + 1) & 0xFF
        usual = mac.MacHeader(
            pan_compression=True,
            version=0,
            sequence=self.sequence,
            dst_pan=self.link.pan,
            dst=BROADCAST,
            src_pan=self.link.pan,
            src=self.link.dut,
        )
        return replace(usual, **fields)

    def to(self, there, payload, **fields):
        return mac.build(self.header(dst=there, **fields), payload)


@variant("null-data-frames")
class NullData(Beside):
    """Sends data frames without a payload, to all and to its parent: no 6LoWPAN is in them (RFC 4944 §5)."""

    def frames_beside(self):
        return [self.to(BROADCAST, b""), self.to(PARENT, b"", ack_request=True)]


@variant("frames-of-2015")
class Of2015(Beside):
    """Sends enhanced beacons, multipurpose and fragment frames: IEEE 802.15.4-2015 §7.2.1.1, frame types 0, 5, 6."""

    def frames_beside(self):
        pan, eui = self.link.pan[::-1], self.link.dut[::-1]
        enhanced = (
            bytes.fromhex("40ea2a") + pan + b"\xff\xff" + eui + bytes.fromhex("003f0888061a010203040500")
        )
        return [enhanced, bytes.fromhex("a52bffff") + eui[:2] + b"\x41\x60", bytes.fromhex("06000103")]


@variant("two-pans")
class TwoPans(Beside):
    """Is in another PAN as well, with the same address, tags and numbers: that is another link (RFC 4944 §3)."""

    def frames_beside(self):
        other = b"\x12\x34"
        packet = ipv6.echo_request(self.own[0], PARENT_ADDRESS, 7, self.said & 0xFFFF, bytes(range(180)))
        info = self.sent_info(packet, PARENT)
        tag = self.tag + 1 & 0xFFFF
        cut = fragment(packet, info, Contexts(), mtu=80, tag=tag)
        where = {"dst_pan": other, "src_pan": other}
        return [self.to(BROADCAST, b"\x60\x00", **where), *(self.to(PARENT, p, **where) for p in cut[:2])]


@variant("context-of-another-link-neighbour")
class OthersContext(Beside):
    """Shares context 13 with its parent and with nobody else: RFC 6282 §3.1.2 leaves it open how it is shared."""

    def frames_beside(self):
        there = bytes.fromhex("20010db8cafe0013") + PARENT_ADDRESS[8:]
        known = Contexts().with_context(13, Context(there[:8] + bytes(8), 64))
        source = there[:8] + self.own[0][8:]
        data = ipv6.udp(5683, 5683, b"\x40\x02", source, there)
        packet = ipv6.build(source, there, ipv6.UDP, data)
        return [self.to(PARENT, encode(packet, self.sent_info(packet, PARENT), known), ack_request=True)]


@variant("secured-to-its-parent")
class SecuredToParent(Beside):
    """Secures what it sends to its parent, and nothing of what it sends to the tester: RFC 4944 §13 leaves it open."""

    def frames_beside(self):
        fields = {"security": True, "security_control": 0x0D, "key_id": b"\x01", "mic": bytes(4)}
        return [
            self.to(PARENT, bytes.fromhex("9933aa55c0ffee"), version=1, frame_counter=self.said, **fields)
        ]


@variant("forwards-in-mesh-for-others")
class Forwards(Beside):
    """Forwards frames of others in mesh headers, some of which hold no IPv6 it knows: RFC 4944 §11, "forwards"."""

    def frames_beside(self):
        header = b"\x83" + CHILD + PARENT
        return [
            self.to(PARENT, header + inner, ack_request=True)
            for inner in (b"\x60\x00\x3a", bytes.fromhex("c123000142"), b"\x7f\x01\x02", b"\xf7\x33")
        ]


@variant("floods-broadcasts-of-others")
class Floods(Beside):
    """Sends the broadcasts of others on, in mesh headers: RFC 4944 §11.1, "controlled flooding"."""

    def frames_beside(self):
        packet = ipv6.echo_request(PARENT_ADDRESS, ALL_NODES, 5, self.said & 0xFFFF, b"flood")
        info = replace(self.sent_info(packet, b""), src=PARENT)
        header = b"\x92" + PARENT + BROADCAST + bytes((0x50, self.said & 0xFF))
        return [self.to(BROADCAST, header + encode(packet, info, Contexts()))]


@variant("speaks-later-dispatches")
class Later(Beside):
    """Speaks RFC 8931 (RFRAG and its ACK), RFC 8138 (6LoRH) and ESC extensions (RFC 8066) with its parent."""

    def frames_beside(self):
        recoverable = bytes.fromhex("e8010000003c") + b"\x60\x00" + bytes(20)
        acknowledged = bytes.fromhex("ea01ffffffff")
        routed = bytes.fromhex("f1a10500") + bytes.fromhex("7a333a") + bytes(8)
        escaped = bytes.fromhex("4040") + bytes(6)
        return [
            self.to(PARENT, one, ack_request=True) for one in (recoverable, acknowledged, routed, escaped)
        ]


@variant("gives-up-datagrams-of-its-own")
class GivesUp(Beside):
    """Begins datagrams to its parent that it gives up, as one does whose frame was acknowledged by nobody."""

    def frames_beside(self):
        packet = ipv6.echo_request(self.own[0], PARENT_ADDRESS, 7, self.said & 0xFFFF, bytes(300))
        cut = fragment(packet, self.sent_info(packet, PARENT), Contexts(), mtu=100, tag=self.next_tag())
        return [self.to(PARENT, cut[0], ack_request=True)]


@variant("associates-others")
class Associates(Beside):
    """Is a coordinator: association responses, coordinator realignments and GTS requests, some secured, and beacons."""

    behind = True

    def frames_beside(self):
        command = bytes.fromhex("02cdab00")
        return [
            self.to(CHILD, command, type=mac.COMMAND, ack_request=True),
            self.to(BROADCAST, b"\x08" + self.link.pan[::-1] + b"\0\0\x0b\xff\xff", type=mac.COMMAND),
            mac.build(replace(self.header(type=0), pan_compression=False, dst=b"", dst_pan=None), bytes(4)),
        ]


@variant("sequence-numbers-by-lot")
class ByLot(ReferenceNode):
    """Draws the sequence number of each frame by lot: IEEE 802.15.4 has it begin by lot, 6LoWPAN says nothing."""

    def boot(self):
        super().boot()
        self.draw = random.Random(11)

    def frame(self, payload, info):
        self.sequence = self.draw.randrange(256)
        return self.mac_frame(payload, info)


@variant("frame-version-2-payload-ie")
class PayloadIe(with_header(version=2, header_ies=bytes.fromhex("003f0390aabbcc00f8"))):
    """Frame version 2 with a vendor's payload IE in front of the payload (IEEE 802.15.4-2015 §7.4.3)."""


@variant("frame-headers-in-turn")
class HeadersInTurn(ReferenceNode):
    """Versions 0, 1 and 2, one and both PAN ids, Frame Pending set and not, frame by frame."""

    turn = 0

    def mac_frame(self, payload, info):
        self.turn += bool(payload)
        kind = self.turn % 4
        header = mac.MacHeader(
            ack_request=info.dst != BROADCAST,
            pan_compression=kind == 0,
            pending=kind == 3,
            version=(0, 1, 2, 0)[kind],
            sequence=self.sequence,
            dst_pan=self.link.pan,
            dst=info.dst,
            src_pan=self.link.pan,
            src=info.src,
        )
        if header.version == 2 and len(info.src) == len(info.dst) == 8:
            header = replace(header, pan_compression=False, src_pan=None)
        return mac.build(header, payload)

    def room(self, info):
        return self.link.mtu - 3 - 4 - len(info.src) - len(info.dst)


@variant("short-frames", strict=False)
class ShortFrames(ReferenceNode):
    """Keeps its frames below 81 octets, so that there is room for security: RFC 4944 §4, "leaving only 81 octets"."""

    def room(self, info):
        return 81 - len(self.mac_frame(b"", info))


@variant("acknowledges-and-repeats-beside")
class Ghosts(Beside):
    """Acknowledges frames that others sent, and repeats its own last frame for a neighbour that did not hear it."""

    last = b""

    def frames_beside(self):
        again = [self.last] if self.last else []
        self.last = self.to(PARENT, b"\x7a\x33\x3b", ack_request=True)  # No Next Header
        return [mac.ack(self.said & 0xFF), *again, self.last]


def segment(source, there, flags, data=b""):
    """A packet with a segment of TCP from port 49152 to MQTT's (RFC 9293 §3.1)."""
    ports, window = bytes.fromhex("c000 075b"), bytes.fromhex("0400 0000 0000")
    message = bytearray(ports + bytes(8) + bytes((0x50, flags)) + window + data)
    message[16:18] = ipv6.checksum(source, there, ipv6.TCP, bytes(message)).to_bytes(2)
    return ipv6.build(source, there, ipv6.TCP, bytes(message))


@variant("tcp-of-its-own")
class OwnTcp(Beside):
    """Asks whoever it speaks to for a connection, and has one with its parent (RFC 9293 §3.5): nobody made it."""

    def transmit(self, packet, neighbour):
        super().transmit(packet, neighbour)
        if packet[24] != 0xFF and packet[8] == 0xFE:
            ReferenceNode.transmit(self, segment(packet[8:24], packet[24:40], 0x02), neighbour)

    def frames_beside(self):
        packet = segment(self.own[0], PARENT_ADDRESS, 0x18, b"\xc0\0")
        return [self.to(PARENT, encode(packet, self.sent_info(packet, PARENT), Contexts()), ack_request=True)]
