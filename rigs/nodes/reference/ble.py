"""The reference node on Bluetooth LE: its end of the channel, and what RFC 7668 asks of a 6LN and of a 6LBR.

Strategy: as in `reference`, each step of the RFC is one small method that a mutant can take wrongly. `role` says what
the node is: a "host" knows the channel and RFC 6282 only; a "6LN" solicits a router, registers its addresses with it
(RFC 6775 §5.5) and compresses by what it has registered; a "6LBR" advertises, keeps registrations, and forwards
between its 6LNs, each of which is one peer, known by its device address.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from rigs.links.ipsp.channel import Channel, Terms
from rigs.links.ipsp_memory.link import MemoryChannel
from rigs.links.memory.link import MemoryLink
from rigs.nodes.reference.tcp import TcpHost
from sixlowpan import Contexts, DecodeError, LinkInfo, ipv6, link_local, nd
from sixlowpan.addresses import UNSPECIFIED, is_link_local, is_multicast, modified_eui64, solicited_node

ALL_NODES: Final = bytes.fromhex("ff020000000000000000000000000001")
ALL_ROUTERS: Final = bytes.fromhex("ff020000000000000000000000000002")
IPSS: Final = "1820"
_ROTATION: Final = 40_000.0
_RETRY: Final = 10.0  # RFC 6775 §9: RTR_SOLICITATION_INTERVAL
_TRIES: Final = 3
_DUPLICATE: Final = 1  # RFC 6775 §4.1, table 1
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


class BleNode(TcpHost):
    """The Bluetooth half of `ReferenceNode`."""

    link: MemoryLink | MemoryChannel
    contexts: Contexts
    role: str = "host"
    spsm: int = 0x0023
    terms = Terms(mtu=1280, mps=247, credits=10)

    def clock(self) -> float:
        return float(self.link.now())

    def boot_ble(self) -> None:
        """Forget all peers and what they told."""
        self.peers: dict[bytes, Peer] = {}
        self.peer: bytes = self.link.tester
        self.given = self.contexts
        #: address -> (device address of the 6LN that registered it, its EUI-64)
        self.bindings: dict[bytes, tuple[bytes, bytes]] = {}
        #: Addresses made of a router's prefixes.
        self.made: set[bytes] = set()
        #: address -> when it is registered again, at half of its lifetime (RFC 6775 §5.5).
        self.refreshes: dict[bytes, float] = {}
        self.solicited_at: float | None = None
        self.solicitations = 0

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

    def connected(self, peer: bytes, now: float) -> None:
        self.now = now
        self.connections += 1
        self.peer = peer
        self.peers[peer] = Peer(groups={ALL_NODES})
        self.new_address()
        if self.role == "6LBR":
            self.groups.add(ALL_ROUTERS)
        if self.role == "6LN":  # what the last router told is forgotten with it
            self.contexts, self.solicitations = self.given, 0
            self.own = [address for address in self.own if address not in self.made]
            self.made.clear()
            self.solicit_router()

    def new_address(self) -> None:
        """§3.2.2: the link-local address is made from the device address "used for establishing the connection"."""
        self.link_address = self.link.dut
        self.own[0] = link_local(self.link.dut)
        self.groups.add(solicited_node(self.own[0]))

    def disconnected(self, peer: bytes) -> None:
        self.peers.pop(peer, None)
        self.bindings = {a: b for a, b in self.bindings.items() if b[0] != peer}
        self.refreshes.clear()
        self.solicited_at = None

    # -- 6LN: routers and registrations -----------------------------------------------------------------------

    def solicit_router(self) -> None:
        """RFC 6775 §5.3: again until a router advertises, and with a source link-layer address."""
        self.solicitations += 1
        self.solicited_at = self.now + _RETRY if self.solicitations < _TRIES else None
        self.send_nd(self.own[0], ALL_ROUTERS, nd.RS, bytes(4) + self.link_option(1))

    def advertised_router(self, message: nd.RouterAdvertisement) -> None:
        """RFC 6775 §5.4: contexts, and addresses of the prefixes with A=1 and L=0."""
        self.solicited_at = None
        for option in message.options:
            if isinstance(option, nd.ContextOption):
                self.take_context(option)
        for option in message.options:
            if isinstance(option, nd.PrefixInformation) and option.autonomous and option.length == 64:
                self.take_prefix(option)

    def take_context(self, option: nd.ContextOption) -> None:
        if option.valid_lifetime:
            self.contexts = self.contexts.with_context(option.cid, option.context())
        else:
            self.contexts = self.contexts.without(option.cid)

    def take_prefix(self, option: nd.PrefixInformation) -> None:
        address = option.prefix[:8] + self.interface_identifier(option.prefix)
        if address not in self.own:
            self.own.append(address)
            self.made.add(address)
            self.groups.add(solicited_node(address))
            self.register(address)

    def interface_identifier(self, prefix: bytes) -> bytes:
        """§3.2.2: not from the device address by default; stable and opaque, as RFC 7217 has it."""
        return bytes((0x5E + 7 * octet + place) & 0xFF for place, octet in enumerate(prefix[:8]))

    def eui64(self) -> bytes:
        """§3.2.4: the ARO's EUI-64 is the device address in Modified EUI-64 format, unlike the IID."""
        return modified_eui64(self.link.dut)

    def registrable(self, address: bytes) -> bool:
        """§3.2.3: "MUST NOT register its link-local address", and MUST every other."""
        return not is_link_local(address)

    def register(self, address: bytes, lifetime: int = 10) -> None:
        """NS with ARO, from the address that is registered, to the router (RFC 6775 §5.5)."""
        if self.role != "6LN" or not self.registrable(address):
            return
        self.refreshes[address] = self.now + lifetime * 60 / 2
        router = link_local(self.peer)
        option = nd.AddressRegistration(self.eui64(), lifetime=lifetime)
        self.send_nd(address, router, nd.NS, bytes(4) + router + self.link_option(1) + option.build())

    def registration_answered(self, address: bytes, option: nd.AddressRegistration) -> None:
        """§3.2.4: registered is what the 6LBR confirmed "by sending an NA with the ARO option with status 0"."""
        known = self.peers.get(self.peer)
        if known is not None and option.status == 0 and option.rovr[:8] == self.eui64():
            known.registered = self.latest_last(known.registered, address)

    def latest_last(self, known: tuple[bytes, ...], address: bytes) -> tuple[bytes, ...]:
        """§3.2.4.2: "only the latest address can be fully elided"; expiry changes nothing, a re-registration does."""
        return (*(a for a in known if a != address), address)

    # -- 6LBR: prefixes, registrations, forwarding ------------------------------------------------------------

    def prefixes(self) -> list[bytes]:
        """What is advertised: the prefix of the star, one /64 (§3.2.1)."""
        return [address[:8] + bytes(8) for address in self.own if not is_link_local(address)][:1]

    def advertise(self, destination: bytes) -> None:
        """§3.2.2: PIO with L=0; §3.2.4: "MUST include a 6LoWPAN Context Option (6CO) for each prefix"."""
        options: list[nd.Option] = []
        for prefix in self.prefixes():
            options.append(self.prefix_option(prefix))
            options += self.context_options(prefix)
        body = b"".join(option.build() for option in options)
        head = bytes((64, 0)) + (1800).to_bytes(2) + bytes(8)
        self.send_nd(self.own[0], destination, nd.RA, head + self.link_option(1) + body)

    def prefix_option(self, prefix: bytes) -> nd.PrefixInformation:
        return nd.PrefixInformation(prefix, valid_lifetime=86400, preferred_lifetime=3600)

    def context_options(self, prefix: bytes) -> list[nd.Option]:
        for cid, context in self.contexts.items():
            if context.length == 64 and context.covers(prefix):
                return [nd.ContextOption(prefix, cid=cid, valid_lifetime=60)]
        return []

    def registration(self, view: ipv6.Packet, message: nd.NeighborSolicitation) -> bool:
        """RFC 6775 §6.5: keep a registration and confirm it; an address that another 6LN has is a duplicate."""
        option = next((o for o in message.options if isinstance(o, nd.AddressRegistration)), None)
        if option is None or self.role != "6LBR" or view.src == UNSPECIFIED:
            return False
        status = 0
        holder = self.bindings.get(view.src)
        if holder is not None and holder[1] != option.rovr[:8]:
            status = _DUPLICATE
        elif option.lifetime == 0:
            self.bindings.pop(view.src, None)
        else:
            self.bindings[view.src] = (self.peer, option.rovr[:8])
            known = self.peers[self.peer]
            known.registered = self.latest_last(known.registered, view.src)
        body = b"\xe0\0\0\0" + message.target + replace(option, status=status).build()
        # RFC 6775 §6.5.2: the address of a duplicate is another's, so a refusal goes to the link-local one
        self.send_nd(message.target, link_local(self.peer) if status else view.src, nd.NA, body)
        return True

    def route(self, packet: bytes, view: ipv6.Packet) -> bool:
        """A 6LBR's way with packets for others; True when nothing of it is for the node itself."""
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
            self.pass_on(packet, self.bindings[view.dst][0])
        return True

    def listens(self, known: Peer, group: bytes) -> bool:
        """§3.2.5: nothing goes to "6LNs that have not registered as listeners"."""
        return group in known.groups

    def pass_on(self, packet: bytes, peer: bytes) -> None:
        if packet[7] > 1:
            self.transmit(packet[:7] + bytes([packet[7] - 1]) + packet[8:], peer)

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
            return [self.bindings[destination][0]]
        return [next((p for p in self.peers if link_local(p) == destination), self.peer)]

    # -- what the host hands over -----------------------------------------------------------------------------

    def input(self, packet: bytes) -> None:
        if not self.route(packet, ipv6.Packet.parse(packet)):
            super().input(packet)

    def icmp(self, view: ipv6.Packet, message: bytes) -> None:
        """Neighbor Discovery as RFC 6775 changes it, else the host's."""
        if self.role == "host" or message[0] not in {nd.RS, nd.RA, nd.NS, nd.NA} or view.hop_limit != 255:
            super().icmp(view, message)
            return
        try:
            parsed = nd.parse(message)
        except DecodeError:
            return
        if isinstance(parsed, nd.RouterSolicitation) and self.role == "6LBR":
            self.advertise(view.src)
        elif isinstance(parsed, nd.RouterAdvertisement) and self.role == "6LN":
            self.advertised_router(parsed)
        elif isinstance(parsed, nd.NeighborAdvertisement) and self.role == "6LN":
            for option in parsed.options:
                if isinstance(option, nd.AddressRegistration):
                    self.registration_answered(view.dst, option)
        elif not isinstance(parsed, nd.NeighborSolicitation) or not self.registration(view, parsed):
            super().icmp(view, message)

    def due(self) -> float | None:
        timers = (super().due(), self.solicited_at, *self.refreshes.values())
        return min((at for at in timers if at is not None), default=None)

    def tick(self) -> None:
        super().tick()
        if self.solicited_at is not None and self.solicited_at <= self.now:
            self.solicit_router()
        for address in [a for a, at in self.refreshes.items() if at <= self.now]:
            self.register(address)
