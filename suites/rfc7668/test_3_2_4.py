"""RFC 7668 §3.2.4, header compression: what MUST be elided, and what elision may mean, by who sends to whom."""

import ipaddress
from contextlib import nullcontext

import pytest

from fixtures.api import (
    ALL_NODES,
    UDP,
    Case,
    field,
    needs,
    on_link,
    pause,
    requirement,
    stimulus,
)
from sixlowpan import LinkInfo
from sixlowpan.addresses import LINK_LOCAL_PREFIX
from suites.rfc7668.channel import (
    MODES,
    anew,
    as_6ln,
    confirmed,
    echoed,
    is_ping,
    modes,
    refreshed,
    well_elided,
)

pytestmark = on_link("ble")
SPARE = 8


def own_global(case: Case) -> bytes:
    """The address under context 0 that every DUT with addresses and contexts was given."""
    return case.tester.contexts[0].prefix[:8] + case.tester.dut_address[8:]


@requirement("RFC7668-3.2.4-04", "RFC7668-3.2.4-10", "RFC7668-3.2.4-12", "RFC7668-3.2.4-14")
@pytest.mark.parametrize("size", [8, 1232], ids=str)
def test_link_local_to_link_local(case: Case, size: int):
    """Both addresses made from device addresses: both MUST be fully elided (SAC=0 SAM=11, DAC=0 DAM=11)."""
    seen = echoed(case, size)
    if seen is not None:
        well_elided(case, seen)


@needs("ping")
@requirement("RFC7668-3.2.4-04", "RFC7668-3.2.4-12")
def test_link_local_to_a_group(case: Case):
    """The link-local source of a packet to all nodes, made from the device address: it MUST be fully elided, too."""
    tester, before = case.tester, len(case.tester.heard)
    case.rig.node.ping(ALL_NODES, 8, tester.next_identifier(), 1)
    pause(case, case.settle)
    found = [s for s in tester.heard[before:] if s.view is not None and s.view.dst == ALL_NODES]
    if not found:
        case.unsupported("the DUT's ping sends nothing to a group")
    well_elided(case, found[0])


@needs("context", "address")
@requirement("RFC7668-3.2.4-10", "RFC7668-3.2.4-14")
def test_global_to_link_local(case: Case):
    """A field complaint: an answer from a global address to our link-local one MUST elide the latter (DAC=0 DAM=11)."""
    seen = echoed(case, destination=own_global(case))
    if seen is not None:
        well_elided(case, seen)


@needs("context", "address")
@requirement("RFC7668-3.2.4-04", "RFC7668-3.2.4-11", "RFC7668-3.2.4-13")
def test_answer_to_a_context(case: Case):
    """The destination MUST be elided, wholly or in part, where a context covers it (DAC=1)."""
    source = case.tester.also(case.tester.contexts[0].prefix[:8] + bytes.fromhex("0a0b0c0d0e0f0102"))
    seen = echoed(case, source=source, destination=own_global(case))
    if seen is not None:
        well_elided(case, seen)
        found = modes(seen.payloads[0])[1]
        case.expect(
            found >= 5, "destination_elision", "DAC=1, the prefix elided", MODES[found], requirement="RFC7668-3.2.4-11",
            frame=seen, offset=1,
        )  # fmt: skip


@needs("ping")
@requirement("RFC7668-3.2.4-11")
def test_other_link_local_destination(case: Case):
    """A link-local destination that is not made from our device address goes with its 64 bits: DAC=0, DAM=01."""
    target = case.tester.also(LINK_LOCAL_PREFIX + bytes.fromhex("0a0b0c0d0e0f0103"))
    identifier = case.tester.next_identifier()
    seen = case.sent_by(
        lambda: case.rig.node.ping(target, 8, identifier, 1),
        lambda s: is_ping(s, identifier, target),
    )
    if seen is not None:
        found = modes(seen.payloads[0])[1]
        case.expect(found == 1, "destination_elision", MODES[1], MODES[found], frame=seen, offset=1)


@needs("address")
@requirement("RFC7668-3.2.4-07")
def test_other_link_local_source(case: Case):
    """SAC=0 SAM=11 is for the link-local address made from the device address: another one goes with its 64 bits."""
    address = LINK_LOCAL_PREFIX + bytes.fromhex("0a0b0c0d0e0f0104")
    case.give_address(address)
    seen = echoed(case, destination=address)
    if seen is not None:
        found = modes(seen.payloads[0])[0]
        case.expect(found != 3, "source_elision", MODES[1], MODES[found], frame=seen, offset=1)


@needs("context", "address", "ping")
@requirement("RFC7668-3.2.4.1-02")
@pytest.mark.parametrize("length", [64, 128], ids="/{}".format)
def test_destination_by_context(case: Case, length: int):
    """With a context for its destination a packet of the DUT's has DAC=1, and DAM=01 (/64) or 11 (/128)."""
    prefix = case.tester.contexts[0].prefix[:8]
    target = case.tester.also(prefix + bytes.fromhex("0a0b0c0d0e0f0105"))
    identifier = case.tester.next_identifier()
    if length == 128 and case.rig.profile.parameters.context_length not in {None, 128}:
        case.unsupported("the DUT holds no context of 128 bits", "not_declared")
    with case.dut.spare_context(SPARE) if length == 128 else nullcontext():
        if length == 128:
            case.dut.set_context(SPARE, f"{ipaddress.IPv6Address(target)}/128")
        seen = case.sent_by(
            lambda: case.rig.node.ping(target, 8, identifier, 1),
            lambda s: is_ping(s, identifier, target),
        )
    if seen is not None:
        found, wanted = modes(seen.payloads[0])[1], 5 if length == 64 else 7
        case.expect(
            found == wanted,
            "destination_elision",
            MODES[wanted],
            MODES[found],
            frame=seen,
            offset=1,
        )


@needs("context", "address")
@requirement("RFC7668-3.2.4-08", "RFC7668-3.2.4-09")
def test_unregistered_source_is_not_elided(case: Case):
    """SAC=1 SAM=11 says "the latest address that I registered": an address never registered MUST NOT go so."""
    as_6ln(case)
    seen = echoed(case, destination=own_global(case))
    if seen is not None:
        found = modes(seen.payloads[0])[0]
        case.expect(
            found != 7, "unregistered_elided", "a source in-line, as nothing was registered", MODES[found],
            frame=seen, offset=1,
        )  # fmt: skip


@needs("udp")
@requirement("RFC7668-3.2.4-01", "RFC7668-3.2.4-04")
def test_udp_header_is_compressed(case: Case):
    """ "All headers MUST be compressed": the UDP header, too, goes by NHC. Read strictly, so advice."""
    there = case.tester.identity.address
    seen = case.sent_by(
        lambda: case.rig.node.udp_send(there, 0xF0B1, 0xF0B2, b"keyhole"),
        lambda s: s.view is not None and s.view.upper()[0] == UDP and s.upper.endswith(b"keyhole"),
    )
    if seen is not None:
        well_elided(case, seen)
        ports = field(seen.payloads[0], "P")
        case.expect(
            ports is not None or (seen.view is not None and seen.view.next_header != UDP),
            "udp_in_line",
            "NH=1 and a UDP NHC octet",
            "NH=0",
            frame=seen,
        )


@needs("context", "address")
@requirement("RFC7668-3.2.4-17", "RFC7668-3.2-05")
@pytest.mark.parametrize("dam", [0b01, 0b11], ids="{:02b}".format)
def test_stateful_destination(case: Case, dam: int):
    """A context and 64 bits, or a context and nothing: understood as the address that DUT and tester mean by it."""
    if dam == 3 and case.rig.profile.parameters.role == "6LN":
        case.unsupported(
            "to a 6LN this means the latest registered address: see 3.2.4/latest_registered_address"
        )
    case.understood(
        lambda: stimulus(case, case.tester.echo(destination=own_global(case)), M=0, DAC=1, DAM=dam, CID=0)
    )


def examples(case: Case, *tails: str) -> list[bytes]:
    """Addresses as in the example of §3.2.4.2, under context 0: the first 48 bits of the IID are the same for all.

    They are others in each case, so that each is new to the DUT.
    """
    start = case.tester.contexts[0].prefix[:8] + b"\x11" + case.tester.pattern(5)
    return [start + bytes.fromhex(tail) for tail in tails]


def registered(case: Case, *addresses: bytes) -> None:
    """Have the DUT register these, the latest last; a DUT that registers none is judged by §3.2.2 already."""
    for address in addresses:
        if confirmed(case, address) is None:
            case.unsupported("the DUT registers nothing: see 3.2.2/global_address_is_registered")


def sent_from(case: Case, address: bytes, mode: int, requirement_id: str) -> None:
    """The source of an answer from that address goes in this mode."""
    seen = echoed(case, destination=address)
    found = modes(seen.payloads[0])[0] if seen is not None else mode
    case.expect(
        found == mode, "source_elision", MODES[mode], MODES[found], requirement=requirement_id, offset=1,
        frame=seen,
    )  # fmt: skip


def sent_to(case: Case, address: bytes, dam: int, *registered: bytes) -> None:
    """An echo to that address, with this DAM by what is registered, the latest last: it is understood so."""
    link, own = case.rig.link, case.tester.identity.link
    info = LinkInfo("ble", own, link.dut, role="6LBR", registered=registered)
    case.understood(
        lambda: stimulus(case, case.tester.echo(destination=address), info=info, M=0, DAC=1, DAM=dam, CID=0),
        requirement="RFC7668-3.2.4-17",
    )


@needs("context", "address")
@requirement("RFC7668-3.2.4-05", "RFC7668-3.2.4.1-01", "RFC7668-3.2.4-17")
def test_latest_registered_address(case: Case):
    """The latest registered address is fully elided: as a source by the DUT, as a destination by us."""
    as_6ln(case)
    with anew(case):
        (address,) = examples(case, "4444")
        registered(case, address)
        sent_from(case, address, 7, "RFC7668-3.2.4-05")
        sent_to(case, address, 3, address)


@needs("context", "address")
@requirement(
    "RFC7668-3.2.4-06", "RFC7668-3.2.4-05", "RFC7668-3.2.4.2-01", "RFC7668-3.2.4-08", "RFC7668-3.2.4-17"
)
def test_earlier_registered_address(case: Case):
    """An earlier registered address goes with 16 bits if its IID begins as that of the latest, else with 64."""
    as_6ln(case)
    with anew(case):
        first, second = examples(case, "4444", "5555")
        registered(case, first, second)
        sent_from(case, second, 7, "RFC7668-3.2.4-05")
        sent_from(case, first, 6, "RFC7668-3.2.4-06")
        sent_to(case, first, 2, first, second)
        sent_to(case, second, 3, first, second)
        registered(case, *examples(case, "dddd"))
        sent_from(case, first, 5, "RFC7668-3.2.4-06")


@needs("context", "address")
@requirement("RFC7668-3.2.4-09", "RFC7668-3.2.4-08")
@pytest.mark.parametrize("status", [None, 1, 2], ids=["silence", "status-1", "status-2"])
def test_unconfirmed_address(case: Case, status: int | None):
    """An address counts as registered only once we said so by an NA with ARO status 0: else it is not elided."""
    as_6ln(case)
    with anew(case):
        (address,) = examples(case, "6666")
        if confirmed(case, address, status=status) is None:
            case.unsupported("the DUT registers nothing: see 3.2.2/global_address_is_registered")
        if address in case.rig.node.addresses():  # a duplicate may be given up: RFC 6775 §5.5.2
            sent_from(case, address, 5, "RFC7668-3.2.4-09")


@needs("context", "address")
@requirement("RFC7668-3.2.4.2-02")
def test_registered_again(case: Case):
    """An earlier address is fully elided again once it was registered again, which a 6LN does before its lifetime ends.

    That the latest registration ends changes nothing: the tester confirms the earlier one only.
    """
    as_6ln(case)
    link = case.rig.link
    if link.clock != "virtual":
        case.unsupported("this takes ten minutes on a clock that cannot be moved", "not_on_this_rig")
    with anew(case):
        first, second = examples(case, "4444", "5555")
        registered(case, first, second)
        for confirm, mode in ((None, 6), (first, 7)):
            refreshed(case, confirm)
            sent_from(case, first, mode, "RFC7668-3.2.4.2-02")
