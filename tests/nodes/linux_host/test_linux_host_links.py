"""What the Linux host adapter does to its interfaces: IEEE 802.15.4 and Bluetooth LE."""

import pytest

from rigs.configuration.models import RigFile
from rigs.model import RigError, Unsupported
from rigs.nodes.linux_host import node as linux_host
from tests.nodes.linux_host.tools import called, fake
from tests.waiting import soon

# -- IEEE 802.15.4 -----------------------------------------------------------------------------------------

WPAN = """
mount -t tmpfs none /sys
mkdir -p /sys/class/net/wpan0
ln -s ../../../phy7 /sys/class/net/wpan0/device
"""


def test_the_interface_is_made_anew(host, path):
    for tool in ("ip", "iwpan", "modprobe"):
        fake(path, tool)
    node = host(f"{WPAN}\nPATH={path}", wpan="wpan0", address="02005efffe000001", short="0001")
    wanted = [
        "modprobe ieee802154_6lowpan",
        "ip link del lowpan0",
        "ip link set wpan0 down",
        "iwpan phy phy7 set channel 0 21",
        "ip link set wpan0 address 02:00:5e:ff:fe:00:00:01",
        "iwpan dev wpan0 set pan_id 0x0023",
        "iwpan dev wpan0 set short_addr 0x0001",
        "ip link add link wpan0 name lowpan0 type lowpan",
        "ip link set wpan0 up",
        "ip link set lowpan0 up",
    ]
    assert called(path) == wanted
    (path / "called").unlink()
    node.reset()
    assert called(path) == wanted


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("rm -f {path}/ip", "the program ip is missing on the host: install iproute2 there"),
        ("modprobe() {{ return 1; }}", None),
        ("rm -f {path}/iwpan", "the program iwpan is missing on the host: install wpan-tools there"),
        (
            "rm -r /sys/class/net/wpan0",
            r"there is no interface wpan0: is the adapter plugged in .* there are: wpan3",
        ),
    ],
    ids=["ip", "modprobe", "iwpan", "adapter"],
)
def test_what_a_host_lacks_for_802154(host, path, broken, message):
    fake(path, "ip")
    fake(path, "iwpan", 'echo "phy#3"; echo "Interface wpan3"')
    fake(path, "modprobe", "exit 1" if message is None else "")
    message = (
        message or "the kernel has no module ieee802154_6lowpan: install one with CONFIG_IEEE802154_6LOWPAN"
    )
    broken = "" if "modprobe" in broken else broken.format(path=path)
    with pytest.raises(RigError, match=message):
        host(f"{WPAN}\n{broken}\nPATH={path}", wpan="wpan0")


def test_contexts_are_written_where_the_kernel_shows_them(host, path):
    fake(path, "ip")
    folder = "/sys/kernel/debug/6lowpan/lowpan0/contexts/3"
    node = host(f"{WPAN}\nmkdir -p {folder} /sys/class/net/lowpan0\nPATH={path}")
    node.set_context(3, bytes.fromhex("20010db800020000"), 50, compress=False)
    names = ("prefix", "prefix_length", "compression", "active")
    told = [node._shell.check(f"cat {folder}/{name}")[0] for name in names]
    assert told == ["2001:0db8:0002:0000:0000:0000:0000:0000", "50", "0", "1"]
    node.set_context(3, b"", 0)
    assert node._shell.check(f"cat {folder}/active") == ["0"]


# -- Bluetooth LE ------------------------------------------------------------------------------------------

BLE = """
mount -t tmpfs none /sys
mkdir -p /sys/class/bluetooth/hci0/rfkill0 /sys/kernel/debug/bluetooth /sys/class/net
echo 0 | cat >/sys/class/bluetooth/hci0/rfkill0/soft
echo 0 | cat >/sys/class/bluetooth/hci0/rfkill0/hard
touch /sys/kernel/debug/bluetooth/6lowpan_enable /sys/kernel/debug/bluetooth/6lowpan_control
"""


def ble(host, path, broken="", tool="hciconfig", **options):
    fake(path, "ip", 'echo "9: bt0    inet6 fe80::24b:65ff:fe79:6802/64 scope link"')
    for each in ("modprobe", tool):
        fake(path, each)
    return host(f"{BLE}\n{broken}\nPATH={path}", link="ipsp:hci:usb:0", adapter="hci0", **options)


def test_a_host_that_advertises_by_hciconfig(host, path, bench):
    node = ble(host, path)
    side = linux_host.dut_side(bench, node._host.rig)
    enabled = "cat /sys/kernel/debug/bluetooth/6lowpan_enable"
    assert node._shell.check(enabled) == ["1"]
    side.advertise()
    side.attach(soon(10))
    assert node.addresses()[0].hex() == "fe80000000000000024b65fffe796802"
    side.detach(soon(10))
    side.connect("04:4B:65:79:68:01", public=False)
    assert node._shell.check("cat /sys/kernel/debug/bluetooth/6lowpan_control") == [
        "connect 04:4B:65:79:68:01 2"
    ]
    side.rest()
    assert node._shell.check(enabled) == ["0"]
    assert [line for line in called(path) if line.startswith("hciconfig")] == [
        "hciconfig hci0 up",
        "hciconfig hci0 noleadv",
        "hciconfig hci0 leadv 0",
        "hciconfig hci0 noleadv",
    ]


def test_the_interface_gets_the_queueing_discipline_of_the_rig_file(host, path, bench):
    fake(path, "tc")
    side = linux_host.dut_side(bench, ble(host, path, qdisc="noqueue")._host.rig)
    side.attach(soon(10))
    assert "tc qdisc replace dev bt0 root noqueue" in called(path)


def test_a_host_that_advertises_by_btmgmt(host, path, bench):
    side = linux_host.dut_side(bench, ble(host, path, tool="btmgmt")._host.rig)
    side.advertise()
    assert [line for line in called(path) if line.startswith("btmgmt")] == [
        f"btmgmt --index 0 {setting}"
        for setting in ("power on", "le on", "connectable on", "advertising off", "advertising on")
    ]


def test_an_interface_that_stays_away(host, path, bench):
    node = ble(host, path)
    side = linux_host.dut_side(bench, node._host.rig)
    node._shell.check("mkdir /sys/class/net/bt0")
    with pytest.raises(RigError, match="bt0 did not go away in time"):
        side.detach(soon(0.1))
    fake(path, "ip", 'echo "9: bt0    inet6 fe80::24b:65ff:fe79:6802/64 scope link tentative"')
    with pytest.raises(RigError, match="bt0 did not come up in time"):
        side.attach(soon(0.1))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            "echo 'exit 1' >>{path}/modprobe",
            "the kernel has no module bluetooth_6lowpan: install one with CONFIG_BT",
        ),
        (
            "rm -r /sys/kernel/debug/bluetooth",
            r"no /sys/kernel/debug/bluetooth/6lowpan_enable: mount -t debugfs none /sys",
        ),
        ("rm -r /sys/class/bluetooth/hci0", "there is no Bluetooth adapter hci0: plug it in"),
        (
            "echo 1 >/sys/class/bluetooth/hci0/rfkill0/soft",
            "hci0 is blocked by rfkill: rfkill unblock bluetooth",
        ),
        (
            "echo 1 >/sys/class/bluetooth/hci0/rfkill0/hard",
            r"hci0 is blocked by a switch of the device \(rfkill\)",
        ),
        ("rm {path}/hciconfig", "neither hciconfig nor btmgmt is there to advertise: install bluez"),
    ],
    ids=["module", "debugfs", "adapter", "soft", "hard", "tool"],
)
def test_what_a_host_lacks_for_bluetooth(host, path, broken, message):
    with pytest.raises(RigError, match=message):
        ble(host, path, broken.format(path=path))


def test_check_wants_to_know_the_adapter():
    rig = RigFile.model_validate(
        {"schema": 1, "profile": "p", "tester": {"link": "ipsp:hci:usb:0"}, "dut": {"node": "linux_host"}}
    )
    (missing,) = linux_host.check(rig)
    assert missing.remedy == 'name its adapter: adapter = "hci0"'


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ("""echo '{"advertised": ["1820"], "services": null}'""", (["1820"], None)),
        ("exit 4", None),
        ("echo 'bleak is not here (x): pip install'; exit 3", "discover: bleak is not here"),
        ("echo Traceback; exit 1", "discovery failed: Traceback"),
    ],
    ids=["found", "nobody", "no-bleak", "broken"],
)
def test_discovery_on_the_host(host, path, says, found):
    fake(path, "python3", says)
    node = ble(host, path)
    if isinstance(found, str):
        with pytest.raises(RigError if "failed" in found else Unsupported, match=found):
            node.discover(b"\2\x4beyh\1", 5)
    else:
        assert node.discover(b"\2\x4beyh\1", 5) == found
    assert called(path)[-1].endswith("--address 02:4B:65:79:68:01 --seconds 5")
