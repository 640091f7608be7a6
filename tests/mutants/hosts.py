"""Mutants above and below 6LoWPAN: MAC filters, IPv6 input, echo, neighbor discovery, UDP."""

from __future__ import annotations

from rigs.links.memory.link import DUT_SHORT
from rigs.nodes.reference.host import ADVERTISEMENT, HOP_LIMIT, ROUTER_ADVERTISEMENT, SOLICITATION
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import mac
from sixlowpan.addresses import ALL_NODES, BROADCAST
from tests.mutants import ANY, IEEE802154, always, mutant

# -- MAC --------------------------------------------------------------------------------------------------------


@mutant("mac-any-pan", requirement="RFC4944-3-03", kinds=IEEE802154)
class AnyPan(ReferenceNode):
    """Heeds frames of every PAN."""

    def accepts(self, header):
        return (
            header.type == mac.DATA
            and bool(header.src)
            and header.dst in {self.link.dut, DUT_SHORT, BROADCAST}
        )


@mutant("mac-any-type", requirement="RFC4944-3-03", defect="CVE-2021-3320", kinds=IEEE802154)
class AnyType(ReferenceNode):
    """Takes IPv6 out of command and other frames, too."""

    def accepts(self, header):
        return bool(header.src) and header.dst in {self.link.dut, DUT_SHORT, BROADCAST}


@mutant("mac-no-short-source", requirement="RFC4944-3-01", defect="LWIP-LIMITS", kinds=IEEE802154)
class NoShortSource(ReferenceNode):
    """Heeds no frame from a short address."""

    def accepts(self, header):
        return len(header.src) == 8 and super().accepts(header)


@mutant("mac-no-short-destination", requirement="RFC4944-3-01", kinds=IEEE802154)
class NoShortDestination(ReferenceNode):
    """Heeds no unicast frame to its short address."""

    def accepts(self, header):
        return header.dst != DUT_SHORT and super().accepts(header)


@mutant("mac-no-source-crash", requirement="RFC4944-2-04", defect="CVE-2021-3319", kinds=IEEE802154)
class NoSourceCrash(ReferenceNode):
    """Crashes on a data frame without source or destination."""

    def accepts(self, header):
        if header.type == mac.DATA and not (header.src and header.dst):
            raise IndexError("no address")
        return super().accepts(header)


@mutant("mac-ack-crash", requirement="RFC4944-2-01", defect="CVE-2021-3320", kinds=IEEE802154)
class AckCrash(ReferenceNode):
    """Crashes on an acknowledgement frame."""

    def accepts(self, header):
        if header.type == mac.ACK:
            raise IndexError("no payload")
        return super().accepts(header)


@mutant("mac-truncated-crash", requirement="RFC4944-2-01", defect="CVE-2020-10064", kinds=IEEE802154)
class MacTruncatedCrash(ReferenceNode):
    """Crashes on a frame that is shorter than its MAC header."""

    def parse_mac(self, frame):
        if len(frame) < 9:
            raise IndexError("beyond the frame")
        return super().parse_mac(frame)


@mutant("mac-security-crash", requirement="RFC4944-2-01", defect="ZEPHYR-115136", kinds=IEEE802154)
class SecurityCrash(ReferenceNode):
    """Crashes on a secured frame that is shorter than its integrity code."""

    def parse_mac(self, frame):
        if frame[:1] and frame[0] & 8 and len(frame) < 30:
            raise IndexError("beyond the frame")
        return super().parse_mac(frame)


@mutant("mac-eui64-only-broadcast", requirement="RFC4944-3-05", kinds=IEEE802154)
class NoBroadcast(ReferenceNode):
    """Heeds no broadcast frames."""

    def accepts(self, header):
        return header.dst != BROADCAST and super().accepts(header)


# -- echo -------------------------------------------------------------------------------------------------------


def echo_body(id, requirement="RFC4944-5.3-19", defect=None, kinds=ANY):
    """Register a change to what an Echo Reply brings back: function(identifier, sequence and data)."""

    def register(function):
        class Node(ReferenceNode):
            def echo_body(self, message):
                return function(super().echo_body(message))

        mutant(id, requirement=requirement, defect=defect, kinds=kinds, what=function.__doc__)(Node)
        return function

    return register


@echo_body("echo-words-swapped", defect="RIOT-5926")
def _(body):
    """Swaps two words of echoed data, which no checksum shows."""
    return body[:8] + body[10:12] + body[8:10] + body[12:] if len(body) >= 40 else body


@echo_body("echo-cut", defect="RIOT-10995")
def _(body):
    """Cuts echoed data after 1,000 octets."""
    return body[:1004]


@echo_body("echo-odd-padded", "RFC4944-5.3-17", kinds=IEEE802154)
def _(body):
    """Pads echoed data to an even number of octets."""
    return body + bytes(len(body) % 2)


@echo_body("echo-byte-order")
def _(body):
    """Swaps the octets of the sequence number."""
    return body[:2] + body[2:4][::-1] + body[4:]


@echo_body("echo-last-octet")
def _(body):
    """Zeroes the last octet of data of more than 90 octets."""
    return body[:-1] + b"\0" if len(body) > 94 else body


@mutant("echo-wrong-checksum-answered", requirement="RFC6282-4.3.3-01", defect="ZEPHYR-10970", kinds=ANY)
class WrongChecksumAnswered(always(checksum_holds=True)):
    """Answers an Echo Request whose checksum is wrong."""


@mutant("echo-from-another-address", requirement="RFC6282-3.1.1-36", kinds=IEEE802154)
class EchoFromAnother(ReferenceNode):
    """Answers from its first address whatever address was asked."""

    def echo(self, view, message):
        self.send_icmp(self.own[0], view.src, 129, 0, self.echo_body(message))


@mutant("echo-multicast-source", requirement="RFC4944-3-02", kinds=ANY)
class EchoMulticastSource(ReferenceNode):
    """Answers a multicast Echo Request from the group's address."""

    def echo(self, view, message):
        self.send_icmp(view.dst, view.src, 129, 0, self.echo_body(message))


@mutant("ipv6-small-only", requirement="RFC4944-4-01", defect="ZEPHYR-41822", kinds=ANY)
class SmallOnly(ReferenceNode):
    """Goes silent for good after a packet of more than 800 octets."""

    wedged = False

    def transmit(self, packet, neighbour):
        self.wedged = self.wedged or len(packet) > 848
        if not self.wedged:
            super().transmit(packet, neighbour)


# -- neighbor discovery -----------------------------------------------------------------------------------------


@mutant("nd-cur-hop-limit-zero", requirement="RFC4861-6.3.4-02", kinds=ANY)
class CurHopLimitZero(ReferenceNode):
    """Takes an unspecified hop limit for the one that it had at first."""

    def icmp(self, view, message):
        super().icmp(view, message)
        if message[0] == ROUTER_ADVERTISEMENT and not message[4]:
            self.hop_limit = HOP_LIMIT


@mutant("nd-hop-limit-unchecked", requirement="RFC4861-7.1.1-01", defect="CVE-2026-7656", kinds=ANY)
class NdHopLimit(ReferenceNode):
    """Answers a Neighbor Solicitation with any hop limit."""

    def icmp(self, view, message):
        if message[0] == 135 and view.hop_limit != 255:
            found = self.neighbour_options(message) or {}
            self.solicited(view, message[8:24], found)
        else:
            super().icmp(view, message)


@mutant("nd-code-unchecked", requirement="RFC4861-7.1.1-01", kinds=ANY)
class NdCode(ReferenceNode):
    """Answers a Neighbor Solicitation with any code."""

    def icmp(self, view, message):
        super().icmp(view, message[:1] + b"\0" + message[2:] if message[0] == 135 else message)


@mutant("nd-option-length-zero", requirement="RFC4861-7.1.1-01", kinds=ANY)
class NdOptionLengthZero(ReferenceNode):
    """Ignores options of length zero, and answers."""

    def neighbour_options(self, message):
        return super().neighbour_options(message) or ({} if len(message) >= 24 else None)


@mutant("nd-option-length-zero-crash", requirement="RFC4861-7.1.1-01", defect="RIOT-9108d2779d", kinds=ANY)
class NdOptionLengthZeroCrash(ReferenceNode):
    """Crashes on an option of length zero."""

    def neighbour_options(self, message):
        found = super().neighbour_options(message)
        if found is None and len(message) >= 24:
            raise RuntimeError("never gets past the option")
        return found


@mutant("nd-not-answered", requirement="RFC4861-7.1.2-01", kinds=ANY)
class NdNotAnswered(always(solicited=None)):
    """Answers no Neighbor Solicitation."""


@mutant("nd-any-target", requirement="RFC4861-7.1.1-01", kinds=ANY)
class NdAnyTarget(ReferenceNode):
    """Answers Neighbor Solicitations for everybody's addresses."""

    def solicited(self, view, target, found):
        self.send_nd(self.own[0], view.src, 136, b"\x60\0\0\0" + target + self.link_option(2))


@mutant("nd-sent-with-64", requirement="RFC4861-7.1.1-01", kinds=ANY)
class NdSentWith64(ReferenceNode):
    """Sends neighbor discovery with hop limit 64."""

    def send_nd(self, source, destination, kind, body):
        self.send_icmp(source, destination, kind, 0, body)


@mutant("nd-short-option-read-long", requirement="RFC4944-8-03", kinds=IEEE802154)
class NdShortOption(ReferenceNode):
    """Takes the address of a neighbour with a short one for an EUI-64."""

    def option_address(self, octets):
        return (octets + bytes(8))[:8]


@mutant("nd-one-solicitation", requirement="RFC4944-8-01", kinds=IEEE802154)
class NdBroadcast(ReferenceNode):
    """Sends unicast to the broadcast address rather than to resolve it."""

    def output(self, packet):
        self.transmit(packet, self.neighbours.get(packet[24:40], BROADCAST))


# -- UDP --------------------------------------------------------------------------------------------------------


@mutant("udp-zero-checksum-accepted", requirement="RFC6282-4.3.3-01", kinds=ANY)
class UdpZeroChecksum(ReferenceNode):
    """Takes a UDP datagram whose checksum is zero."""

    def checksum_holds(self, view, protocol, message):
        return (protocol == 17 and message[6:8] == b"\0\0") or super().checksum_holds(view, protocol, message)


@mutant("quote-compressed", requirement="RFC6282-3.1.1-05", kinds=ANY)
class QuoteStale(ReferenceNode):
    """Appends 40 stale octets to what it quotes in an ICMPv6 error."""

    def quote(self, packet):
        return super().quote(packet) + b"\x5e" * 40


@mutant("join-ignored", requirement="RFC6282-3.1.1-38", kinds=ANY)
class JoinIgnored(ReferenceNode):
    """Is told to join a group, and does not."""

    def join(self, group):
        self.send_report(group)


@mutant("address-not-taken", requirement="RFC6282-3.2.2-03", kinds=ANY)
class AddressNotTaken(ReferenceNode):
    """Keeps one address only."""

    def add_address(self, address, prefix_length=64):
        self.own[1:] = []


@mutant("nd-multicast-in-beacons", requirement="RFC4944-2-01", kinds=IEEE802154)
class MulticastInBeacons(ReferenceNode):
    """Sends multicast packets in beacon frames."""

    def frame(self, payload, info):
        frame = super().frame(payload, info)
        return bytes((frame[0] & 0xF8 | mac.BEACON,)) + frame[1:] if info.dst == BROADCAST else frame


@mutant("nd-solicits-all-nodes", requirement="RFC4944-8-01", kinds=IEEE802154)
class SolicitsAllNodes(ReferenceNode):
    """Sends its solicitations to all nodes."""

    def send_nd(self, source, destination, kind, body):
        super().send_nd(source, ALL_NODES if kind == SOLICITATION else destination, kind, body)


@mutant("nd-advertises-no-option", requirement="RFC4944-8-01", kinds=IEEE802154)
class AdvertisesNoOption(ReferenceNode):
    """Answers a solicitation without a link-layer address option."""

    def send_nd(self, source, destination, kind, body):
        super().send_nd(source, destination, kind, body[:20] if kind == ADVERTISEMENT else body)
