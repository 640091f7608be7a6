"""Mutants of RFC 8505 and of a 6LBR: options that are not valid, capabilities, TIDs, and what is versioned."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.discovery import Discovery
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import is_link_local, is_multicast
from tests.mutants.nd_6lbr import wrong_6lbr
from tests.mutants.nd_extended import wrong
from tests.mutants.nd_steps import router_keeps, sends_duplicates, without_flag
from tests.mutants.nd_table import InSeconds

# -- 6LN --------------------------------------------------------------------------------------------------------


@wrong("earo-new-capability-unheeded", "RFC8505-6-01", advice=True)
class NewCapability(router_keeps("extended")):
    """Takes a router for ever for what its first advertisement said of RFC 8505."""


@wrong("earo-refused-source-used", "RFC8505-5.6-02")
class RefusedSource(ReferenceNode):
    """Registers global addresses from a link-local one that was refused."""

    def boot(self):
        super().boot()
        self.told = False

    def registration_answered(self, address, option):
        self.told = self.told or (address == self.own[0] and option.status > 0)
        super().registration_answered(address, option)
        if self.told:
            self.register_all()

    def may_register(self, address, router):
        return self.told or super().may_register(address, router)


@wrong("earo-removal-from-itself", "RFC8505-5.6-02")
class RemovalFromItself(ReferenceNode):
    """Gives an address back from that address."""

    def send_registration(self, address, router, lifetime):
        if lifetime or not self.speaks_extended(router):
            super().send_registration(address, router, lifetime)
            return
        option = self.registration_option(address, router, lifetime)
        self.send_nd(address, router, nd.NS, bytes(4) + address + self.link_option(1) + option.build())


@wrong("earo-removal-without-t", "RFC8505-5.1-02")
class RemovalWithoutT(ReferenceNode):
    """Gives an address back by an ARO without T."""

    def registration_option(self, address, router, lifetime):
        option = super().registration_option(address, router, lifetime)
        return option if lifetime else replace(option, t=False, tid=0)


# -- 6LR --------------------------------------------------------------------------------------------------------


@wrong("6lr-earo-status-taken", "RFC6775-6.5-01", "6lr")
class StatusTaken(ReferenceNode):
    """Takes an EARO whose Status is not 0."""

    def valid_option(self, option):
        return super().valid_option(replace(option, status=0))

    def reply(self, asked, status):
        super().reply(asked, status)


@wrong("6lr-earo-own-address-given-away", "RFC6775-6.5.1-01", "6lr", advice=True)
class OwnGivenAway(ReferenceNode):
    """Registers its own address for somebody else, who names it as the target."""

    def is_owned(self, address, option):
        held = self.bindings.get(address)
        return held is not None and held.rovr != option.rovr


@wrong("6lr-earo-group-registered", "RFC4861-7.1.1-01", "6lr")
class GroupRegistered(ReferenceNode):
    """Registers a group."""

    def registration(self, view, message):
        if is_multicast(message.target):
            option = next((o for o in message.options if isinstance(o, nd.AddressRegistration)), None)
            link = next((o for o in message.options if isinstance(o, nd.LinkLayerAddress)), None)
            if option is not None and link is not None and option.t:
                self.hint = (view.src, self.source_link(link))
                self.answer_registration(message.target, view.src, option)
                self.hint = (b"", b"")
        return super().registration(view, message)


@wrong("6lr-earo-l-clear", "RFC8505-4.3-01", "6lr")
class LClear(without_flag(nd.FLAG_L)):
    """A 6LR that does not say that it is one."""


@wrong("6lr-earo-b-set", "RFC8505-4.3-01", "6lr", advice=True)
class BSet(ReferenceNode):
    """A 6LR that says that it is a 6LBR."""

    def flags(self):
        return super().flags() | {nd.FLAG_B}


@wrong("6lr-earo-d-always", "RFC8505-4.3-01", "6lr", advice=True)
class DAlways(ReferenceNode):
    """Says that its 6LBR takes EDARs, whatever that said."""

    def flags(self):
        return super().flags() | {nd.FLAG_D}


@wrong("6lr-earo-first-prefix-only", "RFC8505-4.1-14", "6lr")
class FirstPrefixOnly(ReferenceNode):
    """Takes its first prefix for the only one whose addresses are usable here."""

    def fits(self, address):
        return is_link_local(address) or address[:8] in {prefix[:8] for prefix in self.prefixes()[:1]}


# -- 6LBR -------------------------------------------------------------------------------------------------------


@wrong_6lbr("6lbr-dar-option-0-taken", "RFC6775-8.2.1-01")
class DarOption0(ReferenceNode):
    """Takes what stands in front of an option of length 0 in a DAR."""

    @staticmethod
    def parsed(message):
        return Discovery.parsed(message[:32] if message[0] == nd.DAR else message)


@wrong_6lbr("6lbr-removal-of-unknown-refused", "RFC6775-8.2.4-01")
class UnknownRefused(ReferenceNode):
    """Refuses a lifetime of 0 for an address that it does not know."""

    def duplicate_status(self, message):
        if not message.lifetime and message.address not in self.table:
            return 1
        return super().duplicate_status(message)


@wrong_6lbr("6lbr-removal-of-unknown-unanswered", "RFC6775-8.2.4-01")
class UnknownUnanswered(ReferenceNode):
    """Says nothing to a lifetime of 0 for an address that it does not know: its 6LR asks again and again."""

    def requested_duplicate(self, view, message):
        if message.lifetime or message.address in self.table:
            super().requested_duplicate(view, message)


@wrong_6lbr("6lbr-dac-code-1", "RFC6775-4.4-03")
class DacCode1(sends_duplicates(lambda n, m, s, d: (replace(m, code=1), s, d))):
    """Sends DACs with Code 1."""


@wrong_6lbr("6lbr-dar-status-copied", "RFC6775-8.2.4-01")
class StatusCopied(ReferenceNode):
    """Sends a DAR's Status back: in a DAR it means nothing."""

    def duplicate_status(self, message):
        return super().duplicate_status(message) or message.status


@wrong_6lbr("6lbr-dar-status-dropped", "RFC6775-4.4-01", advice=True)
class StatusDropped(ReferenceNode):
    """Drops a DAR whose Status is not 0: it "is only meaningful in the DAC"."""

    def valid_duplicate(self, view, message):
        return not message.status and super().valid_duplicate(view, message)


@wrong_6lbr("6lbr-c-flag-not-versioned", "RFC6775-4.3-04")
class CFlagNotVersioned(ReferenceNode):
    """Raises no version when a context may be used from now on."""

    def changed(self, options):
        return super().changed(
            [replace(o, compress=True) if isinstance(o, nd.ContextOption) else o for o in options]
        )


@wrong_6lbr("6lbr-removal-not-versioned", "RFC6775-4.3-04")
class RemovalNotVersioned(ReferenceNode):
    """Raises no version when something is told no more."""

    def changed(self, options):
        before = self.announced
        changed = super().changed(options)
        return changed and not (before and all(option in before for option in options))


@wrong("6lbr-same-tid-moved", "RFC8505-5.2.1-03", "6lbr")
class SameTidMoved(ReferenceNode):
    """Says Moved to an EDAR with the TID that it knows: a 6LR that asks again is refused."""

    def is_older(self, held, tid):
        return (held is not None and held == tid) or super().is_older(held, tid)


@wrong("6lbr-tid-of-rfc-1982", "RFC8505-5.2.1-03", "6lbr")
class TidMod256(ReferenceNode):
    """Compares TIDs modulo 256."""

    def is_older(self, held, tid):
        return None not in (held, tid) and (held - tid) % 256 in range(1, 128)


@wrong("6lbr-tid-without-window", "RFC8505-5.2.1-03", "6lbr")
class TidWithoutWindow(ReferenceNode):
    """Takes every TID of the circular part for newer than one of the linear part."""

    def is_older(self, held, tid):
        if None not in (held, tid) and (held < 128) != (tid < 128):
            return tid >= 128
        return super().is_older(held, tid)


@wrong("6lbr-rovr-of-the-shorter", "RFC8505-4.2-01", "6lbr")
class RovrShorter(ReferenceNode):
    """Compares as many octets of two ROVRs as the shorter one has."""

    def duplicate_status(self, message):
        entry = self.table.get(message.address)
        if entry is not None:
            size = min(len(entry.rovr), len(message.rovr))
            if entry.rovr[:size] == message.rovr[:size]:
                message = replace(message, rovr=entry.rovr)
        return super().duplicate_status(message)


@wrong("6lbr-edac-rovr-of-64-bits", "RFC8505-4.2-01", "6lbr")
class EdacCut(sends_duplicates(lambda n, m, s, d: (replace(m, rovr=m.rovr[:8], code=min(m.code, 1)), s, d))):
    """Answers with the first 64 bits of a ROVR, and says so."""


@wrong("6lbr-earo-no-6cio", "RFC8505-6.1-02", "6lbr")
class BorderNo6cio(ReferenceNode):
    """A 6LBR that advertises without a 6CIO."""

    def capabilities(self):
        return b""


@wrong("6lbr-earo-d-clear", "RFC8505-4.3-01", "6lbr", advice=True)
class BorderDClear(without_flag(nd.FLAG_D)):
    """A 6LBR that takes EDARs, and does not say so."""


@wrong("6lbr-earo-b-clear", "RFC8505-4.3-01", "6lbr")
class BorderBClear(without_flag(nd.FLAG_B)):
    """A 6LBR that does not say that it is one."""


@wrong("6lbr-earo-e-clear", "RFC8505-4.3-02", "6lbr")
class BorderEClear(without_flag(nd.FLAG_E)):
    """A 6LBR that keeps registrations of RFC 8505, and leaves E clear."""


@wrong("6lbr-earo-long-rovr-refused", "RFC8505-4.1-01", "6lbr")
class BorderLongRefused(ReferenceNode):
    """A 6LBR that ignores a ROVR of more than 64 bits of its own hosts."""

    def valid_option(self, option):
        return len(option.rovr) == 8 and super().valid_option(option)


@wrong_6lbr("6lbr-host-lifetime-in-seconds", "RFC6775-4.1-07")
class HostSeconds(InSeconds):
    """A 6LBR that counts the lifetimes of its own hosts in units of 10 s."""


@wrong_6lbr("6lbr-host-duplicate-confirmed", "RFC6775-6.5.1-01")
class HostDuplicate(ReferenceNode):
    """A 6LBR that gives an address of a host of its own to whoever asks last."""

    def is_owned(self, address, option):
        return False


@wrong_6lbr("6lbr-host-error-to-the-address", "RFC6775-6.5.2-01")
class HostError(ReferenceNode):
    """A 6LBR that sends an error to the address that is somebody else's."""

    def reply(self, asked, status):
        self.answer_registration(asked.target, asked.source, replace(asked.option, status=status))
