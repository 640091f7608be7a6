"""Conforming nodes of RFC 6775 and RFC 8505 that differ from the reference: routers and border routers."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.registration import reverse
from rigs.nodes.reference.sixlbr import Shown
from sixlowpan import nd
from sixlowpan.addresses import ALL_NODES
from tests.variants import ReferenceNode, variant
from tests.variants.timers import Periodic

SIX_LR = ("reference-nd-6lr",)
SIX_LRS = ("reference-nd-6lr", "reference-nd-6lr-8505")
ROUTERS = (*SIX_LRS, "reference-nd-6lbr", "reference-nd-6lbr-8505", "reference-6lbr")
BORDER = ("reference-nd-6lbr",)


@variant("6lr-advertises-unasked", rigs=("reference-nd-6lr", "reference-nd-6lbr"))
class AdvertisesUnasked(Periodic):
    """Advertises to all nodes every 20 s: RFC 6775 §6.4, where RAs are how information spreads."""

    period = 20.0

    def each_period(self):
        if self.is_router:
            self.advertise(ALL_NODES)


@variant("6lr-target-option", rigs=ROUTERS)
class TargetOption(ReferenceNode):
    """Has a TLLAO in its answers: §6.5.3, "not required"."""

    def send_nd(self, source, destination, kind, body):
        super().send_nd(source, destination, kind, body + self.link_option(2) if kind == nd.NA else body)


def room_for(count):
    """A router with room for so many registrations, and a 6LBR with room for so many addresses."""
    return type("Room", (ReferenceNode,), {"capacity": count, "table_size": count})


@variant("6lr-little-room", rigs=ROUTERS)
class LittleRoom(room_for(5)):
    """Has room for five registrations."""


@variant("6lr-much-room", rigs=ROUTERS)
class MuchRoom(room_for(100_000)):
    """Is never full, as far as a suite can see."""


@variant("6lr-trusts-eui64s", rigs=SIX_LRS)
class TrustsEui64s(ReferenceNode):
    """Asks no 6LBR about an address of an EUI-64: §8.2, "not needed when the Interface ID" is of one."""

    def accept(self, asked):
        self.eui64_of_host = asked.option.rovr[:8]
        super().accept(asked)

    eui64_of_host: bytes = b""

    def is_checked(self, address):
        return super().is_checked(address) and reverse(address) != self.eui64_of_host


@variant("6lr-probes-hosts", rigs=SIX_LR)
class Probes(ReferenceNode):
    """Solicits a host by unicast behind what it forwards, to see whether it is there (RFC 4861 §7.3)."""

    def pass_on(self, packet, peer):
        super().pass_on(packet, peer)
        if packet[24:40] in self.bindings:
            self.send_nd(self.own[0], packet[24:40], nd.NS, bytes(4) + packet[24:40] + self.link_option(1))


@variant("6lr-low-preference", rigs=SIX_LR)
class LowPreference(ReferenceNode):
    """Has a low preference: RFC 6775 §6, that of a 6LR which knows no border router."""

    def preference_bits(self):
        return 0b11 << 3


@variant("6lbr-no-preference", rigs=BORDER)
class NoPreference(ReferenceNode):
    """Does not implement router preferences: §6, MAY."""

    def preference_bits(self):
        return 0


@variant("6lr-mtu-option", rigs=SIX_LR)
class MtuOption(ReferenceNode):
    """Has an MTU option in its advertisements (RFC 4861 §4.6.4)."""

    def send_advertisement(self, destination, options):
        super().send_advertisement(
            destination, [*options, nd.UnknownOption(5, bytes(2) + (1280).to_bytes(4))]
        )


@variant("6lr-unknown-removal-unanswered", rigs=SIX_LR)
class UnknownRemoval(ReferenceNode):
    """Says nothing to a lifetime of 0 for an address that it has not."""

    def accept(self, asked):
        if asked.option.lifetime or asked.address in self.bindings:
            super().accept(asked)


@variant("6lr-reports-later", rigs=SIX_LR)
class ReportsLater(ReferenceNode):
    """Tells the 6LBR of a renewal when the lifetime there is about to run out: §8.2."""

    def send_request(self, address, option):
        if address in self.waiting or not option.lifetime:
            super().send_request(address, option)


@variant("6lr-decrements-abro", rigs=SIX_LR)
class DecrementsAbro(ReferenceNode):
    """Counts down the ABRO's lifetime as well, by whole minutes begun."""

    def border_options(self, address, border):
        found = super().border_options(address, border)
        option = found[0]
        left = max(1, option.valid_lifetime - int((self.now - border.since) // 60))
        return [nd.AuthoritativeBorderRouter(address, option.version, left), *found[1:]]


@variant("6lbr-two-contexts", rigs=BORDER, parameters={"contexts": 2})
class TwoContexts(ReferenceNode):
    """Holds two contexts, and takes no other one: RFC 6775 has up to 16, RFC 6282 none that must be."""

    def set_context(self, identifier, prefix, length, *, compress=True):
        if identifier < 2:
            super().set_context(identifier, prefix, length, compress=compress)


@variant("6lbr-versions-from-1000", rigs=BORDER)
class From1000(ReferenceNode):
    """Begins with version 1000."""

    abro_version = 1000


@variant("6lbr-higher-version-when-it-starts", rigs=BORDER)
class HigherAtStart(ReferenceNode):
    """Raises its version whenever it starts, changed or not."""

    def boot(self):
        super().boot()
        self.abro_version += 5


@variant("6lbr-context-after-an-hour", rigs=BORDER, strict=False)
class AfterAnHour(ReferenceNode):
    """Waits an hour before a context may be used: §7.2, "when it is reasonable to assume"."""

    def configure_context(self, cid, context):
        super().configure_context(cid, context)
        if cid in self.spread and cid not in self.seen:
            self.spread[cid].until = self.now + 900
        self.seen.add(cid)

    def boot(self):
        self.seen: set[int] = set()
        super().boot()


@variant("6lbr-changed-context-after-an-hour", rigs=BORDER)
class ChangedLater(ReferenceNode):
    """Spreads an old context with C=0 for an hour: "at least MIN_CONTEXT_CHANGE_DELAY"."""

    def configure_context(self, cid, context):
        old = cid in self.spread
        super().configure_context(cid, context)
        if old:
            shown = self.spread[cid]
            self.spread[cid] = Shown(shown.context, False, self.now + 3600, shown.after)


@variant("6lbr-code-ignored", rigs=BORDER)
class CodeIgnored(ReferenceNode):
    """Ignores the Code of a DAR: §4.4, "MUST be ignored on receipt"."""

    def icmp(self, view, message):
        if message[0] == nd.DAR:
            message = message[:1] + b"\0" + message[2:]
        super().icmp(view, message)


@variant("earo-incomparable-is-older", rigs=("reference-nd-6lr-8505", "reference-nd-6lbr-8505"))
class IncomparableOlder(ReferenceNode):
    """Keeps its state where two TIDs cannot be compared: RFC 8505 §5.2.1, "minimize the resulting changes"."""

    def is_older(self, held, tid):
        return held is not None and tid is not None and held != tid and not nd.tid.newer(held, tid)


@variant("earo-edar-to-an-old-border", rigs=("reference-nd-6lr-8505",))
class EdarToOld(ReferenceNode):
    """Sends an EDAR with 64 bits of ROVR to a 6LBR of RFC 6775: RFC 8505 §6.4 allows it."""

    def send_request(self, address, option):
        for border in self.borders.values():
            border.extended = True
        super().send_request(address, option)


@variant("6lr-one-border", rigs=SIX_LRS, strict=False)
class OneBorder(ReferenceNode):
    """Has room for one 6LBR, the latest: RFC 6775 §8.1.4 says what is kept of each, and not of how many at a time."""

    def takes_advertisement(self, message):
        taken = super().takes_advertisement(message)
        if taken and len(self.borders) > 1:
            for gone in list(self.borders)[:-1]:
                self.border_ended(gone)
        return taken


@variant("6lr-earo-moved-with-its-own-tid", rigs=("reference-nd-6lr-8505", "reference-nd-6lbr-8505"))
class MovedWithItsOwnTid(ReferenceNode):
    """Says Moved with the TID that it has: RFC 8505 §4.1, "indicated by the same ROVR and a more recent TID"."""

    def reply(self, asked, status):
        if status == 3 and (kept := self.bindings.get(asked.address)) is not None:
            asked = replace(asked, option=replace(asked.option, tid=kept.tid))
        super().reply(asked, status)


@variant("6lr-sets-flow-labels", rigs=ROUTERS, strict=False)
class SetsFlowLabels(ReferenceNode):
    """Sets a flow label that is zero in what it forwards: RFC 6437 §3, a node "MAY change the flow label value"."""

    def pass_on(self, packet, peer):
        if not int.from_bytes(packet[:4]) & 0xFFFFF:
            packet = (int.from_bytes(packet[:4]) | 0x5AC3F).to_bytes(4) + packet[4:]
        super().pass_on(packet, peer)
