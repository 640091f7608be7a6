"""Inside the guest: datagrams at a steady rate, so that their sender is on the guest's clock, not on the host's."""

from __future__ import annotations

import struct
import time

TYPE_CHECKING = False  # the guest has neither typing nor collections.abc
if TYPE_CHECKING:
    import _socket

    Address = tuple[str, int, int, int]

_NUMBER = struct.Struct("!I")
#: First and last time of sending (ns, monotonic), and how many the kernel refused.
REPORT = struct.Struct("!QQI")
#: Handle, octets of each, how many, ns between two.
ORDER = struct.Struct("!IHIQ")


class Series:
    """Numbered datagrams of one size. One that is late is sent at once: the rate is kept over the whole."""

    def __init__(self, request: int, sock: _socket.socket, to: Address, order: tuple[int, int, int]) -> None:
        """`order`: octets of each (4 at least), how many (1 at least), ns between two. The first is due now."""
        self.request, self.sock, self._to = request, sock, to
        self._size, self._count, self._gap = order
        if self._size < _NUMBER.size or self._count < 1:
            raise OSError(22, "a series has one datagram at least, of 4 octets at least")
        self._began = time.monotonic_ns()
        self._sent = self._refused = 0
        self._first = self._last = 0

    def seconds_left(self) -> float:
        """Until the next one is due."""
        return max(0.0, (self._began + self._sent * self._gap - time.monotonic_ns()) / 1e9)

    def step(self) -> bytes | None:
        """Send the next one if it is due; the report once all are sent."""
        if self.seconds_left() > 0:
            return None
        self.sock.setblocking(True)
        try:
            now = time.monotonic_ns()
            self.sock.sendto(_NUMBER.pack(self._sent) + bytes(self._size - _NUMBER.size), self._to)
            self._first, self._last = self._first or now, now
        except OSError:
            self._refused += 1
        finally:
            self.sock.setblocking(False)
        self._sent += 1
        return REPORT.pack(self._first, self._last, self._refused) if self._sent == self._count else None
