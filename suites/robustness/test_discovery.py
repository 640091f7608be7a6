"""Neighbor discovery of 6LoWPAN that lies: options of every type with lengths that cannot be, and far too many of them.

RFC 4861 §4.6: "Nodes MUST silently discard an ND packet that contains an option with length zero". What is cut short is
no message, either. Nothing here may kill the DUT, or make it answer; that it lives is shown by a control behind each.
"""

from collections.abc import Iterator

import pytest

from fixtures.api import (
    ICMPV6,
    Case,
    HostParty,
    Stimulus,
    binds,
    needs,
    on_link,
    outcome,
    requirement,
    stimulus,
)
from sixlowpan import ipv6, nd
from suites.rfc6775.attaching import attached
from suites.rfc6775.parties import abro, host, pio, spread
from suites.rfc6775.routing import advertisement, arrives, global_of, registered, routing

#: SLLAO, TLLAO, PIO, Redirected Header, MTU, RDNSS, and those of RFC 6775, RFC 7400, RFC 8505 and what is unassigned.
TYPES = (1, 2, 3, 4, 5, 14, 24, 25, 30, 31, 33, 34, 35, 36, 38, 99, 109, 253, 255)
HEADS = {
    nd.RS: bytes(4),
    nd.RA: bytes.fromhex("4000") + bytes(10),
    nd.NS: bytes(4),
    nd.NA: bytes.fromhex("60000000"),
}


def message(case: Case, kind: int, options: bytes) -> Stimulus:
    """A message with these octets for options; an RA is of a router with lifetime 0."""
    source, there = case.tester.identity.address, case.tester.dut_address
    target = {nd.NS: there, nd.NA: source}.get(kind, b"")
    octets = ipv6.icmpv6(kind, 0, HEADS[kind] + target + options, source, there)
    made = stimulus(case, ipv6.build(source, there, ICMPV6, octets, hop_limit=255))
    case.tester.ordinary.add(made.packet or b"")
    return made


def lies(kind: int) -> Iterator[bytes]:
    """Octets of an option of this type whose length is 0, larger than what there is, or smaller than it must be."""
    body = bytes(range(64))
    yield bytes((kind,))
    for length, size in (
        (0, 6),
        (0, 14),
        (1, 0),
        (1, 5),
        (2, 6),
        (3, 14),
        (4, 22),
        (5, 38),
        (31, 14),
        (255, 30),
    ):
        yield bytes((kind, length)) + body[:size]
    yield bytes((kind, 1)) + bytes(6)  # whole, and too short for most types


@requirement("RFC4861-7.1.1-01", "RFC4861-6.1.1-01", "RFC4861-6.1.2-01", "RFC4861-7.1.2-01")
@pytest.mark.parametrize("kind", HEADS, ids=["rs", "ra", "ns", "na"])
def test_lengths_that_lie(case: Case, kind: int):
    """Every type of option with every kind of wrong length, alone and behind a good one: the DUT lives on."""
    good = nd.LinkLayerAddress(nd.SLLAO, case.tester.identity.link).build()
    for which in TYPES:
        octets = [*lies(which), good + bytes((which, 0)) + bytes(6)]
        outcome(case, [message(case, kind, each) for each in octets])


@requirement("RFC4861-7.1.1-02", "RFC4861-6.1.1-03", "RFC4861-6.1.2-02", "RFC4861-7.1.2-02")
@pytest.mark.parametrize("kind", HEADS, ids=["rs", "ra", "ns", "na"])
def test_forty_options(case: Case, kind: int):
    """Forty options that nobody knows, then forty that everybody does: "MUST be ignored", or at least bearable."""
    case.survives(lambda: message(case, kind, b"".join(bytes((253, 1)) + bytes(6) for _ in range(40))))
    link = nd.LinkLayerAddress(nd.SLLAO, case.tester.identity.link).build()
    case.survives(lambda: message(case, kind, link * 40))
    case.survives(lambda: message(case, kind, (bytes((33, 2)) + bytes(14)) * 40))


@on_link("ieee802154")
@binds("6LN|6LR", "nd")
@needs("reset")
@requirement("RFC6775-5.4-02")
def test_advertisement_storm(case: Case):
    """Thirty routers with a prefix and a context each: the DUT has not room for all, and lives on."""
    with attached(case) as (party, _):
        for number in range(30):
            prefix = spread(case)
            option = nd.ContextOption(prefix, 64, False, number & 15, 1)
            other = HostParty(case.tester, host(case).identity)
            source = nd.LinkLayerAddress(nd.SLLAO, other.link)
            other.say(nd.RouterAdvertisement(options=(source, pio(prefix), option, abro(number + 2))))
        case.tester.listen(5.0)
        case.tester.heard.clear()
        party.advertise()
        case.tester.listen(1.0)


@on_link("ieee802154")
@binds("6LR|6LBR", "nd")
@needs("reset")
@requirement("RFC6775-6.5.3-01")
def test_registration_flood(case: Case):
    """Three hundred registrations back to back: those kept before still are, and hosts are still advertised to."""
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        status, _ = registered(case, party, address)
        if status != 0:
            case.unsupported("the DUT keeps no registration: see rfc6775/6.5/registration")
        for _ in range(300):
            other = host(case)
            other.send(other.registration(global_of(other, prefix)))
        case.tester.listen(10.0)
        case.expect(arrives(case, above, address, party.link) is not None, "nd_lost", "kept", "it is gone")
        found = advertisement(case, host(case))
        case.expect(found is not None, "no_ra", "a Router Advertisement still", "none")
