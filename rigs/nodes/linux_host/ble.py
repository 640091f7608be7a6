"""Bluetooth LE of a Linux host: what its side of an IPSP connection does, by its shell (`bluetooth_6lowpan`).

Strategy: the kernel's own knobs in debugfs serve and ask for the channel; BlueZ' tools only switch the adapter on and
advertise: `hciconfig` where there is one, else `btmgmt`. What stands in the way is looked for in the order in which
it bites (module, debugfs, adapter, rfkill, tool), and each has its own message.
"""

from __future__ import annotations

from typing import Final

from rigs import clock
from rigs.guests.serving import ENABLE, SERVE
from rigs.model import RigError, overdue
from rigs.nodes.linux_host.shell import HostShell

#: What the option `qdisc` of a Linux DUT on Bluetooth LE is for. Linux 6.12 (6.1 does not): the queue writes the reason
#: for which it may drop a packet where bluetooth_6lowpan keeps the next hop, finds "no such peer" and sends nothing.
QDISC: Final = (
    'the queueing discipline of its interface, in place of the kernel\'s own; "noqueue" lets kernels send that '
    "lose every unicast packet behind a queue (6.12)"
)
#: Seconds in which an adapter comes up.
_UP: Final = 15.0
_DEBUG: Final = "/sys/kernel/debug"
_CONTROL: Final = f"{_DEBUG}/bluetooth/6lowpan_control"


class BleHost:
    """The host's side of the connection (`rigs.links.ipsp.bench.Dut`)."""

    def __init__(self, shell: HostShell, adapter: str, interface: str, qdisc: str = "") -> None:
        self._shell, self._adapter, self._interface, self._qdisc = shell, adapter, interface, qdisc
        self._tool = ""  # hciconfig or btmgmt, once it is ready

    def set_up(self) -> None:
        """Make the adapter ready to serve IPSP. Raises `RigError` that says what is missing."""
        do, adapter = self._shell, self._adapter
        sys = f"/sys/class/bluetooth/{adapter}"
        wanted = [
            (
                "modprobe bluetooth_6lowpan || [ -d /sys/module/bluetooth_6lowpan ]",
                "the kernel has no module bluetooth_6lowpan: install one with CONFIG_BT_6LOWPAN",
            ),
            (
                f"[ -e {ENABLE} ] || {{ mount -t debugfs none {_DEBUG}; [ -e {ENABLE} ]; }}",
                f"no {ENABLE}: mount -t debugfs none {_DEBUG}, or (kernel lockdown) switch Secure Boot off",
            ),
            (
                f"[ -d {sys} ]",
                f"there is no Bluetooth adapter {adapter}: plug it in; `ls /sys/class/bluetooth` shows all",
            ),
            (
                f"! cat {sys}/rfkill*/hard 2>/dev/null | grep -q 1",
                f"{adapter} is blocked by a switch of the device (rfkill): switch it on",
            ),
            (
                f"! cat {sys}/rfkill*/soft 2>/dev/null | grep -q 1",
                f"{adapter} is blocked by rfkill: rfkill unblock bluetooth",
            ),
            (
                "command -v hciconfig || command -v btmgmt",
                "neither hciconfig nor btmgmt is there to advertise: install bluez",
            ),
        ]
        for command, message in wanted:
            if not do.works(command):
                raise RigError(f"{do.where}: {message}")
        self._tool = "hciconfig" if do.works("command -v hciconfig") else "btmgmt"
        if self._tool == "hciconfig":
            # an adapter that was plugged in just now, or a controller that is held up, may miss the kernel's first try
            if not do.becomes(f"hciconfig {adapter} up 2>/dev/null", _UP):
                do.check(f"hciconfig {adapter} up")
        else:
            for setting in ("power on", "le on", "connectable on"):
                self._manage(setting)
        self.enable()

    def enable(self) -> None:
        """Serve IPSP (again): asking for a channel by `connect` switches it off."""
        self._shell.check(SERVE)

    def advertise(self) -> None:
        """Be a peripheral: advertise, until somebody connects."""
        if self._tool == "hciconfig":
            self._shell.run(f"hciconfig {self._adapter} noleadv")
            self._shell.check(f"hciconfig {self._adapter} leadv 0")
        else:
            self._manage("advertising off")
            self._manage("advertising on")

    def connect(self, peer: str, *, public: bool) -> None:
        """Be a central: connect to the tester and ask for the channel. Does not wait for either."""
        self._shell.check(f'echo "connect {peer} {1 if public else 2}" >{_CONTROL}')

    def attach(self, deadline: float) -> None:
        """Wait for the interface and its link-local address. Raises `RigError`."""
        shown = f"ip -6 -o addr show dev {self._interface} scope link"
        self._until(f"{shown} | grep -v tentative | grep -q fe80", deadline, "did not come up")
        if self._qdisc:
            self._shell.check(f"tc qdisc replace dev {self._interface} root {self._qdisc}")

    def detach(self, deadline: float) -> None:
        """Wait until the interface is gone, and close what hung on it. Raises `RigError`."""
        self._shell.end_agent()
        self._until(f"[ ! -d /sys/class/net/{self._interface} ]", deadline, "did not go away")

    def rest(self) -> None:
        """Advertise and serve no more."""
        self._shell.run(f"echo 0 >{ENABLE}")
        if self._tool == "hciconfig":
            self._shell.run(f"hciconfig {self._adapter} noleadv")
        elif self._tool:
            self._manage("advertising off")

    def _manage(self, setting: str) -> None:
        """Btmgmt is a shell by itself and would wait for more orders."""
        index = self._adapter.removeprefix("hci")
        self._shell.check(f"timeout 10 btmgmt --index {index} {setting}")

    def _until(self, command: str, deadline: float, otherwise: str) -> None:
        if not self._shell.becomes(command, deadline - clock.now()):
            raise overdue(RigError(f"{self._shell.where}: {self._interface} {otherwise} in time"))
