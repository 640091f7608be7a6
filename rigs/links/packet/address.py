"""What the address of a `packet:` link says: the interface, and the lab host that has it.

Strategy: no socket and no execnet here, so that a rig file is judged without either.
"""

from __future__ import annotations

import re
import shlex
from typing import Final

from rigs.consoles.ssh import console as ssh

PLACES: Final = '"packet:wpan0" or "packet:wpan0@ssh:root@lab1"'


def misread(address: str) -> str:
    """What is wrong with what stands behind "packet:"; empty where nothing is."""
    interface, at, place = address.partition("@")
    kind, _, host = place.partition(":")
    if not interface or (at and (kind not in {"ssh", "popen"} or (kind == "ssh" and not host))):
        return f"does not say where the radio is: write {PLACES}"
    if not re.fullmatch(r"[^\s/:]{1,15}", interface):  # dev_valid_name of the kernel
        return f"{interface!r} is no name of an interface, which has 15 characters at most: write {PLACES}"
    if kind != "ssh":
        return ""
    if wrong := ssh.misread(host):
        return wrong
    words = shlex.split(host)
    letters, there = ssh.options(words)
    behind = words[there + 1 :]
    if "t" in letters:
        return "with -t the frames would go through a terminal, which changes octets: leave it away"
    if command := behind[ssh.options(behind)[1] :]:
        return f"what runs there is our agent, and not {shlex.join(command)!r}: leave it away"
    if words != host.split() or "//" in host:  # execnet splits there, whatever is quoted
        return 'words with spaces or "//" cannot be handed on: give the host a name in ~/.ssh/config, and write that'
    return ""
