"""Mutants that die of neighbor discovery that lies, or of too much of it."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import nd
from sixlowpan.addresses import is_link_local
from tests.mutants import ANY, mutant

KINDS = {nd.RS: 8, nd.RA: 16, nd.NS: 24, nd.NA: 24}


class Walks(ReferenceNode):
    """A node that walks the options of a message by hand."""

    looked_at = nd.NS

    def icmp(self, view, message):
        if message[0] == self.looked_at:
            self.walk(message, KINDS[self.looked_at])
        super().icmp(view, message)

    def walk(self, message, at):
        raise NotImplementedError


class Zero(Walks):
    """Never comes to the end of an option of length 0."""

    def walk(self, message, at):
        while at + 1 < len(message):
            if not message[at + 1]:
                raise RecursionError("the loop over options does not end")
            at += 8 * message[at + 1]


def zero(id, kind, requirement):
    """Register a node that hangs on an option of length 0 in this message."""
    made = type("Hangs", (Zero,), {"looked_at": kind, "__doc__": Zero.__doc__})
    mutant(id, requirement=requirement, kinds=ANY)(made)


zero("nd-rs-option-0-hangs", nd.RS, "RFC4861-6.1.1-01")
zero("nd-ra-option-0-hangs", nd.RA, "RFC4861-6.1.2-01")
zero("nd-na-option-0-hangs", nd.NA, "RFC4861-7.1.2-01")


@mutant("nd-context-option-read-beyond", requirement="RFC4861-6.1.2-01", kinds=ANY)
class ContextBeyond(Walks):
    """Reads a 6CO to its Length, whatever there is."""

    looked_at = nd.RA

    def walk(self, message, at):
        while at + 1 < len(message) and message[at + 1]:
            if message[at] == nd.SIXCO and at + 8 * message[at + 1] > len(message):
                raise IndexError("read beyond the end of the buffer")
            at += 8 * message[at + 1]


@mutant("nd-aro-read-beyond", requirement="RFC4861-7.1.1-01", kinds=ANY)
class AroBeyond(Walks):
    """Takes 16 octets for an ARO, whatever its Length says."""

    def walk(self, message, at):
        while at + 1 < len(message) and message[at + 1]:
            if message[at] == nd.ARO and at + 16 > len(message):
                raise IndexError("read beyond the end of the buffer")
            at += 8 * message[at + 1]


@mutant("nd-sixteen-options", requirement="RFC4861-7.1.1-02", kinds=ANY)
class SixteenOptions(Walks):
    """Has a table of sixteen options, and writes a seventeenth."""

    def walk(self, message, at):
        count = 0
        while at + 1 < len(message) and message[at + 1]:
            count += 1
            if count > 16:
                raise IndexError("written behind the table of options")
            at += 8 * message[at + 1]


@mutant("6ln-nd-eight-routers", requirement="RFC6775-5.4-02", rig="reference-nd-6ln")
class EightRouters(ReferenceNode):
    """Has a table of eight routers, and writes a ninth."""

    def keep_router(self, message):
        new = super().keep_router(message)
        if len(self.routers) > 8:
            raise IndexError("written behind the table of routers")
        return new


@mutant("6lr-flood-evicts", requirement="RFC6775-6.5.3-01", rig="reference-nd-6lr")
class FloodEvicts(ReferenceNode):
    """Gives up its oldest registration for a new one when more than sixteen wait."""

    def request(self, address):
        super().request(address)
        if len(self.waiting) > 16:
            for held in [a for a in self.bindings if not is_link_local(a)][:1]:
                del self.bindings[held]
