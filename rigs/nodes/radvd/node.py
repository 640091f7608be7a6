"""radvd on Linux in the guest as the DUT: a third party's Router Advertisements with 6CO and ABRO (RFC 6775).

Strategy: the node is the Linux of `rigs.nodes.linux` as a router, and what its administrator tells it goes to the
kernel and into radvd.conf alike: an address of its own is a prefix to advertise, a context is a `lowpanco` block. The
first address is the border router's. Versions and the C flag of contexts are in that file, too: radvd changes none of
them by itself. Linux registers nobody, so the profile says `nd_advertising` and not `nd`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rigs.configuration.models import NodeOptions
from rigs.guests.radvd import Advertised, Radvd
from rigs.links.hwsim.link import bench_of, check, told
from rigs.nodes.linux.node import LinuxNode

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile
    from rigs.guests.hwsim import HwsimGuest


class Options(NodeOptions):
    """[dut] has no keys of its own."""


class RadvdNode(LinuxNode):
    """A Linux router whose advertisements are radvd's."""

    stack = "radvd"

    def __init__(self, guest: HwsimGuest, daemon: Radvd) -> None:
        super().__init__(guest, self._restart)
        self._radvd, self._router = daemon, guest
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
        told(lambda: self._radvd.advertise(self._advertised))

    def _restart(self) -> None:
        self._radvd.stop()
        self._router.reset()
        self._advertised = Advertised()
        self._radvd.advertise(self._advertised)


def open_node(bench: Bench, rig: RigFile) -> RadvdNode:
    """The node in the guest that the link booted. Raises `RigError`."""
    guest = bench_of(bench, rig).guest
    return told(lambda: RadvdNode(guest, Radvd(guest)))


__all__ = ["Options", "check", "open_node"]
