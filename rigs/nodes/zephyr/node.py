"""Zephyr as a DUT, by its shell: on a board's serial port, or on the standard input and output of its QEMU.

Strategy: `net iface` says which interface is the 6LoWPAN one, its addresses and their state; everything else is asked
for with the command that the version at hand has, and what it does not have is `Unsupported`. The answers are read by
their words, not by their columns, because both changed between versions. `net ping` keeps the shell until an answer or
two seconds have passed, therefore the next command ends it first (Ctrl-C). `net udp` binds one port, takes a port of
its own choice to send from, and does not say who sent what it received. A boot banner or a fatal error is a crash.
The version is what `kernel version` says, else the boot banner. On IEEE 802.15.4 the PAN id and the channel of the
rig file are set where the firmware has the `ieee802154` commands.

Firmware needs NET_SHELL, a shell on the console (SHELL_BACKEND_SERIAL) and NET_L2_IEEE802154_SHELL or NET_L2_BT_SHELL;
REBOOT and KERNEL_SHELL to be reset by the shell and to tell its version; NET_BUF_POOL_USAGE for `counters`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final

from pydantic import Field

from rigs import clock, registry
from rigs.configuration.fields import Regex
from rigs.configuration.models import NodeOptions
from rigs.consoles.model import Console
from rigs.consoles.shell import Shell
from rigs.links.ipsp.link import bench_of
from rigs.model import Health, LinkClosed, Node, RigError, Unsupported, overdue
from rigs.nodes.zephyr.answers import KINDS, Interface, interfaces, pools

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile

#: CONFIG_SHELL_PROMPT_UART and its likes: `uart:~$ `, `rtt:~$ `, a board's own.
PROMPT: Final = r"[\w.@-]{1,32}:~\$ "
#: `[00:00:00.120,000] <inf> net_config: ...`; also with plain ticks, and from a build without time stamps.
LOGS: Final = r"(?:\[[\d:., ]+\] )?<(?:inf|wrn|err|dbg)> "
#: `*** Booting Zephyr OS build v3.7.0 ***`, `*** Booting Zephyr OS version 2.7.3 ***`, and of SDKs on top of it.
BANNER: Final = r"\*{3,5} (?:Booting|Using) [^*\n]*\*{3,5}"
SIGNATURES: Final = (
    BANNER,
    r"ZEPHYR FATAL ERROR.*",
    r"ASSERTION FAIL .*",
    r"(?:<err> \w+: |E: |FATAL: )\*{5} .*",
    r"\*{5} (?:Kernel|MPU|BUS|USAGE|HARD|CPU|Unhandled|Stack).*",
    r"Halting system.*",
    r"Fatal fault in .*",
    r"stack smashing.*",
    r"[Ww]atchdog (?:reset|timeout|expired).*",
)


class Options(NodeOptions):
    """Keys of [dut]."""

    prompt: Regex = Field(PROMPT, description="the shell's prompt as a regex")
    interface: int | None = Field(
        None, description="the number of its 6LoWPAN interface, as `net iface` shows it in [], without quotes"
    )
    setup: list[str] = Field([], description="a list of shell commands to run whenever it has booted")


#: Seconds to boot and have a usable link-local address; to answer a command.
BOOT: Final = 20.0
ANSWER: Final = 5.0
#: So often an answer that is never empty is asked for.
_TRIES: Final = 5
_INTERRUPT: Final = "\x03"
#: Characters typed at once: half of what the shell takes in while it does something else.
_TYPED: Final = 32
#: Characters of a line: CONFIG_SHELL_CMD_BUFF_SIZE as it is unless somebody sets it.
_LINE: Final = 256
#: Octets of data in an Echo Request of a shell that takes no size.
_OLD_PING: Final = 4
_LINK_LOCAL: Final = b"\xfe\x80"
#: A command that is not there, or is there for another purpose (`net ipv6 add` before 3.3 lists what `net ipv6` does).
_LACKING: Final = re.compile(
    r"not found|[Nn]ot (?:enabled|supported)|^(?:Set|Enable) CONFIG_|Subcommands:|^Usage:|^IPv6 support ",
    re.MULTILINE,
)


class ZephyrNode(Node):
    """One Zephyr at the other end of a console."""

    stack = "Zephyr"
    abilities = frozenset(
        {"echo", "ping", "udp", "address", "join", "console", "reset", "counters", "port_unreachable"}
    )

    def __init__(
        self,
        console: Console,
        *,
        prompt: str = PROMPT,
        interface: int | None = None,
        setup: tuple[str, ...] = (),
        radio: dict[str, int] | None = None,
        connect_anew: Callable[[], None] | None = None,
        boot: float = BOOT,
    ) -> None:
        """`radio`: what the radio is to have ("pan_id", "chan"). Raises `RigError` when it does not boot.

        `connect_anew`: what makes the connection again behind a reboot, without which its interface is down.
        """
        self._shell = Shell(console, prompt, newline=b"\r", logs=LOGS, signatures=SIGNATURES, echoes=True)
        self._number = interface
        self._setup = setup
        self._radio = radio or {}
        self._connect_anew = connect_anew or (lambda: None)
        self._boot = boot
        self._busy = False  # a ping keeps the shell
        self._heard: dict[int, int] = {}  # UDP port -> up to where its datagrams were taken from the text
        self._version = ""
        self._settle()

    # -- what every node tells --------------------------------------------------------------------------------

    def version(self) -> str:
        return self._version

    def addresses(self) -> tuple[bytes, ...]:
        usable = (a for a, state in self.interface().unicast.items() if "tentative" not in state)
        return tuple(sorted(usable, key=lambda address: address[:2] != _LINK_LOCAL))

    def link_address(self) -> bytes:
        """The interface's link-layer address, big-endian: 8 octets, 2 (a short one), or 6 on BLE."""
        return self.interface().link

    def health(self) -> Health:
        return self._shell.health()

    def console_text(self) -> str:
        return self._shell.text()

    def close(self) -> None:
        self._shell.close()

    # -- abilities --------------------------------------------------------------------------------------------

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        """Originate one Echo Request; the shell chooses the identifier, and 1 (or 0) for the sequence number.

        Up to 3.2 the shell takes no size either: it sends 4 octets of data.
        """
        del identifier, sequence
        for sized in (f"-s {size} ", "") if size == _OLD_PING else (f"-s {size} ",):
            self._free()
            mark = self._shell.mark()
            self._shell.send(f"net ping -c 1 {sized}{IPv6Address(destination)}")
            answer = self._shell.expect(r"^PING |Unrecognized argument|not found|CONFIG_", ANSWER, mark)[0]
            if answer == "PING ":
                self._busy = True
                return
        raise Unsupported(f"ping: this firmware sends none with {size} octets of data: {answer!r}")

    def udp_open(self, port: int) -> None:
        """Bind the shell's one UDP port to `port`; another that it had is closed."""
        if port in self._heard:
            return
        self._udp_close()
        mark = self._shell.mark()  # before the prompt that the shell will erase to print a datagram
        answer = self._ask(f"net udp bind :: {port}", "udp")
        if answer:
            raise RigError(f"zephyr: net udp bind: {' '.join(answer)}")
        self._heard = {port: mark}

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        """The next datagram; the shell does not say who sent it, so source and port are `::` and 0."""
        if port not in self._heard:
            raise RigError(f"zephyr: UDP port {port} was not opened: call udp_open first")
        try:
            found = self._shell.expect(
                r"Received UDP packet: ((?:[0-9a-f]{2} *)*)$\n",
                max(0.0, deadline - clock.now()),
                self._heard[port],
            )
        except LinkClosed:
            raise
        except RigError:  # nothing came by the deadline
            return None
        self._heard[port] += found.end()
        return bytes(16), 0, bytes.fromhex(found[1])

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        """Send a datagram without NUL octets; the shell chooses the source port, so `source_port` must be 0."""
        if source_port:
            raise Unsupported("udp: Zephyr's shell chooses the source port itself")
        if not data or 0 in data:
            raise Unsupported("udp: Zephyr's shell sends text: at least one octet, none of them 0")
        self._udp_close()
        text = "".join(f"\\x{octet:02x}" for octet in data)
        answer = self._ask(f'net udp send {IPv6Address(destination)} {destination_port} "{text}"', "udp")
        if not any("sent" in line for line in answer):
            raise RigError(f"zephyr: net udp send: {' '.join(answer) or 'it was not sent'}")

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        """Give it one more address, and wait until Duplicate Address Detection is over."""
        del prefix_length  # prefixes are those of Router Advertisements
        if address in self.addresses():
            return
        answer = self._ask(f"net ipv6 add {self.interface().number} {IPv6Address(address)}", "address")
        if not self._until(lambda: address in self.addresses(), ANSWER):
            raise overdue(
                RigError(f"zephyr: net ipv6 add: {' '.join(answer) or 'the address does not become usable'}")
            )

    def remove_address(self, address: bytes) -> None:
        self._ask(f"net ipv6 del {self.interface().number} {IPv6Address(address)}", "address")

    def join(self, group: bytes) -> None:
        """Join a group, where `net ipv6 add` takes one (newer than 3.4)."""
        interface = self.interface()
        if group in interface.multicast:
            return
        answer = self._ask(f"net ipv6 add {interface.number} {IPv6Address(group)}", "join")
        interface = self.interface()
        if any(
            "Failed to add" in line for line in answer
        ):  # older versions take it for an address of its own
            raise Unsupported("join: this version's shell joins no multicast groups")
        if group in interface.unicast:
            self._ask(f"net ipv6 del {interface.number} {IPv6Address(group)}", "join")
            raise Unsupported("join: this version's shell joins no multicast groups")
        if group not in interface.multicast:
            raise RigError(f"zephyr: net ipv6 add: {' '.join(answer) or 'the group was not joined'}")

    def reset(self) -> None:
        """Reboot it. A radio with an address of its own making has another one then: see `addresses`."""
        self._free()
        mark = self._shell.mark()
        self._shell.send("kernel reboot cold")
        booting = self._shell.boots(rf"{BANNER}|not found|Subcommands:", self._boot, mark)
        if not booting[0].startswith("*"):
            raise Unsupported(
                "reset: the firmware has no `kernel reboot` (CONFIG_KERNEL_SHELL, CONFIG_REBOOT)"
            )
        self._connect_anew()
        self._settle()

    def counters(self) -> dict[str, int]:
        """Free and total network buffers by pool, as `net mem` tells: "RX free", "RX total", ..."""
        return pools(self._ask("net mem", "counters"))

    def connect(self, peer: str, *, public: bool) -> None:
        """BLE: connect to a peer (AA:BB:CC:DD:EE:FF) and open the IPSP channel."""
        self._ask(f"net_bt connect {peer} {'public' if public else 'random'}", "connect")

    def advertise(self) -> None:
        """BLE: advertise the IPSP service."""
        self._ask("net_bt advertise on", "connect")

    # -- the shell --------------------------------------------------------------------------------------------

    def interface(self) -> Interface:
        """The 6LoWPAN interface as it is now. Raises `RigError` when `net iface` shows none."""
        self._free()
        # a shell that is slow draws its prompt anew behind a log line, which looks like the end of an empty answer
        lines = next(filter(None, (self._shell.command("net iface", ANSWER) for _ in range(_TRIES))), [])
        found = interfaces(lines)
        fitting = [
            i for i in found if (i.number == self._number if self._number is not None else i.kind in KINDS)
        ] or (found if self._number is None and len(found) == 1 else [])
        if not fitting:
            wanted = (
                "interface of IEEE 802.15.4 or Bluetooth"
                if self._number is None
                else f"interface [{self._number}]"
            )
            shown = ", ".join(f"[{i.number}] {i.kind}" for i in found) or " / ".join(lines[:3]) or "nothing"
            raise RigError(f"zephyr: `net iface` shows no {wanted} (set dut.interface), but: {shown}")
        return fitting[0]

    def _settle(self) -> None:
        """Wait until it has booted and its link-local address is usable; crashes count from then on."""
        self._busy, self._heard = False, {}
        self._shell.ready(self._boot)
        self._version = self._tell_version()
        for name, value in self._radio.items():
            self._tune(name, value)
        for command in self._setup:
            self._shell.command(command, ANSWER)

        def usable() -> bool:
            addresses = self.addresses()
            return bool(addresses) and addresses[0][:2] == _LINK_LOCAL

        if not self._until(usable, self._boot):
            has = ", ".join(f"{IPv6Address(a)} ({s})" for a, s in self.interface().unicast.items()) or "none"
            raise overdue(
                RigError(f"zephyr: no usable link-local address within {self._boot:g} s; it has: {has}")
            )
        self._shell.watch()

    def _tell_version(self) -> str:
        """The version number first, then what the banner calls the build."""
        banners = re.findall(BANNER, self._shell.text())
        build = next((b.strip("* ") for b in reversed(banners) if "Zephyr" in b and re.search(r"\d", b)), "")
        number = re.search(r"version (\d\S*)", " ".join(self._shell.command("kernel version", ANSWER)))
        named = re.search(r"Zephyr OS (?:build |version )?(?:zephyr-)?v?(\d+\.\d+\S*)", build)
        if number is None:
            return named[1] if named else f"unknown ({build or 'no banner, and no CONFIG_KERNEL_SHELL'})"
        return number[1] if named is None or named[1] == number[1] else f"{number[1]} (build {named[1]})"

    def _tune(self, name: str, value: int) -> None:
        """Give the radio its "pan_id" or "chan", unless it has it or the firmware has no such commands."""
        if self._radio_has(name) in {None, value}:
            return
        answer = self._shell.command(f"ieee802154 set_{name} {value}", ANSWER)
        if self._radio_has(name) != value:
            raise RigError(
                f"zephyr: ieee802154 set_{name} {value}: {' '.join(answer) or 'it did not take it'}"
            )

    def _radio_has(self, name: str) -> int | None:
        answer = " ".join(self._shell.command(f"ieee802154 get_{name}", ANSWER))
        told = re.search(r"(?:PAN ID|Channel):? *(0x[0-9a-fA-F]+|\d+)", answer)
        return None if told is None else int(told[1], 0)

    def _ask(self, command: str, ability: str) -> list[str]:
        """The answer to a command; `Unsupported` when this firmware does not have the command."""
        self._free()
        if len(command) >= _LINE:
            raise Unsupported(
                f"{ability}: a line of {len(command)} characters is too long for Zephyr's shell"
            )
        *pieces, last = (command[at : at + _TYPED] for at in range(0, len(command), _TYPED))
        for piece in pieces:
            self._type(piece)
        answer = self._shell.command(last, ANSWER)
        if _LACKING.search("\n".join(answer)):
            raise Unsupported(f"{ability}: the firmware does not have `{command}`: {' '.join(answer)[:120]}")
        return answer

    def _type(self, text: str) -> None:
        """Type a part of a command and wait for as many octets as its echo has: the shell's own buffer is small."""
        console, deadline = self._shell.console, clock.now() + ANSWER
        position = console.mark()
        end = position + len(text)
        console.write(text.encode())
        while position < end and clock.now() < deadline:
            position = console.after(position, deadline)[1]
        if position < end:
            raise overdue(RigError(f"zephyr: the shell does not echo {text!r}"))

    def _free(self) -> None:
        """Have the shell back from a ping that still waits for its answer."""
        if self._busy:
            self._shell.send(_INTERRUPT)
            self._shell.ready(ANSWER)
            self._busy = False

    def _udp_close(self) -> None:
        if self._heard:
            self._ask("net udp close", "udp")
            self._heard = {}

    def _until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Look again and again (each look is a command and its answer) until something holds."""
        deadline = clock.now() + timeout
        while not holds():
            if clock.now() > deadline:
                return False
        return True


def dut_side(bench: Bench, rig: RigFile) -> None:
    """Start it, for a link that must connect before it has an address: it advertises of itself (NET_CONFIG_BT_NODE)."""
    registry.open_console(bench, rig.dut.console, rig)


#: All that it is asked and told goes over its console (`rigs.registry`).
NEEDS_CONSOLE: Final = True


def open_node(bench: Bench, rig: RigFile) -> ZephyrNode:
    """The Zephyr at the other end of `dut.console`. Raises `RigError`."""
    options = registry.options(rig, Options)
    on_ble = rig.tester.link.startswith("ipsp:")
    return ZephyrNode(
        registry.open_console(bench, rig.dut.console, rig),
        prompt=options.prompt,
        interface=options.interface,
        setup=tuple(options.setup),
        radio=None if on_ble else {"pan_id": rig.tester.pan, "chan": rig.tester.channel},
        connect_anew=bench_of(bench, rig).reconnect if on_ble else None,
    )
