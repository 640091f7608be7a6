"""Mutants that send GHC (RFC 7400) wrongly: the sender of the variants, with one defect."""

from __future__ import annotations

from collections.abc import Callable

from sixlowpan import ghc
from tests.mutants import BLE, IEEE802154, Node, mutant, step
from tests.variants.ghc import GhcSender, PacksItself


@step
def packs(function: Callable) -> Node:
    """function(data, addresses) -> the bytecode in the place of the right one."""

    class Node(PacksItself):
        def codes(self, data, addresses):
            return function(data, addresses)

    return Node


def rewritten(data: bytes, addresses: bytes, change) -> bytes:
    """The right bytecode with each code octet changed: change(step, its octets) -> octets."""
    code = ghc.compress(data, addresses)
    steps = ghc.steps(code, 0, addresses, len(data), stop=False)
    return b"".join(change(step, code[step.at : step.end]) for step in steps)


@packs("ghc-send-zeros-one-more", "RFC7400-2-03")
def _(data, addresses):
    """Writes 1000nnnn with n for n+1 zeros: every run comes out longer by one."""
    return rewritten(
        data, addresses, lambda s, o: bytes((min(0x8F, o[0] + 1),)) if s.kind == ghc.ZEROS else o
    )


@packs("ghc-send-addresses-swapped", "RFC7400-2-08")
def _(data, addresses):
    """Has the destination in front of the source in its dictionary."""
    return ghc.compress(data, addresses[16:] + addresses[:16])


@packs("ghc-send-length-not-in-distance", "RFC7400-2-06")
def _(data, addresses):
    """Counts a backreference from its end: leaves n out of s = kkk + sa + n."""
    return rewritten(
        data,
        addresses,
        lambda s, o: bytes((o[0] & 0xF8 | (o[0] + s.length) & 7,)) if s.kind == ghc.COPY else o,
    )


@packs("ghc-send-one-extension", "RFC7400-2-05")
def _(data, addresses):
    """Adds 120 to sa once at most, so that nothing farther away is reached."""
    before = []

    def change(step, octets):
        if step.kind != ghc.EXTEND:
            before.clear()
            return octets
        before.append(octets)
        return octets if len(before) == 1 else b""

    return rewritten(data, addresses, change)


@packs(
    "ghc-send-literal-of-any-length", "RFC7400-2-02", kinds=BLE
)  # no frame of IEEE 802.15.4 has room for it
def _(data, addresses):
    """Writes all literals with one code, whose values from 96 on are reserved."""
    return bytes((len(data) & 0x7F,)) + data if len(data) < 256 else ghc.compress(data, addresses)


@packs("ghc-send-data-as-it-is", "RFC7400-3.1-01")
def _(data, addresses):
    """Says GHC in the NHC octet and does not compress."""
    return data


@mutant("ghc-send-fragments-packed-alone", requirement="RFC7400-5-01")
class PackedAlone(GhcSender):
    """Packs each later fragment by itself, as if bytecode could stand behind a FRAGN header."""

    def fragment_packet(self, packet, info):
        payloads = super().fragment_packet(packet, info)
        if info.dst not in self.readers or len(payloads) == 1:
            return payloads
        at, packed = len(packet), []
        for payload in reversed(payloads[1:]):
            at -= len(payload) - 5
            packed.append(payload[:5] + ghc.compress(packet[at : at + len(payload) - 5], packet[8:40]))
        return [payloads[0], *reversed(packed)]


@mutant("ghc-unasked", requirement="RFC7400-3.3-01", kinds=IEEE802154, advice=True)
class Unasked(GhcSender):
    """Sends GHC to everybody."""

    def encode_packet(self, packet, info):
        self.readers.add(info.dst)
        return super().encode_packet(packet, info)
