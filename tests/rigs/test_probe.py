"""`python -m rigs check --probe`: a wrong address, PAN or profile is told, with what the rig file must say."""

import copy

import pytest

from rigs.__main__ import main
from rigs.bench import Rig
from rigs.model import Health, RigError, Unsupported
from rigs.probe import probe
from rigs.registry import load
from sixlowpan import mac

STRANGER = 'dut.address = "f4:ce:36:00:00:00:00:01" in the rig file'


@pytest.fixture
def rig():
    with Rig.of(load("reference")) as opened:
        yield opened


def test_a_dut_that_answers(capsys):
    assert main(["check", "--probe", "reference", "reference-ble"]) == 0
    out = capsys.readouterr().out
    assert "heard: EUI-64 02:00:5e:ff:fe:00:00:01 in PAN 0xabcd, channel 26: " in out
    assert out.count("answers: a ping to ") == 2


def test_a_wrong_address_is_told_with_the_right_one(rig):
    rig.node.link = copy.copy(rig.link)
    rig.link.dut, rig.link.dut_short = bytes.fromhex("f4ce360000000001"), b""
    answers, lines = probe(rig)
    text = "\n".join(lines)
    assert not answers
    assert "heard: EUI-64 02:00:5e:ff:fe:00:00:01 in PAN 0xabcd, channel 26" in text
    assert "no answer: your rig file says dut.address = f4:ce:36:00:00:00:00:01, tester.pan" in text
    assert lines[-1] == 'to do: if this is your DUT, dut.address = "02:00:5e:ff:fe:00:00:01" in the rig file'
    assert rig.link.now() < 15  # on the link's own clock: seconds, not the minutes of a run


def test_a_wrong_pan_is_told_with_the_right_one(rig):
    rig.node.link = copy.copy(rig.node.link)
    rig.node.link.pan = bytes.fromhex("1234")
    answers, lines = probe(rig)
    assert not answers
    assert any("heard: EUI-64 02:00:5e:ff:fe:00:00:01 in PAN 0x1234, channel 26" in line for line in lines)
    assert lines[-1] == "to do: tester.pan = 0x1234 in the rig file: there the DUT is heard"


def test_silence_is_told_as_silence(rig, monkeypatch):
    monkeypatch.setattr(rig.link, "send", lambda frame: None)
    answers, lines = probe(rig)
    assert not answers
    assert "heard: nothing at all" in lines
    assert lines[-1].startswith("to do: look whether the DUT is on")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (
            "02005efffe000001",
            "tester.channel = 15 and tester.pan = 0x1234 in the rig file: there the DUT is heard",
        ),
        ("f4ce360000000001", f"if this is your DUT, tester.channel = 15, tester.pan = 0x1234 and {STRANGER}"),
    ],
    ids=["the-dut", "somebody"],
)
def test_a_wrong_channel_is_told_with_the_right_one(rig, monkeypatch, address, told):
    asked = []

    def seek(frame, _wait):
        asked.append(mac.parse(frame)[0])
        return {15: [mac.data_frame(bytes.fromhex(address), rig.link.tester, b"\x12\x34", 1, b"\x41")]}

    monkeypatch.setattr(rig.link, "send", lambda frame: None)
    monkeypatch.setattr(rig.link, "seek", seek)
    answers, lines = probe(rig)
    assert not answers
    assert [(header.dst, header.dst_pan) for header in asked] == [(b"\xff\xff", b"\xff\xff")]
    assert f"heard: EUI-64 {bytes.fromhex(address).hex(':')} in PAN 0x1234, channel 15: 1 frame" in lines
    assert lines[-1] == f"to do: {told}"


def test_a_dut_that_takes_no_more_addresses_is_told(rig, monkeypatch):
    """A board keeps what runs before gave it: its table is full one day."""

    def full(*_words):
        raise Unsupported("address: the table is full")

    monkeypatch.setattr(rig.node, "add_address", full)
    answers, lines = probe(rig)
    assert not answers
    assert lines[1] == "cannot be prepared: address: the table is full"
    assert lines[2].startswith("to do: start the DUT anew")


def test_a_dut_that_restarts_of_itself_is_told(rig, monkeypatch):
    """With nothing sent: a case that it restarts in would blame a frame."""
    before = rig.link.now()

    def health():
        return Health("crashed", "booting") if rig.link.now() - before > 4 else Health("alive")

    monkeypatch.setattr(rig.node, "health", health)
    answers, lines = probe(rig)
    assert not answers
    assert "restarts or crashes, and nothing but a ping was sent: booting" in lines
    assert "power supply" in lines[-1]


def test_a_version_that_the_profile_is_not_for_is_told(rig):
    rig.profile = rig.profile.model_copy(update={"versions": ">=7"})
    rig.version = "6.1"
    _, lines = probe(rig)
    assert "profile: the DUT is 6.1, and the profile reference-802154 is for >=7: " in "\n".join(lines)


def test_a_rig_that_cannot_be_opened_is_one_line(make, fakes, capsys):
    path = str(make().rig.path)
    fakes.failures.append(RigError("the board says nothing"))
    assert main(["check", "--probe", path]) == 1
    assert capsys.readouterr().out.endswith("  cannot be opened: the board says nothing\n")
