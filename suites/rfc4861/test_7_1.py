"""RFC 4861 §7.1, message validation: what neighbor discovery must look like for 6LoWPAN nodes to find each other."""

from fixtures.api import NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION, Case, Seen, advertises, requirement
from suites.rfc4944.test_8 import before_the_answer

SOLICITED = 0x40


@requirement("RFC4861-7.1.2-01", "RFC6282-3.1.1-10")
def test_advertisement(case: Case):
    """The DUT answers a Neighbor Solicitation for its address: hop limit 255 (§7.1.2), and its own target."""
    own = case.tester.dut_address

    def answers(seen: Seen) -> bool:
        """Not what it tells all others of another address of its, unasked (§7.2.6)."""
        advertised = seen.icmp_type == NEIGHBOR_ADVERTISEMENT and len(seen.upper) > 4
        return advertised and (bool(seen.upper[4] & SOLICITED) or seen.upper[8:24] == own)

    seen = case.sent_by(case.tester.solicit, answers)
    if seen is None or seen.view is None:
        return
    case.expect(
        seen.view.hop_limit == 255, "hop_limit", "hop limit 255", f"{seen.view.hop_limit}", frame=seen
    )
    target = seen.upper[8:24]
    case.expect(target == own, "target", own.hex(), target.hex(), frame=seen)


@requirement("RFC4861-7.1.1-01")
def test_solicitation_for_somebody_else(case: Case):
    """A Neighbor Solicitation for an address that is not the DUT's draws no advertisement (§7.2.4)."""
    tester = case.tester
    target = tester.dut_address[:13] + bytes(b ^ 0x5A for b in tester.dut_address[13:])
    tester.send_packet(tester.solicitation(target, to=tester.dut_address))
    deadline = tester.now() + case.settle
    while (seen := tester.hear(deadline)) is not None:
        answered = seen.icmp_type == NEIGHBOR_ADVERTISEMENT and seen.upper[8:24] == target
        if not case.expect(not answered, "advertised", "no advertisement", "one for the foreign target"):
            return
    if not advertises(case):
        case.unsupported(
            "a Neighbor Solicitation for its own address is not answered, either", "not_observable"
        )


@requirement("RFC4861-7.1.1-01", "RFC4944-8-01")
def test_own_solicitation(case: Case):
    """What the DUT asks of a new neighbour has hop limit 255 (§7.1.1): others must throw it away otherwise."""
    for seen in before_the_answer(case):
        if seen.icmp_type == NEIGHBOR_SOLICITATION and seen.view is not None:
            limit = seen.view.hop_limit
            case.expect(limit == 255, "hop_limit", "hop limit 255", f"{limit}", frame=seen)
            return
    case.unsupported("the DUT needs no neighbor discovery on this link")
