"""Mutants of Neighbor Discovery that read most of an advertisement, of a status, or of an identifier."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import Context, Contexts, nd
from tests.mutants import mutant
from tests.mutants.nd_steps import reads_contexts
from tests.mutants.wire import under


def wrong(id, requirement, rig="reference-nd-6ln"):
    """Register a node of a role."""
    return mutant(id, requirement=requirement, rig=rig)


# -- advertisements ---------------------------------------------------------------------------------------------


@wrong("host-context-removed-by-its-prefix", "RFC6775-5.4.2-03")
class RemovedByPrefix(
    reads_contexts(
        lambda node, option: (
            None
            if not option.valid_lifetime
            and option.cid in node.contexts
            and node.contexts[option.cid].prefix != option.context().prefix
            else option
        )
    )
):
    """Removes a context at a lifetime of 0 only if the prefix is the one that it has."""


class ReadsSome(ReferenceNode):
    """A host that reads some options of an advertisement."""

    def advertised_router(self, message):
        super().advertised_router(replace(message, options=tuple(self.read(message.options))))

    def read(self, options):
        """Those that it reads."""
        raise NotImplementedError


@wrong("host-reads-behind-sllao-only", "RFC6775-5.4.2-01")
class BehindSllao(ReadsSome):
    """Reads the options of an advertisement from the SLLAO on."""

    def read(self, options):
        at = next((n for n, o in enumerate(options) if isinstance(o, nd.LinkLayerAddress)), 0)
        return options[at:]


@wrong("host-reads-contexts-behind-prefixes", "RFC6775-5.4.2-01")
class BehindPrefixes(ReadsSome):
    """Reads a 6CO behind the last PIO only."""

    def read(self, options):
        last = max((n for n, o in enumerate(options) if isinstance(o, nd.PrefixInformation)), default=-1)
        return [o for n, o in enumerate(options) if n > last or not isinstance(o, nd.ContextOption)]


@wrong("host-reads-up-to-a-removed-context", "RFC6775-5.4.2-01")
class UpToRemoved(ReadsSome):
    """Reads no option of an advertisement behind a 6CO whose lifetime is 0."""

    def read(self, options):
        for option in options:
            yield option
            if isinstance(option, nd.ContextOption) and not option.valid_lifetime:
                return


@wrong("host-context-c0-in-fragments", "RFC6775-5.4.2-02")
class UsedInFragments(ReferenceNode):
    """Does not look at the C flag of contexts where a packet needs fragments."""

    def fragment_packet(self, packet, info):
        every = {cid: Context(known.prefix, known.length) for cid, known in self.contexts.items()}
        with under(self, Contexts(every) if len(packet) > 120 else self.contexts):
            return super().fragment_packet(packet, info)


# -- routers ----------------------------------------------------------------------------------------------------


@wrong("6lr-removal-with-a-status", "RFC6775-6.5-01", "reference-nd-6lr")
class RemovalWithStatus(ReferenceNode):
    """Looks at the Status of an ARO only where its lifetime is not 0."""

    def valid_option(self, option):
        return super().valid_option(option if option.lifetime else replace(option, status=0))


@wrong("6lr-dac-of-an-unknown-status", "RFC6775-8.2.5-01", "reference-nd-6lr")
class UnknownStatus(ReferenceNode):
    """Passes a status above 2 of a DAC on, and keeps the address all the same."""

    def settle(self, address, status):
        asked = self.waiting[address].asked
        super().settle(address, status)
        if status > 2:
            self.keep(address, asked.option, asked.link)


@wrong("6lr-dac-of-seven-octets", "RFC6775-8.2.5-01", "reference-nd-6lr")
class SevenOctets(ReferenceNode):
    """Compares seven octets of the EUI-64 of a DAC."""

    def confirmed_duplicate(self, message):
        waiting = self.waiting.get(message.address)
        if waiting is not None and waiting.asked.option.rovr[:7] == message.rovr[:7]:
            message = replace(message, rovr=waiting.asked.option.rovr)
        super().confirmed_duplicate(message)


@wrong("6lr-second-context-not-aged", "RFC6775-8.1.4-01", "reference-nd-6lr")
class SecondNotAged(ReferenceNode):
    """Counts down the lifetime of the first context of a 6LBR only."""

    def border_options(self, address, border):
        _, *others = [o.cid for o in border.options if isinstance(o, nd.ContextOption)] or [-1]
        told = {o.cid: o for o in border.options if isinstance(o, nd.ContextOption) and o.cid in others}
        aged = super().border_options(address, border)
        return [told.get(o.cid, o) if isinstance(o, nd.ContextOption) else o for o in aged]


@wrong("6lr-linear-tids-15-apart", "RFC8505-5.2.1-03", "reference-nd-6lr-8505")
class Linear15(ReferenceNode):
    """Cannot compare TIDs above 127 that are 16 apart, which are within the window."""

    def is_older(self, held, tid):
        apart = held is not None and tid is not None and min(held, tid) >= 128 and abs(held - tid) == 16
        return not apart and super().is_older(held, tid)


@wrong("6lr-tid-lost-in-a-wrap", "RFC8505-5.2.1-03", "reference-nd-6lr-8505")
class LostInWrap(ReferenceNode):
    """Forgets the TID of an address when it has come from 128 or above to below: any one is newer then."""

    def keep(self, address, option, link):
        before = self.bindings.get(address)
        super().keep(address, option, link)
        held = self.bindings[address]
        if (
            before is not None
            and before.tid is not None
            and held.tid is not None
            and held.tid < 128 <= before.tid
        ):
            held.tid = None


@wrong("6lr-sllao-must-be-first", "RFC6775-6.3-05", "reference-nd-6lr")
class SllaoFirst(ReferenceNode):
    """Answers no solicitation in which another option stands in front of the SLLAO."""

    def discovery(self, view, message):
        asked = isinstance(message, nd.RouterSolicitation) and message.options
        if asked and not isinstance(message.options[0], nd.LinkLayerAddress):
            return True
        return super().discovery(view, message)
