"""Mutants of a 6LN of RFC 6775 in what it keeps: contexts, routers, registrations, and how each of them is updated."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from rigs.nodes.reference.registration import DUPLICATE
from sixlowpan import Context, nd
from sixlowpan.addresses import is_link_local
from tests.mutants.nd_host import wrong
from tests.mutants.nd_steps import hop_limit_unchecked, reads_contexts

# -- contexts ---------------------------------------------------------------------------------------------------


def with_first(node, option, field):
    """The 6CO with this field as the context has it that the CID stands for by now."""
    known = node.contexts.get(option.cid)
    return replace(option, **{field: getattr(known, field)}) if known is not None else option


@wrong("6ln-nd-context-c-not-updated", "RFC6775-5.4.2-01")
class CompressionKept(reads_contexts(lambda n, o: with_first(n, o, "compress"))):
    """Keeps the C flag that a CID had first."""


@wrong("6ln-nd-context-lifetime-not-updated", "RFC6775-5.4.2-01")
class LifetimeKept(ReferenceNode):
    """Ends a context when the first 6CO said, although a later one was told another lifetime."""

    def take_context(self, option):
        ends = self.context_ends.get(option.cid)
        super().take_context(option)
        if ends is not None and option.valid_lifetime:
            self.context_ends[option.cid] = ends


@wrong("6ln-nd-context-length-not-updated", "RFC6775-5.4.2-01")
class LengthKept(reads_contexts(lambda n, o: with_first(n, o, "length"))):
    """Keeps the Context Length that a CID had first."""


@wrong("6ln-nd-expired-context-for-one-lifetime", "RFC6775-5.4.3-01")
class OneLifetime(ReferenceNode):
    """Reads with an expired context for one Router Lifetime in place of two."""

    def context_ended(self, cid):
        super().context_ended(cid)
        if cid in self.context_goes:
            self.context_goes[cid] = self.now + self.router_lifetime


@wrong("6ln-nd-context-cid-of-3-bits", "RFC6775-4.2-01")
class ThreeBits(reads_contexts(lambda n, o: replace(o, cid=o.cid & 7))):
    """Looks at the lower three bits of a CID."""


@wrong("6ln-nd-context-lifetime-of-8-bits", "RFC6775-4.2-01")
class LifetimeOf8(reads_contexts(lambda n, o: replace(o, valid_lifetime=o.valid_lifetime & 0xFF))):
    """Looks at the lower octet of a context's lifetime."""


@wrong("6ln-nd-context-padding-counts", "RFC6775-4.2-01", advice=True)
class PaddingCounts(ReferenceNode):
    """Takes what stands behind the Context Length for a part of the prefix."""

    def take_context(self, option):
        super().take_context(option)
        if option.valid_lifetime and option.length <= 64:
            whole = Context(option.prefix[:8] + bytes(8), 64, option.compress)
            self.contexts = self.contexts.with_context(option.cid, whole)


@wrong("6ln-nd-context-removal-ends-all", "RFC6775-4.2-06")
class RemovesAll(ReferenceNode):
    """Forgets every context when one is removed."""

    def take_context(self, option):
        super().take_context(option)
        if not option.valid_lifetime:
            for cid in list(self.contexts):
                self.contexts = self.contexts.without(cid)


# -- advertisements ---------------------------------------------------------------------------------------------


@wrong("6ln-nd-ra-hop-limit-unchecked", "RFC4861-6.1.2-01")
class RaHopLimitUnchecked(hop_limit_unchecked(nd.RA)):
    """Takes an advertisement whose hop limit shows that it was forwarded."""


@wrong("6ln-nd-ra-from-a-global-address", "RFC4861-6.1.2-01")
class RaFromGlobal(ReferenceNode):
    """Takes an advertisement from an address that is not link-local."""

    def discovery(self, view, message):
        if isinstance(message, nd.RouterAdvertisement) and not is_link_local(view.src):
            self.advertised_router(message)
        return super().discovery(view, message)


@wrong("6ln-nd-na-hop-limit-unchecked", "RFC4861-7.1.2-01")
class NaHopLimitUnchecked(hop_limit_unchecked(nd.NA)):
    """Takes an answer to a registration whose hop limit shows that it was forwarded."""


# -- registrations ----------------------------------------------------------------------------------------------


@wrong("6ln-nd-duplicate-tried-again", "RFC6775-5.5.3-01")
class TriedAgain(ReferenceNode):
    """Tries to register a duplicate again a minute later."""

    def duplicate(self, address):
        self.refreshes[address], self.tries[address] = self.now + 60.0, 0
        self.pending[address] = set()


@wrong("6ln-nd-duplicate-made-anew", "RFC6775-5.5.3-01")
class MadeAnew(ReferenceNode):
    """Makes a duplicate address anew when its prefix is advertised again."""

    def duplicate(self, address):
        super().duplicate(address)
        self.refused.discard(address)


@wrong("6ln-nd-full-forgets-all-routers", "RFC6775-5.5.3-03")
class FullForgetsAll(ReferenceNode):
    """Gives all its routers up when one of them is full."""

    def full(self, router):
        for known in list(self.routers):
            self.lose_router(known)


@wrong("6ln-nd-renews-once", "RFC6775-5.5-01")
class RenewsOnce(ReferenceNode):
    """Renews a registration once, and then no more."""

    def register(self, address, lifetime=10):
        self.renewals = getattr(self, "renewals", {})
        self.renewals[address] = self.renewals.get(address, 0) + 1
        if self.renewals[address] > 2:
            self.refreshes.pop(address, None)
            return
        super().register(address, lifetime)


@wrong("6ln-nd-answer-lifetime-swapped", "RFC6775-4.1-07")
class AnswerSwapped(ReferenceNode):
    """Takes the lifetime of an answer in the order of its own octets."""

    def registration_answered(self, address, option):
        swapped = int.from_bytes(option.lifetime.to_bytes(2, "little"), "big")
        super().registration_answered(address, replace(option, lifetime=swapped))


@wrong("6ln-nd-duplicate-of-another-address", "RFC6775-5.5.3-01")
class OtherAddress(ReferenceNode):
    """Gives another of its addresses up than the one that is a duplicate."""

    def duplicate(self, address):
        assert address
        others = [own for own in self.own[1:] if own != address]
        super().duplicate(others[0] if others else address)

    def registration_answered(self, address, option):
        if option.status == DUPLICATE and not self.own[1:]:
            return
        super().registration_answered(address, option)
