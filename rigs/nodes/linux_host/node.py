"""A Linux host as the DUT, by a root shell on its console (`ssh:root@host`, `serial:...`): its kernel's 6LoWPAN.

Strategy: the host's own tools do everything (`ip`, `iwpan`, `modprobe`, BlueZ' `hciconfig` or `btmgmt`), and sockets
are those of a small Python agent there (`linux_host_shell`). With `wpan` in [dut] the 6LoWPAN interface is made anew
on that IEEE 802.15.4 interface at every opening and reset; with `adapter` it is Bluetooth LE: the host advertises, the
link connects, and the interface comes and goes with the channel (`linux_host_ble`). With neither, `interface` is taken
as it is. What is changed for all of the host (ICMPv6 error rate) is put back at the end. An oops is seen on a serial
console as text, and through any console as the kernel's taint.
"""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field

from rigs import registry
from rigs.configuration.fields import Text
from rigs.configuration.models import NodeOptions
from rigs.consoles.model import Console
from rigs.model import Health, LinkClosed, Node, RigError, Unsupported, overdue
from rigs.nodes.linux_host.ble import QDISC, BleHost
from rigs.nodes.linux_host.shell import COMMAND, HostShell
from rigs.registry import Missing

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile


class Options(NodeOptions):
    """Keys of [dut]."""

    interface: str | None = Field(
        None, description='its 6LoWPAN interface; "lowpan0", or "bt0" on Bluetooth LE'
    )
    wpan: str = Field(
        "",
        description='the IEEE 802.15.4 interface to make it on, such as "wpan0"; '
        "without it the interface must be there",
    )
    adapter: str = Field("", description='the Bluetooth adapter to advertise with, such as "hci0"')
    qdisc: str = Field("", description=QDISC)
    login: Text = Field("", description="the user to log in as, where the console asks")
    password: Text = Field("", description='the password, best as "${A_VARIABLE}"')


#: Seconds for an interface to get a link-local address that is not tentative.
ADDRESS: Final = 10.0
#: Bit 7 of /proc/sys/kernel/tainted: "kernel died recently, i.e. there was an OOPS or BUG" (tainted-kernels.rst).
_DIED: Final = 1 << 7
#: The program that finds devices on the host, and its exit statuses.
_DISCOVERY: Final = Path(__file__).parents[2] / "discovery.py"
_CANNOT: Final = 3
_NOBODY: Final = 4
_RATE: Final = "/proc/sys/net/ipv6/icmp/ratelimit"
_CONTEXTS: Final = "/sys/kernel/debug/6lowpan/{}/contexts"


class Host:
    """The host as a resource of the bench: shell, interface, and what it was given."""

    def __init__(self, console: Console, rig: RigFile, *, boot: float | None = None) -> None:
        options = registry.options(rig, Options)
        self.rig = rig
        self.console = console
        self.adapter = options.adapter
        self.wpan = options.wpan
        self.interface = options.interface or ("bt0" if self.adapter else "lowpan0")
        times = {} if boot is None else {"boot": boot}
        self.shell = HostShell(console, login=options.login, password=options.password, **times)
        self._rate = ""
        self.ble = BleHost(self.shell, self.adapter, self.interface, options.qdisc) if self.adapter else None
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        self.need("ip", "iproute2")
        if not self.shell.works('[ "$(id -u)" = 0 ]'):
            raise RigError(f"{self.console.address}: the shell is not root's: log in as root (ssh:root@...)")
        if (
            self.ble is None
            and not self.wpan
            and not self.shell.works(f"[ -d /sys/class/net/{self.interface} ]")
        ):
            raise RigError(
                f"{self.console.address}: there is no interface {self.interface}: correct dut.interface, or name "
                "dut.wpan, the IEEE 802.15.4 interface to make it on"
            )
        self._rate = self.shell.check(f"cat {_RATE}")[0]
        self.shell.check(f"echo 0 >{_RATE}")  # quotes are wanted for every stimulus
        if self.ble is not None:
            self.ble.set_up()
        elif self.wpan:
            self.make_interface()

    def need(self, program: str, package: str) -> None:
        """Raises `RigError` when a program is not on the host."""
        if not self.shell.works(f"command -v {program}"):
            raise RigError(
                f"{self.console.address}: the program {program} is missing on the host: install {package} there"
            )

    def make_interface(self) -> None:
        """Make the 6LoWPAN interface anew on the IEEE 802.15.4 one. Raises `RigError` that says what is missing."""
        do, wpan, tester = self.shell, self.wpan, self.rig.tester
        if not do.works("modprobe ieee802154_6lowpan || [ -d /sys/module/ieee802154_6lowpan ]"):
            raise RigError(
                f"{self.console.address}: the kernel has no module ieee802154_6lowpan: install one with "
                "CONFIG_IEEE802154_6LOWPAN"
            )
        self.need("iwpan", "wpan-tools")
        if not do.works(f"[ -d /sys/class/net/{wpan} ]"):
            there = " ".join(do.run("iwpan dev | grep Interface")[1]).replace("Interface ", "")
            raise RigError(
                f"{self.console.address}: there is no interface {wpan}: is the adapter plugged in and its driver "
                f"loaded? there are: {' '.join(there.split()) or 'none'}"
            )
        do.run(f"ip link del {self.interface}")
        phy = do.check(f'basename "$(readlink /sys/class/net/{wpan}/device)"')[0]
        do.check(f"ip link set {wpan} down")
        do.check(f"iwpan phy {phy} set channel 0 {tester.channel}")
        if self.rig.dut.address is not None:
            do.check(f"ip link set {wpan} address {self.rig.dut.address.hex(':')}")
        do.check(f"iwpan dev {wpan} set pan_id {tester.pan:#06x}")
        if self.rig.dut.short is not None:
            do.check(f"iwpan dev {wpan} set short_addr 0x{self.rig.dut.short.hex()}")
        do.check(f"ip link add link {wpan} name {self.interface} type lowpan")
        do.check(f"ip link set {wpan} up")
        do.check(f"ip link set {self.interface} up")

    def addresses(self) -> tuple[bytes, ...]:
        """The interface's addresses, link-local first, once one is there that is not tentative. Raises `RigError`."""
        shown = f"ip -6 -o addr show dev {self.interface}"
        settled = self.shell.becomes(f"{shown} scope link | grep -v tentative | grep -q fe80", ADDRESS)
        lines = self.shell.check(shown)
        if not settled:
            raise overdue(
                RigError(
                    f"{self.console.address}: {self.interface} has no settled link-local address after {ADDRESS:g} s; "
                    f"ip says: {' '.join(lines) or 'nothing'} (is it up, is its medium?)"
                )
            )
        return parsed_addresses(lines)

    def close(self) -> None:
        """Put back what was changed, as far as the host still listens. The console is the bench's."""
        try:
            if self._rate:
                self.shell.end_agent()
                self.shell.run(f"echo {self._rate} >{_RATE}")
            if self.ble is not None:
                self.ble.rest()
        except RigError:  # a host that hangs or is gone keeps what it has
            return


def parsed_addresses(lines: list[str]) -> tuple[bytes, ...]:
    """The addresses of `ip -6 -o addr`, link-local first, without those that are tentative or failed DAD."""
    found = []
    for line in lines:
        match = re.search(r"\binet6 ([0-9a-f:.]+)/\d+(.*)", line)
        if match and not re.search(r"\b(tentative|dadfailed)\b", match[2]):
            found.append(ipaddress.IPv6Address(match[1]).packed)
    return tuple(sorted(found, key=lambda address: address[:2] != b"\xfe\x80"))


class LinuxHostNode(Node):
    """The kernel under test."""

    stack = "Linux"
    abilities = frozenset(
        {"echo", "ping", "udp", "join", "context", "address",
         "connect", "discover", "console", "reset", "counters", "port_unreachable"}
    )  # fmt: skip

    def __init__(self, host: Host, bench: Bench) -> None:
        self._host, self._bench = host, bench
        self._shell = host.shell
        self._taint = self._tainted()

    def version(self) -> str:
        return self._shell.check("uname -r")[0]

    def addresses(self) -> tuple[bytes, ...]:
        return self._host.addresses()

    def health(self) -> Health:
        health = self._shell.shell.health()
        if health.state != "alive":
            return health
        try:
            died = self._tainted() & ~self._taint & _DIED
            said = (
                self._shell.run(
                    "dmesg | sed 's/^.*[0-9]\\] //' | grep -m 1 -A 4 -E 'BUG:|Oops|Unable to handle'"
                )[1]
                if died
                else []
            )
        except LinkClosed as error:
            return Health("unreachable", str(error))
        except RigError as error:  # a shell that does not answer proves nothing of the transport
            return Health("alive", str(error))
        return Health("crashed", "the kernel had an oops: " + " / ".join(said)) if died else Health("alive")

    def close(self) -> None:
        """The bench closes host and console."""

    def console_text(self) -> str:
        return self._shell.shell.text()

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        """Without Python on the host, by its `ping`, which takes its own identifier and sequence number."""
        text = _text(destination)
        try:
            self._order("ping", f"ping {text} {identifier} {sequence} {size}")
        except Unsupported:
            self._host.need("ping", "iputils-ping")
            scoped = f"-I {self._host.interface} {text}"
            self._shell.check(f"(ping -6 -n -c 1 -W 1 -s {size} {scoped} >/dev/null 2>&1 &)")

    def udp_open(self, port: int) -> None:
        self._order("udp", f"udp {port}")

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        self._order("udp", f"send {source_port} {destination_port} {_text(destination)} {data.hex()}")

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        return self._shell.datagram(port, deadline)

    def discover(self, address: bytes, seconds: float) -> tuple[list[str], list[str] | None] | None:
        """By BlueZ and bleak, where the host has both (`rigs.discovery`)."""
        arguments = f"--address {address.hex(':').upper()} --seconds {seconds:g}"
        status, lines = self._shell.python(_DISCOVERY, arguments, 4 * seconds + COMMAND)
        if status == _CANNOT:
            raise Unsupported(f"discover: {' '.join(lines)}")
        if status == _NOBODY:
            return None
        told = [line for line in lines if line.startswith("{")]
        if status or not told:
            failed = RigError(f"{self._host.console.address}: discovery failed: {' '.join(lines)[-300:]}")
            raise overdue(failed)  # D-Bus and the scan have deadlines of their own
        found = json.loads(told[0])
        return found["advertised"], found["services"]

    def join(self, group: bytes) -> None:
        self._order("join", f"join {_text(group)}")

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        self._shell.check(
            f"ip -6 addr replace {_text(address)}/{prefix_length} dev {self._host.interface} nodad"
        )

    def set_context(self, identifier: int, prefix: bytes, length: int, *, compress: bool = True) -> None:
        """By debugfs, where the kernel was built with CONFIG_6LOWPAN_DEBUGFS."""
        folder = f"{_CONTEXTS.format(self._host.interface)}/{identifier}"
        if not self._shell.works(f"[ -d {folder} ]"):
            raise Unsupported(
                f"context: there is no {folder} on the host: mount debugfs (mount -t debugfs none /sys/kernel/debug), "
                "or take a kernel with CONFIG_6LOWPAN_DEBUGFS"
            )
        written = {"active": 0}
        if length:
            groups = ipaddress.IPv6Address((prefix + bytes(16))[:16]).exploded
            written = {"prefix": groups, "prefix_length": length, "compression": int(compress), "active": 1}  # type: ignore[dict-item]
        self._shell.check("; ".join(f"echo {value} >{folder}/{name}" for name, value in written.items()))

    def reset(self) -> None:
        """Make the interface anew: no neighbours, fragments, contexts, sockets or added addresses remain."""
        self._shell.end_agent()
        if self._host.ble is not None:
            from rigs.links.ipsp.link import bench_of

            bench_of(self._bench, self._host.rig).reconnect()
        elif self._host.wpan:
            self._host.make_interface()
        else:
            raise Unsupported("reset: the interface is the host's own; with dut.wpan it is made anew")

    def counters(self) -> dict[str, int]:
        """Of /proc/net/snmp6: Ip6InReceives, Icmp6InEchos and so on."""
        rows = [line.split() for line in self._shell.check("cat /proc/net/snmp6")]
        return {row[0]: int(row[1]) for row in rows if len(row) == 2}

    def _order(self, ability: str, text: str) -> None:
        self._shell.order(self._host.interface, ability, text)

    def _tainted(self) -> int:
        return int(self._shell.check("cat /proc/sys/kernel/tainted")[0])


def _text(address: bytes) -> str:
    return str(ipaddress.IPv6Address(address))


def host_of(bench: Bench, rig: RigFile) -> Host:
    """The one host of this bench, made ready at the first call. Raises `RigError`."""
    return bench.resource("linux_host", lambda: Host(registry.open_console(bench, rig.dut.console, rig), rig))


def dut_side(bench: Bench, rig: RigFile) -> BleHost | None:
    """The Bluetooth side of the host, for the link that connects to it."""
    return host_of(bench, rig).ble


#: All that it is asked and told goes over its console (`rigs.registry`).
NEEDS_CONSOLE: Final = True


def open_node(bench: Bench, rig: RigFile) -> LinuxHostNode:
    """The host at the other end of `dut.console`. Raises `RigError`."""
    return LinuxHostNode(host_of(bench, rig), bench)


def check(rig: RigFile) -> list[Missing]:
    """What can be told without the host."""
    told = rig.dut.options
    if rig.tester.link.startswith("ipsp:"):
        if not told.get("adapter"):
            what = "dut.adapter: on Bluetooth LE the host advertises"
            return [Missing(what, 'name its adapter: adapter = "hci0"')]
        if told.get("wpan"):
            return [Missing("dut.wpan: the link is Bluetooth LE, and this of IEEE 802.15.4", "leave it out")]
    elif told.get("adapter"):
        what = "dut.adapter: the link is IEEE 802.15.4, and this of Bluetooth LE"
        return [Missing(what, 'name its radio in place of it: wpan = "wpan0"')]
    return []
