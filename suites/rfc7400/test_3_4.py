"""RFC 7400 §3.4, the 6LoWPAN Capability Indication Option (6CIO): in any ND message, of any length, with any bits."""

import pytest

from fixtures.api import (
    NEIGHBOR_ADVERTISEMENT,
    Case,
    Seen,
    requirement,
    stimulus,
)
from fixtures.api import advertises as answers_solicitations

CIO = 36
OPTIONS = {
    "g": bytes.fromhex("2401 0001 00000000"),
    "none": bytes.fromhex("2401 0000 00000000"),
    "all-bits": bytes.fromhex("2401 ffff ffffffff"),
    "experimental": bytes.fromhex("2401 ff00 00000000"),
    "length-2": bytes.fromhex("2402 0001 00000000 0123456789abcdef"),
    "length-5": bytes.fromhex("2405 ffff ffffffff") + bytes(range(32)),
    "twice": bytes.fromhex("2401 0001 00000000") * 2,
}


@pytest.mark.parametrize(
    "option",
    [
        pytest.param(
            name,
            id=name,
            marks=requirement("RFC7400-3.4-03" if name.startswith("length") else "RFC7400-3.4-02"),
        )
        for name in OPTIONS
    ],
)
@requirement("RFC7400-3.3-03", "RFC7400-3.4-01")
def test_solicitation_with_6cio(case: Case, option: str):
    """A Neighbor Solicitation with a 6CIO is answered: unassigned bits are ignored, and "length > 1" is accepted."""
    tester = case.tester

    def ask() -> None:
        own = b"" if tester.kind == "ble" else tester.link_option(1, tester.identity.link)
        packet = tester.solicitation(tester.dut_address, own + OPTIONS[option])
        tester.ordinary.add(packet)
        made = stimulus(case, packet)
        tester.send(made.payloads, made.info)

    with case.aside() as found:
        case.sent_by(ask, advertises)
    if found and not answers_solicitations(case):
        case.unsupported("a solicitation without any option is not answered, either", "not_observable")
    case.take_over(found)


def advertises(seen: Seen) -> bool:
    return seen.icmp_type == NEIGHBOR_ADVERTISEMENT


@requirement("RFC7400-3.4-02", "RFC7400-3.4-04", "RFC7400-3.3-03", "RFC7400-3.4-01")
def test_6cio_that_it_sends(case: Case):
    """A 6CIO of the DUT's: length 1, bits that nobody assigned are zero, and so are the eight experimental ones."""
    case.tester.fresh()
    case.answered(lambda: stimulus(case, case.tester.echo()))
    found = 0
    for seen in case.tester.heard:
        first = {133: 8, 134: 16, 135: 24, 136: 24}.get(seen.icmp_type or 0)
        at = first or len(seen.upper)
        while at + 2 <= len(seen.upper) and seen.upper[at + 1]:
            option = seen.upper[at : at + 8 * seen.upper[at + 1]]
            at += len(option)
            if option[0] != CIO:
                continue
            found += 1
            case.expect(option[1] == 1, "length", "length 1", str(option[1]), frame=seen)
            case.expect(
                option[2] == 0,
                "experimental_bits",
                "bits 0 to 7 are zero",
                f"{option[2]:02x}",
                requirement="RFC7400-3.4-04",
                frame=seen,
            )
    if not found:
        case.unsupported("the DUT sends no 6CIO")
