"""ZEP v2 datagrams: a PSDU with its FCS behind a header of 32 octets, as RIOT native writes and reads them."""

from __future__ import annotations

import binascii
import struct
import time
from typing import Final

from sixlowpan import mac

#: Preamble, version, type, channel, device id, LQI mode (0: the LQI is one), LQI, NTP time, sequence, reserved, length.
HEADER: Final = struct.Struct("!2sBBBHBBQI10sB")
PREAMBLE: Final = b"EX"
VERSION: Final = 2
DATA: Final = 1
HELLO: Final = 255
_UNIX_EPOCH: Final = 2_208_988_800  # in seconds of NTP, which counts from 1900


class ZepError(ValueError):
    """A datagram that this radio does not hear, and why."""


def wrap(psdu: bytes, channel: int, sequence: int, device: int = 0) -> bytes:
    """The ZEP v2 data datagram of a PSDU without FCS; the FCS is put behind it."""
    now = time.time() + _UNIX_EPOCH
    stamp = int(now * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
    body = psdu + mac.fcs(psdu)
    fields = (PREAMBLE, VERSION, DATA, channel, device, 0, 0xFF, stamp, sequence & 0xFFFFFFFF, bytes(10))
    return HEADER.pack(*fields, len(body)) + body


def unwrap(data: bytes) -> tuple[int, int, bytes]:
    """(type, channel, body) of a ZEP v2 datagram; the body of type 1 is a PSDU without FCS. Raises `ZepError`."""
    if data[:2] != PREAMBLE or len(data) < 4:
        raise ZepError("no ZEP")
    if data[2] != VERSION:
        raise ZepError(f"ZEP version {data[2]}")
    if data[3] not in {DATA, HELLO} or len(data) < HEADER.size:
        raise ZepError(f"ZEP type {data[3]} of {len(data)} octets")
    _, _, kind, channel, *_, length = HEADER.unpack_from(data)
    body = data[HEADER.size :]
    if length != len(body):
        raise ZepError(f"ZEP length {length} for {len(body)} octets")
    if kind == HELLO:
        return kind, channel, body
    if length < 2 or body[-2:] not in {mac.fcs(body[:-2]), _xmodem(body[:-2])}:
        raise ZepError("wrong FCS")
    return kind, channel, body[:-2]


def _xmodem(psdu: bytes) -> bytes:
    """What RIOT native put in place of the FCS from 2023.07 to 2026.04: the same polynomial, not reflected."""
    return binascii.crc_hqx(psdu, 0).to_bytes(2, "little")
