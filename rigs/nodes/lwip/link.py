"""The link of an lwIP node: the other end of its child process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rigs import registry
from rigs.model import LinkKind, RigError
from rigs.nodes.lwip.node import LwipLink, LwipProcess, Options, check

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile


def open_link(bench: Bench, address: str, rig: RigFile) -> LwipLink:
    """Open `lwip:802154` or `lwip:ble`. Raises `RigError`."""
    kinds: dict[str, LinkKind] = {"802154": "ieee802154", "ieee802154": "ieee802154", "ble": "ble"}
    if address not in kinds:
        raise RigError(f"{rig.path}: tester.link: lwip:{address}: there are lwip:802154 and lwip:ble")
    pan = rig.tester.pan_octets
    options = registry.options(rig, Options)

    def start() -> LwipProcess:
        # on IEEE 802.15.4 the tester may be anybody
        far = rig.tester.address if kinds[address] == "ble" else None
        own = {"public": options.public, "as_built": options.as_built}
        return LwipProcess(kinds[address], pan=pan, dut=rig.dut.address, tester=far, **own)

    return bench.resource("lwip", start).link


__all__ = ["check", "open_link"]
