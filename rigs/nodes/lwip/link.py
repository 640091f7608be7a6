"""The link of an lwIP node: the other end of its child process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rigs import registry
from rigs.model import LinkKind, RigError
from rigs.nodes.lwip.node import LwipLink, LwipProcess, Options, check

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.configuration.models import RigFile


_KINDS: Final[dict[str, LinkKind]] = {"802154": "ieee802154", "ieee802154": "ieee802154", "ble": "ble"}


def misread(address: str) -> str:
    """What is wrong with what stands behind "lwip:"; empty where nothing is."""
    return "" if address in _KINDS else "there are lwip:802154 and lwip:ble"


def open_link(bench: Bench, address: str, rig: RigFile) -> LwipLink:
    """Open `lwip:802154` or `lwip:ble`. Raises `RigError`."""
    if wrong := misread(address):
        raise RigError(f"{rig.path}: tester.link: lwip:{address}: {wrong}")
    pan = rig.tester.pan_octets
    options = registry.options(rig, Options)

    def start() -> LwipProcess:
        # on IEEE 802.15.4 the tester may be anybody
        far = rig.tester.address if _KINDS[address] == "ble" else None
        return LwipProcess(
            _KINDS[address],
            pan=pan,
            public=options.public,
            as_built=options.as_built,
            package=options.package,
            dut=rig.dut.address,
            tester=far,
        )

    return bench.resource("lwip", start).link


__all__ = ["check", "misread", "open_link"]
