"""What the cases of RFC 7668 share: the live channel where there is one, the tester as 6LBR, and judging elision.

Strategy: MTU, credits and connections are there only on a link that is an L2CAP channel (`ChannelLink`); on a rig that
hands over bare SDUs these cases are `unsupported`. The rules for a 6LN bind a DUT whose profile says that it is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from typing import Any
from weakref import WeakKeyDictionary

from fixtures.api import ECHO_REQUEST, Case, Link, RouterParty, Seen, Stimulus, registration_of, stimulus
from rigs.links.ipsp.channel_link import ChannelLink, Refused, Role, Terms
from sixlowpan import DecodeError, decode, link_local, nd
from sixlowpan.addresses import is_link_local
from sixlowpan.dispatch import KIND
from sixlowpan.rfc7668 import wanted

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
    7: "context and elided",
}

#: What the DUT at the other end of a link has registered with us, the latest last.
_registered: WeakKeyDictionary[Link, tuple[bytes, ...]] = WeakKeyDictionary()
#: Seconds in which a 6LN registers an address.
REGISTERS = 3.0
#: How often a registration was waited for in vain, endlessly less where one came: and how often that is done in full.
_in_vain: WeakKeyDictionary[Link, float] = WeakKeyDictionary()
_PATIENCE = 3


def live(case: Case) -> ChannelLink:
    """The link, where it is a live channel."""
    link = case.rig.link
    if not isinstance(link, ChannelLink):
        case.unsupported(
            "the link hands over bare SDUs: there is no L2CAP channel to look at", "not_on_this_link"
        )
    return link


def is_ping(seen: Seen, identifier: int, there: bytes) -> bool:
    """Whether a packet is what the DUT was told to ping `there`: many shells choose the identifier themselves."""
    told = seen.upper[4:6] == identifier.to_bytes(2) or (seen.view is not None and seen.view.dst == there)
    return seen.icmp_type == ECHO_REQUEST and told


def in_k_frames(case: Case, link: ChannelLink, octets: int, data: int) -> Stimulus:
    """An echo with so many octets of data, in K-frames of `octets`; the controls go as always."""
    link.segment(octets)  # holds for the next SDU
    return stimulus(case, case.tester.echo(data))


def reconnected(case: Case) -> ChannelLink:
    """The link after a new connection; that there is one is the DUT's doing as much as ours."""
    link = live(case)
    link.reconnect()
    met(case)
    return link


def met(case: Case) -> None:
    """The DUT may have come with another device address, and its link-local address goes with that (§3.2.2)."""
    tester, node = case.tester, case.rig.node
    if tester.dut_address[8:] == link_local(case.rig.link.dut)[8:]:
        return
    tester.dut_address = node.addresses()[0]
    if "address" in case.rig.profile.abilities and 0 in tester.contexts:
        node.add_address(tester.contexts[0].prefix[:8] + tester.dut_address[8:])


@contextmanager
def connected(case: Case, terms: Terms | None = None, role: Role | None = None) -> Iterator[ChannelLink]:
    """A new connection, on other terms or in other roles; then the usual one again, so that no case sees another's.

    A DUT that refuses a channel on these terms twice, and has one on the usual terms in between, fails the case.
    """
    link = live(case)
    try:
        _opened(case, link, terms, role)
        met(case)
        yield link
    finally:
        link.reconnect()
        met(case)


def _opened(case: Case, link: ChannelLink, terms: Terms | None, role: Role | None) -> None:
    try:
        link.reconnect(terms, role)
    except Refused:
        if terms is None:
            raise
        link.reconnect()  # who refuses this one, too, does not mean the terms
        try:
            link.reconnect(terms, role)
        except Refused as refused:
            # Core Vol 3 Part A §4.22: 23 is the least MTU and MPS, and credits are 0 to 65535
            case.failed("refused", f"a channel on {terms}, as on the usual terms", str(refused))


@contextmanager
def anew(case: Case) -> Iterator[None]:
    """A DUT that knows no router, before and behind: on a live channel by new connections."""
    link, contexts = case.rig.link, case.tester.contexts
    if isinstance(link, ChannelLink):
        link.reconnect()
        _registered.pop(link, None)
        met(case)
    try:
        yield
    finally:
        case.tester.contexts = contexts
        if isinstance(link, ChannelLink):
            link.reconnect()
            _registered.pop(link, None)
            met(case)


def as_6ln(case: Case) -> None:
    """These rules bind a 6LN."""
    _as(case, "6LN")


def as_6lbr(case: Case) -> None:
    """These rules bind a 6LBR."""
    _as(case, "6LBR")


def _as(case: Case, bound: str) -> None:
    role = case.rig.profile.parameters.role
    if role != bound:
        name = case.rig.profile.name
        case.unsupported(f"this binds a {bound}, and the profile {name} says {role}", "not_declared")


def echoed(case: Case, size: int = 8, **addresses: Any) -> Seen | None:
    """The answer to an echo of that size, as the DUT put it on the link.

    A global destination goes with its 64 bits (DAM=01): elided it means one thing to a 6LN, another to RFC 6282.
    """
    destination = addresses.get("destination", bytes([0xFE, 0x80]))
    form: dict[str, Any] = {"DAC": 1, "DAM": 1} if destination[:1] == b"\x20" else {}
    return case.answered(lambda: stimulus(case, case.tester.echo(size, **addresses), **form))


def advertised(case: Case, prefix: bytes, context: int | None = None, *, lifetime: int = 600) -> None:
    """Be a 6LBR: a Router Advertisement with a prefix (A=1, L=0) and its 6CO (RFC 7668 §3.2.2, §3.2.4)."""
    tester = case.tester
    options: list[nd.Option] = [
        nd.PrefixInformation(prefix, valid_lifetime=lifetime, preferred_lifetime=lifetime)
    ]
    if context is not None:
        option = nd.ContextOption(prefix, cid=context, valid_lifetime=10)
        options.append(option)
        tester.contexts = tester.contexts.with_context(context, option.context())
    RouterParty(tester, tester.identity, options, lifetime).advertise()


def heard(case: Case, holds: Callable[[Seen], bool], seconds: float = 2.0) -> Seen | None:
    """The next packet of the DUT for which `holds(seen)`; None when none comes in time."""
    deadline = case.tester.now() + seconds
    while (seen := case.tester.hear(deadline)) is not None:
        if seen.view is not None and holds(seen):
            return seen
    return None


def registers(case: Case, holds: Callable[[Seen], bool]) -> Seen | None:
    """As `heard`, for a registration: who never sent one is waited for in full some times, then as for any answer."""
    link = case.rig.link
    before = _in_vain.get(link, 0)
    brief = link.clock != "virtual" and before >= _PATIENCE
    seen = heard(case, holds, case.settle if brief else REGISTERS)
    _in_vain[link] = before + 1 if seen is None else -inf
    return seen


def registration(seen: Seen) -> nd.AddressRegistration | None:
    """The ARO of a Neighbor Solicitation, if it has one."""
    return registration_of(seen) if seen.icmp_type == NS else None


def registered_address(case: Case, seen: Seen) -> bytes | None:
    """The address that a packet registers: the source (RFC 6775 §5.5), or the target.

    The target it is with the T flag and a link-local source (RFC 8505 §5.6): to an old router an EARO goes from the
    registered address (§6.3).
    """
    option = registration(seen)
    if option is None:
        return None
    if seen.view is None or (option.t and is_link_local(seen.view.src)):
        return seen.upper[8:24]
    info = replace(seen.info, role="6LN", registered=_registered.get(case.rig.link, ()))
    try:
        return decode(seen.payloads[0], info, case.tester.contexts)[8:24]
    except DecodeError:  # elided, though nothing is registered: as RFC 6282 alone reads it
        return seen.view.src


def confirm_registration(case: Case, seen: Seen, address: bytes, status: int = 0) -> None:
    """Be the 6LBR that keeps a registration (or by another status does not): an NA with ARO for the NS seen."""
    RouterParty(case.tester, case.tester.identity).confirm(seen, status, to=None if status else address)
    if status:
        return
    known = _registered.get(case.rig.link, ())
    _registered[case.rig.link] = (*(a for a in known if a != address), address)


def refreshed(case: Case, address: bytes | None, seconds: float = 900.0) -> None:
    """Let time pass in which the DUT registers its addresses again; only that of `address` is confirmed, if any."""
    tester = case.tester
    with tester.keeping_quiet():
        end = tester.now() + seconds
        while (seen := tester.hear(end)) is not None:
            if address is not None and registered_address(case, seen) == address:
                confirm_registration(case, seen, address)


def confirmed(case: Case, address: bytes, *, status: int | None = 0) -> Seen | None:
    """Give the DUT an address and, as its 6LBR, answer the registration by an NA with ARO; None if it has none.

    `status` other than 0, or None (silence): the address does not count as registered then (RFC 7668 §3.2.4).
    """
    with case.tester.keeping_quiet():  # the ordinary answer has no ARO, which says that we are no 6LBR
        case.give_address(address)
        seen = registers(case, lambda s: registered_address(case, s) == address)
    if seen is not None and status is not None:
        confirm_registration(case, seen, address, status)
    return seen


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
                frame=seen,
                offset=1,
            )


def kind(seen: Seen) -> str:
    """What the first octet of an SDU says it is."""
    return KIND[seen.payloads[0][0]]
