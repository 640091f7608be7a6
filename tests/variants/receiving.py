"""Conforming receivers: other rooms and timers for reassembly, and other ways with what no text tells them to take."""

from __future__ import annotations

from sixlowpan import NO_CONTEXTS, DecodeError, Reassembler, decode
from sixlowpan.addresses import BROADCAST
from tests.mutants.ipv6_reassembly import ReassemblesIpv6
from tests.mutants.wire import iphc
from tests.variants import ANY, ReferenceNode, variant

FRAG1, FRAGN = 0b11000, 0b11100


class RefusingReassembler(Reassembler):
    """Keeps what it has begun: the newest datagram finds no room."""

    def _place(self, key, begin, end, now):
        if key not in self._datagrams and len(self._datagrams) >= self.max_datagrams:
            return None
        return super()._place(key, begin, end, now)


class WholeDiscard(Reassembler):
    """An overlap discards all, with the fragment that made it."""

    def _place(self, key, begin, end, now):
        datagram = self._datagrams.get(key)
        if datagram is not None and datagram.pieces.get(begin) != end:
            others = datagram.pieces.items()
            if any(begin < other_end and other < end for other, other_end in others):
                del self._datagrams[key]
                return None
        return super()._place(key, begin, end, now)


class Overwriting(Reassembler):
    """An exact duplicate takes the place of what was there."""

    def _place(self, key, begin, end, now):
        datagram = self._datagrams.get(key)
        if datagram is not None and datagram.pieces.get(begin) == end:
            return datagram
        return super()._place(key, begin, end, now)

    def _complete(self, key, datagram, at):
        datagram.received = sum(end - begin for begin, end in datagram.pieces.items())
        return super()._complete(key, datagram, at)


class Lenient(Reassembler):
    """An overlap with equal octets is taken (RFC 8930 §7)."""

    def _fragment(self, payload, at, kind, link, contexts, now, name):
        self.arriving = payload[at + 5 :] if kind == "FRAGN" else None
        return super()._fragment(payload, at, kind, link, contexts, now, name)

    def _place(self, key, begin, end, now):
        datagram = self._datagrams.get(key)
        if datagram is not None and self.arriving is not None and datagram.pieces.get(begin) != end:
            touched = [(b, e) for b, e in datagram.pieces.items() if begin < e and b < end]
            same = all(
                datagram.buffer[max(b, begin) : min(e, end)]
                == self.arriving[max(b, begin) - begin : min(e, end) - begin]
                for b, e in touched
            )
            if touched and same:
                covered = all(any(b <= at < e for b, e in touched) for at in range(begin, end))
                if covered:
                    return None
                for b, _ in touched:
                    del datagram.pieces[b]
                low, high = min(begin, *(b for b, _ in touched)), max(end, *(e for _, e in touched))
                datagram.pieces[low] = high
                datagram.received += (high - low) - sum(e - b for b, e in touched)
                return datagram
        return super()._place(key, begin, end, now)


class Touchy(Reassembler):
    """A fragment that cannot be discards the datagram that it claims to be of."""

    def _fragment(self, payload, at, kind, link, contexts, now, name):
        try:
            return super()._fragment(payload, at, kind, link, contexts, now, name)
        except DecodeError:
            size, tag = int.from_bytes(payload[at : at + 2]) & 0x7FF, int.from_bytes(payload[at + 2 : at + 4])
            self._datagrams.pop((link.src, link.dst, size, tag), None)
            raise


def reassembling(make):
    class Reassembling(ReferenceNode):
        def make_reassembler(self):
            return make()

    return Reassembling


@variant("one-place", parameters={"reassembly_slots": 1})
class OnePlace(reassembling(lambda: Reassembler(max_datagrams=1))):
    """One place for reassembly, which the newest datagram takes; RFC 4944 §5.3 asks for no number."""


@variant("one-place-kept-5s", parameters={"reassembly_slots": 1, "reassembly_timeout": "5s"})
class OnePlaceKept5(reassembling(lambda: RefusingReassembler(5.0, 1))):
    """One place, kept by whoever has it for 5 s (§5.3: 60 s at most)."""


class KeepsReserved(RefusingReassembler):
    """Keeps what has a reserved dispatch above 11000000 like a fragment, and makes nothing of it."""

    def receive(self, payload, link, contexts=NO_CONTEXTS, now=0.0, name=None):
        if len(payload) < 4 or payload[0] < 0xC0 or payload[0] >> 3 in {FRAG1, FRAGN}:
            return super().receive(payload, link, contexts, now, name)
        self.expire(now)
        size, tag = int.from_bytes(payload[:2]) & 0x7FF, int.from_bytes(payload[2:4])
        self._place((link.src, link.dst, size, tag), 0, 8, now)
        return None


@variant(
    "one-place-kept-by-reserved",
    parameters={
        **{"reassembly_slots": 1, "reassembly_timeout": "5s"},
        "features": ["hc1", "mesh", "broadcast", "ghc"],
    },
)
class OnePlaceKeptByReserved(reassembling(lambda: KeepsReserved(5.0, 1))):
    """One place, which reserved dispatch values take as well: RFC 4944 §5.1 does not state what a receiver does.

    1111xxxx is among them for who knows no pages (RFC 8025).
    """


@variant("one-place-kept-60s", parameters={"reassembly_slots": 1, "reassembly_timeout": "60s"})
class OnePlaceKept60(reassembling(lambda: RefusingReassembler(60.0, 1))):
    """One place, kept by whoever has it for 60 s."""


@variant("one-place-kept-60s-no-tap", parameters={"reassembly_slots": 1}, without=["ip_tap"])
class OnePlaceKept60NoTap(reassembling(lambda: RefusingReassembler(60.0, 1))):
    """The same, without a tap."""


@variant("two-places-kept-8s", parameters={"reassembly_slots": 2, "reassembly_timeout": "8s"})
class TwoPlacesKept8(reassembling(lambda: RefusingReassembler(8.0, 2))):
    """Two places, kept for 8 s."""


class KeepsRefused(RefusingReassembler):
    """Keeps a place for each frame that begins like a fragment, what it makes nothing of as well."""

    def receive(self, payload, link, contexts=NO_CONTEXTS, now=0.0, name=None):
        try:
            return super().receive(payload, link, contexts, now, name)
        except DecodeError:
            if payload[:1] >= b"\xc0":
                self._place((link.src, link.dst, payload[:2], payload[2:4]), 0, 8, now)
            raise


@variant(
    "two-places-kept-by-refused",
    parameters={"reassembly_slots": 2, "reassembly_timeout": "500ms"},
    without=["ip_tap"],
)
class TwoPlacesKeptByRefused(reassembling(lambda: KeepsRefused(0.5, 2))):
    """Two places, kept for half a second by whatever begins like a fragment."""


@variant("two-places-kept-undeclared", parameters={"reassembly_slots": None, "reassembly_timeout": None})
class TwoPlacesUndeclared(reassembling(lambda: RefusingReassembler(20.0, 2))):
    """Two places, kept for 20 s, and a profile that says nothing of it."""


@variant("four-places-kept-60s")
class FourPlacesKept(reassembling(lambda: RefusingReassembler(60.0, 4))):
    """Four places, kept for 60 s."""


@variant(
    "newest-in-one-place-undeclared",
    without=["ip_tap"],
    parameters={"reassembly_slots": None, "reassembly_timeout": None},
)
class NewestInOnePlace(reassembling(lambda: Reassembler(60.0, 1))):
    """One place, in which a later datagram takes that of an earlier one, and a profile that says nothing of it."""


@variant("many-places", parameters={"reassembly_slots": 32})
class ManyPlaces(reassembling(lambda: Reassembler(max_datagrams=32))):
    """32 places."""


@variant("timer-3s", parameters={"reassembly_timeout": "3s"})
class Timer3(reassembling(lambda: Reassembler(3.0, 4))):
    """Gives up after 3 s: §5.3 sets only a maximum."""


@variant("timer-1s-undeclared", parameters={"reassembly_timeout": None})
class Timer1(reassembling(lambda: Reassembler(1.0, 4))):
    """Gives up after 1 s, and the profile does not say so."""


@variant("timer-60s-undeclared", parameters={"reassembly_timeout": None})
class Timer60(reassembling(lambda: Reassembler(60.0, 4))):
    """Gives up after 60 s, and the profile does not say so: how long it waits is measured, which takes a minute."""


@variant("discards-whole-on-overlap")
class DiscardsWhole(reassembling(lambda: WholeDiscard(max_datagrams=4))):
    """An overlap discards what was there and the fragment too: §5.3, "A fresh reassembly may be commenced"."""


@variant("takes-the-last-duplicate")
class TakesTheLast(reassembling(lambda: Overwriting(max_datagrams=4))):
    """An exact duplicate overwrites what came before; §5.3 says nothing of its octets."""


@variant("takes-equal-overlaps", strict=False)
class TakesEqual(reassembling(lambda: Lenient(max_datagrams=4))):
    """Takes an overlap whose octets are the same, as RFC 8930 §7 has it; §5.3 discards, which is advice here."""


@variant("touchy-reassembly")
class TouchyNode(reassembling(lambda: Touchy(max_datagrams=4))):
    """A fragment that cannot be ends its datagram; RFC 4944 §5.3 says nothing of those."""


@variant("nothing-above-1280")
class NothingAbove1280(ReferenceNode):
    """Refuses a datagram_size above the MTU: RFC 4944 §4, RFC 8200 §5 oblige it to no more than 1280."""

    def reassemble(self, payload, info):
        at = next((i for i in range(min(len(payload), 30)) if payload[i] >> 3 in {FRAG1, FRAGN}), None)
        if at == 0 and int.from_bytes(payload[:2]) & 0x7FF > 1280:
            raise DecodeError("unsupported", 0, None, "no room")
        return super().reassemble(payload, info)


@variant("strict-link-match")
class StrictLinkMatch(ReferenceNode):
    """Takes unicast packets from unicast frames and multicast ones from broadcast frames only (RFC 1122 §3.3.6)."""

    def deliver(self, packet, info):
        if (packet[24] == 0xFF) != (info.dst == BROADCAST) and info.dst != b"":
            return
        super().deliver(packet, info)


@variant("trims-padding")
class TrimsPadding(ReferenceNode):
    """Behind 0x41 it takes a packet by its Payload Length, and what is behind that for padding."""

    def decode_payload(self, payload, info):
        if payload[:1] == b"\x41" and len(payload) >= 41:
            length = int.from_bytes(payload[5:7])
            payload = payload[: 41 + length]
        return super().decode_payload(payload, info)


@variant("no-elided-udp-checksum")
class NoElidedChecksum(ReferenceNode):
    """Drops UDP whose checksum is elided: RFC 6282 §4.3.2, nothing authorised it here."""

    def decode_payload(self, payload, info):
        header = iphc(payload)
        if (
            header is not None
            and header.nh
            and payload[header.end : header.end + 1]
            and payload[header.end] >> 3 == 0b11110
            and payload[header.end] & 4
        ):
            raise DecodeError("unsupported", header.end, None, "C=1")
        return decode(payload, info, self.contexts)


@variant("no-broadcast-pan")
class OwnPanOnly(ReferenceNode):
    """Hears frames of version 0 and 1 only, as a radio of 2006 does."""

    def accepts(self, header):
        return header.version < 2 and super().accepts(header)


@variant("parameter-problems-unsent", rigs=ANY, strict=False)
class NoParameterProblem(ReferenceNode):
    """Drops what it does not know without a Parameter Problem: RFC 4443 §3.4, "SHOULD"."""

    def error(self, packet, view, kind, code, word):
        if kind != 4:
            super().error(packet, view, kind, code, word)


@variant("lossy-5", rig={"attempts": 3, "air": {"loss": 0.05, "seed": 3}})
class Lossy5(ReferenceNode):
    """A medium that loses 5 % of the frames; the rig file says attempts = 3."""


@variant("lossy-2", rig={"attempts": 5, "air": {"loss": 0.02, "seed": 4}})
class Lossy2(ReferenceNode):
    """A medium that loses 2 % of the frames; the rig file says attempts = 5."""


@variant(
    "lossy-2-no-tap",
    without=["ip_tap"],
    rig={"attempts": 5, "air": {"loss": 0.02, "seed": 5}},
)
class Lossy2NoTap(ReferenceNode):
    """The same, without a tap."""


@variant("takes-ipv6-fragments", rigs=ANY)
class TakesIpv6Fragments(ReassemblesIpv6):
    """Puts IPv6 fragments together, as every IPv6 node must up to 1500 octets (RFC 8200 §5)."""


@variant("fragment-nhc-octet-is-reserved", rigs=ANY)
class FragmentOctetAsItIs(ReferenceNode):
    """Takes the octet behind a compressed fragment header's next header for its Reserved octet (RFC 6282 §4.2)."""

    def decode_payload(self, payload, info):
        packet = bytearray(super().decode_payload(payload, info))
        h = iphc(payload)
        if h is not None and h.nhc & 0xFE == 0xE4:
            packet[41] = payload[h.end + 1 + (not h.nhc & 1)]
        return bytes(packet)
