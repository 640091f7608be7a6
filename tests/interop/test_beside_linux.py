"""A wrong node beside Linux: it is blamed, and Linux never. What both may do and does not fit is called that."""

import shutil

import pytest

from rigs import registry
from rigs.bench import Rig
from sixlowpan.addresses import ALL_NODES
from tests.interop.bench import GROUP, WAYS, case_on

pytestmark = [
    pytest.mark.slow,
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


def beside_linux(broken):
    return Rig.of(registry.load("linux-802154", [f"peer.{broken}"], "reference"))


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
def test_the_mutant_is_blamed_and_linux_never(mutant):
    with beside_linux(f"mutant={mutant}") as rig, case_on(rig) as pair:
        for _ in exchanges(pair):
            if len(pair.result.findings) >= ENOUGH:
                break
    sides = {finding.side for finding in pair.result.findings}
    assert sides == {"peer"}, [(f.side, f.code, f.requirement, f.actual) for f in pair.result.findings]
    assert all(finding.requirement and finding.frame for finding in pair.result.findings)


def test_a_right_node_beside_linux_is_not_blamed():
    with beside_linux('variant="all-in-line"') as rig, case_on(rig) as pair:
        assert all(exchanges(pair))
    assert pair.result.findings == []


def test_hc1_and_linux_do_not_fit():
    """RFC 6282 §2: HC1 SHOULD NOT be sent, and nobody must decompress it; Linux does not."""
    with beside_linux("variant=hc1-sender") as rig, case_on(rig) as pair:
        pair.echo(pair.peer, pair.dut, 8)
    findings = pair.result.findings
    assert {(f.code, f.side, f.requirement) for f in findings} == {("misfit", "", "RFC6282-2-03")}
