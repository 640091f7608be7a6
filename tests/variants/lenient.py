"""Conforming receivers that make something of what no text defines, and others that look at things late.

RFC 6282 §3.1.2 has "actions in response to unknown and/or invalid contexts ... out of scope", its reserved values and
those of RFC 7400 §2 have no meaning, and RFC 4944 §5.3 does not say when a receiver decompresses or looks at its timer.
"""

from __future__ import annotations

from sixlowpan import Context, Contexts, DecodeError, Reassembler, codec, ipv6
from tests.mutants.ghc_codes import Reading, bytecode
from tests.mutants.wire import iphc
from tests.variants import ANY, ReferenceNode, variant
from tests.variants.receiving import reassembling

_ZERO = Context(bytes(16), 64)


def filled(contexts: Contexts) -> Contexts:
    """These contexts, and ::/64 for each that is not known."""
    return Contexts({identifier: contexts.get(identifier, _ZERO) for identifier in range(16)})


@variant("unknown-contexts-are-zero", rigs=ANY, strict=False)
class UnknownAreZero(ReferenceNode):
    """Takes a context that it does not know for ::/64: RFC 6282 §3.1.2, "out of scope of this document"."""

    def understand(self, payload, info):
        known, self.contexts = self.contexts, filled(self.contexts)
        try:
            return super().understand(payload, info)
        finally:
            self.contexts = known


@variant("reserved-address-modes-read", rigs=ANY, strict=False)
class ReservedRead(ReferenceNode):
    """Reads reserved address modes as those with DAC=0: RFC 6282 §3.1.1 calls them reserved, and says no more."""

    def decode_payload(self, payload, info):
        if len(payload) > 1 and payload[0] >> 5 == 3 and payload[1] & 15 in {4, 13, 14, 15}:
            payload = payload[:1] + bytes((payload[1] & ~4,)) + payload[2:]
        return super().decode_payload(payload, info)


@variant("reserved-eids-read", rigs=ANY, strict=False)
class ReservedEidsRead(ReferenceNode):
    """Takes EIDs 5 and 6 for Destination Options: RFC 6282 §4.2 calls them reserved, and says no more."""

    def decode_payload(self, payload, info):
        header = iphc(payload)
        if header is not None and header.nhc & 0xFE in {0xEA, 0xEC}:
            octet = bytes((0xE6 | header.nhc & 1,))
            payload = payload[: header.end] + octet + payload[header.end + 1 :]
        return super().decode_payload(payload, info)


class Skipping(Reading):
    """Passes reserved codes over."""

    def step(self, data, at):
        reserved = 0x60 <= data[at] < 0x80 or 0x91 <= data[at] < 0xA0
        return (b"", at + 1) if reserved else super().step(data, at)


@variant("ghc-reserved-codes-skipped", rigs=ANY, strict=False)
class ReservedCodesSkipped(bytecode.make(Skipping)):
    """Passes over reserved codes of GHC: RFC 7400 §2 reserves 011xxxxx and 1001nnnn, and says no more."""


@variant("whole-frame-behind-0x41", strict=False)
class WholeFrame(ReferenceNode):
    """Drops what is not as long as its Payload Length says, behind 0x41: no text gives 6LoWPAN frames a padding."""

    def decode_payload(self, payload, info):
        if payload[:1] == b"\x41" and len(payload) != 41 + int.from_bytes(payload[5:7]):
            raise DecodeError("malformed", 5, None, "another length")
        return super().decode_payload(payload, info)


class WhenComplete(Reassembler):
    """Keeps a FRAG1 as it came, and decompresses it when the datagram is complete."""

    def __init__(self, **told):
        super().__init__(**told)
        self.firsts = {}

    def _fragment(self, payload, at, kind, link, contexts, now, name):
        self.known, before = contexts, dict(self.firsts)
        if kind == "FRAG1":
            size, tag = int.from_bytes(payload[at : at + 2]) & 0x7FF, int.from_bytes(payload[at + 2 : at + 4])
            self.firsts[link.src, link.dst, size, tag] = payload[at + 4 :], link
        try:
            return super()._fragment(payload, at, kind, link, filled(contexts), now, name)
        except DecodeError:
            self.firsts = before
            raise

    def _complete(self, key, datagram, at):
        packet = super()._complete(key, datagram, at)
        if packet is None:
            return None
        payload, link = self.firsts.pop(key)
        first = codec.first_part(payload, 0, link, self.known, key[2]).octets
        return first + packet[len(first) :]


@variant("decompresses-when-complete")
class DecompressesLate(reassembling(lambda: WhenComplete(max_datagrams=4))):
    """Decompresses a datagram when all of it is there, by the contexts of then: RFC 4944 §5.3 names no moment."""


class Lazy(Reassembler):
    """Looks at its timers when a fragment comes, and not before."""

    def expire(self, now):
        return super().expire(now) if self.looking else []

    looking = False

    def _fragment(self, *told):
        self.looking = True
        self.expire(told[-2])
        self.looking = False
        return super()._fragment(*told)


@variant("timer-looked-at-with-fragments", without=["counters"])
class LooksLate(reassembling(lambda: Lazy(max_datagrams=4))):
    """Frees what has timed out when the next fragment comes: RFC 4944 §5.3, "flushed", as far as anybody can see."""


class TwoSizes(Reassembler):
    """One place for a large datagram and three for small ones, kept by whoever has them."""

    def _place(self, key, begin, end, now):
        large = key[2] > 200
        if key not in self._datagrams and sum((k[2] > 200) == large for k in self._datagrams) >= (
            1 if large else 3
        ):
            return None
        return super()._place(key, begin, end, now)


@variant("places-of-two-sizes", parameters={"reassembly_slots": 1, "reassembly_timeout": "5s"})
class PlacesOfTwoSizes(reassembling(lambda: TwoSizes(5.0, 4))):
    """One place for datagrams of more than 200 octets and three for others, for 5 s: §5.3 asks for no number."""


@variant("last-context-that-fits", rigs=ANY)
class LastContext(ReferenceNode):
    """Compresses with the last context that covers an address, where several do: RFC 6282 §3.1.2 leaves the choice."""

    def encode_packet(self, packet, info):
        known = left = self.contexts
        best = super().encode_packet(packet, info)
        for identifier in known:
            self.contexts = left.without(identifier)
            form = super().encode_packet(packet, info)
            if len(form) <= len(best) + 1:  # a CID octet more, in place of context 0
                best, left = form, self.contexts
        self.contexts = known
        return best


@variant("pings-with-octets-of-its-own", rigs=ANY)
class OwnOctets(ReferenceNode):
    """Pings with a stamp and other octets that look like headers: RFC 4443 §4.1, "arbitrary data"."""

    def ping(self, destination, size, identifier, sequence):
        self.now = self.link.now()
        source = self.source_for(destination)
        data = (bytes.fromhex("41600000000000113ac00500017b33f0") * (size // 16 + 1))[:size]
        self.output(ipv6.echo_request(source, destination, identifier, sequence, data))


@variant("reports-from-the-unspecified-address")
class ReportsFromUnspecified(ReferenceNode):
    """Reports its groups from :: as well, as one whose address is tentative: RFC 3810 §5.2.13."""

    def send_report(self, group):
        own = self.own
        self.own = [bytes(16)]
        super().send_report(group)
        self.own = own
        super().send_report(group)


@variant("advertises-itself-without-override", strict=False)
class WithoutOverride(ReferenceNode):
    """Leaves the O flag out of solicited advertisements: RFC 4861 §7.2.4, "SHOULD be set to one"."""

    def advertise_itself(self, target, destination, flags):
        super().advertise_itself(target, destination, flags & ~0x20)
