"""The Zephyr adapter, against a scripted shell that speaks as releases 2.7, 3.4 and 4.0 do."""

import shlex
import sys
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from rigs.bench import Bench
from rigs.configuration.loading import load
from rigs.consoles.process.console import ProcessConsole
from rigs.model import LinkClosed, RigError, Unsupported
from rigs.nodes.zephyr.answers import interfaces, pools
from rigs.nodes.zephyr.node import ZephyrNode, open_node
from tests.nodes.sockets import the_last_port_counts
from tests.waiting import soon, until

SCRIPT = Path(__file__).parent / "zephyr_shell.py"
RELEASES = ["2.7", "3.4", "4.0"]
OWN, GLOBAL = IPv6Address("fe80::210:2030:73:1a55").packed, IPv6Address("2001:db8::1").packed
THERE = IPv6Address("fe80::1").packed


def command_line(*arguments):
    return [sys.executable, "-S", "-E", str(SCRIPT), *arguments]


@pytest.fixture
def zephyr():
    """Starts the scripted shell; returns a node on it."""
    nodes = []

    def start(*arguments, **keywords):
        command = command_line(*arguments)
        console = ProcessConsole(f"process:{shlex.join(command)}", command)
        try:
            nodes.append(ZephyrNode(console, **keywords))
        except RigError:
            console.close()
            raise
        return nodes[-1]

    yield start
    for node in nodes:
        node.close()


def steer(node, text):
    """Have the script do something beside what it is asked for."""
    node._shell.send(f"x {text}")


# -- what it tells of itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
def test_it_is_read_alike_in_every_release(zephyr, release):
    node = zephyr("--release", release)
    assert node.addresses() == (OWN, GLOBAL)
    assert node.link_address() == bytes.fromhex("0010203000731a55")
    assert node.interface().multicast == {IPv6Address("ff02::1").packed}
    assert node.health().state == "alive"
    assert node.counters() == {
        "RX free": 15,
        "RX total": 16,
        "TX free": 16,
        "TX total": 16,
        "RX DATA free": 60,
        "RX DATA total": 64,
        "TX DATA free": 64,
        "TX DATA total": 64,
    }


@pytest.mark.parametrize(
    ("arguments", "version"),
    [
        (["--release", "2.7"], "2.7.3"),
        (["--release", "3.4"], "3.4.0 (build 3.4.0-12-gab)"),
        (["--release", "4.0"], "4.0.0 (build 4.0.0-beb733919d8d)"),
        (["--release", "4.0", "--bare"], "4.0.0-beb733919d8d"),
        (["--banner", "*** Booting Zephyr OS build  ***"], "3.4.0"),
        (
            ["--bare", "--banner", "*** Booting Zephyr OS build  ***"],
            "unknown (no banner, and no CONFIG_KERNEL_SHELL)",
        ),
    ],
    ids=["2.7", "3.4", "4.0", "banner-only", "empty-banner", "nothing"],
)
def test_the_version_comes_first(zephyr, arguments, version):
    assert zephyr(*arguments).version() == version


def test_it_is_ready_when_its_address_is_no_more_tentative(zephyr):
    assert zephyr("--tentative", "3").addresses() == (OWN, GLOBAL)


def test_the_6lowpan_interface_is_found_among_others(zephyr):
    node = zephyr("--two")
    assert (node.interface().number, node.interface().kind) == (2, "802.15.4")


def test_the_interface_of_the_rig_file_comes_first(zephyr):
    with pytest.raises(RigError, match=r"no interface \[7\].*\[1\] Ethernet, \[2\] 802.15.4"):
        zephyr("--two", interface=7)


def test_no_address_comes(zephyr):
    with pytest.raises(RigError, match=r"no usable link-local address within 0\.5 s; it has: none"):
        zephyr("--no-address", boot=0.5)


def test_the_prompt_is_another(zephyr):
    with pytest.raises(RigError, match=r"no prompt 'other> ' within 1 s.*last seen: .*uart:~\$"):
        zephyr(prompt="other> ", boot=1)


def test_pan_and_channel_are_those_of_the_rig(zephyr):
    node = zephyr("--pan", "0x1234", radio={"pan_id": 0xABCD, "chan": 11})
    assert node._radio_has("pan_id") == 0xABCD
    assert node._radio_has("chan") == 11


def test_a_firmware_without_radio_commands_keeps_its_own(zephyr):
    assert zephyr("--bare", radio={"pan_id": 0xABCD, "chan": 11}).addresses() == (OWN, GLOBAL)


# -- abilities ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["3.4", "4.0"])
def test_ping(zephyr, release):
    node = zephyr("--release", release)
    node.ping(THERE, 56, 1, 1)
    node.ping(THERE, 0, 1, 2)  # ends the one before
    assert "net ping -c 1 -s 56 fe80::1\nPING fe80::1" in node.console_text()
    assert node.addresses() == (OWN, GLOBAL)  # the shell is free again


def test_ping_of_a_shell_without_sizes(zephyr):
    node = zephyr("--release", "2.7")
    node.ping(THERE, 4, 1, 1)
    assert "net ping -c 1 fe80::1\nPING fe80::1" in node.console_text()
    with pytest.raises(Unsupported, match="none with 56 octets"):
        node.ping(THERE, 56, 1, 1)


@pytest.mark.parametrize("data", ["", "00", "68656c6c6f", "f0" * 100], ids=["none", "zero", "text", "100"])
def test_datagrams_are_received(zephyr, data):
    node = zephyr()
    node.udp_open(0x3456)
    node.udp_open(0x3456)
    for more in ("", "2a"):
        steer(node, f"datagram {data + more}")
        assert node.udp_receive(0x3456, soon(10)) == (bytes(16), 0, bytes.fromhex(data + more))
    assert node.udp_receive(0x3456, soon(0)) is None


def test_another_port_takes_the_place(zephyr):
    the_last_port_counts(zephyr())


def test_datagrams_are_sent(zephyr):
    node = zephyr()
    node.udp_open(1)
    node.udp_send(THERE, 0, 0x1234, b'a "\\\xff')
    assert 'net udp send fe80::1 4660 "\\x61\\x20\\x22\\x5c\\xff"\nMessage sent' in node.console_text()


@pytest.mark.parametrize(
    ("port", "data", "why"),
    [(1, b"x", "chooses the source port"), (0, b"", "text"), (0, b"a\0", "text"), (0, b"a" * 60, "too long")],
    ids=["port", "empty", "nul", "long"],
)
def test_datagrams_that_the_shell_cannot_send(zephyr, port, data, why):
    with pytest.raises(Unsupported, match=why):
        zephyr().udp_send(THERE, port, 2, data)


@pytest.mark.parametrize("release", ["3.4", "4.0"])
def test_an_address_is_added_and_waited_for(zephyr, release):
    node, address = zephyr("--release", release), IPv6Address("fe80::abcd").packed
    node.add_address(address)
    node.add_address(address)
    assert node.addresses() == (OWN, address, GLOBAL)


@pytest.fixture
def full(zephyr):
    """A node without room for one more address."""
    node = zephyr()
    for number in (1, 2):
        node.add_address(IPv6Address(f"fe80::abcd:{number}").packed)
    return node


def test_no_room_for_one_more_address(full):
    with pytest.raises(RigError, match="Failed to add fe80::abcd:3"):
        full.add_address(IPv6Address("fe80::abcd:3").packed)


def test_groups_are_joined_where_the_release_can(zephyr):
    group = IPv6Address("ff15::1").packed
    node = zephyr("--release", "4.0")
    node.join(group)
    node.join(group)
    assert group in node.interface().multicast


def test_groups_are_not_joined_either_where_there_is_no_room(full):
    with pytest.raises(Unsupported, match="joins no multicast groups"):
        full.join(IPv6Address("ff15::1").packed)


def test_a_long_command_is_typed_no_faster_than_it_is_echoed(zephyr):
    node, data = zephyr(), bytes(range(1, 51))
    node.udp_send(THERE, 0, 0x1234, data)
    typed = "".join(f"\\x{octet:02x}" for octet in data)
    assert f'net udp send fe80::1 4660 "{typed}"\nMessage sent' in node.console_text()


@pytest.mark.parametrize("release", ["2.7", "3.4"])
def test_groups_are_not_joined_by_older_ones(zephyr, release):
    node = zephyr("--release", release)
    with pytest.raises(Unsupported, match="join"):
        node.join(IPv6Address("ff15::1").packed)
    assert node.addresses() == (OWN, GLOBAL)


def test_what_the_firmware_was_built_without_is_unsupported(zephyr):
    node = zephyr("--bare")
    with pytest.raises(Unsupported, match="CONFIG_NET_BUF_POOL_USAGE"):
        node.counters()
    with pytest.raises(Unsupported, match="CONFIG_REBOOT"):
        node.reset()
    assert node.addresses() == (OWN, GLOBAL)


@pytest.mark.parametrize("ability", ["add_address", "reset"])
def test_an_old_shell_has_no_addresses(zephyr, ability):
    node = zephyr("--release", "2.7")
    if ability == "add_address":
        with pytest.raises(Unsupported, match="address"):
            node.add_address(THERE)
    else:
        node.reset()
    assert node.addresses() == (OWN, GLOBAL)


# -- its ends -----------------------------------------------------------------------------------------------


def test_a_wanted_reboot_is_no_crash(zephyr):
    node = zephyr()
    node.ping(THERE, 8, 1, 1)
    node.udp_open(7)
    node.reset()
    assert node.health().state == "alive"
    node.udp_open(7)  # the port of before is forgotten


def test_an_empty_answer_about_its_interfaces_is_none(zephyr):
    assert zephyr("--empty-once").addresses() == (OWN, GLOBAL)


def test_a_crash_behind_the_banner_of_a_wanted_reboot_is_one(zephyr):
    node = zephyr("--dies-again", boot=0.5)
    with pytest.raises(RigError):
        node.reset()
    assert node.health().state == "crashed"
    assert "FATAL ERROR 2: Stack overflow" in node.health().detail


@pytest.mark.parametrize(
    ("command", "detail"),
    [
        ("fatal", "ZEPHYR FATAL ERROR 0"),
        ("assert", "ASSERTION FAIL [iface]"),
        ("boot", "Booting Zephyr OS"),
    ],
    ids=["fatal", "assert", "boot"],
)
def test_crashes_are_seen(zephyr, command, detail):
    node = zephyr()
    steer(node, command)
    health = until(lambda: (h := node.health()).state != "alive" and h)
    assert health.state == "crashed"
    assert detail in health.detail


def test_a_log_line_is_no_crash(zephyr):
    node = zephyr()
    steer(node, "log")
    assert node.addresses() == (OWN, GLOBAL)
    assert node.health().state == "alive"


def test_it_ends(zephyr):
    node = zephyr()
    steer(node, "exit")
    assert until(lambda: (h := node.health()).state != "alive" and h).state == "crashed"
    with pytest.raises(LinkClosed):
        node.addresses()


# -- answers and rig files ----------------------------------------------------------------------------------


def test_interfaces_that_are_down_have_nothing():
    found = interfaces(["Interface 0x1 (IEEE 802.15.4) [3]", "======", "Interface is down."])
    assert [(i.number, i.link, i.unicast, i.multicast) for i in found] == [(3, b"", {}, frozenset())]


def test_addresses_of_other_lists_are_not_taken():
    lines = [
        "Interface 0x1 (IEEE 802.15.4) [1]",
        "IPv6 default router :",
        "\tfe80::9 infinite",
        "\t2001:db8::9",
    ]
    assert interfaces(lines)[0].unicast == {}


def test_pools_with_one_more_column():
    lines = ["Address Total Avail MaxUsed Name", "0x1 4 3 2 RX DATA (rx_bufs)", "0x2 x y z broken", "0x3 9"]
    assert pools(lines) == {"RX DATA free": 3, "RX DATA total": 4, "0x3 total": 9}


def test_it_is_opened_as_the_rig_file_says():
    console = shlex.join(command_line("--pan", "1", "--two"))
    rig = load(
        "zephyr-qemu", [f"dut.console=process:{console}", "dut.interface=2", 'dut.setup=["x log"]']
    ).rig
    bench = Bench()
    node = open_node(bench, rig)
    try:
        assert node.addresses() == (OWN, GLOBAL)
        assert node._radio_has("pan_id") == 0xABCD
        assert "uart:~$ x log" in node.console_text()
    finally:
        node.close()
        bench.close()
