"""IPSP out of L2CAP frames: which channels of a connection carry it, and their SDUs.

The signalling channel shows which channels were opened to SPSM 0x0023 (the Internet Protocol Support Profile); the
K-frames of those channels carry SDUs, one IPv6 packet each (Bluetooth Core 5.4 Vol 3 Part A sections 3.4 and 4.22).
All tables are bounded. Where a trace does not tell the direction of a frame, the channel does: each end has its own
channel ids, and a frame names that of the end it goes to.

A sniffer misses packets, and nothing in a K-frame says whether an SDU begins with it. So behind what was missed (an
unfinished frame, a piece of none, an SDU of a wrong length, what `lost` is told) a channel is not read until its next
SDU is sure: behind a K-frame that is smaller than others, which ends one, or in one that holds a whole SDU.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sixlowpan.link import BLE, LinkInfo

IPSP: Final = 0x0023
SIGNALLING: Final = 0x0005
_MOST: Final = 64


class Sdu(NamedTuple):
    """One 6LoWPAN payload and the link it went over."""

    payload: bytes
    link: LinkInfo


class Connection:
    """One LE connection between `own` and `peer` (device addresses, big-endian); `sent` is from own to peer."""

    def __init__(self, own: bytes = b"", peer: bytes = b"") -> None:
        self.own, self.peer = own, peer
        self.pieces: dict[bool, bytes] = {}  # by direction: an L2CAP frame being put together
        # (direction of the request, identifier) -> its CID, and what an SDU may have there
        self.requests: dict[tuple[bool, int], tuple[int, int]] = {}
        # (direction, destination CID) -> SDU being put together, and its length once it is known
        self.channels: dict[tuple[bool, int], bytes] = {}
        self.wanted: dict[tuple[bool, int], int] = {}
        self._mtus: dict[tuple[bool, int], int] = {}
        self._largest: dict[tuple[bool, int], int] = {}  # octets of its largest K-frame
        self._unsure: set[tuple[bool, int]] = set()  # it is not known where its next SDU begins

    def lost(self, sent: bool, *, of_a_frame: bool = False) -> None:
        """Something of this direction is not in the trace: what is being put together is given up.

        `of_a_frame`: it was a part of some frame; else it may have been nothing that matters.
        """
        piece = self.pieces.pop(sent, None)
        of_a_frame = of_a_frame or (piece is not None and len(piece) < 4)
        cid = -1 if piece is None else _word(piece, 2)
        for key in self.channels:
            if key[0] == sent and (of_a_frame or key in self.wanted or key[1] == cid):
                self._give_up(key)

    def _give_up(self, key: tuple[bool, int]) -> None:
        self.channels[key] = b""
        self.wanted.pop(key, None)
        self._unsure.add(key)

    def add(self, piece: bytes, sent: bool, *, start: bool, sure: bool = True) -> list[Sdu]:
        """One piece of an L2CAP frame; `sure`: the trace told the direction, else it is a guess."""
        if not start:
            if not sure and sent not in self.pieces:
                sent = not sent
            if sent not in self.pieces:
                if sure:
                    self.lost(sent, of_a_frame=True)  # its beginning is not in the trace
                return []
            piece = self.pieces.pop(sent) + piece
        elif sure and sent in self.pieces:
            self.lost(sent)
        if len(piece) < 4 or len(piece) < 4 + int.from_bytes(piece[:2], "little"):
            self.pieces[sent] = piece  # its length field bounds it to 64 KiB
            return []
        self.pieces.pop(sent, None)
        length, cid = int.from_bytes(piece[:2], "little"), int.from_bytes(piece[2:4], "little")
        frame = piece[4 : 4 + length]
        if sure and len(piece) > 4 + length:
            self.lost(sent)
            return []
        if cid == SIGNALLING:
            self._signal(frame, sent)
            return []
        if not sure and (sent, cid) not in self.channels:
            sent = not sent
        return self._k_frame(cid, frame, sent)

    def _signal(self, frame: bytes, sent: bool) -> None:
        if len(frame) < 4:
            return
        code, identifier, body = frame[0], frame[1], frame[4:]
        if code == 0x14 and len(body) >= 10 and int.from_bytes(body[:2], "little") == IPSP:
            # LE Credit Based Connection Request: SPSM, Source CID, MTU, MPS, credits
            if len(self.requests) < _MOST:
                self.requests[sent, identifier] = _word(body, 2), _word(body, 4)
        elif code == 0x15 and len(body) >= 10:  # the response: Destination CID, MTU, MPS, credits, result
            source = self.requests.pop((not sent, identifier), None)
            if source is not None and body[8:10] == b"\0\0" and len(self.channels) < _MOST:
                there = (not sent, _word(body, 0)), _word(body, 2)
                for key, mtu in (there, ((sent, source[0]), source[1])):
                    self.channels[key], self._mtus[key] = b"", mtu
                    self.wanted.pop(key, None)
                    self._unsure.discard(key)

    def _k_frame(self, cid: int, frame: bytes, sent: bool) -> list[Sdu]:
        key = (sent, cid)
        if key not in self.channels or not self._begins(key, frame):
            return []
        first = key not in self.wanted
        if first:  # the first K-frame of an SDU begins with its length
            if len(frame) < 2:
                return []
            self.wanted[key] = _word(frame, 0)
        sdu, wanted = self.channels[key] + frame[2 * first :], self.wanted[key]
        # one that is whole in itself may stand in the place of an end that was missed
        doubtful = len(sdu) == wanted and not first and len(frame) > 2 and _whole(frame)
        if len(sdu) > wanted or wanted > self._mtus[key] or doubtful:
            self._give_up(key)
            return []
        self.channels[key] = sdu
        if len(sdu) < wanted:
            return []
        self.channels[key] = b""
        del self.wanted[key]
        ends = (self.own, self.peer) if sent else (self.peer, self.own)
        return [Sdu(sdu, LinkInfo(BLE, *ends))]

    def _begins(self, key: tuple[bool, int], frame: bytes) -> bool:
        """True if it is known what this K-frame is: always, but behind something that is not in the trace."""
        smaller = len(frame) < self._largest.get(key, 0)
        self._largest[key] = max(self._largest.get(key, 0), len(frame))
        if key not in self._unsure:
            return True
        whole = _whole(frame)
        if whole or smaller:
            self._unsure.discard(key)
        return whole


def _whole(frame: bytes) -> bool:
    """True for a K-frame that holds an SDU, or seems to."""
    return len(frame) > 1 and _word(frame, 0) == len(frame) - 2


def _word(octets: bytes, at: int) -> int:
    return int.from_bytes(octets[at : at + 2], "little")
