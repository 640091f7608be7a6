"""Shape S8, neighbor discovery that lies: RFC 4861 §7.1 has the receiver silently discard such messages."""

import pytest

from fixtures.api import (
    ICMPV6,
    NEIGHBOR_ADVERTISEMENT,
    NEIGHBOR_SOLICITATION,
    Case,
    Stimulus,
    advertises,
    is_solicited,
    recovers,
    requirement,
    stimulus,
)
from sixlowpan import ipv6

ALL_NODES = bytes.fromhex("ff02 0000 0000 0000 0000 0000 0000 0001")


def message(case: Case, kind: int, body: bytes, *, hop_limit: int = 255, code: int = 0) -> Stimulus:
    """An ND message from the tester to the DUT, with a right checksum."""
    source, destination = case.tester.identity.address, case.tester.dut_address
    octets = ipv6.icmpv6(kind, code, body, source, destination)
    made = stimulus(case, ipv6.build(source, destination, ICMPV6, octets, hop_limit=hop_limit))
    case.tester.ordinary.add(made.packet or b"")
    return made


def solicitations(case: Case) -> dict[str, Stimulus]:
    """Neighbor Solicitations for the DUT that RFC 4861 §7.1.1 has it discard."""
    target = bytes(4) + case.tester.dut_address
    kind = NEIGHBOR_SOLICITATION
    return {
        "hop-limit-254": message(case, kind, target, hop_limit=254),
        "hop-limit-1": message(case, kind, target, hop_limit=1),
        "code-1": message(case, kind, target, code=1),
        "short": message(case, kind, target[:12]),
        "option-length-0": message(case, kind, target + bytes([1, 0]) + bytes(6)),
        "option-length-0-second": message(
            case, kind, target + bytes([14, 1]) + bytes(6) + bytes([1, 0]) + bytes(6)
        ),
        "multicast-target": message(case, kind, bytes(4) + ALL_NODES),
    }


NAMES = [
    "hop-limit-254",
    "hop-limit-1",
    "code-1",
    "short",
    "option-length-0",
    "option-length-0-second",
    "multicast-target",
]


@requirement("RFC4861-7.1.1-01")
@pytest.mark.parametrize("lie", NAMES)
def test_solicitation(case: Case, lie: str):
    """A solicitation that is not valid is not answered by an advertisement."""
    made = solicitations(case)[lie]
    made.note = lie
    before = len(case.tester.heard)
    case.tapped_behind([made])
    for seen in case.tester.heard[before:]:
        if is_solicited(seen):
            case.finding("advertised", "no answer", "a Neighbor Advertisement", frame=seen)
    if not case.result.findings and not advertises(case):
        case.unsupported("a right Neighbor Solicitation is not answered, either", "not_observable")


@requirement("RFC4861-7.1.1-01", "RFC4861-7.1.2-01")
def test_abuse(case: Case):
    """Options of length 0 and 255, beyond the end, a hundred of them, and addresses of every length: it lives on."""
    target = bytes(4) + case.tester.dut_address
    options = [
        bytes([kind, length]) + bytes(6)
        for kind in (0, 1, 2, 3, 5, 31, 33, 34, 36, 255)
        for length in (0, 1, 2, 3, 255)
    ]
    options += [bytes([1, 1]), bytes([1]), bytes([14, 1]) + bytes(6), (bytes([24, 1]) + bytes(6)) * 8]
    stimuli = [
        message(case, kind, target + option)
        for kind in (133, 134, NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT, 137, 157, 158)
        for option in options
        if len(option) < 40 or case.tester.kind == "ble"
    ]
    for start in range(0, len(stimuli), 32):
        case.tapped_behind(stimuli[start : start + 32])
    recovers(case)


#: Options one behind the other, and what is odd about them (RFC 4861 §4.6: unknown ones are skipped).
LONG = {
    "forty unknown ones": (bytes([0xF1, 1]) + bytes(6)) * 40,
    "one of 256 octets": bytes([0xF1, 32]) + bytes(254),
    "one of 264 octets": bytes([0x1E, 33]) + bytes(262),
    "one of 1,016 octets": bytes([0xF1, 127]) + bytes(1014),
    "a link address of 24 octets": bytes([1, 3]) + bytes(22),
    "a link address of 256 octets": bytes([1, 32]) + bytes(254),
    "six of one kind": (bytes([1, 1]) + bytes(6)) * 6,
    "every kind to 63": b"".join(bytes([kind, 1]) + bytes(6) for kind in range(64)),
    "a lie behind 255 octets": (bytes([0xF1, 1]) + bytes(6)) * 32 + bytes([0xF1, 2]) + bytes(6),
    "half a header behind 256": (bytes([0xF1, 1]) + bytes(6)) * 32 + bytes([0x01]),
}
#: Kinds of options with documents of their own, which walk them with code of their own.
KINDS = (
    0x00,
    0x01,
    0x02,
    0x03,
    0x05,
    0x0E,
    0x18,
    0x19,
    0x1E,
    0x1F,
    0x21,
    0x22,
    0x23,
    0x26,
    0x63,
    0x6D,
    0x9E,
    0xFF,
)
ASKED = (133, 134, NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT, 137, 157, 158)


@requirement("RFC4861-7.1.1-01", "RFC4861-7.1.2-01", "RFC4944-8-02", "RFC4944-8-03")
def test_long_options(case: Case):
    """More than 255 octets of options, one or many: counts and lengths of one octet wrap; the DUT lives on."""
    tester = case.tester
    head = bytes(4) + tester.dut_address
    for kind in ASKED:
        case.tapped_behind([message(case, kind, head + options) for options in LONG.values()])
    recovers(case)


@requirement("RFC4861-7.1.1-01", "RFC4861-7.1.2-01", "RFC4944-8-02", "RFC4944-8-03")
def test_lying_lengths(case: Case):
    """Options of many kinds whose length is 0, too much by little and by much, or that end behind their first octet."""
    tester = case.tester
    head = bytes(4) + tester.dut_address
    lies = [
        bytes([kind, *lie])
        for kind in KINDS
        for lie in (b"", b"\0", b"\2" + bytes(6), b"\3" + bytes(14), b"\x20" + bytes(6), b"\xff" + bytes(6))
    ]
    stimuli = [message(case, kind, head + lie) for kind in ASKED for lie in lies]
    for start in range(0, len(stimuli), 48):
        case.tapped_behind(stimuli[start : start + 48])
    recovers(case)
