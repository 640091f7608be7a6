"""Bases of the mutants of Neighbor Discovery: a node in which one step differs, and each mutant says how it does."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.discovery import Discovery
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.ipv6 import ICMPV6
from tests.mutants import starts_with


def says(kind, change):
    """A node whose messages of one kind leave changed: change(node, source, destination, body) -> the same three."""

    class Saying(ReferenceNode):
        def send_nd(self, source, destination, sent, body):
            if sent == kind:
                source, destination, body = change(self, source, destination, body)
            super().send_nd(source, destination, sent, body)

    return Saying


def says_with_hop_limit(value, *kinds):
    """A node whose ICMPv6 messages of these kinds leave with this hop limit."""

    class Saying(ReferenceNode):
        def output(self, packet):
            super().output(_with_hop_limit(packet, value, kinds))

    return Saying


def hop_limit_unchecked(*kinds):
    """A node that takes ICMPv6 messages of these kinds with any hop limit, where it must be 255 (RFC 4861)."""

    class Unchecked(ReferenceNode):
        def input(self, packet):
            super().input(_with_hop_limit(packet, 255, kinds))

    return Unchecked


def _with_hop_limit(packet, value, kinds):
    concerned = packet[6] == ICMPV6 and packet[40] in kinds
    return packet[:7] + bytes([value]) + packet[8:] if concerned else packet


def code_unchecked(kind):
    """A node that takes ICMPv6 messages of this kind with any Code."""

    class Unchecked(ReferenceNode):
        def icmp(self, view, message):
            super().icmp(view, message[:1] + b"\0" + message[2:] if message[0] == kind else message)

    return Unchecked


def drops_longer(kind, size):
    """A node that drops ICMPv6 messages of this kind with more octets, such as an option."""

    class Dropping(ReferenceNode):
        def icmp(self, view, message):
            if message[0] != kind or len(message) == size:
                super().icmp(view, message)

    return Dropping


def checksum_unchecked(kind):
    """A node that does not look at the checksum of ICMPv6 messages of this kind."""

    class Unchecked(ReferenceNode):
        def checksum_holds(self, view, protocol, message):
            concerned = protocol == ICMPV6 and message[:1] == bytes([kind])
            return concerned or super().checksum_holds(view, protocol, message)

    return Unchecked


def ends_at_option_0(kind):
    """A node that takes what stands in front of an option of length 0 in an NS or NA for the whole message."""

    class Ending(ReferenceNode):
        @staticmethod
        def parsed(message):
            at = 24
            while message[0] == kind and at + 1 < len(message):
                if not message[at + 1]:
                    message = message[:at]
                else:
                    at += 8 * message[at + 1]
            return Discovery.parsed(message)

    return Ending


# -- hosts ------------------------------------------------------------------------------------------------------


def registers(change):
    """A host whose ARO leaves changed: change(node, option) -> option."""

    class Registering(ReferenceNode):
        def registration_option(self, address, router, lifetime):
            return change(self, super().registration_option(address, router, lifetime))

    return Registering


def reads_answers(change):
    """A host that takes the ARO of an answer for another one: change(node, option) -> option, None to ignore it."""

    class Reading(ReferenceNode):
        def registration_answered(self, address, option):
            read = change(self, option)
            if read is not None:
                super().registration_answered(address, read)

    return Reading


def reads_contexts(change):
    """A host that takes a 6CO for another one: change(node, option) -> option, None to ignore it."""

    class Reading(ReferenceNode):
        def take_context(self, option):
            read = change(self, option)
            if read is not None:
                super().take_context(read)

    return Reading


def router_keeps(name):
    """A host that keeps what a router told first of this: the name of a field of `registration.Router`."""

    class Keeping(ReferenceNode):
        def keep_router(self, message):
            before = self.routers.get(self.sender)
            new = super().keep_router(message)
            if before is None or self.sender not in self.routers:
                return new
            setattr(self.routers[self.sender], name, getattr(before, name))
            return False

    return Keeping


@starts_with(had=False)
class HadARouter(ReferenceNode):
    """A host that remembers whether it had a router since its start."""

    def keep_router(self, message):
        self.had = True
        return super().keep_router(message)


# -- routers ----------------------------------------------------------------------------------------------------


def answers(change):
    """A router that answers registrations otherwise: change(node, destination, option) -> both, None to be silent."""

    class Answering(ReferenceNode):
        def answer_registration(self, target, destination, option):
            changed = change(self, destination, option)
            if changed is not None:
                super().answer_registration(target, *changed)

    return Answering


def sends_duplicates(change):
    """A router whose DARs and DACs leave changed: change(node, message, source, destination) -> the same three."""

    class Sending(ReferenceNode):
        def send_duplicate(self, message, source, destination):
            super().send_duplicate(*change(self, message, source, destination))

    return Sending


def without_flag(flag):
    """A router that leaves a flag of its 6CIO clear."""

    class Clear(ReferenceNode):
        def flags(self):
            return super().flags() - {flag}

    return Clear


class RegistersWithoutSllao(ReferenceNode):
    """A router to which the source's identifier tells the link-layer address, where a registration has no SLLAO."""

    def registration(self, view, message):
        if not any(isinstance(o, nd.LinkLayerAddress) for o in message.options):
            link = bytes([view.src[8] ^ 2]) + view.src[9:]
            message = replace(message, options=(nd.LinkLayerAddress(1, link), *message.options))
        return super().registration(view, message)
