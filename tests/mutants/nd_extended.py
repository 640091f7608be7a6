"""Mutants of RFC 8505: extended registrations of a 6LN, in a 6LR, and in a 6LBR."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from tests.mutants import always, mutant
from tests.mutants.nd_steps import registers, says


def wrong(id, requirement, role="6ln", *, advice=False):
    """Register a node of RFC 8505."""
    return mutant(id, requirement=requirement, rig=f"reference-nd-{role}-8505", advice=advice)


# -- 6LN --------------------------------------------------------------------------------------------------------


@wrong("earo-no-6cio", "RFC8505-6.1-01")
class No6cio(always(capabilities=b"")):
    """Solicits without a 6CIO."""


@wrong("earo-6cio-odd-flags", "RFC8505-4.3-01")
class OddFlags(always(flags=frozenset({1, 2}))):
    """Counts the flags of its 6CIO from the other end."""


@wrong("earo-t-clear", "RFC8505-5.1-02")
class TClear(registers(lambda n, o: replace(o, t=False))):
    """Leaves T clear."""


@wrong("earo-r-clear", "RFC8505-5.1-03")
class RClear(registers(lambda n, o: replace(o, r=False))):
    """A host that does not ask for reachability."""


@wrong("earo-r-of-a-router", "RFC8505-5.1-04", "6lr")
class ROfARouter(registers(lambda n, o: replace(o, r=True))):
    """A router that asks for reachability."""


@wrong("earo-i-set", "RFC8505-4.1-04")
class ISet(registers(lambda n, o: replace(o, i=1))):
    """Uses a reserved value of I."""


@wrong("earo-opaque-set", "RFC8505-4.1-03", advice=True)
class OpaqueSet(registers(lambda n, o: replace(o, opaque=7))):
    """Sets Opaque, which it does not use."""


@wrong("earo-status", "RFC8505-4.1-02")
class Status(registers(lambda n, o: replace(o, status=3))):
    """Sends an EARO with a Status."""


@wrong("earo-rovr-128", "RFC8505-4.1-07")
class Rovr128(registers(lambda n, o: replace(o, rovr=o.rovr + bytes(8)))):
    """Registers with 128 bits of ROVR where 64 are needed."""

    def registration_answered(self, address, option):
        super().registration_answered(address, replace(option, rovr=option.rovr[:8]))


@wrong("earo-rovr-identifier", "RFC8505-5.3-02")
class RovrIdentifier(registers(lambda n, o: replace(o, rovr=n.own[0][8:]))):
    """Makes its addresses of a ROVR that is no EUI-64."""

    def registration_answered(self, address, option):
        super().registration_answered(address, replace(option, rovr=self.eui64()))


@wrong("earo-global-source", "RFC8505-5.6-02")
class GlobalSource(ReferenceNode):
    """Registers a global address from itself."""

    def send_nd(self, source, destination, kind, body):
        target = body[4:20]
        if kind == nd.NS and target in self.own and not is_link_local(target):
            source = target
        super().send_nd(source, destination, kind, body)


@wrong("earo-link-local-not-registered", "RFC8505-5.6-03")
class LinkLocalNot(ReferenceNode):
    """Registers its global addresses only."""

    def registrable(self, address):
        return not is_link_local(address)

    def may_register(self, address, router):
        return True


@wrong("earo-link-local-last", "RFC8505-5.6-01")
class LinkLocalLast(ReferenceNode):
    """Registers global addresses before the one that they are registered from."""

    def may_register(self, address, router):
        return True

    def register_all(self):
        kept, self.own = self.own, [*self.own[1:], self.own[0]]
        self.own[0], self.own[-1] = kept[0], kept[-1]
        for address in [*kept[1:], kept[0]]:
            missing = [r for r in self.registrars() if (r, address) not in self.confirmed]
            if missing and self.registrable(address) and not self.pending.get(address):
                self.own = kept
                self.register(address)
        self.own = kept


@wrong("earo-target-of-rfc-6775", "RFC8505-5.1-01")
class TargetRouter(says(nd.NS, lambda n, s, d, b: (s, d, b[:4] + d + b[20:]))):
    """Has the router for its target, as RFC 6775 has it."""


@wrong("earo-tid-from-0", "RFC8505-5.2.1-01")
class TidFromZero(ReferenceNode):
    """Begins its TIDs with 0."""

    def next_tid(self, before):
        return 0 if before is None else super().next_tid(before)


@wrong("earo-tid-stays", "RFC8505-5.2.1-02")
class TidStays(ReferenceNode):
    """Renews with the same TID."""

    def next_tid(self, before):
        return super().next_tid(None)


@wrong("earo-tid-stays-at-255", "RFC8505-5.2.1-02")
class TidStaysAt255(ReferenceNode):
    """Begins again at 240 behind 255."""

    def next_tid(self, before):
        return 240 if before == 255 else super().next_tid(before)


@wrong("earo-tid-of-8-bits", "RFC8505-5.2.1-02")
class TidOf8Bits(ReferenceNode):
    """Goes on to 128 behind 127."""

    def next_tid(self, before):
        return 240 if before is None else (before + 1) & 0xFF


@wrong("earo-tid-of-each-router", "RFC8505-5.2-01")
class TidOfEach(ReferenceNode):
    """Counts a TID of its own for each router."""

    def registration_option(self, address, router, lifetime):
        option = super().registration_option(address, router, lifetime)
        place = list(self.routers).index(router) if router in self.routers else 0
        return replace(option, tid=(option.tid + place) & 0xFF)


@wrong("earo-rovr-of-each-start", "RFC8505-5.3-03")
class RovrOfEach(ReferenceNode):
    """Makes a ROVR anew whenever it starts."""

    starts: int = 0

    def boot(self):
        self.starts += 1
        super().boot()

    def eui64(self):
        return super().eui64()[:7] + bytes([self.starts])


@wrong("earo-aro-to-an-old-router", "RFC8505-6.3-01")
class AroToOld(ReferenceNode):
    """Sends an ARO without T to a router of RFC 6775."""

    def registration_option(self, address, router, lifetime):
        option = super().registration_option(address, router, lifetime)
        return option if self.speaks_extended(router) else replace(option, t=False, r=False, tid=0)


@wrong("earo-extended-to-an-old-router", "RFC8505-6-01")
class ExtendedToOld(ReferenceNode):
    """Registers as RFC 8505 has it with a router of RFC 6775."""

    def speaks_extended(self, router):
        return router in self.routers


@wrong("earo-prefers-the-old", "RFC8505-5-01")
class PrefersOld(ReferenceNode):
    """Stays with the router that it found first."""

    def registrars(self):
        return super().registrars()[:1]


@wrong("earo-both-of-one-address", "RFC8505-5.6-04")
class BothOfOne(ReferenceNode):
    """Registers with both of two routers that have one link-local address."""

    toward = b""

    def keep_router(self, message):
        before = self.routers.get(self.sender)
        new = super().keep_router(message)
        if before is not None and before.link != self.routers[self.sender].link:
            for link in (before.link, self.routers[self.sender].link):
                self.toward = link
                self.send_registration(self.own[0], self.sender, 10)
            self.toward = b""
        return new

    def next_hop(self, destination):
        return self.toward or super().next_hop(destination)


@wrong("earo-removed-crash", "RFC8505-4.1-10")
class RemovedCrash(ReferenceNode):
    """Crashes on a status that comes unasked."""

    def registration_answered(self, address, option):
        if option.status == 4 and not self.pending.get(address):
            raise KeyError("no such registration")
        super().registration_answered(address, option)
