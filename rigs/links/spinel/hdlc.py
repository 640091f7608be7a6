"""HDLC-lite, how Spinel goes over a serial line: flag 7e, octets escaped by 7d, FCS-16 behind each frame.

RFC 1662 with asynchronous framing and no address, control or protocol field; its appendix C.2 has the FCS. Beside the
flag and the escape, XON, XOFF and f8 are escaped, which serial drivers and some boards act upon.
"""

from __future__ import annotations

from typing import Final

FLAG: Final = 0x7E
ESCAPE: Final = 0x7D
_ESCAPED: Final = frozenset({FLAG, ESCAPE, 0x11, 0x13, 0xF8})
_FLIP: Final = 0x20
#: No frame of Spinel is longer; what is, is noise of a line that carries something else.
LONGEST: Final = 2048


def _table() -> tuple[int, ...]:
    values = []
    for octet in range(256):
        for _ in range(8):
            octet = octet >> 1 ^ (0x8408 if octet & 1 else 0)
        values.append(octet)
    return tuple(values)


_TABLE: Final = _table()


def fcs(octets: bytes) -> bytes:
    """The FCS-16 of RFC 1662 (CRC-16/X-25), least octet first."""
    value = 0xFFFF
    for octet in octets:
        value = value >> 8 ^ _TABLE[(value ^ octet) & 0xFF]
    return (value ^ 0xFFFF).to_bytes(2, "little")


def encode(frame: bytes) -> bytes:
    """A frame as it goes over the line, with a flag on either side."""
    out = bytearray([FLAG])
    for octet in frame + fcs(frame):
        if octet in _ESCAPED:
            out += bytes((ESCAPE, octet ^ _FLIP))
        else:
            out.append(octet)
    out.append(FLAG)
    return bytes(out)


class Deframer:
    """Octets of the line to frames; what has no right FCS (boot noise, a frame cut short) is passed over."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._escaped = False
        self._too_long = False
        #: Pieces between two flags that were no frame.
        self.noise = 0

    def feed(self, octets: bytes) -> list[bytes]:
        """Take octets, in portions of any size; return the frames that became whole, in order."""
        frames = []
        for octet in octets:
            if octet == FLAG:
                if (frame := self._end()) is not None:
                    frames.append(frame)
            elif octet == ESCAPE and not self._escaped:
                self._escaped = True
            elif len(self._octets) < LONGEST:
                self._octets.append(octet ^ _FLIP if self._escaped else octet)
                self._escaped = False
            else:
                self._too_long = True
        return frames

    def _end(self) -> bytes | None:
        octets, good = bytes(self._octets), not (self._escaped or self._too_long)
        self._octets.clear()
        self._escaped = self._too_long = False
        if not octets and good:
            return None  # two flags in a row
        if good and len(octets) > 2 and fcs(octets[:-2]) == octets[-2:]:
            return octets[:-2]
        self.noise += 1
        return None
