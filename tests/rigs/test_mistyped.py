"""A path or a value that was mistyped: the nearest file is named, and the command line where the value stands there."""

import pytest

from rigs import registry
from rigs.configuration.models import ConfigError

RIG = """
schema = 1
profile = "./p.toml"
attempts = 3
[tester]
link = "memory:802154"
[dut]
node = "black_box"
[lease]
kind = "flock"
wait = "1m"
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text(RIG)
    (tmp_path / "p.toml").write_text('schema = 1\nstack = "a"\nlink = "ieee802154"\nabilities = ["echo"]\n')
    return tmp_path


def mistakes(*overrides, name="./r.toml"):
    with pytest.raises(ConfigError) as caught:
        registry.load(name, overrides)
    return caught.value.mistakes


def test_a_rig_file_that_is_not_there(files):
    (files / "desk.toml").write_text(RIG)
    none = "there is no such rig file"
    assert mistakes(name="./dsek.toml") == (f"./dsek.toml: {none} (did you mean 'desk.toml'?)",)
    assert mistakes(name="./none.toml") == (f"./none.toml: {none}; files there: desk.toml, p.toml, r.toml",)
    assert mistakes(name="./lwip-ble.toml") == (
        f"./lwip-ble.toml: {none}; the rig of that name in the tree is named without folder and ending: lwip-ble",
    )
    assert mistakes(name="./labs/none.toml") == (f"./labs/none.toml: {none}: there is no folder labs",)
    (files / "empty").mkdir()
    assert mistakes(name="empty/none.toml") == (f"empty/none.toml: {none}; empty has no .toml file",)


def test_a_mistake_of_the_command_line_is_not_blamed_on_the_file(files):
    (files / "r.toml").write_text(RIG.replace("attempts = 3", "attempts = 99"))
    told = mistakes("tester.pan=banana", "dut.node=zephyrr", "lease.wait=soon", "tester.chanel=26")
    assert next(each for each in told if "attempts" in each).startswith("r.toml: attempts: expected")
    line = {each.partition(": ")[0]: each for each in told if "attempts" not in each}
    assert line.keys() == {
        f"--set {key}" for key in ("tester.pan", "dut.node", "lease.wait", "tester.chanel")
    }
    assert "found 'banana'" in line["--set tester.pan"]
    assert "no kind of node 'zephyrr' (did you mean 'zephyr'?)" in line["--set dut.node"]
    assert "(did you mean 'channel'?)" in line["--set tester.chanel"]


def test_no_kind_of_node(files):
    (files / "r.toml").write_text(RIG.replace('"black_box"', '""'))
    (told,) = mistakes()
    assert told.startswith("r.toml: dut.node: expected the kind of node, such as")
    assert told.endswith("found ''")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("tester.link=zep:127.0.0.1", "zep:127.0.0.1: expected HOST:PORT, as in zep:[::1]:17754"),
        ("tester.link=zep:127.0.0.1:99999", "zep:127.0.0.1:99999: expected HOST:PORT, as in zep:[::1]:17754"),
        ("tester.link=spinel:dongle", "spinel:dongle: name the console of the dongle behind it, as in "),
        ("tester.link=spinel:seriel:/dev/ttyACM0", "no console scheme 'seriel' (did you mean 'serial'?)"),
        (
            "tester.link=ot_security:spinel:serial:/dev/ttyACM0?baut=9600",
            "serial:/dev/ttyACM0?baut=9600: there is no option 'baut' (did you mean 'baud'?)",
        ),
        ("tester.link=ot_security:packet", "name the link inside, as in ot_security:packet:wpan0"),
        ("dut.console=serial:/dev/x?baud=fast", "baud: expected a number such as 115200; found 'fast'"),
        ("dut.console=serial:", "serial:: names no port: expected such as serial:/dev/ttyACM0"),
        ("dut.console=socket:lab1:4000", "expected socket://HOST:PORT of a server that runs, such as "),
        ("dut.console=socket://lab1", "expected socket://HOST:PORT of a server that runs, such as "),
        ("dut.console=rfc2217://lab1:99999", "expected rfc2217://HOST:PORT of a server that runs"),
        ("dut.console=rfc2217://lab1:4000?baud=fast", "baud: expected a number such as 115200"),
        ("dut.console=ssh:-p 2222", "ssh:-p 2222: names no host: expected such as ssh:root@lab1"),
        ("dut.console=process:", "process:: names no program: expected a program and its arguments"),
        ("dut.power=cmd:relay", 'cmd:relay: expected "command:..." with a program and its arguments'),
        ("dut.power=command:relay 'half", "No closing quotation: quote it as a shell wants it"),
    ],
)
def test_an_address_that_its_adapter_cannot_read(files, override, said):
    (told,) = mistakes(override)
    assert told.startswith(f"--set {override.partition('=')[0]}: ")
    assert said in told


def test_addresses_that_adapters_read(files):
    for override in (
        "tester.link=spinel:socket://lab1:4000#retries=7",
        "tester.link=ot_security:spinel:process:/path/to/ot-rcp 33",
        "dut.console=rfc2217://[::1]:4000",
        "dut.console=ssh:-F conf lab1 node.elf -z [::1]:17754",
        "dut.power=command:relay cycle",
    ):
        registry.load("./r.toml", [override])


def test_a_node_without_its_console_and_a_power_switch_that_is_not_there(files):
    loaded = registry.load("./r.toml", ["dut.node=riot", "dut.power=command:no-such-relay 1"])
    told = {item.what: item.remedy for item in registry.missing(loaded.rig)}
    assert told["dut.console: the node 'riot' needs its console"].startswith('name it: console = "serial:')
    assert told["dut.power: there is no program no-such-relay"] == "put it on PATH, or name its path"
