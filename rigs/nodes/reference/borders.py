"""The reference node between 6LR and 6LBR: what 6LBRs tell, and duplicate addresses over several hops (RFC 6775 §8).

Strategy: a 6LR keeps what each 6LBR said apart (`Border`), with the moment at which it said so, and advertises one RA
for each. A new registration waits (`Waiting`, a Tentative NCE) until the 6LBR has confirmed it. A 6LBR has a DAD table,
and a life cycle for contexts: new ones go out with C=0 first (§7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from rigs.nodes.reference.host import RETRANSMIT
from rigs.nodes.reference.registration import DUPLICATE, FULL, TRIES, Request
from rigs.nodes.reference.routing import MOVED, SUCCESS, Routing
from sixlowpan import Context, ipv6, nd
from sixlowpan.addresses import UNSPECIFIED, is_link_local, is_multicast

MULTIHOP: Final = 64  # RFC 6775 §9: MULTIHOP_HOPLIMIT
CHANGE_DELAY: Final = 300.0  # MIN_CONTEXT_CHANGE_DELAY
DEFAULT_MINUTES: Final = 10_000  # §4.3
SATURATED: Final = 9  # RFC 8505 §4.1


@dataclass(slots=True)
class Border:
    """What one 6LBR said, and when."""

    version: int
    ends: float
    since: float
    minutes: int
    options: list[nd.Option]
    extended: bool = False


@dataclass(slots=True)
class Waiting:
    """A Tentative NCE: what was asked for, and when the 6LBR is asked again."""

    asked: Request
    due: float
    sent: int = 0


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


class Borders(Routing):
    """The multihop half of a router."""

    #: How many addresses a 6LBR's DAD table holds.
    table_size: int = 24
    #: §7: "in stable storage": they outlive a restart.
    abro_version: int = 0
    announced: object = None

    def boot_borders(self) -> None:
        """Forget what 6LBRs said, and who waits."""
        self.boot_routing()
        self.borders: dict[bytes, Border] = {}
        self.waiting: dict[bytes, Waiting] = {}
        self.table: dict[bytes, Entry] = {}
        self.spread: dict[int, Shown] = {}

    @property
    def is_router(self) -> bool:
        return self.role == "6LBR" or (self.role == "6LR" and bool(self.borders))

    # -- 6LR: what 6LBRs say ----------------------------------------------------------------------------------

    def takes_advertisement(self, message: nd.RouterAdvertisement) -> bool:
        """RFC 6775 §8.1.3: without an ABRO an RA "MUST be silently ignored", and so is one with an older version."""
        if self.role != "6LR":
            return True
        option = next((o for o in message.options if isinstance(o, nd.AuthoritativeBorderRouter)), None)
        if option is None:
            return False
        known = self.borders.get(option.address)
        if known is not None and option.version < known.version:
            return False
        kept = [o for o in message.options if isinstance(o, nd.PrefixInformation | nd.ContextOption)]
        minutes = option.valid_lifetime or DEFAULT_MINUTES
        flags = next(
            (o.flags for o in message.options if isinstance(o, nd.CapabilityIndication)), frozenset()
        )
        ends, extended = self.now + 60.0 * minutes, self.extended and nd.FLAG_D in flags
        self.borders[option.address] = Border(option.version, ends, self.now, minutes, [*kept], extended)
        return True

    def advertise(self, destination: bytes) -> None:
        """§6.3: "a single RS will result in multiple RAs each containing a different ABRO"."""
        if self.role == "6LR":
            for address, border in self.borders.items():
                self.send_advertisement(destination, self.border_options(address, border))
            return
        if not self.point_to_point:
            self.send_advertisement(destination, self.own_options())
            return
        super().advertise(destination)

    def border_options(self, address: bytes, border: Border) -> list[nd.Option]:
        """§8.1.5: "the ABRO always stays together with the prefixes and context information received with" it."""
        held = self.now - border.since
        kept = [self.aged(option, held) for option in border.options]
        return [nd.AuthoritativeBorderRouter(address, border.version, border.minutes), *kept]

    def aged(self, option: nd.Option, seconds: float) -> nd.Option:
        """§8.1.4: "their valid and preferred lifetimes are decremented as time passes"."""
        if isinstance(option, nd.ContextOption):
            return replace(option, valid_lifetime=max(0, option.valid_lifetime - int(seconds // 60)))
        if isinstance(option, nd.PrefixInformation):
            left = [
                life if life == 0xFFFFFFFF else max(0, life - int(seconds))
                for life in (option.valid_lifetime, option.preferred_lifetime)
            ]
            return replace(option, on_link=False, valid_lifetime=left[0], preferred_lifetime=left[1])
        return option

    def prefixes(self) -> list[bytes]:
        if self.role != "6LR":
            return super().prefixes()
        options = [option for border in self.borders.values() for option in border.options]
        return [option.prefix for option in options if isinstance(option, nd.PrefixInformation)]

    def border_ended(self, address: bytes) -> None:
        """§6.3: "all information related to that 6LBR MUST be removed"."""
        gone = self.borders.pop(address)
        for option in gone.options:
            if isinstance(option, nd.ContextOption):
                self.contexts = self.contexts.without(option.cid)
            elif isinstance(option, nd.PrefixInformation):
                for own in [a for a in self.made if a[:8] == option.prefix[:8]]:
                    self.drop_address(own)

    # -- 6LR: duplicate address detection ---------------------------------------------------------------------

    def accept(self, asked: Request) -> None:
        """§8.2: a new registration waits for the 6LBR; an old one is reported to it beside the answer."""
        address, option = asked.address, asked.option
        if self.role != "6LR" or not self.is_checked(address):
            super().accept(asked)
            return
        held = address in self.bindings
        if not held and option.lifetime:
            other = self.waiting.get(address)
            if other is not None and other.asked.option.rovr != option.rovr:
                return  # §8.2: "If such a Tentative NCE exists, then the 6LR SHOULD silently ignore the ARO"
            self.waiting[address] = Waiting(asked, self.now)
            self.request(address)
            return
        super().accept(asked)
        self.send_request(address, option)

    def is_checked(self, address: bytes) -> bool:
        """RFC 8505 §5.6: not for link-local addresses, which need be unique on one hop only."""
        return not is_link_local(address) and any(not is_link_local(own) for own in self.own)

    def request(self, address: bytes) -> None:
        """§8.2.6: once more after RETRANS_TIMER, "up to MAX_UNICAST_SOLICIT times"."""
        waiting = self.waiting[address]
        waiting.sent += 1
        waiting.due = self.now + RETRANSMIT
        self.send_request(address, waiting.asked.option)

    def send_request(self, address: bytes, option: nd.AddressRegistration) -> None:
        """§8.2.3: a DAR to the 6LBR; an EDAR where both it and the host know RFC 8505 (§6.2, §6.4)."""
        for there, border in list(self.borders.items())[:1]:
            extended = border.extended and option.t
            rovr = option.rovr if extended else option.rovr[:8]
            code, tid = (len(rovr) // 8, option.tid) if extended else (0, 0)
            message = nd.DuplicateAddress(nd.DAR, address, rovr, option.lifetime, 0, tid, code)
            self.send_duplicate(message, self.source_for(there), there)

    def send_duplicate(self, message: nd.DuplicateAddress, source: bytes, destination: bytes) -> None:
        """§4.4: "Hop Limit: Set to MULTIHOP_HOPLIMIT on transmit"."""
        octets = message.build(source, destination)
        self.output(ipv6.build(source, destination, ipv6.ICMPV6, octets, hop_limit=MULTIHOP))

    def confirmed_duplicate(self, message: nd.DuplicateAddress) -> None:
        """§8.2.5: only for "a Tentative NCE matching the Registered Address and EUI-64"."""
        waiting = self.waiting.get(message.address)
        if waiting is None or waiting.asked.option.rovr[: len(message.rovr)] != message.rovr:
            return
        self.settle(message.address, message.status)

    def settle(self, address: bytes, status: int) -> None:
        """The Tentative NCE becomes a Registered one, or is removed; and the host is told."""
        asked = self.waiting.pop(address).asked
        self.hint = (asked.source, asked.link)
        if status == SUCCESS:
            self.keep(address, asked.option, asked.link)
        self.reply(asked, status)
        self.hint = (b"", b"")

    def unanswered(self, address: bytes) -> None:
        """§8.2.6: "After this, the 6LR SHOULD respond to the host with an ARO Status of zero"."""
        self.settle(address, SUCCESS)

    # -- 6LBR -------------------------------------------------------------------------------------------------

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

    # -- messages and time ------------------------------------------------------------------------------------

    def icmp(self, view: ipv6.Packet, message: bytes) -> None:
        if self.role not in {"6LR", "6LBR"} or message[0] not in {nd.DAR, nd.DAC}:
            super().icmp(view, message)
            return
        parsed = self.parsed(message)
        if not isinstance(parsed, nd.DuplicateAddress) or not self.valid_duplicate(view, parsed):
            return
        if parsed.type == nd.DAR and self.role == "6LBR":
            self.requested_duplicate(view, parsed)
        elif parsed.type == nd.DAC and self.role == "6LR":
            self.confirmed_duplicate(parsed)

    def valid_duplicate(self, view: ipv6.Packet, message: nd.DuplicateAddress) -> bool:
        """§8.2.1, but for the Code, which §4.4 says is ignored; RFC 8505 §4.2 gives its lower half a meaning."""
        if view.src == UNSPECIFIED or is_multicast(view.src) or is_multicast(message.address):
            return False
        return self.extended or not message.code & 15

    def due(self) -> float | None:
        timers = [super().due(), *(border.ends for border in self.borders.values())]
        timers += [waiting.due for waiting in self.waiting.values()]
        timers += [entry.ends for entry in self.table.values()]
        timers += [shown.until for shown in self.spread.values()]
        return min((at for at in timers if at is not None and at != float("inf")), default=None)

    def tick(self) -> None:
        super().tick()
        for address in [a for a, border in self.borders.items() if border.ends <= self.now]:
            self.border_ended(address)
        for address in [a for a, waiting in self.waiting.items() if waiting.due <= self.now]:
            if self.waiting[address].sent < TRIES:
                self.request(address)
            else:
                self.unanswered(address)
        for address in [a for a, entry in self.table.items() if entry.ends <= self.now]:
            del self.table[address]
        for cid in [cid for cid, shown in self.spread.items() if shown.until <= self.now]:
            self.context_due(cid)
