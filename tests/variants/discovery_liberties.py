"""Conforming nodes of RFC 6775 and RFC 8505 in what neither text settles: order, rounding, counting, how many."""

from __future__ import annotations

from rigs.nodes.reference.registration import DUPLICATE, FULL
from rigs.nodes.reference.sixlbr import Entry
from rigs.nodes.reference.sixlr import Waiting
from sixlowpan import nd
from sixlowpan.addresses import ALL_NODES, is_link_local
from tests.variants import ReferenceNode, variant

HOSTS = ("reference-nd-6ln", "reference-nd-6ln-8505")
SIX_LRS = ("reference-nd-6lr", "reference-nd-6lr-8505")
ROUTERS = (*SIX_LRS, "reference-nd-6lbr", "reference-nd-6lbr-8505", "reference-6lbr")


# -- 6LN --------------------------------------------------------------------------------------------------------


def options_of(body: bytes) -> list[bytes]:
    found = []
    while body:
        found.append(body[: 8 * body[1]])
        body = body[8 * body[1] :]
    return found


def reverses_options(kind, at):
    """A node that has the options of its messages of this kind in the other order; they begin at this octet."""

    class Reversing(ReferenceNode):
        def send_nd(self, source, destination, sent, body):
            if sent == kind:
                body = body[:at] + b"".join(reversed(options_of(body[at:])))
            super().send_nd(source, destination, sent, body)

    return Reversing


@variant("nd-aro-before-sllao", rigs=HOSTS)
class AroFirst(reverses_options(nd.NS, 20)):
    """Has the ARO in front of the SLLAO: no text gives options an order (RFC 4861 §9, "in any order")."""


@variant("nd-nonce", rigs=HOSTS)
class Nonce(ReferenceNode):
    """Has a Nonce option (RFC 3971 §5.3.2) in each solicitation: unknown options are ignored."""

    def send_nd(self, source, destination, kind, body):
        nonce = nd.UnknownOption(14, b"\x01\x02\x03\x04\x05\x06").build()
        super().send_nd(source, destination, kind, body + nonce if kind in {nd.NS, nd.RS} else body)


@variant("nd-waits-for-its-address", rigs=HOSTS)
class Waits(ReferenceNode):
    """Answers at a new address only when a router confirmed it: RFC 4862 §5.4, it is tentative until then."""

    def for_us(self, destination):
        return super().for_us(destination) and destination not in self.tentative()

    def source_for(self, destination):
        mine, tentative = self.own, self.tentative()
        self.own = [address for address in mine if address not in tentative]
        try:
            return super().source_for(destination)
        finally:
            self.own = mine

    def tentative(self):
        kept = {address for _, address in self.confirmed}
        return {a for a in self.made if a not in kept and not self.answers_a_registration(a)}

    def answers_a_registration(self, address):
        return bool(self.pending.get(address)) and self.hearing_na

    hearing_na: bool = False

    def input(self, packet):
        self.hearing_na = packet[6] == 58 and packet[40:41] == bytes((nd.NA,))
        super().input(packet)
        self.hearing_na = False


@variant("earo-one-tid-for-all", rigs=("reference-nd-6ln-8505",))
class OneTid(ReferenceNode):
    """Counts one TID for all its addresses: RFC 8505 §4.1, "maintained by the node and incremented with each
    transaction".
    """

    last_tid: int | None = None

    def boot(self):
        self.last_tid = None
        super().boot()

    def next_tid(self, before):
        return -1  # it is counted when the registration is sent

    def send_registration(self, address, router, lifetime):
        if self.tids.get(address, -1) < 0:
            self.last_tid = super().next_tid(self.last_tid)
            self.tids[address] = self.last_tid
        super().send_registration(address, router, lifetime)


# -- routers ----------------------------------------------------------------------------------------------------


@variant("6lr-options-reversed", rigs=ROUTERS)
class Reversed(reverses_options(nd.RA, 12)):
    """Advertises its options in the other order, the SLLAO last."""


@variant("6lr-router-lifetime-65535", rigs=ROUTERS)
class Longest(ReferenceNode):
    """Advertises the longest Router Lifetime: RFC 6775 §6.3, "up to 0xFFFF"."""

    def send_nd(self, source, destination, kind, body):
        super().send_nd(
            source, destination, kind, body[:2] + b"\xff\xff" + body[4:] if kind == nd.RA else body
        )


@variant("6lr-minutes-begun", rigs=SIX_LRS)
class MinutesBegun(ReferenceNode):
    """Counts a minute of a context's lifetime when it has begun: §8.1.4 says nothing of rounding."""

    def aged(self, option, seconds):
        if isinstance(option, nd.ContextOption) and seconds > 1:
            seconds += 59
        return super().aged(option, seconds)


@variant("6lr-triggered-updates", rigs=SIX_LRS)
class Triggered(ReferenceNode):
    """Tells all nodes of a new version: §8.1.5, "send out a few triggered updates"."""

    def advertised_router(self, message):
        before = getattr(self, "versions", None)
        super().advertised_router(message)
        self.versions = {address: border.version for address, border in self.borders.items()}
        if self.is_router and before is not None and self.versions != before:
            self.advertise(ALL_NODES)


@variant("6lr-asks-all-borders", rigs=SIX_LRS)
class AsksAll(ReferenceNode):
    """Sends a DAR to every 6LBR that it knows: §8.2.3, "to at least one 6LBR"."""

    def send_request(self, address, option):
        known = self.borders
        for there, border in list(known.items()):
            self.borders = {there: border}
            super().send_request(address, option)
        self.borders = known


@variant("6lr-asks-the-last-border", rigs=SIX_LRS)
class AsksLast(ReferenceNode):
    """Sends its DARs to the 6LBR that it heard of last."""

    def send_request(self, address, option):
        known = self.borders
        self.borders = dict(list(known.items())[-1:])
        super().send_request(address, option)
        self.borders = known


@variant("6lr-patient-requests", rigs=SIX_LRS)
class PatientRequests(ReferenceNode):
    """Sends a DAR again after 3 s: RETRANS_TIMER may have been set so (RFC 4861 §6.3.2)."""

    def request(self, address):
        super().request(address)
        self.waiting[address].due = self.now + 3.0


@variant("6lr-asks-before-it-renews", rigs=SIX_LRS)
class AsksBeforeItRenews(PatientRequests):
    """Answers a renewal once the 6LBR has, patiently: §8.2 has this "can be done asynchronously with the response"."""

    def accept(self, asked):
        if not (self.is_checked(asked.address) and asked.address in self.bindings and asked.option.lifetime):
            super().accept(asked)
            return
        self.waiting[asked.address] = Waiting(asked, self.now)
        self.request(asked.address)


@variant("6lr-ten-for-one-host", rigs=SIX_LRS)
class TenForOne(ReferenceNode):
    """Keeps ten addresses of one node at the most: RFC 8505 §7, a router may limit them."""

    capacity = 100

    def refusal(self, asked):
        held = [a for a, b in self.bindings.items() if b.rovr == asked.option.rovr]
        status = super().refusal(asked)
        full = len(held) >= 10 and asked.address not in held and asked.option.lifetime
        return FULL if status is None and full else status


@variant("6lr-tells-of-its-border", rigs=("reference-nd-6lr-8505",))
class TellsOfBorder(ReferenceNode):
    """Sets D when its 6LBR does: RFC 8505 §4.3, "it also sets the D flag as well as the L flag"."""

    def flags(self):
        extended = any(border.extended for border in self.borders.values())
        return super().flags() | ({nd.FLAG_D} if extended else set())


@variant("6lr-checks-duplicates-first", rigs=("reference-nd-6lr-8505",))
class DuplicatesFirst(ReferenceNode):
    """Looks whether an address is somebody else's before it looks at the source: no text orders the checks."""

    def refusal(self, asked):
        if self.is_owned(asked.address, asked.option) and is_link_local(asked.source):
            return DUPLICATE
        return super().refusal(asked)


@variant("6lbr-removed-in-delay", rigs=("reference-nd-6lbr-8505",))
class Delay(ReferenceNode):
    """Keeps an entry that was given back for half a minute: RFC 8505 §5.7, "SHOULD keep its NCE in a DELAY state"."""

    def duplicate_status(self, message):
        before = self.table.get(message.address)
        status = super().duplicate_status(message)
        if before is not None and status == 0 and not message.lifetime:
            tid = message.tid if message.code & 15 else before.tid
            self.table[message.address] = Entry(before.rovr, self.now + 30.0, tid)
        return status


@variant("6lbr-refuses-other-prefixes", rigs=("reference-nd-6lbr-8505",))
class RefusesOthers(ReferenceNode):
    """Refuses addresses of prefixes that it does not serve: RFC 8505 §4.1, status 8 for one that "is not usable on
    this link".
    """

    def duplicate_status(self, message):
        if all(message.address[:8] != prefix[:8] for prefix in self.prefixes()):
            return 8
        return super().duplicate_status(message)


@variant("6lbr-ended-in-delay", rigs=("reference-nd-6lbr-8505",))
class EndedInDelay(ReferenceNode):
    """Keeps an entry whose lifetime has ended for two minutes more: RFC 8505 §5.7, "for a configurable period"."""

    def duplicate_status(self, message):
        status = super().duplicate_status(message)
        if status == 0 and message.lifetime:
            self.table[message.address].ends += 120.0
        return status


@variant("nd-takes-each-identifier-for-an-eui64", rigs=HOSTS)
class EachAnEui64(ReferenceNode):
    """Sends to link-local addresses by the EUI-64 that gives the identifier, short or not: RFC 6775 §5.6."""

    def next_hop(self, destination):
        if is_link_local(destination):
            return bytes([destination[8] ^ 2]) + destination[9:]
        return super().next_hop(destination)
