"""Any node that answers pings, told nothing and asked nothing: `node = "black_box"`, the first rig of an unknown stack.

Strategy: what can be known of a node without a word of its language is its address (from the rig file), whether it
answers, and what it prints. So this node declares no more than echoes and ICMPv6 errors. With a console its text goes
into the record, and what looks like a crash or a boot on it is one; a process or a port that is gone is seen. Without
one, only its answers tell that it lives. After a loss the console is opened anew, which starts a process again, and
`dut.power` cycles the power of a board.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from rigs import registry
from rigs.configuration.fields import Regex, Text
from rigs.configuration.loading import is_path
from rigs.configuration.models import NodeOptions
from rigs.consoles.shell import SANITIZERS, Shell
from rigs.model import Health, Node, RigError
from sixlowpan import link_local

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile


def _list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _address(value: str) -> str:
    return str(IPv6Address(value))


class Options(NodeOptions):
    """Keys of [dut]."""

    ip: Annotated[list[Annotated[str, AfterValidator(_address)]], BeforeValidator(_list)] = Field(
        [],
        description='a list of its IPv6 addresses, such as ["fe80::1"]; '
        "without it, the link-local ones that its link-layer addresses give",
    )
    version: Text = Field("", description='what the record says of it, such as "firmware 1.4.2"')
    crash: Annotated[list[Regex], BeforeValidator(_list)] = Field(
        [],
        description="a list of regexes of what its console prints when it crashes or boots, beside the usual ones",
    )


#: What stacks print when they die (RIOT, Zephyr, FreeRTOS, mbed, Linux, sanitizers, Rust); each sees one line.
SIGNATURES: Final = (
    r"(?i:\bkernel panic\b.*)",
    r"(?i:^(?>.*?\bassert(?:ion)?\b).*\bfailed\b.*)",  # atomic: one try a line, or a flood costs its square
    r"(?i:\bfatal (?:error|exception|fault)\b.*)",
    r"(?i:\b(?:hard|bus|usage|memmanage) ?fault\b.*)",
    r"(?i:\bstack (?:overflow|smashing)\b.*)",
    r"(?i:\bwatchdog reset\b.*)",
    r"(?i:\bpanicked at\b.*)",
    *SANITIZERS,
)


class BlackBox(Node):
    """A node known by its addresses only; `shell` is its console, if it has one."""

    stack = "black box"
    abilities = frozenset({"echo", "port_unreachable"})

    def __init__(self, addresses: tuple[bytes, ...], shell: Shell | None = None, version: str = "") -> None:
        self._addresses = addresses
        self._shell = shell
        self._version = version
        if shell is not None:
            self.abilities = self.abilities | {"console"}
            shell.watch()

    def version(self) -> str:
        return self._version or "unknown (set dut.version)"

    def addresses(self) -> tuple[bytes, ...]:
        return self._addresses

    def health(self) -> Health:
        return Health("alive") if self._shell is None else self._shell.health()

    def console_text(self) -> str:
        return "" if self._shell is None else self._shell.text()

    def close(self) -> None:
        if self._shell is not None:
            self._shell.close()


def open_node(bench: Bench, rig: RigFile) -> BlackBox:
    """The node that the rig file tells of. Raises `RigError`."""
    shell = None
    options = registry.options(rig, Options)
    addresses = _addresses(rig, options)
    if rig.dut.console:
        console = registry.open_console(bench, rig.dut.console, rig)
        shell = Shell(
            console, r"(?!)", signatures=(*SIGNATURES, *options.crash)
        )  # it has no prompt that we know
    return BlackBox(addresses, shell, options.version)


def remarks(rig: RigFile) -> Iterator[str]:
    """What a profile of the tree is worth here, where it is one of a stack that has a node of its own."""
    if not is_path(rig.profile) and not rig.profile.startswith("black-box"):
        yield (
            f'profile = "{rig.profile}": what it declares beyond echoes nobody can ask a black box for: '
            'name "black-box-802154", a profile of your own, or the node of that stack (dut.node)'
        )


def _addresses(rig: RigFile, options: Options) -> tuple[bytes, ...]:
    if options.ip:
        return tuple(IPv6Address(text).packed for text in options.ip)
    if rig.dut.address is None:
        raise RigError(f'{rig.path}: dut.node = "black_box" needs dut.address (its EUI-64), or dut.ip')
    return (link_local(rig.dut.address), *((link_local(rig.dut.short),) if rig.dut.short else ()))
