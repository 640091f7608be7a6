"""Whether KVM works here: tried, not assumed.

Strategy: `/dev/kvm` may exist and hang (nested virtualisation), so a throw-away QEMU runs seven octets of code at the
reset vector, which end it through `isa-debug-exit`. An answer within the deadline is a yes, everything else a no with
its reason, and then plain emulation (TCG) is used. The answer is kept in the cache for this boot of the host and this
QEMU. It can still be wrong for a whole kernel; whoever finds that out says so with `distrust`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rigs.guests import packages

_FIRMWARE_SIZE = 65536
_PROGRAM = bytes.fromhex("b010 e6f4 f4 ebfd")  # mov al, 0x10; out 0xf4, al; hlt; jmp back to hlt
_EXIT_STATUS = (0x10 << 1) | 1  # what isa-debug-exit makes of 0x10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether KVM is to be used, and why or why not."""

    usable: bool
    reason: str


def probe(
    qemu: str, deadline: float = 5.0, *, device: Path = Path("/dev/kvm"), cache: Path | None = None
) -> Verdict:
    """Tell whether KVM works with the program `qemu`; takes `deadline` seconds at most, and mostly none."""
    if os.environ.get("KEYHOLE_ACCEL") in {"tcg", "kvm"}:
        chosen = os.environ["KEYHOLE_ACCEL"]
        return Verdict(chosen == "kvm", f"KEYHOLE_ACCEL={chosen}")
    if not os.access(device, os.R_OK | os.W_OK):
        return Verdict(False, f"{device} is not there or not ours to use")
    file = _file(cache)
    key = _key(qemu)
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return Verdict(bool(kept["usable"]), str(kept["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    verdict = _try(qemu, deadline)
    _keep(file, key, verdict)
    return verdict


def distrust(qemu: str, reason: str, *, cache: Path | None = None) -> None:
    """Keep that KVM is not to be used with `qemu` until the host boots again."""
    _keep(_file(cache), _key(qemu), Verdict(False, reason))


def _file(cache: Path | None) -> Path:
    return (cache or packages.cache_dir()) / "kvm.json"


def _key(qemu: str) -> list[str | int]:
    path = Path(shutil.which(qemu) or qemu)
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return [boot, str(path), path.stat().st_mtime_ns]
    except OSError:
        return [str(path)]


def _keep(file: Path, key: list[str | int], verdict: Verdict) -> None:
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as temporary:
        json.dump({"key": key, "usable": verdict.usable, "reason": verdict.reason}, temporary)
    Path(temporary.name).replace(file)


def _try(qemu: str, deadline: float) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        firmware = Path(folder) / "firmware"
        firmware.write_bytes(
            _PROGRAM.rjust(_FIRMWARE_SIZE - 16 + len(_PROGRAM), b"\0").ljust(_FIRMWARE_SIZE, b"\0")
        )
        command = [
            qemu, "-M", "pc", "-accel", "kvm", "-m", "8", "-nodefaults", "-display", "none", "-no-reboot",
            "-bios", str(firmware), "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, timeout=deadline, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return Verdict(False, f"KVM is there but did not run 7 octets of code within {deadline:g} s")
        except OSError as error:
            return Verdict(False, f"{qemu}: {error.strerror}")
    if done.returncode == _EXIT_STATUS:
        return Verdict(True, "tried and works")
    last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or [""])[-1]
    return Verdict(False, f"KVM failed with status {done.returncode}: {last}")
