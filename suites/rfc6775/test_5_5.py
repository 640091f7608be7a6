"""RFC 6775 §5.5 and §5.5.2, registration: tries, renewal, several routers, and which answers count."""

from itertools import pairwise

import pytest

from fixtures.api import Case, message_of, registered_by, registration_of, requirement
from sixlowpan import ipv6, nd
from sixlowpan.addresses import ALL_NODES
from suites.rfc6775.attaching import answers_at, attached, awaiting, beside, invalid
from suites.rfc6775.parties import (
    A_HOST,
    ICMPV6_NA,
    SOON,
    STARTED,
    abro,
    all_heard,
    expect_apart,
    heard,
    is_rs,
    to,
)
from suites.rfc6775.roles import HOST

pytestmark = HOST


@requirement("RFC6775-5.5-01")
def test_retries(case: Case):
    """No answer: 2 or 3 solicitations at least RETRANS_TIMER apart, then the host solicits routers, or it asks on.

    Two are wanted at least: "until the host receives an NA message with an ARO", "up to MAX_UNICAST_SOLICIT times".
    """
    with awaiting(case) as (_, seen, address):
        again = all_heard(case, 25.0, lambda s: registered_by(s) == address)
        times = [seen.time, *(s.time for s in again)]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        frame = seen.frames[0]
        case.expect(len(times) >= 2, "nd_no_retry", "the NS is sent again", "it was sent once", frame=frame)
        expect_apart(case, times, frame)
        burst = sum(1 for gap in gaps[:6] if gap < 9) + 1
        case.expect(burst <= 3, "nd_retries", "up to 3 tries in a row", f"{burst}", frame=frame)


@A_HOST
@requirement("RFC6775-5.5.3-03", "RFC6775-5.3-08")
def test_silent_router(case: Case):
    """ "In the case of NUD failure, the entry for that router will be removed": the host solicits routers anew."""
    with awaiting(case, others=False) as (_, seen, _):
        again = heard(case, is_rs, 80.0)
        case.expect(
            again is not None, "no_rs", "a Router Solicitation once the only router is given up", "none in 80 s",
            requirement="RFC6775-5.3-08", frame=seen,
        )  # fmt: skip


@pytest.mark.slow
@requirement("RFC6775-5.5-01", "RFC6775-4.1-07", "RFC6775-5.5.2-03", "RFC6775-5.5-04", "RFC6775-5.8.2-01")
@pytest.mark.parametrize("minutes", [1, 2], ids="minutes-{}".format)
def test_renewal(case: Case, minutes: int):
    """The lifetime of the NA counts, in units of 60 s: the NS comes again "well in advance of" its end."""
    with attached(case, minutes=minutes) as (party, address):
        frame = case.evidence.frames[-1][2].frame
        began = case.tester.stamp()
        seen = heard(case, lambda s: to(party)(s) and registered_by(s) == address, 60.0 * minutes + 5)
        said = "none" if seen is None else f"after {seen.time - began:.0f} s"
        good = seen is not None and seen.time - began < 60.0 * minutes - 1
        case.expect(good, "nd_renewal", f"an NS within the {60 * minutes} s", said, frame=frame)
        eager = seen is not None and seen.time - began < 5
        case.expect(not eager, "nd_renewal", "no NS at once: the registration holds", said, frame=frame,
                    requirement="RFC6775-4.1-07")  # fmt: skip
        case.tester.listen(2.0)  # the tries of one renewal
        again = heard(case, lambda s: to(party)(s) and registered_by(s) == address, 60.0 * minutes + 5)
        case.expect(again is not None, "nd_renewal", "an NS in the next lifetime, too", "none", frame=frame)


@A_HOST
@requirement("RFC6775-5.5-02")
def test_two_routers(case: Case):
    """ "Hosts that receive RA messages from multiple default routers SHOULD attempt to register with more than one"."""
    with attached(case) as (first, address):
        with beside(case, first) as (second, frame):
            seen = heard(case, lambda s: to(second)(s) and registered_by(s) == address, STARTED)
        case.expect(
            seen is not None,
            "not_registered",
            "the address at the second router, too",
            "at one only",
            frame=frame,
        )


@requirement("RFC6775-5.5-03")
def test_leaving(case: Case):
    """A host that leaves a router SHOULD de-register: what it sends to one that has retired has lifetime 0."""
    with attached(case) as (party, address):
        party.advertise(abro(), router_lifetime=0)
        for seen in all_heard(case, SOON, lambda s: registered_by(s) == address):
            option = registration_of(seen)
            case.expect(
                option.lifetime == 0 or not to(party)(seen), "nd_lifetime", "lifetime 0 to a router that has retired",
                str(option.lifetime), frame=seen,
            )  # fmt: skip


WRONG = {
    "other-eui64": ("RFC6775-5.5.2-02", {"rovr": bytes.fromhex("00124bfffe0a0b0c")}),
    "flipped-eui64": ("RFC6775-5.5.2-02", {}),
    "length-3": ("RFC6775-5.5.2-01", {}),
    "length-1": ("RFC6775-5.5.2-01", {}),
}


@requirement("RFC6775-5.5.2-01", "RFC6775-5.5.2-02")
@pytest.mark.parametrize("status", [0, 1, 2], ids="status-{}".format)
@pytest.mark.parametrize("how", WRONG)
def test_not_ours(case: Case, how: str, status: int):
    """An ARO for another EUI-64, or of another length, "is silently ignored": the registration stays pending.

    So the NS comes again, whatever the status said, and the address is in use.
    """
    row = WRONG[how][0]
    extended = case.declares("nd_extended")
    if how == "length-3" and extended:
        row = "RFC6775-5.5.2-02"  # a 6LN of RFC 8505 takes an EARO of that length, with the ROVR that is its own
    with awaiting(case) as (party, seen, _):
        address, option = registered_by(seen), registration_of(seen)
        octets = bytearray(option.build())
        octets[2] = status
        if how == "other-eui64":
            octets[8:16] = WRONG[how][1]["rovr"]
        elif how == "flipped-eui64":
            octets[8] ^= 2
        elif how == "length-3":
            octets[1] = 3
            octets += case.tester.pattern(8) if extended else bytes(8)
        else:
            octets = octets[:1] + b"\x01" + octets[2:8]
        there = seen.view.src
        body = b"\xc0\0\0\0" + seen.upper[8:24] + bytes(octets)
        message = ipv6.icmpv6(ICMPV6_NA, 0, body, party.address, there)
        frame = party.send(ipv6.build(party.address, there, 58, message, hop_limit=255))
        again = heard(case, lambda s: registered_by(s) == address, 8.0)
        case.expect(
            again is not None, "nd_taken", "the registration stays pending: the NS comes again", "it does not",
            requirement=row, frame=frame,
        )  # fmt: skip
        if again is not None:
            party.confirm(again)
            case.tester.listen(0.2)
            case.expect(
                answers_at(case, party, address) is not None, "nd_dropped_address", "the address is kept",
                "no answer from it", requirement=row, frame=frame,
            )  # fmt: skip


@requirement("RFC6775-5.5.2-03")
def test_answer_without_option(case: Case):
    """An NA without an ARO confirms nothing: the NS comes again "until the host receives an NA message with an ARO"."""
    with awaiting(case) as (party, seen, address):
        answer = nd.NeighborAdvertisement(message_of(seen).target, router=True)
        frame = party.say(answer, seen.view.src)
        again = heard(case, lambda s: registered_by(s) == address, 8.0)
        case.expect(
            again is not None, "nd_taken", "the registration stays pending", "no NS again", frame=frame
        )


@requirement("RFC4861-7.1.2-01")
@pytest.mark.parametrize(
    "how",
    ["hop-limit-64", "hop-limit-254", "code-1", "checksum", "zero-option", "short", "group-target", "to-all"],
)
def test_invalid_answer(case: Case, how: str):
    """An NA that fails a check of RFC 4861 §7.1.2 is silently discarded: it confirms nothing, the NS comes again.

    "To all" is one with S=1 that goes to all nodes.
    """
    with awaiting(case) as (party, seen, address):
        there = ALL_NODES if how == "to-all" else seen.view.src
        target = ALL_NODES if how == "group-target" else message_of(seen).target
        answer = nd.NeighborAdvertisement(target, router=True, options=(registration_of(seen),))
        frame = party.send(invalid(answer.build(party.address, there), party.address, there, how))
        again = heard(case, lambda s: registered_by(s) == address, 8.0)
        case.expect(
            again is not None, "nd_taken", "the registration stays pending", "no NS again", frame=frame
        )
