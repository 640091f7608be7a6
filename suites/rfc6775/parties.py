"""What the cases of RFC 6775 and RFC 8505 share: a DUT that has just started, and the tester's parties around it.

Strategy: neighbor discovery is state, so that every case begins with a restart of the DUT and ends with one. Waits are
on the link's clock: on a virtual one an hour costs nothing, on a real one `-m "not slow"` leaves the long ones out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

from fixtures.api import (
    NEIGHBOR_ADVERTISEMENT,
    Case,
    HostParty,
    Identity,
    Inconclusive,
    RigError,
    RouterParty,
    Seen,
    binds,
    let_pass,
    meet,
    message_of,
    prepare,
    registers,
    registration_of,
    undisturbed,
)
from sixlowpan import Contexts, link_local, nd
from sixlowpan.addresses import modified_eui64
from suites.rfc7668.devices import star, star_of

Found = TypeVar("Found")
RS, RA, ICMPV6_NA = 133, 134, 136
#: Of rules that are for hosts: a 6LR does otherwise, since it solicits when it starts (RFC 6775 §8.1.2).
A_HOST = binds("6LN", "nd")
#: Seconds within which a DUT that has just started solicits: it starts, joins its groups, and waits up to 1 s
#: (RFC 4861 §6.3.7).
STARTED = 8.0
#: Seconds for what follows from a message at once.
SOON = 3.0
#: Seconds between two tries at least: RETRANS_TIMER of RFC 4861 §10 is 1 s, and timers are coarse.
APART = 0.8
#: How much earlier than 10 s an RS may come: timers of a small device are that coarse.
EARLY = 0.5
#: The 6LBR that advertisements speak of, beyond our routers.
BORDER = bytes.fromhex("20010db8000000000000000000000b0d")


@contextmanager
def fresh(case: Case) -> Iterator[None]:
    """A DUT that has just started and knows nobody; behind the case it starts again, as other cases find it."""
    tester = case.tester
    before, answers = tester.contexts, tester.answer_ns
    tester.contexts, tester.answer_ns = Contexts(), False
    case.rig.restart()
    meet(case.rig, tester)
    try:
        try:
            with star(case):
                yield
        except RigError:
            _lives(case)  # where its console says nothing because it died, that is the finding
            raise
        _lives(case)
    finally:
        tester.contexts, tester.answer_ns = before, answers
        case.rig.restart()
        prepare(case.rig, case.tester)


def _lives(case: Case) -> None:
    """Show that the DUT is alive, before a restart hides that it is not."""
    case.tester.answer_ns = True  # a router of RFC 4861 asks whom it answers
    case.lives()


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
    here = star_of(case)
    return here.join() if here is not None else HostParty(case.tester, _somebody(case))


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
    """The next packet of the DUT for which `holds(seen)`; None when none comes in time.

    The wait has an end of its own: a host to which ten minutes were granted may say nothing for as long.
    """
    with undisturbed():
        if (here := star_of(case)) is not None:
            return here.heard(holds, seconds)
        deadline = case.tester.now() + seconds
        while (seen := case.tester.hear(deadline)) is not None:
            if seen.view is not None and holds(seen):
                return seen
    return None


def all_heard(case: Case, seconds: float, holds: Callable[[Seen], bool] = lambda _: True) -> list[Seen]:
    """Whatever the DUT sends for so long, as far as `holds`."""
    before = len(case.tester.heard)
    let_pass(case, seconds)
    return [seen for seen in case.tester.heard[before:] if seen.view is not None and holds(seen)]


def tried(case: Case, once: Callable[[], Found | None], what: str) -> Found | None:
    """What comes of `once()`, as often as the rig file says; None: nothing does.

    The state that the DUT is in cannot be had again for a second try. So the result says when something came of that
    only: on a medium that loses frames it may be a loss, or what the first try changed.
    """
    attempts = case.rig.file.attempts
    for number in range(1, attempts + 1):
        if (found := once()) is not None:
            if number > 1:
                case.note(f"{what} came at try {number} of {attempts} only")
            return found
    return None


def answered(
    case: Case, send: Callable[[], bytes], holds: Callable[[Seen], bool], what: str, seconds: float = SOON
) -> tuple[Seen | None, bytes]:
    """Have `send()` send a frame until something comes of it (`tried`): that, and the frame that was sent last."""
    frames: list[bytes] = []

    def once() -> Seen | None:
        frames.append(send())
        return heard(case, holds, seconds)

    return tried(case, once, what), frames[-1]


def readable(case: Case, seen: Seen) -> nd.Message:
    """The message in a packet; one that cannot be read is a finding, and the case ends."""
    message = message_of(seen)
    if message is None:
        breach = nd.breaches(seen.packet)[0]
        case.failed(breach.code, breach.expected, breach.message, requirement=breach.requirement, frame=seen)
    return message


def tells_link(case: Case, options: Sequence[nd.Option]) -> bool:
    """Whether the first SLLAO has a link-layer address of the DUT's: its EUI-64, or its short one (RFC 4944 §8).

    RFC 6775 §10.2: "the link-layer address corresponding to the address being registered", which may be the short one.
    RFC 7668 gives the option no format: it has a device address, or an EUI-64 of it.
    """
    link = case.rig.link
    found = (o.address for o in options if isinstance(o, nd.LinkLayerAddress) and o.type == nd.SLLAO)
    told = next(found, b"")
    short = bool(link.dut_short) and len(told) == 6 and told[:2] == link.dut_short
    longer = {modified_eui64(link.dut), link_local(link.dut)[8:]} if len(link.dut) == 6 else set()
    return told[:8] in {link.dut, *longer} or short


def expect_of_the_link(case: Case, seen: Seen, row: str) -> None:
    """A message of Neighbor Discovery leaves with hop limit 255: by that receivers see that no router forwarded it."""
    found = seen.view.hop_limit
    case.expect(found == 255, "hop_limit", "hop limit 255", str(found), requirement=row, frame=seen)


def expect_no_status(case: Case, seen: Seen, row: str) -> None:
    """The Status of a message that asks for something is 0."""
    asked = registration_of(seen) or message_of(seen)
    case.expect(asked.status == 0, "nd_status", "Status 0", str(asked.status), requirement=row, frame=seen)


def expect_sllao(case: Case, seen: Seen, at: int, row: str) -> None:
    """The options behind so many octets of the ICMPv6 message have the DUT's link-layer address (`tells_link`)."""
    case.expect(
        tells_link(case, nd.options(seen.upper, at)), "nd_sllao", f"an SLLAO with {case.rig.link.dut.hex()}",
        seen.upper[at:].hex() or "no option", requirement=row, frame=seen,
    )  # fmt: skip


def expect_apart(case: Case, times: Sequence[float], frame: bytes) -> None:
    """Tries are RETRANS_TIMER apart. Only a virtual clock tells: on a busy machine what comes is read late."""
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if case.rig.link.clock == "virtual":
        said = ", ".join(f"{gap:.2f}" for gap in gaps)
        case.expect(
            all(gap >= APART for gap in gaps), "nd_interval", "RETRANS_TIMER (1 s) apart", said, frame=frame
        )


def too_close(gap: float, least: float, unsure: float) -> bool | None:
    """Whether what came `gap` seconds apart by its stamps left less than `least` apart; None: that cannot be told.

    `unsure`: by how many seconds the stamp of the earlier one may be late.
    """
    if gap >= least:
        return False
    return None if gap + unsure >= least else True


def expect_spaced(
    case: Case, found: Sequence[Seen], least: float, expected: str, held: float, row: str | None = None
) -> None:
    """What the DUT sent left so many seconds apart, by the stamps of its frames.

    `held`: for how long the rig had been held up when it began to wait for the first. Both stamps are of one clock. A
    frame that is stamped when it is read may have waited for as long as other work held the machine up since then.
    Raises `Inconclusive` where that may be all.
    """
    link = case.rig.link
    unsure = link.clock_error + link.held_up() - held
    for earlier, later in pairwise(found):
        gap = later.began - earlier.began
        close = too_close(gap, least, unsure)
        if close is None:
            slow = f"two messages were read {gap:.1f} s apart, and the rig was held up for {unsure:.1f} s"
            raise Inconclusive(f"machine too slow: {slow}")
        case.expect(not close, "nd_interval", expected, f"{gap:.1f} s", requirement=row, frame=later)


def is_rs(seen: Seen) -> bool:
    return seen.icmp_type == RS


def is_ra(seen: Seen) -> bool:
    return seen.icmp_type == RA


def is_na(seen: Seen) -> bool:
    return seen.icmp_type == NEIGHBOR_ADVERTISEMENT


def to(party: RouterParty | HostParty) -> Callable[[Seen], bool]:
    """Whether a registration goes to this router."""
    return lambda seen: registers(seen) and seen.view.dst == party.address and party.is_for(seen)
