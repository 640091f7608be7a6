"""Mutants that take the first packet behind an event wrongly and the next one rightly: a second try hides them."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from tests.mutants import ANY, mutant, starts_with
from tests.mutants.fragments import reassembly
from tests.mutants.wire import Reassembly


@mutant("lost-behind-a-page-switch", requirement="RFC8025-3-02", kinds=ANY)
@starts_with(deaf=False)
class LostBehindAPageSwitch(ReferenceNode):
    """Loses the packet behind a page switch that nothing follows."""

    def understand(self, payload, info):
        lost, self.deaf = self.deaf, payload == b"\xf1"
        return None if lost else super().understand(payload, info)


@mutant("context-changes-behind-the-next-packet", requirement="RFC6282-3.1.2-01", kinds=ANY)
@starts_with(before=None)
class ContextChangesBehindTheNextPacket(ReferenceNode):
    """Reads one more packet with the contexts that it had before one of them was changed."""

    def set_context(self, identifier, prefix, length, *, compress=True):
        self.before = self.contexts
        super().set_context(identifier, prefix, length, compress=compress)

    def understand(self, payload, info):
        now, self.contexts, self.before = self.contexts, self.before or self.contexts, None
        try:
            return super().understand(payload, info)
        finally:
            self.contexts = now


@reassembly("frag-lost-behind-an-overlap", "RFC4944-5.3-18")
class LostBehindAnOverlap(Reassembly):
    """Loses the datagram behind one whose fragments overlap."""

    deaf = False

    def overlaps(self, datagram, begin, end):
        self.deaf |= (found := super().overlaps(datagram, begin, end))
        return found

    def open(self, key, size, first, now):
        if self.deaf and key not in self.datagrams:
            self.deaf = False
            return None
        return super().open(key, size, first, now)
