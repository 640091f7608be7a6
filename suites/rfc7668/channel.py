"""What the cases of RFC 7668 share: the live channel where there is one, the tester as 6LBR, and judging elision.

Strategy: MTU, credits and connections are there only on a link that is a real L2CAP channel (`IpspLink`); on a rig that
hands bare SDUs over in memory these cases are `unsupported`. The rules for a 6LN bind a DUT whose profile says that it
is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fixtures.case import Case
from fixtures.stimuli import stimulus
from rigs.links.ipsp import IpspLink, Role, Terms
from rigs.tester import ICMPV6, Seen
from sixlowpan import ipv6, nd
from sixlowpan.ble import wanted
from sixlowpan.dispatch import KIND

IPHC = 0b011
NS, RS = 135, 133
#: SAC SAM or DAC DAM in words.
MODES = {
    0: "in-line",
    1: "64 bits",
    2: "16 bits",
    3: "elided",
    4: "::",
    5: "context and 64 bits",
    6: "context and 16 bits",
}
MODES[7] = "context and elided"


def live(case: Case) -> IpspLink:
    """The link, where it is a live channel."""
    link = case.rig.link
    if not isinstance(link, IpspLink):
        case.unsupported("the link hands over bare SDUs: there is no L2CAP channel to look at")
    return link


def reconnected(case: Case) -> IpspLink:
    """The link after a new connection; that there is one is the DUT's doing as much as ours."""
    link = live(case)
    link.reconnect()
    return link


@contextmanager
def connected(case: Case, terms: Terms | None = None, role: Role | None = None) -> Iterator[IpspLink]:
    """A new connection, on other terms or in other roles; then the usual one again, so that no case sees another's."""
    link = live(case)
    try:
        link.reconnect(terms, role)
        yield link
    finally:
        link.reconnect()


def as_6ln(case: Case) -> None:
    """These rules bind a 6LN."""
    role = case.rig.profile.parameters.role
    if role != "6LN":
        case.unsupported(f"this binds a 6LN, and the profile {case.rig.profile.name} says {role}")


def echoed(case: Case, size: int = 8, **addresses: bytes) -> Seen | None:
    """The answer to an echo of that size, as the DUT put it on the link."""
    return case.answered(lambda: stimulus(case, case.tester.echo(size, **addresses)))


def advertised(case: Case, prefix: bytes, context: int | None = None, *, lifetime: int = 600) -> None:
    """Be a 6LBR: a Router Advertisement with a prefix (A=1, L=0) and its 6CO (RFC 7668 §3.2.2, §3.2.4)."""
    tester = case.tester
    options: list[nd.Option] = [nd.LinkLayerAddress(1, tester.identity.link)]
    options.append(nd.PrefixInformation(prefix, valid_lifetime=lifetime, preferred_lifetime=lifetime))
    if context is not None:
        options.append(nd.ContextOption(prefix, cid=context, valid_lifetime=10))
    source, there = tester.identity.address, tester.dut_address
    message = nd.RouterAdvertisement(router_lifetime=lifetime, options=tuple(options)).build(source, there)
    tester.send_packet(ipv6.build(source, there, ICMPV6, message, hop_limit=255))


def heard(case: Case, holds: Callable[[Seen], bool], seconds: float = 2.0) -> Seen | None:
    """The next packet of the DUT for which `holds(seen)`; None when none comes in time."""
    deadline = case.tester.now() + seconds
    while (seen := case.tester.hear(deadline)) is not None:
        if seen.view is not None and holds(seen):
            return seen
    return None


def registration(seen: Seen) -> nd.AddressRegistration | None:
    """The ARO of a Neighbor Solicitation, if it has one."""
    if seen.icmp_type != NS:
        return None
    message = nd.parse(seen.upper)
    return next((o for o in message.options if isinstance(o, nd.AddressRegistration)), None)


def modes(payload: bytes) -> tuple[int, int]:
    """(SAC SAM, DAC DAM) of an IPHC payload."""
    return payload[1] >> 4 & 7, payload[1] & 7


def well_elided(case: Case, seen: Seen) -> None:
    """Addresses made from the device addresses MUST be fully elided, by either side (RFC 7668 §3.2.4)."""
    payload = seen.payloads[0]
    if payload[0] >> 5 != IPHC or seen.view is None:
        return
    for name, mode, address in zip(
        ("source", "destination"), modes(payload), (seen.view.src, seen.view.dst), strict=True
    ):
        if name == "destination" and address[0] == 0xFF:
            continue
        must = wanted(address, seen.info, case.tester.contexts, source=name == "source")
        if must is not None and must[0] != mode:
            case.finding(
                f"{name}_elision",
                f"{name} {MODES[must[0]]} (mode {must[0]:03b})",
                f"{name} {MODES[mode]} (mode {mode:03b})",
                requirement=must[1],
                frame=seen.frames[0],
                offset=1,
            )


def kind(seen: Seen) -> str:
    """What the first octet of an SDU says it is."""
    return KIND[seen.payloads[0][0]]
