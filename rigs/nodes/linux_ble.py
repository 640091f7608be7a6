"""Linux `bluetooth_6lowpan` in the guest: the DUT of `linux-ble`, seen by its shell, sockets and IP tap.

Strategy: what a Linux DUT can be told to do is the same on every link (`rigs.nodes.linux`); Bluetooth LE adds that its
interface lives as long as a connection, so a reset is a new connection with nothing left of the old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rigs.links.hwsim import told
from rigs.links.ipsp import bench_of, check
from rigs.model import Received, RigError
from rigs.nodes.linux import LinuxNode, LinuxTap
from rigs.virtual import wire
from rigs.virtual.ble import BleGuest

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.config import RigFile
    from rigs.links.hwsim import HwsimBench
    from rigs.links.ipsp_bench import IpspBench

OPTIONS: dict[str, str] = {}


class _Guest:
    """The guest as `LinuxNode` wants it: what the DUT can be told, and where it is seen."""

    def __init__(self, bench: IpspBench, guest: BleGuest) -> None:
        self._bench, self._guest = bench, guest
        controls = guest.controls
        self.addresses, self.add_address = controls.addresses, controls.add_address
        self.ping, self.join = controls.ping, controls.join
        self.udp_open, self.udp_send, self.udp_receive = (
            controls.udp_open,
            controls.udp_send,
            controls.udp_receive,
        )
        self.set_context, self.counters = controls.set_context, controls.counters
        self.status, self.console_text = guest.status, guest.console_text
        self.client = guest.client

    @property
    def kernel_version(self) -> str:
        return self._guest.kernel_version

    @property
    def ip(self) -> object:
        return self._guest.ip

    def reset(self) -> None:
        self._guest.controls.forget()
        self._bench.reconnect()


class _Holder:
    def __init__(self, bench: IpspBench, guest: BleGuest) -> None:
        self.guest = _Guest(bench, guest)


class OrderedTap(LinuxTap):
    """The IP tap, which says that there is nothing only when it knows.

    Tap and link come by two ports, and the link may be faster. But the agent empties its taps before it looks at an
    order, so once it has answered one, all that IPv6 had seen before is here.
    """

    def receive(self, deadline: float) -> Received | None:
        got = super().receive(deadline)
        if got is None:
            told(lambda: self._guest.client.request(wire.CLOCK))
            got = super().receive(deadline)
        return got


class LinuxBleNode(LinuxNode):
    """The kernel under test."""

    abilities = LinuxNode.abilities | {"tcp", "connect"}

    def __init__(self, bench: IpspBench) -> None:
        if bench.guest is None:
            raise RigError(
                'the node "linux_ble" is the guest of the link "ipsp:"; a real adapter has a real node'
            )
        holder = cast("HwsimBench", _Holder(bench, bench.guest))
        super().__init__(holder)
        self.tap = OrderedTap(holder)
        self._controls = bench.guest.controls

    def tcp_echo(self, port: int) -> None:
        """Accept TCP connections on `port` and send back what comes, until the next reset."""
        told(lambda: self._controls.tcp_echo(port))


def open_node(bench: Bench, rig: RigFile) -> LinuxBleNode:
    """The node in the guest that the link booted. Raises `RigError`."""
    return LinuxBleNode(bench_of(bench, rig))


__all__ = ["OPTIONS", "check", "open_node"]
