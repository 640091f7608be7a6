"""Mutants of a 6LR and a 6LBR of RFC 6775 in what they keep: registrations, tentative ones, 6LBRs, the DAD table."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from rigs.nodes.reference.registration import FULL
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from tests.mutants.nd_6lbr import wrong_6lbr
from tests.mutants.nd_borders import abro_of
from tests.mutants.nd_router import passes_on, wrong

# -- registrations ----------------------------------------------------------------------------------------------


@wrong("6lr-renewal-does-not-move", "RFC6775-6.5.3-01")
class RenewalDoesNotMove(ReferenceNode):
    """Keeps the link-layer address of the first registration when it is renewed from another one."""

    def keep(self, address, option, link):
        held = self.bindings.get(address)
        super().keep(address, option, held.link if held is not None else link)


@wrong("6lr-lifetime-of-8-bits", "RFC6775-4.1-07")
class LifetimeOf8(ReferenceNode):
    """Looks at the lower octet of a registration's lifetime."""

    def accept(self, asked):
        short = replace(asked.option, lifetime=asked.option.lifetime & 0xFF)
        super().accept(replace(asked, option=short))

    def answer_registration(self, target, destination, option):
        super().answer_registration(target, destination, replace(option, lifetime=self.asked_lifetime))

    asked_lifetime: int = 0

    def valid_option(self, option):
        self.asked_lifetime = option.lifetime
        return super().valid_option(option)


@wrong("6lr-eui64-vendor-only", "RFC6775-6.5.1-01")
class VendorOnly(ReferenceNode):
    """Compares the first three octets of EUI-64s."""

    def is_owned(self, address, option):
        held = self.bindings.get(address)
        return super().is_owned(address, option) and (held is None or held.rovr[:3] != option.rovr[:3])


@wrong("6lr-eui64-without-vendor", "RFC6775-6.5.1-01")
class WithoutVendor(ReferenceNode):
    """Compares the last five octets of EUI-64s."""

    def is_owned(self, address, option):
        held = self.bindings.get(address)
        return super().is_owned(address, option) and (held is None or held.rovr[3:] != option.rovr[3:])


@wrong("6lr-table-by-identifier", "RFC6775-6.5.1-01")
class ByIdentifier(ReferenceNode):
    """Looks an address up by its interface identifier, whatever the prefix."""

    def is_owned(self, address, option):
        alike = [held for known, held in self.bindings.items() if known[8:] == address[8:]]
        return super().is_owned(address, option) or any(held.rovr != option.rovr for held in alike)


@wrong("6lr-removal-takes-all", "RFC6775-6.5.3-03")
class RemovalTakesAll(ReferenceNode):
    """Deletes every address of a host that gives one back."""

    def accept(self, asked):
        super().accept(asked)
        if not asked.option.lifetime:
            for address in [a for a, held in self.bindings.items() if held.rovr == asked.option.rovr]:
                del self.bindings[address]


@wrong("6lr-expiry-takes-all", "RFC6775-6.5.3-04")
class ExpiryTakesAll(ReferenceNode):
    """Deletes every address of a host when one of them expires."""

    def expire(self, address):
        held = self.bindings.get(address)
        for other in [a for a, b in self.bindings.items() if held is not None and b.rovr == held.rovr]:
            del self.bindings[other]


@wrong("6lr-renewal-refused-when-full", "RFC6775-6.5.3-01")
class RenewalRefused(ReferenceNode):
    """Says that it is full to a host that renews what it has."""

    def refusal(self, asked):
        status = super().refusal(asked)
        full = len(self.bindings) >= self.capacity and asked.option.lifetime
        return FULL if status is None and full else status


@wrong("6lr-removal-refused-when-full", "RFC6775-6.5.3-03")
class RemovalRefused(ReferenceNode):
    """Says that it is full to a host that gives an address back."""

    def refusal(self, asked):
        status = super().refusal(asked)
        return FULL if status is None and len(self.bindings) >= self.capacity else status


@wrong("6lr-plain-ns-removes", "RFC6775-6.5.3-01")
class PlainRemoves(ReferenceNode):
    """Forgets a registration when the host solicits without an ARO."""

    def registration(self, view, message):
        if not any(isinstance(option, nd.AddressRegistration) for option in message.options):
            self.bindings.pop(view.src, None)
        return super().registration(view, message)


class Ordered(ReferenceNode):
    """A router to which the order of options matters."""

    def readable(self, options):
        raise NotImplementedError

    def registration(self, view, message):
        return super().registration(view, replace(message, options=self.readable(message.options)))


@wrong("6lr-aro-before-sllao-unread", "RFC6775-6.5.3-01")
class AroFirst(Ordered):
    """Does not see the SLLAO that stands behind the ARO."""

    def readable(self, options):
        at = next((n for n, o in enumerate(options) if isinstance(o, nd.AddressRegistration)), len(options))
        return options[: at + 1]


@wrong("6lr-options-end-at-an-unknown-one", "RFC6775-6.5.3-01")
class UnknownEnds(Ordered):
    """Reads no further than the first option that it does not know."""

    def readable(self, options):
        at = next((n for n, o in enumerate(options) if isinstance(o, nd.UnknownOption)), len(options))
        return options[:at]


# -- multihop ---------------------------------------------------------------------------------------------------


@wrong("6lr-tentative-forwards", "RFC6775-6.5.4-01")
class TentativeForwards(ReferenceNode):
    """Forwards to a host that the 6LBR has not confirmed yet."""

    def next_hop(self, destination):
        waiting = self.waiting.get(destination)
        return waiting.asked.link if waiting is not None else super().next_hop(destination)


@wrong("6lr-tentative-taken-over", "RFC6775-8.2-01")
class TentativeTakenOver(ReferenceNode):
    """Gives an address that waits for the 6LBR to the host that asks last, and asks nobody for it."""

    def accept(self, asked):
        other = self.waiting.get(asked.address)
        if other is not None and other.asked.option.rovr != asked.option.rovr:
            self.waiting.pop(asked.address)
            self.keep(asked.address, asked.option, asked.link)
            self.reply(asked, 0)
            return
        super().accept(asked)


@wrong("6lr-dar-hastily", "RFC6775-8.2.6-01")
class DarHastily(ReferenceNode):
    """Sends a DAR again after a tenth of a second."""

    def request(self, address):
        super().request(address)
        self.waiting[address].due = self.now + 0.1


@wrong("6lr-abro-names-itself", "RFC6775-4.3-02")
class AbroNamesItself(ReferenceNode):
    """Puts its own address into the ABRO that it passes on."""

    def border_options(self, address, border):
        found = super().border_options(address, border)
        own = next((mine for mine in self.own if not is_link_local(mine)), self.own[0])
        return [replace(found[0], address=own), *found[1:]]


@wrong("6lr-one-version-for-all", "RFC6775-8.1.3-02")
class OneVersion(ReferenceNode):
    """Compares the version of a 6LBR with the highest that any 6LBR had."""

    def takes_advertisement(self, message):
        option = abro_of(message)
        highest = max((border.version for border in self.borders.values()), default=0)
        return (option is None or option.version >= highest) and super().takes_advertisement(message)


@wrong("6lr-version-signed", "RFC6775-8.1.3-02")
class VersionSigned(ReferenceNode):
    """Takes versions of 2^31 and more for negative ones."""

    def takes_advertisement(self, message):
        option = abro_of(message)
        known = self.borders.get(option.address) if option else None
        if known is not None:
            first, second = ((v ^ 1 << 31) - (1 << 31) for v in (known.version, option.version))
            if second < first:
                return False
            known.version = min(known.version, option.version)
        return super().takes_advertisement(message)


@wrong("6lr-old-set-stays", "RFC6775-8.1.3-02", advice=True)
class OldSetStays(ReferenceNode):
    """Adds what a newer version told to what the older one told."""

    def takes_advertisement(self, message):
        option = abro_of(message)
        before = (
            list(self.borders[option.address].options) if option and option.address in self.borders else []
        )
        if not super().takes_advertisement(message):
            return False
        border = self.borders[option.address]
        border.options = [*border.options, *(o for o in before if o not in border.options)]
        return True


@wrong("6lr-context-c-set", "RFC6775-8.1.4-02")
class ContextCSet(passes_on(nd.ContextOption, compress=True)):
    """Passes every context on with C=1."""


@wrong("6lr-prefix-on-link-later", "RFC6775-6.1-02")
class OnLinkWhenAged(ReferenceNode):
    """Passes a prefix on with the L flag once it has been held for a minute."""

    def aged(self, option, seconds):
        found = super().aged(option, seconds)
        if isinstance(found, nd.PrefixInformation) and seconds >= 60:
            return replace(found, on_link=True)
        return found


# -- 6LBR -------------------------------------------------------------------------------------------------------


class Keeps(ReferenceNode):
    """A 6LBR that keeps something else of a DAR."""

    def kept(self, message, before, status):
        raise NotImplementedError

    def duplicate_status(self, message):
        before = self.table.get(message.address)
        status = super().duplicate_status(message)
        self.kept(message, before, status)
        return status


@wrong_6lbr("6lbr-lifetime-not-updated", "RFC6775-8.2.4-01")
class LifetimeNotUpdated(Keeps):
    """Ends an entry when the first DAR said, although a later one told another lifetime."""

    def kept(self, message, before, status):
        if before is not None and not status and message.lifetime:
            self.table[message.address] = before


@wrong_6lbr("6lbr-duplicate-prolongs", "RFC6775-8.2.4-01")
class DuplicateProlongs(Keeps):
    """Prolongs an entry when somebody else asks for its address."""

    def kept(self, message, before, status):
        if status == 1:
            self.table[message.address].ends = self.now + 60.0 * message.lifetime


@wrong_6lbr("6lbr-lifetime-0-creates", "RFC6775-8.2.4-01")
class ZeroCreates(Keeps):
    """Keeps an address that it did not know when it is told that it was given back."""

    def kept(self, message, before, status):
        if before is None and not message.lifetime and not status:
            super(Keeps, self).duplicate_status(replace(message, lifetime=60))


@wrong_6lbr("6lbr-table-by-identifier", "RFC6775-8.2.4-01")
class TableByIdentifier(ReferenceNode):
    """Indexes its table by the interface identifier, whatever the prefix."""

    def duplicate_status(self, message):
        return super().duplicate_status(replace(message, address=bytes(8) + message.address[8:]))


@wrong_6lbr("6lbr-eui64-without-vendor", "RFC6775-8.2.4-01")
class BorderWithoutVendor(ReferenceNode):
    """Compares the last five octets of EUI-64s."""

    def duplicate_status(self, message):
        return super().duplicate_status(replace(message, rovr=bytes(3) + message.rovr[3:]))


@wrong_6lbr("6lbr-contexts-not-versioned", "RFC6775-7-02")
class ContextsNotVersioned(ReferenceNode):
    """Raises its version for prefixes only."""

    def changed(self, options):
        return super().changed([o for o in options if not isinstance(o, nd.ContextOption)])
