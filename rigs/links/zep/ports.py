"""Which processes of this machine have a UDP port, told by /proc."""

from __future__ import annotations

import contextlib
from pathlib import Path


def users_of_port(port: int) -> str:
    """The processes that have bound the UDP port, on whatever address, as far as we may know; else empty."""
    inodes = set()
    for table in ("udp", "udp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                words = line.split()  # proc(5): local_address is the second, inode the tenth
                if int(words[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{words[9]}]")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(file.readlink()) in inodes for file in (process / "fd").iterdir()):
                found.append(f"process {process.name} ({(process / 'comm').read_text().strip()})")
        except OSError:  # it has ended, or is somebody else's
            continue
    return ", ".join(found)
