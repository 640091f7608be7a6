"""`python -m rigs.discovery`: who offers the Internet Protocol Support Service (0x1820), found by bleak as users do.

Strategy: a scan for advertising data, then a connection and its GATT services, for one device or for all that advertise
the service. It is a program of its own, of bleak and the standard library only, because it runs where the adapter is:
on a lab host, or in a guest that has no other part of this project. One JSON object a line on standard output:

    {"address": "04:4B:...", "name": "...", "rssi": -40, "advertised": ["1820"], "services": ["1800", "1820"]}

UUIDs of the Bluetooth SIG's have 4 digits. `services` is null when nobody could be connected to; then "error" says why.
Exit status: 0 somebody was found, 4 nobody, 3 bleak or the host's Bluetooth is not there (one line on standard error).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import sys
from collections.abc import Callable
from typing import Any

IPSS = "1820"
#: Seconds between two looks whether BlueZ has an adapter by now.
_LOOK = 0.2


def short(uuid: str) -> str:
    """The 4 digits of a UUID that is the SIG's (Core Vol 3 Part B §2.5.1), else the UUID."""
    found = re.fullmatch(r"0000([0-9a-f]{4})-0000-1000-8000-00805f9b34fb", uuid.lower())
    return found[1] if found else uuid.lower()


async def discover(seconds: float, address: str | None) -> list[dict[str, Any]]:
    """Scan up to `seconds`, and ask each device found (that of `address`, else those with IPSS) for its services."""
    from bleak import BleakClient, BleakScanner

    seen: dict[str, tuple[Any, Any]] = {}
    enough = asyncio.Event()

    def heard(device: Any, data: Any) -> None:
        if address is None:
            wanted = IPSS in map(short, data.service_uuids)
        else:
            wanted = device.address.lower() == address.lower()
        if wanted:
            seen[device.address] = device, data
            if address is not None:
                enough.set()

    async with contextlib.AsyncExitStack() as scan:
        await _begin(scan, lambda: BleakScanner(heard), seconds)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(enough.wait(), seconds)
    found = []
    for device, data in seen.values():
        entry: dict[str, Any] = {
            "address": device.address, "name": data.local_name, "rssi": data.rssi,
            "advertised": sorted(map(short, data.service_uuids)), "services": None,
        }  # fmt: skip
        try:
            async with BleakClient(device, timeout=seconds) as client:
                entry["services"] = sorted(short(service.uuid) for service in client.services)
        except Exception as error:  # noqa: BLE001 - whatever keeps us from it is the answer
            entry["error"] = f"{type(error).__name__}: {error}"
        found.append(entry)
    return found


async def _begin(scan: contextlib.AsyncExitStack, scanner: Callable[[], Any], seconds: float) -> None:
    """Begin a scan as soon as BlueZ can, within `seconds`: it serves D-Bus before it has its adapters, and powers
    them later still, which takes a busy host seconds; until then bleak finds no (powered) adapter.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            await scan.enter_async_context(scanner())
        except Exception:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            await asyncio.sleep(_LOOK)
        else:
            return


def main(arguments: list[str] | None = None) -> int:
    """See above."""
    parser = argparse.ArgumentParser(
        prog="python -m rigs.discovery", description="Find nodes of the Internet Protocol Support Profile."
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="how long to wait for the adapter, and to scan, at most"
    )
    parser.add_argument("--address", help="only this device, whatever it advertises")
    options = parser.parse_args(arguments)
    try:
        found = asyncio.run(discover(options.seconds, options.address))
    except ImportError as error:
        sys.stderr.write(f"bleak is not here ({error}): pip install -e '.[ble]'\n")
        return 3
    except Exception as error:  # noqa: BLE001 - bleak hands on what D-Bus and the kernel raise
        sys.stderr.write(f"this host cannot scan: {type(error).__name__}: {error}\n")
        return 3
    for entry in found:
        sys.stdout.write(json.dumps(entry) + "\n")
    return 0 if found else 4


if __name__ == "__main__":
    sys.exit(main())
