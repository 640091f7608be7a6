"""One end of one TCP connection: segments in, segments out (RFC 9293). No socket, no clock, no IPv6.

Strategy: as much as measuring needs and no more: handshake, in-order data, cumulative acknowledgements, a fixed window,
go-back retransmission on a timer that doubles, and FIN. Segments carry no checksum here; whoever has the addresses
writes it. What a bench wants to be told is counted: retransmissions, and the time at which each octet was acknowledged.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
PROTOCOL: Final = 6
_HEADER: Final = struct.Struct("!HHIIBBHHH")
_WORD: Final = 0xFFFFFFFF
_FIRST_TIMEOUT: Final = 1.0  # RFC 6298 §2: until a round trip was measured
_TRIES: Final = 6

State = Literal["closed", "listen", "syn-sent", "syn-received", "established", "finished"]


@dataclass(slots=True)
class Tcp:
    """One end. `send_segment` gets each segment, checksum zero; `now` is an argument of all that takes time."""

    here: int
    there: int
    send_segment: Callable[[bytes], None]
    start: int = 0
    mss: int = 1220
    window: int = 8192

    state: State = "closed"
    #: All that came, in order.
    received: bytearray = field(default_factory=bytearray)
    #: Whether the peer has sent its FIN, and all in front of it has come.
    ended: bool = False
    retransmissions: int = 0
    #: (time, octets acknowledged in all) at each acknowledgement that was new.
    progress: list[tuple[float, int]] = field(default_factory=list)
    _to_send: bytearray = field(default_factory=bytearray)
    _fin: bool = False
    _base: int = 0  # sequence number of _to_send[0]: the first octet that nobody acknowledged
    _flight: int = 0  # octets of _to_send that are on their way
    _next: int = 0  # what we expect
    _peer_window: int = 0
    _peer_mss: int = 536
    _timer: float | None = None
    _timeout: float = _FIRST_TIMEOUT
    _tries: int = 0
    _acknowledged: int = 0

    # -- what its owner does ----------------------------------------------------------------------------------

    def listen(self) -> None:
        """Wait for a SYN."""
        self.state = "listen"

    def open(self, now: float) -> None:
        """Send a SYN."""
        self.state, self._base = "syn-sent", self.start
        self._segment(SYN, self._base, options=struct.pack("!BBH", 2, 4, self.mss))
        self._arm(now)

    def send(self, data: bytes, now: float) -> None:
        """Send octets, as soon as the peer's window allows."""
        self._to_send += data
        self._push(now)

    def finish(self, now: float) -> None:
        """Send a FIN behind all that is to be sent."""
        self._fin = True
        self._push(now)

    def abort(self) -> None:
        """Send a reset, and be closed: with the number that the peer expects, wherever it is in what is on its way."""
        if self.state not in {"closed", "listen"}:
            for sequence in dict.fromkeys((self._base, self._base + self._flight & _WORD)):
                self._segment(RST | ACK, sequence)
        self.state, self._timer = "closed", None

    def refuse(self, segment: bytes) -> None:
        """Answer a segment for no connection: a reset (RFC 9293 §3.10.7.1)."""
        _, _, sequence, acknowledged, offset, flags, _, _, _ = _HEADER.unpack_from(segment)
        octets = len(segment) - (offset >> 4) * 4 + bool(flags & SYN) + bool(flags & FIN)
        self._next = sequence + octets & _WORD
        self._segment(RST | (0 if flags & ACK else ACK), acknowledged if flags & ACK else 0)

    @property
    def unacknowledged(self) -> int:
        """Octets (and the FIN) that were given to `send` and not acknowledged yet."""
        return len(self._to_send) + self._fin

    def due(self) -> float | None:
        """When `tick` has something to do."""
        return self._timer

    def tick(self, now: float) -> None:
        """Send again what was not acknowledged in time."""
        if self._timer is None or now < self._timer:
            return
        self._tries += 1
        if self._tries > _TRIES:
            self.state, self._timer = "closed", None
            return
        self._timeout *= 2
        self.retransmissions += 1
        self._arm(now)
        if self.state in {"syn-sent", "syn-received"}:
            flags = SYN if self.state == "syn-sent" else SYN | ACK
            self._segment(flags, self.start, options=struct.pack("!BBH", 2, 4, self.mss))
        else:
            self._flight = 0
            self._push(now)

    # -- what comes -------------------------------------------------------------------------------------------

    def hear(self, segment: bytes, now: float) -> None:
        """Take one segment in; what is not for this connection is ignored."""
        if len(segment) < 20 or (segment[:2] != self.there.to_bytes(2) and self.state != "listen"):
            return
        source, port, sequence, acknowledged, offset, flags, window, _, _ = _HEADER.unpack_from(segment)
        at = (offset >> 4) * 4
        if port != self.here or at < 20 or at > len(segment):
            return
        if flags & RST:
            self.state, self._timer = "closed", None
            return
        if self.state == "listen" and flags & (SYN | ACK) == SYN:
            self.there, self._base, self._next = source, self.start, sequence + 1 & _WORD
            self._heard_options(segment[20:at])
            self.state = "syn-received"
            self._peer_window = window
            self._segment(SYN | ACK, self._base, options=struct.pack("!BBH", 2, 4, self.mss))
            self._arm(now)
            return
        if self.state == "syn-sent" and flags & (SYN | ACK) == SYN | ACK:
            self._next = sequence + 1 & _WORD
            self._heard_options(segment[20:at])
            self.state = "established"
            self._base, self._timer, self._tries, self._timeout = (
                self.start + 1 & _WORD,
                None,
                0,
                _FIRST_TIMEOUT,
            )
            self._segment(ACK, self._base)
        elif self.state == "syn-received" and flags & ACK and acknowledged == self.start + 1 & _WORD:
            self.state = "established"
            self._base, self._timer, self._tries, self._timeout = acknowledged, None, 0, _FIRST_TIMEOUT
        if self.state not in {"established", "finished"}:
            return
        self._peer_window = window
        if flags & ACK:
            self._heard_ack(acknowledged, now)
        self._heard_data(sequence, segment[at:], flags)
        self._push(now)

    def _heard_options(self, options: bytes) -> None:
        at = 0
        while at + 1 < len(options) and options[at]:
            if options[at] == 1:
                at += 1
                continue
            if options[at] == 2:
                self._peer_mss = int.from_bytes(options[at + 2 : at + 4])
            at += max(2, options[at + 1])

    def _heard_ack(self, acknowledged: int, now: float) -> None:
        new = acknowledged - self._base & _WORD
        if not 0 < new <= len(self._to_send) + self._fin:
            return
        octets = min(new, len(self._to_send))
        del self._to_send[:octets]
        self._base = acknowledged
        self._flight = max(0, self._flight - new)
        self._acknowledged += octets
        self.progress.append((now, self._acknowledged))
        if new > octets:
            self._fin, self.state = False, "finished"
        self._tries, self._timeout = 0, _FIRST_TIMEOUT
        self._timer = now + self._timeout if self._flight else None

    def _heard_data(self, sequence: int, data: bytes, flags: int) -> None:
        if not data and not flags & (FIN | SYN):
            return
        old = self._next - sequence & _WORD
        if old and old <= len(data):  # the front of it is here already
            sequence, data = self._next, data[old:]
        if sequence == self._next:
            self.received += data
            self._next = self._next + len(data) & _WORD
            if flags & FIN:
                self.ended, self._next = True, self._next + 1 & _WORD
        self._segment(ACK, self._base + self._flight & _WORD)

    # -- what goes --------------------------------------------------------------------------------------------

    def _push(self, now: float) -> None:
        if self.state != "established":
            return
        size = min(self.mss, self._peer_mss)
        while self._flight < len(self._to_send) and self._flight < self._peer_window:
            room = min(size, self._peer_window - self._flight)
            data = bytes(self._to_send[self._flight : self._flight + room])
            self._segment(ACK | PSH, self._base + self._flight & _WORD, data)
            self._flight += len(data)
            self._timer = self._timer if self._timer is not None else now + self._timeout
        if self._fin and self._flight == len(self._to_send):
            self._segment(ACK | FIN, self._base + self._flight & _WORD)
            self._flight += 1
            self._timer = self._timer if self._timer is not None else now + self._timeout

    def _arm(self, now: float) -> None:
        self._timer = now + self._timeout

    def _segment(self, flags: int, sequence: int, data: bytes = b"", *, options: bytes = b"") -> None:
        length = (20 + len(options)) // 4 << 4
        acknowledged = 0 if flags & (SYN | ACK) == SYN else self._next
        head = _HEADER.pack(
            self.here, self.there, sequence, acknowledged, length, flags, min(self.window, 65535), 0, 0
        )
        self.send_segment(head + options + data)


def checked(segment: bytes, checksum: int) -> bytes:
    """The segment with its checksum written in (RFC 9293 §3.1)."""
    return segment[:16] + checksum.to_bytes(2) + segment[18:]
