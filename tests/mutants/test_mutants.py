"""The mutants themselves: each names what it breaks, starts, and differs from the reference node by one defect only."""

import itertools
import json
import subprocess
import sys

import pytest

from rigs.links.memory.link import MemoryLink
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import LinkInfo, Reassembler, fragment, ipv6, link_local
from tests.mutants import __main__ as runner
from tests.mutants import load, make
from tests.mutants.wire import Reassembly, iphc
from vectors.catalogue import CATALOGUE

MUTANTS = load()


def test_there_are_many():
    assert len(MUTANTS) >= 200


def test_each_says_what_it_breaks():
    for mutant in MUTANTS.values():
        assert mutant.requirement in CATALOGUE, mutant.id
        assert mutant.what.endswith("."), mutant.id
        assert mutant.kinds, mutant.id
        assert set(mutant.kinds) <= {"ieee802154", "ble"}, mutant.id


def test_each_starts():
    for mutant in MUTANTS.values():
        for kind in mutant.kinds:
            node = make(mutant.id, MemoryLink(kind))
            assert isinstance(node, ReferenceNode)
            assert node.health().state == "alive"


def test_an_unknown_one_is_named():
    with pytest.raises(KeyError, match="no mutant 'nothing'"):
        make("nothing", MemoryLink("ble"))


def test_the_reassembly_is_right_until_it_is_spoilt():
    info = LinkInfo("ieee802154", bytes.fromhex("02005efffe000002"), bytes.fromhex("02005efffe000001"))
    packet = ipv6.echo_request(link_local(info.src), link_local(info.dst), 1, 1, bytes(range(200)))
    pieces = fragment(packet, info, mtu=80, tag=7)
    for order in itertools.permutations(pieces):
        for received in (order, [*order[:2], order[0], *order[2:]]):
            for reassembler in (Reassembly(), Reassembler()):
                found = [reassembler.receive(payload, info, {}, 0.0) for payload in received]
                assert [p for p in found if p] == [packet]


@pytest.mark.parametrize(
    ("payload", "offsets"),
    [
        ("7a333a", (2, 2, 3, 3, 3, 3)),
        ("6000", (2, 6, 7, 8, 24, 40)),
        ("6ba1aa", (3, 6, 7, 7, 9, 17)),
        ("7e4b", (2, 2, 2, 2, 2, 3)),
    ],
)
def test_offsets_of_a_header(payload, offsets):
    h = iphc(bytes.fromhex(payload))
    assert (h.tf_at, h.nh_at, h.hlim_at, h.src_at, h.dst_at, h.end) == offsets


@pytest.mark.parametrize(
    ("suites", "tried", "alarms"),
    [
        ("suites/rfc4944/test_8.py", {"reference": 3}, []),
        ("suites/rfc4944/test_8.py", {}, ["reference", "reference-ble"]),
        ("suites", {"reference": 3}, ["reference-ble"]),
    ],
)
def test_files_without_a_case_for_a_link_are_no_false_alarm(monkeypatch, suites, tried, alarms):
    """Cases of one link are not tried on the rigs of the other; a run that tried nothing anywhere is no proof."""

    def came(jobs, *_, **__):
        for job in jobs:
            count = tried.get(job.rig, 0)
            yield runner.Outcome(job, passed=count, error="" if count else runner.NO_CASE)

    monkeypatch.setattr(runner, "outcomes", came)
    found, _ = runner.false_alarms([suites], 1, ["reference", "reference-ble"])
    assert found == [runner.Alarm("(the run)", rig, runner.NO_CASE) for rig in alarms]


@pytest.mark.slow
def test_the_runner(tmp_path):
    out = tmp_path / "mutants.json"
    command = [sys.executable, "-m", "tests.mutants", "hlim-01-is-64", "tf-not-rotated", "--out", str(out)]
    done = subprocess.run(
        [*command, "--suites", "suites/rfc6282/test_3_1_1.py"], capture_output=True, text=True, check=False
    )
    report = json.loads(out.read_text())
    kills = report.pop("kills")
    assert set(report.pop("cpu_seconds")) == {"hlim-01-is-64", "tf-not-rotated"}
    expected = {"mutants": 2, "killed": 2, "survivors": [], "false_alarms": [], "by_another_requirement": []}
    assert report == expected, done.stdout
    assert kills["hlim-01-is-64"] == {"requirement": "RFC6282-3.1.1-08", "case": "rfc6282/3.1.1/hlim[01]"}
    assert done.returncode == 0
