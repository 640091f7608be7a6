"""Follows the registrations of one network from what goes by: who registered which address where, and until when.

Strategy: a registration is what a router confirmed. It begins with an NA of status 0, is refreshed by the next one, and
ends by a lifetime of 0, by status 3 (Moved) or 4 (Removed), or by time. A capture may lack frames and a node may
restart: what either would excuse is advice, and a fail is only what an answer does to the very request before it.
RFC 6775 and RFC 8505 are followed alike; of the latter come the ROVR, the TID, and the target as what is registered.
DAR and DAC, between a router and 6LBRs, are followed by `confirming`; that routers in parallel get one TID is not.
"""

from __future__ import annotations

from collections.abc import Callable

from sixlowpan.findings import ADVICE, FAIL, LintFinding
from sixlowpan.ipv6 import Packet
from sixlowpan.nd import tid
from sixlowpan.nd.confirming import (
    DUPLICATE,
    MOVED,
    MULTIHOP_HOPLIMIT,
    REMOVED,
    Confirmations,
    Registration,
    Request,
    alike,
    as_option,
    confirm,
    is_older,
    room,
)
from sixlowpan.nd.messages import (
    DAR,
    DuplicateAddress,
    Message,
    NeighborAdvertisement,
    NeighborSolicitation,
    RouterAdvertisement,
)
from sixlowpan.nd.options import (
    FLAG_D,
    FLAG_E,
    AddressRegistration,
    AuthoritativeBorderRouter,
    CapabilityIndication,
)

#: Takes the link-layer address of whom a finding is about, and the finding.
Report = Callable[[bytes, LintFinding], None]


class Registrations:
    """The registrations of one network, as far as its frames show them; tables are bounded."""

    def __init__(self, report: Report) -> None:
        self.found: dict[tuple[bytes, bytes], Registration] = {}  # (router, address) -> the latest
        self._report = report
        self._requests: dict[tuple[bytes, bytes], Request] = {}
        self._tids: dict[
            tuple[bytes, bytes, bytes], int
        ] = {}  # (link-layer address, address, ROVR) -> the latest
        self._extended: dict[bytes, bool] = {}  # router -> whether it said E in its last RA with a 6CIO
        self._routers: dict[bytes, bytes] = {}  # link-layer address -> the address that a router speaks from
        self._confirmations = Confirmations(self.found, self._say)
        self._frame, self._link = 0, b""

    def add(self, frame: int, now: float, link: bytes, view: Packet, message: Message) -> None:
        """One more message, sent by `link` at `now` seconds in this frame."""
        self._frame, self._link = frame, link
        if isinstance(message, RouterAdvertisement):
            self._advertised(view, message)
        elif isinstance(message, DuplicateAddress):
            if message.type == DAR and view.hop_limit == MULTIHOP_HOPLIMIT:  # nobody has forwarded it yet
                self._reported(message)
            self._confirmations.add(frame, now, link, view, message)
        elif isinstance(message, NeighborSolicitation | NeighborAdvertisement):
            option = next((o for o in message.options if isinstance(o, AddressRegistration)), None)
            if option is None:
                return
            if isinstance(message, NeighborSolicitation):
                self._asked(now, view, message.target, option)
            else:
                room(self._routers, link)[link] = view.src
                self._answered(now, view, message.target, option)

    def _say(
        self, code: str, requirement: str, level: str, expected: object, actual: object, text: str
    ) -> None:
        self._report(
            self._link,
            LintFinding(code, requirement, level, self._frame, 0, str(expected), str(actual), text),
        )

    def _advertised(self, view: Packet, message: RouterAdvertisement) -> None:
        room(self._routers, self._link)[self._link] = view.src
        extended = self._confirmations.extended
        for flags in (o.flags for o in message.options if isinstance(o, CapabilityIndication)):
            room(self._extended, view.src)[view.src] = FLAG_E in flags
            for option in message.options:
                if isinstance(option, AuthoritativeBorderRouter):
                    # RFC 8505 4.3: a 6LR "that learns the D flag ... also sets the D flag"
                    room(extended, option.address)[option.address] = FLAG_D in flags

    # -- requests -------------------------------------------------------------------------------------------------

    def _asked(self, now: float, view: Packet, target: bytes, option: AddressRegistration) -> None:
        # RFC 8505 5.5: the target is registered; 6: towards a router of RFC 6775 it is the source, as there
        address = target if option.t and target != view.dst else view.src
        key = view.dst, address
        room(self._requests, key)[key] = Request(option, self._frame)
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
        room(self._tids, owner)[owner] = number
        if last is None or number in {last, tid.following(last)}:
            return
        if last == 127 and number == 128:
            # RFC 8505 5.2.1: "When incrementing a sequence counter less than 128, the maximum value is 127"
            self._say("nd_tid", "RFC8505-5.2.1-02", ADVICE, "0 behind 127", number, "how a TID counts on")
        elif number < 128 and not tid.newer(last, number):
            # RFC 8505 5.2.1: a node that starts anew begins with "128 or greater"
            wanted = f"{tid.following(last)}, or 128 and more behind a restart"
            self._say("nd_tid", "RFC8505-5.2.1-01", ADVICE, wanted, number, f"a TID older than {last}")

    def _reported(self, message: DuplicateAddress) -> None:
        """A router asks a 6LBR about the registration that it was asked for (RFC 6775 §8.2.3)."""
        request = self._requests.get((self._routers.get(self._link, b""), message.address))
        if request is None or not alike(request.option.rovr, message.rovr):
            return  # a renewal of what was registered before, or of what the capture lacks
        asked, option = request.option, as_option(message)
        text = f"the registration in frame {request.frame}"
        if option.t and not asked.t:
            # RFC 8505 6.2: "The updated 6LR MUST then use the RFC 6775-only DAR and DAC messages";
            # it may be a repetition for what the host asked for before
            self._say("nd_code", "RFC8505-6.2-01", ADVICE, "Code 0", message.code, f"{text} has no TID")
        elif option.t and asked.tid != option.tid:
            self._say("nd_tid", "RFC8505-4.2-01", ADVICE, asked.tid, option.tid, text)
        if asked.lifetime != option.lifetime:
            # "The EUI-64 and Registration Lifetime are copied from the ARO received from the host"; it may be a
            # repetition for what the host asked for before
            self._say("nd_lifetime", "RFC6775-8.2.3-01", ADVICE, asked.lifetime, option.lifetime, text)

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
        if asked.t and not option.t and self._extended.get(router):
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
            if asked.lifetime and (held is None or not held.holds(now)):
                self._unconfirmed(key[1], request)
            self._confirmed(now, key, asked, option)
        elif option.status == MOVED and held is not None and not is_older(held.tid, asked):
            held.ended = "moved"
        elif option.status == REMOVED and held is not None:
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
        if held is not None and held.rovr == option.rovr and option.status in {MOVED, REMOVED}:
            held.ended = "moved" if option.status == MOVED else "removed by the router"

    def _unconfirmed(self, address: bytes, request: Request) -> None:
        """A new registration succeeded: what the 6LBR, if one was asked, had said by then; the capture may lack it."""
        asked = self._confirmations.waits(self._link, address, request.option.rovr)
        if asked is not None and asked.frame > request.frame:
            # RFC 6775 8.2: "the ARO is not returned to the host until multihop DAD has been completed"
            text = f"the request in frame {asked.frame} is not answered"
            self._say("nd_early", "RFC6775-8.2-01", ADVICE, "a DAC first", "status 0", text)
        status = self._confirmations.verdict(self._link, address, request.option.rovr)
        if status:
            # RFC 6775 8.2.5: "The Status code is copied from the DAC to the ARO that is sent to the host"
            self._say("nd_status", "RFC6775-8.2.5-01", ADVICE, status, 0, "the 6LBR has refused it")

    def _confirmed(
        self, now: float, key: tuple[bytes, bytes], asked: AddressRegistration, option: AddressRegistration
    ) -> None:
        held = self.found.get(key) if asked.lifetime else None
        if held is not None and held.holds(now) and not alike(held.rovr, asked.rovr):
            # RFC 6775 6.5.1: an NCE with another EUI-64 makes it a duplicate; advice, because a router that has
            # restarted knows nothing of the first
            owner = f"status {DUPLICATE}: registered by {held.rovr.hex()} in frame {held.last}"
            self._say("duplicate", "RFC6775-6.5.1-01", ADVICE, owner, "status 0", "a duplicate is confirmed")
        elif held is not None and held.holds(now) and is_older(held.tid, asked):
            # RFC 8505 4.1: status 3, "The registration failed because it is not the most recent"
            wanted = f"status {MOVED}: TID {held.tid} was confirmed in frame {held.last}"
            self._say(
                "nd_tid", "RFC8505-4.1-09", ADVICE, wanted, f"TID {asked.tid}", "an older one is confirmed"
            )
        confirm(self.found, key, self._frame, now, asked, option.lifetime)
