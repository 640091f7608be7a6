"""Mutants of a 6LR behind events above it: several hosts that wait for a 6LBR, and 6LBRs that end, or come again."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from rigs.nodes.reference.registration import FULL
from rigs.nodes.reference.routing import SUCCESS
from sixlowpan import nd
from sixlowpan.addresses import is_multicast
from tests.mutants import starts_with
from tests.mutants.nd_6lbr import wrong_6lbr
from tests.mutants.nd_router import wrong


@wrong("6lr-dar-of-who-waits-first", "RFC6775-8.2.3-01")
class DarOfWhoWaitsFirst(ReferenceNode):
    """Puts the EUI-64 of the host that waits first into all DARs."""

    def send_request(self, address, option):
        if len(self.waiting) > 1:
            option = replace(option, rovr=next(iter(self.waiting.values())).asked.option.rovr)
        super().send_request(address, option)


@wrong("6lr-one-waits-at-a-time", "RFC6775-8.2-01")
class OneWaitsAtATime(ReferenceNode):
    """Has room for one host that waits: the next takes its place."""

    def request(self, address):
        for other in [a for a in self.waiting if a != address]:
            del self.waiting[other]
        super().request(address)


@wrong("6lr-dac-to-who-asked-last", "RFC6775-8.2.5-01")
class DacToWhoAskedLast(ReferenceNode):
    """Answers the host that asked last, whichever address a DAC is about."""

    def settle(self, address, status):
        last = list(self.waiting.values())[-1].asked
        w = self.waiting[address]
        w.asked = replace(w.asked, source=last.source, link=last.link)
        super().settle(address, status)


@wrong("6lr-dac-settles-who-waits-first", "RFC6775-8.2.5-01")
class DacSettlesWhoWaitsFirst(ReferenceNode):
    """Takes each DAC for that of the host that waits first."""

    def confirmed_duplicate(self, message):
        if message.address in self.waiting:
            super().confirmed_duplicate(
                replace(
                    message, address=(f := next(iter(self.waiting))), rovr=self.waiting[f].asked.option.rovr
                )
            )


@wrong("6lr-removal-ends-who-waits", "RFC6775-8.2-01")
class RemovalEndsWhoWaits(ReferenceNode):
    """Forgets a host that waits when another one gives the address back."""

    def accept(self, asked):
        if not asked.option.lifetime:
            self.waiting.pop(asked.address, None)
        super().accept(asked)


@wrong("6lr-silent-border-never-asked-again", "RFC6775-8.2-01")
class SilentBorderNeverAskedAgain(ReferenceNode):
    """Asks no 6LBR any more once one was silent."""

    silent = False

    def unanswered(self, address):
        self.silent = True
        super().unanswered(address)

    def is_checked(self, address):
        return not self.silent and super().is_checked(address)


@wrong("6lr-dar-to-a-border-that-ended", "RFC6775-6.3-01")
class DarToABorderThatEnded(ReferenceNode):
    """Sends DARs to a 6LBR that has ended, although there is another."""

    old: dict = {}  # noqa: RUF012

    def border_ended(self, address):
        self.old = {address: self.borders[address], **self.old}
        super().border_ended(address)

    def send_request(self, address, option):
        kept = self.borders
        self.borders = {**self.old, **kept}
        super().send_request(address, option)
        self.borders = kept


@wrong("6lr-router-without-a-border", "RFC6775-6.3-01")
class RouterWithoutABorder(ReferenceNode):
    """Goes on to advertise, without an ABRO, when its last 6LBR has ended."""

    once = False

    def takes_advertisement(self, message):
        took = super().takes_advertisement(message)
        self.once |= took
        return took

    @property
    def is_router(self):
        return self.once

    def advertise(self, destination):
        if not self.borders:
            self.send_advertisement(destination, [])
        super().advertise(destination)


@wrong("6lr-lifetimes-from-the-first-time", "RFC6775-8.1.4-01")
class LifetimesFromTheFirstTime(ReferenceNode):
    """Counts lifetimes down from when it heard of a 6LBR first."""

    since: dict = {}  # noqa: RUF012

    def border_options(self, address, border):
        self.since = {address: border.since, **self.since}
        return super().border_options(address, replace(border, since=self.since[address]))


@wrong("6lr-lifetimes-renewed-by-any-border", "RFC6775-8.1.4-01")
class LifetimesRenewedByAnyBorder(ReferenceNode):
    """Renews the lifetimes of all 6LBRs when one of them is told again."""

    def takes_advertisement(self, message):
        took = super().takes_advertisement(message)
        if took:
            for b in self.borders.values():
                b.since = self.now
        return took


@wrong("6lr-older-version-renews", "RFC6775-8.1.4-01")
class OlderVersionRenews(ReferenceNode):
    """Ignores an older version, and renews the lifetimes of what it keeps."""

    def takes_advertisement(self, message):
        option = next((o for o in message.options if isinstance(o, nd.AuthoritativeBorderRouter)), None)
        known = self.borders.get(option.address) if option else None
        if known is not None and option.version < known.version:
            known.since = self.now
            known.ends = self.now + 60.0 * known.minutes
        return super().takes_advertisement(message)


@wrong("6lr-lifetimes-from-the-last-solicitation", "RFC6775-8.1.4-01")
class LifetimesFromTheLastSolicitation(ReferenceNode):
    """Counts lifetimes down from when it was solicited last."""

    def advertise(self, destination):
        super().advertise(destination)
        for b in self.borders.values():
            b.since = self.now


@wrong("6lr-unicast-solicitation-unanswered", "RFC6775-6.3-05")
class UnicastSolicitationUnanswered(ReferenceNode):
    """Answers solicitations to all routers only, not to its own address."""

    def discovery(self, view, message):
        if isinstance(message, nd.RouterSolicitation) and not is_multicast(view.dst):
            return True
        return super().discovery(view, message)


@wrong("6lr-sllao-in-its-first-ra-only", "RFC6775-6.3-04")
class SllaoInItsFirstRaOnly(ReferenceNode):
    """Has an SLLAO in the first of several RAs only."""

    def advertise(self, destination):
        self.n = 0
        super().advertise(destination)

    n = 0

    def send_nd(self, s, d, k, b):
        if k == nd.RA:
            self.n += 1
            if self.n > 1:
                b = b[:12] + b[28:]
        super().send_nd(s, d, k, b)


@wrong("6lr-last-version-for-all", "RFC6775-4.3-02")
class LastVersionForAll(ReferenceNode):
    """Puts the version of the 6LBR that it heard of last into all its RAs."""

    def border_options(self, address, border):
        last = list(self.borders.values())[-1]
        return super().border_options(address, replace(border, version=last.version))


@wrong("6lr-shared-prefix-of-the-first-only", "RFC6775-8.1.5-01")
class SharedPrefixOfTheFirstOnly(ReferenceNode):
    """Tells a prefix that two 6LBRs have with the first of them only."""

    def border_options(self, address, border):
        options = super().border_options(address, border)
        told = set()
        for a, b in self.borders.items():
            if a == address:
                break
            told |= {o.prefix for o in b.options if isinstance(o, nd.PrefixInformation)}
        return [o for o in options if not (isinstance(o, nd.PrefixInformation) and o.prefix in told)]


@wrong("6lr-ended-border-must-be-newer", "RFC6775-8.1.3-02")
@starts_with(was={})
class EndedBorderMustBeNewer(ReferenceNode):
    """Takes a 6LBR that had ended again only with a higher version than before."""

    def border_ended(self, address):
        self.was = {**self.was, address: self.borders[address].version}
        super().border_ended(address)

    def takes_advertisement(self, message):
        option = next((o for o in message.options if isinstance(o, nd.AuthoritativeBorderRouter)), None)
        if (
            option
            and option.address not in self.borders
            and option.version <= self.was.get(option.address, -1)
        ):
            return False
        return super().takes_advertisement(message)


@wrong("6lr-border-not-prolonged-for-ever", "RFC6775-4.3-03")
class BorderNotProlongedForEver(ReferenceNode):
    """Keeps the end of a 6LBR when it is told again with a lifetime of 0."""

    def takes_advertisement(self, message):
        option = next((o for o in message.options if isinstance(o, nd.AuthoritativeBorderRouter)), None)
        known = self.borders.get(option.address) if option else None
        took = super().takes_advertisement(message)
        if took and known and not option.valid_lifetime:
            self.borders[option.address].ends = known.ends
        return took


@wrong("6lr-unconfirmed-for-a-minute", "RFC6775-6.5.3-01")
class UnconfirmedForAMinute(ReferenceNode):
    """Keeps for a minute what a silent 6LBR did not confirm."""

    def settle(self, address, status):
        w = self.waiting[address]
        if w.sent >= 3 and status == SUCCESS:
            w.asked = replace(w.asked, option=replace(w.asked.option, lifetime=1))
        super().settle(address, status)


@wrong("6lr-shared-prefix-ends-with-a-border", "RFC6775-6.3-01")
class SharedPrefixEndsWithABorder(ReferenceNode):
    """Removes a prefix when a 6LBR that told it ends, although another one tells it as well."""

    def border_ended(self, address):
        gone = [o for o in self.borders[address].options if isinstance(o, nd.PrefixInformation)]
        super().border_ended(address)
        for border in self.borders.values():
            border.options = [o for o in border.options if o not in gone]


@wrong("6lr-shared-context-ends-with-a-border", "RFC6775-6.3-01")
class SharedContextEndsWithABorder(ReferenceNode):
    """Removes a context when a 6LBR that told it ends, although another one tells it as well."""

    def border_ended(self, address):
        gone = {o.cid for o in self.borders[address].options if isinstance(o, nd.ContextOption)}
        super().border_ended(address)
        for border in self.borders.values():
            border.options = [
                o for o in border.options if not isinstance(o, nd.ContextOption) or o.cid not in gone
            ]


@wrong("6lr-registrations-end-with-a-border", "RFC6775-6.3-01")
class RegistrationsEndWithABorder(ReferenceNode):
    """Refuses addresses of a prefix that a 6LBR told which has ended, although another one tells it as well."""

    ended: tuple = ()

    def border_ended(self, address):
        options = self.borders[address].options
        self.ended += tuple(o.prefix[:8] for o in options if isinstance(o, nd.PrefixInformation))
        super().border_ended(address)

    def refusal(self, asked):
        return FULL if asked.address[:8] in self.ended else super().refusal(asked)


# -- 6LBR -------------------------------------------------------------------------------------------------------


@wrong_6lbr("6lbr-refusal-with-the-owner", "RFC6775-8.2.4-01")
class RefusalWithOwner(ReferenceNode):
    """Puts the EUI-64 of the owner into the DAC that refuses somebody else."""

    def send_duplicate(self, message, source, destination):
        held = self.table.get(message.address)
        super().send_duplicate(replace(message, rovr=held.rovr) if held else message, source, destination)


@wrong_6lbr("6lbr-lifetime-of-16-bits", "RFC6775-4.1-07")
class SecondsOf16(ReferenceNode):
    """Counts the lifetime of an entry in seconds, in 16 bits."""

    def duplicate_status(self, message):
        status = super().duplicate_status(message)
        if message.address in self.table and not status:
            self.table[message.address].ends = self.now + (60 * message.lifetime & 0xFFFF)
        return status
