"""What a 6LN keeps of Router Advertisements: contexts, and addresses of prefixes, with their lifetimes (RFC 6775 §5.4).

Strategy: an option goes through one small method; when something ends is a number in a table, at which `sixln` looks.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from rigs.nodes.reference.discovery import Discovery
from rigs.nodes.reference.registration import ENDLESS
from sixlowpan import Context, nd
from sixlowpan.addresses import solicited_node

TWO_HOURS: Final = 7200.0  # RFC 4862 §5.5.3


class Advertised(Discovery):
    """The contexts and addresses of a host that was advertised to."""

    def boot_advertised(self) -> None:
        """Forget what routers told."""
        self.given = self.contexts
        #: Addresses made of a router's prefixes, and those that turned out to be somebody else's.
        self.made: set[bytes] = set()
        self.refused: set[bytes] = set()
        self.prefix_ends: dict[bytes, float] = {}
        self.context_ends: dict[int, float] = {}
        self.context_goes: dict[int, float] = {}
        self.router_lifetime = 0.0

    @abstractmethod
    def register(self, address: bytes) -> None:
        """A new address is there: register it with the routers."""

    def take_context(self, option: nd.ContextOption) -> None:
        """§5.4.2: it adds, updates, or with a lifetime of 0 removes the entry of its CID."""
        self.context_ends.pop(option.cid, None)
        self.context_goes.pop(option.cid, None)
        if option.valid_lifetime:
            self.contexts = self.contexts.with_context(option.cid, option.context())
            self.context_ends[option.cid] = self.now + 60.0 * option.valid_lifetime
        else:
            self.contexts = self.contexts.without(option.cid)

    def context_ended(self, cid: int) -> None:
        """§5.4.3: "placed in a receive-only mode", and held there for "twice the default Router Lifetime"."""
        del self.context_ends[cid]
        if cid in self.contexts:
            ended = self.contexts[cid]
            self.contexts = self.contexts.with_context(cid, Context(ended.prefix, ended.length, False))
            self.context_goes[cid] = self.now + 2 * self.router_lifetime

    def makes_address(self, option: nd.PrefixInformation) -> bool:
        """RFC 4862 §5.5.3: with A=1, a prefix of 64 bits, and no preferred lifetime beyond the valid one."""
        return (
            option.autonomous and option.length == 64 and option.preferred_lifetime <= option.valid_lifetime
        )

    def take_prefix(self, option: nd.PrefixInformation) -> None:
        """§5.4: a PIO "with the L (on-link) flag set, then that PIO MUST be ignored".

        RFC 4862 §5.5.3 (d), (e): lifetimes are of "an address configured by stateless autoconfiguration". The
        link-local one, and what was given by hand, have none.
        """
        if option.on_link:
            return
        address = option.prefix[:8] + self.interface_identifier(option.prefix)
        if address in self.own and address not in self.made:
            return
        if address in self.refused or not (option.valid_lifetime or address in self.own):
            return
        self.prefix_ends[address] = self.valid_until(address, option)
        if address not in self.own:
            self.own.append(address)
            self.made.add(address)
            self.groups.add(solicited_node(address))
            self.register(address)

    def valid_until(self, address: bytes, option: nd.PrefixInformation) -> float:
        """RFC 4862 §5.5.3 (e): a shorter lifetime, which may be forged, leaves an address two hours, or what it had."""
        told = self.now + option.valid_lifetime if option.valid_lifetime != ENDLESS else float("inf")
        ends = self.prefix_ends.get(address, 0.0)
        return told if told > ends or option.valid_lifetime > TWO_HOURS else min(ends, self.now + TWO_HOURS)

    def interface_identifier(self, prefix: bytes) -> bytes:
        """RFC 6775 §5.2: from the EUI-64 of the interface."""
        del prefix
        return self.own[0][8:]
