"""Mutants of a 6LN behind events: prefixes, routers and registrations that end, and come again."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from tests.mutants import starts_with
from tests.mutants.nd_extended import wrong as wrong8
from tests.mutants.nd_host import wrong
from tests.mutants.nd_steps import HadARouter


@wrong("6ln-nd-later-rs-without-sllao", "RFC6775-5.3-02")
class NdLaterRsWithoutSllao(HadARouter):
    """Has an SLLAO in the solicitations of its start only."""

    def send_nd(self, s, d, k, b):
        super().send_nd(s, d, k, b[:4] if k == nd.RS and self.had else b)


@wrong("6ln-nd-later-rs-from-global", "RFC6775-5.3-01")
class NdLaterRsFromGlobal(ReferenceNode):
    """Solicits routers from its global address once it has one."""

    def send_nd(self, s, d, k, b):
        super().send_nd(self.own[-1] if k == nd.RS else s, d, k, b)


class LastHeard(ReferenceNode):
    """A host that remembers the router that it heard of last."""

    last = b""

    def keep_router(self, message):
        if message.router_lifetime:
            self.last = self.sender
        return super().keep_router(message)


@wrong("6ln-nd-solicits-the-lost-router", "RFC6775-5.3-01")
class NdSolicitsTheLostRouter(LastHeard):
    """Solicits the router that it has lost, by unicast."""

    def solicit_router(self):
        if not self.routers and self.last:
            self.asks = self.last
        n, self.solicitations = self.solicitations, min(self.solicitations, 2)
        super().solicit_router()
        self.solicitations = n + 1


@wrong8("earo-6cio-at-first-only", "RFC8505-6.1-01")
@starts_with(count=0)
class CapabilitiesAtFirst(ReferenceNode):
    """Has a 6CIO in its first solicitation only."""

    def capabilities(self):
        self.count += 1
        return super().capabilities() if self.count == 1 else b""


class Retiring(ReferenceNode):
    """A host that gives something up when one of its routers retires."""

    def give_up(self):
        raise NotImplementedError

    def keep_router(self, message):
        if not message.router_lifetime:
            self.give_up()
        return super().keep_router(message)


@wrong("6ln-nd-one-retires-all-go", "RFC6775-5.3-08")
class NdOneRetiresAllGo(Retiring):
    """Gives up all its routers when one of them retires."""

    def give_up(self):
        for r in list(self.routers):
            self.lose_router(r)


@wrong("6ln-nd-retired-router-takes-addresses", "RFC4862-5.5.4-03")
class NdRetiredRouterTakesAddresses(Retiring):
    """Gives its addresses up when a router retires."""

    def give_up(self):
        for a in list(self.made):
            self.drop_address(a)


@wrong("6ln-nd-last-router-only", "RFC6775-5.6-02")
class NdLastRouterOnly(LastHeard):
    """Sends to the router that it heard of last, and to none when that has gone."""

    def next_hop(self, destination):
        if self.routers and not is_link_local(destination):
            return self.routers[self.last].link if self.last in self.routers else b""
        return super().next_hop(destination)


@wrong("6ln-nd-all-by-the-first-router", "RFC6775-5.6-02")
class NdAllByTheFirstRouter(ReferenceNode):
    """Sends the registrations of all routers to the first one's link-layer address."""

    def next_hop(self, destination):
        if destination in self.routers:
            return next(iter(self.routers.values())).link
        return super().next_hop(destination)


@wrong("6ln-nd-one-lost-no-renewals", "RFC6775-5.5-01")
class NdOneLostNoRenewals(ReferenceNode):
    """Renews nothing any more when one of two routers is lost."""

    def lose_router(self, router):
        super().lose_router(router)
        if self.routers:
            for a in list(self.refreshes):
                if not self.pending.get(a):
                    self.refreshes.pop(a)


@wrong("6ln-nd-last-prefix-lifetime-for-all", "RFC4862-5.5.4-02")
class NdLastPrefixLifetimeForAll(ReferenceNode):
    """Ends all addresses when the last prefix of an advertisement ends."""

    def take_prefix(self, option):
        super().take_prefix(option)
        a = option.prefix[:8] + self.interface_identifier(option.prefix)
        if a in self.prefix_ends:
            for k in self.prefix_ends:
                self.prefix_ends[k] = self.prefix_ends[a]


@wrong("6ln-nd-prefix-not-prolonged", "RFC4862-5.5.3-02")
class NdPrefixNotProlonged(ReferenceNode):
    """Ends an address when its prefix was told to end first."""

    def take_prefix(self, option):
        before = dict(self.prefix_ends)
        super().take_prefix(option)
        self.prefix_ends |= {a: t for a, t in before.items() if a in self.prefix_ends}


@wrong("6ln-nd-preferred-ends-address", "RFC4862-5.5.4-01")
class NdPreferredEndsAddress(ReferenceNode):
    """Ends an address with its preferred lifetime."""

    def take_prefix(self, option):
        super().take_prefix(replace(option, valid_lifetime=option.preferred_lifetime))


@wrong("6ln-nd-deprecated-silent", "RFC4862-5.5.4-01")
@starts_with(preferred={})
class NdDeprecatedSilent(ReferenceNode):
    """Answers no echo to an address whose preferred lifetime has ended."""

    def take_prefix(self, option):
        super().take_prefix(option)
        self.preferred[option.prefix[:8]] = self.now + option.preferred_lifetime

    def icmp(self, view, message):
        ends = self.preferred.get(view.dst[:8], self.now + 1)
        if message[0] >= 133 or view.dst not in self.made or ends > self.now:
            super().icmp(view, message)


@wrong("6ln-nd-deprecated-prefix-ignored", "RFC4862-5.5.3-03")
class NdDeprecatedPrefixIgnored(ReferenceNode):
    """Makes no address of a prefix whose preferred lifetime is 0."""

    def take_prefix(self, option):
        if option.preferred_lifetime:
            super().take_prefix(option)


@wrong("6ln-nd-registered-and-not-made", "RFC4862-5.5.3-03")
class NdRegisteredAndNotMade(ReferenceNode):
    """Registers an address and does not use it: it answers no echo there, and sends from its link-local one."""

    def icmp(self, view, message):
        if message[0] >= 133 or view.dst not in self.made:
            super().icmp(view, message)

    def source_for(self, destination):
        return self.own[0]


@wrong("6ln-nd-prefix-not-told-again-ends", "RFC4862-5.5.4-03")
class NdPrefixNotToldAgainEnds(ReferenceNode):
    """Gives up the address of a prefix that an advertisement does not repeat."""

    def advertised_router(self, message):
        super().advertised_router(message)
        told = {o.prefix[:8] for o in message.options if isinstance(o, nd.PrefixInformation)}
        for a in [a for a in self.made if a[:8] not in told]:
            self.drop_address(a)


@wrong("6ln-nd-ended-address-registered", "RFC4862-5.5.4-02")
class NdEndedAddressRegistered(ReferenceNode):
    """Goes on to register an address whose prefix has ended."""

    def drop_address(self, address):
        refresh = self.refreshes.get(address)
        kept = {k: v for k, v in self.confirmed.items() if k[1] == address}
        super().drop_address(address)
        if refresh is not None and address not in self.refused:
            self.refreshes[address] = refresh
            self.confirmed |= kept


@starts_with(once=frozenset())
class Ended(ReferenceNode):
    """A host that remembers addresses which it made once, of prefixes that have ended."""

    def drop_address(self, address):
        if address in self.made:
            self.once |= {address}
        super().drop_address(address)


@wrong("6ln-nd-ended-prefix-never-again", "RFC4862-5.5.3-03")
class NdEndedPrefixNeverAgain(Ended):
    """Makes no address of a prefix that had ended."""

    def take_prefix(self, option):
        if option.prefix[:8] + self.own[0][8:] not in self.once:
            super().take_prefix(option)


@wrong("6ln-nd-ended-prefix-unregistered", "RFC6775-5.4.1-02")
class NdEndedPrefixUnregistered(Ended):
    """Registers no address of a prefix that had ended."""

    def registrable(self, address):
        return address not in self.once and super().registrable(address)


@wrong("6ln-nd-link-local-ends", "RFC4862-5.5.3-01")
class NdLinkLocalEnds(ReferenceNode):
    """Gives its link-local address up when a prefix of fe80::/64 ends."""

    def take_prefix(self, option):
        super().take_prefix(option)
        if is_link_local(option.prefix):
            self.prefix_ends[self.own[0]] = self.now + option.valid_lifetime

    def drop_address(self, address):
        super().drop_address(address)
        if address == self.own[0]:
            self.own[0] = bytes.fromhex("fe800000000000000000000000000001")


@wrong("6ln-nd-bits-behind-the-prefix", "RFC4862-5.5.3-01")
class NdBitsBehindThePrefix(ReferenceNode):
    """Takes bits behind the prefix for a part of its address."""

    def interface_identifier(self, prefix):
        iid = super().interface_identifier(prefix)
        return bytes(a | b for a, b in zip(iid, prefix[8:], strict=True))


@wrong("6ln-nd-one-registration-waits", "RFC6775-5.5-01")
class NdOneRegistrationWaits(ReferenceNode):
    """Has one place for a registration that waits: the second takes it."""

    def register(self, address, lifetime=10):
        for a, w in self.pending.items():
            if a != address and w:
                self.pending[a] = set()
                self.refreshes[a] = self.now + 300
        super().register(address, lifetime)


@wrong("6ln-nd-one-answer-confirms-all", "RFC6775-5.5-01")
class NdOneAnswerConfirmsAll(ReferenceNode):
    """Takes an NA for the confirmation of all that waits."""

    def registration_answered(self, address, option):
        if option.status == 0 and option.rovr == self.eui64():
            for a in [a for a, w in self.pending.items() if self.sender in w]:
                super().registration_answered(a, option)
            return
        super().registration_answered(address, option)


@wrong("6ln-nd-one-lifetime-for-all-addresses", "RFC6775-5.5.2-03")
class NdOneLifetimeForAllAddresses(ReferenceNode):
    """Renews all addresses by what was granted for the first."""

    def renewal(self, address):
        return (list(self.confirmed.values()) or [10])[0] * 30


@wrong("6ln-nd-status-of-the-last-answer", "RFC6775-4.1-04")
class NdStatusOfTheLastAnswer(ReferenceNode):
    """Sends the status of the last answer in the next registration."""

    last = 0

    def registration_answered(self, address, option):
        self.last = option.status
        super().registration_answered(address, option)

    def registration_option(self, address, router, lifetime):
        return replace(super().registration_option(address, router, lifetime), status=self.last)


@wrong("6ln-nd-later-answer-unheeded", "RFC6775-5.5-01")
class NdLaterAnswerUnheeded(ReferenceNode):
    """Heeds no answer behind its second try."""

    def registration_answered(self, address, option):
        if self.tries.get(address, 0) < 2:
            super().registration_answered(address, option)


@wrong("6ln-nd-refused-renewal-unheeded", "RFC6775-5.5.3-01")
class NdRefusedRenewalUnheeded(ReferenceNode):
    """Ignores status 1 where the address was confirmed before."""

    def duplicate(self, address):
        if not any(w == address for _, w in self.confirmed):
            super().duplicate(address)


@wrong("6ln-nd-full-router-never-again", "RFC6775-5.5.3-03", advice=True)
@starts_with(never=frozenset())
class NdFullRouterNeverAgain(ReferenceNode):
    """Never takes a router again that was full."""

    def full(self, router):
        self.never |= {router}
        super().full(router)

    def advertised_router(self, message):
        if self.sender not in self.never:
            super().advertised_router(message)


@wrong("6ln-nd-first-grant-counts", "RFC6775-5.5.2-03")
@starts_with(first={})
class NdFirstGrantCounts(ReferenceNode):
    """Renews by the lifetime that was granted first."""

    def renewal(self, address):
        self.first = {address: super().renewal(address), **self.first}
        return self.first[address]


@wrong("6ln-nd-first-hop-limit-counts", "RFC4861-6.3.4-01", advice=True)
class NdFirstHopLimitCounts(ReferenceNode):
    """Keeps the hop limit that it was told first."""

    taken = False

    def icmp(self, view, message):
        hop = self.hop_limit
        super().icmp(view, message)
        if message[0] == 134 and self.taken:
            self.hop_limit = hop
        if message[0] == 134:
            self.taken = True


@wrong("6ln-nd-hop-limit-0-is-64", "RFC4861-6.3.4-01", advice=True)
class NdHopLimit0Is64(ReferenceNode):
    """Takes a Cur Hop Limit of 0 for 64."""

    def icmp(self, view, message):
        super().icmp(view, message)
        if message[0] == 134 and not message[4]:
            self.hop_limit = 64
