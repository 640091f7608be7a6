"""Scripts that play the command line of a node."""

import shlex
import sys

import pytest

from rigs.consoles.process.console import ProcessConsole


@pytest.fixture
def scripted():
    """scripted(script, *words) -> a console whose process is this Python script; it is closed behind the test."""
    consoles = []

    def started(script, *words):
        command = [sys.executable, "-S", "-E", str(script), *words]
        consoles.append(ProcessConsole(f"process:{shlex.join(command)}", command))
        return consoles[-1]

    yield started
    for console in consoles:
        console.close()
