"""RFC 6282 §2, compressed headers in a first fragment: all of them mean there what they mean in a frame of their own.

"any header that cannot fit within the first fragment MUST NOT be compressed": what does fit may have every form.
"""

from collections.abc import Iterator

import pytest

from fixtures.api import Case, Stimulus, needs, on_link, requirement, spelled, stimulus, understood_all
from sixlowpan import fragment_header_1, fragment_header_n, ipv6
from suites.rfc6282.test_3_1 import head, modes, reserved
from suites.rfc6282.test_4_2_chains import INNER_WORDS, OUTER
from suites.rfc6282.test_4_3 import PORTS, datagram

pytestmark = on_link("ieee802154")

#: Octets of data that no frame has room for.
MANY = 120
#: First octets of headers: dispatch values (RFC 4944 §5.1), pages, NHC octets (RFC 6282 §5), a code of GHC.
LIKE_HEADERS = bytes.fromhex("00 3f 40 41 42 50 60 7a 7f 80 9f bf c0 c5 df e0 e5 ee f0 f1 f3 ff")
#: Headers with each in-line form of the traffic class and flow label (RFC 6282 §3.2.1); reserved bits are 0.
TRAFFIC = tuple(bytes.fromhex(octets) for octets in ("7233 5a 3a", "6a33 4bcdef 3a", "6233 45023456 3a"))
#: In-line bits of an address for each mode with a context (RFC 6282 §3.1.1); mode 00 is another one.
INLINE = {0b01: bytes.fromhex("0123456789abcdef"), 0b10: bytes.fromhex("cdef"), 0b11: b""}


@needs("ip_tap", "context")
@requirement(
    "RFC6282-2-04",
    "RFC6282-2-06",
    "RFC6282-3.2-03",
    "RFC6282-3.1.1-01",
    "RFC6282-3.1.1-02",
    "RFC6282-3.1.1-03",
    "RFC6282-3.1.1-07",
    "RFC6282-3.1.2-02",
    "RFC6282-3.1.2-05",
    "RFC6282-3.2.1-01",
    "RFC6282-3.2.1-02",
    "RFC6282-3.2.1-03",
    "RFC6282-3.1.1-08",
    "RFC6282-3.1.1-10",
    "RFC6282-3.1.1-15",
    "RFC6282-3.1.1-16",
    "RFC6282-3.1.1-17",
    "RFC6282-3.1.1-18",
    "RFC6282-3.1.1-19",
    "RFC6282-3.1.1-29",
    "RFC6282-3.1.1-30",
    "RFC6282-3.1.1-31",
    "RFC6282-3.1.1-32",
    "RFC6282-3.1.1-37",
    "RFC6282-3.1.1-38",
    "RFC6282-3.1.1-39",
    "RFC6282-3.1.1-40",
    "RFC6282-3.2.2-04",
    "RFC6282-3.2.3-02",
)
def test_every_header(case: Case):
    """Each first and each second octet of IPHC is understood in a first fragment."""
    words = [first << 8 | 0x33 for first in range(0x60, 0x80)]
    words += [first << 8 | second for first in (0x60, 0x7E) for second in range(256)]
    legal = [word for word in dict.fromkeys(words) if not reserved(word)]
    legal.sort(key=lambda word: word & 0xC == 0xC)  # what some refuse comes last: stateful multicast
    understood_all(
        case,
        [
            *(("traffic", lambda octets=octets: spelled(case, octets, size=MANY)) for octets in TRAFFIC),
            *((modes(word), lambda word=word: spelled(case, head(case, word), size=MANY)) for word in legal),
        ],
    )


@needs("ip_tap", "context")
@requirement(
    "RFC6282-3.1.1-23",
    "RFC6282-3.1.1-20",
    "RFC6282-3.1.1-21",
    "RFC6282-3.1.1-22",
    "RFC6282-3.1.1-34",
    "RFC6282-3.1.1-35",
    "RFC6282-3.1.1-36",
    "RFC6282-3.1.1-24",
    "RFC6282-3.1.1-41",
    "RFC6282-3.2.4-02",
    "RFC6282-2-04",
    "RFC6282-3.1.1-19",
)
def test_every_context(case: Case):
    """In a first fragment: each context, of any length, in each mode of both addresses and of a group."""

    def heads() -> Iterator[bytes]:
        for identifier in case.tester.contexts:
            for mode, inline in INLINE.items():
                yield bytes([0x7A, 0xC3 | mode << 4, identifier << 4, 58]) + inline
                yield bytes([0x7A, 0xB4 | mode, identifier, 58]) + inline
        # last: stateful multicast, which some refuse
        for identifier, context in case.tester.contexts.items():
            if context.length <= 64:  # RFC 3306 §4 has room for 64 bits of a prefix
                yield bytes([0x7A, 0xBC, identifier, 58]) + bytes.fromhex("35a512345678")

    understood_all(
        case, ((modes(head[1]), lambda head=head: spelled(case, head, size=MANY)) for head in heads())
    )


@needs("ip_tap", "context")
@requirement("RFC6282-4.2-19", "RFC6282-4.2-10", "RFC6282-4.3.3-08", "RFC6282-2-04")
def test_every_inner_header(case: Case):
    """Each octet of IPHC behind EID 7: the inner packet's length is its own, and not that of the datagram."""
    understood_all(
        case,
        (
            (None, lambda word=word: spelled(case, head(case, word), front=OUTER, size=MANY))
            for word in INNER_WORDS
            if not reserved(word)
        ),
    )


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3-01", "RFC6282-4.3.3-01", "RFC6282-4.3.3-08", "RFC6282-2-04")
@pytest.mark.parametrize(("p", "source_port", "destination_port"), PORTS)
def test_ports(case: Case, p: int, source_port: int, destination_port: int):
    """In a first fragment: UDP ports in each of the four forms, and at the edges of their ranges."""
    case.understood(
        lambda: stimulus(case, datagram(case, source_port, destination_port, MANY), NH=1, P=p, C=0)
    )


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-3.1.1-05", "RFC6282-2-04")
def test_plain_udp(case: Case):
    """In a first fragment: a UDP header as it is, behind an in-line next header."""
    case.understood(lambda: stimulus(case, datagram(case, 0x1234, 0x5678, MANY), NH=0))


@needs("ip_tap")
@requirement("RFC6282-3.1.1-05", "RFC6282-2-04")
@pytest.mark.parametrize("protocol", [41, 44, 253], ids=str)
def test_plain_headers(case: Case, protocol: int):
    """In a first fragment: an in-line next header of any value; what it names stands behind it as it is."""
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address

    def make() -> Stimulus:
        inner = tester.echo(MANY)
        later = bytes([ipv6.ICMPV6, 0]) + bytes.fromhex("0510 12345678")  # the last fragment of some packet
        upper = {41: inner, 44: later + inner[40:], 253: tester.pattern(MANY)}[protocol]
        return stimulus(case, ipv6.build(source, destination, protocol, upper), NH=0)

    case.understood(make)


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3.3-08", "RFC6282-2-04", "RFC4944-5.3-19", "RFC4944-5.3-05")
def test_headers_alone(case: Case):
    """UDP NHC in a FRAG1 that holds the headers and no data, in front of the rest."""

    def make() -> Stimulus:
        packet, tag = datagram(case, 0x1234, 0x5678, MANY), case.tester.next_tag()
        first = fragment_header_1(len(packet), tag) + bytes.fromhex("7e33 f0") + packet[40:44] + packet[46:48]
        rest = [
            fragment_header_n(len(packet), tag, at // 8) + packet[at : at + 64]
            for at in range(48, len(packet), 64)
        ]
        return Stimulus([first, *rest], packet, case.tester.info(), "IPHC and UDP NHC alone in FRAG1")

    case.understood(make)


@needs("ip_tap|port_unreachable|udp")
@requirement("RFC6282-4.3.3-08", "RFC6282-2-04", "RFC4944-5.3-19")
def test_first_fragment_last(case: Case):
    """UDP NHC in a FRAG1 that comes behind the others: its length is still that of the datagram."""

    def backwards(packet: bytes) -> Stimulus:
        made = stimulus(case, packet)
        return Stimulus(made.payloads[::-1], packet, made.info, "the first fragment last")

    if not case.takes(lambda: backwards(case.tester.echo(MANY))):
        case.unsupported("the DUT takes no fragments that are out of order")
    case.understood(lambda: backwards(datagram(case, 0xF0B1, 0xF0B2, MANY)))


@requirement("RFC6282-2-06", "RFC4944-5.3-07")
def test_data_that_looks_like_a_header(case: Case):
    """Later fragments whose data begins as headers of every kind do: it is the octets of the packet, and no header."""
    tester = case.tester

    def make(octet: int) -> Stimulus:  # each unit of 8 octets begins so, wherever a fragment does
        data = b"".join(bytes([octet]) + tester.pattern(7) for _ in range(MANY // 8))
        return stimulus(case, tester.echo(data=data))

    understood_all(case, ((None, lambda octet=octet: make(octet)) for octet in LIKE_HEADERS))


@needs("ip_tap", "context")
@requirement("RFC6282-2-04", "RFC6282-3.1.1-12", "RFC6282-3.1.2-02", "RFC4944-5.3-19")
def test_headers_that_come_last(case: Case):
    """A first fragment that comes behind the others: its forms, contexts and all, mean what they always mean."""
    heads = [*TRAFFIC, bytes.fromhex("78333a07")]
    heads += [
        bytes([0x7A, second, identifier << 4 | identifier, 0x3A]) + octets
        for identifier, context in case.tester.contexts.items()
        if context.length == 64
        for second, octets in ((0xD3, INLINE[1]), (0xE3, INLINE[2]), (0xF3, INLINE[3]), (0xF7, b""))
    ]

    def late(octets: bytes) -> Stimulus:
        made = spelled(case, octets, size=MANY)
        made.payloads = [*made.payloads[1:], made.payloads[0]]
        return made

    understood_all(case, [(None, lambda octets=octets: late(octets)) for octets in heads])
