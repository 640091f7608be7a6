"""RFC 7668 §3.2.3 and §3.2.4, a 6LN behind a second advertisement, with other flags, and confirmations of others."""

from collections.abc import Iterator
from contextlib import contextmanager

from fixtures.api import ICMPV6, Case, needs, on_link, requirement
from sixlowpan import ipv6, nd
from suites.rfc7668.channel import (
    advertised,
    anew,
    as_6ln,
    confirm_registration,
    echoed,
    heard,
    is_ping,
    modes,
    reconnected,
    registered_address,
    registers,
    registration,
)
from suites.rfc7668.test_3_2_4 import examples, sent_from

pytestmark = on_link("ble")
CONTEXT, OTHER = 7, 6


def prefixes(case: Case) -> tuple[bytes, bytes]:
    """Two prefixes that no case before has told the DUT of."""
    start = bytes.fromhex("20010db8") + case.tester.pattern(3)
    return start + b"\1" + bytes(8), start + b"\2" + bytes(8)


@contextmanager
def advertised_anew(case: Case) -> Iterator[tuple[bytes, bytes]]:
    """A 6LN on a connection that was made anew, and knows a prefix and its context: the prefix, and another one."""
    as_6ln(case)
    first, second = prefixes(case)
    with anew(case):
        advertised(case, first, CONTEXT)
        yield first, second


def registers_of(case: Case, prefix: bytes) -> bool:
    """Whether the DUT registers an address of this prefix within 3 s, which is then confirmed."""
    seen = registers(case, lambda s: (registered_address(case, s) or b"")[:8] == prefix[:8])
    if seen is None:
        return False
    address = registered_address(case, seen)
    assert address is not None
    confirm_registration(case, seen, address)
    return True


@requirement("RFC7668-3.2.3-02", "RFC7668-3.2.2-14")
def test_two_prefixes(case: Case):
    """Two prefixes, one after the other: an address of each is registered."""
    with advertised_anew(case) as (first, second):
        if not registers_of(case, first):
            case.unsupported("the DUT registers nothing: see 3.2.2/global_address_is_registered")
        advertised(case, second, OTHER)
        case.expect(
            registers_of(case, second),
            "not_registered",
            "NS with ARO for the second prefix",
            "none within 3 s",
        )


@needs("connect")
@requirement("RFC7668-3.2.3-02", "RFC7668-3.2.2-14")
def test_registered_on_each_connection(case: Case):
    """A new connection is a new link: what was registered on the last one is registered again."""
    as_6ln(case)
    first, _ = prefixes(case)
    for number in (1, 2, 3):
        with anew(case):
            advertised(case, first, CONTEXT)
            found = registers_of(case, first)
        if not found and number == 1:
            case.unsupported("the DUT registers nothing: see 3.2.2/global_address_is_registered")
        case.expect(found, "not_registered", f"NS with ARO on connection {number}", "none within 3 s")


@needs("connect")
@requirement("RFC7668-3.2.3-04", "RFC7668-3.2.2-10")
def test_solicited_on_each_connection(case: Case):
    """A new connection is a new link: routers are solicited on each, also where the last one had a router."""
    as_6ln(case)
    first, _ = prefixes(case)
    with anew(case):
        for number in range(1, 5):
            found = heard(case, lambda s: s.icmp_type == nd.RS, 6.0)
            if not case.expect(
                found is not None, "no_rs", f"an RS on connection {number}", "none within 6 s"
            ):
                break
            advertised(case, first, CONTEXT)
            heard(case, lambda s: registration(s) is not None, 1.0)
            reconnected(case)


def told(case: Case, *options: nd.Option) -> None:
    """Be a 6LBR that says this, and no prefix."""
    tester = case.tester
    source, there = tester.identity.address, tester.dut_address
    own = nd.LinkLayerAddress(1, tester.identity.link)
    message = nd.RouterAdvertisement(router_lifetime=600, options=(own, *options)).build(source, there)
    tester.send_packet(ipv6.build(source, there, ICMPV6, message, hop_limit=255))
    echoed(case)  # behind that it has been worked off


def compressed(case: Case, prefix: bytes) -> bool | None:
    """Whether the DUT sends to this prefix with a context (DAC=1); None when it sends nothing there."""
    echoed(case)  # what was advertised may wait for credits, and a command does not
    target, identifier = prefix[:15] + b"\x99", case.tester.next_identifier()
    case.rig.node.ping(target, 8, identifier, 1)
    seen = heard(case, lambda s: is_ping(s, identifier, target), 3.0)
    return None if seen is None else modes(seen.payloads[0])[1] >= 4


@contextmanager
def taken(case: Case) -> Iterator[tuple[bytes, bytes]]:
    """A 6LN (`advertised_anew`) that sends with the advertised context: its prefix, and another one.

    A DUT that never does makes the case `unsupported`.
    """
    with advertised_anew(case) as (first, second):
        if not compressed(case, first):
            case.unsupported("the DUT compresses with no advertised context: see 3.2.3/context_is_taken")
        yield first, second


@needs("ping")
@requirement("RFC7668-3.2.3-05")
def test_contexts_add_up(case: Case):
    """A second 6CO with another CID leaves the first in place (RFC 6775 §5.4)."""
    with taken(case) as (first, second):
        told(
            case, nd.ContextOption(second, cid=OTHER, valid_lifetime=0)
        )  # an earlier case may have had that CID
        advertised(case, second, OTHER)
        for prefix, name in ((first, "first"), (second, "second")):
            case.expect(
                bool(compressed(case, prefix)), "context_lost", f"the {name} context in use", "it is not"
            )


@needs("ping")
@requirement("RFC7668-3.2.3-05", "RFC6775-4.2-04")
def test_context_not_for_compression(case: Case):
    """A 6CO with C=0 "is only to be used in the decompression" (RFC 6775 §4.2): nothing is sent with it."""
    with taken(case) as (_, second):
        option = nd.ContextOption(second, compress=False, cid=OTHER, valid_lifetime=10)
        case.tester.contexts = case.tester.contexts.with_context(OTHER, option.context())
        told(case, option)
        case.expect(
            not compressed(case, second), "context_used", "no context with C=0 in what it sends", "DAC=1"
        )


@needs("ping")
@requirement("RFC7668-3.2.3-05")
def test_context_ends(case: Case):
    """A 6CO with a lifetime of 0 ends the context "immediately" (RFC 6775 §4.2): it is used no more."""
    with taken(case) as (first, _):
        told(case, nd.ContextOption(first, cid=CONTEXT, valid_lifetime=0))
        case.expect(not compressed(case, first), "context_used", "no context that has ended", "DAC=1")


@needs("context", "address")
@requirement("RFC7668-3.2.4-09", "RFC7668-3.2.4-08")
def test_confirmed_for_another(case: Case):
    """An NA whose ARO has another's EUI-64 confirms nothing (RFC 6775 §5.5.2): the address is not elided."""
    as_6ln(case)
    tester = case.tester
    with anew(case):
        (address,) = examples(case, "6666")
        with tester.keeping_quiet():
            case.give_address(address)
            seen = registers(case, lambda s: registered_address(case, s) == address)
        if seen is None:
            case.unsupported("the DUT registers nothing: see 3.2.2/global_address_is_registered")
        option = registration(seen)
        assert option is not None
        other = nd.AddressRegistration(bytes.fromhex("0201020304050607"), lifetime=option.lifetime)
        answer = nd.NeighborAdvertisement(seen.upper[8:24], router=True, options=(other,))
        source = tester.identity.address
        packet = ipv6.build(source, address, ICMPV6, answer.build(source, address), hop_limit=255)
        tester.send_packet(packet)
        if address in case.rig.node.addresses():
            sent_from(case, address, 5, "RFC7668-3.2.4-09")
