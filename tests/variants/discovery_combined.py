"""Conforming nodes of RFC 6775 and RFC 8505 that take several liberties at once, and the errors of routers."""

from __future__ import annotations

from rigs.nodes.reference.host import TIME_EXCEEDED
from sixlowpan import nd
from sixlowpan.addresses import ALL_NODES
from tests.variants import ReferenceNode, variant
from tests.variants.abilities import OneErrorASecond
from tests.variants.answers import LastOfScope
from tests.variants.discovery import Opaque, Patient, RenewsLate, Slower, TakesLeave, TwoTries
from tests.variants.discovery_liberties import (
    HOSTS,
    ROUTERS,
    AroFirst,
    Nonce,
    Waits,
)
from tests.variants.discovery_more import (
    AllTogether,
    DropsUnreachable,
)
from tests.variants.discovery_unusual import (
    GivesBack,
    LatestRouter,
    OneAfterTheOther,
)
from tests.variants.registering import ContextLater, FromEach, LifetimeEach, OneAddress, Six

# -- errors of a router -------------------------------------------------------------------------------------------


@variant("6lr-quotes-what-is-left", rigs=ROUTERS)
class QuotesWhatIsLeft(ReferenceNode):
    """Quotes a packet with the hop limit that it had counted down: RFC 4443 §3.3 does not say which."""

    def error(self, packet, view, kind, code, word):
        if kind == TIME_EXCEEDED:
            packet = packet[:7] + b"\0" + packet[8:]
        super().error(packet, view, kind, code, word)


@variant("6lr-an-error-a-second", rigs=ROUTERS)
class OneASecond(OneErrorASecond):
    """Sends one error a second: RFC 4443 §2.4 (f), a node "MUST limit the rate"."""


@variant("6lr-errors-from-its-last-address", rigs=ROUTERS)
class FromLast(LastOfScope):
    """Sends each error from the last of its addresses of that scope: RFC 4443 §2.2 (d) leaves the choice."""


# -- routers ------------------------------------------------------------------------------------------------------


@variant("6lr-advertises-twice", rigs=ROUTERS[:-1])
class Twice(ReferenceNode):
    """Answers a solicitation by unicast, and tells all nodes 10 s apart at the least: RFC 6775 §6.3, §6.4, §9."""

    told_all = -10.0

    def advertise(self, destination):
        super().advertise(destination)
        if self.now - self.told_all >= 10.0 and destination != ALL_NODES:
            self.told_all = self.now
            super().advertise(ALL_NODES)


# -- hosts ----------------------------------------------------------------------------------------------------------


@variant("nd-slow-opaque-and-nonce", rigs=HOSTS)
class SlowOpaque(Slower, Opaque, Nonce, AroFirst, TwoTries, RenewsLate):
    """Solicits slowly, opaque identifiers, a Nonce, the ARO first, two tries, renewed late."""


@variant("nd-one-at-a-time", rigs=HOSTS)
class OneAtATime(OneAddress, LifetimeEach, ContextLater, LatestRouter, TakesLeave):
    """One address after the other, another lifetime each, contexts late, by its latest router, and takes leave."""


@variant("nd-six-of-them-together", rigs=HOSTS)
class SixTogether(Six, AllTogether, Patient, FromEach, GivesBack):
    """Six addresses that are renewed together, patiently; solicits from each, and gives those back that end."""


@variant("nd-waits-and-probes", rigs=HOSTS)
class WaitsAndProbes(Waits, DropsUnreachable, OneAfterTheOther):
    """Answers at an address when it is confirmed, asks one router after the other, and drops one that is silent."""


@variant("nd-contexts-for-an-hour", rigs=HOSTS)
class ForAnHour(ReferenceNode):
    """Holds an ended context for an hour: "twice the default Router Lifetime" (§5.4.3), which is 1800 s by default."""

    def context_ended(self, cid):
        super().context_ended(cid)
        if cid in self.context_goes:
            self.context_goes[cid] = self.now + 3600.0


@variant("nd-asks-each-router", rigs=HOSTS)
class AsksEach(ReferenceNode):
    """Refreshes at every router that it knows, by unicast: RFC 6775 §5.4.3, "to the router"."""

    def send_nd(self, source, destination, kind, body):
        super().send_nd(source, destination, kind, body)
        if kind == nd.RS and destination in self.routers:
            for router in self.routers:
                if router != destination:
                    super().send_nd(source, router, kind, body)


@variant("nd-from-its-latest-address", rigs=HOSTS)
class FromLatest(LastOfScope):
    """Answers and asks from the last of its addresses of a scope: RFC 6724 leaves those of one prefix equal."""
