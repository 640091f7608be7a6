"""radvd on Linux in the guest as the DUT: a third party's Router Advertisements with 6CO and ABRO (RFC 6775).

Strategy: the node is the Linux of `rigs.nodes.linux` as a router, and what its administrator tells it goes to the
kernel and into radvd.conf alike: an address of its own is a prefix to advertise, a context is a `lowpanco` block. The
first address is the border router's. Versions and the C flag of contexts are in that file, too: radvd changes none of
them by itself. Linux registers nobody, so the profile says `nd_advertising` and not `nd`. Over Bluetooth LE its
interface lives as long as a connection, and radvd begins anew with each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rigs.configuration.models import NodeOptions
from rigs.guests.radvd import Advertised, Radvd
from rigs.links.hwsim import link as hwsim
from rigs.links.ipsp import link as ipsp
from rigs.model import RigError
from rigs.nodes.linux.node import LinuxNode

if TYPE_CHECKING:
    from collections.abc import Callable

    from rigs.bench import Bench
    from rigs.configuration.models import RigFile
    from rigs.guests.node_guest import NodeGuest
    from rigs.registry import Missing


class Options(NodeOptions):
    """[dut] has no keys of its own."""


class RadvdNode(LinuxNode):
    """A Linux router whose advertisements are radvd's."""

    stack = "radvd"

    def __init__(self, guest: NodeGuest, daemon: Radvd, reset: Callable[[], None]) -> None:
        """`reset` makes the DUT's interface anew."""
        super().__init__(guest, self._restart)
        self._radvd, self._renew = daemon, reset
        self._advertised = Advertised()
        self._tell()

    def version(self) -> str:
        """Of radvd: its own advertisements are judged; the kernel's is told behind it."""
        return f"{self._radvd.version} on Linux {super().version()}"

    def add_address(self, address: bytes, prefix_length: int = 64) -> None:
        super().add_address(address, prefix_length)
        if address not in self._advertised.addresses:
            self._advertised.addresses.append(address)
            self._tell()

    def remove_address(self, address: bytes) -> None:
        super().remove_address(address)
        if address in self._advertised.addresses:
            self._advertised.addresses.remove(address)
            self._tell()

    def set_context(self, identifier: int, prefix: bytes, length: int, *, compress: bool = True) -> None:
        super().set_context(identifier, prefix, length, compress=compress)
        others = {cid: told for cid, told in self._advertised.contexts.items() if cid != identifier}
        told_now = {identifier: (length, compress)} if length or any(prefix) else {}
        self._advertised.contexts = told_now | others  # the latest first: radvd 2.19 tells of no other one
        self._tell()

    def _tell(self) -> None:
        hwsim.told(lambda: self._radvd.advertise(self._advertised))

    def _restart(self) -> None:
        self._radvd.stop()
        self._renew()
        self._advertised = Advertised()
        self._radvd.advertise(self._advertised)


def open_node(bench: Bench, rig: RigFile) -> RadvdNode:
    """The node in the guest that the link booted. Raises `RigError`."""
    if not _over_ble(rig):
        router = hwsim.bench_of(bench, rig).guest
        return hwsim.told(lambda: RadvdNode(router, Radvd(router), router.reset))
    made = ipsp.bench_of(bench, rig)
    guest = made.guest
    if guest is None:
        raise RigError(f'{rig.path}: dut.node: "radvd" is in the guest of the link "ipsp:"')

    def reconnect() -> None:
        guest.controls.forget()
        made.reconnect()

    return hwsim.told(lambda: RadvdNode(guest, Radvd(guest), reconnect))


def check(rig: RigFile) -> list[Missing]:
    """What this machine lacks for the guest."""
    return ipsp.check(rig) if _over_ble(rig) else hwsim.check(rig)


def _over_ble(rig: RigFile) -> bool:
    return rig.tester.link.startswith("ipsp:")
