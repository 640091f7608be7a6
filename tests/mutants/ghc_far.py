"""Mutants whose GHC goes wrong where copies are long, far, of a group, or in a long header (RFC 7400 §2, §3.2)."""

from __future__ import annotations

from sixlowpan import DecodeError
from tests.mutants import reads
from tests.mutants.chains import nhcs
from tests.mutants.ghc_codes import Reading, bytecode, nhc_of, of_bits
from tests.mutants.wire import iphc


class Clearing(Reading):
    """Has sa and na cleared by codes other than a backreference."""

    cleared_by = range(0)

    def step(self, data, at):
        found = super().step(data, at)
        if data[at] in self.cleared_by:
            self.behind_a_copy()
        return found


@bytecode("ghc-literal-clears", "RFC7400-2-05")
class LiteralClears(Clearing):
    """A literal clears sa and na."""

    cleared_by = range(0x60)


@bytecode("ghc-zeros-clear", "RFC7400-2-05")
class ZerosClear(Clearing):
    """Zeros clear sa and na."""

    cleared_by = range(0x80, 0x90)


@bytecode("ghc-sa-of-10-bits", "RFC7400-2-05")
class SaOf10(of_bits(sa=10)):
    """Has 10 bits for sa."""


@bytecode("ghc-na-of-8-bits", "RFC7400-2-05")
class NaOf8(of_bits(na=8)):
    """Has 8 bits for na."""


@bytecode("ghc-group-first", "RFC7400-2-08")
class GroupFirst(Reading):
    """The dictionary of a packet to a group begins with the group."""

    def before(self, addresses):
        if addresses[16] == 0xFF:
            addresses = addresses[16:] + addresses[:16]
        return super().before(addresses)


class InHeader(Reading):
    """Knows whether it reads an extension header: its NHC octet, 1011 EID NH, stands in front of the codes."""

    header: bool | None = None

    def step(self, data, at):
        if self.header is None:
            self.header = 0b1011 in {data[at - 1] >> 4, data[at - 2] >> 4}
        return super().step(data, at)


@bytecode("ghc-header-without-addresses", "RFC7400-3.2-01")
class HeaderWithoutAddresses(InHeader):
    """The dictionary of an extension header has zeros in place of the addresses."""

    def copied(self, count, back):
        if self.header:
            self.buffer[:32] = bytes(32)
        return super().copied(count, back)


@bytecode("ghc-header-of-64-octets", "RFC7400-3.2-01")
class HeaderOf64(InHeader):
    """Has room for an extension header of 64 octets."""

    def step(self, data, at):
        found = super().step(data, at)
        if self.header and len(self.buffer) + len(found[0]) > 48 + 62:
            raise DecodeError("malformed", at, None, "no room")
        return found


# -- beside other headers -----------------------------------------------------------------------------------------


@bytecode("ghc-unspecified-left-out", "RFC7400-2-08")
class UnspecifiedLeftOut(Reading):
    """Has no source in its dictionary where that is ::, of which no octet came."""

    def before(self, addresses):
        return (addresses if any(addresses[:16]) else addresses[16:]) + self.dictionary


@reads("ghc-extension-behind-another-dropped", requirement="RFC7400-3.2-01")
def _(node, payload, header, info):
    """Knows GHC of an extension header in front of a chain only, and not behind another one."""
    later = (payload[end : end + 1] for octet, _, end in nhcs(header) if octet & 1)
    return None if any(octet and octet[0] >> 3 == 0b10110 for octet in later) else payload


@reads("ghc-inner-dropped", requirement="RFC7400-3.1-02")
def _(node, payload, header, info):
    """Knows no GHC of what an inner packet carries."""
    inner = iphc(payload[header.end + 1 :]) if nhc_of(header) == 0xEE else None
    return None if nhc_of(inner) >> 4 == 0xD else payload
