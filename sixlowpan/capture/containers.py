"""Capture files as a stream of records: pcap, pcapng, btsnoop, each also under gzip.

The oracle reads files here, in `__main__` and in `sixlowpan.files` only. One record is in memory at a time, and a size
that cannot be is refused before anything is read, so a file may be of any size and of any honesty. A file that ends in
the middle of a packet, or of the header of one, gives what is there of it: its record is `Torn`.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, RFC 1761 (snoop) as Bluetooth uses it.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from sixlowpan import files

_LARGEST: Final = 1 << 24
_MOST_INTERFACES: Final = 1 << 16
_PACKETS: Final = {2, 3, 6}  # blocks of pcapng that hold one
_SECTION: Final = b"\x0a\x0d\x0d\x0a"
#: magic -> (byte order, seconds in a unit of the fraction)
_PCAP: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
    b"\x34\xcd\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\xcd\x34": (">", 1e-6),
}
#: libpcap as Linux distributions once patched it: a record has 8 octets more (interface, protocol, kind)
_PATCHED: Final = {b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34"}
#: what is not unpacked here; gzip comes here only if a file was packed twice
_PACKERS: Final = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"PK\3\4": "zip",
    b"\x1f\x8b": "gzip, twice",
}
#: microseconds from the year 0 to 1970, as btsnoop counts
_BTSNOOP_EPOCH: Final = 0x00DCDDB30F2F8000
#: link type of a packet of an interface that the file does not describe; below it those of btsnoop, from datalink 0 on
UNDESCRIBED, OF_BTSNOOP = -1, -2
#: link types of pcap that stand for the datalinks of btsnoop
HCI_H4_PHDR, LINUX_MONITOR = 201, 254
_H1_KINDS: Final = (b"\x02", b"\x02", b"\x01", b"\x04")  # by flags: ACL sent, ACL received, command, event


class Record(NamedTuple):
    """One captured packet; `number` counts from 1, `length` is what it had on the medium.

    time       seconds since 1970; not a number where the file does not say it (Simple Packet Blocks).
    interface  which one of the file heard it, from 0: what sniffers put behind a frame differs between them.
    """

    number: int
    time: float
    link_type: int
    data: bytes
    length: int
    interface: int = 0


class Torn(Record):
    """The packet in which the file ends: it is shorter than its `length`."""


#: reads the records of one file from its beginning, each time it is called
Source = Callable[[], Iterator[Record]]


def records(path: Path) -> Iterator[Record]:
    """The packets of a capture file; ValueError, naming the file, if it is none or damaged."""
    try:
        with _opened(path) as file:
            magic = file.read(8)
            if magic[:4] == _SECTION:
                yield from _pcapng(file, magic)
            elif magic[:4] in _PCAP:
                yield from _pcap(file, magic)
            elif magic == b"btsnoop\0":
                yield from _btsnoop(file)
            elif not magic:
                raise ValueError("the file is empty: not even the header of a capture is there")
            elif packer := next((name for mark, name in _PACKERS.items() if magic.startswith(mark)), None):
                raise ValueError(
                    f"it is packed by {packer}: unpack it first, or pipe what comes out of it into `judge -`"
                )
            else:
                raise ValueError(
                    "this is no capture: pcap, pcapng or btsnoop, also in gzip, is expected; many others become one by "
                    "Wireshark's `editcap FILE NEW.pcapng`"
                )
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: {error}") from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with files.opened(path) as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        with gzip.open(file) if packed else nullcontext(file) as octets:
            yield octets  # type: ignore[misc]  # they read alike


def _pcap(file: BinaryIO, magic: bytes) -> Iterator[Record]:
    order, fraction = _PCAP[magic[:4]]
    header = file.read(16)
    if len(header) < 16:
        raise ValueError("the file ends before the end of its pcap header")
    link_type = struct.unpack(order + "I", header[12:])[0] & 0xFFFF
    unpack: Callable[[bytes], tuple[int, ...]] = struct.Struct(order + "IIII").unpack
    make: Callable[[tuple[int, float, int, bytes, int, int]], Record] = partial(
        tuple.__new__, Record
    )  # the quickest
    number, read, more = 0, file.read, 8 if magic[:4] in _PATCHED else 0
    while head := read(16):
        if len(head) < 16:
            yield _cut_short(number + 1, link_type)
            return
        seconds, parts, captured, length = unpack(head)
        if captured > _LARGEST:
            raise ValueError("a packet of more than 16 MiB: the file is damaged")
        if not captured and head[:8] == magic:
            raise ValueError("another pcap file begins here: `mergecap` puts files together, `cat` does not")
        number += 1
        if more:
            read(more)
        data, size = read(captured), max(captured, length)
        packet = make((number, seconds + parts * fraction, link_type, data, size, 0))
        yield packet if len(data) == captured else Torn(*packet)


class _Interface(NamedTuple):
    link_type: int
    snaplen: int
    unit: float  # seconds
    offset: int  # seconds


def _pcapng(file: BinaryIO, head: bytes) -> Iterator[Record]:
    order, number, before = "<", 0, 0  # interfaces of the sections before
    interfaces: list[_Interface] = []
    while len(head) == 8:
        mark = b""
        if head[:4] == _SECTION:
            mark = file.read(4)
            order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(mark, "")
            if not order:
                raise ValueError("a section header without its byte-order magic: the file is damaged")
            interfaces, before = [], before + len(interfaces)
        kind, size = struct.unpack(order + "II", head)
        if size > _LARGEST or size < 12 + len(mark):
            raise ValueError("a block of impossible size: the file is damaged")
        body = file.read(size - 12 - len(mark))
        again = file.read(4)
        if len(again) == 4 and again != head[4:]:
            raise ValueError("a block has two different lengths: the file is damaged")
        head = file.read(8)
        if mark and len(body) >= 4 and struct.unpack(order + "H", body[:2]) != (1,):
            raise ValueError("a section of pcapng of another version than 1: it is not known here")
        if kind == 1 and len(body) >= 8:
            if len(interfaces) >= _MOST_INTERFACES:
                raise ValueError(
                    f"a section with more than {_MOST_INTERFACES} interfaces: the file is damaged"
                )
            interfaces.append(_interface(body, order))
            continue
        packet = _packet(kind, body, order, interfaces)
        if packet is None and kind in _PACKETS and len(body) < size - 12:
            yield _cut_short(number + 1, UNDESCRIBED)
        elif packet is not None:
            number += 1
            torn = len(body) < size - 12 and len(packet[2]) < packet[3]
            yield (Torn if torn else Record)(number, *packet[:-1], before + packet[-1])
    if head:
        yield _cut_short(number + 1, UNDESCRIBED)


def _cut_short(number: int, link_type: int) -> Record:
    """A packet of which the file has not even the whole header: how long it was is not known."""
    return Torn(number, 0.0, link_type, b"", 1)


def _interface(body: bytes, order: str) -> _Interface:
    link_type, _, snaplen = struct.unpack(order + "HHI", body[:8])
    unit, offset, options = 1e-6, 0, body[8:]
    while len(options) >= 4:
        code, length = struct.unpack(order + "HH", options[:4])
        value = options[4 : 4 + length]
        if code == 9 and value:  # if_tsresol
            unit = 2.0 ** -(value[0] & 0x7F) if value[0] & 0x80 else 10.0 ** -value[0]
        elif code == 14 and len(value) == 8:  # if_tsoffset
            (offset,) = struct.unpack(order + "q", value)
        options = options[4 + length + -length % 4 :]
    return _Interface(link_type, snaplen, unit, offset)


def _packet(
    kind: int, body: bytes, order: str, interfaces: list[_Interface]
) -> tuple[float, int, bytes, int, int] | None:
    """(time, link type, octets, length, interface) of a block with a packet, or None for any other block.

    A packet of an interface that the file does not describe has link type `UNDESCRIBED`.
    """
    if kind == 6 and len(body) >= 20:  # Enhanced Packet Block
        index, high, low, captured, length = struct.unpack(order + "IIIII", body[:20])
        begin = 20
    elif kind == 2 and len(body) >= 20:  # the obsolete Packet Block
        index, _, high, low, captured, length = struct.unpack(order + "HHIIII", body[:20])
        begin = 20
    elif kind == 3 and len(body) >= 4:  # Simple Packet Block: no time, the first interface
        (length,) = struct.unpack(order + "I", body[:4])
        index = high = low = 0
        snaplen = interfaces[0].snaplen if interfaces else 0
        captured, begin = min(length, snaplen or length), 4
    else:
        return None
    data = body[begin : begin + captured]
    if index >= len(interfaces):
        return 0.0, UNDESCRIBED, data, max(length, captured), index
    each = interfaces[index]
    time = math.nan if kind == 3 else each.offset + (high << 32 | low) * each.unit
    return time, each.link_type, data, max(length, captured), index


def _btsnoop(file: BinaryIO) -> Iterator[Record]:
    header = file.read(8)
    if len(header) < 8:
        raise ValueError("the file ends before the end of its btsnoop header")
    version, datalink = struct.unpack(">II", header)
    if version != 1:
        raise ValueError(f"btsnoop version {version}: only version 1 is known")
    number = 0
    while head := file.read(24):
        if len(head) < 24:
            yield _cut_short(number + 1, UNDESCRIBED)
            return
        length, captured, flags, _, stamp = struct.unpack(">IIIIq", head)
        if captured > _LARGEST:
            raise ValueError("a packet of more than 16 MiB: the file is damaged")
        data = file.read(captured)
        number += 1
        link_type, front = OF_BTSNOOP - datalink, b""
        if datalink in {1001, 1002}:  # HCI without and with the H4 octet; bit 0 of the flags: received
            link_type, front = HCI_H4_PHDR, (flags & 1).to_bytes(4, "big")
            front += _H1_KINDS[flags & 3] if datalink == 1001 else b""
        elif datalink == 2001:  # Linux monitor: the flags are adapter and opcode
            link_type, front = LINUX_MONITOR, flags.to_bytes(4, "big")
        size = max(length, captured) + len(front)
        made = Record if len(data) == captured else Torn
        yield made(number, (stamp - _BTSNOOP_EPOCH) / 1e6, link_type, front + data, size)
