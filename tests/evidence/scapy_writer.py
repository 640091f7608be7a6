"""Scapy's pcapng writer, with the calls of ours: the peer of its bytes (tests) and of its speed (`make bench`)."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from fixtures.evidence.pcapng import Interface, Packet


@functools.cache
def layer(link_type: int) -> Any:
    """A layer of scapy's that is never dissected and stands for a link type."""
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    from scapy.config import conf
    from scapy.packet import Raw

    made = type(f"Linktype{link_type}", (Raw,), {})
    conf.l2types.register_layer2num(link_type, made)
    return made


def write(path: Path, interfaces: Sequence[Interface], packets: Sequence[Packet]) -> None:
    """Write packets to a file; scapy's stamps are of microseconds, and it has no comment on a whole file."""
    from scapy.utils import PcapNgWriter

    writer = PcapNgWriter(str(path))
    for packet in packets:
        interface = interfaces[packet.interface]
        written = layer(interface.link_type)(packet.octets)
        written.time = Decimal(packet.time) / 10**9
        written.sniffed_on = interface.name
        written.direction = {"received": 1, "sent": 2}[packet.direction]
        if packet.comments:
            written.comments = [comment.encode() for comment in packet.comments]
        writer.write(written)
    writer.close()
