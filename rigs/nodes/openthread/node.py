"""OpenThread by its CLI: a simulated node (`process:`), a board with the CLI on a serial port, `ot` in Zephyr's shell.

Strategy: the node is used as a plain 6LoWPAN host on its link: Thread stays disabled, the interface is up, channel,
PAN id, extended address and network key are those of the rig file. OpenThread then secures all that it sends, so the
link must be one that opens such frames (`ot_sim:`, `ot_security:`). What a version calls a command, or whether it has
it, is tried and not assumed. A datagram is printed as text, so its octets are taken from the console as they came.

Since API 595 (2026-05) it drops plain frames while Thread is disabled. A build with OT_REFERENCE_DEVICE=ON is told to
take them (`unsecureport allwhendisabled enable`); any other leads a Thread network in which the tester takes the place
of a child (`rigs.nodes.openthread.network`), if the rig file names a `partner` to attach with.

What the version string says is a commit, which has no order; therefore the API number, which only grows, stands in
front of it where the node tells it (0 where it does not).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pydantic import Field

from rigs import registry
from rigs.bench import Bench
from rigs.configuration.fields import Regex
from rigs.configuration.models import NodeOptions
from rigs.links.ot_security.link import network_key, on_bench
from rigs.links.ot_sim.link import DUT, TESTER
from rigs.model import Health, Node, RigError, Unsupported
from rigs.nodes.openthread.cli import BOOT, PROMPT, Cli, shell_of
from rigs.nodes.openthread.network import attach, lead

if TYPE_CHECKING:
    from rigs.configuration.models import RigFile
    from rigs.consoles.model import Console


class Options(NodeOptions):
    """Keys of [dut]."""

    networkkey: str | None = Field(
        None,
        pattern=r"^([0-9A-Fa-f]{2}:?){15}[0-9A-Fa-f]{2}$",
        description="the network key that the DUT secures its frames with, 32 hex digits",
    )
    partner: str = Field(
        "",
        description="the console of a second node of the same program, such as process:/path/to/ot-cli-ftd 2; it is "
        "only started for a DUT that takes no plain frames (API 595 and later)",
    )
    prefix: str = Field(
        "", description='what stands in front of every command, if it is neither nothing nor "ot "'
    )
    prompt: Regex = Field(PROMPT, description="regex of the prompt, if it is not the CLI's own")


#: Octets that a line of the CLI can hold (OPENTHREAD_CONFIG_CLI_MAX_LINE_LENGTH as it comes).
LINE: Final = 384

#: Octets of data in the smallest Echo Request: a time stamp (0 would stand for 8).
SMALLEST_PING: Final = 4

_DATAGRAM: Final = re.compile(rb"(\d+) bytes from ([0-9a-fA-F:.]+)(?:%\S+)? (\d+) ")
_BUSY, _ALREADY = 5, 24


class OpenThreadNode(Node):
    """One node with OpenThread's CLI."""

    stack = "OpenThread"
    abilities = frozenset({"echo", "ping", "udp", "join", "address", "console", "reset", "counters"})

    def __init__(
        self,
        console: Console,
        *,
        channel: int,
        pan: bytes,
        address: bytes,
        key: bytes,
        prefix: str = "",
        prompt: str = PROMPT,
    ) -> None:
        self._console = console
        self._shell = shell_of(console, prompt)
        self._cli = Cli(self._shell, prompt, prefix)
        self._channel, self._pan, self._address, self._key = channel, pan, address, key
        self._port: int | None = None
        self._read = 0
        self._pinging = False
        #: Makes the network and its child anew; None while Thread is disabled.
        self._network: Callable[[], None] | None = None
        self._bring_up()

    def _bring_up(self) -> None:
        self._cli.ready(BOOT)
        self._port, self._pinging = None, False
        if self._network is not None:
            self._network()
            self._shell.watch()
            return
        # whatever it was before, it is no more, and it takes plain frames; an error says that it was not, or cannot
        for command in ("thread stop", "ifconfig down", "unsecureport allwhendisabled enable"):
            self._cli.ask(command)
        self._cli.do(f"channel {self._channel}")
        self._cli.do(f"panid 0x{self._pan.hex()}")
        self._cli.do(f"extaddr {self._address.hex()}")
        key = self._key.hex()
        self._cli.do(f"networkkey {key}", f"masterkey {key}")
        self._cli.do("ifconfig up")
        self._shell.watch()

    def lead_network(self, open_partner: Callable[[], Console], child: bytes) -> None:
        """Lead a Thread network, in which a second program was attached as `child` (EUI-64); also after each reset.

        Raises `RigError`.
        """

        def network() -> None:
            dataset = lead(
                self._cli, channel=self._channel, pan=self._pan, address=self._address, key=self._key
            )
            attach(open_partner, dataset, child)

        self._network = network
        self._bring_up()

    def version(self) -> str:
        api = self._cli.ask("version api").lines[:1]
        number = api[0].strip() if api and api[0].strip().isdigit() else "0"
        return f"API {number}, {' '.join(self._cli.do('version')[:1])}"

    def addresses(self) -> tuple[bytes, ...]:
        found = []
        for line in self._cli.do("ipaddr"):
            try:
                found.append(ipaddress.IPv6Address(line.split()[0].partition("%")[0]).packed)
            except ValueError:  # something else was printed in between
                continue
        if not found:
            raise RigError("openthread: `ipaddr` shows no address: did the interface come up?")
        own = self._address[-8:]
        # the link-local address of the extended address first, then other link-local ones
        return tuple(sorted(found, key=lambda a: (a[:2] != b"\xfe\x80", a[9:] != own[1:])))

    def health(self) -> Health:
        """What the console tells, and whether the interface is still as it was brought up: after a reboot it is not."""
        health = self._shell.health()
        if health.state != "alive":
            return health
        try:
            answer = self._cli.ask("ifconfig")
        except RigError:
            return self._shell.health()  # a CLI that says nothing is no proof of anything
        if "down" in answer.lines:
            return Health("crashed", "its interface is down: it rebooted of itself")
        return health

    def close(self) -> None:
        self._shell.close()

    def console_text(self) -> str:
        return self._shell.text()

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        """One Echo Request; the CLI chooses identifier and sequence number itself."""
        del identifier, sequence
        if size < SMALLEST_PING:
            raise Unsupported(f"ping: OpenThread's has {SMALLEST_PING} octets of data or more")
        there = ipaddress.IPv6Address(destination)
        if self._pinging:
            self._cli.ask("ping stop")  # it waits for an answer; an error says that it does no more
        self._pinging = True
        answer = self._cli.ask(f"ping async {there} {size} 1")
        if answer.code == _BUSY:
            raise RigError("openthread: ping: another one is still under way")
        if (
            answer.code
        ):  # versions before `async`: the command ends when the ping does, which nobody waits for
            self._cli.tell(f"ping {there} {size} 1")

    def udp_open(self, port: int) -> None:
        """Bind the CLI's one UDP socket; a port that was opened before is closed."""
        if self._port != port:
            self._bind(port)
            self._port, self._read = port, self._console.mark()

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        opened = self._port
        where = f"udp send {ipaddress.IPv6Address(destination)} {destination_port}"
        command = f"{where} -x {data.hex()}" if data else f"{where} -s 0"
        if len(command) >= LINE:
            raise Unsupported(f"udp: {len(data)} octets do not fit on a line of the CLI")
        if source_port == opened:
            self._cli.do(command)
            return
        self._bind(source_port)
        try:
            self._cli.do(command)
        finally:
            if opened is not None:
                self._bind(opened)

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        if port != self._port:
            raise RigError(f"openthread: UDP port {port} was not opened: call udp_open first")
        pending = b""
        while True:
            try:
                found = _datagram(pending)
            except Unsupported:  # it is told once, and what comes behind it is read
                self._read += len(pending)
                raise
            if found is not None:
                datagram, length = found
                self._read += length
                return datagram
            more, _ = self._console.after(self._read + len(pending), deadline)
            if not more:
                return None
            pending += more

    def join(self, group: bytes) -> None:
        answer = self._cli.ask(f"ipmaddr add {ipaddress.IPv6Address(group)}")
        if answer.code not in {0, _ALREADY}:
            raise RigError(f"openthread: ipmaddr add: Error {answer.code}: {answer.text}")

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        """One more address, which cannot be a link-local one; OpenThread takes every prefix as /64."""
        if prefix_length != 64:
            raise Unsupported("address: OpenThread takes every prefix as /64")
        answer = self._cli.ask(f"ipaddr add {ipaddress.IPv6Address(address)}")
        if answer.code not in {0, _ALREADY}:
            raise RigError(f"openthread: ipaddr add: Error {answer.code}: {answer.text}")

    def leave(self, group: bytes) -> None:
        self._cli.ask(f"ipmaddr del {ipaddress.IPv6Address(group)}")

    def remove_address(self, address: bytes) -> None:
        self._cli.ask(f"ipaddr del {ipaddress.IPv6Address(address)}")

    def set_context(self, identifier: int, prefix: bytes, length: int, *, compress: bool = True) -> None:
        raise Unsupported("context: OpenThread takes contexts from the leader's network data only")

    def reset(self) -> None:
        self._cli.tell("reset")
        self._bring_up()

    def counters(self) -> dict[str, int]:
        """`buffer_...` of `bufferinfo` (such as buffer_free) and `mac_...` of `counters mac` (such as mac_TxTotal)."""
        found: dict[str, int] = {}
        for command, kind in (("bufferinfo", "buffer"), ("counters mac", "mac")):
            for line in self._cli.do(command):
                if figures := re.match(r"\s*([A-Za-z0-9 -]+): (\d+)", line):
                    found[f"{kind}_{figures[1].strip().replace(' ', '_').replace('-', '_')}"] = int(
                        figures[2]
                    )
        return found

    def _bind(self, port: int) -> None:
        for command in ("udp close", "udp open"):  # errors say that it was closed, or open, already
            self._cli.ask(command)
        if port:
            self._cli.do(f"udp bind :: {port}")


def _datagram(printed: bytes) -> tuple[tuple[bytes, int, bytes], int] | None:
    """The first whole datagram in what a console printed, and where it ends there.

    Raises `Unsupported` for one that has a zero octet: the CLI prints nothing of it from there on.
    """
    head = _DATAGRAM.search(printed)
    if head is None:
        return None
    length, at = int(head[1]), head.end()
    data = printed[at : at + length]
    if len(data) == length and printed[at + length : at + length + 1] in {b"\r", b"\n"}:
        return (ipaddress.IPv6Address(head[2].decode()).packed, int(head[3]), data), at + length
    if len(printed) > at + length or b"\r\n" in data:
        raise Unsupported("udp: the CLI prints datagrams as text, and this one is no text")
    return None


def remarks(rig: RigFile) -> list[str]:
    """Which versions cannot be tried as the rig file is; the version is known only once the node runs."""
    if registry.options(rig, Options).partner:
        return []
    unless = "unless it was built with OT_REFERENCE_DEVICE=ON"
    return [f"dut.partner is not set: a node of API 595 or later takes no plain frames then, {unless}"]


#: All that it is asked and told goes over its console (`rigs.registry`).
NEEDS_CONSOLE: Final = True


def open_node(bench: Bench, rig: RigFile) -> OpenThreadNode:
    """Open the console and bring the node up. Raises `RigError`."""
    key = network_key(rig)
    if key is None:
        raise RigError(
            f"{rig.path}: dut.networkkey is missing: OpenThread secures what it sends; choose 32 hex digits"
        )
    options = registry.options(rig, Options)
    node = OpenThreadNode(
        registry.open_console(bench, rig.dut.console, rig),
        channel=rig.tester.channel,
        pan=rig.tester.pan_octets,
        address=rig.dut.address or DUT,
        key=key,
        prefix=options.prefix,
        prompt=options.prompt,
    )
    link = on_bench(bench)
    if not link.probe():
        _lead_network(bench, rig, node)
        link.become_child()
    return node


def _lead_network(bench: Bench, rig: RigFile, node: OpenThreadNode) -> None:
    partner = registry.options(rig, Options).partner
    if not partner:
        raise RigError(
            f"{rig.path}: the node ({node.version()}) answers no plain frame and none under key id mode 2. OpenThread"
            " drops them since API 595 while Thread is disabled. Name a second node of the same program as dut.partner,"
            " and the node leads a Thread network; or build it with OT_REFERENCE_DEVICE=ON"
        )
    node.lead_network(lambda: registry.open_console(Bench(), partner, rig), rig.tester.address or TESTER)
