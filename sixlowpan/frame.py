"""One whole link frame: an 802.15.4 PSDU to its 6LoWPAN payload and what the link layer says of it.

Strategy: the frame control field of a plain data frame says how long its header is, and frames of one link have the
same octets there but for the sequence number. So `mac.parse` is asked once for each of both, and kept.
"""

from __future__ import annotations

from functools import lru_cache

from sixlowpan import mac
from sixlowpan.errors import UNSUPPORTED, DecodeError
from sixlowpan.link import IEEE802154, LinkInfo, link_between

#: Bits of the frame control field (in its two octets) of a header that is not told by it alone: security, IEs, no
#: sequence number.
_NOT_PLAIN = (0x08, 0x03)


def link_info(header: mac.MacHeader, pan_iids: bool = False) -> LinkInfo:
    """The LinkInfo of a MAC header; `pan_iids` asks for IIDs made with the PAN id (RFC 4944 section 6).

    `integrity` is true for security levels with a MIC. The receiver of a secured frame has checked that
    MIC; whoever reads a capture must know that the frame was accepted.
    """
    integrity = header.security and header.security_control & 3 > 0
    return link_between(IEEE802154, header.src, header.dst, header.pan if pan_iids else None, integrity)


@lru_cache(maxsize=1024)
def _size(control: bytes) -> int:
    """Octets of a plain data frame's header; 0 for another frame control field, which is for `mac.parse` to read."""
    if (
        len(control) < 2
        or control[0] & 7 != mac.DATA
        or control[0] & _NOT_PLAIN[0]
        or control[1] & _NOT_PLAIN[1]
    ):
        return 0
    whole = control + bytes(30)  # the longest of these headers has 23
    try:
        return len(whole) - len(mac.parse(whole)[1])
    except DecodeError:
        return 0


@lru_cache(maxsize=1024)
def _link_of(control: bytes, addressing: bytes, pan_iids: bool) -> LinkInfo:
    """The link of a plain data frame: what stands in front of and behind its sequence number says it."""
    return link_info(mac.parse(control + b"\0" + addressing)[0], pan_iids)


def parse(psdu: bytes, pan_iids: bool = False) -> tuple[bytes, LinkInfo]:
    """(payload, LinkInfo) of an 802.15.4 PSDU without FCS.

    DecodeError for a broken header, for a frame that is no data frame ("malformed" is only the header
    itself; IPv6 "in data frames" is RFC 4944 section 2) and for an encrypted one, whose payload cannot be
    read here.
    """
    control = psdu[:2]
    size = _size(control)
    if 0 < size <= len(psdu):
        return psdu[size:], _link_of(control, psdu[3:size], pan_iids)
    header, payload = mac.parse(psdu)
    if header.type != mac.DATA:
        raise DecodeError(
            UNSUPPORTED, 0, "RFC4944-2-01", f"frame type {header.type} carries no 6LoWPAN payload"
        )
    if header.security and header.security_control & 4:
        raise DecodeError(UNSUPPORTED, 0, None, "the payload is encrypted")
    return payload, link_info(header, pan_iids)
