"""The reference node: a conforming 6LoWPAN node on the oracle, in memory. It tests the suites and proves nothing else.

Strategy: a frame's way through the node is a row of small methods (`parse_mac`, `accepts`, `understand`,
`decode_payload`, `reassemble`, then the host; `encode_packet`, `fragment_packet`, `frame`), each doing one step
of an RFC. The suites must find nothing wrong with it, and a mutant (`tests/mutants`) is this class with one step
done wrongly. An exception other than the oracle's own "this cannot be decoded" is what a crash is on a board:
the node goes silent, and `health` tells.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from rigs import registry
from rigs.configuration.models import NodeOptions
from rigs.links.ipsp.channel import Channel
from rigs.links.ipsp_memory.link import MemoryChannel
from rigs.links.memory.link import MemoryLink
from rigs.model import Health, IpTap, LinkKind, Node, Received, RigError
from rigs.nodes.reference.ble import BleNode
from rigs.nodes.reference.choices import chosen
from sixlowpan import (
    Context,
    Contexts,
    DecodeError,
    EncodeError,
    LinkInfo,
    MacHeader,
    Reassembler,
    decode,
    encode,
    fragment,
    ipv6,
    link_local,
    mac,
    mesh,
)
from sixlowpan.addresses import BROADCAST, multicast_link_address, solicited_node
from sixlowpan.link import link_between

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile


class Options(NodeOptions):
    """Keys of [dut]."""

    mutant: str | None = Field(
        None, description="the id of a mutant in tests/mutants, which breaks the node on purpose"
    )
    variant: str | None = Field(
        None, description="the id of a variant in tests/variants, which takes a liberty that conforms"
    )
    role: Literal["host", "6LN", "6LR", "6LBR"] = Field(
        "host", description='what it is: "host" (RFC 4861), or "6LN", "6LR" or "6LBR" (RFC 6775)'
    )
    extended: bool = Field(False, description="whether it registers as RFC 8505 has it")
    networkkey: str | None = Field(
        None, description="the key of a variant that secures frames, 32 hex digits"
    )


SLOTS: Final = 4


class ReferenceTap(IpTap):
    """Every packet that the node decompressed."""

    def __init__(self) -> None:
        self.packets: deque[Received] = deque()

    def receive(self, deadline: float) -> Received | None:
        """On a virtual clock there is nothing to wait for: what a frame causes has happened when it was sent."""
        del deadline
        return self.packets.popleft() if self.packets else None


class ReferenceNode(BleNode, Node):
    """One node of one kind, at the other end of a `MemoryLink` (or a `MemoryChannel`)."""

    stack = "reference"
    abilities = frozenset(
        {"echo", "ping", "udp", "join", "context", "address",
         "reset", "ip_tap", "counters", "port_unreachable", "tcp", "connect", "choices"}
    )  # fmt: skip

    def __init__(self, link: MemoryLink | MemoryChannel) -> None:
        self.link: MemoryLink | MemoryChannel = link
        self.kind: LinkKind = link.kind
        self.link_address = link.dut
        self.point_to_point = link.kind == "ble"
        self._tap = ReferenceTap()
        self.tap = self._tap
        self.choice = chosen("", self.kind)
        self.boot()
        link.attach(self)

    def boot(self) -> None:
        super().boot()
        self.contexts = Contexts()
        self.reassembler = self.make_reassembler()
        self.tag = 0x1000
        self.sequence = 0
        self.dropped = 0
        self.crash = ""
        self.now = self.link.now()
        self._out: list[tuple[bytes, bytes]] = []  # (to whom, on BLE; frame)
        self._tap.packets.clear()
        self.boot_ble()
        if self.kind == "ieee802154" and self.registers:
            self.solicit_router()

    def make_reassembler(self) -> Reassembler:
        return Reassembler(max_datagrams=SLOTS)

    def first_addresses(self) -> tuple[bytes, ...]:
        return tuple(link_local(link) for link in (self.link.dut, self.link.dut_short) if link)

    # -- the medium -------------------------------------------------------------------------------------------

    def hear(self, frame: bytes, now: float) -> list[bytes]:
        return [answer for _, answer in self.hear_from(self.peer, frame, now)]

    def hear_from(self, peer: bytes, frame: bytes, now: float) -> list[tuple[bytes, bytes]]:
        """As `hear`, from one of several peers; and with each frame of the answer for whom it is."""
        self.peer, self.now = peer, now
        if not self.crash:
            try:
                self.receive_frame(frame)
            except DecodeError:
                self.dropped += 1
            except Exception:  # noqa: BLE001 - whatever a decoder's bug raises is a crash of the node
                self.crash = traceback.format_exc(limit=-3)
                self._out.clear()
        return self._taken()

    def wake(self, now: float) -> list[bytes]:
        return [frame for _, frame in self.wake_up(now)]

    def hear_pdu(self, channel: Channel, cid: int, pdu: bytes) -> None:
        if not self.crash:
            try:
                channel.hear(cid, pdu)
            except Exception:  # noqa: BLE001 - as in `hear_from`
                self.crash = traceback.format_exc(limit=-3)

    def wake_up(self, now: float) -> list[tuple[bytes, bytes]]:
        self.now = now
        if not self.crash:
            self.tick()
        return self._taken()

    def next_timer(self) -> float | None:
        return self.now if self._out else None if self.crash else self.due()

    def _taken(self) -> list[tuple[bytes, bytes]]:
        out, self._out = self._out, []
        return out

    # -- in: IEEE 802.15.4 and 6LoWPAN ------------------------------------------------------------------------

    def receive_frame(self, frame: bytes) -> None:
        if self.kind == "ble":
            payload, info = frame, self.ble_info(self.peer, sent=False)
        else:
            header, payload = self.parse_mac(frame)
            if not self.accepts(header):
                return
            if header.ack_request and header.dst != BROADCAST and header.sequence is not None:
                self._out.append((b"", mac.ack(header.sequence)))
            info = self.link_info(header)
        packet = self.understand(payload, info)
        if packet is not None:
            self.deliver(packet, info)

    def parse_mac(self, frame: bytes) -> tuple[MacHeader, bytes]:
        return mac.parse(frame)

    def accepts(self, header: MacHeader) -> bool:
        """RFC 4944 §2: data frames, with both addresses; IEEE 802.15.4: for our PAN and one of our addresses."""
        return (
            header.type == mac.DATA
            and not header.security
            and len(header.src) in {2, 8}
            and header.src not in {BROADCAST, b"\xff\xfe"}
            and header.pan in {self.link.pan, BROADCAST}
            and header.dst in {self.link.dut, self.link.dut_short, BROADCAST}
        )

    def link_info(self, header: MacHeader) -> LinkInfo:
        return link_between("ieee802154", header.src, header.dst)

    def understand(self, payload: bytes, info: LinkInfo) -> bytes | None:
        """The packet that a payload is or completes; `DecodeError` drops it."""
        if not self.in_mesh_for_us(payload, info):
            return None
        if self.kind == "ieee802154" and (payload[:1] >= b"\x80" or payload[:1] == b"\x50"):
            return self.reassemble(payload, info)  # fragments, also behind mesh and broadcast headers
        self.reassembler.expire(self.now)
        return self.decode_payload(payload, info)

    def in_mesh_for_us(self, payload: bytes, info: LinkInfo) -> bool:
        """RFC 4944 §11: "If the node is the final destination, it consumes the packet"; we forward nothing."""
        if self.kind == "ble" or payload[:1] < b"\x80" or payload[:1] >= b"\xc0":
            return True
        groups = {multicast_link_address(group) for group in self.groups}  # §9
        return mesh.parse(payload, 0).final in {self.link.dut, self.link.dut_short, BROADCAST, *groups}

    def decode_payload(self, payload: bytes, info: LinkInfo) -> bytes:
        return decode(payload, info, self.contexts)

    def reassemble(self, payload: bytes, info: LinkInfo) -> bytes | None:
        return self.reassembler.receive(payload, info, self.contexts, self.now)

    def deliver(self, packet: bytes, info: LinkInfo) -> None:
        """Hand a decompressed packet to the IPv6 layer, past the tap."""
        del info
        self._tap.packets.append(Received(packet, self.now, self.link.clock))
        self.input(packet)

    # -- out: 6LoWPAN and IEEE 802.15.4 -----------------------------------------------------------------------

    def transmit(self, packet: bytes, neighbour: bytes) -> None:
        for to in self.receivers(packet, neighbour) if self.kind == "ble" else (neighbour,):
            info, payloads = self.choice(self, packet, self.sent_info(packet, to))
            self._out += [(to, self.frame(payload, info)) for payload in payloads]

    def sent_info(self, packet: bytes, neighbour: bytes) -> LinkInfo:
        """RFC 4944 §3: multicast goes to the broadcast address; our address is the one behind our IPv6 source."""
        if self.kind == "ble":
            return self.ble_info(neighbour, sent=True)
        short = packet[8:24] == link_local(self.link.dut_short)
        source = self.link.dut_short if short else self.link.dut
        return link_between("ieee802154", source, neighbour or BROADCAST)

    def encode_packet(self, packet: bytes, info: LinkInfo) -> bytes:
        return encode(packet, info, self.contexts)

    def room(self, info: LinkInfo) -> int:
        """Octets of payload in one frame."""
        return self.link.mtu - (0 if self.kind == "ble" else len(self.mac_frame(b"", info)))

    def fragment_packet(self, packet: bytes, info: LinkInfo) -> list[bytes]:
        payload = self.encode_packet(packet, info)
        room = self.room(info)
        if len(payload) <= room:
            return [payload]
        tag = self.next_tag()
        try:
            return fragment(packet, info, self.contexts, mtu=room, tag=tag, payload=payload)
        except EncodeError:  # RFC 6282 §2: headers that do not fit the first fragment are not compressed
            return fragment(packet, info, self.contexts, mtu=room, tag=tag)

    def next_tag(self) -> int:
        """RFC 4944 §5.3: "The sender SHALL increment datagram_tag for successive, fragmented datagrams"."""
        self.tag = (self.tag + 1) & 0xFFFF
        return self.tag

    def frame(self, payload: bytes, info: LinkInfo) -> bytes:
        if self.kind == "ble":
            return payload
        self.sequence = (self.sequence + 1) & 0xFF
        return self.mac_frame(payload, info)

    def mac_frame(self, payload: bytes, info: LinkInfo) -> bytes:
        ask = info.dst != BROADCAST  # RFC 4944 §2: acknowledgements are RECOMMENDED
        return mac.data_frame(info.src, info.dst, self.link.pan, self.sequence, payload, ask)

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
        self.register(address)

    def leave(self, group: bytes) -> None:
        self.groups.discard(group)

    def remove_address(self, address: bytes) -> None:
        if address in self.own[1:]:
            self.own.remove(address)

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

    def spread_context(self, identifier: int, context: Context | None) -> None:
        """A 6LBR tells its network of what it was configured with (RFC 6775 §7.2)."""
        if self.role == "6LBR" and self.kind == "ieee802154":
            self.configure_context(identifier, context)

    def choose(self, choice: str) -> None:
        self.choice = chosen(choice, self.kind)

    def use_router(self, address: bytes | None) -> None:
        """What no router was heard for goes there."""
        self.fallback = address or b""

    def reset(self) -> None:
        self.boot()
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
    node = _made(rig, link)
    chosen = registry.options(rig, Options)
    node.role, node.extended = chosen.role, chosen.extended
    if node.role != "host" and node.kind == "ieee802154":
        node.boot()
    node.join_link()
    return node


def _made(rig: RigFile, link: MemoryLink | MemoryChannel) -> ReferenceNode:
    kind = next((kind for kind in ("mutant", "variant") if kind in rig.dut.options), None)
    if kind is None:
        return ReferenceNode(link)
    tree = str(Path(__file__).resolve().parents[3])
    if tree not in sys.path:
        sys.path.append(tree)
    # They are tests, and nothing of the product may import those: they are found by name, when asked for.
    node = importlib.import_module(f"tests.{kind}s").make(str(rig.dut.options[kind]), link)
    assert isinstance(node, ReferenceNode)
    return node
