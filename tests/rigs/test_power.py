"""The power of a DUT that was lost is cycled between closing and opening, and what goes wrong with that is told."""

import pytest

from rigs import power
from rigs.bench import Rig
from rigs.model import RigError


def test_a_recovery_cycles_the_power_between_closing_and_opening(make, fakes, monkeypatch):
    monkeypatch.setattr(power, "cycle", fakes.log.append)
    with Rig.of(make("dut.power=command:relay 3 cycle")) as rig:
        fakes.log.clear()
        rig.recover("silent")
        assert fakes.log.index("guest ended") < fakes.log.index("command:relay 3 cycle")
        assert fakes.log.index("command:relay 3 cycle") < fakes.log.index("guest started")


def test_the_command_runs_without_a_shell(tmp_path):
    power.cycle(f"command:touch '{tmp_path}/a b'")
    assert (tmp_path / "a b").exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("command:false", "false: exit status 1: without a word"),
        ("command:sh -c 'echo no such hub >&2; exit 3'", "exit status 3: no such hub"),
        ("command:no-such-relay", "cannot be run"),
        ("command:relay 'unfinished", "No closing quotation: quote it as a shell wants it"),
        ("command:sleep 60", "did not end within 0.2 s"),
        ("gpio:3", 'gpio:3: expected "command:..."'),
    ],
)
def test_what_goes_wrong_is_told(address, said):
    with pytest.raises(RigError, match=said.replace("(", r"\(")):
        power.cycle(address, limit=0.2)


def test_a_failed_cycle_is_a_failed_recovery(make):
    with Rig.of(make("dut.power=command:false")) as rig:
        with pytest.raises(RigError, match="exit status 1"):
            rig.recover()
        with pytest.raises(RigError, match="given up after 2 failed recoveries in a row"):
            rig.recover()
