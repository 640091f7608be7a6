"""`socket://HOST:PORT`: a console behind a plain TCP port, such as ser2net's, a terminal server's or QEMU's.

Strategy: pyserial's URL of the same name; reading and errors are those of every network port (`rigs.consoles.serial`).
"""

from __future__ import annotations

from rigs.consoles.serial.console import over_network

open_console, misread = over_network("socket")
