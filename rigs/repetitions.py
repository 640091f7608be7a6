"""Frames that a node sends again because it heard no acknowledgement (IEEE 802.15.4-2006 §7.5.6.4).

A repetition is the very next frame of its source, octet for octet, sequence number included; what is sent later is
another frame.
"""

from __future__ import annotations

from collections import OrderedDict
from math import inf
from typing import Final

_SOURCES: Final = 1024  # whose last frame is remembered


class Repetitions:
    """The last frame of each source, and when it came; `within` is the seconds in which a repetition comes."""

    def __init__(self, within: float = inf) -> None:
        self._within = within
        self._last: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()

    def is_one(self, source: bytes, frame: bytes, time: float = 0.0) -> bool:
        """Whether this frame of a link-layer address, heard at `time` seconds, repeats its frame before."""
        before, at = self._last.get(source, (b"", 0.0))
        self._last[source] = frame, time
        self._last.move_to_end(source)
        if len(self._last) > _SOURCES:
            self._last.popitem(last=False)
        return frame == before and time - at < self._within
