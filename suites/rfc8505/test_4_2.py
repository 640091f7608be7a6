"""RFC 8505 §4.2, §5.7 and §6, Extended Duplicate Address messages: of a 6LR that asks, and of a 6LBR that answers."""

import pytest

from fixtures.api import Case, binds, message_of, needs, on_link, requirement
from sixlowpan import nd
from suites.rfc6775.parties import abro, heard, host
from suites.rfc6775.routing import registered, routing
from suites.rfc6775.test_8_2 import is_dar
from suites.rfc6775.test_8_2_4 import Asker, expect_status
from suites.rfc8505.test_4 import attached_host
from suites.rfc8505.test_5 import UPDATED

pytestmark = [on_link("ieee802154"), needs("reset")]
BORDER = binds("6LBR", "nd", "nd_extended", "multihop_dad")
SIX_LR = binds("6LR", "nd", "nd_extended", "multihop_dad")
SATURATED = 9


@BORDER
@requirement("RFC8505-4.2-01", "RFC8505-4.2-02")
@pytest.mark.parametrize("code", [1, 2, 3, 4, 0x11], ids="code-{:#x}".format)
def test_confirmation(case: Case, code: int):
    """EDAR of every size of ROVR: an EDAC of the same, with TID and Code; a Code Prefix is ignored, and sent as 0."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        rovr = case.tester.pattern(8 * (code & 15))
        seen = asker.ask(asker.request(7, rovr=rovr, code=code, tid=243))
        if seen is None:
            case.failed("nd_confirmation", "an EDAC", "none", frame=asker.frame)
        found = message_of(seen)
        fields = (found.status, found.tid, found.lifetime, found.rovr)
        wanted = (0, 243, 7, rovr)
        case.expect(fields == wanted, "nd_confirmation", f"{wanted}", f"{fields}", frame=seen)
        case.expect(
            found.code == code & 15, "nd_confirmation", f"Code {code & 15}", f"{found.code:#x}",
            requirement="RFC8505-4.2-02", frame=seen,
        )  # fmt: skip


@BORDER
@requirement("RFC8505-4.2-03")
def test_tid_of_a_plain_request(case: Case):
    """The TID "MUST be ignored if the ICMP Code is null": plain DARs with any octet there are all taken."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        for tid in (250, 240, 100, 0):
            expect_status(case, asker, asker.request(tid=tid), 0, f"Code 0, octet {tid}")


@BORDER
@requirement("RFC8505-5.2.1-03", "RFC8505-4.1-09")
@pytest.mark.parametrize(
    ("held", "tid", "status"), [(240, 241, 0), (241, 240, 3), (250, 5, 0), (240, 5, 3)], ids=str
)
def test_newer(case: Case, held: int, tid: int, status: int):
    """TIDs are compared in the 6LBR as well: an older one gets status 3, Moved."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(code=1, tid=held), 0, f"TID {held}")
        expect_status(case, asker, asker.request(code=1, tid=tid), status, f"TID {tid} behind {held}")
        again = asker.ask(asker.request(code=1, tid=tid)) if status else None
        if (
            again is not None
        ):  # RFC 6775 §8.2.4 copies the DAR where the status is 0; for "Moved" no text says which
            told = message_of(again).tid
            case.expect(told in {tid, held}, "nd_confirmation", f"TID {tid}, or {held} that it knows", f"TID {told}",
                        requirement="RFC8505-4.1-09", frame=again)  # fmt: skip


@BORDER
@requirement("RFC8505-5.7-04")
def test_deregistration(case: Case):
    """Lifetime 0: with an older TID "Moved is returned instead, and the existing entry is maintained"; else it goes."""
    other = bytes.fromhex("00124bfffe0a0b0c")
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        expect_status(case, asker, asker.request(code=1, tid=245), 0, "TID 245")
        expect_status(case, asker, asker.request(0, code=1, tid=243), 3, "lifetime 0, TID 243")
        expect_status(
            case, asker, asker.request(code=1, tid=245, rovr=other), 1, "another ROVR: the entry is there"
        )
        expect_status(case, asker, asker.request(0, code=1, tid=246), 0, "lifetime 0, TID 246")


def filled(asker: Asker) -> tuple[bytes, bytes, int | None]:
    """Ask for 256 addresses, until one is refused: the first and the last that was asked for, and the last status."""
    start, end = asker.address[:10], asker.address[12:]
    for number in range(256):
        last = start + number.to_bytes(2) + end
        status = asker.status(asker.request(code=1, tid=240, address=last))
        if status != 0:
            break
    return start + bytes(2) + end, last, status


@BORDER
@requirement("RFC8505-4.1-15", "RFC8505-5.7-01")
def test_saturated(case: Case):
    """A full table: status 9, "6LBR Registry Saturated", in place of 2; what was kept before still is."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        first, _, status = filled(asker)
        if status == 0:
            case.note("the DUT kept all of 256 addresses")
            return
        case.expect(status == SATURATED, "nd_status", "status 9", str(status), frame=asker.frame)
        asker.address = first
        other = asker.request(code=1, tid=240, rovr=bytes.fromhex("00124bfffe0a0b0c"))
        expect_status(case, asker, other, 1, "the first is kept")


@SIX_LR
@requirement("RFC8505-4.2-01", "RFC8505-4.2-02", "RFC8505-6.2-01", "RFC8505-5.2.1-03")
@pytest.mark.parametrize(("updated", "extended"), [(True, True), (True, False), (False, True)], ids=str)
def test_request(case: Case, updated: bool, extended: bool):
    """A 6LR sends an EDAR for an EARO to a 6LBR that knows it (D), and a plain DAR for an ARO (§6.2).

    To a 6LBR of RFC 6775 only it may send either, with 64 bits of ROVR (§6.4).
    """
    with routing(case, abro(), *((UPDATED,) if updated else ())) as (above, prefix):
        party = attached_host(case) if extended else host(case)
        address = prefix[:8] + b"\x55" + case.tester.pattern(7)
        case.tester.also(address)
        option = party.earo(8, tid=247) if extended else party.aro(8)
        party.send(party.registration(address, option))
        seen = heard(case, lambda s: is_dar(s) and message_of(s).address == address, 8.0)
        if seen is None:
            case.failed("nd_request", f"a DAR for {address.hex()}", "none", requirement="RFC6775-8.2-01")
        found, frame = message_of(seen), seen.frames[0]
        wanted = {(True, True): {(1, 247)}, (True, False): {(0, 0)}, (False, True): {(0, 0), (1, 247)}}
        row = "RFC8505-4.2-01" if extended else "RFC8505-6.2-01"
        case.expect(
            (found.code, found.tid) in wanted[updated, extended], "nd_request", "Code and TID of "
            f"{'an EDAR' if updated and extended else 'a DAR'}", f"Code {found.code}, TID {found.tid}", requirement=row,
            frame=frame,
        )  # fmt: skip
        case.expect(
            len(found.rovr) == 8, "nd_request", "64 bits of ROVR", f"{8 * len(found.rovr)}", frame=frame
        )
        del above


@SIX_LR
@requirement("RFC8505-4.1-15", "RFC8505-4.1-14")
def test_status_is_passed_on(case: Case):
    """Status 9 of the 6LBR "is passed on to the Registering Node by the 6LR"."""
    with routing(case, abro(), UPDATED) as (above, prefix):
        party = attached_host(case)
        above.checked = SATURATED
        address = prefix[:8] + b"\x56" + case.tester.pattern(7)
        status, seen = registered(case, party, address, party.earo())
        case.expect(
            status == SATURATED,
            "nd_status",
            "status 9",
            str(status),
            frame=seen,
        )


@BORDER
@requirement("RFC8505-4.1-09", "RFC8505-5.2.1-03")
def test_latest_counts(case: Case):
    """The TID of the latest EDAR that was confirmed is what the next one is compared with, not one that was refused."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        for tid, status in ((240, 0), (245, 0), (242, 3), (244, 3), (246, 0)):
            expect_status(case, asker, asker.request(code=1, tid=tid), status, f"TID {tid}")


@BORDER
@requirement("RFC8505-4.2-01")
@pytest.mark.parametrize("code", [2, 3, 4], ids="code-{}".format)
def test_whole_rovr(case: Case, code: int):
    """ROVRs of 128 to 256 bits that begin alike are two: status 1."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        rovr = case.tester.pattern(8 * code)
        other = rovr[:-1] + bytes([rovr[-1] ^ 1])
        expect_status(case, asker, asker.request(code=code, tid=240, rovr=rovr), 0, "a new address")
        expect_status(case, asker, asker.request(code=code, tid=240, rovr=other), 1, "another ROVR")
        expect_status(case, asker, asker.request(code=code, tid=241, rovr=rovr), 0, "the first again")


@BORDER
@requirement("RFC8505-4.2-01")
def test_longer_rovr(case: Case):
    """A ROVR of 64 bits, and one of 128 that begins with these, are two: status 1, either way round."""
    with routing(case) as (_, prefix):
        asker = Asker(case, prefix)
        short = case.tester.pattern(8)
        for name, first, second in (("longer", short, short * 2), ("shorter", short * 2, short)):
            asker.address = prefix[:8] + b"\x5c" + case.tester.pattern(7)
            one, other = (asker.request(code=len(r) // 8, tid=240, rovr=r) for r in (first, second))
            expect_status(case, asker, one, 0, "a new address")
            expect_status(case, asker, other, 1, f"the {name} one")


@SIX_LR
@requirement("RFC8505-4.2-01")
@pytest.mark.parametrize("bits", [128, 192, 256], ids="rovr-{}".format)
def test_request_of_a_long_rovr(case: Case, bits: int):
    """The Code Suffix says how long the ROVR is: 2, 3 or 4 for 128, 192 or 256 bits, all of which are in the EDAR."""
    with routing(case, abro(), UPDATED) as (_, prefix):
        more = case.tester.pattern(bits // 8 - 8)
        party = attached_host(case, more)
        address = case.tester.also(prefix[:8] + b"\x58" + case.tester.pattern(7))
        party.send(party.registration(address, party.earo(8, rovr=party.eui64 + more)))
        seen = heard(case, lambda s: s.icmp_type == nd.DAR and address in s.upper, 8.0)
        if seen is None:
            case.failed("nd_request", f"an EDAR for {address.hex()}", "none", requirement="RFC8505-4.2-01")
        code, octets = seen.upper[1], seen.upper[8:]
        wanted = party.eui64 + more + address
        case.expect(code == bits // 64, "nd_request", f"Code {bits // 64}", str(code), frame=seen)
        case.expect(octets == wanted, "nd_request", wanted.hex(), octets.hex(), frame=seen)
