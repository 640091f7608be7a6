"""Runs inside the guest: finds a virtio-serial port by the name that QEMU gave it.

Strategy: the kernel numbers ports as they come and tells the name in sysfs; both may lag a moment behind the driver.
"""

from __future__ import annotations

import os
import select
import sys
import time


def find_port(limit: float, wanted: str = "agent") -> str:
    """Return the device of the port that QEMU named so; it may appear a moment after its driver."""
    ports = "/sys/class/virtio-ports"
    end = time.monotonic() + limit
    while True:
        for name in sorted(_listed(ports)):
            if _read(f"{ports}/{name}/name").strip() == wanted and name in _listed("/dev"):
                return f"/dev/{name}"
        if time.monotonic() > end:
            sys.exit(f"no virtio-serial port is named {wanted}")
        select.select([], [], [], 0.01)


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - pathlib takes a quarter of a second to import in the guest
    except OSError:
        return []


def _read(path: str) -> str:
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 4096).decode()
    finally:
        os.close(fd)
