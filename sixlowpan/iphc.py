"""LOWPAN_IPHC (RFC 6282 section 3): the IPv6 header in two octets, a context octet, and what is left in-line.

      0   1   2   3   4   5   6   7   8   9   0   1   2   3   4   5
    +---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+
    | 0 | 1 | 1 |  TF   |NH | HLIM  |CID|SAC|  SAM  | M |DAC|  DAM  |
    +---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+---+

Strategy: two tables, one for each octet, say what follows in-line (`FIRST`, `SECOND`), so one length check
covers the whole header and the decoder only branches on address modes. `SECOND` has None where the RFC
reserves the combination (64 of 256, so 2,048 of the 8,192 header words). Addresses are named by small
integers: SAC SAM as 0..7, M DAC DAM as 0..15. The decoder is here, the encoder in `compress`; explain and
lint read the same tables.
"""

from __future__ import annotations

from typing import Final

from sixlowpan import rfc7668 as ble
from sixlowpan.addresses import LINK_LOCAL_PREFIX, SHORT_IID_PREFIX, UNSPECIFIED
from sixlowpan.contexts import Context, Contexts
from sixlowpan.errors import MALFORMED, RESERVED, UNSUPPORTED, DecodeError, truncated
from sixlowpan.link import LinkInfo

HOP_LIMITS: Final = (-1, 1, 64, 255)  # -1: in-line
TF_OCTETS: Final = (4, 3, 1, 0)
SOURCE_OCTETS: Final = (16, 8, 2, 0, 0, 8, 2, 0)
DESTINATION_OCTETS: Final = (16, 8, 2, 0, -1, 8, 2, 0, 16, 6, 4, 1, 6, -1, -1, -1)  # -1: reserved

# first octet -> (TF, next header compressed, hop limit or -1, octets in-line); None: not IPHC
FIRST: Final = tuple(
    (
        octet >> 3 & 3,
        octet >> 2 & 1,
        HOP_LIMITS[octet & 3],
        TF_OCTETS[octet >> 3 & 3] + (1 - (octet >> 2 & 1)) + (octet & 3 == 0),
    )
    if octet >> 5 == 3
    else None
    for octet in range(256)
)
# second octet -> (CID, source mode, destination mode, octets in-line); None: reserved
SECOND: Final = tuple(
    (
        octet >> 7,
        octet >> 4 & 7,
        octet & 15,
        (octet >> 7) + SOURCE_OCTETS[octet >> 4 & 7] + DESTINATION_OCTETS[octet & 15],
    )
    if DESTINATION_OCTETS[octet & 15] >= 0
    else None
    for octet in range(256)
)
RESERVED_DESTINATION: Final = {
    4: "RFC6282-3.1.1-33",
    13: "RFC6282-3.1.1-42",
    14: "RFC6282-3.1.1-43",
    15: "RFC6282-3.1.1-44",
}
# RFC 6282 3.2.1: "the Traffic Class field is rotated right by 2 bits in the compressed IPv6 header"
TRAFFIC_CLASS: Final = tuple((octet << 2 | octet >> 6) & 0xFF for octet in range(256))
_WORD: Final = tuple((6 << 28 | traffic_class << 20).to_bytes(4, "big") for traffic_class in TRAFFIC_CLASS)
_NO_TF: Final = b"\x60\0\0\0"
_SHORT: Final = LINK_LOCAL_PREFIX + SHORT_IID_PREFIX
_LL_MULTICAST: Final = b"\xff\x02" + bytes(13)


def end_of(payload: bytes) -> int | None:
    """Where what follows an IPHC header begins, truncated or not: an NHC octet, or the data.

    None where the payload begins with no IPHC header, or with reserved address modes.
    """
    first = FIRST[payload[0]] if len(payload) >= 2 else None
    second = SECOND[payload[1]] if first is not None else None
    return None if first is None or second is None else 2 + first[3] + second[3]


# (first word, next header or -1, hop limit, source, destination, offset of what follows)
Header = tuple[bytes, int, int, bytes, bytes, int]


def expand(
    data: bytes, at: int, link: LinkInfo, contexts: Contexts, outer: tuple[bytes, bytes] | None = None
) -> Header:
    """The IPv6 header fields at `data[at]`, an IPHC dispatch octet; next header -1 means that an NHC octet follows.

    `outer` holds source and destination of the encapsulating IPv6 header, if there is one (RFC 6282 section
    3.2.2).
    """
    first = FIRST[data[at]]
    assert first is not None, "the caller looked at the dispatch octet"
    if len(data) < at + 2:
        raise truncated(len(data), "RFC6282-3-01", "the IPHC encoding")
    second = SECOND[data[at + 1]]
    if second is None:
        raise _reserved(data[at + 1], at + 1)
    tf, nhc, hop_limit, octets = first
    cid, source, destination, more = second
    here = at + 2
    end = here + octets + more
    if len(data) < end:
        raise truncated(len(data), "RFC6282-3-02", "the fields that IPHC leaves in-line")
    sci = dci = 0  # RFC 6282 3.1.1: with CID=0, "context 0 is used"
    if cid:
        sci, dci = data[here] >> 4, data[here] & 15
        here += 1

    if tf == 3:
        word = _NO_TF
    elif tf == 2:  # ECN + DSCP
        word = _WORD[data[here]]
        here += 1
    else:
        word = _with_flow_label(tf, data, here)
        here += TF_OCTETS[tf]
    next_header = -1
    if not nhc:
        next_header = data[here]
        here += 1
    if hop_limit < 0:
        hop_limit = data[here]
        here += 1

    if source == 3:
        src_iid = link.src_iid if outer is None else outer[0][8:]
        src = LINK_LOCAL_PREFIX + (src_iid or _no_address(at + 1, "source"))
    elif source == 0:
        src = data[here : here + 16]
        here += 16
    elif source == 1:
        src = LINK_LOCAL_PREFIX + data[here : here + 8]
        here += 8
    elif source == 2:
        src = _SHORT + data[here : here + 2]
        here += 2
    elif source == 4:
        src = UNSPECIFIED
    else:
        context = contexts.table[sci] or _undefined(sci, at + 1 + cid)
        src = _stateful(source & 3, context, data, here, link, outer, 0, at + 1)
        here += SOURCE_OCTETS[source]

    if destination == 3:
        dst_iid = link.dst_iid if outer is None else outer[1][8:]
        dst = LINK_LOCAL_PREFIX + (dst_iid or _no_address(at + 1, "destination"))
    elif destination in {0, 8}:
        dst = data[here:end]
    elif destination == 11:  # ff02::00XX
        dst = _LL_MULTICAST + data[here:end]
    elif destination == 1:
        dst = LINK_LOCAL_PREFIX + data[here:end]
    elif destination == 2:
        dst = _SHORT + data[here:end]
    elif destination == 9:  # ffXX::00XX:XXXX:XXXX
        dst = b"\xff" + data[here : here + 1] + bytes(9) + data[here + 1 : end]
    elif destination == 10:  # ffXX::00XX:XXXX
        dst = b"\xff" + data[here : here + 1] + bytes(11) + data[here + 1 : end]
    else:
        context = contexts.table[dci] or _undefined(dci, at + 1 + cid)
        if destination == 12:
            # ffXX:XXLL:PPPP:PPPP:PPPP:PPPP:XXXX:XXXX, "P and L is taken from the specified context"
            prefix = bytes((context.length,)) + context.head
            dst = b"\xff" + data[here : here + 2] + prefix + data[here + 2 : end]
        else:
            dst = _stateful(destination & 3, context, data, here, link, outer, 1, at + 1)
    return word, next_header, hop_limit, src, dst, end


def _with_flow_label(tf: int, data: bytes, here: int) -> bytes:
    """The first word of the header, of TF=00 or TF=01: traffic class and flow label are in-line at `data[here]`."""
    octet = data[here]
    if tf == 1:  # ECN + 2-bit Pad + Flow Label; what the pad holds is not said, so it is not looked at
        return bytes((0x60, (octet & 0xC0) >> 2 | octet & 0x0F)) + data[here + 1 : here + 3]
    traffic_class = TRAFFIC_CLASS[octet]  # ECN + DSCP + 4-bit Pad + Flow Label
    label = (traffic_class & 15) << 4 | data[here + 1] & 15
    return bytes((0x60 | traffic_class >> 4, label)) + data[here + 2 : here + 4]


def _stateful(
    mode: int,
    context: Context,
    data: bytes,
    here: int,
    link: LinkInfo,
    outer: tuple[bytes, bytes] | None,
    end: int,
    at: int,
) -> bytes:
    """An address of mode 01, 10 or 11 with a context; `end`: 0 for the source, 1 for the destination."""
    if mode == 1:
        return context.address(data[here : here + 8])
    # RFC 7668 3.2.4 governs what a 6LN sends and what a 6LBR sends to it
    if link.role == ("6LBR" if end else "6LN") and outer is None and context.length < 128:
        latest = ble.latest(link, context)
        if latest is None:
            message = f"{context} is elided, but no address of it is registered"
            raise DecodeError(UNSUPPORTED, at, "RFC7668-3.2.4-08", message)
        return latest if mode == 3 else latest[:14] + data[here : here + 2]
    if mode == 2:
        return context.address(SHORT_IID_PREFIX + data[here : here + 2])
    iid = outer[end][8:] if outer is not None else link.dst_iid if end else link.src_iid
    if not iid:  # a context of 128 bits leaves nothing to take from the link
        return context.prefix if context.length == 128 else _no_address(at, "link-layer")
    return context.address(iid)


def _undefined(identifier: int, offset: int) -> Context:
    # RFC 6282 3.1.2: "Actions in response to unknown and/or invalid contexts are out of scope": we refuse
    raise DecodeError(UNSUPPORTED, offset, "RFC6282-3.1.2-06", f"context {identifier} is not defined")


def _reserved(octet: int, offset: int) -> DecodeError:
    mode = octet & 15
    message = f"M={mode >> 3} DAC={mode >> 2 & 1} DAM={mode & 3:02b} is reserved"
    return DecodeError(RESERVED, offset, RESERVED_DESTINATION[mode], message)


def _no_address(offset: int, which: str) -> bytes:
    # RFC 4944 2: "both source and destination addresses are included in the IEEE 802.15.4 frame header"
    raise DecodeError(
        MALFORMED, offset, "RFC4944-2-04", f"the address is elided, but the frame has no {which} address"
    )
