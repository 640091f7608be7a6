"""Mutants between 6LR and 6LBR (RFC 6775 §8) in what is told again, by a second one, or at the end of a lifetime."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from tests.mutants import starts_with
from tests.mutants.nd_6lbr import wrong_6lbr
from tests.mutants.nd_router import wrong
from tests.mutants.nd_router_state import Keeps
from tests.mutants.nd_steps import drops_longer, sends_duplicates

# -- what 6LBRs told --------------------------------------------------------------------------------------------


class Aging(ReferenceNode):
    """A 6LR whose lifetimes of prefixes age otherwise."""

    def lives(self, option, seconds):
        """(valid, preferred) lifetime."""
        raise NotImplementedError

    def aged(self, option, seconds):
        found = super().aged(option, seconds)
        if isinstance(option, nd.PrefixInformation):
            valid, preferred = self.lives(option, int(seconds))
            return replace(found, valid_lifetime=valid, preferred_lifetime=preferred)
        return found


@wrong("6lr-infinity-counted-down", "RFC6775-8.1.4-01", advice=True)
class InfinityAges(Aging):
    """Counts an infinite lifetime down."""

    def lives(self, option, seconds):
        return max(0, option.valid_lifetime - seconds), max(0, option.preferred_lifetime - seconds)


@wrong("6lr-preferred-lifetime-wraps", "RFC6775-8.1.4-01")
class PreferredWraps(Aging):
    """Counts a preferred lifetime down below zero, which is for ever."""

    def lives(self, option, seconds):
        return max(0, option.valid_lifetime - seconds), (option.preferred_lifetime - seconds) & 0xFFFFFFFF


@wrong("6lr-ended-prefix-lives-on", "RFC6775-8.1.4-01")
class EndedLives(Aging):
    """Goes on to advertise a prefix whose lifetime has ended, with a minute left."""

    def lives(self, option, seconds):
        return max(60, option.valid_lifetime - seconds), max(30, option.preferred_lifetime - seconds)


@wrong("6lr-ended-context-lives-on", "RFC6775-8.1.4-01")
class EndedContext(ReferenceNode):
    """Goes on to advertise a context whose lifetime has ended, with a minute left."""

    def aged(self, option, seconds):
        found = super().aged(option, seconds)
        if isinstance(found, nd.ContextOption) and not found.valid_lifetime:
            return replace(found, valid_lifetime=1)
        return found


def passes_on_first(kind, most):
    """A 6LR that passes on the first options of this kind, so many of them."""

    class Passing(ReferenceNode):
        def border_options(self, address, border):
            found = super().border_options(address, border)
            first = [option for option in found if isinstance(option, kind)][:most]
            return [option for option in found if not isinstance(option, kind) or option in first]

    return Passing


@wrong("6lr-eight-contexts-passed-on", "RFC6775-8.1.4-02")
class EightContexts(passes_on_first(nd.ContextOption, 8)):
    """Passes on the first eight contexts of an advertisement."""


@wrong("6lr-first-prefix-passed-on", "RFC6775-8.1.4-02")
class FirstPrefixPassedOn(passes_on_first(nd.PrefixInformation, 1)):
    """Passes on the first prefix of an advertisement only."""


@wrong("6lr-abro-of-the-first-for-all", "RFC6775-8.1.5-01")
class FirstForAll(ReferenceNode):
    """Has the ABRO of the 6LBR that it heard of first in each of its advertisements."""

    def border_options(self, address, border):
        first, known = next(iter(self.borders.items()))
        found = super().border_options(address, border)
        return [replace(found[0], address=first, version=known.version), *found[1:]]


@wrong("6lr-border-not-prolonged", "RFC6775-8.1.3-02")
class NotProlonged(ReferenceNode):
    """Ends what a 6LBR told when its first advertisement said, although it was told again."""

    def takes_advertisement(self, message):
        before = {address: border.ends for address, border in self.borders.items()}
        taken = super().takes_advertisement(message)
        for address, ends in before.items():
            if address in self.borders:
                self.borders[address].ends = ends
        return taken


@wrong("6lr-border-end-ends-all", "RFC6775-6.3-01")
class EndEndsAll(ReferenceNode):
    """Forgets what all 6LBRs told when one of them ends."""

    def border_ended(self, address):
        for other in list(self.borders):
            super().border_ended(other)


# -- multihop duplicate address detection -------------------------------------------------------------------------


@wrong("6lr-dar-registers-the-target", "RFC6775-8.2.3-01")
class RegistersTarget(sends_duplicates(lambda n, m, s, d: (replace(m, address=n.own[0]), s, d))):
    """Asks the 6LBR about the target of the registration, which is itself."""


@wrong("6lr-dac-by-address-only", "RFC6775-8.2.5-01")
class ByAddress(ReferenceNode):
    """Takes a DAC for the one that it waits for whatever EUI-64 it has."""

    def confirmed_duplicate(self, message):
        waiting = self.waiting.get(message.address)
        rovr = waiting.asked.option.rovr if waiting else message.rovr
        super().confirmed_duplicate(replace(message, rovr=rovr))


@wrong("6lr-dac-by-eui64-only", "RFC6775-8.2.5-01")
class ByEui64(ReferenceNode):
    """Takes a DAC for the one that it waits for whatever address it has."""

    def confirmed_duplicate(self, message):
        for address, waiting in list(self.waiting.items()):
            if waiting.asked.option.rovr == message.rovr:
                message = replace(message, address=address)
        super().confirmed_duplicate(message)


@wrong("6lr-tentative-is-duplicate", "RFC6775-8.2-01", advice=True)
class TentativeIsDuplicate(ReferenceNode):
    """Says "duplicate" of an address for which another host waits, before the 6LBR has said anything."""

    def refusal(self, asked):
        other = self.waiting.get(asked.address)
        if other is not None and other.asked.option.rovr != asked.option.rovr:
            return 1
        return super().refusal(asked)


@wrong("6lr-dac-hop-limit-checked", "RFC6775-4.4-02")
class DacHopLimit(ReferenceNode):
    """Drops a DAC whose hop limit is not 255, as if it were an NA."""

    def icmp(self, view, message):
        if message[0] != nd.DAC or view.hop_limit == 255:
            super().icmp(view, message)


@wrong("6lr-dac-hop-limit-64-only", "RFC6775-4.4-02")
class DacHopLimit64(ReferenceNode):
    """Drops a DAC whose hop limit is above 64."""

    def icmp(self, view, message):
        if message[0] != nd.DAC or view.hop_limit <= 64:
            super().icmp(view, message)


@wrong("6lr-dac-reserved-dropped", "RFC6775-4.4-01")
class DacReserved(ReferenceNode):
    """Drops a DAC whose Reserved is not zero."""

    def confirmed_duplicate(self, message):
        if not message.tid:
            super().confirmed_duplicate(message)


@wrong("6lr-dac-options-dropped", "RFC6775-4.4-01")
class DacOptions(drops_longer(nd.DAC, 32)):
    """Drops a DAC with an option that it does not know."""


@wrong("6lr-refused-address-stays-tentative", "RFC6775-8.2.5-01")
class StaysTentative(ReferenceNode):
    """Keeps the Tentative NCE of an address that the 6LBR refused: nobody else may ask for it."""

    def settle(self, address, status):
        waiting = self.waiting[address]
        super().settle(address, status)
        if status:
            waiting.due = float("inf")
            self.waiting[address] = waiting


# -- 6LBR -------------------------------------------------------------------------------------------------------


@wrong_6lbr("6lbr-second-6lr-is-duplicate", "RFC6775-8.2.4-01")
@starts_with(askers={})
class SecondRouter(ReferenceNode):
    """Takes an address for a duplicate when another 6LR asks for it, whoever has it."""

    def requested_duplicate(self, view, message):
        if self.askers.setdefault(message.address, view.src) != view.src:
            message = replace(message, rovr=bytes(8))
        super().requested_duplicate(view, message)


@wrong_6lbr("6lbr-dac-to-the-first-6lr", "RFC6775-8.2.4-01")
@starts_with(askers={})
class ToFirstRouter(sends_duplicates(lambda n, m, s, d: (m, s, n.askers.setdefault(m.address, d)))):
    """Sends each DAC to the 6LR that asked for the address first."""


@wrong_6lbr("6lbr-table-lifetime-signed", "RFC6775-4.1-07")
class TableSigned(Keeps):
    """Takes a lifetime of 0x8000 and more for a negative one: the entry ends at once."""

    def kept(self, message, before, status):
        if not status and message.lifetime & 0x8000:
            self.table[message.address].ends = self.now + 0.001


@wrong_6lbr("6lbr-renewal-never-shortens", "RFC6775-8.2.4-01")
class BorderNeverShortens(Keeps):
    """Keeps the later end when an entry is renewed for a shorter time."""

    def duplicate_status(self, message):
        entry = self.table.get(message.address)
        ends = entry.ends if entry else 0
        status = super().duplicate_status(message)
        if not status and message.lifetime:
            self.table[message.address].ends = max(ends, self.table[message.address].ends)
        return status

    def kept(self, message, before, status):
        return


@wrong_6lbr("6lbr-removal-takes-all", "RFC6775-8.2.4-01")
class RemovalTakesAll(Keeps):
    """Deletes every entry of an EUI-64 when one of them is given back."""

    def kept(self, message, before, status):
        if not status and not message.lifetime:
            for address in [a for a, entry in self.table.items() if entry.rovr == message.rovr]:
                del self.table[address]


@wrong_6lbr("6lbr-version-halves-swapped", "RFC6775-4.3-02")
class HalvesSwapped(ReferenceNode):
    """Sends the upper half of its version first."""

    def own_options(self):
        abro, *rest = super().own_options()
        version = abro.version >> 16 | (abro.version & 0xFFFF) << 16
        return [replace(abro, version=version), *rest]
