"""The tester's end of the channel against itself, against a script of octets, and against a peer that cheats."""

import struct

import pytest

from rigs.links.ipsp.channel import SIGNALLING, Channel, Terms


class Pair:
    """Two ends on a wire that keeps order; what crosses it is kept."""

    def __init__(self, asking=None, asked=None):
        self.wire, self.sdus = [], {"a": [], "b": []}
        self.a = Channel(asking or Terms(), self._to("b"), self.sdus["a"].append)
        self.b = Channel(asked or Terms(), self._to("a"), self.sdus["b"].append)

    def _to(self, end):
        return lambda cid, pdu: self.wire.append((end, cid, pdu))

    def run(self, most=10_000):
        crossed = []
        while self.wire and len(crossed) < most:
            end, cid, pdu = self.wire.pop(0)
            crossed.append((end, cid, pdu))
            assert getattr(self, end).hear(cid, pdu)
        return crossed

    def open(self):
        self.a.ask()
        self.run()
        assert (self.a.state, self.b.state) == ("open", "open")
        return self


def frames(crossed, end):
    return [pdu for where, cid, pdu in crossed if where == end and cid != SIGNALLING]


def test_terms_are_exchanged():
    pair = Pair(Terms(1280, 247, 6), Terms(1500, 64, 9)).open()
    assert pair.a.peer == Terms(1500, 64, 9)
    assert pair.b.peer == Terms(1280, 247, 6)
    assert (pair.a.credits, pair.b.credits) == (9, 6)


@pytest.mark.parametrize("mps", [23, 24, 100, 247, 1282])
@pytest.mark.parametrize("size", [0, 1, 20, 21, 22, 245, 246, 1280])
def test_every_sdu_arrives_whole_and_alone(mps, size):
    pair = Pair(asked=Terms(mps=mps, credits=3)).open()
    sent = [bytes([n]) * size for n in range(4)]
    for sdu in sent:
        pair.a.send(sdu)  # back to back: one packet is one SDU all the same
    cut = frames(pair.run(), "b")
    assert pair.sdus["b"] == sent
    assert all(len(frame) <= mps for frame in cut)
    assert pair.b.breaches == []


def test_no_k_frame_without_a_credit():
    pair = Pair(asked=Terms(mps=23, credits=2)).open()
    pair.b.generous = False
    pair.a.send(bytes(100))
    assert len(frames(pair.run(), "b")) == 2
    assert (pair.a.waiting, pair.sdus["b"]) == (1, [])
    pair.b.grant(10)
    pair.run()
    assert pair.sdus["b"] == [bytes(100)]


def test_credits_come_back_by_themselves():
    pair = Pair(asked=Terms(mps=23, credits=4)).open()
    for _ in range(50):
        pair.a.send(bytes(60))
    pair.run()
    assert len(pair.sdus["b"]) == 50


def test_finer_k_frames_on_demand_for_one_sdu():
    pair = Pair(asked=Terms(credits=400)).open()
    pair.a.segment = 2
    pair.a.send(bytes(30))
    pair.a.send(bytes(30))
    sizes = [len(frame) for frame in frames(pair.run(), "b")]
    assert sizes == [2] * 16 + [32]
    assert pair.sdus["b"] == [bytes(30)] * 2


def test_part_of_an_sdu_is_forgotten_with_the_connection():
    pair = Pair().open()
    pair.a.send_part(bytes(1000), 2)
    pair.run()
    pair.a.lost()
    pair.b.lost()
    pair.open()
    pair.a.send(b"whole")
    pair.run()
    assert pair.sdus["b"] == [b"whole"]


def test_refused_when_nobody_listens():
    pair = Pair()
    pair.b.listening = False
    pair.a.ask()
    pair.run()
    assert (pair.a.state, pair.a.refused) == ("closed", 2)


def test_leaving():
    pair = Pair().open()
    pair.b.leave()
    pair.run()
    assert (pair.a.state, pair.b.state) == ("closed", "closed")


def test_other_signalling_is_not_ours():
    channel = Pair().open().a
    assert not channel.hear(
        SIGNALLING, struct.pack("<BBHHHHH", 0x12, 1, 8, 24, 40, 0, 42)
    )  # connection parameters
    assert not channel.hear(
        SIGNALLING, struct.pack("<BBHHHHHH", 0x14, 1, 10, 0x25, 0x40, 64, 64, 1)
    )  # another SPSM
    assert not channel.hear(4, b"\x01\x02")  # ATT
    assert not channel.hear(SIGNALLING, b"\x14")


def test_a_request_octet_by_octet():
    """Vol 3 Part A §4.22: code 0x14, identifier, length 10, SPSM, source CID, MTU, MPS, initial credits."""
    heard = []
    Channel(Terms(1280, 247, 5), lambda cid, pdu: heard.append((cid, pdu)), heard.append).ask()
    assert heard == [(SIGNALLING, bytes.fromhex("14 01 0a00 2300 5000 0005 f700 0500"))]


@pytest.mark.parametrize(
    ("terms", "pdus", "word"),
    [
        (Terms(credits=1), [b"\x02\x00ab", b"\x02\x00cd"], "without a credit"),
        (Terms(mps=23), [struct.pack("<H", 30) + bytes(30)], "K-frame of 32"),
        (Terms(), [struct.pack("<H", 1281) + bytes(100)], "SDU of 1281"),
        (Terms(), [b"\x02\x00abc"], "1 octets more"),
        (Terms(), [b"\x02"], "without an SDU length"),
        (Terms(mps=23), [b"\x15\x00" + bytes(21), b""], "without an SDU length"),
    ],
    ids=["credit", "mps", "mtu", "too-much", "no-length", "empty-behind-a-full-one"],
)
def test_breaches_are_written_down(terms, pdus, word):
    pair = Pair(terms).open()
    pair.a.generous = False
    for pdu in pdus:
        pair.a.hear(0x0050, pdu)
    assert any(word in what for what, _ in pair.a.breaches)


@pytest.mark.parametrize(
    ("signal", "word"),
    [
        ("1601040050000000", "without a credit"),
        ("1600040050000100", "identifier 0"),
        ("160104005000ffff", "credits beyond 65535"),
    ],
)
def test_breaches_in_signalling(signal, word):
    channel = Pair().open().a
    channel.hear(SIGNALLING, bytes.fromhex(signal))
    assert any(word in what for what, _ in channel.breaches)


def test_breaches_outlive_the_connection_until_they_are_taken():
    pair = Pair().open()
    pair.a.hear(0x0050, b"\x02")
    pair.a.lost()
    pair.b.lost()
    pair.open()
    assert len(pair.a.breaches) == 1


def test_k_frames_as_they_are():
    pair = Pair(asked=Terms(credits=1)).open()
    pair.a.send_frames([b"\x04\x00ab", b"cd", b""])
    assert frames(pair.run(), "b") == [b"\x04\x00ab", b"cd", b""]
    assert pair.sdus["b"] == [b"abcd"]


def test_terms_that_no_channel_can_have():
    for wrong in ({"mps": 22}, {"mtu": 22}, {"credits": 65536}):
        with pytest.raises(ValueError, match="the MTU is 23 to 65535, the MPS 23 to 65533"):
            Terms(**wrong)


def test_the_peer_asks_as_well():
    pair = Pair()
    pair.b.ask()
    pair.run()
    assert pair.a.state == "open"


def test_each_channel_has_another_identifier():
    """A peer that keeps the first one sends to a channel that is not there: a breach, and no SDU."""
    pair = Pair().open()
    first = pair.a.own_cid
    pair.a.leave()
    pair.run()
    pair.open()
    assert pair.a.own_cid != first
    assert pair.b.peer_cid == pair.a.own_cid
    assert not pair.a.hear(first, b"\x02\x00ab")
    assert "where ours is" in pair.a.breaches[0][0]
    assert pair.sdus["a"] == []


def test_the_end_of_another_channel_ends_nothing():
    pair = Pair().open()
    pair.a.say(0x06, struct.pack("<HH", 0x007E, pair.a.own_cid))
    pair.a.say(0x06, struct.pack("<HH", pair.b.own_cid, 0x007E))
    for end, cid, pdu in pair.wire:
        assert not getattr(pair, end).hear(cid, pdu)
    assert (pair.a.state, pair.b.state) == ("open", "open")


def test_an_end_is_answered_with_its_identifier():
    pair = Pair().open()
    pair.a.leave()
    (_, _, request) = pair.wire.pop()
    pair.a.hear(SIGNALLING, bytes((0x07, request[1] ^ 1)) + request[2:])
    assert pair.a.state == "closed"
    assert "another identifier" in pair.a.breaches[0][0]
