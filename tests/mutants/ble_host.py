"""Mutants of 6LoWPAN and of what is above it on Bluetooth LE: forms of addresses, TCP, UDP, latency and sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rigs.nodes.reference.node import ReferenceNode
from rigs.tcp import Tcp
from sixlowpan import link_local
from sixlowpan.addresses import is_link_local
from tests.mutants import BLE, Node, always, mutant, step
from tests.mutants.wire import iphc

MUST_BE_SENT = "RFC7668-3.2-03"
OTHER = bytes.fromhex("7eadbeef0042")


@partial(step, kinds=BLE)
def form(function: Callable) -> Node:
    """Register a change to how packets are compressed: function(node, packet, info) -> payload."""

    class Node(ReferenceNode):
        def encode_packet(self, packet, info):
            return function(super().encode_packet, packet, info)

    return Node


def with_destination(payload: bytes, packet: bytes) -> bytes:
    """The payload with its destination in 128 bits (DAC=0, DAM=00)."""
    h = iphc(payload)
    return bytes([payload[0], payload[1] & 0xF0]) + payload[2 : h.dst_at] + packet[24:40] + payload[h.end :]


def with_source(payload: bytes, packet: bytes) -> bytes:
    """The payload with its source in 128 bits (SAC=0, SAM=00)."""
    h = iphc(payload)
    return bytes([payload[0], payload[1] & 0x8F]) + payload[2 : h.src_at] + packet[8:24] + payload[h.dst_at :]


@form("ble-source-64", "RFC7668-3.2.4-04")
def _(encoded, packet, info):
    """Sends the link-local source with 64 bits."""
    return encoded(packet, replace(info, src=OTHER)) if is_link_local(packet[8:24]) else encoded(packet, info)


@form("ble-source-128", "RFC7668-3.2.4-04")
def _(encoded, packet, info):
    """Sends the link-local source with 128 bits."""
    payload = encoded(packet, info)
    return with_source(payload, packet) if is_link_local(packet[8:24]) else payload


@form("ble-destination-64", "RFC7668-3.2.4-10")
def _(encoded, packet, info):
    """Sends the link-local destination with 64 bits."""
    return encoded(packet, replace(info, dst=OTHER)) if packet[24] != 0xFF else encoded(packet, info)


@form("ble-destination-of-a-global-source", "RFC7668-3.2.4-10", "LINUX-6LOWPAN-DAM")
def _(encoded, packet, info):
    """Sends the link-local destination with 128 bits when the source is global."""
    payload = encoded(packet, info)
    mixed = is_link_local(packet[24:40]) and not is_link_local(packet[8:24])
    return with_destination(payload, packet) if mixed else payload


@form("ble-context-destination-128", "RFC7668-3.2.4-11")
def _(encoded, packet, info):
    """Uses no context for destinations."""
    payload = encoded(packet, info)
    return (
        payload if is_link_local(packet[24:40]) or packet[24] == 0xFF else with_destination(payload, packet)
    )


@form("ble-long-context-unused", "RFC7668-3.2.4.1-02")
def _(encoded, packet, info):
    """Sends the destination with 64 bits also where a context has all 128."""
    payload = encoded(packet, info)
    h = iphc(payload)
    if h.m or not h.dac or h.dam != 3:
        return payload
    return (
        bytes([payload[0], payload[1] & 0x7C | 1])
        + payload[2 + h.cid : h.dst_at]
        + packet[32:40]
        + payload[h.end :]
    )


@form("ble-any-link-local-source-elided", "RFC7668-3.2.4-07")
def _(encoded, packet, info):
    """Elides every link-local source."""
    own = link_local(info.src) if is_link_local(packet[8:24]) else packet[8:24]
    return encoded(packet[:8] + own + packet[24:], info)


@form("ble-any-link-local-destination-elided", "RFC7668-3.2.4-11")
def _(encoded, packet, info):
    """Elides every link-local destination."""
    there = link_local(info.dst) if is_link_local(packet[24:40]) else packet[24:40]
    return encoded(packet[:24] + there + packet[40:], info)


@form("ble-udp-in-line", "RFC7668-3.2.4-01")
def _(encoded, packet, info):
    """Leaves the UDP header as it is: NH=0."""
    payload = encoded(packet, info)
    h = iphc(payload)
    if not h.nh:
        return payload
    return (
        bytes([payload[0] & 0xFB]) + payload[1 : h.nh_at] + b"\x11" + payload[h.nh_at : h.end] + packet[40:]
    )


@form("ble-mesh-header", "RFC7668-3-01")
def _(encoded, packet, info):
    """Puts a mesh addressing header in front of what is large."""
    payload = encoded(packet, info)
    return bytes.fromhex("b112345678") + payload if len(packet) > 150 else payload


@form("ble-broadcast-header", "RFC7668-3-01")
def _(encoded, packet, info):
    """Puts LOWPAN_BC0 in front of what is large."""
    payload = encoded(packet, info)
    return b"\x50\x01" + payload if len(packet) > 150 else payload


@form("ble-large-uncompressed", "RFC7668-3.2.4-01")
def _(encoded, packet, info):
    """Does not compress what is large."""
    return b"\x41" + packet if len(packet) > 500 else encoded(packet, info)


@form("ble-reports-uncompressed", MUST_BE_SENT)
def _(encoded, packet, info):
    """Does not compress multicast."""
    return b"\x41" + packet if packet[24] == 0xFF else encoded(packet, info)


@form("ble-multicast-as-unicast", "RFC7668-3.2.5-04")
def _(encoded, packet, info):
    """Sends multicast addresses as if they were none (M=0)."""
    payload = encoded(packet, info)
    return with_destination(payload, packet) if packet[24] == 0xFF else payload


@form("ble-checksum-order", "RFC7668-3.2-02")
def _(encoded, packet, info):
    """Sends the last two octets in little-endian order where the data is long."""
    return encoded(packet[:-2] + packet[:-3:-1] if len(packet) > 600 else packet, info)


# -- addresses --------------------------------------------------------------------------------------------------


@mutant("ble-address-of-the-next-connection", requirement="RFC7668-3.2.2-07", kinds=BLE)
class AddressChanges(ReferenceNode):
    """Changes its link-local address when its device address rotates, on the same channel."""

    def receive_frame(self, frame):
        if self.link.now() % 3600 > 900:
            self.own[0] = self.own[0][:15] + bytes([self.own[0][15] ^ int(self.link.now() // 900)])
        super().receive_frame(frame)


@mutant("ble-no-fffe", requirement="RFC7668-3.2.2-05", kinds=BLE)
class NoFffe(ReferenceNode):
    """Makes its interface identifier without FFFE, and does not elide it."""

    def new_address(self):
        super().new_address()
        self.own.insert(1, self.own[0])
        self.own[0] = self.own[0][:11] + bytes(2) + self.own[0][13:]

    def source_for(self, destination):
        return self.own[0]

    def send_icmp(self, source, destination, kind, code, body):
        super().send_icmp(self.own[0] if is_link_local(source) else source, destination, kind, code, body)


@mutant("ble-flipped-address-as-well", requirement="RFC7668-3.2.2-05", defect="LINUX-UL-BIT", kinds=BLE)
class FlippedAsWell(ReferenceNode):
    """Has the address with the U/L bit inverted as well."""

    def new_address(self):
        super().new_address()
        flipped = self.own[0][:8] + bytes([self.own[0][8] ^ 2]) + self.own[0][9:]
        self.own = [self.own[0], flipped, *self.own[1:]]


@mutant("ble-solicited-group-crash", requirement="RFC7668-3.2.2-09", kinds=BLE)
class GroupCrash(ReferenceNode):
    """Crashes on a multicast for a solicited-node group."""

    def input(self, packet):
        if packet[24:26] == b"\xff\x02" and packet[36] == 0xFF:
            raise IndexError("no such group")
        super().input(packet)


# -- TCP --------------------------------------------------------------------------------------------------------


@partial(step, kinds=BLE, requirement=MUST_BE_SENT)
def tcp(end: Callable) -> Node:
    """Register a node whose TCP is the decorated class."""

    class Node(ReferenceNode):
        tcp_class = end

    return Node


@tcp("ble-tcp-no-retransmission", defect="LINUX-6LOWPAN-TCP")
class NoRetransmission(Tcp):
    """Sends no TCP segment twice."""

    def tick(self, now):
        self._timer = None


@tcp("ble-tcp-garbled-retransmission")
class Garbled(Tcp):
    """Sends other octets the second time."""

    def tick(self, now):
        if self._timer is not None and now >= self._timer and self._to_send:
            self._to_send[0] ^= 1
        super().tick(now)


@tcp("ble-tcp-one-way")
class OneWay(Tcp):
    """Receives, but sends no data."""

    def send(self, data, now):
        return


@tcp("ble-tcp-deaf")
class Deaf(Tcp):
    """Sends, but keeps nothing of what comes."""

    def _heard_data(self, sequence, data, flags):
        super()._heard_data(sequence, data, flags)
        self.received.clear()


@tcp("ble-tcp-half-duplex")
class HalfDuplex(Tcp):
    """Stops sending once data came while it was sending."""

    jammed = False

    def _heard_data(self, sequence, data, flags):
        self.jammed = self.jammed or bool(data and self._to_send)
        super()._heard_data(sequence, data, flags)

    def _push(self, now):
        if not self.jammed:
            super()._push(now)


@tcp("ble-tcp-stalls-after-100-kB")
class Stalls(Tcp):
    """Neither sends nor receives after 100 kB."""

    def hear(self, segment, now):
        if self._acknowledged + len(self.received) < 100_000:
            super().hear(segment, now)


@tcp("ble-tcp-ends-after-3-s")
class Ends(Tcp):
    """Hears nothing any more 3.6 s after the first segment with data, and so neither acknowledges nor sends."""

    began = None

    def hear(self, segment, now):
        if self.received or self._to_send:
            self.began = now if self.began is None else self.began
        if self.began is None or now - self.began < 3.6:
            super().hear(segment, now)

    def tick(self, now):
        if self.began is None or now - self.began < 3.6:
            super().tick(now)
        else:
            self._timer = None


@tcp("ble-tcp-octet-lost")
class OctetLost(Tcp):
    """Loses an octet at a segment boundary."""

    def _heard_data(self, sequence, data, flags):
        super()._heard_data(sequence, data, flags)
        if len(data) > 1000:
            del self.received[-1:]


@mutant("ble-tcp-not-listening", requirement=MUST_BE_SENT, kinds=BLE)
class NotListening(always(tcp_listen=None)):
    """Is told to accept TCP connections, and does not."""


# -- UDP, sizes, latency ----------------------------------------------------------------------------------------


@mutant("ble-udp-deaf", requirement=MUST_BE_SENT, kinds=BLE)
class UdpDeaf(ReferenceNode):
    """Takes no UDP datagram of more than 500 octets."""

    def udp(self, packet, view, message):
        if len(message) <= 500:
            super().udp(packet, view, message)


@mutant("ble-udp-dumb", requirement=MUST_BE_SENT, kinds=BLE)
class UdpDumb(ReferenceNode):
    """Sends no UDP datagram of more than 500 octets."""

    def udp_send(self, destination, source_port, destination_port, data):
        if len(data) <= 500:
            super().udp_send(destination, source_port, destination_port, data)


@mutant("ble-udp-garbled", requirement=MUST_BE_SENT, kinds=BLE)
class UdpGarbled(ReferenceNode):
    """Cuts UDP data after 900 octets."""

    def udp_send(self, destination, source_port, destination_port, data):
        super().udp_send(destination, source_port, destination_port, data[:900])


@mutant("ble-third-ping-lost", requirement=MUST_BE_SENT, kinds=BLE)
class ThirdLost(ReferenceNode):
    """Leaves every fifth Echo Request unanswered."""

    count = 0

    def echo(self, view, message):
        self.count += 1
        if self.count % 5:
            super().echo(view, message)


@mutant("ble-hole-in-the-sizes", requirement="RFC7668-3.2-04", kinds=BLE)
class Hole(ReferenceNode):
    """Answers no Echo Request with 491 octets of data."""

    def echo(self, view, message):
        if len(message) != 499:
            super().echo(view, message)


@mutant("ble-hole-in-its-own-sizes", requirement="RFC7668-3.2-04", kinds=BLE)
class OwnHole(ReferenceNode):
    """Originates no Echo Request with 737 octets of data."""

    def ping(self, destination, size, identifier, sequence):
        super().ping(destination, 736 if size == 737 else size, identifier, sequence)


@mutant("ble-nothing-above-800", requirement="RFC7668-2.4-01", kinds=BLE)
class NothingAbove800(ReferenceNode):
    """Drops packets of more than 800 octets, although its channel has an MTU of 1280."""

    def deliver(self, packet, info):
        if len(packet) <= 800:
            super().deliver(packet, info)
