"""RFC 7668 §3.2.3, registrations at a 6LBR whose 6LNs come and go; the cases of RFC 6775 §6.5 try all else."""

import pytest

from fixtures.api import Case, HostParty, binds, let_pass, needs, on_link, requirement
from sixlowpan import ipv6
from suites.rfc6775.parties import SOON, heard, host
from suites.rfc6775.routing import advertisement, arrives, global_of, kept, registered, routing
from suites.rfc6775.test_6_5 import DUPLICATE
from suites.rfc7668.devices import Device, Star, star_of

pytestmark = [on_link("ble"), binds("6LBR", "nd"), needs("connect", "reset")]
#: A minute that has passed, whatever a timer's coarseness.
MINUTE = 66.0


def member(case: Case) -> tuple[Star, Device]:
    """One more 6LN, and the star that it is in."""
    here, party = star_of(case), host(case)
    assert here is not None
    assert isinstance(party, Device)
    return here, party


def expect_status(case: Case, party: HostParty, address: bytes, wanted: tuple[int, ...], when: str) -> None:
    """Register the address: the status of the answer is one of these."""
    status, seen = registered(case, party, address)
    said = "no NA" if seen is None else f"status {status}"
    case.expect(
        status in wanted, "nd_status", f"status {' or '.join(map(str, wanted))} {when}", said, frame=seen
    )


@requirement("RFC6775-6.5.1-01", "RFC6775-6.5.3-01", "RFC7668-3.2.1-03")
def test_comes_back(case: Case):
    """A 6LN leaves and comes back with its device address, and so its EUI-64: its address is no duplicate.

    RFC 6775 §6.5.1: it is none where "there is such an NCE and the EUI-64 is the same", nor where the entry has gone.
    """
    with routing(case) as (above, prefix):
        here, party = member(case)
        address = global_of(party, prefix)
        kept(case, party, address)
        here.leave(party)
        again = here.join(party.link)
        expect_status(case, again, address, (0,), "for its own address")
        there = arrives(case, above, address, again.link)
        case.expect(
            there is not None, "nd_lost", "packets reach it", "not so", requirement="RFC6775-6.5.3-01"
        )


@pytest.mark.slow
@requirement("RFC6775-6.5.3-04", "RFC7668-3.2.1-03")
def test_left_for_good(case: Case):
    """What a 6LN that has left had registered ends with its lifetime at the latest: then it may be another one's."""
    with routing(case) as (_, prefix):
        here, party = member(case)
        address = global_of(party, prefix)
        kept(case, party, address, lifetime=1)
        here.leave(party)
        _, other = member(case)
        status, _ = registered(case, other, address, other.aro(0))
        case.expect(status in {0, DUPLICATE, None}, "nd_status", "status 0 or 1", f"status {status}")
        let_pass(case, MINUTE)
        expect_status(case, other, address, (0,), "when its lifetime has ended")


@requirement("RFC7668-3.2.1-03")
def test_sent_to_who_left(case: Case):
    """A packet for a 6LN that has left goes to nobody else, and the 6LBR goes on to advertise and to forward."""
    with routing(case) as (above, prefix):
        here, party = member(case)
        _, other = member(case)
        gone, stays = global_of(party, prefix), global_of(other, prefix)
        kept(case, party, gone)
        kept(case, other, stays)
        here.leave(party)
        source = global_of(above, prefix)
        message = ipv6.udp(0xF0B5, 0xF0B6, case.tester.pattern(12), source, gone)
        above.send(ipv6.build(source, gone, ipv6.UDP, message))
        strays = heard(case, lambda s: s.view is not None and s.view.dst == gone, SOON)
        case.expect(strays is None, "carried", "nothing at another 6LN", "the packet")
        there = arrives(case, above, stays, other.link)
        case.expect(there is not None, "not_forwarded", "packets for who stayed", "none")
        case.expect(advertisement(case, other) is not None, "no_ra", "an RA still", "none")
