"""A Thread network for a DUT that takes no plain frames: the DUT leads it, and the tester takes the place of its child.

Strategy: OpenThread takes frames of a neighbour that it knows by MLE, and those only. A second program of the same
kind attaches with the tester's EUI-64, which takes it about two seconds, and is ended; the tester goes on with that
address under the key of the network. Both begin from nothing (`factoryreset`): a network of a run before is no help.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from rigs import clock
from rigs.model import RigError, overdue
from rigs.nodes.openthread.cli import BOOT, PROMPT, Cli, shell_of

if TYPE_CHECKING:
    from rigs.consoles.model import Console

#: Seconds in which a node must have become what it was told to; on a quiet machine it takes 8 at most.
ROLE: Final = 120.0
#: Seconds that the DUT keeps a child which says nothing (it may take less: 28,800 in 2026).
CHILD_TIMEOUT: Final = 60_000
_TLVS: Final = re.compile(r"(?:[0-9a-f]{2}){16,}")


def lead(cli: Cli, *, channel: int, pan: bytes, address: bytes, key: bytes) -> str:
    """Make the node behind `cli` the leader of a new network; returns the network's dataset in hex.

    Raises `RigError`.
    """
    _from_nothing(cli)
    cli.do("dataset init new")
    cli.do(f"dataset networkkey {key.hex()}", f"dataset masterkey {key.hex()}")
    cli.do(f"dataset panid 0x{pan.hex()}")
    cli.do(f"dataset channel {channel}")
    cli.do("dataset commit active")
    _start(cli, address, "leader")
    found = [
        line for line in cli.do("dataset active -x", "dataset active binary") if _TLVS.fullmatch(line.strip())
    ]
    if not found:
        raise RigError("openthread: `dataset active -x` shows no dataset")
    return found[0].strip()


def attach(open_partner: Callable[[], Console], dataset: str, address: bytes) -> None:
    """Have a second program become a child with `address` in the network of `dataset`, and end it.

    Raises `RigError`.
    """
    console = open_partner()
    try:
        cli = Cli(shell_of(console, PROMPT), PROMPT)
        cli.ready(BOOT)
        _from_nothing(cli)
        cli.do(f"dataset set active {dataset}")
        cli.do("mode rn", "mode rsn")
        cli.do(f"childtimeout {CHILD_TIMEOUT}")
        _start(cli, address, "child")
    finally:
        console.close()


def _from_nothing(cli: Cli) -> None:
    cli.tell("factoryreset")
    cli.ready(BOOT)


def _start(cli: Cli, address: bytes, role: str) -> None:
    cli.do(f"extaddr {address.hex()}")
    cli.do("ifconfig up")
    cli.do("thread start")
    deadline = clock.now() + ROLE
    while (seen := " ".join(cli.do("state")[:1])) != role:
        if clock.now() >= deadline:
            raise overdue(
                RigError(f"openthread: it is no {role} within {ROLE:g} s of `thread start`, but {seen!r}")
            )
