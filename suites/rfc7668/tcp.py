"""As much TCP as a case needs: connect to the DUT, send a segment, count what comes (RFC 9293 §3.1, §3.5)."""

from __future__ import annotations

import struct
from collections.abc import Callable

from fixtures.case import Case
from rigs.tester import Seen
from sixlowpan import ipv6
from suites.rfc7668.channel import heard

TCP = 6
SYN, PSH, ACK = 0x02, 0x08, 0x10


class Connection:
    """From the tester's present identity to a port of the DUT. Nothing is acknowledged but the handshake."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.there = 0x4000 | case.tester.next_identifier() & 0x3FFF
        self._here = 0xC000 | case.tester.next_identifier() & 0x3FFF
        self._next = case.tester.random.getrandbits(32)
        self._acknowledged = 0

    def open(self) -> bool:
        """Shake hands; False when the DUT does not."""
        self.send(SYN, flags=SYN)
        seen = self._heard(lambda segment: segment[13] & (SYN | ACK) == SYN | ACK, 2.0)
        if seen is None:
            return False
        self._acknowledged = int.from_bytes(seen.upper[4:8]) + 1 & 0xFFFFFFFF
        self.send(ACK)
        return True

    def send(self, push: int, data: bytes = b"", *, flags: int = 0) -> None:
        """Send one segment."""
        tester = self._case.tester
        source, there = tester.identity.address, tester.dut_address
        flags = flags or (ACK | push)
        head = struct.pack(
            "!HHIIBBHHH", self._here, self.there, self._next, self._acknowledged, 0x50, flags, 8192, 0, 0
        )
        total = ipv6.checksum(source, there, TCP, head + data)
        segment = head[:16] + total.to_bytes(2) + head[18:] + data
        tester.send_packet(ipv6.build(source, there, TCP, segment))
        self._next = self._next + len(data) + bool(flags & SYN) & 0xFFFFFFFF

    def data(self, wanted: bytes, seconds: float = 2.0) -> Seen | None:
        """The next segment that carries these octets."""
        return self._heard(lambda segment: segment[(segment[12] >> 4) * 4 :] == wanted, seconds)

    def _heard(self, holds: Callable[[bytes], bool], seconds: float) -> Seen | None:
        def mine(seen: Seen) -> bool:
            segment = seen.upper
            ours = seen.view is not None and seen.view.upper()[0] == TCP and len(segment) >= 20
            return ours and segment[:4] == struct.pack("!HH", self.there, self._here) and holds(segment)

        return heard(self._case, mine, seconds)
