"""Mutants of RFC 6775 §8.1: what a 6LR makes of the advertisements of 6LBRs."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from tests.mutants import always
from tests.mutants.nd_router import wrong


def abro_of(message):
    return next((o for o in message.options if isinstance(o, nd.AuthoritativeBorderRouter)), None)


class Takes(ReferenceNode):
    """A 6LR that reads the ABRO otherwise."""

    def read(self, message, option):
        raise NotImplementedError

    def takes_advertisement(self, message):
        option = abro_of(message)
        changed = self.read(message, option)
        if changed is not None:
            others = tuple(o for o in message.options if o is not option)
            message = replace(message, options=(*others, changed))
        return super().takes_advertisement(message)


@wrong("6lr-no-abro-taken", "RFC6775-8.1.3-01")
class NoAbroTaken(Takes):
    """Takes an advertisement without an ABRO."""

    def read(self, message, option):
        return None if option else nd.AuthoritativeBorderRouter(self.sender)


@wrong("6lr-older-version-taken", "RFC6775-8.1.3-02")
class OlderTaken(Takes):
    """Takes an advertisement with an older version."""

    def read(self, message, option):
        if option and option.address in self.borders:
            self.borders[option.address].version = 0
        return


@wrong("6lr-same-version-ignored", "RFC6775-8.1.3-02")
class SameIgnored(ReferenceNode):
    """Ignores an advertisement whose version is not higher."""

    def takes_advertisement(self, message):
        option = abro_of(message)
        known = self.borders.get(option.address) if option else None
        return (known is None or option.version > known.version) and super().takes_advertisement(message)


@wrong("6lr-versions-of-16-bits", "RFC6775-8.1.3-02")
class Versions16(Takes):
    """Looks at the lower half of a version."""

    def read(self, message, option):
        return option and replace(option, version=option.version & 0xFFFF)


@wrong("6lr-version-halves-swapped", "RFC6775-4.3-02")
class HalvesSwapped(ReferenceNode):
    """Sends the upper half of a version first."""

    def border_options(self, address, border):
        swapped = (border.version & 0xFFFF) << 16 | border.version >> 16
        return super().border_options(address, replace(border, version=swapped))


@wrong("6lr-version-0-passed-on", "RFC6775-4.3-02", "RIOT-ABRO-VERSION")
class VersionZero(ReferenceNode):
    """Passes on every version as 0."""

    def border_options(self, address, border):
        return super().border_options(address, replace(border, version=0))


@wrong("6lr-abro-lifetime-garbled", "RFC6775-4.3-03", "RIOT-ABRO-LIFETIME")
class LifetimeGarbled(ReferenceNode):
    """Adds its clock to the lifetime of an ABRO."""

    def border_options(self, address, border):
        return super().border_options(address, replace(border, minutes=border.minutes + 5986 & 0xFFFF))


@wrong("6lr-abro-lifetime-0-ends", "RFC6775-4.3-03")
class LifetimeZeroEnds(ReferenceNode):
    """Takes a lifetime of 0 for one of a minute."""

    def takes_advertisement(self, message):
        taken, option = super().takes_advertisement(message), abro_of(message)
        if taken and option and not option.valid_lifetime:
            self.borders[option.address].ends = self.now + 60
        return taken


@wrong("6lr-lifetimes-stand-still", "RFC6775-8.1.4-01")
class StandStill(ReferenceNode):
    """Passes lifetimes on as they came."""

    def aged(self, option, seconds):
        return super().aged(option, 0)


@wrong("6lr-context-lifetimes-stand-still", "RFC6775-8.1.4-01")
class ContextStandsStill(ReferenceNode):
    """Counts down the lifetimes of prefixes only."""

    def aged(self, option, seconds):
        return super().aged(option, 0 if isinstance(option, nd.ContextOption) else seconds)


@wrong("6lr-preferred-lifetime-stands-still", "RFC6775-8.1.4-01")
class PreferredStandsStill(ReferenceNode):
    """Counts down the valid lifetime of a prefix only."""

    def aged(self, option, seconds):
        found = super().aged(option, seconds)
        if isinstance(found, nd.PrefixInformation):
            return replace(found, preferred_lifetime=option.preferred_lifetime)
        return found


@wrong("6lr-borders-mixed", "RFC6775-8.1.5-01")
class BordersMixed(ReferenceNode):
    """Puts what all 6LBRs told into each of its advertisements."""

    def border_options(self, address, border):
        everything = [option for other in self.borders.values() for option in other.options]
        return super().border_options(address, replace(border, options=everything))


@wrong("6lr-last-border-only", "RFC6775-8.1.4-02", advice=True)
class LastOnly(ReferenceNode):
    """Keeps what the last 6LBR told, and nothing else."""

    def takes_advertisement(self, message):
        option = abro_of(message)
        if option and option.address not in self.borders:
            self.borders.clear()
        return super().takes_advertisement(message)


@wrong("6lr-border-never-ends", "RFC6775-6.3-01")
class BorderNeverEnds(ReferenceNode):
    """Keeps what a 6LBR told for ever."""

    def takes_advertisement(self, message):
        taken, option = super().takes_advertisement(message), abro_of(message)
        if taken and option:
            self.borders[option.address].ends = 1e12
        return taken


@wrong("6lr-border-end-keeps-prefix", "RFC6775-6.3-01")
class EndKeepsPrefix(ReferenceNode):
    """Gives what a 6LBR told to another one when it ends."""

    def border_ended(self, address):
        gone = self.borders[address]
        super().border_ended(address)
        for other in self.borders.values():
            other.options += gone.options


@wrong("6lr-router-from-the-start", "RFC6775-3.4-01")
class RouterFromTheStart(always(solicit_router=None)):
    """Is a router from the start, and solicits nobody."""
