"""RFC 6282 §4.3, UDP header compression: the datagrams that the DUT sends of itself, and those it must not take."""

import pytest

from fixtures.api import Case, Seen, Stimulus, breaches, needs, on_link, requirement, stimulus, well_sent
from sixlowpan import ipv6

GROUP = bytes.fromhex("ff02000000000000000000000000beef")


@needs("udp")
@pytest.mark.parametrize(
    ("source_port", "destination_port"),
    [
        pytest.param(0x1234, 0x5678, id="00", marks=requirement("RFC6282-4.3.3-03")),
        pytest.param(0x1234, 0xF012, id="01", marks=requirement("RFC6282-4.3.3-04")),
        pytest.param(0xF012, 0x1234, id="10", marks=requirement("RFC6282-4.3.3-05")),
        pytest.param(0xF0B1, 0xF0BE, id="11", marks=requirement("RFC6282-4.3.3-06", "RFC6282-4.3.3-07")),
        pytest.param(0xF0B0, 0xF0BF, id="11-edges", marks=requirement("RFC6282-4.3.3-06")),
        pytest.param(0xF0B2, 0xF0C0, id="beyond-11", marks=requirement("RFC6282-4.3.3-06")),
        pytest.param(0xF0AF, 0xF0B2, id="before-11", marks=requirement("RFC6282-4.3.3-06")),
        pytest.param(0xF012, 0xF0B2, id="01-and-11", marks=requirement("RFC6282-4.3.3-04")),
        pytest.param(0xF0B2, 0xF012, id="11-and-01", marks=requirement("RFC6282-4.3.3-04")),
        pytest.param(0x1234, 0xF100, id="beyond-01", marks=requirement("RFC6282-4.3.3-04")),
        pytest.param(0xF1B2, 0xE0B2, id="beyond-10", marks=requirement("RFC6282-4.3.3-05")),
    ],
)
@requirement("RFC6282-4.3.3-07", "RFC6282-4.3.3-08", "RFC6282-3.2-01", "RFC6282-4.3.1-01")
def test_own_ports(case: Case, source_port: int, destination_port: int):
    """The DUT sends a datagram: ports, length, checksum and data decode as they were asked for."""
    tester = case.tester
    data = tester.pattern(11)

    def wanted(seen: Seen) -> bool:
        return seen.protocol == ipv6.UDP and seen.upper[8:] == data

    node, there = case.rig.node, tester.identity.address
    seen = case.sent_by(lambda: node.udp_send(there, source_port, destination_port, data), wanted)
    if seen is None or seen.view is None:
        return
    _means(case, seen, ipv6.udp(source_port, destination_port, data, seen.view.src, there))


def _means(case: Case, seen: Seen, message: bytes) -> None:
    """The datagram is what the DUT was told to send, and its frames are right."""
    case.expect(
        seen.upper == message,
        "udp_header",
        message[:8].hex(" "),
        seen.upper[:8].hex(" "),
        frame=seen,
    )
    well_sent(case, seen)


@needs("udp")
@on_link("ieee802154")
@requirement(
    "RFC6282-4.3.3-03",
    "RFC6282-4.3.3-04",
    "RFC6282-4.3.3-05",
    "RFC6282-4.3.3-06",
    "RFC6282-4.3.3-08",
    "RFC4944-5.3-03",
)
def test_own_ports_in_fragments(case: Case):
    """The DUT sends a datagram that needs fragments: each form of its ports means the same in a FRAG1."""
    tester, node, there = case.tester, case.rig.node, case.tester.identity.address
    for here, to in ((0x1234, 0x5678), (0x1234, 0xF012), (0xF012, 0x1234), (0xF0B1, 0xF0BE)):
        data, since = tester.pattern(150), tester.stamp()
        seen = case.sent_by(
            lambda here=here, to=to, data=data: node.udp_send(there, here, to, data),
            lambda seen, data=data: seen.protocol == ipv6.UDP and seen.upper[8:] == data,
        )
        for breach in breaches(tester.incomplete(since), tester.contexts) if seen is None else ():
            case.breached(breach)
        if seen is None or seen.view is None:
            return
        _means(case, seen, ipv6.udp(here, to, data, seen.view.src, there))


@needs("udp")
@requirement("RFC8200-8.1-01", "RFC6282-4.3.3-01")
def test_checksum_of_ones(case: Case):
    """A datagram whose checksum is ffff, which stands for a computed 0 (RFC 768): it reaches its application."""
    tester, node, port = case.tester, case.rig.node, 0x3458
    node.udp_open(port)
    data = bytes(tester.random.choices(b"abcdefghijklmnopqrstuvwxyz", k=10))  # a console may show it as text

    def make() -> Stimulus:
        message = ipv6.udp(0, port, data, tester.identity.address, tester.dut_address)
        source_port = int.from_bytes(message[6:8]) % 0xFFFF  # what is missing to a sum of ones
        message = source_port.to_bytes(2) + message[2:6] + b"\xff\xff" + message[8:]
        packet = ipv6.build(tester.identity.address, tester.dut_address, ipv6.UDP, message)
        return stimulus(case, packet, NH=1, C=0)

    got = None
    for _ in range(2 * case.rig.file.attempts):
        tester.send(make())
        got = got or node.udp_receive(port, tester.now() + case.timeout)
    actual = got[2].hex(" ") if got else "nothing"
    case.expect(got is not None and got[2] == data, "not_delivered", data.hex(" "), actual)


@needs("udp", "join")
@requirement("RFC6282-3.1.1-38", "RFC6282-4.3-01")
def test_datagram_to_a_joined_group(case: Case):
    """A datagram to a group that the DUT was told to join, compressed to 48 bits, reaches its application."""
    tester, node, port = case.tester, case.rig.node, 0x3456
    case.join(GROUP)
    node.udp_open(port)
    data = bytes(tester.random.choices(b"abcdefghijklmnopqrstuvwxyz", k=13))  # a console may show it as text

    def make() -> Stimulus:
        message = ipv6.udp(0x1234, port, data, tester.identity.address, GROUP)
        packet = ipv6.build(tester.identity.address, GROUP, 17, message, hop_limit=1)
        return stimulus(case, packet, M=1, DAC=0, DAM=1)

    if node.tap is not None:
        case.understood(make)
    else:  # nobody quotes a multicast packet (RFC 4443 §2.4 e.3): the application is the witness
        case.survives(make)
    got = node.udp_receive(port, tester.now() + case.timeout)
    actual = got[2].hex(" ") if got else "nothing"
    case.expect(got is not None and got[2] == data, "not_delivered", data.hex(" "), actual)


@needs("udp")
@requirement("RFC6282-4.3.3-01")
def test_zero_checksum(case: Case):
    """C=0 with a checksum of zero in-line: RFC 8200 §8.1, "IPv6 receivers must discard UDP packets" that have none."""
    tester, node, port = case.tester, case.rig.node, 0x3457
    node.udp_open(port)

    def make() -> Stimulus:
        message = ipv6.udp(0x1234, port, tester.pattern(8), tester.identity.address, tester.dut_address)
        packet = ipv6.build(
            tester.identity.address, tester.dut_address, 17, message[:6] + b"\0\0" + message[8:]
        )
        payload = bytes.fromhex("7e33f0") + message[:4] + b"\0\0" + message[8:]
        return Stimulus([payload], packet, tester.info(), "UDP NHC with checksum 0000")

    case.survives(make)
    got = node.udp_receive(port, tester.now() + case.settle)
    case.expect(got is None, "zero_checksum", "the datagram is discarded", "the application got it")
