"""The suites over a dongle: a rig file of the examples, its EDIT lines filled in, with the reference node on the air.

The dongle is the peer of the tests behind a pseudo-terminal; nothing of the node is seen but what the dongle hears.
"""

import sys
import time
from pathlib import Path

import pytest

from reports.record import read
from rigs.links.memory.link import MemoryLink
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import mac
from tests.links.spinel_bench import DUT
from tests.links.spinel_peer import Port, Rcp
from tests.waiting import completed

ROOT = Path(__file__).parents[2]


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


@pytest.mark.slow
def test_a_selection_on_a_black_box(tmp_path):
    port = Port(Rcp())
    air = OnTheAir(port)
    chosen = ["suites/rfc6282/test_3_1_1.py", "suites/rfc4944/test_4.py", "--seed", "1"]
    chosen += ["-k", "hlim or stateless_unicast or frames_that_it_sends"]
    rig = ["--rig", str(ROOT / "rigs" / "examples" / "black-box.toml")]
    edited = ["--set", f"tester.link=spinel:pty:{port.path}", "--set", f"dut.address={DUT.hex()}"]
    command = [sys.executable, "-m", "pytest", "-q", *chosen, *rig, *edited]
    done = completed([*command, "--record-dir", str(tmp_path / "out")], cwd=ROOT)
    (run,) = (tmp_path / "out").glob("2*")
    verdicts = {line["case"]: line["verdict"] for line in read(run / "run.jsonl").results}
    wrong = {case: said for case, said in verdicts.items() if said not in {"pass", "unsupported"}}
    assert not wrong, done.stdout[-3000:]
    assert verdicts["rfc6282/3.1.1/hlim[11]"] == "pass"
    assert verdicts["rfc4944/4/frames_that_it_sends[1232]"] == "pass"
    assert list(verdicts.values()).count("pass") >= 10
    assert all(mac.parse(frame)[0].dst == b"\xff\xff" for frame in air.unheard), (
        "only broadcasts are not acknowledged"
    )
    port.close()
