"""Where a kernel and its modules are among the unpacked files of Debian's kernel packages.

Strategy: the places have changed (Debian 12: boot/ and lib/modules/; 13: usr/lib/modules/; from 7.3 on vmlinuz stands
beside the modules; it, they and the list of what is built in are three packages), and all of these are known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_FOLDERS: Final = ("lib/modules", "usr/lib/modules")
_PARTS: Final = re.compile(r"linux-(image|binary|modules|base)-\d")


def trees(root: Path) -> list[Path]:
    """The folders of modules, one for each kernel, the oldest name first."""
    return [tree for folder in _FOLDERS for tree in sorted((root / folder).glob("*/")) if tree.is_dir()]


def found(root: Path) -> list[tuple[Path, Path]]:
    """(kernel, its folder of modules) of each kernel that has both."""
    return [
        (image, tree)
        for tree in trees(root)
        for image in (root / "boot" / f"vmlinuz-{tree.name}", tree / "vmlinuz")
        if image.is_file() and (tree / "kernel").is_dir()
    ]


def parts(names: Sequence[str]) -> list[str]:
    """Those of a kernel package's dependencies that are parts of the kernel."""
    return [name for name in names if _PARTS.match(name)]
