"""RFC 4944 §5.1, dispatch type and header."""

import pytest

from fixtures.api import (
    Case,
    Stimulus,
    link_info,
    needs,
    on_link,
    pieces,
    plain,
    raw,
    requirement,
    stimulus,
    understood_all,
)
from sixlowpan import fragment_header_1, mesh_header
from sixlowpan.addresses import ALL_NODES
from suites.rfc6282.test_3_2_values import flips
from suites.rfc6282.test_4_3 import datagram

pytestmark = on_link("ieee802154")


@requirement("RFC4944-5.1-05", "RFC4944-5.1-01", "RFC4944-5-01")
@pytest.mark.parametrize("size", [0, 4, 20], ids=str)
def test_uncompressed_ipv6(case: Case, size: int):
    """0x41 is followed by a complete IPv6 header (§5.1): understood also by a node that prefers IPHC."""
    case.understood(lambda: stimulus(case, case.tester.echo(size), dispatch=0x41))


@requirement("RFC4944-5.1-05", "RFC4944-3-05")
def test_uncompressed_multicast(case: Case):
    """§5.1 and §3: the same to all nodes, in a link-layer broadcast."""
    if not case.shows(lambda: plain(case, case.tester.echo(4, destination=ALL_NODES))):
        case.unsupported("the DUT answers no echo to all nodes, and no IP tap shows it", "not_observable")
    case.understood(lambda: stimulus(case, case.tester.echo(4, destination=ALL_NODES), dispatch=0x41))


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC4944-5.1-05", "RFC4944-5-01")
def test_uncompressed_udp(case: Case):
    """§5.1: UDP behind an uncompressed header is as it is, also where its ports look like compressed ones or NHC."""
    ports = ((0x1234, 0x5678), (0xF0B1, 0xF0B2), (0xF0A7, 0xF0C3), (0xF312, 0xE006), (0x4141, 0x7A33))
    understood_all(
        case,
        (
            (None, lambda here=here, there=there: stimulus(case, datagram(case, here, there), dispatch=0x41))
            for here, there in ports
        ),
    )


@needs("ip_tap")
@requirement("RFC4944-5.1-05", "RFC4944-5.1-01")
def test_every_bit_of_an_uncompressed_header(case: Case):
    """§5.1: "the following header is an uncompressed IPv6 header": every bit of it comes out as it went in.

    But its version and its length, which the frame contradicts, and the octet that would make a source multicast.
    """
    packet = case.tester.echo(traffic_class=0xA5, flow_label=0x5A5A5)
    headers = [h for h in flips(packet[:40], 4) if h[4:7] == packet[4:7] and h[8] != 0xFF]

    def make(header: bytes) -> Stimulus:
        whole = header + case.tester.echo()[40:]
        info = link_info(case, whole)
        return Stimulus([b"\x41" + whole], whole, info, "uncompressed IPv6")

    understood_all(case, ((None, lambda header=header: make(header)) for header in headers))


@requirement("RFC4944-5.1-03", "RFC4944-5.1-02")
@pytest.mark.parametrize("dispatch", [0x00, 0x01, 0x1F, 0x3A, 0x3F], ids=lambda n: f"{n:02x}")
def test_nalp(case: Case, dispatch: int):
    """00xxxxxx: "Not a LoWPAN frame ... SHALL discard the packet", whatever stands behind it."""

    def make() -> Stimulus:
        inner = stimulus(case, case.tester.echo()).payloads[0]
        return raw(case, [bytes([dispatch]) + inner], note="NALP dispatch before a good IPHC payload")

    case.silent(make)


@requirement("RFC4944-5.1-03", "RFC4944-5.1-02")
@pytest.mark.parametrize("bits", [0x00, 0x20], ids=["00x", "001"])
def test_nalp_in_place_of_iphc(case: Case, bits: int):
    """The first two bits alone say "not a LoWPAN frame": a good IPHC payload with them cleared is none.

    First of a datagram (7f), then of an echo (7b), which every DUT shows that it took it.
    """

    def make(packet: bytes, nh: int) -> Stimulus:
        inner = stimulus(case, packet, TF=3, NH=nh, HLIM=3).payloads[0]
        return raw(
            case,
            [bytes([inner[0] & 0x1F | bits]) + inner[1:]],
            note=f"IPHC {inner[0]:02x} with its dispatch bits made NALP",
        )

    if not case.dut.has_tap and not case.can("port_unreachable"):
        case.unseen("nothing shows whether the datagram is taken: ip_tap or port_unreachable would")
    case.silent(lambda: make(datagram(case, 0x1234, 0x5678, hop_limit=255), 1))
    case.silent(lambda: make(case.tester.echo(hop_limit=255), 0))


@requirement("RFC4944-5.1-03", "RFC4944-5.1-02")
@pytest.mark.parametrize("header", ["ipv6", "hc1", "frag1", "mesh"])
def test_nalp_in_place_of_a_header(case: Case, header: str):
    """§5.1: a header of any kind whose first two bits are cleared is not a LoWPAN frame: nothing comes of it."""
    tester = case.tester

    def make() -> Stimulus:
        packet = tester.echo()
        inner = stimulus(case, packet).payloads[0]
        payload = {
            "ipv6": b"\x41" + packet,
            "hc1": bytes.fromhex("42fb 40") + packet[40:],
            "frag1": fragment_header_1(len(packet), tester.next_tag()) + inner,
            "mesh": mesh_header(tester.identity.link, tester.dut_link, 3) + inner,
        }[header]
        return raw(case, [bytes([payload[0] & 0x3F]) + payload[1:]], note=f"{header} with NALP bits")

    case.silent(make)


@requirement("RFC4944-5.1-16", "RFC4944-5.1-18")
@pytest.mark.parametrize("bits", [0x08, 0x10, 0x18], ids=["xx001", "xx010", "xx011"])
def test_reserved_in_place_of_fragments(case: Case, bits: int):
    """11001xxx, 1101xxxx and what was reserved behind 11100xxx: no fragments; that nothing comes of it is advice."""

    def make() -> Stimulus:
        packet, parts = pieces(case, 200)
        sent = [bytes([part[0] | bits]) + part[1:] for part in parts]
        return Stimulus(
            sent, None, link_info(case, packet), "reserved dispatch values in place of fragments'"
        )

    case.silent(make)


RESERVED = {
    0x43: "RFC4944-5.1-07",
    0x44: "RFC4944-5.1-08",
    0x4F: "RFC4944-5.1-08",
    0x51: "RFC4944-5.1-10",
    0x5F: "RFC4944-5.1-10",
    0xC8: "RFC4944-5.1-16",
    0xDF: "RFC4944-5.1-16",
    0xE8: "RFC4944-5.1-18",
    0xEC: "RFC4944-5.1-18",
    0xFF: "RFC4944-5.1-18",
}


@pytest.mark.parametrize(
    "dispatch", [pytest.param(d, id=f"{d:02x}", marks=requirement(r)) for d, r in RESERVED.items()]
)
def test_reserved(case: Case, dispatch: int):
    """Reserved dispatch values: no text states what a receiver does; that nothing comes of it is advice."""

    def make() -> Stimulus:
        inner = stimulus(case, case.tester.echo()).payloads[0]
        return raw(case, [bytes([dispatch]) + inner], note="reserved dispatch before a good IPHC payload")

    case.silent(make)


@requirement("RFC4944-5.1-13")
def test_esc_is_no_ipv6(case: Case):
    """0x40 (now ESC, RFC 8066 §3.1: an unknown extension type drops the packet): nothing comes of it."""

    def make() -> Stimulus:
        inner = stimulus(case, case.tester.echo()).payloads[0]
        return raw(case, [bytes([0x40, 0x7E]) + inner], note="ESC with an extension type that nobody owns")

    case.silent(make)


@requirement("RFC4944-5-03", "RFC4944-5-02")
def test_answers_begin_with_a_dispatch(case: Case):
    """§5: what the DUT sends begins with a valid LoWPAN encapsulation header."""
    seen = case.answered(lambda: stimulus(case, case.tester.echo()))
    if seen is not None:
        first = seen.payloads[0][0]
        legal = (
            first in {0x41, 0x42}
            or first >> 5 == 0b011
            or first >> 3 in {0b11000, 0b11100}
            or first >> 6 == 0b10
        )
        case.expect(legal, "dispatch", "0x41, HC1, IPHC, FRAG1 or mesh", f"0x{first:02x}", frame=seen)
