"""IPSP out of a Bluetooth HCI trace: which L2CAP channel it is, and its SDUs.

HCI ACL packets carry pieces of L2CAP frames; the signalling channel shows which channels were opened to
SPSM 0x0023 (the Internet Protocol Support Profile); the K-frames of those channels carry SDUs, one IPv6
packet each. Addresses come from LE Connection Complete and Read BD_ADDR. All tables are bounded.
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


class _Connection:
    def __init__(self, peer: bytes) -> None:
        self.peer = peer
        self.pieces: dict[bool, bytes] = {}  # by direction: an L2CAP frame being put together
        self.requests: dict[tuple[bool, int], int] = {}  # (direction of the request, identifier) -> its CID
        self.channels: dict[
            tuple[bool, int], bytes
        ] = {}  # (direction, destination CID) -> SDU being put together
        self.wanted: dict[tuple[bool, int], int] = {}  # the same -> length of that SDU


class Trace:
    """Feed it HCI packets in order; it gives the SDUs of IPSP channels."""

    def __init__(self) -> None:
        self.own = b""
        self._connections: dict[int, _Connection] = {}

    def add(self, packet: bytes, sent: bool) -> list[Sdu]:
        """One HCI packet with its H4 type octet; `sent`: from host to controller."""
        if len(packet) < 4:
            return []
        if packet[0] == 4:
            self._event(packet[1:])
        elif packet[0] == 2 and len(packet) >= 5:
            return self._acl(packet[1:], sent)
        return []

    def _event(self, event: bytes) -> None:
        code, body = event[0], event[2:]
        if code == 0x0E and len(body) >= 10 and body[1:3] == b"\x09\x10" and body[3] == 0:  # Read BD_ADDR
            self.own = body[4:10][::-1]
        elif code == 0x3E and len(body) >= 18 and body[0] in {0x01, 0x0A} and body[1] == 0:
            # LE (Enhanced) Connection Complete
            handle = int.from_bytes(body[2:4], "little") & 0xFFF
            if body[0] == 0x0A and len(body) >= 30 and any(body[12:18]):
                self.own = body[12:18][::-1]  # local resolvable private address
            while len(self._connections) >= _MOST:
                del self._connections[next(iter(self._connections))]
            self._connections[handle] = _Connection(body[6:12][::-1])
        elif code == 0x05 and len(body) >= 4:  # Disconnection Complete
            self._connections.pop(int.from_bytes(body[1:3], "little") & 0xFFF, None)

    def _acl(self, data: bytes, sent: bool) -> list[Sdu]:
        word = int.from_bytes(data[:2], "little")
        connection = (
            self._connections.setdefault(word & 0xFFF, _Connection(b"")) if self._room(word) else None
        )
        if connection is None:
            return []
        piece = data[4:]
        if word >> 12 & 3 == 1:  # continuing fragment
            piece = connection.pieces.pop(sent, b"") + piece
        if len(piece) < 4 or len(piece) < 4 + int.from_bytes(piece[:2], "little"):
            connection.pieces[sent] = piece  # its length field bounds it to 64 KiB
            return []
        connection.pieces.pop(sent, None)
        length, cid = int.from_bytes(piece[:2], "little"), int.from_bytes(piece[2:4], "little")
        frame = piece[4 : 4 + length]
        if cid == SIGNALLING:
            self._signal(connection, frame, sent)
            return []
        return self._k_frame(connection, cid, frame, sent)

    def _room(self, word: int) -> bool:
        return word & 0xFFF in self._connections or len(self._connections) < _MOST

    def _signal(self, connection: _Connection, frame: bytes, sent: bool) -> None:
        if len(frame) < 4:
            return
        code, identifier, body = frame[0], frame[1], frame[4:]
        if code == 0x14 and len(body) >= 10 and int.from_bytes(body[:2], "little") == IPSP:
            # LE Credit Based Connection Request: SPSM, Source CID, MTU, MPS, credits
            if len(connection.requests) < _MOST:
                connection.requests[sent, identifier] = int.from_bytes(body[2:4], "little")
        elif code == 0x15 and len(body) >= 10:  # the response: Destination CID, MTU, MPS, credits, result
            source = connection.requests.pop((not sent, identifier), None)
            if source is not None and body[8:10] == b"\0\0" and len(connection.channels) < _MOST:
                connection.channels[not sent, int.from_bytes(body[:2], "little")] = b""
                connection.channels[sent, source] = b""

    def _k_frame(self, connection: _Connection, cid: int, frame: bytes, sent: bool) -> list[Sdu]:
        key = (sent, cid)
        if key not in connection.channels:
            return []
        if key not in connection.wanted:  # the first K-frame of an SDU begins with its length
            if len(frame) < 2:
                return []
            connection.wanted[key], frame = int.from_bytes(frame[:2], "little"), frame[2:]
        sdu = connection.channels[key] + frame
        if len(sdu) < connection.wanted[key]:
            connection.channels[key] = sdu
            return []
        connection.channels[key] = b""
        wanted = connection.wanted.pop(key)
        ends = (self.own, connection.peer) if sent else (connection.peer, self.own)
        return [Sdu(sdu[:wanted], LinkInfo(BLE, *ends))]
