"""What Zephyr's network shell answers, read: interfaces with their addresses, buffer pools.

Strategy: by words, not by columns, because headings, columns and names came and went between versions; what is not
understood is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from itertools import pairwise
from typing import Final

#: How the interface of a link is called: IEEE 802.15.4, Bluetooth (IPSP).
KINDS: Final = ("802.15.4", "Bluetooth")
_HEAD: Final = re.compile(r"Interface .*\[(\d+)\]")
_LINK: Final = re.compile(r"Link addr *: *((?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2})\s*$")


@dataclass(frozen=True, slots=True)
class Interface:
    """What `net iface` says of one interface; addresses have 16 octets, the link address as many as it has."""

    number: int
    kind: str
    link: bytes
    #: address -> its state and kind in the shell's own words, such as "autoconf preferred infinite"
    unicast: dict[bytes, str]
    multicast: frozenset[bytes]


def interfaces(lines: list[str]) -> list[Interface]:
    """The interfaces in an answer of `net iface`."""
    heads = [at for at, line in enumerate(lines) if _HEAD.match(line)]
    return [_interface(lines[at:end]) for at, end in pairwise([*heads, len(lines)])]


def _interface(lines: list[str]) -> Interface:
    """One interface: its heading line and what stands below it."""
    head = _HEAD.match(lines[0])
    assert head is not None
    kind = next((k for k in KINDS if k in lines[0]), lines[0].partition("(")[2].partition(")")[0])
    link, part = b"", ""
    addresses: dict[str, dict[bytes, str]] = {"unicast": {}, "multicast": {}}
    for line in lines[1:]:
        if told := _LINK.match(line):
            link = bytes.fromhex(told[1].replace(":", ""))
        elif not line[:1].isspace():
            part = next((p for p in addresses if f"IPv6 {p} addresses" in line), "")
        elif part and (address := _address(line)):
            addresses[part][address[0]] = address[1]
    joined = frozenset(group for group, state in addresses["multicast"].items() if "not joined" not in state)
    return Interface(int(head[1]), kind, link, addresses["unicast"], joined)


def pools(lines: list[str]) -> dict[str, int]:
    """The buffer pools in an answer of `net mem`: what its heading calls Total and Avail, by the pool's name."""
    told: dict[str, int] = {}
    heading: list[str] = []
    for line in lines:
        words = line.split()
        if words[:2] == ["Address", "Total"]:
            heading = words
        elif heading and re.match(r"0x[0-9a-fA-F]+\s+\d", line):
            cells = line.split(None, len(heading) - 1)
            row = dict(zip(heading, cells, strict=False))
            name = row.get("Name", cells[0]).partition("(")[0].strip()
            for column, what in (("Avail", "free"), ("Total", "total")):
                if row.get(column, "").isdecimal():
                    told[f"{name} {what}"] = int(row[column])
    return told


def _address(line: str) -> tuple[bytes, str] | None:
    """An indented address and the words behind it; None for what is none ("<none>")."""
    first, _, rest = line.strip().partition(" ")
    try:
        return IPv6Address(first.partition("/")[0]).packed, rest
    except ValueError:
        return None
