"""Conforming ends of a channel on Bluetooth LE: numbers of channels and signals, refusals, credits that come late."""

from __future__ import annotations

import struct

from rigs.nodes.reference.ble import NodeChannel
from rigs.nodes.reference.times import soonest
from tests.variants import ReferenceNode, variant
from tests.variants.bluetooth import EVERY
from tests.variants.bluetooth_terms import end


class HighNumbers(NodeChannel):
    cids = range(0x0079, 0x0080)

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self._identifier = 250


@variant("high-channel-and-signal-numbers", rigs=EVERY)
class High(end(HighNumbers)):
    """Channels from 0x0079 on and signals from 251 on, behind 255 from 1: Core Vol 3 Part A §2.1, §4."""


class AnswersAnother(NodeChannel):
    """An open channel that answers requests for another one itself."""

    #: The channel, its MTU and MPS, the first credits, and the result (Core Vol 3 Part A §4.23).
    answer = (0, 0, 0, 0, 0)

    def _heard_signal(self, pdu):
        if pdu[:1] == b"\x14" and self.state == "open":
            self._signal(0x15, pdu[1], struct.pack("<HHHHH", *self.answer))
            return True
        return super()._heard_signal(pdu)


class NoResources(AnswersAnother):
    answer = (0, 0, 0, 0, 4)


@variant("no-resources-for-another-channel", rigs=EVERY)
class NoMore(end(NoResources)):
    """Refuses a second channel with "no resources available": Core Vol 3 Part A §4.23, result 4."""


class RejectsSignals(NodeChannel):
    def _heard_signal(self, pdu):
        known = super()._heard_signal(pdu)
        if not known and len(pdu) >= 4 and pdu[0] not in {0x01, 0x03, 0x07, 0x13, 0x14, 0x15, 0x16}:
            self._signal(0x01, pdu[1], struct.pack("<H", 0))
        return known


@variant("rejects-signals-that-it-does-not-know", rigs=EVERY)
class Rejects(end(RejectsSignals)):
    """Answers signals that it does not know by a Command Reject: Core Vol 3 Part A §4.1."""


@variant("credits-late", rigs=EVERY)
class CreditsLate(ReferenceNode):
    """Gives credits back 80 ms after the K-frame, when its host has worked the packet off: §10.1 bounds no time."""

    def boot(self):
        self.owed = []
        super().boot()

    def make_channel(self, peer, send):
        channel = super().make_channel(peer, send)
        grant = channel.grant

        def later(credits):
            channel.given += credits  # what it has decided to give, told later
            self.owed.append((self.link.now() + 0.08, channel, grant, credits))

        channel.grant = later
        return channel

    def due(self):
        return soonest(super().due(), *(at for at, *_ in self.owed))

    def tick(self):
        super().tick()
        due = [one for one in self.owed if one[0] <= self.now]
        self.owed = [one for one in self.owed if one[0] > self.now]
        for _, channel, grant, count in due:
            channel.given -= count
            if channel.state == "open":
                grant(count)
