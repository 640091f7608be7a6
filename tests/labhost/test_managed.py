"""What docs/networkmanager.md says, on NetworkManager itself: each row of its table, and its profiles as printed."""

import shutil

import pytest

from rigs.guests import qemu
from tests.labhost.managed import NEIGHBOURS_ADDRESS, PAGE, RADIO, Managed, profiles
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.soak,  # its guest is set up for a minute, and nothing of Keyhole's is tried on it
    pytest.mark.skipif(shutil.which(qemu.QEMU) is None, reason=f"{qemu.QEMU} is not here: {qemu.REMEDY}"),
]
#: RFC 4944 §6, RFC 4291 Appendix A: the universal bit of the EUI-64 is inverted. NetworkManager leaves it as it is.
OF_THE_EUI64, NOT_INVERTED = "fe80::5eff:fe00:1", "fe80::200:5eff:fe00:1"
GIVEN = profiles()
#: The same, but for who makes the address: a file without a mode, and the mode named for the EUI-64.
MODES = {"default": "", "eui64": "\naddr-gen-mode=eui64"}


@pytest.fixture(scope="module")
def guest():
    managed = Managed()
    managed.start()
    try:
        yield managed
    finally:
        managed.stop()


def link_local(guest):
    """The link-local address of the 6LoWPAN interface, once it has one that may be used."""

    def seen():
        lines = guest.run("/usr/bin/ip -6 -o addr show dev lowpan0 scope link").splitlines()
        return [line.split()[3].partition("/")[0] for line in lines if "tentative" not in line]

    (address,) = until(seen, "lowpan0 has no link-local address")
    return address


def test_the_page_names_the_version(guest):
    version = guest.run("nmcli --version").split()[-1]
    assert f"NetworkManager {version} " in PAGE.read_text()


def test_wpan_sets_pan_and_channel(guest):
    guest.write("wpan0", GIVEN["wpan0"])
    assert guest.up("wpan0")[0] == 0
    assert "pan_id 0xabcd" in guest.run("iwpan dev wpan0 info")
    assert "current_channel: 26" in guest.run("iwpan phy phy0 info")


def test_mac_selects_and_sets_nothing(guest):
    other = "02:00:5e:ff:fe:00:00:99"
    text = GIVEN["wpan0"].replace("id=wpan0", "id=other").replace("[wpan]", f"[wpan]\nmac-address={other}")
    guest.write("other", text)
    status, said = guest.up("other")
    assert status != 0, said
    assert RADIO in guest.run("/usr/bin/ip -o link show dev wpan0")


def test_6lowpan_cannot_make_its_interface(guest):
    guest.write("lowpan0", GIVEN["lowpan0"])
    status, said = guest.up("lowpan0")
    assert status != 0
    assert "Failed to create 6lowpan interface" in said + guest.run("cat /run/nm.log")


def test_on_one_that_is_there_it_comes_up_by_the_eui64_and_pings(guest):
    guest.run("/usr/bin/ip link add link wpan0 name lowpan0 type lowpan")
    until(lambda: "lowpan0" in guest.run("nmcli -g DEVICE device"), "NetworkManager does not see lowpan0")
    status, said = guest.up("lowpan0")
    assert status == 0, said
    assert link_local(guest) == OF_THE_EUI64
    assert " 0% packet loss" in guest.run(f"ping6 -c 3 -I lowpan0 {NEIGHBOURS_ADDRESS}")


@pytest.mark.parametrize("name", MODES)
def test_its_eui64_mode_does_not_invert_the_bit(guest, name):
    text = GIVEN["lowpan0"].replace("method=ignore", f"method=link-local{MODES[name]}")
    guest.write(name, text.replace("id=lowpan0", f"id={name}"))
    status, said = guest.up(name)
    assert status == 0, said
    assert link_local(guest) == NOT_INVERTED


def test_it_can_be_kept_away_from_both(guest):
    guest.file("/etc/NetworkManager/conf.d/lab.conf", GIVEN["NetworkManager.conf"])
    guest.run("nmcli general reload conf")
    for interface in ("wpan0", "lowpan0"):
        until(lambda name=interface: "unmanaged" in guest.state(name), f"{interface} is managed still")
