"""docs/write-an-adapter.md followed to the letter: its files as they stand there, and cases run with them."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from reports.record import read

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "write-an-adapter.md").read_text(encoding="utf-8")
DEVICE = Path(__file__).parent / "device.py"
FILES = ("acme/radio.py", "acme/stick.py", "acme-profile.toml", "acme.toml")


@pytest.fixture
def folder(tmp_path):
    """The files of the page, and an empty `__init__.py`."""
    for name in FILES:
        block = re.search(rf"`{re.escape(name)}`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)
        assert block, f"the page does not show {name}"
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(block[1], encoding="utf-8")
    (tmp_path / "acme" / "__init__.py").touch()
    return tmp_path


def run(folder, *command):
    path = os.pathsep.join((str(folder), str(ROOT)))
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def on_this_machine(folder, port):
    """What the page leaves to the reader: where the device is."""
    return (
        "--set",
        f"tester.link=acme.radio:127.0.0.1:{port}",
        "--set",
        f"dut.console=process:{sys.executable} {DEVICE} {port}",
    )


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_the_files_are_right(folder):
    done = run(folder, "rigs", "check", str(folder / "acme.toml"), *on_this_machine(folder, free_port()))
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_options_are_typed_as_the_page_says(folder):
    wrong = ("--set", "dut.boots_in='soon'", "--set", "dut.promt='> '")
    done = run(folder, "rigs", "check", str(folder / "acme.toml"), *wrong)
    assert done.returncode == 2, done.stdout + done.stderr
    assert (
        "--set dut.boots_in: expected seconds until its shell is ready, 1 to 60; found 'soon'" in done.stdout
    )
    assert "--set dut.promt: the node 'acme.stick' has no such option (did you mean 'prompt'?)" in done.stdout


def test_a_case_runs(folder):
    done = run(
        folder, "pytest", "suites/rfc6282/test_3_1_1.py", "suites/rfc6282/test_3_2.py", "-k", "stateless or ping",
        "-p", "no:cacheprovider", "--rig", str(folder / "acme.toml"), "--record-dir", str(folder / "out"),
        *on_this_machine(folder, free_port()),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    record = read(next((folder / "out").glob("*/run.jsonl")))
    verdicts = {line["case"]: line["verdict"] for line in record.results}
    assert any(case.startswith("rfc6282/3.1.1/stateless_unicast[") for case in verdicts)
    assert verdicts["rfc6282/3.2/a_ping_of_its_own[4]"] == "pass"
    assert set(verdicts.values()) == {"pass"}
