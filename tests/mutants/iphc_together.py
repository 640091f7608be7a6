"""Mutants that read a field of IPHC wrongly only beside certain forms of other fields, or in one value."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import Context, Contexts
from tests.mutants import ANY, mutant, reads, rewrites
from tests.mutants.wire import set_traffic_class, traffic_class


@rewrites("hlim-inline-beside-tf01-and-cid", requirement="RFC6282-3.1.1-07")
def _(node, packet, h, info):
    """Reads the hop limit one too small where TF=01 and a context octet stand in front of it."""
    if h.tf == 1 and h.cid and not h.hlim and packet[7]:
        packet[7] -= 1


@rewrites("sam10-beside-tf00-and-nhc", requirement="RFC6282-3.1.1-17")
def _(node, packet, h, info):
    """Swaps the 16 bits of a source behind TF=00 and in front of an NHC octet."""
    if h.tf == 0 and h.nh and not h.sac and h.sam == 2:
        packet[22:24] = packet[23:24] + packet[22:23]


@rewrites("dam01-beside-sam00", requirement="RFC6282-3.1.1-30")
def _(node, packet, h, info):
    """Flips the U/L bit of an in-line destination behind a source of 128 bits."""
    if not h.sac and h.sam == 0 and not h.m and not h.dac and h.dam == 1:
        packet[32] ^= 2


@rewrites("group-32-beside-sam00", requirement="RFC6282-3.1.1-39")
def _(node, packet, h, info):
    """Loses the first octet of a 32-bit group behind a source of 128 bits."""
    if not h.sac and h.sam == 0 and h.m and not h.dac and h.dam == 2:
        packet[37] = 0


@rewrites("group-48-beside-unspecified", requirement="RFC6282-3.1.1-38")
def _(node, packet, h, info):
    """Loses the first octet of a 48-bit group behind the unspecified source."""
    if h.sac and h.sam == 0 and h.m and not h.dac and h.dam == 1:
        packet[35] = 0


@rewrites("dac10-beside-sac10", requirement="RFC6282-3.1.1-35")
def _(node, packet, h, info):
    """Takes the 16 bits of the source for the destination's, too, where both are stateful."""
    if h.sac and h.sam == 2 and h.dac and not h.m and h.dam == 2:
        packet[38:40] = packet[22:24]


@rewrites("sci-equal-dci", requirement="RFC6282-3.1.2-02")
def _(node, packet, h, info):
    """Takes context 0 for both addresses where SCI and DCI are the same."""
    if h.cid and h.sac and h.sam and h.dac and not h.m and h.payload[2] >> 4 == h.payload[2] & 15:
        context = node.contexts.get(0)
        if context is not None:
            packet[8:16] = packet[24:32] = context.prefix[:8]


@rewrites("flow-label-top-bit", requirement="RFC6282-3.1.1-02")
def _(node, packet, h, info):
    """TF=01: the first bit of the flow label is lost."""
    if h.tf == 1:
        packet[1] &= 0xF7


@rewrites("dscp-of-five-bits", requirement="RFC6282-3.1.1-03")
def _(node, packet, h, info):
    """TF=10: keeps five bits of DSCP."""
    if h.tf == 2:
        set_traffic_class(packet, traffic_class(packet) & 0x7F)


@rewrites("ecn-11-cleared", requirement="RFC6282-3.1.1-03")
def _(node, packet, h, info):
    """Clears ECN where it says that congestion was experienced."""
    if h.tf in {0, 2} and traffic_class(packet) & 3 == 3:
        set_traffic_class(packet, traffic_class(packet) & 0xFC)


@rewrites("context-56-in-line-wins", requirement="RFC6282-3.1.1-24")
def _(node, packet, h, info):
    """SAM=01 under a context shorter than 64 bits: puts ones where neither prefix nor identifier reaches."""
    if h.sac and h.sam == 1:
        sci = h.payload[2] >> 4 if h.cid else 0
        context = node.contexts.get(sci)
        if context is not None and context.length < 64:
            packet[15] |= 1


@rewrites("dac01-long-context", requirement="RFC6282-3.1.1-34")
def _(node, packet, h, info):
    """DAM=01 under a context longer than 64 bits: the in-line identifier wins."""
    if h.dac and not h.m and h.dam == 1:
        packet[32:40] = h.payload[h.dst_at : h.dst_at + 8]


@rewrites("dac11-long-context", requirement="RFC6282-3.1.1-36")
def _(node, packet, h, info):
    """DAM=11 under a context longer than 64 bits: the identifier of the link address wins."""
    if h.dac and not h.m and h.dam == 3 and info.dst_iid:
        packet[32:40] = info.dst_iid


@rewrites("sac11-long-context", requirement="RFC6282-3.1.1-22")
def _(node, packet, h, info):
    """SAM=11 under a context longer than 64 bits: the identifier of the link address wins."""
    if h.sac and h.sam == 3 and info.src_iid:
        packet[16:24] = info.src_iid


@rewrites("rfc3306-prefix-beyond-length", requirement="RFC6282-3.1.1-41")
def _(node, packet, h, info):
    """M=1 DAC=1 under a context shorter than 64 bits: fills the prefix with ones."""
    if h.m and h.dac:
        dci = h.payload[2] & 15 if h.cid else 0
        context = node.contexts.get(dci)
        if context is not None and context.length < 64:
            packet[35] |= 1


@rewrites("rfc3306-long-context", requirement="RFC6282-3.2.4-01")
def _(node, packet, h, info):
    """M=1 DAC=1: prefix length and group id change places in one bit where the context is /64 and RIID is not zero."""
    if h.m and h.dac and packet[26]:
        packet[39] ^= 1


@rewrites("context-changed-prefix-only", requirement="RFC6282-3.1.2-01")
def _(node, packet, h, info):
    """Takes a new prefix of a context, and keeps the length that it had first."""
    lengths = node.__dict__.setdefault("lengths", {})
    for identifier, context in node.contexts.items():
        lengths.setdefault(identifier, context.length)
    if h.sac and h.sam == 1:
        sci = h.payload[2] >> 4 if h.cid else 0
        context = node.contexts.get(sci)
        if context is not None and lengths[sci] != context.length:
            head = bytearray(context.prefix)
            keep = lengths[sci] // 8
            head[keep:] = bytes(16 - keep)
            packet[8:24] = Context(bytes(head), lengths[sci]).address(h.payload[h.src_at : h.src_at + 8])


@reads("options-in-line-nh-udp", requirement="RFC6282-4.2-11")
def _(node, payload, h, info):
    """Takes an in-line next header of 17 behind a compressed extension header for NH=1: plain UDP is read as NHC."""
    if h is not None and h.nhc & 0xF1 == 0xE0 and payload[h.end + 1 : h.end + 2] == b"\x11":
        return payload[: h.end] + bytes((h.nhc | 1,)) + payload[h.end + 2 :]
    return payload


@rewrites("options-pad-of-seven", requirement="RFC6282-4.2-15")
def _(node, packet, h, info):
    """Restores an elided padding of seven octets as six and a Pad1."""
    if h.nhc & 0xF0 == 0xE0 and h.nhc & 0xEE in {0xE0, 0xE6} and len(packet) >= 48:
        end = 40 + 8 * (packet[41] + 1)
        if packet[end - 7 : end - 5] == b"\x01\x05":
            packet[end - 7 : end] = b"\x01\x04" + bytes(5)


@rewrites("options-pad-of-two", requirement="RFC6282-4.2-15")
def _(node, packet, h, info):
    """Restores an elided padding of two octets as 01 02."""
    if h.nhc & 0xEE in {0xE0, 0xE6} and len(packet) >= 48:
        end = 40 + 8 * (packet[41] + 1)
        if packet[end - 2 : end] == b"\x01\0":
            packet[end - 1] = 2


@rewrites("fragment-header-more-bit", requirement="RFC6282-4.2-05")
def _(node, packet, h, info):
    """Clears the M flag of a compressed Fragment header."""
    if h.nhc & 0xFE == 0xE4 and len(packet) > 43:
        packet[43] &= 0xFE


@rewrites("udp-port-of-f0bf", requirement="RFC6282-4.3.3-06")
def _(node, packet, h, info):
    """P=11: takes the nibble 15 for 0."""
    if h.nhc & 0xFB == 0xF3:
        for at in (41, 43):
            packet[at] = packet[at] & 0xF0 if packet[at] & 15 == 15 else packet[at]


@rewrites("udp-p01-above-80", requirement="RFC6282-4.3.3-04")
def _(node, packet, h, info):
    """P=01: takes the octet of a destination port for a signed one."""
    if h.nhc & 0xFB == 0xF1 and packet[43] & 0x80:
        packet[42] = (packet[42] - 1) & 0xFF


@rewrites("udp-p10-above-80", requirement="RFC6282-4.3.3-05")
def _(node, packet, h, info):
    """P=10: takes the octet of a source port for a signed one."""
    if h.nhc & 0xFB == 0xF2 and packet[41] & 0x80:
        packet[40] = (packet[40] - 1) & 0xFF


@rewrites("dam10-of-the-frame-beside-hlim11", requirement="RFC6282-3.1.1-31")
def _(node, packet, h, info):
    """Takes the 16 bits of a destination from the frame, where that has a short address and the hop limit is 255."""
    if h.hlim == 3 and not h.m and not h.dac and h.dam == 2 and len(info.dst) == 2:
        packet[38:40] = info.dst


@rewrites("fragment-header-in-front-of-nhc", requirement="RFC6282-4.2-05")
def _(node, packet, h, info):
    """Loses the first octet of the identification in a fragment header whose next header is elided."""
    if h.nhc == 0b11100101:
        packet[44] = 0


@mutant("context-of-zeros-is-none", requirement="RFC6282-3.1.2-01", kinds=ANY)
class ZerosAreNone(ReferenceNode):
    """Takes a context whose prefix begins with an octet of zeros for an entry that is free."""

    def decode_payload(self, payload, info):
        known = self.contexts
        self.contexts = Contexts({key: known[key] for key in known if known[key].prefix[0]})
        try:
            return super().decode_payload(payload, info)
        finally:
            self.contexts = known
