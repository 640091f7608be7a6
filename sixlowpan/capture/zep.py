"""The header of ZEP, which carries 802.15.4 frames in UDP: version 1 has 16 octets, 2 and 3 have 32, or 8 for an
acknowledgement.

Source: Wireshark's epan/dissectors/packet-zep.c.
"""

from __future__ import annotations

from typing import Final

PORT: Final = 17754


def header(data: bytes) -> tuple[int, int, bool]:
    """Where the PSDU begins, how long it is, and whether its FCS is there (else RSSI and correlation are).

    EOFError if there is too little of it, ValueError if it is none, with the reason.
    """
    if data[:2] != b"EX"[: len(data)]:
        raise ValueError("no ZEP on its port")
    version = data[2] if len(data) > 3 else 0
    if version in {2, 3} and data[3] != 1:
        raise ValueError("a ZEP acknowledgement")
    if len(data) > 3 and version not in {1, 2, 3}:
        raise ValueError(f"ZEP version {version}")
    begin, mode_at = (16, 6) if version == 1 else (32, 7)
    if len(data) < begin:
        raise EOFError("a ZEP header cut short")
    return begin, data[begin - 1] & 0x7F, data[mode_at] != 0


def fits(data: bytes) -> bool:
    """Whether a datagram of any port is ZEP from its first octet to its last: many simulations take other ports."""
    try:
        begin, size, _ = header(data)
    except (ValueError, EOFError):
        return False
    return len(data) == begin + size
