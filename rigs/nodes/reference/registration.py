"""What the roles of the reference node share of RFC 6775: constants, a default router, a request, EUI-64s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sixlowpan.addresses import LINK_LOCAL_PREFIX, SHORT_IID_PREFIX
from sixlowpan.nd import AddressRegistration

INTERVAL: Final = 10.0  # RFC 6775 §9: RTR_SOLICITATION_INTERVAL
SLOWEST: Final = 60.0  # MAX_RTR_SOLICITATION_INTERVAL
TRIES: Final = 3  # MAX_RTR_SOLICITATIONS, and MAX_UNICAST_SOLICIT of RFC 4861 §10
LIFETIME: Final = 10  # minutes for which an address is registered
LATER: Final = 60.0  # seconds until a registration that failed otherwise is tried again
ENDLESS: Final = 0xFFFFFFFF  # RFC 4861 §4.6.2: a lifetime without an end
DUPLICATE, FULL = 1, 2  # RFC 6775 §4.1, table 1


@dataclass(frozen=True, slots=True)
class Request:
    """A registration that a host asks a router for: from where, with what, and which address at which link address."""

    source: bytes
    target: bytes
    option: AddressRegistration
    address: bytes
    link: bytes


@dataclass(slots=True)
class Router:
    """A default router: its link-layer address, when it ends, whether it keeps EAROs (RFC 8505 §6.3)."""

    link: bytes
    ends: float
    extended: bool = False


def reverse(address: bytes) -> bytes:
    """The link-layer address that an interface identifier was made of (RFC 4291 appendix A; RFC 6282 §3.2.2)."""
    if address[8:14] == SHORT_IID_PREFIX:
        return address[14:]
    return bytes((address[8] ^ 2,)) + address[9:]


def of_eui64(eui64: bytes) -> bytes:
    """The link-local address of an EUI-64: RFC 6775 §6.5.2, "the universal/local bit needs to be inverted"."""
    return LINK_LOCAL_PREFIX + bytes((eui64[0] ^ 2,)) + eui64[1:8]
