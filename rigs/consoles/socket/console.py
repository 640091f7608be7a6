"""`socket://HOST:PORT`: a console behind a plain TCP port, such as ser2net's, a terminal server's or QEMU's.

Strategy: pyserial's URL of the same name; reading and errors are those of every network port (`rigs.consoles.serial`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rigs.consoles.serial.console import NetworkConsole, misread_url

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile


def open_console(bench: Bench, rest: str, rig: RigFile) -> NetworkConsole:
    """Connect to the server. Raises `RigError`."""
    del bench, rig
    return NetworkConsole(f"socket:{rest}")


def misread(rest: str) -> str:
    """What is wrong with what stands behind "socket:"; empty where nothing is."""
    return misread_url("socket", rest)
