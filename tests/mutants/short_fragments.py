"""Mutants that die of very short fragments: two or three of one datagram, which no single frame shows."""

from __future__ import annotations

from rigs.nodes.reference.node import ReferenceNode
from tests.mutants import IEEE802154, mutant


class Kept(ReferenceNode):
    """Notes of each datagram what the lengths of its fragments were, well formed or not."""

    def boot(self):
        self.lengths = {}
        super().boot()

    def understand(self, payload, info):
        if payload[:1] and payload[0] & 0xD8 == 0xC0 and len(payload) >= 4:
            first = payload[0] & 0xF8 == 0xC0
            kind = "first" if first else payload[4] if len(payload) > 4 else None
            key = info.src, info.dst, payload[0] & 7, payload[1:4]
            seen = self.lengths.setdefault(key, [])
            seen.append((kind, len(payload) - (4 if first else 5)))
            if self.dies(seen):
                raise RecursionError("the list of intervals points at itself")
        return super().understand(payload, info)

    def dies(self, seen):
        """Whether fragments of these (offset or "first", length) are too much for it."""
        return False


def dies(id, *requirements):
    """Register a node that dies where the decorated function says so."""

    def register(function):
        node = type(function.__name__, (Kept,), {"dies": lambda _self, seen: function(seen)})
        requirement = requirements[0] if requirements else "RFC4944-5.3-20"
        mutant(id, requirement=requirement, kinds=IEEE802154, what=function.__doc__)(node)
        return function

    return register


def of(seen, kind):
    return [length for name, length in seen if name == kind]


@dies("crash-intervals-in-a-circle")
def _(seen):
    """Dies of a FRAG1 of one octet and two FRAGNs of eight, with a gap, of one datagram."""
    return 1 in of(seen, "first") and 8 in of(seen, 1) and 8 in of(seen, 3)


@dies("crash-frag1-behind-short-fragn")
def _(seen):
    """Dies of a FRAG1 of seven octets behind a FRAGN of three."""
    return seen[-1] == ("first", 7) and (1, 3) in seen[:-1]


@dies("crash-two-short-first-fragments")
def _(seen):
    """Dies of two FRAG1 of one datagram, one of two octets and one of five."""
    return {2, 5} <= set(of(seen, "first"))


@dies("crash-empty-between-two", "RFC4944-5.3-07")
def _(seen):
    """Dies of an empty FRAGN between two of eight octets."""
    return [entry[1] for entry in seen[-3:]] == [8, 0, 8] and "first" not in {name for name, _ in seen}


@dies("crash-falling-lengths", "RFC4944-5.3-07")
def _(seen):
    """Dies of three FRAGNs of one datagram of six, five and four octets."""
    return [length for name, length in seen if name != "first"][-3:] == [6, 5, 4]


@dies("crash-hole-before-a-short-one")
def _(seen):
    """Dies of a FRAG1 without an octet and a FRAGN of one octet that leaves a hole."""
    return seen[-2:] == [("first", 0), (3, 1)]
