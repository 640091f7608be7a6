"""Mutants of a 6LN of RFC 6775: routers that end, retire or come back, and what is sent again or second."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from rigs.nodes.reference.registration import reverse
from sixlowpan import nd
from sixlowpan.addresses import ALL_ROUTERS, is_link_local
from tests.mutants import starts_with
from tests.mutants.nd_host import wrong
from tests.mutants.nd_steps import says

# -- routers ----------------------------------------------------------------------------------------------------


@wrong("host-ended-router-used", "RFC4861-6.3.5-01")
class EndedRouterUsed(ReferenceNode):
    """Keeps a router whose lifetime has ended: removes it only where the router says 0."""

    def keep_router(self, message):
        new = super().keep_router(message)
        if self.sender in self.routers:
            self.routers[self.sender].ends = float("inf")
        return new


@wrong("host-returned-router-not-registered", "RFC6775-5.5-01")
class ReturnedNotRegistered(ReferenceNode):
    """Takes an address for registered with a router that was gone and comes back, and never renews it there."""

    def lose_router(self, router):
        before = dict(self.confirmed)
        super().lose_router(router)
        self.confirmed |= before
        if not self.routers:
            self.refreshes.clear()


@wrong("host-retired-router-prefix-ignored", "RFC4862-5.5.3-03")
class RetiredRouterPrefix(ReferenceNode):
    """Takes no prefix from a router with a Router Lifetime of 0."""

    def makes_address(self, option):
        return self.sender in self.routers and super().makes_address(option)


@wrong("host-short-sllao-of-a-router-long", "RFC6775-5.6-02")
class ShortSllaoLong(ReferenceNode):
    """Takes the short address in a router's SLLAO for the beginning of a long one."""

    def option_address(self, octets):
        return octets[:8] if len(octets) > 6 else octets + bytes(2)


@wrong("host-on-link-prefix-sent-directly", "RFC6775-5.4-03")
@starts_with(on_link=set())
class OnLinkDirectly(ReferenceNode):
    """Sends directly to addresses of a prefix that was advertised with L=1."""

    def advertised_router(self, message):
        told = (o for o in message.options if isinstance(o, nd.PrefixInformation) and o.on_link)
        self.on_link |= {option.prefix[:8] for option in told}
        super().advertised_router(message)

    def next_hop(self, destination):
        return reverse(destination) if destination[:8] in self.on_link else super().next_hop(destination)


@wrong("host-global-advertisement-context", "RFC4861-6.1.2-01")
class GlobalAdvertisementContext(ReferenceNode):
    """Takes the contexts of an advertisement that comes from a global address."""

    def discovery(self, view, message):
        if isinstance(message, nd.RouterAdvertisement) and not is_link_local(view.src):
            for option in message.options:
                if isinstance(option, nd.ContextOption):
                    self.take_context(option)
        return super().discovery(view, message)


@wrong("host-prefix-of-0-bits", "RFC4862-5.5.3-01")
class PrefixOf0Bits(ReferenceNode):
    """Takes a Prefix Length of 0 for "not told", thus 64."""

    def makes_address(self, option):
        return super().makes_address(option if option.length else replace(option, length=64))


# -- what is sent again -----------------------------------------------------------------------------------------


@wrong("host-refresh-hop-limit", "RFC4861-6.1.1-01")
class RefreshHopLimit(ReferenceNode):
    """Sends a solicitation to one router with a hop limit of 64."""

    def output(self, packet):
        if packet[40:41] == bytes([nd.RS]) and packet[24:40] != ALL_ROUTERS:
            packet = packet[:7] + b"\x40" + packet[8:]
        super().output(packet)


@wrong("host-refresh-without-sllao", "RFC6775-5.3-02")
class RefreshWithoutSllao(says(nd.RS, lambda n, s, d, b: (s, d, b if d == ALL_ROUTERS else b[:4] + b[20:]))):
    """Leaves the SLLAO out of a solicitation to one router."""


@wrong("host-second-registration-hop-limit", "RFC4861-7.1.1-01")
@starts_with(first=b"")
class SecondHopLimit(ReferenceNode):
    """Registers with a hop limit of 64 what it registers behind its first address."""

    def output(self, packet):
        if packet[40:41] == bytes([nd.NS]):
            self.first = self.first or packet[8:24]
            if packet[8:24] != self.first:
                packet = packet[:7] + b"\x40" + packet[8:]
        super().output(packet)


@wrong("host-retry-eui64-inverted", "RFC6775-4.1-06")
class RetryInverted(ReferenceNode):
    """Tries a registration again with the U/L bit of the EUI-64 inverted."""

    def registration_option(self, address, router, lifetime):
        option = super().registration_option(address, router, lifetime)
        if self.tries.get(address, 0) > 1:
            option = replace(option, rovr=bytes([option.rovr[0] ^ 2]) + option.rovr[1:])
        return option


@wrong("host-renewed-by-the-longest", "RFC6775-5.5.2-03", advice=True)
class RenewedByLongest(ReferenceNode):
    """Of two routers' registration lifetimes takes the longer one for the time of its renewal."""

    def renewal(self, address):
        minutes = [kept for (_, which), kept in self.confirmed.items() if which == address]
        return max(minutes, default=10) * 30.0 or 60.0


@wrong("host-duplicate-drops-all", "RFC4862-5.5.4-03")
class DuplicateDropsAll(ReferenceNode):
    """Behind a status of 1 drops all addresses that it made."""

    def duplicate(self, address):
        super().duplicate(address)
        for own in list(self.made):
            self.drop_address(own)
