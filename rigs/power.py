"""`power = "command:..."` of a rig file: how a DUT that no longer answers gets its power cycled."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import Final

from rigs.model import RigError, overdue

#: Seconds that the command may take: hubs wait some seconds between off and on.
LIMIT: Final = 60.0


def misread(address: str) -> str:
    """What is wrong with the text of `dut.power`; empty where nothing is."""
    scheme, _, line = address.partition(":")
    try:
        right = scheme == "command" and shlex.split(line)
    except ValueError as error:
        return f"{address}: {error}: quote it as a shell wants it"
    return "" if right else f'{address}: expected "command:..." with a program and its arguments'


def lacking(address: str) -> str:
    """The program of `command:...` where this machine has none of that name; else empty."""
    program = shlex.split(address.partition(":")[2])[0]
    return "" if shutil.which(program) else program


def cycle(address: str, limit: float = LIMIT) -> None:
    """Run the command line of `command:...`, without a shell. Raises `RigError` with what it said."""
    if wrong := misread(address):
        raise RigError(f"dut.power: {wrong}")
    line = address.partition(":")[2]
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
        raise overdue(RigError(f"dut.power: {line}: did not end within {limit:g} s")) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-300:] or "without a word"
        raise RigError(f"dut.power: {line}: exit status {done.returncode}: {said}")
