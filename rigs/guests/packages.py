"""Debian packages in a user cache: downloaded by apt, unpacked, never installed.

Strategy: a kernel package *installed* on a user's host is an intrusion, so the guest's kernel and programs are
only unpacked. `apt-get download` fetches them (it needs no root, and checks each file against the signed
package index), `dpkg-deb -x` unpacks them side by side into one tree, everything that no guest can use is
pruned, and the tree appears in the cache by one rename. A manifest beside it holds package versions, the sha256
of every package file and the sha256, size and time stamp of every file kept. Each later use compares sizes and
stamps (one stat a file) and hashes only what looks touched; a tree that does not match is made anew. A file
lock keeps two processes from doing the same work. When the tree is there, apt is not called at all.

The cache is `$KEYHOLE_CACHE`, else `$XDG_CACHE_HOME/keyhole`, else `~/.cache/keyhole`. Deleting it is always safe.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rigs.guests import kernels

#: The kernel is named by its meta package; the versioned one is what that depends on.
KERNEL = "linux-image-amd64"
#: The interpreter is named by its meta package too (python3.11-minimal on Debian 12).
PYTHON = "python3-minimal"
#: What every guest needs. Shared libraries are found by following their dependencies.
BASE = (KERNEL, PYTHON, "busybox-static", "iproute2")

#: Who does something that takes long says so here.
LOG = logging.getLogger("keyhole")
#: Octets of packages that are downloaded at a time.
_TURN = 15_000_000
_LAYOUT = 4  # raise it when the tree's form changes: old trees are then left alone and new ones made
_LIBRARY = re.compile(r"^(lib|zlib)")
#: Library packages that hold no shared object a guest program links to.
_NOT_LIBRARIES = frozenset(
    {"libc-bin", "libnss-nis", "libnss-nisplus", "libpam-runtime", "libsemanage-common"}
)
_KERNEL_PARTS = (
    "arch",
    "crypto",
    "drivers/bluetooth",
    "drivers/char/hw_random",
    "drivers/char/virtio_console.ko",
    "drivers/crypto/virtio",
    "drivers/net/ieee802154",
    "drivers/net/net_failover.ko",
    "drivers/net/virtio_net.ko",
    "drivers/usb",
    "drivers/virtio",
    "fs/configfs",
    "lib",
    "net",
)
_USELESS = ("usr/share", "usr/include", "etc", "var", "usr/lib/debug", "usr/lib/x86_64-linux-gnu/gconv")


class PackageError(Exception):
    """The packages cannot be had: what was tried, what was seen, and the remedy."""


@dataclass(frozen=True, slots=True)
class Package:
    """One unpacked package; `sha256` is of the .deb file as apt verified it."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class PackageTree:
    """The unpacked packages: `root` looks like the root of a small Debian system; `digest` names its content."""

    root: Path
    packages: tuple[Package, ...]
    digest: str


def cache_dir() -> Path:
    """Where everything that may be deleted lives; created when absent."""
    named = os.environ.get("KEYHOLE_CACHE")
    base = (
        Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keyhole"
    )
    base.mkdir(parents=True, exist_ok=True)
    return base.resolve()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` (made when absent); a process that dies gives it back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure(names: Sequence[str] = BASE, *, cache: Path | None = None, refresh: bool = False) -> PackageTree:
    """Return the unpacked tree of `names` and their shared libraries; download only what the cache lacks.

    `refresh` asks apt again although the cache is complete. Raises `PackageError`.
    """
    cache = cache or cache_dir()
    wanted = sorted(set(names))
    key = hashlib.sha256(json.dumps([_LAYOUT, wanted]).encode()).hexdigest()[:16]
    home = cache / "packages" / key
    with locked(cache / "packages" / f"{key}.lock"):
        if not refresh and (found := _load(home)):
            return found
        return _make(wanted, home)


def _load(home: Path) -> PackageTree | None:
    """Return the tree at `home` when it is whole and untouched, else None."""
    manifest = home / "manifest.json"
    try:
        text = manifest.read_text(encoding="utf-8")
        data = json.loads(text)
        root = home / "root"
        for name, (size, stamp, digest) in data["files"].items():
            stat = (root / name).stat()
            if stat.st_size != size or (stat.st_mtime_ns != stamp and _sha256(root / name) != digest):
                return None
        packages = tuple(Package(**entry) for entry in data["packages"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return PackageTree(root, packages, _digest(data["files"]))


def _digest(files: dict[str, tuple[int, int, str]]) -> str:
    content = [(name, entry[2]) for name, entry in sorted(files.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _make(wanted: Sequence[str], home: Path) -> PackageTree:
    home.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    try:
        debs, root = work / "debs", work / "root"
        debs.mkdir()
        root.mkdir()
        _download(_closure(wanted), debs)
        packages = []
        for deb in sorted(debs.glob("*.deb")):
            name, version = _run(
                ["dpkg-deb", "--show", "--showformat=${Package} ${Version}", str(deb)]
            ).split()
            packages.append(Package(name, version, _sha256(deb)))
            _run(["dpkg-deb", "-x", str(deb), str(root)])
        shutil.rmtree(debs)
        _prune(root)
        files = {}
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink():
                stat = path.stat()
                files[str(path.relative_to(root))] = (stat.st_size, stat.st_mtime_ns, _sha256(path))
        manifest = {
            "wanted": list(wanted),
            "packages": [{"name": p.name, "version": p.version, "sha256": p.sha256} for p in packages],
            "files": files,
        }
        (work / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        if home.exists():
            shutil.rmtree(home)
        work.rename(home)
        return PackageTree(home / "root", tuple(packages), _digest(files))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _prune(root: Path) -> None:
    """Drop what no guest uses: most kernel modules (300 MB), documentation, tables of character sets."""
    for name in _USELESS:
        shutil.rmtree(root / name, ignore_errors=True)
    for kernel in (tree / "kernel" for tree in kernels.trees(root)):
        keep = [kernel / part for part in _KERNEL_PARTS]
        for path in sorted(kernel.rglob("*.ko*")):
            plain = path.with_name(f"{path.name.partition('.ko')[0]}.ko")  # Debian 13 has them compressed
            if not any(plain == part or part in path.parents for part in keep):
                path.unlink()


def _closure(wanted: Sequence[str]) -> list[str]:
    """Real package names behind `wanted`, plus the library packages they depend on, all the way down."""
    done: list[str] = []
    queue = list(wanted)
    while queue:
        done += queue
        # `--important` leaves Depends and Pre-Depends only. One call a level: each reads the whole package index.
        text = _run(["apt-cache", "depends", "--important", *queue])
        found = [name for package, names in depends(text).items() for name in _useful(package, names)]
        queue = [name for name in dict.fromkeys(found) if name not in done]
    return [name for name in done if name not in {KERNEL, PYTHON}]


def depends(text: str) -> dict[str, list[str]]:
    """Parse the output of `apt-cache depends`: dependencies of each package, the first of each list of alternatives."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    alternative = False
    for line in text.splitlines():
        if entry := re.match(r"^ ([ |])(?:Pre)?Depends: (\S+)$", line):
            if not alternative and not entry[2].startswith("<"):  # <virtual package>
                names.append(entry[2])
            alternative = entry[1] == "|"
        elif re.match(r"^\S+$", line):
            names = found.setdefault(line, [])
            alternative = False
    return found


def _useful(package: str, names: Sequence[str]) -> list[str]:
    """Those of the dependencies `names` of `package` that are worth unpacking."""
    if package == KERNEL or kernels.parts([package]):
        return kernels.parts(names)
    if package == PYTHON:
        return [name for name in names if re.match(r"^python3\.\d+-minimal$", name)]
    if re.match(r"^python3\.\d+-minimal$", package):  # the agent needs ctypes, which is in -stdlib
        names = [*names, f"lib{package.removesuffix('-minimal')}-stdlib"]
    if package.endswith("-stdlib"):
        return [name for name in names if name.startswith("libffi")]
    return [name for name in names if _LIBRARY.match(name) and name not in _NOT_LIBRARIES]


def _download(names: Sequence[str], into: Path) -> None:
    # As root apt hands the download to user _apt, who cannot enter a private folder, and warns about it.
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
    sizes = sizes_of(_run([*apt, "--print-uris", "download", *names], cwd=into))
    whole, done = sum(sizes.values()), 0
    LOG.info("downloading %d Debian packages, %s (never installed)", len(names), _megabytes(whole))
    for some in batches(names, sizes):
        _run([*apt, "download", *some], cwd=into)
        done += sum(sizes.get(name, 0) for name in some)
        if done < whole:
            LOG.info("%.0f of %s are here", done / 1e6, _megabytes(whole))
    found = {path.name.split("_", 1)[0] for path in into.glob("*.deb")}
    if missing := [name for name in names if name not in found]:
        raise PackageError(
            f"apt-get download left out {', '.join(missing)}; run `apt-get update` and try again"
        )
    LOG.info("unpacking them")


def sizes_of(text: str) -> dict[str, int]:
    """Package -> octets, from what `apt-get --print-uris download` says: 'URI' NAME_VERSION_ARCH.deb SIZE HASH."""
    rows = (re.fullmatch(r"'[^']*' ([^_\s]+)_\S+ (\d+) \S+", line.strip()) for line in text.splitlines())
    return {row[1]: int(row[2]) for row in rows if row is not None}


def batches(names: Sequence[str], sizes: Mapping[str, int]) -> list[list[str]]:
    """The packages in turns of about `_TURN` octets: few calls of apt, and a word every few seconds."""
    turns: list[list[str]] = [[]]
    for name in names:
        turns[-1].append(name)
        if sum(sizes.get(one, 0) for one in turns[-1]) >= _TURN:
            turns.append([])
    return [turn for turn in turns if turn]


def _megabytes(octets: int) -> str:
    return f"{octets / 1e6:.0f} MB"


def _run(command: list[str], cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            check=False,
            capture_output=True,
            text=True,
            timeout=900,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except FileNotFoundError:
        raise PackageError(
            f"{command[0]} is not here: the guest is made from Debian packages. Make the cache on a Debian or Ubuntu "
            f"machine and copy it ({cache_dir()}), or point KEYHOLE_CACHE at a copy"
        ) from None
    except subprocess.TimeoutExpired:
        raise PackageError(
            f"`{' '.join(command[:4])} ...` did not end within 900 s: is the network there?"
        ) from None
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        remedy = (
            "run `apt-get update` (as root) and try again"
            if command[0].startswith("apt")
            else "free disk space?"
        )
        raise PackageError(f"`{' '.join(command[:6])} ...` failed with {done.returncode}:\n{last}\n{remedy}")
    return done.stdout


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
