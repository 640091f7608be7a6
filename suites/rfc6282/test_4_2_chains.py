"""RFC 6282 §4.2, more of extension headers: inner padding, long headers, chains, and what the DUT sends."""

import pytest

from fixtures.api import (
    Case,
    Stimulus,
    checked,
    link_info,
    needs,
    outcome,
    raw,
    requirement,
    right_or_nothing,
    shown,
    spelled,
    understood_all,
    well_sent,
)
from sixlowpan import ipv6
from suites.rfc6282.test_3_1 import head, reserved
from suites.rfc6282.test_4_2 import (
    DESTINATION,
    EID,
    HOP_BY_HOP,
    UNKNOWN,
    compressed,
    packet_with,
    understood_behind,
)

INNER = {
    "pad1": bytes.fromhex("1e02a1a2 00 1e03b1b2b3 1e02c1c2"),
    "padn": bytes.fromhex("1e02a1a2 0103000000 1e03b1b2b3"),
    "padn-first": bytes.fromhex("0104 00000000 1e06a1a2a3a4a5a6"),
    "router-alert": bytes.fromhex("05020000 0100"),
    "two-paddings": bytes.fromhex("00 00 0100 1e02a1a2 0100 1e02b1b2"),
}


@needs("ip_tap|echo")
@requirement("RFC6282-4.2-16", "RFC6282-4.2-20", "RFC6282-4.2-03")
@pytest.mark.parametrize("header", [HOP_BY_HOP, DESTINATION], ids=["hop-by-hop", "destination"])
@pytest.mark.parametrize("padding", INNER)
def test_inner_padding(case: Case, header: int, padding: str):
    """Pad1 and PadN that do not stand at the end are in-line, and come out where they were (§4.2)."""
    options = INNER[padding]
    assert (len(options) + 2) % 8 == 0

    def make() -> Stimulus:
        packet = packet_with(case, header, bytes([(len(options) + 2) // 8 - 1]) + options)
        return compressed(case, header, options, packet)

    understood_behind(case, make)


@needs("ip_tap|echo")
@requirement("RFC6282-4.2-13", "RFC6282-4.2-17", "RFC6282-4.2-20")
@pytest.mark.parametrize("octets", [14, 30, 54], ids=str)
def test_long_header(case: Case, octets: int):
    """A header of several units of 8 octets: its length octet counts octets in-line, and units when it comes out."""
    options = bytes([0x1E, octets - 2]) + bytes(range(octets - 2))

    def make() -> Stimulus:
        packet = packet_with(case, DESTINATION, bytes([(octets + 2) // 8 - 1]) + options)
        return compressed(case, DESTINATION, options, packet)

    understood_behind(case, make)


@needs("ip_tap|echo")
@requirement("RFC6282-4.2-12", "RFC6282-4.2-13")
@pytest.mark.parametrize("count", [2, 4, 6], ids=str)
def test_long_chain(case: Case, count: int):
    """Destination options headers one behind the other, each NHC-encoded, the last with its next header in-line."""

    def make() -> Stimulus:
        inner = ipv6.Packet.parse(shown(case))
        kinds = [DESTINATION] * (count - 1) + [inner.next_header]
        body = b"".join(bytes([kind, 0]) + UNKNOWN for kind in kinds)
        packet = ipv6.build(inner.src, inner.dst, DESTINATION, body + inner.payload)
        chain = (b"\xe7\x06" + UNKNOWN) * (count - 1) + bytes([0xE6, inner.next_header, 6]) + UNKNOWN
        payload = bytes.fromhex("7e33") + chain + inner.payload
        return Stimulus([payload], packet, link_info(case, packet), f"{count} NHC octets")

    understood_behind(case, make)


@requirement("RFC6282-4.2-18")
def test_ipv6_in_ipv6_with_nh(case: Case):
    """EID 7 with NH=1: "MUST be set to zero" binds the sender; what a receiver does is not stated: it lives on."""
    inner = case.tester.echo()
    case.survives(lambda: raw(case, [bytes.fromhex("7e33 ef 7a33 3a") + inner[40:]], note="NHC octet ef"))


@needs("ip_tap|port_unreachable")
@requirement("RFC6282-4.2-10", "RFC6282-4.2-19", "RFC6282-3.2-03", "RFC6282-4.3.3-08")
@pytest.mark.parametrize("inner", ["inline", "udp"])
def test_ipv6_in_ipv6_forms(case: Case, inner: str):
    """An inner IPHC header with both addresses in-line, and one with a UDP NHC behind it."""
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address

    def make() -> Stimulus:
        if inner == "inline":
            packet = tester.echo()
            tail = bytes.fromhex("7a00 3a") + source + destination + packet[40:]
        else:
            message = ipv6.udp(0x1234, 0x5678, tester.pattern(5), source, destination)
            packet = ipv6.build(source, destination, 17, message)
            tail = bytes.fromhex("7e33 f0") + message[:4] + message[6:]
        whole = ipv6.build(source, destination, 41, packet)
        return Stimulus(
            [bytes.fromhex("7e33 ee") + tail], whole, link_info(case, whole), f"IPv6 NHC, inner {inner}"
        )

    understood_behind(case, make)


#: Outer headers whose addresses are neither the link's nor under a context, then the NHC octet of an inner one.
OUTER = bytes.fromhex("7e00 20010db8aaaa0000 2d4b87a5f01ec369 20010db8bbbb0000 5a963c0fe1784bd2 ee")
OUTER_AND_OPTIONS = OUTER[:-1] + bytes.fromhex("e1 06 1e04a1a2a3a4 ee")
#: Second octets of IPHC by which an address is elided: the source, the destination, both, and those under context 0.
ELIDED = (0x30, 0x03, 0x33, 0x70, 0x07, 0x77)
#: IPHC header words with every first and every second octet.
INNER_WORDS = tuple(
    dict.fromkeys(
        [
            *(first << 8 | 0x33 for first in range(0x60, 0x80)),
            *(first << 8 | second for first in (0x7E, 0x62) for second in range(256)),
        ]
    )
)


@needs("ip_tap", "context")
@requirement("RFC6282-4.2-19", "RFC6282-3.2.2-01", "RFC6282-4.2-10")
def test_every_inner_header(case: Case):
    """Each first and each second octet of IPHC behind EID 7: what is elided comes from the outer header.

    So it does where options stand between the two.
    """
    words = [(word, OUTER) for word in INNER_WORDS if not reserved(word)]
    words += [(0x7E00 | second, OUTER_AND_OPTIONS) for second in ELIDED]
    understood_all(
        case,
        (
            (None, lambda word=word, front=front: spelled(case, head(case, word), front=front))
            for word, front in words
        ),
    )


def options(octets: int) -> bytes:
    """So many octets of options, none of them padding: none where there is no such thing."""
    return (
        b""
        if octets < 2
        else bytes([0x1E, octets - 2]) + bytes(0x80 | value & 0x7F for value in range(octets - 2))
    )


@needs("ip_tap")
@requirement(
    "RFC6282-4.2-13",
    "RFC6282-4.2-15",
    "RFC6282-4.2-12",
    "RFC6282-4.3.3-08",
    "RFC6282-3.2-03",
    "RFC6282-4.2-16",
)
@pytest.mark.parametrize("header", [HOP_BY_HOP, DESTINATION], ids=["hop-by-hop", "destination"])
@pytest.mark.parametrize("data", [5, 130], ids=["frame", "fragments"])
def test_every_length(case: Case, header: int, data: int):
    """Options of every length, padded or not, and a datagram behind them: all lengths come out right.

    That is the length of the header, that of the datagram, and that of the packet.
    """
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address

    def make(size: int, behind: int) -> Stimulus:
        missing = -(2 + size) % 8
        pad = b"" if not missing else b"\0" if missing == 1 else bytes([1, missing - 2]) + bytes(missing - 2)
        first = bytes([behind, (size + 2 + missing) // 8 - 1]) + options(size) + pad
        second = bytes([17, 0]) + UNKNOWN if behind == DESTINATION else b""
        message = ipv6.udp(0x1234, 0x5678, tester.pattern(data), source, destination)
        packet = ipv6.build(source, destination, header, first + second + message)
        payload = bytes([0x7E, 0x33, 0xE1 | EID[header] << 1, size]) + options(size)
        payload += (b"\xe7\x06" + UNKNOWN if second else b"") + b"\xf0" + message[:4] + message[6:]
        info = tester.info()
        return Stimulus(tester.payloads(packet, info, payload), packet, info, f"{size} octets of options")

    room = tester.air.room(tester.info()) - 24  # all headers are in FRAG1 (§2), which security makes shorter
    longest = min(70, room) if tester.kind == "ieee802154" else 255
    understood_all(
        case,
        (
            (None, lambda size=size, behind=behind: make(size, behind))
            for size in range(2, longest + 1)
            for behind in (17, DESTINATION)
        ),
    )


@requirement("RFC6282-4.3.3-09", "RFC6282-4.2-05")
def test_udp_nhc_in_an_ipv6_fragment(case: Case):
    """UDP NHC behind a Fragment NHC whose M bit is set: length and checksum cannot be inferred; the DUT lives on."""
    stimuli = []
    for reading in (0, 6):
        head = bytes.fromhex("7e33 e5") + bytes([reading]) + bytes.fromhex("0001 12345678")
        payload = head + bytes.fromhex("f0 1234 5678 abcd") + case.tester.pattern(16)
        stimuli.append(raw(case, [payload], note="UDP NHC in the first of several IPv6 fragments"))
    outcome(case, stimuli)


@requirement("RFC6282-4.2-15", "RFC6282-4.2-13")
@pytest.mark.parametrize("octets", [0, 1, 5, 7], ids=str)
def test_odd_length(case: Case, octets: int):
    """A header whose length gives no multiple of 8, its options cut anywhere: padded rightly, or dropped."""
    options = (UNKNOWN + bytes.fromhex("1e00"))[:octets]
    echo = case.tester.echo()[40:]
    payload = bytes.fromhex("7e33 e0 3a") + bytes([octets]) + options + echo
    case.survives(lambda: raw(case, [payload], note=f"hop-by-hop options of {octets} octets"))


@needs("join")
@requirement(
    "RFC6282-4.2-01",
    "RFC6282-4.2-03",
    "RFC6282-4.2-11",
    "RFC6282-4.2-14",
    "RFC6282-4.2-17",
    "RFC6282-4.2-18",
    "RFC6282-4.2-10",
    "RFC6282-4.2-12",
    "RFC6282-4.2-13",
)
def test_own_extension_headers(case: Case):
    """The DUT's MLD report has a hop-by-hop header (RFC 3810 §5): NHC octets follow only compressed headers (§4.2)."""
    group = bytes.fromhex("ff15 0000 0000 0000 0000 0000") + case.tester.pattern(4)
    with case.aside():
        seen = case.sent_by(
            lambda: case.join(group),
            lambda s: (
                s.error is not None
                or (s.view is not None and s.view.next_header in {HOP_BY_HOP, DESTINATION})
            ),
        )
    if seen is None:
        case.unsupported("the DUT sends no packet with an extension header that a test can ask for")
    well_sent(case, seen)
    case.expect(
        seen.error is None,
        "undecodable",
        "headers of which each NHC octet is assigned",
        str(seen.error),
        requirement="RFC6282-4.2-11",
        frame=seen,
    )
    case.expect(
        seen.view is None or seen.view.next_header == HOP_BY_HOP,
        "sent_next_header",
        "a report behind a Hop-by-Hop Options header (RFC 3810 §5)",
        "one behind Destination Options",
        requirement="RFC6282-4.2-03",
        frame=seen,
    )


@requirement("RFC7400-3.1-02", "RFC6282-2-05", "RFC6282-5-02")
def test_nhc_of_later_documents(case: Case):
    """NHC types registered later "may be implemented in addition" (§2): GHC is understood or ignored, never misread."""
    packet = case.tester.echo()
    message = packet[40:]
    payload = bytes.fromhex("7e33 df") + bytes([len(message)]) + message
    right_or_nothing(
        case,
        lambda: Stimulus([payload], packet, case.tester.info(), "ICMPv6 GHC, all literal"),
        feature="ghc",
    )
    if not case.declares("ghc"):  # what these are by GHC nobody answers
        right_or_nothing(case, lambda: as_they_stand(case), requirement="RFC7400-3.1-02")


def as_they_stand(case: Case) -> Stimulus:
    """Codes of GHC that are, for who passes over 0xdf and reads them as they stand, an Echo Request.

    80 is two zeros, 00 is no octet, and the first octet of the checksum is the count of all that follow it.
    """
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address
    rest = tester.next_identifier().to_bytes(2) + tester.pattern(12)
    begins = bytes([0x80, 0])
    wanted = (len(rest) + 3) << 8 | 0x5A
    found = ipv6.checksum(source, destination, ipv6.ICMPV6, begins + bytes(2) + rest + bytes(2))
    codes = begins + wanted.to_bytes(2) + rest + ((found - wanted) % 0xFFFF).to_bytes(2)
    assert ipv6.checksum_holds(source, destination, ipv6.ICMPV6, codes), (
        "no Echo Request: it would prove nothing"
    )
    packet = ipv6.build(source, destination, ipv6.ICMPV6, bytes(2) + codes[3:], hop_limit=64)
    return checked(case, bytes.fromhex("7e33 df") + codes, packet, "ICMPv6 GHC, an Echo Request as it stands")
