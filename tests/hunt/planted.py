"""Nodes with a defect of sequence: what the hunter's benchmark looks for, and no case of the suites kills.

Each is the conforming reference node with one thing that goes wrong between two frames or more: what is kept of one
spoils another, an order that nobody thought of, a value that two fields have in common. `frames` is how many frames it
takes besides the ordinary echoes that are sent behind each sequence. They are no mutants of `tests/mutants`: the suites
need not catch them.

    @planted("ping-pong", frames=2)
    class PingPong(Dying):
        "Dies of a broadcast header behind a mesh header."
        def wrong(self, new, past): ...

`wrong` is asked of each payload, with those that came before it (the latest last), and `handed` of each packet that is
handed on; what it means is its base class. So that it can be seen in one run which of them a case brings about, both
change nothing but what the node remembers for itself (`begin`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from rigs.nodes.reference.node import ReferenceNode


@dataclass(frozen=True, slots=True)
class Planted:
    id: str
    what: str
    frames: int
    node: type[ReferenceNode]
    #: A case of the suites kills it: a measure beside the others, and none of them.
    known: bool = False


PLANTED: dict[str, Planted] = {}


def planted(id, *, frames, known=False):
    """Register a node."""

    def register(node):
        assert id not in PLANTED, id
        PLANTED[id] = Planted(id, " ".join(node.__doc__.split()), frames, node, known)
        return node

    return register


@dataclass(frozen=True, slots=True)
class Came:
    """One payload with what its first header says."""

    payload: bytes
    src: bytes
    dst: bytes
    time: float

    @property
    def first(self):
        return len(self.payload) >= 4 and self.payload[0] & 0xF8 == 0xC0

    @property
    def next(self):
        return len(self.payload) >= 5 and self.payload[0] & 0xF8 == 0xE0

    @property
    def fragment(self):
        return self.first or self.next

    @property
    def size(self):
        return int.from_bytes(self.payload[:2]) & 0x7FF

    @property
    def tag(self):
        return int.from_bytes(self.payload[2:4])

    @property
    def key(self):
        return (self.src, self.size, self.tag) if self.fragment else None

    @property
    def offset(self):
        return self.payload[4] if self.next else 0

    @property
    def octets(self):
        return self.payload[5 if self.next else 4 :]

    @property
    def iphc(self):
        return len(self.payload) >= 2 and self.payload[0] >> 5 == 3

    @property
    def nhc(self):
        """The octet behind a header whose addresses are elided and whose other fields are at their usual."""
        plain = self.iphc and self.payload[0] & 4 and self.payload[1] == 0x33
        at = 2 + (4, 3, 1, 0)[self.payload[0] >> 3 & 3] + (self.payload[0] & 3 == 0) if plain else 0
        return self.payload[at] if plain and at < len(self.payload) else -1


class Sequential(ReferenceNode):
    """Keeps what came, and asks `wrong` of each payload."""

    kept = 12

    def boot(self):
        self.begin()
        super().boot()

    def begin(self):
        """Nothing has come so far."""
        self.past = deque(maxlen=self.kept)
        self.struck = self.bad = 0
        self.armed = self.swallows = self.long = self.quoted = False

    def understand(self, payload, info):
        new = Came(payload, info.src, info.dst, self.now)
        if self.wrong(new, list(self.past)):
            self.struck += 1
            self.strike()
        self.past.append(new)
        return self.worse(super().understand(payload, info), info)

    def deliver(self, packet, info):
        if self.handed(packet):
            self.struck += 1
            self.strike()
        super().deliver(packet, info)

    def wrong(self, new, past):
        """Whether this payload, behind those, is too much for it."""
        return False

    def handed(self, packet):
        """Whether this packet, behind those that were handed on before, is too much for it."""
        return False

    def strike(self):
        """What happens then."""

    def worse(self, packet, info):
        """What it makes of a packet."""
        return packet


class Dying(Sequential):
    """It dies."""

    def strike(self):
        raise IndexError("beyond the end of the buffer")


class Deaf(Sequential):
    """It reassembles nothing any more."""

    def reassemble(self, payload, info):
        return None if self.struck else super().reassemble(payload, info)


class Leaking(Sequential):
    """It loses a place for reassembly for good."""

    def reassemble(self, payload, info):
        return None if self.struck >= 4 else super().reassemble(payload, info)


class Swallowing(Sequential):
    """It loses the packet behind."""

    def strike(self):
        self.swallows = True

    def worse(self, packet, info):
        if packet is not None and self.swallows and packet[6:7] == b"\x3a":
            self.swallows = False
            return None
        return packet


class Spoiling(Sequential):
    """It makes another packet of the one behind: `spoilt` of it."""

    def strike(self):
        self.armed = True

    def worse(self, packet, info):
        if packet is None or not self.armed or not self.fits(packet):
            return packet
        self.armed = False
        return self.spoilt(packet)

    def fits(self, packet):
        return True

    def spoilt(self, packet):
        return packet[:-1] + bytes([packet[-1] ^ 1])


class Forgetful(Sequential):
    """It forgets its contexts."""

    def strike(self):
        self.contexts = type(self.contexts)()


class Groupless(Sequential):
    """It leaves its groups."""

    def strike(self):
        self.groups.clear()


def load():
    """All planted nodes; the runner of the mutants can make them from then on, in this process only."""
    from tests.hunt import planted_headers, planted_order, planted_values  # noqa: F401 - they register themselves
    from tests.mutants import IEEE802154, MUTANTS, Mutant

    for one in PLANTED.values():
        MUTANTS.setdefault(one.id, Mutant(one.id, one.what, "RFC6282-2-04", None, IEEE802154, one.node))
    return PLANTED
