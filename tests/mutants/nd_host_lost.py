"""Mutants of a 6LN of RFC 6775: routers that are lost, what is asked again, and lifetimes that get shorter."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan.addresses import is_multicast
from tests.mutants import mutant
from tests.mutants.nd_host import wrong

# -- routers that are lost --------------------------------------------------------------------------------------


@wrong("6ln-nd-anybodys-lifetime-0", "RFC6775-5.6-02")
class AnybodysLifetime0(ReferenceNode):
    """Gives its router up when a neighbour that is none advertises itself with lifetime 0."""

    def keep_router(self, message):
        if not message.router_lifetime and self.sender not in self.routers and self.routers:
            self.lose_router(next(iter(self.routers)))
        return super().keep_router(message)


@wrong("6ln-nd-one-unreachable-all-go", "RFC6775-5.6-02")
class UnreachableAllGo(ReferenceNode):
    """Gives up all its routers when one of them says nothing."""

    def registration_due(self, address):
        before = len(self.routers)
        super().registration_due(address)
        if len(self.routers) < before:
            for router in list(self.routers):
                self.lose_router(router)


class Unreachable(ReferenceNode):
    """A node that forgets more than a router when that says nothing."""

    def forget(self):
        raise NotImplementedError

    def registration_due(self, address):
        before = len(self.routers)
        super().registration_due(address)
        if len(self.routers) < before:
            self.forget()


@wrong("6ln-nd-unreachable-takes-contexts", "RFC6775-5.4.2-01")
class UnreachableTakesContexts(Unreachable):
    """Forgets its contexts when its router says nothing: each has a lifetime of its own."""

    def forget(self):
        for cid in list(self.context_ends):
            self.contexts = self.contexts.without(cid)


@wrong("6ln-nd-unreachable-takes-addresses", "RFC4862-5.5.4-03")
class UnreachableTakesAddresses(Unreachable):
    """Gives its addresses up when its router says nothing: each has a lifetime of its own."""

    def forget(self):
        for address in list(self.made):
            self.drop_address(address)


@wrong("6ln-nd-unreachable-never-back", "RFC6775-5.6-02")
class UnreachableNeverBack(ReferenceNode):
    """Takes a router that once said nothing for none for ever."""

    def boot(self):
        super().boot()
        self.bad = set()

    def registration_due(self, address):
        before = set(self.routers)
        super().registration_due(address)
        self.bad |= before - set(self.routers)

    def takes_advertisement(self, message):
        return self.sender not in self.bad and super().takes_advertisement(message)


@wrong("6ln-nd-tries-add-up", "RFC6775-5.5-01")
class TriesAddUp(ReferenceNode):
    """Counts the tries of all its registrations together: the third renewal is the last."""

    def register(self, address, *arguments):
        before = self.tries.get(address, 0)
        super().register(address, *arguments)
        if address in self.tries and before:
            self.tries[address] += before


@wrong("6ln-nd-renewal-tried-once", "RFC6775-5.5-01")
class RenewalTriedOnce(ReferenceNode):
    """Takes its router for unreachable when the first try of a renewal is not answered."""

    def boot(self):
        super().boot()
        self.known = set()

    def registration_answered(self, address, option):
        super().registration_answered(address, option)
        self.known.add(address)

    def registration_due(self, address):
        if self.pending.get(address) and address in self.known:
            self.tries[address] = 99
        super().registration_due(address)


@wrong("6ln-nd-solicits-hastily-when-lost", "RFC6775-5.3-05")
class HastilyWhenLost(ReferenceNode):
    """Solicits each second once it has lost a router."""

    def boot(self):
        super().boot()
        self.lost = False

    def lose_router(self, router):
        self.lost = self.lost or router in self.routers
        super().lose_router(router)

    def solicitation_interval(self, sent):
        return 1.0 if self.lost else super().solicitation_interval(sent)


@wrong("6ln-nd-last-advertisement-only-refreshed", "RFC6775-5.4.3-02")
class LastOnly(ReferenceNode):
    """Looks at the lifetimes of the latest advertisement only when it plans to ask for news."""

    def spans_left(self):
        return []


@wrong("6ln-nd-host-flag-unheeded", "RFC4861-7.2.5-03")
class HostFlag(ReferenceNode):
    """Keeps a router that says in an advertisement of itself that it is none any more."""

    def told_of_router(self, message):
        """It goes on to be one."""


@mutant("nd-group-answered-without-tllao", requirement="RFC4861-7.2.4-03")
class GroupWithoutTllao(ReferenceNode):
    """Leaves the TLLAO out of the answer to a solicitation that was multicast."""

    to_group = False

    def solicited(self, view, target, found):
        self.to_group = is_multicast(view.dst)
        super().solicited(view, target, found)
        self.to_group = False

    def link_option(self, kind):
        return b"" if kind == 2 and self.to_group else super().link_option(kind)


# -- the two hours of RFC 4862 ------------------------------------------------------------------------------------


class TwoHours(ReferenceNode):
    """A node that takes another valid lifetime of a prefix that it has an address of."""

    def valid_until(self, address, option):
        raise NotImplementedError


@wrong("6ln-nd-short-lifetime-taken", "RFC4862-5.5.3-02")
class ShortTaken(TwoHours):
    """Takes any valid lifetime of a prefix that it has an address of: a forged one takes the address away."""

    def valid_until(self, address, option):
        return self.now + option.valid_lifetime


@wrong("6ln-nd-short-lifetime-ignored", "RFC4862-5.5.3-02")
class ShortIgnored(TwoHours):
    """Ignores a shorter valid lifetime where more than two hours are left, too."""

    def valid_until(self, address, option):
        return max(self.prefix_ends.get(address, 0.0), self.now + option.valid_lifetime)


@wrong("6ln-nd-short-lifetime-prolongs", "RFC4862-5.5.3-02")
class ShortProlongs(TwoHours):
    """Gives an address two hours more whenever a shorter lifetime is told, and so for ever."""

    def valid_until(self, address, option):
        known = address in self.prefix_ends and option.valid_lifetime < 7200
        return self.now + (7200 if known else option.valid_lifetime)
