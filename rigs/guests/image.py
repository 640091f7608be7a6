"""Makes what QEMU boots: a kernel and an initramfs with one agent, a few programs and the modules it needs.

Strategy: the initramfs is the whole guest, there is no disk. It holds busybox, the programs and libraries that a
`GuestSpec` names, just enough Python for the agent, and kernel modules in load order. It is left uncompressed and
so is the kernel (the payload of a bzImage, entered by PVH), because under plain emulation unpacking costs seconds;
a kernel that cannot be entered that way boots as it is. Images are cached by a hash of all they are made from, so
that a changed agent, package or module makes a new image and nothing else does.

A kernel of the user's own: `Kernel(image, modules)`, or `$KEYHOLE_KERNEL` (bzImage or vmlinux) and
`$KEYHOLE_KERNEL_MODULES` (its `lib/modules/<release>`; without it all must be built in); `dut.kernel` is of one rig.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import py_compile
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rigs.guests import kernels, packages
from rigs.guests.cpio import CpioWriter
from rigs.guests.elf import needed
from rigs.guests.modules import ModuleTree, unzstd

_AGENT = tuple(
    Path(__file__).with_name(f"{name}.py")
    for name in (
        "agent",
        "commands",
        "files",
        "frames",
        "hci",
        "opens",
        "series",
        "turns",
        "wire",
        "ports",
    )
)
#: What the option `kernel` of a Linux DUT in a guest is for.
KERNEL = (
    "a folder in which Debian's kernel packages were unpacked (dpkg-deb -x): the DUT's kernel, in place of the one of "
    "this Debian"
)
_BUILDERS = (*_AGENT, *(Path(__file__).with_name(f"{n}.py") for n in ("image", "cpio", "elf", "modules")))
_KEEP_DAYS = 7  # an image that was not used for so long goes when a new one is made
_FOLDERS = ("bin", "dev", "proc", "sys", "run/netns", "tmp", "etc", "var")
_PROGRAM_FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin")
_LIBRARY_FOLDERS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "lib", "usr/lib")
#: Enough of the standard library for the agent; `os.py` is also the landmark by which Python finds the rest.
_PYTHON = (
    *("__future__.py", "os.py", "codecs.py", "io.py", "abc.py", "stat.py", "posixpath.py", "genericpath.py"),
    *("_collections_abc.py", "struct.py", "types.py", "ctypes/__init__.py", "ctypes/_endian.py"),
    *("encodings/__init__.py", "encodings/aliases.py", "encodings/utf_8.py"),
    *("encodings/ascii.py", "encodings/latin_1.py"),
)

_INIT = """\
#!/bin/busybox sh
# Process 1 of the guest. It outlives the agent, so that an agent that dies is not taken for a kernel panic.
export PATH=/usr/bin:/bin PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 HOME=/ LC_ALL=C
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t tmpfs none /run
/bin/busybox mkdir -p /run/netns
/bin/busybox mount -t debugfs none /sys/kernel/debug 2>/dev/null
/bin/busybox --install -s /bin
for module in /modules/*.ko; do
    insmod "$module" || echo "KEYHOLE insmod $module failed"
done
echo 7 > /proc/sys/kernel/printk
cd /agent
{python} -S -E -s -c "from rigs.guests.agent import main; main()"
echo "KEYHOLE agent ended with $?"
poweroff -f
"""


class ImageError(Exception):
    """The guest's image cannot be made: what is missing, and the remedy."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel of the user's own: a bzImage or vmlinux, and its `lib/modules/<release>` (None: all built in)."""

    image: Path
    modules: Path | None = None


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """What one kind of guest is made of, besides what every guest has."""

    name: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    modules: tuple[str, ...]
    memory_mib: int = 160


@dataclass(frozen=True, slots=True)
class Image:
    """What QEMU boots. `kernel` is a PVH vmlinux or a bzImage; `origin` tells the record where it came from."""

    kernel: Path
    initramfs: Path
    origin: str
    memory_mib: int = 160


_TRANSPORT = ("virtio_pci", "virtio_console")
_NHC = ("nhc_dest", "nhc_fragment", "nhc_hop", "nhc_ipv6", "nhc_mobility", "nhc_routing", "nhc_udp")

#: What Bluetooth's pairing asks for; sha512, drbg and jitterentropy must be there before ecdh.
_CRYPTO = (
    *("sha512_generic", "sha256_generic", "hmac", "drbg", "jitterentropy_rng", "ctr", "cmac", "ecb"),
    *("ecdh_generic", "algif_hash", "algif_skcipher"),
)

#: Two simulated 802.15.4 radios.
HWSIM = GuestSpec(
    name="hwsim",
    packages=("wpan-tools",),
    programs=("ip", "tc", "iwpan"),
    modules=(*_TRANSPORT, "sch_netem", "6lowpan", *_NHC, "ieee802154_6lowpan", "mac802154_hwsim"),
)

#: A Bluetooth LE controller brought by the host over a second port (`uart`).
BLE = GuestSpec(
    name="ble",
    packages=("bluez",),
    memory_mib=288,  # half of it is what files may take, and `lab` sends 50 MB of them
    programs=("ip", "tc", "hciconfig", "btmgmt", "btattach"),
    modules=(
        *_TRANSPORT,
        "sch_netem",
        *_CRYPTO,
        "bluetooth",
        "hci_uart",
        "6lowpan",
        *_NHC,
        "bluetooth_6lowpan",
    ),
)


def build(spec: GuestSpec, kernel: Kernel | None = None, *, cache: Path | None = None) -> Image:
    """Return the image of `spec`, from the cache when nothing it is made from has changed.

    Raises `ImageError`, `packages.PackageError`, `modules.ModuleError`.
    """
    cache = cache or packages.cache_dir()
    unpacked = tree(spec, cache=cache)
    own = kernel or _named_kernel()
    used = own or _packaged_kernel(unpacked)
    sources = [hashlib.sha256(path.read_bytes()).hexdigest() for path in _BUILDERS]
    made_from = [
        sources,
        unpacked.digest,
        spec.name,
        spec.programs,
        spec.modules,
        _identity(own),
        sys.implementation.cache_tag,
    ]
    key = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]
    file = cache / "images" / f"{spec.name}-{key}.cpio"
    origin = (
        str(used.image)
        if own
        else next(f"{p.name} {p.version}" for p in unpacked.packages if kernels.parts([p.name]))
    )
    with packages.locked(cache / "images" / "lock"):
        boots = _kernel(used.image, cache / "images")
        if not file.exists():
            write(file, initramfs(spec, unpacked.root, ModuleTree(used.modules)))
            _forget_old(cache / "images", {boots, file})
        for path in (boots, file):
            os.utime(path)
    return Image(boots, file, origin, spec.memory_mib)


def tree(spec: GuestSpec, *, cache: Path) -> packages.PackageTree:
    """The unpacked packages of a kind of guest: one tree for all kinds, so that the kernel (70 MB) is kept once."""
    wanted = {name for each in (HWSIM, BLE, spec) for name in each.packages}
    return packages.ensure((*packages.BASE, *wanted), cache=cache)


def _named_kernel() -> Kernel | None:
    image, modules = os.environ.get("KEYHOLE_KERNEL"), os.environ.get("KEYHOLE_KERNEL_MODULES")
    return Kernel(Path(image), Path(modules) if modules else None) if image else None


def _packaged_kernel(tree: packages.PackageTree) -> Kernel:
    found = kernels.found(tree.root)
    if not found:
        raise ImageError(f"no kernel in {tree.root}: delete {tree.root.parent} and try again")
    return Kernel(*found[-1])


def kernel_of(options: Mapping[str, object]) -> Kernel | None:
    """The kernel that the options of a DUT name (`KERNEL`); None where they name none. Raises `ImageError`."""
    named = str(options.get("kernel", ""))
    if not named:
        return None
    try:
        found = kernels.found(Path(named))
    except OSError as error:  # a name that no file can have
        remedy = "name a folder in which the packages of a kernel were unpacked"
        raise ImageError(f"dut.kernel: {error.strerror}: {named:.80}; {remedy}") from error
    if len(found) != 1:
        what = f"{len(found)} kernels are" if found else "no kernel with its modules is"
        raise ImageError(
            f"dut.kernel: {what} in {named}; one is to be there: `dpkg-deb -x` of Debian's linux-image-..., and from "
            "7.3 on of linux-binary-..., linux-modules-... and linux-base-..."
        )
    return Kernel(*found[0])


def _identity(kernel: Kernel | None) -> list[str | int]:
    """Changes when the user's kernel or its modules change (by the stamp of the file and of the module index)."""
    if kernel is None:
        return []
    found: list[str | int] = []
    for path in (
        kernel.image,
        *(kernel.modules / n for n in ("modules.order", "modules.builtin") if kernel.modules),
    ):
        try:
            stat = path.stat()
            found += [str(path), stat.st_size, stat.st_mtime_ns]
        except OSError as error:
            if path == kernel.image:
                raise ImageError(f"kernel {path}: {error.strerror}; see KEYHOLE_KERNEL") from None
    return found


def _kernel(source: Path, folder: Path) -> Path:
    """The kernel as QEMU likes it best, from the cache when it is there."""
    image = source.read_bytes()
    key = hashlib.sha256(image).hexdigest()[:16]
    for path in (folder / f"vmlinux-{key}", folder / f"bzImage-{key}"):
        if path.exists():
            return path
    plain = uncompressed_kernel(image)
    path = folder / f"{'vmlinux' if plain else 'bzImage'}-{key}"
    write(path, plain or image)
    return path


def write(path: Path, content: bytes) -> None:
    """Write a file of the cache; nobody ever sees half of it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as temporary:
        temporary.write(content)
    Path(temporary.name).replace(path)


def _forget_old(folder: Path, but: set[Path]) -> None:
    for path in set(folder.iterdir()) - but:
        if time.time() - path.stat().st_mtime > _KEEP_DAYS * 86400:
            path.unlink()


def uncompressed_kernel(image: bytes) -> bytes | None:
    """The vmlinux that QEMU can enter by PVH: `image` itself, or the payload of a bzImage; None when there is none.

    Layout: the kernel's Documentation/arch/x86/boot.rst (setup_sects, payload_offset, payload_length).
    """
    if image[0x202:0x206] == b"HdrS":
        start = ((image[0x1F1] or 4) + 1) * 512
        offset, length = struct.unpack_from("<II", image, 0x248)
        payload = image[start + offset :][:length]
        # The build appends the size to all but gzip, which has it of itself.
        unpack: dict[bytes, Callable[[bytes], bytes]] = {
            b"\xfd7zXZ": lambda data: lzma.decompress(data[:-4]),
            b"\x1f\x8b": gzip.decompress,
            b"BZh": lambda data: bz2.decompress(data[:-4]),
            b"\x28\xb5\x2f\xfd": lambda data: unzstd(data[:-4]),
        }
        reader = next((reader for magic, reader in unpack.items() if payload.startswith(magic)), None)
        try:
            image = reader(payload) if reader else b""
        except Exception:  # noqa: BLE001 - each reader has its own errors, and bzImage still boots, only slower
            return None
    # The note XEN_ELFNOTE_PHYS32_ENTRY (18) is where PVH enters.
    notes = (struct.pack("<III", 4, size, 18) + b"Xen\0" for size in (4, 8))
    return image if image.startswith(b"\x7fELF") and any(note in image for note in notes) else None


def initramfs(spec: GuestSpec, root: Path, modules: ModuleTree) -> bytes:
    """The guest's whole file system as a cpio archive; `root` is the tree of unpacked packages."""
    archive = CpioWriter()
    for folder in _FOLDERS:
        archive.folder(folder)
    archive.symlink("var/run", "/run")  # where iwpan looks for namespaces
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3, 0o666)
    archive.file("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n")
    interpreters = sorted((root / "usr/bin").glob("python3.*"))
    if not interpreters:
        raise ImageError(f"no Python in {root}: delete {root.parent} and try again")
    python = interpreters[-1]
    archive.symlink("usr/bin/python3", python.name)
    archive.file("init", _INIT.format(python=f"/usr/bin/{python.name}").encode(), 0o755)
    archive.file("bin/busybox", _find(root, _PROGRAM_FOLDERS, "busybox").read_bytes(), 0o755)
    for program in (python.name, *spec.programs):
        path = _find(root, _PROGRAM_FOLDERS, program)
        archive.file(f"usr/bin/{program}", path.read_bytes(), 0o755)
        add_libraries(archive, root, path)
    _add_python(archive, root, root / "usr/lib" / python.name)
    for number, (name, module) in enumerate(modules.load_order(spec.modules)):
        archive.file(f"modules/{number:03}-{name}.ko", module)
    return archive.finish()


def _find(root: Path, folders: tuple[str, ...], name: str) -> Path:
    for folder in folders:
        if (path := root / folder / name).is_file():
            return path
    raise ImageError(f"{name} is in none of the unpacked packages ({root}): has its package been renamed?")


def add_libraries(archive: CpioWriter, root: Path, program: Path) -> None:
    """Add the shared libraries of a program (or library), all the way down; `root` is the tree they are in."""
    for name in needed(program.read_bytes()):
        loader = name.startswith("ld-linux")
        place = f"{'lib64' if loader else 'usr/lib/x86_64-linux-gnu'}/{name}"
        if place not in archive:
            path = _find(root, _LIBRARY_FOLDERS, name)
            archive.file(place, path.read_bytes(), 0o755)
            add_libraries(archive, root, path)


def _add_python(archive: CpioWriter, root: Path, library: Path) -> None:
    """The few modules that the agent imports, compiled too when the host's Python writes the guest's byte code."""
    tag = f"cpython-{library.name.removeprefix('python').replace('.', '')}"
    sources = [(library / name, f"usr/lib/{library.name}/{name}") for name in _PYTHON]
    sources += [(path, f"agent/rigs/guests/{path.name}") for path in _AGENT]
    for source, place in sources:
        archive.file(place, source.read_bytes())
        if sys.implementation.cache_tag == tag:
            folder, _, file = place.rpartition("/")
            archive.file(f"{folder}/__pycache__/{file[:-3]}.{tag}.pyc", compiled(source, f"/{place}"))
    for path in sorted((library / "lib-dynload").glob("_ctypes.*.so")):
        archive.file(f"usr/lib/{library.name}/lib-dynload/{path.name}", path.read_bytes(), 0o755)
        add_libraries(archive, root, path)


def compiled(source: Path, shown: str) -> bytes:
    """The byte code of a Python file, which tracebacks call `shown`."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "compiled.pyc"
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), cfile=str(target), dfile=shown, doraise=True, invalidation_mode=mode)
        return target.read_bytes()
