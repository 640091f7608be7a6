"""The reference node as a 6LN and as a 6LBR on Bluetooth LE: what RFC 7668 asks of them.

Strategy: neighbor discovery is that of `sixln` and `sixlbr`, the link half that of `ble`; here stands what RFC 7668
has otherwise: who the registrar is, what is registered and how it is told, and that headers are compressed by what was
registered. A 6LBR forwards between its 6LNs, each of which is one peer.
"""

from __future__ import annotations

from typing import Final

from rigs.links.ipsp_memory.link import MemoryChannel
from rigs.nodes.reference.ble import Ble, Peer
from rigs.nodes.reference.discovery import Discovery
from rigs.nodes.reference.registration import Request
from rigs.nodes.reference.sixlbr import SixLbr
from rigs.nodes.reference.sixln import SixLn
from sixlowpan import Context, LinkInfo, ipv6, link_local, nd
from sixlowpan.addresses import ALL_ROUTERS, is_link_local, is_multicast, modified_eui64

_ROTATION: Final = 40_000.0
_MLD: Final = {131: 8, 132: 8}  # MLDv1: where the group stands in a Report and in a Done


class BleDiscovery(Discovery, Ble):
    """What RFC 7668 asks of either role."""

    #: The role of the other end.
    other_role: str

    def ble_info(self, peer: bytes, *, sent: bool) -> LinkInfo:
        """Link addresses, the sender's role, and what the 6LN at either end has registered (§3.2.4)."""
        known = self.peers.get(peer, Peer())
        source, destination = (self.link.dut, peer) if sent else (peer, self.link.dut)
        sender = self.role if sent else self.other_role
        return LinkInfo("ble", source, destination, role=sender, registered=known.registered)

    def join_link(self) -> None:
        if isinstance(self.link, MemoryChannel):
            super().join_link()
        else:
            self.connected(self.link.tester, self.link.now())

    def latest_last(self, known: tuple[bytes, ...], address: bytes) -> tuple[bytes, ...]:
        """§3.2.4.2: "only the latest address can be fully elided"; expiry changes nothing, a re-registration does."""
        return (*(a for a in known if a != address), address)


class BleSixLn(SixLn, BleDiscovery):
    """A 6LN, whose one router is the 6LBR at the other end."""

    other_role = "6LBR"

    def address_number(self) -> int:
        """§3.2.2: a 6LN SHOULD have another one each time."""
        return self.connections

    def come_up(self) -> None:
        """The link is there with the connection: what begins then is in `connected`."""

    def connected(self, peer: bytes, now: float) -> None:
        super().connected(peer, now)
        # what the last router told is forgotten with it
        self.contexts = self.given
        self.own = [address for address in self.own if address not in self.made]
        self.boot_discovery()
        self.solicit_router()

    def disconnected(self, peer: bytes) -> None:
        super().disconnected(peer)
        self.boot_discovery()

    def registrars(self) -> list[bytes]:
        """§3.2.3: the 6LBR at the other end of the connection, advertised or not."""
        return [link_local(self.peer)]

    def interface_identifier(self, prefix: bytes) -> bytes:
        """§3.2.2: not from the device address by default; stable and opaque, as RFC 7217 has it."""
        return bytes((0x5E + 7 * octet + place) & 0xFF for place, octet in enumerate(prefix[:8]))

    def eui64(self) -> bytes:
        """§3.2.4: the ARO's EUI-64 is the device address in Modified EUI-64 format, unlike the IID."""
        return modified_eui64(self.link.dut)

    def registrable(self, address: bytes) -> bool:
        """§3.2.3: "MUST NOT register its link-local address", and MUST every other."""
        return not is_link_local(address)

    def registration_answered(self, address: bytes, option: nd.AddressRegistration) -> None:
        """§3.2.4: registered is what the 6LBR confirmed "by sending an NA with the ARO option with status 0"."""
        known = self.peers.get(self.peer)
        if known is not None and option.status == 0 and option.rovr == self.eui64():
            known.registered = self.latest_last(known.registered, address)
        super().registration_answered(address, option)


class BleSixLbr(SixLbr, BleDiscovery):
    """A 6LBR of a star of 6LNs."""

    other_role = "6LN"

    def address_number(self) -> int:
        """§3.2.2: a 6LBR has another one at times."""
        return int(self.link.now() // _ROTATION) if not self.peers else 0

    def meets(self, peer: bytes) -> bool:
        """§3: it ignores a 6LN with its own device address, and keeps one connection for a device address."""
        return peer != self.link.dut and peer not in self.peers

    def connected(self, peer: bytes, now: float) -> None:
        super().connected(peer, now)
        self.groups.add(ALL_ROUTERS)

    def disconnected(self, peer: bytes) -> None:
        super().disconnected(peer)
        self.bindings = {a: b for a, b in self.bindings.items() if b.link != peer}

    # -- what it advertises -----------------------------------------------------------------------------------

    def advertise(self, destination: bytes) -> None:
        """RFC 6775 §6.3; without an ABRO, since all 6LNs are one hop away."""
        options: list[nd.Option] = []
        for prefix in self.prefixes():
            options.append(self.prefix_option(prefix))
            options += self.context_options(prefix)
        self.send_advertisement(destination, options)

    def context_options(self, prefix: bytes) -> list[nd.Option]:
        for cid, context in self.contexts.items():
            if context.length == 64 and context.covers(prefix):
                return [nd.ContextOption(prefix, cid=cid, valid_lifetime=60)]
        return []

    def spread_context(self, identifier: int, context: Context | None) -> None:
        """`context_options` tells of contexts as they are: nobody repeats what it told, so none can be out of date."""

    # -- registrations and forwarding -------------------------------------------------------------------------

    def source_link(self, option: nd.LinkLayerAddress) -> bytes:
        del option
        return self.peer

    def error_destination(self, option: nd.AddressRegistration) -> bytes:
        del option
        return link_local(self.peer)

    def accept(self, asked: Request) -> None:
        """§3.2.4: "registered" is what an NA with the ARO has confirmed: this NA itself cannot be elided by it."""
        super().accept(asked)
        known = self.peers.get(self.peer)
        if known is not None and asked.option.lifetime:
            known.registered = self.latest_last(known.registered, asked.address)

    def route(self, packet: bytes, view: ipv6.Packet) -> bool:
        """A 6LBR's way with packets for others; True when nothing of it is for the node itself."""
        if is_multicast(view.dst):
            self.track(view)
            # §3.2.1: link-local multicast stays within one connection
            if view.dst[1] & 0xF > 2 and not self.stays(view):
                for peer, known in self.peers.items():
                    if peer != self.peer and self.listens(known, view.dst):
                        self.pass_on(packet, peer)
            return False
        if view.dst in self.own or is_link_local(view.dst):
            return False
        if view.dst in self.bindings and not self.stays(view):
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
        if neighbour:
            return [neighbour]
        destination = packet[24:40]
        if is_multicast(destination):
            return list(self.peers)
        if destination in self.bindings:
            return [self.bindings[destination].link]
        return [next((p for p in self.peers if link_local(p) == destination), self.peer)]
