"""The reference node: a conforming 6LoWPAN node on the oracle, in memory. It tests the suites and proves nothing else.

Strategy: the node is composed (`in_role`) of a link half (`ieee802154` or `ble`) and a role: a host has none, a 6LN,
6LR or 6LBR has its class in front of the link half. All of them are an IPv6 host (`host`) with a 6LoWPAN layer
(`adaptation`); a part overrides the steps that it changes, and `super()` is what stands behind it. What is here is
common to all: the medium's side, and the rig's. The suites must find nothing wrong with the node, and a mutant
(`tests/mutants`) is one more class, in front of the others, with one step done wrongly (docs/adr/0023). An exception
other than the oracle's own "this cannot be decoded" is what a crash is on a board: the node goes silent, and `health`
tells.
"""

from __future__ import annotations

import importlib
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import Field

from rigs import registry
from rigs.configuration.models import ConfigError, NodeOptions
from rigs.configuration.telling import hint
from rigs.links.ipsp_memory.link import MemoryChannel
from rigs.links.memory.link import MemoryLink
from rigs.links.ot_security.link import on_bench
from rigs.model import Health, IpTap, LinkKind, Node, Received, RigError
from rigs.nodes.reference.adaptation import Adaptation
from rigs.nodes.reference.ble import Ble
from rigs.nodes.reference.ble_roles import BleSixLbr, BleSixLn
from rigs.nodes.reference.choices import chosen
from rigs.nodes.reference.ieee802154 import Ieee802154
from rigs.nodes.reference.sixlbr import SixLbr
from rigs.nodes.reference.sixln import SixLn
from rigs.nodes.reference.sixlr import SixLr
from sixlowpan import Context, LinkInfo, ipv6
from sixlowpan.addresses import solicited_node

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

Role = Literal["host", "6LN", "6LR", "6LBR"]

#: What a node is made of: the class of its role, and its link half. RFC 7668 has no 6LR.
_PARTS: Final[dict[tuple[LinkKind, Role], tuple[type[Adaptation], ...]]] = {
    ("ieee802154", "host"): (Ieee802154,),
    ("ieee802154", "6LN"): (SixLn, Ieee802154),
    ("ieee802154", "6LR"): (SixLr, Ieee802154),
    ("ieee802154", "6LBR"): (SixLbr, Ieee802154),
    ("ble", "host"): (Ble,),
    ("ble", "6LN"): (BleSixLn,),
    ("ble", "6LBR"): (BleSixLbr,),
}


class Options(NodeOptions):
    """Keys of [dut]."""

    mutant: str | None = Field(
        None, description="the id of a mutant in tests/mutants, which breaks the node on purpose"
    )
    variant: str | None = Field(
        None, description="the id of a variant in tests/variants, which takes a liberty that conforms"
    )
    role: Role = Field(
        "host", description='what it is: "host" (RFC 4861), or "6LN", "6LR" or "6LBR" (RFC 6775)'
    )
    extended: bool = Field(False, description="whether it registers as RFC 8505 has it")
    networkkey: str | None = Field(
        None, description="the key of a variant that secures frames, 32 hex digits"
    )


class ReferenceTap(IpTap):
    """Every packet that the node decompressed."""

    def __init__(self) -> None:
        self.packets: deque[Received] = deque()

    def receive(self, deadline: float) -> Received | None:
        """On a virtual clock there is nothing to wait for: what a frame causes has happened when it was sent."""
        del deadline
        return self.packets.popleft() if self.packets else None


class ReferenceNode(Adaptation, Node):
    """One node at the other end of a `MemoryLink` (or a `MemoryChannel`): a host, or what `in_role` makes of it."""

    stack = "reference"
    abilities = frozenset(
        {"echo", "ping", "udp", "join", "context", "address",
         "reset", "ip_tap", "counters", "port_unreachable", "tcp", "connect", "choices"}
    )  # fmt: skip

    def __new__(cls, link: MemoryLink | MemoryChannel) -> Self:
        """A class without a link half gets that of the link, as a `pathlib.Path` comes to be one of this system."""
        whole = issubclass(cls, Ieee802154 | Ble)
        return super().__new__(cls if whole else cls._composed(link.kind, "host"))

    @classmethod
    def in_role(cls, link: MemoryLink | MemoryChannel, role: Role, extended: bool = False) -> Self:
        """The node in a role, at the other end of `link`; with `extended` it knows RFC 8505. KeyError: no such role."""
        return cls._composed(link.kind, role, extended=extended)(link)

    @classmethod
    def _composed(cls, kind: LinkKind, role: Role, **settings: bool) -> type[Self]:
        """The class in front of the parts of that role and link."""
        parts = _PARTS[kind, role]
        return type(cls.__name__, (cls, *parts), {**settings, "__module__": cls.__module__})

    def __init__(self, link: MemoryLink | MemoryChannel) -> None:
        self.link: MemoryLink | MemoryChannel = link
        self.kind: LinkKind = link.kind
        self.link_address = link.dut
        self._tap = ReferenceTap()
        self.tap = self._tap
        self.choice = chosen("", self.kind)
        self.boot()
        self.come_up()
        self.attach()

    def boot(self) -> None:
        super().boot()
        self._tap.packets.clear()

    def deliver(self, packet: bytes, info: LinkInfo) -> None:
        """Past the tap."""
        self._tap.packets.append(Received(packet, self.now, self.link.clock))
        super().deliver(packet, info)

    # -- the node's own side ----------------------------------------------------------------------------------

    def version(self) -> str:
        return "in memory, on this checkout's oracle"

    def addresses(self) -> tuple[bytes, ...]:
        return tuple(self.own)

    def health(self) -> Health:
        return Health("crashed", self.crash) if self.crash else Health("alive")

    def close(self) -> None:
        """Nothing was started."""

    def console_text(self) -> str:
        return self.crash

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        self.now = self.link.now()
        data = bytes(octet & 0xFF for octet in range(size))
        source = self.source_for(destination)
        self.output(ipv6.echo_request(source, destination, identifier, sequence, data))

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        self.now = self.link.now()
        source = self.source_for(destination)
        message = ipv6.udp(source_port, destination_port, data, source, destination)
        self.output(ipv6.build(source, destination, ipv6.UDP, message))

    def udp_open(self, port: int) -> None:
        self.ports.setdefault(port, deque())

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        del deadline
        if port not in self.ports:
            raise RigError(f"reference: UDP port {port} was not opened: call udp_open first")
        return self.ports[port].popleft() if self.ports[port] else None

    def join(self, group: bytes) -> None:
        self.now = self.link.now()
        if group not in self.groups:
            self.groups.add(group)
            self.send_report(group)

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        del prefix_length
        if address not in self.own:
            self.own.append(address)
            self.groups.add(solicited_node(address))
        self.now = self.link.now()
        self.address_added(address)

    def leave(self, group: bytes) -> None:
        self.groups.discard(group)

    def remove_address(self, address: bytes) -> None:
        if address in self.own[1:]:
            self.own.remove(address)

    def tcp_listen(self, port: int) -> None:
        self.tcp.listen(port)

    def tcp_connect(self, destination: bytes, port: int) -> None:
        self.now = self.link.now()
        self.tcp.connect(destination, port)

    def tcp_close(self, port: int) -> None:
        self.now = self.link.now()
        self.tcp.close(port)

    def tcp_send(self, port: int, data: bytes) -> None:
        self.now = self.link.now()
        self.tcp.send(port, data)

    def tcp_receive(self, port: int, deadline: float) -> bytes | None:
        del deadline  # what a frame causes has happened when it was sent
        return self.tcp.receive(port)

    def set_context(self, identifier: int, prefix: bytes, length: int, *, compress: bool = True) -> None:
        if self.teach is not None:
            super().set_context(identifier, prefix, length, compress=compress)
            return
        if length == 0 and not any(prefix):
            self.contexts = self.given = self.contexts.without(identifier)
            self.spread_context(identifier, None)
            return
        context = Context((prefix + bytes(16))[:16], length, compress)
        self.contexts = self.given = self.contexts.with_context(identifier, context)
        self.spread_context(identifier, context)

    def choose(self, choice: str) -> None:
        self.choice = chosen(choice, self.kind)

    def reset(self) -> None:
        self.boot()
        self.come_up()
        self.join_link()

    def counters(self) -> dict[str, int]:
        self.reassembler.expire(self.link.now())
        free = self.reassembler.max_datagrams - self.reassembler.pending
        return {"reassembly_free": free, "dropped": self.dropped}


def open_node(bench: Bench, rig: RigFile) -> ReferenceNode:
    """The reference node, or the mutant or variant that the rig file names, behind the link that was opened before."""

    def absent() -> MemoryLink:
        raise RigError(
            f"{rig.path}: dut.node = 'reference' needs tester.link = 'memory:802154', 'memory:ble' or "
            "'ipsp_memory:'"
        )

    link: MemoryLink | MemoryChannel = bench.resource("memory", absent)
    options = registry.options(rig, Options)
    if (link.kind, options.role) not in _PARTS:
        raise RigError(f"{rig.path}: dut.role = {options.role!r} needs tester.link = 'memory:802154'")
    node = _made(rig, link, options)
    node.join_link()
    on_bench(bench).probe()  # of a variant that takes secured frames only
    return node


def _made(rig: RigFile, link: MemoryLink | MemoryChannel, options: Options) -> ReferenceNode:
    kind = next((kind for kind in ("mutant", "variant") if kind in rig.dut.options), None)
    if kind is None:
        return ReferenceNode.in_role(link, options.role, options.extended)
    name = str(rig.dut.options[kind])
    if unknown := unknown_of(kind, name):
        raise ConfigError([f"{rig.path}: dut.{kind}: {unknown}"])
    node = _tests(kind).make(name, link, options.role, options.extended)
    assert isinstance(node, ReferenceNode)
    return node


def unknown_of(kind: str, name: str) -> str:
    """What to say where there is no mutant or variant (`kind`) of this name; empty where there is."""
    there = _tests(kind).load()
    if name in there:
        return ""
    return f"no {kind} {name!r}{hint(name, there)}; `.venv/bin/python -m tests.{kind}s --list` shows all"


def _tests(kind: str) -> Any:
    """The package of the mutants or variants: nothing of the product may import tests, so it is found by name."""
    tree = str(Path(__file__).resolve().parents[3])
    if tree not in sys.path:
        sys.path.append(tree)
    return importlib.import_module(f"tests.{kind}s")
