import os
import sys
from pathlib import Path

import pytest

from rigs.configuration.loading import load

#: A pseudo-terminal, which stands in for a board's serial port.
_BOARD, _PORT = os.openpty()
RIG = f"""
schema = 1
profile = "./p.toml"
[tester]
link = "tests.rigs.fakes:x"
[dut]
node = "tests.rigs.fakes"
console = "serial:{os.ttyname(_PORT)}?baud=115200"
[lease]
wait = "100ms"
"""


@pytest.fixture(autouse=True)
def leases_of_its_own(tmp_path, monkeypatch):
    """No run of this machine holds what a test checks."""
    monkeypatch.setenv("KEYHOLE_LEASES", str(tmp_path / "leases"))


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes files (name -> text) into the folder that it works in, and returns that folder."""
    monkeypatch.chdir(tmp_path)

    def write(texts):
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


@pytest.fixture
def fakes():
    from tests.rigs import fakes as module

    module.log.clear()
    module.failures.clear()
    yield module
    module.failures.clear()


@pytest.fixture
def make(tmp_path, fakes, monkeypatch):
    """A rig file on the fake adapters, loaded."""
    root = str(Path(__file__).parents[2])
    if root not in sys.path:
        monkeypatch.syspath_prepend(root)
    (tmp_path / "p.toml").write_text(
        'schema = 1\nstack = "fake"\nlink = "ieee802154"\nabilities = ["echo"]\n'
    )

    def build(*overrides, name="r", text=RIG):
        (tmp_path / f"{name}.toml").write_text(text)
        return load(str(tmp_path / f"{name}.toml"), overrides)

    return build
