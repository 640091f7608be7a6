"""Follows duplicate address detection over several hops: what 6LRs ask of 6LBRs, and what these answer (RFC 6775 §8.2).

Strategy: a DAD table is a table of registrations, kept by a 6LBR, so a row of it is a `Registration` like a router's. A
DAR or EDAR is a `Request`, and begins or ends a row when the DAC or EDAC confirms it. Messages are forwarded, so that
one may be heard on each hop: the copies of an answer find no request, and change nothing. A capture may lack frames,
and 6LBRs may keep one table together: what either would excuse is advice.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from sixlowpan.addresses import UNSPECIFIED, is_multicast
from sixlowpan.findings import ADVICE
from sixlowpan.ipv6 import Packet
from sixlowpan.nd import tid
from sixlowpan.nd.messages import DAR, DuplicateAddress
from sixlowpan.nd.options import AddressRegistration

#: RFC 6775 §4.1, RFC 8505 §4.1.
DUPLICATE, FULL, MOVED, REMOVED, SATURATED = 1, 2, 3, 4, 9
#: RFC 6775 §9.
MULTIHOP_HOPLIMIT: Final = 64
#: RFC 6775 §8.2.6: MAX_UNICAST_SOLICIT.
_TRIES: Final = 3
_MOST: Final = 4096

K = TypeVar("K")
V = TypeVar("V")

#: Code, requirement, level, expected, actual, text.
Say = Callable[[str, str, str, object, object, str], None]


@dataclass(slots=True)
class Request:
    """An NS with an (E)ARO, a DAR or an EDAR that was not answered yet.

    `sent` counts how often a router sent it, `link` is the link-layer address of that router, empty where only copies
    were heard that others forwarded.
    """

    option: AddressRegistration
    frame: int
    sent: int = 1
    link: bytes = b""


@dataclass(slots=True)
class Registration:
    """What a router or a 6LBR (`router`) confirmed.

    `first` and `last` are frames, `ends` is in seconds; `ended` says by what it ended.
    """

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


class Confirmations:
    """The DAD tables of one network, as far as its frames show them; tables are bounded."""

    def __init__(self, found: dict[tuple[bytes, bytes], Registration], say: Say) -> None:
        self._found = found  # (6LBR, address) -> the latest; shared with the routers' registrations
        self._say = say
        self._requests: dict[tuple[bytes, bytes, bytes], Request] = {}  # (6LR, 6LBR, address)
        #: (6LR's link-layer address, address) -> 6LBR -> the ROVR that was asked with, and the Status
        self._verdicts: dict[tuple[bytes, bytes], dict[bytes, tuple[bytes, int]]] = {}
        self.extended: dict[bytes, bool] = {}  # 6LBR -> whether the last RA about it says D

    def add(self, frame: int, now: float, link: bytes, view: Packet, message: DuplicateAddress) -> None:
        """One more message, sent by `link` at `now` seconds in this frame."""
        # RFC 6775 8.2.1: neither is the source "the unspecified address, nor is it a multicast address"
        if view.src == UNSPECIFIED or is_multicast(view.src) or is_multicast(message.address):
            return
        if message.type == DAR:
            self._asked(frame, link, view, message)
        else:
            self._answered(frame, now, view, message)

    def waits(self, link: bytes, address: bytes, rovr: bytes) -> Request | None:
        """The request of this 6LR that no 6LBR has answered, and that it may still send again."""
        if self._verdicts.get((link, address)):
            return None
        for (_, _, asked), request in self._requests.items():
            mine = asked == address and request.link == link and alike(request.option.rovr, rovr)
            if mine and request.sent < _TRIES:
                return request
        return None

    def verdict(self, link: bytes, address: bytes, rovr: bytes) -> int | None:
        """The Status that a 6LR was given by the one 6LBR that it asked; None where none answered, or several did."""
        given = list(self._verdicts.get((link, address), {}).values())
        return given[0][1] if len(given) == 1 and alike(given[0][0], rovr) else None

    def _asked(self, frame: int, link: bytes, view: Packet, message: DuplicateAddress) -> None:
        key = view.src, view.dst, message.address
        before, option = self._requests.get(key), as_option(message)
        first_hop = view.hop_limit == MULTIHOP_HOPLIMIT
        if before is not None and before.option == option:
            before.sent += first_hop  # sent again; a copy that was forwarded has a lower hop limit
            return
        room(self._requests, key)[key] = Request(option, frame, link=link if first_hop else b"")
        if first_hop:
            self._verdicts.get((link, message.address), {}).pop(view.dst, None)

    def _answered(self, frame: int, now: float, view: Packet, message: DuplicateAddress) -> None:
        key = view.dst, view.src, message.address
        request = self._requests.get(key)
        if request is None:
            return
        asked, option = request.option, as_option(message)
        where = f"the request in frame {request.frame}"
        if not alike(asked.rovr, option.rovr):
            # RFC 6775 8.2.4: "a DAC with the information copied from the DAR"; it may answer another one
            self._blame(view.src, "nd_rovr", "RFC6775-8.2.4-01", asked.rovr.hex(), option.rovr.hex(), where)
            return
        del self._requests[key]
        if request.link:
            mine = request.link, message.address
            given = room(self._verdicts, mine).setdefault(mine, {})
            given[view.src] = asked.rovr, message.status
        self._copied(view.src, asked, option, where)
        held = self._found.get((view.src, message.address))
        if message.status == 0:
            self._confirmed(frame, now, (view.src, message.address), asked)
        elif message.status == MOVED and held is not None and not is_older(held.tid, asked):
            held.ended = "moved"
        elif message.status == REMOVED and held is not None:
            held.ended = "removed by the 6LBR"
        elif message.status == FULL and asked.t and option.t:
            # RFC 8505 4.1: status 9 "is used by 6LBRs instead of Status 2 when responding to a Duplicate Address
            # message exchange"
            self._blame(view.src, "nd_status", "RFC8505-4.1-15", SATURATED, FULL, "a full 6LBR")

    def _blame(self, border: bytes, code: str, row: str, expected: object, actual: object, text: str) -> None:
        """Say it of the 6LBR, by its address: it is heard from whoever forwarded its answer."""
        about = f"{text} (6LBR {ipaddress.IPv6Address(border)})"
        self._say(code, row, ADVICE, expected, actual, about)

    def _copied(
        self, border: bytes, asked: AddressRegistration, option: AddressRegistration, where: str
    ) -> None:
        if asked.t and not option.t and self.extended.get(border):
            # RFC 8505 6.4: "an updated 6LBR MUST always use the EDAR and EDAC messages"; it may answer a DAR that this
            # EDAR crossed
            self._blame(
                border, "nd_code", "RFC8505-4.2-01", "a Code Suffix of 1 to 4", 0, f"{where} is an EDAR"
            )
        if asked.t and option.t and len(asked.rovr) != len(option.rovr):
            sizes = 8 * len(asked.rovr), 8 * len(option.rovr)
            self._blame(border, "nd_rovr", "RFC8505-4.2-01", f"{sizes[0]} bits", f"{sizes[1]} bits", where)
        if asked.t and option.t and asked.tid != option.tid:
            self._blame(border, "nd_tid", "RFC8505-4.2-01", asked.tid, option.tid, where)
        if asked.lifetime != option.lifetime:
            self._blame(border, "nd_lifetime", "RFC6775-8.2.4-01", asked.lifetime, option.lifetime, where)

    def _confirmed(
        self, frame: int, now: float, key: tuple[bytes, bytes], asked: AddressRegistration
    ) -> None:
        held = self._found.get(key)
        if held is not None and held.holds(now) and not alike(held.rovr, asked.rovr):
            # RFC 6775 8.2.4: if "the recorded EUI-64 is different than the EUI-64 in the DAR, then it returns a DAC
            # ... with the Status set to 1"; advice, because a 6LBR that has restarted knows nothing of the first
            owner = f"status {DUPLICATE}: of {held.rovr.hex()} in frame {held.last}"
            self._blame(
                key[0], "duplicate", "RFC6775-8.2.4-01", owner, "status 0", "a duplicate is confirmed"
            )
        elif held is not None and held.holds(now) and is_older(held.tid, asked):
            # RFC 8505 5.7: "Otherwise, a status code of "Moved" is returned instead"
            row = "RFC8505-4.1-09" if asked.lifetime else "RFC8505-5.7-04"
            wanted = f"status {MOVED}: TID {held.tid} was confirmed in frame {held.last}"
            self._blame(key[0], "nd_tid", row, wanted, f"TID {asked.tid}", "an older one is confirmed")
        confirm(self._found, key, frame, now, asked, asked.lifetime)


def as_option(message: DuplicateAddress) -> AddressRegistration:
    """The EARO whose fields a DAR, DAC, EDAR or EDAC has inline; T where a Code Suffix says that there is a TID."""
    extended = bool(message.code & 15)
    number = message.tid if extended else 0
    return AddressRegistration(message.rovr, message.lifetime, message.status, t=extended, tid=number)


def confirm(
    found: dict[tuple[bytes, bytes], Registration],
    key: tuple[bytes, bytes],
    frame: int,
    now: float,
    asked: AddressRegistration,
    minutes: int,
) -> None:
    """What status 0 makes of the row of (router, address): begun, refreshed, or ended by a lifetime of 0."""
    held = found.get(key)
    if not asked.lifetime:
        if held is not None and alike(held.rovr, asked.rovr):
            held.ended, held.last = "removed by its owner", frame
        return
    if held is None or not alike(held.rovr, asked.rovr):
        held = room(found, key)[key] = Registration(key[1], key[0], asked.rovr, frame)
    held.last, held.tid, held.minutes = frame, asked.tid if asked.t else None, minutes
    held.ends, held.ended = now + 60.0 * minutes, ""
    held.confirmed += 1


def is_older(held: int | None, asked: AddressRegistration) -> bool:
    """RFC 8505 5.2.1; a registration without T has no TID to compare."""
    return held is not None and asked.t and held != asked.tid and tid.newer(held, asked.tid) is False


def alike(first: bytes, second: bytes) -> bool:
    """RFC 8505 6.4: towards an old 6LBR "only the 64 leftmost bits of the ROVR" are used."""
    size = min(len(first), len(second))
    return first[:size] == second[:size]


def room(table: dict[K, V], key: K) -> dict[K, V]:
    """The table, with room for this key: the oldest goes for one that is not there."""
    while len(table) >= _MOST and key not in table:
        del table[next(iter(table))]
    return table
