"""Mutants of RFC 8505: extended registrations in a 6LR, and in a 6LBR."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from tests.mutants import always
from tests.mutants.nd_extended import wrong
from tests.mutants.nd_steps import RegistersWithoutSllao, answers, sends_duplicates, without_flag
from tests.mutants.nd_table import ZeroKept

# -- 6LR --------------------------------------------------------------------------------------------------------


@wrong("6lr-earo-long-refused", "RFC8505-4.1-01", "6lr")
class LongRefused(ReferenceNode):
    """Ignores a ROVR of more than 64 bits."""

    def valid_option(self, option):
        return len(option.rovr) == 8 and super().valid_option(option)


@wrong("6lr-earo-long-cut", "RFC8505-4.1-01", "6lr")
class LongCut(answers(lambda n, d, o: (d, replace(o, rovr=o.rovr[:8])))):
    """Answers with the first 64 bits of a ROVR."""


@wrong("6lr-earo-source-registered", "RFC8505-5.1-01", "6lr")
class SourceRegistered(ReferenceNode):
    """Registers the source, as RFC 6775 has it."""

    def registered_address(self, view, message, option):
        return view.src


@wrong("6lr-earo-rovr-is-the-key", "RFC8505-5.3-01", "6lr")
class RovrIsKey(ReferenceNode):
    """Keeps one address for a ROVR, and a link-local one."""

    def keep(self, address, option, link):
        for other in [a for a, held in self.bindings.items() if held.rovr == option.rovr]:
            if other != address and is_link_local(other) == is_link_local(address):
                del self.bindings[other]
        super().keep(address, option, link)


@wrong("6lr-earo-reserved-refused", "RFC8505-4.1-03", "6lr")
class ReservedRefused(ReferenceNode):
    """Ignores an EARO with reserved bits."""

    def icmp(self, view, message):
        if message[0] == nd.NS and message[40:41] == bytes([nd.ARO]) and message[44] & 0xF0:
            return
        super().icmp(view, message)


@wrong("6lr-earo-without-sllao", "RFC8505-5.5-01", "6lr")
class WithoutSllao(RegistersWithoutSllao):
    """Registers without a Source Link-Layer Address option."""


@wrong("6lr-earo-link-local-reported", "RFC8505-5.6-05", "6lr")
class LinkLocalReported(ReferenceNode):
    """Has the 6LBR confirm link-local addresses, too."""

    def is_checked(self, address):
        return bool(self.borders)


@wrong("6lr-earo-tid-without-t", "RFC8505-4.1-05", "6lr")
class TidWithoutT(ReferenceNode):
    """Compares TIDs whether T is set or not."""

    def tid_of(self, option):
        return option.tid


class Older(ReferenceNode):
    """A router with an order of TIDs of its own."""

    def order(self, held, tid):
        raise NotImplementedError

    def is_older(self, held, tid):
        return held is not None and tid is not None and self.order(held, tid)


@wrong("6lr-earo-tid-is-a-number", "RFC8505-5.2.1-03", "6lr")
class TidNumber(Older):
    """Takes the larger TID for the newer one."""

    def order(self, held, tid):
        return tid < held


@wrong("6lr-earo-tid-of-rfc-1982", "RFC8505-5.2.1-03", "6lr")
class TidSerial(Older):
    """Compares TIDs modulo 256."""

    def order(self, held, tid):
        return (tid - held) % 256 >= 128


@wrong("6lr-earo-tid-without-window", "RFC8505-5.2.1-03", "6lr")
class TidNoWindow(Older):
    """Takes every TID of the circular part for newer than one of the linear part."""

    def order(self, held, tid):
        return False if held >= 128 > tid else nd.tid.newer(held, tid) is False and held != tid


@wrong("6lr-earo-older-taken", "RFC8505-4.1-09", "6lr")
class OlderTaken(always(is_older=False)):
    """Takes an older registration."""


@wrong("6lr-earo-same-tid-moved", "RFC8505-4.1-09", "6lr")
class SameMoved(Older):
    """Refuses a registration whose TID is the one that it knows."""

    def order(self, held, tid):
        return held == tid or nd.tid.newer(held, tid) is False


@wrong("6lr-earo-older-moves", "RFC8505-5.2.1-03", "6lr")
class OlderMoves(ReferenceNode):
    """Refuses an older registration, and sends to where it came from."""

    def reply(self, asked, status):
        super().reply(asked, status)
        if status == 3:
            self.bindings[asked.address].link = asked.link


@wrong("6lr-earo-source-not-checked", "RFC8505-4.1-12", "6lr")
class SourceNotChecked(always(is_elsewhere=False)):
    """Takes a registration from a source that is somebody else's."""


@wrong("6lr-earo-source-status-1", "RFC8505-4.1-17", "6lr")
class SourceStatus1(answers(lambda n, d, o: (d, replace(o, status=1 if o.status == 6 else o.status)))):
    """Says "duplicate" of a source."""


@wrong("6lr-earo-global-source-taken", "RFC8505-4.1-13", "6lr")
class GlobalSourceTaken(ReferenceNode):
    """Takes a registration from a global source."""

    def refusal(self, asked):
        status = super().refusal(asked)
        return None if status == 7 else status


@wrong("6lr-earo-foreign-prefix-taken", "RFC8505-4.1-14", "6lr")
class ForeignTaken(always(fits=True)):
    """Registers an address of any prefix."""


@wrong("6lr-earo-no-6cio", "RFC8505-6.1-02", "6lr")
class RaNo6cio(ReferenceNode):
    """Advertises without a 6CIO."""

    def capabilities(self):
        return b"" if self.is_router else super().capabilities()


@wrong("6lr-earo-e-clear", "RFC8505-4.3-02", "6lr")
class EClear(without_flag(nd.FLAG_E)):
    """Leaves E clear."""


@wrong("6lr-earo-flags-shifted", "RFC8505-4.3-01", "6lr")
class FlagsShifted(ReferenceNode):
    """Counts the flags of its 6CIO from the first bit of the option."""

    def flags(self):
        return frozenset({flag - 8 for flag in super().flags()} | {nd.FLAG_E})


@wrong("6lr-earo-answered-by-aro", "RFC8505-6-02", "6lr")
class AnsweredByAro(answers(lambda n, d, o: (d, replace(o, t=False, r=False, tid=0)))):
    """Answers an EARO by an ARO."""


@wrong("6lr-earo-old-host-refused", "RFC8505-6.2-01", "6lr")
class OldRefused(ReferenceNode):
    """Ignores a registration without T."""

    def valid_option(self, option):
        return option.t and super().valid_option(option)


@wrong("6lr-earo-old-host-by-target", "RFC8505-6.2-01", "6lr")
class OldByTarget(ReferenceNode):
    """Takes the target for the registered address, whether T is set or not."""

    def registered_address(self, view, message, option):
        return message.target


@wrong("6lr-earo-edar-for-an-old-host", "RFC8505-6.2-01", "6lr")
class EdarForOld(
    sends_duplicates(lambda n, m, s, d: (replace(m, code=1, tid=m.tid if m.code else 240), s, d))
):
    """Sends an EDAR for a registration without T."""


@wrong("6lr-earo-dar-for-all", "RFC8505-4.2-01", "6lr")
class DarForAll(sends_duplicates(lambda n, m, s, d: (replace(m, code=0, tid=0), s, d))):
    """Sends plain DARs only."""


@wrong("6lr-earo-edar-tid-lost", "RFC8505-4.2-01", "6lr")
class EdarTidLost(sends_duplicates(lambda n, m, s, d: (replace(m, tid=0), s, d))):
    """Leaves the TID out of an EDAR."""


@wrong("6lr-earo-older-removes", "RFC8505-5.7-04", "6lr")
class OlderRemoves(ReferenceNode):
    """Removes a registration whatever the TID says."""

    def refusal(self, asked):
        status = super().refusal(asked)
        return None if status == 3 and not asked.option.lifetime else status


@wrong("6lr-earo-lifetime-0-kept", "RFC8505-4.1-06", "6lr")
class LifetimeZeroKept(ZeroKept):
    """Answers a lifetime of 0, and keeps the registration."""


@wrong("6lr-earo-status-9-as-2", "RFC8505-4.1-15", "6lr")
class Status9As2(answers(lambda n, d, o: (d, replace(o, status=2 if o.status == 9 else o.status)))):
    """Says "Neighbor Cache Full" when the 6LBR is."""


# -- 6LBR -------------------------------------------------------------------------------------------------------


@wrong("6lbr-edac-without-code", "RFC8505-4.2-01", "6lbr")
class EdacWithoutCode(sends_duplicates(lambda n, m, s, d: (replace(m, code=0, rovr=m.rovr[:8]), s, d))):
    """Answers an EDAR by a DAC of RFC 6775."""


@wrong("6lbr-edac-without-tid", "RFC8505-4.2-01", "6lbr")
class EdacWithoutTid(sends_duplicates(lambda n, m, s, d: (replace(m, tid=0), s, d))):
    """Answers an EDAR with a TID of 0."""


@wrong("6lbr-edac-prefix-copied", "RFC8505-4.2-02", "6lbr")
class PrefixCopied(ReferenceNode):
    """Copies the Code Prefix into its answer."""

    code: int = 0

    def requested_duplicate(self, view, message):
        self.code = message.code
        super().requested_duplicate(view, message)

    def send_duplicate(self, message, source, destination):
        super().send_duplicate(replace(message, code=self.code), source, destination)


@wrong("6lbr-edar-prefix-dropped", "RFC8505-4.2-02", "6lbr")
class PrefixDropped(ReferenceNode):
    """Drops an EDAR with a Code Prefix."""

    def valid_duplicate(self, view, message):
        return not message.code >> 4 and super().valid_duplicate(view, message)


@wrong("6lbr-edar-long-dropped", "RFC8505-4.2-01", "6lbr")
class LongDropped(ReferenceNode):
    """Drops an EDAR whose ROVR has more than 64 bits."""

    def valid_duplicate(self, view, message):
        return len(message.rovr) == 8 and super().valid_duplicate(view, message)


@wrong("6lbr-tid-of-a-plain-dar", "RFC8505-4.2-03", "6lbr")
class TidOfPlain(ReferenceNode):
    """Compares the Reserved octet of a plain DAR as a TID."""

    def duplicate_status(self, message):
        status = super().duplicate_status(replace(message, code=message.code or 1))
        if message.address in self.table:
            self.table[message.address].tid = message.tid
        return status


@wrong("6lbr-tid-ignored", "RFC8505-4.1-09", "6lbr")
class TidIgnored(always(is_older=False)):
    """Compares no TIDs."""


@wrong("6lbr-tid-is-a-number", "RFC8505-5.2.1-03", "6lbr")
class TidNumber6Lbr(TidNumber):
    """Takes the larger TID for the newer one."""


@wrong("6lbr-older-removes", "RFC8505-5.7-04", "6lbr")
class OlderRemoves6Lbr(ReferenceNode):
    """Removes an entry whatever the TID says."""

    def duplicate_status(self, message):
        tid = message.tid if message.lifetime else 255
        entry = self.table.get(message.address)
        if entry is not None and not message.lifetime and entry.rovr == message.rovr:
            del self.table[message.address]
            return 0
        return super().duplicate_status(replace(message, tid=tid))


@wrong("6lbr-saturated-says-2", "RFC8505-4.1-15", "6lbr")
class SaturatedSays2(
    sends_duplicates(lambda n, m, s, d: (replace(m, status=2 if m.status == 9 else m.status), s, d))
):
    """Says "Neighbor Cache Full" when its table is."""


@wrong("6lbr-saturated-forgets", "RFC8505-5.7-01", "6lbr")
class SaturatedForgets(ReferenceNode):
    """Gives up its first entry when its table is full."""

    def duplicate_status(self, message):
        status = super().duplicate_status(message)
        if status == 9:
            del self.table[next(iter(self.table))]
        return status
