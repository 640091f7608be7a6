"""Inside the guest: files that the agent reads, writes and waits for itself.

Strategy: most of what is asked of a guest's kernel is one line of a file in /proc or /sys. A shell that looks at it
costs 10 to 20 ms of CPU under plain emulation, and as much again for each `sleep`; the agent is there already.
"""

from __future__ import annotations

import os
import time

from rigs.guests import wire
from rigs.guests.commands import Inside

TYPE_CHECKING = False  # the guest has neither typing nor collections.abc
if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between two looks at a file that is waited for.
_PERIOD = 0.005


class Files:
    """What is waited for. `tell` sends a message to the host."""

    def __init__(self, tell: Callable[[int, int, bytes], None]) -> None:
        self._tell = tell
        #: By the number of the request: namespace, path, whether a line has to be there, and its words.
        self._awaited: dict[int, tuple[str, str, bool, list[str]]] = {}
        self._next = 0.0

    def __len__(self) -> int:
        return len(self._awaited)

    def read(self, body: bytes, _number: int) -> bytes:
        """Namespace, path. Reply: what is in the file."""
        namespace, rest = wire.take_text(body)
        return _content(namespace, wire.take_text(rest)[0]).encode()

    def write(self, body: bytes, _number: int) -> bytes:
        """Path, text. Reply: nothing."""
        path, rest = wire.take_text(body)
        fd = os.open(path, os.O_WRONLY)
        try:
            os.write(fd, wire.take_text(rest)[0].encode())
        finally:
            os.close(fd)
        return b""

    def wait(self, body: bytes, number: int) -> None:
        """Namespace, path, "there" or "gone", words. Reply, once a line has all of the words, or none has: the file."""
        parts = []
        while body:
            part, body = wire.take_text(body)
            parts.append(part)
        namespace, path, state, *words = parts
        self._awaited[number] = namespace, path, state == "there", words
        self._next = 0.0

    def cancel(self, number: int) -> None:
        """Wait no more for what a request asked; its reply is that it was refused."""
        if self._awaited.pop(number, None):
            self._tell(wire.REFUSED, number, b"not so until now")

    def seconds_left(self) -> float | None:
        """Until the next look; None where nothing is waited for."""
        return max(0.0, self._next - time.monotonic()) if self._awaited else None

    def look(self) -> None:
        """Look at what is waited for, if it is time to."""
        if not self._awaited or time.monotonic() < self._next:
            return
        for number, (namespace, path, wanted, words) in list(self._awaited.items()):
            try:
                text = _content(namespace, path)
            except OSError as error:
                del self._awaited[number]
                self._tell(wire.REFUSED, number, str(error).encode())
                continue
            if wanted == any(all(word in line for word in words) for line in text.splitlines(True)):
                del self._awaited[number]
                self._tell(wire.REPLY, number, text.encode())
        self._next = time.monotonic() + _PERIOD


def _content(namespace: str, path: str) -> str:
    with Inside(namespace):
        fd = os.open(path, os.O_RDONLY)
    data = bytearray()
    try:
        while piece := os.read(fd, 1 << 16):
            data += piece
    finally:
        os.close(fd)
    return data.decode("utf-8", "replace")
