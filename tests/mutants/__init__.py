"""Deliberately wrong nodes: each is the conforming reference node with one defect that some stack really had.

A mutant is one decorated function or class of a few lines in a module of this folder:

    @rewrites("tf-not-rotated", requirement="RFC6282-3.2.1-01", defect="LWIP-TC")
    def _(node, packet, header, info):
        "Takes ECN|DSCP for the traffic class as it stands."

`rewrites` spoils what the decoder made of a payload, `reads` spoils the payload before it is decoded, `crashes` is
an exception on some payloads, `sends` spoils the payloads of one packet before they leave; `mutant` takes a
subclass that overrides a step. Of such a subclass `always` makes a step that does nothing but return a value, and
`starts_with` gives it attributes; `nd_steps.py` has bases for Neighbor Discovery, `fragments.py` for reassembly.
`step` makes a decorator like the first four. The docstring says what is wrong; the requirement is the one that it
breaks, the defect the entry of the public defect list that it copies. The suites must find every one of them wrong,
and nothing wrong with the reference node itself: `python -m tests.mutants`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rigs.links.memory.link import MemoryLink
from rigs.model import LinkKind
from rigs.nodes.reference.node import ReferenceNode, Role
from tests.mutants.wire import Iphc, iphc

ANY: Final = ("ieee802154", "ble")
IEEE802154: Final = ("ieee802154",)
BLE: Final = ("ble",)
_RIGS: Final = Path(__file__).parent / "rigs"
#: Rigs on which a mutant can be told that the reference's own rig does not show, or shows at once.
NO_TAP, THREE_SECONDS, TIMEOUT_UNDECLARED, ONE_PLACE, APPLICATION, SECURED, PAIR, PLAIN = (
    str(_RIGS / f"{name}.toml")
    for name in (
        "no-tap",
        "three-seconds",
        "timeout-undeclared",
        "one-place",
        "application",
        "secured",
        "pair",
        "plain",
    )
)

Node = type[ReferenceNode]


@dataclass(frozen=True, slots=True)
class Mutant:
    id: str
    what: str
    requirement: str
    defect: str | None
    kinds: tuple[LinkKind, ...]
    node: Node
    #: The rig on which it can be told from the original, where it is not the one of the link's kind.
    rig: str = ""
    #: Whether what it breaks is advice, whatever the requirement binds to otherwise.
    advice: bool = False


MUTANTS: dict[str, Mutant] = {}


def mutant(
    id: str,
    *,
    requirement: str,
    defect: str | None = None,
    kinds=IEEE802154,
    what: str = "",
    rig: str = "",
    advice: bool = False,
):
    """Register a subclass of `ReferenceNode`; `kinds` are the links on which it can be told from the original."""

    def register(node: Node) -> Node:
        if id in MUTANTS:
            raise ValueError(f"two mutants are called {id!r}")
        said = what or node.__doc__
        assert said, f"mutant {id!r} needs a docstring that says what is wrong with it"
        MUTANTS[id] = Mutant(id, " ".join(said.split()), requirement, defect, kinds, node, rig, advice)
        return node

    return register


def step(make: Callable[[Callable], Node], kinds=ANY, requirement: str = ""):
    """A decorator that turns a function (or class) into a node by `make` and registers it.

    It is called with what `mutant` takes; `kinds` and `requirement` are for where it is not told them, and `what` is
    for a function that several mutants share, such as `wire.hop_limit`. Its attribute `make` is for decorators that
    stand on this one.
    """

    def decorator(
        id: str, requirement=requirement, defect: str | None = None, *, kinds=kinds, what="", **told
    ):
        def register(function: Callable) -> Callable:
            said = what or function.__doc__ or ""
            mutant(id, requirement=requirement, defect=defect, kinds=kinds, what=said, **told)(make(function))
            return function

        return register

    decorator.make = make
    return decorator


@step
def rewrites(function: Callable) -> Node:
    """function(node, packet: bytearray, header: Iphc, info) changes what was decoded of an IPHC payload."""

    class Rewriting(ReferenceNode):
        def decode_payload(self, payload, info):
            packet = bytearray(super().decode_payload(payload, info))
            header = iphc(payload)
            if header is not None:
                function(self, packet, header, info)
            return bytes(packet)

    return Rewriting


@step
def reads(function: Callable) -> Node:
    """function(node, payload, header: Iphc | None, info) -> the payload that is decoded in its place, None to drop."""

    class Reading(ReferenceNode):
        def understand(self, payload, info):
            changed = function(self, payload, iphc(payload), info)
            return None if changed is None else super().understand(changed, info)

    return Reading


@step
def crashes(function: Callable) -> Node:
    """function(node, payload, header: Iphc | None) -> whether this payload crashes the node."""

    class Crashing(ReferenceNode):
        def understand(self, payload, info):
            if function(self, payload, iphc(payload)):
                raise IndexError("read beyond the end of the buffer")
            return super().understand(payload, info)

    return Crashing


@step
def sends(function: Callable) -> Node:
    """function(node, payloads, packet, info) -> the payloads that leave in place of the right ones."""

    class Sending(ReferenceNode):
        def fragment_packet(self, packet, info):
            return function(self, super().fragment_packet(packet, info), packet, info)

    return Sending


def always(**results) -> Node:
    """A node whose steps of these names do nothing but return this: `always(valid_duplicate=True)`."""

    def answering(result):
        return lambda _node, *_given: result

    return type("Always", (ReferenceNode,), {name: answering(result) for name, result in results.items()})


def starts_with(**first):
    """A class decorator: whenever the node starts, it has a copy of each of these attributes.

    It has them while it starts, and copies of their own behind that: what is sent at a start changes nothing for good.
    """

    def decorator(node: Node) -> Node:
        def boot(self):
            vars(self).update(deepcopy(first))
            super(node, self).boot()
            vars(self).update(deepcopy(first))

        node.boot = boot
        return node

    return decorator


def make(id: str, link: MemoryLink, role: Role = "host", extended: bool = False) -> ReferenceNode:
    """The mutant in this role at the other end of `link`. Raises KeyError with the known ids."""
    load()
    if id not in MUTANTS:
        raise KeyError(f"no mutant {id!r}; there are: {', '.join(sorted(MUTANTS))}")
    return MUTANTS[id].node.in_role(link, role, extended)


def load() -> dict[str, Mutant]:
    """Import every module of this folder, so that all mutants are registered; return them."""
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith(("_", "test_")):
            importlib.import_module(f"{__name__}.{module.name}")
    return MUTANTS


__all__ = ["MUTANTS", "Iphc", "Mutant", "crashes", "load", "make", "mutant", "reads", "rewrites", "sends"]
