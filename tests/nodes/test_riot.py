"""RIOT's shell, read from what releases really printed, by a scripted one that answers as they do."""

import re
from ipaddress import IPv6Address

import pytest

from rigs.model import RigError, Unsupported
from rigs.nodes.riot import node as riot
from rigs.nodes.riot.node import RiotNode
from tests.nodes.riot_shell import BOOT, GLOBAL, IFCONFIG_2018, LINK_LOCAL, NEWER, PKTDUMP, TESTER, Riot, dump
from tests.waiting import soon


@pytest.fixture
def make():
    opened = []

    def open_one(options=None, **script):
        console = Riot(**script)
        opened.append(console)
        return RiotNode(console, boot=5, **(options or {})), console

    yield open_one
    for console in opened:
        console.close()


VERSIONS = pytest.mark.parametrize("version", ["2024.04", "2026.07"])


@VERSIONS
def test_what_it_says_of_itself(make, version):
    node, _ = make(version=version)
    assert node.version() == version
    assert node.addresses() == (LINK_LOCAL,)
    assert node.health().state == "alive"
    assert node.counters()["pktbuf_free"] == 5760


@pytest.mark.parametrize(
    ("said", "version"),
    [("2026.10-devel-123-gc8bd5", "2026.10-devel-123-gc8bd5"), ("UNKNOWN (builddir: /x/2024.01)", "unknown")],
    ids=["devel", "none"],
)
def test_versions(make, said, version):
    assert make(version=said)[0].version() == version


def test_the_rig_file_can_tell_the_version(make):
    assert make({"version": "2025.01"}, version="buildtest")[0].version() == "2025.01"


def test_the_banner_tells_the_version_where_no_command_does(make):
    assert make(lacks=["version"])[0].version() == "2026.07"


def test_an_address(make):
    node, console = make()
    node.add_address(GLOBAL)
    node.add_address(GLOBAL)
    assert node.addresses() == (LINK_LOCAL, GLOBAL)
    assert [line for line in console.told if " add " in line] == ["ifconfig 6 add 2001:db8::5eff:fe00:1/128"]


def test_no_room_for_another_address(make):
    node, _ = make()
    node.add_address(GLOBAL)
    with pytest.raises(Unsupported, match=r"address: RIOT takes no more: error: unable.*ADDRS_NUMOF"):
        node.add_address(GLOBAL[:15] + b"\x02")


def test_a_group_is_joined(make):
    node, console = make()
    node.join(IPv6Address("ff02::beef").packed)
    assert console.told[-1] == "ifconfig 6 add ff02::beef"
    with pytest.raises(Unsupported, match=r"group: RIOT takes no more.*larger GNRC_NETIF_IPV6_GROUPS_NUMOF"):
        node.join(IPv6Address("ff02::cafe").packed)


def test_what_it_was_given_is_given_back(make):
    """But for the groups that it was a member of before."""
    node, console = make(room=3)
    group, own = (IPv6Address(address).packed for address in ("ff35:40:fd00::1", "ff02::2"))
    node.add_address(GLOBAL)
    node.join(group)
    node.join(own)
    node.remove_address(GLOBAL)
    node.leave(group)
    node.leave(own)
    assert node.addresses() == (LINK_LOCAL,)
    assert [line for line in console.told if " del " in line] == [
        "ifconfig 6 del 2001:db8::5eff:fe00:1",
        "ifconfig 6 del ff35:40:fd00::1",
    ]
    assert "ifconfig 6 add ff02::2" not in console.told


def test_contexts(make):
    node, console = make()
    node.set_context(1, IPv6Address("2001:db8:1::").packed, 64)
    node.set_context(2, IPv6Address("2001:db8:2:4000::").packed, 50, compress=False)
    node.set_context(1, b"", 0)
    node.set_context(7, b"", 0)  # it never had that one
    assert [line for line in console.told if line.startswith("6ctx")] == [
        "6ctx add 1 2001:db8:1::/64 65535",
        "6ctx add 2 2001:db8:2:4000::/50 0",
        "6ctx add 1 2001:db8:1::/64 0",
    ]


def test_a_context_that_is_refused(make):
    with pytest.raises(RigError, match="riot: context 3, ::/64: ERROR: prefix may not be ::"):
        make()[0].set_context(3, bytes(16), 64)


def test_the_default_router(make):
    node, console = make()
    node.use_router(TESTER)
    assert console.told[-1] == "nib route add 6 default fe80::5eff:fe00:2a"


def test_a_ping_keeps_the_shell_busy_until_it_is_over(make):
    node, console = make()
    node.ping(TESTER, 8, 1, 1)
    assert node.counters()
    node.ping(GLOBAL, 1000, 1, 2)
    pings = [line for line in console.told if line.startswith("ping")]
    assert pings == [
        "ping -c 1 -s 8 -W 100 fe80::5eff:fe00:2a%6",
        "ping -c 1 -s 1000 -W 100 2001:db8::5eff:fe00:1",
    ]


@pytest.mark.parametrize(
    ("version", "port", "data", "line"),
    [
        ("2026.07", 0, b"\x00\xff x", "udp send -b [fe80::5eff:fe00:2a%6]:7 00ff2078"),
        ("2024.04", 0, b"hello", "udp send fe80::5eff:fe00:2a%6 7 hello"),
        ("2024.04", 7, b"hello", "udp send fe80::5eff:fe00:2a%6 7 hello"),
    ],
    ids=["hex", "text", "same-port"],
)
def test_a_datagram_is_sent(make, version, port, data, line):
    node, console = make(version=version)
    node.udp_send(TESTER, port, 7, data)
    assert console.told[-1] == line


@pytest.mark.parametrize(
    ("version", "port", "data", "why"),
    [
        ("2026.07", 7, b"x", "chooses the source port"),
        ("2024.04", 8, b"x", "chooses the source port"),
        ("2024.04", 0, b"two words", "printable text only"),
        ("2024.04", 0, b"\xff", "printable text only"),
        ("2024.04", 0, b"x" * 120, "no 120 octets"),
        ("2026.07", 0, b"x" * 60, "no 60 octets"),
        ("2026.07", 0, b"", "no 0 octets"),
    ],
    ids=["port", "other-port", "space", "octet", "long", "long-hex", "empty"],
)
def test_a_datagram_that_the_shell_cannot_send(make, version, port, data, why):
    with pytest.raises(Unsupported, match=why):
        make(version=version)[0].udp_send(TESTER, port, 7, data)


@pytest.mark.parametrize("older", [True, False], ids=["pktdump", "udp-server"])
def test_datagrams_are_received(make, older):
    node, console = make()
    node.udp_open(7778)
    for data in (b"first", bytes(range(40))):
        said = PKTDUMP.format(size=len(data), dump=dump(data)) if older else NEWER + dump(data)
        for piece in re.findall(r"[\s\S]{1,37}", said):  # a console brings it in pieces
            console.say(piece)
    assert node.udp_receive(7778, soon(5)) == (TESTER, 4660, b"first")
    assert node.udp_receive(7778, soon(5)) == (TESTER, 4660, bytes(range(40)))
    assert node.udp_receive(7778, soon(0)) is None


def test_a_line_that_is_longer_than_the_receive_buffer(make):
    node, console = make()
    node.udp_send(TESTER, 0, 7, bytes(range(40)))
    assert console.told[-1] == "udp send -b [fe80::5eff:fe00:2a%6]:7 " + bytes(range(40)).hex()


def test_a_shell_that_echoes_nothing(make):
    node, _ = make(echo=False)
    node.add_address(GLOBAL)
    assert node.addresses() == (LINK_LOCAL, GLOBAL)


def test_one_port_at_a_time(make):
    node, console = make()
    node.udp_open(1)
    node.udp_open(2)
    assert console.told[-3:] == ["udp server start 1", "udp server stop", "udp server start 2"]
    with pytest.raises(RigError, match="UDP port 1 was not opened"):
        node.udp_receive(1, soon(0))


def test_reset(make):
    node, _ = make()
    node.add_address(GLOBAL)
    node.reset()
    assert node.addresses() == (LINK_LOCAL,)
    assert node.health().state == "alive"  # that boot was wanted


def test_a_process_is_started_anew_and_not_told_to_reboot(make, monkeypatch):
    """It would execute itself, and may end of a signal that comes meanwhile; a ping under way ends with it."""
    node, console = make(lacks=["reboot"])
    node.ping(TESTER, 8, 1, 1)
    monkeypatch.setattr(console, "restarts", True, raising=False)
    monkeypatch.setattr(console, "restart", lambda: console.say(BOOT.format(version="2026.07") + "> "))
    node.reset()
    assert (node.addresses(), node.health().state) == ((LINK_LOCAL,), "alive")
    assert "reboot" not in console.told


@pytest.mark.parametrize(
    "sign",
    [
        "sys/net/gnrc/network_layer/sixlowpan/iphc/gnrc_sixlowpan_iphc.c:1565 => FAILED ASSERTION.",
        "*** RIOT kernel panic:",
        "scheduler(): stack overflow detected, pid=4",
        "Context before hardfault:",
        "main(): This is RIOT! (Version: 2026.07)",
    ],
    ids=["assertion", "panic", "stack", "hardfault", "boot"],
)
def test_signs_of_a_crash(make, sign):
    node, console = make()
    mark = node._shell.mark()  # behind the banner of the first boot, which is no crash
    console.say(f"\n{sign}\n")
    node._shell.expect(re.escape(sign), 5, mark)
    health = node.health()
    assert (health.state, health.detail) == ("crashed", sign)
    assert sign in node.console_text()


@pytest.mark.parametrize(
    ("lacks", "act", "why"),
    [
        (
            "6ctx",
            lambda n: n.set_context(0, GLOBAL, 64),
            "no shell command '6ctx' .module shell_cmd_gnrc_six",
        ),
        ("pktbuf", lambda n: n.counters(), "'pktbuf' .module shell_cmd_gnrc_pktbuf"),
        ("udp", lambda n: n.udp_open(7), "'udp' .module shell_cmd_udp"),
        ("reboot", lambda n: n.reset(), "'reboot'"),
        ("ping", lambda n: n.ping(TESTER, 8, 1, 1), "'ping6' .module gnrc_icmpv6_echo"),
    ],
    ids=["6ctx", "pktbuf", "udp", "reboot", "ping"],
)
def test_what_a_firmware_lacks(make, lacks, act, why):
    with pytest.raises(Unsupported, match=why):
        act(make(lacks=[lacks])[0])


def test_a_shell_without_ifconfig(make):
    with pytest.raises(RigError, match=r"'ifconfig' \(module shell_cmd_gnrc_netif\); it has: .*udp"):
        make(lacks=["ifconfig"])


def test_the_interface_is_found_or_named(make):
    assert make(ifconfig=IFCONFIG_2018)[0].look().name == "7"
    assert make({"interface": "5"}, ifconfig=IFCONFIG_2018)[0].look().name == "5"
    with pytest.raises(RigError, match=r"no interface '9'; there are: 5, 7 \(dut.interface names one\)"):
        make({"interface": "9"}, ifconfig=IFCONFIG_2018)
    with pytest.raises(RigError, match="no interface with 6LoWPAN; there are: none"):
        make(ifconfig="")


def test_an_address_that_stays_tentative(make, monkeypatch):
    monkeypatch.setattr(riot, "TENTATIVE", 0.1)
    with pytest.raises(RigError, match=r"fe80::7b67:357e:543e:3a02 \(tentative\)"):
        make(ifconfig=IFCONFIG_2018)[0].addresses()


def test_a_console_without_a_shell():
    console = Riot(silent=True)
    with pytest.raises(RigError, match="no prompt '> ' within"):
        RiotNode(console, boot=0.1)
    console.close()
