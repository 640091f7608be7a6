"""RFC 7400 §2 and §3, codes in company: variables, the whole dictionary, chains of headers, a first fragment.

The codes are written by hand; what comes out of them is written beside, and follows from Table 1 alone.
"""

from dataclasses import replace

import pytest

from fixtures.api import (
    ALL_NODES,
    ICMPV6,
    Case,
    Stimulus,
    checked,
    link_info,
    needs,
    on_link,
    requirement,
    right_or_nothing,
)
from sixlowpan import decode, fragment_header_1, fragment_header_n, ipv6, mesh_header
from sixlowpan.addresses import UNSPECIFIED
from suites.rfc4944.test_5_2 import FORWARDER
from suites.rfc7400.sending import behind_a_header, literal

SHIFTS, COPY = "RFC7400-2-05", "RFC7400-2-06"
#: Octets that are all different, so that a copy of the wrong ones shows.
KNOWN = bytes(range(0x41, 0x61))
STATIC = bytes.fromhex("16fefd17fefd00010000000000010000")


def echo(case: Case, data: bytes, codes: bytes, *, source: bytes = b"") -> Stimulus:
    """An Echo Request whose data the codes stand for; its first 8 octets are literal. A `source` is in-line."""
    packet = case.tester.echo(data=data, source=source or None)
    head = bytes.fromhex("7e03") + source if source else bytes.fromhex("7e33")
    payload = head + b"\xdf" + literal(packet[40:48]) + codes
    return checked(case, payload, packet, f"ICMPv6 GHC, codes {codes.hex(' ')}")


#: What follows KNOWN: (codes, octets that come out). "sa += ...", "na += ...", "set sa = 0, na = 0" (Table 1).
VARIABLES = {
    # sa = 8 + 16; n = 4, s = 3 + 24 + 4: 31 of 32 octets to the left
    "two-shifts": pytest.param("a1a2d3", KNOWN[1:5], marks=requirement(SHIFTS, COPY)),
    # na = 8; n = 11, s = 2 + 11
    "longer": pytest.param("b0ca", KNOWN[19:30], marks=requirement(SHIFTS, COPY)),
    # na = 16, sa = 8; n = 18, s = 1 + 8 + 18
    "longer-twice": pytest.param("b0b1c1", KNOWN[5:23], marks=requirement(SHIFTS, COPY)),
    # na = 8 + 0, sa = 8; n = 10, s = 18
    "longer-then-farther": pytest.param("b0a1c0", KNOWN[14:24], marks=requirement(SHIFTS, COPY)),
    # n = 10, s = 18; then n = 3, s = 3: both variables were cleared
    "cleared": pytest.param("b1c0c8", KNOWN[14:24] + KNOWN[21:24], marks=requirement(COPY)),
    # n = 3, s = 8 + 3; a literal, zeros; n = 2, s = 2 + 2
    "cleared-before-others": pytest.param(
        "a1c80201028080c2", KNOWN[21:24] + b"\x01\x02" + bytes(6), marks=requirement(COPY)
    ),
    # sa = 8; a literal of 1 octet, two zeros: no other code changes the variables; n = 3, s = 8 + 3
    "kept-over-a-literal": pytest.param("a101eec8", b"\xee" + KNOWN[22:25], marks=requirement(SHIFTS, COPY)),
    "kept-over-zeros": pytest.param("a180c8", bytes(2) + KNOWN[23:26], marks=requirement(SHIFTS, COPY)),
    # 136 zeros, then sa = 120 + 16; n = 8, s = 136 + 8
    "beyond-127": pytest.param("8f" * 8 + "afa2f0", bytes(136) + KNOWN[-8:], marks=requirement(SHIFTS, COPY)),
}


@requirement("RFC7400-3.1-02", "RFC7400-2-01")
@pytest.mark.parametrize(
    ("codes", "out"), [pytest.param(*p.values, id=k, marks=p.marks) for k, p in VARIABLES.items()]
)
def test_variables(case: Case, codes: str, out: bytes):
    """101nssss adds to sa and na until a backreference takes both and clears them."""
    right_or_nothing(
        case, lambda: echo(case, KNOWN + out, literal(KNOWN) + bytes.fromhex(codes)), feature="ghc"
    )


#: What follows the 8 octets of the ICMPv6 header: (data, codes).
PLACES = {
    # n = 6, s = 6 + 6: the last four octets of the dictionary, and the first two of the output, an echo's type and code
    "across-its-end": (STATIC[-4:] + b"\x80\x00", "e6"),
    # the first of 48 octets; sa = 48, n = 2, s = 6 + 48 + 2
    "its-first-octets": (b"\xfe\x80", "a6c6"),
    # 72 octets have come out; sa = 80, n = 8, s = 80 + 8: static octets
    "from-far": (KNOWN * 2 + STATIC[:8], (literal(KNOWN) * 2).hex() + "aaf0"),
    # 272 zeros; sa = 120 + 120 + 32, n = 8, s = 272 + 8: more than 8 bits hold
    "beyond-255": (KNOWN + bytes(272) + KNOWN[-8:], literal(KNOWN).hex() + "8f" * 16 + "afafa4f0"),
    # 1,088 zeros; sa = 9 * 120 + 8, n = 8, s = 1088 + 8: more than 10 bits hold
    "beyond-1023": (
        KNOWN[:8] + bytes(1088) + KNOWN[:8],
        literal(KNOWN[:8]).hex() + "8f" * 64 + "af" * 9 + "a1f0",
    ),
    # 264 zeros; na = 33 * 8, n = 6 + 2 + 264, s = 0 + 272: more than 8 bits hold
    "longer-than-255": (
        (KNOWN[:8] + bytes(264)) * 2,
        literal(KNOWN[:8]).hex() + "8f" * 15 + "87" + "b0" * 33 + "f0",
    ),
    # n = 2 + 7 + 16, s = 0 + 25: no octet between
    "all-of-it": (KNOWN + KNOWN[-25:], literal(KNOWN).hex() + "b0b0f8"),
}


@requirement("RFC7400-2-08", COPY, SHIFTS)
@pytest.mark.parametrize("place", list(PLACES))
def test_copies_from_anywhere(case: Case, place: str):
    """A backreference reaches all that stands before it: dictionary, output and the place where they meet."""
    data, codes = PLACES[place]
    right_or_nothing(case, lambda: echo(case, data, bytes.fromhex(codes)), feature="ghc")


@requirement("RFC7400-5-01", "RFC7400-2-03", "RFC7400-3.1-02")
@pytest.mark.parametrize("size", [265, 520, 1232], ids=str)
def test_large_packet(case: Case, size: int):
    """A packet as large as the MTU lets it be, in one small payload: it is taken whole (§5, "an MTU-size packet")."""

    def make() -> Stimulus:
        data = case.tester.pattern(8) + bytes(size - 8)
        runs, rest = divmod(size - 8, 17)
        codes = b"\x8f" * runs + (bytes([0x80 | rest - 2]) if rest > 1 else literal(bytes(rest)))
        return echo(case, data, literal(data[:8]) + codes)

    right_or_nothing(case, make, feature="ghc")


@requirement("RFC7400-2-01", COPY)
@pytest.mark.parametrize("left", ["a35f01", "b15f01", "bfbf5f01"], ids=["sa", "na", "both"])
def test_variables_of_the_packet_before(case: Case, left: str):
    """ "At the start of decompressing" sa and na are "initialized as zero", whatever the payload before has left.

    In that one a literal is cut behind 101nssss, so that nothing comes of it.
    """

    def make() -> Stimulus:
        good = echo(case, KNOWN + KNOWN[-3:], literal(KNOWN) + b"\xc8")  # n = 3, s = 3
        head = good.payloads[0][: good.payloads[0].index(b"\xdf") + 1]
        before = head + literal(case.tester.echo()[40:]) + bytes.fromhex(left)
        return replace(
            good, payloads=[before, *good.payloads], note=f"behind a payload that ends with {left}"
        )

    right_or_nothing(case, make, feature="ghc")


@requirement("RFC7400-2-08", COPY, SHIFTS)
@pytest.mark.parametrize("addresses", ["elided", "in-line"])
def test_whole_dictionary(case: Case, addresses: str):
    """All 48 octets in front of the output are "the source and destination IPv6 addresses" and 16 static ones."""
    tester = case.tester
    source = bytes.fromhex("20010db800a5006b") + bytes(reversed(tester.identity.address[8:]))

    def make() -> Stimulus:
        own = tester.also(source) if addresses == "in-line" else b""
        dictionary = (own or tester.identity.address) + tester.dut_address + STATIC
        # na = 40, sa = 8; n = 48, s = 8 + 48: behind the 8 octets of the ICMPv6 header
        return echo(case, dictionary, bytes.fromhex("b1b0b0b0b0f0"), source=own)

    right_or_nothing(case, make, feature="ghc")


@requirement("RFC7400-2-08", COPY)
def test_dictionary_of_a_group(case: Case):
    """To a group: "the source and destination IPv6 addresses", in this order, begin the dictionary as ever."""

    def make() -> Stimulus:
        packet = case.tester.echo(data=case.tester.identity.address + ALL_NODES, destination=ALL_NODES)
        # na = 24, sa = 24; n = 32, s = 24 + 32: behind the 8 octets of the ICMPv6 header
        payload = bytes.fromhex("7e3b01 df") + literal(packet[40:48]) + bytes.fromhex("a3b0b0b0f0")
        info = link_info(case, packet)
        assert decode(payload, info) == packet, "a wrong frame of ours"
        return Stimulus([payload], packet, info, "ICMPv6 GHC to a group")

    right_or_nothing(case, make, feature="ghc")


@needs("ip_tap")
@requirement("RFC7400-2-08", COPY)
def test_dictionary_of_the_unspecified_address(case: Case):
    """From ::, which IPHC elides without an address of a frame: 16 octets of zeros begin the dictionary as ever."""

    def make() -> Stimulus:
        dictionary = UNSPECIFIED + case.tester.dut_address + STATIC
        packet = case.tester.echo(data=dictionary, source=UNSPECIFIED)
        # na = 40, sa = 8; n = 48, s = 8 + 48: behind the 8 octets of the ICMPv6 header
        codes = literal(packet[40:48]) + bytes.fromhex("b1b0b0b0b0f0")
        return checked(case, bytes.fromhex("7e43 df") + codes, packet, "ICMPv6 GHC from ::")

    right_or_nothing(case, make, feature="ghc")


#: Extension header -> its octets behind the length, which GHC elides (§3.2), and the codes for them.
OPTIONS = bytes.fromhex("1e0c") + bytes(range(0x61, 0x6D))
EXTENSIONS = {
    "hop-by-hop": (0, OPTIONS, literal(OPTIONS)),
    "routing": (43, bytes(6), b"\x84"),
    "destination": (60, OPTIONS, literal(OPTIONS)),
    "zeros": (60, b"\x01\x0c" + bytes(12), bytes.fromhex("02010c8a")),
    "long": (60, b"\x1e\x4c" + KNOWN[:8] + bytes(68), literal(b"\x1e\x4c" + KNOWN[:8]) + b"\x8f" * 4),
}
EID = {0: 0, 43: 1, 60: 3}


def _behind(case: Case, name: str, protocol: int, message: bytes, nhc: bytes) -> Stimulus:
    """A packet with one extension header by GHC; `nhc` is what stands for `message` behind it, NHC octet first."""
    tester, (header, octets, codes) = case.tester, EXTENSIONS.get(name) or _copied(case)
    source, destination = tester.identity.address, tester.dut_address
    body = bytes([protocol, (len(octets) + 2) // 8 - 1]) + octets + message
    packet = ipv6.build(source, destination, header, body)
    compressed = bool(nhc)
    octet = bytes([0xB0 | EID[header] << 1 | compressed]) + (b"" if compressed else bytes([protocol]))
    payload = bytes.fromhex("7e33") + octet + codes + b"\x90" + (nhc or message)
    return checked(case, payload, packet, f"extension header GHC, {name}")


def _copied(case: Case) -> tuple[int, bytes, bytes]:
    """Destination Options with the source's IID in it, copied from the dictionary."""
    octets = b"\x1e\x0c" + case.tester.identity.address[8:] + b"\x61\x62\x63\x64"
    # behind 2 octets: sa = 32; n = 8, s = 2 + 32 + 8: 42 of 50 octets to the left
    return 60, octets, literal(octets[:2]) + bytes.fromhex("a4f2") + literal(octets[-4:])


@requirement("RFC7400-3.2-01", "RFC7400-2-04", "RFC7400-2-08")
@pytest.mark.parametrize("name", [*EXTENSIONS, "copied-address"])
def test_extension_header(case: Case, name: str):
    """The Length field is elided, and comes back from the number of octets, for a header of any length (§3.2)."""
    behind_a_header(case, lambda: _behind(case, name, ICMPV6, case.tester.echo()[40:], b""))


@requirement("RFC7400-3.2-01", "RFC7400-3.1-02", "RFC7400-2-01", "RFC7400-2-08")
@pytest.mark.parametrize("behind", ["udp", "udp-ghc", "icmpv6-ghc", "extension"])
@pytest.mark.parametrize("name", ["hop-by-hop", "destination"])
def test_chain(case: Case, name: str, behind: str):
    """NH=1: another NHC octet follows the stop code. Variables and dictionary begin anew with each header (§2)."""
    tester = case.tester

    def make() -> Stimulus:
        source, destination = tester.identity.address, tester.dut_address
        if behind in {"udp", "udp-ghc"}:
            data = tester.pattern(6) + bytes(9)
            udp = ipv6.udp(0x1234, 0x5678, data, source, destination)
            packed = data if behind == "udp" else literal(data[:6]) + b"\x87"
            return _behind(
                case, name, 17, udp, (b"\xf0" if behind == "udp" else b"\xd0") + udp[:4] + udp[6:8] + packed
            )
        if behind == "extension":  # compressed as RFC 6282 §4.2 has it
            options = bytes.fromhex("1e04a1a2a3a4")
            echo = tester.echo()[40:]
            return _behind(
                case, name, 60, bytes([ICMPV6, 0]) + options + echo, b"\xe6\x3a\x06" + options + echo
            )
        echo = tester.echo(data=STATIC)[40:]
        # sa = 8, na = 8; n = 16, s = 8 + 16: the static dictionary, 8 octets behind it
        return _behind(case, name, ICMPV6, echo, b"\xdf" + literal(echo[:8]) + bytes.fromhex("b1f0"))

    behind_a_header(case, make)


@requirement("RFC7400-3.1-01", "RFC7400-3.1-02", "RFC6282-4.2-12")
@pytest.mark.parametrize("behind", ["udp-ghc", "icmpv6-ghc"])
@pytest.mark.parametrize("protocol", [0, 60], ids=["hop-by-hop", "destination"])
def test_behind_an_options_header(case: Case, protocol: int, behind: str):
    """GHC is an NHC format (§3): it follows an extension header that RFC 6282 §4.2 compresses as well."""
    tester = case.tester

    def make() -> Stimulus:
        source, destination = tester.identity.address, tester.dut_address
        options = bytes.fromhex("1e04a1a2a3a4")
        data = tester.pattern(6) + bytes(9)
        upper, nhc = tester.echo(data=data)[40:], b"\xdf"
        if behind == "udp-ghc":
            upper = ipv6.udp(0x1234, 0x5678, data, source, destination)
            nhc = b"\xd0" + upper[:4] + upper[6:8]
        front = literal(data[:6]) if behind == "udp-ghc" else literal(upper[:14])
        next_header = 17 if behind == "udp-ghc" else ICMPV6
        packet = ipv6.build(source, destination, protocol, bytes([next_header, 0]) + options + upper)
        octet = bytes([0xE1 | (0 if protocol == 0 else 6)])
        payload = bytes.fromhex("7e33") + octet + b"\x06" + options + nhc + front + b"\x87"
        return checked(case, payload, packet, f"{behind} behind an options header")

    behind_a_header(case, make)


@needs("ip_tap|echo")
@requirement("RFC7400-3.2-01", "RFC6282-4.2-12", "RFC7400-4-01")
@pytest.mark.parametrize("protocol", [0, 60], ids=["hop-by-hop", "destination"])
def test_extension_header_behind_another(case: Case, protocol: int):
    """An extension header by GHC follows one that RFC 6282 §4.2 compresses: either is one NHC format of a chain."""
    first = bytes.fromhex("1e04a1a2a3a4")

    def make() -> Stimulus:
        echo = case.tester.echo()[40:]
        body = bytes([60, 0]) + first + bytes([ICMPV6, 1]) + OPTIONS + echo
        packet = ipv6.build(case.tester.identity.address, case.tester.dut_address, protocol, body)
        octet = bytes([0xE1 if protocol == 0 else 0xE7])
        second = bytes([0xB6, ICMPV6]) + literal(OPTIONS) + b"\x90"
        payload = bytes.fromhex("7e33") + octet + b"\x06" + first + second + echo
        return checked(case, payload, packet, "Destination Options by GHC behind options by NHC")

    behind_a_header(case, make)


@needs("ip_tap")
@requirement("RFC7400-3.1-01", "RFC7400-3.1-02", "RFC6282-4.2-10")
@pytest.mark.parametrize("protocol", ["icmpv6", "udp"])
def test_behind_an_inner_header(case: Case, protocol: str):
    """EID 7, IPHC, then GHC of the inner packet's payload; no code reaches into a dictionary, outer or inner."""
    tester = case.tester

    def make() -> Stimulus:
        source, destination = tester.identity.address, tester.dut_address
        data = KNOWN[:8] + bytes(9)
        inner, nhc = tester.echo(data=data), b"\xdf"
        front = inner[40:56]
        if protocol == "udp":
            message = ipv6.udp(0x1234, 0x5678, data, source, destination)
            inner, nhc, front = ipv6.build(source, destination, 17, message), b"\xd0", data[:8]
            nhc += message[:4] + message[6:8]
        packet = ipv6.build(source, destination, 41, inner)
        payload = bytes.fromhex("7e33 ee 7e33") + nhc + literal(front) + b"\x87"
        return checked(case, payload, packet, f"{protocol} by GHC in an inner packet")

    right_or_nothing(case, make, feature="ghc")


@on_link("ieee802154")
@requirement("RFC7400-3.1-01", "RFC7400-3.1-02", "RFC7400-2-03", "RFC7400-3.2-02", "RFC6282-2-06")
@pytest.mark.parametrize("late", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("protocol", ["icmpv6", "udp"])
def test_first_fragment(case: Case, protocol: str, late: bool):
    """Bytecode in a FRAG1 ends with the fragment (§3.2); the others are not compressed (RFC 6282 §2).

    It comes to 88 octets of the datagram, and to 216, which are more than a frame has.
    """
    for codes in ("8f8f84", "8f" * 9 + "8d"):  # 40 zeros, 168 zeros
        right_or_nothing(case, lambda codes=codes: _in_frag1(case, protocol, codes, late), feature="ghc")


def _in_frag1(case: Case, protocol: str, codes: str, late: bool) -> Stimulus:
    """A datagram whose FRAG1 ends with these codes of zeros; `late`: it comes behind the others."""
    tester, zeros = case.tester, sum((code & 15) + 2 for code in bytes.fromhex(codes))
    data = bytes(zeros) + tester.pattern(100)
    if protocol == "udp":
        source, destination = tester.identity.address, tester.dut_address
        message = ipv6.udp(0x1234, 0x5678, data, source, destination)
        packet = ipv6.build(source, destination, 17, message)
        nhc = b"\xd0" + message[:4] + message[6:8]
    else:
        packet = tester.echo(data=data)
        nhc = b"\xdf" + literal(packet[40:48])
    size, tag = len(packet), tester.next_tag()
    first = fragment_header_1(size, tag) + bytes.fromhex("7e33") + nhc + bytes.fromhex(codes)
    rest = [
        fragment_header_n(size, tag, at // 8) + packet[at : at + 64] for at in range(48 + zeros, size, 64)
    ]
    sent = [*rest, first] if late else [first, *rest]
    return Stimulus(sent, packet, tester.info(), f"{protocol} by GHC in FRAG1, {zeros} zeros")


@on_link("ieee802154")
@requirement("RFC4944-5-04", "RFC7400-3.1-02", "RFC7400-2-08", "RFC7400-3.1-01")
def test_behind_a_mesh_header(case: Case):
    """The dictionary has the packet's addresses, which originator and final destination of a mesh header give."""

    def make() -> Stimulus:
        tester = case.tester
        made = echo(case, tester.identity.address[8:], bytes.fromhex("a5f0"))  # sa = 40; n = 8, s = 40 + 8
        header = mesh_header(made.info.src, made.info.dst, 5)
        forwarder = FORWARDER if case.rig.link.any_source else made.info.src
        return replace(made, payloads=[header + made.payloads[0]], info=tester.info(forwarder))

    def in_fragments() -> Stimulus:
        made = _in_frag1(case, "icmpv6", "8f8f84", late=False)
        header = mesh_header(made.info.src, made.info.dst, 5)
        forwarder = FORWARDER if case.rig.link.any_source else made.info.src
        sent = [header + payload for payload in made.payloads]
        return replace(made, payloads=sent, info=case.tester.info(forwarder))

    for each in (make, in_fragments):
        right_or_nothing(case, each, feature="ghc" if case.declares("mesh") else "")
