"""RFC 6775 §8.2, multihop duplicate address detection, the 6LR's side: DAR, DAC, and the host that waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from fixtures.api import (
    MULTIHOP,
    Case,
    HostParty,
    RouterParty,
    Seen,
    advice,
    message_of,
    registration_of,
    requirement,
)
from sixlowpan import ipv6, link_local, nd
from suites.rfc6775.parties import BORDER, SOON, expect_apart, expect_no_status, heard, host, is_na
from suites.rfc6775.roles import DETECTING_ROUTER
from suites.rfc6775.routing import arrives, registered, routing

#: A group that routers forward to.
GROUP = bytes.fromhex("ff0e") + bytes(13) + b"\x77"
pytestmark = DETECTING_ROUTER


def is_dar(seen: Seen) -> bool:
    return seen.icmp_type == nd.DAR and message_of(seen) is not None


@dataclass
class Asked:
    """A registration that waits for its 6LBR."""

    above: RouterParty
    party: HostParty
    address: bytes
    option: nd.AddressRegistration
    request: Seen


@contextmanager
def asked(case: Case, lifetime: int = 10) -> Iterator[Asked]:
    """A 6LR that was sent a registration of an address it has not, and its DAR; without one the case ends."""
    with routing(case) as (above, prefix):
        above.checked = None
        case.tester.listen(SOON)
        party = host(case)
        # an identifier that is no EUI-64's: for those §8.2 needs no detection
        address = case.tester.also(prefix[:8] + b"\x50" + case.tester.pattern(7))
        option = party.aro(lifetime)
        party.send(party.registration(address, option))
        seen = heard(case, lambda s: is_dar(s) and message_of(s).address == address)
        if seen is None:
            case.failed("nd_request", f"a DAR for {address.hex()}", "none", requirement="RFC6775-8.2-01")
        yield Asked(above, party, address, option, seen)


def answer(case: Case, party: HostParty, seconds: float = SOON) -> Seen | None:
    """The NA with an ARO that this host gets."""
    return heard(
        case,
        lambda s: is_na(s) and registration_of(s) is not None and registration_of(s).rovr == party.eui64,
        seconds,
    )


@requirement("RFC6775-8.2-01", "RFC6775-8.2.3-01", "RFC6775-4.4-01", "RFC6775-4.4-02", "RFC6775-4.4-04")
def test_request(case: Case):
    """The DAR: from a global address to the 6LBR, hop limit 64, Status 0, lifetime and EUI-64 of the ARO."""
    with asked(case, 7) as it:
        seen, message, frame = it.request, message_of(it.request), it.request.frames[0]
        case.expect(seen.view.dst == BORDER, "nd_destination", f"to {BORDER.hex()}", seen.view.dst.hex(), frame=frame,
                    requirement="RFC6775-8.2.3-01")  # fmt: skip
        routable = seen.view.src[0] not in {0xFE, 0xFF, 0}
        case.expect(routable, "nd_source", "from a global address", seen.view.src.hex(), frame=frame,
                    requirement="RFC6775-8.2.3-01")  # fmt: skip
        case.expect(
            seen.view.hop_limit == MULTIHOP, "hop_limit", "hop limit 64", str(seen.view.hop_limit),
            requirement="RFC6775-4.4-02", frame=frame,
        )  # fmt: skip
        expect_no_status(case, seen, "RFC6775-4.4-04")
        fields = (message.code, message.tid, message.lifetime, message.rovr)
        wanted = (0, 0, 7, it.party.eui64)
        case.expect(
            fields == wanted, "nd_request", f"code, reserved, lifetime, EUI-64: {wanted}", str(fields),
            requirement="RFC6775-4.4-01", frame=frame,
        )  # fmt: skip
        early = answer(case, it.party, 0.5)
        case.expect(early is None, "nd_early", "no NA before the DAC", "one", frame=frame)


@requirement("RFC6775-6.5.4-01")
def test_tentative(case: Case):
    """ "Tentative NCEs MUST NOT be used to determine on-link status": no packet goes there before the DAC."""
    with asked(case) as it:
        source = bytes.fromhex("20010db8ffff0000") + case.tester.pattern(8)
        message = ipv6.udp(0xF0B5, 0xF0B6, case.tester.pattern(12), source, it.address)
        frame = it.above.send(ipv6.build(source, it.address, ipv6.UDP, message))
        seen = heard(case, lambda s: s.view.dst == it.address and s.info.dst == it.party.link, 0.5)
        case.expect(seen is None, "nd_early", "no packet to a host that waits", "one", frame=frame)
        it.above.confirm_duplicate(it.request)
        answer(case, it.party)


@requirement("RFC6775-8.2-01")
def test_two_ask_for_one_address(case: Case):
    """An ARO for an address that waits with another EUI-64: "the 6LR SHOULD silently ignore the ARO".

    The one that asked first is confirmed as if nobody else had asked; an answer of status 0 to the other is a breach.
    """
    with asked(case) as it:
        other = host(case)
        frame = other.send(other.registration(it.address))
        seen = answer(case, other, 0.5)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status != 0, "nd_early", "the other one gets no status 0", "status 0", frame=frame)
        with advice(case):
            case.expect(seen is None, "nd_answered", "no answer yet", f"status {status}", frame=frame)
        it.above.confirm_duplicate(it.request)
        seen = answer(case, it.party)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == 0, "nd_unanswered", "status 0 for the first", f"status {status}", frame=frame)
        there = arrives(case, it.above, it.address, it.party.link)
        case.expect(there is not None, "nd_lost", "the first is registered", "it is not", frame=frame)


@requirement("RFC6775-8.2-01", "RFC6775-8.2.5-01")
def test_confirmed(case: Case):
    """Behind a DAC with Status 0 the host gets its NA with status 0, and its packets."""
    with asked(case) as it:
        frame = it.above.confirm_duplicate(it.request)
        seen = answer(case, it.party)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == 0, "nd_unanswered", "NA with status 0 behind the DAC", str(status), frame=frame)
        there = arrives(case, it.above, it.address, it.party.link)
        case.expect(there is not None, "nd_lost", "registered", "no packet reaches it", frame=frame)


@requirement("RFC6775-8.2.5-01", "RFC6775-8.2-01")
def test_refused(case: Case):
    """Status 1 in the DAC goes to the host, at the link-local address of its EUI-64; nothing is registered."""
    with asked(case) as it:
        frame = it.above.confirm_duplicate(it.request, 1)
        seen = answer(case, it.party)
        status = registration_of(seen).status if seen is not None else None
        case.expect(status == 1, "duplicate", "NA with status 1", str(status), frame=frame)
        if seen is not None:
            wanted = link_local(it.party.link)
            case.expect(
                seen.view.dst == wanted, "nd_destination", f"to {wanted.hex()}", seen.view.dst.hex(),
                frame=seen,
            )  # fmt: skip
        there = arrives(case, it.above, it.address, it.party.link)
        case.expect(there is None, "nd_taken", "not registered", "packets reach it", frame=frame)


def _of_a_dar(seen: Seen) -> tuple[int, nd.Message]:
    """What must be the same when a DAR is sent again: its hop limit, and its fields."""
    return seen.view.hop_limit, message_of(seen)


@requirement("RFC6775-8.2.6-01", "RFC6775-8.2.3-01", "RFC6775-4.4-02")
def test_no_confirmation(case: Case):
    """No DAC: the DAR again after RETRANS_TIMER, up to 3 in all, then an NA with status 0: advice."""
    with asked(case) as it:
        times, seen = [it.request.time], None
        deadline = case.tester.now() + 12.0
        while seen is None and (found := case.tester.hear(deadline)) is not None:
            if is_dar(found):
                times.append(found.time)
                asked_for, again = (_of_a_dar(s) for s in (it.request, found))
                case.expect(again == asked_for, "nd_request", f"the DAR again: {asked_for}", str(again),
                            requirement="RFC6775-8.2.3-01", frame=found.frames[0])  # fmt: skip
            elif is_na(found) and registration_of(found) is not None:
                seen = found
        said = f"{len(times)}"
        case.expect(2 <= len(times) <= 3, "nd_retries", "2 or 3 DARs", said, frame=it.request)
        expect_apart(case, times, it.request.frames[0])
        status = registration_of(seen).status if seen is not None else None
        case.expect(
            status == 0,
            "nd_unanswered",
            "NA with status 0 in the end",
            str(status),
            frame=it.request,
        )


STRAYS = {
    "nobody-asked": {},
    "other-eui64": {"rovr": bytes.fromhex("00124bfffe0a0b0c")},
}


@requirement("RFC6775-8.2.5-01", "RFC6775-3.4-02")
@pytest.mark.parametrize("status", [0, 1], ids="status-{}".format)
@pytest.mark.parametrize("how", STRAYS)
def test_stray_confirmation(case: Case, how: str, status: int):
    """A DAC without a Tentative NCE of that address and EUI-64 "is silently ignored": it makes and removes nothing."""
    with asked(case) as it:
        it.above.confirm_duplicate(it.request)
        answer(case, it.party)
        other = host(case)
        address = it.address if how == "other-eui64" else it.address[:8] + b"\x51" + case.tester.pattern(7)
        rovr = STRAYS[how].get("rovr", other.eui64)
        frame = it.above.confirm_duplicate(it.request, status, address=address, rovr=rovr)
        case.expect(answer(case, other, 1.0) is None, "nd_answered", "no NA", "one", frame=frame)
        there = arrives(case, it.above, it.address, it.party.link)
        case.expect(
            there is not None, "nd_lost", "the registration of before stays", "it is gone", frame=frame
        )
        if how == "nobody-asked":
            there = arrives(case, it.above, address, other.link)
            case.expect(there is None, "nd_taken", "nothing is registered", "it is", frame=frame)


@requirement("RFC6775-3.4-02")
def test_request_changes_nothing(case: Case):
    """ "A router MUST NOT modify the Neighbor Cache as a result of receiving a DAR": one for a registered address."""
    with asked(case) as it:
        it.above.confirm_duplicate(it.request)
        answer(case, it.party)
        own = next((a for a in case.rig.node.addresses() if a[0] == 0x20), case.tester.dut_address)
        for lifetime in (0, 10):
            request = nd.DuplicateAddress(nd.DAR, it.address, bytes.fromhex("00124bfffe0a0b0c"), lifetime)
            frame = it.above.say(request, own, source=BORDER, hop_limit=MULTIHOP)
            case.tester.listen(0.5)
        there = arrives(case, it.above, it.address, it.party.link)
        case.expect(there is not None, "nd_lost", "the registration stays", "it is gone", frame=frame)


@requirement("RFC6775-8.2.3-01", "RFC6775-4.4-04")
def test_removal_is_reported(case: Case):
    """A lifetime of 0: "in addition to removing the NCE ..., a DAR is sent to the 6LBRs", with lifetime 0."""
    with asked(case) as it:
        it.above.confirm_duplicate(it.request)
        answer(case, it.party)
        it.party.send(it.party.registration(it.address, it.party.aro(0)))
        seen = heard(case, lambda s: is_dar(s) and message_of(s).address == it.address)
        lifetime = message_of(seen).lifetime if seen is not None else None
        case.expect(lifetime == 0, "nd_request", "a DAR with lifetime 0", str(lifetime), frame=seen)


@requirement("RFC6775-8.2-01")
def test_renewal_is_reported(case: Case):
    """ "For existing registrations ..., multihop DAD needs to be repeated", which "can be done asynchronously"."""
    with asked(case) as it:
        it.above.confirm_duplicate(it.request)
        answer(case, it.party)
        before = len(case.tester.heard)
        status, seen = registered(case, it.party, it.address, it.party.aro(20), SOON)
        if status is None and (requests := list(filter(is_dar, case.tester.heard[before:]))):
            it.above.confirm_duplicate(requests[-1])  # it may ask first
            seen = answer(case, it.party)
            status = registration_of(seen).status if seen is not None else None
        case.expect(status == 0, "nd_unanswered", "NA with status 0", str(status), frame=seen)
        # when the 6LR reports it is its own matter: "when this lifetime is about to run out"


@requirement("RFC6775-8.2.1-01")
@pytest.mark.parametrize(
    "how", ["multicast-address", "unspecified-source", "short", "checksum", "zero-option", "group-source"]
)
def test_bad_confirmation(case: Case, how: str):
    """A DAC that fails the checks of §8.2.1 is discarded: the host still waits, and is answered by the retries only."""
    with asked(case) as it:
        message = nd.DuplicateAddress(nd.DAC, it.address, it.party.eui64, 10, 1)
        frame = it.above.send(spoilt(message, BORDER, it.request.view.src, how))
        seen = answer(case, it.party, 1.0)
        status = registration_of(seen).status if seen is not None else None
        case.expect(
            status != 1, "nd_taken", "no NA for a DAC that is discarded", f"status {status}", frame=frame
        )


def spoilt(message: nd.DuplicateAddress, source: bytes, there: bytes, how: str) -> bytes:
    """A packet with a DAR or DAC that breaks one of the checks of §8.2.1."""
    if how == "multicast-address":
        message = replace(message, address=bytes.fromhex("ff0e") + message.address[2:])
    source = {"unspecified-source": bytes(16), "group-source": GROUP}.get(how, source)
    octets = message.build(source, there)
    if how == "short":
        octets = ipv6.icmpv6(message.type, message.code, octets[4:-1], source, there)
    elif how == "zero-option":
        octets = ipv6.icmpv6(message.type, message.code, octets[4:] + b"\xfd\0" + bytes(6), source, there)
    elif how == "checksum":
        octets = octets[:2] + bytes([octets[2] ^ 0x5A]) + octets[3:]
    return ipv6.build(source, there, 58, octets, hop_limit=MULTIHOP - 1)
