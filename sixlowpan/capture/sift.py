"""From a capture file to 6LoWPAN payloads, and for every other frame the reason why it is none.

Strategy: nothing is dropped in silence. Each record comes out once: as `Payload`s, as a `Breach` of the frame around
them, or as a `Skipped` with its reason. What says nothing about a sender is skipped: frames that the capture cut or
that are damaged, secured ones without a key, other protocols (Zigbee, Green Power, SCHC) on the channel, repetitions.
"""

from __future__ import annotations

import contextlib
import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

from sixlowpan import dispatch, frame, hci, mac, mpx
from sixlowpan.capture import trailer
from sixlowpan.capture.air import Air
from sixlowpan.capture.containers import Record, Source, Torn
from sixlowpan.capture.linktypes import AIR, BARE, CRC, CRC32, HCI, NONE, PSDU, Inside, NothingInside, inside
from sixlowpan.errors import DecodeError
from sixlowpan.l2cap import Sdu
from sixlowpan.link import IEEE802154, LinkInfo
from sixlowpan.security import Opener, SecurityError

CUT: Final = "cut by the capture"
TORN: Final = "the file ends in it"
FCS_WRONG: Final = "FCS wrong"
NO_KEY: Final = "secured, no key"
NO_SDU: Final = "Bluetooth without the end of an IPSP packet"
AUTO: Final = "auto"
#: two octets (four, where the capture says so) that are passed over unread
SKIP: Final = "skip"
BROADCAST: Final = b"\xff\xff"
#: how many distinct frames back, and for how many seconds, the same frame with the same sequence number is a repetition
_BACK, _SECONDS = 1024, 30.0
_MOST_SOURCES, _MOST_ADAPTERS, _MOST_ADDRESSES, _MOST_HEADS = 64, 16, 4096, 4096
#: The first octets of what may be SCHC: its own dispatch values, and the switch to page 1.
_SCHC: Final = {0xF1, *(first for first in range(256) if dispatch.KIND[first] == dispatch.SCHC)}
#: By the first octet of a payload: it is 6LoWPAN's, whatever follows (the addresses may still be those of Zigbee).
_LOWPAN: Final = tuple(first >= 0x40 and first not in _SCHC for first in range(256))


class Payload(NamedTuple):
    """One 6LoWPAN payload of a capture; `pan` names the network that its contexts belong to."""

    number: int
    time: float
    pan: bytes
    payload: bytes
    link: LinkInfo


class Breach(NamedTuple):
    """A frame that is wrong before its payload begins."""

    number: int
    pan: bytes
    sender: bytes
    code: str
    requirement: str | None
    expected: str
    actual: str
    message: str


class Skipped(NamedTuple):
    """A frame that was not judged, and why."""

    number: int
    reason: str


Item = Payload | Breach | Skipped
#: Makes a `Payload` of its five fields at a third of the cost.
_payload_of: Final = partial(tuple.__new__, Payload)


class Options(NamedTuple):
    """What the user says: the FCS ("auto", "crc", "ti", "skip", "none"), keys of 16 octets, the only PAN."""

    fcs: str = AUTO
    keys: tuple[bytes, ...] = ()
    pan: bytes | None = None


NOTHING_SAID: Final = Options()


class _Head(NamedTuple):
    """What a MAC header says that is the same in every frame with the same octets in it."""

    pan: bytes
    source: bytes
    link: LinkInfo
    zigbee: bool  # its addresses are those of a Zigbee NWK or Green Power frame, so a look at the payload is needed


class Sieve:
    """Takes the records of one file in order, gives what is in them."""

    def __init__(self, read: Source, options: Options = NOTHING_SAID) -> None:
        self._read, self._options = read, options
        self.others: dict[bytes, None] = {}  # PANs that were heard, and are not the only one to be looked at
        self._trailers: dict[tuple[int, str], str] = {}  # by interface and source
        self._bare: dict[int, str] = {}  # interfaces that give a PSDU and nothing else -> what follows it
        self._adapters: dict[int, hci.Trace] = {}
        self._air = Air()
        self._openers: dict[bytes, Opener] = {}
        self._pieces = mpx.Pieces()
        self._recent: OrderedDict[bytes, float] = OrderedDict()
        # frame control field -> length of the header, and what headers say, by their octets behind the sequence number
        self._plans: dict[bytes, tuple[int, dict[bytes, _Head]]] = {}
        self._kept = 0  # headers in all plans
        self._pans: dict[bytes, bytes] = {}  # EUI-64 -> the PAN in which it was seen last

    def items(self) -> Iterator[Item]:
        """Everything in the file; ValueError if it is no capture or damaged."""
        bare = self._bare
        for record in self._read():
            number, time, _, psdu, length, interface = record
            known = None
            try:
                kind = bare.get(interface) if length == len(psdu) else None
                if kind == CRC:
                    psdu, behind = psdu[:-2], psdu[-2:]
                    kind = None if mac.fcs(psdu) != behind or not behind[-1] else kind
                if kind is not None:  # a bare PSDU: its header may have been seen before
                    known = self._known(number, time, psdu)
                if known is None:
                    yield from self._record(record)
                else:
                    yield known
            except NothingInside as reason:
                yield Skipped(number, TORN if isinstance(record, Torn) else str(reason))

    def _record(self, record: Record) -> Iterator[Item]:
        number, time, link_type, data, length, interface = record
        found = inside(link_type, data, length)
        if found.kind == PSDU:
            psdu = self._stripped(found, interface)
            kind = self._trailers.get((interface, found.source))
            if link_type in BARE and kind in {NONE, CRC} and len(self._bare) < _MOST_SOURCES:
                self._bare[interface] = kind
            payload = self._known(number, time, psdu)
            if payload is None:
                yield from self._psdu(number, time, psdu, found.slot, intact=kind in {CRC, CRC32})
            else:
                yield payload
        elif found.kind == HCI:
            if found.channel not in self._adapters and len(self._adapters) >= _MOST_ADAPTERS:
                raise NothingInside("more Bluetooth adapters than are followed")
            trace = self._adapters.setdefault(found.channel, hci.Trace())
            yield from self._sdus(record, trace.add(found.data, found.sent))
        elif found.kind == AIR:
            yield from self._sdus(record, self._air.add(found))
        elif not found.data:
            raise NothingInside("no payload")
        else:
            yield Payload(number, time, b"", found.data, LinkInfo(IEEE802154, found.src, found.dst))

    def _sdus(self, record: Record, sdus: list[Sdu]) -> Iterator[Item]:
        if not sdus:
            raise NothingInside(NO_SDU)
        for sdu in sdus:
            # both directions of a link share their contexts
            network = b"".join(sorted((sdu.link.src, sdu.link.dst)))
            yield Payload(record.number, record.time, network, *sdu)

    def _stripped(self, found: Inside, interface: int) -> bytes:
        """The PSDU without FCS; `NothingInside` if it is not all there or not intact."""
        kind = self.trailer(found, interface)
        if found.missing and not (kind == NONE and found.missing == 2 and found.fcs != NONE):
            raise NothingInside(CUT)
        psdu = trailer.cut(kind, found.data)
        if psdu is None:
            raise NothingInside(FCS_WRONG)
        return psdu

    @property
    def passed_over(self) -> bool:
        """True if octets behind frames were found to be no FCS, and are not read."""
        return not {trailer.FILLER, trailer.FILLER32}.isdisjoint(self._trailers.values())

    def trailer(self, found: Inside, interface: int) -> str:
        """What follows the PSDUs of this source at this interface: as told, or as the file shows (read once for it)."""
        if self._options.fcs != AUTO:
            # 4 octets where the capture says so
            told = self._options.fcs
            if found.fcs == CRC32:
                return {CRC: CRC32, SKIP: trailer.FILLER32}.get(told, told)
            return trailer.FILLER if told == SKIP else told
        key = interface, found.source
        kind = self._trailers.get(key)
        if kind is None:
            if len(self._trailers) >= _MOST_SOURCES:
                return found.fcs
            kind = self._trailers[key] = trailer.find_out(self._same(*key))
        return kind

    def _same(self, interface: int, source: str) -> Iterator[Inside]:
        with contextlib.suppress(ValueError):  # damage is said when the records come to it
            for _, _, link_type, data, length, heard in self._read():
                if heard != interface:
                    continue
                try:
                    found = inside(link_type, data, length)
                except NothingInside:
                    continue
                if found.kind == PSDU and found.source == source:
                    yield found

    def _known(self, number: int, time: float, psdu: bytes) -> Payload | None:
        """The payload of a plain data frame whose header was seen before; None: it is to be looked at in full."""
        plan = self._plans.get(psdu[:2])
        if plan is None:
            return None
        size, heads = plan
        head = heads.get(psdu[3:size])
        if head is None or len(psdu) <= size:
            return None
        pan, source, link, zigbee = head
        first = psdu[size]
        if not _LOWPAN[first] or (zigbee and first & 0x3C in {8, 12}):
            return None
        if len(source) == 8 and self._pans.get(source) != pan:
            return None
        recent = self._recent  # the same as `_repeated`, for a frame that was not there
        if psdu in recent:
            if self._repeated(psdu, time):
                raise NothingInside("a repetition")
        else:
            if len(recent) >= _BACK:
                recent.popitem(last=False)
            recent[psdu] = time
        return _payload_of((number, time, pan, psdu[size:], link))

    def _keep(self, psdu: bytes, header: mac.MacHeader, payload: bytes, pan: bytes, link: LinkInfo) -> None:
        """Remember a header that says all by itself: plain, with both addresses, a PAN and a sequence number."""
        plain = not header.security and not psdu[1] & 2 and header.sequence is not None  # bit 9: IE Present
        said = self._options == NOTHING_SAID and pan and BROADCAST not in {header.dst_pan, header.src_pan}
        if plain and said and header.src and header.dst and None in {header.dst_pan, header.src_pan}:
            size = len(psdu) - len(payload)
            if self._kept >= _MOST_HEADS:
                self._plans.clear()
                self._kept = 0
            # a frame control field says how long the header is
            heads = self._plans.setdefault(psdu[:2], (size, {}))[1]
            zigbee = len(header.src) == len(header.dst) == 2
            self._kept += psdu[3:size] not in heads
            heads[psdu[3:size]] = _Head(pan, header.src, link, zigbee)

    def _psdu(
        self, number: int, time: float, psdu: bytes, slot: int | None, *, intact: bool
    ) -> Iterator[Item]:
        if len(psdu) < 2:
            raise NothingInside("too short for a MAC header")
        kind, version = psdu[0] & 7, psdu[1] >> 4 & 3
        if kind != mac.DATA:
            raise NothingInside("not a data frame")
        if version == 3:
            raise NothingInside("other protocol (frame version 3)")
        try:
            header, payload = mac.parse(psdu)
        except DecodeError as error:
            if self._options.pan is not None:
                raise NothingInside("other network") from None
            if not intact:  # without a right FCS nothing tells it from noise, which nobody has sent
                raise NothingInside("damaged MAC header") from None
            yield Breach(
                number, b"", b"", "mac_header", None, "an 802.15.4 header", error.kind, error.message
            )
            return
        pan = self._network(header)
        if self._options.pan not in {None, pan, header.pan}:
            heard = pan or header.pan
            if heard and len(self.others) < _MOST_SOURCES:
                self.others[heard] = None
            raise NothingInside("other network")
        integrity = header.security and header.security_control & 3 > 0
        if self._options.keys:
            header, payload = self._opened(psdu, header, payload, pan, slot)
        elif header.security and header.security_control & 4:
            raise NothingInside(NO_KEY)
        if self._repeated(psdu, time):
            raise NothingInside("a repetition")
        link = frame.link_info(header)
        self._keep(psdu, header, payload, pan, link)
        payload = _lowpan(header, payload if header.mpx is None else self._unpacked(header, pan))
        if integrity and not link.integrity:
            link = replace(link, integrity=True)
        if not header.src or not header.dst:
            # RFC 4944 2: "both source and destination addresses are included in the IEEE 802.15.4 frame
            # header"
            missing = "source" if not header.src else "destination"
            yield Breach(
                number,
                pan,
                header.src,
                "mac_addresses",
                "RFC4944-2-04",
                "both addresses",
                missing,
                f"the frame has no {missing} address",
            )
        yield Payload(number, time, pan, payload, link)

    def _unpacked(self, header: mac.MacHeader, pan: bytes) -> bytes:
        """The 6LoWPAN payload in an MPX IE, or that which it is the last piece of."""
        assert header.mpx is not None
        transfer = mpx.parse(header.mpx)
        if transfer is None:
            raise NothingInside("damaged MPX IE")
        whole = self._pieces.add(pan, header.src, header.dst, transfer)
        if whole is None:
            raise NothingInside("MPX without the end of a frame")
        multiplex, payload = whole
        if multiplex != mpx.LOWPAN:
            raise NothingInside(f"other protocol (multiplex id {multiplex:04x})")
        return payload

    def _network(self, header: mac.MacHeader) -> bytes:
        """The PAN that a frame belongs to: as its header says, else where its EUI-64s were seen, else the only one."""
        pan = header.dst_pan
        if pan is None or (pan == BROADCAST and header.src_pan is not None):
            pan = header.src_pan
        ends = [address for address in (header.src, header.dst) if len(address) == 8]
        if pan is None or pan == BROADCAST:
            known = next((self._pans[address] for address in ends if address in self._pans), None)
            if known is None:
                all_pans = set(self._pans.values()) if len(self._pans) < 64 else set()
                known = all_pans.pop() if len(all_pans) == 1 else b""
            return known
        if len(header.src) == 8 and self._pans.get(header.src) != pan:
            if len(self._pans) >= _MOST_ADDRESSES:
                del self._pans[next(iter(self._pans))]
            self._pans[header.src] = pan
        return pan

    def _opened(
        self, psdu: bytes, header: mac.MacHeader, payload: bytes, pan: bytes, slot: int | None
    ) -> tuple[mac.MacHeader, bytes]:
        opener = self._openers.get(pan)
        if opener is None:
            if len(self._openers) >= _MOST_SOURCES:
                self._openers.clear()
            opener = self._openers[pan] = Opener(self._options.keys)
        opener.saw(header.src, header.dst)
        if not header.security:
            return header, payload
        try:
            return mac.parse(opener.open(psdu, header, slot))
        except (SecurityError, DecodeError) as error:
            raise NothingInside(f"secured, and not opened: {error}") from error

    def _repeated(self, psdu: bytes, time: float) -> bool:
        """True for a frame that was seen a moment ago: sent again by the MAC, or captured twice.

        It has the sequence number of the first one, so all its octets are the same.
        """
        recent = self._recent
        last = recent.pop(psdu, None)
        if last is None and len(recent) >= _BACK:
            recent.popitem(
                last=False
            )  # of a plain dict the first key is looked for behind all that were deleted
        recent[psdu] = time
        return last is not None and (abs(time - last) <= _SECONDS or math.isnan(time - last))


def _lowpan(header: mac.MacHeader, payload: bytes) -> bytes:
    """The 6LoWPAN payload of a data frame; `NothingInside` if that is another protocol's."""
    if not payload:
        raise NothingInside("no payload")
    first = payload[0]
    # Zigbee NWK frame control, least octet first: type (2 bits), protocol version (4 bits), discover route
    kind, version = first & 3, first >> 2 & 15
    if version == 3 and kind < 2 and not header.src and header.dst == BROADCAST:
        raise NothingInside("other protocol (Zigbee Green Power)")
    short = len(header.src) == len(header.dst) == 2
    if version == 2 and kind < 2 and not first & 0x80 and short and len(payload) >= 8:
        raise NothingInside("other protocol (Zigbee NWK)")
    if dispatch.KIND[first] == dispatch.NALP:
        # RFC 4944 5.1: "any LoWPAN node that encounters a dispatch value of 00xxxxxx shall discard the packet"
        raise NothingInside("no 6LoWPAN (NALP)")
    if dispatch.is_schc(payload):
        raise NothingInside("other protocol (SCHC)")
    return payload
