"""Mutants that read the bytecode of RFC 7400 wrongly: the variables of §2, the dictionary, headers in a chain.

Each reads by an interpreter of its own, which takes the place of the oracle's while the node has a payload in hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from unittest import mock

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, codec, ghc, ipv6
from tests.mutants import ANY, IEEE802154, Node, mutant, reads, step
from tests.mutants.wire import iphc


class Reading:
    """One header or payload read as RFC 7400 §2 has it, in steps that a mutant can take wrongly."""

    dictionary: bytes = ghc.STATIC_DICTIONARY

    def __init__(self, addresses: bytes) -> None:
        self.sa = self.na = 0
        self.buffer = bytearray(self.before(addresses))

    def before(self, addresses: bytes) -> bytes:
        return addresses + self.dictionary

    def extend(self, code: int) -> None:
        self.sa += (code & 15) << 3
        self.na += (code & 16) >> 1

    def copied(self, count: int, back: int) -> bytes:
        start = len(self.buffer) - back
        if start < 0:
            raise DecodeError("malformed", 0, None, "a backreference before the dictionary")
        return bytes(self.buffer[start : start + count])

    def behind_a_copy(self) -> None:
        self.sa = self.na = 0

    def step(self, data: bytes, at: int) -> tuple[bytes, int]:
        """(octets put out, offset behind it) of the code at `at`."""
        code = data[at]
        if code < 0x60:
            if len(data) < at + 1 + code:
                raise DecodeError("malformed", at, None, "literal octets are missing")
            return data[at + 1 : at + 1 + code], at + 1 + code
        if 0x80 <= code < 0x90:
            return bytes((code & 15) + 2), at + 1
        if 0xA0 <= code < 0xC0:
            self.extend(code)
            return b"", at + 1
        if code >= 0xC0:
            count = self.na + (code >> 3 & 7) + 2
            found = self.copied(count, (code & 7) + self.sa + count)
            self.behind_a_copy()
            return found, at + 1
        raise DecodeError("reserved", at, None, "a reserved code")


LIMIT: Final = 2048


@step
def bytecode(reading: Callable) -> Node:
    """Register the node that reads GHC by the decorated `Reading`."""

    def steps(data, at, addresses, room, stop):
        state = reading(addresses)
        while at < len(data):
            if data[at] == 0x90:
                yield ghc.Step(ghc.END, at, at + 1, 0, 0, b"")
                return
            octets, end = state.step(data, at)
            state.buffer += octets
            if len(state.buffer) > LIMIT:
                raise DecodeError("malformed", at, None, "too much comes out")
            yield ghc.Step(ghc.LITERAL, at, end, len(octets), 0, bytes(octets))
            at = end

    class Node(ReferenceNode):
        def understand(self, payload, info):
            with mock.patch.object(ghc, "steps", steps):
                return super().understand(payload, info)

    return Node


def of_bits(**bits):
    """A `Reading` whose `sa` or `na` has so many bits only."""

    class OfBits(Reading):
        def extend(self, code):
            super().extend(code)
            for name, count in bits.items():
                setattr(self, name, getattr(self, name) & (1 << count) - 1)

    return OfBits


@bytecode("ghc-sa-not-added", "RFC7400-2-05")
class SaReplaced(Reading):
    """A second 101nssss takes the place of the first: sa is set, not added to."""

    def extend(self, code):
        self.sa = (code & 15) << 3
        self.na += (code & 16) >> 1


@bytecode("ghc-na-not-added", "RFC7400-2-05")
class NaReplaced(Reading):
    """A second 101nssss forgets the n of the first: na is set, not added to."""

    def extend(self, code):
        self.sa += (code & 15) << 3
        self.na = (code & 16) >> 1


@bytecode("ghc-n-ignored", "RFC7400-2-05")
class NIgnored(Reading):
    """Takes the n of 101nssss for nothing: copies of 9 octets at most."""

    def extend(self, code):
        self.sa += (code & 15) << 3


@bytecode("ghc-n-is-16", "RFC7400-2-05")
class NIsSixteen(Reading):
    """Takes the n of 101nssss as it stands in the octet, for 16."""

    def extend(self, code):
        self.sa += (code & 15) << 3
        self.na += code & 16


@bytecode("ghc-na-not-in-distance", "RFC7400-2-06")
class NaNotInDistance(Reading):
    """Leaves na out of s = kkk + sa + n."""

    def copied(self, count, back):
        return super().copied(count, back - self.na)


@bytecode("ghc-variables-kept", "RFC7400-2-06")
class VariablesKept(Reading):
    """Keeps sa and na behind a backreference."""

    def behind_a_copy(self):
        return None


@bytecode("ghc-na-kept", "RFC7400-2-06")
class NaKept(Reading):
    """Clears sa behind a backreference, and keeps na."""

    def behind_a_copy(self):
        self.sa = 0


@bytecode("ghc-dictionary-one-octet", "RFC7400-2-08")
class AnotherDictionary(Reading):
    """Has another octet near the end of the static dictionary."""

    dictionary = ghc.STATIC_DICTIONARY[:13] + b"\0" + ghc.STATIC_DICTIONARY[14:]


@bytecode("ghc-dictionary-of-identifiers", "RFC7400-2-08")
class Identifiers(Reading):
    """Has fe80::/64 in front of both identifiers in its dictionary, whatever the prefixes are."""

    def before(self, addresses):
        local = b"\xfe\x80" + bytes(6)
        return local + addresses[8:16] + local + addresses[24:32] + self.dictionary


@bytecode("ghc-distance-of-7-bits", "RFC7400-2-05")
class FarCopies(Reading):
    """Keeps seven bits of the distance of a backreference."""

    def copied(self, count, back):
        return super().copied(count, back & 0x7F if back > 0x7F + count else back)


# -- headers, not codes -------------------------------------------------------------------------------------------


def nhc_of(header) -> int:
    return -1 if header is None else header.nhc


@reads("ghc-extension-routing-dropped", requirement="RFC7400-3.2-01")
def _(node, payload, header, info):
    """Knows no GHC form of a Routing header."""
    return None if nhc_of(header) & 0xFE == 0xB2 else payload


@reads("ghc-extension-chain-dropped", requirement="RFC7400-3.2-01")
def _(node, payload, header, info):
    """Knows nothing compressed behind an extension header by GHC."""
    return None if nhc_of(header) >= 0 and nhc_of(header) & 0xF9 == 0xB1 else payload


class Extensions(ReferenceNode):
    """Changes what it made of an extension header by GHC."""

    def change(self, packet: bytearray) -> None:
        raise NotImplementedError

    def decode_payload(self, payload, info):
        packet = bytearray(super().decode_payload(payload, info))
        at = payload.find(b"\xb0") if packet[6] == 0 else payload.find(b"\xb6") if packet[6] == 60 else -1
        if at == 2:  # addresses elided, hop limit and traffic compressed
            self.change(packet)
        return bytes(packet)


@mutant("ghc-extension-length-zero", requirement="RFC7400-3.2-01", kinds=ANY)
class LengthZero(Extensions):
    """Restores no length of an extension header by GHC: it is always one of 8 octets."""

    def change(self, packet):
        packet[41] = 0


@mutant("ghc-frag1-dropped", requirement="RFC7400-3.1-02", kinds=IEEE802154)
class FirstFragments(ReferenceNode):
    """Knows GHC in whole packets only, and drops a FRAG1 with it."""

    def reassemble(self, payload, info):
        if payload[:1] and payload[0] >> 3 == 0x18 and b"\xdf" in payload[6:24]:
            raise DecodeError("unsupported", 4, None, "GHC in a first fragment")
        return super().reassemble(payload, info)


@bytecode("ghc-copy-of-nine-short", "RFC7400-2-06")
class NineShort(Reading):
    """Copies eight octets where nnn is 7 and na is 0, which say nine."""

    def copied(self, count, back):
        return super().copied(count, back)[: 8 if count == 9 else count]


@mutant("ghc-frag1-of-much-dropped", requirement="RFC7400-3.1-01", kinds=IEEE802154)
class FirstOfMuch(ReferenceNode):
    """Drops a FRAG1 whose GHC comes to more than a frame holds."""

    def reassemble(self, payload, info):
        if payload[:1] and payload[0] >> 3 == 0x18 and {0xD0, 0xDF} & {*payload[6:7]}:
            size = int.from_bytes(payload[:2]) & 0x7FF
            if len(codec.first_part(payload, 4, info, self.contexts, size).octets) > 127:
                raise DecodeError("unsupported", 4, None, "no room")
        return super().reassemble(payload, info)


def checksum_made_up(octet: int, protocol: int, at: int) -> Node:
    """A node that puts a right checksum where a wrong one came by GHC behind this NHC octet."""

    class MadeUp(ReferenceNode):
        def decode_payload(self, payload, info):
            packet, header = bytearray(super().decode_payload(payload, info)), iphc(payload)
            if header is not None and header.nhc & 0xF8 == octet & 0xF8:
                packet[at : at + 2] = b"\0\0"
                value = ipv6.checksum(bytes(packet[8:24]), bytes(packet[24:40]), protocol, bytes(packet[40:]))
                packet[at : at + 2] = value.to_bytes(2, "big")
            return bytes(packet)

    return MadeUp


@mutant("ghc-icmpv6-checksum-made-up", requirement="RFC7400-3.1-02", kinds=ANY)
class IcmpChecksum(checksum_made_up(0xDF, ipv6.ICMPV6, 42)):
    """Puts a right checksum where a wrong one was in an ICMPv6 message by GHC."""


@mutant("ghc-udp-checksum-made-up", requirement="RFC7400-3.1-01", kinds=ANY)
class UdpChecksum(checksum_made_up(0xD0, ipv6.UDP, 46)):
    """Puts a right checksum where a wrong one was in-line, in UDP by GHC."""
