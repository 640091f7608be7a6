"""RFC 6775 §8.2, confirmations while a host waits: those of another, of every form; and an address that was refused."""

from dataclasses import replace

import pytest

from fixtures.api import MULTIHOP, Case, message_of, registration_of, requirement
from sixlowpan import ipv6, nd
from suites.rfc6775.parties import BORDER, heard, host
from suites.rfc6775.roles import DETECTING_ROUTER
from suites.rfc6775.routing import arrives
from suites.rfc6775.test_8_2 import answer, asked, is_dar

pytestmark = DETECTING_ROUTER
OTHER = bytes.fromhex("00124bfffe0a0b0c")
#: Seconds before the DAR is sent again, behind whose last time the 6LR answers on its own (§8.2.6).
BEFORE_RETRY = 0.6


@requirement("RFC6775-8.2.5-01")
@pytest.mark.parametrize("how", ["other-eui64", "last-octet-of-eui64", "other-address"])
def test_confirmation_of_another(case: Case, how: str):
    """A DAC settles the Tentative NCE of "the Registered Address and EUI-64", both: with one of them it is ignored."""
    with asked(case) as it:
        address = it.address[:15] + bytes([it.address[15] ^ 1])
        similar = it.party.eui64[:7] + bytes([it.party.eui64[7] ^ 1])
        changes = {
            "other-eui64": {"rovr": OTHER},
            "last-octet-of-eui64": {"rovr": similar},
            "other-address": {"address": address},
        }[how]
        frame = it.above.confirm_duplicate(it.request, 0, **changes)
        early = answer(case, it.party, BEFORE_RETRY)
        case.expect(early is None, "nd_early", "no NA for another's DAC", "one", frame=frame)
        there = arrives(case, it.above, it.address, it.party.link) if early is not None else None
        case.expect(there is None, "nd_taken", "nothing is registered", "it is", frame=frame)


@requirement("RFC6775-4.4-02", "RFC6775-4.4-01")
@pytest.mark.parametrize("how", ["hop-limit-1", "hop-limit-64", "hop-limit-255", "reserved", "option"])
def test_forms_of_a_confirmation(case: Case, how: str):
    """Hop limit and Reserved of a DAC are ignored (§4.4), as unknown options are (§8.2.1): status 1 is heeded."""
    with asked(case) as it:
        message = replace(message_of(it.request), type=nd.DAC, status=1, tid=0xFF if how == "reserved" else 0)
        there = it.request.view.src
        octets = message.build(BORDER, there)
        if how == "option":
            octets = ipv6.icmpv6(nd.DAC, message.code, octets[4:] + b"\xfd\1" + bytes(6), BORDER, there)
        hop_limit = int(how[10:]) if how.startswith("hop") else MULTIHOP - 1
        frame = it.above.send(ipv6.build(BORDER, there, 58, octets, hop_limit=hop_limit))
        seen = answer(case, it.party)
        status = registration_of(seen).status if seen is not None else None
        row = "RFC6775-4.4-02" if how.startswith("hop") else "RFC6775-4.4-01"
        case.expect(
            status == 1, "nd_unanswered", "NA with status 1", f"status {status}", requirement=row, frame=frame
        )


@requirement("RFC6775-8.2.5-01")
@pytest.mark.parametrize("status", [2, 9, 200], ids="status-{}".format)
def test_refused_by_any_status(case: Case, status: int):
    """ "In the case where the DAC indicates an error (the Status is non-zero)": any, also one that nobody has assigned.

    "The Status code is copied from the DAC to the ARO that is sent to the host", and nothing is registered.
    """
    with asked(case) as it:
        frame = it.above.confirm_duplicate(it.request, status)
        seen = answer(case, it.party)
        said = registration_of(seen).status if seen is not None else None
        case.expect(said == status, "nd_status", f"NA with status {status}", str(said), frame=frame)
        there = arrives(case, it.above, it.address, it.party.link)
        case.expect(there is None, "nd_taken", "not registered", "packets reach it", frame=frame)


@requirement("RFC6775-8.2.5-01")
def test_refused_address_is_free(case: Case):
    """Behind an error "the Tentative NCE for the Registered Address is removed": another host may ask for it."""
    with asked(case) as it:
        it.above.confirm_duplicate(it.request, 1)
        answer(case, it.party)
        other = host(case)
        frame = other.send(other.registration(it.address))
        again = heard(case, lambda s: is_dar(s) and message_of(s).rovr == other.eui64)
        case.expect(again is not None, "nd_request", "a DAR for the other host", "none", frame=frame)
        if again is not None:
            it.above.confirm_duplicate(again)
            seen = answer(case, other)
            status = registration_of(seen).status if seen is not None else None
            case.expect(status == 0, "nd_unanswered", "status 0 for the other host", f"{status}", frame=frame)
