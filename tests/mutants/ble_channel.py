"""Mutants of the L2CAP channel that RFC 7668 runs on: service, MTU, segmentation and credits."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rigs.nodes.reference.ble import Ble, NodeChannel
from rigs.nodes.reference.node import ReferenceNode
from tests.mutants import BLE, Node, mutant, step
from tests.variants.channel_ends import AnswersAnother

CHANNEL = "RFC7668-2.4-01"
SERVICE = "RFC7668-2-01"


@partial(step, kinds=BLE, requirement=CHANNEL)
def channel(end: Callable) -> Node:
    """Register a node whose end of the channel is the decorated class."""

    class Node(ReferenceNode):
        channel_class = end

    return Node


def grants(count, base=NodeChannel):
    """An end that gives so many credits for each SDU that came, beside those that `base` gives."""

    class Granting(base):
        def _heard_k_frame(self, pdu):
            super()._heard_k_frame(pdu)
            if self.state == "open" and self._coming is None:
                self.grant(count)

    return Granting


def terms(id, requirement, what, **changed):
    """Register a node that offers other terms."""

    class Node(ReferenceNode):
        terms = replace(Ble.terms, **changed)

    mutant(id, requirement=requirement, kinds=BLE, what=what)(Node)


# -- the service ------------------------------------------------------------------------------------------------


@channel("ble-asks-another-spsm", SERVICE)
class AsksAnother(NodeChannel):
    """Asks for SPSM 0x0025 when it is the central."""

    def ask(self):
        self.spsm = 0x0025
        super().ask()


@channel("ble-any-spsm", SERVICE)
class AnySpsm(AnswersAnother):
    """Gives a channel to whoever asks for any SPSM."""

    answer = (0x0061, 1280, 247, 5, 0)


@channel("ble-spsm-unanswered", SERVICE)
class Unanswered(NodeChannel):
    """Answers no request for an SPSM that it does not serve."""

    def _heard_signal(self, pdu):
        if pdu[:1] == b"\x14" and pdu[4:6] != b"\x23\x00":
            return True
        return super()._heard_signal(pdu)


@mutant("ble-credits-on-its-first-connection", requirement=SERVICE, kinds=BLE)
class CreditsOnce(ReferenceNode):
    """Gives credits on its first connection only: it does not get them back when that ends."""

    def make_channel(self, peer, send):
        end = super().make_channel(peer, send)
        end.terms = replace(end.terms, credits=0 if self.connections else end.terms.credits)
        return end


@mutant("ble-refuses-after-connecting", requirement=SERVICE, defect="LINUX-6LOWPAN-CONTROL", kinds=BLE)
class RefusesAfterConnecting(ReferenceNode):
    """Refuses the channel once it has asked for one itself, until it is told to serve it again."""

    serving = True

    def serve(self):
        self.serving = True

    def make_channel(self, peer, send):
        made = super().make_channel(peer, send)
        made.listening, ask = self.serving, made.ask

        def asking():
            self.serving = False
            ask()

        made.ask = asking
        return made


@mutant("ble-no-ipss", requirement="RFC7668-3.1-01", kinds=BLE)
class NoIpss(ReferenceNode):
    """Has no Internet Protocol Support Service in its GATT server."""

    def services(self):
        return ["1800", "1801"]


# -- MTU --------------------------------------------------------------------------------------------------------

terms("ble-mtu-512", CHANNEL, "Offers an MTU of 512.", mtu=512)
terms("ble-mtu-1279", CHANNEL, "Offers an MTU of 1279.", mtu=1279)
terms("ble-mtu-1500", "RFC7668-3.2-01", "Offers an MTU of 1500.", mtu=1500)


@channel("ble-sdu-over-mtu-crash", defect="ZEPHYR-115136")
class OverMtuCrash(NodeChannel):
    """Writes beyond its buffer when an SDU is longer than its MTU."""

    def _heard_k_frame(self, pdu):
        if self._coming is None and int.from_bytes(pdu[:2], "little") > self.terms.mtu:
            raise IndexError("beyond the buffer")
        super()._heard_k_frame(pdu)


@channel("ble-larger-mtu-refused", "RFC7668-2.4-02")
class LargerMtuRefused(NodeChannel):
    """Sends nothing of more than 600 octets to a peer whose MTU is not its own."""

    def send(self, sdu):
        if self.peer.mtu == self.terms.mtu or len(sdu) <= 600:
            super().send(sdu)


# -- segmentation -----------------------------------------------------------------------------------------------


@channel("ble-mps-own")
class OwnMps(NodeChannel):
    """Cuts K-frames by its own MPS, not by the peer's."""

    def send(self, sdu):
        self._queue.append((struct.pack("<H", len(sdu)) + sdu, self.terms.mps))
        self._pump()


@channel("ble-mps-one-more")
class MpsOneMore(NodeChannel):
    """Takes the MPS for what stands behind the SDU length."""

    def send(self, sdu):
        self._queue.append((struct.pack("<H", len(sdu)) + sdu, self.peer.mps + 2))
        self._pump()


@channel("ble-default-mtu-only", "RFC7668-2.4-03")
class DefaultMtu(NodeChannel):
    """Never cuts: an SDU that does not fit one K-frame is dropped."""

    def send(self, sdu):
        if len(sdu) + 2 <= self.peer.mps:
            super().send(sdu)


@channel("ble-sdu-length-in-each")
class LengthInEach(NodeChannel):
    """Puts the SDU length into every K-frame."""

    def send(self, sdu):
        size = self.peer.mps - 2
        length = struct.pack("<H", len(sdu))
        for start in range(0, len(sdu), size):
            self._queue.append((length + sdu[start : start + size], self.peer.mps))
        self._pump()


@channel("ble-sdu-length-of-l2cap")
class LengthOfL2cap(NodeChannel):
    """Counts itself into the SDU length, where more than one K-frame is needed."""

    def send(self, sdu):
        extra = 2 if len(sdu) + 2 > self.peer.mps else 0
        self._queue.append((struct.pack("<H", len(sdu) + extra) + sdu, self.peer.mps))
        self._pump()


@channel("ble-split-sdus")
class SplitSdus(NodeChannel):
    """Makes two SDUs of a packet of more than 700 octets."""

    def send(self, sdu):
        for part in (sdu[:700], sdu[700:]) if len(sdu) > 700 else (sdu,):
            super().send(part)


@channel("ble-coalesced-sdus")
class CoalescedSdus(NodeChannel):
    """Makes one SDU of all packets that wait for credits."""

    def send(self, sdu):
        if not self._queue:
            super().send(sdu)
            return
        whole = b"".join(data[2:] for data, _ in self._queue) + sdu
        self._queue.clear()
        super().send(whole)


@channel("ble-tiny-k-frames-dropped")
class TinyDropped(NodeChannel):
    """Drops K-frames of less than four octets."""

    def _heard_k_frame(self, pdu):
        if len(pdu) >= 4:
            super()._heard_k_frame(pdu)


@channel("ble-six-k-frames-at-most")
class SixAtMost(NodeChannel):
    """Has room for six K-frames of an SDU."""

    count = 0

    def _heard_k_frame(self, pdu):
        self.count = 0 if self._coming is None else self.count + 1
        super()._heard_k_frame(pdu if self.count < 6 else b"")


@channel("ble-empty-first-k-frame-crash", defect="ZEPHYR-23609")
class EmptyFirstCrash(NodeChannel):
    """Crashes on a first K-frame with nothing behind the SDU length."""

    def _heard_k_frame(self, pdu):
        if self._coming is None and len(pdu) == 2:
            raise IndexError("no payload")
        super()._heard_k_frame(pdu)


@channel("ble-last-k-frame-lost", "RFC7668-3.2-04")
class LastLost(NodeChannel):
    """Drops a last K-frame with a single octet, and pads."""

    def _heard_k_frame(self, pdu):
        super()._heard_k_frame(b"\0" if self._coming is not None and len(pdu) == 1 else pdu)


@channel("ble-padded-sdus", "RFC7668-3.2-04")
class Padded(NodeChannel):
    """Takes the length of an IPv6 packet from full K-frames, not from the SDU length."""

    def _heard_k_frame(self, pdu):
        deliver = self.on_sdu
        self.on_sdu = lambda sdu: deliver(sdu + bytes(-len(sdu) % 2))
        super()._heard_k_frame(pdu)
        self.on_sdu = deliver


# -- credits ----------------------------------------------------------------------------------------------------


@channel("ble-credits-ignored", defect="NIMBLE-586")
class CreditsIgnored(NodeChannel):
    """Sends K-frames for which it has no credits."""

    def _pump(self):
        self.credits = max(self.credits, 100)
        super()._pump()


@channel("ble-credits-one-more")
class OneMore(NodeChannel):
    """Sends one K-frame more than it has credits."""

    def _pump(self):
        self.credits += 1
        super()._pump()
        self.credits -= 1


@channel("ble-credits-never-returned", defect="NIMBLE-586")
class NeverReturned(NodeChannel):
    """Gives the peer no credits but the first."""

    def _begin(self, peer):
        super()._begin(peer)
        self.generous = False


@channel("ble-stuck-after-starving", defect="NIMBLE-6ee2c1025b")
class StuckAfterStarving(NodeChannel):
    """Never sends again once it ran out of credits."""

    dry = False

    def _pump(self):
        self.dry = self.dry or (self.credits <= 0 and bool(self._going or self._queue))
        if not self.dry:
            super()._pump()


@channel("ble-cut-by-starving")
class CutByStarving(NodeChannel):
    """Forgets the rest of an SDU when the credits end in the middle of it."""

    def _pump(self):
        super()._pump()
        if self._going:
            self._going = b""


@channel("ble-ends-when-starved")
class EndsWhenStarved(NodeChannel):
    """Ends the channel when there are no credits for what is to be sent."""

    def _pump(self):
        super()._pump()
        if self.state == "open" and len(self._queue) > 5:
            self.leave()
