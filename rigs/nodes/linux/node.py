"""Linux `ieee802154_6lowpan` in the guest: the DUT of `linux-802154`, seen by its shell, sockets and IP tap.

Strategy: everything is told to the agent in the guest (`rigs.guests.controls`), and that is the same whatever link the
6LoWPAN interface is on. A kernel oops or panic on the console is a crash; a QEMU that was ended by a signal is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from rigs.configuration.models import NodeOptions
from rigs.guests import image, wire
from rigs.links.hwsim.link import bench_of, check, told
from rigs.model import Health, IpTap, Node, Received

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile
    from rigs.guests.node_guest import NodeGuest


class Options(NodeOptions):
    """Keys of [dut]."""

    clock: Literal["host", "instructions"] = Field(
        "host",
        description="instructions: the guest's time is that of its instructions, and stands still while the tester "
        "thinks, so that waiting costs nothing and a busy host changes nothing",
    )
    kernel: str = Field("", description=image.KERNEL)


_STATES: dict[str, Health] = {
    "running": Health("alive"),
    "killed": Health("killed"),
    "closed": Health("unreachable"),
    "stopped": Health("unreachable"),
    "exited": Health("killed"),
}


class LinuxTap(IpTap):
    """Packets that the 6LoWPAN interface handed to IPv6 (an AF_PACKET socket in the DUT's namespace).

    It says that there is nothing only when it knows. Tap and link may come by two ports, and the link be faster. But
    the agent empties its taps before it looks at an order, so once it has answered one, all that IPv6 had seen before
    is here.
    """

    def __init__(self, guest: NodeGuest) -> None:
        self._guest = guest

    def receive(self, deadline: float) -> Received | None:
        got = self._next(deadline)
        if got is None:
            told(lambda: self._guest.client.request(wire.CLOCK))
            got = self._next(deadline)
        return got

    def waiting(self) -> Received | None:
        return self._next(float("-inf"))

    def _next(self, deadline: float) -> Received | None:
        while True:
            got = told(lambda: self._guest.ip.receive(deadline))
            if got is None:
                return None
            if got.direction != "outgoing":
                return Received(got.data, self._guest.client.host_seconds(got.time_ns), "guest")


class LinuxNode(Node):
    """The kernel under test. `reset` makes the DUT as new."""

    stack = "Linux"
    abilities = frozenset(
        {
            "echo",
            "ping",
            "udp",
            "tcp",
            "join",
            "context",
            "address",
            "console",
            "reset",
            "ip_tap",
            "counters",
            "port_unreachable",
        }
    )

    def __init__(self, guest: NodeGuest, reset: Callable[[], None]) -> None:
        self._guest, self._reset = guest, reset
        self.tap = LinuxTap(guest)

    def version(self) -> str:
        return self._guest.kernel_version

    def addresses(self) -> tuple[bytes, ...]:
        return told(self._guest.controls.addresses)

    def health(self) -> Health:
        status = self._guest.status()
        if status.state == "crashed":
            return Health("crashed", status.detail)
        known = _STATES[status.state]
        return Health(known.state, status.detail)

    def close(self) -> None:
        """The bench ends the guest."""

    def console_text(self) -> str:
        return self._guest.console_text()[-65536:]

    def ping(self, destination: bytes, size: int, identifier: int, sequence: int) -> None:
        told(lambda: self._guest.controls.ping(destination, size, identifier, sequence))

    def udp_open(self, port: int) -> None:
        told(lambda: self._guest.controls.udp_open(port))

    def udp_send(self, destination: bytes, source_port: int, destination_port: int, data: bytes) -> None:
        told(lambda: self._guest.controls.udp_send(destination, source_port, destination_port, data))

    def udp_receive(self, port: int, deadline: float) -> tuple[bytes, int, bytes] | None:
        return told(lambda: self._guest.controls.udp_receive(port, deadline))

    def tcp_listen(self, port: int) -> None:
        told(lambda: self._guest.controls.tcp_listen(port))

    def tcp_connect(self, destination: bytes, port: int) -> None:
        told(lambda: self._guest.controls.tcp_connect(destination, port))

    def tcp_close(self, port: int) -> None:
        told(lambda: self._guest.controls.tcp_close(port))

    def tcp_send(self, port: int, data: bytes) -> None:
        told(lambda: self._guest.controls.tcp_send(port, data))

    def tcp_receive(self, port: int, deadline: float) -> bytes | None:
        return told(lambda: self._guest.controls.tcp_receive(port, deadline))

    def join(self, group: bytes) -> None:
        told(lambda: self._guest.controls.join(group))

    def leave(self, group: bytes) -> None:
        told(lambda: self._guest.controls.leave(group))

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        told(lambda: self._guest.controls.add_address(address, prefix_length))

    def remove_address(self, address: bytes) -> None:
        told(lambda: self._guest.controls.remove_address(address))

    def set_context(self, identifier: int, prefix: bytes, length: int, *, compress: bool = True) -> None:
        told(
            lambda: self._guest.controls.set_context(
                identifier, prefix or bytes(16), length, compress=compress, active=length > 0
            )
        )

    def reset(self) -> None:
        told(self._reset)

    def counters(self) -> dict[str, int]:
        return told(self._guest.controls.counters)


def open_node(bench: Bench, rig: RigFile) -> LinuxNode:
    """The node in the guest that the link booted. Raises `RigError`."""
    guest = bench_of(bench, rig).guest
    return LinuxNode(guest, guest.reset)


__all__ = ["check", "open_node"]
