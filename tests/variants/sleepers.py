"""Conforming hosts that sleep, poll, work off a queue, or send in another order or at other times."""

from __future__ import annotations

from rigs.nodes.reference.times import soonest
from sixlowpan import DecodeError, mac
from tests.variants import ANY, ReferenceNode, variant
from tests.variants.hosts import SLOW, Late
from tests.variants.timers import PutsOff


@variant("answers-newest-first", rigs=ANY, rig={"settle": "80ms"})
class NewestFirst(PutsOff):
    """Sends what waits each 30 ms, the newest packet first, its fragments in order: IPv6 promises no order."""

    def boot(self):
        super().boot()
        self.parked: list[tuple[bytes, bytes]] = []

    def transmit(self, packet, neighbour):
        if not self.parked:
            self.later(0.03, self.send_parked)
        self.parked.append((packet, neighbour or (self.peer if self.kind == "ble" else b"")))

    def send_parked(self):
        waiting, self.parked = self.parked[::-1], []
        for packet, neighbour in waiting:
            super().transmit(packet, neighbour)


class Reads(ReferenceNode):
    """Takes what it hears off a queue later; its radio acknowledges at once."""

    reading = False
    #: How many frames it takes at a time.
    most = 1

    def boot(self):
        super().boot()
        self.heard: list[tuple[bytes, bytes]] = []
        self.reads_at = 0.0

    def when(self):
        """When it looks at its queue next."""
        raise NotImplementedError

    def receive_frame(self, frame):
        if not self.heard:
            self.reads_at = self.when()
        self.heard.append((self.peer, frame))
        if self.kind == "ieee802154":
            header, _ = self.parse_mac(frame)
            if header.ack_request and header.dst in {self.link.dut, self.link.dut_short}:
                self._out.append((b"", mac.ack(header.sequence or 0)))

    def due(self):
        return soonest(super().due(), self.reads_at if self.heard else None)

    def tick(self):
        super().tick()
        if not self.heard or self.reads_at > self.now:
            return
        now, self.heard = self.heard[: self.most], self.heard[self.most :]
        before = self.peer
        for self.peer, frame in now:
            at = len(self._out)
            try:
                super().receive_frame(frame)
            except DecodeError:
                self.dropped += 1
            acknowledged = self.kind == "ieee802154"
            self._out[at:] = [(to, f) for to, f in self._out[at:] if not acknowledged or f[0] & 7 != mac.ACK]
        self.peer = before
        self.reads_at = self.when()

    def udp_receive(self, port, deadline):
        """What an application waits for may wait in the queue: time passes until then."""
        while not self.ports.get(port) and self.heard and self.reads_at <= deadline:
            self.sleep(self.reads_at)
            self.tick()
        return super().udp_receive(port, deadline)

    def sleep(self, until):
        if self.kind == "ieee802154":
            self.link.advance(until)
        else:
            self.link._wire.now = max(self.link._wire.now, until)
        self.now = self.link.now()


@variant("takes-a-frame-each-10-ms", rigs=ANY, rig={"settle": "300ms"}, parameters=SLOW)
class TakesOne(Reads):
    """Takes 10 ms for each frame that it hears, in order, and so works a burst off later: no text bounds it."""

    def when(self):
        return self.now + 0.01


@variant("polls-each-200-ms", rigs=ANY, rig={"settle": "300ms"}, parameters=SLOW)
class Polls(Reads):
    """Polls its parent each 200 ms and then takes all that waits: a sleepy node (IEEE 802.15.4 §5.1.6.3)."""

    most = 10_000

    def when(self):
        return (self.now // 0.2 + 1) * 0.2


@variant("polls-one-each-60-ms-no-tap", without=["ip_tap"], rig={"settle": "500ms"}, parameters=SLOW)
class PollsOne(Reads):
    """Polls each 60 ms, and each poll brings one frame: fragments take their time; it has no tap."""

    def when(self):
        return (self.now // 0.06 + 1) * 0.06


@variant("wakes-each-second", rig={"settle": "1200ms"}, parameters={"round_trip": "1200ms"})
class Wakes(Reads):
    """Sleeps, and wakes each second to take all that waits for it."""

    most = 10_000

    def when(self):
        return self.now // 1 + 1.0


@variant("polls-by-data-requests", rig={"settle": "300ms"}, parameters=SLOW)
class DataRequests(Polls):
    """The same, with a data request in front of what it takes, and Frame Pending in its acknowledgements."""

    def tick(self):
        due = bool(self.heard) and self.reads_at <= self.now
        if due:
            poll = bytes((0x63, 0x88, 8)) + self.link.pan[::-1] + b"\x02\0\x01\0\x04"
            self._out.append((b"", poll))
        super().tick()


class Interleaved(Late):
    """Sends the frames of the datagrams that wait in turn, one of each, each 20 ms."""

    def _taken(self):
        out, self._out = self._out, []
        for to, frame in out:
            if frame[0] & 7 == mac.ACK:
                self._out.append((to, frame))
        ready, self._out = self._out, []
        for one in out:
            if one[1][0] & 7 != mac.ACK:
                self.held.append((self.now + 0.02, one))
        if self.held and self.held[0][0] <= self.now:
            ready += [one for _, one in self.in_turn()]
            self.held.clear()
        return ready

    def in_turn(self):
        rows: dict[bytes, list] = {}
        for entry in self.held:
            _, payload = mac.parse(entry[1][1])
            rows.setdefault(payload[2:4] if payload[:1] >= b"\xc0" else entry[1][1], []).append(entry)
        while rows:
            for key in list(rows):
                yield rows[key].pop(0)
                if not rows[key]:
                    del rows[key]


@variant("interleaves-its-datagrams", rig={"settle": "90ms"})
class Interleaves(Interleaved):
    """Sends the fragments of datagrams that wait in turn, one of each: their tags tell them apart (RFC 4944 §5.3)."""


@variant("fragments-40-ms-apart", rig={"settle": "900ms"}, parameters={"round_trip": "2s"})
class FortyApart(Late):
    """Its frames leave 40 ms apart, and a new answer waits for the last fragment of the one before."""

    left = 0.0

    def leaves_at(self):
        self.left = max(self.now, self.left + 0.04)
        return self.left
