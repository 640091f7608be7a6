"""Mutants on Bluetooth LE behind events: listeners that report and leave, and 6LNs that come back."""

from __future__ import annotations

from copy import copy

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import ipv6
from sixlowpan.addresses import is_multicast
from tests.mutants import starts_with
from tests.mutants.ble_6lbr import wrong as wrong_6lbr
from tests.mutants.ble_6ln import wrong as wrong_6ln
from tests.mutants.nd_steps import HadARouter


@starts_with(kept={})
class Remembers(ReferenceNode):
    """A 6LBR that knows something of a 6LN that comes back which belonged to its last connection: `field` of `Peer`."""

    field = ""

    def disconnected(self, peer):
        if peer in self.peers:
            self.kept = {**self.kept, peer: copy(getattr(self.peers[peer], self.field))}
        super().disconnected(peer)

    def connected(self, peer, now):
        super().connected(peer, now)
        if peer in self.kept:
            setattr(self.peers[peer], self.field, self.kept[peer])


@wrong_6lbr("6lbr-groups-of-an-earlier-connection", "RFC7668-3.2.5-03", advice=True)
class GroupsOfAnEarlierConnection(Remembers):
    """Forwards to a 6LN that came back what it listened to on its last connection."""

    field = "groups"


@wrong_6lbr("6lbr-one-leaves-all-leave", "RFC7668-3.2.5-02")
class OneLeavesAllLeave(ReferenceNode):
    """Forgets all listeners of a group when one leaves it."""

    def track(self, view):
        before = set(self.peers[self.peer].groups) if self.peer in self.peers else set()
        super().track(view)
        if self.peer in self.peers:
            for g in before - self.peers[self.peer].groups:
                for k in self.peers.values():
                    k.groups.discard(g)


@wrong_6lbr("6lbr-first-record-only", "RFC7668-3.2.5-02")
class FirstRecordOnly(ReferenceNode):
    """Reads the first record of a report only."""

    def track(self, view):
        protocol, _, message = view.upper()
        if protocol == ipv6.ICMPV6 and message[0] == 143 and int.from_bytes(message[6:8]) > 1:
            groups, group = self.peers[self.peer].groups, message[12:28]
            (groups.discard if message[8] in {1, 3} else groups.add)(group)
            return
        super().track(view)


@wrong_6lbr("6lbr-counts-reports", "RFC7668-3.2.5-03")
@starts_with(counts={})
class CountsReports(ReferenceNode):
    """Counts reports: who reported three times has to leave three times."""

    def track(self, view):
        known = self.peers.get(self.peer)
        before = set(known.groups) if known else set()
        super().track(view)
        if known is None:
            return
        _, _, m = view.upper()
        for g in known.groups & before:
            if g in m:
                self.counts = {**self.counts, (self.peer, g): self.counts.get((self.peer, g), 0) + 1}
        for g in before - known.groups:
            if self.counts.get((self.peer, g), 0) > 0:
                self.counts = {**self.counts, (self.peer, g): self.counts[self.peer, g] - 1}
                known.groups.add(g)


@wrong_6lbr("6lbr-multicast-hop-limit-kept", "RFC7668-3.2.1-03")
class MulticastHopLimitKept(ReferenceNode):
    """Forwards multicast without taking one from the hop limit."""

    def pass_on(self, packet, peer):
        if is_multicast(packet[24:40]):
            self.transmit(packet, peer)
        else:
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-multicast-hop-limit-0", "RFC7668-3.2.1-03")
class MulticastHopLimit0(ReferenceNode):
    """Forwards multicast whose hop limit becomes 0."""

    def pass_on(self, packet, peer):
        if is_multicast(packet[24:40]) and packet[7] == 1:
            self.transmit(packet[:7] + b"\0" + packet[8:], peer)
        else:
            super().pass_on(packet, peer)


@wrong_6lbr("6lbr-multicast-back-to-its-sender", "RFC7668-3.2.5-01", advice=True)
class MulticastBackToItsSender(ReferenceNode):
    """Forwards multicast to the listener that it came from, too."""

    def route(self, packet, view):
        if is_multicast(view.dst) and view.dst[1] & 15 > 2 and self.listens(self.peers[self.peer], view.dst):
            self.pass_on(packet, self.peer)
        return super().route(packet, view)


@wrong_6lbr("6lbr-interface-local-forwarded", "RFC7668-3.2.1-01")
class InterfaceLocalForwarded(ReferenceNode):
    """Forwards interface-local multicast."""

    def route(self, packet, view):
        if is_multicast(view.dst) and view.dst[1] & 15 == 1:
            for p, k in self.peers.items():
                if p != self.peer and self.listens(k, view.dst):
                    self.pass_on(packet, p)
        return super().route(packet, view)


@wrong_6lbr("6lbr-registered-on-an-earlier-connection", "RFC7668-3.2.4-09", advice=True)
class RegisteredOnAnEarlierConnection(Remembers):
    """Takes what a 6LN registered on its last connection for registered on the next."""

    field = "registered"


@wrong_6lbr("6lbr-context-for-the-first-6ln", "RFC7668-3.2.4-03")
@starts_with(told=frozenset())
class ContextForTheFirst6ln(ReferenceNode):
    """Advertises the 6CO to the first 6LN that solicits only."""

    def context_options(self, prefix):
        if self.told and self.peer not in self.told:
            return []
        self.told |= {self.peer}
        return super().context_options(prefix)


@wrong_6ln("6ln-no-solicitation-behind-a-router", "RFC7668-3.2.3-04")
class NoSolicitationBehindARouter(HadARouter):
    """Solicits no router on the connection behind one that had a router."""

    def solicit_router(self):
        if self.had:
            self.had = False
            return
        super().solicit_router()


@wrong_6lbr("6lbr-records-without-sources", "RFC7668-3.2.5-02", advice=True)
class RecordsWithoutSources(ReferenceNode):
    """Takes every record of a report for one of 20 octets, without sources or auxiliary data."""

    def track(self, view):
        protocol, _, message = view.upper()
        if protocol == ipv6.ICMPV6 and message[0] == 143:
            octets = message[8:] + bytes(20)
            records = [octets[at : at + 20] for at in range(0, 20 * int.from_bytes(message[6:8]), 20)]
            body = b"".join(record[:1] + bytes(3) + record[4:] for record in records)
            report = message[:8] + body
            view = ipv6.Packet.parse(ipv6.build(view.src, view.dst, ipv6.ICMPV6, report))
        super().track(view)


@wrong_6lbr("6lbr-include-is-to-leave", "RFC7668-3.2.5-02", advice=True)
class IncludeIsToLeave(ReferenceNode):
    """Takes CHANGE_TO_INCLUDE for the end of listening, whatever sources it includes."""

    def track(self, view):
        super().track(view)
        protocol, _, message = view.upper()
        if protocol == ipv6.ICMPV6 and message[0] == 143 and message[8] == 3 and self.peer in self.peers:
            self.peers[self.peer].groups.discard(message[12:28])


@wrong_6lbr("6lbr-changes-only", "RFC7668-3.2.5-02", advice=True)
class ChangesOnly(ReferenceNode):
    """Reads only the records by which a 6LN changes its filter mode, and none of its current state."""

    def track(self, view):
        protocol, _, message = view.upper()
        if protocol != ipv6.ICMPV6 or message[0] != 143:
            super().track(view)
            return
        kept, at = [], 8
        for _record in range(int.from_bytes(message[6:8])):
            end = at + 20 + 16 * int.from_bytes(message[at + 2 : at + 4]) + 4 * message[at + 1]
            kept += [message[at:end]] if message[at] in {3, 4} else []
            at = end
        report = message[:6] + len(kept).to_bytes(2) + b"".join(kept)
        super().track(ipv6.Packet.parse(ipv6.build(view.src, view.dst, ipv6.ICMPV6, report)))


@wrong_6lbr("6lbr-mldv1-unread", "RFC7668-3.2.5-02", advice=True)
class Mldv1Unread(ReferenceNode):
    """Knows MLDv2 only."""

    def track(self, view):
        if view.upper()[2][:1] != b"\x83":
            super().track(view)
