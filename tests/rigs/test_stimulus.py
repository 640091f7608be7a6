"""A stimulus is a value: it leaves once each time the tester sends it, its predecessor first."""

from dataclasses import replace

import pytest

from rigs.links.memory.link import DUT, MemoryLink
from rigs.tester.framing import Air
from rigs.tester.host import Tester
from rigs.tester.packets import Stimulus
from sixlowpan import LinkInfo, addresses, mac
from tests.rigs.fakes import Silent

OTHER = bytes.fromhex("02005efffe0000aa")


@pytest.fixture
def node():
    return Silent()


@pytest.fixture
def tester(node):
    link = MemoryLink("ieee802154")
    link.attach(node)
    return Tester(Air(link), addresses.link_local(DUT["ieee802154"]))


def payloads(frames):
    return [mac.parse(frame)[1] for frame in frames]


def test_payloads_leave_between_its_addresses(tester, node):
    info = tester.info(OTHER)
    assert tester.send(Stimulus([b"\x41a", b"\x41b"], None, info)) == node.heard
    assert payloads(node.heard) == [b"\x41a", b"\x41b"]
    assert {mac.parse(frame)[0].src for frame in node.heard} == {OTHER}


def test_whole_frames_leave_once_and_as_they_are(tester, node):
    frames = [b"\x00\x00", tester.air.frame(b"\x41c", tester.info())]
    made = Stimulus((), None, tester.info(), frames=frames)
    assert tester.send(made) == frames
    assert node.heard == frames
    tester.send(made)
    assert node.heard == [*frames, *frames]


def test_the_predecessor_leaves_first_and_is_not_the_stimulus(tester, node):
    before = Stimulus([b"\x41b"], None, tester.info())
    made = replace(Stimulus([b"\x41a"], None, tester.info()), before=before)
    assert payloads(tester.send(made)) == [b"\x41a"]
    assert payloads(node.heard) == [b"\x41b", b"\x41a"]


def test_fragments_are_remembered_whatever_they_leave_in(tester):
    fragment = bytes.fromhex("c0f87700 00")
    tester.send([fragment])
    tester.send(Stimulus((), None, tester.info(), frames=[tester.air.frame(fragment, tester.info(OTHER))]))
    tester.send([b"\x41a"])
    assert sorted(key[:8] for key in tester.begun) == sorted([tester.identity.link, OTHER])


def test_a_frame_is_the_next_one(tester):
    info = LinkInfo("ieee802154", tester.identity.link, tester.dut_link)
    one, two = (mac.parse(tester.air.frame(b"\x41", info))[0].sequence for _ in range(2))
    assert two == one + 1
