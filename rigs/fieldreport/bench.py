"""Two Linux guests with a live LE connection between them: the two laptops of the field report.

Strategy: each guest has a virtual controller, and both controllers are on one medium, whose connection interval is
set and which sees every PDU. A controller is attached before its guest's kernel asks for one. Nobody else is on the
air, and no tester: what is measured is what the two kernels do to each other.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import IPv6Address

from rigs import clock
from rigs.air.settings import AirSettings
from rigs.fieldreport.air import Pdu
from rigs.guests import image
from rigs.guests.ble import INTERFACE, BleGuest
from rigs.links.hwsim.link import told
from rigs.links.ipsp.h4 import Bridge
from rigs.links.ipsp.medium import Controller, Medium
from rigs.links.ipsp.radio import Loop


def with_iperf(spec: image.GuestSpec, name: str, memory_mib: int) -> image.GuestSpec:
    """A guest with the programs that the field report used."""
    packages = (*spec.packages, "iperf3", "iputils-ping")
    programs = (*spec.programs, "iperf3", "ping")
    return replace(spec, name=name, packages=packages, programs=programs, memory_mib=memory_mib)


#: The guest of the Bluetooth rigs.
SPEC = with_iperf(image.BLE, "ble-field", 320)
CENTRAL, PERIPHERAL = "02:4B:65:79:68:0A", "02:4B:65:79:68:0B"
#: Seconds for a controller, and for the channel with its interfaces.
_CALL, _CONNECT = 20.0, 60.0


class Counting(Medium):
    """A medium that keeps all that it carries."""

    def __init__(self) -> None:
        super().__init__()
        self.carried: list[Pdu] = []

    def send_acl_data(
        self, sender_controller: Controller, destination_address: object, transport: object, data: bytes
    ) -> float | None:
        """Note the PDU and carry it."""
        sent = asyncio.get_running_loop().time()
        arrives = super().send_acl_data(sender_controller, destination_address, transport, data)
        if arrives is not None:
            self.carried.append(Pdu(sent, sender_controller.name, bytes(data), arrives))
        return arrives


class FieldGuest(BleGuest):
    """One laptop."""

    spec = SPEC


class TwoLaptops:
    """Both guests, connected. `central` asked for the channel. Close it."""

    def __init__(self, qdisc: str = "fq_codel") -> None:
        """Boot both; raises `RigError`. `qdisc`: their queue, Debian's own unless it is told otherwise."""
        self.central, self.peripheral = FieldGuest(qdisc=qdisc), FieldGuest(qdisc=qdisc)
        self._loop = Loop()
        self._bridges: list[Bridge] = []
        try:
            self.medium = self._loop.run(self._medium(), _CALL, "making the medium")
            for guest, name, address in (
                (self.central, "central", CENTRAL),
                (self.peripheral, "peripheral", PERIPHERAL),
            ):
                told(guest.start)
                self._loop.run(
                    self._attach(guest, name, address), _CALL, f"attaching the {name}'s controller"
                )
                told(guest.up)
            self.connect()
        except BaseException:
            self.close()
            raise

    def connect(self) -> None:
        """Open the channel, with `bt0` on both sides. Raises `RigError`."""
        told(self.peripheral.advertise)
        told(lambda: self.central.connect(PERIPHERAL, public=True))
        end = clock.now() + _CONNECT
        for guest in (self.peripheral, self.central):
            told(lambda guest=guest: guest.attach(end))  # type: ignore[misc]

    def reconnect(self) -> None:
        """End the connection and make another; what the medium carried before is forgotten. Raises `RigError`."""
        # "disconnect" of 6lowpan_control finds no connection between two devices with public addresses
        told(lambda: self.central.client.check(f"timeout 10 btmgmt disconnect -t 1 {PERIPHERAL} </dev/null"))
        end = clock.now() + _CONNECT
        for guest in (self.central, self.peripheral):
            told(lambda guest=guest: guest.detach(end))  # type: ignore[misc]
        self.medium.carried.clear()
        for guest in (self.peripheral, self.central):
            told(guest.enable)
        self.connect()

    def pace(self, interval: float, losses: AirSettings | None = None) -> None:
        """Set the connection interval, in seconds."""
        self._loop.run(self.medium.pace(interval, losses), _CALL, "setting the connection interval")

    def address(self, guest: BleGuest) -> str:
        """A guest's link-local address as the other one's programs take it."""
        return f"{IPv6Address(guest.dut_address)}%{INTERFACE}"

    def close(self) -> None:
        """End both. May be called twice."""
        self._loop.close()
        for guest in (self.central, self.peripheral):
            guest.stop()

    async def _medium(self) -> Counting:
        return Counting()

    async def _attach(self, guest: BleGuest, name: str, address: str) -> None:
        bridge = Bridge(Controller(name, self.medium, address))
        self._bridges.append(bridge)
        await bridge.open(guest.hci)
