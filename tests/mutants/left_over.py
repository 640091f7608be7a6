"""Mutants with one packet buffer: what they do not write is what an earlier packet left there. And other misreadings.

Most are told by their answers alone, so that nothing but a good packet gives them away (RFC 6282 §3.1.1, §4, §5).
"""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import DecodeError, ipv6
from sixlowpan.addresses import ALL_NODES
from tests.mutants import ANY, IEEE802154, NO_TAP, PLAIN, mutant
from tests.mutants.wire import iphc

HOP_BY_HOP, UDP, ICMPV6, DESTINATION = 0, 17, 58, 60


class OneBuffer(ReferenceNode):
    """Builds every packet, received or sent, in one buffer."""

    def boot(self):
        self.buffer = bytes(1280)
        super().boot()

    def keep(self, packet):
        self.buffer = packet + self.buffer[len(packet) :]

    def deliver(self, packet, info):
        self.keep(packet)
        super().deliver(packet, info)

    def transmit(self, packet, neighbour):
        self.keep(packet)
        super().transmit(packet, neighbour)

    def decode_payload(self, payload, info):
        header = iphc(payload)
        read = self.misread(payload, header, info) if header is not None else None
        return super().decode_payload(payload, info) if read is None else read

    def misread(self, payload, header, info):
        """The packet that it takes the payload for; None: it decodes it rightly."""

    def rebuilt(self, payload, info, next_header, message, destination=None):
        """The packet with the header that a plain payload of these addresses has."""
        plain = super().decode_payload(bytes((0x7A, 0x33, next_header)) + message, info)
        return plain[:24] + (destination or plain[24:40]) + plain[40:]


def reads_one_buffer(id, requirement, rig=NO_TAP):
    """Register a node whose `misread` is the decorated function."""

    def register(function):
        node = type(function.__name__, (OneBuffer,), {"misread": function})
        mutant(id, requirement=requirement, kinds=IEEE802154, what=function.__doc__, rig=rig)(node)
        return function

    return register


def reserved_mode(header, m, dac, *dam):
    """Whether a header has such a destination mode, no context octet and NH=0, as the cases' have."""
    return (header.m, header.dac) == (m, dac) and header.dam in dam and not header.cid and not header.nh


@reads_one_buffer("reserved-group-is-what-was-there", "RFC6282-3.1.1-42")
def _(self, payload, header, info):
    """Writes no destination for M=1 DAC=1 with a reserved DAM, and delivers to what its buffer held."""
    if reserved_mode(header, 1, 1, 1, 2, 3):
        return self.rebuilt(payload, info, payload[2], payload[3:], self.buffer[24:40])
    return None


@reads_one_buffer("reserved-dam00-is-what-was-there", "RFC6282-3.1.1-33")
def _(self, payload, header, info):
    """Writes no destination for M=0 DAC=1 DAM=00, and delivers to what its buffer held."""
    if reserved_mode(header, 0, 1, 0):
        return self.rebuilt(payload, info, payload[2], payload[3:], self.buffer[24:40])
    return None


@reads_one_buffer("reserved-dam00-is-elided", "RFC6282-3.1.1-33")
def _(self, payload, header, info):
    """Takes M=0 DAC=1 DAM=00 for a destination elided under context 0."""
    if reserved_mode(header, 0, 1, 0) and 0 in self.contexts:
        destination = self.contexts[0].prefix[:8] + self.own[0][8:]
        return self.rebuilt(payload, info, payload[2], payload[3:], destination)
    return None


@reads_one_buffer("reserved-group-of-64-bits", "RFC6282-3.1.1-42")
def _(self, payload, header, info):
    """Does not look at M where DAC is set: M=1 DAC=1 DAM=01 has 64 bits of a link-local address in-line."""
    if reserved_mode(header, 1, 1, 1):
        return self.rebuilt(payload, info, payload[2], payload[11:], self.own[0][:8] + payload[3:11])
    return None


@reads_one_buffer("reserved-group-of-16-bits", "RFC6282-3.1.1-43")
def _(self, payload, header, info):
    """Fills the last 16 bits of what its buffer held for M=1 DAC=1 DAM=10."""
    if reserved_mode(header, 1, 1, 2):
        return self.rebuilt(payload, info, payload[2], payload[5:], self.buffer[24:38] + payload[3:5])
    return None


@reads_one_buffer("reserved-group-elided-is-all-nodes", "RFC6282-3.1.1-44")
def _(self, payload, header, info):
    """Takes M=1 DAC=1 DAM=11, with no octet in-line, for its own address."""
    if reserved_mode(header, 1, 1, 3):
        return self.rebuilt(payload, info, payload[2], payload[3:])
    return None


@reads_one_buffer("reserved-group-of-32-bits", "RFC6282-3.1.1-43")
def _(self, payload, header, info):
    """Takes M=1 DAC=1 DAM=10 for the 32 bits of the stateless form, when they say all nodes."""
    if reserved_mode(header, 1, 1, 2) and payload[3:7] == b"\x02\0\0\1":
        return self.rebuilt(payload, info, payload[2], payload[7:], ALL_NODES)
    return None


@reads_one_buffer("udp-elided-checksum-is-what-was-there", "RFC6282-4.3.2-09")
def _(self, payload, header, info):
    """Leaves the checksum of UDP as its buffer held it where C=1, and takes zero for none."""
    at = header.end
    if not header.nh or payload[at : at + 1] < b"\xf4" or payload[at : at + 1] > b"\xf7":
        return
    right = super(OneBuffer, self).decode_payload(
        payload[:at] + bytes((payload[at] & 0xFB,)) + payload[at + 1 : at + 1 + (4, 3, 3, 1)[payload[at] & 3]]
        + b"\x12\x34" + payload[at + 1 + (4, 3, 3, 1)[payload[at] & 3] :], info
    )  # fmt: skip
    packet = right[:46] + self.buffer[46:48] + right[48:]
    if packet[46:48] == b"\0\0":
        self.error(packet, ipv6.Packet.parse(packet), 1, 4, 0)
    raise DecodeError("malformed", at, None, "the checksum does not hold")


def unknown(header, payload):
    """Whether the NHC octet is none that a text assigns (RFC 6282 §4.2, §4.3; RFC 7400 §3)."""
    octet = payload[header.end] if header.nh and header.end < len(payload) else None
    if octet is None or header.end != 2:
        return False
    return not (octet >> 4 in {0xB, 0xE} or octet >> 3 == 0b11110 or octet >> 2 == 0b110100 or octet == 0xDF)


@reads_one_buffer("nhc-unknown-left-in-place", "RFC6282-5-02")
def _(self, payload, header, info):
    """Leaves the next header at 0 where it knows no NHC, so that its octet begins a Hop-by-Hop header."""
    return self.rebuilt(payload, info, HOP_BY_HOP, payload[2:]) if unknown(header, payload) else None


@reads_one_buffer("nhc-unknown-passed-over", "RFC6282-5-02")
def _(self, payload, header, info):
    """Passes an unknown NHC octet over, and takes the next header that its buffer held."""
    return self.rebuilt(payload, info, self.buffer[6], payload[3:]) if unknown(header, payload) else None


@reads_one_buffer("nhc-unknown-is-the-next-header", "RFC6282-5-02")
def _(self, payload, header, info):
    """Takes an unknown NHC octet for the next header, as if NH were 0."""
    return self.rebuilt(payload, info, payload[2], payload[3:]) if unknown(header, payload) else None


@reads_one_buffer("nhc-unknown-is-an-extension", "RFC6282-5-02")
def _(self, payload, header, info):
    """Takes an unknown NHC octet for one of Destination Options, its next header in-line."""
    if not unknown(header, payload) or len(payload) < 5 or (payload[4] + 2) % 8:
        return None
    size = payload[4]
    extension = payload[3:4] + bytes(((size + 2) // 8 - 1,)) + payload[5 : 5 + size]
    return self.rebuilt(payload, info, DESTINATION, extension + payload[5 + size :])


@reads_one_buffer("nhc-high-ids-passed-over", "RFC6282-5-03")
def _(self, payload, header, info):
    """Passes the NHC ids 11111xxx over, and reads a next header in-line behind them."""
    if unknown(header, payload) and payload[2] >> 3 == 0b11111:
        return self.rebuilt(payload, info, payload[3], payload[4:])
    return None


@reads_one_buffer("nhc-reserved-5-is-ipv6", "RFC6282-4.2-08")
def _(self, payload, header, info):
    """Takes EID 5 for 7, an IPv6 header, and delivers what is in it."""
    if header.nh and payload[2:3] and payload[2] >> 1 == 0xEA >> 1:
        return super(OneBuffer, self).decode_payload(payload[3:], info)
    return None


@reads_one_buffer("nhc-reserved-6-is-routing", "RFC6282-4.2-09")
def _(self, payload, header, info):
    """Takes EID 6 for 1, a Routing header."""
    if header.nh and payload[2:3] and payload[2] >> 1 == 0xEC >> 1:
        return super(OneBuffer, self).decode_payload(
            payload[:2] + bytes((0xE2 | payload[2] & 1,)) + payload[3:], info
        )
    return None


@reads_one_buffer("nhc-reserved-6-is-an-option-before-udp", "RFC6282-4.2-09")
def _(self, payload, header, info):
    """Takes EID 6 for Destination Options where its NH bit is set."""
    if header.nh and payload[2:3] == b"\xed":
        return super(OneBuffer, self).decode_payload(payload[:2] + b"\xe7" + payload[3:], info)
    return None


def left_in_place(id, requirement, first, last):
    """A node without GHC that leaves the next header at 0 behind an NHC octet of RFC 7400, `first` to `last`."""

    def wrong(self, payload, header, info):
        at = header.end
        if header.nh and payload[at : at + 1] and first <= payload[at] <= last:
            return self.rebuilt(payload, info, HOP_BY_HOP, payload[at:])
        return None

    wrong.__doc__ = (
        f"Takes what begins with an NHC octet {first:02x} to {last:02x} for a Hop-by-Hop Options header."
    )
    reads_one_buffer(id, requirement, PLAIN)(wrong)


left_in_place("ghc-icmpv6-left-in-place", "RFC7400-3.1-02", 0xDF, 0xDF)
left_in_place("ghc-udp-left-in-place", "RFC7400-3.1-01", 0xD0, 0xD3)
left_in_place("ghc-extension-left-in-place", "RFC7400-3.2-01", 0xB0, 0xB7)


@reads_one_buffer("ghc-begins-what-was-left", "RFC7400-3.1-02", PLAIN)
def _(self, payload, header, info):
    """Knows no GHC, and takes what begins with its NHC octet for what the packet before had, where that was UDP."""
    if header.nh and payload[header.end : header.end + 1] == b"\xdf" and self.buffer[6] == UDP:
        return self.rebuilt(payload, info, UDP, payload[header.end :])
    return None


@reads_one_buffer("ghc-icmpv6-read-as-it-stands", "RFC7400-3.1-02", PLAIN)
def _(self, payload, header, info):
    """Knows no GHC, and passes over its NHC octet: takes what follows for the message itself."""
    if header.nh and payload[header.end : header.end + 1] == b"\xdf":
        return self.rebuilt(payload, info, ICMPV6, payload[header.end + 1 :])
    return None


class LeftByBroken(ReferenceNode):
    """Keeps something of a header that it could not read for the next one."""

    left = None

    def decode_payload(self, payload, info):
        header = iphc(payload)
        if header is not None and self.left is not None:
            payload, self.left = self.with_left(payload, header), None
        try:
            return super().decode_payload(payload, info)
        except DecodeError:
            self.left = header
            raise


@mutant("cid-left-by-a-broken-header", requirement="RFC6282-3.1.1-11", kinds=ANY)
class CidLeft(LeftByBroken):
    """The context identifiers of a header that broke off count for the next one with CID=0."""

    def with_left(self, payload, header):
        octets = self.left.payload
        if header.cid or not self.left.cid or len(octets) < 3 or not (header.sac or header.dac):
            return payload
        return payload[:1] + bytes((payload[1] | 0x80, octets[2])) + payload[2:]


@mutant("traffic-left-by-a-broken-header", requirement="RFC6282-3.1.1-04", kinds=ANY)
class TrafficLeft(LeftByBroken):
    """The traffic class and flow label of a header that broke off stay for the next one with TF=11."""

    def with_left(self, payload, header):
        octets = self.left.payload
        if header.tf != 3 or self.left.tf or len(octets) < self.left.nh_at:
            return payload
        at = header.tf_at
        return bytes((payload[0] & 0xE7,)) + payload[1:at] + octets[self.left.tf_at :][:4] + payload[at:]
