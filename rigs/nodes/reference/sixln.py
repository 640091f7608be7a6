"""The reference node as a 6LN: routers, contexts, prefixes and registrations (RFC 6775 §5, RFC 8505 §5).

Strategy: each step of the RFC is one small method that a mutant can take wrongly, and every timer is a number that
`due` tells and `tick` looks at. A registration goes to all routers at once: `pending` are those that have not answered
yet, `confirmed` those that keep it. With `extended` the node registers as RFC 8505 has it, where the router says that
it can. What is other on Bluetooth LE, where the router is the one peer, is overridden in `ble_roles`.
"""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.advertised import Advertised
from rigs.nodes.reference.host import RETRANSMIT
from rigs.nodes.reference.registration import (
    DUPLICATE,
    ENDLESS,
    FULL,
    INTERVAL,
    LATER,
    LIFETIME,
    SLOWEST,
    TRIES,
    Router,
    reverse,
)
from rigs.nodes.reference.times import soonest
from sixlowpan import ipv6, nd
from sixlowpan.addresses import ALL_ROUTERS, is_link_local, is_multicast


class SixLn(Advertised):
    """A host of RFC 6775, and the half of a 6LR that begins as one (§3.4)."""

    role = "6LN"

    def boot(self) -> None:
        super().boot()
        self.boot_discovery()

    def boot_discovery(self) -> None:
        """Forget all routers, and what they told."""
        self.boot_advertised()
        self.routers: dict[bytes, Router] = {}
        #: address -> when it is registered again: tried once more, or at half of its lifetime (RFC 6775 §5.5).
        self.refreshes: dict[bytes, float] = {}
        self.pending: dict[bytes, set[bytes]] = {}
        self.confirmed: dict[tuple[bytes, bytes], int] = {}  # (router, address) -> minutes
        self.tries: dict[bytes, int] = {}
        self.lifetimes: dict[bytes, int] = {}
        self.tids: dict[bytes, int] = {}
        #: Routers that answered since a registration last began, though without an ARO: they can be reached.
        self.answering: set[bytes] = set()
        self.solicited_at: float | None = None
        self.solicitations = 0
        self.asks = ALL_ROUTERS
        self.refresh_at: float | None = None

    # -- routers ----------------------------------------------------------------------------------------------

    def come_up(self) -> None:
        """RFC 6775 §5.3: solicit once the interface is initialized."""
        self.solicit_router()

    def solicit_router(self) -> None:
        """RFC 6775 §5.3: again until a router advertises, and with a source link-layer address."""
        self.solicitations += 1
        if self.solicitations > TRIES:
            self.asks = ALL_ROUTERS
        self.solicited_at = self.now + self.solicitation_interval(self.solicitations)
        self.send_nd(self.own[0], self.asks, nd.RS, bytes(4) + self.link_option(1) + self.capabilities())

    def solicitation_interval(self, sent: int) -> float:
        """§5.3: 3 at least 10 s apart, then "truncated binary exponential backoff", 60 s at most."""
        doublings = min(sent - TRIES + 1, 16)  # of which a few come to the slowest
        return INTERVAL if sent < TRIES else min(SLOWEST, INTERVAL * 2.0**doublings)

    def advertised_router(self, message: nd.RouterAdvertisement) -> None:
        """RFC 6775 §5.4: a router, contexts, and addresses of the prefixes with A=1 and L=0."""
        self.solicited_at, self.solicitations, self.asks = None, 0, ALL_ROUTERS
        new = self.keep_router(message)
        for option in message.options:
            if isinstance(option, nd.ContextOption):
                self.take_context(option)
        for option in message.options:
            if isinstance(option, nd.PrefixInformation) and self.makes_address(option):
                self.take_prefix(option)
        self.refresh_at = self.next_refresh(message)
        if new:
            self.register_all()

    def takes_advertisement(self, message: nd.RouterAdvertisement) -> bool:
        """Whether this RA counts; a 6LR with multihop distribution is choosier (`sixlr`)."""
        del message
        return True

    def keep_router(self, message: nd.RouterAdvertisement) -> bool:
        """Whether it is a router that was not known; one with lifetime 0 is none any more (RFC 4861 §6.3.4)."""
        if not message.router_lifetime:
            self.lose_router(self.sender)
            return False
        found = [option for option in message.options if isinstance(option, nd.LinkLayerAddress)]
        link = self.option_address(found[0].address) if found else reverse(self.sender)
        flags = next(
            (o.flags for o in message.options if isinstance(o, nd.CapabilityIndication)), frozenset()
        )
        before = self.routers.get(self.sender)
        self.router_lifetime = float(message.router_lifetime)
        ends = self.now + message.router_lifetime
        known = self.extended and nd.FLAG_E in flags
        self.routers[self.sender] = Router(link, ends, known)
        return before is None or before.extended != known

    def lose_router(self, router: bytes) -> None:
        """RFC 6775 §5.5.3: its entry is removed; without any router left, solicit anew."""
        self.routers.pop(router, None)
        self.confirmed = {key: kept for key, kept in self.confirmed.items() if key[0] != router}
        for waiting in self.pending.values():
            waiting.discard(router)
        if self.routers:
            self.register_all()
        elif self.solicited_at is None:
            # not at once: whoever advertises itself with lifetime 0 would be asked again and again
            self.solicitations, self.asks, self.refresh_at = 0, ALL_ROUTERS, None
            self.solicited_at = self.now + INTERVAL

    def next_refresh(self, message: nd.RouterAdvertisement) -> float | None:
        """§5.4.3: "well before the shortest of those lifetimes", which here is three quarters of it."""
        spans = self.spans_left()
        if message.router_lifetime:
            spans.append(float(message.router_lifetime))
        for option in message.options:
            if isinstance(option, nd.PrefixInformation) and 0 < option.valid_lifetime < ENDLESS:
                spans.append(float(option.valid_lifetime))
            elif isinstance(option, nd.ContextOption) and option.valid_lifetime:
                spans.append(60.0 * option.valid_lifetime)
        return self.now + 0.75 * min(spans) if spans else None

    def spans_left(self) -> list[float]:
        """What others told, "across all the prefixes and all the contexts"; the last 40 s are let go."""
        ends = (
            *(r.ends for r in self.routers.values()),
            *self.prefix_ends.values(),
            *self.context_ends.values(),
        )
        return [end - self.now for end in ends if 4 * INTERVAL <= end - self.now < float("inf")]

    # -- addresses -----------------------------------------------------------------------------------------------

    def drop_address(self, address: bytes) -> None:
        """It is not ours any more."""
        for table in (self.prefix_ends, self.refreshes, self.pending, self.tries):
            table.pop(address, None)
        self.confirmed = {key: kept for key, kept in self.confirmed.items() if key[1] != address}
        self.made.discard(address)
        if address in self.own[1:]:
            self.own.remove(address)

    # -- registration -----------------------------------------------------------------------------------------

    def eui64(self) -> bytes:
        """RFC 6775 §4.1: "the EUI-64 identifier assigned to it unmodified"."""
        return self.link_address

    def registrable(self, address: bytes) -> bool:
        """All but link-local ones; by RFC 8505 §5.6 the one that is the source of registrations, too."""
        return not is_link_local(address) or (self.extended and address == self.own[0])

    def registrars(self) -> list[bytes]:
        """The routers that an address is registered with: §5.5, "SHOULD attempt to register with more than one"."""
        return list(self.routers)

    def speaks_extended(self, router: bytes) -> bool:
        """Whether that router keeps EAROs as RFC 8505 has them (§6.3)."""
        return router in self.routers and self.routers[router].extended

    def address_added(self, address: bytes) -> None:
        self.register(address)

    def register_all(self) -> None:
        """Register what some router does not keep yet."""
        for address in list(self.own):
            asked = self.pending.get(address, set())
            missing = [r for r in self.registrars() if (r, address) not in self.confirmed and r not in asked]
            if missing and self.registrable(address):
                self.register(address)

    def register(self, address: bytes, lifetime: int = LIFETIME) -> None:
        """Begin a registration of this address, or renew it, with every router (RFC 6775 §5.5)."""
        if not self.registrable(address):
            return
        waiting = {*self.registrars()}
        if not waiting:
            self.refreshes.pop(address, None)
            return
        self.answering -= waiting
        self.tids[address] = self.next_tid(self.tids.get(address))
        self.pending[address], self.tries[address], self.lifetimes[address] = waiting, 0, lifetime
        self.try_registration(address)

    def next_tid(self, before: int | None) -> int:
        """RFC 8505 §5.2: incremented with each re-registration, the same for all routers."""
        return nd.tid.FIRST if before is None else nd.tid.following(before)

    def try_registration(self, address: bytes) -> None:
        """One NS to each router that has not answered."""
        self.tries[address] += 1
        self.refreshes[address] = self.now + RETRANSMIT
        for router in sorted(self.pending[address]):
            if self.may_register(address, router):
                self.send_registration(address, router, self.lifetimes[address])

    def may_register(self, address: bytes, router: bytes) -> bool:
        """RFC 8505 §5.6: the source is "either an address that is already registered", or that one itself."""
        source = self.own[0]
        return not self.speaks_extended(router) or address == source or (router, source) in self.confirmed

    def send_registration(self, address: bytes, router: bytes, lifetime: int) -> None:
        """NS with (E)ARO: from the registered address (RFC 6775 §4.1), or for it as the target (RFC 8505 §5.5)."""
        extended = self.speaks_extended(router)
        source, target = (self.own[0], address) if extended else (address, router)
        option = self.registration_option(address, router, lifetime)
        self.send_nd(source, router, nd.NS, bytes(4) + target + self.link_option(1) + option.build())

    def registration_option(self, address: bytes, router: bytes, lifetime: int) -> nd.AddressRegistration:
        """RFC 8505 §6: "MUST always use an EARO", also towards a router that knows the ARO only."""
        del router
        option = nd.AddressRegistration(self.eui64(), lifetime=lifetime)
        if self.extended:
            return replace(option, t=True, r=self.role == "6LN", tid=self.tids[address])
        return option

    def advertised_neighbour(self, message: nd.NeighborAdvertisement) -> None:
        """§5.5.2: an NA with ARO of a router that was asked; of anybody else it says nothing."""
        if self.sender not in self.registrars():
            return
        self.answering.add(self.sender)
        for option in message.options:
            if isinstance(option, nd.AddressRegistration):
                self.registration_answered(self.answered_address(message, option), option)

    def is_valid_answer(self, view: ipv6.Packet, message: nd.NeighborAdvertisement) -> bool:
        """RFC 4861 §7.1.2: no group is advertised, and what all nodes are told was not solicited."""
        return not is_multicast(message.target) and not (is_multicast(view.dst) and message.solicited)

    def told_of_router(self, message: nd.NeighborAdvertisement) -> None:
        """RFC 4861 §7.2.5: a router that says by R=0 that it is none any more MUST be removed from the list.

        Unless O is clear and it tells another link-layer address: then the entry is not updated.
        """
        known = self.routers.get(message.target)
        if known is None or message.router:
            return
        found = [o for o in message.options if isinstance(o, nd.LinkLayerAddress) and o.type == nd.TLLAO]
        if message.override or not found or self.option_address(found[0].address) == known.link:
            self.lose_router(message.target)

    def answered_address(self, message: nd.NeighborAdvertisement, option: nd.AddressRegistration) -> bytes:
        """RFC 8505 §5.5: the target; RFC 6775: where the NA goes to, or else what has waited longest."""
        assert self.view is not None
        if option.t and message.target in self.pending:
            return message.target
        waiting = [address for address, routers in self.pending.items() if self.sender in routers]
        return self.view.dst if self.view.dst in waiting or not waiting else waiting[0]

    def registration_answered(self, address: bytes, option: nd.AddressRegistration) -> None:
        """§5.5.2: an ARO of another length, or of another EUI-64, "is silently ignored"."""
        if option.rovr != self.eui64():
            return
        router, waiting = self.sender, self.pending.get(address, set())
        if option.status == DUPLICATE:
            self.duplicate(address)
        elif option.status == FULL:
            self.full(router)
        elif option.status:
            self.refreshes[address] = self.now + LATER
            self.tries[address] = 0
        elif router in waiting:
            waiting.discard(router)
            self.confirmed[router, address] = option.lifetime
            if not waiting:
                self.refreshes[address] = self.now + self.renewal(address)
            if address == self.own[0]:
                self.register_all()

    def renewal(self, address: bytes) -> float:
        """§5.5.2: "The host saves the Registration Lifetime from the ARO ... to trigger a new NS well before"."""
        minutes = [kept for (_, which), kept in self.confirmed.items() if which == address]
        return min(minutes, default=LIFETIME) * 60 / 2 or LATER

    def duplicate(self, address: bytes) -> None:
        """§5.5.3: "MUST NOT use the address"; other routers forget it by "a zero ARO lifetime"."""
        others = [router for router, which in self.confirmed if which == address and router != self.sender]
        for router in others:
            self.send_registration(address, router, 0)
        self.refused.add(address)
        self.drop_address(address)

    def full(self, router: bytes) -> None:
        """§5.5.3: "SHOULD remove this router from its default router list and attempt to register with another"."""
        self.lose_router(router)

    def registration_due(self, address: bytes) -> None:
        """Renew it, try it again, or take the routers that say nothing for gone (§5.5)."""
        waiting = self.pending.get(address)
        if not waiting:
            self.register(address)
        elif self.tries[address] < TRIES:
            self.try_registration(address)
        else:
            # of what waits for the source's own registration there was no try
            silent = [r for r in waiting if r not in self.answering and self.may_register(address, r)]
            self.pending[address] = set()
            for router in silent:
                self.lose_router(router)
            if self.registrars():
                self.refreshes[address] = self.now + self.renewal(address)
            else:
                self.refreshes.pop(address, None)

    # -- messages and next hops -------------------------------------------------------------------------------

    def discovery(self, view: ipv6.Packet, message: nd.Message) -> bool:
        """Routers and their answers to registrations; what the host of RFC 4861 takes of them, it takes as well."""
        if isinstance(message, nd.RouterAdvertisement):
            if is_link_local(view.src) and self.takes_advertisement(message):
                self.advertised_router(message)
            return False
        if isinstance(message, nd.NeighborAdvertisement):
            if not self.is_valid_answer(view, message):
                return True
            self.advertised_neighbour(message)
            self.told_of_router(message)
            return False
        return super().discovery(view, message)

    def next_hop(self, destination: bytes) -> bytes:
        """§5.6: what is not link-local goes to a default router."""
        if self.routers and not is_link_local(destination):
            return next(iter(self.routers.values())).link
        return super().next_hop(destination)

    # -- time -------------------------------------------------------------------------------------------------

    def due(self) -> float | None:
        ends = (*self.context_ends.values(), *self.context_goes.values(), *self.prefix_ends.values())
        lives = [router.ends for router in self.routers.values()]
        timers = (self.solicited_at, self.refresh_at, *self.refreshes.values(), *ends, *lives)
        return soonest(super().due(), *timers)

    def tick(self) -> None:
        super().tick()
        for cid in [cid for cid, at in self.context_ends.items() if at <= self.now]:
            self.context_ended(cid)
        for cid in [cid for cid, at in self.context_goes.items() if at <= self.now]:
            del self.context_goes[cid]
            self.contexts = self.contexts.without(cid)
        for address in [a for a, at in self.prefix_ends.items() if at <= self.now]:
            self.drop_address(address)
        for gone in [address for address, router in self.routers.items() if router.ends <= self.now]:
            self.lose_router(gone)
        if self.refresh_at is not None and self.refresh_at <= self.now:
            self.refresh_at = None
            if self.solicited_at is None:
                self.asks = next(iter(self.routers), ALL_ROUTERS)
                self.solicit_router()
        if self.solicited_at is not None and self.solicited_at <= self.now:
            self.solicit_router()
        for address in [a for a, at in self.refreshes.items() if at <= self.now]:
            if address in self.refreshes:
                self.registration_due(address)
