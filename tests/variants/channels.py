"""Conforming nodes on Bluetooth LE: credits and K-frames by lot, talk beside the channel, headers each time anew."""

from __future__ import annotations

import random
import struct

from rigs.links.ipsp.channel import Terms
from rigs.nodes.reference.ble import NodeChannel
from tests.mutants.ble_frames import FrameByFrame
from tests.variants import ReferenceNode, variant
from tests.variants.answers import HeaderEachTime
from tests.variants.bluetooth import EVERY, with_terms
from tests.variants.bluetooth_terms import OneByOne, end
from tests.variants.bluetooth_unusual import CreditsBehind
from tests.variants.hosts import SLOW, Late, NeighborTalk, UdpTalk

ATT, SMP = 0x0004, 0x0006


class ByLot(NodeChannel):
    """Cuts and grants by lot."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.lot = random.Random(17)

    def send(self, sdu):
        self.segment = (
            self.lot.choice((2, 3, 23, 60, 247, None)) if len(sdu) < 200 else self.lot.randrange(40, 200)
        )
        super().send(sdu)

    def _heard_k_frame(self, pdu):
        self.generous = False
        super()._heard_k_frame(pdu)
        if self.state == "open" and (self.given <= 0 or self.lot.random() < 0.3):
            self.grant(self.lot.randrange(1, 12))


@variant("credits-and-k-frames-by-lot", rigs=EVERY)
class CreditsByLot(end(ByLot)):
    """Credits and the sizes of K-frames by lot, K-frames of two octets among them: Core Vol 3 Part A §3.4.3, §10.1."""


class OneOctet(FrameByFrame, NodeChannel):
    """Cuts small packets into single octets, the first of which goes with the SDU length."""

    def cut(self, sdu):
        size = 1 if len(sdu) < 150 else self.peer.mps
        whole = len(sdu).to_bytes(2, "little")
        return [whole + sdu[:1], *(sdu[at : at + size] for at in range(1, len(sdu), size))]


@variant("k-frames-of-one-octet", rigs=("reference-ble",))
class OneOctetEach(end(OneOctet)):
    """Sends small packets in K-frames of one octet: Core Vol 3 Part A §3.4.3 sets no least size."""


class Surplus(NodeChannel):
    """Gives far more credits than are used."""

    def _heard_k_frame(self, pdu):
        super()._heard_k_frame(pdu)
        if self.state == "open" and self.given < 20_000:
            self.grant(1000)


@variant("a-thousand-credits-each-time", rigs=EVERY)
class Thousand(end(Surplus)):
    """Gives a thousand credits for each K-frame, up to 21000: §10.1 bounds them by 65535 only."""


@variant("mtu-1281-mps-1281-one-credit", rigs=EVERY, strict=False)
class Odd(with_terms(mtu=1281, mps=1281, credits=1)):
    """An MTU and an MPS of 1281 and one credit, so that an SDU of 1280 takes two K-frames."""


class OneAtATime(OneByOne, CreditsBehind):
    """Gives its one credit behind its answer, and another behind each K-frame."""


@variant("no-credit-at-first-then-one-by-one", rigs=EVERY)
class NoneAtFirst(ReferenceNode):
    """Gives no credit with the channel, then one by one, of K-frames of 40 octets: §4.23, credits from 0 on."""

    terms = Terms(mps=40, credits=1)
    channel_class = OneAtATime


class Signals(NodeChannel):
    """Talks on other channels of the connection around each of its SDUs."""

    turn = 0

    def send(self, sdu):
        self.turn += 1
        if self.state == "open":
            match self.turn % 5:
                case 0:  # Connection Parameter Update Request, §4.20
                    self._signal(0x12, self._next(), struct.pack("<HHHH", 24, 40, 4, 600))
                case 1:  # Exchange MTU Request, Vol 3 Part F §3.4.2.1
                    self.send_pdu(ATT, bytes.fromhex("02f700"))
                case 2:  # Security Request, Vol 3 Part H §3.6.7
                    self.send_pdu(SMP, bytes.fromhex("0b01"))
                case 3:  # Handle Value Notification
                    self.send_pdu(ATT, bytes.fromhex("1b2a00") + bytes(8))
                case _:  # Command Reject of an identifier that nobody asked by, §4.1
                    self._signal(0x01, self._next(), struct.pack("<H", 0))
        super().send(sdu)


@variant("talks-on-other-channels", rigs=EVERY)
class OtherChannels(end(Signals)):
    """Asks for parameters, ATT MTU and security, and notifies, around its SDUs: L2CAP has several channels."""


@variant("asks-for-lecb-channel-of-its-own", rigs=("reference-ble",))
class AsksForMore(ReferenceNode):
    """Asks for a channel of another service (SPSM 0x0080) after its first answer: RFC 7668 §2.4 is about IPSP only."""

    class channel_class(NodeChannel):  # noqa: N801 - the name that the node looks for
        asked_for = False

        def send(self, sdu):
            super().send(sdu)
            if not self.asked_for:
                self.asked_for = True
                self._signal(0x14, self._next(), struct.pack("<HHHHH", 0x0080, 0x0055, 247, 247, 5))


@variant("late-by-connection-events", rigs=EVERY, rig={"settle": "250ms"}, parameters=SLOW)
class ByEvents(Late):
    """Answers 30 to 150 ms late, as a peripheral with latency has it (Core Vol 6 Part B §4.5.1)."""

    delays = tuple(random.Random(9).uniform(0.03, 0.15) for _ in range(89))


@variant("ble-header-each-time", rigs=("reference-6ln", "reference-6lbr"), strict=False)
class BleHeader(HeaderEachTime):
    """Another traffic class, flow label and hop limit each time (RFC 8200 §3, §7), as a 6LN and as a 6LBR."""


@variant("ble-neighbor-talk", rigs=("reference-6ln", "reference-6lbr"))
class BleTalk(NeighborTalk):
    """Says much of Neighbor Discovery, MLD and RPL before what it has to say, as a 6LN and as a 6LBR."""

    def chatter(self, packet):
        if self.peers and self.said % 6 in {2, 3, 4}:
            super().chatter(packet)


@variant("ble-udp-talk", rigs=("reference-6ln", "reference-6lbr"))
class BleUdpTalk(UdpTalk):
    """Multicasts UDP before what it has to say, as a 6LN and as a 6LBR."""

    def chatter(self, packet):
        if self.peers:
            super().chatter(packet)


@variant("ble-many-liberties-more", rigs=EVERY, strict=False)
class ManyMore(HeaderEachTime):
    """Headers each time anew, credits and K-frames by lot, and talk on other channels."""

    class channel_class(Signals, ByLot):  # noqa: N801 - the name that the node looks for
        pass
