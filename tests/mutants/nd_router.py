"""Mutants of a 6LR of RFC 6775 towards its hosts: what it advertises, and its table of registrations."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from rigs.nodes.reference.routing import Binding
from sixlowpan import nd
from sixlowpan.addresses import ALL_NODES, LINK_LOCAL_PREFIX, is_link_local
from tests.mutants import always, mutant
from tests.mutants.nd_steps import answers, says, says_with_hop_limit


def wrong(id, requirement, defect=None, *, advice=False):
    """Register a 6LR of RFC 6775."""
    return mutant(id, requirement=requirement, defect=defect, rig="reference-nd-6lr", advice=advice)


# -- what it advertises -----------------------------------------------------------------------------------------


@wrong("6lr-ra-multicast", "RFC6775-6.3-05")
class RaMulticast(says(nd.RA, lambda n, s, d, b: (s, ALL_NODES, b))):
    """Answers solicitations by multicast."""


@wrong("6lr-ra-unanswered", "RFC6775-6.3-05")
class RaUnanswered(always(advertise=None)):
    """Answers no solicitation."""


@wrong("6lr-ra-without-sllao", "RFC6775-6.3-04")
class RaWithoutSllao(says(nd.RA, lambda n, s, d, b: (s, d, b[:12] + b[28:]))):
    """Advertises without a Source Link-Layer Address option."""


@wrong("6lr-ra-hop-limit", "RFC4861-6.1.2-01")
class RaHopLimit(says_with_hop_limit(64, nd.RA)):
    """Advertises with a hop limit of 64."""


def passes_on(kind, **fields):
    """A 6LR that passes on options of this kind with these fields."""

    class Passing(ReferenceNode):
        def aged(self, option, seconds):
            found = super().aged(option, seconds)
            return replace(found, **fields) if isinstance(found, kind) else found

    return Passing


@wrong("6lr-prefix-on-link", "RFC6775-6.1-02")
class PrefixOnLink(passes_on(nd.PrefixInformation, on_link=True)):
    """Advertises prefixes with L=1."""


@wrong("6lr-preference-high", "RFC6775-6-02")
class PreferenceHigh(always(preference_bits=0b01 << 3)):
    """A 6LR with the preference of a 6LBR."""


@wrong("6lr-preference-reserved", "RFC6775-6-02")
class PreferenceReserved(always(preference_bits=0b10 << 3)):
    """Advertises the reserved preference."""


@wrong("6lr-ra-without-abro", "RFC6775-4.3-01")
class RaWithoutAbro(ReferenceNode):
    """Leaves the ABRO out of its advertisements."""

    def border_options(self, address, border):
        return super().border_options(address, border)[1:]


@wrong("6lr-context-not-passed-on", "RFC6775-8.1.4-02")
class ContextNotPassedOn(ReferenceNode):
    """Passes prefixes on, and no contexts."""

    def border_options(self, address, border):
        return [o for o in super().border_options(address, border) if not isinstance(o, nd.ContextOption)]


def says_contexts(change):
    """A router whose 6COs leave changed: change(octets of the option) -> octets."""

    class Saying(ReferenceNode):
        def send_advertisement(self, destination, options):
            built = [option.build() for option in options]
            made = [change(octets) if octets[0] == nd.SIXCO else octets for octets in built]
            super().send_advertisement(destination, [nd.UnknownOption(o[0], o[2:]) for o in made])

    return Saying


@wrong("6lr-context-cut", "RFC6775-4.2-02")
class ContextCut(says_contexts(lambda octets: octets[:1] + b"\x02" + octets[2:16])):
    """Puts contexts of more than 64 bits into an option of Length 2."""


@wrong("6lr-context-reserved", "RFC6775-4.2-07")
class ContextReserved(says_contexts(lambda octets: octets[:5] + b"\x01" + octets[6:])):
    """Sets a reserved bit of the contexts that it passes on."""


class OnSolicitation(ReferenceNode):
    """A router to which a solicitation does something."""

    def solicited_by(self, source, link):
        raise NotImplementedError

    def discovery(self, view, message):
        if isinstance(message, nd.RouterSolicitation):
            found = [o for o in message.options if isinstance(o, nd.LinkLayerAddress)]
            if found:
                self.solicited_by(view.src, found[0].of_size(8))
        return super().discovery(view, message)


@wrong("6lr-rs-changes-entry", "RFC6775-6.3-02")
class RsChanges(OnSolicitation):
    """Takes the link-layer address of a solicitation for that of the registration."""

    def solicited_by(self, source, link):
        if source in self.bindings:
            self.bindings[source].link = link


@wrong("6lr-rs-makes-neighbour", "RFC6775-6.5.4-01")
class RsMakes(OnSolicitation):
    """Forwards to whoever has sent a solicitation."""

    def solicited_by(self, source, link):
        if not is_link_local(source):
            self.bindings.setdefault(source, Binding(link, link, self.now + 20))


@wrong("6lr-rs-evicts", "RFC6775-6.3-02")
class RsEvicts(OnSolicitation):
    """Makes room for whoever solicits, at the expense of a registration."""

    many: int = 0

    def solicited_by(self, source, link):
        self.many += 1
        if self.many > 16 and self.bindings:
            self.bindings.pop(next(reversed(self.bindings)))


@wrong("6lr-redirects", "RFC6775-6.1-01")
class Redirects(ReferenceNode):
    """Sends a Redirect for what it forwards to a host."""

    def pass_on(self, packet, peer):
        super().pass_on(packet, peer)
        if packet[8:24] in self.bindings or packet[24:40] in self.bindings:
            self.send_nd(self.own[0], ALL_NODES, 137, bytes(4) + packet[24:40] + packet[24:40])


# -- answers to registrations -----------------------------------------------------------------------------------


@wrong("6lr-na-missing", "RFC6775-6.5.3-01")
class NaMissing(answers(lambda n, d, o: (d, o) if o.status else None)):
    """Keeps a registration, and says nothing."""


@wrong("6lr-na-without-aro", "RFC6775-6.5.3-02")
class NaWithoutAro(ReferenceNode):
    """Answers a registration by a plain NA."""

    def answer_registration(self, target, destination, option):
        self.send_nd(self.own[0], destination, nd.NA, b"\xe0\0\0\0" + target)


@wrong("6lr-na-other-lifetime", "RFC6775-6.5.3-02")
class NaOtherLifetime(answers(lambda n, d, o: (d, replace(o, lifetime=o.lifetime + 1)))):
    """Answers with a lifetime of its own."""


@wrong("6lr-na-to-link-local", "RFC6775-6.5.3-01")
class NaToLinkLocal(answers(lambda n, d, o: (n.error_destination(o), o))):
    """Sends every answer to the link-local address of the EUI-64."""


@wrong("6lr-na-status-3", "RFC6775-4.1-08")
class NaStatus3(answers(lambda n, d, o: (d, replace(o, status=o.status or 3)))):
    """Confirms with a status that is none of RFC 6775's."""


@wrong("6lr-na-reserved", "RFC6775-4.1-05")
class NaReserved(ReferenceNode):
    """Sets a reserved bit of the ARO in its answer."""

    def send_nd(self, source, destination, kind, body):
        if kind == nd.NA and body[20:21] == bytes([nd.ARO]):
            body = body[:25] + b"\x01" + body[26:]
        super().send_nd(source, destination, kind, body)


@wrong("6lr-not-forwarded", "RFC6775-6.5.3-01")
class NotForwarded(always(pass_on=None)):
    """Confirms registrations, and forwards nothing to them."""


@wrong("6lr-duplicate-confirmed", "RFC6775-6.5.1-01", "RIOT-DUPLICATE")
class DuplicateConfirmed(always(is_owned=False)):
    """Gives a registered address to whoever asks for it last."""


@wrong("6lr-duplicate-replaces", "RFC6775-6.5.1-01")
class DuplicateReplaces(ReferenceNode):
    """Refuses a duplicate, and updates the entry all the same."""

    def reply(self, asked, status):
        super().reply(asked, status)
        if status and asked.address in self.bindings:
            self.bindings[asked.address].link = asked.link


@wrong("6lr-duplicate-silent", "RFC6775-4.1-09")
class DuplicateSilent(answers(lambda n, d, o: None if o.status == 1 else (d, o))):
    """Says nothing to a duplicate."""


@wrong("6lr-duplicate-status-2", "RFC6775-4.1-09")
class DuplicateFull(answers(lambda n, d, o: (d, replace(o, status=2 if o.status == 1 else o.status)))):
    """Says that it is full to a duplicate."""


@wrong("6lr-error-to-the-address", "RFC6775-6.5.2-01", "RIOT-ARO-ERROR")
class ErrorToAddress(ReferenceNode):
    """Sends an error to the address that is somebody else's."""

    def reply(self, asked, status):
        self.answer_registration(asked.target, asked.source, replace(asked.option, status=status))


@wrong("6lr-error-not-flipped", "RFC6775-6.5.2-01")
class ErrorNotFlipped(ReferenceNode):
    """Makes the link-local address of an EUI-64 without inverting the U/L bit."""

    def error_destination(self, option):
        return LINK_LOCAL_PREFIX + option.rovr[:8]


@wrong("6lr-error-with-the-owner", "RFC6775-6.5.2-01")
class ErrorWithOwner(ReferenceNode):
    """Puts the EUI-64 of the owner into an error."""

    def reply(self, asked, status):
        held = self.bindings.get(asked.address)
        if not status or held is None:
            super().reply(asked, status)
            return
        body = replace(asked.option, status=status, rovr=held.rovr)
        self.answer_registration(asked.target, self.error_destination(asked.option), body)


@wrong("6lr-owner-by-link", "RFC6775-6.5.1-01")
class OwnerByLink(ReferenceNode):
    """Tells owners by their link-layer address."""

    def is_owned(self, address, option):
        held = self.bindings.get(address)
        return held is not None and held.link != self.hint[1]


@wrong("6lr-entry-not-updated", "RFC6775-6.5.3-01")
class NotUpdated(ReferenceNode):
    """Confirms an owner that has moved, and goes on to send to where it was."""

    def keep(self, address, option, link):
        held = self.bindings.get(address)
        super().keep(address, option, held.link if held else link)
