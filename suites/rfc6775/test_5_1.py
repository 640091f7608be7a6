"""RFC 6775 §5.1 and §5.2, forbidden actions and initialization: nothing is multicast, and all-nodes is listened to."""

import contextlib
from functools import partial

from fixtures.api import (
    ALL_NODES,
    NEIGHBOR_SOLICITATION,
    UNSPECIFIED,
    Case,
    Unsupported,
    binds,
    requirement,
)
from suites.rfc6775.attaching import attached, offered, pinged, registers_of
from suites.rfc6775.parties import STARTED, answered, heard, is_rs
from suites.rfc6775.roles import HOST

pytestmark = HOST


@binds("6LN", "nd")  # "Routers MAY also use multicast NSs" (§6.5.5)
@requirement("RFC6775-5.1-01", "RFC6775-5.5.1-02")
def test_nothing_multicast(case: Case):
    """From its start until it has attached, and when it sends to neighbours that it never met: no NS to a group."""
    before = len(case.tester.heard)
    with attached(case) as (party, address):
        if case.can("ping"):
            for destination in (
                address[:8] + case.tester.pattern(8),
                bytes.fromhex("fe80000000000000021122fffe334455"),
            ):
                with contextlib.suppress(Unsupported):
                    pinged(case, destination)
        case.tester.listen(5.0)
        for seen in case.tester.heard[before:]:
            if seen.icmp_type != NEIGHBOR_SOLICITATION or seen.view is None:
                continue
            case.expect(
                seen.view.dst[0] != 0xFF,
                "nd_destination",
                "no NS to a group",
                seen.view.dst.hex(),
                frame=seen,
            )
            case.expect(
                seen.view.src != UNSPECIFIED, "nd_source", "no NS from ::", "one",
                requirement="RFC6775-5.5.1-02", frame=seen,
            )  # fmt: skip
        del party


@requirement("RFC6775-5.2-02")
def test_all_nodes(case: Case):
    """A host MUST join ff02::1: an advertisement to all nodes is taken, and its prefix registered."""
    with offered(case, advertises=False) as (party, prefix):
        heard(case, is_rs, STARTED)
        told = partial(party.advertise, to=ALL_NODES)
        seen, frame = answered(case, told, registers_of(prefix), "a registration")
        case.expect(
            seen is not None, "not_registered", "the prefix of an RA to ff02::1 is taken", "nothing registered",
            frame=frame,
        )  # fmt: skip
