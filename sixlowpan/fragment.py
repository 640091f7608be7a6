"""Fragmentation and reassembly (RFC 4944 section 5.3).

Fragmenting: offsets and sizes count octets of the datagram BEFORE compression, so the first fragment is
laid out by what its compressed headers stand for. Reassembling: one entry for each key of four (source,
destination, datagram_size, datagram_tag); fragments are placed by their offset in a buffer of datagram_size
octets, in any order, and the datagram is whole when every octet is covered. Time is an argument; entries
are kept in order of their first fragment, so expiry looks at the oldest only; memory is bounded by
`max_datagrams` buffers of at most 2,047 octets.
"""

from __future__ import annotations

from typing import Final

from sixlowpan import codec, compress, dispatch, mesh
from sixlowpan.contexts import NO_CONTEXTS, Contexts
from sixlowpan.errors import MALFORMED, DecodeError, EncodeError, truncated
from sixlowpan.ipv6 import UDP, checksum
from sixlowpan.link import BLE, LinkInfo
from sixlowpan.nhc import Expanded, elided_checksum

Key = tuple[bytes, bytes, int, int]
TIMEOUT: Final = 60.0  # RFC 4944 5.3: "The reassembly timeout MUST be set to a maximum of 60 seconds"
MAX_SIZE: Final = 2047  # 11 bits


def fragment_header_1(size: int, tag: int) -> bytes:
    """FRAG1: 11000, 11-bit datagram_size, 16-bit datagram_tag (Figure 4)."""
    _check_fields(size, tag)
    return (0xC000 | size).to_bytes(2, "big") + tag.to_bytes(2, "big")


def fragment_header_n(size: int, tag: int, offset_units: int) -> bytes:
    """FRAGN: 11100, datagram_size, datagram_tag, 8-bit datagram_offset in units of 8 octets (Figure 5)."""
    _check_fields(size, tag)
    if not 0 <= offset_units <= 255:
        raise EncodeError("datagram_offset has 8 bits")
    return (0xE000 | size).to_bytes(2, "big") + tag.to_bytes(2, "big") + bytes((offset_units,))


def _check_fields(size: int, tag: int) -> None:
    if not 0 <= size <= MAX_SIZE or not 0 <= tag <= 0xFFFF:
        raise EncodeError("datagram_size has 11 bits, datagram_tag 16")


def fragment(
    packet: bytes,
    link: LinkInfo,
    contexts: Contexts = NO_CONTEXTS,
    *,
    mtu: int,
    tag: int,
    payload: bytes | None = None,
    ghc: bool = False,
) -> list[bytes]:
    """The payloads that carry `packet` where one payload has room for `mtu` octets.

    `payload` is the form to be cut (default: `encode`, or the next larger form whose headers fit the first
    fragment). If it fits it goes alone: "the LoWPAN encapsulation should not contain a fragmentation
    header". `ghc` as in `encode`: then the first fragment may carry a part of the payload by GHC. EncodeError if the
    packet has more than 2,047 octets, or if nothing fits, or on Bluetooth LE, where fragments are not used.
    """
    chosen = codec.encode(packet, link, contexts, ghc=ghc) if payload is None else payload
    if len(chosen) <= mtu:
        return [chosen]
    if link.kind == BLE:
        raise EncodeError("RFC 7668 section 3: fragmentation is not used on Bluetooth LE")
    size = len(packet)
    room = mtu - 4
    header = fragment_header_1(size, tag)
    cut: tuple[int, int] | None
    packed = compress.packed_prefix(packet, link, contexts, room) if ghc and payload is None else None
    if packed is not None:
        chosen, cut = packed[0], (len(packed[0]), packed[1])
    else:
        cut = _cut(chosen, size, link, contexts, room)
    if cut is None and payload is None:
        # RFC 6282 2: "any header that cannot fit within the first fragment MUST NOT be compressed"
        from sixlowpan.forms import fallbacks

        for chosen in fallbacks(packet, link, contexts):
            cut = _cut(chosen, size, link, contexts, room)
            if cut is not None:
                break
    step = (mtu - 5) // 8 * 8
    if cut is None or step < 8:
        raise EncodeError(f"the headers do not fit the first fragment of {mtu} octets")
    octets, covered = cut
    fragments = [header + chosen[:octets]]
    fragments += [
        fragment_header_n(size, tag, offset // 8) + packet[offset : offset + step]
        for offset in range(covered, size, step)
    ]
    return fragments


def _cut(payload: bytes, size: int, link: LinkInfo, contexts: Contexts, room: int) -> tuple[int, int] | None:
    """(octets of `payload` in the first fragment, octets of the datagram they stand for), or None if too tight."""
    try:
        found = codec.first_part(payload, 0, link, contexts)
    except DecodeError as error:
        raise EncodeError(f"the payload does not decode: {error}") from error
    if len(found.octets) != size:
        raise EncodeError(f"the payload stands for {len(found.octets)} octets, the packet has {size}")
    # "all link fragments for a datagram except the last one MUST be multiples of eight bytes in length"
    covered = (found.headers + room - found.consumed) // 8 * 8
    if room < found.consumed or covered < max(found.headers, 8):
        return None
    return found.consumed + covered - found.headers, covered


class _Datagram:
    """What is there of one datagram."""

    __slots__ = ("buffer", "first", "integrity", "name", "pieces", "received", "started")

    def __init__(self, size: int, started: float) -> None:
        self.buffer = bytearray(
            size
        )  # "The size of the reassembly buffer SHALL be determined from datagram_size."
        self.pieces: dict[int, int] = {}  # begin -> end
        self.received = 0
        self.started = started
        self.first: Expanded | None = None
        self.name: object = None
        self.integrity = True


class Reassembler:
    """Takes payloads as they come, gives packets as they are complete.

    `timeout` in seconds (at most 60 to conform); `max_datagrams` bounds what is kept: the oldest goes first.
    """

    def __init__(self, timeout: float = TIMEOUT, max_datagrams: int = 64) -> None:
        self.timeout = timeout
        self.max_datagrams = max_datagrams
        self.overlaps = 0  # fragments that overlapped another one, whose datagram was discarded
        self._datagrams: dict[Key, _Datagram] = {}

    @property
    def pending(self) -> int:
        """How many datagrams are begun and not complete."""
        return len(self._datagrams)

    @property
    def keys(self) -> list[Key]:
        """(source, destination, size, tag) of each of them, oldest first."""
        return list(self._datagrams)

    def clear(self) -> None:
        """Forget everything: RFC 4944 5.3 asks for it on disassociation."""
        self._datagrams.clear()

    def expire(self, now: float) -> list[Key]:
        """Drop what has waited for `timeout` since its first fragment; return the keys dropped."""
        # "When this time expires, if the entire packet has not been reassembled, the existing fragments
        # MUST be discarded and the reassembly state MUST be flushed."
        gone = []
        for key, datagram in self._datagrams.items():
            if now - datagram.started < self.timeout:
                break
            gone.append(key)
        for key in gone:
            del self._datagrams[key]
        return gone

    def receive(
        self,
        payload: bytes,
        link: LinkInfo,
        contexts: Contexts = NO_CONTEXTS,
        now: float = 0.0,
        name: object = None,
    ) -> bytes | None:
        """The packet that this payload is or completes, or None while pieces are missing; DecodeError if it is bad.

        A bad fragment is dropped and changes nothing. `name` is what the caller calls this payload; an
        error that is found later in a FRAG1 carries its name as `error.frame`.
        """
        if self._datagrams:
            self.expire(now)
        if payload and payload[0] >> 5 == 3:
            return codec.decode(payload, link, contexts)
        at, link = mesh.unwrap(payload, link)
        kind = dispatch.KIND[payload[at]]
        if kind not in {dispatch.FRAG1, dispatch.FRAGN}:
            return codec.datagram(payload, at, link, contexts)
        if link.kind == BLE:
            raise codec.fragment_refusal(at, link)
        return self._fragment(payload, at, kind, link, contexts, now, name)

    def _fragment(
        self, payload: bytes, at: int, kind: str, link: LinkInfo, contexts: Contexts, now: float, name: object
    ) -> bytes | None:
        behind = at + (4 if kind == dispatch.FRAG1 else 5)
        if len(payload) <= behind:
            row = "RFC4944-5.3-05" if kind == dispatch.FRAG1 else "RFC4944-5.3-07"
            raise truncated(len(payload), row, f"{kind}: its header and at least one octet")
        size = (payload[at] & 7) << 8 | payload[at + 1]
        tag = payload[at + 2] << 8 | payload[at + 3]
        if size < 40:
            # "this SHALL be 40 octets (the size of the uncompressed IPv6 header) more than the value of
            # Payload Length"
            message = f"datagram_size {size} is less than an IPv6 header"
            raise DecodeError(MALFORMED, at, "RFC4944-5.3-10", message)
        first: Expanded | None = None
        if kind == dispatch.FRAG1:
            if dispatch.KIND[payload[behind]] in {
                dispatch.MESH,
                dispatch.BC0,
                dispatch.FRAG1,
                dispatch.FRAGN,
            }:
                message = f"{dispatch.KIND[payload[behind]]} comes behind {kind}"
                raise DecodeError(MALFORMED, behind, "RFC4944-5-02", message)
            first = codec.first_part(payload, behind, link, contexts, size)
            begin, octets = 0, first.octets
            if not octets:
                message = "FRAG1 has a dispatch octet behind it, and no octet of the datagram"
                raise DecodeError(MALFORMED, behind, "RFC4944-5.3-05", message)
        else:
            begin, octets = payload[at + 4] * 8, payload[behind:]
            if not begin:
                message = "datagram_offset 0: the start of a datagram goes in a FRAG1"
                raise DecodeError(MALFORMED, at + 4, "RFC4944-5.3-04", message)
        end = begin + len(octets)
        if end > size:
            message = f"a fragment of octets {begin} to {end - 1} ends beyond datagram_size {size}"
            raise DecodeError(MALFORMED, at, "RFC4944-5.3-20", message)
        if end % 8 and end != size:
            # "all link fragments for a datagram except the last one MUST be multiples of eight bytes in
            # length"
            message = f"a fragment that is not the last ends at octet {end}, no multiple of 8"
            raise DecodeError(MALFORMED, at, "RFC4944-5.3-03", message)
        datagram = self._place((link.src, link.dst, size, tag), begin, end, now)
        if datagram is None:
            return None
        datagram.buffer[begin:end] = octets
        datagram.integrity = datagram.integrity and link.integrity
        if first is not None:
            datagram.first, datagram.name = first, name
        return self._complete((link.src, link.dst, size, tag), datagram, at)

    def _place(self, key: Key, begin: int, end: int, now: float) -> _Datagram | None:
        """The entry that takes octets `begin` to `end`, or None for an exact duplicate."""
        datagram = self._datagrams.get(key)
        if datagram is not None:
            if datagram.pieces.get(begin) == end:
                return None
            if any(begin < other_end and other < end for other, other_end in datagram.pieces.items()):
                # "If a link fragment that overlaps another fragment is received ... and differs in either
                # the size or datagram_offset of the overlapped fragment, the fragment(s) already
                # accumulated in the reassembly buffer SHALL be discarded. A fresh reassembly may be
                # commenced with the most recently received"
                del self._datagrams[key]
                datagram = None
                self.overlaps += 1
        if datagram is None:
            while len(self._datagrams) >= self.max_datagrams:
                del self._datagrams[next(iter(self._datagrams))]
            datagram = self._datagrams[key] = _Datagram(key[2], now)
        datagram.pieces[begin] = end
        datagram.received += end - begin
        return datagram

    def _complete(self, key: Key, datagram: _Datagram, at: int) -> bytes | None:
        if datagram.received < len(datagram.buffer):
            return None
        del self._datagrams[key]
        first = datagram.first
        assert first is not None, "octet 0 comes in a FRAG1 only"
        buffer = datagram.buffer
        try:
            if first.checksum_at:
                if not datagram.integrity:
                    elided_checksum(LinkInfo("ieee802154"), at)
                start = first.checksum_at - 6
                value = checksum(*first.addresses, UDP, bytes(buffer[start:]))
                buffer[first.checksum_at : first.checksum_at + 2] = value.to_bytes(2, "big")
        except DecodeError as error:
            error.frame = datagram.name
            raise
        return bytes(buffer)
