"""The air: 6LoWPAN payloads to link frames and back, and every frame into the evidence.

Strategy: above this module there are payloads with the link addresses that came with them (`LinkInfo`);
below it there are frames. On IEEE 802.15.4 a payload gets a data frame's MAC header (RFC 4944 §2, §3); on
BLE a frame *is* the payload, one SDU of the IPSP channel (RFC 7668 §3.2). Nothing is judged here and
nothing is hidden: frames that are not data, or not for the tester, are recorded and passed over.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from rigs.model import DRIFT, FrameSink, Link, Received
from rigs.repetitions import Repetitions
from sixlowpan import DecodeError, LinkInfo, mac
from sixlowpan.link import link_between

BROADCAST = b"\xff\xff"
#: Frames sent whose stamps are kept.
_KEPT = 4096
#: Seconds within which a frame that nobody acknowledged comes again: 54 ms for each try, of the longest frames.
_REPEATED = 0.25


@dataclass(frozen=True, slots=True)
class Heard:
    """One 6LoWPAN payload taken off the air, with its whole frame, its link addresses and when it came."""

    payload: bytes
    info: LinkInfo
    frame: bytes
    time: float


class Air:
    """Sends and hears payloads on one `Link`."""

    def __init__(self, link: Link, sink: FrameSink | None = None) -> None:
        self.link = link
        self.sink = sink
        self._sequence = 0
        #: Frames that were sent so far.
        self.sent = 0
        self._left: deque[tuple[bytes, float]] = deque(maxlen=_KEPT)
        self._repetitions = Repetitions(_REPEATED)

    def room(self, info: LinkInfo) -> int:
        """Octets of 6LoWPAN payload that one frame between these addresses can hold."""
        if self.link.kind == "ble":
            return self.link.mtu
        return self.link.mtu - len(self._frame(info, b""))

    def frame(self, payload: bytes, info: LinkInfo) -> bytes:
        """The next frame with this payload, ready to be sent."""
        if self.link.kind == "ieee802154":
            self.next_sequence()
        return self._frame(info, payload)

    def next_sequence(self) -> int:
        """The next MAC sequence number: one counter for all senders, lest a radio take a frame for a repetition."""
        self._sequence = (self._sequence + 1) & 0xFF
        return self._sequence

    def send(self, payload: bytes, info: LinkInfo) -> bytes:
        """Send one payload; return the frame that left. Raises `LinkClosed`."""
        frame = self.frame(payload, info)
        self.send_frame(frame)
        return frame

    def send_frame(self, frame: bytes) -> None:
        """Send one frame as it is. Raises `LinkClosed`."""
        stamp = self.link.stamp()
        if self.sink is not None:
            self.sink("link", "sent", Received(frame, stamp, self.link.clock))
        self._left.append((frame, stamp))
        self.sent += 1
        self.link.send(frame)

    def left(self, frame: bytes) -> float:
        """When the latest sending of this frame left, on the clock that stamps what is received.

        By the tap of the medium where the link has one, else by the stamp that was taken just before it was sent.
        What a tap saw before that is an equal frame, from before.
        """
        began = next((time for sent, time in reversed(self._left) if sent == frame), None)
        earliest = -math.inf if began is None else began - self.link.clock_error - DRIFT
        for sent in reversed(self.link.outgoing()):
            if sent.frame == frame and sent.time >= earliest:
                return sent.time
        return self.link.stamp() if began is None else began

    def hear(self, deadline: float) -> Heard | None:
        """Return the next payload from the DUT's side; None at the deadline (on the link's clock)."""
        while True:
            received = self.link.receive(deadline)
            if received is None:
                return None
            if self.sink is not None:
                self.sink("link", "received", received)
            heard = self._parse(received)
            if heard is not None:
                return heard

    def _parse(self, received: Received) -> Heard | None:
        if self.link.kind == "ble":
            info = link_between("ble", self.link.dut, self.link.tester)
            return Heard(received.frame, info, received.frame, received.time)
        try:
            header, payload = mac.parse(received.frame)
        except DecodeError:
            return None
        strange = header.pan is not None and header.pan not in {self.link.pan, BROADCAST}
        if header.type != mac.DATA or header.security or strange:
            return None  # what the neighbours' networks say is in the evidence, and nobody's answer to us
        if not payload:
            return None  # IEEE 802.15.4-2006 §7.5.6.3: "a zero length payload", where nothing is pending; no LoWPAN
        again = self._repetitions.is_one(header.src, received.frame, received.time)
        if again and header.ack_request:
            return None
        info = link_between("ieee802154", header.src, header.dst)
        return Heard(payload, info, received.frame, received.time)

    def _frame(self, info: LinkInfo, payload: bytes) -> bytes:
        if self.link.kind == "ble":
            return payload
        # RFC 4944 §2: "It is RECOMMENDED that ... acknowledgments be used"; only where a radio answers them.
        ask = self.link.auto_ack and info.dst != BROADCAST
        return mac.data_frame(
            src=info.src,
            dst=info.dst,
            pan=self.link.pan,
            sequence=self._sequence,
            payload=payload,
            ack_request=ask,
        )
