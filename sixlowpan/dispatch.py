"""The dispatch octet: one table of 256 rows for page 0, with the names the RFCs give.

RFC 4944 section 5.1 as updated by RFC 6282 (IPHC takes 0x60-0x7f, ESC moves to 0x40), RFC 8025 (paging),
RFC 8066 (ESC), RFC 6971 (DFF) and RFC 8931 (RFRAG). SCHC (RFC 8724) has no value of IANA's yet: those of the draft that
carries it over IEEE 802.15.4 are named, so that its packets are told from damage; to RFC 4944 they are reserved.
"""

from __future__ import annotations

from typing import Final

from sixlowpan.errors import RESERVED, UNSUPPORTED, DecodeError

NALP: Final = "NALP"
ESC: Final = "ESC"
IPV6: Final = "IPv6"
HC1: Final = "LOWPAN_HC1"
DFF: Final = "LOWPAN_DFF"
SCHC: Final = "SCHC"
BC0: Final = "LOWPAN_BC0"
IPHC: Final = "LOWPAN_IPHC"
MESH: Final = "MESH"
FRAG1: Final = "FRAG1"
FRAGN: Final = "FRAGN"
RFRAG: Final = "RFRAG"
RFRAG_ACK: Final = "RFRAG-ACK"
PAGE: Final = "page switch"
UNASSIGNED: Final = "reserved"

# pattern rows: first value, last value, kind, requirement
ROWS: Final = (
    (0x00, 0x3F, NALP, "RFC4944-5.1-03"),
    (0x40, 0x40, ESC, "RFC8066-3.1-01"),
    (0x41, 0x41, IPV6, "RFC4944-5.1-05"),
    (0x42, 0x42, HC1, "RFC4944-5.1-06"),
    (0x43, 0x43, DFF, "RFC4944-5.1-07"),
    (0x44, 0x45, SCHC, "RFC4944-5.1-08"),  # draft-ietf-6lo-schc-15dot4: SCHC Dispatch, SCHC Pointer Dispatch
    (0x46, 0x4F, UNASSIGNED, "RFC4944-5.1-08"),
    (0x50, 0x50, BC0, "RFC4944-5.1-09"),
    (0x51, 0x5F, UNASSIGNED, "RFC4944-5.1-10"),
    (0x60, 0x7F, IPHC, "RFC6282-5-01"),
    (0x80, 0xBF, MESH, "RFC4944-5.1-14"),
    (0xC0, 0xC7, FRAG1, "RFC4944-5.1-15"),
    (0xC8, 0xDF, UNASSIGNED, "RFC4944-5.1-16"),
    (0xE0, 0xE7, FRAGN, "RFC4944-5.1-17"),
    (0xE8, 0xE9, RFRAG, "RFC8931-5.1-01"),
    (0xEA, 0xEB, RFRAG_ACK, "RFC8931-5.2-01"),
    (0xEC, 0xEF, UNASSIGNED, "RFC4944-5.1-18"),
    (0xF0, 0xFF, PAGE, "RFC8025-3-01"),
)
KIND: Final = tuple(kind for first, last, kind, _ in ROWS for _value in range(first, last + 1))
REQUIREMENT: Final = tuple(row[3] for row in ROWS for _value in range(row[0], row[1] + 1))


def esc_name(extension_type: int) -> str:
    """Who owns an ESC extension type (RFC 8066 section 4)."""
    if extension_type in {0, 255}:
        return "reserved"
    return "ITU-T G.9903/G.9905 command" if extension_type < 32 else "unassigned"


_SCHC: Final = "SCHC as in draft-ietf-6lo-schc-15dot4, no assigned value"
_PAGE_REQUIREMENT: Final = {
    # RFC 8138 4.2: "A node that does not support the 6LoRHC Type MUST silently discard the packet."
    "critical 6LoRH": "RFC8138-4.2-01",
    "elective 6LoRH": "RFC8138-4.1-01",
}


def page_refusal(page: int, value: int, at: int) -> DecodeError:
    """The error for a dispatch octet of a page other than 0 that leads to no IPv6 packet here."""
    name = page_name(page, value)
    requirement = _PAGE_REQUIREMENT.get(name, "RFC8025-3-04")
    return DecodeError(UNSUPPORTED, at, requirement, f"dispatch {value:#04x} of page {page} ({name})")


def page_name(page: int, value: int) -> str:
    """What a dispatch value means in a page other than 0 (RFC 8025, RFC 8138, RFC 9139)."""
    if value >= 0xF0:
        return PAGE
    if page == 1:
        if 0x60 <= value <= 0x7F:
            return IPHC  # RFC 8025 4: LOWPAN_IPHC keeps its values in page 1
        if KIND[value] == SCHC:
            return _SCHC
        if 0x80 <= value <= 0x9F:
            return "critical 6LoRH"
        if 0xA0 <= value <= 0xBF:
            return "elective 6LoRH"
    if page == 15:
        return "experimental"
    if page == 14 and value < 0x80:
        return "NDN or CCNx (RFC 9139)"
    return "unassigned"


def is_schc(payload: bytes) -> bool:
    """Whether a payload is a packet of SCHC by its dispatch, in page 0 or behind the switch to page 1."""
    at = 1 if payload[:1] == b"\xf1" else 0
    return len(payload) > at and KIND[payload[at]] == SCHC


def refusal(data: bytes, at: int, first: bool) -> DecodeError:
    """The error for a page 0 dispatch octet that leads to no IPv6 packet here (`first`: it begins the payload)."""
    value = data[at]
    kind, requirement = KIND[value], REQUIREMENT[value]
    if kind == NALP:
        if first:
            # RFC 4944 5.1: "any LoWPAN node that encounters a dispatch value of 00xxxxxx shall discard the
            # packet"
            return DecodeError(UNSUPPORTED, at, requirement, f"{value:#04x} is NALP: not a LoWPAN frame")
        # RFC 8066 3.4: "the potential meaning of their appearance in any other location is reserved for
        # future use"
        return DecodeError(
            RESERVED, at, "RFC8066-3.4-01", f"{value:#04x} (NALP) has no meaning behind another header"
        )
    if kind == ESC:
        # RFC 8066 3.1: "reaches an ESC dispatch type for which it does not understand the ESC Extension
        # Type (EET) octets, it MUST drop that packet"
        named = f"type {data[at + 1]} ({esc_name(data[at + 1])})" if at + 1 < len(data) else "type missing"
        return DecodeError(UNSUPPORTED, at, requirement, f"ESC, extension {named}")
    if kind == UNASSIGNED:
        return DecodeError(RESERVED, at, requirement, f"dispatch {value:#04x} is reserved")
    name = _SCHC if kind == SCHC else kind
    return DecodeError(UNSUPPORTED, at, requirement, f"dispatch {value:#04x} ({name}) is not handled here")
