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
