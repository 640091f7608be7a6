"""Mutants of RFC 6775 §8.2: how a 6LR asks 6LBRs about duplicates, and what it makes of their confirmations."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from tests.mutants import always
from tests.mutants.nd_router import wrong
from tests.mutants.nd_steps import checksum_unchecked, says_with_hop_limit, sends_duplicates


@wrong("6lr-answers-before-the-border", "RFC6775-8.2-01")
class AnswersBefore(ReferenceNode):
    """Confirms a registration, and asks the 6LBR beside it."""

    def accept(self, asked):
        held = asked.address in self.bindings
        super().accept(asked)
        if not held and asked.option.lifetime and asked.address in self.waiting:
            self.keep(asked.address, asked.option, asked.link)
            self.reply(asked, 0)


@wrong("6lr-never-asks", "RFC6775-8.2-01")
class NeverAsks(always(is_checked=False)):
    """Asks no 6LBR."""


@wrong("6lr-dar-from-link-local", "RFC6775-8.2.3-01")
class DarFromLinkLocal(sends_duplicates(lambda n, m, s, d: (m, n.own[0], d))):
    """Sends DARs from its link-local address."""


@wrong("6lr-dar-to-the-router", "RFC6775-8.2.3-01")
class DarToRouter(sends_duplicates(lambda n, m, s, d: (m, s, next(iter(n.routers), d)))):
    """Sends DARs to its default router."""


@wrong("6lr-dar-hop-limit-255", "RFC6775-4.4-02")
class DarHopLimit(says_with_hop_limit(255, nd.DAR, nd.DAC)):
    """Sends DARs with a hop limit of 255."""


@wrong("6lr-dar-status", "RFC6775-4.4-04")
class DarStatus(sends_duplicates(lambda n, m, s, d: (replace(m, status=1), s, d))):
    """Sends DARs with a Status."""


@wrong("6lr-dar-lifetime-of-its-own", "RFC6775-4.4-01")
class DarLifetime(sends_duplicates(lambda n, m, s, d: (replace(m, lifetime=60), s, d))):
    """Puts a lifetime of its own into DARs."""


@wrong("6lr-dar-eui64-of-its-own", "RFC6775-4.4-01")
class DarEui64(sends_duplicates(lambda n, m, s, d: (replace(m, rovr=n.link.dut), s, d))):
    """Puts its own EUI-64 into DARs."""

    def confirmed_duplicate(self, message):
        waiting = self.waiting.get(message.address)
        super().confirmed_duplicate(replace(message, rovr=waiting.asked.option.rovr) if waiting else message)


@wrong("6lr-dar-reserved", "RFC6775-4.4-01")
class DarReserved(sends_duplicates(lambda n, m, s, d: (replace(m, tid=1), s, d))):
    """Sets a bit of Reserved in DARs."""


@wrong("6lr-dac-status-ignored", "RFC6775-8.2.5-01")
class DacStatusIgnored(ReferenceNode):
    """Takes every DAC for a confirmation."""

    def settle(self, address, status):
        super().settle(address, 0)


@wrong("6lr-dac-error-to-the-address", "RFC6775-8.2.5-01")
class DacErrorToAddress(ReferenceNode):
    """Sends the refusal of a 6LBR to the address that is somebody else's."""

    def error_destination(self, option):
        found = [a for a, w in self.seen.items() if w == option.rovr] if self.seen else []
        return found[0] if found else super().error_destination(option)

    seen: dict | None = None

    def settle(self, address, status):
        self.seen = {address: self.waiting[address].asked.option.rovr}
        super().settle(address, status)
        self.seen = None


@wrong("6lr-dac-refused-but-kept", "RFC6775-8.2.5-01")
class DacRefusedKept(ReferenceNode):
    """Tells the host that it was refused, and keeps the entry."""

    def settle(self, address, status):
        asked = self.waiting[address].asked
        super().settle(address, status)
        self.keep(address, asked.option, asked.link)


class Stray(ReferenceNode):
    """A 6LR that heeds a DAC which nobody asked for."""

    def stray(self, message):
        raise NotImplementedError

    def confirmed_duplicate(self, message):
        if message.address not in self.waiting:
            self.stray(message)
        super().confirmed_duplicate(message)


@wrong("6lr-stray-dac-registers", "RFC6775-8.2.5-01")
class StrayRegisters(Stray):
    """Registers what a DAC says that nobody asked for."""

    def stray(self, message):
        if message.status == 0 and message.address not in self.bindings:
            option = nd.AddressRegistration(message.rovr, message.lifetime)
            self.keep(message.address, option, message.rovr)


@wrong("6lr-stray-dac-removes", "RFC6775-3.4-02")
class StrayRemoves(Stray):
    """Removes a registered address when a DAC that nobody asked for has a Status."""

    def stray(self, message):
        if message.status:
            self.bindings.pop(message.address, None)


@wrong("6lr-stray-dac-answered", "RFC6775-8.2.5-01")
class StrayAnswered(Stray):
    """Tells the EUI-64 in a DAC about it, whether it asked or not."""

    def stray(self, message):
        option = nd.AddressRegistration(message.rovr, message.lifetime, message.status)
        self.hint = (self.error_destination(option), message.rovr)
        self.answer_registration(self.own[0], self.hint[0], option)
        self.hint = (b"", b"")


@wrong("6lr-dac-of-another-eui64", "RFC6775-8.2.5-01")
class DacOfAnother(ReferenceNode):
    """Removes a registration when a DAC for its address has another EUI-64."""

    def confirmed_duplicate(self, message):
        held = self.bindings.get(message.address)
        if held is not None and held.rovr != message.rovr:
            del self.bindings[message.address]
        super().confirmed_duplicate(message)


@wrong("6lr-dar-removes", "RFC6775-3.4-02")
class DarRemoves(ReferenceNode):
    """Does as a DAR says that it is sent, like a 6LBR."""

    def icmp(self, view, message):
        if message[0] == nd.DAR:
            request = nd.parse(message)
            if not request.lifetime:
                self.bindings.pop(request.address, None)
        super().icmp(view, message)


@wrong("6lr-dar-once", "RFC6775-8.2.6-01")
class DarOnce(ReferenceNode):
    """Sends a DAR once."""

    def request(self, address):
        super().request(address)
        self.waiting[address].sent = 3


@wrong("6lr-dar-for-ever", "RFC6775-8.2.6-01")
class DarForEver(ReferenceNode):
    """Sends a DAR until it is answered."""

    def request(self, address):
        super().request(address)
        self.waiting[address].sent = 1


@wrong("6lr-no-dac-no-answer", "RFC6775-8.2.6-01")
class NoDacNoAnswer(ReferenceNode):
    """Says nothing to the host when the 6LBR does not answer."""

    def unanswered(self, address):
        del self.waiting[address]


@wrong("6lr-no-dac-is-duplicate", "RFC6775-8.2.6-01")
class NoDacDuplicate(ReferenceNode):
    """Refuses a host when the 6LBR does not answer."""

    def unanswered(self, address):
        self.settle(address, 1)


@wrong("6lr-removal-not-reported", "RFC6775-8.2.3-01")
class RemovalNotReported(ReferenceNode):
    """Does not tell the 6LBR that an address was given back."""

    def send_request(self, address, option):
        if option.lifetime:
            super().send_request(address, option)


@wrong("6lr-removal-reported-with-10", "RFC6775-4.4-04")
class RemovalWith10(ReferenceNode):
    """Reports an address that was given back with a lifetime of 10 minutes."""

    def send_request(self, address, option):
        super().send_request(address, replace(option, lifetime=option.lifetime or 10))


@wrong("6lr-renewal-lost", "RFC6775-8.2-01")
class RenewalLost(ReferenceNode):
    """Loses a registration that is renewed while the 6LBR is silent."""

    def accept(self, asked):
        if asked.address in self.bindings and asked.option.lifetime:
            del self.bindings[asked.address]
            return
        super().accept(asked)


@wrong("6lr-dac-unchecked", "RFC6775-8.2.1-01")
class DacUnchecked(always(valid_duplicate=True)):
    """Checks nothing of a DAC."""


@wrong("6lr-dac-checksum-unchecked", "RFC6775-8.2.1-01")
class DacChecksum(checksum_unchecked(nd.DAC)):
    """Does not look at the checksum of a DAC."""
