"""Mutants of a 6LBR of RFC 7668: its table of registrations, which come over connections (RFC 6775 §6.5).

Strategy: what can be wrong with a table is the same on each link, so that most of these are wrong routers of RFC 6775,
as a 6LBR over Bluetooth LE. Behind them stands what only a star can have wrong.
"""

from __future__ import annotations

import importlib

from rigs.nodes.reference.node import ReferenceNode
from rigs.nodes.reference.registration import DUPLICATE
from tests.mutants import BLE, MUTANTS, mutant, starts_with
from tests.mutants.ble_6lbr import wrong

for module in ("nd_advertising", "nd_router", "nd_router_repeated", "nd_router_state", "nd_table"):
    importlib.import_module(f"tests.mutants.{module}")

#: Routers on IEEE 802.15.4 that are wrong in what a 6LBR over Bluetooth LE does as well.
ALIKE = (
    *("rs-hop-limit-unchecked", "rs-checksum-unchecked", "rs-code-unchecked", "rs-option-0-answered"),
    *("rs-changes-entry", "rs-makes-neighbour", "rs-evicts", "rs-renews"),
    *("na-missing", "na-without-aro", "na-other-lifetime", "na-status-3", "na-reserved", "na-about-the-host"),
    *("na-eui64-reversed", "na-not-solicited", "na-hop-limit-64", "not-forwarded"),
    *("duplicate-confirmed", "duplicate-replaces", "duplicate-silent", "duplicate-status-2"),
    *("error-to-the-address", "error-with-the-owner", "eui64-vendor-only", "eui64-without-vendor"),
    *("lifetime-0-unanswered", "lifetime-0-kept", "lifetime-0-of-anybody", "lifetime-0-creates"),
    *("never-expires", "lifetime-in-seconds", "lifetime-of-8-bits", "lifetime-signed"),
    *("lifetime-of-a-day-at-most", "removal-takes-all", "expiry-takes-all"),
    *("renewal-does-not-count", "renewal-never-shortens", "renewal-adds", "renewal-prolongs-all"),
    *("plain-ns-removes", "plain-ns-renews", "echo-renews", "silent-host-dropped"),
    *("full-silent", "full-says-duplicate", "full-confirms", "full-crash", "full-kept-all-the-same"),
    *("full-to-the-address", "renewal-refused-when-full", "removal-refused-when-full"),
    *("room-of-a-removed-lost", "room-of-an-expired-lost"),
    *("ns-status-answered", "ns-long-answered", "ns-bad-status-plain", "ns-bad-length-plain"),
    *("no-sllao-registered", "unspecified-registered", "reserved-refused", "hop-limit-unchecked"),
    *("aro-before-sllao-unread", "options-end-at-an-unknown-one", "own-address-given-away"),
)

for name in ALIKE:
    like = MUTANTS[f"6lr-{name}"]
    mutant(
        f"6lbr-ble-{name}",
        requirement=like.requirement,
        defect=like.defect,
        kinds=BLE,
        what=like.what,
        rig="reference-6lbr",
        advice=like.advice,
    )(like.node)


# -- a star -----------------------------------------------------------------------------------------------------


@wrong("6lbr-ble-duplicates-by-connection", "RFC6775-6.5.1-01")
class ByConnection(ReferenceNode):
    """Looks for duplicates among the addresses of one connection."""

    def is_owned(self, address, option):
        held = self.bindings.get(address)
        return held is not None and held.link == self.peer and super().is_owned(address, option)


class Remembers(ReferenceNode):
    """A 6LBR that keeps what a 6LN registered when it leaves."""

    def disconnected(self, peer):
        held = {a: b for a, b in self.bindings.items() if b.link == peer}
        super().disconnected(peer)
        self.bindings |= held


@wrong("6lbr-ble-left-never-ends", "RFC6775-6.5.3-04")
class LeftNeverEnds(Remembers):
    """Keeps the address of a 6LN that has left for ever, lest somebody else gets it."""

    def disconnected(self, peer):
        super().disconnected(peer)
        for held in self.bindings.values():
            held.ends = 1e12 if held.link == peer else held.ends


@wrong("6lbr-ble-back-is-a-duplicate", "RFC6775-6.5.1-01")
@starts_with(connection_of={})
class BackIsDuplicate(Remembers):
    """Tells owners by their connection: who comes back is another one."""

    def keep(self, address, option, link):
        super().keep(address, option, link)
        self.connection_of[address] = self.connections

    def refusal(self, asked):
        held = asked.address in self.bindings and self.bindings[asked.address].link == self.peer
        old = held and self.connection_of.get(asked.address, 0) < self.since[self.peer]
        return DUPLICATE if old else super().refusal(asked)

    since: dict = {}  # noqa: RUF012 - replaced at each connection

    def connected(self, peer, now):
        super().connected(peer, now)
        self.since = {**self.since, peer: self.connections}


@wrong("6lbr-ble-back-at-the-old-connection", "RFC6775-6.5.3-01")
class OldConnection(Remembers):
    """Confirms who comes back, and forwards to its old connection."""

    gone: frozenset = frozenset()

    def disconnected(self, peer):
        super().disconnected(peer)
        self.gone |= {a for a, b in self.bindings.items() if b.link == peer}

    def pass_on(self, packet, peer):
        if packet[24:40] not in self.gone:
            super().pass_on(packet, peer)


@wrong("6lbr-ble-sent-to-who-left-crash", "RFC7668-3.2.1-03")
class LeftCrash(Remembers):
    """Forwards to a 6LN that has left by a pointer to its connection."""

    def pass_on(self, packet, peer):
        if peer not in self.peers:
            raise KeyError("the connection is gone")
        super().pass_on(packet, peer)


@wrong("6lbr-ble-sent-to-who-left-strays", "RFC7668-3.2.1-03")
class LeftStrays(Remembers):
    """Sends what is for a 6LN that has left to the one that connected last."""

    def pass_on(self, packet, peer):
        super().pass_on(packet, peer if peer in self.peers else list(self.peers)[-1])


@wrong("6lbr-ble-one-address-each", "RFC6775-6.5.3-01")
class OneAddress(ReferenceNode):
    """Has one place for each connection: a second address of a 6LN takes the place of the first."""

    def keep(self, address, option, link):
        self.bindings = {a: b for a, b in self.bindings.items() if b.link != link}
        super().keep(address, option, link)
