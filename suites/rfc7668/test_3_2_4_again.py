"""RFC 7668 §3.2.4, "the latest address" again: of each prefix, of each 6LN, and what is no registration."""

import ipaddress

import pytest

from fixtures.api import Case, needs, on_link, requirement
from suites.rfc7668.channel import MODES, anew, as_6ln, confirmed, live, modes, registers, registration
from suites.rfc7668.star import one_more, sixln, two
from suites.rfc7668.test_3_2_4 import SPARE, examples, registered, sent_from, sent_to
from suites.rfc7668.test_3_2_6lbr import answered
from suites.rfc7668.test_3_2_6lbr import registered as confirmed_by_the_6lbr

pytestmark = on_link("ble")


def second_prefix(case: Case) -> bytes:
    """A prefix of its own, and a context for it on both sides; to be undone by `case.dut.spare_context(SPARE)`."""
    prefix = bytes.fromhex("20010db8") + case.tester.pattern(3) + b"\2"
    case.dut.set_context(SPARE, f"{ipaddress.IPv6Address(prefix + bytes(8))}/64")
    return prefix


# -- the DUT as a 6LN -------------------------------------------------------------------------------------------


@needs("context", "address")
@requirement("RFC7668-3.2.4-05", "RFC7668-3.2.4-08")
def test_latest_of_each_prefix(case: Case):
    """ "The latest address that the 6LN has registered for the indicated prefix": of two prefixes each has one."""
    as_6ln(case)
    with anew(case), case.dut.spare_context(SPARE):
        (first,) = examples(case, "4444")
        second = second_prefix(case) + b"\x21" + case.tester.pattern(7)
        registered(case, first, second)
        for address in (second, first):
            sent_from(case, address, 7, "RFC7668-3.2.4-05")


@needs("context", "address")
@requirement("RFC7668-3.2.4-06")
def test_alike_in_32_bits(case: Case):
    """16 bits are for identifiers whose first 48 bits are those of the latest: where 32 or 40 are, it goes with 64."""
    as_6ln(case)
    with anew(case):
        start = case.tester.contexts[0].prefix[:8] + b"\x12" + case.tester.pattern(3)
        tail = case.tester.pattern(4)
        first = start + tail
        for other in (bytes([tail[0] ^ 1]) + tail[1:], tail[:1] + bytes([tail[1] ^ 1]) + tail[2:]):
            registered(case, first, start + other)
            sent_from(case, first, 5, "RFC7668-3.2.4-06")


@needs("context", "address")
@requirement("RFC7668-3.2.4-09", "RFC7668-3.2.4-05", "RFC7668-3.2.4-17")
def test_latest_behind_a_refused_one(case: Case):
    """An address that was refused counts as not registered: the one before is the latest still, and elided."""
    as_6ln(case)
    with anew(case):
        first, second = examples(case, "4444", "5555")
        registered(case, first)
        if confirmed(case, second, status=1) is None:
            case.unsupported("the DUT registers nothing: see 3.2.2/global_address_is_registered")
        sent_from(case, first, 7, "RFC7668-3.2.4-09")
        sent_to(case, first, 3, first)


@needs("connect", "context", "address")
@requirement("RFC7668-3.2.4-09", "RFC7668-3.2.4-08")
def test_registered_on_this_connection(case: Case):
    """What was registered on the last connection is not on the next, until it is confirmed there: not elided."""
    as_6ln(case)
    (address,) = examples(case, "4444")
    with anew(case):
        registered(case, address)
    with anew(case), case.tester.keeping_quiet():
        case.rig.node.add_address(address)
        seen = registers(case, lambda s: registration(s) is not None)
        if seen is None:
            case.unsupported("the DUT registers nothing: see 3.2.2/global_address_is_registered")
        mode = modes(seen.payloads[0])[0]
        case.expect(mode != 7, "unregistered_elided", "a source in-line, as nothing is registered yet", MODES[mode],
                    frame=seen, offset=1)  # fmt: skip
        if address in case.rig.node.addresses():
            sent_from(case, address, 5, "RFC7668-3.2.4-09")


# -- the DUT as a 6LBR ------------------------------------------------------------------------------------------


@needs("connect", "context")
@requirement("RFC7668-3.2.4-15")
def test_latest_destination_of_each_prefix(case: Case):
    """The 6LBR elides a destination that "is the latest registered by the 6LN ... for the indicated context"."""
    with sixln(case) as member, case.dut.spare_context(SPARE):
        (first,) = confirmed_by_the_6lbr(case, member, "1111222233334444")
        second = second_prefix(case) + b"\x21" + case.tester.pattern(7)
        if (status := member.register(second)) != 0:
            case.unsupported(f"the DUT confirms no address of another prefix (status {status})")
        for address in (second, first):
            answered(case, member, address, 7, "RFC7668-3.2.4-15")


@needs("connect")
@requirement("RFC7668-3.2.4-15", "RFC7668-3.2.1-03")
@pytest.mark.parametrize("how", ["registers", "is-refused"])
def test_latest_of_each_6ln(case: Case, how: str):
    """The latest address is the latest of that 6LN: what another one registers, or it is refused, changes nothing."""
    with two(case) as (first, second):
        prefix = first.prefix()[:8] + b"\x13" + case.tester.pattern(6)
        mine, others = prefix + b"\1", prefix + b"\2"
        for member, address in ((first, mine), (second, others)):
            if member.register(address) != 0:
                case.unsupported("the DUT confirms no registration: see 3.star/forwarding_between_6lns")
        if how == "is-refused" and first.register(others) != 1:
            case.unsupported("the DUT refuses no duplicate: see 3.star/duplicate_address")
        answered(case, first, mine, 7, "RFC7668-3.2.4-15")
        answered(case, second, others, 7, "RFC7668-3.2.4-15")


@needs("connect")
@requirement("RFC7668-3.2.4.2-02")
def test_removed_is_not_registered(case: Case):
    """A lifetime of 0 gives an address back and registers none: the latest is the latest still."""
    with sixln(case) as member:
        first, second = confirmed_by_the_6lbr(case, member, "1111222233334444", "1111222233335555")
        before = member.registered
        member.register(first, lifetime=0)
        member.registered = before
        answered(case, member, second, 7, "RFC7668-3.2.4.2-02")


@needs("connect")
@requirement("RFC7668-3.2.4-16")
def test_destination_alike_in_32_bits(case: Case):
    """An earlier destination whose first 32 or 40 bits only are those of the latest goes with 64."""
    with sixln(case) as member:
        for tails in (("1111222233334444", "1111222243334444"), ("1111222233334444", "1111222233434444")):
            first, _ = confirmed_by_the_6lbr(case, member, *tails)
            answered(case, member, first, 5, "RFC7668-3.2.4-16")


# -- device addresses -------------------------------------------------------------------------------------------


@needs("connect")
@requirement("RFC7668-3.2.2-05", "RFC7668-3.2-05")
@pytest.mark.parametrize("device", ["c20000000006", "c00000000007", "5b1122334455", "401122334466"])
def test_any_device_address(case: Case, device: str):
    """ "Copied as is without any changes on any bit": a peer with the U/L bit set or clear, random of any kind."""
    link = live(case)
    address = bytes.fromhex(device)
    if address == link.dut:
        case.unsupported("the DUT has this device address", "not_on_this_rig")
    with one_more(case, address) as member:
        case.expect(member.alive(), "no_answer", f"an answer to {device}, its address elided", "none")
