"""Pairs as rigs: made of two rig files, told clearly where two nodes cannot meet, and one side that dies."""

from argparse import Namespace
from collections import defaultdict
from functools import partial

import pytest

from fixtures.judging.pairs.traffic import OnAir, since_it_lived
from fixtures.plugin.options import _asked
from rigs.bench import Rig
from rigs.configuration.loading import RIGS
from rigs.configuration.models import ConfigError
from rigs.model import Health, RigError, Unsupported
from rigs.pair import alone
from rigs.registry import load
from suites.interop.sizes import able
from tests.interop.bench import case_on, paired

PAIR = """
schema = 1
profile = "reference-802154"
[tester]
link = "memory:802154"
[dut]
node = "reference"
[peer]
node = "reference"
{more}
[lease]
kind = "none"
"""


def test_two_rig_files_make_one_pair():
    loaded = load("reference", ["peer.address=02005efffe0000c3"], "lwip-802154")
    assert loaded.rig.name == "reference--lwip-802154"
    assert loaded.profile.stack == "reference"
    assert loaded.peer.stack == "lwIP"
    theirs = alone(loaded.rig, "peer", "ieee802154")
    assert (theirs.tester.link, theirs.dut.node) == ("lwip:802154", "lwip")
    assert theirs.dut.address == bytes.fromhex("02005efffe0000c3")


@pytest.mark.parametrize("rig", ["zephyr-qemu", "riot-zep"])
def test_a_peer_that_has_its_address_from_elsewhere_is_given_none(rig):
    firmware = "dut.console=process:true"
    loaded = load("reference", [firmware.replace("dut", "peer")], rig)
    assert alone(loaded.rig, "peer", "ieee802154").dut.address is None


def test_what_a_peer_lacks_on_its_rig_it_lacks_in_a_pair(tmp_path):
    path = tmp_path / "bare.toml"
    text = (RIGS / "reference.toml").read_text(encoding="utf-8")
    path.write_text(text.replace("[tester]", 'without = ["ip_tap", "reset"]\n\n[tester]'))
    loaded = load("reference", ["peer.address=02005efffe0000c3"], str(path))
    assert {"ip_tap", "reset"} <= set(loaded.profile.abilities)
    assert not {"ip_tap", "reset"} & set(loaded.peer.abilities)


@pytest.mark.parametrize(
    ("short", "port"), [(20, 0), (1232, 1)], ids=["a-ping-of-20-octets-at-most", "from-another-port"]
)
def test_another_exchange_than_was_asked_for_is_not_the_one(short, port):
    """What a node was not told to send is no end of what it was told, however well it is answered."""
    with paired() as rig, case_on(rig) as pair:
        ping, udp = pair.dut.node.ping, pair.dut.node.udp_send
        pair.dut.node.ping = lambda to, size, *rest: ping(to, min(size, short), *rest)
        pair.dut.node.udp_send = lambda to, source, *rest: udp(to, source ^ port, *rest)
        assert pair.echo(pair.dut, pair.peer, 300) == (not short < 300)
        assert pair.datagram(pair.dut, pair.peer, (0x1234, 0x5678), b"octets") == (not port)
    assert pair.result.findings


def test_a_rig_file_with_a_peer(tmp_path):
    path = tmp_path / "both.toml"
    path.write_text(PAIR.format(more=""))
    with Rig.of(load(str(path))) as rig, case_on(rig) as pair:
        assert pair.echo(pair.dut, pair.peer, 300)
        assert pair.echo(pair.peer, pair.dut, 300)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('nod = "x"', "peer.nod: the node 'reference' has no such option"),
        ('profile = "referenc-802154"', "no profile 'referenc-802154'"),
        ('link = "memry:802154"', "peer.link: no link scheme 'memry'"),
        ('profile = "reference-ble"', "two kinds of link cannot meet"),
    ],
)
def test_mistakes_of_a_peer_are_told_by_key(tmp_path, more, told):
    path = tmp_path / "both.toml"
    path.write_text(PAIR.format(more=more))
    with pytest.raises(ConfigError) as found:
        load(str(path))
    assert told in str(found.value)


def test_two_kinds_of_link_are_told_before_anything_is_opened():
    with pytest.raises(ConfigError, match="two kinds of link cannot meet"):
        load("reference", (), "reference-ble")


def test_a_pair_of_a_pair_is_none(tmp_path):
    path = tmp_path / "both.toml"
    path.write_text(PAIR.format(more=""))
    with pytest.raises(ConfigError, match="this rig is a pair already"):
        load("reference", (), str(path))


def test_one_address_on_both_sides_is_told():
    with pytest.raises(RigError, match="one link-layer address, 02005efffe000001"):
        Rig.of(load("reference", ["peer.address=02005efffe000001"], "reference")).open()


def test_one_short_address_on_both_sides_is_told():
    with pytest.raises(RigError, match=r"one short address, 0001: give one another by --set peer.short"):
        Rig.of(load("reference", ["peer.short=0001"], "reference")).open()


def test_pans_that_cannot_meet_are_told(monkeypatch):
    from rigs.links.memory.link import MemoryLink

    before = MemoryLink.__init__

    def deaf(self, kind, **told):
        before(self, kind, **told | {"pan": b"\0\x23" if told.get("dut") else told["pan"]})

    monkeypatch.setattr(MemoryLink, "__init__", deaf)
    with pytest.raises(RigError, match=r"PAN abcd and the peer in 0023: .*--set tester.pan=0x0023"):
        Rig.of(load("reference", (), "reference")).open()


@pytest.mark.parametrize("seat", ["dut", "peer"])
def test_a_side_that_dies_in_the_middle_is_named(seat):
    with paired("ieee802154", f"{seat}.mutant=crash-udp-empty") as rig:
        with case_on(rig) as pair:
            pair.datagram(*pair.way("from_peer" if seat == "dut" else "to_peer"), (0x1234, 0x5678), b"")
        assert "dut_lost" in {finding.code for finding in pair.result.findings}
        assert {finding.side for finding in pair.result.findings} == {seat}
        lost = next(finding for finding in pair.result.findings if finding.code == "dut_lost")
        assert lost.frame == ""  # what it died of is not proved
        assert "came to it before it was found dead" in lost.actual
        with case_on(rig) as pair:  # the pair was opened anew
            assert pair.echo(pair.dut, pair.peer, 8)


def test_the_air_tells_behind_which_frame_a_node_died():
    def air(*senders, lost=()):
        return [OnAir(sender, b"", 0.0, "cut" if n in lost else "") for n, sender in enumerate(senders, 1)]

    lived = since_it_lived(air("dut", "peer", "dut", "peer", "peer"), "dut")
    assert (
        lived
        == "it lived when it sent frame 3 of this case, and frames 4 to 5 came to it before it was found dead"
    )
    lived = since_it_lived(air("peer", "dut", "peer", lost={3}), "dut")
    assert lived == "it lived when it sent frame 2 of this case, and none came to it behind that"
    lived = since_it_lived(air("peer"), "dut")
    assert lived == "it sent no frame in this case, and frame 1 came to it before it was found dead"


def test_a_side_that_was_killed_from_outside_is_nobodys_fault():
    with paired() as rig, case_on(rig) as pair:
        rig.peer.node.health = lambda: Health("killed", "SIGKILL")
    assert pair.result.findings == []


def asked(**told):
    return _asked(Namespace(**{"rig": [], "pairs": [], "matrix": []} | told))


def test_what_the_command_line_pairs():
    assert asked(rig=["a"], pairs=["a,b", "a,b"]) == [("a", None), ("a", "b")]
    assert asked(matrix=["a", "b", "b"]) == [("a", "b"), ("b", "b")]


@pytest.mark.parametrize(
    "wrong", [{"pairs": ["a"]}, {"pairs": ["a,"]}, {"pairs": ["a,b,c"]}, {"matrix": ["a"]}]
)
def test_what_is_no_pair_is_told(wrong):
    with pytest.raises(pytest.UsageError, match="expected two rigs"):
        asked(**wrong)


def test_a_radio_that_loses_frames_by_itself_is_asked_again(tmp_path):
    """`attempts` of either rig file holds for the pair; what comes at the second time is nobody's fault."""
    path = tmp_path / "lossy.toml"
    path.write_text("attempts = 3\n" + (RIGS / "reference.toml").read_text(encoding="utf-8"))
    loaded = load("reference", ["peer.address=02005efffe0000c3"], str(path))
    assert loaded.rig.attempts == 3
    with Rig.of(loaded) as rig, case_on(rig) as pair:
        send, asked = pair.dut.node.ping, []
        pair.dut.node.ping = lambda *how: asked.append(how) if len(asked) < 2 else send(*how)
        assert pair.echo(pair.dut, pair.peer, 8)
    assert pair.result.findings == []
    assert pair.repeated == 2


def test_a_node_that_an_earlier_case_left_half_restarted_is_opened_anew():
    with paired() as rig:
        broken = rig.peer.node

        def gone():
            raise RigError("Device lowpan0 does not exist")

        broken.addresses = gone
        with case_on(rig) as pair:
            assert rig.peer.node is not broken
            assert pair.echo(pair.dut, pair.peer, 300)
        assert pair.result.findings == []


def test_a_router_that_an_address_takes_is_taken_back_with_it():
    told = []
    with paired() as rig, case_on(rig) as pair:
        pair.peer.node.use_router = told.append
        pair.hands.give_address(pair.dut, bytes.fromhex("20010db8000000110000000000000001"))
        assert told == [pair.hands.address(pair.dut)]
        pair.hands.take_back()
        assert told[1:] == [None]


def of_four_octets(send, destination, size, *how):
    """A command that takes no size, as Zephyr's up to 3.2."""
    if size != 4:
        raise Unsupported("ping: no size can be chosen")
    send(destination, size, *how)


@pytest.mark.parametrize("asker", ["dut", "peer"])
@pytest.mark.parametrize(("loss", "proved"), [(0.0, True), (1.0, False)])
def test_a_silence_is_proved_by_one_who_answers_no_solicitation(loss, proved, asker):
    """On a machine that held the rig up: no echo to its address can be answered, and one to ff02::1 is."""
    with paired("ieee802154", "peer.mutant=nd-not-answered") as rig, case_on(rig) as pair:
        for side in rig.sides.values():
            side.node.ping = partial(of_four_octets, side.node.ping)
        pair.impair(loss)
        held_up_since = rig.link.held_up() - 1.0
        came, why = pair.seen.behind(
            rig.sides[asker], lambda _tapped: False, defaultdict(list), held_up_since, 7, 7
        )
    assert not came
    assert why == ("" if proved else "other work held the rig up for 1.0 s")


def test_a_command_that_sends_one_size_only_is_asked_for_that():
    """Zephyr's ping had 4 octets of data up to 3.2, and Contiki-NG's has none: so nothing of such a pair was tried."""
    with paired() as rig, case_on(rig) as pair:
        send = pair.dut.node.ping
        pair.dut.node.ping = partial(of_four_octets, send)
        assert able(pair, pair.dut, pair.peer)
        assert pair.answered == 1
        pair.dut.node.ping = lambda *_how: of_four_octets(send, b"", 8)
        with pytest.raises(Unsupported):
            able(pair, pair.dut, pair.peer)
    assert "was asked for 8 octets of data, and sends 4" in pair.result.message
