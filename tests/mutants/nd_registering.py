"""Mutants of a 6LN of RFC 6775: the registration, its tries, its renewal, and what an answer means."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import ALL_ROUTERS
from tests.mutants import always
from tests.mutants.nd_host import wrong
from tests.mutants.nd_steps import reads_answers, registers, says


def flipped(option):
    """The option with the U/L bit of its EUI-64 inverted, as an interface identifier has it."""
    return replace(option, rovr=bytes([option.rovr[0] ^ 2]) + option.rovr[1:])


@wrong("6ln-nd-no-registration", "RFC6775-5.4.1-02", "LINUX-NO-6775")
class NoRegistration(always(registrable=False)):
    """Registers nothing."""


@wrong("6ln-nd-registration-multicast", "RFC6775-5.4.1-02")
class Multicast(says(nd.NS, lambda n, s, d, b: (s, ALL_ROUTERS, b))):
    """Registers with all routers by multicast."""


@wrong("6ln-nd-registration-lifetime-0", "RFC6775-5.4.1-02")
class LifetimeZero(registers(lambda n, o: replace(o, lifetime=0))):
    """Registers for no time at all."""


@wrong("6ln-nd-aro-without-sllao", "RFC6775-4.1-01")
class WithoutSllao(says(nd.NS, lambda n, s, d, b: (s, d, b[:20] + b[36:]))):
    """Registers without a Source Link-Layer Address option."""


@wrong("6ln-nd-aro-from-link-local", "RFC6775-4.1-02")
class FromLinkLocal(says(nd.NS, lambda n, s, d, b: (n.own[0], d, b[:4] + s + b[20:]))):
    """Registers an address as the target, as RFC 8505 has it, with an option of RFC 6775."""


@wrong("6ln-nd-aro-status", "RFC6775-4.1-04")
class Status(registers(lambda n, o: replace(o, status=1))):
    """Sends an ARO with a Status."""


@wrong("6ln-nd-aro-reserved", "RFC6775-4.1-05")
class Reserved(registers(lambda n, o: replace(o, tid=1))):
    """Sets a reserved bit of its ARO."""


@wrong("6ln-nd-aro-eui64-flipped", "RFC6775-4.1-06")
class Flipped(registers(lambda n, o: flipped(o))):
    """Puts its interface identifier into the ARO."""

    def registration_answered(self, address, option):
        super().registration_answered(address, flipped(option))


@wrong("6ln-nd-aro-length-3", "RFC6775-4.1-03")
class Length3(registers(lambda n, o: replace(o, rovr=o.rovr + bytes(8)))):
    """Sends an ARO of Length 3."""

    def registration_answered(self, address, option):
        super().registration_answered(address, replace(option, rovr=option.rovr[:8]))


# -- tries and renewal ------------------------------------------------------------------------------------------


def tries_again_after(seconds):
    """A host that sends a registration which is not answered again when so much time has passed."""

    class Trying(ReferenceNode):
        def try_registration(self, address):
            super().try_registration(address)
            self.refreshes[address] = self.now + seconds

    return Trying


@wrong("6ln-nd-registers-once", "RFC6775-5.5-01")
class Once(tries_again_after(1000.0)):
    """Sends a registration once, answered or not."""


@wrong("6ln-nd-registers-ten-times", "RFC6775-5.5-01")
class TenTimes(ReferenceNode):
    """Tries a registration ten times in a row."""

    more: int = 0

    def registration_due(self, address):
        if self.pending.get(address) and self.tries[address] >= 3 and self.more < 7:
            self.more += 1
            self.try_registration(address)
            return
        super().registration_due(address)


@wrong("6ln-nd-registers-hastily", "RFC6775-5.5-01")
class Hastily(tries_again_after(0.2)):
    """Tries again after a fifth of a second."""


@wrong("6ln-nd-no-renewal", "RFC6775-5.5-01")
class NoRenewal(always(renewal=1e9)):
    """Never renews a registration."""


@wrong("6ln-nd-renewal-too-late", "RFC6775-5.5-01")
class TooLate(ReferenceNode):
    """Renews a registration when it has ended."""

    def renewal(self, address):
        return 2 * super().renewal(address) + 2


@wrong("6ln-nd-lifetime-in-seconds", "RFC6775-4.1-07")
class InSeconds(ReferenceNode):
    """Takes the lifetime of an NA for seconds."""

    def renewal(self, address):
        return super().renewal(address) / 60


@wrong("6ln-nd-lifetime-as-asked", "RFC6775-5.5.2-03")
class AsAsked(reads_answers(lambda n, o: replace(o, lifetime=10))):
    """Renews by the lifetime that it asked for, whatever the router granted."""


@wrong("6ln-nd-one-router-only", "RFC6775-5.5-02")
class OneRouter(ReferenceNode):
    """Registers with its first router only."""

    def registrars(self):
        return super().registrars()[:1]


@wrong("6ln-nd-registers-with-the-retired", "RFC6775-5.5-03")
class WithRetired(ReferenceNode):
    """Registers once more with a router that has retired, for ten minutes."""

    def lose_router(self, router):
        for address in self.own[1:]:
            if self.registrable(address) and router in self.routers:
                self.send_registration(address, router, 10)
        super().lose_router(router)


# -- answers ----------------------------------------------------------------------------------------------------


@wrong("6ln-nd-other-eui64-counts", "RFC6775-5.5.2-02")
class OtherEui64(reads_answers(lambda n, o: replace(o, rovr=n.eui64()) if len(o.rovr) == 8 else o)):
    """Takes an answer to somebody else for its own."""


@wrong("6ln-nd-flipped-eui64-counts", "RFC6775-5.5.2-02")
class FlippedCounts(ReferenceNode):
    """Looks at all but the U/L bit of the EUI-64."""

    def registration_answered(self, address, option):
        if option.rovr[1:] == self.eui64()[1:]:
            option = replace(option, rovr=self.eui64())
        super().registration_answered(address, option)


@wrong("6ln-nd-long-answer-counts", "RFC6775-5.5.2-01")
class LongCounts(reads_answers(lambda n, o: replace(o, rovr=o.rovr[:8]))):
    """Takes an ARO of Length 3 whose first octets are right."""


class Raw(ReferenceNode):
    """A host that looks at the octets of an NA."""

    def looked(self, message):
        """Whether the message is as good as a success."""
        raise NotImplementedError

    def icmp(self, view, message):
        if message[0] == nd.NA and view.src in self.routers and self.looked(message):
            for address in [a for a, waiting in self.pending.items() if view.src in waiting]:
                self.view = view
                super().registration_answered(address, nd.AddressRegistration(self.eui64(), 10))
                self.view = None
            return
        super().icmp(view, message)


@wrong("6ln-nd-short-answer-counts", "RFC6775-5.5.2-01")
class ShortCounts(Raw):
    """Takes an ARO of Length 1 for a confirmation."""

    def looked(self, message):
        return message[24:26] == bytes([nd.ARO, 1])


@wrong("6ln-nd-answer-without-aro-counts", "RFC6775-5.5.2-03")
class WithoutAro(Raw):
    """Takes an NA without an ARO for a confirmation."""

    def looked(self, message):
        return bytes([nd.ARO]) not in message[24:25]


@wrong("6ln-nd-answer-reserved-refused", "RFC6775-4.1-05")
class ReservedRefused(reads_answers(lambda n, o: None if o.opaque or o.tid or o.i else o)):
    """Ignores an answer whose reserved octets are not zero."""


@wrong("6ln-nd-duplicate-used", "RFC6775-5.5.3-01")
class DuplicateUsed(ReferenceNode):
    """Goes on to use an address that is somebody else's."""

    def duplicate(self, address):
        self.pending[address] = set()
        self.refreshes.pop(address, None)


@wrong("6ln-nd-duplicate-is-success", "RFC6775-5.5.3-01")
class DuplicateSuccess(reads_answers(lambda n, o: replace(o, status=0) if o.status == 1 else o)):
    """Takes status 1 for success."""


@wrong("6ln-nd-duplicate-kept-elsewhere", "RFC6775-5.5.3-02")
class KeptElsewhere(ReferenceNode):
    """Leaves a duplicate registered with its other routers."""

    def duplicate(self, address):
        self.confirmed = {key: kept for key, kept in self.confirmed.items() if key[1] != address}
        super().duplicate(address)


@wrong("6ln-nd-full-router-asked-on", "RFC6775-5.5.3-03")
class AskedOn(always(full=None)):
    """Goes on to ask a router that is full."""


@wrong("6ln-nd-full-is-success", "RFC6775-5.5.3-03")
class FullSuccess(reads_answers(lambda n, o: replace(o, status=0) if o.status == 2 else o)):
    """Takes status 2 for success."""


@wrong("6ln-nd-full-means-duplicate", "RFC6775-5.5.3-03")
class FullDuplicate(ReferenceNode):
    """Takes status 2 for a duplicate."""

    def full(self, router):
        for address in [a for a, waiting in self.pending.items() if router in waiting]:
            self.drop_address(address)


@wrong("6ln-nd-other-status-is-success", "RFC6775-4.1-11", advice=True)
class OtherSuccess(reads_answers(lambda n, o: replace(o, status=0) if o.status > 2 else o)):
    """Takes a status that it does not know for success."""


@wrong("6ln-nd-status-of-two-bits", "RFC6775-4.1-11", advice=True)
class TwoBits(reads_answers(lambda n, o: replace(o, status=o.status & 3))):
    """Looks at the two lowest bits of a status."""


class Stranger(ReferenceNode):
    """A host that listens to whoever advertises."""

    def heard_from_stranger(self, option):
        raise NotImplementedError

    def advertised_neighbour(self, message):
        if self.sender not in self.registrars():
            for option in message.options:
                if isinstance(option, nd.AddressRegistration):
                    self.heard_from_stranger(option)
            return
        super().advertised_neighbour(message)


@wrong("6ln-nd-stranger-says-duplicate", "RFC6775-5.5.2-03", advice=True)
class StrangerDuplicate(Stranger):
    """Gives an address up when a neighbour that is no router says so."""

    def heard_from_stranger(self, option):
        for address in list(self.made) if option.status == 1 else []:
            self.drop_address(address)


@wrong("6ln-nd-stranger-says-full", "RFC6775-5.5.2-03", advice=True)
class StrangerFull(Stranger):
    """Gives its routers up when a neighbour that is none says that it is full."""

    def heard_from_stranger(self, option):
        for router in list(self.routers) if option.status == 2 else []:
            self.lose_router(router)


@wrong("6ln-nd-stranger-asserts", "RFC6775-5.5.2-03", "RIOT-NA-STRANGER")
class StrangerAsserts(Stranger):
    """Asserts that an NA with an ARO comes from a router."""

    def heard_from_stranger(self, option):
        raise AssertionError("the sender is in the default router list")
