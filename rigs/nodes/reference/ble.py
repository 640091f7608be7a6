"""The reference node's link half on Bluetooth LE: its end of the channel, its connections and its peers (RFC 7668 §3).

Strategy: each step is one small method that a mutant can take wrongly. Each peer is known by its device address. What
RFC 7668 asks of a 6LN and of a 6LBR besides is in `ble_roles`; here is a host that knows the channel and RFC 6282 only.
"""

from __future__ import annotations

import struct
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from rigs.links.ipsp.channel import Channel, Terms
from rigs.links.ipsp_memory.link import MemoryChannel
from rigs.nodes.reference.adaptation import Adaptation
from sixlowpan import LinkInfo, link_local
from sixlowpan.addresses import ALL_NODES, solicited_node

IPSS: Final = "1820"


class NodeChannel(Channel):
    """An end that keeps the terms: who breaks them loses the channel (Core Vol 3 Part A §3.4.3, §10.1)."""

    cids = range(0x0041, 0x0042)

    def _heard_signal(self, pdu: bytes) -> bool:
        if super()._heard_signal(pdu):
            if self.breaches:  # §10.1: more credits than 65535
                self.leave()
            return True
        if pdu[:1] == b"\x14":  # a request for what is not served here: §4.23, result 2
            self._signal(0x15, pdu[1], struct.pack("<HHHHH", 0, 0, 0, 0, 2))
        return False

    def _heard_k_frame(self, pdu: bytes) -> None:
        whole: list[bytes] = []
        deliver, self.on_sdu = self.on_sdu, whole.append
        super()._heard_k_frame(pdu)
        self.on_sdu = deliver
        if self.breaches:
            self.leave()
            return
        for sdu in whole:
            deliver(sdu)


@dataclass(slots=True)
class Peer:
    """What a 6LBR knows of one 6LN, and a 6LN of its 6LBR."""

    #: Addresses registered over this connection, the latest last.
    registered: tuple[bytes, ...] = ()
    #: Groups that it listens to.
    groups: set[bytes] = field(default_factory=set)


class Ble(Adaptation):
    """One interface on Bluetooth LE."""

    point_to_point = True
    spsm: int = 0x0023
    terms = Terms(mtu=1280, mps=247, credits=10)
    channel_class: type[Channel] = NodeChannel
    connections = 0

    def boot(self) -> None:
        super().boot()
        self.peers: dict[bytes, Peer] = {}

    # -- connections ------------------------------------------------------------------------------------------

    def device_address(self) -> bytes:
        """§3.2.2: private addresses are RECOMMENDED."""
        number = self.address_number()
        return bytes([0x5A, 0x10, 0x7E, 0x11, number >> 8 & 0xFF, number & 0xFF])

    def address_number(self) -> int:
        """Which of its device addresses it has for the next connection."""
        return 0

    def meets(self, peer: bytes) -> bool:
        """Whether it has a connection with this device."""
        del peer
        return True

    def make_channel(self, peer: bytes, send: Callable[[int, bytes], None]) -> Channel:
        del peer
        channel = self.channel_class(self.terms, send, lambda _sdu: None)
        channel.spsm = self.spsm
        return channel

    def serve(self) -> None:
        """It serves the channel whether it is told to or not."""

    def hear_pdu(self, channel: Channel, cid: int, pdu: bytes) -> None:
        if not self.crash:
            try:
                channel.hear(cid, pdu)
            except Exception:  # noqa: BLE001 - as in `hear_from`
                self.crash = traceback.format_exc(limit=-3)

    def services(self) -> list[str]:
        return ["1800", "1801", IPSS]

    def attach(self) -> None:
        self.link.attach(self)

    def join_link(self) -> None:
        """Be connected to the far end by a new channel; where SDUs come without one, there is nothing to do."""
        if isinstance(self.link, MemoryChannel):
            self.link.reconnect()

    def connected(self, peer: bytes, now: float) -> None:
        self.now = now
        self.connections += 1
        self.peer = peer
        self.peers[peer] = Peer(groups={ALL_NODES})
        self.new_address()

    def new_address(self) -> None:
        """§3.2.2: the link-local address is made from the device address "used for establishing the connection"."""
        self.link_address = self.link.dut
        self.own[0] = link_local(self.link.dut)
        self.groups.add(solicited_node(self.own[0]))

    def disconnected(self, peer: bytes) -> None:
        self.peers.pop(peer, None)

    # -- in and out -------------------------------------------------------------------------------------------

    def receive_frame(self, frame: bytes) -> None:
        self.receive_payload(frame, self.ble_info(self.peer, sent=False))

    def ble_info(self, peer: bytes, *, sent: bool) -> LinkInfo:
        """The link-layer addresses of what goes to this peer, or comes from it."""
        source, destination = (self.link.dut, peer) if sent else (peer, self.link.dut)
        return LinkInfo("ble", source, destination)

    def receivers(self, packet: bytes, neighbour: bytes) -> list[bytes]:
        """Device addresses of those a packet goes to."""
        del packet
        return [neighbour or self.peer]

    def sent_info(self, packet: bytes, neighbour: bytes) -> LinkInfo:
        del packet
        return self.ble_info(neighbour, sent=True)

    def room(self, info: LinkInfo) -> int:
        del info
        return self.link.mtu

    def frame(self, payload: bytes, info: LinkInfo) -> bytes:
        del info
        return payload
