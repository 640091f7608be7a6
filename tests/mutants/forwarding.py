"""Mutants of routers that change or lose what they should pass on, or pass on what has to stay where it is.

RFC 8200 §3: a router takes one from the hop limit, and all else of a packet is between its ends; RFC 4291 §2.5 names
the addresses from and to which nothing is forwarded. Each is the 6LBR of a star (RFC 7668) or a 6LR of RFC 6775.
"""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6
from sixlowpan.addresses import is_link_local, is_multicast
from tests.mutants.ble_6lbr import wrong as wrong_6lbr
from tests.mutants.nd_router import wrong as wrong_6lr

STAR, HOSTS = "RFC7668-3.2.1-03", "RFC6775-6.5.4-02"
LABEL = "RFC6437-2-01"
UDP, TCP, FRAGMENT = 17, 6, 44
CHECKED = {UDP, TCP, ipv6.ICMPV6}


def passing(id, register=wrong_6lbr, requirement=STAR, **told):
    """function(packet) -> the octets that are passed on in the place of a packet; None: nothing."""

    def decorate(function):
        class Node(ReferenceNode):
            def pass_on(self, packet, peer):
                passed = function(packet)
                if passed is not None:
                    super().pass_on(bytes(passed), peer)

        Node.__doc__ = function.__doc__
        register(id, requirement, **told)(Node)
        return function

    return decorate


def right(packet: bytes) -> bool:
    """Whether the checksum of a packet's upper layer holds, where it has one."""
    view = ipv6.Packet.parse(packet)
    protocol, _, message = view.upper()
    return protocol not in CHECKED or ipv6.checksum_holds(view.src, view.dst, protocol, message)


# -- what is lost -----------------------------------------------------------------------------------------------


@passing("6lbr-forwards-no-hop-by-hop")
def _(packet):
    """Forwards nothing with Hop-by-Hop Options: takes them for its own to handle."""
    return None if packet[6] == 0 else packet


@passing("6lbr-forwards-no-fragments")
def _(packet):
    """Forwards no IPv6 fragment: waits for the others."""
    return None if packet[6] == FRAGMENT else packet


@passing("6lbr-forwards-no-tcp")
def _(packet):
    """Forwards no protocol that it does not speak itself."""
    return None if packet[6] == TCP else packet


@passing("6lbr-forwards-no-errors")
def _(packet):
    """Forwards no ICMPv6 error: takes all of them for its own."""
    return None if packet[6] == ipv6.ICMPV6 and packet[40] < 128 else packet


@passing("6lbr-forwards-no-hop-limit-255")
def _(packet):
    """Forwards nothing with the hop limit 255: takes it for Neighbor Discovery."""
    return None if packet[7] == 255 else packet


@passing("6lbr-forwards-what-is-right")
def _(packet):
    """Forwards no packet whose checksum is wrong, though none but its receiver is to look."""
    return packet if right(packet) else None


@passing("6lr-forwards-what-is-right", wrong_6lr, HOSTS)
def _(packet):
    """Forwards no packet whose checksum is wrong, though none but its receiver is to look."""
    return packet if right(packet) else None


@passing("6lr-forwards-no-options", wrong_6lr, "RFC8200-4-01")
def _(packet):
    """Forwards nothing with an options header."""
    return None if packet[6] in {0, 60} else packet


@passing("6lr-forwards-options-and-dies", wrong_6lr, "RFC8200-4-01")
def _(packet):
    """Dies of an options header that it would have to compress anew."""
    if packet[6] in {0, 60}:
        raise IndexError("read beyond the end of the buffer")
    return packet


@passing("6lr-forwards-one-frame", wrong_6lr, HOSTS)
def _(packet):
    """Forwards nothing that needs fragments."""
    return packet if len(packet) < 100 else None


# -- what is changed --------------------------------------------------------------------------------------------


@passing("6lbr-forwards-checksum-mended")
def _(packet):
    """Computes the UDP checksum of what it forwards anew."""
    if packet[6] != UDP:
        return packet
    value = ipv6.checksum(packet[8:24], packet[24:40], UDP, packet[40:46] + bytes(2) + packet[48:])
    return packet[:46] + value.to_bytes(2) + packet[48:]


@passing("6lr-forwards-without-label", wrong_6lr, LABEL)
def _(packet):
    """Forwards with flow label 0."""
    return packet[:1] + bytes((packet[1] & 0xF0, 0, 0)) + packet[4:]


@passing("6lr-forwards-without-class", wrong_6lr, "RFC6282-3-03", advice=True)
def _(packet):
    """Forwards with traffic class 0."""
    return bytes((0x60, packet[1] & 15)) + packet[2:]


@passing("6lbr-forwards-groups-without-class", requirement="RFC7668-3.2.5-02")
def _(packet):
    """Forwards multicast with traffic class and flow label 0."""
    return b"\x60\0\0\0" + packet[4:] if packet[24] == 0xFF else packet


@passing("6lbr-forwards-groups-by-udp", requirement="RFC7668-3.2.5-02")
def _(packet):
    """Forwards UDP to groups, and no other protocol."""
    return None if packet[24] == 0xFF and packet[6] not in {UDP, 0, 60} else packet


@wrong_6lr("6lr-forwards-outward-without-label", LABEL)
class OutwardWithoutLabel(ReferenceNode):
    """Forwards with flow label 0 what goes to its own router."""

    def pass_on(self, packet, peer):
        outward = peer in {router.link for router in self.routers.values()}
        super().pass_on(
            packet[:1] + bytes((packet[1] & 0xF0, 0, 0)) + packet[4:] if outward else packet, peer
        )


@wrong_6lr("6lr-forwards-by-the-tag-that-came", "RFC4944-5.3-13")
class TagThatCame(ReferenceNode):
    """Sends the fragments of what it forwards with the tag that they came with."""

    came, forwards = 0, False

    def reassemble(self, payload, info):
        self.came = int.from_bytes(payload[2:4])
        return super().reassemble(payload, info)

    def pass_on(self, packet, peer):
        self.forwards = True
        super().pass_on(packet, peer)
        self.forwards = False

    def next_tag(self):
        return self.came if self.forwards else super().next_tag()


@wrong_6lr("6lr-forwards-elided-as-it-came", "RFC6282-3.2.2-06")
class ElidedAsItCame(ReferenceNode):
    """Compresses the source of what it forwards by the link-layer address that the frame came from."""

    came, forwards = b"", False

    def receive_payload(self, payload, info):
        self.came = info.src
        super().receive_payload(payload, info)

    def pass_on(self, packet, peer):
        self.forwards = True
        super().pass_on(packet, peer)
        self.forwards = False

    def encode_packet(self, packet, info):
        return super().encode_packet(packet, replace(info, src=self.came) if self.forwards else info)


# -- what should stay -------------------------------------------------------------------------------------------


class LinkLocalStays(ReferenceNode):
    """Forwards from and to :: and ::1, and from groups."""

    def stays(self, view):
        return is_link_local(view.src) or is_link_local(view.dst)


wrong_6lbr("6lbr-forwards-from-nowhere", "RFC4291-2.5.2-01")(LinkLocalStays)
wrong_6lr("6lr-forwards-from-nowhere", "RFC4291-2.5.2-01")(LinkLocalStays)


@wrong_6lr("6lr-forwards-to-loopback", "RFC4291-2.5.3-01")
class ToLoopback(ReferenceNode):
    """Looks at the source alone: sends what is for ::1 to its default router."""

    def stays(self, view):
        return super().stays(ipv6.Packet.parse(ipv6.build(view.src, view.src, 59, b"")))


@wrong_6lbr("6lbr-forwards-groups-from-link-local", "RFC7668-3.2.1-02")
class GroupsFromLinkLocal(ReferenceNode):
    """Forwards what has a link-local source if it is for a group of a wider scope."""

    def stays(self, view):
        return not is_multicast(view.dst) and super().stays(view)
