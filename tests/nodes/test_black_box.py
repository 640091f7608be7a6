"""The black box: a node of which a rig file says where it is, and nothing else."""

import os
import re
import socket
import sys
from pathlib import Path

import pytest

from reports.record import read
from rigs import registry
from rigs.bench import Bench
from rigs.configuration.models import RigFile
from rigs.consoles.process.console import ProcessConsole
from rigs.consoles.shell import Shell
from rigs.model import RigError
from rigs.nodes.black_box.node import SIGNATURES, BlackBox
from tests.waiting import completed

ROOT = Path(__file__).parents[2]
NODE = Path(__file__).with_name("zep_node.py")


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.close()


def rig(**dut):
    return RigFile.model_validate(
        {
            "schema": 1,
            "profile": "p",
            "tester": {"link": "memory:802154"},
            "dut": {"node": "black_box"} | dut,
        }
    )


def test_its_addresses_come_of_its_link_layer_addresses(bench):
    node = registry.open_node(bench, rig(address="02005efffe000001", short="0001"))
    assert [address.hex() for address in node.addresses()] == [
        "fe8000000000000000005efffe000001",
        "fe80000000000000000000fffe000001",
    ]
    assert (node.health().state, node.console_text()) == ("alive", "")
    assert node.version() == "unknown (set dut.version)"


def test_it_can_be_told_its_addresses(bench):
    node = registry.open_node(bench, rig(ip=["fe80::1"], version="firmware 1.4.2"))
    assert [address.hex() for address in node.addresses()] == ["fe800000000000000000000000000001"]
    assert node.version() == "firmware 1.4.2"


@pytest.mark.parametrize(
    ("dut", "message"),
    [
        ({}, "needs dut.address .its EUI-64., or dut.ip"),
        ({"ip": "fe80::x"}, "dut.ip.0.: expected a list of its IPv6 addresses, such as"),
        ({"ip": 7}, "dut.ip: expected a list of its IPv6 addresses"),
        (
            {"ip": "fe80::1", "console": "process:cat", "crash": "("},
            "dut.crash.0.: expected a list of regexes .*found '\\(' .no regex",
        ),
    ],
    ids=["no-address", "no-ip", "no-list", "no-regex"],
)
def test_what_is_wrong_in_the_rig_file_is_said(bench, dut, message):
    with pytest.raises(RigError, match=message):
        registry.open_node(bench, rig(**dut))


@pytest.mark.parametrize(
    "line",
    [
        "*** ASSERTION FAILED at 12:34",
        "thread 'main' panicked at src/main.rs:7:5:",
        "E: ***** HARD FAULT *****",
        "[   3.1] Kernel panic - not syncing: Oops",
        "*** stack smashing detected ***: terminated",
        "FATAL ERROR: out of buffers",
    ],
)
def test_what_stacks_print_when_they_die_is_a_crash(line):
    console = ProcessConsole("process:sh", ["sh", "-c", 'read x; echo hello; echo "$1"; cat', "sh", line])
    shell = Shell(console, r"(?!)", signatures=SIGNATURES)
    node = BlackBox((bytes(16),), shell)
    try:
        assert node.health().state == "alive"
        console.write(b"go\n")
        shell.expect(re.escape(line), 20, 0)
        health = node.health()
        assert (health.state, health.detail) == ("crashed", line)
    finally:
        node.close()


def run(tmp_path, *mutant):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::1", 0))
        port = probe.getsockname()[1]
    words = " ".join([sys.executable, str(NODE), str(port), *mutant])
    (tmp_path / "box.toml").write_text(
        f'schema = 1\nprofile = "black-box-802154"\n[tester]\nlink = "zep:[::1]:{port}"\n[dut]\n'
        f'node = "black_box"\naddress = "02005efffe000001"\nshort = "0001"\nconsole = "process:{words}"\n'
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "suites/rfc6282/test_3_1_1.py",
        "-q",
        "-k",
        "tf or hlim or stateless",
    ]
    command += ["--rig", str(tmp_path / "box.toml"), "--record-dir", str(tmp_path / "out")]
    done = completed(command, cwd=ROOT, env=os.environ)
    results = read(tmp_path / "out" / "latest").results
    assert results, done.stdout + done.stderr
    return {result["case"]: result for result in results}


def test_a_process_of_which_nothing_is_known_is_judged(tmp_path):
    results = run(tmp_path)
    assert {result["verdict"] for result in results.values()} <= {"pass", "unsupported"}
    assert sum(result["verdict"] == "pass" for result in results.values()) > 15
    assert {result["observed_by"] for result in results.values() if result["verdict"] == "pass"} <= {
        "echo",
        "quote",
    }


def test_a_wrong_process_of_which_nothing_is_known_is_caught(tmp_path):
    results = run(tmp_path, "dam00-dropped")
    failed = {case for case, result in results.items() if result["verdict"] == "fail"}
    assert failed
    assert all("stateless_unicast" in case and case.endswith("-00]") for case in failed)
