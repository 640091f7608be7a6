"""A Linux `bluetooth_6lowpan` node in a guest, whose controller is on the host.

Strategy: the guest is booted with two ports; over the second, HCI in its serial form (H4), comes the controller that
`uart` makes the guest's `hci0`. Who plays that controller is not known here: `hci` is a stream socket. The guest
offers both roles (`connect` as a central, `advertise` as a peripheral) and waits for `bt0`, the interface that Linux
makes for the first IPSP channel and takes away with the last. `attach` opens the IP tap on it: a cooked `AF_PACKET`
socket, so packets as IPv6 sees them. Duplicate address detection, which delays the first packet by 2 s, is turned off
beforehand (`quick=False` leaves it on); nothing that changes what Linux makes of a frame is.

    with BleGuest() as guest:           # then put a controller on guest.hci
        guest.up(); guest.connect("F0:4B:65:79:68:01", public=False); guest.attach(deadline)

Linux facts worth knowing: IPSP (SPSM 0x0023) is served only after `6lowpan_enable`, and asked for only by `connect`,
which switches the serving off until it is enabled again; `bt0` has the device address in its interface identifier,
unchanged; the peer's link-layer address is what the IPv6 destination says, so an address that no IPv6 neighbour entry
explains is not sent to; contexts are set as in `rigs.guests.contexts`, because the 6CO of RFC 6775 is ignored.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

from rigs import clock
from rigs.guests import image, lab, uart
from rigs.guests.boot import BOOT_DEADLINE
from rigs.guests.node_guest import FOR_ALL, NodeGuest, settings
from rigs.guests.qemu import GuestError
from rigs.guests.serving import serve
from rigs.model import overdue

INTERFACE = "bt0"
#: LE Set Advertising Parameters and Enable (Bluetooth Core Vol 4 Part E §7.8.5, §7.8.9), and what `hciconfig leadv`
#: gives them: once in 1.28 s, connectable, from the public address, on all three channels.
_ADVERTISING, _ADVERTISE = 0x2006, 0x200A
_ADVERTISED = struct.pack("<HHBBB6sBB", 0x0800, 0x0800, 0, 0, 0, bytes(6), 7, 0)
_INTERFACES = "/proc/net/dev"
#: One address a line, in 32 digits, and at its end the interface.
_ADDRESSES = "/proc/net/if_inet6"
_LINK_LOCAL = ("fe80", f" {INTERFACE}\n")
_CONTROL = "/sys/kernel/debug/bluetooth/6lowpan_control"
_SETTINGS = FOR_ALL | {
    "net/ipv6/icmp/ratelimit": 0,
    "net/ipv6/conf/default/mldv1_unsolicited_report_interval": 1,
    "net/ipv6/conf/default/mldv2_unsolicited_report_interval": 1,
    "net/ipv6/neigh/default/base_reachable_time_ms": 3600000,
}
_QUICK = ("accept_dad", "dad_transmits", "router_solicitation_delay")


class BleGuest(NodeGuest):
    """The guest, with a bridge to its controller."""

    spec = image.BLE
    ports = ("agent", uart.PORT, lab.PORT)
    interface = INTERFACE

    def __init__(
        self,
        *,
        quick: bool = True,
        kernel: image.Kernel | None = None,
        run_dir: Path | None = None,
        deadline: float = BOOT_DEADLINE,
        qdisc: str = "",
    ) -> None:
        """`quick`: no duplicate address detection, and the first router solicitation at once.

        `qdisc`: the queueing discipline that `bt0` gets in place of the kernel's default.
        """
        super().__init__(kernel, run_dir, deadline)
        self.quick = quick
        self.qdisc = qdisc
        self._is_lab = False

    def _set_up(self) -> None:
        self.client.check(uart.START)

    @property
    def hci(self) -> socket.socket:
        """The stream on which the guest's host stack expects a controller, in H4."""
        return self.guest.port(uart.PORT)

    # -- Bluetooth -----------------------------------------------------------------------------------------

    def up(self) -> None:
        """Bring `hci0` up and serve IPSP; in one shell, because each program that starts costs 10 to 20 ms."""
        wanted = _SETTINGS | ({f"net/ipv6/conf/default/{name}": 0 for name in _QUICK} if self.quick else {})
        lines = settings(wanted)
        status, said = self.client.run(
            "\n".join([*lines, uart.AWAIT, "hciconfig hci0 up || exit 1"]), timeout=40
        )
        if status == uart.NONE:
            raise GuestError(uart.lacking(self.kernel_version))
        if status:
            failed = GuestError(f"the guest's Bluetooth adapter does not come up: {said.strip()[-400:]}")
            raise overdue(failed)  # its kernel gives a command of HCI two seconds
        serve(self.client)

    def enable(self) -> None:
        """Serve IPSP (again): asking for a channel by `connect` switches it off."""
        serve(self.client)

    def connect(self, peer: str, *, public: bool) -> None:
        """Be a central: connect to the tester and ask for the channel. Does not wait for either."""
        self.client.write(_CONTROL, f"connect {peer} {1 if public else 2}")

    def advertise(self) -> None:
        """Be a peripheral: advertise, until somebody connects."""
        self.client.hci(_ADVERTISE, b"\0")  # which a controller that does not advertise may refuse
        self.client.hci(_ADVERTISING, _ADVERTISED)
        status = self.client.hci(_ADVERTISE, b"\1")
        if status[:1] != b"\0":
            raise GuestError(f"the guest's controller does not advertise: status 0x{status.hex()}")

    def disconnect(self, peer: str, *, public: bool) -> None:
        """End the channel to the tester from this side."""
        self.client.write(_CONTROL, f"disconnect {peer} {1 if public else 2}")

    def attach(self, deadline: float) -> None:
        """Wait for `bt0` and its link-local address, open the tap, and give it what the last `bt0` had been given."""
        wait = max(1.0, deadline - clock.now())
        addresses = self.client.await_line(_ADDRESSES, *_LINK_LOCAL, timeout=wait)
        if addresses is None:
            raise overdue(
                GuestError(f"{INTERFACE} did not come up within {wait:.0f} s: {self.console_text()[-400:]}")
            )
        if self.qdisc:
            self.client.check(f"/usr/bin/tc qdisc replace dev {INTERFACE} root {self.qdisc}")
        self._ip = self.client.open_tap(INTERFACE, cooked=True, outgoing=self.shows_outgoing)
        own = next(line for line in addresses.splitlines(True) if all(word in line for word in _LINK_LOCAL))
        self.dut_address = bytes.fromhex(own[:32])
        self.controls.restore()

    def detach(self, deadline: float) -> None:
        """Wait until `bt0` is gone, and close what hung on it."""
        if self._ip is not None:
            self._ip.close()
            self._ip = None
        self.controls.interface_gone()
        wait = max(1.0, deadline - clock.now())
        if self.client.await_line(_INTERFACES, f" {INTERFACE}:", gone=True, timeout=wait) is None:
            raise overdue(
                GuestError(f"{INTERFACE} did not go away within {wait:.0f} s after the connection ended")
            )

    # -- as a lab host -------------------------------------------------------------------------------------

    def discover(self, address: str, seconds: float) -> dict[str, Any] | None:
        """What bleak finds of a device, with BlueZ on this guest's adapter; None when it is not found.

        The first time BlueZ and bleak are sent to the guest. Raises `GuestError`, and what making them raises.
        """
        if not self._is_lab:
            lab.install(self)
            self._is_lab = True
        try:
            return lab.discover(self, address, seconds)
        finally:
            self.client.check("hciconfig hci0 up")
