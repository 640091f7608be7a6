"""A wrong node beside Linux: it is blamed, and Linux never. What does not fit is called that. With `--slow` only."""

import shutil
from contextlib import contextmanager

import pytest

from rigs import registry
from rigs.bench import Rig
from rigs.links.memory.link import MemoryLink
from rigs.pair import SIDES
from sixlowpan.addresses import ALL_NODES
from tests import mutants, variants
from tests.interop.bench import GROUP, WAYS, case_on

pytestmark = [
    pytest.mark.soak,
    pytest.mark.real,
    pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="QEMU is not installed"),
]
MUTANTS = [
    "iid-source-no-flip",  # reads Linux' elided source wrongly
    "dam01-24-bits",  # reads a group of Linux' wrongly
    "frag-large-dropped",  # has no room for what Linux sends
    "frag-offset-in-octets",  # puts Linux' fragments together wrongly
    "send-hop-limit-1",  # Linux drops its advertisements
    "send-ports-swapped",  # the application on Linux gets a datagram, from another port
    "send-udp-last-cut",
    "send-elided-checksum",
    "send-group-24-bits",
    "send-to-itself",
    "option-reversed",
    "pair-neighbour-by-two-octets",
]
#: Findings behind which a pair is told well enough.
ENOUGH = 2


@pytest.fixture(scope="module")
def guest():
    """Linux and a reference node on one air; one guest for all, because its boot is what takes long."""
    with Rig.of(registry.load("linux-802154", (), "reference")) as rig:
        yield rig


@contextmanager
def beside_linux(rig, make, name):
    """A case on Linux that has just restarted, beside this mutant or variant."""
    assert isinstance(rig.peer.link, MemoryLink)
    with rig.air.holding("peer"):
        rig.peer.node = make(name, rig.peer.link)
    rig.told = {side: set() for side in SIDES}
    with case_on(rig) as pair:
        pair.restart(pair.dut)
        yield pair


def exchanges(pair):
    """A few exchanges of every kind, each way; whether each came to its end."""
    for way in WAYS:
        asker, other = pair.way(way)
        for size in (8, 300, 1232):
            yield pair.echo(asker, other, size)
        for ports in ((0xF0B1, 0xF0BE), (0x1234, 0x5678)):
            for size in (24, 300):
                yield pair.datagram(asker, other, ports, pair.pattern(size))
        yield pair.datagram(asker, other, (0x1235, 0x5679), pair.pattern(16), ALL_NODES)
        pair.join(other, GROUP)
        yield pair.datagram(asker, other, (0x1236, 0x567A), pair.pattern(17), GROUP)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_mutant_is_blamed_and_linux_never(guest, mutant):
    with beside_linux(guest, mutants.make, mutant) as pair:
        for _ in exchanges(pair):
            if len(pair.result.findings) >= ENOUGH:
                break
    sides = {finding.side for finding in pair.result.findings}
    assert sides == {"peer"}, [(f.side, f.code, f.requirement, f.actual) for f in pair.result.findings]
    assert all(finding.requirement and finding.frame for finding in pair.result.findings)


def test_hc1_and_linux_do_not_fit(guest):
    """RFC 6282 §2: HC1 SHOULD NOT be sent, and nobody must decompress it; Linux does not."""
    with beside_linux(guest, variants.make, "hc1-sender") as pair:
        pair.echo(pair.peer, pair.dut, 8)
    findings = pair.result.findings
    assert {(f.code, f.side, f.requirement) for f in findings} == {("misfit", "", "RFC6282-2-03")}


def test_a_right_node_beside_linux_is_not_blamed(guest):
    with beside_linux(guest, variants.make, "all-in-line") as pair:
        assert all(exchanges(pair))
    assert pair.result.findings == []
