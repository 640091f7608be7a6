"""Conforming 6LNs of RFC 6775 and RFC 8505 with unusual addresses, lifetimes, moves, options, and talk of their own."""

from __future__ import annotations

from dataclasses import replace

from rigs.nodes.reference.times import soonest
from sixlowpan import ipv6, nd
from sixlowpan.addresses import is_link_local, solicited_node
from tests.variants import ReferenceNode, variant
from tests.variants.discovery_liberties import HOSTS
from tests.variants.discovery_unusual import LatestRouter
from tests.variants.sending import sends_times

HOST = ("reference-nd-6ln",)
EXTENDED = ("reference-nd-6ln-8505",)
BLE_HOST = ("reference-6ln",)
ALL_HOSTS = (*HOSTS, *BLE_HOST)
DHCP = bytes.fromhex("ff020000000000000000000000010002")
FAR = bytes.fromhex("20010db8ffff00000000000000000001")


@variant("nd-lifetime-each-time", rigs=ALL_HOSTS)
class LifetimeEach(ReferenceNode):
    """Asks for another lifetime each time: RFC 6775 §5.8.1 leaves it to the host, RFC 8505 §9 has one an address."""

    asked = 0

    def register(self, address, lifetime=10):
        self.asked += 1
        super().register(address, (5, 9, 3, 30, 2)[self.asked % 5])


@variant("nd-one-address-after-the-other", rigs=ALL_HOSTS)
class OneAddress(ReferenceNode):
    """Registers an address when the one before has been answered: RFC 6775 §5.5 asks for no moment."""

    def register(self, address, lifetime=10):
        busy = [a for a, waiting in self.pending.items() if waiting and a != address]
        if busy and self.registrable(address) and self.registrars():
            self.refreshes.setdefault(address, self.now + 0.3)
            self.refreshes[address] = min(self.refreshes[address], self.now + 0.3)
            return
        super().register(address, lifetime)


@variant("nd-moves-to-the-newest-router", rigs=HOSTS, strict=False)
class Moves(LatestRouter):
    """Registers with the router that it heard of last, and takes leave of the one before: RFC 6775 §5.5 (SHOULD)."""

    at_router = b""

    def registrars(self):
        return list(self.routers)[-1:]

    def keep_router(self, message):
        known = self.sender in self.routers
        before = next(iter(self.registrars()), b"")
        new = super().keep_router(message)
        after = next(iter(self.registrars()), b"")
        if not known and before and before != after and before in self.routers:
            for router, address in list(self.confirmed):
                if router == before:
                    self.send_registration(address, router, 0)
                    del self.confirmed[router, address]
        return new


@variant("nd-another-address-for-a-duplicate", rigs=ALL_HOSTS)
class AnotherForDuplicate(ReferenceNode):
    """Makes another address of the prefix in place of a duplicate: RFC 7217 §6, "DAD_Counter"; RFC 6775 §5.5.3."""

    counter = 0

    def duplicate(self, address):
        super().duplicate(address)
        if not is_link_local(address) and self.counter < 3:
            self.counter += 1
            other = address[:8] + bytes((0x3C, self.counter)) + bytes.fromhex("9a5e01f7c2d4")
            self.own.append(other)
            self.made.add(other)
            self.groups.add(solicited_node(other))
            self.register(other)

    def boot(self):
        self.counter = 0
        super().boot()


@variant("nd-registers-on-each-advertisement", rigs=ALL_HOSTS)
class OnEach(ReferenceNode):
    """Registers anew on each advertisement: RFC 6775 §5.5, a host may do so before the lifetime ends."""

    def advertised_router(self, message):
        super().advertised_router(message)
        if message.router_lifetime and self.sender in self.registrars():
            for address in list(self.own):
                if not self.pending.get(address) and self.registrable(address) and address in self.refreshes:
                    self.register(address)


@variant("nd-asks-for-dhcp", rigs=ALL_HOSTS)
class Dhcp(ReferenceNode):
    """Solicits DHCPv6 servers after each advertisement (RFC 8415), and reports a group (RFC 3810)."""

    def advertised_router(self, message):
        super().advertised_router(message)
        source = self.own[0]
        body = bytes.fromhex("01a1b2c3000800020000000100030001")
        datagram = ipv6.udp(546, 547, body, source, DHCP)
        self.output(ipv6.build(source, DHCP, ipv6.UDP, datagram, hop_limit=1))
        self.send_report(solicited_node(self.own[-1]))


class Reports(ReferenceNode):
    """Sends to a far server whenever an address is confirmed, and each few seconds."""

    period = 4.0
    size = 12

    def boot(self):
        self.reports_at: float | None = None
        super().boot()

    def confirmed_addresses(self):
        return [
            a for a in self.own if any(which == a for _, which in self.confirmed) and not is_link_local(a)
        ]

    def due(self):
        return soonest(super().due(), self.reports_at if self.confirmed_addresses() else None)

    def registration_answered(self, address, option):
        super().registration_answered(address, option)
        if self.reports_at is None:
            self.reports_at = self.now + self.period

    def tick(self):
        super().tick()
        if self.reports_at is not None and self.reports_at <= self.now:
            self.reports_at = self.now + self.period
            for source in self.confirmed_addresses():
                data = ipv6.udp(61616, 5683, bytes(range(self.size)), source, FAR)
                self.output(ipv6.build(source, FAR, ipv6.UDP, data))


@variant("nd-reports-to-a-server", rigs=ALL_HOSTS)
class ReportsToServer(Reports):
    """Sends datagrams to a far server each 4 s, through its router, once its address is confirmed (RFC 6775 §5.7)."""


@variant("nd-long-reports-to-a-server", rigs=ALL_HOSTS)
class LongReports(Reports):
    """The same with 200 octets each 1.5 s, which leave in fragments on IEEE 802.15.4."""

    period = 1.5
    size = 200


@variant("nd-compresses-with-a-context-later", rigs=ALL_HOSTS)
class ContextLater(ReferenceNode):
    """Compresses with a context a minute after it was told of it: RFC 6775 §5.4.2 obliges nobody to use one."""

    def boot(self):
        self.told: dict[int, float] = {}
        super().boot()

    def take_context(self, option):
        super().take_context(option)
        self.told.setdefault(option.cid, self.now + 60.0)

    def encode_packet(self, packet, info):
        known = self.contexts
        for cid, at in self.told.items():
            if at > self.now and cid in known:
                self.contexts = self.contexts.without(cid)
        try:
            return super().encode_packet(packet, info)
        finally:
            self.contexts = known


@variant("nd-options-of-every-kind", rigs=ALL_HOSTS)
class EveryOption(ReferenceNode):
    """Unknown options in front of and behind those of its solicitations, 24 octets long: RFC 4861 §4, "ignore"."""

    def send_nd(self, source, destination, kind, body):
        at = {nd.NS: 20, nd.RS: 4}.get(kind)
        if at is not None:
            first = nd.UnknownOption(253, bytes(range(22))).build()
            body = body[:at] + first + body[at:] + nd.UnknownOption(254, b"\xff" * 6).build()
        super().send_nd(source, destination, kind, body)


@variant("nd-solicits-from-each-address", rigs=HOSTS)
class FromEach(ReferenceNode):
    """Solicits routers from a global address that a router keeps: RFC 4861 §4.1, "an IP address assigned"."""

    def send_nd(self, source, destination, kind, body):
        if kind == nd.RS:
            kept = [a for _, a in self.confirmed if a in self.own]
            source = kept[-1] if kept else source
        super().send_nd(source, destination, kind, body)


@variant("nd-doubles-each-frame", rigs=HOSTS)
class Doubles(sends_times(2)):
    """Each unicast frame leaves twice with one number, as nobody acknowledged the first (IEEE 802.15.4)."""


@variant("nd-six-addresses", rigs=ALL_HOSTS)
class Six(ReferenceNode):
    """Makes six addresses of each prefix: RFC 7934, RFC 8505 §4: "form and use multiple addresses"."""

    def take_prefix(self, option):
        super().take_prefix(option)
        if option.on_link or not option.valid_lifetime:
            return
        for number in range(5):
            other = option.prefix[:8] + bytes((0x44 + number, number)) + bytes.fromhex("7be05a36c1d2")
            if other not in {*self.own, *self.refused}:
                self.own.append(other)
                self.made.add(other)
                self.groups.add(solicited_node(other))
                self.prefix_ends[other] = self.now + option.valid_lifetime
                self.register(other)
            elif other in self.made:
                self.prefix_ends[other] = self.now + option.valid_lifetime


@variant("nd-changes-its-address", rigs=ALL_HOSTS)
class Changes(ReferenceNode):
    """Has a temporary address each 20 s beside the stable one, gives the one before back: RFC 8981, RFC 8505 §5.7."""

    period = 20.0

    def boot(self):
        self.temporary, self.changes_at, self.number = b"", None, 0
        super().boot()

    def take_prefix(self, option):
        super().take_prefix(option)
        if not option.on_link and option.valid_lifetime and self.changes_at is None:
            self.changes_at = self.now + self.period

    def due(self):
        return soonest(super().due(), self.changes_at)

    def tick(self):
        super().tick()
        if self.changes_at is None or self.changes_at > self.now:
            return
        self.changes_at = self.now + self.period
        stable = next((a for a in self.own if a in self.made and a != self.temporary), None)
        if self.temporary in self.own:
            old = self.temporary
            for router in [r for r, which in self.confirmed if which == old and r in self.registrars()]:
                self.tids[old] = self.next_tid(self.tids.get(old))
                self.send_registration(old, router, 0)
            self.drop_address(old)
        if stable is not None:
            self.number += 1
            self.temporary = stable[:8] + bytes((0x52, self.number & 0xFF)) + bytes.fromhex("e08a7762c90f")
            self.own.append(self.temporary)
            self.made.add(self.temporary)
            self.groups.add(solicited_node(self.temporary))
            self.prefix_ends[self.temporary] = self.prefix_ends.get(stable, float("inf"))
            self.register(self.temporary)


@variant("nd-solicits-at-the-end", rigs=HOST)
class AtTheEnd(ReferenceNode):
    """Asks for news at nine tenths of the shortest lifetime, "well before" what it takes for three tries (§5.4.3)."""

    def next_refresh(self, message):
        at = super().next_refresh(message)
        return None if at is None else self.now + (at - self.now) * 1.2


@variant("nd-tries-with-growing-patience", rigs=ALL_HOSTS)
class Growing(ReferenceNode):
    """Tries a registration again after 1, 2 and 4 s: RFC 4861 §10, RETRANS_TIMER apart at the least."""

    def try_registration(self, address):
        super().try_registration(address)
        self.refreshes[address] = self.now + 2.0 ** (self.tries[address] - 1)


@variant("earo-topology-5", rigs=EXTENDED, strict=False)
class Topology(ReferenceNode):
    """Names topology 5 in the Opaque field, I=0: RFC 8505 §4.1, "an abstract index"."""

    def registration_option(self, address, router, lifetime):
        return replace(super().registration_option(address, router, lifetime), opaque=5)


@variant("earo-first-tid-255", rigs=EXTENDED, strict=False)
class Tid255(ReferenceNode):
    """Begins with TID 255, which 0 follows: RFC 8505 §5.2.1, "128 or greater"; 240 is recommended."""

    def next_tid(self, before):
        return 255 if before is None else super().next_tid(before)


@variant("nd-many-liberties-more", rigs=HOSTS)
class ManyMore(Six, LifetimeEach, Growing, EveryOption):
    """Six addresses, a lifetime and a patience each time, unknown options around, and fragments the last one first."""

    def fragment_packet(self, packet, info):
        return super().fragment_packet(packet, info)[::-1]


@variant("nd-reports-and-changes", rigs=ALL_HOSTS)
class ReportsAndChanges(Changes, LongReports, ContextLater, OnEach):
    """Temporary addresses, long reports from each, contexts late, and a registration on each advertisement."""
