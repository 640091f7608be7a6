"""One whole link frame: an 802.15.4 PSDU to its 6LoWPAN payload and what the link layer says of it."""

from __future__ import annotations

from functools import lru_cache

from sixlowpan import mac
from sixlowpan.errors import UNSUPPORTED, DecodeError
from sixlowpan.link import IEEE802154, LinkInfo


def link_info(header: mac.MacHeader, pan_iids: bool = False) -> LinkInfo:
    """The LinkInfo of a MAC header; `pan_iids` asks for IIDs made with the PAN id (RFC 4944 section 6).

    `integrity` is true for security levels with a MIC. The receiver of a secured frame has checked that
    MIC; whoever reads a capture must know that the frame was accepted.
    """
    integrity = header.security and header.security_control & 3 > 0
    return _link(header.src, header.dst, header.pan if pan_iids else None, integrity)


@lru_cache(maxsize=1024)
def _link(src: bytes, dst: bytes, pan: bytes | None, integrity: bool) -> LinkInfo:
    """The same object for the same link: a capture has few links and many frames."""
    return LinkInfo(IEEE802154, src, dst, pan, integrity)


def parse(psdu: bytes, pan_iids: bool = False) -> tuple[bytes, LinkInfo]:
    """(payload, LinkInfo) of an 802.15.4 PSDU without FCS.

    DecodeError for a broken header, for a frame that is no data frame ("malformed" is only the header
    itself; IPv6 "in data frames" is RFC 4944 section 2) and for an encrypted one, whose payload cannot be
    read here.
    """
    header, payload = mac.parse(psdu)
    if header.type != mac.DATA:
        raise DecodeError(
            UNSUPPORTED, 0, "RFC4944-2-01", f"frame type {header.type} carries no 6LoWPAN payload"
        )
    if header.security and header.security_control & 4:
        raise DecodeError(UNSUPPORTED, 0, None, "the payload is encrypted")
    return payload, link_info(header, pan_iids)
