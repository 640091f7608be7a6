"""The software air itself: frames in with the time at which they came, frames out with the time at which they arrive.

Strategy: pure. There is no thread and no clock here, so that the same air serves a virtual clock and a real one, and
a test of an hour takes as long as its arithmetic. A frame goes to every other member. On the way it waits until the
medium is free and takes its airtime (IEEE 802.15.4), or waits for a connection event (Bluetooth LE); then each
direction does to it what its `Way` draws. What was done to each frame, for each receiver, is kept: nothing is changed
in silence.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, Literal

from reports.statistics import airtime
from reports.statistics.airtime import OCTET
from rigs.air.events import ConnectionEvents
from rigs.air.settings import AirSettings, Impairment
from rigs.air.way import Way
from rigs.model import LinkKind

#: Who only listens to what is tried: nothing is done to what it hears of others, nor lost of it.
TESTER: Final = "tester"
#: Seconds after which a frame that nothing overtakes comes after all.
_HELD: Final = 0.05
#: What became of frames is kept for so many of them.
_KEPT: Final = 1 << 16
#: Seconds of waiting for the medium that are worth a word: more than the space between two frames.
_LONG: Final = 2e-3
_SYNCHRONISATION: Final = 6 * OCTET
_ASKS: Final = 0x20
_FCS: Final = 2

Fate = Literal["carried", "lost", "lost before the ack", "queue full"]


@dataclass(frozen=True, slots=True)
class Carried:
    """What was done to one frame on its way to one receiver. Times are seconds on the clock of stamps.

    `sent`: when it came; `due`: when it arrives (None: it does not); `waited`: for the medium; `delayed`: by delay and
    jitter; `copy`: it is the second of two; `overtaken`: the next one came before it; `late`: how long after `due` the
    host handed it on.
    """

    sender: str
    receiver: str
    frame: bytes
    sent: float
    fate: Fate
    due: float | None = None
    waited: float = 0.0
    delayed: float = 0.0
    copy: bool = False
    overtaken: bool = False
    late: float = 0.0

    def in_words(self) -> str:
        """What was done to it; empty for a frame to which nothing was."""
        if self.fate != "carried":
            return f"air: {self.fate} on its way to {self.receiver}"
        done = ["overtaken"] if self.overtaken else []
        done += ["doubled"] if self.copy else []
        done += [f"waited {1000 * self.waited:.1f} ms"] if self.waited > _LONG else []
        done += [f"delayed by {1000 * self.delayed:.1f} ms"] if self.delayed > 0 else []
        return f"air: {', '.join(done)} on its way to {self.receiver}" if done else ""

    @property
    def arrived(self) -> float:
        """When it arrived, of a frame that did."""
        assert self.due is not None, "it never arrives"
        return self.due


def nothing(_sender: str, _receiver: str, _frame: bytes) -> bool:
    """No frame is picked to be lost."""
    return False


class SoftwareAir:
    """The air between members that are known by name; the device under test is "dut", our own radio "tester"."""

    def __init__(self, kind: LinkKind, members: Sequence[str], settings: AirSettings) -> None:
        self.kind, self.members = kind, tuple(members)
        self.impair(settings)
        #: Told of everything that became of a frame.
        self.watch: Callable[[Carried], None] = lambda _carried: None
        #: Asked of every frame of (sender, receiver) whether it is lost, beside what is drawn.
        self.picked: Callable[[str, str, bytes], bool] = nothing
        self._free = 0.0
        self._starts: dict[str, deque[float]] = {name: deque() for name in self.members}
        self._coming: dict[str, list[tuple[float, int, Carried]]] = {name: [] for name in self.members}
        self._last: dict[tuple[str, str], float] = {}
        self._held: dict[tuple[str, str], int] = {}
        self._serial = count()
        #: What became of every frame, the oldest first, as far as it is kept; and how often each fate was met.
        self.log: deque[Carried] = deque(maxlen=_KEPT)
        self.counts: Counter[str] = Counter()

    def impair(self, settings: AirSettings) -> None:
        """Do from now on what these settings say, drawn anew; what is under way arrives as it would have."""
        self.settings = settings
        pairs = [(a, b) for a in self.members for b in self.members if a != b]
        self._ways = {(a, b): Way(self._of(a, b), f"{settings.seed}/{a}/{b}") for a, b in pairs}
        # on Bluetooth LE the link layer repeats what it loses: a loss there is a delay
        self._events = {pair: ConnectionEvents(settings.interval, self._ways[pair].loses) for pair in pairs}

    def _of(self, sender: str, receiver: str) -> Impairment:
        """What is done from one member to another; whoever sniffs between two devices hears all that they send."""
        if TESTER in (sender, receiver) and len(self.members) > 2:
            return Impairment()
        return self.settings.way(sender, receiver)

    # -- in ---------------------------------------------------------------------------------------------------

    def offer(self, sender: str, frame: bytes, now: float, *, heard: bool = False) -> bool:
        """Take a frame from a member; False when it has too many waiting, and this one is dropped.

        `heard`: losses were drawn before the acknowledgement already (`loses`), so none is drawn here.
        """
        others = [name for name in self.members if name != sender]

        if self.full(sender, now):
            for name in others:
                self._keep(Carried(sender, name, frame, now, "queue full"))
            return False
        arrival, waited = self._on_the_medium(sender, frame, now)
        for name in others:
            pair = (sender, name)
            if self.picked(sender, name, frame):
                self._keep(Carried(sender, name, frame, now, "lost", waited=waited))
                continue
            if self.kind == "ble":
                arrival = self._events[pair].arrival(now, len(frame) + 4)
                waited = arrival - now
            elif not heard and self._ways[pair].loses():
                self._keep(Carried(sender, name, frame, now, "lost", waited=waited))
                continue
            self._schedule(pair, Carried(sender, name, frame, now, "carried", arrival, waited))
        return True

    def loses(self, sender: str, receiver: str, frame: bytes, now: float) -> bool:
        """Draw, before an acknowledgement is sent, whether one transmission of a frame is lost."""
        lost = self._ways[sender, receiver].loses()
        if lost:
            self._keep(Carried(sender, receiver, frame, now, "lost before the ack"))
        return lost

    def full(self, sender: str, now: float) -> bool:
        """Whether as many frames of this member wait for the medium as may."""
        waiting = self._starts[sender]
        while waiting and waiting[0] <= now:
            waiting.popleft()
        return len(waiting) >= self.settings.queue

    def room_at(self, sender: str) -> float:
        """When the first frame of this member that waits for the medium gets it."""
        return self._starts[sender][0] if self._starts[sender] else 0.0

    def _on_the_medium(self, sender: str, frame: bytes, now: float) -> tuple[float, float]:
        """(when the last octet has arrived, seconds of waiting for a free medium)."""
        if self.settings.model != "802154" or self.kind != "ieee802154":
            return now, 0.0
        start = max(now, self._free)
        asks = bool(frame[:1] and frame[0] & _ASKS)
        octets = min(max(1, len(frame)), 125)  # what no PSDU holds is not for the air to judge
        self._free = start + airtime(octets, acknowledged=asks)
        self._starts[sender].append(start)
        return start + _SYNCHRONISATION + OCTET * (octets + _FCS), start - now

    def _schedule(self, pair: tuple[str, str], carried: Carried) -> None:
        way, coming = self._ways[pair], self._coming[carried.receiver]
        assert carried.due is not None
        longer = way.takes()
        due = max(carried.due + longer, self._last.get(pair, 0.0))  # jitter changes no order
        carried = replace(carried, due=due, delayed=longer)
        copies, overtaken = way.copies(), way.overtaken()
        if overtaken and pair not in self._held:
            serial = next(self._serial)
            self._held[pair] = serial
            heapq.heappush(coming, (due + _HELD, serial, replace(carried, due=due + _HELD, overtaken=True)))
            copies -= 1
            if not copies:
                return
        self._last[pair] = due
        for number in range(copies):
            heapq.heappush(coming, (due, next(self._serial), replace(carried, copy=number > 0)))
        self._let_go(pair, due)

    def _let_go(self, pair: tuple[str, str], due: float) -> None:
        """What was held back comes right behind the frame that has overtaken it."""
        serial = self._held.pop(pair, None)
        if serial is None:
            return
        coming = self._coming[pair[1]]
        for place, (_, other, carried) in enumerate(coming):
            if other == serial:
                coming[place] = (due, next(self._serial), replace(carried, due=due))
                heapq.heapify(coming)
                return

    # -- out --------------------------------------------------------------------------------------------------

    def due(self, receiver: str | None = None) -> float | None:
        """When the next frame arrives, at one member or at any; None when nothing is under way."""
        heaps = self._coming.values() if receiver is None else [self._coming[receiver]]
        return min((heap[0][0] for heap in heaps if heap), default=None)

    def take(self, receiver: str, now: float) -> Carried | None:
        """The next frame that has arrived at a member by `now`, the earliest first; `late` is told."""
        coming = self._coming[receiver]
        if not coming or coming[0][0] > now:
            return None
        due, serial, carried = heapq.heappop(coming)
        pair = (carried.sender, carried.receiver)
        if self._held.get(pair) == serial:
            del self._held[pair]
        carried = replace(carried, late=now - due)
        self._keep(carried)
        return carried

    def _keep(self, carried: Carried) -> None:
        self.log.append(carried)
        self.watch(carried)
        self.counts[carried.fate] += 1
        self.counts["copies"] += carried.copy
        self.counts["overtaken"] += carried.overtaken
