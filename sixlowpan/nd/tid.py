"""The Transaction ID of RFC 8505 §5.2: how it counts, and which of two is the more recent (§5.2.1, RFC 6550 §7.2)."""

from __future__ import annotations

from typing import Final

#: §5.2.1: "A recommended value is 240 (256 - SEQUENCE_WINDOW)".
FIRST: Final = 240
WINDOW: Final = 16


def following(tid: int) -> int:
    """The next value: behind 255 and behind 127 comes 0.

    §5.2.1: "When incrementing a sequence counter greater than or equal to 128, the maximum value is 255. When
    incrementing a sequence counter less than 128, the maximum value is 127."
    """
    return 0 if tid in {127, 255} else tid + 1


def newer(first: int, second: int) -> bool | None:
    """Whether `second` is more recent than `first`; None where they cannot be compared. Equal ones are not.

    §5.2.1, rule 3: from the linear part (128 and more) to the circular one the window counts over the wrap. Within one
    part the difference counts, modulo 128 in the circular one as RFC 1982 has it.
    """
    if first >= 128 > second:
        return 256 + second - first <= WINDOW
    if second >= 128 > first:
        return 256 + first - second > WINDOW
    difference = second - first
    if first < 128:
        difference = (difference + 64) % 128 - 64
    return difference > 0 if abs(difference) <= WINDOW else None
