"""The IEEE 802.15.4 MAC header, frame versions 0 (2003), 1 (2006) and 2 (2015): read, build, FCS.

6LoWPAN takes its addresses from here, so all forms of addressing and PAN id compression are read, and the
auxiliary security header and the IEs are passed and kept as octets. Nothing is decrypted here (`security` does), so
of an enciphered frame the payload IEs stay in its payload. On the air
multi-octet fields are little-endian; here addresses and PAN ids are big-endian, as printed.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sixlowpan.errors import MALFORMED, RESERVED, DecodeError, EncodeError, truncated

BEACON, DATA, ACK, COMMAND = 0, 1, 2, 3
_ADDRESS_OCTETS: Final = (0, -1, 2, 8)
_KEY_OCTETS: Final = (0, 1, 5, 9)
_MIC_OCTETS: Final = (0, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class MacHeader:
    """One MAC header. Absent fields are b"" or None.

    `security_control`, `frame_counter`, `key_id` (key source as on the air, then key index) are the
    auxiliary security header, `header_ies` the octets of the header and payload IEs with their terminators, `mic` the
    integrity code at the end, `mpx` the content of an MPX payload IE (see `sixlowpan.mpx`).
    """

    type: int = DATA
    security: bool = False
    pending: bool = False
    ack_request: bool = False
    pan_compression: bool = False
    version: int = 1
    sequence: int | None = 0
    dst_pan: bytes | None = None
    dst: bytes = b""
    src_pan: bytes | None = None
    src: bytes = b""
    security_control: int = 0
    frame_counter: int | None = None
    key_id: bytes = b""
    header_ies: bytes = b""
    mic: bytes = b""
    mpx: bytes | None = None

    @property
    def pan(self) -> bytes | None:
        """The PAN of the link: the destination's, else the source's."""
        return self.dst_pan if self.dst_pan is not None else self.src_pan


def _pans(version: int, compression: bool, dst: int, src: int) -> tuple[bool, bool]:
    """(destination PAN id present, source PAN id present) for address sizes in octets."""
    if version < 2:
        # 802.15.4-2006 7.2.1.1.5: with both addresses, PAN ID Compression leaves out the source PAN id
        return dst > 0, src > 0 and not (compression and dst > 0)
    # 802.15.4-2015 Table 7-2
    if not dst and not src:
        return compression, False
    if not src:
        return not compression, False
    if not dst:
        return False, not compression
    if dst == src == 8:
        return not compression, False
    return True, not compression


def parse(psdu: bytes) -> tuple[MacHeader, bytes]:
    """(header, MAC payload) of a PSDU without FCS; DecodeError if the header is cut short or reserved."""
    if len(psdu) < 2:
        raise truncated(len(psdu), None, "the frame control field")
    control = psdu[0] | psdu[1] << 8
    version = control >> 12 & 3
    if version == 3:
        raise DecodeError(RESERVED, 1, None, "frame version 3 is reserved")
    if control & 7 > 3:
        raise DecodeError(RESERVED, 0, None, f"frame type {control & 7} is reserved or not a 6LoWPAN carrier")
    dst_size, src_size = _ADDRESS_OCTETS[control >> 10 & 3], _ADDRESS_OCTETS[control >> 14 & 3]
    if dst_size < 0 or src_size < 0:
        raise DecodeError(RESERVED, 1, None, "addressing mode 1 is reserved")
    reader = _Reader(psdu, 2)
    compression = bool(control & 0x40)
    sequence = None if version == 2 and control & 0x100 else reader.take(1)[0]
    has_dst_pan, has_src_pan = _pans(version, compression, dst_size, src_size)
    dst_pan = reader.take(2)[::-1] if has_dst_pan else None
    dst = reader.take(dst_size)[::-1]
    src_pan = reader.take(2)[::-1] if has_src_pan else None
    src = reader.take(src_size)[::-1]
    security_control, counter, key_id, mic_size = 0, None, b"", 0
    if control & 8:
        security_control = reader.take(1)[0]
        if not (version == 2 and security_control & 0x20):  # frame counter suppression
            counter = int.from_bytes(reader.take(4), "little")
        key_id = reader.take(_KEY_OCTETS[security_control >> 3 & 3])
        mic_size = _MIC_OCTETS[security_control & 3]
    start, mpx = reader.at, None
    if version == 2 and control & 0x200 and _header_ies(reader) and not security_control & 4:
        mpx = _payload_ies(reader, len(psdu) - mic_size)
    ies = psdu[start : reader.at]
    if len(psdu) - reader.at < mic_size:
        raise truncated(len(psdu), None, "the message integrity code")
    end = len(psdu) - mic_size
    header = MacHeader(
        control & 7,
        bool(control & 8),
        bool(control & 0x10),
        bool(control & 0x20),
        compression,
        version,
        sequence,
        dst_pan,
        dst,
        src_pan,
        src,
        security_control,
        counter,
        key_id,
        ies,
        psdu[end:],
        mpx,
    )
    return header, psdu[reader.at : end]


class _Reader:
    """Takes octets one field after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise truncated(len(self.data), None, "the MAC header")
        self.at += count
        return self.data[self.at - count : self.at]


def _header_ies(reader: _Reader) -> bool:
    """Pass the header IEs, to their terminator or the end (802.15.4-2015 section 7.4); True if payload IEs follow."""
    while reader.at < len(reader.data):
        descriptor = int.from_bytes(reader.take(2), "little")
        if descriptor & 0x8000:
            raise DecodeError(MALFORMED, reader.at - 2, None, "a payload IE stands among the header IEs")
        element = descriptor >> 7 & 0xFF
        reader.take(descriptor & 0x7F)
        if element in {0x7E, 0x7F}:  # Header Termination 1: payload IEs follow; 2: the payload follows
            return element == 0x7E
    return False


def _payload_ies(reader: _Reader, end: int) -> bytes | None:
    """Pass the payload IEs; returns the content of an MPX IE."""
    mpx = None
    while reader.at < end:
        descriptor = int.from_bytes(reader.take(2), "little")
        content = reader.take(descriptor & 0x7FF)
        group = descriptor >> 11 & 15
        if group == 3:
            mpx = content
        elif group == 15:  # Payload Termination
            break
    return mpx


def build(header: MacHeader, payload: bytes) -> bytes:
    """The PSDU, without FCS, of a header and a payload; EncodeError if a field has an impossible size."""
    try:
        dst_mode, src_mode = _ADDRESS_OCTETS.index(len(header.dst)), _ADDRESS_OCTETS.index(len(header.src))
    except ValueError:
        raise EncodeError("an 802.15.4 address has 0, 2 or 8 octets") from None
    suppressed = header.sequence is None
    if suppressed and header.version != 2:
        raise EncodeError("only frame version 2 can leave out the sequence number")
    control = (
        header.type
        | header.security << 3
        | header.pending << 4
        | header.ack_request << 5
        | header.pan_compression << 6
        | suppressed << 8
        | bool(header.header_ies) << 9
        | dst_mode << 10
        | header.version << 12
        | src_mode << 14
    )
    out = bytearray(control.to_bytes(2, "little"))
    if header.sequence is not None:
        out.append(header.sequence & 0xFF)
    has_dst_pan, has_src_pan = _pans(header.version, header.pan_compression, len(header.dst), len(header.src))
    for present, pan, address in (
        (has_dst_pan, header.dst_pan, header.dst),
        (has_src_pan, header.src_pan, header.src),
    ):
        if present:
            if pan is None or len(pan) != 2:
                raise EncodeError("this addressing carries a PAN id of 2 octets")
            out += pan[::-1]
        out += address[::-1]
    if header.security:
        out.append(header.security_control)
        if header.frame_counter is not None:
            out += header.frame_counter.to_bytes(4, "little")
        out += header.key_id
    return bytes(out) + header.header_ies + payload + header.mic


def data_frame(
    src: bytes, dst: bytes, pan: bytes, sequence: int, payload: bytes, ack_request: bool = False
) -> bytes:
    """A plain data frame inside one PAN, without FCS; RFC 4944 section 2 wants both addresses in it.

    Frame version 0, which every receiver understands.
    """
    front, behind = _around(src, dst, pan, ack_request)
    return front + (sequence & 0xFF).to_bytes() + behind + payload


@lru_cache(maxsize=1024)
def _around(src: bytes, dst: bytes, pan: bytes, ack_request: bool) -> tuple[bytes, bytes]:
    """What stands in front of and behind the sequence number of every data frame between the same two."""
    compression = bool(src) and bool(dst)
    header = build(MacHeader(DATA, False, False, ack_request, compression, 0, 0, pan, dst, pan, src), b"")
    return header[:2], header[3:]


def ack(sequence: int) -> bytes:
    """An immediate acknowledgement, without FCS."""
    return bytes((2, 0, sequence & 0xFF))


#: every octet with its bits the other way round
_MIRROR: Final = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))


def fcs(psdu: bytes) -> bytes:
    """The two octets of the frame check sequence, as they follow on the air: CRC-16/Kermit, least octet first."""
    # binascii has the same polynomial for the highest bit first; on the air it is the lowest
    crc = binascii.crc_hqx(psdu.translate(_MIRROR), 0)
    return bytes((_MIRROR[crc >> 8], _MIRROR[crc & 0xFF]))
