"""The tester's end of a software air: a `Link` between the suites and the links of the devices.

Strategy: whatever speaks in single frames can be a member, as its own product link has it. Where all of them are on a
virtual clock, `receive` moves every clock to what happens next. On a real clock each member has a thread that takes
frames from it and one that gives them to it, so that a slow radio holds up nobody else. A round trip over the air is
told in the time of the model: how late this host handed a frame on is kept with the frame, and is not in the figure.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rigs.air.live import LiveLink
from rigs.air.medium import TESTER, Carried, SoftwareAir
from rigs.air.settings import AirSettings
from rigs.links.memory.link import MemoryLink
from rigs.model import DRIFT, Direction, Link, LinkClosed, Loses, RadioLost, Received, RigError

#: Frames of ours whose stamps are kept, and those that still wait for the stamp of a device's tap.
_KEPT = 2048
_UNSTAMPED = 256
#: Seconds for which a reader waits at a time, to see whether the air was closed.
_LOOK = 0.2
_NEVER = 3600.0


@dataclass(slots=True)
class _Left:
    """A frame of ours: when it would have left if this host were never late, and by how much it was shifted for it."""

    frame: bytes
    time: float
    shift: float


@dataclass(slots=True)
class _Member:
    """One device of the air."""

    name: str
    link: Link
    #: Whether its link asks the air which transmissions are lost, before anybody acknowledges them.
    asks: bool = False
    #: How often something was begun or ended with it from its own side: what fails across that is a restart.
    touched: int = 0
    #: Frames of ours that went to it and have no stamp of its tap yet.
    unstamped: deque[_Left] = field(default_factory=lambda: deque(maxlen=_UNSTAMPED))


class AirLink(Link):
    """What the tester hears of the air, and how it speaks on it. `air` tells what was done to every frame."""

    def __init__(self, members: Mapping[str, Link], settings: AirSettings) -> None:
        """`members` by name: "dut", and "peer" where there are two. They are closed with this link.

        Raises `RigError` for devices whose links are not of one kind.
        """
        first = members["dut"]
        if any(link.takes_turns for link in members.values()):
            raise RigError(
                "dut.clock: a guest whose time stands still while the tester thinks shares an air with nobody: leave "
                'out clock = "instructions", or [air] and the peer'
            )
        if others := {link.kind for link in members.values()} - {first.kind}:
            raise RigError(f"one air carries one kind of link, and here are {first.kind} and {others.pop()}")
        self.kind, self.mtu, self.pan = first.kind, min(link.mtu for link in members.values()), first.pan
        self.tester, self.dut, self.dut_short = first.tester, first.dut, first.dut_short
        self.any_source, self.auto_ack = first.any_source, first.auto_ack
        self.clock_error = max(link.clock_error for link in members.values())
        self.air = SoftwareAir(self.kind, (TESTER, *members), settings)
        memories = [link for link in members.values() if isinstance(link, MemoryLink)]
        #: The links of all devices where these are on a virtual clock.
        self._virtual = memories if len(memories) == len(members) else []
        self.clock = "virtual" if self._virtual else "monotonic"
        for link in memories:
            link.paced = False  # time on the air is the air's to give
        self._members = [
            _Member(name, LiveLink(link) if isinstance(link, MemoryLink) and not self._virtual else link)
            for name, link in members.items()
        ]
        self._left: deque[_Left] = deque(maxlen=_KEPT)
        self._changed = threading.Condition()
        self._gone: RigError | None = None
        self._closed = False
        self._threads: list[threading.Thread] = []
        for member in self._members:
            self._let_ask(member)
            for work in () if self._virtual else (self._take_from, self._give_to):
                name = f"air {member.name} {work.__name__}"
                self._threads.append(threading.Thread(target=work, args=(member,), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def _let_ask(self, member: _Member) -> None:
        """Have its link ask the air what is lost, where anything is and there is one receiver to lose it."""
        if self.air.settings.loses and len(self._members) == 1 and not member.asks:
            member.asks = member.link.before_ack(self._loses_of(member.name))

    def impair(self, settings: AirSettings) -> None:
        """Do from now on to frames what these settings say."""
        with self._changed:
            self.air.impair(settings)
            for member in self._members:
                self._let_ask(member)

    @contextlib.contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """Keep the air from a device while something is done to it from its own side; it may be restarted meanwhile."""
        member = next(member for member in self._members if member.name == name)
        member.touched += 1
        try:
            with member.link.still() if isinstance(member.link, LiveLink) else contextlib.nullcontext():
                yield
        finally:
            member.touched += 1

    # -- Link -------------------------------------------------------------------------------------------------

    @property
    def protects(self) -> bool:
        """As the links below do."""
        return all(member.link.protects for member in self._members)

    @property
    def medium(self) -> str:
        """What it does to frames, and what lies below it."""
        below = sorted({member.link.medium for member in self._members} - {""})
        return f"a software air ({self.air.settings.in_words()})" + (
            f" over {', '.join(below)}" if below else ""
        )

    def now(self) -> float:
        return self._virtual[0].now() if self._virtual else super().now()

    def send(self, frame: bytes) -> None:
        with self._changed:
            self._check()
            while self.air.full(TESTER, self.stamp()):  # back-pressure: we wait, nothing of ours is dropped
                self._wait(self.air.room_at(TESTER))
                self._check()
            self.air.offer(TESTER, frame, self.stamp())
            self._changed.notify_all()
            self._happen()

    def receive(self, deadline: float) -> Received | None:
        with self._changed:
            while True:
                self._check()
                self._happen()
                carried = self.air.take(TESTER, self.stamp())
                if carried is not None:
                    return Received(carried.frame, carried.arrived, self.clock)
                now = self.now()
                if now >= deadline:
                    return None
                due, end = self.air.due(TESTER), deadline if self._virtual else self.stamp() + deadline - now
                self._wait(end if due is None else min(due, end))

    def outgoing(self) -> Sequence[Received]:
        return [Received(left.frame, left.time, self.clock) for left in tuple(self._left)]

    def done_to(self, since: float) -> Mapping[bytes, str]:
        with self._changed:
            log = [carried for carried in self.air.log if carried.sent >= since]
        return {carried.frame: told for carried in log if (told := carried.in_words())}

    def repeated(self) -> int:
        return sum(member.link.repeated() for member in self._members)

    def passed_over(self) -> str:
        told = (member.link.passed_over() for member in self._members)
        done = ", ".join(
            f"{n} x {fate}" for fate, n in sorted(self.air.counts.items()) if n and fate != "carried"
        )
        return "; ".join(filter(None, [*told, done and f"the air: {done}"]))

    def close(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(5)
        for member in self._members:
            member.link.close()

    def _check(self) -> None:
        if self._gone is not None:
            by_a_device = isinstance(self._gone, LinkClosed) and not isinstance(self._gone, RadioLost)
            raise (LinkClosed if by_a_device else RadioLost)(str(self._gone)) from self._gone
        if self._closed:
            raise RadioLost("the air is closed")

    def _wait(self, until: float) -> None:
        """Wait for something to happen, until a time on the clock of stamps at most."""
        if not self._virtual:
            self._changed.wait(max(0.0, until - self.stamp()))
            return
        dues = [due for link in self._virtual if (due := link.due()) is not None]
        if (due := self.air.due()) is not None:
            dues.append(due)
        now = self.now()
        for link in self._virtual:
            link.advance(max(now, min([*dues, until])))
        self._happen()

    def _hand_over(self, member: _Member, carried: Carried) -> None:
        """Give a frame to a device, and note when the tester would have sent it had this host been on time."""
        if carried.sender == TESTER and not carried.copy:
            left = _Left(carried.frame, carried.sent + carried.late, carried.arrived - carried.sent)
            self._left.append(left)
            member.unstamped.append(left)
        member.link.send(carried.frame)

    def _loses_of(self, name: str) -> Loses:
        def loses(direction: Direction, frame: bytes) -> bool:
            sender, receiver = (TESTER, name) if direction == "sent" else (name, TESTER)
            with self._changed:
                return self.air.loses(sender, receiver, frame, self.stamp())

        return loses

    # -- a virtual clock --------------------------------------------------------------------------------------

    def _happen(self) -> None:
        """Let everything happen that is due now; on a real clock the threads see to it."""
        busy, now = bool(self._virtual), self.now()
        while busy:
            busy = False
            for member in self._members:
                while (carried := self.air.take(member.name, now)) is not None:
                    self._hand_over(member, carried)
                    busy = True
                while (got := member.link.receive(now)) is not None:
                    self.air.offer(member.name, got.frame, now, heard=member.asks)
                    busy = True

    # -- a real clock -----------------------------------------------------------------------------------------

    def _take_from(self, member: _Member) -> None:
        """Everything that a device says goes on the air, until one of both is gone."""
        while not self._closed:
            touched = member.touched
            try:
                got = member.link.receive(member.link.now() + _LOOK)
                self._stamp(member)
            except RigError as error:
                if self._restarts(member, touched):
                    continue
                self._lost(error)
                return
            if got is not None:
                with self._changed:
                    # a stamp of another clock may be ahead of ours by its error
                    at = min(got.time, time.monotonic())
                    self.air.offer(member.name, got.frame, at, heard=member.asks)
                    self._changed.notify_all()

    def _stamp(self, member: _Member) -> None:
        """Take the stamps of a tap at the device for our frames: they came by it before any answer to them did."""
        waiting = list(member.unstamped)
        if not waiting or not (tapped := member.link.outgoing()):
            return
        newest: dict[bytes, float] = {}
        for _, seen in zip(range(2 * _UNSTAMPED), reversed(tapped), strict=False):
            newest.setdefault(seen.frame, seen.time)
        for left in waiting:
            # the tap may not have seen this one yet, and an equal one from before: it had not even left by then
            earliest = left.time + left.shift - member.link.clock_error - DRIFT
            if newest.get(left.frame, -math.inf) >= earliest:
                left.time = newest[left.frame] - left.shift
                member.unstamped.remove(left)

    def _give_to(self, member: _Member) -> None:
        """Every frame that has arrived at a device goes to it."""
        while True:
            with self._changed:
                while (carried := self.air.take(member.name, time.monotonic())) is None:
                    if self._closed:
                        return
                    due = self.air.due(member.name)
                    self._changed.wait(_NEVER if due is None else max(0.0, due - time.monotonic()))
            touched = member.touched
            try:
                self._hand_over(member, carried)
            except RigError as error:
                if self._restarts(member, touched):
                    continue  # nobody was there to hear it
                self._lost(error)
                return

    def _restarts(self, member: _Member, touched: int) -> bool:
        """Whether a link failed because its device was restarted from its own side; then wait a moment for it."""
        if member.touched == touched and not touched % 2:
            return False
        with self._changed:
            self._changed.wait(_LOOK / 4)
        return True

    def _lost(self, error: RigError) -> None:
        with self._changed:
            if not self._closed:
                self._gone = self._gone or error
            self._changed.notify_all()
