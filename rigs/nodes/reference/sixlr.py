"""The reference node as a 6LR: it passes on what 6LBRs tell, and has new addresses confirmed by them (RFC 6775 §6, §8).

Strategy: it begins as a host (`sixln`) and comes to be a router when a 6LBR was heard of. What each 6LBR said is kept
apart (`Border`), with the moment at which it said so, and one RA is advertised for each. A new registration waits
(`Waiting`, a Tentative NCE) until the 6LBR has confirmed it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from rigs.nodes.reference.duplicates import MultihopDetection
from rigs.nodes.reference.host import RETRANSMIT
from rigs.nodes.reference.registration import TRIES, Request
from rigs.nodes.reference.routing import SUCCESS
from rigs.nodes.reference.sixln import SixLn
from rigs.nodes.reference.times import soonest
from sixlowpan import ipv6, nd
from sixlowpan.addresses import is_link_local

DEFAULT_MINUTES: Final = 10_000  # §4.3


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


class SixLr(MultihopDetection, SixLn):
    """A router between its hosts and 6LBRs."""

    role = "6LR"

    def boot(self) -> None:
        super().boot()
        self.borders: dict[bytes, Border] = {}
        self.waiting: dict[bytes, Waiting] = {}

    @property
    def is_router(self) -> bool:
        """RFC 6775 §6.2: "a 6LR comes up as a non-router" until it was advertised to."""
        return bool(self.borders)

    def flags(self) -> frozenset[int]:
        """RFC 8505 §4.3: "A 6LR that supports this specification MUST set the E flag"."""
        return frozenset({nd.FLAG_L, nd.FLAG_E})

    # -- what 6LBRs say ---------------------------------------------------------------------------------------

    def takes_advertisement(self, message: nd.RouterAdvertisement) -> bool:
        """RFC 6775 §8.1.3: without an ABRO an RA "MUST be silently ignored", and so is one with an older version."""
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
        for address, border in self.borders.items():
            self.send_advertisement(destination, self.border_options(address, border))

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
        options = [option for border in self.borders.values() for option in border.options]
        return [option.prefix for option in options if isinstance(option, nd.PrefixInformation)]

    def border_ended(self, address: bytes) -> None:
        """§6.3: "all information related to that 6LBR MUST be removed"; what another one told as well is that one's."""
        gone = self.borders.pop(address)
        left = [option for border in self.borders.values() for option in border.options]
        cids = {option.cid for option in left if isinstance(option, nd.ContextOption)}
        for option in gone.options:
            if isinstance(option, nd.ContextOption) and option.cid not in cids:
                self.contexts = self.contexts.without(option.cid)
            elif isinstance(option, nd.PrefixInformation) and option.prefix not in self.prefixes():
                for own in [a for a in self.made if a[:8] == option.prefix[:8]]:
                    self.drop_address(own)

    # -- duplicate address detection --------------------------------------------------------------------------

    def accept(self, asked: Request) -> None:
        """§8.2: a new registration waits for the 6LBR; an old one is reported to it beside the answer."""
        address, option = asked.address, asked.option
        if not self.is_checked(address):
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

    def heard_duplicate(self, view: ipv6.Packet, message: nd.DuplicateAddress) -> None:
        del view
        if message.type == nd.DAC:
            self.confirmed_duplicate(message)

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

    # -- time -------------------------------------------------------------------------------------------------

    def due(self) -> float | None:
        ends = (border.ends for border in self.borders.values())
        return soonest(super().due(), *ends, *(waiting.due for waiting in self.waiting.values()))

    def tick(self) -> None:
        super().tick()
        for address in [a for a, border in self.borders.items() if border.ends <= self.now]:
            self.border_ended(address)
        for address in [a for a, waiting in self.waiting.items() if waiting.due <= self.now]:
            if self.waiting[address].sent < TRIES:
                self.request(address)
            else:
                self.unanswered(address)
