"""The two questions we ask an ELF file: which libraries does it need, what does its `.modinfo` say.

Strategy: a Debian kernel package ships no `modules.dep` (depmod makes it at installation, which we do not do), and
`ldd` would run the foreign program; both answers stand in the file itself, in two sections. Only little-endian
ELF64 is read, which is what an x86-64 guest is made of.
"""

from __future__ import annotations

import struct

_SECTION = struct.Struct(
    "<IIQQQQIIQQ"
)  # name, type, flags, addr, offset, size, link, info, align, entry size
_DYNAMIC = struct.Struct("<qQ")
_DT_NULL, _DT_NEEDED = 0, 1


class ElfError(ValueError):
    """Not a little-endian ELF64 file, or a truncated one."""


def needed(image: bytes) -> list[str]:
    """Names of the shared libraries that a program or library asks for (DT_NEEDED), in order."""
    sections = _sections(image)
    if ".dynamic" not in sections:
        return []
    strings = sections.get(".dynstr", b"")
    names = []
    for tag, value in _DYNAMIC.iter_unpack(sections[".dynamic"]):
        if tag == _DT_NULL:
            break
        if tag == _DT_NEEDED:
            names.append(_text(strings, value))
    return names


def modinfo(image: bytes) -> dict[str, list[str]]:
    """Fields of a kernel module's `.modinfo` (`name`, `depends`, `softdep`, `vermagic`, ...); a key may repeat."""
    found: dict[str, list[str]] = {}
    for entry in _sections(image).get(".modinfo", b"").split(b"\0"):
        key, equals, value = entry.decode("utf-8", "replace").partition("=")
        if equals:
            found.setdefault(key, []).append(value)
    return found


def _text(table: bytes, at: int) -> str:
    return table[at : table.index(b"\0", at)].decode()


def _sections(image: bytes) -> dict[str, bytes]:
    try:
        if image[:6] != b"\x7fELF\x02\x01":
            raise ElfError("not a little-endian ELF64 file")
        (table,) = struct.unpack_from("<Q", image, 0x28)
        size, count, names_at = struct.unpack_from("<HHH", image, 0x3A)
        headers = [_SECTION.unpack_from(image, table + i * size) for i in range(count)]
        names = image[headers[names_at][4] :][: headers[names_at][5]] if headers else b""
        return {_text(names, h[0]): image[h[4] : h[4] + h[5]] for h in headers if h[1] not in {0, 8}}
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise ElfError(str(error)) from None
