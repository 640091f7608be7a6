"""Mutants of the connections that RFC 7668 runs on: what outlives one, and two devices at a time."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from tests.mutants import BLE, mutant
from tests.mutants.ble_channel import CHANNEL


@mutant("ble-tenth-connection-dead", requirement="RFC7668-3.2-07", defect="ZEPHYR-46073", kinds=BLE)
class TenthDead(ReferenceNode):
    """Is deaf on every tenth connection: something is not given back."""

    def receive_frame(self, frame):
        if self.connections % 10 or self.connections < 10:
            super().receive_frame(frame)


@mutant("ble-half-an-sdu-kept", requirement=CHANNEL, kinds=BLE)
class HalfKept(ReferenceNode):
    """Keeps half an SDU beyond the end of its connection."""

    kept: bytearray | None = None
    wanted = 0

    def make_channel(self, peer, send):
        made = super().make_channel(peer, send)
        self.end = made
        return made

    def disconnected(self, peer):
        if (end := getattr(self, "end", None)) is not None:
            self.kept, self.wanted = end._coming, end._wanted
        super().disconnected(peer)

    def connected(self, peer, now):
        super().connected(peer, now)
        self.end._coming, self.end._wanted = self.kept, self.wanted


@mutant("ble-lost-behind-an-empty-sdu", requirement=CHANNEL, kinds=BLE)
class LostBehindNone(ReferenceNode):
    """Loses the SDU behind one of no octets."""

    deaf = False

    def receive_frame(self, frame):
        lost, self.deaf = self.deaf, not frame
        if not lost:
            super().receive_frame(frame)


@mutant("ble-lost-behind-half-an-sdu", requirement=CHANNEL, kinds=BLE)
class LostBehindHalf(ReferenceNode):
    """Loses the first SDU of a connection when the one before ended within an SDU."""

    deaf = False

    def make_channel(self, peer, send):
        made = super().make_channel(peer, send)
        self.end = made
        return made

    def disconnected(self, peer):
        end = getattr(self, "end", None)
        self.deaf = end is not None and end._coming is not None
        super().disconnected(peer)

    def receive_frame(self, frame):
        lost, self.deaf = self.deaf, False
        if not lost:
            super().receive_frame(frame)


@mutant("ble-dead-after-half-an-sdu", requirement=CHANNEL, kinds=BLE)
class DeadAfterHalf(ReferenceNode):
    """Is dead for good when a connection ends in the middle of an SDU."""

    dead = False
    end = None

    def make_channel(self, peer, send):
        self.end = super().make_channel(peer, send)
        return self.end

    def disconnected(self, peer):
        self.dead = self.dead or (self.end is not None and self.end._coming is not None)
        super().disconnected(peer)

    def receive_frame(self, frame):
        if not self.dead:
            super().receive_frame(frame)


@mutant("ble-dead-after-a-starved-end", requirement="RFC7668-3.2-07", defect="NIMBLE-6ee2c1025b", kinds=BLE)
class DeadAfterStarved(DeadAfterHalf):
    """Is dead for good when a connection ends while it waits for credits."""

    def disconnected(self, peer):
        waits = self.end is not None and self.end.waiting
        super(DeadAfterHalf, self).disconnected(peer)
        self.dead = self.dead or bool(waits)


@mutant("ble-static-device-address", requirement="RFC7668-3.2.2-02", kinds=BLE)
class StaticAddress(ReferenceNode):
    """Has a static device address."""

    def device_address(self):
        return bytes([0xDA]) + super().device_address()[1:]


# -- two devices ------------------------------------------------------------------------------------------------


@mutant("ble-second-device-kills-the-first", requirement="RFC7668-3.2-03", defect="ZEPHYR-30026", kinds=BLE)
class SecondKills(ReferenceNode):
    """Answers only the device that connected last."""

    def receive_frame(self, frame):
        if self.peer == list(self.peers)[-1]:
            super().receive_frame(frame)


@mutant(
    "ble-starved-device-blocks-all", requirement="RFC7668-3.2-03", defect="LINUX-6LOWPAN-CREDITS", kinds=BLE
)
class StarvedBlocks(ReferenceNode):
    """Answers nobody while one device gives it no credits."""

    ends = ()

    def make_channel(self, peer, send):
        made = super().make_channel(peer, send)
        self.ends = (*self.ends[-1:], made)
        return made

    def receive_frame(self, frame):
        if not any(end.waiting for end in self.ends):
            super().receive_frame(frame)


@mutant("ble-all-nodes-of-the-first-only", requirement="RFC7668-3.2.2-08", kinds=BLE)
class AllNodesOfFirst(ReferenceNode):
    """Is in ff02::1 on its first connection only."""

    def for_us(self, destination):
        first = self.peer == next(iter(self.peers))
        return super().for_us(destination) and (first or destination[0] != 0xFF)


@mutant("ble-rest-on-the-next-channel", requirement=CHANNEL, kinds=BLE)
class RestLater(ReferenceNode):
    """Sends what was left of an SDU when the connection ended as the first K-frames of the next channel."""

    end = None
    rest = b""

    def make_channel(self, peer, send):
        self.end = super().make_channel(peer, send)
        return self.end

    def disconnected(self, peer):
        if self.end is not None:
            self.rest = self.end._going
        super().disconnected(peer)

    def connected(self, peer, now):
        super().connected(peer, now)
        if self.rest:
            self.end._going, self.end._size, self.rest = self.rest, self.end.peer.mps, b""
