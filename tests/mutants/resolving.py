"""Mutants of address resolution (RFC 4861 §7.2): what they take of neighbours, and what they say of themselves."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan.addresses import ALL_NODES, UNSPECIFIED, is_multicast, solicited_node
from tests.mutants import mutant

SOLICITATION, ADVERTISEMENT = 135, 136


def wrong(id, requirement, *, advice=False):
    """Register a host that resolves addresses."""
    return mutant(id, requirement=requirement, advice=advice)


# -- what it takes ----------------------------------------------------------------------------------------------


def by_last_octets(count):
    """A node that compares so many octets of targets, at their end."""

    class Comparing(ReferenceNode):
        def solicited(self, view, target, found):
            alike = target[-count:] in {own[-count:] for own in self.own}
            if alike and target not in self.own and view.src != UNSPECIFIED:
                self.advertise_itself(target, view.src, 0x60)
                return
            super().solicited(view, target, found)

    return Comparing


@wrong("nd-target-by-last-24-bits", "RFC4861-7.2.3-01")
class By24Bits(by_last_octets(3)):
    """Compares the last 24 bits of targets, by which solicited-node groups are made."""


@wrong("nd-target-by-identifier", "RFC4861-7.2.3-01")
class ByIdentifier(by_last_octets(8)):
    """Compares the interface identifiers of targets, whatever the prefix."""


@wrong("nd-unspecified-source-with-link", "RFC4861-7.1.1-01")
class UnspecifiedWithLink(ReferenceNode):
    """Answers a solicitation from :: that has a Source Link-Layer Address option."""

    def solicited(self, view, target, found):
        if view.src == UNSPECIFIED:
            found = {kind: octets for kind, octets in found.items() if kind != 1}
        super().solicited(view, target, found)


@wrong("nd-unspecified-source-to-unicast", "RFC4861-7.1.1-01")
class UnspecifiedUnicast(ReferenceNode):
    """Answers a solicitation from :: that went to its unicast address."""

    def solicited(self, view, target, found):
        if view.src == UNSPECIFIED and target in self.own and 1 not in found and not is_multicast(view.dst):
            self.advertise_itself(target, ALL_NODES, 0x20)
            return
        super().solicited(view, target, found)


@wrong("nd-learns-of-any-solicitation", "RFC4861-7.2.3-01")
class LearnsOfAny(ReferenceNode):
    """Takes the link-layer address out of a solicitation for somebody else."""

    def solicited(self, view, target, found):
        if 1 in found and view.src != UNSPECIFIED:
            self.learn(view.src, self.option_address(found[1]))
        super().solicited(view, target, found)


class Flags(ReferenceNode):
    """A node that reads other flags of an advertisement than are there."""

    def flags_read(self, flags):
        raise NotImplementedError

    def advertised(self, view, message, found):
        super().advertised(view, message[:4] + bytes((self.flags_read(message[4]),)) + message[5:], found)


@wrong("nd-override-not-asked-for", "RFC4861-7.2.5-01")
class OverrideNotAsked(Flags):
    """Takes another link-layer address out of an advertisement whose Override flag is clear."""

    def flags_read(self, flags):
        return flags | 0x20


@wrong("nd-solicited-overrides", "RFC4861-7.2.5-01")
class SolicitedOverrides(Flags):
    """Takes the Solicited flag for leave to update the link-layer address."""

    def flags_read(self, flags):
        return flags | (flags & 0x40) >> 1


@wrong("nd-solicited-multicast-taken", "RFC4861-7.1.2-01")
class SolicitedMulticast(Flags):
    """Takes an advertisement to all nodes that says that it was solicited."""

    def flags_read(self, flags):
        return flags & 0xBF


class Unchecked(ReferenceNode):
    """A node that checks less of an advertisement than it must."""

    def checked_less(self, view, message):
        raise NotImplementedError

    def icmp(self, view, message):
        super().icmp(*self.checked_less(view, message) if message[0] == ADVERTISEMENT else (view, message))


@wrong("nd-advertised-code-unchecked", "RFC4861-7.1.2-01")
class CodeUnchecked(Unchecked):
    """Takes an advertisement with any Code."""

    def checked_less(self, view, message):
        return view, message[:1] + b"\0" + message[2:]


@wrong("nd-advertised-hop-limit-unchecked", "RFC4861-7.1.2-01")
class HopLimitUnchecked(ReferenceNode):
    """Takes an advertisement whose hop limit shows that it was forwarded."""

    def icmp(self, view, message):
        found = (
            self.neighbour_options(message) if message[0] == ADVERTISEMENT and view.hop_limit != 255 else None
        )
        if found is not None and not message[1]:
            self.advertised(view, message, found)
            return
        super().icmp(view, message)


@wrong("nd-advertised-option-0-taken", "RFC4861-7.1.2-01")
class Option0Taken(ReferenceNode):
    """Takes what stands in front of an option of length 0 in an advertisement."""

    def neighbour_options(self, message):
        found = super().neighbour_options(message)
        if found is None and message[0] == ADVERTISEMENT:
            return super().neighbour_options(message[:40])
        return found


@wrong("nd-strangers-advertisement-kept", "RFC4861-7.2.5-02", advice=True)
class StrangersKept(ReferenceNode):
    """Makes an entry of an advertisement of somebody whom it has not asked for."""

    def advertised(self, view, message, found):
        if 2 in found and message[4] & 0x20 and not is_multicast(view.dst):
            self.learn(message[8:24], self.option_address(found[2]))
        super().advertised(view, message, found)


@wrong("nd-reserved-solicitation-dropped", "RFC4861-7.1.1-02")
class ReservedSolicitation(ReferenceNode):
    """Drops a solicitation with reserved bits set."""

    def icmp(self, view, message):
        if message[0] != SOLICITATION or not any(message[4:8]):
            super().icmp(view, message)


@wrong("nd-reserved-advertisement-dropped", "RFC4861-7.1.2-02")
class ReservedAdvertisement(ReferenceNode):
    """Drops an advertisement with reserved bits set."""

    def icmp(self, view, message):
        if message[0] != ADVERTISEMENT or not (message[4] & 0x1F or any(message[5:8])):
            super().icmp(view, message)


@wrong("nd-one-answer-releases-all", "RFC4861-7.2.2-01")
class ReleasesAll(ReferenceNode):
    """Sends all packets that wait for a link-layer address to the first one that it is told."""

    def learn(self, address, link):
        super().learn(address, link)
        for other in list(self.resolving):
            super().learn(other, link)


# -- what it says -----------------------------------------------------------------------------------------------


class Says(ReferenceNode):
    """A node whose advertisements are wrong."""

    def said(self, destination, body):
        raise NotImplementedError

    def send_nd(self, source, destination, kind, body):
        if kind == ADVERTISEMENT:
            destination, body = self.said(destination, body)
        super().send_nd(source, destination, kind, body)


@wrong("nd-tried-address-solicited", "RFC4861-7.2.4-01")
class TriedSolicited(Says):
    """Sets the Solicited flag in what it tells all nodes."""

    def said(self, destination, body):
        return destination, bytes((body[0] | 0x40 * is_multicast(destination),)) + body[1:]


@wrong("nd-tried-address-told-to-the-group", "RFC4861-7.2.4-01")
class TriedToGroup(Says):
    """Answers who tries its address at the solicited-node group of that."""

    def said(self, destination, body):
        return solicited_node(body[4:20]) if is_multicast(destination) else destination, body


@wrong("nd-tried-address-unanswered", "RFC4861-7.2.4-01")
class TriedUnanswered(ReferenceNode):
    """Says nothing to who tries its address."""

    def solicited(self, view, target, found):
        if view.src != UNSPECIFIED:
            super().solicited(view, target, found)


@wrong("nd-advertises-its-first-address", "RFC4861-7.2.4-02")
class FirstAddress(Says):
    """Has its first address for the target, whichever was solicited."""

    def said(self, destination, body):
        return destination, body[:4] + self.own[0] + body[20:]


@mutant("nd-host-says-router", requirement="RFC4861-7.2.4-02", rig="reference-nd-6ln")
class SaysRouter(Says):
    """A 6LN that sets the Router flag."""

    def said(self, destination, body):
        return destination, bytes((body[0] | 0x80,)) + body[1:]


mutant("nd-router-says-host", requirement="RFC4861-7.2.4-02", rig="reference-nd-6lbr")(
    type("SaysHost", (ReferenceNode,), {"__doc__": "A router whose Router flag is clear.", "router_flag": 0})
)
