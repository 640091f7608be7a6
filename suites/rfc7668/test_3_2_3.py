"""RFC 7668 §3.2.3, neighbor discovery: what a 6LN registers and what it does not, and what it takes from a 6LBR."""

from fixtures.api import ECHO_REQUEST, NEIGHBOR_SOLICITATION, Case, Seen, needs, on_link, requirement
from sixlowpan.addresses import LINK_LOCAL_PREFIX, modified_eui64
from suites.rfc7668.channel import (
    advertised,
    anew,
    as_6ln,
    echoed,
    heard,
    modes,
    registered_address,
    registers,
    registration,
)

pytestmark = on_link("ble")
PREFIX = bytes.fromhex("20010db8006800230000000000000000")
CONTEXT = 7


@requirement("RFC7668-3.2.3-01")
def test_link_local_is_not_registered(case: Case):
    """A 6LN MUST NOT register its link-local address: no ARO for it, from the connection to behind an advertisement."""
    as_6ln(case)
    with anew(case):
        before = len(case.tester.heard)
        advertised(case, PREFIX, CONTEXT)
        heard(case, lambda s: registered_address(case, s) == LINK_LOCAL_PREFIX + case.tester.dut_address[8:])
        echoed(case)
        for seen in case.tester.heard[before:]:
            address = registered_address(case, seen)
            case.expect(
                address is None or address[:8] != LINK_LOCAL_PREFIX,
                "registered",
                "no ARO for a link-local address",
                str(address and address.hex()),
                frame=seen,
            )


@requirement("RFC7668-3.2.4-02")
def test_eui64_of_the_registration(case: Case):
    """The ARO's EUI-64 is the device address in Modified EUI-64 format: WITH the U/L bit inverted, unlike the IID."""
    as_6ln(case)
    link = case.rig.link
    with anew(case):
        advertised(case, PREFIX, CONTEXT)
        seen = registers(case, lambda s: registration(s) is not None)
        device = link.dut
    option = registration(seen) if seen is not None else None
    if seen is None or option is None:
        case.unsupported(
            "the DUT registers nothing (RFC7668-3.2.3-02 is tried by 3.2.2/global_address_is_registered)"
        )
    found, expected = option.rovr[:8], modified_eui64(device)
    case.expect(found == expected, "eui64", expected.hex(), found.hex(), frame=seen)


@needs("ping")
@requirement("RFC7668-3.2.3-05")
def test_context_is_taken(case: Case):
    """RAs are processed as RFC 6775 §5.4 says: a 6CO makes a context, and the DUT then compresses with it."""
    as_6ln(case)
    with anew(case):
        advertised(case, PREFIX, CONTEXT)
        seen = _pinged(case, PREFIX[:15] + b"\x99")
    if seen is None:
        case.unsupported(
            "the DUT sends nothing to the advertised prefix: see 3.2.5/same_prefix_goes_to_the_6lbr"
        )
    found = modes(seen.payloads[0])[1]
    case.expect(
        found >= 4,
        "context_ignored",
        f"a destination with context {CONTEXT} (DAC=1)",
        f"mode {found:03b}",
        frame=seen,
    )


@needs("ping")
@requirement("RFC7668-3.2.5-05")
def test_same_prefix_goes_to_the_6lbr(case: Case):
    """With L=0 every packet goes to the 6LBR, also one to the same prefix, and nobody resolves its destination."""
    as_6ln(case)
    target = PREFIX[:15] + b"\x77"
    solicited = []

    def to_us(seen: Seen) -> bool:
        if seen.icmp_type == NEIGHBOR_SOLICITATION and seen.upper[8:24] == target:
            solicited.append(seen)
        return seen.icmp_type == ECHO_REQUEST and seen.view is not None and seen.view.dst == target

    with anew(case):
        advertised(case, PREFIX, CONTEXT)
        echoed(case)
        case.rig.node.ping(target, 8, case.tester.next_identifier(), 1)
        seen = heard(case, to_us, 3.0)
    for other in solicited[:1]:
        case.finding("resolved", "no Neighbor Solicitation for an off-link address", "one", frame=other)
    case.expect(seen is not None, "not_sent", "the packet, on the link to the 6LBR", "nothing within 3 s")


def _pinged(case: Case, target: bytes) -> Seen | None:
    echoed(case)
    case.rig.node.ping(target, 8, case.tester.next_identifier(), 1)
    return heard(
        case, lambda s: s.icmp_type == ECHO_REQUEST and s.view is not None and s.view.dst == target, 3.0
    )
