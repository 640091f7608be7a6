"""Inside the guest: the frames of a tap, as many as there are in one system call.

Strategy: `recvmmsg`, by ctypes. For each frame Python's own `recvmsg` asks the kernel for the name of the interface,
and raises behind the last, which is slow under plain emulation. All memory is laid out once (x86-64: `struct mmsghdr`
has 64 octets), and what the kernel writes over is put back before each call.
"""

from __future__ import annotations

import _socket
import ctypes
import os
import struct
import time

from rigs.guests import wire

MOST = 16  # frames of one call
_SIZE = 1 << 16
_NAME, _CONTROL = 32, 64  # octets kept for each: struct sockaddr_ll has 20, and one stamp with its header 32
_DONTWAIT, _AGAIN = 0x40, 11
_HEADER = struct.Struct(
    "QI4xQQQQI4xI4x"
)  # name, its size, vector, its size, control, its size, flags; length
_RESULT = struct.Struct("40xQI4xI")  # of the same: size of control, flags, length
_KIND = struct.Struct("10xB")  # of struct sockaddr_ll
_STAMP = struct.Struct("8xiiqq")  # of struct cmsghdr: level, type; seconds, nanoseconds
_STAMPED = (1, 35)  # SOL_SOCKET, SO_TIMESTAMPNS
_TOLD = struct.Struct("!IBIBq")  # wire.HEADER, kind of packet, stamp
_OUTGOING = 4
_SOL_PACKET, _PACKET_STATISTICS = 263, 6


def statistics(tap: _socket.socket) -> bytes:
    """Frames seen and frames dropped by the kernel since the last question, 4 octets each."""
    return struct.pack("!II", *struct.unpack("=II", tap.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)))


class Frames:
    """Takes frames off taps. `epoch`: real time minus monotonic time, in ns."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._receive = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._names = ctypes.create_string_buffer(MOST * _NAME)
        self._controls = ctypes.create_string_buffer(MOST * _CONTROL)
        self._data = ctypes.create_string_buffer(MOST * _SIZE)
        self._octets = memoryview(self._data).cast("B")
        names, controls, data = map(ctypes.addressof, (self._names, self._controls, self._data))
        self._vectors = ctypes.create_string_buffer(
            b"".join(struct.pack("QQ", data + at * _SIZE, _SIZE) for at in range(MOST))
        )
        vectors = ctypes.addressof(self._vectors)
        self._fresh = b"".join(
            _HEADER.pack(
                *(names + at * _NAME, _NAME, vectors + 16 * at, 1),
                *(controls + at * _CONTROL, _CONTROL, 0, 0),
            )
            for at in range(MOST)
        )
        self._headers = ctypes.create_string_buffer(len(self._fresh))

    def tell(self, tap: int, telling: bytearray) -> tuple[int, bool]:
        """Put the messages of what a tap has heard behind `telling`: how many, and whether any is not our own sending.

        There may be more where it is `MOST`. Raises `OSError`.
        """
        headers = self._headers
        ctypes.memmove(headers, self._fresh, len(self._fresh))
        count = self._receive(tap, headers, MOST, _DONTWAIT, None)
        if count < 0:
            if (code := ctypes.get_errno()) == _AGAIN:
                return 0, False
            raise OSError(code, os.strerror(code))
        news = False
        for at in range(count):
            control, _, size = _RESULT.unpack_from(headers, at * _HEADER.size)
            (kind,) = _KIND.unpack_from(self._names, at * _NAME)
            level, what, seconds, nanoseconds = _STAMP.unpack_from(self._controls, at * _CONTROL)
            if control and (level, what) == _STAMPED:
                stamp = seconds * 1_000_000_000 + nanoseconds - self._epoch
            else:
                stamp = time.monotonic_ns()
            news |= kind != _OUTGOING
            telling += _TOLD.pack(size + 14, wire.FRAME, tap, kind, stamp)
            telling += self._octets[at * _SIZE : at * _SIZE + size]
        return count, news
