"""Mutants of a 6LR of RFC 6775: which registrations it ignores, how long it keeps one, and for how many it has room."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import ALL_NODES, is_link_local
from tests.mutants import mutant
from tests.mutants.nd_router import wrong
from tests.mutants.nd_steps import RegistersWithoutSllao, answers, hop_limit_unchecked

# -- what is ignored --------------------------------------------------------------------------------------------


@wrong("6lr-ns-status-answered", "RFC6775-6.5-01", "RIOT-ARO-STATUS")
class StatusAnswered(ReferenceNode):
    """Takes a registration whose Status is not zero."""

    def valid_option(self, option):
        return super().valid_option(replace(option, status=0))

    def answer_registration(self, target, destination, option):
        super().answer_registration(target, destination, replace(option, status=0))


@wrong("6lr-ns-long-answered", "RFC6775-6.5-01")
class LongAnswered(ReferenceNode):
    """Takes a registration with an ARO of Length 3."""

    def valid_option(self, option):
        return super().valid_option(replace(option, rovr=option.rovr[:8]))


class Plain(ReferenceNode):
    """A router that answers a bad registration as if it had no ARO."""

    def as_plain(self, option):
        """`option` are the octets of its ARO, and all behind them."""
        raise NotImplementedError

    def icmp(self, view, message):
        at = 24
        while message[0] == nd.NS and at + 1 < len(message) and message[at + 1] and message[at] != nd.ARO:
            at += 8 * message[at + 1]
        option = message[at:] if message[0] == nd.NS else b""
        if option[:1] == bytes([nd.ARO]) and view.src != bytes(16) and self.as_plain(option):
            self.send_nd(self.own[0], view.src, nd.NA, b"\xe0\0\0\0" + message[8:24])
            return
        super().icmp(view, message)


@wrong("6lr-ns-bad-status-plain", "RFC6775-6.5-01")
class BadStatusPlain(Plain):
    """Answers an NS whose ARO has a Status by a plain NA."""

    def as_plain(self, option):
        return option[2] != 0


@wrong("6lr-ns-bad-length-plain", "RFC6775-6.5-01")
class BadLengthPlain(Plain):
    """Answers an NS whose ARO has another Length by a plain NA."""

    def as_plain(self, option):
        return option[1] != 2


@wrong("6lr-no-sllao-registered", "RFC6775-6.5-02")
class NoSllaoRegistered(RegistersWithoutSllao):
    """Registers without a Source Link-Layer Address option, by the identifier."""


@wrong("6lr-unspecified-registered", "RFC6775-6.5-02")
class UnspecifiedRegistered(ReferenceNode):
    """Answers an ARO from the unspecified address by an ARO to all nodes."""

    def registration(self, view, message):
        found = [o for o in message.options if isinstance(o, nd.AddressRegistration)]
        if found and view.src == bytes(16):
            self.answer_registration(message.target, ALL_NODES, found[0])
            return True
        return super().registration(view, message)


@wrong("6lr-reserved-refused", "RFC6775-4.1-05")
class ReservedRefused(ReferenceNode):
    """Ignores a registration whose reserved octets are not zero."""

    def valid_option(self, option):
        return super().valid_option(option) and not (option.opaque or option.tid or option.i)


@wrong("6lr-hop-limit-unchecked", "RFC4861-7.1.1-01")
class HopLimitUnchecked(hop_limit_unchecked(nd.NS)):
    """Takes a registration whatever its hop limit is."""


@wrong("6lr-multicast-ns-ignored", "RFC6775-6.5.5-01")
class MulticastIgnored(ReferenceNode):
    """Answers no solicitation that is multicast."""

    def for_us(self, destination):
        return not destination.startswith(bytes.fromhex("ff0200000000000000000001ff")) and super().for_us(
            destination
        )


# -- lifetimes --------------------------------------------------------------------------------------------------


@wrong("6lr-lifetime-0-unanswered", "RFC6775-6.5.3-03", "RIOT-15867")
class ZeroUnanswered(ReferenceNode):
    """Ignores a registration with lifetime 0."""

    def valid_option(self, option):
        return option.lifetime != 0 and super().valid_option(option)


@wrong("6lr-lifetime-0-kept", "RFC6775-6.5.3-03")
class ZeroKept(ReferenceNode):
    """Answers a registration with lifetime 0, and keeps the entry."""

    def accept(self, asked):
        held = self.bindings.get(asked.address)
        super().accept(asked)
        if held is not None and not asked.option.lifetime:
            self.bindings[asked.address] = held


@wrong("6lr-lifetime-0-of-anybody", "RFC6775-6.5.1-01")
class ZeroOfAnybody(ReferenceNode):
    """Deletes an entry for anybody who asks for it."""

    def is_owned(self, address, option):
        return bool(option.lifetime) and super().is_owned(address, option)


@wrong("6lr-never-expires", "RFC6775-6.5.3-04")
class NeverExpires(ReferenceNode):
    """Keeps registrations for ever."""

    def keep(self, address, option, link):
        super().keep(address, option, link)
        self.bindings[address].ends = 1e12


@wrong("6lr-lifetime-in-seconds", "RFC6775-4.1-07")
class InSeconds(ReferenceNode):
    """Counts the lifetime of a registration in units of 10 s."""

    def keep(self, address, option, link):
        super().keep(address, option, link)
        self.bindings[address].ends = self.now + 10 * option.lifetime


@wrong("6lr-renewal-does-not-count", "RFC6775-6.5.3-04")
class RenewalDoesNotCount(ReferenceNode):
    """Keeps the end of the first registration when it is renewed."""

    def keep(self, address, option, link):
        held = self.bindings.get(address)
        super().keep(address, option, link)
        if held is not None:
            self.bindings[address].ends = held.ends


@wrong("6lr-silent-host-dropped", "RFC6775-6-01")
class SilentDropped(ReferenceNode):
    """Drops a registration when its host has said nothing for two minutes."""

    def keep(self, address, option, link):
        super().keep(address, option, link)
        self.bindings[address].ends = min(self.bindings[address].ends, self.now + 120)


# -- room -------------------------------------------------------------------------------------------------------


@wrong("6lr-full-silent", "RFC6775-4.1-10")
class FullSilent(answers(lambda n, d, o: None if o.status == 2 else (d, o))):
    """Says nothing when it is full."""


@wrong("6lr-full-says-duplicate", "RFC6775-4.1-10")
class FullDuplicate(answers(lambda n, d, o: (d, replace(o, status=1 if o.status == 2 else o.status)))):
    """Says "duplicate" when it is full."""


@wrong("6lr-full-confirms", "RFC6775-6.5.3-01")
class FullConfirms(ReferenceNode):
    """Confirms what it has no room for, at the expense of who came first."""

    def keep(self, address, option, link):
        if len(self.bindings) >= 8 and address not in self.bindings:
            self.bindings.pop(next(a for a in self.bindings if not is_link_local(a)))
        super().keep(address, option, link)


@mutant("6lr-room-for-two", requirement="RFC8505-7-01", rig="reference-nd-6lr-8505")
class RoomForTwo(ReferenceNode):
    """Keeps two addresses of a node."""

    def refusal(self, asked):
        rovr = asked.option.rovr
        same = [a for a, held in self.bindings.items() if held.rovr == rovr and not is_link_local(a)]
        if len(same) >= 2 and asked.address not in same:
            return 2
        return super().refusal(asked)


@wrong("6lr-full-crash", "RFC6775-4.1-10")
class FullCrash(ReferenceNode):
    """Writes the registration behind the last behind the end of its table."""

    def keep(self, address, option, link):
        if len(self.bindings) >= 10:
            raise IndexError("written behind the table")
        super().keep(address, option, link)


@wrong("6lr-own-address-given-away", "RFC6775-6.5.2-01", advice=True)
class OwnGivenAway(ReferenceNode):
    """Registers its own address for somebody else."""

    def is_owned(self, address, option):
        return address not in self.own and super().is_owned(address, option)


@wrong("6lr-short-sllao", "RFC6775-6.5.3-01")
class ShortSllao(ReferenceNode):
    """Takes the first two octets of an EUI-64 for a short address."""

    def source_link(self, option):
        return super().source_link(option)[:2]
