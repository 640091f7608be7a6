"""A wrong node beside a right one: it is blamed, and never its partner. Nobody is blamed for the medium's loss."""

import pytest

from rigs import registry
from rigs.bench import Rig
from tests.interop.bench import WAYS, case_on, everything, paired
from tests.variants import load, write

MUTANTS = [
    "iid-source-no-flip",  # reads an address wrongly
    "dam01-24-bits",  # reads a group wrongly
    "frag-large-dropped",  # has no room
    "frag-offset-in-octets",  # puts fragments together wrongly
    "crash-udp-empty",  # dies
    "send-hop-limit-1",  # says 1 where it means 255
    "send-ports-swapped",  # the checksum does not show it
    "send-udp-last-cut",  # its last fragment is short
    "send-elided-checksum",  # nobody authorised that
    "send-group-24-bits",  # a group in a form that is too short for it
    "send-to-itself",  # another link-layer address than it was told
    "option-of-another",  # told another one than it has
    "option-reversed",
    "send-nalp",
    "pair-neighbour-by-two-octets",
    "pair-group-to-one",
]


@pytest.mark.parametrize("seat", ["dut", "peer"])
@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_mutant_is_blamed_and_its_partner_never(mutant, seat):
    with paired("ieee802154", f"{seat}.mutant={mutant}") as rig, case_on(rig) as pair:
        everything(pair)
    sides = {finding.side for finding in pair.result.findings}
    assert sides == {seat}, [(f.side, f.code, f.requirement, f.actual) for f in pair.result.findings]
    # of which frame a node died the air does not tell
    assert all(
        finding.requirement and (finding.frame or finding.code == "dut_lost")
        for finding in pair.result.findings
    )


@pytest.mark.parametrize(
    "mutant", ["ble-iid-flip", "send-ble-iid-flip", "send-nhc-reserved", "dam11-from-source"]
)
def test_on_bluetooth_le(mutant):
    with paired("ble", f"dut.mutant={mutant}") as rig, case_on(rig) as pair:
        everything(pair)
    assert {finding.side for finding in pair.result.findings} == {"dut"}


@pytest.mark.parametrize("seat", ["dut", "peer"])
@pytest.mark.parametrize(
    "mutant",
    [
        "ble-tcp-no-retransmission",
        "ble-tcp-garbled-retransmission",
        "ble-tcp-one-way",
        "ble-tcp-deaf",
        "ble-tcp-half-duplex",
    ],
)
def test_on_a_tcp_connection(mutant, seat):
    with paired("ble", f"{seat}.mutant={mutant}") as rig, case_on(rig) as pair:
        for way in WAYS:
            asker, other = pair.way(way)
            pair.stream(asker, other, pair.pattern(12_000), pair.pattern(12_000))
            pair.stream(asker, other, pair.pattern(30), lossy=True)
    assert {finding.side for finding in pair.result.findings} == {seat}
    assert all(finding.requirement and finding.frame for finding in pair.result.findings)


@pytest.mark.parametrize(
    ("mutant", "row"), [("nhc-extension-dropped", "RFC6282-4.2-02"), ("frag-large-dropped", "RFC4944-5.3-19")]
)
def test_an_extension_header_in_fragments(mutant, row):
    """Who takes no such header is not blamed for the fragments that carry one, nor the other way round."""
    with paired("ieee802154", f"dut.mutant={mutant}") as rig, case_on(rig) as pair:
        pair.choose(pair.peer, "padding")
        for size in (8, 120, 1000):
            pair.echo(pair.peer, pair.dut, size)
    assert {(f.side, f.code, f.requirement) for f in pair.result.findings} == {("dut", "dropped", row)}


def test_tags_that_begin_anew_are_the_right_of_who_restarts():
    """RFC 4944 §5.3: the initial value of the tag "is not defined"; who takes each tag once is to blame."""
    with paired("ieee802154", "peer.mutant=pair-tags-once") as rig, case_on(rig) as pair:
        pair.echo(pair.dut, pair.peer, 300)
        pair.restart(pair.dut)
        pair.echo(pair.dut, pair.peer, 300)
    assert [(f.side, f.code) for f in pair.result.findings] == [("peer", "dropped")]


@pytest.mark.parametrize("kind", ["ieee802154", "ble"])
def test_two_right_nodes_are_not_blamed(kind):
    with paired(kind) as rig, case_on(rig) as pair:
        everything(pair)
        for way in WAYS if kind == "ble" else ():
            assert pair.stream(*pair.way(way), pair.pattern(12_000), pair.pattern(12_000))
            assert pair.stream(*pair.way(way), pair.pattern(30), lossy=True)
    assert pair.result.findings == []
    assert pair.answered == pair.tried
    assert pair.lost == pair.untold == []


@pytest.mark.parametrize(
    ("dut", "peer", "row"),
    [
        ("hc1-sender", "plain", "RFC6282-2-03"),
        ("fragments-amid-talk", "one-place", "RFC4944-5.3-18"),
        ("frame-version-2", "no-broadcast-pan", "RFC4944-2-01"),
    ],
)
def test_two_rightful_variants_that_do_not_fit(dut, peer, row, tmp_path):
    files = [str(write(load()[name], "reference", tmp_path)) for name in (dut, peer)]
    with Rig.of(registry.load(files[0], (), files[1])) as rig, case_on(rig) as pair:
        for way in WAYS:
            for size in (8, 300):
                pair.echo(*pair.way(way), size)
    findings = pair.result.findings
    assert findings
    assert {(f.code, f.side, f.requirement) for f in findings} == {("misfit", "", row)}
    assert all("§" in finding.actual for finding in findings)


@pytest.mark.slow
def test_nobody_is_blamed_for_what_the_medium_lost():
    """200 seeds at 5 %, 200 at 0 %."""
    lost = answered = 0
    with paired() as rig:
        for seed in range(200):
            for share in (0.0, 0.05):
                with case_on(rig, seed) as pair:
                    pair.impair(share)
                    for way in WAYS:
                        for size in (8, 300, 600):
                            pair.echo(*pair.way(way), size)
                assert pair.result.findings == [], (seed, share)
                assert pair.untold == []
                if share == 0.0:
                    assert pair.answered == pair.tried
                lost, answered = lost + len(pair.lost), answered + pair.answered
    assert lost > 200
    assert answered > 1000
