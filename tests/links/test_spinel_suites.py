"""The suites over a dongle: rig files of the examples, their EDIT lines filled in, and the reference node on the air.

The dongle is the peer of the tests, behind a pseudo-terminal or a program; of the node it hears all that is seen.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reports.record import read
from rigs.__main__ import main
from rigs.links.memory.link import MemoryLink
from rigs.links.ot_security.link import Security
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import link_local, mac
from tests.links.serial_line import SerialLine
from tests.links.spinel_bench import DUT, TESTER
from tests.links.spinel_peer import Port, Rcp
from tests.rigs.example_files import edited
from tests.waiting import completed

ROOT = Path(__file__).parents[2]
#: Which frame a dongle says nothing of: one of the first stimuli.
MUTE_AT = 13


class OnTheAir:
    """The reference node, at the radio that `port` is the other end of."""

    def __init__(self, port):
        self.port = port
        self.node = ReferenceNode(MemoryLink("ieee802154"))
        port.rcp.others = {DUT}
        port.rcp.air = self.hear
        self.unheard = []

    def hear(self, psdu):
        for frame in self.node.hear(psdu, time.monotonic()):
            if frame[0] & 7 != mac.ACK and not self.port.hear(frame):  # a radio acknowledges by itself
                self.unheard.append(frame)


class Secured(OnTheAir):
    """The same node as OpenThread is: it takes plain frames and others, secures what it sends, resolves nothing."""

    def __init__(self, port):
        super().__init__(port)
        self.security = Security(bytes.fromhex("4b6579686f6c654b6579686f6c654b65"))  # as the examples have it
        self.node.neighbours[link_local(TESTER)] = TESTER  # RFC 6775 §5.6

    def hear(self, psdu):
        for frame in self.node.hear(self.security.unprotect(psdu), time.monotonic()):
            if frame[0] & 7 != mac.ACK:
                self.port.hear(self.security.protect(frame, 1))


def probe(rig, capsys):
    """`rigs check --probe` on a rig is content; in this process, whose clock sees the peers as well."""
    status = main(["check", "--probe", str(rig)])
    said = capsys.readouterr().out
    assert status == 0, said
    assert f"answers: a ping to {DUT.hex(':')} is answered" in said


def run_of(rig, chosen, tmp_path):
    """The record of a run, whose clock sees that this process, the DUT's and the dongle's, is held up as well."""
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "tests.links.clock_of_the_peer", *chosen]
    completed([*command, "--seed", "1", "--rig", str(rig), "--record-dir", str(tmp_path / "out")], cwd=ROOT)
    (run,) = (tmp_path / "out").glob("2*")
    return read(run / "run.jsonl")


def verdicts(rig, chosen, tmp_path):
    """Case -> verdict of a run in which nothing is wrong."""
    results = run_of(rig, chosen, tmp_path).results
    wrong = [line for line in results if line["verdict"] not in {"pass", "unsupported"}]
    assert not wrong, [(line["case"], line["verdict"], line["message"]) for line in wrong]
    return {line["case"]: line["verdict"] for line in results}


@pytest.mark.slow
def test_a_selection_on_a_black_box(tmp_path, capsys):
    port = Port(Rcp())
    air = OnTheAir(port)
    chosen = ["suites/rfc6282/test_3_1_1.py", "suites/rfc4944/test_4.py"]
    chosen += ["-k", "hlim or stateless_unicast or frames_that_it_sends"]
    rig = edited("black-box", tmp_path, link=f"spinel:pty:{port.path}", address=DUT.hex(":"))
    probe(rig, capsys)
    found = verdicts(rig, chosen, tmp_path)
    assert found["rfc6282/3.1.1/hlim[11]"] == "pass"
    assert found["rfc4944/4/frames_that_it_sends[1232]"] == "pass"
    assert list(found.values()).count("pass") >= 10
    assert all(mac.parse(frame)[0].dst == b"\xff\xff" for frame in air.unheard), (
        "only broadcasts are not acknowledged"
    )
    port.close()


@pytest.mark.slow
def test_a_dongle_that_is_mute_for_once_is_no_death_of_the_node(tmp_path):
    """It takes in what it is to send, and says nothing of it, as one on a busy machine or a bad cable does."""

    class Mute(Rcp):
        taken = 0

        def transmit(self, header, value):
            self.taken += 1
            return b"" if self.taken == MUTE_AT else super().transmit(header, value)

    port = Port(Mute())
    OnTheAir(port)
    rig = edited("black-box", tmp_path, link=f"spinel:pty:{port.path}", address=DUT.hex(":"))
    run = run_of(rig, ["suites/rfc6282/test_3_1_1.py", "-k", "stateless_unicast"], tmp_path)
    untold = [line for line in run.results if line["verdict"] not in {"pass", "unsupported"}]
    assert [(line["verdict"], line["findings"]) for line in untold] == [("inconclusive", [])]
    assert "the tester's own radio was lost" in untold[0]["message"]
    port.close()


CLI = f"{sys.executable} {ROOT / 'tests' / 'nodes' / 'openthread_cli.py'}"
#: A program that is the dongle to who starts it: it passes on what comes of the port.
PUMP = (
    "import os, sys, threading, tty; line = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); tty.setraw(line)\n"
    "def pump(here, there):\n"
    "    while octets := os.read(here, 4096): os.write(there, octets)\n"
    "threading.Thread(target=pump, args=(line, 1), daemon=True).start(); pump(0, line)\n"
)


@pytest.fixture
def board():
    """The serial port of an OpenThread node's CLI."""
    with subprocess.Popen(CLI.split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        line = SerialLine(process.stdout.fileno(), process.stdin.fileno())
        yield line.path
        line.close()
        process.kill()


@pytest.fixture
def dongle():
    """An RCP, and the path of its serial port."""
    port = Port(Rcp())
    inner = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    line = SerialLine(inner, inner)
    yield port, line.path
    line.close()
    port.close()


@pytest.mark.slow
@pytest.mark.parametrize("example", ["board-spinel", "spinel-simulated"])
def test_an_openthread_node_beside_a_dongle(example, board, dongle, tmp_path, capsys):
    """The whole way of both examples, MAC security included: a script's words, and the reference's 6LoWPAN."""
    port, path = dongle
    Secured(port)
    if example == "board-spinel":
        lines = {
            "link": f"ot_security:spinel:serial:{path}?baud=115200",
            "console": f"serial:{board}?baud=115200",
            "address": DUT.hex(":"),
        }
    else:
        (tmp_path / "ot-rcp.py").write_text(PUMP)
        lines = {
            "link": f"ot_security:spinel:process:{sys.executable} {tmp_path}/ot-rcp.py {path} 33",
            "console": f"process:{CLI} 1",
            "partner": f"process:{CLI} 2",
        }
    chosen = ["suites/rfc6282/test_3_1_1.py", "-k", "stateless_unicast or nh_inline or tf"]
    rig = edited(example, tmp_path, **lines)
    probe(rig, capsys)
    found = verdicts(rig, chosen, tmp_path)
    assert found["rfc6282/3.1.1/stateless_unicast[11-11]"] == "pass"
    assert list(found.values()).count("pass") >= 4
    assert not any(psdu[0] & 8 for psdu in port.rcp.sent)  # it found out that the node takes plain frames
