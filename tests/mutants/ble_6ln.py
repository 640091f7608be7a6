"""Mutants of a 6LN of RFC 7668: router discovery, registration, and compression by what is registered."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import link_local, nd
from sixlowpan.addresses import SHORT_IID_PREFIX, UNSPECIFIED, is_link_local
from tests.mutants import BLE, always, ble_6lbr, mutant, rewrites


def wrong(id, requirement, defect=None):
    """Register a 6LN."""
    return mutant(id, requirement=requirement, defect=defect, kinds=BLE, rig="reference-6ln")


# -- addresses and routers --------------------------------------------------------------------------------------


@wrong("6ln-same-device-address", "RFC7668-3.2.2-03")
class SameDeviceAddress(always(device_address=bytes.fromhex("5a107e110001"))):
    """Comes with the same device address each time."""


@wrong("6ln-no-router-solicitation", "RFC7668-3.2.2-10")
class NoSolicitation(always(solicit_router=None)):
    """Solicits no router."""


@wrong("6ln-solicitation-without-sllao", "RFC7668-3.2.3-04")
class NoSllao(ReferenceNode):
    """Leaves its link-layer address out of Router Solicitations."""

    def link_option(self, kind):
        return b"" if kind == 1 else super().link_option(kind)


@wrong("6ln-solicits-once-registered", "RFC7668-3.2.2-10")
class SolicitsLate(ReferenceNode):
    """Solicits a router only after ten seconds."""

    def solicit_router(self):
        self.solicited_at = self.now + 10 if self.solicited_at is None else None
        if self.solicited_at is None:
            super().solicit_router()


@wrong("6ln-embeds-static-address", "RFC7668-3.2.2-11")
class Embeds(ReferenceNode):
    """Makes global addresses of a device address that is not private."""

    def device_address(self):
        return bytes([0xDA]) + super().device_address()[1:]

    def interface_identifier(self, prefix):
        return link_local(self.link.dut)[8:]


@wrong("6ln-contexts-ignored", "RFC7668-3.2.3-05", "LINUX-NO-6CO")
class NoContexts(always(take_context=None)):
    """Ignores the 6CO of Router Advertisements."""


@wrong("6ln-resolves-on-link", "RFC7668-3.2.5-05")
class Resolves(ReferenceNode):
    """Takes an advertised prefix for on-link, and solicits its neighbours there."""

    def output(self, packet):
        there = packet[24:40]
        if not is_link_local(there) and there[0] != 0xFF and there[:8] != self.contexts[0].prefix[:8]:
            self.solicit(there, self.own[0])
        else:
            super().output(packet)


# -- registration -----------------------------------------------------------------------------------------------


@wrong("6ln-no-registration", "RFC7668-3.2.2-14", "LINUX-NO-6775")
class NoRegistration(always(registrable=False)):
    """Registers nothing."""


@wrong("6ln-made-addresses-unregistered", "RFC7668-3.2.3-03")
class MadeUnregistered(ReferenceNode):
    """Does not register addresses that it made itself."""

    def registrable(self, address):
        return super().registrable(address) and address not in self.made


@wrong("6ln-registers-link-local", "RFC7668-3.2.3-01")
class RegistersLinkLocal(ReferenceNode):
    """Registers its link-local address, too."""

    def registrable(self, address):
        return True

    def advertised_router(self, message):
        super().advertised_router(message)
        self.register(self.own[0])


@wrong("6ln-registers-without-aro", "RFC7668-3.2.3-02")
class WithoutAro(ReferenceNode):
    """Solicits its router for an address, but without an ARO."""

    def send_nd(self, source, destination, kind, body):
        super().send_nd(source, destination, kind, body[:28] if kind == nd.NS else body)


@wrong("6ln-registers-from-unspecified", "RFC7668-3.2.3-02")
class FromUnspecified(ReferenceNode):
    """Registers from the unspecified address."""

    def send_nd(self, source, destination, kind, body):
        super().send_nd(UNSPECIFIED if kind == nd.NS else source, destination, kind, body)


@wrong("6ln-eui64-not-flipped", "RFC7668-3.2.4-02")
class NotFlipped(ReferenceNode):
    """Puts its interface identifier into the ARO: without the U/L bit inverted."""

    def eui64(self):
        return link_local(self.link.dut)[8:]


@wrong("6ln-eui64-padded", "RFC7668-3.2.4-02")
class Padded(ReferenceNode):
    """Puts its device address into the ARO, and two octets of zeros."""

    def eui64(self):
        return self.link.dut + bytes(2)


@wrong("6ln-registered-when-sent", "RFC7668-3.2.4-09")
class RegisteredWhenSent(ReferenceNode):
    """Takes an address for registered when it has sent the solicitation."""

    def register(self, address, lifetime=10):
        super().register(address, lifetime)
        if not is_link_local(address):
            known = self.peers[self.peer]
            known.registered = self.latest_last(known.registered, address)


@wrong("6ln-any-status", "RFC7668-3.2.4-09")
class AnyStatus(ReferenceNode):
    """Takes an address for registered whatever the status of the answer is."""

    asked = b""

    def register(self, address, lifetime=10):
        self.asked = address
        super().register(address, lifetime)

    def registration_answered(self, address, option):
        super().registration_answered(self.asked, replace(option, status=0))


# -- compression by registration --------------------------------------------------------------------------------


@wrong("6ln-first-registered-elided", "RFC7668-3.2.4-05")
class FirstElided(ReferenceNode):
    """Elides the address that it registered first."""

    def latest_last(self, known, address):
        return (address, *(a for a in known if a != address))


@wrong("6ln-again-is-not-latest", "RFC7668-3.2.4.2-02")
class AgainNotLatest(ble_6lbr.AgainNotLatest):
    """Keeps the order of first registration when one is registered again."""


@wrong("6ln-expiry-counts", "RFC7668-3.2.4.2-02")
class ExpiryCounts(ReferenceNode):
    """Forgets a registration that is not confirmed again, and elides the one before."""

    def register(self, address, lifetime=10):
        known = self.peers[self.peer]
        if address in known.registered[-1:]:
            known.registered = known.registered[:-1]
        super().register(address, lifetime)


class Spoilt(ReferenceNode):
    """A 6LN whose idea of what is registered is wrong in one direction."""

    def known(self, registered, sent):
        raise NotImplementedError

    def ble_info(self, peer, *, sent):
        info = super().ble_info(peer, sent=sent)
        return replace(info, registered=self.known(info.registered, sent))


@wrong("6ln-never-elides-registered", "RFC7668-3.2.4-05")
class NeverElides(Spoilt):
    """Sends registered addresses with 64 bits."""

    def known(self, registered, sent):
        return () if sent else registered


@wrong("6ln-destination-by-device-address", "RFC7668-3.2.4-17")
class ByDeviceAddress(Spoilt):
    """Takes DAC=1 DAM=11 for the prefix and its device address."""

    def known(self, registered, sent):
        return registered if sent else ()

    def ble_info(self, peer, *, sent):
        info = super().ble_info(peer, sent=sent)
        return info if sent else replace(info, role=None)


@wrong("6ln-unregistered-elided", "RFC7668-3.2.4-08", "LINUX-6LOWPAN-SAM")
class UnregisteredElided(Spoilt):
    """Elides a source made of its device address, though it is not registered."""

    def known(self, registered, sent):
        return registered

    def ble_info(self, peer, *, sent):
        info = super().ble_info(peer, sent=sent)
        return replace(info, role=None) if sent else info


class EarlierWrong(ReferenceNode):
    """A 6LN that sends earlier addresses wrongly."""

    def changed(self, known):
        raise NotImplementedError

    def sent_info(self, packet, neighbour):
        info = super().sent_info(packet, neighbour)
        source = packet[8:24]
        if info.registered and source in info.registered[:-1]:
            return replace(info, registered=self.changed(source, info.registered))
        return info


@wrong("6ln-earlier-with-64", "RFC7668-3.2.4-06")
class EarlierWith64(EarlierWrong):
    """Sends every earlier address with 64 bits."""

    def changed(self, source, known):
        return tuple(a for a in known if a[:14] != source[:14])


@wrong("6ln-earlier-elided", "RFC7668-3.2.4-06")
class EarlierElided(EarlierWrong):
    """Elides every registered address."""

    def changed(self, source, known):
        return (*known, source)


@wrong("6ln-earlier-with-16", "RFC7668-3.2.4-06")
class EarlierWith16(EarlierWrong):
    """Sends every earlier address with 16 bits, whatever its first 48 are."""

    def changed(self, source, known):
        return (*known, source[:14] + bytes(2))


# -- what it reads ------------------------------------------------------------------------------------------------


@wrong("6ln-reads-by-what-it-asked", "RFC7668-3.2.4-17")
class ReadsByWhatItAsked(ReferenceNode):
    """Reads DAC=1 DAM=11 as the address that it asked to register last, confirmed or not."""

    asked: tuple[bytes, ...] = ()

    def send_registration(self, address, router, lifetime):
        super().send_registration(address, router, lifetime)
        self.asked = (address,)

    def ble_info(self, peer, *, sent):
        info = super().ble_info(peer, sent=sent)
        return info if sent else replace(info, registered=(*info.registered, *self.asked))


@rewrites("6ln-reads-16-bits-as-short", requirement="RFC7668-3.2.4-17", kinds=BLE, rig="reference-6ln")
def _(node, packet, header, info):
    """Reads DAC=1 DAM=10 as 0000:00ff:fe00:XXXX, as on IEEE 802.15.4."""
    if header.dac and not header.m and header.dam == 2:
        packet[32:38] = SHORT_IID_PREFIX
