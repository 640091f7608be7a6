"""Inside the guest: its time stands still while the host thinks (docs/adr/0022).

Strategy: QEMU counts the guest's time in instructions, and an idle guest goes on to its next timer at once. So it may
be idle only while the host waits for it. The agent says HELD and writes an octet to a port on which QEMU gets rid of
nothing until the host reads: the whole machine stands. The host then sends its orders and GO, with the time until
which it waits, and reads the octet. As soon as there is something to tell, or at that time, the guest is held again.
"""

from __future__ import annotations

import os
import struct
import time

#: The I/O port of the gate; 0x402, which is usual for such a device, is where the firmware writes its own messages.
GATE = 0x5F0
_GO = struct.Struct("!q")


class Turns:
    """The guest's turn lasts from GO to HELD; as long as nobody asked for turns, for ever."""

    def __init__(self) -> None:
        self._gate = -1
        self._until = 0  # ns, monotonic; negative: GO has not come yet
        #: Whether there is something in this turn for which the host may wait.
        self.told = False

    @property
    def begun(self) -> bool:
        """Whether the guest and the host take turns."""
        return self._gate >= 0

    def begin(self, _body: bytes, _number: int) -> bytes:
        """From here on the guest and the host take turns. Reply: nothing."""
        self._gate = os.open("/dev/port", os.O_WRONLY)
        return b""

    def go(self, _number: int, body: bytes) -> None:
        """Time until which the host waits (ns, monotonic)."""
        (self._until,) = _GO.unpack(body)

    def over(self) -> bool:
        """Whether it is the host's turn."""
        return self._gate >= 0 and self._until >= 0 and (self.told or time.monotonic_ns() >= self._until)

    def be_held(self) -> None:
        """Stand still until the host lets go; its orders are on their way then."""
        os.pwrite(self._gate, b"h", GATE)
        self.told, self._until = False, -1

    def seconds_left(self) -> float | None:
        """Of this turn; 0 while orders are on their way, because who sleeps then lets time pass. None without turns."""
        if self._gate < 0:
            return None
        return max(0, self._until - time.monotonic_ns()) / 1e9 if self._until >= 0 else 0.0
