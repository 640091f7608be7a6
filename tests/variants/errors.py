"""Conforming hosts: other times, hop limits, labels, errors and quotes, and atomic fragments taken off."""

from __future__ import annotations

from rigs.nodes.reference.host import Discard
from sixlowpan import ipv6
from sixlowpan.addresses import is_link_local
from tests.variants import ANY, IEEE802154, ReferenceNode, variant
from tests.variants.hosts import SLOW, Late

NO_TAP = ("ip_tap",)

# -- time --------------------------------------------------------------------------------------------------------------


@variant("late-200ms", rigs=ANY, rig={"settle": "300ms"})
class Late200(Late):
    """Takes 200 ms for each frame that it sends; the rig file says settle = "300ms"."""

    delays = (0.2,)


@variant("late-1s", rig={"settle": "1200ms"})
class Late1s(Late):
    """A sleepy node that sends once a second; the rig file says so."""

    delays = (1.0,)


@variant("late-when-large", rigs=ANY, rig={"settle": "250ms"})
class LateWhenLarge(Late):
    """Takes 100 ms for a frame of more than 100 octets, and 5 ms for others."""

    def _taken(self):
        large = any(len(frame) > 100 for _, frame in self._out)
        self.delays = (0.1,) if large else (0.005,)
        return super()._taken()


@variant("late-no-tap", without=NO_TAP, rig={"settle": "250ms"})
class LateNoTap(Late):
    """Takes 150 ms for each frame, and has no tap."""

    delays = (0.15,)


@variant("late-resolution", without=NO_TAP, rig={"settle": "200ms"}, parameters=SLOW)
class LateResolution(Late):
    """Takes 120 ms for each frame and forgets each neighbour with the packet: resolution and answer are both late."""

    delays = (0.12,)

    def transmit(self, packet, neighbour):
        super().transmit(packet, neighbour)
        if packet[24] != 0xFF:
            self.neighbours.pop(packet[24:40], None)


# -- hop limits, classes, quotes, errors -------------------------------------------------------------------------------


@variant("hop-limit-30", rigs=ANY)
class HopLimit30(ReferenceNode):
    """Sends with hop limit 30: RFC 8200 §3 leaves the value to the source, RFC 4861 §6.3.2 recommends 64."""

    def boot(self):
        super().boot()
        self.hop_limit = 30


@variant("hop-limit-each-time", rigs=ANY)
class HopLimitEach(ReferenceNode):
    """Another hop limit in each packet, from 255 downwards."""

    def send_icmp(self, source, destination, kind, code, body):
        self.hop_limit = self.hop_limit - 1 if self.hop_limit > 2 else 255
        super().send_icmp(source, destination, kind, code, body)


@variant("two-hop-limits", rigs=ANY, strict=False)
class TwoHopLimits(ReferenceNode):
    """255 in every fourth packet of its own, else 64: no text has a source keep to one."""

    def send_icmp(self, source, destination, kind, code, body):
        self.turn = getattr(self, "turn", 0) + 1
        self.hop_limit = 255 if self.turn % 4 == 0 else 64
        super().send_icmp(source, destination, kind, code, body)


@variant("flow-label-each-time", rigs=ANY)
class FlowLabelEach(ReferenceNode):
    """Another flow label in each packet of its own (RFC 6437 §3: a source may label as it likes)."""

    count = 0

    def output(self, packet):
        self.count += 1
        label = (self.count * 0x9E377) & 0xFFFFF
        super().output(
            packet[:1] + bytes([packet[1] & 0xF0 | label >> 16]) + label.to_bytes(3)[1:] + packet[4:]
        )


def quoting(id: str, octets: int, what: str, rigs: tuple[str, ...] = IEEE802154):
    """Register a node that quotes so many octets in an error."""

    @variant(id, rigs=rigs, without=NO_TAP)
    class Quoting(ReferenceNode):
        __doc__ = what

        def quote(self, packet):
            return packet[:octets]


quoting(
    "quote-128",
    128,
    "Quotes 128 octets in an error; RFC 4443 §2.4 (c) wants more, and that is no business of 6LoWPAN's.",
    ANY,
)
quoting(
    "quote-48",
    48,
    "Quotes an IPv6 header and 8 octets in an error, as RFC 792 has it; against RFC 4443 §2.4 (c) only.",
    ANY,
)
quoting("quote-64", 64, "Quotes 64 octets in an error: against RFC 4443 §2.4 (c) only.", ANY)
quoting("quote-400", 400, "Quotes 400 octets in an error.")
quoting("quote-one-frame", 60, "Quotes no more than lets the error fit one frame.")


@variant("quotes-nothing-of-fragments", without=NO_TAP)
class QuotesShortAfterFragments(ReferenceNode):
    """Quotes 120 octets of a packet of more than 600."""

    def quote(self, packet):
        return packet[:120] if len(packet) > 600 else super().quote(packet)


class Seldom(ReferenceNode):
    """An error each so many seconds (RFC 4443 §2.4 (f))."""

    every = 0.5

    def boot(self):
        super().boot()
        self.next_error = 0.0

    def error(self, packet, view, kind, code, word):
        if self.now >= self.next_error:
            self.next_error = self.now + self.every
            super().error(packet, view, kind, code, word)


@variant("two-errors-a-second-no-tap", without=NO_TAP)
class TwoErrors(Seldom):
    """Two ICMPv6 errors a second at most: RFC 4443 §2.4 (f), "MUST limit the rate"."""


@variant("an-error-each-three-seconds-no-tap", without=NO_TAP)
class ErrorEachThree(Seldom):
    """One ICMPv6 error in three seconds at most."""

    every = 3.0


@variant("errors-from-another-address", without=NO_TAP)
class ErrorsFromAnother(ReferenceNode):
    """Sends errors from an address of its own choice: RFC 4443 §2.2 (b) leaves it, where the packet was to no one's."""

    def source_for(self, destination):
        fitting = [a for a in self.own if is_link_local(a) == is_link_local(destination)]
        return (fitting or self.own)[-1]


@variant("bucket-of-ten-errors", without=NO_TAP)
class Bucket(ReferenceNode):
    """A token bucket of ten errors, one more each 100 ms: RFC 4443 §2.4 (f) recommends such."""

    def boot(self):
        super().boot()
        self.tokens, self.filled = 10.0, 0.0

    def error(self, packet, view, kind, code, word):
        self.tokens = min(10.0, self.tokens + (self.now - self.filled) * 10)
        self.filled = self.now
        if self.tokens >= 1:
            self.tokens -= 1
            super().error(packet, view, kind, code, word)


# -- extension headers -------------------------------------------------------------------------------------------------


class AtomicOff(ReferenceNode):
    """Takes an atomic Fragment header off before anything else sees the packet (RFC 8200 §4.5)."""

    def input(self, packet):
        view = ipv6.Packet.parse(packet)
        atomic = view.next_header == ipv6.FRAGMENT and len(packet) >= 48
        if atomic and not int.from_bytes(packet[42:44]) & 0xFFF9:
            length = (len(packet) - 48).to_bytes(2)
            packet = packet[:4] + length + packet[40:41] + packet[7:40] + packet[48:]
        super().input(packet)


@variant("atomic-fragments-off", without=NO_TAP)
class AtomicOffNoTap(AtomicOff):
    """Takes an atomic Fragment header off (RFC 8200 §4.5), and quotes without it."""


@variant("atomic-fragments-off-tap", rigs=ANY)
class AtomicOffTap(AtomicOff):
    """The same, with a tap in front of that."""


@variant("quotes-without-extensions", without=NO_TAP)
class QuotesWithout(ReferenceNode):
    """Quotes a packet without its extension headers, which it has worked off; against RFC 4443 §2.4 (c) only."""

    def quote(self, packet):
        protocol, _, message = ipv6.Packet.parse(packet).upper()
        if protocol != packet[6]:
            packet = packet[:4] + len(message).to_bytes(2) + bytes((protocol,)) + packet[7:40] + message
        return super().quote(packet)


@variant("no-extension-headers", rigs=ANY, without=NO_TAP)
class NoExtensionHeaders(ReferenceNode):
    """Drops each packet that has an extension header, in-line too: against RFC 8200 §4 only, and no tap shows it."""

    def pass_headers(self, packet, view):
        protocol, at = super().pass_headers(packet, view)
        if at != 40:
            raise Discard
        return protocol, at


EXTENSION_HEADERS = {ipv6.HOP_BY_HOP, ipv6.DESTINATION, ipv6.ROUTING, ipv6.FRAGMENT}


@variant("extension-headers-unrecognized", rigs=ANY)
class Unrecognized(ReferenceNode):
    """Knows no extension header, and says so: RFC 8200 §4, "discard the packet and send an ICMP Parameter Problem"."""

    def pass_headers(self, packet, view):
        if view.next_header in EXTENSION_HEADERS:
            self.problem(packet, view, 1, 6)
        return super().pass_headers(packet, view)


@variant("extension-headers-unrecognized-no-tap", without=NO_TAP, rigs=ANY)
class UnrecognizedNoTap(Unrecognized):
    """The same, and its errors are all that shows what it decompressed."""
