"""Conforming nodes that differ from the reference: each does otherwise what the RFCs leave to a node.

A variant is a subclass of the reference node with one liberty taken; its docstring says which, and where the texts
allow it. `without` are the abilities that it lacks, `parameters` and `rig` what its owner writes into the profile
and the rig file. It is judged strictly, unless it leaves out what a SHOULD asks for (`strict=False`). The suites must
find nothing wrong with any of them, on any of its rigs: `python -m tests.variants`.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rigs.configuration.loading import PROFILES, RIGS
from rigs.links.ipsp_memory.link import MemoryChannel
from rigs.links.memory.link import MemoryLink
from rigs.model import Unsupported
from rigs.nodes.reference.node import ReferenceNode, Role

IEEE802154: Final = ("reference",)
BLE: Final = ("reference-ble",)
ANY: Final = ("reference", "reference-ble")
ROLES: Final = ("reference-6ln", "reference-6lbr")

#: What a node without an ability cannot be asked for.
_METHODS: Final = {
    "ping": ("ping",),
    "udp": ("udp_open", "udp_send", "udp_receive"),
    "tcp": ("tcp_listen", "tcp_send", "tcp_receive"),
    "join": ("join",),
    "context": ("set_context",),
    "address": ("add_address",),
    "reset": ("reset",),
    "counters": ("counters",),
}

Node = type[ReferenceNode]
Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    id: str
    what: str
    node: Node
    #: The rigs that it is tried on, of those whose node is the reference.
    rigs: tuple[str, ...]
    without: frozenset[str]
    parameters: Table
    rig: Table
    strict: bool


VARIANTS: dict[str, Variant] = {}


def variant(
    id: str,
    *,
    rigs: tuple[str, ...] = IEEE802154,
    without: Collection[str] = (),
    parameters: Table | None = None,
    rig: Table | None = None,
    strict: bool = True,
):
    """Register a subclass of `ReferenceNode`."""

    def register(node: Node) -> Node:
        if id in VARIANTS:
            raise ValueError(f"two variants are called {id!r}")
        assert node.__doc__, (
            f"variant {id!r} needs a docstring that says what it does otherwise, and by what right"
        )
        what = " ".join(node.__doc__.split())
        VARIANTS[id] = Variant(id, what, node, rigs, frozenset(without), parameters or {}, rig or {}, strict)
        return node

    return register


def make(
    id: str, link: MemoryLink | MemoryChannel, role: Role = "host", extended: bool = False
) -> ReferenceNode:
    """The variant in this role at the other end of `link`. Raises KeyError with the known ids."""
    load()
    if id not in VARIANTS:
        raise KeyError(f"no variant {id!r}; there are: {', '.join(sorted(VARIANTS))}")
    chosen = VARIANTS[id]
    node = chosen.node.in_role(link, role, extended)
    node.abilities = node.abilities - chosen.without
    if "ip_tap" in chosen.without:
        node.tap = None
    for ability in chosen.without:
        for name in _METHODS.get(ability, ()):
            setattr(node, name, _absent(ability))
    return node


def _absent(ability: str):
    def refuse(*_arguments: object, **_keywords: object) -> None:
        raise Unsupported(ability)

    return refuse


def write(chosen: Variant, rig: str, folder: Path) -> Path:
    """Write the rig file and the profile that the owner of such a node would write; return the rig file's path."""
    file = tomllib.loads((RIGS / f"{rig}.toml").read_text(encoding="utf-8"))
    profile = tomllib.loads((PROFILES / f"{file['profile']}.toml").read_text(encoding="utf-8"))
    profile["abilities"] = [name for name in profile["abilities"] if name not in chosen.without]
    given = {**profile["parameters"], **chosen.parameters}
    profile["parameters"] = {key: value for key, value in given.items() if value is not None}
    profile["notes"] = chosen.what
    name = f"{chosen.id}.{rig}"
    file |= {key: value for key, value in chosen.rig.items() if not isinstance(value, Mapping)}
    for key, value in chosen.rig.items():
        if isinstance(value, Mapping):
            file[key] = {**file.get(key, {}), **value}
    file |= {"profile": f"./{name}.profile.toml", "what": chosen.what}
    file["dut"] = {**file["dut"], "variant": chosen.id}
    (folder / f"{name}.profile.toml").write_text(_toml(profile), encoding="utf-8")
    path = folder / f"{name}.toml"
    path.write_text(_toml(file), encoding="utf-8")
    return path


def _toml(table: Table) -> str:
    """TOML of a table whose tables hold plain values; JSON's strings, numbers and lists are TOML's."""
    plain = [(key, value) for key, value in table.items() if not isinstance(value, Mapping)]
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += [f"\n[{key}]", *(f"{k} = {json.dumps(v)}" for k, v in value.items())]
    return "\n".join(lines) + "\n"


def load() -> dict[str, Variant]:
    """Import every module of this folder, so that all variants are registered; return them."""
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith(("_", "test_")):
            importlib.import_module(f"{__name__}.{module.name}")
    return VARIANTS


__all__ = [
    "ANY",
    "BLE",
    "IEEE802154",
    "ROLES",
    "VARIANTS",
    "ReferenceNode",
    "Variant",
    "load",
    "make",
    "variant",
    "write",
]
