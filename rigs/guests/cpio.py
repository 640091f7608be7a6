"""Writes the newc cpio archive that a Linux kernel unpacks as its initramfs.

Strategy: a dozen lines of format instead of a program that may be absent. The archive depends on nothing but what
is put in: no clock, no owner, no inode of the host; the same content gives the same octets.
Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
"""

from __future__ import annotations

import stat


class CpioWriter:
    """Collects entries; `finish()` gives the archive. Folders above an entry are made by themselves."""

    def __init__(self) -> None:
        """Start an empty archive."""
        self._parts: list[bytes] = []
        self._seen: set[str] = set()

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Add a regular file; `name` is relative to the root, without a leading slash."""
        self._entry(name, stat.S_IFREG | mode, content)

    def symlink(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def folder(self, name: str, mode: int = 0o755) -> None:
        """Add an (empty) folder; one that is there already is left as it is."""
        if name not in self._seen:
            self._entry(name, stat.S_IFDIR | mode, b"")

    def device(self, name: str, major: int, minor: int, mode: int = 0o600) -> None:
        """Add a character device, such as `dev/console` (5, 1)."""
        self._entry(name, stat.S_IFCHR | mode, b"", (major, minor))

    def __contains__(self, name: str) -> bool:
        """Whether an entry of that name was added."""
        return name in self._seen

    def finish(self) -> bytes:
        """Return the whole archive, padded to 512 octets."""
        self._entry("TRAILER!!!", 0, b"")
        archive = b"".join(self._parts)
        return archive + bytes(-len(archive) % 512)

    def _entry(self, name: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> None:
        if not name or name.startswith("/") or name in self._seen:
            raise ValueError(f"cpio entry {name!r}: an absolute, empty or repeated name")
        if "/" in name:
            self.folder(name.rpartition("/")[0])
        self._seen.add(name)
        encoded = name.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        # inode, mode, uid, gid, links, mtime, size, dev major, minor, rdev major, minor, name size, check
        fields = (len(self._seen), mode, 0, 0, links, 0, len(content), 0, 0, *device, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % value for value in fields) + encoded
        self._parts += [header, bytes(-len(header) % 4), content, bytes(-len(content) % 4)]
