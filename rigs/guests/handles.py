"""Open sockets in a guest, as the host holds them: taps, UDP and raw ICMPv6, TCP ports and connections.

Strategy: a handle is a number and a queue that `client.AgentClient` fills; whoever closes one closes the socket there.
"""

from __future__ import annotations

import contextlib
import struct
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rigs.guests import series, wire

if TYPE_CHECKING:
    from rigs.guests.client import AgentClient


class TransportClosed(Exception):  # noqa: N818 - the contract's name for it
    """The port to the guest is closed: it powered off, crashed, or QEMU was ended."""


class AgentError(Exception):
    """The agent refused a request or did not answer in time; the text is the guest's own."""


@dataclass(frozen=True, slots=True)
class TapFrame:
    """One frame seen by a tap. `direction`: host, broadcast, multicast, otherhost (received), outgoing (sent)."""

    data: bytes
    time_ns: int
    direction: str


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram of a socket in the guest: UDP data, or an ICMPv6 message (then `port` is 0)."""

    data: bytes
    time_ns: int
    source: bytes
    port: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A series of datagrams: when the first and the last were sent, and how many the guest's kernel refused."""

    first_ns: int
    last_ns: int
    refused: int


class Handle:
    """An open socket in the guest. Use the subclasses; `close` may be called twice."""

    def __init__(self, client: AgentClient, number: int) -> None:
        """Made by `AgentClient` only."""
        self._client = client
        self.number = number
        self.faults: list[str] = []  #: what the guest said of sends that failed, in its own words
        self._queue: deque[tuple[int, bytes]] = deque()
        self._closed = False

    def close(self) -> None:
        """Close it in the guest; what has come is kept."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(
                TransportClosed, AgentError
            ):  # then the guest is gone, and the socket with it
                self._client.request(wire.CLOSE, struct.pack("!I", self.number))
            self._client.forget(self.number)

    def _next(self, deadline: float) -> tuple[int, bytes] | None:
        return self._client.take(self._queue, deadline)


class Tap(Handle):
    """An `AF_PACKET` socket: sees every frame of one interface either way, and puts frames on it."""

    trailer = 0  #: octets to cut off each frame received, such as the FCS on a monitor interface; none of "outgoing"

    def send(self, frame: bytes) -> None:
        """Put one frame on the interface. Does not wait; a refusal by the guest shows in `faults`."""
        self._client.post(wire.message(wire.SEND, self.number, frame))

    def receive(self, deadline: float) -> TapFrame | None:
        """Return the next frame, oldest first; None at `deadline` (`clock.now()`). Raises `TransportClosed`."""
        found = self._next(deadline)
        if found is None:
            return None
        body = found[1]
        (stamp,) = struct.unpack_from("!q", body, 1)
        direction = wire.DIRECTIONS[body[0]] if body[0] < len(wire.DIRECTIONS) else f"type {body[0]}"
        end = len(body) - (self.trailer if direction != "outgoing" else 0)
        return TapFrame(body[9:end], stamp, direction)

    def statistics(self) -> tuple[int, int]:
        """(seen, dropped) frames in the guest's kernel since the last question."""
        seen, dropped = struct.unpack(
            "!II", self._client.request(wire.STATISTICS, struct.pack("!I", self.number))
        )
        return seen, dropped


class DatagramSocket(Handle):
    """A UDP or raw ICMPv6 socket in the guest."""

    port: int = 0

    def send(self, destination: bytes, port: int, data: bytes) -> None:
        """Send `data` (for ICMPv6 from the type on; the kernel fills in the checksum). Does not wait."""
        body = wire.ENDPOINT.pack(destination, port) + data
        self._client.post(wire.message(wire.SEND, self.number, body))

    def send_series(
        self, destination: bytes, port: int, size: int, count: int, gap: float, timeout: float
    ) -> Sent:
        """Have the guest send numbered datagrams of `size` octets, `gap` seconds apart by its own clock; wait for it.

        Raises `AgentError`, also when they are not all sent within `timeout` seconds.
        """
        order = series.ORDER.pack(self.number, size, count, round(gap * 1e9))
        body = order + wire.ENDPOINT.pack(destination, port)
        return Sent(*series.REPORT.unpack(self._client.request(wire.SERIES, body, timeout)))

    def receive(self, deadline: float) -> Datagram | None:
        """Return the next datagram, oldest first; None at `deadline`. Raises `TransportClosed`."""
        found = self._next(deadline)
        if found is None:
            return None
        body = found[1]
        (stamp,) = struct.unpack_from("!q", body)
        source, port = wire.ENDPOINT.unpack_from(body, 8)
        return Datagram(body[8 + wire.ENDPOINT.size :], stamp, source, port)


class Listener(Handle):
    """A TCP port in the guest that accepts connections; what is sent and received is on the latest."""

    def send(self, data: bytes) -> None:
        """Send octets. Does not wait; a failure shows in `faults`."""
        self._client.post(wire.message(wire.SEND, self.number, data))

    def receive(self, deadline: float) -> bytes | None:
        """Return the next octets that came; None at `deadline`. Raises `TransportClosed`."""
        found = self._next(deadline)
        return found[1] if found else None


class Connection(Listener):
    """A TCP connection that the guest made; `send` may come before it is there."""
