"""Mutants that get Neighbor Discovery over IEEE 802.15.4 wrong where option and frame differ, or where options are odd.

RFC 4944 §8: the option holds the address to which to send, and RFC 4861 §7.2 says when it counts.
"""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.host import ADVERTISEMENT, SOLICITATION
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan.addresses import is_link_local
from tests.mutants import ANY, IEEE802154, mutant, reads, starts_with


class Framing(ReferenceNode):
    """A node that keeps the link addresses of the frame with which a packet came."""

    def deliver(self, packet, info):
        self.came = info
        super().deliver(packet, info)

    def with_mac_source(self, found, kind):
        """The options found in a message, with the MAC source of its frame for the one of this kind."""
        source = self.came.src if len(self.came.src) == 8 else self.came.src + bytes(4)
        return {**found, kind: source} if kind in found else found


@mutant("nd-learns-mac-source", requirement="RFC4944-8-04", kinds=IEEE802154)
class LearnsMacSource(Framing):
    """Learns the MAC source of a Neighbor Solicitation, not the address in its option."""

    def solicited(self, view, target, found):
        super().solicited(view, target, self.with_mac_source(found, 1))


@mutant("nd-learns-mac-source-of-na", requirement="RFC4944-8-04", kinds=IEEE802154)
class LearnsMacSourceOfNa(Framing):
    """Learns the MAC source of a Neighbor Advertisement, not the address in its option."""

    def advertised(self, view, message, found):
        super().advertised(view, message, self.with_mac_source(found, 2))


@mutant("nd-source-never-changes", requirement="RFC4944-8-01", kinds=IEEE802154)
class SourceNeverChanges(ReferenceNode):
    """Keeps the first link-layer address of a neighbour, whatever a later solicitation says."""

    def solicited(self, view, target, found):
        if 1 in found and view.src in self.neighbours:
            found = {**found, 1: self.neighbours[view.src] + bytes(14 - len(self.neighbours[view.src]))}
            if len(self.neighbours[view.src]) == 2:
                found[1] = self.neighbours[view.src] + bytes(4)
        super().solicited(view, target, found)


@mutant("nd-override-ignored", requirement="RFC4944-8-01", kinds=IEEE802154)
class OverrideIgnored(ReferenceNode):
    """Keeps the link-layer address of a neighbour though an advertisement overrides it."""

    def advertised(self, view, message, found):
        if message[8:24] not in self.neighbours:
            super().advertised(view, message, found)


@mutant("nd-first-option-only", requirement="RFC4944-8-01", kinds=IEEE802154)
class FirstOptionOnly(ReferenceNode):
    """Looks at the first option of a message only."""

    def neighbour_options(self, message):
        found = super().neighbour_options(message)
        return dict(list(found.items())[:1]) if found else found


@mutant("nd-unknown-option-dropped", requirement="RFC4861-7.1.1-01", kinds=ANY)
class UnknownOptionDropped(ReferenceNode):
    """Drops a message with an option that it does not know."""

    def neighbour_options(self, message):
        found = super().neighbour_options(message)
        return None if found and set(found) - set(range(1, 26)) else found


@mutant("nd-long-options-crash", requirement="RFC4861-7.1.1-01", kinds=ANY)
class LongOptionsCrash(ReferenceNode):
    """Crashes on more than 255 octets of options: counts them in one octet."""

    def neighbour_options(self, message):
        if len(message) - 24 > 255:
            raise IndexError("the count of octets wraps, and the walk goes on for ever")
        return super().neighbour_options(message)


@mutant("nd-long-option-crash", requirement="RFC4861-7.1.1-01", kinds=ANY)
class LongOptionCrash(ReferenceNode):
    """Crashes on an option of 256 octets or more: 8 times its length does not fit one octet."""

    def neighbour_options(self, message):
        found = super().neighbour_options(message)
        if found and any(len(octets) > 250 for octets in found.values()):
            raise IndexError("beyond the message")
        return found


@mutant("nd-options-beyond-five-crash", requirement="RFC4861-7.1.1-01", kinds=ANY)
class OptionsBeyondFiveCrash(ReferenceNode):
    """Crashes on more than five options."""

    def neighbour_options(self, message):
        at, count = 24, 0
        while at + 1 < len(message) and message[at + 1]:
            at, count = at + 8 * message[at + 1], count + 1
        if count > 5 and at == len(message):
            raise IndexError("beyond the table of options")
        return super().neighbour_options(message)


@mutant("nd-lying-length-crash", requirement="RFC4861-7.1.1-01", kinds=ANY)
class LyingLengthCrash(ReferenceNode):
    """Crashes on an option whose length lies beyond the message, where its type is 0x1e, 0x63 or 0x6d."""

    def neighbour_options(self, message):
        odd = len(message) > 25 and message[24] in {0x1E, 0x63, 0x6D}
        if odd and 24 + 8 * message[25] > len(message):
            raise IndexError("beyond the message")
        return super().neighbour_options(message)


@mutant("nd-half-option-crash", requirement="RFC4861-7.1.1-01", kinds=ANY)
class HalfOptionCrash(ReferenceNode):
    """Crashes on an option of which only the type is there."""

    def neighbour_options(self, message):
        if len(message) == 25:
            raise IndexError("beyond the message")
        return super().neighbour_options(message)


@mutant("nd-short-option-cut-crash", requirement="RFC4944-8-03", kinds=IEEE802154)
class ShortOptionCrash(ReferenceNode):
    """Reads eight octets of a link-layer address option of length 1."""

    def option_address(self, octets):
        if len(octets) < 8:
            raise IndexError("beyond the option")
        return super().option_address(octets)


@mutant("nd-long-link-option-crash", requirement="RFC4944-8-02", kinds=IEEE802154)
class LongLinkOptionCrash(ReferenceNode):
    """Copies a link-layer address option of length 3 or more over what stands behind its place."""

    def option_address(self, octets):
        if len(octets) > 14:
            raise IndexError("beyond the place of an address")
        return super().option_address(octets)


@mutant("nd-eui64-of-zeros-is-short", requirement="RFC4944-8-02", kinds=IEEE802154)
class OfZerosIsShort(ReferenceNode):
    """Tells a short address from an EUI-64 by the zeros behind it, and not by the option's Length."""

    def option_address(self, octets):
        return octets[:2] if not any(octets[2:]) else octets[:8]


@reads("nd-uncompressed-dropped", requirement="RFC4944-5.1-05", kinds=IEEE802154)
def _(node, payload, header, info):
    "Ignores Neighbor Discovery in uncompressed packets."
    return None if payload[:1] == b"\x41" and payload[41:42] in {b"\x87", b"\x88"} else payload


@reads("nd-in-line-dropped", requirement="RFC6282-2-04", kinds=ANY)
def _(node, payload, header, info):
    "Ignores Neighbor Discovery whose hop limit is in-line."
    found = (
        header is not None and not header.nh and payload[header.end : header.end + 1] in {b"\x87", b"\x88"}
    )
    return None if found and header.hlim == 0 else payload


@mutant("nd-in-fragments-dropped", requirement="RFC4944-4-02", kinds=IEEE802154)
class NdInFragmentsDropped(ReferenceNode):
    """Ignores a Neighbor Solicitation that came in fragments."""

    def reassemble(self, payload, info):
        packet = super().reassemble(payload, info)
        return None if packet and packet[6] == 58 and packet[40:41] == b"\x87" else packet


@mutant("nd-answer-to-mac-source", requirement="RFC4944-8-04", kinds=IEEE802154)
class AnswerToMacSource(Framing):
    """Sends an advertisement to the MAC source of the solicitation, not to the address in its option."""

    def send_nd(self, source, destination, kind, body):
        known = self.neighbours.get(destination)
        if kind == ADVERTISEMENT and known is not None:
            self.neighbours[destination] = self.came.src
        super().send_nd(source, destination, kind, body)
        if kind == ADVERTISEMENT and known is not None:
            self.neighbours[destination] = known


@mutant("nd-answers-to-mac-source", requirement="RFC4944-8-01", kinds=IEEE802154)
class AnswersToMacSource(Framing):
    """Sends every answer to the MAC source of what it answers, and resolves nothing."""

    def output(self, packet):
        came = getattr(self, "came", None)
        if came is not None and packet[24] != 0xFF and packet[40:41] != bytes((SOLICITATION,)):
            self.transmit(packet, came.src)
        else:
            super().output(packet)


REDIRECT = 137


@starts_with(redirected={})
class Redirected(ReferenceNode):
    """Heeds a Redirect that `is_valid` (RFC 4861 §8.1), from any neighbour."""

    def icmp(self, view, message):
        if message[0] == REDIRECT and len(message) >= 40 and self.is_valid(view, message):
            self.redirected[message[24:40]] = message[42:50]
        else:
            super().icmp(view, message)

    def is_valid(self, view, message):
        local = is_link_local(view.src) and (is_link_local(message[8:24]) or message[8:24] == message[24:40])
        return view.hop_limit == 255 and message[1] == 0 and local and self.whole(message[40:])

    def whole(self, options):
        while options and options[1:2] > b"\0":
            options = options[8 * options[1] :]
        return not options

    def output_piece(self, packet):
        if packet[24:40] in self.redirected:
            self.transmit(packet, self.redirected[packet[24:40]])
        else:
            super().output_piece(packet)


@mutant("redirect-from-anybody", requirement="RFC4861-8.1-01", kinds=IEEE802154)
class RedirectFromAnybody(Redirected):
    """Heeds a Redirect from a neighbour that is no router; all else of it is checked."""


@mutant("redirect-to-itself-only", requirement="RFC4861-8.1-01", kinds=IEEE802154)
class RedirectToItself(Redirected):
    """Heeds a Redirect from a neighbour where its target is its destination."""

    def is_valid(self, view, message):
        return super().is_valid(view, message) and message[8:24] == message[24:40]


class RedirectedByRouter(Redirected):
    """Heeds a Redirect of its router that is valid but for what `is_valid` does not check."""

    def icmp(self, view, message):
        if message[0] != REDIRECT or view.src in self.routers:
            super().icmp(view, message)


@mutant("redirect-hop-limit-unchecked", requirement="RFC4861-8.1-01", rig="reference-nd-6ln")
class RedirectHopLimit(RedirectedByRouter):
    """Heeds a Redirect of its router with any hop limit."""

    def is_valid(self, view, message):
        return super().is_valid(replace(view, hop_limit=255), message)


@mutant("redirect-code-unchecked", requirement="RFC4861-8.1-01", rig="reference-nd-6ln")
class RedirectCode(RedirectedByRouter):
    """Heeds a Redirect of its router with any Code."""

    def is_valid(self, view, message):
        return super().is_valid(view, message[:1] + b"\0" + message[2:])


@mutant("redirect-options-unchecked", requirement="RFC4861-8.1-01", rig="reference-nd-6ln")
class RedirectOptions(RedirectedByRouter):
    """Heeds a Redirect of its router with an option of length zero."""

    def whole(self, options):
        return True


@mutant("redirect-target-unchecked", requirement="RFC4861-8.1-01", rig="reference-nd-6ln")
class RedirectTarget(RedirectedByRouter):
    """Heeds a Redirect of its router to a target that is neither link-local nor the destination."""

    def is_valid(self, view, message):
        return super().is_valid(view, message[:8] + view.src + message[24:])
