"""Mutants of RFC 8505 routers in what comes a second time, at the end of a range, or with the longest ROVR."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from tests.mutants import always, starts_with
from tests.mutants.nd_extended import wrong
from tests.mutants.nd_steps import answers, sends_duplicates

# -- ROVRs ------------------------------------------------------------------------------------------------------


class Part(ReferenceNode):
    """A 6LR that compares a part of ROVRs."""

    def part(self, rovr):
        raise NotImplementedError

    def is_owned(self, address, option):
        held = self.bindings.get(address)
        alike = held is not None and self.part(held.rovr) == self.part(option.rovr)
        return super().is_owned(address, option) and not alike


@wrong("6lr-earo-rovr-of-64-bits", "RFC8505-4.1-01", "6lr")
class RovrOf64(Part):
    """Compares the first 64 bits of ROVRs."""

    def part(self, rovr):
        return rovr[:8]


@wrong("6lr-earo-rovr-of-128-bits", "RFC8505-4.1-01", "6lr")
class RovrOf128(Part):
    """Compares the first 128 bits of ROVRs."""

    def part(self, rovr):
        return len(rovr), rovr[:16]


@wrong("6lr-earo-rovr-of-192-bits", "RFC8505-4.1-01", "6lr")
class RovrOf192(Part):
    """Compares the first 192 bits of ROVRs: the longest ones differ behind them."""

    def part(self, rovr):
        return len(rovr), rovr[:24]


@wrong("6lr-earo-rovr-of-the-shorter", "RFC8505-4.1-01", "6lr", advice=True)
class RovrOfShorter(ReferenceNode):
    """Compares as many octets of two ROVRs as the shorter one has."""

    def is_owned(self, address, option):
        held = self.bindings.get(address)
        size = min(len(held.rovr), len(option.rovr)) if held else 0
        alike = held is not None and held.rovr[:size] == option.rovr[:size]
        return super().is_owned(address, option) and not alike


@wrong("6lr-earo-256-bits-refused", "RFC8505-4.1-01", "6lr")
class Refused256(ReferenceNode):
    """Takes ROVRs of 192 bits at most."""

    def valid_option(self, option):
        return len(option.rovr) < 32 and super().valid_option(option)


@wrong("6lr-earo-edar-rovr-cut", "RFC8505-4.2-01", "6lr")
class EdarCut(sends_duplicates(lambda n, m, s, d: (replace(m, rovr=m.rovr[:16], code=min(m.code, 2)), s, d))):
    """Sends the first 128 bits of a ROVR to the 6LBR."""


@wrong("6lr-earo-link-local-of-anybody", "RFC6775-6.5.1-01", "6lr")
class LinkLocalOfAnybody(ReferenceNode):
    """Gives a link-local address to whoever asks for it last: no 6LBR needs to be asked."""

    def is_owned(self, address, option):
        if is_link_local(address) and address not in self.own:
            return False
        return super().is_owned(address, option)


# -- TIDs -------------------------------------------------------------------------------------------------------


@wrong("6lr-earo-no-tid-is-tid-0", "RFC8505-4.1-05", "6lr")
class NoTidIsZero(ReferenceNode):
    """Takes the TID of a registration without one for 0: one with TID 240 is older than that."""

    def is_older(self, held, tid):
        return super().is_older(0 if held is None else held, tid)


@wrong("6lr-earo-answers-with-the-first-tid", "RFC8505-4.1-01", "6lr")
@starts_with(firsts={})
class AnswersFirstTid(ReferenceNode):
    """Answers with the TID of the first registration, however often it was renewed."""

    def reply(self, asked, status):
        first = self.firsts.setdefault(asked.address, asked.option.tid)
        super().reply(replace(asked, option=replace(asked.option, tid=first)), status)


@wrong("6lr-earo-answers-without-tid", "RFC8505-4.1-01", "6lr")
class AnswersWithoutTid(answers(lambda n, d, o: (d, replace(o, tid=0)))):
    """Answers with TID 0."""


@wrong("6lr-earo-edar-first-tid", "RFC8505-5.7-05", "6lr")
@starts_with(firsts={})
class EdarFirstTid(ReferenceNode):
    """Reports renewals to the 6LBR with the TID of the first registration."""

    def send_duplicate(self, message, source, destination):
        first = self.firsts.setdefault(message.address, message.tid)
        super().send_duplicate(replace(message, tid=first), source, destination)


@wrong("6lr-earo-removal-with-the-old-tid", "RFC8505-5.7-06", "6lr")
class RemovalOldTid(ReferenceNode):
    """Reports an address that was given back with the TID that it was registered with."""

    known = None

    def accept(self, asked):
        held = self.bindings.get(asked.address)
        self.known = held.tid if held is not None else None
        super().accept(asked)

    def send_duplicate(self, message, source, destination):
        if not message.lifetime and self.known is not None:
            message = replace(message, tid=self.known)
        super().send_duplicate(message, source, destination)


@wrong("6lr-earo-renewal-not-reported", "RFC8505-5.7-05", "6lr")
class RenewalUnreported(ReferenceNode):
    """Does not tell the 6LBR of renewals."""

    def send_request(self, address, option):
        if not option.lifetime or address not in self.bindings:
            super().send_request(address, option)


@wrong("6lr-earo-removal-not-reported", "RFC8505-5.7-06", "6lr")
class RemovalUnreported(ReferenceNode):
    """Does not tell the 6LBR that an address was given back."""

    def send_request(self, address, option):
        if option.lifetime:
            super().send_request(address, option)


@wrong("6lr-earo-tid-of-each-host", "RFC8505-5.3-01", "6lr")
@starts_with(last={})
class TidOfRovr(ReferenceNode):
    """Compares the TID of a renewal with the last one of the same ROVR, whatever address that was for."""

    def keep(self, address, option, link):
        super().keep(address, option, link)
        self.last[option.rovr] = self.tid_of(option)

    def refusal(self, asked):
        held = self.bindings.get(asked.address)
        if held is not None:
            held.tid = self.last.get(asked.option.rovr, held.tid)
        return super().refusal(asked)


@wrong("6lr-earo-older-by-one-taken", "RFC8505-5.2.1-03", "6lr")
class OlderByOne(ReferenceNode):
    """Takes a TID that is older by one for a repetition."""

    def is_older(self, held, tid):
        older = super().is_older(held, tid)
        return older and not (held is not None and tid is not None and (held - tid) % 128 == 1)


# -- statuses and capabilities ------------------------------------------------------------------------------------


class Passes(ReferenceNode):
    """A 6LR that makes something else of the status of an EDAC."""

    def passed(self, status):
        raise NotImplementedError

    def settle(self, address, status):
        super().settle(address, self.passed(status))


@wrong("6lr-earo-status-3-as-1", "RFC8505-4.1-09", "6lr")
class MovedAsDuplicate(Passes):
    """Says "duplicate" where the 6LBR says "moved"."""

    def passed(self, status):
        return 1 if status == 3 else status


@wrong("6lr-earo-status-10-is-success", "RFC8505-4.1-16", "6lr")
class TenIsSuccess(Passes):
    """Takes a status that it does not know for success."""

    def passed(self, status):
        return 0 if status > 9 else status


@wrong("6lr-earo-6cio-once", "RFC8505-6.1-02", "6lr")
@starts_with(told=set())
class CapabilitiesOnce(ReferenceNode):
    """Has a 6CIO in its first advertisement to a host only, although each solicitation has one."""

    def send_nd(self, source, destination, kind, body):
        if kind == nd.RA and destination in self.told and body[-8:-7] == bytes([nd.SIXCIO]):
            body = body[:-8]
        self.told.add(destination)
        super().send_nd(source, destination, kind, body)


# -- 6LBR -------------------------------------------------------------------------------------------------------


class Judges(ReferenceNode):
    """A 6LBR that judges some EDARs otherwise."""

    def judged(self, message, status):
        raise NotImplementedError

    def duplicate_status(self, message):
        return self.judged(message, super().duplicate_status(message))


@wrong("6lbr-older-is-duplicate", "RFC8505-4.1-09", "6lbr")
class OlderIsDuplicate(Judges):
    """Says "duplicate" to an older registration of the same ROVR."""

    def judged(self, message, status):
        return 1 if status == 3 else status


class Full(ReferenceNode):
    """A 6LBR that refuses more when its table is full."""

    def refuses(self, message):
        raise NotImplementedError

    def duplicate_status(self, message):
        if len(self.table) >= self.table_size and self.refuses(message):
            return 9
        return super().duplicate_status(message)


@wrong("6lbr-saturated-refuses-known", "RFC8505-5.7-01", "6lbr")
class RefusesKnown(Full):
    """Says that its registry is saturated to who renews an entry."""

    def refuses(self, message):
        return message.address in self.table and message.lifetime


@wrong("6lbr-saturated-refuses-removal", "RFC8505-5.7-01", "6lbr")
class RefusesRemoval(Full):
    """Says that its registry is saturated to who gives an entry back."""

    def refuses(self, message):
        return not message.lifetime


@wrong("6lbr-saturated-kept-all-the-same", "RFC8505-5.7-01", "6lbr")
class KeptAllTheSame(ReferenceNode):
    """Says that its registry is saturated, and takes the address all the same."""

    def duplicate_status(self, message):
        status = super().duplicate_status(message)
        if status == 9:
            self.table_size += 1
            super().duplicate_status(message)
            self.table_size -= 1
        return status


@wrong("6lbr-no-tid-is-tid-0", "RFC8505-4.2-03", "6lbr")
class BorderNoTid(NoTidIsZero):
    """Takes the TID of an entry without one for 0: an EDAR with TID 240 is older than that."""


@wrong("6lbr-rovr-of-192-bits", "RFC8505-4.2-01", "6lbr")
class BorderRovr192(ReferenceNode):
    """Compares the first 192 bits of ROVRs: the longest ones differ behind them."""

    def duplicate_status(self, message):
        return super().duplicate_status(replace(message, rovr=message.rovr[:24]))


@wrong("6lbr-edac-suffix-1", "RFC8505-4.2-01", "6lbr")
class EdacSuffix(sends_duplicates(lambda n, m, s, d: (replace(m, code=min(m.code, 1)), s, d))):
    """Answers every EDAR with a Code Suffix of 1."""


@wrong("6lbr-plain-dar-updates", "RFC8505-6.3-02", "6lbr")
class PlainUpdates(always(is_unordered=False)):
    """Lets a DAR of RFC 6775 update, and delete, what an EDAR has established."""
