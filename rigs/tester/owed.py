"""Packets that an ICMPv6 error may still come of, so that one which comes late is told from one about what came after.

Strategy: a DUT may send errors when it likes, and answer others before (RFC 4443 sets no time). An error that quotes
exactly a packet that was sent, and of which no error has come yet, is about that one. What quotes no such packet may be
about any: a DUT that misread the latest one quotes what nobody sent, or what it has answered before.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from rigs.tester.packets import DESTINATION_UNREACHABLE, ECHO_REQUEST, ICMPV6, Seen

#: So many packets are remembered.
_KEPT: Final = 1024
#: Octets of an IPv6 and a UDP header: a quote that ends there may be of many packets.
_HEADERS: Final = 48


class Owed:
    """Packets that were sent, the latest last."""

    def __init__(self) -> None:
        self._packets: deque[bytes] = deque(maxlen=_KEPT)

    def sent(self, packet: bytes | None) -> None:
        """A packet leaves; of ICMPv6 there is no error that a case waits for."""
        if packet is not None and packet[6] != ICMPV6:
            self._packets.append(packet)

    def heard(self, seen: Seen) -> None:
        """Write into `seen.about` which of them an error quotes, if any; none is owed for that packet any more."""
        kind = seen.icmp_type or 0
        if not DESTINATION_UNREACHABLE <= kind < ECHO_REQUEST:
            return
        quote = seen.upper[8:]
        if len(quote) <= _HEADERS:
            return
        for packet in reversed(self._packets):
            if packet.startswith(quote):
                seen.about = packet
                self._packets.remove(packet)
                return
