"""The reference node on Bluetooth LE: its end of the channel, and what RFC 7668 asks of a 6LN and of a 6LBR.

Strategy: as in `reference`, each step of the RFC is one small method that a mutant can take wrongly. `role` says what
the node is: a "host" knows the channel and RFC 6282 only; a "6LN" and a "6LBR" have the neighbor discovery of
`registering`, `routing` and `borders`, and compress by what was registered. A 6LBR forwards between its 6LNs, each of
which is one peer, known by its device address.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from rigs.links.ipsp.channel import Channel, Terms
from rigs.links.ipsp_memory.link import MemoryChannel
from rigs.links.memory.link import MemoryLink
from rigs.model import LinkKind
from rigs.nodes.reference.borders import Borders
from rigs.nodes.reference.registration import Request
from sixlowpan import LinkInfo, ipv6, link_local, nd
from sixlowpan.addresses import (
    ALL_NODES,
    ALL_ROUTERS,
    is_link_local,
    is_multicast,
    modified_eui64,
    solicited_node,
)

IPSS: Final = "1820"
_ROTATION: Final = 40_000.0
_MLD: Final = {131: 8, 132: 8}  # MLDv1: where the group stands in a Report and in a Done


class NodeChannel(Channel):
    """An end that keeps the terms: who breaks them loses the channel (Core Vol 3 Part A §3.4.3, §10.1)."""

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


class BleNode(Borders):
    """The Bluetooth half of `ReferenceNode`."""

    link: MemoryLink | MemoryChannel
    kind: LinkKind
    spsm: int = 0x0023
    terms = Terms(mtu=1280, mps=247, credits=10)

    def clock(self) -> float:
        return float(self.link.now())

    def boot_ble(self) -> None:
        """Forget all peers and what they told."""
        self.peers: dict[bytes, Peer] = {}
        self.peer: bytes = self.link.tester
        self.boot_borders()

    def ble_info(self, peer: bytes, *, sent: bool) -> LinkInfo:
        """Link addresses, the sender's role, and what the 6LN at either end has registered (§3.2.4)."""
        source, destination = (self.link.dut, peer) if sent else (peer, self.link.dut)
        if self.role == "host":
            return LinkInfo("ble", source, destination)
        known = self.peers.get(peer, Peer())
        sender = self.role if sent else {"6LN": "6LBR", "6LBR": "6LN"}[self.role]
        return LinkInfo("ble", source, destination, role=sender, registered=known.registered)

    # -- connections ------------------------------------------------------------------------------------------

    connections = 0

    def device_address(self) -> bytes:
        """§3.2.2: private addresses are RECOMMENDED; a 6LN SHOULD have another one each time, a 6LBR at times."""
        if self.role == "6LN":
            number = self.connections
        else:
            number = int(self.link.now() // _ROTATION) if self.role == "6LBR" and not self.peers else 0
        return bytes([0x5A, 0x10, 0x7E, 0x11, number >> 8 & 0xFF, number & 0xFF])

    def meets(self, peer: bytes) -> bool:
        """§3: a 6LBR ignores a 6LN with its own device address, and keeps one connection for a device address."""
        return self.role != "6LBR" or (peer != self.link.dut and peer not in self.peers)

    def make_channel(self, peer: bytes, send: Callable[[int, bytes], None]) -> Channel:
        del peer
        channel = self.channel_class(self.terms, send, lambda _sdu: None)
        channel.spsm = self.spsm
        return channel

    channel_class: type[Channel] = NodeChannel

    def serve(self) -> None:
        """It serves the channel whether it is told to or not."""

    @abstractmethod
    def hear_pdu(self, channel: Channel, cid: int, pdu: bytes) -> None: ...

    def services(self) -> list[str]:
        return ["1800", "1801", IPSS]

    def join_link(self) -> None:
        """Be connected to the far end: by a new channel, or at once where SDUs come without one."""
        if isinstance(self.link, MemoryChannel):
            self.link.reconnect()
        elif self.kind == "ble" and self.role != "host":
            self.connected(self.link.tester, self.link.now())

    def connected(self, peer: bytes, now: float) -> None:
        self.now = now
        self.connections += 1
        self.peer = peer
        self.peers[peer] = Peer(groups={ALL_NODES})
        self.new_address()
        if self.role == "6LBR":
            self.groups.add(ALL_ROUTERS)
        if self.role == "6LN":  # what the last router told is forgotten with it
            self.contexts = self.given
            self.own = [address for address in self.own if address not in self.made]
            self.boot_discovery()
            self.solicit_router()

    def new_address(self) -> None:
        """§3.2.2: the link-local address is made from the device address "used for establishing the connection"."""
        self.link_address = self.link.dut
        self.own[0] = link_local(self.link.dut)
        self.groups.add(solicited_node(self.own[0]))

    def disconnected(self, peer: bytes) -> None:
        self.peers.pop(peer, None)
        self.bindings = {a: b for a, b in self.bindings.items() if b.link != peer}
        self.boot_discovery()

    # -- 6LN: routers and registrations -----------------------------------------------------------------------

    def registrars(self) -> list[bytes]:
        """§3.2.3: the 6LBR at the other end of the connection, advertised or not."""
        return [link_local(self.peer)] if self.kind == "ble" else super().registrars()

    def interface_identifier(self, prefix: bytes) -> bytes:
        """§3.2.2: not from the device address by default; stable and opaque, as RFC 7217 has it."""
        if self.kind != "ble":
            return super().interface_identifier(prefix)
        return bytes((0x5E + 7 * octet + place) & 0xFF for place, octet in enumerate(prefix[:8]))

    def eui64(self) -> bytes:
        """§3.2.4: the ARO's EUI-64 is the device address in Modified EUI-64 format, unlike the IID."""
        return modified_eui64(self.link.dut) if self.kind == "ble" else super().eui64()

    def registrable(self, address: bytes) -> bool:
        """§3.2.3: "MUST NOT register its link-local address", and MUST every other."""
        return not is_link_local(address) if self.kind == "ble" else super().registrable(address)

    def registration_answered(self, address: bytes, option: nd.AddressRegistration) -> None:
        """§3.2.4: registered is what the 6LBR confirmed "by sending an NA with the ARO option with status 0"."""
        known = self.peers.get(self.peer)
        if known is not None and option.status == 0 and option.rovr == self.eui64():
            known.registered = self.latest_last(known.registered, address)
        super().registration_answered(address, option)

    def latest_last(self, known: tuple[bytes, ...], address: bytes) -> tuple[bytes, ...]:
        """§3.2.4.2: "only the latest address can be fully elided"; expiry changes nothing, a re-registration does."""
        return (*(a for a in known if a != address), address)

    # -- 6LBR: registrations, forwarding ----------------------------------------------------------------------

    def source_link(self, option: nd.LinkLayerAddress) -> bytes:
        return self.peer if self.kind == "ble" else super().source_link(option)

    def error_destination(self, option: nd.AddressRegistration) -> bytes:
        return link_local(self.peer) if self.kind == "ble" else super().error_destination(option)

    def accept(self, asked: Request) -> None:
        """§3.2.4: "registered" is what an NA with the ARO has confirmed: this NA itself cannot be elided by it."""
        super().accept(asked)
        known = self.peers.get(self.peer)
        if known is not None and asked.option.lifetime:
            known.registered = self.latest_last(known.registered, asked.address)

    def route(self, packet: bytes, view: ipv6.Packet) -> bool:
        """A 6LBR's way with packets for others; True when nothing of it is for the node itself."""
        if self.kind != "ble":
            return super().route(packet, view)
        if self.role != "6LBR":
            return False
        if is_multicast(view.dst):
            self.track(view)
            if view.dst[1] & 0xF > 2:  # §3.2.1: link-local multicast stays within one connection
                for peer, known in self.peers.items():
                    if peer != self.peer and self.listens(known, view.dst):
                        self.pass_on(packet, peer)
            return False
        if view.dst in self.own or is_link_local(view.dst) or is_link_local(view.src):
            return False
        if view.dst in self.bindings:
            self.pass_on(packet, self.bindings[view.dst].link)
        return True

    def listens(self, known: Peer, group: bytes) -> bool:
        """§3.2.5: nothing goes to "6LNs that have not registered as listeners"."""
        return group in known.groups

    def track(self, view: ipv6.Packet) -> None:
        """§3.2.5: "MUST keep track of multicast listeners at Bluetooth LE link level granularity"."""
        protocol, _, message = view.upper()
        if protocol != ipv6.ICMPV6 or len(message) < 24 or self.peer not in self.peers:
            return
        listening = self.peers[self.peer].groups
        if message[0] in _MLD:
            group = message[_MLD[message[0]] :][:16]
            (listening.add if message[0] == 131 else listening.discard)(group)
        elif message[0] == 143:
            at = 8
            for _ in range(int.from_bytes(message[6:8])):
                kind, words, sources = message[at], message[at + 1], int.from_bytes(message[at + 2 : at + 4])
                group = message[at + 4 : at + 20]
                leaves = kind in {1, 3} and not sources  # INCLUDE nothing, RFC 3810 §5.2.12
                (listening.discard if leaves else listening.add)(group)
                at += 20 + 16 * sources + 4 * words

    def receivers(self, packet: bytes, neighbour: bytes) -> list[bytes]:
        """Device addresses of those a packet goes to: §3.2.5, multicast is replicated as unicast."""
        if self.role != "6LBR" or neighbour:
            return [neighbour or self.peer]
        destination = packet[24:40]
        if is_multicast(destination):
            return list(self.peers)
        if destination in self.bindings:
            return [self.bindings[destination].link]
        return [next((p for p in self.peers if link_local(p) == destination), self.peer)]
