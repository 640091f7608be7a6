"""Mutants that take data for a header where it begins like one: a later fragment has none behind its own.

RFC 6282 §2: fragments behind the first carry the datagram as it is, whatever its octets are.
"""

from __future__ import annotations

from collections.abc import Callable

from rigs.nodes.reference.node import ReferenceNode
from tests.mutants import IEEE802154, mutant


def dropped(id: str, what: str, holds: Callable[[int], bool]) -> None:
    """Register a node that drops a later fragment where holds(the first octet of its data)."""

    class Dropping(ReferenceNode):
        def reassemble(self, payload, info):
            later = payload[0] >> 3 == 0b11100 and len(payload) > 5
            return None if later and holds(payload[5]) else super().reassemble(payload, info)

    mutant(id, requirement="RFC6282-2-06", kinds=IEEE802154, what=what)(Dropping)


dropped(
    "fragn-like-nalp-dropped", "Takes a first octet 00 of a later fragment for NALP.", lambda octet: not octet
)
dropped("fragn-like-paging-dropped", "Takes f1 there for a page switch.", lambda octet: octet == 0xF1)


@mutant("fragn-like-uncompressed-cut", requirement="RFC6282-2-06", kinds=IEEE802154)
class Cut(ReferenceNode):
    """Takes a first octet 41 of a later fragment for a dispatch octet, and cuts it."""

    def reassemble(self, payload, info):
        if payload[0] >> 3 == 0b11100 and payload[5:6] == b"\x41":
            payload = payload[:5] + payload[6:]
        return super().reassemble(payload, info)
