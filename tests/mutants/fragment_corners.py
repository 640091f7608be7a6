"""Mutants that only an unusual order, an overlap of one unit, or a rare form in the first fragment tells from the node.

Each was missed as long as the suite tried the plain case of the same rule only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import Contexts, encode, fragment_header_n, mesh
from tests.mutants import IEEE802154, Node, mutant, reads, step
from tests.mutants.fragments import CountsDuplicates, reassembly
from tests.mutants.sending_fragments import fragmented
from tests.mutants.sending_misses import encodes
from tests.mutants.wire import Reassembly, iphc

# -- duplicates and overlaps ------------------------------------------------------------------------------------


@reassembly("frag-duplicate-last-counted", "RFC4944-5.3-24")
class DuplicateLastCounted(CountsDuplicates):
    """Counts a duplicate of the last fragment, and believes the datagram to be complete with the next one."""

    def is_counted(self, datagram, end):
        return end == datagram.size


@reassembly("frag-duplicate-last-kills", "RFC4944-5.3-24")
class DuplicateLastKills(Reassembly):
    """Takes a duplicate of the last fragment for an overlap and begins anew."""

    def duplicate(self, datagram, begin, end):
        return end != datagram.size and super().duplicate(datagram, begin, end)


@reassembly("frag-one-octet-first-dropped", "RFC4944-5.3-19")
class OneOctetFirstDropped(Reassembly):
    """Drops a last fragment of one octet that comes before all others."""

    def take(self, key, size, begin, octets, first, now):
        if key not in self.datagrams and not first and len(octets) == 1:
            return None
        return super().take(key, size, begin, octets, first, now)


@reassembly("frag-overlap-one-unit", "RFC4944-5.3-23")
class OverlapOneUnit(Reassembly):
    """Lets fragments overlap by one unit of 8 octets."""

    def overlaps(self, datagram, begin, end):
        return any(begin < e - 8 and b < end - 8 for b, e in datagram.pieces.items())


@reassembly("frag-overlap-behind-unseen", "RFC4944-5.3-23")
class OverlapBehindUnseen(Reassembly):
    """Looks for an overlap with the fragment before a new one only."""

    def overlaps(self, datagram, begin, end):
        return any(b <= begin < e for b, e in datagram.pieces.items())


@reassembly("frag-first-ends-with-its-frame", "RFC4944-5.3-21")
class FirstEndsWithItsFrame(Reassembly):
    """Sees an overlap with a first fragment only where the octets of its frame would reach."""

    def overlaps(self, datagram, begin, end):
        return any(begin < (e if b else e - 32) and b < end for b, e in datagram.pieces.items())

    def complete(self, datagram):
        known = {at for begin, end in datagram.pieces.items() for at in range(begin, end)}
        return datagram.begun and len(known) == datagram.size


@reassembly("frag-first-covers-its-frame", "RFC4944-5.3-23")
class FirstCoversItsFrame(FirstEndsWithItsFrame):
    """Sees an overlap with a first fragment only where the octets of its frame would reach, and counts octets."""

    def complete(self, datagram):
        return datagram.begun and datagram.counted >= datagram.size


@reassembly("frag-first-covers-its-frame-old-memory", "RFC4944-5.3-23")
class OldMemory(FirstCoversItsFrame):
    """The same in memory that nobody zeroes: a hole has what the last datagram left, or what was there at first."""

    def __init__(self):
        super().__init__()
        self.old = bytes(range(1, 256)) * 9

    def buffer(self, size):
        return bytearray(self.old[:size])

    def packet(self, datagram):
        self.old = bytes(datagram.buffer) + self.old[len(datagram.buffer) :]
        return super().packet(datagram)


@reassembly("frag-joined-by-offset", "RFC4944-5.3-20")
class JoinedByOffset(Reassembly):
    """Joins what came in the order of its offsets, wherever it lies, when the last fragment is in its place."""

    def acceptable(self, begin, octets, size, first):
        return first or begin > 0

    def place(self, datagram, begin, octets):
        datagram.pieces[begin] = begin + len(octets)
        datagram.arrived.append((begin, octets))

    def complete(self, datagram):
        return super().complete(datagram) and datagram.size in datagram.pieces.values()

    def packet(self, datagram):
        return b"".join(octets for _, octets in sorted(datagram.arrived))


@reassembly("frag-overlap-drops-all", "RFC4944-5.3-18")
class OverlapDropsAll(Reassembly):
    """Drops every datagram under way for an overlap in one of them."""

    def overlaps(self, datagram, begin, end):
        found = super().overlaps(datagram, begin, end)
        if found:
            self.datagrams.clear()
        return found


@reassembly("frag-timeout-of-one-flushes-all", "RFC4944-5.3-27")
class TimeoutFlushesAll(Reassembly):
    """Flushes every datagram when the timer of one has run out."""

    def expire(self, now):
        if any(now - datagram.started >= self.timeout for datagram in self.datagrams.values()):
            self.datagrams.clear()


# -- which octets are fragments ---------------------------------------------------------------------------------


def taken_for_a_fragment(id: str, pattern: int, mask: int, requirement: str) -> None:
    """Read a dispatch that has `pattern` under `mask` as that of a fragment."""

    def wrong(node, payload, header, info):
        if payload[:1] and payload[0] & mask == pattern:
            return bytes((payload[0] & 0xE7,)) + payload[1:]
        return payload

    wrong.__doc__ = f"Takes {pattern >> 3:05b}xxx for the dispatch of a fragment."
    reads(id, requirement=requirement, kinds=IEEE802154)(wrong)


taken_for_a_fragment("frag1-11001", 0xC8, 0xF8, "RFC4944-5.1-15")
taken_for_a_fragment("frag1-11010", 0xD0, 0xF8, "RFC4944-5.1-15")
taken_for_a_fragment("fragn-11101", 0xE8, 0xF8, "RFC4944-5.1-17")


# -- what is compressed in the first fragment -------------------------------------------------------------------


@partial(step, kinds=IEEE802154)
def in_first_fragments(function: Callable) -> Node:
    """function(node, octets: bytearray, header: Iphc) changes what the first fragment stands for."""

    class First(Reassembly):
        def __init__(self, node):
            super().__init__()
            self.node = node

        def receive(self, payload, info, contexts, now):
            self.frame, self.info = payload, info
            return super().receive(payload, info, contexts, now)

        def take(self, key, size, begin, octets, first, now):
            at, _ = mesh.unwrap(self.frame, self.info)
            header = iphc(self.frame[at + 4 :]) if first else None
            if header is not None:
                octets = bytearray(octets)
                function(self.node, octets, header)
                octets = bytes(octets)
            return super().take(key, size, begin, octets, first, now)

    class Node(ReferenceNode):
        def make_reassembler(self):
            return First(self)

    return Node


@in_first_fragments("frag1-group-without-riid", "RFC6282-3.2.4-02")
def _(node, octets, header):
    "Loses the RIID of a group under a context in FRAG1."
    if header.m and header.dac:
        octets[26] = 0


@in_first_fragments("frag1-long-context-as-64", "RFC6282-3.1.1-23")
def _(node, octets, header):
    "Takes the 64 bits in-line for the IID in FRAG1, also under a context that reaches into it."
    pair = header.payload[2] if header.cid else 0
    context = node.contexts.get(pair >> 4)
    if header.sac and header.sam == 1 and context is not None and context.length > 64:
        octets[16:24] = header.payload[header.src_at : header.src_at + 8]


@in_first_fragments("frag1-inner-length-of-outer", "RFC6282-4.2-19")
def _(node, octets, header):
    "Gives the inner packet of EID 7 the length of the outer one in FRAG1."
    if header.nhc & 0xFE == 0xEE:
        octets[44:46] = octets[4:6]


@in_first_fragments("frag1-p01-as-4-bits", "RFC6282-4.3.3-04")
def _(node, octets, header):
    "Reads the destination port of P=01 in FRAG1 as one of 0xf0bX."
    if header.nhc & 0xFB == 0xF1:
        octets[43] |= 0xB0


@in_first_fragments("frag1-p10-as-4-bits", "RFC6282-4.3.3-05")
def _(node, octets, header):
    "Reads the source port of P=10 in FRAG1 as one of 0xf0bX."
    if header.nhc & 0xFB == 0xF2:
        octets[41] |= 0xB0


# -- mesh, and what is sent -------------------------------------------------------------------------------------


@mutant("mesh-originator-stays", requirement="RFC4944-5.2-06")
class MeshOriginatorStays(ReferenceNode):
    """Takes the originator of a mesh frame for the source of the frame behind it."""

    kept: bytes = b""

    def understand(self, payload, info):
        if payload[:1] and payload[0] & 0xC0 == 0x80:
            self.kept = mesh.parse(payload, 0).originator
        elif self.kept:
            info, self.kept = info.between(self.kept, info.dst), b""
        return super().understand(payload, info)


@fragmented("send-overlapping", "RFC4944-5.3-16")
def _(node, payloads, packet, info):
    """Each fragment but the first begins with the eight octets before its own."""
    if any(len(payload) > 90 for payload in payloads[1:-1]):  # as long as there is room
        return [*payloads[:-1], _with_eight_before(payloads[-1], packet)]
    return [payloads[0], *(_with_eight_before(payload, packet) for payload in payloads[1:])]


def _with_eight_before(payload: bytes, packet: bytes) -> bytes:
    begin = payload[4] - 1
    return payload[:4] + bytes((begin,)) + packet[begin * 8 : begin * 8 + 8] + payload[5:]


@fragmented("send-empty-behind-a-full-last", "RFC4944-5.3-03")
def _(node, payloads, packet, info):
    """Sends an empty fragment behind a last one that is as long as the one before it."""
    if len(packet) % 8 or len(payloads) < 3 or len(payloads[-1]) != len(payloads[-2]):
        return payloads
    size, tag = int.from_bytes(payloads[0][:2], "big") & 0x7FF, int.from_bytes(payloads[0][2:4], "big")
    return [*payloads, fragment_header_n(size, tag, len(packet) // 8)]


@mutant("sends-by-a-changed-context", requirement="RFC6282-3.1.2-01")
class SendsByAChangedContext(ReferenceNode):
    """Goes on compressing with the first prefix that a context had."""

    def encode_packet(self, packet, info):
        self._ever = {**self.contexts, **getattr(self, "_ever", {})}
        return encode(packet, info, Contexts(self._ever))


@encodes("sends-a-source-beside-a-short-context", requirement="RFC6282-3.1.1-19", kinds=IEEE802154)
def _(node, payload, header, packet, info):
    "Sends 64 bits of every source that a context shorter than 64 bits covers, whatever stands between them."
    return _source_under(node, payload, header, packet, lambda c: c.length < 64 and c.covers(packet[8:24]))


@encodes("sends-a-source-beside-a-long-context", requirement="RFC6282-3.1.1-19", kinds=IEEE802154)
def _(node, payload, header, packet, info):
    "Compares 64 bits of a source with a context that has more."
    return _source_under(
        node, payload, header, packet, lambda c: c.length > 64 and c.prefix[:8] == packet[8:16]
    )


def _source_under(node, payload, header, packet, fits) -> bytes:
    """The payload with SAC=1 SAM=01 under the first context that fits, where its source is in-line as a whole."""
    if header.sac or header.sam:
        return payload
    for identifier, context in node.contexts.usable():
        if fits(context):
            pair = (payload[2] & 0x0F if header.cid else 0) | identifier << 4
            front = payload[header.tf_at : header.src_at]
            second = payload[1] & 0x0F | 0x80 | 0x50
            return payload[:1] + bytes((second, pair)) + front + packet[16:24] + payload[header.dst_at :]
    return payload
