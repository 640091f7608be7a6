"""What the cases about a 6LR or 6LBR share: a DUT that is a router, and hosts of the tester's that register with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fixtures.api import (
    ALL_NODES,
    UDP,
    Case,
    HostParty,
    RouterParty,
    Seen,
    advice,
    prepare,
    registration_of,
    serving,
)
from sixlowpan import ipv6, link_local, nd
from suites.rfc6775.parties import (
    SOON,
    abro,
    fresh,
    heard,
    host,
    is_na,
    is_ra,
    pio,
    readable,
    router,
    spread,
    tried,
)
from suites.rfc7668.devices import Device


@contextmanager
def routing(
    case: Case, *options: nd.Option, **fields: object
) -> Iterator[tuple[RouterParty | HostParty, bytes]]:
    """A fresh DUT that is a router: who sends packets through it, and the prefix that it advertises.

    That is a router above a 6LR; over Bluetooth LE another 6LN. A 6LR is told of a 6LBR first, which may be an end of
    the tester's as well; a 6LBR has been given addresses.
    """
    with fresh(case):
        above = router(case, **fields)
        with serving(case.tester, above):
            if case.rig.profile.parameters.role == "6LBR":
                prepare(case.rig, case.tester)
                case.tester.answer_ns = False
                first = host(case)
                prefix = _advertised_prefix(case, first)
                if isinstance(first, Device):
                    registered(case, first, global_of(first, prefix))
                    yield first, prefix
                    return
                yield above, prefix
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
    """The RA that answers a solicitation of this host's: one to all nodes only where none comes to the host itself.

    §6.4: a router may advertise to all nodes when it likes, and what it said then may be out of date.
    """
    return tried(case, lambda: solicited(case, party, *options), "a Router Advertisement")


def solicited(case: Case, party: HostParty, *options: nd.Option) -> Seen | None:
    """What answers one solicitation, as `advertisement` has it."""
    to_all: list[Seen] = []

    def answers(seen: Seen) -> bool:
        if is_ra(seen) and seen.view.dst == ALL_NODES:
            to_all.append(seen)
        return is_ra(seen) and seen.view.dst == party.address

    party.solicit(*options)
    return heard(case, answers, SOON) or (to_all[-1] if to_all else None)


def _advertised_prefix(case: Case, party: HostParty) -> bytes:
    seen = advertisement(case, party)
    options = readable(case, seen).options if seen is not None else ()
    prefixes = [o for o in options if isinstance(o, nd.PrefixInformation)]
    found = [o.prefix for o in prefixes if o.autonomous] or [o.prefix for o in prefixes]
    if not found and seen is not None and isinstance(party, Device):
        case.unsupported("the DUT advertises no prefix: a star of its own (RFC 7668 §3.3)")
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

    def once() -> Seen | None:
        party.send(packet)
        return heard(case, lambda s: is_na(s) and answer_to(s, option) is not None, seconds)

    seen = tried(case, once, f"an answer to the registration of {address.hex()}")
    return (registration_of(seen).status, seen) if seen is not None else (None, None)


def answer_to(seen: Seen, option: nd.AddressRegistration) -> nd.AddressRegistration | None:
    """The (E)ARO of an answer to that registration."""
    found = registration_of(seen)
    return found if found is not None and found.rovr[:8] == option.rovr[:8] else None


def kept(case: Case, party: HostParty, address: bytes, **fields: object) -> None:
    """Register an address, which the rest of the case needs; else the case ends."""
    status, seen = registered(case, party, address, party.aro(**fields))
    if status != 0:
        case.failed(
            "not_confirmed",
            "NA with ARO status 0",
            f"status {status}" if seen is not None else "no NA with ARO",
            requirement="RFC6775-6.5.3-01",
            frame=seen,
        )


@contextmanager
def registered_host(
    case: Case, **fields: object
) -> Iterator[tuple[RouterParty | HostParty, HostParty, bytes]]:
    """A DUT that is a router (`routing`), and has registered a host: who sends through it, the host, its address."""
    with routing(case) as (above, prefix):
        party = host(case)
        address = global_of(party, prefix)
        kept(case, party, address, **fields)
        yield above, party, address


def own_address_stays_its_own(
    case: Case, party: HostParty, prefix: bytes, option: nd.AddressRegistration | None = None
) -> None:
    """An address of the router's own is nobody else's: a host that registers it gets no status 0. That is advice."""
    own = [a for a in case.rig.node.addresses() if a[:8] == prefix[:8]]
    if not own:
        case.unsupported("the DUT has no address of its prefix")
    status, seen = registered(case, party, own[0], option)
    with advice(case):
        case.expect(
            status != 0, "duplicate", "no status 0 for the router's own address", "status 0", frame=seen
        )


def global_of(party: RouterParty | HostParty, prefix: bytes) -> bytes:
    """The address of a prefix and this host's EUI-64."""
    return prefix[:8] + link_local(party.link)[8:]


def another(case: Case, prefix: bytes, party: HostParty | None = None) -> tuple[HostParty, bytes]:
    """One more host, and its address of this prefix.

    Over Bluetooth LE, where each host is a connection, that may be `party` with one more address.
    """
    if party is not None and isinstance(party, Device):
        return party, prefix[:8] + case.tester.pattern(7) + b"\2"
    made = host(case)
    return made, global_of(made, prefix)


def arrives(case: Case, sender: RouterParty | HostParty, destination: bytes, link: bytes) -> Seen | None:
    """A datagram through the DUT to this address, as it comes out at that link-layer address; None: it does not."""
    source = bytes.fromhex("20010db8ffff0000") + case.tester.pattern(8)
    if isinstance(sender, Device) and sender.registered:
        source = sender.registered[-1]

    def once() -> Seen | None:
        data = case.tester.pattern(12)
        message = ipv6.udp(0xF0B5, 0xF0B6, data, source, destination)
        sender.send(ipv6.build(source, destination, UDP, message))
        return heard(
            case, lambda s: s.view.dst == destination and s.upper[8:] == data and s.info.dst == link, SOON
        )

    return tried(case, once, f"a packet to {destination.hex()} through the DUT")
