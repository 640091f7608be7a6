"""The shape of a console: octets out, octets in, everything kept from the moment it is opened.

Strategy: a console is a stream. A reader thread (one for every kind, here) files what arrives the moment it arrives,
so nothing is lost between two calls or while a node reboots; a *position* in the stream (`mark`) is taken before
something is asked, and only what came behind it is looked at. Memory is bounded: the last `KEPT` octets stay. What a
prompt is, or a command, is the business of `rigs.consoles.shell`.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, TypeVar

from rigs.model import Health, LinkClosed

KEPT: Final = 1 << 18

T = TypeVar("T")


class Console(ABC):
    """One open console. A kind of console implements `_read`, `_write` and `_release`, and calls `_start` when open."""

    def __init__(self, address: str) -> None:
        #: As the rig file has it, such as "serial:/dev/ttyACM0".
        self.address = address
        self._arrived = threading.Condition()
        self._kept = bytearray()
        self._dropped = 0  # octets that were kept once and are no more
        self._closed = ""  # why nothing comes any more
        self._reader = threading.Thread(target=self._run, name=f"console {address}", daemon=True)

    @abstractmethod
    def _read(self) -> bytes:
        """Wait for octets and return them; empty at the end of the stream. Raises `OSError` when it broke."""

    @abstractmethod
    def _write(self, data: bytes) -> None:
        """Send octets. Raises `OSError`."""

    @abstractmethod
    def _release(self) -> None:
        """Give the device or process back; makes a waiting `_read` return. May be called twice."""

    def health(self) -> Health:
        """What the transport tells: alive, or (a process) crashed or killed, or unreachable."""
        return Health("unreachable", self._closed) if self._closed else Health("alive")

    def write(self, data: bytes) -> None:
        """Send octets to the node. Raises `LinkClosed`."""
        try:
            self._write(data)
        except OSError as error:
            raise LinkClosed(f"{self.address}: cannot be written to: {error}") from error

    def mark(self) -> int:
        """The present position: how many octets have come since the console was opened."""
        with self._arrived:
            return self._dropped + len(self._kept)

    def since(self, mark: int) -> bytes:
        """What came behind `mark`, as far as it is kept."""
        with self._arrived:
            return bytes(self._kept[max(0, mark - self._dropped) :])

    def wait(self, mark: int, found: Callable[[bytes], T | None], deadline: float) -> T | None:
        """Call `found` with what came behind `mark` until it returns something; None at the deadline (monotonic).

        Raises `LinkClosed` when the stream ended before.
        """
        with self._arrived:
            while True:
                answer = found(bytes(self._kept[max(0, mark - self._dropped) :]))
                if answer is not None:
                    return answer
                if self._closed:
                    raise LinkClosed(f"{self.address}: {self._closed}")
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._arrived.wait(left)

    def close(self) -> None:
        """Give the console back. May be called twice."""
        self._release()
        if self._reader.is_alive():
            self._reader.join(5)

    def _start(self) -> None:
        self._reader.start()

    def _run(self) -> None:
        why = "the stream ended"
        while True:
            try:
                data = self._read()
            except OSError as error:
                data, why = b"", str(error)
            with self._arrived:
                if data:
                    self._kept += data
                    excess = len(self._kept) - KEPT
                    if excess > 0:
                        del self._kept[:excess]
                        self._dropped += excess
                else:
                    self._closed = why
                self._arrived.notify_all()
            if not data:
                return
