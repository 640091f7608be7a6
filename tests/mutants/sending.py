"""Mutants that send wrongly: encodings, fragments, MAC headers, neighbor discovery options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import Contexts, LinkInfo, MacHeader, encode, fragment, ipv6, link_local, mac
from sixlowpan.addresses import BROADCAST
from tests.mutants import ANY, BLE, IEEE802154, Node, mutant, sends, step
from tests.mutants.wire import iphc

# -- headers ----------------------------------------------------------------------------------------------------


def first(change):
    """A `sends` function that changes the first payload, when it is IPHC: change(payload, header) -> payload."""

    def function(node, payloads, packet, info):
        header = iphc(payloads[0])
        return payloads if header is None else [change(payloads[0], header), *payloads[1:]]

    function.__doc__ = change.__doc__
    return function


def sent(id, requirement, defect=None, kinds=ANY):
    def register(change):
        sends(id, requirement=requirement, defect=defect, kinds=kinds)(first(change))
        return change

    return register


@sent("send-nalp", "RFC4944-5-03")
def _(payload, h):
    """Begins payloads with 00xxxxxx."""
    return bytes((payload[0] & 0x3F,)) + payload[1:]


@sent("send-reserved-dam", "RFC6282-3.1.1-33")
def _(payload, h):
    """Sends the reserved M=0 DAC=1 DAM=00."""
    return payload if h.m else payload[:1] + bytes((payload[1] & 0xFC | 4,)) + payload[2:]


@sent("send-reserved-multicast", "RFC6282-3.1.1-42")
def _(payload, h):
    """Sends the reserved M=1 DAC=1 DAM=01 for groups."""
    return payload[:1] + bytes((payload[1] & 0xFC | 5,)) + payload[2:] if h.m else payload


@sent("send-undefined-context", "RFC6282-3.1.1-14")
def _(payload, h):
    """Says that its link-local source is stateful."""
    return payload[:1] + bytes((payload[1] | 0x40,)) + payload[2:] if h.sam else payload


@sent("send-version-bit", "RFC6282-3.2-02")
def _(payload, h):
    """Keeps the first octet of the IPv6 header in front of the in-line fields."""
    return payload[:2] + b"\x60" + payload[2:]


@sent("send-payload-length", "RFC6282-3.2-03")
def _(payload, h):
    """Sends the Payload Length in-line behind the next header."""
    return payload[: h.hlim_at] + len(payload).to_bytes(2, "big") + payload[h.hlim_at :]


@sent("send-tf-order", "RFC6282-3.2-01")
def _(payload, h):
    """Puts the hop limit in front of the next header."""
    if h.nh or h.hlim:
        return payload
    at = h.nh_at
    return payload[:at] + payload[at + 1 : at + 2] + payload[at : at + 1] + payload[at + 2 :]


@sent("send-sam11-always", "RFC6282-3.2.2-03", kinds=IEEE802154)
def _(payload, h):
    """Elides a source IID that the link address does not give."""
    if h.sac or h.sam not in {1, 2}:
        return payload
    return payload[:1] + bytes((payload[1] | 0x30,)) + payload[2 : h.src_at] + payload[h.dst_at :]


@sent("send-dam11-always", "RFC6282-3.2.2-03")
def _(payload, h):
    """Elides a destination IID that the link address does not give."""
    if h.m or h.dac or h.dam not in {1, 2}:
        return payload
    return payload[:1] + bytes((payload[1] | 3,)) + payload[2 : h.dst_at] + payload[h.end :]


@sent("send-dam01-flipped", "RFC6282-3.1.1-30")
def _(payload, h):
    """Flips the U/L bit of a destination's IID that it sends in-line."""
    if h.dam == 1 and not h.m:
        return payload[: h.dst_at] + bytes((payload[h.dst_at] ^ 2,)) + payload[h.dst_at + 1 :]
    return payload


@sent("send-sam11-zeroes", "RFC6282-3.2-02")
def _(payload, h):
    """Sends eight octets more than SAM=11 allows."""
    return payload[: h.src_at] + bytes(8) + payload[h.src_at :] if h.sam == 3 else payload


@sent("send-hop-limit-1", "RFC6282-3.1.1-10")
def _(payload, h):
    """Sends HLIM=01 for a hop limit of 255."""
    return bytes((payload[0] & 0xFC | 1,)) + payload[1:] if h.hlim == 3 else payload


@sent("send-group-24-bits", "RFC6282-3.2.3-04", "RIOT-3422..3424")
def _(payload, h):
    """Sends a group of 48 bits in the form of 32 bits."""
    if h.m and not h.dac and h.dam == 1:
        cut = payload[h.dst_at : h.dst_at + 1] + payload[h.dst_at + 3 : h.dst_at + 6]
        return payload[:1] + bytes((payload[1] & 0xFC | 2,)) + payload[2 : h.dst_at] + cut + payload[h.end :]
    return payload


@sent("send-group-stale-octet", "RFC6282-3.2.3-01", "LINUX-BTN-249")
def _(payload, h):
    """Sends a stale octet in a short multicast address."""
    if h.m and h.dam == 1:
        return payload[: h.dst_at + 1] + b"\x7e" + payload[h.dst_at + 2 :]
    return payload


@sent("send-ports-swapped", "RFC6282-4.3.3-06", "OPENWSN-337")
def _(payload, h):
    """Swaps the nibbles of P=11."""
    if h.nhc == 0xF3:
        octet = payload[h.end + 1]
        return payload[: h.end + 1] + bytes((octet >> 4 | octet << 4 & 0xF0,)) + payload[h.end + 2 :]
    return payload


@sent("send-p01-for-p10", "RFC6282-4.3.3-05")
def _(payload, h):
    """Writes P=01 where P=10 is meant, and the other way round."""
    if h.nhc in {0xF1, 0xF2}:
        return payload[: h.end] + bytes((h.nhc ^ 3,)) + payload[h.end + 1 :]
    return payload


@sent("send-elided-checksum", "RFC6282-4.3.2-02")
def _(payload, h):
    """Elides the UDP checksum without any right to."""
    if h.nhc >> 2 == 0x3C:
        at = h.end + 1 + (4, 3, 3, 1)[h.nhc & 3]
        return payload[: h.end] + bytes((h.nhc | 4,)) + payload[h.end + 1 : at] + payload[at + 2 :]
    return payload


@sent("send-nhc-reserved", "RFC6282-5-03")
def _(payload, h):
    """Sends the unassigned NHC ids 11111xxx for UDP."""
    if h.nhc >> 3 == 0x1E:
        return payload[: h.end] + bytes((h.nhc | 8,)) + payload[h.end + 1 :]
    return payload


@sent("send-nhc-nh-in-line-too", "RFC6282-3.1.1-06")
def _(payload, h):
    """Sends the next header in-line though NH is 1."""
    return payload[: h.hlim_at] + b"\x11" + payload[h.hlim_at :] if h.nh else payload


@mutant("send-uncompressed-ble", requirement="RFC7668-3.2-03", kinds=BLE)
class SendUncompressed(ReferenceNode):
    """Sends uncompressed IPv6 on Bluetooth LE."""

    def encode_packet(self, packet, info):
        return b"\x41" + packet


@mutant("send-fragments-ble", requirement="RFC7668-3-01", kinds=BLE)
class SendFragmentsBle(ReferenceNode):
    """Sends RFC 4944 fragments on Bluetooth LE."""

    def fragment_packet(self, packet, info):
        other = LinkInfo("ieee802154", b"", b"")
        if len(packet) < 200:
            return super().fragment_packet(packet, info)
        return fragment(packet, other, mtu=100, tag=self.next_tag())


@mutant("send-ble-iid-flip", requirement="RFC7668-3.2.2-05", defect="LINUX-UL-BIT", kinds=BLE)
class SendBleFlip(ReferenceNode):
    """Has a link-local address with the U/L bit flipped, and elides it."""

    def encode_packet(self, packet, info):
        changed = bytearray(packet)
        changed[16] ^= 2
        return (
            encode(bytes(changed), info, self.contexts) if packet[8:16] == b"\xfe\x80" + bytes(6) else packet
        )


@mutant("send-context-c0", requirement="RFC6775-4.2-04", defect="RIOT-faa47a0e03", kinds=ANY)
class SendContextC0(ReferenceNode):
    """Compresses with a context that is for decompression only."""

    def encode_packet(self, packet, info):
        usable = {i: replace(context, compress=True) for i, context in self.contexts.items()}
        return encode(packet, info, Contexts(usable))


@mutant("send-context-too-short", requirement="RFC6282-3.1.1-24", defect="RIOT-19648/19649", kinds=ANY)
class SendContextShort(ReferenceNode):
    """Elides the bits between a context shorter than 64 bits and the IID, though they are not zero."""

    def encode_packet(self, packet, info):
        changed = bytearray(packet)
        for at in (8, 24):
            for context in self.contexts.values():
                if context.length < 64 and context.covers(packet[at : at + 16]):
                    changed[at : at + 8] = context.prefix[:8]
        return encode(bytes(changed), info, self.contexts)


@mutant("send-context-id-lost", requirement="RFC6282-3.1.2-02", defect="RIOT-1372b9b779", kinds=ANY)
class SendContextIdLost(ReferenceNode):
    """Sends no CID octet for contexts other than 0."""

    def encode_packet(self, packet, info):
        payload = super().encode_packet(packet, info)
        h = iphc(payload)
        return payload[:1] + bytes((payload[1] & 0x7F,)) + payload[3:] if h and h.cid else payload


# -- frames -----------------------------------------------------------------------------------------------------


@mutant("send-multicast-unicast", requirement="RFC4944-3-02", kinds=IEEE802154)
class SendMulticastUnicast(ReferenceNode):
    """Sends IPv6 multicast to the short address of section 9, without a mesh."""

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        return replace(info, dst=b"\x80\x01") if info.dst == BROADCAST else info


class Framed(ReferenceNode):
    """A node whose frames differ in some fields of the MAC header."""

    def mac_frame(self, payload, info):
        header, body = mac.parse(super().mac_frame(payload, info))
        return mac.build(self.change(header), body)

    def change(self, header: MacHeader) -> MacHeader:
        return header


@mutant("send-broadcast-pan", requirement="RFC4944-3-04", kinds=IEEE802154)
class SendBroadcastPan(Framed):
    """Sends broadcasts to PAN 0xffff."""

    def change(self, header):
        if header.dst != BROADCAST:
            return header
        return replace(header, dst_pan=BROADCAST, src_pan=self.link.pan, pan_compression=False)


@mutant("send-no-source", requirement="RFC4944-2-04", kinds=IEEE802154)
class SendNoSource(Framed):
    """Sends broadcasts without a source address."""

    def change(self, header):
        if header.dst != BROADCAST:
            return header
        return replace(header, src=b"", src_pan=None, pan_compression=False)


@mutant("send-command-frame", requirement="RFC4944-2-01", kinds=IEEE802154)
class SendCommandFrame(Framed):
    """Sends fragments in command frames."""

    def change(self, header):
        return replace(header, type=mac.COMMAND) if self.tag != 0x1000 else header


@mutant("send-to-itself", requirement="RFC4944-8-01", defect="LWIP-54749", kinds=IEEE802154)
class SendToItself(Framed):
    """Puts its own address where the neighbour's belongs."""

    def change(self, header):
        return header if header.dst == BROADCAST else replace(header, dst=self.link.dut)


# -- link-layer address options ---------------------------------------------------------------------------------


@partial(step, kinds=IEEE802154)
def option(function: Callable) -> Node:
    """Register a change to the node's link-layer address options: function(octets of the option)."""

    class Node(ReferenceNode):
        def link_option(self, kind):
            return function(super().link_option(kind))

    return Node


@option("option-not-padded", "RFC4944-8-02")
def _(octets):
    """Pads a link-layer address option with octets that are not zero."""
    return octets[:10] + b"\x5e" * 6


@option("option-reversed", "RFC4944-8-04")
def _(octets):
    """Sends its address in the order of the air."""
    return octets[:2] + octets[2:10][::-1] + octets[10:]


@option("option-six-octets", "RFC4944-8-02")
def _(octets):
    """Sends an option of eight octets with six of its address."""
    return octets[:1] + b"\x01" + octets[2:8]


@option("option-of-another", "RFC4944-8-04")
def _(octets):
    """Sends an address that is not its own."""
    return octets[:9] + bytes((octets[9] ^ 1,)) + octets[10:]


@mutant("short-source-elided-by-eui64", requirement="RFC6282-3.2.2-03", kinds=IEEE802154)
class ShortSourceElided(ReferenceNode):
    """Elides the IID of its short address and sends from its EUI-64."""

    def frame(self, payload, info):
        return super().frame(payload, replace(info, src=self.link.dut))

    def room(self, info):
        return super().room(replace(info, src=self.link.dut))


@mutant("pan-in-own-address", requirement="RFC6282-3.2.2-05", defect="RIOT-11033", kinds=IEEE802154)
class PanInOwnAddress(ReferenceNode):
    """Elides the IID of an address that has the PAN id in it."""

    def encode_packet(self, packet, info):
        if packet[8:24] == link_local(b"\0\1") and packet[40] == 129:
            source = link_local(b"\0\1", self.link.pan)
            message = ipv6.icmpv6(129, 0, packet[44:], source, packet[24:40])
            packet = packet[:8] + source + packet[24:40] + message
        return encode(packet, replace(info, pan=self.link.pan), self.contexts)
