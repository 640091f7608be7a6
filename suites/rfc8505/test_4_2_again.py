"""RFC 8505 §5.7 and §6, EDAR and EDAC again: renewals and removals are reported, statuses passed on, tables right."""

import pytest

from fixtures.api import Case, binds, message_of, needs, on_link, requirement
from suites.rfc6775.parties import abro, heard
from suites.rfc6775.routing import registered, routing
from suites.rfc6775.test_8_2 import is_dar
from suites.rfc6775.test_8_2_4 import OTHER, Asker, expect_status
from suites.rfc8505.test_4 import attached_host
from suites.rfc8505.test_4_2 import filled
from suites.rfc8505.test_5 import UPDATED

pytestmark = [on_link("ieee802154"), needs("reset")]
BORDER = binds("6LBR", "nd", "nd_extended", "multihop_dad")
SIX_LR = binds("6LR", "nd", "nd_extended", "multihop_dad")
SATURATED = 9


@SIX_LR
@requirement("RFC8505-5.7-05", "RFC8505-5.7-06", "RFC8505-4.2-01")
@pytest.mark.parametrize("lifetime", [20, 0], ids=["renewal", "removal"])
def test_is_reported(case: Case, lifetime: int):
    """A renewal MUST be reported to the 6LBR, and an end with "the null Registration Lifetime and the latest TID"."""
    row = "RFC8505-5.7-05" if lifetime else "RFC8505-5.7-06"
    with routing(case, abro(), UPDATED) as (_, prefix):
        party = attached_host(case)
        address = prefix[:8] + b"\x5a" + case.tester.pattern(7)
        status, _ = registered(case, party, address, party.earo(8, tid=244))
        if status != 0:
            case.unsupported("the DUT does not register the address: see rfc8505/4/registration")
        party.send(party.registration(address, party.earo(lifetime, tid=247)))
        seen = heard(case, lambda s: is_dar(s) and message_of(s).address == address, 8.0)
        if seen is None:
            case.failed("nd_request", f"an EDAR with lifetime {lifetime}", "none", requirement=row)
        found = message_of(seen)
        case.expect(
            (found.lifetime, found.tid) == (lifetime, 247), "nd_request", f"lifetime {lifetime}, TID 247",
            f"lifetime {found.lifetime}, TID {found.tid}", requirement=row, frame=seen,
        )  # fmt: skip


@SIX_LR
@requirement("RFC8505-4.1-09", "RFC8505-4.1-15", "RFC8505-4.1-16")
@pytest.mark.parametrize("wanted", [3, 9, 10], ids=str)
def test_statuses_are_passed_on(case: Case, wanted: int):
    """ "The Status code is copied from the DAC to the ARO" (RFC 6775 §8.2.5): also the new ones."""
    rows = {3: "RFC8505-4.1-09", 9: "RFC8505-4.1-15", 10: "RFC8505-4.1-16"}
    with routing(case, abro(), UPDATED) as (above, prefix):
        party = attached_host(case)
        above.checked = wanted
        address = prefix[:8] + b"\x5b" + case.tester.pattern(7)
        status, seen = registered(case, party, address, party.earo())
        case.expect(
            status == wanted, "nd_status", f"status {wanted}", str(status), requirement=rows[wanted],
            frame=seen,
        )  # fmt: skip


@BORDER
@requirement("RFC8505-5.7-01", "RFC8505-4.1-15")
def test_saturated_and_known(case: Case):
    """A full table refuses new addresses, and keeps none of them: what it has is renewed and given back."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        known, last, status = filled(asker)
        if status == 0:
            case.unsupported("the DUT kept all of 256 addresses")
        again = asker.status(asker.request(code=1, tid=240, address=last, rovr=OTHER))
        case.expect(
            again != 1, "nd_kept", "what was refused is not kept", "it is: status 1", frame=asker.frame
        )
        expect_status(case, asker, asker.request(20, code=1, tid=241, address=known), 0, "a renewal")
        expect_status(case, asker, asker.request(0, code=1, tid=242, address=known), 0, "lifetime 0")


@BORDER
@requirement("RFC8505-4.2-03")
@pytest.mark.parametrize("tid", [240, 0, 127], ids=str)
def test_extended_behind_plain(case: Case, tid: int):
    """A plain DAR has no TID: an EDAR of the same ROVR behind it is confirmed, whatever its TID is."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(), 0, "a DAR")
        expect_status(case, asker, asker.request(code=1, tid=tid), 0, f"an EDAR with TID {tid} behind it")


@BORDER
@requirement("RFC8505-6.3-02")
def test_plain_behind_extended(case: Case):
    """That plain DARs "update a state established by the updated protocol ... cannot be the default behavior".

    One with lifetime 0 removes nothing, whatever it is answered.
    """
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(code=1, tid=245), 0, "an EDAR")
        status = asker.status(asker.request(0))
        case.note(f"a plain DAR with lifetime 0 gets status {status}")
        expect_status(
            case, asker, asker.request(code=1, tid=243), 3, "an older EDAR: the entry and its TID are there"
        )
        expect_status(case, asker, asker.request(code=1, tid=245, rovr=OTHER), 1, "another ROVR")
