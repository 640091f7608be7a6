"""RFC 4861 §6.3.4, processing of Router Advertisements: the hop limit that a router tells."""

from fixtures.api import Case, binds, requirement, router_advertisement, stimulus

pytestmark = binds("host|6LN")


def used(case: Case) -> set[int]:
    """The hop limits of the DUT's answers to three echoes; none of them where it does not answer (a finding)."""
    answers = [case.answered(lambda: stimulus(case, case.tester.echo())) for _ in range(3)]
    return {seen.view.hop_limit for seen in answers if seen is not None and seen.view is not None}


@requirement("RFC4861-6.3.4-02", "RFC4861-6.3.4-01")
def test_unspecified_hop_limit(case: Case):
    """A router tells the hop limit 37, and another advertisement none (0): a DUT that went to 37 stays there.

    "A host MUST NOT interpret the unspecified value as meaning change back to the default value". One that answers with
    a hop limit of its own does not show whether it took the 37, and may do so: no text has an Echo Reply carry the
    default.
    """
    before = used(case)
    told = 37 if 37 not in before else 38
    try:
        case.survives(lambda: router_advertisement(case, hop_limit=told))
        if used(case) != {told}:
            case.unsupported(
                "the hop limit of the DUT's answers is not the one that routers tell", "not_observable"
            )
        sent = case.survives(lambda: router_advertisement(case))
        found = used(case)
        case.expect(
            found <= {told}, "sent_hop_limit", f"{told} as before, behind an advertisement with Cur Hop Limit 0",
            ", ".join(map(str, sorted(found))), frame=sent,
        )  # fmt: skip
    finally:
        case.survives(lambda: router_advertisement(case, hop_limit=min(before, default=64)))
