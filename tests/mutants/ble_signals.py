"""Mutants of the L2CAP channel beside its data: identifiers, credits and requests of other channels, its end."""

from __future__ import annotations

import struct

from rigs.nodes.reference.ble import NodeChannel
from rigs.nodes.reference.node import ReferenceNode
from tests.mutants import BLE, mutant
from tests.mutants.ble_channel import CHANNEL, channel

LEAVE, LEFT, CREDIT = 0x06, 0x07, 0x16

# -- identifiers ------------------------------------------------------------------------------------------------


@channel("ble-sends-to-its-own-cid")
class OwnCid(NodeChannel):
    """Sends K-frames to the identifier that it has itself."""

    def _k_frame(self, frame):
        self.credits -= 1
        self.send_pdu(self.own_cid, frame)


@channel("ble-cid-of-the-first-channel")
class FirstCid(NodeChannel):
    """Sends K-frames to the identifier that the peer had on the first connection."""

    first: list = []  # noqa: RUF012 - outlives the channel, and is this node's process's

    def _k_frame(self, frame):
        self.first[:] = self.first[:1] or [self.peer_cid]
        self.credits -= 1
        self.send_pdu(self.first[0], frame)


@channel("ble-credits-for-the-peers-cid")
class PeersCredits(NodeChannel):
    """Names the peer's identifier, not its own, in the credits that it gives."""

    def grant(self, credits):
        self.given += credits
        self._signal(CREDIT, self._next(), struct.pack("<HH", self.peer_cid, credits))


@channel("ble-credits-of-any-channel")
class AnyCredits(NodeChannel):
    """Takes credits for its own, whichever channel they are for."""

    def _heard_signal(self, pdu):
        if pdu[0] == CREDIT:
            pdu = pdu[:4] + struct.pack("<H", self.peer_cid) + pdu[6:]
        return super()._heard_signal(pdu)


@channel("ble-ends-whichever-channel-is-meant")
class EndsAny(NodeChannel):
    """Ends its channel by a Disconnection Request for another one."""

    def _heard_signal(self, pdu):
        if pdu[0] == LEAVE:
            pdu = pdu[:4] + struct.pack("<HH", self.own_cid, self.peer_cid)
        return super()._heard_signal(pdu)


class EndsByHalf(NodeChannel):
    """Ends its channel by a Disconnection Request whose source is another's (Core Vol 3 Part A §4.6: discarded)."""

    def _heard_signal(self, pdu):
        if pdu[0] == LEAVE and pdu[4:6] == struct.pack("<H", self.own_cid):
            pdu = pdu[:6] + struct.pack("<H", self.peer_cid)
        return super()._heard_signal(pdu)


mutant("ble-ends-by-half-a-match", requirement=CHANNEL, kinds=BLE, advice=True, what=EndsByHalf.__doc__)(
    type("HalfAMatch", (ReferenceNode,), {"channel_class": EndsByHalf})
)

# -- the end ----------------------------------------------------------------------------------------------------


@channel("ble-end-unanswered")
class EndUnanswered(NodeChannel):
    """Ends its channel when it is asked to, and does not say so."""

    def _heard_signal(self, pdu):
        if pdu[0] == LEAVE:
            self.lost()
            return True
        return super()._heard_signal(pdu)


@channel("ble-end-answered-with-another-identifier")
class EndIdentifier(NodeChannel):
    """Answers a Disconnection Request with a signalling identifier of its own."""

    def _signal(self, code, identifier, body):
        super()._signal(code, self._next() if code == LEFT else identifier, body)


# -- credits ----------------------------------------------------------------------------------------------------


@channel("ble-no-credits-back-for-what-is-dropped")
class DroppedForNothing(NodeChannel):
    """Gives no credit back for the K-frame of an SDU that it drops."""

    lost_credits = 0

    def _heard_k_frame(self, pdu):
        if self._coming is None and pdu[2:3] and pdu[2] >> 5 != 0b011:
            self.lost_credits += 1
        super()._heard_k_frame(pdu)

    def grant(self, credits):
        if credits > self.lost_credits:
            super().grant(credits - self.lost_credits)
            self.given += self.lost_credits  # it believes that it gave them
            self.lost_credits = 0


@channel("ble-credits-end-what-comes")
class CreditsEnd(NodeChannel):
    """Forgets what has come of an SDU when a credit packet comes."""

    def _heard_signal(self, pdu):
        if pdu[0] == CREDIT:
            self._coming = None
        return super()._heard_signal(pdu)


@channel("ble-credits-of-none")
class NoCredits(NodeChannel):
    """Answers each credit packet by one that gives no credit (§4.24: 1 to 65535)."""

    def _heard_signal(self, pdu):
        found = super()._heard_signal(pdu)
        if pdu[0] == CREDIT and self.state == "open":
            self._signal(CREDIT, self._next(), struct.pack("<HH", self.own_cid, 0))
        return found


@channel("ble-credit-lost-with-each-long-sdu")
class CreditLost(NodeChannel):
    """Counts one K-frame too many for each SDU that takes more than one."""

    long = False

    def send(self, sdu):
        self.long = len(sdu) + 2 > self.peer.mps
        super().send(sdu)

    def _pump(self):
        super()._pump()
        if self.long and not self.waiting and self.credits:
            self.credits, self.long = self.credits - 1, False


@channel("ble-two-credits-behind-the-last")
class TwoCredits(NodeChannel):
    """Waits for two credits when an SDU has used up the last one."""

    stuck = False

    def _pump(self):
        if self.stuck and self.credits < 2:
            return
        before, self.stuck = self.waiting, False
        super()._pump()
        self.stuck = bool(before) and not self.waiting and not self.credits


# -- what waits -------------------------------------------------------------------------------------------------


@channel("ble-short-sdu-behind-one-that-waits")
class ShortBehind(NodeChannel):
    """Writes the start of an SDU that waits over the end of a short one."""

    def send(self, sdu):
        if self._going and len(sdu) < 100:
            sdu = sdu[:-1] + bytes([sdu[-1] ^ self._going[0] ^ 0xFF])
        super().send(sdu)


@channel("ble-no-length-behind-a-full-k-frame")
class NoLength(NodeChannel):
    """Puts no length in front of an SDU that waits behind one whose last K-frame is full."""

    def send(self, sdu):
        last = self._queue[-1][0] if self._queue else self._going
        if not last or len(last) % self.peer.mps:
            super().send(sdu)
            return
        self._queue.append((sdu, self.peer.mps))
        self._pump()
