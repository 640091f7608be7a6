"""PDUs that Wireshark exports (link type 252), and that its udpdump captures: which dissector they are for.

Strategy: tags (type and length of two octets, big-endian, the length with its padding) stand in front of the PDU, the
last of type 0; that of type 12 names the dissector.

Source: Wireshark's epan/exported_pdu.h and wsutil/exported_pdu_tlvs.h.
"""

from __future__ import annotations

import struct
from typing import Final

#: The link type of what a dissector is for.
LINK_TYPES: Final = {"wpan": 195, "wpan_nofcs": 230, "wpan-tap": 283, "ip": 101, "ipv6": 101}
_END, _DISSECTOR = 0, 12


def named(data: bytes) -> tuple[str, int]:
    """The name of the dissector ("" if there is none), and where the PDU begins; ValueError if that is not told."""
    at, name = 0, ""
    while at + 4 <= len(data):
        tag, size = struct.unpack_from(">HH", data, at)
        at += 4 + size
        if tag == _END:
            return name, at
        if tag == _DISSECTOR:
            name = data[at - size : at].rstrip(b"\0").decode("ascii", "replace")
    raise ValueError("no end of the tags")
