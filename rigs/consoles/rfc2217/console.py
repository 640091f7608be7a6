"""`rfc2217://HOST:PORT?baud=115200`: a serial port of another machine, its baud rate set from here (RFC 2217).

Strategy: pyserial speaks the protocol; reading and errors are those of every network port (`rigs.consoles.serial`).
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
    return NetworkConsole(f"rfc2217:{rest}")


def misread(rest: str) -> str:
    """What is wrong with what stands behind "rfc2217:"; empty where nothing is."""
    return misread_url("rfc2217", rest)
