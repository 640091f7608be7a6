"""Sets 6LoWPAN contexts (RFC 6282 §3.1.2) in a Linux guest, with the kernel's help or without.

Strategy: a kernel built with CONFIG_6LOWPAN_DEBUGFS has a file for each field. Debian's is built without, and Linux
has no other way in (it ignores the 6CO of RFC 6775). But the guest's memory is ours: the context table of an
interface is 16 entries that begin with their own number and are zero otherwise, which is a pattern of 512 octets
that nothing else has. It is found once, before anything is set. What stays of an interface that is gone looks the
same: of several, that one lives whose octets follow when the interface is put into another group. Then the same
fields are written that the debugfs files write. The flags go last, as they are what makes an entry count.

Layout (include/net/6lowpan.h, struct lowpan_iphc_ctx, the same from Linux 4.6 on): u8 id; struct in6_addr pfx at 4;
u8 plen at 20; unsigned long flags at 24 (bit 0 active, bit 1 compression); 32 octets in all.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rigs.guests.client import AgentClient
from rigs.guests.handles import AgentError
from rigs.guests.qemu import Guest

CONTEXTS = 16
_ENTRY = 32
_EMPTY_TABLE = b"".join(bytes([number]).ljust(_ENTRY, b"\0") for number in range(CONTEXTS))
#: Octets of the name of an interface (IFNAMSIZ), and those in front of the table that its net_device may take.
_NAME = 16
_PRIVATE = 8192
#: Octets of a guest's memory that are looked through at a time.
_BLOCK = 1 << 16
_ZEROS = bytes(_BLOCK)
_DEBUGFS = "/sys/kernel/debug/6lowpan"
#: Groups (int group of a net_device) that nobody else puts an interface into.
_RARE_GROUPS = (40961, 40973)
_IP = "/usr/bin/ip"


class Place(NamedTuple):
    """Where an interface is in a guest's memory: its name, and its context table."""

    name: int
    table: int


class ContextError(Exception):
    """The guest's context table is not to be reached."""


class ContextTable:
    """The context table of one 6LoWPAN interface; make it anew when the interface is made anew."""

    def __init__(
        self,
        guest: Guest,
        client: AgentClient,
        interface: str = "lowpan0",
        known: Iterable[Place] = (),
        netns: str = "",
    ) -> None:
        """Find the table while it is still empty. Raises `ContextError`.

        `netns` is the network namespace of the interface. `known` are the places of tables that had contexts when
        their interface of that name went: where one of them is empty again, the kernel has made the new one there.
        """
        self._client, self._interface, self._netns = client, interface, netns
        self._folder = f"{_DEBUGFS}/{interface}/contexts"
        self._guest = guest
        #: Where it is in the guest's memory; None where the kernel lets one in.
        self.place: Place | None = None
        try:
            client.read(f"{self._folder}/0/active")
        except AgentError:
            again = [place for place in known if self._is_at(place, interface)]
            self.place = again[0] if len(again) == 1 else self._find()

    def set(
        self, identifier: int, prefix: bytes, length: int, *, compress: bool = True, active: bool = True
    ) -> None:
        """Set context `identifier` to the first `length` bits of `prefix` (16 octets).

        `compress` False: valid for decompression only (RFC 6775 §4.2, flag C). `active` False: no such context.
        """
        if not 0 <= identifier < CONTEXTS or len(prefix) != 16 or not 0 <= length <= 128:
            raise ValueError(f"context {identifier}, prefix of {len(prefix)} octets, length {length}")
        if self.place is None:
            self._set_by_debugfs(identifier, prefix, length, compress=compress, active=active)
            return
        entry = self.place.table + identifier * _ENTRY
        with mmap.mmap(self._guest.memory, 0) as memory:
            memory[entry + 24 : entry + 32] = bytes(8)
            memory[entry + 4 : entry + 20] = prefix
            memory[entry + 20] = length
            memory[entry + 24 : entry + 32] = struct.pack("<Q", active | compress << 1)

    def clear(self) -> None:
        """Make all contexts undefined."""
        for identifier in range(CONTEXTS):
            self.set(identifier, bytes(16), 0, compress=False, active=False)

    def _set_by_debugfs(
        self, identifier: int, prefix: bytes, length: int, *, compress: bool, active: bool
    ) -> None:
        groups = ":".join(f"{group:04x}" for group in struct.unpack("!8H", prefix))
        folder = f"{self._folder}/{identifier}"
        self._client.check(
            f"cd {folder} && echo 0 > active && echo {groups} > prefix && echo {length} > prefix_length"
            f" && echo {int(compress)} > compression && echo {int(active)} > active"
        )

    def _is_at(self, place: Place, interface: str) -> bool:
        memory = self._guest.memory
        named = os.pread(memory, _NAME, place.name) == interface.encode().ljust(_NAME, b"\0")
        return named and os.pread(memory, len(_EMPTY_TABLE), place.table) == _EMPTY_TABLE

    def _find(self) -> Place:
        # net_device begins with its name, and the table is in the private part behind it.
        found: dict[int, Place] = {}
        for name in _places(self._guest.memory, self._interface.encode()):
            behind = os.pread(self._guest.memory, _PRIVATE + len(_EMPTY_TABLE) - _NAME, name + _NAME)
            at = behind.find(_EMPTY_TABLE)
            while at >= 0:
                found.setdefault(name + _NAME + at, Place(name, name + _NAME + at))
                at = behind.find(_EMPTY_TABLE, at + 1)
        places = list(found.values())
        if len(places) > 1:
            places = self._living(places)
        if len(places) != 1:
            raise ContextError(
                f"the context table of {self._interface} is in the guest's memory {len(places)} times, not once; "
                "use a kernel built with CONFIG_6LOWPAN_DEBUGFS (KEYHOLE_KERNEL)"
            )
        return places[0]

    def _living(self, places: list[Place]) -> list[Place]:
        """Those whose octets follow when the interface is put into one group, and then into another."""
        link = self._client.check(f"{_IP} -o link show dev {self._interface}", netns=self._netns)
        before = re.search(r" group (\S+)", link)
        follows = [set(range(place.table - place.name)) for place in places]
        for group in _RARE_GROUPS:
            self._put_into(group)
            for place, offsets in zip(places, follows, strict=True):
                octets = os.pread(self._guest.memory, place.table - place.name, place.name)
                offsets &= {
                    found.start() for found in re.finditer(re.escape(struct.pack("<I", group)), octets)
                }
        self._put_into(before[1] if before else "default")
        return [place for place, offsets in zip(places, follows, strict=True) if offsets]

    def _put_into(self, group: int | str) -> None:
        self._client.check(f"{_IP} link set dev {self._interface} group {group}", netns=self._netns)


def _places(memory: int, name: bytes) -> Iterator[int]:
    """Where the name of an interface stands in a guest's memory, with the zeros that fill its field.

    The name is looked for and not the table: most of the memory is zero, as most of the table is, and at each octet of
    such a memory a search for the table compares 32 (1.7 s of CPU for 288 MiB). What nobody ever wrote is not read.
    """
    field = name.ljust(_NAME, b"\0")
    for start, end in _written(memory):
        for at in range(start, end, _BLOCK):
            block = os.pread(memory, _BLOCK + _NAME - 1, at)
            place = -1 if block.startswith(_ZEROS) else block.find(field)
            while place >= 0:
                yield at + place
                place = block.find(field, place + 1)


def _written(memory: int) -> Iterator[tuple[int, int]]:
    """The parts of a memory file that are not holes: (first octet, the octet behind the last)."""
    end = 0
    while True:
        try:
            start = os.lseek(memory, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        end = os.lseek(memory, start, os.SEEK_HOLE)
        yield start, end
