"""RFC 6282 §4.2, chains that are compressed in part: what stands behind the last NHC octet is as IPv6 has it.

"LOWPAN_NHC encodings ... MUST be contiguous": the first header without one ends them, and from there on lengths count
units of 8 octets, UDP has all of its fields, and padding stays. And longer chains, in frames and in first fragments.
"""

from collections.abc import Iterator
from itertools import pairwise, product

import pytest

from fixtures.api import (
    Case,
    Make,
    Stimulus,
    link_info,
    needs,
    requirement,
    right_or_nothing,
    spelled,
    understood_all,
)
from sixlowpan import ipv6
from suites.rfc6282.test_4_2 import (
    DESTINATION,
    EID,
    FRAGMENT,
    HOP_BY_HOP,
    MOBILITY,
    ROUTING,
    UNKNOWN,
    understood_behind,
)

UDP, ICMPV6 = 17, 58
#: Headers as their octets behind next header and length: options with padding in them and behind them, a route that is
#: at its end.
BODIES = {
    HOP_BY_HOP: UNKNOWN,
    DESTINATION: bytes.fromhex("0102 0000 1e08 a1a2a3a4a5a6a7a8"),
    ROUTING: bytes.fromhex("fe00 00000000"),
    FRAGMENT: bytes.fromhex("0000 12345678"),
    MOBILITY: bytes.fromhex("0000 00000000"),
}
#: Chains: the headers that are NHC-encoded, and those behind them that are not.
CHAINS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((DESTINATION,), ()),
    ((HOP_BY_HOP,), ()),
    ((HOP_BY_HOP, DESTINATION), ()),
    ((ROUTING, DESTINATION), ()),
    ((FRAGMENT, DESTINATION), ()),
    ((MOBILITY, DESTINATION), ()),
    ((HOP_BY_HOP, MOBILITY), ()),
    ((HOP_BY_HOP, DESTINATION, ROUTING, FRAGMENT, DESTINATION), ()),
    ((HOP_BY_HOP,), (DESTINATION,)),
    ((DESTINATION,), (DESTINATION,)),
    ((HOP_BY_HOP,), (ROUTING, DESTINATION)),
    ((DESTINATION,), (ROUTING,)),
    ((HOP_BY_HOP,), (FRAGMENT,)),
    ((FRAGMENT,), (DESTINATION,)),
    ((ROUTING,), (DESTINATION,)),
    ((), (HOP_BY_HOP, DESTINATION)),
    ((), (ROUTING,)),
    ((), (DESTINATION,)),
    ((), (DESTINATION, DESTINATION)),
)


def plain(kind: int, following: int) -> bytes:
    """An extension header as IPv6 has it."""
    body = BODIES[kind]
    length = 0 if kind == FRAGMENT else (len(body) + 2) // 8 - 1
    return bytes([following, length]) + body


def partly(case: Case, nhc: tuple[int, ...], behind: tuple[int, ...], upper: int, size: int) -> Stimulus:
    """A datagram, or an echo, behind such a chain; nothing of it has an NHC octet but the headers in `nhc`."""
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address
    message = (
        ipv6.udp(0xF0B1, 0xF0B2, tester.pattern(size), source, destination)
        if upper == UDP
        else ipv6.Packet.parse(tester.echo(size)).payload
    )
    kinds = [*nhc, *behind, upper]
    headers = b"".join(plain(kind, following) for kind, following in pairwise(kinds))
    packet = ipv6.build(source, destination, kinds[0], headers + message)
    wire = b""
    for at, kind in enumerate(nhc):
        last = at == len(nhc) - 1
        octet = 0xE0 | EID[kind] << 1 | (not last)
        length = 0 if kind == FRAGMENT else len(BODIES[kind])
        wire += bytes([octet, *([kinds[at + 1]] if last else []), length]) + BODIES[kind]
    begin = 40 + sum(len(plain(kind, 0)) for kind in nhc)
    head = bytes.fromhex("7e33") if nhc else bytes([0x7A, 0x33, kinds[0]])
    payload = head + wire + packet[begin:]
    info = link_info(case, packet)
    names = f"NHC of {', '.join(map(str, nhc)) or 'nothing'}, then {', '.join(map(str, [*behind, upper]))} as they are"
    return Stimulus(tester.payloads(packet, info, payload), packet, info, names)


@needs("ip_tap")
@requirement(
    "RFC6282-4.2-11",
    "RFC6282-4.2-12",
    "RFC6282-4.2-01",
    "RFC6282-4.2-13",
    "RFC6282-4.2-16",
    "RFC6282-4.2-03",
    "RFC6282-4.2-04",
    "RFC6282-4.2-05",
    "RFC6282-4.2-06",
    "RFC6282-4.2-07",
    "RFC6282-3.1.1-05",
    "RFC6282-3.2-03",
    "RFC6282-4-02",
)
@pytest.mark.parametrize("size", [5, 130], ids=["frame", "fragments"])
def test_every_partly_compressed_chain(case: Case, size: int):
    """Plain UDP, ICMPv6 and extension headers behind compressed ones, and behind none: they come out as they are."""
    if size > 100 and case.tester.kind == "ble":
        size = 700

    def makes() -> Iterator[tuple[None, Make]]:
        for nhc, behind in CHAINS:
            for upper in (UDP, ICMPV6):
                yield None, lambda nhc=nhc, behind=behind, upper=upper: partly(case, nhc, behind, upper, size)

    understood_all(case, makes())


@needs("ip_tap|echo")
@requirement("RFC6282-4.2-11", "RFC6282-4.2-01", "RFC6282-4.2-03")
@pytest.mark.parametrize("upper", [UDP, ICMPV6], ids=["udp", "icmpv6"])
def test_plain_upper_layer(case: Case, upper: int):
    """Compressed Destination Options, then 17 or 58 in-line and the whole message as it is."""
    if upper == UDP and not case.dut.has_tap and not case.can("port_unreachable"):
        case.unsupported("the profile declares neither ip_tap nor port_unreachable: nothing would show")
    understood_behind(case, lambda: partly(case, (DESTINATION,), (), upper, 5))


def options(size: int, fill: int) -> bytes:
    """So many octets of options, none of them padding, that differ from those of another header."""
    return b"" if size < 2 else bytes([0x1E, size - 2]) + bytes([fill]) * (size - 2)


def padded(size: int, fill: int, following: int) -> bytes:
    """The header with these options as IPv6 has it, with the pad that restores its length (§4.2)."""
    missing = -(2 + size) % 8
    pad = b"" if not missing else b"\0" if missing == 1 else bytes([1, missing - 2]) + bytes(missing - 2)
    return bytes([following, (2 + size + missing) // 8 - 1]) + options(size, fill) + pad


@needs("ip_tap")
@requirement(
    "RFC6282-4.2-12",
    "RFC6282-4.2-15",
    "RFC6282-4.2-13",
    "RFC6282-4.3.3-08",
    "RFC6282-4.3-01",
    "RFC6282-4.2-03",
)
@pytest.mark.parametrize("data", [5, 130], ids=["frame", "fragments"])
def test_every_pad_of_a_chain(case: Case, data: int):
    """Two to four headers with options of many lengths, elided pads in each, and UDP: compressed, and as it is."""
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address
    if data > 100 and tester.kind == "ble":
        data = 700

    def make(first: int, sizes: tuple[int, ...], nhc: bool) -> Stimulus:
        kinds = [first, *[DESTINATION] * (len(sizes) - 1), UDP]
        message = ipv6.udp(0xF0B1, 0xF0B2, tester.pattern(data), source, destination)
        headers = wire = b""
        for at, size in enumerate(sizes):
            headers += padded(size, 0xA0 + at, kinds[at + 1])
            elided = nhc or at < len(sizes) - 1
            octet = 0xE0 | EID[kinds[at]] << 1 | elided
            wire += bytes([octet, *([] if elided else [UDP]), size]) + options(size, 0xA0 + at)
        packet = ipv6.build(source, destination, first, headers + message)
        tail = b"\xf3\x12" + message[6:] if nhc else message
        payload = bytes.fromhex("7e33") + wire + tail
        info = tester.info()
        note = f"options of {', '.join(map(str, sizes))} octets"
        return Stimulus(tester.payloads(packet, info, payload), packet, info, note)

    sizes = [*product((6, 7, 12), range(2, 15)), (6, 3, 9), (5, 6, 13), (6, 6, 6, 6), (2, 7, 4, 9)]
    understood_all(
        case,
        (
            (None, lambda first=first, sizes=sizes, nhc=nhc: make(first, sizes, nhc))
            for sizes in sizes
            for first in (HOP_BY_HOP, DESTINATION)
            for nhc in (True, False)
        ),
    )


@needs("ip_tap")
@requirement("RFC6282-4.2-05", "RFC6282-4.2-20", "RFC6282-4.2-11")
def test_later_ipv6_fragment(case: Case):
    """EID 2 of an IPv6 fragment that is not the first: what follows is the middle of something, and stays as it is."""
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address

    def make(offset: int, flags: int, following: int, behind: bytes) -> Stimulus:
        body = (offset << 3 | flags).to_bytes(2) + bytes.fromhex("12345678")
        data = behind + tester.pattern(8)
        packet = ipv6.build(source, destination, FRAGMENT, bytes([following, 0]) + body + data)
        payload = bytes([0x7E, 0x33, 0xE4, following, 0]) + body + data
        return Stimulus(
            [payload], packet, tester.info(), f"Fragment NHC, offset {offset}, next header {following}"
        )

    # what may be taken for a UDP header, for an NHC octet, for options
    middles = (
        bytes.fromhex("1234567800000000"),
        bytes.fromhex("f012345678000000"),
        bytes.fromhex("3a001e04a1a2a3a4"),
    )
    understood_all(
        case,
        (
            (
                None,
                lambda at=at, flags=flags, following=following, middle=middle: make(
                    at, flags, following, middle
                ),
            )
            for at, flags in ((1, 1), (23, 7), (154, 6))  # M, and the reserved bits in front of it
            for following in (UDP, ICMPV6, DESTINATION)
            for middle in middles
        ),
    )


@needs("ip_tap")
@requirement("RFC6282-4.2-04", "RFC6282-4.2-13", "RFC6282-4.2-20", "RFC6282-4.3.3-08")
def test_long_routing_header(case: Case):
    """EID 1 with room for up to three addresses, and UDP behind it: as it is, and by NHC in each form of its ports."""
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address

    def make(octets: int, nhc: int) -> Stimulus:
        body = bytes.fromhex("fe00") + tester.pattern(octets - 2)
        wide, short = (0x1234, 0x5678), (0xF0B1, 0xF0B2)
        here, there = {0xF0: wide, 0xF1: (0x1234, 0xF0B2), 0xF2: (0xF0B1, 0x5678)}.get(nhc, short)
        message = ipv6.udp(here, there, tester.pattern(5), source, destination)
        ports = {0xF0: message[:4], 0xF1: message[:2] + message[3:4], 0xF2: message[1:4], 0xF3: b"\x12"}
        headers = bytes([UDP, (octets + 2) // 8 - 1]) + body
        packet = ipv6.build(source, destination, ROUTING, headers + message)
        wire = bytes([0xE3, octets]) if nhc else bytes([0xE2, UDP, octets])
        tail = bytes([nhc]) + ports[nhc] + message[6:] if nhc else message
        info = tester.info()
        payloads = tester.payloads(packet, info, bytes.fromhex("7e33") + wire + body + tail)
        return Stimulus(payloads, packet, info, f"a Routing header of {octets} octets, UDP NHC {nhc:02x}")

    stimuli = ((octets, nhc) for octets in (6, 14, 22, 38, 54) for nhc in (0, 0xF0, 0xF1, 0xF2, 0xF3))
    understood_all(
        case, ((None, lambda octets=octets, nhc=nhc: make(octets, nhc)) for octets, nhc in stimuli)
    )


#: Outer headers in front of an inner one: NHC-encoded options, then EID 7.
BEHIND_OPTIONS = bytes.fromhex("7e33 e1 06 1e04a1a2a3a4 ee")
BEHIND_TWO = bytes.fromhex("7e33 e1 06 1e04a1a2a3a4 e7 06 1e04b1b2b3b4 ee")


@needs("ip_tap", "context")
@requirement("RFC6282-4.2-10", "RFC6282-4.2-19", "RFC6282-3.2.2-01", "RFC6282-4.2-12")
@pytest.mark.parametrize("size", [8, 130], ids=["frame", "fragments"])
def test_inner_header_behind_options(case: Case, size: int):
    """IPv6 in IPv6 behind compressed options: an inner header with each TF, to a group, with UDP NHC behind it."""
    size = 700 if size > 100 and case.tester.kind == "ble" else size
    heads = (
        "7a33 3a",
        "7e33",
        "6233 45023456 3a",
        "6a33 4bcdef 3a",
        "7233 5a 3a",
        "783b 3a 21 01",
        "7a3b 3a 01",
    )
    understood_all(
        case,
        (
            (None, lambda front=front, head=head: spelled(case, bytes.fromhex(head), front=front, size=size))
            for front in (BEHIND_OPTIONS, BEHIND_TWO, bytes.fromhex("7e33 ee"))
            for head in heads
        ),
    )


@needs("ip_tap")
@requirement("RFC6282-4.2-18", "RFC6282-4.2-10")
def test_unused_nh_bit(case: Case):
    """EID 7 with NH=1: the bit "is unused"; what a receiver makes of the packet is what NH=0 makes, or nothing."""

    def make() -> Stimulus:
        good = spelled(case, bytes.fromhex("7a33 3a"), front=bytes.fromhex("7e33 ee"))
        payload = good.payloads[0]
        return Stimulus([payload[:2] + b"\xef" + payload[3:]], good.packet, good.info, "NHC octet ef")

    right_or_nothing(case, make)


@needs("ip_tap")
@requirement("RFC6282-4.3.2-09", "RFC6282-4.2-19")
@pytest.mark.parametrize("front", ["7e33 ee", "7e33 e1 06 1e04a1a2a3a4 ee"], ids=["inner", "options-inner"])
def test_restored_checksum_of_an_inner_datagram(case: Case, front: str):
    """C=1 behind an inner IPv6 header: the pseudo-header has the inner addresses; or the packet is dropped."""
    tester = case.tester

    def make() -> Stimulus:
        inner = bytes.fromhex("7e00 20010db8aaaa0000 2d4b87a5f01ec369 20010db8bbbb0000 5a963c0fe1784bd2")
        good = spelled(case, inner, front=bytes.fromhex(front), size=9)
        assert good.packet is not None
        at = len(good.payloads[0]) - len(good.packet[-9:]) - 7
        payload = good.payloads[0]
        elided = payload[:at] + bytes([payload[at] | 4]) + payload[at + 1 : at + 5] + payload[at + 7 :]
        return Stimulus([elided], good.packet, tester.info(), "C=1 behind EID 7")

    right_or_nothing(case, make)


@needs("ip_tap")
@requirement("RFC6282-4.2-15", "RFC6282-4.2-13", "RFC6282-4.2-12", "RFC6282-4.2-19", "RFC6282-3.2-03")
@pytest.mark.parametrize("data", [5, 130], ids=["frame", "fragments"])
def test_options_of_an_inner_packet(case: Case, data: int):
    """Compressed options behind the inner header of EID 7: their length and elided pad come back in both packets."""
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address
    if data > 100 and tester.kind == "ble":
        data = 700

    def make(header: int, size: int, nhc: bool) -> Stimulus:
        message = ipv6.udp(0xF0B1, 0xF0B2, tester.pattern(data), source, destination)
        inner = ipv6.build(source, destination, header, padded(size, 0xA0, UDP) + message)
        packet = ipv6.build(source, destination, 41, inner)
        octet = 0xE0 | EID[header] << 1 | nhc
        wire = bytes([octet, *([] if nhc else [UDP]), size]) + options(size, 0xA0)
        payload = bytes.fromhex("7e33 ee 7e33") + wire + (b"\xf3\x12" + message[6:] if nhc else message)
        info = tester.info()
        note = f"options of {size} octets behind an inner header"
        return Stimulus(tester.payloads(packet, info, payload), packet, info, note)

    understood_all(
        case,
        (
            (None, lambda header=header, size=size, nhc=nhc: make(header, size, nhc))
            for header in (HOP_BY_HOP, DESTINATION)
            for size in range(2, 15)
            for nhc in (True, False)
        ),
    )
