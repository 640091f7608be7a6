"""The reference node as a 6LBR: what it tells of itself, its contexts' life, and its DAD table (RFC 6775 §7, §8).

Strategy: it advertises its prefix and contexts under an ABRO whose version counts changes of them. New contexts go out
with C=0 first (§7.2). A DAR of a 6LR is held against the DAD table (`Entry`), and answered by a DAC.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from rigs.nodes.reference.duplicates import MultihopDetection
from rigs.nodes.reference.registration import DUPLICATE, FULL
from rigs.nodes.reference.routing import MOVED
from rigs.nodes.reference.times import soonest
from sixlowpan import Context, ipv6, nd
from sixlowpan.addresses import is_link_local

CHANGE_DELAY: Final = 300.0  # RFC 6775 §9: MIN_CONTEXT_CHANGE_DELAY
SATURATED: Final = 9  # RFC 8505 §4.1


@dataclass(slots=True)
class Entry:
    """A row of a 6LBR's DAD table."""

    rovr: bytes
    ends: float
    tid: int | None


@dataclass(slots=True)
class Shown:
    """A context as a 6LBR spreads it: whether it may be used, when that changes, and what comes then."""

    context: Context
    compress: bool
    until: float
    after: list[Context] = field(default_factory=list)


class SixLbr(MultihopDetection):
    """A border router."""

    role = "6LBR"
    #: How many addresses its DAD table holds.
    table_size: int = 24
    #: §7: "in stable storage": they outlive a restart.
    abro_version: int = 0
    announced: object = None

    def boot(self) -> None:
        super().boot()
        self.table: dict[bytes, Entry] = {}
        self.spread: dict[int, Shown] = {}

    # -- what it tells ----------------------------------------------------------------------------------------

    def preference_bits(self) -> int:
        return 0b01 << 3

    def flags(self) -> frozenset[int]:
        """RFC 8505 §4.3: of a 6LR, and that it is a 6LBR (B) that takes EDARs (D)."""
        return frozenset({nd.FLAG_L, nd.FLAG_B, nd.FLAG_E, nd.FLAG_D})

    def advertise(self, destination: bytes) -> None:
        self.send_advertisement(destination, self.own_options())

    def own_options(self) -> list[nd.Option]:
        """§7: prefixes, contexts, and "an ABRO in the RAs it sends, listing itself as the 6LBR address"."""
        options: list[nd.Option] = [self.prefix_option(prefix) for prefix in self.prefixes()]
        options += self.shown_contexts()
        mine = next((address for address in self.own if not is_link_local(address)), self.own[0])
        if self.changed(options):
            self.abro_version = self.next_version()
        return [nd.AuthoritativeBorderRouter(mine, self.abro_version, 0), *options]

    def changed(self, options: list[nd.Option]) -> bool:
        """Whether this is another set of information than was told last."""
        before, self.announced = self.announced, options
        return before != options

    def next_version(self) -> int:
        """§8.1.1: "the ABRO version is increased by one"."""
        return self.abro_version + 1

    def shown_contexts(self) -> list[nd.Option]:
        return [
            nd.ContextOption(shown.context.prefix, shown.context.length, shown.compress, cid, 60)
            for cid, shown in sorted(self.spread.items())
        ]

    def spread_context(self, identifier: int, context: Context | None) -> None:
        self.configure_context(identifier, context)

    def configure_context(self, cid: int, context: Context | None) -> None:
        """§7.2: a new one begins with C=0; one that is to change goes on with C=0 "for at least 300 s" first."""
        shown = self.spread.get(cid)
        after = [context] if context is not None else []
        if shown is not None:
            self.spread[cid] = Shown(shown.context, False, self.now + CHANGE_DELAY, after)
        elif context is not None:
            self.spread[cid] = Shown(context, False, self.now + CHANGE_DELAY, after)

    def context_due(self, cid: int) -> None:
        shown = self.spread[cid]
        if not shown.after:
            del self.spread[cid]
        elif shown.after[0] == shown.context:
            self.spread[cid] = Shown(shown.context, True, float("inf"))
        else:
            self.spread[cid] = Shown(shown.after[0], False, self.now + CHANGE_DELAY, shown.after)

    # -- duplicate address detection --------------------------------------------------------------------------

    def heard_duplicate(self, view: ipv6.Packet, message: nd.DuplicateAddress) -> None:
        if message.type == nd.DAR:
            self.requested_duplicate(view, message)

    def requested_duplicate(self, view: ipv6.Packet, message: nd.DuplicateAddress) -> None:
        """§8.2.4: a DAC "back to the source of the DAR", with what was in it."""
        status = self.duplicate_status(message)
        answer = replace(message, type=nd.DAC, status=status, code=message.code & 15)
        self.send_duplicate(answer, view.dst, view.src)

    def duplicate_status(self, message: nd.DuplicateAddress) -> int:
        """§8.2.4: status 1 for another EUI-64; RFC 8505 §5.7: 3 for an older TID, 9 where there is no room."""
        entry = self.table.get(message.address)
        tid = message.tid if message.code & 15 and self.extended else None
        if entry is not None and entry.rovr != message.rovr:
            return DUPLICATE
        if entry is not None and (self.is_older(entry.tid, tid) or self.is_unordered(entry, tid)):
            return MOVED
        if not message.lifetime:
            self.table.pop(message.address, None)
            return 0
        if entry is None and len(self.table) >= self.table_size:
            return SATURATED if self.extended else FULL
        self.table[message.address] = Entry(message.rovr, self.now + 60.0 * message.lifetime, tid)
        return 0

    def is_unordered(self, entry: Entry, tid: int | None) -> bool:
        """RFC 8505 §6.3: that a plain DAR, without a TID, updates what an EDAR established "cannot be the default"."""
        return entry.tid is not None and tid is None

    # -- time -------------------------------------------------------------------------------------------------

    def due(self) -> float | None:
        ends = (entry.ends for entry in self.table.values())
        return soonest(super().due(), *ends, *(shown.until for shown in self.spread.values()))

    def tick(self) -> None:
        super().tick()
        for address in [a for a, entry in self.table.items() if entry.ends <= self.now]:
            del self.table[address]
        for cid in [cid for cid, shown in self.spread.items() if shown.until <= self.now]:
            self.context_due(cid)
