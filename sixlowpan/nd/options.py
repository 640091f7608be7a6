"""The options of Neighbor Discovery for 6LoWPAN (RFC 4861, RFC 6775, RFC 8505, RFC 7400): read and built.

One dataclass for each, with the RFC's field names and a `build`; `options` reads a list of them. Reserved bits are
ignored when read and zero when built. What is refused is what the octets make impossible (an option of length 0, one
cut short, a context that its option cannot hold); whether a sender may send it is the matter of `sixlowpan.nd.judge`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from sixlowpan.contexts import Context
from sixlowpan.errors import MALFORMED, DecodeError, EncodeError, truncated

SLLAO, TLLAO, PIO, ARO, SIXCO, ABRO, SIXCIO = 1, 2, 3, 33, 34, 35, 36
#: Flags of the 6CIO by their IANA numbers (RFC 7400 §3.3, RFC 8505 §4.3).
FLAG_D, FLAG_L, FLAG_B, FLAG_P, FLAG_E, FLAG_G = 10, 11, 12, 13, 14, 15
# RFC 6775 4.1, RFC 8505 table 1, RFC 9685
STATUS: Final = (
    "Success",
    "Duplicate Address",
    "Neighbor Cache Full",
    "Moved",
    "Removed",
    "Validation Requested",
    "Duplicate Source Address",
    "Invalid Source Address",
    "Registered Address Topologically Incorrect",
    "6LBR Registry Saturated",
    "Validation Failed",
    "Registration Refresh Request",
)


class Option(Protocol):
    """Anything that builds to an ND option."""

    def build(self) -> bytes:
        """The option, a multiple of 8 octets."""
        ...


def _tlv(type_: int, body: bytes) -> bytes:
    body += bytes(-(2 + len(body)) % 8)
    if len(body) > 2038:
        raise EncodeError("an ND option has at most 2040 octets")
    return bytes((type_, (2 + len(body)) // 8)) + body


@dataclass(frozen=True, slots=True)
class LinkLayerAddress:
    """SLLAO (type 1) or TLLAO (type 2); `address` is what stands before the padding (RFC 4944 section 8)."""

    type: int
    address: bytes

    def build(self) -> bytes:
        """Length 2 for an EUI-64, 1 for a short address or a Bluetooth device address."""
        return _tlv(self.type, self.address)

    def of_size(self, size: int) -> bytes:
        """The first `size` octets: as read, `address` still has its padding."""
        return self.address[:size]


@dataclass(frozen=True, slots=True)
class PrefixInformation:
    """PIO (RFC 4861 section 4.6.2)."""

    prefix: bytes
    length: int = 64
    on_link: bool = False
    autonomous: bool = True
    router_address: bool = False
    valid_lifetime: int = 0xFFFFFFFF
    preferred_lifetime: int = 0xFFFFFFFF

    def build(self) -> bytes:
        """32 octets."""
        flags = self.on_link << 7 | self.autonomous << 6 | self.router_address << 5
        lifetimes = self.valid_lifetime.to_bytes(4, "big") + self.preferred_lifetime.to_bytes(4, "big")
        return _tlv(PIO, bytes((self.length, flags)) + lifetimes + bytes(4) + self.prefix)


@dataclass(frozen=True, slots=True)
class AddressRegistration:
    """ARO (RFC 6775 section 4.1) or, with T, R, I, TID or a long ROVR, EARO (RFC 8505 section 4.1)."""

    rovr: bytes
    lifetime: int = 0  # in units of 60 seconds
    status: int = 0
    opaque: int = 0
    i: int = 0
    r: bool = False
    t: bool = False
    tid: int = 0

    def build(self) -> bytes:
        """16 to 40 octets, by the size of the ROVR."""
        flags = (self.i & 3) << 2 | self.r << 1 | self.t
        body = bytes((self.status, self.opaque, flags, self.tid)) + self.lifetime.to_bytes(2, "big")
        return _tlv(ARO, body + self.rovr)


@dataclass(frozen=True, slots=True)
class ContextOption:
    """6CO (RFC 6775 section 4.2); `prefix` has 16 octets."""

    prefix: bytes
    length: int = 64
    compress: bool = True
    cid: int = 0
    valid_lifetime: int = 0xFFFF  # in units of 60 seconds

    def build(self) -> bytes:
        """Length 2 for a prefix of up to 64 bits, else 3."""
        body = bytes((self.length, self.compress << 4 | self.cid, 0, 0)) + self.valid_lifetime.to_bytes(
            2, "big"
        )
        return _tlv(SIXCO, body + self.prefix[: 8 if self.length <= 64 else 16])

    def context(self) -> Context:
        """The context that this option announces; bits beyond its length do not count."""
        host = (1 << 128 - self.length) - 1
        value = int.from_bytes(self.prefix, "big") & ~host
        return Context(value.to_bytes(16, "big"), self.length, self.compress)


@dataclass(frozen=True, slots=True)
class AuthoritativeBorderRouter:
    """ABRO (RFC 6775 section 4.3); a valid lifetime of 0 means 10,000 units of 60 seconds."""

    address: bytes
    version: int = 0
    valid_lifetime: int = 0

    def build(self) -> bytes:
        """24 octets; the version goes low half first."""
        low, high = self.version & 0xFFFF, self.version >> 16
        version = low.to_bytes(2, "big") + high.to_bytes(2, "big")
        return _tlv(ABRO, version + self.valid_lifetime.to_bytes(2, "big") + self.address)


@dataclass(frozen=True, slots=True)
class CapabilityIndication:
    """6CIO (RFC 7400 section 3.3, RFC 8505 section 4.3); `flags` by IANA number: G 15, E 14, P 13, B 12, L 11, D 10."""

    flags: frozenset[int] = frozenset({15})

    def build(self) -> bytes:
        """8 octets: flag number 0 is the 16th bit of the option."""
        value = sum(1 << 47 - flag for flag in self.flags)
        return _tlv(SIXCIO, value.to_bytes(6, "big"))


@dataclass(frozen=True, slots=True)
class UnknownOption:
    """Any other option; `body` is all behind the length octet."""

    type: int
    body: bytes

    def build(self) -> bytes:
        """As it was."""
        return _tlv(self.type, self.body)


def options(data: bytes, at: int) -> list[Option]:
    """The options at `data[at:]`; DecodeError for a length of 0 or an option cut short."""
    found: list[Option] = []
    while at < len(data):
        if at + 2 > len(data):
            raise truncated(len(data), None, "the option")
        size = 8 * data[at + 1]
        if not size:
            # RFC 4861 4.6: "Nodes MUST silently discard an ND packet that contains an option with length
            # zero."
            raise DecodeError(MALFORMED, at + 1, None, "an option of length 0")
        if at + size > len(data):
            raise truncated(len(data), None, "the option")
        found.append(_option(data[at], data[at + 2 : at + size], at))
        at += size
    return found


def _option(type_: int, body: bytes, at: int) -> Option:
    least = {PIO: 30, ARO: 14, SIXCO: 14, ABRO: 22}.get(type_, 6)
    if len(body) < least:
        raise DecodeError(MALFORMED, at + 1, None, f"option {type_} is too short")
    if type_ in {SLLAO, TLLAO}:
        return LinkLayerAddress(type_, body)
    if type_ == PIO:
        flags, valid, preferred = body[1], int.from_bytes(body[2:6], "big"), int.from_bytes(body[6:10], "big")
        return PrefixInformation(
            body[14:30], body[0], bool(flags & 0x80), bool(flags & 0x40), bool(flags & 0x20), valid, preferred
        )
    if type_ == ARO:
        flags = body[2]
        lifetime = int.from_bytes(body[4:6], "big")
        return AddressRegistration(
            body[6:], lifetime, body[0], body[1], flags >> 2 & 3, bool(flags & 2), bool(flags & 1), body[3]
        )
    if type_ == SIXCO:
        prefix = (body[6:22] + bytes(16))[:16]
        # RFC 6775 4.2: a Context Length "greater than 64" needs a Length of 3
        if body[0] > 128 or body[0] > 64 > 8 * (len(body) - 6) - 1:
            raise DecodeError(
                MALFORMED, at + 2, "RFC6775-4.2-02", f"context length {body[0]} does not fit the option"
            )
        return ContextOption(
            prefix, body[0], bool(body[1] & 0x10), body[1] & 15, int.from_bytes(body[4:6], "big")
        )
    if type_ == ABRO:
        version = int.from_bytes(body[0:2], "big") | int.from_bytes(body[2:4], "big") << 16
        return AuthoritativeBorderRouter(body[6:22], version, int.from_bytes(body[4:6], "big"))
    if type_ == SIXCIO:
        # RFC 7400 3.4: "Length values larger than 1 MUST be accepted"
        value = int.from_bytes(body[:6], "big")
        return CapabilityIndication(frozenset(flag for flag in range(48) if value >> 47 - flag & 1))
    return UnknownOption(type_, body)
