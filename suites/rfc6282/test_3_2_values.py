"""RFC 6282 §3.2, IPv6 header encoding: every value of what is carried in-line, each bit of it by itself.

"Fields carried in-line (in part or in whole) appear in the same order as they do in the IPv6 header format."
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest

from fixtures.api import Case, Stimulus, needs, on_link, requirement, spelled, stimulus, understood_all
from sixlowpan import ipv6, link_local

#: An IID and a group that no other field gives.
IID = bytes.fromhex("2d4b87a5f01ec369")
GROUP = bytes.fromhex("15a5c3693c96")
ADDRESS = bytes.fromhex("2001 0db8 a5c3 6996") + IID
LINK_LOCAL = bytes.fromhex("fe80 0000 0000 0000") + IID


def octets() -> Iterator[bytes]:
    """All values of one octet."""
    return (bytes([value]) for value in range(256))


def flips(base: bytes, first: int = 0) -> Iterator[bytes]:
    """The octets, and the octets with each of their bits inverted from bit `first` on."""
    value, bits = int.from_bytes(base), 8 * len(base)
    yield base
    yield from ((value ^ 1 << bits - 1 - bit).to_bytes(len(base)) for bit in range(first, bits))


def edges(base: bytes) -> Iterator[bytes]:
    """As `flips`, and none and all of the bits."""
    yield from (bytes(len(base)), b"\xff" * len(base), *flips(base))


def tf00() -> Iterator[bytes]:
    # ECN + DSCP, then a flow label of 20 bits behind a pad that is zero (§3.2.1, figure 4)
    yield from (value + bytes.fromhex("0bcde5") for value in octets())
    yield from (b"\xaa" + label for label in (bytes(3), bytes.fromhex("0fffff"), *flips(b"\x05\xa5\xc3", 4)))


def tf01() -> Iterator[bytes]:
    # ECN, a pad of 2 bits that is zero, flow label (figure 5)
    labels = [bytes(3), bytes.fromhex("0fffff"), *flips(b"\x05\xa5\xc3", 4)]
    yield from (bytes([ecn << 6 | label[0]]) + label[1:] for ecn in range(4) for label in labels)


SHARED = "RFC6282-3.2-01", "RFC6282-3-02"
ICMPV6 = b"\x3a"
Values = Callable[[], Iterator[bytes]]
FIELD = "word", "before", "values", "behind"


def field(
    id: str,
    row: str,
    word: int,
    values: Values,
    before: bytes = ICMPV6,
    behind: bytes = b"",
    more: tuple[str, ...] = (),
) -> Any:
    """A field of a header that begins with these IPHC octets: its values, and what is in-line around it."""
    return pytest.param(word, before, values, behind, id=id, marks=requirement(row, *more, *SHARED))


def unicast() -> Iterator[bytes]:
    # M=0: "not a multicast"
    yield from (a for a in chain(flips(ADDRESS), flips(LINK_LOCAL)) if a[0] != 0xFF)


STATELESS = [
    field("tf00", "RFC6282-3.1.1-01", 0x6233, tf00, b"", ICMPV6),
    field("tf01", "RFC6282-3.1.1-02", 0x6A33, tf01, b"", ICMPV6),
    field("tf10", "RFC6282-3.1.1-03", 0x7233, octets, b"", ICMPV6),
    field("hlim", "RFC6282-3.1.1-07", 0x7833, octets),
    field("hlim-nhc", "RFC6282-3.1.1-07", 0x7C33, octets, b""),
    field("sam00", "RFC6282-3.1.1-15", 0x7A03, lambda: chain(flips(ADDRESS), flips(LINK_LOCAL))),
    field("sam01", "RFC6282-3.1.1-16", 0x7A13, lambda: edges(IID)),
    field("sam10", "RFC6282-3.1.1-17", 0x7A23, lambda: edges(IID[:2])),
    field("dam00", "RFC6282-3.1.1-29", 0x7A30, unicast),
    field("dam01", "RFC6282-3.1.1-30", 0x7A31, lambda: edges(IID)),
    field("dam10", "RFC6282-3.1.1-31", 0x7A32, lambda: edges(IID[:2])),
    field("m-dam00", "RFC6282-3.1.1-37", 0x7A38, lambda: flips(b"\xff" + GROUP + ADDRESS[:9], 8)),
    field("m-dam01", "RFC6282-3.1.1-38", 0x7A39, lambda: edges(GROUP)),
    field("m-dam10", "RFC6282-3.1.1-39", 0x7A3A, lambda: edges(GROUP[:4])),
    field("m-dam11", "RFC6282-3.1.1-40", 0x7A3B, octets),
]
STATEFUL = [
    field("sam01", "RFC6282-3.1.1-20", 0x7A53, lambda: edges(IID)),
    field("sam10", "RFC6282-3.1.1-21", 0x7A63, lambda: edges(IID[:2])),
    field("dam01", "RFC6282-3.1.1-34", 0x7A35, lambda: edges(IID)),
    field("dam10", "RFC6282-3.1.1-35", 0x7A36, lambda: edges(IID[:2])),
    field("m-dam00", "RFC6282-3.1.1-41", 0x7A3C, lambda: edges(GROUP), more=("RFC6282-3.2.4-02",)),
]


def heads(word: int, before: bytes, values: Values, behind: bytes) -> Iterator[bytes]:
    return (word.to_bytes(2) + before + value + behind for value in values())


@needs("ip_tap")
@pytest.mark.parametrize(FIELD, STATELESS)
def test_every_value(case: Case, word: int, before: bytes, values: Values, behind: bytes):
    """What is in-line comes out as it went in: every value of an octet, every bit of what is longer."""
    found = heads(word, before, values, behind)
    understood_all(case, ((None, lambda head=head: spelled(case, head)) for head in found))


@needs("ip_tap", "context")
@pytest.mark.parametrize(FIELD, STATEFUL)
def test_every_value_under_a_context(case: Case, word: int, before: bytes, values: Values, behind: bytes):
    """Address bits that are in-line under context 0 come out as they went in: every octet, every bit."""
    found = heads(word, before, values, behind)
    understood_all(case, ((None, lambda head=head: spelled(case, head)) for head in found))


@needs("ip_tap")
@requirement("RFC6282-3.1.1-05", "RFC6282-3.2-01")
def test_every_next_header(case: Case):
    """NH=0 with each of the 256 next headers: none is thought to have an NHC form only, or none at all."""
    # behind the in-line octet what is a header of 8 octets (No Next Header, PadN; as a Fragment header: atomic)
    body = bytes.fromhex("3b00 0104 00000000")
    atomic = bytes.fromhex("3b00 0000 12345678")

    def make(protocol: int) -> Stimulus:
        tester = case.tester
        message = (atomic if protocol == 44 else body) + tester.pattern(8)
        packet = ipv6.build(tester.identity.address, tester.dut_address, protocol, message)
        return Stimulus(
            [bytes([0x7A, 0x33, protocol]) + message], packet, tester.info(), f"next header {protocol}"
        )

    understood_all(case, ((None, lambda value=value: make(value)) for value in range(256)))


#: A universal EUI-64 without FFFE in it, so that its IID has the U/L bit set, and a short address.
LINKS = {"eui64": bytes.fromhex("00124b87a5f01ec3"), "short": bytes.fromhex("25a7")}


@on_link("ieee802154")
@needs("ip_tap", "context")
@pytest.mark.parametrize(
    "link",
    [
        pytest.param("eui64", id="eui64", marks=requirement("RFC6282-3.2.2-04", "RFC6282-3.1.1-22")),
        pytest.param(
            "short", id="short", marks=requirement("RFC6282-3.2.2-05", "RFC6282-3.2.2-06", "RFC6282-3.1.1-22")
        ),
    ],
)
def test_every_bit_of_a_link_address(case: Case, link: str):
    """§3.2.2: an IID elided against the frame's source has all of its bits, one of them inverted or none."""
    tester = case.tester
    if not case.rig.link.any_source:
        case.unsupported("the link cannot send from any address", "not_on_this_link")
    address = LINKS[link]
    # not the individual/group bit of an EUI-64; a short address begins with 0 (RFC 4944 §12)
    sources = [s for s in flips(address) if not s[0] & (0x01 if len(s) == 8 else 0x80)]

    def make(source: bytes, word: int) -> Stimulus:
        info = tester.info(source=source)
        prefix = tester.contexts[0].prefix[:8] if word & 0x40 else LINK_LOCAL[:8]
        packet = tester.echo(source=prefix + info.src_iid)
        return Stimulus([word.to_bytes(2) + ICMPV6 + packet[40:]], packet, info, f"from {source.hex()}")

    words = (0x7A33, 0x7A73)
    understood_all(
        case,
        ((None, lambda source=source, word=word: make(source, word)) for source in sources for word in words),
    )


@on_link("ieee802154")
@needs("ip_tap", "context")
@requirement("RFC6282-3.1.1-36", "RFC6282-3.2.2-06", "RFC6282-3.2.2-05")
def test_destination_elided_against_a_short_address(case: Case):
    """§3.2.2: what a context leaves of a destination comes from the very address in the frame, here the short one."""
    link = case.rig.link
    if not link.dut_short:
        case.unsupported("the DUT has no 16-bit link-layer address", "not_declared")
    address = case.tester.contexts[0].prefix[:8] + link_local(link.dut_short)[8:]
    info = case.tester.info(destination=link.dut_short)
    case.understood(lambda: stimulus(case, case.tester.echo(destination=address), info=info, DAC=1, DAM=3))
