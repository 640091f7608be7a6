"""The channel in memory, with the reference node at its other end: time, connections, two devices, and faults."""

import pytest

from reports.statistics import interval_of
from rigs.links.ipsp.channel import Terms
from rigs.links.ipsp.channel_link import Refused
from rigs.links.ipsp_memory.link import MemoryChannel, Wire, open_link
from rigs.links.memory.link import TESTER
from rigs.model import LinkClosed, RigError
from rigs.nodes.reference.ble import NodeChannel
from rigs.nodes.reference.node import ReferenceNode
from sixlowpan import LinkInfo, encode, ipv6, link_local
from tests.ble.conftest import rig


def opened(node=ReferenceNode, role="host", terms=None):
    link = MemoryChannel(Wire(), TESTER["ble"], terms or Terms())
    made = node.in_role(link, role)
    link.reconnect()
    return link, made


def request(link, size=8, sequence=1):
    info = LinkInfo("ble", link.tester, link.dut)
    return encode(
        ipv6.echo_request(link_local(link.tester), link_local(link.dut), 1, sequence, bytes(size)), info
    )


@pytest.mark.parametrize("terms", [Terms(), Terms(mps=23, credits=2), Terms(credits=1)], ids=str)
@pytest.mark.parametrize("size", [0, 8, 1232])
def test_an_echo_there_and_back(terms, size):
    link, _ = opened(terms=terms)
    link.send(request(link, size))
    got = link.receive(link.now() + 1)
    assert len(got.frame) == len(request(link, size))
    assert 0 < got.time < 0.2
    assert link.channel.breaches == []


def test_a_deadline_moves_the_clock():
    link, _ = opened()
    assert link.receive(link.now() + 3600) is None
    assert link.now() >= 3600


@pytest.mark.parametrize("milliseconds", [7.5, 30, 48.75, 50, 400])
def test_the_interval_is_told_right(milliseconds):
    link, _ = opened()
    link.interval(milliseconds / 1000)
    sent, trips = [], []
    for number in range(12):
        link.receive(link.now() + milliseconds / 1000 * (3.1 + 0.37 * number % 1))
        began = link.now()
        link.send(request(link, sequence=number))
        trips.append(link.receive(began + 10).time - began)
        sent.append(began)
    assert all(0.99 <= 1000 * trip / milliseconds <= 2.01 for trip in trips)
    assert interval_of(sent, trips).seconds * 1000 == pytest.approx(milliseconds)


def test_a_6ln_comes_with_another_address_each_time():
    link, node = opened(role="6LN")
    before = link.dut
    link.reconnect()
    assert link.dut != before
    assert node.addresses()[0] == link_local(link.dut)
    assert link.dut_address_kind == "resolvable"


def test_frames_of_before_are_forgotten():
    link, _ = opened()
    link.send(request(link))
    link.reconnect()
    assert link.receive(link.now() + 0.01) is None


def test_two_devices_do_not_hear_each_other():
    link, _ = opened(role="6LBR")
    with link.another() as other:
        other.send(request(other))
        link.send(request(link, 30))
        assert len(other.receive(other.now() + 1).frame) == len(request(other))
        assert len(link.receive(link.now() + 1).frame) == len(request(link, 30))
    link.send(request(link))
    assert link.receive(link.now() + 1) is not None


def test_a_refused_channel_is_told():
    class Refusing(ReferenceNode):
        def make_channel(self, peer, send):
            made = super().make_channel(peer, send)
            made.listening = False
            return made

    with pytest.raises(Refused, match="0x0002"):
        opened(Refusing)


def test_a_node_that_meets_nobody_is_told():
    class Shy(ReferenceNode):
        def meets(self, peer):
            return False

    with pytest.raises(RigError, match="does not connect"):
        opened(Shy)


def test_a_crash_below_6lowpan_is_the_nodes():
    class Crashing(NodeChannel):
        def _heard_k_frame(self, pdu):
            raise IndexError("beyond")

    class Node(ReferenceNode):
        channel_class = Crashing

    link, node = opened(Node)
    link.send(request(link))
    assert link.receive(link.now() + 1) is None
    assert node.health().state == "crashed"
    assert "beyond" in node.health().detail


def test_who_breaks_the_terms_loses_the_channel():
    link, _ = opened()
    link.send(bytes(1281))
    assert link.wait_closed(link.now() + 1)
    with pytest.raises(LinkClosed, match="closed"):
        link.send(b"x")
    link.reconnect()
    link.send(request(link))
    assert link.receive(link.now() + 1) is not None


def test_requests_for_other_services():
    link, _ = opened()
    assert link.request(0x00F5) == 2
    assert link.channel.state == "open"


def test_loss_is_the_same_for_the_same_seed():
    runs = []
    for _ in range(2):
        link, _ = opened()
        link.lose(0.3, seed=3)
        runs.append([])
        for number in range(20):
            link.send(request(link, sequence=number))
            runs[-1].append(link.receive(link.now() + 0.1) is not None)
    assert runs[0] == runs[1]
    assert 0 < sum(runs[0]) < 20


@pytest.mark.parametrize(
    ("address", "word"), [("x", "not x"), ("?mps=1", "the MPS 23 to 65533"), ("?mtu=a", "'a'")]
)
def test_addresses_that_are_wrong(address, word):
    with pytest.raises(RigError, match=word):
        open_link(None, address, rig())


def test_a_closed_link():
    link, _ = opened()
    link.close()
    for use in (lambda: link.send(b""), lambda: link.receive(0), link.reconnect):
        with pytest.raises(LinkClosed):
            use()
