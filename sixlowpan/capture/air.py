"""IPSP out of Bluetooth LE link-layer packets, as sniffers of the air write them.

A CONNECT_IND names both devices and the access address of their connection; the data packets under that address carry
pieces of L2CAP frames (Bluetooth Core 5.4 Vol 6 Part B sections 2.3, 2.4 and 4.5.9). What is sent again has the same
sequence number and the same octets, and counts once. Where a packet was missed, what it was a part of is not read, nor
is a connection that was encrypted.
"""

from __future__ import annotations

from typing import Final

from sixlowpan.capture.linktypes import Inside, NothingInside
from sixlowpan.l2cap import Connection, Sdu

_ADVERTISING: Final = 0x8E89BED6
_CONNECT_IND: Final = 5
_START_ENC_REQ: Final = 0x05
_MOST: Final = 64


class _Link:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.encrypted = False
        self.last: dict[bool, bytes] = {}  # by direction: the last packet


class Air:
    """Feed it link-layer packets in order; it gives the SDUs of IPSP channels."""

    def __init__(self) -> None:
        self._links: dict[int, _Link] = {}

    def add(self, inside: Inside) -> list[Sdu]:
        """One packet from access address to CRC; `NothingInside` where it is not read."""
        data = inside.data
        if len(data) < 9:
            raise NothingInside("damaged LE packet")
        address, length = int.from_bytes(data[:4], "little"), data[5]
        body = data[6 : 6 + length]
        if len(body) < length or len(data) < 6 + length + 3:
            raise NothingInside("damaged LE packet")
        if address == _ADVERTISING:
            if data[4] & 15 == _CONNECT_IND and length >= 34:
                self._link(int.from_bytes(body[12:16], "little"), body[:6][::-1], body[6:12][::-1])
                return []
            raise NothingInside("LE advertising")
        return self._data(self._link(address), data[4], body, inside)

    def _link(self, address: int, initiator: bytes = b"", advertiser: bytes = b"") -> _Link:
        if initiator or address not in self._links:
            while len(self._links) >= _MOST:
                del self._links[next(iter(self._links))]
            self._links[address] = _Link(Connection(initiator, advertiser))
        return self._links[address]

    def _data(self, link: _Link, header: int, body: bytes, inside: Inside) -> list[Sdu]:
        if header & 0x20:  # CTEInfo follows the header: `body` began with it
            body = inside.data[7 : 7 + len(body)]
        sent = inside.sent
        if sent is None:
            # stop-and-wait: the central acknowledges and sends anew at once, so its two bits are alike
            sent = (header >> 2 & 1) == (header >> 3 & 1)
        again, last = bytes((header & 11,)) + body, link.last.get(sent)
        link.last[sent] = again
        told = inside.sent is not None
        if told and last is not None and last != again and (last[0] ^ header) & 8 == 0:
            # two packets in a row with one sequence number: those between were missed
            link.connection.lost(sent)
        kind = header & 3
        if kind == 3:
            link.encrypted = link.encrypted or body[:1] == bytes((_START_ENC_REQ,))
            raise NothingInside("LE control")
        if not body:
            raise NothingInside("LE packet without data")
        if link.encrypted and not inside.decrypted:
            raise NothingInside("secured on the air")
        if last == again:
            raise NothingInside("a repetition")
        if kind not in {1, 2}:
            raise NothingInside("damaged LE packet")
        return link.connection.add(body, sent, start=kind == 2, sure=told)
