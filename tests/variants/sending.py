"""Conforming senders: other legal forms of a packet, other fragments, other tags, other MAC headers."""

from __future__ import annotations

import random
from dataclasses import replace

from rigs.links.memory.link import DUT_SHORT
from sixlowpan import encode, encodings, fragment, fragment_header_n, ipv6, mac
from sixlowpan.addresses import ALL_NODES, BROADCAST
from sixlowpan.contexts import NO_CONTEXTS
from tests.variants import ANY, ROLES, ReferenceNode, variant


def lawful(packet, info, contexts):
    """Every form that a sender may choose; RFC 7668 §3.2.4 leaves no choice of how addresses go."""
    smallest = encode(packet, info, contexts)
    for form in encodings(packet, info, contexts):
        if info.kind != "ble" or (form[1] ^ smallest[1]) & 0x7F == 0:
            yield form


def the(best):
    """A node that sends the legal form for which best(form, first, second) is greatest."""

    class Choosing(ReferenceNode):
        def encode_packet(self, packet, info):
            forms = [f for f in lawful(packet, info, self.contexts) if f[0] != 0x41]
            return max(forms, key=lambda f: best(f, f[0], f[1]))

    return Choosing


@variant("uncompressed")
class Uncompressed(ReferenceNode):
    """Sends every packet uncompressed, behind 0x41 (RFC 4944 §5.1); it decompresses all forms."""

    def encode_packet(self, packet, info):
        return b"\x41" + packet


@variant("all-in-line")
class AllInLine(the(lambda form, first, second: (not first & 4, len(form)))):
    """The longest IPHC form: everything in-line, a CID octet, no NHC (RFC 6282 §3.1.1)."""


@variant("longest-on-ble", rigs=("reference-ble", *ROLES))
class LongestOnBle(the(lambda form, first, second: len(form))):
    """The longest form that RFC 7668 §3.2.4 allows."""


@variant("iids-in-line")
class IidsInLine(the(lambda form, first, second: (second >> 4 & 3 == 1, second & 11 == 1, -len(form)))):
    """64 bits of both addresses in-line, where there is such a form (SAM=01, DAM=01)."""


@variant("rsv-bits-set", rigs=ANY, strict=False)
class RsvBitsSet(the(lambda form, first, second: (not first & 0x18, -len(form)))):
    """TF=00 always, with ones in the bits called rsv: RFC 6282 §3.2.1 gives them no value (Contiki-NG)."""

    def encode_packet(self, packet, info):
        form = bytearray(super().encode_packet(packet, info))
        if not form[0] & 0x18:
            form[3 + (form[1] >> 7)] |= 0xA0
        return bytes(form)


@variant("cid-octet", rigs=ANY)
class CidOctet(the(lambda form, first, second: (second & 0x80, -len(form)))):
    """A CID octet always, mostly 0 (RFC 6282 §3.1.1)."""


@variant("tf-in-line", rigs=ANY)
class TfInLine(the(lambda form, first, second: (not first & 0x18, -len(form)))):
    """Traffic class and flow label in-line always (TF=00)."""


@variant("hop-limit-in-line", rigs=ANY)
class HopLimitInLine(the(lambda form, first, second: (not first & 3, -len(form)))):
    """The hop limit in-line always (HLIM=00)."""


@variant("no-nhc")
class NoNhc(the(lambda form, first, second: (not first & 4, -len(form)))):
    """Compresses no next header (NH=0)."""


@variant("no-short-ports", rigs=ANY)
class NoShortPorts(the(lambda form, first, second: (b"\xf0" in form[2:40], -len(form)))):
    """UDP ports in-line always (P=00), wherever that can be told."""


@variant("no-contexts-sent")
class NoContextsSent(ReferenceNode):
    """Understands contexts and sends without: RFC 6282 §3.1.2 obliges no compressor."""

    def encode_packet(self, packet, info):
        return encode(packet, info, NO_CONTEXTS)


@variant("any-form", rigs=(*ANY, *ROLES))
class AnyForm(ReferenceNode):
    """Every time another legal form, by lot."""

    def boot(self):
        super().boot()
        self.random = random.Random(7)

    def encode_packet(self, packet, info):
        return self.random.choice(list(lawful(packet, info, self.contexts)))


@variant("hc1-sender", strict=False)
class Hc1Sender(ReferenceNode):
    """Sends HC1 with all in-line: RFC 6282 §2, "SHOULD NOT be used"; RFC 4944 §10.1."""

    def encode_packet(self, packet, info):
        if any(packet[1:4]) or packet[0] & 15 or packet[24] == 0xFF:
            return super().encode_packet(packet, info)
        kind = {17: 1, 58: 2, 6: 3}.get(packet[6])
        if kind is None:
            return super().encode_packet(packet, info)
        return bytes((0x42, 0x08 | kind << 1, packet[7])) + packet[8:40] + packet[40:]


@variant("short-source")
class ShortSource(ReferenceNode):
    """Sends every frame from its short address: RFC 4944 §3 leaves the choice."""

    def sent_info(self, packet, neighbour):
        return replace(super().sent_info(packet, neighbour), src=DUT_SHORT)


@variant("long-source")
class LongSource(ReferenceNode):
    """Sends every frame from its EUI-64."""

    def sent_info(self, packet, neighbour):
        return replace(super().sent_info(packet, neighbour), src=self.link.dut)


# -- fragments ----------------------------------------------------------------------------------------------------


def cut_at(room: int):
    class Cutting(ReferenceNode):
        def fragment_packet(self, packet, info):
            payload = self.encode_packet(packet, info)
            if len(payload) <= self.room(info):
                return [payload]
            return fragment(packet, info, self.contexts, mtu=room, tag=self.next_tag(), payload=payload)

    return Cutting


@variant("small-fragments")
class SmallFragments(cut_at(61)):
    """Cuts what does not fit a frame into fragments of 56 octets and less (RFC 4944 §5.3 sets no least size)."""


def behind_the_first(steps):
    """A node that sends first fragments as large as a frame, and then so many octets in turn."""

    class Cutting(ReferenceNode):
        def fragment_packet(self, packet, info):
            found = super().fragment_packet(packet, info)
            if len(found) == 1:
                return found
            size, tag = int.from_bytes(found[0][:2]) & 0x7FF, int.from_bytes(found[0][2:4])
            at, sent = found[1][4] * 8, [found[0]]
            while at < len(packet):
                step = steps[len(sent) % len(steps)]
                sent.append(fragment_header_n(size, tag, at // 8) + packet[at : at + step])
                at += step
            return sent

    return Cutting


@variant("fragments-of-8")
class FragmentsOf8(behind_the_first((8,))):
    """A first fragment as large as a frame, then 8 octets at a time: RFC 4944 §5.3, "multiples of eight bytes"."""


def in_order(order):
    class Ordering(ReferenceNode):
        def fragment_packet(self, packet, info):
            found = super().fragment_packet(packet, info)
            return order(found) if len(found) > 1 else found

    return Ordering


@variant("fragments-reversed")
class Reversed(in_order(lambda found: found[::-1])):
    """The last fragment first: RFC 4944 §5.3 asks for no order."""


@variant("fragments-shuffled")
class Shuffled(in_order(lambda found: random.Random(len(found)).sample(found, len(found)))):
    """Fragments in any order."""


@variant("fragments-doubled")
class Doubled(in_order(lambda found: [f for f in found for _ in range(2)][:-1])):
    """Every fragment but the last twice, as a link-layer has it that missed its acknowledgements."""


@variant("tag-from-ffff")
class TagFromFfff(ReferenceNode):
    """Its first tag is 0xFFFF, then it wraps to 0: RFC 4944 §5.3, "its initial value is not defined"."""

    def boot(self):
        super().boot()
        self.tag = 0xFFFE


@variant("tag-for-each-neighbour")
class TagForEach(ReferenceNode):
    """Counts tags for each neighbour, from 0x7FFF: successive datagrams to one have successive tags."""

    def boot(self):
        super().boot()
        self.tags: dict[bytes, int] = {}

    def fragment_packet(self, packet, info):
        self.tag = self.tags.get(info.dst, 0x7FFE)
        found = super().fragment_packet(packet, info)
        self.tags[info.dst] = self.tag
        return found


@variant("fragments-amid-talk")
class AmidTalk(ReferenceNode):
    """Puts fragments of a multicast of its own between those of its answer: RFC 4944 §5.3, tags tell them apart."""

    def transmit(self, packet, neighbour):
        at = len(self._out)
        super().transmit(packet, neighbour)
        mine = self._out[at:]
        if len(mine) < 2:
            return
        del self._out[at:]
        message = ipv6.udp(5683, 5683, bytes(range(200)), self.own[0], ALL_NODES)
        super().transmit(ipv6.build(self.own[0], ALL_NODES, ipv6.UDP, message), b"")
        others = self._out[at:]
        del self._out[at:]
        while mine or others:
            self._out += mine[:1] + others[:1]
            mine, others = mine[1:], others[1:]


# -- MAC ----------------------------------------------------------------------------------------------------------


def with_header(**fields):
    class Framing(ReferenceNode):
        def mac_frame(self, payload, info):
            header = mac.MacHeader(
                ack_request=info.dst != BROADCAST,
                pan_compression=True,
                version=0,
                sequence=self.sequence,
                dst_pan=self.link.pan,
                dst=info.dst,
                src_pan=self.link.pan,
                src=info.src,
            )
            header = replace(header, **fields)
            if header.version == 2 and header.pan_compression and len(info.dst) == len(info.src) == 8:
                header = replace(
                    header, pan_compression=False
                )  # Table 7-2: so the destination's PAN id is there
            return mac.build(header, payload)

    return Framing


@variant("frame-pending")
class FramePending(with_header(pending=True)):
    """Sets Frame Pending in all frames (IEEE 802.15.4-2006 §7.2.1.1.3)."""


@variant("no-ack-request", strict=False)
class NoAckRequest(with_header(ack_request=False)):
    """Asks for no acknowledgement: RFC 4944 §2 only recommends it."""


@variant("frame-version-1")
class FrameVersion1(with_header(version=1)):
    """Frame version 1 (IEEE 802.15.4-2006)."""


@variant("frame-version-2")
class FrameVersion2(with_header(version=2)):
    """Frame version 2 (IEEE 802.15.4-2015, Table 7-2)."""


@variant("frame-version-2-ie")
class FrameVersion2Ie(with_header(version=2, header_ies=bytes.fromhex("803f"))):
    """Frame version 2 with a header IE, Header Termination 2 (IEEE 802.15.4-2015 §7.4)."""


@variant("frame-version-2-no-sequence", strict=False)
class FrameVersion2NoSequence(with_header(version=2, sequence=None, ack_request=False)):
    """Frame version 2 without a sequence number (IEEE 802.15.4-2015 §7.2.1.8)."""


@variant("source-pan")
class SourcePan(with_header(pan_compression=False)):
    """Both PAN ids in all frames."""


def sends_times(times):
    """A node that sends every unicast frame so many times."""

    class Sending(ReferenceNode):
        def transmit(self, packet, neighbour):
            at = len(self._out)
            super().transmit(packet, neighbour)
            if neighbour:
                self._out[at:] = [frame for frame in self._out[at:] for _ in range(times)]

    return Sending


@variant("retransmits")
class Retransmits(sends_times(4)):
    """Sends every frame four times, with one sequence number, as nobody acknowledges it (IEEE 802.15.4 §7.5.6.4.3)."""


@variant("silent-acks")
class SilentAcks(ReferenceNode):
    """Its acknowledgements are the radio's, and the tester never sees one."""

    def receive_frame(self, frame):
        super().receive_frame(frame)
        self._out = [(to, out) for to, out in self._out if out[0] & 7 != 2]


@variant("mac-talk")
class MacTalk(ReferenceNode):
    """Beacons, beacon requests, data requests and acknowledgements around every packet."""

    def transmit(self, packet, neighbour):
        pan = self.link.pan[::-1]
        beacon = bytes((0x00, 0x80, 7)) + pan + b"\x01\0" + bytes.fromhex("ffcf0000")
        poll = bytes((0x63, 0x88, 8)) + pan + b"\x02\0\x01\0\x04"
        request = bytes((0x03, 0x08, 9)) + b"\xff\xff\xff\xff\x07"
        self._out += [(b"", beacon), (b"", poll), (b"", request)]
        super().transmit(packet, neighbour)
        self._out += [(b"", mac.ack(9)), (b"", beacon)]


@variant("crowded-channel")
class Crowded(ReferenceNode):
    """Nobody's fault: another PAN, a secured network and a node of another kind speak on its channel as well."""

    def transmit(self, packet, neighbour):
        eui, other = bytes.fromhex("02005efffe0000aa"), b"\x77\x77"
        strange = mac.data_frame(eui, b"\0\x02", other, 3, bytes.fromhex("7fff00112233"))
        secured = mac.build(
            mac.MacHeader(
                mac.DATA,
                True,
                False,
                False,
                True,
                1,
                4,
                self.link.pan,
                b"\0\x02",
                self.link.pan,
                eui,
                5,
                77,
                b"\x01",
                b"",
                bytes(4),
            ),
            bytes.fromhex("9933aa55c0ffee"),
        )
        zigbee = mac.data_frame(b"\0\x05", BROADCAST, self.link.pan, 5, bytes.fromhex("0912fcff0000"))
        self._out += [(b"", strange), (b"", secured), (b"", zigbee)]
        super().transmit(packet, neighbour)
        self._out += [(b"", secured), (b"", strange), (b"", zigbee)]
