"""A guest whose radio NetworkManager manages, with D-Bus and udev as it wants them; a second radio is its neighbour.

Strategy: the programs are Debian's, as they come, with no settings but those that a guest without polkit needs. What
`docs/networkmanager.md` gives its reader to write is taken out of the page, so that the page is what is tried.

    with Managed() as guest:
        guest.write("wpan0", profiles()["wpan0"])    # a file of /etc/NetworkManager/system-connections/
        guest.up("wpan0")                            # (exit status, what nmcli says)
"""

import configparser
import re
import shlex
from pathlib import Path

from rigs.guests import image, lab
from rigs.guests.node_guest import FOR_ALL, NodeGuest, settings

PAGE = Path(__file__).parents[2] / "docs" / "networkmanager.md"
#: The radio of the managed host, and its neighbour's.
RADIO, NEIGHBOUR = "02:00:5e:ff:fe:00:00:01", "02:00:5e:ff:fe:00:00:12"
NEIGHBOURS_ADDRESS = "fe80::5eff:fe00:12"
PROGRAMS = {name: name for name in ("usr/sbin/NetworkManager", "usr/bin/nmcli", "usr/bin/dbus-daemon")} | {
    "bin/udevadm": "usr/bin/udevadm"
}
_FOLDER = "/etc/NetworkManager/system-connections"
_SETTINGS = "[main]\nplugins=keyfile\nauth-polkit=false\n"
_BUS = """\
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default">
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
</policy></busconfig>
"""
_BEFORE = f"""\
set -e
mkdir -p /run/dbus /run/udev /run/NetworkManager /var/lib/NetworkManager /var/lib/dbus
mkdir -p {_FOLDER} /etc/NetworkManager/conf.d
echo 4b6579686f6c65000000000000000000 >/etc/machine-id
/usr/bin/ip link set lo up
/usr/bin/ip link set wpan0 address {RADIO}
/usr/bin/ip netns add neighbour
iwpan phy phy1 set netns name neighbour
"""
_NEIGHBOUR = f"""\
set -e
/usr/bin/ip link set wpan1 address {NEIGHBOUR}
iwpan phy phy1 set channel 0 26
iwpan dev wpan1 set pan_id 0xabcd
/usr/bin/ip link add link wpan1 name lowpan1 type lowpan
/usr/bin/ip link set wpan1 up
/usr/bin/ip link set lowpan1 up
"""
_DAEMONS = """\
ln -sf udevadm /usr/bin/systemd-udevd
/usr/bin/systemd-udevd --daemon && udevadm trigger && udevadm settle --timeout=60
dbus-daemon --config-file=/etc/bus.conf --fork --nopidfile
/usr/sbin/NetworkManager --debug >/run/nm.log 2>&1 </dev/null &
"""
#: Until it answers, as long as it runs.
_AWAIT = """\
until nmcli -t general status >/dev/null 2>&1; do
    kill -0 $(pidof NetworkManager) || { tail -5 /run/nm.log; exit 1; }
    sleep 0.2
done
"""


def profiles():
    """As the page has them: interface -> its profile; "NetworkManager.conf" -> what keeps NetworkManager away."""
    text = PAGE.read_text()
    found = {}
    for block in re.findall(r"```ini\n(.*?)```", text, re.DOTALL):
        said = configparser.ConfigParser()
        said.read_string(block)
        found[said["connection"]["id"]] = block
    (away,) = re.findall(r"`(unmanaged-devices=[^`]+)`", text)
    return found | {"NetworkManager.conf": f"[keyfile]\n{away}\n"}


class Managed(NodeGuest):
    """The guest, with NetworkManager up."""

    spec = image.GuestSpec(
        name="networkmanager",
        packages=image.HWSIM.packages,
        programs=image.HWSIM.programs,
        modules=image.HWSIM.modules,
        memory_mib=512,
    )
    ports = ("agent", lab.PORT)
    interface = "lowpan0"

    def start(self):
        """As any guest; what is sent to it is made first, lest it waits for a download."""
        self._programs = lab.programs(("network-manager", "dbus-daemon", "udev"), PROGRAMS)
        super().start()

    def _set_up(self):
        self.client.check("\n".join([_BEFORE, *settings(FOR_ALL)]), timeout=60)
        self.client.check(f"/usr/bin/ip netns exec neighbour sh -c {shlex.quote(_NEIGHBOUR)}", timeout=60)
        lab.unpack(self, self._programs)
        self.file("/etc/bus.conf", _BUS)
        self.file("/etc/NetworkManager/NetworkManager.conf", _SETTINGS)
        self.client.check(_DAEMONS, timeout=120)
        self.client.check(_AWAIT, timeout=300)

    def file(self, path, text, mode="600"):
        """Write a file."""
        self.client.check(f"printf %s {shlex.quote(text)} >{path}; chmod {mode} {path}")

    def write(self, name, text):
        """Write a profile, and have NetworkManager read it."""
        self.file(f"{_FOLDER}/{name}.nmconnection", text)
        self.client.check("nmcli connection reload", timeout=60)

    def up(self, name):
        """Activate a profile: (exit status, what nmcli says)."""
        return self.client.run(f"nmcli -w 60 connection up {name} 2>&1", timeout=120)

    def state(self, interface):
        """What NetworkManager says of an interface."""
        return self.client.check(f"nmcli -g GENERAL.STATE device show {interface}", timeout=60).strip()

    def run(self, command):
        """What a command prints, which must succeed."""
        return self.client.check(command, timeout=60)
