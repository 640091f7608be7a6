"""What the cases of RFC 6775 and RFC 8505 share: a DUT that has just started, and the tester's parties around it.

Strategy: neighbor discovery is state, so that every case begins with a restart of the DUT and ends with one. Waits are
on the link's clock: on a virtual one an hour costs nothing, on a real one `-m "not slow"` leaves the long ones out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from fixtures.api import (
    ALL_NODES,
    ECHO_REPLY,
    ECHO_REQUEST,
    NEIGHBOR_ADVERTISEMENT,
    NEIGHBOR_SOLICITATION,
    UDP,
    Case,
    HostParty,
    Identity,
    RouterParty,
    Seen,
    meet,
    message_of,
    prepare,
    registered_by,
    registers,
    registration_of,
    serving,
)
from sixlowpan import Contexts, ipv6, link_local, nd

RS, RA, ICMPV6_NA = 133, 134, 136
#: Seconds within which a DUT that has just started solicits: it starts, joins its groups, and waits up to 1 s
#: (RFC 4861 §6.3.7).
STARTED = 8.0
#: Seconds for what follows from a message at once.
SOON = 3.0
#: The 6LBR that advertisements speak of, beyond our routers.
BORDER = bytes.fromhex("20010db8000000000000000000000b0d")


@contextmanager
def fresh(case: Case) -> Iterator[None]:
    """A DUT that has just started and knows nobody; behind the case it starts again, as other cases find it."""
    tester = case.tester
    case.result.observed_by = "wire"
    before, answers = tester.contexts, tester.answer_ns
    tester.contexts, tester.answer_ns = Contexts(), False
    case.rig.restart()
    meet(case.rig, tester)
    try:
        yield
        case.lives()  # before a restart hides that it does not
    finally:
        tester.contexts, tester.answer_ns = before, answers
        case.rig.restart()
        prepare(case.rig, case.tester)


def spread(case: Case) -> bytes:
    """A prefix (16 octets, /64) that no case before has used."""
    return bytes.fromhex("20010db8") + case.tester.pattern(3) + b"\x01" + bytes(8)


def pio(prefix: bytes, **fields: object) -> nd.PrefixInformation:
    """A PIO with A=1, L=0."""
    return nd.PrefixInformation(prefix, **{"valid_lifetime": 86400, "preferred_lifetime": 86400, **fields})


def abro(version: int = 1, minutes: int = 60, border: bytes = BORDER) -> nd.AuthoritativeBorderRouter:
    return nd.AuthoritativeBorderRouter(border, version, minutes)


def router(case: Case, *options: nd.Option, **fields: object) -> RouterParty:
    """The tester as one more router."""
    return RouterParty(case.tester, _somebody(case), options=list(options), **fields)


def host(case: Case) -> HostParty:
    """The tester as one more host."""
    return HostParty(case.tester, _somebody(case))


def _somebody(case: Case) -> Identity:
    tester = case.tester
    if not tester.air.link.any_source:
        if getattr(case, "_parties", 0):
            case.unsupported("this link has one address of ours at a time", "not_on_this_link")
        case._parties = 1
        return tester.identity
    before = tester.identity
    made = tester.fresh()
    tester.identity = before
    return made


def heard(case: Case, holds: Callable[[Seen], bool], seconds: float = SOON) -> Seen | None:
    """The next packet of the DUT for which `holds(seen)`; None when none comes in time."""
    deadline = case.tester.now() + seconds
    while (seen := case.tester.hear(deadline)) is not None:
        if seen.view is not None and holds(seen):
            return seen
    return None


def all_heard(case: Case, seconds: float, holds: Callable[[Seen], bool] = lambda _: True) -> list[Seen]:
    """Whatever the DUT sends for so long, as far as `holds`."""
    before = len(case.tester.heard)
    case.tester.listen(seconds)
    return [seen for seen in case.tester.heard[before:] if seen.view is not None and holds(seen)]


def readable(case: Case, seen: Seen) -> nd.Message:
    """The message in a packet; one that cannot be read is a finding, and the case ends."""
    message = message_of(seen)
    if message is None:
        breach = nd.breaches(seen.packet)[0]
        case.failed(
            breach.code, breach.expected, breach.message, requirement=breach.requirement, frame=seen.frames[0]
        )
    return message


def is_rs(seen: Seen) -> bool:
    return seen.icmp_type == RS


def is_ra(seen: Seen) -> bool:
    return seen.icmp_type == RA


def is_na(seen: Seen) -> bool:
    return seen.icmp_type == NEIGHBOR_ADVERTISEMENT


def to(party: RouterParty | HostParty) -> Callable[[Seen], bool]:
    """Whether a registration goes to this router."""
    return lambda seen: registers(seen) and seen.view.dst == party.address and party.is_for(seen)


# -- the DUT as a host ------------------------------------------------------------------------------------------


def attach(case: Case, party: RouterParty, prefix: bytes) -> bytes:
    """Have the DUT attach to a serving router; the address of `prefix` that it registers.

    One that registers none is a finding, and the case ends.
    """
    for _ in range(case.rig.file.attempts + 1):
        party.advertise()
        seen = heard(
            case, lambda s: registered_by(s) is not None and registered_by(s)[:8] == prefix[:8], STARTED
        )
        if seen is not None:
            case.tester.listen(0.1)  # what the answer to it draws
            return registered_by(seen)
    return unregistered(case)


def unregistered(case: Case) -> NoReturn:
    """No registration followed an advertisement with a prefix for autoconfiguration."""
    case.failed(
        "not_registered",
        "NS with ARO for an address of the advertised prefix",
        "none",
        requirement="RFC6775-5.4.1-02",
    )


@contextmanager
def attached(case: Case, *options: nd.Option, **fields: object) -> Iterator[tuple[RouterParty, bytes]]:
    """A fresh DUT with one router that confirms its registrations: the router, and the DUT's global address."""
    with fresh(case):
        prefix = spread(case)
        party = router(case, pio(prefix), abro(), *options, **fields)
        with serving(case.tester, party):
            yield party, attach(case, party, prefix)


def answers_at(case: Case, party: RouterParty, address: bytes) -> Seen | None:
    """The DUT's answer to an echo to one of its addresses."""
    tester = case.tester
    for _ in range(case.rig.file.attempts):
        request = tester.echo(source=party.address, destination=address)
        party.send(request)
        seen = heard(
            case, lambda s, wanted=request[44:48]: s.icmp_type == ECHO_REPLY and s.upper[4:8] == wanted
        )
        if seen is not None:
            return seen
    return None


def pinged(case: Case, destination: bytes, seconds: float = SOON) -> tuple[Seen | None, list[Seen]]:
    """Have the DUT ping an address: the request as it came, and what Neighbor Solicitations for it came first."""
    solicited: list[Seen] = []

    def holds(seen: Seen) -> bool:
        if seen.icmp_type == NEIGHBOR_SOLICITATION and seen.upper[8:24] == destination:
            solicited.append(seen)
        return seen.icmp_type == ECHO_REQUEST and seen.view.dst == destination

    case.rig.node.ping(destination, 8, case.tester.next_identifier(), 1)
    return heard(case, holds, seconds), solicited


# -- the DUT as a router ----------------------------------------------------------------------------------------


@contextmanager
def routing(case: Case, *options: nd.Option, **fields: object) -> Iterator[tuple[RouterParty, bytes]]:
    """A fresh DUT that is a router: a router above it (of a 6LR), and the prefix that it advertises.

    A 6LR is told of a 6LBR first, which may be an end of the tester's as well; a 6LBR has been given addresses.
    """
    with fresh(case):
        above = router(case, **fields)
        with serving(case.tester, above):
            if case.rig.profile.parameters.role == "6LBR":
                prepare(case.rig, case.tester)
                case.tester.answer_ns = False
                yield above, _advertised_prefix(case)
                return
            prefix = spread(case)
            above.options = [pio(prefix), *(options or (abro(),))]
            become_router(case, above)
            yield above, prefix


def become_router(case: Case, above: RouterParty) -> None:
    """Advertise to a 6LR until it is a router: until it answers a solicitation."""
    for _ in range(3):
        above.advertise()
        case.tester.listen(1.0)
        if advertisement(case, host(case)) is not None:
            return
    case.failed(
        "no_ra", "a Router Advertisement in answer to a solicitation", "none", requirement="RFC6775-6.3-05"
    )


def advertisement(case: Case, party: HostParty, *options: nd.Option) -> Seen | None:
    """The RA that answers a solicitation of this host's."""
    for _ in range(case.rig.file.attempts):
        party.solicit(*options)
        seen = heard(case, lambda s: is_ra(s) and s.view.dst in {party.address, ALL_NODES}, SOON)
        if seen is not None:
            return seen
    return None


def _advertised_prefix(case: Case) -> bytes:
    seen = advertisement(case, host(case))
    options = readable(case, seen).options if seen is not None else ()
    found = [o.prefix for o in options if isinstance(o, nd.PrefixInformation)]
    if not found:
        case.failed("no_ra", "a Router Advertisement with a prefix", "none", requirement="RFC6775-6.3-05")
    return found[0]


def registered(
    case: Case,
    party: HostParty,
    address: bytes,
    option: nd.AddressRegistration | None = None,
    seconds: float = 8.0,
) -> tuple[int | None, Seen | None]:
    """Register an address of this host's: the status of the answer, and the answer; (None, None) without one."""
    option = party.aro() if option is None else option
    case.tester.also(address)
    packet = party.registration(address, option)
    for _ in range(case.rig.file.attempts):
        party.send(packet)
        seen = heard(case, lambda s: is_na(s) and answer_to(s, option) is not None, seconds)
        if seen is not None:
            return registration_of(seen).status, seen
    return None, None


def answer_to(seen: Seen, option: nd.AddressRegistration) -> nd.AddressRegistration | None:
    """The (E)ARO of an answer to that registration."""
    found = registration_of(seen)
    return found if found is not None and found.rovr[:8] == option.rovr[:8] else None


def global_of(party: HostParty, prefix: bytes) -> bytes:
    """The address of a prefix and this host's EUI-64."""
    return prefix[:8] + link_local(party.link)[8:]


def arrives(case: Case, sender: RouterParty | HostParty, destination: bytes, link: bytes) -> Seen | None:
    """A datagram through the DUT to this address, as it comes out at that link-layer address; None: it does not."""
    source = bytes.fromhex("20010db8ffff0000") + case.tester.pattern(8)
    for _ in range(case.rig.file.attempts):
        data = case.tester.pattern(12)
        message = ipv6.udp(0xF0B5, 0xF0B6, data, source, destination)
        sender.send(ipv6.build(source, destination, UDP, message))
        seen = heard(
            case,
            lambda s, d=data: s.view.dst == destination and s.upper[8:] == d and s.info.dst == link,
            SOON,
        )
        if seen is not None:
            return seen
    return None
