"""What RIOT's shell prints, read for the words that have stayed alike since 2018: never by column, never by release."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

#: Where the print of a datagram begins: of the command `udp`, newer and older.
DATAGRAM: Final = (
    r"Received UDP data from \[(?P<new>[0-9a-f:.]+)(?:%\w+)?\]:(?P<port>\d+)|PKTDUMP: data received:"
)


@dataclass(frozen=True, slots=True)
class Interface:
    """One block of `ifconfig`: addresses have 16 octets and come with whether they are still tentative."""

    name: str
    addresses: tuple[tuple[bytes, bool], ...]
    groups: frozenset[bytes]
    sixlowpan: bool
    eui64: bytes
    pan: int | None
    channel: int | None


def interfaces(lines: Sequence[str]) -> list[Interface]:
    """The interfaces in the answer to `ifconfig`, whatever the release."""
    blocks = re.split(r"^\s*Iface\s+", "\n".join(lines), flags=re.MULTILINE)[1:]
    return [_interface(block) for block in blocks]


def _interface(block: str) -> Interface:
    found = []
    for line in re.findall(r"inet6 addr:[^\n]*", block):
        address = re.search(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", line[len("inet6 addr:") :])
        if address:
            found.append((IPv6Address(address[0]).packed, bool(re.search(r"\bTNT\b", line))))
    groups = re.findall(r"inet6 group:\s*([0-9A-Fa-f:.]+)", block)
    eui64 = re.search(r"((?:[0-9A-Fa-f]{2}[:-]){7}[0-9A-Fa-f]{2})", block)
    pan = re.search(r"\b(?:NID|PAN(?:[ _]?ID)?):?\s*(0x[0-9A-Fa-f]+)", block)
    channel = re.search(r"\bChannel:\s*(\d+)", block)
    return Interface(
        block.split(maxsplit=1)[0],
        tuple(found),
        frozenset(IPv6Address(group).packed for group in groups),
        bool(re.search(r"\b6LO\b", block)),
        bytes.fromhex(re.sub("[:-]", "", eui64[1])) if eui64 else b"",
        int(pan[1], 16) if pan else None,
        int(channel[1]) if channel else None,
    )


def packet_buffer(lines: Sequence[str]) -> dict[str, int]:
    """Figures in the answer to `pktbuf`, in octets: size, free now, and the most that was ever used."""
    text = "\n".join(lines)
    figures = {"pktbuf_free": sum(int(n) for n in re.findall(r"unused:[^\n]*?size:\s*(\d+)", text))}
    for name, pattern in (("pktbuf_size", r"\(size:\s*(\d+)\)"), ("pktbuf_high", r"last byte used:\s*(\d+)")):
        found = re.search(pattern, text)
        if found:
            figures[name] = int(found[1])
    return figures


def datagrams(text: str) -> list[tuple[bytes, int, bytes]]:
    """(source address, source port, data) of every datagram that a UDP server printed on the console.

    The newer server says `Received UDP data from [ADDRESS]:PORT` and dumps the data; the older is `pktdump`, which
    dumps every header after it.
    """
    found = []
    marks = list(re.finditer(DATAGRAM, text))
    for mark, following in itertools.zip_longest(marks, marks[1:]):
        body = text[mark.end() : following.start() if following else len(text)]
        if mark["new"]:
            found.append((IPv6Address(mark["new"]).packed, int(mark["port"]), _dumped(body)))
            continue
        port = re.search(r"src-port:\s*(\d+)", body)
        source = re.search(r"source address:\s*([0-9a-f:.]+)", body)
        if port and source and "~~ PKT" in body:
            data = re.split(r"~~ SNIP\s+1\b", body)[0]
            data = data if "NETTYPE_UNDEF" in data else ""
            found.append((IPv6Address(source[1]).packed, int(port[1]), _dumped(data)))
    return found


def _dumped(text: str) -> bytes:
    """The octets of a dump by `od`: an offset of 8 digits, then two spaces and two digits an octet."""
    rows = re.findall(r"^(?:> )?[0-9A-Fa-f]{8}((?: {1,2}[0-9A-Fa-f]{2}\b){1,16})", text, re.MULTILINE)
    return bytes.fromhex("".join(rows))
