"""RFC 6282 §4.3, UDP header compression: "Compressing the UDP Header"."""

from dataclasses import replace

import pytest

from fixtures.api import (
    Case,
    Stimulus,
    forms,
    link_info,
    needs,
    nothing_of,
    on_link,
    raw,
    requirement,
    stimulus,
    understood_all,
)
from sixlowpan import ipv6
from suites.rfc6282.test_3_2_values import edges

#: Rows of the four port forms.
P = ("RFC6282-4.3.3-03", "RFC6282-4.3.3-04", "RFC6282-4.3.3-05", "RFC6282-4.3.3-06")
PORTS = [
    # (P, source port, destination port): the boundaries of 0xf0b0/12 and 0xf000/8, RFC 6282 §4.3.1
    pytest.param(p, *ports, id=name, marks=requirement(P[p], *(("RFC6282-4.3.1-01",) if p == 0b11 else ())))
    for name, p, *ports in (
        ("00", 0b00, 0x1234, 0x5678),
        ("00-just-outside", 0b00, 0xEFFF, 0xF100),
        ("00-could-be-11", 0b00, 0xF0B1, 0xF0B2),
        ("01-first", 0b01, 0x1234, 0xF000),
        ("01-last", 0b01, 0xF100, 0xF0FF),
        ("10-first", 0b10, 0xF000, 0x1234),
        ("10-last", 0b10, 0xF0FF, 0xEFFF),
        ("11", 0b11, 0xF0B0, 0xF0BF),
        ("11-swapped", 0b11, 0xF0BF, 0xF0B0),
        ("01-one-outside", 0b01, 0xF0AF, 0xF0B0),
        ("10-one-outside", 0b10, 0xF0B0, 0xF0C0),
    )
]

#: Ports in-line as each P has them (§4.3.3).
SHORT_AND_LONG = [bytes.fromhex(octets) for octets in ("12345678", "1234cd", "ab5678", "12")]


def datagram(case: Case, source_port: int, destination_port: int, size: int = 12, **header: int) -> bytes:
    """A UDP packet from the tester to the DUT with a payload in which swapped octets show."""
    source, destination = case.tester.identity.address, case.tester.dut_address
    message = ipv6.udp(source_port, destination_port, case.application.data(size), source, destination)
    return ipv6.build(source, destination, 17, message, **header)


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3-01", "RFC6282-4.3.3-01", "RFC6282-4.3.3-07", "RFC6282-3.1.1-06", "RFC6282-4-01")
@pytest.mark.parametrize(("p", "source_port", "destination_port"), PORTS)
def test_ports(case: Case, p: int, source_port: int, destination_port: int):
    """Ports come out as they went in, in each of the four port forms and at the edges of their ranges."""
    case.understood(lambda: stimulus(case, datagram(case, source_port, destination_port), NH=1, P=p, C=0))


@needs("ip_tap")
@pytest.mark.parametrize(
    "p",
    [
        pytest.param(p, id=f"{p:02b}", marks=requirement(P[p], "RFC6282-4.3.3-07"))
        for p in (0b00, 0b01, 0b10, 0b11)
    ],
)
def test_every_port(case: Case, p: int):
    """Every value of a port of 8 or 4 bits, and every bit of one of 16."""
    whole, short = list(edges(b"\x5a\xc3")), range(0xF000, 0xF100)
    words = [int.from_bytes(word) for word in whole]
    pairs = {
        0b00: [(a, b) for a in words for b in (words[0], words[-1])] + [(0x1234, b) for b in words],
        0b01: [(0x1234, port) for port in short] + [(word, 0xF0A5) for word in words],
        0b10: [(port, 0x1234) for port in short] + [(0xF0A5, word) for word in words],
        0b11: [(0xF0B0 | nibbles >> 4, 0xF0B0 | nibbles & 15) for nibbles in range(256)],
    }[p]
    inline = (
        lambda a, b: a.to_bytes(2) + b.to_bytes(2),
        lambda a, b: a.to_bytes(2) + bytes([b & 0xFF]),
        lambda a, b: bytes([a & 0xFF]) + b.to_bytes(2),
        lambda a, b: bytes([a << 4 & 0xF0 | b & 15]),
    )[p]

    def make(a: int, b: int) -> Stimulus:
        packet = datagram(case, a, b)
        payload = bytes([0x7E, 0x33, 0xF0 | p]) + inline(a, b) + packet[46:]
        return Stimulus([payload], packet, case.tester.info(), f"UDP NHC, P={p:02b}, {a:04x} to {b:04x}")

    understood_all(case, ((None, lambda a=a, b=b: make(a, b)) for a, b in pairs))


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4-02", "RFC6282-4.3-01")
@pytest.mark.parametrize("traffic_class", [0x00, 0x55, 0xAA, 0xFF], ids="{:02x}".format)
def test_traffic_class(case: Case, traffic_class: int):
    """UDP NHC behind in-line IPv6 fields: the traffic class does not disturb the ports.

    Its values are the same with ECN and DSCP swapped: their order is tried by 3.1.1/tf.
    """
    case.understood(
        lambda: stimulus(
            case, datagram(case, 0xF0B3, 0x1234, traffic_class=traffic_class, hop_limit=33), NH=1, P=0b10
        )
    )


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3.3-01", "RFC6282-4.3.3-08", "RFC6282-4.3-01")
@pytest.mark.parametrize("size", [0, 1, 2, 63], ids=str)
def test_length(case: Case, size: int):
    """The UDP length is inferred from the frame: also for no payload, and for one of an odd length."""
    case.understood(lambda: stimulus(case, datagram(case, 0xF0B3, 0x1234, size), NH=1))


@on_link("ble")
@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3.3-08", "RFC7668-3.2-04", "RFC6282-3.2-03")
@pytest.mark.parametrize("size", [207, 208, 247, 248, 600, 1232], ids=str)
def test_length_of_a_long_sdu(case: Case, size: int):
    """One SDU holds the whole packet, whose length has more than eight bits, and so has UDP's."""
    case.understood(lambda: stimulus(case, datagram(case, 0xF0B3, 0x1234, size), NH=1))


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3.3-06", "RFC6282-4.3.3-05", "RFC6282-4.3.3-04", "RFC6282-4.3.3-03")
def test_ports_in_turn(case: Case):
    """Each of the four port forms right behind each other form: nothing is left of the ports of the datagram before."""
    ports = {0b00: (0x1234, 0x5678), 0b01: (0x9ABC, 0xF0DE), 0b10: (0xF012, 0x3456), 0b11: (0xF0B7, 0xF0B8)}
    for p in (0b00, 0b11, 0b01, 0b00, 0b10, 0b01, 0b11, 0b10, 0b00):
        case.understood(lambda p=p: stimulus(case, datagram(case, *ports[p]), NH=1, P=p, C=0))


@needs("ip_tap|port_unreachable")  # a console that prints what the application gets prints no zeros
@requirement("RFC6282-4.3-01", "RFC6282-4.3.3-08", "RFC6282-3.2-03")
@pytest.mark.parametrize("zeros", [1, 2, 3, 40], ids=str)
def test_zeros_at_the_end(case: Case, zeros: int):
    """Data that is octets 00, and data that ends with some: no octet of a payload is padding."""
    for front in (b"", b"\x5a"):
        case.understood(lambda front=front: stimulus(case, ending(case, front + bytes(zeros)), NH=1))
        case.understood(lambda front=front: stimulus(case, case.tester.echo(data=front + bytes(zeros))))


def ending(case: Case, data: bytes) -> bytes:
    """A datagram with this data."""
    source, destination = case.tester.identity.address, case.tester.dut_address
    message = ipv6.udp(0xF0B3, 0x1234 + case.tester.random.randrange(64), data, source, destination)
    return ipv6.build(source, destination, ipv6.UDP, message)


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3-01", "RFC6282-3.1.1-05")
def test_uncompressed_udp(case: Case):
    """NH=0 with next header 17 in-line: a UDP header that is not compressed, also where its ports look like NHC."""
    case.understood(lambda: stimulus(case, datagram(case, 0xF0B3, 0x1234), NH=0))
    ports = ((0xF0B1, 0xF0B2), (0xF312, 0xF0C3), (0xF7A7, 0xE006), (0xE141, 0x7A33), (0xEE7A, 0x33F0))
    understood_all(
        case,
        ((None, lambda here=h, there=t: stimulus(case, datagram(case, here, there), NH=0)) for h, t in ports),
    )


def unprotected(case: Case) -> None:
    """End the case where our frames carry a MIC: by that a DUT may take C=1, as `rfc6282/4.3.2` has it."""
    if case.rig.link.protects:
        case.unsupported("our frames carry an integrity code on this link", "not_on_this_link")


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3.2-12", "RFC6282-4.3.2-10")
def test_elided_checksum_without_integrity(case: Case):
    """C=1 on a link that nobody protects: "the decompressor MUST drop the packet" (§4.3.2).

    Nothing else covers the datagram (no MIC, IPsec or DTLS), so the DUT has no way to be certain.
    """
    unprotected(case)

    def make() -> Stimulus:
        packet = datagram(case, 0xF0B3, 0x1234)
        protected = replace(
            link_info(case, packet), integrity=True
        )  # only so that the form may be built at all
        payload = min(forms(packet, protected, case.tester.contexts, NH=1, C=1), key=len)
        return raw(case, [payload], note="UDP NHC with C=1, no link-layer security")

    like = datagram(case, 0xF0B3, 0x1234)
    case.application.listen_for(like)
    case.silent(make)
    case.expect(
        not case.application.delivered(like), "accepted", "the datagram is dropped", "the application got it"
    )


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.3.2-12", "RFC6282-4.3.2-10")
def test_elided_checksum_in_any_company(case: Case):
    """C=1 beside each form of the ports, to a group, under a context, behind options and an inner header: dropped."""
    unprotected(case)
    tester = case.tester
    heads = {f"P={p:02b}": bytes([0xF4 | p]) + octets for p, octets in enumerate(SHORT_AND_LONG)}
    plain = heads["P=00"]
    heads = {name: b"\x7e\x33" + octets for name, octets in heads.items()}
    heads["behind options"] = bytes.fromhex("7e33 e1 06 1e04a1a2a3a4") + plain
    heads["behind an inner header"] = bytes.fromhex("7e33 ee 7e33") + plain
    heads["to a group"] = bytes.fromhex("7e3b 01") + plain
    if 0 in tester.contexts:
        heads["under a context"] = bytes.fromhex("7e73") + plain
    stimuli = []
    for name, octets in heads.items():
        everybody = b"\xff\xff" if name == "to a group" and tester.kind == "ieee802154" else None
        info, data = tester.info(destination=everybody), case.application.data(12)
        stimuli.append(Stimulus([octets + data], None, info, f"C=1 {name}, no link-layer security"))
    nothing_of(case, stimuli)
