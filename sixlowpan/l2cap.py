"""IPSP out of L2CAP frames: which channels of a connection carry it, and their SDUs.

The signalling channel shows which channels were opened to SPSM 0x0023 (the Internet Protocol Support Profile); the
K-frames of those channels carry SDUs, one IPv6 packet each (Bluetooth Core 5.4 Vol 3 Part A sections 3.4 and 4.22).
All tables are bounded. Where a trace does not tell the direction of a frame, the channel does: each end has its own
channel ids, and a frame names that of the end it goes to.
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
        self.requests: dict[tuple[bool, int], int] = {}  # (direction of the request, identifier) -> its CID
        # (direction, destination CID) -> SDU being put together, and its length once it is known
        self.channels: dict[tuple[bool, int], bytes] = {}
        self.wanted: dict[tuple[bool, int], int] = {}

    def add(self, piece: bytes, sent: bool, *, start: bool, sure: bool = True) -> list[Sdu]:
        """One piece of an L2CAP frame; `sure`: the trace told the direction, else it is a guess."""
        if not start:
            if not sure and sent not in self.pieces:
                sent = not sent
            if sent not in self.pieces:
                return []  # its beginning is not in the trace
            piece = self.pieces.pop(sent) + piece
        if len(piece) < 4 or len(piece) < 4 + int.from_bytes(piece[:2], "little"):
            self.pieces[sent] = piece  # its length field bounds it to 64 KiB
            return []
        self.pieces.pop(sent, None)
        length, cid = int.from_bytes(piece[:2], "little"), int.from_bytes(piece[2:4], "little")
        frame = piece[4 : 4 + length]
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
                self.requests[sent, identifier] = int.from_bytes(body[2:4], "little")
        elif code == 0x15 and len(body) >= 10:  # the response: Destination CID, MTU, MPS, credits, result
            source = self.requests.pop((not sent, identifier), None)
            if source is not None and body[8:10] == b"\0\0" and len(self.channels) < _MOST:
                for key in ((not sent, int.from_bytes(body[:2], "little")), (sent, source)):
                    self.channels[key] = b""
                    self.wanted.pop(key, None)

    def _k_frame(self, cid: int, frame: bytes, sent: bool) -> list[Sdu]:
        key = (sent, cid)
        if key not in self.channels:
            return []
        if key not in self.wanted:  # the first K-frame of an SDU begins with its length
            if len(frame) < 2:
                return []
            self.wanted[key], frame = int.from_bytes(frame[:2], "little"), frame[2:]
        sdu = self.channels[key] + frame
        if len(sdu) < self.wanted[key]:
            self.channels[key] = sdu
            return []
        self.channels[key] = b""
        wanted = self.wanted.pop(key)
        ends = (self.own, self.peer) if sent else (self.peer, self.own)
        return [Sdu(sdu[:wanted], LinkInfo(BLE, *ends))]
