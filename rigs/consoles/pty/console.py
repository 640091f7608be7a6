"""`pty:/dev/pts/5`: a pseudo-terminal that is there already, such as the one that native firmware prints at its start.

Strategy: it is opened as it is, and made raw, so that it neither echoes nor changes an octet. Unlike a serial port it
does not come back: when its other side closes, that is the end of the console.
"""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rigs.consoles import device
from rigs.consoles.model import CHUNK, Console, rests
from rigs.model import RigError
from rigs.registry import Missing

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile


class PtyConsole(Console):
    """The slave side of a pseudo-terminal."""

    def __init__(self, address: str, path: str) -> None:
        """Raises `RigError`."""
        super().__init__(address)
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise RigError(f"{address}: cannot be opened: {error.strerror}") from error
        try:
            tty.setraw(self._descriptor)
        except termios.error as error:
            os.close(self._descriptor)
            raise RigError(
                f"{address}: this is no terminal: expected a path such as pty:/dev/pts/5"
            ) from error
        self._start()

    def _read(self) -> bytes:
        while self._await(self._descriptor):
            try:
                return os.read(self._descriptor, CHUNK)
            except BlockingIOError:
                continue
        return b""

    def _write(self, data: bytes) -> None:
        self._push(self._descriptor, data)

    def _release(self) -> None:
        os.close(self._descriptor)


def open_console(bench: Bench, rest: str, rig: RigFile) -> PtyConsole:
    """Open `pty:PATH`. Raises `RigError`."""
    del bench, rig
    return PtyConsole(f"pty:{rest}", rest)


def misread(rest: str) -> str:
    """What is wrong with what stands behind "pty:"; empty where nothing is."""
    return "" if rest else "names no pseudo-terminal: expected a path such as pty:/dev/pts/5"


def check(rig: RigFile) -> Iterable[Missing]:
    """Whether the pseudo-terminal is there and may be opened."""
    for key, rest in rests(rig, "pty"):
        remedy = "start the firmware that makes it, then name it"
        if (wrong := device.lacking(rest, "pseudo-terminal", remedy)) is not None:
            yield Missing(f"{key}: {wrong[0]}", wrong[1])
