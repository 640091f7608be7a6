"""The initramfs: archive format, ELF reading, module order, kernel extraction. No QEMU."""

import bz2
import gzip
import lzma
import struct

import pytest

from rigs.guests import elf, image
from rigs.guests.cpio import CpioWriter
from rigs.guests.modules import ModuleError, ModuleTree


def entries(archive):
    """Read a newc archive back, by the format's description and not by the writer's code."""
    at, found = 0, []
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        data = at + (110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found.append((name, mode, archive[data : data + size], fields))
        at = data + (size + 3) // 4 * 4


def test_cpio_holds_what_was_put_in():
    writer = CpioWriter()
    writer.file("usr/bin/program", b"\x7fELF1", 0o755)
    writer.symlink("bin", "usr/bin")
    writer.device("dev/console", 5, 1)
    writer.folder("usr")  # is there already, by way of the program
    archive = writer.finish()
    assert [(name, oct(mode), data) for name, mode, data, _ in entries(archive)] == [
        ("usr", "0o40755", b""),
        ("usr/bin", "0o40755", b""),
        ("usr/bin/program", "0o100755", b"\x7fELF1"),
        ("bin", "0o120777", b"usr/bin"),
        ("dev", "0o40755", b""),
        ("dev/console", "0o20600", b""),
    ]
    assert entries(archive)[-1][3][9:11] == [5, 1]
    assert len(archive) % 512 == 0


def test_cpio_is_reproducible_and_knows_no_host():
    def make():
        writer = CpioWriter()
        writer.file("a/b", b"1")
        return writer.finish()

    assert make() == make()
    for _, _, _, fields in entries(make()):
        assert fields[2] == fields[3] == fields[5] == 0  # uid, gid, mtime


@pytest.mark.parametrize("name", ["", "/absolute", "twice"])
def test_cpio_refuses_bad_names(name):
    writer = CpioWriter()
    writer.file("twice", b"")
    with pytest.raises(ValueError, match="absolute, empty or repeated"):
        writer.file(name, b"")


def elf_file(sections):
    """A minimal ELF64 with the named sections."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [*sections, ".shstrtab"])
    bodies = [*sections.values(), names]
    offsets, at = [], 64
    for body in bodies:
        offsets.append(at)
        at += len(body)
    header = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, at, 0, 64, 0, 0, 64, len(bodies) + 1, len(bodies))
    )
    table = bytes(64)
    name_at = 1
    for name, offset, body in zip([*sections, ".shstrtab"], offsets, bodies, strict=True):
        table += struct.pack("<IIQQQQIIQQ", name_at, 1, 0, 0, offset, len(body), 0, 0, 1, 0)
        name_at += len(name) + 1
    return header + b"".join(bodies) + table


def module(**fields):
    return elf_file(
        {".modinfo": b"\0".join(f"{key}={value}".encode() for key, value in fields.items()) + b"\0"}
    )


def test_elf_needed_and_modinfo():
    strings = b"\0libone.so.1\0libtwo.so\0"
    dynamic = (
        struct.pack("<qQ", 1, 1)
        + struct.pack("<qQ", 12, 99)
        + struct.pack("<qQ", 1, 13)
        + struct.pack("<qQ", 0, 0)
    )
    assert elf.needed(elf_file({".dynstr": strings, ".dynamic": dynamic})) == ["libone.so.1", "libtwo.so"]
    assert elf.needed(module(name="x")) == []
    assert elf.modinfo(module(name="x", depends="a,b")) == {"name": ["x"], "depends": ["a,b"]}


@pytest.mark.parametrize(
    "junk", [b"", b"\x7fELF", b"#!/bin/sh\n", elf_file({".a": b"b"})[:70], b"\x7fELF\x02\x01" + b"\xff" * 80]
)
def test_elf_names_what_is_not_elf(junk):
    with pytest.raises(elf.ElfError):
        elf.modinfo(junk)


@pytest.fixture
def module_folder(tmp_path):
    kernel = tmp_path / "kernel" / "net"
    kernel.mkdir(parents=True)
    (kernel / "low-pan.ko").write_bytes(module(name="low_pan", depends=""))
    (kernel / "mac.ko").write_bytes(module(name="mac", depends="radio,builtin-crc"))
    (kernel / "radio.ko.xz").write_bytes(lzma.compress(module(name="radio", depends="")))
    (kernel / "top.ko").write_bytes(module(name="top", depends="mac,low_pan"))
    (kernel / "orphan.ko").write_bytes(module(name="orphan", depends="nowhere"))
    (kernel / "hen.ko").write_bytes(module(name="hen", depends="egg"))
    (kernel / "egg.ko").write_bytes(module(name="egg", depends="hen"))
    (tmp_path / "modules.builtin").write_text("kernel/lib/builtin-crc.ko\n")
    return tmp_path


def test_modules_come_after_what_they_need(module_folder):
    order = ModuleTree(module_folder).load_order(["top", "low-pan"])
    assert [name for name, _ in order] == ["radio", "mac", "low_pan", "top"]
    assert all(data.startswith(b"\x7fELF") for _, data in order)


def test_modules_built_in_need_no_file(module_folder):
    assert ModuleTree(module_folder).load_order(["builtin_crc"]) == []
    assert ModuleTree(None).load_order(["anything"]) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("absent", "absent is neither in"),
        ("orphan", "nowhere .needed by orphan. is neither"),
        ("hen", "hen -> egg -> hen"),
    ],
)
def test_module_errors_name_the_module(module_folder, name, says):
    with pytest.raises(ModuleError, match=says):
        ModuleTree(module_folder).load_order([name])


def bzimage(payload):
    head = bytearray(1024)
    head[0x1F1] = 1  # one sector of setup code behind the boot sector
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", head, 0x248, 32, len(payload))
    return bytes(head) + bytes(32) + payload


PVH = b"\x7fELF" + bytes(100) + struct.pack("<III", 4, 8, 18) + b"Xen\0" + bytes(8)


def xz(data):
    return lzma.compress(data) + struct.pack("<I", len(data))  # the kernel's build appends the size


@pytest.mark.parametrize(
    "payload",
    [xz(PVH), gzip.compress(PVH, mtime=0), bz2.compress(PVH) + struct.pack("<I", len(PVH))],
    ids=["xz", "gzip", "bzip2"],
)
def test_kernel_is_taken_out_of_its_bzimage(payload):
    assert image.uncompressed_kernel(bzimage(payload)) == PVH
    assert image.uncompressed_kernel(PVH) == PVH


@pytest.mark.parametrize(
    "kernel",
    [
        b"",
        b"not a kernel",
        bzimage(b"unknown compression"),
        bzimage(xz(PVH)[:-30]),
        bzimage(xz(b"\x7fELF without the note")),
    ],
)
def test_kernel_without_pvh_boots_as_it_is(kernel):
    assert image.uncompressed_kernel(kernel) is None
