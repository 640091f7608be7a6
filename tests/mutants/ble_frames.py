"""Mutants of the L2CAP channel: K-frames, SDU lengths and signalling that a look at the answers alone does not show."""

from __future__ import annotations

import struct

from rigs.nodes.reference.ble import NodeChannel
from rigs.nodes.reference.node import ReferenceNode
from tests.mutants import BLE, mutant
from tests.mutants.ble_channel import CHANNEL, channel, grants

# -- what it sends ----------------------------------------------------------------------------------------------


def k_frames(sdu, size):
    """The K-frames that carry an SDU (Core Vol 3 Part A §3.4.3)."""
    data = struct.pack("<H", len(sdu)) + sdu
    return [data[at : at + size] for at in range(0, len(data), size)]


class FrameByFrame(NodeChannel):
    """An end that queues K-frames one by one, as `cut` makes them."""

    def cut(self, sdu):
        return k_frames(sdu, self.peer.mps)

    def send(self, sdu):
        self._queue += [(frame, max(1, len(frame))) for frame in self.cut(sdu)]
        self._pump()

    def _pump(self):
        while self.state == "open" and self.credits > 0 and self._queue:
            self._k_frame(self._queue.popleft()[0])


@channel("ble-empty-k-frame-behind")
class EmptyBehind(FrameByFrame):
    """Sends an empty K-frame behind an SDU that fills its last K-frame: (length + 2) % MPS is 0."""

    def cut(self, sdu):
        return super().cut(sdu) + ([] if (len(sdu) + 2) % self.peer.mps else [b""])


@channel("ble-empty-k-frame-behind-many")
class EmptyBehindMany(EmptyBehind):
    """Sends an empty K-frame behind an SDU that fills its last K-frame, if that is not its first."""

    def cut(self, sdu):
        return super().cut(sdu) if len(sdu) + 2 > self.peer.mps else k_frames(sdu, self.peer.mps)


@channel("ble-empty-k-frame-behind-large")
class EmptyBehindLarge(FrameByFrame):
    """Sends an empty K-frame behind every SDU of more than 1000 octets."""

    def cut(self, sdu):
        return super().cut(sdu) + ([b""] if len(sdu) > 1000 else [])


@channel("ble-large-by-own-mps")
class LargeByOwnMps(FrameByFrame):
    """Cuts SDUs of more than 900 octets by its own MPS."""

    def cut(self, sdu):
        return k_frames(sdu, max(self.terms.mps, self.peer.mps) + 1) if len(sdu) > 900 else super().cut(sdu)


@channel("ble-one-octet-beyond-mps")
class OneBeyondMps(FrameByFrame):
    """Puts a last octet that would have a K-frame of its own into the one before."""

    def cut(self, sdu):
        found = super().cut(sdu)
        return [*found[:-2], found[-2] + found[-1]] if len(found) > 1 and len(found[-1]) == 1 else found


@channel("ble-last-k-frame-padded")
class LastPadded(FrameByFrame):
    """Pads the last K-frame of several to the MPS."""

    def cut(self, sdu):
        found = super().cut(sdu)
        return [*found[:-1], found[-1].ljust(self.peer.mps, b"\0")] if len(found) > 1 else found


@channel("ble-even-k-frames")
class EvenFrames(FrameByFrame):
    """Sends K-frames of an even number of octets only, with one octet too many where need be."""

    def cut(self, sdu):
        return [frame + bytes(len(frame) % 2) for frame in super().cut(sdu)]


@channel("ble-sdu-length-one-more")
class LengthOneMore(FrameByFrame):
    """Rounds the SDU length up to an even number, and sends no octet for it."""

    def cut(self, sdu):
        found = super().cut(sdu)
        length = len(sdu) + len(sdu) % 2
        return [struct.pack("<H", length) + found[0][2:], *found[1:]]


@channel("ble-sdu-length-of-ten-bits")
class LengthOfTenBits(FrameByFrame):
    """Keeps ten bits of the SDU length."""

    def cut(self, sdu):
        found = super().cut(sdu)
        return [struct.pack("<H", len(sdu) & 0x3FF) + found[0][2:], *found[1:]]


@channel("ble-k-frames-interleaved")
class Interleaved(FrameByFrame):
    """Sends the K-frames of two SDUs that wait in turn."""

    def send(self, sdu):
        mine = [(frame, len(frame)) for frame in self.cut(sdu)]
        waiting, self._queue = list(self._queue), type(self._queue)()
        while waiting or mine:
            self._queue += waiting[:1] + mine[:1]
            waiting, mine = waiting[1:], mine[1:]
        self._pump()


@mutant("ble-sdu-of-1281", requirement=CHANNEL, kinds=BLE)
class Sdu1281(ReferenceNode):
    """Sends a full-size packet with all in-line and a CID octet: 1281 octets, one more than our MTU."""

    def room(self, info):
        return 0xFFFF

    def encode_packet(self, packet, info):
        if len(packet) < 1280:
            return super().encode_packet(packet, info)
        head = packet[1] >> 4 | packet[0] << 4 & 0xF0
        first = bytes((head >> 2 | head << 6 & 0xC0, packet[1] & 0xF)) + packet[2:4]
        return b"\x60\x80\x00" + first + packet[6:40] + packet[40:]


@channel("ble-credit-packet-of-zero")
class CreditsOfZero(grants(0)):
    """Sends a credit packet with no credit for each SDU: §4.24, "a number between 1 and 65535"."""


@channel("ble-credits-beyond-65535")
class CreditsBeyond(grants(9000)):
    """Gives 9000 credits for each SDU, whatever the peer has (§10.1: 65535 in all)."""


@channel("ble-identifier-zero")
class IdentifierZero(NodeChannel):
    """Gives its requests the identifier 0, which Core Vol 3 Part A §4 calls illegal."""

    def _next(self):
        return 0


@channel("ble-mps-of-22")
class MpsOf22(NodeChannel):
    """Offers an MPS of 22, one less than the least (Core Vol 3 Part A §4.22)."""

    def _signal(self, code, identifier, body):
        if code in {0x14, 0x15} and len(body) == 10:
            body = body[:4] + struct.pack("<H", 22) + body[6:]
            self.send_pdu(5, struct.pack("<BBH", code, identifier, len(body)) + body)
        else:
            super()._signal(code, identifier, body)


# -- what it takes ----------------------------------------------------------------------------------------------


@channel("ble-sdu-of-the-mtu-dropped")
class OfTheMtuDropped(NodeChannel):
    """Drops an SDU that is as long as its MTU: >= where > is meant."""

    def _heard_k_frame(self, pdu):
        deliver = self.on_sdu
        self.on_sdu = lambda sdu: deliver(sdu) if len(sdu) < self.terms.mtu else None
        super()._heard_k_frame(pdu)
        self.on_sdu = deliver


@channel("ble-sdu-of-the-mtu-crash")
class OfTheMtuCrash(NodeChannel):
    """Writes one octet beyond its buffer when an SDU is as long as its MTU."""

    def _heard_k_frame(self, pdu):
        if self._coming is None and int.from_bytes(pdu[:2], "little") == self.terms.mtu:
            raise IndexError("one octet beyond the buffer")
        super()._heard_k_frame(pdu)


@channel("ble-sdu-above-1278-cut")
class Above1278Cut(NodeChannel):
    """Counts the SDU length into its MTU: the last octets of an SDU of 1279 or 1280 are lost."""

    def _heard_k_frame(self, pdu):
        deliver = self.on_sdu
        self.on_sdu = lambda sdu: deliver(sdu[: self.terms.mtu - 2])
        super()._heard_k_frame(pdu)
        self.on_sdu = deliver


class Careless(NodeChannel):
    """An end that ends no channel for what it is sent."""

    def _heard_k_frame(self, pdu):
        whole = []
        deliver, self.on_sdu = self.on_sdu, whole.append
        super(NodeChannel, self)._heard_k_frame(pdu)
        self.on_sdu = deliver
        self.breaches.clear()
        for sdu in whole:
            deliver(sdu)


@channel("ble-sdu-beyond-the-mtu-taken")
class BeyondTaken(Careless):
    """Takes an SDU that is longer than its MTU."""


@channel("ble-excess-octets-taken")
class ExcessTaken(NodeChannel):
    """Takes octets beyond the SDU length for part of the SDU."""

    def _heard_k_frame(self, pdu):
        first = self._coming is None
        more = len(pdu) - 2 if first else len(self._coming) + len(pdu)
        wanted = int.from_bytes(pdu[:2], "little") if first else self._wanted
        if more <= wanted:
            super()._heard_k_frame(pdu)
            return
        self.given -= 1
        self.grant(1)
        sdu, self._coming = (b"" if first else bytes(self._coming)) + pdu[2 * first :], None
        self.on_sdu(sdu)


@channel("ble-excess-octets-crash")
class ExcessCrash(NodeChannel):
    """Writes beyond its buffer when a K-frame has more octets than are left of the SDU."""

    def _heard_k_frame(self, pdu):
        if self._coming is not None and len(self._coming) + len(pdu) > self._wanted:
            raise IndexError("beyond the buffer")
        super()._heard_k_frame(pdu)


@channel("ble-over-mps-crash")
class OverMpsCrash(NodeChannel):
    """Crashes on a K-frame that is longer than its MPS."""

    def _heard_k_frame(self, pdu):
        if len(pdu) > self.terms.mps:
            raise IndexError("beyond the buffer")
        super()._heard_k_frame(pdu)


@channel("ble-empty-sdu-crash")
class EmptySduCrash(NodeChannel):
    """Crashes on an SDU of no octets."""

    def _heard_k_frame(self, pdu):
        if self._coming is None and pdu[:2] == b"\0\0":
            raise IndexError("no dispatch")
        super()._heard_k_frame(pdu)


@channel("ble-empty-k-frame-crash")
class EmptyFrameCrash(NodeChannel):
    """Crashes on a K-frame of no octets within an SDU."""

    def _heard_k_frame(self, pdu):
        if self._coming is not None and not pdu:
            raise IndexError("empty")
        super()._heard_k_frame(pdu)


@channel("ble-half-a-length-crash")
class HalfLengthCrash(NodeChannel):
    """Reads an SDU length of two octets out of a first K-frame of one."""

    def _heard_k_frame(self, pdu):
        if self._coming is None and len(pdu) == 1:
            raise IndexError("beyond the frame")
        super()._heard_k_frame(pdu)


@channel("ble-resumes-behind-a-long-sdu")
class Resumes(NodeChannel):
    """Drops an SDU beyond its MTU by its first K-frame only: what follows of it is taken for SDUs of their own."""

    def _heard_k_frame(self, pdu):
        if self._coming is None and len(pdu) >= 2 and int.from_bytes(pdu[:2], "little") > self.terms.mtu:
            self.given -= 1
            self.grant(1)
            return
        super()._heard_k_frame(pdu)
        self.breaches.clear()
