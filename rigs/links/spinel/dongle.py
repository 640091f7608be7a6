"""A radio co-processor behind a console: requests and their answers, and what it says unasked."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from rigs import clock
from rigs.consoles.model import Console
from rigs.links.spinel import hdlc, protocol
from rigs.links.spinel.protocol import Message, SpinelError
from rigs.model import LinkClosed, RadioLost, RigError, overdue

#: Seconds for an answer, and how often a dongle is restarted that does not say so: the first octets on a port that was
#: just opened may be lost.
ANSWERS: Final = 2.0
_TRIES: Final = 3
#: Seconds after which the reader, whom `close` wakes, begins to wait anew.
_LONG: Final = 3600.0


class Dongle:
    """A radio co-processor behind a console: requests and their answers, and what it says unasked.

    `heard` is called with each frame and when it arrived, by a thread of its own.
    """

    def __init__(self, console: Console, heard: Callable[[protocol.Frame, float], None]) -> None:
        self._console, self._heard = console, heard
        console.is_text = False
        self._deframer = hdlc.Deframer()
        self._changed = threading.Condition()
        self._answers: dict[int, Message] = {}
        self._transaction = 0
        self._restarts = 0
        self._octets = 0
        self._settled = False  # from now on a restart is the end
        #: Why nothing comes any more.
        self.ended = ""
        self.not_heard: Counter[str] = Counter()
        self._reader = threading.Thread(target=self._run, name=f"spinel {console.address}", daemon=True)
        self._reader.start()

    def restart(self) -> None:
        """Restart its firmware and wait until it says so. Raises `RigError`, `LinkClosed`."""
        for _ in range(_TRIES):
            self._write(protocol.reset())
            # what it said at its power-up counts as well: then it restarts once more, and is deaf meanwhile
            if self._until(lambda: self._restarts > 0) and self._until_it_answers():
                return
        what = f"{self._octets} octets that are no Spinel" if self._octets else "not one octet"
        raise overdue(
            RigError(
                f"{self._console.address}: no answer of a radio co-processor: {_TRIES} restarts were asked for, and "
                f"{what} came. Is OpenThread's RCP firmware (ot-rcp) on it, and is the bit rate the firmware's?"
            )
        )

    def _until_it_answers(self) -> bool:
        for _ in range(_TRIES):
            try:
                self.request(protocol.GET, protocol.PROTOCOL_VERSION)
            except LinkClosed:
                self._check()
            else:
                return True
        return False

    def settle(self) -> None:
        """All is set: from now on a restart is the end of it."""
        with self._changed:
            self._settled = True

    def get(self, prop: int) -> bytes:
        """The value of a property. Raises `RigError`, `LinkClosed`."""
        return self._value(self.request(protocol.GET, prop), prop)

    def set(self, prop: int, value: bytes) -> None:
        """Set a property; the dongle must say that it has this value. Raises `RigError`, `LinkClosed`."""
        got = self._value(self.request(protocol.SET, prop, value), prop)
        if got != value:
            raise RigError(f"{self._about(prop)}: {value.hex()} was asked for, {got.hex()} is what it has")

    def request(self, command: int, prop: int, value: bytes = b"") -> Message:
        """Ask for something and wait for the answer. Raises `LinkClosed`."""
        with self._changed:
            self._transaction = self._transaction % protocol.TRANSACTIONS[-1] + 1
            transaction = self._transaction
            self._answers.pop(transaction, None)
        self._write(protocol.message(transaction, command, prop, value))
        if not self._until(lambda: transaction in self._answers):
            raise overdue(RadioLost(f"{self._about(prop)}: no answer within {ANSWERS:g} s"))
        with self._changed:
            return self._answers.pop(transaction)

    def close(self) -> None:
        self._console.close()  # which wakes the reader
        self._reader.join(5)

    def _value(self, answer: Message, prop: int) -> bytes:
        if answer.property == prop and answer.command == protocol.IS:
            return answer.value
        raise RigError(f"{self._about(prop)}: {status_of(answer)}")

    def _about(self, prop: int) -> str:
        return f"{self._console.address}: {protocol.NAMES.get(prop, f'property {prop:#x}')}"

    def _write(self, octets: bytes) -> None:
        self._check()
        try:
            self._console.write(hdlc.encode(octets))
        except LinkClosed as error:
            raise RadioLost(str(error)) from error

    def _check(self) -> None:
        if self.ended:
            raise RadioLost(f"{self._console.address}: {self.ended}")

    def _until(self, holds: Callable[[], bool]) -> bool:
        return clock.wait_until(self._changed, holds, clock.now() + ANSWERS, self._check)

    def _run(self) -> None:
        mark = 0
        while True:
            try:
                octets, mark = self._console.after(mark, clock.now() + _LONG)
            except LinkClosed as error:
                self._end(str(error).removeprefix(f"{self._console.address}: "))
                return
            arrival = time.monotonic()
            self._octets += len(octets)
            for frame in self._deframer.feed(octets):
                try:
                    self._take(protocol.parse(frame), arrival)
                except SpinelError as error:
                    self.not_heard[str(error)] += 1

    def _take(self, message: Message, arrival: float) -> None:
        if message.transaction:
            with self._changed:
                self._answers[message.transaction] = message
                self._changed.notify_all()
        elif message.property == protocol.STREAM_RAW:
            self._heard(protocol.received(message.value), arrival)
        elif message.property == protocol.LAST_STATUS:
            status, _ = protocol.unpacked(message.value, 0)
            if status not in protocol.RESETS:
                return
            with self._changed:
                self._restarts += 1
                self._changed.notify_all()
                settled = self._settled
            if settled:
                self._end(f"the dongle restarted by itself ({protocol.STATUS.get(status, status)})")

    def _end(self, why: str) -> None:
        with self._changed:
            self.ended = self.ended or why
            self._changed.notify_all()


def numbers(octets: bytes) -> set[int]:
    """A list of packed integers. Raises `RigError`."""
    found, at = set(), 0
    try:
        while at < len(octets):
            number, at = protocol.unpacked(octets, at)
            found.add(number)
    except SpinelError as error:
        raise RigError(f"capabilities of the dongle: {error}") from error
    return found


def status_number(answer: Message) -> int:
    """The status that an answer tells, or -1 where it tells something else."""
    try:
        return protocol.unpacked(answer.value, 0)[0] if answer.property == protocol.LAST_STATUS else -1
    except SpinelError:
        return -1


def status_of(answer: Message) -> str:
    """What an answer says that is not the one that was hoped for."""
    status = status_number(answer)
    if status < 0:
        return f"an answer about {protocol.NAMES.get(answer.property, f'property {answer.property:#x}')}"
    return f"status {status} ({protocol.STATUS.get(status, 'unknown')})"
