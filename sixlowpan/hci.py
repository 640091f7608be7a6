"""IPSP out of a Bluetooth HCI trace: connections and the pieces of their L2CAP frames.

HCI ACL packets carry pieces of L2CAP frames; addresses come from LE Connection Complete and Read BD_ADDR. All tables
are bounded. A trace without directions shows them all the same: the first piece of a frame has boundary flag 00 from
the host and 10 from the controller (Bluetooth Core 5.4 Vol 4 Part E section 5.4.2).
"""

from __future__ import annotations

from typing import Final

from sixlowpan.l2cap import Connection, Sdu

_MOST: Final = 64


class Trace:
    """Feed it HCI packets of one adapter in order; it gives the SDUs of IPSP channels."""

    def __init__(self) -> None:
        self.own = b""
        self._connections: dict[int, Connection] = {}
        self._last: dict[int, bool] = {}  # direction of the last first piece, by connection

    def add(self, packet: bytes, sent: bool | None = None) -> list[Sdu]:
        """One HCI packet with its H4 type octet; `sent`: from host to controller, None: not told."""
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
                self._forget(next(iter(self._connections)))
            self._connections[handle] = Connection(self.own, body[6:12][::-1])
        elif code == 0x05 and len(body) >= 4:  # Disconnection Complete
            self._forget(int.from_bytes(body[1:3], "little") & 0xFFF)

    def _forget(self, handle: int) -> None:
        self._connections.pop(handle, None)
        self._last.pop(handle, None)

    def _acl(self, data: bytes, sent: bool | None) -> list[Sdu]:
        word = int.from_bytes(data[:2], "little")
        handle, boundary = word & 0xFFF, word >> 12 & 3
        if handle not in self._connections:
            if len(self._connections) >= _MOST:
                return []
            self._connections[handle] = Connection(self.own)
        told = sent is not None
        if sent is None:
            sent = self._last.get(handle, True) if boundary == 1 else boundary == 0
        if boundary != 1:
            self._last[handle] = sent
        return self._connections[handle].add(data[4:], sent, start=boundary != 1, sure=told)
