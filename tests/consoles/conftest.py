import shlex
import sys
from pathlib import Path

import pytest

from rigs.consoles.process.console import ProcessConsole
from rigs.consoles.shell import Shell
from tests import waiting

DEVICE = Path(__file__).parent / "device.py"
LOGS = r"\[\d\d:\d\d:\d\d"


def command_line(*arguments):
    return [sys.executable, "-S", "-E", str(DEVICE), *arguments]


@pytest.fixture
def device():
    """Starts the scripted device; returns a shell on it."""
    shells = []

    def start(*arguments, prompt=r"dev:~\$ ", **keywords):
        command = command_line(*arguments)
        shell = Shell(
            ProcessConsole(f"process:{shlex.join(command)}", command), prompt, **({"logs": LOGS} | keywords)
        )
        shells.append(shell)
        return shell

    yield start
    for shell in shells:
        shell.close()


@pytest.fixture
def until():
    """Waits for something observable."""
    return waiting.until
