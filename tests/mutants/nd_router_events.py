"""Mutants of a 6LR behind events of its hosts: owners that change, refused duplicates, TIDs that are older."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from tests.mutants import starts_with
from tests.mutants.nd_extended import wrong as wrong8
from tests.mutants.nd_router import wrong


@starts_with(stale={})
class Remembers(ReferenceNode):
    """A router that remembers where addresses were."""


class ToTheOldPlace(Remembers):
    """Sends what is for the next owner of an address to where the address was."""

    def keep(self, address, option, link):
        super().keep(address, option, self.stale.get(address, link))


class GivenBack(Remembers):
    """A router that remembers where addresses were that hosts gave back."""

    def accept(self, asked):
        if not asked.option.lifetime and asked.address in self.bindings:
            self.stale = {**self.stale, asked.address: asked.link}
        super().accept(asked)


@wrong("6lr-given-back-and-forwarded", "RFC6775-6.5.3-03")
class GivenBackAndForwarded(GivenBack):
    """Confirms a lifetime of 0, and goes on to forward to where the address was."""

    def next_hop(self, destination):
        found = super().next_hop(destination)
        if destination in self.stale and destination not in self.bindings:
            return self.stale[destination]
        return found


@wrong("6lr-next-owner-where-the-first-was", "RFC6775-6.5.3-01")
class NextOwnerWhereTheFirstWas(ToTheOldPlace, GivenBack):
    """Sends what is for the next owner of an address to who gave it back."""


@wrong("6lr-next-owner-where-the-ended-was", "RFC6775-6.5.3-04")
class NextOwnerWhereTheEndedWas(ToTheOldPlace):
    """Sends what is for the next owner of an address to whose registration ended."""

    def expire(self, address):
        self.stale = {**self.stale, address: self.bindings[address].link}
        super().expire(address)


@wrong("6lr-duplicate-prolongs", "RFC6775-6.5.1-01")
class DuplicateProlongs(ReferenceNode):
    """Prolongs an entry when somebody else asks for its address."""

    def refusal(self, asked):
        status = super().refusal(asked)
        if status == 1 and asked.address in self.bindings:
            self.bindings[asked.address].ends = self.now + 60.0 * asked.option.lifetime
        return status


@wrong("6lr-duplicate-shortens", "RFC6775-6.5.1-01")
class DuplicateShortens(ReferenceNode):
    """Ends an entry when a duplicate would have ended, if that is earlier."""

    def refusal(self, asked):
        status = super().refusal(asked)
        if status == 1 and asked.address in self.bindings:
            held = self.bindings[asked.address]
            held.ends = min(held.ends, self.now + 60.0 * asked.option.lifetime)
        return status


@wrong("6lr-refused-draws-packets", "RFC6775-6.5.1-01")
class RefusedDrawsPackets(ReferenceNode):
    """Sends what is for an address to who asked for it last, and was refused."""

    def registration(self, view, message):
        found = super().registration(view, message)
        option = next((o for o in message.options if isinstance(o, nd.AddressRegistration)), None)
        source = next((o for o in message.options if isinstance(o, nd.LinkLayerAddress)), None)
        if option is not None and source is not None:
            self.hint = (view.src, self.source_link(source))
        return found


@wrong("6lr-owner-refused-behind-a-duplicate", "RFC6775-6.5.1-01")
class OwnerRefusedBehindADuplicate(ReferenceNode):
    """Refuses the owner, too, once it has refused somebody else."""

    blocked: frozenset = frozenset()

    def refusal(self, asked):
        status = super().refusal(asked)
        if status == 1:
            self.blocked |= {asked.address}
        elif asked.address in self.blocked and asked.option.lifetime:
            return 1
        return status


@wrong("6lr-old-place-back", "RFC6775-6.5.3-03")
class OldPlaceBack(ReferenceNode):
    """Goes back to the link-layer address of before when the latest one is given back."""

    olds: dict = {}  # noqa: RUF012

    def keep(self, address, option, link):
        held = self.bindings.get(address)
        if held and held.link != link:
            self.olds = {**self.olds, address: (held.link, held.ends)}
        super().keep(address, option, link)

    def expire(self, address):
        super().expire(address)
        self.olds = {a: v for a, v in self.olds.items() if a != address}

    def accept(self, asked):
        gone = not asked.option.lifetime and asked.address in self.bindings
        super().accept(asked)
        if gone and asked.address in self.olds:
            link, ends = self.olds[asked.address]
            self.keep(asked.address, asked.option, link)
            self.bindings[asked.address].ends = ends


@wrong("6lr-answers-with-what-was-left", "RFC6775-6.5.3-02")
class AnswersWithWhatWasLeft(ReferenceNode):
    """Answers a renewal with the lifetime that was left."""

    def reply(self, asked, status):
        super().reply(asked, status)

    def accept(self, asked):
        held = self.bindings.get(asked.address)
        self.left = int((held.ends - self.now) // 60) if held else None
        super().accept(asked)

    left = None

    def answer_registration(self, target, destination, option):
        if self.left and not option.status and option.lifetime:
            option = replace(option, lifetime=self.left)
        super().answer_registration(target, destination, option)


@wrong("6lr-aro-of-the-last-in-each-answer", "RFC6775-4.1-03")
class AroOfTheLastInEachAnswer(ReferenceNode):
    """Answers a plain NS with the ARO of the last registration."""

    last = b""

    def answer_registration(self, target, destination, option):
        self.last = option.build()
        super().answer_registration(target, destination, option)

    def send_nd(self, s, d, k, b):
        if k == nd.NA and not any(b[at : at + 1] == b"\x21" for at in range(20, len(b), 8)):
            b += self.last
        super().send_nd(s, d, k, b)


@wrong("6lr-link-local-source-forwarded", "RFC4291-2.5.6-01")
class LinkLocalSourceForwarded(ReferenceNode):
    """Forwards from a link-local address to a registered one."""

    def route(self, packet, view):
        if is_link_local(view.src) and view.dst in self.bindings:
            self.pass_on(packet, self.bindings[view.dst].link)
            return True
        return super().route(packet, view)


@wrong("6lr-hop-limit-kept", "RFC8200-3-01")
class HopLimitKept(ReferenceNode):
    """Forwards with the hop limit as it was."""

    def pass_on(self, packet, peer):
        if packet[7] > 1:
            self.transmit(packet, peer)


@wrong("6lr-hop-limit-0-forwarded", "RFC8200-3-01")
class HopLimit0Forwarded(ReferenceNode):
    """Forwards a packet whose hop limit becomes 0."""

    def pass_on(self, packet, peer):
        if packet[7]:
            self.transmit(packet[:7] + bytes([packet[7] - 1]) + packet[8:], peer)


@wrong("6lr-hop-limit-0-wraps", "RFC8200-3-01")
class HopLimit0Wraps(ReferenceNode):
    """Takes one from a hop limit of 0, and forwards with 255."""

    def pass_on(self, packet, peer):
        if packet[7]:
            super().pass_on(packet, peer)
        else:
            self.transmit(packet[:7] + b"\xff" + packet[8:], peer)


@wrong("6lr-time-exceeded-untold", "RFC4443-3.3-01")
class TimeExceededUntold(ReferenceNode):
    """Drops a packet whose hop limit is used up, and tells nobody."""

    def pass_on(self, packet, peer):
        if packet[7] > 1:
            super().pass_on(packet, peer)


@wrong("6lr-time-exceeded-to-the-destination", "RFC4443-3.3-01")
class TimeExceededOnward(ReferenceNode):
    """Tells whoever a packet was for that its hop limit was used up."""

    def send_icmp(self, source, destination, kind, code, body):
        super().send_icmp(source, body[28:44] if kind == 3 else destination, kind, code, body)


@wrong8("6lr-earo-moved-with-another-tid", "RFC6775-6.5.2-01", "6lr")
class EaroMovedWithAnotherTid(ReferenceNode):
    """Says Moved with a TID that is neither the one that came nor the one that it has."""

    def reply(self, asked, status):
        if status == 3:
            asked = replace(asked, option=replace(asked.option, tid=nd.tid.following(asked.option.tid)))
        super().reply(asked, status)


@starts_with(old={})
class OldTids(ReferenceNode):
    """A router that compares TIDs with `old` ones, of addresses that nobody has any more."""

    def refusal(self, asked):
        held = self.old.get(asked.address)
        if asked.address not in self.bindings and self.is_older(held, self.tid_of(asked.option)):
            return 3
        return super().refusal(asked)


@wrong8("6lr-earo-tid-outlives-removal", "RFC8505-4.1-06", "6lr")
class EaroTidOutlivesRemoval(OldTids):
    """Compares TIDs with that of a registration that was given back."""

    def accept(self, asked):
        if not asked.option.lifetime and asked.address in self.bindings:
            self.old = {**self.old, asked.address: self.tid_of(asked.option)}
        super().accept(asked)


@wrong8("6lr-earo-tid-outlives-its-end", "RFC8505-4.1-06", "6lr")
class EaroTidOutlivesItsEnd(OldTids):
    """Compares TIDs with that of a registration that has expired."""

    def expire(self, address):
        self.old = {**self.old, address: self.bindings[address].tid}
        super().expire(address)


@wrong8("6lr-earo-source-unchecked-in-renewals", "RFC8505-4.1-12", "6lr")
class EaroSourceUncheckedInRenewals(ReferenceNode):
    """Checks the source of a new registration only, not of a renewal."""

    def is_elsewhere(self, source, option):
        return not self.renewing and super().is_elsewhere(source, option)

    renewing = False

    def refusal(self, asked):
        self.renewing = asked.address in self.bindings
        return super().refusal(asked)


@wrong8("6lr-earo-first-lifetime-reported", "RFC8505-5.7-05", "6lr")
class EaroFirstLifetimeReported(ReferenceNode):
    """Reports renewals to the 6LBR with the lifetime of the first registration."""

    first: dict = {}  # noqa: RUF012

    def send_request(self, address, option):
        self.first = {address: option.lifetime, **self.first}
        if option.lifetime:
            option = replace(option, lifetime=self.first[address])
        super().send_request(address, option)


@wrong8("6lr-earo-older-prolongs", "RFC8505-4.1-09", "6lr")
class EaroOlderProlongs(ReferenceNode):
    """Refuses an older TID, and prolongs the entry."""

    def refusal(self, asked):
        status = super().refusal(asked)
        if status == 3:
            self.bindings[asked.address].ends = self.now + 60.0 * asked.option.lifetime
        return status


@wrong8("6lr-earo-older-lowers-the-tid", "RFC8505-4.1-09", "6lr")
class EaroOlderLowersTheTid(ReferenceNode):
    """Refuses an older TID, and compares with it from then on."""

    def refusal(self, asked):
        status = super().refusal(asked)
        if status == 3:
            self.bindings[asked.address].tid = asked.option.tid
        return status


@wrong("6lr-lifetime-of-16-bits", "RFC6775-4.1-07")
class LifetimeOf16Bits(ReferenceNode):
    """Counts the lifetime of a registration in seconds, in 16 bits."""

    def keep(self, address, option, link):
        super().keep(address, option, link)
        self.bindings[address].ends = self.now + (60 * option.lifetime & 0xFFFF)


@wrong8("6lr-earo-prefix-of-an-ended-border", "RFC8505-4.1-14", "6lr")
class EaroPrefixOfAnEndedBorder(ReferenceNode):
    """Registers addresses of the prefix of a 6LBR that has ended."""

    ever: frozenset = frozenset()

    def prefixes(self):
        found = super().prefixes()
        self.ever |= set(found)
        return found

    def takes_advertisement(self, message):
        took = super().takes_advertisement(message)
        self.prefixes()
        return took

    def fits(self, address):
        return super().fits(address) or address[:8] in {p[:8] for p in self.ever}


@wrong8("6lr-earo-removal-behind-renewals-unreported", "RFC8505-5.7-06", "6lr")
class EaroRemovalBehindRenewalsUnreported(ReferenceNode):
    """Reports no removal of what was renewed before."""

    n: dict = {}  # noqa: RUF012

    def send_request(self, address, option):
        self.n = {**self.n, address: self.n.get(address, 0) + 1}
        if not option.lifetime and self.n[address] > 2:
            return
        super().send_request(address, option)


@wrong8("6lr-earo-6cio-in-its-first-ra-only", "RFC8505-6.1-02", "6lr")
class Earo6cioInItsFirstRaOnly(ReferenceNode):
    """Has a 6CIO in the first of several RAs only."""

    def advertise(self, destination):
        self.n = 0
        super().advertise(destination)

    n = 0

    def capabilities(self):
        self.n += 1
        return super().capabilities() if self.n == 1 else b""
