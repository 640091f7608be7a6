"""What an adapter says of its options: typed, all mistakes told at once, and read without being run."""

import sys

import pytest

from rigs import registry
from rigs.__main__ import main
from rigs.nodes.riot import node as riot

STRANGE = """
from pathlib import Path
Path(__file__).with_name("ran").touch()
from rigs.configuration.fields import Text
from rigs.configuration.models import NodeOptions
class Options(NodeOptions):
    speed: int = Field(9600, description="the speed of its port")
    setup: list[str] = Field([], description="a list of commands")
    dry: bool = False
    name: Text | None = None
    other: dict[str, int] = {}
def open_node(bench, rig): ...
"""


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """A rig file that names a stranger's adapter, which leaves a trace when it is imported."""
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "__init__.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
    )
    (tmp_path / "strange" / "payload.py").write_text(STRANGE)
    (tmp_path / "p.toml").write_text('schema = 1\nstack = "x"\nlink = "ieee802154"\nabilities = []\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def written(dut):
        path = tmp_path / "r.toml"
        path.write_text(
            'schema = 1\nprofile = "./p.toml"\n[tester]\nlink = "memory:802154"\n[dut]\nnode = "strange.payload"\n'
            + dut
        )
        return path

    yield written
    assert not (tmp_path / "strange" / "ran").exists()
    assert not {"strange", "strange.payload"} & sys.modules.keys()


def test_check_reads_a_strangers_adapter_and_does_not_run_it(strange, capsys):
    assert main(["check", str(strange('speed = 1\nsetup = ["x"]\ndry = true\nname = 6\nother = 3'))]) == 0
    assert "the adapter strange.payload was read, not run" in capsys.readouterr().out


def test_the_options_of_an_adapter_are_typed_and_all_mistakes_told_at_once(strange, capsys):
    path = strange(
        'speed = "fast"\nsetup = "net iface up 1"\ndry = "false"\nname = 2026.10\nsped = 1\naddress = "x"'
    )
    assert main(["check", str(path), "--set", "tester.pan=-1"]) == 2
    out = capsys.readouterr().out
    assert f"{path}: 7 mistakes\n" in out
    for wanted in (
        "tester.pan: expected the PAN id",
        "dut.address: expected",
        "dut.sped: the node 'strange.payload' has no such option (did you mean 'speed'?)",
        "dut.speed: expected the speed of its port; found 'fast'",
        "dut.setup: expected a list of commands; found 'net iface up 1'",
        "dut.dry: expected bool; found 'false'",
        "dut.name: expected Text | None; found 2026.1 (put it in quotes",
    ):
        assert wanted in out, out


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def (", "is no Python that can be read"),
        ("x = 1", "has no function open_node"),
        ("(" * 9999, "is no Python"),
    ],
)
def test_a_damaged_adapter_is_one_mistake(strange, tmp_path, capsys, source, message):
    path = strange("")
    (tmp_path / "strange" / "payload.py").write_text(source)
    assert main(["check", str(path)]) == 2
    assert message in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rig", "dut", "message"),
    [
        ("zephyr-qemu", 'dut.setup="net iface up 1"', "dut.setup: expected a list of shell commands"),
        ("zephyr-qemu", "dut.interface=true", "dut.interface: expected the number of its 6LoWPAN interface"),
        ("zephyr-qemu", "dut.prompt=(", "expected the shell's prompt as a regex; found '(' (no regex"),
        ("contiki-ng-native", 'dut.namespace="false"', "dut.namespace: expected true to run the process in"),
        ("lwip-ble", 'dut.public="no"', "dut.public: expected on BLE, true to take public"),
        ("reference-6ln", "dut.role=mesh", 'dut.role: expected what it is: "host"'),
        ("openthread-sim", "dut.networkkey=abc", "dut.networkkey: expected the network key"),
        ("riot-zep", "dut.interface=[6]", "dut.interface: expected the name of its 6LoWPAN interface"),
    ],
)
def test_every_adapter_types_its_options(rig, dut, message, capsys):
    assert main(["check", rig, "--set", "dut.console=process:true", "--set", dut]) == 2
    assert message in capsys.readouterr().out


@pytest.mark.parametrize(
    "profile",
    ["./\\u0000.toml", "~nobody-at-all/x", "./" + "x" * 300, "/dev/zero", "./r.toml/x", "x" * 9999, ".", ""],
)
def test_a_profile_that_is_no_file_is_one_mistake(tmp_path, profile, capsys):
    path = tmp_path / "r.toml"
    path.write_text(
        f'schema = 1\nprofile = "{profile}"\n[tester]\nlink = "memory:802154"\n[dut]\nnode = "reference"\n'
    )
    assert main(["check", str(path)]) == 2
    assert "1 mistake\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 9999, "x" * (1 << 20) + "xx", "a = \xff", "a.b = 1\na = 2", "\x00"]
)
def test_a_file_that_is_no_toml_is_one_mistake(tmp_path, text, capsys):
    path = tmp_path / "r.toml"
    path.write_bytes(text.encode("latin-1"))
    assert main(["check", str(path)]) == 2
    assert "1 mistake\n" in capsys.readouterr().out


def test_a_number_of_set_is_text_where_text_is_wanted():
    loaded = registry.load("riot-zep", ["dut.console=process:true", "dut.version=2026.10", "dut.interface=6"])
    assert registry.options(loaded.rig, riot.Options).version == "2026.10"
    assert registry.options(loaded.rig, riot.Options).interface == "6"
    loaded = registry.load("reference", ["air.model=802154"])
    assert loaded.rig.air is not None
    assert loaded.rig.air.model == "802154"
