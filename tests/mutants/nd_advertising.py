"""Mutants of routers of RFC 6775: which solicitations they answer, and which contexts they tell of."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from tests.mutants.nd_6lbr import wrong_6lbr
from tests.mutants.nd_router import wrong
from tests.mutants.nd_steps import checksum_unchecked, code_unchecked, hop_limit_unchecked

# -- solicitations that are not valid ---------------------------------------------------------------------------


@wrong("6lr-rs-hop-limit-unchecked", "RFC4861-6.1.1-01")
class RsHopLimit(hop_limit_unchecked(nd.RS)):
    """Answers a solicitation whatever its hop limit is."""


@wrong("6lr-rs-hop-limit-above-200", "RFC4861-6.1.1-01")
class RsHopLimitAbove(ReferenceNode):
    """Takes any hop limit of more than 200 for one that no router has lowered."""

    def icmp(self, view, message):
        near = message[0] == nd.RS and view.hop_limit > 200
        super().icmp(replace(view, hop_limit=255) if near else view, message)


@wrong("6lr-rs-checksum-unchecked", "RFC4861-6.1.1-01", "LINUX-CHECKSUM-UNNECESSARY")
class RsChecksum(checksum_unchecked(nd.RS)):
    """Does not look at the checksum of a solicitation."""


@wrong("6lr-rs-code-unchecked", "RFC4861-6.1.1-01")
class RsCode(code_unchecked(nd.RS)):
    """Answers a solicitation with another code than 0."""


@wrong("6lr-rs-short-answered", "RFC4861-6.1.1-01")
class RsShort(ReferenceNode):
    """Answers a solicitation that ends with its checksum."""

    def upper(self, packet, view, protocol, at):
        message = packet[at:]
        if (
            message[:1] == bytes([nd.RS])
            and len(message) < 8
            and self.checksum_holds(view, protocol, message)
        ):
            self.icmp(view, message + bytes(4))
        super().upper(packet, view, protocol, at)


@wrong("6lr-rs-option-0-answered", "RFC4861-6.1.1-01")
class RsOptionZero(ReferenceNode):
    """Stops reading at an option of length 0, and answers all the same."""

    def icmp(self, view, message):
        at = 8
        while message[0] == nd.RS and at + 1 < len(message) and message[at + 1]:
            at += 8 * message[at + 1]
        super().icmp(view, message[:at] if message[0] == nd.RS else message)


# -- contexts ---------------------------------------------------------------------------------------------------


@wrong_6lbr("6lbr-first-context-only", "RFC6775-7.2-04", "RADVD-ONE-6CO")
class FirstOnly(ReferenceNode):
    """Tells of its first context only."""

    def shown_contexts(self):
        return super().shown_contexts()[:1]


@wrong_6lbr("6lbr-contexts-twice", "RFC6775-7.2-04")
class Twice(ReferenceNode):
    """Tells of each context twice."""

    def shown_contexts(self):
        return [*super().shown_contexts(), *super().shown_contexts()]


@wrong_6lbr("6lbr-context-without-prefix", "RFC6775-4.2-01", "RADVD-6CO-PREFIX")
class WithoutPrefix(ReferenceNode):
    """Tells of each context as a prefix of zeros."""

    def shown_contexts(self):
        return [replace(option, prefix=bytes(16)) for option in super().shown_contexts()]
