"""Mutants that are right until something has happened: a restart, many timeouts, a neighbour that is gone, a queue."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import Contexts
from sixlowpan.addresses import ALL_NODES
from tests.mutants import ANY, IEEE802154, mutant
from tests.mutants.fragments import reassembly
from tests.mutants.wire import Reassembly

# -- timeouts ---------------------------------------------------------------------------------------------------


@reassembly("frag-twenty-timeouts", "RFC4944-5.3-28")
class TwentyTimeouts(Reassembly):
    """Puts nothing together any more when 20 datagrams have timed out."""

    timed_out = 0

    def expire(self, now):
        before = len(self.datagrams)
        super().expire(now)
        self.timed_out += before - len(self.datagrams)

    def open(self, key, size, first, now):
        return None if self.timed_out >= 20 else super().open(key, size, first, now)


@reassembly("frag-place-lost-in-five-timeouts", "RFC4944-5.3-28")
class PlaceLostInFive(TwentyTimeouts):
    """Loses one of four places with each fifth datagram that times out, but for the full-size ones."""

    def open(self, key, size, first, now):
        return (
            None
            if self.timed_out >= 20 and size < 1000
            else super(TwentyTimeouts, self).open(key, size, first, now)
        )


@reassembly("frag-headless-timeouts", "RFC4944-5.3-28")
class HeadlessTimeouts(Reassembly):
    """Keeps the place of datagrams that time out without a FRAG1, and has sixteen such places."""

    lost = 0

    def expire(self, now):
        late = [d for d in self.datagrams.values() if not d.begun and now - d.started >= self.timeout]
        super().expire(now)
        self.lost += len(late)

    def open(self, key, size, first, now):
        return None if self.lost >= 16 else super().open(key, size, first, now)


# -- a restart --------------------------------------------------------------------------------------------------


class Restarts(ReferenceNode):
    """Counts its restarts."""

    restarts = 0

    def reset(self):
        self.restarts += 1
        super().reset()
        self.behind()

    def behind(self):
        """What is wrong behind a restart."""


@mutant("restart-loses-the-first-context", requirement="RFC6282-3.1.2-01", kinds=ANY)
class LosesTheFirstContext(Restarts):
    """Loses the first context that it is given behind a restart."""

    forgets_one = False

    def behind(self):
        self.forgets_one = True

    def set_context(self, identifier, prefix, length, *, compress=True):
        if self.forgets_one:
            self.forgets_one = False
            return
        super().set_context(identifier, prefix, length, compress=compress)


@mutant("restart-loses-high-contexts", requirement="RFC6282-3.1.2-01", kinds=ANY)
class LosesHighContexts(Restarts):
    """Has room for four contexts behind a second restart."""

    def set_context(self, identifier, prefix, length, *, compress=True):
        super().set_context(identifier, prefix, length, compress=compress)
        if self.restarts > 1:
            self.contexts = Contexts({i: c for i, c in self.contexts.items() if i < 4})


@mutant("removal-takes-context-0", requirement="RFC6282-3.1.2-01", kinds=ANY)
class RemovalTakesZero(ReferenceNode):
    """Loses context 0 when another one is removed."""

    def set_context(self, identifier, prefix, length, *, compress=True):
        super().set_context(identifier, prefix, length, compress=compress)
        if identifier and not length:
            self.contexts = self.contexts.without(0)


@mutant("restart-keeps-fragments", requirement="RFC4944-5.3-25", kinds=IEEE802154)
class KeepsFragments(Restarts):
    """Keeps fragments over a restart."""

    def reset(self):
        kept = self.reassembler
        super().reset()
        self.reassembler = kept


@mutant("restart-leaves-all-nodes", requirement="RFC6282-2-04", kinds=ANY)
class LeavesAllNodes(Restarts):
    """Is in no group of all nodes any more behind a restart."""

    def behind(self):
        self.groups.discard(ALL_NODES)


@mutant("restart-halves-the-room", requirement="RFC4944-4-02", kinds=IEEE802154)
class HalvesTheRoom(Restarts):
    """Takes no datagram above 640 octets behind a restart."""

    def reassemble(self, payload, info):
        large = payload[:1] and payload[0] & 0xD8 == 0xC0 and int.from_bytes(payload[:2], "big") & 0x7FF > 640
        return None if self.restarts and large else super().reassemble(payload, info)


# -- neighbours -------------------------------------------------------------------------------------------------


@mutant("gone-neighbour-takes-all-along", requirement="RFC6282-2-04", kinds=IEEE802154)
class GoneTakesAll(ReferenceNode):
    """Forgets how to resolve anybody when the resolution of one address has failed."""

    failed = False

    def tick(self):
        before = set(self.resolving)
        super().tick()
        self.failed |= bool(before - set(self.resolving) - set(self.neighbours))

    def learn(self, address, link):
        if not self.failed:
            super().learn(address, link)


@mutant("gone-neighbour-stops-reassembly", requirement="RFC4944-5.3-19", kinds=IEEE802154)
class GoneStopsReassembly(ReferenceNode):
    """Reassembles nothing while an address is being resolved: its one buffer holds the packet that waits."""

    def reassemble(self, payload, info):
        return None if self.resolving else super().reassemble(payload, info)


@mutant("waiting-output-overwritten", requirement="RFC4944-5.3-19", kinds=IEEE802154)
class WaitingOverwritten(ReferenceNode):
    """Fills the packet that waits for an address with the data of the last one that was received."""

    def deliver(self, packet, info):
        super().deliver(packet, info)
        for resolution in self.resolving.values():
            for at, old in enumerate(resolution.packets):
                resolution.packets[at] = self.overwritten(old, packet)

    def overwritten(self, old, packet):
        if old[6] != 58 or old[40] != 129 or old[24:40] == packet[8:24]:
            return old
        size = min(len(old), len(packet)) - 48
        return old[:48] + packet[48 : 48 + size] + old[48 + size :]


@mutant("waiting-output-blocks-the-rest", requirement="RFC6282-2-04", kinds=IEEE802154)
class WaitingBlocks(ReferenceNode):
    """Sends no fragmented packet while another waits for an address."""

    def fragment_packet(self, packet, info):
        return [] if self.resolving and len(packet) > 200 else super().fragment_packet(packet, info)
