"""Mutants of a 6LR of RFC 6775 in what a host asks for a second time, at the end of a range, or with no room left."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from tests.mutants import starts_with
from tests.mutants.nd_router import wrong
from tests.mutants.nd_steps import answers, says, says_with_hop_limit

# -- solicitations ----------------------------------------------------------------------------------------------


@wrong("6lr-ra-to-the-mac-source", "RFC6775-6.3-05")
class ToMacSource(ReferenceNode):
    """Advertises to the link-layer address that a solicitation came from, not to the one that it tells."""

    def link_info(self, header):
        self.heard_from = header.src
        return super().link_info(header)

    def advertise(self, destination):
        self.hint = (destination, self.heard_from)
        super().advertise(destination)
        self.hint = (b"", b"")


@wrong("6lr-second-solicitation-unanswered", "RFC6775-6.3-05")
@starts_with(advertised_at={})
class SecondUnanswered(ReferenceNode):
    """Answers a host once in 10 s: takes MIN_DELAY_BETWEEN_RAS for unicast, too."""

    def advertise(self, destination):
        last = self.advertised_at.get(destination)
        if last is None or self.now >= last + 10:
            self.advertised_at[destination] = self.now
            super().advertise(destination)


@wrong("6lr-rs-renews", "RFC6775-6.3-02")
class RsRenews(ReferenceNode):
    """Prolongs all registrations of a host that solicits a router."""

    def advertise(self, destination):
        for held in self.bindings.values():
            if held.link == self.next_hop(destination):
                held.ends = max(held.ends, self.now + 600)
        super().advertise(destination)


# -- registrations ----------------------------------------------------------------------------------------------


@wrong("6lr-plain-ns-renews", "RFC6775-6.5.3-04")
class PlainRenews(ReferenceNode):
    """Prolongs a registration when the host solicits without an ARO."""

    def registration(self, view, message):
        held = self.bindings.get(view.src)
        if held is not None and not any(isinstance(o, nd.AddressRegistration) for o in message.options):
            held.ends += 600
        return super().registration(view, message)


@wrong("6lr-echo-renews", "RFC6775-6.5.3-04")
class TrafficRenews(ReferenceNode):
    """Prolongs a registration when it forwards something to the address: the host is still in use."""

    def pass_on(self, packet, peer):
        held = self.bindings.get(packet[24:40])
        if held is not None:
            held.ends += 60
        super().pass_on(packet, peer)


class Kept(ReferenceNode):
    """A router that keeps other ends."""

    def end(self, before, option):
        raise NotImplementedError

    def keep(self, address, option, link):
        before = self.bindings.get(address)
        super().keep(address, option, link)
        self.bindings[address].ends = self.end(before, option)


@wrong("6lr-renewal-never-shortens", "RFC6775-6.5.3-04")
class NeverShortens(Kept):
    """Keeps the later end when a registration is renewed for a shorter time."""

    def end(self, before, option):
        return max(before.ends if before else 0, self.now + 60 * option.lifetime)


@wrong("6lr-renewal-adds", "RFC6775-6.5.3-04")
class Adds(Kept):
    """Adds the new lifetime to what was left of the old one."""

    def end(self, before, option):
        return (before.ends if before else self.now) + 60 * option.lifetime


@wrong("6lr-lifetime-signed", "RFC6775-4.1-07")
class LifetimeSigned(Kept):
    """Takes a lifetime of 0x8000 and more for a negative one: the registration ends at once."""

    def end(self, before, option):
        return self.now + (0.001 if option.lifetime & 0x8000 else 60 * option.lifetime)


@wrong("6lr-lifetime-of-a-day-at-most", "RFC6775-4.1-07")
class DayAtMost(Kept):
    """Keeps a registration for 1024 minutes at most, whatever it confirmed."""

    def end(self, before, option):
        return self.now + 60 * min(1024, option.lifetime)


class KeepsAll(ReferenceNode):
    """A router that does something to every address of a host that registers one."""

    def with_one(self, held, one):
        """`held` is any binding of the host, `one` the one that was registered."""
        raise NotImplementedError

    def keep(self, address, option, link):
        super().keep(address, option, link)
        for held in self.bindings.values():
            if held.rovr == option.rovr:
                self.with_one(held, self.bindings[address])


@wrong("6lr-renewal-prolongs-all", "RFC6775-6.5.3-04")
class ProlongsAll(KeepsAll):
    """Prolongs every address of a host that renews one."""

    def with_one(self, held, one):
        held.ends = max(held.ends, one.ends)


@wrong("6lr-renewal-moves-all", "RFC6775-6.5.3-01")
class MovesAll(KeepsAll):
    """Sends what is for any address of a host to the link-layer address that it registered last from."""

    def with_one(self, held, one):
        held.link = one.link


@wrong("6lr-lifetime-0-creates", "RFC6775-6.5.3-03")
class ZeroCreates(ReferenceNode):
    """Keeps an address that it did not know when it is told that it was given back."""

    def accept(self, asked):
        known = asked.address in self.bindings
        super().accept(asked)
        if not known and not asked.option.lifetime:
            self.keep(asked.address, replace(asked.option, lifetime=60), asked.link)


@wrong("6lr-tentative-timer-ends-the-registration", "RFC6775-6-01")
class TentativeTimer(ReferenceNode):
    """Lets TENTATIVE_NCE_LIFETIME end an entry that has been registered since."""

    def settle(self, address, status):
        super().settle(address, status)
        if address in self.bindings:
            self.bindings[address].ends = min(self.bindings[address].ends, self.now + 20)


# -- room -------------------------------------------------------------------------------------------------------


@starts_with(lost=0)
class Counting(ReferenceNode):
    """A router that counts its registrations, and miscounts."""

    def refusal(self, asked):
        status = super().refusal(asked)
        new = asked.address not in self.bindings and asked.option.lifetime
        full = len(self.bindings) + self.lost >= self.capacity
        return 2 if status is None and new and full else status


@wrong("6lr-room-of-a-removed-lost", "RFC6775-6.5.3-01")
class RemovedLost(Counting):
    """Does not use the room of a registration again that was given back."""

    def accept(self, asked):
        before = len(self.bindings)
        super().accept(asked)
        self.lost += before > len(self.bindings)


@wrong("6lr-room-of-an-expired-lost", "RFC6775-6.5.3-01")
class ExpiredLost(Counting):
    """Does not use the room of a registration again that has expired."""

    def expire(self, address):
        super().expire(address)
        self.lost += 1


@wrong("6lr-full-kept-all-the-same", "RFC6775-6.5.3-01")
class FullKept(ReferenceNode):
    """Says that it is full, and takes the address all the same."""

    def reply(self, asked, status):
        super().reply(asked, status)
        if status == 2:
            self.keep(asked.address, asked.option, asked.link)


@wrong("6lr-full-to-the-address", "RFC6775-6.5.2-01")
class FullToAddress(ReferenceNode):
    """Says that it is full to the address that it did not take."""

    def error_destination(self, option):
        return self.hint[0] if option.status == 2 else super().error_destination(option)


# -- answers ----------------------------------------------------------------------------------------------------


@wrong("6lr-error-to-the-short-address", "RFC6775-6.5.2-01")
class ErrorToShort(ReferenceNode):
    """Sends an error to the link-layer address that the refused registration told, not to the EUI-64."""

    def answer_registration(self, target, destination, option):
        if option.status:
            self.hint = (destination, self.hint[1])
        super().answer_registration(target, destination, option)


@wrong("6lr-na-about-the-host", "RFC6775-6.5.3-01")
class AboutHost(ReferenceNode):
    """Has the registered address for the target of its answer, not the one that was solicited."""

    def reply(self, asked, status):
        super().reply(replace(asked, target=asked.address), status)


@wrong("6lr-na-eui64-reversed", "RFC6775-6.5.3-02")
class Reversed(answers(lambda n, d, o: (d, replace(o, rovr=o.rovr[::-1])))):
    """Answers with the octets of the EUI-64 in the other order."""


@wrong("6lr-na-not-solicited", "RFC6775-6.5.3-01")
class NotSolicited(says(nd.NA, lambda n, s, d, b: (s, d, bytes([b[0] & ~0x40]) + b[1:]))):
    """Answers with S=0, which confirms no reachability (RFC 4861 §7.2.4)."""


@wrong("6lr-na-hop-limit-64", "RFC4861-7.1.2-01")
class NaHopLimit(says_with_hop_limit(64, nd.NA)):
    """Answers registrations with a hop limit of 64."""
