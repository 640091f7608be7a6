"""Mutants of UDP NHC (RFC 6282 §4.3) that only the DUT's application shows: no IP tap, and no ICMPv6 error.

Each of them delivers a datagram whose checksum holds, so that the node itself sees nothing wrong.
"""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6
from tests.mutants import APPLICATION, IEEE802154, mutant
from tests.mutants.wire import iphc


class Silent(ReferenceNode):
    """A node whose stack verifies no UDP checksum and sends no errors; `misread` changes what comes of UDP NHC."""

    def error(self, packet, view, kind, code, word):
        return

    def decode_payload(self, payload, info):
        packet = bytearray(super().decode_payload(payload, info))
        at = 4 if payload[0] >> 3 == 0b11000 else 0
        header = iphc(payload[at:])
        if header is not None and header.nhc >> 3 == 0b11110 and packet[6] == ipv6.UDP:
            packet = self.misread(packet, header.nhc & 3)
            message = packet[40:46] + b"\0\0" + packet[48:]
            message[4:6] = len(message).to_bytes(2)
            right = ipv6.udp(
                int.from_bytes(message[:2]), int.from_bytes(message[2:4]), bytes(message[8:]), bytes(packet[8:24]),
                bytes(packet[24:40]),
            )  # fmt: skip
            packet = packet[:4] + len(right).to_bytes(2) + packet[6:40] + right
        return bytes(packet)

    def misread(self, packet: bytearray, p: int) -> bytearray:
        return packet


def delivers(id: str, requirement: str):
    """function(packet, p) -> the packet that is handed on in its place, with a right checksum."""

    def register(function):
        node = type(function.__name__, (Silent,), {"misread": lambda self, packet, p: function(packet, p)})
        mutant(id, requirement=requirement, kinds=IEEE802154, what=function.__doc__, rig=APPLICATION)(node)
        return function

    return register


@delivers("delivered-p01-source-of-8-bits", "RFC6282-4.3.3-04")
def _(packet, p):
    """P=01: makes the source port one of f0XX."""
    if p == 1:
        packet[40] = 0xF0
    return packet


@delivers("delivered-p10-destination-and-source", "RFC6282-4.3.3-05")
def _(packet, p):
    """P=10: takes the 8 bits behind the port of 16 bits for the source, so that the ports are exchanged."""
    return packet[:40] + packet[42:44] + packet[40:42] + packet[44:] if p == 2 else packet


@delivers("delivered-p11-source-f0b0", "RFC6282-4.3.3-06")
def _(packet, p):
    """P=11: forgets the four bits of the source port."""
    if p == 3:
        packet[41] &= 0xF0
    return packet


@delivers("delivered-p00-source-swapped", "RFC6282-4.3.3-03")
def _(packet, p):
    """P=00: takes the source port for little-endian."""
    return packet[:40] + packet[41:39:-1] + packet[42:] if p == 0 else packet


@delivers("delivered-last-octet-lost", "RFC6282-4.3.3-08")
def _(packet, p):
    """Infers a UDP length that is one octet too small, where it is odd."""
    return packet[:-1] if len(packet) % 2 and len(packet) > 49 else packet


@mutant("delivered-elided-checksum", requirement="RFC6282-4.3.2-12", kinds=IEEE802154, rig=APPLICATION)
class ElidedChecksum(Silent):
    """Takes C=1 without any protection of the link, and hands the datagram on without verifying anything."""

    def understand(self, payload, info):
        header = iphc(payload)
        if header is not None and header.nhc >> 3 == 0b11110 and header.nhc & 4:
            at = header.end
            ports = at + 1 + (4, 3, 3, 1)[header.nhc & 3]
            payload = (
                payload[:at] + bytes([header.nhc & ~4]) + payload[at + 1 : ports] + b"\1\2" + payload[ports:]
            )
        return super().understand(payload, info)
