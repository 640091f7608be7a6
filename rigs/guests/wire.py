"""The wire format between host and agent; both import this module, so there is one truth about it.

Both ways: length (4 octets, big-endian, of what follows), kind (1), number (4), body. For a request the number is
chosen by the host and comes back in its reply; for everything else it is a handle, which stands for one open socket
in the guest. Times are nanoseconds on the guest's CLOCK_MONOTONIC. Bodies: see the methods of `agent.Agent`.

It runs in the guest too, so it imports next to nothing.
"""

from __future__ import annotations

import struct

VERSION = 5
HEADER = struct.Struct("!IBI")
MAX_BODY = 1 << 20

# Requests, host to guest. Body: see `Agent._requests`.
RUN, TAP, UDP, ICMP, TCP_LISTEN, JOIN, CLOSE, STATISTICS, CLOCK, CANCEL, SERIES, CONNECT = range(1, 13)
READ, WRITE, AWAIT, HCI, TURNS = range(13, 18)
# One-way, host to guest.
SEND, GO = 20, 21
# Guest to host.
READY, REPLY, REFUSED, FRAME, DATAGRAM, FAULT, STREAM, HELD = range(30, 38)

ENDPOINT = struct.Struct("!16sH")  # address, port (or ICMPv6 type and code, in this order, one octet each)
STAMP = struct.Struct("!qq")  # monotonic, real time
DIRECTIONS = ("host", "broadcast", "multicast", "otherhost", "outgoing")  # PACKET_* 0 to 4


class ProtocolError(Exception):
    """The octets on the port are not ours: one end has lost step, and there is no way back."""


def message(kind: int, number: int, body: bytes = b"") -> bytes:
    """Return one message ready for the port."""
    return HEADER.pack(len(body) + 5, kind, number) + body


def text(*parts: str | bytes) -> bytes:
    """Strings as the bodies carry them: 2 octets of length, then UTF-8."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(struct.pack("!H", len(part)) + part for part in encoded)


def take_text(body: bytes) -> tuple[str, bytes]:
    """Undo `text` for one string: (string, what follows)."""
    (size,) = struct.unpack_from("!H", body)
    if len(body) < 2 + size:
        raise ProtocolError("a string is cut off")
    return body[2 : 2 + size].decode("utf-8", "replace"), body[2 + size :]


class Splitter:
    """Turns octets, in whatever pieces they come, into (kind, number, body)."""

    def __init__(self) -> None:
        """Start with nothing received."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Return the messages that `data` completes. Raises `ProtocolError` at what cannot be a message."""
        buffer = self._buffer
        buffer += data
        found = []
        at = 0
        while len(buffer) - at >= HEADER.size:
            length, kind, number = HEADER.unpack_from(buffer, at)
            if not 5 <= length <= MAX_BODY + 5 or not RUN <= kind <= HELD:
                raise ProtocolError(f"no message begins with {bytes(buffer[at : at + HEADER.size]).hex()}")
            if len(buffer) - at < 4 + length:
                break
            found.append((kind, number, bytes(buffer[at + HEADER.size : at + 4 + length])))
            at += 4 + length
        del buffer[:at]
        return found
