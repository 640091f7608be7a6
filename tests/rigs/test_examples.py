"""The rig files that a lab engineer copies: they are read, they name what there is, and say what to edit."""

import re

import pytest

from rigs import registry
from rigs.__main__ import main
from rigs.configuration.loading import RIGS, known_rigs, load

EXAMPLES = sorted((RIGS.parent / "examples").glob("*.toml"))


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def example(request, monkeypatch):
    for name in re.findall(r"\$\{(\w+)\}", request.param.read_text()):
        monkeypatch.setenv(name, "lab.example")
    return request.param


def test_an_example_is_a_good_rig_file(example):
    loaded = load(str(example))
    registry.verify(loaded.rig)
    assert loaded.rig.what
    assert loaded.rig.lease.kind == "flock"  # a device is one run's at a time
    kind = "ble" if loaded.rig.tester.link.startswith("ipsp:") else "ieee802154"
    assert loaded.profile.link == kind


def test_an_example_says_what_to_edit_and_how_to_go_on(example):
    text = example.read_text()
    assert text.startswith("# ")
    assert "# EDIT" in text
    for command in ("python -m rigs check ./", "pytest suites --rig ./"):
        assert command in text


def test_an_example_declares_nothing_that_its_node_lacks(example):
    import importlib
    import inspect

    from rigs.model import Node

    loaded = load(str(example))
    module = importlib.import_module(registry.kinds("open_node")[loaded.rig.dut.node])
    nodes = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Node)]
    abilities = {ability for node in nodes for ability in node.abilities}
    assert set(loaded.profile.abilities) <= abilities


def test_an_example_is_run_against_a_stand_in(example):
    """By a test that copies and edits it as its reader does."""
    texts = [path.read_text() for path in (RIGS.parents[1] / "tests").rglob("*.py")]
    ran = [text for text in texts if "tests.rigs.example_files import edited" in text]
    assert any(f'"{example.stem}"' in text for text in ran), f"no test runs {example.name}"


PROFILES = sorted((RIGS.parent / "examples" / "profiles").glob("*.toml"))


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_profile_to_start_from_is_good(path):
    board = "black-box" if "ieee802154" in path.read_text() else "linux-ble-ssh"
    loaded = load(str(RIGS.parent / "examples" / f"{board}.toml"), [f"profile={path}"], unset=[])
    assert loaded.profile.path == path
    assert loaded.profile.abilities


@pytest.mark.parametrize("name", ["wisun-fan", "zigbee-ip"])
def test_a_profile_of_a_system_says_the_source_of_each_value(name):
    text = (RIGS.parent / "examples" / "profiles" / f"{name}.toml").read_text()
    for line in text.partition("[parameters]")[2].splitlines():
        told = "[" in line.partition("#")[2] or line.startswith(("fcs_octets = 2", "context_length"))
        assert told or not line.partition("#")[0].strip(), line


def test_examples_are_not_listed_as_rigs(capsys):
    assert len(EXAMPLES) >= 3
    assert not {path.stem for path in EXAMPLES} & set(known_rigs())
    assert main(["list"]) == 0
    assert "linux-802154-ssh" not in capsys.readouterr().out


def test_check_of_a_board_says_what_is_missing_here(monkeypatch, capsys):
    monkeypatch.setenv("BOARD_PORT", "/dev/serial/by-id/usb-none")
    board = str(RIGS.parent / "examples" / "board-serial.toml")
    assert main(["check", board, "--set", "tester.link=packet:nowpan7"]) == 1
    out = capsys.readouterr().out
    assert "board-serial: not ready (Zephyr over ieee802154" in out
    assert "  missing: dut.console: there is no serial port /dev/serial/by-id/usb-none\n" in out
    assert "  missing: tester.link: there is no interface" in out
