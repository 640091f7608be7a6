"""A whole rig on a console that never answers, or never stops: the rig cannot be opened, and nothing of it stays."""

import shlex

import pytest

from rigs.bench import Rig
from rigs.configuration.loading import load
from rigs.model import RigError
from rigs.nodes.linux_host import shell as linux_host_shell
from tests.consoles.conftest import command_line


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (("--silent",), "nothing was seen at all"),
        (("--flood", str(10**15)), "last seen: 'x.*if it logs without end"),
    ],
    ids=["silent", "flood"],
)
def test_a_rig_whose_console_has_no_prompt_is_given_up(tmp_path, monkeypatch, arguments, seen):
    monkeypatch.setattr(linux_host_shell, "COMMAND", 0.5)
    monkeypatch.setenv("DEVICE", shlex.join(command_line(*arguments)))
    (tmp_path / "r.toml").write_text(
        'schema = 1\nprofile = "reference-802154"\n[tester]\nlink = "memory:802154"\n'
        '[dut]\nnode = "linux_host"\nconsole = "process:${DEVICE}"\n'
    )
    rig = Rig.of(load(str(tmp_path / "r.toml")))
    for _ in range(2):
        with pytest.raises(RigError, match=f"no prompt 'keyhole> ' within .*{seen}"):
            rig.open()
        assert not rig.is_open
    with pytest.raises(RigError):
        rig.recover("silent")
    with pytest.raises(RigError, match="given up after 2 failed recoveries in a row"):
        rig.recover("silent")
