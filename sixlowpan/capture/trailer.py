"""Which frame check sequence follows the PSDUs of one source in a capture: found out from the frames themselves.

What link types promise is not what sniffers write: TI ones put RSSI and correlation in the place of the FCS, others a
constant or nothing, Wi-SUN has 4 octets. Strategy: a frame with a right CRC is proof, so the file is read until there
are enough of them. Where there is none at all, both readings (two octets of no meaning; nothing) are decoded and that
one is taken under which more upper-layer checksums hold, acknowledgements have their size and messages are whole. Where
that does not tell either, the promise holds: then the FCS is wrong, and it is said. A noise that spoils nothing but the
FCS hits a frame or two; where it is all of several, something else stands in its place.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Final

from sixlowpan import codec, dispatch, frame, mac
from sixlowpan.capture.linktypes import CRC, CRC32, NONE, PSDU, TI, Inside
from sixlowpan.errors import DecodeError
from sixlowpan.ipv6 import ICMPV6, UDP, Packet, checksum_holds

#: two or four octets in the place of the FCS, of no meaning
FILLER: Final = "filler"
FILLER32: Final = "filler of 4 octets"
_ENOUGH: Final = 32
_SAMPLES: Final = 256
#: and where there are none, so many frames of a source are read
_FAR: Final = 1 << 14
#: one wrong frame in 65,536 has a right CRC by chance
_CHANCE: Final = 4096
_FILLERS: Final = {b"\0\0", b"\xff\xff", b"\x00\x0f", b"\x0f\x00", bytes(4), b"\xff" * 4}
#: a file that denies the FCS is believed unless more than one frame in so many has a right one; two octets are taken
#: for those of a TI radio unless its CRC bit is clear in at least one intact frame in so many
_MOST_OF: Final = 4
#: so many frames with a right upper-layer checksum and a wrong FCS are no damage
_INTACT: Final = 4
_CHECKSUM_HOLDS, _IMPOSSIBLE = 10, -1


def crc32(psdu: bytes) -> bytes:
    """The 4-octet FCS (IEEE 802.15.4-2015 section 7.2.11): a shorter PSDU counts as padded with zeros to 4 octets."""
    return zlib.crc32(psdu + bytes(max(4 - len(psdu), 0))).to_bytes(4, "little")


def cut(kind: str, data: bytes) -> bytes | None:
    """The PSDU without what follows it, or None if its FCS is wrong (TI: if the radio says so)."""
    if kind == NONE:
        return data
    if kind in {CRC32, FILLER32}:
        right = len(data) > 4 and (kind == FILLER32 or crc32(data[:-4]) == data[-4:])
        return data[:-4] if right else None
    if len(data) < 3:
        return None
    if kind == FILLER or (kind == TI and data[-1] & 0x80):
        return data[:-2]
    if kind != CRC or mac.fcs(data[:-2]) != data[-2:]:
        return None
    return _unpadded(data) if not data[-1] else data[:-2]


def _unpadded(data: bytes) -> bytes:
    """The PSDU of a frame that ends with zeros and has a right FCS there: this CRC holds as well behind zeros.

    Ethernet pads to 60 octets, and some sniffers write all of their buffer. The second octet of an FCS may be a zero
    itself, and no CRC tells it from padding: the reading that makes more sense is taken.
    """
    shortest = len(data.rstrip(b"\0"))
    right = (
        end for end in range(max(shortest, 5), len(data)) if mac.fcs(data[: end - 2]) == data[end - 2 : end]
    )
    ends = list(islice(right, 2))  # of a frame with a right FCS behind zeros these come at once
    readings = [*ends, len(data)] if len(data) - shortest > 1 else [len(data), *ends]
    return max((data[: end - 2] for end in readings), key=_score)


def find_out(insides: Iterable[Inside]) -> str:
    """What follows the PSDUs of these, all of one source."""
    seen = right = right32 = short = 0
    nominal = NONE
    samples: list[bytes] = []
    for inside in insides:
        assert inside.kind == PSDU
        nominal, data = inside.fcs, inside.data
        if inside.missing:
            # a capture whose every frame lacks just its FCS has counted one that it does not hold
            short += inside.missing == 2
            seen += 1
            continue
        seen += 1
        right += cut(CRC, data) is not None
        right32 += len(data) > 4 and crc32(data[:-4]) == data[-4:]
        if len(samples) < _SAMPLES:
            samples.append(data)
        if max(right, right32) >= _ENOUGH or seen >= _FAR:
            break
    if max(right, right32) * (_MOST_OF if nominal == NONE else _CHANCE) > seen:
        return CRC if right >= right32 else CRC32
    if short and not samples:
        return NONE
    return _without_crc(samples, nominal) if samples else nominal


def _without_crc(samples: list[bytes], nominal: str) -> str:
    """What stands behind frames of which none has a right CRC."""
    width = 4 if nominal == CRC32 else 2
    bare, stripped = [_score(data) for data in samples], [_score(data[:-width]) for data in samples]
    intact = [data for data, score in zip(samples, stripped, strict=True) if score == _CHECKSUM_HOLDS]
    if sum(bare) > sum(stripped) or (nominal == NONE and (_CHECKSUM_HOLDS in bare or len(intact) < _INTACT)):
        return NONE
    radio = width == 2 and (nominal == TI or _like_ti(samples))
    # damage to a MAC header leaves a checksum alone: a bit that tells nothing is wrong for more than a few
    wrong = sum(not data[-1] & 0x80 for data in intact)
    if radio and (wrong < _INTACT or wrong * _MOST_OF < len(intact)):
        return TI
    filler = FILLER32 if width == 4 else FILLER
    if len(intact) >= _INTACT and _CHECKSUM_HOLDS not in bare:
        return filler
    ends = Counter(data[-width:] for data in samples)
    ((most, count),) = ends.most_common(1)
    constant = len(ends) == 1 and (most in _FILLERS or (count > 2 and len(set(samples)) > 2))
    # behind acknowledgements there is more: then nothing tells where frames end
    longer = any(len(data) > 3 + width and data[0] & 7 == mac.ACK and not data[1] & 0x20 for data in samples)
    return filler if constant and not longer else nominal


def _like_ti(samples: list[bytes]) -> bool:
    """RSSI (signed) and, below the bit for a right CRC, a correlation, in the range that CC24xx and CC25xx give."""
    ends = [data[-2:] for data in samples if len(data) > 1]
    told = len(samples) > 1 and any(end[1] & 0x80 for end in ends)
    return told and all((end[0] >= 0x9C or end[0] <= 0x28) and end[1] & 0x7F >= 40 for end in ends)


def _score(psdu: bytes) -> int:
    """How well octets read as a whole frame: far up for a right checksum, down for what cannot be."""
    try:
        header, payload = mac.parse(psdu)
        if header.type == mac.ACK and header.version < 2:
            return _CHECKSUM_HOLDS if len(psdu) == 3 else _IMPOSSIBLE
        if header.type != mac.DATA or header.security or not payload:
            return 0
        if dispatch.KIND[payload[0]] == dispatch.FRAGN and len(payload) > 5:
            size, end = (payload[0] & 7) << 8 | payload[1], payload[4] * 8 + len(payload) - 5
            return _IMPOSSIBLE if end % 8 and end != size else 1
        packet = codec.decode(payload, frame.link_info(header))
    except DecodeError:
        return _IMPOSSIBLE
    view = Packet.parse(packet)
    protocol, _, data = view.upper()
    if protocol == ICMPV6:
        # echo, errors and neighbor discovery have 8 octets at least (RFC 4443, RFC 4861)
        if len(data) < 8:
            return _IMPOSSIBLE
    elif protocol != UDP:
        return 0
    return _CHECKSUM_HOLDS if checksum_holds(view.src, view.dst, protocol, data) else 0
