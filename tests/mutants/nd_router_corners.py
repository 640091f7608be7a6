"""Mutants of a 6LR of RFC 6775: messages that are not valid, what it copies of an option, and what a 6LBR tells it."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.discovery import Discovery
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6, nd
from sixlowpan.addresses import ALL_NODES, UNSPECIFIED, is_link_local, is_multicast
from tests.mutants import starts_with
from tests.mutants.nd_host_lost import GroupWithoutTllao
from tests.mutants.nd_router import wrong
from tests.mutants.nd_steps import answers, checksum_unchecked, code_unchecked, ends_at_option_0

# -- messages that are not valid --------------------------------------------------------------------------------


@wrong("6lr-rs-unknown-option-dropped", "RFC4861-6.1.1-03")
class RsUnknownOption(ReferenceNode):
    """Drops a solicitation with an option that it does not know."""

    def discovery(self, view, message):
        odd = any(isinstance(o, nd.UnknownOption) for o in message.options)
        return (isinstance(message, nd.RouterSolicitation) and odd) or super().discovery(view, message)


@wrong("6lr-ns-code-unchecked", "RFC4861-7.1.1-01")
class NsCode(code_unchecked(nd.NS)):
    """Takes a registration with any Code."""


@wrong("6lr-ns-checksum-unchecked", "RFC4861-7.1.1-01")
class NsChecksum(checksum_unchecked(nd.NS)):
    """Does not look at the checksum of a registration."""


@wrong("6lr-ns-option-0-registered", "RFC4861-7.1.1-01")
class NsOption0(ends_at_option_0(nd.NS)):
    """Takes what stands in front of an option of length 0 in a registration."""


@wrong("6lr-ns-any-target-registered", "RFC4861-7.2.3-01")
class AnyTarget(ReferenceNode):
    """Takes a registration that solicits another router."""

    def registration(self, view, message):
        target = message.target if is_multicast(message.target) else self.own[0]
        return super().registration(view, replace(message, target=target))


@wrong("6lr-ns-group-target-registered", "RFC4861-7.1.1-01")
class GroupTarget(ReferenceNode):
    """Takes a registration that solicits a group."""

    def registration(self, view, message):
        target = self.own[0] if is_multicast(message.target) else message.target
        return super().registration(view, replace(message, target=target))


@wrong("6lr-ns-own-group-target-registered", "RFC4861-7.1.1-01")
class OwnGroupTarget(ReferenceNode):
    """Takes a registration that solicits a group which it listens to: looks for the target among all it has."""

    def registration(self, view, message):
        target = self.own[0] if message.target in self.groups else message.target
        return super().registration(view, replace(message, target=target))


@wrong("6lr-group-answered-without-tllao", "RFC4861-7.2.4-03")
class RouterWithoutTllao(GroupWithoutTllao):
    """Leaves the TLLAO out of the answer to a solicitation that was multicast."""


@wrong("6lr-ra-code-unchecked", "RFC4861-6.1.2-01")
class RaCode(code_unchecked(nd.RA)):
    """Takes an advertisement of a router with any Code."""


# -- DACs that are not valid ------------------------------------------------------------------------------------


@wrong("6lr-dac-option-0-taken", "RFC6775-8.2.1-01")
class DacOption0(ReferenceNode):
    """Takes a DAC with an option of length 0."""

    @staticmethod
    def parsed(message):
        return Discovery.parsed(message[:32] if message[0] == nd.DAC else message)


@wrong("6lr-dac-short-taken", "RFC6775-8.2.1-01")
class DacShort(ReferenceNode):
    """Takes a DAC that is an octet short, with what stands behind it in its buffer."""

    @staticmethod
    def parsed(message):
        if message[0] == nd.DAC and 24 <= len(message) < 32:
            message += b"\1\2\3\4\5\6\7\10"[: 32 - len(message)]
        return Discovery.parsed(message)

    def confirmed_duplicate(self, message):
        for address in [a for a in self.waiting if a[:15] == message.address[:15]]:
            message = replace(message, address=address)
        super().confirmed_duplicate(message)


class DacValid(ReferenceNode):
    """A 6LR that checks less of a DAC."""

    def lets(self, view):
        raise NotImplementedError

    def valid_duplicate(self, view, message):
        return (message.type == nd.DAC and self.lets(view)) or super().valid_duplicate(view, message)


@wrong("6lr-dac-from-unspecified-taken", "RFC6775-8.2.1-01")
class DacFromUnspecified(DacValid):
    """Takes a DAC from the unspecified address."""

    def lets(self, view):
        return view.src == UNSPECIFIED


@wrong("6lr-dac-from-a-group-taken", "RFC6775-8.2.1-01")
class DacFromGroup(DacValid):
    """Takes a DAC from a group."""

    def input(self, packet):
        if is_multicast(packet[8:24]) and packet[6] == ipv6.ICMPV6 and packet[40] == nd.DAC:
            view = ipv6.Packet.parse(packet)
            if view.dst in self.own and self.checksum_holds(view, ipv6.ICMPV6, packet[40:]):
                self.icmp(view, packet[40:])
            return
        super().input(packet)

    def lets(self, view):
        return is_multicast(view.src)


# -- what it answers, and forwards --------------------------------------------------------------------------------


@wrong("6lr-forwards-by-identifier", "RFC6775-6.5.4-02")
class ForwardsByIdentifier(ReferenceNode):
    """Forwards to the EUI-64 that the identifier of any address of its prefix gives."""

    def next_hop(self, destination):
        ours = destination[:8] in {prefix[:8] for prefix in self.prefixes()}
        if ours and destination not in self.bindings and destination != self.hint[0]:
            return bytes((destination[8] ^ 2,)) + destination[9:]
        return super().next_hop(destination)


@wrong("6lr-answer-to-the-old-link", "RFC6775-6.5.3-01")
class AnswerToOldLink(ReferenceNode):
    """Answers an owner that has moved at the link-layer address of before, and forwards to the new one."""

    def reply(self, asked, status):
        if self.before is not None:
            self.hint = (self.hint[0], self.before)
        super().reply(asked, status)

    def accept(self, asked):
        held = self.bindings.get(asked.address)
        self.before = held.link if held is not None else None
        super().accept(asked)
        self.before = None

    before = None


@wrong("6lr-error-with-lifetime-0", "RFC6775-6.5.2-01")
class ErrorLifetime(answers(lambda n, d, o: (d, replace(o, lifetime=0) if o.status else o))):
    """Refuses with a lifetime of 0 in place of the one that was asked for."""


@wrong("6lr-removal-answered-with-the-old-lifetime", "RFC6775-6.5.3-02")
class RemovalLifetime(ReferenceNode):
    """Answers a lifetime of 0 with the one that the registration had."""

    def boot(self):
        super().boot()
        self.asked = {}

    def answer_registration(self, target, destination, option):
        if option.lifetime:
            self.asked[option.rovr] = option.lifetime
        else:
            option = replace(option, lifetime=self.asked.get(option.rovr, 0))
        super().answer_registration(target, destination, option)


@wrong("6lr-link-local-not-registered", "RFC6775-6.5.3-01", advice=True)
class LinkLocalUnregistered(ReferenceNode):
    """Takes the registration of a link-local address for a plain solicitation."""

    def registration(self, view, message):
        return not is_link_local(view.src) and super().registration(view, message)


@wrong("6lr-second-ra-multicast", "RFC6775-6.3-05", advice=True)
class SecondMulticast(ReferenceNode):
    """Sends the first of several advertisements to the host, and the others to all nodes."""

    def advertise(self, destination):
        for number, (address, border) in enumerate(self.borders.items()):
            self.send_advertisement(
                ALL_NODES if number else destination, self.border_options(address, border)
            )


# -- what a 6LBR tells ------------------------------------------------------------------------------------------


def _swapped(version):
    return (version & 0xFFFF) << 16 | version >> 16


@wrong("6lr-version-halves-compared-swapped", "RFC6775-8.1.3-02")
class ComparedSwapped(ReferenceNode):
    """Takes the halves of a version for each other, and passes them on as they came."""

    def takes_advertisement(self, message):
        changed = [
            replace(o, version=_swapped(o.version)) if isinstance(o, nd.AuthoritativeBorderRouter) else o
            for o in message.options
        ]
        return super().takes_advertisement(replace(message, options=tuple(changed)))

    def border_options(self, address, border):
        return super().border_options(address, replace(border, version=_swapped(border.version)))


@wrong("6lr-version-not-recorded", "RFC6775-8.1.3-02")
@starts_with(firsts={})
class VersionNotRecorded(ReferenceNode):
    """Takes a newer version, and goes on to compare with the first one."""

    def takes_advertisement(self, message):
        option = next((o for o in message.options if isinstance(o, nd.AuthoritativeBorderRouter)), None)
        known = self.borders.get(option.address) if option is not None else None
        if known is not None:
            latest, known.version = known.version, self.firsts[option.address]
            if super().takes_advertisement(message):
                return True
            known.version = latest
            return False
        if option is not None:
            self.firsts[option.address] = option.version
        return super().takes_advertisement(message)


@wrong("6lr-border-by-its-sender", "RFC6775-8.1.3-02")
@starts_with(named={})
class BorderBySender(ReferenceNode):
    """Tells 6LBRs by the router that spoke of them: what two routers say of one 6LBR is of two."""

    def takes_advertisement(self, message):
        changed = []
        for option in message.options:
            if isinstance(option, nd.AuthoritativeBorderRouter):
                self.named[self.sender] = option.address
                option = replace(option, address=self.sender)
            changed.append(option)
        return super().takes_advertisement(replace(message, options=tuple(changed)))

    def border_options(self, address, border):
        first, *more = super().border_options(address, border)
        return [replace(first, address=self.named[address]), *more]

    def send_request(self, address, option):
        kept = self.borders
        self.borders = {self.named[sender]: border for sender, border in kept.items()}
        super().send_request(address, option)
        self.borders = kept


@wrong("6lr-border-by-identifier", "RFC6775-8.1.3-02", advice=True)
class BorderByIdentifier(ReferenceNode):
    """Tells 6LBRs by the last 64 bits of their addresses."""

    def takes_advertisement(self, message):
        option = next((o for o in message.options if isinstance(o, nd.AuthoritativeBorderRouter)), None)
        if option is not None:
            for other in [a for a in self.borders if a[8:] == option.address[8:] and a != option.address]:
                self.borders[option.address] = self.borders.pop(other)
        return super().takes_advertisement(message)


class PassesOn(ReferenceNode):
    """A 6LR that passes prefixes on otherwise."""

    def passed(self, option):
        raise NotImplementedError

    def aged(self, option, seconds):
        option = super().aged(option, seconds)
        return self.passed(option) if isinstance(option, nd.PrefixInformation) else option


@wrong("6lr-prefix-a-set", "RFC6775-8.1.4-02")
class PrefixASet(PassesOn):
    """Passes every prefix on with the A flag set."""

    def passed(self, option):
        return replace(option, autonomous=True)


@wrong("6lr-prefix-of-64-bits", "RFC6775-8.1.4-02")
class PrefixOf64(PassesOn):
    """Passes every prefix on as one of 64 bits."""

    def passed(self, option):
        return replace(option, length=64)


@wrong("6lr-abro-lifetime-signed", "RFC6775-4.3-02")
class AbroSigned(ReferenceNode):
    """Takes an ABRO's lifetime of 0x8000 and more for a negative one: what it tells has ended."""

    def takes_advertisement(self, message):
        taken = super().takes_advertisement(message)
        for border in self.borders.values():
            if border.since == self.now and border.minutes & 0x8000:
                border.ends = self.now
        return taken


@wrong("6lr-abro-lifetime-in-seconds", "RFC6775-4.3-02")
class AbroSeconds(ReferenceNode):
    """Counts the lifetime of an ABRO in seconds."""

    def takes_advertisement(self, message):
        taken = super().takes_advertisement(message)
        for border in self.borders.values():
            if border.since == self.now:
                border.ends = self.now + border.minutes
        return taken


@wrong("6lr-lifetimes-shrink-with-each-answer", "RFC6775-8.1.4-01")
class ShrinkWithEachAnswer(ReferenceNode):
    """Keeps what it has counted down, and counts from the beginning again: lifetimes end too early."""

    def border_options(self, address, border):
        first, *kept = super().border_options(address, border)
        border.options = kept
        return [first, *kept]


@wrong("6lr-context-for-expired-prefix", "RFC6775-8.1.4-02")
class ContextEndsWithPrefix(ReferenceNode):
    """Lets the contexts of a 6LBR end with its first prefix: each has a lifetime of its own."""

    def border_options(self, address, border):
        options = super().border_options(address, border)
        over = any(isinstance(o, nd.PrefixInformation) and not o.valid_lifetime for o in options)
        return [o for o in options if not (over and isinstance(o, nd.ContextOption))]
