"""Two lab hosts without a lab: one guest, whose two ssh servers on two network cards are two machines to who logs in.

Strategy: what a lab's host has is really there: dropbear (Debian's), its own network stack in a namespace of its own,
a whole Python, one of the two simulated 802.15.4 radios on one medium, USB with a serial port, and on the first a
Bluetooth adapter with BlueZ. That one is a virtual controller of this process; the tester's is another one on the same
medium, behind a TCP port, where Bumble's `tcp-client:` looks for it. Shells, sockets and drivers are no fakes.

    with LabHosts(folder) as lab:
        lab.login("tester")     # the words of ssh that lead to it, as behind "ssh:"
        lab.adapter             # "tcp-client:127.0.0.1:PORT"
"""

import asyncio
import contextlib
import shlex
import socket
import subprocess

from rigs.guests import image, lab, uart
from rigs.guests.node_guest import FOR_ALL, NodeGuest, settings
from rigs.links.ipsp.bench import DUT
from rigs.links.ipsp.h4 import Bridge
from rigs.links.ipsp.medium import Controller, Medium
from rigs.links.ipsp.radio import Loop
from tests.ble.adapter import AdapterPort
from tests.labhost import usbip
from tests.waiting import completed, until

#: Both kinds of radio, network cards, and USB: what Debian's kernel has for a lab host.
SPEC = image.GuestSpec(
    name="labhost",
    packages=(),
    programs=tuple(dict.fromkeys((*image.HWSIM.programs, *image.BLE.programs))),
    modules=(
        *dict.fromkeys((*image.HWSIM.modules, *image.BLE.modules)),
        *("virtio_net", "xhci_pci", "cdc_acm", "ftdi_sio", "dummy_hcd", "usb_f_acm", "g_serial"),
        *("btusb", "vhci_hcd", "usbip_host"),
    ),
    memory_mib=384,
)
#: What is added to it once it runs. /bin/sh is not to be busybox, whose `ip` comes before iproute2's.
EXTRA = ("dropbear-bin", "dash", "picocom", "usbip")
#: Where each program of these packages is, and where it goes.
PROGRAMS = {
    "usr/sbin/dropbear": "usr/bin/dropbear",
    "bin/dash": "usr/bin/dash",
    "usr/bin/picocom": "usr/bin/picocom",
    "usr/sbin/usbip": "usr/bin/usbip",
    "usr/sbin/usbipd": "usr/bin/usbipd",
}
PAN, CHANNEL = 0xABCD, 26
RADIO = bytes.fromhex("02005efffe000002")  # the tester's
NETWORKS = {"tester": "10.0.2", "dut": "10.0.3"}
USB_ADAPTER = bytes.fromhex("024b65796805")


def free_port():
    """A TCP port of the loopback interface that nobody has at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Machine(NodeGuest):
    """The guest itself."""

    spec = SPEC
    ports = ("agent", uart.PORT, lab.PORT)
    interface = "lowpan0"

    def __init__(self, public_key, **options):
        super().__init__(**options)
        self._key = public_key
        self.ssh = {name: free_port() for name in NETWORKS}
        self.devices = []
        for number, (name, network) in enumerate(NETWORKS.items()):
            forward = f"hostfwd=tcp:127.0.0.1:{self.ssh[name]}-{network}.15:22"
            self.devices += ["-netdev", f"user,id=net{number},restrict=on,net={network}.0/24,{forward}"]
            self.devices += ["-device", f"virtio-net-pci,netdev=net{number},romfile="]

    def _set_up(self):
        lab.install(self)
        lab.unpack(self, lab.programs(EXTRA, PROGRAMS))
        serve = "mount -t debugfs none /sys/kernel/debug 2>/dev/null || :; ip link set lo up; ip link set {card} up; "
        serve += (
            "ip addr add {network}.15/24 dev {card}; dropbear -s -R -E -P /run/dropbear-{card} 2>/dev/console"
        )
        first, second = (
            serve.format(card=card, network=network)
            for card, network in zip(("eth0", "eth1"), NETWORKS.values(), strict=True)
        )
        self.client.check(
            "\n".join(
                [
                    "set -e",
                    "ln -sf /usr/bin/dash /bin/sh",
                    "chmod 755 /",  # dropbear takes no keys out of a folder that all may write to
                    "mkdir -p /.ssh /etc/dropbear; chmod 700 /.ssh",
                    f"echo {shlex.quote(self._key)} >/.ssh/authorized_keys",
                    "mkdir -p /dev/pts; mount -t devpts none /dev/pts",
                    # What Debian's packages of D-Bus, BlueZ and bleak bring up on a host that has them.
                    "mkdir -p /run/dbus /var/lib/bluetooth /var/lib/dbus /usr/lib/python3",
                    "ln -s /run/dbus.sock /run/dbus/system_bus_socket; ln -s /lab/site /usr/lib/python3/dist-packages",
                    *settings(FOR_ALL),
                ]
            )
        )
        # From here on /bin/sh is dash, and `ip` is iproute2's.
        self.client.check(
            "\n".join(
                [
                    "set -e",
                    "ip netns add dut",
                    "ip link set eth1 netns dut",
                    "iwpan phy phy1 set netns name dut",
                    first,
                    f"ip netns exec dut sh -c '{second}'",
                    # What bring-your-board.md and the examples have the user do once for the tester's radio.
                    f"ip link set wpan0 address {RADIO.hex(':')}",
                    f"iwpan phy phy0 set channel 0 {CHANNEL}; iwpan dev wpan0 set pan_id {PAN:#06x}",
                    "ip link set wpan0 up",
                ]
            ),
            timeout=60,
        )

    def bluetooth(self):
        """Plug the adapter in, behind which a controller must be by now: the kernel asks it at once."""
        self.client.check(
            f"{uart.START}\n{uart.AWAIT}\n"
            "/lab/bin/dbus-daemon --config-file=/lab/bus.conf --fork --nopidfile\n"
            "/lab/bin/bluetoothd -n </dev/null >/run/bluetoothd.log 2>&1 &",
            timeout=60,
        )


class LabHosts:
    """Both hosts, and the air between their Bluetooth adapters."""

    def __init__(self, folder):
        self._folder = folder
        self._loop = None
        self._machine = None

    def __enter__(self):
        key = self._folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        self._machine = Machine((self._folder / "key.pub").read_text().strip())
        try:
            self._machine.start()
            self._loop = Loop()
            self.adapter = self._loop.run(self._air(), 10, "starting the virtual controllers")
            self._machine.bluetooth()
        except BaseException:
            self.__exit__()
            raise
        lines = [
            "Host *",
            f"  IdentityFile {key}",
            "  IdentitiesOnly yes",
            "  StrictHostKeyChecking accept-new",
        ]
        lines += [f"  UserKnownHostsFile {self._folder / 'known'}", "  HostName 127.0.0.1", "  User root"]
        for name, port in self._machine.ssh.items():
            lines = [f"Host lab-{name}", f"  Port {port}", *lines]
        self.config = self._folder / "config"
        self.config.write_text("\n".join(lines) + "\n")
        return self

    def __exit__(self, *_):
        if self._loop is not None:
            self._loop.close()
        self._machine.stop()

    @contextlib.contextmanager
    def usb_adapter(self):
        """A USB Bluetooth adapter at the tester's host, by USB/IP and its ssh; yields its name there."""
        before = set(self._adapters())
        listener = self._loop.run(self._usb(), 10, "starting the USB device")
        port = listener.sockets[0].getsockname()[1]
        tunnel = f"{usbip.PORT}:127.0.0.1:{port}"
        command = [
            "ssh",
            *shlex.split(self.login("tester")),
            "-N",
            "-o",
            "ExitOnForwardFailure=yes",
            "-R",
            tunnel,
        ]
        with subprocess.Popen(command) as ssh:
            try:
                attach = "usbip attach -r 127.0.0.1 -b 1-1"
                until(lambda: self.attempt("tester", attach) == 0, "the USB device cannot be attached")
                (name,) = until(lambda: set(self._adapters()) - before, "no Bluetooth adapter came")
                yield name
                self.run("tester", "usbip detach -p 0")
                until(lambda: set(self._adapters()) == before, "the Bluetooth adapter does not go")
            finally:
                ssh.terminate()
                self._loop.run(self._closed(listener), 10, "ending the USB device")

    async def _usb(self):
        def plugged():
            return usbip.UsbAdapter(Controller("usb", self._medium, USB_ADAPTER.hex(":").upper()))

        return await asyncio.get_running_loop().create_server(plugged, "127.0.0.1", 0)

    @staticmethod
    async def _closed(listener):
        listener.close()

    def _adapters(self):
        return self.run("tester", "ls /sys/class/bluetooth").split()

    def attempt(self, name, command):
        """The exit status of a command on one of them."""
        return completed(["ssh", *shlex.split(self.login(name)), command]).returncode

    def login(self, name):
        """What stands behind "ssh:" for one of them: ssh counts true seconds, of which a busy machine takes many."""
        return f"-F {self.config} -o ConnectTimeout=300 -o ServerAliveCountMax=60 root@lab-{name}"

    def run(self, name, command, **options):
        """What a command prints on one of them; it must succeed."""
        words = ["ssh", *shlex.split(self.login(name)), command]
        return completed(words, check=True, **options).stdout

    async def _air(self):
        self._medium = Medium()
        stream = self._machine.guest.port(uart.PORT)
        await Bridge(Controller("dut", self._medium, DUT.hex(":").upper())).open(stream)
        self._port = AdapterPort(self._medium)
        return self._port.transport
