"""Mutants that read GHC wrongly where it is rare: what outlives a packet, ends of ranges, GHC beside other headers."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, mesh
from tests.mutants import ANY, IEEE802154, mutant, reads, rewrites
from tests.mutants.ghc_codes import Reading, bytecode, nhc_of, of_bits

# -- the variables -------------------------------------------------------------------------------------------------


class Left(Reading):
    """One copy of sa and na for all packets, as with variables that are static."""

    left = (0, 0)

    def __init__(self, addresses):
        super().__init__(addresses)
        self.sa, self.na = type(self).left

    def extend(self, code):
        super().extend(code)
        type(self).left = self.sa, self.na

    def behind_a_copy(self):
        super().behind_a_copy()
        type(self).left = 0, 0


@bytecode("ghc-variables-of-the-packet-before", "RFC7400-2-01")
class VariablesStay(Left):
    """Begins with the sa and na that the packet before has left: nothing sets them to zero."""


@bytecode("ghc-distance-of-8-bits", "RFC7400-2-05")
class EightBits(of_bits(sa=8)):
    """Keeps sa in eight bits: behind three 101nssss of 120 it is too small."""


@bytecode("ghc-length-of-6-bits", "RFC7400-2-05")
class ShortCopies(of_bits(na=5)):
    """Keeps na in five bits: a copy of more than 33 octets is too short."""


# -- the dictionary ------------------------------------------------------------------------------------------------


@bytecode("ghc-oldest-octet-refused", "RFC7400-2-08")
class OldestOctet(Reading):
    """Refuses a copy that begins with the first octet of the dictionary."""

    def copied(self, count, back):
        return super().copied(count, back if back < len(self.buffer) else back + 1)


@bytecode("ghc-dictionary-swapped", "RFC7400-2-08")
class DictionarySwapped(Reading):
    """Has the destination in front of the source in its dictionary."""

    def before(self, addresses):
        return addresses[16:] + addresses[:16] + self.dictionary


@bytecode("ghc-dictionary-static-first", "RFC7400-2-08")
class StaticFirst(Reading):
    """Has the static dictionary in front of the addresses."""

    def before(self, addresses):
        return self.dictionary + addresses


@bytecode("ghc-copy-across-the-edge", "RFC7400-2-06")
class NoCopyAcross(Reading):
    """Refuses a copy that begins in the dictionary and ends in the output."""

    def copied(self, count, back):
        start = len(self.buffer) - back
        return super().copied(count, back if start >= 48 or start + count <= 48 else 9999)


@bytecode("ghc-dictionary-for-one-copy", "RFC7400-2-08")
class DictionaryOnce(Reading):
    """Reaches into its dictionary while less than 64 octets have come out, and no more behind that."""

    def copied(self, count, back):
        beyond = len(self.buffer) >= 112 and len(self.buffer) - back < 48
        return super().copied(count, 9999 if beyond else back)


# -- ends of ranges ------------------------------------------------------------------------------------------------


@bytecode("ghc-literal-of-95-refused", "RFC7400-2-02")
class Literal95(Reading):
    """Refuses a literal of 95 octets, the longest."""

    def step(self, data, at):
        if data[at] == 0x5F:
            raise DecodeError("reserved", at, None, "too long a literal")
        return super().step(data, at)


@bytecode("ghc-literal-of-6-bits", "RFC7400-2-02")
class Literal6Bits(Reading):
    """Refuses literals of more than 63 octets."""

    def step(self, data, at):
        if 0x40 <= data[at] < 0x60:
            raise DecodeError("reserved", at, None, "too long a literal")
        return super().step(data, at)


@bytecode("ghc-literal-of-none-ends", "RFC7400-2-02")
class LiteralOfNone(Reading):
    """Takes a literal of no octets, which is one, for the end of the data."""

    def step(self, data, at):
        return (b"", len(data)) if data[at] == 0 else super().step(data, at)


@bytecode("ghc-zeros-of-4-bits", "RFC7400-2-03")
class Zeros4Bits(Reading):
    """Counts zeros in four bits: 16 and 17 of them are none and one."""

    def step(self, data, at):
        if 0x8E <= data[at] <= 0x8F:
            return bytes((data[at] & 15) - 14), at + 1
        return super().step(data, at)


@bytecode("ghc-reserved-literal", "RFC7400-2-07")
class ReservedLiteral(Reading):
    """Takes 011xxxxx, which is reserved, for a literal of 96 octets and more."""

    def step(self, data, at):
        code = data[at]
        if 0x60 <= code < 0x80 and len(data) >= at + 1 + code:
            return data[at + 1 : at + 1 + code], at + 1 + code
        return super().step(data, at)


@bytecode("ghc-reserved-stop", "RFC7400-2-07")
class ReservedStop(Reading):
    """Takes 1001nnnn with any n for the stop code."""

    def step(self, data, at):
        return (b"", len(data)) if 0x91 <= data[at] <= 0x9F else super().step(data, at)


@bytecode("ghc-reserved-zeros", "RFC7400-2-07")
class ReservedZeros(Reading):
    """Takes 1001nnnn with n > 0 for more zeros: n has five bits."""

    def step(self, data, at):
        return (bytes((data[at] & 31) + 2), at + 1) if 0x91 <= data[at] <= 0x9F else super().step(data, at)


# -- GHC beside other headers --------------------------------------------------------------------------------------


@reads("ghc-udp-short-ports-dropped", requirement="RFC7400-3.1-01")
def _(node, payload, h, info):
    """Knows 11010CPP with P=00 only."""
    return None if nhc_of(h) & 0xF8 == 0xD0 and nhc_of(h) & 3 else payload


def ghc_udp(id, requirement="RFC7400-3.1-01"):
    """function(packet, octet) changes the packet of UDP by GHC right behind IPHC; `octet` is its NHC octet."""

    def register(function):
        def change(node, packet, h, info):
            if h.nhc & 0xF8 == 0xD0:
                function(packet, h.nhc)

        change.__doc__ = function.__doc__
        rewrites(id, requirement=requirement)(change)
        return function

    return register


@ghc_udp("ghc-udp-p01-p10-swapped")
def _(packet, octet):
    """UDP by GHC with P=01 or P=10: the ports change places."""
    if octet & 3 in {1, 2}:
        packet[40:44] = packet[42:44] + packet[40:42]


@ghc_udp("ghc-udp-p11-nibbles")
def _(packet, octet):
    """UDP by GHC with P=11: the nibbles change places."""
    if octet & 3 == 3:
        packet[40:44] = packet[42:44] + packet[40:42]


@reads("ghc-behind-options-dropped", requirement="RFC7400-3.1-02")
def _(node, payload, h, info):
    """Knows GHC right behind IPHC only, and not behind a compressed extension header."""
    if nhc_of(h) & 0xF1 == 0xE1 and nhc_of(h) not in {0xEF, 0xE5} and len(payload) > h.end + 1:
        after = h.end + 2 + payload[h.end + 1]
        if payload[after : after + 1] and payload[after] >> 3 in {0x1A, 0x1B}:
            return None
    return payload


@reads("ghc-extension-destination-dropped", requirement="RFC7400-3.2-01")
def _(node, payload, h, info):
    """Knows no GHC form of Destination Options."""
    return None if nhc_of(h) & 0xFE == 0xB6 else payload


@reads("ghc-extension-next-in-line-dropped", requirement="RFC7400-3.2-01")
def _(node, payload, h, info):
    """Knows GHC of an extension header only where something compressed follows."""
    return None if nhc_of(h) & 0xF1 == 0xB0 and nhc_of(h) >= 0 else payload


@mutant("ghc-behind-mesh-dropped", requirement="RFC4944-5-04", kinds=IEEE802154)
class BehindMesh(ReferenceNode):
    """Knows no GHC behind a mesh header."""

    def reassemble(self, payload, info):
        if 0x80 <= payload[0] < 0xC0 and b"\xdf" in payload[mesh.parse(payload, 0).end :][2:4]:
            raise DecodeError("unsupported", 0, None, "GHC behind a mesh header")
        return super().reassemble(payload, info)


@mutant("ghc-frag1-late-dropped", requirement="RFC7400-3.1-02", kinds=IEEE802154)
class LateFirst(ReferenceNode):
    """Drops a FRAG1 with GHC that comes behind another fragment."""

    def reassemble(self, payload, info):
        if payload[0] >> 3 == 0x18 and b"\xdf" in payload[6:24] and self.reassembler.pending:
            raise DecodeError("unsupported", 4, None, "GHC in a first fragment")
        return super().reassemble(payload, info)


def too_much(id, octets, requirement="RFC7400-5-01"):
    """A node whose buffer for what comes out of GHC is too small."""

    class Small(ReferenceNode):
        def decode_payload(self, payload, info):
            packet = super().decode_payload(payload, info)
            if b"\xdf" in payload[2:4] and len(packet) > 40 + octets:
                raise DecodeError("unsupported", 0, None, "no room for so much")
            return packet

    what = f"Has room for {octets} octets of what comes out of GHC, whatever the MTU is."
    mutant(id, requirement=requirement, kinds=ANY, what=what)(Small)


too_much("ghc-room-for-256", 256)
too_much("ghc-room-for-1000", 1000)
