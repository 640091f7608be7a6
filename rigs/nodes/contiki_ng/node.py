"""Contiki-NG as a DUT, by its shell: on any console (a board's serial port, or the native border router's own).

Strategy: the shell says little and takes little, so what is declared is what it really has: addresses, neighbours,
an Echo Request of its own (always without data, and it keeps the shell until the answer or a timeout), a reboot. It
has no UDP, no contexts and no addresses on command. A native process ends when it is told to reboot, and is started
anew instead. Its prompt carries the MAC address (`#0212.4b00.0000.0001> `),
which is only right once the node has its address: a border router asks its radio for it. The boot banner, seen again,
is a reboot. A release names itself in that banner; a build that does not is told in the rig file (`version`).
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from ipaddress import IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field

from rigs import clock, registry
from rigs.configuration.fields import Text
from rigs.configuration.models import NodeOptions
from rigs.consoles.model import Console
from rigs.consoles.shell import SANITIZERS, Shell
from rigs.links.slip_radio import link as slip_radio
from rigs.links.slip_radio import namespace as slip_namespace
from rigs.model import Health, Node, RigError, Unsupported
from rigs.registry import Missing

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

PROMPT: Final = r"#([0-9a-f]{4}(?:\.[0-9a-f]{4})*)> "
#: `LOG_OUTPUT_PREFIX`: [INFO: 6LoWPAN   ] and the rest of the line.
LOGS: Final = r"\[[A-Z]+ *: [^][\n]*\].*"
LINK_LOCAL: Final = b"\xfe\x80"
BANNER: Final = r"Starting Contiki-NG(?:-(\S+))?"
SIGNATURES: Final = (
    BANNER,
    r"Assertion failed: .*",
    r"Stack overflow.*",
    r"slip_send overflow.*",
    r"^(?>.*?\*\*\* ).* \*\*\*: terminated",  # atomic: one try a line, or a flood costs its square
    *SANITIZERS,
)


class Options(NodeOptions):
    """Keys of [dut]."""

    version: Text = Field(
        "", description='the version, such as "4.9", of a build whose boot banner does not tell it'
    )
    namespace: bool = Field(
        False,
        description="true to run the process in a network namespace of its own, where it may make its TUN interface",
    )


#: Seconds to boot and get its addresses; to answer a command.
BOOT: Final = 20.0
ANSWER: Final = 5.0
#: Seconds that its `ping` waits for an answer: PING_TIMEOUT is 5, and the native clock coarse.
PING: Final = 8.0


class ContikiNode(Node):
    """One Contiki-NG node at the other end of a shell. `mac` is the EUI-64 that it must have; None: any."""

    stack = "Contiki-NG"
    abilities = frozenset({"echo", "ping", "console", "port_unreachable"})

    def __init__(
        self, console: Console, *, mac: bytes | None = None, version: str = "", reboots: bool = False
    ) -> None:
        self._shell = Shell(console, PROMPT, logs=LOGS, signatures=SIGNATURES)
        self._mac = mac
        self._told = version
        self._banner: str | None = None
        self._pinging: int | None = None
        self._reboots = reboots
        if reboots or console.restarts:
            self.abilities = self.abilities | {"reset"}
        self._settle()
        if reboots and self._banner is None:  # a board that was running: only its boot tells its version
            self.reset()

    def version(self) -> str:
        """What the boot banner said (`release/v4.9`), else what the rig file says."""
        if self._banner and re.search(r"v\d+\.\d+", self._banner):
            return self._banner
        return self._told or "unknown (the boot banner does not tell; set dut.version)"

    def addresses(self) -> tuple[bytes, ...]:
        found = re.findall(r"^-- (\S+)$", self._answer("ip-addr", "Node IPv6 addresses:"), re.MULTILINE)
        packed = (IPv6Address(address).packed for address in found)
        return tuple(sorted(packed, key=lambda address: address[:2] != LINK_LOCAL))

    def mac(self) -> bytes:
        """Its link-layer address as the prompt has it, big-endian: 8 octets, or 2 in a build with short ones."""
        self._await_ping()
        mark = self._shell.mark()
        self._shell.send("")
        return _octets(self._shell.expect(rf"^{PROMPT}", ANSWER, mark)[1])

    def neighbours(self) -> dict[bytes, bytes]:
        """IPv6 address -> link-layer address of every neighbour it knows."""
        answer = self._answer("ip-nbr", "Node IPv6 neighbors:")
        found = re.findall(r"^-- (\S+) <-> ([0-9a-f.]+)", answer, re.MULTILINE)
        return {IPv6Address(address).packed: _octets(link) for address, link in found}

    def log(self, module: str, level: int) -> None:
        """Set a module's log level, 0 (none) to 4 (debug), as far as the build has such messages."""
        self._shell.ready(ANSWER)  # the answer before may come twice, and looks the same
        answer = self._answer(f"log {module} {level}", r"(?=Invalid|Log levels:)")
        if answer.startswith("Invalid"):
            raise RigError(f"contiki_ng: log {module} {level}: {answer.splitlines()[0]}")

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        """An Echo Request without data; identifier and sequence number are whatever the node takes."""
        del identifier, sequence
        if size:
            raise Unsupported("ping: Contiki-NG's shell sends Echo Requests without data only")
        self._await_ping()
        self._pinging = self._shell.mark()
        self._shell.send(f"ping {IPv6Address(destination)}")

    def health(self) -> Health:
        return self._shell.health()

    def reset(self) -> None:
        mark = self._shell.mark()
        if self._reboots:
            self._await_ping()
            self._shell.send("reboot")
        else:
            self._pinging = None
            self._shell.console.restart()
        self._banner = self._shell.boots(BANNER, BOOT, mark)[1]
        self._settle()

    def console_text(self) -> str:
        return self._shell.text()

    def close(self) -> None:
        self._shell.close()

    def _settle(self) -> None:
        """Wait until the node has its prompt, its MAC address and a link-local address."""
        deadline = clock.now() + BOOT
        while True:
            self._shell.ready(BOOT)  # and quiet
            if self._banner is None and (match := re.search(BANNER, self._shell.text())):
                self._banner = match[1]
            mac, addresses = self.mac(), self.addresses()
            if self._mac in (None, mac) and addresses and addresses[0][:2] == LINK_LOCAL:
                self._shell.watch()
                return
            if clock.now() > deadline:
                has = ", ".join(str(IPv6Address(address)) for address in addresses) or "no IPv6 address"
                wanted = f" and the rig wants {self._mac.hex()} (dut.address)" if self._mac else ""
                raise RigError(f"contiki_ng: its MAC address is {mac.hex()}{wanted}; it has {has}")

    def _answer(self, command: str, heading: str) -> str:
        """What the shell says between `heading` (a regex) and the prompt. Raises `RigError`, `LinkClosed`.

        The heading is waited for, because some releases answer every command twice (the native border router of 4.8
        has two shells on one line), and the second answer may come when the next command has been sent.
        """
        self._await_ping()
        mark = self._shell.mark()
        self._shell.send(command)
        return self._shell.expect(rf"{heading}((?s:.*?)){PROMPT}", ANSWER, mark)[1].strip()

    def _await_ping(self) -> None:
        """The shell takes nothing while a ping of its own is under way."""
        if self._pinging is not None:
            mark, self._pinging = self._pinging, None
            self._shell.expect(r"Received ping reply|Timeout|not specified", PING, mark)


def _octets(text: str) -> bytes:
    """A link-layer address as the shell prints it: 0212.4b00.0000.0001."""
    return bytes.fromhex(text.replace(".", ""))


#: All that it is asked and told goes over its console (`rigs.registry`).
NEEDS_CONSOLE: Final = True


def open_node(bench: Bench, rig: RigFile) -> ContikiNode:
    """The node behind the rig's console. Raises `RigError`."""
    console = registry.open_console(bench, _console(rig), rig)
    return ContikiNode(
        console,
        mac=rig.dut.address or (slip_radio.DUT if _is_slip(rig) else None),
        version=registry.options(rig, Options).version,
        reboots=not (rig.dut.console or "").startswith("process:"),
    )


def check(rig: RigFile) -> list[Missing]:
    """What this machine lacks for a native node in a namespace."""
    if not registry.options(rig, Options).namespace:
        return []
    tried = subprocess.run(
        [sys.executable, str(Path(slip_namespace.__file__)), "--try"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if tried.returncode == 0:
        return []
    return [
        Missing(
            tried.stderr.strip() or "a network namespace with a TUN interface",
            "allow user namespaces and /dev/net/tun, or run as root with --set dut.namespace=false",
        )
    ]


def _is_slip(rig: RigFile) -> bool:
    return rig.tester.link.startswith("slip_radio:")


def _console(rig: RigFile) -> str | None:
    """The console's address, with the namespace put around the command where the rig file asks for it."""
    if rig.dut.console is None or not registry.options(rig, Options).namespace:
        return rig.dut.console
    scheme, _, command = rig.dut.console.partition(":")
    if scheme != "process" or not _is_slip(rig):
        raise RigError(
            f"{rig.path}: dut.namespace: it is for a process: console and a slip_radio: link; leave it out here"
        )
    host, port = slip_radio.endpoint(rig.tester.link.partition(":")[2], rig)
    wrapper = shlex.join([sys.executable, str(Path(slip_namespace.__file__)), host, str(port)])
    return f"process:{wrapper} {command}"
