"""The OpenThread node against a scripted CLI that speaks as several versions do."""

import ipaddress
import sys
from pathlib import Path

import pytest

from rigs import registry
from rigs.bench import Bench
from rigs.configuration.loading import load
from rigs.consoles.process.console import ProcessConsole
from rigs.links.ot_security import link as ot_security
from rigs.model import LinkClosed, RigError, Unsupported
from rigs.nodes.openthread import network as openthread_network
from rigs.nodes.openthread import node as openthread
from rigs.nodes.openthread.node import OpenThreadNode
from tests.nodes.sockets import the_last_port_counts
from tests.waiting import soon

CLI = Path(__file__).parent / "openthread_cli.py"
KEY = bytes(range(16))
ADDRESS = bytes.fromhex("02005efffe000001")
LINK_LOCAL = ipaddress.IPv6Address("fe80::5eff:fe00:1").packed
THERE = ipaddress.IPv6Address("fe80::2").packed
DATASET = "0e08000000000001000035060004001fffe00208"


class Partner(ProcessConsole):
    """The second program, and what it was told."""

    def __init__(self, address, command):
        self.typed, self.closed = "", False
        super().__init__(address, command)

    def write(self, data):
        self.typed += data.decode()
        super().write(data)

    def close(self):
        self.closed = True
        super().close()


VARIANTS = {
    "new": [],
    "old": ["--old"],
    "no-echo": ["--no-echo"],
    "no-prompt": ["--no-prompt"],
    "bare": ["--no-echo", "--no-prompt"],
    "zephyr": ["--zephyr"],
    "logs": ["--logs"],
    "old-logs": ["--old", "--logs"],
}


@pytest.fixture
def start(scripted):
    settings = {"channel": 26, "pan": b"\xab\xcd", "address": ADDRESS, "key": KEY}
    return lambda *words, **options: OpenThreadNode(scripted(CLI, *words), **(settings | options))


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS)
def node(start, request):
    return start(*request.param)


@pytest.mark.parametrize("lines", ["4", "8"])
def test_late_answers_of_a_slow_start_are_not_those_of_the_next_commands(start, lines):
    """The answer to `ot version` was taken for that to `thread stop`, and so on: `channel 26` seemed to be refused."""
    assert start("--no-echo", "--slow", lines).addresses() == start("--no-echo").addresses()


@pytest.mark.parametrize("words", [["--no-echo"], []], ids=["no-echo", "echo"])
@pytest.mark.parametrize("lines", ["3", "4", "5"])
def test_a_late_answer_does_not_make_the_prefix_that_was_tried_next_the_right_one(start, lines, words):
    """The answer to `version` came behind `ot version`, and every command had "ot " in front from then on."""
    assert start(*words, "--stalls", lines).addresses() == start(*words).addresses()


def steer(node, command):
    """Make the scripted CLI do something of its own, and wait until it has."""
    node._shell.send(f"x {command}")


def shown(node, text):
    """Wait until the console has shown a text."""
    node._shell.expect(text, 5.0, 0)


def test_it_is_brought_up(node):
    told = {
        "channel": "26",
        "panid": "0xabcd",
        "extaddr": ADDRESS.hex(),
        "ifconfig": "up",
        "x key": KEY.hex(),
    }
    assert {command: node._cli.ask(command).lines for command in told} == {c: [t] for c, t in told.items()}
    assert node.health().state == "alive"


def test_plain_frames_are_asked_for(start):
    """A build with OT_REFERENCE_DEVICE=ON must be told so from API 595 on; others have no such command."""
    assert start()._cli.ask("x unsecure").lines == ["allwhendisabled enable"]
    start("--refuses", "unsecureport")


def test_it_leads_a_network_that_another_has_joined(start):
    node, children = start(), []

    def partner():
        command = [sys.executable, "-S", "-E", str(CLI)]
        children.append(Partner("process:partner", command))
        return children[-1]

    for expected in (1, 2):  # by itself, and behind a reset
        if expected == 1:
            node.lead_network(partner, bytes.fromhex("02005efffe000002"))
        else:
            node.reset()
        assert node._cli.ask("state").lines == ["leader"]
        assert node._cli.ask("extaddr").lines == [ADDRESS.hex()]
        assert node.health().state == "alive"
        assert len(children) == expected
        assert "extaddr 02005efffe000002" in children[-1].typed
        assert f"dataset set active {DATASET}" in children[-1].typed
        assert children[-1].closed


def test_one_that_does_not_come_up_is_told(start, monkeypatch):
    monkeypatch.setattr(openthread_network, "ROLE", 0.0)
    with pytest.raises(RigError, match="it is no leader within 0 s of `thread start`, but 'detached'"):
        start().lead_network(lambda: pytest.fail("no leader, no child"), bytes(8))


def test_its_link_local_address_comes_first(node):
    assert node.addresses() == (LINK_LOCAL, ipaddress.IPv6Address("fdde:ad00:beef:0:1:2:3:4").packed)


def test_the_version_has_the_api_number_first(node):
    number = "0" if "--old" in node._console.address else "134"
    assert node.version() == f"API {number}, OPENTHREAD/thread-reference-20170716-4162; SIM; today"


def test_pings_follow_each_other(node):
    """Also where the command ends only with the ping, in the middle of later answers."""
    for _ in range(3):
        node.ping(THERE, 8, 1, 1)
    assert node.version().startswith("API")
    shown(node, r"ping (async )?fe80::2 8 1" if "--no-echo" not in node._console.address else "Done")


def test_a_ping_has_room_for_its_time_stamp(start):
    with pytest.raises(Unsupported, match="4 octets of data or more"):
        start().ping(THERE, 3, 1, 1)


def test_datagrams_are_sent_from_any_port(node):
    node.udp_open(0x3456)
    node.udp_send(THERE, 0xF0B1, 0xF0B2, b"\0\xff>")
    shown(node, r"sent from 61617: fe80::2 61618 -x 00ff3e")
    node.udp_send(THERE, 0x3456, 7, b"")
    shown(node, r"sent from 13398: fe80::2 7 -s 0")
    node.udp_send(THERE, 0, 7, b"a")
    shown(node, r"sent from None: fe80::2 7 -x 61")


def test_datagrams_are_taken_from_what_the_cli_prints(node):
    node.udp_open(0x3456)
    for data in (b"keyhole", b"7 bytes from fe80::1 1 x", b"\xff\x1b]\r1\n2"):
        steer(node, f"datagram {data.hex()}")
        assert node.udp_receive(0x3456, soon(5)) == (THERE, 4660, data)
    assert node.udp_receive(0x3456, soon(0)) is None


def test_a_datagram_that_the_cli_cannot_print_is_not_guessed(start):
    node = start()
    node.udp_open(0x3456)
    steer(node, "datagram 610062")
    with pytest.raises(Unsupported, match="prints datagrams as text"):
        node.udp_receive(0x3456, soon(5))
    steer(node, f"datagram {b'keyhole'.hex()}")  # told once: the next case begins with what it is sent itself
    assert node.udp_receive(0x3456, soon(5)) == (THERE, 4660, b"keyhole")


def test_one_socket_has_one_port(start):
    the_last_port_counts(start())


def test_a_line_has_an_end_and_what_does_not_fit_leaves_the_port_open(start):
    node = start()
    node.udp_open(0x3456)
    with pytest.raises(Unsupported, match="300 octets do not fit"):
        node.udp_send(THERE, 1, 2, bytes(300))
    node.udp_send(THERE, 0x3456, 7, b"")
    shown(node, r"sent from 13398: fe80::2 7 -s 0")


def test_groups_and_addresses(node):
    node.join(ipaddress.IPv6Address("ff02::beef").packed)
    node.join(ipaddress.IPv6Address("ff02::beef").packed)  # Error 24: Already is as good
    node.add_address(ipaddress.IPv6Address("2001:db8::1").packed)
    with pytest.raises(RigError, match="Error 7: InvalidArgs"):
        node.add_address(ipaddress.IPv6Address("fe80::1").packed)
    with pytest.raises(Unsupported, match="/64"):
        node.add_address(THERE, 128)
    with pytest.raises(Unsupported, match="network data"):
        node.set_context(0, bytes(16), 64)


def test_counters(node):
    assert node.counters() == {
        "buffer_total": 44,
        "buffer_free": 40,
        "buffer_6lo_reas": 1,
        "mac_TxTotal": 12,
        "mac_TxUnicast": 7,
    }


def test_a_reset_brings_it_up_again(node):
    node.reset()
    assert node.addresses()[0] == LINK_LOCAL
    assert node.health().state == "alive"


def test_an_assertion_is_a_crash(start):
    node = start()
    steer(node, "crash")
    shown(node, "Assertion")
    assert node.health().state == "crashed"
    assert "mac.cpp:12" in node.health().detail
    node.reset()
    assert node.health().state == "alive"


def test_a_silent_reboot_is_a_crash(start):
    node = start()
    steer(node, "reboot")
    health = node.health()
    assert (health.state, health.detail) == ("crashed", "its interface is down: it rebooted of itself")


def test_a_program_that_ends_is_a_crash(start):
    node = start()
    steer(node, "exit")
    with pytest.raises(RigError):
        node.version()
    assert node.health().state == "crashed"
    assert "status 3" in node.health().detail


def test_a_dead_console_is_told_with_what_was_seen(start, monkeypatch):
    monkeypatch.setattr(openthread, "BOOT", 0.5)
    with pytest.raises(RigError, match="last seen: '>'"):
        start("--dead")


def test_a_program_that_does_not_start_is_told_at_once(start):
    with pytest.raises(LinkClosed, match="Address already in use"):
        start("--taken")


def test_a_command_that_is_refused_is_told(start):
    with pytest.raises(RigError, match="'channel 99': Error 7: InvalidArgs"):
        start("--refuses", "channel", channel=99)


def test_both_spellings_of_the_key_are_told(start):
    with pytest.raises(RigError, match=r"'networkkey .*': Error 7: InvalidArgs; 'masterkey .*': Error 35"):
        start("--refuses", "networkkey")


@pytest.fixture
def rig(tmp_path):
    (tmp_path / "p.toml").write_text(
        'schema = 1\nstack = "OpenThread"\nlink = "ieee802154"\nabilities = ["echo"]\n'
    )
    path = tmp_path / "r.toml"
    console = f"process:{sys.executable} -S -E {CLI}"

    def loaded(dut):
        path.write_text(
            'schema = 1\nprofile = "./p.toml"\n[tester]\nlink = "ot_sim:"\n'
            f'[dut]\nnode = "openthread"\n{dut.format(console=console)}\n'
        )
        return load(str(path)).rig

    return loaded


def test_a_rig_file_opens_it(rig):
    bench = Bench()
    key = 'networkkey = "000102030405060708090a0b0c0d0e0f"'
    node = registry.open_node(bench, rig(f'console = "{{console}}"\n{key}'))
    assert node.addresses()[0] == LINK_LOCAL
    bench.close()


@pytest.mark.parametrize(
    ("dut", "message"),
    [
        ('networkkey = "000102030405060708090a0b0c0d0e0f"', "dut.console: is missing"),
        ('console = "{console}"', "dut.networkkey is missing.*choose 32 hex digits"),
        ('console = "{console}"\nnetworkkey = "xyz"', "dut.networkkey: 'xyz' is not a network key"),
    ],
    ids=["console", "no-key", "bad-key"],
)
def test_mistakes(rig, dut, message):
    bench = Bench()
    with pytest.raises(RigError, match=message):
        registry.open_node(bench, rig(dut))
    bench.close()


class Deaf(ot_security.Unsecured):
    """A link on which no echo is answered, in no form."""

    def probe(self):
        return False


def test_what_to_do_with_a_node_that_takes_no_plain_frames(rig):
    bench = Bench()
    bench.resource(ot_security.LINK, Deaf)
    key = 'networkkey = "000102030405060708090a0b0c0d0e0f"'
    with pytest.raises(RigError, match=r"API 134.*since API 595.*dut\.partner.*OT_REFERENCE_DEVICE=ON"):
        registry.open_node(bench, rig(f'console = "{{console}}"\n{key}'))
    bench.close()


def test_a_node_that_takes_no_plain_frames_leads_a_network(rig):
    bench = Bench()
    bench.resource(ot_security.LINK, Deaf)
    key = 'networkkey = "000102030405060708090a0b0c0d0e0f"'
    node = registry.open_node(bench, rig(f'console = "{{console}}"\npartner = "{{console}}"\n{key}'))
    assert node._cli.ask("state").lines == ["leader"]
    bench.close()


def test_unknown_options_are_told(rig):
    with pytest.raises(RigError, match="masterkey: the node 'openthread' has no such option"):
        registry.verify(rig('console = "{console}"\nmasterkey = "00"'))
