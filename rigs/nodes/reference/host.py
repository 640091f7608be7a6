"""The reference node's IPv6 host: RFC 8200, RFC 4443, RFC 4861 and UDP, as far as a suite for 6LoWPAN can see them.

Strategy: a packet goes through small steps (`for_us`, `pass_headers`, one method for each protocol), each of
which a mutant can replace. Nothing here knows of 6LoWPAN: packets come in by `input`, and leave by `transmit`,
which the link below implements. Time is an argument. What RFC 4443 §2.4 forbids to answer is never answered.
Where a role changes a step (next hops, Neighbor Discovery, forwarding), its class overrides it (`discovery`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from rigs import tcp
from rigs.nodes.reference.tcp import TcpPorts
from rigs.nodes.reference.times import soonest
from sixlowpan import ipv6
from sixlowpan.addresses import ALL_NODES, UNSPECIFIED, is_link_local, is_multicast, solicited_node
from sixlowpan.ipv6 import DESTINATION, FRAGMENT, HOP_BY_HOP, ICMPV6, NO_NEXT_HEADER, ROUTING, UDP

ALL_NODES_HERE: Final = bytes.fromhex("ff010000000000000000000000000001")
ALL_MLD_ROUTERS: Final = bytes.fromhex("ff020000000000000000000000000016")
MTU: Final = 1280
UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM, REDIRECT = 1, 3, 4, 137
ECHO_REQUEST, ECHO_REPLY, MLD_REPORT = 128, 129, 143
ROUTER_ADVERTISEMENT, SOLICITATION, ADVERTISEMENT = 134, 135, 136
SOLICITED, OVERRIDE = 0x40, 0x20  # of a Neighbor Advertisement, RFC 4861 §4.4
HOP_LIMIT: Final = 64
SOLICITATIONS: Final = 3  # RFC 4861 §10: MAX_MULTICAST_SOLICIT
RETRANSMIT: Final = 1.0  # RETRANS_TIMER
QUEUED: Final = 3
_ERRORS_PER_SECOND: Final = 100.0
_TCP_HEADER: Final = 20


class Discard(Exception):  # noqa: N818 - not an error: what to do with the packet
    """The packet goes no further."""


@dataclass(slots=True)
class Resolution:
    """An address resolution under way (RFC 4861 §7.2.2)."""

    due: float
    sent: int = 1
    packets: deque[bytes] = field(default_factory=lambda: deque(maxlen=QUEUED))


class Host(ABC):
    """One IPv6 host with one interface."""

    #: What it is: "host" (RFC 4861), or "6LN", "6LR" or "6LBR" (RFC 6775).
    role: str = "host"
    #: Whether the link has but one neighbour, so that nothing is resolved (RFC 7668 §3.2.1).
    point_to_point: bool
    #: Our link-layer address, as it goes into options.
    link_address: bytes
    protocols: frozenset[int] = frozenset({ICMPV6, UDP, tcp.PROTOCOL})
    #: One end of a TCP connection.
    tcp_class: type[tcp.Tcp] = tcp.Tcp
    ipv6_mtu = MTU

    def boot(self) -> None:
        """Forget everything that was learnt."""
        self.own: list[bytes] = list(self.first_addresses())
        self.groups: set[bytes] = {ALL_NODES, ALL_NODES_HERE, *map(solicited_node, self.own)}
        self.neighbours: dict[bytes, bytes] = {}
        self.resolving: dict[bytes, Resolution] = {}
        self.ports: dict[int, deque[tuple[bytes, int, bytes]]] = {}
        self.tcp = TcpPorts(self, self.tcp_class)
        self.hop_limit = HOP_LIMIT
        self.identification = 0
        self.now = 0.0
        self._errors, self._errors_at = _ERRORS_PER_SECOND, 0.0

    @abstractmethod
    def first_addresses(self) -> tuple[bytes, ...]:
        """The addresses that the node has of itself, link-local first."""

    def address_added(self, address: bytes) -> None:  # noqa: B027 - a host tells nobody of it
        """The node was given one more address."""

    @abstractmethod
    def transmit(self, packet: bytes, neighbour: bytes) -> None:
        """Put a packet on the link; `neighbour` is the link-layer address, empty for multicast."""

    # -- in ---------------------------------------------------------------------------------------------------

    def input(self, packet: bytes) -> None:
        """Handle one packet from the link."""
        view = ipv6.Packet.parse(packet)
        if is_multicast(view.src) or not self.for_us(view.dst):
            return
        try:
            protocol, at = self.pass_headers(packet, view)
            self.upper(packet, view, protocol, at)
        except Discard:
            return

    def for_us(self, destination: bytes) -> bool:
        return destination in self.own or destination in self.groups

    def pass_headers(self, packet: bytes, view: ipv6.Packet) -> tuple[int, int]:
        """(protocol, offset) of what follows the extension headers (RFC 8200 §4)."""
        protocol, at, named_at = view.next_header, 40, 6
        while protocol in {HOP_BY_HOP, DESTINATION, ROUTING, FRAGMENT}:
            if protocol == HOP_BY_HOP and at != 40:
                # "restricted to appear immediately after an IPv6 header only"
                self.problem(packet, view, 1, named_at)
            size = 8 if protocol == FRAGMENT else 8 * (packet[at + 1] + 1) if len(packet) >= at + 8 else 8
            if at + size > len(packet):
                raise Discard
            if protocol in {HOP_BY_HOP, DESTINATION}:
                self.options(packet, view, at + 2, at + size)
            elif protocol == ROUTING and packet[at + 3]:
                self.problem(packet, view, 0, at + 2)
            elif protocol == FRAGMENT and int.from_bytes(packet[at + 2 : at + 4], "big") & 0xFFF9:
                raise Discard  # a real fragment: this node does not reassemble at the IPv6 layer
            protocol, named_at, at = packet[at], at, at + size
        if protocol == NO_NEXT_HEADER:
            raise Discard
        if protocol not in self.protocols:
            self.problem(packet, view, 1, named_at)
        return protocol, at

    def options(self, packet: bytes, view: ipv6.Packet, at: int, end: int) -> None:
        """Walk the options of a header; unknown ones say what to do with them (RFC 8200 §4.2)."""
        while at < end:
            kind = packet[at]
            if kind == 0:  # Pad1
                at += 1
                continue
            if at + 2 > end or at + 2 + packet[at + 1] > end:
                raise Discard
            if kind not in {1, 5} and kind >> 6:  # PadN, Router Alert; "skip over" otherwise
                if kind >> 6 == 2 or (kind >> 6 == 3 and not is_multicast(view.dst)):
                    self.problem(packet, view, 2, at)
                raise Discard
            at += 2 + packet[at + 1]

    def upper(self, packet: bytes, view: ipv6.Packet, protocol: int, at: int) -> None:
        message = packet[at:]
        if protocol == tcp.PROTOCOL and len(message) < _TCP_HEADER:
            return
        if not self.checksum_holds(view, protocol, message):
            return
        if protocol == UDP:
            self.udp(packet, view, message)
        elif protocol == tcp.PROTOCOL:
            self.tcp.segment(view, message)
        elif len(message) >= 8:
            self.icmp(view, message)

    def checksum_holds(self, view: ipv6.Packet, protocol: int, message: bytes) -> bool:
        return ipv6.checksum_holds(view.src, view.dst, protocol, message)

    # -- ICMPv6 -----------------------------------------------------------------------------------------------

    def icmp(self, view: ipv6.Packet, message: bytes) -> None:
        kind, code = message[0], message[1]
        if kind == ECHO_REQUEST:
            self.echo(view, message)
        elif kind == ROUTER_ADVERTISEMENT and view.hop_limit == 255 and is_link_local(view.src):
            self.hop_limit = message[4] or self.hop_limit  # RFC 4861 §6.3.4
        elif kind in {SOLICITATION, ADVERTISEMENT} and view.hop_limit == 255 and code == 0:
            found = self.neighbour_options(message)
            if found is None or is_multicast(message[8:24]):
                return
            if kind == SOLICITATION:
                self.solicited(view, message[8:24], found)
            else:
                self.advertised(view, message, found)

    def echo(self, view: ipv6.Packet, message: bytes) -> None:
        """RFC 4443 §4.2: identifier, sequence number and data come back, from the address that was asked."""
        if view.src == UNSPECIFIED:
            return
        source = self.source_for(view.src) if is_multicast(view.dst) else view.dst
        self.send_icmp(source, view.src, ECHO_REPLY, 0, self.echo_body(message))

    def echo_body(self, message: bytes) -> bytes:
        return message[4:]

    def source_for(self, destination: bytes) -> bytes:
        """Our address of the destination's scope (RFC 6724, rule 2), else the first."""
        local = is_link_local(destination) or (is_multicast(destination) and destination[1] & 0xF <= 2)
        fitting = [address for address in self.own if is_link_local(address) == local]
        same_prefix = [address for address in fitting if address[:8] == destination[:8]]
        return (same_prefix or fitting or self.own)[0]

    def neighbour_options(self, message: bytes) -> dict[int, bytes] | None:
        """Option type -> octets behind the length; None for a message that RFC 4861 §7.1 wants discarded."""
        if len(message) < 24:
            return None
        found: dict[int, bytes] = {}
        at = 24
        while at < len(message):
            size = 8 * message[at + 1] if at + 1 < len(message) else 0
            if not size or at + size > len(message):
                return None
            found.setdefault(message[at], message[at + 2 : at + size])
            at += size
        return found

    def link_option(self, kind: int) -> bytes:
        """A source (1) or target (2) link-layer address option (RFC 4944 §8)."""
        body = bytes((kind, 0)) + self.link_address
        body += bytes(-len(body) % 8)
        return bytes((kind, len(body) // 8)) + body[2:]

    def option_address(self, octets: bytes) -> bytes:
        """The link-layer address in an option: RFC 4944 §8, length 1 is a short address, 2 an EUI-64."""
        return octets[:2] if len(octets) == 6 else octets[:8]

    def solicited(self, view: ipv6.Packet, target: bytes, found: dict[int, bytes]) -> None:
        if target not in self.own:
            return
        if view.src == UNSPECIFIED:  # somebody tries our address
            # §7.1.1: only to the solicited-node group, and without an SLLAO; §7.2.4: the answer is for all nodes
            if 1 not in found and view.dst == solicited_node(target):
                self.advertise_itself(target, ALL_NODES, OVERRIDE)
            return
        if 1 in found:
            self.learn(view.src, self.option_address(found[1]))
        self.advertise_itself(target, view.src, SOLICITED | OVERRIDE)

    @property
    def router_flag(self) -> int:
        """The R flag of its Neighbor Advertisements: 0x80 of a router."""
        return 0

    def advertise_itself(self, target: bytes, destination: bytes, flags: int) -> None:
        """A Neighbor Advertisement about one of our addresses; §7.2.4: a router "MUST set the Router flag"."""
        body = bytes((flags | self.router_flag, 0, 0, 0)) + target + self.link_option(2)
        self.send_nd(target, destination, ADVERTISEMENT, body)

    def advertised(self, view: ipv6.Packet, message: bytes, found: dict[int, bytes]) -> None:
        if is_multicast(view.dst) and message[4] & SOLICITED:
            return  # RFC 4861 §7.1.2: multicast is never solicited
        target = message[8:24]
        if 2 not in found:
            return
        link = self.option_address(found[2])
        # §7.2.5: without O "MUST NOT update the cache" with another link-layer address than it has
        if target in self.resolving or (target in self.neighbours and message[4] & OVERRIDE):
            self.learn(target, link)

    def learn(self, address: bytes, link: bytes) -> None:
        self.neighbours[address] = link
        resolution = self.resolving.pop(address, None)
        for packet in resolution.packets if resolution else ():
            self.transmit(packet, link)

    def error(self, packet: bytes, view: ipv6.Packet, kind: int, code: int, word: int) -> None:
        """RFC 4443 §2.4 (e): an error for `packet`, unless that is one, or a Redirect, or its addresses forbid it."""
        protocol, _, message = view.upper()
        about = message[0] if protocol == ICMPV6 and message else ECHO_REQUEST
        if about < ECHO_REQUEST or about == REDIRECT or view.src == UNSPECIFIED:
            return
        if is_multicast(view.dst) and (kind, code) != (PARAMETER_PROBLEM, 2):
            return
        self._errors = min(
            _ERRORS_PER_SECOND, self._errors + (self.now - self._errors_at) * _ERRORS_PER_SECOND
        )
        self._errors_at = self.now
        if self._errors < 1:
            return
        self._errors -= 1
        source = view.dst if view.dst in self.own else self.source_for(view.src)
        body = word.to_bytes(4, "big") + self.quote(packet)
        self.send_icmp(source, view.src, kind, code, body)

    def quote(self, packet: bytes) -> bytes:
        """As much of the packet as fits without the error exceeding the minimum IPv6 MTU."""
        return packet[: MTU - 48]

    def problem(self, packet: bytes, view: ipv6.Packet, code: int, pointer: int) -> None:
        self.error(packet, view, PARAMETER_PROBLEM, code, pointer)
        raise Discard

    # -- UDP --------------------------------------------------------------------------------------------------

    def udp(self, packet: bytes, view: ipv6.Packet, message: bytes) -> None:
        if len(message) < 8 or int.from_bytes(message[4:6], "big") != len(message):
            return
        source_port, port = int.from_bytes(message[:2], "big"), int.from_bytes(message[2:4], "big")
        if port in self.ports:
            self.ports[port].append((view.src, source_port, message[8:]))
        else:
            self.error(packet, view, UNREACHABLE, 4, 0)

    # -- out --------------------------------------------------------------------------------------------------

    def send_icmp(self, source: bytes, destination: bytes, kind: int, code: int, body: bytes) -> None:
        message = ipv6.icmpv6(kind, code, body, source, destination)
        self.output(ipv6.build(source, destination, ICMPV6, message, hop_limit=self.hop_limit))

    def send_nd(self, source: bytes, destination: bytes, kind: int, body: bytes) -> None:
        message = ipv6.icmpv6(kind, 0, body, source, destination)
        self.output(ipv6.build(source, destination, ICMPV6, message, hop_limit=255))

    def send_report(self, group: bytes) -> None:
        """Tell routers of a group that we joined (RFC 3810 §5.2: CHANGE_TO_EXCLUDE, behind a Router Alert)."""
        source = self.source_for(ALL_MLD_ROUTERS)
        body = b"\0\0\0\x01\x04\0\0\0" + group
        message = ipv6.icmpv6(MLD_REPORT, 0, body, source, ALL_MLD_ROUTERS)
        alert = bytes((ICMPV6, 0, 5, 2, 0, 0, 1, 0))
        self.output(ipv6.build(source, ALL_MLD_ROUTERS, HOP_BY_HOP, alert + message, hop_limit=1))

    def pieces(self, packet: bytes) -> list[bytes]:
        """The packet, or the IPv6 fragments that carry it where it exceeds the MTU of the link (RFC 8200 §4.5)."""
        if len(packet) <= self.ipv6_mtu:
            return [packet]
        self.identification = (self.identification + 1) & 0xFFFFFFFF
        room = (self.ipv6_mtu - 48) // 8 * 8
        found, message = [], packet[40:]
        for at in range(0, len(message), room):
            part, more = message[at : at + room], at + room < len(message)
            header = bytes((packet[6], 0)) + (at | more).to_bytes(2, "big")
            header += self.identification.to_bytes(4, "big")
            source, destination = packet[8:24], packet[24:40]
            found.append(ipv6.build(source, destination, FRAGMENT, header + part, hop_limit=packet[7]))
        return found

    def output(self, packet: bytes) -> None:
        """Send a packet: resolve its destination, which is always on the link, where that is needed."""
        for piece in self.pieces(packet):
            self.output_piece(piece)

    def output_piece(self, packet: bytes) -> None:
        destination = packet[24:40]
        if is_multicast(destination) or self.point_to_point:
            self.transmit(packet, b"")
        elif destination in self.neighbours:
            self.transmit(packet, self.neighbours[destination])
        elif destination in self.resolving:
            self.resolving[destination].packets.append(packet)
        else:
            resolution = self.resolving[destination] = Resolution(self.now + RETRANSMIT)
            resolution.packets.append(packet)
            self.solicit(destination, packet[8:24])

    def solicit(self, target: bytes, source: bytes) -> None:
        self.send_nd(source, solicited_node(target), SOLICITATION, bytes(4) + target + self.link_option(1))

    def due(self) -> float | None:
        """When `tick` has something to do."""
        return soonest(*(resolution.due for resolution in self.resolving.values()), self.tcp.due())

    def tick(self) -> None:
        """Solicit again, or give up (RFC 4861 §7.2.2)."""
        for target, resolution in list(self.resolving.items()):
            if resolution.due > self.now:
                continue
            if resolution.sent >= SOLICITATIONS:
                del self.resolving[target]
                continue
            resolution.sent += 1
            resolution.due = self.now + RETRANSMIT
            self.solicit(target, resolution.packets[-1][8:24])
        self.tcp.tick()
