"""Which kernel modules to load, and in which order.

Strategy: the wanted modules and everything their `.modinfo` says they depend on, each after what it needs. A module
that the kernel has built in (`modules.builtin`) is left out; one that is nowhere is an error naming it, since a
guest that boots without it would only fail later and less clearly.
"""

from __future__ import annotations

import gzip
import lzma
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rigs.guests.elf import modinfo


class ModuleError(Exception):
    """A wanted kernel module cannot be had."""


class ModuleTree:
    """The modules of one kernel: `folder` is its `lib/modules/<release>`, or None when all is built in."""

    def __init__(self, folder: Path | None) -> None:
        """Index the folder by module name; reads no module yet."""
        self.folder = folder
        self._paths: dict[str, Path] = {}
        self._builtin: set[str] = set()
        if folder is None:
            return
        for path in sorted(folder.rglob("*.ko*")):
            self._paths.setdefault(canonical(path.name.split(".ko")[0]), path)
        listing = folder / "modules.builtin"
        if listing.is_file():
            names = listing.read_text(encoding="utf-8").split()
            self._builtin = {canonical(name.rpartition("/")[2].removesuffix(".ko")) for name in names}

    def load_order(self, wanted: Sequence[str]) -> list[tuple[str, bytes]]:
        """(name, uncompressed module) of all that `wanted` needs, dependencies first. Raises `ModuleError`."""
        order: dict[str, bytes] = {}
        if self.folder is not None:
            for name in wanted:
                self._visit(canonical(name), order, ())
        return list(order.items())

    def _visit(self, name: str, order: dict[str, bytes], above: tuple[str, ...]) -> None:
        if name in order or name in self._builtin:
            return
        if name in above:
            raise ModuleError(f"modules depend on each other in a circle: {' -> '.join((*above, name))}")
        if name not in self._paths:
            chain = f" (needed by {' <- '.join(reversed(above))})" if above else ""
            raise ModuleError(
                f"kernel module {name}{chain} is neither in {self.folder} nor built in: "
                "use a kernel that was configured with it"
            )
        module = read_module(self._paths[name])
        for field in modinfo(module).get("depends", []):
            for dependency in filter(None, field.split(",")):
                self._visit(canonical(dependency), order, (*above, name))
        order[name] = module


def canonical(name: str) -> str:
    """Module names use `-` and `_` alike; the kernel's own form has `_`."""
    return name.replace("-", "_")


def read_module(path: Path) -> bytes:
    """The module uncompressed: the guest's insmod takes no other."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return unzstd(data)
    return data


def unzstd(data: bytes) -> bytes:
    """Decompress by the `zstd` program (the standard library has no zstd before Python 3.14)."""
    try:
        return subprocess.run(
            ["zstd", "-dcq"], input=data, check=True, capture_output=True, timeout=600
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ModuleError(f"cannot decompress zstd data ({error}): install the program zstd") from None
