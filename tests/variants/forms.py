"""Conforming senders and receivers: other fragments, forms, frames, and rooms for reassembly."""

from __future__ import annotations

import random
from dataclasses import replace

from rigs.links.memory.link import DUT_SHORT
from sixlowpan import Reassembler, encode, encodings, fragment, mac
from sixlowpan.addresses import BROADCAST, is_multicast
from tests.variants import ANY, ReferenceNode, variant
from tests.variants.sending import ShortSource, behind_the_first, cut_at, in_order, lawful, the, with_header
from tests.variants.timers import PutsOff

NO_TAP = ("ip_tap",)

# -- fragments ---------------------------------------------------------------------------------------------------------


@variant("fragments-of-40")
class FragmentsOf40(cut_at(45)):
    """Cuts what does not fit a frame into fragments of 40 octets."""


@variant("uneven-fragments")
class Uneven(behind_the_first((16, 8, 40, 24))):
    """A first fragment, then 16, 8, 40, 24 octets in turn: "multiples of eight bytes" (RFC 4944 §5.3)."""


@variant("last-fragment-first")
class LastFirst(in_order(lambda found: [found[-1], *found[:-1]])):
    """The last fragment first, then the others in order."""


@variant("first-fragment-last")
class FirstLast(in_order(lambda found: [*found[1:], found[0]])):
    """The first fragment last."""


@variant("first-fragment-twice")
class FirstTwice(in_order(lambda found: [found[0], *found])):
    """The first fragment twice, as who missed an acknowledgement."""


@variant("fragments-all-but-the-last-again")
class AllAgain(in_order(lambda found: [*found[:-1], *found])):
    """All fragments but the last, and then all: a datagram retried by an upper layer of the link."""


@variant("tags-of-all-neighbours-from-random")
class RandomStart(ReferenceNode):
    """A first tag by lot: RFC 4944 §5.3, "its initial value is not defined"."""

    def boot(self):
        super().boot()
        self.tag = random.Random(5).randrange(0x10000)


@variant("fragments-uncompressed-first")
class UncompressedFirst(ReferenceNode):
    """Sends what needs fragments uncompressed: a FRAG1 with 0x41 (RFC 4944 §5.1)."""

    def fragment_packet(self, packet, info):
        whole = b"\x41" + packet
        if len(self.encode_packet(packet, info)) <= self.room(info):
            return super().fragment_packet(packet, info)
        return fragment(packet, info, self.contexts, mtu=self.room(info), tag=self.next_tag(), payload=whole)


@variant("fragments-with-all-in-line")
class InLineFragments(the(lambda form, first, second: (len(form) > 90, not first & 4, len(form)))):
    """The longest IPHC form, in fragments, too."""


# -- reassembly --------------------------------------------------------------------------------------------------------


def kept(seconds: float, places: int = 4):
    class Keeping(ReferenceNode):
        def make_reassembler(self):
            return Reassembler(max_datagrams=places, timeout=seconds)

    return Keeping


@variant("timer-2s-declared", parameters={"reassembly_timeout": "2s"})
class Timer2(kept(2.0)):
    """Gives up a reassembly after 2 s: RFC 4944 §5.3 sets only a maximum."""


@variant("timer-20s", parameters={"reassembly_timeout": "20s"})
class Timer20(kept(20.0)):
    """Gives up a reassembly after 20 s."""


@variant("timer-59s", parameters={"reassembly_timeout": "59s"})
class Timer59(kept(59.0)):
    """Gives up a reassembly after 59 s."""


@variant("three-places-declared", parameters={"reassembly_slots": 3})
class ThreePlaces(kept(60.0, 3)):
    """Three places for reassembly; the oldest goes for a new one."""


@variant("eight-places-declared", parameters={"reassembly_slots": 8})
class EightPlaces(kept(60.0, 8)):
    """Eight places for reassembly."""


# -- forms -------------------------------------------------------------------------------------------------------------


@variant("source-in-line")
class SourceInLine(the(lambda form, first, second: (not second & 0x70, -len(form)))):
    """The source with all 128 bits (SAC=0 SAM=00), the rest as small as it goes."""


@variant("destination-in-line")
class DestinationInLine(the(lambda form, first, second: (not second & 0x07, -len(form)))):
    """The destination with all 128 bits (DAM=00)."""


@variant("tf-of-three-octets", rigs=ANY)
class TfOfThree(the(lambda form, first, second: (first >> 3 & 3 == 1, -len(form)))):
    """TF=01 wherever it can say it: ECN and flow label in-line."""


@variant("tf-of-one-octet", rigs=ANY)
class TfOfOne(the(lambda form, first, second: (first >> 3 & 3 == 2, -len(form)))):
    """TF=10 wherever it can say it: the traffic class in-line."""


@variant("forms-in-turn", rigs=ANY)
class InTurn(ReferenceNode):
    """The shortest form, then the longest, in turn."""

    turn = 0

    def encode_packet(self, packet, info):
        self.turn += 1
        forms = sorted((f for f in lawful(packet, info, self.contexts) if f[0] != 0x41), key=len)
        return forms[0] if self.turn % 2 else forms[-1]


@variant("uncompressed-at-times")
class UncompressedAtTimes(ReferenceNode):
    """Every third packet uncompressed: both are RFC 4944's (§5.1)."""

    turn = 0

    def encode_packet(self, packet, info):
        self.turn += 1
        return b"\x41" + packet if self.turn % 3 == 0 else super().encode_packet(packet, info)


@variant("no-context-for-destinations")
class NoDestinationContext(ReferenceNode):
    """Uses contexts for sources only: RFC 6282 §3.1.2 obliges no compressor."""

    def encode_packet(self, packet, info):
        forms = [f for f in encodings(packet, info, self.contexts) if f[0] >> 5 == 3 and not f[1] & 4]
        return min(forms, key=len) if forms else encode(packet, info, self.contexts)


@variant("context-identifier-octet-at-times")
class CidAtTimes(the(lambda form, first, second: (len(form) % 2 == 0, second & 0x80, -len(form)))):
    """A CID octet where that makes the length even."""


# -- frames ------------------------------------------------------------------------------------------------------------


@variant("short-source-no-tap", without=NO_TAP)
class ShortSourceNoTap(ShortSource):
    """Sends every frame from its short address, without a tap (RFC 4944 §3)."""


@variant("short-source-when-unicast")
class ShortWhenUnicast(ReferenceNode):
    """Unicast from its short address, multicast from its EUI-64."""

    def sent_info(self, packet, neighbour):
        return replace(super().sent_info(packet, neighbour), src=DUT_SHORT if neighbour else self.link.dut)


@variant("addresses-in-turn")
class AddressesInTurn(ReferenceNode):
    """Frames from the EUI-64 and from the short address in turn, packet by packet (RFC 4944 §3)."""

    turn = 0

    def sent_info(self, packet, neighbour):
        self.turn += 1
        return replace(super().sent_info(packet, neighbour), src=(DUT_SHORT, self.link.dut)[self.turn % 2])


@variant("frame-version-1-both-pans")
class Version1Both(with_header(version=1, pan_compression=False)):
    """Frame version 1 with both PAN ids."""


@variant("frame-version-2-ie-both-pans", strict=False)
class Version2Ie(with_header(version=2, header_ies=bytes.fromhex("803f"), ack_request=False)):
    """Frame version 2 with a header IE and no acknowledgement request (RFC 4944 §2 recommends one)."""


@variant("no-ack-request-for-fragments", strict=False)
class NoAckForFragments(ReferenceNode):
    """Asks for an acknowledgement of whole packets only: RFC 4944 §2, RECOMMENDED."""

    def mac_frame(self, payload, info):
        ask = info.dst != BROADCAST and payload[:1] < b"\xc0"
        return mac.data_frame(info.src, info.dst, self.link.pan, self.sequence, payload, ask)


@variant("one-sequence-number")
class OneSequence(with_header(sequence=0)):
    """The same sequence number in each frame: IEEE 802.15.4 leaves duplicates to the receiver, 6LoWPAN has no word."""


@variant("echo-of-1280-at-most")
class EchoLimit(ReferenceNode):
    """Takes no packet of more than 1280 octets: RFC 4944 §4, RFC 8200 §5."""

    def input(self, packet):
        if len(packet) <= 1280:
            super().input(packet)


@variant("multicast-answers-late", rig={"settle": "400ms"})
class MulticastLate(PutsOff):
    """Answers an echo to a group after a while (RFC 4443 §4.2; hosts spread answers), and all else at once."""

    def echo(self, view, message):
        if is_multicast(view.dst):
            self.later(0.25, super().echo, view, message)
        else:
            super().echo(view, message)
