"""Mutants of a 6LN of RFC 6775: router solicitations, and what it multicasts."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import (
    ALL_NODES,
    ALL_ROUTERS,
    LINK_LOCAL_PREFIX,
    UNSPECIFIED,
    is_link_local,
    solicited_node,
)
from tests.mutants import always, mutant
from tests.mutants.nd_steps import says, says_with_hop_limit


def wrong(id, requirement, defect=None, *, advice=False):
    """Register a 6LN of RFC 6775."""
    return mutant(id, requirement=requirement, defect=defect, rig="reference-nd-6ln", advice=advice)


# -- router solicitations ---------------------------------------------------------------------------------------


@wrong("6ln-nd-rs-from-unspecified", "RFC6775-5.3-03")
class RsUnspecified(says(nd.RS, lambda n, s, d, b: (UNSPECIFIED, d, b))):
    """Solicits routers from the unspecified address."""


@wrong("6ln-nd-rs-without-sllao", "RFC6775-5.3-02")
class RsWithoutSllao(says(nd.RS, lambda n, s, d, b: (s, d, b[:4]))):
    """Solicits routers without a Source Link-Layer Address option."""


@wrong("6ln-nd-rs-sllao-of-identifier", "RFC6775-5.3-02")
class RsSllaoFlipped(says(nd.RS, lambda n, s, d, b: (s, d, b[:6] + bytes([b[6] ^ 2]) + b[7:]))):
    """Tells its interface identifier in place of its EUI-64."""


@wrong("6ln-nd-rs-to-all-nodes", "RFC6775-5.3-01")
class RsToAllNodes(says(nd.RS, lambda n, s, d, b: (s, ALL_NODES, b))):
    """Solicits all nodes in place of all routers."""


@wrong("6ln-nd-rs-reserved", "RFC6775-5.3-01")
class RsReserved(says(nd.RS, lambda n, s, d, b: (s, d, b"\0\0\0\x01" + b[4:]))):
    """Sets a reserved bit of its Router Solicitation."""


@wrong("6ln-nd-rs-hop-limit-64", "RFC4861-6.1.1-01")
class RsHopLimit(says_with_hop_limit(64, nd.RS)):
    """Solicits routers with a hop limit of 64."""


@wrong("6ln-nd-link-local-not-flipped", "RFC6775-5.2-01")
class NotFlipped(ReferenceNode):
    """Solicits from a link-local address whose U/L bit is not inverted."""

    def send_nd(self, source, destination, kind, body):
        source = LINK_LOCAL_PREFIX + self.link.dut if kind == nd.RS else source
        super().send_nd(source, destination, kind, body)


@wrong("6ln-nd-no-rs", "RFC6775-3.4-01")
class NoRs(always(solicit_router=None)):
    """Waits for an advertisement, and solicits nobody."""


class Paced(ReferenceNode):
    """A host that solicits at other intervals."""

    def gap(self, sent):
        raise NotImplementedError

    def solicitation_interval(self, sent):
        return self.gap(sent)


@wrong("6ln-nd-rs-every-4-seconds", "RFC6775-5.3-05", "RIOT-RS-INTERVAL")
class Every4(Paced):
    """Keeps the 4 s of RFC 4861 between its first solicitations."""

    def gap(self, sent):
        return 4.0 if sent < 3 else super(Paced, self).solicitation_interval(sent)


@wrong("6ln-nd-rs-no-backoff", "RFC6775-5.3-06")
class NoBackoff(Paced):
    """Solicits every 10 s for ever."""

    def gap(self, sent):
        return 10.0


@wrong("6ln-nd-rs-faster", "RFC6775-5.3-06")
class Faster(Paced):
    """Solicits ever faster, from 60 s down to 10 s."""

    def gap(self, sent):
        return max(10.0, 60.0 / sent)


@wrong("6ln-nd-rs-doubles-for-ever", "RFC6775-9-01")
class ForEver(Paced):
    """Doubles its interval without an end."""

    def gap(self, sent):
        return 10.0 * 2 ** (sent - 1)


@wrong("6ln-nd-rs-three-only", "RFC6775-9-01")
class ThreeOnly(Paced):
    """Gives up behind three solicitations, as RFC 4861 has it."""

    def gap(self, sent):
        return 10.0 if sent < 3 else 1e9


@wrong("6ln-nd-rs-goes-on", "RFC6775-5.3-07")
class GoesOn(ReferenceNode):
    """Goes on to solicit although it was advertised to."""

    def advertised_router(self, message):
        super().advertised_router(message)
        self.solicited_at = self.now + 10.0


class Loses(ReferenceNode):
    """A host that does not solicit again when its last router is gone."""

    def lose_router(self, router):
        super().lose_router(router)
        self.solicited_at = None


@wrong("6ln-nd-rs-not-again", "RFC6775-5.3-08")
class NotAgain(Loses):
    """Solicits no more once it had a router, whatever becomes of that."""


@wrong("6ln-nd-rs-not-behind-lifetime-0", "RFC6775-5.3-08")
class NotBehindZero(ReferenceNode):
    """Ignores an advertisement with lifetime 0."""

    def keep_router(self, message):
        return bool(message.router_lifetime) and super().keep_router(message)


@wrong("6ln-nd-router-never-ends", "RFC6775-5.3-08")
class NeverEnds(ReferenceNode):
    """Keeps a router beyond its lifetime, and asks it for nothing."""

    def keep_router(self, message):
        new = super().keep_router(message)
        for router in self.routers.values():
            router.ends = 1e12
        return new

    def next_refresh(self, message):
        return None

    def lose_router(self, router):
        if self.routers.get(router) and self.routers[router].ends < 1e12:
            super().lose_router(router)


@wrong("6ln-nd-silent-router-stays", "RFC6775-5.3-08")
class SilentStays(ReferenceNode):
    """Never takes a router for unreachable."""

    def registration_due(self, address):
        if self.pending.get(address):
            self.tries[address] = 1
        super().registration_due(address)


class Refreshing(ReferenceNode):
    """A host that looks at some lifetimes only."""

    ignored: tuple[type, ...] = ()
    router = True

    def next_refresh(self, message):
        kept = tuple(o for o in message.options if not isinstance(o, self.ignored))
        lifetime = message.router_lifetime if self.router else 0
        return super().next_refresh(replace(message, options=kept, router_lifetime=lifetime))

    def spans_left(self):
        return []


@wrong("6ln-nd-no-refresh", "RFC6775-5.4.3-02")
class NoRefresh(always(next_refresh=None)):
    """Asks for nothing before a lifetime ends."""


@wrong("6ln-nd-refresh-forgets-contexts", "RFC6775-5.4.3-02")
class ForgetsContexts(Refreshing):
    """Lets contexts end without asking."""

    ignored = (nd.ContextOption,)


@wrong("6ln-nd-refresh-forgets-prefixes", "RFC6775-5.4.3-02")
class ForgetsPrefixes(Refreshing):
    """Lets prefixes end without asking."""

    ignored = (nd.PrefixInformation,)


@wrong("6ln-nd-refresh-forgets-the-router", "RFC6775-5.4.3-02")
class ForgetsRouter(Refreshing):
    """Lets its router end without asking."""

    router = False


@wrong("6ln-nd-refresh-multicast", "RFC6775-5.4.3-02")
class RefreshMulticast(says(nd.RS, lambda n, s, d, b: (s, ALL_ROUTERS, b))):
    """Refreshes by multicast."""


@wrong("6ln-nd-refresh-late", "RFC6775-5.4.3-02")
class RefreshLate(ReferenceNode):
    """Asks when the shortest lifetime has ended."""

    def next_refresh(self, message):
        at = super().next_refresh(message)
        return None if at is None else self.now + (at - self.now) / 0.75 + 5


# -- what it multicasts, what it listens to ---------------------------------------------------------------------


@wrong("6ln-nd-resolves-by-multicast", "RFC6775-5.1-01")
class Resolves(ReferenceNode):
    """Solicits off-link neighbours by multicast, as RFC 4861 has it."""

    def next_hop(self, destination):
        if not is_link_local(destination):
            self.solicit(destination, self.own[0])
        return super().next_hop(destination)


@wrong("6ln-nd-classic-detection", "RFC6775-5.5.1-02")
class Classic(ReferenceNode):
    """Detects duplicates as RFC 4862 has it, from the unspecified address."""

    def take_prefix(self, option):
        known = list(self.own)
        super().take_prefix(option)
        for address in self.own:
            if address not in known:
                self.send_nd(UNSPECIFIED, solicited_node(address), nd.NS, bytes(4) + address)


@wrong("6ln-nd-all-nodes-not-joined", "RFC6775-5.2-02")
class NotJoined(ReferenceNode):
    """Does not listen to ff02::1."""

    def for_us(self, destination):
        return destination != ALL_NODES and super().for_us(destination)
