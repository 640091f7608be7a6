"""The order of what arrives: jitter (RFC 3550), reordering (RFC 4737), copies.

Strategy: the definitions of the RFCs, on plain numbers: sequence numbers in the order of arrival, and times in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


def jitter(sent: Sequence[float], arrived: Sequence[float]) -> float:
    """Interarrival jitter (RFC 3550 §6.4.1, A.8) after the last packet, in the unit of the times.

    Both in the order of arrival. The clocks of the two ends need not agree: only differences count. Raises ValueError
    for lists of different lengths or of fewer than two packets.
    """
    if len(sent) != len(arrived) or len(sent) < 2:
        raise ValueError(f"{len(sent)} sent and {len(arrived)} arrived: two of each at least, and as many")
    transits = [there - here for here, there in zip(sent, arrived, strict=True)]
    found = 0.0
    for before, after in pairwise(transits):
        found += (abs(after - before) - found) / 16
    return found


@dataclass(frozen=True, slots=True)
class Order:
    """What `order` found. `extents` has one number for each reordered packet (RFC 4737 §4.2), in order of arrival.

    `copies` counts arrivals of what had arrived before.
    """

    arrived: int
    extents: tuple[int, ...]
    copies: int

    @property
    def share(self) -> float:
        """The share of packets that are reordered (RFC 4737 §4.1), copies not counted; 0 when none arrived."""
        return len(self.extents) / self.arrived if self.arrived else 0.0


def order(numbers: Sequence[int]) -> Order:
    """Look at sequence numbers in the order of arrival; of several copies the first one counts."""
    first = list(dict.fromkeys(numbers))
    extents, expected = [], None
    for place, number in enumerate(first):
        # in order is what is not less than the next expected number (RFC 4737 §3.3)
        if expected is None or number >= expected:
            expected = number + 1
            continue
        earliest = next(before for before, other in enumerate(first) if other > number)
        extents.append(place - earliest)
    return Order(len(first), tuple(extents), len(numbers) - len(first))
