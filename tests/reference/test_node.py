"""The reference node by itself: it answers as the RFCs say, on the oracle's own frames, without any suite."""

import pytest

from rigs import bench as benches
from rigs.links.memory.link import DUT_SHORT, MemoryLink
from rigs.model import LinkClosed, RigError
from rigs.nodes.reference.adaptation import SLOTS
from rigs.nodes.reference.node import ReferenceNode, open_node
from rigs.registry import load
from sixlowpan import LinkInfo, Reassembler, encode, fragment, ipv6, link_local, mac
from sixlowpan.addresses import ALL_NODES, BROADCAST, solicited_node


class Bench:
    def __init__(self, kind):
        self.link = MemoryLink(kind)
        self.node = ReferenceNode(self.link)
        self.kind = kind
        self.us, self.dut = link_local(self.link.tester), self.node.addresses()[0]
        self.info = LinkInfo(kind, self.link.tester, self.link.dut)
        self.tag = 0

    def send(self, packet, info=None, mtu=100):
        info = info or self.info
        self.tag += 1
        payloads = (
            [encode(packet, info)] if self.kind == "ble" else fragment(packet, info, mtu=mtu, tag=self.tag)
        )
        for payload in payloads:
            self.payload(payload, info)

    def payload(self, payload, info=None):
        info = info or self.info
        self.link.send(
            payload if self.kind == "ble" else mac.data_frame(info.src, info.dst, self.link.pan, 0, payload)
        )

    def heard(self, wait=0.5):
        """Every packet that comes back until the node is idle, with its link addresses."""
        found, reassembler, deadline = [], Reassembler(), self.link.now() + wait
        while (received := self.link.receive(deadline)) is not None:
            info, payload = self.info.reversed(), received.frame
            if self.kind == "ieee802154":
                header, payload = mac.parse(received.frame)
                if header.type != mac.DATA:
                    continue
                info = LinkInfo("ieee802154", header.src, header.dst)
            packet = reassembler.receive(payload, info)
            if packet is not None:
                found.append((ipv6.Packet.parse(packet), info))
        return found

    def upper(self, wait=0.5):
        return [view.upper()[2] for view, _ in self.heard(wait)]

    def introduce(self):
        """Solicit the node, so that it knows our link-layer address."""
        option = (b"\x01\x02" + self.link.tester + bytes(6)) if self.kind == "ieee802154" else b""
        body = bytes(4) + self.dut + option
        message = ipv6.icmpv6(135, 0, body, self.us, solicited_node(self.dut))
        destination = solicited_node(self.dut)
        packet = ipv6.build(self.us, destination, 58, message, hop_limit=255)
        info = self.info if self.kind == "ble" else LinkInfo(self.kind, self.link.tester, BROADCAST)
        self.send(packet, info)
        return self.heard()


@pytest.fixture(params=["ieee802154", "ble"])
def bench(request):
    return Bench(request.param)


def test_it_advertises_itself(bench):
    ((view, info),) = bench.introduce()
    assert view.upper()[2][:1] == b"\x88"
    assert (view.hop_limit, view.dst, view.payload[8:24]) == (255, bench.us, bench.dut)
    assert info.dst == bench.link.tester


@pytest.mark.parametrize("size", [0, 1, 8, 64, 100, 1232])
def test_echo(bench, size):
    bench.introduce()
    request = ipv6.echo_request(
        bench.us, bench.dut, 7, 1, bytes(range(256))[:size] * 1 + bytes(max(0, size - 256))
    )
    bench.send(request)
    ((view, _),) = bench.heard()
    assert view.payload[0] == 129
    assert view.payload[4:] == request[44:]
    assert (view.src, view.dst) == (bench.dut, bench.us)
    assert ipv6.checksum_holds(view.src, view.dst, 58, view.payload)
    assert [r.frame for r in iter(lambda: bench.node.tap.receive(0), None)][-1] == request


def test_an_unknown_neighbour_is_resolved():
    bench = Bench("ieee802154")
    bench.send(ipv6.echo_request(bench.us, bench.dut, 7, 1, b"abc"))
    solicitations = bench.heard(wait=10)
    assert [view.upper()[2][0] for view, _ in solicitations] == [135, 135, 135]
    assert all(info.dst == BROADCAST and view.dst == solicited_node(bench.us) for view, info in solicitations)


def test_a_multicast_echo_is_answered_from_a_unicast_address(bench):
    bench.introduce()
    info = bench.info if bench.kind == "ble" else LinkInfo(bench.kind, bench.link.tester, BROADCAST)
    bench.send(ipv6.echo_request(bench.us, ALL_NODES, 7, 1, b"abc"), info)
    ((view, _),) = bench.heard()
    assert (view.payload[0], view.src) == (129, bench.dut)


def test_a_wrong_checksum_is_not_answered(bench):
    bench.introduce()
    packet = bytearray(ipv6.echo_request(bench.us, bench.dut, 7, 1, b"abc"))
    packet[-1] ^= 1
    bench.send(bytes(packet))
    assert bench.heard() == []


def test_a_closed_port_is_quoted(bench):
    bench.introduce()
    packet = ipv6.build(bench.us, bench.dut, 17, ipv6.udp(1, 9, b"x" * 20, bench.us, bench.dut))
    bench.send(packet)
    (message,) = bench.upper()
    assert (message[:2], message[8:]) == (b"\x01\x04", packet)
    bench.node.udp_open(9)
    bench.send(packet)
    assert bench.heard() == []
    assert bench.node.udp_receive(9, 0) == (bench.us, 1, b"x" * 20)


@pytest.mark.parametrize(
    ("next_header", "payload", "problem"),
    [
        (253, bytes(8), (1, 6)),
        (0, bytes((253, 0, 1, 4, 0, 0, 0, 0)), (1, 40)),
        (60, bytes((58, 0, 0x80, 4, 0, 0, 0, 0)), (2, 42)),
        (43, bytes((58, 0, 254, 1, 0, 0, 0, 0)), (0, 42)),
    ],
)
def test_parameter_problems(bench, next_header, payload, problem):
    bench.introduce()
    bench.send(ipv6.build(bench.us, bench.dut, next_header, payload))
    (message,) = bench.upper()
    assert (message[0], message[1], int.from_bytes(message[4:8], "big")) == (4, *problem)


def test_extension_headers_are_passed(bench):
    bench.introduce()
    request = ipv6.echo_request(bench.us, bench.dut, 7, 1, b"abc")
    options = bytes((60, 0, 1, 4, 0, 0, 0, 0)) + bytes((44, 0, 1, 4, 0, 0, 0, 0))
    atomic = bytes((58, 0, 0, 0, 1, 2, 3, 4))
    bench.send(ipv6.build(bench.us, bench.dut, 0, options + atomic + request[40:]))
    (message,) = bench.upper()
    assert message[0] == 129


def test_ping_and_tags(bench):
    bench.introduce()
    for sequence in range(2):
        bench.node.ping(bench.us, 300, 5, sequence)
    sizes = [(len(m), m[6:8]) for m in bench.upper()]
    assert sizes == [(308, b"\0\0"), (308, b"\0\x01")]


def test_crash_and_reset(bench, monkeypatch):
    def broken(*_):
        raise IndexError("beyond the frame")

    monkeypatch.setattr(bench.node, "decode_payload", broken)
    bench.payload(b"\x7a\x33\x3a")
    assert bench.node.health().state == "crashed"
    assert "beyond the frame" in bench.node.health().detail
    monkeypatch.undo()
    bench.introduce()
    assert bench.node.tap.receive(0) is None
    bench.node.reset()
    assert bench.node.health().state == "alive"
    assert bench.introduce()


def test_garbage_is_dropped(bench):
    for octet in range(256):
        bench.payload(bytes((octet,)))
        bench.payload(bytes((octet, 0xFF, 0xFF)))
    assert bench.node.health().state == "alive"
    assert bench.node.counters()["dropped"] > 400


def test_slots_and_their_timeout():
    bench = Bench("ieee802154")
    packet = ipv6.echo_request(bench.us, bench.dut, 7, 1, bytes(200))
    for tag in range(6):
        bench.payload(fragment(packet, bench.info, mtu=80, tag=tag)[0])
    assert bench.node.counters()["reassembly_free"] == 0
    bench.link.receive(bench.link.now() + 61)
    assert bench.node.counters()["reassembly_free"] == SLOTS


def test_frames_for_others_are_not_heard():
    bench = Bench("ieee802154")
    packet = ipv6.echo_request(bench.us, bench.dut, 7, 1, b"abc")
    payload = encode(packet, bench.info)
    link = bench.link
    for source, destination, pan in (
        (link.tester, bytes(8), link.pan),
        (link.tester, link.dut, b"\x12\x34"),
        (BROADCAST, link.dut, link.pan),
    ):
        link.send(mac.data_frame(source, destination, pan, 0, payload))
    link.send(
        mac.build(
            mac.MacHeader(mac.COMMAND, dst_pan=link.pan, dst=link.dut, src_pan=link.pan, src=link.tester),
            payload,
        )
    )
    assert bench.node.tap.receive(0) is None
    link.send(
        mac.data_frame(
            link.tester,
            DUT_SHORT,
            link.pan,
            0,
            encode(packet, LinkInfo("ieee802154", link.tester, DUT_SHORT)),
        )
    )
    assert bench.node.tap.receive(0).frame == packet


def test_a_closed_link(bench):
    bench.link.close()
    bench.link.close()
    with pytest.raises(LinkClosed):
        bench.link.receive(0)


@pytest.mark.parametrize("kind", ["ieee802154", "ble"])
@pytest.mark.parametrize("role", ["host", "6LN", "6LBR"])
def test_a_class_in_front_of_any_role_on_any_link_has_its_step_taken(kind, role):
    class Counting(ReferenceNode):
        sent = 0

        def transmit(self, packet, neighbour):
            self.sent += 1
            super().transmit(packet, neighbour)

    node = Counting.in_role(MemoryLink(kind), role)
    assert (type(node).__mro__[1], node.role, node.kind) == (Counting, role, kind)
    node.ping(link_local(node.link.tester), 8, 1, 1)
    assert node.sent >= 1
    assert node.wake(node.now)


def test_rfc_7668_has_no_6lr():
    there = benches.Bench()
    there.resource("memory", lambda: MemoryLink("ble"))
    with pytest.raises(RigError, match=r"dut.role = '6LR' needs tester.link = 'memory:802154'"):
        open_node(there, load("reference-ble", ["dut.role=6LR"]).rig)


def test_a_6ln_solicits_for_ever():
    """RFC 6775 §5.3: "truncated binary exponential backoff" has no last interval, however often nobody answers."""
    with benches.Rig.of(load("reference-nd-6ln")) as rig:
        intervals = [rig.node.solicitation_interval(sent) for sent in (1, 2, 3, 4, 5, 6, 2000)]
    assert intervals == [10, 10, 20, 40, 60, 60, 60]
