"""What a 6LR and a 6LBR have in common: advertisements, the table of registrations, forwarding (RFC 6775 §6, §7).

Strategy: as in `sixln`, each step is one small method. An NS with an ARO goes through `refusal`, which gives the
status that speaks against it, and then `accept`; what multihop DAD adds is in `sixlr` and `sixlbr`. A router of
RFC 8505 (`extended`) takes the target for the registered address where the T flag is set, and compares TIDs.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

from rigs.nodes.reference.discovery import Discovery
from rigs.nodes.reference.host import TIME_EXCEEDED
from rigs.nodes.reference.registration import DUPLICATE, FULL, Request, of_eui64
from rigs.nodes.reference.times import soonest
from sixlowpan import ipv6, nd
from sixlowpan.addresses import ALL_ROUTERS, LOOPBACK, UNSPECIFIED, is_link_local, is_multicast

SUCCESS, MOVED, DUPLICATE_SOURCE, INVALID_SOURCE, INCORRECT = 0, 3, 6, 7, 8


@dataclass(slots=True)
class Binding:
    """A Registered NCE: whose it is, where, until when; `tid` is None for a registration of RFC 6775."""

    link: bytes
    rovr: bytes
    ends: float
    tid: int | None = None


class Routing(Discovery):
    """The router's half of neighbor discovery."""

    #: How many registrations it keeps.
    capacity: int = 24

    def boot(self) -> None:
        super().boot()
        if not self.point_to_point:
            self.groups.add(ALL_ROUTERS)
        self.bindings: dict[bytes, Binding] = {}
        #: To whom the answer at hand goes, and by which link-layer address: its binding may be gone, or never be.
        self.hint: tuple[bytes, bytes] = (b"", b"")

    @property
    def is_router(self) -> bool:
        """Whether it behaves as a router now."""
        return True

    @property
    def router_flag(self) -> int:
        return 0x80 if self.is_router else 0

    # -- what it advertises -----------------------------------------------------------------------------------

    def prefixes(self) -> list[bytes]:
        """What it advertises: the prefix of its first address that is not link-local, one /64."""
        return [address[:8] + bytes(8) for address in self.own if not is_link_local(address)][:1]

    @abstractmethod
    def advertise(self, destination: bytes) -> None:
        """Answer a Router Solicitation; RFC 6775 §6.3: by unicast, with an SLLAO."""

    def send_advertisement(self, destination: bytes, options: list[nd.Option]) -> None:
        """One RA with these options behind the SLLAO."""
        body = b"".join(option.build() for option in options)
        head = bytes((64, self.preference_bits())) + (1800).to_bytes(2) + bytes(8)
        self.send_nd(self.own[0], destination, nd.RA, head + self.link_option(1) + body + self.capabilities())

    def preference_bits(self) -> int:
        """RFC 6775 §6: "low (11b) by 6LRs", "medium (00b)" with a route to a border, "high (01b)" is for 6LBRs."""
        return 0

    def prefix_option(self, prefix: bytes) -> nd.PrefixInformation:
        return nd.PrefixInformation(prefix, valid_lifetime=86400, preferred_lifetime=3600)

    # -- registrations ----------------------------------------------------------------------------------------

    def registration(self, view: ipv6.Packet, message: nd.NeighborSolicitation) -> bool:
        """RFC 6775 §6.5: whether an NS is handled as a registration, or ignored; else it is one without an ARO."""
        option = next((o for o in message.options if isinstance(o, nd.AddressRegistration)), None)
        if option is None or not self.is_router:
            return False
        if not self.valid_option(option):
            return True  # §6.5: "then the NS is silently ignored"
        source = next(
            (o for o in message.options if isinstance(o, nd.LinkLayerAddress) and o.type == nd.SLLAO), None
        )
        if view.src == UNSPECIFIED or source is None:
            return self.extended and option.t  # RFC 8505 §5.5: without an SLLAO an EARO is no registration
        address = self.registered_address(view, message, option)
        if is_multicast(address) or (address == view.src and message.target not in {*self.own, address}):
            return True
        link = self.source_link(source)
        self.hint = (view.src, link)
        asked = Request(view.src, message.target, option, address, link)
        status = self.refusal(asked)
        if status is not None:
            self.reply(asked, status)
        else:
            self.accept(asked)
        self.hint = (b"", b"")
        return True

    def valid_option(self, option: nd.AddressRegistration) -> bool:
        """§6.5: "If the Length field is not two, or if the Status field is not zero"; RFC 8505 §4.1: Lengths 2 to 5."""
        lengths = {8, 16, 24, 32} if self.extended and option.t else {8}
        return option.status == 0 and len(option.rovr) in lengths

    def source_link(self, option: nd.LinkLayerAddress) -> bytes:
        """The link-layer address that a registration tells."""
        return self.option_address(option.address)

    def registered_address(
        self, view: ipv6.Packet, message: nd.NeighborSolicitation, option: nd.AddressRegistration
    ) -> bytes:
        """The source (RFC 6775 §4.1), or with the T flag the target (RFC 8505 §5.5)."""
        return message.target if self.extended and option.t else view.src

    def refusal(self, asked: Request) -> int | None:
        """The status that speaks against a registration; None: nothing does."""
        address, option = asked.address, asked.option
        if self.extended and option.t:
            if not is_link_local(asked.source):
                return INVALID_SOURCE
            if asked.source != address and self.is_elsewhere(asked.source, option):
                return DUPLICATE_SOURCE
            if not self.fits(address):
                return INCORRECT
        if self.is_owned(address, option):
            return DUPLICATE
        held = self.bindings.get(address)
        if held is not None and self.is_older(held.tid, self.tid_of(option)):
            return MOVED
        if held is None and option.lifetime and len(self.bindings) >= self.capacity:
            return FULL
        return None

    def is_owned(self, address: bytes, option: nd.AddressRegistration) -> bool:
        """§6.5.1: somebody else's, "there is such an NCE" and the EUI-64 is not the same; or it is our own."""
        held = self.bindings.get(address)
        return address in self.own or (held is not None and held.rovr != option.rovr)

    def is_elsewhere(self, source: bytes, option: nd.AddressRegistration) -> bool:
        """RFC 8505 §4.1: a source "conflicts with an existing registration": of another ROVR, at another place.

        §5.3: another ROVR alone says nothing, since one node may have several.
        """
        held = self.bindings.get(source)
        return source in self.own or (
            held is not None and held.rovr != option.rovr and held.link != self.hint[1]
        )

    def tid_of(self, option: nd.AddressRegistration) -> int | None:
        """RFC 8505 §4.1: the TID "MUST be ignored if the T flag is not set"."""
        return option.tid if self.extended and option.t else None

    def is_older(self, held: int | None, tid: int | None) -> bool:
        """RFC 8505 §5.2.1; where two cannot be compared, the one that came last counts."""
        if held is None or tid is None or held == tid:
            return False
        return nd.tid.newer(held, tid) is False

    def fits(self, address: bytes) -> bool:
        """RFC 8505 §4.1: status 8, "not usable on this link", is for what has none of our prefixes."""
        return is_link_local(address) or address[:8] in {prefix[:8] for prefix in self.prefixes()}

    def reply(self, asked: Request, status: int) -> None:
        """§6.5.2: errors go to the address "derived from the EUI-64 field of the ARO"; RFC 8505: to the source."""
        option = replace(asked.option, status=status)
        plain = status == SUCCESS or (self.extended and option.t)
        destination = asked.source if plain else self.error_destination(option)
        self.answer_registration(asked.target, destination, option)

    def error_destination(self, option: nd.AddressRegistration) -> bytes:
        return of_eui64(option.rovr)

    def accept(self, asked: Request) -> None:
        """§6.5.3: create, update or delete the NCE, and say so."""
        if asked.option.lifetime:
            self.keep(asked.address, asked.option, asked.link)
        else:
            self.bindings.pop(asked.address, None)
        self.reply(asked, SUCCESS)

    def keep(self, address: bytes, option: nd.AddressRegistration, link: bytes) -> None:
        """A Registered NCE, for as long as was asked for, in units of 60 seconds."""
        ends = self.now + 60.0 * option.lifetime
        self.bindings[address] = Binding(link, option.rovr, ends, self.tid_of(option))

    def answer_registration(self, target: bytes, destination: bytes, option: nd.AddressRegistration) -> None:
        """An NA with a copy of the option; RFC 8505 §6: also to an ARO "with an NA(EARO)", which without T is one."""
        option = replace(
            option, opaque=option.opaque if option.t else 0, i=0 if not self.extended else option.i
        )
        if not self.extended:  # reserved octets are sent as zero
            option = replace(option, opaque=0, i=0, r=False, t=False, tid=0)
        self.send_nd(self.own[0], destination, nd.NA, b"\xe0\0\0\0" + target + option.build())

    # -- next hops --------------------------------------------------------------------------------------------

    def next_hop(self, destination: bytes) -> bytes:
        """§6.5.4: "A Registered NCE determines if the next-hop IP address is on-link"."""
        if destination == self.hint[0] and self.hint[1]:
            return self.hint[1]
        if destination in self.bindings:
            return self.bindings[destination].link
        return super().next_hop(destination)

    def route(self, packet: bytes, view: ipv6.Packet) -> bool:
        """A router's way with packets for others; True when nothing of it is for the node itself."""
        if not self.is_router or is_multicast(view.dst) or view.dst in self.own:
            return False
        if not self.stays(view):
            link = self.next_hop(view.dst)
            if link:
                self.pass_on(packet, link)
        return True

    def stays(self, view: ipv6.Packet) -> bool:
        """RFC 4291 §2.5.2, §2.5.3, §2.5.6, §2.7: from or to such an address nothing is forwarded."""
        ends = (view.src, view.dst)
        return is_multicast(view.src) or any(
            is_link_local(end) or end in {UNSPECIFIED, LOOPBACK} for end in ends
        )

    def pass_on(self, packet: bytes, peer: bytes) -> None:
        """RFC 8200 §3; RFC 4443 §3.3: what has no hop left is discarded, and its source MUST be told."""
        if packet[7] > 1:
            self.transmit(packet[:7] + bytes([packet[7] - 1]) + packet[8:], peer)
        else:
            self.error(packet, ipv6.Packet.parse(packet), TIME_EXCEEDED, 0, 0)

    # -- what the host hands over -----------------------------------------------------------------------------

    def input(self, packet: bytes) -> None:
        if not self.route(packet, ipv6.Packet.parse(packet)):
            super().input(packet)

    def discovery(self, view: ipv6.Packet, message: nd.Message) -> bool:
        """Solicitations of routers, and registrations."""
        if isinstance(message, nd.RouterSolicitation):
            if self.is_router and view.src != UNSPECIFIED:
                self.advertise(view.src)
            return True
        if isinstance(message, nd.NeighborSolicitation):
            return self.registration(view, message)
        return super().discovery(view, message)

    # -- time -------------------------------------------------------------------------------------------------

    def due(self) -> float | None:
        return soonest(super().due(), *(binding.ends for binding in self.bindings.values()))

    def tick(self) -> None:
        super().tick()
        for address in [a for a, binding in self.bindings.items() if binding.ends <= self.now]:
            self.expire(address)

    def expire(self, address: bytes) -> None:
        """§6.5.3: "Should the Registration Lifetime in an NCE expire, then the router MUST delete the cache entry"."""
        del self.bindings[address]
