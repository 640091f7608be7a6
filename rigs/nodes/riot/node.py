"""RIOT by its shell, on a board or as a native executable: every console and every 802.15.4 link will do.

Strategy: what a firmware's shell can do depends on its modules and its age, so it is asked (`help`, the usage lines)
and not assumed from a version; what it lacks is `Unsupported` and names the module. Answers are read for the words
that have stayed alike since 2018 (`Iface`, `inet6 addr:`, `~ unused:`), never by column. Three things the shell cannot
do: choose the identifier of a ping, choose the source port of a datagram (the older `udp` takes the destination's,
the newer one that is free), and forget a context at once (RIOT keeps a removed one for decompression, as
RFC 6775 §5.4.3 has it of one that expired).
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final

from pydantic import Field

from rigs import clock, registry
from rigs.configuration.fields import Text
from rigs.configuration.models import NodeOptions
from rigs.consoles.shell import Shell
from rigs.model import Health, Node, RigError, Unsupported, overdue
from rigs.nodes.riot.text import DATAGRAM, Interface, datagrams, interfaces, packet_buffer

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile
    from rigs.consoles.model import Console


class Options(NodeOptions):
    """Keys of [dut]."""

    interface: Text = Field(
        "", description='the name of its 6LoWPAN interface, such as "6"; else the first that has one'
    )
    version: Text = Field(
        "", description='its version, such as "2026.07", when the firmware was built without one'
    )


PROMPT: Final = r"> "
BANNER: Final = r"main\(\): This is RIOT!"
#: Of core/lib/panic.c, core/lib/assert.c, core/sched.c and the fault handlers; the banner is a boot nobody asked for.
SIGNATURES: Final = (
    r"\*\*\* RIOT kernel panic",
    r"FAILED ASSERTION",
    r"stack overflow detected",
    r"ISR stack overflowed",
    r"Context before hardfault",
    r"!! REBOOT !!",
    BANNER,
)
#: Seconds: until a firmware that just started has its shell, until an address is no longer tentative.
BOOT: Final = 20.0
TENTATIVE: Final = 5.0
#: Minutes that a context lives: the most that 16 bits hold.
_LIFETIME: Final = 0xFFFF
_PING_WAIT: Final = 100  # milliseconds for which the shell is busy with a ping
_LINE: Final = 127  # characters that a shell takes (SHELL_DEFAULT_BUFSIZE)
_PIECE: Final = (
    32  # characters typed at a time: what does not fit a receive buffer (STDIO_RX_BUFSIZE, 64) is lost
)
_QUIET: Final = 0.2  # seconds: a dump on the console has ended

_MODULES: Final = {
    "ping": "gnrc_icmpv6_echo",
    "udp": "shell_cmd_udp or shell_cmd_gnrc_udp",
    "6ctx": "shell_cmd_gnrc_sixlowpan_ctx",
    "pktbuf": "shell_cmd_gnrc_pktbuf",
    "ifconfig": "shell_cmd_gnrc_netif",
    "reboot": "shell_cmd_sys",
}


class RiotNode(Node):
    """The firmware behind one shell."""

    stack = "RIOT"
    abilities = frozenset(
        {"echo", "ping", "udp", "join", "context",
         "address", "console", "reset", "counters", "port_unreachable"}
    )  # fmt: skip

    def __init__(
        self, console: Console, *, interface: str = "", version: str = "", boot: float = BOOT
    ) -> None:
        """`interface` and `version` as in `Options`. Raises `RigError`, `LinkClosed`."""
        self._shell = Shell(console, PROMPT, signatures=SIGNATURES)
        self._wanted = interface
        self._version = version
        self._contexts: dict[int, tuple[bytes, int]] = {}
        self._joined: set[bytes] = set()
        self._port: int | None = None
        self._printed = ""  # by the UDP server, not taken yet
        self._read_to = 0  # in the console, for `_printed`
        self._pinging: int | None = None
        self._pan: int | None = None
        self._shell.ready(boot)
        self._shell.watch()
        self._commands = self._help()
        self._echo = "> help" in self._shell.text()
        if "ifconfig" not in self._commands:
            raise RigError(
                f"{console.address}: its shell has no command 'ifconfig' (module {_MODULES['ifconfig']}); "
                f"it has: {', '.join(sorted(self._commands)) or 'none'}"
            )
        self._version = version or self._told_version()
        self._interface = self._look().name

    def version(self) -> str:
        return self._version

    def addresses(self) -> tuple[bytes, ...]:
        found = self._settled()
        return tuple(sorted(found, key=lambda a: not _is_link_local(a)))

    def look(self) -> Interface:
        """Its 6LoWPAN interface as `ifconfig` shows it now."""
        return self._look()

    def health(self) -> Health:
        return self._shell.health()

    def close(self) -> None:
        """Give the console back."""
        self._shell.close()

    def console_text(self) -> str:
        return self._shell.text()[-65536:]

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        """One Echo Request; the shell chooses identifier and sequence number."""
        command = "ping" if "ping" in self._commands else "ping6"
        self._need(command, "ping")
        self._idle()
        self._pinging = self._shell.mark()
        line = f"{command} -c 1 -s {size} -W {_PING_WAIT} {self._scoped(destination)}"
        self._shell.send(self._type(line))

    def udp_open(self, port: int) -> None:
        """Open a port; the shell has one at a time, so that the one before is closed."""
        if self._port is not None:
            self._do("udp server stop")
            self._port = None
        answer = self._do(f"udp server start {port}")
        if answer and "Success" not in answer[-1]:
            raise RigError(f"riot: udp server start {port}: {answer[-1]}")
        self._port, self._printed, self._read_to = port, "", self._shell.console.mark()

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        """One datagram from the port that the shell takes; `source_port` 0 leaves it the choice."""
        usage = " ".join(self._do("udp send"))
        older = "<addr> <port>" in usage
        if source_port not in ({0, destination_port} if older else {0}):
            raise Unsupported("udp: the shell of RIOT chooses the source port itself")
        scoped, text = self._scoped(destination), data.decode("latin-1")
        there = f"{scoped} {destination_port}" if older else f"[{scoped}]:{destination_port}"
        if "-b" in usage:
            line = f"udp send -b {there} {data.hex()}"
        elif data and not re.fullmatch(r"[!#-&(-\[\]-~]+", text):  # a word without quotes or backslashes
            raise Unsupported("udp: the shell of this RIOT sends printable text only")
        else:
            line = f"udp send {there} {text}"
        if not data or len(line) > _LINE:
            raise Unsupported(f"udp: the shell of RIOT takes no {len(data)} octets of data on a line")
        answer = self._do(line)
        if not any("Success" in said for said in answer):
            raise RigError(f"riot: {line}: {' '.join(answer) or 'nothing was said'}")

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        if port != self._port:
            raise RigError(f"riot: UDP port {port} was not opened: call udp_open first")
        while True:
            found = datagrams(self._printed)
            # where a dump ends is told by silence, or by the deadline
            limit = min(deadline, clock.now() + _QUIET) if found else deadline
            data, self._read_to = self._shell.console.after(self._read_to, limit)
            self._printed += data.decode("utf-8", "replace").replace("\r", "")
            if data and clock.now() < deadline:
                continue
            found = datagrams(self._printed)
            if not found:
                return None
            starts = [start.start() for start in re.finditer(DATAGRAM, self._printed)]
            self._printed = self._printed[starts[1] :] if len(starts) > 1 else ""
            return found[0]

    def join(self, group: bytes) -> None:
        if group not in self._look().groups:
            self._add("group", "GNRC_NETIF_IPV6_GROUPS_NUMOF", str(IPv6Address(group)))
            self._joined.add(group)

    def leave(self, group: bytes) -> None:
        if group in self._joined:
            self._do(f"ifconfig {self._interface} del {IPv6Address(group)}")
            self._joined.remove(group)

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        """One more address; alone, because a prefix would count as on-link, where RIOT resolves nobody."""
        if address not in self.addresses():
            self._add("address", "CONFIG_GNRC_NETIF_IPV6_ADDRS_NUMOF", f"{IPv6Address(address)}/128")
            self._settled()

    def remove_address(self, address: bytes) -> None:
        self._do(f"ifconfig {self._interface} del {IPv6Address(address)}")

    def use_router(self, address: bytes | None) -> None:
        """RIOT answers nobody at a global address without a route: 6LoWPAN nodes solicit nobody (RFC 6775 §5.6)."""
        if "nib" in self._commands:
            told = (
                f"add {self._interface} default {IPv6Address(address)}"
                if address
                else f"del {self._interface} ::/0"
            )
            self._do(f"nib route {told}")

    def set_context(self, identifier: int, prefix: bytes, length: int, *, compress: bool = True) -> None:
        """A context that is not for compression, and one that is removed, has no lifetime left in RIOT."""
        if self.teach is not None:
            super().set_context(identifier, prefix, length, compress=compress)
            return
        if not length and identifier not in self._contexts:
            return
        kept = (prefix, length) if length else self._contexts.pop(identifier)
        lifetime = _LIFETIME if length and compress else 0
        network = IPv6Address((kept[0] + bytes(16))[:16])
        answer = self._do(f"6ctx add {identifier} {network}/{kept[1]} {lifetime}")
        wrong = [line for line in answer if re.match(r"ERROR|usage", line)]
        if wrong:
            raise RigError(f"riot: context {identifier}, {network}/{kept[1]}: {wrong[0]}")
        if length:
            self._contexts[identifier] = kept

    def reset(self) -> None:
        """Start anew, or reboot; addresses and contexts that it was given are gone.

        RIOT native reboots by executing itself: data that comes meanwhile is a signal 29 that nobody handles (2026.07,
        cpu/native/periph/pm.c), and ends it. So a process is started anew instead.
        """
        console = self._shell.console
        mark = self._shell.mark()
        if console.restarts:
            self._pinging = None
            console.restart()
        else:
            self._need("reboot", "reset")
            self._idle()
            self._shell.send("reboot")
        self._shell.boots(BANNER, BOOT, mark)
        self._shell.ready(BOOT)
        self._shell.watch()
        self._contexts.clear()
        self._joined.clear()
        self._port = None
        self.tune(self._pan)

    def tune(self, pan: int | None) -> None:
        """Put its radio on a PAN, from here on and behind each reset; None: where the firmware has it."""
        self._pan, seen = pan, self._look().pan
        if pan is not None and seen not in {None, pan}:
            self._do(f"ifconfig {self._interface} set pan_id 0x{pan:04x}")

    def counters(self) -> dict[str, int]:
        """Octets of the packet buffer (`pktbuf_free`, `pktbuf_size`, `pktbuf_high`)."""
        return packet_buffer(self._do("pktbuf"))

    # -- the shell -------------------------------------------------------------------------------------------

    def _idle(self) -> None:
        """Wait for the end of a ping, for which the shell is busy; it stays busy where that does not come."""
        if self._pinging is not None:
            end = rf"packet loss[\s\S]*^{PROMPT}\Z"
            self._shell.expect(end, 10 + _PING_WAIT / 1000, self._pinging)
            self._pinging = None

    def _do(self, command: str) -> list[str]:
        self._need(command.split(maxsplit=1)[0], command.split(maxsplit=1)[0])
        self._idle()
        return self._shell.command(self._type(command))

    def _type(self, line: str) -> str:
        """Type a line but for its end, which is returned; the echo of each piece shows that it was taken."""
        while self._echo and len(line) > _PIECE:
            piece, line = line[:_PIECE], line[_PIECE:]
            mark = self._shell.mark()
            self._shell.console.write(piece.encode())
            self._shell.expect(re.escape(piece), 5, mark)
        return line

    def _need(self, command: str, ability: str) -> None:
        if command not in self._commands:
            module = _MODULES.get(command.removesuffix("6") if command == "ping6" else command, "")
            raise Unsupported(f"{ability}: this firmware has no shell command {command!r} (module {module})")

    def _help(self) -> frozenset[str]:
        return frozenset(line.split()[0] for line in self._shell.command("help") if line.strip())

    def _told_version(self) -> str:
        """Of the banner, or of the command; "unknown" when the build had none."""
        told = self._shell.command("version") if "version" in self._commands else []
        told += re.findall(BANNER + r" \(Version: ([^\n]*)\)", self._shell.text())
        return next((v.strip() for v in told if re.match(r"\s*\d{4}\.\d{2}", v)), "unknown")

    def _look(self) -> Interface:
        found = interfaces(self._do("ifconfig"))
        for interface in found:
            if interface.name == self._wanted or (
                not self._wanted and (interface.sixlowpan or interface.eui64)
            ):
                return interface
        there = ", ".join(i.name for i in found) or "none"
        wanted = f"interface {self._wanted!r}" if self._wanted else "interface with 6LoWPAN"
        raise RigError(f"riot: ifconfig shows no {wanted}; there are: {there} (dut.interface names one)")

    def _settled(self) -> list[bytes]:
        """Addresses once none is tentative (RFC 4862 §5.4). Raises `RigError` when there is no link-local one."""
        deadline = clock.now() + TENTATIVE
        while True:
            found = self._look().addresses
            if found and not any(tentative for _, tentative in found):
                break
            if clock.now() > deadline:
                shown = ", ".join(f"{IPv6Address(a)}{' (tentative)' if t else ''}" for a, t in found)
                raise overdue(
                    RigError(f"riot: no settled address within {TENTATIVE:g} s; there are: {shown or 'none'}")
                )
        return [address for address, _ in found]

    def _add(self, ability: str, room: str, text: str) -> None:
        answer = " ".join(self._do(f"ifconfig {self._interface} add {text}"))
        if "success" not in answer.lower():
            raise Unsupported(
                f"{ability}: RIOT takes no more: {answer or 'nothing was said'} "
                f"(built with a larger {room} it does)"
            )

    def _scoped(self, destination: bytes) -> str:
        text = str(IPv6Address(destination))
        narrow = _is_link_local(destination) or (destination[0] == 0xFF and destination[1] & 0x0F < 5)
        return f"{text}%{self._interface}" if narrow else text


def _is_link_local(address: bytes) -> bool:
    return address[0] == 0xFE and address[1] & 0xC0 == 0x80


#: All that it is asked and told goes over its console (`rigs.registry`).
NEEDS_CONSOLE: Final = True


def open_node(bench: Bench, rig: RigFile) -> RiotNode:
    """The firmware behind `dut.console`. Raises `RigError`, also when its PAN or channel is not the tester's."""
    console = registry.open_console(bench, rig.dut.console, rig)
    options = registry.options(rig, Options)
    node = RiotNode(console, interface=options.interface, version=options.version)
    node.tune(rig.tester.pan)
    seen = node.look()
    for key, name, theirs, ours in (
        ("tester.pan", "PAN", seen.pan, rig.tester.pan),
        ("tester.channel", "channel", seen.channel, rig.tester.channel),
    ):
        if name == "channel" and not ours:
            continue  # RIOT 2022.07 puts 0 into the ZEP header, whatever channel it says that it is on
        if theirs is not None and theirs != ours:
            shown = (f"0x{theirs:04x}", f"0x{ours:04x}") if name == "PAN" else (theirs, ours)
            raise RigError(f"{rig.path}: {key}: the node is on {name} {shown[0]}, the tester on {shown[1]}")
    if seen.eui64 and rig.dut.address not in {None, seen.eui64}:
        raise RigError(
            f'{rig.path}: dut.address: the node says that it is "{seen.eui64.hex(":")}": put that there; '
            "one that draws another at each start (native without --eui64) has none there"
        )
    return node
