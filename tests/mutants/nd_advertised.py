"""Mutants of a 6LN of RFC 6775: what it makes of advertisements (prefixes, contexts), and its next hops."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from rigs.nodes.reference.registration import reverse
from sixlowpan import Context, nd
from sixlowpan.addresses import (
    is_link_local,
    is_multicast,
)
from tests.mutants.nd_host import wrong
from tests.mutants.nd_steps import reads_contexts

# -- advertisements ---------------------------------------------------------------------------------------------


@wrong("6ln-nd-on-link-prefix-taken", "RFC6775-5.4-03")
class OnLinkTaken(ReferenceNode):
    """Makes an address of a prefix with L=1."""

    def take_prefix(self, option):
        super().take_prefix(replace(option, on_link=False))


class Drops(ReferenceNode):
    """A host that drops some advertisements."""

    def drops(self, message):
        raise NotImplementedError

    def advertised_router(self, message):
        if not self.drops(message):
            super().advertised_router(message)


@wrong("6ln-nd-lifetime-ffff-dropped", "RFC6775-5.4.1-02")
class FfffDropped(Drops):
    """Drops an advertisement whose lifetime exceeds the 9000 s of RFC 4861."""

    def drops(self, message):
        return message.router_lifetime > 9000


@wrong("6ln-nd-lifetime-signed", "RFC6775-5.4.1-02")
class Signed(ReferenceNode):
    """Takes a lifetime of 0xffff for one of -1."""

    def keep_router(self, message):
        lifetime = 0 if message.router_lifetime > 0x7FFF else message.router_lifetime
        return super().keep_router(replace(message, router_lifetime=lifetime))

    def register(self, address, lifetime=10):
        if self.routers:
            super().register(address, lifetime)


@wrong("6ln-nd-unknown-option-dropped", "RFC4861-6.1.2-02")
class UnknownDropped(Drops):
    """Drops an advertisement with an option that it does not know."""

    def drops(self, message):
        return any(isinstance(option, nd.UnknownOption) for option in message.options)


@wrong("6ln-nd-hop-limit-0-dropped", "RFC6775-5.4.1-02")
class HopLimitZeroDropped(Drops):
    """Drops an advertisement that leaves the hop limit unspecified."""

    def drops(self, message):
        return message.hop_limit == 0


@wrong("6ln-nd-other-flag-dropped", "RFC6775-5.4.1-02")
class OtherDropped(Drops):
    """Drops an advertisement with the O flag."""

    def drops(self, message):
        return message.other


@wrong("6ln-nd-prefix-never-ends", "RFC4862-5.5.4-02")
class PrefixNeverEnds(ReferenceNode):
    """Uses an address whose valid lifetime has ended, and says that it has it no more."""

    gone: bytes = b""

    def drop_address(self, address):
        self.prefix_ends.pop(address, None)
        self.gone = address

    def addresses(self):
        return tuple(address for address in self.own if address != self.gone)


# -- contexts ---------------------------------------------------------------------------------------------------


@wrong("6ln-nd-no-contexts", "RFC6775-4.2-01", "LINUX-NO-6CO")
class NoContexts(reads_contexts(lambda n, o: None)):
    """Ignores contexts."""


@wrong("6ln-nd-contexts-of-64-bits", "RFC6775-4.2-02")
class Of64(reads_contexts(lambda n, o: replace(o, length=min(o.length, 64)))):
    """Takes the first 64 bits of every context for all of it."""


@wrong("6ln-nd-context-not-updated", "RFC6775-5.4.2-01")
class NotUpdated(reads_contexts(lambda n, o: o if o.cid not in n.contexts or not o.valid_lifetime else None)):
    """Keeps the prefix that a CID had first."""


@wrong("6ln-nd-c-flag-ignored", "RFC6775-4.2-04")
class CIgnored(reads_contexts(lambda n, o: replace(o, compress=True))):
    """Compresses with a context whose C flag is 0."""


@wrong("6ln-nd-c-0-not-read", "RFC6775-4.2-05")
class CZeroDropped(reads_contexts(lambda n, o: o if o.compress else None)):
    """Does not know a context whose C flag is 0."""


@wrong("6ln-nd-context-lifetime-0-ignored", "RFC6775-5.4.2-03")
class ZeroIgnored(reads_contexts(lambda n, o: o if o.valid_lifetime else None)):
    """Keeps a context that is to be removed."""


@wrong("6ln-nd-context-lifetime-0-makes-one", "RFC6775-5.4.2-03")
class ZeroMakes(
    reads_contexts(
        lambda n, o: o if o.cid in n.contexts else replace(o, valid_lifetime=o.valid_lifetime or 1)
    )
):
    """Makes an entry of a 6CO with lifetime 0 for a CID that it did not know."""


@wrong("6ln-nd-context-res-refused", "RFC6775-4.2-07")
class ResRefused(ReferenceNode):
    """Ignores a 6CO with reserved bits set."""

    def icmp(self, view, message):
        at = 16
        while message[0] == nd.RA and at + 8 <= len(message) and message[at + 1]:
            if message[at] == nd.SIXCO and (message[at + 3] & 0xE0 or message[at + 4 : at + 6] != b"\0\0"):
                return
            at += 8 * message[at + 1]
        super().icmp(view, message)


@wrong("6ln-nd-four-contexts", "RFC6775-4.2-03")
class FourContexts(reads_contexts(lambda n, o: o if o.cid in n.contexts or len(n.contexts) < 4 else None)):
    """Has room for four contexts."""


@wrong("6ln-nd-first-context-only", "RFC6775-4.2-03")
class FirstOnly(ReferenceNode):
    """Takes the first 6CO of an advertisement only."""

    def advertised_router(self, message):
        found = [option for option in message.options if isinstance(option, nd.ContextOption)]
        kept = tuple(o for o in message.options if o not in found[1:])
        super().advertised_router(replace(message, options=kept))


@wrong("6ln-nd-expired-context-used", "RFC6775-5.4.3-01")
class ExpiredUsed(ReferenceNode):
    """Compresses with a context that has expired."""

    def context_ended(self, cid):
        del self.context_ends[cid]


@wrong("6ln-nd-expired-context-gone", "RFC6775-5.4.3-01")
class ExpiredGone(ReferenceNode):
    """Forgets a context when it expires."""

    def context_ended(self, cid):
        super().context_ended(cid)
        self.context_goes[cid] = self.now


@wrong("6ln-nd-expired-context-for-ever", "RFC6775-5.4.3-01")
class ExpiredForEver(ReferenceNode):
    """Reads with an expired context for ever."""

    def context_ended(self, cid):
        super().context_ended(cid)
        self.context_goes.pop(cid, None)


@wrong("6ln-nd-context-lifetime-in-seconds", "RFC6775-5.4.3-01")
class InSeconds(ReferenceNode):
    """Takes the lifetime of a context for seconds."""

    def take_context(self, option):
        super().take_context(option)
        if option.cid in self.context_ends:
            self.context_ends[option.cid] = self.now + option.valid_lifetime


class BadContexts(ReferenceNode):
    """A host that makes something of a 6CO that is none."""

    def bad(self, option):
        raise NotImplementedError

    def icmp(self, view, message):
        at = 16
        while message[0] == nd.RA and at + 16 <= len(message) and message[at + 1]:
            option = message[at : at + 8 * message[at + 1]]
            if option[0] == nd.SIXCO and (option[2] > 128 or option[2] > 64 > 8 * len(option) - 128):
                self.bad(option)
                return
            at += len(option)
        super().icmp(view, message)


class Clamped(BadContexts):
    """Cuts a length that is too long to what it can hold."""

    most = 128

    def bad(self, option):
        prefix = (option[8:24] + bytes(16))[:16]
        value = int.from_bytes(prefix) >> 128 - self.most << 128 - self.most
        self.contexts = self.contexts.with_context(option[3] & 15, Context(value.to_bytes(16), self.most))


@wrong("6ln-nd-long-context-as-128", "RFC6775-4.2-02", "RIOT-6CO-LENGTH")
class As128(Clamped):
    """Takes a context of a length beyond 128 for one of 128 bits."""


@wrong("6ln-nd-long-context-as-64", "RFC6775-4.2-02")
class As64(Clamped):
    """Takes a context that its option cannot hold for one of 64 bits."""

    most = 64


@wrong("6ln-nd-long-context-crash", "RFC6775-4.2-02")
class LongCrash(BadContexts):
    """Crashes on a Context Length beyond 128."""

    def bad(self, option):
        if option[2] > 128:
            raise IndexError("copied beyond the end of the prefix")


# -- next hops --------------------------------------------------------------------------------------------------


@wrong("6ln-nd-link-local-resolved", "RFC6775-5.6-01")
class LinkLocalResolved(ReferenceNode):
    """Solicits a link-local neighbour that it has not met."""

    def next_hop(self, destination):
        if is_link_local(destination) and destination not in self.routers:
            self.send_nd(self.own[0], destination, nd.NS, bytes(4) + destination) if not self.asking else None
        return super().next_hop(destination)

    asking = False

    def send_nd(self, source, destination, kind, body):
        before, self.asking = self.asking, True
        super().send_nd(source, destination, kind, body)
        self.asking = before


@wrong("6ln-nd-link-local-not-reversed", "RFC6775-5.6-01")
class NotReversed(ReferenceNode):
    """Sends to the identifier of a link-local address, without inverting its U/L bit."""

    def next_hop(self, destination):
        if is_link_local(destination) and not any(destination == router for router in self.routers):
            return destination[8:] if self.routers else super().next_hop(destination)
        return super().next_hop(destination)


@wrong("6ln-nd-link-local-by-router", "RFC6775-5.6-01")
class ByRouter(ReferenceNode):
    """Sends packets for link-local addresses to its router."""

    def next_hop(self, destination):
        found = super().next_hop(destination)
        return (
            next(iter(self.routers.values())).link if self.routers and is_link_local(destination) else found
        )


@wrong("6ln-nd-same-prefix-on-link", "RFC6775-5.6-02")
class SamePrefix(ReferenceNode):
    """Takes its own prefix for on-link, and reverses the identifier."""

    def next_hop(self, destination):
        same = any(address[:8] == destination[:8] for address in self.own)
        return reverse(destination) if same else super().next_hop(destination)


@wrong("6ln-nd-global-on-link", "RFC6775-5.6-02")
class GlobalOnLink(ReferenceNode):
    """Sends everything to the MAC address that the identifier gives."""

    def next_hop(self, destination):
        return b"" if is_multicast(destination) else reverse(destination)
