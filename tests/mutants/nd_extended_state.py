"""Mutants of RFC 8505 in what is kept of a registration: TIDs, ROVRs, and what a 6LN knows of each router."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from tests.mutants import always
from tests.mutants.nd_extended import wrong
from tests.mutants.nd_steps import reads_answers, sends_duplicates

# -- 6LN --------------------------------------------------------------------------------------------------------


@wrong("earo-r-for-global-only", "RFC8505-5.1-03")
class RForGlobal(ReferenceNode):
    """Sets R for its global addresses only."""

    def registration_option(self, address, router, lifetime):
        option = super().registration_option(address, router, lifetime)
        return replace(option, r=option.r and not is_link_local(address))


@wrong("earo-sllao-for-link-local-only", "RFC6775-4.1-01")
class SllaoForLinkLocal(ReferenceNode):
    """Has a Source Link-Layer Address option in the registration of its link-local address only."""

    def send_nd(self, source, destination, kind, body):
        if kind == nd.NS and not is_link_local(body[4:20]) and body[20:21] == b"\x01":
            body = body[:20] + body[20 + 8 * body[21] :]
        super().send_nd(source, destination, kind, body)


@wrong("earo-global-before-the-answer", "RFC8505-5.6-02")
class BeforeTheAnswer(always(may_register=True)):
    """Registers global addresses while the one that it registers them from is not confirmed."""


@wrong("earo-knows-of-one-router-only", "RFC8505-6-01")
class OneForAll(ReferenceNode):
    """Takes all routers for such of RFC 8505 when one of them is."""

    def speaks_extended(self, router):
        return router in self.routers and any(known.extended for known in self.routers.values())


@wrong("earo-link-local-not-renewed", "RFC8505-5.6-01")
class LinkLocalNotRenewed(ReferenceNode):
    """Renews its global addresses only."""

    def registration_due(self, address):
        if is_link_local(address) and not self.pending.get(address):
            self.refreshes.pop(address, None)
            return
        super().registration_due(address)


@wrong("earo-tid-by-two", "RFC8505-5.2.1-02")
class TidOfTwoSteps(ReferenceNode):
    """Counts TIDs by two."""

    def next_tid(self, before):
        first = super().next_tid(before)
        return first if before is None else nd.tid.following(first)


@wrong("earo-saturated-is-success", "RFC8505-4.1-15", advice=True)
class SaturatedIsSuccess(reads_answers(lambda n, o: replace(o, status=0) if o.status == 9 else o)):
    """Takes status 9 for success."""


# -- 6LR --------------------------------------------------------------------------------------------------------


@wrong("6lr-earo-first-tid-kept", "RFC8505-5.2.1-03", "6lr")
class FirstTidKept(ReferenceNode):
    """Compares with the TID of the first registration, however often it was renewed."""

    def keep(self, address, option, link):
        held = self.bindings.get(address)
        super().keep(address, option, link)
        if held is not None and held.tid is not None:
            self.bindings[address].tid = held.tid


@wrong("6lr-earo-window-of-15", "RFC8505-5.2.1-03", "6lr")
class Window15(ReferenceNode):
    """Counts a distance of SEQUENCE_WINDOW itself as beyond it."""

    def is_older(self, held, tid):
        if held is not None and tid is not None and held >= 128 > tid and 256 + tid - held == 16:
            return True
        return super().is_older(held, tid)


@wrong("6lr-earo-answers-about-the-source", "RFC8505-5.1-01", "6lr")
class AboutTheSource(ReferenceNode):
    """Has the source of the registration for the target of its answer."""

    def reply(self, asked, status):
        super().reply(replace(asked, target=asked.source), status)


@wrong("6lr-earo-edar-suffix-1", "RFC8505-4.2-01", "6lr")
class SuffixOne(sends_duplicates(lambda n, m, s, d: (replace(m, code=min(m.code, 1)), s, d))):
    """Sends EDARs of any ROVR with a Code Suffix of 1."""


@wrong("6lr-earo-removal-ignores-rovr", "RFC6775-6.5.1-01", "6lr")
class RemovalIgnoresRovr(ReferenceNode):
    """Deletes a registration for anybody who has a newer TID."""

    def is_owned(self, address, option):
        return super().is_owned(address, option) and bool(option.lifetime)


# -- 6LBR -------------------------------------------------------------------------------------------------------


@wrong("6lbr-rovr-of-64-bits", "RFC8505-4.2-01", "6lbr")
class RovrOf64(ReferenceNode):
    """Compares the first 64 bits of ROVRs."""

    def duplicate_status(self, message):
        return super().duplicate_status(replace(message, rovr=message.rovr[:8]))


@wrong("6lbr-older-tid-kept", "RFC8505-4.1-09", "6lbr")
class OlderTidKept(ReferenceNode):
    """Says "Moved" to an older registration, and compares with its TID from then on."""

    def duplicate_status(self, message):
        status = super().duplicate_status(message)
        if status == 3:
            self.table[message.address].tid = message.tid
        return status


@wrong("6lbr-first-tid-kept", "RFC8505-5.2.1-03", "6lbr")
class BorderFirstTid(ReferenceNode):
    """Compares with the TID of the first EDAR, however often it was repeated."""

    def duplicate_status(self, message):
        before = self.table.get(message.address)
        status = super().duplicate_status(message)
        if before is not None and message.address in self.table:
            self.table[message.address].tid = before.tid
        return status
