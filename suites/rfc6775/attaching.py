"""What the cases about a 6LN share: a DUT that attaches to routers of the tester's, and registers with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from fixtures.api import (
    ECHO_REPLY,
    ECHO_REQUEST,
    NEIGHBOR_SOLICITATION,
    Case,
    RouterParty,
    Seen,
    registered_by,
    serving,
)
from sixlowpan import ipv6, nd
from suites.rfc6775.parties import (
    SOON,
    STARTED,
    abro,
    answered,
    fresh,
    heard,
    is_rs,
    pio,
    router,
    spread,
    to,
    tried,
)


def attach(case: Case, party: RouterParty, prefix: bytes) -> bytes:
    """Have the DUT attach to a serving router; the address of `prefix` that it registers.

    One that registers none is a finding, and the case ends.
    """
    seen, _ = answered(case, party.advertise, registers_of(prefix), "a registration", STARTED)
    if seen is None:
        return unregistered(case)
    case.tester.listen(0.1)  # what the answer to it draws
    return registered_by(seen)


def registers_of(prefix: bytes) -> Callable[[Seen], bool]:
    """Whether what is heard registers an address of this prefix."""
    return lambda seen: (registered_by(seen) or b"")[:8] == prefix[:8]


def registration_behind_ra(case: Case, party: RouterParty, prefix: bytes) -> Seen | None:
    """The router advertises itself; the registration of an address of this prefix that comes of it."""
    party.advertise()
    return heard(case, registers_of(prefix), STARTED)


def unregistered(case: Case) -> NoReturn:
    """No registration followed an advertisement with a prefix for autoconfiguration."""
    case.failed(
        "not_registered",
        "NS with ARO for an address of the advertised prefix",
        "none",
        requirement="RFC6775-5.4.1-02",
    )


@contextmanager
def offered(
    case: Case, *options: nd.Option, first: bool = False, **fields: object
) -> Iterator[tuple[RouterParty, bytes]]:
    """A fresh DUT, and a router with a prefix that answers it: the router, and the prefix.

    `options` stand behind its PIO and ABRO, or `first`.
    """
    with fresh(case):
        prefix = spread(case)
        own = (pio(prefix), abro())
        party = router(case, *((*options, *own) if first else (*own, *options)), **fields)
        with serving(case.tester, party):
            yield party, prefix


@contextmanager
def attached(case: Case, *options: nd.Option, **fields: object) -> Iterator[tuple[RouterParty, bytes]]:
    """A fresh DUT that registered with one router (`offered`): the router, and the DUT's global address."""
    with offered(case, *options, **fields) as (party, prefix):
        yield party, attach(case, party, prefix)


def none_of(case: Case, start: bytes, found: list[Seen], expected: str) -> bool:
    """Whether the DUT has no address with this start: `found` is what it sent to register one."""
    made = [address for address in case.rig.node.addresses() if address.startswith(start)]
    return case.expect(
        not found and not made, "nd_taken", expected,
        registered_by(found[0]).hex() if found else "".join(address.hex() for address in made),
        frame=found[0] if found else None,
    )  # fmt: skip


@contextmanager
def awaiting(case: Case, *, others: bool = True) -> Iterator[tuple[RouterParty, Seen, bytes]]:
    """A fresh DUT whose registration waits for an answer: the router, the NS, and the address that it registers.

    What else it registers is confirmed, unless `others` is false.
    """
    with offered(case, status=None) as (party, prefix):
        seen = first_try(case, party, prefix, others=others)
        yield party, seen, registered_by(seen)


def once_more(case: Case, party: RouterParty, **fields: object) -> RouterParty:
    """One more router, which advertises what this one does."""
    return router(case, *party.options, **fields)


@contextmanager
def beside(case: Case, party: RouterParty, **fields: object) -> Iterator[tuple[RouterParty, bytes]]:
    """One more router, which advertises what this one does, and has: the router, and the frame of its advertisement."""
    second = once_more(case, party, **fields)
    with serving(case.tester, second):
        yield second, second.advertise()


def only(party: RouterParty, seen: Seen, start: bytes) -> bool:
    """Whether it registers an address with this start; what registers another is confirmed.

    An error of RFC 6775 does not say which address it is about (§6.5.2), so that no other may wait for an answer.
    """
    if not to(party)(seen) or registered_by(seen).startswith(start):
        return to(party)(seen)
    party.confirm(seen)
    return False


def first_try(case: Case, party: RouterParty, prefix: bytes, *, others: bool = True) -> Seen:
    """The first registration at a router, which advertises once: each RA may start one. Without one the case ends."""
    party.advertises = False
    heard(case, is_rs, STARTED)
    start = prefix[:8] if others else b""
    mine = registers_of(prefix)
    seen, _ = answered(
        case, party.advertise, lambda s: only(party, s, start) and mine(s), "a registration", STARTED
    )
    if seen is None:
        return unregistered(case)
    if others:
        heard(case, lambda s: only(party, s, prefix[:8]) and False, 0.3)
    return seen


def answers_at(case: Case, party: RouterParty, address: bytes) -> Seen | None:
    """The DUT's answer to an echo to one of its addresses."""

    def once() -> Seen | None:
        request = case.tester.echo(source=party.address, destination=address)
        party.send(request)
        return heard(case, lambda s: s.icmp_type == ECHO_REPLY and s.upper[4:8] == request[44:48])

    return tried(case, once, f"an answer at {address.hex()}")


def expect_made(case: Case, party: RouterParty, *addresses: bytes) -> None:
    """The DUT answers at addresses that it has registered; else the case ends.

    What it does later at an address that it never had would say nothing of lifetimes.
    """
    for address in addresses:
        if answers_at(case, party, address) is None:
            case.failed(
                "nd_unanswered", f"an answer at {address.hex()}, which it has registered", "none",
                requirement="RFC4862-5.5.3-03",
            )  # fmt: skip


def pinged(case: Case, destination: bytes, seconds: float = SOON) -> tuple[Seen | None, list[Seen]]:
    """Have the DUT ping an address: the request as it came, and what Neighbor Solicitations for it came first."""
    solicited: list[Seen] = []

    def holds(seen: Seen) -> bool:
        if seen.icmp_type == NEIGHBOR_SOLICITATION and seen.upper[8:24] == destination:
            solicited.append(seen)
        return seen.icmp_type == ECHO_REQUEST and seen.view.dst == destination

    case.rig.node.ping(destination, 8, case.tester.next_identifier(), 1)
    return heard(case, holds, seconds), solicited


def invalid(message: bytes, source: bytes, there: bytes, how: str) -> bytes:
    """A packet with an ICMPv6 message that breaks one of the checks of RFC 4861 §6.1.2 and §7.1.2."""
    hop_limit = int(how.rpartition("-")[2]) if how.startswith("hop-limit") else 255
    if how == "checksum":
        message = message[:2] + bytes([message[2] ^ 0x5A]) + message[3:]
    elif how == "code-1":
        message = ipv6.icmpv6(message[0], 1, message[4:], source, there)
    elif how == "short":  # four octets less than the least
        message = ipv6.icmpv6(message[0], 0, message[4 : 12 if message[0] == nd.RA else 20], source, there)
    elif how == "zero-option":
        message = ipv6.icmpv6(message[0], 0, message[4:] + b"\xfd\0" + bytes(6), source, there)
    return ipv6.build(source, there, 58, message, hop_limit=hop_limit)
