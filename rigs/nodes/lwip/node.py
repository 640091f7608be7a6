"""lwIP from Debian's `liblwip0` as a DUT: link, node and IP tap on one child process (`child`).

Strategy: the library is somebody else's binary, taken as it is; what is chosen here is only what any port must
choose, and always the choice with which lwIP can work. On IEEE 802.15.4 lwIP 2.1.3 can neither keep an EUI-64 (a
hardware address has 6 octets at most; with 6 it asserts once a neighbour is resolved) nor take a short MAC
source, so the node is what is left: one with a 16-bit address that hears frames from EUI-64s. It reads no MAC
destination, therefore `dut`, the EUI-64, is one that a frame may be sent to and never comes back as a source.
It keeps the first two octets of any neighbour's address as that neighbour's short address. On BLE the
addresses are random static ones with the U/L bit clear, with which lwIP's flip of that bit (RFC 7668 §3.2.2
wants none) cancels out; `public = true` in [dut] takes public ones and shows the flip. One thing is repaired
unless `as_built = true`: Debian's build allocates packet buffers smaller than it fills them (`enlarge_pool`),
and a DUT that damages its heap at every large packet dies at another case than the one that did it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from pydantic import Field

from rigs import registry
from rigs.configuration.models import NodeOptions
from rigs.links.child import ChildLink, ChildProcess, ChildTap
from rigs.links.forked import server_of
from rigs.model import Health, LinkKind, Node, RigError, Unsupported
from rigs.nodes.lwip import child, library
from rigs.registry import Missing
from sixlowpan.addresses import link_local

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile


class Options(NodeOptions):
    """Keys of [dut]."""

    public: bool = Field(
        False, description="on BLE, true to take public device addresses instead of random static ones"
    )
    as_built: bool = Field(
        False,
        description="true to leave Debian's packet buffers too small, so that large BLE packets damage the heap",
    )
    package: str = Field("", description=library.PACKAGE)


CONTEXTS: Final = 10

PAN: Final = b"\xab\xcd"
DUT_SHORT: Final = bytes.fromhex("0001")
DUT_EUI64: Final = bytes.fromhex("02005efffe000001")
#: Begins with the short address that lwIP makes of it.
TESTER_EUI64: Final = bytes.fromhex("00025efffe000002")
DUT_BLE: Final = {False: bytes.fromhex("c00000000001"), True: bytes.fromhex("001122000001")}
TESTER_BLE: Final = {False: bytes.fromhex("c00000000002"), True: bytes.fromhex("001122000002")}

_ABILITIES: Final = frozenset(
    {"echo", "ping", "udp", "join", "context", "address", "reset", "ip_tap", "port_unreachable", "console"}
)


#: The C library fills what is allocated and freed with this octet or its complement: stale memory that lwIP puts into
#: a packet shows in every run alike, instead of being zero by luck (mallopt(3), M_PERTURB). Without the caches of
#: freed memory that glibc keeps for each thread, what lwIP frees and uses again fails in every process, not in some.
DIRTY_MEMORY = {"MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


class LwipProcess:
    """One lwIP node of one kind: `link` and `node` are the two ends of one child process, which `restart` renews."""

    def __init__(
        self,
        kind: LinkKind,
        *,
        pan: bytes = PAN,
        public: bool = False,
        as_built: bool = False,
        package: str = "",
        dut: bytes | None = None,
        tester: bytes | None = None,
    ) -> None:
        """`dut`, `tester`: other link-layer addresses than usual; the DUT's last two octets are its short address."""
        if wrong := library.trouble(package):
            raise RigError(f"{wrong} cannot be loaded: {library.remedy(package)}")
        self.kind, self.package = kind, package
        if kind == "ble":
            self.dut, self.tester = dut or DUT_BLE[public], tester or TESTER_BLE[public]
            self.address = link_local(self.dut)
            options = {"hwaddr": self.dut, "peer": self.tester, "public": bytes((public,))}
        else:
            self.dut, self.tester = dut or DUT_EUI64, tester or TESTER_EUI64
            short = self.dut[-2:]
            self.address = link_local(short)
            options = {"hwaddr": short, "short": short, "pan": pan}
        options["address"] = self.address
        if as_built:
            options["as_built"] = b"\1"
        self._told = ",".join(f"{key}={value.hex()}" for key, value in options.items())
        self.child = self._spawn()
        self.link = LwipLink(self, pan)
        self.node = LwipNode(self)

    def _spawn(self) -> ChildProcess:
        server = server_of(child.__file__, [library.library(self.package)], DIRTY_MEMORY)
        return ChildProcess(lambda theirs: server.fork([self.kind, self._told], theirs), f"lwip-{self.kind}")

    def restart(self) -> None:
        """End the child process and start a fresh one: nothing of the old one's state is left."""
        self.child.close()
        self.child = self._spawn()
        self.link.child = self.child
        self.node.attach()

    def close(self) -> None:
        """End the child process. May be called twice."""
        self.child.close()


class LwipLink(ChildLink):
    """The air (or the IPSP channel) between the tester and lwIP."""

    def __init__(self, process: LwipProcess, pan: bytes) -> None:
        super().__init__(process.child, process.kind, process.tester, process.dut)
        self.pan = pan
        if process.kind == "ble":
            self.mtu = 1280
        else:
            self.any_source = True
            self.dut_short = process.dut[-2:]


class LwipNode(Node):
    """lwIP seen from its own side, by the commands of the child process."""

    stack = "lwIP"
    abilities = _ABILITIES

    def __init__(self, process: LwipProcess) -> None:
        self._process = process
        self._version = library.version(process.package)
        self._before = ""
        self._datagrams: dict[int, deque[tuple[bytes, int, bytes]]] = {}
        self.attach()

    def attach(self) -> None:
        """Look at the present child process."""
        taps, self._repaired = self._process.child.greeting
        self.tap = ChildTap(self._process.child) if taps else None
        self.abilities = _ABILITIES if taps else _ABILITIES - {"ip_tap"}
        self._datagrams.clear()

    def version(self) -> str:
        return self._version + (", with its packet buffers enlarged" if self._repaired else "")

    def addresses(self) -> tuple[bytes, ...]:
        found = self._command(child.ADDRESSES)[1:]
        return tuple(found[at : at + 16] for at in range(0, len(found), 16))

    def health(self) -> Health:
        return self._process.child.health()

    def close(self) -> None:
        self._process.close()

    def console_text(self) -> str:
        return (self._before + self._process.child.text())[-65536:]

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        body = destination + b"".join(n.to_bytes(2, "big") for n in (size, identifier, sequence))
        self._do(child.PING, body, "ping")

    def udp_open(self, port: int) -> None:
        self._do(child.UDP_OPEN, port.to_bytes(2, "big"), "udp_open")
        self._datagrams.setdefault(port, deque())

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        ports = source_port.to_bytes(2, "big") + destination_port.to_bytes(2, "big")
        self._do(child.UDP_SEND, destination + ports + data, "udp_send")

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        if port not in self._datagrams:
            raise RigError(f"lwip: UDP port {port} was not opened: call udp_open first")
        while not self._datagrams[port]:
            received = self._process.child.take(child.DATAGRAM, deadline)
            if received is None:
                return None
            body = received.frame
            here, there = int.from_bytes(body[:2], "big"), int.from_bytes(body[18:20], "big")
            self._datagrams.setdefault(here, deque()).append((body[2:18], there, body[20:]))
        return self._datagrams[port].popleft()

    def join(self, group: bytes) -> None:
        self._do(child.JOIN, group, "join")

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        """One of two more addresses; on 802.15.4 lwIP can answer only from one made of its short address."""
        if prefix_length != 64:
            raise Unsupported("address: lwIP takes every prefix as /64")
        self._do(child.ADDRESS, address, "address")

    def remove_address(self, address: bytes) -> None:
        """One that `add_address` gave it; the first is its own and stays."""
        self._do(child.NO_ADDRESS, address, "address")

    def set_context(self, identifier: int, prefix: bytes, length: int, *, compress: bool = True) -> None:
        """Contexts 0 to 9, each /64; removing one leaves the prefix ::/64 in its place."""
        if identifier >= CONTEXTS or length not in {0, 64} or (length and not compress):
            raise Unsupported("context: lwIP knows 0 to 9, each /64, each for compression as well")
        self._do(child.CONTEXT, bytes((identifier,)) + (prefix[:8] + bytes(16))[:16], "context")

    def reset(self) -> None:
        self._before = self.console_text()
        self._process.restart()

    def sync(self) -> None:
        """Return when everything that was sent to the node before has been handled."""
        self._command(child.SYNC)

    def _do(self, kind: int, body: bytes, what: str) -> None:
        error = int.from_bytes(self._command(kind, body)[:1], "big", signed=True)
        if error:
            raise RigError(f"lwip: {what} failed with lwIP error {error}")

    def _command(self, kind: int, body: bytes = b"") -> bytes:
        return self._process.child.command(kind, body)


def check(rig: RigFile) -> list[Missing]:
    """What this machine lacks for an lwIP rig."""
    folder = registry.options(rig, Options).package
    wrong = library.trouble(folder)
    return [Missing(wrong, library.remedy(folder))] if wrong else []


def open_node(bench: Bench, rig: RigFile) -> LwipNode:
    """The node behind the link that was opened before. Raises `RigError`."""

    def absent() -> LwipProcess:
        raise RigError(f"{rig.path}: dut.node = 'lwip' needs tester.link = 'lwip:802154' or 'lwip:ble'")

    return bench.resource("lwip", absent).node
