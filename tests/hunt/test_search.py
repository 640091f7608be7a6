"""Small hunts on nodes in memory: what is found, what is not, and what is written of it."""

import random
import subprocess
import sys

import pytest

from fixtures.evidence.capture import Evidence
from fixtures.hunt.findings import Budget, Kind, is_advice
from fixtures.hunt.packets import Packets
from fixtures.hunt.playing import Player
from fixtures.hunt.probes import PROBES
from fixtures.hunt.readings import Readings
from fixtures.hunt.sequence import Cast, Sent, read, written
from fixtures.hunt.writing import UNREPEATED, Place, write, write_unrepeated
from fixtures.judging.reassembly_faults import Breach
from fixtures.judging.session import Session
from rigs import registry
from rigs.bench import Rig
from rigs.model import Health, RadioLost
from rigs.replay import sent_frames
from rigs.tester import preparation
from sixlowpan import Contexts, LinkInfo, fragment
from tests.hunt import watching
from tests.hunt.__main__ import ROOT, hunt
from tests.hunt.planted import Dying, load
from tests.hunt.planted_order import FreeByItsEnd
from tests.mutants import IEEE802154, MUTANTS, Mutant


@pytest.fixture(scope="module")
def cast():
    with Rig.of(registry.load("reference", [])) as rig:
        return Cast.of(preparation.tester_for(rig, 1), rig.node.addresses())


# -- playing --------------------------------------------------------------------------------------------------


def test_a_probe_is_not_put_together_with_what_a_sequence_left():
    with Rig.of(registry.load("reference", [])) as rig:

        def tester():
            return preparation.tester_for(rig, 1)

        session = Session(rig, tester(), Evidence(rig.link), tester)
        player = Player(session)
        player.fresh()
        packets = Packets(player.cast, random.Random(3))
        (probe,) = [probe for probe in PROBES if probe.name == "backwards"]
        for _ in range(
            20
        ):  # a first fragment, and the tag and the size that the fragments of the probe would have
            tag = session.tester.next_tag() + 1 & 0xFFFF
            packet, info = packets.echo("tester", probe.size), player.cast.info(Sent(b""))
            first = fragment(packet, info, player.cast.contexts, mtu=probe.step + 5, tag=tag)[0]
            assert player.play((Sent(first),), probe.name, thorough=False).breaches == []


def test_what_begins_like_a_fragment_may_be_kept_as_fragments_are():
    """RFC 4944 states of neither a reserved dispatch (§5.1) nor a header without octets (§5.3) what a receiver does.

    Nodes of one place, and of two, that kept them were blamed.
    """
    link = LinkInfo("ieee802154", bytes(8), b"\1" * 8)
    readings = Readings(Contexts(), frozenset({link.dst}))
    for payload in ("e87a333a", "e87a333a", "f2333a80", "7e333a80", "07333a80", "c0", "e0", "e0"):
        readings.take(bytes.fromhex(payload), link, 1.0, b"")
    assert [readings.begun(now, 60.0) for now in (2.0, 62.0)] == [4, 0]


def test_the_octet_of_a_compressed_fragment_header_may_be_a_length_or_reserved():
    """RFC 6282 §4.2 does not say which: a node that took it for the Reserved octet was blamed."""
    link = LinkInfo("ieee802154", bytes(8), b"\1" * 8)
    readings = Readings(Contexts(), frozenset({link.dst}))
    readings.take(bytes.fromhex("7e33 e7 06 010400000000 e4 3b 06 000012345678"), link, 1.0, b"")
    assert [packet[49] for packet in readings.copies if packet[40] == 44] == [0, 6]


@pytest.mark.parametrize("state", ["alive", "crashed"])
def test_a_mute_radio_of_the_testers_own_is_no_death_that_is_found(state, monkeypatch):
    def send(_frame):
        raise RadioLost("no answer within 2 s")

    with Rig.of(registry.load("reference", [])) as rig:

        def tester():
            return preparation.tester_for(rig, 1)

        player = Player(Session(rig, tester(), Evidence(rig.link), tester))
        player.fresh()
        monkeypatch.setattr(rig.link, "send", send)
        monkeypatch.setattr(rig.node, "health", lambda: Health(state))
        if state == "alive":
            with pytest.raises(RadioLost):
                player.play((Sent(b"\x41"),), thorough=False)
        else:
            (found,) = player.play((Sent(b"\x41"),), thorough=False).breaches
            assert found.code == "dut_lost"


# -- hunts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["reference", "reference-ble"])
def test_nothing_is_found_on_the_reference_node(where):
    search = hunt([], 11, None, rig=where, plays=400)
    assert search.found == []
    assert not search.unsteady
    assert search.plays >= 400


def test_what_is_played_together_is_taken_apart():
    load()
    (found,) = hunt(['dut.mutant="free-by-its-end"'], 2, None, plays=4000, real=True).found
    assert len(found.sequence) <= 4 < found.before[0]


def test_advice_is_counted_and_not_looked_into():
    search = hunt([], 1, None, plays=1)
    reserved = Breach("accepted", "RFC6282-3.1.1-42", "nothing", "an answer", b"")
    assert search._known(reserved, (), "")
    assert (search.advice, sum(search.known.values())) == (1, 0)
    assert not is_advice(Breach("dut_lost", "RFC6282-3.1.1-42", "alive", "lost", b"")), (
        "a death always counts"
    )


@pytest.mark.parametrize("name", ["hole-behind-a-short-first", "cut-context-octet"])
def test_a_planted_defect_is_found_and_shrunk(name):
    planted = load()[name]
    search = hunt([f'dut.mutant="{name}"'], 1, None, plays=4000)
    (found,) = search.found
    assert len(found.sequence) <= planted.frames + 1
    assert Kind.of(found.breach) == found.kind


def test_what_does_not_come_again_is_written_and_no_finding(tmp_path, cast, monkeypatch):
    struck = []

    class Once(Dying):
        """Dies once, of a first fragment of one octet, and never again."""

        def wrong(self, new, past):
            if struck or not new.first or len(new.octets) != 1:
                return False
            struck.append(new)
            return True

    monkeypatch.setitem(MUTANTS, "once", Mutant("once", "", "RFC6282-2-04", None, IEEE802154, Once))
    lost = []
    search = hunt(['dut.mutant="once"'], 1, None, plays=120, lost_one=lost.append)
    assert struck
    assert search.found == []
    assert [one.breach.code for one in lost] == ["dut_lost"]
    assert struck[0].payload in [sent.payload for sent in lost[0].sequence]
    place = Place(tmp_path, "a rig", "ieee802154", "a version", 1, cast.contexts)
    folder = write_unrepeated(lost[0], 1, place)
    assert read((folder / "sequence.txt").read_text()) == (*lost[0].before, *lost[0].sequence)
    sent = [sent.frame for sent in sent_frames(folder / "frames.pcapng")]
    assert all(any(frame.endswith(one.payload) for frame in sent) for one in lost[0].sequence)
    assert write_unrepeated(lost[0], UNREPEATED + 1, place) is None


class LeakingAndHanging(FreeByItsEnd):
    """Hangs of three frames, and takes in nothing any more behind 12 packets with a context that it does not know."""

    def boot(self):
        self.lost = 0
        super().boot()

    def understand(self, payload, info):
        unknown = (
            payload[:1] and payload[0] >> 5 == 3 and len(payload) > 2 and payload[1] & 0x80 and payload[2]
        )
        self.lost += bool(unknown)
        packet = super().understand(payload, info)
        return None if self.lost >= 12 else packet


def test_a_leak_does_not_stand_in_the_way_of_another_death(monkeypatch):
    node = Mutant("leaking-and-hanging", "", "RFC6282-2-04", None, IEEE802154, LeakingAndHanging)
    monkeypatch.setitem(MUTANTS, node.id, node)
    search = hunt([f'dut.mutant="{node.id}"'], 18, 600, findings=2, real=True,
                  clock=lambda player: 0.05 * player.frames + player.starts)  # fmt: skip
    leak, death = search.found
    assert leak.leaks
    assert not death.leaks
    assert len(death.sequence) == 3
    assert death.seconds < 450


@pytest.mark.parametrize(("name", "frames"), [("resized-tag", 8), ("ends-where-it-begins", 4)])
def test_what_leaks_is_one_sequence_many_times(name, frames):
    """Of four places each takes one sequence; that one first fragment may serve all (5 frames) hangs on the seed."""
    load()
    (found,) = hunt([f'dut.mutant="{name}"'], 1, None, plays=4000).found
    assert len(found.sequence) <= frames


def test_an_interrupt_keeps_what_was_being_looked_into():
    load()
    lost = []

    def tell(text):
        if "trying again" in text:
            raise KeyboardInterrupt

    search = hunt(
        ['dut.mutant="hole-behind-a-short-first"'], 1, None, plays=4000, tell=tell, lost_one=lost.append
    )
    assert search.found == []
    assert [one.why for one in lost] == ["was being looked into when the hunt ended"]


def test_what_is_found_is_written_as_frames_a_text_and_a_case(tmp_path, cast):
    load()
    (found,) = hunt(['dut.mutant="hole-behind-a-short-first"'], 1, None, plays=4000).found
    place = Place(tmp_path, "a rig", "ieee802154", 'odd """ version\\', 1, cast.contexts)
    folder = write(found, 1, place, lambda path: f"replay {path}", lambda path: f"run {path}")
    assert read((folder / "sequence.txt").read_text()) == found.sequence
    frames = [sent.frame for sent in sent_frames(folder / "frames.pcapng")]
    assert all(any(frame.endswith(sent.payload) for frame in frames) for sent in found.sequence)
    made = {}
    exec(compile((folder / "test_found.py").read_text(), "test_found.py", "exec"), made)
    played = []
    case = made["test_dut_lost_1"]
    case.__globals__["plays"] = lambda _case, text, **how: played.append((read(text), how))
    case(None)
    assert played == [(found.sequence, {"probe": found.first, "anew": True})]


@pytest.mark.parametrize(("given", "count"), [((), 1), (("--hunt", "1m"), 2)])
def test_a_hunt_is_run_only_when_time_is_given(given, count):
    words = ["-m", "pytest", "suites/hunt", "--rig", "reference", "--collect-only", "-q", "-n0", *given]
    said = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, cwd=ROOT
    ).stdout
    assert sum(line.startswith("suites/hunt/") for line in said.splitlines()) == count, said


def test_a_hunt_is_repeated_by_its_seed():
    one, two = (hunt([], 5, None, plays=60) for _ in range(2))
    assert [written(sequence) for sequence in one.kept] == [written(sequence) for sequence in two.kept]


def test_what_the_suites_bring_about_is_seen_in_one_run(monkeypatch):
    monkeypatch.setattr(watching, "SUITES", ["suites/hunt/test_found.py"])
    load()
    struck, outcome = watching.strikes()
    assert (outcome.passed, outcome.fails, outcome.error) == (1, {}, "")
    (case,) = struck["free-by-its-end"]
    assert case.startswith("suites/hunt/test_found.py::test_gap_behind_a_first_fragment")
    assert "tag-is-the-size" not in struck


def test_there_are_thirty_and_none_is_a_mutant_of_the_suites():
    planted = load()
    assert sum(not one.known for one in planted.values()) >= 30
    assert all(one.frames >= 2 and one.what for one in planted.values())
    listed = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "--list"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert not {line.split()[0] for line in listed.stdout.splitlines()} & set(planted)


def test_a_budget_counts_what_it_is_told_to():
    clock = iter(range(100))
    budget = Budget(10, None, None, now=lambda: next(clock))
    assert not budget.spent()
    assert Budget(None, 5, None).spent(plays=5)
    assert Budget(None, None, 1).spent(findings=1)
    assert any(budget.spent() for _ in range(20))
