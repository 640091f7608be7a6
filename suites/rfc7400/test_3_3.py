"""RFC 7400 §3.3, GHC as the DUT sends it: once it knows that its neighbour reads GHC, by a 6CIO or by GHC itself.

It never has to send GHC ("it may"); what it sends must be bytecode that gives the packet back.
"""

import pytest

from fixtures.api import Case, Seen, needs, requirement, well_answered, well_sent
from suites.rfc7400.sending import TOLD, by_ghc


def _data(case: Case, kind: str) -> bytes:
    """Octets that a sender has a reason to pack by one instruction of §2, or by several."""
    tester = case.tester
    if kind == "zeros":
        return b"\x01" + bytes(41)
    if kind == "addresses":  # both are in the dictionary (§2)
        return tester.dut_address + tester.identity.address
    if kind == "static-dictionary":
        return bytes.fromhex("16fefd0001000000000001001d0001000000000001") + tester.pattern(5)
    if kind == "repeated":
        return tester.pattern(7) * 8
    if kind == "far-repeated":  # more than 120 octets to the left: sa takes more than one 101nssss
        return (start := tester.pattern(24)) + bytes(range(1, 140)) + start
    return tester.pattern(97) + bytes(40)  # literals of more than 95 octets take two codes


#: Of a datagram that the DUT is told to send: a source that NHC shortens, and none of what it may send besides.
PORTS = bytes.fromhex("f0b1 5678")
KINDS = [
    pytest.param(kind, marks=requirement(*rows))
    for kind, *rows in (
        ("zeros", "RFC7400-2-03"),
        ("addresses", "RFC7400-2-08", "RFC7400-2-05", "RFC7400-2-06"),
        ("static-dictionary", "RFC7400-2-08", "RFC7400-2-05", "RFC7400-2-06"),
        ("repeated", "RFC7400-2-06"),
        ("far-repeated", "RFC7400-2-05", "RFC7400-2-06"),
        ("long-literal", "RFC7400-2-02"),
    )
]


def _declared(case: Case) -> None:
    if not case.declares("ghc"):
        case.unsupported("the profile does not declare ghc", "not_declared")


def _judged(case: Case, seen: Seen | None) -> None:
    if seen is None or case.result.findings:
        return
    if not by_ghc(case, seen):
        case.unsupported("the DUT does without GHC, by right: it may send it")


@requirement("RFC7400-3.1-02", "RFC7400-3.3-01", "RFC7400-3.3-03", "RFC7400-2-01", "RFC7400-3.2-02")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("told", list(TOLD))
def test_icmpv6_that_it_sends(case: Case, told: str, kind: str):
    """An Echo Reply by GHC, to who said that it reads GHC: it expands to the data of the request, octet by octet."""
    _declared(case)
    case.stranger()
    TOLD[told](case)
    data = _data(case, kind)
    _judged(case, well_answered(case, lambda: case.tester.echo(data=data)))


@needs("udp")
@requirement("RFC7400-3.1-01", "RFC7400-3.3-01", "RFC7400-2-01", "RFC7400-3.2-02")
@pytest.mark.parametrize("kind", KINDS)
def test_udp_that_it_sends(case: Case, kind: str):
    """A datagram by GHC, NHC 11010CPP: ports, checksum and data are those that the DUT was told to send."""
    _declared(case)
    case.stranger()
    TOLD["6cio"](case)
    data = _data(case, kind) + case.tester.pattern(4)
    node, there = case.rig.node, case.tester.identity.address

    def wanted(seen: Seen) -> bool:
        # to us, and the one that it was told to send: it may say something else meanwhile
        ours = seen.view is not None and seen.view.dst == there and seen.view.upper()[0] == 17
        return seen.error is not None or (ours and seen.upper[:4] == PORTS)

    seen = case.sent_by(
        lambda: node.udp_send(there, int.from_bytes(PORTS[:2]), int.from_bytes(PORTS[2:]), data), wanted
    )
    if seen is not None and well_sent(case, seen):
        case.expect(seen.upper[8:] == data, "sent_payload", data.hex(), seen.upper[8:].hex(), frame=seen)
    _judged(case, seen)


@requirement("RFC7400-3.1-02", "RFC7400-3.3-01", "RFC7400-5-01")
def test_fragmented(case: Case):
    """An Echo Reply in fragments: bytecode stands in the first of them only, and ends on a multiple of 8 octets."""
    _declared(case)
    case.stranger()
    TOLD["6cio"](case)
    data = bytes(200) + case.tester.pattern(400)
    _judged(case, well_answered(case, lambda: case.tester.echo(data=data)))
