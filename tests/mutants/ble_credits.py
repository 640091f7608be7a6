"""Mutants of the credits of the L2CAP channel, and of what happens while a node's own output waits for them."""

from __future__ import annotations

from dataclasses import replace

from rigs.links.ipsp.channel import Terms
from rigs.nodes.reference.ble import NodeChannel
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import LinkInfo, encode, ipv6
from sixlowpan.addresses import ALL_ROUTERS, UNSPECIFIED
from tests.mutants import BLE, mutant
from tests.mutants.ble_channel import CHANNEL, channel, grants

# -- how it counts those that it is given -------------------------------------------------------------------------


@channel("ble-credits-of-8-bits")
class EightBits(NodeChannel):
    """Counts its credits in 8 bits."""

    def _pump(self):
        self.credits &= 0xFF
        super()._pump()


@channel("ble-first-credits-of-8-bits")
class FirstOfEightBits(NodeChannel):
    """Keeps 8 bits of the credits that it is given at first."""

    def _begin(self, peer):
        super()._begin(replace(peer, credits=peer.credits & 0xFF))


@channel("ble-credits-signed")
class Signed(NodeChannel):
    """Counts its credits in 16 bits with a sign: from 32768 on it has none."""

    def _pump(self):
        if self.credits < 0x8000:
            super()._pump()


@channel("ble-credits-at-most-40")
class AtMost40(NodeChannel):
    """Keeps 40 of its credits at most, and forgets the others."""

    def _pump(self):
        self.credits = min(40, self.credits)
        super()._pump()


@channel("ble-credits-replaced")
class Replaced(NodeChannel):
    """Takes the figure of a credit packet for all that it has."""

    def _heard_signal(self, pdu):
        if pdu[:1] == b"\x16" and len(pdu) >= 8:
            self.credits = 0
        return super()._heard_signal(pdu)


@channel("ble-one-credit-at-a-time")
class OneAtATime(NodeChannel):
    """Takes every credit packet for one credit."""

    def _heard_signal(self, pdu):
        return super()._heard_signal(pdu[:6] + b"\1\0" if pdu[:1] == b"\x16" else pdu)


@channel("ble-credits-beyond-65535-wrapped")
class Wrapped(NodeChannel):
    """Wraps around when it has more than 65535 credits, and says nothing (§10.1: it ends the channel)."""

    def _heard_signal(self, pdu):
        done = super(NodeChannel, self)._heard_signal(pdu)
        self.credits &= 0xFFFF
        self.breaches.clear()
        return done


@channel("ble-no-first-credits-refused")
class ZeroRefused(NodeChannel):
    """Refuses a channel on which it is given no credits at first."""

    def _heard_request(self, identifier, words):
        if words[4] == 0:
            self.listening = False
        super()._heard_request(identifier, words)
        self.listening = True


@channel("ble-no-first-credits-stuck")
class ZeroStuck(NodeChannel):
    """Never sends on a channel on which it was given no credits at first."""

    def _pump(self):
        if self.peer.credits:
            super()._pump()


@channel("ble-no-first-credits-one")
class ZeroIsOne(NodeChannel):
    """Sends a first K-frame also where it was given no credit."""

    def _begin(self, peer):
        super()._begin(replace(peer, credits=max(1, peer.credits)))


@mutant("ble-credits-of-the-last-connection", requirement=CHANNEL, kinds=BLE)
class OfTheLast(ReferenceNode):
    """Keeps the credits that were left when the last connection ended."""

    end = None

    def make_channel(self, peer, send):
        left = self.left = getattr(self, "left", 0)
        end = self.end = super().make_channel(peer, send)
        begin = end._begin

        def begins(terms):
            begin(terms)
            end.credits += left

        end._begin = begins
        return end

    def disconnected(self, peer):
        if self.end is not None:
            self.left = self.end.credits
        super().disconnected(peer)


# -- how it gives them --------------------------------------------------------------------------------------------


class Slow(NodeChannel):
    """Gives no credits back of itself."""

    def _heard_k_frame(self, pdu):
        self.generous = False
        super()._heard_k_frame(pdu)


@channel("ble-one-credit-for-an-sdu")
class OneForAnSdu(grants(1, Slow)):
    """Gives one credit back for an SDU, however many K-frames it had."""


@mutant("ble-credits-back-behind-the-sdu", requirement=CHANNEL, kinds=BLE)
class BackBehind(ReferenceNode):
    """Gives 4 credits for K-frames of 64 octets, and new ones only behind a whole SDU."""

    terms = Terms(mps=64, credits=4)

    class channel_class(Slow):  # noqa: N801 - it is that attribute
        def _heard_k_frame(self, pdu):
            super()._heard_k_frame(pdu)
            if self.state == "open" and self._coming is None:
                self.grant(self.terms.credits - self.given)


@mutant("ble-own-credits-of-8-bits", requirement=CHANNEL, kinds=BLE)
class OwnOfEightBits(ReferenceNode):
    """Gives 500 credits and counts them in 8 bits: it ends the channel when more than 244 are used."""

    terms = Terms(mps=247, credits=500)

    class channel_class(Slow):  # noqa: N801
        def _heard_k_frame(self, pdu):
            self.given = self.given & 0xFF if self.given > 255 else self.given
            super()._heard_k_frame(pdu)
            if self.state == "open" and self._coming is None:
                self.grant(self.terms.credits - self.given)
                self.given &= 0xFF


# -- while its own output waits -----------------------------------------------------------------------------------


class Delivering(NodeChannel):
    """An end that delivers something else than the SDU that came."""

    def delivered(self, sdu):
        """What is delivered in its place, None for nothing."""
        raise NotImplementedError

    def _heard_k_frame(self, pdu):
        deliver = self.on_sdu

        def changed(sdu):
            sdu = self.delivered(sdu)
            if sdu is not None:
                deliver(sdu)

        self.on_sdu = changed
        super()._heard_k_frame(pdu)
        self.on_sdu = deliver


@channel("ble-large-input-lost-while-waiting")
class InputLost(Delivering):
    """Drops SDUs of more than 300 octets that come while its own output waits: they share their buffers."""

    def delivered(self, sdu):
        return None if self.waiting and len(sdu) > 300 else sdu


@channel("ble-large-input-garbled-while-waiting")
class InputGarbled(Delivering):
    """Overwrites the middle of what comes with its own output that waits."""

    def delivered(self, sdu):
        mine = self._going or (self._queue[0][0] if self._queue else b"")
        if len(sdu) > 600 and mine:
            sdu = sdu[:500] + mine[:16] + sdu[500 + len(mine[:16]) :]
        return sdu


@channel("ble-output-overwritten-while-waiting")
class OutputOverwritten(Delivering):
    """What comes overwrites its own output that waits for credits."""

    def delivered(self, sdu):
        if self._going and len(sdu) > 600:
            self._going = bytes(len(self._going))
        return sdu


@channel("ble-large-input-crash-while-waiting")
class InputCrash(NodeChannel):
    """Crashes on an SDU of more than 1000 octets while its own output waits."""

    def _heard_k_frame(self, pdu):
        super()._heard_k_frame(pdu)
        if self.waiting and self._coming is not None and len(self._coming) > 1000:
            raise MemoryError("no buffer")


@channel("ble-no-credits-back-while-waiting")
class NoneBack(NodeChannel):
    """Gives no credits back while its own output waits for some."""

    def _heard_k_frame(self, pdu):
        self.generous = not self.waiting
        super()._heard_k_frame(pdu)


@channel("ble-one-sdu-for-a-credit-packet")
class OneForAPacket(NodeChannel):
    """Sends one SDU for each credit packet, and one for each that is to be sent: what waited once lags for good."""

    def _pump(self):
        done = self._going == b""
        while self.state == "open" and self.credits > 0 and (self._going or (done and self._queue)):
            if not self._going:
                self._going, self._size = self._queue.popleft()
                done = False
            frame, self._going = self._going[: self._size], self._going[self._size :]
            self._k_frame(frame)


@channel("ble-cut-between-k-frames-by-waiting")
class SkipsOne(NodeChannel):
    """Leaves a K-frame out when it goes on within an SDU that had to wait."""

    waited = False

    def _pump(self):
        if self.waited and self.credits > 0 and len(self._going) > self._size:
            self._going = self._going[self._size :]
        super()._pump()
        self.waited = self.credits <= 0 and bool(self._going)


# -- when it begins to send ---------------------------------------------------------------------------------------

_SOLICITATION = ipv6.build(UNSPECIFIED, ALL_ROUTERS, ipv6.ICMPV6, b"\x85\0\x7b\xb8\0\0\0\0", hop_limit=255)


@channel("ble-sends-before-it-answers")  # as in zephyrproject-rtos/zephyr#50345
class SendsBeforeItAnswers(NodeChannel):
    """Solicits routers on a channel that it has not accepted yet: its interface is up before the answer is sent."""

    def _signal(self, code, identifier, body):
        if code == 0x15 and body[8:10] == b"\0\0":
            sdu = encode(_SOLICITATION, LinkInfo("ble", bytes(6), bytes(6)))
            self._k_frame(len(sdu).to_bytes(2, "little") + sdu)
        super()._signal(code, identifier, body)
