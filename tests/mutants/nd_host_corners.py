"""Mutants of a 6LN of RFC 6775: invalid messages, options in other places, losses, numbers at their ends."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.discovery import Discovery
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6, nd
from sixlowpan.addresses import is_multicast
from tests.mutants.nd_host import wrong
from tests.mutants.nd_steps import checksum_unchecked, code_unchecked, ends_at_option_0

# -- messages that are not valid --------------------------------------------------------------------------------


@wrong("6ln-nd-refused-ra-ends-solicitation", "RFC4861-6.1.2-01")
class RefusedEndsSolicitation(ReferenceNode):
    """Solicits no more behind an advertisement that it discards."""

    def icmp(self, view, message):
        if message[0] == nd.RA:
            self.solicited_at = None
        super().icmp(view, message)


@wrong("6ln-nd-ra-checksum-unchecked", "RFC4861-6.1.2-01")
class RaChecksum(checksum_unchecked(nd.RA)):
    """Does not look at the checksum of an advertisement."""


@wrong("6ln-nd-na-checksum-unchecked", "RFC4861-7.1.2-01")
class NaChecksum(checksum_unchecked(nd.NA)):
    """Does not look at the checksum of the answer to a registration."""


@wrong("6ln-nd-ra-short-taken", "RFC4861-6.1.2-01")
class RaShort(ReferenceNode):
    """Takes an advertisement that ends behind its lifetime for one without options."""

    @staticmethod
    def parsed(message):
        short = message[0] == nd.RA and 8 <= len(message) < 16
        return Discovery.parsed(message + bytes(16 - len(message)) if short else message)


@wrong("6ln-nd-na-code-unchecked", "RFC4861-7.1.2-01")
class NaCode(code_unchecked(nd.NA)):
    """Takes the answer to a registration with any Code."""


@wrong("6ln-nd-na-option-0-taken", "RFC4861-7.1.2-01")
class NaOption0(ends_at_option_0(nd.NA)):
    """Takes what stands in front of an option of length 0 in the answer to a registration."""


@wrong("6ln-nd-na-short-taken", "RFC4861-7.1.2-01")
class NaShort(ReferenceNode):
    """Takes a registration for confirmed by an advertisement that ends within its target."""

    def icmp(self, view, message):
        if message[0] == nd.NA and len(message) < 24 and view.src in self.routers:
            for address, routers in self.pending.items():
                if view.src in routers:
                    self.view = view
                    self.registration_answered(address, nd.AddressRegistration(self.eui64(), lifetime=10))
                    break
        super().icmp(view, message)


@wrong("6ln-nd-na-solicited-multicast-taken", "RFC4861-7.1.2-01")
class NaSolicitedMulticast(ReferenceNode):
    """Takes the answer to a registration from an advertisement to all nodes that says that it was solicited."""

    def is_valid_answer(self, view, message):
        return True


@wrong("6ln-nd-na-target-group-taken", "RFC4861-7.1.2-01")
class NaTargetGroup(ReferenceNode):
    """Takes the answer to a registration from an advertisement whose target is a group."""

    def is_valid_answer(self, view, message):
        return is_multicast(message.target) or super().is_valid_answer(view, message)


@wrong("6ln-nd-answers-rs", "RFC4861-6.1.1-02")
class AnswersRs(ReferenceNode):
    """Answers a Router Solicitation: with an advertisement of lifetime 0."""

    def discovery(self, view, message):
        if isinstance(message, nd.RouterSolicitation):
            self.send_nd(self.own[0], view.src, nd.RA, bytes((64, 0)) + bytes(10) + self.link_option(1))
        return super().discovery(view, message)


@wrong("6ln-nd-rs-learnt", "RFC4861-6.1.1-02")
class LearnsOfRs(ReferenceNode):
    """Takes whoever solicits routers for one: sends there what is off-link."""

    def discovery(self, view, message):
        if isinstance(message, nd.RouterSolicitation) and self.routers:
            first = next(iter(self.routers))
            self.routers[first].link = self.option_address(message.options[0].address)
        return super().discovery(view, message)


# -- options ----------------------------------------------------------------------------------------------------


@wrong("6ln-nd-ra-without-sllao-crash", "RFC4861-6.1.2-01")
class NoSllaoCrash(ReferenceNode):
    """Crashes on an advertisement without the SLLAO that must be there."""

    def keep_router(self, message):
        next(o for o in message.options if isinstance(o, nd.LinkLayerAddress))
        return super().keep_router(message)


@wrong("6ln-nd-na-options-end-at-an-unknown", "RFC4861-7.1.2-02")
class NaUnknownEnds(ReferenceNode):
    """Reads no further in an answer to a registration than the first option that it does not know."""

    def advertised_neighbour(self, message):
        known = []
        for option in message.options:
            if isinstance(option, nd.UnknownOption):
                break
            known.append(option)
        super().advertised_neighbour(replace(message, options=tuple(known)))


@wrong("6ln-nd-na-first-option-only", "RFC6775-5.5.2-03")
class NaFirstOption(ReferenceNode):
    """Looks at the first option of an answer to a registration only."""

    def advertised_neighbour(self, message):
        super().advertised_neighbour(replace(message, options=message.options[:1]))


@wrong("6ln-nd-sllao-in-front-only", "RFC6775-5.6-02", advice=True)
class SllaoInFront(ReferenceNode):
    """Sees the SLLAO of a router in front of the other options only."""

    def keep_router(self, message):
        kept = [o for o in message.options[1:] if not isinstance(o, nd.LinkLayerAddress)]
        return super().keep_router(replace(message, options=(*message.options[:1], *kept)))


@wrong("6ln-nd-context-of-length-3-refused", "RFC6775-4.2-01", advice=True)
class LongForShort(ReferenceNode):
    """Ignores a 6CO of Length 3 whose Context Length is 64 or less."""

    @staticmethod
    def parsed(message):
        at, kept = 16, message[:16]
        while message[0] == nd.RA and at + 1 < len(message) and message[at + 1]:
            size = 8 * message[at + 1]
            if not (message[at] == nd.SIXCO and size == 24 and message[at + 2] <= 64):
                kept += message[at : at + size]
            at += size
        return Discovery.parsed(kept if message[0] == nd.RA and at == len(message) else message)


@wrong("6ln-nd-preferred-0-no-address", "RFC6775-5.4.1-02")
class Preferred0(ReferenceNode):
    """Makes no address of a prefix that is valid, though preferred no more."""

    def makes_address(self, option):
        return super().makes_address(option) and option.preferred_lifetime > 0


@wrong("6ln-nd-mtu-of-advertisement-drops", "RFC4861-6.1.2-02")
class MtuDrops(ReferenceNode):
    """Drops an advertisement with an MTU option of another value than 1280."""

    def takes_advertisement(self, message):
        found = [o for o in message.options if isinstance(o, nd.UnknownOption) and o.type == 5]
        return all(o.body[2:6] == (1280).to_bytes(4) for o in found)


# -- numbers ----------------------------------------------------------------------------------------------------


@wrong("6ln-nd-nd-with-cur-hop-limit", "RFC4861-7.1.1-01")
class NdHopLimit(ReferenceNode):
    """Sends Neighbor Discovery with the Cur Hop Limit that it was told."""

    def boot(self):
        super().boot()
        self.told = 255

    def advertised_router(self, message):
        self.told = message.hop_limit or self.told
        super().advertised_router(message)

    def send_nd(self, source, destination, kind, body):
        message = ipv6.icmpv6(kind, 0, body, source, destination)
        self.output(ipv6.build(source, destination, ipv6.ICMPV6, message, hop_limit=self.told))


class Lifetimes(ReferenceNode):
    """A node that counts the lifetimes of prefixes in other units or sizes."""

    def counted(self, seconds):
        raise NotImplementedError

    def take_prefix(self, option):
        if option.valid_lifetime != 0xFFFFFFFF:
            option = replace(option, valid_lifetime=self.counted(option.valid_lifetime))
        super().take_prefix(option)


@wrong("6ln-nd-prefix-lifetime-in-signed-ms", "RFC6775-5.4.1-02")
class SignedMs(Lifetimes):
    """Counts the lifetime of a prefix in milliseconds, in 31 bits: 25 days and more have ended at once."""

    def counted(self, seconds):
        return 0 if seconds * 1000 & 0x80000000 else (seconds * 1000 & 0x7FFFFFFF) // 1000


@wrong("6ln-nd-prefix-lifetime-in-ms", "RFC6775-5.4.1-02")
class UnsignedMs(Lifetimes):
    """Counts the lifetime of a prefix in milliseconds, in 32 bits, which are 50 days."""

    def counted(self, seconds):
        return (seconds * 1000 & 0xFFFFFFFF) // 1000


@wrong("6ln-nd-prefix-lifetime-of-16-bits", "RFC6775-5.4.1-02")
class Lifetime16(Lifetimes):
    """Looks at the lower 16 bits of a prefix's lifetime."""

    def counted(self, seconds):
        return seconds & 0xFFFF


@wrong("6ln-nd-router-lifetime-of-8-bits", "RFC6775-5.3-07")
class RouterLifetime8(ReferenceNode):
    """Looks at the lower octet of a Router Lifetime."""

    def advertised_router(self, message):
        super().advertised_router(replace(message, router_lifetime=message.router_lifetime & 0xFF))
