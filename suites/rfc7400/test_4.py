"""RFC 7400 §4, IANA considerations: the NHC octets that it assigns mean GHC, and nothing else to who knows no GHC.

RFC 6282 leaves open what a node makes of an NHC octet that nobody assigned (its §5); these have a meaning. A decoder
that stops at an octet which it does not know may leave the next header at 0: what stands there is then read as a
Hop-by-Hop Options header (RFC 8200 §4.3). Each stimulus is a good packet by GHC whose octets are such a header as well,
and one that draws an ICMPv6 error.
"""

import pytest

from fixtures.api import ICMPV6, UDP, Case, Stimulus, checked, requirement, right_or_nothing
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
