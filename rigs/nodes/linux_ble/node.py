"""Linux `bluetooth_6lowpan` in the guest: the DUT of `linux-ble`, seen by its shell, sockets and IP tap.

Strategy: what a Linux DUT can be told to do is the same on every link (`rigs.nodes.linux`); Bluetooth LE adds that its
interface lives as long as a connection, so a reset is a new connection with nothing left of the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import Field

from rigs.configuration.models import NodeOptions
from rigs.guests import image
from rigs.links.hwsim.link import told
from rigs.links.ipsp.link import bench_of, check
from rigs.model import RigError
from rigs.nodes.linux.node import LinuxNode
from rigs.nodes.linux_host.ble import QDISC

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile
    from rigs.guests.ble import BleGuest


class Options(NodeOptions):
    """Keys of [dut]."""

    qdisc: str = Field("", description=QDISC)
    kernel: str = Field("", description=image.KERNEL)


class LinuxBleNode(LinuxNode):
    """The kernel under test."""

    abilities = LinuxNode.abilities | {"connect", "discover"}

    def __init__(self, guest: BleGuest, reset: Callable[[], None]) -> None:
        super().__init__(guest, reset)
        self._ble = guest

    def discover(self, address: bytes, seconds: float) -> tuple[list[str], list[str] | None] | None:
        found = told(lambda: self._ble.discover(address.hex(":").upper(), seconds))
        return (found["advertised"], found["services"]) if found else None


def open_node(bench: Bench, rig: RigFile) -> LinuxBleNode:
    """The node in the guest that the link booted. Raises `RigError`."""
    made = bench_of(bench, rig)
    guest = made.guest
    if guest is None:
        raise RigError(
            f'{rig.path}: dut.node: "linux_ble" is the guest of the link "ipsp:"; a real adapter has a real node'
        )

    def reset() -> None:
        guest.controls.forget()
        made.reconnect()

    return LinuxBleNode(guest, reset)


__all__ = ["Options", "check", "open_node"]
