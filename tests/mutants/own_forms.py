"""Mutants that send a form wrongly which a plain answer to a plain echo never takes.

Traffic class and flow label that come back, several hop limits, reports, errors, a checksum that comes to zero.
"""

from __future__ import annotations

from collections.abc import Callable

from rigs.links.memory.link import DUT_SHORT
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan.addresses import BROADCAST
from tests.mutants import ANY, IEEE802154, Node, mutant, step
from tests.mutants.sending_misses import encodes
from tests.mutants.wire import Iphc, iphc

# -- traffic class and flow label -------------------------------------------------------------------------------


class Reflecting(ReferenceNode):
    """A node whose Echo Replies have the traffic class and flow label of the request, rightly as it stands.

    RFC 4443 §4.2 leaves both to the node; Linux takes the traffic class of the request.
    """

    word = b""

    def echo(self, view, message):
        self.word = (6 << 28 | view.traffic_class << 20 | view.flow_label).to_bytes(4, "big")
        super().echo(view, message)

    def transmit(self, packet, neighbour):
        if packet[6] == 58 and packet[40] == 129:
            packet = self.word + packet[4:]
        super().transmit(packet, neighbour)

    def encode_packet(self, packet, info):
        payload = super().encode_packet(packet, info)
        header = iphc(payload)
        return payload if header is None else self.change(payload, header, packet)

    def change(self, payload: bytes, header: Iphc, packet: bytes) -> bytes:
        return payload


@step
def reflects(function: Callable) -> Node:
    """function(payload, header, packet) -> the payload in the place of the right one; the node reflects."""

    class Node(Reflecting):
        def change(self, payload, header, packet):
            return function(payload, header, packet)

    return Node


@reflects("send-tf00-24-bits", "RFC6282-3.1.1-01")
def _(payload, header, packet):
    "Sends TF=00 with three octets: ECN, DSCP and 16 bits of the flow label."
    return payload[: header.tf_at + 1] + payload[header.tf_at + 2 :] if header.tf == 0 else payload


@reflects("send-tf00-not-rotated", "RFC6282-3.2.1-01")
def _(payload, header, packet):
    "Sends the traffic class as it stands."
    if header.tf not in {0, 2}:
        return payload
    value = (packet[0] & 15) << 4 | packet[1] >> 4
    return payload[: header.tf_at] + bytes((value,)) + payload[header.tf_at + 1 :]


@reflects("send-tf01-for-any-class", "RFC6282-3.1.1-02")
def _(payload, header, packet):
    "Sends TF=01 whatever DSCP is: three octets, and DSCP is lost."
    if header.tf:
        return payload
    ecn = payload[header.tf_at] & 0xC0 | payload[header.tf_at + 1] & 0x0F
    return (
        bytes((payload[0] | 0x08,)) + payload[1 : header.tf_at] + bytes((ecn,)) + payload[header.tf_at + 2 :]
    )


@reflects("send-tf10-for-any-label", "RFC6282-3.1.1-03")
def _(payload, header, packet):
    "Sends TF=10 whatever the flow label is."
    if header.tf:
        return payload
    front = bytes((payload[0] | 0x10,)) + payload[1 : header.tf_at + 1]
    return front + payload[header.tf_at + 4 :]


@reflects("send-tf11-ecn-lost", "RFC6282-3.1.1-04")
def _(payload, header, packet):
    "Sends TF=11 where only ECN is not zero."
    only_ecn = header.tf == 2 and not payload[header.tf_at] & 0x3F
    return (
        bytes((payload[0] | 0x18,)) + payload[1 : header.tf_at] + payload[header.tf_at + 1 :]
        if only_ecn
        else payload
    )


# -- headers ----------------------------------------------------------------------------------------------------


def with_hlim(payload: bytes, header: Iphc, hlim: int) -> bytes:
    """The payload with another HLIM, and nothing in-line for it."""
    cut = payload[2 : header.hlim_at] + payload[header.src_at :]
    return bytes((payload[0] & 0xFC | hlim, payload[1])) + cut


@encodes("send-hlim-64-to-short", "RFC6282-3.1.1-09", kinds=IEEE802154)
def _(node, payload, header, packet, info):
    "Sends HLIM=10 to a neighbour with a short address, whatever the hop limit is."
    return with_hlim(payload, header, 2) if len(info.dst) == 2 and info.dst != BROADCAST else payload


@encodes("send-hlim-255-to-short", "RFC6282-3.1.1-10", kinds=IEEE802154)
def _(node, payload, header, packet, info):
    "Sends HLIM=11 to a neighbour with a short address where the hop limit is in-line."
    short = len(info.dst) == 2 and info.dst != BROADCAST
    return with_hlim(payload, header, 3) if short and header.hlim == 0 else payload


@encodes("send-hlim-inline-63", "RFC6282-3.1.1-09", kinds=ANY)
def _(node, payload, header, packet, info):
    "Sends HLIM=10 for a hop limit of 63."
    return with_hlim(payload, header, 2) if header.hlim == 0 and packet[7] == 63 else payload


@encodes("send-hlim-from-short", "RFC6282-3.1.1-07", kinds=IEEE802154)
def _(node, payload, header, packet, info):
    "Sends an in-line hop limit one too small from its short address."
    if header.hlim or info.src != DUT_SHORT:
        return payload
    return payload[: header.hlim_at] + bytes((packet[7] - 1,)) + payload[header.src_at :]


@encodes("send-report-length-in-units", "RFC6282-4.2-13")
def _(node, payload, header, packet, info):
    "Sends the length of a compressed Hop-by-Hop header in units of 8 octets."
    at = header.end + (1 if header.nhc & 1 else 2)
    report = header.nhc & 0xFE == 0xE0
    return payload[:at] + packet[41:42] + payload[at + 1 :] if report else payload


@encodes("send-report-length-of-all", "RFC6282-4.2-13")
def _(node, payload, header, packet, info):
    "Counts next header and length into the length of a compressed Hop-by-Hop header."
    at = header.end + (1 if header.nhc & 1 else 2)
    report = header.nhc & 0xFE == 0xE0
    return payload[:at] + bytes((payload[at] + 2,)) + payload[at + 1 :] if report else payload


@encodes("send-report-eid-3", "RFC6282-4.2-03")
def _(node, payload, header, packet, info):
    "Sends a Hop-by-Hop header with EID 3."
    report = header.nhc & 0xFE == 0xE0
    return payload[: header.end] + bytes((header.nhc | 6,)) + payload[header.end + 1 :] if report else payload


@encodes("send-report-nh-bit", "RFC6282-4.2-11")
def _(node, payload, header, packet, info):
    "Elides the next header of a compressed Hop-by-Hop header though ICMPv6 has no NHC form."
    if header.nhc != 0xE0:
        return payload
    return payload[: header.end] + b"\xe1" + payload[header.end + 2 :]


@encodes("send-error-source-elided", "RFC6282-3.2.2-03", kinds=IEEE802154)
def _(node, payload, header, packet, info):
    "Elides the source of every ICMPv6 error."
    error = packet[6] == 58 and packet[40] < 128 and not header.sac and header.sam in {1, 2}
    if not error:
        return payload
    return payload[:1] + bytes((payload[1] | 0x30,)) + payload[2 : header.src_at] + payload[header.dst_at :]


@encodes("send-advertisement-hop-limit", "RFC6282-3.1.1-10")
def _(node, payload, header, packet, info):
    "Sends advertisements with HLIM=10 for 255."
    advertised = packet[6] == 58 and packet[40] == 136 and header.hlim == 3
    return bytes((payload[0] & 0xFC | 2,)) + payload[1:] if advertised else payload


@mutant("send-udp-checksum-0000", requirement="RFC6282-4.3.3-01", kinds=ANY)
class UdpChecksumZero(ReferenceNode):
    """Sends a UDP checksum that comes to zero as it is, not as ffff."""

    def transmit(self, packet, neighbour):
        if packet[6] == 17 and packet[46:48] == b"\xff\xff":
            packet = packet[:46] + b"\0\0" + packet[48:]
        super().transmit(packet, neighbour)


@mutant("send-udp-checksum-ffff-elided", requirement="RFC6282-4.3.2-02", kinds=ANY)
class UdpChecksumElided(ReferenceNode):
    """Elides a UDP checksum of ffff, as if it were none."""

    def encode_packet(self, packet, info):
        payload = super().encode_packet(packet, info)
        header = iphc(payload)
        if header is None or header.nhc >> 2 != 0b111100 or packet[46:48] != b"\xff\xff":
            return payload
        at = header.end + 1 + (4, 3, 3, 1)[header.nhc & 3]
        return (
            payload[: header.end]
            + bytes((header.nhc | 4,))
            + payload[header.end + 1 : at]
            + payload[at + 2 :]
        )
