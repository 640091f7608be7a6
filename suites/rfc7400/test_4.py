"""RFC 7400 §4, IANA considerations: the NHC octets that it assigns mean GHC, and nothing else to who knows no GHC.

RFC 6282 leaves open what a node makes of an NHC octet that nobody assigned (its §5); these have a meaning. A decoder
that stops at an octet which it does not know may leave the next header at 0, so that what stands there is read as a
Hop-by-Hop Options header (RFC 8200 §4.3), or leave it as an earlier packet had it. Each stimulus is a good packet by
GHC whose octets are such a header as well, or a datagram, and draw an ICMPv6 error.
"""

from dataclasses import replace

import pytest

from fixtures.api import ICMPV6, UDP, Case, Stimulus, checked, poison, requirement, right_or_nothing
from sixlowpan import ipv6
from suites.rfc7400.sending import behind_a_header, literal

HEAD = bytes.fromhex("7e33")
#: The first octets of an ICMPv6 message, 80 00 (an Echo Request), by codes that are an options header as well.
ECHOES = {
    # df is a next header that nobody has: no literal seven times is six octets of padding behind the length 0
    "unknown-header": bytes(7) + b"\x02\x80\x00",
    # 80 is an unknown option of which the sender is told (RFC 8200 §4.2); its length is 1
    "unknown-option": bytes.fromhex("0180 0100"),
}


@requirement("RFC7400-3.1-02", "RFC7400-4-01")
@pytest.mark.parametrize("codes", [pytest.param(codes, id=name) for name, codes in ECHOES.items()])
def test_icmpv6_is_no_options_header(case: Case, codes: bytes):
    """NHC 0xdf is ICMPv6 by GHC: it is understood, or nothing comes of it; no error speaks of another packet."""

    def make() -> Stimulus:
        packet = case.tester.echo()
        return checked(case, HEAD + b"\xdf" + codes + literal(packet[42:]), packet, "ICMPv6 GHC")

    right_or_nothing(case, make, feature="ghc")


#: Ports whose octets are, behind the NHC octet, the length 0 and an option.
PORTS = {"unknown-header": (0x0001, 0x04B2), "unknown-option": (0x0080, 0x02B2)}


@requirement("RFC7400-3.1-01", "RFC7400-4-01")
@pytest.mark.parametrize("ports", [pytest.param(ports, id=name) for name, ports in PORTS.items()])
def test_udp_is_no_options_header(case: Case, ports: tuple[int, int]):
    """NHC 110100PP is UDP by GHC: it is understood, or nothing comes of it; no error speaks of another packet."""
    tester = case.tester

    def make() -> Stimulus:
        source, destination = tester.identity.address, tester.dut_address
        message = ipv6.udp(*ports, tester.pattern(12), source, destination)
        packet = ipv6.build(source, destination, UDP, message)
        return checked(
            case, HEAD + b"\xd0" + message[:4] + message[6:8] + literal(message[8:]), packet, "UDP GHC"
        )

    right_or_nothing(case, make, feature="ghc")


@requirement("RFC7400-3.2-01", "RFC7400-4-01")
def test_extension_header_is_another_one(case: Case):
    """NHC 1011 EID NH is an extension header by GHC: its codes are not taken for the options themselves."""
    tester = case.tester

    def make() -> Stimulus:
        echo = tester.echo()[40:]
        source, destination = tester.identity.address, tester.dut_address
        header = bytes([ICMPV6, 0]) + bytes.fromhex("1e04 00000000")
        packet = ipv6.build(source, destination, 0, header + echo)
        # as options: 1e, which is passed over, of one octet; 80, of which the sender is told, of two
        codes = bytes.fromhex("011e 0104 80 020000 90")
        return checked(case, HEAD + b"\xb1" + codes + b"\xdf" + literal(echo), packet, "extension header GHC")

    behind_a_header(case, make)


#: 101nssss moves what a backreference counts from (§2): where none comes, it is a code without effect. Each may be up
#: to 31 more than a0; nine in the high octets of words and nine in the low ones make any checksum.
IDLE = 18


def idle(codes: bytes, missing: int) -> bytes:
    """Codes without effect behind `codes` that add `missing` (16 bits) to a sum in which all of them are a0."""
    left, out = [missing >> 8, missing & 0xFF], bytearray()
    for at in range(len(codes), len(codes) + IDLE):
        more = min(31, left[at % 2])
        left[at % 2] -= more
        out.append(0xA0 + more)
    return codes + bytes(out)


@requirement("RFC7400-3.1-02", "RFC7400-4-01")
def test_icmpv6_is_no_datagram(case: Case):
    """ICMPv6 by GHC behind UDP: its octets are not taken for a datagram, though they would be a good one."""
    tester = case.tester
    source, destination = tester.identity.address, tester.dut_address
    size = 4 + 15 + IDLE

    def make() -> Stimulus:
        # df 01 and 80 0f are ports; 00 and the first octet of the message's checksum the length; then two of a checksum
        packet = next(packet for packet in iter(tester.echo, b"") if packet[42] == size)
        codes = bytes.fromhex("df01800f") + packet[41:]
        blank = idle(codes[:6] + bytes(2) + codes[8:], 0)
        missing = ipv6.checksum(source, destination, UDP, blank) - int.from_bytes(codes[6:8])
        datagram = idle(codes, missing % 0xFFFF)
        assert ipv6.checksum_holds(source, destination, UDP, datagram), "no datagram: it would prove nothing"
        made = checked(case, HEAD + datagram, packet, "ICMPv6 GHC, octets of UDP")
        return replace(made, before=poison(tester, ipv6.build(source, destination, UDP, datagram)))

    right_or_nothing(case, make, feature="ghc")
