"""RFC 7400 §2 and §3, generic header compression: understood by a DUT that declares `ghc`, ignored by any other.

The codes are written by hand from the figures of §2; what they stand for comes from the RFC's own dictionary.
"""

import pytest

from fixtures.api import (
    ICMPV6,
    Case,
    Stimulus,
    about,
    advice,
    checked,
    nothing_of,
    outcome,
    recovers,
    requirement,
    right_or_nothing,
    stimulus,
)
from sixlowpan import ipv6
from suites.rfc7400.sending import behind_a_header, by_ghc, literal, told_by_6cio

LITERAL = "RFC7400-2-02"


def icmp(case: Case, data: bytes, codes: bytes) -> Stimulus:
    """An Echo Request whose data the codes stand for, behind NHC df; its first 8 octets are literal."""
    packet = case.tester.echo(data=data)
    payload = bytes.fromhex("7e33 df") + literal(packet[40:48]) + codes
    return checked(case, payload, packet, f"ICMPv6 GHC, codes {codes.hex(' ')}")


#: What the codes are: (octets that come out, codes), with the row that says so.
CODES = {
    "literal": pytest.param(b"\x01\x02\x03\xff", "04010203ff", marks=requirement(LITERAL)),
    "literal-0": pytest.param(b"\x07", "000107", marks=requirement(LITERAL)),
    "zeros-2": pytest.param(bytes(2), "80", marks=requirement("RFC7400-2-03")),
    "zeros-17": pytest.param(bytes(17), "8f", marks=requirement("RFC7400-2-03")),
    "dictionary": pytest.param(bytes.fromhex("16fefd"), "03" + "16fefd", marks=requirement("RFC7400-2-08")),
    "repeat": pytest.param(
        b"\xaa\xbb\xaa\xbb", "02aabb" + "c0", marks=requirement("RFC7400-2-06", "RFC7400-2-01")
    ),
    "stop-at-the-end": pytest.param(b"\x09", "010990", marks=requirement("RFC7400-2-04", "RFC7400-3.2-02")),
}


@requirement("RFC7400-3.1-02", "RFC7400-3.3-01")
@pytest.mark.parametrize(
    ("out", "codes"), [pytest.param(*p.values, id=k, marks=p.marks) for k, p in CODES.items()]
)
def test_icmpv6(case: Case, out: bytes, codes: str):
    """Each code of §2 in an ICMPv6 message behind NHC 0xdf."""
    right_or_nothing(case, lambda: icmp(case, out, bytes.fromhex(codes)), feature="ghc")


@requirement(LITERAL, "RFC7400-3.1-02", "RFC7400-3.3-01")
def test_longest_literal(case: Case):
    """The whole message as one literal of 95 octets, the most that 0kkkkkkk can say and that a frame can hold."""

    def make() -> Stimulus:
        packet = case.tester.echo(95 - 8)
        payload = bytes.fromhex("7e33 df") + literal(packet[40:])
        return Stimulus([payload], packet, case.tester.info(), "ICMPv6 GHC, one literal of 95 octets")

    right_or_nothing(case, make, feature="ghc")


@requirement("RFC7400-2-08", "RFC7400-2-06", "RFC7400-2-05")
@pytest.mark.parametrize("which", ["source", "destination", "static"])
def test_dictionary(case: Case, which: str):
    """The 48 octets before the output are source, destination and 16 static octets: far backreferences reach them."""
    tester = case.tester
    octets = {
        "source": tester.identity.address[8:],
        "destination": tester.dut_address[8:],
        "static": bytes.fromhex("16fefd17fefd0001"),
    }[which]
    place = {"source": 8, "destination": 24, "static": 32}[which]

    def make() -> Stimulus:
        # 8 octets of output stand before: n = 8 takes nnn = 6; s = kkk + sa + n reaches `back` octets to the left
        back = 48 + 8 - place
        rest = back - 8
        codes = bytes([0xA0 | rest >> 3]) + bytes([0xC0 | 6 << 3 | rest & 7])
        return icmp(case, octets, codes)

    right_or_nothing(case, make, feature="ghc")


@requirement("RFC7400-3.1-01", "RFC7400-3.2-02")
@pytest.mark.parametrize("p", [0, 1, 2, 3], ids="p{:02b}".format)
def test_udp(case: Case, p: int):
    """NHC 11010CPP: UDP as in RFC 6282 with its payload compressed, in all four port forms."""
    tester = case.tester
    ports = [(0x1234, 0x5678), (0x1234, 0xF0CD), (0xF0AB, 0x5678), (0xF0B1, 0xF0B2)][p]

    def make() -> Stimulus:
        source, destination = tester.identity.address, tester.dut_address
        data = tester.pattern(5) + bytes(9)
        message = ipv6.udp(*ports, data, source, destination)
        packet = ipv6.build(source, destination, 17, message)
        inline = [message[:4], message[:2] + message[3:4], message[1:4], bytes([0x12])][p]
        payload = (
            bytes.fromhex("7e33") + bytes([0xD0 | p]) + inline + message[6:8] + literal(data[:5]) + b"\x87"
        )
        return checked(case, payload, packet, f"UDP GHC, P={p:02b}")

    right_or_nothing(case, make, feature="ghc")


@about("ghc")
@requirement("RFC6282-4.3.2-12", "RFC7400-3.1-01")
def test_elided_checksum_without_integrity(case: Case):
    """UDP by GHC with C=1: without an integrity check "the decompressor MUST drop the packet" (RFC 6282 §4.3.2)."""
    tester, stimuli = case.tester, []
    for p, ports in enumerate((b"\x12\x34\x56\x78", b"\x12\x34\xcd", b"\xab\x56\x78", b"\x12")):
        payload = bytes.fromhex("7e33") + bytes([0xD4 | p]) + ports + literal(tester.pattern(12))
        stimuli.append(Stimulus([payload], None, tester.info(), f"UDP GHC, C=1, P={p:02b}"))
    nothing_of(case, stimuli)


@requirement("RFC7400-3.2-01", "RFC7400-2-04")
@pytest.mark.parametrize("eid", [0, 3], ids=["hop-by-hop", "destination"])
def test_extension_header(case: Case, eid: int):
    """NHC 1011 EID NH: no length octet, and a stop code ends the header (§3.2)."""
    tester = case.tester

    def make() -> Stimulus:
        echo = tester.echo()[40:]
        options = bytes.fromhex("1e04 a1a2a3a4")
        source, destination = tester.identity.address, tester.dut_address
        packet = ipv6.build(source, destination, 0 if eid == 0 else 60, bytes([ICMPV6, 0]) + options + echo)
        payload = bytes.fromhex("7e33") + bytes([0xB0 | eid << 1, ICMPV6]) + literal(options) + b"\x90" + echo
        return Stimulus([payload], packet, tester.info(), f"extension header GHC, EID {eid}")

    behind_a_header(case, make)


HEAD = bytes.fromhex("7e33 df")
OUTSIDE = {
    "backreference before the dictionary": bytes.fromhex("afaf c7"),
    "backreference far away": bytes.fromhex("bf" * 80 + "ff"),
    "literal beyond the end": bytes.fromhex("5f0102"),
}
#: What the codes stand behind.
FRONTS = {
    "ICMPv6": HEAD,
    "UDP": bytes.fromhex("7e33 d0 1234 5678 abcd"),
    "an options header": bytes.fromhex("7e33 b0 3a"),
}
BOMBS = {
    "zeros beyond the MTU": b"\x8f" * 85,
    "octets copied again and again": b"\x04abcd" + bytes.fromhex("bfbfff") * 28,
    "shifts at the end": bytes.fromhex("a1bfbf"),
}


@about("ghc")
@requirement("RFC7400-5-01")
def test_outside_the_buffer(case: Case):
    """Backreferences and literals outside the buffer (§5): nothing comes of them."""
    info, echo = case.tester.info(), case.tester.echo()[40:]
    stimuli = [Stimulus([HEAD + codes], None, info, name) for name, codes in OUTSIDE.items()]
    # good echoes to a DUT that takes what there is, or zeros where there is nothing
    stimuli.append(Stimulus([HEAD + bytes([len(echo) + 8]) + echo], None, info, "an echo, 8 octets short"))
    zeros = case.tester.echo(data=case.tester.pattern(4) + bytes(2))[40:-2]
    stimuli.append(
        Stimulus([HEAD + literal(zeros) + bytes.fromhex("bfbfc0")], None, info, "an echo, zeros from outside")
    )
    nothing_of(case, stimuli, code="outside")


@about("ghc")
@requirement("RFC7400-5-01")
def test_bombs(case: Case):
    """Codes that expand beyond the MTU (§5): the DUT lives on, and takes a full-size echo."""
    info = case.tester.info()
    stimuli = [
        Stimulus([(front + codes)[: case.tester.air.room(info)]], None, info, f"{name}, {what}")
        for what, front in FRONTS.items()
        for name, codes in BOMBS.items()
    ]
    for _ in range(4):
        outcome(case, stimuli)
    recovers(case, "RFC7400-5-01")


@about("ghc")
@requirement("RFC7400-2-07")
def test_reserved_codes(case: Case):
    """011xxxxx and 1001nnnn with n > 0 are reserved: no text says what a receiver does; a silent drop is advice.

    Behind 011xxxxx stand as many octets as a literal of five or seven bits would have; zeros change no checksum.
    """
    tester = case.tester
    stimuli = []
    for code in [*range(0x60, 0x80), *range(0x91, 0xA0)]:
        codes = [literal(tester.echo()[40:]) + bytes([code])]
        if code < 0x80:
            echo = tester.echo(code & 0x1F)[40:]
            codes.append(literal(echo[:8]) + bytes([code]) + echo[8:])
            codes.append(bytes([code]) + tester.echo(code - 8)[40:])
        for octets in codes:
            made = Stimulus([HEAD + octets], None, tester.info(), f"GHC code {code:02x}")
            if len(made.payloads[0]) <= tester.air.room(made.info):
                stimuli.append(made)
    nothing_of(case, stimuli)


@about("ghc")
@requirement("RFC7400-4-01")
@pytest.mark.parametrize("eid", [4, 5, 6, 7], ids=str)
def test_unassigned_eids(case: Case, eid: int):
    """Only EID 0 to 3 have a GHC form (§4): that another is dropped is advice."""
    echo = case.tester.echo()[40:]
    payload = (
        bytes.fromhex("7e33") + bytes([0xB0 | eid << 1, ICMPV6]) + b"\x06\x1e\x04\xa1\xa2\xa3\xa4\x90" + echo
    )
    nothing_of(case, [Stimulus([payload], None, case.tester.info(), f"extension header GHC, EID {eid}")])


@requirement("RFC7400-3.3-01")
def test_no_ghc_unasked(case: Case):
    """GHC may be sent to a node that is known to read it (§3.3): a stranger has not said so; its owner may have."""
    if not case.tester.air.link.any_source and case.declares("ghc"):
        case.unsupported("on this link the tester is who it was, and cases before this one sent GHC")
    case.stranger()
    unasked(case)


def unasked(case: Case) -> None:
    """An echo that GHC would make small is answered without GHC."""
    tester = case.tester
    seen = case.answered(
        lambda: stimulus(case, tester.echo(data=bytes(24) + tester.identity.address + tester.dut_address))
    )
    if seen is not None:
        with advice(case):
            case.expect(
                not by_ghc(case, seen),
                "ghc_unasked",
                "RFC 6282 without GHC, unless the owner of the network has said that all read it",
                "GHC",
                frame=seen,
            )


@requirement("RFC7400-3.3-01", "RFC7400-3.3-03", "RFC7400-3.4-02")
def test_no_ghc_without_g(case: Case):
    """A 6CIO with every bit but G, the 31st, does not say that its sender reads GHC (§3.3, Figure 5)."""
    if not case.tester.air.link.any_source and case.declares("ghc"):
        case.unsupported("on this link the tester is who it was, and cases before this one sent GHC")
    case.stranger()
    with case.aside():  # that a solicitation is answered is for other cases
        told_by_6cio(case, bytes.fromhex("2401 fffe ffffffff"))
    unasked(case)


@requirement("RFC7400-3.3-02")
def test_fallback(case: Case):
    """§3.3: after neighbour unreachability a sender of GHC falls back to plain RFC 6282: only who sends GHC can."""
    if not case.declares("ghc"):
        case.unsupported("the profile does not declare ghc", "not_declared")
    outcome(case, [])
    case.unsupported("a failure of neighbour unreachability detection is not brought about here")
