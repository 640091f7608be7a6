"""The Contiki-NG node against a scripted shell that speaks as several releases do."""

import ipaddress
import itertools
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rigs import registry
from rigs.configuration.loading import load
from rigs.links.slip_radio import namespace as slip_namespace
from rigs.model import LinkClosed, RigError, Unsupported
from rigs.nodes.contiki_ng import node as contiki_ng
from rigs.nodes.contiki_ng.node import ContikiNode

SHELL = Path(__file__).parent / "contiki_shell.py"
MAC = bytes.fromhex("02124b0000000001")
THERE = ipaddress.IPv6Address("fe80::2").packed
VARIANTS = {
    "5.0": [],
    "4.8": ["--twice"],
    "logs": ["--logs"],
    "late": ["--late"],
    "late-4.8": ["--late", "--twice"],
}


@pytest.fixture
def start(scripted):
    return lambda *words, **options: ContikiNode(scripted(SHELL, *words), **({"mac": MAC} | options))


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS)
def node(start, request):
    return start(*request.param, reboots=True)


def addresses(*texts):
    return tuple(ipaddress.IPv6Address(text).packed for text in texts)


def test_it_is_ready_when_its_address_is_its_own(node):
    assert node.mac() == MAC
    assert node.addresses() == addresses("fe80::12:4b00:0:1", "fd00::12:4b00:0:1")
    assert node.health().state == "alive"


def test_answers_are_told_apart(node):
    """Also where every command is answered twice: the second answer comes when the next was asked."""
    for _ in range(5):
        assert node.mac() == MAC
        assert node.neighbours() == {addresses("fe80::5e01:a8f8:9ff2")[0]: bytes.fromhex("02005e01a8f89ff2")}
        assert len(node.addresses()) == 2


def test_log_levels(node):
    node.log("6lowpan", 4)
    with pytest.raises(RigError, match="log nonsense 4: Invalid first argument: nonsense"):
        node.log("nonsense", 4)


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ("-release/v5.0", "release/v5.0"),
        ("-release/v4.9-345-g9f80681d3", "release/v4.9-345-g9f80681d3"),
        ("", "4.9"),
        ("-9f80681d3", "4.9"),
    ],
    ids=["release", "between", "none", "hash"],
)
def test_the_version_is_the_banners_else_the_rig_files(start, banner, version):
    assert start("--version", banner, version="4.9").version() == version


def test_a_version_that_nobody_tells_has_no_number(start):
    assert (
        start("--version", "-9f80681d3").version()
        == "unknown (the boot banner does not tell; set dut.version)"
    )


@pytest.mark.parametrize(
    ("command", "detail"),
    [
        ("x assert", "Assertion failed: file ../../os/net/ipv6/uip6.c, line 123."),
        ("x overflow", "border-router: slip_send overflow: Resource temporarily unavailable"),
        ("x boot", "[INFO: Main      ] Starting Contiki-NG-release/v5.0"),
    ],
    ids=["assert", "overflow", "boot"],
)
def test_a_crash_is_seen(start, command, detail):
    node = start()
    node._shell.command(command)
    assert (node.health().state, node.health().detail) == ("crashed", detail)


def test_a_node_that_ended_has_crashed(start):
    node = start()
    node._shell.send("x exit")
    with pytest.raises(LinkClosed, match="ended with status 1"):
        node.mac()
    assert node.health().state == "crashed"


def test_a_reboot_on_command_is_no_crash(start):
    node = start(reboots=True)
    node.reset()
    assert "rebooting" in node.console_text()
    assert node.health().state == "alive"
    node._shell.command("x boot")
    assert node.health().state == "crashed"
    node.reset()
    assert node.health().state == "alive"


def test_a_board_that_was_running_is_rebooted_to_tell_its_version(start):
    node = start("--running", reboots=True)
    assert node.version() == "release/v5.0"
    assert node.console_text().count("rebooting") == 1
    assert "rebooting" not in start(reboots=True).console_text()


def test_a_native_process_is_started_anew(start):
    """Told to reboot it would end, and a ping under way ends with it."""
    node = start("--version", "-release/v4.9")
    node.ping(THERE, 0, 1, 1)
    old = node._shell.console.pid
    node.reset()
    assert "rebooting" not in node.console_text()
    assert node._shell.console.pid != old
    assert (node.mac(), node.version(), node.health().state) == (MAC, "release/v4.9", "alive")


def test_a_ping_keeps_the_shell_until_it_is_answered(start):
    node = start()
    node.ping(THERE, 0, 1, 1)
    node._shell.expect(r"Pinging fe80::2", 5.0)
    node._shell.send("x pong")
    node.ping(THERE, 0, 1, 1)
    node._shell.send("x pong")
    assert node.mac() == MAC
    assert "nobody reads" not in node.console_text()


def test_a_ping_with_data_is_beyond_the_shell(start):
    with pytest.raises(Unsupported, match="without data only"):
        start().ping(THERE, 8, 1, 1)


@pytest.fixture
def impatient(monkeypatch):
    """The time in which a node has to come up is over when it was looked at once, however long its start takes."""
    times = itertools.count(step=contiki_ng.BOOT + 1)
    monkeypatch.setattr(contiki_ng, "clock", SimpleNamespace(now=lambda: next(times)))


@pytest.mark.parametrize(
    ("words", "options", "told"),
    [
        (
            ["--no-address"],
            {},
            "MAC address is 02124b0000000001 and the rig wants 02124b0000000001 .*no IPv6 address",
        ),
        ([], {"mac": bytes(8)}, r"MAC address is 02124b0000000001 and the rig wants 0{16} \(dut.address\)"),
        (["--short"], {}, "MAC address is 0001 and the rig wants 02124b0000000001"),
    ],
    ids=["no-address", "another", "short"],
)
def test_a_node_that_does_not_come_up_is_told(start, impatient, words, options, told):
    with pytest.raises(RigError, match=told):
        start(*words, **options)


def test_any_address_will_do_where_the_rig_names_none(start):
    assert start("--short", mac=None).mac() == b"\0\1"


# -- the rig file ------------------------------------------------------------------------------------------------


@pytest.fixture
def rig(monkeypatch):
    monkeypatch.setenv("KEYHOLE_CONTIKI_NG", str(SHELL))
    return lambda *overrides: load("contiki-ng-native", overrides)


def console(*words):
    return f"dut.console=process:{shlex.join([sys.executable, '-S', '-E', str(SHELL), *words])}"


def test_the_rig_file_opens_it(rig, bench):
    loaded = rig(console(), "dut.namespace=false", 'dut.version="4.9"')
    registry.verify(loaded.rig)
    node = registry.open_node(bench, loaded.rig)
    assert node.version() == "release/v5.0"
    assert set(loaded.profile.abilities) <= node.abilities


def test_a_console_is_needed(rig, bench):
    file = rig().rig
    file = file.model_copy(update={"dut": file.dut.model_copy(update={"console": None})})
    with pytest.raises(RigError, match="is missing: the node 'contiki_ng' needs its console"):
        registry.open_node(bench, file)


def test_the_namespace_is_put_around_the_command(rig):
    wrapped = contiki_ng._console(rig().rig)
    script = Path(slip_namespace.__file__)
    head = shlex.join([sys.executable, str(script), "127.0.0.1", "60001"])
    assert wrapped == f"process:{head} {SHELL} -a 127.0.0.1 -p 60001 -t tun0 fd00::1/64"


@pytest.mark.parametrize(
    "override", ["dut.console=pty:/dev/pts/0", "tester.link=packet:wpan0"], ids=["console", "link"]
)
def test_a_namespace_for_something_else_is_told(rig, override):
    with pytest.raises(
        RigError, match=r"dut\.namespace: it is for a process: console and a slip_radio: link"
    ):
        contiki_ng._console(rig(override).rig)


def test_namespaces_that_are_forbidden_are_told(rig, monkeypatch, tmp_path):
    refusing = tmp_path / "refusing.py"
    refusing.write_text("import sys\nsys.exit('no TUN interface in a network namespace: not permitted')\n")
    monkeypatch.setattr(slip_namespace, "__file__", str(refusing))
    missing = [item for item in registry.missing(rig().rig) if "TUN" in item.what]
    assert [item.what for item in missing] == ["no TUN interface in a network namespace: not permitted"]
    assert "run as root with --set dut.namespace=false" in missing[0].remedy
    assert not [i for i in registry.missing(rig("dut.namespace=false").rig) if "TUN" in i.what]
