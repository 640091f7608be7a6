"""`power = "command:..."` of a rig file: how a DUT that no longer answers gets its power cycled."""

from __future__ import annotations

import shlex
import subprocess
from typing import Final

from rigs.model import RigError

#: Seconds that the command may take: hubs wait some seconds between off and on.
LIMIT: Final = 60.0


def cycle(address: str, limit: float = LIMIT) -> None:
    """Run the command line of `command:...`, without a shell. Raises `RigError` with what it said."""
    scheme, _, line = address.partition(":")
    if scheme != "command":
        raise RigError(f'dut.power: {address}: expected "command:..." with a program and its arguments')
    try:
        done = subprocess.run(
            shlex.split(line),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise RigError(f"dut.power: {line}: cannot be run: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise RigError(f"dut.power: {line}: did not end within {limit:g} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-300:] or "without a word"
        raise RigError(f"dut.power: {line}: exit status {done.returncode}: {said}")
