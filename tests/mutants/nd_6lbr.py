"""Mutants of a 6LBR of RFC 6775: what it says of itself, the life cycle of contexts, and its table of addresses."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from rigs.nodes.reference.sixlbr import Shown
from sixlowpan import nd
from tests.mutants import always, mutant
from tests.mutants.nd_steps import checksum_unchecked, drops_longer, says_with_hop_limit, sends_duplicates


def wrong_6lbr(id, requirement, defect=None, *, advice=False):
    """Register a 6LBR of RFC 6775."""
    return mutant(id, requirement=requirement, defect=defect, rig="reference-nd-6lbr", advice=advice)


# -- 6LBR -------------------------------------------------------------------------------------------------------


class Tells(ReferenceNode):
    """A 6LBR whose options are other ones."""

    def options_told(self, options):
        raise NotImplementedError

    def own_options(self):
        return self.options_told(super().own_options())


@wrong_6lbr("6lbr-no-abro", "RFC6775-7-01")
class NoAbro(Tells):
    """Leaves the ABRO out."""

    def options_told(self, options):
        return options[1:]


@wrong_6lbr("6lbr-abro-once", "RFC6775-8.1.1-01")
class AbroOnce(Tells):
    """Puts an ABRO into its first advertisement only."""

    first = True

    def options_told(self, options):
        self.many = getattr(self, "many", 0) + 1
        return options if self.many < 2 else options[1:]


@wrong_6lbr("6lbr-abro-of-another", "RFC6775-7-01")
class AbroOfAnother(Tells):
    """Names another address than its own."""

    def options_told(self, options):
        other = options[0].address[:15] + bytes([options[0].address[15] ^ 1])
        return [replace(options[0], address=other), *options[1:]]


@wrong_6lbr("6lbr-site-local-prefix", "RFC6775-3.2-01")
class SiteLocal(Tells):
    """Advertises a site-local prefix."""

    def options_told(self, options):
        return [
            replace(o, prefix=bytes.fromhex("fec0") + o.prefix[2:])
            if isinstance(o, nd.PrefixInformation)
            else o
            for o in options
        ]


@wrong_6lbr("6lbr-version-stays", "RFC6775-8.1.1-01")
class VersionStays(always(next_version=1)):
    """Never raises the version."""


@wrong_6lbr("6lbr-version-by-two", "RFC6775-8.1.1-01")
class VersionByTwo(ReferenceNode):
    """Raises the version by two."""

    def next_version(self):
        return self.abro_version + 2


@wrong_6lbr("6lbr-version-with-each-ra", "RFC6775-4.3-04")
class VersionEachRa(always(changed=True)):
    """Raises the version with each advertisement."""


@wrong_6lbr("6lbr-version-forgotten", "RFC6775-7-02")
class VersionForgotten(ReferenceNode):
    """Begins with version 1 whenever it starts."""

    def boot(self):
        super().boot()
        self.abro_version, self.announced = 0, None


@wrong_6lbr("6lbr-new-context-with-c", "RFC6775-7.2-02")
class NewWithC(ReferenceNode):
    """Advertises a new context with C=1 at once."""

    def configure_context(self, cid, context):
        new = cid not in self.spread
        super().configure_context(cid, context)
        if new and context is not None:
            self.spread[cid] = Shown(context, True, float("inf"))


@wrong_6lbr("6lbr-context-never-with-c", "RFC6775-7.2-02")
class NeverWithC(ReferenceNode):
    """Never allows a context to be used."""

    def context_due(self, cid):
        super().context_due(cid)
        if cid in self.spread:
            self.spread[cid].compress = False


@wrong_6lbr("6lbr-context-changed-at-once", "RFC6775-7.2-03")
class ChangedAtOnce(ReferenceNode):
    """Advertises the new value of a context at once."""

    def configure_context(self, cid, context):
        if context is not None and cid in self.spread:
            self.spread[cid] = Shown(context, True, float("inf"))
            return
        super().configure_context(cid, context)


@wrong_6lbr("6lbr-context-removed-at-once", "RFC6775-7.2-03")
class RemovedAtOnce(ReferenceNode):
    """Drops a context at once."""

    def configure_context(self, cid, context):
        if context is None:
            self.spread.pop(cid, None)
            return
        super().configure_context(cid, context)


class SpreadsOld(ReferenceNode):
    """A 6LBR that spreads the old value of a context otherwise when it is to have another one."""

    def spread_old(self, shown):
        raise NotImplementedError

    def configure_context(self, cid, context):
        old = cid in self.spread
        super().configure_context(cid, context)
        if old and cid in self.spread:
            self.spread_old(self.spread[cid])


@wrong_6lbr("6lbr-changed-context-after-a-minute", "RFC6775-7.2-03")
class AfterAMinute(SpreadsOld):
    """Spreads an old context with C=0 for a minute only."""

    def spread_old(self, shown):
        shown.until = self.now + 60


@wrong_6lbr("6lbr-changed-context-keeps-c", "RFC6775-7.2-03")
class KeepsC(SpreadsOld):
    """Goes on to spread an old context with C=1."""

    def spread_old(self, shown):
        shown.compress = True


# -- 6LBR: the table of addresses -------------------------------------------------------------------------------


@wrong_6lbr("6lbr-all-confirmed", "RFC6775-8.2.4-01")
class AllConfirmed(always(duplicate_status=0)):
    """Confirms every address."""


@wrong_6lbr("6lbr-second-is-duplicate", "RFC6775-8.2.4-01")
class SecondDuplicate(ReferenceNode):
    """Takes every known address for a duplicate."""

    def duplicate_status(self, message):
        known = message.address in self.table
        return 1 if known and message.lifetime else super().duplicate_status(message)


@wrong_6lbr("6lbr-duplicate-replaces", "RFC6775-8.2.4-01")
class DuplicateReplaces(ReferenceNode):
    """Refuses a duplicate, and gives it the entry."""

    def duplicate_status(self, message):
        status = super().duplicate_status(message)
        if status == 1:
            self.table[message.address].rovr = message.rovr
        return status


@wrong_6lbr("6lbr-lifetime-0-kept", "RFC6775-8.2.4-01")
class ZeroKept(ReferenceNode):
    """Keeps an entry whose lifetime is told to be 0."""

    def duplicate_status(self, message):
        entry = self.table.get(message.address)
        status = super().duplicate_status(message)
        if entry is not None and not message.lifetime:
            self.table[message.address] = entry
        return status


@wrong_6lbr("6lbr-lifetime-0-of-anybody", "RFC6775-8.2.4-01")
class ZeroOfAnybody(ReferenceNode):
    """Deletes an entry for anybody."""

    def duplicate_status(self, message):
        if not message.lifetime:
            self.table.pop(message.address, None)
        return super().duplicate_status(message)


@wrong_6lbr("6lbr-table-in-seconds", "RFC6775-4.1-07")
class TableSeconds(ReferenceNode):
    """Keeps an address for seconds in place of minutes."""

    def duplicate_status(self, message):
        status = super().duplicate_status(message)
        if message.address in self.table:
            self.table[message.address].ends = self.now + message.lifetime
        return status


@wrong_6lbr("6lbr-table-never-ends", "RFC6775-4.1-07")
class TableForEver(ReferenceNode):
    """Keeps an address for ever."""

    def duplicate_status(self, message):
        status = super().duplicate_status(message)
        if message.address in self.table:
            self.table[message.address].ends = 1e12
        return status


@wrong_6lbr("6lbr-dac-to-the-address", "RFC6775-8.2.4-01")
class DacToAddress(ReferenceNode):
    """Sends the DAC to the registered address."""

    def send_duplicate(self, message, source, destination):
        self.hint = (message.address, bytes(8))
        super().send_duplicate(message, source, message.address)


@wrong_6lbr("6lbr-dac-from-link-local", "RFC6775-4.4-02")
class DacFromLinkLocal(sends_duplicates(lambda n, m, s, d: (m, n.own[0], d))):
    """Sends the DAC from its link-local address."""


@wrong_6lbr("6lbr-dac-hop-limit-255", "RFC6775-4.4-02")
class DacHopLimit(says_with_hop_limit(255, nd.DAC)):
    """Sends DACs with a hop limit of 255."""


@wrong_6lbr("6lbr-dac-lifetime", "RFC6775-4.4-01")
class DacLifetime(sends_duplicates(lambda n, m, s, d: (replace(m, lifetime=m.lifetime + 1), s, d))):
    """Puts a lifetime of its own into DACs."""


@wrong_6lbr("6lbr-dac-eui64", "RFC6775-4.4-01")
class DacEui64(sends_duplicates(lambda n, m, s, d: (replace(m, rovr=n.link.dut), s, d))):
    """Puts its own EUI-64 into DACs."""


@wrong_6lbr("6lbr-dar-hop-limit-checked", "RFC6775-4.4-02")
class DarHopLimitChecked(ReferenceNode):
    """Takes a DAR with a hop limit of 255 only, as if it were an NS."""

    def valid_duplicate(self, view, message):
        return view.hop_limit == 255 and super().valid_duplicate(view, message)


@wrong_6lbr("6lbr-dar-255-dropped", "RFC6775-4.4-02")
class Dar255Dropped(ReferenceNode):
    """Drops a DAR whose hop limit is above 64."""

    def valid_duplicate(self, view, message):
        return view.hop_limit <= 64 and super().valid_duplicate(view, message)


@wrong_6lbr("6lbr-dar-unchecked", "RFC6775-8.2.1-01")
class DarUnchecked(always(valid_duplicate=True)):
    """Checks nothing of a DAR."""


@wrong_6lbr("6lbr-dar-group-registered", "RFC6775-8.2.1-01")
class GroupRegistered(ReferenceNode):
    """Registers a group."""

    def valid_duplicate(self, view, message):
        return super().valid_duplicate(view, replace(message, address=self.own[0]))


@wrong_6lbr("6lbr-dar-checksum-unchecked", "RFC6775-8.2.1-01")
class DarChecksum(checksum_unchecked(nd.DAR)):
    """Does not look at the checksum of a DAR."""


@wrong_6lbr("6lbr-dar-short-padded", "RFC6775-8.2.1-01")
class ShortPadded(ReferenceNode):
    """Reads a DAR that is an octet short, with what stands behind it in its buffer."""

    def icmp(self, view, message):
        if message[0] == nd.DAR and len(message) == 31:
            message += b"\0"
        super().icmp(view, message)


@wrong_6lbr("6lbr-dar-zero-option-hangs", "RFC6775-8.2.1-01")
class ZeroOptionHangs(ReferenceNode):
    """Never comes to the end of an option of length 0."""

    def icmp(self, view, message):
        if message[0] == nd.DAR and len(message) > 33 and not message[33]:
            raise RecursionError("the loop over options does not end")
        super().icmp(view, message)


@wrong_6lbr("6lbr-dar-reserved-dropped", "RFC6775-4.4-01")
class ReservedDropped(ReferenceNode):
    """Drops a DAR whose Reserved is not zero."""

    def valid_duplicate(self, view, message):
        return not message.tid and super().valid_duplicate(view, message)


@wrong_6lbr("6lbr-dar-options-dropped", "RFC6775-4.4-01")
class OptionsDropped(drops_longer(nd.DAR, 32)):
    """Drops a DAR with an option that it does not know."""


@wrong_6lbr("6lbr-dar-code-7-crash", "RFC6775-8.2.1-01")
class Code7Crash(ReferenceNode):
    """Crashes on a code that is not assigned."""

    def icmp(self, view, message):
        if message[0] == nd.DAR and message[1] & 15 > 4:
            raise IndexError("no such size of a ROVR")
        super().icmp(view, message)
