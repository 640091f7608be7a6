"""Follows the registrations of one network from what goes by: who registered which address where, and until when.

Strategy: a registration is what a router confirmed. It begins with an NA of status 0, is refreshed by the next one, and
ends by a lifetime of 0, by status 3 (Moved) or 4 (Removed), or by time. A capture may lack frames and a node may
restart: what either would excuse is advice, and a fail is only what an answer does to the very request before it.
RFC 6775 and RFC 8505 are followed alike; of the latter come the ROVR, the TID, and the target as what is registered.
DAR and DAC are not followed, nor whether routers in parallel got the same TID.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from sixlowpan.findings import ADVICE, FAIL, LintFinding
from sixlowpan.ipv6 import Packet
from sixlowpan.nd import tid
from sixlowpan.nd.messages import Message, NeighborAdvertisement, NeighborSolicitation, RouterAdvertisement
from sixlowpan.nd.options import FLAG_E, AddressRegistration, CapabilityIndication

#: RFC 8505 §4.1, and RFC 6775 §4.1 for 1.
_DUPLICATE, _MOVED, _REMOVED = 1, 3, 4
_MOST: Final = 4096

K = TypeVar("K")
V = TypeVar("V")

#: Takes the link-layer address of whom a finding is about, and the finding.
Report = Callable[[bytes, LintFinding], None]


@dataclass(slots=True)
class Request:
    """An NS with an (E)ARO that was not answered yet."""

    option: AddressRegistration
    frame: int


@dataclass(slots=True)
class Registration:
    """What a router confirmed: `first` and `last` are frames, `ends` is in seconds; `ended` says by what it ended."""

    address: bytes
    router: bytes
    rovr: bytes
    first: int
    last: int = 0
    tid: int | None = None
    minutes: int = 0
    ends: float = 0.0
    confirmed: int = 0
    ended: str = ""

    def holds(self, now: float) -> bool:
        """Whether the router still keeps it."""
        return not self.ended and now < self.ends


class Registrations:
    """The registrations of one network, as far as its frames show them; tables are bounded."""

    def __init__(self, report: Report) -> None:
        self.found: dict[tuple[bytes, bytes], Registration] = {}  # (router, address) -> the latest
        self._report = report
        self._requests: dict[tuple[bytes, bytes], Request] = {}
        self._tids: dict[
            tuple[bytes, bytes, bytes], int
        ] = {}  # (link-layer address, address, ROVR) -> the latest
        self._extended: set[bytes] = set()  # routers that say E in a 6CIO
        self._frame, self._link = 0, b""

    def add(self, frame: int, now: float, link: bytes, view: Packet, message: Message) -> None:
        """One more message, sent by `link` at `now` seconds in this frame."""
        self._frame, self._link = frame, link
        if isinstance(message, RouterAdvertisement):
            flags = [o.flags for o in message.options if isinstance(o, CapabilityIndication)]
            if any(FLAG_E in each for each in flags) and len(self._extended) < _MOST:
                self._extended.add(view.src)
        elif isinstance(message, NeighborSolicitation | NeighborAdvertisement):
            option = next((o for o in message.options if isinstance(o, AddressRegistration)), None)
            if option is None:
                return
            if isinstance(message, NeighborSolicitation):
                self._asked(now, view, message.target, option)
            else:
                self._answered(now, view, message.target, option)

    def _say(
        self, code: str, requirement: str, level: str, expected: object, actual: object, text: str
    ) -> None:
        self._report(
            self._link,
            LintFinding(code, requirement, level, self._frame, 0, str(expected), str(actual), text),
        )

    # -- requests -------------------------------------------------------------------------------------------------

    def _asked(self, now: float, view: Packet, target: bytes, option: AddressRegistration) -> None:
        # RFC 8505 5.5: the target is registered; 6: towards a router of RFC 6775 it is the source, as there
        address = target if option.t and target != view.dst else view.src
        _room(self._requests)[view.dst, address] = Request(option, self._frame)
        if not option.t:
            return
        source = view.dst, view.src
        known = source in self._requests or (source in self.found and self.found[source].holds(now))
        if address != view.src and not known:
            # RFC 8505 5.6: the source is "either an address that is already registered to the 6LR or the address
            # that is being registered"
            text = "the source of a registration is registered itself"
            self._say(
                "nd_order", "RFC8505-5.6-01", ADVICE, "a registration of the source first", "none seen", text
            )
        self._counted((self._link, address, option.rovr), option.tid)

    def _counted(self, owner: tuple[bytes, bytes, bytes], number: int) -> None:
        last = self._tids.get(owner)
        _room(self._tids)[owner] = number
        if last is None or number in {last, tid.following(last)}:
            return
        if last == 127 and number == 128:
            # RFC 8505 5.2.1: "When incrementing a sequence counter less than 128, the maximum value is 127"
            self._say("nd_tid", "RFC8505-5.2.1-02", ADVICE, "0 behind 127", number, "how a TID counts on")
        elif number < 128 and not tid.newer(last, number):
            # RFC 8505 5.2.1: a node that starts anew begins with "128 or greater"
            wanted = f"{tid.following(last)}, or 128 and more behind a restart"
            self._say("nd_tid", "RFC8505-5.2.1-01", ADVICE, wanted, number, f"a TID older than {last}")

    # -- answers --------------------------------------------------------------------------------------------------

    def _answered(self, now: float, view: Packet, target: bytes, option: AddressRegistration) -> None:
        router = view.src
        key = self._request_of(router, view.dst, target, option)
        if key is None:
            self._told(router, target, option)
            return
        request = self._requests.pop(key)
        asked = request.option
        if asked.status and not asked.t:
            # RFC 6775 6.5: "if the Status field is not zero, then the NS is silently ignored"
            # advice: it may answer another one, that crossed this one or that the capture lacks
            text = f"the request in frame {request.frame} has status {asked.status}"
            self._say("nd_answered", "RFC6775-6.5-01", ADVICE, "no answer", f"status {option.status}", text)
        if asked.t and not option.t and router in self._extended:
            # RFC 8505 6: a 6LR "MUST answer an NS(ARO) and an NS(EARO) with an NA(EARO)"
            text = f"an EARO (frame {request.frame}) is answered by an ARO"
            self._say("nd_flags", "RFC8505-6-02", FAIL, "T=1", "T=0", text)
        if asked.t and option.t and asked.tid != option.tid:
            # RFC 6775 6.5.3: "This NA SHOULD include a copy of the ARO"
            self._say(
                "nd_tid", "RFC6775-6.5.3-02", ADVICE, asked.tid, option.tid, "the TID that was asked with"
            )
        held = self.found.get(key)
        if option.status == 0:
            self._confirmed(now, key, asked, option)
        elif option.status == _MOVED and held is not None and not _is_older(held.tid, asked):
            held.ended = "moved"
        elif option.status == _REMOVED and held is not None:
            held.ended = "removed by the router"

    def _request_of(
        self, router: bytes, destination: bytes, target: bytes, option: AddressRegistration
    ) -> tuple[bytes, bytes] | None:
        """The request that an NA answers: for its target or destination, or (errors) the latest of its ROVR."""
        for address in (target, destination):
            request = self._requests.get((router, address))
            if request is not None and request.option.rovr == option.rovr:
                return router, address
        mine = [k for k, r in self._requests.items() if k[0] == router and r.option.rovr == option.rovr]
        return mine[-1] if mine else None

    def _told(self, router: bytes, target: bytes, option: AddressRegistration) -> None:
        """An NA that answers no request: RFC 8505 5.7, a registration ends at a router."""
        held = self.found.get((router, target))
        if held is not None and held.rovr == option.rovr and option.status in {_MOVED, _REMOVED}:
            held.ended = "moved" if option.status == _MOVED else "removed by the router"

    def _confirmed(
        self, now: float, key: tuple[bytes, bytes], asked: AddressRegistration, option: AddressRegistration
    ) -> None:
        held = self.found.get(key)
        if not asked.lifetime:
            if held is not None and held.rovr == asked.rovr:
                held.ended, held.last = "removed by its owner", self._frame
            return
        if held is not None and held.holds(now) and held.rovr != asked.rovr:
            # RFC 6775 6.5.1: an NCE with another EUI-64 makes it a duplicate; advice, because a router that has
            # restarted knows nothing of the first
            owner = f"status {_DUPLICATE}: registered by {held.rovr.hex()} in frame {held.last}"
            self._say("duplicate", "RFC6775-6.5.1-01", ADVICE, owner, "status 0", "a duplicate is confirmed")
        elif held is not None and held.holds(now) and _is_older(held.tid, asked):
            # RFC 8505 4.1: status 3, "The registration failed because it is not the most recent"
            wanted = f"status {_MOVED}: TID {held.tid} was confirmed in frame {held.last}"
            self._say(
                "nd_tid", "RFC8505-4.1-09", ADVICE, wanted, f"TID {asked.tid}", "an older one is confirmed"
            )
        if held is None or held.rovr != asked.rovr:
            held = _room(self.found)[key] = Registration(key[1], key[0], asked.rovr, self._frame)
        held.last, held.tid, held.minutes = self._frame, asked.tid if asked.t else None, option.lifetime
        held.ends, held.ended = now + 60.0 * option.lifetime, ""
        held.confirmed += 1


def _is_older(held: int | None, asked: AddressRegistration) -> bool:
    """RFC 8505 5.2.1; a registration without T has no TID to compare."""
    return held is not None and asked.t and held != asked.tid and tid.newer(held, asked.tid) is False


def _room(table: dict[K, V]) -> dict[K, V]:
    """The table, with room for one more: the oldest goes."""
    while len(table) >= _MOST:
        del table[next(iter(table))]
    return table
