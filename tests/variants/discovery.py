"""Conforming nodes of RFC 6775 and RFC 8505 that differ from the reference: hosts that register."""

from __future__ import annotations

from dataclasses import replace

from sixlowpan import nd
from sixlowpan.addresses import ALL_ROUTERS, is_link_local, solicited_node
from tests.variants import ReferenceNode, variant

HOST = ("reference-nd-6ln",)
HOSTS = ("reference-nd-6ln", "reference-nd-6ln-8505")


@variant("nd-solicits-after-a-second", rigs=HOSTS)
class AfterASecond(ReferenceNode):
    """Waits up to a second before it solicits: RFC 4861 §6.3.7."""

    waited: bool = False

    def solicit_router(self):
        if not self.waited:
            self.waited, self.solicited_at = True, self.now + 0.9
            return
        super().solicit_router()

    def boot(self):
        self.waited = False
        super().boot()


@variant("nd-solicits-slower", rigs=HOST)
class Slower(ReferenceNode):
    """Solicits 13 s apart, then slower: §5.3, "at least 10 seconds"."""

    def solicitation_interval(self, sent):
        return min(60.0, 1.3 * super().solicitation_interval(sent))


@variant("nd-backs-off-at-once", rigs=HOST)
class BacksOff(ReferenceNode):
    """Doubles its interval from the first solicitation on: "up to 3" may be one."""

    def solicitation_interval(self, sent):
        return min(60.0, 10.0 * 2 ** (sent - 1))


@variant("nd-renews-early", rigs=HOSTS)
class RenewsEarly(ReferenceNode):
    """Renews at a fifth of the lifetime: §5.5, "well in advance"."""

    def renewal(self, address):
        return 0.4 * super().renewal(address)


@variant("nd-renews-late", rigs=HOST)
class RenewsLate(ReferenceNode):
    """Renews at nine tenths of the lifetime."""

    def renewal(self, address):
        return 1.8 * super().renewal(address)


@variant("nd-registers-for-a-minute", rigs=HOSTS)
class ForAMinute(ReferenceNode):
    """Asks for one minute: §5.8.1 leaves the lifetime to the host."""

    def register(self, address, lifetime=10):
        super().register(address, 1)


@variant("nd-registers-for-weeks", rigs=HOST)
class ForWeeks(ReferenceNode):
    """Asks for the most that 16 bits hold."""

    def register(self, address, lifetime=10):
        super().register(address, 0xFFFF)


@variant("nd-registers-link-local", rigs=HOST)
class LinkLocal(ReferenceNode):
    """Registers its link-local address as well: §5.4.1 speaks of every address."""

    def registrable(self, address):
        return not is_link_local(address) or address == self.own[0]


@variant("nd-two-tries", rigs=HOST)
class TwoTries(ReferenceNode):
    """Tries a registration twice: "up to MAX_UNICAST_SOLICIT times"."""

    def registration_due(self, address):
        if self.pending.get(address) and self.tries[address] == 2:
            self.tries[address] = 3
        super().registration_due(address)


@variant("nd-patient-tries", rigs=HOSTS)
class Patient(ReferenceNode):
    """Tries 3 s apart: RETRANS_TIMER is "a minimum timeout"."""

    def try_registration(self, address):
        super().try_registration(address)
        self.refreshes[address] = self.now + 3.0


@variant("nd-gives-up-an-address", rigs=HOST)
class GivesUp(ReferenceNode):
    """Gives an address up whose registration failed otherwise: RFC 8505 §5.7, "may abandon that address"."""

    def registration_answered(self, address, option):
        if option.status > 2 and option.rovr == self.eui64():
            self.refused.add(address)
            self.drop_address(address)
            return
        super().registration_answered(address, option)


@variant("nd-solicits-on-failure", rigs=HOST)
class SolicitsOnFailure(ReferenceNode):
    """Looks for another router when a registration failed otherwise."""

    def registration_answered(self, address, option):
        if option.status > 2 and option.rovr == self.eui64():
            self.lose_router(self.sender)
            return
        super().registration_answered(address, option)


@variant("nd-takes-leave", rigs=HOST)
class TakesLeave(ReferenceNode):
    """De-registers with a router that retires: §5.5, SHOULD."""

    def keep_router(self, message):
        if not message.router_lifetime:
            for router, address in list(self.confirmed):
                if router == self.sender:
                    self.send_registration(address, router, 0)
        return super().keep_router(message)


@variant("nd-one-router", rigs=HOST, strict=False)
class OneRouter(ReferenceNode):
    """Registers with one router at a time: §5.5, several are a SHOULD."""

    def registrars(self):
        return super().registrars()[:1]


@variant("nd-opaque-identifiers", rigs=HOST)
class Opaque(ReferenceNode):
    """Makes opaque identifiers for its global addresses: RFC 7217, RFC 8064."""

    def interface_identifier(self, prefix):
        return bytes((0x5E + 7 * octet + place) & 0xFF for place, octet in enumerate(prefix[:8]))


@variant("nd-two-addresses", rigs=HOST)
class TwoAddresses(ReferenceNode):
    """Makes a temporary address of each prefix beside the stable one: RFC 8981."""

    def take_prefix(self, option):
        super().take_prefix(option)
        other = option.prefix[:8] + b"\x31" + self.own[0][9:]
        if (
            not option.on_link
            and option.valid_lifetime
            and other not in self.own
            and other not in self.refused
        ):
            self.own.append(other)
            self.made.add(other)
            self.prefix_ends[other] = self.prefix_ends.get(option.prefix[:8] + self.own[0][8:], float("inf"))
            self.register(other)


@variant("nd-announces-ghc", rigs=HOST)
class AnnouncesGhc(ReferenceNode):
    """Has a 6CIO in its solicitations: RFC 7400 §3.3."""

    def capabilities(self):
        return nd.CapabilityIndication().build()


@variant("nd-refreshes-often", rigs=HOST)
class RefreshesOften(ReferenceNode):
    """Asks for news at a third of the shortest lifetime."""

    def next_refresh(self, message):
        at = super().next_refresh(message)
        return None if at is None else self.now + (at - self.now) / 2.25


@variant("nd-takes-the-rest", rigs=HOST)
class TakesTheRest(ReferenceNode):
    """Ignores a 6CO that cannot be, and takes the rest of the advertisement."""

    def icmp(self, view, message):
        at, kept = 16, message[:16]
        while message[0] == nd.RA and at + 8 <= len(message) and message[at + 1]:
            option = message[at : at + 8 * message[at + 1]]
            bad = option[0] == nd.SIXCO and (option[2] > 128 or option[2] > 64 > 8 * len(option) - 128)
            kept += b"" if bad else option
            at += len(option)
        super().icmp(view, kept if message[0] == nd.RA and at == len(message) else message)


@variant("nd-eight-contexts", rigs=HOST, parameters={"contexts": 8})
class EightContexts(ReferenceNode):
    """Has room for eight contexts, and says so."""

    def take_context(self, option):
        if option.cid in self.contexts or len(self.contexts) < 8:
            super().take_context(option)


@variant("nd-solicited-group", rigs=HOST)
class Group(ReferenceNode):
    """Does not join solicited-node groups: §5.2, "There is no need"."""

    def for_us(self, destination):
        groups = {solicited_node(address) for address in self.own}
        return destination not in groups and super().for_us(destination)


@variant("earo-first-tid-200", rigs=("reference-nd-6ln-8505",), strict=False)
class Tid200(ReferenceNode):
    """Begins with TID 200: RFC 8505 §5.2.1, "an implementation-defined value of 128 or greater"."""

    def next_tid(self, before):
        return 200 if before is None else super().next_tid(before)


@variant("earo-new-routers-only", rigs=("reference-nd-6ln-8505",), strict=False)
class NewOnly(ReferenceNode):
    """Registers with routers of RFC 8505 only, where it has one: §5, "instead of registering to an RFC 6775-only"."""

    def registrars(self):
        known = super().registrars()
        return [router for router in known if self.speaks_extended(router)] or known


@variant("nd-solicits-by-multicast-first", rigs=HOST, strict=False)
class ByMulticast(ReferenceNode):
    """Refreshes by multicast: §5.4.3, unicast is a SHOULD."""

    def send_nd(self, source, destination, kind, body):
        super().send_nd(source, ALL_ROUTERS if kind == nd.RS else destination, kind, body)


@variant("nd-answers-with-option", rigs=HOST)
class KeepsLifetime(ReferenceNode):
    """Renews by the shorter of what it asked for and what it got."""

    def registration_answered(self, address, option):
        super().registration_answered(address, replace(option, lifetime=min(option.lifetime, 10)))
