"""Mutants of a 6LN behind events: contexts that have ended, and renewals of RFC 8505."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import Context, nd
from sixlowpan.addresses import is_link_local
from tests.mutants import starts_with
from tests.mutants.nd_extended import wrong as wrong8
from tests.mutants.nd_host import wrong


@wrong("6ln-nd-context-lifetime-of-16-bits", "RFC6775-4.2-01")
class NdContextLifetimeOf16Bits(ReferenceNode):
    """Counts the lifetime of a context in seconds, in 16 bits."""

    def take_context(self, option):
        super().take_context(option)
        if option.valid_lifetime:
            self.context_ends[option.cid] = self.now + (60 * option.valid_lifetime & 0xFFFF)


@wrong("6ln-nd-c-flag-in-the-cid", "RFC6775-4.2-01")
class NdCFlagInTheCid(ReferenceNode):
    """Reads the C flag from the first bit of the CID."""

    def take_context(self, option):
        super().take_context(replace(option, compress=bool(option.cid & 8)))


@wrong("6ln-nd-context-goes-by-the-old-timer", "RFC6775-5.4.3-01")
class NdContextGoesByTheOldTimer(ReferenceNode):
    """Removes a context that was told again when the expired one would have gone."""

    def take_context(self, option):
        goes = self.context_goes.get(option.cid)
        super().take_context(option)
        if goes is not None:
            self.context_goes[option.cid] = goes


@wrong("6ln-nd-expired-context-not-removed", "RFC6775-5.4.2-03")
class NdExpiredContextNotRemoved(ReferenceNode):
    """Keeps a context that has expired when it is to be removed."""

    def take_context(self, option):
        if option.cid in self.context_goes and not option.valid_lifetime:
            return
        super().take_context(option)


@wrong("6ln-nd-expired-context-never-used-again", "RFC6775-5.4.2-01")
@starts_with(dead=frozenset())
class NdExpiredContextNeverUsedAgain(ReferenceNode):
    """Never compresses again with a context that had expired."""

    def context_ended(self, cid):
        super().context_ended(cid)
        self.dead |= {cid}

    def take_context(self, option):
        super().take_context(replace(option, compress=option.compress and option.cid not in self.dead))


@wrong("6ln-nd-replaced-context-kept", "RFC6775-5.4.2-01")
class NdReplacedContextKept(ReferenceNode):
    """Keeps the prefix that a CID had as one more context."""

    def take_context(self, option):
        before = self.contexts.get(option.cid)
        super().take_context(option)
        if before is not None and option.valid_lifetime and before.prefix != option.context().prefix:
            spare = next((c for c in range(15, 0, -1) if c not in self.contexts), None)
            if spare is not None:
                self.contexts = self.contexts.with_context(spare, Context(before.prefix, before.length, True))


@wrong8("earo-r-at-first-only", "RFC8505-5.1-03")
class RAtFirstOnly(ReferenceNode):
    """Sets R in new registrations only, not in renewals."""

    def registration_option(self, address, router, lifetime):
        o = super().registration_option(address, router, lifetime)
        return replace(o, r=False) if (router, address) in self.confirmed else o


@wrong8("earo-renewed-from-itself", "RFC8505-5.6-02")
class RenewedFromItself(ReferenceNode):
    """Renews a global address from itself."""

    def send_nd(self, s, d, k, b):
        if k == nd.NS and not is_link_local(b[4:20]) and any(w == b[4:20] for _, w in self.confirmed):
            s = b[4:20]
        super().send_nd(s, d, k, b)


@wrong8("earo-tid-begins-anew", "RFC8505-5.2.1-02")
class TidBeginsAnew(ReferenceNode):
    """Begins its TIDs anew when a router is lost."""

    def lose_router(self, router):
        self.tids = {}
        super().lose_router(router)
