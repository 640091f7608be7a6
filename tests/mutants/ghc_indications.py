"""Mutants that misread a 6CIO (RFC 7400 §3.3, §3.4), or what else tells who reads GHC: the sender of the variants."""

from __future__ import annotations

from sixlowpan import nd
from sixlowpan.ipv6 import ICMPV6, Packet
from tests.mutants import ANY, mutant
from tests.variants.ghc import GhcSender


def told_by(id: str, requirement: str, advice: bool = False):
    """function(option octets, message kind) -> whether the node takes the sender for one that reads GHC."""

    def register(function):
        class Node(GhcSender):
            def deliver(self, packet, info):
                protocol, _, message = Packet.parse(packet).upper()
                if protocol == ICMPV6 and message[:1] and message[0] in range(nd.RS, nd.NA + 1):
                    at = {nd.RS: 8, 134: 16}.get(message[0], 24)
                    while at + 8 <= len(message) and message[at + 1]:
                        size = 8 * message[at + 1]
                        if message[at] == 36 and function(message[at : at + size], message[0]):
                            self.readers.add(info.src)
                        at += size
                super(GhcSender, self).deliver(packet, info)

        mutant(id, requirement=requirement, kinds=ANY, what=function.__doc__ or "", advice=advice)(Node)
        return function

    return register


@told_by("ghc-told-by-any-6cio", "RFC7400-3.3-03", advice=True)
def _(option, kind):
    """Takes every 6CIO for one with the G bit."""
    return True


@told_by("ghc-told-by-another-bit", "RFC7400-3.3-03", advice=True)
def _(option, kind):
    """Takes flag 8, beside the type and length, for the G bit."""
    return option[3] & 0x80


@told_by("ghc-told-by-the-last-bit", "RFC7400-3.3-03", advice=True)
def _(option, kind):
    """Takes the last bit of the option for the G bit."""
    return option[-1] & 1
