"""Makes a guest a lab host with BlueZ and bleak: D-Bus, bluetoothd, Python's library, and `rigs.discovery`.

Strategy: a guest is small so that it boots fast, and few cases want this, or another program (`programs`). So it is
sent there when it is first wanted, as one archive over a port of its own, and unpacked in the guest's memory. The
archive is made of Debian packages that are kept like the kernel's (`packages`): downloaded once, checked, unpacked in
the cache and never installed. Python modules go as byte code where this host writes that of the guest's Python,
because compiling them there takes seconds.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rigs.guests import image, packages
from rigs.guests.cpio import CpioWriter
from rigs.guests.qemu import GuestError
from rigs.model import overdue

if TYPE_CHECKING:
    from rigs.guests.node_guest import NodeGuest

PORT = "files"
_NOBODY = 4  # see `rigs.discovery`
PACKAGES = (
    *("python3-bleak", "python3-dbus-fast", "python3-async-timeout", "python3-typing-extensions"),
    "dbus-daemon",
)
_SCRIPT = Path(__file__).parents[1] / "discovery.py"
_BUILDERS = (
    Path(__file__),
    _SCRIPT,
    *(Path(__file__).with_name(f"{n}.py") for n in ("image", "cpio", "elf")),
)
#: Parts of Python's library that nothing here imports, and that are large.
_LEFT_OUT = frozenset(
    {
        "test",
        "idlelib",
        "lib2to3",
        "ensurepip",
        "pydoc_data",
        "tkinter",
        "turtledemo",
        "unittest",
        "distutils",
    }
    | {"sqlite3", "curses", "dbm", "wsgiref", "xmlrpc", "venv", "__pycache__", "config-3.11-x86_64-linux-gnu"}
)
#: Extension modules of it that asyncio, bleak and dbus_fast import; the others want libraries that are not here.
_EXTENSIONS = frozenset(
    ["_asyncio", "_contextvars", "_ctypes", "_json", "_queue", "_typing", "mmap", "termios"]
)
_BUS = """\
<busconfig><type>system</type><listen>unix:path=/run/dbus.sock</listen><auth>EXTERNAL</auth>
<policy context="default">
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
</policy></busconfig>
"""
_START = """\
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus.sock
mkdir -p /var/lib/bluetooth /var/lib/dbus
ip link set lo up
[ -e /run/dbus.sock ] || /lab/bin/dbus-daemon --config-file=/lab/bus.conf --fork --nopidfile || exit 1
/lab/bin/bluetoothd -n </dev/null >/run/bluetoothd.log 2>&1 &
daemon=$!
cd /lab
PYTHONHOME=/usr PYTHONPATH=/lab/site python3 -s discovery.py {arguments} 2>/run/discovery.err
status=$?
kill $daemon; wait $daemon 2>/dev/null
[ $status = 0 ] || [ $status = 4 ] || {{ cat /run/discovery.err; tail -5 /run/bluetoothd.log; }} >&2
exit $status
"""


def archive(*, cache: Path | None = None) -> bytes:
    """The files, as a cpio archive; from the cache when nothing it is made from has changed.

    Raises `packages.PackageError`, `image.ImageError`.
    """
    cache = cache or packages.cache_dir()
    base = image.tree(image.BLE, cache=cache)
    extra = packages.ensure(PACKAGES, cache=cache)
    made_from = [base.digest, extra.digest, sys.implementation.cache_tag]
    made_from += [hashlib.sha256(path.read_bytes()).hexdigest() for path in _BUILDERS]
    key = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]
    file = cache / "images" / f"lab-{key}.cpio"
    with packages.locked(cache / "images" / "lock"):
        if not file.exists():
            image.write(file, _made(base.root, extra.root))
        return file.read_bytes()


def _made(base: Path, extra: Path) -> bytes:
    made = CpioWriter()
    library = max((base / "usr/lib").glob("python3.*"))
    tag = f"cpython-{library.name.removeprefix('python').replace('.', '')}"
    for path in sorted(library.rglob("*.*")):
        parts = path.relative_to(library).parts
        wanted = path.suffix == ".py" or (path.suffix == ".so" and path.name.partition(".")[0] in _EXTENSIONS)
        if path.is_file() and wanted and not _LEFT_OUT.intersection(parts):
            _module(made, base, path, f"usr/lib/{library.name}/{'/'.join(parts)}", tag)
    site = extra / "usr/lib/python3/dist-packages"
    for path in sorted(site.rglob("*")):
        if path.is_file() and path.suffix in {".py", ".so"}:
            _module(made, extra, path, f"lab/site/{path.relative_to(site)}", tag)
    for name, root in (("usr/bin/dbus-daemon", extra), ("usr/libexec/bluetooth/bluetoothd", base)):
        path = root / name
        if not path.is_file():
            raise image.ImageError(f"{name} is not in the unpacked packages: has its package been renamed?")
        made.file(f"lab/bin/{path.name}", path.read_bytes(), 0o755)
        image.add_libraries(made, root, path)
    made.file("lab/bus.conf", _BUS.encode())
    made.file("lab/discovery.py", _SCRIPT.read_bytes())
    made.file("etc/machine-id", b"4b6579686f6c65000000000000000000\n")
    return made.finish()


def programs(names: Sequence[str], places: Mapping[str, str], *, cache: Path | None = None) -> bytes:
    """Programs of further packages and their libraries, as a cpio archive; `places` has where each goes.

    Raises `packages.PackageError`, `image.ImageError`.
    """
    root = packages.ensure(names, cache=cache).root
    made = CpioWriter()
    for source, place in places.items():
        path = root / source
        if not path.is_file():
            raise image.ImageError(f"{source} is not in the unpacked packages: has its package been renamed?")
        made.file(place, path.read_bytes(), 0o755)
        image.add_libraries(made, root, path)
    return made.finish()


def _module(made: CpioWriter, root: Path, path: Path, place: str, tag: str) -> None:
    if path.suffix == ".so":
        made.file(place, path.read_bytes(), 0o755)
        image.add_libraries(made, root, path)
    elif tag == sys.implementation.cache_tag:
        made.file(f"{place}c", image.compiled(path, f"/{place}"))
    else:
        made.file(place, path.read_bytes())


def install(guest: NodeGuest) -> None:
    """Send the archive to a guest that has the port, and unpack it there. Raises `GuestError`, and as `archive`."""
    unpack(guest, archive())


def unpack(guest: NodeGuest, data: bytes) -> None:
    """Send a cpio archive to a guest that has the port, and unpack it there. Raises `GuestError`."""
    find = (
        f'for p in /sys/class/virtio-ports/*; do [ "$(cat $p/name)" = {PORT} ] && echo /dev/${{p##*/}}; done'
    )
    device = guest.client.check(find).strip()
    if not device:
        raise GuestError(f"the guest was started without the port {PORT!r}")
    guest.client.check(
        "rm -f /run/unpacked; "
        f"(cd / && head -c {len(data)} {device} | cpio -idu; echo $? > /run/unpacked) 2>/run/cpio.err &"
    )
    guest.guest.port(PORT).sendall(data)
    wait = "for i in $(seq 1200); do [ -s /run/unpacked ] && break; sleep 0.05; done; "
    guest.client.check(
        wait + "[ $(cat /run/unpacked) = 0 ] || { tail -5 /run/cpio.err; exit 1; }", timeout=70
    )


def discover(guest: NodeGuest, address: str, seconds: float) -> dict[str, Any] | None:
    """What `rigs.discovery` finds of one device; None when it is not found. Raises `GuestError`."""
    arguments = f"--address {address} --seconds {seconds:g}"
    status, text = guest.client.run(_START.format(arguments=arguments), timeout=4 * seconds + 30)
    if status not in {0, _NOBODY}:
        failed = GuestError(f"discovery in the guest failed ({status}): {text.strip()[-600:]}")
        raise overdue(failed)  # D-Bus and the scan have deadlines of their own
    lines = [line for line in text.splitlines() if line.startswith("{")]
    return json.loads(lines[0]) if lines else None
