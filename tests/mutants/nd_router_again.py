"""Mutants of a 6LR of RFC 6775: what is asked or refused once more, a full table, and what goes out by its router."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from rigs.nodes.reference.registration import FULL
from sixlowpan import nd
from tests.mutants import starts_with
from tests.mutants.nd_router import wrong

# -- registrations ----------------------------------------------------------------------------------------------


@wrong("6lr-refused-twice-taken", "RFC6775-6.5.1-01")
@starts_with(refused=set())
class RefusedTwice(ReferenceNode):
    """Gives an address to the second node that asks for it where it asks twice."""

    def is_owned(self, address, option):
        owned, again = super().is_owned(address, option), (address, option.rovr) in self.refused
        if owned:
            self.refused.add((address, option.rovr))
        return owned and not again


@wrong("6lr-full-refuses-removal", "RFC6775-6.5.3-03")
class FullRefusesRemoval(ReferenceNode):
    """Says that its table is full to a lifetime of 0 for what is not in it."""

    def refusal(self, asked):
        full = len(self.bindings) >= self.capacity and asked.address not in self.bindings
        return FULL if full else super().refusal(asked)


@wrong("6lr-short-address-behind-long", "RFC6775-6.5.3-01")
class ShortBehindLong(ReferenceNode):
    """A renewal with a short SLLAO leaves the long link-layer address."""

    def keep(self, address, option, link):
        before = self.bindings.get(address)
        if before is not None and len(before.link) > len(link):
            link = before.link
        super().keep(address, option, link)


@wrong("6lr-refusal-hop-limit", "RFC4861-7.1.2-01")
@starts_with(refuses=False)
class RefusalHopLimit(ReferenceNode):
    """Refuses with a hop limit of 64."""

    def reply(self, asked, status):
        self.refuses = bool(status)
        super().reply(asked, status)
        self.refuses = False

    def output(self, packet):
        super().output(packet[:7] + b"\x40" + packet[8:] if self.refuses else packet)


@wrong("6lr-tllao-for-sllao", "RFC6775-6.5-02")
class TllaoForSllao(ReferenceNode):
    """Takes a TLLAO for the SLLAO of a registration."""

    def registration(self, view, message):
        changed = (replace(o, type=1) if isinstance(o, nd.LinkLayerAddress) else o for o in message.options)
        return super().registration(view, replace(message, options=tuple(changed)))


@wrong("6lr-every-second-solicitation", "RFC6775-6.3-05")
@starts_with(number=0)
class EverySecondSolicitation(ReferenceNode):
    """Answers every second solicitation."""

    def advertise(self, destination):
        self.number += 1
        if self.number % 2:
            super().advertise(destination)


# -- DARs -------------------------------------------------------------------------------------------------------


@wrong("6lr-confirmed-once-not-asked-again", "RFC6775-8.2-01")
@starts_with(once=set())
class ConfirmedOnce(ReferenceNode):
    """Asks no 6LBR about an address that it had confirmed once, though the registration has ended."""

    def settle(self, address, status):
        if not status:
            self.once.add(address)
        super().settle(address, status)

    def is_checked(self, address):
        return super().is_checked(address) and (address not in self.once or address in self.bindings)


@wrong("6lr-dar-again-hop-limit", "RFC6775-4.4-02")
class DarAgainHopLimit(ReferenceNode):
    """Repeats a DAR with a hop limit of 255."""

    def output(self, packet):
        if packet[40:41] == bytes([nd.DAR]) and any(w.sent > 1 for w in self.waiting.values()):
            packet = packet[:7] + b"\xff" + packet[8:]
        super().output(packet)


@wrong("6lr-dar-again-lifetime", "RFC6775-8.2.3-01")
class DarAgainLifetime(ReferenceNode):
    """Repeats a DAR with a lifetime of 0."""

    def send_request(self, address, option):
        waiting = self.waiting.get(address)
        again = waiting is not None and waiting.sent > 1
        super().send_request(address, replace(option, lifetime=0) if again else option)


# -- forwarding -------------------------------------------------------------------------------------------------


@wrong("6lr-outward-hop-limit-kept", "RFC8200-3-01")
class OutwardKept(ReferenceNode):
    """Takes nothing from the hop limit of what goes to its own router."""

    def pass_on(self, packet, peer):
        if packet[24:40] in self.bindings or packet[7] < 2:
            super().pass_on(packet, peer)
        else:
            self.transmit(packet, peer)


@wrong("6lr-outward-hop-limit-0", "RFC8200-3-01")
class OutwardZero(ReferenceNode):
    """Forwards with a hop limit of 0 what goes to its own router."""

    def pass_on(self, packet, peer):
        if packet[24:40] in self.bindings or packet[7] != 1:
            super().pass_on(packet, peer)
        else:
            self.transmit(packet[:7] + b"\0" + packet[8:], peer)
