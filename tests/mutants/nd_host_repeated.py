"""Mutants of a 6LN in what is done a second time, for a second router or prefix, or at the end of a range."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import ALL_ROUTERS, is_link_local
from tests.mutants import nd_extended
from tests.mutants.nd_host import wrong
from tests.mutants.nd_steps import code_unchecked, reads_answers, reads_contexts, router_keeps

# -- router advertisements --------------------------------------------------------------------------------------


@wrong("6ln-nd-refresh-unicast-for-ever", "RFC6775-5.4.3-02")
class RefreshUnicast(ReferenceNode):
    """Goes on to ask its router by unicast although that says nothing, until its lifetime has ended."""

    def send_nd(self, source, destination, kind, body):
        if kind == nd.RS and destination == ALL_ROUTERS and self.routers:
            destination = next(iter(self.routers))
        super().send_nd(source, destination, kind, body)


class Advertised(ReferenceNode):
    """A host that reads something else than the Router Advertisement that came."""

    def read(self, message):
        raise NotImplementedError

    def advertised_router(self, message):
        read = self.read(message)
        if read is not None:
            super().advertised_router(read)


@wrong("6ln-nd-options-end-at-an-unknown-one", "RFC4861-6.1.2-02")
class UnknownEnds(Advertised):
    """Reads no further in an advertisement than the first option that it does not know."""

    def read(self, message):
        known = [not isinstance(option, nd.UnknownOption) for option in message.options]
        return replace(message, options=message.options[: [*known, False].index(False)])


@wrong("6ln-nd-on-link-prefix-drops-all", "RFC6775-5.4-03")
class OnLinkDropsAll(Advertised):
    """Ignores a whole advertisement that has a prefix with L=1."""

    def read(self, message):
        prefixes = [option for option in message.options if isinstance(option, nd.PrefixInformation)]
        return None if any(option.on_link for option in prefixes) else message


@wrong("6ln-nd-options-of-a-retired-router-unread", "RFC6775-5.4.2-01")
class RetiredUnread(Advertised):
    """Reads no option of an advertisement with lifetime 0, which "does not apply to" them (RFC 4861 §4.2)."""

    def read(self, message):
        return message if message.router_lifetime else replace(message, options=())


@wrong("6ln-nd-retired-router-takes-contexts", "RFC6775-5.4.2-01")
class RetiredTakesContexts(ReferenceNode):
    """Forgets its contexts when its router retires: each has a lifetime of its own."""

    def keep_router(self, message):
        if not message.router_lifetime:
            for cid in list(self.contexts):
                self.contexts = self.contexts.without(cid)
        return super().keep_router(message)


@wrong("6ln-nd-retired-router-never-back", "RFC6775-5.6-02")
class NeverBack(ReferenceNode):
    """Takes a router that has retired for none for ever."""

    def boot_discovery(self):
        self.retired = set()
        super().boot_discovery()

    def keep_router(self, message):
        if not message.router_lifetime:
            self.retired.add(self.sender)
        elif self.sender in self.retired:
            return False
        return super().keep_router(message)


@wrong("6ln-nd-second-advertisement-replaces-contexts", "RFC6775-5.4.2-01")
class Replaces(Advertised):
    """Forgets the contexts that an advertisement does not repeat."""

    def read(self, message):
        told = {option.cid for option in message.options if isinstance(option, nd.ContextOption)}
        for cid in [cid for cid in self.contexts if cid not in told]:
            self.contexts = self.contexts.without(cid)
        return message


@wrong("6ln-nd-ra-code-unchecked", "RFC4861-6.1.2-01")
class RaCode(code_unchecked(nd.RA)):
    """Takes an advertisement with any code."""


@wrong("6ln-nd-ra-option-0-skipped", "RFC4861-6.1.2-01")
class ZeroSkipped(ReferenceNode):
    """Takes what stands in front of an option of length 0 in an advertisement."""

    def icmp(self, view, message):
        if message[0] == nd.RA:
            at = 16
            while at + 2 <= len(message) and message[at + 1]:
                at += 8 * message[at + 1]
            message = message[:at]
        super().icmp(view, message)


@wrong("6ln-nd-router-link-address-kept", "RFC6775-5.6-02", advice=True)
class LinkKept(router_keeps("link")):
    """Keeps the link-layer address that a router told first."""


@wrong("6ln-nd-first-router-for-good", "RFC6775-5.6-02")
class FirstForGood(ReferenceNode):
    """Sends to its first router also when that has retired and there is another one."""

    first = b""

    def keep_router(self, message):
        new = super().keep_router(message)
        if self.routers and not self.first:
            self.first = next(iter(self.routers.values())).link
        return new

    def next_hop(self, destination):
        found = super().next_hop(destination)
        return self.first if found and self.routers and not is_link_local(destination) else found


# -- prefixes and contexts --------------------------------------------------------------------------------------


class Prefixes(ReferenceNode):
    """A host that takes other prefixes."""

    def takes(self, option):
        raise NotImplementedError

    def advertised_router(self, message):
        super().advertised_router(message)
        for option in message.options:
            if isinstance(option, nd.PrefixInformation) and self.takes(option):
                self.take_prefix(option)


@wrong("6ln-nd-autonomous-flag-ignored", "RFC4862-5.5.3-01")
class AutonomousIgnored(Prefixes):
    """Makes an address of a prefix with A=0."""

    def takes(self, option):
        return not option.autonomous and option.length == 64


@wrong("6ln-nd-short-prefix-taken", "RFC4862-5.5.3-01")
class ShortTaken(Prefixes):
    """Makes an address of a prefix of 48 bits."""

    def takes(self, option):
        return option.autonomous and option.length < 64


@wrong("6ln-nd-long-prefix-taken", "RFC4862-5.5.3-01")
class LongTaken(Prefixes):
    """Makes an address of the first 64 bits of a longer prefix."""

    def takes(self, option):
        return option.autonomous and option.length > 64


@wrong("6ln-nd-preferred-beyond-valid-taken", "RFC4862-5.5.3-01")
class PreferredBeyond(Prefixes):
    """Makes an address of a prefix that is preferred for longer than it is valid."""

    def takes(self, option):
        return option.autonomous and option.length == 64 and option.preferred_lifetime > option.valid_lifetime


@wrong("6ln-nd-first-prefix-only", "RFC6775-5.4.1-02", advice=True)
class FirstPrefix(ReferenceNode):
    """Makes an address of the first prefix that it is told only."""

    def take_prefix(self, option):
        if all(made[:8] == option.prefix[:8] for made in self.made):
            super().take_prefix(option)


@wrong("6ln-nd-infinite-prefix-dropped", "RFC6775-5.4.1-02")
class InfiniteDropped(ReferenceNode):
    """Takes a valid lifetime of 0xffffffff for one of -1."""

    def take_prefix(self, option):
        if option.valid_lifetime < 1 << 31:
            super().take_prefix(option)


@wrong("6ln-nd-context-lifetime-signed", "RFC6775-4.2-01")
class LifetimeSigned(
    reads_contexts(lambda n, o: replace(o, valid_lifetime=0) if o.valid_lifetime & 0x8000 else o)
):
    """Takes a context's lifetime of 0x8000 and more for a negative one, which has ended."""


@wrong("6ln-nd-short-context-dropped", "RFC6775-4.2-01")
class ShortDropped(ReferenceNode):
    """Has no use for a context of less than 64 bits."""

    def take_context(self, option):
        if option.length >= 64 or not option.valid_lifetime:
            super().take_context(option)


@wrong("6ln-nd-context-length-of-octets", "RFC6775-4.2-01")
class LengthOfOctets(reads_contexts(lambda n, o: replace(o, length=o.length & ~7))):
    """Rounds a Context Length down to whole octets."""


# -- registrations ----------------------------------------------------------------------------------------------


class Bare(ReferenceNode):
    """A host whose registrations lack an SLLAO when they are not the first ones."""

    def bare(self, address):
        raise NotImplementedError

    def send_nd(self, source, destination, kind, body):
        if kind == nd.NS and body[20:21] == b"\x01" and self.bare(source):
            body = body[:20] + body[20 + 8 * body[21] :]
        super().send_nd(source, destination, kind, body)


@wrong("6ln-nd-renewal-without-sllao", "RFC6775-4.1-01")
class RenewalBare(Bare):
    """Has no SLLAO in what renews a registration."""

    def bare(self, address):
        return any(which == address for _, which in self.confirmed)


@wrong("6ln-nd-retry-without-sllao", "RFC6775-4.1-01")
class RetryBare(Bare):
    """Has no SLLAO in a registration that it tries again."""

    def bare(self, address):
        return self.tries.get(address, 0) > 1


@wrong("6ln-nd-one-confirmation-for-all", "RFC6775-5.5-01")
class OneForAll(ReferenceNode):
    """Asks no other router again when one has confirmed an address."""

    def registration_answered(self, address, option):
        if not option.status and option.rovr == self.eui64() and address in self.pending:
            self.pending[address] &= {self.sender}
        super().registration_answered(address, option)


@wrong("6ln-nd-renews-with-the-first-router", "RFC6775-5.5-02")
class RenewsFirst(ReferenceNode):
    """Renews with the first of its routers only."""

    def try_registration(self, address):
        kept = [router for router, which in self.confirmed if which == address]
        if len(kept) > 1:
            self.pending[address] &= {kept[0]}
        super().try_registration(address)


# -- RFC 8505 ---------------------------------------------------------------------------------------------------


@nd_extended.wrong("earo-other-rovr-counts", "RFC6775-5.5.2-02")
class OtherRovr(reads_answers(lambda n, o: replace(o, rovr=n.eui64()))):
    """Takes an answer about another ROVR for its own."""


@nd_extended.wrong("earo-longer-rovr-counts", "RFC6775-5.5.2-02")
class LongerRovr(reads_answers(lambda n, o: replace(o, rovr=o.rovr[:8]))):
    """Takes an answer about a ROVR of 128 bits that begins as its own for its own."""


@nd_extended.wrong("earo-moved-is-success", "RFC8505-4.1-09", advice=True)
class MovedIsSuccess(reads_answers(lambda n, o: replace(o, status=0) if o.status == 3 else o)):
    """Takes status 3 for success."""


@nd_extended.wrong("earo-tid-of-the-first-try-again", "RFC8505-5.2.1-02")
class TidAgain(ReferenceNode):
    """Begins with its first TID again whenever a router comes that it did not know."""

    def keep_router(self, message):
        new = super().keep_router(message)
        if new:
            self.tids.clear()
        return new
