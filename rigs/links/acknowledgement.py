"""What an 802.15.4 radio does by itself and a simulated medium does not: acknowledgements, retries, duplicates, pace.

Strategy: one object between a link and its medium, told of every frame that comes and asked to transmit every frame
that goes. Going: a data frame with AR=1 that the DUT must acknowledge is sent until its ACK is heard, at most
`1 + RETRIES` times (IEEE 802.15.4-2006 §7.5.6.4, macMaxFrameRetries), and the next frame waits for it; a frame that
nobody acknowledges (a broadcast, somebody else's, one that is no frame at all) is paced by the time it would take on
the air, because a simulated node has no receive queue either. Coming: what asks for it is acknowledged at once, and
the repetition of a frame whose ACK came late is dropped: the same octets, sequence number included, from the same
source as its frame before. ACKs do not come out of here, as they do not come out of a radio.

That an ACK is missing after the last retry is no error: to the suites it is silence, which they know how to prove.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from rigs import clock
from rigs.links.arrivals import Arrivals
from rigs.model import Link, Loses, RadioLost, Received
from rigs.repetitions import Repetitions
from sixlowpan import DecodeError, mac

#: macMaxFrameRetries (IEEE 802.15.4-2006 Table 86).
RETRIES: Final = 3
#: Seconds; macAckWaitDuration is 0.9 ms on the air, but here a process must be woken up to answer.
ACK_WAIT: Final = 0.1
_OCTET: Final = 32e-6  # seconds at 250 kbit/s
_PREAMBLE: Final = 6 * _OCTET  # synchronisation header and PHY header
_SPACING: Final = 640e-6  # macMinLIFSPeriod, 40 symbols of 16 us
_ACK_DELAY: Final = 1e-4  # with what a thread takes to wake up: aTurnaroundTime, 192 us
#: A node that has just sent listens again only when it is done with that: a simulated one takes longer than 192 us.
_TURNAROUND: Final = 4e-3
#: A frame of the node's while its ACK is awaited: it was sending and heard nothing, so this is waited and no longer.
_COLLISION: Final = 10e-3
#: Seconds for which a medium that is taken or a busy node holds a frame up, and between two looks at the node.
_BUSY: Final = 1.0
_LOOK: Final = 5e-4
_BROADCAST: Final = b"\xff\xff"
_GIVEN_UP: Final = 3  # frames in a row without an ACK: the node is deaf


class Acknowledger:
    """The acknowledging part of one radio.

    `transmit` puts a PSDU without FCS on the medium. `mine` says whether an address (8 or 2 octets, big-endian) is
    the tester's; by default every one is, because nobody but the DUT is there. `rest` is the seconds that the medium
    stays free behind an ACK, for a node that acknowledges a frame before it has taken it in; `around` the same in front
    of and behind a frame that nobody acknowledges, which such a node loses without a trace: so long has the node been
    silent as well, because it may be sending a datagram of many frames. While the node is `busy` with what it has, no
    frame is sent. All that holds a frame up for a second of its own time at most; a node that was busy all the while
    hangs, and is not waited for again until it was seen to rest.
    """

    def __init__(
        self,
        transmit: Callable[[bytes], None],
        *,
        mine: Callable[[bytes], bool] = lambda _address: True,
        wait: float = ACK_WAIT,
        retries: int = RETRIES,
        rest: float = 0.0,
        around: float = 0.0,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._transmit = transmit
        self._mine = mine
        self._wait = wait
        self._retries = retries
        self._rest, self._around, self._busy = rest, around, busy
        self._sending = threading.Lock()  # one frame at a time
        self._changed = threading.Condition()
        self._awaited: int | None = None  # sequence number of the ACK that is waited for
        self._collided = False  # the node sent something meanwhile
        self._free_at = 0.0  # monotonic: the medium is taken until then
        self._unasked = False  # a frame is being sent that nobody acknowledges
        self._hangs = False  # it was busy for as long as it is waited for, and ever since
        self._repetitions = Repetitions()  # of frames that ask for an ACK
        #: Frames that were repeated, and that nobody acknowledged in the end.
        self.repeated = 0
        self.unacknowledged = 0
        self._silent = 0  # frames in a row that nobody acknowledged
        #: Which transmissions the air loses; acknowledgements, which are short, get through.
        self.loses: Loses = lambda _direction, _frame: False

    def send(self, frame: bytes, *, awaits: bool) -> bool:
        """Transmit a frame; with `awaits`, until its ACK is heard. Returns whether all went as it should.

        After some frames that were never acknowledged the next are tried once only, until an ACK is heard again: a
        dead node is not given four tries for each of a thousand frames. One that hangs is given one try from the start.
        """
        with self._sending:
            header = asking(frame) if awaits else None
            if header is None:
                self._unasked = True
                self._keep_free(self._around)
                self._on_air(frame)
                self._unasked = False
                self._keep_free(self._around)
                return True
            for attempt in range(1 if self._silent >= _GIVEN_UP else 1 + self._retries):
                if attempt and self._hangs:
                    break
                self.repeated += attempt > 0
                with self._changed:
                    self._awaited = header.sequence
                self._on_air(frame)
                if self._acknowledged():
                    self._silent = 0
                    return True
            self.unacknowledged += 1
            self._silent += 1
            return False

    def heard(self, frame: bytes) -> bool:
        """Take in a frame from the medium; whether it is to be handed on. Called by the link's reader thread."""
        if frame[:1] and frame[0] & 7 == mac.ACK:
            with self._changed:
                if len(frame) >= 3 and frame[2] == self._awaited:
                    self._awaited = None
                    self._keep_free(self._rest)
                    self._changed.notify_all()
            return False
        if self.loses("received", frame):
            return False
        with self._changed:
            self._keep_free(max(_TURNAROUND, self._around) if self._unasked else _TURNAROUND)
            self._collided = True
            self._changed.notify_all()
        header = asking(frame)
        if header is None or header.sequence is None or not self._mine(header.dst):
            return True  # handed on as it is: nothing that the DUT sends is hidden
        self._acknowledge(header.sequence)
        return not self._repetitions.is_one(header.src, frame)

    def _acknowledged(self) -> bool:
        deadline = clock.now() + self._wait
        with self._changed:
            while self._awaited is not None:
                if self._collided:
                    deadline = min(deadline, clock.now() + _COLLISION)
                    self._collided = False
                left = deadline - clock.now()
                if left <= 0:
                    self._awaited = None
                    return False
                self._changed.wait(left)
        return True

    def _acknowledge(self, sequence: int) -> None:
        """After aTurnaroundTime, because a node that has just sent does not listen at once, nor for long."""
        due = time.monotonic() + _ACK_DELAY
        with self._changed:
            while (left := due - time.monotonic()) > 0:
                self._changed.wait(left)
        self._take(mac.ack(sequence))

    def _on_air(self, frame: bytes) -> None:
        """Wait until the medium is free, which another frame may put off, and the node is not busy, and transmit."""
        with self._changed:
            deadline = clock.now() + _BUSY
            while clock.now() < deadline:
                left = self._free_at - time.monotonic()
                if left <= 0:
                    busy = self._busy()
                    self._hangs = self._hangs and busy
                    if self._hangs or not busy:
                        break
                self._changed.wait(max(left, _LOOK))
            else:
                self._hangs = self._busy()
            self._collided = False
        self._take(frame, lost=self.loses("sent", frame))

    def _keep_free(self, seconds: float) -> None:
        """Nothing of ours is on the medium for so long from now on."""
        with self._changed:
            self._free_at = max(self._free_at, time.monotonic() + seconds)

    def _take(self, frame: bytes, *, lost: bool = False) -> None:
        """Transmit, into nothing what is lost, and take the medium as long as the frame lasts, with spacing."""
        with self._changed:
            until = time.monotonic() + _PREAMBLE + (len(frame) + 2) * _OCTET + _SPACING
            self._free_at = max(self._free_at, until)
        if not lost:
            self._transmit(frame)


def asking(frame: bytes) -> mac.MacHeader | None:
    """The header of a frame (PSDU without FCS) that asks for an acknowledgement: data or command, no broadcast."""
    try:
        header, _ = mac.parse(frame)
    except DecodeError:
        return None
    asks = header.ack_request and header.type in {mac.DATA, mac.COMMAND} and header.sequence is not None
    return header if asks and header.dst != _BROADCAST else None


__all__ = ["ACK_WAIT", "RETRIES", "Acknowledger", "asking"]


class AcknowledgingLink(Link):
    """A link whose radio is an `Acknowledger`, and whose frames a reading thread takes in.

    Its radio is the tester's own: no DUT can end it. A link whose wire the DUT holds overrides `_check`.
    """

    kind = "ieee802154"
    any_source = True
    name: str
    radio: Acknowledger
    _arrivals: Arrivals
    #: Why nothing comes and goes any more.
    _gone = ""

    def lost(self, why: str) -> None:
        """Know that nothing comes and goes any more, and wake whoever waits."""
        with self._arrivals.changed:
            self._gone = self._gone or why
            self._arrivals.changed.notify_all()

    def _check(self) -> None:
        """Raises `RadioLost`."""
        if self._gone:
            raise RadioLost(f"{self.name}: {self._gone}")

    def receive(self, deadline: float) -> Received | None:
        return self._arrivals.take(deadline)

    def repeated(self) -> int:
        return self.radio.repeated

    def before_ack(self, loses: Loses) -> bool:
        self.radio.loses = loses
        return True
