"""Connection events of Bluetooth LE: when a PDU arrives that its host hands to the controller now.

Strategy: data moves at events only, and these come every interval (Core Vol 6 Part B §4.5.1). In one event the two
sides take turns, so as many PDUs go one way as fit into the interval, each with the empty PDU that acknowledges it and
two inter frame spaces. The link layer repeats what was not acknowledged until it is, in order (§4.5.9): on LE a loss is
never a hole, it is a delay. A PDU that is lost ends the event (§4.5.6: two in a row with a wrong CRC do; here one).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

#: Seconds on LE 1M: an octet; preamble, access address, header and CRC (10 octets); T_IFS (Vol 6 Part B §4.1.1).
_OCTET: Final = 8e-6
_AROUND: Final = 10 * _OCTET
_IFS: Final = 150e-6
#: A PDU on the air carries at most so many octets of L2CAP (data length extension).
_LONGEST: Final = 251
#: An event that is now is over; this share of the interval is for what floating point makes of "now".
_NOW: Final = 1e-6


def in_words(interval: float) -> str:
    """How a medium with this connection interval (seconds) hands PDUs on."""
    return f"a connection event every {1000 * interval:g} ms" if interval else "no connection events"


def exchange(octets: int) -> float:
    """Seconds for so many octets of L2CAP in PDUs of the link layer, each acknowledged by an empty one."""
    whole, rest = divmod(octets, _LONGEST)
    sizes = [_LONGEST] * whole + ([rest] if rest or not whole else [])
    return sum(_AROUND + _OCTET * size + _IFS + _AROUND + _IFS for size in sizes)


class ConnectionEvents:
    """One direction of one connection."""

    def __init__(self, interval: float = 0.0, loses: Callable[[], bool] = lambda: False) -> None:
        """`interval` in seconds; 0: there are no events, and everything arrives at once."""
        self.interval, self._loses = interval, loses
        self._event = 0
        self._used = 0.0

    def arrival(self, now: float, octets: int) -> float:
        """When a PDU of L2CAP (`octets` with its header) sent at `now` arrives; never before one sent earlier."""
        if not self.interval:
            return now
        event = math.floor(now / self.interval + _NOW) + 1
        if event > self._event:
            self._event, self._used = event, 0.0
        takes = exchange(octets)
        # one PDU goes in every event, however long it takes
        while (self._used and self._used + takes > self.interval) or self._loses():
            self._event, self._used = self._event + 1, 0.0
        self._used += takes
        return self._event * self.interval
