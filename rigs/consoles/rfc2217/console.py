"""`rfc2217://HOST:PORT?baud=115200`: a serial port of another machine, its baud rate set from here (RFC 2217).

Strategy: pyserial speaks the protocol; reading and errors are those of every network port (`rigs.consoles.serial`).
"""

from __future__ import annotations

from rigs.consoles.serial.console import over_network

open_console, misread = over_network("rfc2217")
