"""Mutants that bear only some of the terms that the other end of the channel may have (Core Vol 3 Part A §4.22)."""

from __future__ import annotations

from collections.abc import Callable

from rigs.nodes.reference.ble import NodeChannel
from tests.mutants.ble_channel import channel


def refuses(id: str, what: str, holds: Callable[[int, int, int, int], bool]) -> None:
    """Register a node that refuses a channel where holds(the other end's identifier, MTU, MPS, first credits)."""

    class Refusing(NodeChannel):
        def _heard_request(self, identifier, words):
            self.listening = not holds(*words[1:5])
            super()._heard_request(identifier, words)
            self.listening = True

    channel(id, what=what)(Refusing)


refuses(
    "ble-mps-below-64-refused",
    "Refuses a channel to whom has an MPS below 64.",
    lambda c, mtu, mps, n: mps < 64,
)
refuses(
    "ble-65535-credits-refused",
    "Refuses a channel to whom gives 65535 credits.",
    lambda c, mtu, mps, n: n > 65534,
)
refuses("ble-cid-0040-refused", "Refuses a channel to an end 0x0040.", lambda c, mtu, mps, n: c == 0x40)
refuses(
    "ble-cid-above-5f-refused", "Refuses a channel to an end above 0x005f.", lambda c, mtu, mps, n: c > 0x5F
)


def mute(id: str, what: str, holds: Callable) -> None:
    """Register a node that sends nothing on a channel where holds(the other end's terms)."""

    class Mute(NodeChannel):
        def send(self, sdu):
            if not holds(self.peer):
                super().send(sdu)

    channel(id, what=what)(Mute)


mute("ble-mps-signed", "Takes an MPS of 32768 and more for a negative one.", lambda peer: peer.mps >= 0x8000)
mute("ble-mtu-signed", "Takes an MTU of 32768 and more for a negative one.", lambda peer: peer.mtu >= 0x8000)


@channel("ble-cid-of-its-own-deaf")
class SameIdentifier(NodeChannel):
    """Hears nothing on a channel for which the other end has the identifier that it has itself."""

    def hear(self, cid, pdu):
        if cid == self.own_cid == self.peer_cid:
            return True
        return super().hear(cid, pdu)
